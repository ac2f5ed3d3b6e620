/* SPDX-License-Identifier: MIT */
/*
 * Containers that cannot be made, for want of memory or because of what they were to be made of:
 * nothing is lost, and nothing is taken.
 */
#include <malloc.h>

#include "support.h"

#include <limits.h>

#include "failing-malloc.h"

#define MANY 300

static struct dma_fence leaves[MANY];
static uint64_t first_context;
static long live_before;
static uint32_t stub_before;

static uint32_t references(const struct dma_fence *fence)
{
	return atomic_load_relaxed(&fence->refcount);
}

static long live_blocks(void)
{
	return __atomic_load_n(&failing_malloc_live, __ATOMIC_SEQ_CST);
}

static uint32_t references_of_stub(void)
{
	struct dma_fence *stub = dma_fence_get_stub();
	uint32_t count = references(stub) - 1;

	dma_fence_put(stub);
	return count;
}

/* Each case begins with leaves that are pending, each of a context of its own. */
static int setup(void **state)
{
	int i;

	catch_setup(state);
	failing_malloc_in = -1;
	first_context = dma_fence_context_alloc(MANY);
	for (i = 0; i < MANY; i++)
		dma_fence_init(&leaves[i], plain_ops(), first_context + (uint64_t)i, 1);
	dma_fence_rcu_barrier();
	live_before = live_blocks();
	stub_before = references_of_stub();
	return 0;
}

/* What a case has made is gone, and of the leaves only the producer's reference is left. */
static void end_case(void)
{
	int i;

	assert_int_equal(*release_count(), 0);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(references(&leaves[i]), 1);
		dma_fence_signal(&leaves[i]);
		dma_fence_put(&leaves[i]);
		assert_int_equal(*release_count(), i + 1);
	}
	dma_fence_rcu_barrier();
	assert_int_equal(live_blocks(), live_before);
	assert_int_equal(references_of_stub(), stub_before);
}

static struct dma_fence **vector_of(struct dma_fence *first, int num)
{
	struct dma_fence **vector = malloc((size_t)num * sizeof(*vector));
	int i;

	for (i = 0; i < num; i++)
		vector[i] = dma_fence_get(&first[i]);
	return vector;
}

static struct dma_fence *make_array(struct dma_fence *first, int num)
{
	struct dma_fence_array *array =
		dma_fence_array_create(num, vector_of(first, num), dma_fence_context_alloc(1), 1);

	assert_non_null(array);
	return &array->base;
}

/* Links of one leaf each; takes the reference to 'prev'. */
static struct dma_fence *make_chain(struct dma_fence *prev, struct dma_fence *first, int num)
{
	struct dma_fence_chain *chain;
	int i;

	for (i = 0; i < num; i++) {
		chain = dma_fence_chain_alloc();
		assert_non_null(chain);
		dma_fence_chain_init(chain, prev, dma_fence_get(&first[i]), (uint64_t)i + 1);
		prev = &chain->base;
	}
	return prev;
}

/* An end at a time that says who it was. */
static void end_badly(struct dma_fence *fence, int error, int64_t timestamp)
{
	assert_int_equal(dma_fence_set_error(fence, error), 0);
	dma_fence_signal_timestamp(fence, timestamp);
}

/* Memory is short */

static void alloc_says_so(void **state)
{
	struct dma_fence_array *array;
	struct dma_fence_chain *chain;

	(void)state;
	errno = 0;
	failing_malloc_in = 1;
	assert_null(dma_fence_array_alloc());
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	failing_malloc_in = 1;
	assert_null(dma_fence_chain_alloc());
	assert_int_equal(errno, ENOMEM);

	/* What is not initialised after all. */
	array = dma_fence_array_alloc();
	chain = dma_fence_chain_alloc();
	assert_non_null(array);
	assert_non_null(chain);
	dma_fence_array_free(array);
	dma_fence_chain_free(chain);
	dma_fence_array_free(NULL);
	dma_fence_chain_free(NULL);
	end_case();
	assert_int_equal(caught()->count, 0);
}

