/* SPDX-License-Identifier: MIT */
/* The producer's context: numbers, names, order, failure, memory. */
#include "support.h"

#include "fence/state.h"

#include "failing-malloc.h"

static int releases(void)
{
	return atomic_load_acquire(release_count());
}

static int setup(void **state)
{
	(void)state;
	catch_reports();
	*release_count() = 0;
	failing_malloc_in = -1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dma_fence_rcu_barrier();
	catch_end();
	return 0;
}

static void numbers(void **state)
{
	struct dma_fence_context *a = dma_fence_context_create("d", "a", plain_ops(), 1);
	struct dma_fence_context *b = dma_fence_context_create("d", "b", plain_ops(), 100);
	struct dma_fence fences[4];
	uint64_t first, second;
	int i;

	(void)state;
	assert_int_not_equal(dma_fence_context_id(a), dma_fence_context_id(b));
	assert_int_equal(dma_fence_context_last_emitted(a), 0);
	assert_int_equal(dma_fence_context_last_emitted(b), 99);
	assert_int_equal(dma_fence_context_last_signaled(b), 99);
	for (i = 0; i < 3; i++) {
		assert_int_equal(dma_fence_context_emit(a, &fences[i]), 0);
		assert_int_equal(fences[i].context, dma_fence_context_id(a));
		assert_int_equal(fences[i].seqno, i + 1);
		assert_int_equal(dma_fence_context_last_emitted(a), i + 1);
	}
	assert_int_equal(dma_fence_context_emit(b, &fences[3]), 0);
	assert_int_equal(fences[3].seqno, 100);
	assert_int_equal(dma_fence_context_signal_until(a, 3), 3);
	assert_int_equal(dma_fence_context_signal_until(b, 100), 1);
	for (i = 0; i < 4; i++)
		dma_fence_put(&fences[i]);
	assert_int_equal(releases(), 4);
	dma_fence_context_destroy(a);
	dma_fence_context_destroy(b);
	dma_fence_context_destroy(NULL);
	assert_int_equal(caught()->count, 0);

	first = dma_fence_context_alloc(10);
	second = dma_fence_context_alloc(1);
	assert_true(first != 0);
	assert_int_equal(second, first + 10);
	errno = 0;
	assert_int_equal(dma_fence_context_alloc(0), 0);
	assert_int_equal(errno, EINVAL);
}

static void signals_up_to_a_number(void **state)
{
	enum { N = 300 };
	static const uint64_t steps[] = { 1, 1, 5, 4, 5, 64, 128, 129, 299, 300, 300, 2 };
	struct dma_fence_context *context = dma_fence_context_create("d", "t", plain_ops(), 1);
	struct dma_fence *fences = calloc(N, sizeof(*fences));
	uint64_t reached = 0, i, k;

	(void)state;
	for (i = 0; i < N; i++)
		assert_int_equal(dma_fence_context_emit(context, &fences[i]), 0);
	for (k = 0; k < ARRAY_SIZE(steps); k++) {
		uint64_t to = steps[k] > reached ? steps[k] : reached;

		assert_int_equal(dma_fence_context_signal_until(context, steps[k]), to - reached);
		reached = to;
		assert_int_equal(dma_fence_context_last_signaled(context), reached);
		for (i = 0; i < N; i++)
			assert_int_equal(dma_fence_is_signaled(&fences[i]), i < reached);
	}
	assert_int_equal(dma_fence_timestamp(&fences[200]), dma_fence_timestamp(&fences[298]));
	for (i = 0; i < N; i++)
		dma_fence_put(&fences[i]);
	dma_fence_context_destroy(context);
	assert_int_equal(releases(), N);
	free(fences);
}

static void timestamp_can_be_given(void **state)
{
	struct dma_fence_context *context = dma_fence_context_create("d", "t", plain_ops(), 1);
	struct dma_fence fence;

	(void)state;
	assert_int_equal(dma_fence_context_emit(context, &fence), 0);
	assert_int_equal(dma_fence_context_signal_until_timestamp(context, 1, 55), 1);
	assert_int_equal(dma_fence_timestamp(&fence), 55);
	dma_fence_put(&fence);
	dma_fence_context_destroy(context);
}

