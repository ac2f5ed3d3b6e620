/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/clock.h"
#include "fd/mutants.h"
#include "fd/shared-owners.h"
#include "fd/shared-section.h"

/* Not again sooner than that. With SHARED_CHECK_NS, it is the 100 ms that users see. */
#define REAP_AGAIN_NS 20000000

static bool has_owner(const uint32_t owners[SHARED_OWNERS], uint32_t id)
{
	int i;

	for (i = 0; i < SHARED_OWNERS; i++) {
		if (owners[i] == id)
			return true;
	}
	return false;
}

/* Completes what nobody will complete. @owners: those who are alive. */
static bool fail_orphans(struct shared_timeline *timeline, const struct view *view,
			 const uint32_t owners[SHARED_OWNERS])
{
	uint32_t id, known = timeline->peer.id;
	int64_t now = clock_now();
	bool failed = false;
	uint64_t serial;

	for (serial = view->tail; serial < view->next; serial++) {
		struct entry *entry = entry_of(timeline, serial);

		if (entry_state(entry, serial) != ENTRY_PENDING)
			continue;
		id = atomic_load_relaxed(&entry->owner);
		if (id == known || id == timeline->peer.id)
			continue;
		if (id && has_owner(owners, id)) {
			known = id;
			continue;
		}
		complete_entry(entry, serial, -EOWNERDEAD, now);
		failed = true;
	}
	return failed;
}

/*
 * Looks after those who are not there any more. Without a @patience it has that of who puts
 * something in. Returns 0 or what is wrong with the object.
 */
static int reap(struct shared_timeline *timeline, int64_t *patience)
{
	struct shared_memory *memory = timeline->memory;
	uint32_t owners[SHARED_OWNERS], dead[SHARED_OWNERS];
	bool died = false;
	struct view view;
	int i, ret, changed = 0;

	for (i = 0; i < SHARED_OWNERS; i++) {
		uint32_t id = atomic_load_relaxed(&memory->owners[i]);

		dead[i] = id && !dma_fence_shared_peer_alive(&timeline->peer, id) ? id : 0;
	}
	ret = patience ? enter_soon(timeline, patience, &view) : enter_patiently(timeline, &view);
	if (ret)
		return ret == -ETIMEDOUT ? 0 : ret;

	for (i = 0; i < SHARED_OWNERS; i++) {
		owners[i] = atomic_load_relaxed(&memory->owners[i]);
		if (!dead[i] || owners[i] != dead[i])
			continue;
		owners[i] = 0;
		died = true;
	}
	if (fail_orphans(timeline, &view, owners) || died)
		changed = dma_fence_shared_end_all(timeline, &view);
	if (changed < 0)
		return dma_fence_shared_leave_broken(timeline);
	if (died) {
		atomic_store_release(&memory->died, 1);
		for (i = 0; i < SHARED_OWNERS; i++)
			atomic_store_release(&memory->owners[i], owners[i]);
	}
	dma_fence_shared_leave(timeline, changed || died);
	return 0;
}

static bool nobody_left(const struct shared_memory *memory)
{
	int i;

	if (likely(!atomic_load_acquire(&memory->died)))
		return false;
	for (i = 0; i < SHARED_OWNERS; i++) {
		if (atomic_load_acquire(&memory->owners[i]))
			return false;
	}
	return true;
}

int dma_fence_shared_timeline_check_owners_within(struct shared_timeline *timeline,
						  int64_t *patience)
{
	int64_t now = clock_now(), checked = atomic_load_relaxed(&timeline->checked);
	int ret = timeline_broken(timeline);

	if (!ret && now - checked >= REAP_AGAIN_NS &&
	    atomic_cas_relaxed(&timeline->checked, &checked, now))
		ret = reap(timeline, patience);
	if (!ret && nobody_left(timeline->memory))
		ret = -EOWNERDEAD;
	return ret;
}

int dma_fence_shared_timeline_check_owners(struct shared_timeline *timeline)
{
	int64_t patience = SOON_PATIENCE_NS;

	return dma_fence_shared_timeline_check_owners_within(timeline, &patience);
}

/* With the lock: makes this mapping an owner. */
static int own(struct shared_timeline *timeline)
{
	struct shared_memory *memory = timeline->memory;
	int i, slot = -1;

	for (i = 0; i < SHARED_OWNERS; i++) {
		uint32_t id = atomic_load_relaxed(&memory->owners[i]);

		if (id == timeline->peer.id)
			return 0;
		if (!id && slot < 0)
			slot = i;
	}
	if (slot < 0)
		return -EUSERS;
	atomic_store_release(&memory->owners[slot], timeline->peer.id);
	atomic_store_release(&memory->died, 0);
	atomic_store_relaxed(&timeline->owns, 1);
	return 0;
}

int dma_fence_shared_enter_as_owner(struct shared_timeline *timeline, struct view *view)
{
	bool reaped = false;

	for (;;) {
		int ret = enter_patiently(timeline, view);

		if (ret)
			return ret;
		ret = own(timeline);
		if (!ret)
			return 0;
		dma_fence_shared_leave(timeline, false);
		if (reaped)
			return ret;
		ret = reap(timeline, NULL);
		if (ret)
			return ret;
		reaped = true;
	}
}

void dma_fence_shared_disown(struct shared_timeline *timeline)
{
	struct shared_memory *memory = timeline->memory;
	struct view view;
	int i;

	/* Who has only looked on has nothing to let go of, and need not wait for the lock. */
	if (!atomic_load_relaxed(&timeline->owns) && !MUTANT(PUT_OF_NOTHING_WAITS))
		return;
	if (enter_patiently(timeline, &view))
		return;
	for (i = 0; i < SHARED_OWNERS; i++) {
		if (atomic_load_relaxed(&memory->owners[i]) == timeline->peer.id)
			atomic_store_release(&memory->owners[i], 0);
	}
	dma_fence_shared_leave(timeline, true);
}
