/* SPDX-License-Identifier: MIT */
/*
 * The fence: signaling it, its callbacks, waiting for it, asking it, dropping it.
 *
 * What a thread writes before it signals is 'work', a plain variable: each who learns that the
 * fence is signaled reads it, which is a race unless the library has put the two in order.
 */
#include <dmafence/rcu.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/park.h"
#include "base/refcount.h"
#include "fence/state.h"
#include "support.h"

#define FOREVER	  DMA_FENCE_WAIT_FOREVER
#define A_WHILE	  1000
#define WORK_DONE 77

static struct dma_fence *fence, *other;
static int work, other_work;
static int turns;

/* Callbacks in memory of their own, so that one that is used when it was freed is seen. */
static struct counted_cb *first, *second, *third;
/* What was left of a callback when its memory went back. */
static int first_runs, second_runs;
/* What calls have returned, for the end to check. */
#define NO_RESULT 12345
static int results[3] = { NO_RESULT, NO_RESULT, NO_RESULT };

static struct counted_cb *new_counted(void)
{
	struct counted_cb *counted = malloc(sizeof(*counted));

	model_assert(counted);
	*counted = (struct counted_cb){ .turns = &turns };
	return counted;
}

static bool is_drained(const struct dma_fence *f)
{
	return state_drained(atomic_load_acquire(&f->state));
}

/* What holds of a fence that this thread knows to be signaled, without error. */
static void check_signaled(struct dma_fence *f)
{
	model_assert(dma_fence_test_signaled_flag(f));
	model_assert(dma_fence_get_status(f) == 1);
}

/* Beginnings and ends */

static void begin(void)
{
	fence = new_fence(1, 1);
	name_fence(fence, "fence");
}

/* Nothing else is left of the fence: no callback, no waiter, no reference. */
static void end_fence(struct dma_fence *f, int status)
{
	model_assert(dma_fence_get_status(f) == status);
	model_assert(is_drained(f));
	/* The word of a drained fence is the flags and the timestamp. */
	model_assert(!(f->state & (LOCKED | WAITERS | CONTENDED)));
	model_assert(f->refcount == 1);
	dma_fence_put(f);
}

static void end(void)
{
	model_assert(work == WORK_DONE);
	end_fence(fence, 1);
}

static void begin_two(void)
{
	begin();
	other = new_fence(2, 1);
	name_fence(other, "other");
}

static void end_two(void)
{
	end_fence(fence, 1);
	end_fence(other, 1);
}

static void begin_with_first(void)
{
	begin();
	first = new_counted();
	model_assert(add_counted(fence, first) == 0);
}

static void begin_with_second(void)
{
	begin_with_first();
	second = new_counted();
	model_assert(add_counted(fence, second) == 0);
}

static void begin_with_third(void)
{
	begin_with_second();
	third = new_counted();
	model_assert(add_counted(fence, third) == 0);
}

static void begin_two_with_first(void)
{
	begin_two();
	first = new_counted();
	model_assert(add_counted(fence, first) == 0);
}

/* Signaling */

static void signal_fence(void)
{
	work = WORK_DONE;
	dma_fence_signal(fence);
	/* Callbacks have returned, if it was this call that signaled it. */
	model_assert(dma_fence_test_signaled_flag(fence));
}

static void ask_fence(void)
{
	if (dma_fence_is_signaled(fence))
		model_assert(work == WORK_DONE);
}

static void signal_other(void)
{
	other_work = WORK_DONE;
	dma_fence_signal(other);
}

static void signal_both(void)
{
	signal_fence();
	signal_other();
}

/* Removes a callback and frees its memory at once. */
static void remove_and_free(struct counted_cb **counted, int *runs)
{
	struct counted_cb *cb = *counted;
	bool removed = remove_counted(fence, cb);

	*runs = cb->runs;
	/* Either it will never run, or it has, and has returned. */
	model_assert(*runs == !removed);
	*counted = NULL;
	free(cb);
}

static void remove_first(void)
{
	remove_and_free(&first, &first_runs);
}

static void remove_second(void)
{
	remove_and_free(&second, &second_runs);
}

static void remove_both(void)
{
	remove_first();
	remove_second();
}

static void free_drained(struct counted_cb *cb, int runs)
{
	model_assert(cb->runs == runs);
	model_assert(!remove_counted(fence, cb));
	free(cb);
}

/* Adds one; what becomes of it is for the end to check. */
static void add(struct counted_cb *counted, int *result)
{
	*result = add_counted(fence, counted);
	if (*result) {
		model_assert(*result == -ENOENT);
		/* So it is signaled, and what was done before that can be seen. */
		model_assert(work == WORK_DONE);
		model_assert(!remove_counted(fence, counted));
		model_assert(!counted->runs);
	}
}

static void add_first(void)
{
	first = new_counted();
	add(first, &results[0]);
}

static void add_second(void)
{
	second = new_counted();
	add(second, &results[1]);
}

static void check_added(struct counted_cb *cb, int result)
{
	model_assert(result == 0 || result == -ENOENT);
	free_drained(cb, result == 0);
}

static void add_first_end(void)
{
	check_added(first, results[0]);
	end();
}

static void add_first_and_second_end(void)
{
	model_assert(turns == !results[0] + !results[1]);
	check_added(first, results[0]);
	check_added(second, results[1]);
	end();
}

/* In the order in which they were added; once one came too late so does the next. */
static void add_both(void)
{
	add_first();
	add_second();
}

static void add_both_end(void)
{
	if (!results[1]) {
		model_assert(!results[0]);
		model_assert(first->turn == 1 && second->turn == 2);
	}
	add_first_and_second_end();
}

static void add_and_remove(void)
{
	int result;

	first = new_counted();
	result = add_counted(fence, first);
	if (result) {
		model_assert(result == -ENOENT);
		model_assert(!remove_counted(fence, first));
		model_assert(!first->runs);
		free(first);
	} else {
		remove_first();
	}
}

/* Once removed it may be added again. */
static void remove_and_add_again(void)
{
	int result;

	if (remove_counted(fence, first)) {
		result = add_counted(fence, first);
		model_assert(result == 0 || result == -ENOENT);
	} else {
		model_assert(first->runs == 1);
		result = add_counted(fence, first);
		model_assert(result == -ENOENT);
		model_assert(first->runs == 1);
		result = 0;
	}
	results[0] = result;
}

static void remove_first_end(void)
{
	model_assert(turns == first_runs);
	end();
}

static void remove_first_of_two_end(void)
{
	model_assert(second->turn == first_runs + 1);
	free_drained(second, 1);
	end();
}

static void remove_second_of_two_end(void)
{
	model_assert(first->turn == 1);
	model_assert(turns == 1 + second_runs);
	free_drained(first, 1);
	end();
}

static void remove_both_end(void)
{
	model_assert(turns == first_runs + second_runs);
	end();
}

static void remove_second_of_three_end(void)
{
	model_assert(first->turn == 1);
	model_assert(third->turn == 2 + second_runs);
	free_drained(first, 1);
	free_drained(third, 1);
	end();
}

static void remove_first_add_second_end(void)
{
	model_assert(turns == first_runs + !results[1]);
	check_added(second, results[1]);
	end();
}

/* Two threads add, one after the other. */

static uint32_t passed_on;

static void add_first_and_pass_on(void)
{
	first = new_counted();
	results[0] = add_counted(fence, first);
	model_assert(results[0] == 0);
	atomic_store_release(&passed_on, 1);
}

static void add_second_if_passed_on(void)
{
	if (!atomic_load_acquire(&passed_on))
		return;
	second = new_counted();
	results[1] = add_counted(fence, second);
	model_assert(results[1] == 0);
}

static void add_in_turn_end(void)
{
	signal_fence();
	model_assert(first->turn == 1);
	if (second)
		model_assert(second->turn == 2);
	free_drained(first, 1);
	if (second)
		free_drained(second, 1);
	end();
}

static void add_add_end(void)
{
	signal_fence();
	model_assert(results[0] == 0 && results[1] == 0);
	model_assert(first->turn + second->turn == 3);
	free_drained(first, 1);
	free_drained(second, 1);
	end();
}

static void remove_remove_end(void)
{
	/* Nobody has signaled it yet. */
	model_assert(first_runs == 0 && second_runs == 0);
	signal_fence();
	model_assert(turns == !!third);
	if (third)
		free_drained(third, 1);
	end();
}

static void add_second_remove_first_end(void)
{
	model_assert(first_runs == 0 && results[1] == 0);
	signal_fence();
	free_drained(second, 1);
	end();
}

/* Two who signal */

static int works[2];

static void signal_as(unsigned int thread)
{
	works[thread] = WORK_DONE;
	results[thread] = dma_fence_check_and_signal(fence);
	/* Signaled already: then one sees what the other did before, without a look at the flag. */
	if (results[thread])
		model_assert(works[!thread] == WORK_DONE);
	model_assert(dma_fence_test_signaled_flag(fence));
}

static void signal_as_first(void)
{
	signal_as(0);
}

static void signal_as_second(void)
{
	signal_as(1);
}

static void signal_signal_end(void)
{
	model_assert(results[0] + results[1] == 1);
	if (first)
		free_drained(first, 1);
	model_assert(turns == !!first);
	end_fence(fence, 1);
}

static void signal_signal_remove_end(void)
{
	model_assert(results[0] + results[1] == 1);
	model_assert(turns == first_runs);
	end_fence(fence, 1);
}

/* Of the two one was first; which is not known, so that of the work nothing is looked at. */
static void wait_signaled(void)
{
	model_assert(dma_fence_wait(fence, false) == 0);
	model_assert(is_drained(fence));
	check_signaled(fence);
}

static int64_t timestamps[2];

/* Whoever comes first: it never changes again. */
static void signal_at_100(void)
{
	dma_fence_signal_timestamp(fence, 100);
	timestamps[0] = dma_fence_timestamp(fence);
}

