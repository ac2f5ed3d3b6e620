/* SPDX-License-Identifier: MIT */
/* What DMA_FENCE_DEBUG and dma_fence_debug() can switch on. */
#include <stddef.h>

#include <dmafence/trace.h>
#include <dmafence/ledger.h>

#include "base/debug.h"
#include "diag/annotate.h"
#include "diag/fault.h"
#include "diag/hang.h"
#include "diag/leaks.h"
#include "diag/record.h"
#include "diag/sleepers.h"

static void start_locking(void)
{
	dma_fence_debug_set(DEBUG_LOCKING);
}

static void start_trace(void)
{
	dma_fence_trace_start(0);
}

const struct debug_word dma_fence_debug_words[] = {
	{ "leaks", dma_fence_leaks_start },
	{ "locking", start_locking },
	{ "ledger", dma_fence_ledger_start },
	{ "signalling", dma_fence_annotate_start },
	{ "records", dma_fence_records_want },
	{ "trace", start_trace },
	{ NULL, NULL },
};

/*
 * What is there without a word. Not by constructors of their own: of the static library only what
 * something refers to is linked to a program.
 */
__attribute__((constructor)) static void start(void)
{
	dma_fence_fault_start();
	dma_fence_hang_start();
	dma_fence_sleepers_start();
}
