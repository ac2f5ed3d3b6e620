/* SPDX-License-Identifier: MIT */
/* What is left when the program ends: see dmafence/census.h. */
#ifndef DMAFENCE_DIAG_LEAKS_H
#define DMAFENCE_DIAG_LEAKS_H

/* The word "leaks": from now on it will be told. */
void dma_fence_leaks_start(void);

#endif
