/* SPDX-License-Identifier: MIT */
/*
 * Merging under the scheduler: leaves that signal while they are merged, at whatever moment. What
 * has to hold is in dmafence/unwrap.h: the result is signaled when all leaves are, and not before,
 * and no error and no timestamp of theirs gets lost.
 *
 * Producer i writes data[i], a plain variable, and signals leaf i. Whoever is told that a merge has
 * signaled may read all of that.
 */
#include <dmafence/array.h>
#include <dmafence/chain.h>
#include <dmafence/unwrap.h>

#include "support.h"

#define LEAVES 3

static struct dma_fence *leaves[LEAVES]; /* the producers' references */
static unsigned int num_leaves;

/* Unless a scenario says otherwise; no two are equal, and the first leaf is the last to signal. */
static int64_t times[LEAVES] = { 30, 20, 10 };
static int errors[LEAVES];
static int data[LEAVES];

static struct dma_fence *input;		      /* a container of leaves, or NULL */
static struct dma_fence *merged, *merged_too; /* the results */
static bool waited_for, waited_for_too;	      /* somebody has been waiting for them */
static struct counted_cb waiter;
static int added = 1; /* what adding it has returned */

/* Setting up */

static void prepare(unsigned int num)
{
	const uint64_t context = dma_fence_context_alloc(LEAVES);
	unsigned int i;

	num_leaves = num;
	for (i = 0; i < num; i++)
		leaves[i] = new_fence(context + i, 1);
	name_fence(leaves[0], "leaf 0");
	if (num > 1)
		name_fence(leaves[1], "leaf 1");
	if (num > 2)
		name_fence(leaves[2], "leaf 2");
}

static struct dma_fence *array_of(unsigned int first, unsigned int num)
{
	struct dma_fence **vector = malloc(num * sizeof(*vector));
	struct dma_fence_array *array;
	unsigned int i;

	model_assert(vector);
	for (i = 0; i < num; i++)
		vector[i] = dma_fence_get(leaves[first + i]);
	array = dma_fence_array_create((int)num, vector, dma_fence_context_alloc(1), 1);
	model_assert(array);
	name_fence(&array->base, "input");
	return &array->base;
}

/* Point 1 is the work of leaf 0, point 2 that of leaf 1. */
static struct dma_fence *chain_of_two(void)
{
	struct dma_fence_chain *first = dma_fence_chain_alloc(), *second = dma_fence_chain_alloc();

	model_assert(first && second);
	dma_fence_chain_init(first, NULL, dma_fence_get(leaves[0]), 1);
	dma_fence_chain_init(second, &first->base, dma_fence_get(leaves[1]), 2);
	name_fence(&first->base, "point 1");
	name_fence(&second->base, "point 2");
	return &second->base;
}

/* What happened to the leaves, and so what has to become of their merge */

static void fail(unsigned int i, int error)
{
	errors[i] = error;
	model_assert(!dma_fence_set_error(leaves[i], error));
}

static void maybe_fail(unsigned int i)
{
	if (model_choose(2))
		fail(i, -1 - (int)i);
}

static void finish(unsigned int i)
{
	data[i] = 1;
	dma_fence_signal_timestamp(leaves[i], times[i]);
}

/* Of those that failed the one that signaled first; of several at once it may be any. */
static bool status_fits(int status)
{
	int64_t first = INT64_MAX;
	bool fits = false;
	unsigned int i;

	for (i = 0; i < num_leaves; i++) {
		if (!errors[i] || times[i] > first)
			continue;
		fits = status == errors[i] || (fits && times[i] == first);
		first = times[i];
	}
	return first == INT64_MAX ? status == 1 : fits;
}

/* A merge may be the one leaf that was pending, and then has a timestamp of its own. */
static int64_t expected_time(const struct dma_fence *fence)
{
	int64_t latest = 0;
	unsigned int i;

	for (i = 0; i < num_leaves; i++) {
		if (fence == leaves[i])
			return times[i];
		if (latest < times[i])
			latest = times[i];
	}
	return latest;
}

/* The caller has been told that all the work is done. */
static void see_work(void)
{
	unsigned int i;

	for (i = 0; i < num_leaves; i++)
		model_assert(data[i] == 1);
}

