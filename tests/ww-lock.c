/* SPDX-License-Identifier: MIT */
/*
 * What dmafence/ww-lock.h promises of wound/wait locks, one by one.
 *
 * Linked with --wrap=syscall (actor.h).
 */
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "actor.h"

#include "base/debug.h"
#include "base/lock.h"
#include "base/park.h"
#include "single-step.h"

#define ACTORS 4

static struct dma_ww_mutex a, b, c;
static struct actor *actors[ACTORS];

static int setup(void **state)
{
	int i;

	catch_setup(state);
	dma_ww_mutex_init(&a);
	dma_ww_mutex_init(&b);
	dma_ww_mutex_init(&c);
	for (i = 0; i < ACTORS; i++)
		actors[i] = actor_create();
	return 0;
}

/* As it was at first. */
static bool untouched(const struct dma_ww_mutex *mutex)
{
	static const struct dma_ww_mutex zeroed;

	return !memcmp(mutex, &zeroed, sizeof(zeroed));
}

static int teardown(void **state)
{
	int i;

	dma_fence_debug_clear(DEBUG_LOCKING);
	for (i = 0; i < ACTORS; i++) {
		if (!actor_end(actors[i]))
			return -1;
	}
	if (!untouched(&a) || !untouched(&b) || !untouched(&c) || caught()->count)
		return -1;
	return catch_teardown(state);
}

/* Since the last time that this was asked. */
static void assert_reported(const char *text)
{
	assert_int_equal(caught()->count, 1);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_LOCKING], 1);
	assert_non_null(strstr(caught()->last, text));
	memset(caught(), 0, sizeof(struct caught));
}

/* What actors do */

static int lock(struct actor *actor, void *mutex)
{
	return dma_ww_mutex_lock(mutex, &actor->ctx);
}

static int lock_alone(struct actor *actor, void *mutex)
{
	(void)actor;
	return dma_ww_mutex_lock(mutex, NULL);
}

static int lock_interruptible(struct actor *actor, void *mutex)
{
	return dma_ww_mutex_lock_interruptible(mutex, &actor->ctx);
}

static int lock_alone_interruptible(struct actor *actor, void *mutex)
{
	(void)actor;
	return dma_ww_mutex_lock_interruptible(mutex, NULL);
}

static int lock_slow(struct actor *actor, void *mutex)
{
	dma_ww_mutex_lock_slow(mutex, &actor->ctx);
	return 0;
}

static int lock_slow_interruptible(struct actor *actor, void *mutex)
{
	return dma_ww_mutex_lock_slow_interruptible(mutex, &actor->ctx);
}

static int unlock(struct actor *actor, void *mutex)
{
	(void)actor;
	dma_ww_mutex_unlock(mutex);
	return 0;
}

static int try_lock(struct actor *actor, void *mutex)
{
	return dma_ww_mutex_trylock(mutex, &actor->ctx);
}

/* Contexts that begin in this order: the first is the oldest. */
static void begin_in_order(int count)
{
	int i;

	for (i = 0; i < count; i++)
		tell_and_await(actors[i], begin, NULL);
}

static void finish_all(int count)
{
	int i;

	for (i = 0; i < count; i++)
		tell_and_await(actors[i], finish, NULL);
}

/* Unlocks a mutex, and is held up when the next one has it and has not been told. */
static void unlock_up_to_the_wake_up(struct actor *actor, struct dma_ww_mutex *mutex)
{
	struct lock *inner = (struct lock *)(void *)&mutex->lock;

	/* If somebody had to wait for the inner lock it is with a wake-up that it is given back. */
	lock_acquire(inner);
	actor->held_up_at = inner;
	tell_to_sleep(actor, unlock, mutex);
	lock_release(inner);
	assert_true(flag_within(&actor->held_up, AT_ONCE));
}

static void go_on(struct actor *actor)
{
	actor->held_up = 0;
	set_flag(&actor->go_on);
	outcome(actor);
	actor->go_on = 0;
}

/* Alone */

static void locked_and_unlocked(void **state)
{
	static struct dma_ww_mutex zeroed;
	struct dma_ww_acquire_ctx ctx;

	(void)state;
	assert_true(untouched(&a));
	assert_false(dma_ww_mutex_is_locked(&zeroed));
	assert_int_equal(dma_ww_mutex_lock(&zeroed, NULL), 0);
	assert_true(dma_ww_mutex_is_locked(&zeroed));
	assert_true(dma_ww_mutex_ctx(&zeroed) == NULL);
	assert_false(dma_ww_mutex_trylock(&zeroed, NULL));
	dma_ww_mutex_unlock(&zeroed);
	assert_false(dma_ww_mutex_is_locked(&zeroed));
	dma_ww_mutex_destroy(&zeroed);

	dma_ww_acquire_init(&ctx);
	assert_int_equal(dma_ww_mutex_lock(&a, &ctx), 0);
	assert_int_equal(dma_ww_mutex_lock_interruptible(&b, &ctx), 0);
	assert_true(dma_ww_mutex_trylock(&c, &ctx));
	dma_ww_acquire_done(&ctx);
	assert_true(dma_ww_mutex_ctx(&a) == &ctx);
	assert_true(dma_ww_mutex_ctx(&b) == &ctx);
	assert_true(dma_ww_mutex_ctx(&c) == &ctx);
	assert_false(dma_ww_mutex_trylock(&c, &ctx));
	assert_false(dma_ww_mutex_trylock(&c, NULL));
	/* In whatever order. */
	dma_ww_mutex_unlock(&b);
	dma_ww_mutex_unlock(&a);
	assert_true(dma_ww_mutex_ctx(&a) == NULL);
	assert_true(dma_ww_mutex_ctx(&c) == &ctx);
	dma_ww_mutex_unlock(&c);
	dma_ww_acquire_fini(&ctx);
}

static void slow_is_a_lock_like_any_other(void **state)
{
	struct dma_ww_acquire_ctx ctx;

	(void)state;
	dma_ww_acquire_init(&ctx);
	dma_ww_mutex_lock_slow(&a, &ctx);
	assert_true(dma_ww_mutex_ctx(&a) == &ctx);
	dma_ww_mutex_unlock(&a);
	assert_int_equal(dma_ww_mutex_lock_slow_interruptible(&a, &ctx), 0);
	assert_true(dma_ww_mutex_ctx(&a) == &ctx);
	dma_ww_mutex_unlock(&a);
	dma_ww_acquire_fini(&ctx);
}

