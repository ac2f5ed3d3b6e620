/* SPDX-License-Identifier: MIT */
/*
 * Files: eventfds and epoll instances, as their manuals say. Each call is a step, and all of them
 * depend on each other. What a file tells orders nothing: it is for the library's own locks to do
 * that. A number is not given out twice in a run, so that one that is used too late is seen.
 */
#ifndef TESTS_MODEL_FILES_H
#define TESTS_MODEL_FILES_H

#include <stddef.h>

/* For another run. */
void files_reset(void);

/* How many are open, and who has opened the first of them. */
size_t files_open(void **pc);

#endif
