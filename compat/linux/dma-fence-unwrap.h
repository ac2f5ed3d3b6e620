/* SPDX-License-Identifier: MIT */
/* linux/dma-fence-unwrap.h - leaves of containers, and merging; the cursor is the library's */
#ifndef LINUX_COMPAT_DMA_FENCE_UNWRAP_H
#define LINUX_COMPAT_DMA_FENCE_UNWRAP_H

#include <linux/dma-fence.h>

struct linux_dma_fence *linux_dma_fence_unwrap_first(struct linux_dma_fence *head,
						     struct dma_fence_unwrap *cursor);
struct linux_dma_fence *linux_dma_fence_unwrap_next(struct dma_fence_unwrap *cursor);
struct linux_dma_fence *linux_dma_fence_unwrap_merge(size_t num_fences,
						     struct linux_dma_fence **fences);
size_t linux_dma_fence_dedup_array(struct linux_dma_fence **fences, size_t num_fences);

#ifndef LINUX_COMPAT_RUN_TIME

#define dma_fence_unwrap_first linux_dma_fence_unwrap_first
#define dma_fence_unwrap_next  linux_dma_fence_unwrap_next
#define dma_fence_dedup_array  linux_dma_fence_dedup_array

#undef dma_fence_unwrap_for_each
#define dma_fence_unwrap_for_each(fence, cursor, head) \
	for ((fence) = linux_dma_fence_unwrap_first(head, cursor); (fence); \
	     (fence) = linux_dma_fence_unwrap_next(cursor))

/* It needs no cursors. */
#define __dma_fence_unwrap_merge(num_fences, fences, cursors) \
	((void)(cursors), linux_dma_fence_unwrap_merge(num_fences, fences))

#undef dma_fence_unwrap_merge
#define dma_fence_unwrap_merge(...) \
	({ \
		struct linux_dma_fence *linux_fences[] = { __VA_ARGS__ }; \
		linux_dma_fence_unwrap_merge(ARRAY_SIZE(linux_fences), linux_fences); \
	})

#endif

#endif
