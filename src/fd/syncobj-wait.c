/* SPDX-License-Identifier: MIT */
/*
 * Waiting for points of sync objects.
 *
 * A point that nobody has promised yet is waited for with a waiter on the list of its object, which
 * gets the fence when there is one; and from then on it is that fence which is waited for, whatever
 * becomes of the object. For all of several points that is done one after the other. For one of
 * several there is one event, which waiters and callbacks of fences post, and which is used again.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/hooks.h"
#include "fd/mutants.h"
#include "fd/shared-timeline.h"
#include "fd/syncobj.h"
#include "fence/listed.h"
#include "fence/wait.h"

#define WAIT_FLAGS \
	(DMA_FENCE_SYNCOBJ_WAIT_ALL | DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT | \
	 DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE)
#define FOR_SUBMIT (DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT | DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE)

/* How often it is tried to look at a shared object whose lock somebody keeps. */
#define NAP_NS 10000000

/* Points that one thread can wait for without an allocation. */
#define POINTS_ON_STACK 16

/* All that follows returns 0, -ETIMEDOUT, or what the wait is to return. */

/* Until the event is posted by which one of the points makes itself known. */
static int wait_for_event(const struct dma_fence_syncobj_point *points, uint32_t count,
			  struct park_event *event, bool intr, int64_t deadline)
{
	struct sleeper sleeper = {
		.points = points,
		.num_points = count,
		.deadline = deadline,
	};
	int ret;

	if (dma_fence_park_event_spin(event))
		return 0;
	sleep_begin(&sleeper);
	ret = dma_fence_park_event_sleep(event, intr, deadline);
	sleep_end(&sleeper);
	return ret;
}

/* With a deadline of 0 it asks. */
static int wait_for_fence(struct dma_fence *fence, bool intr, int64_t deadline)
{
	int64_t timeout = deadline;

	if (dma_fence_test_signaled_flag(fence))
		return 0;
	if (deadline && deadline != CLOCK_NEVER) {
		timeout = deadline - clock_now();
		timeout = timeout > 0 ? timeout : 0;
	}
	timeout = dma_fence_wait_timeout(fence, intr, timeout);
	/* Callbacks may still run: a point has signaled when its fence has. */
	if (timeout > 0 || dma_fence_test_signaled_flag(fence))
		return 0;
	return timeout ? (int)timeout : -ETIMEDOUT;
}

/* The fence of a point that has been waited for, if there is one. */
static int take_promised(struct dma_fence_syncobj *syncobj, struct syncobj_waiter *waiter, int ret,
			 struct dma_fence **fence)
{
	syncobj->ops->forget(syncobj, waiter);
	if (waiter->fence) {
		*fence = waiter->fence;
		return 0;
	}
	return waiter->error ? waiter->error : ret;
}

int dma_fence_syncobj_get_promised(const struct dma_fence_syncobj_point *point, unsigned int flags,
				   bool intr, int64_t deadline, struct dma_fence **fence)
{
	struct dma_fence_syncobj *syncobj = point->syncobj;
	struct park_event event = { 0 };
	struct syncobj_waiter waiter = { .event = &event };
	bool for_submit = flags & FOR_SUBMIT;
	int64_t patience;
	int ret;

	if (for_submit && syncobj->ops->wait) {
		do {
			patience = ASK_PATIENCE_NS;
			ret = syncobj->ops->wait(syncobj, point->point,
						 DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE, intr, deadline);
			if (!ret)
				ret = syncobj->ops->find(syncobj, point->point, &patience, NULL,
							 fence);
			/* It has been reset in between, or who keeps its lock lets nobody look. */
		} while (ret == -ENOENT || (ret == -ETIMEDOUT && clock_now() < deadline));
		return ret;
	}
	patience = ASK_PATIENCE_NS;
	ret = syncobj->ops->find(syncobj, point->point, &patience,
				 for_submit && deadline ? &waiter : NULL, fence);
	if (ret != -ENOENT || !for_submit)
		return ret;
	if (!deadline)
		return -ETIMEDOUT;
	ret = wait_for_event(point, 1, &event, intr, deadline);
	return take_promised(syncobj, &waiter, ret, fence);
}

