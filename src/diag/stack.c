/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "diag/mutants.h"
#include "diag/stack.h"
#include "diag/unwind.h"

/* Both powers of two. */
#define BLOCK	1024
#define BUCKETS 16384

struct stack {
	uint32_t hash;
	uint32_t next; /* in the bucket; like all the rest it does not change once it is there */
	uint32_t count;
	const void *frames[STACK_FRAMES];
};

/* Number 1 is the first stack of the first block. */
static struct stack *blocks[STACK_MOST / BLOCK];
static uint32_t buckets[BUCKETS];
static uint32_t given_out;
static uint64_t lost;

/* A number of this thread's that is no stack's: another thread has stored the same one first. */
static _Thread_local uint32_t spare;

static struct stack *stack_of(uint32_t number)
{
	return &atomic_load_acquire(&blocks[(number - 1) / BLOCK])[(number - 1) % BLOCK];
}

static uint32_t hash_of(const void *const *frames, unsigned int count)
{
	uint64_t hash = count;
	unsigned int i;

	for (i = 0; i < count; i++)
		hash = (hash ^ (uintptr_t)frames[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(hash >> 32);
}

/* Looks from 'number' on, up to but without 'end'. */
static uint32_t find(uint32_t number, uint32_t end, uint32_t hash, const void *const *frames,
		     unsigned int count)
{
	while (number != end) {
		const struct stack *stack = stack_of(number);

		if (stack->hash == hash && stack->count == count &&
		    !memcmp(stack->frames, frames, count * sizeof(*frames)))
			break;
		number = stack->next;
	}
	return number == end ? 0 : number;
}

static bool block_ready(uint32_t number)
{
	struct stack **place = &blocks[(number - 1) / BLOCK], *none = NULL, *block;

	if (atomic_load_acquire(place))
		return true;
	block = calloc(BLOCK, sizeof(*block));
	if (!block)
		return false;
	if (!atomic_cas_acq_rel(place, &none, block))
		free(block);
	return true;
}

static uint32_t take_number(void)
{
	uint32_t number = spare, given;

	if (number) {
		spare = 0;
		return number;
	}
	given = atomic_load_relaxed(&given_out);
	do {
		if (given == STACK_MOST || !block_ready(given + 1))
			return 0;
	} while (!atomic_cas_relaxed(&given_out, &given, given + 1));
	return given + 1;
}

static uint32_t store(uint32_t *bucket, uint32_t first, uint32_t hash, const void *const *frames,
		      unsigned int count)
{
	uint32_t number = take_number(), same, seen = first;
	struct stack *stack;

	if (!number) {
		atomic_fetch_add_relaxed(&lost, 1);
		return 0;
	}
	stack = stack_of(number);
	stack->hash = hash;
	stack->count = count;
	memcpy(stack->frames, frames, count * sizeof(*frames));
	stack->next = first;
	while (!atomic_cas_acq_rel(bucket, &first, number)) {
		/* Nothing leaves a bucket: what is new in it comes before what was there. */
		same = find(first, seen, hash, frames, count);
		if (same && !MUTANT(STACK_STORED_TWICE)) {
			spare = number;
			return same;
		}
		stack->next = seen = first;
	}
	return number;
}

/* Not inlined: it is the frame from which the stack is seen. */
__attribute__((noinline)) uint32_t dma_fence_stack_here(void)
{
	const void *frames[STACK_FRAMES];
	unsigned int count = dma_fence_unwind(__builtin_frame_address(0),
					      __builtin_return_address(0), frames, STACK_FRAMES);
	uint32_t hash = hash_of(frames, count), *bucket = &buckets[hash % BUCKETS];
	uint32_t first = atomic_load_acquire(bucket), number = find(first, 0, hash, frames, count);

	return number ? number : store(bucket, first, hash, frames, count);
}

unsigned int dma_fence_stack_frames(uint32_t stack, const void *frames[STACK_FRAMES])
{
	const struct stack *stored;

	if (!stack || stack > atomic_load_relaxed(&given_out))
		return 0;
	stored = stack_of(stack);
	memcpy(frames, stored->frames, stored->count * sizeof(*frames));
	return stored->count;
}

uint32_t dma_fence_stack_count(void)
{
	return atomic_load_relaxed(&given_out);
}

uint64_t dma_fence_stack_lost(void)
{
	return atomic_load_relaxed(&lost);
}

void dma_fence_stack_init(void)
{
	block_ready(1);
	dma_fence_stack_here();
}
