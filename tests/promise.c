/* SPDX-License-Identifier: MIT */
/* Promises: what stands for a fence ends as that does, once it is delivered, or fails. */
#include "fds.h"

#include "failing-malloc.h"

static struct dma_fence_promise *promise;
static struct dma_fence *stands_for_it;
static long live_before;

static int setup(void **state)
{
	fd_setup(state);
	failing_malloc_in = -1;
	dma_fence_rcu_barrier();
	live_before = __atomic_load_n(&failing_malloc_live, __ATOMIC_SEQ_CST);
	promise = dma_fence_promise_create();
	assert_non_null(promise);
	stands_for_it = dma_fence_promise_fence(promise);
	return 0;
}

/* The promise is gone, and what stood for it has nobody left that refers to it but the case. */
static int teardown(void **state)
{
	assert_int_equal(references(stands_for_it), 1);
	dma_fence_put(stands_for_it);
	dma_fence_rcu_barrier();
	assert_int_equal(__atomic_load_n(&failing_malloc_live, __ATOMIC_SEQ_CST), live_before);
	return fd_teardown(state);
}

#define promise_test(func) cmocka_unit_test_setup_teardown(func, setup, teardown)

static void is_pending_until_kept(void **state)
{
	struct dma_fence *fence = create_fence();
	struct counter counter = { 0 };

	(void)state;
	assert_int_equal(dma_fence_get_status(stands_for_it), 0);
	assert_int_equal(dma_fence_wait_timeout(stands_for_it, false, MS), 0);
	assert_int_equal(dma_fence_add_callback(stands_for_it, &counter.cb, count_call), 0);
	assert_int_equal(dma_fence_promise_keep(promise, fence), 0);
	assert_int_equal(dma_fence_get_status(stands_for_it), 0);
	assert_int_equal(calls(&counter), 0);
	dma_fence_signal(fence);
	assert_int_equal(calls(&counter), 1);
	assert_int_equal(dma_fence_get_status(stands_for_it), 1);
	dma_fence_put(fence);
}

static void ends_as_what_was_delivered(void **state)
{
	struct dma_fence *fence = create_fence();

	(void)state;
	assert_int_equal(dma_fence_promise_keep(promise, fence), 0);
	dma_fence_set_error(fence, -EIO);
	dma_fence_signal_timestamp(fence, 12345);
	assert_int_equal(dma_fence_get_status(stands_for_it), -EIO);
	assert_int_equal(dma_fence_timestamp(stands_for_it), 12345);
	dma_fence_put(fence);
}

static void what_has_signaled_can_be_delivered(void **state)
{
	struct dma_fence *fence = create_fence();

	(void)state;
	dma_fence_set_error(fence, -ENODEV);
	dma_fence_signal_timestamp(fence, 777);
	assert_int_equal(dma_fence_promise_keep(promise, fence), 0);
	assert_int_equal(dma_fence_get_status(stands_for_it), -ENODEV);
	assert_int_equal(dma_fence_timestamp(stands_for_it), 777);
	dma_fence_put(fence);
}

static void nothing_left_to_wait_for(void **state)
{
	int64_t before = clock_now();

	(void)state;
	assert_int_equal(dma_fence_promise_keep(promise, NULL), 0);
	assert_int_equal(dma_fence_get_status(stands_for_it), 1);
	assert_true(dma_fence_timestamp(stands_for_it) >= before);
	assert_true(dma_fence_timestamp(stands_for_it) <= clock_now());
}

static void dropped_is_broken(void **state)
{
	struct counter counter = { 0 };

	(void)state;
	assert_int_equal(dma_fence_add_callback(stands_for_it, &counter.cb, count_call), 0);
	dma_fence_promise_drop(NULL);
	dma_fence_promise_drop(promise);
	assert_int_equal(calls(&counter), 1);
	assert_int_equal(dma_fence_get_status(stands_for_it), -ECANCELED);
	assert_true(dma_fence_timestamp(stands_for_it) > 0);
}

