/* SPDX-License-Identifier: MIT */
/* Merges, and going through what containers are made of. */
#include "side.h"

#define MOST_MERGES 64

static struct dma_fence *merged[MOST_MERGES];

/*
 * Two arrays of members in no particular order; of the same contexts the second has later fences.
 * Phases: merge, release of the result.
 */
void side_merge(uint64_t ops, const struct side_case *of, double *ns)
{
	unsigned int count = of->count, half, i, member;
	struct dma_fence_array *arrays[2];
	double times[3];

	if (ops > MOST_MERGES)
		side_host->fail("too many merges in one sample");
	for (half = 0; half < 2; half++) {
		for (i = 0; i < count; i++) {
			member = half * count + i;
			side_init(side_member(member), &side_kept_ops, &side_timeline,
				  SIDE_CONTEXTS + of->order[i] + (of->same ? 0 : half * count),
				  1 + half);
		}
		arrays[half] = side_array_create(count, side_vector(half * count, count),
						 SIDE_CONTEXTS - 1);
	}
	times[0] = side_now();
	for (i = 0; i < ops; i++)
		merged[i] = dma_fence_unwrap_merge(&arrays[0]->base, &arrays[1]->base);
	times[1] = side_now();
	for (i = 0; i < ops; i++)
		dma_fence_put(merged[i]);
	times[2] = side_now();
	for (i = 0; i < 2; i++)
		ns[i] = times[i + 1] - times[i];
	for (i = 0; i < 2 * count; i++)
		dma_fence_signal_timestamp(side_member(i), SIDE_SOME_TIME);
	for (half = 0; half < 2; half++)
		dma_fence_put(&arrays[half]->base);
	side_put_members(2 * count);
	side_deferred(ops *
		      (sizeof(struct dma_fence_array) + 2 * count * sizeof(struct dma_fence_cb)));
}

static void unwrap(uint64_t ops, struct dma_fence *head, unsigned int count, double *ns)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	uint64_t i, seen = 0;

	*ns = -side_now();
	for (i = 0; i < ops; i++) {
		dma_fence_unwrap_for_each (fence, &cursor, head)
			seen++;
	}
	*ns += side_now();
	if (seen != ops * count)
		side_host->fail("not all leaves were seen");
	for (i = 0; i < count; i++)
		dma_fence_signal_timestamp(side_member(i), SIDE_SOME_TIME);
	dma_fence_put(head);
}

void side_unwrap_array(uint64_t ops, const struct side_case *of, double *ns)
{
	struct dma_fence_array *array;

	side_init_members(of->count);
	array = side_array_create(of->count, side_vector(0, of->count), 1);
	unwrap(ops, &array->base, of->count, ns);
	side_put_members(of->count);
	side_deferred(sizeof(*array) + of->count * sizeof(struct dma_fence_cb));
}

void side_unwrap_chain(uint64_t ops, const struct side_case *of, double *ns)
{
	struct dma_fence *newest = NULL;
	struct dma_fence_chain *link;
	unsigned int i;

	side_init_members(of->count);
	for (i = 0; i < of->count; i++) {
		link = dma_fence_chain_alloc();
		if (!link)
			side_host->fail("out of memory");
		dma_fence_chain_init(link, newest, side_member(i), i + 1);
		newest = &link->base;
	}
	unwrap(ops, newest, of->count, ns);
	side_deferred(of->count * 2 * sizeof(*link));
}
