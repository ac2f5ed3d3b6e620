/* SPDX-License-Identifier: MIT */
/*
 * dmafence/resv.h - the fences of a buffer
 *
 * Many jobs use one buffer, and most of them know nothing of each other. A reservation object,
 * embedded in the buffer, has the fences of all the jobs that use it, so that each new job, and
 * whoever frees, moves or maps the buffer, finds out there what it has to wait for. That is
 * implicit synchronisation: who hands a buffer over need not hand over a fence.
 *
 * Usage
 * =====
 * Each fence is there for a usage, which says who has to wait for it:
 *
 *	usage		the fence is of			is waited for by
 *	KERNEL		moving or clearing the memory	everybody
 *	WRITE		a job that writes		readers and writers
 *	READ		a job that reads		writers
 *	BOOKKEEP	anything that uses the memory	who moves or frees it
 *
 * Each class contains those above it: who asks for a usage gets the fences of that one and of all
 * above. So who is going to read waits for WRITE (the writers, and KERNEL), who is going to write
 * waits for READ (readers, writers and KERNEL): dma_resv_usage_rw() says so. Who frees the memory
 * waits for BOOKKEEP. A job that uses explicit synchronisation adds its fence as BOOKKEEP.
 *
 * Adding
 * ======
 * Under the lock, and in two steps: what can fail comes before the job's point of no return, what
 * comes after it cannot fail.
 *
 *	dma_resv_lock(obj, NULL);
 *	ret = dma_resv_reserve_fences(obj, 1);
 *	... wait for, or hand to the engine, what dma_resv_get_singleton() returns ...
 *	... submit the job ...
 *	dma_resv_add_fence(obj, &job->fence, DMA_RESV_USAGE_WRITE);
 *	dma_resv_unlock(obj);
 *
 * One fence of a context is enough, the latest: so an object has about as many fences as there are
 * queues that use it. Fences that are drained (dmafence/fence.h) give way when there is need of
 * their place, and how they ended is forgotten with them: an object tells what is still to be
 * waited for, and the errors of what happens to be there yet.
 *
 * Asking
 * ======
 * All that only asks takes no lock. What it sees is no less than what was there when it began:
 * every fence that was added before, unless that is signaled, or was replaced by one that stands
 * for it. What is added meanwhile is seen, or not.
 *
 * For that, fences are looked at that others may be dropping at the time: a fence in a reservation
 * object must not be freed before a grace period has ended, which dma_fence_free() sees to
 * (dmafence/rcu.h).
 *
 * Locking
 * =======
 * The lock is a wound/wait lock (dmafence/ww-lock.h): a job that uses many buffers locks them in
 * any order, in an acquire context, most easily by dma_resv_lock_many(). While a reservation object
 * is locked its fences may be waited for, but a callback of a fence must not wait for the lock.
 */
#ifndef DMAFENCE_RESV_H
#define DMAFENCE_RESV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <dmafence/fence.h>
#include <dmafence/ww-lock.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** enum dma_resv_usage - who has to wait for a fence; see "Usage" at the head of this file */
enum dma_resv_usage {
	/** @DMA_RESV_USAGE_KERNEL: moving or clearing the memory: for everybody */
	DMA_RESV_USAGE_KERNEL,
	/** @DMA_RESV_USAGE_WRITE: a job that writes: for readers and writers */
	DMA_RESV_USAGE_WRITE,
	/** @DMA_RESV_USAGE_READ: a job that reads: for writers */
	DMA_RESV_USAGE_READ,
	/** @DMA_RESV_USAGE_BOOKKEEP: anything that uses the memory: for who moves or frees it */
	DMA_RESV_USAGE_BOOKKEEP,
};

/** dma_resv_usage_rw - for what a job has to wait: READ for one that writes, WRITE for a reader */
static inline enum dma_resv_usage dma_resv_usage_rw(bool write)
{
	return write ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE;
}

struct dma_resv_list;

/** struct dma_resv - a reservation object; embedded in a buffer. The fields are the library's. */
struct dma_resv {
	/* private: */
	struct dma_ww_mutex lock;
	struct dma_resv_list *fences;
	uint64_t lists;
};

