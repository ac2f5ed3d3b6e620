/* SPDX-License-Identifier: MIT */
/*
 * Who waits for a point of a sync object that nobody has promised yet.
 *
 * A thread waits with an event, and takes its waiter back before it returns. Whoever wants
 * something to be done then leaves a waiter of its own with the object. All waiters of an object
 * are on a list in the order of their points, under its lock. So whoever adds a point looks at no
 * more of them than it is for.
 */
#ifndef DMAFENCE_FD_SYNCOBJ_WAITER_H
#define DMAFENCE_FD_SYNCOBJ_WAITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/park.h"

struct dma_fence;

/**
 * struct syncobj_waiter - waits for somebody's promise
 * @next: on the list, as is @prev
 * @prev: NULL for the first
 * @point: the point; 0 for what a binary object will hold
 * @event: a thread's, posted under the lock
 * @served: instead of @event: called without the lock, and the waiter is its to free
 * @fence: of the point, with a reference
 * @fence_to_be: what that will be, where it has to be there beforehand; with a reference
 * @error: why there will be none
 * @listed: whether it is on the list; under the lock
 * @done: set when @fence or @error is; with release order
 */
struct syncobj_waiter {
	struct syncobj_waiter *next;
	struct syncobj_waiter *prev;
	uint64_t point;
	struct park_event *event;
	void (*served)(struct syncobj_waiter *waiter);
	struct dma_fence *fence;
	struct dma_fence *fence_to_be;
	int error;
	bool listed;
	uint32_t done;
};

static inline bool syncobj_waiter_done(const struct syncobj_waiter *waiter)
{
	return atomic_load_acquire(&waiter->done);
}

struct syncobj_waiters {
	struct syncobj_waiter *first;
	struct syncobj_waiter *last;
};

/* What follows is under the lock. */

void dma_fence_syncobj_enqueue(struct syncobj_waiters *waiters, struct syncobj_waiter *waiter);

/* If it is still there. */
void dma_fence_syncobj_dequeue(struct syncobj_waiters *waiters, struct syncobj_waiter *waiter);

/*
 * Who waits for 'fence', which stands for all points up to 'point', gets it. Returns those for whom
 * something is to be done without the lock, by dma_fence_syncobj_serve_later().
 */
struct syncobj_waiter *dma_fence_syncobj_serve(struct syncobj_waiters *waiters, uint64_t point,
					       struct dma_fence *fence);

/*
 * One of them gets a fence, the caller's reference to it. Those for whom something is to be done
 * without the lock are put at the end of a list.
 */
void dma_fence_syncobj_give(struct syncobj_waiters *waiters, struct syncobj_waiter *waiter,
			    struct dma_fence *fence, struct syncobj_waiter ***later_end);

/*
 * No thread waits for these any more. Others go on, or if @later_end is the end of a list for
 * dma_fence_syncobj_serve_later(), they do not either.
 */
void dma_fence_syncobj_refuse(struct syncobj_waiters *waiters, int error,
			      struct syncobj_waiter ***later_end);

/*
 * In the child of a fork(), which has none of the threads that wait, and in which their stacks will
 * be those of others: what is left is for whom something is to be done.
 */
void dma_fence_syncobj_forget_threads(struct syncobj_waiters *waiters);

/* And this not. */

/* A list that ends with NULL. */
void dma_fence_syncobj_serve_later(struct syncobj_waiter *waiter);

/* The object goes, and those who are still there get -ECANCELED. */
void dma_fence_syncobj_drop_waiters(struct syncobj_waiters *waiters);

#endif
