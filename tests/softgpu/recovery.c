/* SPDX-License-Identifier: MIT */
/*
 * Recovery: jobs that hang, fault or are cancelled, and devices that go, with all that was going
 * on.
 */
#include "gpu.h"

#include <dmafence/sync-file.h>
#include <dmafence/syncobj.h>

static struct gpu gpu;

static int setup_with(const struct softgpu_device_params params)
{
	fd_setup(NULL);
	gpu_init(&gpu, params);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return setup_with((struct softgpu_device_params){ 0 });
}

static int teardown(void **state)
{
	gpu_fini(&gpu);
	return fd_teardown(state);
}

#define gpu_test(func) cmocka_unit_test_setup_teardown(func, setup, teardown)

/* How long jobs have that are going to hang. */
#define SOON (2 * MS)

static struct dma_fence *submit_hang(struct softgpu_context *context, struct softgpu_submission how)
{
	struct softgpu_batch batch = { 0 };

	softgpu_cmd_hang(&batch);
	if (!how.time_limit_ns)
		how.time_limit_ns = SOON;
	return submit(context, &batch, how);
}

static int try_to_submit(struct softgpu_context *context, unsigned int flags)
{
	struct softgpu_batch batches[4] = { 0 };

	return softgpu_context_submit(context, &HOW(.batches = batches, .flags = flags));
}

static struct softgpu_engine_info info_of(unsigned int engine)
{
	struct softgpu_engine_info info;

	assert_int_equal(softgpu_device_engine_info(gpu.device, engine, &info), 0);
	return info;
}

/* Hangs */

static void a_job_that_hangs_is_stopped(void **state)
{
	struct softgpu_context *bad = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "bad");
	struct softgpu_context *good = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "good");
	struct dma_fence *hung, *behind, *after;
	struct softgpu_job_record record;

	(void)state;
	hung = submit_hang(bad, HOW(.label = "hung"));
	behind = submit_store(good, 0, 1, HOW(.label = "behind"));
	after = submit_store(bad, 1, 1, HOW(.label = "after"));
	assert_int_equal(ends(hung), -ETIME);
	assert_int_equal(ends(behind), 0);
	/* It has nothing to do with it. */
	assert_int_equal(ends(after), 0);
	record = record_of(&gpu, "hung", 0);
	assert_int_equal(record.error, -ETIME);
	assert_true(record.ended_ns - record.begun_ns >= SOON);
	assert_int_equal(stats_of(&gpu).hangs, 1);
	assert_int_equal(info_of(0).hangs, 1);
	assert_int_equal(softgpu_context_status(bad), 0);
	softgpu_context_put(bad);
	softgpu_context_put(good);
}

static void so_is_one_that_waits_for_what_does_not_come(void **state)
{
	struct softgpu_context *context = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "c");

	(void)state;
	assert_int_equal(ends(submit_gate(context, 0, HOW(.time_limit_ns = SOON))), -ETIME);
	assert_int_equal(stats_of(&gpu).hangs, 1);
	softgpu_context_put(context);
}

/* As many as would have it banned: but it was another one that hung. */
static void who_depends_on_it_fails_but_has_not_hung(void **state)
{
	struct softgpu_context *bad = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "bad");
	struct softgpu_context *good = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 1, "good");
	struct dma_fence *hung, *dependants[8];
	struct softgpu_in_fence in;
	unsigned int i;

	(void)state;
	hung = submit_hang(bad, HOW(.label = ""));
	for (i = 0; i < ARRAY_SIZE(dependants); i++) {
		in = FENCE_IN(i ? dependants[i - 1] : hung);
		dependants[i] = submit_store(good, i, 1, HOW(.sync = AFTER(&in, 1)));
	}
	assert_int_equal(ends(hung), -ETIME);
	for (i = 0; i < ARRAY_SIZE(dependants); i++) {
		assert_int_equal(ends(dependants[i]), -ETIME);
		assert_int_equal(word(&gpu, i), 0);
	}
	assert_int_equal(softgpu_context_status(good), 0);
	assert_int_equal(ends(submit_store(good, 0, 1, HOW(.label = ""))), 0);
	assert_int_equal(stats_of(&gpu).hangs, 1);
	assert_int_equal(stats_of(&gpu).bans, 0);
	assert_int_equal(info_of(1).hangs, 0);
	softgpu_context_put(bad);
	softgpu_context_put(good);
}

