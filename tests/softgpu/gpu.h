/* SPDX-License-Identifier: MIT */
/*
 * A device for tests of submission, with words of memory that the engines and the test see: so an
 * engine can be made to wait until the test lets it go on, and says what it has done.
 */
#ifndef TESTS_SOFTGPU_GPU_H
#define TESTS_SOFTGPU_GPU_H

#include <fcntl.h>
#include <poll.h>

#include <softgpu/softgpu.h>

#include "../left-behind.h"

#define PAGE	  SOFTGPU_PAGE_SIZE
#define NUM_WORDS 8192

/* Where the words are mapped in every address space. */
#define WORDS_AT UINT64_C(0x100000)

/* Longer than any test takes, so that no job is stopped that is not to be. */
#define NEVER (3600 * SECOND)

/* What was recorded of a batch, with copies of the names. */
struct kept_record {
	struct softgpu_job_record record;
	char context_name[64];
	char label[64];
};

struct gpu {
	struct softgpu_device *device;
	struct softgpu_vm *vm;
	struct softgpu_bo *bo;
	uint64_t *words;

	pthread_mutex_t lock;
	struct kept_record *records;
	size_t num_records, room;

	struct softgpu_fault fault; /* the last; its names are below */
	char fault_names[3][64];
	int num_faults;
};

static inline void keep_record(void *arg, const struct softgpu_job_record *record)
{
	struct gpu *gpu = arg;
	struct kept_record *kept;
	bool before = other_thread;

	/* It is the device's, or the one of the test that has submitted too late. */
	other_thread = true;
	pthread_mutex_lock(&gpu->lock);
	if (gpu->num_records == gpu->room) {
		gpu->room = gpu->room ? 2 * gpu->room : 64;
		gpu->records = realloc(gpu->records, gpu->room * sizeof(*gpu->records));
		assert_non_null(gpu->records);
	}
	kept = &gpu->records[gpu->num_records++];
	kept->record = *record;
	snprintf(kept->context_name, sizeof(kept->context_name), "%s", record->context_name);
	snprintf(kept->label, sizeof(kept->label), "%s", record->label);
	pthread_mutex_unlock(&gpu->lock);
	other_thread = before;
}

static inline void keep_fault(void *arg, const struct softgpu_fault *fault)
{
	struct gpu *gpu = arg;

	pthread_mutex_lock(&gpu->lock);
	gpu->fault = *fault;
	snprintf(gpu->fault_names[0], 64, "%s", fault->buffer);
	snprintf(gpu->fault_names[1], 64, "%s", fault->context);
	snprintf(gpu->fault_names[2], 64, "%s", fault->engine);
	gpu->fault.buffer = gpu->fault_names[0];
	gpu->fault.context = gpu->fault_names[1];
	gpu->fault.engine = gpu->fault_names[2];
	gpu->num_faults++;
	pthread_mutex_unlock(&gpu->lock);
}

/* The record of a label's batch. It is there once the job's fence has signaled. */
static inline struct softgpu_job_record record_of(struct gpu *gpu, const char *label,
						  unsigned int batch)
{
	struct softgpu_job_record record = { 0 };
	bool found = false;
	size_t i;

	pthread_mutex_lock(&gpu->lock);
	for (i = 0; i < gpu->num_records; i++) {
		const struct kept_record *kept = &gpu->records[i];

		if (strcmp(kept->label, label) || kept->record.batch != batch)
			continue;
		assert_false(found);
		found = true;
		record = kept->record;
	}
	pthread_mutex_unlock(&gpu->lock);
	assert_true(found);
	return record;
}

static inline uint64_t word_at(unsigned int word)
{
	return WORDS_AT + 8 * (uint64_t)word;
}

static inline uint64_t word(struct gpu *gpu, unsigned int word)
{
	return __atomic_load_n(&gpu->words[word], __ATOMIC_ACQUIRE);
}

static inline void set_word(struct gpu *gpu, unsigned int word, uint64_t value)
{
	__atomic_store_n(&gpu->words[word], value, __ATOMIC_RELEASE);
}

/* An engine will store it. */
static inline void await_word(struct gpu *gpu, unsigned int which, uint64_t value)
{
	while (word(gpu, which) != value)
		sched_yield();
}