/* What a dead device returns when it is read signals nothing. */
static void a_number_never_emitted_signals_nothing(void **state)
{
	struct dma_fence_context *context = dma_fence_context_create("d", "t", plain_ops(), 1);
	struct dma_fence fence;

	(void)state;
	assert_int_equal(dma_fence_context_signal_until(context, 1), -EINVAL);
	assert_int_equal(dma_fence_context_signal_until(context, 0), 0);
	assert_int_equal(dma_fence_context_emit(context, &fence), 0);
	assert_int_equal(dma_fence_context_signal_until(context, 2), -EINVAL);
	assert_int_equal(dma_fence_context_signal_until(context, UINT32_MAX), -EINVAL);
	assert_int_equal(dma_fence_context_signal_until(context, INT64_MAX), -EINVAL);
	assert_int_equal(dma_fence_context_signal_until(context, UINT64_MAX), -EINVAL);
	assert_false(dma_fence_is_signaled(&fence));
	assert_int_equal(dma_fence_context_signal_until(context, 1), 1);
	dma_fence_put(&fence);
	dma_fence_context_destroy(context);
}

static void numbers_wrap_around(void **state)
{
	enum { N = 6 };
	struct dma_fence_context *context =
		dma_fence_context_create("d", "t", plain_ops(), UINT64_MAX - 2);
	struct dma_fence fences[N];
	int i;

	(void)state;
	assert_int_equal(dma_fence_context_last_signaled(context), UINT64_MAX - 3);
	for (i = 0; i < N; i++)
		assert_int_equal(dma_fence_context_emit(context, &fences[i]), 0);
	assert_int_equal(fences[2].seqno, UINT64_MAX);
	assert_int_equal(fences[3].seqno, 0);
	assert_true(dma_fence_is_later(&fences[3], &fences[2]));
	assert_false(dma_fence_is_later(&fences[2], &fences[3]));
	assert_int_equal(dma_fence_context_signal_until(context, UINT64_MAX - 1), 2);
	assert_int_equal(dma_fence_context_signal_until(context, 3), -EINVAL);
	assert_int_equal(dma_fence_context_signal_until(context, 0), 2);
	assert_true(dma_fence_is_signaled(&fences[3]));
	assert_false(dma_fence_is_signaled(&fences[4]));
	assert_int_equal(dma_fence_context_signal_until(context, UINT64_MAX), 0);
	assert_int_equal(dma_fence_context_signal_until(context, 2), 2);
	assert_int_equal(dma_fence_context_last_signaled(context), 2);
	for (i = 0; i < N; i++)
		dma_fence_put(&fences[i]);
	dma_fence_context_destroy(context);
	assert_int_equal(releases(), N);
}

static void signaled_one_by_one_they_are_let_go_in_turn(void **state)
{
	struct dma_fence_context *context = dma_fence_context_create("d", "t", plain_ops(), 1);
	struct dma_fence fences[3];
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(dma_fence_context_emit(context, &fences[i]), 0);
	dma_fence_set_error(&fences[1], -EIO);
	dma_fence_signal(&fences[1]);
	assert_int_equal(dma_fence_context_last_signaled(context), 0);
	assert_int_equal(dma_fence_context_signal_until(context, 3), 2);
	assert_int_equal(dma_fence_get_status(&fences[0]), 1);
	assert_int_equal(dma_fence_get_status(&fences[1]), -EIO);
	assert_int_equal(dma_fence_get_status(&fences[2]), 1);
	for (i = 0; i < 3; i++)
		dma_fence_put(&fences[i]);
	assert_int_equal(releases(), 3);
	dma_fence_context_destroy(context);
}

