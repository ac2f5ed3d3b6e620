/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "counters.h"
#include "explore.h"
#include "memory.h"
#include "thread.h"
#include "trace.h"

/* The times of the last access of each kind by each thread. */
struct cell {
	struct vclock last[ACCESSES];
};

/* Eight bytes. Of most of them all are always accessed together, and then there is one cell. */
struct granule {
	struct granule *next; /* of the run */
	uint64_t *address;
	uint64_t first_value;
	struct location *locations;
	bool split;
	struct cell cells[8];
};

struct region {
	char *begin, *end;
	struct granule **granules;
};

/*
 * Each thread has a part of the heap of its own, so that what an allocation returns does not depend
 * on what others do. What is freed is not used again in the same run, unless the scenario says so.
 */
#define HEAP	  ((char *)0x10000000000)
#define HEAP_PART (64 * 1024)
#define HEAP_SIZE (THREADS * (size_t)HEAP_PART)

struct block {
	struct block *next;
	char *address;
	size_t size;
	bool freed;
	void *allocated_by, *freed_by;
	/* the thread that has freed it, and when */
	unsigned int freed_in;
	int16_t freed_at;
};

enum {
	REGION_HEAP,
	REGION_DATA,
	REGION_STACK,
	REGIONS = REGION_STACK + THREADS,
};

extern char __data_start[], _end[];

static struct region regions[REGIONS];
static struct block *block_of[HEAP_SIZE / 8];
static char *heap_next[THREADS];
static struct granule *granules;
static struct block *blocks;
static struct location pseudo_locations[PSEUDO_LOCATIONS];
static const char *ending; /* the store that is looked at is the end of an object: "freed", say */

/* For the length of a run. */
#define RUN_MEMORY ((size_t)64 << 20)
static char *run_memory, *run_memory_next;

void *run_alloc(size_t size)
{
	char *address = run_memory_next;

	run_memory_next += (size + 15) & ~(size_t)15;
	if (run_memory_next > run_memory + RUN_MEMORY)
		failed(VERDICT_LIVELOCK, "a run needs more than %zu bytes", RUN_MEMORY);
	return address;
}

