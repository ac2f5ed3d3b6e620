/* SPDX-License-Identifier: MIT */
/*
 * What is in the memory of a shared timeline, and where; making and mapping it.
 *
 * shared-timeline.c says who writes what when.
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