/* Nothing fails once there is memory. */
static void init_allocates_nothing(void **state)
{
	struct dma_fence_array *array = dma_fence_array_alloc();
	struct dma_fence **vector = vector_of(leaves, 3);
	struct dma_fence_chain *chains[9];
	struct dma_fence *prev = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(chains); i++)
		chains[i] = dma_fence_chain_alloc();
	failing_malloc_in = 1;
	dma_fence_array_init(array, 3, vector, dma_fence_context_alloc(1), 1);
	for (i = 0; i < ARRAY_SIZE(chains); i++) {
		dma_fence_chain_init(chains[i], prev, dma_fence_get(&array->base), i + 1);
		prev = &chains[i]->base;
	}
	assert_false(dma_fence_poll(prev));
	dma_fence_enable_signaling(prev);
	for (i = 0; i < 3; i++) {
		assert_false(dma_fence_test_signaled_flag(prev));
		dma_fence_signal(&leaves[i]);
	}
	assert_true(dma_fence_test_signaled_flag(prev));
	assert_int_equal(failing_malloc_in, 1);
	failing_malloc_in = -1;
	dma_fence_put(prev);
	dma_fence_put(&array->base);
	end_case();
	assert_int_equal(caught()->count, 0);
}

/*
 * Makes each allocation of a call fail, one after the other, until it needs no more. When one fails
 * the call either says so, and has done nothing, or it can do without. Returns its last result.
 */
static struct dma_fence *at_last(struct dma_fence *(*call)(void *arg), void *arg,
				 void (*check)(struct dma_fence *result), int least_failures)
{
	uint32_t before[MANY], stub = references_of_stub();
	int in, failures = 0, i;
	struct dma_fence *result;
	long live;

	for (i = 0; i < MANY; i++)
		before[i] = references(&leaves[i]);
	dma_fence_rcu_barrier();
	live = live_blocks();
	for (in = 1;; in++) {
		errno = 0;
		failing_malloc_in = in;
		result = call(arg);
		if (result)
			check(result);
		if (failing_malloc_in > 0)
			break;
		if (!result) {
			assert_int_equal(errno, ENOMEM);
			failures++;
		} else {
			dma_fence_put(result);
			dma_fence_rcu_barrier();
		}
		for (i = 0; i < MANY; i++)
			assert_int_equal(references(&leaves[i]), before[i]);
		assert_int_equal(live_blocks(), live);
		assert_int_equal(references_of_stub(), stub);
	}
	failing_malloc_in = -1;
	assert_non_null(result);
	assert_true(failures >= least_failures);
	assert_int_equal(*release_count(), 0);
	return result;
}

static struct dma_fence *create_array(void *vector)
{
	struct dma_fence_array *array =
		dma_fence_array_create(7, vector, dma_fence_context_alloc(1), 1);

	return array ? &array->base : NULL;
}

static void is_array(struct dma_fence *result)
{
	assert_true(dma_fence_is_array(result));
	assert_false(dma_fence_is_signaled(result));
}

static void array_takes_nothing(void **state)
{
	struct dma_fence **vector = vector_of(leaves, 7), *array;
	int i;

	(void)state;
	array = at_last(create_array, vector, is_array, 1);
	for (i = 0; i < 7; i++)
		assert_ptr_equal(vector[i], &leaves[i]);
	dma_fence_put(array);
	end_case();
	assert_int_equal(caught()->count, 0);
}

/* What is merged: as many inputs, of any kind, as a case likes. */
struct inputs {
	struct dma_fence *fences[8];
	size_t num;
};

static struct dma_fence *merge(void *arg)
{
	struct inputs *inputs = arg;

	return dma_fence_unwrap_merge_many(inputs->num, inputs->fences);
}

static void drop_inputs(struct inputs *inputs)
{
	while (inputs->num)
		dma_fence_put(inputs->fences[--inputs->num]);
}

