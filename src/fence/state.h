/* SPDX-License-Identifier: MIT */
/*
 * The state word of a fence.
 *
 * Everything that threads race for is in one 64-bit word, so that each transition is one atomic
 * step and none can be seen half done:
 *
 *	pending:   [ alone | address of the newest callback	    | W | L | 0 ]
 *	signaled:  [ timestamp, 59 bits	    | contended | drained   | W | L | 1 ]
 *
 * Bit 0, SIGNALED, goes from 0 to 1 once. The transition is a compare-and-swap that stores flag and
 * timestamp together and takes the list of callbacks away; whoever does it is the winner, the only
 * one who delivers. It has release order, and every later change of the word is a read-modify-
 * write, which continues its release sequence: who loads the flag with acquire order sees all that
 * the winner did before.
 *
 * LOCKED protects the list of callbacks against whoever wants to take one out of it.
 *  - While the fence is pending the list hangs on the word, newest first. Adding a callback is a
 *    compare-and-swap of the word and needs no lock, but waits for one that is held; so does
 *    signaling. So the holder has the list to itself. (Adding never follows a pointer: that the
 *    word has been changed and changed back in between does no harm.)
 *    Who waits for the lock to do something with a pending fence stops once it is signaled.
 *  - Once signaled, the list is delivery.to_run, oldest first. The winner begins with the lock: the
 *    step that sets SIGNALED sets LOCKED. It takes one callback out, names it in
 *    delivery.now.running, releases the lock, calls it, takes the lock again. See deliver().
 *
 * WAITERS: threads may sleep on the word until the fence is drained, or, while it is pending, until
 * LOCKED clears. It stays set until the fence is drained. CONTENDED: once signaled, threads may
 * sleep on the word until LOCKED clears. Both are set by compare-and-swap from the very value that
 * makes the sleeper sleep, and the sleep compares again: a transition comes before and is seen, or
 * after and sees the bit. A remover that waits for a running callback sets CONTENDED as it gives
 * back the lock, and sleeps on 'step', which counts the runner's steps and cannot be again what it
 * was. Nobody but the runner clears CONTENDED, in a step, under the lock.
 *
 * ALONE: the only callback is a container's (container.h). That one the signal neither has to keep
 * others away from, for nobody ever removes it, nor to wait for before the fence is drained, for
 * what it uses is not for the fence's users to free. So the fence is drained by the step that
 * signals it, and the callback called afterwards, which saves the last step. The bit is one that
 * is 0 in every address; it goes when another callback comes. Where no such bit is known it is
 * none, and a container's callback is one like any other.
 *
 * DRAINED is set by the last step of the delivery, or by the signal itself if there was nothing to
 * deliver. It clears the three other bits, and the word never changes again.
 */
#ifndef DMAFENCE_FENCE_STATE_H
#define DMAFENCE_FENCE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <dmafence/fence.h>

#include "base/atomic.h"
#include "base/mutants.h"

#define SIGNALED  ((uint64_t)DMA_FENCE_STATE_SIGNALED)
#define LOCKED	  ((uint64_t)DMA_FENCE_STATE_LOCKED)
#define WAITERS	  ((uint64_t)DMA_FENCE_STATE_WAITERS)
#define DRAINED	  ((uint64_t)DMA_FENCE_STATE_DRAINED)
#define CONTENDED ((uint64_t)DMA_FENCE_STATE_CONTENDED)

#if defined(__x86_64__)
#define ALONE (UINT64_C(1) << 63)
#elif defined(__aarch64__)
#define ALONE (UINT64_C(1) << 55) /* there may be a tag above it */
#else
#define ALONE UINT64_C(0)
#endif

#define PENDING_BITS	(SIGNALED | LOCKED | WAITERS | ALONE)
#define TIMESTAMP_SHIFT 5

static inline struct dma_fence_cb *state_callbacks(uint64_t state)
{
	return (struct dma_fence_cb *)(uintptr_t)(state & ~PENDING_BITS);
}

static inline uint64_t state_of_callbacks(const struct dma_fence_cb *newest)
{
	return (uint64_t)(uintptr_t)newest;
}

static inline int64_t state_timestamp(uint64_t state)
{
	return (int64_t)(state >> TIMESTAMP_SHIFT);
}

static inline uint64_t state_of_timestamp(int64_t timestamp)
{
	if (unlikely(timestamp < 0))
		timestamp = 0;
	if (unlikely(timestamp > DMA_FENCE_TIMESTAMP_MAX))
		timestamp = DMA_FENCE_TIMESTAMP_MAX;
	return (uint64_t)timestamp << TIMESTAMP_SHIFT | SIGNALED;
}

/* Bit 3 of a pending fence's word belongs to an address, so both are looked at. */
static inline bool state_drained(uint64_t state)
{
	return (state & (SIGNALED | DRAINED)) == (SIGNALED | DRAINED);
}

/**
 * dma_fence_lock_state - takes the lock in the state word
 *
 * Returns the word, with LOCKED in it. If the fence is drained, or is signaled and @pending_only,
 * returns the word without having taken the lock.
 */
uint64_t dma_fence_lock_state(struct dma_fence *fence, bool pending_only);

/* Releases the lock of a pending fence, whose newest callback is now @newest. */
void dma_fence_unlock_pending(struct dma_fence *fence, const struct dma_fence_cb *newest);

/* What dma_fence_signal_state() does with the error of the fence. */
#define KEEP_ERROR 0

/**
 * dma_fence_signal_state - signals a fence
 * @signaled: state_of_timestamp()
 * @error: stored together with the flag if the fence is pending, or KEEP_ERROR
 *
 * Returns whether this call was the one that signaled it.
 */
bool dma_fence_signal_state(struct dma_fence *fence, uint64_t signaled, int error);

/* Whether the callbacks of the fence are run, or still to be run, by the calling thread. */
bool dma_fence_delivered_here(const struct dma_fence *fence);

/* The fence that waits on a queue of its thread. */
static inline struct dma_fence *fence_of_queued(struct dma_fence_run_link *entry)
{
	return (struct dma_fence *)((char *)entry -
				    offsetof(struct dma_fence, delivery.now.queued));
}

/* Sets flags that are not set yet; returns those that this call has set. */
static inline uint32_t fence_set_flags(struct dma_fence *fence, uint16_t flags)
{
	if ((atomic_load_relaxed(&fence->flags) & flags) == flags)
		return 0;
	return (uint32_t)~atomic_fetch_or_relaxed(&fence->flags, flags) & flags;
}

/* From now on it must not be dropped unsignaled. No flag, for a plain store is enough. */
static inline void fence_publish(struct dma_fence *fence)
{
	if (!atomic_load_relaxed(&fence->published))
		atomic_store_relaxed(&fence->published, DMA_FENCE_PUBLISHED);
}

/* Calls ops->enable_signaling, and signals the fence if that says so. */
void dma_fence_enable_backend(struct dma_fence *fence);

/* Somebody is about to wait: no more than a load, and a branch, where that has been said before. */
static inline void fence_enable(struct dma_fence *fence)
{
	const uint32_t has = DMA_FENCE_FLAG_HAS_ENABLE_SIGNALING;
	const uint32_t enabled = MUTANT(ENABLED_TWICE) ? 0 : DMA_FENCE_FLAG_ENABLED;

	if (unlikely((atomic_load_relaxed(&fence->flags) & (has | enabled)) == has))
		dma_fence_enable_backend(fence);
}

#endif
