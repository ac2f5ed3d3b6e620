/* SPDX-License-Identifier: MIT */
/* What the library asks of the system, as the scheduler has it. */
#ifndef TESTS_MODEL_ENVIRONMENT_H
#define TESTS_MODEL_ENVIRONMENT_H

#include <time.h>

void environment_init(void);
void environment_reset(void);

/* The real one. */
void environment_clock(struct timespec *now);

#endif
