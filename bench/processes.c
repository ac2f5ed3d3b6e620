/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "processes.h"

void *bench_new_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		bench_fail("out of memory");
	return memory;
}

pid_t bench_start_process(void *(*func)(void *argument), void *argument)
{
	pid_t parent = getpid(), child = fork();

	if (child < 0)
		bench_fail("cannot start a process: %s", strerror(errno));
	if (child)
		return child;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	func(argument);
	_exit(0);
}

void bench_end_process(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) != child || status)
		bench_fail("the other process has failed");
}
