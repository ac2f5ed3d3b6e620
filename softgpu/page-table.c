/* SPDX-License-Identifier: MIT */
/*
 * A tree of nodes with 512 slots each, over the pages of 48-bit addresses. A slot has an entry,
 * which says what is mapped in all of its range, however large that is; or else what is there is
 * said by the node below it, if there is one.
 *
 * So a bind of any size touches the nodes along its two ends, and those that were there in between.
 * When a slot gets an entry all below it is emptied, but stays: another bind may be waiting for its
 * time that needs it. When a part of its range is bound differently the entry moves down, into the
 * node below, which whoever binds a part has seen to that it is there.
 */
#include "page-table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "backing.h"
#include "clock.h"
#include "mutants.h"

#define SLOT_BITS 9
#define NUM_SLOTS (1 << SLOT_BITS)
#define TOP_LEVEL 3

/* All of it in pages. */
#define PAGES_END (SOFTGPU_ADDRESS_END / SOFTGPU_PAGE_SIZE)

_Static_assert(PAGES_END == UINT64_C(1) << (SLOT_BITS * (TOP_LEVEL + 1)),
	       "levels for all addresses");

struct entry {
	struct backing *backing; /* NULL: none */
	uint64_t page : 63;	 /* of the backing, at the beginning of the range */
	uint64_t writable : 1;
};

struct node {
	/* How many slots have an entry, or something below. */
	unsigned int used;
	struct entry entries[NUM_SLOTS];
	/* As many, but not on level 0. They come while others read: atomically. */
	struct node *below[];
};

struct page_table {
	/* The tile's: for all but the making of nodes. */
	pthread_rwlock_t *lock;
	pthread_mutex_t nodes_lock;
	struct node *top;
};

/* As much as the bit-field of a page holds: all of a backing's. */
#define PAGE_MASK (UINT64_MAX >> 1)

static inline void advance(struct entry *entry, uint64_t pages)
{
	entry->page = (entry->page + pages) & PAGE_MASK;
}

/* How many pages a slot is. */
static inline uint64_t slot_pages(unsigned int level)
{
	return UINT64_C(1) << (SLOT_BITS * level);
}

static inline struct node *node_below(struct node *node, unsigned int level, unsigned int slot)
{
	return level ? __atomic_load_n(&node->below[slot], __ATOMIC_ACQUIRE) : NULL;
}

static struct node *create_node(unsigned int level)
{
	return calloc(1, sizeof(struct node) + (level ? NUM_SLOTS * sizeof(struct node *) : 0));
}

static void destroy_node(struct node *node, unsigned int level)
{
	unsigned int slot;

	for (slot = 0; slot < NUM_SLOTS; slot++) {
		struct node *below = node_below(node, level, slot);

		if (node->entries[slot].backing)
			softgpu_backing_put(node->entries[slot].backing);
		if (below)
			destroy_node(below, level - 1);
	}
	free(node);
}

int softgpu_tile_lock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;
	int ret = pthread_rwlockattr_init(&attr);

	if (ret)
		return -ret;
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	ret = pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return -ret;
}

struct page_table *softgpu_page_table_create(pthread_rwlock_t *lock)
{
	struct page_table *table = malloc(sizeof(*table));
	struct node *top = table ? create_node(TOP_LEVEL) : NULL;

	if (!top) {
		free(table);
		return NULL;
	}
	table->lock = lock;
	table->top = top;
	pthread_mutex_init(&table->nodes_lock, NULL);
	return table;
}

void softgpu_page_table_destroy(struct page_table *table)
{
	if (!table)
		return;
	destroy_node(table->top, TOP_LEVEL);
	pthread_mutex_destroy(&table->nodes_lock);
	free(table);
}

void softgpu_page_table_begin(struct page_table *table)
{
	pthread_rwlock_rdlock(table->lock);
}

void softgpu_page_table_end(struct page_table *table)
{
	pthread_rwlock_unlock(table->lock);
}

/* Looking */

/* The entry for a page, as it is from that page on, and how many pages are left of it. */
static bool look_up(struct page_table *table, uint64_t page, struct entry *entry, uint64_t *left)
{
	struct node *node = table->top;
	unsigned int level = TOP_LEVEL;

	while (node) {
		uint64_t within = page % slot_pages(level);
		unsigned int slot = page / slot_pages(level) % NUM_SLOTS;

		if (node->entries[slot].backing) {
			*entry = node->entries[slot];
			advance(entry, within);
			*left = slot_pages(level) - within;
			return true;
		}
		node = node_below(node, level, slot);
		level--;
	}
	return false;
}

