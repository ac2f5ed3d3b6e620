/* SPDX-License-Identifier: MIT */
/* Attributes, barriers, and single accesses. */
#ifndef PEER_LINUX_COMPILER_H
#define PEER_LINUX_COMPILER_H

#include <linux/types.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#undef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#ifndef noinline
#define noinline __attribute__((__noinline__))
#endif
#define __must_check   __attribute__((__warn_unused_result__))
#define __maybe_unused __attribute__((__unused__))
#undef __attribute_const__
#define __attribute_const__ __attribute__((__const__))
#define __printf(a, b)	    __attribute__((__format__(printf, a, b)))
#define __init
#define __exit
#define __user
#define __iomem
#define __force
#ifndef __rcu
#define __rcu
#endif
#define __counted_by(member)

#define ___PEER_PASTE(a, b) a##b
#define __PASTE(a, b)	    ___PEER_PASTE(a, b)

#define barrier() __asm__ __volatile__("" ::: "memory")

/* One access, in no order: a relaxed atomic. */
#define READ_ONCE(x)	 __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

#if defined(__x86_64__) || defined(__i386__)
#define cpu_relax() __builtin_ia32_pause()
/* Stores stay in order on x86, and so do loads. */
#define smp_wmb() barrier()
#define smp_rmb() barrier()
#else
#define cpu_relax() barrier()
#define smp_wmb()   __atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_rmb()   __atomic_thread_fence(__ATOMIC_ACQUIRE)
#endif
#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
/* A store and a full barrier: one exchange on x86. */
#define smp_store_mb(var, v)	((void)__atomic_exchange_n(&(var), (v), __ATOMIC_SEQ_CST))
#define smp_load_acquire(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

#endif