static void signal_at_200(void)
{
	dma_fence_signal_timestamp(fence, 200);
	timestamps[1] = dma_fence_timestamp(fence);
}

static void signal_at_100_or_200_end(void)
{
	model_assert(timestamps[0] == 100 || timestamps[0] == 200);
	model_assert(timestamps[1] == timestamps[0]);
	model_assert(dma_fence_timestamp(fence) == timestamps[0]);
	if (first)
		free_drained(first, 1);
	end_fence(fence, 1);
}

/* Of the winner's flag, timestamp and work. */
static void signal_work_at_100(void)
{
	work = WORK_DONE;
	dma_fence_signal_timestamp(fence, 100);
}

static void look_at_timestamp(void)
{
	int64_t timestamp = dma_fence_timestamp(fence);

	if (timestamp == -EAGAIN)
		return;
	model_assert(timestamp == 100);
	model_assert(work == WORK_DONE);
	check_signaled(fence);
}

static void look_at_flag(void)
{
	if (!dma_fence_is_signaled(fence))
		return;
	model_assert(work == WORK_DONE);
	model_assert(dma_fence_is_signaled(fence));
	check_signaled(fence);
}

/* Errors */

static void set_error(void)
{
	results[0] = dma_fence_set_error(fence, -EIO);
	if (results[0]) {
		model_assert(results[0] == -EALREADY);
		check_signaled(fence);
	} else {
		int status = dma_fence_get_status(fence);

		model_assert(status == 0 || status == -EIO);
	}
}

static void signal_and_look(void)
{
	signal_fence();
	results[1] = dma_fence_get_status(fence);
	model_assert(results[1] == 1 || results[1] == -EIO);
}

static void set_error_signal_end(void)
{
	int status = results[0] ? 1 : -EIO;

	model_assert(results[1] == status);
	if (first)
		free_drained(first, results[2] != -ENOENT);
	end_fence(fence, status);
}

static void add_while_error(void)
{
	first = new_counted();
	add(first, &results[2]);
}

static void set_error_signal_add_end(void)
{
	model_assert(results[2] == 0 || results[2] == -ENOENT);
	model_assert(turns == !results[2]);
	set_error_signal_end();
}

static void fail(void)
{
	model_assert(dma_fence_set_error(fence, -EINVAL) == 0);
	work = WORK_DONE;
	model_assert(dma_fence_set_error(fence, -EIO) == 0);
	dma_fence_signal(fence);
	model_assert(dma_fence_set_error(fence, -EINVAL) == -EALREADY);
}

/* With the flag comes the error, the one that was set last. */
static void look_at_error(void)
{
	int status = dma_fence_get_status(fence);

	if (!status)
		return;
	model_assert(status == -EIO);
	model_assert(work == WORK_DONE);
	model_assert(dma_fence_get_status(fence) == -EIO);
}

static void wait_for_error(void)
{
	model_assert(dma_fence_wait(fence, false) == 0);
	model_assert(dma_fence_get_status(fence) == -EIO);
	model_assert(work == WORK_DONE);
}

static void add_for_error(void)
{
	first = new_counted();
	results[0] = add_counted(fence, first);
	model_assert(results[0] == 0 || results[0] == -ENOENT);
	if (results[0])
		model_assert(dma_fence_get_status(fence) == -EIO);
}

static void failed_end(void)
{
	end_fence(fence, -EIO);
}

static void add_for_error_end(void)
{
	check_added(first, results[0]);
	failed_end();
}

static void set_error_first(void)
{
	model_assert(dma_fence_set_error(fence, -EIO) == 0);
}

static void set_error_second(void)
{
	model_assert(dma_fence_set_error(fence, -ENODEV) == 0);
}

static void set_error_set_error_end(void)
{
	int status;

	model_assert(dma_fence_get_status(fence) == 0);
	dma_fence_signal(fence);
	status = dma_fence_get_status(fence);
	model_assert(status == -EIO || status == -ENODEV);
	end_fence(fence, status);
}

static void add_pending(void)
{
	first = new_counted();
	model_assert(add_counted(fence, first) == 0);
}

static void set_error_add_end(void)
{
	dma_fence_signal(fence);
	free_drained(first, 1);
	failed_end();
}

static void set_error_remove_end(void)
{
	model_assert(first_runs == 0);
	dma_fence_signal(fence);
	failed_end();
}

/*
 * Who waits for the lock of a pending fence is refused as soon as it is signaled: it does not wait
 * for the callbacks. This one returns only when that has happened.
 */
static uint32_t refused;
static struct dma_fence_cb refused_cb;

static void wait_until_refused(struct dma_fence *f, struct dma_fence_cb *cb)
{
	(void)f;
	(void)cb;
	while (!atomic_load_acquire(&refused))
		dma_fence_park_wait(&refused, 0, CLOCK_NEVER);
}

static void set_refused(void)
{
	atomic_store_release(&refused, 1);
	dma_fence_park_wake(&refused);
}

static void refuses_begin(void)
{
	begin();
	model_name(&refused, sizeof(refused), "refused");
	model_assert(dma_fence_add_callback(fence, &refused_cb, wait_until_refused) == 0);
}

static void fail_at_once(void)
{
	work = WORK_DONE;
	model_assert(dma_fence_set_error(fence, -EIO) == 0);
	dma_fence_signal(fence);
}

static void add_refused(void)
{
	first = new_counted();
	add(first, &results[0]);
	set_refused();
}

static void set_error_refused(void)
{
	int ret = dma_fence_set_error(fence, -EIO);

	model_assert(ret == 0 || ret == -EALREADY);
	set_refused();
}

static void remove_pending_and_signal(void)
{
	work = WORK_DONE;
	model_assert(remove_counted(fence, first));
	free(first);
	first = NULL;
	dma_fence_signal(fence);
}

static void begin_refuses_with_first(void)
{
	refuses_begin();
	first = new_counted();
	model_assert(add_counted(fence, first) == 0);
}

static void add_second_refused(void)
{
	add_second();
	set_refused();
}

static void add_second_refused_end(void)
{
	check_added(second, results[1]);
	end();
}

/* Waiting */

static void check_waited(void)
{
	model_assert(is_drained(fence));
	model_assert(work == WORK_DONE);
	model_assert(dma_fence_get_status(fence) == 1);
}

static void wait_forever(void)
{
	model_assert(dma_fence_wait_timeout(fence, false, FOREVER) == FOREVER);
	check_waited();
}

static void wait_interruptible(void)
{
	int ret = dma_fence_wait(fence, true);

	if (ret) {
		model_assert(ret == -EINTR);
		model_assert(dma_fence_wait(fence, false) == 0);
	}
	check_waited();
}

static void wait_interrupted(void)
{
	model_assert(dma_fence_wait_timeout(fence, true, FOREVER) == -EINTR);
	model_assert(dma_fence_get_status(fence) == 0);
}

static void wait_for_a_while(void)
{
	int64_t left = dma_fence_wait_timeout(fence, false, A_WHILE);

	model_assert(left >= 0 && left <= A_WHILE);
	if (!left)
		model_assert(dma_fence_wait_timeout(fence, false, FOREVER) == FOREVER);
	check_waited();
}

static void wait_times_out(void)
{
	model_assert(dma_fence_wait_timeout(fence, false, A_WHILE) == 0);
	model_assert(dma_fence_wait_timeout(fence, true, A_WHILE) == 0);
	model_assert(dma_fence_get_status(fence) == 0);
}

static void wait_not_at_all(void)
{
	int64_t left = dma_fence_wait_timeout(fence, false, 0);

	model_assert(left == 0 || left == 1);
	if (left)
		check_waited();
}

static void end_signal(void)
{
	signal_fence();
	end();
}

/* Waits, and then uses what the callbacks have used as its own. */
static void wait_and_free_first(void)
{
	wait_forever();
	model_assert(first->runs == 1);
	first_runs = 1;
	free(first);
}

static void wait_and_free_both(void)
{
	wait_and_free_first();
	model_assert(second->runs == 1);
	model_assert(second->turn == 2);
	second_runs = 1;
	free(second);
}

static void add_first_and_signal(void)
{
	first = new_counted();
	model_assert(add_counted(fence, first) == 0);
	signal_fence();
	free_drained(first, 1);
}

static void remove_first_and_signal(void)
{
	remove_first();
	model_assert(first_runs == 0);
	signal_fence();
}

static void flush(void)
{
	int ret = dma_fence_flush(fence);

	if (ret) {
		model_assert(ret == -EAGAIN);
		return;
	}
	model_assert(first->runs == 1);
	model_assert(!second || second->runs == 1);
	check_waited();
	/* The fence keeps nothing of it. */
	first->runs = 0;
	first_runs = 1;
}

static void flush_end(void)
{
	free_drained(first, !first_runs);
	if (second)
		free_drained(second, 1);
	end();
}

static void signal_and_put(void)
{
	signal_fence();
	dma_fence_put(fence);
}

static void wait_and_put(void)
{
	wait_forever();
	dma_fence_put(fence);
}

static void flush_and_put(void)
{
	if (!dma_fence_flush(fence))
		check_waited();
	dma_fence_put(fence);
}

static void add_and_put(void)
{
	first = new_counted();
	results[0] = add_counted(fence, first);
	dma_fence_put(fence);
}

static void add_and_put_end(void)
{
	/* The fence is gone, so that nobody can ask to remove it. */
	model_assert(results[0] == 0 || results[0] == -ENOENT);
	model_assert(first->runs == !results[0]);
	free(first);
}

static void remove_and_put(void)
{
	remove_first();
	dma_fence_put(fence);
}

static void remove_and_put_end(void)
{
	model_assert(turns == first_runs);
}

static void put_end(void)
{
	model_assert(first->runs == 1);
	free(first);
}

static void put(void)
{
	dma_fence_put(fence);
}

static void begin_shared(void)
{
	begin();
	dma_fence_get(fence);
}

static void begin_shared_with_first(void)
{
	begin_with_first();
	dma_fence_get(fence);
}

