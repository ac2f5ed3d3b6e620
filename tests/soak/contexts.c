/* SPDX-License-Identifier: MIT */
/*
 * A producer's context: emits, signals up to a number, fails, and goes away. Each producer signals
 * another's, too, as an interrupt and a time limit would.
 */
#include "soak.h"

#define ACTOR "contexts"
#define KEPT  16

struct producer {
	struct dma_fence_context *context;
	struct dma_fence *fences[KEPT];
	unsigned int count;
};

/* The newest of all, for as long as it is there. */
static struct dma_fence_context *newest;
static pthread_mutex_t newest_lock = PTHREAD_MUTEX_INITIALIZER;

static void create(struct producer *producer)
{
	producer->context = dma_fence_context_create("soak", "producer", NULL, 1);
	CHECK(producer->context);
	pthread_mutex_lock(&newest_lock);
	newest = producer->context;
	pthread_mutex_unlock(&newest_lock);
}

static void destroy(struct producer *producer)
{
	pthread_mutex_lock(&newest_lock);
	if (newest == producer->context)
		newest = NULL;
	pthread_mutex_unlock(&newest_lock);
	dma_fence_context_destroy(producer->context);
}

static void signal_some(struct worker *worker, struct dma_fence_context *context)
{
	uint64_t signaled = dma_fence_context_last_signaled(context);
	uint64_t last = dma_fence_context_last_emitted(context);

	if (last > signaled)
		dma_fence_context_signal_until(
			context, signaled + below(worker, (unsigned int)(last - signaled) + 1));
}

static void look_at_kept(struct producer *producer, int error)
{
	uint64_t signaled = dma_fence_context_last_signaled(producer->context);
	bool after = false;
	unsigned int i;
	int status;

	/* From the newest on: more are signaled meanwhile. */
	for (i = producer->count; i--;) {
		status = dma_fence_get_status(producer->fences[i]);
		if (producer->fences[i]->seqno <= signaled)
			CHECK(status, "a number was reached, and its fence is pending");
		if (after)
			CHECK(status, "fences of a context were signaled out of order");
		CHECK(status == 0 || status == 1 || status == error, "status %d", status);
		after = status != 0;
	}
}

static void drop_kept(struct producer *producer)
{
	while (producer->count)
		dma_fence_put(producer->fences[--producer->count]);
}

static void signal_all(struct producer *producer)
{
	dma_fence_context_signal_until(producer->context,
				       dma_fence_context_last_emitted(producer->context));
	look_at_kept(producer, 0);
	drop_kept(producer);
}

static void emit(struct worker *worker, struct producer *producer)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	CHECK(fence);
	if (producer->count == KEPT)
		signal_all(producer);
	CHECK(!dma_fence_context_emit(producer->context, fence));
	producer->fences[producer->count++] = dma_fence_get(fence);
	pool_add(worker, fence);
	TALLY("fences emitted");
}

static void fail_and_begin_anew(struct producer *producer)
{
	dma_fence_context_fail(producer->context, -ENODEV);
	look_at_kept(producer, -ENODEV);
	drop_kept(producer);
	destroy(producer);
	create(producer);
	TALLY("contexts that failed");
}

static void enter(struct worker *worker)
{
	worker->state = calloc(1, sizeof(struct producer));
	CHECK(worker->state);
	create(worker->state);
}

static void turn(struct worker *worker)
{
	struct producer *producer = worker->state;

	switch (below(worker, 8)) {
	case 0:
	case 1:
	case 2:
	case 3:
		emit(worker, producer);
		break;
	case 4:
		signal_some(worker, producer->context);
		CHECK(dma_fence_context_signal_until(
			      producer->context,
			      dma_fence_context_last_emitted(producer->context) + 1) == -EINVAL);
		TALLY("numbers reached");
		break;
	case 5:
		if (one_in(worker, 50))
			fail_and_begin_anew(producer);
		else
			soak_sleep(100 * US);
		break;
	case 6:
		pthread_mutex_lock(&newest_lock);
		if (newest)
			signal_some(worker, newest);
		pthread_mutex_unlock(&newest_lock);
		TALLY("numbers of others reached");
		break;
	default:
		look_at_kept(producer, 0);
	}
}

static void leave(struct worker *worker)
{
	struct producer *producer = worker->state;

	signal_all(producer);
	destroy(producer);
	free(producer);
}

const struct actor actor_contexts = {
	.name = ACTOR,
	.threads = 2,
	.enter = enter,
	.turn = turn,
	.leave = leave,
};
