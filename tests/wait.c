/* SPDX-License-Identifier: MIT */
/* Waiting for one fence. */
#include <signal.h>

#include "asleep.h"

#include "base/park.h"

static struct dma_fence fence;

static void *signal_soon(void *arg)
{
	sleep_ns((intptr_t)arg);
	dma_fence_signal(&fence);
	return NULL;
}

static void times_out(void **state)
{
	static const int64_t timeouts[] = { 1, 1000, MS, 30 * MS };
	size_t i;

	(void)state;
	fence_init(&fence);
	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		int64_t before = clock_now();

		assert_int_equal(dma_fence_wait_timeout(&fence, i % 2, timeouts[i]), 0);
		assert_true(clock_now() - before >= timeouts[i]);
	}
	assert_int_equal(dma_fence_wait_timeout(&fence, false, 0), 0);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
}

static void returns_the_time_that_was_left(void **state)
{
	int64_t left, begin = clock_now();
	pthread_t thread;

	(void)state;
	fence_init(&fence);
	thread = start(signal_soon, (void *)(intptr_t)(20 * MS));
	left = dma_fence_wait_timeout(&fence, false, 10 * SECOND);
	join(thread);
	assert_time_left(left, 10 * SECOND, begin);

	/* Signaled already: nothing of it is used. */
	assert_int_equal(dma_fence_wait_timeout(&fence, false, 0), 1);
	assert_int_equal(dma_fence_wait_timeout(&fence, false, 1), 1);
	assert_int_equal(dma_fence_wait_timeout(&fence, false, SECOND), SECOND);
	assert_int_equal(dma_fence_wait_timeout(&fence, false, DMA_FENCE_WAIT_FOREVER),
			 DMA_FENCE_WAIT_FOREVER);
	dma_fence_put(&fence);
}

static void waits_for_ever(void **state)
{
	static const int64_t forever[] = {
		DMA_FENCE_WAIT_FOREVER,
		DMA_FENCE_WAIT_FOREVER - 1, /* does not overflow when the time of day is added */
	};
	pthread_t thread;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(forever); i++) {
		fence_init(&fence);
		thread = start(signal_soon, (void *)(intptr_t)(20 * MS));
		assert_true(dma_fence_wait_timeout(&fence, false, forever[i]) > SECOND);
		join(thread);
		dma_fence_put(&fence);
	}
	fence_init(&fence);
	thread = start(signal_soon, (void *)(intptr_t)(20 * MS));
	assert_int_equal(dma_fence_wait(&fence, false), 0);
	join(thread);
	dma_fence_put(&fence);
}

static void negative_time_is_an_error(void **state)
{
	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_wait_timeout(&fence, false, -1), -EINVAL);
	assert_int_equal(dma_fence_wait_timeout(&fence, false, INT64_MIN), -EINVAL);
	dma_fence_signal(&fence);
	assert_int_equal(dma_fence_wait_timeout(&fence, false, -1), -EINVAL);
	dma_fence_put(&fence);
}

static void success_says_nothing_about_the_error(void **state)
{
	(void)state;
	fence_init(&fence);
	dma_fence_set_error(&fence, -EIO);
	dma_fence_signal(&fence);
	assert_int_equal(dma_fence_wait(&fence, false), 0);
	assert_int_equal(dma_fence_get_status(&fence), -EIO);
	dma_fence_put(&fence);
}

/* Signal handlers */

static int handled;

static void handler(int signum)
{
	(void)signum;
	atomic_store_relaxed(&handled, atomic_load_relaxed(&handled) + 1);
}

struct waiting {
	pthread_t thread;
	struct asleep asleep;
	int64_t timeout;
	bool intr;
	int64_t result;
	int done;
};

static void *wait_for_it(void *arg)
{
	struct waiting *waiting = arg;

	asleep_begin(&waiting->asleep);
	waiting->result = dma_fence_wait_timeout(&fence, waiting->intr, waiting->timeout);
	set_flag(&waiting->done);
	return NULL;
}

static void begin(struct waiting *waiting, bool intr, int64_t timeout)
{
	memset(waiting, 0, sizeof(*waiting));
	waiting->intr = intr;
	waiting->timeout = timeout;
	waiting->thread = start(wait_for_it, waiting);
	await_asleep(&waiting->asleep);
}

