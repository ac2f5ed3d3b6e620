/* SPDX-License-Identifier: MIT */
/*
 * Atomic access to plain fields, with the memory order in the name.
 *
 * The public structures are C++ as well as C, where _Atomic is not to be had, so their fields are
 * plain integers and pointers, and every access that more than one thread may make goes through
 * one of these. It is also the one place that a scheduler has to replace to see every step that
 * threads can observe of each other.
 */
#ifndef DMAFENCE_BASE_ATOMIC_H
#define DMAFENCE_BASE_ATOMIC_H

#include <stdbool.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define atomic_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define atomic_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)

/*
 * As a relaxed load, but one that the compiler may make a part of the instruction that uses it. For
 * words that hardly ever change, on paths that have no room for one more. ThreadSanitizer is shown the
 * relaxed load that it stands for, and so still reports who writes to such a word in another way.
 */
#if defined(__SANITIZE_THREAD__) && !defined(DMAFENCE_MODEL)
#define atomic_load_folded(p) atomic_load_relaxed(p)
#else
#define atomic_load_folded(p) (*(p))
#endif

#define atomic_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define atomic_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

#define atomic_exchange_acq_rel(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define atomic_exchange_acquire(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define atomic_exchange_release(p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELEASE)

#define atomic_fetch_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define atomic_fetch_add_release(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELEASE)
#define atomic_fetch_sub_relaxed(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELAXED)
#define atomic_fetch_sub_acq_rel(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_sub_release(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELEASE)
#define atomic_fetch_or_relaxed(p, v)  __atomic_fetch_or((p), (v), __ATOMIC_RELAXED)
#define atomic_fetch_or_release(p, v)  __atomic_fetch_or((p), (v), __ATOMIC_RELEASE)
#define atomic_fetch_or_acq_rel(p, v)  __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_and_relaxed(p, v) __atomic_fetch_and((p), (v), __ATOMIC_RELAXED)
#define atomic_fetch_and_release(p, v) __atomic_fetch_and((p), (v), __ATOMIC_RELEASE)

/*
 * If *p equals *expected, *p becomes desired and the result is true; otherwise *expected becomes
 * what *p holds, and the result is false. They do not fail spuriously. What a failure loads is
 * loaded with acquire order where the name has acquire in it, else relaxed.
 */
#define atomic_cas_relaxed(p, expected, desired) \
	__atomic_compare_exchange_n((p), (expected), (desired), false, __ATOMIC_RELAXED, \
				    __ATOMIC_RELAXED)
#define atomic_cas_acquire(p, expected, desired) \
	__atomic_compare_exchange_n((p), (expected), (desired), false, __ATOMIC_ACQUIRE, \
				    __ATOMIC_ACQUIRE)
#define atomic_cas_release(p, expected, desired) \
	__atomic_compare_exchange_n((p), (expected), (desired), false, __ATOMIC_RELEASE, \
				    __ATOMIC_RELAXED)
#define atomic_cas_acq_rel(p, expected, desired) \
	__atomic_compare_exchange_n((p), (expected), (desired), false, __ATOMIC_ACQ_REL, \
				    __ATOMIC_ACQUIRE)

/*
 * The scheduler of tests/model tries every interleaving, so that a spin before a sleep adds nothing
 * but work there: it is one turn. In a loop that does not end in a sleep it has to know that the
 * thread cannot go on before another one has.
 */
#ifdef DMAFENCE_MODEL
#define MODEL_OR(model, real) (model)
void dma_fence_model_relax(void);
#else
#define MODEL_OR(model, real) (real)
#endif

/* Tells the processor that the caller spins, so that its neighbour gets the core's resources. */
static inline void cpu_relax(void)
{
#if defined(DMAFENCE_MODEL)
	dma_fence_model_relax();
#elif defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("isb" ::: "memory");
#else
	__asm__ __volatile__("" ::: "memory");
#endif
}

#endif
