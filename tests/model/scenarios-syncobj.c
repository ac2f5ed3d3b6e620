/* SPDX-License-Identifier: MIT */
/*
 * Sync objects of one process, and promises: who waits for a point before it has been submitted,
 * and for what somebody has promised.
 *
 * What a producer writes before it signals is 'work', a plain variable, which each reads who has
 * been told that the point has signaled.
 */
#include <dmafence/promise.h>
#include <dmafence/syncobj.h>

#include "base/atomic.h"
#include "fd/promise.h"
#include "fence/state.h"
#include "support.h"

#define FOREVER	   DMA_FENCE_WAIT_FOREVER
#define A_WHILE	   1000
#define FOR_SUBMIT DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT
#define AVAILABLE  DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE
#define ALL	   DMA_FENCE_SYNCOBJ_WAIT_ALL
#define WORK_DONE  77

static struct dma_fence_syncobj *syncobjs[2];
static struct dma_fence *fences[2];
static int work[2];
/* What waits have returned, for the end to check. */
static int64_t results[2];
static uint32_t indices[2];
static int added[2], statuses[2];

static void make_fences(void)
{
	fences[0] = new_fence(1, 1);
	name_fence(fences[0], "first");
	fences[1] = new_fence(2, 1);
	name_fence(fences[1], "second");
}

static void make_object(unsigned int i)
{
	syncobjs[i] = dma_fence_syncobj_create(0);
	model_assert(syncobjs[i]);
}

static void begin(void)
{
	make_fences();
	make_object(0);
}

static void begin_two_objects(void)
{
	begin();
	make_object(1);
}

static void drop_fences(void)
{
	dma_fence_put(fences[0]);
	dma_fence_put(fences[1]);
}

/* Nothing is left, neither of who waited nor of what was waited for. */
static void end(void)
{
	dma_fence_syncobj_put(syncobjs[0]);
	dma_fence_syncobj_put(syncobjs[1]);
	drop_fences();
}

static void add_point(unsigned int object, uint64_t point, unsigned int fence)
{
	model_assert(dma_fence_syncobj_add_point(syncobjs[object], point, fences[fence]) == 0);
}

static void signal_fence(unsigned int i)
{
	work[i] = WORK_DONE;
	dma_fence_signal(fences[i]);
}

static void signal_first(void)
{
	signal_fence(0);
}

static void signal_second(void)
{
	signal_fence(1);
}

/* Submitting */

static void add(void)
{
	add_point(0, 1, 0);
}

static void add_and_signal(void)
{
	add();
	signal_first();
}

static void signal_and_add(void)
{
	signal_first();
	add();
}

/* Later points: they stand for the first one as well. */
static void add_second_point_and_signal(void)
{
	add_point(0, 2, 1);
	signal_second();
}

static void add_both_and_signal(void)
{
	add();
	add_point(0, 2, 1);
	signal_first();
	signal_second();
}

static void put_in(void)
{
	model_assert(dma_fence_syncobj_replace_fence(syncobjs[0], fences[0]) == 0);
}

static void put_in_second_and_signal(void)
{
	model_assert(dma_fence_syncobj_replace_fence(syncobjs[1], fences[1]) == 0);
	signal_second();
}

static void signal_and_put_in(void)
{
	signal_first();
	put_in();
}

static void put_in_and_signal(void)
{
	put_in();
	signal_first();
}

static void replace_and_signal(void)
{
	put_in();
	model_assert(dma_fence_syncobj_replace_fence(syncobjs[0], fences[1]) == 0);
	signal_first();
	signal_second();
}

static void signal_binary(void)
{
	work[0] = WORK_DONE;
	model_assert(dma_fence_syncobj_signal(syncobjs[0]) == 0);
}

static void signal_point(void)
{
	work[0] = WORK_DONE;
	model_assert(dma_fence_syncobj_signal_point(syncobjs[0], 1) == 0);
}

static void fail_and_add(void)
{
	model_assert(dma_fence_set_error(fences[0], -EIO) == 0);
	add_and_signal();
}

static void add_first_point(void)
{
	added[0] = dma_fence_syncobj_add_point(syncobjs[0], 1, fences[0]);
	model_assert(!added[0] || added[0] == -ERANGE);
}

static void add_second_point(void)
{
	added[1] = dma_fence_syncobj_add_point(syncobjs[0], 2, fences[1]);
}

static void reset(void)
{
	model_assert(dma_fence_syncobj_reset(syncobjs[0]) == 0);
}

static void reset_add_and_signal(void)
{
	reset();
	add_and_signal();
}

