/* SPDX-License-Identifier: MIT */
/*
 * What is in the memory (fd/shared-memory.h), and why one can rely on it.
 *
 * Entries are in a ring, in the order of their serials, each in the place that its serial says.
 * Those that have ended stay there until their place is needed. 'next' is the serial that comes
 * next; 'tail', at most SHARED_ENTRIES before it, the first that has not ended. 'life' is the
 * serial with which this life began. All else can be found out from these and the entries, and is
 * there to be read quickly: 'submitted' is the point of the last entry of this life, 'signaled'
 * that of the last that has ended, and 'failed_from' the first point that failed. (It is the one
 * after the last that ended without an error, for who waits for a point that was left out waits for
 * the next.)
 *
 * Who writes
 * ==========
 * All is written by who holds the lock, bar two words: 'changes', in which others set flags, and
 * 'last_id'. What others read without the lock is whole words, stored with release order: they see
 * an entry ENDED only with its outcome, and 'signaled' pass a point only when its entry has ended
 * and 'failed_from' is right. A place in the ring is used anew only after the old serial has gone
 * from its word; who has read something from an entry looks whether the serial still is the one.
 * 'lives' counts resets, twice each, for those who read several words.
 *
 * Who changed something adds one to 'changes' and takes the flags from it, in one step, and
 * afterwards wakes whom the flags were for. Who waits reads 'changes' first and then looks; sets
 * its flag only if nothing has changed since, and sleeps only as long as nothing does. Flags of
 * those who died are gone with the next change; there are no counts that could be wrong.
 *
 * If the holder of the lock is killed
 * ===================================
 * Whoever wants the lock then, and each one who waits does now and then (reap()), gets it, and
 * mends what has been begun (repair()). Between any two stores:
 *
 * - append: the entry is written first, and is not there before 'next' says so. 'submitted', and
 *   'life' if it is binary, come after that, and are found out from it.
 * - complete: the entry is COMPLETED or it is not. If not it is pending, with an owner who is dead.
 *   If it is, it ends as soon as those before it have, which is tried for each that has not.
 * - end: the outcome, with that of the entry before it, is written in place, and writing it twice
 *   changes nothing; so it is with 'failed_from'. Then the entry is ENDED, then 'signaled' says so,
 *   and then 'tail' may pass it: so of all from 'tail' on that are ENDED it is said again.
 * - reset: 'lives' is odd from its first store to its last, and all others are done again.
 * - an owner that has died is taken from the list after its entries are completed.
 *
 * What has been signaled stays signaled, for nothing of this takes 'signaled' back. Nothing is
 * signaled that was not completed by its owner, or failed because there was no owner. Those who
 * sleep and were not woken wake up by themselves, SHARED_CHECK_NS later, and look.
 *
 * If somebody writes nonsense
 * ===========================
 * Who shares the memory can say that its own points have ended when they have not, and it can say
 * so of those of others: who passes a handle on trusts those who get it with what is in there, and
 * with nothing else. Nothing in the memory is a pointer or an offset. Numbers from it are copied
 * before they are checked, places in the ring are the remainder of a division, and loops are
 * bounded by numbers that were checked to be at most SHARED_ENTRIES apart, or by a constant. The
 * size of the memory is sealed. Of the outcome of an entry the error is one, or -EPROTO; the
 * timestamp is not in the future. Where entries and numbers contradict each other, and when a peer
 * that lives has kept the lock for PATIENCE_NS, the object is broken, for all: 'broken' is set, and
 * everybody woken. Each mapping also remembers that by itself. Sleeps have an end. To ring the
 * doorbell does not block.
 *
 * Waiting for the lock has an end, too. Who puts something in waits for PATIENCE_NS, and then it is
 * broken. Who only asks waits for ASK_PATIENCE_NS, and who has others to see to, for
 * SOON_PATIENCE_NS; and once none of these has had it for ASK_PATIENCE_NS, not at all until somebody
 * has had it again. If that goes on for PATIENCE_NS, it is broken. And who gives the lock back just
 * in time, again and again, uses up the patience of those who put something in: LONG_WAIT_NS is then
 * what is left of it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fork.h"
#include "base/hooks.h"
#include "base/lock.h"
#include "base/park.h"
#include "base/refcount.h"
#include "fd/eventfd.h"
#include "fd/handle.h"
#include "fd/mutants.h"
#include "fd/shared-memory.h"
#include "fd/shared-park.h"

/* How long somebody else may hold the lock before that is a flaw. */
#define PATIENCE_NS INT64_C(3000000000)

/* The same for who only asks, and who looks after others: they come again, see lock_slowly(). */
#define ASK_PATIENCE_NS	 INT64_C(100000000)
#define SOON_PATIENCE_NS INT64_C(10000000)

/* What is left of PATIENCE_NS. */
#define ALL_THERE_IS (-1)

/* Waits that a machine with much to do does not explain; and how slowly they are forgotten. */
#define LONG_WAIT_NS	INT64_C(300000000)
#define FORGOTTEN_AFTER 8

/* If nobody has tried for so long, nothing is known about the time between. */
#define UNKNOWN_NS INT64_C(1000000000)

/* Not again sooner than that. With SHARED_CHECK_NS, it is the 100 ms that users see. */
#define REAP_AGAIN_NS 20000000

/* Serials do not come near to it in a thousand years. */
#define SERIAL_MAX (UINT64_MAX / ENTRY_STATES - 1)

#define MAX_ERRNO 4095

/* All of this process, for its children. */
static struct lock all_lock;
static struct shared_timeline *all;

