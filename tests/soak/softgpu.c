/* SPDX-License-Identifier: MIT */
/* Jobs on a GPU made of threads, behind whatever is in the pool; some of them hang. */
#include <softgpu/softgpu.h>

#include "soak.h"

#define ACTOR "softgpu"
#define WORDS 16
/* Nobody ever stores to it. */
#define HANGS	 WORDS
#define WORDS_AT UINT64_C(0x100000)
#define JOBS	 24

struct job {
	struct dma_fence *fence, *in;
	unsigned int word;
	uint64_t value;
	bool hangs, inherits;
};

static struct gpu {
	struct softgpu_device *device;
	struct softgpu_vm *vm;
	struct softgpu_bo *bo;
	struct softgpu_context *context;
	uint64_t *words;
	uint64_t value;
	/* Of the context, which was cancelled or banned once there were too many hangs. */
	bool cancelled;
	struct job jobs[JOBS];
	unsigned int count;
} gpu;

static void create_context(void)
{
	const struct softgpu_context_params params = {
		.engine_class = SOFTGPU_CLASS_COPY,
		.name = "soak",
	};

	gpu.context = softgpu_context_create(gpu.vm, &params);
	CHECK(gpu.context);
}

static void begin(struct worker *main)
{
	const struct softgpu_device_params params = { .num_engines = { 1, 1, 1 }, .ring_size = 16 };
	struct softgpu_bind bind = { .address = WORDS_AT, .bytes = SOFTGPU_PAGE_SIZE };

	(void)main;
	memset(&gpu, 0, sizeof(gpu));
	gpu.device = softgpu_device_create(&params);
	CHECK(gpu.device, "creating a device: %d", errno);
	gpu.vm = softgpu_vm_create(gpu.device);
	gpu.bo = softgpu_bo_create(gpu.device, SOFTGPU_PAGE_SIZE, "soak");
	CHECK(gpu.vm && gpu.bo);
	gpu.words = softgpu_bo_map(gpu.bo);
	CHECK(gpu.words);
	bind.bo = gpu.bo;
	CHECK(!softgpu_vm_bind(gpu.vm, &bind, 1, NULL));
	create_context();
}

static void check_job(struct job *job)
{
	int status = dma_fence_get_status(job->fence);
	int in = job->in ? dma_fence_get_status(job->in) : 1;

	if (!status)
		return;
	fence_check_done(job->fence);
	if (job->in && status == 1)
		CHECK(in, "a job was done before what it waits for");
	if (status == 1) {
		CHECK(!job->hangs, "a job that hangs has ended well");
		CHECK(atomic_load_acquire(&gpu.words[job->word]) >= job->value,
		      "a job has ended, and its word is not there");
		CHECK(!job->inherits || in == 1, "a job was done after one that failed");
		TALLY("jobs done");
	} else if (job->inherits && status == in) {
		TALLY("jobs that failed with others");
	} else if (status == -ETIME) {
		CHECK(job->hangs, "a job was stopped that does not hang");
		TALLY("jobs that hung");
	} else {
		CHECK(status == -ECANCELED, "status %d of a job, %d of what it waits for", status,
		      in);
		TALLY("jobs cancelled");
	}
}

static void forget_first(void)
{
	check_job(&gpu.jobs[0]);
	dma_fence_put(gpu.jobs[0].fence);
	dma_fence_put(gpu.jobs[0].in);
	memmove(gpu.jobs, gpu.jobs + 1, --gpu.count * sizeof(gpu.jobs[0]));
}

static void submit(struct worker *worker)
{
	struct dma_fence *out_fence = NULL;
	struct softgpu_batch batch = { 0 };
	struct softgpu_in_fence in = { .type = SOFTGPU_FENCE };
	struct softgpu_out_fence out = { .type = SOFTGPU_FENCE, .fence = &out_fence };
	struct softgpu_use use = { .bo = gpu.bo, .write = true, .overwrite = true };
	struct softgpu_submission submission = {
		.batches = &batch,
		.flags = SOFTGPU_SUBMIT_NONBLOCK,
		.label = "soak",
	};
	struct job job = {
		.in = one_in(worker, 2) ? pool_get(worker) : NULL,
		.word = below(worker, WORDS),
		.value = ++gpu.value,
		.hangs = one_in(worker, 200),
		.inherits = one_in(worker, 4),
	};
	int ret;

	if (gpu.count == JOBS)
		forget_first();
	submission.sync = (struct softgpu_sync){ .out = &out, .num_out = 1 };
	if (job.in) {
		in.fence = job.in;
		in.flags = job.inherits ? 0 : SOFTGPU_IN_FENCE_ORDER;
		submission.sync.in = &in;
		submission.sync.num_in = 1;
	}
	if (one_in(worker, 4)) {
		submission.uses = &use;
		submission.num_uses = 1;
	}
	if (job.hangs) {
		softgpu_cmd_wait(&batch, WORDS_AT + 8 * HANGS, SOFTGPU_EQUAL, 1);
		submission.time_limit_ns = MS / 2;
	} else {
		softgpu_cmd_store(&batch, WORDS_AT + 8 * job.word, job.value);
	}
	AT(worker, "submitting a job");
	ret = softgpu_context_submit(gpu.context, &submission);
	softgpu_batch_fini(&batch);
	if (ret) {
		CHECK(ret == -EAGAIN || ret == -ECANCELED, "submitting a job: %d", ret);
		dma_fence_put(job.in);
		if (ret == -ECANCELED) {
			softgpu_context_put(gpu.context);
			create_context();
			TALLY("contexts made anew");
		}
		return;
	}
	CHECK(out_fence);
	job.fence = out_fence;
	gpu.jobs[gpu.count++] = job;
	pool_add(worker, dma_fence_get(out_fence));
	TALLY("jobs");
}

static void turn(struct worker *worker)
{
	unsigned int i;

	switch (below(worker, 6)) {
	case 0:
	case 1:
		submit(worker);
		break;
	case 2:
		if (one_in(worker, 200))
			softgpu_context_cancel(gpu.context);
		break;
	case 3:
		soak_sleep(20 * US);
		break;
	case 4:
		fence_signal_one(worker);
		break;
	default:
		for (i = 0; i < gpu.count; i++)
			check_job(&gpu.jobs[i]);
	}
}

static void end(struct worker *main)
{
	unsigned int i;

	(void)main;
	for (i = 0; i < gpu.count; i++)
		CHECK(dma_fence_wait_timeout(gpu.jobs[i].fence, false, 30 * PATIENCE * SECOND) > 0,
		      "a job does not end");
	while (gpu.count)
		forget_first();
	softgpu_context_put(gpu.context);
	softgpu_bo_put(gpu.bo);
	softgpu_vm_put(gpu.vm);
	softgpu_device_destroy(gpu.device);
}

const struct actor actor_softgpu = {
	.name = ACTOR,
	.threads = 1,
	.begin = begin,
	.end = end,
	.turn = turn,
};
