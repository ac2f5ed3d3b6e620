/* SPDX-License-Identifier: MIT */
/* Binds: when what is mapped changes, on both tiles, and what stands for that. */
#include "gpu.h"

#include <dmafence/sync-file.h>
#include <dmafence/syncobj.h>

static struct gpu gpu;

#define HERE UINT64_C(0x40000000)

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

/* A buffer whose first word of each page is a value. */
static struct softgpu_bo *valued_bo(unsigned int pages, uint64_t value, const char *name)
{
	struct softgpu_bo *bo = softgpu_bo_create(gpu.device, pages * PAGE, name);
	unsigned int i;

	assert_non_null(bo);
	for (i = 0; i < pages; i++)
		((uint64_t *)softgpu_bo_map(bo))[i * PAGE / 8] = value + i;
	return bo;
}

static struct softgpu_bind mapping(struct softgpu_bo *bo, uint64_t address, unsigned int first,
				   unsigned int pages)
{
	return (struct softgpu_bind){
		.bo = bo,
		.offset = first * PAGE,
		.address = address,
		.bytes = pages * PAGE,
	};
}

static struct softgpu_bind no_mapping(uint64_t address, unsigned int pages)
{
	return (struct softgpu_bind){
		.address = address,
		.bytes = pages * PAGE,
		.flags = SOFTGPU_BIND_UNMAP,
	};
}

/* Returns what stands for it. */
static struct dma_fence *bind(struct softgpu_vm *vm, const struct softgpu_bind *binds,
			      unsigned int num, struct dma_fence *after, unsigned int flags)
{
	struct dma_fence *fence = NULL;
	const struct softgpu_in_fence in = FENCE_IN(after, .flags = flags);
	const struct softgpu_out_fence out = { .type = SOFTGPU_FENCE, .fence = &fence };
	const struct softgpu_sync sync = {
		.in = &in,
		.num_in = after ? 1 : 0,
		.out = &out,
		.num_out = 1,
	};

	assert_int_equal(softgpu_vm_bind(vm, binds, num, &sync), 0);
	assert_non_null(fence);
	return fence;
}

static void bind_now(const struct softgpu_bind *binds, unsigned int num)
{
	assert_int_equal(ends(bind(gpu.vm, binds, num, NULL, 0)), 0);
}

/* The word there as a tile sees it at this moment, whatever is pending; 0 if there is nothing. */
static uint64_t seen_by(unsigned int tile, uint64_t address)
{
	struct softgpu_batch batch = { 0 };
	int ret;

	softgpu_cmd_copy(&batch, word_at(100), address, 8);
	ret = softgpu_vm_execute(gpu.vm, tile, &batch, NULL);
	softgpu_batch_fini(&batch);
	assert_true(ret == 0 || ret == -EFAULT);
	return ret ? 0 : word(&gpu, 100);
}

#define assert_seen(address, value) \
	do { \
		assert_int_equal(seen_by(0, address), value); \
		assert_int_equal(seen_by(1, address), value); \
	} while (0)

static void a_bind_waits_for_its_in_fences(void **state)
{
	struct softgpu_bo *bo = valued_bo(1, 5, "bound");
	struct softgpu_bind binds[] = { mapping(bo, HERE, 0, 1) };
	struct dma_fence *own = own_fence(), *fence;
	struct dma_fence_array *array;

	(void)state;
	fence = bind(gpu.vm, binds, 1, own, 0);
	array = to_dma_fence_array(fence);
	assert_non_null(array);
	assert_int_equal(array->num_fences, SOFTGPU_NUM_TILES);
	pass_binds(&gpu);
	assert_true(is_pending(fence));
	assert_seen(HERE, 0);
	end_own(own, 0);
	assert_int_equal(ends(fence), 0);
	assert_seen(HERE, 5);
	/* It is kept until it is unmapped, or its buffer goes. */
	own = own_fence();
	binds[0] = no_mapping(HERE, 1);
	fence = bind(gpu.vm, binds, 1, own, 0);
	pass_binds(&gpu);
	assert_seen(HERE, 5);
	end_own(own, 0);
	assert_int_equal(ends(fence), 0);
	assert_seen(HERE, 0);
	softgpu_bo_put(bo);
}

