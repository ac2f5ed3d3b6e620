/* SPDX-License-Identifier: MIT */
/*
 * Each fence has the serial of its entry, and asks the timeline for that. Those that somebody waits
 * for are on a list, and look() goes through it: at each change that the doorbell tells of, at each
 * that this process has made, and at each tick. What was found is done after the lock has been
 * released.
 *
 * The list holds no references. A fence whose last one goes is taken from it, and is gone; unless a
 * callback waits: then the fence is adopted, as in fd/imported.c.
 *
 * A waiter brings the fence with it that it will get, without a serial as yet. So nothing has to be
 * allocated when its point is promised, by another process, where nobody could be told that there
 * was no memory.
 *
 * Who keeps the lock of the timeline is waited for without the lock that is here, for which others
 * would have to wait in turn who do not even ask for anything any more.
 *
 * Once nothing is waited for the watching goes on until the next tick: who waits in each frame
 * does not begin anew in each.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/refcount.h"
#include "fd/mutants.h"
#include "fd/shared-fences.h"
#include "fd/ticker.h"
#include "fd/watcher.h"
#include "fence/container.h"

struct shared_fence {
	/* At the start of the block, for dma_fence_free(). */
	struct dma_fence base;
	struct shared_fences *fences;
	struct shared_fence *next;  /* of those that are waited for */
	struct shared_fence **prev; /* what points to it there; NULL: it is not */
	struct shared_fence *next_ended;
	uint32_t adopted;
	uint64_t serial; /* 0: of a waiter's */
	bool known;	 /* the outcome has been, from when the fence was given out */
	struct shared_outcome
		outcome; /* otherwise it is who has found that it has ended who sets it */
};

struct shared_fences {
	struct shared_timeline *timeline;
	struct lock lock;
	uint32_t refcount;
	bool registered;
	uint32_t watching;
	struct shared_fence *waited_for;
	struct syncobj_waiters of_binary;
	struct syncobj_waiters of_points;
	struct watch doorbell;
	struct tick tick;
	struct shared_fences *next, *prev; /* all of this process */
};

static struct lock all_lock;
static struct shared_fences *all;

static struct shared_fence *shared_fence_of(struct dma_fence *fence)
{
	return (struct shared_fence *)(void *)fence;
}

/* How an entry ended, if it has. */
static bool ended(const struct shared_fence *fence, struct shared_outcome *outcome)
{
	int ret = 0;

	if (fence->known) {
		*outcome = fence->outcome;
		return true;
	}
	if (fence->serial)
		ret = dma_fence_shared_timeline_outcome(fence->fences->timeline, fence->serial,
							outcome);
	if (ret < 0) {
		outcome->error = ret;
		outcome->timestamp = clock_now();
	}
	return ret;
}

static void signal_fence(struct shared_fence *fence, const struct shared_outcome *outcome)
{
	if (dma_fence_signal_state(&fence->base, state_of_timestamp(outcome->timestamp),
				   outcome->error) &&
	    atomic_load_relaxed(&fence->adopted) && atomic_exchange_acq_rel(&fence->adopted, 0))
		dma_fence_put(&fence->base);
}

/* Under the lock */

static void insert(struct shared_fence *fence)
{
	struct shared_fence **first = &fence->fences->waited_for;

	fence->next = *first;
	fence->prev = first;
	if (fence->next)
		fence->next->prev = &fence->next;
	*first = fence;
}

static void take_out(struct shared_fence *fence)
{
	if (!fence->prev)
		return;
	*fence->prev = fence->next;
	if (fence->next)
		fence->next->prev = fence->prev;
	fence->prev = NULL;
}

/* What was found, to be seen to without the lock. */
struct found {
	struct shared_fence *ended; /* with references */
	struct syncobj_waiter *later;
	struct syncobj_waiter **later_end;
	bool kept; /* somebody had the lock of the timeline, so that not all could be looked at */
};