/* How a job ended: 0 or its error. */
static inline int outcome(struct dma_fence *fence)
{
	int status;

	assert_int_equal(dma_fence_wait(fence, false), 0);
	status = dma_fence_get_status(fence);
	return status > 0 ? 0 : status;
}

/* The same, and lets go of the fence. */
static inline int ends(struct dma_fence *fence)
{
	int error = outcome(fence);

	dma_fence_put(fence);
	return error;
}

static inline bool is_pending(struct dma_fence *fence)
{
	return dma_fence_get_status(fence) == 0;
}

/* Maps a buffer, and waits until that is done. */
static inline void map(struct softgpu_vm *vm, struct softgpu_bo *bo, uint64_t address)
{
	struct softgpu_bind bind = {
		.bo = bo,
		.address = address,
		.bytes = softgpu_bo_size(bo),
	};
	struct dma_fence *fence = NULL;
	struct softgpu_out_fence out = { .type = SOFTGPU_FENCE, .fence = &fence };
	struct softgpu_sync sync = { .out = &out, .num_out = 1 };

	assert_int_equal(softgpu_vm_bind(vm, &bind, 1, &sync), 0);
	assert_int_equal(ends(fence), 0);
}

static inline struct softgpu_bo *create_bo(struct gpu *gpu, uint64_t bytes, uint64_t address,
					   const char *name)
{
	struct softgpu_bo *bo = softgpu_bo_create(gpu->device, bytes, name);

	assert_non_null(bo);
	map(gpu->vm, bo, address);
	return bo;
}

static inline void gpu_init(struct gpu *gpu, struct softgpu_device_params params)
{
	memset(gpu, 0, sizeof(*gpu));
	pthread_mutex_init(&gpu->lock, NULL);
	if (!params.time_limit_ns)
		params.time_limit_ns = NEVER;
	gpu->device = softgpu_device_create(&params);
	assert_non_null(gpu->device);
	softgpu_device_set_recorder(gpu->device, keep_record, gpu);
	softgpu_device_set_fault_handler(gpu->device, keep_fault, gpu);
	gpu->vm = softgpu_vm_create(gpu->device);
	assert_non_null(gpu->vm);
	gpu->bo = create_bo(gpu, NUM_WORDS * sizeof(uint64_t), WORDS_AT, "words");
	gpu->words = softgpu_bo_map(gpu->bo);
}

static inline void gpu_fini(struct gpu *gpu)
{
	softgpu_bo_put(gpu->bo);
	softgpu_vm_put(gpu->vm);
	softgpu_device_destroy(gpu->device);
	free(gpu->records);
	pthread_mutex_destroy(&gpu->lock);
}

/* On one engine of the class, or of more for a greater width. */
static inline struct softgpu_context *create_context(struct gpu *gpu,
						     enum softgpu_class engine_class,
						     unsigned int width, const char *name)
{
	const struct softgpu_context_params params = {
		.engine_class = engine_class,
		.width = width,
		.name = name,
	};
	struct softgpu_context *context = softgpu_context_create(gpu->vm, &params);

	assert_non_null(context);
	return context;
}

/* On that engine of the class. */
static inline struct softgpu_context *create_context_on(struct gpu *gpu,
							enum softgpu_class engine_class,
							unsigned int engine, const char *name)
{
	const struct softgpu_context_params params = {
		.engine_class = engine_class,
		.engines = &engine,
		.name = name,
	};
	struct softgpu_context *context = softgpu_context_create(gpu->vm, &params);

	assert_non_null(context);
	return context;
}

/*
 * Submits as many batches as the context is wide, and frees them. Returns the job's fence. What
 * else the submission is to say is said by 'how', but for out-fences.
 */
static inline struct dma_fence *submit_wide(struct softgpu_context *context,
					    struct softgpu_batch *batches, unsigned int width,
					    struct softgpu_submission how)
{
	struct dma_fence *fence = NULL;
	const struct softgpu_out_fence out = { .type = SOFTGPU_FENCE, .fence = &fence };
	unsigned int i;

