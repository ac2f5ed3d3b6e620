/* SPDX-License-Identifier: MIT */
/*
 * Atomic bits. With a constant number the compiler makes "lock bts" of a fetch_or and a mask, and
 * "lock or" of one whose result is not used: the instructions that the kernel's are on x86.
 */
#ifndef PEER_LINUX_BITOPS_H
#define PEER_LINUX_BITOPS_H

#include <linux/compiler.h>

#define BITS_PER_LONG (8 * (int)sizeof(long))
#define BIT(n)	      (1UL << (n))

static __always_inline unsigned long peer_bit_mask(long nr)
{
	return 1UL << (nr & (BITS_PER_LONG - 1));
}

static __always_inline void set_bit(long nr, volatile unsigned long *p)
{
	__atomic_fetch_or(p + nr / BITS_PER_LONG, peer_bit_mask(nr), __ATOMIC_SEQ_CST);
}

static __always_inline void clear_bit(long nr, volatile unsigned long *p)
{
	__atomic_fetch_and(p + nr / BITS_PER_LONG, ~peer_bit_mask(nr), __ATOMIC_SEQ_CST);
}

/* A plain load in the kernel, which on x86 is the same instruction. */
static __always_inline bool test_bit(long nr, const volatile unsigned long *p)
{
	return __atomic_load_n(p + nr / BITS_PER_LONG, __ATOMIC_ACQUIRE) & peer_bit_mask(nr);
}

static __always_inline bool test_and_set_bit(long nr, volatile unsigned long *p)
{
	unsigned long m = peer_bit_mask(nr);

	return __atomic_fetch_or(p + nr / BITS_PER_LONG, m, __ATOMIC_SEQ_CST) & m;
}

static __always_inline bool test_and_clear_bit(long nr, volatile unsigned long *p)
{
	unsigned long m = peer_bit_mask(nr);

	return __atomic_fetch_and(p + nr / BITS_PER_LONG, ~m, __ATOMIC_SEQ_CST) & m;
}

#endif
