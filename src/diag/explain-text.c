/* SPDX-License-Identifier: MIT */
/*
 * An explanation for people.
 *
 * First the verdict. Then what was asked for, and below each node, further to the right, what it
 * waits for. One that has been there is not told again. The links of a chain, each of which waits
 * for the one before, are told one below the other.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "diag/escape.h"
#include "diag/explain.h"

struct text {
	const struct dma_fence_explanation *explanation;
	FILE *out;
	bool *told;
};

/* Deeper than this nobody reads. */
#define DEPTH_MAX 16

static const struct dma_fence_explanation_node *node_of(const struct text *text, uint32_t node)
{
	return &text->explanation->nodes[node];
}

static void indent(const struct text *text, unsigned int depth)
{
	fprintf(text->out, "%*s", (int)(depth < DEPTH_MAX ? depth : DEPTH_MAX) * 4, "");
}

static void put(const struct text *text, const char *name)
{
	dma_fence_escape_text(text->out, name);
}

static const char *ago(const struct text *text, int64_t time, char duration[EXPLAIN_DURATION])
{
	return dma_fence_explain_duration(text->explanation->now - time, duration);
}

static const char *state_of(const struct dma_fence_explanation_node *node)
{
	static const char *const states[] = {
		[DMA_FENCE_EXPLANATION_PENDING] = "pending",
		[DMA_FENCE_EXPLANATION_COMPLETE] = "complete",
		[DMA_FENCE_EXPLANATION_SIGNALED] = "signaled, not drained",
		[DMA_FENCE_EXPLANATION_DRAINED] = "signaled",
		[DMA_FENCE_EXPLANATION_QUARANTINED] = "in quarantine",
		[DMA_FENCE_EXPLANATION_UNPROMISED] = "not promised",
		[DMA_FENCE_EXPLANATION_UNKNOWN] = "unknown",
	};

	return states[node->state];
}

/* Facts of a fence, one line for each kind */

static void tell_life(const struct text *text, const struct dma_fence_explanation_node *node,
		      unsigned int depth)
{
	char duration[EXPLAIN_DURATION];

	if (!node->created_at && !node->created_by)
		return;
	indent(text, depth);
	fprintf(text->out, "made %s ago", ago(text, node->created_at, duration));
	if (node->created_by)
		fprintf(text->out, " by thread %d", (int)node->created_by);
	if (node->created_where) {
		fputs(" in ", text->out);
		put(text, node->created_where);
	}
	fputc('\n', text->out);
}

static void tell_signaling(const struct text *text, const struct dma_fence_explanation_node *node,
			   unsigned int depth)
{
	const int64_t late = text->explanation->now - node->deadline;
	char duration[EXPLAIN_DURATION];

	indent(text, depth);
	if (node->references == UINT32_MAX)
		fputs("kept for ever", text->out);
	else
		fprintf(text->out, "%" PRIu32 " %s", node->references,
			node->references == 1 ? "reference" : "references");
	if (node->enabled_at)
		fprintf(text->out, ", signaling enabled %s ago",
			ago(text, node->enabled_at, duration));
	else if (node->signals_when_asked)
		fprintf(text->out, ", signaling %senabled", node->enabled ? "" : "not ");
	if (node->deadline != INT64_MAX)
		fprintf(text->out, ", deadline %s %s", late > 0 ? "missed by" : "in",
			dma_fence_explain_duration(late > 0 ? late : -late, duration));
	fputc('\n', text->out);
}

static void tell_progress(const struct text *text, const struct dma_fence_explanation_node *node,
			  unsigned int depth)
{
	char duration[EXPLAIN_DURATION];

	/* Of what is made of others the number is its own. */
	if (!node->progress_known || node->kind != DMA_FENCE_EXPLANATION_FENCE)
		return;
	indent(text, depth);
	fprintf(text->out, "context %" PRIu64 ": ", node->context);
	if (node->any_signaled)
		fprintf(text->out, "last signaled %" PRIu64, node->last_signaled);
	else
		fputs("nothing signaled yet", text->out);
	if (node->any_signaled && node->last_signaled_at)
		fprintf(text->out, " %s ago", ago(text, node->last_signaled_at, duration));
	fprintf(text->out, ", last made %" PRIu64 "\n", node->last_emitted);
}

