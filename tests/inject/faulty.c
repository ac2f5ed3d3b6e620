/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faulty.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *run(void *data)
{
	pause();
	return data;
}

static int failed(struct faulty_pair *pair, enum faulty what)
{
	const int error = errno;

	if (what != FAULTY_FD && pair->fds)
		close(pair->fds[0]);
	free(pair->fds);
	if (what != FAULTY_LEAK)
		free(pair->name);
	pair->name = NULL;
	pair->fds = NULL;
	if (what != FAULTY_HALF)
		pair->count--;
	if (what != FAULTY_HANG)
		pthread_mutex_unlock(&lock);
	if (what == FAULTY_LOST_ERROR)
		return 0;
	return what == FAULTY_OTHER_ERROR ? -EINVAL : -error;
}

int faulty_pair_fill(struct faulty_pair *pair, enum faulty what)
{
	pthread_t thread;

	pthread_mutex_lock(&lock);
	pair->count++;
	pair->name = strdup("pair");
	if (!pair->name && what != FAULTY_CRASH)
		return failed(pair, what);
	pair->name[0] = 'P';
	if (what == FAULTY_THREAD && !pthread_create(&thread, NULL, run, NULL))
		pthread_detach(thread);
	pair->fds = calloc(2, sizeof(*pair->fds));
	if (!pair->fds)
		return failed(pair, what);
	pair->fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (pair->fds[0] < 0) {
		free(pair->fds);
		pair->fds = NULL;
		return failed(pair, what);
	}
	pair->fds[1] = fcntl(pair->fds[0], F_DUPFD_CLOEXEC, 0);
	if (pair->fds[1] < 0)
		return failed(pair, what);
	pthread_mutex_unlock(&lock);
	return 0;
}

void faulty_pair_empty(struct faulty_pair *pair)
{
	close(pair->fds[0]);
	close(pair->fds[1]);
	free(pair->fds);
	free(pair->name);
	memset(pair, 0, sizeof(*pair));
}
