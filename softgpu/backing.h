/* SPDX-License-Identifier: MIT */
/*
 * The memory of a buffer, apart from the buffer: it outlives the last reference until the fences
 * have signaled; and what is left of it then (a name) until no page table mentions it.
 */
#ifndef SOFTGPU_BACKING_H
#define SOFTGPU_BACKING_H

#include <pthread.h>

#include <softgpu/softgpu.h>

struct backing {
	/* The buffer's, those of binds that wait for their time, and one for each entry. */
	uint64_t refcount;
	/*
	 * Changes once, to NULL, when the memory goes back. An engine that has found it, under the
	 * lock of its tile, has it until it lets go of the lock.
	 */
	char *memory;
	uint64_t bytes;
	int fd;
	/* SOFTGPU_CHECK=uaf: when that was; else 0 */
	int64_t returned_ns;
	char name[64];
};

/* Rounds up to whole pages. NULL with errno EINVAL, ENOMEM, EMFILE. */
struct backing *softgpu_backing_create(uint64_t bytes, const char *name);
struct backing *softgpu_backing_get(struct backing *backing);
void softgpu_backing_get_many(struct backing *backing, uint64_t count);
void softgpu_backing_put(struct backing *backing);

/* NULL once it has gone back. */
char *softgpu_backing_memory(const struct backing *backing);

/*
 * Gives the memory back, when no engine uses it any more, which it waits for: each lock is taken
 * for writing once.
 * @check_uaf: poison it for who still has the memfd, and keep the addresses where it was from being
 *	used again
 */
void softgpu_backing_return(struct backing *backing, pthread_rwlock_t *tile_locks, bool check_uaf);

/* Of a buffer that the caller has a reference to. */
struct backing *softgpu_bo_backing(struct softgpu_bo *bo);

#endif