/* What the lock protects, copied and checked. */
struct view {
	uint64_t life, tail, next;
};

/* Telling others */

/* Returns the flags of those that have to be told now. */
static uint32_t change(struct shared_timeline *timeline)
{
	const uint32_t flags = CHANGES_SLEEPERS | CHANGES_ARMED;
	uint32_t *changes = &timeline->memory->changes, old = atomic_load_relaxed(changes);
	uint32_t seen = atomic_exchange_acq_rel(changes, (old | flags) + 1);

	return (MUTANT(SLEEPERS_BEFORE_CHANGE) ? old : seen) & flags;
}

static void tell(struct shared_timeline *timeline, uint32_t flags)
{
	if (flags & CHANGES_SLEEPERS)
		dma_fence_shared_park_wake(&timeline->memory->changes, INT_MAX);
	if (flags & CHANGES_ARMED)
		dma_fence_doorbell_ring(timeline->doorbell);
}

/* Flaws */

static int fail(struct shared_timeline *timeline)
{
	int failed = 0;

	if (atomic_cas_relaxed(&timeline->failed, &failed, -EPROTO)) {
		atomic_store_relaxed(&timeline->memory->broken, 1);
		tell(timeline, change(timeline));
		failed = -EPROTO;
	}
	return failed;
}

int dma_fence_shared_timeline_broken(const struct shared_timeline *timeline)
{
	int failed = atomic_load_relaxed(&timeline->failed);

	if (likely(!failed) && unlikely(atomic_load_relaxed(&timeline->memory->broken)))
		return -EPROTO;
	return failed;
}

/* Entries */

static struct entry *entry_of(const struct shared_timeline *timeline, uint64_t serial)
{
	return &timeline->memory->ring[MUTANT(RING_WITHOUT_END) ? serial : serial % SHARED_RING];
}

/* Returns enum entry_state, or -1 if the entry with this serial is not there. */
static int entry_state(const struct entry *entry, uint64_t serial)
{
	uint64_t word = atomic_load_acquire(&entry->word);

	return word / ENTRY_STATES == serial ? (int)(word % ENTRY_STATES) : -1;
}

static void set_entry_state(struct entry *entry, uint64_t serial, enum entry_state state)
{
	atomic_store_release(&entry->word, ENTRY_WORD(serial, state));
}

static int entry_error(const struct entry *entry)
{
	int error = atomic_load_acquire(&entry->error);

	return error > 0 || error < -MAX_ERRNO ? -EPROTO : error;
}

/* The rest is with the lock. */

static void note_signaled(struct shared_memory *memory, const struct view *view,
			  const struct entry *entry)
{
	uint64_t point = atomic_load_relaxed(&entry->point);

	if (point > atomic_load_relaxed(&memory->signaled) &&
	    atomic_load_relaxed(&entry->life) == view->life)
		atomic_store_release(&memory->signaled, point);
}

/* Ends an entry, if it can; returns whether it did. */
static bool end_entry(struct shared_timeline *timeline, const struct view *view, uint64_t serial)
{
	struct shared_memory *memory = timeline->memory;
	struct entry *entry = entry_of(timeline, serial);
	uint64_t life = atomic_load_relaxed(&entry->life);

	if (entry_state(entry, serial) != ENTRY_COMPLETED)
		return false;
	if (life != serial) {
		const struct entry *before = entry_of(timeline, serial - 1);
		int64_t timestamp = atomic_load_relaxed(&before->timestamp);
		int error = entry_error(before);

		if (entry_state(before, serial - 1) != ENTRY_ENDED)
			return false;
		if (error)
			atomic_store_release(&entry->error, error);
		if (timestamp > atomic_load_relaxed(&entry->timestamp))
			atomic_store_release(&entry->timestamp, timestamp);
	}
	if (entry_error(entry) && life == view->life && atomic_load_relaxed(&entry->point) &&
	    !atomic_load_relaxed(&memory->failed_from)) {
		atomic_store_release(&memory->failed_error, entry_error(entry));
		atomic_store_release(&memory->failed_from,
				     atomic_load_relaxed(&memory->signaled) + 1);
	}
	set_entry_state(entry, serial, ENTRY_ENDED);
	note_signaled(memory, view, entry);
	return true;
}

static void move_tail(struct shared_timeline *timeline, struct view *view)
{
	uint64_t tail = view->tail;

	while (tail < view->next && entry_state(entry_of(timeline, tail), tail) == ENTRY_ENDED)
		tail++;
	if (tail == view->tail)
		return;
	view->tail = tail;
	atomic_store_relaxed(&timeline->memory->tail, tail);
}

/* Ends what can end, from the first that was completed on. Returns whether anything did. */
static bool end_entries(struct shared_timeline *timeline, struct view *view, uint64_t serial)
{
	bool ended = false;

	while (serial < view->next && end_entry(timeline, view, serial)) {
		ended = true;
		serial++;
	}
	move_tail(timeline, view);
	return ended;
}

/* The same, wherever it may be. */
static bool end_all(struct shared_timeline *timeline, struct view *view)
{
	bool ended = false;
	uint64_t serial;

	for (serial = view->tail; serial < view->next; serial++)
		ended |= end_entry(timeline, view, serial);
	move_tail(timeline, view);
	return ended;
}

static void complete_entry(struct entry *entry, uint64_t serial, int error, int64_t timestamp)
{
	atomic_store_release(&entry->error, error);
	atomic_store_release(&entry->timestamp, timestamp);
	set_entry_state(entry, serial, ENTRY_COMPLETED);
}

