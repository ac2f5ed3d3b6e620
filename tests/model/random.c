/* SPDX-License-Identifier: MIT */
/*
 * Random programs, by which the reduction of the search is tested: with it, and without, the same
 * outcomes have to be found.
 */
#include <dmafence/rcu.h>

#include "base/park.h"
#include "model.h"
#include "random.h"

#define VARIABLES 2

static uint32_t variables[VARIABLES];
/* A reference count: of a get and a put it only matters whether that was the last. */
static uint32_t references = 2;
static uint32_t plain;
static unsigned int sections[RANDOM_THREADS]; /* that the thread is in */
static uint32_t outcome[RANDOM_THREADS][RANDOM_STEPS];

static const int load_orders[] = { __ATOMIC_RELAXED, __ATOMIC_ACQUIRE };
static const int store_orders[] = { __ATOMIC_RELAXED, __ATOMIC_RELEASE };
static const int orders[] = { __ATOMIC_RELAXED, __ATOMIC_ACQ_REL };

static void end_section(unsigned int thread)
{
	if (!sections[thread])
		return;
	sections[thread]--;
	dma_fence_rcu_read_unlock();
}

static uint32_t take(unsigned int thread, const struct instruction *what)
{
	uint32_t *p = &variables[what->variable % VARIABLES], expected = what->expected;

	switch (what->kind) {
	case RANDOM_LOAD:
		return __atomic_load_n(p, load_orders[what->strong]);
	case RANDOM_STORE:
		__atomic_store_n(p, what->value, store_orders[what->strong]);
		return 0;
	case RANDOM_ADD:
		return __atomic_fetch_add(p, what->value, orders[what->strong]);
	case RANDOM_EXCHANGE:
		return __atomic_exchange_n(p, what->value, orders[what->strong]);
	case RANDOM_CAS:
		return (__atomic_compare_exchange_n(p, &expected, what->value, false,
						    orders[what->strong], load_orders[what->strong])
				? 100
				: 0) +
		       expected;
	case RANDOM_FENCE:
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		return 0;
	case RANDOM_SLEEP:
		return (uint32_t)-dma_fence_park_wait(p, what->expected, 1);
	case RANDOM_WAKE:
		dma_fence_park_wake(p);
		return 0;
	case RANDOM_GET:
		return __atomic_fetch_add(&references, 1, __ATOMIC_RELAXED) == 0;
	case RANDOM_PUT:
		return __atomic_fetch_sub(&references, 1, __ATOMIC_ACQ_REL) == 1;
	case RANDOM_SECTION:
		dma_fence_rcu_read_lock();
		sections[thread]++;
		return 0;
	case RANDOM_SECTION_END:
		end_section(thread);
		return 0;
	case RANDOM_SYNCHRONIZE:
		if (!sections[thread])
			dma_fence_rcu_synchronize();
		return 0;
	case RANDOM_PLAIN_LOAD:
		return plain;
	case RANDOM_PLAIN_STORE:
		plain = what->value;
		return 0;
	case RANDOM_SLEEP_FOR_EVER:
		return (uint32_t)-dma_fence_park_wait(p, what->expected, INT64_MAX);
	default:
		return 0;
	}
}

static void run_thread(unsigned int thread)
{
	unsigned int i;

	for (i = 0; i < RANDOM_STEPS; i++)
		outcome[thread][i] = take(thread, random_instruction(thread, i));
	while (sections[thread])
		end_section(thread);
}

static void name_variables(void)
{
	model_name(&plain, sizeof(plain), "plain");
}

static void first(void)
{
	run_thread(0);
}

static void second(void)
{
	run_thread(1);
}

static void third(void)
{
	run_thread(2);
}

static void all_ended(void)
{
	uint64_t hash = 0;
	unsigned int t, i;

	for (t = 0; t < RANDOM_THREADS; t++) {
		for (i = 0; i < RANDOM_STEPS; i++)
			hash = hash * UINT64_C(0x9e3779b97f4a7c15) + outcome[t][i] + 1;
	}
	for (i = 0; i < VARIABLES; i++)
		hash = hash * UINT64_C(0x9e3779b97f4a7c15) + variables[i];
	random_outcome(hash);
}

const struct scenario random_program = {
	.name = "random",
	.begin = name_variables,
	.threads = { first, second, third },
	.end = all_ended,
};
