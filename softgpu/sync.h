/* SPDX-License-Identifier: MIT */
/*
 * In-fences and out-fences of a submission. What is to stand for the submission is promised before
 * the point of no return, which is what can fail; the promise is kept after it, which cannot.
 */
#ifndef SOFTGPU_SYNC_H
#define SOFTGPU_SYNC_H

#include "work.h"

struct promised;

/* -EINVAL if it makes no sense. sync may be NULL, here and below. */
int softgpu_sync_check(const struct softgpu_sync *sync);

/* The work depends on the in-fences. */
int softgpu_sync_depend(const struct softgpu_sync *sync, struct work *work);

/* *promised: for the next two, which free it. */
int softgpu_sync_promise(const struct softgpu_sync *sync, struct promised **promised);
void softgpu_sync_keep(const struct softgpu_sync *sync, struct promised *promised,
		       struct dma_fence *fence);
void softgpu_sync_break(const struct softgpu_sync *sync, struct promised *promised);

#endif
