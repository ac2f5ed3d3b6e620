/* SPDX-License-Identifier: MIT */
/* The inside of the array. */
#ifndef DMAFENCE_FENCE_ARRAY_H
#define DMAFENCE_FENCE_ARRAY_H

#include <dmafence/array.h>

/*
 * dma_fence_array_create() of members that have been looked at, together with fences that were
 * members if they had not signaled: their outcome counts for the array's.
 */
struct dma_fence_array *dma_fence_array_create_dropped(unsigned int num_fences,
						       struct dma_fence **fences, uint64_t context,
						       uint64_t seqno,
						       const struct dma_fence_outcome *dropped);

/* Whether it is the callback by which an array waits for its members. */
bool dma_fence_is_array_callback(dma_fence_func_t func);

#endif
