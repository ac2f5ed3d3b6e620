/* SPDX-License-Identifier: MIT */
/*
 * Sync files: fences that are exported, and what is asked of an fd.
 *
 * An export is a callback on its fence, a reference to that, and the write end of a pipe. It ends
 * when the fence signals, or when it is seen that nobody has the read end any more. Who claims it
 * first, under the lock, ends it. It is in the table before it has its callback: until who makes it
 * says that it is whole nobody claims it because of the read end, which the program may have closed,
 * by mistake, as soon as it was there; and if the fence signals so soon it is the maker who ends it.
 *
 * Write ends are in the table, under the lock, for as long as something is left to be said on them:
 * the child of a fork() closes them, for else its parent's death would not show.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dmafence/rcu.h>
#include <dmafence/unwrap.h>

#include "base/fork.h"
#include "base/hooks.h"
#include "base/lock.h"
#include "fd/imported.h"
#include "fd/kernel-sync-file.h"
#include "fd/mutants.h"
#include "fd/pipe.h"
#include "fd/shared-fences.h"
#include "fd/site.h"
#include "fd/sync-file.h"
#include "fd/ticker.h"
#include "fd/watcher.h"
#include "fence/outcome.h"

struct export
{
	struct dma_fence_cb cb;
	struct dma_fence *fence;
	struct pipe_origin origin;
	int write_fd;	     /* -1 in the child of a fork() */
	bool whole;	     /* its maker is done with it */
	bool left;	     /* to its maker, who is to end it */
	bool claimed;	     /* somebody ends it */
	struct export *next; /* of those that nobody reads */
};

struct entry {
	struct export *export; /* NULL: free, and next_free is valid */
	uint32_t next_free;
};

#define NO_ENTRY UINT32_MAX

/* Looked at when another is exported, whether anybody still reads them. */
#define LOOK_AT 8

static struct {
	struct lock lock;
	struct entry *entries; /* by the number of the export */
	uint32_t room;
	uint32_t first_free;
	uint32_t count;
	uint32_t look_next; /* which to look at */
} table = {
	.first_free = NO_ENTRY,
};

static uint32_t own_pid;

/* The table */

