/* SPDX-License-Identifier: MIT */
/*
 * dmafence/syncobj.h - sync objects: a place for fences that others put there
 *
 * A fence is made by who signals it. Programs that work together need the opposite, too: a place
 * that both know beforehand, into which one will put a fence, and for which the other can wait
 * before it is there. A sync object is such a place. It can be shared between processes.
 *
 * Binary and timeline
 * ===================
 * A binary sync object holds one fence at a time, or none: dma_fence_syncobj_replace_fence(),
 * _signal(), _reset(). Where a function asks for a point, 0 means that fence.
 *
 * A timeline has points, numbered from 1, with a fence for each that was added, in a chain
 * (dmafence/chain.h): dma_fence_syncobj_add_point(). A point signals when its fence and those of
 * all points before it have. Numbers may be left out: who waits for such a point waits for the next
 * that was added. Points that go backwards are an error, -ERANGE.
 *
 * An object becomes the one or the other when something is first put in, and both again with
 * _reset(). To ask a timeline for point 0, or a binary object for another one, is an error,
 * -EINVAL.
 *
 * The three states of a point
 * ===========================
 * Nobody has promised it: no fence has been added for it or for a later one, and no promise given.
 * Waiting for it is an error, -ENOENT, unless one says that one wants to wait for that, too
 * (DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT).
 *
 * Pending: there is a fence, or somebody's promise that there will be one
 * (dma_fence_syncobj_promise()). Waits for it end.
 *
 * Signaled: with an error, maybe. A point that failed, failed for all points after it.
 *
 * Processes
 * =========
 * An object made with DMA_FENCE_SYNCOBJ_CREATE_SHARED can be exported as an fd, its handle, and be
 * imported from that by other processes, as often as they like. It lives in memory that all of them
 * map: to see that a point has passed takes a load, and no system call. Each process can add points
 * and wait for points of all.
 *
 * If a process dies, the points that it has promised, or has added fences for that are pending,
 * fail with -EOWNERDEAD within 100 ms. A wait for a point that nobody has promised ends with
 * -EOWNERDEAD if all processes that have put anything into the object are gone, and one died
 * without letting go of it; who exports an object counts as one that has.
 *
 * Whoever has a handle can say that points have ended, also those of others: it is given to those
 * whom one trusts that far, and in nothing else.
 *
 * At most 4,096 points can be pending in a shared object, and 64 processes put points into it. How
 * a fence that was found in it ended is known until 4,096 later points have been added: one that
 * nobody has waited for or polled until then fails with -ESTALE when it is looked at. A point is
 * asked for its error, by number, as long as one likes.
 *
 * An object with flaws in its memory, because one of those who share it wrote nonsense there or
 * stays in its lock, is broken: functions return -EPROTO, and waits end with it. Until it is, 3
 * seconds after somebody began to keep the lock, who only asks is told -ETIMEDOUT, and waits end
 * when their own time is over. docs/security.md says what others can do with a handle, and how far.
 *
 * In a child of fork() without exec a shared object is one that its parent shares: it can be waited
 * for, and the points that the child adds are the child's. One of a single process is copied with
 * all else, and what is put into the one does not appear in the other.
 */
#ifndef DMAFENCE_SYNCOBJ_H
#define DMAFENCE_SYNCOBJ_H

#include <stdbool.h>
#include <stdint.h>

#include <dmafence/fence.h>
#include <dmafence/promise.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** struct dma_fence_syncobj - a sync object; counted by references */
struct dma_fence_syncobj;

/* Life */

/** How a sync object is made. */
enum dma_fence_syncobj_create_flags {
	/** binary, with a fence in it that is signaled */
	DMA_FENCE_SYNCOBJ_CREATE_SIGNALED = 1 << 0,
	/** it can be exported to other processes */
	DMA_FENCE_SYNCOBJ_CREATE_SHARED = 1 << 1,
};