static void reset_and_add(void)
{
	reset();
	add_point(0, 1, 1);
}

/* Waiting */

static int64_t wait_for(uint64_t point, unsigned int flags, bool intr, int64_t timeout)
{
	const struct dma_fence_syncobj_point points[] = { { syncobjs[0], point } };

	return dma_fence_syncobj_wait(points, 1, flags, intr, timeout, NULL);
}

static void wait_submitted(void)
{
	model_assert(wait_for(1, FOR_SUBMIT, false, FOREVER) > 0);
	model_assert(work[0] == WORK_DONE);
}

/* A later point stands for those before it. */
static void wait_second_point(void)
{
	model_assert(wait_for(2, FOR_SUBMIT, false, FOREVER) > 0);
	model_assert(work[0] == WORK_DONE && work[1] == WORK_DONE);
}

static void wait_first_by_second(void)
{
	model_assert(wait_for(1, FOR_SUBMIT, false, FOREVER) > 0);
	model_assert(work[1] == WORK_DONE);
}

static void wait_status(void)
{
	wait_submitted();
	model_assert(dma_fence_syncobj_status(syncobjs[0], 1) == -EIO);
}

static void wait_available(void)
{
	model_assert(wait_for(1, AVAILABLE, false, FOREVER) > 0);
}

static void wait_for_a_while(void)
{
	results[0] = wait_for(0, FOR_SUBMIT, false, A_WHILE);
	model_assert(results[0] >= 0);
	if (results[0])
		model_assert(work[0] == WORK_DONE);
}

static void wait_interruptible(void)
{
	results[0] = wait_for(0, FOR_SUBMIT, true, FOREVER);
	model_assert(results[0] > 0 || results[0] == -EINTR);
	if (results[0] > 0)
		model_assert(work[0] == WORK_DONE);
}

/* Asks: what has not been submitted has not signaled. */
static void wait_not_at_all(void)
{
	results[0] = wait_for(0, FOR_SUBMIT, false, 0);
	model_assert(results[0] == 0 || results[0] == 1);
	if (results[0])
		model_assert(work[0] == WORK_DONE);
}

static void wait_not_for_submit(void)
{
	results[0] = wait_for(0, 0, false, FOREVER);
	model_assert(results[0] > 0 || results[0] == -ENOENT);
	if (results[0] > 0)
		model_assert(work[0] == WORK_DONE);
}

static void wait_binary(void)
{
	model_assert(wait_for(0, FOR_SUBMIT, false, FOREVER) > 0);
	model_assert(work[0] == WORK_DONE || work[1] == WORK_DONE);
}

/* It turns out to be a timeline, or not. */
static void wait_binary_or_refused(void)
{
	results[0] = wait_for(0, FOR_SUBMIT, false, FOREVER);
	model_assert(results[0] == -EINVAL);
}

static void wait_point_or_refused(void)
{
	results[0] = wait_for(1, FOR_SUBMIT, false, FOREVER);
	model_assert(results[0] == -EINVAL);
}

static int64_t wait_for_two(unsigned int flags, int64_t timeout)
{
	const struct dma_fence_syncobj_point points[] = { { syncobjs[0], 0 }, { syncobjs[1], 0 } };

	return dma_fence_syncobj_wait(points, 2, flags | FOR_SUBMIT, false, timeout, &indices[0]);
}

static void wait_any(void)
{
	model_assert(wait_for_two(0, FOREVER) > 0);
	model_assert(work[indices[0]] == WORK_DONE);
}

static void wait_any_for_a_while(void)
{
	results[0] = wait_for_two(0, A_WHILE);
	model_assert(results[0] >= 0);
	if (results[0])
		model_assert(work[indices[0]] == WORK_DONE);
}

static void wait_all(void)
{
	model_assert(wait_for_two(ALL, FOREVER) > 0);
	model_assert(work[0] == WORK_DONE && work[1] == WORK_DONE);
}

/* Asking */

static void ask_status(void)
{
	int status = dma_fence_syncobj_status(syncobjs[0], 1);

	model_assert(status == -ENOENT || status == 0 || status == 1);
	if (status == 1)
		model_assert(work[0] == WORK_DONE);
}

static void query(void)
{
	uint64_t point;

	model_assert(dma_fence_syncobj_query(syncobjs[0], 0, &point) == 0);
	model_assert(point <= 1);
	if (point)
		model_assert(work[0] == WORK_DONE);
}

static void find(void)
{
	struct dma_fence *fence = dma_fence_syncobj_find_fence(syncobjs[0], 1);

	statuses[0] = fence ? dma_fence_get_status(fence) : -errno;
	if (statuses[0] == 1)
		model_assert(work[0] == WORK_DONE);
	dma_fence_put(fence);
}

