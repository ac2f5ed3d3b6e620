/* SPDX-License-Identifier: MIT */
/*
 * Sections: getting the lock of a shared timeline, and giving it back; patience with who keeps it.
 *
 * Who enters finds the memory in order: what a holder has begun who was killed has been mended, and
 * where numbers contradict each other the object is broken. Who leaves says whether anything has
 * changed, which others are told then.
 *
 * Waiting for the lock has an end. Who puts something in waits for PATIENCE_NS, and then the object
 * is broken. Who only asks waits for ASK_PATIENCE_NS, and who has others to see to, for
 * SOON_PATIENCE_NS; and once none of these has had it for ASK_PATIENCE_NS, not at all until
 * somebody has had it again. If that goes on for PATIENCE_NS, it is broken. And who gives the lock
 * back just in time, again and again, uses up the patience of those who put something in:
 * LONG_WAIT_NS is then what is left of it.
 *
 * Who asks several objects has ASK_PATIENCE_NS for all of them. When that is used up the lock of
 * each is tried once, and one that is not free then tells nothing about who keeps it.
 */
#ifndef DMAFENCE_FD_SHARED_SECTION_H
#define DMAFENCE_FD_SHARED_SECTION_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "fd/mutants.h"
#include "fd/shared-ring.h"

/* How long somebody else may hold the lock before that is a flaw. */
#define PATIENCE_NS INT64_C(3000000000)

/* What is left of PATIENCE_NS. */
#define ALL_THERE_IS (-1)

/* Flaws */

/* The object is broken from now on, for all, who are told; returns the error. */
int dma_fence_shared_fail(struct shared_timeline *timeline);

/* 0, or the error with which all fails from now on. */
static inline int timeline_broken(const struct shared_timeline *timeline)
{
	int failed = atomic_load_relaxed(&timeline->failed);

	if (likely(!failed) && unlikely(atomic_load_relaxed(&timeline->memory->broken)))
		return -EPROTO;
	return failed;
}

/* Sections */

/**
 * dma_fence_shared_enter - takes the lock, repairs what has to be, and reads the view
 * @patience: for how long it may wait, in ns, from which that is taken off; or ALL_THERE_IS
 *
 * Returns 0, -ETIMEDOUT, or what is wrong with the object.
 */
int dma_fence_shared_enter(struct shared_timeline *timeline, int64_t *patience, struct view *view);

/* For who puts something in. Returns 0, or what is wrong with the object. */
static inline int enter_patiently(struct shared_timeline *timeline, struct view *view)
{
	int64_t patience = ALL_THERE_IS;
	int ret = dma_fence_shared_enter(timeline, &patience, view);

	return ret == -ETIMEDOUT ? dma_fence_shared_fail(timeline) : ret;
}

/* For who comes again. */
static inline int enter_soon(struct shared_timeline *timeline, int64_t *patience, struct view *view)
{
	if (MUTANT(ASKS_PATIENTLY))
		return enter_patiently(timeline, view);
	return dma_fence_shared_enter(timeline, patience, view);
}

/* Gives the lock back, and tells others of a change. */
void dma_fence_shared_leave(struct shared_timeline *timeline, bool changed);

/* Ends a section in which the memory was found to be broken; returns -EPROTO. */
int dma_fence_shared_leave_broken(struct shared_timeline *timeline);

#endif
