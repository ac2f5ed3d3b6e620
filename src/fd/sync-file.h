/* SPDX-License-Identifier: MIT */
/* What other files of src/fd need of fd/sync-file.c. */
#ifndef DMAFENCE_FD_SYNC_FILE_H
#define DMAFENCE_FD_SYNC_FILE_H

#include <stdint.h>

#include <dmafence/sync-file.h>

/* dma_fence_sync_file_export() on behalf of another site. */
int dma_fence_sync_file_export_from(struct dma_fence *fence, uint32_t site);

/* dma_fence_sync_file_import_dup_fd(), too. */
struct dma_fence *dma_fence_sync_file_import_from(int fd, uint32_t site);

/* Closes what is kept for exports of which every copy has been closed. */
void dma_fence_sync_file_let_go(void);

#endif
