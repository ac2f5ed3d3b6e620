/* SPDX-License-Identifier: MIT */
/* Single operations that others are compared with, each in a loop of its own. */
#ifndef DMAFENCE_BENCH_FLOORS_H
#define DMAFENCE_BENCH_FLOORS_H

#include <stdint.h>

/*
 * The loop itself, a count and a branch that is predicted right, is part of every time; it runs
 * beside the operation rather than after it.
 */

/** bench_atomic - an atomic read-modify-write that nobody contends for */
int64_t bench_atomic(uint64_t ops);

/** bench_load - a load, and a branch on what it loads, as with an answer to a query */
int64_t bench_load(uint64_t ops);

#endif