/* One leaf of each context, and they are sorted by context. */
static void has_first_250(struct dma_fence *result)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *leaf;
	int n = 0;

	is_array(result);
	dma_fence_unwrap_for_each (leaf, &cursor, result) {
		assert_ptr_equal(leaf, &leaves[n]);
		n++;
	}
	assert_int_equal(n, 250);
}

static void merge_of_many(void **state)
{
	struct inputs inputs = { .num = 6 };
	struct dma_fence *merged;
	uint32_t before[6];
	size_t i;

	(void)state;
	inputs.fences[0] = dma_fence_get(&leaves[0]);
	inputs.fences[1] = make_array(&leaves[1], 99);
	inputs.fences[3] = make_chain(make_array(&leaves[100], 50), &leaves[150], 50);
	inputs.fences[4] = make_chain(NULL, &leaves[200], 50);
	inputs.fences[5] = dma_fence_unwrap_merge(inputs.fences[4], inputs.fences[1]);
	assert_non_null(inputs.fences[5]);
	for (i = 0; i < inputs.num; i++)
		before[i] = inputs.fences[i] ? references(inputs.fences[i]) : 0;

	/* The list grows several times, and there is an array. */
	merged = at_last(merge, &inputs, has_first_250, 4);
	for (i = 1; i < inputs.num; i++) {
		if (inputs.fences[i])
			assert_int_equal(references(inputs.fences[i]), before[i]);
	}
	drop_inputs(&inputs);
	dma_fence_put(merged);
	end_case();
	assert_int_equal(caught()->count, 0);
}

/* The list grows, and then a single leaf is left. */
static struct dma_fence timeline[100];

static void is_latest(struct dma_fence *result)
{
	assert_ptr_equal(result, &timeline[99]);
}

static void merge_that_is_a_leaf(void **state)
{
	struct inputs inputs = { .num = 2 };
	struct dma_fence *merged;
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		dma_fence_init(&timeline[i], plain_ops(), first_context, 2 + (uint64_t)i);
	inputs.fences[0] = make_array(timeline, 100);
	inputs.fences[1] = dma_fence_get(&leaves[0]);
	merged = at_last(merge, &inputs, is_latest, 1);
	drop_inputs(&inputs);
	dma_fence_put(merged);
	for (i = 0; i < 100; i++) {
		assert_int_equal(references(&timeline[i]), 1);
		dma_fence_signal(&timeline[i]);
		dma_fence_put(&timeline[i]);
	}
	assert_int_equal(*release_count(), 100);
	*release_count() = 0;
	end_case();
	assert_int_equal(caught()->count, 0);
}

/* A single leaf would be left, but it would not tell of the one that failed. */
static void merge_with_one_that_failed(void **state)
{
	struct inputs inputs = { .num = 2 };
	struct dma_fence *merged;

	(void)state;
	end_badly(&leaves[0], -EIO, 40);
	inputs.fences[0] = make_array(leaves, 2);
	inputs.fences[1] = dma_fence_get(&leaves[0]);
	merged = at_last(merge, &inputs, is_array, 1);
	dma_fence_signal_timestamp(&leaves[1], 30);
	assert_int_equal(dma_fence_get_status(merged), -EIO);
	assert_int_equal(dma_fence_timestamp(merged), 40);
	drop_inputs(&inputs);
	dma_fence_put(merged);
	end_case();
	assert_int_equal(caught()->count, 0);
}

static void is_over(struct dma_fence *result)
{
	assert_true(dma_fence_test_signaled_flag(result));
	assert_int_equal(dma_fence_get_status(result), 1);
	assert_int_equal(dma_fence_timestamp(result), 0);
}

static void has_timed_out(struct dma_fence *result)
{
	assert_true(dma_fence_test_signaled_flag(result));
	assert_int_equal(dma_fence_get_status(result), -ETIME);
	assert_int_equal(dma_fence_timestamp(result), 70);
}