static void put_in_callback(struct dma_fence *f, struct dma_fence_cb *cb)
{
	count_run(f, cb);
	dma_fence_put(f);
}

/* One reference each for the signaling thread, the waiting thread and the callback. */
static void begin_put_in_callback(void)
{
	begin_shared();
	dma_fence_get(fence);
	first = new_counted();
	model_assert(dma_fence_add_callback(fence, &first->cb, put_in_callback) == 0);
}

static void wait_free_and_put(void)
{
	wait_and_free_first();
	dma_fence_put(fence);
}

/* Waiting for several */

static struct dma_fence **new_list(void)
{
	struct dma_fence **list = malloc(2 * sizeof(*list));

	model_assert(list);
	list[0] = fence;
	list[1] = other;
	return list;
}

static void check_any(int64_t left, uint32_t idx)
{
	if (left <= 0) {
		model_assert(idx == 7);
		return;
	}
	model_assert(idx < 2);
	model_assert(is_drained(idx ? other : fence));
	model_assert((idx ? other_work : work) == WORK_DONE);
}

/* No callback of the wait's is left on a fence: they were on its stack. */
static void check_nothing_left(void)
{
	uint64_t state = atomic_load_acquire(&fence->state);

	model_assert(state & SIGNALED || !state_callbacks(state));
	state = atomic_load_acquire(&other->state);
	model_assert(state & SIGNALED || !state_callbacks(state));
}

static void wait_any(void)
{
	struct dma_fence **list = new_list();
	uint32_t idx = 7;
	int64_t left = dma_fence_wait_any_timeout(list, 2, false, FOREVER, &idx);

	model_assert(left == FOREVER);
	check_any(left, idx);
	check_nothing_left();
	free(list);
}

static void wait_any_other(void)
{
	struct dma_fence **list = new_list();
	uint32_t idx = 7;
	int64_t left = dma_fence_wait_any_timeout(list, 2, false, FOREVER, &idx);

	model_assert(left == FOREVER);
	/* Nobody signals the first. */
	model_assert(idx == 1);
	check_any(left, idx);
	check_nothing_left();
	free(list);
}

static void wait_any_for_a_while(void)
{
	struct dma_fence **list = new_list();
	uint32_t idx = 7;
	int64_t left = dma_fence_wait_any_timeout(list, 2, false, A_WHILE, &idx);

	model_assert(left >= 0 && left <= A_WHILE);
	check_any(left, idx);
	check_nothing_left();
	free(list);
}

static void wait_any_interruptible(void)
{
	struct dma_fence **list = new_list();
	uint32_t idx = 7;
	int64_t left = dma_fence_wait_any_timeout(list, 2, true, FOREVER, &idx);

	model_assert(left == FOREVER || left == -EINTR);
	check_any(left, idx);
	check_nothing_left();
	free(list);
}

/* Nobody signals either. */
static void wait_any_in_vain(void)
{
	struct dma_fence **list = new_list();
	uint32_t idx = 7;

	model_assert(dma_fence_wait_any_timeout(list, 2, false, A_WHILE, &idx) == 0);
	model_assert(idx == 7);
	check_nothing_left();
	free(list);
}

static void wait_any_interrupted(void)
{
	struct dma_fence **list = new_list();
	uint32_t idx = 7;

	model_assert(dma_fence_wait_any_timeout(list, 2, true, FOREVER, &idx) == -EINTR);
	model_assert(idx == 7);
	check_nothing_left();
	free(list);
}

static void wait_any_not_at_all(void)
{
	struct dma_fence **list = new_list();
	uint32_t idx = 7;
	int64_t left = dma_fence_wait_any_timeout(list, 2, false, 0, &idx);

	model_assert(left == 0 || left == 1);
	check_any(left, idx);
	check_nothing_left();
	free(list);
}

/* Twice the same: two callbacks of one wait on one fence. */
static void wait_any_same(void)
{
	struct dma_fence **list = new_list();
	uint32_t idx = 7;

	list[1] = fence;
	model_assert(dma_fence_wait_any_timeout(list, 2, false, FOREVER, &idx) == FOREVER);
	model_assert(idx < 2);
	check_waited();
	free(list);
}

/* The fence's own callback has returned as well. */
static void wait_any_and_free_first(void)
{
	struct dma_fence **list = new_list();
	uint32_t idx = 7;

	model_assert(dma_fence_wait_any_timeout(list, 2, false, FOREVER, &idx) == FOREVER);
	model_assert(idx == 0);
	model_assert(first->runs == 1);
	check_waited();
	check_nothing_left();
	first_runs = 1;
	free(first);
	free(list);
}

static void check_all(void)
{
	model_assert(is_drained(fence) && is_drained(other));
	model_assert(work == WORK_DONE && other_work == WORK_DONE);
}

static void wait_all(void)
{
	struct dma_fence **list = new_list();
	uint32_t idx = 7;

	model_assert(dma_fence_wait_all_timeout(list, 2, false, FOREVER, &idx) == FOREVER);
	model_assert(idx == 7);
	check_all();
	free(list);
}

static void wait_all_for_a_while(void)
{
	struct dma_fence **list = new_list();
	uint32_t idx = 7;
	int64_t left = dma_fence_wait_all_timeout(list, 2, false, A_WHILE, &idx);

	model_assert(left >= 0 && left <= A_WHILE);
	if (left) {
		model_assert(idx == 7);
		check_all();
	} else {
		model_assert(idx < 2);
		if (idx == 1)
			model_assert(is_drained(fence) && work == WORK_DONE);
	}
	free(list);
}

/* Only the first is ever signaled. */
static void wait_all_in_vain(void)
{
	struct dma_fence **list = new_list();
	uint32_t idx = 7;

	model_assert(dma_fence_wait_all_timeout(list, 2, false, A_WHILE, &idx) == 0);
	model_assert(idx < 2);
	if (idx == 1)
		model_assert(is_drained(fence) && work == WORK_DONE);
	free(list);
}

static void wait_all_interruptible(void)
{
	struct dma_fence **list = new_list();
	uint32_t idx = 7;
	int64_t left = dma_fence_wait_all_timeout(list, 2, true, FOREVER, &idx);

	model_assert(left == FOREVER || left == -EINTR);
	if (left == FOREVER)
		check_all();
	else
		model_assert(idx < 2);
	free(list);
}

static void end_signal_both(void)
{
	dma_fence_signal(fence);
	dma_fence_signal(other);
	end_two();
}

/* Callbacks that do something */

static struct counted_cb outer, inner;
static bool inside;
static int outer_result;

/* Of 'fence': signals 'other', whose callback has to wait until this one has returned. */
static void outer_signals(struct dma_fence *f, struct dma_fence_cb *cb)
{
	model_assert(f == fence);
	inside = true;
	count_run(f, cb);
	other_work = WORK_DONE;
	outer_result = dma_fence_check_and_signal(other);
	model_assert(dma_fence_test_signaled_flag(other));
	inside = false;
}

/* Where only outer_signals() signals 'other', and so on its thread. */
static void inner_is_not_inside(struct dma_fence *f, struct dma_fence_cb *cb)
{
	model_assert(f == other);
	model_assert(!inside);
	model_assert(outer.runs == 1);
	count_run(f, cb);
}

static void callback_begin(dma_fence_func_t of_fence, dma_fence_func_t of_other)
{
	begin_two();
	if (of_fence)
		model_assert(dma_fence_add_callback(fence, &outer.cb, of_fence) == 0);
	if (of_other)
		model_assert(dma_fence_add_callback(other, &inner.cb, of_other) == 0);
}

static void callback_signals_begin(void)
{
	callback_begin(outer_signals, inner_is_not_inside);
}

static void callback_signals_raced_begin(void)
{
	callback_begin(outer_signals, count_run);
}

static void wait_other(void)
{
	model_assert(dma_fence_wait(other, false) == 0);
	model_assert(is_drained(other));
	/* In 'fence''s callback it was signaled, and both are seen. */
	model_assert(work == WORK_DONE && other_work == WORK_DONE);
	model_assert(outer.runs == 1 && inner.runs == 1);
	model_assert(dma_fence_test_signaled_flag(fence));
}

static void signal_fence_and_check_inner(void)
{
	signal_fence();
	/* The outermost signal returns after what came up meanwhile. */
	model_assert(outer.runs == 1 && inner.runs == 1);
	model_assert(is_drained(fence) && is_drained(other));
}

static void callback_signals_end(void)
{
	model_assert(outer.runs == 1 && inner.runs == 1);
	model_assert(outer_result == 0);
	end_two();
}

static void check_and_signal_other(void)
{
	results[0] = dma_fence_check_and_signal(other);
	model_assert(dma_fence_test_signaled_flag(other));
	if (!results[0])
		model_assert(inner.runs == 1);
}

static void callback_signals_raced_end(void)
{
	model_assert(outer.runs == 1 && inner.runs == 1);
	model_assert(outer_result + results[0] == 1);
	end_two();
}

static void remove_inner(void)
{
	bool removed = dma_fence_remove_callback(other, &inner.cb);

	model_assert(inner.runs == !removed);
	/* Its memory is somebody else's. */
	inner.runs = 5;
	results[0] = removed;
}

static void callback_signals_remove_end(void)
{
	model_assert(outer.runs == 1 && inner.runs == 5);
	end_two();
}

/* Drops the last reference to what waits for its turn. */
static void outer_signals_and_puts(struct dma_fence *f, struct dma_fence_cb *cb)
{
	(void)f;
	count_run(f, cb);
	dma_fence_signal(other);
	dma_fence_put(other);
}

static void callback_signals_puts_begin(void)
{
	callback_begin(outer_signals_and_puts, count_run);
}

static void callback_signals_puts_shared_begin(void)
{
	callback_signals_puts_begin();
	dma_fence_get(other);
}

static void signal_other_and_put(void)
{
	dma_fence_signal(other);
	dma_fence_put(other);
}