/* The last page before 'end' (counted within the node) that is mapped, and its entry. */
static bool last_mapped(struct node *node, unsigned int level, uint64_t end, struct entry *entry,
			uint64_t *page)
{
	uint64_t size = slot_pages(level);
	unsigned int slot;

	if (!node->used)
		return false;
	for (slot = (unsigned int)((end + size - 1) / size); slot-- > 0; end = slot * size) {
		struct node *below = node_below(node, level, slot);

		if (node->entries[slot].backing) {
			*entry = node->entries[slot];
			advance(entry, end - 1 - slot * size);
			*page = end - 1;
			return true;
		}
		if (below && last_mapped(below, level - 1, end - slot * size, entry, page)) {
			*page += slot * size;
			return true;
		}
	}
	return false;
}

/* entry: that of the page where the buffer is, which the address may be above. NULL: no buffer. */
static void *fail(struct fault *fault, enum softgpu_fault_kind kind, bool write, uint64_t address,
		  const struct entry *entry, uint64_t page)
{
	const struct backing *backing = entry ? entry->backing : NULL;

	fault->public.kind = kind;
	fault->public.write = write;
	fault->public.address = address;
	fault->public.buffer = fault->buffer;
	fault->public.offset = 0;
	fault->public.since_ns = 0;
	snprintf(fault->buffer, sizeof(fault->buffer), "%s", backing ? backing->name : "");
	if (backing)
		fault->public.offset =
			address - page * SOFTGPU_PAGE_SIZE + entry->page * SOFTGPU_PAGE_SIZE;
	if (kind == SOFTGPU_FAULT_RETURNED && backing->returned_ns)
		fault->public.since_ns = clock_now() - backing->returned_ns;
	return NULL;
}

static void *not_mapped(struct page_table *table, uint64_t address, bool write, struct fault *fault)
{
	uint64_t page = address / SOFTGPU_PAGE_SIZE;
	struct entry entry;
	bool found = last_mapped(table->top, TOP_LEVEL, page < PAGES_END ? page : PAGES_END, &entry,
				 &page);

	return fail(fault, SOFTGPU_FAULT_NOT_MAPPED, write, address, found ? &entry : NULL, page);
}

void *softgpu_page_table_find(struct page_table *table, uint64_t address, uint64_t bytes,
			      bool write, uint64_t *together, struct fault *fault)
{
	uint64_t page = address / SOFTGPU_PAGE_SIZE;
	struct entry entry, next;
	uint64_t have, wanted, left;
	char *memory;

	if (page >= PAGES_END || !look_up(table, page, &entry, &left))
		return not_mapped(table, address, write, fault);
	memory = softgpu_backing_memory(entry.backing);
	if (!memory)
		return fail(fault, SOFTGPU_FAULT_RETURNED, write, address, &entry, page);
	if (write && !entry.writable)
		return fail(fault, SOFTGPU_FAULT_READ_ONLY, write, address, &entry, page);
	wanted = bytes < SOFTGPU_LOOK_BYTES ? bytes : SOFTGPU_LOOK_BYTES;
	have = left * SOFTGPU_PAGE_SIZE - address % SOFTGPU_PAGE_SIZE;
	while (have < wanted) {
		uint64_t page_then = (address + have) / SOFTGPU_PAGE_SIZE;

		if (page_then >= PAGES_END || !look_up(table, page_then, &next, &left) ||
		    next.backing != entry.backing || next.page - entry.page != page_then - page ||
		    (write && !next.writable && !MUTANT(READ_ONLY_FOR_A_PAGE)))
			break;
		have += left * SOFTGPU_PAGE_SIZE;
	}
	*together = have < bytes ? have : bytes;
	return memory + entry.page * SOFTGPU_PAGE_SIZE + address % SOFTGPU_PAGE_SIZE;
}

/* Making nodes */

static bool is_page_multiple(uint64_t value)
{
	return value % SOFTGPU_PAGE_SIZE == 0;
}

static bool makes_sense(const struct softgpu_bind *bind)
{
	uint64_t size;

	if (bind->flags != 0 && bind->flags != SOFTGPU_BIND_UNMAP &&
	    bind->flags != SOFTGPU_BIND_READ_ONLY)
		return false;
	if (!bind->bytes || !is_page_multiple(bind->bytes) || !is_page_multiple(bind->address) ||
	    bind->address >= SOFTGPU_ADDRESS_END ||
	    bind->bytes > SOFTGPU_ADDRESS_END - bind->address)
		return false;
	if (bind->flags & SOFTGPU_BIND_UNMAP)
		return true;
	if (!bind->bo || !is_page_multiple(bind->offset))
		return false;
	size = softgpu_bo_size(bind->bo);
	return bind->offset < size && bind->bytes <= size - bind->offset;
}

