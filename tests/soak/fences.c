/* SPDX-License-Identifier: MIT */
/* Fences, callbacks, waits and queries, and the pool through which all actors get at fences. */
#include "soak.h"

#define CANARY	   UINT64_C(0x50ac50ac50ac50ac)
#define POISON	   UINT64_C(0xdeaddeaddeaddead)
#define POOL_SIZE  64
#define MOST_CALLS 32

struct plain {
	struct dma_fence fence;
	uint64_t canary;
	/* Decided beforehand. */
	int error;
	/* Written by the producer just before it signals, and by nobody else. */
	uint64_t payload;
	int64_t created;
	bool complete;
	int enabled;
};

static struct dma_fence *pool[POOL_SIZE];
static uint64_t alive;

static struct plain *plain_of(struct dma_fence *fence)
{
	struct plain *plain = container_of(fence, struct plain, fence);

	CHECK(plain->canary == CANARY, "a fence was used that is no more");
	return plain;
}

static void plain_release(struct dma_fence *fence)
{
	struct plain *plain = plain_of(fence);

	plain->canary = POISON;
	atomic_fetch_sub_relaxed(&alive, 1);
	dma_fence_free(fence);
}

static bool plain_enable(struct dma_fence *fence)
{
	CHECK(!__atomic_fetch_add(&plain_of(fence)->enabled, 1, __ATOMIC_RELAXED),
	      "signaling was enabled twice");
	return true;
}

static bool plain_signaled(struct dma_fence *fence)
{
	return atomic_load_acquire(&plain_of(fence)->complete);
}

static const char *plain_name(struct dma_fence *fence)
{
	plain_of(fence);
	return "soak";
}

static void plain_deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	(void)deadline_ns;
	plain_of(fence);
}

static const struct dma_fence_ops asks = {
	.get_driver_name = plain_name,
	.get_timeline_name = plain_name,
	.enable_signaling = plain_enable,
	.signaled = plain_signaled,
	.release = plain_release,
	.set_deadline = plain_deadline,
};

static const struct dma_fence_ops mute = {
	.release = plain_release,
};

uint64_t fences_alive(void)
{
	return atomic_load_relaxed(&alive);
}

bool fence_is_plain(struct dma_fence *fence)
{
	const struct dma_fence_ops *ops = atomic_load_relaxed(&fence->ops);

	return ops == &asks || ops == &mute;
}

int fence_will_be(struct dma_fence *fence)
{
	return plain_of(fence)->error;
}

struct dma_fence *fence_create(struct worker *worker)
{
	struct plain *plain = calloc(1, sizeof(*plain));
	bool in_line = one_in(worker, 2);

	while (worker->num_own == MOST_OWN)
		fence_signal_one(worker);
	CHECK(plain);
	plain->canary = CANARY;
	plain->error = one_in(worker, 16) ? -EIO : 0;
	plain->created = clock_now();
	if (!worker->context)
		worker->context = dma_fence_context_alloc(1);
	dma_fence_init(&plain->fence, one_in(worker, 2) ? &asks : &mute,
		       in_line ? worker->context : dma_fence_context_alloc(1),
		       in_line ? ++worker->seqno : 1);
	atomic_fetch_add_relaxed(&alive, 1);
	worker->own[worker->num_own++] = dma_fence_get(&plain->fence);
	return &plain->fence;
}

static void signal_plain(struct worker *worker, struct dma_fence *fence)
{
	struct plain *plain = plain_of(fence);

	plain->payload = CANARY;
	if (plain->error)
		CHECK(!dma_fence_set_error(fence, plain->error));
	switch (below(worker, 4)) {
	case 0:
		/* Others may be the first to see it. */
		atomic_store_release(&plain->complete, true);
		dma_fence_signal(fence);
		break;
	case 1:
		CHECK(!dma_fence_check_and_signal(fence), "somebody else had signaled it");
		CHECK(dma_fence_check_and_signal(fence));
		break;
	case 2:
		dma_fence_signal_timestamp(fence, clock_now());
		break;
	default:
		dma_fence_signal(fence);
	}
	CHECK(dma_fence_test_signaled_flag(fence));
	dma_fence_put(fence);
}

