/* SPDX-License-Identifier: MIT */
/*
 * What scenarios share: fences that are freed at once, callbacks that count, names for traces.
 *
 * All variables of a scenario are plain ones on purpose: reading what another thread wrote is a
 * race, which the scheduler reports, unless the library has ordered the two.
 */
#ifndef TESTS_MODEL_SUPPORT_H
#define TESTS_MODEL_SUPPORT_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <dmafence/dmafence.h>

#include "base/report.h"
#include "model.h"

/* For .reports: the library may say this. */
#define MAY_REPORT(reason) (UINT32_C(1) << (reason))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Fences */

static inline void free_at_once(struct dma_fence *fence)
{
	free(fence);
}

/* Without RCU, which costs steps. Who uses the fence after its last put is seen to do so. */
static const struct dma_fence_ops plain_ops = {
	.release = free_at_once,
};

/* The caller has the only reference. With ops of NULL it is freed after a grace period. */
static inline struct dma_fence *new_fence_with(const struct dma_fence_ops *ops, uint64_t context,
					       uint64_t seqno)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	model_assert(fence);
	dma_fence_init(fence, ops, context, seqno);
	return fence;
}

static inline struct dma_fence *new_fence(uint64_t context, uint64_t seqno)
{
	return new_fence_with(&plain_ops, context, seqno);
}

/* What a fence's fields are called in a trace. 'name' is a string literal. */
#define name_fence(fence, name) \
	do { \
		const struct dma_fence *named_ = (fence); \
		model_name(&named_->state, sizeof(named_->state), name ".state"); \
		model_name(&named_->ops, sizeof(named_->ops), name ".ops"); \
		model_name(&named_->delivery, sizeof(named_->delivery), name ".delivery"); \
		model_name(&named_->flags, sizeof(named_->flags), name ".flags"); \
		model_name(&named_->published, sizeof(named_->published), name ".published"); \
		model_name(&named_->refcount, sizeof(named_->refcount), name ".refcount"); \
		model_name(&named_->error, sizeof(named_->error), name ".error"); \
		model_name(&named_->step, sizeof(named_->step), name ".step"); \
	} while (0)

/* Callbacks */

/* A callback that counts how often it ran, and the how manieth of its thread it was. */
struct counted_cb {
	struct dma_fence_cb cb;
	int *turns; /* NULL, or counts all that share it; set by the scenario */
	int turn;   /* what it had come to when this one ran, from 1 on */
	int runs;
};

static inline void count_run(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct counted_cb *counted = container_of(cb, struct counted_cb, cb);

	(void)fence;
	counted->runs++;
	if (counted->turns)
		counted->turn = ++*counted->turns;
}

/* Returns what dma_fence_add_callback() does. */
static inline int add_counted(struct dma_fence *fence, struct counted_cb *counted)
{
	return dma_fence_add_callback(fence, &counted->cb, count_run);
}

static inline bool remove_counted(struct dma_fence *fence, struct counted_cb *counted)
{
	return dma_fence_remove_callback(fence, &counted->cb);
}

/* One after the other on one thread, in any order. */
static inline void finish_in_any_order(unsigned int num, void (*finish)(unsigned int index))
{
	unsigned int finished = 0, left, i, chosen;

	for (left = num; left; left--) {
		chosen = model_choose(left);
		for (i = 0; finished >> i & 1 || chosen; i++)
			chosen -= !(finished >> i & 1);
		finished |= 1U << i;
		finish(i);
	}
}

#endif
