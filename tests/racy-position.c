/* SPDX-License-Identifier: MIT */
/*
 * Who is told that an array is signaled sees what all its producers wrote, also those of members
 * that another thread has passed: the position brings that with it. On x86 every load does; it is
 * ThreadSanitizer that sees the difference.
 */
#include "locked-fence.h"

static struct dma_fence members[2];
static struct dma_fence_array *array;
static struct counter counter;
static int written; /* a plain variable, by the producer of the second member */

static void *produce(void *arg)
{
	(void)arg;
	written = 1;
	dma_fence_signal(&members[1]);
	return NULL;
}

/* Passes the second member, and is held up before the callback is added to the first. */
static void *enable(void *arg)
{
	while (!dma_fence_test_signaled_flag(&members[1]))
		sched_yield();
	*(int *)arg = dma_fence_add_callback(&array->base, &counter.cb, count_call);
	return NULL;
}

static void what_was_written_is_seen(void **state)
{
	pthread_t producer, enabler;
	int added = 0;

	(void)state;
	fence_init(&members[0]);
	fence_init(&members[1]);
	array = array_of_fences(members, 2);
	lock_fence(&members[0]);
	lock_fence(&array->base); /* nor must it be the array's flag */
	producer = start(produce, NULL);
	enabler = start(enable, &added);

	/* Relaxed, so that it is not this that makes the write visible. */
	while (atomic_load_relaxed(&array->position) != 1)
		sched_yield();
	signal_locked_fence(&members[0], 1);
	if (dma_fence_is_signaled(&array->base))
		assert_int_equal(written, 1);
	else
		assert_true(false);
	dma_fence_unlock_pending(&array->base, NULL);

	join(producer);
	join(enabler);
	assert_int_equal(added, -ENOENT);
	assert_int_equal(dma_fence_get_status(&array->base), 1);
	dma_fence_put(&array->base);
	dma_fence_put(&members[0]);
	dma_fence_put(&members[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_seen),
	};

	return RUN(tests);
}