static void broken_for_a_reason(void **state)
{
	(void)state;
	assert_int_equal(dma_fence_promise_fail(NULL, -EIO), -EINVAL);
	assert_int_equal(dma_fence_promise_fail(promise, 0), -EINVAL);
	assert_int_equal(dma_fence_promise_fail(promise, 5), -EINVAL);
	assert_int_equal(dma_fence_promise_fail(promise, -4096), -EINVAL);
	assert_int_equal(dma_fence_get_status(stands_for_it), 0);
	assert_int_equal(dma_fence_promise_fail(promise, -4095), 0);
	assert_int_equal(dma_fence_get_status(stands_for_it), -4095);
}

static void keeping_none_is_an_error(void **state)
{
	struct dma_fence *stub = dma_fence_get_stub();

	(void)state;
	assert_int_equal(dma_fence_promise_keep(NULL, stub), -EINVAL);
	assert_int_equal(dma_fence_promise_keep(NULL, NULL), -EINVAL);
	dma_fence_put(stub);
	dma_fence_promise_drop(promise);
}

/* It would wait for itself, as a member of an array, in a link, or in one before that. */
static void is_not_kept_with_itself(void **state)
{
	struct dma_fence *other = create_fence();
	struct dma_fence **members = malloc(2 * sizeof(*members));
	struct dma_fence_chain *older = dma_fence_chain_alloc(), *newer = dma_fence_chain_alloc();
	struct dma_fence_array *array;

	(void)state;
	members[0] = dma_fence_get(stands_for_it);
	members[1] = dma_fence_get(other);
	array = dma_fence_array_create(2, members, dma_fence_context_alloc(1), 1);
	dma_fence_chain_init(older, NULL, &array->base, 1);
	dma_fence_chain_init(newer, dma_fence_get(&older->base), dma_fence_get(other), 2);
	assert_int_equal(dma_fence_promise_keep(promise, stands_for_it), -EDEADLK);
	assert_int_equal(dma_fence_promise_keep(promise, &array->base), -EDEADLK);
	assert_int_equal(dma_fence_promise_keep(promise, &older->base), -EDEADLK);
	assert_int_equal(dma_fence_promise_keep(promise, &newer->base), -EDEADLK);
	dma_fence_put(&older->base);

	/* It can still be kept, and then all that is made of it ends. */
	assert_int_equal(dma_fence_promise_keep(promise, other), 0);
	dma_fence_signal(other);
	assert_int_equal(dma_fence_get_status(&newer->base), 1);
	dma_fence_put(&newer->base);
	dma_fence_put(other);
}

static void is_kept_with_containers(void **state)
{
	struct dma_fence *older = create_fence(), *newer = create_fence();
	struct dma_fence_chain *links[2] = { dma_fence_chain_alloc(), dma_fence_chain_alloc() };

	(void)state;
	dma_fence_chain_init(links[0], NULL, dma_fence_get(older), 1);
	dma_fence_chain_init(links[1], &links[0]->base, dma_fence_get(newer), 2);
	assert_int_equal(dma_fence_promise_keep(promise, &links[1]->base), 0);
	dma_fence_put(&links[1]->base);
	dma_fence_set_error(older, -EIO);
	dma_fence_signal_timestamp(older, 900);
	dma_fence_signal_timestamp(newer, 800);
	assert_int_equal(dma_fence_get_status(stands_for_it), -EIO);
	assert_int_equal(dma_fence_timestamp(stands_for_it), 900);
	dma_fence_put(older);
	dma_fence_put(newer);
}

/* What stands for another promise is a fence like any other. */
static void is_kept_with_another_promise(void **state)
{
	struct dma_fence_promise *other = dma_fence_promise_create();
	struct dma_fence *fence = dma_fence_promise_fence(other);

	(void)state;
	assert_int_equal(dma_fence_promise_keep(promise, fence), 0);
	dma_fence_put(fence);
	assert_int_equal(dma_fence_get_status(stands_for_it), 0);
	dma_fence_promise_drop(other);
	assert_int_equal(dma_fence_get_status(stands_for_it), -ECANCELED);
}

static int enabled;

static bool enable(struct dma_fence *fence)
{
	(void)fence;
	enabled++;
	return true;
}

