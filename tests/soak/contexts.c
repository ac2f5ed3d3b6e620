/* SPDX-License-Identifier: MIT */
/* A producer's context: emits, signals up to a number, fails, and goes away. */
#include "soak.h"

#define ACTOR "contexts"
#define KEPT  16

struct producer {
	struct dma_fence_context *context;
	struct dma_fence *fences[KEPT];
	unsigned int count;
};

static void create(struct producer *producer)
{
	producer->context = dma_fence_context_create("soak", "producer", NULL, 1);
	CHECK(producer->context);
}

static void look_at_kept(struct producer *producer, int error)
{
	uint64_t signaled = dma_fence_context_last_signaled(producer->context);
	bool before = true;
	unsigned int i;
	int status;

	for (i = 0; i < producer->count; i++) {
		status = dma_fence_get_status(producer->fences[i]);
		if (producer->fences[i]->seqno <= signaled)
			CHECK(status, "a number was reached, and its fence is pending");
		if (status)
			CHECK(before, "fences of a context were signaled out of order");
		CHECK(status == 0 || status == 1 || status == error, "status %d", status);
		before = status != 0;
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
	dma_fence_context_destroy(producer->context);
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
	uint64_t last, signaled;

	switch (below(worker, 8)) {
	case 0:
	case 1:
	case 2:
	case 3:
		emit(worker, producer);
		break;
	case 4:
		last = dma_fence_context_last_emitted(producer->context);
		signaled = dma_fence_context_last_signaled(producer->context);
		if (last > signaled)
			dma_fence_context_signal_until(
				producer->context,
				signaled + below(worker, (unsigned int)(last - signaled) + 1));
		CHECK(dma_fence_context_signal_until(producer->context, last + 1) == -EINVAL);
		TALLY("numbers reached");
		break;
	case 5:
		if (one_in(worker, 50))
			fail_and_begin_anew(producer);
		else
			soak_sleep(100 * US);
		break;
	default:
		look_at_kept(producer, 0);
	}
}

static void leave(struct worker *worker)
{
	struct producer *producer = worker->state;

	signal_all(producer);
	dma_fence_context_destroy(producer->context);
	free(producer);
}

const struct actor actor_contexts = {
	.name = ACTOR,
	.threads = 1,
	.enter = enter,
	.turn = turn,
	.leave = leave,
};
