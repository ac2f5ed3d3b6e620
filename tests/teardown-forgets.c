/* SPDX-License-Identifier: MIT */
/* Defect "teardown-forgets": a producer goes away and its waiters hang. */
#include "support.h"

#define N 130 /* more than are signaled at a time */

static struct dma_fence fences[N];
static int64_t waited[N];

static void *wait_for_it(void *arg)
{
	int i = (int)(intptr_t)arg;

	waited[i] = dma_fence_wait_timeout(&fences[i], false, 6 * SECOND);
	return NULL;
}

static void pending_fences_are_cancelled_and_reported(void **state)
{
	struct dma_fence_context *context =
		dma_fence_context_create("leaving", "ring 3", plain_ops(), 1);
	struct counter counters[N] = { 0 };
	pthread_t threads[2];
	int i;

	(void)state;
	catch_reports();
	*release_count() = 0;
	for (i = 0; i < N; i++) {
		assert_int_equal(dma_fence_context_emit(context, &fences[i]), 0);
		assert_int_equal(dma_fence_add_callback(&fences[i], &counters[i].cb, count_call),
				 0);
	}
	assert_int_equal(dma_fence_context_signal_until(context, 3), 3);
	dma_fence_signal(&fences[10]);
	threads[0] = start(wait_for_it, (void *)(intptr_t)3);
	threads[1] = start(wait_for_it, (void *)(intptr_t)(N - 1));
	let_it_sleep();

	dma_fence_context_destroy(context);
	join(threads[0]);
	join(threads[1]);
	assert_true(waited[3] > 3 * SECOND);
	assert_true(waited[N - 1] > 3 * SECOND);
	for (i = 0; i < N; i++) {
		assert_int_equal(dma_fence_get_status(&fences[i]),
				 i < 3 || i == 10 ? 1 : -ECANCELED);
		assert_int_equal(calls(&counters[i]), 1);
	}
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_CONTEXT_DESTROY], N - 4);
	assert_int_equal(caught()->count, N - 4);
	assert_non_null(strstr(caught()->last, "leaving ring 3"));
	assert_non_null(strstr(caught()->last, ":130 "));
	assert_true(dma_fence_taint() & 1u << DMA_FENCE_REPORT_CONTEXT_DESTROY);

	assert_int_equal(*release_count(), 0);
	for (i = 0; i < N; i++)
		dma_fence_put(&fences[i]);
	assert_int_equal(*release_count(), N);
	dma_fence_rcu_barrier();
	catch_end();
}

/* Others may have dropped theirs long ago: then it is the context that releases. */
static void forgotten_by_all_but_the_context(void **state)
{
	struct dma_fence_context *context =
		dma_fence_context_create("leaving", "ring 3", plain_ops(), 1);
	int i;

	(void)state;
	catch_reports();
	*release_count() = 0;
	for (i = 0; i < N; i++) {
		assert_int_equal(dma_fence_context_emit(context, &fences[i]), 0);
		dma_fence_put(&fences[i]);
	}
	assert_int_equal(*release_count(), 0);
	dma_fence_context_destroy(context);
	assert_int_equal(*release_count(), N);
	assert_int_equal(caught()->count, N);
	dma_fence_rcu_barrier();
	catch_end();
}

/* A callback would submit the next piece of work: it is told that it cannot. */

static struct dma_fence_context *leaving;
static int emitted;

static void emit_the_next(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	static struct dma_fence next;

	(void)fence;
	(void)cb;
	emitted = dma_fence_context_emit(leaving, &next);
}

static void nothing_is_emitted_any_more(void **state)
{
	struct dma_fence_cb cb;

	(void)state;
	catch_reports();
	leaving = dma_fence_context_create("leaving", "ring 3", plain_ops(), 1);
	assert_int_equal(dma_fence_context_emit(leaving, &fences[0]), 0);
	assert_int_equal(dma_fence_add_callback(&fences[0], &cb, emit_the_next), 0);
	dma_fence_context_destroy(leaving);
	assert_int_equal(emitted, -ECANCELED);
	assert_int_equal(dma_fence_get_status(&fences[0]), -ECANCELED);
	dma_fence_put(&fences[0]);
	dma_fence_rcu_barrier();
	catch_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pending_fences_are_cancelled_and_reported),
		cmocka_unit_test(forgotten_by_all_but_the_context),
		cmocka_unit_test(nothing_is_emitted_any_more),
	};

	return RUN(tests);
}
