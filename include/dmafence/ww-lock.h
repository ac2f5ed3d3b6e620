/* SPDX-License-Identifier: MIT */
/*
 * dmafence/ww-lock.h - locks that may be taken in any order
 *
 * A job locks all the buffers that it uses, in whatever order they were named. Two jobs that name
 * the same two the other way round would wait for each other for ever. Wound/wait locks rule that
 * out: whoever takes several of them does so in an acquire context, which has a ticket, and the one
 * with the earlier ticket is never held up by a later one that itself waits. The later one, which
 * holds what the earlier wants, is wounded: the next time that it would have to wait, or at once if
 * it is waiting, it gets -EDEADLK. It drops all that it holds, waits for the one that it could not
 * get, and begins again, with the ticket that it has: so it gets older, and there is always one who
 * is the oldest, and gets all that he wants.
 *
 *	dma_ww_acquire_init(&ctx);
 * again:
 *	for each mutex, bar the one that is held already:
 *		ret = dma_ww_mutex_lock(mutex, &ctx);
 *		if (ret == -EDEADLK) {
 *			unlock all that are held;
 *			dma_ww_mutex_lock_slow(mutex, &ctx);
 *			goto again;
 *		}
 *	dma_ww_acquire_done(&ctx);
 *	... use what they protect ...
 *	unlock all;
 *	dma_ww_acquire_fini(&ctx);
 *
 * (For reservation objects dma_resv_lock_many() in dmafence/resv.h does all of that.)
 *
 * Costs
 * =====
 * One atomic read-modify-write to lock and one to unlock when nobody contends, and one for a
 * context. Who has to wait spins for a moment and then sleeps; nobody polls. A lock that is
 * waited for is handed over: nobody who comes by takes it from those who wait. Of waiters in a
 * context the one with the earliest ticket comes first. Those without one come in the order in
 * which they began to wait, and are passed only by somebody who is older than one before them.
 *
 * Threads
 * =======
 * A mutex is unlocked by the thread that has locked it, and a context is used by one thread. A
 * callback of a fence must not wait for a mutex (dmafence/fence.h); it may try.
 *
 * In the child of a fork() a mutex that the thread had which forked is still that thread's, and who
 * waited for it is forgotten; one that another thread had stays locked.
 *
 * Debugging
 * =========
 * With the word "locking" in the environment variable DMA_FENCE_DEBUG (words are separated by
 * commas) it is reported, when it happens and not when it deadlocks, if a thread
 * - waits for a mutex without its context while it holds others in one, or in a context that is
 *   another thread's, or after dma_ww_acquire_done();
 * - goes on after -EDEADLK without having dropped all, or then waits for another mutex than the one
 *   that it could not get;
 * - begins a context inside another, or unlocks what another thread has locked in a context.
 * Without that this costs one load and one predictable branch. What would leave a mutex with a
 * pointer to a context that is gone, and an unlock of what is not locked, is always reported.
 */
#ifndef DMAFENCE_WW_LOCK_H
#define DMAFENCE_WW_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

struct dma_ww_waiter;

/**
 * struct dma_ww_acquire_ctx - one thread's undertaking to lock several mutexes
 *
 * Usually on the stack. The fields are the library's.
 */
struct dma_ww_acquire_ctx {
	/* private: */
	uint64_t ticket;
	uint32_t wake; /* on which its thread sleeps */
	uint32_t acquired;
	/* private, and only with debugging: */
	const struct dma_ww_mutex *contended;
	struct dma_ww_acquire_ctx *outer;
	bool done;
	bool tracked;
} __attribute__((aligned(8)));

/** Bits of the mutex's owner word; the library's. */
enum dma_ww_mutex_bits {
	DMA_WW_MUTEX_HELD = 1 << 0,
	DMA_WW_MUTEX_WAITERS = 1 << 1,
};

/**
 * struct dma_ww_mutex - a lock that may be taken together with others in any order
 *
 * Embedded in what it protects. The fields are the library's.
 */
struct dma_ww_mutex {
	/* private: the holder's context, and bits */
	uintptr_t owner;
	/* private: with 'lock' held: who waits, the next to get it first */
	struct dma_ww_waiter *first, *last;
	uint32_t lock;
};

/* Contexts */

