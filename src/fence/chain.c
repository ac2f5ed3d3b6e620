/* SPDX-License-Identifier: MIT */
/*
 * The chain.
 *
 * A link's own work is done, or pending; and what is before it is done, or pending. The link signals
 * when both are done. While it is pending, 'prev' and 'skip' change only under the lock in its state
 * word, and what they point to is held by a reference each. Once it has signaled 'prev' does not
 * change any more, and 'skip' becomes NULL.
 *
 * Taking links out. A link whose own work is done can be taken out of the way of the one after it:
 * what is before it takes its place. What was before is read first; so if somebody takes links out
 * there meanwhile they are still in the way that was read. Timestamps of what is taken out are kept
 * as a maximum, so that one that is counted twice does no harm.
 *
 * Errors. A link whose own work has failed stays, so that it is found; unless one before it has
 * failed as well, for then that one says it all. So when all before a link is done, what is left is
 * nothing, or the earliest that failed, with nothing before it. settle() brings that about. It takes
 * at least one link out in each turn, and to see which it looks at two.
 *
 * Depth. Signaling and releasing go through the queues of the thread (base/run-queue.h), and to
 * enable a link enables no other.
 *
 * Readers without references. dma_fence_chain_find_seqno() goes back in a read-side section. A link
 * that is freed meanwhile stays in memory, with 'prev' and 'skip' as they were; and so does what
 * they point to, because that was held when the section began. Only links are looked at on the way:
 * fences of others need not be freed after a grace period.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <dmafence/chain.h>
#include <dmafence/rcu.h>

#include "base/report.h"
#include "fence/container.h"
#include "fence/outcome.h"

/* One link in so many has a 'skip'. */
#define SKIP_STRIDE 8

static struct dma_fence_chain *chain_of(struct dma_fence *fence)
{
	return (struct dma_fence_chain *)(void *)fence;
}

static const char *chain_driver_name(struct dma_fence *fence)
{
	(void)fence;
	return "dma_fence_chain";
}

static const char *chain_timeline_name(struct dma_fence *fence)
{
	(void)fence;
	return "unbound";
}

/* Links */

/* Locks a link that is pending. False if it is not: then it does not change any more. */
static bool lock_pending(struct dma_fence_chain *chain, uint64_t *state)
{
	*state = dma_fence_lock_state(&chain->base, true);
	return !(*state & SIGNALED);
}

static void unlock(struct dma_fence_chain *chain, uint64_t state)
{
	dma_fence_unlock_pending(&chain->base, state_callbacks(state));
}

/* What is before a link, with a reference. */
static struct dma_fence *get_prev(struct dma_fence_chain *chain)
{
	struct dma_fence *prev;
	uint64_t state;
	bool pending;

	if (!atomic_load_acquire(&chain->prev))
		return NULL; /* and nothing will be */
	pending = lock_pending(chain, &state);
	prev = dma_fence_get(chain->prev);
	if (pending)
		unlock(chain, state);
	return prev;
}

static bool foreign(const struct dma_fence_chain *chain, const struct dma_fence *prev)
{
	return prev && (!dma_fence_is_chain(prev) || prev->context != chain->base.context);
}

enum condition {
	PENDING,
	SUCCEEDED,
	FAILED,
};

/* What has to be done for a link, besides what is before it; the fence itself if it is no link. */
static struct dma_fence *own_work(struct dma_fence *link)
{
	return dma_fence_test_signaled_flag(link) ? link : dma_fence_chain_contained(link);
}

static enum condition condition_of(struct dma_fence *link)
{
	struct dma_fence *work = own_work(link);

	if (!dma_fence_poll(work))
		return PENDING;
	return fence_error(work) && !MUTANT(CHAIN_LOSES_ERROR) ? FAILED : SUCCEEDED;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Of a link whose own work is done: when, with what has been taken out behind it. */
static int64_t timestamp_of(struct dma_fence *link)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(link);
	int64_t timestamp = fence_timestamp(own_work(link));

	return chain ? later(timestamp, atomic_load_relaxed(&chain->timestamp)) : timestamp;
}

