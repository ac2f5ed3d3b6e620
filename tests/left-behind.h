/* SPDX-License-Identifier: MIT */
/*
 * Nothing is left behind: the fds of the process and what they point to, its threads, and the
 * memory that it shares are after each case what they were before.
 */
#ifndef TESTS_LEFT_BEHIND_H
#define TESTS_LEFT_BEHIND_H

#include "support.h"
#include "watchdog.h"

/* Looks at what there is. */
void left_behind_begin(void);

/*
 * How many things have been added or have gone since, each told on stdout. What the library's
 * thread has, and the thread, may take a second to go.
 */
int left_behind(void);

/* How many fds and threads the process has. */
int count_fds(void);
int count_threads(void);

#define CASE_SECONDS (60 * PATIENCE)

/* Around each case: no thing is left, and no report was made that the case did not take away. */
static inline int fd_setup(void **state)
{
	catch_setup(state);
	watchdog_begin(CASE_SECONDS);
	left_behind_begin();
	return 0;
}

static inline int fd_teardown(void **state)
{
	assert_int_equal(left_behind(), 0);
	if (caught()->count)
		printf("# reported: %s\n", caught()->last);
	assert_int_equal(caught()->count, 0);
	watchdog_begin(0);
	return catch_teardown(state);
}

#define fd_test(func) cmocka_unit_test_setup_teardown(func, fd_setup, fd_teardown)

#endif
