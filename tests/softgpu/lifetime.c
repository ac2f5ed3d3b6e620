/* SPDX-License-Identifier: MIT */
/* The memory of a buffer: there until the last fence has signaled, and gone then. */
#include <softgpu/softgpu.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "../failing-malloc.h"
#include "../fds.h"

#include "bo.h"
#include "device.h"
#include "reaper.h"
#include "vm.h"

#define PAGE ((size_t)SOFTGPU_PAGE_SIZE)

/* System calls that fail when told to: so many times, with that error. */
static struct refusal {
	int times;
	int error;
} refuse_memfd, refuse_size, refuse_mapping, refuse_fixed, refuse_thread;

static bool refused(struct refusal *refusal)
{
	if (!refusal->times)
		return false;
	refusal->times--;
	errno = refusal->error;
	return true;
}

int __real_memfd_create(const char *name, unsigned int flags);
int __wrap_memfd_create(const char *name, unsigned int flags);
int __real_ftruncate64(int fd, off_t length);
int __wrap_ftruncate64(int fd, off_t length);
void *__real_mmap64(void *at, size_t length, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t length, int prot, int flags, int fd, off_t offset);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*func)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*func)(void *),
			  void *arg);

int __wrap_memfd_create(const char *name, unsigned int flags)
{
	return refused(&refuse_memfd) ? -1 : __real_memfd_create(name, flags);
}

int __wrap_ftruncate64(int fd, off_t length)
{
	return refused(&refuse_size) ? -1 : __real_ftruncate64(fd, length);
}

void *__wrap_mmap64(void *at, size_t length, int prot, int flags, int fd, off_t offset)
{
	if (refused(flags & MAP_FIXED ? &refuse_fixed : &refuse_mapping))
		return MAP_FAILED;
	return __real_mmap64(at, length, prot, flags, fd, offset);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*func)(void *),
			  void *arg)
{
	return refused(&refuse_thread) ? refuse_thread.error
				       : __real_pthread_create(thread, attr, func, arg);
}

/* What the next pthread_join() gives back first. */
static pthread_rwlock_t *unlock_in_join;

int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_join(pthread_t thread, void **result);

int __wrap_pthread_join(pthread_t thread, void **result)
{
	if (unlock_in_join)
		pthread_rwlock_unlock(unlock_in_join);
	unlock_in_join = NULL;
	return __real_pthread_join(thread, result);
}

static struct softgpu_device *device;
static long blocks_before;

/* What fences were freed is freed by now. */
static long count_blocks(void)
{
	dma_fence_rcu_barrier();
	return failing_malloc_live;
}

static void begin_device(void)
{
	device = softgpu_device_create(NULL);
	assert_non_null(device);
}

static int setup(void **state)
{
	fd_setup(state);
	blocks_before = count_blocks();
	begin_device();
	return 0;
}

static int teardown(void **state)
{
	softgpu_device_destroy(device);
	assert_int_equal(count_blocks(), blocks_before);
	return fd_teardown(state);
}

static int uaf_setup(void **state)
{
	int ret;

	setenv("SOFTGPU_CHECK", "something,uaf", 1);
	ret = setup(state);
	unsetenv("SOFTGPU_CHECK");
	return ret;
}

static uint64_t live_bytes(void)
{
	struct softgpu_device_stats stats;

	softgpu_device_get_stats(device, &stats);
	return stats.live_bytes;
}

/* What is known to be over has gone back. */
static void catch_up(void)
{
	softgpu_reaper_catch_up(device->reaper);
}

/* How it is mapped, where an address is; false if it is not. */
static bool mapping_at(const void *address, char *permissions, char *name, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	bool found = false;
	char line[600];

	assert_non_null(maps);
	while (!found && fgets(line, sizeof(line), maps)) {
		uintptr_t first, end;
		int begin = 0;

		assert_int_equal(sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %n",
					&first, &end, permissions, &begin),
				 3);
		found = (uintptr_t)address >= first && (uintptr_t)address < end;
		line[strcspn(line, "\n")] = '\0';
		snprintf(name, size, "%s", begin ? line + begin : "");
	}
	fclose(maps);
	return found;
}