/* Life */

/** dma_resv_init - makes a reservation object, without fences, unlocked */
void dma_resv_init(struct dma_resv *obj);

/**
 * dma_resv_fini - ends a reservation object
 * @obj: nobody uses it any more, in whatever way
 *
 * Drops its references to fences, signaled or not: who frees the buffer waits for them first.
 */
void dma_resv_fini(struct dma_resv *obj);

/* The lock: as of a struct dma_ww_mutex, see there */

/** dma_resv_lock - dma_ww_mutex_lock(): 0, -EALREADY or -EDEADLK */
static inline int dma_resv_lock(struct dma_resv *obj, struct dma_ww_acquire_ctx *ctx)
{
	return dma_ww_mutex_lock(&obj->lock, ctx);
}

/** dma_resv_lock_interruptible - dma_ww_mutex_lock_interruptible(): also -EINTR */
static inline int dma_resv_lock_interruptible(struct dma_resv *obj, struct dma_ww_acquire_ctx *ctx)
{
	return dma_ww_mutex_lock_interruptible(&obj->lock, ctx);
}

/** dma_resv_lock_slow - dma_ww_mutex_lock_slow(), for after -EDEADLK */
static inline void dma_resv_lock_slow(struct dma_resv *obj, struct dma_ww_acquire_ctx *ctx)
{
	dma_ww_mutex_lock_slow(&obj->lock, ctx);
}

/** dma_resv_lock_slow_interruptible - dma_ww_mutex_lock_slow_interruptible(): 0 or -EINTR */
static inline int dma_resv_lock_slow_interruptible(struct dma_resv *obj,
						   struct dma_ww_acquire_ctx *ctx)
{
	return dma_ww_mutex_lock_slow_interruptible(&obj->lock, ctx);
}

/** dma_resv_trylock - whether it was free, and is locked now, without a context */
static inline bool dma_resv_trylock(struct dma_resv *obj)
{
	return dma_ww_mutex_trylock(&obj->lock, NULL);
}

/** dma_resv_is_locked - whether somebody holds the lock at this moment */
static inline bool dma_resv_is_locked(const struct dma_resv *obj)
{
	return dma_ww_mutex_is_locked(&obj->lock);
}

/** dma_resv_locking_ctx - the context in which the caller holds it, or NULL */
static inline struct dma_ww_acquire_ctx *dma_resv_locking_ctx(const struct dma_resv *obj)
{
	return dma_ww_mutex_ctx(&obj->lock);
}

/** dma_resv_unlock - dma_ww_mutex_unlock() */
static inline void dma_resv_unlock(struct dma_resv *obj)
{
	dma_ww_mutex_unlock(&obj->lock);
}

/** enum dma_resv_lock_flags - how dma_resv_lock_many() is to go about it */
enum dma_resv_lock_flags {
	/** @DMA_RESV_LOCK_INTERRUPTIBLE: a signal handler ends the wait: -EINTR */
	DMA_RESV_LOCK_INTERRUPTIBLE = 1 << 0,
	/** @DMA_RESV_LOCK_DUPLICATES: an object may be there more than once */
	DMA_RESV_LOCK_DUPLICATES = 1 << 1,
};

/**
 * dma_resv_lock_many - locks several reservation objects, backing off as often as it takes
 * @objs: in any order
 * @num_objs: how many; may be 0
 * @ctx: in which nothing is locked
 * @flags: of enum dma_resv_lock_flags
 *
 * Returns 0 when all are locked; -EALREADY if an object is there twice, without
 * DMA_RESV_LOCK_DUPLICATES; -EINTR; -EINVAL if a pointer is NULL, @flags has others, or something
 * is locked in @ctx. Then none is locked.
 *
 * Does not allocate. It cannot starve: it keeps the ticket of its context.
 */
int dma_resv_lock_many(struct dma_resv **objs, unsigned int num_objs,
		       struct dma_ww_acquire_ctx *ctx, unsigned int flags);

/**
 * dma_resv_unlock_many - unlocks those that are locked in a context
 * @objs: may be there more than once, and need not be locked
 */
