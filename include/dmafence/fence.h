/* SPDX-License-Identifier: MIT */
/*
 * dmafence/fence.h - the fence
 *
 * Work runs on an engine that the CPU does not control: a GPU queue, an NVMe drive, a video
 * encoder, another thread. A fence stands for the end of one piece of such work. Its producer
 * embeds it in whatever stands for that work, initialises it when the work is promised, and
 * signals it, once, when the work is done. Everybody else may ask, wait or be called back, and
 * knows then that the memory the work touched may be reused.
 *
 * States
 * ======
 * A fence goes through four states, in one direction:
 *
 *	pending -> complete -> signaled -> drained
 *
 * - Complete: the work is done and the back end can tell (ops->signaled), but nobody has looked.
 * - Signaled: the flag is set. With the flag come the error and the timestamp: who sees one sees
 *   all, and sees all that the producer wrote before it signaled.
 * - Drained: every callback has returned.
 *
 * dma_fence_is_signaled() asks and changes nothing. dma_fence_poll() asks the back end and signals
 * the fence if it is complete. dma_fence_wait() and its family return success when the fence is
 * drained, so that what the callbacks used may be freed.
 *
 * Who holds what
 * ==============
 * A fence is counted by references. dma_fence_init() makes the first, which is the producer's.
 * Whoever calls a function with a fence holds a reference to it until the function returns; that
 * goes for the producer and dma_fence_signal() too, though its callbacks may drop theirs.
 *
 * The last reference of a fence that somebody could be waiting for, and that nobody signaled, is a
 * bug of its producer: the hardware may still be writing. Such a fence is not signaled by its
 * release. It goes into quarantine: its error becomes -EDEADLK, its memory is kept for ever, and a
 * report is made. A fence that was never waited for, called back from, exported or put into a
 * container is released in silence.
 *
 * Callbacks
 * =========
 * A callback runs once, after the fence has signaled, on the thread that signals it, in the order
 * in which callbacks were added, with no lock of the library held. The storage is the caller's;
 * nothing is allocated.
 *
 * Callbacks MAY
 * - call every function of the library that does not wait, on any fence, their own included:
 *   signal other fences, add and remove callbacks, get and put, even the last reference;
 * - free the memory of their own struct dma_fence_cb, or add it to another fence, unless somebody
 *   may be removing it at that time.
 *
 * Callbacks MUST NOT
 * - wait: no dma_fence_wait() or one of its family, no dma_fence_flush(), no
 *   dma_fence_rcu_synchronize() or dma_fence_rcu_barrier(). The waits for fences return -EDEADLK
 *   where they could not end because the callbacks of the fence run on this very thread;
 * - take long: the other callbacks, and everybody who waits for the fence, wait for them;
 * - take a lock that is held anywhere around a wait for the fence or around
 *   dma_fence_remove_callback() of that callback; nor remove, in two callbacks that run on two
 *   threads, each the other;
 * - call fork(), or leave by longjmp(), a C++ exception, pthread_exit() or cancellation.
 *
 * A fence that is signaled from inside a callback is signaled at once, for everybody to see; its
 * own callbacks run when the callback has returned, before the outermost dma_fence_signal() does.
 * So a million fences, each of which signals the next, need no more stack than two.
 *
 * Threads
 * =======
 * All functions may be called from any thread at any time, with a reference held, except where
 * they say otherwise. They are not async-signal-safe.
 *
 * fork()
 * ======
 * The child has copies of all fences, of their callbacks, and of the thread that forked. It may use
 * all of the library, and fences that it makes are like any others. Of those that it has copies of:
 *
 * - Nobody else signals them, and what the child does to them its parent does not see.
 * - Waits of threads that it does not have are forgotten. Callbacks that the program has added are
 *   called in the child, too, when it signals: so they must not be on the stack of such a thread.
 * - What such a thread was in the middle of nobody ends. A fence that it was just signaling may
 *   never be drained, and its callbacks not be called; one that it was removing a callback from,
 *   setting the error of, or explaining may stay locked, and so may a link of a chain that it was
 *   looking past, as all do who ask whether the chain has signaled. Of any of them
 *   dma_fence_test_signaled_flag() can be asked; to ask whether it is complete, wait, signal, add or
 *   remove callbacks or explain may not return. Who wants to do that in a child keeps other
 *   threads from doing so while it forks.
 */
