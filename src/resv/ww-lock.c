/* SPDX-License-Identifier: MIT */
/*
 * Wound/wait locks.
 *
 * The owner word is 0, or HELD and the address of the holder's context, if it has one; and WAITERS
 * while there are any. From 0 it is taken by a compare-and-swap, and given back by one where nobody
 * waits: that is all where nobody contends.
 *
 * All else happens under 'lock'. WAITERS is set and cleared under it, and is set as long as the
 * list is not empty. Who unlocks a mutex with WAITERS set takes 'lock', too: so under 'lock', with
 * WAITERS set, the holder cannot go, and its context may be looked at.
 *
 * The list is in the order of tickets, the earliest first; who has no context goes to the end. So
 * among those in a context everybody waits behind older ones only, and a circle needs one who waits
 * for a younger holder. There the holder is wounded. A mutex is handed over to the first of the
 * list, the oldest: so after that, too, nobody in the list is older than the holder; but for who
 * comes later, and looks.
 *
 * Who waits sleeps on one word, for both events: it has been given the mutex, or is to back off. In
 * a context that word is the context's, so that who wounds it need not know where it waits.
 *
 * Handing over. The word is written when 'lock' has been released: from then on the new holder may
 * return, unlock, and free the mutex. If it comes to give up waiting meanwhile, and finds that it
 * has been given the mutex, it waits for the word to be written, because otherwise that would be
 * written when it is gone.
 *
 * fork(). Waiters lie on stacks of threads that the child does not have, so who waits is known, by
 * fence/listed.h, for as long as it may be on a list, or have 'lock'.
 */
#include <errno.h>

#include <dmafence/ww-lock.h>

#include "base/clock.h"
#include "base/debug.h"
#include "base/fork-mutants.h"
#include "base/hooks.h"
#include "base/lock.h"
#include "base/park.h"
#include "base/report.h"
#include "fence/listed.h"

#define HELD	((uintptr_t)DMA_WW_MUTEX_HELD)
#define WAITERS ((uintptr_t)DMA_WW_MUTEX_WAITERS)

/* Of the word on which a waiter sleeps. */
enum wake {
	GRANTED = 1 << 0,  /* the mutex is the waiter's */
	WOUNDED = 1 << 1,  /* somebody older waits for what the context holds */
	SLEEPING = 1 << 2, /* whoever sets one of the others wakes the thread */
};

struct dma_ww_waiter {
	struct dma_ww_waiter *next, *prev;
	struct dma_ww_acquire_ctx *ctx;
	uint32_t *wake;
	uint32_t own_wake; /* of a waiter without a context */
	bool granted;	   /* with 'lock' held */
};

static struct lock *lock_of(struct dma_ww_mutex *mutex)
{
	return (struct lock *)(void *)&mutex->lock;
}

static uintptr_t held_by(const struct dma_ww_acquire_ctx *ctx)
{
	return (uintptr_t)ctx | HELD;
}

static struct dma_ww_acquire_ctx *holder_of(uintptr_t owner)
{
	return (struct dma_ww_acquire_ctx *)(owner & ~(HELD | WAITERS));
}

/* Debugging */

/* The thread's contexts, the innermost. */
static _Thread_local struct dma_ww_acquire_ctx *current;

static void begin_context(struct dma_ww_acquire_ctx *ctx)
{
	if (current)
		dma_fence_report(DMA_FENCE_REPORT_LOCKING, NULL,
				 "an acquire context begins inside another one of the same thread: "
				 "lock all that both lock in one");
	ctx->outer = current;
	ctx->tracked = true;
	current = ctx;
}

static void end_context(struct dma_ww_acquire_ctx *ctx)
{
	struct dma_ww_acquire_ctx **link = &current;

	while (*link && *link != ctx)
		link = &(*link)->outer;
	if (*link)
		*link = ctx->outer;
	else
		dma_fence_report(DMA_FENCE_REPORT_LOCKING, NULL,
				 "an acquire context is ended by a thread that has not begun it");
}

