/* SPDX-License-Identifier: MIT */
/*
 * A merge of failed fences has failed: leaves that have signaled are dropped from it, what came of
 * them is not.
 */
#include "support.h"

static struct dma_fence fences[4];

static int setup(void **state)
{
	int i;

	catch_setup(state);
	for (i = 0; i < 4; i++)
		fence_init(&fences[i]);
	return 0;
}

static int teardown(void **state)
{
	int i;

	for (i = 0; i < 4; i++) {
		dma_fence_signal_timestamp(&fences[i], 1);
		dma_fence_put(&fences[i]);
	}
	if (*release_count() != 4 || caught()->count)
		return -1;
	return catch_teardown(state);
}

static void end(struct dma_fence *fence, int error, int64_t timestamp)
{
	if (error)
		assert_int_equal(dma_fence_set_error(fence, error), 0);
	dma_fence_signal_timestamp(fence, timestamp);
}

static unsigned int leaves(struct dma_fence *fence)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *leaf;
	unsigned int count = 0;

	dma_fence_unwrap_for_each (leaf, &cursor, fence)
		count++;
	return count;
}

static void nothing_is_pending(void **state)
{
	struct dma_fence *merged;

	(void)state;
	end(&fences[0], 0, 30);
	end(&fences[1], -EIO, 20);
	end(&fences[2], -EPIPE, 10);
	merged = dma_fence_unwrap_merge(&fences[0], &fences[1], &fences[2]);
	assert_non_null(merged);
	assert_true(dma_fence_test_signaled_flag(merged));
	assert_int_equal(dma_fence_get_status(merged), -EPIPE);
	assert_int_equal(dma_fence_timestamp(merged), 30);
	dma_fence_put(merged);
}

static void one_is_pending(void **state)
{
	struct dma_fence *merged;

	(void)state;
	end(&fences[0], -EIO, 10);
	merged = dma_fence_unwrap_merge(&fences[0], &fences[1]);
	assert_non_null(merged);
	assert_ptr_not_equal(merged, &fences[1]); /* which will not fail */
	assert_int_equal(leaves(merged), 1);
	assert_int_equal(dma_fence_get_status(merged), 0);
	end(&fences[1], 0, 5);
	assert_int_equal(dma_fence_get_status(merged), -EIO);
	assert_int_equal(dma_fence_timestamp(merged), 10);
	dma_fence_put(merged);
}

static void one_is_pending_and_none_has_failed(void **state)
{
	struct dma_fence *merged;

	(void)state;
	end(&fences[0], 0, 10);
	merged = dma_fence_unwrap_merge(&fences[0], &fences[1]);
	assert_ptr_equal(merged, &fences[1]);
	dma_fence_put(merged);
}

static void several_are_pending(void **state)
{
	struct dma_fence *merged;

	(void)state;
	end(&fences[0], -EIO, 20);
	merged = dma_fence_unwrap_merge(&fences[0], &fences[1], &fences[2]);
	assert_non_null(merged);
	assert_int_equal(leaves(merged), 2);
	/* One that was pending fails, and at an earlier time. */
	end(&fences[1], -EPIPE, 10);
	end(&fences[2], 0, 15);
	assert_int_equal(dma_fence_get_status(merged), -EPIPE);
	assert_int_equal(dma_fence_timestamp(merged), 20);
	dma_fence_put(merged);
}

static void merged_again(void **state)
{
	struct dma_fence *first, *second, *third;

	(void)state;
	end(&fences[0], -EIO, 20);
	first = dma_fence_unwrap_merge(&fences[0], &fences[1]);
	assert_non_null(first);
	second = dma_fence_unwrap_merge(first, &fences[2]);
	assert_non_null(second);
	assert_int_equal(leaves(second), 2);
	end(&fences[1], 0, 25);
	end(&fences[2], -EPIPE, 30);
	assert_int_equal(dma_fence_get_status(second), -EIO);
	/* And a third time, when all is over. */
	third = dma_fence_unwrap_merge(first, NULL, second, &fences[2]);
	assert_non_null(third);
	assert_int_equal(dma_fence_get_status(third), -EIO);
	assert_int_equal(dma_fence_timestamp(third), 30);
	dma_fence_put(first);
	dma_fence_put(second);
	dma_fence_put(third);
}

/* Links that failed may have been taken out of the chain before it is merged. */
static void from_a_chain(void **state)
{
	struct dma_fence *head = NULL, *link, *merged;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct dma_fence_chain *chain = dma_fence_chain_alloc();

		assert_non_null(chain);
		dma_fence_chain_init(chain, head, dma_fence_get(&fences[i]), (uint64_t)i + 1);
		head = &chain->base;
	}
	end(&fences[0], -EIO, 10);
	end(&fences[1], 0, 40);
	dma_fence_chain_for_each (link, head)
		;
	merged = dma_fence_unwrap_merge(head, &fences[3]);
	assert_non_null(merged);
	assert_int_equal(leaves(merged), 2);
	end(&fences[2], 0, 20);
	end(&fences[3], 0, 30);
	assert_int_equal(dma_fence_get_status(merged), -EIO);
	assert_int_equal(dma_fence_timestamp(merged), 40);
	dma_fence_put(merged);
	dma_fence_put(head);
}

/* A leaf that is done, and only its back end knows. */
static bool always(struct dma_fence *fence)
{
	(void)fence;
	return true;
}

static void leaves_are_polled(void **state)
{
	static const struct dma_fence_ops ops = { .signaled = always, .release = count_release };
	struct dma_fence complete, *merged;

	(void)state;
	dma_fence_init(&complete, &ops, dma_fence_context_alloc(1), 1);
	assert_int_equal(dma_fence_set_error(&complete, -EIO), 0);
	merged = dma_fence_unwrap_merge(&complete, &fences[0]);
	assert_non_null(merged);
	assert_int_equal(leaves(merged), 1);
	end(&fences[0], 0, 5);
	assert_int_equal(dma_fence_get_status(merged), -EIO);
	dma_fence_put(merged);
	dma_fence_put(&complete);
	*release_count() -= 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_pending, setup, teardown),
		cmocka_unit_test_setup_teardown(one_is_pending, setup, teardown),
		cmocka_unit_test_setup_teardown(one_is_pending_and_none_has_failed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(several_are_pending, setup, teardown),
		cmocka_unit_test_setup_teardown(merged_again, setup, teardown),
		cmocka_unit_test_setup_teardown(from_a_chain, setup, teardown),
		cmocka_unit_test_setup_teardown(leaves_are_polled, setup, teardown),
	};

	return RUN(tests);
}
