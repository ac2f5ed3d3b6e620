/* SPDX-License-Identifier: MIT */
/*
 * What the program says of its fences, while there are records: see dmafence/explain.h, "What the
 * program knows".
 */
#ifndef DMAFENCE_DIAG_HINTS_H
#define DMAFENCE_DIAG_HINTS_H

#include <stdbool.h>
#include <stdint.h>

#include <dmafence/fence.h>

/* The thread that signals the fences of a context; 0 if nobody has said that. */
int32_t dma_fence_hinted_signaler(uint64_t context);

/*
 * The first 'room' fences before which a fence will not signal, with unseen references (fence/look.h).
 * Returns how many these are.
 */
uint32_t dma_fence_hinted_dependencies(const struct dma_fence *fence, struct dma_fence **on,
				       uint32_t room);

/* For diag/record.c: from now on, and not any more. */
void dma_fence_hints_start(void);
void dma_fence_hints_stop(void);
void dma_fence_hints_fork_prepare(void);
void dma_fence_hints_fork_done(void);

#endif
