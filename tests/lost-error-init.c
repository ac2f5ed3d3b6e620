/* SPDX-License-Identifier: MIT */
/*
 * A member's error reaches the array. What says "no error yet" was once stored before the fence was
 * initialised, which overwrote it, and from then on no error was taken for the first.
 */
#include "support.h"

static void from_each_member(void **state)
{
	int failed, before;

	(void)state;
	for (failed = 0; failed < 3; failed++) {
		for (before = 0; before < 2; before++) {
			struct dma_fence members[3];
			struct dma_fence_array *array;
			struct counter counter;
			int i;

			for (i = 0; i < 3; i++)
				fence_init(&members[i]);
			assert_int_equal(dma_fence_set_error(&members[failed], -EIO), 0);
			if (before)
				dma_fence_signal(&members[failed]);
			array = array_of_fences(members, 3);
			assert_int_equal(
				dma_fence_add_callback(&array->base, &counter.cb, count_call), 0);
			for (i = 0; i < 3; i++)
				dma_fence_signal(&members[i]);
			assert_int_equal(dma_fence_get_status(&array->base), -EIO);
			dma_fence_put(&array->base);
			for (i = 0; i < 3; i++)
				dma_fence_put(&members[i]);
		}
	}
}

/* By dma_fence_array_init(), into memory that held something else before. */
static void into_used_memory(void **state)
{
	struct dma_fence_array *array = dma_fence_array_alloc();
	struct dma_fence **vector = malloc(sizeof(*vector));
	struct dma_fence member;

	(void)state;
	assert_non_null(array);
	assert_non_null(vector);
	memset(array, 0xff, sizeof(*array));
	fence_init(&member);
	vector[0] = dma_fence_get(&member);
	dma_fence_array_init(array, 1, vector, dma_fence_context_alloc(1), 1);
	assert_int_equal(dma_fence_set_error(&member, -EPIPE), 0);
	dma_fence_signal_timestamp(&member, 77);
	assert_int_equal(dma_fence_get_status(&array->base), -EPIPE);
	assert_int_equal(dma_fence_timestamp(&array->base), 77);
	dma_fence_put(&array->base);
	dma_fence_put(&member);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_each_member),
		cmocka_unit_test(into_used_memory),
	};

	return RUN(tests);
}
