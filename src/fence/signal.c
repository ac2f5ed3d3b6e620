/* SPDX-License-Identifier: MIT */
/* Signaling a fence, and its callbacks. The state word and its rules are in state.h. */
#include <errno.h>
#include <inttypes.h>

#include <dmafence/rcu.h>

#include "base/clock.h"
#include "base/fork-mutants.h"
#include "base/hooks.h"
#include "base/park.h"
#include "base/probe.h"
#include "base/report.h"
#include "base/run-queue.h"
#include "fence/container.h"
#include "fence/listed.h"
#include "fence/look.h"

static void wake(struct dma_fence *fence)
{
	dma_fence_park_wake(park_low_half(&fence->state));
}

/* Sleeps while the word is 'state', which has the bit by which the sleeper is woken. */
static void sleep_on(struct dma_fence *fence, uint64_t state)
{
	dma_fence_park_wait(park_low_half(&fence->state), (uint32_t)state, CLOCK_NEVER);
}

/*
 * Waits for whoever holds the lock. Returns the word as it is afterwards. Who wants the lock of a
 * pending fence only waits no longer once it is signaled: then a callback may be running under it.
 */
static uint64_t wait_unlocked(struct dma_fence *fence, bool pending_only)
{
	const uint64_t over = pending_only && !MUTANT(REFUSED_LATE) ? SIGNALED : 0;
	uint64_t state, bit;
	uint32_t turns = 0;

	do {
		state = atomic_load_acquire(&fence->state);
		if (!(state & LOCKED) || state & over)
			return state;
	} while (spin_briefly(&turns));
	while (state & LOCKED && !(state & over)) {
		bit = state & SIGNALED ? CONTENDED : WAITERS;
		if (state & bit || atomic_cas_acquire(&fence->state, &state, state | bit))
			sleep_on(fence, state | bit);
		state = atomic_load_acquire(&fence->state);
	}
	return state;
}

uint64_t dma_fence_lock_state(struct dma_fence *fence, bool pending_only)
{
	uint64_t state = atomic_load_acquire(&fence->state);

	for (;;) {
		if (state & SIGNALED && (pending_only || state & DRAINED))
			return state;
		if (state & LOCKED)
			state = wait_unlocked(fence, pending_only);
		else if (atomic_cas_acquire(&fence->state, &state, state | LOCKED))
			return state | LOCKED;
	}
}

void dma_fence_unlock_pending(struct dma_fence *fence, const struct dma_fence_cb *newest)
{
	uint64_t state = atomic_load_relaxed(&fence->state), keep = WAITERS;

	if (newest == state_callbacks(state))
		keep |= ALONE;
	/* Only WAITERS can change under us. */
	while (!atomic_cas_release(&fence->state, &state,
				   state_of_callbacks(newest) | (state & keep)))
		;
	if (state & WAITERS)
		wake(fence);
}

static void unlock_signaled(struct dma_fence *fence)
{
	if (unlikely(atomic_fetch_sub_release(&fence->state, LOCKED) & CONTENDED))
		wake(fence);
}

/* Delivery */

/* Turns a list that hangs on the word, newest first, into one to run, oldest first. */
static struct dma_fence_cb *oldest_first(struct dma_fence_cb *cb)
{
	struct dma_fence_cb *list = NULL, *next;

	if (MUTANT(NEWEST_FIRST))
		return cb;
	for (; cb; cb = next) {
		next = cb->next;
		cb->next = list;
		cb->prev = NULL;
		if (list)
			list->prev = cb;
		list = cb;
	}
	return list;
}

/* A callback that has been taken out of the list, to be run. It stays marked after it has run. */
static bool cb_taken(const struct dma_fence_cb *cb)
{
	return cb->next == cb;
}

/*
 * The runner's step from one callback to the next, or to the end, under the lock. Removers that
 * sleep until the callback has returned are woken, and they alone set CONTENDED without waiting
 * for the lock: so it is only here that it is cleared.
 */
static void step(struct dma_fence *fence)
{
	atomic_store_release(&fence->step, fence->step + 1);
	if (unlikely(atomic_load_relaxed(&fence->state) & CONTENDED)) {
		atomic_fetch_and_release(&fence->state, ~CONTENDED);
		dma_fence_park_wake(&fence->step);
		wake(fence);
	}
}