static void who_hangs_too_often_is_banned(void **state)
{
	struct softgpu_context *bad = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "bad");
	struct softgpu_context *good = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "good");
	struct dma_fence *own = own_fence(), *hung[3], *queued, *waiting, *dependant;
	struct softgpu_in_fence in = FENCE_IN(own), after_queued;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(softgpu_context_status(bad), 0);
		if (i < 2)
			assert_int_equal(ends(submit_hang(bad, HOW(.label = ""))), -ETIME);
	}
	hung[2] = submit_hang(bad, HOW(.label = ""));
	queued = submit_store(bad, 0, 1, HOW(.label = "queued"));
	waiting = submit_store(bad, 1, 1, HOW(.sync = AFTER(&in, 1)));
	after_queued = FENCE_IN(queued);
	dependant = submit_store(good, 2, 1, HOW(.sync = AFTER(&after_queued, 1)));
	assert_int_equal(ends(hung[2]), -ETIME);
	assert_int_equal(softgpu_context_status(bad), -ECANCELED);
	assert_int_equal(try_to_submit(bad, 0), -ECANCELED);
	assert_int_equal(ends(queued), -ECANCELED);
	assert_int_equal(ends(waiting), -ECANCELED);
	assert_int_equal(ends(dependant), -ECANCELED);
	for (i = 0; i < 3; i++)
		assert_int_equal(word(&gpu, i), 0);
	assert_int_equal(record_of(&gpu, "queued", 0).begun_ns, 0);
	assert_int_equal(stats_of(&gpu).hangs, 3);
	assert_int_equal(stats_of(&gpu).bans, 1);
	assert_int_equal(softgpu_context_status(good), 0);
	assert_int_equal(ends(submit_store(good, 3, 1, HOW(.label = ""))), 0);
	end_own(own, 0);
	softgpu_context_put(bad);
	softgpu_context_put(good);
}

static void banned_at_the_first(void **state)
{
	struct softgpu_context *context;

	(void)state;
	setup_with((struct softgpu_device_params){ .max_hangs = 1, .time_limit_ns = SOON });
	context = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "c");
	/* By the device's limit. */
	assert_int_equal(ends(submit_hang(context, HOW(.time_limit_ns = 0))), -ETIME);
	assert_int_equal(softgpu_context_status(context), -ECANCELED);
	softgpu_context_put(context);
	teardown(state);
}

/* One of four hangs, or all: it is one job. */
static void a_wide_job_that_hangs_hangs_once(unsigned int num_hanging)
{
	struct softgpu_context *context = create_context(&gpu, SOFTGPU_CLASS_COMPUTE, 4, "wide");
	struct softgpu_batch batches[4] = { 0 };
	struct dma_fence_array *array;
	struct softgpu_device_stats before = stats_of(&gpu);
	struct dma_fence *fence;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		softgpu_cmd_store(&batches[i], word_at(i), 1);
		if (i < num_hanging)
			softgpu_cmd_hang(&batches[i]);
	}
	fence = submit_wide(context, batches, 4, HOW(.time_limit_ns = SOON));
	array = to_dma_fence_array(fence);
	assert_int_equal(outcome(fence), -ETIME);
	for (i = 0; i < 4; i++) {
		assert_int_equal(dma_fence_get_status(array->fences[i]),
				 i < num_hanging ? -ETIME : 1);
		assert_int_equal(word(&gpu, i), 1);
	}
	assert_int_equal(stats_of(&gpu).hangs - before.hangs, 1);
	assert_int_equal(softgpu_context_status(context), 0);
	dma_fence_put(fence);
	softgpu_context_put(context);
}

