/* SPDX-License-Identifier: MIT */
/*
 * The ring of entries in the memory of a shared timeline: how they end; and how is mended what a
 * holder of the lock has begun who was killed. fd/shared-memory.h says why that can be.
 */
#ifndef DMAFENCE_FD_SHARED_RING_H
#define DMAFENCE_FD_SHARED_RING_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "fd/mutants.h"
#include "fd/shared-memory.h"

#define MAX_ERRNO 4095

/* What the lock protects, copied and checked. */
struct view {
	uint64_t life, tail, next;
};

static inline struct entry *entry_of(const struct shared_timeline *timeline, uint64_t serial)
{
	return &timeline->memory->ring[MUTANT(RING_WITHOUT_END) ? serial : serial % SHARED_RING];
}

/* Returns enum entry_state, or -1 if the entry with this serial is not there. */
static inline int entry_state(const struct entry *entry, uint64_t serial)
{
	uint64_t word = atomic_load_acquire(&entry->word);

	return word / ENTRY_STATES == serial ? (int)(word % ENTRY_STATES) : -1;
}

static inline void set_entry_state(struct entry *entry, uint64_t serial, enum entry_state state)
{
	atomic_store_release(&entry->word, ENTRY_WORD(serial, state));
}

static inline int entry_error(const struct entry *entry)
{
	int error = atomic_load_acquire(&entry->error);

	return error > 0 || error < -MAX_ERRNO ? -EPROTO : error;
}

/* The rest is with the lock. */

static inline void complete_entry(struct entry *entry, uint64_t serial, int error,
				  int64_t timestamp)
{
	atomic_store_release(&entry->error, error);
	atomic_store_release(&entry->timestamp, timestamp);
	set_entry_state(entry, serial, ENTRY_COMPLETED);
}

/*
 * Ends what can end, from the first that was completed on. Returns whether anything did, or -EPROTO
 * if one can never end.
 */
int dma_fence_shared_end_entries(struct shared_timeline *timeline, struct view *view,
				 uint64_t serial);

/* The same, wherever it may be. */
int dma_fence_shared_end_all(struct shared_timeline *timeline, struct view *view);

void dma_fence_shared_end_life(struct shared_memory *memory, struct view *view);

/*
 * Mends what a holder of the lock who was killed has begun. Returns false if it finds what nobody
 * can have begun.
 */
bool dma_fence_shared_repair(struct shared_timeline *timeline, struct view *view);

#endif
