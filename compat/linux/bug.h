/* SPDX-License-Identifier: MIT */
/* linux/bug.h - WARN is reported and counted, BUG aborts */
#ifndef LINUX_COMPAT_BUG_H
#define LINUX_COMPAT_BUG_H

#include <linux/printk.h>

/* How many times something was warned of; for tests. */
extern int linux_warn_count;

void linux_warn(const char *file, int line, const char *function, const char *format, ...)
	__attribute__((__format__(printf, 4, 5), __cold__));
void linux_bug(const char *file, int line, const char *function, const char *what)
	__attribute__((__noreturn__, __cold__));

#define WARN(condition, ...) \
	({ \
		const bool linux_condition = !!(condition); \
		if (unlikely(linux_condition)) \
			linux_warn(__FILE__, __LINE__, __func__, __VA_ARGS__); \
		unlikely(linux_condition); \
	})
#define WARN_ON(condition) WARN(condition, "%s\n", #condition)
#define WARN_ONCE(condition, ...) \
	({ \
		static int linux_warned; \
		const bool linux_is = !!(condition); \
		if (unlikely(linux_is) && \
		    !__atomic_exchange_n(&linux_warned, 1, __ATOMIC_RELAXED)) \
			linux_warn(__FILE__, __LINE__, __func__, __VA_ARGS__); \
		unlikely(linux_is); \
	})
#define WARN_ON_ONCE(condition) WARN_ONCE(condition, "%s\n", #condition)

#define BUG() linux_bug(__FILE__, __LINE__, __func__, "BUG()")
#define BUG_ON(condition) \
	do { \
		if (unlikely(condition)) \
			linux_bug(__FILE__, __LINE__, __func__, #condition); \
	} while (0)

#define BUILD_BUG_ON(condition)		  _Static_assert(!(condition), #condition)
#define BUILD_BUG_ON_MSG(condition, text) _Static_assert(!(condition), text)

#endif