/* The engines of both tiles, each by its own page tables. */
static void both_tiles_see_it(void **state)
{
	struct softgpu_bo *bo = valued_bo(1, 5, "bound");
	const struct softgpu_bind binds[] = { mapping(bo, HERE, 0, 1) };
	struct dma_fence *fences[8];
	unsigned int i, k, num = 0;

	(void)state;
	bind_now(binds, 1);
	for (i = 0; i < SOFTGPU_CLASS_BIND; i++) {
		for (k = 0; k < (i == SOFTGPU_CLASS_COMPUTE ? 4 : 2); k++) {
			struct softgpu_context *context = create_context_on(&gpu, i, k, "c");
			struct softgpu_batch batch = { 0 };

			softgpu_cmd_copy(&batch, word_at(num), HERE, 8);
			fences[num++] = submit(context, &batch, HOW(.label = ""));
			softgpu_context_put(context);
		}
	}
	for (i = 0; i < num; i++) {
		assert_int_equal(ends(fences[i]), 0);
		assert_int_equal(word(&gpu, i), 5);
	}
	softgpu_bo_put(bo);
}

/* Holds up the bind engine of a tile, when it has done its part and is about to say so. */
static struct {
	unsigned int tile;
	int armed, holding, go_on;
} hold;

static void hold_up(void *arg, const struct softgpu_job_record *record)
{
	(void)arg;
	if (!atomic_load_acquire(&hold.armed) || strcmp(record->context_name, "binds") ||
	    record->batch != hold.tile)
		return;
	set_flag(&hold.holding);
	await_flag(&hold.go_on);
}

static void it_ends_when_both_tiles_are_done(void **state)
{
	struct softgpu_bo *bo;
	struct softgpu_bind binds[1];
	struct dma_fence_array *array;
	struct dma_fence *fence;
	unsigned int tile;

	(void)state;
	for (tile = 0; tile < SOFTGPU_NUM_TILES; tile++) {
		setup(NULL);
		memset(&hold, 0, sizeof(hold));
		hold.tile = tile;
		softgpu_device_set_recorder(gpu.device, hold_up, NULL);
		bo = valued_bo(1, 5, "bound");
		binds[0] = mapping(bo, HERE, 0, 1);
		set_flag(&hold.armed);
		fence = bind(gpu.vm, binds, 1, NULL, 0);
		array = to_dma_fence_array(fence);
		await_flag(&hold.holding);
		assert_int_equal(outcome(array->fences[1 - tile]), 0);
		assert_true(is_pending(array->fences[tile]));
		assert_true(is_pending(fence));
		assert_int_equal(dma_fence_wait_timeout(fence, false, MS), 0);
		set_flag(&hold.go_on);
		assert_int_equal(ends(fence), 0);
		softgpu_bo_put(bo);
		teardown(NULL);
	}
}

static void out_fences_are_on_a_timeline_in_order(void **state)
{
	const struct softgpu_bind binds[] = { no_mapping(HERE, 1) };
	struct dma_fence_syncobj *timeline = dma_fence_syncobj_create(0);
	struct dma_fence *own = own_fence(), *fences[3];
	struct softgpu_in_fence in = FENCE_IN(own);
	struct softgpu_out_fence out[3];
	int fd = -1;
	unsigned int i, k;

	(void)state;
	assert_non_null(timeline);
	for (i = 0; i < 3; i++) {
		struct softgpu_sync sync = {
			.in = &in,
			.num_in = i == 0,
			.out = out,
			.num_out = 3,
		};

		if (fd >= 0)
			close(fd);
		out[0] = (struct softgpu_out_fence){ .type = SOFTGPU_FENCE, .fence = &fences[i] };
		out[1] = (struct softgpu_out_fence){ .type = SOFTGPU_SYNC_FILE, .fd = &fd };
		out[2] = (struct softgpu_out_fence){
			.type = SOFTGPU_POINT,
			.syncobj = timeline,
			.point = i + 1,
		};
		assert_int_equal(softgpu_vm_bind(gpu.vm, binds, 1, &sync), 0);
		/* One was for the words of the test. */
		assert_int_equal(fences[i]->seqno, i + 2);
		assert_int_equal(fences[i]->context, fences[0]->context);
	}
	/* The second and third have nothing to wait for but the first. */
	pass_binds(&gpu);
	for (i = 0; i < 3; i++)
		for (k = 0; k < SOFTGPU_NUM_TILES; k++)
			assert_true(is_pending(to_dma_fence_array(fences[i])->fences[k]));
	assert_int_equal(dma_fence_syncobj_status(timeline, 3), 0);
	end_own(own, 0);
	assert_int_equal(poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, -1), 1);
	close(fd);
	for (i = 0; i < 3; i++)
		assert_int_equal(ends(fences[i]), 0);
	assert_int_equal(dma_fence_syncobj_status(timeline, 3), 1);
	dma_fence_syncobj_put(timeline);
}

