/* SPDX-License-Identifier: MIT */
/* Asking a shared timeline for points and entries (fd/shared-timeline.h). */
#include <errno.h>

#include "base/clock.h"
#include "fd/mutants.h"
#include "fd/shared-section.h"

int dma_fence_shared_timeline_broken(const struct shared_timeline *timeline)
{
	return timeline_broken(timeline);
}

uint64_t dma_fence_shared_timeline_signaled(const struct shared_timeline *timeline)
{
	return atomic_load_acquire(timeline->signaled);
}

uint64_t dma_fence_shared_timeline_submitted(const struct shared_timeline *timeline)
{
	return atomic_load_acquire(&timeline->memory->submitted);
}

static int64_t past(int64_t timestamp)
{
	int64_t now = clock_now();

	if (timestamp < 0)
		return 0;
	return timestamp < now ? timestamp : now;
}

int dma_fence_shared_timeline_outcome(struct shared_timeline *timeline, uint64_t serial,
				      struct shared_outcome *outcome)
{
	const struct entry *entry = entry_of(timeline, serial);
	int state = entry_state(entry, serial);

	if (state >= ENTRY_PENDING) {
		int64_t timestamp = atomic_load_acquire(&entry->timestamp);
		int error = entry_error(entry);

		if (state != ENTRY_ENDED)
			return timeline_broken(timeline);
		/* Only if nobody has begun to use the place for another one. */
		if (entry_state(entry, serial) == ENTRY_ENDED) {
			outcome->error = error;
			outcome->timestamp = past(timestamp);
			return 1;
		}
	}
	if (!serial || serial >= atomic_load_acquire(&timeline->memory->next))
		return -EINVAL;
	if (atomic_load_acquire(&entry->word) / ENTRY_STATES > serial)
		return -ESTALE;
	return dma_fence_shared_fail(timeline);
}

/*
 * Finds the first entry with at least this point, of those that are still there. Also without the
 * lock: returns -EPROTO if the ring changes meanwhile, or is broken.
 */
static int search(const struct shared_timeline *timeline, uint64_t life, uint64_t next,
		  uint64_t point, uint64_t *serial)
{
	uint64_t low = life, high = next;

	if (life >= next)
		return -ENOENT;
	/* The place of the next one may have been written to, by somebody who was then killed. */
	if (next - low >= SHARED_RING)
		low = next - SHARED_RING + !MUTANT(OLDEST_IS_GONE);
	while (low < high) {
		uint64_t middle = low + (high - low) / 2, middle_point;
		const struct entry *entry = entry_of(timeline, middle);

		middle_point = atomic_load_acquire(&entry->point);
		if (entry_state(entry, middle) < ENTRY_PENDING)
			return -EPROTO;
		if (middle_point < point)
			low = middle + 1;
		else
			high = middle;
	}
	*serial = low;
	return low < next ? 0 : -ENOENT;
}

/* How a point ended that has passed, once one knows with which entry. */
static bool passed_outcome(struct shared_timeline *timeline, uint64_t point, uint64_t serial,
			   struct shared_outcome *outcome)
{
	const struct shared_memory *memory = timeline->memory;
	uint64_t from = atomic_load_acquire(&memory->failed_from);
	int error = atomic_load_acquire(&memory->failed_error);

	if (dma_fence_shared_timeline_outcome(timeline, serial, outcome) != 1)
		return false;
	/* Not that of the entry, which is another one if its own is not there any more. */
	outcome->error = from && point >= from ? error : 0;
	if (outcome->error > 0 || outcome->error < -MAX_ERRNO)
		outcome->error = -EPROTO;
	return true;
}

/* Without the lock. Returns 1, or 0: look again with the lock. */
static int passed_point(struct shared_timeline *timeline, uint64_t point,
			struct shared_outcome *outcome)
{
	const struct shared_memory *memory = timeline->memory;
	uint64_t serial, next, life, lives = atomic_load_acquire(&memory->lives);