/*
 * Puts 'next', with a reference, in the place of 'first', and what has been taken out with it. Returns
 * whether 'first' is not, or no longer, before 'chain'.
 */
static bool replace_prev(struct dma_fence_chain *chain, struct dma_fence *first,
			 struct dma_fence *next, int64_t timestamp)
{
	bool gone = true, replaced = false;
	uint64_t state;

	if (lock_pending(chain, &state)) {
		replaced = chain->prev == first;
		if (replaced) {
			if (timestamp > chain->timestamp && !MUTANT(CHAIN_LOSES_TIMESTAMP))
				atomic_store_relaxed(&chain->timestamp, timestamp);
			if (foreign(chain, next))
				fence_set_flags(&chain->base, DMA_FENCE_FLAG_PREV_FOREIGN);
			atomic_store_release(&chain->prev, next);
		}
		unlock(chain, state);
	} else {
		gone = chain->prev != first;
	}
	dma_fence_put(replaced ? first : next);
	return gone;
}

/*
 * Takes out 'first', whose own work is done, and what is before it and has succeeded. If that ends
 * with what is pending, stores it, with a reference. Returns whether 'first' is not, or no longer,
 * before 'chain'.
 */
static bool take_out(struct dma_fence_chain *chain, struct dma_fence *first,
		     struct dma_fence **pending)
{
	struct dma_fence *link = first, *next;
	enum condition condition = FAILED;
	int64_t timestamp = 0;

	for (;;) {
		next = dma_fence_is_chain(link) ? get_prev(chain_of(link)) : NULL;
		timestamp = later(timestamp, timestamp_of(link));
		if (link != first)
			dma_fence_put(link);
		if (next)
			condition = condition_of(next);
		if (!next || condition != SUCCEEDED)
			break;
		link = next;
	}
	*pending = next && condition == PENDING ? dma_fence_get(next) : NULL;
	return replace_prev(chain, first, next, timestamp);
}

/*
 * get_prev() that takes out what is before if it has signaled, and succeeded: then so has all that is
 * before that. In a chain whose links signal in order that is all there ever is to do.
 */
static struct dma_fence *get_prev_pending(struct dma_fence_chain *chain)
{
	struct dma_fence *prev, *done = NULL;
	uint64_t state;

	if (!atomic_load_acquire(&chain->prev))
		return NULL;
	if (!lock_pending(chain, &state))
		return dma_fence_get(chain->prev);
	prev = chain->prev;
	if (prev && dma_fence_test_signaled_flag(prev) && !fence_error(prev)) {
		if (timestamp_of(prev) > chain->timestamp && !MUTANT(CHAIN_LOSES_TIMESTAMP))
			atomic_store_relaxed(&chain->timestamp, timestamp_of(prev));
		atomic_store_release(&chain->prev, NULL);
		done = prev;
		prev = NULL;
	} else {
		dma_fence_get(prev);
	}
	unlock(chain, state);
	dma_fence_put(done);
	return prev;
}

/*
 * Takes out what is done before a link. Returns the newest that is pending, with a reference, or NULL
 * if nothing is.
 */
static struct dma_fence *settle(struct dma_fence_chain *chain)
{
	struct dma_fence *prev, *older, *pending = NULL;
	enum condition condition;
	bool changed;

	do {
		prev = get_prev_pending(chain);
		condition = prev ? condition_of(prev) : PENDING;
		if (condition == PENDING)
			return prev;
		if (condition == SUCCEEDED) {
			changed = take_out(chain, prev, &pending);
		} else {
			older = dma_fence_is_chain(prev) ? get_prev(chain_of(prev)) : NULL;
			condition = older ? condition_of(older) : PENDING;
			if (condition == SUCCEEDED)
				changed = take_out(chain_of(prev), older, &pending);
			else if (condition == FAILED)
				changed = take_out(chain, prev, &pending);
			else
				changed = false;
			if (older && condition == PENDING)
				pending = older;
			else
				dma_fence_put(older);
		}
		dma_fence_put(prev);
	} while (changed && !pending);
	return pending;
}