void dma_resv_unlock_many(struct dma_resv **objs, unsigned int num_objs,
			  struct dma_ww_acquire_ctx *ctx);

/* Adding; the caller holds the lock */

/**
 * dma_resv_reserve_fences - makes room
 * @num_fences: for how many, at least 1, that will be added before the lock is given back
 *
 * Not in addition to what was reserved before. Returns 0, -EINVAL or -ENOMEM.
 */
int dma_resv_reserve_fences(struct dma_resv *obj, unsigned int num_fences);

/**
 * dma_resv_add_fence - adds a fence
 * @fence: a reference is taken. No array, chain or other container: add each of what it is made
 *	of. (One is reported, and kept like any other fence.)
 *
 * Takes the place of an earlier fence of the same context, if that has no wider usage; adds nothing
 * if a later one of the same context is there that has @usage or a wider one. Usages are wider from
 * BOOKKEEP to KERNEL.
 *
 * Cannot fail after dma_resv_reserve_fences(). Returns 0; -ENOSPC if there was no room, and
 * reports that, for then nobody will wait for the fence; -EINVAL if @fence is NULL or @usage none.
 */
int dma_resv_add_fence(struct dma_resv *obj, struct dma_fence *fence, enum dma_resv_usage usage);

/**
 * dma_resv_replace_fences - lets another fence stand for those of a context
 * @context: whose fences, but for those that are later than @replacement, or drained
 * @replacement: a reference is taken for each of them. It must not signal before they do, if
 *	anybody who waits for the memory relies on that: a fence of the moving of the memory away,
 *	say, or one that is signaled for fences that can no longer reach it.
 * @usage: of @replacement
 *
 * Needs no room. A @replacement that is NULL, or a @usage that is none, is reported, and changes
 * nothing.
 */
void dma_resv_replace_fences(struct dma_resv *obj, uint64_t context, struct dma_fence *replacement,
			     enum dma_resv_usage usage);

/**
 * dma_resv_copy_fences - has the fences of another object in the place of those that are there
 * @dst: locked by the caller
 * @src: need not be locked. Those that are signaled are left out.
 *
 * Room that was reserved in @dst before is gone.
 *
 * Returns 0, or -ENOMEM; then nothing has changed.
 */
int dma_resv_copy_fences(struct dma_resv *dst, struct dma_resv *src);

/* Asking; with the lock or without */

/**
 * dma_resv_get_fences - what is there to be waited for
 * @usage: of that usage, or a wider one
 * @num_fences: how many is stored here
 * @fences: and here a vector of them by malloc(), with a reference each; NULL if there are none
 *
 * Leaves out what is signaled. Returns 0, -EINVAL, or -ENOMEM; then nothing is stored.
 */
int dma_resv_get_fences(struct dma_resv *obj, enum dma_resv_usage usage, unsigned int *num_fences,
			struct dma_fence ***fences);

/**
 * dma_resv_get_singleton - the same as one fence
 * @fence: a reference to it is stored here; NULL if there is nothing to wait for
 *
 * If there are several it is an array (dmafence/array.h). If a fence that is there has failed, the
 * one that is stored fails with its error, even if all are signaled by now; then all are polled.
 * Otherwise a fence that is complete, but not signaled, counts as one to be waited for.
 *
 * Returns 0, -EINVAL, or -ENOMEM; then nothing is stored.
 */
int dma_resv_get_singleton(struct dma_resv *obj, enum dma_resv_usage usage,
			   struct dma_fence **fence);

/**
 * dma_resv_test_signaled - whether there is nothing to wait for
 *
 * Asks, and signals nothing. Takes no lock; for an object for which nothing was ever reserved or
 * copied it is one load.
 */
bool dma_resv_test_signaled(struct dma_resv *obj, enum dma_resv_usage usage);

/**
 * dma_resv_wait_timeout - waits until all that is there to be waited for is drained
 * @intr: as for dma_fence_wait_timeout()
 * @timeout_ns: as for dma_fence_wait_timeout(), for all of them together
 *
 * Enables signaling on all of them before it waits. Fences that are added while it waits are
 * waited for, too, or not. Returns as dma_fence_wait_timeout().
 */