static __attribute__((noinline, cold)) void check_wait(const struct dma_ww_mutex *mutex,
						       const struct dma_ww_acquire_ctx *ctx)
{
	if (!ctx) {
		if (current && current->acquired)
			dma_fence_report(DMA_FENCE_REPORT_LOCKING, NULL,
					 "a mutex is locked without the acquire context in which "
					 "the thread holds %u others: nobody can make it back off",
					 current->acquired);
		return;
	}
	if (ctx->tracked && ctx != current)
		dma_fence_report(DMA_FENCE_REPORT_LOCKING, NULL,
				 "a mutex is locked in an acquire context that is not the "
				 "thread's own, or not the one it began last");
	if (ctx->done)
		dma_fence_report(DMA_FENCE_REPORT_LOCKING, NULL,
				 "a mutex is locked in an acquire context after "
				 "dma_ww_acquire_done()");
	if (ctx->contended && ctx->acquired)
		dma_fence_report(DMA_FENCE_REPORT_LOCKING, NULL,
				 "a mutex is locked after -EDEADLK with %u still held: unlock all "
				 "that is locked in the context first",
				 ctx->acquired);
	else if (ctx->contended && ctx->contended != mutex)
		dma_fence_report(DMA_FENCE_REPORT_LOCKING, NULL,
				 "a mutex is locked after -EDEADLK for another one: wait for that "
				 "first, by dma_ww_mutex_lock_slow()");
}

static __attribute__((noinline, cold)) void check_unlock(const struct dma_ww_acquire_ctx *ctx)
{
	const struct dma_ww_acquire_ctx *own = current;

	if (!ctx || !ctx->tracked)
		return;
	while (own && own != ctx)
		own = own->outer;
	if (!own)
		dma_fence_report(DMA_FENCE_REPORT_LOCKING, NULL,
				 "a mutex is unlocked that another thread has locked");
}

static __attribute__((noinline, cold)) void
before_lock(struct dma_ww_mutex *mutex, const struct dma_ww_acquire_ctx *ctx, bool waits)
{
	if (waits && debug(DEBUG_LOCKING))
		check_wait(mutex, ctx);
	if (debug(DEBUG_LOCKS))
		hook(lock, mutex, waits);
}

static __attribute__((noinline, cold)) void before_unlock(struct dma_ww_mutex *mutex,
							  const struct dma_ww_acquire_ctx *ctx)
{
	if (debug(DEBUG_LOCKING))
		check_unlock(ctx);
	if (debug(DEBUG_LOCKS))
		hook(unlock, mutex);
}

static __attribute__((noinline, cold)) void not_locked(struct dma_ww_mutex *mutex)
{
	if (debug(DEBUG_LOCKS))
		hook(unlock, mutex);
}

/* Contexts */

void dma_ww_acquire_init(struct dma_ww_acquire_ctx *ctx)
{
	static uint64_t tickets;

	ctx->ticket = atomic_fetch_add_relaxed(&tickets, 1);
	ctx->wake = 0;
	ctx->acquired = 0;
	ctx->contended = NULL;
	ctx->outer = NULL;
	ctx->done = false;
	ctx->tracked = false;
	if (debug(DEBUG_LOCKING))
		begin_context(ctx);
}

void dma_ww_acquire_done(struct dma_ww_acquire_ctx *ctx)
{
	ctx->done = true;
}

void dma_ww_acquire_fini(struct dma_ww_acquire_ctx *ctx)
{
	if (unlikely(ctx->acquired))
		dma_fence_report(DMA_FENCE_REPORT_LOCKING, NULL,
				 "an acquire context ends in which %u mutexes are still locked",
				 ctx->acquired);
	if (unlikely(ctx->tracked))
		end_context(ctx);
}

static bool older(const struct dma_ww_acquire_ctx *a, const struct dma_ww_acquire_ctx *b)
{
	return (int64_t)(a->ticket - b->ticket) < 0;
}

