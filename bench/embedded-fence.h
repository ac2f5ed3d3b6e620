/* SPDX-License-Identifier: MIT */
/* The fences that are measured: in storage of the benchmark's own, a cache line each. */
#ifndef DMAFENCE_BENCH_EMBEDDED_FENCE_H
#define DMAFENCE_BENCH_EMBEDDED_FENCE_H

#include <dmafence/fence.h>

#define CACHE_LINE 64

/* Any time will do where the clock is not to be read. */
#define SOME_TIME 1000000000

static inline void no_release(struct dma_fence *fence)
{
	(void)fence;
}

static const struct dma_fence_ops embedded_ops = {
	.release = no_release,
};

struct aligned_fence {
	struct dma_fence fence;
} __attribute__((aligned(CACHE_LINE)));

#endif