/**
 * dma_fence_syncobj_create - makes a sync object
 * @flags: enum dma_fence_syncobj_create_flags
 *
 * Returns the first reference, or NULL with errno EINVAL, ENOMEM, EMFILE, ENFILE.
 */
struct dma_fence_syncobj *dma_fence_syncobj_create(unsigned int flags);

/** dma_fence_syncobj_get - takes a reference; returns @syncobj, which may be NULL */
struct dma_fence_syncobj *dma_fence_syncobj_get(struct dma_fence_syncobj *syncobj);

/**
 * dma_fence_syncobj_put - drops a reference; NULL does nothing
 *
 * With the last one the object goes. Fences that were found in it do not change, and those in it
 * are not signaled, nor are points of a shared one that are pending.
 */
void dma_fence_syncobj_put(struct dma_fence_syncobj *syncobj);

/* Binary */

/**
 * dma_fence_syncobj_replace_fence - puts a fence in the place of the one that is there
 * @fence: no reference is taken over; NULL: as dma_fence_syncobj_reset()
 *
 * Returns 0, -EINVAL if @syncobj is NULL or used as a timeline, -ENOMEM; of a shared one also
 * -EAGAIN if too many fences are pending, -EPROTO.
 */
int dma_fence_syncobj_replace_fence(struct dma_fence_syncobj *syncobj, struct dma_fence *fence);

/** dma_fence_syncobj_signal - puts a fence there that is signaled; returns as _replace_fence() */
int dma_fence_syncobj_signal(struct dma_fence_syncobj *syncobj);

/**
 * dma_fence_syncobj_reset - makes it as it was when new
 *
 * Who waits for a fence that was there goes on to wait for that. Who waits for a point that nobody
 * has promised waits for what comes.
 *
 * Returns 0, -EINVAL if @syncobj is NULL; of a shared one also -EPROTO.
 */
int dma_fence_syncobj_reset(struct dma_fence_syncobj *syncobj);

/* Timeline */

/**
 * dma_fence_syncobj_add_point - adds a point
 * @point: at least 1, and beyond the last one that was added or promised
 * @fence: its fence, of whatever kind; no reference is taken over
 *
 * Of a chain the point gets what it is made of. A shared object enables the signaling of @fence.
 *
 * Returns 0; -ERANGE if @point is not beyond the last one; -EINVAL if an argument is NULL, @point
 * is 0, or the object is used as binary; -ENOMEM; of a shared one also -EAGAIN if too many points
 * are pending, -EUSERS if too many processes have added some, -EPROTO.
 */
int dma_fence_syncobj_add_point(struct dma_fence_syncobj *syncobj, uint64_t point,
				struct dma_fence *fence);

/** dma_fence_syncobj_signal_point - adds a point that is done; returns as _add_point() */
int dma_fence_syncobj_signal_point(struct dma_fence_syncobj *syncobj, uint64_t point);

/**
 * dma_fence_syncobj_promise - promises a point
 * @point: as for dma_fence_syncobj_add_point(), or 0: what a binary object will hold
 *
 * From now on it is pending. The promise does not keep the object.
 *
 * Returns the promise, see dmafence/promise.h; or NULL with errno as dma_fence_syncobj_add_point()
 * or _replace_fence().
 */
struct dma_fence_promise *dma_fence_syncobj_promise(struct dma_fence_syncobj *syncobj,
						    uint64_t point);

/* Ask */

/** What dma_fence_syncobj_query() is asked for. */
enum dma_fence_syncobj_query_flags {
	/** the last point that was added or promised; without this, the last that has signaled */
	DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED = 1 << 0,
};

/**
 * dma_fence_syncobj_query - how far a timeline is
 * @flags: enum dma_fence_syncobj_query_flags
 * @point: where to; 0 if there is none yet, or the object is binary
 *
 * Polls, of an object of this process, what is pending first. No system call, but for what that
 * signals, or lets go of.
 *
 * Returns 0, -EINVAL if a pointer is NULL or a flag unknown, -EPROTO.
 */
