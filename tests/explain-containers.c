/* SPDX-License-Identifier: MIT */
/* Why has this not signaled: what arrays and chains are made of, and how much of it is told. */
#include "explain.h"

/* Containers */

static void arrays_in_chains_in_merges(void **state)
{
	struct dma_fence leaves[3], *in_array[2], *work, *in_merge[2], *merge;
	struct dma_fence_explanation *explanation;
	struct dma_fence_chain *chain;
	struct dma_fence_array *array;
	struct waiter waiter = { .number = 0 };
	char *text, part[64];
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		fence_init(&leaves[i]);
	in_array[0] = &leaves[0];
	in_array[1] = &leaves[1];
	array = array_of_fences(leaves, 2);
	work = &array->base;
	chain = dma_fence_chain_alloc();
	dma_fence_chain_init(chain, NULL, work, 7);
	in_merge[0] = &chain->base;
	in_merge[1] = &leaves[2];
	merge = dma_fence_unwrap_merge_many(2, in_merge);
	assert_non_null(merge);

	/* Seen from the chain: its link, the array, and both of that. */
	dma_fence_signal(in_array[0]);
	explanation = explain(&chain->base);
	assert_contains(explanation->verdict, "point 7 of chain ");
	assert_contains(explanation->verdict, ": nobody has signaled ");
	assert_true(is_edge(explanation, node_for(explanation, &chain->base),
			    node_for(explanation, work), DMA_FENCE_EXPLANATION_MADE_OF));
	assert_true(is_edge(explanation, node_for(explanation, work),
			    node_for(explanation, in_array[1]), DMA_FENCE_EXPLANATION_MADE_OF));
	assert_null(node_for(explanation, in_array[0]));
	assert_int_equal(node_for(explanation, work)->members_pending, 1);
	assert_int_equal(node_for(explanation, work)->members_signaled, 1);
	assert_false(explanation->truncated);
	dma_fence_explanation_free(explanation);

	/* The merge has what these are made of. */
	assert_verdict(merge, " waits for ", "of its 3 fences");

	/* From a leaf upwards: the array, which waits, the link, which waits, and the thread. */
	waiter.fence = &chain->base;
	start_waiting(&waiter);
	explanation = explain(in_array[1]);
	assert_true(node_for(explanation, work)->upwards);
	assert_true(node_for(explanation, &chain->base)->upwards);
	assert_true(is_asleep(explanation, waiter.number, &chain->base));
	/* It is not said what else the array waits for. */
	assert_null(node_for(explanation, in_array[0]));
	text = as_text(explanation);
	snprintf(part, sizeof(part), "waited for by thread %d 'worker'", (int)waiter.number);
	assert_contains(text, part);
	free(text);
	dma_fence_explanation_free(explanation);

	for (i = 1; i < 3; i++)
		dma_fence_signal(&leaves[i]);
	join(waiter.thread);
	assert_verdict(merge, "all that ", "it will when somebody waits for it, or polls it");
	dma_fence_put(merge);
	dma_fence_put(&chain->base);
	for (i = 0; i < 3; i++)
		dma_fence_put(&leaves[i]);
	assert_int_equal(*release_count(), 3);
}

#define MANY 65536

static void big_array_is_cut_short(void **state)
{
	struct dma_fence *fences = calloc(MANY, sizeof(*fences));
	struct dma_fence_explanation *explanation;
	struct dma_fence_array *array;
	size_t length;
	char *text;
	int i;

	(void)state;
	assert_non_null(fences);
	for (i = 0; i < MANY; i++)
		fence_init(&fences[i]);
	array = array_of_fences(fences, MANY);
	dma_fence_signal(&fences[0]);

	explanation = explain(&array->base);
	assert_true(explanation->truncated);
	assert_int_equal(explanation->num_nodes, 1 + EXPLAIN_SHOWN);
	assert_int_equal(explanation->nodes[0].members_signaled, 1);
	assert_int_equal(explanation->nodes[0].members_pending, MANY - 1);
	assert_int_equal(explanation->nodes[0].members_left_out, MANY - 1 - EXPLAIN_SHOWN);
	text = as_text(explanation);
	length = strlen(text);
	assert_true(length < 16384);
	assert_contains(text, "and 65503 more are not");
	free(text);
	dma_fence_explanation_free(explanation);

	dma_fence_put(&array->base);
	for (i = 0; i < MANY; i++) {
		dma_fence_signal(&fences[i]);
		dma_fence_put(&fences[i]);
	}
	free(fences);
	/* No reference was left behind. */
	assert_int_equal(*release_count(), MANY);
}

