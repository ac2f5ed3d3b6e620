/* SPDX-License-Identifier: MIT */
/* Why has this fence not signaled: every verdict, and who waits for it. */
#include "explain.h"

#include <dmafence/ledger.h>

#include "diag/running.h"

/* Leaves */

static void pending_on_a_context(void **state)
{
	struct dma_fence_context *context = dma_fence_context_create("gpu0", "copy", NULL, 1);
	struct dma_fence *fences[2];
	struct dma_fence_explanation *explanation;
	char part[128];
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		fences[i] = malloc(sizeof(*fences[i]));
		assert_int_equal(dma_fence_context_emit(context, fences[i]), 0);
	}
	assert_verdict(fences[0], "engine 'gpu0 copy' has not signaled",
		       "it has signaled nothing yet");
	dma_fence_context_signal_until(context, 1);

	explanation = explain(fences[1]);
	snprintf(part, sizeof(part),
		 "engine 'gpu0 copy' has not signaled %" PRIu64 ":2: its last was %" PRIu64 ":1;",
		 dma_fence_context_id(context), dma_fence_context_id(context));
	assert_contains(explanation->verdict, part);
	assert_contains(explanation->verdict, "nobody waits for it");
	assert_contains(explanation->verdict, "DMA_FENCE_DEBUG=records would tell its age");
	assert_int_equal(explanation->nodes[0].references, 2); /* ours and the context's */
	assert_int_equal(explanation->nodes[0].last_signaled, 1);
	assert_int_equal(explanation->nodes[0].last_emitted, 2);
	assert_false(explanation->truncated);
	dma_fence_explanation_free(explanation);

	assert_verdict(fences[0], "signaled ", " ago");
	dma_fence_context_signal_until(context, 2);
	for (i = 0; i < 2; i++)
		dma_fence_put(fences[i]);
	dma_fence_context_destroy(context);
}

static void records_tell_age_and_times(void **state)
{
	struct dma_fence_explanation *explanation;
	uint64_t context = dma_fence_context_alloc(1);
	struct dma_fence fence, before;

	(void)state;
	dma_fence_init(&before, plain_ops(), context, 41);
	dma_fence_init(&fence, plain_ops(), context, 42);
	dma_fence_signal(&before);
	dma_fence_set_deadline(&fence, clock_now() - 2 * SECOND);

	explanation = explain(&fence);
	assert_contains(explanation->verdict, ":42: its last was ");
	assert_contains(explanation->verdict, ":41, ");
	assert_contains(explanation->verdict, "its deadline was missed by 2.0 s");
	assert_contains(explanation->verdict, "it is ");
	assert_contains(explanation->verdict, " old");
	assert_int_equal(explanation->nodes[0].created_by, dma_fence_thread_number());
	assert_true(explanation->nodes[0].created_at > 0);
	/* It was this thread that has signaled the one before. */
	assert_non_null(node_of_thread(explanation, dma_fence_thread_number()));
	dma_fence_explanation_free(explanation);

	dma_fence_signal(&fence);
	dma_fence_put(&fence);
	dma_fence_put(&before);
}

static bool never(struct dma_fence *fence)
{
	(void)fence;
	return true;
}

static bool complete;

static bool is_complete(struct dma_fence *fence)
{
	(void)fence;
	return complete;
}

static void signaling_not_enabled(void **state)
{
	static const struct dma_fence_ops ops = {
		.enable_signaling = never,
		.release = count_release,
	};
	struct dma_fence_explanation *explanation;
	struct dma_fence fence;

	(void)state;
	dma_fence_init(&fence, &ops, dma_fence_context_alloc(1), 1);
	assert_verdict(&fence, "has not been enabled: nobody waits",
		       "this driver signals only when asked");
	dma_fence_enable_signaling(&fence);
	explanation = explain(&fence);
	assert_contains(explanation->verdict, "signaling is enabled");
	assert_null(strstr(explanation->verdict, "only when asked"));
	dma_fence_explanation_free(explanation);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
}

static void complete_but_nobody_polled(void **state)
{
	static const struct dma_fence_ops ops = {
		.signaled = is_complete,
		.release = count_release,
	};
	struct dma_fence fence;

	(void)state;
	complete = false;
	dma_fence_init(&fence, &ops, dma_fence_context_alloc(1), 1);
	assert_verdict(&fence, "nobody has signaled", NULL);
	complete = true;
	assert_verdict(&fence, "says that it is done, but nobody has polled it", NULL);
	/* To explain it is not to poll it. */
	assert_false(dma_fence_test_signaled_flag(&fence));
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
}

