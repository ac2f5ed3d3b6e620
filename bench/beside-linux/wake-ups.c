/* SPDX-License-Identifier: MIT */
/*
 * How long it takes from just before a signal, on one thread, to the return of a wait, on another.
 *
 * The one that waits is on the second CPU.
 */
#include <pthread.h>

#include "side.h"

/* Until it sleeps, whatever it does before. */
#define ASLEEP_NS 60000

#define ROUNDS 64

struct waiter {
	uint64_t ops;
	/* Each is the number of the operation in which that has been reached. */
	uint64_t told __attribute__((aligned(64)));
	uint64_t waiting __attribute__((aligned(64)));
	uint64_t woken;
	double woken_at;
};

static void await(uint64_t *counter, uint64_t value)
{
	while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) != value)
		side_relax();
}

static void reach(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELEASE);
}

static pthread_t start(void *(*func)(void *argument), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, func, argument))
		side_host->fail("cannot start a thread");
	return thread;
}

/* Sleeping */

static void *sleep_often(void *argument)
{
	struct waiter *waiter = argument;
	uint64_t i;

	side_host->pin_second();
	side_thread_begin();
	for (i = 1; i <= waiter->ops; i++) {
		await(&waiter->told, i);
		reach(&waiter->waiting, i);
		dma_fence_wait(side_member(0), false);
		waiter->woken_at = side_now();
		reach(&waiter->woken, i);
	}
	side_thread_end();
	return NULL;
}

void side_wake_sleeping(uint64_t ops, const struct side_case *of, double *ns)
{
	static struct waiter waiter;
	struct dma_fence *fence = side_member(0);
	pthread_t thread;
	double begin;
	uint64_t i;

	(void)of;
	waiter = (struct waiter){ .ops = ops };
	side_spin(false);
	thread = start(sleep_often, &waiter);
	*ns = 0;
	for (i = 1; i <= ops; i++) {
		side_init(fence, &side_kept_ops, &side_timeline, 1, i);
		reach(&waiter.told, i);
		await(&waiter.waiting, i);
		begin = side_now();
		while (side_now() < begin + ASLEEP_NS)
			side_relax();
		begin = side_now();
		dma_fence_signal(fence);
		await(&waiter.woken, i);
		*ns += waiter.woken_at - begin;
		dma_fence_put(fence);
	}
	pthread_join(thread, NULL);
}

/*
 * Spinning: the two threads hand over to each other in turn, each time by another fence. Who will
 * signal a fence has initialised it. An operation is one hand-over.
 */

static struct dma_fence *fence_of(unsigned int round, bool second)
{
	return side_member(2 * round + second);
}

static void init_fences(bool second)
{
	unsigned int round;

	for (round = 0; round < ROUNDS; round++)
		side_init(fence_of(round, second), &side_kept_ops,
			  second ? &side_second_timeline : &side_timeline, 1 + second, round);
}

SIDE_INLINE void hand_over(unsigned int from, unsigned int to, bool second, bool clock)
{
	unsigned int round;

	for (round = from; round < to; round++) {
		if (!second)
			side_signal(fence_of(round, false), clock);
		dma_fence_wait(fence_of(round, !second), false);
		if (second)
			side_signal(fence_of(round, true), clock);
	}
}

struct partner {
	struct waiter common;
	bool clock;
};

static void *hand_back(void *argument)
{
	struct partner *partner = argument;
	uint64_t i;

	side_host->pin_second();
	side_thread_begin();
	for (i = 1; i <= partner->common.ops; i++) {
		await(&partner->common.told, i);
		init_fences(true);
		reach(&partner->common.waiting, i);
		if (partner->clock)
			hand_over(0, ROUNDS, true, true);
		else
			hand_over(0, ROUNDS, true, false);
	}
	side_thread_end();
	return NULL;
}

void side_wake_spinning(uint64_t ops, const struct side_case *of, double *ns)
{
	static struct partner partner;
	uint64_t handed = 0, i, turns = ops / (2 * ROUNDS) + 1;
	pthread_t thread;

	partner = (struct partner){ .common.ops = turns, .clock = of->clock };
	side_spin(true);
	thread = start(hand_back, &partner);
	*ns = 0;
	for (i = 1; i <= turns; i++) {
		init_fences(false);
		reach(&partner.common.told, i);
		await(&partner.common.waiting, i);
		/* One round for both to arrive. */
		hand_over(0, 1, false, of->clock);
		*ns -= side_now();
		if (of->clock)
			hand_over(1, ROUNDS, false, true);
		else
			hand_over(1, ROUNDS, false, false);
		*ns += side_now();
		handed += 2 * (ROUNDS - 1);
	}
	pthread_join(thread, NULL);
	side_spin(false);
	*ns *= (double)ops / (double)handed;
}
