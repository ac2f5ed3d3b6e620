/* SPDX-License-Identifier: MIT */
/*
 * Why has this not signaled? See dmafence/explain.h.
 *
 * From what was asked for the graph grows: each node that is new is looked at, what it waits for
 * (explain-down.c) and who waits for it (explain-up.c), which makes new ones. What only waits for
 * something is not asked what else it waits for.
 */
#include <errno.h>

#include "base/refcount.h"
#include "diag/explain.h"
#include "fence/look.h"

static void grow(struct explain_walk *walk)
{
	uint32_t node;

	while (!walk->failed && (node = dma_fence_explain_next(walk)) != EXPLAIN_NONE) {
		struct explain_extra *extra = &walk->extras[node];

		if (extra->wants_down && !extra->has_down)
			dma_fence_explain_down(walk, node);
		extra = &walk->extras[node];
		if (extra->wants_up && !extra->has_up)
			dma_fence_explain_up(walk, node);
	}
}

static struct dma_fence_explanation *explain_from(struct explain_walk *walk, uint32_t root)
{
	dma_fence_explain_want(walk, root, true, true);
	grow(walk);
	if (!walk->failed)
		dma_fence_explain_sleepers(walk);
	if (!walk->failed)
		dma_fence_explain_cycle(walk);
	if (!walk->failed)
		dma_fence_explain_verdicts(walk);
	return dma_fence_explain_end(walk);
}

struct dma_fence_explanation *dma_fence_explanation_of_fence(struct dma_fence *fence)
{
	struct explain_walk walk;

	if (!fence) {
		errno = EINVAL;
		return NULL;
	}
	if (!dma_fence_explain_begin(&walk))
		return NULL;
	return explain_from(&walk, dma_fence_explain_fence(&walk, dma_fence_get_unseen(fence)));
}

struct dma_fence_explanation *dma_fence_explanation_of_point(struct dma_fence_syncobj *syncobj,
							     uint64_t point)
{
	struct explain_walk walk;

	if (!syncobj) {
		errno = EINVAL;
		return NULL;
	}
	if (!dma_fence_explain_begin(&walk))
		return NULL;
	return explain_from(&walk,
			    dma_fence_explain_point(&walk, dma_fence_syncobj_get(syncobj), point));
}

struct dma_fence_explanation *dma_fence_explanation_of_resv(struct dma_resv *obj)
{
	struct explain_walk walk;

	if (!obj) {
		errno = EINVAL;
		return NULL;
	}
	if (!dma_fence_explain_begin(&walk))
		return NULL;
	return explain_from(&walk, dma_fence_explain_resv(&walk, obj));
}

struct dma_fence_explanation *dma_fence_explanation_of_context(struct dma_fence_context *context)
{
	struct explain_walk walk;

	if (!context) {
		errno = EINVAL;
		return NULL;
	}
	if (!dma_fence_explain_begin(&walk))
		return NULL;
	return explain_from(&walk, dma_fence_explain_context(&walk, context));
}

int dma_fence_explanation_print(const struct dma_fence_explanation *explanation,
				enum dma_fence_explanation_format format, FILE *out)
{
	if (!explanation || !out)
		return -EINVAL;
	switch (format) {
	case DMA_FENCE_EXPLANATION_TEXT:
		return dma_fence_explain_text(explanation, out);
	case DMA_FENCE_EXPLANATION_JSON:
		dma_fence_explain_json(explanation, out);
		return 0;
	case DMA_FENCE_EXPLANATION_DOT:
		dma_fence_explain_dot(explanation, out);
		return 0;
	default:
		return -EINVAL;
	}
}

/* As text; takes over the explanation. */
static int print(struct dma_fence_explanation *explanation, FILE *out)
{
	int ret;

	if (!explanation)
		return -errno;
	ret = dma_fence_explain_text(explanation, out);
	dma_fence_explanation_free(explanation);
	return ret;
}

int dma_fence_explain(struct dma_fence *fence, FILE *out)
{
	int ret = print(dma_fence_explanation_of_fence(fence), out);

	if (ret == -ENOMEM) {
		dma_fence_describe(fence, out);
		fputc('\n', out);
	}
	return ret;
}

int dma_fence_syncobj_explain(struct dma_fence_syncobj *syncobj, uint64_t point, FILE *out)
{
	return print(dma_fence_explanation_of_point(syncobj, point), out);
}

int dma_resv_explain(struct dma_resv *obj, FILE *out)
{
	return print(dma_fence_explanation_of_resv(obj), out);
}

int dma_fence_context_explain(struct dma_fence_context *context, FILE *out)
{
	return print(dma_fence_explanation_of_context(context), out);
}
