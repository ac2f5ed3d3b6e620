/* SPDX-License-Identifier: MIT */
/*
 * linux/seq_file.h - text, to a FILE
 *
 *	struct seq_file m = { stdout };
 *
 *	my_driver_show(&m);
 */
#ifndef LINUX_COMPAT_SEQ_FILE_H
#define LINUX_COMPAT_SEQ_FILE_H

#include <stdio.h>

#include <linux/compiler.h>

struct seq_file {
	FILE *file;
};

#define seq_printf(m, ...) ((void)fprintf((m)->file, __VA_ARGS__))
#define seq_puts(m, text)  ((void)fputs((text), (m)->file))
#define seq_putc(m, c)	   ((void)fputc((c), (m)->file))

#endif
