/* SPDX-License-Identifier: MIT */
/* What enumerators are called in JSON and DOT. */
#ifndef DMAFENCE_DIAG_EXPLAIN_NAMES_H
#define DMAFENCE_DIAG_EXPLAIN_NAMES_H

#include <dmafence/explain.h>

static inline const char *explain_kind_name(enum dma_fence_explanation_kind kind)
{
	static const char *const names[] = {
		[DMA_FENCE_EXPLANATION_FENCE] = "fence",
		[DMA_FENCE_EXPLANATION_ARRAY] = "array",
		[DMA_FENCE_EXPLANATION_LINK] = "link",
		[DMA_FENCE_EXPLANATION_PROMISE] = "promise",
		[DMA_FENCE_EXPLANATION_SYNC_FILE] = "sync file",
		[DMA_FENCE_EXPLANATION_SHARED] = "shared",
		[DMA_FENCE_EXPLANATION_POINT] = "point",
		[DMA_FENCE_EXPLANATION_RESV] = "reservation object",
		[DMA_FENCE_EXPLANATION_CONTEXT] = "context",
		[DMA_FENCE_EXPLANATION_THREAD] = "thread",
		[DMA_FENCE_EXPLANATION_CALLBACK] = "callback",
	};

	return names[kind];
}

static inline const char *explain_state_name(enum dma_fence_explanation_state state)
{
	static const char *const names[] = {
		[DMA_FENCE_EXPLANATION_PENDING] = "pending",
		[DMA_FENCE_EXPLANATION_COMPLETE] = "complete",
		[DMA_FENCE_EXPLANATION_SIGNALED] = "signaled",
		[DMA_FENCE_EXPLANATION_DRAINED] = "drained",
		[DMA_FENCE_EXPLANATION_QUARANTINED] = "quarantined",
		[DMA_FENCE_EXPLANATION_UNPROMISED] = "unpromised",
		[DMA_FENCE_EXPLANATION_UNKNOWN] = "unknown",
		[DMA_FENCE_EXPLANATION_NO_STATE] = "none",
	};

	return names[state];
}

static inline const char *explain_relation_name(enum dma_fence_explanation_relation relation)
{
	static const char *const names[] = {
		[DMA_FENCE_EXPLANATION_MADE_OF] = "made of",
		[DMA_FENCE_EXPLANATION_SIGNALED_BY] = "signaled by",
		[DMA_FENCE_EXPLANATION_GUESSED] = "last signaled by",
		[DMA_FENCE_EXPLANATION_SLEEPS] = "sleeps for",
		[DMA_FENCE_EXPLANATION_SLEEPS_FOR_ANY] = "sleeps for any",
		[DMA_FENCE_EXPLANATION_CALLED] = "called by",
		[DMA_FENCE_EXPLANATION_DEPENDS] = "depends on",
		[DMA_FENCE_EXPLANATION_KEPT_WITH] = "kept with",
	};

	return names[relation];
}

static inline const char *explain_usage_name(enum dma_resv_usage usage)
{
	static const char *const names[] = {
		[DMA_RESV_USAGE_KERNEL] = "kernel",
		[DMA_RESV_USAGE_WRITE] = "write",
		[DMA_RESV_USAGE_READ] = "read",
		[DMA_RESV_USAGE_BOOKKEEP] = "bookkeep",
	};

	return names[usage];
}

#endif
