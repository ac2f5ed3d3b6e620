/* SPDX-License-Identifier: MIT */
/* The search through the interleavings of a scenario. */
#ifndef TESTS_MODEL_EXPLORE_H
#define TESTS_MODEL_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model.h"
#include "thread.h"

struct result {
	enum verdict verdict;
	uint64_t runs;	     /* interleavings that were run to their end */
	uint64_t redundant;  /* that were given up, for they were the same as others */
	uint32_t steps;	     /* of the longest */
	bool grace;	     /* code ran after grace periods, on a thread of its own */
	unsigned int begun;  /* threads that the library has begun, in the run with the most */
	bool complete;	     /* all there are, within the bound if there is one */
	char what[512];	     /* is wrong */
	char schedule[8192]; /* by which it can be run again */
};

/* Not a bound: all interleavings, with no reduction. */
#define EXPLORE_ALL UINT32_MAX

/*
 * Runs a scenario until something is wrong, or there are no more interleavings, or there were 'most'
 * runs (0: no limit). 'bound' as in struct scenario, or EXPLORE_ALL.
 */
void explore(const struct scenario *scenario, unsigned int bound, uint64_t most,
	     struct result *result);

/* Runs one interleaving, and prints its steps. */
void replay(const struct scenario *scenario, const char *schedule, FILE *out,
	    struct result *result);

/* The current thread takes a step, when it is its turn: its op, which has the outcome then. */
void take_step(void);

/*
 * Another thread begins, beside those of the scenario. It runs up to its first step. False if there
 * are too many.
 */
bool explore_begin_thread(void *(*routine)(void *argument), void *argument);

/* The current thread has ended. */
void thread_finished(void) __attribute__((noreturn));

/* Something is wrong: ends the run. */
void failed(enum verdict verdict, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/* Whether the main thread runs, before all others or after them. */
bool explore_alone(void);

/* What the search went by was wrong: it begins again. */
void explore_anew(void) __attribute__((noreturn));

/* The scenario that runs. */
const struct scenario *explored(void);

/* Not NULL: the steps of this run are printed there. */
extern FILE *trace;

#endif