static void locked_already(void **state)
{
	(void)state;
	begin_in_order(2);
	assert_int_equal(tell_and_await(actors[1], lock, &a), 0);
	assert_int_equal(tell_and_await(actors[1], lock, &a), -EALREADY);
	assert_int_equal(tell_and_await(actors[1], lock_interruptible, &a), -EALREADY);
	/* Also if it has been told to back off, and if others wait. */
	tell_to_sleep(actors[0], lock, &a);
	assert_int_equal(tell_and_await(actors[1], lock, &a), -EALREADY);
	assert_true(dma_ww_mutex_ctx(&a) == &actors[1]->ctx);
	tell_and_await(actors[1], unlock, &a);
	assert_int_equal(outcome(actors[0]), 0);
	tell_and_await(actors[0], unlock, &a);
	finish_all(2);
}

static int older_first(const struct dma_ww_acquire_ctx *x, const struct dma_ww_acquire_ctx *y)
{
	return x->ticket < y->ticket;
}

static void tickets_are_taken_when_contexts_begin(void **state)
{
	struct dma_ww_acquire_ctx first, second, third;

	(void)state;
	dma_ww_acquire_init(&second);
	dma_ww_acquire_init(&third);
	assert_true(older_first(&second, &third));
	dma_ww_acquire_init(&first);
	assert_true(older_first(&third, &first));
	dma_ww_acquire_fini(&second);
	dma_ww_acquire_init(&second);
	assert_true(older_first(&first, &second));
}

/* Handing over */

static void who_waits_gets_it(void **state)
{
	(void)state;
	assert_int_equal(tell_and_await(actors[0], lock_alone, &a), 0);
	tell_to_sleep(actors[1], lock_alone, &a);
	assert_int_equal(tell_and_await(actors[0], unlock, &a), 0);
	assert_int_equal(outcome(actors[1]), 0);
	tell_and_await(actors[1], begin, NULL);
	tell_to_sleep(actors[0], lock_alone, &a);
	tell_and_await(actors[1], unlock, &a);
	assert_int_equal(outcome(actors[0]), 0);
	tell_to_sleep(actors[1], lock, &a);
	tell_and_await(actors[0], unlock, &a);
	assert_int_equal(outcome(actors[1]), 0);
	tell_and_await(actors[1], unlock, &a);
	tell_and_await(actors[1], finish, NULL);
}

/* It never is free while somebody waits, so that nobody who comes by can have it. */
static void nobody_barges_in(void **state)
{
	(void)state;
	begin_in_order(3);
	tell_and_await(actors[0], lock_alone, &a);
	tell_to_sleep(actors[1], lock, &a);
	assert_false(dma_ww_mutex_trylock(&a, NULL));
	unlock_up_to_the_wake_up(actors[0], &a);
	assert_true(dma_ww_mutex_ctx(&a) == &actors[1]->ctx);
	assert_false(dma_ww_mutex_trylock(&a, NULL));
	assert_false(tell_and_await(actors[2], try_lock, &a));
	assert_sleeps(actors[1]);
	go_on(actors[0]);
	assert_int_equal(outcome(actors[1]), 0);
	tell_and_await(actors[1], unlock, &a);
	finish_all(3);
}

static void woken_for_no_reason_it_goes_on_waiting(void **state)
{
	int i;

	(void)state;
	begin_in_order(1);
	assert_int_equal(dma_ww_mutex_lock(&a, NULL), 0);
	tell_to_sleep(actors[0], lock, &a);
	for (i = 0; i < 20; i++) {
		dma_fence_park_wake(&actors[0]->ctx.wake);
		assert_sleeps(actors[0]);
	}
	dma_ww_mutex_unlock(&a);
	assert_int_equal(outcome(actors[0]), 0);
	tell_and_await(actors[0], unlock, &a);
	finish_all(1);
}

/* The order in which they get it */

/* All sleep; each gets it, does nothing, and gives it back. */
static void assert_order(const int *order, int count)
{
	int i, k;

	for (i = 0; i < count; i++) {
		assert_int_equal(outcome(actors[order[i]]), 0);
		for (k = i + 1; k < count; k++)
			assert_sleeps(actors[order[k]]);
		tell_and_await(actors[order[i]], unlock, &a);
	}
}

static void without_a_context_first_come_first_served(void **state)
{
	static const int order[] = { 2, 0, 3, 1 };
	int i;

	(void)state;
	assert_int_equal(dma_ww_mutex_lock(&a, NULL), 0);
	for (i = 0; i < 4; i++)
		tell_to_sleep(actors[order[i]], lock_alone, &a);
	dma_ww_mutex_unlock(&a);
	assert_order(order, 4);
}

/* The nth order of four. */
static void nth_order(int n, int *order)
{
	int left[] = { 0, 1, 2, 3 };
	int i, at;

	for (i = 4; i > 0; i--) {
		at = n % i;
		n /= i;
		order[4 - i] = left[at];
		memmove(&left[at], &left[at + 1], sizeof(left[0]) * (size_t)(i - at - 1));
	}
}

static void in_contexts_the_oldest_comes_first(void **state)
{
	static const int by_age[] = { 0, 1, 2, 3 };
	int order[4], n, i;

	(void)state;
	for (n = 0; n < 24; n++) {
		nth_order(n, order);
		begin_in_order(4);
		assert_int_equal(dma_ww_mutex_lock(&a, NULL), 0);
		for (i = 0; i < 4; i++)
			tell_to_sleep(actors[order[i]], lock, &a);
		dma_ww_mutex_unlock(&a);
		assert_order(by_age, 4);
		finish_all(4);
	}
}

/* Whoever has no ticket is not passed by those who come later, but for who is older than others. */
static void with_contexts_and_without(void **state)
{
	static const int alone_first[] = { 3, 0, 1 }, old_first[] = { 0, 1, 3, 2 };

	(void)state;
	begin_in_order(3);
	assert_int_equal(dma_ww_mutex_lock(&a, NULL), 0);
	tell_to_sleep(actors[3], lock_alone, &a);
	tell_to_sleep(actors[1], lock, &a);
	tell_to_sleep(actors[0], lock, &a);
	dma_ww_mutex_unlock(&a);
	assert_order(alone_first, 3);

	assert_int_equal(dma_ww_mutex_lock(&a, NULL), 0);
	tell_to_sleep(actors[1], lock, &a);
	tell_to_sleep(actors[3], lock_alone, &a);
	tell_to_sleep(actors[2], lock, &a);
	tell_to_sleep(actors[0], lock, &a);
	dma_ww_mutex_unlock(&a);
	assert_order(old_first, 4);
	finish_all(3);
}