static void merge_that_has_signaled(void **state)
{
	struct inputs inputs = { .num = 2 };
	struct dma_fence *merged;

	(void)state;
	inputs.fences[0] = make_array(leaves, 2);
	inputs.fences[1] = dma_fence_get(&leaves[2]);

	/* All at time 0, and well: what everybody shares does. */
	dma_fence_signal_timestamp(&leaves[0], 0);
	dma_fence_signal_timestamp(&leaves[1], 0);
	merged = at_last(merge, &(struct inputs){ { inputs.fences[0] }, 1 }, is_over, 0);
	dma_fence_put(merged);

	end_badly(&leaves[2], -ETIME, 70);
	merged = at_last(merge, &inputs, has_timed_out, 1);
	dma_fence_put(merged);
	drop_inputs(&inputs);
	end_case();
	assert_int_equal(caught()->count, 0);
}

static void merge_of_nothing(void **state)
{
	struct dma_fence *none[3] = { NULL }, *merged;

	(void)state;
	failing_malloc_in = 1;
	merged = dma_fence_unwrap_merge_many(3, none);
	assert_int_equal(dma_fence_get_status(merged), 1);
	dma_fence_put(merged);
	merged = dma_fence_unwrap_merge_many(0, NULL);
	assert_int_equal(dma_fence_get_status(merged), 1);
	dma_fence_put(merged);
	assert_int_equal(failing_malloc_in, 1);
	failing_malloc_in = -1;

	errno = 0;
	assert_null(dma_fence_unwrap_merge_many(1, NULL));
	assert_int_equal(errno, EINVAL);
	end_case();
	assert_int_equal(caught()->count, 0);
}

/* What an array cannot be made of */

static void assert_refused(int num, struct dma_fence **vector)
{
	long live = live_blocks();

	errno = 0;
	assert_null(dma_fence_array_create(num, vector, dma_fence_context_alloc(1), 1));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(live_blocks(), live);
}

static void create_refuses(void **state)
{
	struct dma_fence **vector = vector_of(leaves, 5), *unfit[3] = { NULL }, *array;
	uint32_t before[3] = { 0 };
	int i, k;

	(void)state;
	unfit[1] = make_array(&leaves[5], 2);
	unfit[2] = make_chain(NULL, &leaves[7], 2);
	for (k = 1; k < 3; k++)
		before[k] = references(unfit[k]);

	assert_refused(0, vector);
	assert_refused(-1, vector);
	assert_refused(INT_MIN, vector);
	assert_refused(5, NULL);
	assert_refused(0, NULL);
	for (k = 0; k < 3; k++) {
		for (i = 0; i < 5; i++) {
			vector[i] = unfit[k];
			assert_refused(5, vector);
			assert_ptr_equal(vector[i], unfit[k]);
			vector[i] = &leaves[i];
		}
	}
	for (i = 0; i < 5; i++) {
		assert_ptr_equal(vector[i], &leaves[i]);
		assert_int_equal(references(&leaves[i]), 2);
	}
	for (k = 1; k < 3; k++) {
		assert_int_equal(references(unfit[k]), before[k]);
		dma_fence_put(unfit[k]);
	}

	/* They are all still the caller's, who makes better use of them. */
	array = &dma_fence_array_create(5, vector, dma_fence_context_alloc(1), 1)->base;
	dma_fence_put(array);
	end_case();
	assert_int_equal(caught()->count, 0);
}

static struct dma_fence *init_array(int num, struct dma_fence **vector)
{
	struct dma_fence_array *array = dma_fence_array_alloc();

	assert_non_null(array);
	dma_fence_array_init(array, num, vector, dma_fence_context_alloc(1), 1);
	assert_int_equal(caught()->count, 1);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_MEMBERS], 1);
	catch_reports();
	return &array->base;
}

