/* SPDX-License-Identifier: MIT */
/* linux/bitops.h - bits of an array of longs */
#ifndef LINUX_COMPAT_BITOPS_H
#define LINUX_COMPAT_BITOPS_H

#include <linux/compiler.h>

#define BITS_PER_LONG	   ((long)(8 * sizeof(long)))
#define BIT(n)		   (1UL << (n))
#define BIT_ULL(n)	   (1ULL << (n))
#define BIT_MASK(n)	   (1UL << ((n) % BITS_PER_LONG))
#define BIT_WORD(n)	   ((n) / BITS_PER_LONG)
#define GENMASK(high, low) ((~0UL << (low)) & (~0UL >> (BITS_PER_LONG - 1 - (high))))

static inline bool test_bit(long nr, const volatile unsigned long *addr)
{
	return __atomic_load_n(addr + BIT_WORD(nr), __ATOMIC_ACQUIRE) & BIT_MASK(nr);
}

#define test_bit_acquire(nr, addr) test_bit(nr, addr)

static inline void set_bit(long nr, volatile unsigned long *addr)
{
	__atomic_fetch_or(addr + BIT_WORD(nr), BIT_MASK(nr), __ATOMIC_RELAXED);
}

static inline void clear_bit(long nr, volatile unsigned long *addr)
{
	__atomic_fetch_and(addr + BIT_WORD(nr), ~BIT_MASK(nr), __ATOMIC_RELAXED);
}

static inline bool test_and_set_bit(long nr, volatile unsigned long *addr)
{
	return __atomic_fetch_or(addr + BIT_WORD(nr), BIT_MASK(nr), __ATOMIC_SEQ_CST) &
	       BIT_MASK(nr);
}

static inline bool test_and_clear_bit(long nr, volatile unsigned long *addr)
{
	return __atomic_fetch_and(addr + BIT_WORD(nr), ~BIT_MASK(nr), __ATOMIC_SEQ_CST) &
	       BIT_MASK(nr);
}

/* The kernel's are not atomic; these are all the same. */
#define __set_bit(nr, addr)	       set_bit(nr, addr)
#define __clear_bit(nr, addr)	       clear_bit(nr, addr)
#define __test_and_set_bit(nr, addr)   test_and_set_bit(nr, addr)
#define __test_and_clear_bit(nr, addr) test_and_clear_bit(nr, addr)

static inline unsigned long __ffs(unsigned long word)
{
	return (unsigned long)__builtin_ctzl(word);
}

static inline unsigned long __fls(unsigned long word)
{
	return (unsigned long)(BITS_PER_LONG - 1 - __builtin_clzl(word));
}

static inline unsigned int hweight_long(unsigned long word)
{
	return (unsigned int)__builtin_popcountl(word);
}

#endif
