/* SPDX-License-Identifier: MIT */
#include "demo-pipeline.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "demo-outcome.h"
#include "demo-overlap.h"
#include "interrupt.h"

/* Of a job that is known to hang. */
#define HANG_LIMIT_NS INT64_C(300000000)

static const char *const context_names[SOFTGPU_NUM_CLASSES] = {
	[SOFTGPU_CLASS_COPY] = "upload",
	[SOFTGPU_CLASS_COMPUTE] = "filter",
	[SOFTGPU_CLASS_ENCODE] = "encode",
};

static struct demo_flight *flight_of(struct demo_pipeline *pipeline, uint64_t frame)
{
	return &pipeline->flights[frame % pipeline->pool->num_slots];
}

static int create_context(struct demo_pipeline *pipeline, unsigned int slot,
			  enum softgpu_class engine_class)
{
	char name[32];
	struct softgpu_context_params params = {
		.engine_class = engine_class,
		.width = engine_class == SOFTGPU_CLASS_COMPUTE ? pipeline->options->bands : 1,
		.name = name,
	};
	struct softgpu_context **context = &pipeline->flights[slot].contexts[engine_class];

	snprintf(name, sizeof(name), "%s %u", context_names[engine_class], slot);
	softgpu_context_put(*context);
	*context = softgpu_context_create(pipeline->pool->vm, &params);
	return *context ? 0 : -errno;
}

