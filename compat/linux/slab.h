/* SPDX-License-Identifier: MIT */
/*
 * linux/slab.h - memory, by malloc()
 *
 * A cache is malloc(), too, but for one with SLAB_TYPESAFE_BY_RCU: what is freed to that is used
 * again for the same, or stays as it is until the cache is destroyed.
 */
#ifndef LINUX_COMPAT_SLAB_H
#define LINUX_COMPAT_SLAB_H

#include <stdlib.h>

#include <linux/kernel.h>

#define GFP_KERNEL   0x01u
#define GFP_ATOMIC   0x02u
#define GFP_NOWAIT   0x04u
#define __GFP_ZERO   0x10u
#define __GFP_NOWARN 0x20u
#define __GFP_NOFAIL 0x40u

#define SLAB_HWCACHE_ALIGN   0x01u
#define SLAB_TYPESAFE_BY_RCU 0x02u
#define SLAB_ACCOUNT	     0x04u

static inline void *kmalloc(size_t size, gfp_t gfp)
{
	return gfp & __GFP_ZERO ? calloc(1, size) : malloc(size);
}

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	(void)gfp;
	return calloc(1, size);
}

static inline void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : kmalloc(bytes, gfp);
}

static inline void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	(void)gfp;
	return calloc(n, size);
}

/* New memory is not zeroed. */
static inline void *krealloc(const void *ptr, size_t size, gfp_t gfp)
{
	(void)gfp;
	return realloc((void *)(uintptr_t)ptr, size);
}

static inline void *krealloc_array(void *ptr, size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : krealloc(ptr, bytes, gfp);
}

static inline void kfree(const void *ptr)
{
	free((void *)(uintptr_t)ptr);
}

static inline void *kmemdup(const void *from, size_t size, gfp_t gfp)
{
	void *ptr = kmalloc(size, gfp);

	return ptr ? memcpy(ptr, from, size) : NULL;
}

static inline char *kstrdup(const char *from, gfp_t gfp)
{
	return from ? kmemdup(from, strlen(from) + 1, gfp) : NULL;
}

#define kvmalloc(size, gfp)	     kmalloc(size, gfp)
#define kvzalloc(size, gfp)	     kzalloc(size, gfp)
#define kvmalloc_array(n, size, gfp) kmalloc_array(n, size, gfp)
#define kvcalloc(n, size, gfp)	     kcalloc(n, size, gfp)

static inline void kvfree(const void *ptr)
{
	kfree(ptr);
}

/* By type, as of 7.0: the flags may be left out. */
#define kmalloc_obj(object, ...) \
	((__typeof__(object) *)kmalloc(sizeof(object), (gfp_t)(0 __VA_OPT__(|) __VA_ARGS__)))
#define kzalloc_obj(object, ...) \
	((__typeof__(object) *)kzalloc(sizeof(object), (gfp_t)(0 __VA_OPT__(|) __VA_ARGS__)))

struct kmem_cache;

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size, unsigned int align,
				     unsigned int flags, void (*ctor)(void *object))
	LINUX_SYMBOL(kmem_cache_create);
void kmem_cache_destroy(struct kmem_cache *cache) LINUX_SYMBOL(kmem_cache_destroy);
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp) LINUX_SYMBOL(kmem_cache_alloc);
void kmem_cache_free(struct kmem_cache *cache, void *object) LINUX_SYMBOL(kmem_cache_free);

#define kmem_cache_zalloc(cache, gfp) kmem_cache_alloc(cache, (gfp) | __GFP_ZERO)

#define KMEM_CACHE(type, flags) \
	kmem_cache_create(#type, sizeof(struct type), __alignof__(struct type), (flags), NULL)

#endif