static void look_at_fences(struct shared_fences *fences, struct found *found)
{
	struct shared_fence *fence, *next;

	for (fence = fences->waited_for; fence; fence = next) {
		next = fence->next;
		/* One without references is about to take itself out. */
		if (!ended(fence, &fence->outcome) || !dma_fence_get_rcu(&fence->base))
			continue;
		take_out(fence);
		fence->next_ended = found->ended;
		found->ended = fence;
	}
}

static void look_at_waiters(struct shared_fences *fences, struct syncobj_waiters *waiters,
			    struct found *found)
{
	struct syncobj_waiter *waiter;
	struct shared_fence *fence;
	int64_t patience;
	uint64_t serial = 0;
	int ret;

	while ((waiter = waiters->first)) {
		fence = shared_fence_of(waiter->fence_to_be);
		patience = 0;
		ret = dma_fence_shared_timeline_point_within(fences->timeline, waiter->point,
							     &patience, &serial, &fence->outcome);
		/* Or it cannot be known now, but it will be looked again. */
		found->kept = found->kept || ret == -ETIMEDOUT;
		if (ret == -ENOENT || ret == -ETIMEDOUT)
			return;
		if (ret < 0) {
			/* It may be a timeline yet, or binary; all else is for good. */
			dma_fence_syncobj_refuse(waiters, ret,
						 ret == -EINVAL ? NULL : &found->later_end);
			return;
		}
		waiter->fence_to_be = NULL;
		/* It is signaled by whoever looks at it. */
		fence->known = ret;
		fence->serial = ret ? 0 : serial;
		dma_fence_syncobj_give(waiters, waiter, &fence->base, &found->later_end);
	}
}

static void look_at_all_waiters(struct shared_fences *fences, struct found *found)
{
	look_at_waiters(fences, &fences->of_binary, found);
	look_at_waiters(fences, &fences->of_points, found);
}

static void see_to(struct found *found)
{
	struct shared_fence *fence;

	while ((fence = found->ended)) {
		found->ended = fence->next_ended;
		signal_fence(fence, &fence->outcome);
		dma_fence_put(&fence->base);
	}
	*found->later_end = NULL;
	dma_fence_syncobj_serve_later(found->later);
}

static void watch(struct shared_fences *fences)
{
	if (fences->watching)
		return;
	atomic_store_relaxed(&fences->watching, 1);
	dma_fence_ticker_start(&fences->tick);
	dma_fence_watcher_watch(&fences->doorbell);
}

static void unwatch(struct shared_fences *fences)
{
	if (!fences->watching)
		return;
	if (MUTANT(SHARED_WATCHED_FOR_EVER))
		return;
	atomic_store_relaxed(&fences->watching, 0);
	dma_fence_ticker_stop(&fences->tick);
	dma_fence_watcher_unwatch(&fences->doorbell);
}

static bool waited_for(const struct shared_fences *fences)
{
	return fences->waited_for || fences->of_binary.first || fences->of_points.first;
}

/* @error: what waiters get for whom there is nothing. Returns whether all could be looked at. */
static bool look_at_all(struct shared_fences *fences, int error, struct found *found)
{
	look_at_fences(fences, found);
	look_at_all_waiters(fences, found);
	if (found->kept)
		return false;
	if (error) {
		/* It may have been promised before the last owner was gone: that was looked at. */
		dma_fence_syncobj_refuse(&fences->of_binary, error, &found->later_end);
		dma_fence_syncobj_refuse(&fences->of_points, error, &found->later_end);
	}
	return true;
}

/* Around what waits for the lock of the timeline. */

static void leave_for_a_while(struct shared_fences *fences)
{
	if (!MUTANT(KEEPS_OTHERS_WAITING))
		lock_release(&fences->lock);
}

static void come_back(struct shared_fences *fences)
{
	if (!MUTANT(KEEPS_OTHERS_WAITING))
		lock_acquire(&fences->lock);
}