/* Under the lock. */
static void take(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_fence_cb *next = cb->next;

	fence->delivery.to_run = next;
	fence->delivery.now.running = cb;
	if (next)
		next->prev = NULL;
	cb->next = cb;
}

static __attribute__((noinline, cold)) void call_watched(struct dma_fence *fence,
							 struct dma_fence_cb *cb)
{
	hook(callback, fence, cb);
	cb->func(fence, cb);
	hook(callback_end);
}

static probed_inline void call(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	probe(callback, fence, cb->func);
	if (unlikely(atomic_load_relaxed(&dma_fence_hooks)))
		call_watched(fence, cb);
	else
		cb->func(fence, cb);
}

/*
 * Runs the callbacks and makes the fence drained. The caller holds the lock, and a reference.
 *
 * The lock is not held while a callback runs, so that others can be taken out of the list; but if
 * there is only the one there is nobody to let in: whoever wants the lock then wants this very
 * callback, and has to wait until it has returned anyway. That saves the common case two atomic
 * operations.
 *
 * Once it is called the callback's storage is not touched again, and once it is drained neither is
 * the fence, whose address alone is needed for waking.
 */
static void deliver(struct dma_fence *fence, struct run_queue *queue)
{
	struct dma_fence_cb *cb = fence->delivery.to_run;
	uint64_t state;

	queue->current = fence;
	if (cb && !cb->next) {
		take(fence, cb);
		queue->current_locked = true;
		call(fence, cb);
		queue->current_locked = false;
	} else {
		while (cb) {
			take(fence, cb);
			if (!MUTANT(LOCK_KEPT))
				unlock_signaled(fence);
			call(fence, cb);
			if (!MUTANT(LOCK_KEPT))
				dma_fence_lock_state(fence, false);
			step(fence);
			cb = fence->delivery.to_run;
		}
	}
	queue->current = NULL;

	state = atomic_load_relaxed(&fence->state);
	state = (state & ~(LOCKED | WAITERS | CONTENDED)) | DRAINED;
	if (atomic_exchange_acq_rel(&fence->state, state) & (WAITERS | CONTENDED))
		wake(fence);
}

static void run_all(struct run_queue *queue)
{
	struct dma_fence_run_link *entry;

	while ((entry = run_queue_pop(queue))) {
		struct dma_fence *fence = fence_of_queued(entry);

		dma_fence_lock_state(fence, false);
		deliver(fence, queue);
		if (!MUTANT(QUEUED_WITHOUT_REFERENCE))
			dma_fence_put(fence);
	}
}

bool dma_fence_begin_delivery(void)
{
	struct run_queue *queue = run_queue_of_thread();

	if (run_queue_active(queue))
		return false;
	run_queue_begin(queue);
	return true;
}

void dma_fence_end_delivery(bool begun)
{
	struct run_queue *queue = run_queue_of_thread();

	if (!begun)
		return;
	run_all(queue);
	run_queue_end(queue);
}

bool dma_fence_delivered_here(const struct dma_fence *fence)
{
	const struct run_queue *queue = run_queue_of_thread();
	struct dma_fence_run_link *entry;

	if (!run_queue_active(queue))
		return false;
	if (queue->current == fence)
		return true;
	for (entry = queue->head; entry; entry = entry->next) {
		if (fence_of_queued(entry) == fence)
			return true;
	}
	return false;
}

/* The callback of a container, which was the only one. The fence is drained, and may be gone. */
static void call_container(struct dma_fence *fence, struct dma_fence_cb *cb,
			   struct run_queue *queue)
{
	run_queue_begin(queue);
	call(fence, cb);
	run_all(queue);
	run_queue_end(queue);
}

/* The winner has the lock; 'newest' is the list it took from the word. */
static inline __attribute__((always_inline)) void deliver_or_queue(struct dma_fence *fence,
								   struct dma_fence_cb *newest)
{
	struct run_queue *queue = run_queue_of_thread();

	fence->delivery.to_run = oldest_first(newest);
	if (MUTANT(DEEP_RECURSION) && run_queue_active(queue)) {
		deliver(fence, queue);
		return;
	}
	if (run_queue_active(queue)) {
		if (!MUTANT(QUEUED_WITHOUT_REFERENCE))
			dma_fence_get(fence);
		run_queue_push(queue, &fence->delivery.now.queued);
		unlock_signaled(fence);
		return;
	}
	run_queue_begin(queue);
	deliver(fence, queue);
	run_all(queue);
	run_queue_end(queue);
}

