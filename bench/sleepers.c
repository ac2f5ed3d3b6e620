/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "harness.h"
#include "sleepers.h"

/* Between falling asleep and being woken, for the CPU to get as idle as it will. */
#define ASLEEP_NS 30000

pthread_t bench_start_thread(void *(*func)(void *argument), void *argument)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, func, argument);

	if (error)
		bench_fail("cannot start a thread: %s", strerror(error));
	return thread;
}

int bench_open_state(pid_t process, pid_t thread)
{
	char path[64];
	int state;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", process, thread);
	state = open(path, O_RDONLY | O_CLOEXEC);
	if (state < 0)
		bench_fail("cannot open %s: %s", path, strerror(errno));
	return state;
}

/* The state is the first thing after the name, which is in parentheses and may hold anything. */
static bool asleep(int state)
{
	char text[512], *after;
	ssize_t n = pread(state, text, sizeof(text) - 1, 0);

	if (n < 0)
		bench_fail("cannot read the state of a thread: %s", strerror(errno));
	text[n] = '\0';
	after = strrchr(text, ')');
	return after && after[1] == ' ' && after[2] == 'S';
}

static void spin_for(int64_t ns)
{
	int64_t end = bench_now() + ns;

	while (bench_now() < end)
		cpu_relax();
}

void bench_see_asleep(int state)
{
	do {
		while (!asleep(state))
			;
		spin_for(ASLEEP_NS);
	} while (!asleep(state));
}