/* With the lock, which is released. */
static void look_patiently(struct shared_fences *fences, int64_t patience)
{
	struct found found = { .later_end = &found.later };
	int64_t now, deadline = 0;
	bool free = true;
	int error;

	if (!MUTANT(SHARED_NOT_ARMED))
		dma_fence_shared_timeline_arm(fences->timeline);
	leave_for_a_while(fences);
	error = dma_fence_shared_timeline_check_owners_within(fences->timeline, &patience);
	come_back(fences);
	while (!look_at_all(fences, error, &found) && free) {
		now = clock_now();
		deadline = deadline ? deadline : now + patience;
		patience = deadline - now;
		if (patience <= 0)
			break;
		leave_for_a_while(fences);
		see_to(&found);
		found = (struct found){ .later_end = &found.later };
		free = dma_fence_shared_timeline_await(fences->timeline, &patience);
		come_back(fences);
	}
	lock_release(&fences->lock);
	see_to(&found);
}

/* @patience: for how long it may wait for who keeps the lock of the timeline; it is looked again. */
static void look(struct shared_fences *fences, int64_t patience, bool ticking)
{
	lock_acquire(&fences->lock);
	if (waited_for(fences)) {
		look_patiently(fences, patience);
		return;
	}
	if (ticking)
		unwatch(fences);
	lock_release(&fences->lock);
}

void dma_fence_shared_fences_changed(struct shared_fences *fences)
{
	if (atomic_load_relaxed(&fences->watching))
		look(fences, SOON_PATIENCE_NS, false);
}

static struct shared_fences *of_doorbell(struct watch *watch)
{
	return (struct shared_fences *)(void *)((char *)watch -
						offsetof(struct shared_fences, doorbell));
}

static bool hold(struct shared_fences *fences)
{
	return refcount_get_not_zero(&fences->refcount) != REFCOUNT_ZERO;
}

static bool doorbell_hold(struct watch *watch)
{
	return hold(of_doorbell(watch));
}

static void doorbell_ready(struct watch *watch)
{
	look(of_doorbell(watch), SOON_PATIENCE_NS, false);
	dma_fence_shared_fences_put(of_doorbell(watch));
}

static const struct watch_ops doorbell_ops = {
	.ready = doorbell_ready,
	.hold = doorbell_hold,
};

static struct shared_fences *of_tick(struct tick *tick)
{
	return (struct shared_fences *)(void *)((char *)tick -
						offsetof(struct shared_fences, tick));
}

static bool tick_hold(struct tick *tick)
{
	return hold(of_tick(tick));
}

static void tick_look(struct tick *tick)
{
	look(of_tick(tick), SOON_PATIENCE_NS, true);
	dma_fence_shared_fences_put(of_tick(tick));
}

static const struct tick_ops tick_ops = {
	.hold = tick_hold,
	.look = tick_look,
};

/* The fence */

static const char *shared_driver_name(struct dma_fence *fence)
{
	(void)fence;
	return "dma_fence_syncobj";
}

static const char *shared_timeline_name(struct dma_fence *fence)
{
	(void)fence;
	return "shared";
}

static bool shared_signaled(struct dma_fence *fence)
{
	struct shared_outcome outcome;

	return ended(shared_fence_of(fence), &outcome);
}

static bool shared_poll(struct dma_fence *fence)
{
	struct shared_fence *shared = shared_fence_of(fence);
	struct shared_outcome outcome;
	int64_t patience = 0;

	if (!ended(shared, &outcome)) {
		/* For who comes back and polls again, and never waits. */
		dma_fence_shared_timeline_check_owners_within(shared->fences->timeline, &patience);
		if (!ended(shared, &outcome))
			return false;
	}
	signal_fence(shared, &outcome);
	return true;
}

static void shared_enable(struct dma_fence *fence)
{
	struct shared_fence *shared = shared_fence_of(fence);
	struct shared_fences *fences = shared->fences;

	if (shared_poll(fence))
		return;
	lock_acquire(&fences->lock);
	insert(shared);
	watch(fences);
	lock_release(&fences->lock);
	look(fences, 0, false);
}

static void shared_release(struct dma_fence *fence)
{
	struct shared_fences *fences = shared_fence_of(fence)->fences;

	lock_acquire(&fences->lock);
	take_out(shared_fence_of(fence));
	lock_release(&fences->lock);
	dma_fence_shared_fences_put(fences);
	dma_fence_free(fence);
}

