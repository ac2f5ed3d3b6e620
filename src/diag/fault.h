/* SPDX-License-Identifier: MIT */
/* What is known when there is a fault. */
#ifndef DMAFENCE_DIAG_FAULT_H
#define DMAFENCE_DIAG_FAULT_H

/* From now on reports ask. */
void dma_fence_fault_start(void);

#endif
