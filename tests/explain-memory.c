/* SPDX-License-Identifier: MIT */
/* Explaining where there is no memory: whichever allocation fails, all is let go of again. */
#include "explain.h"
#include "failing-malloc.h"

#define LEAVES 40

/* Something of everything, in more nodes than there is room for at first. */
static void each_allocation_fails(void **state)
{
	struct dma_fence_syncobj *syncobj = dma_fence_syncobj_create(0);
	struct dma_fence_explanation *explanation;
	struct dma_fence fences[LEAVES], other;
	struct dma_fence_promise *promise;
	struct counter counter;
	struct dma_fence_array *array;
	int i, in, failed = 0;

	(void)state;
	for (i = 0; i < LEAVES; i++)
		fence_init(&fences[i]);
	fence_init(&other);
	array = array_of_fences(fences, LEAVES);
	assert_int_equal(dma_fence_add_callback(&fences[0], &counter.cb, count_call), 0);
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, 1, &array->base), 0);
	promise = dma_fence_syncobj_promise(syncobj, 2);
	assert_int_equal(dma_fence_promise_keep(promise, &other), 0);
	dma_fence_annotate_dependency(&fences[1], &fences[2]);
	dma_fence_annotate_dependency(&fences[2], &fences[1]);
	dma_fence_annotate_signaler(other.context);

	for (in = 1;; in++) {
		failing_malloc_in = in;
		errno = 0;
		explanation = dma_fence_explanation_of_point(syncobj, 2);
		if (failing_malloc_in > 0)
			break;
		/* Without a name that would have taken some it is an explanation, too. */
		if (!explanation) {
			assert_int_equal(errno, ENOMEM);
			failed++;
		}
		dma_fence_explanation_free(explanation);
	}
	failing_malloc_in = -1;
	assert_non_null(explanation);
	assert_true(failed >= 10);
	assert_int_equal(explanation->cycle_length, 2);
	dma_fence_explanation_free(explanation);

	dma_fence_annotate_no_signaler(other.context);
	dma_fence_signal(&other);
	for (i = 0; i < LEAVES; i++)
		dma_fence_signal(&fences[i]);
	dma_fence_syncobj_put(syncobj);
	dma_fence_put(&array->base);
	for (i = 0; i < LEAVES; i++)
		dma_fence_put(&fences[i]);
	dma_fence_put(&other);
	assert_int_equal(*release_count(), LEAVES + 1);
}

/* The same of a chain: of the links that there is no memory for nobody keeps a reference, or drops two. */
static void each_allocation_fails_in_a_chain(void **state)
{
	struct dma_fence_explanation *explanation;
	struct dma_fence fences[LEAVES], *head = NULL;
	struct dma_fence_chain *link;
	int i, in;

	(void)state;
	for (i = 0; i < LEAVES; i++) {
		fence_init(&fences[i]);
		if (!i) {
			/* It is before all links, and has nothing that it is made of. */
			head = dma_fence_get(&fences[i]);
			continue;
		}
		link = dma_fence_chain_alloc();
		assert_non_null(link);
		dma_fence_chain_init(link, head, dma_fence_get(&fences[i]), (uint64_t)i);
		head = &link->base;
	}
	for (in = 1;; in++) {
		failing_malloc_in = in;
		explanation = dma_fence_explanation_of_fence(head);
		if (failing_malloc_in > 0)
			break;
		dma_fence_explanation_free(explanation);
	}
	failing_malloc_in = -1;
	assert_non_null(explanation);
	dma_fence_explanation_free(explanation);
	for (i = 0; i < LEAVES; i++) {
		assert_true(dma_fence_is_chain(head));
		dma_fence_signal(&fences[i]);
		dma_fence_put(&fences[i]);
	}
	dma_fence_put(head);
	assert_int_equal(*release_count(), LEAVES);
	assert_int_equal(caught()->count, 0);
}

/* At least what dma_fence_describe() says. */
static void text_falls_back(void **state)
{
	struct dma_fence fence;
	char text[256] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	assert_non_null(out);
	fence_init(&fence);
	failing_malloc_in = 1;
	assert_int_equal(dma_fence_explain(&fence, out), -ENOMEM);
	failing_malloc_in = -1;
	fclose(out);
	assert_contains(text, "unnamed unnamed ");
	assert_contains(text, ":1 pending\n");
	dma_fence_put(&fence);
}

/* All of it, or an error. */
static void no_text_is_cut_short(void **state)
{
	struct dma_fence fence;
	char text[1024];
	int in, ret, failed = 0;
	FILE *out;

	(void)state;
	fence_init(&fence);
	for (in = 1;; in++) {
		memset(text, 0, sizeof(text));
		out = fmemopen(text, sizeof(text), "w");
		assert_non_null(out);
		failing_malloc_in = in;
		ret = dma_fence_explain(&fence, out);
		if (failing_malloc_in > 0)
			break;
		fclose(out);
		failed += ret == -ENOMEM;
		if (!ret)
			assert_contains(text, "there is more to tell.\n");
	}
	failing_malloc_in = -1;
	fclose(out);
	assert_int_equal(ret, 0);
	assert_true(failed >= 3);
	dma_fence_put(&fence);
}

/* What was said is not known, then; and nothing else is. */
static void hints_are_not_kept(void **state)
{
	struct dma_fence fences[2];

	(void)state;
	fence_init(&fences[0]);
	fence_init(&fences[1]);
	failing_malloc_in = 1;
	dma_fence_annotate_signaler(fences[0].context);
	failing_malloc_in = 1;
	dma_fence_annotate_dependency(&fences[0], &fences[1]);
	failing_malloc_in = -1;
	assert_verdict(&fences[0], "nobody has signaled ", NULL);
	dma_fence_put(&fences[0]);
	dma_fence_put(&fences[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(each_allocation_fails),
		WITH(each_allocation_fails_in_a_chain),
		WITHOUT(text_falls_back),
		WITHOUT(no_text_is_cut_short),
		WITH(hints_are_not_kept),
	};

	return RUN(tests);
}
