/* SPDX-License-Identifier: MIT */
/* A test's own program once more, as another process with another environment. */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include <spawn.h>
#include <sys/wait.h>

#include "support.h"

extern char **environ;

/* A variable, to be set for that process; without a value: not to be there. */
struct variable {
	const char *name;
	const char *value;
};

static inline void set_variable(const struct variable *variable)
{
	if (variable->value)
		setenv(variable->name, variable->value, 1);
	else
		unsetenv(variable->name);
}

/*
 * Starts this program with one argument. What it writes, to stdout and stderr, can be read from
 * *output. Not by fork(): what the library does in a child that goes on is not for this.
 */
static inline pid_t program_start(const char *argument, const struct variable *variables,
				  size_t count, int *output)
{
	char path[] = "/proc/self/exe", name[32];
	char *const arguments[] = { path, name, NULL };
	posix_spawn_file_actions_t actions;
	int fds[2];
	pid_t pid;
	size_t i;

	snprintf(name, sizeof(name), "%s", argument);
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 2);
	posix_spawn_file_actions_addclose(&actions, fds[0]);
	posix_spawn_file_actions_addclose(&actions, fds[1]);
	for (i = 0; i < count; i++)
		set_variable(&variables[i]);
	assert_int_equal(posix_spawn(&pid, path, &actions, NULL, arguments, environ), 0);
	for (i = 0; i < count; i++)
		unsetenv(variables[i].name);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	*output = fds[0];
	return pid;
}

#endif