/* Backing off. Actor 0 is the oldest. */

static void younger_backs_off_when_it_would_have_to_wait(void **state)
{
	(void)state;
	begin_in_order(2);
	assert_int_equal(tell_and_await(actors[1], lock, &a), 0);
	assert_int_equal(dma_ww_mutex_lock(&b, NULL), 0);
	tell_to_sleep(actors[0], lock, &a);
	/* What is free it gets. */
	assert_int_equal(tell_and_await(actors[1], lock, &c), 0);
	assert_int_equal(tell_and_await(actors[1], lock, &b), -EDEADLK);
	assert_int_equal(tell_and_await(actors[1], lock_interruptible, &b), -EDEADLK);
	assert_true(dma_ww_mutex_ctx(&a) == &actors[1]->ctx);
	assert_sleeps(actors[0]);
	tell_and_await(actors[1], unlock, &c);
	assert_sleeps(actors[0]);
	tell_and_await(actors[1], unlock, &a);
	assert_int_equal(outcome(actors[0]), 0);
	tell_to_sleep(actors[1], lock_slow, &b);
	dma_ww_mutex_unlock(&b);
	outcome(actors[1]);
	assert_true(dma_ww_mutex_ctx(&b) == &actors[1]->ctx);
	tell_and_await(actors[1], unlock, &b);
	tell_and_await(actors[0], unlock, &a);
	finish_all(2);
}

static void younger_that_sleeps_is_woken(void **state)
{
	int (*const ways[])(struct actor *, void *) = { lock, lock_interruptible };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		begin_in_order(2);
		assert_int_equal(tell_and_await(actors[1], lock, &a), 0);
		assert_int_equal(dma_ww_mutex_lock(&b, NULL), 0);
		tell_to_sleep(actors[1], ways[i], &b);
		tell_to_sleep(actors[0], lock, &a);
		assert_int_equal(outcome(actors[1]), -EDEADLK);
		/* It has left the other's list. */
		assert_true(!b.first && !b.last);
		assert_int_equal(b.owner, DMA_WW_MUTEX_HELD);
		dma_ww_mutex_unlock(&b);
		tell_and_await(actors[1], unlock, &a);
		assert_int_equal(outcome(actors[0]), 0);
		tell_and_await(actors[0], unlock, &a);
		finish_all(2);
	}
}

/* Two mutexes, taken in two orders. */
static void crosswise(void **state)
{
	(void)state;
	begin_in_order(2);
	assert_int_equal(tell_and_await(actors[0], lock, &b), 0);
	assert_int_equal(tell_and_await(actors[1], lock, &a), 0);
	tell_to_sleep(actors[1], lock, &b);
	tell(actors[0], lock, &a);
	assert_int_equal(outcome(actors[1]), -EDEADLK);
	tell_and_await(actors[1], unlock, &a);
	assert_int_equal(outcome(actors[0]), 0);
	tell_to_sleep(actors[1], lock_slow, &b);
	tell_and_await(actors[0], unlock, &b);
	outcome(actors[1]);
	tell_to_sleep(actors[1], lock, &a);
	tell_and_await(actors[0], unlock, &a);
	assert_int_equal(outcome(actors[1]), 0);
	tell_and_await(actors[1], unlock, &a);
	tell_and_await(actors[1], unlock, &b);
	finish_all(2);
}

static void older_waits_for_nobody_to_tell_it(void **state)
{
	(void)state;
	begin_in_order(2);
	assert_int_equal(tell_and_await(actors[0], lock, &a), 0);
	assert_int_equal(dma_ww_mutex_lock(&b, NULL), 0);
	/* A younger one waits for what it holds, and one without a ticket. */
	tell_to_sleep(actors[1], lock, &a);
	tell_to_sleep(actors[2], lock_alone, &a);
	tell_to_sleep(actors[0], lock, &b);
	dma_ww_mutex_unlock(&b);
	assert_int_equal(outcome(actors[0]), 0);
	tell_and_await(actors[0], unlock, &b);
	tell_and_await(actors[0], unlock, &a);
	assert_int_equal(outcome(actors[1]), 0);
	tell_and_await(actors[1], unlock, &a);
	assert_int_equal(outcome(actors[2]), 0);
	tell_and_await(actors[2], unlock, &a);
	finish_all(2);
}

/* After it backed off it is as old as before, and older than who began meanwhile. */
static void slow_keeps_the_ticket(void **state)
{
	uint64_t ticket;

	(void)state;
	begin_in_order(2);
	ticket = actors[1]->ctx.ticket;
	assert_int_equal(tell_and_await(actors[1], lock, &a), 0);
	assert_int_equal(tell_and_await(actors[0], lock, &b), 0);
	tell_to_sleep(actors[1], lock, &b);
	tell(actors[0], lock, &a);
	assert_int_equal(outcome(actors[1]), -EDEADLK);
	tell_and_await(actors[1], unlock, &a);
	assert_int_equal(outcome(actors[0]), 0);
	tell_to_sleep(actors[1], lock_slow, &b);

	/* The youngest holds c, and waits for b, where it comes later though. */
	tell_and_await(actors[2], begin, NULL);
	assert_int_equal(tell_and_await(actors[2], lock, &c), 0);
	tell_to_sleep(actors[2], lock, &b);
	tell_and_await(actors[0], unlock, &b);
	outcome(actors[1]);
	assert_int_equal(actors[1]->ctx.ticket, ticket);
	assert_sleeps(actors[2]);
	/* And it is the youngest that has to give way. */
	tell_to_sleep(actors[1], lock, &c);
	assert_int_equal(outcome(actors[2]), -EDEADLK);
	tell_and_await(actors[2], unlock, &c);
	assert_int_equal(outcome(actors[1]), 0);
	tell_and_await(actors[1], unlock, &c);
	tell_and_await(actors[1], unlock, &b);
	tell_and_await(actors[0], unlock, &a);
	finish_all(3);
}

