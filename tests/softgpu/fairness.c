/* SPDX-License-Identifier: MIT */
/* Contexts that share engines: how much each may submit, and who comes first. */
#include "gpu.h"

static struct gpu gpu;

static int setup_with(const struct softgpu_device_params params)
{
	fd_setup(NULL);
	gpu_init(&gpu, params);
	return 0;
}

static int teardown(void **state)
{
	gpu_fini(&gpu);
	return fd_teardown(state);
}

static struct softgpu_context *create_with_priority(enum softgpu_priority priority,
						    const char *name)
{
	const struct softgpu_context_params params = {
		.engine_class = SOFTGPU_CLASS_COPY,
		.priority = priority,
		.name = name,
	};
	struct softgpu_context *context = softgpu_context_create(gpu.vm, &params);

	assert_non_null(context);
	return context;
}

static int try_to_submit(struct softgpu_context *context, struct dma_fence **fence)
{
	const struct softgpu_out_fence out = { .type = SOFTGPU_FENCE, .fence = fence };
	struct softgpu_batch batches[2] = { 0 };

	return softgpu_context_submit(context,
				      &HOW(.batches = batches, .flags = SOFTGPU_SUBMIT_NONBLOCK,
					   .sync = { .out = &out, .num_out = 1 }));
}

/* Room */

struct submitter {
	struct softgpu_context *context;
	int about_to, submitted;
	struct dma_fence *fence;
};

static void *submit_one(void *arg)
{
	struct submitter *submitter = arg;

	set_flag(&submitter->about_to);
	submitter->fence = submit_store(submitter->context, 10, 1, HOW(.label = ""));
	set_flag(&submitter->submitted);
	return NULL;
}

static void a_full_ring_is_waited_for(void **state)
{
	struct softgpu_context *context, *other;
	struct dma_fence *fences[3], *none = NULL;
	struct softgpu_device_stats before;
	struct submitter submitter;
	pthread_t thread;
	unsigned int i;

	(void)state;
	setup_with((struct softgpu_device_params){ .num_engines = { 1 }, .ring_size = 3 });
	context = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "c");
	other = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "other");
	for (i = 0; i < 3; i++)
		fences[i] = submit_gate(context, 2 * i, HOW(.label = ""));
	before = stats_of(&gpu);
	await_gate(&gpu, 0);
	assert_int_equal(try_to_submit(context, &none), -EAGAIN);
	assert_null(none);
	assert_int_equal(stats_of(&gpu).submissions, before.submissions);
	assert_int_equal(stats_of(&gpu).fences, before.fences);
	/* Each context has a ring of its own. */
	assert_int_equal(try_to_submit(other, &none), 0);
	submitter = (struct submitter){ .context = context };
	thread = start(submit_one, &submitter);
	await_flag(&submitter.about_to);
	assert_false(flag_within(&submitter.submitted, 20 * MS));
	/* One goes, one comes: there is no more room than for three. */
	open_gate(&gpu, 0);
	join(thread);
	assert_int_equal(ends(fences[0]), 0);
	await_gate(&gpu, 2);
	assert_int_equal(try_to_submit(context, &fences[0]), -EAGAIN);
	assert_true(is_pending(submitter.fence));
	open_gate(&gpu, 2);
	open_gate(&gpu, 4);
	assert_int_equal(ends(fences[1]), 0);
	assert_int_equal(ends(fences[2]), 0);
	assert_int_equal(ends(submitter.fence), 0);
	assert_int_equal(ends(none), 0);
	assert_int_equal(try_to_submit(context, &none), 0);
	assert_int_equal(ends(none), 0);
	softgpu_context_put(context);
	softgpu_context_put(other);
	teardown(state);
}

/* It takes room in the rings of both engines, and there is none in one. */
static void a_wide_job_needs_room_everywhere(void **state)
{
	struct softgpu_context *context;
	struct softgpu_batch batches[2] = { 0 };
	struct dma_fence *first, *second = NULL;

	(void)state;
	setup_with((struct softgpu_device_params){ .num_engines = { 2 }, .ring_size = 1 });
	context = create_context(&gpu, SOFTGPU_CLASS_COPY, 2, "wide");
	softgpu_cmd_wait(&batches[1], word_at(0), SOFTGPU_EQUAL, 1);
	first = submit_wide(context, batches, 2, HOW(.label = ""));
	assert_int_equal(outcome(to_dma_fence_array(first)->fences[0]), 0);
	assert_int_equal(try_to_submit(context, &second), -EAGAIN);
	assert_null(second);
	open_gate(&gpu, 0);
	assert_int_equal(ends(first), 0);
	assert_int_equal(try_to_submit(context, &second), 0);
	assert_int_equal(second->seqno, 2);
	assert_int_equal(ends(second), 0);
	softgpu_context_put(context);
	teardown(state);
}

