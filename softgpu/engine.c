/* SPDX-License-Identifier: MIT */
/* Engines and rings: see engine.h. */
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "mutants.h"
#include "queue.h"
#include "thread.h"
#include "work.h"

/* So that who does nothing, often, is not for nothing. */
#define LEAST_TIME 1000

static const char *const class_names[] = {
	[SOFTGPU_CLASS_COPY] = "copy",
	[SOFTGPU_CLASS_COMPUTE] = "compute",
	[SOFTGPU_CLASS_ENCODE] = "encode",
	[SOFTGPU_CLASS_BIND] = "bind",
};

/* All that follows, up to the thread, is under the engine's lock. */

static bool is_over(const struct ring *ring)
{
	return ring->engine->stopping || softgpu_queue_is_over(ring->queue);
}

static void wake(struct engine *engine)
{
	if (engine->idle) {
		engine->idle = false;
		pthread_cond_signal(&engine->work);
	}
}

static void list_as_ready(struct ring *ring)
{
	struct engine *engine = ring->engine;
	enum rank rank = is_over(ring) ? RANK_OVER : ring->rank;
	struct ring **place = &engine->ready[rank];

	if (ring->used_ns < engine->used_ns[rank])
		ring->used_ns = engine->used_ns[rank];
	while (*place && (*place)->used_ns <= ring->used_ns)
		place = &(*place)->next;
	ring->next = *place;
	*place = ring;
	ring->listed = true;
	ring->listed_rank = rank;
	wake(engine);
}

static void unlist(struct ring *ring)
{
	struct ring **place = &ring->engine->ready[ring->listed_rank];

	if (!ring->listed)
		return;
	while (*place != ring)
		place = &(*place)->next;
	*place = ring->next;
	ring->listed = false;
}

static void look_at_ring(struct ring *ring)
{
	if (!ring->listed && !ring->running && ring->first && (ring->first->ready || is_over(ring)))
		list_as_ready(ring);
}

/* It is over: not to wait for its turn among those of its priority, which may never come. */
static void stop_ring(struct ring *ring)
{
	if (ring->running && !MUTANT(STOP_NOT_SEEN))
		__atomic_store_n(&ring->running->stop, -ECANCELED, __ATOMIC_RELAXED);
	unlist(ring);
	look_at_ring(ring);
}

static struct ring *take_ready(struct engine *engine)
{
	enum rank rank;

	for (rank = 0; rank < NUM_RANKS; rank++) {
		struct ring *ring = engine->ready[rank];

		if (!ring)
			continue;
		engine->ready[rank] = ring->next;
		engine->used_ns[rank] = ring->used_ns;
		ring->listed = false;
		return ring;
	}
	return NULL;
}

static struct job *take_job(struct ring *ring)
{
	struct job *job = ring->first;

	ring->first = job->next;
	if (!ring->first)
		ring->end = &ring->first;
	ring->running = job;
	return job;
}

static void *engine_thread(void *arg)
{
	struct engine *engine = arg;
	struct ring *ring;

	pthread_mutex_lock(&engine->lock);
	for (;;) {
		struct job *job;

		ring = take_ready(engine);
		if (!ring && engine->stopping && !engine->num_dropping)
			break;
		if (!ring) {
			engine->idle = true;
			while (engine->idle)
				pthread_cond_wait(&engine->work, &engine->lock);
			engine->wake_ups++;
			continue;
		}
		job = take_job(ring);
		engine->begun_ns = clock_now();
		pthread_mutex_unlock(&engine->lock);
		softgpu_job_run(job);
		pthread_mutex_lock(&engine->lock);
	}
	engine->ended = true;
	pthread_mutex_unlock(&engine->lock);
	return NULL;
}

static void leave(struct job *job)
{
	struct ring *ring = job->ring;

	ring->engine->jobs++;
	ring->num_jobs--;
	job->done = true;
	pthread_cond_broadcast(&ring->room);
}

void softgpu_ring_leave(struct job *job, bool hung)
{
	struct ring *ring = job->ring;
	struct engine *engine = ring->engine;
	int64_t took;

	pthread_mutex_lock(&engine->lock);
	took = clock_now() - engine->begun_ns;
	ring->used_ns += took < LEAST_TIME || MUTANT(TIME_NOT_COUNTED) ? LEAST_TIME : took;
	engine->busy_ns += took;
	engine->hangs += hung;
	leave(job);
	pthread_mutex_unlock(&engine->lock);
}

void softgpu_ring_release(struct job *job)
{
	struct ring *ring = job->ring;
	struct engine *engine = ring->engine;

	pthread_mutex_lock(&engine->lock);
	if (ring->running == job) {
		ring->running = NULL;
		look_at_ring(ring);
	}
	pthread_mutex_unlock(&engine->lock);
}

void softgpu_engine_init(struct engine *engine, struct softgpu_device *device, unsigned int number)
{
	engine->device = device;
	engine->tile = number % SOFTGPU_NUM_TILES;
	snprintf(engine->name, sizeof(engine->name), "%s %u", class_names[engine->engine_class],
		 number);
	pthread_mutex_init(&engine->lock, NULL);
	pthread_cond_init(&engine->work, NULL);
}