static int wait_for_one(const struct dma_fence_syncobj_point *point, unsigned int flags, bool intr,
			int64_t deadline)
{
	struct dma_fence_syncobj *syncobj = point->syncobj;
	struct dma_fence *fence;
	int ret;

	if (syncobj->ops->wait)
		return syncobj->ops->wait(syncobj, point->point, flags, intr, deadline);
	ret = dma_fence_syncobj_get_promised(point, flags, intr, deadline, &fence);
	if (ret)
		return ret;
	if (!(flags & DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE))
		ret = wait_for_fence(fence, intr, deadline);
	dma_fence_put(fence);
	return ret;
}

/* Several */

struct place {
	struct dma_fence_cb cb;
	struct park_event *event; /* what the callback posts */
	struct dma_fence *fence;  /* NULL: nobody has promised it yet */
	struct syncobj_waiter waiter;
	struct park_event own_event;
	bool waits;
	bool has_callback;
};

struct wait {
	struct listed_wait listed;
	const struct dma_fence_syncobj_point *points;
	uint32_t count;
	unsigned int flags;
	bool intr;
	int64_t deadline;
	int64_t patience; /* with who keeps the locks of shared objects, all of them together */
	struct place *places;
	struct park_event event;
	uint32_t idx;
};

static bool available_is_enough(const struct wait *wait)
{
	return wait->flags & DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE;
}

/* Whether there is nothing to wait for at a point, or an error. */
static int ask(struct wait *wait, uint32_t i)
{
	struct dma_fence_syncobj *syncobj = wait->points[i].syncobj;
	int ret, status;

	if (syncobj->ops->passed(syncobj, wait->points[i].point))
		return 1;
	ret = syncobj->ops->status(syncobj, wait->points[i].point, &wait->patience, &status);
	if ((ret == -ENOENT && wait->flags & FOR_SUBMIT) || ret == -ETIMEDOUT)
		return 0;
	if (ret)
		return ret;
	return available_is_enough(wait) || status;
}

/* Returns 1 if the wait can end at once. */
static int ask_for_any(struct wait *wait)
{
	int ret, error = 0;
	uint32_t i;

	for (i = 0; i < wait->count; i++) {
		ret = ask(wait, i);
		if (ret > 0)
			break;
		error = error ? error : ret;
	}
	if (i == wait->count)
		return error;
	/* The first of those that have: what was asked before may have become one. */
	wait->idx = 0;
	while (wait->idx < i && ask(wait, wait->idx) <= 0)
		wait->idx++;
	return 1;
}

static int ask_for_all(struct wait *wait)
{
	bool all = true;
	uint32_t i;
	int ret;

	for (i = 0; i < wait->count; i++) {
		ret = ask(wait, i);
		if (all || ret < 0)
			wait->idx = i;
		if (ret < 0)
			return ret;
		all = all && ret;
	}
	return all;
}

static int ask_for(struct wait *wait, bool all)
{
	return all ? ask_for_all(wait) : ask_for_any(wait);
}

/* So that all are under way before any is waited for. */
static void enable(const struct wait *wait, struct dma_fence *fence)
{
	if (!available_is_enough(wait))
		dma_fence_enable_signaling(fence);
}

/* For who asks, and does not wait. Of an object that can wait by itself nobody has to be told. */
static void enable_all(struct wait *wait)
{
	struct dma_fence *fence;
	uint32_t i;

	for (i = 0; i < wait->count; i++) {
		const struct dma_fence_syncobj_point *point = &wait->points[i];

		if (point->syncobj->ops->wait ||
		    point->syncobj->ops->find(point->syncobj, point->point, &wait->patience, NULL,
					      &fence))
			continue;
		enable(wait, fence);
		dma_fence_put(fence);
	}
}

/*
 * Of a shared object another may keep the lock; then it is tried until the time is over, or some
 * other point is enough: 1.
 */
static int find(struct wait *wait, uint32_t i, struct syncobj_waiter *waiter,
		struct dma_fence **fence)
{
	const struct dma_fence_syncobj_point *point = &wait->points[i];
	const bool any = !(wait->flags & DMA_FENCE_SYNCOBJ_WAIT_ALL);
	bool enabled = false;
	int ret;