/* Completion */

/* A link's own work is done, and so is all before it. Several may come here. */
static void complete(struct dma_fence_chain *chain)
{
	struct dma_fence *first_failed = get_prev(chain);
	int64_t timestamp = timestamp_of(&chain->base);
	int error = fence_error(chain->fence);
	struct dma_fence_chain *skip;

	if (first_failed) {
		timestamp = later(timestamp, timestamp_of(first_failed));
		error = fence_error(own_work(first_failed));
	}
	dma_fence_put(first_failed);
	if (!dma_fence_signal_state(&chain->base, state_of_timestamp(timestamp), error))
		return;
	/* It has signaled, so that nobody else changes this. */
	skip = chain->skip;
	if (skip) {
		atomic_store_release(&chain->skip, NULL);
		dma_fence_put(&skip->base);
	}
}

static void advanced(struct dma_fence *fence, struct dma_fence_cb *cb);

/*
 * Puts the callback of a link on what it has to wait for next, or completes it if there is nothing.
 * Only the callback's owner comes here: the thread that enables the link, then each that signals
 * that on which the callback sits.
 *
 * If the next pending link has a callback of its own, because somebody waits for it, that one sees to
 * all before it, and ours sits on that link: so when all are waited for each callback has two places
 * in its life. If not, ours sits on that link's work and moves on from there: links are not enabled
 * for each other's sake, one inside the other.
 */
static void advance(struct dma_fence_chain *chain)
{
	struct dma_fence *pending, *place;
	int added;

	do {
		pending = NULL;
		place = chain->fence;
		if (dma_fence_test_signaled_flag(place)) {
			pending = settle(chain);
			if (!pending) {
				complete(chain);
				dma_fence_put(&chain->base); /* the callback's */
				return;
			}
			place = pending;
			if (!(atomic_load_relaxed(&pending->flags) & DMA_FENCE_FLAG_ENABLED))
				place = dma_fence_chain_contained(pending);
		}
		added = dma_fence_add_container_callback(place, &chain->cb, advanced);
		dma_fence_put(pending);
	} while (added);
}

static void advanced(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	advance((struct dma_fence_chain *)((char *)cb - offsetof(struct dma_fence_chain, cb)));
}

/* What the fence asks of its back end */

static void chain_enable(struct dma_fence *fence)
{
	advance(chain_of(dma_fence_get(fence)));
}

static bool chain_poll(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = chain_of(fence);
	struct dma_fence *pending;

	if (!dma_fence_poll(chain->fence))
		return false;
	pending = settle(chain);
	dma_fence_put(pending);
	if (!pending)
		complete(chain);
	return !pending;
}

/* The link before, with a reference, in exchange for that to 'link'. Changes nothing. */
static struct dma_fence *step_back(struct dma_fence *link)
{
	struct dma_fence *prev = dma_fence_is_chain(link) ? get_prev(chain_of(link)) : NULL;

	dma_fence_put(link);
	return prev;
}

static bool chain_signaled(struct dma_fence *fence)
{
	struct dma_fence *link = dma_fence_get(fence);
	bool signaled = true;

	while (link && signaled) {
		if (dma_fence_test_signaled_flag(link))
			break; /* and so has all before it */
		signaled = dma_fence_is_signaled(dma_fence_chain_contained(link));
		if (signaled)
			link = step_back(link);
	}
	dma_fence_put(link);
	return signaled;
}

static void chain_set_deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	struct dma_fence *link = dma_fence_get(fence);

	while (link && !dma_fence_test_signaled_flag(link)) {
		dma_fence_set_deadline(dma_fence_chain_contained(link), deadline_ns);
		link = step_back(link);
	}
	dma_fence_put(link);
}

/* 'prev' and 'skip' stay as they are: somebody may be looking at them, in a read-side section. */
static void chain_release(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = chain_of(fence);

	dma_fence_put(chain->prev);
	if (chain->skip)
		dma_fence_put(&chain->skip->base);
	dma_fence_put(chain->fence);
	dma_fence_free(fence);
}