/* What it fails with is that it hung, and not that its other batch was not to be done then. */
static void banned_while_others_have_an_engine(void **state)
{
	struct softgpu_batch batches[2] = { 0 };
	struct softgpu_context *wide, *other;
	struct dma_fence *busy, *fence;

	(void)state;
	setup_with((struct softgpu_device_params){ .max_hangs = 1 });
	wide = softgpu_context_create(gpu.vm, &(struct softgpu_context_params){
						      .engine_class = SOFTGPU_CLASS_COPY,
						      .width = 2,
						      .engines = (unsigned int[]){ 0, 1 },
					      });
	assert_non_null(wide);
	other = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 1, "other");
	busy = submit_gate(other, 0, HOW(.label = "busy"));
	await_gate(&gpu, 0);
	softgpu_cmd_hang(&batches[0]);
	fence = submit_wide(wide, batches, 2, HOW(.time_limit_ns = SOON, .label = "wide"));
	assert_int_equal(dma_fence_wait_timeout(fence, false, 10 * SECOND) > 0, true);
	assert_int_equal(ends(fence), -ETIME);
	assert_true(is_pending(busy));
	assert_int_equal(record_of(&gpu, "wide", 0).error, -ETIME);
	assert_int_equal(record_of(&gpu, "wide", 1).error, -ECANCELED);
	open_gate(&gpu, 0);
	assert_int_equal(ends(busy), 0);
	softgpu_context_put(wide);
	softgpu_context_put(other);
	teardown(state);
}

static void wide_jobs_that_hang_hang_once(void **state)
{
	(void)state;
	a_wide_job_that_hangs_hangs_once(1);
	a_wide_job_that_hangs_hangs_once(4);
	assert_int_equal(stats_of(&gpu).bans, 0);
}

/* The device's limit has passed several times before it is done. */
static void a_job_has_a_limit_of_its_own(void **state)
{
	struct softgpu_context *patient, *bad;
	struct dma_fence *fence;
	unsigned int i;

	(void)state;
	setup_with((struct softgpu_device_params){ .time_limit_ns = SOON, .max_hangs = 100 });
	patient = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "patient");
	bad = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 1, "bad");
	fence = submit_gate(patient, 0, HOW(.time_limit_ns = NEVER));
	await_gate(&gpu, 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(ends(submit_hang(bad, HOW(.label = ""))), -ETIME);
	assert_true(is_pending(fence));
	open_gate(&gpu, 0);
	assert_int_equal(ends(fence), 0);
	softgpu_context_put(patient);
	softgpu_context_put(bad);
	teardown(state);
}

/* Cancelling */

/*
 * The process is stopped for longer than the job may take, as if others had the machine. The engine
 * may find the gate open when it goes on, and looks at the clock before the command behind it.
 */
static void time_that_others_take_does_not_count(void **state)
{
	struct softgpu_context *context = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "c");
	struct softgpu_batch batch = { 0 };
	struct dma_fence *job;

	(void)state;
	softgpu_cmd_store(&batch, word_at(1), 1);
	softgpu_cmd_wait(&batch, word_at(0), SOFTGPU_EQUAL, 1);
	softgpu_cmd_store(&batch, word_at(2), 1);
	job = submit(context, &batch, HOW(.time_limit_ns = SECOND));
	await_gate(&gpu, 0);
	assert_int_equal(system("kill -STOP $PPID; sleep 1.5; kill -CONT $PPID"), 0);
	open_gate(&gpu, 0);
	assert_int_equal(ends(job), 0);
	assert_int_equal(word(&gpu, 2), 1);
	softgpu_context_put(context);
}

