/* SPDX-License-Identifier: MIT */
/* When the ops of a fence are called, and when they are not. */
#include "support.h"

static struct {
	int enable, signaled, deadline, names, released;
	int64_t last_deadline;
	bool enable_says, signaled_says, enable_signals;
} op;

static struct dma_fence other;

static const char *driver(struct dma_fence *fence)
{
	(void)fence;
	op.names++;
	return "the-driver";
}

static const char *timeline(struct dma_fence *fence)
{
	(void)fence;
	op.names++;
	return "the-timeline";
}

static void use_everything(struct dma_fence *fence)
{
	struct counter counter = { .ran = 0 };

	/* Whatever lock an op were called under, one of these would want it. */
	dma_fence_put(dma_fence_get(fence));
	assert_int_equal(dma_fence_add_callback(fence, &counter.cb, count_call), 0);
	assert_true(dma_fence_remove_callback(fence, &counter.cb));
	assert_int_equal(dma_fence_set_error(fence, -EIO), 0);
	dma_fence_signal(&other);
}

static bool enable(struct dma_fence *fence)
{
	op.enable++;
	use_everything(fence);
	if (op.enable_signals)
		dma_fence_signal(fence);
	return op.enable_says;
}

static bool signaled(struct dma_fence *fence)
{
	op.signaled++;
	use_everything(fence);
	return op.signaled_says;
}

static void deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	op.deadline++;
	op.last_deadline = deadline_ns;
	use_everything(fence);
}

static void release(struct dma_fence *fence)
{
	(void)fence;
	op.released++;
}

static const struct dma_fence_ops ops = {
	.get_driver_name = driver,
	.get_timeline_name = timeline,
	.enable_signaling = enable,
	.signaled = signaled,
	.set_deadline = deadline,
	.release = release,
};

static int setup(void **state)
{
	(void)state;
	memset(&op, 0, sizeof(op));
	op.enable_says = true;
	fence_init(&other);
	return 0;
}

static void enabled_once_by_the_first_callback(void **state)
{
	struct counter a = { .ran = 0 }, b = { .ran = 0 };
	struct dma_fence fence;

	(void)state;
	dma_fence_init(&fence, &ops, 1, 1);
	assert_int_equal(op.enable, 0);
	assert_int_equal(dma_fence_add_callback(&fence, &a.cb, count_call), 0);
	assert_int_equal(op.enable, 1);
	assert_int_equal(dma_fence_add_callback(&fence, &b.cb, count_call), 0);
	dma_fence_enable_signaling(&fence);
	assert_int_equal(dma_fence_wait_timeout(&fence, false, MS), 0);
	assert_int_equal(op.enable, 1);
	dma_fence_signal(&fence);
	assert_int_equal(calls(&a), 1);
	assert_int_equal(calls(&b), 1);
	dma_fence_put(&fence);
	assert_int_equal(op.released, 1);
}

static void enabled_by_a_wait_even_of_no_time(void **state)
{
	struct dma_fence fence, *list[] = { &fence };

	(void)state;
	dma_fence_init(&fence, &ops, 1, 1);
	assert_int_equal(dma_fence_wait_timeout(&fence, false, 0), 0);
	assert_int_equal(op.enable, 1);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);

	setup(NULL);
	dma_fence_init(&fence, &ops, 1, 1);
	assert_int_equal(dma_fence_wait_any_timeout(list, 1, false, 0, NULL), 0);
	assert_int_equal(op.enable, 1);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);

	setup(NULL);
	dma_fence_init(&fence, &ops, 1, 1);
	assert_int_equal(dma_fence_wait_all_timeout(list, 1, false, 0, NULL), 0);
	assert_int_equal(op.enable, 1);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
}

static void enable_that_is_too_late_signals(void **state)
{
	struct counter counter = { .ran = 0 };
	struct dma_fence fence;

	(void)state;
	op.enable_says = false;
	dma_fence_init(&fence, &ops, 1, 1);
	assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), -ENOENT);
	assert_int_equal(calls(&counter), 0);
	assert_true(dma_fence_test_signaled_flag(&fence));
	assert_false(dma_fence_remove_callback(&fence, &counter.cb));
	dma_fence_put(&fence);
}

static void enable_may_signal(void **state)
{
	struct counter counter = { .ran = 0 };
	struct dma_fence fence;

	(void)state;
	op.enable_signals = true;
	dma_fence_init(&fence, &ops, 1, 1);
	assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), -ENOENT);
	assert_true(dma_fence_test_signaled_flag(&fence));
	dma_fence_put(&fence);

	setup(NULL);
	op.enable_signals = true;
	dma_fence_init(&fence, &ops, 1, 1);
	assert_int_equal(dma_fence_wait(&fence, false), 0);
	dma_fence_put(&fence);
}

