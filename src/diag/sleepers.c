/* SPDX-License-Identifier: MIT */

#include "base/clock.h"
#include "base/fork.h"
#include "base/lock.h"
#include "diag/sleepers.h"
#include "diag/stack.h"
#include "diag/thread.h"

static struct lock lock;
static struct sleeper *sleepers;
static uint32_t stacks_wanted;

static void begin(struct sleeper *sleeper)
{
	sleeper->since = clock_now();
	sleeper->thread = dma_fence_thread_number();
	sleeper->stack = atomic_load_relaxed(&stacks_wanted) ? dma_fence_stack_here() : 0;
	sleeper->prev = NULL;

	lock_acquire(&lock);
	sleeper->next = sleepers;
	if (sleepers)
		sleepers->prev = sleeper;
	sleepers = sleeper;
	lock_release(&lock);
}

static void end(struct sleeper *sleeper)
{
	lock_acquire(&lock);
	if (sleeper->next)
		sleeper->next->prev = sleeper->prev;
	*(sleeper->prev ? &sleeper->prev->next : &sleepers) = sleeper->next;
	lock_release(&lock);
}

void dma_fence_sleepers_for_each(bool (*func)(const struct sleeper *sleeper, void *arg), void *arg)
{
	const struct sleeper *sleeper;

	lock_acquire(&lock);
	for (sleeper = sleepers; sleeper && func(sleeper, arg); sleeper = sleeper->next)
		;
	lock_release(&lock);
}

void dma_fence_sleepers_want_stacks(void)
{
	atomic_fetch_add_relaxed(&stacks_wanted, 1);
}

void dma_fence_sleepers_unwant_stacks(void)
{
	atomic_fetch_sub_relaxed(&stacks_wanted, 1);
}

static void fork_prepare(void)
{
	lock_acquire(&lock);
}

static void fork_parent(void)
{
	lock_release(&lock);
}

/* Who sleeps are the parent's threads. */
static void fork_child(void)
{
	sleepers = NULL;
	lock_release(&lock);
}

void dma_fence_sleepers_start(void)
{
	dma_fence_sleep_begin = begin;
	dma_fence_sleep_end = end;
	static struct fork_handlers handlers = {
		.order = FORK_SLEEPERS,
		.prepare = fork_prepare,
		.parent = fork_parent,
		.child = fork_child,
	};

	dma_fence_at_fork(&handlers);
}
