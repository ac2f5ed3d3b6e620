/* SPDX-License-Identifier: MIT */
/* What is behind it is the kernel's own lib/sort.c. */
#ifndef PEER_LINUX_SORT_H
#define PEER_LINUX_SORT_H

#include <linux/compiler.h>

void sort_r(void *base, size_t num, size_t size, cmp_r_func_t cmp, swap_r_func_t swap,
	    const void *priv);
void sort(void *base, size_t num, size_t size, cmp_func_t cmp, swap_func_t swap);

#endif
