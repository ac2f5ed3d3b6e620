/* SPDX-License-Identifier: MIT */
/*
 * The memory of a job stays intact while a device goes on writing into it, for a second after the
 * last put of the job's fence: nobody else gets it, whatever the program allocates meanwhile.
 */
#include "support.h"

#define WORDS (64 * 1024 / sizeof(uint64_t))

struct job {
	struct dma_fence fence; /* first: freed by dma_fence_free() */
	uint64_t words[WORDS];
};

static int dropped;   /* the last reference */
static int told;      /* the device says that it has come to an end */
static int may_check; /* and that nobody allocates any more */
static uint64_t rounds;

static void work_is_released(struct dma_fence *fence)
{
	dma_fence_free(fence);
}

static const struct dma_fence_ops job_ops = { .release = work_is_released };

/* What the device writes: of each round and place another word. */
static uint64_t pattern(uint64_t round, size_t i)
{
	return (round << 32 | (uint64_t)i) * UINT64_C(0x9e3779b97f4a7c15);
}

/*
 * The device has an address, and no reference. After each round it finds what it wrote in the one
 * before.
 */
static void *device(void *arg)
{
	struct job *job = arg;
	uint64_t round = 0;
	int64_t end = 0;
	size_t i;

	while (!end || clock_now() < end) {
		if (!end && atomic_load_acquire(&dropped))
			end = clock_now() + SECOND;
		for (i = 0; i < WORDS; i++) {
			if (round)
				assert_int_equal(atomic_load_relaxed(&job->words[i]),
						 pattern(round, i));
			atomic_store_relaxed(&job->words[i], pattern(round + 1, i));
		}
		round++;
	}
	rounds = round;
	set_flag(&told);
	await_flag(&may_check);
	for (i = 0; i < WORDS; i++)
		assert_int_equal(atomic_load_relaxed(&job->words[i]), pattern(round, i));
	dma_fence_signal(&job->fence);
	return NULL;
}

static bool overlaps(const void *block, const struct job *job)
{
	return (uintptr_t)block < (uintptr_t)(job + 1) &&
	       (uintptr_t)block + sizeof(struct job) > (uintptr_t)job;
}

static void memory_stays_under_a_running_device(void **state)
{
	/* Reachable, so that no leak checker asks. */
	static struct job *job;
	struct counter counter = { .ran = 0 };
	struct job *blocks[16] = { NULL };
	uint64_t allocated = 0;
	pthread_t thread;
	size_t i = 0;

	(void)state;
	job = malloc(sizeof(*job));
	assert_non_null(job);
	dma_fence_init(&job->fence, &job_ops, dma_fence_context_alloc(1), 1);
	assert_int_equal(dma_fence_add_callback(&job->fence, &counter.cb, count_call), 0);
	thread = start(device, job);
	dma_fence_put(&job->fence);
	dma_fence_rcu_barrier();
	set_flag(&dropped);

	/* Who gets freed memory of that size is one of these. */
	while (!atomic_load_acquire(&told)) {
		free(blocks[i]);
		blocks[i] = malloc(sizeof(struct job));
		assert_non_null(blocks[i]);
		assert_false(overlaps(blocks[i], job));
		memset(blocks[i], 0xa5, sizeof(struct job));
		i = (i + 1) % ARRAY_SIZE(blocks);
		allocated++;
	}
	assert_true(allocated > ARRAY_SIZE(blocks));
	assert_int_equal(calls(&counter), 0);
	assert_false(dma_fence_is_signaled(&job->fence));
	set_flag(&may_check);
	join(thread);
	assert_true(rounds > 1);

	/* The device was the producer, and has signaled after all. */
	assert_int_equal(calls(&counter), 1);
	assert_int_equal(dma_fence_get_status(&job->fence), -EDEADLK);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_QUARANTINE], 1);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_LATE_SIGNAL], 1);
	assert_int_equal(caught()->count, 2);
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		free(blocks[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(memory_stays_under_a_running_device, catch_setup,
						catch_teardown),
	};

	return RUN(tests);
}
