/* SPDX-License-Identifier: MIT */
/* Submission: what a job waits for, what stands for it, and how it ends. */
#include "gpu.h"

#include <dirent.h>
#include <signal.h>

#include <dmafence/chain.h>
#include <dmafence/sync-file.h>
#include <dmafence/syncobj.h>
#include <dmafence/unwrap.h>

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

/* Order */

static void jobs_of_a_context_are_done_in_order(void **state)
{
	struct softgpu_context *context = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "c");
	struct dma_fence *fences[50];
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		struct softgpu_batch batch = { 0 };

		softgpu_cmd_copy(&batch, word_at(100 + i), word_at(0), 8);
		softgpu_cmd_store(&batch, word_at(0), i + 1);
		fences[i] = submit(context, &batch, HOW(.label = NULL));
		assert_int_equal(fences[i]->seqno, i + 1);
		assert_int_equal(fences[i]->context, fences[0]->context);
	}
	/* What was submitted is done, whether there is somebody who could submit more or not. */
	softgpu_context_put(context);
	assert_int_equal(outcome(fences[i - 1]), 0);
	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		assert_int_equal(dma_fence_get_status(fences[i]), 1);
		assert_int_equal(word(&gpu, 100 + i), i);
		dma_fence_put(fences[i]);
	}
}

static void commands_are_copied(void **state)
{
	struct softgpu_context *context = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "c");
	struct softgpu_batch batch = { 0 };
	struct dma_fence *gate, *fence = NULL;
	struct softgpu_out_fence out = { .type = SOFTGPU_FENCE, .fence = &fence };

	(void)state;
	gate = submit_gate(context, 0, HOW(.label = "gate"));
	softgpu_cmd_store(&batch, word_at(10), 1);
	assert_int_equal(
		softgpu_context_submit(
			context, &HOW(.batches = &batch, .sync = { .out = &out, .num_out = 1 })),
		0);
	memset(batch.data, 0xff, batch.size);
	softgpu_batch_fini(&batch);
	open_gate(&gpu, 0);
	assert_int_equal(ends(fence), 0);
	assert_int_equal(ends(gate), 0);
	assert_int_equal(word(&gpu, 10), 1);
	softgpu_context_put(context);
}

/* In-fences */

enum source { PLAIN, ARRAY, CHAIN, SYNC_FILE, POINT, BINARY, NUM_SOURCES };

/* What holds an in-fence of that kind, which signals when one of the test's does. */
struct given {
	struct softgpu_in_fence in;
	struct dma_fence *own;
};

static struct dma_fence *array_of(struct dma_fence *fence)
{
	struct dma_fence **members = malloc(2 * sizeof(*members));
	struct dma_fence_array *array;

	assert_non_null(members);
	members[0] = dma_fence_get(fence);
	members[1] = dma_fence_get_stub();
	array = dma_fence_array_create(2, members, dma_fence_context_alloc(1), 1);
	assert_non_null(array);
	return &array->base;
}

static struct dma_fence *chain_of(struct dma_fence *fence)
{
	struct dma_fence_chain *first = dma_fence_chain_alloc(), *second = dma_fence_chain_alloc();

	assert_non_null(first);
	assert_non_null(second);
	dma_fence_chain_init(first, NULL, dma_fence_get(fence), 1);
	dma_fence_chain_init(second, &first->base, dma_fence_get_stub(), 2);
	return &second->base;
}

static struct given give(enum source source)
{
	struct given given = { .own = own_fence() };

	switch (source) {
	case PLAIN:
		given.in.fence = dma_fence_get(given.own);
		break;
	case ARRAY:
		given.in.fence = array_of(given.own);
		break;
	case CHAIN:
		given.in.fence = chain_of(given.own);
		break;
	case SYNC_FILE:
		given.in.type = SOFTGPU_SYNC_FILE;
		given.in.fd = dma_fence_sync_file_export(given.own);
		assert_true(given.in.fd >= 0);
		break;
	default:
		given.in.type = SOFTGPU_POINT;
		given.in.syncobj = dma_fence_syncobj_create(0);
		assert_non_null(given.in.syncobj);
		given.in.point = source == POINT ? 7 : 0;
		assert_int_equal(
			source == POINT
				? dma_fence_syncobj_add_point(given.in.syncobj, 7, given.own)
				: dma_fence_syncobj_replace_fence(given.in.syncobj, given.own),
			0);
	}
	return given;
}

/* The job keeps what it needs. */
static void forget(struct given *given)
{
	dma_fence_put(given->in.fence);
	dma_fence_syncobj_put(given->in.syncobj);
	if (given->in.type == SOFTGPU_SYNC_FILE)
		assert_int_equal(close(given->in.fd), 0);
}

static void in_fence_of(enum source source)
{
	struct softgpu_context *context = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "c");
	struct given given = give(source);
	int64_t signaled_ns;
	struct dma_fence *fence;
	char label[16];

	snprintf(label, sizeof(label), "after %d", source);
	fence = submit_store(context, source, 1, HOW(.sync = AFTER(&given.in, 1), .label = label));
	forget(&given);
	pass(&gpu, SOFTGPU_CLASS_COPY, 0);
	assert_true(is_pending(fence));
	assert_int_equal(word(&gpu, source), 0);
	signaled_ns = clock_now();
	end_own(given.own, 0);
	assert_int_equal(ends(fence), 0);
	assert_int_equal(word(&gpu, source), 1);
	assert_true(record_of(&gpu, label, 0).ready_ns >= signaled_ns);
	assert_true(record_of(&gpu, label, 0).begun_ns >= record_of(&gpu, label, 0).ready_ns);
	softgpu_context_put(context);
}

static void in_fences_of_all_sources(void **state)
{
	enum source source;

	(void)state;
	for (source = 0; source < NUM_SOURCES; source++)
		in_fence_of(source);
}

static void fails_with(enum source source, bool signaled_before)
{
	struct softgpu_context *context = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "c");
	struct given given = give(source);
	struct softgpu_in_fence only_after = given.in;
	struct dma_fence *fence, *ordered;

	if (signaled_before) {
		dma_fence_set_error(given.own, -EIO);
		dma_fence_signal(given.own);
	}
	only_after.flags = SOFTGPU_IN_FENCE_ORDER;
	fence = submit_store(context, 100, 1, HOW(.sync = AFTER(&given.in, 1)));
	ordered = submit_store(context, 101, 1, HOW(.sync = AFTER(&only_after, 1)));
	forget(&given);
	if (!signaled_before) {
		dma_fence_set_error(given.own, -EIO);
		dma_fence_signal(given.own);
	}
	dma_fence_put(given.own);
	assert_int_equal(ends(fence), -EIO);
	assert_int_equal(ends(ordered), 0);
	assert_int_equal(word(&gpu, 100), 0);
	assert_int_equal(word(&gpu, 101), 1);
	set_word(&gpu, 101, 0);
	softgpu_context_put(context);
}

