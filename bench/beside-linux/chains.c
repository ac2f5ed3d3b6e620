/* SPDX-License-Identifier: MIT */
/* Operations on chains. An operation is one of a point. */
#include "side.h"

#define MOST_POINTS 16384

static struct dma_fence *links[MOST_POINTS];
static struct dma_fence_cb callbacks[MOST_POINTS];

static void build_chain(unsigned int points)
{
	struct dma_fence *prev = NULL;
	unsigned int i;

	for (i = 0; i < points; i++) {
		struct dma_fence_chain *link = dma_fence_chain_alloc();

		if (!link)
			side_host->fail("out of memory");
		dma_fence_chain_init(link, prev, side_member(i), i + 1);
		prev = links[i] = &link->base;
	}
}

/* The newest link, which stands for all. */
static void put_chain(unsigned int points)
{
	dma_fence_put(links[points - 1]);
}

static void end_chain(unsigned int points)
{
	side_flush();
	side_deferred(points * 2 * sizeof(struct dma_fence_chain));
}

static void check_points(uint64_t points)
{
	if (points > MOST_POINTS)
		side_host->fail("too many points in one chain");
}

/*
 * Phases: build, add the callbacks, signal all, release. Who waits for every point has a reference
 * to each link.
 */
void side_chain(uint64_t ops, const struct side_case *of, double *ns)
{
	unsigned int points = (unsigned int)ops, first = of->all ? 0 : points - 1, i;
	double times[5];

	check_points(ops);
	side_init_members(points);
	times[0] = side_now();
	build_chain(points);
	times[1] = side_now();
	for (i = first; i < points; i++) {
		if (i < points - 1)
			dma_fence_get(links[i]);
		dma_fence_add_callback(links[i], &callbacks[i], side_count_call);
	}
	times[2] = side_now();
	for (i = 0; i < points; i++)
		dma_fence_signal_timestamp(side_member(of->order ? of->order[i] : i),
					   SIDE_SOME_TIME);
	side_wait_called(points - first);
	times[3] = side_now();
	for (i = points; i-- > first;)
		dma_fence_put(links[i]);
	times[4] = side_now();
	for (i = 0; i < 4; i++)
		ns[i] = times[i + 1] - times[i];
	side_check_called(points - first);
	end_chain(points);
}

static void signal_chain(unsigned int points)
{
	unsigned int i;

	for (i = 0; i < points; i++)
		dma_fence_signal_timestamp(side_member(i), SIDE_SOME_TIME);
}

/* From the newest link to the oldest, all of them pending. */
void side_chain_walk(uint64_t ops, const struct side_case *of, double *ns)
{
	unsigned int points = (unsigned int)ops, seen = 0;
	struct dma_fence *link;

	(void)of;
	check_points(ops);
	side_init_members(points);
	build_chain(points);
	*ns = -side_now();
	dma_fence_chain_for_each (link, links[points - 1])
		seen++;
	*ns += side_now();
	if (seen != points)
		side_host->fail("%u of %u points were seen", seen, points);
	signal_chain(points);
	put_chain(points);
	end_chain(points);
}

/* In a chain of so many points, all pending, points at random, and the newest. */
void side_chain_find(uint64_t ops, const struct side_case *of, double *ns)
{
	struct dma_fence *fence;
	uint64_t i, seqno;

	check_points(of->count);
	side_init_members(of->count);
	build_chain(of->count);
	*ns = -side_now();
	for (i = 0; i < ops; i++) {
		seqno = 1 + (of->order ? of->order[i % of->count] : of->count - 1);
		fence = dma_fence_get(links[of->count - 1]);
		if (dma_fence_chain_find_seqno(&fence, seqno) || fence != links[seqno - 1])
			side_host->fail("a point was not found");
		dma_fence_put(fence);
	}
	*ns += side_now();
	signal_chain(of->count);
	put_chain(of->count);
	end_chain(of->count);
}
