/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "diag/by-fence.h"

#define FIRST_SIZE 16

static uint64_t hash(const struct dma_fence *fence)
{
	return ((uintptr_t)fence >> 4) * UINT64_C(0x9e3779b97f4a7c15);
}

uint32_t dma_fence_by_fence_part(const struct dma_fence *fence)
{
	return (uint32_t)(hash(fence) >> 58);
}

static struct by_fence **bucket_of(const struct by_fence_table *table,
				   const struct dma_fence *fence)
{
	return &table->buckets[(hash(fence) >> 26) & (table->size - 1)];
}

struct by_fence *dma_fence_by_fence_find(const struct by_fence_table *table,
					 const struct dma_fence *fence)
{
	struct by_fence *entry = table->size ? *bucket_of(table, fence) : NULL;

	while (entry && entry->fence != fence)
		entry = entry->next;
	return entry;
}

static void push(struct by_fence_table *table, struct by_fence *entry)
{
	struct by_fence **bucket = bucket_of(table, entry->fence);

	entry->next = *bucket;
	*bucket = entry;
}

bool dma_fence_by_fence_make_room(struct by_fence_table *table)
{
	const uint32_t old_size = table->size;
	struct by_fence **old = table->buckets, **buckets, *entry, *next;
	uint32_t i;

	if (table->count < table->size)
		return true;
	buckets = calloc(old_size ? old_size * 2 : FIRST_SIZE, sizeof(struct by_fence *));
	if (!buckets)
		return table->size;
	table->buckets = buckets;
	table->size = old_size ? old_size * 2 : FIRST_SIZE;
	for (i = 0; i < old_size; i++) {
		for (entry = old[i]; entry; entry = next) {
			next = entry->next;
			push(table, entry);
		}
	}
	free(old);
	return true;
}

void dma_fence_by_fence_insert(struct by_fence_table *table, struct by_fence *entry)
{
	push(table, entry);
	table->count++;
}

void dma_fence_by_fence_take_out(struct by_fence_table *table, struct by_fence *gone)
{
	struct by_fence **link = bucket_of(table, gone->fence);

	while (*link != gone)
		link = &(*link)->next;
	*link = gone->next;
	table->count--;
}

void dma_fence_by_fence_free(struct by_fence_table *table)
{
	free(table->buckets);
	*table = (struct by_fence_table){ .buckets = NULL };
}