static void failed_in_fences_of_all_sources(void **state)
{
	enum source source;

	(void)state;
	for (source = 0; source < NUM_SOURCES; source++) {
		fails_with(source, false);
		fails_with(source, true);
	}
}

/* All are waited for, and of several errors it is that of the first that was told of. */
static void many_in_fences(void **state)
{
	struct softgpu_context *context = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "c");
	struct softgpu_in_fence in[40];
	struct dma_fence *own[40], *fence;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(in); i++) {
		own[i] = own_fence();
		in[i] = FENCE_IN(own[i]);
		/* Those that fail without consequence come in between. */
		if (i % 3 == 0)
			in[i].flags = SOFTGPU_IN_FENCE_ORDER;
	}
	fence = submit_store(context, 0, 1, HOW(.sync = AFTER(in, ARRAY_SIZE(in))));
	for (i = ARRAY_SIZE(in); i-- > 0;) {
		pass(&gpu, SOFTGPU_CLASS_COPY, 0);
		assert_true(is_pending(fence));
		/* 9: only order; 10, 20: told of before 31, which fails before them */
		end_own(own[i], i == 9 ? -EPERM : i == 10 ? -EIO : i == 20 || i == 31 ? -EBADF : 0);
	}
	assert_int_equal(ends(fence), -EIO);
	assert_int_equal(word(&gpu, 0), 0);
	softgpu_context_put(context);
}

/* Out-fences */

struct places {
	struct dma_fence *fence;
	int fd;
	struct dma_fence_syncobj *timeline, *binary;
	struct softgpu_out_fence out[4];
};

static void make_places(struct places *places)
{
	places->fence = NULL;
	places->fd = -1;
	places->timeline = dma_fence_syncobj_create(0);
	places->binary = dma_fence_syncobj_create(0);
	assert_non_null(places->timeline);
	assert_non_null(places->binary);
	places->out[0] =
		(struct softgpu_out_fence){ .type = SOFTGPU_FENCE, .fence = &places->fence };
	places->out[1] = (struct softgpu_out_fence){ .type = SOFTGPU_SYNC_FILE, .fd = &places->fd };
	places->out[2] = (struct softgpu_out_fence){
		.type = SOFTGPU_POINT,
		.syncobj = places->timeline,
		.point = 3,
	};
	places->out[3] =
		(struct softgpu_out_fence){ .type = SOFTGPU_POINT, .syncobj = places->binary };
}

static void clear_places(struct places *places)
{
	dma_fence_put(places->fence);
	if (places->fd >= 0)
		close(places->fd);
	dma_fence_syncobj_put(places->timeline);
	dma_fence_syncobj_put(places->binary);
}

static int status_of_file(int fd)
{
	struct dma_fence_sync_file_info info = { 0 };

	assert_int_equal(dma_fence_sync_file_get_info(fd, &info), 0);
	return info.status;
}

static void assert_status(struct places *places, int status)
{
	struct pollfd ready = { places->fd, POLLIN, 0 };

	assert_int_equal(dma_fence_get_status(places->fence), status);
	assert_int_equal(status_of_file(places->fd), status);
	assert_int_equal(dma_fence_syncobj_status(places->timeline, 3), status);
	assert_int_equal(dma_fence_syncobj_status(places->binary, 0), status);
	assert_int_equal(poll(&ready, 1, 0), status ? 1 : 0);
}

static void out_fences_of(unsigned int width, int error)
{
	struct softgpu_context *context = create_context(&gpu, SOFTGPU_CLASS_COMPUTE, width, "c");
	struct softgpu_batch batches[4] = { 0 };
	struct dma_fence *own = own_fence();
	struct softgpu_in_fence in = FENCE_IN(own);
	struct places places;
	struct pollfd ready;

	make_places(&places);
	assert_int_equal(
		softgpu_context_submit(
			context,
			&HOW(.batches = batches,
			     .sync = { .in = &in, .num_in = 1, .out = places.out, .num_out = 4 })),
		0);
	assert_true(fcntl(places.fd, F_GETFD) & FD_CLOEXEC);
	assert_status(&places, 0);
	/* The points of a timeline that are passed over are those before. */
	assert_int_equal(dma_fence_syncobj_status(places.timeline, 4), -ENOENT);
	end_own(own, error);
	assert_int_equal(outcome(places.fence), error);
	ready = (struct pollfd){ places.fd, POLLIN, 0 };
	assert_int_equal(poll(&ready, 1, -1), 1);
	assert_status(&places, error ? error : 1);
	clear_places(&places);
	softgpu_context_put(context);
}

static void out_fences_of_all_kinds(void **state)
{
	(void)state;
	out_fences_of(1, 0);
	out_fences_of(1, -EIO);
	out_fences_of(4, 0);
	out_fences_of(4, -EIO);
}

static void an_out_point_is_an_in_point_at_once(void **state)
{
	struct softgpu_context *first = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "first");
	struct softgpu_context *second = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 1, "second");
	struct dma_fence_syncobj *timeline = dma_fence_syncobj_create(0);
	struct softgpu_batch batch = { 0 };
	struct softgpu_in_fence in;
	struct dma_fence *last = NULL;
	unsigned int i;

	(void)state;
	assert_non_null(timeline);
	/* Each of the two in its turn adds one. */
	for (i = 0; i < 40; i++) {
		struct softgpu_out_fence out[2] = {
			{ .type = SOFTGPU_POINT, .syncobj = timeline, .point = i + 1 },
			{ .type = SOFTGPU_FENCE, .fence = &last },
		};

		in = (struct softgpu_in_fence){
			.type = SOFTGPU_POINT,
			.syncobj = timeline,
			.point = i,
		};
		dma_fence_put(last);
		if (!i)
			softgpu_cmd_wait(&batch, word_at(0), SOFTGPU_EQUAL, 1);
		softgpu_cmd_wait(&batch, word_at(1), SOFTGPU_EQUAL, i);
		softgpu_cmd_store(&batch, word_at(1), i + 1);
		assert_int_equal(softgpu_context_submit(
					 i % 2 ? second : first,
					 &HOW(.batches = &batch, .sync = { .in = &in,
									   .num_in = i ? 1 : 0,
									   .out = out,
									   .num_out = 2 })),
				 0);
		softgpu_batch_fini(&batch);
	}
	open_gate(&gpu, 0);
	assert_int_equal(ends(last), 0);
	assert_int_equal(word(&gpu, 1), 40);
	dma_fence_syncobj_put(timeline);
	softgpu_context_put(first);
	softgpu_context_put(second);
}