static int make_room(void)
{
	uint32_t room = table.room ? table.room * 2 : 16, i;
	struct entry *entries;

	if (table.first_free != NO_ENTRY)
		return 0;
	entries = realloc(table.entries, room * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (i = table.room; i < room; i++)
		entries[i] = (struct entry){ .next_free = i + 1 < room ? i + 1 : NO_ENTRY };
	table.first_free = table.room;
	table.entries = entries;
	table.room = room;
	return 0;
}

/* These two with the lock held. */

static void put_in(struct export *export)
{
	const uint32_t number = export->origin.export;

	table.first_free = table.entries[number].next_free;
	table.entries[number].export = export;
	table.count++;
}

static void take_out(uint32_t number)
{
	table.entries[number].export = NULL;
	table.entries[number].next_free = table.first_free;
	table.first_free = number;
	if (!--table.count) {
		free(table.entries);
		table.entries = NULL;
		table.room = 0;
		table.first_free = NO_ENTRY;
		table.look_next = 0;
	}
}

/* Whether the caller is the one who ends it. */
static bool claim(struct export *export)
{
	bool claimed;

	lock_acquire(&table.lock);
	claimed = export->claimed;
	export->claimed = true;
	lock_release(&table.lock);
	return !claimed;
}

/* Whether it is its maker who has to end what the caller has claimed. */
static bool leave_to_maker(struct export *export)
{
	bool left;

	lock_acquire(&table.lock);
	left = !export->whole;
	export->left = left;
	lock_release(&table.lock);
	return left;
}

/* By its maker, who touches it no more. Whether he has to end it. */
static bool become_whole(struct export *export)
{
	bool left;

	lock_acquire(&table.lock);
	left = export->left;
	export->whole = true;
	lock_release(&table.lock);
	return left;
}

static void end(struct export *export)
{
	struct dma_fence *fence = export->fence;
	int write_fd;

	lock_acquire(&table.lock);
	write_fd = export->write_fd;
	if (MUTANT(CLOSED_WITH_LOCK) && write_fd >= 0)
		close(write_fd);
	take_out(export->origin.export);
	lock_release(&table.lock);
	/*
	 * Who reads the pipe can hold this up, for as long as he likes: not with the lock. A child
	 * of fork() may get a copy now. It does no harm: all is said, or nobody is there to hear it.
	 */
	if (write_fd >= 0 && !MUTANT(CLOSED_WITH_LOCK))
		close(write_fd);
	free(export);
	dma_fence_put(fence);
}

/* Looks at some, and claims those that nobody reads; with the lock held. */
static struct export *look_at_some(struct export *unread)
{
	struct pollfd fds[LOOK_AT];
	struct export *exports[LOOK_AT];
	uint32_t i, n = 0;

	for (i = 0; i < table.room && n < LOOK_AT; i++) {
		struct export *export = table.entries[table.look_next].export;

		table.look_next = (table.look_next + 1) % table.room;
		if (!export || export->claimed || export->write_fd < 0 ||
		    (!export->whole && !MUTANT(ENDED_WHILE_MADE)))
			continue;
		fds[n] = (struct pollfd){ .fd = export->write_fd };
		exports[n++] = export;
	}
	if (!n || poll(fds, n, 0) <= 0)
		return unread;
	for (i = 0; i < n; i++) {
		if (!(fds[i].revents & POLLERR) || MUTANT(CLOSED_KEPT))
			continue;
		exports[i]->claimed = true;
		exports[i]->next = unread;
		unread = exports[i];
	}
	return unread;
}

/* Lets go of exports of which every copy has been closed: of @all, or of some. */
static void let_go(bool all)
{
	struct export *unread = NULL, *next;
	uint32_t looked = 0;

	lock_acquire(&table.lock);
	do {
		unread = look_at_some(unread);
		looked += LOOK_AT;
	} while (all && looked < table.room);
	lock_release(&table.lock);

	for (; unread; unread = next) {
		next = unread->next;
		dma_fence_remove_callback(unread->fence, &unread->cb);
		end(unread);
	}
}

void dma_fence_sync_file_let_go(void)
{
	let_go(true);
}

/*
 * The fence of a sync file that this process has exported. It was pending when the status was read,
 * and may be signaled by now: also one that somebody is about to say so of is the very fence.
 */
static struct dma_fence *get_own(const struct pipe_status *status)
{
	struct dma_fence *fence = NULL;
	struct pipe_status own;
	struct export *export;

	if (status->signaled || status->origin.pid != own_pid)
		return NULL;
	lock_acquire(&table.lock);
	export = status->origin.export < table.room ? table.entries[status->origin.export].export
						    : NULL;
	/*
	 * Another process may have the same pid, elsewhere. One that somebody is just ending has its
	 * fence until it is taken out.
	 */
	if (export && !(export->claimed && MUTANT(SIGNALING_IS_NOBODYS)) && export->write_fd >= 0 &&
	    !dma_fence_pipe_status(export->write_fd, &own) && dma_fence_pipe_same(&own, status))
		fence = dma_fence_get(export->fence);
	lock_release(&table.lock);
	return fence;
}

/* Export */

static void exported_signaled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct export *export = (struct export *)(void *)cb;

	if (!claim(export))
		return;
	/*
	 * Only who has claimed it changes the fd. Where it cannot be said that the fence has
	 * signaled, who waits is woken by the end of the pipe.
	 */
	if (export->write_fd >= 0)
		dma_fence_pipe_signal(export->write_fd, &export->origin, fence_error(fence),
				      fence_timestamp(fence));
	if (!leave_to_maker(export))
		end(export);
}

