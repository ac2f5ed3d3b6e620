/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "failing-malloc.h"

int failing_malloc_in = -1;
long failing_malloc_live;
void *failing_malloc_fill;
void *failing_malloc_watched;
int failing_malloc_returned;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
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

static void *returned(size_t size)
{
	void *block = __atomic_load_n(&failing_malloc_watched, __ATOMIC_ACQUIRE);

	if (!__atomic_load_n(&failing_malloc_returned, __ATOMIC_ACQUIRE) ||
	    malloc_usable_size(block) < size)
		return NULL;
	__atomic_store_n(&failing_malloc_watched, NULL, __ATOMIC_RELEASE);
	__atomic_store_n(&failing_malloc_returned, 0, __ATOMIC_RELEASE);
	return block;
}

static void *fill(void *block, size_t size)
{
	size_t i;

	for (i = 0; block && failing_malloc_fill && i < size / sizeof(void *); i++)
		((void **)block)[i] = failing_malloc_fill;
	return block;
}

void *__wrap_malloc(size_t size)
{
	void *block;

	if (fails())
		return NULL;
	block = returned(size);
	return count(fill(block ? block : __real_malloc(size), size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : count(__real_calloc(n, size));
}

void *__wrap_realloc(void *block, size_t size)
{
	void *larger;

	if (fails())
		return NULL;
	larger = __real_realloc(block, size);
	return block ? larger : count(larger);
}

void __wrap_free(void *block)
{
	if (!block)
		return;
	__atomic_fetch_sub(&failing_malloc_live, 1, __ATOMIC_SEQ_CST);
	if (block == __atomic_load_n(&failing_malloc_watched, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&failing_malloc_returned, 1, __ATOMIC_RELEASE);
		return;
	}
	/* Who still looks at it finds something else there. */
	memset(block, 0xdb, malloc_usable_size(block));
	__real_free(block);
}

void failing_malloc_unwatch(void)
{
	if (__atomic_load_n(&failing_malloc_returned, __ATOMIC_ACQUIRE))
		__real_free(failing_malloc_watched);
	__atomic_store_n(&failing_malloc_watched, NULL, __ATOMIC_RELEASE);
	__atomic_store_n(&failing_malloc_returned, 0, __ATOMIC_RELEASE);
}
