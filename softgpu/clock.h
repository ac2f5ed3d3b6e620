/* SPDX-License-Identifier: MIT */
/* The clock of fences' timestamps, in nanoseconds. */
#ifndef SOFTGPU_CLOCK_H
#define SOFTGPU_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

#endif