int softgpu_engine_start(struct engine *engine)
{
	return softgpu_thread_start(&engine->thread, engine->name, engine_thread, engine);
}

void softgpu_engine_stop(struct engine *engine)
{
	struct ring *ring;

	pthread_mutex_lock(&engine->lock);
	engine->stopping = true;
	for (ring = engine->rings; ring; ring = ring->other)
		stop_ring(ring);
	engine->idle = false;
	pthread_cond_signal(&engine->work);
	pthread_mutex_unlock(&engine->lock);
}

void softgpu_engine_join(struct engine *engine)
{
	pthread_join(engine->thread, NULL);
}

void softgpu_engine_ask(struct engine *engine, struct softgpu_engine_info *info)
{
	*info = (struct softgpu_engine_info){
		.engine_class = engine->engine_class,
		.tile = engine->tile,
	};
	snprintf(info->name, sizeof(info->name), "%s", engine->name);
	pthread_mutex_lock(&engine->lock);
	info->jobs = engine->jobs;
	info->hangs = engine->hangs;
	info->busy_ns = engine->busy_ns;
	info->wake_ups = engine->wake_ups;
	pthread_mutex_unlock(&engine->lock);
}

void softgpu_engine_fini(struct engine *engine)
{
	pthread_cond_destroy(&engine->work);
	pthread_mutex_destroy(&engine->lock);
}

int softgpu_ring_init(struct ring *ring, struct engine *engine, struct queue *queue,
		      const char *timeline_name)
{
	char name[96];

	snprintf(name, sizeof(name), "%s on %s", timeline_name, engine->name);
	ring->timeline = dma_fence_context_create("softgpu", name, NULL, 1);
	if (!ring->timeline)
		return -ENOMEM;
	ring->engine = engine;
	ring->queue = queue;
	ring->end = &ring->first;
	pthread_cond_init(&ring->room, NULL);
	pthread_mutex_lock(&engine->lock);
	ring->other = engine->rings;
	if (ring->other)
		ring->other->prev = ring;
	engine->rings = ring;
	__atomic_fetch_add(&engine->num_rings, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&engine->lock);
	return 0;
}

void softgpu_ring_fini(struct ring *ring)
{
	struct engine *engine = ring->engine;

	pthread_mutex_lock(&engine->lock);
	*(ring->prev ? &ring->prev->other : &engine->rings) = ring->other;
	if (ring->other)
		ring->other->prev = ring->prev;
	__atomic_fetch_sub(&engine->num_rings, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&engine->lock);
	pthread_cond_destroy(&ring->room);
	dma_fence_context_destroy(ring->timeline);
}

bool softgpu_ring_has_room(struct ring *ring, bool wait)
{
	struct engine *engine = ring->engine;
	bool room;

	pthread_mutex_lock(&engine->lock);
	room = ring->num_jobs < engine->device->params.ring_size || MUTANT(RING_WITHOUT_END);
	while (wait && ring->num_jobs >= engine->device->params.ring_size)
		pthread_cond_wait(&ring->room, &engine->lock);
	pthread_mutex_unlock(&engine->lock);
	return room;
}

/* Returns false if there is nobody left who would do it. */
static bool append(struct job *job)
{
	struct ring *ring = job->ring;
	struct engine *engine = ring->engine;
	bool ended;

	pthread_mutex_lock(&engine->lock);
	ended = engine->ended;
	if (ended) {
		job->done = true;
	} else {
		*ring->end = job;
		ring->end = &job->next;
		ring->num_jobs++;
		look_at_ring(ring);
	}
	pthread_mutex_unlock(&engine->lock);
	return !ended;
}

void softgpu_ring_push(struct job *job)
{
	if (!append(job))
		softgpu_job_end(job, 0, -ECANCELED);
}

void softgpu_ring_ready(struct job *job)
{
	struct engine *engine = job->ring->engine;

	pthread_mutex_lock(&engine->lock);
	if (!job->done) {
		job->ready = true;
		look_at_ring(job->ring);
	}
	pthread_mutex_unlock(&engine->lock);
}

/* Ends the first job of a ring in the place of its engine. The lock is let go of in between. */
static void drop_first(struct ring *ring)
{
	struct engine *engine = ring->engine;
	struct job *job;

	unlist(ring);
	job = take_job(ring);
	leave(job);
	pthread_mutex_unlock(&engine->lock);
	softgpu_job_end(job, 0, -ECANCELED);
	pthread_mutex_lock(&engine->lock);
}

void softgpu_ring_cancel(struct ring *ring)
{
	struct engine *engine = ring->engine;

	pthread_mutex_lock(&engine->lock);
	stop_ring(ring);
	engine->num_dropping++;
	while (ring->first && !ring->running && !MUTANT(CANCELLED_IN_TURN))
		drop_first(ring);
	engine->num_dropping--;
	if (engine->stopping)
		wake(engine);
	pthread_mutex_unlock(&engine->lock);
}
