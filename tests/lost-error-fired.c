/* SPDX-License-Identifier: MIT */
/*
 * The error of the member whose callback fired counts like that of a member that was found
 * signaled.
 */
#include "support.h"

#include "fence/state.h"

#define MEMBERS 4

/* Whichever member it sits on when it fails. */
static void fires_on_the_one_that_failed(void **state)
{
	int failed, left, i;

	(void)state;
	for (failed = 0; failed < MEMBERS; failed++) {
		struct dma_fence members[MEMBERS];
		struct counter counter = { 0 };
		struct dma_fence_array *array;

		for (i = 0; i < MEMBERS; i++)
			fence_init(&members[i]);
		array = array_of_fences(members, MEMBERS);
		assert_int_equal(dma_fence_add_callback(&array->base, &counter.cb, count_call), 0);
		/* Signals the one it sits on, until it is this one or only this one is left. */
		for (left = MEMBERS; left > 1; left--) {
			for (i = 0; dma_fence_test_signaled_flag(&members[i]) ||
				    !state_callbacks(members[i].state);
			     i++)
				;
			if (i == failed)
				break;
			dma_fence_signal(&members[i]);
		}
		assert_ptr_equal(state_callbacks(members[failed].state), &array->cb);
		assert_int_equal(dma_fence_set_error(&members[failed], -EIO - failed), 0);
		dma_fence_signal(&members[failed]);
		for (i = 0; i < MEMBERS; i++)
			dma_fence_signal(&members[i]);
		assert_int_equal(calls(&counter), 1);
		assert_int_equal(dma_fence_get_status(&array->base), -EIO - failed);
		dma_fence_put(&array->base);
		for (i = 0; i < MEMBERS; i++)
			dma_fence_put(&members[i]);
	}
}

/* One fired, one was found; the one that signaled first counts, whichever it was. */
static void the_first_of_both_kinds(void **state)
{
	int fired_first;

	(void)state;
	for (fired_first = 0; fired_first < 2; fired_first++) {
		struct dma_fence members[2];
		struct dma_fence_array *array;

		fence_init(&members[0]);
		fence_init(&members[1]);
		array = array_of_fences(members, 2);
		dma_fence_enable_signaling(&array->base);
		assert_int_equal(dma_fence_set_error(&members[0], -EIO), 0);
		assert_int_equal(dma_fence_set_error(&members[1], -EPIPE), 0);
		dma_fence_signal_timestamp(&members[0], fired_first ? 20 : 10); /* found */
		dma_fence_signal_timestamp(&members[1], fired_first ? 10 : 20);
		assert_int_equal(dma_fence_get_status(&array->base), fired_first ? -EPIPE : -EIO);
		assert_int_equal(dma_fence_timestamp(&array->base), 20);
		dma_fence_put(&array->base);
		dma_fence_put(&members[0]);
		dma_fence_put(&members[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_on_the_one_that_failed),
		cmocka_unit_test(the_first_of_both_kinds),
	};

	return RUN(tests);
}