/* The oldest comes first: what is of one context signals in order. */
void fence_signal_one(struct worker *worker)
{
	struct dma_fence *fence = worker->own[0];

	if (!worker->num_own)
		return;
	memmove(worker->own, worker->own + 1, --worker->num_own * sizeof(fence));
	signal_plain(worker, fence);
}

void fence_signal_all(struct worker *worker)
{
	while (worker->num_own)
		fence_signal_one(worker);
}

void fence_check_done(struct dma_fence *fence)
{
	int status = dma_fence_get_status(fence);
	int64_t timestamp = dma_fence_timestamp(fence), now = clock_now();

	CHECK(status, "a fence that is done has no status");
	CHECK(status == 1 || status < 0, "status %d", status);
	CHECK(timestamp >= 0 && timestamp <= now, "timestamp %lld, now %lld", (long long)timestamp,
	      (long long)now);
	CHECK(dma_fence_is_signaled(fence) && dma_fence_test_signaled_flag(fence));
	CHECK(dma_fence_get_status(fence) == status && dma_fence_timestamp(fence) == timestamp,
	      "how it ended has changed");
	if (!fence_is_plain(fence))
		return;
	CHECK(status == (fence_will_be(fence) ? fence_will_be(fence) : 1), "status %d", status);
	CHECK(plain_of(fence)->payload == CANARY, "what the producer wrote is not there");
	CHECK(timestamp >= plain_of(fence)->created);
}

bool fence_look(struct worker *worker, struct dma_fence *fence)
{
	bool done = dma_fence_is_signaled(fence);

	(void)worker;
	if (done) {
		CHECK(dma_fence_poll(fence), "it was complete, and is not any more");
		fence_check_done(fence);
	}
	return done;
}

void pool_add(struct worker *worker, struct dma_fence *fence)
{
	dma_fence_put(atomic_exchange_acq_rel(&pool[below(worker, POOL_SIZE)], fence));
}

struct dma_fence *pool_get(struct worker *worker)
{
	struct dma_fence *fence;

	dma_fence_rcu_read_lock();
	fence = dma_fence_get_rcu_safe(&pool[below(worker, POOL_SIZE)]);
	dma_fence_rcu_read_unlock();
	return fence;
}

struct dma_fence *pool_get_leaf(struct worker *worker)
{
	struct dma_fence *fence = pool_get(worker);

	if (fence && dma_fence_is_container(fence)) {
		dma_fence_put(fence);
		fence = fence_create(worker);
		pool_add(worker, dma_fence_get(fence));
	}
	return fence;
}

void pool_empty(void)
{
	unsigned int i;

	for (i = 0; i < POOL_SIZE; i++)
		dma_fence_put(atomic_exchange_acq_rel(&pool[i], NULL));
}

/* Callbacks. */

#define ACTOR "fences"

enum call_state { WAITING, RUNNING, RAN };

struct call {
	struct dma_fence_cb cb;
	uint64_t canary;
	int state;
	/* Signals this, or frees itself. */
	struct dma_fence *next;
	bool frees;
	/* Of the same fence: one that was added before. */
	struct call *before;
};

struct calls {
	struct call *calls[MOST_CALLS];
	struct dma_fence *fences[MOST_CALLS];
	unsigned int count;
};

static void called(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct call *call = container_of(cb, struct call, cb);

	CHECK(call->canary == CANARY, "a callback ran that is no more");
	CHECK(dma_fence_test_signaled_flag(fence), "called before the fence has signaled");
	CHECK(atomic_exchange_acq_rel(&call->state, RUNNING) == WAITING, "a callback ran twice");
	CHECK(!call->before || atomic_load_acquire(&call->before->state) == RAN,
	      "callbacks ran in another order");
	CHECK(dma_fence_get_status(fence));
	if (call->next) {
		struct plain *plain = plain_of(call->next);

		plain->payload = CANARY;
		if (plain->error)
			dma_fence_set_error(call->next, plain->error);
		dma_fence_signal(call->next);
		dma_fence_put(call->next);
		TALLY("fences signaled by callbacks");
	}
	TALLY("callbacks run");
	if (call->frees) {
		call->canary = POISON;
		free(call);
		return;
	}
	atomic_store_release(&call->state, RAN);
}

static struct call *call_create(void)
{
	struct call *call = calloc(1, sizeof(*call));

