/* SPDX-License-Identifier: MIT */
/*
 * dmafence/sync-file.h - fences as file descriptors
 *
 * A program that lives in an event loop, or in several processes, wants a fence to be a file
 * descriptor. A sync file is that: an fd that stands for a fence. It can be polled, duplicated,
 * passed through a socket (SCM_RIGHTS), inherited, and made a fence again, by this process or
 * another.
 *
 * What the fd does
 * ================
 * It is readable from the moment on at which the fence is signaled, for ever: poll(), select(),
 * epoll (level or edge) and io_uring all see POLLIN. Before that it is nothing: neither readable
 * nor writable, and it has no error. When it has been signaled POLLHUP comes with POLLIN, or soon
 * after: nobody will write to it any more.
 *
 * Readable says that the work has ended. How it ended is asked with dma_fence_sync_file_get_info(),
 * or by importing it: the error and the timestamp are in the fd.
 *
 * If the process that exported the fence ends before the fence has signaled, by whatever cause, its
 * sync files report POLLHUP, and the fence that is imported from one fails with -EOWNERDEAD. Nobody
 * hangs because a producer died.
 *
 * Nothing is to be read from the fd or written to it. Who reads takes POLLIN away for all who have
 * it, and leaves POLLHUP; how the fence ended cannot be taken away.
 *
 * What it is
 * ==========
 * The read end of a pipe. The write end stays with the exporter, so that the kernel closes it
 * whatever happens. The status is stored in the timestamps of the pipe, where everybody who has the
 * fd can read it, as often as he likes, and none but the exporter's user can change it. The sync
 * files of the kernel (what drivers of graphics hardware hand out) are imported, merged and asked
 * by the same calls.
 *
 * Until the fence has signaled an export costs its process a second fd, which goes, at the latest
 * when another is exported, once every copy of the first has been closed.
 *
 * Who owns an fd
 * ==============
 * A function whose name ends in _take_fd takes the fd over if it succeeds, and closes it when it
 * is not needed any more; if it fails, the fd is still the caller's. One whose name ends in _dup_fd
 * keeps a duplicate, and the fd is the caller's in any case. All others look at an fd for the
 * duration of the call. What is returned is the caller's to close, and is closed on exec.
 *
 * fork()
 * ======
 * A child that goes on without exec has its own copy of all fences. What it signals does not reach
 * the sync files that its parent exported: these remain the parent's, and fail if the parent dies.
 * Fences that were imported before stay what they are and signal in both. A thread of the child
 * that waits, or enables signaling, makes the child watch for itself.
 */
#ifndef DMAFENCE_SYNC_FILE_H
#define DMAFENCE_SYNC_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <dmafence/fence.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/**
 * dma_fence_sync_file_export - makes an fd of a fence
 * @fence: signaled or not; a reference is held until it signals, or all copies of the fd are closed
 *
 * Enables signaling. A fence that was imported is handed out as the same sync file that it was
 * imported from, so that what came from the kernel goes back to the kernel.
 *
 * Returns the fd, or -EMFILE, -ENFILE, -ENOMEM, -EINVAL if @fence is NULL.
 */
int dma_fence_sync_file_export(struct dma_fence *fence);

/**
 * dma_fence_sync_file_import_dup_fd - makes a fence of an fd
 * @fd: a sync file, of this library or of the kernel; stays the caller's
 *
 * If it was exported by this process and has not signaled, this is that very fence. Otherwise it is
 * a new one, which signals when the sync file does, with its error and timestamp; see
 * dmafence/watcher.h for the thread that sees to that. Until then it holds a duplicate of the fd.
 *
 * Returns a reference, or NULL with errno EINVAL if @fd is not a sync file, EBADF, EMFILE, ENOMEM.
 */
struct dma_fence *dma_fence_sync_file_import_dup_fd(int fd);

/**
 * dma_fence_sync_file_import_take_fd - makes a fence of an fd, and closes that
 * @fd: as for dma_fence_sync_file_import_dup_fd(), but the library's if this succeeds; if it fails
 *	it is still the caller's
 */
struct dma_fence *dma_fence_sync_file_import_take_fd(int fd);

