/* SPDX-License-Identifier: MIT */
/*
 * The shared-memory core of sync objects that several processes use.
 *
 * It knows no fence and no thread of its own: what is in here are numbers. Who appends an entry
 * gets a serial, under which it is completed once, with an error or without. An entry has a point,
 * at least 1, or it is binary, with point 0.
 *
 * The entries since the object was made, or reset, are its life. Those of a timeline end in the
 * order in which they were appended, so that an entry ends when it and all before it in the same
 * life have been completed, with the error of the first that failed and the timestamp of the last
 * that was completed. A binary entry ends when it is completed, with its own. Appending one begins
 * a life.
 *
 * A serial is never used again, so that who waits for one waits for that one, whatever has been
 * reset or put in its place. How it ended can be asked until SHARED_ENTRIES later ones have been
 * appended.
 *
 * fd/shared-memory.h says what is in the memory, and what a peer that dies, or that writes
 * nonsense, can do to others.
 *
 * Each struct shared_timeline is a mapping of its own with two fds (the memory, the doorbell). Two
 * of the same memory in one process are to each other what two processes are.
 *
 * In a child of fork() a struct shared_timeline goes on to work, as one of the child's: entries of
 * the parent stay the parent's. Whether that worked out can be seen only later: functions return
 * -EMFILE if there was no room for the fd that it takes.
 *
 * Errors: functions that can fail return -EPROTO from the moment on at which the memory was found
 * to be broken; that is not said again below.
 */
#ifndef DMAFENCE_FD_SHARED_TIMELINE_H
#define DMAFENCE_FD_SHARED_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "fd/shared-lock.h"

/* Entries that can be pending at once; a power of two. */
#define SHARED_ENTRIES 4096

/* Mappings that can have put something in at once. */
#define SHARED_OWNERS 64

/* How often who waits, or has the doorbell watched, is to look whether owners are still there. */
#define SHARED_CHECK_NS INT64_C(80000000)

/*
 * For how long who only asks waits for somebody who keeps the lock, in all that he asks at once;
 * and who has others to see to: they come again.
 */
#define ASK_PATIENCE_NS	 INT64_C(100000000)
#define SOON_PATIENCE_NS INT64_C(10000000)

struct sleeper;

/* How long one has had to wait for the lock, which somebody may keep who means no good. */
struct shared_patience {
	struct lock lock;
	int64_t since;	 /* it could not be had from then on, or 0 */
	int64_t until;	 /* and up to then at least */
	int64_t spent;	 /* in long waits, some of which is forgotten with time */
	int64_t counted; /* up to then */
};

struct shared_timeline {
	const uint64_t *signaled; /* in the memory: all points up to this one have ended */

	/* The rest is for who includes fd/shared-memory.h. */
	struct shared_memory *memory;
	struct shared_peer peer;
	int doorbell;
	int failed; /* 0, or the error with which all fails from now on */
	uint32_t refcount;
	int64_t checked; /* when it was last seen to the owners */
	uint32_t owns;	 /* this mapping has put something in */
	struct shared_patience patience;
	struct shared_timeline *next, *prev; /* all of this process */
};

/* Life */

/**
 * dma_fence_shared_timeline_create - makes the memory, with nothing in it
 *
 * Returns 0, -ENOMEM, -EMFILE, -ENFILE, or what else the kernel says (without /proc: -ENOENT).
 */
int dma_fence_shared_timeline_create(struct shared_timeline **timeline);

/**
 * dma_fence_shared_timeline_import - maps the memory that a handle leads to
 * @handle: stays the caller's; nothing of it is kept
 *
 * Returns 0; -EINVAL if the fd is no handle; -EPROTO if what it leads to is not what this file
 * makes; -EBADF, -ENOMEM, -EMFILE, -ENFILE.
 */
int dma_fence_shared_timeline_import(int handle, struct shared_timeline **timeline);

/**
 * dma_fence_shared_timeline_export - makes a handle
 *
 * Makes the caller an owner, see dma_fence_shared_timeline_append().
 *
 * Returns an fd, the caller's; -EUSERS, -EMFILE, -ENFILE, -ENOMEM.
 */
int dma_fence_shared_timeline_export(struct shared_timeline *timeline);

struct shared_timeline *dma_fence_shared_timeline_get(struct shared_timeline *timeline);