static void handler_interrupts(void **state)
{
	static const int flags[] = { 0, SA_RESTART };
	static const int64_t timeouts[] = { DMA_FENCE_WAIT_FOREVER, 10 * SECOND };
	struct waiting waiting;
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct sigaction action = { .sa_handler = handler, .sa_flags = flags[i] };

		sigaction(SIGUSR1, &action, NULL);
		for (k = 0; k < ARRAY_SIZE(timeouts); k++) {
			fence_init(&fence);
			begin(&waiting, true, timeouts[k]);
			atomic_store_relaxed(&handled, 0);
			pthread_kill(waiting.thread, SIGUSR1);
			assert_true(flag_within(&waiting.done, 5 * SECOND));
			join(waiting.thread);
			assert_int_equal(waiting.result, -EINTR);
			assert_int_equal(atomic_load_relaxed(&handled), 1);
			dma_fence_signal(&fence);
			dma_fence_put(&fence);
		}
	}
}

static void handler_does_not_interrupt_the_uninterruptible(void **state)
{
	struct sigaction action = { .sa_handler = handler };
	struct waiting waiting;
	int i;

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	fence_init(&fence);
	begin(&waiting, false, 10 * SECOND);
	for (i = 0; i < 5; i++) {
		pthread_kill(waiting.thread, SIGUSR1);
		sleep_ns(MS);
		await_asleep(&waiting.asleep);
	}
	assert_false(atomic_load_acquire(&waiting.done));
	dma_fence_signal(&fence);
	join(waiting.thread);
	assert_true(waiting.result > 0);
	dma_fence_put(&fence);

	/* And its time is not begun anew by each. */
	fence_init(&fence);
	begin(&waiting, false, 50 * MS);
	for (i = 0; i < 2000 && !atomic_load_acquire(&waiting.done); i++) {
		pthread_kill(waiting.thread, SIGUSR1);
		sleep_ns(2 * MS);
	}
	assert_true(atomic_load_acquire(&waiting.done));
	join(waiting.thread);
	assert_int_equal(waiting.result, 0);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
}

/* A sleeper that is woken for no reason goes back to sleep. */
static void spurious_wakeups_change_nothing(void **state)
{
	struct waiting waiting;
	int i;

	(void)state;
	fence_init(&fence);
	begin(&waiting, false, DMA_FENCE_WAIT_FOREVER);
	for (i = 0; i < 20; i++) {
		dma_fence_park_wake(park_low_half(&fence.state));
		sleep_ns(MS);
		assert_false(atomic_load_acquire(&waiting.done));
	}
	await_asleep(&waiting.asleep);
	dma_fence_signal(&fence);
	join(waiting.thread);
	dma_fence_put(&fence);
}

/* A change of the word that is no signal (callbacks come and go) does not end or lose the wait. */
static void wait_outlives_callbacks(void **state)
{
	struct counter counters[3] = { 0 };
	struct waiting waiting;
	int i;

	(void)state;
	fence_init(&fence);
	begin(&waiting, false, 10 * SECOND);
	for (i = 0; i < 3; i++)
		assert_int_equal(dma_fence_add_callback(&fence, &counters[i].cb, count_call), 0);
	assert_true(dma_fence_remove_callback(&fence, &counters[1].cb));
	sleep_ns(MS);
	assert_false(atomic_load_acquire(&waiting.done));
	dma_fence_signal(&fence);
	join(waiting.thread);
	assert_true(waiting.result > 5 * SECOND);
	assert_int_equal(calls(&counters[0]) + calls(&counters[2]), 2);
	assert_int_equal(calls(&counters[1]), 0);
	dma_fence_put(&fence);
}

/* Success has seen the fence drained: what the callbacks used can be freed. */

struct scratch {
	struct dma_fence_cb cb;
	int *memory;
	int entered, leave;
};

static void use_memory(struct dma_fence *f, struct dma_fence_cb *cb)
{
	struct scratch *scratch = container_of(cb, struct scratch, cb);

	(void)f;
	set_flag(&scratch->entered);
	await_flag(&scratch->leave);
	sleep_ns(10 * MS);
	*scratch->memory = 1;
}