/* Many who submit more than there is room for: all of it is done, and in the order of each. */
#define SUBMITTERS 4
#define EACH	   500

static void *submit_many(void *arg)
{
	struct submitter *submitter = arg;
	unsigned int i;

	for (i = 0; i < EACH; i++) {
		struct softgpu_batch batch = { 0 };

		dma_fence_put(submitter->fence);
		softgpu_cmd_wait(&batch, word_at(submitter->about_to), SOFTGPU_EQUAL, i);
		softgpu_cmd_store(&batch, word_at(submitter->about_to), i + 1);
		submitter->fence = submit(submitter->context, &batch, HOW(.label = ""));
	}
	return NULL;
}

static void rings_that_are_always_full(void **state)
{
	struct submitter submitters[SUBMITTERS] = { 0 };
	pthread_t threads[SUBMITTERS];
	unsigned int i;

	(void)state;
	setup_with((struct softgpu_device_params){ .num_engines = { 1 }, .ring_size = 2 });
	for (i = 0; i < SUBMITTERS; i++) {
		submitters[i].context = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "c");
		submitters[i].about_to = (int)i;
		threads[i] = start(submit_many, &submitters[i]);
	}
	for (i = 0; i < SUBMITTERS; i++) {
		join(threads[i]);
		assert_int_equal(ends(submitters[i].fence), 0);
		assert_int_equal(word(&gpu, i), EACH);
		softgpu_context_put(submitters[i].context);
	}
	teardown(state);
}

/* Several threads submit to one context. */
static void one_context_of_many(void **state)
{
	struct softgpu_context *context;
	struct submitter submitters[SUBMITTERS] = { 0 };
	pthread_t threads[SUBMITTERS];
	unsigned int i;

	(void)state;
	setup_with((struct softgpu_device_params){ .ring_size = 3 });
	context = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "c");
	for (i = 0; i < SUBMITTERS; i++) {
		submitters[i].context = context;
		submitters[i].about_to = (int)i;
		threads[i] = start(submit_many, &submitters[i]);
	}
	for (i = 0; i < SUBMITTERS; i++) {
		join(threads[i]);
		assert_int_equal(ends(submitters[i].fence), 0);
		assert_int_equal(word(&gpu, i), EACH);
	}
	assert_int_equal(stats_of(&gpu).submissions, SUBMITTERS * EACH);
	softgpu_context_put(context);
	teardown(state);
}

/* Priorities */

static void higher_priorities_come_first(void **state)
{
	static const enum softgpu_priority priorities[] = {
		SOFTGPU_PRIORITY_LOW,
		SOFTGPU_PRIORITY_NORMAL,
		SOFTGPU_PRIORITY_HIGH,
	};
	struct softgpu_context *gate, *contexts[2][3];
	struct dma_fence *open, *fences[2][3][4];
	int64_t before = 0;
	unsigned int i, k, m;

	(void)state;
	setup_with((struct softgpu_device_params){ .num_engines = { 1 } });
	gate = create_with_priority(SOFTGPU_PRIORITY_LOW, "gate");
	open = submit_gate(gate, 0, HOW(.label = ""));
	await_gate(&gpu, 0);
	/* While the engine is occupied two of each priority submit, the lowest first. */
	for (i = 0; i < 2; i++)
		for (k = 0; k < 3; k++)
			contexts[i][k] = create_with_priority(priorities[k], "c");
	for (m = 0; m < 4; m++) {
		for (k = 0; k < 3; k++) {
			for (i = 0; i < 2; i++) {
				char label[16];

				snprintf(label, sizeof(label), "%u %u %u", k, i, m);
				fences[i][k][m] =
					submit_store(contexts[i][k], 10, 1, HOW(.label = label));
			}
		}
	}
	open_gate(&gpu, 0);
	assert_int_equal(ends(open), 0);
	for (k = 3; k-- > 0;) {
		int64_t last = before;

		for (m = 0; m < 4; m++) {
			for (i = 0; i < 2; i++) {
				char label[16];
				int64_t begun_ns;

				assert_int_equal(ends(fences[i][k][m]), 0);
				snprintf(label, sizeof(label), "%u %u %u", k, i, m);
				begun_ns = record_of(&gpu, label, 0).begun_ns;
				assert_true(begun_ns >= before);
				last = begun_ns > last ? begun_ns : last;
			}
		}
		before = last;
	}
	for (i = 0; i < 2; i++)
		for (k = 0; k < 3; k++)
			softgpu_context_put(contexts[i][k]);
	softgpu_context_put(gate);
	teardown(state);
}

