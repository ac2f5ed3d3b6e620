/* SPDX-License-Identifier: MIT */
#include "demo-reference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "demo-outcome.h"
#include "demo-pool.h"
#include "interrupt.h"

/* More wrong frames than this are only counted. */
#define MOST_TOLD 4

struct comparing {
	struct demo_reference *reference;
	struct demo_pool pool;
	/* What was written. */
	char *written;
};

static int execute_stage(struct comparing *comparing, enum demo_stage stage, uint64_t frame,
			 const uint64_t *addresses)
{
	struct demo_job job;
	int ret;

	demo_job_make(&job, comparing->reference->plan, stage, frame, addresses, 1);
	ret = softgpu_vm_execute(comparing->pool.vm, 0, &job.batches[0], NULL);
	demo_job_fini(&job);
	return ret;
}

static int execute_frame(struct comparing *comparing, uint64_t frame)
{
	uint64_t addresses[DEMO_NUM_ROLES];
	enum demo_stage stage;
	int ret = 0;

	demo_pool_addresses(&comparing->pool, frame, addresses);
	for (stage = 0; !ret && stage < DEMO_NUM_STAGES; stage++) {
		if (demo_plan_has(comparing->reference->plan, stage))
			ret = execute_stage(comparing, stage, frame, addresses);
	}
	if (!ret)
		return 0;
	complain("the reference of frame %llu: %s", (unsigned long long)frame, strerror(-ret));
	return -1;
}

static int make_frame(struct comparing *comparing, uint64_t frame)
{
	struct picture_source *source = comparing->reference->source;
	int64_t begun_ns = demo_now_ns();
	int ret = source->ops->read(source, demo_pool_map(&comparing->pool, frame, DEMO_STAGING));

	if (!ret)
		complain("%s: has fewer frames than before", source->name);
	if (ret <= 0 || execute_frame(comparing, frame))
		return -1;
	comparing->reference->elapsed_ns += demo_now_ns() - begun_ns;
	return 0;
}

static void tell_wrong(struct comparing *comparing, uint64_t frame,
		       const struct demo_outcome *outcome, const struct demo_result *result)
{
	struct demo_reference *reference = comparing->reference;

	if (reference->wrong >= MOST_TOLD)
		return;
	demo_progress_clear(reference->progress);
	complain("frame %llu is wrong: %llu bytes of a picture with CRC %08x,"
		 " where the reference has %llu with %08x",
		 (unsigned long long)frame, (unsigned long long)outcome->encoded_bytes,
		 outcome->picture_crc, (unsigned long long)result->encoded_bytes,
		 result->picture_crc);
}

static int compare_frame(struct comparing *comparing, uint64_t frame)
{
	struct demo_reference *reference = comparing->reference;
	const char *coded = demo_pool_map(&comparing->pool, frame, DEMO_CODED);
	struct demo_result result;
	struct demo_outcome outcome;

	if (demo_outcomes_read(reference->outcomes, &outcome))
		return -1;
	if (outcome.error) {
		reference->lost++;
		return 0;
	}
	if (picture_sink_read(reference->sink, frame, comparing->written, outcome.written_bytes))
		return -1;
	memcpy(&result, coded, sizeof(result));
	if (outcome.encoded_bytes == result.encoded_bytes &&
	    outcome.written_bytes == result.encoded_bytes &&
	    outcome.picture_crc == result.picture_crc &&
	    !memcmp(coded + DEMO_CODED_OFFSET, comparing->written, result.encoded_bytes)) {
		reference->identical++;
		return 0;
	}
	tell_wrong(comparing, frame, &outcome, &result);
	reference->wrong++;
	return 0;
}

static int compare_frames(struct comparing *comparing)
{
	struct demo_reference *reference = comparing->reference;
	uint64_t frame;

	if (reference->source->ops->rewind(reference->source) ||
	    picture_sink_rewind(reference->sink) || demo_outcomes_rewind(reference->outcomes))
		return -1;
	for (frame = 0; frame < reference->frames; frame++) {
		if (make_frame(comparing, frame) || compare_frame(comparing, frame))
			return -1;
		demo_progress_tell(reference->progress, "reference", frame + 1);
		if (interrupted()) {
			complain("interrupted");
			return -1;
		}
	}
	demo_progress_clear(reference->progress);
	return 0;
}

static int run_with(struct demo_reference *reference, struct softgpu_device *device)
{
	struct comparing comparing = { .reference = reference };
	int ret = demo_pool_init(&comparing.pool, device, reference->plan, 1, 1);

	comparing.written = malloc(reference->plan->bytes[DEMO_CODED]);
	if (!ret && !comparing.written) {
		demo_pool_fini(&comparing.pool);
		ret = -ENOMEM;
	}
	if (ret) {
		complain("no memory for the reference: %s", strerror(-ret));
		free(comparing.written);
		return -1;
	}
	ret = compare_frames(&comparing);
	demo_pool_fini(&comparing.pool);
	free(comparing.written);
	return ret;
}

int demo_reference_run(struct demo_reference *reference)
{
	/* Its engines have nothing to do but to map the buffers. */
	struct softgpu_device_params params = { .num_engines = { 1, 1, 1 } };
	struct softgpu_device *device = softgpu_device_create(&params);
	int ret;

	if (!device) {
		complain("no device for the reference: %s", strerror(errno));
		return -1;
	}
	ret = run_with(reference, device);
	softgpu_device_destroy(device);
	return ret;
}
