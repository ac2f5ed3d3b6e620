/* SPDX-License-Identifier: MIT */
/* The dmafence command: finds the subcommand. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <dmafence/version.h>

#include "commands.h"

static const struct subcommand {
	const char *name;
	const char *what;
	int (*main)(int argc, char **argv);
} subcommands[] = {
	{ "demo", "pictures through a pipeline of engines, and the proof that none came out wrong",
	  demo_main },
	{ "info", "the library's version and features, and what this machine has for it",
	  info_main },
};

#define NUM_SUBCOMMANDS (sizeof(subcommands) / sizeof(subcommands[0]))

static const struct subcommand *find(const char *name)
{
	size_t i;

	for (i = 0; i < NUM_SUBCOMMANDS; i++) {
		if (!strcmp(subcommands[i].name, name))
			return &subcommands[i];
	}
	return NULL;
}

static void usage(FILE *out)
{
	size_t i;

	fputs("usage: dmafence SUBCOMMAND [OPTION]...\n\n", out);
	for (i = 0; i < NUM_SUBCOMMANDS; i++)
		fprintf(out, "  %-6s  %s\n", subcommands[i].name, subcommands[i].what);
	fputs("  help    this, or the help of a subcommand: dmafence help SUBCOMMAND\n\n"
	      "  -h, --help     this; after a subcommand, its own help\n"
	      "  -V, --version  the version of the library\n\n"
	      "Exit status: 0, all went well; 1, it did not; 2, the command line makes no sense.\n"
	      "See also: man dmafence\n",
	      out);
}

/* How many letters have to be changed, added or taken away, at most. */
static bool is_near(const char *a, const char *b, unsigned int changes)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (!*a && !*b)
		return true;
	if (!changes)
		return false;
	return (*a && is_near(a + 1, b, changes - 1)) || (*b && is_near(a, b + 1, changes - 1)) ||
	       (*a && *b && is_near(a + 1, b + 1, changes - 1));
}

static int unknown(const char *name)
{
	size_t i;

	if (name[0] == '-')
		return misuse("", "there is no option '%s'", name);
	for (i = 0; i < NUM_SUBCOMMANDS; i++) {
		if (is_near(name, subcommands[i].name, 2))
			return misuse("", "there is no subcommand '%s', but there is '%s'", name,
				      subcommands[i].name);
	}
	return misuse("", "there is no subcommand '%s'", name);
}

static int help(const char *name)
{
	static char option[] = "--help";
	const struct subcommand *subcommand;
	char own_name[16];
	char *argv[] = { own_name, option, NULL };

	if (!name || !strcmp(name, "help")) {
		usage(stdout);
		return 0;
	}
	subcommand = find(name);
	if (!subcommand)
		return unknown(name);
	snprintf(own_name, sizeof(own_name), "%s", subcommand->name);
	return subcommand->main(2, argv);
}

static int run(int argc, char **argv)
{
	const char *name = argv[1];
	const struct subcommand *subcommand;

	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	if (!strcmp(name, "-h") || !strcmp(name, "--help"))
		return help(NULL);
	if (!strcmp(name, "-V") || !strcmp(name, "--version")) {
		printf("dmafence %s\n", dma_fence_version());
		return 0;
	}
	if (!strcmp(name, "help"))
		return argc > 3 ? misuse("", "help of one subcommand at a time") : help(argv[2]);
	subcommand = find(name);
	return subcommand ? subcommand->main(argc - 1, argv + 1) : unknown(name);
}

/*
 * Who starts it may have closed the standard files. The next file that is opened would be one of
 * them, and what is said would be written into a video. What takes their places cannot be written
 * to, so that nothing that was not said is taken for said.
 */
static void keep_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	int status;

	keep_standard_files();
	status = run(argc, argv);
	/* What could not be written is not a success. */
	if (fflush(stdout) || ferror(stdout)) {
		int failed = complain("cannot write: %s", strerror(errno));

		return status ? status : failed;
	}
	return status;
}
