/* SPDX-License-Identifier: MIT */
/* Why has this not signaled: what the program says of its fences, and who waits for himself. */
#include "explain.h"

#include "diag/hints.h"
#include "diag/sleepers.h"

/* What the program knows */

static void dependencies(void **state)
{
	struct dma_fence_explanation *explanation;
	struct dma_fence job, in_fence;
	struct dma_fence *on[2];

	(void)state;
	fence_init(&job);
	fence_init(&in_fence);
	dma_fence_annotate_dependency(&job, &in_fence);
	dma_fence_annotate_dependency(&job, &in_fence); /* and is kept once */
	explanation = explain(&job);
	assert_contains(explanation->verdict, " is not to signal before fence ");
	assert_contains(explanation->verdict, ": nobody has signaled ");
	assert_true(is_edge(explanation, &explanation->nodes[0], node_for(explanation, &in_fence),
			    DMA_FENCE_EXPLANATION_DEPENDS));
	dma_fence_explanation_free(explanation);

	dma_fence_signal(&in_fence);
	assert_int_equal(dma_fence_hinted_dependencies(&job, on, 2), 0);
	assert_verdict(&job, "nobody has signaled ", NULL);
	/* One that was released, and never signaled. */
	dma_fence_put(&in_fence);
	fence_init(&in_fence);
	dma_fence_annotate_dependency(&job, &in_fence);
	dma_fence_put(&in_fence);
	assert_int_equal(dma_fence_hinted_dependencies(&job, on, 2), 0);
	dma_fence_signal(&job);
	dma_fence_put(&job);
}

static void *end_at_once(void *arg)
{
	dma_fence_annotate_signaler(*(uint64_t *)arg);
	return NULL;
}

static void signaler_that_has_ended(void **state)
{
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	join(start(end_at_once, &fence.context));
	assert_verdict(&fence, ", which signals ", ", has ended");
	dma_fence_annotate_no_signaler(fence.context);
	assert_verdict(&fence, "nobody has signaled ", NULL);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
}

static void signaler_that_waits(void **state)
{
	struct waiter waiter = { .number = 0 };
	struct dma_fence fence, other;
	char part[128];

	(void)state;
	fence_init(&fence);
	fence_init(&other);
	waiter.fence = &other;
	waiter.signals = fence.context;
	start_waiting(&waiter);
	snprintf(part, sizeof(part),
		 "thread %d 'worker', which signals %" PRIu64 ":1, waits for fence %" PRIu64 ":1",
		 (int)waiter.number, fence.context, other.context);
	assert_verdict(&fence, part, ": nobody has signaled ");
	dma_fence_signal(&other);
	join(waiter.thread);
	dma_fence_annotate_no_signaler(fence.context);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
	dma_fence_put(&other);
}

/* Two threads, each of which is to signal what the other waits for. */
static void cycle_of_two_threads(void **state)
{
	struct dma_fence_explanation *explanation;
	struct dma_fence fences[2];
	struct waiter waiters[2] = { { .number = 0 }, { .number = 0 } };
	char part[256], *text;
	int i;

	(void)state;
	for (i = 0; i < 2; i++)
		fence_init(&fences[i]);
	for (i = 0; i < 2; i++) {
		waiters[i].fence = &fences[!i];
		waiters[i].signals = fences[i].context;
		start_waiting(&waiters[i]);
	}
	explanation = explain(&fences[0]);
	assert_int_equal(explanation->cycle_length, 4);
	assert_false(explanation->cycle_guessed);
	snprintf(part, sizeof(part),
		 "a cycle: fence %" PRIu64 ":1 is signaled by thread %d "
		 "'worker', which waits for fence %" PRIu64 ":1, which is "
		 "signaled by thread %d 'worker', which waits for fence %" PRIu64 ":1",
		 fences[0].context, (int)waiters[0].number, fences[1].context,
		 (int)waiters[1].number, fences[0].context);
	assert_contains(explanation->verdict, part);
	text = as_text(explanation);
	assert_contains(text, "cycle:\n");
	assert_contains(text, "    -> thread ");
	free(text);
	dma_fence_explanation_free(explanation);
	for (i = 0; i < 2; i++)
		dma_fence_signal(&fences[i]);
	for (i = 0; i < 2; i++)
		join(waiters[i].thread);
	explanation = explain(&fences[0]);
	assert_int_equal(explanation->cycle_length, 0);
	dma_fence_explanation_free(explanation);
	for (i = 0; i < 2; i++) {
		dma_fence_annotate_no_signaler(fences[i].context);
		dma_fence_put(&fences[i]);
	}
}