/**
 * dma_fence_sync_file_merge - makes one sync file of two
 * @fd1: stays the caller's
 * @fd2: stays the caller's
 *
 * The new one signals when both have; with the error of the one that failed, and if both have, of
 * the one that failed first. Of two sync files of the kernel it is one of the kernel, unless a part
 * of them has failed already: that is what the kernel would forget.
 *
 * Returns the fd, or -EINVAL if one is not a sync file, -EBADF, -EMFILE, -ENFILE, -ENOMEM.
 */
int dma_fence_sync_file_merge(int fd1, int fd2);

/** struct dma_fence_sync_fence_info - a fence that a sync file waits for */
struct dma_fence_sync_fence_info {
	/** @driver_name: cut off where it is too long, as is @timeline_name */
	char driver_name[32];
	/**
	 * @timeline_name: of a fence of another process "process 123 context 4 seqno 5", whatever
	 * it is called there
	 */
	char timeline_name[64];
	/** @status: 0 pending, 1 signaled, or its error */
	int32_t status;
	uint32_t flags;
	/** @timestamp_ns: CLOCK_MONOTONIC; 0 while it is pending */
	int64_t timestamp_ns;
};

/** struct dma_fence_sync_file_info - what dma_fence_sync_file_get_info() tells */
struct dma_fence_sync_file_info {
	/** @status: 0 pending, 1 signaled, or the error with which it was */
	int32_t status;
	/** @num_fences: before: room in @fences; after: how many there are, maybe more than fit */
	uint32_t num_fences;
	/** @timestamp_ns: when it was signaled, CLOCK_MONOTONIC; 0 while it is pending */
	int64_t timestamp_ns;
	/** @fences: the caller's, for what it waits for; may be NULL if @num_fences is 0 */
	struct dma_fence_sync_fence_info *fences;
};

/**
 * dma_fence_sync_file_get_info - what a sync file waits for, or how it ended
 * @fd: stays the caller's
 * @info: with @num_fences and @fences set by the caller
 *
 * A sync file that has signaled waits for nothing: 0 fences.
 *
 * Returns 0, -EINVAL if @fd is not a sync file or a pointer is NULL, -EBADF, -ENOMEM; and -EMFILE,
 * for one of another process that is pending is imported for the duration of the call.
 */
int dma_fence_sync_file_get_info(int fd, struct dma_fence_sync_file_info *info);

/**
 * dma_fence_sync_file_set_deadline - says by when one would like it to be signaled
 * @fd: stays the caller's
 * @deadline_ns: CLOCK_MONOTONIC
 *
 * Returns 0, also if it has signaled; -EOPNOTSUPP if its producer cannot be told: it is in another
 * process, or the kernel is too old; -EINVAL if @fd is not a sync file; -EBADF.
 */
int dma_fence_sync_file_set_deadline(int fd, int64_t deadline_ns);

/** struct dma_fence_fd_count - how many fds one place in the program has made that are open */
struct dma_fence_fd_count {
	/** @site: where the function returned to; NULL for fds of other processes */
	const void *site;
	/** @exported: sync files that were exported there, and copies of them, in this process */
	uint64_t exported;
	/** @signaled: of these, those that have signaled: nobody needs them any more */
	uint64_t signaled;
	/** @internal: fds that the library keeps for what was exported or imported there */
	uint64_t internal;
};

/**
 * dma_fence_fd_census - counts the fds of this process that are sync files, or kept for them
 * @counts: where to; may be NULL if @room is 0
 * @room: how many entries it has
 *
 * The most come first. An fd that is leaked once per frame is the first entry, and its site is the
 * line that exports. Takes a while: it looks at every open fd of the process.
 *
 * Returns how many sites there are, maybe more than @room; or -errno if the list of open fds could
 * not be read.
 */
int dma_fence_fd_census(struct dma_fence_fd_count *counts, size_t room);

/**
 * dma_fence_fd_census_print - the census as text
 * @out: where to; a line per site, with the name of the function where that is known
 *
 * Returns 0 or -errno, as dma_fence_fd_census().
 */
int dma_fence_fd_census_print(FILE *out);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