static void signaled_fence_asks_no_op(void **state)
{
	struct counter counter = { .ran = 0 };
	struct dma_fence fence;
	char text[256];
	FILE *out;

	(void)state;
	dma_fence_init(&fence, &ops, 1, 1);
	dma_fence_signal(&fence);
	memset(&op, 0, sizeof(op));

	assert_true(dma_fence_is_signaled(&fence));
	assert_true(dma_fence_poll(&fence));
	assert_int_equal(dma_fence_get_status(&fence), 1);
	assert_true(dma_fence_timestamp(&fence) > 0);
	assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), -ENOENT);
	assert_int_equal(dma_fence_wait(&fence, false), 0);
	assert_int_equal(dma_fence_flush(&fence), 0);
	assert_null(dma_fence_later(&fence, &fence));
	dma_fence_enable_signaling(&fence);
	dma_fence_set_deadline(&fence, 5);
	out = fmemopen(text, sizeof(text), "w");
	dma_fence_describe(&fence, out);
	fclose(out);
	assert_non_null(strstr(text, "detached-driver signaled-timeline 1:1 signaled at"));
	assert_int_equal(op.enable + op.signaled + op.deadline + op.names, 0);

	dma_fence_put(&fence);
	assert_int_equal(op.released, 1);
}

static void names_of_a_pending_fence(void **state)
{
	struct dma_fence fence;
	char text[256];
	FILE *out;

	(void)state;
	dma_fence_init(&fence, &ops, 3, UINT64_MAX);
	dma_fence_rcu_read_lock();
	assert_string_equal(dma_fence_driver_name(&fence), "the-driver");
	assert_string_equal(dma_fence_timeline_name(&fence), "the-timeline");
	dma_fence_rcu_read_unlock();
	out = fmemopen(text, sizeof(text), "w");
	dma_fence_describe(&fence, out);
	fclose(out);
	assert_string_equal(text, "the-driver the-timeline 3:18446744073709551615 pending");

	assert_int_equal(dma_fence_set_error(&fence, -EIO), 0);
	dma_fence_signal_timestamp(&fence, 77);
	out = fmemopen(text, sizeof(text), "w");
	dma_fence_describe(&fence, out);
	fclose(out);
	assert_string_equal(text, "detached-driver signaled-timeline 3:18446744073709551615 "
				  "signaled at 77 ns, error -5");
	dma_fence_put(&fence);
}

static void deadline_reaches_the_producer(void **state)
{
	struct dma_fence fence;

	(void)state;
	dma_fence_init(&fence, &ops, 1, 1);
	dma_fence_set_deadline(&fence, 123);
	dma_fence_set_deadline(&fence, 99);
	assert_int_equal(op.deadline, 2);
	assert_int_equal(op.last_deadline, 99);
	assert_int_equal(op.enable, 1); /* by the callback that the op itself has added */
	dma_fence_signal(&fence);
	dma_fence_set_deadline(&fence, 1);
	assert_int_equal(op.deadline, 2);
	dma_fence_put(&fence);
}

static void ops_are_optional(void **state)
{
	static const struct dma_fence_ops nothing;
	const struct dma_fence_ops *either[] = { NULL, &nothing };
	struct counter counter = { .ran = 0 };
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(either); i++) {
		struct dma_fence *fence = malloc(sizeof(*fence));
		FILE *out;

		dma_fence_init(fence, either[i], 1, 1);
		assert_false(dma_fence_is_signaled(fence));
		dma_fence_enable_signaling(fence);
		dma_fence_set_deadline(fence, 1);
		out = fmemopen(text, sizeof(text), "w");
		dma_fence_describe(fence, out);
		fclose(out);
		assert_string_equal(text, "unnamed unnamed 1:1 pending");
		assert_int_equal(dma_fence_add_callback(fence, &counter.cb, count_call), 0);
		dma_fence_signal(fence);
		dma_fence_put(fence); /* frees it, after a grace period */
	}
	assert_int_equal(calls(&counter), 2);
	dma_fence_rcu_barrier();
}

/* Two who come at the same time enable once between them. */

#define ENABLE_ROUNDS 3000

static struct dma_fence raced;
static int arrived;

/* They leave together, within some ns; each arrives once a round. */
static void line_up(int round)
{
	int spins;

	__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
	for (spins = 0; atomic_load_acquire(&arrived) < 2 * round; spins++) {
		if (spins < 1000)
			cpu_relax();
		else
			sched_yield();
	}
}

static bool count_enable(struct dma_fence *fence)
{
	(void)fence;
	__atomic_fetch_add(&op.enable, 1, __ATOMIC_SEQ_CST);
	return true;
}

static const struct dma_fence_ops once = {
	.enable_signaling = count_enable,
	.release = count_release,
};

static void *enable_on(void *arg)
{
	bool leader = arg;
	int round;

	for (round = 0; round < ENABLE_ROUNDS; round++) {
		if (leader)
			dma_fence_init(&raced, &once, 1, 1);
		line_up(2 * round + 1);
		dma_fence_enable_signaling(&raced);
		line_up(2 * round + 2);
		if (leader) {
			assert_int_equal(op.enable, round + 1);
			dma_fence_signal(&raced);
			dma_fence_put(&raced);
		}
	}
	return NULL;
}