/* Width */

/*
 * Each of four batches waits for all: if they were not done at the same time they would never be.
 */
static struct dma_fence *submit_meeting(struct softgpu_context *context, unsigned int at,
					struct softgpu_submission how)
{
	struct softgpu_batch batches[4] = { 0 };
	unsigned int i, k;

	for (i = 0; i < 4; i++) {
		softgpu_cmd_store(&batches[i], word_at(at + i), 1);
		for (k = 0; k < 4; k++)
			softgpu_cmd_wait(&batches[i], word_at(at + k), SOFTGPU_EQUAL, 1);
	}
	return submit_wide(context, batches, 4, how);
}

static void a_wide_job_is_an_array_on_the_contexts_own_fence_context(void **state)
{
	struct softgpu_context *context = create_context(&gpu, SOFTGPU_CLASS_COMPUTE, 4, "wide");
	struct dma_fence *fences[3];
	unsigned int i, k, m;

	(void)state;
	for (i = 0; i < 3; i++)
		fences[i] = submit_meeting(context, 10 * i, HOW(.label = i ? "" : "first"));
	for (i = 0; i < 3; i++) {
		struct dma_fence_array *array = to_dma_fence_array(fences[i]);

		assert_non_null(array);
		assert_int_equal(array->num_fences, 4);
		assert_int_equal(fences[i]->seqno, i + 1);
		assert_int_equal(fences[i]->context, fences[0]->context);
		for (k = 0; k < 4; k++) {
			assert_int_equal(array->fences[k]->seqno, i + 1);
			assert_int_not_equal(array->fences[k]->context, fences[0]->context);
			for (m = 0; m < k; m++)
				assert_int_not_equal(array->fences[k]->context,
						     array->fences[m]->context);
		}
	}
	for (i = 0; i < 3; i++)
		assert_int_equal(ends(fences[i]), 0);
	for (i = 0; i < 4; i++)
		for (k = 0; k < i; k++)
			assert_int_not_equal(record_of(&gpu, "first", i).engine,
					     record_of(&gpu, "first", k).engine);
	assert_int_equal(stats_of(&gpu).max_busy, 4);
	softgpu_context_put(context);
}

/* It has signaled when the last of its batches has ended, and not before. */
static void a_wide_job_ends_with_its_last_batch(void **state)
{
	struct softgpu_context *context = create_context(&gpu, SOFTGPU_CLASS_COMPUTE, 4, "wide");
	struct softgpu_batch batches[4] = { 0 };
	struct dma_fence_array *array;
	struct dma_fence *fence;
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++)
		softgpu_cmd_wait(&batches[i], word_at(i), SOFTGPU_EQUAL, 1);
	fence = submit_wide(context, batches, 4, HOW(.label = "wide"));
	array = to_dma_fence_array(fence);
	for (i = 4; i-- > 0;) {
		assert_true(is_pending(fence));
		open_gate(&gpu, i);
		assert_int_equal(outcome(array->fences[i]), 0);
	}
	assert_int_equal(ends(fence), 0);
	softgpu_context_put(context);
}

/* Implicit synchronisation */

struct shared {
	struct softgpu_bo *bo;
	uint64_t *words;
	struct softgpu_context *contexts[4]; /* each on an engine of its own */
};

#define SHARED_AT UINT64_C(0x40000000)

static void make_shared(struct shared *shared)
{
	unsigned int i;

	shared->bo = create_bo(&gpu, PAGE, SHARED_AT, "shared");
	shared->words = softgpu_bo_map(shared->bo);
	for (i = 0; i < 4; i++)
		shared->contexts[i] = create_context_on(&gpu, SOFTGPU_CLASS_COMPUTE, i, "user");
}

static void drop_shared(struct shared *shared)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		softgpu_context_put(shared->contexts[i]);
	softgpu_bo_put(shared->bo);
}

/* A job of an engine that uses the shared buffer. */
static struct dma_fence *use(struct shared *shared, unsigned int engine,
			     struct softgpu_batch *batch, bool write, bool overwrite)
{
	struct softgpu_use use = { .bo = shared->bo, .write = write, .overwrite = overwrite };

	return submit(shared->contexts[engine], batch, HOW(.uses = &use, .num_uses = 1));
}

static struct dma_fence *use_to_store(struct shared *shared, unsigned int engine, uint64_t value)
{
	struct softgpu_batch batch = { 0 };

	softgpu_cmd_store(&batch, SHARED_AT, value);
	return use(shared, engine, &batch, true, false);
}

/* Stores it when the gate is open. */
static struct dma_fence *use_to_store_late(struct shared *shared, unsigned int engine,
					   unsigned int gate, uint64_t value)
{
	struct softgpu_batch batch = { 0 };

	softgpu_cmd_wait(&batch, word_at(gate), SOFTGPU_EQUAL, 1);
	softgpu_cmd_store(&batch, SHARED_AT, value);
	return use(shared, engine, &batch, true, false);
}

static struct dma_fence *use_to_read(struct shared *shared, unsigned int engine, unsigned int word)
{
	struct softgpu_batch batch = { 0 };

	softgpu_cmd_copy(&batch, word_at(word), SHARED_AT, 8);
	return use(shared, engine, &batch, false, false);
}

static void a_reader_waits_for_the_writer(void **state)
{
	struct dma_fence *writer, *reader;
	struct shared shared;

	(void)state;
	make_shared(&shared);
	writer = use_to_store_late(&shared, 0, 0, 42);
	reader = use_to_read(&shared, 1, 10);
	pass(&gpu, SOFTGPU_CLASS_COMPUTE, 1);
	assert_true(is_pending(reader));
	open_gate(&gpu, 0);
	assert_int_equal(ends(reader), 0);
	assert_int_equal(word(&gpu, 10), 42);
	assert_int_equal(ends(writer), 0);
	drop_shared(&shared);
}

static void a_writer_waits_for_readers(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct dma_fence *readers[2], *writer;
	struct shared shared;
	unsigned int i;

	(void)state;
	make_shared(&shared);
	shared.words[0] = 1;
	for (i = 0; i < 2; i++) {
		softgpu_cmd_wait(&batch, word_at(i), SOFTGPU_EQUAL, 1);
		softgpu_cmd_copy(&batch, word_at(10 + i), SHARED_AT, 8);
		readers[i] = use(&shared, i, &batch, false, false);
	}
	writer = use_to_store(&shared, 2, 2);
	for (i = 0; i < 2; i++) {
		pass(&gpu, SOFTGPU_CLASS_COMPUTE, 2);
		assert_true(is_pending(writer));
		open_gate(&gpu, i);
		assert_int_equal(ends(readers[i]), 0);
		assert_int_equal(word(&gpu, 10 + i), 1);
	}
	assert_int_equal(ends(writer), 0);
	assert_int_equal(shared.words[0], 2);
	drop_shared(&shared);
}

