/* SPDX-License-Identifier: MIT */
/*
 * src/base/rcu.c for scenarios whose subject that is not: grace periods as the scheduler has them,
 * without the lists by which the library shares one among many frees.
 *
 * A grace period may begin at any time after a call is deferred, ends when the sections that there
 * were then have ended, and another thread makes the call. Sections that begin later see what was
 * before it.
 */
#include <dmafence/rcu.h>

#include "explore.h"
#include "memory.h"
#include "step.h"

#define caller() __builtin_return_address(0)

void dma_fence_rcu_read_lock(void)
{
	step_read_lock(caller());
}

void dma_fence_rcu_read_unlock(void)
{
	step_read_unlock(caller());
}

void dma_fence_rcu_synchronize(void)
{
	step_synchronize(caller());
}

/* Everything that anyone has deferred, which is more than is promised. */
void dma_fence_rcu_barrier(void)
{
	step_drain(caller());
}

static void call(void *arg)
{
	struct dma_fence_rcu_link *link = arg;

	link->func(link);
}

void dma_fence_rcu_defer(struct dma_fence_rcu_link *link,
			 void (*func)(struct dma_fence_rcu_link *link))
{
	memory_access(&link->func, sizeof(link->func), PLAIN_STORE, caller());
	link->func = func;
	step_defer(link, call, caller());
}
