/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/park.h"
#include "fd/mutants.h"
#include "fd/shared-lock.h"
#include "fd/shared-park.h"

/* Ids that are tried. One is taken only if somebody has had it since all were given once. */
#define TRIES 64

/* How long who waits for the lock sleeps before it asks again whether the holder is alive. */
#define SLICE_NS 10000000

static int lock_byte(int fd, int command, uint32_t id, short *type)
{
	struct flock range = {
		.l_type = *type,
		.l_whence = SEEK_SET,
		.l_start = id,
		.l_len = 1,
	};

	if (fcntl(fd, command, &range))
		return -errno;
	*type = range.l_type;
	return 0;
}

int dma_fence_shared_reopen(int fd)
{
	char path[] = "/proc/thread-self/fd/\0\0\0\0\0\0\0\0\0\0", digits[10];
	size_t end = sizeof("/proc/thread-self/fd/") - 1, count = 0;
	int ret;

	/* Without stdio, which may be locked for ever in a child of fork(). */
	do {
		digits[count++] = (char)('0' + fd % 10);
		fd /= 10;
	} while (fd);
	while (count)
		path[end++] = digits[--count];
	/* Who has a lease on it (F_SETLEASE) could hold up one that waits. */
	ret = open(path, O_RDWR | O_CLOEXEC | (MUTANT(LEASE_AWAITED) ? 0 : O_NONBLOCK));
	return ret < 0 ? -errno : ret;
}

int dma_fence_shared_peer_join(struct shared_peer *peer, int fd, uint32_t *last_id)
{
	int i, ret = dma_fence_shared_reopen(fd);

	if (ret < 0)
		return ret == -EAGAIN ? -EPROTO : ret;
	peer->fd = ret;
	for (i = 0; i < TRIES; i++) {
		short type = F_WRLCK;

		peer->id = (atomic_fetch_add_relaxed(last_id, 1) + 1) % SHARED_PEER_IDS;
		if (!peer->id)
			continue;
		ret = lock_byte(peer->fd, F_OFD_SETLK, peer->id, &type);
		if (!ret)
			return 0;
		if (ret != -EAGAIN && ret != -EACCES)
			break;
	}
	close(peer->fd);
	return ret == -ENOLCK || ret == -ENOMEM ? -ENOMEM : -EPROTO;
}

void dma_fence_shared_peer_leave(struct shared_peer *peer)
{
	close(peer->fd);
}

bool dma_fence_shared_peer_alive(const struct shared_peer *peer, uint32_t id)
{
	short type = F_WRLCK;

	/* One's own locks are not in one's own way. */
	if (id == peer->id || MUTANT(DEATH_NOT_NOTICED))
		return true;
	return lock_byte(peer->fd, F_OFD_GETLK, id, &type) || type != F_UNLCK;
}

static int lock_contended(uint32_t *lock, const struct shared_peer *peer, int64_t patience)
{
	int64_t now = clock_now(), deadline = now + patience;
	uint32_t state, turns = 0;

	do {
		state = 0;
		if (!atomic_load_relaxed(lock) && atomic_cas_acquire(lock, &state, peer->id))
			return 0;
	} while (spin_briefly(&turns));

	/* From here on the lock is taken as one that somebody sleeps for, see base/lock.c. */
	for (;; now = clock_now()) {
		uint32_t holder;

		state = atomic_load_relaxed(lock);
		holder = state & ~SHARED_LOCK_WAITED;
		if (!holder || !dma_fence_shared_peer_alive(peer, holder)) {
			if (atomic_cas_acquire(lock, &state, peer->id | SHARED_LOCK_WAITED))
				return holder ? SHARED_LOCK_INHERITED : 0;
		} else if (state & SHARED_LOCK_WAITED ||
			   atomic_cas_relaxed(lock, &state, state | SHARED_LOCK_WAITED)) {
			int64_t until = now + SLICE_NS;

			dma_fence_shared_park_wait(lock, holder | SHARED_LOCK_WAITED,
						   until < deadline ? until : deadline);
		}
		if (now >= deadline)
			return -ETIMEDOUT;
	}
}

int dma_fence_shared_lock(uint32_t *lock, const struct shared_peer *peer, int64_t patience)
{
	if (likely(dma_fence_shared_try_lock(lock, peer)))
		return 0;
	return lock_contended(lock, peer, patience);
}

void dma_fence_shared_unlock(uint32_t *lock, const struct shared_peer *peer)
{
	uint32_t state = peer->id;

	if (likely(atomic_cas_release(lock, &state, 0)))
		return;
	if (state == (peer->id | SHARED_LOCK_WAITED) && atomic_cas_release(lock, &state, 0))
		dma_fence_shared_park_wake(lock, 1);
}
