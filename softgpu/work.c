/* SPDX-License-Identifier: MIT */
/* Work: see work.h. */
#include "work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mutants.h"

struct work *softgpu_work_create(struct queue *queue)
{
	const unsigned int width = queue->width;
	struct work *work = calloc(1, sizeof(*work) + width * sizeof(work->jobs[0]));
	unsigned int i;

	if (!work)
		return NULL;
	work->queue = queue;
	work->num_jobs = width;
	for (i = 0; i < width; i++) {
		struct job *job = &work->jobs[i];

		job->work = work;
		job->ring = &queue->rings[i];
		job->index = i;
		job->fence = malloc(sizeof(*job->fence));
		if (!job->fence)
			goto no_memory;
	}
	if (width > 1) {
		work->array = dma_fence_array_alloc();
		work->members = malloc(width * sizeof(struct dma_fence *));
		if (!work->array || !work->members)
			goto no_memory;
	}
	return work;

no_memory:
	softgpu_work_destroy(work);
	return NULL;
}

static void drop_dependencies(struct work *work)
{
	while (work->num_dependencies)
		dma_fence_put(work->dependencies[--work->num_dependencies]);
	free(work->dependencies);
	dma_fence_put(work->merged);
}

static void free_work(struct work *work)
{
	drop_dependencies(work);
	dma_fence_put(work->fence);
	if (work->free_data)
		work->free_data(work->data);
	free(work);
}

void softgpu_work_destroy(struct work *work)
{
	unsigned int i;

	for (i = 0; i < work->num_jobs; i++)
		free(work->jobs[i].fence);
	dma_fence_array_free(work->array);
	free(work->members);
	free_work(work);
}

int softgpu_work_depend(struct work *work, struct dma_fence *fence, bool inherit)
{
	if (work->num_dependencies == work->room) {
		unsigned int room = work->room ? 2 * work->room : 8;
		struct dma_fence **grown =
			realloc(work->dependencies, room * sizeof(struct dma_fence *));

		if (!grown) {
			dma_fence_put(fence);
			return -ENOMEM;
		}
		work->dependencies = grown;
		work->room = room;
	}
	work->dependencies[work->num_dependencies] = fence;
	if (inherit) {
		work->dependencies[work->num_dependencies] =
			work->dependencies[work->num_inherited];
		work->dependencies[work->num_inherited++] = fence;
	}
	work->num_dependencies++;
	return 0;
}

static unsigned int num_pending(const struct work *work, struct dma_fence **last)
{
	unsigned int i, num = 0;

	for (i = 0; i < work->num_dependencies; i++) {
		if (dma_fence_is_signaled(work->dependencies[i]))
			continue;
		*last = work->dependencies[i];
		num++;
	}
	return num;
}

int softgpu_work_prepare(struct work *work)
{
	struct dma_fence *last = NULL;
	unsigned int i, num = num_pending(work, &last);

	for (i = 0; i < work->num_jobs; i++) {
		if (dma_fence_context_reserve(work->jobs[i].ring->timeline, 1))
			return -ENOMEM;
	}
	if (num == 1)
		work->merged = dma_fence_get(last);
	if (num < 2)
		return 0;
	work->merged = dma_fence_unwrap_merge_many(work->num_dependencies, work->dependencies);
	if (!work->merged)
		return -ENOMEM;
	work->is_merge = true;
	return 0;
}

void softgpu_work_emit(struct work *work)
{
	struct queue *queue = work->queue;
	struct softgpu_device_stats *stats = &queue->device->stats;
	unsigned int i;

	for (i = 0; i < work->num_jobs; i++) {
		dma_fence_context_emit(work->jobs[i].ring->timeline, work->jobs[i].fence);
		/*
		 * Nothing else says so: the callback is on what it depends on, and is the driver's.
		 */
		dma_fence_annotate_dependency(work->jobs[i].fence, work->merged);
	}
	work->seqno = ++queue->seqno;
	if (work->array) {
		for (i = 0; i < work->num_jobs; i++)
			work->members[i] = dma_fence_get(work->jobs[i].fence);
		if (MUTANT(ARRAY_OF_THE_FIRST)) {
			for (i = 1; i < work->num_jobs; i++)
				dma_fence_put(work->members[i]);
		}
		dma_fence_array_init(work->array,
				     MUTANT(ARRAY_OF_THE_FIRST) ? 1 : (int)work->num_jobs,
				     work->members, queue->context, work->seqno);
		work->fence = &work->array->base;
		__atomic_fetch_add(&stats->arrays, 1, __ATOMIC_RELAXED);
	} else {
		work->fence = dma_fence_get(work->jobs[0].fence);
	}
	if (work->is_merge)
		__atomic_fetch_add(&stats->merges, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&stats->fences, work->num_jobs, __ATOMIC_RELAXED);
}

/* Of who holds it: its jobs together, and what waits for its dependencies. */
static void put_work(struct work *work)
{
	if (__atomic_sub_fetch(&work->refcount, 1, __ATOMIC_ACQ_REL))
		return;
	free_work(work);
}

static void ready(struct work *work)
{
	unsigned int i;

	__atomic_store_n(&work->ready_ns, clock_now(), __ATOMIC_RELAXED);
	for (i = 0; i < work->num_jobs; i++)
		softgpu_ring_ready(&work->jobs[i]);
}