static int export_signaled(struct dma_fence *fence, uint32_t site)
{
	const struct pipe_origin origin = { .pid = own_pid, .site = site };
	int read_fd, write_fd, ret;

	ret = dma_fence_pipe_create(&origin, 0, 0, &read_fd, &write_fd);
	if (ret)
		return ret;
	ret = dma_fence_pipe_signal(write_fd, &origin, fence_error(fence), fence_timestamp(fence));
	close(write_fd);
	if (!ret)
		return read_fd;
	close(read_fd);
	return ret;
}

/* Makes the pipe and puts the export into the table; stores the read end. */
static int begin(struct export *export, struct dma_fence *fence, int *read_fd)
{
	int ret;

	lock_acquire(&table.lock);
	ret = make_room();
	if (!ret) {
		export->origin.export = table.first_free;
		ret = dma_fence_pipe_create(&export->origin, fence->context, fence->seqno, read_fd,
					    &export->write_fd);
	}
	if (!ret) {
		export->fence = dma_fence_get(fence);
		put_in(export);
	}
	lock_release(&table.lock);
	return ret;
}

static int export_pending(struct dma_fence *fence, uint32_t site)
{
	struct export *export = malloc(sizeof(*export));
	int read_fd, ret;

	if (!export)
		return -ENOMEM;
	*export = (struct export){ .origin = { .pid = own_pid, .site = site } };
	ret = begin(export, fence, &read_fd);
	if (ret) {
		free(export);
		return ret;
	}
	if (dma_fence_add_callback(fence, &export->cb, exported_signaled))
		exported_signaled(fence, &export->cb); /* it has signaled meanwhile */
	if (become_whole(export))
		end(export);
	return read_fd;
}

static int export_any(struct dma_fence *fence, uint32_t site)
{
	int fd;

	if (dma_fence_poll(fence))
		return export_signaled(fence, site);
	fd = MUTANT(KERNEL_FD_KEPT) ? -ENOENT : dma_fence_imported_dup_fd(fence);
	return fd == -ENOENT ? export_pending(fence, site) : fd;
}

int dma_fence_sync_file_export_from(struct dma_fence *fence, uint32_t site)
{
	int fd;

	if (!fence)
		return -EINVAL;
	let_go(false);
	fd = export_any(fence, site);
	if (fd == -EMFILE || fd == -ENFILE) {
		/* Of what is not needed any more some may come back. */
		let_go(true);
		fd = export_any(fence, site);
	}
	if (fd >= 0)
		hook(export, fence, fd);
	return fd;
}

int dma_fence_sync_file_export(struct dma_fence *fence)
{
	return dma_fence_sync_file_export_from(fence, SITE_OF_CALLER);
}

/* Import */

static struct dma_fence *signaled_fence(int error, int64_t timestamp)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	if (!fence) {
		errno = ENOMEM;
		return NULL;
	}
	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	if (error)
		dma_fence_set_error(fence, error);
	dma_fence_signal_timestamp(fence, timestamp);
	return fence;
}

static void name_timeline(char *name, size_t size, const struct pipe_status *status)
{
	snprintf(name, size, "process %" PRIu32 " context %" PRIu32 " seqno %" PRIu32,
		 status->origin.pid, status->context, status->seqno);
}

struct import {
	int fd;
	bool take;  /* whether the fd itself may be used */
	bool taken; /* whether it is */
	uint32_t site;
};

static struct dma_fence *import_pending(struct import *import, enum sync_file_kind kind,
					const char *driver, const char *timeline)
{
	int fd = import->take ? import->fd : dma_fence_dup_fd(import->fd), error;
	struct dma_fence *fence;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	fence = dma_fence_imported_create(fd, kind, driver, timeline, import->site);
	if (fence) {
		import->taken = import->take;
	} else if (!import->take) {
		error = errno;
		close(fd);
		errno = error;
	}
	return fence;
}

static struct dma_fence *import_kernel(struct import *import)
{
	struct dma_fence_sync_fence_info fence;
	struct dma_fence_sync_file_info info = { .num_fences = 1, .fences = &fence };
	int ret = dma_fence_kernel_sync_file_info(import->fd, &info);

