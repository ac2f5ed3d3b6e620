/* SPDX-License-Identifier: MIT */
/*
 * Merging two arrays of pending fences, whose contexts are in random order in each. Contexts of the
 * second are others than those of the first, or the same, with later fences.
 */
#ifndef DMAFENCE_BENCH_MERGES_H
#define DMAFENCE_BENCH_MERGES_H

#include <stdbool.h>
#include <stdint.h>

struct merge_case {
	unsigned int contexts; /* in each of the two arrays */
	bool same;
};

/** bench_merge - merge; put of what comes of it, until its memory is left to a grace period */
#define BENCH_MERGE_ROWS 2
void bench_merge(uint64_t ops, double *results, const void *merge_case);

#endif
