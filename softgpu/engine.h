/* SPDX-License-Identifier: MIT */
/*
 * Engines and rings.
 *
 * A ring holds the jobs that one context has submitted to one engine, in order, and is bounded. An
 * engine is a thread that takes a job from the head of one of the rings that are ready, does it,
 * and signals its fence. A ring is ready when nothing is left that the job at its head depends on:
 * so an engine never waits for a fence, and one context does not hold up another.
 *
 * Which ring: of those with the highest priority, the one that has used the least time. A ring
 * that comes back after a rest is not owed the time for which it had nothing to do.
 */
#ifndef SOFTGPU_ENGINE_H
#define SOFTGPU_ENGINE_H

#include <pthread.h>

#include <dmafence/dmafence.h>

#include "device.h"

struct job;
struct queue;

/* In the order in which they are served. */
enum rank {
	RANK_OVER, /* of whatever priority, but cancelled: its jobs only have to be told */
	RANK_HIGH,
	RANK_NORMAL,
	RANK_LOW,
	NUM_RANKS,
};

struct ring {
	struct engine *engine;
	struct queue *queue;
	enum rank rank;
	/* What the fences of its jobs are on. */
	struct dma_fence_context *timeline;

	/* The rest under the engine's lock. */
	struct job *first, **end;
	unsigned int num_jobs; /* the one that is being done included */
	pthread_cond_t room;
	struct job *running; /* until its fence has signaled: so those of a ring signal in order */
	int64_t used_ns;
	bool listed;		   /* as ready, */
	enum rank listed_rank;	   /* among those */
	struct ring *next;	   /* of those that are ready */
	struct ring *other, *prev; /* all of the engine */
};

struct engine {
	struct softgpu_device *device;
	unsigned int index;
	enum softgpu_class engine_class;
	unsigned int tile;
	char name[24];
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t work;
	bool idle;
	bool stopping;
	bool ended;		   /* nobody takes anything from the rings any more */
	unsigned int num_dropping; /* threads that are ending jobs of its rings, in its place */
	unsigned int num_rings;	   /* also asked without the lock */
	struct ring *rings;
	struct ring *ready[NUM_RANKS]; /* by the time that they have used */
	int64_t used_ns[NUM_RANKS];    /* by the last one that was taken */
	uint64_t jobs, hangs, wake_ups;
	int64_t busy_ns, begun_ns;
};

/* number: among those of its class. Index and class are there. */
void softgpu_engine_init(struct engine *engine, struct softgpu_device *device, unsigned int number);
/* Starts its thread; -errno. */
int softgpu_engine_start(struct engine *engine);
void softgpu_engine_ask(struct engine *engine, struct softgpu_engine_info *info);
/*
 * Has everything in its rings fail with -ECANCELED, and the thread end: first tell all, then wait.
 */
void softgpu_engine_stop(struct engine *engine);
void softgpu_engine_join(struct engine *engine);
void softgpu_engine_fini(struct engine *engine);

/* For a queue, which has been initialised otherwise. */
int softgpu_ring_init(struct ring *ring, struct engine *engine, struct queue *queue,
		      const char *timeline_name);
void softgpu_ring_fini(struct ring *ring);

/* Whether there was room for another job. To wait: there may be some when it returns. */
bool softgpu_ring_has_room(struct ring *ring, bool wait);

/* The room was asked for, and the caller is the only one who submits. */
void softgpu_ring_push(struct job *job);

/*
 * The job that is being done has come to its end, by itself or because it was stopped; but for the
 * signal. There is room for another then.
 */
void softgpu_ring_leave(struct job *job, bool hung);

/* It has signaled, so that the next one may. Or had never been pushed. */
void softgpu_ring_release(struct job *job);

/* Nothing is left that the job depends on. It may have ended by now, or not been pushed yet. */
void softgpu_ring_ready(struct job *job);

/*
 * The queue was cancelled: what is in the ring is to fail. On the calling thread, for the engine
 * may be busy with the jobs of others; unless one of the ring's own is being done, which is to stop
 * first.
 */
void softgpu_ring_cancel(struct ring *ring);

#endif