/* The caller has been told that the merge is signaled. */
static void see_outcome(struct dma_fence *fence)
{
	see_work();
	model_assert(dma_fence_is_signaled(fence));
	model_assert(status_fits(dma_fence_get_status(fence)));
	model_assert(dma_fence_timestamp(fence) == expected_time(fence));
}

static void merge_signaled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	model_assert(dma_fence_test_signaled_flag(fence));
	see_outcome(fence);
	count_run(fence, cb);
}

static void add_waiter(void)
{
	added = dma_fence_add_callback(merged, &waiter.cb, merge_signaled);
	waited_for = true;
	if (added) {
		model_assert(added == -ENOENT);
		see_outcome(merged);
	}
}

/* Steps of threads */

static void merge_two(void)
{
	merged = dma_fence_unwrap_merge(leaves[0], leaves[1]);
	model_assert(merged);
}

/* All leaves are told apart by whether the input has them. */
static void merge_input(void)
{
	merged = dma_fence_unwrap_merge(input, leaves[num_leaves - 1]);
	model_assert(merged);
}

static void query(struct dma_fence *fence)
{
	if (dma_fence_is_signaled(fence))
		see_work();
}

static void ask_status(struct dma_fence *fence)
{
	int status = dma_fence_get_status(fence);

	if (!status)
		return;
	model_assert(status_fits(status));
	see_outcome(fence);
}

static void merge_two_and_query(void)
{
	merge_two();
	query(merged);
}

static void merge_two_and_ask(void)
{
	merge_two();
	ask_status(merged);
}

static void merge_two_and_arm(void)
{
	merge_two();
	add_waiter();
}

static void merge_two_and_wait(void)
{
	merge_two();
	model_assert(!dma_fence_wait(merged, false));
	see_outcome(merged);
}

static void merge_two_and_enable(void)
{
	merge_two();
	dma_fence_enable_signaling(merged);
	waited_for = true;
}

/* The other way round, on another thread. */
static void merge_two_too(void)
{
	merged_too = dma_fence_unwrap_merge(leaves[1], leaves[0]);
	model_assert(merged_too);
}

static void merge_two_too_and_enable(void)
{
	merge_two_too();
	dma_fence_enable_signaling(merged_too);
	waited_for_too = true;
}

static void merge_input_and_query(void)
{
	merge_input();
	query(merged);
}

static void merge_input_and_arm(void)
{
	merge_input();
	add_waiter();
}

static void merge_input_and_drop_it(void)
{
	merge_input();
	dma_fence_put(input);
	input = NULL;
	ask_status(merged);
}

static void finish_0(void)
{
	finish(0);
}

static void finish_1(void)
{
	finish(1);
}

static void finish_all(void)
{
	finish_in_any_order(num_leaves, finish);
}

static void finish_in_order(void)
{
	unsigned int i;

	for (i = 0; i < num_leaves; i++)
		finish(i);
}

/* The end */

static void put_all(void)
{
	unsigned int i;

	dma_fence_put(merged);
	dma_fence_put(merged_too);
	dma_fence_put(input);
	for (i = 0; i < num_leaves; i++)
		dma_fence_put(leaves[i]);
}

/* All leaves have signaled. A merge that somebody waits for has, too, without being asked. */
static void see_end(struct dma_fence *fence, bool waited)
{
	if (waited)
		model_assert(dma_fence_test_signaled_flag(fence));
	see_outcome(fence);
}

static void end_signaled(void)
{
	see_end(merged, waited_for);
	if (merged_too)
		see_end(merged_too, waited_for_too);
	put_all();
}

/* Some have, and the merge must not be signaled before the rest is. */
static void end_pending(void)
{
	unsigned int i;

	for (i = 0; i < num_leaves; i++) {
		if (data[i])
			continue;
		model_assert(!dma_fence_is_signaled(merged));
		model_assert(dma_fence_get_status(merged) == 0);
		model_assert(!merged_too || !dma_fence_is_signaled(merged_too));
		finish(i);
	}
	end_signaled();
}