static void shared_adopt(struct dma_fence *fence)
{
	if (MUTANT(SHARED_NOT_ADOPTED))
		take_out(shared_fence_of(fence));
	atomic_store_relaxed(&shared_fence_of(fence)->adopted, 1);
	/* Last: from now on it can be found. */
	atomic_store_release(&fence->refcount, 1);
}

static const struct container_ops shared_ops = {
	.ops = {
		.get_driver_name = shared_driver_name,
		.get_timeline_name = shared_timeline_name,
		.signaled = shared_signaled,
		.release = shared_release,
	},
	.enable = shared_enable,
	.poll = shared_poll,
	.adopt = shared_adopt,
};

bool dma_fence_is_shared(const struct dma_fence *fence)
{
	return atomic_load_relaxed(&fence->ops) == &shared_ops.ops;
}

static struct shared_fence *create_fence(struct shared_fences *fences)
{
	struct shared_fence *fence = malloc(sizeof(*fence));

	if (!fence)
		return NULL;
	fence->fences = dma_fence_shared_fences_get(fences);
	fence->prev = NULL;
	fence->adopted = 0;
	fence->serial = 0;
	fence->known = false;
	dma_fence_init_container(&fence->base, &shared_ops, DMA_FENCE_FLAG_OUTSIDE,
				 dma_fence_context_alloc(1), 1);
	/* Its producer is outside: who drops it while it is pending wrongs nobody. */
	fence->base.published = DMA_FENCE_NEVER_PUBLISHED;
	return fence;
}

/* Finding */

/* So that watching cannot fail later. */
static int get_ready(struct shared_fences *fences)
{
	int ret = 0;

	lock_acquire(&fences->lock);
	if (!fences->registered) {
		ret = dma_fence_ticker_register();
		if (!ret) {
			ret = dma_fence_watcher_register(&fences->doorbell);
			if (ret)
				dma_fence_ticker_unregister();
		}
		fences->registered = !ret;
	}
	lock_release(&fences->lock);
	return ret;
}

/* Puts the waiter on the list, unless the point has been promised. */
static int enlist(struct shared_fences *fences, struct syncobj_waiter *waiter,
		  struct shared_fence *fence, int64_t *patience, uint64_t *serial)
{
	/* The watcher may want the lock of the fences. */
	const int64_t at_most = *patience < SOON_PATIENCE_NS ? *patience : SOON_PATIENCE_NS;
	int64_t left = at_most;
	int ret;

	lock_acquire(&fences->lock);
	watch(fences);
	dma_fence_shared_timeline_arm(fences->timeline);
	ret = dma_fence_shared_timeline_point_within(fences->timeline, waiter->point, &left, serial,
						     &fence->outcome);
	*patience -= at_most - left;
	if (ret == -ETIMEDOUT)
		ret = -ENOENT; /* it may be there: that will be seen later */
	if (ret == -ENOENT) {
		waiter->fence_to_be = &fence->base;
		dma_fence_syncobj_enqueue(waiter->point ? &fences->of_points : &fences->of_binary,
					  waiter);
	}
	lock_release(&fences->lock);
	return ret;
}

int dma_fence_shared_fences_find(struct shared_fences *fences, uint64_t point, int64_t *patience,
				 struct syncobj_waiter *waiter, struct dma_fence **found)
{
	struct shared_outcome outcome;
	struct shared_fence *fence;
	uint64_t serial;
	int ret, ready;

