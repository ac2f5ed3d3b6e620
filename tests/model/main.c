/* SPDX-License-Identifier: MIT */
/* The command: runs scenarios, hunts mutants, runs one interleaving again. Usage: see usage(). */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"
#include "explore.h"
#include "memory.h"
#include "mutants.h"
#include "random.h"

static const struct group {
	const char *name;
	const struct scenario *scenarios;
} groups[] = {
	{ "classic", classic_scenarios }, { "base", base_scenarios },
	{ "rcu", rcu_scenarios },	  { "fence", fence_scenarios },
	{ "context", context_scenarios }, { "array", array_scenarios },
	{ "merge", merge_scenarios },	  { "chain", chain_scenarios },
	{ "resv", resv_scenarios },	  { "look", look_scenarios },
	{ "promise", promise_scenarios }, { "syncobj", syncobj_scenarios },
	{ "watcher", watcher_scenarios },
};

#define NUM_GROUPS (sizeof(groups) / sizeof(groups[0]))

/* Options */
static bool short_form, unbounded;
static const char *program;

static const char *const verdicts[] = {
	[VERDICT_GOOD] = "nothing wrong",	[VERDICT_ASSERTION] = "assertion",
	[VERDICT_DEADLOCK] = "deadlock",	[VERDICT_LIVELOCK] = "livelock",
	[VERDICT_RACE] = "data race",		[VERDICT_USE_AFTER_FREE] = "use after free",
	[VERDICT_BAD_FREE] = "bad free",	[VERDICT_LEAK] = "leak",
	[VERDICT_REPORT] = "unexpected report", [VERDICT_SCHEDULE] = "wrong schedule",
};

static void usage(void) __attribute__((noreturn));

static void usage(void)
{
	fprintf(stderr,
		"usage: %s [--short | --unbounded] [--mutant NAME] [GROUP | GROUP/SCENARIO]...\n"
		"       %s --list\n"
		"       %s [--mutant NAME] --replay GROUP/SCENARIO SCHEDULE\n"
		"       %s --hunt [MUTANT]...        until a scenario fails, for each mutant\n"
		"       %s --hunt-this               the same, for the library as it was built\n"
		"       %s --random PROGRAMS [SEED]  compares the search with one without "
		"reduction\n",
		program, program, program, program, program, program);
	exit(2);
}

static void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void die(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

static uint64_t number_of(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 10);

	if (!value || *end)
		die("'%s' is not a number above 0", text);
	return value;
}

