/* SPDX-License-Identifier: MIT */
/*
 * RCU, by liburcu's "bulletproof" flavour, whose readers need not register: the threads of a host
 * program know nothing of it.
 *
 * liburcu is LGPL and its inline functions stay out of our objects: only this file includes its
 * header, and calls its functions out of line.
 */
#include <stddef.h>
#include <stdint.h>
#include <urcu/urcu-bp.h>

#include <dmafence/rcu.h>

#include "base/clock.h"
#include "base/fork-mutants.h"
#include "base/fork.h"
#include "base/lock.h"
#include "base/park.h"

/*
 * ThreadSanitizer cannot see into liburcu. What liburcu guarantees is told to it here: the end of
 * a read-side section happens before the end of a grace period that waited for it. A section that
 * begins later is not covered by that, so that a use after the grace period is still reported.
 * One that begins after the grace period has, and ends before it does, is told of though liburcu
 * guarantees nothing there: what that could hide is for the scheduler to find.
 * (The scheduler of tests/model, which is instrumented in the same way, has liburcu in its hands.)
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) && !defined(DMAFENCE_MODEL)
void __tsan_acquire(void *address);
void __tsan_release(void *address);
static char grace_period;
#define section_ends()	    __tsan_release(&grace_period)
#define grace_period_ends() __tsan_acquire(&grace_period)
#else
#define section_ends()	    ((void)0)
#define grace_period_ends() ((void)0)
#endif

void dma_fence_rcu_read_lock(void)
{
	urcu_bp_read_lock();
}

void dma_fence_rcu_read_unlock(void)
{
	section_ends();
	urcu_bp_read_unlock();
}

/* Held while somebody waits for readers, which liburcu lets one do at a time. For a fork(). */
static struct lock synchronizing;

void dma_fence_rcu_synchronize(void)
{
	/*
	 * Makes liburcu's thread now if there is none: a reader that we wait for may need it, and
	 * would wait for a fork to make it, which waits for us.
	 */
	urcu_bp_get_default_call_rcu_data();
	lock_acquire(&synchronizing);
	urcu_bp_synchronize_rcu();
	lock_release(&synchronizing);
	grace_period_ends();
}

/*
 * Deferred link. There is at most one callback with liburcu at any time ('grace'), and two lists:
 * 'incoming', a lock-free stack, on which work is put while a grace period is under way that may
 * have begun too early for it, and 'waiting', which the grace period under way is for. When that
 * ends, what was waiting is run, in the order in which it came, and what is incoming becomes what
 * waits for the next one.
 *
 * 'incoming' is IDLE when no grace period is under way: whoever changes that owns 'waiting' and
 * 'grace' and starts one. BUSY is the empty list while one is.
 */
#define IDLE ((struct dma_fence_rcu_link *)NULL)
#define BUSY (&busy)

static struct dma_fence_rcu_link busy;
static struct dma_fence_rcu_link *incoming = IDLE;
static struct dma_fence_rcu_link *waiting;
static struct rcu_head grace;

/*
 * How many have ended, with all that was waiting for them run. Counted before what is incoming is
 * taken: who finds the list as it is after that sees it counted.
 */
static uint32_t grace_periods;

/* Changes after each of them; what a barrier sleeps on. */
static uint32_t progress;

/* Held from IDLE to call_rcu: after a fork in between nobody would end the child's BUSY. */
static struct lock starting;

static void grace_period_ended(struct rcu_head *head);

static void grace_period_start(struct dma_fence_rcu_link *link)
{
	/* Release: ThreadSanitizer does not see the hand-over that call_rcu makes. */
	atomic_store_release(&waiting, link);
	urcu_bp_call_rcu(&grace, grace_period_ended);
}

static struct dma_fence_rcu_link *in_order(struct dma_fence_rcu_link *stack)
{
	struct dma_fence_rcu_link *list = BUSY, *next;

	for (; stack != BUSY; stack = next) {
		next = stack->next;
		stack->next = list;
		list = stack;
	}
	return list;
}

