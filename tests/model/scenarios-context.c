/* SPDX-License-Identifier: MIT */
/*
 * The producer's context: emitting, signaling in order, failing, going away.
 *
 * The ring and the batch that is signaled under the lock at once are small in the model build, so
 * that two or three fences make the one grow and take more than one of the other.
 */
#include <dmafence/context.h>
#include <dmafence/rcu.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/park.h"
#include "fence/state.h"
#include "support.h"

#define FENCES	  4
#define WORK_DONE 77
#define NO_RESULT 12345

static struct dma_fence_context *context;
/* Numbered from 1 on, as they are emitted. */
static struct dma_fence *fences[FENCES + 1];
static int64_t results[2] = { NO_RESULT, NO_RESULT };
/* What the producer did before it signaled. */
static int work;

/* Names that tell apart what the context gives and what is given when it has let go. */
#define DRIVER	 "gpu"
#define TIMELINE "ring"

static struct dma_fence *new_raw_fence(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	model_assert(fence);
	return fence;
}

static void emit(unsigned int number)
{
	struct dma_fence *fence = new_raw_fence();

	model_assert(dma_fence_context_emit(context, fence) == 0);
	model_assert(fence->seqno == number);
	model_assert(fence->context == dma_fence_context_id(context));
	fences[number] = fence;
}

static void begin(void)
{
	context = dma_fence_context_create(DRIVER, TIMELINE, &plain_ops, 1);
	model_assert(context);
	model_assert(dma_fence_context_last_emitted(context) == 0);
	model_assert(dma_fence_context_last_signaled(context) == 0);
}

static void begin_one(void)
{
	begin();
	emit(1);
	name_fence(fences[1], "first");
}

static void begin_two(void)
{
	begin_one();
	emit(2);
	name_fence(fences[2], "second");
}

static void begin_three(void)
{
	begin_two();
	emit(3);
	name_fence(fences[3], "third");
}

static bool is_signaled(unsigned int number)
{
	return dma_fence_test_signaled_flag(fences[number]);
}

static int status_of(unsigned int number)
{
	return dma_fence_get_status(fences[number]);
}

/* The caller's reference to it is the last one. */
static void end_fence(unsigned int number, int status)
{
	struct dma_fence *fence = fences[number];

	model_assert(dma_fence_get_status(fence) == status);
	model_assert(state_drained(atomic_load_acquire(&fence->state)));
	model_assert(fence->refcount == 1);
	dma_fence_put(fence);
}

static void end_context(void)
{
	dma_fence_context_destroy(context);
	model_assert(model_reports(DMA_FENCE_REPORT_CONTEXT_DESTROY) == 0);
	dma_fence_rcu_barrier();
}

static void end_all(unsigned int count)
{
	unsigned int i;

	model_assert(dma_fence_context_last_emitted(context) == count);
	model_assert(dma_fence_context_last_signaled(context) == count);
	for (i = 1; i <= count; i++)
		end_fence(i, 1);
	end_context();
}

static void end_one(void)
{
	end_all(1);
}

static void end_two(void)
{
	end_all(2);
}

/* Emitting and signaling */

static void emit_second(void)
{
	emit(2);
	model_assert(dma_fence_context_last_emitted(context) == 2);
}

static void signal_until(unsigned int thread, uint64_t seqno)
{
	uint64_t i;

	results[thread] = dma_fence_context_signal_until(context, seqno);
	model_assert(results[thread] >= 0);
	/* All up to it are, whoever did it. */
	for (i = 1; i <= seqno; i++)
		model_assert(is_signaled(i));
	model_assert(dma_fence_context_last_signaled(context) >= seqno);
}

static void signal_first(void)
{
	work = WORK_DONE;
	signal_until(0, 1);
}

static void signal_two(void)
{
	signal_until(1, 2);
}

static void emit_signal_end(void)
{
	model_assert(results[0] == 1);
	model_assert(dma_fence_context_last_signaled(context) == 1);
	model_assert(status_of(2) == 0);
	/* Late news. */
	model_assert(dma_fence_context_signal_until(context, 1) == 0);
	model_assert(dma_fence_context_signal_until(context, 2) == 1);
	end_two();
}

static void signal_signal_end(void)
{
	model_assert(results[0] + results[1] == 2);
	end_two();
}

static void signal_two_at_100(void)
{
	work = WORK_DONE;
	results[0] = dma_fence_context_signal_until_timestamp(context, 2, 100);
}