static void device_is_lost(void **state)
{
	enum { N = 150 };
	struct dma_fence_context *context = dma_fence_context_create("d", "t", plain_ops(), 1);
	struct dma_fence *fences = calloc(N, sizeof(*fences)), extra;
	struct counter counter = { .ran = 0 };
	int i;

	(void)state;
	for (i = 0; i < N; i++)
		assert_int_equal(dma_fence_context_emit(context, &fences[i]), 0);
	assert_int_equal(dma_fence_add_callback(&fences[100], &counter.cb, count_call), 0);
	assert_int_equal(dma_fence_context_signal_until(context, 10), 10);
	dma_fence_signal(&fences[20]);
	assert_int_equal(dma_fence_context_fail(context, 0), -EINVAL);
	assert_int_equal(dma_fence_context_fail(context, 5), -EINVAL);
	assert_int_equal(dma_fence_context_fail(context, -5000), -EINVAL);
	assert_int_equal(dma_fence_context_fail(context, -ENODEV), N - 11);
	for (i = 0; i < N; i++)
		assert_int_equal(dma_fence_get_status(&fences[i]), i < 10 || i == 20 ? 1 : -ENODEV);
	assert_int_equal(calls(&counter), 1);

	memset(&extra, 0x5a, sizeof(extra));
	assert_int_equal(dma_fence_context_emit(context, &extra), -ENODEV);
	assert_int_equal(extra.refcount, 0x5a5a5a5a);
	assert_int_equal(dma_fence_context_last_emitted(context), N);
	assert_int_equal(dma_fence_context_fail(context, -EIO), 0);
	assert_int_equal(dma_fence_context_emit(context, &extra), -ENODEV);

	for (i = 0; i < N; i++)
		dma_fence_put(&fences[i]);
	assert_int_equal(releases(), N);
	dma_fence_context_destroy(context);
	assert_int_equal(caught()->count, 0);
	free(fences);
}

static void names_are_copies(void **state)
{
	char driver[] = "driver-of-the-test", timeline[] = "ring 0";
	struct dma_fence_context *context;
	struct dma_fence fence;
	char text[200];
	FILE *out;

	(void)state;
	context = dma_fence_context_create(driver, timeline, plain_ops(), 7);
	memset(driver, 'x', sizeof(driver) - 1);
	memset(timeline, 'x', sizeof(timeline) - 1);
	assert_int_equal(dma_fence_context_emit(context, &fence), 0);
	dma_fence_rcu_read_lock();
	assert_string_equal(dma_fence_driver_name(&fence), "driver-of-the-test");
	assert_string_equal(dma_fence_timeline_name(&fence), "ring 0");
	dma_fence_rcu_read_unlock();
	out = fmemopen(text, sizeof(text), "w");
	dma_fence_describe(&fence, out);
	fclose(out);
	assert_non_null(strstr(text, "driver-of-the-test ring 0 "));
	assert_non_null(strstr(text, ":7 pending"));
	dma_fence_context_signal_until(context, 7);

	/* A fence outlives its context. */
	dma_fence_context_destroy(context);
	dma_fence_rcu_barrier();
	dma_fence_rcu_read_lock();
	assert_string_equal(dma_fence_driver_name(&fence), "detached-driver");
	dma_fence_rcu_read_unlock();
	dma_fence_put(&fence);
	assert_int_equal(releases(), 1);

	errno = 0;
	assert_null(dma_fence_context_create(NULL, "t", NULL, 1));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(dma_fence_context_create("d", NULL, NULL, 1));
	assert_int_equal(errno, EINVAL);
}

/* Names are asked for while the context lets go of the fence: its own, or that it is detached. */

static const char *not_used(struct dma_fence *fence)
{
	(void)fence;
	return "the producer's own, which is not used";
}

static struct dma_fence *named;
static int names_over;

static void *ask_for_names(void *arg)
{
	(void)arg;
	while (!atomic_load_acquire(&names_over)) {
		struct dma_fence *fence = atomic_load_acquire(&named);
		const char *driver, *timeline;

		if (!fence)
			continue;
		dma_fence_rcu_read_lock();
		driver = dma_fence_driver_name(fence);
		timeline = dma_fence_timeline_name(fence);
		assert_true(!strcmp(driver, "the-driver") || !strcmp(driver, "detached-driver"));
		assert_true(!strcmp(timeline, "the-timeline") ||
			    !strcmp(timeline, "signaled-timeline"));
		dma_fence_rcu_read_unlock();
	}
	return NULL;
}

static void names_while_it_is_let_go(void **state)
{
	enum { N = 100000 };
	static const struct dma_fence_ops ops = {
		.get_driver_name = not_used,
		.get_timeline_name = not_used,
		.release = count_release,
	};
	struct dma_fence_context *context =
		dma_fence_context_create("the-driver", "the-timeline", &ops, 1);
	struct dma_fence *fences = calloc(N, sizeof(*fences));
	pthread_t thread = start(ask_for_names, NULL);
	int i;

	(void)state;
	for (i = 0; i < N; i++) {
		assert_int_equal(dma_fence_context_emit(context, &fences[i]), 0);
		atomic_store_release(&named, &fences[i]);
		if (i % 2)
			assert_int_equal(dma_fence_context_signal_until(context, (uint64_t)i + 1),
					 2);
	}
	set_flag(&names_over);
	join(thread);
	for (i = 0; i < N; i++)
		dma_fence_put(&fences[i]);
	dma_fence_context_destroy(context);
	free(fences);
}