static void end_life(struct shared_memory *memory, struct view *view)
{
	uint64_t lives = atomic_load_relaxed(&memory->lives) | 1;

	atomic_store_relaxed(&memory->lives, lives);
	view->life = view->next;
	atomic_store_release(&memory->life, view->life);
	atomic_store_release(&memory->failed_from, 0);
	atomic_store_release(&memory->signaled, 0);
	atomic_store_release(&memory->submitted, 0);
	atomic_store_release(&memory->lives, lives + 1);
}

/* The lock */

static bool view_read(struct shared_timeline *timeline, struct view *view)
{
	const struct shared_memory *memory = timeline->memory;

	view->life = atomic_load_relaxed(&memory->life);
	view->tail = atomic_load_relaxed(&memory->tail);
	view->next = atomic_load_relaxed(&memory->next);
	return view->life && view->tail && view->life <= view->next && view->tail <= view->next &&
	       view->next - view->tail <= SHARED_ENTRIES && view->next < SERIAL_MAX;
}

/* Mends what a holder of the lock who was killed has begun. */
static bool repair(struct shared_timeline *timeline, struct view *view)
{
	struct shared_memory *memory = timeline->memory;
	const struct entry *last;
	uint64_t serial, point;

	if (MUTANT(NOT_REPAIRED))
		return true;
	if (atomic_load_relaxed(&memory->lives) & 1)
		end_life(memory, view);
	for (serial = view->tail; serial < view->next; serial++) {
		struct entry *entry = entry_of(timeline, serial);
		int state = entry_state(entry, serial);

		if (state < ENTRY_PENDING)
			return false;
		if (state == ENTRY_ENDED)
			note_signaled(memory, view, entry);
	}
	if (view->next > view->life) {
		last = entry_of(timeline, view->next - 1);
		if (entry_state(last, view->next - 1) < ENTRY_PENDING)
			return false;
		point = atomic_load_relaxed(&last->point);
		if (!point) {
			view->life = view->next - 1;
			atomic_store_release(&memory->life, view->life);
		}
		atomic_store_release(&memory->submitted, point);
	}
	end_all(timeline, view);
	return true;
}

static void leave(struct shared_timeline *timeline, bool changed)
{
	uint32_t flags = changed ? change(timeline) : 0;

	dma_fence_shared_unlock(&timeline->memory->lock, &timeline->peer);
	tell(timeline, flags);
}

/* Ends a section in which the memory was found to be broken; returns -EPROTO. */
static int leave_broken(struct shared_timeline *timeline)
{
	leave(timeline, false);
	return fail(timeline);
}

/* With the lock of the patience: what has been spent of it, and not been forgotten yet. */
static int64_t spent(struct shared_patience *patience, int64_t now)
{
	int64_t forgotten = (now - patience->counted) / FORGOTTEN_AFTER;

	if (forgotten <= 0)
		return patience->spent;
	return patience->spent > forgotten ? patience->spent - forgotten : 0;
}

static int64_t patience_left(struct shared_timeline *timeline)
{
	int64_t left;

	lock_acquire(&timeline->patience.lock);
	left = PATIENCE_NS - spent(&timeline->patience, clock_now());
	lock_release(&timeline->patience.lock);
	if (MUTANT(PATIENCE_NEVER_ENDS))
		return PATIENCE_NS;
	return left > LONG_WAIT_NS ? left : LONG_WAIT_NS;
}

/* How long it is known that the lock could not be had. */
static int64_t kept_for(struct shared_timeline *timeline, int64_t now)
{
	const struct shared_patience *known = &timeline->patience;
	int64_t since = atomic_load_relaxed(&known->since);

	return since && now - atomic_load_relaxed(&known->until) <= UNKNOWN_NS ? now - since : 0;
}

/* A lock that is not free. */
static int lock_slowly(struct shared_timeline *timeline, int64_t patience)
{
	struct shared_patience *known = &timeline->patience;
	int64_t begin = clock_now(), now;
	bool broken = false;
	int ret;

	if (patience == ALL_THERE_IS)
		patience = patience_left(timeline);
	else if (kept_for(timeline, begin) >= ASK_PATIENCE_NS)
		patience = 0;
	ret = dma_fence_shared_lock(&timeline->memory->lock, &timeline->peer, patience);
	now = clock_now();
	lock_acquire(&known->lock);
	if (ret >= 0) {
		atomic_store_relaxed(&known->since, 0);
		if (now - begin >= LONG_WAIT_NS) {
			/* Other threads may have waited at the same time. */
			known->spent = spent(known, begin);
			known->spent += now - (begin > known->counted ? begin : known->counted);
			known->counted = now;
		}
	} else {
		if (!kept_for(timeline, begin))
			atomic_store_relaxed(&known->since, begin);
		atomic_store_relaxed(&known->until, now);
		/* Asked again: another may have had it meanwhile. */
		broken = kept_for(timeline, now) >= PATIENCE_NS;
	}
	lock_release(&known->lock);
	return broken ? fail(timeline) : ret;
}

