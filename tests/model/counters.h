/* SPDX-License-Identifier: MIT */
/*
 * Reference counts.
 *
 * The library asks of a count only whether a reference was the last one. So two steps that count, of
 * two threads, can change places if the count does not get to 0 by the second of them, whatever
 * other threads have done by then: even if each of those has taken it as far down as it ever does.
 * How far that is, is learnt: when a thread takes a count further down than in any run before, the
 * search begins anew. All that a step needs to be known of is how far its own thread has taken the
 * count; so which steps depend on each other is the same in all runs.
 *
 * A word from which 1 is subtracted is taken for a count. It is one like all others if it is
 * accessed in another way, by which its value could be seen. (After a grace period it may be: nobody
 * counts any more.)
 */
#ifndef TESTS_MODEL_COUNTERS_H
#define TESTS_MODEL_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>

#include "thread.h"

/* For another scenario. */
void counters_forget(void);

/* Words that are no counts, as they were found out: for the end of a schedule, and from there. */
void counters_write(char *text, size_t size);
void counters_read(const char *text);

/* For another run. */
void counters_reset(void);

/* Whether the next step of a thread counts. */
bool counters_has(const struct thread *thread);

/* How far its thread has taken the count where that matters: after a put, before a get. */
int32_t counters_level(const struct thread *thread);

/* Whether two steps that count, at these levels, depend on each other. */
bool counters_depend(const void *address, unsigned int thread, int32_t level, unsigned int other,
		     int32_t other_level);

/* A plain store: a new object. */
void counters_begin(const void *address);

/* The next step of a thread is about to be taken. */
void counters_access(const struct thread *thread);

#endif