static void wait_other_and_put(void)
{
	model_assert(dma_fence_wait(other, false) == 0);
	model_assert(outer.runs == 1 && inner.runs == 1);
	dma_fence_put(other);
}

static void callback_signals_puts_end(void)
{
	model_assert(outer.runs == 1 && inner.runs == 1);
	end();
}

/* Each signals the other. */
static void inner_signals(struct dma_fence *f, struct dma_fence_cb *cb)
{
	model_assert(f == other);
	count_run(f, cb);
	dma_fence_signal(fence);
	model_assert(dma_fence_test_signaled_flag(fence));
}

static void outer_signals_back(struct dma_fence *f, struct dma_fence_cb *cb)
{
	model_assert(f == fence);
	count_run(f, cb);
	dma_fence_signal(other);
	model_assert(dma_fence_test_signaled_flag(other));
}

static void callbacks_signal_each_other_begin(void)
{
	callback_begin(outer_signals_back, inner_signals);
}

static void callbacks_signal_each_other_end(void)
{
	model_assert(outer.runs == 1 && inner.runs == 1);
	end_two();
}

/* Removal from inside a callback */

static bool removed_inner, removed_self;

static void outer_removes_itself(struct dma_fence *f, struct dma_fence_cb *cb)
{
	count_run(f, cb);
	removed_self = dma_fence_remove_callback(f, cb);
	model_assert(!removed_self);
}

static void callback_removes_itself_begin(void)
{
	begin();
	model_assert(dma_fence_add_callback(fence, &outer.cb, outer_removes_itself) == 0);
}

static void callback_removes_itself_and_next_begin(void)
{
	callback_removes_itself_begin();
	first = new_counted();
	model_assert(add_counted(fence, first) == 0);
}

static void callback_removes_itself_end(void)
{
	model_assert(outer.runs == 1);
	end();
}

static void callback_removes_itself_and_next_end(void)
{
	free_drained(first, 1);
	callback_removes_itself_end();
}

/* The next one on the same fence: it cannot have run yet, and never will. */
static void outer_removes_next(struct dma_fence *f, struct dma_fence_cb *cb)
{
	count_run(f, cb);
	model_assert(dma_fence_remove_callback(f, &first->cb));
	model_assert(!first->runs);
	free(first);
}

static void callback_removes_next_begin(void)
{
	begin();
	first = new_counted();
	model_assert(dma_fence_add_callback(fence, &outer.cb, outer_removes_next) == 0);
	model_assert(add_counted(fence, first) == 0);
}

/* The one before: it has run. */
static void inner_removes_previous(struct dma_fence *f, struct dma_fence_cb *cb)
{
	count_run(f, cb);
	model_assert(!dma_fence_remove_callback(f, &first->cb));
	model_assert(first->runs == 1);
	free(first);
}

static void callback_removes_previous_begin(void)
{
	begin_with_first();
	model_assert(dma_fence_add_callback(fence, &outer.cb, inner_removes_previous) == 0);
}

/* One on another fence, which another thread signals. */
static void outer_removes_inner(struct dma_fence *f, struct dma_fence_cb *cb)
{
	count_run(f, cb);
	removed_inner = dma_fence_remove_callback(other, &inner.cb);
	model_assert(inner.runs == !removed_inner);
	inner.runs = 5;
}

static void callback_removes_cross_begin(void)
{
	callback_begin(outer_removes_inner, count_run);
}

static void callback_removes_cross_end(void)
{
	model_assert(outer.runs == 1 && inner.runs == 5);
	end_two();
}

/* Adding from inside a callback: again, on another fence; on its own it is too late. */
static void outer_moves_on(struct dma_fence *f, struct dma_fence_cb *cb)
{
	model_assert(f == fence);
	count_run(f, cb);
	model_assert(dma_fence_add_callback(f, &inner.cb, count_run) == -ENOENT);
	results[0] = dma_fence_add_callback(other, cb, count_run);
	model_assert(results[0] == 0 || results[0] == -ENOENT);
}

static void callback_adds_begin(void)
{
	callback_begin(outer_moves_on, NULL);
}

static void callback_adds_end(void)
{
	model_assert(outer.runs == 1 + !results[0]);
	model_assert(!inner.runs);
	end_two();
}

static void outer_frees_itself(struct dma_fence *f, struct dma_fence_cb *cb)
{
	(void)f;
	first_runs++;
	free(container_of(cb, struct counted_cb, cb));
}

static void callback_frees_itself_begin(void)
{
	begin();
	first = new_counted();
	model_assert(dma_fence_add_callback(fence, &first->cb, outer_frees_itself) == 0);
}

static void callback_frees_itself_of_two_begin(void)
{
	callback_frees_itself_begin();
	second = new_counted();
	model_assert(add_counted(fence, second) == 0);
}

static void callback_frees_itself_end(void)
{
	model_assert(first_runs == 1);
	end();
}

static void callback_frees_itself_of_two_end(void)
{
	model_assert(first_runs == 1);
	free_drained(second, 1);
	end();
}

/* A wait that could not end says so, also where the fence waits for its turn. */
static void outer_waits(struct dma_fence *f, struct dma_fence_cb *cb)
{
	count_run(f, cb);
	model_assert(dma_fence_wait(f, false) == -EDEADLK);
	model_assert(dma_fence_flush(f) == -EDEADLK);
	dma_fence_signal(other);
	model_assert(dma_fence_wait(other, false) == -EDEADLK);
	model_assert(dma_fence_flush(other) == -EDEADLK);
}

static void callback_waits_begin(void)
{
	callback_begin(outer_waits, count_run);
}

static void wait_both(void)
{
	model_assert(dma_fence_wait(fence, false) == 0);
	model_assert(outer.runs == 1);
	model_assert(dma_fence_wait(other, false) == 0);
	model_assert(inner.runs == 1);
}

static void callback_waits_end(void)
{
	model_assert(outer.runs == 1 && inner.runs == 1);
	end_two();
}

/* What is known inside a callback. */
static void outer_asks(struct dma_fence *f, struct dma_fence_cb *cb)
{
	count_run(f, cb);
	model_assert(work == WORK_DONE);
	model_assert(dma_fence_is_signaled(f));
	model_assert(dma_fence_get_status(f) == -EIO);
	model_assert(dma_fence_set_error(f, -EINVAL) == -EALREADY);
	model_assert(dma_fence_check_and_signal(f));
}

static void callback_asks_begin(void)
{
	begin();
	model_assert(dma_fence_add_callback(fence, &outer.cb, outer_asks) == 0);
}

static void callback_asks_end(void)
{
	model_assert(outer.runs == 1);
	failed_end();
}

/* Who removes one that waits for its turn does not wait for the one that runs. */
static void remove_next_and_let_go(void)
{
	remove_first();
	model_assert(first_runs == 0);
	set_refused();
}

/* Nor does who signals, or adds. */
static void add_and_let_go(void)
{
	add_first();
	set_refused();
}

/* The back end */

static uint32_t complete;
static uint32_t enabled;
static struct dma_fence ops_fence;

static bool is_complete(struct dma_fence *f)
{
	(void)f;
	return atomic_load_acquire(&complete);
}

static bool enable(struct dma_fence *f)
{
	(void)f;
	atomic_fetch_add_relaxed(&enabled, 1);
	return true;
}

static bool enable_done(struct dma_fence *f)
{
	enable(f);
	return false;
}

static bool enable_signals(struct dma_fence *f)
{
	enable(f);
	dma_fence_signal(f);
	return true;
}

static const struct dma_fence_ops complete_ops = {
	.signaled = is_complete,
	.release = free_at_once,
};

static const struct dma_fence_ops enable_ops = {
	.enable_signaling = enable,
	.release = free_at_once,
};

static const struct dma_fence_ops enable_done_ops = {
	.enable_signaling = enable_done,
	.release = free_at_once,
};

static const struct dma_fence_ops enable_signals_ops = {
	.enable_signaling = enable_signals,
	.release = free_at_once,
};

static void begin_with(const struct dma_fence_ops *ops)
{
	fence = new_fence_with(ops, 1, 1);
	name_fence(fence, "fence");
	model_name(&complete, sizeof(complete), "complete");
	model_name(&enabled, sizeof(enabled), "enabled");
}

static void poll_begin(void)
{
	begin_with(&complete_ops);
	first = new_counted();
	model_assert(add_counted(fence, first) == 0);
}

static void poll_done_begin(void)
{
	poll_begin();
	work = WORK_DONE;
	complete = 1;
}

static void finish(void)
{
	work = WORK_DONE;
	atomic_store_release(&complete, 1);
}

static void finish_and_signal(void)
{
	finish();
	dma_fence_signal(fence);
}

static void poll(void)
{
	if (!dma_fence_poll(fence))
		return;
	model_assert(work == WORK_DONE);
	check_signaled(fence);
	model_assert(dma_fence_timestamp(fence) >= 0);
}

static void poll_for_sure(void)
{
	model_assert(dma_fence_poll(fence));
	check_signaled(fence);
}

static void poll_end(void)
{
	free_drained(first, 1);
	end();
}

/* Asking changes nothing: nobody signals it, so that it stays as it is. */
static void ask(void)
{
	if (dma_fence_is_signaled(fence))
		model_assert(work == WORK_DONE);
	model_assert(!dma_fence_test_signaled_flag(fence));
}

static void ask_end(void)
{
	model_assert(!dma_fence_test_signaled_flag(fence));
	model_assert(!first->runs);
	model_assert(dma_fence_is_signaled(fence));
	model_assert(dma_fence_poll(fence));
	model_assert(first->runs == 1);
	poll_end();
}

static void wait_complete(void)
{
	model_assert(dma_fence_wait(fence, false) == 0);
	check_waited();
	model_assert(first->runs == 1);
}

static void poll_add_end(void)
{
	model_assert(turns == 1 + !results[1]);
	check_added(second, results[1]);
	poll_end();
}

