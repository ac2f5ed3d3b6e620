/* SPDX-License-Identifier: MIT */
/*
 * The internal lock: for short sections inside the library, in which no code of others runs.
 *
 * Two atomic read-modify-writes when nobody contends; a contender spins, then sleeps. Zeroed
 * memory is an unlocked lock.
 */
#ifndef DMAFENCE_BASE_LOCK_H
#define DMAFENCE_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

enum lock_state {
	LOCK_FREE,
	LOCK_HELD,
	LOCK_CONTENDED, /* held, and somebody may sleep */
};

struct lock {
	uint32_t state;
};

void dma_fence_lock_contended(struct lock *lock);
void dma_fence_lock_wake(struct lock *lock);

static inline void lock_acquire(struct lock *lock)
{
	uint32_t free = LOCK_FREE;

	if (unlikely(!atomic_cas_acquire(&lock->state, &free, LOCK_HELD)))
		dma_fence_lock_contended(lock);
}

/* Takes it if it is free. */
static inline bool lock_try(struct lock *lock)
{
	uint32_t free = LOCK_FREE;

	return atomic_cas_acquire(&lock->state, &free, LOCK_HELD);
}

static inline void lock_release(struct lock *lock)
{
	if (unlikely(atomic_exchange_release(&lock->state, LOCK_FREE) == LOCK_CONTENDED))
		dma_fence_lock_wake(lock);
}

#endif