static void grace_period_ended(struct rcu_head *head)
{
	struct dma_fence_rcu_link *link = in_order(atomic_load_acquire(&waiting)), *next;

	(void)head;
	grace_period_ends();

	for (; link != BUSY; link = next) {
		next = link->next;
		link->func(link);
	}

	atomic_fetch_add_release(&grace_periods, 1);
	next = BUSY;
	if (!atomic_cas_acq_rel(&incoming, &next, IDLE))
		grace_period_start(atomic_exchange_acq_rel(&incoming, BUSY));

	atomic_fetch_add_release(&progress, 1);
	dma_fence_park_wake(&progress);
}

static bool start_with(struct dma_fence_rcu_link *link)
{
	struct dma_fence_rcu_link *top = IDLE;
	bool started;

	/*
	 * A fork takes our lock when it has liburcu's. Under ours nothing may want one of those:
	 * not to make liburcu's thread, nor to register this one as a reader.
	 */
	urcu_bp_get_default_call_rcu_data();
	urcu_bp_read_lock();
	lock_acquire(&starting);
	started = atomic_cas_acq_rel(&incoming, &top, BUSY);
	if (started) {
		link->next = BUSY;
		grace_period_start(link);
	}
	lock_release(&starting);
	urcu_bp_read_unlock();
	return started;
}

void dma_fence_rcu_defer(struct dma_fence_rcu_link *link,
			 void (*func)(struct dma_fence_rcu_link *link))
{
	struct dma_fence_rcu_link *top = atomic_load_relaxed(&incoming);

	link->func = func;
	if (MUTANT(FREED_TOO_SOON)) {
		func(link);
		return;
	}
	for (;;) {
		if (top == IDLE) {
			if (start_with(link))
				return;
			top = atomic_load_relaxed(&incoming);
			continue;
		}
		link->next = top;
		if (atomic_cas_acq_rel(&incoming, &top, link))
			return;
	}
}

void dma_fence_rcu_barrier(void)
{
	uint32_t ended = atomic_load_acquire(&grace_periods), seen;

	/*
	 * What the caller has deferred is waiting, or incoming: done when two more grace periods
	 * are, or when there is none under way. It has no entry of its own on the lists: in the
	 * child of a fork a thread's stack, on which that would lie, belongs to somebody else.
	 */
	for (;;) {
		seen = atomic_load_acquire(&progress);
		if (atomic_load_acquire(&incoming) == IDLE ||
		    atomic_load_acquire(&grace_periods) - ended >= 2)
			break;
		dma_fence_park_wait(&progress, seen, CLOCK_NEVER);
	}
}

/*
 * Before all locks: both wait for grace periods that are under way, and so for readers, who may want
 * those locks. From then on nobody waits for readers.
 */
static void grace_periods_prepare(void)
{
	urcu_bp_call_rcu_before_fork();
	lock_acquire(&synchronizing);
}

static void grace_periods_parent(void)
{
	lock_release(&synchronizing);
	urcu_bp_call_rcu_after_fork_parent();
}

static void grace_periods_child(void)
{
	lock_release(&synchronizing);
	urcu_bp_call_rcu_after_fork_child();
}

/*
 * After all locks: who has one of those may defer, and become a reader. That ours is held first
 * matters: whoever has it may not want one of liburcu's.
 */
static void readers_prepare(void)
{
	lock_acquire(&starting);
	urcu_bp_before_fork();
}

static void readers_parent(void)
{
	urcu_bp_after_fork_parent();
	lock_release(&starting);
}

static void readers_child(void)
{
	urcu_bp_after_fork_child();
	lock_release(&starting);
}

static void __attribute__((constructor)) fork_handlers(void)
{
	static struct fork_handlers for_grace_periods = {
		.order = FORK_GRACE_PERIODS,
		.prepare = grace_periods_prepare,
		.parent = grace_periods_parent,
		.child = grace_periods_child,
	};
	static struct fork_handlers for_readers = {
		.order = FORK_READERS,
		.prepare = readers_prepare,
		.parent = readers_parent,
		.child = readers_child,
	};

	if (MUTANT(READERS_AWAITED_LATE))
		for_grace_periods.order = FORK_HOOKS;
	dma_fence_at_fork(&for_grace_periods);
	dma_fence_at_fork(&for_readers);
}
