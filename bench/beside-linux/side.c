/* SPDX-License-Identifier: MIT */
/* The table of a side, and what its operations have in common. */
#include "side.h"

/* Little enough to stay in the caches. */
#define MUCH_MEMORY (2 << 20)

const struct side_host *side_host;
struct side_timeline side_timeline, side_second_timeline;
uint64_t side_called;

static const char *name(struct dma_fence *fence)
{
	(void)fence;
	return "bench";
}

static void keep(struct dma_fence *fence)
{
	(void)fence;
}

static void free_at_once(struct dma_fence *fence)
{
	free(fence);
}

const struct dma_fence_ops side_kept_ops = {
	.get_driver_name = name,
	.get_timeline_name = name,
	.release = keep,
};

const struct dma_fence_ops side_at_once_ops = {
	.get_driver_name = name,
	.get_timeline_name = name,
	.release = free_at_once,
};

const struct dma_fence_ops side_deferred_ops = {
	.get_driver_name = name,
	.get_timeline_name = name,
};

void side_init_members(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		side_init(side_member(i), &side_kept_ops, &side_timeline, SIDE_CONTEXTS + i, i + 1);
}

void side_put_members(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		dma_fence_put(side_member(i));
}

struct dma_fence **side_vector(unsigned int first, unsigned int count)
{
	struct dma_fence **vector = malloc(count * sizeof(struct dma_fence *));
	unsigned int i;

	if (!vector)
		side_host->fail("out of memory");
	for (i = 0; i < count; i++)
		vector[i] = dma_fence_get(side_member(first + i));
	return vector;
}

void side_count_call(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	__atomic_store_n(&side_called, side_called + 1, __ATOMIC_RELEASE);
}

void side_wait_called(uint64_t count)
{
	while (__atomic_load_n(&side_called, __ATOMIC_ACQUIRE) < count)
		;
}

void side_check_called(uint64_t expected)
{
	uint64_t called = __atomic_load_n(&side_called, __ATOMIC_ACQUIRE);

	if (called != expected)
		side_host->fail("%llu of %llu callbacks were called", (unsigned long long)called,
				(unsigned long long)expected);
	side_called = 0;
}

void side_deferred(size_t bytes)
{
	static size_t deferred;

	side_quiescent();
	deferred += bytes;
	if (deferred < MUCH_MEMORY)
		return;
	side_settle();
	deferred = 0;
}

static void start(const struct side_host *host)
{
	side_host = host;
#ifdef SIDE_LINUX
	peer_thread_begin();
	peer_start_helpers();
	peer_rcu_offline();
#else
	/* Its first deferred free starts the thread that frees. */
	dma_fence_put(dma_fence_allocate_private_stub(SIDE_SOME_TIME));
	side_settle();
#endif
}

static void begin(void)
{
#ifdef SIDE_LINUX
	peer_rcu_online();
#endif
}

static void end(void)
{
#ifdef SIDE_LINUX
	peer_rcu_offline();
#endif
}

extern const struct side bench_side;
__attribute__((visibility("default"))) const struct side bench_side = {
	.start = start,
	.begin = begin,
	.end = end,
#ifdef SIDE_LINUX
	.irq_work_by_thread = peer_irq_work_by_thread,
#endif
	.operations = {
		[SIDE_LIFE] = side_life,
		[SIDE_HEAP_AT_ONCE] = side_heap_at_once,
		[SIDE_HEAP_DEFERRED] = side_heap_deferred,
		[SIDE_GET_PUT] = side_get_put,
		[SIDE_IS_SIGNALED] = side_is_signaled,
		[SIDE_ADD_REMOVE] = side_add_remove,
		[SIDE_ENABLE] = side_enable_new,
		[SIDE_WAIT_SIGNALED] = side_wait_signaled,
		[SIDE_WAIT_ANY] = side_wait_any,
		[SIDE_GET_STUB] = side_get_stub,
		[SIDE_PRIVATE_STUB] = side_private_stub,
		[SIDE_CONTEXT_ALLOC] = side_context_alloc,
		[SIDE_READ_SECTION] = side_read_section,
		[SIDE_ARRAY] = side_array,
		[SIDE_ARRAY_BYTES] = side_array_bytes,
		[SIDE_CHAIN] = side_chain,
		[SIDE_CHAIN_WALK] = side_chain_walk,
		[SIDE_CHAIN_FIND] = side_chain_find,
		[SIDE_MERGE] = side_merge,
		[SIDE_UNWRAP_ARRAY] = side_unwrap_array,
		[SIDE_UNWRAP_CHAIN] = side_unwrap_chain,
		[SIDE_LOCK] = side_lock,
		[SIDE_LOCK_CTX] = side_lock_ctx,
		[SIDE_LOCK_MANY] = side_lock_16,
		[SIDE_JOB] = side_job,
		[SIDE_GET_FENCES] = side_get_fences,
		[SIDE_TEST_SIGNALED] = side_test_signaled,
		[SIDE_FOR_EACH] = side_for_each,
		[SIDE_FOR_EACH_UNLOCKED] = side_for_each_unlocked,
		[SIDE_READ_BESIDE_WRITER] = side_read_beside_writer,
		[SIDE_WAKE_SLEEPING] = side_wake_sleeping,
		[SIDE_WAKE_SPINNING] = side_wake_spinning,
	},
};
