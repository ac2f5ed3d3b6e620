/* SPDX-License-Identifier: MIT */
/*
 * What is to be checked that costs time: the words of the environment variable DMA_FENCE_DEBUG,
 * separated by commas. Off, each check costs one load and one predictable branch.
 */
#ifndef DMAFENCE_BASE_DEBUG_H
#define DMAFENCE_BASE_DEBUG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

enum debug {
	DEBUG_LOCKING = 1 << 0, /* "locking": how wound/wait locks are used */
};

extern uint32_t dma_fence_debug;

static inline bool debug(enum debug what)
{
	return atomic_load_relaxed(&dma_fence_debug) & what;
}

/* Switches on what the words name, and all else off; NULL for nothing. Others are reported. */
void dma_fence_debug_set(const char *words);

#endif