/* Signal */

/*
 * What follows once the word is no longer 'state'. Then the fence may be gone. Inlined, with what it
 * calls, for the sake of the one path of the two that is taken.
 */
static inline __attribute__((always_inline)) void finish(struct dma_fence *fence, uint64_t state,
							 uint64_t alone, struct run_queue *queue)
{
	struct dma_fence_cb *newest = state_callbacks(state);

	if (newest && !(state & alone)) {
		deliver_or_queue(fence, newest);
		return;
	}
	if (unlikely(state & WAITERS) && !MUTANT(SIGNAL_WAKES_NOBODY))
		wake(fence);
	if (newest)
		call_container(fence, newest, queue);
}

/* One in quarantine is there for ever. Reported without its lock: a handler may ask it everything. */
static __attribute__((noinline, cold)) void finish_late(struct dma_fence *fence, uint64_t state,
							uint64_t alone, struct run_queue *queue)
{
	finish(fence, state, alone, queue);
	dma_fence_report(DMA_FENCE_REPORT_LATE_SIGNAL, fence,
			 "fence %" PRIu64 ":%" PRIu64 " is signaled now, after its last reference "
			 "was dropped: its producer is alive, and a dma_fence_put() came too many",
			 fence->context, fence->seqno);
}

/* As soon as it is signaled, by whatever way. */
#define probe_signal(fence) probe(signal, fence, (fence)->context, (fence)->seqno, (fence)->error)

bool dma_fence_signal_state(struct dma_fence *fence, uint64_t signaled, int error)
{
	struct run_queue *queue = run_queue_of_thread();
	/* From inside a callback the container's one waits its turn, like all others. */
	const uint64_t alone = run_queue_active(queue) ? 0 : ALONE;
	uint64_t state = atomic_load_acquire(&fence->state), next;
	uint64_t lock = 0; /* LOCKED if we hold it */
	struct dma_fence_cb *newest;

	if (unlikely(error != KEEP_ERROR)) {
		state = dma_fence_lock_state(fence, true);
		if (state & SIGNALED)
			return false;
		lock = LOCKED;
		if (!(atomic_load_relaxed(&fence->flags) & DMA_FENCE_FLAG_QUARANTINED))
			atomic_store_relaxed(&fence->error, error);
	}
	for (;;) {
		if (state & SIGNALED)
			return false;
		if (unlikely((state & LOCKED) != lock)) {
			state = wait_unlocked(fence, true);
			continue;
		}
		newest = state_callbacks(state);
		if (newest && !(state & alone))
			next = signaled | LOCKED | (state & WAITERS);
		else
			next = signaled | DRAINED;
		if (MUTANT(DRAINED_EARLY))
			next |= DRAINED;
		if (likely(atomic_cas_acq_rel(&fence->state, &state, next)))
			break;
	}

	/* Whoever waits for our lock must not wait for the callbacks. */
	if (unlikely(lock && state & WAITERS))
		wake(fence);
	probe_signal(fence);
	hook(signal, fence);
	if (unlikely(atomic_load_relaxed(&fence->flags) & DMA_FENCE_FLAG_QUARANTINED))
		finish_late(fence, state, alone, queue);
	else
		finish(fence, state, alone, queue);
	return true;
}

/*
 * The members of a container are signaled with nobody else waiting. What follows is
 * dma_fence_signal_state() for that, without what it does not need.
 */
static __attribute__((noinline)) bool signal_member(struct dma_fence *fence, uint64_t signaled)
{
	const uint64_t others = SIGNALED | LOCKED | WAITERS;
	struct run_queue *queue = run_queue_of_thread();
	uint64_t state = atomic_load_relaxed(&fence->state);

	if (likely(state & ALONE && !(state & others) && !run_queue_active(queue) &&
		   !atomic_load_relaxed(&dma_fence_hooks) &&
		   atomic_cas_acq_rel(&fence->state, &state, signaled | DRAINED))) {
		probe_signal(fence);
		call_container(fence, state_callbacks(state), queue);
		return true;
	}
	return dma_fence_signal_state(fence, signaled, KEEP_ERROR);
}