/* What it was told once it is not told again when it has dropped everything, told or not. */
static void begins_again_as_if_nothing_had_been(void **state)
{
	int drops_unasked;

	(void)state;
	for (drops_unasked = 0; drops_unasked < 2; drops_unasked++) {
		begin_in_order(2);
		assert_int_equal(tell_and_await(actors[1], lock, &a), 0);
		assert_int_equal(dma_ww_mutex_lock(&b, NULL), 0);
		tell_to_sleep(actors[0], lock, &a);
		if (!drops_unasked)
			assert_int_equal(tell_and_await(actors[1], lock, &b), -EDEADLK);
		tell_and_await(actors[1], unlock, &a);
		assert_int_equal(outcome(actors[0]), 0);
		tell_and_await(actors[0], unlock, &a);

		assert_int_equal(tell_and_await(actors[1], lock, &c), 0);
		tell_to_sleep(actors[1], lock, &b);
		dma_ww_mutex_unlock(&b);
		assert_int_equal(outcome(actors[1]), 0);
		tell_and_await(actors[1], unlock, &b);
		tell_and_await(actors[1], unlock, &c);
		finish_all(2);
	}
}

/* Also if the first that it then locks is one for which it has to wait. */
static void who_holds_nothing_waits(void **state)
{
	(void)state;
	begin_in_order(2);
	assert_int_equal(tell_and_await(actors[1], lock, &a), 0);
	assert_int_equal(dma_ww_mutex_lock(&b, NULL), 0);
	tell_to_sleep(actors[0], lock, &a);
	tell_and_await(actors[1], unlock, &a);
	assert_int_equal(outcome(actors[0]), 0);
	tell_to_sleep(actors[1], lock, &b);
	/* An older one comes, for the same and for another. */
	tell_and_await(actors[0], unlock, &a);
	tell_to_sleep(actors[0], lock, &b);
	assert_sleeps(actors[1]);
	dma_ww_mutex_unlock(&b);
	assert_int_equal(outcome(actors[0]), 0);
	assert_sleeps(actors[1]);
	tell_and_await(actors[0], unlock, &b);
	assert_int_equal(outcome(actors[1]), 0);
	tell_and_await(actors[1], unlock, &b);
	finish_all(2);
}

/* It has been given the mutex, does not know yet, and an older one comes for that. */
static void wounded_when_it_has_been_given_it(void **state)
{
	int holds_another;

	(void)state;
	for (holds_another = 0; holds_another < 2; holds_another++) {
		begin_in_order(2);
		if (holds_another)
			assert_int_equal(tell_and_await(actors[1], lock, &b), 0);
		tell_and_await(actors[2], lock_alone, &a);
		tell_to_sleep(actors[1], lock, &a);
		unlock_up_to_the_wake_up(actors[2], &a);
		tell_to_sleep(actors[0], lock, &a);
		/* The word is written by who is held up, so that it has to wait for it. */
		assert_sleeps(actors[1]);
		go_on(actors[2]);
		assert_int_equal(outcome(actors[1]), 0);
		assert_true(dma_ww_mutex_ctx(&a) == &actors[1]->ctx);

		/* It has been told nonetheless. */
		assert_int_equal(dma_ww_mutex_lock(&c, NULL), 0);
		assert_int_equal(tell_and_await(actors[1], lock, &c), -EDEADLK);
		dma_ww_mutex_unlock(&c);
		assert_sleeps(actors[0]);
		tell_and_await(actors[1], unlock, &a);
		assert_int_equal(outcome(actors[0]), 0);
		tell_and_await(actors[0], unlock, &a);
		if (holds_another)
			tell_and_await(actors[1], unlock, &b);
		finish_all(2);
	}
}

/* Signal handlers */

static void handler_interrupts(void **state)
{
	static const int flags[] = { 0, SA_RESTART };
	int (*const ways[])(struct actor *, void *) = { lock_alone_interruptible,
							lock_interruptible,
							lock_slow_interruptible };
	size_t i, k;
	int holds;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(flags) * ARRAY_SIZE(ways) * 2; i++) {
		k = i / 2 % ARRAY_SIZE(ways);
		holds = i % 2 && ways[k] == lock_interruptible;
		handle_signals(flags[i / 2 / ARRAY_SIZE(ways)]);
		begin_in_order(1);
		if (holds)
			assert_int_equal(tell_and_await(actors[0], lock, &b), 0);
		assert_int_equal(dma_ww_mutex_lock(&a, NULL), 0);
		tell_to_sleep(actors[0], ways[k], &a);
		interrupt(actors[0]);
		assert_int_equal(outcome(actors[0]), -EINTR);
		/* As if it had never waited. */
		assert_true(!a.first && !a.last);
		assert_int_equal(a.owner, DMA_WW_MUTEX_HELD);
		dma_ww_mutex_unlock(&a);
		assert_true(untouched(&a));
		if (holds) {
			assert_true(dma_ww_mutex_ctx(&b) == &actors[0]->ctx);
			tell_and_await(actors[0], unlock, &b);
		}
		assert_int_equal(tell_and_await(actors[0], ways[k], &a), 0);
		tell_and_await(actors[0], unlock, &a);
		finish_all(1);
	}
}

static void handler_does_not_interrupt_the_uninterruptible(void **state)
{
	int (*const ways[])(struct actor *, void *) = { lock_alone, lock, lock_slow };
	size_t i;
	int n;

	(void)state;
	handle_signals(0);
	begin_in_order(1);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		assert_int_equal(dma_ww_mutex_lock(&a, NULL), 0);
		tell_to_sleep(actors[0], ways[i], &a);
		for (n = 0; n < 3; n++)
			interrupt(actors[0]);
		assert_sleeps(actors[0]);
		dma_ww_mutex_unlock(&a);
		assert_int_equal(outcome(actors[0]), 0);
		tell_and_await(actors[0], unlock, &a);
	}
	finish_all(1);
}

static void handler_before_the_sleep_does_not_interrupt(void **state)
{
	int before;

	(void)state;
	handle_signals(0);
	before = handled;
	assert_int_equal(dma_ww_mutex_lock(&a, NULL), 0);
	actors[0]->signaled_before_sleep = 1;
	tell_to_sleep(actors[0], lock_alone_interruptible, &a);
	assert_int_equal(handled, before + 1);
	dma_ww_mutex_unlock(&a);
	assert_int_equal(outcome(actors[0]), 0);
	tell_and_await(actors[0], unlock, &a);
}

