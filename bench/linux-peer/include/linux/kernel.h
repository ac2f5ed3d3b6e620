/* SPDX-License-Identifier: MIT */
/* What is used everywhere. */
#ifndef PEER_LINUX_KERNEL_H
#define PEER_LINUX_KERNEL_H

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <linux/compiler.h>
#include <linux/printk.h>
#include <linux/bug.h>
#include <linux/export.h>

#ifndef ERESTARTSYS
#define ERESTARTSYS 512
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define min(a, b) \
	({ \
		__auto_type peer_a = (a); \
		__auto_type peer_b = (b); \
		peer_a < peer_b ? peer_a : peer_b; \
	})
#define max(a, b) \
	({ \
		__auto_type peer_a = (a); \
		__auto_type peer_b = (b); \
		peer_a > peer_b ? peer_a : peer_b; \
	})
#define swap(a, b) \
	do { \
		__auto_type peer_t = (a); \
		(a) = (b); \
		(b) = peer_t; \
	} while (0)

#define lower_32_bits(n) ((u32)(n))
#define upper_32_bits(n) ((u32)((n) >> 32))

static inline unsigned long roundup_pow_of_two(unsigned long n)
{
	return n <= 1 ? 1 : 1UL << (8 * sizeof(long) - __builtin_clzl(n - 1));
}

/* The size of *p with n elements in its flexible array, or SIZE_MAX where that is too much. */
#define struct_size(p, member, n) \
	({ \
		size_t peer_sz; \
		if (__builtin_mul_overflow(sizeof((p)->member[0]), (size_t)(n), &peer_sz) || \
		    __builtin_add_overflow(peer_sz, sizeof(*(p)), &peer_sz)) \
			peer_sz = SIZE_MAX; \
		peer_sz; \
	})

/* All options of the kernel are off. */
#define IS_ENABLED(option) 0

#define might_sleep() \
	do { \
	} while (0)
#define cond_resched() \
	do { \
	} while (0)

#define lockdep_assert_held(l) \
	do { \
		(void)sizeof(l); \
	} while (0)
#define lockdep_is_held(l) 1

#endif
