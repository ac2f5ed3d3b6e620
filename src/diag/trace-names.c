/* SPDX-License-Identifier: MIT */
/*
 * Names of contexts, for traces: copies, for the producer who has them may be gone when a trace is
 * written.
 */
#include <stdio.h>

#include <dmafence/fence.h>
#include <dmafence/rcu.h>

#include "base/atomic.h"
#include "base/fork.h"
#include "base/lock.h"
#include "diag/trace.h"

/* Where two contexts want the same place the later one has it. */
#define PLACES_SHIFT 12
#define PLACES	     (1u << PLACES_SHIFT)

struct place {
	uint64_t key; /* the context + 1 */
	struct trace_names names;
};

static struct lock lock; /* of all of them */
static struct place places[PLACES];

static struct place *place_of(uint64_t context)
{
	return &places[(context * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - PLACES_SHIFT)];
}

void dma_fence_trace_learn_names(struct dma_fence *fence)
{
	struct place *place = place_of(fence->context);
	struct trace_names names;
	bool pending;

	if (likely(atomic_load_relaxed(&place->key) == fence->context + 1))
		return;

	dma_fence_rcu_read_lock();
	snprintf(names.driver, sizeof(names.driver), "%s", dma_fence_driver_name(fence));
	snprintf(names.timeline, sizeof(names.timeline), "%s", dma_fence_timeline_name(fence));
	/* Else these may be the names of what has signaled. */
	pending = !dma_fence_test_signaled_flag(fence);
	dma_fence_rcu_read_unlock();
	if (!pending)
		return;

	lock_acquire(&lock);
	place->names = names;
	atomic_store_relaxed(&place->key, fence->context + 1);
	lock_release(&lock);
}

bool dma_fence_trace_names(uint64_t context, struct trace_names *names)
{
	const struct place *place = place_of(context);
	bool known;

	lock_acquire(&lock);
	known = place->key == context + 1;
	if (known)
		*names = place->names;
	lock_release(&lock);
	return known;
}

static void fork_prepare(void)
{
	lock_acquire(&lock);
}

static void fork_done(void)
{
	lock_release(&lock);
}

__attribute__((constructor)) static void fork_handlers(void)
{
	static struct fork_handlers handlers = {
		.order = FORK_TRACE_NAMES,
		.prepare = fork_prepare,
		.parent = fork_done,
		.child = fork_done,
	};

	dma_fence_at_fork(&handlers);
}
