/* SPDX-License-Identifier: MIT */
/*
 * The chain.
 *
 * A link's own work is done, or pending; and what is before it is done, or pending. The link
 * signals when both are done. While it is pending, 'prev' and what it knows further back change
 * only under the lock in its state word, and each is held by a reference. Once it has signaled
 * 'prev' does not change any more, and it knows nothing further back.
 *
 * Taking links out. A link whose own work is done can be taken out of the way of the one after it:
 * what is before it takes its place. What was before is read first; so if somebody takes links out
 * there meanwhile they are still in the way that was read. Timestamps of what is taken out are kept
 * as a maximum, so that one that is counted twice does no harm.
 *
 * Errors. A link whose own work has failed stays, so that it is found; unless one before it has
 * failed as well, for then that one says it all. So when all before a link is done, what is left
 * is nothing, or the earliest that failed, with nothing before it. settle() brings that about. It
 * takes at least one link out in each turn, and to see which it looks at two.
 *
 * No more than it takes. What goes back through done links, to take them out, does so for one link.
 * Those on the way that others hold will be asked, too: so their way is made shorter as well, each
 * time by half. And what waits does not go back through links on which somebody else waits, but for
 * the first of those. Thus all that ever happens to a chain is linear in its points, or nearly so.
 *
 * Depth. Signaling and releasing go through the queues of the thread (base/run-queue.h), and
 * enabling goes back in a loop.
 *
 * Readers without references. dma_fence_chain_find_seqno() goes back in a read-side section. A link
 * that is freed meanwhile stays in memory, with its pointers as they were; and so does what they
 * point to, because that was held when the section began. Only links are looked at on the way:
 * fences of others need not be freed after a grace period.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <dmafence/chain.h>
#include <dmafence/rcu.h>

#include "base/hooks.h"
#include "base/probe.h"
#include "base/report.h"
#include "fence/chain.h"
#include "fence/container.h"
#include "fence/look.h"
#include "fence/outcome.h"

static struct dma_fence_chain *chain_of(struct dma_fence *fence)
{
	return (struct dma_fence_chain *)(void *)fence;
}

/* What a link knows further back: of those links that know as much, the one before. */
static struct dma_fence_chain **skips_of(struct dma_fence_chain *chain)
{
	return (struct dma_fence_chain **)(chain + 1);
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

static bool waited_for(const struct dma_fence *link)
{
	return dma_fence_is_chain(link) && !dma_fence_test_signaled_flag(link) &&
	       atomic_load_relaxed(&link->flags) & DMA_FENCE_FLAG_ENABLED;
}

/* To who waits a link on which somebody waits is pending, whatever its own work. */
static enum condition condition_for(struct dma_fence *link, bool waiting)
{
	return waiting && waited_for(link) ? PENDING : condition_of(link);
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
 * Puts 'next', with a reference, in the place of 'first', and what has been taken out with it.
 * Returns whether 'first' is not, or no longer, before 'chain'.
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

static struct dma_fence *before(struct dma_fence *link)
{
	return dma_fence_is_chain(link) ? get_prev(chain_of(link)) : NULL;
}

/* Besides whoever asks, and the link after it. It may be wrong: then something takes longer. */
static bool others_hold(const struct dma_fence *link)
{
	return atomic_load_relaxed(&link->refcount) > 2;
}

/*
 * Takes out 'first', whose own work is done, and what is before it and has succeeded. If that ends
 * with what is pending, stores it, with a reference. Returns whether 'first' is not, or no longer,
 * before 'chain'.
 */
static bool take_out(struct dma_fence_chain *chain, struct dma_fence *first, bool waiting,
		     struct dma_fence **pending)
{
	struct dma_fence *link = first, *next, *after;
	enum condition condition = FAILED;
	int64_t timestamp = 0;