static void a_writer_waits_for_the_writer(void **state)
{
	struct dma_fence *first, *second;
	struct shared shared;

	(void)state;
	make_shared(&shared);
	first = use_to_store_late(&shared, 0, 0, 1);
	second = use_to_store(&shared, 1, 2);
	pass(&gpu, SOFTGPU_CLASS_COMPUTE, 1);
	assert_true(is_pending(second));
	open_gate(&gpu, 0);
	assert_int_equal(ends(second), 0);
	assert_int_equal(ends(first), 0);
	assert_int_equal(shared.words[0], 2);
	drop_shared(&shared);
}

/* Two readers that wait for each other. */
static void readers_do_not_wait_for_readers(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct dma_fence *readers[2];
	struct shared shared;
	unsigned int i;

	(void)state;
	make_shared(&shared);
	for (i = 0; i < 2; i++) {
		softgpu_cmd_store(&batch, word_at(i), 1);
		softgpu_cmd_wait(&batch, word_at(1 - i), SOFTGPU_EQUAL, 1);
		readers[i] = use(&shared, i, &batch, false, false);
	}
	for (i = 0; i < 2; i++)
		assert_int_equal(ends(readers[i]), 0);
	drop_shared(&shared);
}

static void a_reader_waits_for_all_batches_of_a_wide_writer(void **state)
{
	struct softgpu_context *wide = create_context(&gpu, SOFTGPU_CLASS_COMPUTE, 4, "wide");
	struct softgpu_context *reader = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "reader");
	struct softgpu_batch batches[4] = { 0 }, batch = { 0 };
	struct dma_fence *writer, *fence;
	struct softgpu_use use = { .write = true };
	struct shared shared;
	unsigned int i;

	(void)state;
	make_shared(&shared);
	use.bo = shared.bo;
	for (i = 0; i < 4; i++) {
		softgpu_cmd_wait(&batches[i], word_at(i), SOFTGPU_EQUAL, 1);
		softgpu_cmd_store(&batches[i], SHARED_AT + 8 * i, i + 1);
	}
	writer = submit_wide(wide, batches, 4, HOW(.uses = &use, .num_uses = 1));
	use.write = false;
	softgpu_cmd_copy(&batch, word_at(10), SHARED_AT, 32);
	fence = submit(reader, &batch, HOW(.uses = &use, .num_uses = 1));
	for (i = 4; i-- > 0;) {
		pass(&gpu, SOFTGPU_CLASS_COPY, 0);
		assert_true(is_pending(fence));
		open_gate(&gpu, i);
		assert_int_equal(outcome(to_dma_fence_array(writer)->fences[i]), 0);
	}
	assert_int_equal(ends(fence), 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(word(&gpu, 10 + i), i + 1);
	assert_int_equal(ends(writer), 0);
	softgpu_context_put(wide);
	softgpu_context_put(reader);
	drop_shared(&shared);
}

/* Also who has nothing to do with how the others fare. */
static void waits_for_all_batches_of(struct softgpu_use wide_use, struct softgpu_use after)
{
	struct softgpu_context *wide = create_context(&gpu, SOFTGPU_CLASS_COMPUTE, 4, "wide");
	struct softgpu_context *context = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "c");
	/* Neither the first nor the last one tells of all. */
	static const unsigned int order[4] = { 0, 3, 1, 2 };
	struct softgpu_batch batches[4] = { 0 };
	struct dma_fence *first, *second;
	struct shared shared;
	unsigned int i, k;

	make_shared(&shared);
	wide_use.bo = after.bo = shared.bo;
	for (i = 0; i < 4; i++) {
		set_word(&gpu, i, 0);
		softgpu_cmd_wait(&batches[i], word_at(i), SOFTGPU_EQUAL, 1);
	}
	first = submit_wide(wide, batches, 4, HOW(.uses = &wide_use, .num_uses = 1));
	second = submit_store(context, 10, 1, HOW(.uses = &after, .num_uses = 1));
	for (k = 0; k < 4; k++) {
		i = order[k];
		pass(&gpu, SOFTGPU_CLASS_COPY, 0);
		assert_true(is_pending(second));
		assert_int_equal(softgpu_bo_wait(shared.bo, true, 0), 0);
		open_gate(&gpu, i);
		assert_int_equal(outcome(to_dma_fence_array(first)->fences[i]), 0);
	}
	assert_int_equal(ends(second), 0);
	assert_int_equal(ends(first), 0);
	softgpu_context_put(wide);
	softgpu_context_put(context);
	drop_shared(&shared);
}

static void writers_wait_for_all_batches_of_wide_jobs(void **state)
{
	const struct softgpu_use read = { .write = false };
	const struct softgpu_use write = { .write = true };
	const struct softgpu_use overwrite = { .write = true, .overwrite = true };

	(void)state;
	waits_for_all_batches_of(read, write);
	waits_for_all_batches_of(read, overwrite);
	waits_for_all_batches_of(write, overwrite);
}

static void without_fences_nobody_waits(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct dma_fence *writer, *reader, *last;
	struct softgpu_use use = { 0 };
	struct shared shared;

	(void)state;
	make_shared(&shared);
	use.bo = shared.bo;
	writer = use_to_store_late(&shared, 0, 0, 42);
	softgpu_cmd_copy(&batch, word_at(10), SHARED_AT, 8);
	reader = submit(shared.contexts[1], &batch,
			HOW(.uses = &use, .num_uses = 1, .flags = SOFTGPU_SUBMIT_UNFENCED));
	assert_int_equal(ends(reader), 0);
	assert_int_equal(word(&gpu, 10), 0);
	/* What is put into the buffer counts for others all the same. */
	softgpu_cmd_wait(&batch, word_at(1), SOFTGPU_EQUAL, 1);
	reader = submit(shared.contexts[1], &batch,
			HOW(.uses = &use, .num_uses = 1, .flags = SOFTGPU_SUBMIT_UNFENCED));
	open_gate(&gpu, 0);
	assert_int_equal(ends(writer), 0);
	last = use_to_store(&shared, 2, 43);
	pass(&gpu, SOFTGPU_CLASS_COMPUTE, 2);
	assert_true(is_pending(last));
	open_gate(&gpu, 1);
	assert_int_equal(ends(last), 0);
	assert_int_equal(ends(reader), 0);
	drop_shared(&shared);
}

