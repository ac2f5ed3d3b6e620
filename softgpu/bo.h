/* SPDX-License-Identifier: MIT */
/* Buffers, for those who make up the driver. */
#ifndef SOFTGPU_BO_H
#define SOFTGPU_BO_H

#include <dmafence/dmafence.h>

#include "backing.h"

struct softgpu_bo {
	uint32_t refcount;
	struct softgpu_device *device;
	struct backing *backing;
	struct dma_resv resv;
	/*
	 * The last job that was going to write to it, under the lock of @resv: a reservation object
	 * forgets what has signaled, and how.
	 */
	struct dma_fence *last_write;
	/* While it waits for its fences, after the last reference: the reaper's (reaper.h). */
	struct dma_fence_cb cb;
	struct softgpu_bo *next;
};

/* Nobody has a reference, its memory has gone back: frees what is left. */
void softgpu_bo_free(struct softgpu_bo *bo);

#endif