static void end_armed(void)
{
	model_assert(!waiter.runs || dma_fence_test_signaled_flag(merged));
	end_pending();
	model_assert(waiter.runs == !added);
}

/* One thread: leaves that are signaled before, between and after two merges */

static void finish_those(unsigned int when, const unsigned int *moments)
{
	unsigned int i;

	for (i = 0; i < num_leaves; i++) {
		if (moments[i] == when)
			finish(i);
	}
}

static void choose_errors(void)
{
	unsigned int i;

	for (i = 0; i < num_leaves; i++)
		maybe_fail(i);
}

/*
 * What the second merge can know of the first two leaves: one that was left out because it had
 * signaled has no timestamp in the other one, and if both had, there is a fence that ended last
 * when the last of them did.
 */
static void see_first(struct dma_fence *first)
{
	int status = dma_fence_get_status(first);

	num_leaves = 2;
	model_assert(!!status == (data[0] && data[1]));
	if (status)
		see_outcome(first);
	num_leaves = LEAVES;

	if (first == leaves[0])
		times[1] = 0;
	if (first == leaves[1])
		times[0] = 0;
	if (status) {
		times[0] = times[1] = times[0] < times[1] ? times[1] : times[0];
		if (errors[0] && errors[1])
			errors[status == errors[0]] = 0;
	}
}

static void sequence(void)
{
	unsigned int moments[LEAVES], i;
	struct dma_fence *first;

	prepare(LEAVES);
	choose_errors();
	for (i = 0; i < LEAVES; i++) {
		times[i] = 10 * (1 + model_choose(2));
		moments[i] = model_choose(3);
	}

	finish_those(0, moments);
	first = dma_fence_unwrap_merge(leaves[0], leaves[1]);
	model_assert(first);
	see_first(first);
	finish_those(1, moments);
	merged = dma_fence_unwrap_merge(first, leaves[2]);
	model_assert(merged);
	dma_fence_put(first);
}

/* Arrays in every place; NULL has no leaves. */
static void sequence_arrays(void)
{
	const unsigned int where = model_choose(4);
	unsigned int moments[LEAVES], i;

	prepare(LEAVES);
	choose_errors();
	for (i = 0; i < LEAVES; i++)
		moments[i] = model_choose(2);
	input = array_of(where == 1, where == 2 ? 3 : 2);
	if (model_choose(2))
		dma_fence_enable_signaling(input);

	finish_those(0, moments);
	if (where == 0)
		merged = dma_fence_unwrap_merge(input, leaves[2]);
	else if (where == 1)
		merged = dma_fence_unwrap_merge(leaves[0], NULL, input);
	else if (where == 2)
		merged = dma_fence_unwrap_merge(input, NULL);
	else
		merged = dma_fence_unwrap_merge(leaves[2], input, leaves[0]);
	model_assert(merged);
	if (model_choose(2)) {
		dma_fence_enable_signaling(merged);
		waited_for = true;
	}
}

/* Two of one timeline, the later of which stays, and one of another */

static void begin_timeline(void)
{
	const uint64_t context = dma_fence_context_alloc(2);

	num_leaves = 2;
	leaves[0] = new_fence(context, 1);
	leaves[1] = new_fence(context, 2);
	times[0] = 10;
	times[1] = 20;
	name_fence(leaves[0], "leaf 0");
	name_fence(leaves[1], "leaf 1");
}

static void dedup(void)
{
	struct dma_fence *fences[4] = { NULL };
	unsigned int place = model_choose(4);

	begin_timeline();
	num_leaves = 3;
	leaves[2] = new_fence(leaves[0]->context + 1, 1);
	/* The last reference but that of the producers. */
	fences[place] = dma_fence_get(leaves[1]);
	fences[(place + 1) % 4] = dma_fence_get(leaves[2]);
	fences[(place + 2) % 4] = dma_fence_get(leaves[0]);

	model_assert(dma_fence_dedup_array(fences, 4) == 2);
	model_assert((fences[0] == leaves[1] && fences[1] == leaves[2]) ||
		     (fences[0] == leaves[2] && fences[1] == leaves[1]));
	dma_fence_put(fences[0]);
	dma_fence_put(fences[1]);
}