/* Each replaces what those before it have said. */
static void a_batch_is_done_in_its_order(void **state)
{
	struct softgpu_bo *first = valued_bo(4, 10, "first"), *second = valued_bo(4, 20, "second");
	const struct softgpu_bind binds[] = {
		mapping(first, HERE, 0, 4),
		mapping(second, HERE + PAGE, 2, 2),
		no_mapping(HERE + 2 * PAGE, 1),
		mapping(first, HERE + 4 * PAGE, 1, 1),
	};

	(void)state;
	bind_now(binds, ARRAY_SIZE(binds));
	assert_seen(HERE, 10);
	assert_seen(HERE + PAGE, 22);
	assert_seen(HERE + 2 * PAGE, 0);
	assert_seen(HERE + 3 * PAGE, 13);
	assert_seen(HERE + 4 * PAGE, 11);
	softgpu_bo_put(first);
	softgpu_bo_put(second);
}

/* Nobody sees a part of it: two words change places, under somebody who looks all the time. */
struct looker {
	int stop;
	unsigned int looks; /* how many times it has */
};

static void *look(void *arg)
{
	struct looker *looker = arg;
	struct softgpu_batch batch = { 0 };

	/* Two pages that lie together in one buffer or the other are read at once. */
	softgpu_cmd_copy(&batch, word_at(200), HERE + PAGE - 8, 16);
	while (!atomic_load_acquire(&looker->stop)) {
		assert_int_equal(softgpu_vm_execute(gpu.vm, 0, &batch, NULL), 0);
		assert_int_equal(gpu.words[200], gpu.words[201]);
		atomic_fetch_add_relaxed(&looker->looks, 1);
	}
	softgpu_batch_fini(&batch);
	return NULL;
}

static void a_batch_is_done_as_one(void **state)
{
	struct softgpu_bo *bos[2] = { valued_bo(2, 0, "a"), valued_bo(2, 0, "b") };
	struct looker looker = { 0 };
	pthread_t thread;
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		uint64_t *words = softgpu_bo_map(bos[i]);

		words[PAGE / 8 - 1] = words[PAGE / 8] = 7 + i;
	}
	bind_now((struct softgpu_bind[]){ mapping(bos[0], HERE, 0, 2) }, 1);
	thread = start(look, &looker);
	for (i = 1; i < 1000; i++) {
		const struct softgpu_bind binds[] = {
			mapping(bos[i % 2], HERE, 0, 1),
			mapping(bos[i % 2], HERE + PAGE, 1, 1),
		};

		while (atomic_load_relaxed(&looker.looks) < i)
			sched_yield();
		bind_now(binds, 2);
	}
	set_flag(&looker.stop);
	join(thread);
	printf("# looked at %u times\n", looker.looks);
	for (i = 0; i < 2; i++)
		softgpu_bo_put(bos[i]);
}

static void a_failed_in_fence_changes_nothing(void **state)
{
	struct softgpu_bo *bo = valued_bo(1, 5, "bound"), *other = valued_bo(1, 6, "other");
	struct softgpu_context *context = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "c");
	const struct softgpu_bind to_bo[] = { mapping(bo, HERE, 0, 1) };
	const struct softgpu_bind to_other[] = { mapping(other, HERE, 0, 1) };
	struct dma_fence *own = own_fence(), *failed, *later, *job;
	struct softgpu_batch batch = { 0 };

	(void)state;
	bind_now(to_bo, 1);
	failed = bind(gpu.vm, to_other, 1, own, 0);
	/* What uses it is not told of the error, but finds what is there. */
	softgpu_cmd_copy(&batch, word_at(0), HERE, 8);
	job = submit(context, &batch, HOW(.label = ""));
	end_own(own, -EIO);
	assert_int_equal(ends(failed), -EIO);
	assert_int_equal(ends(job), 0);
	assert_int_equal(word(&gpu, 0), 5);
	/* Later binds have nothing to do with it. */
	own = own_fence();
	failed = bind(gpu.vm, to_bo, 1, own, 0);
	later = bind(gpu.vm, to_other, 1, NULL, 0);
	end_own(own, -EIO);
	assert_int_equal(ends(failed), -EIO);
	assert_int_equal(ends(later), 0);
	assert_seen(HERE, 6);
	/* Nor those that only come after it. */
	own = own_fence();
	later = bind(gpu.vm, to_bo, 1, own, SOFTGPU_IN_FENCE_ORDER);
	end_own(own, -EIO);
	assert_int_equal(ends(later), 0);
	assert_seen(HERE, 5);
	softgpu_context_put(context);
	softgpu_bo_put(bo);
	softgpu_bo_put(other);
}