	if (lives & 1 || !dma_fence_shared_timeline_passed(timeline, point))
		return 0;
	life = atomic_load_acquire(&memory->life);
	next = atomic_load_acquire(&memory->next);
	if (search(timeline, life, next, point, &serial) ||
	    !passed_outcome(timeline, point, serial, outcome))
		return 0;
	return atomic_load_relaxed(&memory->lives) == lives;
}

/* Likewise, of the binary entry. Returns 0 also if it is pending. */
static int passed_binary(struct shared_timeline *timeline, struct shared_outcome *outcome)
{
	const struct shared_memory *memory = timeline->memory;
	uint64_t next = atomic_load_acquire(&memory->next);
	uint64_t life = atomic_load_acquire(&memory->life);
	const struct entry *last = entry_of(timeline, next - 1);
	uint64_t point = atomic_load_acquire(&last->point);

	if (life >= next || point || entry_state(last, next - 1) != ENTRY_ENDED)
		return 0;
	return dma_fence_shared_timeline_outcome(timeline, next - 1, outcome) == 1;
}

static int locked_point(struct shared_timeline *timeline, uint64_t point, int64_t *patience,
			uint64_t *serial, struct shared_outcome *outcome)
{
	const struct entry *last;
	struct view view;
	int ret = enter_soon(timeline, patience, &view);

	if (ret)
		return ret;
	ret = -ENOENT;
	if (view.next > view.life) {
		last = entry_of(timeline, view.next - 1);
		if (!point != !atomic_load_relaxed(&last->point)) {
			ret = -EINVAL;
		} else {
			*serial = view.next - 1;
			ret = point ? search(timeline, view.life, view.next, point, serial) : 0;
		}
	}
	if (!ret) {
		if (!point)
			ret = dma_fence_shared_timeline_outcome(timeline, *serial, outcome);
		else if (dma_fence_shared_timeline_passed(timeline, point))
			ret = passed_outcome(timeline, point, *serial, outcome) ? 1 : -EPROTO;
		if (ret < 0)
			ret = -EPROTO;
	}
	if (ret == -EPROTO)
		return dma_fence_shared_leave_broken(timeline);
	dma_fence_shared_leave(timeline, false);
	return ret;
}

static int passed(struct shared_timeline *timeline, uint64_t point, struct shared_outcome *outcome)
{
	return point ? passed_point(timeline, point, outcome) : passed_binary(timeline, outcome);
}

int dma_fence_shared_timeline_point_within(struct shared_timeline *timeline, uint64_t point,
					   int64_t *patience, uint64_t *serial,
					   struct shared_outcome *outcome)
{
	int ret = timeline_broken(timeline);

	if (ret)
		return ret;
	ret = passed(timeline, point, outcome);
	if (ret)
		return ret;
	ret = locked_point(timeline, point, patience, serial, outcome);
	/* It may have passed by now, or the ring been in motion only before. */
	if (ret == -ETIMEDOUT && passed(timeline, point, outcome))
		return 1;
	if (ret)
		return ret;
	/* For who comes back and asks again, and never waits. */
	dma_fence_shared_timeline_check_owners_within(timeline, patience);
	ret = dma_fence_shared_timeline_outcome(timeline, *serial, outcome);
	if (ret != -ESTALE)
		return ret;
	/* Much has happened meanwhile. */
	return locked_point(timeline, point, patience, serial, outcome);
}

bool dma_fence_shared_timeline_await(struct shared_timeline *timeline, int64_t *patience)
{
	struct view view;

	if (enter_soon(timeline, patience, &view))
		return false;
	dma_fence_shared_leave(timeline, false);
	return true;
}

int dma_fence_shared_timeline_point(struct shared_timeline *timeline, uint64_t point,
				    uint64_t *serial, struct shared_outcome *outcome)
{
	int64_t patience = ASK_PATIENCE_NS;

	return dma_fence_shared_timeline_point_within(timeline, point, &patience, serial, outcome);
}

int dma_fence_shared_timeline_point_soon(struct shared_timeline *timeline, uint64_t point,
					 uint64_t *serial, struct shared_outcome *outcome)
{
	int64_t patience = SOON_PATIENCE_NS;

	return dma_fence_shared_timeline_point_within(timeline, point, &patience, serial, outcome);
}
