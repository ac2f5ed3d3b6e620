/* SPDX-License-Identifier: MIT */
/*
 * Allocations of the library that fail when told to. The test is linked with --wrap, so that it is
 * the library's calls, and the test's, that come here.
 */
#ifndef TESTS_FAILING_MALLOC_H
#define TESTS_FAILING_MALLOC_H

#include <stddef.h>

/* Counts down with each allocation; the one that makes it 0 fails. Negative: none does. */
extern int failing_malloc_in;

/* Blocks given out and not yet returned. */
extern long failing_malloc_live;

#endif
