/* SPDX-License-Identifier: MIT */
/*
 * Chains of many points, one of which is an operation; but of finding it is a call. An operation of
 * a repetition is a point, and what does not fit into one chain goes into another one.
 *
 * No signal reads the clock. Not timed are making the fences of the points, adding what is only
 * needed to hold them, and the grace period after which a link's memory is free.
 */
#ifndef DMAFENCE_BENCH_CHAINS_H
#define DMAFENCE_BENCH_CHAINS_H

#include <stdint.h>

struct chain_case {
	unsigned int points;
};

/**
 * bench_chain_tail - on one chain, one after the other: build it; walk over it; find points at
 * random; add a callback to the newest and signal all in order, until it is called
 */
enum {
	BENCH_CHAIN_BUILD,
	BENCH_CHAIN_WALK,
	BENCH_CHAIN_FIND,
	BENCH_CHAIN_TAIL_SIGNAL,
	BENCH_CHAIN_TAIL_ROWS,
};
void bench_chain_tail(uint64_t ops, double *results, const void *chain_case);

/**
 * bench_chain_in_order, bench_chain_reverse - every point is waited for and held: add a callback to
 * each; signal all, oldest first, or newest first; put all links, which then go
 */
enum {
	BENCH_CHAIN_ENABLE,
	BENCH_CHAIN_SIGNAL,
	BENCH_CHAIN_PUT,
	BENCH_CHAIN_ALL_ROWS,
};
void bench_chain_in_order(uint64_t ops, double *results, const void *chain_case);
void bench_chain_reverse(uint64_t ops, double *results, const void *chain_case);

#endif