/* What has passed before a reset has not passed after it. */
static void begin_signaled(void)
{
	begin();
	add_and_signal();
	/* Who asks first signals the link, and who asks next finds that it has passed. */
	model_assert(dma_fence_syncobj_status(syncobjs[0], 1) == 1);
}

static void begin_added(void)
{
	begin();
	add();
}

static void signal_and_ask(void)
{
	signal_first();
	model_assert(dma_fence_syncobj_status(syncobjs[0], 1) == 1);
	model_assert(dma_fence_syncobj_status(syncobjs[0], 1) == 1);
}

static void ask_passed(void)
{
	statuses[0] = dma_fence_syncobj_status(syncobjs[0], 1);
	model_assert(statuses[0] == 1 || statuses[0] == 0 || statuses[0] == -ENOENT);
}

static void end_reset(void)
{
	model_assert(dma_fence_syncobj_status(syncobjs[0], 1) == 0);
	signal_second();
	end();
}

static void end_added(void)
{
	uint64_t point = 0;

	/* The second one always; and the first one, if it was not too late. */
	model_assert(added[1] == 0);
	model_assert(dma_fence_syncobj_query(syncobjs[0], DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED,
					     &point) == 0);
	model_assert(point == 2);
	signal_second();
	/* The second point stands for the first one as well. */
	model_assert(dma_fence_syncobj_status(syncobjs[0], 2) == !!added[0]);
	signal_first();
	model_assert(dma_fence_syncobj_status(syncobjs[0], 2) == 1);
	end();
}

static void end_available(void)
{
	model_assert(dma_fence_syncobj_status(syncobjs[0], 1) == 0);
	signal_first();
	end();
}

/* Promises */

static struct dma_fence_promise *promise;
static struct dma_fence *promised;
static struct counted_cb counted;

static void begin_promise(void)
{
	make_fences();
	promise = dma_fence_promise_create();
	model_assert(promise);
	promised = dma_fence_promise_fence(promise);
	name_fence(promised, "promised");
}

static void keep(void)
{
	model_assert(dma_fence_promise_keep(promise, fences[0]) == 0);
}

static void keep_and_signal(void)
{
	keep();
	signal_first();
}

static void signal_and_keep(void)
{
	signal_first();
	keep();
}

static void keep_with_nothing(void)
{
	work[0] = WORK_DONE;
	model_assert(dma_fence_promise_keep(promise, NULL) == 0);
}

static void drop_promise(void)
{
	work[0] = WORK_DONE;
	dma_fence_promise_drop(promise);
}

static void fail_promise(void)
{
	work[0] = WORK_DONE;
	model_assert(dma_fence_promise_fail(promise, -EIO) == 0);
}

static void fail_first(void)
{
	model_assert(dma_fence_set_error(fences[0], -EIO) == 0);
	signal_first();
}

static void wait_promised_and_put(void)
{
	model_assert(dma_fence_wait(promised, false) == 0);
	model_assert(work[0] == WORK_DONE);
	statuses[0] = dma_fence_get_status(promised);
	dma_fence_put(promised);
}

static void wait_promised_for_a_while(void)
{
	results[0] = dma_fence_wait_timeout(promised, false, A_WHILE);
	model_assert(results[0] >= 0);
	if (results[0])
		model_assert(work[0] == WORK_DONE);
	dma_fence_put(promised);
}

static void put_promised(void)
{
	dma_fence_put(promised);
}

static void add_callback_and_put(void)
{
	results[1] = add_counted(promised, &counted);
	if (results[1])
		model_assert(work[0] == WORK_DONE);
	dma_fence_put(promised);
}

static void add_and_remove_callback(void)
{
	bool removed;

	results[1] = add_counted(promised, &counted);
	removed = remove_counted(promised, &counted);
	model_assert(counted.runs == (!removed && !results[1]));
	dma_fence_put(promised);
}

/* Who looks on gets a reference that holds. */
static void look_what_with(void)
{
	struct dma_fence *with = dma_fence_promise_kept_with_unseen(promised);

	model_assert(!with || with == fences[0]);
	dma_fence_put(with);
	dma_fence_put(promised);
}

static void signal_and_put(void)
{
	struct dma_fence *fence = fences[0];

	signal_first();
	dma_fence_put(fence);
}

static void begin_kept(void)
{
	begin_promise();
	keep();
}

/* What was delivered has gone, with its producer's reference. */
static void end_one(void)
{
	dma_fence_put(fences[1]);
}

