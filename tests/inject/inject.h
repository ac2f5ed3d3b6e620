/* SPDX-License-Identifier: MIT */
/*
 * Failure injection: each call of calls.h that a library makes, failed once.
 *
 * A test program is linked a second time, with the library's objects in which each of those calls
 * is one of ours (generate.py): so it is the library's calls that fail, on whatever thread, and not
 * those of the test or of cmocka. Run as it is, that program is the test. With INJECT in the
 * environment it runs each case of the test in a process of its own: twice as it is, to list the
 * calls, and then once for each of them, which fails.
 *
 * A call is known by its way: where it was made, and by whom, up to the test; and by how many had
 * come this way before. That is more than its number where there are threads.
 *
 * The functions that the test calls are wrapped, too (generate.py). One that returns the error of
 * the call that was failed in it is called again: nothing may have been changed by the first one,
 * and so all that the test asserts has to hold. Afterwards there may be no more memory, fds,
 * threads, and fences in quarantine than without a failure.
 *
 * For each failure a line of words, with tabs between them: the case, what was called, the error,
 * what came of it, details, and the way, as addresses. What comes of it:
 *   refused      a function said the error, and did it the second time
 *   absorbed     no function said so, and nothing else was to be seen
 *   not-reached  it did not come to this call again
 *   failed       the case fails; 'details' says whether a function said the error before
 *   crashed, hung, leaked
 *
 * The environment:
 *   INJECT=all      all that come by a way, if there are no more than MANY; else the first FEW
 *   INJECT=each     the first one that each place in the library makes in this program
 *   INJECT_CASE     only the cases that this pattern matches
 *   INJECT_WAY      only the ways whose number this is, as in the details, with all output
 *   INJECT_LASTS    after how many seconds, and ten times those that it takes, a case hangs; a quarter
 *                   of it, if that is less than 2 s, is waited for what is to go by itself
 *   INJECT_SECONDS  how long it goes on; what is left then is counted in the last line
 */
#ifndef TESTS_INJECT_INJECT_H
#define TESTS_INJECT_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calls.h"

enum inject_call {
#define CALL(name, error) INJECT_##name,
	INJECT_CALLS(CALL)
#undef CALL
		INJECT_COUNT
};

/* Whether this call, from a place in the library, is to fail: then errno is what it fails with. */
bool inject_fails(enum inject_call call, const void *place);

/* What a function that the test calls knows of failures in it, and only in it. */
struct inject_frame {
	int error_before;
	int errno_before;
};

void inject_enter(struct inject_frame *frame);

/*
 * Whether the function is to be called again, because it returned the error of a failure. 'error'
 * is what it returned, above 0, or 0.
 */
bool inject_refused(struct inject_frame *frame, int error);

/* Whose memory is allocated next on this thread, instead of the place that calls malloc(). */
void inject_memory_of(const void *place);

/* Memory that was allocated in a place, less what was freed. */
struct inject_place {
	const void *place;
	long blocks;
};

#define INJECT_PLACES 4096

/* By the place's hash; what is NULL is free. */
extern struct inject_place inject_memory[INJECT_PLACES];

#endif
