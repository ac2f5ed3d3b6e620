/* SPDX-License-Identifier: MIT */
/*
 * Tables of what is known of fences, found by the fence's address. A user has several, each with its
 * own lock, held during all calls, so that threads with different fences do not meet.
 */
#ifndef DMAFENCE_DIAG_BY_FENCE_H
#define DMAFENCE_DIAG_BY_FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include <dmafence/fence.h>

/* How many tables a user has. */
#define BY_FENCE_PARTS 64

/* At the beginning of an entry. */
struct by_fence {
	struct by_fence *next; /* of those with the same hash */
	struct dma_fence *fence;
};

struct by_fence_table {
	struct by_fence **buckets;
	uint32_t size; /* a power of two */
	uint32_t count;
};

/* In which of the tables the fence is. */
uint32_t dma_fence_by_fence_part(const struct dma_fence *fence);

/* NULL if there is none. */
struct by_fence *dma_fence_by_fence_find(const struct by_fence_table *table,
					 const struct dma_fence *fence);

/*
 * Makes room for one more: to be called before each insertion. Where there is no memory the lists get
 * longer; returns false if there is no table at all.
 */
bool dma_fence_by_fence_make_room(struct by_fence_table *table);

/* @entry->fence is set, and there is no other entry for it. */
void dma_fence_by_fence_insert(struct by_fence_table *table, struct by_fence *entry);
void dma_fence_by_fence_take_out(struct by_fence_table *table, struct by_fence *gone);

/* Frees the buckets of a table that has become empty. */
void dma_fence_by_fence_free(struct by_fence_table *table);

#endif