/*
 * Most fences are signaled with nobody waiting and nobody watching: then it is one compare-and-
 * swap, and all that makes dma_fence_signal_state() long is kept out of its way.
 */
static probed_inline bool signal_fence(struct dma_fence *fence, uint64_t signaled)
{
	uint64_t nobody = 0;

	if (likely(!atomic_load_relaxed(&dma_fence_hooks) && !atomic_load_relaxed(&fence->state) &&
		   atomic_cas_acq_rel(&fence->state, &nobody, signaled | DRAINED))) {
		probe_signal(fence);
		return true;
	}
	return signal_member(fence, signaled);
}

/*
 * The clock is read before the fence is looked at: with a waiter spinning on it, a look misses the
 * cache, the clock waits for that, and by then the waiter has the line again.
 */
bool dma_fence_check_and_signal(struct dma_fence *fence)
{
	return !signal_fence(fence, state_of_timestamp(clock_now()));
}

void dma_fence_signal(struct dma_fence *fence)
{
	signal_fence(fence, state_of_timestamp(clock_now()));
}

void dma_fence_signal_timestamp(struct dma_fence *fence, int64_t timestamp_ns)
{
	signal_fence(fence, state_of_timestamp(timestamp_ns));
}

/* Callbacks */

static inline int add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
			       dma_fence_func_t func, uint64_t alone)
{
	const uint64_t added = MUTANT(ADD_LOSES_WAITERS) ? 0 : WAITERS;
	uint64_t state;
	int ret = 0;

	cb->func = func;
	cb->prev = NULL;
	state = atomic_load_acquire(&fence->state);
	for (;;) {
		if (state & SIGNALED) {
			cb->func = NULL;
			ret = -ENOENT;
			break;
		}
		if (unlikely(state & LOCKED)) {
			state = wait_unlocked(fence, true);
			continue;
		}
		cb->next = state_callbacks(state);
		if (likely(atomic_cas_acq_rel(&fence->state, &state,
					      state_of_callbacks(cb) | (state & added) |
						      (cb->next ? 0 : alone))))
			break;
	}

	hook(add_callback, fence, cb, func, ret);
	return ret;
}

int dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb, dma_fence_func_t func)
{
	if (unlikely(!fence || !cb || !func || (uintptr_t)cb & PENDING_BITS))
		return -EINVAL;
	fence_enable(fence);
	return add_callback(fence, cb, func, 0);
}

int dma_fence_add_container_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
				     dma_fence_func_t func, bool enable)
{
	const bool watched = atomic_load_relaxed(&dma_fence_hooks);
	int ret;

	/* Once it is added the container may be done, and let go of the fence. */
	if (unlikely(watched))
		dma_fence_get(fence);
	if (enable)
		fence_enable(fence);
	ret = add_callback(fence, cb, func, ALONE);
	if (unlikely(watched))
		dma_fence_put(fence);
	return ret;
}

/*
 * Adding a callback sets only its 'next', because the neighbour may be gone by then. The lock's
 * holder makes up for it: from the newest on, until a 'prev' that is set, from where on all are.
 * Each callback is passed at most once, so that taking one out costs O(1) on average.
 */
static void set_prev(struct dma_fence_cb *newest)
{
	struct dma_fence_cb *cb;

	for (cb = newest; cb && cb->next && !cb->next->prev; cb = cb->next)
		cb->next->prev = cb;
}

/* Takes a callback out of the list that begins with 'head', whose 'prev' is NULL. */
static struct dma_fence_cb *unlink_from(struct dma_fence_cb *head, struct dma_fence_cb *cb)
{
	if (cb->next)
		cb->next->prev = cb->prev;
	if (cb->prev)
		cb->prev->next = cb->next;
	else
		head = cb->next;
	cb->func = NULL;
	return head;
}

/* Under the lock, which is released. */
static bool remove_pending(struct dma_fence *fence, uint64_t state, struct dma_fence_cb *cb)
{
	struct dma_fence_cb *newest = state_callbacks(state);
	bool listed = !cb_taken(cb);

	if (listed) {
		set_prev(newest);
		newest = unlink_from(newest, cb);
		if (!newest && !MUTANT(REMOVAL_UNPUBLISHES))
			fence_publish(fence);
	}
	dma_fence_unlock_pending(fence, newest);
	return listed;
}