static void *signal_now(void *arg)
{
	dma_fence_signal(arg);
	return NULL;
}

static void success_means_drained(void **state)
{
	struct dma_fence *list[] = { &fence };
	uint32_t idx = 12345;
	int how;

	(void)state;
	for (how = 0; how < 5; how++) {
		struct scratch scratch = { .memory = calloc(1, sizeof(int)) };
		pthread_t thread;

		fence_init(&fence);
		assert_int_equal(dma_fence_add_callback(&fence, &scratch.cb, use_memory), 0);
		thread = start(signal_now, &fence);
		await_flag(&scratch.entered);
		assert_true(dma_fence_is_signaled(&fence));
		assert_int_equal(dma_fence_wait_timeout(&fence, false, 0), 0);
		assert_int_equal(dma_fence_wait_any_timeout(list, 1, false, 0, &idx), 0);
		assert_int_equal(idx, 12345);
		assert_int_equal(dma_fence_wait_all_timeout(list, 1, false, 0, NULL), 0);
		set_flag(&scratch.leave);
		if (how == 0)
			assert_int_equal(dma_fence_wait(&fence, false), 0);
		else if (how == 1)
			assert_true(dma_fence_wait_timeout(&fence, false, 10 * SECOND) > 0);
		else if (how == 2)
			assert_true(dma_fence_wait_any_timeout(list, 1, false, 10 * SECOND, NULL) >
				    0);
		else if (how == 3)
			assert_true(dma_fence_wait_all_timeout(list, 1, false, 10 * SECOND, NULL) >
				    0);
		else
			assert_int_equal(dma_fence_flush(&fence), 0);
		assert_int_equal(*scratch.memory, 1);
		free(scratch.memory);
		join(thread);
		dma_fence_put(&fence);
	}
}

static void many_wait(void **state)
{
	enum { WAITERS_ = 20 };
	struct waiting waiting[WAITERS_];
	int i;

	(void)state;
	fence_init(&fence);
	for (i = 0; i < WAITERS_; i++)
		begin(&waiting[i], i % 2, 20 * SECOND);
	dma_fence_signal(&fence);
	for (i = 0; i < WAITERS_; i++) {
		join(waiting[i].thread);
		assert_true(waiting[i].result > 10 * SECOND);
	}
	dma_fence_put(&fence);
}

/* From one thread to the other and back, as fast as they can: no wake-up is lost. */

#define ROUNDS 20000

static struct dma_fence there[ROUNDS], back[ROUNDS];

static void *answer(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		assert_true(dma_fence_wait_timeout(&there[i], false, 10 * SECOND) > 5 * SECOND);
		dma_fence_signal(&back[i]);
	}
	return NULL;
}

static void ping_pong(void **state)
{
	pthread_t thread;
	int i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		fence_init(&there[i]);
		fence_init(&back[i]);
	}
	thread = start(answer, NULL);
	for (i = 0; i < ROUNDS; i++) {
		/* Now and then long enough for the other to fall asleep. */
		if (i % 500 == 0)
			sleep_ns(MS);
		dma_fence_signal(&there[i]);
		assert_true(dma_fence_wait_timeout(&back[i], false, 10 * SECOND) > 5 * SECOND);
	}
	join(thread);
	for (i = 0; i < ROUNDS; i++) {
		dma_fence_put(&there[i]);
		dma_fence_put(&back[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_out),
		cmocka_unit_test(returns_the_time_that_was_left),
		cmocka_unit_test(waits_for_ever),
		cmocka_unit_test(negative_time_is_an_error),
		cmocka_unit_test(success_says_nothing_about_the_error),
		cmocka_unit_test(handler_interrupts),
		cmocka_unit_test(handler_does_not_interrupt_the_uninterruptible),
		cmocka_unit_test(spurious_wakeups_change_nothing),
		cmocka_unit_test(wait_outlives_callbacks),
		cmocka_unit_test(success_means_drained),
		cmocka_unit_test(many_wait),
		cmocka_unit_test(ping_pong),
	};

	return RUN(tests);
}
