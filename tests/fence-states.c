/* SPDX-License-Identifier: MIT */
/* The states of a fence, and what is known in each. */
#include "support.h"

static void begins_pending(void **state)
{
	struct dma_fence fence;

	(void)state;
	dma_fence_init(&fence, plain_ops(), 7, 9);
	assert_int_equal(fence.context, 7);
	assert_int_equal(fence.seqno, 9);
	assert_false(dma_fence_test_signaled_flag(&fence));
	assert_false(dma_fence_is_signaled(&fence));
	assert_false(dma_fence_poll(&fence));
	assert_int_equal(dma_fence_get_status(&fence), 0);
	assert_int_equal(dma_fence_timestamp(&fence), -EAGAIN);
	assert_int_equal(dma_fence_flush(&fence), -EAGAIN);
	dma_fence_put(&fence);
}

static void signals_once(void **state)
{
	struct dma_fence fence;
	int64_t stamp;

	(void)state;
	fence_init(&fence);
	assert_false(dma_fence_check_and_signal(&fence));
	assert_true(dma_fence_test_signaled_flag(&fence));
	assert_true(dma_fence_is_signaled(&fence));
	assert_int_equal(dma_fence_get_status(&fence), 1);
	assert_int_equal(dma_fence_flush(&fence), 0);

	stamp = dma_fence_timestamp(&fence);
	sleep_ns(MS);
	assert_true(dma_fence_check_and_signal(&fence));
	dma_fence_signal(&fence);
	dma_fence_signal_timestamp(&fence, 1);
	assert_int_equal(dma_fence_timestamp(&fence), stamp);
	dma_fence_put(&fence);
}

static void timestamp_is_the_time_of_the_signal(void **state)
{
	struct dma_fence fence;
	int64_t before, after, stamp;

	(void)state;
	fence_init(&fence);
	before = clock_now();
	dma_fence_signal(&fence);
	after = clock_now();
	stamp = dma_fence_timestamp(&fence);
	assert_true(before <= stamp && stamp <= after);
	dma_fence_put(&fence);
}

static void timestamp_can_be_given(void **state)
{
	static const struct {
		int64_t given, kept;
	} times[] = {
		{ 0, 0 },
		{ 1, 1 },
		{ 123456789012345, 123456789012345 },
		{ DMA_FENCE_TIMESTAMP_MAX, DMA_FENCE_TIMESTAMP_MAX },
		{ DMA_FENCE_TIMESTAMP_MAX + 1, DMA_FENCE_TIMESTAMP_MAX },
		{ INT64_MAX, DMA_FENCE_TIMESTAMP_MAX },
		{ -1, 0 },
		{ INT64_MIN, 0 },
	};
	struct dma_fence fence;
	struct counter counter;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(times); i++) {
		fence_init(&fence);
		dma_fence_signal_timestamp(&fence, times[i].given);
		assert_int_equal(dma_fence_timestamp(&fence), times[i].kept);
		assert_int_equal(dma_fence_get_status(&fence), 1);
		assert_int_equal(dma_fence_flush(&fence), 0);
		dma_fence_put(&fence);

		/* The other path of a signal: with a callback. */
		counter.ran = 0;
		fence_init(&fence);
		assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), 0);
		dma_fence_signal_timestamp(&fence, times[i].given);
		assert_int_equal(dma_fence_timestamp(&fence), times[i].kept);
		assert_int_equal(dma_fence_flush(&fence), 0);
		assert_int_equal(calls(&counter), 1);
		dma_fence_put(&fence);
	}
}

static void error_comes_with_the_signal(void **state)
{
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_set_error(&fence, -EIO), 0);
	assert_int_equal(dma_fence_get_status(&fence), 0);
	assert_int_equal(dma_fence_set_error(&fence, -ETIME), 0);
	dma_fence_signal(&fence);
	assert_int_equal(dma_fence_get_status(&fence), -ETIME);
	assert_int_equal(dma_fence_set_error(&fence, -EIO), -EALREADY);
	assert_int_equal(dma_fence_get_status(&fence), -ETIME);
	dma_fence_put(&fence);
}

static void error_must_be_an_errno(void **state)
{
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_set_error(&fence, 0), -EINVAL);
	assert_int_equal(dma_fence_set_error(&fence, 1), -EINVAL);
	assert_int_equal(dma_fence_set_error(&fence, EIO), -EINVAL);
	assert_int_equal(dma_fence_set_error(&fence, -4096), -EINVAL);
	assert_int_equal(dma_fence_set_error(&fence, INT32_MIN), -EINVAL);
	dma_fence_signal(&fence);
	assert_int_equal(dma_fence_get_status(&fence), 1);
	dma_fence_put(&fence);

	fence_init(&fence);
	assert_int_equal(dma_fence_set_error(&fence, -4095), 0);
	dma_fence_signal(&fence);
	assert_int_equal(dma_fence_get_status(&fence), -4095);
	dma_fence_put(&fence);
}

/* Complete: the back end knows, nobody has looked. */

static int complete;

static bool peek(struct dma_fence *fence)
{
	(void)fence;
	return atomic_load_acquire(&complete);
}

static const struct dma_fence_ops peek_ops = {
	.signaled = peek,
	.release = count_release,
};

static void is_signaled_changes_nothing(void **state)
{
	struct counter counter = { .ran = 0 };
	struct dma_fence fence;

	(void)state;
	complete = 0;
	dma_fence_init(&fence, &peek_ops, 1, 1);
	assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), 0);
	assert_false(dma_fence_is_signaled(&fence));
	assert_false(dma_fence_poll(&fence));

	complete = 1;
	assert_true(dma_fence_is_signaled(&fence));
	dma_fence_describe(&fence, stderr);
	assert_false(dma_fence_test_signaled_flag(&fence));
	assert_int_equal(calls(&counter), 0);

	assert_true(dma_fence_poll(&fence));
	assert_true(dma_fence_test_signaled_flag(&fence));
	assert_int_equal(calls(&counter), 1);
	dma_fence_put(&fence);
}

