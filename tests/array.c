/* SPDX-License-Identifier: MIT */
/* What dmafence/array.h promises of arrays, one by one. */
#include "support.h"

#include "base/refcount.h"

#define MEMBERS 5

static struct dma_fence members[MEMBERS];
static struct dma_fence_array *array;

static int setup(void **state)
{
	int i;

	catch_setup(state);
	for (i = 0; i < MEMBERS; i++)
		fence_init(&members[i]);
	array = array_of_fences(members, MEMBERS);
	return 0;
}

/* Signals what is left, and sees that nothing is held any more. */
static int teardown(void **state)
{
	int i;

	for (i = 0; i < MEMBERS; i++)
		dma_fence_signal(&members[i]);
	if (array)
		dma_fence_put(&array->base);
	for (i = 0; i < MEMBERS; i++)
		dma_fence_put(&members[i]);
	if (*release_count() != MEMBERS || caught()->count)
		return -1;
	return catch_teardown(state);
}

static void end_badly(int i, int error, int64_t timestamp)
{
	assert_int_equal(dma_fence_set_error(&members[i], error), 0);
	dma_fence_signal_timestamp(&members[i], timestamp);
}

/* How it ended */

static void error_of_the_first_that_failed(void **state)
{
	(void)state;
	dma_fence_enable_signaling(&array->base);
	end_badly(4, -EIO, 50);
	end_badly(0, -EPIPE, 40);
	end_badly(2, -ENODEV, 30);
	end_badly(1, -ENOSPC, 60);
	dma_fence_signal_timestamp(&members[3], 10);
	assert_int_equal(dma_fence_get_status(&array->base), -ENODEV);
	assert_int_equal(dma_fence_timestamp(&array->base), 60);
}

static void at_the_same_time_the_lowest_index_counts(void **state)
{
	int armed, i;

	(void)state;
	for (armed = 0; armed < 3; armed++) {
		struct dma_fence fences[MEMBERS];
		struct dma_fence_array *equal;

		for (i = 0; i < MEMBERS; i++)
			fence_init(&fences[i]);
		equal = array_of_fences(fences, MEMBERS);
		if (armed)
			dma_fence_enable_signaling(&equal->base);
		for (i = 0; i < MEMBERS; i++) {
			/* downwards, upwards, and from the middle */
			int n = armed == 1 ? MEMBERS - 1 - i : armed == 2 ? i : (i + 2) % MEMBERS;

			if (n != 0)
				assert_int_equal(dma_fence_set_error(&fences[n], -100 - n), 0);
			dma_fence_signal_timestamp(&fences[n], 7);
		}
		assert_int_equal(dma_fence_get_status(&equal->base), -101);
		assert_int_equal(dma_fence_timestamp(&equal->base), 7);
		dma_fence_put(&equal->base);
		for (i = 0; i < MEMBERS; i++)
			dma_fence_put(&fences[i]);
		*release_count() = 0;
	}
}

/* Whoever signals it, by whatever path, does not look at the clock. */
static void polled_it_ends_as_its_members_did(void **state)
{
	int i;

	(void)state;
	for (i = 1; i < MEMBERS; i++)
		dma_fence_signal_timestamp(&members[i], i);
	end_badly(0, -EIO, 3);
	assert_true(dma_fence_poll(&array->base));
	assert_int_equal(dma_fence_get_status(&array->base), -EIO);
	assert_int_equal(dma_fence_timestamp(&array->base), MEMBERS - 1);
}

/* Who holds what */

static void lives_for_its_callback(void **state)
{
	struct counter counter = { 0 };
	int i;

	(void)state;
	assert_int_equal(dma_fence_add_callback(&array->base, &counter.cb, count_call), 0);
	dma_fence_put(&array->base);
	array = NULL;
	for (i = 0; i < MEMBERS; i++) {
		assert_int_equal(calls(&counter), 0);
		dma_fence_signal(&members[i]);
	}
	assert_int_equal(calls(&counter), 1);
}

static void goes_unsignaled_if_nobody_waited(void **state)
{
	int i;

	(void)state;
	dma_fence_put(&array->base);
	array = NULL;
	for (i = 0; i < MEMBERS; i++)
		assert_int_equal(members[i].refcount, 1);
}

static void a_wait_that_timed_out_leaves_nothing_behind(void **state)
{
	int i;

	(void)state;
	assert_int_equal(dma_fence_wait_timeout(&array->base, false, 1), 0);
	dma_fence_put(&array->base);
	array = NULL;
	for (i = 0; i < MEMBERS; i++)
		dma_fence_signal(&members[i]);
	for (i = 0; i < MEMBERS; i++)
		assert_int_equal(members[i].refcount, 1);
}

