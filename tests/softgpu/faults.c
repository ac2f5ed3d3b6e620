/* SPDX-License-Identifier: MIT */
/*
 * What can fail for want of something fails once, at each place: nothing has happened, and nothing
 * is lost.
 */
#include "gpu.h"

#include <sys/resource.h>

#include <dmafence/sync-file.h>
#include <dmafence/syncobj.h>

#include "../failing-malloc.h"

/* Threads */

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*func)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*func)(void *),
			  void *arg);

/* Counts down with each; the one that makes it 0 fails. Negative: none does. */
static int failing_thread_in = -1;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*func)(void *),
			  void *arg)
{
	if (failing_thread_in > 0 && !--failing_thread_in) {
		failing_thread_in = -1;
		return EAGAIN;
	}
	return __real_pthread_create(thread, attr, func, arg);
}

/* All that has been allocated is returned: what fences were freed, too. */

static long live_before;

static long live_blocks(void)
{
	dma_fence_rcu_barrier();
	return __atomic_load_n(&failing_malloc_live, __ATOMIC_SEQ_CST);
}

static int setup(void **state)
{
	fd_setup(state);
	failing_malloc_in = -1;
	live_before = live_blocks();
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(live_blocks(), live_before);
	return fd_teardown(state);
}

#define fault_test(func) cmocka_unit_test_setup_teardown(func, setup, teardown)

/* Whether an allocation has failed since it was said which; then none will any more. */
static bool has_failed(void)
{
	bool failed = failing_malloc_in < 0;

	failing_malloc_in = -1;
	return failed;
}

static void a_device(void **state)
{
	int fds = count_fds(), n;
	bool failed = true;

	(void)state;
	for (n = 1; failed; n++) {
		struct softgpu_device *device;
		int error;

		failing_malloc_in = n;
		errno = 0;
		device = softgpu_device_create(NULL);
		error = errno;
		failed = has_failed();
		assert_int_equal(!device, failed);
		if (failed)
			assert_int_equal(error, ENOMEM);
		softgpu_device_destroy(device);
		assert_int_equal(live_blocks(), live_before);
		assert_int_equal(count_fds(), fds);
	}
	assert_true(n > 3);
}

static void a_device_without_threads(void **state)
{
	unsigned int n;

	(void)state;
	/* One for each engine, and the one that gives memory back. */
	for (n = 1; n <= 11; n++) {
		failing_thread_in = (int)n;
		errno = 0;
		assert_null(softgpu_device_create(NULL));
		assert_int_equal(errno, EAGAIN);
		assert_int_equal(failing_thread_in, -1);
		assert_int_equal(live_blocks(), live_before);
	}
	failing_thread_in = (int)n;
	softgpu_device_destroy(softgpu_device_create(NULL));
	assert_int_equal(failing_thread_in, 1);
	failing_thread_in = -1;
}

static void a_context(void **state)
{
	const struct softgpu_context_params params = {
		.engine_class = SOFTGPU_CLASS_COMPUTE,
		.width = 4,
		.name = "wide",
	};
	struct softgpu_device *device = softgpu_device_create(NULL);
	struct softgpu_vm *vm = softgpu_vm_create(device);
	bool failed = true;
	int n;

	(void)state;
	assert_non_null(vm);
	for (n = 1; failed; n++) {
		long live = live_blocks();
		struct softgpu_context *context;
		int error;

		failing_malloc_in = n;
		errno = 0;
		context = softgpu_context_create(vm, &params);
		error = errno;
		failed = has_failed();
		assert_int_equal(!context, failed);
		if (failed)
			assert_int_equal(error, ENOMEM);
		softgpu_context_put(context);
		assert_int_equal(live_blocks(), live);
	}
	/* Itself, its rings, and for each of them at least a timeline. */
	assert_true(n - 1 > 6);
	softgpu_vm_put(vm);
	softgpu_device_destroy(device);
}

/* A submission, or a bind, with in-fences and out-fences of all kinds */

struct everything {
	struct gpu gpu;
	struct softgpu_context *context;
	struct softgpu_bo *bos[3];
	/* What has to signal, and how it is told of. */
	struct dma_fence *own[5];
	struct dma_fence *array;
	int fd;
	struct dma_fence_syncobj *timeline, *binary;
	struct softgpu_in_fence in[5];
	/* What stands for it. */
	struct dma_fence *fence;
	int out_fd;
	struct dma_fence_syncobj *out_timeline, *out_binary;
	struct softgpu_out_fence out[4];
	struct softgpu_sync sync;
};

