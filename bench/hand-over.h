/* SPDX-License-Identifier: MIT */
/*
 * Hand-overs between two threads, each bound to its CPU. The measuring thread is the first one.
 *
 * Variants take turns sample by sample. Of each the median counts: a sample in which somebody else
 * had the CPU is thousands of times as long as the others, and says nothing about any of them.
 *
 * Of the arguments 'parameters' is not used.
 */
#ifndef DMAFENCE_BENCH_HAND_OVER_H
#define DMAFENCE_BENCH_HAND_OVER_H

#include <stdint.h>

/** bench_futex_wake - the bare system call */
long bench_futex_wake(uint32_t *futex);

/** bench_wake_sleeping - bare futex; fence */
#define BENCH_SLEEPING_ROWS 2
void bench_wake_sleeping(uint64_t ops, double *results, const void *parameters);

/** bench_wake_spinning - bare line, the same again; bare line; fence; fence without the clock */
#define BENCH_SPINNING_ROWS 4
void bench_wake_spinning(uint64_t ops, double *results, const void *parameters);

#endif