/* In order: whoever sees the later one sees the earlier. */
static void look_backwards(void)
{
	if (!is_signaled(2))
		return;
	model_assert(work == WORK_DONE);
	model_assert(is_signaled(1));
	model_assert(dma_fence_timestamp(fences[1]) == 100);
	model_assert(dma_fence_timestamp(fences[2]) == 100);
}

static void look_at_last_signaled(void)
{
	uint64_t last = dma_fence_context_last_signaled(context);

	model_assert(last <= 2);
	if (last >= 1)
		model_assert(is_signaled(1) && work == WORK_DONE);
	if (last >= 2)
		model_assert(is_signaled(2));
	/* It does not go back. */
	model_assert(dma_fence_context_last_signaled(context) >= last);
}

static void signal_two_at_100_end(void)
{
	model_assert(results[0] == 2);
	end_two();
}

static void look_at_order(void)
{
	if (is_signaled(2))
		model_assert(is_signaled(1));
}

/* The second one's callback sees the first signaled, whatever thread it runs on. */
static struct counted_cb second_cb;

static void first_is_signaled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	model_assert(fence == fences[2]);
	model_assert(is_signaled(1));
	count_run(fence, cb);
}

static void begin_two_with_callback(void)
{
	begin_two();
	model_assert(dma_fence_add_callback(fences[2], &second_cb.cb, first_is_signaled) == 0);
}

static void signal_signal_callback_end(void)
{
	model_assert(second_cb.runs == 1);
	signal_signal_end();
}

/* Past the context: that counts for who did it. */
static void signal_first_directly(void)
{
	results[0] = !dma_fence_check_and_signal(fences[1]);
	model_assert(is_signaled(1));
}

static void signal_first_only(void)
{
	signal_until(1, 1);
}

static void signal_directly_end(void)
{
	model_assert(results[0] + results[1] == 2);
	end_two();
}

static void signal_one_directly_end(void)
{
	model_assert(results[0] + results[1] == 1);
	end_one();
}

static void look_at_first(void)
{
	if (is_signaled(1))
		model_assert(work == WORK_DONE);
}

static void wait_for_second(void)
{
	model_assert(dma_fence_wait(fences[2], false) == 0);
	model_assert(work == WORK_DONE);
	model_assert(is_signaled(1));
}

static void put_first(void)
{
	dma_fence_put(fences[1]);
	fences[1] = NULL;
}

static void signal_only(void)
{
	results[0] = dma_fence_context_signal_until(context, 1);
}

static void signal_put_end(void)
{
	model_assert(results[0] == 1);
	end_context();
}

/* A number that was not emitted yet signals nothing. */
static void signal_unemitted(void)
{
	results[1] = dma_fence_context_signal_until(context, 2);
	if (results[1] == 2) {
		/* So the other thread's fence has been emitted, and is signaled. */
		model_assert(dma_fence_context_last_emitted(context) == 2);
		model_assert(dma_fence_context_last_signaled(context) == 2);
		model_assert(is_signaled(1));
	} else {
		model_assert(results[1] == -EINVAL);
		model_assert(!is_signaled(1));
		model_assert(dma_fence_context_last_signaled(context) == 0);
	}
}

static void signal_unemitted_end(void)
{
	if (results[1] == -EINVAL) {
		model_assert(status_of(1) == 0 && status_of(2) == 0);
		model_assert(dma_fence_context_signal_until(context, 2) == 2);
	}
	model_assert(dma_fence_context_signal_until(context, 3) == -EINVAL);
	model_assert(dma_fence_context_signal_until(context, UINT64_MAX) == -EINVAL);
	end_two();
}

/* The ring */

static void emit_any(unsigned int slot)
{
	struct dma_fence *fence = new_raw_fence();

	model_assert(dma_fence_context_emit(context, fence) == 0);
	model_assert(dma_fence_context_last_emitted(context) >= fence->seqno);
	fences[slot] = fence;
}

static void emit_as_third(void)
{
	emit_any(3);
}

static void emit_as_fourth(void)
{
	emit_any(4);
}

static void emit_third(void)
{
	emit(3);
}

static void reserve_two(void)
{
	model_assert(dma_fence_context_reserve(context, 2) == 0);
}