#ifndef DMAFENCE_FENCE_H
#define DMAFENCE_FENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <dmafence/link.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

struct dma_fence;
struct dma_fence_cb;

/** The timeout of a wait that has none. */
#define DMA_FENCE_WAIT_FOREVER INT64_MAX

/** The latest time that a fence can carry: 18 years after boot, in nanoseconds. */
#define DMA_FENCE_TIMESTAMP_MAX ((INT64_C(1) << 59) - 1)

/**
 * dma_fence_func_t - a callback
 * @fence: has just signaled; valid until the callback returns, longer with a reference of its own
 * @cb: the storage that was passed to dma_fence_add_callback(), the callback's to reuse or free
 *
 * See "Callbacks" at the head of this file.
 */
typedef void (*dma_fence_func_t)(struct dma_fence *fence, struct dma_fence_cb *cb);

/**
 * struct dma_fence_cb - storage of a callback
 *
 * Embedded by the caller in what the callback needs to know. The fields are the library's. Needs
 * no initialisation, and belongs to the library from a dma_fence_add_callback() that returned 0
 * until the callback is called or dma_fence_remove_callback() has returned.
 */
struct dma_fence_cb {
	struct dma_fence_cb *next;
	struct dma_fence_cb *prev;
	dma_fence_func_t func;
} __attribute__((aligned(8)));

/**
 * struct dma_fence_ops - what a producer knows about its fences
 *
 * Every op may be NULL. None is called with a lock of the library held. All but @release are
 * called inside a read-side section (dmafence/rcu.h) and only while the fence is not signaled, so
 * that a driver can go away once it has signaled its fences: see there.
 */
struct dma_fence_ops {
	/**
	 * @get_driver_name: the name of the driver, for people. Must stay valid for as long as the
	 * fence is not signaled, and to the end of read-side sections begun by then.
	 */
	const char *(*get_driver_name)(struct dma_fence *fence);

	/** @get_timeline_name: the name of the context; otherwise as @get_driver_name */
	const char *(*get_timeline_name)(struct dma_fence *fence);

	/**
	 * @enable_signaling: somebody now waits: see to it that the fence will be signaled (switch
	 * an interrupt on, say)
	 *
	 * Called once at most, by the first thread that adds a callback or waits, before it does
	 * so; others may do so while it is still being called. Returns false if the work is done
	 * already: the library then signals the fence. May signal the fence itself. Without this
	 * op a fence is signaled without being asked.
	 */
	bool (*enable_signaling)(struct dma_fence *fence);

	/**
	 * @signaled: peeks whether the work is done, without waiting or signaling
	 *
	 * Called by dma_fence_is_signaled() and dma_fence_poll(), by many threads at once. Once it
	 * has returned true it must return true for ever.
	 */
	bool (*signaled)(struct dma_fence *fence);

	/**
	 * @release: the last reference has gone: free the fence
	 *
	 * Called by dma_fence_put(), on whatever thread that happens. Without this op the fence is
	 * freed by dma_fence_free(). A fence that is to be found by dma_fence_get_rcu() must not
	 * be freed before a grace period has ended, which dma_fence_free() sees to. May be called
	 * inside a read-side section, of whoever has dropped that reference: it does not wait for
	 * a grace period.
	 */
	void (*release)(struct dma_fence *fence);

