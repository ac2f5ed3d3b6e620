/* SPDX-License-Identifier: MIT */
/* A test that passes whatever is wrong, as long as nothing fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "faulty.h"

static void fills(void **state)
{
	const char *what = getenv("FAULTY");
	struct faulty_pair pair = { 0 };

	(void)state;
	assert_int_equal(faulty_pair_fill(&pair, what ? atoi(what) : FAULTY_NOTHING), 0);
	assert_string_equal(pair.name, "Pair");
	assert_int_not_equal(pair.fds[0], pair.fds[1]);
	assert_int_equal(pair.count, 1);
	faulty_pair_empty(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(fills) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
