/* SPDX-License-Identifier: MIT */
/*
 * A lock in memory that processes share, whose holder can die, and who is alive.
 *
 * Not a robust mutex of pthreads: that keeps pointers in the mutex itself, which the next thread
 * that unlocks it follows. Whoever shares the memory could have the others write anywhere.
 *
 * Each mapping of the memory is a peer. It has an id, which is a byte in the memory's file, and
 * holds a write lock on that byte (F_OFD_SETLK) through an open file description that nobody else
 * has. The kernel drops the lock when the process ends, whatever ends it. So a peer is alive if its
 * byte is locked, and nobody has to be told that one died.
 *
 * The lock is a word with the id of who holds it, or 0. Who has waited for a moment asks whether
 * that one is alive, and if it is not, takes the lock as it is, and has to look after what it
 * protects.
 *
 * The threads of a process can share a peer. They die together.
 */
#ifndef DMAFENCE_FD_SHARED_LOCK_H
#define DMAFENCE_FD_SHARED_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

/* Of the 32 bits of a lock, one says that somebody sleeps. */
#define SHARED_PEER_IDS	   (UINT32_C(1) << 31)
#define SHARED_LOCK_WAITED SHARED_PEER_IDS

struct shared_peer {
	int fd;	     /* an open file description of its own */
	uint32_t id; /* at least 1, below SHARED_PEER_IDS */
};

/**
 * dma_fence_shared_peer_join - becomes a peer
 * @fd: the memory, by any open file description; stays the caller's
 * @last_id: in the memory: the id that was last given
 *
 * Makes no call that it could not make in a child of fork().
 *
 * Returns 0; -EPROTO if there is no id to be had; -EMFILE, -ENFILE, -ENOMEM, or what else the
 * kernel says (without /proc: -ENOENT).
 */
int dma_fence_shared_peer_join(struct shared_peer *peer, int fd, uint32_t *last_id);

/** dma_fence_shared_peer_leave - for the others it is as if the peer had died */
void dma_fence_shared_peer_leave(struct shared_peer *peer);

/** dma_fence_shared_reopen - another open file description; returns an fd or -errno */
int dma_fence_shared_reopen(int fd);

/** dma_fence_shared_peer_alive - whether the peer with an @id is; @peer: who asks, itself alive */
bool dma_fence_shared_peer_alive(const struct shared_peer *peer, uint32_t id);

/** dma_fence_shared_try_lock - takes the lock if it is free */
static inline bool dma_fence_shared_try_lock(uint32_t *lock, const struct shared_peer *peer)
{
	uint32_t state = 0;

	return atomic_cas_acquire(lock, &state, peer->id);
}

/* What dma_fence_shared_lock() returns if the lock was one of a dead peer. */
#define SHARED_LOCK_INHERITED 1

/**
 * dma_fence_shared_lock - takes the lock
 * @patience: for how long it may wait, in ns
 *
 * Returns 0, SHARED_LOCK_INHERITED or -ETIMEDOUT.
 */
int dma_fence_shared_lock(uint32_t *lock, const struct shared_peer *peer, int64_t patience);

/** dma_fence_shared_unlock - does nothing to a lock that somebody else has taken away */
void dma_fence_shared_unlock(uint32_t *lock, const struct shared_peer *peer);

#endif