static void tell_members(const struct text *text, const struct dma_fence_explanation_node *node,
			 unsigned int depth)
{
	if (!node->members_pending && !node->members_signaled)
		return;
	indent(text, depth);
	fprintf(text->out, "%" PRIu64 " of %" PRIu64 " pending", node->members_pending,
		node->members_pending + node->members_signaled);
	if (node->members_left_out)
		fprintf(text->out, ", of which %" PRIu64 " are told, and %" PRIu64 " more are not",
			node->members_pending - node->members_left_out, node->members_left_out);
	fputc('\n', text->out);
}

/* Lines, each of which is indented. */
static void tell_holders(const struct text *text, const struct dma_fence_explanation_node *node,
			 unsigned int depth)
{
	const char *line = node->holders;
	size_t length;

	for (; line && *line; line += length + !!line[length]) {
		length = strcspn(line, "\n");
		indent(text, depth);
		dma_fence_escape_text_of(text->out, line, length);
		fputc('\n', text->out);
	}
}

static bool is_object(const struct dma_fence_explanation_node *node)
{
	return node->kind == DMA_FENCE_EXPLANATION_POINT ||
	       node->kind == DMA_FENCE_EXPLANATION_RESV ||
	       node->kind == DMA_FENCE_EXPLANATION_CONTEXT ||
	       node->kind == DMA_FENCE_EXPLANATION_THREAD ||
	       node->kind == DMA_FENCE_EXPLANATION_CALLBACK;
}

/* Who waits, above: told where it is waited for. */
static void tell_waiters(const struct text *text, uint32_t node, unsigned int depth)
{
	const struct dma_fence_explanation *explanation = text->explanation;
	char duration[EXPLAIN_DURATION];
	uint32_t i;

	for (i = 0; i < explanation->num_edges; i++) {
		const struct dma_fence_explanation_edge *edge = &explanation->edges[i];
		const struct dma_fence_explanation_node *from = node_of(text, edge->from);

		/* What is made of it, and waited for itself, has its own place. */
		if (edge->to != node ||
		    (!from->upwards && from->kind != DMA_FENCE_EXPLANATION_THREAD))
			continue;
		indent(text, depth);
		fputs("waited for by ", text->out);
		put(text, from->label);
		if (edge->since)
			fprintf(text->out, ", for %s", ago(text, edge->since, duration));
		if (from->sleeps_where) {
			fputs(", in ", text->out);
			put(text, from->sleeps_where);
		}
		if (edge->relation == DMA_FENCE_EXPLANATION_SLEEPS_FOR_ANY)
			fputs(", or for another fence", text->out);
		fputc('\n', text->out);
		/* And who waits for that. */
		if (from->upwards && !text->told[edge->from]) {
			text->told[edge->from] = true;
			if (depth < DEPTH_MAX)
				tell_waiters(text, edge->from, depth + 1);
		}
	}
	if (node_of(text, node)->callbacks_left_out) {
		indent(text, depth);
		fprintf(text->out, "and by %" PRIu32 " more\n",
			node_of(text, node)->callbacks_left_out);
	}
}

static bool sleeps(const struct text *text, uint32_t node)
{
	uint32_t i;

	if (node_of(text, node)->kind != DMA_FENCE_EXPLANATION_THREAD)
		return false;
	for (i = 0; i < text->explanation->num_edges; i++) {
		if (text->explanation->edges[i].from == node)
			return true;
	}
	return false;
}

static void tell_node(const struct text *text, uint32_t node, unsigned int depth,
		      const char *before)
{
	const struct dma_fence_explanation_node *told = node_of(text, node);

	indent(text, depth);
	fputs(before, text->out);
	put(text, told->label);
	if (told->state != DMA_FENCE_EXPLANATION_NO_STATE)
		fprintf(text->out, ": %s", state_of(told));
	if (text->told[node]) {
		fputs(" (see above)\n", text->out);
		return;
	}
	fputc('\n', text->out);
	text->told[node] = true;
	/* What a thread sleeps for comes below it. */
	if (told->verdict && !sleeps(text, node)) {
		indent(text, depth + 1);
		put(text, told->verdict);
		fputc('\n', text->out);
	}
	if (!is_object(told)) {
		tell_life(text, told, depth + 1);
		tell_signaling(text, told, depth + 1);
		tell_progress(text, told, depth + 1);
		tell_holders(text, told, depth + 1);
	}
	tell_members(text, told, depth + 1);
	tell_waiters(text, node, depth + 1);
}