int dma_fence_syncobj_query(struct dma_fence_syncobj *syncobj, unsigned int flags, uint64_t *point);

/**
 * dma_fence_syncobj_status - the state of a point, and how it ended
 * @point: 0 for the fence of a binary object
 *
 * Polls what is pending in this process; what another thread is just about to pass on may still be
 * pending. No system call where the point has passed.
 *
 * Returns -ENOENT: nobody has promised it; 0: pending; 1: signaled; or the error with which it was.
 * -EINVAL if @syncobj is NULL, or the object is used for the other kind of points; -EPROTO. Of a
 * shared one, -ETIMEDOUT if somebody has kept its lock for 100 ms: one can ask again.
 */
int dma_fence_syncobj_status(struct dma_fence_syncobj *syncobj, uint64_t point);

/**
 * dma_fence_syncobj_find_fence - the fence of a point
 * @point: 0 for the fence of a binary object
 *
 * Returns a reference to a fence that signals when the point does, or has. Of a point that has
 * signaled it may be that of an earlier one that ended with the same error, or without one
 * dma_fence_get_stub(): its timestamp need not be that of the point. NULL with errno ENOENT if
 * nobody has promised it, EINVAL and ETIMEDOUT as for dma_fence_syncobj_status(), ENOMEM, EMFILE,
 * EPROTO.
 */
struct dma_fence *dma_fence_syncobj_find_fence(struct dma_fence_syncobj *syncobj, uint64_t point);

/* Wait */

/** What a wait waits for. */
enum dma_fence_syncobj_wait_flags {
	/** for all of the points; without this, for one of them */
	DMA_FENCE_SYNCOBJ_WAIT_ALL = 1 << 0,
	/** also for points that nobody has promised yet */
	DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT = 1 << 1,
	/**
	 * until somebody has promised a point, or added a fence for it; it need not have signaled.
	 * Says WAIT_FOR_SUBMIT, too.
	 */
	DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE = 1 << 2,
};

/** struct dma_fence_syncobj_point - a point of a sync object; 0 for the fence of a binary one */
struct dma_fence_syncobj_point {
	struct dma_fence_syncobj *syncobj;
	uint64_t point;
};

/**
 * dma_fence_syncobj_wait - waits for points
 * @points: the caller holds a reference to each object
 * @count: how many, at least 1
 * @flags: enum dma_fence_syncobj_wait_flags
 * @intr: whether a signal handler ends the wait
 * @timeout_ns: how long at most; DMA_FENCE_WAIT_FOREVER. With 0 it asks, and does not wait.
 * @idx: NULL, or where the index of a point is stored: on success of a wait for one, that one (the
 *	first, if there are several); on failure of a wait for all, the first that is to blame
 *
 * Returns as dma_fence_wait_timeout(): the time that was left, at least 1; 0 when the time is over;
 * -EINTR; -EINVAL for arguments that make no sense, also if an object is used for the other kind of
 * points, or comes to be while it is waited for. And -ENOENT if nobody has promised a point that
 * the caller did not want to wait for; -EOWNERDEAD if nobody will; -ENOMEM; -EMFILE; -EPROTO. Of
 * several points it is enough that something is wrong with one, also if others are pending; the first
 * such one says what. But a wait for one of them succeeds if one has, when it begins, what is waited
 * for, whatever is wrong with others. Success says that the work has ended, not
 * that it went well: see dma_fence_syncobj_status(); nor that callbacks of the fence have returned:
 * see dma_fence_wait().
 *
 * What it waits for is the fence that is there, or will be first: a reset, or another fence in its
 * place, changes nothing for who waits already. (What was put into a shared object, and was gone
 * again before a thread that waited for that came to look, that thread has missed.) Enables
 * signaling.
 *
 * No system call if it can end at once. Does not allocate for up to 16 points, nor if it can end at
 * once.
 */
