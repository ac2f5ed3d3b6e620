/* SPDX-License-Identifier: MIT */
/*
 * dmafence/annotate.h - deadlocks that are possible, found before they happen
 *
 * A fence is waited for by threads that hold locks, and is signaled by threads that take locks. If
 * one lock is on both sides, the waiter has it, and waits for the signaler, who waits for the lock.
 * That takes the right two threads at the right moment, and so it happens in the field, a year
 * later. But that it can happen shows each time that either of the two runs, alone.
 *
 * With the word "signalling" in the environment variable DMA_FENCE_DEBUG (words are separated by
 * commas), or after dma_fence_debug("signalling"), the library remembers which locks were held
 * while fences were waited for, which locks were taken by who was about to signal, and which locks
 * were taken while others were held. As soon as these make a circle it is reported
 * (DMA_FENCE_REPORT_SIGNALLING, dmafence/report.h), whoever saw which part of it when, with the
 * call stacks of all parts:
 *
 *	lock 'jobs' is held while dma_fence_wait() is called at submit (queue.c:42) and is taken in a
 *	signalling section at irq_thread (queue.c:77): who is to signal may wait for who waits for it
 *
 * What the program says
 * =====================
 * - Signalling sections. A thread on which the signal of a fence depends says so, from the moment
 *   on from which nobody but it can get that fence signaled:
 *
 *	bool cookie = dma_fence_begin_signalling();
 *	... finish the job, whatever that takes ...
 *	dma_fence_signal(&job->fence);
 *	dma_fence_end_signalling(cookie);
 *
 *   Callbacks of fences are in a section by themselves: who waits for a fence waits for them, too.
 *
 * - Its locks, by dma_fence_annotate_lock() and dma_fence_annotate_unlock() in what it takes and
 *   gives back its locks with. Locks of the same name are alike: what one of them was seen in, all
 *   may be in. The library's own, those of reservation objects, are known to it, and are all alike.
 *
 * - Waiting, where the library does not see it: dma_fence_might_wait() in a function that waits only
 *   sometimes, and not for all to see.
 *
 * What is found
 * =============
 * - A wait in a signalling section: by dma_fence_wait() and its family, dma_fence_flush(),
 *   dma_resv_wait_timeout(), dma_fence_syncobj_wait() and dma_fence_might_wait(). Whether there was
 *   anything to wait for does not matter; with a timeout of 0 nobody waits.
 * - A lock that is held around a wait, and is taken in a signalling section; or one that is taken in
 *   a section while somebody who holds it takes another one, and so on, and the last is held around
 *   a wait.
 *
 * A lock that is only tried delays nobody in a section; while it is held it is as any other. Locks
 * that are alike and held at once are not looked at.
 *
 * Each circle is reported once. Of two places at which is waited each is reported by itself, because
 * mending the one does not mend the other.
 *
 * Costs
 * =====
 * Switched off, each of these functions is a load and a predictable branch, and waits are what they
 * were. Switched on, each lock and each wait under one takes a call stack. It has room for as many
 * kinds of locks, and places, as there are in a program, up to some thousand, and for 64 locks that
 * a thread holds at once. What finds no room is not looked at, which later reports say; a wait in a
 * signalling section is found all the same.
 *
 * It is switched on for good. What threads hold at that moment is not known.
 */
#ifndef DMAFENCE_ANNOTATE_H
#define DMAFENCE_ANNOTATE_H

#include <stdbool.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/**
 * dma_fence_begin_signalling - from here on the thread must not be held up by who waits for fences
 *
 * Sections may be nested, and are the thread's own: another one is in none.
 *
 * Returns what is to be passed to dma_fence_end_signalling().
 */
bool dma_fence_begin_signalling(void);

/**
 * dma_fence_end_signalling - the fences of the section are signaled
 * @cookie: what dma_fence_begin_signalling() has returned, on the same thread. That of the outermost
 *	section ends it.
 */
void dma_fence_end_signalling(bool cookie);

/**
 * dma_fence_might_wait - says that the function it is called in may wait for a fence
 *
 * As good as a wait for what is looked for, whether one follows or not.
 */
void dma_fence_might_wait(void);

/**
 * dma_fence_annotate_lock - the thread is about to wait for a lock
 * @lock: its address, which is not looked at
 * @name: what it is called in reports, and all that are alike: the first 63 bytes count. Stays valid,
 *	as a literal does. NULL: no lock is like it; not for one whose memory is freed while the program
 *	runs, for another at its address would be taken for it.
 *
 * Called before the lock is taken. If it is not taken after all, it is given back again.
 */
void dma_fence_annotate_lock(const void *lock, const char *name);

/**
 * dma_fence_annotate_trylock - the thread has tried to take a lock, and has it
 * @lock: as for dma_fence_annotate_lock()
 * @name: as for dma_fence_annotate_lock()
 *
 * For who does not wait if somebody has it.
 */
void dma_fence_annotate_trylock(const void *lock, const char *name);

/**
 * dma_fence_annotate_unlock - the thread gives back a lock
 * @lock: its address. Of several times that the thread has taken it this ends the last.
 *
 * Before or after it does so. If another thread has taken it, that one does not have it any more.
 */
void dma_fence_annotate_unlock(const void *lock);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