static void make_in_fences(struct everything *all)
{
	struct dma_fence **members = malloc(2 * sizeof(*members));
	unsigned int i;

	for (i = 0; i < 5; i++)
		all->own[i] = own_fence();
	assert_non_null(members);
	members[0] = dma_fence_get(all->own[1]);
	members[1] = dma_fence_get(all->own[2]);
	all->array = &dma_fence_array_create(2, members, dma_fence_context_alloc(1), 1)->base;
	all->fd = dma_fence_sync_file_export(all->own[2]);
	assert_true(all->fd >= 0);
	all->timeline = dma_fence_syncobj_create(0);
	all->binary = dma_fence_syncobj_create(0);
	assert_int_equal(dma_fence_syncobj_add_point(all->timeline, 2, all->own[3]), 0);
	assert_int_equal(dma_fence_syncobj_replace_fence(all->binary, all->own[4]), 0);
	all->in[0] = FENCE_IN(all->own[0]);
	all->in[1] = FENCE_IN(all->array, .flags = SOFTGPU_IN_FENCE_ORDER);
	all->in[2] = (struct softgpu_in_fence){ .type = SOFTGPU_SYNC_FILE, .fd = all->fd };
	all->in[3] = (struct softgpu_in_fence){
		.type = SOFTGPU_POINT,
		.syncobj = all->timeline,
		.point = 1,
	};
	all->in[4] = (struct softgpu_in_fence){ .type = SOFTGPU_POINT, .syncobj = all->binary };
}

static void make_out_fences(struct everything *all)
{
	all->fence = NULL;
	all->out_fd = -1;
	all->out_timeline = dma_fence_syncobj_create(0);
	all->out_binary = dma_fence_syncobj_create(0);
	assert_non_null(all->out_timeline);
	assert_non_null(all->out_binary);
	all->out[0] = (struct softgpu_out_fence){ .type = SOFTGPU_FENCE, .fence = &all->fence };
	all->out[1] = (struct softgpu_out_fence){ .type = SOFTGPU_SYNC_FILE, .fd = &all->out_fd };
	all->out[2] = (struct softgpu_out_fence){
		.type = SOFTGPU_POINT,
		.syncobj = all->out_timeline,
		.point = 1,
	};
	all->out[3] =
		(struct softgpu_out_fence){ .type = SOFTGPU_POINT, .syncobj = all->out_binary };
}

static void make_everything(struct everything *all)
{
	unsigned int i;

	memset(all, 0, sizeof(*all));
	gpu_init(&all->gpu, (struct softgpu_device_params){ 0 });
	all->context = create_context(&all->gpu, SOFTGPU_CLASS_COMPUTE, 4, "wide");
	for (i = 0; i < 3; i++)
		all->bos[i] = softgpu_bo_create(all->gpu.device, 3 * PAGE, "used");
	make_in_fences(all);
	make_out_fences(all);
	all->sync = (struct softgpu_sync){
		.in = all->in,
		.num_in = 5,
		.out = all->out,
		.num_out = 4,
	};
}

static void drop_everything(struct everything *all)
{
	unsigned int i;

	dma_fence_put(all->fence);
	if (all->out_fd >= 0)
		close(all->out_fd);
	dma_fence_syncobj_put(all->out_timeline);
	dma_fence_syncobj_put(all->out_binary);
	dma_fence_put(all->array);
	close(all->fd);
	dma_fence_syncobj_put(all->timeline);
	dma_fence_syncobj_put(all->binary);
	softgpu_context_put(all->context);
	for (i = 0; i < 3; i++)
		softgpu_bo_put(all->bos[i]);
	gpu_fini(&all->gpu);
	for (i = 0; i < 5; i++) {
		assert_int_equal(references(all->own[i]), 1);
		dma_fence_put(all->own[i]);
	}
}

static int submit_everything(struct everything *all)
{
	const struct softgpu_use uses[] = {
		{ .bo = all->bos[0], .write = true },
		{ .bo = all->bos[1] },
		{ .bo = all->bos[2], .write = true, .overwrite = true },
	};
	struct softgpu_batch batches[4] = { 0 };
	char commands[4][sizeof(struct softgpu_store)];
	unsigned int i;

	/* Not by the functions, which allocate. */
	for (i = 0; i < 4; i++) {
		const struct softgpu_store store = {
			.command = { SOFTGPU_OP_STORE, sizeof(store) },
			.destination = word_at(i),
			.value = 1,
		};

		memcpy(commands[i], &store, sizeof(store));
		batches[i] = (struct softgpu_batch){ .data = commands[i], .size = sizeof(store) };
	}
	return softgpu_context_submit(all->context,
				      &HOW(.batches = batches, .uses = uses, .num_uses = 3,
					   .sync = all->sync, .label = "everything"));
}

#define FAR UINT64_C(0x123456789000)

static int bind_everything(struct everything *all)
{
	const struct softgpu_bind binds[] = {
		{ .bo = all->bos[0], .address = FAR, .bytes = 3 * PAGE },
		{ .bo = all->bos[1], .address = FAR / 2 / PAGE * PAGE, .bytes = 3 * PAGE },
		{ .address = FAR + PAGE, .bytes = PAGE, .flags = SOFTGPU_BIND_UNMAP },
	};

	return softgpu_vm_bind(all->gpu.vm, binds, 3, &all->sync);
}

static bool job_is_done(struct everything *all, bool done)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (word(&all->gpu, i) != done)
			return false;
	return true;
}

