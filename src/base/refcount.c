/* SPDX-License-Identifier: MIT */
#include "base/mutants.h"
#include "base/refcount.h"

enum refcount_result dma_fence_refcount_get_fault(uint32_t *count, uint32_t old)
{
	atomic_store_relaxed(count, REFCOUNT_SATURATED);
	if (!old)
		return REFCOUNT_DEAD;
	return old == INT32_MAX ? REFCOUNT_OVERFLOW : REFCOUNT_OK;
}

enum refcount_result dma_fence_refcount_put_fault(uint32_t *count, uint32_t old)
{
	if (MUTANT(UNDERFLOW_FREES))
		return REFCOUNT_LAST;
	atomic_store_relaxed(count, REFCOUNT_SATURATED);
	return old ? REFCOUNT_OK : REFCOUNT_UNDERFLOW;
}