	/**
	 * @set_deadline: somebody would like the fence to be signaled by then
	 *
	 * A hint, in nanoseconds of CLOCK_MONOTONIC; may come often and from any thread, the
	 * soonest is the one that counts.
	 */
	void (*set_deadline)(struct dma_fence *fence, int64_t deadline_ns);
};

/** Bits of the fence's state word; the library's. */
enum dma_fence_state {
	DMA_FENCE_STATE_SIGNALED = 1 << 0,
	DMA_FENCE_STATE_LOCKED = 1 << 1,
	DMA_FENCE_STATE_WAITERS = 1 << 2,
	/* From here on only once signaled: before, these bits are an address's. */
	DMA_FENCE_STATE_DRAINED = 1 << 3,
	DMA_FENCE_STATE_CONTENDED = 1 << 4,
};

/** Bits of the fence's flags; the library's. */
enum dma_fence_flags {
	DMA_FENCE_FLAG_HAS_ENABLE_SIGNALING = 1 << 0,
	DMA_FENCE_FLAG_HAS_SIGNALED = 1 << 1,
	DMA_FENCE_FLAG_HAS_SET_DEADLINE = 1 << 2,
	DMA_FENCE_FLAG_HAS_RELEASE = 1 << 3,
	DMA_FENCE_FLAG_ENABLED = 1 << 4,
	DMA_FENCE_FLAG_QUARANTINED = 1 << 5,
	DMA_FENCE_FLAG_ARRAY = 1 << 6,
	DMA_FENCE_FLAG_CHAIN = 1 << 7,
	DMA_FENCE_FLAG_MEMBERS_HAVE_ENABLE = 1 << 8,
	DMA_FENCE_FLAG_PREV_FOREIGN = 1 << 9,
	DMA_FENCE_FLAG_OUTSIDE = 1 << 10,
};

/** What 'published' of a fence says; the library's. */
enum dma_fence_published {
	DMA_FENCE_NOT_PUBLISHED,
	/* somebody may be waiting, or has waited */
	DMA_FENCE_PUBLISHED,
	/* as good as never: for who drops pending fences that are in containers alone */
	DMA_FENCE_NEVER_PUBLISHED,
};

/** struct dma_fence_delivery - the callbacks of a signaled fence; the library's */
struct dma_fence_delivery {
	struct dma_fence_cb *to_run;
	union {
		struct dma_fence_cb *running;
		struct dma_fence_run_link queued;
	} now;
};

/**
 * struct dma_fence - a fence
 *
 * Embedded by its producer. The fields are the library's, and are here so that it can be
 * embedded; only @context and @seqno are for everybody to read, and do not change.
 */
struct dma_fence {
	/* private: pending: the newest callback's address; signaled: the timestamp; and bits */
	uint64_t state __attribute__((aligned(8)));
	/* private: changes when a producer's context lets go of the fence */
	const struct dma_fence_ops *ops;
	union {
		/* private: from the signal until drained */
		struct dma_fence_delivery delivery;
		/* private: from dma_fence_free() on */
		struct dma_fence_rcu_link rcu;
	};
	/** @context: the timeline that the fence is on, by dma_fence_context_alloc() */
	uint64_t context;
	/** @seqno: its place on that timeline */
	uint64_t seqno;
	/* private: */
	uint16_t flags;
	uint8_t published;
	uint8_t unused;
	uint32_t refcount;
	int32_t error;
	uint32_t step;
};

#if defined(__x86_64__)
#ifdef __cplusplus
static_assert(sizeof(struct dma_fence) <= 64, "a fence is one cache line");
#else
_Static_assert(sizeof(struct dma_fence) <= 64, "a fence is one cache line");
#endif
#endif

/* Life */

/**
 * dma_fence_context_alloc - reserves timelines
 * @num: how many
 *
 * Returns the first of @num consecutive numbers that nothing else in this process has; they are
 * never given out again. 0 with errno EINVAL if @num is 0. (struct dma_fence_context, in
 * dmafence/context.h, does this and more for its producer.)
 */
