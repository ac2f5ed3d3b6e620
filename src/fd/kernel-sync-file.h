/* SPDX-License-Identifier: MIT */
/* The sync files of the kernel, by the system calls that <linux/sync_file.h> describes. */
#ifndef DMAFENCE_FD_KERNEL_SYNC_FILE_H
#define DMAFENCE_FD_KERNEL_SYNC_FILE_H

#include <stdint.h>

#include <dmafence/sync-file.h>

/*
 * As dma_fence_sync_file_get_info(), but the fences of one that has signaled are told as well, and
 * of one that is pending some may have signaled. -EINVAL if it is no sync file of the kernel.
 */
int dma_fence_kernel_sync_file_info(int fd, struct dma_fence_sync_file_info *info);

/* Returns the fd, or -errno: if it was not possible, or would lose an error. */
int dma_fence_kernel_sync_file_merge(int fd1, int fd2);

/* -EOPNOTSUPP where the kernel has no deadlines. */
int dma_fence_kernel_sync_file_set_deadline(int fd, int64_t deadline_ns);

#endif