/* A writer that fails, or waits for a fence of the test's that will. */
static struct dma_fence *failing_writer(struct shared *shared, unsigned int engine,
					struct dma_fence *own)
{
	struct softgpu_use use = { .bo = shared->bo, .write = true };
	struct softgpu_in_fence in = FENCE_IN(own);
	struct softgpu_batch batch = { 0 };

	return submit(shared->contexts[engine], &batch,
		      HOW(.uses = &use, .num_uses = 1, .sync = AFTER(&in, 1)));
}

static void a_failed_write_fails_those_who_read(bool pending)
{
	struct dma_fence *own = own_fence(), *writer, *reader, *changer, *later;
	struct shared shared;

	make_shared(&shared);
	if (!pending) {
		dma_fence_set_error(own, -EIO);
		dma_fence_signal(own);
	}
	writer = failing_writer(&shared, 0, own);
	if (!pending)
		assert_int_equal(outcome(writer), -EIO);
	reader = use_to_read(&shared, 1, 10);
	/* Who writes without saying that he overwrites has use for what was there. */
	changer = use_to_store(&shared, 2, 1);
	later = use_to_read(&shared, 3, 11);
	if (pending) {
		dma_fence_set_error(own, -EIO);
		dma_fence_signal(own);
	}
	assert_int_equal(ends(writer), -EIO);
	assert_int_equal(ends(reader), -EIO);
	assert_int_equal(ends(changer), -EIO);
	assert_int_equal(ends(later), -EIO);
	assert_int_equal(shared.words[0], 0);
	assert_int_equal(softgpu_bo_wait(shared.bo, false, DMA_FENCE_WAIT_FOREVER), -EIO);
	dma_fence_put(own);
	drop_shared(&shared);
}

static void failed_writes_fail_those_who_read(void **state)
{
	(void)state;
	a_failed_write_fails_those_who_read(true);
	a_failed_write_fails_those_who_read(false);
}

static void a_good_write_over_a_failed_one(bool pending)
{
	struct dma_fence *own = own_fence(), *writer, *overwriter, *reader;
	struct softgpu_batch batch = { 0 };
	struct shared shared;

	make_shared(&shared);
	if (!pending) {
		dma_fence_set_error(own, -EIO);
		dma_fence_signal(own);
	}
	writer = failing_writer(&shared, 0, own);
	softgpu_cmd_store(&batch, SHARED_AT, 5);
	overwriter = use(&shared, 1, &batch, true, true);
	reader = use_to_read(&shared, 2, 10);
	if (pending) {
		pass(&gpu, SOFTGPU_CLASS_COMPUTE, 1);
		assert_true(is_pending(overwriter));
		dma_fence_set_error(own, -EIO);
		dma_fence_signal(own);
	}
	assert_int_equal(ends(writer), -EIO);
	assert_int_equal(ends(overwriter), 0);
	assert_int_equal(ends(reader), 0);
	assert_int_equal(word(&gpu, 10), 5);
	set_word(&gpu, 10, 0);
	assert_true(softgpu_bo_wait(shared.bo, false, DMA_FENCE_WAIT_FOREVER) > 0);
	dma_fence_put(own);
	drop_shared(&shared);
}

static void good_writes_over_failed_ones(void **state)
{
	(void)state;
	a_good_write_over_a_failed_one(true);
	a_good_write_over_a_failed_one(false);
}

/* A writer has to come after readers, and has nothing to do with how they fared. */
static void failed_readers_fail_nobody(void **state)
{
	struct dma_fence *own = own_fence(), *reader, *writer;
	struct softgpu_use use = { 0 };
	struct softgpu_in_fence in = FENCE_IN(own);
	struct softgpu_batch batch = { 0 };
	struct shared shared;

	(void)state;
	make_shared(&shared);
	use.bo = shared.bo;
	reader = submit(shared.contexts[0], &batch,
			HOW(.uses = &use, .num_uses = 1, .sync = AFTER(&in, 1)));
	writer = use_to_store(&shared, 1, 9);
	end_own(own, -EIO);
	assert_int_equal(ends(reader), -EIO);
	assert_int_equal(ends(writer), 0);
	assert_int_equal(shared.words[0], 9);
	drop_shared(&shared);
}

struct crossing {
	struct softgpu_context *context;
	struct softgpu_bo *bos[8];
	bool backwards;
};

#define CROSSINGS 300

static void *cross(void *arg)
{
	struct crossing *crossing = arg;
	struct softgpu_batch batch = { 0 };
	struct softgpu_use uses[8];
	unsigned int i, k, id;

	for (i = 0; i < CROSSINGS; i++) {
		for (k = 0; k < 8; k++)
			uses[k] = (struct softgpu_use){
				.bo = crossing->bos[crossing->backwards ? 7 - k : k],
				.write = true,
			};
		/* What it stores is there until its end. */
		id = crossing->backwards * CROSSINGS + i + 1;
		softgpu_cmd_store(&batch, word_at(0), id);
		softgpu_cmd_copy(&batch, word_at(id), word_at(0), 8);
		dma_fence_put(submit(crossing->context, &batch, HOW(.uses = uses, .num_uses = 8)));
	}
	return NULL;
}

static void jobs_with_the_same_buffers_in_the_opposite_order(void **state)
{
	struct crossing crossings[2];
	pthread_t threads[2];
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++)
		crossings[0].bos[i] = softgpu_bo_create(gpu.device, PAGE, "crossed");
	for (i = 0; i < 2; i++) {
		memcpy(crossings[i].bos, crossings[0].bos, sizeof(crossings[0].bos));
		crossings[i].backwards = i;
		crossings[i].context = create_context_on(&gpu, SOFTGPU_CLASS_COPY, i, "crossing");
	}
	for (i = 0; i < 2; i++)
		threads[i] = start(cross, &crossings[i]);
	for (i = 0; i < 2; i++)
		join(threads[i]);
	for (i = 0; i < 8; i++) {
		assert_true(softgpu_bo_wait(crossings[0].bos[i], true, DMA_FENCE_WAIT_FOREVER) > 0);
		softgpu_bo_put(crossings[0].bos[i]);
	}
	for (i = 1; i <= 2 * CROSSINGS; i++)
		assert_int_equal(word(&gpu, i), i);
	assert_int_equal(stats_of(&gpu).submissions, 2 * CROSSINGS);
	for (i = 0; i < 2; i++)
		softgpu_context_put(crossings[i].context);
}