static char *map(void *where, size_t size)
{
	char *address =
		mmap(where, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | (where ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	if (address == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return address;
}

static void add_region(unsigned int index, char *begin, char *end)
{
	struct region *region = &regions[index];

	region->begin = (char *)((uintptr_t)begin & ~(uintptr_t)7);
	region->end = end;
	region->granules = (struct granule **)(void *)map(
		NULL, ((size_t)(end - region->begin) / 8 + 1) * sizeof(struct granule *));
}

void memory_init(void)
{
	unsigned int i;

	run_memory = map(NULL, RUN_MEMORY);
	add_region(REGION_HEAP, map(HEAP, HEAP_SIZE), HEAP + HEAP_SIZE);
	add_region(REGION_DATA, __data_start, _end);
	for (i = 0; i < THREADS; i++)
		add_region(REGION_STACK + i, threads[i].stack, threads[i].stack + STACK_SIZE);
}

static struct granule **granule_slot(struct region *region, const char *address)
{
	return &region->granules[(size_t)(address - region->begin) / 8];
}

static bool in_heap(const char *address)
{
	return (uintptr_t)address - (uintptr_t)HEAP < HEAP_SIZE;
}

static struct region *region_of(const char *address)
{
	const size_t on_stacks = (size_t)((uintptr_t)address - (uintptr_t)STACKS);

	if (in_heap(address))
		return &regions[REGION_HEAP];
	if (on_stacks < THREADS * STACK_DISTANCE && on_stacks % STACK_DISTANCE < STACK_SIZE)
		return &regions[REGION_STACK + on_stacks / STACK_DISTANCE];
	if (address >= regions[REGION_DATA].begin && address < regions[REGION_DATA].end)
		return &regions[REGION_DATA];
	return NULL;
}

void memory_reset(void)
{
	struct granule *granule;
	struct block *block;
	unsigned int i;

	for (granule = granules; granule; granule = granule->next) {
		struct region *region = region_of((char *)granule->address);

		*granule_slot(region, (char *)granule->address) = NULL;
		if (region == &regions[REGION_DATA])
			*granule->address = granule->first_value;
	}
	for (block = blocks; block; block = block->next)
		memset(&block_of[(size_t)(block->address - HEAP) / 8], 0,
		       (block->size + 7) / 8 * sizeof(struct block *));
	for (i = 0; i < THREADS; i++)
		heap_next[i] = HEAP + i * (size_t)HEAP_PART;
	memset(pseudo_locations, 0, sizeof(pseudo_locations));
	for (i = 0; i < PSEUDO_LOCATIONS; i++)
		pseudo_locations[i].changed = -1;
	granules = NULL;
	blocks = NULL;
	ending = NULL;
	run_memory_next = run_memory;
}

static struct granule *granule_at(struct region *region, const char *address)
{
	struct granule **slot = granule_slot(region, address), *granule = *slot;

	if (granule)
		return granule;
	granule = run_alloc(sizeof(*granule));
	granule->address = (uint64_t *)((uintptr_t)address & ~(uintptr_t)7);
	granule->first_value = region == &regions[REGION_DATA] ? *granule->address : 0;
	granule->locations = NULL;
	granule->split = false;
	memset(&granule->cells[0], 0, sizeof(granule->cells[0]));
	granule->next = granules;
	granules = granule;
	*slot = granule;
	return granule;
}

/* Races */

static const char *const names_of_access[ACCESSES] = {
	"a load",
	"a store",
	"an atomic load",
	"an atomic store",
};

/* Two accesses race if one is a store, and one is not atomic, and neither comes first. */
static const bool conflict[ACCESSES][ACCESSES] = {
	[PLAIN_LOAD] = { [PLAIN_STORE] = true, [ATOMIC_STORE] = true },
	[PLAIN_STORE] = { true, true, true, true },
	[ATOMIC_LOAD] = { [PLAIN_STORE] = true },
	[ATOMIC_STORE] = { [PLAIN_LOAD] = true, [PLAIN_STORE] = true },
};

static void race(const struct cell *cell, const char *address, enum access access, void *pc)
	__attribute__((noreturn, noinline));

static void race(const struct cell *cell, const char *address, enum access access, void *pc)
{
	unsigned int other, t, first_other = 0, first_t = 0;

	for (other = 0; other < ACCESSES; other++) {
		for (t = 0; t < THREADS && conflict[access][other]; t++) {
			if (cell->last[other].of[t] > current->hb.of[t]) {
				first_other = other;
				first_t = t;
			}
		}
	}
	failed(ending ? VERDICT_USE_AFTER_FREE : VERDICT_RACE,
	       "%s%s at %s: %s by thread %s at %s, and %s by thread %s%s",
	       ending ? ending : "a data race", ending ? " too early" : "", trace_address(address),
	       ending ? ending : names_of_access[access], trace_thread(current->index),
	       trace_code(pc), names_of_access[first_other], trace_thread(first_t),
	       trace_other_access(address, first_t, first_other));
}

static void check_cell(struct cell *cell, const char *address, enum access access, void *pc)
{
	unsigned int other;

	for (other = 0; other < ACCESSES; other++) {
		if (conflict[access][other] && vclock_exceeds(&cell->last[other], &current->hb))
			race(cell, address, access, pc);
	}
	cell->last[access].of[current->index] = current->hb.of[current->index];
}

static void access_granule(struct granule *granule, const char *address, size_t offset, size_t size,
			   enum access access, void *pc)
{
	struct location *location;
	size_t i;

	if (explore_alone()) {
		/* Before all that the threads do, or after it. */
	} else if (!granule->split && size == 8) {
		check_cell(&granule->cells[0], address, access, pc);
	} else {
		if (!granule->split) {
			granule->split = true;
			for (i = 1; i < 8; i++)
				granule->cells[i] = granule->cells[0];
		}
		for (i = offset; i < offset + size; i++)
			check_cell(&granule->cells[i], address + (i - offset), access, pc);
	}
	if (access != PLAIN_STORE)
		return;
	for (location = granule->locations; location; location = location->next) {
		size_t begin = (uintptr_t)location->address & 7;

		if (begin < offset + size && offset < begin + location->size) {
			struct store *newest = &location->stores[location->num_stores - 1];

			/* Several in a row are one. */
			if (!newest->plain ||
			    newest->seen_by[current->index] != current->hb.of[current->index])
				newest = memory_store(location, 0);
			newest->plain = true;
			counters_begin(location->address);
		}
	}
}

static struct block *block_at(const char *address)
{
	return block_of[(size_t)(address - HEAP) / 8];
}

static void check_alive(struct region *region, const char *address, void *pc)
{
	const struct block *block;
	struct thread *owner;

	if (region == &regions[REGION_HEAP]) {
		block = block_at(address);
		if (!block)
			failed(VERDICT_USE_AFTER_FREE,
			       "memory that was never allocated, %s, used at %s",
			       trace_address(address), trace_code(pc));
		if (block->freed)
			failed(VERDICT_USE_AFTER_FREE,
			       "used after it was freed: %s, by thread %s at %s; freed at %s",
			       trace_address(address), trace_thread(current->index), trace_code(pc),
			       trace_code(block->freed_by));
	} else if (region >= &regions[REGION_STACK]) {
		owner = &threads[region - &regions[REGION_STACK]];
		if (owner == current || !owner->started)
			return;
		if (owner->finished || address < owner->sp)
			failed(VERDICT_USE_AFTER_FREE,
			       "used after its function has returned: %s, a variable of thread %s, "
			       "by thread %s at %s",
			       trace_address(address), trace_thread(owner->index),
			       trace_thread(current->index), trace_code(pc));
	}
}

void memory_access(const void *memory, size_t size, enum access access, void *pc)
{
	const char *address = memory, *end = address + size;
	struct region *region = region_of(address);

	if (!region) {
		/* The first page: through a pointer that is NULL. */
		if ((uintptr_t)address < 4096)
			failed(VERDICT_USE_AFTER_FREE, "a NULL pointer is used by thread %s at %s",
			       trace_thread(current->index), trace_code(pc));
		return;
	}
	if (trace)
		trace_access(memory, size, access, pc);
	while (address < end) {
		size_t offset = (uintptr_t)address & 7;
		size_t part =
			(size_t)(end - address) < 8 - offset ? (size_t)(end - address) : 8 - offset;

		check_alive(region, address, pc);
		access_granule(granule_at(region, address), address, offset, part, access, pc);
		address += part;
	}
}

/* Its variables are gone, and others may take their place: as if it stored to them. */
void memory_leave(char *begin, char *end, void *pc)
{
	struct region *region = &regions[REGION_STACK + current->index];
	unsigned int i;

	if (explore_alone() || begin < region->begin || end > region->end)
		return;
	ending = "its function returned";
	for (begin = (char *)(((uintptr_t)begin + 7) & ~(uintptr_t)7); begin < end; begin += 8) {
		struct granule *granule = *granule_slot(region, begin);

		for (i = 0; granule && i < (granule->split ? 8 : 1); i++)
			check_cell(&granule->cells[i], begin + i, PLAIN_STORE, pc);
	}
	ending = NULL;
}

/* Locations */

uint64_t memory_value(const void *address, uint32_t size)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)address;
	case 2:
		return *(const uint16_t *)address;
	case 4:
		return *(const uint32_t *)address;
	default:
		return *(const uint64_t *)address;
	}
}