/* And as long as it is pending it has them: here the signal is held up in the middle. */

static struct dma_fence_context *held_up;

static void *signal_the_first(void *arg)
{
	(void)arg;
	assert_int_equal(dma_fence_context_signal_until(held_up, 1), 1);
	return NULL;
}

static void names_until_it_is_signaled(void **state)
{
	static const struct dma_fence_ops ops = {
		.get_driver_name = not_used,
		.get_timeline_name = not_used,
		.release = count_release,
	};
	const char *driver, *timeline;
	struct dma_fence fence;
	pthread_t thread;

	(void)state;
	held_up = dma_fence_context_create("the-driver", "the-timeline", &ops, 1);
	assert_int_equal(dma_fence_context_emit(held_up, &fence), 0);
	dma_fence_lock_state(&fence, true);
	thread = start(signal_the_first, NULL);
	while (!(atomic_load_acquire(&fence.state) & WAITERS))
		sched_yield();
	dma_fence_rcu_read_lock();
	driver = dma_fence_driver_name(&fence);
	timeline = dma_fence_timeline_name(&fence);
	dma_fence_rcu_read_unlock();
	dma_fence_unlock_pending(&fence, NULL);
	join(thread);
	assert_string_equal(driver, "the-driver");
	assert_string_equal(timeline, "the-timeline");
	dma_fence_put(&fence);
	dma_fence_context_destroy(held_up);
}

/* Who has a name, in a read-side section, keeps it when the context goes away. */
static void names_outlive_the_context_in_a_section(void **state)
{
	struct dma_fence_context *context =
		dma_fence_context_create("the-driver", "the-timeline", plain_ops(), 1);
	const char *driver, *timeline;
	struct dma_fence fence;

	(void)state;
	assert_int_equal(dma_fence_context_emit(context, &fence), 0);
	dma_fence_rcu_read_lock();
	driver = dma_fence_driver_name(&fence);
	timeline = dma_fence_timeline_name(&fence);
	dma_fence_context_destroy(context);
	sleep_ns(20 * MS);
	driver = strcmp(driver, "the-driver") ? NULL : "same";
	timeline = strcmp(timeline, "the-timeline") ? NULL : "same";
	dma_fence_rcu_read_unlock();
	assert_non_null(driver);
	assert_non_null(timeline);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_CONTEXT_DESTROY], 1);
	dma_fence_put(&fence);
}

/* The signal of the first is held up: nobody signals the second meanwhile. */

static void *signal_the_second(void *arg)
{
	(void)arg;
	assert_int_equal(dma_fence_context_signal_until(held_up, 2), 1);
	return NULL;
}

static void order_is_kept_when_one_is_held_up(void **state)
{
	struct dma_fence fences[2];
	pthread_t threads[2];
	bool overtaken;
	int i;

	(void)state;
	held_up = dma_fence_context_create("d", "t", plain_ops(), 1);
	for (i = 0; i < 2; i++)
		assert_int_equal(dma_fence_context_emit(held_up, &fences[i]), 0);
	dma_fence_lock_state(&fences[0], true);
	threads[0] = start(signal_the_first, NULL);
	while (!(atomic_load_acquire(&fences[0].state) & WAITERS))
		sched_yield();
	threads[1] = start(signal_the_second, NULL);
	sleep_ns(100 * MS);
	overtaken = dma_fence_test_signaled_flag(&fences[1]);
	dma_fence_unlock_pending(&fences[0], NULL);
	join(threads[0]);
	join(threads[1]);
	assert_false(overtaken);
	for (i = 0; i < 2; i++) {
		assert_int_equal(dma_fence_get_status(&fences[i]), 1);
		dma_fence_put(&fences[i]);
	}
	dma_fence_context_destroy(held_up);
}

/* Between two batches of a failure somebody else signals: those fences have failed, too. */

static struct dma_fence_context *failing;

static void late_interrupt(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	count_call(fence, cb);
	assert_true(dma_fence_context_signal_until(failing, 200) >= 0);
}

