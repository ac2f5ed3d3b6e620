/* SPDX-License-Identifier: MIT */
/*
 * What jobs are submitted to: of a context, or for the binds of an address space. As many rings as
 * each of its jobs has parts, on as many engines.
 */
#ifndef SOFTGPU_QUEUE_H
#define SOFTGPU_QUEUE_H

#include <pthread.h>

#include "engine.h"

struct queue {
	struct softgpu_device *device;
	char name[64];
	unsigned int width;
	struct ring *rings;
	/* What holds the queue; a job holds that. */
	void *owner;
	void (*put_owner)(void *owner);
	/* 0, or why nothing is taken any more; changes once. */
	int status;
	/* Nor is what was taken done any more. */
	bool over;
	unsigned int hangs;
	/* For fences that stand for all parts. */
	uint64_t context;
	uint64_t seqno;
	/* Who submits: so that the fences in all rings are in the order in which they were made. */
	pthread_mutex_t submit_lock;
};

/* engines: as many as width, of the device. Returns -errno. */
int softgpu_queue_init(struct queue *queue, struct softgpu_device *device, const char *name,
		       unsigned int width, struct engine *const *engines, enum rank rank);
/* All its jobs have ended. */
void softgpu_queue_fini(struct queue *queue);

/* What a submission returns that comes too late: 0, -ECANCELED, -ENODEV. */
int softgpu_queue_status(const struct queue *queue);

/* Whether its jobs only have to be told that they fail. */
bool softgpu_queue_is_over(const struct queue *queue);

/*
 * Takes the submit lock, when there is room for a job in all rings. -EAGAIN if there is none and it
 * is not to wait; or what softgpu_queue_status() returns. Then it is not taken.
 */
int softgpu_queue_lock(struct queue *queue, bool wait);
void softgpu_queue_unlock(struct queue *queue);

/* Takes nothing any more; what it has is still done. */
void softgpu_queue_refuse(struct queue *queue);

void softgpu_queue_cancel(struct queue *queue);

#endif
