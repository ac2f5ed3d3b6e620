// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/kernel.h>

void peer_print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
}

void peer_bug(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: the kernel's code would warn: %s\n", file, line, what);
	abort();
}
