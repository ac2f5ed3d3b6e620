/* SPDX-License-Identifier: MIT */
/*
 * Waiting for any of several. Defect "wait-any-bounds": it reads past the list, or leaves callbacks
 * behind on its error path.
 */
#include <signal.h>

#include "support.h"

#include "fence/state.h"

#include "failing-malloc.h"

#define MANY 100

static struct dma_fence fences[MANY];
static struct dma_fence *list[MANY];

static int setup(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		fence_init(&fences[i]);
		list[i] = &fences[i];
	}
	failing_malloc_in = -1;
	failing_malloc_live = 0;
	return 0;
}

/* Nothing is left on any of the fences: pending they have no callback, and nobody is called. */
static int teardown(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		if (!dma_fence_test_signaled_flag(&fences[i]))
			assert_int_equal(fences[i].state & ~(uint64_t)DMA_FENCE_STATE_WAITERS, 0);
		dma_fence_signal(&fences[i]);
		assert_int_equal(dma_fence_flush(&fences[i]), 0);
		dma_fence_put(&fences[i]);
	}
	assert_int_equal(failing_malloc_live, 0);
	return 0;
}

static void *signal_soon(void *arg)
{
	sleep_ns(20 * MS);
	dma_fence_signal(arg);
	return NULL;
}

static void returns_the_one_that_signals(void **state)
{
	static const uint32_t counts[] = { 1, 2, 3, 15, 16, 17, 64, MANY };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		uint32_t which, idx;

		for (which = 0; which < counts[i]; which += which * 2 + 1) {
			int64_t left, begin = clock_now();
			pthread_t thread;

			idx = 12345;
			setup(state);
			thread = start(signal_soon, &fences[which]);
			left = dma_fence_wait_any_timeout(list, counts[i], false, 10 * SECOND,
							  &idx);
			join(thread);
			assert_time_left(left, 10 * SECOND, begin);
			assert_int_equal(idx, which);
			teardown(state);
		}
	}
	setup(state);
}

static void one_is_signaled_already(void **state)
{
	uint32_t idx = 12345;

	(void)state;
	dma_fence_signal(&fences[MANY - 1]);
	assert_int_equal(
		dma_fence_wait_any_timeout(list, MANY, false, DMA_FENCE_WAIT_FOREVER, &idx),
		DMA_FENCE_WAIT_FOREVER);
	assert_int_equal(idx, MANY - 1);
	assert_int_equal(dma_fence_wait_any_timeout(list, MANY, false, 0, &idx), 1);
	dma_fence_signal(&fences[7]);
	assert_true(dma_fence_wait_any_timeout(list, MANY, false, SECOND, &idx) > 0);
	assert_int_equal(idx, 7);
	/* Without wanting to know which. */
	assert_int_equal(dma_fence_wait_any_timeout(list, MANY, false, 0, NULL), 1);
	/* The list ends where it was said to end. */
	assert_int_equal(dma_fence_wait_any_timeout(list, 7, false, 0, &idx), 0);
	assert_int_equal(idx, 7);
}

static void time_runs_out(void **state)
{
	uint32_t idx = 12345;
	int64_t before;

	(void)state;
	before = clock_now();
	assert_int_equal(dma_fence_wait_any_timeout(list, 3, false, 20 * MS, &idx), 0);
	assert_true(clock_now() - before >= 20 * MS);
	assert_int_equal(dma_fence_wait_any_timeout(list, MANY, false, 20 * MS, &idx), 0);
	assert_int_equal(dma_fence_wait_any_timeout(list, MANY, false, 0, &idx), 0);
	assert_int_equal(idx, 12345);
}