/* From each place in the list. */
static void interrupted_among_others(void **state)
{
	static const int left[3][2] = { { 1, 2 }, { 0, 2 }, { 0, 1 } };
	int in_context, gone, i;

	(void)state;
	handle_signals(0);
	for (in_context = 0; in_context < 2; in_context++) {
		for (gone = 0; gone < 3; gone++) {
			begin_in_order(3);
			assert_int_equal(dma_ww_mutex_lock(&a, NULL), 0);
			for (i = 0; i < 3; i++)
				tell_to_sleep(actors[i],
					      in_context ? lock_interruptible
							 : lock_alone_interruptible,
					      &a);
			interrupt(actors[gone]);
			assert_int_equal(outcome(actors[gone]), -EINTR);
			dma_ww_mutex_unlock(&a);
			assert_order(left[gone], 2);
			finish_all(3);
		}
	}
}

/* It comes to give up, and finds that it has been given it: so it waits until it is told. */
static void interrupted_when_it_has_been_given_it(void **state)
{
	int (*const ways[])(struct actor *, void *) = { lock_alone_interruptible,
							lock_interruptible,
							lock_slow_interruptible };
	size_t i;

	(void)state;
	handle_signals(0);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		begin_in_order(1);
		tell_and_await(actors[1], lock_alone, &a);
		tell_to_sleep(actors[0], ways[i], &a);
		unlock_up_to_the_wake_up(actors[1], &a);
		interrupt(actors[0]);
		/* It has given up sleeping once, and sleeps for something else now. */
		assert_sleeps(actors[0]);
		go_on(actors[1]);
		assert_int_equal(outcome(actors[0]), 0);
		assert_true(dma_ww_mutex_is_locked(&a));
		tell_and_await(actors[0], unlock, &a);
		finish_all(1);
	}
}

/* What it protects, and its memory */

#define THREADS 4
#define TURNS	20000

static struct dma_ww_mutex shared;
static long protected;

/* All ways of locking it, and now and then so long that the others fall asleep. */
static void *add(void *arg)
{
	struct dma_ww_acquire_ctx ctx;
	int i, turns = (int)(intptr_t)arg;

	for (i = 0; i < turns; i++) {
		dma_ww_acquire_init(&ctx);
		switch (i % 4) {
		case 0:
			assert_int_equal(dma_ww_mutex_lock(&shared, NULL), 0);
			break;
		case 1:
			assert_int_equal(dma_ww_mutex_lock(&shared, &ctx), 0);
			break;
		case 2:
			while (!dma_ww_mutex_trylock(&shared, &ctx))
				sched_yield();
			break;
		default:
			assert_int_equal(dma_ww_mutex_lock_interruptible(&shared, NULL), 0);
			break;
		}
		protected++;
		if (i % 1000 == 0)
			sched_yield();
		dma_ww_mutex_unlock(&shared);
		dma_ww_acquire_fini(&ctx);
	}
	return NULL;
}

static void what_it_protects_is_seen_by_the_next(void **state)
{
	pthread_t threads[THREADS];
	int i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		threads[i] = start(add, (void *)(intptr_t)TURNS);
	for (i = 0; i < THREADS; i++)
		join(threads[i]);
	assert_int_equal(protected, THREADS * TURNS);
	assert_true(untouched(&shared));
}

/*
 * What a waiter does with the holder's context is ordered. The threads tell each other nothing but
 * by the mutex: what they spin on is relaxed, so that ThreadSanitizer sees if it is not.
 */
static int began, gave_up;

static void *hold_until_somebody_waits(void *arg)
{
	struct dma_ww_acquire_ctx ctx;

	while (!atomic_load_relaxed(&began))
		sched_yield();
	dma_ww_acquire_init(&ctx);
	assert_int_equal(dma_ww_mutex_lock(&shared, &ctx), 0);
	/* Or, if it is one who gives up, until he has. */
	while (arg ? !atomic_load_relaxed(&gave_up)
		   : !(atomic_load_relaxed(&shared.owner) & DMA_WW_MUTEX_WAITERS))
		sched_yield();
	dma_ww_mutex_unlock(&shared);
	dma_ww_acquire_fini(&ctx);
	/* Its memory is used again, at once. */
	dma_ww_acquire_init(&ctx);
	dma_ww_acquire_fini(&ctx);
	return NULL;
}

static void *wait_for_the_younger(void *arg)
{
	struct dma_ww_acquire_ctx ctx;
	int ret;

	dma_ww_acquire_init(&ctx);
	atomic_store_relaxed(&began, 1);
	while (!dma_ww_mutex_is_locked(&shared))
		sched_yield();
	if (arg)
		ret = dma_ww_mutex_lock_interruptible(&shared, &ctx);
	else
		ret = dma_ww_mutex_lock(&shared, &ctx);
	if (!ret)
		dma_ww_mutex_unlock(&shared);
	assert_int_equal(ret, arg ? -EINTR : 0);
	dma_ww_acquire_fini(&ctx);
	atomic_store_relaxed(&gave_up, 1);
	return NULL;
}

static void contexts_are_ordered(void **state)
{
	pthread_t holder, waiter;
	int gives_up, i;

	(void)state;
	handle_signals(0);
	for (i = 0; i < 20; i++) {
		gives_up = i % 2;
		began = gave_up = 0;
		holder = start(hold_until_somebody_waits, gives_up ? &shared : NULL);
		waiter = start(wait_for_the_younger, gives_up ? &shared : NULL);
		while (gives_up && !atomic_load_relaxed(&gave_up)) {
			pthread_kill(waiter, SIGUSR1);
			sched_yield();
		}
		join(holder);
		join(waiter);
	}
	assert_true(untouched(&shared));
}

/* The last to leave frees it, while those before him may still be in the unlock. */

struct freed {
	struct dma_ww_mutex mutex;
	int users;
};

static struct freed *freed[TURNS];

static void *leave_each(void *arg)
{
	struct dma_ww_acquire_ctx ctx;
	struct freed *each;
	int i, left, ret;

	for (i = 0; i < TURNS / 4; i++) {
		each = freed[i];
		dma_ww_acquire_init(&ctx);
		do {
			ret = dma_ww_mutex_lock_interruptible(&each->mutex, arg ? &ctx : NULL);
		} while (ret == -EINTR);
		assert_int_equal(ret, 0);
		left = --each->users;
		dma_ww_mutex_unlock(&each->mutex);
		if (!left)
			free(each);
		dma_ww_acquire_fini(&ctx);
	}
	return NULL;
}

static void freed_by_who_unlocks_it_last(void **state)
{
	pthread_t threads[3];
	size_t i;

	(void)state;
	for (i = 0; i < TURNS / 4; i++) {
		freed[i] = calloc(1, sizeof(*freed[i]));
		freed[i]->users = ARRAY_SIZE(threads);
	}
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		threads[i] = start(leave_each, i ? &freed : NULL);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		join(threads[i]);
}

