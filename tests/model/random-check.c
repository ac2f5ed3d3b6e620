/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"
#include "random.h"

static struct instruction program[RANDOM_THREADS][RANDOM_STEPS];

/* Of one program, in the order of the numbers. */
#define MAX_OUTCOMES 65536

struct outcomes {
	uint64_t hashes[MAX_OUTCOMES];
	unsigned int count;
};

static struct outcomes found[2], *finding;

const struct instruction *random_instruction(unsigned int thread, unsigned int step)
{
	return &program[thread][step];
}

void random_outcome(uint64_t hash)
{
	unsigned int low = 0, high = finding->count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (finding->hashes[middle] < hash)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < finding->count && finding->hashes[low] == hash)
		return;
	if (finding->count == MAX_OUTCOMES) {
		fprintf(stderr, "a random program has more than %d outcomes\n", MAX_OUTCOMES);
		exit(2);
	}
	memmove(&finding->hashes[low + 1], &finding->hashes[low],
		(finding->count - low) * sizeof(uint64_t));
	finding->hashes[low] = hash;
	finding->count++;
}

static uint64_t state;

static uint32_t random_below(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % limit;
}

#define KIND(name) (1u << RANDOM_##name)
#define ATOMICS	   (KIND(LOAD) | KIND(STORE) | KIND(ADD) | KIND(EXCHANGE) | KIND(CAS))

/* A program has steps of one of these, so that they meet. */
static const uint32_t sets[] = {
	ATOMICS | KIND(FENCE),
	KIND(STORE) | KIND(ADD) | KIND(SLEEP) | KIND(SLEEP_FOR_EVER) | KIND(WAKE),
	KIND(GET) | KIND(PUT) | KIND(LOAD) | KIND(STORE) | KIND(PLAIN_LOAD) | KIND(PLAIN_STORE),
	KIND(SECTION) | KIND(SECTION_END) | KIND(SYNCHRONIZE) | KIND(LOAD) | KIND(STORE),
	KIND(NOTHING) - 1,
};

#define NUM_SETS (sizeof(sets) / sizeof(sets[0]))

static enum random_kind random_kind(uint32_t set)
{
	enum random_kind kind;

	do {
		kind = random_below(RANDOM_NOTHING);
	} while (!(set >> kind & 1));
	return kind;
}

static void make_program(uint64_t seed)
{
	/* 4 + 4, 2 + 2 + 2 or 3 + 3 + 2 steps */
	static const unsigned int steps[3][RANDOM_THREADS] = { { 4, 4 }, { 2, 2, 2 }, { 3, 3, 2 } };
	unsigned int t, i;

	state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (i = 0; i < 8; i++)
		random_below(2);
	for (t = 0; t < RANDOM_THREADS; t++) {
		for (i = 0; i < RANDOM_STEPS; i++) {
			program[t][i] = (struct instruction){
				.kind = i < steps[seed / NUM_SETS % 3][t]
						? random_kind(sets[seed % NUM_SETS])
						: RANDOM_NOTHING,
				.variable = random_below(2),
				.strong = random_below(2),
				.value = 1 + random_below(2),
				.expected = random_below(3),
			};
		}
	}
}

static void print_program(uint64_t seed)
{
	static const char *const kinds[] = {
		"load",		  "store",	 "add",		"exchange",   "cas",
		"fence",	  "sleep",	 "wake",	"get",	      "put",
		"section",	  "section_end", "synchronize", "plain_load", "plain_store",
		"sleep_for_ever", "nothing",
	};
	unsigned int t, i;

	printf("program %" PRIu64 ":", seed);
	for (t = 0; t < RANDOM_THREADS; t++) {
		printf("%s", t ? " |" : "");
		for (i = 0; i < RANDOM_STEPS; i++) {
			const struct instruction *what = &program[t][i];

			if (what->kind != RANDOM_NOTHING)
				printf(" %s(%c, %s, %u, %u)", kinds[what->kind],
				       what->variable ? 'y' : 'x',
				       what->strong ? "strong" : "relaxed", what->value,
				       what->expected);
		}
	}
	printf("\n");
}

unsigned int random_check(unsigned int programs, uint64_t seed)
{
	static struct result result[2];
	unsigned int i, differ = 0, way;
	uint64_t runs[2] = { 0 }, redundant = 0;

	for (i = 0; i < programs; i++) {
		make_program(seed + i);
		for (way = 0; way < 2; way++) {
			finding = &found[way];
			finding->count = 0;
			explore(&random_program, way ? EXPLORE_ALL : 0, 0, &result[way]);
			runs[way] += result[way].runs;
		}
		redundant += result[0].redundant;
		/* Where something is wrong the search ends, and what is wrong has to be the same. */
		if (result[0].verdict != VERDICT_GOOD && result[0].verdict == result[1].verdict)
			continue;
		if (result[0].verdict == result[1].verdict && found[0].count == found[1].count &&
		    !memcmp(found[0].hashes, found[1].hashes, found[0].count * sizeof(uint64_t)))
			continue;
		differ++;
		print_program(seed + i);
		printf("  %u outcomes with the reduction, %u without; %s, %s\n", found[0].count,
		       found[1].count, result[0].what, result[1].what);
	}
	printf("# %u random programs: %" PRIu64 " runs with the reduction and %" PRIu64
	       " given up, %" PRIu64 " without it\n",
	       programs, runs[0], redundant, runs[1]);
	return differ;
}