static void end_dedup(void)
{
	finish_in_order();
	put_all();
}

static void merge_timeline(void)
{
	merged = model_choose(2) ? dma_fence_unwrap_merge(leaves[0], leaves[1])
				 : dma_fence_unwrap_merge(leaves[1], leaves[0]);
	model_assert(merged);
	query(merged);
}

/* The later one alone is waited for. (Unless the earlier one was pending when it was looked at.) */
static void end_timeline(void)
{
	const int64_t time = merged == leaves[0] ? 10 : 20;

	if (!data[1]) {
		model_assert(!dma_fence_is_signaled(merged));
		finish(1);
	}
	model_assert(dma_fence_is_signaled(merged));
	see_work();
	model_assert(dma_fence_get_status(merged) == 1);
	model_assert(dma_fence_timestamp(merged) == time);
	put_all();
}

/* What failed early is either counted, or left out because it was still pending. */
static void begin_timeline_failed(void)
{
	begin_timeline();
	fail(0, -EIO);
}

static void begin_timeline_has_failed(void)
{
	begin_timeline_failed();
	finish(0);
}

static void end_timeline_failed(void)
{
	model_assert(!dma_fence_is_signaled(merged));
	finish(1);
	model_assert(dma_fence_is_signaled(merged));
	model_assert(dma_fence_get_status(merged) == -EIO);
	model_assert(dma_fence_timestamp(merged) == 20);
	put_all();
}

/* References that go, the last one maybe in the middle of a merge */

static void begin_dedup_race(void)
{
	begin_timeline();
	merged = dma_fence_get(leaves[0]);
	merged_too = dma_fence_get(leaves[1]);
}

static void dedup_and_drop(void)
{
	struct dma_fence *fences[2] = { merged_too, merged };

	merged = merged_too = NULL;
	model_assert(dma_fence_dedup_array(fences, 2) == 1);
	model_assert(fences[0] == leaves[1]);
	dma_fence_put(fences[0]);
}

static void finish_0_and_drop(void)
{
	finish(0);
	dma_fence_put(leaves[0]);
	leaves[0] = NULL;
}

static void end_dropped(void)
{
	finish(1);
	put_all();
}

/* Leaves that signal while they are merged */

static void begin_2(void)
{
	prepare(2);
}

static void begin_2_maybe_failed(void)
{
	prepare(2);
	maybe_fail(0);
	maybe_fail(1);
}

static void begin_2_failed(void)
{
	prepare(2);
	fail(0, -EIO);
	fail(1, -EPERM);
}

/* The error is set by the thread that signals. */
static void fail_0(void)
{
	fail(0, -EIO);
	finish(0);
}

/* The input is an array of the first two. */
static void begin_array(void)
{
	prepare(3);
	input = array_of(0, 2);
}

static void begin_array_failed(void)
{
	begin_array();
	fail(model_choose(3), -EIO);
	if (model_choose(2))
		dma_fence_enable_signaling(input);
}

/* The array has the first alone. */
static void begin_small_array_failed(void)
{
	prepare(2);
	fail(0, -EIO);
	input = array_of(0, 1);
	if (model_choose(2))
		dma_fence_enable_signaling(input);
}

/* The input is a merge, from which a leaf was left out that has failed. */
static void begin_merge_of_merge(void)
{
	prepare(3);
	fail(0, -EIO);
	finish(0);
	input = dma_fence_unwrap_merge(leaves[0], leaves[1]);
	model_assert(input);
	name_fence(input, "input");
}

static void finish_1_and_drop_input(void)
{
	finish(1);
	dma_fence_put(merged_too);
	merged_too = NULL;
}

/* Another reference to the input, in 'merged_too', goes at the same time. */
static void begin_input_shared(void)
{
	prepare(3);
	input = array_of(0, 2);
	merged_too = dma_fence_get(input);
	fail(1, -EIO);
	finish(0);
}

/* What the producers have is dropped, too: whoever needs a leaf holds it. */
static void begin_borrowed(void)
{
	prepare(2);
	input = array_of(0, 2);
}

static void merge_borrowed_and_drop(void)
{
	merged = dma_fence_unwrap_merge(input);
	model_assert(merged);
	dma_fence_put(input);
	input = NULL;
	if (dma_fence_is_signaled(merged))
		see_work();
}

