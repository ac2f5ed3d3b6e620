/* SPDX-License-Identifier: MIT */
/*
 * Allocations of the library that fail when told to, or give out what a test wants. The test is
 * linked with --wrap, so that it is the library's calls, and the test's, that come here.
 */
#ifndef TESTS_FAILING_MALLOC_H
#define TESTS_FAILING_MALLOC_H

#include <stddef.h>

/* Counts down with each allocation; the one that makes it 0 fails. Negative: none does. */
extern int failing_malloc_in;

/* Blocks given out and not yet returned. */
extern long failing_malloc_live;

/* If it is not NULL, what a new block of malloc() is full of. */
extern void *failing_malloc_fill;

/*
 * A block that is kept, as it is, when it is returned: the next malloc() that it is large enough
 * for gets it. The other one says whether it has been returned.
 */
extern void *failing_malloc_watched;
extern int failing_malloc_returned;

/* There is no such block any more. */
void failing_malloc_unwatch(void);

#endif
