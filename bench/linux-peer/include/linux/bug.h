/* SPDX-License-Identifier: MIT */
/* WARN() and BUG() end the program: what is measured must not be a fault. */
#ifndef PEER_LINUX_BUG_H
#define PEER_LINUX_BUG_H

#include <linux/compiler.h>

void peer_bug(const char *file, int line, const char *what) __attribute__((__noreturn__, __cold__));

#define BUG_ON(condition) \
	do { \
		if (unlikely(condition)) \
			peer_bug(__FILE__, __LINE__, #condition); \
	} while (0)
#define BUG() peer_bug(__FILE__, __LINE__, "BUG()")

#define WARN(condition, ...) \
	({ \
		BUG_ON(condition); \
		false; \
	})
#define WARN_ON(condition)	  WARN(condition)
#define WARN_ON_ONCE(condition)	  WARN(condition)
#define WARN_ONCE(condition, ...) WARN(condition)

#endif
