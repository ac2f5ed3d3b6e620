/* SPDX-License-Identifier: MIT */
/*
 * linux/dma-fence-array.h - one fence for several
 *
 * The library's arrays. Until 7.1 the kernel's had an argument signal_on_any, which makes an array
 * signal with the first of its members; here it may be there, and must be false. A constant true
 * does not compile; another is reported, and there is no array, or one that has failed.
 */
#ifndef LINUX_COMPAT_DMA_FENCE_ARRAY_H
#define LINUX_COMPAT_DMA_FENCE_ARRAY_H

#include <linux/dma-fence.h>

/* @base, @fences and @num_fences are for everybody to read. */
struct linux_dma_fence_array {
	union {
		struct linux_dma_fence base;
		struct {
			char linux_base[LINUX_BASE_SIZE];
			struct linux_dma_fence **fences;
			unsigned int num_fences;
		};
		char linux_array[LINUX_ARRAY_SIZE];
	};
};

_Static_assert(offsetof(struct linux_dma_fence_array, fences) == LINUX_ARRAY_FENCES &&
		       offsetof(struct linux_dma_fence_array, num_fences) == LINUX_ARRAY_NUM_FENCES,
	       "as in the library's");

struct linux_dma_fence_array *linux_dma_fence_array_alloc(int unused, ...);
void linux_dma_fence_array_init(struct linux_dma_fence_array *array, int num_fences,
				struct linux_dma_fence **fences, u64 context, u64 seqno,
				bool signal_on_any);
struct linux_dma_fence_array *linux_dma_fence_array_create(int num_fences,
							   struct linux_dma_fence **fences,
							   u64 context, u64 seqno,
							   bool signal_on_any);
bool linux_dma_fence_match_context(struct linux_dma_fence *fence, u64 context);
struct linux_dma_fence *linux_dma_fence_array_first(struct linux_dma_fence *head);
struct linux_dma_fence *linux_dma_fence_array_next(struct linux_dma_fence *head,
						   unsigned int index);

static inline struct linux_dma_fence_array *linux_to_dma_fence_array(struct linux_dma_fence *fence)
{
	if (!fence || !linux_dma_fence_is_array(fence))
		return NULL;
	return container_of(fence, struct linux_dma_fence_array, base);
}

#ifndef LINUX_COMPAT_RUN_TIME

#define dma_fence_array		linux_dma_fence_array
#define to_dma_fence_array	linux_to_dma_fence_array
#define dma_fence_match_context linux_dma_fence_match_context
#define dma_fence_array_first	linux_dma_fence_array_first
#define dma_fence_array_next	linux_dma_fence_array_next

/* The number of members may be said; it does not matter. */
#define dma_fence_array_alloc(...) linux_dma_fence_array_alloc(0, ##__VA_ARGS__)

/* By the number of arguments: with signal_on_any, or without. */
#define LINUX_SEVENTH(a, b, c, d, e, f, g, ...) g

#define dma_fence_array_create(...) \
	LINUX_SEVENTH(__VA_ARGS__, none, LINUX_CREATE_ON_ANY, LINUX_CREATE, none, none, none) \
	(__VA_ARGS__)
#define dma_fence_array_init(...) \
	LINUX_SEVENTH(__VA_ARGS__, LINUX_INIT_ON_ANY, LINUX_INIT, none, none, none, none) \
	(__VA_ARGS__)

/* An integer constant expression: 0 times it is a null pointer, which takes the other's type. */
#define LINUX_IS_LITERAL(x) \
	_Generic(1 ? (void *)((long)(x)*0L) : (int *)NULL, int * : 1, void * : 0)
#define LINUX_ALL_OF(signal_on_any) \
	_Static_assert( \
		!__builtin_choose_expr(LINUX_IS_LITERAL(signal_on_any), (signal_on_any), 0), \
		"signal_on_any must be false: an array signals when all members have; for " \
		"any of them, add a callback to each")

#define LINUX_CREATE(num_fences, fences, context, seqno) \
	linux_dma_fence_array_create(num_fences, fences, context, seqno, false)
#define LINUX_CREATE_ON_ANY(num_fences, fences, context, seqno, signal_on_any) \
	({ \
		LINUX_ALL_OF(signal_on_any); \
		linux_dma_fence_array_create(num_fences, fences, context, seqno, signal_on_any); \
	})
#define LINUX_INIT(array, num_fences, fences, context, seqno) \
	linux_dma_fence_array_init(array, num_fences, fences, context, seqno, false)
#define LINUX_INIT_ON_ANY(array, num_fences, fences, context, seqno, signal_on_any) \
	({ \
		LINUX_ALL_OF(signal_on_any); \
		linux_dma_fence_array_init(array, num_fences, fences, context, seqno, \
					   signal_on_any); \
	})

#undef dma_fence_array_for_each
#define dma_fence_array_for_each(fence, index, head) \
	for ((index) = 0, (fence) = linux_dma_fence_array_first(head); (fence); \
	     ++(index), (fence) = linux_dma_fence_array_next(head, index))

#endif

#endif