/* As both tiles see it. */
static bool bind_is_done(struct everything *all, bool done)
{
	struct softgpu_copy copy = {
		.command = { SOFTGPU_OP_COPY, sizeof(copy) },
		.destination = word_at(100),
		.source = FAR,
		.bytes = 8,
	};
	struct softgpu_batch batch = { .data = &copy, .size = sizeof(copy) };
	unsigned int tile;

	for (tile = 0; tile < SOFTGPU_NUM_TILES; tile++)
		if (softgpu_vm_execute(all->gpu.vm, tile, &batch, NULL) != (done ? 0 : -EFAULT))
			return false;
	return true;
}

struct kind {
	int (*submit)(struct everything *all);
	bool (*is_done)(struct everything *all, bool done);
};

static const struct kind kinds[] = {
	{ submit_everything, job_is_done },
	{ bind_everything, bind_is_done },
};

static void nothing_has_happened(struct everything *all, const struct kind *kind,
				 const struct softgpu_device_stats *before)
{
	unsigned int i;
	int status;

	assert_nothing_done(&all->gpu, before);
	assert_null(all->fence);
	assert_int_equal(all->out_fd, -1);
	status = dma_fence_syncobj_status(all->out_timeline, 1);
	assert_true(status == -ENOENT || status == -ECANCELED);
	status = dma_fence_syncobj_status(all->out_binary, 0);
	assert_true(status == -ENOENT || status == -ECANCELED);
	for (i = 0; i < 3; i++)
		assert_true(softgpu_bo_wait(all->bos[i], true, 0) > 0);
	assert_int_equal(softgpu_context_status(all->context), 0);
	assert_true(kind->is_done(all, false));
	/* The places are new again. */
	dma_fence_syncobj_put(all->out_timeline);
	dma_fence_syncobj_put(all->out_binary);
	make_out_fences(all);
}

static void it_is_done(struct everything *all, const struct kind *kind)
{
	unsigned int i;

	for (i = 0; i < 5; i++) {
		assert_true(is_pending(all->fence));
		dma_fence_signal(all->own[i]);
	}
	assert_int_equal(outcome(all->fence), 0);
	assert_int_equal(all->fence->seqno, kind->submit == submit_everything ? 1 : 2);
	assert_true(kind->is_done(all, true));
	assert_int_equal(dma_fence_syncobj_status(all->out_timeline, 1), 1);
	assert_int_equal(dma_fence_syncobj_status(all->out_binary, 0), 1);
}

/* Each allocation in its turn; and then without failure, with what is left of that. */
static void each_allocation_of(const struct kind *kind)
{
	unsigned int refused = 0;
	bool failed = true;
	int n;

	for (n = 1; failed; n++) {
		struct softgpu_device_stats before;
		struct everything all;
		int ret, fds;

		watchdog_at("allocation %d", n);
		make_everything(&all);
		before = stats_of(&all.gpu);
		fds = count_fds();
		failing_malloc_in = n;
		ret = kind->submit(&all);
		failed = has_failed();
		if (ret) {
			assert_int_equal(ret, -ENOMEM);
			assert_true(failed);
			nothing_has_happened(&all, kind, &before);
			assert_int_equal(count_fds(), fds);
			assert_int_equal(kind->submit(&all), 0);
			refused++;
		}
		it_is_done(&all, kind);
		drop_everything(&all);
		assert_int_equal(live_blocks(), live_before);
	}
	printf("# %u of %d allocations were refused and told of\n", refused, n - 2);
	/* Fences, what was copied, dependencies, what was promised. */
	assert_true(refused > 10);
}

static void each_allocation_of_a_submission(void **state)
{
	(void)state;
	each_allocation_of(&kinds[0]);
}

static void each_allocation_of_a_bind(void **state)
{
	(void)state;
	each_allocation_of(&kinds[1]);
}

/* From none left on, until there are enough. */
static void without_files(const struct kind *kind)
{
	struct softgpu_device_stats before;
	struct everything all;
	struct rlimit limit, low;
	unsigned int refused = 0;
	int ret, fds;

	make_everything(&all);
	before = stats_of(&all.gpu);
	fds = count_fds();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	for (low.rlim_cur = 3;; low.rlim_cur++) {
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
		ret = kind->submit(&all);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		if (!ret)
			break;
		assert_int_equal(ret, -EMFILE);
		nothing_has_happened(&all, kind, &before);
		assert_int_equal(count_fds(), fds);
		refused++;
	}
	assert_true(refused >= 2);
	it_is_done(&all, kind);
	drop_everything(&all);
}

static void each_file_of_a_submission(void **state)
{
	(void)state;
	without_files(&kinds[0]);
}

static void each_file_of_a_bind(void **state)
{
	(void)state;
	without_files(&kinds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fault_test(a_device),
		fault_test(a_device_without_threads),
		fault_test(a_context),
		fault_test(each_allocation_of_a_submission),
		fault_test(each_allocation_of_a_bind),
		fault_test(each_file_of_a_submission),
		fault_test(each_file_of_a_bind),
	};

	return RUN(tests);
}
