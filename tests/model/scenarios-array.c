/* SPDX-License-Identifier: MIT */
/*
 * The array under the scheduler: arming it, its members' signals, and whoever asks, waits or lets
 * go meanwhile. What has to hold is in dmafence/array.h: never signaled early, never forgotten by
 * the last member, with the outcome of all.
 *
 * In most of them producer i writes data[i], a plain variable, and signals member i. Whoever is
 * told that the array has signaled may read all of that.
 */
#include <dmafence/array.h>
#include <dmafence/rcu.h>

#include "support.h"

#define MEMBERS 3

/* Unless a scenario says otherwise; no two are equal, and the first member is the last to signal */
static int64_t times[MEMBERS] = { 30, 20, 10 };
static int errors[MEMBERS];

static struct dma_fence *members[MEMBERS]; /* the producers' references */
static struct dma_fence *array;		   /* of who asks, and of the end */
static struct dma_fence *other;		   /* another array, or NULL */
static unsigned int num_members;

static int data[MEMBERS];
static struct counted_cb waiter, second_waiter;
static bool armed;	   /* somebody has been waiting since before the threads began */
static int added = 1;	   /* what adding 'waiter' has returned */
static bool clock_is_used; /* the library has signaled a member: its time is not known */

/* Setting up */

static struct dma_fence *array_of(unsigned int num, struct dma_fence **fences)
{
	struct dma_fence **vector = malloc(num * sizeof(*vector));
	struct dma_fence_array *made;
	unsigned int i;

	model_assert(vector);
	for (i = 0; i < num; i++)
		vector[i] = dma_fence_get(fences[i]);
	made = dma_fence_array_create((int)num, vector, 100, 1);
	model_assert(made);
	model_name(&made->position, sizeof(made->position), "array.position");
	return &made->base;
}

static void prepare_with(unsigned int num, const struct dma_fence_ops *ops)
{
	unsigned int i;

	num_members = num;
	for (i = 0; i < num; i++)
		members[i] = new_fence_with(ops, 1 + i, 1);
	array = array_of(num, members);
	name_fence(members[0], "member 0");
	if (num > 1)
		name_fence(members[1], "member 1");
	if (num > 2)
		name_fence(members[2], "member 2");
	name_fence(array, "array");
}

static void prepare(unsigned int num)
{
	prepare_with(num, &plain_ops);
}

static unsigned int index_of(const struct dma_fence *member)
{
	return (unsigned int)member->context - 1;
}

/* What happened to the members, and so what has to become of the array */

static void fail(unsigned int i, int error)
{
	errors[i] = error;
	model_assert(!dma_fence_set_error(members[i], error));
}

static void finish(unsigned int i)
{
	data[i] = 1;
	dma_fence_signal_timestamp(members[i], times[i]);
}

static int expected_status(void)
{
	unsigned int i, first = MEMBERS;

	for (i = 0; i < num_members; i++) {
		if (errors[i] && (first == MEMBERS || times[i] < times[first]))
			first = i;
	}
	return first == MEMBERS ? 1 : errors[first];
}

static int64_t expected_time(void)
{
	int64_t latest = 0;
	unsigned int i;

	for (i = 0; i < num_members; i++) {
		if (latest < times[i])
			latest = times[i];
	}
	return latest;
}

/* The caller has been told that all the work is done. */
static void see_work(void)
{
	unsigned int i;

	for (i = 0; i < num_members; i++)
		model_assert(data[i] == 1);
}

/* The caller has been told that the array is signaled. */
static void see_outcome(struct dma_fence *fence)
{
	see_work();
	model_assert(dma_fence_get_status(fence) == expected_status());
	if (!clock_is_used)
		model_assert(dma_fence_timestamp(fence) == expected_time());
}

static void array_signaled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	model_assert(dma_fence_test_signaled_flag(fence));
	see_outcome(fence);
	count_run(fence, cb);
}

static void arm_before(void)
{
	armed = true;
	added = dma_fence_add_callback(array, &waiter.cb, array_signaled);
	model_assert(!added);
}

