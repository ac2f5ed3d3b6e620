/* SPDX-License-Identifier: MIT */
/* Verdicts: what the balance of a fence says, in words. */
#ifndef DMAFENCE_DIAG_VERDICT_H
#define DMAFENCE_DIAG_VERDICT_H

#include <stdio.h>

#include "diag/account.h"

/* Which put was one too many; and all references. */
void dma_fence_verdict_on_puts(FILE *out, const struct history *history);

/* Those that were not dropped, a line each. */
void dma_fence_verdict_on_holders(FILE *out, const struct history *history);

/* The one or the other, as there was a fault. */
void dma_fence_verdict_on_fault(FILE *out, const struct history *history);

/* Which references were not dropped; and all of them. */
void dma_fence_verdict_on_gets(FILE *out, const struct history *history);

/* Everything that happened, the newest last, with stacks. */
void dma_fence_history_print(FILE *out, const struct history *history);

#endif