/* Returns 0, -ETIMEDOUT, or what is wrong with the object. */
static int enter(struct shared_timeline *timeline, int64_t patience, struct view *view)
{
	int ret = dma_fence_shared_timeline_broken(timeline);

	if (unlikely(ret))
		return ret;
	if (likely(dma_fence_shared_try_lock(&timeline->memory->lock, &timeline->peer))) {
		if (unlikely(atomic_load_relaxed(&timeline->patience.since)))
			atomic_store_relaxed(&timeline->patience.since, 0);
	} else {
		ret = lock_slowly(timeline, patience);
		if (ret < 0)
			return ret;
	}
	if (unlikely(!view_read(timeline, view)))
		return leave_broken(timeline);
	if (unlikely(ret == SHARED_LOCK_INHERITED)) {
		if (!repair(timeline, view))
			return leave_broken(timeline);
		tell(timeline, change(timeline));
	}
	return 0;
}

static int enter_patiently(struct shared_timeline *timeline, struct view *view)
{
	int ret = enter(timeline, ALL_THERE_IS, view);

	return ret == -ETIMEDOUT ? fail(timeline) : ret;
}

/* For who comes again. */
static int enter_soon(struct shared_timeline *timeline, int64_t patience, struct view *view)
{
	if (MUTANT(ASKS_PATIENTLY))
		return enter_patiently(timeline, view);
	return enter(timeline, patience, view);
}

/* Owners */

static bool has_owner(const uint32_t owners[SHARED_OWNERS], uint32_t id)
{
	int i;

	for (i = 0; i < SHARED_OWNERS; i++) {
		if (owners[i] == id)
			return true;
	}
	return false;
}

/* Completes what nobody will complete. @owners: those who are alive. */
static bool fail_orphans(struct shared_timeline *timeline, const struct view *view,
			 const uint32_t owners[SHARED_OWNERS])
{
	uint32_t id, known = timeline->peer.id;
	int64_t now = clock_now();
	bool failed = false;
	uint64_t serial;

	for (serial = view->tail; serial < view->next; serial++) {
		struct entry *entry = entry_of(timeline, serial);

		if (entry_state(entry, serial) != ENTRY_PENDING)
			continue;
		id = atomic_load_relaxed(&entry->owner);
		if (id == known || id == timeline->peer.id)
			continue;
		if (id && has_owner(owners, id)) {
			known = id;
			continue;
		}
		complete_entry(entry, serial, -EOWNERDEAD, now);
		failed = true;
	}
	return failed;
}

/* Looks after those who are not there any more. Returns 0 or what is wrong with the object. */
static int reap(struct shared_timeline *timeline, bool patiently)
{
	struct shared_memory *memory = timeline->memory;
	uint32_t owners[SHARED_OWNERS], dead[SHARED_OWNERS];
	bool changed = false, died = false;
	struct view view;
	int i, ret;

	for (i = 0; i < SHARED_OWNERS; i++) {
		uint32_t id = atomic_load_relaxed(&memory->owners[i]);

		dead[i] = id && !dma_fence_shared_peer_alive(&timeline->peer, id) ? id : 0;
	}
	ret = patiently ? enter_patiently(timeline, &view)
			: enter_soon(timeline, SOON_PATIENCE_NS, &view);
	if (ret)
		return ret == -ETIMEDOUT ? 0 : ret;

	for (i = 0; i < SHARED_OWNERS; i++) {
		owners[i] = atomic_load_relaxed(&memory->owners[i]);
		if (!dead[i] || owners[i] != dead[i])
			continue;
		owners[i] = 0;
		died = true;
	}
	if (fail_orphans(timeline, &view, owners))
		changed = end_all(timeline, &view);
	if (died) {
		atomic_store_release(&memory->died, 1);
		for (i = 0; i < SHARED_OWNERS; i++)
			atomic_store_release(&memory->owners[i], owners[i]);
	}
	leave(timeline, changed || died);
	return 0;
}

static bool nobody_left(const struct shared_memory *memory)
{
	int i;

	if (likely(!atomic_load_acquire(&memory->died)))
		return false;
	for (i = 0; i < SHARED_OWNERS; i++) {
		if (atomic_load_acquire(&memory->owners[i]))
			return false;
	}
	return true;
}

int dma_fence_shared_timeline_check_owners(struct shared_timeline *timeline)
{
	int64_t now = clock_now(), checked = atomic_load_relaxed(&timeline->checked);
	int ret = dma_fence_shared_timeline_broken(timeline);

	if (!ret && now - checked >= REAP_AGAIN_NS &&
	    atomic_cas_relaxed(&timeline->checked, &checked, now))
		ret = reap(timeline, false);
	if (!ret && nobody_left(timeline->memory))
		ret = -EOWNERDEAD;
	return ret;
}

/* With the lock: makes this mapping an owner. */
static int own(struct shared_timeline *timeline)
{
	struct shared_memory *memory = timeline->memory;
	int i, slot = -1;

	for (i = 0; i < SHARED_OWNERS; i++) {
		uint32_t id = atomic_load_relaxed(&memory->owners[i]);

		if (id == timeline->peer.id)
			return 0;
		if (!id && slot < 0)
			slot = i;
	}
	if (slot < 0)
		return -EUSERS;
	atomic_store_release(&memory->owners[slot], timeline->peer.id);
	atomic_store_release(&memory->died, 0);
	atomic_store_relaxed(&timeline->owns, 1);
	return 0;
}

/* As enter_patiently(), as an owner. */
static int enter_as_owner(struct shared_timeline *timeline, struct view *view)
{
	bool reaped = false;

	for (;;) {
		int ret = enter_patiently(timeline, view);

		if (ret)
			return ret;
		ret = own(timeline);
		if (!ret)
			return 0;
		leave(timeline, false);
		if (reaped)
			return ret;
		ret = reap(timeline, true);
		if (ret)
			return ret;
		reaped = true;
	}
}

