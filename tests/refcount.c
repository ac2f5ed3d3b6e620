/* SPDX-License-Identifier: MIT */
/* References: the plain count, its faults, and fences found under RCU. */
#include "support.h"

#include "base/refcount.h"

static void last_put_releases(void **state)
{
	struct dma_fence fence;
	int i;

	(void)state;
	fence_init(&fence);
	for (i = 0; i < 5; i++)
		assert_ptr_equal(dma_fence_get(&fence), &fence);
	dma_fence_signal(&fence);
	for (i = 0; i < 5; i++) {
		dma_fence_put(&fence);
		assert_int_equal(*release_count(), 0);
	}
	dma_fence_put(&fence);
	assert_int_equal(*release_count(), 1);
	assert_int_equal(caught()->count, 0);
}

static void null_is_nothing(void **state)
{
	(void)state;
	assert_null(dma_fence_get(NULL));
	dma_fence_put(NULL);
}

static void put_too_many_leaks_and_is_reported_once(void **state)
{
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
	assert_int_equal(*release_count(), 1);
	dma_fence_put(&fence);
	dma_fence_put(&fence);
	assert_int_equal(*release_count(), 1);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_REFCOUNT], 1);
	assert_non_null(strstr(caught()->last, "dma_fence_put() too many"));
	assert_true(dma_fence_taint() & 1u << DMA_FENCE_REPORT_REFCOUNT);

	/* From now on it is nobody's, and stays. */
	dma_fence_get(&fence);
	dma_fence_put(&fence);
	dma_fence_put(&fence);
	assert_int_equal(*release_count(), 1);
	assert_int_equal(caught()->count, 1);
}

static void get_after_the_end_is_reported(void **state)
{
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
	dma_fence_get(&fence);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_REFCOUNT], 1);
	assert_non_null(strstr(caught()->last, "after the last dma_fence_put()"));
	dma_fence_put(&fence);
	dma_fence_put(&fence);
	assert_int_equal(*release_count(), 1);
	assert_int_equal(caught()->count, 1);
}

/* Even by the default release, which frees after a grace period, if the fault comes before that. */
static void memory_is_kept_after_a_fault(void **state)
{
	static struct dma_fence *kept[2]; /* reachable, so that no leak checker asks */
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		kept[i] = malloc(sizeof(*kept[i]));
		dma_fence_init(kept[i], NULL, 1, 1);
		dma_fence_signal(kept[i]);
		dma_fence_rcu_read_lock(); /* no grace period ends here */
		dma_fence_put(kept[i]);
		if (i)
			dma_fence_put(kept[i]);
		else
			dma_fence_get(kept[i]);
		dma_fence_rcu_read_unlock();
		dma_fence_rcu_barrier();
		memset(kept[i], 0, sizeof(*kept[i])); /* ours still, says the sanitizer */
	}
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_REFCOUNT], 2);
}

static void overflow_saturates(void **state)
{
	struct dma_fence fence;
	int i;

	(void)state;
	fence_init(&fence);
	dma_fence_signal(&fence);
	fence.refcount = INT32_MAX - 1;
	dma_fence_get(&fence);
	assert_int_equal(caught()->count, 0);
	dma_fence_get(&fence);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_REFCOUNT], 1);
	assert_non_null(strstr(caught()->last, "leaked in a loop"));
	for (i = 0; i < 1000; i++)
		dma_fence_put(&fence);
	assert_int_equal(*release_count(), 0);
	assert_int_equal(caught()->count, 1);
}

static void count_alone(void **state)
{
	uint32_t count = 1;

	(void)state;
	assert_int_equal(refcount_get(&count), REFCOUNT_OK);
	assert_int_equal(refcount_put(&count), REFCOUNT_OK);
	assert_int_equal(refcount_get_not_zero(&count), REFCOUNT_OK);
	assert_int_equal(refcount_put(&count), REFCOUNT_OK);
	assert_int_equal(refcount_put(&count), REFCOUNT_LAST);
	assert_int_equal(count, 0);
	assert_int_equal(refcount_get_not_zero(&count), REFCOUNT_ZERO);
	assert_int_equal(count, 0);
	assert_int_equal(refcount_put(&count), REFCOUNT_UNDERFLOW);
	assert_int_equal(count, REFCOUNT_SATURATED);
	assert_int_equal(refcount_get_not_zero(&count), REFCOUNT_OK);
	assert_int_equal(count, REFCOUNT_SATURATED);
	assert_int_equal(refcount_get(&count), REFCOUNT_OK);
	assert_int_equal(refcount_put(&count), REFCOUNT_OK);
	assert_int_equal(count, REFCOUNT_SATURATED);

	count = INT32_MAX;
	assert_int_equal(refcount_get_not_zero(&count), REFCOUNT_OVERFLOW);
	assert_int_equal(count, REFCOUNT_SATURATED);
	count = INT32_MAX;
	assert_int_equal(refcount_get(&count), REFCOUNT_OVERFLOW);
	assert_int_equal(count, REFCOUNT_SATURATED);
	count = INT32_MAX;
	assert_int_equal(refcount_put(&count), REFCOUNT_OK);
	assert_int_equal(count, INT32_MAX - 1);
	count = 0;
	assert_int_equal(refcount_get(&count), REFCOUNT_DEAD);
	assert_int_equal(count, REFCOUNT_SATURATED);
}

/* A slot whose fence is replaced while others look. */

static struct dma_fence *slot;
static int stop;
static uint64_t found;