static const struct container_ops chain_ops = {
	.ops = {
		.get_driver_name = chain_driver_name,
		.get_timeline_name = chain_timeline_name,
		.signaled = chain_signaled,
		.release = chain_release,
		.set_deadline = chain_set_deadline,
	},
	.enable = chain_enable,
	.poll = chain_poll,
};

/* Finding */

/* Both inside a read-side section, of a link that was reached in it. */

static struct dma_fence_chain *link_before(const struct dma_fence_chain *chain)
{
	struct dma_fence *prev = atomic_load_acquire(&chain->prev);

	/* Set before a 'prev' that is. */
	if (atomic_load_relaxed(&chain->base.flags) & DMA_FENCE_FLAG_PREV_FOREIGN)
		return NULL;
	return chain_of(prev);
}

static struct dma_fence_chain *link_further_back(const struct dma_fence_chain *chain)
{
	return atomic_load_acquire(&chain->skip);
}

/*
 * Where the 'skip' of a link leads that was the index-th; 0 if it has none.
 *
 * Every SKIP_STRIDE-th link is counted. Take their number apart into the largest numbers of the form
 * 2^k - 1 that fit, the smallest of which may be there twice: the last one is how far it leads back.
 * (These are the skew-binary numbers of Myers' "random access stack".) From every link there is
 * then a way of O(log n) steps to every one before it, each step the skip or, where that would lead
 * too far, the link before; and that choice is all that it takes to find it.
 *
 * Links that are taken out do not spoil it. Let each link that is not there any more stand for the
 * next older one that is: then the way is still there, only that some steps lead nowhere and drop
 * out. If a skip would be too long because it now leads further back than it should, the point was
 * among those taken out right before where it leads; and the way to there goes by the links after
 * them, which is again one of O(log n) steps.
 */
static uint64_t skip_index(uint64_t index)
{
	uint64_t rest = index / SKIP_STRIDE, size = 0;

	if (index % SKIP_STRIDE)
		return 0;
	while (rest) {
		size = (UINT64_C(1) << (63 - __builtin_clzll(rest + 1))) - 1;
		rest -= size;
	}
	return index - size * SKIP_STRIDE;
}

/* The newest link that is not newer than the index-th. Inside a read-side section. */
static struct dma_fence_chain *find_index(struct dma_fence_chain *chain, uint64_t index)
{
	struct dma_fence_chain *next;

	while (chain && chain->index > index) {
		next = link_further_back(chain);
		chain = next && next->index >= index ? next : link_before(chain);
	}
	return chain;
}

/* With a reference. */
static struct dma_fence_chain *find_skip(struct dma_fence_chain *prev, uint64_t index)
{
	struct dma_fence_chain *skip;

	if (!index || MUTANT(NO_SKIPS))
		return NULL;
	dma_fence_rcu_read_lock();
	do {
		skip = find_index(prev, index);
	} while (skip && !dma_fence_get_rcu(&skip->base));
	dma_fence_rcu_read_unlock();
	return skip;
}

/*
 * The link that stands for a point, or if that has been taken out, the one after it: the oldest that
 * is still there. Inside a read-side section.
 */
static struct dma_fence_chain *find_seqno(struct dma_fence_chain *chain, uint64_t seqno)
{
	struct dma_fence_chain *next;

	while (chain->prev_seqno >= seqno) {
		next = link_further_back(chain);
		if (!next || next->base.seqno < seqno)
			next = link_before(chain);
		if (!next || next->base.seqno < seqno)
			break;
		chain = next;
	}
	return chain;
}

int dma_fence_chain_find_seqno(struct dma_fence **pfence, uint64_t seqno)
{
	struct dma_fence_chain *head = to_dma_fence_chain(*pfence), *chain;

	if (!seqno)
		return 0;
	if (!head || head->base.seqno < seqno)
		return -EINVAL;
	if (head->prev_seqno < seqno)
		return 0;

	dma_fence_rcu_read_lock();
	do {
		chain = find_seqno(head, seqno);
	} while (!dma_fence_get_rcu(&chain->base)); /* it has just been taken out */
	dma_fence_rcu_read_unlock();

	dma_fence_put(&head->base);
	*pfence = chain->prev_seqno < seqno ? &chain->base : step_back(&chain->base);
	return 0;
}

