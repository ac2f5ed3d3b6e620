/* SPDX-License-Identifier: MIT */
/* Timelines of sync objects: of one process, and shared by two. */
#ifndef DMAFENCE_BENCH_TIMELINES_H
#define DMAFENCE_BENCH_TIMELINES_H

#include <stdbool.h>
#include <stdint.h>

/** bench_passed - a point that has passed: a load, as the answer to a query; waited for; status */
#define BENCH_PASSED_ROWS 3
void bench_passed(uint64_t ops, double *results, const void *parameters);

/** bench_points - a point is added; its fence signaled */
#define BENCH_POINTS_ROWS 2
void bench_points(uint64_t ops, double *results, const void *parameters);

/** The 'parameters' of both: a bool, whether the object is shared. */
extern const bool bench_local, bench_shared;

/**
 * struct bench_crowd - who waits, for the same point
 *
 * Those of a shared object are in another process. All are bound to the second CPU, so that what is
 * measured is what it takes to get through all of them.
 */
struct bench_crowd {
	unsigned int count;
	bool shared;
};

/** The largest crowd. */
#define BENCH_MOST_WAITERS 1000

/**
 * bench_wake_crowd - from just before the signal until the last has woken, per waiter
 *
 * Sleeping on a bare futex; in a wait for a point. 'parameters' is a struct bench_crowd.
 */
#define BENCH_CROWD_ROWS 2
void bench_wake_crowd(uint64_t ops, double *results, const void *parameters);

#endif