int64_t dma_resv_wait_timeout(struct dma_resv *obj, enum dma_resv_usage usage, bool intr,
			      int64_t timeout_ns);

/** dma_resv_set_deadline - dma_fence_set_deadline() for all that is there to be waited for */
void dma_resv_set_deadline(struct dma_resv *obj, enum dma_resv_usage usage, int64_t deadline_ns);

/**
 * dma_resv_describe - writes one line for each fence that is not signaled, with its usage
 *
 * Without the lock a fence may be there twice, if others make room meanwhile.
 */
void dma_resv_describe(struct dma_resv *obj, FILE *out);

/* Going through the fences */

/**
 * struct dma_resv_iter - where one is in going through the fences of an object
 *
 * The fields are the library's: see the functions below.
 */
struct dma_resv_iter {
	/* private: */
	struct dma_resv *obj;
	struct dma_fence *fence;
	uint64_t list;
	unsigned int index;
	enum dma_resv_usage usage;
	enum dma_resv_usage fence_usage;
	bool restarted;
};

/**
 * dma_resv_iter_begin - begins
 * @cursor: storage of the caller's
 * @usage: fences of that usage, or a wider one
 */
void dma_resv_iter_begin(struct dma_resv_iter *cursor, struct dma_resv *obj,
			 enum dma_resv_usage usage);

/** dma_resv_iter_end - ends, and drops the reference to the fence of a loop without the lock */
void dma_resv_iter_end(struct dma_resv_iter *cursor);

/** dma_resv_iter_usage - the usage of the fence */
static inline enum dma_resv_usage dma_resv_iter_usage(const struct dma_resv_iter *cursor)
{
	return cursor->fence_usage;
}

/**
 * dma_resv_iter_is_restarted - whether this is the first fence
 *
 * Without the lock that may be so again and again, for when others make room the loop begins anew:
 * who collects something then throws away what he has. Also after the last fence, if there is none
 * in what it began anew with.
 */
static inline bool dma_resv_iter_is_restarted(const struct dma_resv_iter *cursor)
{
	return cursor->restarted;
}

/** dma_resv_iter_first_unlocked - see dma_resv_for_each_fence_unlocked() */
struct dma_fence *dma_resv_iter_first_unlocked(struct dma_resv_iter *cursor);

/** dma_resv_iter_next_unlocked - see dma_resv_for_each_fence_unlocked() */
struct dma_fence *dma_resv_iter_next_unlocked(struct dma_resv_iter *cursor);

/**
 * dma_resv_for_each_fence_unlocked - goes through the fences without the lock
 * @cursor: between dma_resv_iter_begin() and dma_resv_iter_end()
 * @fence: each in turn, with a reference that the cursor holds until the next step
 *
 * Leaves out what is signaled. The body may wait.
 */
#define dma_resv_for_each_fence_unlocked(cursor, fence) \
	for ((fence) = dma_resv_iter_first_unlocked(cursor); (fence); \
	     (fence) = dma_resv_iter_next_unlocked(cursor))

/** dma_resv_iter_first - see dma_resv_for_each_fence() */
struct dma_fence *dma_resv_iter_first(struct dma_resv_iter *cursor);

/** dma_resv_iter_next - see dma_resv_for_each_fence() */
struct dma_fence *dma_resv_iter_next(struct dma_resv_iter *cursor);

/**
 * dma_resv_for_each_fence - goes through the fences under the lock, signaled ones included
 * @cursor: a pointer to a struct dma_resv_iter, which needs no initialisation and no end
 * @obj: locked by the caller, who adds nothing meanwhile
 * @usage: fences of that usage, or a wider one
 * @fence: each in turn, without a reference of its own
 */
#define dma_resv_for_each_fence(cursor, obj, usage, fence) \
	for (dma_resv_iter_begin((cursor), (obj), (usage)), (fence) = dma_resv_iter_first(cursor); \
	     (fence); (fence) = dma_resv_iter_next(cursor))

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