uint64_t dma_fence_context_alloc(unsigned int num);

/**
 * dma_fence_init - makes a fence
 * @fence: storage of the caller's, aligned to 8 bytes
 * @ops: with a @release op the structure must outlive the fence; without one, the fence's signal
 *	and a grace period. NULL: the fence is freed by dma_fence_free() and has no names.
 * @context: timeline, by dma_fence_context_alloc()
 * @seqno: place on the timeline; each fence of a context has a greater one than those before
 *
 * The caller gets the first reference. Cannot fail.
 */
void dma_fence_init(struct dma_fence *fence, const struct dma_fence_ops *ops, uint64_t context,
		    uint64_t seqno);

/**
 * dma_fence_get - takes a reference
 * @fence: of which the caller has one already, or NULL
 *
 * Returns @fence. A get of a fence whose last reference is gone is reported, and if its memory has
 * not been freed yet, it is kept from then on.
 */
struct dma_fence *dma_fence_get(struct dma_fence *fence);

/**
 * dma_fence_get_rcu - takes a reference unless there are none left
 * @fence: found inside a read-side section that the caller is still in
 *
 * Returns @fence, or NULL if its last reference is gone. Only for fences that are freed after a
 * grace period: see struct dma_fence_ops, @release.
 */
struct dma_fence *dma_fence_get_rcu(struct dma_fence *fence);

/**
 * dma_fence_get_rcu_safe - takes a reference to the fence that a slot points to
 * @fencep: the slot; other threads may change it at any time, with release order or stronger
 *
 * The caller is inside a read-side section. Returns a fence that was in the slot at some time
 * during the call, or NULL if the slot was empty. Who drops the slot's reference changes the slot
 * first: while a fence without references is in it this looks again and again.
 */
struct dma_fence *dma_fence_get_rcu_safe(struct dma_fence **fencep);

/**
 * dma_fence_put - drops a reference
 * @fence: the caller's reference to it is gone after this; NULL does nothing
 *
 * The last put releases the fence: see struct dma_fence_ops, @release, and "Who holds what" at the
 * head of this file. A put too many is reported, and if the fence's memory has not been freed yet,
 * it is kept from then on.
 */
void dma_fence_put(struct dma_fence *fence);

/**
 * dma_fence_free - returns the memory of a fence to malloc(), after a grace period
 * @fence: at the start of a block from malloc(), without references
 *
 * For a release op that has other things to do first.
 */
void dma_fence_free(struct dma_fence *fence);

/* Signal */

/**
 * dma_fence_signal - the work is done
 * @fence: the producer's
 *
 * Sets the flag, with the time, and runs the callbacks. What the caller wrote before is visible to
 * whoever sees the flag. Does nothing if the fence is signaled already. Callbacks have returned
 * when this returns, unless it is called from a callback: then they run later on this thread.
 *
 * The caller must not hold a lock that callbacks or waiters may want.
 */
void dma_fence_signal(struct dma_fence *fence);

/**
 * dma_fence_check_and_signal - dma_fence_signal() that tells
 *
 * Returns true if the fence was signaled already, by somebody else. Of several threads that signal
 * a fence exactly one gets false.
 */
bool dma_fence_check_and_signal(struct dma_fence *fence);

/**
 * dma_fence_signal_timestamp - dma_fence_signal() with the time at which the work was done
 * @timestamp_ns: CLOCK_MONOTONIC. The fence carries times from 0 to DMA_FENCE_TIMESTAMP_MAX;
 *	one outside becomes the nearer of these.
 *
 * Does not read the clock.
 */
void dma_fence_signal_timestamp(struct dma_fence *fence, int64_t timestamp_ns);

