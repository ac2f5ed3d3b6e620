/* SPDX-License-Identifier: MIT */
/*
 * Blocks of memory that are in use, by who has allocated them: of the whole program, the C library
 * included. In each block's last bytes is by whom, so that nothing has to be searched for.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "inject.h"

/* Also for the C library and others that the program is linked with. */
#define EXPORTED __attribute__((visibility("default")))

#define MARK UINT64_C(0x1d2c3b4a59687786)

struct trailer {
	uint64_t mark; /* MARK and the block's address */
	struct inject_place *place;
};

struct inject_place inject_memory[INJECT_PLACES];

static size_t (*usable_size)(void *block);
static __thread const void *of __attribute__((tls_model("initial-exec")));

/* glibc's own, below those that are replaced here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

void inject_memory_of(const void *place)
{
	of = place;
}

static struct inject_place *place_of(const void *address)
{
	size_t i = (size_t)((uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15) >> 52), n;

	for (n = 0; n < INJECT_PLACES; n++, i = (i + 1) % INJECT_PLACES) {
		const void *known = __atomic_load_n(&inject_memory[i].place, __ATOMIC_RELAXED);

		if (!known &&
		    __atomic_compare_exchange_n(&inject_memory[i].place, &known, address, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			known = address;
		if (known == address)
			return &inject_memory[i];
	}
	abort();
}

static struct trailer *trailer_of(void *block)
{
	return (struct trailer *)(void *)((char *)block + usable_size(block) -
					  sizeof(struct trailer));
}

static void *begin(void *block, const void *caller)
{
	struct trailer trailer = { MARK ^ (uintptr_t)block, NULL };

	if (!block || !usable_size)
		return block;
	trailer.place = place_of(of ? of : caller);
	__atomic_fetch_add(&trailer.place->blocks, 1, __ATOMIC_RELAXED);
	memcpy(trailer_of(block), &trailer, sizeof(trailer));
	return block;
}

/* Whether it was one of those that are counted. */
static bool end(void *block)
{
	struct trailer trailer;

	if (!usable_size || usable_size(block) < sizeof(trailer))
		return false;
	memcpy(&trailer, trailer_of(block), sizeof(trailer));
	if (trailer.mark != (MARK ^ (uintptr_t)block))
		return false;
	memset(trailer_of(block), 0, sizeof(trailer));
	__atomic_fetch_sub(&trailer.place->blocks, 1, __ATOMIC_RELAXED);
	return true;
}

EXPORTED void *malloc(size_t size)
{
	if (size > PTRDIFF_MAX - sizeof(struct trailer)) {
		errno = ENOMEM;
		return NULL;
	}
	return begin(__libc_malloc(size + sizeof(struct trailer)), __builtin_return_address(0));
}

EXPORTED void *calloc(size_t n, size_t size)
{
	size_t whole;

	if (__builtin_mul_overflow(n, size, &whole) ||
	    whole > PTRDIFF_MAX - sizeof(struct trailer)) {
		errno = ENOMEM;
		return NULL;
	}
	return begin(__libc_calloc(1, whole + sizeof(struct trailer)), __builtin_return_address(0));
}

EXPORTED void *realloc(void *block, size_t size)
{
	const void *caller = __builtin_return_address(0);
	void *larger;
	bool counted;

	if (size > PTRDIFF_MAX - sizeof(struct trailer)) {
		errno = ENOMEM;
		return NULL;
	}
	counted = block && end(block);
	larger = __libc_realloc(block, size + sizeof(struct trailer));
	if (larger)
		return begin(larger, caller);
	if (counted)
		begin(block, caller);
	return NULL;
}

EXPORTED void free(void *block)
{
	if (block)
		end(block);
	__libc_free(block);
}

/* As without what is behind the block. */
EXPORTED size_t malloc_usable_size(void *block)
{
	struct trailer trailer;

	if (!block || !usable_size || usable_size(block) < sizeof(trailer))
		return usable_size && block ? usable_size(block) : 0;
	memcpy(&trailer, trailer_of(block), sizeof(trailer));
	return usable_size(block) -
	       (trailer.mark == (MARK ^ (uintptr_t)block) ? sizeof(trailer) : 0);
}

static void __attribute__((constructor)) find_usable_size(void)
{
	union {
		void *symbol;
		size_t (*function)(void *block);
	} found = { dlsym(RTLD_NEXT, "malloc_usable_size") };

	usable_size = found.function;
}