static void cancelled_at_every_stage(void **state)
{
	struct softgpu_context *context = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "c");
	struct softgpu_context *other = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "other");
	struct dma_fence *own = own_fence(), *done, *running, *queued, *waiting, *behind;
	struct softgpu_in_fence in = FENCE_IN(own), after;
	struct dma_fence *dependant;

	(void)state;
	done = submit_store(context, 10, 1, HOW(.label = "done"));
	assert_int_equal(outcome(done), 0);
	running = submit_gate(context, 0, HOW(.label = "running"));
	queued = submit_store(context, 11, 1, HOW(.label = "queued"));
	waiting = submit_store(context, 12, 1, HOW(.sync = AFTER(&in, 1), .label = "waiting"));
	behind = submit_store(context, 13, 1, HOW(.label = "behind"));
	after = FENCE_IN(queued);
	dependant = submit_store(other, 14, 1, HOW(.sync = AFTER(&after, 1)));
	await_gate(&gpu, 0);
	softgpu_context_cancel(context);
	assert_int_equal(softgpu_context_status(context), -ECANCELED);
	assert_int_equal(try_to_submit(context, 0), -ECANCELED);
	assert_int_equal(ends(behind), -ECANCELED);
	assert_int_equal(ends(done), 0);
	assert_int_equal(ends(running), -ECANCELED);
	assert_int_equal(ends(queued), -ECANCELED);
	assert_int_equal(ends(waiting), -ECANCELED);
	assert_int_equal(ends(dependant), -ECANCELED);
	assert_int_equal(word(&gpu, 11) + word(&gpu, 12) + word(&gpu, 13) + word(&gpu, 14), 0);
	assert_int_not_equal(record_of(&gpu, "running", 0).begun_ns, 0);
	assert_int_equal(record_of(&gpu, "waiting", 0).begun_ns, 0);
	/*
	 * Who depends on it may go on, the engine does, and nothing waits for the fence any more.
	 */
	assert_int_equal(softgpu_context_status(other), 0);
	assert_int_equal(ends(submit_store(other, 15, 1, HOW(.label = ""))), 0);
	assert_int_equal(references(own), 1);
	end_own(own, 0);
	/* Again, and when nothing is there. */
	softgpu_context_cancel(context);
	softgpu_context_put(context);
	softgpu_context_put(other);
	assert_int_equal(stats_of(&gpu).hangs, 0);
}

static void cancelled_while_all_its_engines_have_nothing_to_do(void **state)
{
	struct softgpu_context *context = create_context(&gpu, SOFTGPU_CLASS_COMPUTE, 4, "wide");
	struct dma_fence *own = own_fence(), *fence;
	struct softgpu_in_fence in = FENCE_IN(own);
	struct softgpu_batch batches[4] = { 0 };

	(void)state;
	fence = submit_wide(context, batches, 4, HOW(.sync = AFTER(&in, 1)));
	softgpu_context_cancel(context);
	assert_int_equal(ends(fence), -ECANCELED);
	softgpu_context_put(context);
	end_own(own, 0);
}

/*
 * The engine is another context's, for as long as the test likes, or always one of higher
 * priority's.
 */
static void cancelled_while_others_have_the_engine(void **state)
{
	const struct softgpu_context_params low = {
		.engine_class = SOFTGPU_CLASS_COPY,
		.engines = &(unsigned int){ 0 },
		.priority = SOFTGPU_PRIORITY_LOW,
	};
	struct softgpu_context *other = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "other");
	struct softgpu_context *context = softgpu_context_create(gpu.vm, &low);
	struct dma_fence *busy, *ready, *waiting, *own = own_fence();
	struct softgpu_in_fence in = FENCE_IN(own);

	(void)state;
	assert_non_null(context);
	busy = submit_gate(other, 0, HOW(.label = "busy"));
	await_gate(&gpu, 0);
	ready = submit_store(context, 10, 1, HOW(.label = "ready"));
	waiting = submit_store(context, 11, 1, HOW(.sync = AFTER(&in, 1), .label = "waiting"));
	softgpu_context_cancel(context);
	/* Without waiting. */
	assert_int_equal(dma_fence_get_status(ready), -ECANCELED);
	assert_int_equal(dma_fence_get_status(waiting), -ECANCELED);
	assert_true(is_pending(busy));
	assert_int_equal(references(own), 1);
	open_gate(&gpu, 0);
	assert_int_equal(ends(busy), 0);
	pass(&gpu, SOFTGPU_CLASS_COPY, 0);
	assert_int_equal(word(&gpu, 10) + word(&gpu, 11), 0);
	assert_int_equal(record_of(&gpu, "ready", 0).begun_ns, 0);
	dma_fence_put(ready);
	dma_fence_put(waiting);
	end_own(own, 0);
	softgpu_context_put(context);
	softgpu_context_put(other);
}

