/* SPDX-License-Identifier: MIT */
/* softgpu_context_submit(): from what the caller says to work for the engines. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bo.h"
#include "clock.h"
#include "context.h"
#include "execute.h"
#include "mutants.h"
#include "sync.h"
#include "vm.h"

/* What a job does: copies of the caller's commands. */
struct batches {
	struct softgpu_context *context;
	struct {
		const char *commands;
		size_t size;
	} batch[SOFTGPU_MAX_ENGINES];
	char bytes[];
};

/* Doing it */

struct running {
	struct execution execution; /* first, so that the one is found by the other */
	struct job *job;
	int64_t limit_ns;
	/* Before that it cannot be over its limit. */
	int64_t look_ns;
	/* What counts: the engine's time on a CPU, and for what it slept. */
	int64_t cpu_begun_ns;
	int64_t slept_ns;
};

/* A nap that took longer was not the engine's. */
#define LONGEST_NAP 1000000

static int64_t cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* A limit may be as good as none. */
static int64_t after(int64_t time_ns)
{
	int64_t now = clock_now();

	return time_ns < INT64_MAX - now ? now + time_ns : INT64_MAX;
}

/* A machine that does other things must not make a job hang: its time is only asked for late. */
static int look_at_limit(struct running *running)
{
	int64_t left = running->limit_ns - running->slept_ns;

	left -= cpu_now() - running->cpu_begun_ns;
	if (left <= 0 || MUTANT(TIME_OF_OTHERS_COUNTED))
		return -ETIME;
	running->look_ns = after(left);
	return 0;
}

static int safe_point(struct execution *execution)
{
	struct running *running = (struct running *)execution;
	int stop = __atomic_load_n(&running->job->stop, __ATOMIC_RELAXED);

	if (stop)
		return stop;
	return clock_now() < running->look_ns ? 0 : look_at_limit(running);
}

static int idle(struct execution *execution)
{
	const struct timespec a_little = { .tv_nsec = 50000 };
	struct running *running = (struct running *)execution;
	int ret = safe_point(execution);
	int64_t begin_ns, slept_ns;

	if (!ret) {
		begin_ns = clock_now();
		nanosleep(&a_little, NULL);
		slept_ns = clock_now() - begin_ns;
		running->slept_ns += slept_ns < LONGEST_NAP ? slept_ns : LONGEST_NAP;
	}
	return ret;
}

static void tell_of_fault(struct running *running)
{
	struct softgpu_fault *fault = &running->execution.fault.public;
	const struct job *job = running->job;
	struct softgpu_device *device = job->work->queue->device;

	fault->context = job->work->queue->name;
	fault->seqno = job->work->seqno;
	fault->batch = job->index;
	fault->engine = job->ring->engine->name;
	__atomic_fetch_add(&device->stats.faults, 1, __ATOMIC_RELAXED);
	device->fault_handler(device->fault_arg, fault);
}

static int run(struct job *job)
{
	const struct batches *batches = job->work->data;
	struct running running = {
		.execution = {
			.table = batches->context->vm->tables[job->ring->engine->tile],
			.safe_point = safe_point,
			.idle = idle,
		},
		.job = job,
		.limit_ns = job->work->time_limit_ns,
	};
	int ret;

	if (!batches->batch[job->index].size)
		return 0;
	running.look_ns = after(running.limit_ns);
	running.cpu_begun_ns = cpu_now();
	ret = softgpu_execute(&running.execution, batches->batch[job->index].commands,
			      batches->batch[job->index].size);
	if (ret == -EFAULT)
		tell_of_fault(&running);
	return ret;
}

/* Taking it in */