	CHECK(call);
	call->canary = CANARY;
	return call;
}

static void call_free(struct call *call)
{
	call->canary = POISON;
	free(call);
}

/* One that nobody knows yet, signaled when another is: it leaves the worker's list. */
static struct dma_fence *give_away_own(struct worker *worker)
{
	struct dma_fence *fence = fence_create(worker);

	if (fence->context == worker->context) {
		dma_fence_put(fence);
		return NULL;
	}
	dma_fence_put(worker->own[--worker->num_own]);
	return fence;
}

static void forget_call(struct worker *worker, struct calls *calls, unsigned int i)
{
	struct call *call = calls->calls[i];
	struct dma_fence *fence = calls->fences[i];
	bool removed;

	(void)worker;
	removed = dma_fence_remove_callback(fence, &call->cb);
	if (removed) {
		CHECK(atomic_load_acquire(&call->state) == WAITING, "removed, but it has run");
		TALLY("callbacks removed");
	} else {
		CHECK(atomic_load_acquire(&call->state) == RAN,
		      "neither removed, nor has it returned");
	}
	call_free(call);
	dma_fence_put(fence);
	calls->count--;
	calls->calls[i] = calls->calls[calls->count];
	calls->fences[i] = calls->fences[calls->count];
}

static void add_call(struct worker *worker, struct calls *calls)
{
	struct dma_fence *fence = pool_get(worker), *next = NULL;
	struct call *call;
	bool frees;
	int ret;

	if (!fence)
		return;
	if (calls->count == MOST_CALLS)
		forget_call(worker, calls, below(worker, calls->count));
	call = call_create();
	frees = call->frees = one_in(worker, 4);
	if (frees)
		next = call->next = give_away_own(worker);
	if (next)
		dma_fence_get(next);
	ret = dma_fence_add_callback(fence, &call->cb, called);
	if (ret) {
		CHECK(ret == -ENOENT, "adding a callback: %d", ret);
		CHECK(dma_fence_test_signaled_flag(fence));
		CHECK(atomic_load_acquire(&call->state) == WAITING);
		if (next) {
			signal_plain(worker, dma_fence_get(next));
			dma_fence_put(next);
		}
		call_free(call);
		dma_fence_put(fence);
		TALLY("callbacks refused");
	} else if (frees) {
		dma_fence_put(fence);
		TALLY("callbacks that free themselves");
	} else {
		calls->calls[calls->count] = call;
		calls->fences[calls->count++] = fence;
		TALLY("callbacks added");
	}
	if (next)
		pool_add(worker, next);
}

static void two_in_order(struct worker *worker)
{
	struct dma_fence *fence = fence_create(worker);
	struct call *calls[2] = { call_create(), call_create() };
	unsigned int i;

	calls[1]->before = calls[0];
	for (i = 0; i < 2; i++)
		CHECK(!dma_fence_add_callback(fence, &calls[i]->cb, called));
	pool_add(worker, dma_fence_get(fence));
	fence_signal_all(worker);
	CHECK(dma_fence_wait_timeout(fence, false, DMA_FENCE_WAIT_FOREVER) > 0);
	CHECK(atomic_load_acquire(&calls[0]->state) == RAN &&
		      atomic_load_acquire(&calls[1]->state) == RAN,
	      "drained, and callbacks have not returned");
	for (i = 0; i < 2; i++)
		call_free(calls[i]);
	fence_check_done(fence);
	dma_fence_put(fence);
	TALLY("callbacks in order");
}

/* Waits and queries. */

static void check_wait(int64_t ret, int64_t timeout)
{
	CHECK(ret >= 0 || ret == -EINTR, "a wait returned %lld", (long long)ret);
	CHECK(ret || timeout < SECOND, "nobody has signaled what was waited for");
	CHECK(ret <= timeout || ret == 1, "%lld were left of %lld", (long long)ret,
	      (long long)timeout);
	if (ret == -EINTR)
		TALLY("waits interrupted");
}

static void wait_for_one(struct worker *worker, int64_t timeout)
{
	struct dma_fence *fence = pool_get(worker);
	int64_t ret;

	if (!fence)
		return;
	AT(worker, "waiting for a fence");
	ret = dma_fence_wait_timeout(fence, one_in(worker, 2), timeout);
	check_wait(ret, timeout);
	if (ret > 0) {
		CHECK(!dma_fence_flush(fence), "waited for, and not drained");
		fence_check_done(fence);
		TALLY("waits that ended");
	} else {
		TALLY("waits that timed out");
	}
	dma_fence_put(fence);
}