static void cancelled_in_the_middle_of_a_wide_job(void **state)
{
	struct softgpu_context *context = create_context(&gpu, SOFTGPU_CLASS_COMPUTE, 4, "wide");
	struct softgpu_batch batches[4] = { 0 };
	struct dma_fence_array *array;
	struct dma_fence *fence;

	(void)state;
	/* One is done, two are being done, one waits for the second of them. */
	softgpu_cmd_store(&batches[1], word_at(1), 1);
	softgpu_cmd_hang(&batches[1]);
	softgpu_cmd_store(&batches[2], word_at(2), 1);
	softgpu_cmd_hang(&batches[2]);
	softgpu_cmd_wait(&batches[3], word_at(3), SOFTGPU_EQUAL, 1);
	fence = submit_wide(context, batches, 4, HOW(.label = "wide"));
	array = to_dma_fence_array(fence);
	assert_int_equal(outcome(array->fences[0]), 0);
	await_word(&gpu, 1, 1);
	await_word(&gpu, 2, 1);
	softgpu_context_cancel(context);
	assert_int_equal(outcome(fence), -ECANCELED);
	assert_int_equal(dma_fence_get_status(array->fences[0]), 1);
	assert_int_equal(dma_fence_get_status(array->fences[3]), -ECANCELED);
	dma_fence_put(fence);
	softgpu_context_put(context);
}

/*
 * However low its priority: an engine that is free ends what was cancelled before it does anything.
 */