static bool is_mapped(const void *address)
{
	char permissions[5], name[300];

	return mapping_at(address, permissions, name, sizeof(name)) &&
	       strstr(name, "/memfd:softgpu:");
}

static struct softgpu_bo *create_filled(size_t bytes)
{
	struct softgpu_bo *bo = softgpu_bo_create(device, bytes, "filled");

	assert_non_null(bo);
	memset(softgpu_bo_map(bo), 0xa5, bytes);
	return bo;
}

static void assert_intact(const unsigned char *memory, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i += 64)
		assert_int_equal(memory[i], 0xa5);
}

static void add_fence(struct softgpu_bo *bo, struct dma_fence *fence, enum dma_resv_usage usage)
{
	struct dma_resv *resv = softgpu_bo_resv(bo);

	assert_int_equal(dma_resv_lock(resv, NULL), 0);
	assert_int_equal(dma_resv_reserve_fences(resv, 1), 0);
	assert_int_equal(dma_resv_add_fence(resv, fence, usage), 0);
	dma_resv_unlock(resv);
}

static struct dma_fence *add_new_fence(struct softgpu_bo *bo, enum dma_resv_usage usage)
{
	struct dma_fence *fence = create_fence();

	add_fence(bo, fence, usage);
	return fence;
}

static void signal_and_put(struct dma_fence *fence)
{
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

/* What there is */

static void is_what_was_asked_for(void **state)
{
	struct softgpu_bo *bo = softgpu_bo_create(device, PAGE + 1, "a name"), *unnamed;
	char permissions[5], name[300];
	unsigned char *memory, *other;
	size_t i;
	int fd;

	(void)state;
	assert_non_null(bo);
	assert_int_equal(softgpu_bo_size(bo), 2 * PAGE);
	assert_int_equal(live_bytes(), 2 * PAGE);
	memory = softgpu_bo_map(bo);
	assert_ptr_equal(softgpu_bo_map(bo), memory);
	for (i = 0; i < 2 * PAGE; i++)
		assert_int_equal(memory[i], 0);
	assert_true(mapping_at(memory, permissions, name, sizeof(name)));
	assert_string_equal(permissions, "rw-s");
	assert_string_equal(name, "/memfd:softgpu:a name (deleted)");
	assert_true(dma_resv_test_signaled(softgpu_bo_resv(bo), DMA_RESV_USAGE_BOOKKEEP));

	/* Memory that is shared, for another process. */
	fd = softgpu_bo_dup_fd(bo);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	other = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(other != MAP_FAILED);
	memory[PAGE + 7] = 42;
	assert_int_equal(other[PAGE + 7], 42);
	munmap(other, 2 * PAGE);
	/* Whose size is what it is. */
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, (off_t)(4 * PAGE)), -1);
	close(fd);

	assert_ptr_equal(softgpu_bo_get(bo), bo);
	softgpu_bo_put(bo);
	assert_int_equal(memory[PAGE + 7], 42);
	unnamed = softgpu_bo_create(device, 1, NULL);
	assert_non_null(unnamed);
	assert_string_equal(softgpu_bo_backing(unnamed)->name, "");
	softgpu_bo_put(unnamed);
	softgpu_bo_put(bo);
	softgpu_bo_put(NULL);
	catch_up();
	assert_int_equal(live_bytes(), 0);
	assert_false(is_mapped(memory));
}

static void makes_no_sense_is_refused(void **state)
{
	static const uint64_t sizes[] = { 0, SOFTGPU_ADDRESS_END + 1, UINT64_MAX, UINT64_MAX - 1 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		errno = 0;
		assert_null(softgpu_bo_create(device, sizes[i], "odd"));
		assert_int_equal(errno, EINVAL);
	}
	/* What would make sense, but there is no such space in a process. */
	assert_null(softgpu_bo_create(device, SOFTGPU_ADDRESS_END, "all"));
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(live_bytes(), 0);
}

/* Fences */

