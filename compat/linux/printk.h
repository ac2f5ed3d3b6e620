/* SPDX-License-Identifier: MIT */
/*
 * linux/printk.h - messages, to stderr
 *
 * Those of a level above linux_log_level are not written: 4, warnings and errors, unless the
 * program or the environment variable LINUX_LOG_LEVEL sets another.
 */
#ifndef LINUX_COMPAT_PRINTK_H
#define LINUX_COMPAT_PRINTK_H

#include <linux/compiler.h>

extern int linux_log_level;

void linux_printk(int level, const char *format, ...) __attribute__((__format__(printf, 2, 3)));

/* What pr_fmt() adds is the file's to say. */
#ifndef pr_fmt
#define pr_fmt(format) format
#endif

#define KERN_EMERG   ""
#define KERN_ALERT   ""
#define KERN_CRIT    ""
#define KERN_ERR     ""
#define KERN_WARNING ""
#define KERN_NOTICE  ""
#define KERN_INFO    ""
#define KERN_DEBUG   ""
#define KERN_CONT    ""

#define printk(...)	       linux_printk(4, __VA_ARGS__)
#define pr_emerg(format, ...)  linux_printk(0, pr_fmt(format), ##__VA_ARGS__)
#define pr_alert(format, ...)  linux_printk(1, pr_fmt(format), ##__VA_ARGS__)
#define pr_crit(format, ...)   linux_printk(2, pr_fmt(format), ##__VA_ARGS__)
#define pr_err(format, ...)    linux_printk(3, pr_fmt(format), ##__VA_ARGS__)
#define pr_warn(format, ...)   linux_printk(4, pr_fmt(format), ##__VA_ARGS__)
#define pr_notice(format, ...) linux_printk(5, pr_fmt(format), ##__VA_ARGS__)
#define pr_info(format, ...)   linux_printk(6, pr_fmt(format), ##__VA_ARGS__)
#define pr_debug(format, ...)  linux_printk(7, pr_fmt(format), ##__VA_ARGS__)
#define pr_cont(format, ...)   linux_printk(6, format, ##__VA_ARGS__)
#define pr_err_once(...)       LINUX_ONCE(pr_err(__VA_ARGS__))
#define pr_warn_once(...)      LINUX_ONCE(pr_warn(__VA_ARGS__))

#define LINUX_ONCE(statement) \
	do { \
		static int linux_done; \
		if (!__atomic_exchange_n(&linux_done, 1, __ATOMIC_RELAXED)) \
			statement; \
	} while (0)

#endif