static void make_room(struct location *location)
{
	struct store *stores;

	location->room_stores = 2 * location->room_stores + 3;
	stores = run_alloc(location->room_stores * sizeof(*stores));
	if (location->num_stores)
		memcpy(stores, location->stores, location->num_stores * sizeof(*stores));
	location->stores = stores;
}

struct store *memory_store(struct location *location, uint64_t value)
{
	struct store *store;

	if (location->num_stores == MAX_STORES)
		failed(VERDICT_LIVELOCK, "%s has been stored to more than %d times",
		       trace_address(location->address), MAX_STORES);
	/* What a plain one has stored can be told now. */
	if (location->num_stores && location->stores[location->num_stores - 1].plain) {
		store = &location->stores[location->num_stores - 1];
		store->value = memory_value(location->address, location->size);
		store->plain = false;
	}
	if (location->num_stores == location->room_stores)
		make_room(location);
	store = &location->stores[location->num_stores++];
	memset(store, 0, sizeof(*store));
	store->value = value;
	store->step = -1;
	store->seen_by[current->index] = current->hb.of[current->index];
	store->dep = current->dep;
	return store;
}

struct location *memory_location(void *memory, uint32_t size)
{
	char *address = memory;
	struct region *region = region_of(address);
	struct location *location;
	struct granule *granule;