static void in_quarantine(void **state)
{
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	dma_fence_enable_signaling(&fence);
	dma_fence_put(&fence);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_QUARANTINE], 1);
	assert_verdict(&fence, "is in quarantine: its last reference was dropped", "nobody will");
	/* It is only looked at. */
	assert_int_equal(caught()->count, 1);
	dma_fence_signal(&fence);
	assert_verdict(&fence, "signaled with error -35", NULL);
}

static void passed_over(void **state)
{
	uint64_t context = dma_fence_context_alloc(1);
	struct dma_fence fences[3];
	char part[128];
	uint64_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		dma_fence_init(&fences[i], plain_ops(), context, 41 + i);
	dma_fence_signal(&fences[0]);
	dma_fence_signal(&fences[2]);
	snprintf(part, sizeof(part), "the producer of %" PRIu64 ":42 has passed it over: 43 has",
		 context);
	assert_verdict(&fences[1], part, "42 has not: lost");
	dma_fence_signal(&fences[1]);
	for (i = 0; i < 3; i++)
		dma_fence_put(&fences[i]);
}

/* Callbacks */

struct slow {
	struct dma_fence_cb cb;
	int begun, go_on;
};

static void run_slowly(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct slow *slow = container_of(cb, struct slow, cb);

	(void)fence;
	set_flag(&slow->begun);
	await_flag(&slow->go_on);
}

struct signaler {
	struct dma_fence *fence;
	int32_t number;
};

static void *signal_it(void *arg)
{
	struct signaler *signaler = arg;

	signaler->number = dma_fence_thread_number();
	dma_fence_signal(signaler->fence);
	return NULL;
}

static void callbacks_that_have_not_returned(void **state)
{
	const bool records = dma_fence_records_kept();
	struct slow slow = { .begun = 0 };
	struct counter counter = { .ran = 0 };
	struct dma_fence_explanation *explanation;
	struct signaler signaler;
	struct dma_fence fence;
	char part[128];
	pthread_t thread;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &slow.cb, run_slowly), 0);
	assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), 0);
	signaler = (struct signaler){ .fence = &fence };
	thread = start(signal_it, &signaler);
	await_flag(&slow.begun);

	explanation = explain(&fence);
	assert_int_equal(explanation->nodes[0].state, DMA_FENCE_EXPLANATION_SIGNALED);
	assert_int_equal(explanation->nodes[0].callbacks, 1);
	if (records) {
		snprintf(part, sizeof(part),
			 "but 2 callbacks have not returned: thread %d is running them",
			 (int)signaler.number);
		assert_contains(explanation->verdict, part);
		assert_int_equal(node_for(explanation, &slow.cb)->thread, signaler.number);
	}
	assert_non_null(node_for(explanation, &counter.cb));
	assert_int_equal(!!node_for(explanation, &slow.cb), records);
	dma_fence_explanation_free(explanation);

	set_flag(&slow.go_on);
	join(thread);
	dma_fence_put(&fence);
}

/* The thread may end without anybody being told that the callback has. */
static void running_is_forgotten_with_the_records(void **state)
{
	struct slow slow = { .begun = 0 };
	struct signaler signaler;
	struct running running;
	struct dma_fence fence;
	pthread_t thread;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &slow.cb, run_slowly), 0);
	signaler = (struct signaler){ .fence = &fence };
	thread = start(signal_it, &signaler);
	await_flag(&slow.begun);
	assert_true(dma_fence_running_of(&fence, &running));
	assert_int_equal(running.thread, signaler.number);
	assert_true(running.func == run_slowly);
	dma_fence_records_unwant();
	assert_false(dma_fence_running_of(&fence, &running));
	set_flag(&slow.go_on);
	join(thread);
	dma_fence_records_want();
	dma_fence_put(&fence);
}

/* The lock is kept while it runs, also against the very thread. */
static struct dma_fence_explanation *from_inside;

static void explain_it(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)cb;
	from_inside = explain(fence);
}

static void asked_by_the_only_callback(void **state)
{
	struct dma_fence_cb cb;
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &cb, explain_it), 0);
	dma_fence_signal(&fence);
	assert_non_null(from_inside);
	assert_contains(from_inside->verdict, "but 1 callback has not returned");
	dma_fence_explanation_free(from_inside);
	dma_fence_put(&fence);
}