static void duplicates(void **state)
{
	struct dma_fence *same[20];
	pthread_t thread;
	uint32_t idx;
	int i;

	(void)state;
	for (i = 0; i < 20; i++)
		same[i] = &fences[i % 2];
	assert_int_equal(dma_fence_wait_any_timeout(same, 20, false, MS, &idx), 0);
	thread = start(signal_soon, &fences[1]);
	assert_true(dma_fence_wait_any_timeout(same, 20, false, 10 * SECOND, &idx) > 0);
	assert_int_equal(idx, 1);
	join(thread);
	for (i = 0; i < 20; i++)
		same[i] = &fences[0];
	thread = start(signal_soon, &fences[0]);
	assert_true(dma_fence_wait_any_timeout(same, 20, false, 10 * SECOND, &idx) > 0);
	assert_int_equal(idx, 0);
	join(thread);
}

static void bad_arguments(void **state)
{
	struct dma_fence *hole[3] = { &fences[0], NULL, &fences[1] };
	uint32_t idx = 12345;

	(void)state;
	assert_int_equal(dma_fence_wait_any_timeout(NULL, 1, false, 0, &idx), -EINVAL);
	assert_int_equal(dma_fence_wait_any_timeout(list, 0, false, 0, &idx), -EINVAL);
	assert_int_equal(dma_fence_wait_any_timeout(list, 1, false, -1, &idx), -EINVAL);
	assert_int_equal(dma_fence_wait_any_timeout(hole, 3, false, MS, &idx), -EINVAL);
	assert_int_equal(idx, 12345);
}

static void allocation_fails(void **state)
{
	uint32_t idx = 12345;

	(void)state;
	failing_malloc_in = 1;
	assert_int_equal(dma_fence_wait_any_timeout(list, MANY, false, SECOND, &idx), -ENOMEM);
	assert_int_equal(failing_malloc_in, -1);
	assert_int_equal(idx, 12345);

	/* 16 need none, and so do those that do not wait. */
	failing_malloc_in = 1;
	assert_int_equal(dma_fence_wait_any_timeout(list, 16, false, MS, &idx), 0);
	assert_int_equal(dma_fence_wait_any_timeout(list, MANY, false, 0, &idx), 0);
	dma_fence_signal(&fences[50]);
	assert_true(dma_fence_wait_any_timeout(list, MANY, false, SECOND, &idx) > 0);
	assert_int_equal(idx, 50);
	assert_int_equal(failing_malloc_in, 1);
	failing_malloc_in = -1;
}

/* Interrupted: the error path takes its callbacks back. */

static void handler(int signum)
{
	(void)signum;
}

static int64_t interrupted;
static int over;

static void *wait_any(void *arg)
{
	interrupted = dma_fence_wait_any_timeout(list, (uint32_t)(intptr_t)arg, true,
						 DMA_FENCE_WAIT_FOREVER, NULL);
	set_flag(&over);
	return NULL;
}

static void handler_interrupts(void **state)
{
	static const intptr_t counts[] = { 3, MANY };
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	size_t i;

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		pthread_t thread;

		over = 0;
		thread = start(wait_any, (void *)counts[i]);
		while (!atomic_load_acquire(&over)) {
			sleep_ns(MS);
			pthread_kill(thread, SIGUSR1);
		}
		join(thread);
		assert_int_equal(interrupted, -EINTR);
	}
}

/* One is signaled, and its callback takes long; another is drained before that is over. */

static int entered, leave;

static void slowly(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	set_flag(&entered);
	await_flag(&leave);
}

static void *signal_now(void *arg)
{
	dma_fence_signal(arg);
	return NULL;
}

static void a_drained_one_counts_when_another_is_slow(void **state)
{
	uint32_t idx = 12345;
	struct dma_fence_cb cb;
	pthread_t slow, soon;

	(void)state;
	assert_int_equal(dma_fence_add_callback(&fences[0], &cb, slowly), 0);
	slow = start(signal_now, &fences[0]);
	await_flag(&entered);
	soon = start(signal_soon, &fences[1]);
	assert_true(dma_fence_wait_any_timeout(list, 3, false, 500 * MS, &idx) > 0);
	assert_int_equal(idx, 1);
	set_flag(&leave);
	join(slow);
	join(soon);
}

/* If both are drained when it looks, it is the first of them in the list. */

