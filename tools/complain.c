/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "commands.h"

/* What the line is about may be the name of a file, which can have everything in it. */
static void write_line(const char *end, const char *format, va_list args)
{
	char line[1024];
	char *c;

	vsnprintf(line, sizeof(line), format, args);
	for (c = line; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	}
	/* In one call, so that no other thread's line comes into it. */
	fprintf(stderr, "dmafence: %s%s\n", line, end);
}

int complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line("", format, args);
	va_end(args);
	return 1;
}

int misuse(const char *subcommand, const char *format, ...)
{
	char end[64];
	va_list args;

	snprintf(end, sizeof(end), " (see 'dmafence %s%s--help')", subcommand,
		 *subcommand ? " " : "");
	va_start(args, format);
	write_line(end, format, args);
	va_end(args);
	return 2;
}
