/* SPDX-License-Identifier: MIT */
/* linux/compiler.h - attributes, barriers, single accesses */
#ifndef LINUX_COMPAT_COMPILER_H
#define LINUX_COMPAT_COMPILER_H

#include <linux/types.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#undef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#ifndef noinline
#define noinline __attribute__((__noinline__))
#endif
#ifndef __must_check
#define __must_check __attribute__((__warn_unused_result__))
#endif
#ifndef __maybe_unused
#define __maybe_unused __attribute__((__unused__))
#endif
#ifndef __packed
#define __packed __attribute__((__packed__))
#endif
#ifndef __aligned
#define __aligned(n) __attribute__((__aligned__(n)))
#endif
#ifndef __printf
#define __printf(format, first) __attribute__((__format__(printf, format, first)))
#endif
#ifndef fallthrough
#define fallthrough __attribute__((__fallthrough__))
#endif

/* For checkers that do not run here. */
#define __init
#define __exit
#define __user
#define __iomem
#define __force
#define __rcu
#define __percpu
#define __read_mostly
#define __acquires(lock)
#define __releases(lock)
#define __must_hold(lock)
#define __counted_by(member)

#define LINUX_PASTE(a, b) a##b
#define __PASTE(a, b)	  LINUX_PASTE(a, b)

#define barrier() __asm__ __volatile__("" ::: "memory")

/* One access that is not torn; no order. */
#define READ_ONCE(x)	   __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, val) __atomic_store_n(&(x), (val), __ATOMIC_RELAXED)

/*
 * ThreadSanitizer knows no fences, but what everybody writes to. That orders more than a fence does: what
 * one thread did before one with what another does after a later one. So a race may stay unseen in
 * programs of kernel code, one of the library's between two such places included. The library itself
 * includes nothing of this; its own tests, in which it is looked for, do not either.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1 /* gcc's name for it */
#endif
#endif
#if defined(__SANITIZE_THREAD__)
extern int linux_fence;
#define smp_mb()  ((void)__atomic_fetch_add(&linux_fence, 0, __ATOMIC_SEQ_CST))
#define smp_rmb() smp_mb()
#define smp_wmb() smp_mb()
#else
#define smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#endif
#define smp_store_mb(var, val)	  ((void)__atomic_exchange_n(&(var), (val), __ATOMIC_SEQ_CST))
#define smp_load_acquire(ptr)	  __atomic_load_n((ptr), __ATOMIC_ACQUIRE)
#define smp_store_release(ptr, v) __atomic_store_n((ptr), (v), __ATOMIC_RELEASE)
#define smp_mb__before_atomic()	  smp_mb()
#define smp_mb__after_atomic()	  smp_mb()

#if defined(__x86_64__) || defined(__i386__)
#define cpu_relax() __builtin_ia32_pause()
#else
#define cpu_relax() barrier()
#endif

#endif
