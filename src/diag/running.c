/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "base/clock.h"
#include "base/lock.h"
#include "diag/running.h"
#include "diag/thread.h"

static struct lock lock;
static struct running *first;
static bool started; /* under the lock: a hook may be under way when it is switched off */

static _Thread_local struct running own;

/* These two with the lock held. */

static void put_in(struct running *running)
{
	running->prev = NULL;
	running->next = first;
	if (first)
		first->prev = running;
	first = running;
	running->listed = true;
}

static void take_out(struct running *running)
{
	if (!running->listed)
		return;
	if (running->next)
		running->next->prev = running->prev;
	*(running->prev ? &running->prev->next : &first) = running->next;
	running->listed = false;
}

static void on_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	const int64_t now = clock_now();
	const int32_t thread = dma_fence_thread_number();

	lock_acquire(&lock);
	take_out(&own);
	own.fence = fence;
	own.cb = cb;
	own.func = cb->func;
	own.since = now;
	own.thread = thread;
	if (started)
		put_in(&own);
	lock_release(&lock);
}

static void on_callback_end(void)
{
	lock_acquire(&lock);
	take_out(&own);
	lock_release(&lock);
}

static const struct hooks hooks = {
	.callback = on_callback,
	.callback_end = on_callback_end,
};

bool dma_fence_running_of(const struct dma_fence *fence, struct running *running)
{
	const struct running *each;

	lock_acquire(&lock);
	for (each = first; each && each->fence != fence; each = each->next)
		;
	if (each)
		*running = *each;
	lock_release(&lock);
	return each;
}

void dma_fence_running_start(void)
{
	lock_acquire(&lock);
	started = true;
	lock_release(&lock);
	dma_fence_hooks_add(&hooks);
}

/* Threads may end without having said that a callback has. */
void dma_fence_running_stop(void)
{
	dma_fence_hooks_remove(&hooks);
	lock_acquire(&lock);
	started = false;
	while (first)
		take_out(first);
	lock_release(&lock);
}

/* fork() */

void dma_fence_running_fork_prepare(void)
{
	lock_acquire(&lock);
}

void dma_fence_running_fork_parent(void)
{
	lock_release(&lock);
}

/* What runs are the parent's threads. */
void dma_fence_running_fork_child(void)
{
	first = NULL;
	own.listed = false;
	lock_release(&lock);
}