/* Steps of threads */

static void arm(void)
{
	added = dma_fence_add_callback(array, &waiter.cb, array_signaled);
	if (added) {
		model_assert(added == -ENOENT);
		model_assert(dma_fence_test_signaled_flag(array));
		see_outcome(array);
	}
}

static void enable(void)
{
	dma_fence_enable_signaling(array);
	armed = true;
}

static void finish_0(void)
{
	finish(0);
}

static void finish_1(void)
{
	finish(1);
}

static void finish_2(void)
{
	finish(2);
}

static void finish_all(void)
{
	finish_in_any_order(num_members, finish);
}

static void query(void)
{
	bool first = dma_fence_is_signaled(array);
	unsigned int i;

	if (!first)
		return;
	see_work();
	for (i = 0; i < num_members; i++)
		model_assert(dma_fence_is_signaled(members[i]));
	model_assert(dma_fence_is_signaled(array));
}

/* The second answer may not take back the first. */
static void query_twice(void)
{
	bool first = dma_fence_is_signaled(array), second = dma_fence_is_signaled(array);

	model_assert(second || !first);
	if (second)
		see_work();
}

static void poll_array(void)
{
	if (!dma_fence_poll(array))
		return;
	model_assert(dma_fence_test_signaled_flag(array));
	see_outcome(array);
}

static void ask_status(void)
{
	int status = dma_fence_get_status(array);

	if (!status)
		return;
	model_assert(status == expected_status());
	see_outcome(array);
}

static void ask_timestamp(void)
{
	int64_t timestamp = dma_fence_timestamp(array);

	if (timestamp == -EAGAIN)
		return;
	model_assert(timestamp == expected_time());
	see_outcome(array);
}

static void wait_array(void)
{
	model_assert(!dma_fence_wait(array, false));
	see_outcome(array);
}

/* The end */

static void put_all(void)
{
	unsigned int i;

	dma_fence_put(array);
	dma_fence_put(other);
	for (i = 0; i < num_members; i++)
		dma_fence_put(members[i]);
}

/* All members have signaled. If anybody waits, so has the array, without being asked. */
static void end_signaled(void)
{
	if (armed || added <= 0)
		model_assert(dma_fence_test_signaled_flag(array));
	model_assert(dma_fence_is_signaled(array));
	see_outcome(array);
	model_assert(dma_fence_test_signaled_flag(array));
	model_assert(waiter.runs == !added);
	put_all();
}

/* One thread: every size, order, and time to begin to wait_array, errors and timestamps */

static void check_now(unsigned int left)
{
	const bool waited_for = added <= 0;

	model_assert(dma_fence_is_signaled(array) == !left);
	model_assert(dma_fence_test_signaled_flag(array) == (!left && waited_for));
	model_assert(waiter.runs == (!left && !added));
	if (left) {
		model_assert(dma_fence_get_status(array) == 0);
		model_assert(dma_fence_timestamp(array) == -EAGAIN);
	}
}

static void sequence(void)
{
	static const unsigned int orders[][MEMBERS] = {
		{ 0, 1, 2 }, { 2, 1, 0 }, { 0, 2, 1 }, { 2, 0, 1 }, { 1, 0, 2 }, { 1, 2, 0 },
	};
	const unsigned int num = 1 + model_choose(MEMBERS), *order = orders[model_choose(6)];
	const unsigned int moment = model_choose(num + 2);
	const unsigned int failed = model_choose(1u << num), late = model_choose(1u << num);
	unsigned int i, left = num;

	prepare(num);
	for (i = 0; i < num; i++) {
		times[i] = late >> i & 1 ? 20 : 10;
		if (failed >> i & 1)
			fail(i, -1 - (int)i);
	}
	for (i = 0; i < MEMBERS; i++) {
		if (num - left == moment && added > 0)
			arm();
		check_now(left);
		if (order[i] >= num)
			continue;
		finish(order[i]);
		left--;
		check_now(left);
	}
	if (moment == num && added > 0)
		arm();
	check_now(0);
}

