/* SPDX-License-Identifier: MIT */
/*
 * What is mapped in an address space, as the engines of one tile see it.
 *
 * Entries name the backing of a buffer (backing.h), not its memory: an engine finds out under the
 * tile's lock whether the memory is still there, and holds that lock for as long as it uses the
 * pointer. Whoever changes a mapping, or returns memory, takes the lock for writing, and knows then
 * that no engine of the tile uses what was there. So engines hold it for a row of a picture or some
 * ten thousand bytes at a time.
 */
#ifndef SOFTGPU_PAGE_TABLE_H
#define SOFTGPU_PAGE_TABLE_H

#include <pthread.h>

#include <softgpu/softgpu.h>

struct backing;
struct page_table;

/* With room for the name of a buffer, which may be gone by the time that it is read. */
struct fault {
	struct softgpu_fault public;
	char buffer[64];
};

/*
 * lock: of the tile, initialised by softgpu_tile_lock_init(), and shared by all its tables. NULL:
 * no memory.
 */
struct page_table *softgpu_page_table_create(pthread_rwlock_t *lock);
/* Nobody uses it any more. */
void softgpu_page_table_destroy(struct page_table *table);

/* Prefers writers: engines come again and again. So nobody may hold it for reading twice. */
int softgpu_tile_lock_init(pthread_rwlock_t *lock);

/* Around softgpu_page_table_find(), and all use of what it returns. Not held at a safe point. */
void softgpu_page_table_begin(struct page_table *table);
void softgpu_page_table_end(struct page_table *table);

/*
 * Where an address is: the memory from there on, and how much of it, at most 'bytes', lies
 * together. (It does not look further than SOFTGPU_LOOK_BYTES: there may be more.) NULL if it is
 * not to be had; then kind, write, address, buffer, offset, since_ns of the fault are stored, and
 * the rest of it is left alone. The name is in the fault itself: who copies it makes the copy's
 * point there.
 */
#define SOFTGPU_LOOK_BYTES (1 << 20)
void *softgpu_page_table_find(struct page_table *table, uint64_t address, uint64_t bytes,
			      bool write, uint64_t *together, struct fault *fault);

/*
 * Makes all nodes that the binds need, so that softgpu_page_table_apply() cannot fail, and looks
 * that they make sense: -EINVAL, -ENOMEM. Nodes stay until the table goes. Any thread, and no need
 * of the lock.
 */
int softgpu_page_table_prepare(struct page_table *table, const struct softgpu_bind *binds,
			       unsigned int num_binds);

/*
 * Does the binds, under the lock, which it takes. backings[i] is that of binds[i].bo, or NULL; and
 * it, not the buffer, is what must be there.
 */
void softgpu_page_table_apply(struct page_table *table, const struct softgpu_bind *binds,
			      struct backing *const *backings, unsigned int num_binds);

#endif
