/* SPDX-License-Identifier: MIT */
/* The graph of an explanation: nodes, each once, and edges. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "diag/explain.h"
#include "diag/mutants.h"
#include "diag/record.h"
#include "fd/shared-timeline.h"
#include "fence/look.h"

/* Twice as many as there are nodes at most; a power of two. */
#define PLACES (2 * EXPLAIN_NODES)

bool dma_fence_explain_begin(struct explain_walk *walk)
{
	uint32_t i;

	memset(walk, 0, sizeof(*walk));
	walk->patience = ASK_PATIENCE_NS;
	walk->explanation = calloc(1, sizeof(*walk->explanation));
	walk->places = malloc(PLACES * sizeof(*walk->places));
	if (!walk->explanation || !walk->places) {
		free(walk->explanation);
		free(walk->places);
		errno = ENOMEM;
		return false;
	}
	for (i = 0; i < PLACES; i++)
		walk->places[i] = EXPLAIN_NONE;
	walk->explanation->now = clock_now();
	walk->explanation->records = dma_fence_records_kept();
	return true;
}

struct dma_fence_explanation *dma_fence_explain_end(struct explain_walk *walk)
{
	struct dma_fence_explanation *explanation = walk->explanation;
	uint32_t i;

	for (i = 0; i < explanation->num_nodes; i++) {
		if (MUTANT(EXPLAINING_IS_SEEN))
			dma_fence_put(walk->extras[i].fence);
		else
			dma_fence_put_unseen(walk->extras[i].fence);
		dma_fence_syncobj_put(walk->extras[i].syncobj);
	}
	free(walk->extras);
	free(walk->places);
	free(walk->queue);
	if (!walk->failed)
		return explanation;
	dma_fence_explanation_free(explanation);
	errno = ENOMEM;
	return NULL;
}

/* Room for one more of 'size' bytes, in twice the room as soon as it is used up. */
static void *make_room(struct explain_walk *walk, void *array, uint32_t used, uint32_t *room,
		       size_t size)
{
	const uint32_t more = *room ? *room * 2 : 16;
	void *grown;

	if (used < *room)
		return array;
	grown = realloc(array, more * size);
	if (!grown) {
		walk->failed = true;
		return NULL;
	}
	*room = more;
	return grown;
}

/* Nodes */

/* Kinds of which an object may be one and another have places of their own. */
static bool is_node(const struct dma_fence_explanation_node *node,
		    enum dma_fence_explanation_kind kind, const void *object, uint64_t number)
{
	const bool numbered = kind == DMA_FENCE_EXPLANATION_POINT;

	if (kind == DMA_FENCE_EXPLANATION_THREAD)
		return node->kind == kind && node->thread == (int32_t)number;
	return node->object == object && (!numbered || node->seqno == number) &&
	       (node->kind == DMA_FENCE_EXPLANATION_CALLBACK) ==
		       (kind == DMA_FENCE_EXPLANATION_CALLBACK);
}

static uint32_t *place_of(const struct explain_walk *walk, enum dma_fence_explanation_kind kind,
			  const void *object, uint64_t number)
{
	const struct dma_fence_explanation_node *nodes = walk->explanation->nodes;
	const uint64_t numbered =
		kind == DMA_FENCE_EXPLANATION_POINT || kind == DMA_FENCE_EXPLANATION_THREAD;
	uint64_t key = ((uintptr_t)object >> 4) ^ (numbered ? number << 20 : 0);
	uint32_t place = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 40) % PLACES;

	while (walk->places[place] != EXPLAIN_NONE &&
	       !is_node(&nodes[walk->places[place]], kind, object, number))
		place = (place + 1) % PLACES;
	return &walk->places[place];
}

uint32_t dma_fence_explain_find(const struct explain_walk *walk,
				enum dma_fence_explanation_kind kind, const void *object,
				uint64_t number)
{
	return *place_of(walk, kind, object, number);
}

