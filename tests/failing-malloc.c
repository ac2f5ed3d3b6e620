/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "failing-malloc.h"

int failing_malloc_in = -1;
long failing_malloc_live;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void __wrap_free(void *block);

static int fails(void)
{
	if (failing_malloc_in < 0 || --failing_malloc_in > 0)
		return 0;
	failing_malloc_in = -1;
	errno = ENOMEM;
	return 1;
}

static void *count(void *block)
{
	if (block)
		__atomic_fetch_add(&failing_malloc_live, 1, __ATOMIC_SEQ_CST);
	return block;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : count(__real_calloc(n, size));
}

void __wrap_free(void *block)
{
	if (block) {
		__atomic_fetch_sub(&failing_malloc_live, 1, __ATOMIC_SEQ_CST);
		/* Who still looks at it finds something else there. */
		memset(block, 0xdb, malloc_usable_size(block));
	}
	__real_free(block);
}