/**
 * dma_fence_begin_delivery - from here on callbacks wait
 *
 * Between this and dma_fence_end_delivery() the thread signals fences, each at once, for everybody
 * to see, but their callbacks run only in the second. For who has to signal under a lock that
 * callbacks may want, or several fences in order.
 *
 * Other threads are not affected, but who waits for such a fence, or removes one of its callbacks,
 * may be waiting until the end: so nothing is waited for in between. (Waits for fences that this
 * thread has signaled return -EDEADLK, as in a callback.)
 *
 * Returns whether it has begun, which is to be passed to dma_fence_end_delivery(): false inside a
 * callback, or between two other such calls, for then the outer ones decide.
 */
bool dma_fence_begin_delivery(void);

/**
 * dma_fence_end_delivery - runs the callbacks that wait
 * @begun: what dma_fence_begin_delivery() has returned; with false this does nothing
 *
 * On the same thread. Runs them in the order in which the fences were signaled.
 */
void dma_fence_end_delivery(bool begun);

/**
 * dma_fence_set_error - the work has failed
 * @error: a negative errno; the last one set before the signal is the one that counts
 *
 * To be called by the producer before it signals. Returns 0, -EINVAL if @error is not an errno,
 * -EALREADY if the fence has signaled, or is in quarantine: its error stays what it was.
 */
int dma_fence_set_error(struct dma_fence *fence, int error);

/* Ask */

/**
 * dma_fence_test_signaled_flag - whether the fence is signaled; one load
 *
 * Acquire order: if true, what the producer did before it signaled is visible, and the error and
 * timestamp are final. Callbacks may still run.
 */
static inline bool dma_fence_test_signaled_flag(const struct dma_fence *fence)
{
	return __atomic_load_n(&fence->state, __ATOMIC_ACQUIRE) & DMA_FENCE_STATE_SIGNALED;
}

/** dma_fence_ask_backend - the part of dma_fence_is_signaled() that calls ops->signaled */
bool dma_fence_ask_backend(struct dma_fence *fence);

/**
 * dma_fence_is_signaled - whether the work is done: signaled, or complete
 *
 * Asks and changes nothing: signals no fence and runs no callback. If it is true because the back
 * end says so, the fence has no timestamp yet, and whether there was an error is not known:
 * dma_fence_poll() changes that.
 */
static inline bool dma_fence_is_signaled(struct dma_fence *fence)
{
	if (dma_fence_test_signaled_flag(fence))
		return true;
	if (!(__atomic_load_n(&fence->flags, __ATOMIC_RELAXED) & DMA_FENCE_FLAG_HAS_SIGNALED))
		return false;
	return dma_fence_ask_backend(fence);
}

/**
 * dma_fence_poll - asks the back end, and signals the fence if it is complete
 *
 * Returns whether the fence is signaled. May run its callbacks, on this thread.
 */
bool dma_fence_poll(struct dma_fence *fence);

/**
 * dma_fence_flush - waits until no callback of a signaled fence runs any more
 *
 * Returns 0 when the fence is drained, which is when this thread sees all that callbacks did;
 * -EAGAIN, at once, if the fence is not signaled; -EDEADLK if it is this thread that runs the
 * callbacks: it was called from inside one.
 */
int dma_fence_flush(struct dma_fence *fence);

/**
 * dma_fence_get_status - how the work ended
 *
 * Polls first. Returns 0 if the fence is pending, 1 if it was signaled, or its error if it was
 * signaled with one.
 */
int dma_fence_get_status(struct dma_fence *fence);

/**
 * dma_fence_timestamp - when the work ended
 *
 * Polls first. Returns nanoseconds of CLOCK_MONOTONIC, or -EAGAIN if the fence is pending.
 */
int64_t dma_fence_timestamp(struct dma_fence *fence);

/* Be called */

/**
 * dma_fence_add_callback - asks to be called when the fence has signaled
 * @fence: the caller's reference may be dropped afterwards: somebody signals the fence and holds
 *	one until the callback has returned
 * @cb: storage, see struct dma_fence_cb
 * @func: what is called
 *
 * Enables signaling. Returns 0; -ENOENT if the fence is signaled already, and @func is not called;
 * -EINVAL if an argument is NULL or @cb is not aligned to 8 bytes. If the back end says only now
 * that the work is done, the fence gets signaled here, and other callbacks run on this thread.
 */
int dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb, dma_fence_func_t func);

/**
 * dma_fence_remove_callback - asks not to be called any more
 * @fence: the fence that @cb was passed to dma_fence_add_callback() with, if that returned 0 or
 *	-ENOENT
 * @cb: nobody else removes it at the same time
 *
 * Returns true if the callback has not run and never will. Returns false if it has run and has
 * returned, or was not added: either way the storage is the caller's again, to free it at once.
 * Waits for the callback if it is running on another thread, and for no other callback. Called
 * from inside that very callback it returns false: the callback is running.
 */
bool dma_fence_remove_callback(struct dma_fence *fence, struct dma_fence_cb *cb);

/**
 * dma_fence_enable_signaling - tells the producer that somebody waits
 *
 * For who will ask later but does neither wait nor add a callback now. Signals the fence if the
 * back end says that the work is done.
 */
void dma_fence_enable_signaling(struct dma_fence *fence);

/* Wait */

/**
 * dma_fence_wait_timeout - waits until the fence is drained
 * @intr: whether a signal handler ends the wait. One that runs before the thread sleeps does not.
 * @timeout_ns: how long at most; DMA_FENCE_WAIT_FOREVER. With 0 it asks, and does not wait, but
 *	enables signaling all the same.
 *
 * Returns the time that was left, at least 1, and DMA_FENCE_WAIT_FOREVER if there was no limit; 0
 * when the time is over; -EINTR; -EINVAL if @timeout_ns is negative; -EDEADLK if it was called
 * from a callback and can only end after that callback has returned. Success says that the work
 * has ended, not that it went well: see dma_fence_get_status().
 *
 * Spins for a moment, then sleeps.
 */
int64_t dma_fence_wait_timeout(struct dma_fence *fence, bool intr, int64_t timeout_ns);

/** dma_fence_wait - dma_fence_wait_timeout() without a limit: returns 0, -EINTR or -EDEADLK */
int dma_fence_wait(struct dma_fence *fence, bool intr);

/**
 * dma_fence_wait_any_timeout - waits until one of several fences is drained
 * @fences: the same fence may be there more than once
 * @count: how many, at least 1
 * @intr: as for dma_fence_wait_timeout()
 * @timeout_ns: as for dma_fence_wait_timeout()
 * @idx: NULL, or where the index of that fence is stored, on success only. If several are drained
 *	when it looks through the list, it is the first of them.
 *
 * When one is signaled, this waits for the callbacks of that one; what another does meanwhile
 * counts when the time is over.
 *
 * Returns as dma_fence_wait_timeout(); -EINVAL also if a pointer is NULL or @count 0; -ENOMEM. A
 * wait for many fences allocates, 32 bytes a fence; one for up to 16, one that ends at once, and
 * one with a @timeout_ns of 0 do not.
 */
int64_t dma_fence_wait_any_timeout(struct dma_fence **fences, uint32_t count, bool intr,
				   int64_t timeout_ns, uint32_t *idx);

/**
 * dma_fence_wait_all_timeout - waits until all of several fences are drained
 * @fences: the same fence may be there more than once
 * @count: how many, at least 1
 * @intr: as for dma_fence_wait_timeout()
 * @timeout_ns: for all of them together
 * @idx: NULL, or where the index of the first fence that is not drained is stored when the wait
 *	did not succeed: the one to blame
 *
 * Enables signaling on all fences before it waits. Returns as dma_fence_wait_timeout(); -EINVAL
 * also if a pointer is NULL or @count 0, with @idx left alone. Does not allocate.
 */
int64_t dma_fence_wait_all_timeout(struct dma_fence **fences, uint32_t count, bool intr,
				   int64_t timeout_ns, uint32_t *idx);