#ifdef SINGLE_STEP
static int rmws;

static void count_rmws(const uint8_t *instruction)
{
	rmws += is_atomic_rmw(instruction);
}

#define assert_rmws(what, count) \
	do { \
		int before_; \
		step_begin(count_rmws); \
		before_ = rmws; \
		what; \
		before_ = rmws - before_; \
		step_end(); \
		assert_int_equal(before_, count); \
	} while (0)

static void __attribute__((unused)) costs_as_few_atomic_operations_as_promised(void **state)
{
	struct dma_ww_acquire_ctx ctx;
	int word = 0;

	(void)state;
	/* That it is counted. */
	assert_rmws(word++, 0);
	assert_rmws(__atomic_fetch_add(&word, 1, __ATOMIC_RELAXED), 1);
	assert_rmws(__atomic_exchange_n(&word, 1, __ATOMIC_RELAXED), 1);
	assert_rmws(__atomic_store_n(&word, 1, __ATOMIC_RELEASE), 0);

	assert_rmws(dma_ww_mutex_lock(&a, NULL), 1);
	assert_rmws(dma_ww_mutex_unlock(&a), 1);
	assert_rmws(dma_ww_mutex_trylock(&a, NULL), 1);
	assert_rmws(dma_ww_mutex_unlock(&a), 1);
	assert_rmws(dma_ww_acquire_init(&ctx), 1);
	assert_rmws(dma_ww_mutex_lock(&a, &ctx), 1);
	assert_rmws(dma_ww_mutex_lock_interruptible(&b, &ctx), 1);
	assert_rmws(dma_ww_mutex_trylock(&c, &ctx), 1);
	assert_rmws(dma_ww_acquire_done(&ctx), 0);
	assert_rmws(dma_ww_mutex_unlock(&c), 1);
	assert_rmws(dma_ww_mutex_unlock(&b), 1);
	assert_rmws(dma_ww_mutex_unlock(&a), 1);
	assert_rmws(dma_ww_acquire_fini(&ctx), 0);
}

/*
 * A thread that holds something is on its way to sleep for something else, when an older one comes
 * for what it holds: before each of its atomic operations up to that by which it says that it
 * sleeps.
 */
static int older_comes_before;

static void let_the_older_come(const uint8_t *instruction)
{
	if (!older_comes_before || !is_atomic_rmw(instruction) || --older_comes_before)
		return;
	tell_to_sleep(actors[0], lock, &a);
}

static void wounded_on_its_way_to_sleep(void **state)
{
	struct dma_ww_acquire_ctx ctx;
	int n, ret;

	(void)state;
	for (n = 1; n <= 6; n++) {
		begin_in_order(1);
		dma_ww_acquire_init(&ctx);
		assert_int_equal(dma_ww_mutex_lock(&a, &ctx), 0);
		tell_and_await(actors[1], lock_alone, &b);
		step_begin(let_the_older_come);
		older_comes_before = n;
		ret = dma_ww_mutex_lock(&b, &ctx);
		step_end();
		assert_int_equal(older_comes_before, 0);
		assert_int_equal(ret, -EDEADLK);
		dma_ww_mutex_unlock(&a);
		assert_int_equal(outcome(actors[0]), 0);
		tell_and_await(actors[0], unlock, &a);
		tell_and_await(actors[1], unlock, &b);
		dma_ww_acquire_fini(&ctx);
		finish_all(1);
	}
}

/*
 * While a thread is about to hand it over the one who waits gives up. Others then find it free,
 * lock it, unlock it and free its memory, as soon as they can: the thread must be done with it.
 */
static struct dma_ww_mutex *in_page;
static bool unlocking, has_given_up;
static int page_is_gone;

static int unlock_and_unmap(struct actor *actor, void *arg)
{
	(void)actor;
	(void)arg;
	if (!dma_ww_mutex_trylock(in_page, NULL))
		return 0;
	dma_ww_mutex_unlock(in_page);
	return !mprotect(in_page, 4096, PROT_NONE);
}

static void make_room_for_others(const uint8_t *instruction)
{
	if (!unlocking)
		return;
	if (rmws && !has_given_up) {
		has_given_up = true;
		interrupt(actors[0]);
		assert_int_equal(outcome(actors[0]), -EINTR);
	} else if (has_given_up && !page_is_gone && !dma_ww_mutex_is_locked(in_page)) {
		page_is_gone = tell_and_await(actors[1], unlock_and_unmap, NULL);
		assert_true(page_is_gone);
	}
	rmws += is_atomic_rmw(instruction);
}

static void does_not_touch_what_others_may_have_freed(void **state)
{
	(void)state;
	handle_signals(0);
	in_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(in_page != MAP_FAILED);
	assert_int_equal(dma_ww_mutex_lock(in_page, NULL), 0);
	tell_to_sleep(actors[0], lock_alone_interruptible, in_page);
	rmws = 0;
	step_begin(make_room_for_others);
	unlocking = true;
	dma_ww_mutex_unlock(in_page);
	step_end();
	assert_true(has_given_up && page_is_gone);
	munmap(in_page, 4096);
}
#endif

/* What is always reported */

static void misuse_that_is_always_reported(void **state)
{
	struct dma_ww_acquire_ctx ctx;

	(void)state;
	dma_ww_mutex_unlock(&a);
	assert_reported("unlocked that is not locked");
	assert_true(untouched(&a));

	dma_ww_acquire_init(&ctx);
	assert_int_equal(dma_ww_mutex_lock(&a, &ctx), 0);
	assert_int_equal(dma_ww_mutex_lock(&b, &ctx), 0);
	dma_ww_mutex_lock_slow(&c, &ctx);
	assert_reported("after -EDEADLK with 2 still held");
	dma_ww_acquire_fini(&ctx);
	assert_reported("ends in which 3 mutexes");
	dma_ww_mutex_destroy(&a);
	assert_reported("destroyed that is locked");
	dma_ww_mutex_unlock(&a);
	dma_ww_mutex_unlock(&b);
	assert_int_equal(dma_ww_mutex_lock_slow_interruptible(&b, &ctx), 0);
	assert_reported("after -EDEADLK with 1 still held");
	dma_ww_mutex_unlock(&b);
	dma_ww_mutex_unlock(&c);
	dma_ww_acquire_fini(&ctx);
	dma_ww_mutex_destroy(&a);
}

/* What is reported for who asks for it */

