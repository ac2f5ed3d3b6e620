/* SPDX-License-Identifier: MIT */
/*
 * Sync objects of one process.
 *
 * The fence that is there is the newest link of a chain, or, of a binary object, just that. It
 * changes under the lock, under which nothing is done with a fence but to take references and to
 * make a link, and so no code of others runs.
 *
 * 'passed' is a point that is known to have signaled without error: whoever finds that out stores
 * it under the lock, if the timeline is still the one that it was found out of. For points up to it
 * one load says all.
 */
#include <errno.h>
#include <stdlib.h>

#include <dmafence/chain.h>
#include <dmafence/unwrap.h>

#include "base/clock.h"
#include "base/fork.h"
#include "base/lock.h"
#include "fd/mutants.h"
#include "fd/syncobj.h"
#include "fence/chain.h"
#include "fence/outcome.h"

enum use {
	UNUSED,
	BINARY,
	TIMELINE,
};

struct local {
	struct dma_fence_syncobj base;
	struct lock lock;
	enum use use;
	/* Links that were added since the last walk, and how many were left then. */
	uint32_t added;
	uint32_t left;
	struct dma_fence *fence;
	uint64_t passed;
	uint64_t last;
	/* One of the two: which one, an object that is unused does not know. */
	struct syncobj_waiters of_binary;
	struct syncobj_waiters of_points;
	struct local *next, *prev; /* all of this process */
};

/* For a fork(). */
static struct lock all_lock;
static struct local *all;

/* There is always some garbage: to look for it at each point would take longer than to keep it. */
#define SOME_LINKS 16

static struct local *local_of(struct dma_fence_syncobj *syncobj)
{
	return (struct local *)(void *)syncobj;
}

static void local_release(struct dma_fence_syncobj *syncobj)
{
	struct local *local = local_of(syncobj);

	dma_fence_syncobj_drop_waiters(&local->of_binary);
	dma_fence_syncobj_drop_waiters(&local->of_points);
	dma_fence_put(local->fence);
	lock_acquire(&all_lock);
	if (local->next)
		local->next->prev = local->prev;
	*(local->prev ? &local->prev->next : &all) = local->next;
	lock_release(&all_lock);
	free(local);
}

static bool local_passed(struct dma_fence_syncobj *syncobj, uint64_t point)
{
	return point && atomic_load_acquire(&local_of(syncobj)->passed) >= point;
}

static bool done_well(const struct dma_fence *fence)
{
	return dma_fence_test_signaled_flag(fence) && !fence_error(fence);
}

static void set_passed(struct local *local, uint64_t context, uint64_t point)
{
	lock_acquire(&local->lock);
	if (local->use == TIMELINE && local->passed < point &&
	    (local->fence->context == context || MUTANT(PASSED_OF_ANOTHER_LIFE)))
		atomic_store_release(&local->passed, point);
	lock_release(&local->lock);
}

/* Putting in */

static int replace(struct local *local, struct dma_fence *fence)
{
	struct syncobj_waiter *later;
	struct dma_fence *old;

	lock_acquire(&local->lock);
	if (local->use == TIMELINE) {
		lock_release(&local->lock);
		return -EINVAL;
	}
	if (local->use == UNUSED)
		dma_fence_syncobj_refuse(&local->of_points, -EINVAL, NULL);
	local->use = BINARY;
	old = local->fence;
	local->fence = dma_fence_get(fence);
	later = dma_fence_syncobj_serve(&local->of_binary, 0, fence);
	lock_release(&local->lock);

	dma_fence_put(old);
	dma_fence_syncobj_serve_later(later);
	return 0;
}

/*
 * Links whose work is done are taken out by whoever goes back through them. If nobody does we have
 * to: when there are twice as many as there were left the last time, so that what it costs is
 * shared by as many.
 */
static void collect_garbage(struct local *local, struct dma_fence *newest)
{
	struct dma_fence *link;
	uint32_t left = 0;

	dma_fence_chain_for_each (link, newest)
		left++;
	atomic_store_relaxed(&local->left, left);
}