	for (;;) {
		next = before(link);
		condition = next ? condition_for(next, waiting) : FAILED;
		timestamp = later(timestamp, timestamp_of(link));
		if (condition == SUCCEEDED && others_hold(link) && !MUTANT(WAY_STAYS_LONG)) {
			after = before(next);
			timestamp = later(timestamp, timestamp_of(next));
			replace_prev(chain_of(link), next, dma_fence_get(after),
				     timestamp_of(next));
			dma_fence_put(next);
			next = after;
			condition = next ? condition_for(next, waiting) : FAILED;
		}
		if (link != first)
			dma_fence_put(link);
		if (condition != SUCCEEDED)
			break;
		link = next;
	}
	*pending = condition == PENDING ? dma_fence_get(next) : NULL;
	return replace_prev(chain, first, next, timestamp);
}

/*
 * get_prev() that takes out what is before if it has signaled, and succeeded: then so has all that
 * is before that. In a chain whose links signal in order that is all there ever is to do.
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

static struct dma_fence_chain *get_skip(struct dma_fence_chain *chain, uint32_t level)
{
	struct dma_fence_chain *skip = NULL;
	uint64_t state;

	if (lock_pending(chain, &state)) {
		skip = skips_of(chain)[level];
		if (skip)
			dma_fence_get(&skip->base);
		unlock(chain, state);
	}
	return skip;
}

/* On a list, which only leads the way, one that failed is not needed either. */
static bool is_done(struct dma_fence_chain *link)
{
	return link && condition_of(&link->base) != PENDING;
}

/* replace_prev() on a list. */
static void replace_skip(struct dma_fence_chain *chain, uint32_t level,
			 struct dma_fence_chain *first, struct dma_fence_chain *next)
{
	struct dma_fence_chain *dropped = next;
	uint64_t state;

	if (lock_pending(chain, &state)) {
		if (skips_of(chain)[level] == first) {
			atomic_store_release(&skips_of(chain)[level], next);
			dropped = first;
		}
		unlock(chain, state);
	}
	if (dropped)
		dma_fence_put(&dropped->base);
}

/*
 * Takes links that are done out of a list on which the link is, too; which would otherwise keep
 * them in memory, and all before them. As take_out().
 */
static void settle_skip(struct dma_fence_chain *chain, uint32_t level)
{
	struct dma_fence_chain *first = get_skip(chain, level), *skip = first, *next, *after;

	if (!first)
		return;
	while (is_done(skip)) {
		next = get_skip(skip, level);
		if (others_hold(&skip->base) && is_done(next) && !MUTANT(WAY_STAYS_LONG)) {
			after = get_skip(next, level);
			replace_skip(skip, level, next,
				     after ? chain_of(dma_fence_get(&after->base)) : NULL);
			dma_fence_put(&next->base);
			next = after;
		}
		if (skip != first)
			dma_fence_put(&skip->base);
		skip = next;
	}
	if (skip != first)
		replace_skip(chain, level, first, skip);
	dma_fence_put(&first->base);
}

static void settle_skips(struct dma_fence_chain *chain)
{
	uint32_t level;

	for (level = 0; level < chain->height && !MUTANT(SKIPS_STAY); level++)
		settle_skip(chain, level);
}

/*
 * Two links that failed, one before the other: if yet another before them has failed as well, the
 * older of the two is taken out before the newer. That is how the way becomes shorter, as in
 * take_out(), of one that others hold.
 */
static void shorten_failed(struct dma_fence *newer, struct dma_fence *older, bool waiting)
{
	struct dma_fence *after = before(older), *pending;

	if (after && condition_for(after, waiting) == SUCCEEDED) {
		take_out(chain_of(older), after, waiting, &pending);
		dma_fence_put(pending);
		dma_fence_put(after);
		after = before(older);
	}
	if (after && condition_for(after, waiting) == FAILED)
		replace_prev(chain_of(newer), older, dma_fence_get(after), timestamp_of(older));
	dma_fence_put(after);
}

/*
 * Takes out what is done before a link. Returns the newest that is pending, with a reference, or
 * NULL if nothing is.
 */
static struct dma_fence *settle_prev(struct dma_fence_chain *chain, bool waiting)
{
	struct dma_fence *prev, *older, *pending = NULL;
	enum condition condition;
	bool changed;

