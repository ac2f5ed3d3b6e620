/* SPDX-License-Identifier: MIT */
/* Callbacks that wait: dma_fence_begin_delivery() and dma_fence_end_delivery(). */
#include "support.h"

struct noted {
	struct dma_fence_cb cb;
	int *clock;
	int when;
};

static void note(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct noted *noted = container_of(cb, struct noted, cb);

	(void)fence;
	noted->when = ++*noted->clock;
}

static void callbacks_wait_for_the_end(void **state)
{
	struct dma_fence fences[3];
	struct noted noted[3];
	const int order[] = { 2, 0, 1 };
	int clock = 0, i;
	bool begun;

	(void)state;
	for (i = 0; i < 3; i++) {
		fence_init(&fences[i]);
		noted[i] = (struct noted){ .clock = &clock };
		assert_int_equal(dma_fence_add_callback(&fences[i], &noted[i].cb, note), 0);
	}
	begun = dma_fence_begin_delivery();
	assert_true(begun);
	for (i = 0; i < 3; i++) {
		dma_fence_signal(&fences[order[i]]);
		assert_true(dma_fence_test_signaled_flag(&fences[order[i]]));
	}
	assert_int_equal(clock, 0);
	/* What could only end when this thread goes on says so. */
	assert_int_equal(dma_fence_flush(&fences[0]), -EDEADLK);
	assert_int_equal(dma_fence_wait(&fences[0], false), -EDEADLK);
	dma_fence_end_delivery(begun);
	for (i = 0; i < 3; i++) {
		assert_int_equal(noted[order[i]].when, i + 1);
		assert_int_equal(dma_fence_wait(&fences[i], false), 0);
		dma_fence_put(&fences[i]);
	}
}

static void the_outermost_decides(void **state)
{
	struct counter counter = { .ran = 0 };
	bool outer, inner;
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), 0);
	outer = dma_fence_begin_delivery();
	inner = dma_fence_begin_delivery();
	assert_false(inner);
	dma_fence_signal(&fence);
	dma_fence_end_delivery(inner);
	assert_int_equal(calls(&counter), 0);
	dma_fence_end_delivery(outer);
	assert_int_equal(calls(&counter), 1);
	dma_fence_put(&fence);
}

static void count_at_once(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	const bool begun = dma_fence_begin_delivery();

	assert_false(begun);
	dma_fence_end_delivery(begun);
	count_call(fence, cb);
}

static void a_callback_is_inside_one(void **state)
{
	struct counter counter = { .ran = 0 };
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_at_once), 0);
	dma_fence_signal(&fence);
	assert_int_equal(calls(&counter), 1);
	dma_fence_put(&fence);
}

/* That of a container is called by another way when nobody else waits. */
static void an_array_waits_too(void **state)
{
	struct counter counter = { .ran = 0 };
	struct dma_fence_array *array;
	struct dma_fence members[2];
	bool begun;
	int i;

	(void)state;
	for (i = 0; i < 2; i++)
		fence_init(&members[i]);
	array = array_of_fences(members, 2);
	assert_int_equal(dma_fence_add_callback(&array->base, &counter.cb, count_call), 0);
	begun = dma_fence_begin_delivery();
	for (i = 0; i < 2; i++)
		dma_fence_signal(&members[i]);
	assert_false(dma_fence_test_signaled_flag(&array->base));
	assert_true(dma_fence_is_signaled(&array->base));
	assert_int_equal(calls(&counter), 0);
	dma_fence_end_delivery(begun);
	assert_true(dma_fence_test_signaled_flag(&array->base));
	assert_int_equal(calls(&counter), 1);
	dma_fence_put(&array->base);
	for (i = 0; i < 2; i++)
		dma_fence_put(&members[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(callbacks_wait_for_the_end),
		cmocka_unit_test(the_outermost_decides),
		cmocka_unit_test(a_callback_is_inside_one),
		cmocka_unit_test(an_array_waits_too),
	};

	return RUN(tests);
}
