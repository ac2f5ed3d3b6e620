/* SPDX-License-Identifier: MIT */
/*
 * What arrays, chains and merges cost: arrays beside the classical array with a callback on each
 * member, chains beside shorter ones, and finding a point beside walking to it.
 */
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <dmafence/fence.h>
#include <dmafence/rcu.h>

#include "arrays.h"
#include "chains.h"
#include "harness.h"
#include "merges.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* What an array may take of the time of a classical one. */
#define ARRAY_LIMIT 0.6

/* What finding a point may take of the time of walking to it. */
#define FIND_LIMIT 0.01

#define MEMBERS_PER_REPETITION 65536

/* So that the largest arrays, one of which is a sample, have a median. */
#define LARGE_ARRAYS_PER_REPETITION 3

static struct bench_variant table[256];
static size_t rows;

static void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		bench_fail("out of memory");
	return memory;
}

/* Appends a line to the table. Of those that are measured together the first one gets the rest. */
static struct bench_variant *add(const char *group, const char *unit, const char *name, ...)
	__attribute__((format(printf, 3, 4)));

static struct bench_variant *add(const char *group, const char *unit, const char *name, ...)
{
	struct bench_variant *variant = &table[rows++];
	char *text;
	va_list args;

	if (rows > LENGTH(table))
		bench_fail("the table is too small");
	va_start(args, name);
	if (vasprintf(&text, name, args) < 0)
		bench_fail("out of memory");
	va_end(args);
	variant->group = group;
	variant->name = text;
	variant->unit = unit;
	return variant;
}

static void compare(struct bench_variant *variant, const struct bench_variant *with, double times)
{
	variant->floor.terms[0].name = with->name;
	variant->floor.terms[0].times = times;
}

/* Arrays */

static const unsigned int array_sizes[] = { 1, 4, 16, 64, 256, 1024, 65536 };
static const char *const order_names[] = { "index", "reverse", "random" };

/* The one that is split into phases. */
#define ARRAY_SIZE_OF_PHASES 1024

static const struct array_case *array_case(unsigned int members, enum member_order order,
					   bool clock)
{
	struct array_case *made = allocate(sizeof(*made));

	made->members = members;
	made->order = order;
	made->clock = clock;
	return made;
}

static void add_arrays(bool clock)
{
	const char *group = clock ? "array" : "no-clock", *suffix = clock ? "" : "-no-clock";
	struct bench_variant *classical, *ours;
	unsigned int members;
	enum member_order order;
	size_t i;

	for (order = 0; order < MEMBER_ORDERS; order++) {
		for (i = 0; i < LENGTH(array_sizes); i++) {
			members = array_sizes[i];
			if (members == 1 && order)
				continue; /* there is but one order */
			classical = add(group, "member", "classical-%u-%s%s", members,
					order_names[order], suffix);
			ours = add(group, "member", "array-%u-%s%s", members, order_names[order],
				   suffix);
			classical->ops = members < MEMBERS_PER_REPETITION
						 ? MEMBERS_PER_REPETITION
						 : LARGE_ARRAYS_PER_REPETITION * members;
			classical->run_together = bench_arrays;
			classical->together = BENCH_ARRAY_ROWS;
			classical->parameters = array_case(members, order, clock);
			ours->ops = classical->ops;
			compare(ours, classical, 1);
			ours->limit = ARRAY_LIMIT;
		}
	}
}

static void add_array_phases(void)
{
	static const char *const names[] = { "create", "enable", "signal", "release" };
	struct bench_variant *classical, *ours;
	size_t i;

	for (i = 0; i < LENGTH(names); i++) {
		classical =
			add("phases", "member", "classical-%u-%s", ARRAY_SIZE_OF_PHASES, names[i]);
		ours = add("phases", "member", "array-%u-%s", ARRAY_SIZE_OF_PHASES, names[i]);
		classical->ops = ours->ops = MEMBERS_PER_REPETITION;
		compare(ours, classical, 1);
		if (!i) {
			classical->run_together = bench_array_phases;
			classical->together = BENCH_ARRAY_PHASE_ROWS;
			classical->parameters =
				array_case(ARRAY_SIZE_OF_PHASES, ORDER_INDEX, false);
		}
	}
}

static void add_array_bytes(void)
{
	struct bench_variant *classical, *ours;
	size_t i;

	for (i = 0; i < LENGTH(array_sizes); i++) {
		classical = add("memory", "member", "classical-%u-bytes", array_sizes[i]);
		ours = add("memory", "member", "array-%u-bytes", array_sizes[i]);
		classical->quantity = ours->quantity = "bytes";
		classical->ops = ours->ops = MEMBERS_PER_REPETITION;
		classical->run_together = bench_array_bytes;
		classical->together = BENCH_ARRAY_ROWS;
		classical->parameters = array_case(array_sizes[i], ORDER_INDEX, false);
		compare(ours, classical, 1);
	}
}

