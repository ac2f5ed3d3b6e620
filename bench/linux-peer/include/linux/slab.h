/* SPDX-License-Identifier: MIT */
/* kmalloc() is malloc(). */
#ifndef PEER_LINUX_SLAB_H
#define PEER_LINUX_SLAB_H

#include <stdlib.h>
#include <linux/kernel.h>
#include <linux/spinlock.h>

#define GFP_KERNEL 0x01u
#define GFP_ATOMIC 0x02u
#define __GFP_ZERO 0x10u

/* From here on calloc() may get memory that is zeroed already. */
#define PEER_LARGE (128 * 1024)

static inline void *kmalloc(size_t size, gfp_t flags)
{
	void *block;

	/* Small ones are cleared here: calloc() does not use the thread's own cache. */
	if ((flags & __GFP_ZERO) && size > PEER_LARGE)
		return calloc(1, size);
	block = malloc(size);
	if ((flags & __GFP_ZERO) && block)
		memset(block, 0, size);
	return block;
}

static inline void kfree(const void *block)
{
	free((void *)block);
}

static inline void *kzalloc(size_t size, gfp_t flags)
{
	return kmalloc(size, flags | __GFP_ZERO);
}

static inline void *kmalloc_array(size_t n, size_t size, gfp_t flags)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : kmalloc(bytes, flags);
}

static inline void *kcalloc(size_t n, size_t size, gfp_t flags)
{
	return kmalloc_array(n, size, flags | __GFP_ZERO);
}

static inline void *krealloc_array(void *block, size_t n, size_t size, gfp_t flags)
{
	size_t bytes;

	(void)flags;
	return __builtin_mul_overflow(n, size, &bytes) ? NULL : realloc(block, bytes);
}

/* What the kernel's allocator makes of a size: callers use what is left over. */
static inline size_t kmalloc_size_roundup(size_t size)
{
	if (size > 64 && size <= 96)
		return 96;
	if (size > 128 && size <= 192)
		return 192;
	return size <= 8 ? 8 : roundup_pow_of_two(size);
}

#endif
