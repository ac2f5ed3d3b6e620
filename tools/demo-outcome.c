/* SPDX-License-Identifier: MIT */
#include "demo-outcome.h"

#include <errno.h>
#include <string.h>

#include "commands.h"

static int fail(const char *what)
{
	complain("cannot %s a temporary file: %s", what, strerror(errno));
	return -1;
}

int demo_outcomes_open(FILE **outcomes)
{
	*outcomes = tmpfile();
	return *outcomes ? 0 : fail("create");
}

int demo_outcomes_write(FILE *outcomes, const struct demo_outcome *outcome)
{
	return fwrite(outcome, sizeof(*outcome), 1, outcomes) == 1 ? 0 : fail("write to");
}

int demo_outcomes_rewind(FILE *outcomes)
{
	return fseek(outcomes, 0, SEEK_SET) ? fail("write to") : 0;
}

int demo_outcomes_read(FILE *outcomes, struct demo_outcome *outcome)
{
	return fread(outcome, sizeof(*outcome), 1, outcomes) == 1 ? 0 : fail("read");
}
