/* SPDX-License-Identifier: MIT */
/*
 * For the operations, which are compiled once for each side. What both sides have by the same name
 * they call by that name; what is called differently has one that begins with side_.
 */
#ifndef BESIDE_LINUX_SIDE_H
#define BESIDE_LINUX_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#ifdef SIDE_LINUX
#include "side-linux.h"
#else
#include "side-dmafence.h"
#endif
#include "sides.h"

#define SIDE_INLINE static inline __attribute__((always_inline))

/* For the compiler: from here on nothing is known of what memory holds. */
#define side_forget()	 __asm__ __volatile__("" : : : "memory")
#define side_keep(value) __asm__ __volatile__("" : : "r"(value) : "memory")

/* For the processor: the thread spins. */
static inline void side_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("isb" : : : "memory");
#else
	side_forget();
#endif
}

/* Where the clock is not to be read. */
#define SIDE_SOME_TIME 1000000000

/* More contexts than anything has at once; neither side's own get so far. */
#define SIDE_CONTEXTS (UINT64_C(1) << 40)

extern const struct side_host *side_host;

/* Of all fences but those of a second thread. */
extern struct side_timeline side_timeline, side_second_timeline;

/* A release that does nothing, one that frees at once; none, which frees after a grace period. */
extern const struct dma_fence_ops side_kept_ops, side_at_once_ops, side_deferred_ops;

static inline double side_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Fences, a cache line each, whose release does nothing. */
struct side_member {
	struct dma_fence fence;
} __attribute__((aligned(64)));

static inline struct dma_fence *side_member(size_t index)
{
	return &((struct side_member *)side_host->memory)[index].fence;
}

/*
 * Room for a few callbacks. On the stack, which is somewhere else in every run, they may lie where
 * the processor may take them for the fence, by the low bits of the address: some runs took twice
 * as long.
 */
static inline struct dma_fence_cb *side_callbacks(void)
{
	return (struct dma_fence_cb *)(void *)side_member(SIDE_MEMBERS - 32);
}

void side_init_members(unsigned int count);
void side_put_members(unsigned int count);

/* A vector by malloc() of members from 'first' on, with a reference to each. */
struct dma_fence **side_vector(unsigned int first, unsigned int count);

SIDE_INLINE void side_signal(struct dma_fence *fence, bool clock)
{
	if (clock)
		dma_fence_signal(fence);
	else
		dma_fence_signal_timestamp(fence, SIDE_SOME_TIME);
}

/* A callback that counts, and who has to be sure that all have run. */
extern uint64_t side_called;
void side_count_call(struct dma_fence *fence, struct dma_fence_cb *cb);
void side_wait_called(uint64_t count);
void side_check_called(uint64_t expected);

/* So much has been put that is to be freed; waits for that when it has become much. */
void side_deferred(size_t bytes);

side_func side_life, side_heap_at_once, side_heap_deferred, side_get_put, side_is_signaled,
	side_add_remove, side_enable_new, side_wait_signaled, side_wait_any, side_get_stub,
	side_private_stub, side_context_alloc, side_read_section;
side_func side_array, side_array_bytes;
side_func side_chain, side_chain_walk, side_chain_find;
side_func side_merge, side_unwrap_array, side_unwrap_chain;
side_func side_lock, side_lock_ctx, side_lock_16, side_job, side_get_fences, side_test_signaled,
	side_for_each, side_for_each_unlocked, side_read_beside_writer;
side_func side_wake_sleeping, side_wake_spinning;

#endif