/* As they come, the numbers are given out without gaps and are signaled in that order. */
static void emit_emit_end(void)
{
	model_assert(fences[3]->seqno + fences[4]->seqno == 3 + 4);
	model_assert(dma_fence_context_last_emitted(context) == 4);
	model_assert(dma_fence_context_signal_until(context, 3) == 3);
	model_assert(dma_fence_test_signaled_flag(fences[3]) == (fences[3]->seqno == 3));
	model_assert(dma_fence_test_signaled_flag(fences[4]) == (fences[4]->seqno == 3));
	model_assert(dma_fence_context_signal_until(context, 4) == 1);
	end_all(4);
}

static void emit_third_end(void)
{
	model_assert(dma_fence_context_signal_until(context, 3) == 3);
	end_all(3);
}

static void signal_first_of_ring(void)
{
	signal_until(0, 1);
}

static void grow_signal_end(void)
{
	model_assert(results[0] == 1);
	model_assert(status_of(2) == 0 && status_of(3) == 0);
	model_assert(dma_fence_context_signal_until(context, 3) == 2);
	end_all(3);
}

static void grow_signal_two_end(void)
{
	model_assert(results[1] == 2);
	model_assert(status_of(3) == 0);
	model_assert(dma_fence_context_signal_until(context, 3) == 1);
	end_all(3);
}

/* Failing */

/* Refused, the storage is still the caller's as it was. */
static void emit_or_not(void)
{
	struct dma_fence *fence = new_raw_fence();

	results[0] = dma_fence_context_emit(context, fence);
	if (results[0]) {
		model_assert(results[0] == -ENODEV);
		/* Nobody knows of it. */
		free(fence);
		model_assert(status_of(1) == -ENODEV);
	} else {
		model_assert(fence->seqno == 2);
		fences[2] = fence;
	}
}

static void fail(void)
{
	results[1] = dma_fence_context_fail(context, -ENODEV);
	model_assert(results[1] >= 0);
}

/* Nobody else fails it: when this returns nothing is pending. */
static void fail_all(void)
{
	fail();
	model_assert(is_signaled(1) && is_signaled(2));
}

static void end_failed(unsigned int count)
{
	struct dma_fence *fence = new_raw_fence();
	unsigned int i;

	model_assert(dma_fence_context_emit(context, fence) == -ENODEV);
	free(fence);
	/* A second failure changes nothing. */
	model_assert(dma_fence_context_fail(context, -EIO) == 0);
	model_assert(dma_fence_context_last_emitted(context) == count);
	model_assert(dma_fence_context_last_signaled(context) == count);
	for (i = 1; i <= count; i++)
		end_fence(i, status_of(i));
	end_context();
}

static void emit_fail_end(void)
{
	model_assert(status_of(1) == -ENODEV);
	if (results[0]) {
		model_assert(results[1] == 1);
		end_failed(1);
	} else {
		model_assert(results[1] == 2);
		model_assert(status_of(2) == -ENODEV);
		end_failed(2);
	}
}

/* Succeeds for the first, or fails as all do that are signaled from then on. */
static void signal_fail_end(void)
{
	model_assert(results[0] + results[1] == 2);
	model_assert(status_of(1) == (results[0] ? 1 : -ENODEV));
	model_assert(status_of(2) == -ENODEV);
	end_failed(2);
}

static void signal_until_third(void)
{
	signal_until(0, 3);
}

static void signal_three_fail_end(void)
{
	unsigned int i;

	model_assert(results[0] + results[1] == 3);
	for (i = 1; i <= 3; i++)
		model_assert(status_of(i) == 1 || status_of(i) == -ENODEV);
	/* In order: once one has failed so have all after it. */
	for (i = 1; i < 3; i++)
		model_assert(status_of(i) == 1 || status_of(i + 1) == -ENODEV);
	end_failed(3);
}

static void fail_otherwise(void)
{
	results[0] = dma_fence_context_fail(context, -EIO);
}

/* Of two failures the first counts, for all. */
static void fail_fail_end(void)
{
	struct dma_fence *fence = new_raw_fence();
	int status = status_of(1);

	model_assert(status == -EIO || status == -ENODEV);
	model_assert(status_of(2) == status);
	model_assert(results[0] == (status == -EIO ? 2 : 0));
	model_assert(results[1] == (status == -ENODEV ? 2 : 0));
	model_assert(dma_fence_context_emit(context, fence) == status);
	free(fence);
	end_fence(1, status);
	end_fence(2, status);
	end_context();
}

static void wait_for_failed(void)
{
	model_assert(dma_fence_wait(fences[1], false) == 0);
	model_assert(status_of(1) == -ENODEV);
}