	how.batches = batches;
	how.sync.out = &out;
	how.sync.num_out = 1;
	assert_int_equal(softgpu_context_submit(context, &how), 0);
	assert_non_null(fence);
	for (i = 0; i < width; i++)
		softgpu_batch_fini(&batches[i]);
	return fence;
}

static inline struct dma_fence *submit(struct softgpu_context *context, struct softgpu_batch *batch,
				       struct softgpu_submission how)
{
	return submit_wide(context, batch, 1, how);
}

/* What else a submission is to say. */
#define HOW(...) ((struct softgpu_submission){ __VA_ARGS__ })

/* A job that stores a word. */
static inline struct dma_fence *submit_store(struct softgpu_context *context, unsigned int word,
					     uint64_t value, struct softgpu_submission how)
{
	struct softgpu_batch batch = { 0 };

	softgpu_cmd_store(&batch, word_at(word), value);
	return submit(context, &batch, how);
}

/* A job that occupies its engine until the word is 1; says in the next word that it has begun. */
static inline struct dma_fence *submit_gate(struct softgpu_context *context, unsigned int gate,
					    struct softgpu_submission how)
{
	struct softgpu_batch batch = { 0 };

	softgpu_cmd_store(&batch, word_at(gate + 1), 1);
	softgpu_cmd_wait(&batch, word_at(gate), SOFTGPU_EQUAL, 1);
	return submit(context, &batch, how);
}

static inline void open_gate(struct gpu *gpu, unsigned int gate)
{
	set_word(gpu, gate, 1);
}

/* The gate's job occupies its engine by now. */
static inline void await_gate(struct gpu *gpu, unsigned int gate)
{
	await_word(gpu, gate + 1, 1);
}

/* An in-fence, and what waits for several. */
#define FENCE_IN(f, ...) \
	((struct softgpu_in_fence){ .type = SOFTGPU_FENCE, .fence = (f), ##__VA_ARGS__ })
#define AFTER(fences, num) ((struct softgpu_sync){ .in = (fences), .num_in = (num) })

/* A fence of the test's, that it signals. */
static inline struct dma_fence *own_fence(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	assert_non_null(fence);
	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	return fence;
}

static inline void end_own(struct dma_fence *fence, int error)
{
	if (error)
		dma_fence_set_error(fence, error);
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static inline uint32_t references(const struct dma_fence *fence)
{
	return atomic_load_relaxed(&fence->refcount);
}

/*
 * Whatever that engine was able to do, it has done: something of low priority comes last. In
 * another address space, so that it does not wait for binds.
 */
static inline void pass(struct gpu *gpu, enum softgpu_class engine_class, unsigned int engine)
{
	const struct softgpu_context_params params = {
		.engine_class = engine_class,
		.engines = &engine,
		.priority = SOFTGPU_PRIORITY_LOW,
	};
	struct softgpu_vm *vm = softgpu_vm_create(gpu->device);
	struct softgpu_context *context = softgpu_context_create(vm, &params);
	struct softgpu_batch batch = { 0 };

	assert_non_null(context);
	assert_int_equal(ends(submit(context, &batch, HOW(.label = ""))), 0);
	softgpu_context_put(context);
	softgpu_vm_put(vm);
}

/* The same for the engines of binds. */
static inline void pass_binds(struct gpu *gpu)
{
	struct softgpu_vm *vm = softgpu_vm_create(gpu->device);

	assert_non_null(vm);
	map(vm, gpu->bo, WORDS_AT);
	softgpu_vm_put(vm);
}

static inline struct softgpu_device_stats stats_of(struct gpu *gpu)
{
	struct softgpu_device_stats stats;

	softgpu_device_get_stats(gpu->device, &stats);
	return stats;
}

/* Nothing was done since, and nothing that stays was made. */
static inline void assert_nothing_done(struct gpu *gpu, const struct softgpu_device_stats *before)
{
	struct softgpu_device_stats after = stats_of(gpu);

	assert_int_equal(after.submissions, before->submissions);
	assert_int_equal(after.fences, before->fences);
	assert_int_equal(after.arrays, before->arrays);
	assert_int_equal(after.faults, before->faults);
	assert_int_equal(after.hangs, before->hangs);
	assert_int_equal(after.bans, before->bans);
	assert_int_equal(after.live_bytes, before->live_bytes);
}

#endif