/* A producer that waits for an array in which its own fence is; nobody has said who signals. */
static void *signal_then_wait(void *arg)
{
	struct waiter *waiter = arg;
	struct dma_fence before;

	prctl(PR_SET_NAME, "producer", 0, 0, 0);
	dma_fence_init(&before, plain_ops(), waiter->signals, 1);
	dma_fence_signal(&before);
	dma_fence_put(&before);
	waiter->signals = 0;
	return wait_named(waiter);
}

static void cycle_through_own_descendant(void **state)
{
	uint64_t context = dma_fence_context_alloc(1);
	struct dma_fence_explanation *explanation;
	struct waiter waiter = { .signals = context };
	struct dma_fence fences[2];
	struct dma_fence_array *array;
	bool asleep = false;

	(void)state;
	fence_init(&fences[0]);
	dma_fence_init(&fences[1], plain_ops(), context, 2);
	array = array_of_fences(fences, 2);
	waiter.fence = &array->base;
	waiter.thread = start(signal_then_wait, &waiter);
	while (!asleep) {
		explanation = explain(&array->base);
		asleep = explanation->cycle_length;
		if (asleep) {
			assert_int_equal(explanation->cycle_length, 3);
			assert_true(explanation->cycle_guessed);
			assert_contains(explanation->verdict, "a cycle: array ");
			assert_contains(explanation->verdict, "as far as the past is a guide");
		}
		dma_fence_explanation_free(explanation);
		sched_yield();
	}
	dma_fence_signal(&fences[0]);
	dma_fence_signal(&fences[1]);
	join(waiter.thread);
	dma_fence_put(&array->base);
	dma_fence_put(&fences[0]);
	dma_fence_put(&fences[1]);
}

/*
 * Two threads that hand over to each other: each sleeps, at one moment or another, for what the
 * other is to signal, but never both at once. While the fence that the first is to signal is being
 * looked at, and has been found pending, it signals that, and sleeps for the one that the second is
 * to signal. It is asked for its name at that moment.
 */
static struct {
	struct dma_fence of_first, of_second;
	int ready, go_on, finish;
} hand_over;

/* Whether a thread sleeps for it. */
struct slept_for {
	const struct dma_fence *fence;
	bool found;
};

static bool is_sleeper_for(const struct sleeper *sleeper, void *arg)
{
	struct slept_for *slept_for = arg;

	slept_for->found = sleeper->count == 1 && sleeper->fences[0] == slept_for->fence;
	return !slept_for->found;
}

static void await_sleeper_for(const struct dma_fence *fence)
{
	struct slept_for slept_for = { .fence = fence };

	while (!slept_for.found) {
		sched_yield();
		dma_fence_sleepers_for_each(is_sleeper_for, &slept_for);
	}
}

static const char *name_and_go_on(struct dma_fence *fence)
{
	(void)fence;
	set_flag(&hand_over.go_on);
	await_sleeper_for(&hand_over.of_second);
	return "hand-over";
}

static void *signal_and_sleep(void *arg)
{
	(void)arg;
	dma_fence_annotate_signaler(hand_over.of_first.context);
	set_flag(&hand_over.ready);
	await_flag(&hand_over.go_on);
	dma_fence_signal(&hand_over.of_first);
	assert_int_equal(dma_fence_wait(&hand_over.of_second, false), 0);
	return NULL;
}

static void *sleep_and_signal(void *arg)
{
	(void)arg;
	dma_fence_annotate_signaler(hand_over.of_second.context);
	assert_int_equal(dma_fence_wait(&hand_over.of_first, false), 0);
	await_flag(&hand_over.finish);
	dma_fence_signal(&hand_over.of_second);
	return NULL;
}

static void no_cycle_of_two_moments(void **state)
{
	static const struct dma_fence_ops ops = {
		.get_driver_name = name_and_go_on,
		.release = count_release,
	};
	struct dma_fence_explanation *explanation;
	pthread_t first, second;

	(void)state;
	memset(&hand_over, 0, sizeof(hand_over));
	dma_fence_init(&hand_over.of_first, &ops, dma_fence_context_alloc(1), 1);
	fence_init(&hand_over.of_second);
	first = start(signal_and_sleep, NULL);
	second = start(sleep_and_signal, NULL);
	await_flag(&hand_over.ready);
	await_sleeper_for(&hand_over.of_first);
	explanation = explain(&hand_over.of_second);
	/* All of it was seen, and what was seen first is over. */
	assert_int_equal(explanation->num_nodes, 4);
	assert_int_equal(explanation->num_edges, 4);
	assert_int_equal(explanation->cycle_length, 0);
	dma_fence_explanation_free(explanation);
	set_flag(&hand_over.finish);
	join(first);
	join(second);
	dma_fence_annotate_no_signaler(hand_over.of_first.context);
	dma_fence_annotate_no_signaler(hand_over.of_second.context);
	dma_fence_put(&hand_over.of_first);
	dma_fence_put(&hand_over.of_second);
}

