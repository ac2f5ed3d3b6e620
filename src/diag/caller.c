/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>
#include <unwind.h>

#include <dmafence/fence.h>

#include "base/hooks.h"
#include "diag/caller.h"
#include "diag/stack.h"
#include "fence/container.h"

/* Answers of late: the stack, which frame, and the number of the function, in one word. */
#define MEMO	      4096
#define FRAME_SHIFT   28
#define FUNCTION_MASK ((UINT32_C(1) << FRAME_SHIFT) - 1)

static uint64_t memo[MEMO];

_Static_assert(STACK_FRAMES <= 16, "the number of a frame has four bits");

/* A return address: the instruction before it is the one that is meant. */
static const void *function_of(const void *address)
{
	return _Unwind_FindEnclosingFunction((void *)(uintptr_t)address);
}

static bool is_one_of(const struct hooks *hooks, const void *function)
{
	return hooks && ((const void *)(uintptr_t)hooks->init == function ||
			 (const void *)(uintptr_t)hooks->get == function ||
			 (const void *)(uintptr_t)hooks->get_rcu == function ||
			 (const void *)(uintptr_t)hooks->put == function);
}

/* What calls the hooks of each table, where there are several. */
static bool is_of_hooks(const void *function)
{
	static const struct hooks *several;
	const struct hooks *hooks = atomic_load_acquire(&dma_fence_hooks);

	if (is_one_of(hooks, function)) {
		atomic_store_release(&several, hooks);
		return true;
	}
	/* All but one may just have been removed. */
	return is_one_of(atomic_load_acquire(&several), function);
}

/* What others call to take or drop a reference, and what calls another one of these for that. */
static bool is_entry(const void *function)
{
	const void *const entries[] = {
		(const void *)(uintptr_t)dma_fence_get,
		(const void *)(uintptr_t)dma_fence_put,
		(const void *)(uintptr_t)dma_fence_init,
		(const void *)(uintptr_t)dma_fence_init_container,
		(const void *)(uintptr_t)dma_fence_get_rcu,
		(const void *)(uintptr_t)dma_fence_get_rcu_safe,
		(const void *)(uintptr_t)dma_fence_get_stub,
		(const void *)(uintptr_t)dma_fence_allocate_private_stub,
	};
	size_t i;

	for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		if (entries[i] == function)
			return true;
	}
	return false;
}

static uint32_t number_of(const void *function)
{
	const uint64_t hash = (uintptr_t)function * UINT64_C(0x9e3779b97f4a7c15);

	return function ? ((uint32_t)(hash >> 32) & FUNCTION_MASK) | 1 : 0;
}

/*
 * The hook returns to the function that takes or drops the reference, or to what calls the hooks of
 * each table. That function may be a part that the compiler has split off of one that is known, so
 * it is passed over as it is; but if it may have left the stack, only if it is known. From there on
 * what is known is passed over.
 */
static struct caller find(uint32_t stack, const void *hook_returns_to, bool last)
{
	const void *frames[STACK_FRAMES];
	unsigned int count = dma_fence_stack_frames(stack, frames), i = 0;
	struct caller caller = { 0 };

	while (i < count && frames[i] != hook_returns_to)
		i++;
	if (i < count && is_of_hooks(function_of(frames[i])))
		i++;
	if (!last)
		i++;
	for (; i < count && is_entry(function_of(frames[i])); i++)
		;
	if (i < count) {
		caller.frame = i;
		caller.function = number_of(function_of(frames[i]));
	}
	return caller;
}

struct caller dma_fence_caller(uint32_t stack, const void *hook_returns_to, bool last)
{
	uint64_t *slot = &memo[stack % MEMO];
	const uint64_t known = atomic_load_relaxed(slot);
	struct caller caller;

	if (known >> 32 == stack && stack) {
		caller.function = (uint32_t)known & FUNCTION_MASK;
		caller.frame = (uint32_t)known >> FRAME_SHIFT;
		return caller;
	}
	caller = find(stack, hook_returns_to, last);
	atomic_store_relaxed(slot, (uint64_t)stack << 32 | (uint64_t)caller.frame << FRAME_SHIFT |
					   caller.function);
	return caller;
}