static double now(void)
{
	struct timespec time;

	environment_clock(&time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static unsigned int num_threads(const struct scenario *scenario)
{
	unsigned int i, count = 0;

	for (i = 0; i < MODEL_THREADS; i++)
		count += scenario->threads[i] != NULL;
	return count;
}

static unsigned int bound_of(const struct scenario *scenario)
{
	if (unbounded)
		return 0;
	return short_form && scenario->short_bound ? scenario->short_bound : scenario->bound;
}

/* Whether a scenario is one of those named; all are if none is. */
static bool wanted(const struct group *group, const struct scenario *scenario, char **names)
{
	const size_t length = strlen(group->name);

	if (!*names)
		return true;
	for (; *names; names++) {
		if (!strcmp(*names, group->name) ||
		    (!strncmp(*names, group->name, length) && (*names)[length] == '/' &&
		     !strcmp(*names + length + 1, scenario->name)))
			return true;
	}
	return false;
}

/* Calls a function for each scenario that is wanted; returns how many there were. */
static unsigned int for_each(char **names, void (*func)(const struct group *group,
							const struct scenario *scenario))
{
	const struct scenario *scenario;
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < NUM_GROUPS; i++) {
		for (scenario = groups[i].scenarios; scenario->name; scenario++) {
			if (!wanted(&groups[i], scenario, names))
				continue;
			count++;
			if (func)
				func(&groups[i], scenario);
		}
	}
	return count;
}

static void list(const struct group *group, const struct scenario *scenario)
{
	printf("%s/%s\n", group->name, scenario->name);
}

/* Running */

static unsigned int number, failures;

static void print_extent(const struct scenario *scenario, const struct result *result,
			 unsigned int bound, double seconds)
{
	const unsigned int others = result->grace + result->begun;
	char added[16] = "";

	if (others)
		snprintf(added, sizeof(added), "+%u", others);
	printf(" # %u%s threads, %" PRIu64 " interleavings, %" PRIu64 " given up, %u steps, ",
	       num_threads(scenario), added, result->runs, result->redundant, result->steps);
	if (result->verdict != VERDICT_GOOD)
		printf("%s", verdicts[result->verdict]);
	else if (!result->complete)
		printf("not complete");
	else if (bound)
		printf("complete up to %u deviations", bound);
	else
		printf("complete");
	printf(", %.2f s\n", seconds);
}

static void print_failure(const struct group *group, const struct scenario *scenario,
			  const struct result *result)
{
	static struct result again;

	printf("# %s: %s\n", verdicts[result->verdict], result->what);
	if (result->verdict == VERDICT_GOOD)
		return;
	replay(scenario, result->schedule, stdout, &again);
	if (again.verdict != result->verdict)
		printf("# run again it is not the same: %s\n", verdicts[again.verdict]);
	printf("# %s\n# again: %s%s%s --replay %s/%s '%s'\n", again.what, program,
	       mutant_name() ? " --mutant " : "", mutant_name() ? mutant_name() : "", group->name,
	       scenario->name, result->schedule);
}

static void run_one(const struct group *group, const struct scenario *scenario)
{
	static struct result result;
	const unsigned int bound = bound_of(scenario);
	const double begin = now();
	bool good;

	explore(scenario, bound, 0, &result);
	good = result.verdict == scenario->expect;
	failures += !good;
	printf("%s %u - %s/%s", good ? "ok" : "not ok", ++number, group->name, scenario->name);
	print_extent(scenario, &result, bound, now() - begin);
	if (!good)
		print_failure(group, scenario, &result);
	fflush(stdout);
}

static void check_names(char **names)
{
	char *one[] = { NULL, NULL };

	for (; *names; names++) {
		one[0] = *names;
		if (!for_each(one, NULL))
			die("there is no scenario '%s'; --list names them", *names);
	}
}

static int run(char **names)
{
	check_names(names);
	printf("1..%u\n", for_each(names, NULL));
	for_each(names, run_one);
	return failures != 0;
}

static const char *again_schedule;
static enum verdict again_verdict;

static void run_again(const struct group *group, const struct scenario *scenario)
{
	static struct result result;

	(void)group;
	replay(scenario, again_schedule, stdout, &result);
	again_verdict = result.verdict;
	printf("%s%s%s\n", verdicts[result.verdict], result.verdict == VERDICT_GOOD ? "" : ": ",
	       result.what);
}

/* Hunting */

/*
 * All scenarios, without a hint: first a little of each, then more, then all there is of the short
 * form. 'name' is for the line that is printed. Returns whether one fails.
 */
static bool hunt(const char *name)
{
	static const uint64_t most[] = { 300, 10000, 100000, 0 };
	static struct result result;
	const double begin = now();
	const struct scenario *scenario;
	uint64_t runs = 0;
	size_t i, round;

	for (round = 0; round < sizeof(most) / sizeof(most[0]); round++) {
		for (i = 0; i < NUM_GROUPS; i++) {
			if (!strcmp(groups[i].name, "classic"))
				continue;
			for (scenario = groups[i].scenarios; scenario->name; scenario++) {
				explore(scenario, bound_of(scenario), most[round], &result);
				runs += result.runs + result.redundant;
				if (result.verdict == VERDICT_GOOD)
					continue;
				printf("ok %u - %s # by %s/%s: %s, after %" PRIu64
				       " interleavings of it, %" PRIu64 " in all, %.2f s\n",
				       ++number, name, groups[i].name, scenario->name,
				       verdicts[result.verdict], result.runs + result.redundant,
				       runs, now() - begin);
				printf("#   %s\n", result.what);
				return true;
			}
		}
	}
	printf("not ok %u - %s # survives %" PRIu64 " interleavings, %.2f s\n", ++number, name,
	       runs, now() - begin);
	return false;
}

static int hunt_mutants(char **names)
{
	unsigned int i, count = 0;
	char **name;

	short_form = true;
	for (name = names; *name; name++) {
		count++;
		if (!mutant_select(*name))
			die("there is no mutant '%s'", *name);
	}
	printf("1..%u\n", count ? count : mutant_count());
	for (i = 0; i < (count ? count : mutant_count()); i++) {
		if (count)
			mutant_select(names[i]);
		else
			mutant_select_number(i);
		failures += !hunt(mutant_name());
		fflush(stdout);
	}
	return failures != 0;
}

int main(int argc, char **argv)
{
	(void)argc;
	program = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	threads_init();
	memory_init();
	environment_init();
	for (argv++; *argv && !strncmp(*argv, "--", 2); argv++) {
		if (!strcmp(*argv, "--short")) {
			short_form = true;
		} else if (!strcmp(*argv, "--unbounded")) {
			unbounded = true;
		} else if (!strcmp(*argv, "--mutant") && argv[1]) {
			if (!mutant_select(*++argv))
				die("there is no mutant '%s'", *argv);
		} else if (!strcmp(*argv, "--list")) {
			check_names(argv + 1);
			for_each(argv + 1, list);
			return 0;
		} else if (!strcmp(*argv, "--replay") && argv[1] && argv[2] && !argv[3]) {
			again_schedule = argv[2];
			argv[2] = NULL;
			if (for_each(argv + 1, NULL) != 1)
				die("'%s' is not one scenario; --list names them", argv[1]);
			for_each(argv + 1, run_again);
			return again_verdict != VERDICT_GOOD;
		} else if (!strcmp(*argv, "--hunt")) {
			return hunt_mutants(argv + 1);
		} else if (!strcmp(*argv, "--hunt-this")) {
			short_form = true;
			return !hunt("this library");
		} else if (!strcmp(*argv, "--random") && argv[1]) {
			return random_check((unsigned int)number_of(argv[1]),
					    argv[2] ? number_of(argv[2]) : 1) != 0;
		} else {
			usage();
		}
	}
	return run(argv);
}