/**
 * dma_fence_shared_timeline_put - drops a reference; with the last one the mapping goes
 *
 * Each entry that was appended through it has one until it is completed.
 */
void dma_fence_shared_timeline_put(struct shared_timeline *timeline);

/* Producers */

/**
 * dma_fence_shared_timeline_append - appends an entry that is pending
 * @point: beyond the last one; or 0 for a binary one, which takes the place of the one before
 * @serial: where to; from now on the caller has to call _complete() with it, once
 *
 * With the first entry the caller becomes an owner until the mapping goes: if the process dies
 * others will see to what it has left behind.
 *
 * Returns 0; -ERANGE if @point is not beyond the last one; -EINVAL if this life is of the other
 * kind; -EAGAIN if SHARED_ENTRIES are pending; -EUSERS if there are SHARED_OWNERS owners.
 */
int dma_fence_shared_timeline_append(struct shared_timeline *timeline, uint64_t point,
				     uint64_t *serial);

/**
 * dma_fence_shared_timeline_complete - says that the work of an entry is over
 * @serial: from dma_fence_shared_timeline_append() on the same @timeline. In any order.
 * @error: 0 or a negative errno
 * @timestamp: when, by CLOCK_MONOTONIC
 *
 * Drops the reference that the entry had, whatever it returns.
 *
 * Returns 0; -EINVAL if @error is neither, or the entry is not the caller's (it is the parent's of
 * this process); -EALREADY if others have done it, who took the caller for dead; -ESTALE if that is
 * so long ago that there is nothing left of it.
 */
int dma_fence_shared_timeline_complete(struct shared_timeline *timeline, uint64_t serial, int error,
				       int64_t timestamp);

/**
 * dma_fence_shared_timeline_reset - ends the life: makes it as it was when new
 *
 * What is pending stays so for those who have its serial, or already wait for it.
 *
 * Returns 0.
 */
int dma_fence_shared_timeline_reset(struct shared_timeline *timeline);

/* Asking */

/** dma_fence_shared_timeline_passed - whether a point of this life (at least 1) has ended */
static inline bool dma_fence_shared_timeline_passed(const struct shared_timeline *timeline,
						    uint64_t point)
{
	return point && atomic_load_acquire(timeline->signaled) >= point;
}

/**
 * dma_fence_shared_timeline_signaled - the last point that has ended; 0 for none, or binary
 *
 * No system call; does not fail.
 */
uint64_t dma_fence_shared_timeline_signaled(const struct shared_timeline *timeline);

/** dma_fence_shared_timeline_submitted - the last point that was appended; 0 for none, or binary */
uint64_t dma_fence_shared_timeline_submitted(const struct shared_timeline *timeline);

/** dma_fence_shared_timeline_broken - 0, or the error with which all else fails from now on */
int dma_fence_shared_timeline_broken(const struct shared_timeline *timeline);

/* How an entry ended. */
struct shared_outcome {
	int error;	   /* 0 or a negative errno */
	int64_t timestamp; /* by CLOCK_MONOTONIC, neither negative nor in the future */
};

/**
 * dma_fence_shared_timeline_point - the state of a point
 * @point: 0 for the binary entry. Points that were left out are the next that was appended.
 * @serial: set if it is pending: of the entry with which it will end
 * @outcome: set if it has ended. The timestamp of one that ended long ago is that of a later one.
 *
 * No system call if it has ended.
 *
 * Returns -ENOENT: nobody has promised it; 0: pending; 1: ended; -EINVAL if this life is of the
 * other kind; -ETIMEDOUT if it has not ended and the lock could not be had for 100 ms: one can ask
 * again.
 */
int dma_fence_shared_timeline_point(struct shared_timeline *timeline, uint64_t point,
				    uint64_t *serial, struct shared_outcome *outcome);

/* The same, for who has others to see to as well: -ETIMEDOUT comes after 10 ms. */
int dma_fence_shared_timeline_point_soon(struct shared_timeline *timeline, uint64_t point,
					 uint64_t *serial, struct shared_outcome *outcome);

/*
 * The same, for who asks more than once, and does not want to wait each time. @patience: for how
 * long it may wait for the lock, in ns; what it has waited is taken off. With 0 it is tried once.
 */
int dma_fence_shared_timeline_point_within(struct shared_timeline *timeline, uint64_t point,
					   int64_t *patience, uint64_t *serial,
					   struct shared_outcome *outcome);