/* Arming against signals */

static void begin_1(void)
{
	prepare(1);
}

static void begin_2(void)
{
	prepare(2);
}

static void begin_3(void)
{
	prepare(3);
}

static void begin_1_failed(void)
{
	prepare(1);
	fail(0, -EIO);
}

/* The first in time is the second in the array. */
static void begin_2_failed(void)
{
	prepare(2);
	fail(0, -EIO);
	fail(1, -EPERM);
}

static void begin_armed_1(void)
{
	prepare(1);
	arm_before();
}

static void begin_armed_2(void)
{
	prepare(2);
	arm_before();
}

static void begin_armed_3(void)
{
	prepare(3);
	arm_before();
}

static void begin_armed_2_failed(void)
{
	begin_2_failed();
	arm_before();
}

static void begin_maybe_armed_2(void)
{
	prepare(2);
	if (model_choose(2))
		arm_before();
}

static void begin_maybe_armed_2_failed(void)
{
	begin_2_failed();
	if (model_choose(2))
		arm_before();
}

/* The last member is passed by the thread that arms, and not looked at by the one that asks. */
static void finish_1_and_enable(void)
{
	finish(1);
	enable();
}

static void finish_0_and_query(void)
{
	finish(0);
	query();
}

static void finish_0_and_poll(void)
{
	finish(0);
	poll_array();
}

static void finish_1_and_poll(void)
{
	finish(1);
	poll_array();
}

/*
 * Somebody waits, and nothing is deferred: one of the two signals has signaled the array, too, by
 * the time it returns, and its thread sees that.
 */
static bool seen_by[2];

static void finish_0_and_see(void)
{
	finish(0);
	seen_by[0] = dma_fence_is_signaled(array);
}

static void finish_1_and_see(void)
{
	finish(1);
	seen_by[1] = dma_fence_is_signaled(array);
}

static void end_seen(void)
{
	model_assert(seen_by[0] || seen_by[1]);
	end_signaled();
}

static void arm_second(void)
{
	if (!dma_fence_add_callback(array, &second_waiter.cb, array_signaled))
		armed = true;
	else
		see_outcome(array);
}

static void end_two_waiters(void)
{
	finish(0);
	model_assert(second_waiter.runs == 1);
	end_signaled();
}

static int second_added = 1;

static void arm_second_and_tell(void)
{
	second_added = dma_fence_add_callback(array, &second_waiter.cb, array_signaled);
	if (second_added)
		see_outcome(array);
}

static void end_two_told(void)
{
	model_assert(second_waiter.runs == !second_added);
	end_signaled();
}

static void create_and_arm(void)
{
	array = array_of(num_members, members);
	arm();
}

static void begin_without_array(void)
{
	num_members = 2;
	members[0] = new_fence(1, 1);
	members[1] = new_fence(2, 1);
}

/* Twice the same member */
static void begin_twice(void)
{
	struct dma_fence *both[2];

	num_members = 1;
	members[0] = new_fence(1, 1);
	both[0] = both[1] = members[0];
	array = array_of(2, both);
	name_fence(members[0], "member");
	name_fence(array, "array");
}

/* Nobody waits, and all have signaled: who asks finds out */

static void begin_done(void)
{
	prepare(2);
	if (model_choose(2))
		fail(0, -EIO);
	if (model_choose(2))
		fail(1, -EPERM);
	finish(0);
	finish(1);
}

static void poll_done(void)
{
	model_assert(dma_fence_poll(array));
	model_assert(dma_fence_test_signaled_flag(array));
	see_outcome(array);
}

static void arm_done(void)
{
	arm();
	model_assert(added == -ENOENT);
}

static void enable_done(void)
{
	dma_fence_enable_signaling(array);
	model_assert(dma_fence_test_signaled_flag(array));
	see_outcome(array);
}

/* Waiting */

static void wait_and_see_callback(void)
{
	wait_array();
	model_assert(waiter.runs == 1);
}

