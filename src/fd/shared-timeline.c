/* SPDX-License-Identifier: MIT */
/* The life of a shared timeline, and what its producers do. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fork.h"
#include "base/lock.h"
#include "base/refcount.h"
#include "fd/eventfd.h"
#include "fd/handle.h"
#include "fd/shared-owners.h"
#include "fd/shared-section.h"

/* All of this process, for its children. */
static struct lock all_lock;
static struct shared_timeline *all;

/* Life */

/* Takes over the doorbell if it returns 0. */
static int open_memory(int fd, int doorbell, struct shared_timeline **result)
{
	struct shared_timeline *timeline = calloc(1, sizeof(*timeline));
	int ret;

	if (!timeline)
		return -ENOMEM;
	ret = dma_fence_shared_memory_map(fd, &timeline->memory);
	if (ret)
		goto free_timeline;
	timeline->signaled = &timeline->memory->signaled;
	timeline->doorbell = doorbell;
	timeline->refcount = 1;

	/* A child has to know of each open file description that keeps this peer alive. */
	lock_acquire(&all_lock);
	ret = dma_fence_shared_peer_join(&timeline->peer, fd, &timeline->memory->last_id);
	if (!ret) {
		timeline->next = all;
		if (all)
			all->prev = timeline;
		all = timeline;
	}
	lock_release(&all_lock);
	if (ret)
		goto unmap;
	*result = timeline;
	return 0;

unmap:
	dma_fence_shared_memory_unmap(timeline->memory);
free_timeline:
	free(timeline);
	return ret;
}

static void close_memory(struct shared_timeline *timeline)
{
	lock_acquire(&all_lock);
	if (timeline->next)
		timeline->next->prev = timeline->prev;
	if (timeline->prev)
		timeline->prev->next = timeline->next;
	else
		all = timeline->next;
	dma_fence_shared_peer_leave(&timeline->peer);
	lock_release(&all_lock);
	close(timeline->doorbell);
	dma_fence_shared_memory_unmap(timeline->memory);
	free(timeline);
}

int dma_fence_shared_timeline_create(struct shared_timeline **timeline)
{
	int doorbell, ret, fd = dma_fence_shared_memory_create();

	if (fd < 0)
		return fd;
	doorbell = dma_fence_doorbell_create();
	ret = doorbell < 0 ? doorbell : open_memory(fd, doorbell, timeline);
	if (ret && doorbell >= 0)
		close(doorbell);
	close(fd);
	return ret;
}

int dma_fence_shared_timeline_import(int handle, struct shared_timeline **timeline)
{
	int ret, fds[HANDLE_FDS];

	ret = dma_fence_handle_open(handle, SHARED_MAGIC, SHARED_VERSION, fds);
	if (ret)
		return ret;
	/* What is read from is an eventfd, and not what else somebody would like to be read from. */
	ret = dma_fence_eventfd_check(fds[1]);
	if (!ret)
		ret = open_memory(fds[0], fds[1], timeline);
	else if (ret != -ENOMEM)
		ret = -EPROTO;
	if (ret)
		close(fds[1]);
	close(fds[0]);
	return ret;
}

int dma_fence_shared_timeline_export(struct shared_timeline *timeline)
{
	int ret, fds[HANDLE_FDS];
	struct view view;

	ret = dma_fence_shared_enter_as_owner(timeline, &view);
	if (ret)
		return ret;
	dma_fence_shared_leave(timeline, false);

	/* Not the one whose locks say that this process is alive. */
	fds[0] = dma_fence_shared_reopen(timeline->peer.fd);
	if (fds[0] < 0)
		return fds[0];
	fds[1] = timeline->doorbell;
	ret = dma_fence_handle_create(SHARED_MAGIC, SHARED_VERSION, fds);
	close(fds[0]);
	return ret;
}

struct shared_timeline *dma_fence_shared_timeline_get(struct shared_timeline *timeline)
{
	refcount_get(&timeline->refcount);
	return timeline;
}

void dma_fence_shared_timeline_put(struct shared_timeline *timeline)
{
	if (refcount_put(&timeline->refcount) != REFCOUNT_LAST)
		return;
	dma_fence_shared_disown(timeline);
	close_memory(timeline);
}

/* Fork */

static void fork_prepare(void)
{
	lock_acquire(&all_lock);
}

static void fork_parent(void)
{
	lock_release(&all_lock);
}

/*
 * The child has a copy of each fd by which others see that the parent is alive, and lets go of it.
 * For others it is a peer of its own.
 */