static void memory_goes_after_the_last_fence(void **state)
{
	static const enum dma_resv_usage usages[4] = {
		DMA_RESV_USAGE_BOOKKEEP,
		DMA_RESV_USAGE_READ,
		DMA_RESV_USAGE_WRITE,
		DMA_RESV_USAGE_KERNEL,
	};
	int order;

	(void)state;
	for (order = 0; order < 256; order++) {
		const int which[4] = { order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 };
		struct softgpu_bo *bo;
		struct dma_fence *fences[4];
		unsigned char *memory;
		int i, seen = 0;

		for (i = 0; i < 4; i++)
			seen |= 1 << which[i];
		if (seen != 15)
			continue;
		bo = create_filled(3 * PAGE);
		memory = softgpu_bo_map(bo);
		for (i = 0; i < 4; i++)
			fences[i] = add_new_fence(bo, usages[i]);
		/* Some signal before the last reference goes. */
		for (i = 0; i < 4; i++) {
			if (i == order % 3)
				softgpu_bo_put(bo);
			catch_up();
			assert_intact(memory, 3 * PAGE);
			assert_true(is_mapped(memory));
			assert_int_equal(live_bytes(), 3 * PAGE);
			if (i % 2)
				dma_fence_set_error(fences[which[i]], -EIO);
			signal_and_put(fences[which[i]]);
		}
		catch_up();
		assert_int_equal(live_bytes(), 0);
		assert_false(is_mapped(memory));
	}
}

static void only_the_latest_of_a_context_counts(void **state)
{
	struct softgpu_bo *bo = create_filled(PAGE);
	uint64_t context = dma_fence_context_alloc(1);
	struct dma_fence *fences[2];
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		fences[i] = malloc(sizeof(*fences[i]));
		assert_non_null(fences[i]);
		dma_fence_init(fences[i], NULL, context, 1 + i);
		add_fence(bo, fences[i], DMA_RESV_USAGE_WRITE);
	}
	softgpu_bo_put(bo);
	signal_and_put(fences[0]);
	catch_up();
	assert_int_equal(live_bytes(), PAGE);
	signal_and_put(fences[1]);
	catch_up();
	assert_int_equal(live_bytes(), 0);
}

#define NUM_THREADS 4
#define NUM_BUFFERS 32

static struct {
	struct softgpu_bo *buffers[NUM_BUFFERS];
	struct dma_fence *fences[NUM_BUFFERS][NUM_THREADS];
	int go;
} shared;

/* Each thread signals one fence of each buffer, in an order of its own. */
static void *signal_some(void *arg)
{
	int thread = (int)(intptr_t)arg, i;

	await_flag(&shared.go);
	for (i = 0; i < NUM_BUFFERS; i++) {
		int at = thread % 2 ? NUM_BUFFERS - 1 - i : i;
		struct dma_fence *fence = shared.fences[(at + 5 * thread) % NUM_BUFFERS][thread];

		signal_and_put(fence);
	}
	return NULL;
}

static void *put_all(void *arg)
{
	int i;

	(void)arg;
	await_flag(&shared.go);
	for (i = 0; i < NUM_BUFFERS; i++)
		softgpu_bo_put(shared.buffers[i]);
	return NULL;
}

static void threads_signal_while_others_put(void **state)
{
	const int rounds = UNDER_SANITIZER ? 30 : 300;
	pthread_t threads[NUM_THREADS + 1];
	int round, i, k;

	(void)state;
	for (round = 0; round < rounds; round++) {
		shared.go = 0;
		for (i = 0; i < NUM_BUFFERS; i++) {
			shared.buffers[i] = softgpu_bo_create(device, PAGE, "shared");
			assert_non_null(shared.buffers[i]);
			for (k = 0; k < NUM_THREADS; k++)
				shared.fences[i][k] =
					add_new_fence(shared.buffers[i], DMA_RESV_USAGE_BOOKKEEP);
		}
		for (i = 0; i < NUM_THREADS; i++)
			threads[i] = start(signal_some, (void *)(intptr_t)i);
		threads[NUM_THREADS] = start(put_all, NULL);
		set_flag(&shared.go);
		for (i = 0; i <= NUM_THREADS; i++)
			join(threads[i]);
		catch_up();
		assert_int_equal(live_bytes(), 0);
	}
}

struct putter {
	struct dma_fence_cb cb;
	struct softgpu_bo *bo;
};

static void put_in_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	softgpu_bo_put(container_of(cb, struct putter, cb)->bo);
}

