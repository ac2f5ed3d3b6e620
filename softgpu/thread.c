/* SPDX-License-Identifier: MIT */
/* Threads: see thread.h. */
#include "thread.h"

#include <signal.h>
#include <stdio.h>

int softgpu_thread_start(pthread_t *thread, const char *name, void *(*func)(void *arg), void *arg)
{
	char short_name[16];
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(thread, NULL, func, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret)
		return -ret;
	snprintf(short_name, sizeof(short_name), "%s", name);
	pthread_setname_np(*thread, short_name);
	return 0;
}