static void failure_is_for_all(void **state)
{
	enum { N = 200 };
	struct dma_fence *fences = calloc(N, sizeof(*fences));
	struct counter counter = { .ran = 0 };
	int i;

	(void)state;
	failing = dma_fence_context_create("d", "t", plain_ops(), 1);
	for (i = 0; i < N; i++)
		assert_int_equal(dma_fence_context_emit(failing, &fences[i]), 0);
	assert_int_equal(dma_fence_add_callback(&fences[0], &counter.cb, late_interrupt), 0);
	assert_true(dma_fence_context_fail(failing, -ENODEV) > 0);
	assert_int_equal(calls(&counter), 1);
	for (i = 0; i < N; i++) {
		assert_int_equal(dma_fence_get_status(&fences[i]), -ENODEV);
		dma_fence_put(&fences[i]);
	}
	dma_fence_context_destroy(failing);
	assert_int_equal(caught()->count, 0);
	free(fences);
}

/* The producer's own ops are called with the fence, while it is pending and at its release. */

static int enabled, asked, deadlines, released;

static bool enable(struct dma_fence *fence)
{
	(void)fence;
	enabled++;
	return true;
}

static bool ask(struct dma_fence *fence)
{
	(void)fence;
	asked++;
	return false;
}

static void deadline(struct dma_fence *fence, int64_t ns)
{
	(void)fence;
	(void)ns;
	deadlines++;
}

static void release(struct dma_fence *fence)
{
	(void)fence;
	released++;
}

static void own_ops_are_called(void **state)
{
	static const struct dma_fence_ops ops = {
		.enable_signaling = enable,
		.signaled = ask,
		.set_deadline = deadline,
		.release = release,
	};
	struct dma_fence_context *context = dma_fence_context_create("d", "t", &ops, 1);
	struct dma_fence fence;

	(void)state;
	assert_int_equal(dma_fence_context_emit(context, &fence), 0);
	dma_fence_enable_signaling(&fence);
	assert_false(dma_fence_is_signaled(&fence));
	dma_fence_set_deadline(&fence, 5);
	assert_int_equal(enabled, 1);
	assert_true(asked >= 1);
	assert_int_equal(deadlines, 1);
	dma_fence_context_signal_until(context, 1);
	dma_fence_context_destroy(context);
	dma_fence_rcu_barrier();
	assert_int_equal(released, 0);
	dma_fence_put(&fence);
	assert_int_equal(released, 1);
}

static void default_ops_free(void **state)
{
	struct dma_fence_context *context = dma_fence_context_create("d", "t", NULL, 1);
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		struct dma_fence *fence = malloc(sizeof(*fence));

		assert_int_equal(dma_fence_context_emit(context, fence), 0);
		dma_fence_put(fence);
	}
	assert_int_equal(dma_fence_context_signal_until(context, 100), 100);
	dma_fence_context_destroy(context);
	assert_int_equal(caught()->count, 0);
}

/* Callbacks run with no lock of the context held: they may use it. */

static struct dma_fence_context *reentered;
static struct dma_fence more[3];

static void emit_and_signal(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	count_call(fence, cb);
	assert_int_equal(dma_fence_context_emit(reentered, &more[1]), 0);
	assert_int_equal(dma_fence_context_signal_until(reentered, 2), 1);
	assert_true(dma_fence_is_signaled(&more[1]));
	assert_int_equal(dma_fence_context_last_signaled(reentered), 2);
	assert_int_equal(dma_fence_context_emit(reentered, &more[2]), 0);
	assert_int_equal(dma_fence_context_fail(reentered, -EIO), 1);
	dma_fence_context_destroy(reentered);
}

static void callbacks_may_use_the_context(void **state)
{
	struct counter counter = { .ran = 0 };
	int i;

	(void)state;
	reentered = dma_fence_context_create("d", "t", plain_ops(), 1);
	assert_int_equal(dma_fence_context_emit(reentered, &more[0]), 0);
	assert_int_equal(dma_fence_add_callback(&more[0], &counter.cb, emit_and_signal), 0);
	/* Not through signal_until, for the callback destroys the context. */
	dma_fence_signal(&more[0]);
	assert_int_equal(calls(&counter), 1);
	assert_int_equal(dma_fence_get_status(&more[2]), -EIO);
	for (i = 0; i < 3; i++)
		dma_fence_put(&more[i]);
	assert_int_equal(releases(), 3);
}