static void fail_wait_end(void)
{
	model_assert(results[1] == 1);
	end_failed(1);
}

static void set_error_of_first(void)
{
	results[0] = dma_fence_set_error(fences[1], -EIO);
	model_assert(results[0] == 0 || results[0] == -EALREADY);
	if (results[0])
		model_assert(status_of(1) == -ENODEV);
}

/* The failure comes with the flag, and so after any error that was set before. */
static void fail_set_error_end(void)
{
	model_assert(results[1] == 1);
	model_assert(status_of(1) == -ENODEV);
	end_failed(1);
}

static struct counted_cb first_cb;

static void add_to_first(void)
{
	results[0] = add_counted(fences[1], &first_cb);
	model_assert(results[0] == 0 || results[0] == -ENOENT);
	if (results[0])
		model_assert(status_of(1) == -ENODEV);
}

static void fail_add_end(void)
{
	model_assert(results[1] == 1);
	model_assert(first_cb.runs == !results[0]);
	end_failed(1);
}

/*
 * The failure sets the error under the lock of the fence, and signals it with the lock held: who
 * waits for that lock is refused at once, and does not wait for the callback. It waits for him.
 */
static uint32_t let_go;
static struct dma_fence_cb waiting_cb;

static void wait_until_let_go(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	while (!atomic_load_acquire(&let_go))
		dma_fence_park_wait(&let_go, 0, CLOCK_NEVER);
}

static void begin_one_that_waits(void)
{
	begin_one();
	model_name(&let_go, sizeof(let_go), "let go");
	model_assert(dma_fence_add_callback(fences[1], &waiting_cb, wait_until_let_go) == 0);
}

static void add_and_let_go(void)
{
	add_to_first();
	atomic_store_release(&let_go, 1);
	dma_fence_park_wake(&let_go);
}

static void set_error_and_let_go(void)
{
	set_error_of_first();
	atomic_store_release(&let_go, 1);
	dma_fence_park_wake(&let_go);
}

/* The callback of the first asks for the next one, as a queue that goes on does. */
static void emit_in_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct counted_cb *counted = container_of(cb, struct counted_cb, cb);

	count_run(fence, cb);
	fences[2] = new_raw_fence();
	counted->turn = dma_fence_context_emit(context, fences[2]);
	if (counted->turn) {
		free(fences[2]);
		fences[2] = NULL;
	}
}

static void begin_one_that_goes_on(void)
{
	begin_one();
	model_assert(dma_fence_add_callback(fences[1], &first_cb.cb, emit_in_callback) == 0);
}

static void goes_on_failed_end(void)
{
	model_assert(first_cb.runs == 1 && first_cb.turn == -ENODEV);
	model_assert(results[1] == 1);
	end_failed(1);
}

static void goes_on_end(void)
{
	model_assert(first_cb.runs == 1 && first_cb.turn == 0);
	model_assert(fences[2]->seqno == 2);
	model_assert(dma_fence_context_signal_until(context, 2) == 1);
	end_two();
}

/* Signaled before the failure or by it. The next one fails if it comes to be. */
static void goes_on_signal_fail_end(void)
{
	model_assert(first_cb.runs == 1);
	if (first_cb.turn) {
		model_assert(first_cb.turn == -ENODEV);
		model_assert(results[0] + results[1] == 1);
		end_failed(1);
	} else {
		model_assert(status_of(1) == 1);
		model_assert(results[0] == 1 && results[1] == 1);
		model_assert(status_of(2) == -ENODEV);
		end_failed(2);
	}
}

/* Going away */

static void destroy(void)
{
	dma_fence_context_destroy(context);
	context = NULL;
}

static void wait_for_canceled(void)
{
	model_assert(dma_fence_wait(fences[1], false) == 0);
	model_assert(status_of(1) == -ECANCELED);
}

static void wait_for_second_canceled(void)
{
	model_assert(dma_fence_wait(fences[2], false) == 0);
	model_assert(is_signaled(1));
	model_assert(status_of(2) == -ECANCELED);
}

static void wait_canceled_and_put(void)
{
	wait_for_canceled();
	put_first();
}

static void destroyed_put_end(void)
{
	model_assert(model_reports(DMA_FENCE_REPORT_CONTEXT_DESTROY) == 1);
	dma_fence_rcu_barrier();
}

static void destroyed_end_of(unsigned int count)
{
	unsigned int i;

	model_assert(model_reports(DMA_FENCE_REPORT_CONTEXT_DESTROY) == count);
	for (i = 1; i <= count; i++)
		end_fence(i, -ECANCELED);
	dma_fence_rcu_barrier();
}

