/* SPDX-License-Identifier: MIT */
/*
 * Object caches.
 *
 * Without SLAB_TYPESAFE_BY_RCU an object is a block of malloc()'s, so that checkers see its end.
 * With it an object that is freed waits for its next use, untouched, and memory goes when the
 * cache does. What links it to others is in front of it, not in it.
 */
#include <pthread.h>
#include <stdlib.h>

#include <linux/rcupdate.h>
#include <linux/slab.h>

struct object {
	struct object *next_free;
	struct object *next;
	void *block;
};

struct kmem_cache {
	const char *name;
	size_t size, align;
	unsigned int flags;
	void (*ctor)(void *object);
	pthread_mutex_t lock;
	struct object *free, *all;
	long in_use;
};

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size, unsigned int align,
				     unsigned int flags, void (*ctor)(void *object))
{
	struct kmem_cache *cache = kzalloc(sizeof(*cache), GFP_KERNEL);

	if (!cache)
		return NULL;
	if (flags & SLAB_HWCACHE_ALIGN && align < 64)
		align = 64;
	cache->name = name;
	cache->size = size;
	cache->align = align < 16 ? 16 : align;
	cache->flags = flags;
	cache->ctor = ctor;
	pthread_mutex_init(&cache->lock, NULL);
	return cache;
}

/* A block with room for what links it, and then the object, aligned. */
static void *allocate(struct kmem_cache *cache, struct object **link)
{
	char *block = malloc(sizeof(struct object) + cache->align + cache->size);
	uintptr_t place;

	if (!block)
		return NULL;
	place = ((uintptr_t)block + sizeof(struct object) + cache->align - 1) / cache->align *
		cache->align;
	*link = (struct object *)place - 1;
	(*link)->block = block;
	(*link)->next = NULL;
	if (cache->ctor)
		cache->ctor((void *)place);
	return (void *)place;
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	struct object *link;
	void *object;

	pthread_mutex_lock(&cache->lock);
	link = cache->free;
	if (link)
		cache->free = link->next_free;
	cache->in_use++;
	pthread_mutex_unlock(&cache->lock);
	object = link ? link + 1 : allocate(cache, &link);

	pthread_mutex_lock(&cache->lock);
	if (!object) {
		cache->in_use--;
	} else if (cache->flags & SLAB_TYPESAFE_BY_RCU && !link->next) {
		/* The end of the list is the object itself, so that one that is on it is known. */
		link->next = cache->all ? cache->all : link;
		cache->all = link;
	}
	pthread_mutex_unlock(&cache->lock);
	if (object && gfp & __GFP_ZERO)
		memset(object, 0, cache->size);
	return object;
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	struct object *link = (struct object *)object - 1;

	pthread_mutex_lock(&cache->lock);
	cache->in_use--;
	if (cache->flags & SLAB_TYPESAFE_BY_RCU) {
		link->next_free = cache->free;
		cache->free = link;
		link = NULL;
	}
	pthread_mutex_unlock(&cache->lock);
	if (link)
		free(link->block);
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
	struct object *link, *next;

	if (!cache)
		return;
	/* What is freed by call_rcu() comes back before. */
	rcu_barrier();
	WARN(cache->in_use, "cache %s is destroyed with %ld objects in use\n", cache->name,
	     cache->in_use);
	for (link = cache->all; link; link = next) {
		next = link->next == link ? NULL : link->next;
		free(link->block);
	}
	pthread_mutex_destroy(&cache->lock);
	kfree(cache);
}
