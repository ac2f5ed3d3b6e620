/* SPDX-License-Identifier: MIT */
/*
 * linux/types.h - integers, and the few structures that every header needs
 *
 * u64 is long long, for kernel code prints it with %llu.
 */
#ifndef LINUX_COMPAT_TYPES_H
#define LINUX_COMPAT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
/* What the C library's headers expect to come with this one, on a system that has it. */
#if __has_include(<linux/posix_types.h>)
#include <linux/posix_types.h>
#endif

/* By these names the C library's own headers want them. */
typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __le16, __be16;
typedef __u32 __le32, __be32;
typedef __u64 __le64, __be64;

typedef __s8 s8;
typedef __u8 u8;
typedef __s16 s16;
typedef __u16 u16;
typedef __s32 s32;
typedef __u32 u32;
typedef __s64 s64;
typedef __u64 u64;

typedef unsigned int gfp_t;
typedef u64 dma_addr_t;
typedef u64 phys_addr_t;

/* For headers of the system that this one stands before. */
#define __bitwise
#define __aligned_u64  __u64 __attribute__((aligned(8)))
#define __aligned_s64  __s64 __attribute__((aligned(8)))
#define __aligned_be64 __be64 __attribute__((aligned(8)))
#define __aligned_le64 __le64 __attribute__((aligned(8)))
typedef __u16 __sum16;
typedef __u32 __wsum;
typedef unsigned int __poll_t;

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

struct list_head {
	struct list_head *next, *prev;
};

/*
 * The names of functions in the run time have a prefix for the linker, so that they do not meet
 * others in the same program: no header but the kernel's says schedule() or complete().
 */
#define LINUX_SYMBOL(name) __asm__("linux_" #name)

#endif