static void fork_child(void)
{
	struct shared_timeline *timeline;

	lock_release(&all_lock);
	for (timeline = all; timeline; timeline = timeline->next) {
		struct shared_peer parent = timeline->peer;
		int ret;

		timeline->checked = 0;
		timeline->owns = 0;
		timeline->patience = (struct shared_patience){ 0 };
		if (parent.fd < 0)
			continue;
		ret = dma_fence_shared_peer_join(&timeline->peer, parent.fd,
						 &timeline->memory->last_id);
		if (ret) {
			timeline->peer = (struct shared_peer){ .fd = -1 };
			timeline->failed = ret;
		}
		dma_fence_shared_peer_leave(&parent);
	}
}

static void __attribute__((constructor)) fork_handlers(void)
{
	static struct fork_handlers handlers = {
		.order = FORK_TIMELINES,
		.prepare = fork_prepare,
		.parent = fork_parent,
		.child = fork_child,
	};

	dma_fence_at_fork(&handlers);
}

/* Producers */

int dma_fence_shared_timeline_append(struct shared_timeline *timeline, uint64_t point,
				     uint64_t *serial)
{
	struct shared_memory *memory = timeline->memory;
	struct entry *entry;
	struct view view;
	int ret;

	ret = dma_fence_shared_enter_as_owner(timeline, &view);
	if (ret)
		return ret;
	if (view.next > view.life) {
		const struct entry *last = entry_of(timeline, view.next - 1);
		uint64_t last_point = atomic_load_relaxed(&last->point);

		if (entry_state(last, view.next - 1) < ENTRY_PENDING)
			return dma_fence_shared_leave_broken(timeline);
		if (!point != !last_point)
			ret = -EINVAL;
		else if (point && point <= last_point)
			ret = -ERANGE;
	}
	if (!ret && view.next - view.tail >= SHARED_ENTRIES)
		ret = -EAGAIN;
	if (ret) {
		dma_fence_shared_leave(timeline, false);
		return ret;
	}

	entry = entry_of(timeline, view.next);
	set_entry_state(entry, view.next, ENTRY_WRITTEN);
	atomic_store_release(&entry->point, point);
	atomic_store_release(&entry->life, point ? view.life : view.next);
	atomic_store_release(&entry->timestamp, 0);
	atomic_store_release(&entry->error, 0);
	atomic_store_release(&entry->owner, timeline->peer.id);
	set_entry_state(entry, view.next, ENTRY_PENDING);
	atomic_store_release(&memory->next, view.next + 1);
	if (!point)
		atomic_store_release(&memory->life, view.next);
	atomic_store_release(&memory->submitted, point);

	dma_fence_shared_timeline_get(timeline);
	*serial = view.next;
	dma_fence_shared_leave(timeline, true);
	return 0;
}

static int complete(struct shared_timeline *timeline, uint64_t serial, int error, int64_t timestamp)
{
	struct entry *entry = entry_of(timeline, serial);
	struct view view;
	int state, ended, ret;

	ret = enter_patiently(timeline, &view);
	if (ret)
		return ret;
	state = entry_state(entry, serial);
	if (!serial || serial >= view.next)
		ret = -EINVAL;
	else if (view.next - serial >= SHARED_RING)
		ret = -ESTALE;
	else if (state < ENTRY_PENDING)
		return dma_fence_shared_leave_broken(timeline);
	else if (atomic_load_relaxed(&entry->owner) != timeline->peer.id)
		ret = -EINVAL;
	else if (state != ENTRY_PENDING)
		ret = -EALREADY;
	if (ret && ret != -EALREADY) {
		dma_fence_shared_leave(timeline, false);
		return ret;
	}
	/* Nobody shall wait for ever because it is not an errno. */
	if (!ret && (error > 0 || error < -MAX_ERRNO))
		ret = error = -EINVAL;
	if (ret != -EALREADY)
		complete_entry(entry, serial, error, timestamp);
	/* Nor because another has said that it was completed, and did not see to the rest. */
	ended = dma_fence_shared_end_entries(timeline, &view, serial);
	if (ended < 0)
		return dma_fence_shared_leave_broken(timeline);
	dma_fence_shared_leave(timeline, ended);
	return ret;
}

int dma_fence_shared_timeline_complete(struct shared_timeline *timeline, uint64_t serial, int error,
				       int64_t timestamp)
{
	int ret = complete(timeline, serial, error, timestamp);

	dma_fence_shared_timeline_put(timeline);
	return ret;
}

int dma_fence_shared_timeline_reset(struct shared_timeline *timeline)
{
	struct view view;
	int ret = enter_patiently(timeline, &view);

	if (ret)
		return ret;
	dma_fence_shared_end_life(timeline->memory, &view);
	dma_fence_shared_leave(timeline, true);
	return 0;
}

/* Being told */

int dma_fence_shared_timeline_doorbell(const struct shared_timeline *timeline)
{
	return timeline->doorbell;
}

void dma_fence_shared_timeline_arm(struct shared_timeline *timeline)
{
	atomic_fetch_or_acq_rel(&timeline->memory->changes, CHANGES_ARMED);
}
