/* SPDX-License-Identifier: MIT */
/*
 * Runs the subtests of the kernel's own tests of its fences, which are compiled as they are, and
 * gives a verdict on each: it passes if it returns 0 and nothing was warned of meanwhile.
 *
 * usage: subtests [-n times] [part of a name...]
 * In TAP, so that each subtest is counted.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* First, so that the names of the groups are what they are in the tests. */
#include <linux/dma-fence.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-resv.h>

#include "selftest.h" /* the kernel's */

/* So long one may take. The longest waits for five seconds, whatever happens. */
#define SECONDS_EACH 120

static unsigned int passed, failed;
static char running[128];
static char **wanted;

/* A group of the kernel's that is not about fences. */
int __sanitycheck__(void)
{
	return 0;
}

static void ended_badly(int sig)
{
	/* Nothing is right any more, but it is known where. */
	dprintf(STDOUT_FILENO, "not ok %u - %s\n# %s\n", passed + failed + 1, running,
		sig == SIGALRM ? "did not end" : strsignal(sig));
	_exit(1);
}

static bool is_wanted(const char *name)
{
	char **part;

	for (part = wanted; *part; part++) {
		if (strstr(name, *part))
			return true;
	}
	return part == wanted;
}

static void verdict(const char *name, int ret, int warned)
{
	const bool good = !ret && !warned;

	if (good)
		passed++;
	else
		failed++;
	printf("%s %u - %s\n", good ? "ok" : "not ok", passed + failed, name);
	if (ret)
		printf("# returned %d\n", ret);
	if (warned)
		printf("# warned of %d times\n", warned);
}

/* Called by each group with its subtests. */
int __subtests(const char *caller, const struct subtest *subtest, int count, void *data)
{
	const char *prefix = "linux_";
	int warned, ret;

	/* Some names mean something else here, and __func__ with them. */
	if (!strncmp(caller, prefix, strlen(prefix)))
		caller += strlen(prefix);
	for (; count--; subtest++) {
		/* The group of reservation objects runs once for each usage. */
		snprintf(running, sizeof(running), "%s/%s", caller, subtest->name);
		if (!strcmp(caller, "dma_resv"))
			snprintf(running, sizeof(running), "%s/%s, usage %lu", caller,
				 subtest->name, (unsigned long)data);
		if (!is_wanted(running))
			continue;
		warned = READ_ONCE(linux_warn_count);
		alarm(SECONDS_EACH);
		ret = subtest->func(data);
		alarm(0);
		verdict(running, ret, READ_ONCE(linux_warn_count) - warned);
	}
	return 0;
}

static void run_group(const char *name, int (*group)(void))
{
	const unsigned int before = failed;
	int warned, ret;

	warned = READ_ONCE(linux_warn_count);
	ret = group();
	warned = READ_ONCE(linux_warn_count) - warned;
	/* A cache that still has objects in use, say. */
	if (ret || (warned && failed == before)) {
		snprintf(running, sizeof(running), "%s, beside its subtests", name);
		verdict(running, ret, warned);
	}
}

int main(int argc, char **argv)
{
	int option, times = 1;

	while ((option = getopt(argc, argv, "n:")) != -1) {
		if (option != 'n' || (times = atoi(optarg)) < 1) {
			fprintf(stderr, "usage: %s [-n times] [part of a name...]\n", argv[0]);
			return 2;
		}
	}
	wanted = argv + optind;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGALRM, ended_badly);
	signal(SIGABRT, ended_badly);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	signal(SIGSEGV, ended_badly);
	signal(SIGBUS, ended_badly);
#endif
	while (times--) {
#define selftest(name, function) run_group(#name, function);
#include "selftests.h"
#undef selftest
	}
	printf("1..%u\n", passed + failed);
	return failed || !passed;
}
