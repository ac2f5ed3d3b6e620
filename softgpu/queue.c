/* SPDX-License-Identifier: MIT */
/* Queues: see queue.h. */
#include "queue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "mutants.h"

int softgpu_queue_init(struct queue *queue, struct softgpu_device *device, const char *name,
		       unsigned int width, struct engine *const *engines, enum rank rank)
{
	unsigned int i;
	int ret;

	queue->device = device;
	snprintf(queue->name, sizeof(queue->name), "%s", name ? name : "");
	queue->context = dma_fence_context_alloc(1);
	queue->rings = calloc(width, sizeof(*queue->rings));
	if (!queue->rings)
		return -ENOMEM;
	pthread_mutex_init(&queue->submit_lock, NULL);
	for (i = 0; i < width; i++) {
		queue->rings[i].rank = MUTANT(PRIORITY_IGNORED) ? RANK_NORMAL : rank;
		ret = softgpu_ring_init(&queue->rings[i], engines[i], queue, queue->name);
		if (ret) {
			softgpu_queue_fini(queue);
			return ret;
		}
		queue->width = i + 1;
	}
	return 0;
}

void softgpu_queue_fini(struct queue *queue)
{
	while (queue->width)
		softgpu_ring_fini(&queue->rings[--queue->width]);
	pthread_mutex_destroy(&queue->submit_lock);
	free(queue->rings);
}

int softgpu_queue_status(const struct queue *queue)
{
	if (softgpu_device_is_gone(queue->device))
		return -ENODEV;
	return __atomic_load_n(&queue->status, __ATOMIC_ACQUIRE);
}

bool softgpu_queue_is_over(const struct queue *queue)
{
	return softgpu_device_is_gone(queue->device) ||
	       __atomic_load_n(&queue->over, __ATOMIC_ACQUIRE);
}

static struct ring *full_ring(struct queue *queue)
{
	unsigned int i;

	for (i = 0; i < queue->width; i++) {
		if (!softgpu_ring_has_room(&queue->rings[i], false))
			return &queue->rings[i];
	}
	return NULL;
}

int softgpu_queue_lock(struct queue *queue, bool wait)
{
	struct ring *full;
	int status;

	for (;;) {
		pthread_mutex_lock(&queue->submit_lock);
		status = softgpu_queue_status(queue);
		full = status ? NULL : full_ring(queue);
		if (!status && !full)
			return 0;
		pthread_mutex_unlock(&queue->submit_lock);
		if (status)
			return status;
		if (!wait)
			return -EAGAIN;
		softgpu_ring_has_room(full, true);
	}
}

void softgpu_queue_unlock(struct queue *queue)
{
	pthread_mutex_unlock(&queue->submit_lock);
}

void softgpu_queue_refuse(struct queue *queue)
{
	__atomic_store_n(&queue->status, -ECANCELED, __ATOMIC_RELEASE);
}

void softgpu_queue_cancel(struct queue *queue)
{
	unsigned int i;

	softgpu_queue_refuse(queue);
	__atomic_store_n(&queue->over, true, __ATOMIC_RELEASE);
	for (i = 0; i < queue->width; i++)
		softgpu_ring_cancel(&queue->rings[i]);
}
