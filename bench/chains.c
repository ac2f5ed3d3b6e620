/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdlib.h>

#include <dmafence/chain.h>
#include <dmafence/rcu.h>

#include "chains.h"
#include "harness.h"
#include "members.h"

/* Calls of dma_fence_chain_find_seqno() on each chain. */
#define FINDS 2000

#define MOST_ROWS BENCH_CHAIN_TAIL_ROWS

/* Point i + 1 is that of member i. */
static struct dma_fence *links[MOST_MEMBERS];
static struct dma_fence_cb callbacks[MOST_MEMBERS];

/* What is timed; functions of their own, for callgrind. */

static __attribute__((noinline)) void build_chain(unsigned int points)
{
	struct dma_fence *prev = NULL;
	unsigned int i;

	for (i = 0; i < points; i++) {
		struct dma_fence_chain *link = dma_fence_chain_alloc();

		if (!link)
			bench_fail("out of memory");
		dma_fence_chain_init(link, prev, bench_member(i), i + 1);
		prev = links[i] = &link->base;
	}
}

static __attribute__((noinline)) unsigned int walk_chain(struct dma_fence *newest)
{
	struct dma_fence *link;
	unsigned int seen = 0;

	dma_fence_chain_for_each (link, newest)
		seen++;
	return seen;
}

static __attribute__((noinline)) void find_points(struct dma_fence *newest)
{
	uint64_t i, seqno;

	for (i = 0; i < FINDS; i++) {
		struct dma_fence *fence = dma_fence_get(newest);

		seqno = 1 + bench_random(newest->seqno);
		if (dma_fence_chain_find_seqno(&fence, seqno) || !fence || fence->seqno != seqno)
			bench_fail("point %llu was not found", (unsigned long long)seqno);
		dma_fence_put(fence);
	}
}

static __attribute__((noinline)) void wait_for_points(unsigned int first, unsigned int end)
{
	unsigned int i;

	for (i = first; i < end; i++)
		dma_fence_add_callback(links[i], &callbacks[i], bench_count_call);
}

static __attribute__((noinline)) void signal_in_order(unsigned int points)
{
	unsigned int i;

	for (i = 0; i < points; i++)
		dma_fence_signal_timestamp(bench_member(i), SOME_TIME);
}

static __attribute__((noinline)) void signal_in_reverse(unsigned int points)
{
	unsigned int i;

	for (i = points; i > 0; i--)
		dma_fence_signal_timestamp(bench_member(i - 1), SOME_TIME);
}

static __attribute__((noinline)) void put_links(unsigned int points)
{
	unsigned int i;

	for (i = 0; i < points; i++)
		dma_fence_put(links[i]);
}

/* Around it */

static void prepare(unsigned int points)
{
	unsigned int i;

	bench_init_members(points);
	for (i = 0; i < points; i++)
		dma_fence_get(bench_member(i)); /* becomes the link's */
}

static void clean_up(unsigned int points)
{
	bench_put_members(points);
	bench_deferred(points * sizeof(struct dma_fence_chain));
}

static double since(int64_t begin, uint64_t ops)
{
	return (double)(bench_now() - begin) / (double)ops;
}

static void sample_tail(unsigned int points, double *ns)
{
	struct dma_fence *newest;
	unsigned int walked;
	int64_t begin;

	prepare(points);

	begin = bench_now();
	build_chain(points);
	ns[BENCH_CHAIN_BUILD] = since(begin, points);
	newest = links[points - 1];

	begin = bench_now();
	walked = walk_chain(newest);
	ns[BENCH_CHAIN_WALK] = since(begin, points);
	if (walked != points)
		bench_fail("%u of %u links were walked over", walked, points);

	begin = bench_now();
	find_points(newest);
	ns[BENCH_CHAIN_FIND] = since(begin, FINDS);

	begin = bench_now();
	wait_for_points(points - 1, points);
	signal_in_order(points);
	ns[BENCH_CHAIN_TAIL_SIGNAL] = since(begin, points);
	bench_check_called(1);

	dma_fence_put(newest);
	clean_up(points);
}

static void sample_all(unsigned int points, double *ns, bool in_order)
{
	int64_t begin;
	unsigned int i;

	prepare(points);
	build_chain(points);
	/* What is built later has taken the reference to each but the newest. */
	for (i = 0; i + 1 < points; i++)
		dma_fence_get(links[i]);

	begin = bench_now();
	wait_for_points(0, points);
	ns[BENCH_CHAIN_ENABLE] = since(begin, points);

	begin = bench_now();
	if (in_order)
		signal_in_order(points);
	else
		signal_in_reverse(points);
	ns[BENCH_CHAIN_SIGNAL] = since(begin, points);
	bench_check_called(points);

	begin = bench_now();
	put_links(points);
	ns[BENCH_CHAIN_PUT] = since(begin, points);
	clean_up(points);
}

static void sample_in_order(unsigned int points, double *ns)
{
	sample_all(points, ns, true);
}

static void sample_reverse(unsigned int points, double *ns)
{
	sample_all(points, ns, false);
}

static void measure(uint64_t ops, double *results, const struct chain_case *of, unsigned int rows,
		    void (*sample)(unsigned int points, double *ns))
{
	/* Where -s leaves fewer operations than a chain has points it gets fewer points. */
	unsigned int points = ops < of->points ? (unsigned int)ops : of->points, row;
	uint64_t chains = ops / points, i;
	double *samples[MOST_ROWS], ns[MOST_ROWS];

	for (row = 0; row < rows; row++)
		samples[row] = bench_new_samples(chains);
	for (i = 0; i < chains; i++) {
		sample(points, ns);
		for (row = 0; row < rows; row++)
			samples[row][i] = ns[row];
	}
	for (row = 0; row < rows; row++) {
		results[row] = bench_median(samples[row], chains);
		free(samples[row]);
	}
}

void bench_chain_tail(uint64_t ops, double *results, const void *chain_case)
{
	measure(ops, results, chain_case, BENCH_CHAIN_TAIL_ROWS, sample_tail);
}

void bench_chain_in_order(uint64_t ops, double *results, const void *chain_case)
{
	measure(ops, results, chain_case, BENCH_CHAIN_ALL_ROWS, sample_in_order);
}

void bench_chain_reverse(uint64_t ops, double *results, const void *chain_case)
{
	measure(ops, results, chain_case, BENCH_CHAIN_ALL_ROWS, sample_reverse);
}