static void emit_from_signal_until(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	count_call(fence, cb);
	assert_int_equal(dma_fence_context_emit(reentered, &more[1]), 0);
	assert_int_equal(dma_fence_context_signal_until(reentered, 2), 1);
}

static void callbacks_of_signal_until_may_too(void **state)
{
	struct counter counter = { .ran = 0 };

	(void)state;
	reentered = dma_fence_context_create("d", "t", plain_ops(), 1);
	assert_int_equal(dma_fence_context_emit(reentered, &more[0]), 0);
	assert_int_equal(dma_fence_add_callback(&more[0], &counter.cb, emit_from_signal_until), 0);
	assert_int_equal(dma_fence_context_signal_until(reentered, 1), 1);
	assert_int_equal(calls(&counter), 1);
	assert_true(dma_fence_is_signaled(&more[1]));
	dma_fence_put(&more[0]);
	dma_fence_put(&more[1]);
	dma_fence_context_destroy(reentered);
	assert_int_equal(releases(), 2);
}

/* Memory */

static void allocations_fail(void **state)
{
	struct dma_fence_context *context;
	struct dma_fence fences[100];
	int i, failed = 0;

	(void)state;
	failing_malloc_in = 1;
	errno = 0;
	assert_null(dma_fence_context_create("d", "t", NULL, 1));
	assert_int_equal(errno, ENOMEM);

	context = dma_fence_context_create("d", "t", plain_ops(), 1);
	assert_non_null(context);
	for (i = 0; i < 100; i++) {
		int ret;

		failing_malloc_in = 1;
		ret = dma_fence_context_emit(context, &fences[i]);
		if (ret) {
			assert_int_equal(ret, -ENOMEM);
			assert_int_equal(dma_fence_context_last_emitted(context), i);
			failed++;
			failing_malloc_in = -1;
			assert_int_equal(dma_fence_context_emit(context, &fences[i]), 0);
		}
		assert_int_equal(fences[i].seqno, i + 1);
	}
	failing_malloc_in = -1;
	assert_true(failed >= 2);
	assert_int_equal(dma_fence_context_signal_until(context, 100), 100);

	/* Reserved is reserved. */
	failing_malloc_in = 1;
	assert_int_equal(dma_fence_context_reserve(context, 1000), -ENOMEM);
	assert_int_equal(dma_fence_context_reserve(context, UINT32_MAX), -EOVERFLOW);
	assert_int_equal(dma_fence_context_reserve(context, 1000), 0);
	for (i = 0; i < 100; i++)
		dma_fence_put(&fences[i]);
	failing_malloc_in = 1;
	for (i = 0; i < 100; i++)
		assert_int_equal(dma_fence_context_emit(context, &fences[i]), 0);
	assert_int_equal(failing_malloc_in, 1);
	failing_malloc_in = -1;
	assert_int_equal(dma_fence_context_signal_until(context, 200), 100);
	for (i = 0; i < 100; i++)
		dma_fence_put(&fences[i]);
	dma_fence_context_destroy(context);
	assert_int_equal(releases(), 200);
}

/*
 * Several threads emit, two signal what has been reached, one looks: fences are seen signaled in
 * order, and each is signaled and released once.
 */

#define EMITTERS 2
#define EACH	 20000
#define TOTAL	 (EMITTERS * EACH)

static struct {
	struct dma_fence_context *context;
	struct dma_fence *by_seqno[TOTAL + 1];
	uint64_t recorded; /* all up to here are in by_seqno */
	int64_t signaled;
	int stop;
} timeline;

static void *emitter(void *arg)
{
	struct dma_fence *fences = arg;
	int i;

	for (i = 0; i < EACH; i++) {
		assert_int_equal(dma_fence_context_emit(timeline.context, &fences[i]), 0);
		atomic_store_release(&timeline.by_seqno[fences[i].seqno], &fences[i]);
		while (atomic_load_acquire(&timeline.recorded) != fences[i].seqno - 1)
			sched_yield();
		atomic_store_release(&timeline.recorded, fences[i].seqno);
		if (i % 100 == 0)
			sched_yield();
	}
	return NULL;
}

