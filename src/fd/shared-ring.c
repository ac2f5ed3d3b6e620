/* SPDX-License-Identifier: MIT */
#include "fd/shared-ring.h"

static void note_signaled(struct shared_memory *memory, const struct view *view,
			  const struct entry *entry)
{
	uint64_t point = atomic_load_relaxed(&entry->point);

	if (point > atomic_load_relaxed(&memory->signaled) &&
	    atomic_load_relaxed(&entry->life) == view->life)
		atomic_store_release(&memory->signaled, point);
}

/* Ends an entry, if it can; returns whether it did, or -EPROTO. */
static int end_entry(struct shared_timeline *timeline, const struct view *view, uint64_t serial)
{
	struct shared_memory *memory = timeline->memory;
	struct entry *entry = entry_of(timeline, serial);
	uint64_t life = atomic_load_relaxed(&entry->life);

	if (entry_state(entry, serial) != ENTRY_COMPLETED)
		return 0;
	if (life != serial) {
		const struct entry *before = entry_of(timeline, serial - 1);
		int64_t timestamp = atomic_load_relaxed(&before->timestamp);
		int error = entry_error(before);

		/* All before the tail have ended: this one would wait for what does not come. */
		if (entry_state(before, serial - 1) != ENTRY_ENDED)
			return serial <= view->tail && !MUTANT(WAITS_FOR_NOTHING) ? -EPROTO : 0;
		if (error)
			atomic_store_release(&entry->error, error);
		if (timestamp > atomic_load_relaxed(&entry->timestamp))
			atomic_store_release(&entry->timestamp, timestamp);
	}
	if (entry_error(entry) && life == view->life && atomic_load_relaxed(&entry->point) &&
	    !atomic_load_relaxed(&memory->failed_from)) {
		atomic_store_release(&memory->failed_error, entry_error(entry));
		atomic_store_release(&memory->failed_from,
				     atomic_load_relaxed(&memory->signaled) + 1);
	}
	set_entry_state(entry, serial, ENTRY_ENDED);
	note_signaled(memory, view, entry);
	return 1;
}

static void move_tail(struct shared_timeline *timeline, struct view *view)
{
	uint64_t tail = view->tail;

	while (tail < view->next && entry_state(entry_of(timeline, tail), tail) == ENTRY_ENDED)
		tail++;
	if (tail == view->tail)
		return;
	view->tail = tail;
	atomic_store_relaxed(&timeline->memory->tail, tail);
}

int dma_fence_shared_end_entries(struct shared_timeline *timeline, struct view *view,
				 uint64_t serial)
{
	int ended = 0, ret = 0;

	while (serial < view->next && (ret = end_entry(timeline, view, serial)) > 0) {
		ended = 1;
		serial++;
	}
	move_tail(timeline, view);
	return ret < 0 ? ret : ended;
}

int dma_fence_shared_end_all(struct shared_timeline *timeline, struct view *view)
{
	int ended = 0, ret = 0;
	uint64_t serial;

	for (serial = view->tail; serial < view->next && ret >= 0; serial++) {
		ret = end_entry(timeline, view, serial);
		ended |= ret;
	}
	move_tail(timeline, view);
	return ret < 0 ? ret : ended;
}

void dma_fence_shared_end_life(struct shared_memory *memory, struct view *view)
{
	uint64_t lives = atomic_load_relaxed(&memory->lives) | 1;

	atomic_store_relaxed(&memory->lives, lives);
	view->life = view->next;
	atomic_store_release(&memory->life, view->life);
	atomic_store_release(&memory->failed_from, 0);
	atomic_store_release(&memory->signaled, 0);
	atomic_store_release(&memory->submitted, 0);
	atomic_store_release(&memory->lives, lives + 1);
}

bool dma_fence_shared_repair(struct shared_timeline *timeline, struct view *view)
{
	struct shared_memory *memory = timeline->memory;
	const struct entry *last;
	uint64_t serial, point;

	if (MUTANT(NOT_REPAIRED))
		return true;
	if (atomic_load_relaxed(&memory->lives) & 1)
		dma_fence_shared_end_life(memory, view);
	for (serial = view->tail; serial < view->next; serial++) {
		struct entry *entry = entry_of(timeline, serial);
		int state = entry_state(entry, serial);

		if (state < ENTRY_PENDING)
			return false;
		if (state == ENTRY_ENDED)
			note_signaled(memory, view, entry);
	}
	if (view->next > view->life) {
		last = entry_of(timeline, view->next - 1);
		if (entry_state(last, view->next - 1) < ENTRY_PENDING)
			return false;
		point = atomic_load_relaxed(&last->point);
		if (!point) {
			view->life = view->next - 1;
			atomic_store_release(&memory->life, view->life);
		}
		atomic_store_release(&memory->submitted, point);
	}
	return dma_fence_shared_end_all(timeline, view) >= 0;
}
