/* SPDX-License-Identifier: MIT */
/*
 * However arming, signals and queries interleave, an array whose members have all signaled is
 * signaled if anybody waits for it.
 */
#include "locked-fence.h"

static struct dma_fence members[2];
static struct dma_fence_array *array;
static struct counter counter;

static void make_array(void)
{
	fence_init(&members[0]);
	fence_init(&members[1]);
	array = array_of_fences(members, 2);
	counter.ran = 0;
}

static void drop_array(void)
{
	dma_fence_put(&array->base);
	dma_fence_put(&members[0]);
	dma_fence_put(&members[1]);
}

static void *enable(void *arg)
{
	*(int *)arg = dma_fence_add_callback(&array->base, &counter.cb, count_call);
	return NULL;
}

static void *signal_second(void *arg)
{
	(void)arg;
	dma_fence_signal(&members[1]);
	return NULL;
}

/* A member is seen to be pending, and signals before the callback is on it: when enabled, */
static void signaled_while_it_is_armed(void **state)
{
	int last, added = 1;
	pthread_t thread;

	(void)state;
	for (last = 0; last < 2; last++) {
		make_array();
		if (!last)
			dma_fence_signal(&members[1]);
		lock_fence(&members[last]);
		thread = start(enable, &added);
		await_contender(&members[last]);
		signal_locked_fence(&members[last], 1);
		join(thread);
		if (last) {
			assert_int_equal(added, 0);
			dma_fence_signal(&members[0]);
			assert_int_equal(calls(&counter), 1);
		} else {
			assert_int_equal(added, -ENOENT);
		}
		assert_true(dma_fence_test_signaled_flag(&array->base));
		assert_int_equal(dma_fence_get_status(&array->base), 1);
		drop_array();
	}
}

/* or when the callback comes from the member before. */
static void signaled_while_it_rolls(void **state)
{
	pthread_t thread;

	(void)state;
	make_array();
	assert_int_equal(dma_fence_add_callback(&array->base, &counter.cb, count_call), 0);
	lock_fence(&members[0]);
	thread = start(signal_second, NULL);
	await_contender(&members[0]);
	assert_false(dma_fence_is_signaled(&array->base));
	assert_false(dma_fence_poll(&array->base));
	signal_locked_fence(&members[0], 1);
	join(thread);
	assert_int_equal(calls(&counter), 1);
	drop_array();
}

/* The one who polls completes it first, and the callback comes too late to. */
static void polled_while_it_rolls(void **state)
{
	pthread_t thread;

	(void)state;
	make_array();
	assert_int_equal(dma_fence_add_callback(&array->base, &counter.cb, count_call), 0);
	assert_int_equal(dma_fence_set_error(&members[1], -EIO), 0);
	lock_fence(&members[0]);
	thread = start(signal_second, NULL);
	await_contender(&members[0]);
	signal_locked_fence(&members[0], 1);
	assert_true(dma_fence_poll(&array->base));
	assert_int_equal(dma_fence_get_status(&array->base), -EIO);
	assert_int_equal(dma_fence_wait(&array->base, false), 0);
	assert_int_equal(calls(&counter), 1);
	join(thread);
	assert_int_equal(calls(&counter), 1);
	assert_int_equal(array->base.refcount, 1);
	drop_array();
}

/* And at full speed, with a thread for each: arming, both signals, queries. */
#ifdef __SANITIZE_THREAD__
#define ROUNDS 2000
#else
#define ROUNDS 20000
#endif

static int round_of[3]; /* what each thread has begun */

static void meet(int self, int round)
{
	int i;

	atomic_store_release(&round_of[self], round);
	for (i = 0; i < 3; i++) {
		while (atomic_load_acquire(&round_of[i]) < round)
			sched_yield();
	}
}

static void *signaler(void *arg)
{
	int self = (int)(intptr_t)arg, round;

	for (round = 1; round <= ROUNDS; round++) {
		meet(self, 2 * round - 1);
		dma_fence_signal(&members[self]);
		meet(self, 2 * round);
	}
	return NULL;
}

static void at_full_speed(void **state)
{
	pthread_t threads[2];
	int round, i, added;

	(void)state;
	for (i = 0; i < 2; i++)
		threads[i] = start(signaler, (void *)(intptr_t)i);
	for (round = 1; round <= ROUNDS; round++) {
		make_array();
		meet(2, 2 * round - 1);
		added = dma_fence_add_callback(&array->base, &counter.cb, count_call);
		if (dma_fence_is_signaled(&array->base)) {
			assert_true(dma_fence_test_signaled_flag(&members[0]));
			assert_true(dma_fence_test_signaled_flag(&members[1]));
		}
		meet(2, 2 * round);
		assert_true(dma_fence_test_signaled_flag(&array->base));
		assert_int_equal(calls(&counter), added ? 0 : 1);
		drop_array();
	}
	for (i = 0; i < 2; i++)
		join(threads[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signaled_while_it_is_armed),
		cmocka_unit_test(signaled_while_it_rolls),
		cmocka_unit_test(polled_while_it_rolls),
		cmocka_unit_test(at_full_speed),
	};

	return RUN(tests);
}