static void *interrupt(void *arg)
{
	(void)arg;
	while (atomic_load_acquire(&timeline.signaled) < TOTAL) {
		int64_t n = dma_fence_context_signal_until(timeline.context,
							   atomic_load_acquire(&timeline.recorded));

		assert_true(n >= 0);
		__atomic_fetch_add(&timeline.signaled, n, __ATOMIC_SEQ_CST);
		sched_yield();
	}
	return NULL;
}

/* At each signal, the one before must be signaled: told by the hook, not found by chance. */
static int out_of_order;

static void check_order(struct dma_fence *fence)
{
	struct dma_fence *before;

	if (fence->context != dma_fence_context_id(timeline.context) || fence->seqno == 1)
		return;
	before = atomic_load_acquire(&timeline.by_seqno[fence->seqno - 1]);
	if (!before || !dma_fence_test_signaled_flag(before))
		atomic_store_relaxed(&out_of_order, 1);
}

static void *observer(void *arg)
{
	unsigned int seed = 1;

	(void)arg;
	while (!atomic_load_acquire(&timeline.stop)) {
		uint64_t later = (uint64_t)rand_r(&seed) % (TOTAL - 1) + 2, earlier = later - 1;
		struct dma_fence *f = atomic_load_acquire(&timeline.by_seqno[later]);
		struct dma_fence *e = atomic_load_acquire(&timeline.by_seqno[earlier]);

		if (!f || !e)
			continue;
		if (dma_fence_test_signaled_flag(f))
			assert_true(dma_fence_test_signaled_flag(e));
	}
	return NULL;
}

static void signaled_in_order_by_many(void **state)
{
	static const struct hooks hooks = { .signal = check_order };
	struct dma_fence *fences = calloc(TOTAL, sizeof(*fences));
	pthread_t threads[EMITTERS + 3];
	int i;

	(void)state;
	dma_fence_hooks_add(&hooks);
	timeline.context = dma_fence_context_create("d", "t", plain_ops(), 1);
	for (i = 0; i < EMITTERS; i++)
		threads[i] = start(emitter, fences + i * EACH);
	threads[EMITTERS] = start(interrupt, NULL);
	threads[EMITTERS + 1] = start(interrupt, NULL);
	threads[EMITTERS + 2] = start(observer, NULL);
	for (i = 0; i < EMITTERS + 2; i++)
		join(threads[i]);
	set_flag(&timeline.stop);
	join(threads[EMITTERS + 2]);
	dma_fence_hooks_remove(&hooks);
	assert_int_equal(timeline.signaled, TOTAL);
	assert_false(out_of_order);
	assert_int_equal(releases(), 0);
	for (i = 0; i < TOTAL; i++) {
		assert_int_equal(dma_fence_get_status(&fences[i]), 1);
		dma_fence_put(&fences[i]);
	}
	assert_int_equal(releases(), TOTAL);
	dma_fence_context_destroy(timeline.context);
	assert_int_equal(caught()->count, 0);
	free(fences);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(signals_up_to_a_number, setup, teardown),
		cmocka_unit_test_setup_teardown(timestamp_can_be_given, setup, teardown),
		cmocka_unit_test_setup_teardown(a_number_never_emitted_signals_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(numbers_wrap_around, setup, teardown),
		cmocka_unit_test_setup_teardown(signaled_one_by_one_they_are_let_go_in_turn, setup,
						teardown),
		cmocka_unit_test_setup_teardown(device_is_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(names_are_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(names_while_it_is_let_go, setup, teardown),
		cmocka_unit_test_setup_teardown(names_until_it_is_signaled, setup, teardown),
		cmocka_unit_test_setup_teardown(names_outlive_the_context_in_a_section, setup,
						teardown),
		cmocka_unit_test_setup_teardown(order_is_kept_when_one_is_held_up, setup, teardown),
		cmocka_unit_test_setup_teardown(failure_is_for_all, setup, teardown),
		cmocka_unit_test_setup_teardown(own_ops_are_called, setup, teardown),
		cmocka_unit_test_setup_teardown(default_ops_free, setup, teardown),
		cmocka_unit_test_setup_teardown(callbacks_may_use_the_context, setup, teardown),
		cmocka_unit_test_setup_teardown(callbacks_of_signal_until_may_too, setup, teardown),
		cmocka_unit_test_setup_teardown(allocations_fail, setup, teardown),
		cmocka_unit_test_setup_teardown(signaled_in_order_by_many, setup, teardown),
	};

	return RUN(tests);
}