	while ((ret = point->syncobj->ops->find(point->syncobj, point->point, &wait->patience,
						waiter, fence)) == -ETIMEDOUT) {
		const struct timespec nap = { .tv_nsec = NAP_NS };

		if (any && !enabled)
			enable_all(wait);
		enabled = true;
		if (any && ask_for_any(wait) > 0 && !MUTANT(KEPT_HIDES_OTHERS))
			return 1;
		if (clock_now() >= wait->deadline)
			break;
		if (nanosleep(&nap, NULL) && errno == EINTR && wait->intr)
			return -EINTR;
		/* The time is not over: and somebody has to find out whether it is kept for good. */
		if (wait->patience < NAP_NS)
			wait->patience = NAP_NS;
	}
	return ret;
}

/*
 * Finds the fences that there are, and puts waiters in the place of those that there are not.
 * Returns 1 if the wait can end.
 */
static int begin(struct wait *wait, bool all)
{
	const bool for_submit = wait->flags & FOR_SUBMIT;
	uint32_t i;
	int ret;

	for (i = 0; i < wait->count; i++) {
		struct place *place = &wait->places[i];

		*place = (struct place){ 0 };
		place->event = all ? &place->own_event : &wait->event;
		place->waiter.event = place->event;
		ret = find(wait, i, for_submit ? &place->waiter : NULL, &place->fence);
		if (!ret) {
			enable(wait, place->fence);
		} else if (ret == -ENOENT && for_submit) {
			place->waits = true;
		} else {
			wait->count = i; /* that is what has to be undone */
			if (ret < 0)
				wait->idx = i;
			return ret;
		}
	}
	return 0;
}

static void end(struct wait *wait)
{
	uint32_t i;

	for (i = 0; i < wait->count; i++) {
		struct place *place = &wait->places[i];

		if (place->waits)
			take_promised(wait->points[i].syncobj, &place->waiter, 0, &place->fence);
		dma_fence_put(place->fence);
	}
}

/* All */

static bool satisfied(const struct wait *wait, const struct place *place)
{
	return place->fence &&
	       (available_is_enough(wait) || dma_fence_test_signaled_flag(place->fence));
}

static uint32_t first_unsatisfied(const struct wait *wait)
{
	uint32_t i = 0;

	while (i < wait->count && satisfied(wait, &wait->places[i]))
		i++;
	return i;
}

static int await_promises(struct wait *wait)
{
	uint32_t i;
	int ret;

	for (i = 0; i < wait->count; i++) {
		struct place *place = &wait->places[i];

		if (place->fence)
			continue;
		ret = wait_for_event(&wait->points[i], 1, &place->own_event, wait->intr,
				     wait->deadline);
		place->waits = false;
		ret = take_promised(wait->points[i].syncobj, &place->waiter, ret, &place->fence);
		if (ret) {
			wait->idx = place->waiter.error ? i : first_unsatisfied(wait);
			return ret;
		}
		enable(wait, place->fence);
	}
	return 0;
}

static int wait_for_all(struct wait *wait)
{
	int ret = await_promises(wait);
	uint32_t i;

	for (i = 0; i < wait->count && !ret && !available_is_enough(wait); i++) {
		ret = wait_for_fence(wait->places[i].fence, wait->intr, wait->deadline);
		if (ret)
			wait->idx = i;
	}
	return ret;
}

/* Any */

static void post(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	park_event_post(((struct place *)cb)->event);
}

static void forget(const struct listed_wait *listed)
{
	const struct wait *wait = (const struct wait *)listed;
	uint32_t i;

	for (i = 0; i < wait->count; i++) {
		if (wait->places[i].fence)
			dma_fence_forget_callbacks(wait->places[i].fence, post);
	}
}

/* Looks what there is, and sees to it that the event is posted when there is more. */
static int look(struct wait *wait)
{
	uint32_t i;
	int ret;

	for (i = 0; i < wait->count; i++) {
		struct place *place = &wait->places[i];

		if (place->waits && syncobj_waiter_done(&place->waiter)) {
			place->waits = false;
			ret = take_promised(wait->points[i].syncobj, &place->waiter, 0,
					    &place->fence);
			if (ret)
				return ret;
		}
		if (!place->fence)
			continue;
		wait->idx = i;
		if (satisfied(wait, place))
			return 0;
		if (place->has_callback)
			continue;
		if (dma_fence_add_callback(place->fence, &place->cb, post))
			return 0;
		place->has_callback = true;
	}
	return -ETIMEDOUT;
}

