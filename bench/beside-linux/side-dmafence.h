/* SPDX-License-Identifier: MIT */
/* What the operations call differently on the side of the library. */
#ifndef BESIDE_LINUX_SIDE_DMAFENCE_H
#define BESIDE_LINUX_SIDE_DMAFENCE_H

#include <dmafence/dmafence.h>

#define SIDE_FOREVER DMA_FENCE_WAIT_FOREVER

/* There is no lock to be given. */
struct side_timeline {
	char unused;
};

typedef struct dma_ww_acquire_ctx side_acquire_ctx;

static inline void side_init(struct dma_fence *fence, const struct dma_fence_ops *ops,
			     struct side_timeline *timeline, uint64_t context, uint64_t seqno)
{
	(void)timeline;
	dma_fence_init(fence, ops, context, seqno);
}

static inline struct dma_fence_array *side_array_create(unsigned int count,
							struct dma_fence **fences, uint64_t context)
{
	return dma_fence_array_create((int)count, fences, context, 1);
}

static inline void side_enable(struct dma_fence *fence)
{
	dma_fence_enable_signaling(fence);
}

static inline void side_acquire_init(side_acquire_ctx *ctx)
{
	dma_ww_acquire_init(ctx);
}

static inline void side_acquire_fini(side_acquire_ctx *ctx)
{
	dma_ww_acquire_fini(ctx);
}

static inline int side_lock_many(struct dma_resv **objs, unsigned int count, side_acquire_ctx *ctx)
{
	return dma_resv_lock_many(objs, count, ctx, 0);
}

static inline void side_unlock_many(struct dma_resv **objs, unsigned int count,
				    side_acquire_ctx *ctx)
{
	dma_resv_unlock_many(objs, count, ctx);
}

static inline void side_read_lock(void)
{
	dma_fence_rcu_read_lock();
}

static inline void side_read_unlock(void)
{
	dma_fence_rcu_read_unlock();
}

/* Between operations of a thread, so that what has been put can be freed. */
static inline void side_quiescent(void)
{
}

/* Until nothing is under way on another thread. */
static inline void side_flush(void)
{
}

/* Until what has been put is freed. */
static inline void side_settle(void)
{
	dma_fence_rcu_barrier();
}

static inline void side_thread_begin(void)
{
}

static inline void side_thread_end(void)
{
}

/* Whether waits spin for as long as it takes. They do so by themselves. */
static inline void side_spin(bool spin)
{
	(void)spin;
}

#endif