/* Waits for who keeps the lock, within the same patience. Returns whether it was free then. */
bool dma_fence_shared_timeline_await(struct shared_timeline *timeline, int64_t *patience);

/**
 * dma_fence_shared_timeline_outcome - the state of an entry
 * @serial: from _append() or _point()
 * @outcome: set if it has ended
 *
 * No system call, no lock.
 *
 * Returns 0: pending; 1: ended; -ESTALE: ended so long ago that nobody knows how; -EINVAL if there
 * has never been such an entry.
 */
int dma_fence_shared_timeline_outcome(struct shared_timeline *timeline, uint64_t serial,
				      struct shared_outcome *outcome);

/* Waiting */

enum shared_wait_flags {
	/* also for a point that nobody has promised yet */
	SHARED_WAIT_FOR_SUBMIT = 1 << 0,
	/* until somebody has promised it; says SHARED_WAIT_FOR_SUBMIT, too */
	SHARED_WAIT_AVAILABLE = 1 << 1,
};

/**
 * dma_fence_shared_timeline_wait - waits for a point
 * @point: 0 for the binary entry
 * @flags: enum shared_wait_flags
 * @intr: whether a signal handler ends the wait
 * @deadline: time of CLOCK_MONOTONIC in ns, CLOCK_NEVER for none; one that is over: asks
 *
 * Once the point is pending this waits for that entry, even if there is a reset.
 *
 * Spins for a moment, then sleeps on the memory. Looks after the owners every SHARED_CHECK_NS. No
 * system call if it has ended.
 *
 * Returns 0 when it has ended, however that was; -ETIMEDOUT; -EINTR; -ENOENT if nobody has promised
 * it and that is not waited for; -EOWNERDEAD if nobody will: there were owners, all are gone, and
 * one died; -EINVAL if this life is of the other kind.
 */
int dma_fence_shared_timeline_wait(struct shared_timeline *timeline, uint64_t point,
				   unsigned int flags, bool intr, int64_t deadline);

/* The same. While it sleeps @sleeper, unless that is NULL, says for what (base/hooks.h). */
int dma_fence_shared_timeline_wait_as(struct shared_timeline *timeline, uint64_t point,
				      unsigned int flags, bool intr, int64_t deadline,
				      struct sleeper *sleeper);

/**
 * dma_fence_shared_timeline_wait_serial - waits for an entry
 *
 * As dma_fence_shared_timeline_wait(). Returns 0, -ETIMEDOUT, -EINTR; -EINVAL if there has never
 * been such an entry.
 */
int dma_fence_shared_timeline_wait_serial(struct shared_timeline *timeline, uint64_t serial,
					  bool intr, int64_t deadline);

/* Being told */

/**
 * dma_fence_shared_timeline_doorbell - an fd that tells of changes
 *
 * See fd/eventfd.h. All processes share it. It is to be watched edge-triggered (EPOLLOUT | EPOLLET);
 * that it can be written to tells nothing, each change of that does.
 *
 * Returns the fd, which stays the timeline's.
 */
int dma_fence_shared_timeline_doorbell(const struct shared_timeline *timeline);

/**
 * dma_fence_shared_timeline_arm - has the doorbell rung once, at the next change
 *
 * By an append, an entry that ends, a reset, or the finding that the memory is broken. What changed
 * before this call is not rung for: the order is to arm, then to look, then to wait for the
 * doorbell; and each time that it has rung, the same again. Who is not interested any more does
 * nothing.
 */
void dma_fence_shared_timeline_arm(struct shared_timeline *timeline);

/**
 * dma_fence_shared_timeline_check_owners - sees to what dead owners have left behind
 *
 * Their pending entries are completed with -EOWNERDEAD, and everybody is told. Who waits through
 * the doorbell calls this every SHARED_CHECK_NS for as long as something is pending; if others have
 * called it just now it does nothing. Does not wait for long.
 *
 * Returns 0; -EOWNERDEAD if there were owners, all are gone, and one died: nobody will append
 * anything unless a new one comes.
 */
int dma_fence_shared_timeline_check_owners(struct shared_timeline *timeline);

/* The same, by who has a patience of his own, as for dma_fence_shared_timeline_point_within(). */
int dma_fence_shared_timeline_check_owners_within(struct shared_timeline *timeline,
						  int64_t *patience);

#endif
