/* SPDX-License-Identifier: MIT */
/*
 * An array that has its callback on the last pending member is not signaled. The position once
 * counted the members that had no callback yet; with one signaled and one pending that was none.
 */
#include "support.h"

static void assert_pending(struct dma_fence *fence)
{
	assert_false(dma_fence_is_signaled(fence));
	assert_false(dma_fence_test_signaled_flag(fence));
	assert_false(dma_fence_poll(fence));
	assert_int_equal(dma_fence_get_status(fence), 0);
	assert_int_equal(dma_fence_timestamp(fence), -EAGAIN);
	assert_int_equal(dma_fence_wait_timeout(fence, false, 0), 0);
}

static void one_signaled_one_pending(void **state)
{
	int pending, armed_first;

	(void)state;
	for (pending = 0; pending < 2; pending++) {
		for (armed_first = 0; armed_first < 2; armed_first++) {
			struct dma_fence members[2];
			struct dma_fence_array *array;
			struct counter counter = { 0 };

			fence_init(&members[0]);
			fence_init(&members[1]);
			if (!armed_first)
				dma_fence_signal(&members[!pending]);
			array = array_of_fences(members, 2);
			assert_pending(&array->base);
			assert_int_equal(
				dma_fence_add_callback(&array->base, &counter.cb, count_call), 0);
			if (armed_first)
				dma_fence_signal(&members[!pending]);
			assert_pending(&array->base);
			assert_int_equal(calls(&counter), 0);
			dma_fence_signal(&members[pending]);
			assert_true(dma_fence_test_signaled_flag(&array->base));
			assert_int_equal(calls(&counter), 1);
			dma_fence_put(&array->base);
			dma_fence_put(&members[0]);
			dma_fence_put(&members[1]);
			assert_int_equal(*release_count(), 2);
			*release_count() = 0;
		}
	}
}

/* Asks again each time that the callback has been put on a member: the position has just moved. */
#define MEMBERS 6

static struct dma_fence_array *asked;
static int added;

static void ask(struct dma_fence *fence, struct dma_fence_cb *cb, dma_fence_func_t func, int result)
{
	(void)func;
	if (!asked || cb != &asked->cb)
		return;
	added++;
	assert_int_equal(result, 0);
	assert_false(dma_fence_test_signaled_flag(fence));
	assert_false(dma_fence_is_signaled(&asked->base));
}

static void while_it_rolls(void **state)
{
	static const struct hooks hooks = { .add_callback = ask };
	/* From both ends at once: each is the one with the callback. */
	static const int order[MEMBERS] = { 5, 0, 4, 1, 3, 2 };
	struct dma_fence members[MEMBERS];
	struct counter counter = { 0 };
	int i;

	(void)state;
	for (i = 0; i < MEMBERS; i++)
		fence_init(&members[i]);
	asked = array_of_fences(members, MEMBERS);
	dma_fence_hooks_add(&hooks);
	assert_int_equal(dma_fence_add_callback(&asked->base, &counter.cb, count_call), 0);
	for (i = 0; i < MEMBERS; i++) {
		assert_false(dma_fence_is_signaled(&asked->base));
		dma_fence_signal(&members[order[i]]);
	}
	dma_fence_hooks_remove(&hooks);
	assert_int_equal(added, MEMBERS);
	assert_int_equal(calls(&counter), 1);
	assert_true(dma_fence_test_signaled_flag(&asked->base));
	dma_fence_put(&asked->base);
	asked = NULL;
	for (i = 0; i < MEMBERS; i++)
		dma_fence_put(&members[i]);
}

/* A member that is done, but has not been told so, counts; one that is not does not. */
static bool complete[2];
static struct dma_fence polled[2];

static bool is_complete(struct dma_fence *fence)
{
	return complete[fence - polled];
}

static void members_that_can_be_asked(void **state)
{
	static const struct dma_fence_ops ops = { .signaled = is_complete,
						  .release = count_release };
	struct dma_fence_array *array;
	int last;

	(void)state;
	for (last = 0; last < 2; last++) {
		complete[0] = complete[1] = false;
		dma_fence_init(&polled[0], &ops, dma_fence_context_alloc(1), 1);
		dma_fence_init(&polled[1], &ops, dma_fence_context_alloc(1), 1);
		array = array_of_fences(polled, 2);
		dma_fence_enable_signaling(&array->base);
		assert_pending(&array->base);
		complete[!last] = true;
		assert_pending(&array->base);
		complete[last] = true;
		/* Asking changes nothing, */
		assert_true(dma_fence_is_signaled(&array->base));
		assert_false(dma_fence_test_signaled_flag(&array->base));
		assert_false(dma_fence_test_signaled_flag(&polled[last]));
		/* polling does. */
		assert_true(dma_fence_poll(&array->base));
		assert_true(dma_fence_test_signaled_flag(&array->base));
		assert_true(dma_fence_test_signaled_flag(&polled[0]));
		assert_true(dma_fence_test_signaled_flag(&polled[1]));
		dma_fence_put(&array->base);
		dma_fence_put(&polled[0]);
		dma_fence_put(&polled[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_signaled_one_pending, catch_setup,
						catch_teardown),
		cmocka_unit_test(while_it_rolls),
		cmocka_unit_test(members_that_can_be_asked),
	};

	return RUN(tests);
}
