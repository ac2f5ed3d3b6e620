/* SPDX-License-Identifier: MIT */
/*
 * An address space for tests of commands: some pages, and an image of what is to be in them, on
 * which the references work. It stands in for the page tables of a tile: what lies together there
 * is up to the test, and it looks that the lock is held where it must be, and only there.
 */
#ifndef TESTS_SOFTGPU_WORLD_H
#define TESTS_SOFTGPU_WORLD_H

#include "../support.h"

#include "execute.h"

#define PAGE  SOFTGPU_PAGE_SIZE
#define FIRST UINT64_C(0x123456789000)

/* Of each page where its memory is, or NULL; and whether it may be written to. */
struct page_table {
	char **pages;
	bool *read_only;
	size_t num_pages;
	bool locked;
	/* What was found since the lock was taken. */
	uint64_t found;
};

enum arrangement {
	TOGETHER,
	/* Each page has to be looked up by itself. */
	SCATTERED,
};

struct world {
	struct page_table table;
	struct execution execution;
	char *memory;
	unsigned char *image;
	size_t bytes;
	int safe_points, idles;
	/* The call that is to return an error, from 1; 0: none. */
	int stop_at;
	/* Called when a command waits, if not NULL. */
	void (*when_idle)(struct world *world);
};

void softgpu_page_table_begin(struct page_table *table)
{
	assert_false(table->locked);
	table->locked = true;
	table->found = 0;
}

void softgpu_page_table_end(struct page_table *table)
{
	assert_true(table->locked);
	table->locked = false;
}

void *softgpu_page_table_find(struct page_table *table, uint64_t address, uint64_t bytes,
			      bool write, uint64_t *together, struct fault *fault)
{
	uint64_t page = address / PAGE - FIRST / PAGE, last = page;
	uint64_t run = PAGE - address % PAGE;

	assert_true(table->locked);
	assert_true(bytes > 0);
	if (page >= table->num_pages || !table->pages[page] || (write && table->read_only[page])) {
		fault->public.kind = page < table->num_pages && table->pages[page]
					     ? SOFTGPU_FAULT_READ_ONLY
					     : SOFTGPU_FAULT_NOT_MAPPED;
		fault->public.write = write;
		fault->public.address = address;
		return NULL;
	}
	while (run < bytes && last + 1 < table->num_pages &&
	       table->pages[last + 1] == table->pages[last] + PAGE &&
	       !(write && table->read_only[last + 1])) {
		last++;
		run += PAGE;
	}
	*together = run < bytes ? run : bytes;
	/* Source and destination, of a row or 64 KiB each. */
	table->found += *together;
	assert_true(table->found <= 2 * 64 * 1024);
	return table->pages[page] + address % PAGE;
}

/* xorshift: the same numbers in every run. */
static inline uint32_t some_number(void)
{
	static uint32_t state = 2463534242;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static inline uint32_t below(uint32_t end)
{
	return some_number() % end;
}

static int world_stop(struct world *world)
{
	assert_false(world->table.locked);
	return world->stop_at && world->safe_points + world->idles == world->stop_at ? -ETIME : 0;
}

static int world_safe_point(struct execution *execution)
{
	struct world *world = container_of(execution, struct world, execution);

	world->safe_points++;
	return world_stop(world);
}

static int world_idle(struct execution *execution)
{
	struct world *world = container_of(execution, struct world, execution);

	world->idles++;
	if (world->when_idle)
		world->when_idle(world);
	return world_stop(world);
}

/* Memory and image with the same, whatever it is. */
static inline void world_fill(struct world *world)
{
	size_t i;

	for (i = 0; i < world->bytes; i++)
		world->image[i] = some_number() >> 24;
	for (i = 0; i < world->table.num_pages; i++) {
		if (world->table.pages[i])
			memcpy(world->table.pages[i], world->image + i * PAGE, PAGE);
	}
}

/* Pages that lie apart are in the wrong order, with one between them that nobody uses. */
static inline void world_arrange(struct world *world, enum arrangement arrangement)
{
	size_t i, num_pages = world->table.num_pages;

	for (i = 0; i < num_pages; i++)
		world->table.pages[i] =
			world->memory +
			(arrangement == TOGETHER ? i : 2 * (num_pages - 1 - i)) * PAGE;
}

static inline void world_init(struct world *world, size_t num_pages, enum arrangement arrangement)
{
	*world = (struct world){
		.execution = {
			.table = &world->table,
			.safe_point = world_safe_point,
			.idle = world_idle,
		},
		.bytes = num_pages * PAGE,
	};
	world->table.num_pages = num_pages;
	world->table.pages = calloc(num_pages, sizeof(*world->table.pages));
	world->table.read_only = calloc(num_pages, sizeof(*world->table.read_only));
	world->memory = aligned_alloc(PAGE, 2 * world->bytes);
	world->image = malloc(world->bytes);
	assert_non_null(world->table.pages);
	assert_non_null(world->table.read_only);
	assert_non_null(world->memory);
	assert_non_null(world->image);
	memset(world->memory, 0xee, 2 * world->bytes);
	world_arrange(world, arrangement);
	world_fill(world);
}

static inline void world_fini(struct world *world)
{
	free(world->table.pages);
	free(world->table.read_only);
	free(world->memory);
	free(world->image);
}

/* Where the image has an address. */
static inline unsigned char *at(struct world *world, uint64_t address)
{
	if (address - FIRST >= world->bytes)
		fail_msg("the test itself uses an address that there is not");
	return world->image + (address - FIRST);
}

/* Everything is as in the image. */
static inline void assert_world(struct world *world)
{
	size_t i;

	for (i = 0; i < world->table.num_pages; i++) {
		if (world->table.pages[i])
			assert_memory_equal(world->table.pages[i], world->image + i * PAGE, PAGE);
	}
}

/* Does a batch, which it frees. */
static inline int do_batch(struct world *world, struct softgpu_batch *batch)
{
	int ret;

	assert_int_equal(batch->error, 0);
	assert_int_equal(softgpu_check_commands(SOFTGPU_NUM_CLASSES, batch->data, batch->size), 0);
	world->safe_points = world->idles = 0;
	memset(&world->execution.fault, 0xff, sizeof(world->execution.fault));
	ret = softgpu_execute(&world->execution, batch->data, batch->size);
	assert_false(world->table.locked);
	softgpu_batch_fini(batch);
	return ret;
}

static inline void assert_fault(const struct world *world, unsigned int command,
				enum softgpu_opcode opcode, uint64_t address, bool write)
{
	const struct softgpu_fault *fault = &world->execution.fault.public;

	assert_int_equal(fault->command, command);
	assert_int_equal(fault->opcode, opcode);
	assert_int_equal(fault->address, address);
	assert_int_equal(fault->write, write);
}

#endif