static int check(const struct softgpu_context *context, const struct softgpu_submission *submission)
{
	const unsigned int flags = SOFTGPU_SUBMIT_NONBLOCK | SOFTGPU_SUBMIT_UNFENCED;
	unsigned int i;

	if (!submission->batches || submission->flags & ~flags || submission->time_limit_ns < 0 ||
	    (submission->num_uses && !submission->uses))
		return -EINVAL;
	for (i = 0; i < submission->num_uses; i++) {
		const struct softgpu_use *use = &submission->uses[i];

		if (!use->bo || use->bo->device != context->queue.device ||
		    (use->overwrite && !use->write))
			return -EINVAL;
	}
	return softgpu_sync_check(&submission->sync);
}

static int check_batch(const struct softgpu_batch *batch)
{
	if (batch->error)
		return batch->error;
	if (batch->size > SOFTGPU_MAX_BATCH_BYTES || (batch->size && !batch->data))
		return -EINVAL;
	return 0;
}

/* What is looked at is the copy: what the caller has may change meanwhile. */
static int copy_batch(struct batches *batches, unsigned int i, const struct softgpu_batch *given,
		      char *to)
{
	if (given->size)
		memcpy(to, given->data, given->size);
	batches->batch[i].commands = to;
	batches->batch[i].size = given->size;
	return softgpu_check_commands(batches->context->engine_class, to, given->size);
}

static int copy_batches(struct softgpu_context *context, const struct softgpu_batch *batches,
			struct batches **copies)
{
	const unsigned int width = context->queue.width;
	struct softgpu_batch given[SOFTGPU_MAX_ENGINES];
	size_t size = 0;
	unsigned int i;
	char *end;
	int ret;

	memcpy(given, batches, width * sizeof(given[0]));
	for (i = 0; i < width; i++) {
		ret = check_batch(&given[i]);
		if (ret)
			return ret;
		size += given[i].size;
	}
	*copies = calloc(1, sizeof(**copies) + size);
	if (!*copies)
		return -ENOMEM;
	(*copies)->context = context;
	end = (*copies)->bytes;
	for (i = 0; i < width; i++) {
		ret = copy_batch(*copies, i, &given[i], end);
		if (ret) {
			free(*copies);
			return ret;
		}
		end += given[i].size;
	}
	return 0;
}

/* Implicit synchronisation, with the reservation objects locked */

/*
 * How a write ended that is over is not to be learnt from the reservation object, nor which one was
 * the last of several.
 */
static int depend_on_last_write(struct work *work, const struct softgpu_use *use)
{
	struct dma_fence *last = use->bo->last_write;

	if (!last || use->overwrite || MUTANT(FAILED_WRITE_FORGOTTEN) ||
	    dma_fence_get_status(last) > 0)
		return 0;
	return softgpu_work_depend(work, dma_fence_get(last), true);
}

static int depend_on_fences(struct work *work, const struct softgpu_use *use)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int ret = 0;

	dma_resv_for_each_fence (&cursor, &use->bo->resv,
				 dma_resv_usage_rw(use->write && !MUTANT(WRITERS_PASS_READERS)),
				 fence) {
		if (dma_fence_is_signaled(fence))
			continue;
		ret = softgpu_work_depend(work, dma_fence_get(fence), MUTANT(ALL_ERRORS_INHERITED));
		if (ret)
			break;
	}
	dma_resv_iter_end(&cursor);
	return ret;
}

static int prepare_use(struct work *work, const struct softgpu_use *use, bool unfenced)
{
	int ret = dma_resv_reserve_fences(&use->bo->resv, work->num_jobs);

	if (!ret && !unfenced)
		ret = depend_on_last_write(work, use);
	if (!ret && !unfenced)
		ret = depend_on_fences(work, use);
	return ret;
}

/* A fence array is no fence of a buffer: what it is made of are. */
static void add_use(const struct work *work, const struct softgpu_use *use)
{
	unsigned int i;

	for (i = 0; i < work->num_jobs; i++)
		dma_resv_add_fence(&use->bo->resv, work->jobs[i].fence,
				   use->write ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ);
	if (use->write) {
		dma_fence_put(use->bo->last_write);
		use->bo->last_write = dma_fence_get(work->fence);
	}
}