static void members_are_published(void **state)
{
	struct dma_fence_array *lost;
	struct dma_fence *fence = malloc(sizeof(*fence));

	(void)state;
	assert_non_null(fence);
	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	lost = array_of_fences(fence, 1);
	dma_fence_put(&lost->base);
	assert_int_equal(caught()->count, 0);
	/* Somebody could have been waiting for it. */
	dma_fence_put(fence);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_QUARANTINE], 1);
	assert_int_equal(caught()->count, 1);
	caught()->count = 0;
	assert_true(refcount_saturated(&fence->refcount));
	dma_fence_signal(fence);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_LATE_SIGNAL], 1);
	caught()->count = 0;
	free(fence);
}

static void a_member_may_be_there_twice(void **state)
{
	struct dma_fence **vector = malloc(4 * sizeof(*vector));
	struct dma_fence_array *twice;
	struct counter counter = { 0 };
	int i;

	(void)state;
	assert_non_null(vector);
	for (i = 0; i < 4; i++)
		vector[i] = dma_fence_get(&members[i / 2]);
	twice = dma_fence_array_create(4, vector, 1, 1);
	assert_non_null(twice);
	assert_int_equal(dma_fence_add_callback(&twice->base, &counter.cb, count_call), 0);
	dma_fence_signal(&members[1]);
	assert_int_equal(calls(&counter), 0);
	dma_fence_signal(&members[0]);
	assert_int_equal(calls(&counter), 1);
	dma_fence_put(&twice->base);
}

/* Callbacks of a member that others have added are called as well, each once. */
static void others_wait_for_its_members(void **state)
{
	struct counter before[MEMBERS] = { 0 }, after[MEMBERS] = { 0 }, counter = { 0 };
	int i;

	(void)state;
	for (i = 0; i < MEMBERS; i++)
		assert_int_equal(dma_fence_add_callback(&members[i], &before[i].cb, count_call), 0);
	assert_int_equal(dma_fence_add_callback(&array->base, &counter.cb, count_call), 0);
	for (i = 0; i < MEMBERS; i++)
		assert_int_equal(dma_fence_add_callback(&members[i], &after[i].cb, count_call), 0);
	assert_true(dma_fence_remove_callback(&members[MEMBERS - 1], &before[MEMBERS - 1].cb));
	assert_true(dma_fence_remove_callback(&members[MEMBERS - 1], &after[MEMBERS - 1].cb));
	for (i = MEMBERS - 1; i >= 0; i--) {
		dma_fence_signal(&members[i]);
		assert_int_equal(calls(&before[i]), i < MEMBERS - 1);
		assert_int_equal(calls(&after[i]), i < MEMBERS - 1);
	}
	assert_int_equal(calls(&counter), 1);
}

/* What members are told */

struct told {
	struct dma_fence fence;
	int enabled;
	int deadlines;
	int64_t deadline;
};

static bool note_enabled(struct dma_fence *fence)
{
	container_of(fence, struct told, fence)->enabled++;
	return true;
}

static void note_deadline(struct dma_fence *fence, int64_t deadline)
{
	struct told *told = container_of(fence, struct told, fence);

	told->deadlines++;
	told->deadline = deadline;
}

static const struct dma_fence_ops told_ops = {
	.enable_signaling = note_enabled,
	.set_deadline = note_deadline,
	.release = count_release,
};

static struct dma_fence_array *array_of_told(struct told *told, int num)
{
	struct dma_fence **vector = malloc((size_t)num * sizeof(*vector));
	int i;

	assert_non_null(vector);
	memset(told, 0, (size_t)num * sizeof(*told));
	for (i = 0; i < num; i++) {
		dma_fence_init(&told[i].fence, &told_ops, dma_fence_context_alloc(1), 1);
		vector[i] = dma_fence_get(&told[i].fence);
	}
	return dma_fence_array_create(num, vector, dma_fence_context_alloc(1), 1);
}

static void drop_told(struct told *told, int num, struct dma_fence_array *of)
{
	int i;

	for (i = 0; i < num; i++)
		dma_fence_signal(&told[i].fence);
	dma_fence_put(&of->base);
	for (i = 0; i < num; i++)
		dma_fence_put(&told[i].fence);
	*release_count() -= num;
}

static void all_members_are_enabled_at_once(void **state)
{
	struct told told[3];
	struct dma_fence_array *of = array_of_told(told, 3);
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(told[i].enabled, 0);
	dma_fence_signal(&told[1].fence);
	dma_fence_enable_signaling(&of->base);
	for (i = 0; i < 3; i++)
		assert_int_equal(told[i].enabled, i != 1);
	dma_fence_signal(&told[2].fence);
	dma_fence_enable_signaling(&of->base);
	for (i = 0; i < 3; i++)
		assert_int_equal(told[i].enabled, i != 1);
	drop_told(told, 3, of);
}

