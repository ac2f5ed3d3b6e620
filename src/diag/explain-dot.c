/* SPDX-License-Identifier: MIT */
/* An explanation as a graph, for Graphviz: arrows point at what is waited for. */
#include <inttypes.h>

#include "diag/escape.h"
#include "diag/explain-names.h"
#include "diag/explain.h"

static const char *shape_of(const struct dma_fence_explanation_node *node)
{
	switch (node->kind) {
	case DMA_FENCE_EXPLANATION_THREAD:
		return "ellipse";
	case DMA_FENCE_EXPLANATION_CALLBACK:
		return "note";
	case DMA_FENCE_EXPLANATION_POINT:
	case DMA_FENCE_EXPLANATION_RESV:
	case DMA_FENCE_EXPLANATION_CONTEXT:
		return "folder";
	default:
		return "box";
	}
}

static const char *colour_of(const struct dma_fence_explanation_node *node)
{
	switch (node->state) {
	case DMA_FENCE_EXPLANATION_SIGNALED:
	case DMA_FENCE_EXPLANATION_DRAINED:
		return "palegreen";
	case DMA_FENCE_EXPLANATION_COMPLETE:
		return "khaki";
	case DMA_FENCE_EXPLANATION_QUARANTINED:
	case DMA_FENCE_EXPLANATION_UNPROMISED:
		return "salmon";
	case DMA_FENCE_EXPLANATION_NO_STATE:
		return "white";
	default:
		return node->lost ? "salmon" : "lightgrey";
	}
}

static bool is_in_cycle(const struct dma_fence_explanation *explanation, uint32_t from, uint32_t to)
{
	const uint32_t length = explanation->cycle_length;
	uint32_t i;

	for (i = 0; i < length; i++) {
		if (explanation->cycle[i] == from && explanation->cycle[(i + 1) % length] == to)
			return true;
	}
	return false;
}

static void tell_node(FILE *out, const struct dma_fence_explanation_node *node, uint32_t id)
{
	fprintf(out, "\tn%" PRIu32 " [shape=%s, fillcolor=%s, label=\"", id, shape_of(node),
		colour_of(node));
	dma_fence_escape_dot(out, node->label);
	if (node->state != DMA_FENCE_EXPLANATION_NO_STATE)
		fprintf(out, "\\n%s", explain_state_name(node->state));
	if (node->members_left_out)
		fprintf(out, "\\nand %" PRIu64 " more", node->members_left_out);
	fputs("\"];\n", out);
}

void dma_fence_explain_dot(const struct dma_fence_explanation *explanation, FILE *out)
{
	uint32_t i;

	flockfile(out);
	fputs("digraph explanation {\n"
	      "\tnode [style=filled, fontname=\"sans-serif\"];\n"
	      "\tedge [fontname=\"sans-serif\", fontsize=10];\n"
	      "\tlabelloc=t;\n"
	      "\tlabel=\"",
	      out);
	dma_fence_escape_dot(out, explanation->verdict);
	fputs("\";\n", out);
	for (i = 0; i < explanation->num_nodes; i++)
		tell_node(out, &explanation->nodes[i], i);
	for (i = 0; i < explanation->num_edges; i++) {
		const struct dma_fence_explanation_edge *edge = &explanation->edges[i];

		fprintf(out, "\tn%" PRIu32 " -> n%" PRIu32 " [label=\"%s\"%s];\n", edge->from,
			edge->to, explain_relation_name(edge->relation),
			is_in_cycle(explanation, edge->from, edge->to) ? ", color=red, penwidth=3"
								       : "");
	}
	fputs("}\n", out);
	funlockfile(out);
}