static void *let_go_soon(void *arg)
{
	(void)arg;
	sleep_ns(20 * MS);
	dma_fence_signal(&fences[0]);
	set_flag(&leave);
	return NULL;
}

static void first_in_the_list_counts(void **state)
{
	uint32_t idx = 12345;
	struct dma_fence_cb cb;
	pthread_t slow, soon;

	(void)state;
	entered = leave = 0;
	assert_int_equal(dma_fence_add_callback(&fences[1], &cb, slowly), 0);
	slow = start(signal_now, &fences[1]);
	await_flag(&entered);
	soon = start(let_go_soon, NULL);
	assert_true(dma_fence_wait_any_timeout(list, 3, false, 10 * SECOND, &idx) > 5 * SECOND);
	assert_int_equal(idx, 0);
	join(slow);
	join(soon);
}

/* A handler interrupts the wait for those slow callbacks, too. */
static void handler_interrupts_when_one_is_slow(void **state)
{
	struct sigaction action = { .sa_handler = handler };
	struct dma_fence_cb cb;
	pthread_t slow, waiter;
	bool was_over;
	int tries;

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	entered = leave = over = 0;
	assert_int_equal(dma_fence_add_callback(&fences[0], &cb, slowly), 0);
	waiter = start(wait_any, (void *)(intptr_t)3);
	/* Its callback comes behind the slow one. */
	while (state_callbacks(atomic_load_acquire(&fences[0].state)) == &cb)
		sched_yield();
	let_it_sleep();
	slow = start(signal_now, &fences[0]);
	await_flag(&entered);
	for (tries = 0; tries < 5000 && !flag_within(&over, MS); tries++)
		pthread_kill(waiter, SIGUSR1);
	was_over = atomic_load_acquire(&over);
	set_flag(&leave);
	join(waiter);
	join(slow);
	assert_true(was_over);
	assert_int_equal(interrupted, -EINTR);
}

/* Several waiters for overlapping sets, and fences signaled from several threads. */

static void *wait_in_a_loop(void *arg)
{
	struct dma_fence *left[MANY];
	uint32_t n = MANY, idx;

	(void)arg;
	memcpy(left, list, sizeof(left));
	while (n) {
		assert_true(dma_fence_wait_any_timeout(left, n, false, 10 * SECOND, &idx) >
			    5 * SECOND);
		assert_true(idx < n);
		assert_true(dma_fence_is_signaled(left[idx]));
		left[idx] = left[--n];
	}
	return NULL;
}

static void *signal_a_half(void *arg)
{
	int i;

	for (i = (int)(intptr_t)arg; i < MANY; i += 2) {
		dma_fence_signal(&fences[i]);
		if (i % 10 < 2)
			sleep_ns(MS / 4);
	}
	return NULL;
}

static void many_wait_for_any(void **state)
{
	pthread_t threads[5];
	int round;
	intptr_t i;

	for (round = 0; round < 20; round++) {
		setup(state);
		for (i = 0; i < 3; i++)
			threads[i] = start(wait_in_a_loop, (void *)i);
		for (i = 0; i < 2; i++)
			threads[3 + i] = start(signal_a_half, (void *)i);
		for (i = 0; i < 5; i++)
			join(threads[i]);
		teardown(state);
	}
	setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(returns_the_one_that_signals, setup, teardown),
		cmocka_unit_test_setup_teardown(one_is_signaled_already, setup, teardown),
		cmocka_unit_test_setup_teardown(time_runs_out, setup, teardown),
		cmocka_unit_test_setup_teardown(duplicates, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(allocation_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(handler_interrupts, setup, teardown),
		cmocka_unit_test_setup_teardown(a_drained_one_counts_when_another_is_slow, setup,
						teardown),
		cmocka_unit_test_setup_teardown(first_in_the_list_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(handler_interrupts_when_one_is_slow, setup,
						teardown),
		cmocka_unit_test_setup_teardown(many_wait_for_any, setup, teardown),
	};

	return RUN(tests);
}