static void who_needs_the_outcome_polls(void **state)
{
	struct dma_fence fence;

	(void)state;
	complete = 0;
	dma_fence_init(&fence, &peek_ops, 1, 1);
	assert_int_equal(dma_fence_get_status(&fence), 0);
	complete = 1;
	assert_int_equal(dma_fence_get_status(&fence), 1);
	dma_fence_put(&fence);

	complete = 0;
	dma_fence_init(&fence, &peek_ops, 1, 1);
	assert_int_equal(dma_fence_timestamp(&fence), -EAGAIN);
	complete = 1;
	assert_true(dma_fence_timestamp(&fence) > 0);
	dma_fence_put(&fence);

	complete = 0;
	dma_fence_init(&fence, &peek_ops, 1, 1);
	assert_int_equal(dma_fence_wait_timeout(&fence, false, 0), 0);
	complete = 1;
	assert_int_equal(dma_fence_wait_timeout(&fence, false, 0), 1);
	dma_fence_put(&fence);
}

/* Signaled but not drained is seen from inside a callback. */

static int64_t stamp_inside;
static int status_inside, flush_inside;
static int64_t wait_inside, wait_forever_inside;

static void look(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)cb;
	assert_true(dma_fence_is_signaled(fence));
	status_inside = dma_fence_get_status(fence);
	stamp_inside = dma_fence_timestamp(fence);
	flush_inside = dma_fence_flush(fence);
	wait_inside = dma_fence_wait_timeout(fence, false, 0);
	wait_forever_inside = dma_fence_wait(fence, false);
}

static void signaled_is_not_drained(void **state)
{
	struct dma_fence_cb cb;
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &cb, look), 0);
	assert_int_equal(dma_fence_set_error(&fence, -EIO), 0);
	dma_fence_signal_timestamp(&fence, 42);
	assert_int_equal(status_inside, -EIO);
	assert_int_equal(stamp_inside, 42);
	assert_int_equal(flush_inside, -EDEADLK);
	assert_int_equal(wait_inside, 0);
	assert_int_equal(wait_forever_inside, -EDEADLK);
	assert_int_equal(dma_fence_flush(&fence), 0);
	dma_fence_put(&fence);
}

/* What the producer wrote, the error and the timestamp are there as soon as the flag is. */

#define ROUNDS 3000

struct published {
	struct dma_fence fence;
	int payload;
};

static struct published *volatile slots[ROUNDS];
static int slots_ready;

static void *reader(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		struct published *p;

		while (!(p = atomic_load_acquire(&slots[i])))
			sched_yield();
		while (!dma_fence_test_signaled_flag(&p->fence))
			sched_yield();
		assert_int_equal(p->payload, i);
		assert_int_equal(dma_fence_get_status(&p->fence), -EIO - i % 3);
		assert_int_equal(dma_fence_timestamp(&p->fence), 1000 + i);
		atomic_store_release(&slots_ready, i + 1);
	}
	return NULL;
}

static void flag_brings_everything_with_it(void **state)
{
	struct published *all = calloc(ROUNDS, sizeof(*all));
	pthread_t thread = start(reader, NULL);
	int i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		fence_init(&all[i].fence);
		atomic_store_release(&slots[i], &all[i]);
		all[i].payload = i;
		dma_fence_set_error(&all[i].fence, -EIO - i % 3);
		dma_fence_signal_timestamp(&all[i].fence, 1000 + i);
		while (atomic_load_acquire(&slots_ready) <= i)
			sched_yield();
		dma_fence_put(&all[i].fence);
	}
	join(thread);
	free(all);
}

/* Of many signalers one wins. */

#define RACERS 4

static struct dma_fence raced;
static pthread_barrier_t line;
static int winners;

static void *race(void *arg)
{
	intptr_t me = (intptr_t)arg;
	int i;

	for (i = 0; i < 500; i++) {
		pthread_barrier_wait(&line);
		if (!dma_fence_check_and_signal(&raced))
			__atomic_fetch_add(&winners, 1, __ATOMIC_SEQ_CST);
		assert_true(dma_fence_test_signaled_flag(&raced));
		pthread_barrier_wait(&line);
		if (!me) {
			assert_int_equal(winners, i + 1);
			dma_fence_put(&raced);
			fence_init(&raced);
		}
	}
	return NULL;
}

static void one_of_many_signalers_wins(void **state)
{
	pthread_t threads[RACERS];
	intptr_t i;

	(void)state;
	fence_init(&raced);
	pthread_barrier_init(&line, NULL, RACERS);
	for (i = 0; i < RACERS; i++)
		threads[i] = start(race, (void *)i);
	for (i = 0; i < RACERS; i++)
		join(threads[i]);
	assert_int_equal(winners, 500);
	pthread_barrier_destroy(&line);
	dma_fence_put(&raced);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_pending),
		cmocka_unit_test(signals_once),
		cmocka_unit_test(timestamp_is_the_time_of_the_signal),
		cmocka_unit_test(timestamp_can_be_given),
		cmocka_unit_test(error_comes_with_the_signal),
		cmocka_unit_test(error_must_be_an_errno),
		cmocka_unit_test(is_signaled_changes_nothing),
		cmocka_unit_test(who_needs_the_outcome_polls),
		cmocka_unit_test(signaled_is_not_drained),
		cmocka_unit_test(flag_brings_everything_with_it),
		cmocka_unit_test(one_of_many_signalers_wins),
	};

	return RUN(tests);
}
