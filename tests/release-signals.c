/* SPDX-License-Identifier: MIT */
/*
 * Defect "release-signals": a fence that nobody signaled is signaled by its release, and memory is
 * reused under running DMA. Ours goes into quarantine instead.
 */
#include "support.h"

#include "fence/state.h"

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
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_QUARANTINE], 1);
	assert_true(dma_fence_taint() & 1u << DMA_FENCE_REPORT_QUARANTINE);
	assert_int_equal(dma_fence_set_error(fence, -EIO), -EALREADY);

	dma_fence_signal(fence);
	assert_int_equal(dma_fence_get_status(fence), -EDEADLK);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_LATE_SIGNAL], 1);
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
	while (!(atomic_load_acquire(&waited.state) & DMA_FENCE_STATE_WAITERS))
		sched_yield();
	dma_fence_put(&waited); /* the one too many: the waiter has none of its own */
	let_it_sleep();
	assert_int_equal(result, 1);
	quarantined(&waited);
	join(thread);
	assert_true(result > 5 * SECOND);
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
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_QUARANTINE], 1);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_LATE_SIGNAL], 1);
}

/* As it is in production: without hooks, where a signal takes its short way. */
static void late_signal_is_reported_without_hooks(void **state)
{
	static struct dma_fence fence;
	char text[1000] = "";
	int saved = dup(2), fds[2];
	ssize_t n;

	(void)state;
	catch_end();
	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], 2);
	fence_init(&fence);
	dma_fence_enable_signaling(&fence);
	dma_fence_put(&fence);
	dma_fence_signal(&fence);
	dup2(saved, 2);
	close(saved);
	close(fds[1]);
	for (n = 0; n < (ssize_t)sizeof(text) - 1;) {
		ssize_t more = read(fds[0], text + n, sizeof(text) - 1 - (size_t)n);

		if (more <= 0)
			break;
		n += more;
	}
	close(fds[0]);
	assert_non_null(strstr(text, "lost its last reference before it was signaled"));
	assert_non_null(strstr(text, "is signaled now, after its last reference was dropped"));
	assert_int_equal(dma_fence_get_status(&fence), -EDEADLK);
}

/* Two producers' threads that contend for its lock are not yet somebody who waits. */

static void *fail_it(void *arg)
{
	assert_int_equal(dma_fence_set_error(arg, -EIO), 0);
	return NULL;
}

static void contention_is_not_publication(void **state)
{
	struct dma_fence fence;
	pthread_t thread;

	(void)state;
	fence_init(&fence);
	dma_fence_lock_state(&fence, true);
	thread = start(fail_it, &fence);
	let_it_sleep();
	dma_fence_unlock_pending(&fence, NULL);
	join(thread);
	dma_fence_put(&fence);
	assert_int_equal(*release_count(), 1);
	assert_int_equal(caught()->count, 0);
}

/* Its error stays, whatever its producer does later. */
static void error_of_the_quarantined_stays(void **state)
{
	struct dma_fence_context *context = dma_fence_context_create("d", "t", plain_ops(), 1);
	static struct dma_fence fence;

	(void)state;
	assert_int_equal(dma_fence_context_emit(context, &fence), 0);
	dma_fence_enable_signaling(&fence);
	dma_fence_put(&fence);
	dma_fence_put(&fence); /* the context's */
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_QUARANTINE], 1);
	assert_int_equal(dma_fence_context_fail(context, -ENODEV), 1);
	assert_int_equal(dma_fence_get_status(&fence), -EDEADLK);
	dma_fence_context_destroy(context);
	dma_fence_rcu_barrier();
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
		cmocka_unit_test_setup_teardown(late_signal_is_reported_without_hooks, catch_setup,
						catch_teardown),
		cmocka_unit_test_setup_teardown(contention_is_not_publication, catch_setup,
						catch_teardown),
		cmocka_unit_test_setup_teardown(error_of_the_quarantined_stays, catch_setup,
						catch_teardown),
		cmocka_unit_test_setup_teardown(memory_stays_under_a_running_device, catch_setup,
						catch_teardown),
	};

	return RUN(tests);
}
