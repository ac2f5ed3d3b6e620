/* SPDX-License-Identifier: MIT */
/*
 * What the files of the run time share. Here, and in what includes this, dma_fence_ names are the
 * library's, and those of kernel code have linux_ before them.
 */
#ifndef COMPAT_DMA_FENCE_H
#define COMPAT_DMA_FENCE_H

#define LINUX_COMPAT_RUN_TIME

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-resv.h>
#include <linux/seq_file.h>

static inline struct linux_dma_fence *to_linux(struct dma_fence *fence)
{
	return (struct linux_dma_fence *)(void *)fence;
}

static inline struct dma_fence *to_library(struct linux_dma_fence *fence)
{
	return (struct dma_fence *)(void *)fence;
}

static inline struct dma_fence **to_library_array(struct linux_dma_fence **fences)
{
	return (struct dma_fence **)(void *)fences;
}

/* Whether it was made by linux_dma_fence_init(): it has what is behind the library's fence. */
bool linux_dma_fence_has_driver(struct linux_dma_fence *fence);

/* One that is signaled, with that error, or 0; NULL if there is no memory. */
struct linux_dma_fence *linux_dma_fence_signaled(ktime_t timestamp, int error);

/* What the library returns for a wait, as the kernel does. */
static inline long linux_wait_result(int64_t ret)
{
	return ret == -EINTR ? -ERESTARTSYS : (long)ret;
}

/* Whether a signal was sent to the task, by send_sig(): the library does not know of those. */
static inline bool linux_interrupted(bool intr)
{
	return intr && linux_thread.task && signal_pending(linux_thread.task);
}

#endif