/* Does not wait_array, but it is told that somebody does. */
static void wait_no_time(void)
{
	int64_t left = dma_fence_wait_timeout(array, false, 0);

	model_assert(left == 0 || left == 1);
	if (left)
		see_outcome(array);
	armed = true;
}

/* Removing the callback */

static struct counted_cb *removable;

static void begin_removable(void)
{
	prepare(1);
	removable = calloc(1, sizeof(*removable));
	model_assert(removable);
	model_assert(!dma_fence_add_callback(array, &removable->cb, array_signaled));
	armed = true;
}

static void remove_and_free(void)
{
	bool removed = remove_counted(array, removable);

	model_assert(removable->runs == !removed);
	free(removable);
}

/* Errors set by the producers on their threads, signaled in either order of time, or at once */

static void begin_errors(void)
{
	unsigned int which = model_choose(3);

	prepare(2);
	times[0] = which == 1 ? 20 : 10;
	times[1] = which == 2 ? 20 : 10;
	if (model_choose(2))
		arm_before();
}

static void fail_0(void)
{
	fail(0, -EIO);
	finish(0);
}

static void fail_1(void)
{
	fail(1, -EPERM);
	finish(1);
}

/* Release */

static void drop_array(void)
{
	dma_fence_put(array);
	array = NULL;
}

static void finish_and_drop(unsigned int i)
{
	finish(i);
	dma_fence_put(members[i]);
	members[i] = NULL;
}

static void finish_0_and_drop(void)
{
	finish_and_drop(0);
}

static void finish_1_and_drop(void)
{
	finish_and_drop(1);
}

static void finish_both_and_drop(void)
{
	unsigned int first = model_choose(2);

	finish_and_drop(first);
	finish_and_drop(!first);
}

static void begin_maybe_enabled_1(void)
{
	prepare(1);
	if (model_choose(2))
		dma_fence_enable_signaling(array);
}

static void begin_maybe_enabled_2(void)
{
	prepare(2);
	if (model_choose(2))
		dma_fence_enable_signaling(array);
}

static void enable_and_drop(void)
{
	dma_fence_enable_signaling(array);
	drop_array();
}

static void arm_and_drop(void)
{
	arm();
	drop_array();
}

static void query_and_drop(void)
{
	query_twice();
	drop_array();
}

static void poll_and_drop(void)
{
	poll_array();
	drop_array();
}

/* With a reference of its own. */
static struct dma_fence *borrowed;

static void begin_1_two_users(void)
{
	prepare(1);
	borrowed = dma_fence_get(array);
}

static void poll_borrowed_and_drop(void)
{
	if (dma_fence_poll(borrowed))
		see_outcome(borrowed);
	dma_fence_put(borrowed);
}

static void end_dropped(void)
{
	put_all();
}

/* Found in a slot, which its owner empties. */
static struct dma_fence *slot;

static void begin_slot(void)
{
	begin_maybe_enabled_1();
	slot = array;
	finish(0);
}

static void find_and_query(void)
{
	struct dma_fence *found;

	dma_fence_rcu_read_lock();
	found = dma_fence_get_rcu_safe(&slot);
	dma_fence_rcu_read_unlock();
	if (found) {
		model_assert(dma_fence_is_signaled(found));
		see_work();
		dma_fence_put(found);
	}
}

static void empty_slot(void)
{
	__atomic_store_n(&slot, NULL, __ATOMIC_RELEASE);
	drop_array();
}

/* He who waits has dropped his reference: the one for the callback is enough. */
static void begin_only_callback(void)
{
	begin_maybe_armed_2_failed();
	if (!armed)
		arm_before();
	drop_array();
}

static void end_called(void)
{
	model_assert(waiter.runs == 1);
	put_all();
}

static void end_called_if_added(void)
{
	model_assert(waiter.runs == !added);
	put_all();
}

/* A member's callback drops the array. */
static void drop_from_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	drop_array();
	count_run(fence, cb);
}