	ret = dma_fence_shared_timeline_point_within(fences->timeline, point, patience, &serial,
						     &outcome);
	if (ret == -ETIMEDOUT && waiter)
		ret = -ENOENT;
	if (ret < 0 && (ret != -ENOENT || !waiter))
		return ret;
	fence = create_fence(fences);
	ready = !fence ? -ENOMEM : ret == 1 ? 0 : get_ready(fences);
	if (ready) {
		if (fence)
			dma_fence_put(&fence->base);
		return ready;
	}
	if (ret == 1)
		fence->outcome = outcome;
	if (ret == -ENOENT) {
		waiter->point = point;
		ret = enlist(fences, waiter, fence, patience, &serial);
		if (ret == -ENOENT)
			return ret;
	}
	if (ret < 0) {
		dma_fence_put(&fence->base);
		return ret;
	}
	if (ret)
		signal_fence(fence, &fence->outcome);
	else
		fence->serial = serial;
	*found = &fence->base;
	return 0;
}

void dma_fence_shared_fences_forget(struct shared_fences *fences, struct syncobj_waiter *waiter)
{
	lock_acquire(&fences->lock);
	dma_fence_syncobj_dequeue(waiter->point ? &fences->of_points : &fences->of_binary, waiter);
	lock_release(&fences->lock);
	dma_fence_put(waiter->fence_to_be);
	waiter->fence_to_be = NULL;
}

void dma_fence_shared_fences_drop_waiters(struct shared_fences *fences)
{
	struct syncobj_waiters of_binary, of_points;

	lock_acquire(&fences->lock);
	of_binary = fences->of_binary;
	of_points = fences->of_points;
	fences->of_binary = (struct syncobj_waiters){ 0 };
	fences->of_points = (struct syncobj_waiters){ 0 };
	lock_release(&fences->lock);
	dma_fence_syncobj_drop_waiters(&of_binary);
	dma_fence_syncobj_drop_waiters(&of_points);
}

/* Life */

void dma_fence_shared_fences_fork_prepare(void)
{
	struct shared_fences *fences;

	lock_acquire(&all_lock);
	for (fences = all; fences; fences = fences->next)
		lock_acquire(&fences->lock);
}

void dma_fence_shared_fences_fork_parent(void)
{
	struct shared_fences *fences;

	for (fences = all; fences; fences = fences->next)
		lock_release(&fences->lock);
	lock_release(&all_lock);
}

/* What the threads held that are not there any more stays held. */
void dma_fence_shared_fences_fork_child(void)
{
	struct shared_fences *fences;

	for (fences = all; fences; fences = fences->next) {
		dma_fence_syncobj_forget_threads(&fences->of_binary);
		dma_fence_syncobj_forget_threads(&fences->of_points);
	}
	dma_fence_shared_fences_fork_parent();
}

struct shared_fences *dma_fence_shared_fences_create(struct shared_timeline *timeline)
{
	struct shared_fences *fences = calloc(1, sizeof(*fences));

	if (!fences)
		return NULL;
	fences->timeline = timeline;
	fences->refcount = 1;
	fences->doorbell.ops = &doorbell_ops;
	fences->doorbell.lasting = true;
	fences->doorbell.for_writing = true;
	fences->doorbell.fd = dma_fence_shared_timeline_doorbell(timeline);
	fences->tick.ops = &tick_ops;
	lock_acquire(&all_lock);
	fences->next = all;
	if (all)
		all->prev = fences;
	all = fences;
	lock_release(&all_lock);
	return fences;
}

struct shared_fences *dma_fence_shared_fences_get(struct shared_fences *fences)
{
	refcount_get(&fences->refcount);
	return fences;
}

void dma_fence_shared_fences_put(struct shared_fences *fences)
{
	if (refcount_put(&fences->refcount) != REFCOUNT_LAST)
		return;
	lock_acquire(&all_lock);
	if (fences->next)
		fences->next->prev = fences->prev;
	*(fences->prev ? &fences->prev->next : &all) = fences->next;
	lock_release(&all_lock);
	if (fences->watching)
		dma_fence_ticker_stop(&fences->tick);
	if (fences->registered) {
		dma_fence_watcher_unregister(&fences->doorbell);
		dma_fence_ticker_unregister();
	}
	dma_fence_shared_timeline_put(fences->timeline);
	free(fences);
}

struct shared_timeline *dma_fence_shared_fences_timeline(const struct shared_fences *fences)
{
	return fences->timeline;
}
