/* SPDX-License-Identifier: MIT */
/* linux/kernel.h - what is used everywhere */
#ifndef LINUX_COMPAT_KERNEL_H
#define LINUX_COMPAT_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/printk.h>

/* <sys/sysinfo.h> looks for it here. */
#if __has_include(<linux/sysinfo.h>)
#include <linux/sysinfo.h>
#endif

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#ifndef typeof
#define typeof __typeof__
#endif

#define min(a, b) \
	({ \
		__auto_type linux_a = (a); \
		__auto_type linux_b = (b); \
		linux_a < linux_b ? linux_a : linux_b; \
	})
#define max(a, b) \
	({ \
		__auto_type linux_a = (a); \
		__auto_type linux_b = (b); \
		linux_a > linux_b ? linux_a : linux_b; \
	})
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define clamp(value, low, high) min(max(value, low), high)
#define swap(a, b) \
	do { \
		__auto_type linux_tmp = (a); \
		(a) = (b); \
		(b) = linux_tmp; \
	} while (0)

#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define ALIGN(x, a)	   (((x) + (a)-1) & ~((__typeof__(x))(a)-1))
#define lower_32_bits(n)   ((u32)((n)&0xffffffff))
#define upper_32_bits(n)   ((u32)(((n) >> 16) >> 16))

#define U32_MAX UINT32_MAX
#define U64_MAX UINT64_MAX
#define S64_MAX INT64_MAX

/* Every option is off. */
#define IS_ENABLED(option) 0

/* The program is preempted as it is. */
#define might_sleep()	     ((void)0)
#define might_sleep_if(cond) ((void)(cond))
#define cond_resched()	     ((void)0)
#define in_interrupt()	     0

/* Memory for *@p and @n of its last member; all that there is if that is more. */
#define struct_size(p, member, n) \
	({ \
		size_t linux_size; \
		if (__builtin_mul_overflow(sizeof((p)->member[0]), (size_t)(n), &linux_size) || \
		    __builtin_add_overflow(linux_size, sizeof(*(p)), &linux_size)) \
			linux_size = SIZE_MAX; \
		linux_size; \
	})

#endif
