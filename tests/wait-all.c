/* SPDX-License-Identifier: MIT */
/* Waiting for all of several. */
#include <signal.h>

#include "support.h"

#define N 10

static struct dma_fence fences[N];
static struct dma_fence *list[N];

static int setup(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < N; i++) {
		fence_init(&fences[i]);
		list[i] = &fences[i];
	}
	return 0;
}

static int teardown(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < N; i++) {
		dma_fence_signal(&fences[i]);
		dma_fence_put(&fences[i]);
	}
	return 0;
}

static void *signal_backwards(void *arg)
{
	int i;

	(void)arg;
	for (i = N; i--;) {
		sleep_ns(MS);
		dma_fence_signal(&fences[i]);
	}
	return NULL;
}

static void waits_for_the_last(void **state)
{
	uint32_t idx = 12345;
	pthread_t thread;
	int64_t left, begin = clock_now();
	int i;

	(void)state;
	thread = start(signal_backwards, NULL);
	left = dma_fence_wait_all_timeout(list, N, false, 10 * SECOND, &idx);
	join(thread);
	assert_time_left(left, 10 * SECOND, begin);
	for (i = 0; i < N; i++)
		assert_true(dma_fence_test_signaled_flag(&fences[i]));
	assert_int_equal(idx, 12345);
	assert_int_equal(dma_fence_wait_all_timeout(list, N, false, 0, &idx), 1);
	assert_int_equal(dma_fence_wait_all_timeout(list, N, false, DMA_FENCE_WAIT_FOREVER, &idx),
			 DMA_FENCE_WAIT_FOREVER);
}

static void names_the_one_that_is_late(void **state)
{
	uint32_t idx = 12345;
	int64_t before;
	int i;

	(void)state;
	for (i = 0; i < N; i++) {
		if (i != 4 && i != 6)
			dma_fence_signal(&fences[i]);
	}
	assert_int_equal(dma_fence_wait_all_timeout(list, N, false, 0, &idx), 0);
	assert_int_equal(idx, 4);
	dma_fence_signal(&fences[4]);
	before = clock_now();
	assert_int_equal(dma_fence_wait_all_timeout(list, N, false, 20 * MS, &idx), 0);
	assert_true(clock_now() - before >= 20 * MS);
	assert_int_equal(idx, 6);
	assert_int_equal(dma_fence_wait_all_timeout(list, N, false, MS, NULL), 0);
}

static void bad_arguments(void **state)
{
	struct dma_fence *hole[3] = { &fences[0], NULL, &fences[1] };
	uint32_t idx = 12345;

	(void)state;
	assert_int_equal(dma_fence_wait_all_timeout(NULL, 1, false, 0, &idx), -EINVAL);
	assert_int_equal(dma_fence_wait_all_timeout(list, 0, false, 0, &idx), -EINVAL);
	assert_int_equal(dma_fence_wait_all_timeout(list, 1, false, -1, &idx), -EINVAL);
	assert_int_equal(dma_fence_wait_all_timeout(hole, 3, false, MS, &idx), -EINVAL);
	assert_int_equal(idx, 12345);
}

static void handler(int signum)
{
	(void)signum;
}

static int64_t interrupted;
static uint32_t interrupted_at;
static int over;

static void *wait_all(void *arg)
{
	(void)arg;
	interrupted =
		dma_fence_wait_all_timeout(list, N, true, DMA_FENCE_WAIT_FOREVER, &interrupted_at);
	set_flag(&over);
	return NULL;
}

static void handler_interrupts(void **state)
{
	struct sigaction action = { .sa_handler = handler };
	pthread_t thread;

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	dma_fence_signal(&fences[0]);
	thread = start(wait_all, NULL);
	while (!atomic_load_acquire(&over)) {
		sleep_ns(MS);
		pthread_kill(thread, SIGUSR1);
	}
	join(thread);
	assert_int_equal(interrupted, -EINTR);
	assert_int_equal(interrupted_at, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(waits_for_the_last, setup, teardown),
		cmocka_unit_test_setup_teardown(names_the_one_that_is_late, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(handler_interrupts, setup, teardown),
	};

	return RUN(tests);
}