static void disown(struct shared_timeline *timeline)
{
	struct shared_memory *memory = timeline->memory;
	struct view view;
	int i;

	/* Who has only looked on has nothing to let go of, and need not wait for the lock. */
	if (!atomic_load_relaxed(&timeline->owns) && !MUTANT(PUT_OF_NOTHING_WAITS))
		return;
	if (enter_patiently(timeline, &view))
		return;
	for (i = 0; i < SHARED_OWNERS; i++) {
		if (atomic_load_relaxed(&memory->owners[i]) == timeline->peer.id)
			atomic_store_release(&memory->owners[i], 0);
	}
	leave(timeline, true);
}

/* Life */

/* Takes over the doorbell if it returns 0. */
static int open_memory(int fd, int doorbell, struct shared_timeline **result)
{
	struct shared_timeline *timeline = calloc(1, sizeof(*timeline));
	int ret;

	if (!timeline)
		return -ENOMEM;
	ret = dma_fence_shared_memory_map(fd, &timeline->memory);
	if (ret)
		goto free_timeline;
	timeline->signaled = &timeline->memory->signaled;
	timeline->doorbell = doorbell;
	timeline->refcount = 1;

	/* A child has to know of each open file description that keeps this peer alive. */
	lock_acquire(&all_lock);
	ret = dma_fence_shared_peer_join(&timeline->peer, fd, &timeline->memory->last_id);
	if (!ret) {
		timeline->next = all;
		if (all)
			all->prev = timeline;
		all = timeline;
	}
	lock_release(&all_lock);
	if (ret)
		goto unmap;
	*result = timeline;
	return 0;

unmap:
	dma_fence_shared_memory_unmap(timeline->memory);
free_timeline:
	free(timeline);
	return ret;
}

static void close_memory(struct shared_timeline *timeline)
{
	lock_acquire(&all_lock);
	if (timeline->next)
		timeline->next->prev = timeline->prev;
	if (timeline->prev)
		timeline->prev->next = timeline->next;
	else
		all = timeline->next;
	dma_fence_shared_peer_leave(&timeline->peer);
	lock_release(&all_lock);
	close(timeline->doorbell);
	dma_fence_shared_memory_unmap(timeline->memory);
	free(timeline);
}

int dma_fence_shared_timeline_create(struct shared_timeline **timeline)
{
	int doorbell, ret, fd = dma_fence_shared_memory_create();

	if (fd < 0)
		return fd;
	doorbell = dma_fence_doorbell_create();
	ret = doorbell < 0 ? doorbell : open_memory(fd, doorbell, timeline);
	if (ret && doorbell >= 0)
		close(doorbell);
	close(fd);
	return ret;
}

int dma_fence_shared_timeline_import(int handle, struct shared_timeline **timeline)
{
	int ret, fds[HANDLE_FDS];

	ret = dma_fence_handle_open(handle, SHARED_MAGIC, SHARED_VERSION, fds);
	if (ret)
		return ret;
	/* What is read from is an eventfd, and not what else somebody would like to be read from. */
	ret = dma_fence_eventfd_check(fds[1]);
	if (!ret)
		ret = open_memory(fds[0], fds[1], timeline);
	else if (ret != -ENOMEM)
		ret = -EPROTO;
	if (ret)
		close(fds[1]);
	close(fds[0]);
	return ret;
}

int dma_fence_shared_timeline_export(struct shared_timeline *timeline)
{
	int ret, fds[HANDLE_FDS];
	struct view view;

	ret = enter_as_owner(timeline, &view);
	if (ret)
		return ret;
	leave(timeline, false);

	/* Not the one whose locks say that this process is alive. */
	fds[0] = dma_fence_shared_reopen(timeline->peer.fd);
	if (fds[0] < 0)
		return fds[0];
	fds[1] = timeline->doorbell;
	ret = dma_fence_handle_create(SHARED_MAGIC, SHARED_VERSION, fds);
	close(fds[0]);
	return ret;
}

struct shared_timeline *dma_fence_shared_timeline_get(struct shared_timeline *timeline)
{
	refcount_get(&timeline->refcount);
	return timeline;
}

void dma_fence_shared_timeline_put(struct shared_timeline *timeline)
{
	if (refcount_put(&timeline->refcount) != REFCOUNT_LAST)
		return;
	disown(timeline);
	close_memory(timeline);
}

/* Fork */

static void fork_prepare(void)
{
	lock_acquire(&all_lock);
}

static void fork_parent(void)
{
	lock_release(&all_lock);
}

/*
 * The child has a copy of each fd by which others see that the parent is alive, and lets go of it.
 * For others it is a peer of its own.
 */
static void fork_child(void)
{
	struct shared_timeline *timeline;

	lock_release(&all_lock);
	for (timeline = all; timeline; timeline = timeline->next) {
		struct shared_peer parent = timeline->peer;
		int ret;

		timeline->checked = 0;
		timeline->owns = 0;
		timeline->patience = (struct shared_patience){ 0 };
		if (parent.fd < 0)
			continue;
		ret = dma_fence_shared_peer_join(&timeline->peer, parent.fd,
						 &timeline->memory->last_id);
		if (ret) {
			timeline->peer = (struct shared_peer){ .fd = -1 };
			timeline->failed = ret;
		}
		dma_fence_shared_peer_leave(&parent);
	}
}

static void __attribute__((constructor)) fork_handlers(void)
{
	static struct fork_handlers handlers = {
		.order = FORK_TIMELINES,
		.prepare = fork_prepare,
		.parent = fork_parent,
		.child = fork_child,
	};

	dma_fence_at_fork(&handlers);
}

