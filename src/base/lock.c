/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/lock.h"
#include "base/park.h"

void dma_fence_lock_contended(struct lock *lock)
{
	uint32_t state, turns = 0;

	do {
		state = LOCK_FREE;
		if (atomic_load_relaxed(&lock->state) == LOCK_FREE &&
		    atomic_cas_acquire(&lock->state, &state, LOCK_HELD))
			return;
	} while (spin_briefly(&turns));
	/*
	 * From here on the lock is taken as contended: whoever slept cannot know whether others
	 * still do. That costs its release one wake-up too many at worst.
	 */
	while (atomic_exchange_acquire(&lock->state, LOCK_CONTENDED) != LOCK_FREE)
		dma_fence_park_wait(&lock->state, LOCK_CONTENDED, CLOCK_NEVER);
}

void dma_fence_lock_wake(struct lock *lock)
{
	dma_fence_park_wake(&lock->state);
}
