/* SPDX-License-Identifier: MIT */
/* Which of two fences of one context comes later, and what of it is still to come. */
#include "support.h"

static void by_sequence_number(void **state)
{
	static const struct {
		uint64_t a, b;
		bool a_is_later;
	} pairs[] = {
		{ 2, 1, true },
		{ 1, 2, false },
		{ 1, 1, false },
		{ UINT64_C(1) << 32, UINT32_MAX, true },
		{ UINT64_C(0x180000000), 1, true },
		{ 0, UINT64_MAX, true },
		{ UINT64_MAX, 0, false },
		{ 5, UINT64_MAX - 5, true },
		{ (UINT64_C(1) << 63) - 1, 0, true },
		{ (UINT64_C(1) << 63) + 1, 0, false },
	};
	struct dma_fence a, b;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		dma_fence_init(&a, plain_ops(), 5, pairs[i].a);
		dma_fence_init(&b, plain_ops(), 5, pairs[i].b);
		assert_int_equal(dma_fence_is_later(&a, &b), pairs[i].a_is_later);
		assert_int_equal(dma_fence_is_later_or_same(&a, &b), pairs[i].a_is_later);
		assert_true(dma_fence_is_later_or_same(&a, &a));
		assert_false(dma_fence_is_later(&a, &a));
		assert_ptr_equal(dma_fence_later(&a, &b), pairs[i].a_is_later ? &a : &b);
	}
}

static void of_different_contexts_none(void **state)
{
	struct dma_fence a, b;

	(void)state;
	dma_fence_init(&a, plain_ops(), 5, 1);
	dma_fence_init(&b, plain_ops(), 6, 2);
	assert_false(dma_fence_is_later(&a, &b));
	assert_false(dma_fence_is_later(&b, &a));
	errno = 0;
	assert_null(dma_fence_later(&a, &b));
	assert_int_equal(errno, EINVAL);
}

static bool yes(struct dma_fence *fence)
{
	(void)fence;
	return true;
}

static void none_if_it_is_over(void **state)
{
	static const struct dma_fence_ops complete = { .signaled = yes, .release = count_release };
	struct dma_fence a, b;

	(void)state;
	dma_fence_init(&a, plain_ops(), 5, 1);
	dma_fence_init(&b, plain_ops(), 5, 2);
	dma_fence_signal(&a);
	assert_ptr_equal(dma_fence_later(&a, &b), &b);
	dma_fence_signal(&b);
	assert_null(dma_fence_later(&a, &b));
	assert_null(dma_fence_later(&b, &a));

	/* Complete is over, too, and is not signaled by the question. */
	dma_fence_init(&b, &complete, 5, 3);
	assert_null(dma_fence_later(&a, &b));
	assert_false(dma_fence_test_signaled_flag(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_sequence_number),
		cmocka_unit_test(of_different_contexts_none),
		cmocka_unit_test(none_if_it_is_over),
	};

	return RUN(tests);
}
