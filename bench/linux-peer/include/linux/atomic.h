/* SPDX-License-Identifier: MIT */
/* Atomics. Those that return a value are fully ordered. */
#ifndef PEER_LINUX_ATOMIC_H
#define PEER_LINUX_ATOMIC_H

#include <linux/compiler.h>

#define ATOMIC_INIT(i) \
	{ \
		(i) \
	}
#define ATOMIC64_INIT(i) \
	{ \
		(i) \
	}

#define PEER_ATOMIC_OPS(pfx, type, ctype) \
	static inline ctype pfx##_read(const type *v) \
	{ \
		return __atomic_load_n(&v->counter, __ATOMIC_RELAXED); \
	} \
	static inline ctype pfx##_read_acquire(const type *v) \
	{ \
		return __atomic_load_n(&v->counter, __ATOMIC_ACQUIRE); \
	} \
	static inline void pfx##_set(type *v, ctype i) \
	{ \
		__atomic_store_n(&v->counter, i, __ATOMIC_RELAXED); \
	} \
	static inline void pfx##_inc(type *v) \
	{ \
		__atomic_fetch_add(&v->counter, 1, __ATOMIC_RELAXED); \
	} \
	static inline void pfx##_dec(type *v) \
	{ \
		__atomic_fetch_sub(&v->counter, 1, __ATOMIC_RELAXED); \
	} \
	static inline ctype pfx##_fetch_add(ctype i, type *v) \
	{ \
		return __atomic_fetch_add(&v->counter, i, __ATOMIC_SEQ_CST); \
	} \
	static inline ctype pfx##_inc_return(type *v) \
	{ \
		return __atomic_add_fetch(&v->counter, 1, __ATOMIC_SEQ_CST); \
	} \
	static inline bool pfx##_dec_and_test(type *v) \
	{ \
		return __atomic_sub_fetch(&v->counter, 1, __ATOMIC_SEQ_CST) == 0; \
	}

PEER_ATOMIC_OPS(atomic, atomic_t, int)
PEER_ATOMIC_OPS(atomic64, atomic64_t, s64)

/* Compare and exchange any scalar or pointer; yields the value found. */
#define cmpxchg(ptr, old, new) \
	({ \
		__typeof__(*(ptr)) peer_old = (old); \
		__atomic_compare_exchange_n((ptr), &peer_old, (new), false, __ATOMIC_SEQ_CST, \
					    __ATOMIC_SEQ_CST); \
		peer_old; \
	})
#define xchg(ptr, v) __atomic_exchange_n((ptr), (v), __ATOMIC_SEQ_CST)

#endif