	if (ret) {
		errno = -ret;
		return NULL;
	}
	if (info.status)
		return signaled_fence(info.status < 0 ? info.status : 0, info.timestamp_ns);
	if (info.num_fences == 1)
		return import_pending(import, SYNC_FILE_KERNEL, fence.driver_name,
				      fence.timeline_name);
	return import_pending(import, SYNC_FILE_KERNEL, "sync_file", "merged");
}

/* Of the read end, which is the sync file, and which can be polled; -EINVAL if it is none. */
static int status_of(int fd, struct pipe_status *status)
{
	int ret = dma_fence_pipe_status(fd, status);

	if (ret == -ENODATA)
		return -EINVAL;
	if (!ret && (fcntl(fd, F_GETFL) & (O_ACCMODE | O_PATH)) != O_RDONLY)
		ret = -EINVAL;
	return ret;
}

static struct dma_fence *import_any(struct import *import)
{
	struct pipe_status status;
	struct dma_fence *fence;
	char timeline[64];
	int ret = status_of(import->fd, &status);

	if (ret == -EINVAL)
		return import_kernel(import);
	if (ret) {
		errno = -ret;
		return NULL;
	}
	if (status.signaled)
		return signaled_fence(status.error, status.timestamp);
	fence = get_own(&status);
	if (fence)
		return fence;
	name_timeline(timeline, sizeof(timeline), &status);
	return import_pending(import, SYNC_FILE_PIPE, "dmafence", timeline);
}

struct dma_fence *dma_fence_sync_file_import_from(int fd, uint32_t site)
{
	struct import import = { .fd = fd, .site = site };

	return import_any(&import);
}

struct dma_fence *dma_fence_sync_file_import_dup_fd(int fd)
{
	return dma_fence_sync_file_import_from(fd, SITE_OF_CALLER);
}

struct dma_fence *dma_fence_sync_file_import_take_fd(int fd)
{
	struct import import = { .fd = fd, .take = true, .site = SITE_OF_CALLER };
	struct dma_fence *fence = import_any(&import);

	if (import.taken)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	else if (fence || MUTANT(FAILED_TAKE_CLOSES))
		close(fd);
	return fence;
}

/* Merge */

int dma_fence_sync_file_merge(int fd1, int fd2)
{
	const uint32_t site = SITE_OF_CALLER;
	struct import imports[2] = { { .fd = fd1, .site = site }, { .fd = fd2, .site = site } };
	struct dma_fence *fences[2], *merged;
	int ret;

	ret = dma_fence_kernel_sync_file_merge(fd1, fd2);
	if (ret >= 0)
		return ret; /* else at least one is ours, or the kernel's would not do */
	fences[0] = import_any(&imports[0]);
	if (!fences[0])
		return -errno;
	fences[1] = import_any(&imports[1]);
	merged = fences[1] ? dma_fence_unwrap_merge_many(2, fences) : NULL;
	ret = merged ? dma_fence_sync_file_export_from(merged, site) : -errno;
	dma_fence_put(merged);
	dma_fence_put(fences[1]);
	dma_fence_put(fences[0]);
	return ret;
}

/* Ask */

static void tell(struct dma_fence_sync_fence_info *info, struct dma_fence *fence)
{
	memset(info, 0, sizeof(*info));
	info->status = dma_fence_get_status(fence);
	info->timestamp_ns = info->status ? dma_fence_timestamp(fence) : 0;
	dma_fence_rcu_read_lock();
	snprintf(info->driver_name, sizeof(info->driver_name), "%s", dma_fence_driver_name(fence));
	snprintf(info->timeline_name, sizeof(info->timeline_name), "%s",
		 dma_fence_timeline_name(fence));
	dma_fence_rcu_read_unlock();
}

static void tell_signaled(struct dma_fence_sync_file_info *info, int error, int64_t timestamp)
{
	info->status = error ? error : 1;
	info->timestamp_ns = timestamp;
	info->num_fences = 0;
}

