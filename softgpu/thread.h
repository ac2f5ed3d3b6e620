/* SPDX-License-Identifier: MIT */
/* Threads of the device's. */
#ifndef SOFTGPU_THREAD_H
#define SOFTGPU_THREAD_H

#include <pthread.h>

/*
 * Starts one, with all signals blocked: the program's signal handlers are to run on its own
 * threads. Of the name 15 bytes count. Returns 0 or -errno.
 */
int softgpu_thread_start(pthread_t *thread, const char *name, void *(*func)(void *arg), void *arg);

#endif
