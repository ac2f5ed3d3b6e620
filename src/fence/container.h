/* SPDX-License-Identifier: MIT */
/*
 * Fences whose back end is the library: an array and a chain, which are made of other fences, and
 * what stands for a fence outside of this process (fd/).
 *
 * Their code never goes away, so it is called outside of read-side sections, where it may signal:
 * callbacks of others run then.
 */
#ifndef DMAFENCE_FENCE_CONTAINER_H
#define DMAFENCE_FENCE_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>

#include <dmafence/fence.h>

#include "fence/state.h"

#define FLAGS_OF_INNER (DMA_FENCE_FLAG_ARRAY | DMA_FENCE_FLAG_CHAIN | DMA_FENCE_FLAG_OUTSIDE)

/* Whether it is one of these: what @ops points to is a struct container_ops. */
static inline bool fence_is_inner(const struct dma_fence *fence)
{
	return atomic_load_relaxed(&fence->flags) & FLAGS_OF_INNER;
}

/* What stands for a fence outside: nobody in this process is to blame if it does not signal. */
static inline bool fence_is_outside(const struct dma_fence *fence)
{
	return atomic_load_relaxed(&fence->flags) & DMA_FENCE_FLAG_OUTSIDE;
}

/* @ops.enable_signaling is not used. */
struct container_ops {
	struct dma_fence_ops ops;

	/* Somebody waits, for the first time. The caller holds a reference. */
	void (*enable)(struct dma_fence *fence);

	/* Polls what it is made of, and signals the fence if all of that has. Whether it has. */
	bool (*poll)(struct dma_fence *fence);

	/*
	 * Of a fence outside: the last reference is gone, but callbacks wait. The back end makes
	 * itself one, until it has signaled the fence.
	 */
	void (*adopt)(struct dma_fence *fence);
};

/* dma_fence_init(); 'kind' is one of FLAGS_OF_INNER, and other flags. */
void dma_fence_init_container(struct dma_fence *fence, const struct container_ops *ops,
			      uint16_t kind, uint64_t context, uint64_t seqno);

/*
 * dma_fence_add_callback() of a container's own callback, which is never removed, and keeps what it
 * uses by a reference. If not @enable the caller enables signaling afterwards.
 */
int dma_fence_add_container_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
				     dma_fence_func_t func, bool enable);

/*
 * A container is going to refer to the fence, which must not go unsignaled any more. Of another
 * container that is not asked: nobody waits for it who has not enabled it, and then it holds a
 * reference to itself.
 */
static inline void container_publish(struct dma_fence *fence)
{
	if (!dma_fence_is_container(fence))
		fence_publish(fence);
}

#endif
