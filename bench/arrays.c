/* SPDX-License-Identifier: MIT */
#include <malloc.h>
#include <stdlib.h>

#include <dmafence/array.h>
#include <dmafence/rcu.h>

#include "arrays.h"
#include "harness.h"
#include "members.h"
#include "reference-array.h"

#define MEMBERS_PER_ROUND 1024
#define MOST_ARRAYS	  4096

enum kind {
	CLASSICAL,
	OURS,
	KINDS = BENCH_ARRAY_ROWS,
};

/* At which each phase begins, and the last one ends. */
enum moment {
	CREATE,
	ENABLE,
	SIGNAL,
	RELEASE,
	END = BENCH_ARRAY_PHASES,
	MOMENTS,
};

struct round {
	unsigned int arrays;
	unsigned int members; /* of each */
	bool clock;
	int64_t moments[MOMENTS];
};

static struct dma_fence **vectors[MOST_ARRAYS];
static struct dma_fence *arrays[MOST_ARRAYS];
static struct dma_fence_cb callbacks[MOST_ARRAYS];

/* Of all members of a round, array after array. */
static uint32_t signal_order[MOST_ARRAY_MEMBERS];

static void arrange(uint32_t *order, uint32_t first, unsigned int count, enum member_order how)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		order[i] = first + (how == ORDER_REVERSE ? count - 1 - i : i);
	if (how == ORDER_RANDOM)
		bench_shuffle(order, count);
}

static void make_vectors(unsigned int num_arrays, unsigned int members, bool shared)
{
	unsigned int i, j;

	for (i = 0; i < num_arrays; i++) {
		vectors[i] = malloc(members * sizeof(vectors[i][0]));
		if (!vectors[i])
			bench_fail("out of memory");
		for (j = 0; j < members; j++)
			vectors[i][j] = dma_fence_get(bench_member(shared ? j : i * members + j));
	}
}

/* What is timed */

typedef struct dma_fence *create_func(unsigned int num_fences, struct dma_fence **fences);

static inline struct dma_fence *create_ours(unsigned int num_fences, struct dma_fence **fences)
{
	struct dma_fence_array *array = dma_fence_array_create((int)num_fences, fences, 1, 1);

	return array ? &array->base : NULL;
}

static inline struct dma_fence *create_classical(unsigned int num_fences, struct dma_fence **fences)
{
	return reference_array_create(num_fences, fences, 1, 1);
}

static inline __attribute__((always_inline)) void
create_arrays(unsigned int first, unsigned int end, unsigned int members, create_func *create)
{
	unsigned int i;

	for (i = first; i < end; i++) {
		arrays[i] = create(members, vectors[i]);
		if (!arrays[i])
			bench_fail("out of memory");
	}
}

static inline void enable_arrays(unsigned int first, unsigned int end)
{
	unsigned int i;

	for (i = first; i < end; i++)
		dma_fence_add_callback(arrays[i], &callbacks[i], bench_count_call);
}

static inline void signal_members(unsigned int members, bool clock)
{
	unsigned int i;

	if (clock) {
		for (i = 0; i < members; i++)
			dma_fence_signal(bench_member(signal_order[i]));
	} else {
		for (i = 0; i < members; i++)
			dma_fence_signal_timestamp(bench_member(signal_order[i]), SOME_TIME);
	}
}

static inline void put_arrays(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		dma_fence_put(arrays[i]);
}

static inline __attribute__((always_inline)) void run_round(struct round *round,
							    create_func *create)
{
	round->moments[CREATE] = bench_now();
	create_arrays(0, round->arrays, round->members, create);
	round->moments[ENABLE] = bench_now();
	enable_arrays(0, round->arrays);
	round->moments[SIGNAL] = bench_now();
	signal_members(round->arrays * round->members, round->clock);
	round->moments[RELEASE] = bench_now();
	put_arrays(round->arrays);
	round->moments[END] = bench_now();
}

/* Functions of their own, for callgrind. */

static __attribute__((noinline)) void round_ours(struct round *round)
{
	run_round(round, create_ours);
}

static __attribute__((noinline)) void round_classical(struct round *round)
{
	run_round(round, create_classical);
}

/* Around it */

static size_t size_of_array(enum kind kind, unsigned int members)
{
	/* Nearly; it only says when to wait for a grace period. */
	return sizeof(struct dma_fence_array) +
	       (kind == CLASSICAL ? members * (sizeof(struct dma_fence_cb) + sizeof(void *)) : 0);
}