static void deadlines_reach_all_that_are_pending(void **state)
{
	struct told told[4];
	struct dma_fence_array *of = array_of_told(told, 4);
	int i;

	(void)state;
	dma_fence_set_deadline(&of->base, 100);
	for (i = 0; i < 4; i++) {
		assert_int_equal(told[i].deadlines, 1);
		assert_int_equal(told[i].deadline, 100);
	}
	dma_fence_enable_signaling(&of->base);
	dma_fence_signal(&told[3].fence); /* had the callback */
	dma_fence_signal(&told[1].fence);
	dma_fence_set_deadline(&of->base, 50);
	for (i = 0; i < 4; i++)
		assert_int_equal(told[i].deadline, i % 2 ? 100 : 50);
	dma_fence_signal(&told[0].fence);
	dma_fence_signal(&told[2].fence);
	dma_fence_set_deadline(&of->base, 1);
	for (i = 0; i < 4; i++)
		assert_int_equal(told[i].deadlines, i % 2 ? 1 : 2);
	drop_told(told, 4, of);
}

/* Looking into one */

static void goes_through_its_members(void **state)
{
	struct dma_fence *fence;
	unsigned int i, seen = 0;

	(void)state;
	dma_fence_array_for_each (fence, i, &array->base) {
		assert_int_equal(i, seen);
		assert_ptr_equal(fence, &members[seen]);
		seen++;
	}
	assert_int_equal(seen, MEMBERS);
	assert_ptr_equal(dma_fence_array_first(&array->base), &members[0]);
	assert_ptr_equal(dma_fence_array_next(&array->base, 1), &members[1]);
	assert_null(dma_fence_array_next(&array->base, MEMBERS));
	assert_null(dma_fence_array_next(&array->base, UINT32_MAX));

	/* What is no array is all there is. */
	seen = 0;
	dma_fence_array_for_each (fence, i, &members[2]) {
		assert_int_equal(i, 0);
		assert_ptr_equal(fence, &members[2]);
		seen++;
	}
	assert_int_equal(seen, 1);
	dma_fence_array_for_each (fence, i, NULL)
		seen++;
	assert_int_equal(seen, 1);
}

static void knows_what_it_is(void **state)
{
	(void)state;
	assert_true(dma_fence_is_array(&array->base));
	assert_false(dma_fence_is_chain(&array->base));
	assert_true(dma_fence_is_container(&array->base));
	assert_false(dma_fence_is_container(&members[0]));
	assert_ptr_equal(to_dma_fence_array(&array->base), array);
	assert_null(to_dma_fence_array(&members[0]));
	assert_null(to_dma_fence_array(NULL));
	assert_int_equal(array->num_fences, MEMBERS);
	dma_fence_rcu_read_lock();
	assert_string_equal(dma_fence_driver_name(&array->base), "dma_fence_array");
	assert_string_equal(dma_fence_timeline_name(&array->base), "unbound");
	dma_fence_rcu_read_unlock();
}

static void matches_contexts(void **state)
{
	uint64_t context = dma_fence_context_alloc(2);
	struct dma_fence fences[2];
	struct dma_fence_array *same, *mixed;
	int i;

	(void)state;
	for (i = 0; i < 2; i++)
		dma_fence_init(&fences[i], plain_ops(), context, (uint64_t)i + 1);
	same = array_of_fences(fences, 2);
	assert_true(dma_fence_match_context(&fences[0], context));
	assert_false(dma_fence_match_context(&fences[0], context + 1));
	assert_true(dma_fence_match_context(&same->base, context));
	assert_false(dma_fence_match_context(&same->base, same->base.context));
	dma_fence_signal(&fences[0]);
	dma_fence_signal(&fences[1]);
	dma_fence_put(&same->base);
	dma_fence_put(&fences[1]);

	dma_fence_init(&fences[1], plain_ops(), context + 1, 1);
	mixed = array_of_fences(fences, 2);
	assert_false(dma_fence_match_context(&mixed->base, context));
	assert_false(dma_fence_match_context(&mixed->base, context + 1));
	dma_fence_signal(&fences[1]);
	dma_fence_put(&mixed->base);
	dma_fence_put(&fences[0]);
	dma_fence_put(&fences[1]);
	*release_count() -= 3;
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(error_of_the_first_that_failed),
		CASE(at_the_same_time_the_lowest_index_counts),
		CASE(polled_it_ends_as_its_members_did),
		CASE(lives_for_its_callback),
		CASE(goes_unsignaled_if_nobody_waited),
		CASE(a_wait_that_timed_out_leaves_nothing_behind),
		CASE(members_are_published),
		CASE(a_member_may_be_there_twice),
		CASE(others_wait_for_its_members),
		CASE(all_members_are_enabled_at_once),
		CASE(deadlines_reach_all_that_are_pending),
		CASE(goes_through_its_members),
		CASE(knows_what_it_is),
		CASE(matches_contexts),
	};

	return RUN(tests);
}