static int add_link(struct local *local, struct dma_fence_chain *chain, struct dma_fence *work,
		    uint64_t point)
{
	struct dma_fence *link = &chain->base;
	struct syncobj_waiter *later;
	bool garbage;
	int ret = 0;

	lock_acquire(&local->lock);
	if (local->use == BINARY)
		ret = -EINVAL;
	else if (point <= local->last && !MUTANT(POINTS_GO_BACKWARDS))
		ret = -ERANGE;
	if (ret) {
		lock_release(&local->lock);
		return ret;
	}
	if (local->use == UNUSED)
		dma_fence_syncobj_refuse(&local->of_binary, -EINVAL, NULL);
	local->use = TIMELINE;
	dma_fence_chain_init(chain, local->fence, work, point);
	local->fence = dma_fence_get(link);
	atomic_store_release(&local->last, point);
	garbage = ++local->added > atomic_load_relaxed(&local->left) + SOME_LINKS;
	if (garbage)
		local->added = 0;
	later = dma_fence_syncobj_serve(&local->of_points, point, link);
	lock_release(&local->lock);

	dma_fence_syncobj_serve_later(later);
	if (garbage && !MUTANT(SYNCOBJ_KEEPS_LINKS))
		collect_garbage(local, link);
	dma_fence_put(link);
	return 0;
}

/* What a link can hold: of a link of another timeline that is what it is made of. */
static struct dma_fence *work_of(struct dma_fence *fence)
{
	return dma_fence_is_chain(fence) ? dma_fence_unwrap_merge(fence) : dma_fence_get(fence);
}

static int local_add(struct dma_fence_syncobj *syncobj, uint64_t point, struct dma_fence *fence)
{
	struct dma_fence_chain *chain;
	struct dma_fence *work;
	int ret = -ENOMEM;

	if (!point)
		return replace(local_of(syncobj), fence);
	work = work_of(fence);
	chain = dma_fence_chain_alloc();
	if (work && chain)
		ret = add_link(local_of(syncobj), chain, work, point);
	if (ret) {
		dma_fence_chain_free(chain);
		dma_fence_put(work);
	}
	return ret;
}

static int local_signal(struct dma_fence_syncobj *syncobj, uint64_t point)
{
	struct dma_fence *stub = dma_fence_allocate_private_stub(clock_now());
	int ret;

	if (!stub)
		return -ENOMEM;
	ret = local_add(syncobj, point, stub);
	dma_fence_put(stub);
	return ret;
}

static int local_reset(struct dma_fence_syncobj *syncobj)
{
	struct local *local = local_of(syncobj);
	struct dma_fence *old;

	lock_acquire(&local->lock);
	old = local->fence;
	local->fence = NULL;
	local->use = UNUSED;
	local->added = 0;
	atomic_store_release(&local->last, 0);
	if (!MUTANT(RESET_KEEPS_PASSED))
		atomic_store_release(&local->passed, 0);
	lock_release(&local->lock);
	dma_fence_put(old);
	return 0;
}

/* Finding */

/* What is there: the newest link, or the fence of a binary object. */
static int get_newest(struct local *local, uint64_t point, struct syncobj_waiter *waiter,
		      struct dma_fence **fence)
{
	int ret = 0;

	lock_acquire(&local->lock);
	if (local->use == (point ? BINARY : TIMELINE)) {
		ret = -EINVAL;
	} else if (local->use == UNUSED || local->last < point) {
		ret = -ENOENT;
		if (waiter) {
			waiter->point = point;
			dma_fence_syncobj_enqueue(point ? &local->of_points : &local->of_binary,
						  waiter);
		}
	} else {
		*fence = dma_fence_get(local->fence);
	}
	lock_release(&local->lock);
	return ret;
}

/* No patience is needed: who has the lock is of this process. */
static int local_find(struct dma_fence_syncobj *syncobj, uint64_t point, int64_t *patience,
		      struct syncobj_waiter *waiter, struct dma_fence **fence)
{
	struct local *local = local_of(syncobj);
	uint64_t context;
	int ret;

	(void)patience;
	if (local_passed(syncobj, point)) {
		*fence = dma_fence_get_stub();
		return 0;
	}
	ret = get_newest(local, point, waiter, fence);
	if (ret || !point)
		return ret;
	context = (*fence)->context;
	dma_fence_chain_find_seqno(fence, point);
	if (!*fence || done_well(*fence))
		set_passed(local, context, point);
	if (!*fence)
		*fence = dma_fence_get_stub();
	return 0;
}

