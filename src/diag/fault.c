/* SPDX-License-Identifier: MIT */
/* What diagnosis adds to the report of a fault. */
#include <stdlib.h>

#include "base/report.h"
#include "diag/fault.h"
#include "diag/ledger.h"
#include "diag/quarantined.h"
#include "diag/stack.h"
#include "diag/symbols.h"

static uint64_t site(void)
{
	return dma_fence_stack_here();
}

/* Whether somebody took or dropped a reference who should not have. */
static bool is_of_references(enum dma_fence_report_reason reason)
{
	return reason == DMA_FENCE_REPORT_REFCOUNT || reason == DMA_FENCE_REPORT_QUARANTINE ||
	       reason == DMA_FENCE_REPORT_LATE_SIGNAL;
}

static char *details(enum dma_fence_report_reason reason, struct dma_fence *fence)
{
	char *text = NULL, *ledger;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	/* For what the ledger looks up, too. */
	dma_fence_symbols_begin();
	ledger = dma_fence_ledger_fault(reason, fence);
	fputs("  here:\n", out);
	dma_fence_stack_print(out, dma_fence_stack_here(), "    ");
	if (ledger)
		fputs(ledger, out);
	else if (is_of_references(reason))
		fputs("  DMA_FENCE_DEBUG=ledger tells who took and dropped its references\n", out);
	dma_fence_symbols_end();
	fclose(out);
	free(ledger);
	return text;
}

static const struct report_source source = {
	.fault = dma_fence_quarantined_fault,
	.site = site,
	.details = details,
};

void dma_fence_fault_start(void)
{
	dma_fence_report_source = &source;
}