uint32_t dma_fence_explain_node(struct explain_walk *walk, enum dma_fence_explanation_kind kind,
				const void *object, uint64_t number, bool *is_new)
{
	struct dma_fence_explanation *explanation = walk->explanation;
	uint32_t *place = place_of(walk, kind, object, number);
	uint32_t room = walk->room_nodes;
	struct explain_extra *extras;
	void *nodes;

	*is_new = false;
	if (*place != EXPLAIN_NONE)
		return *place;
	if (explanation->num_nodes == EXPLAIN_NODES) {
		explanation->truncated = true;
		return EXPLAIN_NONE;
	}
	extras =
		make_room(walk, walk->extras, explanation->num_nodes, &room, sizeof(*walk->extras));
	if (!extras)
		return EXPLAIN_NONE;
	walk->extras = extras;
	nodes = make_room(walk, explanation->nodes, explanation->num_nodes, &walk->room_nodes,
			  sizeof(*explanation->nodes));
	if (!nodes)
		return EXPLAIN_NONE;
	explanation->nodes = nodes;
	*is_new = true;
	*place = explanation->num_nodes++;
	walk->extras[*place] = (struct explain_extra){ .fence = NULL };
	explanation->nodes[*place] = (struct dma_fence_explanation_node){
		.kind = kind,
		.object = object,
		.seqno = kind == DMA_FENCE_EXPLANATION_POINT ? number : 0,
		.thread = kind == DMA_FENCE_EXPLANATION_THREAD ? (int32_t)number : 0,
		.deadline = INT64_MAX,
	};
	return *place;
}

void dma_fence_explain_want(struct explain_walk *walk, uint32_t node, bool down, bool up)
{
	struct explain_extra *extra;
	uint32_t *queue;

	if (node == EXPLAIN_NONE)
		return;
	extra = &walk->extras[node];
	extra->wants_down = extra->wants_down || down;
	extra->wants_up = extra->wants_up || up;
	if (down)
		walk->explanation->nodes[node].upwards = false;
	if (extra->wants_down == extra->has_down && extra->wants_up == extra->has_up)
		return;
	queue = make_room(walk, walk->queue, walk->queue_end, &walk->queue_room, sizeof(*queue));
	if (!queue)
		return;
	walk->queue = queue;
	walk->queue[walk->queue_end++] = node;
}

uint32_t dma_fence_explain_next(struct explain_walk *walk)
{
	return walk->queue_begin < walk->queue_end ? walk->queue[walk->queue_begin++]
						   : EXPLAIN_NONE;
}

/* Edges */

struct dma_fence_explanation_edge *
dma_fence_explain_edge(struct explain_walk *walk, uint32_t from, uint32_t to,
		       enum dma_fence_explanation_relation relation)
{
	struct dma_fence_explanation *explanation = walk->explanation;
	struct dma_fence_explanation_edge *edge;
	uint32_t i;

	if (from == EXPLAIN_NONE || to == EXPLAIN_NONE)
		return NULL;
	for (i = 0; i < explanation->num_edges; i++) {
		edge = &explanation->edges[i];
		if (edge->from == from && edge->to == to && edge->relation == relation)
			return edge;
	}
	if (explanation->num_edges == EXPLAIN_EDGES) {
		explanation->truncated = true;
		return NULL;
	}
	edge = make_room(walk, explanation->edges, explanation->num_edges, &walk->room_edges,
			 sizeof(*edge));
	if (!edge)
		return NULL;
	explanation->edges = edge;
	edge += explanation->num_edges++;
	*edge = (struct dma_fence_explanation_edge){
		.from = from,
		.to = to,
		.relation = relation,
	};
	return edge;
}

/* Texts */

char *dma_fence_explain_strdup(struct explain_walk *walk, const char *text)
{
	char *copy = strdup(text);

	walk->failed = walk->failed || !copy;
	return copy;
}

char *dma_fence_explain_printf(struct explain_walk *walk, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	walk->failed = walk->failed || !text;
	return text;
}

void dma_fence_explanation_free(struct dma_fence_explanation *explanation)
{
	struct dma_fence_explanation_node *node;
	uint32_t i;

	if (!explanation)
		return;
	for (i = 0; i < explanation->num_nodes; i++) {
		node = &explanation->nodes[i];
		free(node->label);
		free(node->verdict);
		free(node->driver);
		free(node->timeline);
		free(node->created_where);
		free(node->holders);
		free(node->sleeps_where);
	}
	free(explanation->nodes);
	free(explanation->edges);
	free(explanation->cycle);
	free(explanation->verdict);
	free(explanation);
}
