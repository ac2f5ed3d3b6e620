/* SPDX-License-Identifier: MIT */
/*
 * Linked into each program of 'make coverage', which keeps what has been counted when a program ends
 * by exit(). Children of tests end by _exit(), and keep it, too.
 *
 * A child begins with the counts of its parent, and not without any, as gcc would have it: then those
 * of the handlers of the fork itself would be lost. They are counted twice by that, but what was not
 * run stays so.
 */
#include <sys/syscall.h>
#include <unistd.h>

void __gcov_dump(void);
pid_t __gcov_fork(void);

__attribute__((visibility("hidden"))) pid_t __gcov_fork(void)
{
	return fork();
}

__attribute__((visibility("hidden"))) void _exit(int status)
{
	__gcov_dump();
	for (;;)
		syscall(SYS_exit_group, status);
}