static void big_chain_is_cut_short(void **state)
{
	struct dma_fence *fences = calloc(MANY, sizeof(*fences)), *newest = NULL;
	struct dma_fence_explanation *explanation;
	struct dma_fence_chain *chain;
	char *text;
	int i;

	(void)state;
	assert_non_null(fences);
	for (i = 0; i < MANY; i++) {
		fence_init(&fences[i]);
		chain = dma_fence_chain_alloc();
		dma_fence_chain_init(chain, newest, dma_fence_get(&fences[i]), (uint64_t)i + 1);
		newest = &chain->base;
	}
	/* In between, where nobody looks for it: it is counted, and so are those before. */
	dma_fence_signal(&fences[1]);

	explanation = explain(newest);
	assert_true(explanation->truncated);
	assert_int_equal(explanation->nodes[0].members_pending, MANY - 1);
	assert_int_equal(explanation->nodes[0].members_signaled, 1);
	assert_int_equal(explanation->nodes[0].members_left_out, MANY - 1 - EXPLAIN_SHOWN);
	/* The oldest are those that hold it up. */
	assert_non_null(node_for(explanation, &fences[0]));
	assert_non_null(node_for(explanation, &fences[EXPLAIN_SHOWN]));
	assert_null(node_for(explanation, &fences[EXPLAIN_SHOWN + 1]));
	text = as_text(explanation);
	assert_true(strlen(text) < 32768);
	free(text);
	dma_fence_explanation_free(explanation);

	for (i = 0; i < MANY; i++)
		dma_fence_signal(&fences[i]);
	dma_fence_put(newest);
	for (i = 0; i < MANY; i++)
		dma_fence_put(&fences[i]);
	free(fences);
	assert_int_equal(*release_count(), MANY);
}

/* What is before a chain may be no link; and a timeline may go on from another. */
static void chains_with_others_before(void **state)
{
	struct dma_fence first, works[2];
	struct dma_fence_chain *links[2];
	struct dma_fence_explanation *explanation;
	int i;

	(void)state;
	fence_init(&first);
	for (i = 0; i < 2; i++) {
		fence_init(&works[i]);
		links[i] = dma_fence_chain_alloc();
	}
	dma_fence_chain_init(links[0], dma_fence_get(&first), dma_fence_get(&works[0]), 5);
	dma_fence_chain_init(links[1], dma_fence_get(&links[0]->base), dma_fence_get(&works[1]), 3);
	dma_fence_signal(&works[1]);

	explanation = explain(&links[1]->base);
	assert_int_equal(explanation->nodes[0].members_pending, 2);
	assert_non_null(node_for(explanation, &works[0]));
	assert_true(is_edge(explanation, node_for(explanation, &links[0]->base),
			    node_for(explanation, &first), DMA_FENCE_EXPLANATION_MADE_OF));
	dma_fence_explanation_free(explanation);

	dma_fence_signal(&works[0]);
	dma_fence_signal(&first);
	for (i = 1; i >= 0; i--) {
		dma_fence_put(&links[i]->base);
		dma_fence_put(&works[i]);
	}
	dma_fence_put(&first);
	assert_int_equal(*release_count(), 3);
}

/* More than is told of in all: what has no place any more is let go of, and not twice. */
static void many_chains_are_cut_short(void **state)
{
	enum { CHAINS = EXPLAIN_SHOWN + 8, LINKS = EXPLAIN_SHOWN };
	static struct dma_fence works[CHAINS][LINKS], *newest[CHAINS];
	struct dma_fence_explanation *explanation;
	struct dma_fence_chain *link;
	struct dma_fence fence;
	int i, k;

	(void)state;
	fence_init(&fence);
	for (i = 0; i < CHAINS; i++) {
		for (k = 0; k < LINKS; k++) {
			fence_init(&works[i][k]);
			link = dma_fence_chain_alloc();
			assert_non_null(link);
			dma_fence_chain_init(link, newest[i], &works[i][k], (uint64_t)k + 1);
			newest[i] = &link->base;
		}
		dma_fence_annotate_dependency(&fence, newest[i]);
	}

	explanation = explain(&fence);
	assert_true(explanation->truncated);
	assert_int_equal(explanation->num_nodes, EXPLAIN_NODES);
	dma_fence_explanation_free(explanation);

	for (i = 0; i < CHAINS; i++) {
		for (k = 0; k < LINKS; k++)
			dma_fence_signal(&works[i][k]);
		assert_true(dma_fence_poll(newest[i]));
		dma_fence_put(newest[i]);
	}
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
	dma_fence_rcu_barrier();
	assert_int_equal(*release_count(), CHAINS * LINKS + 1);
	assert_int_equal(caught()->count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITHOUT(arrays_in_chains_in_merges), WITHOUT(big_array_is_cut_short),
		WITHOUT(big_chain_is_cut_short),     WITHOUT(chains_with_others_before),
		WITH(many_chains_are_cut_short),
	};

	return RUN(tests);
}