static void destroyed_one_end(void)
{
	destroyed_end_of(1);
}

static void destroyed_two_end(void)
{
	destroyed_end_of(2);
}

static void goes_on_destroyed_end(void)
{
	model_assert(first_cb.runs == 1 && first_cb.turn == -ECANCELED);
	destroyed_end_of(1);
}

/* The names, which go with the context: by hand, for the scheduler does not see into strcmp(). */
static bool same(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return *a == *b;
}

/* Of a pending fence they are the context's; then it has let go, but they stay to be read. */
static void read_driver_name(void)
{
	bool signaled;
	const char *name;

	dma_fence_rcu_read_lock();
	signaled = is_signaled(1);
	name = dma_fence_driver_name(fences[1]);
	model_assert(same(name, "detached-driver") || (!signaled && same(name, DRIVER)));
	if (!is_signaled(1))
		model_assert(same(name, DRIVER));
	dma_fence_rcu_read_unlock();
}

static void read_timeline_name(void)
{
	bool signaled;
	const char *name;

	dma_fence_rcu_read_lock();
	signaled = is_signaled(1);
	name = dma_fence_timeline_name(fences[1]);
	model_assert(same(name, "signaled-timeline") || (!signaled && same(name, TIMELINE)));
	if (!is_signaled(1))
		model_assert(same(name, TIMELINE));
	dma_fence_rcu_read_unlock();
}

static void signal_names_end(void)
{
	model_assert(results[0] == 1);
	model_assert(same(dma_fence_driver_name(fences[1]), "detached-driver"));
	model_assert(same(dma_fence_timeline_name(fences[1]), "signaled-timeline"));
	end_one();
}

/* Somebody signals it past the context, which then has nothing to cancel. */
static void signal_and_look(void)
{
	int status;

	results[0] = dma_fence_check_and_signal(fences[1]);
	status = status_of(1);
	model_assert(status == (results[0] ? -ECANCELED : 1));
}

static void destroy_signal_end(void)
{
	model_assert((int)model_reports(DMA_FENCE_REPORT_CONTEXT_DESTROY) == results[0]);
	end_fence(1, results[0] ? -ECANCELED : 1);
	dma_fence_rcu_barrier();
}

#define MAY_CANCEL MAY_REPORT(DMA_FENCE_REPORT_CONTEXT_DESTROY)