/* Producers */

int dma_fence_shared_timeline_append(struct shared_timeline *timeline, uint64_t point,
				     uint64_t *serial)
{
	struct shared_memory *memory = timeline->memory;
	struct entry *entry;
	struct view view;
	int ret;

	ret = enter_as_owner(timeline, &view);
	if (ret)
		return ret;
	if (view.next > view.life) {
		const struct entry *last = entry_of(timeline, view.next - 1);
		uint64_t last_point = atomic_load_relaxed(&last->point);

		if (entry_state(last, view.next - 1) < ENTRY_PENDING)
			return leave_broken(timeline);
		if (!point != !last_point)
			ret = -EINVAL;
		else if (point && point <= last_point)
			ret = -ERANGE;
	}
	if (!ret && view.next - view.tail >= SHARED_ENTRIES)
		ret = -EAGAIN;
	if (ret) {
		leave(timeline, false);
		return ret;
	}

	entry = entry_of(timeline, view.next);
	set_entry_state(entry, view.next, ENTRY_WRITTEN);
	atomic_store_release(&entry->point, point);
	atomic_store_release(&entry->life, point ? view.life : view.next);
	atomic_store_release(&entry->timestamp, 0);
	atomic_store_release(&entry->error, 0);
	atomic_store_release(&entry->owner, timeline->peer.id);
	set_entry_state(entry, view.next, ENTRY_PENDING);
	atomic_store_release(&memory->next, view.next + 1);
	if (!point)
		atomic_store_release(&memory->life, view.next);
	atomic_store_release(&memory->submitted, point);

	dma_fence_shared_timeline_get(timeline);
	*serial = view.next;
	leave(timeline, true);
	return 0;
}

static int complete(struct shared_timeline *timeline, uint64_t serial, int error, int64_t timestamp)
{
	struct entry *entry = entry_of(timeline, serial);
	struct view view;
	int state, ret;

	ret = enter_patiently(timeline, &view);
	if (ret)
		return ret;
	state = entry_state(entry, serial);
	if (!serial || serial >= view.next)
		ret = -EINVAL;
	else if (view.next - serial >= SHARED_RING)
		ret = -ESTALE;
	else if (state < ENTRY_PENDING)
		return leave_broken(timeline);
	else if (atomic_load_relaxed(&entry->owner) != timeline->peer.id)
		ret = -EINVAL;
	else if (state != ENTRY_PENDING)
		ret = -EALREADY;
	if (ret) {
		leave(timeline, false);
		return ret;
	}
	/* Nobody shall wait for ever because it is not an errno. */
	if (error > 0 || error < -MAX_ERRNO)
		ret = error = -EINVAL;
	complete_entry(entry, serial, error, timestamp);
	leave(timeline, end_entries(timeline, &view, serial));
	return ret;
}

int dma_fence_shared_timeline_complete(struct shared_timeline *timeline, uint64_t serial, int error,
				       int64_t timestamp)
{
	int ret = complete(timeline, serial, error, timestamp);

	dma_fence_shared_timeline_put(timeline);
	return ret;
}

int dma_fence_shared_timeline_reset(struct shared_timeline *timeline)
{
	struct view view;
	int ret = enter_patiently(timeline, &view);

	if (ret)
		return ret;
	end_life(timeline->memory, &view);
	leave(timeline, true);
	return 0;
}

/* Asking */

uint64_t dma_fence_shared_timeline_signaled(const struct shared_timeline *timeline)
{
	return atomic_load_acquire(timeline->signaled);
}

uint64_t dma_fence_shared_timeline_submitted(const struct shared_timeline *timeline)
{
	return atomic_load_acquire(&timeline->memory->submitted);
}

static int64_t past(int64_t timestamp)
{
	int64_t now = clock_now();

	if (timestamp < 0)
		return 0;
	return timestamp < now ? timestamp : now;
}

int dma_fence_shared_timeline_outcome(struct shared_timeline *timeline, uint64_t serial,
				      struct shared_outcome *outcome)
{
	const struct entry *entry = entry_of(timeline, serial);
	int state = entry_state(entry, serial);

	if (state >= ENTRY_PENDING) {
		int64_t timestamp = atomic_load_acquire(&entry->timestamp);
		int error = entry_error(entry);

		if (state != ENTRY_ENDED)
			return dma_fence_shared_timeline_broken(timeline);
		/* Only if nobody has begun to use the place for another one. */
		if (entry_state(entry, serial) == ENTRY_ENDED) {
			outcome->error = error;
			outcome->timestamp = past(timestamp);
			return 1;
		}
	}
	if (!serial || serial >= atomic_load_acquire(&timeline->memory->next))
		return -EINVAL;
	if (atomic_load_acquire(&entry->word) / ENTRY_STATES > serial)
		return -ESTALE;
	return fail(timeline);
}

/*
 * Finds the first entry with at least this point, of those that are still there. Also without the
 * lock: returns -EPROTO if the ring changes meanwhile, or is broken.
 */
static int search(const struct shared_timeline *timeline, uint64_t life, uint64_t next,
		  uint64_t point, uint64_t *serial)
{
	uint64_t low = life, high = next;

	if (life >= next)
		return -ENOENT;
	/* The place of the next one may have been written to, by somebody who was then killed. */
	if (next - low >= SHARED_RING)
		low = next - SHARED_RING + !MUTANT(OLDEST_IS_GONE);
	while (low < high) {
		uint64_t middle = low + (high - low) / 2, middle_point;
		const struct entry *entry = entry_of(timeline, middle);

		middle_point = atomic_load_acquire(&entry->point);
		if (entry_state(entry, middle) < ENTRY_PENDING)
			return -EPROTO;
		if (middle_point < point)
			low = middle + 1;
		else
			high = middle;
	}
	*serial = low;
	return low < next ? 0 : -ENOENT;
}

