/* SPDX-License-Identifier: MIT */
/*
 * How fences ended, of one and of several: the latest timestamp, and the error of the one that
 * failed first.
 */
#ifndef DMAFENCE_FENCE_OUTCOME_H
#define DMAFENCE_FENCE_OUTCOME_H

#include <dmafence/array.h>

#include "fence/state.h"

/* Both are of fences that the caller has seen to be signaled. */

static inline int fence_error(const struct dma_fence *fence)
{
	return atomic_load_relaxed(&fence->error);
}

static inline int64_t fence_timestamp(const struct dma_fence *fence)
{
	return state_timestamp(atomic_load_relaxed(&fence->state));
}

/* Of two that failed at the same time the first one counts; @before: that is the other. */
static inline void outcome_add(struct dma_fence_outcome *outcome,
			       const struct dma_fence_outcome *other, bool before)
{
	if (outcome->timestamp < other->timestamp)
		outcome->timestamp = other->timestamp;
	if (other->error &&
	    (!outcome->error || other->failed_timestamp < outcome->failed_timestamp ||
	     (before && other->failed_timestamp == outcome->failed_timestamp))) {
		outcome->error = other->error;
		outcome->failed_timestamp = other->failed_timestamp;
	}
}

static inline void outcome_add_fence(struct dma_fence_outcome *outcome,
				     const struct dma_fence *fence, bool before)
{
	const struct dma_fence_outcome other = {
		.timestamp = fence_timestamp(fence),
		.failed_timestamp = fence_timestamp(fence),
		.error = fence_error(fence),
	};

	outcome_add(outcome, &other, before);
}

#endif