const struct scenario context_scenarios[] = {
	/* emitting and signaling */
	{
		.name = "emit-signal",
		.begin = begin_one,
		.threads = { signal_first, emit_second },
		.end = emit_signal_end,
	},
	{
		.name = "emit-signal-unemitted",
		.begin = begin_one,
		.threads = { emit_second, signal_unemitted },
		.end = signal_unemitted_end,
	},
	{
		.name = "signal-signal",
		.begin = begin_two,
		.threads = { signal_first, signal_two },
		.end = signal_signal_end,
	},
	{
		.name = "signal-signal-callback",
		.begin = begin_two_with_callback,
		.threads = { signal_first, signal_two },
		.end = signal_signal_callback_end,
	},
	{
		.name = "signal-signal-look",
		.begin = begin_two,
		.threads = { signal_first, signal_two, look_at_order },
		.end = signal_signal_end,
	},
	{
		.name = "signal-look-backwards",
		.begin = begin_two,
		.threads = { signal_two_at_100, look_backwards },
		.end = signal_two_at_100_end,
	},
	{
		.name = "signal-last-signaled",
		.begin = begin_two,
		.threads = { signal_two_at_100, look_at_last_signaled },
		.end = signal_two_at_100_end,
	},
	{
		.name = "signal-wait",
		.begin = begin_two,
		.threads = { signal_two_at_100, wait_for_second },
		.end = signal_two_at_100_end,
	},
	{
		.name = "signal-directly",
		.begin = begin_one,
		.threads = { signal_first_directly, signal_first_only },
		.end = signal_one_directly_end,
	},
	{
		.name = "signal-directly-two",
		.begin = begin_two,
		.threads = { signal_first_directly, signal_two },
		.end = signal_directly_end,
	},
	{
		.name = "signal-put",
		.begin = begin_one,
		.threads = { signal_only, put_first },
		.end = signal_put_end,
	},
	{
		.name = "signal-goes-on",
		.begin = begin_one_that_goes_on,
		.threads = { signal_first, look_at_first },
		.end = goes_on_end,
	},

	/* the ring grows */
	{ .name = "emit-emit",
	  .begin = begin_two,
	  .threads = { emit_as_third, emit_as_fourth },
	  .end = emit_emit_end,
	  .short_bound = 2 },
	{ .name = "emit-reserve",
	  .begin = begin_two,
	  .threads = { emit_third, reserve_two },
	  .end = emit_third_end,
	  .short_bound = 2 },
	{
		.name = "emit-grow-signal",
		.begin = begin_two,
		.threads = { emit_third, signal_first_of_ring },
		.end = grow_signal_end,
	},
	{ .name = "emit-grow-signal-two",
	  .begin = begin_two,
	  .threads = { emit_third, signal_two },
	  .end = grow_signal_two_end,
	  .short_bound = 2 },

	/* failing */
	{
		.name = "fail-emit",
		.begin = begin_one,
		.threads = { emit_or_not, fail },
		.end = emit_fail_end,
	},
	{
		.name = "fail-signal",
		.begin = begin_two,
		.threads = { signal_first, fail_all },
		.end = signal_fail_end,
	},
	{
		.name = "fail-signal-three",
		.begin = begin_three,
		.threads = { signal_until_third, fail },
		.end = signal_three_fail_end,
	},
	{
		.name = "fail-fail",
		.begin = begin_two,
		.threads = { fail_otherwise, fail },
		.end = fail_fail_end,
	},
	{
		.name = "fail-wait",
		.begin = begin_one,
		.threads = { fail, wait_for_failed },
		.end = fail_wait_end,
	},
	{
		.name = "fail-set-error",
		.begin = begin_one,
		.threads = { set_error_of_first, fail },
		.end = fail_set_error_end,
	},
	{
		.name = "fail-add",
		.begin = begin_one,
		.threads = { add_to_first, fail },
		.end = fail_add_end,
	},
	{
		.name = "fail-refuses-add",
		.begin = begin_one_that_waits,
		.threads = { add_and_let_go, fail },
		.end = fail_add_end,
	},
	{
		.name = "fail-refuses-set-error",
		.begin = begin_one_that_waits,
		.threads = { set_error_and_let_go, fail },
		.end = fail_set_error_end,
	},
	{
		.name = "fail-goes-on",
		.begin = begin_one_that_goes_on,
		.threads = { fail, wait_for_failed },
		.end = goes_on_failed_end,
	},
	{
		.name = "fail-goes-on-signal",
		.begin = begin_one_that_goes_on,
		.threads = { signal_first, fail },
		.end = goes_on_signal_fail_end,
	},

	/* going away */
	{
		.name = "destroy-wait",
		.begin = begin_one,
		.threads = { destroy, wait_for_canceled },
		.end = destroyed_one_end,
		.reports = MAY_CANCEL,
	},
	{
		.name = "destroy-two-wait",
		.begin = begin_two,
		.threads = { destroy, wait_for_second_canceled },
		.end = destroyed_two_end,
		.reports = MAY_CANCEL,
	},
	{
		.name = "destroy-wait-put",
		.begin = begin_one,
		.threads = { destroy, wait_canceled_and_put },
		.end = destroyed_put_end,
		.reports = MAY_CANCEL,
	},
	{
		.name = "destroy-goes-on",
		.begin = begin_one_that_goes_on,
		.threads = { destroy, wait_for_canceled },
		.end = goes_on_destroyed_end,
		.reports = MAY_CANCEL,
	},
	{
		.name = "destroy-signal",
		.begin = begin_one,
		.threads = { destroy, signal_and_look },
		.end = destroy_signal_end,
		.reports = MAY_CANCEL,
	},
	{
		.name = "destroy-driver-name",
		.begin = begin_one,
		.threads = { destroy, read_driver_name },
		.end = destroyed_one_end,
		.reports = MAY_CANCEL,
	},
	{
		.name = "destroy-timeline-name",
		.begin = begin_one,
		.threads = { destroy, read_timeline_name },
		.end = destroyed_one_end,
		.reports = MAY_CANCEL,
	},
	{
		.name = "signal-driver-name",
		.begin = begin_one,
		.threads = { signal_first, read_driver_name },
		.end = signal_names_end,
	},
	{
		.name = "signal-timeline-name",
		.begin = begin_one,
		.threads = { signal_first, read_timeline_name },
		.end = signal_names_end,
	},
	{ 0 },
};
