/* SPDX-License-Identifier: MIT */
/*
 * Sync objects of several processes: entries of a shared timeline (fd/shared-timeline.h).
 *
 * A fence that is put in stays in this process. Its entry is completed, in the memory, by a
 * callback on it. That has a reference to the timeline, and so keeps it when the object has gone.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hooks.h"
#include "fd/mutants.h"
#include "fd/shared-fences.h"
#include "fd/syncobj.h"
#include "fence/outcome.h"

struct shared {
	struct dma_fence_syncobj base;
	struct shared_timeline *timeline; /* of the fences */
	struct shared_fences *fences;
};

static struct shared *shared_of(struct dma_fence_syncobj *syncobj)
{
	return (struct shared *)(void *)syncobj;
}

static void shared_release(struct dma_fence_syncobj *syncobj)
{
	struct shared *shared = shared_of(syncobj);

	dma_fence_shared_fences_drop_waiters(shared->fences);
	dma_fence_shared_fences_put(shared->fences);
	free(shared);
}

/* Putting in */

struct submission {
	struct dma_fence_cb cb;
	struct shared_fences *fences;
	uint64_t serial;
};

static void complete(struct shared_fences *fences, uint64_t serial, int error, int64_t timestamp)
{
	/*
	 * If that fails the object is broken, or the entry was failed by others, or it is that of
	 * the parent of this process: whoever waits for it knows by himself.
	 */
	dma_fence_shared_timeline_complete(dma_fence_shared_fences_timeline(fences), serial, error,
					   timestamp);
	dma_fence_shared_fences_changed(fences);
}

static void submission_signaled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct submission *submission = (struct submission *)(void *)cb;

	complete(submission->fences, submission->serial,
		 MUTANT(SHARED_LOSES_ERROR) ? 0 : fence_error(fence), fence_timestamp(fence));
	dma_fence_shared_fences_put(submission->fences);
	free(submission);
}

static int shared_add(struct dma_fence_syncobj *syncobj, uint64_t point, struct dma_fence *fence)
{
	struct shared *shared = shared_of(syncobj);
	struct submission *submission = malloc(sizeof(*submission));
	int ret;

	if (!submission)
		return -ENOMEM;
	ret = dma_fence_shared_timeline_append(shared->timeline, point, &submission->serial);
	if (ret) {
		free(submission);
		return ret;
	}
	submission->fences = dma_fence_shared_fences_get(shared->fences);
	if (dma_fence_add_callback(fence, &submission->cb, submission_signaled))
		submission_signaled(fence, &submission->cb);
	else
		dma_fence_shared_fences_changed(shared->fences);
	return 0;
}

static int shared_signal(struct dma_fence_syncobj *syncobj, uint64_t point)
{
	struct shared *shared = shared_of(syncobj);
	uint64_t serial;
	int ret = dma_fence_shared_timeline_append(shared->timeline, point, &serial);

	if (!ret)
		complete(shared->fences, serial, 0, clock_now());
	return ret;
}

static int shared_reset(struct dma_fence_syncobj *syncobj)
{
	return dma_fence_shared_timeline_reset(shared_of(syncobj)->timeline);
}

/* Asking and waiting */

static int shared_query(struct dma_fence_syncobj *syncobj, unsigned int flags, uint64_t *point)
{
	const struct shared_timeline *timeline = shared_of(syncobj)->timeline;
	int ret = dma_fence_shared_timeline_broken(timeline);

	if (ret)
		return ret;
	*point = flags & DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED
			 ? dma_fence_shared_timeline_submitted(timeline)
			 : dma_fence_shared_timeline_signaled(timeline);
	return 0;
}

static bool shared_passed(struct dma_fence_syncobj *syncobj, uint64_t point)
{
	return dma_fence_shared_timeline_passed(shared_of(syncobj)->timeline, point);
}

static int shared_status(struct dma_fence_syncobj *syncobj, uint64_t point, int64_t *patience,
			 int *status)
{
	struct shared_outcome outcome;
	uint64_t serial;
	int ret = dma_fence_shared_timeline_point_within(shared_of(syncobj)->timeline, point,
							 patience, &serial, &outcome);

	if (ret < 0)
		return ret;
	*status = ret && outcome.error ? outcome.error : ret;
	return 0;
}

static int shared_find(struct dma_fence_syncobj *syncobj, uint64_t point, int64_t *patience,
		       struct syncobj_waiter *waiter, struct dma_fence **fence)
{
	return dma_fence_shared_fences_find(shared_of(syncobj)->fences, point, patience, waiter,
					    fence);
}

static void shared_forget(struct dma_fence_syncobj *syncobj, struct syncobj_waiter *waiter)
{
	dma_fence_shared_fences_forget(shared_of(syncobj)->fences, waiter);
}

static int shared_wait(struct dma_fence_syncobj *syncobj, uint64_t point, unsigned int flags,
		       bool intr, int64_t deadline)
{
	const struct dma_fence_syncobj_point waited_for = { .syncobj = syncobj, .point = point };
	struct sleeper sleeper = {
		.points = &waited_for,
		.num_points = 1,
		.deadline = deadline,
	};
	unsigned int how = 0;

	if (flags & DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT)
		how |= SHARED_WAIT_FOR_SUBMIT;
	if (flags & DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE)
		how |= SHARED_WAIT_AVAILABLE;
	return dma_fence_shared_timeline_wait_as(shared_of(syncobj)->timeline, point, how, intr,
						 deadline, &sleeper);
}

static const struct syncobj_ops shared_ops = {
	.release = shared_release,
	.add = shared_add,
	.signal = shared_signal,
	.reset = shared_reset,
	.query = shared_query,
	.passed = shared_passed,
	.status = shared_status,
	.find = shared_find,
	.forget = shared_forget,
	.wait = shared_wait,
};

/* Making */

/* Takes over the timeline in any case. */
static struct dma_fence_syncobj *create(struct shared_timeline *timeline)
{
	struct shared *shared = malloc(sizeof(*shared));

	if (!shared) {
		dma_fence_shared_timeline_put(timeline);
		errno = ENOMEM;
		return NULL;
	}
	shared->base.ops = &shared_ops;
	shared->base.refcount = 1;
	shared->timeline = timeline;
	shared->fences = dma_fence_shared_fences_create(timeline);
	if (!shared->fences) {
		dma_fence_shared_timeline_put(timeline);
		free(shared);
		errno = ENOMEM;
		return NULL;
	}
	return &shared->base;
}

struct dma_fence_syncobj *dma_fence_syncobj_create_shared(void)
{
	struct shared_timeline *timeline;
	int ret = dma_fence_shared_timeline_create(&timeline);

	if (!ret)
		return create(timeline);
	errno = -ret;
	return NULL;
}

struct dma_fence_syncobj *dma_fence_syncobj_import_shared(int handle)
{
	struct shared_timeline *timeline;
	int ret = dma_fence_shared_timeline_import(handle, &timeline);

	if (!ret)
		return create(timeline);
	errno = -ret;
	return NULL;
}

int dma_fence_syncobj_export_shared(struct dma_fence_syncobj *syncobj)
{
	if (syncobj->ops != &shared_ops)
		return -EINVAL;
	return dma_fence_shared_timeline_export(shared_of(syncobj)->timeline);
}
