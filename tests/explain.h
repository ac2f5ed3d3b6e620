/* SPDX-License-Identifier: MIT */
/* What the tests of explanations have in common. */
#ifndef TESTS_EXPLAIN_H
#define TESTS_EXPLAIN_H

#include <inttypes.h>
#include <sys/prctl.h>

#include "support.h"

#include "diag/explain.h"
#include "diag/record.h"
#include "diag/thread.h"

/* For a case that is to have records from its beginning. */
static inline int with_records(void **state)
{
	dma_fence_records_want();
	return catch_setup(state);
}

static inline int without_records(void **state)
{
	dma_fence_records_unwant();
	return catch_teardown(state);
}

static inline struct dma_fence_explanation *explain(struct dma_fence *fence)
{
	struct dma_fence_explanation *explanation = dma_fence_explanation_of_fence(fence);

	assert_non_null(explanation);
	return explanation;
}

static inline char *as_format(const struct dma_fence_explanation *explanation,
			      enum dma_fence_explanation_format format)
{
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(dma_fence_explanation_print(explanation, format, out), 0);
	fclose(out);
	assert_non_null(text);
	return text;
}

/* Whatever is told as text can be told in the other formats; explain-formats.py looks at those. */
static inline char *as_text(const struct dma_fence_explanation *explanation)
{
	static const enum dma_fence_explanation_format others[] = {
		DMA_FENCE_EXPLANATION_JSON,
		DMA_FENCE_EXPLANATION_DOT,
	};
	size_t i, length;
	char *text;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		text = as_format(explanation, others[i]);
		length = strlen(text);
		assert_true(length > 2 && text[length - 2] == '}' && text[length - 1] == '\n');
		free(text);
	}
	return as_format(explanation, DMA_FENCE_EXPLANATION_TEXT);
}

static inline void check_contains(const char *text, const char *part, const char *file, int line)
{
	if (text && strstr(text, part))
		return;
	printf("# %s:%d: '%s' is not in:\n# %s\n", file, line, part, text ? text : "nothing");
	_fail(file, line);
}

#define assert_contains(text, part) check_contains(text, part, __FILE__, __LINE__)

/* The verdict on the whole has both. */
static inline void check_verdict(struct dma_fence *fence, const char *part, const char *other,
				 const char *file, int line)
{
	struct dma_fence_explanation *explanation = explain(fence);

	check_contains(explanation->verdict, part, file, line);
	if (other)
		check_contains(explanation->verdict, other, file, line);
	dma_fence_explanation_free(explanation);
}

#define assert_verdict(fence, part, other) check_verdict(fence, part, other, __FILE__, __LINE__)

static inline const struct dma_fence_explanation_node *
node_for(const struct dma_fence_explanation *explanation, const void *object)
{
	uint32_t i;

	for (i = 0; i < explanation->num_nodes; i++) {
		if (explanation->nodes[i].object == object)
			return &explanation->nodes[i];
	}
	return NULL;
}

static inline const struct dma_fence_explanation_node *
node_of_thread(const struct dma_fence_explanation *explanation, int32_t thread)
{
	uint32_t i;

	for (i = 0; i < explanation->num_nodes; i++) {
		if (explanation->nodes[i].kind == DMA_FENCE_EXPLANATION_THREAD &&
		    explanation->nodes[i].thread == thread)
			return &explanation->nodes[i];
	}
	return NULL;
}

static inline bool is_edge(const struct dma_fence_explanation *explanation,
			   const struct dma_fence_explanation_node *from,
			   const struct dma_fence_explanation_node *to,
			   enum dma_fence_explanation_relation relation)
{
	uint32_t i;

	for (i = 0; i < explanation->num_edges; i++) {
		const struct dma_fence_explanation_edge *edge = &explanation->edges[i];

		if (&explanation->nodes[edge->from] == from &&
		    &explanation->nodes[edge->to] == to && edge->relation == relation)
			return true;
	}
	return false;
}

/* Threads that wait, with a name that shows */

struct waiter {
	pthread_t thread;
	struct dma_fence *fence;
	uint64_t signals; /* a context, or 0: says that this thread signals its fences */
	int32_t number;
};

static inline void *wait_named(void *arg)
{
	struct waiter *waiter = arg;

	prctl(PR_SET_NAME, "worker", 0, 0, 0);
	if (waiter->signals)
		dma_fence_annotate_signaler(waiter->signals);
	atomic_store_release(&waiter->number, dma_fence_thread_number());
	assert_int_equal(dma_fence_wait(waiter->fence, false), 0);
	return NULL;
}

static inline bool is_asleep(const struct dma_fence_explanation *explanation, int32_t thread,
			     const struct dma_fence *fence)
{
	const struct dma_fence_explanation_node *node = node_of_thread(explanation, thread);

	return node && is_edge(explanation, node, node_for(explanation, fence),
			       DMA_FENCE_EXPLANATION_SLEEPS);
}

/* Returns when it sleeps: others see that by nothing else than what is tested here. */
static inline void start_waiting(struct waiter *waiter)
{
	struct dma_fence_explanation *explanation;
	bool asleep = false;

	waiter->thread = start(wait_named, waiter);
	while (!atomic_load_acquire(&waiter->number))
		sched_yield();
	while (!asleep) {
		explanation = explain(waiter->fence);
		asleep = is_asleep(explanation, waiter->number, waiter->fence);
		dma_fence_explanation_free(explanation);
		sched_yield();
	}
}

struct point_waiter {
	struct dma_fence_syncobj_point points[2];
	uint32_t count;
	int32_t number;
	uint64_t signals;
};

static inline void *wait_for_points(void *arg)
{
	struct point_waiter *waiter = arg;

	if (waiter->signals)
		dma_fence_annotate_signaler(waiter->signals);
	atomic_store_release(&waiter->number, dma_fence_thread_number());
	assert_true(dma_fence_syncobj_wait(waiter->points, waiter->count,
					   DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT, false,
					   DMA_FENCE_WAIT_FOREVER, NULL) > 0);
	return NULL;
}

static inline void await_sleep_for_point(struct point_waiter *waiter)
{
	struct dma_fence_explanation *explanation;
	bool asleep = false;

	while (!asleep) {
		explanation = dma_fence_explanation_of_point(waiter->points[0].syncobj,
							     waiter->points[0].point);
		asleep = node_of_thread(explanation, atomic_load_acquire(&waiter->number));
		dma_fence_explanation_free(explanation);
		sched_yield();
	}
}

#define WITHOUT(f) cmocka_unit_test_setup_teardown(f, catch_setup, catch_teardown)
#define WITH(f)	   cmocka_unit_test_setup_teardown(f, with_records, without_records)

#endif
