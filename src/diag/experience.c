/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "base/atomic.h"
#include "diag/experience.h"
#include "diag/stack.h"

/* Places that take and drop references: a power of two. Of more than so many nothing is learnt. */
#define PLACES 16384

/*
 * By where the fence was made, and the address that dma_fence_get() or one like it returns to: never
 * emptied. How often the fence was made there is how many have ended well.
 */
static struct place {
	uint64_t key;
	uint32_t times;
} places[PLACES];

/* 0 if it is not known where it was. */
static uint64_t address_of(const struct entry *entry)
{
	const void *frames[STACK_FRAMES];

	if ((!entry_takes(entry) && entry->kind != ENTRY_PUT) || !entry->caller ||
	    dma_fence_stack_frames(entry->stack, frames) <= entry->caller_frame)
		return 0;
	return (uintptr_t)frames[entry->caller_frame];
}

static struct place *place_of(uint64_t key)
{
	const uint32_t start = (uint32_t)(key >> 40);
	uint64_t there;
	uint32_t i;

	for (i = 0; i < PLACES; i++) {
		struct place *place = &places[(start + i) % PLACES];

		there = atomic_load_relaxed(&place->key);
		if (there == key ||
		    (!there && (atomic_cas_relaxed(&place->key, &there, key) || there == key)))
			return place;
	}
	return NULL;
}

/* NULL if it is not known, or there are too many. */
static uint32_t *times_of(const struct entry *made, const struct entry *entry)
{
	const uint64_t where = address_of(made), address = address_of(entry);
	struct place *place = NULL;

	/* Two that have the same key are taken for one, which is harmless, and rare. */
	if (where && address)
		place = place_of((where * UINT64_C(0x9e3779b97f4a7c15) ^ address) *
					 UINT64_C(0xd6e8feb86659fd93) |
				 1);
	return place ? &place->times : NULL;
}

/* Whether what is in the history was learnt, too. */
static bool has_learnt(const struct history *history)
{
	return history->head.released && history->head.signaled && history->head.known_from_init;
}

/* What became of the fence after its release it was not learnt with. */
static uint32_t learnt(const struct history *history)
{
	uint32_t i = 0;

	if (!has_learnt(history))
		return 0;
	while (i < history->count && history->entries[i].kind != ENTRY_RELEASE)
		i++;
	return i;
}

void dma_fence_experience_learn(const struct entry *made, const struct entry *entry)
{
	uint32_t *times = times_of(made, entry);

	if (times)
		atomic_fetch_add_relaxed(times, 1);
}

void dma_fence_experience_unlearn(const struct history *history)
{
	const uint32_t count = learnt(history);
	uint32_t i;

	for (i = 0; i < count; i++) {
		uint32_t *times = times_of(&history->entries[0], &history->entries[i]);

		if (times)
			atomic_fetch_sub_relaxed(times, 1);
	}
}

static uint32_t times_of_others(const struct history *history, const struct entry *entry)
{
	const uint32_t count = learnt(history);
	uint32_t *times = times_of(&history->entries[0], entry), known, own = 0, i;

	if (!times)
		return 0;
	for (i = 0; i < count; i++)
		own += times_of(&history->entries[0], &history->entries[i]) == times;
	known = atomic_load_relaxed(times);
	return known > own ? known - own : 0;
}

uint32_t dma_fence_experience_lives(const struct history *history)
{
	if (!history->count || !history->head.known_from_init)
		return 0;
	return times_of_others(history, &history->entries[0]);
}

bool dma_fence_experience_knows(const struct history *history, const struct entry *entry)
{
	return !dma_fence_experience_lives(history) || times_of_others(history, entry);
}
