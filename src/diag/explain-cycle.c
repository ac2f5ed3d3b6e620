/* SPDX-License-Identifier: MIT */
/*
 * Cycles: who waits for himself.
 *
 * What was found was true at one time or another. A fence that is pending has been so all the
 * while, and will be what it is made of for as long. A thread may have gone on: so a cycle is
 * looked at a second time, and is one if every thread in it still sleeps, and has since it was seen
 * first.
 */
#include <stdlib.h>

#include "diag/explain.h"
#include "diag/mutants.h"
#include "diag/sleepers.h"

static const struct dma_fence_explanation_node *node_of(const struct explain_walk *walk,
							uint32_t node)
{
	return &walk->explanation->nodes[node];
}

/* Whether it cannot go on before the other has. */
static bool holds_up(const struct explain_walk *walk, const struct dma_fence_explanation_edge *edge)
{
	return edge->relation != DMA_FENCE_EXPLANATION_CALLED &&
	       (edge->relation != DMA_FENCE_EXPLANATION_SLEEPS_FOR_ANY ||
		MUTANT(CYCLE_THROUGH_ANY)) &&
	       explain_is_pending(node_of(walk, edge->from)) &&
	       explain_is_pending(node_of(walk, edge->to));
}

/* Edges in the order of where they begin. */
struct order {
	const struct explain_walk *walk;
	uint32_t *edges;
	uint32_t *first; /* of each node, in 'edges'; and behind the last, how many there are */
};

static bool sort_edges(struct order *order)
{
	const struct dma_fence_explanation *explanation = order->walk->explanation;
	const uint32_t nodes = explanation->num_nodes, edges = explanation->num_edges;
	uint32_t *next, i;

	order->first = calloc(nodes + 1, sizeof(*order->first));
	order->edges = malloc((edges + 1) * sizeof(*order->edges));
	next = malloc((nodes + 1) * sizeof(*next));
	if (order->first && order->edges && next) {
		for (i = 0; i < edges; i++)
			order->first[explanation->edges[i].from + 1]++;
		for (i = 0; i < nodes; i++)
			order->first[i + 1] += order->first[i];
		for (i = 0; i < nodes; i++)
			next[i] = order->first[i];
		for (i = 0; i < edges; i++)
			order->edges[next[explanation->edges[i].from]++] = i;
		free(next);
		return true;
	}
	free(order->first);
	free(order->edges);
	free(next);
	return false;
}

/*
 * From the first node on, in depth. 'path' is the way to where it is, by edges: 'depth' of them.
 * Returns how many edges at the end of the path are the cycle, or 0.
 */
struct search {
	uint32_t *path;	 /* edges */
	uint32_t *tried; /* of each node, how many of its edges */
	uint32_t *depth; /* of each node on the path, where it is, plus 1; DONE, or 0 */
};

#define DONE UINT32_MAX

static uint32_t search(const struct order *order, struct search *search, uint32_t *length)
{
	const struct explain_walk *walk = order->walk;
	const struct dma_fence_explanation_edge *edges = walk->explanation->edges, *edge;
	uint32_t node = 0, depth = 0, i;

	search->depth[0] = 1;
	for (;;) {
		i = order->first[node] + search->tried[node];
		if (i == order->first[node + 1]) {
			search->depth[node] = DONE;
			if (!depth)
				return 0;
			node = edges[search->path[--depth]].from;
			continue;
		}
		search->tried[node]++;
		edge = &edges[order->edges[i]];
		if (!holds_up(walk, edge) || search->depth[edge->to] == DONE)
			continue;
		search->path[depth++] = order->edges[i];
		if (search->depth[edge->to]) {
			*length = depth;
			return depth - (search->depth[edge->to] - 1);
		}
		search->depth[edge->to] = depth + 1;
		node = edge->to;
	}
}

/* Looking again */

struct again {
	const struct explain_walk *walk;
	const struct dma_fence_explanation_edge *edge;
	bool found;
};

static bool is_for(const struct sleeper *sleeper, const struct dma_fence_explanation_node *node)
{
	if (sleeper->count == 1)
		return sleeper->fences[0] == node->object;
	return sleeper->num_points == 1 && sleeper->points[0].syncobj == node->object &&
	       sleeper->points[0].point == node->seqno;
}

static bool is_it(const struct sleeper *sleeper, void *arg)
{
	struct again *again = arg;

	again->found = sleeper->thread == node_of(again->walk, again->edge->from)->thread &&
		       sleeper->since == again->edge->since &&
		       is_for(sleeper, node_of(again->walk, again->edge->to));
	return !again->found;
}

static bool still_holds_up(const struct explain_walk *walk,
			   const struct dma_fence_explanation_edge *edge)
{
	struct again again = { .walk = walk, .edge = edge };
	const struct dma_fence *fence = walk->extras[edge->from].fence;

	if (MUTANT(CYCLE_OF_TWO_MOMENTS))
		return true;
	if (fence)
		return !dma_fence_test_signaled_flag(fence);
	if (edge->relation == DMA_FENCE_EXPLANATION_SLEEPS)
		dma_fence_sleepers_for_each(is_it, &again);
	else
		again.found = true;
	return again.found;
}

static void tell(struct explain_walk *walk, const uint32_t *path, uint32_t length)
{
	struct dma_fence_explanation *explanation = walk->explanation;
	uint32_t i, k, first = 0;

	for (i = 0; i < length; i++) {
		if (!still_holds_up(walk, &explanation->edges[path[i]]))
			return;
		/* It begins with what was found first. */
		if (explanation->edges[path[i]].from < explanation->edges[path[first]].from)
			first = i;
	}
	explanation->cycle = malloc(length * sizeof(*explanation->cycle));
	if (!explanation->cycle) {
		walk->failed = true;
		return;
	}
	for (i = 0; i < length; i++) {
		k = path[(first + i) % length];
		explanation->cycle[i] = explanation->edges[k].from;
		if (explanation->edges[k].relation == DMA_FENCE_EXPLANATION_GUESSED)
			explanation->cycle_guessed = true;
	}
	explanation->cycle_length = length;
}

void dma_fence_explain_cycle(struct explain_walk *walk)
{
	const uint32_t nodes = walk->explanation->num_nodes;
	struct order order = { .walk = walk };
	struct search found = { .path = NULL };
	uint32_t cycle, length = 0;

	if (!nodes)
		return;
	if (!sort_edges(&order)) {
		walk->failed = true;
		return;
	}
	found.path = calloc(nodes + 1, sizeof(*found.path));
	found.tried = calloc(nodes, sizeof(*found.tried));
	found.depth = calloc(nodes, sizeof(*found.depth));
	if (found.path && found.tried && found.depth) {
		cycle = search(&order, &found, &length);
		if (cycle)
			tell(walk, found.path + length - cycle, cycle);
	} else {
		walk->failed = true;
	}
	free(found.path);
	free(found.tried);
	free(found.depth);
	free(order.first);
	free(order.edges);
}
