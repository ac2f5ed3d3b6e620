/* SPDX-License-Identifier: MIT */
/* The subcommands: each a main() of its own, which returns the exit status. */
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

/* argv[0] is the name of the subcommand. */
int demo_main(int argc, char **argv);
int info_main(int argc, char **argv);

/*
 * "dmafence: " and a line on stderr, without a newline in it. Returns 1, the exit status: what was
 * asked for could not be done, or came out wrong.
 */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for a command line that makes no sense; says where help is to be had. Returns 2. */
int misuse(const char *subcommand, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