static void wait_for_several(struct worker *worker, int64_t timeout)
{
	struct dma_fence *fences[24];
	uint32_t count = 1 + below(worker, ARRAY_SIZE(fences)), i, idx = UINT32_MAX;
	bool all = one_in(worker, 2);
	int64_t ret;

	for (i = 0; i < count; i++) {
		fences[i] = pool_get(worker);
		if (!fences[i])
			break;
	}
	count = i;
	if (!count)
		return;
	AT(worker, all ? "waiting for all of several" : "waiting for any of several");
	ret = (all ? dma_fence_wait_all_timeout
		   : dma_fence_wait_any_timeout)(fences, count, one_in(worker, 2), timeout, &idx);
	check_wait(ret, timeout);
	if (ret > 0 && !all) {
		CHECK(idx < count, "index %u of %u", idx, count);
		fence_check_done(fences[idx]);
		TALLY("waits for any");
	} else if (ret > 0) {
		for (i = 0; i < count; i++)
			fence_check_done(fences[i]);
		TALLY("waits for all");
	} else if (all) {
		CHECK(idx < count, "nobody is to blame");
	}
	for (i = 0; i < count; i++)
		dma_fence_put(fences[i]);
}

static void ask(struct worker *worker)
{
	struct dma_fence *fence = pool_get(worker);

	if (!fence)
		return;
	switch (below(worker, 4)) {
	case 0:
		dma_fence_set_deadline(fence, clock_now() + MS);
		break;
	case 1:
		dma_fence_enable_signaling(fence);
		break;
	case 2:
		dma_fence_rcu_read_lock();
		CHECK(*dma_fence_driver_name(fence) && *dma_fence_timeline_name(fence));
		dma_fence_rcu_read_unlock();
		break;
	default:
		dma_fence_poll(fence);
	}
	if (fence_look(worker, fence))
		TALLY("fences found done");
	else
		TALLY("fences found pending");
	dma_fence_put(fence);
}

static void signal_several(struct worker *worker)
{
	unsigned int count = below(worker, 5);
	bool begun = dma_fence_begin_delivery();

	while (count--)
		fence_signal_one(worker);
	dma_fence_end_delivery(begun);
	TALLY("deliveries");
}

static void enter(struct worker *worker)
{
	worker->state = calloc(1, sizeof(struct calls));
	CHECK(worker->state);
}

static void turn(struct worker *worker)
{
	struct calls *calls = worker->state;

	switch (below(worker, 12)) {
	case 0:
	case 1:
	case 2:
		pool_add(worker, fence_create(worker));
		TALLY("fences made");
		break;
	case 3:
	case 4:
		fence_signal_one(worker);
		break;
	case 5:
		signal_several(worker);
		break;
	case 6:
		add_call(worker, calls);
		break;
	case 7:
		if (calls->count)
			forget_call(worker, calls, below(worker, calls->count));
		break;
	case 8:
		two_in_order(worker);
		break;
	case 9:
		wait_for_several(worker, some_time(worker) / 8);
		break;
	case 10:
		wait_for_one(worker, some_time(worker) / 8);
		break;
	default:
		ask(worker);
	}
}

static void leave(struct worker *worker)
{
	struct calls *calls = worker->state;

	while (calls->count)
		forget_call(worker, calls, 0);
	free(calls);
}

const struct actor actor_fences = {
	.name = ACTOR,
	.threads = 3,
	.enter = enter,
	.turn = turn,
	.leave = leave,
};

/* Those that have no fences of their own may wait for as long as it takes. */

static void wait_turn(struct worker *worker)
{
	const int64_t limit = one_in(worker, 2) ? DMA_FENCE_WAIT_FOREVER : 30 * PATIENCE * SECOND;

	if (one_in(worker, 2))
		wait_for_one(worker, limit);
	else
		wait_for_several(worker, limit);
}

const struct actor actor_waiters = {
	.name = "waiters",
	.threads = 2,
	.turn = wait_turn,
};
