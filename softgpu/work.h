/* SPDX-License-Identifier: MIT */
/*
 * A piece of work: what was submitted at once. It has a job for each ring of its queue, each with a
 * fence, and begins when all that it depends on has signaled.
 *
 *	softgpu_work_create()	allocates all that there will be: fences, and the array for them
 *	softgpu_work_depend()	what it depends on
 *	softgpu_work_prepare()	the last thing that can fail
 *	softgpu_work_emit()	the point of no return: the fences are there now
 *	softgpu_work_start()	hands it to the engines
 */
#ifndef SOFTGPU_WORK_H
#define SOFTGPU_WORK_H

#include "queue.h"

struct work;

struct job {
	struct work *work;
	struct ring *ring;
	struct dma_fence *fence;
	unsigned int index;
	int stop; /* the error with which it is to stop */

	/* Under the engine's lock. */
	struct job *next;
	bool ready;
	bool done;
};

struct work {
	uint32_t refcount;
	uint32_t jobs_left;
	struct queue *queue;
	/* Does a job, on its engine's thread: returns its error. */
	int (*run)(struct job *job);
	/* What that needs to know, and how it is freed. */
	void *data;
	void (*free_data)(void *data);
	int64_t time_limit_ns;
	char label[64];
	int64_t submitted_ns;
	int64_t ready_ns;
	uint64_t seqno;
	bool hung;

	/*
	 * The array, until it is made, and what it is to be made of; for a width of 1 there is
	 * none.
	 */
	struct dma_fence_array *array;
	struct dma_fence **members;
	/* What stands for the whole, once emitted. */
	struct dma_fence *fence;

	/* What it depends on: those of which it has the errors come first. */
	struct dma_fence **dependencies;
	unsigned int num_dependencies, num_inherited, room;
	/* All of it in one, and its callback. */
	struct dma_fence *merged;
	bool is_merge; /* and not the only one that is pending */
	struct dma_fence_cb cb;

	unsigned int num_jobs;
	struct job jobs[];
};

/* NULL: no memory. Holds nothing yet. */
struct work *softgpu_work_create(struct queue *queue);

/* If it was not emitted: what was allocated goes. */
void softgpu_work_destroy(struct work *work);

/* Takes over a reference, in any case; -ENOMEM. With inherit its error is the work's. */
int softgpu_work_depend(struct work *work, struct dma_fence *fence, bool inherit);

int softgpu_work_prepare(struct work *work);

/* Cannot fail. Under the queue's submit lock until it is started. */
void softgpu_work_emit(struct work *work);

/* Gives it away, with a reference to the queue's owner, which is the caller's. */
void softgpu_work_start(struct work *work);

/* On the engine's thread, or whoever takes its place. */
void softgpu_job_run(struct job *job);
void softgpu_job_end(struct job *job, int64_t begun_ns, int error);

#endif