static void enabled_once_by_two(void **state)
{
	pthread_t threads[2];

	(void)state;
	threads[0] = start(enable_on, NULL);
	threads[1] = start(enable_on, &raced);
	join(threads[0]);
	join(threads[1]);
	assert_int_equal(op.enable, ENABLE_ROUNDS);
}

static void waits_for_several_enable_all(void **state)
{
	static const struct dma_fence_ops counting = {
		.enable_signaling = count_enable,
		.release = count_release,
	};
	int how;

	(void)state;
	for (how = 0; how < 4; how++) {
		struct dma_fence fences[3], *list[3];
		int i;

		op.enable = 0;
		for (i = 0; i < 3; i++) {
			dma_fence_init(&fences[i], &counting, 1, 1);
			list[i] = &fences[i];
		}
		if (how < 2)
			assert_int_equal(dma_fence_wait_any_timeout(list, 3, false, how * MS, NULL),
					 0);
		else
			assert_int_equal(
				dma_fence_wait_all_timeout(list, 3, false, (how - 2) * MS, NULL),
				0);
		assert_int_equal(op.enable, 3);
		for (i = 0; i < 3; i++) {
			dma_fence_signal(&fences[i]);
			dma_fence_put(&fences[i]);
		}
	}
}

/*
 * A driver goes away: after a signal and a grace period its ops are not called any more. Here they
 * become a page that is gone.
 */
#include <sys/mman.h>

static struct dma_fence *unloading;
static int stop;

static void *ask_on(void *arg)
{
	(void)arg;
	while (!atomic_load_acquire(&stop)) {
		struct dma_fence *fence;

		dma_fence_rcu_read_lock();
		fence = dma_fence_get_rcu_safe(&unloading);
		dma_fence_rcu_read_unlock();
		if (!fence)
			continue;
		dma_fence_is_signaled(fence);
		dma_fence_set_deadline(fence, 1);
		dma_fence_enable_signaling(fence);
		dma_fence_rcu_read_lock();
		assert_non_null(dma_fence_driver_name(fence));
		dma_fence_rcu_read_unlock();
		dma_fence_put(fence);
	}
	return NULL;
}

static bool quiet_enable(struct dma_fence *fence)
{
	(void)fence;
	return true;
}

static bool quiet_signaled(struct dma_fence *fence)
{
	(void)fence;
	return false;
}

static const char *quiet_name(struct dma_fence *fence)
{
	(void)fence;
	return "unloading";
}

static void quiet_deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	(void)fence;
	(void)deadline_ns;
}

static void ops_may_vanish_after_the_signal(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	pthread_t threads[2];
	int round;

	(void)state;
	for (round = 0; round < 2; round++)
		threads[round] = start(ask_on, NULL);
	for (round = 0; round < 30; round++) {
		struct dma_fence_ops *page_ops = mmap(NULL, page, PROT_READ | PROT_WRITE,
						      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		struct dma_fence *fence = malloc(sizeof(*fence));

		assert_ptr_not_equal(page_ops, MAP_FAILED);
		page_ops->enable_signaling = quiet_enable;
		page_ops->signaled = quiet_signaled;
		page_ops->get_driver_name = quiet_name;
		page_ops->set_deadline = quiet_deadline;
		dma_fence_init(fence, page_ops, 1, 1);
		atomic_store_release(&unloading, fence);
		sleep_ns(MS / 2);

		dma_fence_signal(fence);
		dma_fence_rcu_synchronize();
		assert_int_equal(munmap(page_ops, page), 0);
		sleep_ns(MS / 2);

		atomic_store_release(&unloading, NULL);
		dma_fence_put(fence);
		dma_fence_rcu_synchronize();
		/* A reader may have held the last reference; none is left once they have passed. */
		sleep_ns(MS);
		dma_fence_rcu_barrier();
	}
	set_flag(&stop);
	join(threads[0]);
	join(threads[1]);
	dma_fence_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(enabled_once_by_the_first_callback, setup),
		cmocka_unit_test_setup(enabled_by_a_wait_even_of_no_time, setup),
		cmocka_unit_test_setup(enable_that_is_too_late_signals, setup),
		cmocka_unit_test_setup(enable_may_signal, setup),
		cmocka_unit_test_setup(signaled_fence_asks_no_op, setup),
		cmocka_unit_test_setup(names_of_a_pending_fence, setup),
		cmocka_unit_test_setup(deadline_reaches_the_producer, setup),
		cmocka_unit_test_setup(ops_are_optional, setup),
		cmocka_unit_test_setup(enabled_once_by_two, setup),
		cmocka_unit_test_setup(waits_for_several_enable_all, setup),
		cmocka_unit_test_setup(ops_may_vanish_after_the_signal, setup),
	};

	return RUN(tests);
}