/* Once at most, whoever comes first. */
static void enable_begin(void)
{
	begin_with(&enable_ops);
}

static void enable_done_begin(void)
{
	work = WORK_DONE;
	begin_with(&enable_done_ops);
}

static void enable_signals_begin(void)
{
	work = WORK_DONE;
	begin_with(&enable_signals_ops);
}

static void add_first_enabled(void)
{
	first = new_counted();
	results[0] = add_counted(fence, first);
	model_assert(results[0] == 0 || results[0] == -ENOENT);
}

static void add_second_enabled(void)
{
	second = new_counted();
	results[1] = add_counted(fence, second);
	model_assert(results[1] == 0 || results[1] == -ENOENT);
}

static void wait_enabled(void)
{
	int64_t left = dma_fence_wait_timeout(fence, false, 0);

	model_assert(left == 0 || left == 1);
}

static void enable_enabled(void)
{
	dma_fence_enable_signaling(fence);
}

static void enabled_once_end(void)
{
	model_assert(enabled == 1);
	signal_fence();
	model_assert(enabled == 1);
	if (first)
		check_added(first, results[0]);
	if (second)
		check_added(second, results[1]);
	end();
}

static void enabled_at_most_once_end(void)
{
	model_assert(enabled <= 1);
	if (first)
		check_added(first, results[0]);
	end();
}

/* The enabling thread is told by the op, so one of the two is refused. */
static void enabled_done_end(void)
{
	model_assert(enabled == 1);
	model_assert(results[0] == -ENOENT || results[1] == -ENOENT);
	model_assert(dma_fence_test_signaled_flag(fence));
	check_added(first, results[0]);
	check_added(second, results[1]);
	end();
}

static void enabled_done_wait_end(void)
{
	model_assert(enabled == 1);
	model_assert(dma_fence_test_signaled_flag(fence));
	check_added(first, results[0]);
	end();
}

/* Unloading a driver: once its fences are signaled, and a grace period later, it is gone. */

struct driver {
	struct dma_fence_ops ops;
	char name[4];
};

static struct driver *driver;

/* What the driver says of itself is in its memory. */
static const char *driver_name(struct dma_fence *f)
{
	(void)f;
	return driver->name;
}

static bool driver_is_signaled(struct dma_fence *f)
{
	return driver_name(f)[0] != 'd';
}

static bool driver_enables(struct dma_fence *f)
{
	return driver_name(f)[0] == 'd';
}

static void driver_deadline(struct dma_fence *f, int64_t deadline_ns)
{
	model_assert(deadline_ns == 1);
	model_assert(driver_name(f)[0] == 'd');
}

/* Without a release op; the fence is one that is never dropped. */
static void driver_begin(void)
{
	driver = malloc(sizeof(*driver));
	model_assert(driver);
	*driver = (struct driver){
		.ops = {
			.get_driver_name = driver_name,
			.get_timeline_name = driver_name,
			.enable_signaling = driver_enables,
			.signaled = driver_is_signaled,
			.set_deadline = driver_deadline,
		},
		.name = "drv",
	};
	fence = &ops_fence;
	dma_fence_init(fence, &driver->ops, 1, 1);
	name_fence(fence, "fence");
}

static void unload(void)
{
	signal_fence();
	dma_fence_rcu_synchronize();
	driver->name[0] = 0;
	free(driver);
}

static void unloaded_end(void)
{
	check_signaled(fence);
	if (first)
		check_added(first, results[0]);
}

static bool same(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return *a == *b;
}

static void ask_driver(void)
{
	if (dma_fence_is_signaled(fence))
		model_assert(work == WORK_DONE);
}

static void ask_driver_name(void)
{
	const char *name;

	dma_fence_rcu_read_lock();
	name = dma_fence_driver_name(fence);
	model_assert(same(name, "drv") || same(name, "detached-driver"));
	dma_fence_rcu_read_unlock();
}

static void ask_timeline_name(void)
{
	const char *name;

	dma_fence_rcu_read_lock();
	name = dma_fence_timeline_name(fence);
	model_assert(same(name, "drv") || same(name, "signaled-timeline"));
	dma_fence_rcu_read_unlock();
}

static void add_to_driver(void)
{
	first = new_counted();
	add(first, &results[0]);
}

static void tell_driver_deadline(void)
{
	dma_fence_set_deadline(fence, 1);
}

static void poll_driver(void)
{
	if (dma_fence_poll(fence))
		model_assert(work == WORK_DONE);
}

/* References, and finding a fence under RCU */

static struct dma_fence *slot;

static void slot_begin(void)
{
	fence = new_fence_with(NULL, 1, 1);
	name_fence(fence, "fence");
	slot = fence;
	model_name(&slot, sizeof(slot), "slot");
}

static void slot_begin_two(void)
{
	slot_begin();
	other = new_fence_with(NULL, 2, 2);
	name_fence(other, "other");
}

static void slot_empty(void)
{
	atomic_store_release(&slot, NULL);
	dma_fence_put(fence);
}

static void slot_replace(void)
{
	struct dma_fence *old = atomic_exchange_acq_rel(&slot, other);

	model_assert(old == fence);
	dma_fence_put(old);
}

/* The slot's new fence is made by the thread that puts it there: all who find it see it made. */
static void slot_make_and_replace(void)
{
	other = new_fence_with(NULL, 2, 2);
	slot_replace();
}

static void use_and_put(struct dma_fence *f, uint64_t seqno)
{
	/* It is alive, and what it was. */
	model_assert(f->seqno == seqno && f->context == seqno);
	model_assert(dma_fence_get_status(f) == 0);
	dma_fence_put(f);
}

static void find_by_get_rcu(void)
{
	struct dma_fence *f;

	dma_fence_rcu_read_lock();
	f = atomic_load_acquire(&slot);
	if (f)
		f = dma_fence_get_rcu(f);
	dma_fence_rcu_read_unlock();
	if (f)
		use_and_put(f, 1);
}

static void find_safely(void)
{
	struct dma_fence *f;

	dma_fence_rcu_read_lock();
	f = dma_fence_get_rcu_safe(&slot);
	dma_fence_rcu_read_unlock();
	if (f) {
		model_assert(f == fence);
		use_and_put(f, 1);
	}
}

static void find_one_of_two(void)
{
	struct dma_fence *f;

	dma_fence_rcu_read_lock();
	f = dma_fence_get_rcu_safe(&slot);
	dma_fence_rcu_read_unlock();
	/* The slot is never empty. */
	model_assert(f == fence || f == other);
	use_and_put(f, f == fence ? 1 : 2);
}

static void slot_end(void)
{
	dma_fence_rcu_barrier();
}

static void slot_end_two(void)
{
	model_assert(slot == other);
	model_assert(other->refcount == 1);
	dma_fence_put(other);
	dma_fence_rcu_barrier();
}

/*
 * A pool: a fence that is released is another one at once, in the same place, and has nothing to
 * do with the slot any more.
 */
static uint32_t generation;

static void pool_release(struct dma_fence *f)
{
	if (f == fence && !atomic_load_relaxed(&generation)) {
		atomic_store_relaxed(&generation, 1);
		atomic_store_release(&f->refcount, 1);
	} else {
		free(f);
	}
}

static const struct dma_fence_ops pool_ops = {
	.release = pool_release,
};

static void pool_begin(void)
{
	fence = new_fence_with(&pool_ops, 1, 1);
	name_fence(fence, "fence");
	other = new_fence_with(&pool_ops, 2, 2);
	name_fence(other, "other");
	slot = fence;
	model_name(&slot, sizeof(slot), "slot");
	model_name(&generation, sizeof(generation), "generation");
}

static void find_in_pool(void)
{
	struct dma_fence *f;

	dma_fence_rcu_read_lock();
	f = dma_fence_get_rcu_safe(&slot);
	model_assert(f == fence || f == other);
	/* Now that there is a reference it does not become another one. */
	if (f == fence)
		model_assert(!atomic_load_relaxed(&generation));
	dma_fence_rcu_read_unlock();
	dma_fence_put(f);
}

static void pool_end(void)
{
	model_assert(slot == other);
	model_assert(generation == 1);
	model_assert(fence->refcount == 1 && other->refcount == 1);
	dma_fence_put(fence);
	dma_fence_put(other);
}

/* Faults: fences that nobody signaled */

static struct dma_fence lost;
static int released;

static void count_release(struct dma_fence *f)
{
	model_assert(f == &lost);
	released++;
}

static const struct dma_fence_ops lost_ops = {
	.release = count_release,
};

/* In no memory that could go: nobody signals it in time. */
static void lost_init(void)
{
	fence = &lost;
	dma_fence_init(fence, &lost_ops, 1, 1);
	name_fence(fence, "fence");
}

/* Somebody may be waiting. */
static void lost_begin(void)
{
	lost_init();
	dma_fence_enable_signaling(fence);
}

static void lost_begin_with_first(void)
{
	lost_init();
	first = new_counted();
	model_assert(add_counted(fence, first) == 0);
}

static void lost_begin_shared(void)
{
	lost_begin();
	dma_fence_get(fence);
}

static void lost_begin_shared_with_first(void)
{
	lost_begin_with_first();
	dma_fence_get(fence);
}

static void wait_lost_for_a_while(void)
{
	model_assert(dma_fence_wait_timeout(fence, false, A_WHILE) == 0);
}

/* Success, for the hardware is done; but it did not go well if it was lost before. */
static void wait_lost(void)
{
	int status;

	model_assert(dma_fence_wait(fence, false) == 0);
	model_assert(work == WORK_DONE);
	status = dma_fence_get_status(fence);
	model_assert(status == 1 || status == -EDEADLK);
	results[0] = status;
}

