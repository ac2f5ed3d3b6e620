/* SPDX-License-Identifier: MIT */
/*
 * A reference count that saturates.
 *
 * Counts from 1 to INT32_MAX are references. Everything that would leave that range by a fault (a
 * put of zero, a get of zero, one get too many) sets the count to REFCOUNT_SATURATED, far from
 * both ends, and from then on the object is never freed: memory is lost, which is harmless, where
 * otherwise it would be used after its end, which is not.
 */
#ifndef DMAFENCE_BASE_REFCOUNT_H
#define DMAFENCE_BASE_REFCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

#define REFCOUNT_SATURATED UINT32_C(0xc0000000)

enum refcount_result {
	REFCOUNT_OK,
	REFCOUNT_LAST,	    /* a put: the object is the caller's to release */
	REFCOUNT_ZERO,	    /* inc_not_zero: there is no object any more */
	REFCOUNT_UNDERFLOW, /* a put of zero; now saturated */
	REFCOUNT_OVERFLOW,  /* one get too many; now saturated */
	REFCOUNT_DEAD,	    /* a get of zero; now saturated */
};

/*
 * Cold ends of the functions below: make the count REFCOUNT_SATURATED and say what happened.
 * REFCOUNT_OK when the count was saturated already: the fault has been reported.
 */
enum refcount_result dma_fence_refcount_get_fault(uint32_t *count, uint32_t old);
enum refcount_result dma_fence_refcount_put_fault(uint32_t *count, uint32_t old);

static inline bool refcount_saturated(const uint32_t *count)
{
	return (int32_t)atomic_load_relaxed(count) < 0;
}

/* The caller has a reference, or whatever else keeps the object alive. */
static inline enum refcount_result refcount_get(uint32_t *count)
{
	uint32_t old = atomic_fetch_add_relaxed(count, 1);

	if (likely((int32_t)(old - 1) >= 0 && old != INT32_MAX))
		return REFCOUNT_OK;
	return dma_fence_refcount_get_fault(count, old);
}

/*
 * Takes a reference only if there still is one; for objects found under RCU. Acquire: who sees that
 * there is none sees, too, where the pointer that led there leads now, and need not look in vain.
 */
static inline enum refcount_result refcount_get_not_zero(uint32_t *count)
{
	uint32_t old = atomic_load_acquire(count);

	do {
		if (!old)
			return REFCOUNT_ZERO;
		if (unlikely((int32_t)old < 0))
			return REFCOUNT_OK;
	} while (!atomic_cas_acquire(count, &old, old + 1));

	if (likely(old != INT32_MAX))
		return REFCOUNT_OK;
	return dma_fence_refcount_get_fault(count, old);
}

/*
 * What the droppers of the other references did with the object has happened before a put returns
 * REFCOUNT_LAST.
 */
static inline enum refcount_result refcount_put(uint32_t *count)
{
	uint32_t old = atomic_fetch_sub_acq_rel(count, 1);

	if (old == 1)
		return REFCOUNT_LAST;
	if (likely((int32_t)old > 0))
		return REFCOUNT_OK;
	return dma_fence_refcount_put_fault(count, old);
}

#endif