static void begin_dropped_by_member(void)
{
	unsigned int num = 1 + model_choose(2);
	bool first = model_choose(2);

	prepare(2);
	if (num == 1) {
		dma_fence_put(array);
		array = array_of(1, members);
	}
	/* Before the array's own callback, or behind it. */
	if (first)
		model_assert(!dma_fence_add_callback(members[0], &waiter.cb, drop_from_callback));
	if (model_choose(2))
		dma_fence_enable_signaling(array);
	if (!first)
		model_assert(!dma_fence_add_callback(members[0], &waiter.cb, drop_from_callback));
}

/* A member that nobody signals goes into quarantine, whoever drops it last. */
static void drop_member(void)
{
	dma_fence_put(members[0]);
}

static void end_quarantined(void)
{
	model_assert(model_reports(DMA_FENCE_REPORT_QUARANTINE) == 1);
	model_assert(!model_reports(DMA_FENCE_REPORT_LATE_SIGNAL));
	model_assert(!dma_fence_is_signaled(members[0]));
	finish(0);
	model_assert(model_reports(DMA_FENCE_REPORT_LATE_SIGNAL) == 1);
	model_assert(dma_fence_get_status(members[0]) == -EDEADLK);
}

/* Two arrays share a member */

static int enabled[MEMBERS], deadlines[MEMBERS];

static bool enable_counted(struct dma_fence *fence)
{
	enabled[index_of(fence)]++;
	return true;
}

static const struct dma_fence_ops enable_ops = {
	.enable_signaling = enable_counted,
	.release = free_at_once,
};

static void begin_enabled(void)
{
	prepare_with(3, &enable_ops);
}

/* Told at once, all of them, not when the one before has signaled. */
static void arm_and_see_enabled(void)
{
	unsigned int i;

	arm();
	for (i = 0; i < num_members; i++)
		model_assert(enabled[i] == 1);
}

static void end_enabled(void)
{
	unsigned int i;

	for (i = 0; i < num_members; i++)
		finish(i);
	for (i = 0; i < num_members; i++)
		model_assert(enabled[i] == 1);
	end_signaled();
}

static void begin_shared(void)
{
	prepare_with(1, &enable_ops);
	other = array_of(1, members);
	name_fence(other, "other array");
}

static void begin_shared_armed(void)
{
	begin_shared();
	arm_before();
}

static bool other_enabled;

static void enable_other(void)
{
	dma_fence_enable_signaling(other);
	other_enabled = true;
}

static void query_both(void)
{
	if (dma_fence_is_signaled(other)) {
		see_work();
		model_assert(dma_fence_is_signaled(array));
	}
}

static void end_shared(void)
{
	if (!data[0])
		finish(0);
	if (other_enabled)
		model_assert(dma_fence_test_signaled_flag(other));
	see_outcome(other);
	model_assert(enabled[0] == 1);
	end_signaled();
}

/* Members whose back end is asked, at the time of arming */

static unsigned int how; /* the back end answers */

static bool enable_answers(struct dma_fence *fence)
{
	unsigned int i = index_of(fence);

	enabled[i]++;
	if (how == 1) {
		data[i] = 1;
		return false; /* the work is done already */
	}
	if (how == 2)
		finish(i);
	return true;
}

static const struct dma_fence_ops answering_ops = {
	.enable_signaling = enable_answers,
	.release = free_at_once,
};

static unsigned int plain_member;

/* One of the two has that back end, the other one is signaled by a thread. */
static void begin_answering(void)
{
	unsigned int i;

	how = model_choose(3);
	plain_member = model_choose(2);
	clock_is_used = how == 1;
	num_members = 2;
	for (i = 0; i < 2; i++)
		members[i] =
			new_fence_with(i == plain_member ? &plain_ops : &answering_ops, 1 + i, 1);
	array = array_of(2, members);
	name_fence(members[0], "member 0");
	name_fence(members[1], "member 1");
	name_fence(array, "array");
}

static void finish_plain_and_query(void)
{
	finish(plain_member);
	query_twice();
}

