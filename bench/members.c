/* SPDX-License-Identifier: MIT */
#include <dmafence/rcu.h>

#include "harness.h"
#include "members.h"

/* Little enough to find room in the caches, enough that hardly anything waits for it. */
#define MUCH_MEMORY (4 << 20)

struct aligned_fence bench_members[MOST_MEMBERS];

void bench_init_members(size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		dma_fence_init(bench_member(i), &embedded_ops, i + 1, i + 1);
}

void bench_put_members(size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		dma_fence_put(bench_member(i));
}

/* Marsaglia's xorshift64 */
uint64_t bench_random(uint64_t below)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 32) * below >> 32;
}

void bench_shuffle(uint32_t *indices, size_t count)
{
	uint32_t other;
	size_t i, j;

	for (i = count; i > 1; i--) {
		j = bench_random(i);
		other = indices[j];
		indices[j] = indices[i - 1];
		indices[i - 1] = other;
	}
}

static uint64_t called;

void bench_count_call(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	called++;
}

void bench_check_called(uint64_t expected)
{
	if (called != expected)
		bench_fail("%llu of %llu callbacks were called", (unsigned long long)called,
			   (unsigned long long)expected);
	called = 0;
}

void bench_deferred(size_t bytes)
{
	static size_t deferred;

	deferred += bytes;
	if (deferred < MUCH_MEMORY)
		return;
	dma_fence_rcu_barrier();
	deferred = 0;
}
