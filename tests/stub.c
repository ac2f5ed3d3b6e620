/* SPDX-License-Identifier: MIT */
/* Fences that are signaled from the start. */
#include "support.h"

#include "failing-malloc.h"

static void shared_stub(void **state)
{
	struct dma_fence *a = dma_fence_get_stub(), *b = dma_fence_get_stub();
	struct counter counter = { .ran = 0 };
	uint32_t idx = 5;

	(void)state;
	assert_ptr_equal(a, b);
	assert_true(dma_fence_is_signaled(a));
	assert_int_equal(dma_fence_get_status(a), 1);
	assert_int_equal(dma_fence_timestamp(a), 0);
	assert_int_equal(dma_fence_wait(a, true), 0);
	assert_int_equal(dma_fence_flush(a), 0);
	assert_int_equal(dma_fence_wait_any_timeout(&a, 1, false, 0, &idx), 1);
	assert_int_equal(idx, 0);
	assert_true(dma_fence_check_and_signal(a));
	assert_int_equal(dma_fence_add_callback(a, &counter.cb, count_call), -ENOENT);
	assert_int_equal(dma_fence_set_error(a, -EIO), -EALREADY);
	dma_fence_put(a);
	dma_fence_put(b);
	a = dma_fence_get_stub();
	assert_ptr_equal(a, b);
	dma_fence_put(a);
}

static void shared_stub_survives_a_put_too_many(void **state)
{
	struct dma_fence *stub = dma_fence_get_stub();

	(void)state;
	catch_reports();
	dma_fence_put(stub);
	dma_fence_put(stub);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_REFCOUNT], 1);
	stub = dma_fence_get_stub();
	assert_true(dma_fence_is_signaled(stub));
	dma_fence_put(stub);
	assert_int_equal(caught()->count, 1);
	catch_end();
}

static void private_stub(void **state)
{
	struct dma_fence *a = dma_fence_allocate_private_stub(1234);
	struct dma_fence *b = dma_fence_allocate_private_stub(5678);

	(void)state;
	assert_ptr_not_equal(a, b);
	assert_int_not_equal(a->context, b->context);
	assert_int_equal(dma_fence_get_status(a), 1);
	assert_int_equal(dma_fence_timestamp(a), 1234);
	assert_int_equal(dma_fence_timestamp(b), 5678);
	dma_fence_put(a);
	dma_fence_put(b);

	errno = 0;
	failing_malloc_in = 1;
	assert_null(dma_fence_allocate_private_stub(1));
	assert_int_equal(errno, ENOMEM);
	dma_fence_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_stub),
		cmocka_unit_test(private_stub),
		cmocka_unit_test(shared_stub_survives_a_put_too_many),
	};

	return RUN(tests);
}