static void who_waits(void **state)
{
	struct dma_fence_explanation *explanation;
	struct waiter waiter = { .number = 0 };
	struct counter counter = { .ran = 0 };
	struct dma_fence fence;
	char part[64], *text;

	(void)state;
	fence_init(&fence);
	waiter.fence = &fence;
	start_waiting(&waiter);
	assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), 0);

	explanation = explain(&fence);
	snprintf(part, sizeof(part), "thread %d 'worker'", (int)waiter.number);
	assert_contains(explanation->verdict, part);
	assert_contains(explanation->verdict, " and callback ");
	assert_contains(explanation->verdict, " wait for it");
	assert_true(is_edge(explanation, node_for(explanation, &counter.cb), &explanation->nodes[0],
			    DMA_FENCE_EXPLANATION_CALLED));
	text = as_text(explanation);
	assert_contains(text, "waited for by thread ");
	assert_contains(text, "waited for by callback ");
	free(text);
	dma_fence_explanation_free(explanation);

	dma_fence_signal(&fence);
	join(waiter.thread);
	dma_fence_put(&fence);
}

/* More of each than are told of are counted all the same, and nobody is hidden by others. */
static void many_wait(void **state)
{
	enum { THREADS = 40, CALLBACKS = 5000, ARRAYS = 50 };
	struct counter *counters = calloc(CALLBACKS, sizeof(*counters));
	static struct waiter waiters[THREADS + 1];
	struct dma_fence fences[2], *arrays[ARRAYS];
	struct dma_fence_explanation *explanation;
	struct dma_fence_array *both;
	int i;

	(void)state;
	fence_init(&fences[0]);
	fence_init(&fences[1]);
	both = array_of_fences(fences, 2);
	/* Who came last is the first on the list. */
	for (i = 0; i <= THREADS; i++) {
		waiters[i].fence = i ? &fences[0] : &fences[1];
		start_waiting(&waiters[i]);
	}
	for (i = 0; i < ARRAYS; i++) {
		arrays[i] = &array_of_fences(&fences[0], 1)->base;
		dma_fence_enable_signaling(arrays[i]);
	}
	for (i = 0; i < CALLBACKS; i++)
		assert_int_equal(dma_fence_add_callback(&fences[0], &counters[i].cb, count_call),
				 0);

	explanation = explain(&both->base);
	assert_contains(node_for(explanation, &fences[0])->verdict,
			"40 threads and 5000 callbacks and 50 containers wait for it");
	assert_contains(node_for(explanation, &fences[1])->verdict, " 'worker' waits for it");
	assert_true(explanation->truncated);
	dma_fence_explanation_free(explanation);

	dma_fence_signal(&fences[0]);
	dma_fence_signal(&fences[1]);
	for (i = 0; i <= THREADS; i++)
		join(waiters[i].thread);
	for (i = 0; i < ARRAYS; i++)
		dma_fence_put(arrays[i]);
	dma_fence_put(&both->base);
	dma_fence_put(&fences[0]);
	dma_fence_put(&fences[1]);
	free(counters);
}

/* By the name of the function: which is to be found, for it is exported. */
__attribute__((visibility("default"))) void explain_test_callback(struct dma_fence *fence,
								  struct dma_fence_cb *cb);

void explain_test_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
}

static void callbacks_by_symbol(void **state)
{
	struct dma_fence fence;
	struct dma_fence_cb cb;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &cb, explain_test_callback), 0);
	assert_verdict(&fence, "callback explain_test_callback", "waits for it");
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
}

/* References */

static int got, put;

static void count_get(struct dma_fence *fence)
{
	(void)fence;
	got++;
}

static void count_put(struct dma_fence *fence)
{
	(void)fence;
	put++;
}

static const struct hooks reference_hooks = {
	.get = count_get,
	.get_rcu = count_get,
	.put = count_put,
};

static __attribute__((noinline)) void frame_begin(struct dma_fence *fence)
{
	dma_fence_get(fence);
	__asm__ volatile(""); /* not a tail call */
}

