/* SPDX-License-Identifier: MIT */
#include <sys/queue.h>

#include "base/clock.h"
#include "base/lock.h"
#include "diag/hang-points.h"

struct waiting {
	TAILQ_ENTRY(waiting) link;
	const struct dma_fence_syncobj_point *points;
	uint32_t count; /* 0: it is on no list */
	int64_t since;
	bool taken;
};

/* Of each thread one: it cannot begin another wait before it has ended the first. */
static _Thread_local struct waiting own;

/* The oldest first. */
static TAILQ_HEAD(waits, waiting) waits = TAILQ_HEAD_INITIALIZER(waits);
static struct lock lock;
static bool allowed; /* under the lock: a hook may be under way when it is switched off */

void dma_fence_hang_points_allow(void)
{
	lock_acquire(&lock);
	allowed = true;
	lock_release(&lock);
}

bool dma_fence_hang_points_begin(const struct dma_fence_syncobj_point *points, uint32_t count)
{
	bool noted;

	lock_acquire(&lock);
	noted = allowed;
	if (noted) {
		own = (struct waiting){ .points = points, .count = count, .since = clock_now() };
		TAILQ_INSERT_TAIL(&waits, &own, link);
	}
	lock_release(&lock);
	return noted;
}

bool dma_fence_hang_points_end(void)
{
	bool open;

	lock_acquire(&lock);
	open = own.count && !own.taken;
	if (own.count)
		TAILQ_REMOVE(&waits, &own, link);
	own.count = 0;
	lock_release(&lock);
	return open;
}

static void copy(struct hang_points *copied, const struct waiting *waiting)
{
	uint32_t i;

	copied->count = waiting->count < HANG_POINTS_MOST ? waiting->count : HANG_POINTS_MOST;
	copied->since = waiting->since;
	for (i = 0; i < copied->count; i++) {
		copied->points[i] = waiting->points[i];
		dma_fence_syncobj_get(copied->points[i].syncobj);
	}
}

bool dma_fence_hang_points_take(int64_t before, struct hang_points *taken, int64_t *since)
{
	struct waiting *waiting;

	lock_acquire(&lock);
	waiting = TAILQ_FIRST(&waits);
	while (waiting && waiting->taken)
		waiting = TAILQ_NEXT(waiting, link);
	if (waiting && waiting->since > before) {
		*since = waiting->since;
		waiting = NULL;
	}
	if (waiting) {
		waiting->taken = true;
		copy(taken, waiting);
	}
	lock_release(&lock);
	return waiting;
}

/* With the lock held. */
static uint32_t forget(void)
{
	struct waiting *waiting;
	uint32_t open = 0;

	while ((waiting = TAILQ_FIRST(&waits))) {
		TAILQ_REMOVE(&waits, waiting, link);
		open += !waiting->taken;
		waiting->count = 0;
	}
	return open;
}

uint32_t dma_fence_hang_points_forget(void)
{
	uint32_t open;

	lock_acquire(&lock);
	allowed = false;
	open = forget();
	lock_release(&lock);
	return open;
}

void dma_fence_hang_points_lock(void)
{
	lock_acquire(&lock);
}

uint32_t dma_fence_hang_points_unlock(bool in_child)
{
	/* The memory of threads that the child does not have is there still. */
	const uint32_t open = in_child ? forget() : 0;

	lock_release(&lock);
	return open;
}
