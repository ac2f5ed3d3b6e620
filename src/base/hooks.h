/* SPDX-License-Identifier: MIT */
/*
 * Hooks: how diagnosis sees what the core does, without the core knowing of it.
 *
 * Without a table each event costs one load and one predictable branch. The members of a table
 * that are not NULL are called on the thread on which the event happens. Locks of the library may
 * be held: a hook looks at what it is told of, and calls nothing that changes it or waits.
 */
#ifndef DMAFENCE_BASE_HOOKS_H
#define DMAFENCE_BASE_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

struct dma_fence;
struct dma_fence_cb;
struct report;

struct hooks {
	void (*init)(struct dma_fence *fence);
	void (*get)(struct dma_fence *fence);
	void (*put)(struct dma_fence *fence);	  /* before the reference goes */
	void (*release)(struct dma_fence *fence); /* the last one has gone */
	void (*enable)(struct dma_fence *fence);
	void (*signal)(struct dma_fence *fence); /* just signaled, callbacks not yet run */
	void (*add_callback)(struct dma_fence *fence, struct dma_fence_cb *cb, int result);
	void (*remove_callback)(struct dma_fence *fence, struct dma_fence_cb *cb, bool result);
	void (*callback)(struct dma_fence *fence, struct dma_fence_cb *cb); /* before it runs */
	/* a wait for one fence, also as a part of one for several */
	void (*wait_begin)(struct dma_fence *fence);
	void (*wait_end)(struct dma_fence *fence, int result);
	void (*report)(const struct report *report); /* instead of a line on stderr */
};

extern const struct hooks *dma_fence_hooks;

/* Tables are static: the one before may still be in use by other threads. NULL for none. */
static inline void hooks_install(const struct hooks *hooks)
{
	atomic_store_release(&dma_fence_hooks, hooks);
}

#define hook(event, ...) \
	do { \
		const struct hooks *hooks_ = atomic_load_acquire(&dma_fence_hooks); \
		if (unlikely(hooks_) && hooks_->event) \
			hooks_->event(__VA_ARGS__); \
	} while (0)

#endif