static void a_job_waits_for_binds_that_came_before(void **state)
{
	struct softgpu_context *context = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "c");
	struct softgpu_bo *bo = softgpu_bo_create(gpu.device, PAGE, "late");
	struct softgpu_bind bind = { .bo = bo, .address = SHARED_AT, .bytes = PAGE };
	struct dma_fence *own = own_fence(), *fence;
	struct softgpu_in_fence in = FENCE_IN(own);
	struct softgpu_sync sync = AFTER(&in, 1);
	struct softgpu_batch batch = { 0 };

	(void)state;
	assert_int_equal(softgpu_vm_bind(gpu.vm, &bind, 1, &sync), 0);
	softgpu_cmd_store(&batch, SHARED_AT, 7);
	fence = submit(context, &batch, HOW(.label = ""));
	pass_binds(&gpu);
	pass(&gpu, SOFTGPU_CLASS_COPY, 0);
	assert_true(is_pending(fence));
	end_own(own, 0);
	assert_int_equal(ends(fence), 0);
	assert_int_equal(*(uint64_t *)softgpu_bo_map(bo), 7);
	softgpu_context_put(context);
	softgpu_bo_put(bo);
}

/* What makes no sense, and what cannot be */

/* A submission that is right in all, for tests to spoil. */
struct sound {
	struct softgpu_batch batches[4];
	struct softgpu_use uses[2];
	struct softgpu_in_fence in;
	struct places places;
	struct dma_fence *own;
	struct softgpu_submission submission;
};

static struct softgpu_context *refusing;
static struct shared refused_buffer;

static void make_sound(struct sound *sound)
{
	memset(sound, 0, sizeof(*sound));
	make_places(&sound->places);
	sound->own = own_fence();
	sound->in = FENCE_IN(sound->own);
	softgpu_cmd_store(&sound->batches[1], word_at(0), 1);
	sound->uses[0] = (struct softgpu_use){ .bo = refused_buffer.bo, .write = true };
	sound->uses[1] = (struct softgpu_use){ .bo = gpu.bo };
	sound->submission = (struct softgpu_submission){
		.batches = sound->batches,
		.uses = sound->uses,
		.num_uses = 2,
		.sync = { .in = &sound->in, .num_in = 1, .out = sound->places.out, .num_out = 4 },
	};
}

/* It is refused, and nothing has happened. */
static void is_refused(struct sound *sound, int error)
{
	struct softgpu_device_stats before = stats_of(&gpu);
	unsigned int i;

	assert_int_equal(softgpu_context_submit(refusing, &sound->submission), error);
	assert_nothing_done(&gpu, &before);
	assert_null(sound->places.fence);
	assert_int_equal(sound->places.fd, -1);
	/* If a point was promised by then, nobody waits for it for ever. */
	i = (unsigned int)dma_fence_syncobj_status(sound->places.timeline, 3);
	assert_true((int)i == -ENOENT || (int)i == -ECANCELED);
	assert_true(softgpu_bo_wait(refused_buffer.bo, true, 0) > 0);
	clear_places(&sound->places);
	assert_int_equal(references(sound->own), 1);
	end_own(sound->own, 0);
	for (i = 0; i < 4; i++)
		softgpu_batch_fini(&sound->batches[i]);
}

#define REFUSED(error, ...) \
	do { \
		struct sound sound; \
\
		make_sound(&sound); \
		__VA_ARGS__; \
		is_refused(&sound, error); \
	} while (0)

static void wrong_submissions_are_refused(void)
{
	struct softgpu_submission *s;

	assert_int_equal(softgpu_context_submit(refusing, NULL), -EINVAL);
	REFUSED(-EINVAL, s = &sound.submission; s->batches = NULL);
	REFUSED(-EINVAL, sound.submission.flags = 1u << 2);
	REFUSED(-EINVAL, sound.submission.time_limit_ns = -1);
	REFUSED(-EINVAL, sound.submission.uses = NULL);
	REFUSED(-EINVAL, sound.submission.sync.in = NULL);
	REFUSED(-EINVAL, sound.submission.sync.out = NULL);
	(void)s;
}

static void wrong_batches_are_refused(void)
{
	/* The last one, too, and for want of memory what that says. */
	REFUSED(-EINVAL, softgpu_cmd_store(&sound.batches[3], 4, 1));
	REFUSED(-EINVAL, softgpu_cmd_hang(&sound.batches[2]); sound.batches[2].size--);
	REFUSED(-ENOMEM, sound.batches[2].error = -ENOMEM);
	REFUSED(-EINVAL, sound.batches[2].size = 8);
	REFUSED(-EINVAL, softgpu_cmd_encode(&sound.batches[0], 0, 1, 0,
					    &(struct softgpu_surface){
						    .width = 1, .height = 1, .pitch = { 1 } },
					    SOFTGPU_ENCODE_PNG, 0));
}

static void wrong_uses_are_refused(struct softgpu_bo *of_another_device)
{
	REFUSED(-EINVAL, sound.uses[1].bo = NULL);
	REFUSED(-EINVAL, sound.uses[1].bo = of_another_device);
	REFUSED(-EINVAL, sound.uses[1].overwrite = true);
	REFUSED(-EALREADY, sound.uses[1].bo = refused_buffer.bo);
}

static void wrong_fences_are_refused(void)
{
	int not_a_sync_file = open("/dev/null", O_RDONLY | O_CLOEXEC);

	REFUSED(-EINVAL, sound.in.fence = NULL);
	REFUSED(-EINVAL, sound.in.type = 17);
	REFUSED(-EINVAL, sound.in.flags = 2);
	REFUSED(-EBADF, sound.in.type = SOFTGPU_SYNC_FILE; sound.in.fd = -1);
	REFUSED(-EINVAL, sound.in.type = SOFTGPU_SYNC_FILE; sound.in.fd = not_a_sync_file);
	REFUSED(-EINVAL, sound.in.type = SOFTGPU_POINT; sound.in.syncobj = NULL);
	REFUSED(-ENOENT, sound.in.type = SOFTGPU_POINT; sound.in.syncobj = sound.places.timeline;
		sound.in.point = 3);
	REFUSED(-ENOENT, sound.in.type = SOFTGPU_POINT; sound.in.syncobj = sound.places.binary);
	REFUSED(-EINVAL, sound.places.out[1].type = 17);
	REFUSED(-EINVAL, sound.places.out[0].fence = NULL);
	REFUSED(-EINVAL, sound.places.out[1].fd = NULL);
	REFUSED(-EINVAL, sound.places.out[2].syncobj = NULL);
	/* When others have been promised. */
	REFUSED(-EINVAL, sound.places.out[3].syncobj = sound.places.timeline);
	REFUSED(-ERANGE, sound.places.out[3].syncobj = sound.places.timeline;
		sound.places.out[3].point = 2);
	close(not_a_sync_file);
}