/* It is kept as it is, and reported once; a signal that comes after all is, too. */
static void lost_end(void)
{
	model_assert(model_reports(DMA_FENCE_REPORT_QUARANTINE) == 1);
	model_assert(model_reports(DMA_FENCE_REPORT_LATE_SIGNAL) == 0);
	model_assert(!released);
	model_assert(dma_fence_get_status(fence) == 0);
	model_assert(refcount_saturated(&fence->refcount));
	model_assert(dma_fence_set_error(fence, -EIO) == -EALREADY);
	dma_fence_signal(fence);
	model_assert(model_reports(DMA_FENCE_REPORT_LATE_SIGNAL) == 1);
	model_assert(dma_fence_get_status(fence) == -EDEADLK);
	model_assert(is_drained(fence));
}

static void lost_with_first_end(void)
{
	lost_end();
	free_drained(first, 1);
}

/* Of a put and a signal that race: released or in quarantine, and then reported both times. */
static void lost_or_not_end(void)
{
	int status = dma_fence_get_status(fence);

	model_assert(is_drained(fence));
	model_assert((int)model_reports(DMA_FENCE_REPORT_QUARANTINE) + released == 1);
	if (status == -EDEADLK) {
		model_assert(model_reports(DMA_FENCE_REPORT_QUARANTINE) == 1);
		model_assert(model_reports(DMA_FENCE_REPORT_LATE_SIGNAL) == 1);
	} else {
		model_assert(status == 1);
		/* It was signaled in time: nothing is reported that would contradict that. */
		model_assert(model_reports(DMA_FENCE_REPORT_LATE_SIGNAL) == 0);
	}
	if (results[0] != NO_RESULT)
		model_assert(results[0] == status);
	if (first)
		free_drained(first, 1);
}

static void set_error_and_signal_lost(void)
{
	results[1] = dma_fence_set_error(fence, -EIO);
	model_assert(results[1] == 0 || results[1] == -EALREADY);
	signal_fence();
}

static void fail_lost(void)
{
	work = WORK_DONE;
	model_assert(dma_fence_signal_state(fence, state_of_timestamp(clock_now()), -EIO));
}

/* The same of one that fails: that it went well is what nobody must be told, whoever came first. */
static void lost_or_failed_end(void)
{
	const bool late = model_reports(DMA_FENCE_REPORT_LATE_SIGNAL);

	model_assert(is_drained(fence));
	model_assert((int)model_reports(DMA_FENCE_REPORT_QUARANTINE) + released == 1);
	model_assert(released || refcount_saturated(&fence->refcount));
	model_assert(!late || !released);
	model_assert(dma_fence_get_status(fence) == (late ? -EDEADLK : -EIO));
	/* An error that was refused is so because there was that of the quarantine. */
	if (results[1] == -EALREADY)
		model_assert(late);
	if (results[0] != NO_RESULT)
		model_assert(results[0] == (late ? -EDEADLK : -EIO));
	if (first)
		free_drained(first, 1);
}

static void wait_failed_lost(void)
{
	model_assert(dma_fence_wait(fence, false) == 0);
	model_assert(work == WORK_DONE);
	results[0] = dma_fence_get_status(fence);
}

static void remove_lost(void)
{
	model_assert(remove_counted(fence, first));
	model_assert(!first->runs);
	free(first);
}

static void remove_lost_and_put(void)
{
	remove_lost();
	dma_fence_put(fence);
}

/* Nobody can be waiting for it: it goes without a word. */
static void unpublished_end(void)
{
	model_assert(released == 1);
}

static void unpublished_begin(void)
{
	lost_init();
	dma_fence_get(fence);
}

static void ask_and_put(void)
{
	model_assert(!dma_fence_is_signaled(fence));
	dma_fence_put(fence);
}

/* Puts and gets too many; what is reported is not released again. */
static void put_too_many_end(void)
{
	model_assert(released == 1);
	model_assert(model_reports(DMA_FENCE_REPORT_REFCOUNT) == 1);
	model_assert(refcount_saturated(&fence->refcount));
}

static void get_too_late(void)
{
	model_assert(dma_fence_get(fence) == fence);
}

static void get_too_late_end(void)
{
	if (released) {
		model_assert(model_reports(DMA_FENCE_REPORT_REFCOUNT) == 1);
		model_assert(refcount_saturated(&fence->refcount));
	} else {
		model_assert(model_reports(DMA_FENCE_REPORT_REFCOUNT) == 0);
		model_assert(fence->refcount == 1);
	}
}

/* Of one that is freed after a grace period: the fault is found before that has ended. */
static uint32_t in_section;

static void kept_begin(void)
{
	fence = new_fence_with(NULL, 1, 1);
	name_fence(fence, "fence");
}

static void put_while_in_section(void)
{
	if (atomic_load_acquire(&in_section))
		dma_fence_put(fence);
	else
		results[0] = 0;
}

/* The memory is there, but there may be no fence any more; who asks dma_fence_get_rcu() is told. */
static void get_too_late_in_section(void)
{
	dma_fence_rcu_read_lock();
	atomic_store_release(&in_section, 1);
	get_too_late();
	dma_fence_rcu_read_unlock();
}

static void kept_end(void)
{
	dma_fence_rcu_barrier();
	if (model_reports(DMA_FENCE_REPORT_REFCOUNT)) {
		/* Kept for ever. */
		model_assert(refcount_saturated(&fence->refcount));
		return;
	}
	if (!results[0])
		dma_fence_put(fence);
	model_assert(fence->refcount == 1);
	dma_fence_put(fence);
	dma_fence_rcu_barrier();
}