static void finish_all_and_drop(void)
{
	unsigned int i;

	for (i = 0; i < num_leaves; i++) {
		finish(i);
		dma_fence_put(leaves[i]);
		leaves[i] = NULL;
	}
}

static void end_borrowed(void)
{
	model_assert(dma_fence_is_signaled(merged));
	model_assert(dma_fence_get_status(merged) == 1);
	see_work();
	put_all();
}

/* A merge that is waited for goes without who waits. */
static void merge_arm_and_drop(void)
{
	merge_two_and_arm();
	dma_fence_put(merged);
	merged = NULL;
}

static void end_merge_dropped(void)
{
	model_assert(waiter.runs == !added);
	put_all();
}

/* Leaves whose back end can tell: merging polls them */

static int complete;

static bool is_complete(struct dma_fence *fence)
{
	(void)fence;
	return __atomic_load_n(&complete, __ATOMIC_ACQUIRE);
}

static const struct dma_fence_ops peeking_ops = {
	.signaled = is_complete,
	.release = free_at_once,
};

static void begin_complete(void)
{
	const uint64_t context = dma_fence_context_alloc(2);

	num_leaves = 2;
	leaves[0] = new_fence_with(&peeking_ops, context, 1);
	leaves[1] = new_fence(context + 1, 1);
	fail(0, -EIO);
	name_fence(leaves[0], "leaf 0");
	name_fence(leaves[1], "leaf 1");
}

static void complete_0(void)
{
	data[0] = 1;
	__atomic_store_n(&complete, 1, __ATOMIC_RELEASE);
}

static void complete_and_poll(void)
{
	complete_0();
	model_assert(dma_fence_poll(leaves[0]));
}

static void end_complete(void)
{
	model_assert(!dma_fence_is_signaled(merged));
	finish(1);
	model_assert(dma_fence_get_status(merged) == -EIO);
	see_work();
	put_all();
}

/* Going through leaves while they signal, and others go through them */

static void count_leaves(void)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *leaf;
	bool seen[LEAVES] = { false };
	unsigned int i;

	dma_fence_unwrap_for_each (leaf, &cursor, input) {
		for (i = 0; leaf != leaves[i]; i++)
			model_assert(i < num_leaves - 1);
		model_assert(!seen[i]);
		seen[i] = true;
	}
	/* A link whose work is done may be left out, but not the one at which it began. */
	model_assert(seen[num_leaves - 1]);
	for (i = 0; i < num_leaves; i++)
		model_assert(seen[i] || dma_fence_is_signaled(leaves[i]));
	for (i = 0; i < num_leaves; i++) {
		if (!seen[i])
			model_assert(data[i] == 1);
	}
}

static void begin_count_array(void)
{
	prepare(2);
	input = array_of(0, 2);
	if (model_choose(2))
		dma_fence_enable_signaling(input);
}

static void begin_count_chain(void)
{
	prepare(2);
	input = chain_of_two();
}

static void end_counted(void)
{
	unsigned int i;

	for (i = 0; i < num_leaves; i++) {
		if (!data[i])
			finish(i);
	}
	put_all();
}

static void walk_input(void)
{
	dma_fence_put(dma_fence_chain_walk(dma_fence_get(input)));
}

static void finish_0_and_walk(void)
{
	finish(0);
	walk_input();
}

/* A chain of the first two */
static void begin_chain(void)
{
	unsigned int failed = model_choose(3);

	prepare(3);
	input = chain_of_two();
	if (failed)
		fail(failed - 1, -EIO);
}

/* Point 1 ended last, and is taken out maybe before the merge has come to it. */
static void begin_chain_done(void)
{
	begin_chain();
	finish(1);
	finish(2);
}

#define CHECK(name_, begin_, end_, ...) \
	{ \
		.name = "merge-" name_, .begin = (begin_), .threads = { __VA_ARGS__ }, \
		.end = (end_) \
	}

#define LARGE(name_, begin_, end_, ...) \
	{ \
		.name = "merge-" name_, .begin = (begin_), .threads = { __VA_ARGS__ }, \
		.end = (end_), .short_bound = 2 \
	}

