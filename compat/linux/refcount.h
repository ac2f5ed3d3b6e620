/* SPDX-License-Identifier: MIT */
/* linux/refcount.h - references, which saturate where they would overflow, or begin again at 0 */
#ifndef LINUX_COMPAT_REFCOUNT_H
#define LINUX_COMPAT_REFCOUNT_H

#include <linux/atomic.h>
#include <linux/bug.h>

typedef struct {
	int refs;
} refcount_t;

#define REFCOUNT_INIT(n) \
	{ \
		(n) \
	}

/* Saturates and warns. */
void linux_refcount_fault(refcount_t *r, const char *what) __attribute__((__cold__));

static inline void refcount_set(refcount_t *r, int n)
{
	__atomic_store_n(&r->refs, n, __ATOMIC_RELAXED);
}

static inline unsigned int refcount_read(const refcount_t *r)
{
	return (unsigned int)__atomic_load_n(&r->refs, __ATOMIC_RELAXED);
}

static inline void refcount_inc(refcount_t *r)
{
	int old = __atomic_fetch_add(&r->refs, 1, __ATOMIC_RELAXED);

	if (unlikely(old <= 0 || old == __INT_MAX__))
		linux_refcount_fault(r, old ? "overflow" : "increment of 0");
}

static inline bool refcount_inc_not_zero(refcount_t *r)
{
	int old = __atomic_load_n(&r->refs, __ATOMIC_RELAXED);

	do {
		if (!old)
			return false;
	} while (!__atomic_compare_exchange_n(&r->refs, &old, old + 1, true, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	if (unlikely(old < 0 || old == __INT_MAX__))
		linux_refcount_fault(r, "overflow");
	return true;
}

static inline bool refcount_dec_and_test(refcount_t *r)
{
	int old = __atomic_fetch_sub(&r->refs, 1, __ATOMIC_ACQ_REL);

	if (unlikely(old <= 0))
		linux_refcount_fault(r, "underflow");
	return old == 1;
}

static inline void refcount_dec(refcount_t *r)
{
	if (unlikely(refcount_dec_and_test(r)))
		linux_refcount_fault(r, "decrement to 0");
}

#endif