/* How a point ended that has passed, once one knows with which entry. */
static bool passed_outcome(struct shared_timeline *timeline, uint64_t point, uint64_t serial,
			   struct shared_outcome *outcome)
{
	const struct shared_memory *memory = timeline->memory;
	uint64_t from = atomic_load_acquire(&memory->failed_from);
	int error = atomic_load_acquire(&memory->failed_error);

	if (dma_fence_shared_timeline_outcome(timeline, serial, outcome) != 1)
		return false;
	/* Not that of the entry, which is another one if its own is not there any more. */
	outcome->error = from && point >= from ? error : 0;
	if (outcome->error > 0 || outcome->error < -MAX_ERRNO)
		outcome->error = -EPROTO;
	return true;
}

/* Without the lock. Returns 1, or 0: look again with the lock. */
static int passed_point(struct shared_timeline *timeline, uint64_t point,
			struct shared_outcome *outcome)
{
	const struct shared_memory *memory = timeline->memory;
	uint64_t serial, next, life, lives = atomic_load_acquire(&memory->lives);

	if (lives & 1 || !dma_fence_shared_timeline_passed(timeline, point))
		return 0;
	life = atomic_load_acquire(&memory->life);
	next = atomic_load_acquire(&memory->next);
	if (search(timeline, life, next, point, &serial) ||
	    !passed_outcome(timeline, point, serial, outcome))
		return 0;
	return atomic_load_relaxed(&memory->lives) == lives;
}

/* Likewise, of the binary entry. Returns 0 also if it is pending. */
static int passed_binary(struct shared_timeline *timeline, struct shared_outcome *outcome)
{
	const struct shared_memory *memory = timeline->memory;
	uint64_t next = atomic_load_acquire(&memory->next);
	uint64_t life = atomic_load_acquire(&memory->life);
	const struct entry *last = entry_of(timeline, next - 1);
	uint64_t point = atomic_load_acquire(&last->point);

	if (life >= next || point || entry_state(last, next - 1) != ENTRY_ENDED)
		return 0;
	return dma_fence_shared_timeline_outcome(timeline, next - 1, outcome) == 1;
}

static int locked_point(struct shared_timeline *timeline, uint64_t point, int64_t patience,
			uint64_t *serial, struct shared_outcome *outcome)
{
	const struct entry *last;
	struct view view;
	int ret = enter_soon(timeline, patience, &view);

	if (ret)
		return ret;
	ret = -ENOENT;
	if (view.next > view.life) {
		last = entry_of(timeline, view.next - 1);
		if (!point != !atomic_load_relaxed(&last->point)) {
			ret = -EINVAL;
		} else {
			*serial = view.next - 1;
			ret = point ? search(timeline, view.life, view.next, point, serial) : 0;
		}
	}
	if (!ret) {
		if (!point)
			ret = dma_fence_shared_timeline_outcome(timeline, *serial, outcome);
		else if (dma_fence_shared_timeline_passed(timeline, point))
			ret = passed_outcome(timeline, point, *serial, outcome) ? 1 : -EPROTO;
		if (ret < 0)
			ret = -EPROTO;
	}
	if (ret == -EPROTO)
		return leave_broken(timeline);
	leave(timeline, false);
	return ret;
}

static int passed(struct shared_timeline *timeline, uint64_t point, struct shared_outcome *outcome)
{
	return point ? passed_point(timeline, point, outcome) : passed_binary(timeline, outcome);
}

static int point_within(struct shared_timeline *timeline, uint64_t point, int64_t patience,
			uint64_t *serial, struct shared_outcome *outcome)
{
	int ret = dma_fence_shared_timeline_broken(timeline);

	if (ret)
		return ret;
	ret = passed(timeline, point, outcome);
	if (ret)
		return ret;
	ret = locked_point(timeline, point, patience, serial, outcome);
	/* It may have passed by now, or the ring been in motion only before. */
	if (ret == -ETIMEDOUT && passed(timeline, point, outcome))
		return 1;
	if (ret)
		return ret;
	/* For who comes back and asks again, and never waits. */
	dma_fence_shared_timeline_check_owners(timeline);
	ret = dma_fence_shared_timeline_outcome(timeline, *serial, outcome);
	if (ret != -ESTALE)
		return ret;
	/* Much has happened meanwhile. */
	return locked_point(timeline, point, patience, serial, outcome);
}

int dma_fence_shared_timeline_point(struct shared_timeline *timeline, uint64_t point,
				    uint64_t *serial, struct shared_outcome *outcome)
{
	return point_within(timeline, point, ASK_PATIENCE_NS, serial, outcome);
}

int dma_fence_shared_timeline_point_soon(struct shared_timeline *timeline, uint64_t point,
					 uint64_t *serial, struct shared_outcome *outcome)
{
	return point_within(timeline, point, SOON_PATIENCE_NS, serial, outcome);
}

/* Waiting */

void dma_fence_shared_timeline_arm(struct shared_timeline *timeline)
{
	atomic_fetch_or_acq_rel(&timeline->memory->changes, CHANGES_ARMED);
}