/* Waiting */

static void post(uint32_t *wake, uint32_t event)
{
	if (atomic_fetch_or_release(wake, event) & SLEEPING)
		dma_fence_park_wake(wake);
}

static bool wounded(const struct dma_ww_acquire_ctx *ctx)
{
	return atomic_load_relaxed(&ctx->wake) & WOUNDED;
}

/* With 'lock' held and WAITERS set. Sees the ticket, and 'wake' as take() has left it. */
static void wound_holder(struct dma_ww_mutex *mutex, const struct dma_ww_acquire_ctx *ctx)
{
	struct dma_ww_acquire_ctx *holder = holder_of(atomic_load_acquire(&mutex->owner));

	if (ctx && holder && older(ctx, holder) && !wounded(holder) && !MUTANT(HOLDER_NOT_WOUNDED))
		post(&holder->wake, WOUNDED);
}

/* The rest with 'lock' held */

static void insert(struct dma_ww_mutex *mutex, struct dma_ww_waiter *waiter)
{
	struct dma_ww_waiter *next = NULL, *at;

	/* Before the first that is younger: all in a context who come after that are so, too. */
	for (at = mutex->last; at && waiter->ctx; at = at->prev) {
		if (!at->ctx)
			continue;
		if (older(at->ctx, waiter->ctx) || MUTANT(WAITERS_IN_ANY_ORDER))
			break;
		next = at;
	}
	waiter->next = next;
	waiter->prev = next ? next->prev : mutex->last;
	*(waiter->prev ? &waiter->prev->next : &mutex->first) = waiter;
	*(next ? &next->prev : &mutex->last) = waiter;
}

static void take_from_list(struct dma_ww_mutex *mutex, struct dma_ww_waiter *waiter)
{
	*(waiter->prev ? &waiter->prev->next : &mutex->first) = waiter->next;
	*(waiter->next ? &waiter->next->prev : &mutex->last) = waiter->prev;
}

/* Takes the mutex if it is free; else sees to it that it does not become so. */
static bool take_or_announce(struct dma_ww_mutex *mutex, const struct dma_ww_acquire_ctx *ctx)
{
	uintptr_t owner = atomic_load_relaxed(&mutex->owner);

	for (;;) {
		if (!owner) {
			if (atomic_cas_acquire(&mutex->owner, &owner, held_by(ctx)))
				return true;
		} else if (owner & WAITERS ||
			   atomic_cas_relaxed(&mutex->owner, &owner, owner | WAITERS)) {
			return false;
		}
	}
}

/* Gives up waiting, unless the mutex has been handed over meanwhile. */
static bool leave(struct dma_ww_mutex *mutex, struct dma_ww_waiter *waiter)
{
	bool granted;

	lock_acquire(lock_of(mutex));
	granted = waiter->granted;
	if (!granted) {
		take_from_list(mutex, waiter);
		if (!mutex->first)
			atomic_fetch_and_release(&mutex->owner, ~WAITERS);
	}
	lock_release(lock_of(mutex));
	return !granted;
}

/* Returns 0 when the mutex is the waiter's, or -EINTR or -EDEADLK if it may leave. */
static int wait(const struct dma_ww_waiter *waiter, bool intr, bool back_off)
{
	const uint32_t events = back_off ? GRANTED | WOUNDED : GRANTED;
	struct spin spin = { 0 };
	uint32_t state;
	int ret = 0;

	while (!((state = atomic_load_acquire(waiter->wake)) & events)) {
		if (!spin_once(&spin))
			break;
	}
	dma_fence_spin_learn(&spin, state & events);

	for (;; state = atomic_load_acquire(waiter->wake)) {
		if (state & GRANTED)
			return 0;
		if (state & events)
			return -EDEADLK;
		if (ret == -EINTR && intr)
			return -EINTR;
		if (!(state & SLEEPING) &&
		    !atomic_cas_relaxed(waiter->wake, &state, state | SLEEPING))
			continue;
		ret = dma_fence_park_wait(waiter->wake, state | SLEEPING, CLOCK_NEVER);
	}
}