static void last_reference_goes_in_a_callback(void **state)
{
	int pending;

	(void)state;
	for (pending = 0; pending < 2; pending++) {
		struct putter putter = { .bo = create_filled(PAGE) };
		unsigned char *memory = softgpu_bo_map(putter.bo);
		struct dma_fence *first = add_new_fence(putter.bo, DMA_RESV_USAGE_READ);
		struct dma_fence *second =
			pending ? add_new_fence(putter.bo, DMA_RESV_USAGE_WRITE) : NULL;

		assert_int_equal(dma_fence_add_callback(first, &putter.cb, put_in_callback), 0);
		catch_up();
		assert_intact(memory, PAGE);
		signal_and_put(first);
		if (pending) {
			catch_up();
			assert_intact(memory, PAGE);
			signal_and_put(second);
		}
		catch_up();
		assert_int_equal(live_bytes(), 0);
		assert_false(is_mapped(memory));
	}
}

/* The reaper waits until engines have let go, and others can wait for it. */

static void *wait_for_reaper(void *arg)
{
	catch_up();
	set_flag(arg);
	return NULL;
}

static void memory_goes_when_engines_have_let_go(void **state)
{
	int tile;

	(void)state;
	for (tile = 0; tile < SOFTGPU_NUM_TILES; tile++) {
		struct softgpu_bo *bo = create_filled(PAGE);
		unsigned char *memory = softgpu_bo_map(bo);
		pthread_t thread;
		int done = 0;

		pthread_rwlock_rdlock(&device->tile_locks[tile]);
		softgpu_bo_put(bo);
		thread = start(wait_for_reaper, &done);
		assert_false(flag_within(&done, 10 * MS));
		assert_intact(memory, PAGE);
		pthread_rwlock_unlock(&device->tile_locks[tile]);
		join(thread);
		assert_false(is_mapped(memory));
	}
}

/* The device goes */

static void buffers_outlive_the_device(void **state)
{
	struct softgpu_bo *held = create_filled(PAGE), *given = create_filled(PAGE);
	struct softgpu_bo *idle = create_filled(PAGE);
	unsigned char *held_memory = softgpu_bo_map(held), *given_memory = softgpu_bo_map(given);
	unsigned char *idle_memory = softgpu_bo_map(idle);
	struct dma_fence *fences[2] = {
		add_new_fence(held, DMA_RESV_USAGE_WRITE),
		add_new_fence(given, DMA_RESV_USAGE_BOOKKEEP),
	};

	(void)state;
	softgpu_bo_put(given);
	softgpu_device_destroy(device);
	assert_null(softgpu_bo_create(device, PAGE, "late"));
	assert_int_equal(errno, ENODEV);
	assert_null(softgpu_vm_create(device));
	assert_int_equal(errno, ENODEV);
	catch_up();

	/* Whoever finds that it is over gives it back, at once. */
	assert_intact(idle_memory, PAGE);
	softgpu_bo_put(idle);
	assert_false(is_mapped(idle_memory));
	assert_intact(given_memory, PAGE);
	signal_and_put(fences[1]);
	assert_false(is_mapped(given_memory));
	assert_int_equal(live_bytes(), PAGE);
	softgpu_bo_put(held);
	assert_intact(held_memory, PAGE);
	signal_and_put(fences[0]);
	assert_false(is_mapped(held_memory));
	/* And the device has gone with the last. */
	assert_int_equal(count_blocks(), blocks_before);
	device = NULL;
}

static void the_end_gives_back_what_can_be(void **state)
{
	struct reaper *reaper = softgpu_reaper_create(device);
	const unsigned char *memory[50];
	size_t i;

	(void)state;
	assert_non_null(reaper);
	/* It is at the first of them when it is told to end. */
	pthread_rwlock_rdlock(&device->tile_locks[0]);
	for (i = 0; i < ARRAY_SIZE(memory); i++) {
		struct softgpu_bo *bo = create_filled(PAGE);

		memory[i] = softgpu_bo_map(bo);
		softgpu_reaper_give(reaper, bo);
	}
	unlock_in_join = &device->tile_locks[0];
	softgpu_reaper_destroy(reaper);
	softgpu_reaper_free(reaper);
	for (i = 0; i < ARRAY_SIZE(memory); i++)
		assert_false(is_mapped(memory[i]));
	assert_int_equal(live_bytes(), 0);
}

/* Waiting */