static void what_was_cancelled_comes_first(bool ready)
{
	const unsigned int engine = 0;
	const struct softgpu_context_params high = {
		.engines = &engine,
		.priority = SOFTGPU_PRIORITY_HIGH,
	};
	const struct softgpu_context_params low = {
		.engines = &engine,
		.priority = SOFTGPU_PRIORITY_LOW,
	};
	struct softgpu_context *first = softgpu_context_create(gpu.vm, &high);
	struct softgpu_context *next = softgpu_context_create(gpu.vm, &high);
	struct softgpu_context *context = softgpu_context_create(gpu.vm, &low);
	struct dma_fence *own = own_fence(), *gates[2], *fences[2];
	struct softgpu_in_fence in = FENCE_IN(own);
	unsigned int i;

	for (i = 0; i < 4; i++)
		set_word(&gpu, i, 0);
	gates[0] = submit_gate(first, 0, HOW(.label = ""));
	await_gate(&gpu, 0);
	gates[1] = submit_gate(next, 2, HOW(.label = ""));
	for (i = 0; i < 2; i++)
		fences[i] = submit_store(context, 10, 1, HOW(.sync = AFTER(&in, ready ? 0 : 1)));
	softgpu_context_cancel(context);
	open_gate(&gpu, 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(ends(fences[i]), -ECANCELED);
	assert_true(is_pending(gates[1]));
	open_gate(&gpu, 2);
	for (i = 0; i < 2; i++)
		assert_int_equal(ends(gates[i]), 0);
	end_own(own, 0);
	softgpu_context_put(first);
	softgpu_context_put(next);
	softgpu_context_put(context);
}

static void what_was_cancelled_is_ended_before_all_else(void **state)
{
	(void)state;
	what_was_cancelled_comes_first(true);
	what_was_cancelled_comes_first(false);
}

/*
 * Somebody who cancels while others submit: each job is either refused or ends, and leaves nothing.
 */
static void *cancel_soon(void *arg)
{
	sched_yield();
	softgpu_context_cancel(arg);
	return NULL;
}

static void cancelled_while_it_is_submitted_to(void **state)
{
	struct dma_fence *own = own_fence();
	struct softgpu_in_fence in = FENCE_IN(own);
	unsigned int i, k, refused = 0;

	(void)state;
	for (i = 0; i < 200; i++) {
		struct softgpu_context *context =
			create_context(&gpu, SOFTGPU_CLASS_COMPUTE, 1 + i % 4, "c");
		pthread_t thread = start(cancel_soon, context);
		struct dma_fence *fences[20] = { 0 };

		for (k = 0; k < ARRAY_SIZE(fences); k++) {
			struct softgpu_out_fence out = { .type = SOFTGPU_FENCE,
							 .fence = &fences[k] };
			struct softgpu_batch batches[4] = { 0 };
			int ret = softgpu_context_submit(
				context, &HOW(.batches = batches, .sync = { .in = &in,
									    .num_in = k % 2,
									    .out = &out,
									    .num_out = 1 }));

			assert_true(ret == 0 || ret == -ECANCELED);
			assert_int_equal(!fences[k], !!ret);
			refused += !!ret;
		}
		join(thread);
		softgpu_context_put(context);
		for (k = 0; k < ARRAY_SIZE(fences) && fences[k]; k++) {
			int error = ends(fences[k]);

			assert_true(error == -ECANCELED || (!error && k % 2 == 0));
		}
	}
	printf("# %u of %zu refused\n", refused, i * ARRAY_SIZE(((struct dma_fence *[20]){ 0 })));
	for (i = 0; i < 4; i++)
		pass(&gpu, SOFTGPU_CLASS_COMPUTE, i);
	assert_int_equal(references(own), 1);
	end_own(own, 0);
}

/* Faults */

static void a_fault_in_the_middle_of_a_wide_job(void **state)
{
	struct softgpu_context *context = create_context(&gpu, SOFTGPU_CLASS_COMPUTE, 4, "wide");
	struct softgpu_batch batches[4] = { 0 };
	struct softgpu_engine_info info;
	struct dma_fence_array *array;
	struct dma_fence *fence;
	unsigned int i;

	(void)state;
	assert_int_equal(ends(submit_wide(context, batches, 4, HOW(.label = "first"))), 0);
	for (i = 0; i < 4; i++) {
		softgpu_cmd_store(&batches[i], word_at(i), 1);
		if (i == 2)
			softgpu_cmd_fill(&batches[i], word_at(NUM_WORDS) - 8, 16, 5);
		softgpu_cmd_store(&batches[i], word_at(10 + i), 1);
	}
	fence = submit_wide(context, batches, 4, HOW(.label = "faults"));
	array = to_dma_fence_array(fence);
	assert_int_equal(outcome(fence), -EFAULT);
	for (i = 0; i < 4; i++) {
		assert_int_equal(dma_fence_get_status(array->fences[i]), i == 2 ? -EFAULT : 1);
		assert_int_equal(word(&gpu, i), 1);
		assert_int_equal(word(&gpu, 10 + i), i != 2);
	}
	/* What was written before stays written. */
	assert_int_equal(word(&gpu, NUM_WORDS - 1), 0x500000005);
	dma_fence_put(fence);
	assert_int_equal(gpu.num_faults, 1);
	assert_int_equal(gpu.fault.kind, SOFTGPU_FAULT_NOT_MAPPED);
	assert_true(gpu.fault.write);
	assert_int_equal(gpu.fault.address, word_at(NUM_WORDS));
	assert_string_equal(gpu.fault.buffer, "words");
	assert_string_equal(gpu.fault.context, "wide");
	assert_int_equal(gpu.fault.seqno, 2);
	assert_int_equal(gpu.fault.batch, 2);
	assert_int_equal(gpu.fault.command, 1);
	assert_int_equal(gpu.fault.opcode, SOFTGPU_OP_FILL);
	softgpu_device_engine_info(gpu.device, record_of(&gpu, "faults", 2).engine, &info);
	assert_string_equal(gpu.fault.engine, info.name);
	assert_int_equal(stats_of(&gpu).faults, 1);
	assert_int_equal(softgpu_context_status(context), 0);
	assert_int_equal(ends(submit_wide(context, batches, 4, HOW(.label = "after"))), 0);
	softgpu_context_put(context);
}

/* The end of the device */

struct waiter {
	struct dma_fence *fence;
	int fd;
	struct softgpu_context *context;
	int about_to;
	pthread_t thread;
};

static void *wait_for_fence(void *arg)
{
	struct waiter *waiter = arg;

	set_flag(&waiter->about_to);
	assert_int_equal(outcome(waiter->fence), -ECANCELED);
	return NULL;
}

static void *poll_sync_file(void *arg)
{
	struct waiter *waiter = arg;
	struct pollfd ready = { waiter->fd, POLLIN, 0 };

	set_flag(&waiter->about_to);
	assert_int_equal(poll(&ready, 1, -1), 1);
	assert_true(ready.revents & POLLIN);
	return NULL;
}

static void *wait_for_buffer(void *arg)
{
	struct waiter *waiter = arg;

	set_flag(&waiter->about_to);
	assert_true(softgpu_bo_wait(gpu.bo, true, DMA_FENCE_WAIT_FOREVER) > 0);
	return NULL;
}

static void *submit_to_full_ring(void *arg)
{
	struct waiter *waiter = arg;

	assert_int_equal(try_to_submit(waiter->context, SOFTGPU_SUBMIT_NONBLOCK), -EAGAIN);
	set_flag(&waiter->about_to);
	assert_int_equal(try_to_submit(waiter->context, 0), -ENODEV);
	return NULL;
}

enum stage { WAITING, QUEUED, RUNNING, HANGING, NUM_STAGES };

/* A job of each stage, the one that is asked for last. */
static struct dma_fence *bring_to(enum stage stage, struct softgpu_context *context,
				  struct softgpu_submission how, struct dma_fence **other)
{
	static const uint64_t gate;
	struct dma_fence *fence;

	*other = NULL;
	switch (stage) {
	case QUEUED:
		*other = submit_hang(context, HOW(.time_limit_ns = NEVER));
		return submit_store(context, 10, 1, how);
	case RUNNING:
		fence = submit_gate(context, gate, how);
		await_gate(&gpu, gate);
		return fence;
	case HANGING:
		how.time_limit_ns = NEVER;
		return submit_hang(context, how);
	default:
		return submit_store(context, 10, 1, how);
	}
}

static void the_device_goes_at(enum stage stage, unsigned int jobs_before)
{
	struct softgpu_context *context;
	struct dma_fence *own = own_fence(), *fence, *other, *bind = NULL;
	struct softgpu_in_fence in = FENCE_IN(own);
	struct softgpu_use use = { .write = true };
	struct softgpu_out_fence out = { .type = SOFTGPU_FENCE, .fence = &bind };
	struct softgpu_sync sync = { .in = &in, .num_in = 1, .out = &out, .num_out = 1 };
	struct softgpu_bind unmap = { .address = word_at(0), .bytes = PAGE, .flags = 1 };
	struct waiter waiters[4] = { 0 };
	void *(*const funcs[4])(void *) = {
		wait_for_fence,
		poll_sync_file,
		wait_for_buffer,
		submit_to_full_ring,
	};
	int64_t begin;
	unsigned int i;

	setup_with((struct softgpu_device_params){ .ring_size = jobs_before });
	use.bo = gpu.bo;
	context = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "c");
	fence = bring_to(
		stage, context,
		HOW(.uses = &use, .num_uses = 1, .sync = AFTER(&in, stage == WAITING ? 1 : 0)),
		&other);
	assert_int_equal(softgpu_vm_bind(gpu.vm, &unmap, 1, &sync), 0);
	for (i = 0; i < 4; i++) {
		waiters[i].fence = fence;
		waiters[i].context = context;
		waiters[i].fd = i == 1 ? dma_fence_sync_file_export(fence) : -1;
		waiters[i].thread = start(funcs[i], &waiters[i]);
		await_flag(&waiters[i].about_to);
	}
	let_it_sleep();
	watchdog_at("destroying at stage %d", stage);
	begin = clock_now();
	softgpu_device_destroy(gpu.device);
	assert_true(clock_now() - begin < PATIENCE * SECOND);
	for (i = 0; i < 4; i++)
		join(waiters[i].thread);
	close(waiters[1].fd);
	assert_int_equal(ends(fence), -ECANCELED);
	assert_int_equal(ends(bind), -ECANCELED);
	if (other)
		assert_int_equal(ends(other), -ECANCELED);
	/* Nothing is to be had any more, and nobody waits. */
	assert_int_equal(softgpu_context_status(context), -ENODEV);
	assert_int_equal(try_to_submit(context, 0), -ENODEV);
	assert_int_equal(softgpu_vm_bind(gpu.vm, &unmap, 1, NULL), -ENODEV);
	assert_null(softgpu_context_create(gpu.vm, &(struct softgpu_context_params){ 0 }));
	assert_int_equal(errno, ENODEV);
	assert_true(softgpu_bo_wait(gpu.bo, true, 0) > 0);
	softgpu_context_cancel(context);
	softgpu_context_put(context);
	softgpu_bo_put(gpu.bo);
	softgpu_vm_put(gpu.vm);
	free(gpu.records);
	assert_int_equal(references(own), 1);
	end_own(own, 0);
	fd_teardown(NULL);
}

