/* SPDX-License-Identifier: MIT */
/*
 * Defect "release-signals": a fence that nobody signaled is signaled by its release, and memory is
 * reused under running DMA. Ours goes into quarantine instead.
 */
#include "support.h"

static void never_published_is_released_in_silence(void **state)
{
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	dma_fence_put(dma_fence_get(&fence));
	assert_false(dma_fence_is_signaled(&fence));
	assert_int_equal(dma_fence_set_error(&fence, -EIO), 0);
	dma_fence_put(&fence);
	assert_int_equal(*release_count(), 1);
	assert_int_equal(caught()->count, 0);
}

static void quarantined(struct dma_fence *fence)
{
	assert_int_equal(*release_count(), 0);
	assert_false(dma_fence_test_signaled_flag(fence));
	assert_int_equal(dma_fence_get_status(fence), 0);
	assert_int_equal(caught()->count, 1);
	assert_int_equal(caught()->of[REPORT_QUARANTINE], 1);
	assert_true(dma_fence_report_taint() & 1u << REPORT_QUARANTINE);
	assert_int_equal(dma_fence_set_error(fence, -EIO), -EALREADY);

	dma_fence_signal(fence);
	assert_int_equal(dma_fence_get_status(fence), -EDEADLK);
	assert_int_equal(caught()->of[REPORT_LATE_SIGNAL], 1);
	assert_int_equal(caught()->count, 2);
	dma_fence_put(fence);
	dma_fence_put(fence);
	assert_int_equal(*release_count(), 0);
	assert_int_equal(caught()->count, 2);
}

static void published_by_a_callback(void **state)
{
	struct counter counter = { .ran = 0 };
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), 0);
	dma_fence_put(&fence);
	assert_int_equal(calls(&counter), 0);
	quarantined(&fence);
	assert_int_equal(calls(&counter), 1);
}

static void published_by_a_callback_that_was_removed(void **state)
{
	struct counter counter = { .ran = 0 };
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), 0);
	assert_true(dma_fence_remove_callback(&fence, &counter.cb));
	dma_fence_put(&fence);
	quarantined(&fence);
	assert_int_equal(calls(&counter), 0);
}

static void published_by_a_wait(void **state)
{
	static const int64_t timeouts[] = { 0, MS };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		struct dma_fence fence;

		catch_setup(state);
		fence_init(&fence);
		assert_int_equal(dma_fence_wait_timeout(&fence, false, timeouts[i]), 0);
		dma_fence_put(&fence);
		quarantined(&fence);
	}
}

static void published_by_enable_signaling(void **state)
{
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	dma_fence_enable_signaling(&fence);
	dma_fence_put(&fence);
	quarantined(&fence);
}

static struct dma_fence waited;
static int64_t result = 1;

static void *wait_for_it(void *arg)
{
	(void)arg;
	result = dma_fence_wait_timeout(&waited, false, 10 * SECOND);
	return NULL;
}

static void waiter_is_woken_by_the_late_signal(void **state)
{
	pthread_t thread;

	(void)state;
	fence_init(&waited);
	thread = start(wait_for_it, NULL);
	let_it_sleep();
	dma_fence_put(&waited); /* the one too many: the waiter has none of its own */
	let_it_sleep();
	assert_int_equal(result, 1);
	quarantined(&waited);
	join(thread);
	assert_true(result > 1);
	assert_int_equal(dma_fence_get_status(&waited), -EDEADLK);
}

/* A device that goes on writing into its buffer does so into memory that is still there. */
struct job {
	struct dma_fence fence;
	unsigned char buffer[4096];
};

static int device_stop;

static void *device(void *arg)
{
	struct job *job = arg;
	unsigned int i;

	for (i = 0; !atomic_load_acquire(&device_stop); i++)
		atomic_store_relaxed(&job->buffer[i % sizeof(job->buffer)], (unsigned char)i);
	dma_fence_signal(&job->fence);
	return NULL;
}

static void memory_stays_under_a_running_device(void **state)
{
	static struct job *kept; /* reachable, so that no leak checker asks */
	pthread_t thread;

	(void)state;
	kept = malloc(sizeof(*kept));
	dma_fence_init(&kept->fence, NULL, 1, 1);
	thread = start(device, kept);
	dma_fence_enable_signaling(&kept->fence);
	dma_fence_put(&kept->fence);
	dma_fence_rcu_barrier();
	sleep_ns(200 * MS);
	assert_false(dma_fence_is_signaled(&kept->fence));
	set_flag(&device_stop);
	join(thread);
	assert_int_equal(dma_fence_get_status(&kept->fence), -EDEADLK);
	assert_int_equal(caught()->of[REPORT_QUARANTINE], 1);
	assert_int_equal(caught()->of[REPORT_LATE_SIGNAL], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(never_published_is_released_in_silence, catch_setup,
						catch_teardown),
		cmocka_unit_test_setup_teardown(published_by_a_callback, catch_setup,
						catch_teardown),
		cmocka_unit_test_setup_teardown(published_by_a_callback_that_was_removed,
						catch_setup, catch_teardown),
		cmocka_unit_test_setup_teardown(published_by_a_wait, catch_setup, catch_teardown),
		cmocka_unit_test_setup_teardown(published_by_enable_signaling, catch_setup,
						catch_teardown),
		cmocka_unit_test_setup_teardown(waiter_is_woken_by_the_late_signal, catch_setup,
						catch_teardown),
		cmocka_unit_test_setup_teardown(memory_stays_under_a_running_device, catch_setup,
						catch_teardown),
	};

	return RUN(tests);
}
