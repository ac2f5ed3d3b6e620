/* SPDX-License-Identifier: MIT */
/*
 * What comes between the steps of a submission: the context is cancelled there, or the device goes,
 * or the program writes other commands into the batch that was looked at.
 */
#include "gpu.h"

static struct gpu gpu;

static int setup(void **state)
{
	fd_setup(state);
	gpu_init(&gpu, (struct softgpu_device_params){ 0 });
	return 0;
}

static int teardown(void **state)
{
	gpu_fini(&gpu);
	return fd_teardown(state);
}

#define gpu_test(func) cmocka_unit_test_setup_teardown(func, setup, teardown)

/* What is done, once, before the submission waits for this fence; or takes the buffers' locks. */
static void (*between)(void);
static struct dma_fence *before_waiting_for;
static bool before_locking;

int __real_dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
				  dma_fence_func_t func);
int __wrap_dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
				  dma_fence_func_t func);
int __real_dma_resv_lock_many(struct dma_resv **objs, unsigned int num_objs,
			      struct dma_ww_acquire_ctx *ctx, unsigned int flags);
int __wrap_dma_resv_lock_many(struct dma_resv **objs, unsigned int num_objs,
			      struct dma_ww_acquire_ctx *ctx, unsigned int flags);

static void happen(void)
{
	void (*func)(void) = between;

	between = NULL;
	func();
}

int __wrap_dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
				  dma_fence_func_t func)
{
	if (between && fence == before_waiting_for)
		happen();
	return __real_dma_fence_add_callback(fence, cb, func);
}

int __wrap_dma_resv_lock_many(struct dma_resv **objs, unsigned int num_objs,
			      struct dma_ww_acquire_ctx *ctx, unsigned int flags)
{
	if (between && before_locking)
		happen();
	return __real_dma_resv_lock_many(objs, num_objs, ctx, flags);
}

/* What the program's own batch is changed into, once, when it has been looked at. */
static struct softgpu_batch *changed;

int __real_softgpu_check_commands(enum softgpu_class engine_class, const void *commands,
				  size_t size);
int __wrap_softgpu_check_commands(enum softgpu_class engine_class, const void *commands,
				  size_t size);

int __wrap_softgpu_check_commands(enum softgpu_class engine_class, const void *commands,
				  size_t size)
{
	int ret = __real_softgpu_check_commands(engine_class, commands, size);

	if (changed)
		memset(changed->data, 0xff, changed->size);
	changed = NULL;
	return ret;
}

static struct softgpu_context *context;
static struct dma_fence *job;

/* If the engine had the job by now it would end it. */
static void cancel(void)
{
	softgpu_context_cancel(context);
	dma_fence_wait_timeout(job, false, 100 * MS);
}

static void unplug(void)
{
	softgpu_device_destroy(gpu.device);
	gpu.device = NULL;
}

/*
 * The job fails, and nothing of it is left that waits for the fence: that may signal when the
 * context is no more.
 */
static void submit_and_have(void (*happens)(void), bool locking, unsigned int width)
{
	struct dma_fence *own = own_fence();
	struct softgpu_in_fence in = FENCE_IN(own);
	const struct softgpu_out_fence out = { .type = SOFTGPU_FENCE, .fence = &job };
	struct softgpu_batch batches[4] = { 0 };

	context = create_context(&gpu, SOFTGPU_CLASS_COMPUTE, width, "c");
	job = NULL;
	between = happens;
	before_locking = locking;
	before_waiting_for = locking ? NULL : own;
	assert_int_equal(
		softgpu_context_submit(
			context,
			&HOW(.batches = batches,
			     .sync = { .in = &in, .num_in = 1, .out = &out, .num_out = 1 })),
		0);
	assert_null(between);
	assert_int_equal(ends(job), -ECANCELED);
	softgpu_context_put(context);
	if (!gpu.device) {
		softgpu_bo_put(gpu.bo);
		softgpu_vm_put(gpu.vm);
		gpu.bo = NULL;
		gpu.vm = NULL;
	} else {
		/* Whatever the engines still had to do for it they have done. */
		unplug();
	}
	assert_int_equal(references(own), 1);
	end_own(own, 0);
}

static void cancelled_before_it_waits(void **state)
{
	(void)state;
	submit_and_have(cancel, false, 1);
}

static void cancelled_before_it_waits_on_four_engines(void **state)
{
	(void)state;
	submit_and_have(cancel, false, 4);
}

static void unplugged_before_it_waits(void **state)
{
	(void)state;
	submit_and_have(unplug, false, 1);
}

static void unplugged_before_it_is_submitted(void **state)
{
	(void)state;
	submit_and_have(unplug, true, 1);
}

static void unplugged_before_it_is_submitted_to_four_engines(void **state)
{
	(void)state;
	submit_and_have(unplug, true, 4);
}

static void commands_change_when_they_were_looked_at(void **state)
{
	struct softgpu_batch batch = { 0 };

	(void)state;
	context = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "c");
	softgpu_cmd_store(&batch, word_at(3), 7);
	changed = &batch;
	job = submit(context, &batch, (struct softgpu_submission){ 0 });
	assert_null(changed);
	assert_int_equal(ends(job), 0);
	assert_int_equal(word(&gpu, 3), 7);
	softgpu_context_put(context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		gpu_test(cancelled_before_it_waits),
		gpu_test(cancelled_before_it_waits_on_four_engines),
		gpu_test(unplugged_before_it_waits),
		gpu_test(unplugged_before_it_is_submitted),
		gpu_test(unplugged_before_it_is_submitted_to_four_engines),
		gpu_test(commands_change_when_they_were_looked_at),
	};

	return RUN(tests);
}
