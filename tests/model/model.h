/* SPDX-License-Identifier: MIT */
/*
 * model.h - what a scenario for the exhaustive scheduler is made of
 *
 * A scenario is a small program of two to four threads that use the library. The scheduler runs it
 * again and again, each time in another interleaving of the steps of its threads, and with other
 * values seen by their loads as far as C11 allows, until there are no more; and says in which one
 * something was wrong: a model_assert() that does not hold, threads that all sleep, one that spins
 * for ever, memory used after it was freed, or freed twice, or not freed, a data race, a report of
 * the library's that was not expected.
 *
 * The threads are coroutines; the library is the real one, built with the instrumentation of
 * ThreadSanitizer, whose calls come to the scheduler instead. So is the scenario: its own plain
 * loads and stores are checked for races, which is how it says what has to be ordered before what.
 * A step is one atomic access, with all that the thread does after it up to the next one.
 *
 * Rules. What a scenario does depends on nothing but its threads and model_choose(). Its variables
 * are static or from malloc(): static ones have their first values again in each run, and what
 * malloc() gave has to be freed. No pthreads, no time, no output. Threads are as short as they can
 * be: each step more multiplies the interleavings.
 */
#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_THREADS 4

enum verdict {
	VERDICT_GOOD,
	VERDICT_ASSERTION,	/* a model_assert() does not hold */
	VERDICT_DEADLOCK,	/* all threads sleep, or wait for others who do */
	VERDICT_LIVELOCK,	/* more steps than the bound, or spins on what nobody changes */
	VERDICT_RACE,		/* two accesses, one a store and one not atomic, in no order */
	VERDICT_USE_AFTER_FREE, /* memory that was freed, or a stack frame that was left */
	VERDICT_BAD_FREE,	/* freed twice, or never allocated */
	VERDICT_LEAK,		/* not freed at the end */
	VERDICT_REPORT,		/* the library reported what the scenario does not expect */
	VERDICT_SCHEDULE,	/* a schedule that is none of this scenario */
};

struct scenario {
	const char *name;
	/* runs alone, before the threads; or NULL */
	void (*begin)(void);
	/* as many as are not NULL */
	void (*threads[MODEL_THREADS])(void);
	/* runs alone, after them; or NULL */
	void (*end)(void);
	/* what has to be found; for the tests of the scheduler itself */
	enum verdict expect;
	/* of enum dma_fence_report_reason, 1 << each, what the library may say */
	uint32_t reports;
	/* memory may be left: of a fence in quarantine */
	bool leaks;
	/* malloc() gives out again what was freed before it, by whomever */
	bool reuses;
	/* in each thread, a signal handler may run in one of its sleeps */
	bool interrupts;
	/* who is about to sleep sees to it that somebody watches: fd/watcher.h */
	bool attended;
	/* the library cannot begin a thread */
	bool no_threads;
	/*
	 * 0: every interleaving. Else those with at most so many deviations: a thread that is
	 * interrupted although it could go on is one, a load that sees an old value is one.
	 * In the short form short_bound counts, if it is not 0.
	 */
	unsigned int bound;
	unsigned int short_bound;
};

/* A table of scenarios ends with one without a name. */
extern const struct scenario classic_scenarios[];
extern const struct scenario base_scenarios[];
extern const struct scenario fence_scenarios[];
extern const struct scenario context_scenarios[];
extern const struct scenario array_scenarios[];
extern const struct scenario chain_scenarios[];
extern const struct scenario merge_scenarios[];
extern const struct scenario rcu_scenarios[];
extern const struct scenario resv_scenarios[];
extern const struct scenario look_scenarios[];
extern const struct scenario promise_scenarios[];
extern const struct scenario syncobj_scenarios[];
extern const struct scenario watcher_scenarios[];

/* Ends the run as a failure unless the condition holds. */
#define model_assert(condition) \
	((condition) ? (void)0 : model_failed(#condition, __FILE__, __LINE__))

void model_failed(const char *what, const char *file, int line) __attribute__((noreturn));

/* A number below 'count', each in turn; 'count' is at most 60. */
unsigned int model_choose(unsigned int count);

/* How many times the library has made a report for that reason (enum dma_fence_report_reason). */
unsigned int model_reports(unsigned int reason);

/* What an object is called in a trace. */
void model_name(const void *object, size_t size, const char *name);

#endif