/* A thread that waits for any of several goes on with another. */
struct any {
	struct dma_fence *fences[2];
	uint64_t signals;
};

static void *wait_for_any(void *arg)
{
	struct any *any = arg;

	dma_fence_annotate_signaler(any->signals);
	assert_true(dma_fence_wait_any_timeout(any->fences, 2, false, DMA_FENCE_WAIT_FOREVER,
					       NULL) > 0);
	return NULL;
}

static void any_of_several_is_no_cycle(void **state)
{
	struct dma_fence_explanation *explanation;
	struct dma_fence fences[2];
	struct any any = { .fences = { &fences[0], &fences[1] } };
	bool asleep = false;
	pthread_t thread;

	(void)state;
	fence_init(&fences[0]);
	fence_init(&fences[1]);
	any.signals = fences[0].context;
	thread = start(wait_for_any, &any);
	while (!asleep) {
		explanation = explain(&fences[0]);
		asleep = node_for(explanation, &fences[1]);
		assert_int_equal(explanation->cycle_length, 0);
		if (asleep)
			assert_contains(explanation->nodes[0].verdict,
					"waits for one of several fences");
		dma_fence_explanation_free(explanation);
		sched_yield();
	}
	dma_fence_signal(&fences[1]);
	join(thread);
	dma_fence_annotate_no_signaler(fences[0].context);
	dma_fence_put(&fences[1]);
	dma_fence_signal(&fences[0]);
	dma_fence_put(&fences[0]);
}

/* With a point in it that nobody has promised there is none: it waits for somebody else. */
static void cycle_through_a_point(void **state)
{
	struct dma_fence_syncobj *syncobj = dma_fence_syncobj_create(0);
	struct dma_fence_explanation *explanation;
	struct point_waiter waiter = { .points = { { syncobj, 1 } }, .count = 1 };
	struct dma_fence_promise *promise;
	struct dma_fence *fence;
	pthread_t thread;

	(void)state;
	promise = dma_fence_promise_create();
	fence = dma_fence_promise_fence(promise);
	waiter.signals = fence->context;
	thread = start(wait_for_points, &waiter);
	await_sleep_for_point(&waiter);
	explanation = explain(fence);
	assert_int_equal(explanation->cycle_length, 0);
	assert_contains(explanation->verdict, "nobody has promised point 1");
	dma_fence_explanation_free(explanation);

	/* That which it waits for depends on what it is to do. */
	dma_fence_annotate_dependency(fence, fence);
	explanation = explain(fence);
	assert_int_equal(explanation->cycle_length, 1);
	assert_contains(explanation->verdict, "is not to signal before promise ");
	dma_fence_explanation_free(explanation);

	dma_fence_promise_keep(promise, NULL);
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, 1, fence), 0);
	join(thread);
	dma_fence_annotate_no_signaler(fence->context);
	dma_fence_put(fence);
	dma_fence_syncobj_put(syncobj);
}

static void no_records_no_hints(void **state)
{
	struct dma_fence fences[2], *on[1];

	(void)state;
	fence_init(&fences[0]);
	fence_init(&fences[1]);
	assert_false(dma_fence_records_kept());
	dma_fence_annotate_signaler(fences[0].context);
	dma_fence_annotate_dependency(&fences[0], &fences[1]);
	assert_int_equal(dma_fence_hinted_signaler(fences[0].context), 0);
	assert_int_equal(dma_fence_hinted_dependencies(&fences[0], on, 1), 0);
	/* What was said is forgotten when they are switched off. */
	dma_fence_records_want();
	dma_fence_annotate_signaler(fences[0].context);
	dma_fence_annotate_dependency(&fences[0], &fences[1]);
	assert_true(dma_fence_hinted_signaler(fences[0].context) > 0);
	dma_fence_records_unwant();
	assert_int_equal(dma_fence_hinted_signaler(fences[0].context), 0);
	assert_int_equal(dma_fence_hinted_dependencies(&fences[0], on, 1), 0);
	dma_fence_put(&fences[0]);
	dma_fence_put(&fences[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(dependencies),
		WITH(signaler_that_has_ended),
		WITH(signaler_that_waits),
		WITH(cycle_of_two_threads),
		WITH(cycle_through_own_descendant),
		WITH(no_cycle_of_two_moments),
		WITH(any_of_several_is_no_cycle),
		WITH(cycle_through_a_point),
		WITHOUT(no_records_no_hints),
	};

	return RUN(tests);
}
