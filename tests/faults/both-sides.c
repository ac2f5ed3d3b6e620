/* SPDX-License-Identifier: MIT */
/*
 * The lock taken on both sides.
 *
 * A thread holds the lock of a list of buffers while it waits until one of them is idle; the thread
 * that signals takes the same lock first, to count the buffer as idle. One day the one comes while
 * the other waits. Here it does not: the two do it one after the other, on one thread.
 *
 * run with: DMA_FENCE_DEBUG=signalling
 * says: 'list of buffers'
 * names: make_room
 * names: job_done
 */
#include <pthread.h>
#include <stdlib.h>

#include <dmafence/dmafence.h>

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;

static void lock_list(void)
{
	dma_fence_annotate_lock(&list_lock, "list of buffers");
	pthread_mutex_lock(&list_lock);
}

static void unlock_list(void)
{
	pthread_mutex_unlock(&list_lock);
	dma_fence_annotate_unlock(&list_lock);
}

static void make_room(struct dma_fence *fence)
{
	lock_list();
#ifdef CORRECT
	unlock_list();
	dma_fence_wait_timeout(fence, false, 1000000);
#else
	dma_fence_wait_timeout(fence, false, 1000000); /* the fault */
	unlock_list();
#endif
}

static void job_done(struct dma_fence *fence)
{
	bool cookie = dma_fence_begin_signalling();

	lock_list();
	unlock_list();
	dma_fence_signal(fence);
	dma_fence_end_signalling(cookie);
}

int main(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	if (!fence)
		return 1;
	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	make_room(fence);
	job_done(fence);
	dma_fence_put(fence);
	return 0;
}
