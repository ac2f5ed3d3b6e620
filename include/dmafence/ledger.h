/* SPDX-License-Identifier: MIT */
/*
 * dmafence/ledger.h - who took and dropped the references of a fence
 *
 * A reference that is dropped once too often, or never, shows long after the line that is wrong: when
 * the last of the rightful owners drops his, or when the program ends. The ledger writes down what
 * happens to each fence as it happens: every reference that is taken and dropped, callbacks,
 * enabling, export, being put into a container, waits, the signal; each with the thread, the time and
 * the call stack. So a report can say how it came to that.
 *
 * The balance
 * ===========
 * References carry no names. So the ledger matches each dma_fence_put() with the reference that it
 * most probably drops: taken by the same function, in the same source file, on the same thread, for
 * the same callers, shortly before, or given to the container that is being released. What is left
 * over is what went wrong: the put without a reference, or the reference without a put. Two rules are
 * beyond likeness. Until a fence has signaled its producer needs the reference that it was made with,
 * so that no put before the signal is taken for the one that drops it. And what fences that were made
 * at the same place and ended well have done, too, is in order before anything that none of them did.
 *
 * That is evidence, not proof. The ledger says "most likely", and where two places are as likely it
 * says so and names both; all references are listed below, so that everybody can judge.
 *
 * What it is on for
 * =================
 * For the whole process: DMA_FENCE_DEBUG=ledger in the environment, dma_fence_debug("ledger") or
 * dma_fence_ledger_start(). Or for the fences of a context, or for one fence. These add up, and each
 * is counted: as many stops as starts end it. When all have been stopped everything is forgotten.
 *
 * Of a fence that was there before, the ledger knows how many references there were, not whose.
 *
 * What it costs
 * =============
 * Off, nothing but the branch that all of diagnosis shares. On, each event is a call stack and a copy
 * of it, a fraction of a microsecond; a fence that the ledger is not on for costs a look-up.
 *
 * Memory is bounded: 64 MiB, or DMA_FENCE_LEDGER_MB in the environment, which is read when the ledger
 * is switched on. What is known of a fence is kept after it was released, for a put after the end
 * wants to be explained, until there is no room: then fences that were released give way first, then
 * those that have signaled, then the oldest. Of each fence about a hundred entries are kept. Where
 * there are more, references that were taken and dropped by the same function go first, in pairs,
 * then events that are not references; how many is said. So a reference that does not match
 * survives a million that do.
 */
#ifndef DMAFENCE_LEDGER_H
#define DMAFENCE_LEDGER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <dmafence/fence.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/**
 * dma_fence_ledger_start - for all fences of the process
 *
 * Any thread, any time, callbacks included. Cannot fail.
 */
void dma_fence_ledger_start(void);

/**
 * dma_fence_ledger_stop - not any more
 *
 * Returns 0, or -ENOENT if it was not started, or stopped as often.
 */
int dma_fence_ledger_stop(void);

/**
 * dma_fence_ledger_start_context - for the fences of a context that are initialised from now on
 * @context: as passed to dma_fence_init()
 *
 * Returns 0, -EINVAL if @context is 0, or -ENOSPC: 64 contexts can be asked for at a time.
 */
int dma_fence_ledger_start_context(uint64_t context);

/**
 * dma_fence_ledger_stop_context - not for fences that are initialised from now on
 *
 * What happens to those that are there is still written down, for as long as the ledger is on for
 * anything. Returns 0, -EINVAL, or -ENOENT if it was not started.
 */
int dma_fence_ledger_stop_context(uint64_t context);

/**
 * dma_fence_ledger_start_fence - for one fence, from now on
 * @fence: the caller has a reference
 *
 * It is the address that counts: until it is stopped, also for a fence that is initialised in the
 * same place later.
 *
 * Returns 0, -EINVAL if @fence is NULL, or -ENOSPC: 64 fences can be asked for at a time.
 */
int dma_fence_ledger_start_fence(struct dma_fence *fence);

/**
 * dma_fence_ledger_stop_fence - not any more
 * @fence: is not looked at, and may be gone
 *
 * As dma_fence_ledger_stop_context().
 */
int dma_fence_ledger_stop_fence(const struct dma_fence *fence);

/**
 * dma_fence_ledger_print - writes down what is known of a fence
 * @fence: is not looked at, and may have been released: its address is what counts
 * @out: where to
 *
 * First all that happened, the newest last, with call stacks; then the balance: which put was one too
 * many, if one was, and which reference was dropped where. Looks symbols up, and takes its time: not
 * for callbacks.
 *
 * Returns 0, -ENOENT if nothing is known of it, or -ENOMEM.
 */
int dma_fence_ledger_print(const struct dma_fence *fence, FILE *out);

/** struct dma_fence_ledger_use - what the ledger holds */
struct dma_fence_ledger_use {
	/** @fences: of how many something is known, those included that were released */
	uint64_t fences;
	/** @entries: how many events are known */
	uint64_t entries;
	/** @folded: how many are not any more, of fences of which others are */
	uint64_t folded;
	/** @given_up: how many fences gave way before they were released */
	uint64_t given_up;
	/** @missing: events that there was no memory for */
	uint64_t missing;
	/** @memory: bytes that the ledger has taken */
	size_t memory;
	/** @limit: how many it may take, up to a thirtieth more for finding fences */
	size_t limit;
};

/** dma_fence_ledger_get_use - what the ledger holds now */
void dma_fence_ledger_get_use(struct dma_fence_ledger_use *use);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
