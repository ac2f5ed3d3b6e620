/* SPDX-License-Identifier: MIT */
/*
 * The error path that puts once too often.
 *
 * Whoever submits a job holds a reference to its fence until he is done with it. Here the error path
 * of the submission drops that reference, and jumps to where it is dropped again. The second time it
 * is the producer's: the job is running, and when its user drops his, in all innocence, it was the
 * last one.
 *
 * run with: DMA_FENCE_DEBUG=ledger
 * says: lost its last reference before it was signaled
 * blames: a dma_fence_put\(\) too many, most likely
 * then: is signaled now, after its last reference was dropped
 * then: a dma_fence_put\(\) too many, most likely
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <dmafence/dmafence.h>

struct job {
	struct dma_fence fence;
	char result[64];
};

static struct job *running;

/* The driver: holds the reference that dma_fence_init() has made until the job is done. */
static struct job *driver_start(void)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job)
		dma_fence_init(&job->fence, NULL, dma_fence_context_alloc(1), 1);
	running = job;
	return job;
}

static void driver_done(void)
{
	snprintf(running->result, sizeof(running->result), "what the hardware has written");
	dma_fence_signal(&running->fence);
	dma_fence_put(&running->fence);
}

static int add_to_list_of_buffers(unsigned int frame)
{
	return frame < 10 ? 0 : -ENOSPC;
}

/* Stores the fence of the job, with a reference for the caller, also if there was an error. */
static int submit(unsigned int frame, struct dma_fence **out)
{
	struct job *job = driver_start();
	struct dma_fence *fence;
	int ret;

	if (!job)
		return -ENOMEM;
	fence = dma_fence_get(&job->fence);
	*out = dma_fence_get(fence);
	ret = add_to_list_of_buffers(frame);
	if (ret) {
#ifndef CORRECT
		dma_fence_put(fence); /* the fault */
#endif
		goto done;
	}
	puts("submitted");
done:
	dma_fence_put(fence);
	return ret;
}

static void consume(unsigned int frame)
{
	struct dma_fence *fence = NULL;

	submit(frame, &fence);
	dma_fence_enable_signaling(fence);
	dma_fence_put(fence);
}

int main(void)
{
	unsigned int frame;

	for (frame = 1; frame <= 10; frame++) {
		consume(frame);
		driver_done();
	}
	return 0;
}