static const char *word_of(const struct text *text, const struct dma_fence_explanation_edge *edge)
{
	static const char *const usages[] = {
		[DMA_RESV_USAGE_KERNEL] = "kernel: ",
		[DMA_RESV_USAGE_WRITE] = "write: ",
		[DMA_RESV_USAGE_READ] = "read: ",
		[DMA_RESV_USAGE_BOOKKEEP] = "bookkeep: ",
	};

	switch (edge->relation) {
	case DMA_FENCE_EXPLANATION_MADE_OF:
		return node_of(text, edge->from)->kind == DMA_FENCE_EXPLANATION_RESV
			       ? usages[edge->usage]
			       : "";
	case DMA_FENCE_EXPLANATION_SIGNALED_BY:
		return "signaled by ";
	case DMA_FENCE_EXPLANATION_GUESSED:
		return "its context was last signaled by ";
	case DMA_FENCE_EXPLANATION_SLEEPS:
		return "waits for ";
	case DMA_FENCE_EXPLANATION_SLEEPS_FOR_ANY:
		return "waits for this or another: ";
	case DMA_FENCE_EXPLANATION_DEPENDS:
		return "not before ";
	case DMA_FENCE_EXPLANATION_KEPT_WITH:
		return "kept with ";
	default:
		return "";
	}
}

/* In depth, without recursion: of each node on the way, with which edge its turn goes on. */
struct turn {
	uint32_t node;
	uint32_t edge;
	unsigned int depth;
};

static bool is_way_down(const struct text *text, const struct dma_fence_explanation_edge *edge,
			uint32_t node)
{
	return edge->from == node && edge->relation != DMA_FENCE_EXPLANATION_CALLED &&
	       !node_of(text, edge->from)->upwards;
}

static void tell_all(const struct text *text, struct turn *turns)
{
	const struct dma_fence_explanation *explanation = text->explanation;
	uint32_t level = 0;

	tell_node(text, 0, 0, "");
	turns[0] = (struct turn){ .node = 0 };
	for (;;) {
		struct turn *turn = &turns[level];
		const struct dma_fence_explanation_edge *edge;
		bool new_one, next_link;

		if (turn->edge == explanation->num_edges) {
			if (!level--)
				return;
			continue;
		}
		edge = &explanation->edges[turn->edge++];
		if (!is_way_down(text, edge, turn->node))
			continue;
		new_one = !text->told[edge->to];
		next_link = node_of(text, edge->from)->kind == DMA_FENCE_EXPLANATION_LINK &&
			    node_of(text, edge->to)->kind == DMA_FENCE_EXPLANATION_LINK;
		tell_node(text, edge->to, turn->depth + !(next_link && turn->node),
			  word_of(text, edge));
		if (!new_one)
			continue;
		turns[level + 1] = (struct turn){
			.node = edge->to,
			.depth = turn->depth + !(next_link && turn->node),
		};
		level++;
	}
}

static void tell_path(const struct text *text)
{
	const struct dma_fence_explanation *explanation = text->explanation;
	uint32_t i;

	if (!explanation->cycle_length)
		return;
	fprintf(text->out, "cycle%s:\n",
		explanation->cycle_guessed ? ", if who has signaled last is who will" : "");
	for (i = 0; i <= explanation->cycle_length; i++) {
		indent(text, 1);
		fputs(i ? "-> " : "   ", text->out);
		put(text, node_of(text, explanation->cycle[i % explanation->cycle_length])->label);
		fputc('\n', text->out);
	}
}

int dma_fence_explain_text(const struct dma_fence_explanation *explanation, FILE *out)
{
	struct text text = { .explanation = explanation, .out = out };
	struct turn *turns = calloc(explanation->num_nodes + 1, sizeof(*turns));
	int ret = -ENOMEM;

	text.told = calloc(explanation->num_nodes, sizeof(*text.told));
	if (!turns || !text.told)
		goto free;
	ret = 0;
	flockfile(out);
	fputs("verdict: ", out);
	put(&text, explanation->verdict);
	fputc('\n', out);
	tell_path(&text);
	tell_all(&text, turns);
	if (explanation->truncated)
		fputs("There is more than was looked at.\n", out);
	if (!explanation->records)
		fputs("With DMA_FENCE_DEBUG=records there is more to tell.\n", out);
	funlockfile(out);
free:
	free(text.told);
	free(turns);
	return ret;
}