	do {
		prev = get_prev_pending(chain);
		condition = prev ? condition_for(prev, waiting) : PENDING;
		if (condition == PENDING)
			return prev;
		if (condition == SUCCEEDED) {
			changed = take_out(chain, prev, waiting, &pending);
		} else {
			older = before(prev);
			if (dma_fence_is_chain(prev))
				settle_skips(chain_of(prev));
			condition = older ? condition_for(older, waiting) : PENDING;
			if (condition == FAILED && others_hold(prev) && !MUTANT(FAILED_STAYS_LONG))
				shorten_failed(prev, older, waiting);
			if (condition == SUCCEEDED)
				changed = take_out(chain_of(prev), older, waiting, &pending);
			else if (condition == FAILED)
				changed = take_out(chain, prev, waiting, &pending);
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

/* The same, and on the lists that the link is on. */
static struct dma_fence *settle(struct dma_fence_chain *chain, bool waiting)
{
	struct dma_fence *pending = settle_prev(chain, waiting);

	settle_skips(chain);
	return pending;
}

/* Completion */

/* Nobody else changes this: it has signaled, or is gone. */
static void forget_skips(struct dma_fence_chain *chain)
{
	struct dma_fence_chain **skips = skips_of(chain), *skip;
	uint32_t level;

	for (level = 0; level < chain->height; level++) {
		skip = skips[level];
		if (!skip)
			continue;
		atomic_store_release(&skips[level], NULL);
		dma_fence_put(&skip->base);
	}
}

/* A link's own work is done, and so is all before it. Several may come here. */
static void complete(struct dma_fence_chain *chain)
{
	struct dma_fence *first_failed = get_prev(chain);
	int64_t timestamp = timestamp_of(&chain->base);
	int error = fence_error(chain->fence);

	if (first_failed) {
		timestamp = later(timestamp, timestamp_of(first_failed));
		error = fence_error(own_work(first_failed));
	}
	dma_fence_put(first_failed);
	if (dma_fence_signal_state(&chain->base, state_of_timestamp(timestamp), error))
		forget_skips(chain);
}

static void advanced(struct dma_fence *fence, struct dma_fence_cb *cb);

/*
 * Puts the callback of a link on what it has to wait for next, or completes it if there is nothing.
 * Only the callback's owner comes here: the thread that enables the link, then each that signals
 * that on which the callback sits.
 *
 * If somebody waits for the next pending link, that has a callback of its own, which sees to all
 * before it, and ours sits on that link. If not, ours sits on that link's work and moves on from
 * there. But if it is the second one there, then the link is enabled after all, in the next turn of
 * the loop: or else, when many wait, each of their callbacks would go all the way back.
 */
static void advance(struct dma_fence_chain *chain)
{
	struct dma_fence *pending, *place;
	struct dma_fence_chain *enable;

	for (;;) {
		pending = NULL;
		enable = NULL;
		place = chain->fence;
		if (dma_fence_test_signaled_flag(place)) {
			pending = settle(chain, true);
			if (!pending) {
				complete(chain);
				dma_fence_put(&chain->base); /* the callback's */
				return;
			}
			place = pending;
			if (dma_fence_is_chain(pending) && !waited_for(pending)) {
				enable = chain_of(pending);
				if (!atomic_load_relaxed(&enable->visited) ||
				    MUTANT(EACH_GOES_BACK)) {
					atomic_store_relaxed(&enable->visited, 1);
					place = enable->fence;
					enable = NULL;
				}
			}
		}
		if (dma_fence_add_container_callback(place, &chain->cb, advanced, !enable)) {
			dma_fence_put(pending);
			continue;
		}
		/* From here on the callback is somebody else's. */
		if (!enable || !fence_set_flags(pending, DMA_FENCE_FLAG_ENABLED)) {
			dma_fence_put(pending);
			return;
		}
		fence_publish(pending);
		probe(enable, pending);
		hook(enable, pending);
		chain = enable; /* our reference becomes its callback's */
	}
}

static void advanced(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	advance((struct dma_fence_chain *)((char *)cb - offsetof(struct dma_fence_chain, cb)));
}

bool dma_fence_is_chain_callback(dma_fence_func_t func)
{
	return func == advanced;
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
	pending = settle(chain, false);
	dma_fence_put(pending);
	if (!pending)
		complete(chain);
	return !pending;
}

/* The link before, with a reference, in exchange for that to 'link'. Changes nothing. */
static struct dma_fence *step_back(struct dma_fence *link)
{
	struct dma_fence *prev = before(link);

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

/* Its pointers stay as they are: somebody may be looking at them, in a read-side section. */
static void chain_release(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = chain_of(fence);

	uint32_t level;

	dma_fence_put(chain->prev);
	for (level = 0; level < chain->height; level++) {
		if (skips_of(chain)[level])
			dma_fence_put(&skips_of(chain)[level]->base);
	}
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

/*
 * A link of height h is on h lists beside the chain itself: each list has the links that are at
 * least so high, from the newest to the oldest. One link in four is of height 1 or more, one in
 * sixteen of 2 or more, at random: as in every skip list it takes O(log n) steps to any link, and
 * does so however links are taken out, because that has nothing to do with their height.
 *
 * What follows is inside a read-side section, of links that were reached in it.
 */

static struct dma_fence_chain *link_before(const struct dma_fence_chain *chain)
{
	struct dma_fence *prev = atomic_load_acquire(&chain->prev);

	/* Set before a 'prev' that is. */
	if (atomic_load_relaxed(&chain->base.flags) & DMA_FENCE_FLAG_PREV_FOREIGN)
		return NULL;
	return chain_of(prev);
}

/* The next on the list of that height; 0 is the chain itself. */
static struct dma_fence_chain *next_on_list(struct dma_fence_chain *chain, uint32_t height)
{
	return height ? atomic_load_acquire(&skips_of(chain)[height - 1]) : link_before(chain);
}

/*
 * The link that stands for a point, or if that has been taken out, the one after it: the oldest
 * that is still there.
 */
static struct dma_fence_chain *find_seqno(struct dma_fence_chain *chain, uint64_t seqno)
{
	struct dma_fence_chain *next;
	uint32_t height;

	while (chain->prev_seqno >= seqno) {
		height = chain->height;
		do {
			next = next_on_list(chain, height);
		} while ((!next || next->base.seqno < seqno) && height--);
		if (!next || next->base.seqno < seqno)
			break;
		chain = next;
	}
	return chain;
}

struct dma_fence *dma_fence_chain_find_from(struct dma_fence *head, uint64_t seqno)
{
	struct dma_fence_chain *chain;

	dma_fence_rcu_read_lock();
	do {
		chain = find_seqno(chain_of(head), seqno);
	} while (!dma_fence_get_rcu(&chain->base)); /* it has just been taken out */
	dma_fence_rcu_read_unlock();
	return &chain->base;
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

	chain = chain_of(dma_fence_chain_find_from(&head->base, seqno));
	dma_fence_put(&head->base);
	*pfence = chain->prev_seqno < seqno ? &chain->base : step_back(&chain->base);
	return 0;
}

/* Looking on */

struct dma_fence *dma_fence_chain_of_callback(const struct dma_fence_cb *cb)
{
	if (cb->func != advanced)
		return NULL;
	return (struct dma_fence *)(uintptr_t)((const char *)cb -
					       offsetof(struct dma_fence_chain, cb));
}

struct dma_fence *dma_fence_chain_before_unseen(struct dma_fence_chain *chain)
{
	struct dma_fence *prev;
	uint64_t state;
	bool locked = lock_pending(chain, &state);

	prev = dma_fence_get_unseen(atomic_load_acquire(&chain->prev));
	if (locked)
		unlock(chain, state);
	return prev;
}

/* Walking */

struct dma_fence *dma_fence_chain_walk(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(fence);
	struct dma_fence *prev = NULL;

	if (chain) {
		prev = settle(chain, false);
		/* What failed is left before it. */
		if (prev != atomic_load_relaxed(&chain->prev)) {
			dma_fence_put(prev);
			prev = get_prev(chain);
		}
	}
	dma_fence_put(fence);
	return prev;
}

/* Making one */

/* Enough for 2^32 links, above which the highest list gets longer. */
#define MAX_HEIGHT 16

/* Each thread has numbers of its own: somewhere else in what SplitMix64 gives. */
static uint64_t random_seed(void)
{
	static uint64_t threads;
	uint64_t seed = (atomic_fetch_add_relaxed(&threads, 1) + 1) * UINT64_C(0x9e3779b97f4a7c15);

	seed = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	seed = (seed ^ seed >> 27) * UINT64_C(0x94d049bb133111eb);
	return (seed ^ seed >> 31) | 1;
}

/* At least h for one in 4^h; from a generator of Marsaglia's (xorshift). */
static uint32_t random_height(void)
{
	static _Thread_local uint64_t random;
	uint32_t height;

	/* The lists would keep the depth of a recursion down by themselves. */
	if (MUTANT(NO_SKIPS) || MUTANT(RELEASE_RECURSES))
		return 0;
	if (unlikely(!random))
		random = MUTANT(THREADS_ALIKE) ? 1 : random_seed();
	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	height = (uint32_t)__builtin_ctzll(random | UINT64_C(1) << 63) / 2;
	return height < MAX_HEIGHT ? height : MAX_HEIGHT;
}

struct dma_fence_chain *dma_fence_chain_alloc(void)
{
	const uint32_t height = random_height();
	struct dma_fence_chain *chain =
		malloc(sizeof(*chain) + height * sizeof(struct dma_fence_chain *));

	if (!chain) {
		errno = ENOMEM;
		return NULL;
	}
	chain->height = height;
	return chain;
}

void dma_fence_chain_free(struct dma_fence_chain *chain)
{
	free(chain);
}

/* Puts a link on its lists: of each, the newest before it. */
static void find_skips(struct dma_fence_chain *chain, struct dma_fence_chain *prev)
{
	struct dma_fence_chain *from = prev, *skip;
	uint32_t height;

	for (height = 1; height <= chain->height; height++) {
		do {
			skip = from;
			while (skip && skip->height < height)
				skip = next_on_list(skip, height - 1);
			/* or it has just been taken out */
		} while (skip && !dma_fence_get_rcu(&skip->base));
		if (!skip)
			break;
		skips_of(chain)[height - 1] = skip;
		from = skip;
	}
}

static void init_skips(struct dma_fence_chain *chain, struct dma_fence_chain *prev)
{
	uint32_t level;

	if (!chain->height)
		return;
	for (level = 0; level < chain->height; level++)
		skips_of(chain)[level] = NULL;
	if (!prev)
		return;
	dma_fence_rcu_read_lock();
	find_skips(chain, prev);
	dma_fence_rcu_read_unlock();
}

static void report_unfit(struct dma_fence_chain *chain, const struct dma_fence *fence)
{
	dma_fence_report(DMA_FENCE_REPORT_MEMBERS, &chain->base,
			 "point %" PRIu64 " of a chain was given %s as the fence of its work: %s",
			 chain->base.seqno, fence ? "a chain" : "NULL",
			 fence ? "what comes before goes into 'prev'"
			       : "it is taken for a fence that is signaled");
}

void dma_fence_chain_init(struct dma_fence_chain *chain, struct dma_fence *prev,
			  struct dma_fence *fence, uint64_t seqno)
{
	struct dma_fence_chain *link = to_dma_fence_chain(prev);
	uint16_t kind = DMA_FENCE_FLAG_CHAIN;
	uint64_t context;

	chain->fence = fence ? fence : dma_fence_get_stub();
	chain->prev = prev;
	chain->timestamp = 0;
	chain->visited = 0;
	chain->cb.func = NULL;
	if (link && seqno > prev->seqno) {
		context = prev->context;
		chain->prev_seqno = prev->seqno;
		init_skips(chain, link);
	} else {
		context = dma_fence_context_alloc(1);
		chain->prev_seqno = 0;
		init_skips(chain, NULL);
		if (link && seqno < prev->seqno)
			seqno = prev->seqno;
		if (prev)
			kind |= DMA_FENCE_FLAG_PREV_FOREIGN;
	}
	container_publish(chain->fence);
	if (prev)
		container_publish(prev);
	dma_fence_init_container(&chain->base, &chain_ops, kind, context, seqno);
	hook(contain, &chain->base);
	if (!fence || dma_fence_is_chain(fence))
		report_unfit(chain, fence);
}
