/* SPDX-License-Identifier: MIT */
/* Reservation objects and their locks: several at once, in any order. */
#include "soak.h"

#define ACTOR	"locks"
#define BUFFERS 6

static struct buffer {
	struct dma_resv resv;
	/* Under the lock, and plain: who is in there with another races. */
	unsigned int inside;
	uint64_t sum;
} buffers[BUFFERS];

/* One, with locks that need no fences. */
static struct dma_ww_mutex plain[2];
static unsigned int plain_inside[2];

static void begin(struct worker *main)
{
	unsigned int i;

	(void)main;
	for (i = 0; i < BUFFERS; i++)
		dma_resv_init(&buffers[i].resv);
	for (i = 0; i < 2; i++)
		dma_ww_mutex_init(&plain[i]);
}

static void end(struct worker *main)
{
	unsigned int i;

	(void)main;
	for (i = 0; i < BUFFERS; i++) {
		CHECK(!dma_resv_is_locked(&buffers[i].resv));
		CHECK(dma_resv_wait_timeout(&buffers[i].resv, DMA_RESV_USAGE_BOOKKEEP, false,
					    30 * PATIENCE * SECOND) > 0,
		      "a reservation object waits for what nobody has signaled");
		dma_resv_fini(&buffers[i].resv);
	}
	for (i = 0; i < 2; i++)
		dma_ww_mutex_destroy(&plain[i]);
}

static void go_in(struct buffer *buffer)
{
	CHECK(!buffer->inside++, "two are in a reservation object at once");
	buffer->sum++;
}

static void go_out(struct buffer *buffer)
{
	CHECK(!--buffer->inside, "somebody else came in");
}

/* It, or a later one of its context, or it has signaled. */
static bool is_there(struct dma_fence *fence, struct dma_fence **fences, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (dma_fence_is_later_or_same(fences[i], fence) ||
		    (fences[i]->context == fence->context && fences[i]->seqno == fence->seqno))
			return true;
	return dma_fence_is_signaled(fence);
}

static void add_to(struct worker *worker, struct buffer *buffer)
{
	const enum dma_resv_usage usage = (enum dma_resv_usage)below(worker, 4);
	struct dma_fence *fence = pool_get_leaf(worker), **fences = NULL;
	unsigned int count = 0, i;

	if (!fence)
		return;
	CHECK(!dma_resv_reserve_fences(&buffer->resv, 1 + below(worker, 3)));
	CHECK(!dma_resv_add_fence(&buffer->resv, fence, usage));
	CHECK(!dma_resv_get_fences(&buffer->resv, usage, &count, &fences));
	CHECK(is_there(fence, fences, count), "a fence was added, and is not there");
	for (i = 0; i < count; i++)
		dma_fence_put(fences[i]);
	free(fences);
	dma_fence_put(fence);
	TALLY("fences added");
}

/* To one that nobody else knows: what it had would no longer be waited for. */
static void copy(struct dma_resv *from)
{
	struct dma_resv own;

	dma_resv_init(&own);
	CHECK(dma_resv_trylock(&own));
	CHECK(!dma_resv_copy_fences(&own, from));
	dma_resv_unlock(&own);
	if (dma_resv_test_signaled(from, DMA_RESV_USAGE_BOOKKEEP))
		CHECK(dma_resv_test_signaled(&own, DMA_RESV_USAGE_BOOKKEEP));
	dma_resv_fini(&own);
	TALLY("objects copied");
}

static void work_on(struct worker *worker, struct dma_resv **objs, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		go_in(container_of(objs[i], struct buffer, resv));
	for (i = 0; i < count; i++)
		add_to(worker, container_of(objs[i], struct buffer, resv));
	if (one_in(worker, 8))
		copy(objs[0]);
	if (one_in(worker, 8))
		soak_sleep(10 * US);
	for (i = 0; i < count; i++)
		go_out(container_of(objs[i], struct buffer, resv));
}

static void lock_several(struct worker *worker)
{
	struct dma_resv *objs[BUFFERS], *spare;
	unsigned int count = 1 + below(worker, BUFFERS), i, k;
	struct dma_ww_acquire_ctx ctx;
	bool intr = one_in(worker, 2);
	int ret;

	for (i = 0; i < BUFFERS; i++)
		objs[i] = &buffers[i].resv;
	for (i = 0; i < count; i++) {
		k = i + below(worker, BUFFERS - i);
		spare = objs[i];
		objs[i] = objs[k];
		objs[k] = spare;
	}
	dma_ww_acquire_init(&ctx);
	AT(worker, "locking several reservation objects");
	ret = dma_resv_lock_many(objs, count, &ctx, intr ? DMA_RESV_LOCK_INTERRUPTIBLE : 0);
	if (ret) {
		CHECK(ret == -EINTR && intr, "locking several: %d", ret);
		TALLY("locks interrupted");
	} else {
		AT(worker, "in several reservation objects");
		dma_ww_acquire_done(&ctx);
		work_on(worker, objs, count);
		dma_resv_unlock_many(objs, count, &ctx);
		TALLY_ADD("objects locked together", count);
	}
	dma_ww_acquire_fini(&ctx);
}

