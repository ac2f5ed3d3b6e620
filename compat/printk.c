/* SPDX-License-Identifier: MIT */
/* Messages, warnings, and the end. */
#include <stdio.h>
#include <stdlib.h>

#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/refcount.h>

int linux_log_level = 4;
int linux_warn_count;

static void __attribute__((__constructor__)) set_log_level(void)
{
	const char *level = getenv("LINUX_LOG_LEVEL");

	if (level)
		linux_log_level = (int)strtol(level, NULL, 10);
}

void linux_printk(int level, const char *format, ...)
{
	va_list arguments;

	if (level > READ_ONCE(linux_log_level))
		return;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void linux_warn(const char *file, int line, const char *function, const char *format, ...)
{
	char text[256];
	va_list arguments;

	__atomic_fetch_add(&linux_warn_count, 1, __ATOMIC_RELAXED);
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	linux_printk(4, "WARNING: %s:%d %s(): %s", last_part(file), line, function, text);
}

void linux_bug(const char *file, int line, const char *function, const char *what)
{
	linux_printk(0, "BUG: %s:%d %s(): %s\n", last_part(file), line, function, what);
	abort();
}

void linux_refcount_fault(refcount_t *r, const char *what)
{
	refcount_set(r, INT_MIN / 2);
	WARN(1, "refcount_t: %s; it stays as it is from now on\n", what);
}
