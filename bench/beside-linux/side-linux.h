/* SPDX-License-Identifier: MIT */
/* What the operations call differently on the side of Linux. */
#ifndef BESIDE_LINUX_SIDE_LINUX_H
#define BESIDE_LINUX_SIDE_LINUX_H

#include <linux/sched.h>
#include <linux/slab.h>

#include "kernel-headers.h"
#include "peer.h"

#define SIDE_FOREVER MAX_SCHEDULE_TIMEOUT

/*
 * The lock of a timeline's fences. Not one beside each fence, which is what many drivers have: one
 * that is always in the cache is the better for Linux.
 */
struct side_timeline {
	spinlock_t lock;
} __attribute__((aligned(64)));

typedef struct ww_acquire_ctx side_acquire_ctx;

static inline void side_init(struct dma_fence *fence, const struct dma_fence_ops *ops,
			     struct side_timeline *timeline, uint64_t context, uint64_t seqno)
{
	dma_fence_init(fence, ops, &timeline->lock, context, seqno);
}

static inline struct dma_fence_array *side_array_create(unsigned int count,
							struct dma_fence **fences, uint64_t context)
{
	return dma_fence_array_create((int)count, fences, context, 1, false);
}

static inline void side_enable(struct dma_fence *fence)
{
	dma_fence_enable_sw_signaling(fence);
}

static inline void side_acquire_init(side_acquire_ctx *ctx)
{
	ww_acquire_init(ctx, &reservation_ww_class);
}

static inline void side_acquire_fini(side_acquire_ctx *ctx)
{
	ww_acquire_fini(ctx);
}

/* What the callers of Linux do: in order, and after -EDEADLK the one that was contended first. */
static inline int side_lock_many(struct dma_resv **objs, unsigned int count, side_acquire_ctx *ctx)
{
	struct dma_resv *contended = NULL;
	unsigned int i, locked;
	int ret;

	for (;;) {
		if (contended)
			dma_resv_lock_slow(contended, ctx);
		for (locked = 0; locked < count; locked++) {
			if (objs[locked] == contended)
				continue;
			ret = dma_resv_lock(objs[locked], ctx);
			if (ret)
				break;
		}
		if (locked == count)
			return 0;
		for (i = 0; i < locked; i++)
			dma_resv_unlock(objs[i]);
		for (i = locked; contended && i < count; i++) {
			if (objs[i] == contended)
				dma_resv_unlock(contended);
		}
		if (ret != -EDEADLK)
			return ret;
		contended = objs[locked];
	}
}

static inline void side_unlock_many(struct dma_resv **objs, unsigned int count,
				    side_acquire_ctx *ctx)
{
	unsigned int i;

	(void)ctx;
	for (i = 0; i < count; i++)
		dma_resv_unlock(objs[i]);
}

static inline void side_read_lock(void)
{
	rcu_read_lock();
}

static inline void side_read_unlock(void)
{
	rcu_read_unlock();
}

static inline void side_quiescent(void)
{
	peer_quiescent();
}

static inline void side_flush(void)
{
	peer_irq_work_flush();
}

static inline void side_settle(void)
{
	peer_settle();
}

static inline void side_thread_begin(void)
{
	peer_thread_begin();
}

static inline void side_thread_end(void)
{
	peer_thread_end();
}

static inline void side_spin(bool spin)
{
	peer_spins = spin ? 1 << 30 : 0;
}

#endif
