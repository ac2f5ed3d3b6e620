/* SPDX-License-Identifier: MIT */
/*
 * An explanation for programs: one object, whose members are those of the structures. Nodes have
 * an "id", their number, by which edges and the cycle refer to them. What is not known is left out.
 */
#include <inttypes.h>

#include "diag/escape.h"
#include "diag/explain-names.h"
#include "diag/explain.h"

static void string(FILE *out, const char *name, const char *value)
{
	if (!value)
		return;
	fprintf(out, ", \"%s\": \"", name);
	dma_fence_escape_json(out, value);
	fputc('"', out);
}

static void boolean(FILE *out, const char *name, bool value)
{
	fprintf(out, ", \"%s\": %s", name, value ? "true" : "false");
}

static void number(FILE *out, const char *name, uint64_t value)
{
	fprintf(out, ", \"%s\": %" PRIu64, name, value);
}

/* A time, or something else that is 0 where it is not known. */
static void known(FILE *out, const char *name, int64_t value)
{
	if (value)
		fprintf(out, ", \"%s\": %" PRId64, name, value);
}

static bool is_fence(const struct dma_fence_explanation_node *node)
{
	return node->kind <= DMA_FENCE_EXPLANATION_SHARED;
}

static void tell_fence(FILE *out, const struct dma_fence_explanation_node *node)
{
	if (node->references == UINT32_MAX)
		fputs(", \"references\": null", out);
	else
		number(out, "references", node->references);
	boolean(out, "enabled", node->enabled);
	boolean(out, "signals_when_asked", node->signals_when_asked);
	boolean(out, "lost", node->lost);
	known(out, "enabled_at", node->enabled_at);
	known(out, "created_at", node->created_at);
	known(out, "created_by", node->created_by);
	string(out, "created_where", node->created_where);
	known(out, "deadline", node->deadline == INT64_MAX ? 0 : node->deadline);
	number(out, "callbacks", node->callbacks);
	number(out, "callbacks_left_out", node->callbacks_left_out);
	string(out, "holders", node->holders);
}

static void tell_node(FILE *out, const struct dma_fence_explanation_node *node, uint32_t id)
{
	fprintf(out, "{\"id\": %" PRIu32 ", \"kind\": \"%s\", \"state\": \"%s\"", id,
		explain_kind_name(node->kind), explain_state_name(node->state));
	string(out, "label", node->label);
	string(out, "verdict", node->verdict);
	if (node->object)
		fprintf(out, ", \"object\": \"%p\"", node->object);
	if (is_fence(node) || node->kind == DMA_FENCE_EXPLANATION_CONTEXT)
		number(out, "context", node->context);
	if (is_fence(node) || node->kind == DMA_FENCE_EXPLANATION_POINT)
		number(out, "seqno", node->seqno);
	string(out, "driver", node->driver);
	string(out, "timeline", node->timeline);
	known(out, "error", node->error);
	known(out, "timestamp", node->timestamp);
	boolean(out, "upwards", node->upwards);
	if (is_fence(node))
		tell_fence(out, node);
	if (node->progress_known) {
		if (node->any_signaled)
			number(out, "last_signaled", node->last_signaled);
		number(out, "last_emitted", node->last_emitted);
		known(out, "last_signaled_at", node->last_signaled_at);
	}
	number(out, "members_signaled", node->members_signaled);
	number(out, "members_pending", node->members_pending);
	number(out, "members_left_out", node->members_left_out);
	known(out, "thread", node->thread);
	if (node->kind == DMA_FENCE_EXPLANATION_THREAD)
		boolean(out, "gone", node->gone);
	string(out, "sleeps_where", node->sleeps_where);
	fputc('}', out);
}

static void tell_edge(FILE *out, const struct dma_fence_explanation *explanation,
		      const struct dma_fence_explanation_edge *edge)
{
	fprintf(out, "{\"from\": %" PRIu32 ", \"to\": %" PRIu32 ", \"relation\": \"%s\"",
		edge->from, edge->to, explain_relation_name(edge->relation));
	known(out, "since", edge->since);
	known(out, "until", edge->until == INT64_MAX ? 0 : edge->until);
	if (explanation->nodes[edge->from].kind == DMA_FENCE_EXPLANATION_RESV)
		string(out, "usage", explain_usage_name(edge->usage));
	fputc('}', out);
}

void dma_fence_explain_json(const struct dma_fence_explanation *explanation, FILE *out)
{
	uint32_t i;

	flockfile(out);
	fprintf(out, "{\"now\": %" PRId64, explanation->now);
	string(out, "verdict", explanation->verdict);
	boolean(out, "records", explanation->records);
	boolean(out, "truncated", explanation->truncated);
	fputs(",\n\"nodes\": [", out);
	for (i = 0; i < explanation->num_nodes; i++) {
		fputs(i ? ",\n" : "\n", out);
		tell_node(out, &explanation->nodes[i], i);
	}
	fputs("],\n\"edges\": [", out);
	for (i = 0; i < explanation->num_edges; i++) {
		fputs(i ? ",\n" : "\n", out);
		tell_edge(out, explanation, &explanation->edges[i]);
	}
	fputs("],\n\"cycle\": [", out);
	for (i = 0; i < explanation->cycle_length; i++)
		fprintf(out, "%s%" PRIu32, i ? ", " : "", explanation->cycle[i]);
	fputc(']', out);
	boolean(out, "cycle_guessed", explanation->cycle_guessed);
	fputs("}\n", out);
	funlockfile(out);
}