	if (!region)
		failed(VERDICT_USE_AFTER_FREE,
		       "an atomic access to %p, which is nothing, by thread %s at %s", memory,
		       trace_thread(current->index), trace_code(__builtin_return_address(0)));
	granule = granule_at(region, address);
	for (location = granule->locations; location; location = location->next) {
		if (location->address == address)
			break;
	}
	if (!location) {
		location = run_alloc(sizeof(*location));
		memset(location, 0, sizeof(*location));
		location->address = address;
		location->size = size;
		location->changed = -1;
		make_room(location);
		location->num_stores = 1;
		memset(&location->stores[0], 0, sizeof(struct store));
		location->stores[0].plain = true;
		location->stores[0].step = -1;
		location->next = granule->locations;
		granule->locations = location;
	}
	if (location->stores[location->num_stores - 1].plain)
		location->stores[location->num_stores - 1].value =
			memory_value(address, location->size);
	return location;
}

struct location *memory_pseudo_location(unsigned int which)
{
	return &pseudo_locations[which];
}

/* The heap */

/*
 * Of those that were freed before, in the sense of C11, the one with the lowest address: which that
 * is does not depend on the order of steps that do not depend on each other.
 */
static struct block *block_to_reuse(size_t size)
{
	struct block *block, *lowest = NULL;

	for (block = explored()->reuses ? blocks : NULL; block; block = block->next) {
		if (block->freed && block->size == size &&
		    block->freed_at <= current->hb.of[block->freed_in] &&
		    (!lowest || block->address < lowest->address))
			lowest = block;
	}
	return lowest;
}

void *memory_alloc(size_t size, void *pc)
{
	char *address = heap_next[current->index], *end;
	struct block *block = block_to_reuse(size);
	size_t i;

	if (block) {
		block->freed = false;
		block->allocated_by = pc;
		memory_access(block->address, size, PLAIN_STORE, pc);
		memset(block->address, 0xa5, size);
		return block->address;
	}

	block = run_alloc(sizeof(*block));
	/* A gap, in which what is written behind the end is found. */
	end = address + ((size + 15) & ~(size_t)15) + 16;
	if (end > HEAP + (current->index + 1) * (size_t)HEAP_PART)
		failed(VERDICT_LIVELOCK, "a thread allocates more than %d bytes", HEAP_PART);
	heap_next[current->index] = end;
	block->address = address;
	block->size = size ? size : 1;
	block->freed = false;
	block->allocated_by = pc;
	block->freed_by = NULL;
	block->next = blocks;
	blocks = block;
	for (i = 0; i < block->size; i += 8)
		block_of[(size_t)(address + i - HEAP) / 8] = block;
	memset(address, 0xa5, size);
	return address;
}

/* To free memory is to store to all of it. */
void memory_free(void *address, void *pc)
{
	struct block *block = in_heap(address) ? block_at(address) : NULL;

	if (!block || block->address != address)
		failed(VERDICT_BAD_FREE, "freed, but never allocated: %s, by thread %s at %s",
		       trace_address(address), trace_thread(current->index), trace_code(pc));
	if (block->freed)
		failed(VERDICT_BAD_FREE, "freed twice: %s, by thread %s at %s, and at %s",
		       trace_address(address), trace_thread(current->index), trace_code(pc),
		       trace_code(block->freed_by));
	ending = "freed";
	memory_access(address, block->size, PLAIN_STORE, pc);
	ending = NULL;
	block->freed = true;
	block->freed_by = pc;
	block->freed_in = current->index;
	block->freed_at = current->hb.of[current->index];
}

void memory_move(void *to, const void *from, void *pc)
{
	const size_t room = block_at(to)->size, used = block_at(from)->size;
	const size_t size = room < used ? room : used;

	memory_access(from, size, PLAIN_LOAD, pc);
	memory_access(to, size, PLAIN_STORE, pc);
	memcpy(to, from, size);
}

bool memory_describe(const char *address, char *text, size_t size)
{
	const struct block *block = in_heap(address) ? block_at(address) : NULL;
	unsigned int t;

	if (block)
		snprintf(text, size, "the memory of %zu bytes of %.200s+%td", block->size,
			 trace_code(block->allocated_by), address - block->address);
	for (t = 0; t < THREADS && !block; t++) {
		if (address < threads[t].stack || address >= threads[t].stack + STACK_SIZE)
			continue;
		snprintf(text, size, "a variable on the stack of %s", trace_thread(t));
		return true;
	}
	return block;
}

size_t memory_leaks(const void **address, void **pc)
{
	struct block *block;
	size_t count = 0;

	for (block = blocks; block; block = block->next) {
		if (block->freed)
			continue;
		count++;
		*address = block->address;
		*pc = block->allocated_by;
	}
	return count;
}