const struct scenario fence_scenarios[] = {
	/* signal, add, remove */
	{
		.name = "signal-add",
		.begin = begin,
		.threads = { signal_fence, add_first },
		.end = add_first_end,
	},
	{
		.name = "signal-add-both",
		.begin = begin,
		.threads = { signal_fence, add_both },
		.end = add_both_end,
	},
	{
		.name = "signal-remove",
		.begin = begin_with_first,
		.threads = { signal_fence, remove_first },
		.end = remove_first_end,
	},
	{
		.name = "signal-add-remove",
		.begin = begin,
		.threads = { signal_fence, add_and_remove },
		.end = remove_first_end,
	},
	{
		.name = "signal-remove-add-again",
		.begin = begin_with_first,
		.threads = { signal_fence, remove_and_add_again },
		.end = add_first_end,
	},
	{ .name = "signal-remove-older-of-two",
	  .begin = begin_with_second,
	  .threads = { signal_fence, remove_first },
	  .end = remove_first_of_two_end,
	  .short_bound = 2 },
	{ .name = "signal-remove-newer-of-two",
	  .begin = begin_with_second,
	  .threads = { signal_fence, remove_second },
	  .end = remove_second_of_two_end,
	  .short_bound = 2 },
	{ .name = "signal-remove-both",
	  .begin = begin_with_second,
	  .threads = { signal_fence, remove_both, ask_fence },
	  .end = remove_both_end,
	  .bound = 3,
	  .short_bound = 2 },
	{ .name = "signal-remove-middle-of-three",
	  .begin = begin_with_third,
	  .threads = { signal_fence, remove_second, ask_fence },
	  .end = remove_second_of_three_end,
	  .bound = 3,
	  .short_bound = 2 },
	{
		.name = "add-add-in-turn",
		.begin = begin,
		.threads = { add_first_and_pass_on, add_second_if_passed_on },
		.end = add_in_turn_end,
	},
	{
		.name = "add-add",
		.begin = begin,
		.threads = { add_first, add_second },
		.end = add_add_end,
	},
	{
		.name = "remove-remove",
		.begin = begin_with_second,
		.threads = { remove_first, remove_second },
		.end = remove_remove_end,
	},
	{
		.name = "remove-remove-of-three",
		.begin = begin_with_third,
		.threads = { remove_first, remove_second },
		.end = remove_remove_end,
	},
	{
		.name = "add-remove",
		.begin = begin_with_first,
		.threads = { remove_first, add_second },
		.end = add_second_remove_first_end,
	},
	{
		.name = "signal-add-add-threads",
		.begin = begin,
		.threads = { signal_fence, add_first, add_second },
		.end = add_first_and_second_end,
	},
	{ .name = "signal-add-remove-threads",
	  .begin = begin_with_first,
	  .threads = { signal_fence, remove_first, add_second },
	  .end = remove_first_add_second_end,
	  .short_bound = 2 },
	{ .name = "signal-remove-remove-threads",
	  .begin = begin_with_second,
	  .threads = { signal_fence, remove_first, remove_second },
	  .end = remove_both_end,
	  .bound = 3,
	  .short_bound = 2 },

	/* signal, signal */
	{
		.name = "signal-signal",
		.begin = begin,
		.threads = { signal_as_first, signal_as_second },
		.end = signal_signal_end,
	},
	{
		.name = "signal-signal-callback",
		.begin = begin_with_first,
		.threads = { signal_as_first, signal_as_second },
		.end = signal_signal_end,
	},
	{
		.name = "signal-signal-timestamp",
		.begin = begin,
		.threads = { signal_at_100, signal_at_200 },
		.end = signal_at_100_or_200_end,
	},
	{
		.name = "signal-signal-timestamp-callback",
		.begin = begin_with_first,
		.threads = { signal_at_100, signal_at_200 },
		.end = signal_at_100_or_200_end,
	},
	{
		.name = "signal-look-timestamp",
		.begin = begin,
		.threads = { signal_work_at_100, look_at_timestamp },
		.end = end,
	},
	{
		.name = "signal-look-flag",
		.begin = begin,
		.threads = { signal_fence, look_at_flag },
		.end = end,
	},
	{
		.name = "signal-signal-remove",
		.begin = begin_with_first,
		.threads = { signal_as_first, signal_as_second, remove_first },
		.end = signal_signal_remove_end,
	},
	{
		.name = "signal-signal-wait",
		.begin = begin,
		.threads = { signal_as_first, signal_as_second, wait_signaled },
		.end = signal_signal_end,
	},

	/* errors */
	{
		.name = "set-error-signal",
		.begin = begin,
		.threads = { set_error, signal_and_look },
		.end = set_error_signal_end,
	},
	{
		.name = "set-error-signal-callback",
		.begin = begin_with_first,
		.threads = { set_error, signal_and_look },
		.end = set_error_signal_end,
	},
	{
		.name = "set-error-set-error",
		.begin = begin,
		.threads = { set_error_first, set_error_second },
		.end = set_error_set_error_end,
	},
	{
		.name = "set-error-add",
		.begin = begin,
		.threads = { set_error_first, add_pending },
		.end = set_error_add_end,
	},
	{
		.name = "set-error-remove",
		.begin = begin_with_first,
		.threads = { set_error_first, remove_first },
		.end = set_error_remove_end,
	},
	{
		.name = "fail-look",
		.begin = begin,
		.threads = { fail, look_at_error },
		.end = failed_end,
	},
	{
		.name = "fail-wait",
		.begin = begin,
		.threads = { fail, wait_for_error },
		.end = failed_end,
	},
	{
		.name = "fail-add",
		.begin = begin,
		.threads = { fail, add_for_error },
		.end = add_for_error_end,
	},
	{ .name = "set-error-signal-add",
	  .begin = begin,
	  .threads = { set_error, signal_and_look, add_while_error },
	  .end = set_error_signal_add_end,
	  .short_bound = 2 },
	{
		.name = "refused-add",
		.begin = refuses_begin,
		.threads = { fail_at_once, add_refused },
		.end = add_for_error_end,
	},
	{
		.name = "refused-set-error",
		.begin = refuses_begin,
		.threads = { fail_at_once, set_error_refused },
		.end = failed_end,
	},
	{
		.name = "refused-add-after-remove",
		.begin = begin_refuses_with_first,
		.threads = { remove_pending_and_signal, add_second_refused },
		.end = add_second_refused_end,
	},
	{
		.name = "running-remove-next",
		.begin = begin_refuses_with_first,
		.threads = { signal_fence, remove_next_and_let_go },
		.end = end,
	},
	{
		.name = "running-add",
		.begin = refuses_begin,
		.threads = { signal_fence, add_and_let_go },
		.end = add_first_end,
	},

	/* waits */
	{
		.name = "signal-wait",
		.begin = begin,
		.threads = { signal_fence, wait_forever },
		.end = end,
	},
	{
		.name = "signal-wait-deadline",
		.begin = begin,
		.threads = { signal_fence, wait_for_a_while },
		.end = end,
	},
	{
		.name = "signal-wait-not-at-all",
		.begin = begin,
		.threads = { signal_fence, wait_not_at_all },
		.end = end,
	},
	{
		.name = "signal-wait-interrupt",
		.begin = begin,
		.threads = { signal_fence, wait_interruptible },
		.end = end,
		.interrupts = true,
	},
	{
		.name = "signal-wait-not-interruptible",
		.begin = begin,
		.threads = { signal_fence, wait_forever },
		.end = end,
		.interrupts = true,
	},
	{
		.name = "wait-interrupted",
		.begin = begin,
		.threads = { wait_interrupted },
		.end = end_signal,
		.interrupts = true,
	},
	{
		.name = "wait-times-out",
		.begin = begin,
		.threads = { wait_times_out },
		.end = end_signal,
	},
	{
		.name = "signal-wait-free-callback",
		.begin = begin_with_first,
		.threads = { signal_fence, wait_and_free_first },
		.end = end,
	},
	{
		.name = "signal-wait-free-both-callbacks",
		.begin = begin_with_second,
		.threads = { signal_fence, wait_and_free_both },
		.end = end,
	},
	{
		.name = "wait-add-then-signal",
		.begin = begin,
		.threads = { add_first_and_signal, wait_forever },
		.end = end,
	},
	{
		.name = "wait-remove-then-signal",
		.begin = begin_with_first,
		.threads = { remove_first_and_signal, wait_forever },
		.end = end,
	},
	{
		.name = "signal-flush",
		.begin = begin_with_first,
		.threads = { signal_fence, flush },
		.end = flush_end,
	},
	{
		.name = "signal-flush-two",
		.begin = begin_with_second,
		.threads = { signal_fence, flush },
		.end = flush_end,
	},
	{
		.name = "signal-wait-add",
		.begin = begin,
		.threads = { signal_fence, wait_forever, add_first },
		.end = add_first_end,
	},
	{ .name = "signal-wait-remove",
	  .begin = begin_with_first,
	  .threads = { signal_fence, wait_forever, remove_first },
	  .end = remove_first_end,
	  .short_bound = 2 },
	{ .name = "signal-wait-remove-of-two",
	  .begin = begin_with_second,
	  .threads = { signal_fence, wait_forever, remove_first },
	  .end = remove_first_of_two_end,
	  .bound = 3,
	  .short_bound = 2 },
	{
		.name = "signal-wait-wait",
		.begin = begin,
		.threads = { signal_fence, wait_forever, wait_forever },
		.end = end,
	},
	{
		.name = "signal-wait-wait-deadline",
		.begin = begin,
		.threads = { signal_fence, wait_forever, wait_for_a_while },
		.end = end,
	},

	/* waits for several */
	{
		.name = "wait-any-signal",
		.begin = begin_two,
		.threads = { signal_both, wait_any },
		.end = end_two,
	},
	{
		.name = "wait-any-signal-other",
		.begin = begin_two,
		.threads = { signal_other, wait_any_other },
		.end = end_signal_both,
	},
	{
		.name = "wait-any-signal-deadline",
		.begin = begin_two,
		.threads = { signal_other, wait_any_for_a_while },
		.end = end_signal_both,
	},
	{
		.name = "wait-any-signal-interrupt",
		.begin = begin_two,
		.threads = { signal_other, wait_any_interruptible },
		.end = end_signal_both,
		.interrupts = true,
	},
	{
		.name = "wait-any-signal-not-at-all",
		.begin = begin_two,
		.threads = { signal_other, wait_any_not_at_all },
		.end = end_signal_both,
	},
	{ .name = "wait-any-signal-same",
	  .begin = begin_two,
	  .threads = { signal_fence, wait_any_same, ask_fence },
	  .end = end_signal_both,
	  .bound = 3,
	  .short_bound = 2 },
	{ .name = "wait-any-signal-callback",
	  .begin = begin_two_with_first,
	  .threads = { signal_fence, wait_any_and_free_first },
	  .end = end_signal_both,
	  .short_bound = 2 },
	{ .name = "wait-any-signal-signal",
	  .begin = begin_two,
	  .threads = { signal_fence, signal_other, wait_any },
	  .end = end_two,
	  .short_bound = 2 },
	{
		.name = "wait-any-times-out",
		.begin = begin_two,
		.threads = { wait_any_in_vain },
		.end = end_signal_both,
	},
	{
		.name = "wait-any-interrupted",
		.begin = begin_two,
		.threads = { wait_any_interrupted },
		.end = end_signal_both,
		.interrupts = true,
	},
	{
		.name = "wait-all-signal",
		.begin = begin_two,
		.threads = { signal_both, wait_all },
		.end = end_two,
	},
	{
		.name = "wait-all-signal-deadline",
		.begin = begin_two,
		.threads = { signal_both, wait_all_for_a_while },
		.end = end_two,
	},
	{
		.name = "wait-all-signal-one",
		.begin = begin_two,
		.threads = { signal_fence, wait_all_in_vain },
		.end = end_signal_both,
	},
	{
		.name = "wait-all-signal-interrupt",
		.begin = begin_two,
		.threads = { signal_both, wait_all_interruptible },
		.end = end_two,
		.interrupts = true,
	},
	{
		.name = "wait-all-signal-signal",
		.begin = begin_two,
		.threads = { signal_fence, signal_other, wait_all },
		.end = end_two,
	},

	/* references */
	{
		.name = "put-signal-wait",
		.begin = begin_shared,
		.threads = { signal_and_put, wait_and_put },
	},
	{
		.name = "put-signal-flush",
		.begin = begin_shared,
		.threads = { signal_and_put, flush_and_put },
	},
	{
		.name = "put-signal-add",
		.begin = begin_shared,
		.threads = { signal_and_put, add_and_put },
		.end = add_and_put_end,
	},
	{
		.name = "put-signal-remove",
		.begin = begin_shared_with_first,
		.threads = { signal_and_put, remove_and_put },
		.end = remove_and_put_end,
	},
	{
		.name = "put-signal-callback",
		.begin = begin_shared_with_first,
		.threads = { signal_and_put, put },
		.end = put_end,
	},
	{
		.name = "put-in-callback-wait",
		.begin = begin_put_in_callback,
		.threads = { signal_and_put, wait_free_and_put },
	},
	{
		.name = "slot-put-get-rcu",
		.begin = slot_begin,
		.threads = { slot_empty, find_by_get_rcu },
		.end = slot_end,
	},
	{
		.name = "slot-put-get-rcu-safe",
		.begin = slot_begin,
		.threads = { slot_empty, find_safely },
		.end = slot_end,
	},
	{
		.name = "slot-replace-get-rcu-safe",
		.begin = slot_begin_two,
		.threads = { slot_replace, find_one_of_two },
		.end = slot_end_two,
	},
	{
		.name = "slot-make-get-rcu-safe",
		.begin = slot_begin,
		.threads = { slot_make_and_replace, find_one_of_two },
		.end = slot_end_two,
	},
	{
		.name = "slot-reuse-get-rcu-safe",
		.begin = pool_begin,
		.threads = { slot_replace, find_in_pool },
		.end = pool_end,
	},
	{
		.name = "slot-put-get-get",
		.begin = slot_begin,
		.threads = { slot_empty, find_by_get_rcu, find_safely },
		.end = slot_end,
	},

	/* callbacks that do something */
	{
		.name = "callback-signals",
		.begin = callback_signals_begin,
		.threads = { signal_fence_and_check_inner, wait_other },
		.end = callback_signals_end,
	},
	{
		.name = "callback-signals-signal",
		.begin = callback_signals_raced_begin,
		.threads = { signal_fence, check_and_signal_other },
		.end = callback_signals_raced_end,
	},
	{
		.name = "callback-signals-remove",
		.begin = callback_signals_begin,
		.threads = { signal_fence, remove_inner },
		.end = callback_signals_remove_end,
	},
	{
		.name = "callback-signals-puts",
		.begin = callback_signals_puts_begin,
		.threads = { signal_fence, wait_forever },
		.end = callback_signals_puts_end,
	},
	{
		.name = "callback-signals-puts-signal",
		.begin = callback_signals_puts_shared_begin,
		.threads = { signal_fence, signal_other_and_put },
		.end = callback_signals_puts_end,
	},
	{
		.name = "callback-signals-puts-wait",
		.begin = callback_signals_puts_shared_begin,
		.threads = { signal_fence, wait_other_and_put },
		.end = callback_signals_puts_end,
	},
	{
		.name = "callbacks-signal-each-other",
		.begin = callbacks_signal_each_other_begin,
		.threads = { signal_fence, signal_other },
		.end = callbacks_signal_each_other_end,
	},
	{
		.name = "callback-removes-itself",
		.begin = callback_removes_itself_begin,
		.threads = { signal_fence, wait_forever },
		.end = callback_removes_itself_end,
	},
	{
		.name = "callback-removes-itself-of-two",
		.begin = callback_removes_itself_and_next_begin,
		.threads = { signal_fence, wait_forever },
		.end = callback_removes_itself_and_next_end,
	},
	{
		.name = "callback-removes-next",
		.begin = callback_removes_next_begin,
		.threads = { signal_fence, wait_forever },
		.end = callback_removes_itself_end,
	},
	{
		.name = "callback-removes-previous",
		.begin = callback_removes_previous_begin,
		.threads = { signal_fence, wait_forever },
		.end = callback_removes_itself_end,
	},
	{
		.name = "callback-removes-across",
		.begin = callback_removes_cross_begin,
		.threads = { signal_fence, signal_other },
		.end = callback_removes_cross_end,
	},
	{
		.name = "callback-adds",
		.begin = callback_adds_begin,
		.threads = { signal_fence, signal_other },
		.end = callback_adds_end,
	},
	{
		.name = "callback-frees-itself",
		.begin = callback_frees_itself_begin,
		.threads = { signal_fence, wait_forever },
		.end = callback_frees_itself_end,
	},
	{
		.name = "callback-frees-itself-of-two",
		.begin = callback_frees_itself_of_two_begin,
		.threads = { signal_fence, wait_forever },
		.end = callback_frees_itself_of_two_end,
	},
	{
		.name = "callback-waits",
		.begin = callback_waits_begin,
		.threads = { signal_fence, wait_both },
		.end = callback_waits_end,
	},
	{
		.name = "callback-asks",
		.begin = callback_asks_begin,
		.threads = { fail_at_once, look_at_error },
		.end = callback_asks_end,
	},

	/* the back end */
	{
		.name = "poll-signal",
		.begin = poll_begin,
		.threads = { finish_and_signal, poll },
		.end = poll_end,
	},
	{
		.name = "poll-poll",
		.begin = poll_done_begin,
		.threads = { poll_for_sure, poll_for_sure },
		.end = poll_end,
	},
	{
		.name = "poll-remove",
		.begin = poll_done_begin,
		.threads = { poll_for_sure, remove_first },
		.end = remove_first_end,
	},
	{
		.name = "poll-add",
		.begin = poll_done_begin,
		.threads = { poll_for_sure, add_second },
		.end = poll_add_end,
	},
	{
		.name = "poll-wait",
		.begin = poll_begin,
		.threads = { finish_and_signal, wait_complete },
		.end = poll_end,
	},
	{
		.name = "poll-poll-wait",
		.begin = poll_done_begin,
		.threads = { poll_for_sure, wait_complete },
		.end = poll_end,
	},
	{
		.name = "ask-complete",
		.begin = poll_begin,
		.threads = { finish, ask },
		.end = ask_end,
	},
	{
		.name = "poll-poll-signal",
		.begin = poll_begin,
		.threads = { finish_and_signal, poll, poll },
		.end = poll_end,
	},
	{
		.name = "enable-add-add",
		.begin = enable_begin,
		.threads = { add_first_enabled, add_second_enabled },
		.end = enabled_once_end,
	},
	{
		.name = "enable-add-wait",
		.begin = enable_begin,
		.threads = { add_first_enabled, wait_enabled },
		.end = enabled_once_end,
	},
	{
		.name = "enable-add-enable",
		.begin = enable_begin,
		.threads = { add_first_enabled, enable_enabled },
		.end = enabled_once_end,
	},
	{
		.name = "enable-add-signal",
		.begin = enable_begin,
		.threads = { add_first_enabled, signal_fence },
		.end = enabled_at_most_once_end,
	},
	{
		.name = "enable-done-add-add",
		.begin = enable_done_begin,
		.threads = { add_first_enabled, add_second_enabled },
		.end = enabled_done_end,
	},
	{
		.name = "enable-done-add-wait",
		.begin = enable_done_begin,
		.threads = { add_first_enabled, wait_enabled },
		.end = enabled_done_wait_end,
	},
	{
		.name = "enable-signals-add-add",
		.begin = enable_signals_begin,
		.threads = { add_first_enabled, add_second_enabled },
		.end = enabled_done_end,
	},
	{
		.name = "enable-signals-add-wait",
		.begin = enable_signals_begin,
		.threads = { add_first_enabled, wait_forever },
		.end = enabled_done_wait_end,
	},

	/* a driver that is unloaded */
	{
		.name = "unload-is-signaled",
		.begin = driver_begin,
		.threads = { unload, ask_driver },
		.end = unloaded_end,
	},
	{
		.name = "unload-poll",
		.begin = driver_begin,
		.threads = { unload, poll_driver },
		.end = unloaded_end,
	},
	{
		.name = "unload-driver-name",
		.begin = driver_begin,
		.threads = { unload, ask_driver_name },
		.end = unloaded_end,
	},
	{
		.name = "unload-timeline-name",
		.begin = driver_begin,
		.threads = { unload, ask_timeline_name },
		.end = unloaded_end,
	},
	{
		.name = "unload-add",
		.begin = driver_begin,
		.threads = { unload, add_to_driver },
		.end = unloaded_end,
	},
	{
		.name = "unload-wait",
		.begin = driver_begin,
		.threads = { unload, wait_forever },
		.end = unloaded_end,
	},
	{
		.name = "unload-deadline",
		.begin = driver_begin,
		.threads = { unload, tell_driver_deadline },
		.end = unloaded_end,
	},

	/* faults */
	{
		.name = "quarantine-wait",
		.begin = lost_begin,
		.threads = { put, wait_lost_for_a_while },
		.end = lost_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
			   MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
	},
	{
		.name = "quarantine-callback",
		.begin = lost_begin_with_first,
		.threads = { put },
		.end = lost_with_first_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
			   MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
	},
	{
		.name = "quarantine-put-put",
		.begin = lost_begin_shared,
		.threads = { put, put },
		.end = lost_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
			   MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
	},
	{
		.name = "quarantine-signal",
		.begin = lost_begin,
		.threads = { put, signal_fence },
		.end = lost_or_not_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
			   MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
	},
	{
		.name = "quarantine-signal-callback",
		.begin = lost_begin_with_first,
		.threads = { put, signal_fence },
		.end = lost_or_not_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
			   MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
	},
	{ .name = "quarantine-signal-wait",
	  .begin = lost_begin,
	  .threads = { put, signal_fence, wait_lost },
	  .end = lost_or_not_end,
	  .reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
		     MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
	  .short_bound = 2 },
	{
		.name = "quarantine-set-error-signal",
		.begin = lost_begin,
		.threads = { put, set_error_and_signal_lost },
		.end = lost_or_failed_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
			   MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
	},
	{
		.name = "quarantine-set-error-signal-callback",
		.begin = lost_begin_with_first,
		.threads = { put, set_error_and_signal_lost },
		.end = lost_or_failed_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
			   MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
	},
	{
		.name = "quarantine-fail",
		.begin = lost_begin,
		.threads = { put, fail_lost },
		.end = lost_or_failed_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
			   MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
	},
	{
		.name = "quarantine-fail-callback",
		.begin = lost_begin_with_first,
		.threads = { put, fail_lost },
		.end = lost_or_failed_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
			   MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
	},
	{
		.name = "quarantine-set-error-signal-wait",
		.begin = lost_begin,
		.threads = { put, set_error_and_signal_lost, wait_failed_lost },
		.end = lost_or_failed_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
			   MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "quarantine-fail-wait",
		.begin = lost_begin,
		.threads = { put, fail_lost, wait_failed_lost },
		.end = lost_or_failed_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
			   MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "quarantine-remove-put",
		.begin = lost_begin_shared_with_first,
		.threads = { remove_lost_and_put, put },
		.end = lost_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
			   MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
	},
	{
		.name = "quarantine-remove-put-too-many",
		.begin = lost_begin_with_first,
		.threads = { remove_lost, put },
		.end = lost_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_QUARANTINE) |
			   MAY_REPORT(DMA_FENCE_REPORT_LATE_SIGNAL),
	},
	{
		.name = "put-put-unpublished",
		.begin = unpublished_begin,
		.threads = { ask_and_put, put },
		.end = unpublished_end,
	},
	{
		.name = "put-too-many",
		.begin = lost_init,
		.threads = { put, put },
		.end = put_too_many_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_REFCOUNT),
	},
	{
		.name = "get-too-late",
		.begin = lost_init,
		.threads = { put, get_too_late },
		.end = get_too_late_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_REFCOUNT),
	},
	{
		.name = "get-too-late-in-section",
		.begin = kept_begin,
		.threads = { put_while_in_section, get_too_late_in_section },
		.end = kept_end,
		.reports = MAY_REPORT(DMA_FENCE_REPORT_REFCOUNT),
		.leaks = true,
	},
	{ 0 },
};