static void end_kept(void)
{
	model_assert(statuses[0] == 1);
	drop_fences();
}

static void end_dropped(void)
{
	model_assert(statuses[0] == -ECANCELED);
	drop_fences();
}

static void end_failed(void)
{
	model_assert(statuses[0] == -EIO);
	drop_fences();
}

static void end_called(void)
{
	model_assert(counted.runs == !results[1]);
	drop_fences();
}

/* Of a point */

static void promise_point(uint64_t point)
{
	promise = dma_fence_syncobj_promise(syncobjs[0], point);
	model_assert(promise);
}

static void begin_promised(void)
{
	begin();
	promise_point(0);
}

static void promise_and_drop(void)
{
	promise_point(0);
	drop_promise();
}

static void promise_and_keep(void)
{
	promise_point(0);
	keep_and_signal();
}

static void promise_point_and_drop(void)
{
	promise_point(1);
	drop_promise();
}

static void end_promise_dropped(void)
{
	model_assert(dma_fence_syncobj_status(syncobjs[0], 0) == -ECANCELED);
	end();
}

static void end_point_dropped(void)
{
	model_assert(dma_fence_syncobj_status(syncobjs[0], 1) == -ECANCELED);
	end();
}

const struct scenario syncobj_scenarios[] = {
	{
		.name = "submit-wait",
		.begin = begin,
		.threads = { add_and_signal, wait_submitted },
		.end = end,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "done-submit-wait",
		.begin = begin,
		.threads = { signal_and_add, wait_submitted },
		.end = end,
	},
	{
		.name = "submit-signal-wait",
		.begin = begin,
		.threads = { add, signal_first, wait_submitted },
		.end = end,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "signal-point-wait",
		.begin = begin,
		.threads = { signal_point, wait_submitted },
		.end = end,
	},
	{
		.name = "submit-failed-wait",
		.begin = begin,
		.threads = { fail_and_add, wait_status },
		.end = end,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "submit-wait-available",
		.begin = begin,
		.threads = { add, wait_available },
		.end = end_available,
	},
	{
		.name = "submit-later-wait",
		.begin = begin,
		.threads = { add_second_point_and_signal, wait_first_by_second },
		.end = end,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "submit-two-wait",
		.begin = begin,
		.threads = { add_both_and_signal, wait_second_point },
		.end = end,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "submit-two-wait-wait",
		.begin = begin,
		.threads = { add_both_and_signal, wait_submitted, wait_second_point },
		.end = end,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "submit-status",
		.begin = begin,
		.threads = { add_and_signal, ask_status },
		.end = end,
	},
	{
		.name = "submit-query",
		.begin = begin,
		.threads = { add_and_signal, query },
		.end = end,
	},
	{
		.name = "submit-find",
		.begin = begin,
		.threads = { add_and_signal, find },
		.end = end,
	},
	{
		.name = "submit-submit",
		.begin = begin,
		.threads = { add_first_point, add_second_point },
		.end = end_added,
	},
	{
		.name = "point-refused",
		.begin = begin,
		.threads = { put_in_and_signal, wait_point_or_refused },
		.end = end,
	},
	{
		.name = "reset-status",
		.begin = begin_signaled,
		.threads = { reset_and_add, ask_passed },
		.end = end_reset,
	},
	{
		.name = "passed-status",
		.begin = begin_added,
		.threads = { signal_and_ask, ask_status },
		.end = end,
		.short_bound = 3,
	},
	{
		.name = "reset-wait",
		.begin = begin,
		.threads = { reset_add_and_signal, wait_submitted },
		.end = end,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "binary-wait",
		.begin = begin,
		.threads = { put_in_and_signal, wait_binary },
		.end = end,
	},
	{
		.name = "binary-done-wait",
		.begin = begin,
		.threads = { signal_and_put_in, wait_binary },
		.end = end,
	},
	{
		.name = "binary-signal-wait",
		.begin = begin,
		.threads = { signal_binary, wait_binary },
		.end = end,
	},
	{
		.name = "binary-wait-deadline",
		.begin = begin,
		.threads = { put_in_and_signal, wait_for_a_while },
		.end = end,
	},
	{
		.name = "binary-wait-interrupt",
		.begin = begin,
		.threads = { put_in_and_signal, wait_interruptible },
		.end = end,
		.interrupts = true,
		.short_bound = 3,
	},
	{
		.name = "binary-wait-at-once",
		.begin = begin,
		.threads = { put_in_and_signal, wait_not_at_all },
		.end = end,
	},
	{
		.name = "binary-wait-not-for-submit",
		.begin = begin,
		.threads = { put_in_and_signal, wait_not_for_submit },
		.end = end,
	},
	{
		.name = "binary-wait-wait",
		.begin = begin,
		.threads = { put_in_and_signal, wait_binary, wait_for_a_while },
		.end = end,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "binary-replace-wait",
		.begin = begin,
		.threads = { replace_and_signal, wait_binary },
		.end = end,
		.short_bound = 3,
	},
	{
		.name = "binary-refused",
		.begin = begin,
		.threads = { add, wait_binary_or_refused },
		.end = end_available,
	},
	{
		.name = "any-wait",
		.begin = begin_two_objects,
		.threads = { put_in_and_signal, wait_any },
		.end = end,
		.bound = 4,
		.short_bound = 2,
	},
	{
		.name = "any-wait-deadline",
		.begin = begin_two_objects,
		.threads = { put_in_and_signal, wait_any_for_a_while },
		.end = end,
		.bound = 4,
		.short_bound = 2,
	},
	{
		.name = "any-wait-both",
		.begin = begin_two_objects,
		.threads = { put_in_and_signal, put_in_second_and_signal, wait_any },
		.end = end,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "all-wait",
		.begin = begin_two_objects,
		.threads = { put_in_and_signal, put_in_second_and_signal, wait_all },
		.end = end,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "promise-wait",
		.begin = begin,
		.threads = { promise_and_keep, wait_binary },
		.end = end,
	},
	{
		.name = "promise-dropped-wait",
		.begin = begin,
		.threads = { promise_and_drop, wait_binary },
		.end = end_promise_dropped,
		.short_bound = 3,
	},
	{
		.name = "dropped-wait",
		.begin = begin_promised,
		.threads = { drop_promise, wait_binary },
		.end = end_promise_dropped,
	},
	{
		.name = "dropped-wait-wait",
		.begin = begin_promised,
		.threads = { drop_promise, wait_binary, wait_for_a_while },
		.end = end_promise_dropped,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "promise-dropped-wait-for-point",
		.begin = begin,
		.threads = { promise_point_and_drop, wait_submitted },
		.end = end_point_dropped,
		.bound = 3,
		.short_bound = 2,
	},
	{ 0 },
};

