/* SPDX-License-Identifier: MIT */
/*
 * Holding a fence's state up, so that another thread that wants to add a callback to it stands
 * still right before it does.
 */
#ifndef TESTS_LOCKED_FENCE_H
#define TESTS_LOCKED_FENCE_H

#include "support.h"

#include "base/park.h"
#include "fence/state.h"

static inline void lock_fence(struct dma_fence *fence)
{
	assert_false(dma_fence_lock_state(fence, true) & SIGNALED);
}

/* Somebody is there who wants the lock. */
static inline void await_contender(struct dma_fence *fence)
{
	while (!(atomic_load_relaxed(&fence->state) & WAITERS))
		sched_yield();
}

/* What a signal would do that got in before everybody who wants the lock. */
static inline void signal_locked_fence(struct dma_fence *fence, int64_t timestamp)
{
	uint64_t state = atomic_load_relaxed(&fence->state);

	assert_null(state_callbacks(state));
	while (!atomic_cas_acq_rel(&fence->state, &state, state_of_timestamp(timestamp) | DRAINED))
		;
	dma_fence_park_wake(park_low_half(&fence->state));
}

#endif