/* Reports what it comes to, with debugging and without, as long as nothing is contended. */
static void misuse_by_one_thread(void (*check)(const char *text))
{
	struct dma_ww_acquire_ctx ctx, inner;

	dma_ww_acquire_init(&ctx);
	assert_int_equal(dma_ww_mutex_lock(&a, NULL), 0);
	dma_ww_mutex_unlock(&a);
	assert_int_equal(dma_ww_mutex_lock(&a, &ctx), 0);
	/* It may try. */
	assert_true(dma_ww_mutex_trylock(&b, NULL));
	dma_ww_mutex_unlock(&b);
	assert_int_equal(caught()->count, 0);
	assert_int_equal(dma_ww_mutex_lock(&b, NULL), 0);
	check("without the acquire context in which the thread holds 1 others");
	dma_ww_mutex_unlock(&b);

	dma_ww_acquire_init(&inner);
	check("begins inside another");
	assert_int_equal(dma_ww_mutex_lock(&b, &ctx), 0);
	check("not the thread's own, or not the one it began last");
	dma_ww_mutex_unlock(&b);
	dma_ww_acquire_fini(&inner);
	assert_int_equal(dma_ww_mutex_lock(&b, &ctx), 0);
	assert_int_equal(caught()->count, 0);

	dma_ww_acquire_done(&ctx);
	assert_int_equal(dma_ww_mutex_lock(&c, &ctx), 0);
	check("after dma_ww_acquire_done()");
	dma_ww_mutex_unlock(&a);
	dma_ww_mutex_unlock(&b);
	dma_ww_mutex_unlock(&c);
	dma_ww_acquire_fini(&ctx);
	assert_int_equal(caught()->count, 0);
}

static void assert_not_reported(const char *text)
{
	(void)text;
	assert_int_equal(caught()->count, 0);
}

static void misuse_is_reported_if_asked_for(void **state)
{
	(void)state;
	misuse_by_one_thread(assert_not_reported);
	dma_fence_debug_set(DEBUG_LOCKING);
	misuse_by_one_thread(assert_reported);
}

static int begin_and_hold(struct actor *actor, void *mutex)
{
	dma_ww_acquire_init(&actor->ctx);
	return dma_ww_mutex_lock(mutex, &actor->ctx);
}

static void what_is_another_threads(void **state)
{
	(void)state;
	dma_fence_debug_set(DEBUG_LOCKING);
	assert_int_equal(tell_and_await(actors[0], begin_and_hold, &a), 0);
	assert_int_equal(dma_ww_mutex_lock(&b, &actors[0]->ctx), 0);
	assert_reported("not the thread's own");
	dma_ww_mutex_unlock(&b);
	assert_reported("unlocked that another thread has locked");
	dma_ww_mutex_unlock(&a);
	assert_reported("unlocked that another thread has locked");
	dma_ww_acquire_fini(&actors[0]->ctx);
	assert_reported("ended by a thread that has not begun it");
	tell_and_await(actors[0], finish, NULL);
}

static void what_has_to_be_done_after_backing_off(void **state)
{
	(void)state;
	dma_fence_debug_set(DEBUG_LOCKING);
	begin_in_order(2);
	assert_int_equal(dma_ww_mutex_lock(&b, NULL), 0);
	assert_int_equal(tell_and_await(actors[1], lock, &a), 0);
	tell_to_sleep(actors[0], lock, &a);
	assert_int_equal(tell_and_await(actors[1], lock, &b), -EDEADLK);
	assert_int_equal(caught()->count, 0);
	assert_int_equal(tell_and_await(actors[1], lock, &c), 0);
	assert_reported("after -EDEADLK with 1 still held");
	assert_int_equal(tell_and_await(actors[1], lock, &b), -EDEADLK);
	tell_and_await(actors[1], unlock, &c);
	tell_and_await(actors[1], unlock, &a);
	assert_int_equal(outcome(actors[0]), 0);
	assert_int_equal(caught()->count, 0);
	tell_and_await(actors[1], lock_slow, &c);
	assert_reported("after -EDEADLK for another one");
	tell_and_await(actors[1], unlock, &c);
	tell_and_await(actors[0], unlock, &a);
	finish_all(2);
	dma_ww_mutex_unlock(&b);
}

/* Two who do it as they should, in two orders, each often enough to be told to back off. */

static struct dma_resv objects[3];
static struct dma_ww_mutex *const mutexes[] = { &a, &b, &c };

static void lock_all(struct dma_ww_acquire_ctx *ctx, bool backwards)
{
	int i, held = -1, ret;

again:
	for (i = 0; i < 3; i++) {
		struct dma_ww_mutex *mutex = mutexes[backwards ? 2 - i : i];

		if (i == held)
			continue;
		ret = dma_ww_mutex_lock(mutex, ctx);
		if (!ret)
			continue;
		assert_int_equal(ret, -EDEADLK);
		for (ret = 0; ret < 3; ret++) {
			if (dma_ww_mutex_ctx(mutexes[ret]) == ctx)
				dma_ww_mutex_unlock(mutexes[ret]);
		}
		dma_ww_mutex_lock_slow(mutex, ctx);
		held = i;
		goto again;
	}
}

static void *as_it_should_be(void *arg)
{
	struct dma_resv *objs[] = { &objects[0], &objects[1], &objects[2] };
	struct dma_ww_acquire_ctx ctx;
	int i, k, ret;

	if (arg) {
		objs[0] = &objects[2];
		objs[2] = &objects[0];
	}
	for (i = 0; i < 2000; i++) {
		dma_ww_acquire_init(&ctx);
		lock_all(&ctx, arg);
		dma_ww_acquire_done(&ctx);
		for (k = 0; k < 3; k++)
			dma_ww_mutex_unlock(mutexes[k]);
		dma_ww_acquire_fini(&ctx);

		dma_ww_acquire_init(&ctx);
		do {
			ret = dma_resv_lock_many(objs, 3, &ctx, DMA_RESV_LOCK_INTERRUPTIBLE);
		} while (ret == -EINTR);
		assert_int_equal(ret, 0);
		dma_resv_unlock_many(objs, 3, &ctx);
		dma_ww_acquire_fini(&ctx);
		assert_int_equal(dma_resv_lock(objs[1], NULL), 0);
		sched_yield();
		dma_resv_unlock(objs[1]);
	}
	return NULL;
}