static void init_of_nothing(void **state)
{
	static const int nums[] = { 0, -1, INT_MIN, 3, 3, 1 };
	struct counter counter = { .ran = 0 };
	struct dma_fence **vector, *array;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		/* The vector is the array's in any case; in one there is none. */
		vector = i == 3 ? NULL : calloc(3, sizeof(*vector));
		array = init_array(nums[i], vector);
		if (i % 2)
			assert_int_equal(dma_fence_add_callback(array, &counter.cb, count_call),
					 -ENOENT);
		assert_true(dma_fence_is_signaled(array));
		assert_int_equal(dma_fence_get_status(array), -EINVAL);
		assert_int_equal(dma_fence_wait(array, false), 0);
		assert_int_equal(calls(&counter), 0);
		dma_fence_put(array);
	}
	end_case();
	assert_int_equal(caught()->count, 0);
}

/* Signals the first three leaves, of which the second fails, for an array that consists of them. */
static void play(struct dma_fence *array, bool called_back)
{
	struct counter counter = { .ran = 0 };
	int i;

	if (called_back)
		assert_int_equal(dma_fence_add_callback(array, &counter.cb, count_call), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(calls(&counter), 0);
		assert_false(dma_fence_is_signaled(array));
		assert_false(called_back ? dma_fence_test_signaled_flag(array)
					 : dma_fence_poll(array));
		if (i == 1)
			end_badly(&leaves[1], -EIO, 90);
		else
			dma_fence_signal_timestamp(&leaves[i], 80);
	}
	assert_int_equal(calls(&counter), called_back);
	assert_true(dma_fence_is_signaled(array));
	assert_int_equal(dma_fence_get_status(array), -EIO);
	assert_int_equal(dma_fence_timestamp(array), 90);
	dma_fence_put(array);
}

static void init_leaves_out_null(void **state)
{
	unsigned int nulls;
	int i, n;

	/* Each set of three places of six; the members are in the others, in order. */
	for (nulls = 1; nulls < 64; nulls++) {
		struct dma_fence **vector, *array;

		if (__builtin_popcount(nulls) != 3)
			continue;
		vector = calloc(6, sizeof(*vector));
		for (i = 0, n = 0; i < 6; i++) {
			if (!(nulls & 1u << i))
				vector[i] = dma_fence_get(&leaves[n++]);
		}
		array = init_array(6, vector);
		assert_int_equal(to_dma_fence_array(array)->num_fences, 3);
		for (i = 0; i < 3; i++)
			assert_ptr_equal(dma_fence_array_next(array, (unsigned int)i), &leaves[i]);
		assert_null(dma_fence_array_next(array, 3));
		play(array, nulls & 1);
		end_case();
		setup(state);
	}
	end_case();
	assert_int_equal(caught()->count, 0);
}

/* Two leaves in a container, in an array with the third, and maybe a NULL: there is one report. */
static void init_with_container(void **state)
{
	unsigned int variant;

	for (variant = 0; variant < 16; variant++) {
		struct dma_fence **vector = calloc(3, sizeof(*vector)), *inner, *array;
		bool last = variant & 1, chain = variant & 2, null = variant & 4;

		inner = chain ? make_chain(NULL, leaves, 2) : make_array(leaves, 2);
		vector[last] = inner;
		vector[!last] = dma_fence_get(&leaves[2]);
		array = init_array(null ? 3 : 2, vector);
		assert_int_equal(to_dma_fence_array(array)->num_fences, 2);
		assert_ptr_equal(dma_fence_array_next(array, last), inner);
		play(array, variant & 8);
		end_case();
		setup(state);
	}
	end_case();
	assert_int_equal(caught()->count, 0);
}

/* What a link cannot be made of */

static struct dma_fence *init_link(struct dma_fence *prev, struct dma_fence *work, uint64_t seqno)
{
	struct dma_fence_chain *chain = dma_fence_chain_alloc();

	assert_non_null(chain);
	dma_fence_chain_init(chain, prev, work, seqno);
	assert_int_equal(caught()->count, 1);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_MEMBERS], 1);
	catch_reports();
	return &chain->base;
}

