/* SPDX-License-Identifier: MIT */
/*
 * The classical array, for comparison: a callback on every member, and a count of those that have
 * not been called yet. It is how the kernel makes one, and how one would make it with the public
 * headers of this library and nothing else.
 *
 * It is as good as that can be made: one allocation, one reference to itself for all callbacks
 * (the kernel's takes one for each), an atomic operation in each callback, and no clock read, as
 * the array has signaled when its last member has. It does less than dma_fence_array_create(): it
 * does not look at what it is given, and of members that fail the first one that is called back
 * counts, in whatever order they had signaled.
 */
#ifndef DMAFENCE_BENCH_REFERENCE_ARRAY_H
#define DMAFENCE_BENCH_REFERENCE_ARRAY_H

#include <dmafence/fence.h>

/**
 * reference_array_create - as dma_fence_array_create()
 * @fences: from malloc(); becomes the array's, with the references in it, unless this fails
 *
 * Returns the array's fence, or NULL if there is no memory.
 */
struct dma_fence *reference_array_create(unsigned int num_fences, struct dma_fence **fences,
					 uint64_t context, uint64_t seqno);

#endif