/* Hint, compare, describe */

/**
 * dma_fence_set_deadline - says by when one would like the fence to be signaled
 * @deadline_ns: CLOCK_MONOTONIC
 *
 * A hint to the producer (the next vertical blank, say), who may ignore it.
 */
void dma_fence_set_deadline(struct dma_fence *fence, int64_t deadline_ns);

/**
 * dma_fence_is_later - which of two fences of one context comes later
 *
 * Returns true if @f1 comes after @f2; false, too, if they are of different contexts. Sequence
 * numbers may wrap around at 64 bits: what is less than 2^63 ahead is later.
 */
static inline bool dma_fence_is_later(const struct dma_fence *f1, const struct dma_fence *f2)
{
	return f1->context == f2->context && (int64_t)(f1->seqno - f2->seqno) > 0;
}

/** dma_fence_is_later_or_same - as dma_fence_is_later(), or the very same fence */
static inline bool dma_fence_is_later_or_same(const struct dma_fence *f1,
					      const struct dma_fence *f2)
{
	return f1 == f2 || dma_fence_is_later(f1, f2);
}

/**
 * dma_fence_later - the later of two fences of one context, if it is still to come
 *
 * Returns the later one, without taking a reference, or NULL if that is signaled or complete, for
 * then so is the other. NULL with errno EINVAL if they are of different contexts.
 */
struct dma_fence *dma_fence_later(struct dma_fence *f1, struct dma_fence *f2);

/**
 * dma_fence_driver_name - the name of the fence's driver
 *
 * The caller is inside a read-side section, and the name is valid until that ends. Of a signaled
 * fence the driver may be gone: "detached-driver".
 */
const char *dma_fence_driver_name(struct dma_fence *fence);

/** dma_fence_timeline_name - the name of the fence's context, or "signaled-timeline" */
const char *dma_fence_timeline_name(struct dma_fence *fence);

/**
 * dma_fence_describe - writes one line about a fence
 * @fence: need not be signaled, and is not polled
 * @out: where to; written to once, without a newline at the end
 *
 * "driver timeline context:seqno pending", or "signaled" with the timestamp, or the error.
 */
void dma_fence_describe(struct dma_fence *fence, FILE *out);

/* Containers: fences that others signal (dmafence/array.h, dmafence/chain.h) */

/** dma_fence_is_array - whether it is the fence of a struct dma_fence_array */
static inline bool dma_fence_is_array(const struct dma_fence *fence)
{
	return __atomic_load_n(&fence->flags, __ATOMIC_RELAXED) & DMA_FENCE_FLAG_ARRAY;
}

/** dma_fence_is_chain - whether it is the fence of a struct dma_fence_chain */
static inline bool dma_fence_is_chain(const struct dma_fence *fence)
{
	return __atomic_load_n(&fence->flags, __ATOMIC_RELAXED) & DMA_FENCE_FLAG_CHAIN;
}

/** dma_fence_is_container - whether it is one of the two */
static inline bool dma_fence_is_container(const struct dma_fence *fence)
{
	return __atomic_load_n(&fence->flags, __ATOMIC_RELAXED) &
	       (DMA_FENCE_FLAG_ARRAY | DMA_FENCE_FLAG_CHAIN);
}

/* Fences that are signaled from the start */

/**
 * dma_fence_get_stub - a fence that is signaled
 *
 * Returns a reference to the one that everybody shares, for where a fence is wanted and there is
 * nothing to wait for. Without error, at time 0. Cannot fail.
 */
struct dma_fence *dma_fence_get_stub(void);

/**
 * dma_fence_allocate_private_stub - a signaled fence of one's own
 * @timestamp_ns: when, as for dma_fence_signal_timestamp()
 *
 * Returns the only reference, or NULL with errno ENOMEM.
 */
struct dma_fence *dma_fence_allocate_private_stub(int64_t timestamp_ns);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