static void local_forget(struct dma_fence_syncobj *syncobj, struct syncobj_waiter *waiter)
{
	struct local *local = local_of(syncobj);

	lock_acquire(&local->lock);
	dma_fence_syncobj_dequeue(waiter->point ? &local->of_points : &local->of_binary, waiter);
	lock_release(&local->lock);
}

static int local_status(struct dma_fence_syncobj *syncobj, uint64_t point, int64_t *patience,
			int *status)
{
	struct dma_fence *fence;
	int ret;

	if (local_passed(syncobj, point)) {
		*status = 1;
		return 0;
	}
	ret = local_find(syncobj, point, patience, NULL, &fence);
	if (ret)
		return ret;
	*status = dma_fence_get_status(fence);
	dma_fence_put(fence);
	return 0;
}

/* The last point that has signaled, of a timeline whose newest link it is. */
static uint64_t signaled_point(struct dma_fence *newest, uint64_t passed)
{
	struct dma_fence *link;
	uint64_t point = passed;
	bool signaled = true;

	while (signaled && point < newest->seqno) {
		link = dma_fence_chain_find_from(newest, point + 1);
		signaled = dma_fence_poll(link);
		/* What was between has been taken out. */
		point = signaled ? link->seqno : to_dma_fence_chain(link)->prev_seqno;
		dma_fence_put(link);
	}
	return point;
}

static int local_query(struct dma_fence_syncobj *syncobj, unsigned int flags, uint64_t *point)
{
	struct local *local = local_of(syncobj);
	const uint64_t last = atomic_load_acquire(&local->last);
	struct dma_fence *newest, *link;
	uint64_t passed;

	*point = last;
	/* The second look: it has not been reset in between. */
	if (flags & DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED ||
	    (local_passed(syncobj, last) && atomic_load_acquire(&local->last) == last))
		return 0;

	lock_acquire(&local->lock);
	newest = local->use == TIMELINE ? dma_fence_get(local->fence) : NULL;
	passed = local->passed;
	lock_release(&local->lock);
	*point = 0;
	if (!newest)
		return 0;
	*point = signaled_point(newest, passed);
	if (*point > passed) {
		link = dma_fence_get(newest);
		dma_fence_chain_find_seqno(&link, *point);
		if (!link || done_well(link))
			set_passed(local, newest->context, *point);
		dma_fence_put(link);
	}
	dma_fence_put(newest);
	return 0;
}

static const struct syncobj_ops local_ops = {
	.release = local_release,
	.add = local_add,
	.signal = local_signal,
	.reset = local_reset,
	.query = local_query,
	.passed = local_passed,
	.status = local_status,
	.find = local_find,
	.forget = local_forget,
};

struct dma_fence_syncobj *dma_fence_syncobj_create_local(void)
{
	struct local *local = calloc(1, sizeof(*local));

	if (!local) {
		errno = ENOMEM;
		return NULL;
	}
	local->base.ops = &local_ops;
	local->base.refcount = 1;
	lock_acquire(&all_lock);
	local->next = all;
	if (all)
		all->prev = local;
	all = local;
	lock_release(&all_lock);
	return &local->base;
}

/* fork() */

static void fork_prepare(void)
{
	struct local *local;

	lock_acquire(&all_lock);
	for (local = all; local; local = local->next)
		lock_acquire(&local->lock);
}

static void fork_parent(void)
{
	struct local *local;

	for (local = all; local; local = local->next)
		lock_release(&local->lock);
	lock_release(&all_lock);
}

static void fork_child(void)
{
	struct local *local;

	for (local = all; local; local = local->next) {
		dma_fence_syncobj_forget_threads(&local->of_binary);
		dma_fence_syncobj_forget_threads(&local->of_points);
	}
	fork_parent();
}

__attribute__((constructor)) static void get_ready(void)
{
	static struct fork_handlers handlers = {
		.order = FORK_SYNCOBJS,
		.prepare = fork_prepare,
		.parent = fork_parent,
		.child = fork_child,
	};

	dma_fence_at_fork(&handlers);
}