static void address_spaces_do_not_wait_for_each_other(void **state)
{
	struct softgpu_bo *bo = valued_bo(1, 5, "bound");
	const struct softgpu_bind binds[] = { mapping(bo, HERE, 0, 1) };
	struct softgpu_vm *another = softgpu_vm_create(gpu.device);
	struct dma_fence *own = own_fence(), *waiting;

	(void)state;
	assert_non_null(another);
	waiting = bind(gpu.vm, binds, 1, own, 0);
	assert_int_equal(ends(bind(another, binds, 1, NULL, 0)), 0);
	assert_true(is_pending(waiting));
	assert_seen(HERE, 0);
	end_own(own, 0);
	assert_int_equal(ends(waiting), 0);
	softgpu_vm_put(another);
	softgpu_bo_put(bo);
}

/* A job that has begun waits for the word, and uses the address then. */
static struct dma_fence *submit_late_user(struct softgpu_context *context, uint64_t address)
{
	struct softgpu_batch batch = { 0 };

	softgpu_cmd_store(&batch, word_at(1), 1);
	softgpu_cmd_wait(&batch, word_at(0), SOFTGPU_EQUAL, 1);
	softgpu_cmd_copy(&batch, word_at(2), address, 8);
	return submit(context, &batch, HOW(.label = "late"));
}

static void unmapped_under_a_job_it_faults(void **state)
{
	struct softgpu_context *context =
		create_context_on(&gpu, SOFTGPU_CLASS_COPY, 1, "late user");
	struct softgpu_bo *bo = valued_bo(4, 5, "bound");
	struct dma_fence *job;

	(void)state;
	bind_now((struct softgpu_bind[]){ mapping(bo, HERE, 0, 4) }, 1);
	assert_int_equal(ends(submit_store(context, 10, 1, HOW(.label = ""))), 0);
	job = submit_late_user(context, HERE + 2 * PAGE + 16);
	await_gate(&gpu, 0);
	bind_now((struct softgpu_bind[]){ no_mapping(HERE + 2 * PAGE, 1) }, 1);
	assert_true(is_pending(job));
	open_gate(&gpu, 0);
	assert_int_equal(ends(job), -EFAULT);
	assert_int_equal(gpu.num_faults, 1);
	assert_int_equal(gpu.fault.kind, SOFTGPU_FAULT_NOT_MAPPED);
	assert_false(gpu.fault.write);
	assert_int_equal(gpu.fault.address, HERE + 2 * PAGE + 16);
	assert_string_equal(gpu.fault.buffer, "bound");
	assert_int_equal(gpu.fault.offset, 2 * PAGE + 16);
	assert_string_equal(gpu.fault.context, "late user");
	assert_int_equal(gpu.fault.seqno, 2);
	assert_int_equal(gpu.fault.batch, 0);
	assert_int_equal(gpu.fault.command, 2);
	assert_int_equal(gpu.fault.opcode, SOFTGPU_OP_COPY);
	assert_string_equal(gpu.fault.engine, "copy 1");
	assert_int_equal(gpu.fault.since_ns, 0);
	softgpu_context_put(context);
	softgpu_bo_put(bo);
}

static void replaced_under_a_job_it_uses_the_new(void **state)
{
	struct softgpu_context *context = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 1, "c");
	struct softgpu_bo *bo = valued_bo(1, 5, "bound"), *other = valued_bo(1, 6, "other");
	struct dma_fence *job;

	(void)state;
	bind_now((struct softgpu_bind[]){ mapping(bo, HERE, 0, 1) }, 1);
	job = submit_late_user(context, HERE);
	await_gate(&gpu, 0);
	bind_now((struct softgpu_bind[]){ mapping(other, HERE, 0, 1) }, 1);
	open_gate(&gpu, 0);
	assert_int_equal(ends(job), 0);
	assert_int_equal(word(&gpu, 2), 6);
	softgpu_context_put(context);
	softgpu_bo_put(bo);
	softgpu_bo_put(other);
}

