/* SPDX-License-Identifier: MIT */
/*
 * The worker that waits for the fence it should signal.
 *
 * A copy engine's worker signals its jobs in order. One of them waits, before it begins, for what it
 * was told to wait for: an array that has the fence of the same job in it.
 *
 * run with: DMA_FENCE_HANG_MS=200
 * says: cycle
 * then: 'copy worker'
 * names: run
 */
#include <pthread.h>
#include <stdlib.h>

#include <dmafence/dmafence.h>

struct job {
	struct dma_fence *fence;
	struct dma_fence *after; /* to be waited for before it begins; NULL */
};

static struct dma_fence_context *copy;

static void run(struct job *job)
{
	if (job->after)
		dma_fence_wait_timeout(job->after, false, 1000000000); /* the fault */
	dma_fence_context_signal_until(copy, job->fence->seqno);
}

static void *worker(void *arg)
{
	struct job *jobs = arg;
	int i;

	pthread_setname_np(pthread_self(), "copy worker");
	for (i = 0; i < 3; i++)
		run(&jobs[i]);
	return NULL;
}

int main(void)
{
	struct dma_fence **members = malloc(2 * sizeof(struct dma_fence *));
	struct dma_fence_array *both;
	struct job jobs[3];
	pthread_t thread;
	int i;

	copy = dma_fence_context_create("copy engine", "ring 0", NULL, 1);
	for (i = 0; i < 3; i++) {
		jobs[i].fence = malloc(sizeof(struct dma_fence));
		jobs[i].after = NULL;
		if (!jobs[i].fence || dma_fence_context_emit(copy, jobs[i].fence))
			return 1;
	}
	members[0] = dma_fence_get(jobs[0].fence);
#ifdef CORRECT
	members[1] = dma_fence_get(jobs[1].fence);
#else
	members[1] = dma_fence_get(jobs[2].fence);
#endif
	both = dma_fence_array_create(2, members, dma_fence_context_alloc(1), 1);
	if (!both)
		return 1;
	jobs[2].after = &both->base;
	if (pthread_create(&thread, NULL, worker, jobs))
		return 1;
	pthread_join(thread, NULL);
	dma_fence_put(&both->base);
	for (i = 0; i < 3; i++)
		dma_fence_put(jobs[i].fence);
	dma_fence_context_destroy(copy);
	return 0;
}
