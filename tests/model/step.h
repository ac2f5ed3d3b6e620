/* SPDX-License-Identifier: MIT */
/*
 * The steps of threads: which outcomes one can have, and what it does.
 *
 * The outcomes of a step are bits of a word. A load can see one of several stores: those are the
 * lowest bits, from the oldest store to the newest. So can a compare-and-swap that fails.
 */
#ifndef TESTS_MODEL_STEP_H
#define TESTS_MODEL_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"
#include "thread.h"

/* Of what is no load: done; and of a sleep: woken. */
#define OUTCOME_DONE	    63
#define OUTCOME_TIMED_OUT   62
#define OUTCOME_INTERRUPTED 61

/*
 * What a step has to do with others at the same place. A LOOK sees a store that is there; as it may
 * see an old one, it can as well be taken before a later store as after it, and does not depend on
 * that. Of two CHANGEs the order counts; that of a SHARED step and an EXCLUSIVE one as well; that of
 * two steps that COUNT sometimes (counters.h).
 */
enum relation {
	LOCAL,
	LOOK,
	CHANGE,
	COUNT,
	SHARED,
	EXCLUSIVE,
};

/* The outcomes that the next step of a thread can have; none while it has to wait. */
uint64_t step_outcomes(struct thread *thread);

enum relation step_relation(const struct thread *thread, unsigned int outcome);

/* Whether a CHANGE stores something that loads can see. */
bool step_stores(const struct thread *thread);

/* Takes the step. Returns false if the thread has not got through it yet: it sleeps now. */
bool step_take(struct thread *thread, unsigned int outcome);

/* Of these outcomes: old values, a time that has run out, an interruption. */
uint64_t step_deviating(const struct thread *thread, uint64_t outcomes);

/* Makes a thread of the scenario, or the one of grace periods. */
void step_begin_thread(struct thread *thread, void (*func)(void));
void step_begin_grace(void);

/* Calls a function after a grace period, on the thread of these. */
void step_defer(void *arg, void (*func)(void *arg), void *pc);

/* Waits until nothing is deferred any more. */
void step_drain(void *pc);

/* Read-side sections, of which only the outermost counts, and waiting for those there are. */
void step_read_lock(void *pc);
void step_read_unlock(void *pc);
void step_synchronize(void *pc);

void step_reset(void);

#endif
