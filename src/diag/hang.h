/* SPDX-License-Identifier: MIT */
/* The hang watch: see dmafence/hang.h. */
#ifndef DMAFENCE_DIAG_HANG_H
#define DMAFENCE_DIAG_HANG_H

/* Switches it on if DMA_FENCE_HANG_MS is in the environment. */
void dma_fence_hang_start(void);

#endif