static void link_without_work(void **state)
{
	struct dma_fence *link;
	int called_back;

	/* Nothing before it. */
	link = init_link(NULL, NULL, 7);
	assert_int_equal(link->seqno, 7);
	assert_true(dma_fence_is_signaled(link));
	assert_int_equal(dma_fence_get_status(link), 1);
	dma_fence_put(link);

	/* What is before it is all there is. */
	for (called_back = 0; called_back < 2; called_back++) {
		link = init_link(make_chain(NULL, leaves, 3), NULL, 7);
		assert_int_equal(link->seqno, 7);
		play(link, called_back);
		end_case();
		setup(state);
	}
	end_case();
	assert_int_equal(caught()->count, 0);
}

static void link_that_holds_a_chain(void **state)
{
	struct dma_fence *inner, *link;
	int variant;

	for (variant = 0; variant < 4; variant++) {
		inner = make_chain(NULL, leaves, 2);
		link = init_link(variant & 1 ? make_chain(NULL, &leaves[2], 1)
					     : dma_fence_get(&leaves[2]),
				 inner, 7);
		assert_int_equal(link->seqno, 7);
		assert_ptr_equal(dma_fence_chain_contained(link), inner);
		play(link, variant & 2);
		end_case();
		setup(state);
	}
	end_case();
	assert_int_equal(caught()->count, 0);
}

/* An array is one block of one size, and to wait for it takes no memory. */
static void array_is_as_large_for_many(void **state)
{
	static struct dma_fence members[1000];
	struct counter counter = { 0 };
	size_t size_of_one = 0;
	int num, i;

	(void)state;
	for (num = 1; num <= 1000; num *= 10) {
		struct dma_fence **vector;
		struct dma_fence_array *array;
		long live;

		for (i = 0; i < num; i++)
			fence_init(&members[i]);
		vector = vector_of(members, num);
		dma_fence_rcu_barrier(); /* the array before is gone */
		live = live_blocks();
		array = dma_fence_array_create(num, vector, 1, 1);
		assert_non_null(array);
		assert_int_equal(live_blocks(), live + 1);
		if (num == 1)
			size_of_one = malloc_usable_size(array);
		assert_int_equal(malloc_usable_size(array), size_of_one);
		assert_int_equal(dma_fence_add_callback(&array->base, &counter.cb, count_call), 0);
		assert_int_equal(live_blocks(), live + 1);
		for (i = num; i--;)
			dma_fence_signal(&members[i]);
		assert_int_equal(live_blocks(), live + 1);
		dma_fence_put(&array->base);
		for (i = 0; i < num; i++)
			dma_fence_put(&members[i]);
	}
	assert_int_equal(calls(&counter), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(alloc_says_so, setup, catch_teardown),
		cmocka_unit_test_setup_teardown(array_is_as_large_for_many, setup, catch_teardown),
		cmocka_unit_test_setup_teardown(init_allocates_nothing, setup, catch_teardown),
		cmocka_unit_test_setup_teardown(array_takes_nothing, setup, catch_teardown),
		cmocka_unit_test_setup_teardown(merge_of_many, setup, catch_teardown),
		cmocka_unit_test_setup_teardown(merge_that_is_a_leaf, setup, catch_teardown),
		cmocka_unit_test_setup_teardown(merge_with_one_that_failed, setup, catch_teardown),
		cmocka_unit_test_setup_teardown(merge_that_has_signaled, setup, catch_teardown),
		cmocka_unit_test_setup_teardown(merge_of_nothing, setup, catch_teardown),
		cmocka_unit_test_setup_teardown(create_refuses, setup, catch_teardown),
		cmocka_unit_test_setup_teardown(init_of_nothing, setup, catch_teardown),
		cmocka_unit_test_setup_teardown(init_leaves_out_null, setup, catch_teardown),
		cmocka_unit_test_setup_teardown(init_with_container, setup, catch_teardown),
		cmocka_unit_test_setup_teardown(link_without_work, setup, catch_teardown),
		cmocka_unit_test_setup_teardown(link_that_holds_a_chain, setup, catch_teardown),
	};

	dma_fence_report_source = NULL; /* what it looks up for details is not counted */
	return RUN(tests);
}