/* Under the lock, which is released. */
static bool remove_signaled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	bool ours = run_queue_of_thread()->current == fence;
	uint64_t state;
	uint32_t now;

	if (!cb_taken(cb)) {
		fence->delivery.to_run = unlink_from(fence->delivery.to_run, cb);
		unlock_signaled(fence);
		return true;
	}

	if (fence->delivery.now.running != cb || ours) {
		unlock_signaled(fence);
		return false;
	}

	/* Gives the lock back, and sleeps until the runner takes its next step. */
	now = atomic_load_relaxed(&fence->step);
	state = atomic_load_relaxed(&fence->state);
	while (!atomic_cas_release(&fence->state, &state, (state & ~LOCKED) | CONTENDED))
		;
	if (state & CONTENDED)
		wake(fence);
	while (atomic_load_acquire(&fence->step) == now)
		dma_fence_park_wait(&fence->step, now, CLOCK_NEVER);
	return false;
}

static bool remove_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	const struct run_queue *queue = run_queue_of_thread();
	uint64_t state;

	/* Refused by dma_fence_add_callback(), or removed before. */
	if (!cb->func)
		return false;
	/* Called from the only callback of the fence, under the lock that deliver() has kept. */
	if (queue->current == fence && queue->current_locked)
		return false;

	if (MUTANT(CB_AFTER_REMOVE) && dma_fence_test_signaled_flag(fence))
		return false;
	state = dma_fence_lock_state(fence, false);
	if (state_drained(state))
		return false;
	if (state & SIGNALED)
		return remove_signaled(fence, cb);
	return remove_pending(fence, state, cb);
}

bool dma_fence_remove_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	bool removed = remove_callback(fence, cb);

	hook(remove_callback, fence, cb, removed);
	return removed;
}

/* fork() */

/*
 * What is left of a list. Without those, too, that a thread was just taking out: who has the lock
 * changes the list by one store to a 'next', or the word, so that it is whole at any time. Only
 * 'prev' may not be, and is set anew.
 */
static struct dma_fence_cb *without(struct dma_fence_cb *cb, dma_fence_func_t func)
{
	struct dma_fence_cb *first = NULL, **end = &first, *last = NULL;

	for (; cb; cb = cb->next) {
		if (!cb->func || cb->func == func)
			continue;
		cb->prev = last;
		last = cb;
		*end = cb;
		end = &cb->next;
	}
	*end = NULL;
	return first;
}

/* What whoever delivered under the lock has left is not known, and nobody will look at it. */
void dma_fence_forget_callbacks(struct dma_fence *fence, dma_fence_func_t func)
{
	uint64_t state = atomic_load_relaxed(&fence->state);

	if (!(state & SIGNALED) && !(state & LOCKED && MUTANT(CHILD_KEEPS_LOCKS)))
		dma_fence_unlock_pending(fence, without(state_callbacks(state), func));
	else if (state & SIGNALED && !(state & (LOCKED | DRAINED)))
		fence->delivery.to_run = without(fence->delivery.to_run, func);
}

/* Looking on */

/*
 * Whether the lock is ours. Of a pending fence nobody keeps it for long, of a signaled one somebody
 * may for as long as a callback runs, even this very thread.
 */
static bool lock_to_look(struct dma_fence *fence, uint64_t *locked)
{
	uint64_t state = dma_fence_lock_state(fence, true);
	uint32_t turns = 0;

	*locked = state;
	if (!(state & SIGNALED))
		return true;
	do {
		*locked = state | LOCKED;
		if (!(state & (LOCKED | DRAINED)) &&
		    atomic_cas_acquire(&fence->state, &state, *locked))
			return true;
		state = atomic_load_acquire(&fence->state);
	} while (!(state & DRAINED) && spin_briefly(&turns));
	return false;
}

bool dma_fence_visit_callbacks(struct dma_fence *fence,
			       bool (*visit)(const struct dma_fence_cb *cb, void *arg), void *arg)
{
	const struct dma_fence_cb *cb;
	uint64_t state;

	if (!lock_to_look(fence, &state))
		return state_drained(atomic_load_acquire(&fence->state));
	cb = state & SIGNALED ? fence->delivery.to_run : state_callbacks(state);
	while (cb && visit(cb, arg))
		cb = cb->next;
	if (state & SIGNALED)
		unlock_signaled(fence);
	else
		dma_fence_unlock_pending(fence, state_callbacks(state));
	return true;
}