static void what_makes_no_sense_is_refused(void **state)
{
	struct softgpu_device *another = softgpu_device_create(NULL);
	struct softgpu_bo *of_another = softgpu_bo_create(another, 1, "of another device");
	struct sound sound;
	unsigned int i;

	(void)state;
	assert_non_null(of_another);
	refusing = create_context(&gpu, SOFTGPU_CLASS_COMPUTE, 4, "refusing");
	make_shared(&refused_buffer);
	assert_int_equal(softgpu_context_submit(NULL, &HOW(.label = "")), -EINVAL);
	wrong_submissions_are_refused();
	wrong_batches_are_refused();
	wrong_uses_are_refused(of_another);
	wrong_fences_are_refused();
	/* What is right has not suffered from all that. */
	make_sound(&sound);
	assert_int_equal(softgpu_context_submit(refusing, &sound.submission), 0);
	end_own(sound.own, 0);
	assert_int_equal(outcome(sound.places.fence), 0);
	assert_int_equal(sound.places.fence->seqno, 1);
	clear_places(&sound.places);
	for (i = 0; i < 4; i++)
		softgpu_batch_fini(&sound.batches[i]);
	softgpu_context_put(refusing);
	drop_shared(&refused_buffer);
	softgpu_bo_put(of_another);
	softgpu_device_destroy(another);
}

static void a_promise_of_a_refused_job_is_broken(void **state)
{
	struct dma_fence_syncobj *timeline = dma_fence_syncobj_create(0);
	struct softgpu_out_fence out[2] = {
		{ .type = SOFTGPU_POINT, .syncobj = timeline, .point = 5 },
		{ .type = SOFTGPU_POINT, .syncobj = timeline, .point = 5 },
	};
	struct softgpu_context *context = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "c");
	struct softgpu_batch batch = { 0 };

	(void)state;
	assert_int_equal(
		softgpu_context_submit(
			context, &HOW(.batches = &batch, .sync = { .out = out, .num_out = 2 })),
		-ERANGE);
	assert_int_equal(dma_fence_syncobj_status(timeline, 5), -ECANCELED);
	dma_fence_syncobj_put(timeline);
	softgpu_context_put(context);
}

static void contexts_that_make_no_sense(void **state)
{
	unsigned int twice[2] = { 1, 1 }, beyond[2] = { 0, 4 };
	const struct softgpu_context_params wrong[] = {
		{ .engine_class = SOFTGPU_CLASS_BIND },
		{ .engine_class = 77 },
		{ .engine_class = SOFTGPU_CLASS_COPY, .width = 3 },
		{ .engine_class = SOFTGPU_CLASS_COMPUTE, .width = 2, .engines = twice },
		{ .engine_class = SOFTGPU_CLASS_COMPUTE, .width = 2, .engines = beyond },
		{ .engine_class = SOFTGPU_CLASS_COPY, .priority = 3 },
	};
	const struct softgpu_device_params devices[] = {
		{ .num_engines = { SOFTGPU_MAX_ENGINES + 1 } },
		{ .ring_size = UINT32_MAX },
		{ .time_limit_ns = -1 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		errno = 0;
		assert_null(softgpu_context_create(gpu.vm, &wrong[i]));
		assert_int_equal(errno, EINVAL);
	}
	assert_null(softgpu_context_create(gpu.vm, NULL));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(softgpu_context_create(NULL, &wrong[0]));
	assert_int_equal(errno, EINVAL);
	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		errno = 0;
		assert_null(softgpu_device_create(&devices[i]));
		assert_int_equal(errno, EINVAL);
	}
	softgpu_context_put(NULL);
	softgpu_vm_put(NULL);
	softgpu_bo_put(NULL);
	softgpu_device_destroy(NULL);
}

/* Time limits of no end, which "now" cannot be added to. */
static void as_long_as_it_takes(void **state)
{
	struct softgpu_context *context = create_context(&gpu, SOFTGPU_CLASS_COPY, 1, "c");
	struct dma_fence *fence;

	(void)state;
	fence = submit_gate(context, 0, HOW(.time_limit_ns = INT64_MAX));
	await_gate(&gpu, 0);
	open_gate(&gpu, 0);
	assert_int_equal(ends(fence), 0);
	softgpu_context_put(context);
}

/* Telling of it */

static void records(void **state)
{
	struct softgpu_context *context =
		create_context(&gpu, SOFTGPU_CLASS_COMPUTE, 2, "wide one");
	char label[100];
	struct softgpu_batch batches[2] = { 0 };
	int64_t begin = clock_now();
	struct dma_fence *fence;
	unsigned int i;

	(void)state;
	memset(label, 'x', sizeof(label) - 1);
	label[sizeof(label) - 1] = '\0';
	fence = submit_wide(context, batches, 2, HOW(.label = label));
	assert_int_equal(outcome(fence), 0);
	label[63] = '\0';
	for (i = 0; i < 2; i++) {
		struct softgpu_job_record record = record_of(&gpu, label, i);
		struct dma_fence *own = to_dma_fence_array(fence)->fences[i];
		struct softgpu_engine_info info;

		assert_int_equal(softgpu_device_engine_info(gpu.device, record.engine, &info), 0);
		assert_int_equal(info.engine_class, SOFTGPU_CLASS_COMPUTE);
		assert_int_equal(record.context, own->context);
		assert_int_equal(record.seqno, own->seqno);
		assert_int_equal(record.error, 0);
		assert_true(begin <= record.submitted_ns);
		assert_true(record.submitted_ns <= record.ready_ns);
		assert_true(record.ready_ns <= record.begun_ns);
		assert_true(record.begun_ns <= record.ended_ns);
		assert_true(record.ended_ns <= dma_fence_timestamp(own));
	}
	for (i = 0; i < gpu.num_records; i++)
		if (!strcmp(gpu.records[i].label, label))
			assert_string_equal(gpu.records[i].context_name, "wide one");
	dma_fence_put(fence);
	/* What is not begun has not begun. */
	dma_fence_set_error((fence = own_fence()), -EIO);
	dma_fence_signal(fence);
	assert_int_equal(
		ends(submit_wide(context, batches, 2,
				 HOW(.label = "never begun", .sync = AFTER(&FENCE_IN(fence), 1)))),
		-EIO);
	dma_fence_put(fence);
	for (i = 0; i < 2; i++) {
		assert_int_equal(record_of(&gpu, "never begun", i).begun_ns, 0);
		assert_int_equal(record_of(&gpu, "never begun", i).error, -EIO);
	}
	softgpu_context_put(context);
}