struct wait {
	struct shared_timeline *timeline;
	uint64_t point, serial; /* the serial is 0 as long as the point is not pending */
	unsigned int flags;
	struct sleeper *sleeper; /* how the caller wants to be known while he sleeps; or NULL */
};

static int wait_look_point(struct wait *wait)
{
	struct shared_outcome outcome;
	uint64_t serial;
	int ret;

	if (dma_fence_shared_timeline_passed(wait->timeline, wait->point))
		return 1;
	ret = dma_fence_shared_timeline_point_soon(wait->timeline, wait->point, &serial, &outcome);
	if (ret)
		return ret;
	wait->serial = serial;
	return wait->flags & SHARED_WAIT_AVAILABLE ? 1 : 0;
}

/* Returns 1 when the wait is over, 0 if not yet. */
static int wait_look(struct wait *wait)
{
	struct shared_outcome outcome;
	int ret;

	if (wait->serial) {
		ret = dma_fence_shared_timeline_outcome(wait->timeline, wait->serial, &outcome);
		if (!ret)
			dma_fence_shared_timeline_check_owners(wait->timeline);
		return ret == -ESTALE ? 1 : ret;
	}
	ret = wait_look_point(wait);
	if (ret == -ETIMEDOUT)
		return 0; /* nobody knows; the wait has an end of its own */
	if (ret != -ENOENT || !wait->flags)
		return ret;
	ret = dma_fence_shared_timeline_check_owners(wait->timeline);
	if (ret != -EOWNERDEAD)
		return ret;
	/* It may have been promised, and even have ended, before all of them were gone. */
	ret = wait_look_point(wait);
	return ret == -ENOENT ? -EOWNERDEAD : ret == -ETIMEDOUT ? 0 : ret;
}

static uint32_t changes_seen(const struct shared_timeline *timeline)
{
	return atomic_load_acquire(&timeline->memory->changes) &
	       ~(CHANGES_SLEEPERS | CHANGES_ARMED);
}

/* Until something has changed, or it is time to look after the owners. */
static int wait_sleep(struct shared_timeline *timeline, uint32_t seen, int64_t deadline)
{
	uint32_t *changes = &timeline->memory->changes, now = atomic_load_relaxed(changes);
	int64_t begin = clock_now(), until = begin + SHARED_CHECK_NS;
	int ret;

	/* The kernel looks at the word first, which may be another one each time. */
	if (begin >= deadline)
		return -ETIMEDOUT;
	/*
	 * What is waited for may be this process's own, and signal with a fence that it imported.
	 */
	if (!MUTANT(SHARED_UNATTENDED) && dma_fence_park_attended && !dma_fence_park_attended())
		return 0;
	if ((now & ~(CHANGES_SLEEPERS | CHANGES_ARMED)) != seen)
		return 0;
	if (!(now & CHANGES_SLEEPERS) && !atomic_cas_relaxed(changes, &now, now | CHANGES_SLEEPERS))
		return 0;
	if (deadline <= until)
		return dma_fence_shared_park_wait(changes, now | CHANGES_SLEEPERS, deadline);
	ret = dma_fence_shared_park_wait(changes, now | CHANGES_SLEEPERS, until);
	return ret == -ETIMEDOUT ? 0 : ret;
}

static int wait_spinning(struct wait *wait, bool intr, int64_t deadline, bool *told)
{
	struct spin spin = { 0 };
	bool spun = false;
	int looked, ret = 0;

	for (;;) {
		uint32_t seen = changes_seen(wait->timeline);

		looked = wait_look(wait);
		if (looked)
			break;
		if (ret == -ETIMEDOUT || (ret == -EINTR && intr))
			return ret;
		if (deadline <= 0)
			return -ETIMEDOUT;
		do {
			spun = spun || !spin_once(&spin);
		} while (!spun && changes_seen(wait->timeline) == seen);
		if (spun && wait->sleeper && !*told) {
			*told = true;
			sleep_begin(wait->sleeper);
		}
		ret = spun ? wait_sleep(wait->timeline, seen, deadline) : 0;
	}
	dma_fence_spin_learn(&spin, !spun);
	return looked > 0 ? 0 : looked;
}

static int wait_for(struct wait *wait, bool intr, int64_t deadline)
{
	bool told = false;
	int ret = wait_spinning(wait, intr, deadline, &told);

	if (told)
		sleep_end(wait->sleeper);
	return ret;
}

int dma_fence_shared_timeline_wait_as(struct shared_timeline *timeline, uint64_t point,
				      unsigned int flags, bool intr, int64_t deadline,
				      struct sleeper *sleeper)
{
	struct wait wait = {
		.timeline = timeline,
		.point = point,
		.flags = flags,
		.sleeper = sleeper,
	};

	if (likely(dma_fence_shared_timeline_passed(timeline, point)))
		return 0;
	return wait_for(&wait, intr, deadline);
}

int dma_fence_shared_timeline_wait(struct shared_timeline *timeline, uint64_t point,
				   unsigned int flags, bool intr, int64_t deadline)
{
	return dma_fence_shared_timeline_wait_as(timeline, point, flags, intr, deadline, NULL);
}

int dma_fence_shared_timeline_wait_serial(struct shared_timeline *timeline, uint64_t serial,
					  bool intr, int64_t deadline)
{
	struct wait wait = { .timeline = timeline, .serial = serial };

	return serial ? wait_for(&wait, intr, deadline) : -EINVAL;
}

int dma_fence_shared_timeline_doorbell(const struct shared_timeline *timeline)
{
	return timeline->doorbell;
}