static void tell_pending(struct dma_fence_sync_file_info *info, struct dma_fence *fence)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *leaf;
	uint32_t count = 0;

	dma_fence_unwrap_for_each (leaf, &cursor, fence) {
		if (count < info->num_fences)
			tell(&info->fences[count], leaf);
		count++;
	}
	info->status = 0;
	info->timestamp_ns = 0;
	info->num_fences = count;
}

static int tell_kernel(int fd, struct dma_fence_sync_file_info *info)
{
	int ret = dma_fence_kernel_sync_file_info(fd, info);

	if (!ret && info->status)
		info->num_fences = 0;
	return ret;
}

int dma_fence_sync_file_get_info(int fd, struct dma_fence_sync_file_info *info)
{
	struct import import = { .fd = fd, .site = SITE_OF_CALLER };
	struct pipe_status status;
	struct dma_fence *fence;
	int ret;

	if (!info || (info->num_fences && !info->fences))
		return -EINVAL;
	ret = status_of(fd, &status);
	if (ret == -EINVAL)
		return tell_kernel(fd, info);
	if (ret)
		return ret;
	fence = import_any(&import);
	if (!fence)
		return -errno;
	if (dma_fence_poll(fence))
		tell_signaled(info, fence_error(fence), fence_timestamp(fence));
	else
		tell_pending(info, fence);
	dma_fence_put(fence);
	return 0;
}

int dma_fence_sync_file_set_deadline(int fd, int64_t deadline_ns)
{
	struct pipe_status status;
	struct dma_fence *fence;
	int ret = status_of(fd, &status);

	if (ret == -EINVAL) {
		struct dma_fence_sync_file_info info = { .num_fences = 0 };

		ret = dma_fence_kernel_sync_file_info(fd, &info);
		return ret ? ret : dma_fence_kernel_sync_file_set_deadline(fd, deadline_ns);
	}
	if (ret || status.signaled)
		return ret;
	fence = get_own(&status);
	if (!fence) {
		/* Between the two looks it may have signaled, and its export ended. */
		ret = status_of(fd, &status);
		return ret || status.signaled ? ret : -EOPNOTSUPP;
	}
	dma_fence_set_deadline(fence, deadline_ns);
	dma_fence_put(fence);
	return 0;
}

/*
 * fork(). Here for all of src/fd that this is built on, for the order: locks are taken as they are
 * elsewhere, one inside the other.
 */

static void fork_prepare(void)
{
	lock_acquire(&table.lock);
	dma_fence_imported_fork_prepare();
	dma_fence_shared_fences_fork_prepare();
	dma_fence_ticker_fork_prepare();
	dma_fence_watcher_fork_prepare();
}

static void fork_parent(void)
{
	dma_fence_watcher_fork_parent();
	dma_fence_ticker_fork_parent();
	dma_fence_shared_fences_fork_parent();
	dma_fence_imported_fork_done();
	lock_release(&table.lock);
}

/* What the parent has exported is the parent's. */
static void fork_child(void)
{
	uint32_t i;

	dma_fence_watcher_fork_child();
	dma_fence_ticker_fork_child();
	dma_fence_shared_fences_fork_child();
	dma_fence_imported_fork_done();
	for (i = 0; i < table.room && !MUTANT(CHILD_KEEPS_WRITE_ENDS); i++) {
		struct export *export = table.entries[i].export;

		if (export && export->write_fd >= 0) {
			close(export->write_fd);
			export->write_fd = -1;
		}
	}
	own_pid = (uint32_t)getpid();
	lock_release(&table.lock);
}

__attribute__((constructor)) static void get_ready(void)
{
	own_pid = (uint32_t)getpid();
	static struct fork_handlers handlers = {
		.order = FORK_SYNC_FILES,
		.prepare = fork_prepare,
		.parent = fork_parent,
		.child = fork_child,
	};

	dma_fence_at_fork(&handlers);
}