static void set_last_write(struct softgpu_bo *bo, struct dma_fence *fence)
{
	assert_int_equal(dma_resv_lock(&bo->resv, NULL), 0);
	dma_fence_put(bo->last_write);
	bo->last_write = dma_fence_get(fence);
	dma_resv_unlock(&bo->resv);
}

static void waits_for_those_in_the_way(void **state)
{
	struct softgpu_bo *bo = create_filled(PAGE);
	struct dma_fence *reader, *writer;
	int i;

	(void)state;
	assert_int_equal(softgpu_bo_wait(bo, true, 0), 1);
	assert_int_equal(softgpu_bo_wait(bo, false, SECOND), SECOND);
	reader = add_new_fence(bo, DMA_RESV_USAGE_READ);
	assert_int_equal(softgpu_bo_wait(bo, false, 0), 1);
	assert_int_equal(softgpu_bo_wait(bo, true, 0), 0);
	assert_int_equal(softgpu_bo_wait(bo, true, MS), 0);
	signal_and_put(reader);
	assert_int_equal(softgpu_bo_wait(bo, true, 0), 1);
	writer = add_new_fence(bo, DMA_RESV_USAGE_WRITE);
	set_last_write(bo, writer);
	assert_int_equal(softgpu_bo_wait(bo, false, 0), 0);
	assert_int_equal(softgpu_bo_wait(bo, true, MS), 0);
	assert_int_equal(softgpu_bo_wait(bo, false, -1), -EINVAL);
	signal_and_put(writer);
	assert_int_equal(softgpu_bo_wait(bo, false, 0), 1);

	/* Who reads is told how the last write went; who writes need not care. */
	writer = add_new_fence(bo, DMA_RESV_USAGE_WRITE);
	set_last_write(bo, writer);
	dma_fence_set_error(writer, -EFAULT);
	dma_fence_signal(writer);
	assert_int_equal(softgpu_bo_wait(bo, false, 0), -EFAULT);
	assert_int_equal(softgpu_bo_wait(bo, false, DMA_FENCE_WAIT_FOREVER), -EFAULT);
	assert_int_equal(softgpu_bo_wait(bo, true, 0), 1);
	dma_fence_put(writer);

	/* Also when the reservation object has forgotten it. */
	for (i = 0; i < 20; i++)
		signal_and_put(add_new_fence(bo, DMA_RESV_USAGE_WRITE));
	assert_int_equal(softgpu_bo_wait(bo, false, SECOND), -EFAULT);
	softgpu_bo_put(bo);
}

/* What is mapped in an address space, and has gone */

#define ADDRESS UINT64_C(0x40000000)

static void bind_and_wait(struct softgpu_vm *vm, struct softgpu_bo *bo)
{
	const struct softgpu_bind bind = {
		.bo = bo,
		.address = ADDRESS,
		.bytes = softgpu_bo_size(bo),
	};
	struct dma_fence *fence = NULL;
	const struct softgpu_out_fence out = { .type = SOFTGPU_FENCE, .fence = &fence };

	assert_int_equal(
		softgpu_vm_bind(vm, &bind, 1, &(struct softgpu_sync){ .out = &out, .num_out = 1 }),
		0);
	assert_int_equal(dma_fence_wait(fence, false), 0);
	assert_int_equal(dma_fence_get_status(fence), 1);
	dma_fence_put(fence);
}

static int fill_at(struct softgpu_vm *vm, unsigned int tile, uint64_t address,
		   struct softgpu_fault *fault)
{
	struct softgpu_batch batch = { 0 };
	int ret;

	softgpu_cmd_fill(&batch, address, 8, 0x01010101);
	ret = softgpu_vm_execute(vm, tile, &batch, fault);
	softgpu_batch_fini(&batch);
	return ret;
}

static void batches_that_make_no_sense_are_refused(void **state)
{
	const struct softgpu_command unknown = { .opcode = 12345, .size = sizeof(unknown) };
	struct softgpu_batch batch = { .error = -ENOMEM };
	struct softgpu_vm *vm = softgpu_vm_create(device);

	(void)state;
	assert_non_null(vm);
	assert_int_equal(softgpu_vm_execute(vm, 0, &batch, NULL), -ENOMEM);
	batch.error = 0;
	assert_int_equal(softgpu_vm_execute(vm, 0, &batch, NULL), 0);
	assert_int_equal(softgpu_batch_add(&batch, &unknown), 0);
	assert_int_equal(softgpu_vm_execute(vm, 0, &batch, NULL), -EINVAL);
	softgpu_batch_fini(&batch);
	softgpu_vm_put(vm);
}