/* What is not ready holds up nobody, however high its priority, nor other contexts of the same. */
static void who_waits_for_a_fence_does_not_hold_up_others(void **state)
{
	struct softgpu_context *high, *same, *low;
	struct dma_fence *own = own_fence(), *waiting;
	struct softgpu_in_fence in = FENCE_IN(own);

	(void)state;
	setup_with((struct softgpu_device_params){ .num_engines = { 1 } });
	high = create_with_priority(SOFTGPU_PRIORITY_HIGH, "high");
	same = create_with_priority(SOFTGPU_PRIORITY_HIGH, "same");
	low = create_with_priority(SOFTGPU_PRIORITY_LOW, "low");
	waiting = submit_store(high, 0, 1, HOW(.sync = AFTER(&in, 1)));
	assert_int_equal(ends(submit_store(low, 1, 1, HOW(.label = ""))), 0);
	assert_int_equal(ends(submit_store(same, 2, 1, HOW(.label = ""))), 0);
	assert_true(is_pending(waiting));
	end_own(own, 0);
	assert_int_equal(ends(waiting), 0);
	softgpu_context_put(high);
	softgpu_context_put(same);
	softgpu_context_put(low);
	teardown(state);
}

/* Time */

/* A job that takes at least so long: until it is stopped. */
static struct dma_fence *submit_for(struct softgpu_context *context, int64_t ns, const char *label)
{
	struct softgpu_batch batch = { 0 };

	softgpu_cmd_hang(&batch);
	return submit(context, &batch, HOW(.time_limit_ns = ns, .label = label));
}

/* How many jobs with that label were begun before the one at that place of another label's. */
static unsigned int begun_before(const char *label, const char *other, unsigned int place)
{
	unsigned int num = 0;
	size_t i;

	/* One engine: so they were recorded in the order in which they were begun. */
	for (i = 0; i < gpu.num_records; i++) {
		if (!strcmp(gpu.records[i].label, other) && !place--)
			return num;
		num += !strcmp(gpu.records[i].label, label);
	}
	assert_true(false);
	return 0;
}

#define LONG_JOBS  4
#define SHORT_JOBS 60

static void an_engine_is_shared_by_time(void **state)
{
	struct softgpu_context *gate, *long_jobs, *short_jobs;
	struct dma_fence *open, *fences[LONG_JOBS + SHORT_JOBS];
	unsigned int i, num = 0;

	(void)state;
	setup_with((struct softgpu_device_params){ .num_engines = { 1 }, .max_hangs = 1000 });
	gate = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "gate");
	long_jobs = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "long");
	short_jobs = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "short");
	open = submit_gate(gate, 0, HOW(.label = ""));
	await_gate(&gpu, 0);
	for (i = 0; i < LONG_JOBS; i++)
		fences[num++] = submit_for(long_jobs, 60 * MS, "long");
	for (i = 0; i < SHORT_JOBS; i++)
		fences[num++] = submit_for(short_jobs, 2 * MS, "short");
	open_gate(&gpu, 0);
	assert_int_equal(ends(open), 0);
	for (i = 0; i < num; i++)
		assert_int_equal(ends(fences[i]), -ETIME);
	/* Thirty for one; if they took turns it would be one for one. */
	i = begun_before("short", "long", 2);
	printf("# short jobs before the third long one: %u\n", i);
	assert_true(i >= 2 * 2);
	softgpu_context_put(gate);
	softgpu_context_put(long_jobs);
	softgpu_context_put(short_jobs);
	teardown(state);
}

