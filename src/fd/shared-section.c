/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>

#include "base/clock.h"
#include "base/lock.h"
#include "fd/eventfd.h"
#include "fd/mutants.h"
#include "fd/shared-park.h"
#include "fd/shared-section.h"

/* Waits that a machine with much to do does not explain; and how slowly they are forgotten. */
#define LONG_WAIT_NS	INT64_C(300000000)
#define FORGOTTEN_AFTER 8

/* If nobody has tried for so long, nothing is known about the time between. */
#define UNKNOWN_NS INT64_C(1000000000)

/* Serials do not come near to it in a thousand years. */
#define SERIAL_MAX (UINT64_MAX / ENTRY_STATES - 1)

/* Telling others */

/* Returns the flags of those that have to be told now. */
static uint32_t change(struct shared_timeline *timeline)
{
	const uint32_t flags = CHANGES_SLEEPERS | CHANGES_ARMED;
	uint32_t *changes = &timeline->memory->changes, old = atomic_load_relaxed(changes);
	uint32_t seen = atomic_exchange_acq_rel(changes, (old | flags) + 1);

	return (MUTANT(SLEEPERS_BEFORE_CHANGE) ? old : seen) & flags;
}

static void tell(struct shared_timeline *timeline, uint32_t flags)
{
	if (flags & CHANGES_SLEEPERS)
		dma_fence_shared_park_wake(&timeline->memory->changes, INT_MAX);
	if (flags & CHANGES_ARMED)
		dma_fence_doorbell_ring(timeline->doorbell);
}

/* Flaws */

int dma_fence_shared_fail(struct shared_timeline *timeline)
{
	int failed = 0;

	if (atomic_cas_relaxed(&timeline->failed, &failed, -EPROTO)) {
		atomic_store_relaxed(&timeline->memory->broken, 1);
		tell(timeline, change(timeline));
		failed = -EPROTO;
	}
	return failed;
}

/* Leaving */

void dma_fence_shared_leave(struct shared_timeline *timeline, bool changed)
{
	uint32_t flags = changed ? change(timeline) : 0;

	dma_fence_shared_unlock(&timeline->memory->lock, &timeline->peer);
	tell(timeline, flags);
}

int dma_fence_shared_leave_broken(struct shared_timeline *timeline)
{
	dma_fence_shared_leave(timeline, false);
	return dma_fence_shared_fail(timeline);
}

/* Patience */

/* With the lock of the patience: what has been spent of it, and not been forgotten yet. */
static int64_t spent(struct shared_patience *patience, int64_t now)
{
	int64_t forgotten = (now - patience->counted) / FORGOTTEN_AFTER;

	if (forgotten <= 0)
		return patience->spent;
	return patience->spent > forgotten ? patience->spent - forgotten : 0;
}

static int64_t patience_left(struct shared_timeline *timeline)
{
	int64_t left;

	lock_acquire(&timeline->patience.lock);
	left = PATIENCE_NS - spent(&timeline->patience, clock_now());
	lock_release(&timeline->patience.lock);
	if (MUTANT(PATIENCE_NEVER_ENDS))
		return PATIENCE_NS;
	return left > LONG_WAIT_NS ? left : LONG_WAIT_NS;
}

/* How long it is known that the lock could not be had. */
static int64_t kept_for(struct shared_timeline *timeline, int64_t now)
{
	const struct shared_patience *known = &timeline->patience;
	int64_t since = atomic_load_relaxed(&known->since);

	return since && now - atomic_load_relaxed(&known->until) <= UNKNOWN_NS ? now - since : 0;
}

/* A lock that is not free. */
static int lock_slowly(struct shared_timeline *timeline, int64_t *patience)
{
	struct shared_patience *known = &timeline->patience;
	int64_t begin = clock_now(), now, limit = *patience;
	bool broken = false, tells = true;
	int ret;

	if (limit == ALL_THERE_IS)
		limit = patience_left(timeline);
	else if (kept_for(timeline, begin) >= ASK_PATIENCE_NS)
		limit = 0;
	else
		tells = limit >= SOON_PATIENCE_NS;
	ret = dma_fence_shared_lock(&timeline->memory->lock, &timeline->peer, limit);
	now = clock_now();
	if (*patience != ALL_THERE_IS && !MUTANT(PATIENCE_WITH_EACH))
		*patience -= now - begin < *patience ? now - begin : *patience;
	/* Somebody may well have it at one moment, and at another, who keeps it from nobody. */
	if (ret < 0 && !tells)
		return ret;
	lock_acquire(&known->lock);
	if (ret >= 0) {
		atomic_store_relaxed(&known->since, 0);
		if (now - begin >= LONG_WAIT_NS) {
			/* Other threads may have waited at the same time. */
			known->spent = spent(known, begin);
			known->spent += now - (begin > known->counted ? begin : known->counted);
			known->counted = now;
		}
	} else {
		if (!kept_for(timeline, begin))
			atomic_store_relaxed(&known->since, begin);
		atomic_store_relaxed(&known->until, now);
		/* Asked again: another may have had it meanwhile. */
		broken = kept_for(timeline, now) >= PATIENCE_NS;
	}
	lock_release(&known->lock);
	return broken ? dma_fence_shared_fail(timeline) : ret;
}

/* Entering */

static bool view_read(struct shared_timeline *timeline, struct view *view)
{
	const struct shared_memory *memory = timeline->memory;

	view->life = atomic_load_relaxed(&memory->life);
	view->tail = atomic_load_relaxed(&memory->tail);
	view->next = atomic_load_relaxed(&memory->next);
	return view->life && view->tail && view->life <= view->next && view->tail <= view->next &&
	       view->next - view->tail <= SHARED_ENTRIES && view->next < SERIAL_MAX;
}

int dma_fence_shared_enter(struct shared_timeline *timeline, int64_t *patience, struct view *view)
{
	int ret = timeline_broken(timeline);

	if (unlikely(ret))
		return ret;
	if (likely(dma_fence_shared_try_lock(&timeline->memory->lock, &timeline->peer))) {
		if (unlikely(atomic_load_relaxed(&timeline->patience.since)))
			atomic_store_relaxed(&timeline->patience.since, 0);
	} else {
		ret = lock_slowly(timeline, patience);
		if (ret < 0)
			return ret;
	}
	if (unlikely(!view_read(timeline, view)))
		return dma_fence_shared_leave_broken(timeline);
	if (unlikely(ret == SHARED_LOCK_INHERITED)) {
		if (!dma_fence_shared_repair(timeline, view))
			return dma_fence_shared_leave_broken(timeline);
		tell(timeline, change(timeline));
	}
	return 0;
}