static void assert_returned(struct softgpu_vm *vm, bool since, int64_t begin)
{
	unsigned int tile;

	for (tile = 0; tile < SOFTGPU_NUM_TILES; tile++) {
		struct softgpu_fault fault;

		assert_int_equal(fill_at(vm, tile, ADDRESS + 100, &fault), -EFAULT);
		assert_int_equal(fault.kind, SOFTGPU_FAULT_RETURNED);
		assert_true(fault.write);
		assert_int_equal(fault.address, ADDRESS + 100);
		assert_string_equal(fault.buffer, "filled");
		assert_int_equal(fault.offset, 100);
		assert_int_equal(fault.opcode, SOFTGPU_OP_FILL);
		if (since)
			assert_true(fault.since_ns > 0 && fault.since_ns <= clock_now() - begin);
		else
			assert_int_equal(fault.since_ns, 0);
	}
}

static void mapping_does_not_keep_it(void **state)
{
	const bool check_uaf = device->check_uaf;
	struct softgpu_vm *vm = softgpu_vm_create(device);
	int64_t begin = clock_now();
	struct softgpu_fault fault;
	struct dma_fence *fence;
	struct softgpu_bo *bo;
	unsigned char *memory;

	(void)state;
	assert_non_null(vm);
	assert_int_equal(fill_at(vm, 0, ADDRESS, &fault), -EFAULT);
	assert_int_equal(fault.kind, SOFTGPU_FAULT_NOT_MAPPED);
	assert_int_equal(fill_at(vm, SOFTGPU_NUM_TILES, ADDRESS, &fault), -EINVAL);

	bo = create_filled(PAGE);
	memory = softgpu_bo_map(bo);
	fence = add_new_fence(bo, DMA_RESV_USAGE_READ);
	bind_and_wait(vm, bo);
	assert_int_equal(fill_at(vm, 1, ADDRESS + 64, NULL), 0);
	assert_int_equal(memory[64], 1);
	softgpu_bo_put(bo);
	catch_up();
	assert_int_equal(fill_at(vm, 0, ADDRESS + 128, NULL), 0);
	assert_int_equal(memory[128], 1);
	signal_and_put(fence);
	catch_up();
	assert_int_equal(live_bytes(), 0);
	assert_false(is_mapped(memory));
	assert_returned(vm, check_uaf, begin);

	/* In the place of what is gone there can be something else. */
	bo = create_filled(PAGE);
	bind_and_wait(vm, bo);
	assert_int_equal(fill_at(vm, 0, ADDRESS + 100, NULL), 0);
	softgpu_bo_put(bo);
	catch_up();
	assert_returned(vm, check_uaf, begin);
	softgpu_vm_get(vm);
	softgpu_vm_put(vm);
	assert_returned(vm, check_uaf, begin);
	softgpu_vm_put(vm);
	softgpu_vm_put(NULL);
}

/* SOFTGPU_CHECK=uaf */

static sigjmp_buf escape;

static void on_fault(int signum)
{
	(void)signum;
	siglongjmp(escape, 1);
}

static bool can_be_read(const volatile unsigned char *memory)
{
	struct sigaction action = { .sa_handler = on_fault }, before;
	volatile bool could = false;

	sigemptyset(&action.sa_mask);
	assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
	if (!sigsetjmp(escape, 1)) {
		(void)*memory;
		could = true;
	}
	assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
	return could;
}

