/* SPDX-License-Identifier: MIT */
/* Lists of waiters: see syncobj-waiter.h. */
#include <errno.h>

#include <dmafence/fence.h>

#include "fd/mutants.h"
#include "fd/syncobj-waiter.h"

/* From the end: who waits for a timeline usually waits for later and later points. */
void dma_fence_syncobj_enqueue(struct syncobj_waiters *waiters, struct syncobj_waiter *waiter)
{
	struct syncobj_waiter *after = waiters->last;

	while (after && after->point > waiter->point)
		after = after->prev;
	waiter->prev = after;
	waiter->next = after ? after->next : waiters->first;
	*(after ? &after->next : &waiters->first) = waiter;
	*(waiter->next ? &waiter->next->prev : &waiters->last) = waiter;
	waiter->listed = true;
}

void dma_fence_syncobj_dequeue(struct syncobj_waiters *waiters, struct syncobj_waiter *waiter)
{
	if (!waiter->listed)
		return;
	*(waiter->prev ? &waiter->prev->next : &waiters->first) = waiter->next;
	*(waiter->next ? &waiter->next->prev : &waiters->last) = waiter->prev;
	waiter->listed = false;
}

/* The thread may go on at once, but not away: it wants the lock for that. */
static void finish(struct syncobj_waiter *waiter)
{
	atomic_store_release(&waiter->done, 1);
	if (waiter->event && !MUTANT(PROMISED_WAKES_NOBODY))
		park_event_post(waiter->event);
}

void dma_fence_syncobj_give(struct syncobj_waiters *waiters, struct syncobj_waiter *waiter,
			    struct dma_fence *fence, struct syncobj_waiter ***later_end)
{
	dma_fence_syncobj_dequeue(waiters, waiter);
	waiter->fence = fence;
	if (!waiter->event) {
		**later_end = waiter;
		*later_end = &waiter->next;
	}
	finish(waiter);
}

struct syncobj_waiter *dma_fence_syncobj_serve(struct syncobj_waiters *waiters, uint64_t point,
					       struct dma_fence *fence)
{
	struct syncobj_waiter *waiter, *later, **end = &later;

	while ((waiter = waiters->first) && waiter->point <= point)
		dma_fence_syncobj_give(waiters, waiter, dma_fence_get(fence), &end);
	*end = NULL;
	return later;
}

void dma_fence_syncobj_refuse(struct syncobj_waiters *waiters, int error,
			      struct syncobj_waiter ***later_end)
{
	struct syncobj_waiter *waiter, *next;

	for (waiter = waiters->first; waiter; waiter = next) {
		next = waiter->next;
		if (!waiter->event && !later_end)
			continue;
		dma_fence_syncobj_dequeue(waiters, waiter);
		waiter->error = error;
		if (!waiter->event) {
			**later_end = waiter;
			*later_end = &waiter->next;
		}
		finish(waiter);
	}
}

void dma_fence_syncobj_forget_threads(struct syncobj_waiters *waiters)
{
	struct syncobj_waiter *waiter, *next;

	for (waiter = waiters->first; waiter; waiter = next) {
		next = waiter->next;
		if (waiter->event && !MUTANT(CHILD_SERVES_THREADS))
			dma_fence_syncobj_dequeue(waiters, waiter);
	}
}

void dma_fence_syncobj_serve_later(struct syncobj_waiter *waiter)
{
	struct syncobj_waiter *next;

	for (; waiter; waiter = next) {
		next = waiter->next;
		dma_fence_put(waiter->fence_to_be);
		waiter->served(waiter);
	}
}

void dma_fence_syncobj_drop_waiters(struct syncobj_waiters *waiters)
{
	struct syncobj_waiter *waiter;

	while ((waiter = waiters->first)) {
		dma_fence_syncobj_dequeue(waiters, waiter);
		dma_fence_put(waiter->fence_to_be);
		waiter->error = -ECANCELED;
		waiter->served(waiter);
	}
}
