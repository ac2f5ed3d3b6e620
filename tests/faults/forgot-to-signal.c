/* SPDX-License-Identifier: MIT */
/*
 * The early return that forgets to signal.
 *
 * A worker takes jobs from a queue. For one that is empty it returns early, and with that past the
 * signal. Nothing has crashed, nothing is leaked: somebody waits, that is all.
 *
 * run with: DMA_FENCE_HANG_MS=200
 * says: has been awaited for
 * names: queue_job
 */
#include <pthread.h>
#include <stdlib.h>

#include <dmafence/dmafence.h>

struct job {
	struct dma_fence *fence;
	size_t size;
};

static struct dma_fence_context *encoder;

static void encode(struct job *job)
{
#ifdef CORRECT
	if (!job->size)
		goto done;
done:
#else
	if (!job->size)
		return;
#endif
	dma_fence_signal(job->fence);
}

static void *worker(void *arg)
{
	struct job *jobs = arg;
	int i;

	pthread_setname_np(pthread_self(), "worker");
	for (i = 0; i < 3; i++)
		encode(&jobs[i]);
	return NULL;
}

static struct job queue_job(size_t size)
{
	struct job job = { .fence = malloc(sizeof(struct dma_fence)), .size = size };

	if (!job.fence || dma_fence_context_emit(encoder, job.fence)) /* the fault */
		abort();
	return job;
}

int main(void)
{
	struct job jobs[3];
	pthread_t thread;
	int i;

	encoder = dma_fence_context_create("encoder", "stream 0", NULL, 1);
	for (i = 0; i < 3; i++)
		jobs[i] = queue_job(i < 2 ? 100 : 0);
	if (pthread_create(&thread, NULL, worker, jobs))
		return 1;
	for (i = 0; i < 3; i++)
		dma_fence_wait_timeout(jobs[i].fence, false, 1000000000);
	pthread_join(thread, NULL);
	for (i = 0; i < 3; i++) {
		dma_fence_signal(jobs[i].fence);
		dma_fence_put(jobs[i].fence);
	}
	dma_fence_context_signal_until(encoder, 3);
	dma_fence_context_destroy(encoder);
	return 0;
}