static void keeping_enables(void **state)
{
	static const struct dma_fence_ops ops = { .enable_signaling = enable };
	struct dma_fence *fence = malloc(sizeof(*fence));

	(void)state;
	enabled = 0;
	dma_fence_init(fence, &ops, dma_fence_context_alloc(1), 1);
	assert_int_equal(dma_fence_promise_keep(promise, fence), 0);
	assert_int_equal(enabled, 1);
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

/* A fence that is dropped by all but its producer, who drops it as soon as he has signaled it. */
static void nothing_is_used_after_its_end(void **state)
{
	struct dma_fence *fence = create_fence();

	(void)state;
	dma_fence_put(dma_fence_promise_fence(promise));
	assert_int_equal(dma_fence_promise_keep(promise, fence), 0);
	assert_int_equal(references(fence), 1);
	dma_fence_signal(fence);
	dma_fence_put(fence);
	assert_int_equal(dma_fence_get_status(stands_for_it), 1);
}

static void names(void **state)
{
	(void)state;
	dma_fence_rcu_read_lock();
	assert_string_equal(dma_fence_driver_name(stands_for_it), "dma_fence_promise");
	assert_string_equal(dma_fence_timeline_name(stands_for_it), "unbound");
	dma_fence_rcu_read_unlock();
	dma_fence_promise_drop(promise);
}

static void needs_memory_once(void **state)
{
	struct dma_fence *fence = create_fence();

	(void)state;
	errno = 0;
	failing_malloc_in = 1;
	assert_null(dma_fence_promise_create());
	assert_int_equal(errno, ENOMEM);
	failing_malloc_in = 1;
	assert_int_equal(dma_fence_promise_keep(promise, fence), 0);
	dma_fence_signal(fence);
	assert_int_equal(failing_malloc_in, 1);
	failing_malloc_in = -1;
	dma_fence_put(fence);
}

/* Threads: kept here, signaled there, waited for everywhere. */

#define ROUNDS	5000
#define WAITERS 3

struct round {
	struct dma_fence_promise *promise;
	struct dma_fence *promised;
	struct dma_fence *fence;
};

static struct round rounds[ROUNDS];

static void *keep_all(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		if (i % 3 == 2)
			dma_fence_promise_drop(rounds[i].promise);
		else
			assert_int_equal(dma_fence_promise_keep(rounds[i].promise, rounds[i].fence),
					 0);
	}
	return NULL;
}

static void *signal_all(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		if (i % 3 == 1)
			dma_fence_set_error(rounds[i].fence, -EIO);
		dma_fence_signal(rounds[i].fence);
	}
	return NULL;
}

static void *wait_for_all(void *arg)
{
	static const int ends[] = { 1, -EIO, -ECANCELED };
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		assert_int_equal(dma_fence_wait(rounds[i].promised, false), 0);
		assert_int_equal(dma_fence_get_status(rounds[i].promised), ends[i % 3]);
	}
	return NULL;
}

static void threads(void **state)
{
	pthread_t threads[WAITERS + 2];
	int i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		rounds[i].promise = dma_fence_promise_create();
		rounds[i].promised = dma_fence_promise_fence(rounds[i].promise);
		rounds[i].fence = create_fence();
	}
	for (i = 0; i < WAITERS; i++)
		threads[i] = start(wait_for_all, NULL);
	threads[WAITERS] = start(keep_all, NULL);
	threads[WAITERS + 1] = start(signal_all, NULL);
	for (i = 0; i < WAITERS + 2; i++)
		join(threads[i]);
	for (i = 0; i < ROUNDS; i++) {
		assert_int_equal(references(rounds[i].promised), 1);
		dma_fence_put(rounds[i].promised);
		dma_fence_put(rounds[i].fence);
	}
	dma_fence_promise_drop(promise);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		promise_test(is_pending_until_kept),
		promise_test(ends_as_what_was_delivered),
		promise_test(what_has_signaled_can_be_delivered),
		promise_test(nothing_left_to_wait_for),
		promise_test(dropped_is_broken),
		promise_test(broken_for_a_reason),
		promise_test(keeping_none_is_an_error),
		promise_test(is_not_kept_with_itself),
		promise_test(is_kept_with_containers),
		promise_test(is_kept_with_another_promise),
		promise_test(keeping_enables),
		promise_test(nothing_is_used_after_its_end),
		promise_test(names),
		promise_test(needs_memory_once),
		promise_test(threads),
	};

	return RUN(tests);
}
