/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks of containers have in common: the fences that these are made of, and the
 * callbacks that wait for them.
 */
#ifndef DMAFENCE_BENCH_MEMBERS_H
#define DMAFENCE_BENCH_MEMBERS_H

#include <stddef.h>
#include <stdint.h>

#include <dmafence/fence.h>

#include "embedded-fence.h"

#define MOST_MEMBERS 1000000

/*
 * One block, a cache line each, used again and again: where malloc() happens to put a fence would
 * otherwise decide how long it takes to get at it.
 */
extern struct aligned_fence bench_members[MOST_MEMBERS];

static inline struct dma_fence *bench_member(size_t index)
{
	return &bench_members[index].fence;
}

/** bench_init_members - contexts and seqnos count up from 1; the bench holds a reference to each */
void bench_init_members(size_t count);

/** bench_put_members - drops these references */
void bench_put_members(size_t count);

/** bench_random - less than 'below'; the same sequence in every run of the program */
uint64_t bench_random(uint64_t below);

/** bench_shuffle - puts them in random order */
void bench_shuffle(uint32_t *indices, size_t count);

/** bench_count_call - a callback that leaves a trace, so that it cannot have been left out */
void bench_count_call(struct dma_fence *fence, struct dma_fence_cb *cb);

/** bench_check_called - fails unless so many have been called since the last check */
void bench_check_called(uint64_t expected);

/**
 * bench_deferred - so much memory has been put that is freed after a grace period
 *
 * Waits for that when it has become much. Not to be called in what is timed. To wait each time
 * would take longer than all the measuring.
 */
void bench_deferred(size_t bytes);

#endif
