/* SPDX-License-Identifier: MIT */
/* What DMA_FENCE_DEBUG and dma_fence_debug() can switch on. */
#include <stddef.h>

#include "base/debug.h"

static void start_locking(void)
{
	dma_fence_debug_set(DEBUG_LOCKING);
}

const struct debug_word dma_fence_debug_words[] = {
	{ "locking", start_locking },
	{ NULL, NULL },
};