/* With all locks: in the end either all of it has happened, or nothing. */
static int submit_locked(struct softgpu_context *context,
			 const struct softgpu_submission *submission, struct work *work)
{
	const bool unfenced = submission->flags & SOFTGPU_SUBMIT_UNFENCED;
	struct promised *promised;
	struct dma_fence *bind;
	unsigned int i;
	int ret;

	for (i = 0; i < submission->num_uses; i++) {
		ret = prepare_use(work, &submission->uses[i], unfenced);
		if (ret)
			return ret;
	}
	/* If it fails the job faults, and that says more. */
	bind = MUTANT(BINDS_PASSED) ? NULL : softgpu_vm_last_bind(context->vm);
	if (bind) {
		ret = softgpu_work_depend(work, bind, false);
		if (ret)
			return ret;
	}
	ret = softgpu_work_prepare(work);
	if (!ret)
		ret = softgpu_sync_promise(&submission->sync, &promised);
	if (ret)
		return ret;

	/* The point of no return. */
	softgpu_work_emit(work);
	for (i = 0; i < submission->num_uses; i++)
		add_use(work, &submission->uses[i]);
	softgpu_sync_keep(&submission->sync, promised, work->fence);
	return 0;
}

static int lock_and_submit(struct softgpu_context *context,
			   const struct softgpu_submission *submission, struct work *work,
			   struct dma_resv **objs)
{
	struct dma_ww_acquire_ctx ctx;
	unsigned int i;
	int ret;

	for (i = 0; i < submission->num_uses; i++)
		objs[i] = &submission->uses[i].bo->resv;
	ret = softgpu_queue_lock(&context->queue, !(submission->flags & SOFTGPU_SUBMIT_NONBLOCK));
	if (ret)
		return ret;
	dma_ww_acquire_init(&ctx);
	ret = dma_resv_lock_many(objs, submission->num_uses, &ctx, 0);
	if (!ret) {
		dma_ww_acquire_done(&ctx);
		ret = submit_locked(context, submission, work);
		dma_resv_unlock_many(objs, submission->num_uses, &ctx);
	}
	dma_ww_acquire_fini(&ctx);
	if (!ret) {
		softgpu_context_get(context);
		__atomic_fetch_add(&context->queue.device->stats.submissions, 1, __ATOMIC_RELAXED);
		softgpu_work_start(work);
	}
	softgpu_queue_unlock(&context->queue);
	return ret;
}

static int create_work(struct softgpu_context *context, const struct softgpu_submission *submission,
		       struct work **created)
{
	struct batches *batches;
	struct work *work;
	int ret = copy_batches(context, submission->batches, &batches);

	if (ret)
		return ret;
	work = softgpu_work_create(&context->queue);
	if (!work) {
		free(batches);
		return -ENOMEM;
	}
	work->run = run;
	work->data = batches;
	work->free_data = free;
	work->time_limit_ns = submission->time_limit_ns
				      ? submission->time_limit_ns
				      : context->queue.device->params.time_limit_ns;
	if (submission->label)
		snprintf(work->label, sizeof(work->label), "%s", submission->label);
	*created = work;
	return 0;
}

int softgpu_context_submit(struct softgpu_context *context,
			   const struct softgpu_submission *submission)
{
	struct dma_resv **objs;
	struct work *work;
	int ret;

	if (!context || !submission)
		return -EINVAL;
	ret = softgpu_queue_status(&context->queue);
	if (!ret)
		ret = check(context, submission);
	if (!ret)
		ret = create_work(context, submission, &work);
	if (ret)
		return ret;
	objs = malloc((submission->num_uses + 1) * sizeof(struct dma_resv *));
	ret = objs ? softgpu_sync_depend(&submission->sync, work) : -ENOMEM;
	if (!ret)
		ret = lock_and_submit(context, submission, work, objs);
	if (ret)
		softgpu_work_destroy(work);
	free(objs);
	return ret;
}