static int lock_listed(struct dma_ww_mutex *mutex, struct dma_ww_acquire_ctx *ctx, bool intr,
		       bool back_off)
{
	struct dma_ww_waiter waiter = { .ctx = ctx };
	int ret;

	waiter.wake = &waiter.own_wake;
	if (ctx) {
		waiter.wake = &ctx->wake;
		atomic_fetch_and_relaxed(&ctx->wake, WOUNDED);
	}

	lock_acquire(lock_of(mutex));
	if (take_or_announce(mutex, ctx)) {
		lock_release(lock_of(mutex));
		return 0;
	}
	insert(mutex, &waiter);
	wound_holder(mutex, ctx);
	lock_release(lock_of(mutex));

	ret = wait(&waiter, intr, back_off);
	if (ret && !leave(mutex, &waiter))
		ret = MUTANT(GRANT_NOT_AWAITED) ? 0 : wait(&waiter, false, false);
	return ret;
}

struct mutex_wait {
	struct listed_wait listed;
	struct dma_ww_mutex *mutex;
};

/*
 * Of those who wait for a mutex none is there, so what the list and its lock were like just then
 * does not matter. The mutex stays whose it is: of the thread that forks, or for ever locked.
 */
static void forget(const struct listed_wait *listed)
{
	struct dma_ww_mutex *mutex = ((const struct mutex_wait *)listed)->mutex;

	if (MUTANT(CHILD_KEEPS_WAITERS))
		return;
	mutex->first = NULL;
	mutex->last = NULL;
	*lock_of(mutex) = (struct lock){ 0 };
	atomic_fetch_and_relaxed(&mutex->owner, ~WAITERS);
}

static int lock_contended(struct dma_ww_mutex *mutex, struct dma_ww_acquire_ctx *ctx, bool intr,
			  bool back_off)
{
	struct mutex_wait wait = { { .forget = forget }, mutex };
	int ret;

	dma_fence_listed_begin(&wait.listed);
	ret = lock_listed(mutex, ctx, intr, back_off);
	dma_fence_listed_end(&wait.listed);
	return ret;
}

static bool take(struct dma_ww_mutex *mutex, struct dma_ww_acquire_ctx *ctx, uintptr_t *owner)
{
	/* Nothing is held, so that nobody can be writing it: what was before is over. */
	if (ctx && !ctx->acquired)
		atomic_store_relaxed(&ctx->wake, 0);
	*owner = 0;
	if (unlikely(!atomic_cas_acq_rel(&mutex->owner, owner, held_by(ctx))))
		return false;
	if (ctx)
		ctx->acquired++;
	return true;
}

/* Of 'owner' it could not be taken. */
static __attribute__((noinline)) int lock_slowly(struct dma_ww_mutex *mutex,
						 struct dma_ww_acquire_ctx *ctx, uintptr_t owner,
						 bool intr, bool may_back_off)
{
	/* Who holds nothing is in nobody's way. */
	const bool back_off = may_back_off && ctx && ctx->acquired;
	int ret;

	if (ctx && holder_of(owner) == ctx) {
		not_locked(mutex);
		return -EALREADY;
	}
	if (ctx && back_off && wounded(ctx))
		ret = -EDEADLK;
	else
		ret = lock_contended(mutex, ctx, intr, back_off);
	if (ctx) {
		ctx->acquired += !ret;
		ctx->contended = ret == -EDEADLK ? mutex : NULL;
	}
	if (ret)
		not_locked(mutex);
	return ret;
}