static void deadlines_are_told(void **state)
{
	struct dma_fence_explanation *explanation;
	struct dma_fence fence;
	char *text;

	(void)state;
	fence_init(&fence);
	dma_fence_set_deadline(&fence, clock_now() + 100 * SECOND);
	explanation = explain(&fence);
	text = as_text(explanation);
	assert_contains(text, ", deadline in ");
	free(text);
	dma_fence_explanation_free(explanation);

	dma_fence_set_deadline(&fence, clock_now() - 5 * SECOND);
	explanation = explain(&fence);
	text = as_text(explanation);
	assert_contains(text, ", deadline missed by ");
	free(text);
	dma_fence_explanation_free(explanation);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
}

static void durations_in_words(void **state)
{
	char text[EXPLAIN_DURATION];

	(void)state;
	assert_string_equal(dma_fence_explain_duration(-1, text), "0 us");
	assert_string_equal(dma_fence_explain_duration(MS - 1, text), "999 us");
	assert_string_equal(dma_fence_explain_duration(SECOND - 1, text), "999 ms");
	assert_string_equal(dma_fence_explain_duration(120 * SECOND - 1, text), "119.9 s");
	assert_string_equal(dma_fence_explain_duration(120 * SECOND, text), "2 min");
	assert_string_equal(dma_fence_explain_duration(INT64_MAX, text), "153722867 min");
}

/* Whoever keeps books of references does not find those of who looks on. */
static void not_seen_by_hooks(void **state)
{
	struct dma_fence_explanation *explanation;
	struct dma_fence fences[2];
	struct dma_fence_array *array;
	char *text;

	(void)state;
	dma_fence_ledger_start();
	fence_init(&fences[0]);
	fence_init(&fences[1]);
	array = array_of_fences(fences, 2);
	frame_begin(&array->base);
	dma_fence_hooks_add(&reference_hooks);
	got = put = 0;
	explanation = explain(&array->base);
	dma_fence_hooks_remove(&reference_hooks);
	assert_int_equal(got, 0);
	assert_int_equal(put, 0);
	assert_int_equal(explanation->nodes[0].references, 2);
	assert_int_equal(node_for(explanation, &fences[0])->references, 2);
	text = as_text(explanation);
	assert_contains(text, "    held since dma_fence_get() in frame_begin (explain.c:");
	free(text);
	dma_fence_explanation_free(explanation);
	dma_fence_put(&array->base);
	dma_fence_put(&array->base);
	dma_fence_put(&fences[0]);
	dma_fence_put(&fences[1]);
	assert_int_equal(dma_fence_ledger_stop(), 0);
}

static void refused(void **state)
{
	struct dma_fence_explanation *explanation;
	struct dma_fence *stub = dma_fence_get_stub();

	(void)state;
	assert_null(dma_fence_explanation_of_fence(NULL));
	assert_null(dma_fence_explanation_of_point(NULL, 1));
	assert_null(dma_fence_explanation_of_resv(NULL));
	assert_null(dma_fence_explanation_of_context(NULL));
	assert_int_equal(dma_fence_explain(NULL, stdout), -EINVAL);
	assert_int_equal(dma_fence_syncobj_explain(NULL, 0, stdout), -EINVAL);
	assert_int_equal(dma_resv_explain(NULL, stdout), -EINVAL);
	assert_int_equal(dma_fence_context_explain(NULL, stdout), -EINVAL);
	explanation = explain(stub);
	assert_string_equal(explanation->verdict, "signaled");
	assert_int_equal(dma_fence_explanation_print(NULL, 0, stdout), -EINVAL);
	assert_int_equal(dma_fence_explanation_print(explanation, 3, stdout), -EINVAL);
	assert_int_equal(dma_fence_explanation_print(explanation, 0, NULL), -EINVAL);
	dma_fence_explanation_free(explanation);
	dma_fence_explanation_free(NULL);
	dma_fence_put(stub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITHOUT(pending_on_a_context),
		WITH(records_tell_age_and_times),
		WITHOUT(signaling_not_enabled),
		WITHOUT(complete_but_nobody_polled),
		WITHOUT(in_quarantine),
		WITH(passed_over),
		WITHOUT(callbacks_that_have_not_returned),
		WITH(callbacks_that_have_not_returned),
		WITH(running_is_forgotten_with_the_records),
		WITHOUT(asked_by_the_only_callback),
		WITH(asked_by_the_only_callback),
		WITHOUT(who_waits),
		WITH(deadlines_are_told),
		WITHOUT(durations_in_words),
		WITHOUT(many_wait),
		WITHOUT(callbacks_by_symbol),
		WITHOUT(not_seen_by_hooks),
		WITHOUT(refused),
	};

	return RUN(tests);
}