static void the_device_goes(void **state)
{
	enum stage stage;

	(void)state;
	for (stage = 0; stage < NUM_STAGES; stage++)
		the_device_goes_at(stage, stage == QUEUED ? 2 : 1);
}

/* What there is, put in all orders: with a job that waits, uses the buffer, and is not done yet. */
enum thing { DEVICE, CONTEXT, VM, BO, FENCE, OWN_FENCE, NUM_THINGS };

struct things {
	struct gpu gpu;
	struct softgpu_context *context;
	struct dma_fence *fence, *own;
};

static void put_thing(struct things *things, enum thing thing)
{
	switch (thing) {
	case DEVICE:
		softgpu_device_destroy(things->gpu.device);
		break;
	case CONTEXT:
		softgpu_context_put(things->context);
		break;
	case VM:
		softgpu_vm_put(things->gpu.vm);
		break;
	case BO:
		softgpu_bo_put(things->gpu.bo);
		break;
	case FENCE:
		dma_fence_put(things->fence);
		break;
	default:
		end_own(things->own, 0);
	}
}

static void put_in_order(const enum thing *order)
{
	struct softgpu_in_fence in;
	struct softgpu_use use = { .write = true };
	struct softgpu_batch batches[2] = { 0 };
	struct things things;
	unsigned int i;

	gpu_init(&things.gpu, (struct softgpu_device_params){ .num_engines = { 1, 2, 1 } });
	things.context = create_context(&things.gpu, SOFTGPU_CLASS_COMPUTE, 2, "c");
	things.own = own_fence();
	in = FENCE_IN(things.own);
	use.bo = things.gpu.bo;
	softgpu_cmd_store(&batches[0], word_at(0), 1);
	softgpu_cmd_store(&batches[1], word_at(1), 1);
	things.fence = submit_wide(things.context, batches, 2,
				   HOW(.sync = AFTER(&in, 1), .uses = &use, .num_uses = 1));
	for (i = 0; i < NUM_THINGS; i++)
		put_thing(&things, order[i]);
	free(things.gpu.records);
}