static void sample(struct round *round, enum kind kind)
{
	unsigned int members = round->arrays * round->members;

	bench_init_members(members);
	make_vectors(round->arrays, round->members, false);
	if (kind == OURS)
		round_ours(round);
	else
		round_classical(round);
	/* All callbacks run on this thread, so that they have been called by now or never will. */
	bench_check_called(round->arrays);
	bench_put_members(members);
	bench_deferred(round->arrays * size_of_array(kind, round->members));
}

static double per_member(const struct round *round, enum moment from, enum moment to)
{
	return (double)(round->moments[to] - round->moments[from]) /
	       ((double)round->arrays * round->members);
}

/* Stores the phases one after the other if there are 'rows' for them, or else all in one. */
static void measure(uint64_t ops, double *results, const struct array_case *of, unsigned int rows)
{
	const unsigned int phases = rows / KINDS;
	struct round round = { .clock = of->clock };
	double *samples[BENCH_ARRAY_PHASE_ROWS];
	unsigned int i, row, phase;
	enum kind kind;
	uint64_t rounds, r;

	/* Where -s leaves fewer operations than an array has members it gets fewer members. */
	round.members = ops < of->members ? (unsigned int)ops : of->members;
	round.arrays = round.members < MEMBERS_PER_ROUND ? MEMBERS_PER_ROUND / round.members : 1;
	rounds = ops / ((uint64_t)round.arrays * round.members);
	if (!rounds)
		rounds = 1;
	for (row = 0; row < rows; row++)
		samples[row] = bench_new_samples(rounds);
	for (i = 0; i < round.arrays; i++)
		arrange(&signal_order[i * round.members], i * round.members, round.members,
			of->order);

	for (r = 0; r < rounds; r++) {
		for (kind = 0; kind < KINDS; kind++) {
			sample(&round, kind);
			for (phase = 0; phase < phases; phase++)
				samples[phase * KINDS + kind][r] =
					phases == 1 ? per_member(&round, CREATE, END)
						    : per_member(&round, phase, phase + 1);
		}
	}
	for (row = 0; row < rows; row++) {
		results[row] = bench_median(samples[row], rounds);
		free(samples[row]);
	}
}

void bench_arrays(uint64_t ops, double *results, const void *array_case)
{
	measure(ops, results, array_case, BENCH_ARRAY_ROWS);
}

void bench_array_phases(uint64_t ops, double *results, const void *array_case)
{
	measure(ops, results, array_case, BENCH_ARRAY_PHASE_ROWS);
}

/* Memory */

/*
 * malloc() keeps a few blocks of each size for the thread, and counts them as used whether they are
 * or not: so it takes some arrays, which are not counted, to use these up, and many, to make little
 * of what is left. They all have the same members, which is all the same to them.
 */
#define UNCOUNTED 8

static size_t used_memory(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static double bytes_per_member(unsigned int count, unsigned int members, create_func *create)
{
	const unsigned int all = UNCOUNTED + count;
	unsigned int i;
	size_t bytes;

	/* Nothing must come back meanwhile. */
	dma_fence_rcu_barrier();
	bench_init_members(members);
	make_vectors(all, members, true);
	for (i = 0; i < members; i++)
		signal_order[i] = i;

	create_arrays(0, UNCOUNTED, members, create);
	enable_arrays(0, UNCOUNTED);
	bytes = used_memory();
	create_arrays(UNCOUNTED, all, members, create);
	enable_arrays(UNCOUNTED, all);
	bytes = used_memory() - bytes;

	signal_members(members, false);
	bench_check_called(all);
	put_arrays(all);
	bench_put_members(members);
	dma_fence_rcu_barrier();
	return (double)bytes / ((double)count * members);
}

void bench_array_bytes(uint64_t ops, double *results, const void *array_case)
{
	const struct array_case *of = array_case;
	uint64_t count = ops / of->members;

	if (count > MOST_ARRAYS - UNCOUNTED)
		count = MOST_ARRAYS - UNCOUNTED;
	if (count < UNCOUNTED)
		count = UNCOUNTED;
	results[CLASSICAL] = bytes_per_member((unsigned int)count, of->members, create_classical);
	results[OURS] = bytes_per_member((unsigned int)count, of->members, create_ours);
}
