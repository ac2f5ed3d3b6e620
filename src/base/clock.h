/* SPDX-License-Identifier: MIT */
/*
 * The clock: nanoseconds of CLOCK_MONOTONIC, in which every time and timeout of the library is.
 */
#ifndef DMAFENCE_BASE_CLOCK_H
#define DMAFENCE_BASE_CLOCK_H

#include <errno.h>
#include <stdint.h>
#include <time.h>

/* Later than any time the clock will show; a deadline that does not come. */
#define CLOCK_NEVER INT64_MAX

static inline int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The deadline 'timeout' nanoseconds (0 or more) from now; CLOCK_NEVER where that is too far. */
static inline int64_t clock_deadline(int64_t timeout)
{
	int64_t deadline;

	if (timeout == CLOCK_NEVER || __builtin_add_overflow(clock_now(), timeout, &deadline))
		return CLOCK_NEVER;
	return deadline;
}

/*
 * What a wait returns that was given 'timeout', and has ended with 'ret', 0 or a negative errno:
 * the time that is left, at least 1, or 0 for -ETIMEDOUT.
 */
static inline int64_t clock_time_left(int ret, int64_t timeout, int64_t deadline)
{
	int64_t left;

	if (ret == -ETIMEDOUT)
		return 0;
	if (ret)
		return ret;
	if (timeout == CLOCK_NEVER || !timeout)
		return timeout ? timeout : 1;
	left = deadline - clock_now();
	return left > 0 ? left : 1;
}

#endif
