/* SPDX-License-Identifier: MIT */
/*
 * Enabling an array may complete it: no lock is held that completing takes, and members that are
 * told so may do with the array what they like.
 */
#include "support.h"

#define MEMBERS 4

static struct dma_fence_array *array_of_signaled(struct dma_fence *members)
{
	int i;

	for (i = 0; i < MEMBERS; i++) {
		fence_init(&members[i]);
		dma_fence_signal(&members[i]);
	}
	return array_of_fences(members, MEMBERS);
}

static void drop(struct dma_fence_array *array, struct dma_fence *members)
{
	int i;

	dma_fence_put(&array->base);
	for (i = 0; i < MEMBERS; i++)
		dma_fence_put(&members[i]);
}

static void enabling_completes(void **state)
{
	struct dma_fence members[MEMBERS];
	struct dma_fence_array *array;
	struct counter counter = { 0 };

	(void)state;
	array = array_of_signaled(members);
	assert_int_equal(dma_fence_add_callback(&array->base, &counter.cb, count_call), -ENOENT);
	assert_int_equal(dma_fence_get_status(&array->base), 1);
	drop(array, members);

	array = array_of_signaled(members);
	dma_fence_enable_signaling(&array->base);
	assert_true(dma_fence_test_signaled_flag(&array->base));
	drop(array, members);

	array = array_of_signaled(members);
	assert_int_equal(dma_fence_wait(&array->base, false), 0);
	drop(array, members);
}

/* Members whose enable_signaling uses the array that enables them, and finds the work done. */
struct member {
	struct dma_fence fence;
	struct dma_fence_array **array;
	struct counter counter;
	int enabled;
	int added;
};

static bool use_the_array(struct dma_fence *fence)
{
	struct member *member = container_of(fence, struct member, fence);
	struct dma_fence *array = &(*member->array)->base;

	member->enabled++;
	assert_false(dma_fence_is_signaled(array));
	assert_int_equal(dma_fence_set_error(fence, -EIO), 0);
	assert_false(dma_fence_poll(array));
	member->added = dma_fence_add_callback(array, &member->counter.cb, count_call);
	dma_fence_set_deadline(array, 1);
	dma_fence_put(dma_fence_get(array));
	return false;
}

static void members_use_the_array(void **state)
{
	static const struct dma_fence_ops ops = { .enable_signaling = use_the_array,
						  .release = count_release };
	struct member members[MEMBERS];
	struct dma_fence_array *array;
	struct dma_fence **vector = malloc(MEMBERS * sizeof(*vector));
	struct counter counter = { 0 };
	int i;

	(void)state;
	assert_non_null(vector);
	memset(members, 0, sizeof(members));
	for (i = 0; i < MEMBERS; i++) {
		dma_fence_init(&members[i].fence, &ops, dma_fence_context_alloc(1), 1);
		members[i].array = &array;
		vector[i] = dma_fence_get(&members[i].fence);
	}
	array = dma_fence_array_create(MEMBERS, vector, dma_fence_context_alloc(1), 1);
	assert_non_null(array);
	assert_int_equal(dma_fence_add_callback(&array->base, &counter.cb, count_call), -ENOENT);
	assert_int_equal(dma_fence_get_status(&array->base), -EIO);
	for (i = 0; i < MEMBERS; i++) {
		assert_int_equal(members[i].enabled, 1);
		assert_int_equal(members[i].added, 0);
		assert_int_equal(calls(&members[i].counter), 1);
		dma_fence_put(&members[i].fence);
	}
	dma_fence_put(&array->base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enabling_completes),
		cmocka_unit_test(members_use_the_array),
	};

	return RUN(tests);
}