static int create_contexts(struct demo_pipeline *pipeline)
{
	enum softgpu_class engine_class;
	unsigned int slot;
	int ret;

	for (slot = 0; slot < pipeline->pool->num_slots; slot++) {
		pipeline->flights[slot].fd = -1;
		for (engine_class = 0; engine_class < SOFTGPU_CLASS_BIND; engine_class++) {
			ret = create_context(pipeline, slot, engine_class);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static void destroy_contexts(struct demo_pipeline *pipeline)
{
	enum softgpu_class engine_class;
	unsigned int slot;

	for (slot = 0; slot < pipeline->pool->num_slots; slot++) {
		struct demo_flight *flight = &pipeline->flights[slot];

		for (engine_class = 0; engine_class < SOFTGPU_CLASS_BIND; engine_class++)
			softgpu_context_put(flight->contexts[engine_class]);
		if (flight->fd >= 0)
			close(flight->fd);
	}
}

/* What was asked for to go wrong. */
static void inject(struct demo_pipeline *pipeline, enum demo_stage stage, struct demo_job *job,
		   struct softgpu_submission *submission)
{
	const struct demo_options *options = pipeline->options;
	uint64_t frame = pipeline->submitted;

	if (stage == DEMO_BLUR && demo_injected_has(&options->hangs, frame)) {
		softgpu_cmd_hang(&job->batches[0]);
		submission->time_limit_ns = HANG_LIMIT_NS;
	}
	if (stage == DEMO_SHARPEN && demo_injected_has(&options->faults, frame)) {
		const struct demo_buffer *buffer =
			demo_pool_buffer(pipeline->pool, frame, job->writes);

		softgpu_cmd_fill(&job->batches[job->num_batches - 1],
				 buffer->address + softgpu_bo_size(buffer->bo), 4, 0);
	}
}

/* A context that was banned for its hangs is replaced: that is what a program does that goes on. */
static int submit(struct demo_pipeline *pipeline, enum softgpu_class engine_class,
		  const struct softgpu_submission *submission)
{
	unsigned int slot = (unsigned int)(pipeline->submitted % pipeline->pool->num_slots);
	struct softgpu_context **context = &pipeline->flights[slot].contexts[engine_class];
	int ret = softgpu_context_submit(*context, submission);

	if (ret != -ECANCELED)
		return ret;
	demo_progress_clear(pipeline->progress);
	complain("context \"%s %u\" was banned; another one goes on", context_names[engine_class],
		 slot);
	ret = create_context(pipeline, slot, engine_class);
	return ret ? ret : softgpu_context_submit(*context, submission);
}

static int submit_stage(struct demo_pipeline *pipeline, enum demo_stage stage,
			const uint64_t *addresses)
{
	uint64_t frame = pipeline->submitted;
	struct softgpu_out_fence out = {
		.type = SOFTGPU_SYNC_FILE,
		.fd = &flight_of(pipeline, frame)->fd,
	};
	struct softgpu_use uses[2];
	char label[48];
	struct demo_job job;
	struct softgpu_submission submission = {
		.batches = job.batches,
		.uses = uses,
		.num_uses = 2,
		.sync = { .out = &out, .num_out = stage == DEMO_ENCODE },
		.flags = pipeline->options->no_fences ? SOFTGPU_SUBMIT_UNFENCED : 0,
		.label = label,
	};
	int ret;

	demo_overlap_label(label, sizeof(label), frame, demo_stage_name(stage));
	demo_job_make(&job, pipeline->plan, stage, frame, addresses, pipeline->options->bands);
	uses[0] = (struct softgpu_use){
		.bo = demo_pool_buffer(pipeline->pool, frame, job.reads)->bo,
	};
	uses[1] = (struct softgpu_use){
		.bo = demo_pool_buffer(pipeline->pool, frame, job.writes)->bo,
		.write = true,
		.overwrite = !job.updates,
	};
	inject(pipeline, stage, &job, &submission);
	ret = submit(pipeline, demo_stage_class(stage), &submission);
	demo_job_fini(&job);
	return ret;
}

static int submit_frame(struct demo_pipeline *pipeline)
{
	uint64_t addresses[DEMO_NUM_ROLES];
	enum demo_stage stage;
	int ret = 0;

	demo_pool_addresses(pipeline->pool, pipeline->submitted, addresses);
	for (stage = 0; !ret && stage < DEMO_NUM_STAGES; stage++) {
		if (demo_plan_has(pipeline->plan, stage))
			ret = submit_stage(pipeline, stage, addresses);
	}
	if (!ret)
		return 0;
	complain("cannot submit frame %llu: %s", (unsigned long long)pipeline->submitted,
		 strerror(-ret));
	return -1;
}

/*
 * Reads the next frame into its slot, which is free, and submits it. Returns 1, 0 at the end, -1.
 */
static int begin_frame(struct demo_pipeline *pipeline)
{
	uint64_t frame = pipeline->submitted;
	struct demo_flight *flight = flight_of(pipeline, frame);
	int ret;

	if (!pipeline->options->no_fences)
		softgpu_bo_wait(demo_pool_buffer(pipeline->pool, frame, DEMO_STAGING)->bo, true,
				DMA_FENCE_WAIT_FOREVER);
	ret = pipeline->source->ops->read(pipeline->source,
					  demo_pool_map(pipeline->pool, frame, DEMO_STAGING));
	if (ret <= 0)
		return ret;
	flight->ended = false;
	flight->error = 0;
	if (submit_frame(pipeline))
		return -1;
	pipeline->submitted++;
	return 1;
}

/* As many as there are slots for. */
static int begin_frames(struct demo_pipeline *pipeline)
{
	int ret = 1;

	while (ret > 0 && pipeline->submitted < pipeline->frames &&
	       pipeline->submitted - pipeline->written < pipeline->pool->num_slots)
		ret = begin_frame(pipeline);
	if (!ret)
		pipeline->frames = pipeline->submitted;
	return ret < 0 ? -1 : 0;
}

/*
 * The sync file says that it is over, and how it went. It is the buffer's fence that also says so
 * to the compiler and the processor: from here on what the engine has written is to be seen.
 */
static void end_flight(struct demo_pipeline *pipeline, unsigned int slot)
{
	struct demo_flight *flight = &pipeline->flights[slot];
	struct dma_fence_sync_file_info info = { .num_fences = 0 };
	int ret = dma_fence_sync_file_get_info(flight->fd, &info);

	softgpu_bo_wait(demo_pool_buffer(pipeline->pool, slot, DEMO_CODED)->bo, false,
			DMA_FENCE_WAIT_FOREVER);
	if (ret || info.status < 0)
		flight->error = ret ? ret : info.status;
	flight->ended = true;
	close(flight->fd);
	flight->fd = -1;
}

/* Until at least one of those under way has ended, or a signal came. */
static int wait_for_frames(struct demo_pipeline *pipeline)
{
	struct pollfd fds[DEMO_MOST_POOL];
	unsigned int i;

	for (i = 0; i < pipeline->pool->num_slots; i++)
		fds[i] = (struct pollfd){ .fd = pipeline->flights[i].fd, .events = POLLIN };
	if (poll(fds, pipeline->pool->num_slots, -1) < 0) {
		if (errno == EINTR)
			return 0;
		complain("cannot wait for the engines: %s", strerror(errno));
		return -1;
	}
	for (i = 0; i < pipeline->pool->num_slots; i++) {
		if (fds[i].revents)
			end_flight(pipeline, i);
	}
	return 0;
}

/* What there is of a frame, whether or not it can be true: without fences it need not. */
static void find_encoded(struct demo_pipeline *pipeline, uint64_t frame,
			 struct demo_outcome *outcome)
{
	const struct demo_plan *plan = pipeline->plan;
	const struct demo_result *result = demo_pool_map(pipeline->pool, frame, DEMO_CODED);
	uint64_t room = plan->bytes[DEMO_CODED] - DEMO_CODED_OFFSET;

	outcome->encoded_bytes = __atomic_load_n(&result->encoded_bytes, __ATOMIC_RELAXED);
	outcome->picture_crc = __atomic_load_n(&result->picture_crc, __ATOMIC_RELAXED);
	outcome->written_bytes = outcome->encoded_bytes < room ? outcome->encoded_bytes : room;
	/* Frames of a video are of one size, whatever is in them. */
	if (plan->encoding == SOFTGPU_ENCODE_Y4M)
		outcome->written_bytes = strlen("FRAME\n") + plan->bytes[DEMO_FINAL];
}

static int lose_frame(struct demo_pipeline *pipeline, uint64_t frame, int error)
{
	demo_progress_clear(pipeline->progress);
	complain("frame %llu is lost: %s", (unsigned long long)frame, strerror(-error));
	pipeline->lost++;
	return picture_sink_skip(pipeline->sink, frame);
}

static int write_frame(struct demo_pipeline *pipeline)
{
	uint64_t frame = pipeline->written;
	struct demo_outcome outcome = { .error = flight_of(pipeline, frame)->error };
	const char *coded = demo_pool_map(pipeline->pool, frame, DEMO_CODED);
	int ret;

	if (outcome.error) {
		ret = lose_frame(pipeline, frame, outcome.error);
	} else {
		find_encoded(pipeline, frame, &outcome);
		ret = picture_sink_write(pipeline->sink, frame, coded + DEMO_CODED_OFFSET,
					 outcome.written_bytes);
	}
	if (ret || demo_outcomes_write(pipeline->outcomes, &outcome))
		return -1;
	pipeline->written++;
	demo_progress_tell(pipeline->progress, "pipeline", pipeline->written);
	return 0;
}

static bool first_has_ended(struct demo_pipeline *pipeline)
{
	return pipeline->written < pipeline->submitted &&
	       flight_of(pipeline, pipeline->written)->ended;
}

/* The oldest frame, as it happens to be at this moment. */
static void take_unfinished(struct demo_pipeline *pipeline)
{
	struct demo_flight *flight = flight_of(pipeline, pipeline->written);

	flight->ended = true;
	close(flight->fd);
	flight->fd = -1;
}

static int step(struct demo_pipeline *pipeline)
{
	if (begin_frames(pipeline))
		return -1;
	if (pipeline->written == pipeline->submitted)
		return 0;
	if (pipeline->options->no_fences)
		take_unfinished(pipeline);
	else if (!first_has_ended(pipeline) && wait_for_frames(pipeline))
		return -1;
	while (first_has_ended(pipeline)) {
		if (write_frame(pipeline))
			return -1;
	}
	if (!interrupted())
		return 0;
	complain("interrupted");
	return -1;
}

static int run(struct demo_pipeline *pipeline)
{
	int64_t begun_ns = demo_now_ns();
	int ret = 0;

	while (!ret && pipeline->written < pipeline->frames)
		ret = step(pipeline);
	pipeline->elapsed_ns = demo_now_ns() - begun_ns;
	demo_progress_clear(pipeline->progress);
	if (!ret && !pipeline->written) {
		complain("%s: there is no frame in it", pipeline->source->name);
		ret = -1;
	}
	return ret;
}

/* Without fences frames may be written that the engines still work on. */
static void drain(struct demo_pipeline *pipeline)
{
	unsigned int slot;

	for (slot = 0; slot < pipeline->pool->num_slots; slot++)
		softgpu_bo_wait(demo_pool_buffer(pipeline->pool, slot, DEMO_CODED)->bo, true,
				DMA_FENCE_WAIT_FOREVER);
}

int demo_pipeline_run(struct demo_pipeline *pipeline)
{
	int ret = -1;
	int error;

	pipeline->flights = calloc(pipeline->pool->num_slots, sizeof(*pipeline->flights));
	error = pipeline->flights ? create_contexts(pipeline) : -ENOMEM;
	if (error)
		complain("cannot make contexts: %s", strerror(-error));
	else
		ret = run(pipeline);
	if (!ret)
		drain(pipeline);
	if (pipeline->flights)
		destroy_contexts(pipeline);
	free(pipeline->flights);
	pipeline->flights = NULL;
	return ret;
}