static void right_use_is_not_reported(void **state)
{
	pthread_t threads[3];
	size_t i;

	(void)state;
	dma_fence_debug_set(DEBUG_LOCKING);
	for (i = 0; i < ARRAY_SIZE(objects); i++)
		dma_resv_init(&objects[i]);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		threads[i] = start(as_it_should_be, i % 2 ? &objects : NULL);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		join(threads[i]);
	assert_int_equal(caught()->count, 0);
	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		assert_true(untouched(&objects[i].lock));
		dma_resv_fini(&objects[i]);
	}
}

/* Who was interrupted in the wait after -EDEADLK holds nothing, and may begin with any. */
static void interrupted_after_backing_off(void **state)
{
	(void)state;
	handle_signals(0);
	dma_fence_debug_set(DEBUG_LOCKING);
	begin_in_order(2);
	assert_int_equal(dma_ww_mutex_lock(&b, NULL), 0);
	assert_int_equal(tell_and_await(actors[1], lock, &a), 0);
	tell_to_sleep(actors[0], lock, &a);
	assert_int_equal(tell_and_await(actors[1], lock, &b), -EDEADLK);
	tell_and_await(actors[1], unlock, &a);
	assert_int_equal(outcome(actors[0]), 0);
	tell_to_sleep(actors[1], lock_slow_interruptible, &b);
	interrupt(actors[1]);
	assert_int_equal(outcome(actors[1]), -EINTR);
	assert_int_equal(tell_and_await(actors[1], lock, &c), 0);
	assert_int_equal(caught()->count, 0);
	tell_and_await(actors[1], unlock, &c);
	tell_and_await(actors[0], unlock, &a);
	dma_ww_mutex_unlock(&b);
	finish_all(2);
}

/* The words of the environment variable */

/* Runs this program with it; returns what is switched on, and what has been written to stderr. */
static uint32_t debug_by_environment(char *setting, char *written, size_t size)
{
	char program[] = "/proc/self/exe", option[] = "--debug";
	char *arguments[] = { program, option, NULL }, *environment[] = { setting, NULL };
	posix_spawn_file_actions_t actions;
	int pipes[2], status;
	ssize_t length;
	pid_t pid;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDERR_FILENO);
	assert_int_equal(posix_spawn(&pid, program, &actions, NULL, arguments, environment), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	length = read(pipes[0], written, size - 1);
	assert_true(length >= 0);
	written[length] = 0;
	close(pipes[0]);
	assert_true(WIFEXITED(status));
	return (uint32_t)WEXITSTATUS(status);
}

static void words_of_the_environment(void **state)
{
	static const struct {
		const char *setting, *unknown[3];
		uint32_t on;
	} settings[] = {
		{ .setting = "SOMETHING=else" },
		{ .setting = "DMA_FENCE_DEBUG=" },
		{ .setting = "DMA_FENCE_DEBUG=,,," },
		{ .setting = "DMA_FENCE_DEBUG=locking", .on = DEBUG_LOCKING },
		{ .setting = "DMA_FENCE_DEBUG=,locking,locking,", .on = DEBUG_LOCKING },
		{ .setting = "DMA_FENCE_DEBUG=lock", .unknown = { "'lock'" } },
		{ .setting = "DMA_FENCE_DEBUG=lockings,LOCKING",
		  .unknown = { "'lockings'", "'LOCKING'" } },
		{ .setting = "DMA_FENCE_DEBUG=bogus,locking, locking",
		  .on = DEBUG_LOCKING,
		  .unknown = { "'bogus'", "' locking'" } },
	};
	char setting[64], written[1024], *line;
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		snprintf(setting, sizeof(setting), "%s", settings[i].setting);
		assert_int_equal(debug_by_environment(setting, written, sizeof(written)),
				 settings[i].on);
		line = written;
		for (k = 0; settings[i].unknown[k]; k++) {
			assert_int_equal(strncmp(line, "dmafence: DMA_FENCE_DEBUG: ", 27), 0);
			line = strstr(line, settings[i].unknown[k]);
			assert_non_null(line);
			line = strchr(line, '\n');
			assert_non_null(line);
			line++;
		}
		assert_int_equal(*line, 0);
	}

	dma_fence_debug_set(DEBUG_LOCKING);
	assert_true(debug(DEBUG_LOCKING));
	dma_fence_debug_clear(DEBUG_LOCKING);
	assert_false(debug(DEBUG_LOCKING));
}

int main(int argc, char **argv)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(locked_and_unlocked),
		CASE(slow_is_a_lock_like_any_other),
		CASE(locked_already),
		CASE(tickets_are_taken_when_contexts_begin),
		CASE(who_waits_gets_it),
		CASE(nobody_barges_in),
		CASE(woken_for_no_reason_it_goes_on_waiting),
		CASE(without_a_context_first_come_first_served),
		CASE(in_contexts_the_oldest_comes_first),
		CASE(with_contexts_and_without),
		CASE(younger_backs_off_when_it_would_have_to_wait),
		CASE(younger_that_sleeps_is_woken),
		CASE(crosswise),
		CASE(older_waits_for_nobody_to_tell_it),
		CASE(slow_keeps_the_ticket),
		CASE(begins_again_as_if_nothing_had_been),
		CASE(who_holds_nothing_waits),
		CASE(wounded_when_it_has_been_given_it),
		CASE(handler_interrupts),
		CASE(handler_does_not_interrupt_the_uninterruptible),
		CASE(handler_before_the_sleep_does_not_interrupt),
		CASE(interrupted_among_others),
		CASE(interrupted_when_it_has_been_given_it),
		CASE(what_it_protects_is_seen_by_the_next),
		CASE(contexts_are_ordered),
		CASE(freed_by_who_unlocks_it_last),
#ifdef SINGLE_STEP
#ifndef COVERAGE /* counters are atomic, too */
		CASE(costs_as_few_atomic_operations_as_promised),
#endif
		CASE(wounded_on_its_way_to_sleep),
		CASE(does_not_touch_what_others_may_have_freed),
#endif
		CASE(misuse_that_is_always_reported),
		CASE(misuse_is_reported_if_asked_for),
		CASE(what_is_another_threads),
		CASE(what_has_to_be_done_after_backing_off),
		CASE(right_use_is_not_reported),
		CASE(interrupted_after_backing_off),
		CASE(words_of_the_environment),
	};

	/* Another one of this program asks what is switched on: see debug_by_environment(). */
	if (argc > 1 && !strcmp(argv[1], "--debug"))
		return (int)dma_fence_debug_flags;
	return RUN(tests);
}
