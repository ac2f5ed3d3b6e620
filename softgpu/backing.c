/* SPDX-License-Identifier: MIT */
/* The memory of a buffer: a memfd, mapped. */
#include "backing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "mutants.h"

/* What a byte of memory is that was returned. */
#define POISON 0x6b

/* Nobody who gets the memfd is to make it shorter under those who use the memory. */
static bool has_size(struct backing *backing)
{
	return ftruncate(backing->fd, (off_t)backing->bytes) == 0 &&
	       fcntl(backing->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
}

static char *map(struct backing *backing)
{
	char label[16 + sizeof(backing->name)];
	void *memory = MAP_FAILED;

	/* Named in /proc/PID/maps. */
	snprintf(label, sizeof(label), "softgpu:%s", backing->name);
	backing->fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (backing->fd < 0)
		return NULL;
	if (has_size(backing))
		memory = mmap(NULL, backing->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, backing->fd,
			      0);
	if (memory != MAP_FAILED)
		return memory;
	close(backing->fd);
	return NULL;
}

struct backing *softgpu_backing_create(uint64_t bytes, const char *name)
{
	struct backing *backing;

	/* No address space has room for more. */
	if (!bytes || bytes > SOFTGPU_ADDRESS_END) {
		errno = EINVAL;
		return NULL;
	}
	backing = calloc(1, sizeof(*backing));
	if (!backing)
		return NULL;
	backing->refcount = 1;
	backing->bytes = (bytes + SOFTGPU_PAGE_SIZE - 1) / SOFTGPU_PAGE_SIZE * SOFTGPU_PAGE_SIZE;
	snprintf(backing->name, sizeof(backing->name), "%s", name ? name : "");
	backing->memory = map(backing);
	if (!backing->memory) {
		/* Whether it is this process that has too many files or the system. */
		int error = errno == EMFILE || errno == ENFILE ? EMFILE : ENOMEM;

		free(backing);
		errno = error;
		return NULL;
	}
	return backing;
}

struct backing *softgpu_backing_get(struct backing *backing)
{
	softgpu_backing_get_many(backing, 1);
	return backing;
}

void softgpu_backing_get_many(struct backing *backing, uint64_t count)
{
	__atomic_fetch_add(&backing->refcount, count, __ATOMIC_RELAXED);
}

char *softgpu_backing_memory(const struct backing *backing)
{
	return __atomic_load_n(&backing->memory, __ATOMIC_ACQUIRE);
}

/*
 * Only where there is something: a buffer that was hardly used is not to need all its memory in the
 * end.
 */
static void poison(struct backing *backing, char *memory)
{
	off_t from, to = 0;

	while ((from = lseek(backing->fd, to, SEEK_DATA)) >= 0) {
		to = lseek(backing->fd, from, SEEK_HOLE);
		if (to <= from)
			return;
		memset(memory + from, POISON, (size_t)(to - from));
	}
}

static void give_back(struct backing *backing, char *memory, bool check_uaf)
{
	void *kept = MAP_FAILED;

	if (check_uaf) {
		poison(backing, memory);
		kept = MUTANT(ADDRESSES_USED_AGAIN)
			       ? MAP_FAILED
			       : mmap(memory, backing->bytes, PROT_NONE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
				      0);
	}
	/* Where there are too many mappings to keep another the memory is more important. */
	if (kept == MAP_FAILED)
		munmap(memory, backing->bytes);
	close(backing->fd);
	backing->fd = -1;
}

void softgpu_backing_return(struct backing *backing, pthread_rwlock_t *tile_locks, bool check_uaf)
{
	char *memory = backing->memory;
	int tile;

	if (check_uaf)
		backing->returned_ns = clock_now();
	__atomic_store_n(&backing->memory, NULL, __ATOMIC_RELEASE);
	/* Who has found it before holds one of these, and who comes after does not find it. */
	for (tile = 0; tile < SOFTGPU_NUM_TILES && !MUTANT(USED_WHILE_RETURNED); tile++) {
		pthread_rwlock_wrlock(&tile_locks[tile]);
		pthread_rwlock_unlock(&tile_locks[tile]);
	}
	give_back(backing, memory, check_uaf);
}

void softgpu_backing_put(struct backing *backing)
{
	if (__atomic_sub_fetch(&backing->refcount, 1, __ATOMIC_ACQ_REL))
		return;
	/* It never was in a page table, or in one that is gone. */
	if (backing->memory)
		give_back(backing, backing->memory, false);
	free(backing);
}
