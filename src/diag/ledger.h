/* SPDX-License-Identifier: MIT */
/* The ledger: what its public header does not say. */
#ifndef DMAFENCE_DIAG_LEDGER_H
#define DMAFENCE_DIAG_LEDGER_H

#include <stdbool.h>

#include <dmafence/ledger.h>
#include <dmafence/report.h>

/* Lines for a report, to be freed: what is known of how it came to that. NULL if nothing is. */
char *dma_fence_ledger_fault(enum dma_fence_report_reason reason, struct dma_fence *fence);

/* The same of a fence that is not released, though it should be: which references were not dropped. */
char *dma_fence_ledger_leak(struct dma_fence *fence);

/* Lines to be freed: who has taken references, and not dropped them. NULL if nothing is known. */
char *dma_fence_ledger_holders(struct dma_fence *fence);

/* Whether it is on for anything. */
bool dma_fence_ledger_is_on(void);

#endif
