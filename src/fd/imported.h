/* SPDX-License-Identifier: MIT */
/* A fence that stands for a sync file of another process, or of the kernel. */
#ifndef DMAFENCE_FD_IMPORTED_H
#define DMAFENCE_FD_IMPORTED_H

#include <stdbool.h>
#include <stdint.h>

#include <dmafence/fence.h>

enum sync_file_kind {
	SYNC_FILE_PIPE,
	SYNC_FILE_KERNEL,
};

/*
 * The fence takes over @fd, a sync file of the @kind, if it can be made. Returns it, or NULL with
 * errno. The names are copied; the site is to blame for the fd.
 */
struct dma_fence *dma_fence_imported_create(int fd, enum sync_file_kind kind, const char *driver,
					    const char *timeline, uint32_t site);

/* A duplicate of an fd that is open, or -errno. */
int dma_fence_dup_fd(int fd);

/*
 * A duplicate of the sync file that a fence was imported from; -ENOENT if there is none any more.
 */
int dma_fence_imported_dup_fd(struct dma_fence *fence);

/* Whether it is one of these. */
bool dma_fence_is_imported(const struct dma_fence *fence);

/* Around a fork(), for fd/sync-file.c; the second in parent and child. */
void dma_fence_imported_fork_prepare(void);
void dma_fence_imported_fork_done(void);

#endif
