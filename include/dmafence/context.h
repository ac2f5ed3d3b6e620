/* SPDX-License-Identifier: MIT */
/*
 * dmafence/context.h - the producer's context
 *
 * A producer is a queue of work that is done in order: a ring of a GPU, a submission queue, a
 * worker thread. struct dma_fence_context keeps for it what every such producer would otherwise
 * write again: the number of its timeline, its names, the next sequence number, and the fences
 * that are pending, in order.
 *
 *	emit:		fence = malloc(...);
 *			dma_fence_context_emit(context, fence);
 *			... write the work into the ring, with fence->seqno to be stored at its end
 *	interrupt:	dma_fence_context_signal_until(context, the number that the hardware stored);
 *	device lost:	dma_fence_context_fail(context, -ENODEV);
 *	unload:		dma_fence_context_destroy(context);
 *
 * The context holds a reference to each fence from emit until it has signaled it. Fences are
 * signaled in the order of their sequence numbers whatever threads do it: who sees one signaled
 * sees all before it signaled. Callbacks run with no lock of the context held.
 *
 * Destroying a context signals what is still pending with -ECANCELED and reports each: nobody
 * waits for ever on a producer that is gone.
 */
#ifndef DMAFENCE_CONTEXT_H
#define DMAFENCE_CONTEXT_H

#include <stdint.h>

#include <dmafence/fence.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

struct dma_fence_context;

/**
 * dma_fence_context_create - begins a timeline
 * @driver_name: copied; not NULL
 * @timeline_name: copied; not NULL
 * @ops: of all its fences; the two names in it are not used. NULL for none. With a @release op the
 *	structure must outlive the fences; without one, dma_fence_context_destroy() and a grace
 *	period.
 * @first_seqno: of the first fence; usually 1. Where the hardware keeps its counter across resets,
 *	the one after that.
 *
 * Returns NULL with errno ENOMEM, or EINVAL if a name is NULL.
 */
struct dma_fence_context *dma_fence_context_create(const char *driver_name,
						   const char *timeline_name,
						   const struct dma_fence_ops *ops,
						   uint64_t first_seqno);

/**
 * dma_fence_context_destroy - ends a timeline
 * @context: nobody uses it any more; NULL does nothing
 *
 * Fences that are pending are signaled with -ECANCELED, in order, each with a report. Their
 * callbacks may still call dma_fence_context_emit(), which returns -ECANCELED. The fences live on
 * for as long as there are references to them. May be called from a callback, unless that is run
 * by dma_fence_context_signal_until() or _fail() of the same context, which then still uses it.
 */
void dma_fence_context_destroy(struct dma_fence_context *context);

/** dma_fence_context_id - its number: dma_fence.context of its fences */
uint64_t dma_fence_context_id(const struct dma_fence_context *context);

/**
 * dma_fence_context_reserve - makes sure that emitting cannot fail for want of memory
 * @num: how many fences can be emitted after this without an allocation, counted together with
 *	those that others emit meanwhile
 *
 * For before the point of no return. Returns 0, -ENOMEM, or -EOVERFLOW for an absurd @num.
 */
int dma_fence_context_reserve(struct dma_fence_context *context, unsigned int num);

/**
 * dma_fence_context_emit - makes the next fence of the timeline
 * @fence: storage, as for dma_fence_init(). The caller gets a reference, the context keeps one.
 *
 * Returns 0; -ENOMEM; -EOVERFLOW if 2^31 are pending; or, on a context that has failed, its error.
 * Then nothing has happened: no sequence number is used up, and @fence is still the caller's raw
 * storage.
 */
int dma_fence_context_emit(struct dma_fence_context *context, struct dma_fence *fence);

/**
 * dma_fence_context_signal_until - the hardware has reached a sequence number
 * @seqno: that number. One that was reached before is late news and does nothing.
 *
 * Signals every pending fence up to and including @seqno, in order, all with the same time.
 * Returns how many that were; -EINVAL, and signals nothing, if @seqno was never emitted: what a
 * dead device returns when read must not signal the fences of work it may still be doing.
 */
int64_t dma_fence_context_signal_until(struct dma_fence_context *context, uint64_t seqno);

/** dma_fence_context_signal_until_timestamp - the same, with a time of the caller's */
int64_t dma_fence_context_signal_until_timestamp(struct dma_fence_context *context, uint64_t seqno,
						 int64_t timestamp_ns);

/**
 * dma_fence_context_fail - the device is lost
 * @error: a negative errno
 *
 * Signals every pending fence with @error, in order, and makes dma_fence_context_emit() return it
 * from now on. What dma_fence_context_signal_until() signals meanwhile, on other threads, fails,
 * too. The producer sees to it that the hardware no longer touches memory, before. Returns how
 * many fences it has signaled, or -EINVAL if @error is not an errno. A second failure changes
 * nothing.
 */
int64_t dma_fence_context_fail(struct dma_fence_context *context, int error);

/** dma_fence_context_last_emitted - the latest fence's sequence number; first_seqno - 1 if none */
uint64_t dma_fence_context_last_emitted(const struct dma_fence_context *context);

/**
 * dma_fence_context_last_signaled - the sequence number up to which the context has signaled
 *
 * first_seqno - 1 if it has not. Does not count fences that dma_fence_signal() was called for
 * directly: the context takes note of them, and lets go of them, when it gets to their number.
 */
uint64_t dma_fence_context_last_signaled(const struct dma_fence_context *context);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
