/* SPDX-License-Identifier: MIT */
/*
 * Waiting for points and entries of a shared timeline (fd/shared-timeline.h): looking, then
 * sleeping until something changes, and looking again.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/hooks.h"
#include "base/park.h"
#include "fd/mutants.h"
#include "fd/shared-memory.h"
#include "fd/shared-park.h"

struct wait {
	struct shared_timeline *timeline;
	uint64_t point, serial; /* the serial is 0 as long as the point is not pending */
	unsigned int flags;
	struct sleeper *sleeper; /* how the caller wants to be known while he sleeps; or NULL */
};

static int wait_look_point(struct wait *wait)
{
	struct shared_outcome outcome;
	uint64_t serial;
	int ret;

	if (dma_fence_shared_timeline_passed(wait->timeline, wait->point))
		return 1;
	ret = dma_fence_shared_timeline_point_soon(wait->timeline, wait->point, &serial, &outcome);
	if (ret)
		return ret;
	wait->serial = serial;
	return wait->flags & SHARED_WAIT_AVAILABLE ? 1 : 0;
}

/* Returns 1 when the wait is over, 0 if not yet. */
static int wait_look(struct wait *wait)
{
	struct shared_outcome outcome;
	int ret;

	if (wait->serial) {
		ret = dma_fence_shared_timeline_outcome(wait->timeline, wait->serial, &outcome);
		if (!ret)
			dma_fence_shared_timeline_check_owners(wait->timeline);
		return ret == -ESTALE ? 1 : ret;
	}
	ret = wait_look_point(wait);
	if (ret == -ETIMEDOUT)
		return 0; /* nobody knows; the wait has an end of its own */
	if (ret != -ENOENT || !wait->flags)
		return ret;
	ret = dma_fence_shared_timeline_check_owners(wait->timeline);
	if (ret != -EOWNERDEAD)
		return ret;
	/* It may have been promised, and even have ended, before all of them were gone. */
	ret = wait_look_point(wait);
	return ret == -ENOENT ? -EOWNERDEAD : ret == -ETIMEDOUT ? 0 : ret;
}

static uint32_t changes_seen(const struct shared_timeline *timeline)
{
	return atomic_load_acquire(&timeline->memory->changes) &
	       ~(CHANGES_SLEEPERS | CHANGES_ARMED);
}

/* Until something has changed, or it is time to look after the owners. */
static int wait_sleep(struct shared_timeline *timeline, uint32_t seen, int64_t deadline)
{
	uint32_t *changes = &timeline->memory->changes, now = atomic_load_relaxed(changes);
	int64_t begin = clock_now(), until = begin + SHARED_CHECK_NS;
	int ret;

	/* The kernel looks at the word first, which may be another one each time. */
	if (begin >= deadline)
		return -ETIMEDOUT;
	/*
	 * What is waited for may be this process's own, and signal with a fence that it imported.
	 */
	if (!MUTANT(SHARED_UNATTENDED) && dma_fence_park_attended && !dma_fence_park_attended())
		return 0;
	if ((now & ~(CHANGES_SLEEPERS | CHANGES_ARMED)) != seen)
		return 0;
	if (!(now & CHANGES_SLEEPERS) && !atomic_cas_relaxed(changes, &now, now | CHANGES_SLEEPERS))
		return 0;
	if (deadline <= until)
		return dma_fence_shared_park_wait(changes, now | CHANGES_SLEEPERS, deadline);
	ret = dma_fence_shared_park_wait(changes, now | CHANGES_SLEEPERS, until);
	return ret == -ETIMEDOUT ? 0 : ret;
}

static int wait_spinning(struct wait *wait, bool intr, int64_t deadline, bool *told)
{
	struct spin spin = { 0 };
	bool spun = false;
	int looked, ret = 0;

	for (;;) {
		uint32_t seen = changes_seen(wait->timeline);

		looked = wait_look(wait);
		if (looked)
			break;
		if (ret == -ETIMEDOUT || (ret == -EINTR && intr))
			return ret;
		if (deadline <= 0)
			return -ETIMEDOUT;
		do {
			spun = spun || !spin_once(&spin);
		} while (!spun && changes_seen(wait->timeline) == seen);
		if (spun && wait->sleeper && !*told) {
			*told = true;
			sleep_begin(wait->sleeper);
		}
		ret = spun ? wait_sleep(wait->timeline, seen, deadline) : 0;
	}
	dma_fence_spin_learn(&spin, !spun);
	return looked > 0 ? 0 : looked;
}

static int wait_for(struct wait *wait, bool intr, int64_t deadline)
{
	bool told = false;
	int ret = wait_spinning(wait, intr, deadline, &told);

	if (told)
		sleep_end(wait->sleeper);
	return ret;
}

int dma_fence_shared_timeline_wait_as(struct shared_timeline *timeline, uint64_t point,
				      unsigned int flags, bool intr, int64_t deadline,
				      struct sleeper *sleeper)
{
	struct wait wait = {
		.timeline = timeline,
		.point = point,
		.flags = flags,
		.sleeper = sleeper,
	};

	if (likely(dma_fence_shared_timeline_passed(timeline, point)))
		return 0;
	return wait_for(&wait, intr, deadline);
}

int dma_fence_shared_timeline_wait(struct shared_timeline *timeline, uint64_t point,
				   unsigned int flags, bool intr, int64_t deadline)
{
	return dma_fence_shared_timeline_wait_as(timeline, point, flags, intr, deadline, NULL);
}

int dma_fence_shared_timeline_wait_serial(struct shared_timeline *timeline, uint64_t serial,
					  bool intr, int64_t deadline)
{
	struct wait wait = { .timeline = timeline, .serial = serial };

	return serial ? wait_for(&wait, intr, deadline) : -EINVAL;
}