static void who_comes_back_after_a_rest_is_owed_nothing(void **state)
{
	struct softgpu_context *gate, *busy, *rested;
	struct dma_fence *open, *fences[12];
	unsigned int i, num = 0;

	(void)state;
	setup_with((struct softgpu_device_params){ .num_engines = { 1 }, .max_hangs = 1000 });
	gate = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "gate");
	busy = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "busy");
	rested = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "rested");
	assert_int_equal(ends(submit_for(rested, MS, "early")), -ETIME);
	for (i = 0; i < 6; i++)
		assert_int_equal(ends(submit_for(busy, 20 * MS, "alone")), -ETIME);
	open = submit_gate(gate, 0, HOW(.label = ""));
	await_gate(&gpu, 0);
	for (i = 0; i < 6; i++) {
		fences[num++] = submit_for(busy, 10 * MS, "busy");
		fences[num++] = submit_for(rested, 10 * MS, "rested");
	}
	open_gate(&gpu, 0);
	assert_int_equal(ends(open), 0);
	for (i = 0; i < num; i++)
		assert_int_equal(ends(fences[i]), -ETIME);
	i = begun_before("busy", "rested", 4);
	printf("# jobs of the busy one before the fifth of the other: %u\n", i);
	assert_true(i >= 1);
	softgpu_context_put(gate);
	softgpu_context_put(busy);
	softgpu_context_put(rested);
	teardown(state);
}

/* Many */

static void contexts_are_spread_over_engines(void **state)
{
	struct softgpu_context *contexts[8];
	unsigned int i, k, on[4] = { 0 };

	(void)state;
	setup_with((struct softgpu_device_params){ .ring_size = 4 });
	for (i = 0; i < 8; i++) {
		char label[8];

		snprintf(label, sizeof(label), "%u", i);
		contexts[i] = create_context(&gpu, SOFTGPU_CLASS_COMPUTE, 1, "c");
		assert_int_equal(ends(submit_store(contexts[i], 0, 1, HOW(.label = label))), 0);
		/* The compute engines come after the two for copies. */
		k = record_of(&gpu, label, 0).engine - 2;
		assert_true(k < 4);
		on[k]++;
	}
	for (k = 0; k < 4; k++)
		assert_int_equal(on[k], 2);
	for (i = 0; i < 8; i++)
		softgpu_context_put(contexts[i]);
	teardown(state);
}

#define MANY 1000

/* Each adds its part to what the one before it has left, on whatever engine. */
static void a_thousand_contexts(void **state)
{
	struct softgpu_context **contexts = calloc(MANY, sizeof(struct softgpu_context *));
	struct dma_fence **fences = calloc(3 * MANY, sizeof(struct dma_fence *));
	unsigned int i, k;

	(void)state;
	assert_non_null(contexts);
	assert_non_null(fences);
	setup_with((struct softgpu_device_params){ .ring_size = 4 });
	for (i = 0; i < MANY; i++)
		contexts[i] = create_context(&gpu, i % SOFTGPU_CLASS_BIND, 1, "one of many");
	for (k = 0; k < 3; k++) {
		for (i = 0; i < MANY; i++) {
			const unsigned int num = k * MANY + i;
			struct softgpu_in_fence in = FENCE_IN(num ? fences[num - 1] : NULL);
			struct softgpu_batch batch = { 0 };

			softgpu_cmd_copy(&batch, word_at(1000 + num), word_at(i), 8);
			softgpu_cmd_store(&batch, word_at(i), k + 1);
			softgpu_cmd_copy(&batch, word_at(5000 + i), word_at(i ? i - 1 : 4999), 8);
			fences[num] =
				submit(contexts[i], &batch, HOW(.sync = AFTER(&in, num ? 1 : 0)));
			if (k == 2)
				softgpu_context_put(contexts[i]);
		}
	}
	for (i = 0; i < 3 * MANY; i++)
		assert_int_equal(ends(fences[i]), 0);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(word(&gpu, i), 3);
		for (k = 0; k < 3; k++)
			assert_int_equal(word(&gpu, 1000 + k * MANY + i), k);
		if (i)
			assert_int_equal(word(&gpu, 5000 + i), 3);
	}
	assert_int_equal(stats_of(&gpu).submissions, 3 * MANY);
	free(contexts);
	free(fences);
	teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_ring_is_waited_for),
		cmocka_unit_test(a_wide_job_needs_room_everywhere),
		cmocka_unit_test(rings_that_are_always_full),
		cmocka_unit_test(one_context_of_many),
		cmocka_unit_test(higher_priorities_come_first),
		cmocka_unit_test(who_waits_for_a_fence_does_not_hold_up_others),
		cmocka_unit_test(an_engine_is_shared_by_time),
		cmocka_unit_test(who_comes_back_after_a_rest_is_owed_nothing),
		cmocka_unit_test(contexts_are_spread_over_engines),
		cmocka_unit_test(a_thousand_contexts),
	};

	return RUN(tests);
}