/* So it does not happen under those whose fences are told of. */
static void a_bind_after_the_jobs_that_use_it(void **state)
{
	struct softgpu_context *context = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 1, "c");
	struct softgpu_bo *bo = valued_bo(1, 5, "bound");
	const struct softgpu_bind unmap[] = { no_mapping(HERE, 1) };
	struct dma_fence *job, *unmapped;

	(void)state;
	bind_now((struct softgpu_bind[]){ mapping(bo, HERE, 0, 1) }, 1);
	job = submit_late_user(context, HERE);
	unmapped = bind(gpu.vm, unmap, 1, job, SOFTGPU_IN_FENCE_ORDER);
	await_gate(&gpu, 0);
	pass_binds(&gpu);
	assert_true(is_pending(unmapped));
	open_gate(&gpu, 0);
	assert_int_equal(ends(job), 0);
	assert_int_equal(word(&gpu, 2), 5);
	assert_int_equal(ends(unmapped), 0);
	assert_seen(HERE, 0);
	softgpu_context_put(context);
	softgpu_bo_put(bo);
}

static void what_is_read_only_is_not_written_to(void **state)
{
	struct softgpu_context *context = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "c");
	struct softgpu_bo *bo = valued_bo(1, 5, "bound");
	struct softgpu_bind binds[] = { mapping(bo, HERE, 0, 1) };
	struct softgpu_batch batch = { 0 };

	(void)state;
	binds[0].flags = SOFTGPU_BIND_READ_ONLY;
	bind_now(binds, 1);
	assert_seen(HERE, 5);
	softgpu_cmd_store(&batch, HERE, 1);
	assert_int_equal(ends(submit(context, &batch, HOW(.label = ""))), -EFAULT);
	assert_int_equal(gpu.fault.kind, SOFTGPU_FAULT_READ_ONLY);
	assert_true(gpu.fault.write);
	assert_seen(HERE, 5);
	softgpu_context_put(context);
	softgpu_bo_put(bo);
}

/* The buffer went before its time came: what is mapped is what is no more. */
static void a_buffer_that_was_not_kept(void **state)
{
	struct softgpu_context *context = create_context_on(&gpu, SOFTGPU_CLASS_COPY, 0, "c");
	struct softgpu_bo *bo = valued_bo(1, 5, "gone");
	const struct softgpu_bind binds[] = { mapping(bo, HERE, 0, 1) };
	struct dma_fence *own = own_fence(), *fence;
	struct softgpu_batch batch = { 0 };

	(void)state;
	fence = bind(gpu.vm, binds, 1, own, 0);
	softgpu_bo_put(bo);
	while (stats_of(&gpu).live_bytes != softgpu_bo_size(gpu.bo))
		sched_yield();
	end_own(own, 0);
	assert_int_equal(ends(fence), 0);
	softgpu_cmd_store(&batch, HERE, 1);
	assert_int_equal(ends(submit(context, &batch, HOW(.label = ""))), -EFAULT);
	assert_int_equal(gpu.fault.kind, SOFTGPU_FAULT_RETURNED);
	assert_string_equal(gpu.fault.buffer, "gone");
	softgpu_context_put(context);
}

static void an_address_space_that_was_put_while_binds_wait(void **state)
{
	struct softgpu_vm *vm = softgpu_vm_create(gpu.device);
	struct softgpu_bo *bo = valued_bo(1, 5, "bound");
	const struct softgpu_bind binds[] = { mapping(bo, HERE, 0, 1) };
	struct dma_fence *own = own_fence(), *fence;

	(void)state;
	assert_non_null(vm);
	fence = bind(vm, binds, 1, own, 0);
	softgpu_vm_put(vm);
	end_own(own, 0);
	assert_int_equal(ends(fence), 0);
	softgpu_bo_put(bo);
}

/* What cannot be */