static void stats(void **state)
{
	struct softgpu_context *context = create_context(&gpu, SOFTGPU_CLASS_COMPUTE, 4, "wide");
	struct softgpu_device_stats before, after;
	struct softgpu_batch batches[4] = { 0 };
	struct dma_fence *own[2] = { own_fence(), own_fence() }, *fence;
	struct softgpu_in_fence in[2] = { FENCE_IN(own[0]), FENCE_IN(own[1]) };
	unsigned int i;

	(void)state;
	before = stats_of(&gpu);
	assert_int_equal(before.live_bytes, softgpu_bo_size(gpu.bo));
	assert_int_equal(before.arrays, 1);
	assert_int_equal(before.fences, 2);
	assert_int_equal(before.submissions, 0);
	fence = submit_wide(context, batches, 4, HOW(.sync = AFTER(in, 2)));
	for (i = 0; i < 2; i++)
		end_own(own[i], 0);
	assert_int_equal(ends(fence), 0);
	after = stats_of(&gpu);
	assert_int_equal(after.submissions - before.submissions, 1);
	assert_int_equal(after.fences - before.fences, 4);
	assert_int_equal(after.arrays - before.arrays, 1);
	assert_int_equal(after.merges - before.merges, 1);
	assert_int_equal(after.faults + after.hangs + after.bans, 0);
	softgpu_context_put(context);
}

static void engines(void **state)
{
	static const char *const names[] = {
		"copy 0",    "copy 1",	 "compute 0", "compute 1", "compute 2",
		"compute 3", "encode 0", "encode 1",  "bind 0",	   "bind 1",
	};
	struct softgpu_context *context = create_context_on(&gpu, SOFTGPU_CLASS_ENCODE, 1, "c");
	struct softgpu_engine_info info;
	unsigned int i;

	(void)state;
	assert_int_equal(softgpu_device_num_engines(gpu.device), ARRAY_SIZE(names));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(softgpu_device_engine_info(gpu.device, i, &info), 0);
		assert_string_equal(info.name, names[i]);
		assert_int_equal(info.tile, i % 2);
		assert_int_equal(info.hangs, 0);
		assert_int_equal(info.jobs, info.engine_class == SOFTGPU_CLASS_BIND);
	}
	assert_int_equal(softgpu_device_engine_info(gpu.device, i, &info), -EINVAL);
	assert_int_equal(ends(submit_store(context, 0, 1, HOW(.label = ""))), 0);
	assert_int_equal(softgpu_device_engine_info(gpu.device, 7, &info), 0);
	assert_int_equal(info.jobs, 1);
	assert_true(info.busy_ns > 0);
	/* Unless it had not come to sleep yet. */
	assert_true(info.wake_ups <= 1);
	softgpu_context_put(context);
}

/* Signals of the program's are for the program's threads. */

static unsigned long long blocked_signals(const char *thread)
{
	unsigned long long blocked = 0;
	char path[300], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", thread);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "SigBlk: %llx", &blocked) == 1)
			break;
	fclose(file);
	return blocked;
}

/* Threads that block signals, or do not. */
static int count_blocking(int signum, bool blocking)
{
	DIR *folder = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			count += (blocked_signals(entry->d_name) >> (signum - 1) & 1) == blocking;
	closedir(folder);
	return count;
}

static void engines_are_not_interrupted(void **state)
{
	const int open_before = count_blocking(SIGUSR1, false);
	const int blocking_before = count_blocking(SIGTERM, true);
	struct softgpu_device *another = softgpu_device_create(NULL);

	(void)state;
	assert_non_null(another);
	assert_int_equal(count_blocking(SIGUSR1, false), open_before);
	/* One for each engine, and the one that gives memory back. */
	assert_int_equal(count_blocking(SIGTERM, true),
			 blocking_before + 1 + softgpu_device_num_engines(another));
	softgpu_device_destroy(another);
}

/* By way of a job that waits for it. The last test, for there are records from here on. */
static void what_a_job_waits_for_is_known(void **state)
{
	struct softgpu_context *first = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "first");
	struct softgpu_context *second = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 1, "second");
	struct softgpu_context *wide = create_context(&gpu, SOFTGPU_CLASS_COMPUTE, 2, "wide");
	struct softgpu_batch batches[2] = { 0 };
	struct softgpu_in_fence in;
	struct dma_fence *fences[3];
	char *text = NULL;
	size_t size;
	FILE *file;
	int i;

	(void)state;
	assert_int_equal(dma_fence_debug("records"), 0);
	fences[0] = submit_gate(first, 0, HOW(.label = ""));
	await_gate(&gpu, 0);
	in = FENCE_IN(fences[0]);
	fences[1] = submit_wide(wide, batches, 2, HOW(.sync = AFTER(&in, 1)));
	in = FENCE_IN(fences[1]);
	fences[2] = submit_store(second, 10, 1, HOW(.sync = AFTER(&in, 1)));
	file = open_memstream(&text, &size);
	assert_non_null(file);
	dma_fence_explain(fences[2], file);
	fclose(file);
	/* In its verdict. */
	*strchr(text, '\n') = '\0';
	assert_non_null(strstr(text, "engine 'softgpu first on copy 0' has not signaled"));
	free(text);
	open_gate(&gpu, 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(ends(fences[i]), 0);
	softgpu_context_put(first);
	softgpu_context_put(second);
	softgpu_context_put(wide);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		gpu_test(jobs_of_a_context_are_done_in_order),
		gpu_test(commands_are_copied),
		gpu_test(in_fences_of_all_sources),
		gpu_test(failed_in_fences_of_all_sources),
		gpu_test(many_in_fences),
		gpu_test(out_fences_of_all_kinds),
		gpu_test(an_out_point_is_an_in_point_at_once),
		gpu_test(a_wide_job_is_an_array_on_the_contexts_own_fence_context),
		gpu_test(a_wide_job_ends_with_its_last_batch),
		gpu_test(a_reader_waits_for_the_writer),
		gpu_test(a_writer_waits_for_readers),
		gpu_test(a_writer_waits_for_the_writer),
		gpu_test(readers_do_not_wait_for_readers),
		gpu_test(a_reader_waits_for_all_batches_of_a_wide_writer),
		gpu_test(writers_wait_for_all_batches_of_wide_jobs),
		gpu_test(without_fences_nobody_waits),
		gpu_test(failed_writes_fail_those_who_read),
		gpu_test(good_writes_over_failed_ones),
		gpu_test(failed_readers_fail_nobody),
		gpu_test(jobs_with_the_same_buffers_in_the_opposite_order),
		gpu_test(a_job_waits_for_binds_that_came_before),
		gpu_test(what_makes_no_sense_is_refused),
		gpu_test(a_promise_of_a_refused_job_is_broken),
		gpu_test(contexts_that_make_no_sense),
		gpu_test(as_long_as_it_takes),
		gpu_test(records),
		gpu_test(stats),
		gpu_test(engines),
		gpu_test(engines_are_not_interrupted),
		gpu_test(what_a_job_waits_for_is_known),
	};

	return RUN(tests);
}