static void end_answering(void)
{
	model_assert(enabled[!plain_member] == 1);
	if (how == 0)
		finish(!plain_member);
	end_signaled();
}

/* Members whose back end can tell, before anybody has signaled them */

static int complete[MEMBERS];

static bool is_complete(struct dma_fence *fence)
{
	return __atomic_load_n(&complete[index_of(fence)], __ATOMIC_ACQUIRE);
}

static const struct dma_fence_ops peeking_ops = {
	.signaled = is_complete,
	.release = free_at_once,
};

static void complete_one(unsigned int i)
{
	data[i] = 1;
	__atomic_store_n(&complete[i], 1, __ATOMIC_RELEASE);
}

static void complete_all(void)
{
	unsigned int first = model_choose(2);

	complete_one(first);
	complete_one(!first);
}

static void begin_complete(void)
{
	clock_is_used = true;
	prepare_with(2, &peeking_ops);
	if (model_choose(2))
		arm_before();
}

static void begin_all_complete(void)
{
	begin_complete();
	complete_one(0);
	complete_one(1);
}

/* A query neither signals nor calls. */
static void query_complete(void)
{
	if (dma_fence_is_signaled(array))
		see_work();
	model_assert(!dma_fence_test_signaled_flag(array));
	model_assert(!waiter.runs);
}

static void end_complete(void)
{
	model_assert(dma_fence_is_signaled(array));
	model_assert(!dma_fence_test_signaled_flag(array));
	model_assert(!waiter.runs);
	model_assert(dma_fence_poll(array));
	end_signaled();
}

static void end_polled(void)
{
	model_assert(dma_fence_poll(array));
	end_signaled();
}

static void finish_0_late(void)
{
	dma_fence_signal_timestamp(members[0], times[0]);
}

/* A back end that goes away once it has signaled */

static struct dma_fence_ops *passing_ops;

static void note_deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	deadlines[index_of(fence)] = (int)deadline_ns;
}

static void begin_passing(void)
{
	passing_ops = calloc(1, sizeof(*passing_ops));
	model_assert(passing_ops);
	passing_ops->signaled = is_complete;
	passing_ops->set_deadline = note_deadline;
	prepare_with(1, passing_ops);
}

static void ask_passing(void)
{
	if (dma_fence_is_signaled(array))
		see_work();
}

static void hint_passing(void)
{
	dma_fence_set_deadline(array, 5);
}

static void finish_and_unload(void)
{
	finish(0);
	dma_fence_rcu_synchronize();
	free(passing_ops);
}

/* Deadlines */

static const struct dma_fence_ops deadline_ops = {
	.set_deadline = note_deadline,
	.release = free_at_once,
};

static unsigned int early_member;

static void begin_deadline(void)
{
	early_member = model_choose(2);
	prepare_with(2, &deadline_ops);
	if (model_choose(2))
		arm_before();
}

static void hint(void)
{
	dma_fence_set_deadline(array, 5);
}

static void finish_early(void)
{
	finish(early_member);
}

static void end_deadline(void)
{
	model_assert(deadlines[!early_member] == 5);
	model_assert(deadlines[early_member] == 0 || deadlines[early_member] == 5);
	finish(!early_member);
	end_signaled();
}

/* A member's callback signals the other one: callbacks do not run inside each other */

static bool inside;

static void finish_1_from_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	inside = true;
	finish(1);
	model_assert(dma_fence_test_signaled_flag(members[1]));
	inside = false;
	count_run(fence, cb);
}

static void not_inside(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	model_assert(!inside);
	array_signaled(fence, cb);
}

static void begin_nested(void)
{
	prepare(2);
	model_assert(
		!dma_fence_add_callback(members[0], &second_waiter.cb, finish_1_from_callback));
	if (model_choose(2)) {
		armed = true;
		added = dma_fence_add_callback(array, &waiter.cb, not_inside);
		model_assert(!added);
	}
}

static void end_nested(void)
{
	model_assert(second_waiter.runs == 1);
	end_signaled();
}

/* An array in another one, which is reported, and works all the same */

