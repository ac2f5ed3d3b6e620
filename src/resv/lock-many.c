/* SPDX-License-Identifier: MIT */
/* Locking several reservation objects: the back-off loop. */
#include <errno.h>

#include <dmafence/resv.h>

#include "base/atomic.h"
#include "base/mutants.h"

#define ALL_FLAGS (DMA_RESV_LOCK_INTERRUPTIBLE | DMA_RESV_LOCK_DUPLICATES)

static int lock_one(struct dma_resv *obj, struct dma_ww_acquire_ctx *ctx, unsigned int flags)
{
	if (flags & DMA_RESV_LOCK_INTERRUPTIBLE)
		return dma_resv_lock_interruptible(obj, ctx);
	return dma_resv_lock(obj, ctx);
}

static int lock_slow(struct dma_resv *obj, struct dma_ww_acquire_ctx *ctx, unsigned int flags)
{
	if (flags & DMA_RESV_LOCK_INTERRUPTIBLE)
		return dma_resv_lock_slow_interruptible(obj, ctx);
	dma_resv_lock_slow(obj, ctx);
	return 0;
}

/* All but the one that is locked already. Returns how far it got. */
static unsigned int lock_rest(struct dma_resv **objs, unsigned int num_objs, unsigned int locked,
			      struct dma_ww_acquire_ctx *ctx, unsigned int flags, int *ret)
{
	unsigned int i;

	*ret = 0;
	for (i = 0; i < num_objs; i++) {
		if (i == locked)
			continue;
		*ret = lock_one(objs[i], ctx, flags);
		if (*ret == -EALREADY && flags & DMA_RESV_LOCK_DUPLICATES)
			*ret = 0;
		if (*ret)
			break;
	}
	return i;
}

int dma_resv_lock_many(struct dma_resv **objs, unsigned int num_objs,
		       struct dma_ww_acquire_ctx *ctx, unsigned int flags)
{
	unsigned int i, locked = num_objs; /* none */
	int ret;

	if (!ctx || (!objs && num_objs) || ctx->acquired || flags & ~(unsigned int)ALL_FLAGS)
		return -EINVAL;
	for (i = 0; i < num_objs; i++) {
		if (!objs[i])
			return -EINVAL;
	}
	for (;;) {
		i = lock_rest(objs, num_objs, locked, ctx, flags, &ret);
		if (!ret)
			return 0;
		if (!MUTANT(BACKS_OFF_HALF) || ret != -EDEADLK)
			dma_resv_unlock_many(objs, num_objs, ctx);
		if (ret != -EDEADLK)
			return ret;
		locked = i;
		ret = lock_slow(objs[i], ctx, flags);
		if (ret)
			return ret;
	}
}

void dma_resv_unlock_many(struct dma_resv **objs, unsigned int num_objs,
			  struct dma_ww_acquire_ctx *ctx)
{
	unsigned int i;

	for (i = 0; ctx && i < num_objs; i++) {
		if (dma_resv_locking_ctx(objs[i]) == ctx)
			dma_resv_unlock(objs[i]);
	}
}
