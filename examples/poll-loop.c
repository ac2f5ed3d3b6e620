/* SPDX-License-Identifier: MIT */
/*
 * Waits for several engines in a loop around poll().
 *
 * The engines are threads that count primes; one of them is asked for what it cannot do, and fails.
 * Each job has a fence, and the loop a sync file of each: an fd that is readable when the job is
 * done. How it has ended, and when, is in the fd, too.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dmafence/dmafence.h>

#define ENGINES 4

struct job {
	long limit;
	long primes; /* the engine's, until the fence is signaled */
	struct dma_fence *fence;
	pthread_t thread;
};

static struct job jobs[ENGINES] = {
	{ .limit = 100000 },
	{ .limit = 1000 },
	{ .limit = -1 },
	{ .limit = 10000 },
};

static void *run_engine(void *arg)
{
	struct job *job = arg;
	long n, divisor;

	if (job->limit < 0)
		dma_fence_set_error(job->fence, -EDOM);
	for (n = 2; n < job->limit; n++) {
		for (divisor = 2; divisor * divisor <= n && n % divisor; divisor++)
			;
		job->primes += divisor * divisor > n;
	}
	dma_fence_signal(job->fence);
	dma_fence_put(job->fence);
	return NULL;
}

/* Returns the fd that becomes readable when the engine is done, or -errno. */
static int submit(struct job *job, uint64_t context)
{
	int fd, ret;

	job->fence = malloc(sizeof(*job->fence));
	if (!job->fence)
		return -ENOMEM;
	dma_fence_init(job->fence, NULL, context, 1);
	fd = dma_fence_sync_file_export(job->fence);
	ret = fd < 0 ? fd : -pthread_create(&job->thread, NULL, run_engine, job);
	if (ret) { /* nobody will do the job */
		dma_fence_set_error(job->fence, ret);
		dma_fence_signal(job->fence);
		dma_fence_put(job->fence);
	}
	return ret ? ret : fd;
}

static void tell(const struct job *job, int fd, int64_t begin)
{
	struct dma_fence_sync_file_info info = { .num_fences = 0 };
	int ret = dma_fence_sync_file_get_info(fd, &info);

	if (ret || info.status < 0)
		printf("job %d failed: %s\n", (int)(job - jobs),
		       strerror(ret ? -ret : -info.status));
	else
		printf("job %d: %ld primes below %ld, after %.3f ms\n", (int)(job - jobs),
		       job->primes, job->limit, (double)(info.timestamp_ns - begin) / 1e6);
}

int main(void)
{
	struct pollfd fds[ENGINES];
	struct timespec now;
	int i, left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	for (i = 0; i < ENGINES; i++) {
		fds[i] = (struct pollfd){ .events = POLLIN };
		fds[i].fd = submit(&jobs[i], dma_fence_context_alloc(1));
		if (fds[i].fd < 0) {
			fprintf(stderr, "poll-loop: no engine: %s\n", strerror(-fds[i].fd));
			return 1;
		}
	}
	for (left = ENGINES; left;) {
		if (poll(fds, ENGINES, -1) < 0 && errno != EINTR) {
			perror("poll-loop: poll");
			return 1;
		}
		for (i = 0; i < ENGINES; i++) {
			if (!fds[i].revents)
				continue;
			tell(&jobs[i], fds[i].fd, now.tv_sec * INT64_C(1000000000) + now.tv_nsec);
			close(fds[i].fd);
			fds[i].fd = -1; /* which poll() passes over */
			left--;
		}
	}
	for (i = 0; i < ENGINES; i++)
		pthread_join(jobs[i].thread, NULL);
	return 0;
}