/* All orders of what comes from 'first' on. */
static unsigned int put_in_all_orders(enum thing *order, unsigned int first)
{
	unsigned int i, num = 0;

	if (first == NUM_THINGS) {
		put_in_order(order);
		return 1;
	}
	for (i = first; i < NUM_THINGS; i++) {
		enum thing chosen = order[i];

		order[i] = order[first];
		order[first] = chosen;
		num += put_in_all_orders(order, first + 1);
		order[first] = order[i];
		order[i] = chosen;
	}
	return num;
}

static void put_in_whatever_order(void **state)
{
	enum thing order[] = { DEVICE, CONTEXT, VM, BO, FENCE, OWN_FENCE };

	(void)state;
	assert_int_equal(put_in_all_orders(order, 0), 720);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		gpu_test(a_job_that_hangs_is_stopped),
		gpu_test(so_is_one_that_waits_for_what_does_not_come),
		gpu_test(who_depends_on_it_fails_but_has_not_hung),
		gpu_test(who_hangs_too_often_is_banned),
		cmocka_unit_test(banned_at_the_first),
		cmocka_unit_test(banned_while_others_have_an_engine),
		gpu_test(wide_jobs_that_hang_hang_once),
		cmocka_unit_test(a_job_has_a_limit_of_its_own),
		gpu_test(time_that_others_take_does_not_count),
		gpu_test(cancelled_at_every_stage),
		gpu_test(cancelled_while_all_its_engines_have_nothing_to_do),
		gpu_test(cancelled_while_others_have_the_engine),
		gpu_test(cancelled_in_the_middle_of_a_wide_job),
		gpu_test(what_was_cancelled_is_ended_before_all_else),
		gpu_test(cancelled_while_it_is_submitted_to),
		gpu_test(a_fault_in_the_middle_of_a_wide_job),
		cmocka_unit_test(the_device_goes),
		fd_test(put_in_whatever_order),
	};

	return RUN(tests);
}