static void begin_unfit(void)
{
	struct dma_fence **vector = malloc(2 * sizeof(*vector));
	struct dma_fence_array *outer = dma_fence_array_alloc();

	model_assert(vector && outer);
	prepare(2);
	other = array;
	vector[0] = dma_fence_get(other);
	vector[1] = dma_fence_get(members[0]);
	dma_fence_array_init(outer, 2, vector, 101, 1);
	array = &outer->base;
	model_assert(model_reports(DMA_FENCE_REPORT_MEMBERS) == 1);
	name_fence(other, "inner array");
	name_fence(array, "outer array");
}

#define CHECK(name_, begin_, end_, ...) \
	{ \
		.name = "array-" name_, .begin = (begin_), .threads = { __VA_ARGS__ }, \
		.end = (end_) \
	}

const struct scenario array_scenarios[] = {
	CHECK("sequence", NULL, end_signaled, sequence),
	CHECK("enables-all", begin_enabled, end_enabled, arm_and_see_enabled),

	/* Who asks, against producers */
	CHECK("query-1", begin_1, end_signaled, query, finish_0),
	CHECK("query-armed-1", begin_armed_1, end_signaled, query, finish_0),
	CHECK("query-2", begin_maybe_armed_2, end_signaled, query, finish_all),
	CHECK("query-twice", begin_maybe_armed_2, end_signaled, query_twice, finish_all),
	CHECK("poll-1", begin_1_failed, end_signaled, poll_array, finish_0),
	CHECK("poll-2", begin_maybe_armed_2_failed, end_signaled, poll_array, finish_all),
	CHECK("status", begin_maybe_armed_2_failed, end_signaled, ask_status, finish_all),
	CHECK("timestamp", begin_maybe_armed_2, end_signaled, ask_timestamp, finish_all),

	/* Who arms, against producers */
	CHECK("arm-1", begin_1, end_signaled, arm, finish_0),
	CHECK("arm-failed-1", begin_1_failed, end_signaled, arm, finish_0),
	CHECK("enable-1", begin_1, end_signaled, enable, finish_0),
	CHECK("arm-twice-the-same", begin_twice, end_signaled, arm, finish_0),
	CHECK("arm-2", begin_2, end_signaled, arm, finish_all),
	CHECK("arm-failed-2", begin_2_failed, end_signaled, enable, finish_all),
	CHECK("passed-member", begin_2, end_signaled, finish_1_and_enable, finish_0_and_query),
	CHECK("create-and-arm", begin_without_array, end_signaled, create_and_arm, finish_all),

	/* Producers against each other */
	CHECK("producers", begin_armed_2, end_signaled, finish_0, finish_1),
	CHECK("producers-failed", begin_armed_2_failed, end_signaled, finish_0, finish_1),
	CHECK("producers-see", begin_armed_2, end_seen, finish_0_and_see, finish_1_and_see),
	CHECK("producers-poll", begin_maybe_armed_2_failed, end_signaled, finish_0_and_poll,
	      finish_1_and_poll),
	CHECK("producers-fail", begin_errors, end_signaled, fail_0, fail_1),

	/* Complete, and several find out */
	CHECK("done-poll-poll", begin_done, end_signaled, poll_done, poll_done),
	CHECK("done-arm-poll", begin_done, end_signaled, arm_done, poll_done),
	CHECK("done-enable-arm", begin_done, end_signaled, enable_done, arm),

	/* Several wait */
	CHECK("two-waiters", begin_1, end_two_waiters, arm, arm_second),
	CHECK("remove", begin_removable, end_signaled, remove_and_free, finish_0),
	CHECK("wait-1", begin_1, end_signaled, wait_array, finish_0),
	CHECK("wait-callback", begin_armed_1, end_signaled, wait_and_see_callback, finish_0),
	CHECK("wait-no-time", begin_1_failed, end_signaled, wait_no_time, finish_0),

	/* References */
	CHECK("drop", begin_maybe_enabled_1, end_dropped, drop_array, finish_0_and_drop),
	CHECK("drop-2", begin_maybe_enabled_2, end_dropped, drop_array, finish_both_and_drop),
	CHECK("drop-producers", begin_only_callback, end_called, finish_0_and_drop,
	      finish_1_and_drop),
	CHECK("drop-enabled", begin_1, end_dropped, enable_and_drop, finish_0_and_drop),
	CHECK("drop-armed", begin_1, end_called_if_added, arm_and_drop, finish_0_and_drop),
	CHECK("drop-queried", begin_maybe_enabled_1, end_dropped, query_and_drop,
	      finish_0_and_drop),
	CHECK("drop-polled", begin_maybe_enabled_1, end_dropped, poll_and_drop, finish_0_and_drop),
	CHECK("drop-from-slot", begin_slot, end_dropped, find_and_query, empty_slot),
	CHECK("drop-by-member", begin_dropped_by_member, end_called, finish_0, finish_1),
	{
		.name = "array-drop-unsignaled",
		.begin = begin_1,
		.threads = { drop_array, drop_member },
		.end = end_quarantined,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
			   MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
		.leaks = true,
	},

	/* A member of two arrays */
	CHECK("shared-arm-arm", begin_shared, end_shared, arm, enable_other),
	CHECK("shared-arm-signal", begin_shared_armed, end_shared, enable_other, finish_0),
	CHECK("shared-query", begin_shared_armed, end_shared, query_both, finish_0),

	/* Back ends */
	CHECK("answering", begin_answering, end_answering, arm, finish_plain_and_query),
	CHECK("complete-query", begin_complete, end_complete, query_complete, complete_all),
	CHECK("complete-poll", begin_complete, end_polled, poll_array, complete_all),
	CHECK("complete-poll-poll", begin_all_complete, end_signaled, poll_done, poll_done),
	CHECK("complete-poll-signal", begin_all_complete, end_signaled, poll_done, finish_0_late),
	CHECK("passing-query", begin_passing, end_signaled, ask_passing, finish_and_unload),
	CHECK("passing-deadline", begin_passing, end_signaled, hint_passing, finish_and_unload),
	CHECK("deadline", begin_deadline, end_deadline, hint, finish_early),

	CHECK("nested", begin_nested, end_nested, finish_0, query_twice),
	{
		.name = "array-unfit",
		.begin = begin_unfit,
		.threads = { arm, finish_all },
		.end = end_signaled,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_MEMBERS),
	},

	/* Three threads */
	CHECK("arm-signal-query", begin_1, end_signaled, arm, finish_0, query_twice),
	CHECK("arm-arm-signal", begin_1, end_two_told, arm, arm_second_and_tell, finish_0),
	CHECK("poll-poll-signal", begin_1_failed, end_signaled, poll_array, poll_array, finish_0),
	CHECK("arm-signal-signal", begin_2, end_signaled, enable, finish_0, finish_1),
	CHECK("query-signal-signal", begin_armed_2, end_signaled, query, finish_0, finish_1),
	CHECK("arm-signal-query-2", begin_2, end_signaled, enable, finish_all, query_twice),
	CHECK("query-3", begin_3, end_signaled, query, finish_all),
	CHECK("query-armed-3", begin_armed_3, end_signaled, query, finish_all),
	CHECK("wait-2", begin_2, end_signaled, wait_array, finish_all),
	CHECK("producers-3", begin_armed_3, end_signaled, finish_0, finish_1, finish_2),
	CHECK("drop-two-users", begin_1_two_users, end_dropped, enable_and_drop,
	      poll_borrowed_and_drop, finish_0_and_drop),
	{
		.name = "array-arm-signal-poll",
		.begin = begin_1_failed,
		.threads = { arm, finish_0, poll_array },
		.end = end_signaled,
		.short_bound = 2,
	},
	{
		.name = "array-arm-signal-wait",
		.begin = begin_1,
		.threads = { arm, finish_0, wait_array },
		.end = end_signaled,
		.short_bound = 2,
	},
	{ 0 },
};