#define BOUNDED(name_, begin_, end_, ...) \
	{ \
		.name = "merge-" name_, .begin = (begin_), .threads = { __VA_ARGS__ }, \
		.end = (end_), .bound = 2, .short_bound = 1 \
	}

const struct scenario merge_scenarios[] = {
	CHECK("dedup", NULL, end_dedup, dedup),
	CHECK("sequence", NULL, end_pending, sequence),
	CHECK("sequence-arrays", NULL, end_pending, sequence_arrays),

	/* One timeline */
	CHECK("dedup-drop", begin_dedup_race, end_dropped, dedup_and_drop, finish_0_and_drop),
	CHECK("timeline", begin_timeline, end_timeline, merge_timeline, finish_in_order),
	CHECK("timeline-first", begin_timeline, end_timeline, merge_timeline, finish_0),
	CHECK("timeline-failed", begin_timeline_has_failed, end_timeline_failed, merge_timeline),

	/* Leaves that signal meanwhile */
	CHECK("signal-one", begin_2_maybe_failed, end_pending, merge_two_and_query, finish_0),
	CHECK("signal-other", begin_2_maybe_failed, end_pending, merge_two_and_query, finish_1),
	CHECK("signal-both", begin_2_maybe_failed, end_signaled, merge_two, finish_all),
	CHECK("signal-query", begin_2_failed, end_signaled, merge_two_and_query, finish_all),
	CHECK("signal-status", begin_2_failed, end_signaled, merge_two_and_ask, finish_all),
	CHECK("signal-fails", begin_2, end_pending, merge_two_and_ask, fail_0),
	CHECK("signal-arm-one", begin_2, end_armed, merge_two_and_arm, finish_0),
	CHECK("signal-arm", begin_2_failed, end_armed, merge_two_and_arm, finish_all),
	CHECK("signal-wait", begin_2, end_signaled, merge_two_and_wait, finish_all),
	CHECK("complete", begin_complete, end_complete, merge_two, complete_0),
	CHECK("complete-poll", begin_complete, end_complete, merge_two, complete_and_poll),

	/* Two merges */
	CHECK("two", begin_2_failed, end_pending, merge_two_and_enable, merge_two_too_and_enable),
	CHECK("of-merge", begin_merge_of_merge, end_pending, merge_input_and_query, finish_1),

	/* Containers */
	CHECK("array", begin_small_array_failed, end_pending, merge_input_and_query, finish_0),
	CHECK("array-all", begin_small_array_failed, end_signaled, merge_input_and_query,
	      finish_all),
	CHECK("array-one-of-three", begin_array_failed, end_pending, merge_input, finish_0),
	CHECK("count-array", begin_count_array, end_counted, count_leaves, finish_all),
	CHECK("chain", begin_chain, end_pending, merge_input, finish_0),

	/* References */
	CHECK("drop-input", begin_input_shared, end_pending, merge_input_and_drop_it,
	      finish_1_and_drop_input),
	CHECK("drop-leaves", begin_borrowed, end_borrowed, merge_borrowed_and_drop,
	      finish_all_and_drop),
	CHECK("drop-merge", begin_2, end_merge_dropped, merge_arm_and_drop, finish_all),

	/* Three threads, and chains */
	CHECK("two-signal", begin_2_failed, end_signaled, merge_two, merge_two_too, finish_all),
	CHECK("signal-signal", begin_2_failed, end_signaled, merge_two_and_ask, finish_0, finish_1),
	CHECK("array-arm", begin_array_failed, end_signaled, merge_input_and_arm, finish_all),
	CHECK("chain-all", begin_chain, end_signaled, merge_input_and_query, finish_all),
	LARGE("count-chain", begin_count_chain, end_counted, count_leaves, finish_0_and_walk),
	CHECK("chain-walk", begin_chain_done, end_pending, merge_input, walk_input),
	BOUNDED("chain-walk-signal", begin_chain_done, end_signaled, merge_input, walk_input,
		finish_0),
	LARGE("count-count", begin_count_chain, end_counted, count_leaves, finish_0, count_leaves),
	{ 0 },
};