static void a_pointer_into_it_faults_for_ever(void **state)
{
	struct softgpu_bo *bo = create_filled(4 * PAGE), *others[100];
	unsigned char *memory = softgpu_bo_map(bo);
	char permissions[5], name[300];
	size_t i;

	(void)state;
	assert_true(device->check_uaf);
	assert_true(can_be_read(memory));
	softgpu_bo_put(bo);
	catch_up();
	for (i = 0; i < 4; i++) {
		assert_true(mapping_at(memory + i * PAGE, permissions, name, sizeof(name)));
		assert_string_equal(permissions, "---p");
		assert_false(can_be_read(memory + i * PAGE));
	}
	assert_int_equal(live_bytes(), 0);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		unsigned char *other;

		others[i] = create_filled((1 + i % 4) * PAGE);
		other = softgpu_bo_map(others[i]);
		assert_true(other + (1 + i % 4) * PAGE <= memory || other >= memory + 4 * PAGE);
	}
	for (i = 0; i < ARRAY_SIZE(others); i++)
		softgpu_bo_put(others[i]);
	catch_up();
	assert_false(can_be_read(memory));
}

static void others_find_poison(void **state)
{
	struct softgpu_bo *bo = softgpu_bo_create(device, 4 * PAGE, "poisoned");
	unsigned char *memory = softgpu_bo_map(bo), *other;
	int fd = softgpu_bo_dup_fd(bo);
	size_t i;

	(void)state;
	/* Two of its pages are used. */
	memory[0] = 1;
	memory[2 * PAGE + 17] = 1;
	softgpu_bo_put(bo);
	catch_up();
	other = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(other != MAP_FAILED);
	for (i = 0; i < 4 * PAGE; i++)
		assert_int_equal(other[i], i / PAGE % 2 ? 0 : 0x6b);
	munmap(other, 4 * PAGE);
	close(fd);
}

static void memory_goes_where_it_cannot_be_kept_track_of(void **state)
{
	struct softgpu_bo *bo = create_filled(PAGE);
	unsigned char *memory = softgpu_bo_map(bo);

	(void)state;
	refuse_fixed = (struct refusal){ 1, ENOMEM };
	softgpu_bo_put(bo);
	catch_up();
	assert_int_equal(refuse_fixed.times, 0);
	assert_int_equal(live_bytes(), 0);
	assert_false(is_mapped(memory));
}

static void is_asked_for_by_its_word(void **state)
{
	static const struct {
		const char *value;
		bool check;
	} values[] = {
		{ "uaf", true },      { "uaf,x", true },   { "x,uaf", true }, { "x,uaf,y", true },
		{ ",uaf", true },     { "", false },	   { ",", false },    { "uafx", false },
		{ "xuaf", false },    { "ua", false },	   { "UAF", false },  { "u,a,f", false },
		{ "uaf uaf", false }, { "x,uafy", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		setenv("SOFTGPU_CHECK", values[i].value, 1);
		assert_int_equal(softgpu_check_uaf(), values[i].check);
	}
	unsetenv("SOFTGPU_CHECK");
	assert_false(softgpu_check_uaf());
	assert_false(device->check_uaf);
}

/* Failures */

static void assert_fails(int error, long blocks, int fds)
{
	errno = 0;
	assert_null(softgpu_bo_create(device, PAGE, "fails"));
	assert_int_equal(errno, error);
	assert_int_equal(failing_malloc_live, blocks);
	assert_int_equal(count_fds(), fds);
	assert_int_equal(live_bytes(), 0);
}

static void every_step_can_fail(void **state)
{
	static const struct {
		struct refusal *refusal;
		int error;
		int reported;
	} steps[] = {
		{ &refuse_memfd, EMFILE, EMFILE },   { &refuse_memfd, ENFILE, EMFILE },
		{ &refuse_memfd, ENOMEM, ENOMEM },   { &refuse_size, ENOSPC, ENOMEM },
		{ &refuse_mapping, ENOMEM, ENOMEM }, { &refuse_mapping, ENFILE, EMFILE },
	};
	const uint32_t references = atomic_load_relaxed(&device->refcount);
	long blocks = count_blocks();
	int fds = count_fds();
	struct softgpu_bo *bo;
	size_t i;

	(void)state;
	for (i = 1; i <= 2; i++) {
		failing_malloc_in = (int)i;
		/* The memory is asked for again: what fails once is no failure then. */
		if (i == 1) {
			assert_fails(ENOMEM, blocks, fds);
			continue;
		}
		bo = softgpu_bo_create(device, PAGE, "after all");
		assert_non_null(bo);
		assert_int_equal(failing_malloc_in, -1);
		softgpu_bo_put(bo);
		catch_up();
	}
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		*steps[i].refusal = (struct refusal){ 2, steps[i].error };
		assert_fails(steps[i].reported, blocks, fds);
		assert_int_equal(steps[i].refusal->times, 0);
		/* Once is not enough. */
		*steps[i].refusal = (struct refusal){ 1, steps[i].error };
		bo = softgpu_bo_create(device, PAGE, "after all");
		assert_non_null(bo);
		softgpu_bo_put(bo);
		catch_up();
	}
	assert_int_equal(atomic_load_relaxed(&device->refcount), references);
}