/* A node is needed wherever a part of a slot is bound: at the ends. */
static int add_nodes(struct node *node, unsigned int level, uint64_t first, uint64_t end)
{
	uint64_t size = slot_pages(level);
	int ret = 0;

	while (!ret && first < end) {
		unsigned int slot = (unsigned int)(first / size);
		uint64_t begin = slot * size;
		uint64_t part_end = end < begin + size ? end : begin + size;
		struct node *below;

		if (part_end - first == size) {
			/* All that are whole at once. */
			first = end / size * size;
			continue;
		}
		below = node_below(node, level, slot);
		if (!below) {
			below = create_node(level - 1);
			if (!below)
				return -ENOMEM;
			__atomic_store_n(&node->below[slot], below, __ATOMIC_RELEASE);
		}
		ret = add_nodes(below, level - 1, first - begin, part_end - begin);
		first = part_end;
	}
	return ret;
}

int softgpu_page_table_prepare(struct page_table *table, const struct softgpu_bind *binds,
			       unsigned int num_binds)
{
	unsigned int i;
	int ret = 0;

	if (!num_binds || !binds)
		return -EINVAL;
	for (i = 0; i < num_binds; i++) {
		if (!makes_sense(&binds[i]))
			return -EINVAL;
	}
	pthread_mutex_lock(&table->nodes_lock);
	for (i = 0; i < num_binds && !ret; i++) {
		uint64_t first = binds[i].address / SOFTGPU_PAGE_SIZE;

		ret = add_nodes(table->top, TOP_LEVEL, first,
				first + binds[i].bytes / SOFTGPU_PAGE_SIZE);
	}
	pthread_mutex_unlock(&table->nodes_lock);
	return ret;
}

/* Changing what is mapped */

static bool is_used(struct node *node, unsigned int level, unsigned int slot)
{
	struct node *below = node_below(node, level, slot);

	return node->entries[slot].backing || (below && below->used);
}

/* Gives the slot an entry, or with a backing of NULL none. */
static void set_entry(struct node *node, unsigned int slot, const struct entry *entry)
{
	struct backing *before = node->entries[slot].backing;

	node->entries[slot] = *entry;
	if (entry->backing)
		softgpu_backing_get(entry->backing);
	if (before)
		softgpu_backing_put(before);
}

static void empty_node(struct node *node, unsigned int level)
{
	static const struct entry none;
	unsigned int slot;

	if (!node->used)
		return;
	for (slot = 0; slot < NUM_SLOTS; slot++) {
		struct node *below = node_below(node, level, slot);

		set_entry(node, slot, &none);
		if (below)
			empty_node(below, level - 1);
	}
	node->used = 0;
}

/* What a slot has an entry for has one for each part of it, in the node below, which is empty. */
static void move_down(struct node *node, unsigned int level, unsigned int slot, struct node *below)
{
	struct entry entry = node->entries[slot];
	unsigned int i;

	if (!entry.backing)
		return;
	if (!MUTANT(PARTS_NOT_COUNTED))
		softgpu_backing_get_many(entry.backing, NUM_SLOTS - 1);
	for (i = 0; i < NUM_SLOTS; i++) {
		below->entries[i] = entry;
		advance(&entry, slot_pages(level - 1));
	}
	below->used = NUM_SLOTS;
	node->entries[slot].backing = NULL;
}

/* Pages are counted within the node. */
static void set_pages(struct node *node, unsigned int level, uint64_t first, uint64_t end,
		      struct entry entry)
{
	uint64_t size = slot_pages(level);

	while (first < end) {
		unsigned int slot = (unsigned int)(first / size);
		uint64_t begin = slot * size;
		uint64_t part_end = end < begin + size ? end : begin + size;
		struct node *below = node_below(node, level, slot);
		bool was_used = is_used(node, level, slot);

		if (part_end - first == size) {
			set_entry(node, slot, &entry);
			if (below && !MUTANT(PARTS_STAY_MAPPED))
				empty_node(below, level - 1);
		} else {
			move_down(node, level, slot, below);
			set_pages(below, level - 1, first - begin, part_end - begin, entry);
		}
		if (is_used(node, level, slot) != was_used)
			node->used = was_used ? node->used - 1 : node->used + 1;
		advance(&entry, part_end - first);
		first = part_end;
	}
}

void softgpu_page_table_apply(struct page_table *table, const struct softgpu_bind *binds,
			      struct backing *const *backings, unsigned int num_binds)
{
	unsigned int i;

	pthread_rwlock_wrlock(table->lock);
	for (i = 0; i < num_binds; i++) {
		bool unmap = binds[i].flags & SOFTGPU_BIND_UNMAP;
		uint64_t first = binds[i].address / SOFTGPU_PAGE_SIZE;
		uint64_t offset = binds[i].offset / SOFTGPU_PAGE_SIZE;

		set_pages(table->top, TOP_LEVEL, first, first + binds[i].bytes / SOFTGPU_PAGE_SIZE,
			  (struct entry){
				  .backing = unmap ? NULL : backings[i],
				  .page = unmap ? 0 : offset & PAGE_MASK,
				  .writable = !(binds[i].flags & SOFTGPU_BIND_READ_ONLY),
			  });
	}
	pthread_rwlock_unlock(table->lock);
}