static void *find(void *arg)
{
	(void)arg;
	while (!atomic_load_acquire(&stop)) {
		struct dma_fence *fence;

		dma_fence_rcu_read_lock();
		fence = dma_fence_get_rcu_safe(&slot);
		dma_fence_rcu_read_unlock();
		if (!fence)
			continue;
		/* Alive, and what it was when it was found. */
		assert_int_equal(fence->context, 42);
		assert_true(dma_fence_get_status(fence) >= 0);
		dma_fence_put(fence);
		__atomic_fetch_add(&found, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void found_under_rcu(void **state)
{
	int64_t end = clock_now() + SECOND / 2;
	pthread_t threads[2];
	uint64_t seqno = 0;

	(void)state;
	threads[0] = start(find, NULL);
	threads[1] = start(find, NULL);
	while (clock_now() < end) {
		struct dma_fence *fence = malloc(sizeof(*fence)), *old;

		dma_fence_init(fence, NULL, 42, ++seqno);
		old = atomic_exchange_acq_rel(&slot, fence);
		if (old) {
			dma_fence_signal(old);
			dma_fence_put(old);
		}
		if (seqno % 64 == 0)
			sched_yield();
	}
	dma_fence_signal(slot);
	dma_fence_put(atomic_exchange_acq_rel(&slot, NULL));
	set_flag(&stop);
	join(threads[0]);
	join(threads[1]);
	assert_true(found > 100);
	dma_fence_rcu_barrier();
}

/* The slot's fence is replaced just when a reference has been got: the new one is returned. */

static struct dma_fence *changing, *replacement;

static void replace_once(struct dma_fence *fence)
{
	if (atomic_load_acquire(&changing) == fence && replacement) {
		atomic_store_release(&changing, replacement);
		replacement = NULL;
	}
}

static void slot_changes_meanwhile(void **state)
{
	static const struct hooks hooks = { .get_rcu = replace_once };
	struct dma_fence old, new;

	(void)state;
	fence_init(&old);
	fence_init(&new);
	changing = &old;
	replacement = &new;
	dma_fence_hooks_add(&hooks);
	dma_fence_rcu_read_lock();
	assert_ptr_equal(dma_fence_get_rcu_safe(&changing), &new);
	dma_fence_rcu_read_unlock();
	dma_fence_hooks_remove(&hooks);
	assert_int_equal(old.refcount, 1);
	assert_int_equal(new.refcount, 2);
	dma_fence_put(&new);
	dma_fence_put(&new);
	dma_fence_put(&old);
	assert_int_equal(*release_count(), 2);
	assert_int_equal(caught()->count, 0);
}

static void not_found_once_it_is_gone(void **state)
{
	struct dma_fence fence, *empty = NULL;

	(void)state;
	dma_fence_rcu_read_lock();
	assert_null(dma_fence_get_rcu_safe(&empty));
	fence_init(&fence);
	assert_ptr_equal(dma_fence_get_rcu(&fence), &fence);
	dma_fence_put(&fence);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
	assert_null(dma_fence_get_rcu(&fence));
	dma_fence_rcu_read_unlock();
	assert_int_equal(*release_count(), 1);
	assert_int_equal(caught()->count, 0);
}

/* The producer signals and drops its reference while the consumer drops its own. */

struct pair {
	struct dma_fence fence;
	int released;
};

static void pair_release(struct dma_fence *fence)
{
	__atomic_fetch_add(&container_of(fence, struct pair, fence)->released, 1, __ATOMIC_SEQ_CST);
}

static const struct dma_fence_ops pair_ops = { .release = pair_release };

#define PAIRS 20000
static struct pair pairs[PAIRS];
static int emitted;

static void *signal_and_put(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < PAIRS; i++) {
		while (atomic_load_acquire(&emitted) <= i)
			sched_yield();
		dma_fence_signal(&pairs[i].fence);
		dma_fence_put(&pairs[i].fence);
	}
	return NULL;
}

static void signal_and_put_from_different_threads(void **state)
{
	pthread_t thread = start(signal_and_put, NULL);
	int i;

	(void)state;
	for (i = 0; i < PAIRS; i++) {
		dma_fence_init(&pairs[i].fence, &pair_ops, 1, (uint64_t)i);
		dma_fence_get(&pairs[i].fence);
		atomic_store_release(&emitted, i + 1);
		if (i % 2)
			assert_int_equal(dma_fence_wait(&pairs[i].fence, false), 0);
		else
			while (!dma_fence_test_signaled_flag(&pairs[i].fence))
				sched_yield();
		dma_fence_put(&pairs[i].fence);
	}
	join(thread);
	for (i = 0; i < PAIRS; i++)
		assert_int_equal(pairs[i].released, 1);
	assert_int_equal(caught()->count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(last_put_releases, catch_setup, catch_teardown),
		cmocka_unit_test_setup_teardown(null_is_nothing, catch_setup, catch_teardown),
		cmocka_unit_test_setup_teardown(put_too_many_leaks_and_is_reported_once,
						catch_setup, catch_teardown),
		cmocka_unit_test_setup_teardown(get_after_the_end_is_reported, catch_setup,
						catch_teardown),
		cmocka_unit_test_setup_teardown(memory_is_kept_after_a_fault, catch_setup,
						catch_teardown),
		cmocka_unit_test_setup_teardown(overflow_saturates, catch_setup, catch_teardown),
		cmocka_unit_test_setup_teardown(count_alone, catch_setup, catch_teardown),
		cmocka_unit_test_setup_teardown(found_under_rcu, catch_setup, catch_teardown),
		cmocka_unit_test_setup_teardown(slot_changes_meanwhile, catch_setup,
						catch_teardown),
		cmocka_unit_test_setup_teardown(not_found_once_it_is_gone, catch_setup,
						catch_teardown),
		cmocka_unit_test_setup_teardown(signal_and_put_from_different_threads, catch_setup,
						catch_teardown),
	};

	return RUN(tests);
}