static void lock_one(struct worker *worker)
{
	struct dma_resv *obj = &buffers[below(worker, BUFFERS)].resv;

	AT(worker, "locking a reservation object");
	if (one_in(worker, 2)) {
		if (!dma_resv_trylock(obj)) {
			TALLY("locks tried in vain");
			return;
		}
	} else {
		CHECK(!dma_resv_lock(obj, NULL));
	}
	work_on(worker, &obj, 1);
	dma_resv_unlock(obj);
	TALLY("objects locked alone");
}

/* By hand, as lock_many does it. */
static void back_off(struct worker *worker)
{
	struct dma_ww_acquire_ctx ctx;
	unsigned int first = below(worker, 2);
	int ret;

	AT(worker, "backing off");
	dma_ww_acquire_init(&ctx);
	CHECK(!dma_ww_mutex_lock(&plain[first], &ctx));
	/* Others get the second one meanwhile. */
	if (one_in(worker, 8))
		soak_sleep(10 * US);
	for (;;) {
		ret = dma_ww_mutex_lock(&plain[!first], &ctx);
		if (!ret)
			break;
		CHECK(ret == -EDEADLK, "locking the second: %d", ret);
		dma_ww_mutex_unlock(&plain[first]);
		first = !first;
		dma_ww_mutex_lock_slow(&plain[first], &ctx);
		TALLY("times backed off");
	}
	CHECK(!plain_inside[0]++ && !plain_inside[1]++, "two hold a wound/wait lock");
	CHECK(!--plain_inside[0] && !--plain_inside[1], "two hold a wound/wait lock");
	dma_ww_mutex_unlock(&plain[0]);
	dma_ww_mutex_unlock(&plain[1]);
	dma_ww_acquire_fini(&ctx);
	TALLY("pairs locked");
}

/* What was there before a wait has signaled after it. */
static void wait_for_all(struct worker *worker, struct dma_resv *obj)
{
	struct dma_fence **fences = NULL;
	unsigned int count = 0, i;
	int64_t ret;

	CHECK(!dma_resv_get_fences(obj, DMA_RESV_USAGE_BOOKKEEP, &count, &fences));
	AT(worker, "waiting for a reservation object");
	ret = dma_resv_wait_timeout(obj, DMA_RESV_USAGE_BOOKKEEP, one_in(worker, 2),
				    some_time(worker));
	CHECK(ret >= 0 || ret == -EINTR, "a wait returned %lld", (long long)ret);
	for (i = 0; i < count; i++) {
		if (ret > 0)
			fence_check_done(fences[i]);
		dma_fence_put(fences[i]);
	}
	free(fences);
	if (ret > 0)
		TALLY("waits that ended");
}

static void go_through(struct dma_resv *obj)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	dma_resv_iter_begin(&cursor, obj, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked (&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor))
			count = 0;
		CHECK(dma_resv_iter_usage(&cursor) <= DMA_RESV_USAGE_BOOKKEEP);
		CHECK(!dma_fence_is_container(fence));
		count++;
	}
	dma_resv_iter_end(&cursor);
	TALLY_ADD("fences gone through", count);
}

static void ask(struct worker *worker)
{
	struct dma_resv *obj = &buffers[below(worker, BUFFERS)].resv;
	const enum dma_resv_usage usage = (enum dma_resv_usage)below(worker, 4);
	struct dma_fence *fence;

	switch (below(worker, 5)) {
	case 0:
		CHECK(!dma_resv_get_singleton(obj, usage, &fence));
		if (fence)
			pool_add(worker, fence);
		TALLY("singletons");
		break;
	case 1:
		dma_resv_test_signaled(obj, usage);
		break;
	case 2:
		dma_resv_set_deadline(obj, usage, clock_now() + MS);
		break;
	case 3:
		wait_for_all(worker, obj);
		break;
	default:
		go_through(obj);
	}
}

static void turn(struct worker *worker)
{
	fence_signal_one(worker);
	switch (below(worker, 6)) {
	case 0:
	case 1:
		lock_several(worker);
		break;
	case 2:
		lock_one(worker);
		break;
	case 3:
		back_off(worker);
		break;
	default:
		ask(worker);
	}
}

const struct actor actor_locks = {
	.name = ACTOR,
	.threads = 3,
	.begin = begin,
	.end = end,
	.turn = turn,
};
