/* SPDX-License-Identifier: MIT */
/*
 * What is in the memory of a shared timeline, and why one can rely on it; making and mapping it.
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
 * Whoever wants the lock then, and each one who waits does now and then (shared-owners.c), gets it,
 * and mends what has been begun (dma_fence_shared_repair()). Between any two stores:
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
 * that lives has kept the lock for too long (fd/shared-section.h), the object is broken, for all:
 * 'broken' is set, and everybody woken. Each mapping also remembers that by itself. Sleeps have an
 * end. To ring the doorbell does not block.
 */
#ifndef DMAFENCE_FD_SHARED_MEMORY_H
#define DMAFENCE_FD_SHARED_MEMORY_H

#include <stdint.h>

#include "fd/shared-timeline.h"

#define SHARED_MAGIC   UINT64_C(0x656e6c656d697464) /* "dtimelne" */
#define SHARED_VERSION 2

/* Twice as many as can be pending: how one ended is known for as many later ones, at least. */
#define SHARED_RING (2 * SHARED_ENTRIES)

enum entry_state {
	ENTRY_WRITTEN, /* is being appended, or never was */
	ENTRY_PENDING,
	ENTRY_COMPLETED, /* but one before it in the same life is not */
	ENTRY_ENDED,
};

struct entry {
	uint64_t word; /* serial and enum entry_state */
	uint64_t point;
	uint64_t life;	   /* the serial with which its life began */
	int64_t timestamp; /* its own, and when it has ended, with those before it */
	int32_t error;	   /* likewise */
	uint32_t owner;	   /* the id of the peer who appended it */
};

#define ENTRY_STATES		  4
#define ENTRY_WORD(serial, state) ((serial)*ENTRY_STATES + (state))

/* Of the word of changes: how often something has changed, and who wants to be told next time. */
#define CHANGES_SLEEPERS UINT32_C(1) /* threads that sleep on it */
#define CHANGES_ARMED	 UINT32_C(2) /* processes that watch the doorbell */

struct shared_memory {
	uint64_t magic;
	uint32_t version;
	uint32_t size;

	/* What is read without the lock: */

	uint64_t signaled __attribute__((aligned(64)));
	uint32_t changes;
	uint32_t broken;
	uint64_t submitted;
	uint64_t lives;	      /* odd while a life is being ended */
	uint64_t life;	      /* the serial with which this life began, or will */
	uint64_t next;	      /* the serial that will be given next; the first is 1 */
	uint64_t failed_from; /* the first point of this life that failed, or 0 */
	int32_t failed_error;
	uint32_t died; /* an owner died, and there has been no new one since */

	/* Written with the lock only, and read so, bar the last id and the owners: */

	uint32_t lock __attribute__((aligned(64)));
	uint32_t last_id;
	uint64_t tail;			/* all entries before it have ended */
	uint32_t owners[SHARED_OWNERS]; /* ids, or 0 */

	struct entry ring[SHARED_RING] __attribute__((aligned(64)));
};

/**
 * dma_fence_shared_memory_create - makes the memory, with nothing in it
 *
 * Returns an fd, or -errno.
 */
int dma_fence_shared_memory_create(void);

/**
 * dma_fence_shared_memory_map - maps it
 * @fd: stays the caller's
 *
 * Returns 0, -ENOMEM, or -EPROTO if it is not what dma_fence_shared_memory_create() makes.
 */
int dma_fence_shared_memory_map(int fd, struct shared_memory **memory);

void dma_fence_shared_memory_unmap(struct shared_memory *memory);

#endif