/**
 * dma_ww_acquire_init - begins to lock
 * @ctx: storage of the caller's, until dma_ww_acquire_fini()
 *
 * Takes a ticket. From there on the context is older than all that begin after it.
 */
void dma_ww_acquire_init(struct dma_ww_acquire_ctx *ctx);

/**
 * dma_ww_acquire_done - says that nothing more will be locked in the context
 *
 * Need not be called. With debugging, a lock taken after this is reported.
 */
void dma_ww_acquire_done(struct dma_ww_acquire_ctx *ctx);

/**
 * dma_ww_acquire_fini - ends a context
 * @ctx: whose mutexes have all been unlocked. If not, that is reported.
 */
void dma_ww_acquire_fini(struct dma_ww_acquire_ctx *ctx);

/* Mutexes */

/** dma_ww_mutex_init - makes a mutex, which is unlocked. Zeroed memory is one, too. */
void dma_ww_mutex_init(struct dma_ww_mutex *mutex);

/**
 * dma_ww_mutex_destroy - ends a mutex
 * @mutex: nobody holds it or waits for it. If somebody does, that is reported.
 *
 * Frees nothing: it is for finding faults. Whoever has unlocked a mutex for the last time may free
 * its memory at once.
 */
void dma_ww_mutex_destroy(struct dma_ww_mutex *mutex);

/**
 * dma_ww_mutex_lock - locks a mutex
 * @ctx: of the calling thread; NULL for who locks this one alone, and waits for nothing while he
 *	holds it that he would have to back off from
 *
 * Returns 0; -EALREADY if it is locked in @ctx already; -EDEADLK if the caller has to unlock all
 * that it has locked in @ctx, because somebody older waits for one of them, or has waited for one
 * since it last held none. It then calls dma_ww_mutex_lock_slow() for this mutex, and begins again.
 * Without a context it returns 0.
 *
 * What the holder before did with what the mutex protects is visible to the caller.
 */
int dma_ww_mutex_lock(struct dma_ww_mutex *mutex, struct dma_ww_acquire_ctx *ctx);

/**
 * dma_ww_mutex_lock_interruptible - the same, and a signal handler ends the wait: -EINTR
 *
 * A handler that runs before the thread sleeps does not.
 */
int dma_ww_mutex_lock_interruptible(struct dma_ww_mutex *mutex, struct dma_ww_acquire_ctx *ctx);

/**
 * dma_ww_mutex_lock_slow - waits for a mutex after -EDEADLK
 * @mutex: the one for which -EDEADLK was returned
 * @ctx: in which nothing is locked any more. If something is, that is reported, and the wait may
 *	be one for ever.
 */
void dma_ww_mutex_lock_slow(struct dma_ww_mutex *mutex, struct dma_ww_acquire_ctx *ctx);

/** dma_ww_mutex_lock_slow_interruptible - the same; returns 0, or -EINTR */
int dma_ww_mutex_lock_slow_interruptible(struct dma_ww_mutex *mutex,
					 struct dma_ww_acquire_ctx *ctx);

/**
 * dma_ww_mutex_trylock - locks a mutex if nobody holds it
 * @ctx: or NULL
 *
 * Never waits. Returns whether it has locked it.
 */
bool dma_ww_mutex_trylock(struct dma_ww_mutex *mutex, struct dma_ww_acquire_ctx *ctx);

/**
 * dma_ww_mutex_unlock - unlocks a mutex
 * @mutex: locked by the calling thread
 *
 * Hands it over to the next who waits for it, if there is one. The order in which several are
 * unlocked does not matter.
 */
void dma_ww_mutex_unlock(struct dma_ww_mutex *mutex);

/** dma_ww_mutex_is_locked - whether somebody holds it at this moment */
static inline bool dma_ww_mutex_is_locked(const struct dma_ww_mutex *mutex)
{
	return __atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) != 0;
}

/**
 * dma_ww_mutex_ctx - the context in which a mutex is locked
 *
 * NULL if it is not locked, or without one. For the holder; to others it is of no use.
 */
static inline struct dma_ww_acquire_ctx *dma_ww_mutex_ctx(const struct dma_ww_mutex *mutex)
{
	const uintptr_t bits = DMA_WW_MUTEX_HELD | DMA_WW_MUTEX_WAITERS;

	return (struct dma_ww_acquire_ctx *)(__atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) &
					     ~bits);
}

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