static void dependencies_signaled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct work *work = (struct work *)((char *)cb - offsetof(struct work, cb));

	(void)fence;
	ready(work);
	put_work(work);
}

/*
 * It waits for what it depends on before an engine has it: a job that is cancelled ends at once,
 * and takes back what waits.
 */
void softgpu_work_start(struct work *work)
{
	const unsigned int num_jobs = work->num_jobs;
	unsigned int i;

	work->submitted_ns = clock_now();
	work->jobs_left = num_jobs;
	/* One for the jobs, one for the callback. */
	work->refcount = 2;
	if (!work->merged ||
	    dma_fence_add_callback(work->merged, &work->cb, dependencies_signaled)) {
		/* Nobody else has it yet. */
		work->refcount = 1;
		work->ready_ns = work->submitted_ns;
		for (i = 0; i < num_jobs; i++)
			work->jobs[i].ready = true;
	}
	/* With the last one it may be gone. */
	for (i = 0; i < num_jobs; i++)
		softgpu_ring_push(&work->jobs[i]);
}

/* The first error, by the order in which they were told. */
static int inherited_error(const struct work *work)
{
	unsigned int i;

	for (i = 0; i < work->num_inherited; i++) {
		int status = dma_fence_get_status(work->dependencies[i]);

		if (status < 0)
			return status;
	}
	return 0;
}

void softgpu_job_run(struct job *job)
{
	struct softgpu_device *device = job->work->queue->device;
	bool cookie = dma_fence_begin_signalling();
	unsigned int busy, most;
	int64_t begun_ns = 0;
	int error;

	error = softgpu_queue_is_over(job->work->queue) ? -ECANCELED : inherited_error(job->work);
	if (!error) {
		begun_ns = clock_now();
		busy = __atomic_add_fetch(&device->busy, 1, __ATOMIC_RELAXED);
		most = __atomic_load_n(&device->stats.max_busy, __ATOMIC_RELAXED);
		while (busy > most &&
		       !__atomic_compare_exchange_n(&device->stats.max_busy, &most, busy, true,
						    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			;
		error = job->work->run(job);
		__atomic_fetch_sub(&device->busy, 1, __ATOMIC_RELAXED);
	}
	softgpu_ring_leave(job, begun_ns && error == -ETIME);
	softgpu_job_end(job, begun_ns, error);
	dma_fence_end_signalling(cookie);
}

static void record(const struct job *job, int64_t begun_ns, int64_t ended_ns, int error)
{
	const struct work *work = job->work;
	struct softgpu_device *device = work->queue->device;
	const struct softgpu_job_record record = {
		.engine = job->ring->engine->index,
		.context_name = work->queue->name,
		.label = work->label,
		.context = job->fence->context,
		.seqno = job->fence->seqno,
		.batch = job->index,
		.submitted_ns = work->submitted_ns,
		.ready_ns = __atomic_load_n(&work->ready_ns, __ATOMIC_RELAXED),
		.begun_ns = begun_ns,
		.ended_ns = ended_ns,
		.error = error,
	};

	device->recorder(device->recorder_arg, &record);
}

/*
 * A job that was stopped counts once, however many of its batches were. Returns true if that is one
 * too many.
 */
static bool count_hang(struct work *work)
{
	struct queue *queue = work->queue;
	struct softgpu_device *device = queue->device;

	if (__atomic_exchange_n(&work->hung, true, __ATOMIC_RELAXED) &&
	    !MUTANT(HANG_FOR_EACH_BATCH))
		return false;
	__atomic_fetch_add(&device->stats.hangs, 1, __ATOMIC_RELAXED);
	if (__atomic_add_fetch(&queue->hangs, 1, __ATOMIC_RELAXED) != device->params.max_hangs)
		return false;
	__atomic_fetch_add(&device->stats.bans, 1, __ATOMIC_RELAXED);
	return !MUTANT(BAN_FORGOTTEN);
}

void softgpu_job_end(struct job *job, int64_t begun_ns, int error)
{
	struct work *work = job->work;
	struct dma_fence *fence = job->fence;
	struct dma_fence_context *timeline = job->ring->timeline;
	void *owner = work->queue->owner;
	void (*put_owner)(void *owner) = work->queue->put_owner;
	/* Not if it was never begun: then that is the error of another one. */
	const bool banned = error == -ETIME && begun_ns && count_hang(work);

	/* Who sees the fence finds the context banned. */
	if (banned)
		softgpu_queue_refuse(work->queue);
	if (work->queue->device->recorder)
		record(job, begun_ns, clock_now(), error);
	if (error)
		dma_fence_set_error(fence, error);
	dma_fence_context_signal_until(timeline, fence->seqno);
	dma_fence_put(fence);
	/* The job's other batches fail after this one: its error is to be that it hung. */
	if (banned)
		softgpu_queue_cancel(work->queue);
	softgpu_ring_release(job);
	if (__atomic_sub_fetch(&work->jobs_left, 1, __ATOMIC_ACQ_REL))
		return;
	/* It was cancelled, perhaps, and what it depended on is pending. */
	if (work->merged && !MUTANT(CALLBACK_LEFT) &&
	    dma_fence_remove_callback(work->merged, &work->cb))
		put_work(work);
	put_work(work);
	put_owner(owner);
}