/* Chains */

static const struct chain_case chain_cases[] = { { 10000 }, { 100000 }, { 1000000 } };

#define FEWEST_POINTS_PER_REPETITION 50000

/*
 * Each is compared with the same of the shortest chain: that it is linear shows there. Returns the
 * first of the lines.
 */
static struct bench_variant *
add_chain(const struct chain_case *of, const char *const *names, size_t count,
	  void (*run)(uint64_t ops, double *results, const void *chain_case),
	  const struct bench_variant **shortest)
{
	struct bench_variant *first = &table[rows], *variant;
	size_t i;

	for (i = 0; i < count; i++) {
		variant = add("chain", "point", "chain-%u-%s", of->points, names[i]);
		variant->ops = of->points;
		if (variant->ops < FEWEST_POINTS_PER_REPETITION)
			variant->ops = FEWEST_POINTS_PER_REPETITION;
		if (!i) {
			variant->run_together = run;
			variant->together = (unsigned int)count;
			variant->parameters = of;
		}
		if (of == chain_cases)
			shortest[i] = variant;
		else
			compare(variant, shortest[i], 1);
	}
	return first;
}

static void add_chains(void)
{
	static const char *const tail[] = { [BENCH_CHAIN_BUILD] = "build",
					    [BENCH_CHAIN_WALK] = "walk",
					    [BENCH_CHAIN_FIND] = "find",
					    [BENCH_CHAIN_TAIL_SIGNAL] = "tail-signal" };
	static const char *const in_order[] = { "in-order-enable", "in-order-signal",
						"in-order-put" };
	static const char *const reverse[] = { "reverse-enable", "reverse-signal", "reverse-put" };
	const struct bench_variant *shortest_tail[BENCH_CHAIN_TAIL_ROWS];
	const struct bench_variant *shortest_in_order[BENCH_CHAIN_ALL_ROWS];
	const struct bench_variant *shortest_reverse[BENCH_CHAIN_ALL_ROWS];
	struct bench_variant *first, *find;
	size_t i;

	for (i = 0; i < LENGTH(chain_cases); i++) {
		first = add_chain(&chain_cases[i], tail, LENGTH(tail), bench_chain_tail,
				  shortest_tail);
		find = &first[BENCH_CHAIN_FIND];
		/* A point at random is half way down the chain. */
		compare(find, &first[BENCH_CHAIN_WALK], chain_cases[i].points / 2.0);
		find->unit = "call";
		find->limit = FIND_LIMIT;
		add_chain(&chain_cases[i], in_order, LENGTH(in_order), bench_chain_in_order,
			  shortest_in_order);
		add_chain(&chain_cases[i], reverse, LENGTH(reverse), bench_chain_reverse,
			  shortest_reverse);
	}
}

/* Merges */

static const struct merge_case merge_cases[] = {
	{ 8, false }, { 8, true }, { 64, false }, { 64, true }, { 512, false }, { 512, true },
};

#define MERGED_MEMBERS_PER_REPETITION 32768

static void add_merges(void)
{
	struct bench_variant *merge, *put;
	size_t i;

	for (i = 0; i < LENGTH(merge_cases); i++) {
		const struct merge_case *of = &merge_cases[i];
		const char *contexts = of->same ? "same" : "disjoint";

		merge = add("merge", "merge", "merge-%u-%s", of->contexts, contexts);
		put = add("merge", "merge", "merge-%u-%s-put", of->contexts, contexts);
		merge->ops = put->ops = MERGED_MEMBERS_PER_REPETITION / of->contexts;
		merge->run_together = bench_merge;
		merge->together = BENCH_MERGE_ROWS;
		merge->parameters = of;
	}
}

int main(int argc, char **argv)
{
	/*
	 * Large blocks stay on the heap. Memory that is given back to the system comes back page by
	 * page inside of what is timed; the classical array of many members would look worse.
	 */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);

	/*
	 * The thread that returns memory is started by the first fence that is freed, and inherits
	 * the CPUs that may be used: that must not be the one CPU of the measuring thread.
	 */
	dma_fence_put(dma_fence_allocate_private_stub(1));
	dma_fence_rcu_barrier();

	add_arrays(true);
	add_arrays(false);
	add_array_phases();
	add_chains();
	add_merges();
	add_array_bytes();
	return bench_main(argc, argv, table, rows);
}