const struct scenario promise_scenarios[] = {
	{
		.name = "keep-wait",
		.begin = begin_promise,
		.threads = { keep_and_signal, wait_promised_and_put },
		.end = end_kept,
	},
	{
		.name = "signal-keep-wait",
		.begin = begin_promise,
		.threads = { signal_and_keep, wait_promised_and_put },
		.end = end_kept,
	},
	{
		.name = "keep-signal-wait",
		.begin = begin_promise,
		.threads = { keep, signal_first, wait_promised_and_put },
		.end = end_kept,
	},
	{
		.name = "keep-fail-wait",
		.begin = begin_promise,
		.threads = { keep, fail_first, wait_promised_and_put },
		.end = end_failed,
	},
	{
		.name = "keep-nothing-wait",
		.begin = begin_promise,
		.threads = { keep_with_nothing, wait_promised_and_put },
		.end = end_kept,
	},
	{
		.name = "keep-put",
		.begin = begin_promise,
		.threads = { keep_and_signal, put_promised },
		.end = drop_fences,
	},
	{
		.name = "kept-look",
		.begin = begin_kept,
		.threads = { signal_and_put, look_what_with },
		.end = end_one,
	},
	{
		.name = "kept-wait-deadline",
		.begin = begin_kept,
		.threads = { signal_first, wait_promised_for_a_while },
		.end = drop_fences,
	},
	{
		.name = "drop-wait",
		.begin = begin_promise,
		.threads = { drop_promise, wait_promised_and_put },
		.end = end_dropped,
	},
	{
		.name = "drop-wait-deadline",
		.begin = begin_promise,
		.threads = { drop_promise, wait_promised_for_a_while },
		.end = drop_fences,
	},
	{
		.name = "drop-put",
		.begin = begin_promise,
		.threads = { drop_promise, put_promised },
		.end = drop_fences,
	},
	{
		.name = "drop-callback",
		.begin = begin_promise,
		.threads = { drop_promise, add_callback_and_put },
		.end = end_called,
	},
	{
		.name = "drop-remove",
		.begin = begin_promise,
		.threads = { drop_promise, add_and_remove_callback },
		.end = drop_fences,
	},
	{
		.name = "fail-wait",
		.begin = begin_promise,
		.threads = { fail_promise, wait_promised_and_put },
		.end = end_failed,
	},
	{ 0 },
};
