/* SPDX-License-Identifier: MIT */
/*
 * For who looks on, and must not be noticed: diagnosis, which may come at any time. Nothing in here
 * signals, or waits for longer than others are in the middle of something short.
 */
#ifndef DMAFENCE_FENCE_LOOK_H
#define DMAFENCE_FENCE_LOOK_H

#include <dmafence/chain.h>
#include <dmafence/context.h>

#include "base/refcount.h"

/* dma_fence_get() and dma_fence_put() of which hooks are not told. NULL if there is none left. */
static inline struct dma_fence *dma_fence_get_unseen(struct dma_fence *fence)
{
	if (!fence || refcount_get_not_zero(&fence->refcount) == REFCOUNT_ZERO)
		return NULL;
	return fence;
}

void dma_fence_put_unseen(struct dma_fence *fence);

/*
 * Calls with each callback that has not begun to run, in no certain order, under the lock in the
 * state word: visit() may take references, unseen, and nothing else. It returns false to end it.
 *
 * Returns false, and calls nothing, if somebody else keeps the lock: of a signaled fence that is
 * who runs the only callback that there is.
 */
bool dma_fence_visit_callbacks(struct dma_fence *fence,
			       bool (*visit)(const struct dma_fence_cb *cb, void *arg), void *arg);

/*
 * Whose callback it is; NULL if it is no array's, or no link's. Where the callback still waits its
 * owner is there.
 */
struct dma_fence *dma_fence_array_of_callback(const struct dma_fence_cb *cb);
struct dma_fence *dma_fence_chain_of_callback(const struct dma_fence_cb *cb);

/* Whether it is one by which a thread waits for one of several fences. */
bool dma_fence_is_callback_of_wait(const struct dma_fence_cb *cb);

/* What is before a link, with an unseen reference. Takes nothing out. */
struct dma_fence *dma_fence_chain_before_unseen(struct dma_fence_chain *chain);

/* How far a producer's context is. */
struct context_progress {
	uint64_t last_signaled;
	uint64_t last_emitted;
	bool any_signaled;
	bool known; /* whether the rest is: others may be busy */
	uint32_t pending;
	int error;
};

/* Of the context that has emitted a fence; false if there is none, or it has let go of the fence. */
bool dma_fence_context_progress_of(struct dma_fence *fence, struct context_progress *progress);

/*
 * Of a context; and the first 'room' fences that it holds, the oldest first, with unseen
 * references. Returns how many these are.
 */
uint32_t dma_fence_context_look(struct dma_fence_context *context,
				struct context_progress *progress, struct dma_fence **fences,
				uint32_t room);

/* Its names, which it has for as long as it is there. */
const char *dma_fence_context_driver_name(const struct dma_fence_context *context);
const char *dma_fence_context_timeline_name(const struct dma_fence_context *context);

#endif