/* Walking */

/*
 * Moves the skip of a link past those that have been taken out, which it would otherwise keep in
 * memory, and all before them.
 */
static void settle_skip(struct dma_fence_chain *chain)
{
	struct dma_fence_chain *skip, *link;
	struct dma_fence *older = NULL;
	bool moved = false;
	uint64_t state;

	if (!atomic_load_relaxed(&chain->skip) || !lock_pending(chain, &state))
		return;
	skip = chain->skip;
	if (skip && dma_fence_test_signaled_flag(own_work(&skip->base)))
		older = dma_fence_get(&skip->base);
	unlock(chain, state);
	if (!older)
		return;

	dma_fence_get(&skip->base);
	while (older && !foreign(chain, older) && condition_of(older) == SUCCEEDED) {
		link = chain_of(older);
		dma_fence_put(settle(link));
		older = get_prev(link);
		dma_fence_put(&link->base);
	}
	if (foreign(chain, older)) {
		dma_fence_put(older);
		older = NULL;
	}
	if (lock_pending(chain, &state)) {
		moved = chain->skip == skip;
		if (moved)
			atomic_store_release(&chain->skip, chain_of(older));
		unlock(chain, state);
	}
	dma_fence_put(moved ? &skip->base : older);
	dma_fence_put(&skip->base);
}

struct dma_fence *dma_fence_chain_walk(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(fence);
	struct dma_fence *prev = NULL;

	if (chain) {
		prev = settle(chain);
		/* What failed is left before it. */
		if (prev != atomic_load_relaxed(&chain->prev)) {
			dma_fence_put(prev);
			prev = get_prev(chain);
		}
		settle_skip(chain);
	}
	dma_fence_put(fence);
	return prev;
}

/* Making one */

struct dma_fence_chain *dma_fence_chain_alloc(void)
{
	struct dma_fence_chain *chain = malloc(sizeof(*chain));

	if (!chain)
		errno = ENOMEM;
	return chain;
}

void dma_fence_chain_free(struct dma_fence_chain *chain)
{
	free(chain);
}

static void report_unfit(struct dma_fence_chain *chain, struct dma_fence *fence, uint64_t seqno)
{
	dma_fence_report(REPORT_MEMBERS, &chain->base,
			 "point %" PRIu64 " of a chain was given %s as the fence of its work: %s",
			 seqno, fence ? "a chain" : "NULL",
			 fence ? "what comes before goes into 'prev'"
			       : "it is taken for a fence that is signaled");
}

void dma_fence_chain_init(struct dma_fence_chain *chain, struct dma_fence *prev,
			  struct dma_fence *fence, uint64_t seqno)
{
	struct dma_fence_chain *link = to_dma_fence_chain(prev);
	uint16_t kind = DMA_FENCE_FLAG_CHAIN;
	uint64_t context;

	if (!fence || dma_fence_is_chain(fence))
		report_unfit(chain, fence, seqno);
	if (!fence)
		fence = dma_fence_get_stub();

	chain->fence = fence;
	chain->prev = prev;
	chain->timestamp = 0;
	chain->cb.func = NULL;
	if (link && seqno > prev->seqno) {
		context = prev->context;
		chain->prev_seqno = prev->seqno;
		chain->index = link->index + 1;
	} else {
		context = dma_fence_context_alloc(1);
		chain->prev_seqno = 0;
		chain->index = 1;
		if (link && seqno < prev->seqno)
			seqno = prev->seqno;
		if (prev)
			kind |= DMA_FENCE_FLAG_PREV_FOREIGN;
	}
	chain->skip = find_skip(link, skip_index(chain->index));
	container_publish(fence);
	if (prev)
		container_publish(prev);
	dma_fence_init_container(&chain->base, &chain_ops, kind, context, seqno);
}
