/* SPDX-License-Identifier: MIT */
/* Counts of references, with the kernel's checks. What these find ends the program. */
#ifndef PEER_LINUX_REFCOUNT_H
#define PEER_LINUX_REFCOUNT_H

#include <linux/atomic.h>
#include <linux/bug.h>

typedef struct {
	int refs;
} refcount_t;

void peer_refcount_bad(const char *what) __attribute__((__noreturn__, __cold__));

static __always_inline void refcount_set(refcount_t *count, int n)
{
	__atomic_store_n(&count->refs, n, __ATOMIC_RELAXED);
}

static __always_inline unsigned int refcount_read(const refcount_t *count)
{
	return __atomic_load_n(&count->refs, __ATOMIC_RELAXED);
}

static __always_inline void refcount_inc(refcount_t *count)
{
	int old = __atomic_fetch_add(&count->refs, 1, __ATOMIC_RELAXED);

	if (unlikely(old <= 0 || old == __INT_MAX__))
		peer_refcount_bad("a reference to nothing, or one too many");
}

static __always_inline bool refcount_inc_not_zero(refcount_t *count)
{
	int old = __atomic_load_n(&count->refs, __ATOMIC_RELAXED);

	do {
		if (!old)
			return false;
	} while (!__atomic_compare_exchange_n(&count->refs, &old, old + 1, true, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	if (unlikely(old < 0 || old == __INT_MAX__))
		peer_refcount_bad("one reference too many");
	return true;
}

static __always_inline bool refcount_dec_and_test(refcount_t *count)
{
	int old = __atomic_fetch_sub(&count->refs, 1, __ATOMIC_ACQ_REL);

	if (old == 1)
		return true;
	if (unlikely(old <= 0))
		peer_refcount_bad("a reference was dropped too often");
	return false;
}

#endif
