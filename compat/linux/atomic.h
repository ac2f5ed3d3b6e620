/* SPDX-License-Identifier: MIT */
/* linux/atomic.h - counters; what returns a value is fully ordered, what does not is not ordered */
#ifndef LINUX_COMPAT_ATOMIC_H
#define LINUX_COMPAT_ATOMIC_H

#include <linux/compiler.h>

#define ATOMIC_INIT(value) \
	{ \
		(value) \
	}
#define ATOMIC64_INIT(value) \
	{ \
		(value) \
	}

#define LINUX_ATOMIC(prefix, type) \
	static inline type prefix##_read(const prefix##_t *v) \
	{ \
		return __atomic_load_n(&v->counter, __ATOMIC_RELAXED); \
	} \
	static inline type prefix##_read_acquire(const prefix##_t *v) \
	{ \
		return __atomic_load_n(&v->counter, __ATOMIC_ACQUIRE); \
	} \
	static inline void prefix##_set(prefix##_t *v, type value) \
	{ \
		__atomic_store_n(&v->counter, value, __ATOMIC_RELAXED); \
	} \
	static inline void prefix##_set_release(prefix##_t *v, type value) \
	{ \
		__atomic_store_n(&v->counter, value, __ATOMIC_RELEASE); \
	} \
	static inline void prefix##_add(type n, prefix##_t *v) \
	{ \
		__atomic_fetch_add(&v->counter, n, __ATOMIC_RELAXED); \
	} \
	static inline void prefix##_sub(type n, prefix##_t *v) \
	{ \
		__atomic_fetch_sub(&v->counter, n, __ATOMIC_RELAXED); \
	} \
	static inline void prefix##_inc(prefix##_t *v) \
	{ \
		prefix##_add(1, v); \
	} \
	static inline void prefix##_dec(prefix##_t *v) \
	{ \
		prefix##_sub(1, v); \
	} \
	static inline type prefix##_add_return(type n, prefix##_t *v) \
	{ \
		return __atomic_add_fetch(&v->counter, n, __ATOMIC_SEQ_CST); \
	} \
	static inline type prefix##_sub_return(type n, prefix##_t *v) \
	{ \
		return __atomic_sub_fetch(&v->counter, n, __ATOMIC_SEQ_CST); \
	} \
	static inline type prefix##_fetch_add(type n, prefix##_t *v) \
	{ \
		return __atomic_fetch_add(&v->counter, n, __ATOMIC_SEQ_CST); \
	} \
	static inline type prefix##_inc_return(prefix##_t *v) \
	{ \
		return prefix##_add_return(1, v); \
	} \
	static inline type prefix##_dec_return(prefix##_t *v) \
	{ \
		return prefix##_sub_return(1, v); \
	} \
	static inline bool prefix##_dec_and_test(prefix##_t *v) \
	{ \
		return prefix##_sub_return(1, v) == 0; \
	} \
	static inline bool prefix##_inc_and_test(prefix##_t *v) \
	{ \
		return prefix##_add_return(1, v) == 0; \
	} \
	static inline type prefix##_xchg(prefix##_t *v, type value) \
	{ \
		return __atomic_exchange_n(&v->counter, value, __ATOMIC_SEQ_CST); \
	} \
	static inline type prefix##_cmpxchg(prefix##_t *v, type old, type value) \
	{ \
		__atomic_compare_exchange_n(&v->counter, &old, value, false, __ATOMIC_SEQ_CST, \
					    __ATOMIC_SEQ_CST); \
		return old; \
	} \
	static inline bool prefix##_add_unless(prefix##_t *v, type n, type unless) \
	{ \
		type old = prefix##_read(v); \
		while (old != unless) { \
			if (__atomic_compare_exchange_n(&v->counter, &old, old + n, false, \
							__ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) \
				return true; \
		} \
		return false; \
	} \
	static inline bool prefix##_inc_not_zero(prefix##_t *v) \
	{ \
		return prefix##_add_unless(v, 1, 0); \
	}

LINUX_ATOMIC(atomic, int)
LINUX_ATOMIC(atomic64, s64)

#define xchg(ptr, value) __atomic_exchange_n((ptr), (value), __ATOMIC_SEQ_CST)
#define cmpxchg(ptr, old, value) \
	({ \
		__typeof__(*(ptr)) linux_old = (old); \
		__atomic_compare_exchange_n((ptr), &linux_old, (value), false, __ATOMIC_SEQ_CST, \
					    __ATOMIC_SEQ_CST); \
		linux_old; \
	})

#endif