int64_t dma_fence_syncobj_wait(const struct dma_fence_syncobj_point *points, uint32_t count,
			       unsigned int flags, bool intr, int64_t timeout_ns, uint32_t *idx);

/**
 * dma_fence_syncobj_eventfd_dup_fd - has an eventfd written to
 * @point: 0 for the fence of a binary object
 * @fd: an eventfd, of which a duplicate is kept until 1 has been added to it; stays the caller's
 * @flags: 0 or DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE
 *
 * Once, when the point has signaled, or with the flag, when somebody has promised it. If nobody has
 * promised the point yet this waits for that, too, also while the object is used for the other kind
 * of points; it is dropped when the object goes. An eventfd whose count is full is left as it is.
 *
 * Returns 0, -EINVAL if @fd is not an eventfd, an argument makes no sense or the object is used for
 * the other kind of points, -EBADF, -EMFILE, -ENOMEM, -EPROTO.
 */
int dma_fence_syncobj_eventfd_dup_fd(struct dma_fence_syncobj *syncobj, uint64_t point, int fd,
				     unsigned int flags);

/* To and from other objects */

/**
 * dma_fence_syncobj_transfer - puts the fence of one point in another
 * @dst_point: as for dma_fence_syncobj_add_point(), or 0: _replace_fence()
 * @src_point: 0 for the fence of a binary object
 * @flags: 0 or DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT: waits, as long as it takes, until somebody has
 *	promised the source
 *
 * Returns 0, or as those functions and dma_fence_syncobj_find_fence(); -EINTR.
 */
int dma_fence_syncobj_transfer(struct dma_fence_syncobj *dst, uint64_t dst_point,
			       struct dma_fence_syncobj *src, uint64_t src_point,
			       unsigned int flags);

/**
 * dma_fence_syncobj_export_sync_file - a point as a sync file
 *
 * Returns an fd, as dma_fence_sync_file_export(), or -errno as dma_fence_syncobj_find_fence().
 */
int dma_fence_syncobj_export_sync_file(struct dma_fence_syncobj *syncobj, uint64_t point);

/**
 * dma_fence_syncobj_import_sync_file_dup_fd - a sync file as a point
 * @point: as for dma_fence_syncobj_add_point(), or 0: _replace_fence()
 * @fd: see dma_fence_sync_file_import_dup_fd()
 *
 * Returns 0 or -errno, as those functions.
 */
int dma_fence_syncobj_import_sync_file_dup_fd(struct dma_fence_syncobj *syncobj, uint64_t point,
					      int fd);

/** dma_fence_syncobj_import_sync_file_take_fd - the same, and closes the fd if it succeeds */
int dma_fence_syncobj_import_sync_file_take_fd(struct dma_fence_syncobj *syncobj, uint64_t point,
					       int fd);

/* Processes */

/**
 * dma_fence_syncobj_export - makes a handle of a shared object
 *
 * Returns an fd that other processes can import, as often as they like, for as long as one of them
 * has it open; the caller's. It is not a sync file, and polling it tells nothing. Or -EINVAL if the
 * object is not shared, -EMFILE, -ENFILE, -ENOMEM, -EUSERS, -EPROTO.
 */
int dma_fence_syncobj_export(struct dma_fence_syncobj *syncobj);

/**
 * dma_fence_syncobj_import_dup_fd - makes an object of a handle
 * @fd: stays the caller's. (Nothing of it is kept.)
 *
 * Returns a reference to the object: of the process that exported it or has imported it before it
 * may be another object in this process, but is the same timeline. Or NULL with errno EINVAL if @fd
 * is not such a handle, EPROTO if what it leads to is not what this library makes, EBADF, EMFILE,
 * ENFILE, ENOMEM.
 */
struct dma_fence_syncobj *dma_fence_syncobj_import_dup_fd(int fd);

/** dma_fence_syncobj_import_take_fd - the same, and closes the fd if it succeeds */
struct dma_fence_syncobj *dma_fence_syncobj_import_take_fd(int fd);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