/* Of files there are few, and the reaper may be late. */
static void waits_for_the_reaper_when_there_are_no_files(void **state)
{
	struct rlimit before, few;
	struct softgpu_bo *bo;
	int i;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	bo = softgpu_bo_create(device, PAGE, "first");
	assert_non_null(bo);
	few.rlim_cur = (rlim_t)softgpu_bo_backing(bo)->fd + 2;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (i = 0; i < 200; i++) {
		struct softgpu_bo *other = softgpu_bo_create(device, PAGE, "other");

		assert_non_null(other);
		softgpu_bo_put(other);
	}
	catch_up();
	few.rlim_cur = (rlim_t)softgpu_bo_backing(bo)->fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_null(softgpu_bo_create(device, PAGE, "none"));
	assert_int_equal(errno, EMFILE);
	assert_int_equal(softgpu_bo_dup_fd(bo), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	softgpu_bo_put(bo);
}

static void no_reaper_without_memory_or_a_thread(void **state)
{
	long blocks = count_blocks();

	(void)state;
	failing_malloc_in = 1;
	assert_null(softgpu_reaper_create(device));
	assert_int_equal(failing_malloc_live, blocks);
	refuse_thread = (struct refusal){ 1, EAGAIN };
	errno = 0;
	assert_null(softgpu_reaper_create(device));
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(failing_malloc_live, blocks);
}

static void no_address_space_without_memory(void **state)
{
	const uint32_t references = atomic_load_relaxed(&device->refcount);
	long blocks = count_blocks();
	struct softgpu_vm *vm = NULL;
	int i;

	(void)state;
	for (i = 1; !vm; i++) {
		assert_true(i < 100);
		failing_malloc_in = i;
		errno = 0;
		vm = softgpu_vm_create(device);
		if (vm)
			break;
		assert_int_equal(errno, ENOMEM);
		assert_int_equal(failing_malloc_in, -1);
		assert_int_equal(count_blocks(), blocks);
		assert_int_equal(atomic_load_relaxed(&device->refcount), references);
	}
	assert_true(i > 5);
	failing_malloc_in = -1;
	softgpu_vm_put(vm);
	assert_int_equal(count_blocks(), blocks);
}

#define lifetime_test(func) cmocka_unit_test_setup_teardown(func, setup, teardown)
#define uaf_test(func)	    cmocka_unit_test_setup_teardown(func, uaf_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lifetime_test(is_what_was_asked_for),
		lifetime_test(makes_no_sense_is_refused),
		lifetime_test(memory_goes_after_the_last_fence),
		lifetime_test(only_the_latest_of_a_context_counts),
		lifetime_test(threads_signal_while_others_put),
		uaf_test(threads_signal_while_others_put),
		lifetime_test(last_reference_goes_in_a_callback),
		lifetime_test(memory_goes_when_engines_have_let_go),
		lifetime_test(buffers_outlive_the_device),
		uaf_test(buffers_outlive_the_device),
		lifetime_test(the_end_gives_back_what_can_be),
		lifetime_test(waits_for_those_in_the_way),
		lifetime_test(batches_that_make_no_sense_are_refused),
		lifetime_test(mapping_does_not_keep_it),
		uaf_test(mapping_does_not_keep_it),
		uaf_test(a_pointer_into_it_faults_for_ever),
		uaf_test(others_find_poison),
		uaf_test(memory_goes_where_it_cannot_be_kept_track_of),
		lifetime_test(is_asked_for_by_its_word),
		lifetime_test(every_step_can_fail),
		lifetime_test(waits_for_the_reaper_when_there_are_no_files),
		lifetime_test(no_reaper_without_memory_or_a_thread),
		lifetime_test(no_address_space_without_memory),
	};

	return RUN(tests);
}