static void remove_callbacks(struct wait *wait)
{
	uint32_t i;

	for (i = 0; i < wait->count; i++) {
		if (wait->places[i].has_callback && !MUTANT(SYNCOBJ_WAIT_BOUNDS))
			dma_fence_remove_callback(wait->places[i].fence, &wait->places[i].cb);
	}
}

static int wait_for_any(struct wait *wait)
{
	int ret, waited = 0;

	wait->listed.forget = forget;
	dma_fence_listed_begin(&wait->listed);
	/* At the last moment counts, too. */
	while ((ret = look(wait)) == -ETIMEDOUT && !waited) {
		waited = wait_for_event(wait->points, wait->count, &wait->event, wait->intr,
					wait->deadline);
		park_event_again(&wait->event);
	}
	/* The first of those that have: one that was looked at before may have become one. */
	if (!ret && wait->idx && !MUTANT(LOOKS_ONCE))
		ret = look(wait);
	remove_callbacks(wait);
	dma_fence_listed_end(&wait->listed);
	return ret == -ETIMEDOUT && waited ? waited : ret;
}

static int wait_for_several(const struct dma_fence_syncobj_point *points, uint32_t count,
			    unsigned int flags, bool intr, int64_t deadline, uint32_t *idx)
{
	struct place on_stack[POINTS_ON_STACK];
	struct wait wait = {
		.points = points,
		.count = count,
		.flags = flags,
		.intr = intr,
		.deadline = deadline,
		.patience = ASK_PATIENCE_NS,
		.places = on_stack,
	};
	const bool all = flags & DMA_FENCE_SYNCOBJ_WAIT_ALL;
	int ret = ask_for(&wait, all);

	if (!ret && !deadline) {
		enable_all(&wait);
		ret = ask_for(&wait, all);
		ret = ret ? ret : -ETIMEDOUT;
	} else if (!ret) {
		if (count > POINTS_ON_STACK)
			wait.places = calloc(count, sizeof(*wait.places));
		if (!wait.places)
			return -ENOMEM;
		ret = begin(&wait, all);
		if (!ret)
			ret = all ? wait_for_all(&wait) : wait_for_any(&wait);
		end(&wait);
		if (wait.places != on_stack)
			free(wait.places);
	}
	*idx = wait.idx;
	return ret > 0 ? 0 : ret;
}

/* Not inlined: who asks for what has passed needs no room on the stack. */
static __attribute__((noinline)) int64_t
wait_for_points(const struct dma_fence_syncobj_point *points, uint32_t count, unsigned int flags,
		bool intr, int64_t timeout_ns, uint32_t *idx)
{
	const bool all = flags & DMA_FENCE_SYNCOBJ_WAIT_ALL;
	int64_t deadline = timeout_ns ? clock_deadline(timeout_ns) : 0;
	uint32_t which = 0;
	int ret;

	if (timeout_ns)
		hook(wait_points_begin, points, count);
	if (count == 1)
		ret = wait_for_one(points, flags, intr, deadline);
	else
		ret = wait_for_several(points, count, flags, intr, deadline, &which);
	if (timeout_ns)
		hook(wait_points_end, points, ret);
	/* The one that has succeeded, or of all, the one that has not. */
	if (idx && !ret != all)
		*idx = which;
	return clock_time_left(ret, timeout_ns, deadline);
}

int64_t dma_fence_syncobj_wait(const struct dma_fence_syncobj_point *points, uint32_t count,
			       unsigned int flags, bool intr, int64_t timeout_ns, uint32_t *idx)
{
	uint32_t i;

	if (!points || !count || flags & ~(unsigned int)WAIT_FLAGS)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		if (!points[i].syncobj)
			return -EINVAL;
	}
	if (begin_wait(__func__, timeout_ns))
		return -EINVAL;
	if (count == 1 && points->syncobj->ops->passed(points->syncobj, points->point)) {
		if (idx && !(flags & DMA_FENCE_SYNCOBJ_WAIT_ALL))
			*idx = 0;
		return timeout_ns ? timeout_ns : 1;
	}
	return wait_for_points(points, count, flags, intr, timeout_ns, idx);
}