static inline int lock(struct dma_ww_mutex *mutex, struct dma_ww_acquire_ctx *ctx, bool intr,
		       bool may_back_off)
{
	uintptr_t owner;

	if (debug(DEBUG_LOCKING | DEBUG_LOCKS))
		before_lock(mutex, ctx, true);
	if (unlikely(!take(mutex, ctx, &owner)))
		return lock_slowly(mutex, ctx, owner, intr, may_back_off);
	if (ctx)
		ctx->contended = NULL;
	return 0;
}

/* Mutexes */

void dma_ww_mutex_init(struct dma_ww_mutex *mutex)
{
	*mutex = (struct dma_ww_mutex){ 0 };
}

void dma_ww_mutex_destroy(struct dma_ww_mutex *mutex)
{
	if (unlikely(dma_ww_mutex_is_locked(mutex)))
		dma_fence_report(DMA_FENCE_REPORT_LOCKING, NULL,
				 "a mutex is destroyed that is locked");
}

int dma_ww_mutex_lock(struct dma_ww_mutex *mutex, struct dma_ww_acquire_ctx *ctx)
{
	return lock(mutex, ctx, false, true);
}

int dma_ww_mutex_lock_interruptible(struct dma_ww_mutex *mutex, struct dma_ww_acquire_ctx *ctx)
{
	return lock(mutex, ctx, true, true);
}

static void check_slow(const struct dma_ww_acquire_ctx *ctx)
{
	if (unlikely(ctx && ctx->acquired))
		dma_fence_report(DMA_FENCE_REPORT_LOCKING, NULL,
				 "a mutex is waited for after -EDEADLK with %u still held: unlock "
				 "all that is locked in the context first",
				 ctx->acquired);
}

void dma_ww_mutex_lock_slow(struct dma_ww_mutex *mutex, struct dma_ww_acquire_ctx *ctx)
{
	check_slow(ctx);
	lock(mutex, ctx, false, false);
}

int dma_ww_mutex_lock_slow_interruptible(struct dma_ww_mutex *mutex, struct dma_ww_acquire_ctx *ctx)
{
	check_slow(ctx);
	return lock(mutex, ctx, true, false);
}

bool dma_ww_mutex_trylock(struct dma_ww_mutex *mutex, struct dma_ww_acquire_ctx *ctx)
{
	uintptr_t owner;

	if (debug(DEBUG_LOCKS))
		before_lock(mutex, ctx, false);
	if (take(mutex, ctx, &owner))
		return true;
	not_locked(mutex);
	return false;
}

/* Hands the mutex over to the next. Returns false if there is none any more. */
static bool hand_over(struct dma_ww_mutex *mutex)
{
	struct dma_ww_waiter *next;
	uint32_t *wake = NULL;

	lock_acquire(lock_of(mutex));
	next = mutex->first;
	if (next) {
		take_from_list(mutex, next);
		next->granted = true;
		wake = next->wake;
		atomic_store_release(&mutex->owner,
				     held_by(next->ctx) | (mutex->first ? WAITERS : 0));
	}
	lock_release(lock_of(mutex));
	if (wake && !MUTANT(HAND_OVER_WAKES_NOBODY))
		post(wake, GRANTED);
	return wake;
}

void dma_ww_mutex_unlock(struct dma_ww_mutex *mutex)
{
	uintptr_t owner = atomic_load_relaxed(&mutex->owner);
	struct dma_ww_acquire_ctx *ctx = holder_of(owner);

	if (unlikely(!owner)) {
		dma_fence_report(DMA_FENCE_REPORT_LOCKING, NULL,
				 "a mutex is unlocked that is not locked");
		return;
	}
	if (debug(DEBUG_LOCKING | DEBUG_LOCKS))
		before_unlock(mutex, ctx);
	if (ctx)
		ctx->acquired--;
	/*
	 * When it is 0 others may lock, unlock and free it, so that 'lock' must have been given
	 * back before. Acquire: what they who waited and left did with the context is over.
	 */
	do {
		owner = held_by(ctx);
		if (likely(atomic_cas_acq_rel(&mutex->owner, &owner, 0)))
			return;
	} while (!hand_over(mutex));
}
