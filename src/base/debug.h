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

/* What the core itself looks at. */
enum debug {
	DEBUG_LOCKING = 1 << 0,	   /* how wound/wait locks are used */
	DEBUG_LOCKS = 1 << 1,	   /* the hooks of locks are to be called */
	DEBUG_SIGNALLING = 1 << 2, /* signalling sections, and the locks of users */
};

extern uint32_t dma_fence_debug_flags;

static inline bool debug(uint32_t what)
{
	return unlikely(atomic_load_relaxed(&dma_fence_debug_flags) & what);
}

void dma_fence_debug_set(enum debug what);
void dma_fence_debug_clear(enum debug what);

/* What is in the environment. */
void dma_fence_debug_start(void);

/* A word that can be switched on. */
struct debug_word {
	const char *word;
	void (*start)(void);
};

/* Whoever is above lists them all (diag/words.c). The last has no word. */
extern const struct debug_word dma_fence_debug_words[];

#endif