static void too_many_at_once(void **state)
{
	const struct softgpu_bind binds[] = { no_mapping(HERE, 1) };
	struct dma_fence *own = own_fence(), *fences[4], *not_stored = NULL;
	const struct softgpu_out_fence out = { .type = SOFTGPU_FENCE, .fence = &not_stored };
	const struct softgpu_sync sync = { .out = &out, .num_out = 1 };
	unsigned int i;

	(void)state;
	setup_with((struct softgpu_device_params){ .ring_size = 4 });
	for (i = 0; i < 4; i++)
		fences[i] = bind(gpu.vm, binds, 1, i ? NULL : own, 0);
	assert_int_equal(softgpu_vm_bind(gpu.vm, binds, 1, &sync), -EAGAIN);
	assert_null(not_stored);
	end_own(own, 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(ends(fences[i]), 0);
	assert_int_equal(softgpu_vm_bind(gpu.vm, binds, 1, &sync), 0);
	assert_int_equal(not_stored->seqno, 6);
	assert_int_equal(ends(not_stored), 0);
	teardown(state);
}

static struct softgpu_bo *four_pages;

static void is_refused(const struct softgpu_bind *bind, unsigned int num,
		       const struct softgpu_sync *sync, int error)
{
	struct softgpu_device_stats before = stats_of(&gpu);

	assert_int_equal(softgpu_vm_bind(gpu.vm, bind, num, sync), error);
	assert_nothing_done(&gpu, &before);
}

/* Alone, and as the last of several, of which then none is done. */
static void is_wrong(struct softgpu_bind bind)
{
	const struct softgpu_bind binds[] = { mapping(four_pages, HERE, 0, 1), bind };

	is_refused(&bind, 1, NULL, -EINVAL);
	is_refused(binds, 2, NULL, -EINVAL);
	assert_seen(HERE, 0);
}

static void what_makes_no_sense_is_refused(void **state)
{
	struct softgpu_device *another = softgpu_device_create(NULL);
	struct softgpu_bo *of_another = softgpu_bo_create(another, 1, "of another device");
	struct softgpu_bind good;
	struct softgpu_in_fence in = { .type = SOFTGPU_SYNC_FILE, .fd = -1 };
	struct softgpu_sync sync = { .in = &in, .num_in = 1 };

	(void)state;
	four_pages = valued_bo(4, 5, "four pages");
	good = mapping(four_pages, HERE, 0, 1);
	is_refused(NULL, 1, NULL, -EINVAL);
	is_refused(&good, 0, NULL, -EINVAL);
	assert_int_equal(softgpu_vm_bind(NULL, &good, 1, NULL), -EINVAL);
	is_wrong(mapping(NULL, HERE, 0, 1));
	is_wrong(mapping(of_another, HERE, 0, 1));
	is_wrong(mapping(four_pages, HERE, 0, 0));
	is_wrong(mapping(four_pages, HERE, 0, 5));
	is_wrong(mapping(four_pages, HERE, 4, 1));
	is_wrong(mapping(four_pages, HERE, 3, 2));
	is_wrong(mapping(four_pages, HERE + 8, 0, 1));
	is_wrong(mapping(four_pages, SOFTGPU_ADDRESS_END - PAGE, 0, 2));
	is_wrong(mapping(four_pages, SOFTGPU_ADDRESS_END, 0, 1));
	is_wrong(no_mapping(HERE, 0));
	is_wrong(no_mapping(HERE + 1, 1));
	is_wrong((struct softgpu_bind){ .bo = four_pages, .address = HERE, .bytes = PAGE - 1 });
	is_wrong((struct softgpu_bind){
		.bo = four_pages, .address = HERE, .bytes = PAGE, .offset = 1 });
	is_wrong((struct softgpu_bind){
		.bo = four_pages, .address = HERE, .bytes = PAGE, .flags = 1 << 2 });
	is_wrong((struct softgpu_bind){
		.bo = four_pages, .address = HERE, .bytes = UINT64_MAX - PAGE + 1 });
	is_refused(&good, 1, &sync, -EBADF);
	in = (struct softgpu_in_fence){ .type = SOFTGPU_FENCE };
	is_refused(&good, 1, &sync, -EINVAL);
	assert_seen(HERE, 0);
	bind_now(&good, 1);
	assert_seen(HERE, 5);
	softgpu_bo_put(four_pages);
	softgpu_bo_put(of_another);
	softgpu_device_destroy(another);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		gpu_test(a_bind_waits_for_its_in_fences),
		gpu_test(both_tiles_see_it),
		cmocka_unit_test(it_ends_when_both_tiles_are_done),
		gpu_test(out_fences_are_on_a_timeline_in_order),
		gpu_test(a_batch_is_done_in_its_order),
		gpu_test(a_batch_is_done_as_one),
		gpu_test(a_failed_in_fence_changes_nothing),
		gpu_test(address_spaces_do_not_wait_for_each_other),
		gpu_test(unmapped_under_a_job_it_faults),
		gpu_test(replaced_under_a_job_it_uses_the_new),
		gpu_test(a_bind_after_the_jobs_that_use_it),
		gpu_test(what_is_read_only_is_not_written_to),
		gpu_test(a_buffer_that_was_not_kept),
		gpu_test(an_address_space_that_was_put_while_binds_wait),
		cmocka_unit_test(too_many_at_once),
		gpu_test(what_makes_no_sense_is_refused),
	};

	return RUN(tests);
}
