/* SPDX-License-Identifier: MIT */
/* Page tables against an array of pages: what is mapped, what faults, what is left behind. */
#include <softgpu/softgpu.h>
#include <stdio.h>

#include "../failing-malloc.h"
#include "../support.h"
#include "../watchdog.h"

#include "backing.h"
#include "bo.h"
#include "page-table.h"

#define PAGE	SOFTGPU_PAGE_SIZE
#define END	SOFTGPU_ADDRESS_END
#define MIB	(UINT64_C(1) << 20)
#define GIB	(UINT64_C(1) << 30)
#define NO_PAGE UINT64_MAX
#define UNMAP	SOFTGPU_BIND_UNMAP

static pthread_rwlock_t tile_locks[SOFTGPU_NUM_TILES];
static struct page_table *table;

/* Buffers that are nothing but memory. */
static struct softgpu_bo *create_buffer(uint64_t bytes, const char *name)
{
	struct softgpu_bo *bo = calloc(1, sizeof(*bo));

	assert_non_null(bo);
	bo->backing = softgpu_backing_create(bytes, name);
	assert_non_null(bo->backing);
	return bo;
}

static void destroy_buffer(struct softgpu_bo *bo)
{
	softgpu_backing_put(bo->backing);
	free(bo);
}

static long blocks_before;

static int setup(void **state)
{
	int i;

	(void)state;
	watchdog_begin(100 * PATIENCE);
	blocks_before = failing_malloc_live;
	for (i = 0; i < SOFTGPU_NUM_TILES; i++)
		assert_int_equal(softgpu_tile_lock_init(&tile_locks[i]), 0);
	table = softgpu_page_table_create(&tile_locks[0]);
	assert_non_null(table);
	return 0;
}

static int teardown(void **state)
{
	int i;

	(void)state;
	softgpu_page_table_destroy(table);
	for (i = 0; i < SOFTGPU_NUM_TILES; i++)
		pthread_rwlock_destroy(&tile_locks[i]);
	assert_int_equal(failing_malloc_live, blocks_before);
	watchdog_begin(0);
	return 0;
}

/* What can be done is done without an allocation. */
static void apply(const struct softgpu_bind *binds, unsigned int num)
{
	struct backing *backings[8];
	unsigned int i;

	assert_true(num <= ARRAY_SIZE(backings));
	for (i = 0; i < num; i++)
		backings[i] = binds[i].bo ? binds[i].bo->backing : NULL;
	failing_malloc_in = 1;
	softgpu_page_table_apply(table, binds, backings, num);
	assert_int_equal(failing_malloc_in, 1);
	failing_malloc_in = -1;
}

static void bind(struct softgpu_bo *bo, uint64_t offset, uint64_t address, uint64_t bytes,
		 unsigned int flags)
{
	struct softgpu_bind bind = { bo, offset, address, bytes, flags };

	assert_int_equal(softgpu_page_table_prepare(table, &bind, 1), 0);
	apply(&bind, 1);
}

static void unmap(uint64_t address, uint64_t bytes)
{
	bind(NULL, 0, address, bytes, UNMAP);
}

static char *find(uint64_t address, uint64_t bytes, bool write, uint64_t *together,
		  struct fault *fault)
{
	char *memory;

	softgpu_page_table_begin(table);
	memory = softgpu_page_table_find(table, address, bytes, write, together, fault);
	softgpu_page_table_end(table);
	return memory;
}

static void assert_memory(uint64_t address, const char *memory)
{
	struct fault fault;
	uint64_t together;

	assert_ptr_equal(find(address, 1, false, &together, &fault), memory);
	assert_int_equal(together, 1);
}

static void assert_fault(uint64_t address, bool write, enum softgpu_fault_kind kind,
			 const char *name, uint64_t offset)
{
	struct fault fault;
	uint64_t together;

	memset(&fault, 0x55, sizeof(fault));
	fault.public.command = 7;
	assert_null(find(address, 1, write, &together, &fault));
	assert_int_equal(fault.public.kind, kind);
	assert_int_equal(fault.public.write, write);
	assert_int_equal(fault.public.address, address);
	assert_string_equal(fault.public.buffer, name);
	assert_ptr_equal(fault.public.buffer, fault.buffer);
	assert_int_equal(fault.public.offset, offset);
	assert_int_equal(fault.public.since_ns, 0);
	assert_int_equal(fault.public.command, 7);
}

/* What makes no sense */

static void makes_no_sense_is_refused(void **state)
{
	struct softgpu_bo *bo = create_buffer(4 * PAGE, "four");
	const struct softgpu_bind refused[] = {
		{ bo, 0, 0, 0, 0 },
		{ bo, 0, 0, 1, 0 },
		{ bo, 0, 0, PAGE + 1, 0 },
		{ bo, 0, 0, 5 * PAGE, 0 },
		{ bo, 0, 0, UINT64_MAX, 0 },
		{ bo, 0, 0, UINT64_MAX / PAGE * PAGE, 0 },
		{ bo, 0, 1, PAGE, 0 },
		{ bo, 0, PAGE / 2, PAGE, 0 },
		{ bo, 1, 0, PAGE, 0 },
		{ bo, PAGE, 0, 4 * PAGE, 0 },
		{ bo, 4 * PAGE, 0, PAGE, 0 },
		{ bo, UINT64_MAX / PAGE * PAGE, 0, PAGE, 0 },
		{ bo, UINT64_MAX / PAGE * PAGE, 0, 2 * PAGE, 0 },
		{ bo, 0, END, PAGE, 0 },
		{ bo, 0, END - PAGE, 2 * PAGE, 0 },
		{ bo, 0, UINT64_MAX / PAGE * PAGE, PAGE, 0 },
		{ bo, 0, 0, PAGE, 4 },
		{ bo, 0, 0, PAGE, UINT32_MAX },
		{ bo, 0, 0, PAGE, UNMAP | SOFTGPU_BIND_READ_ONLY },
		{ NULL, 0, 0, PAGE, 0 },
		{ NULL, 0, 0, PAGE, SOFTGPU_BIND_READ_ONLY },
		{ NULL, 0, 0, 0, UNMAP },
		{ NULL, 0, 0, 100, UNMAP },
		{ NULL, 0, 100, PAGE, UNMAP },
		{ NULL, 0, END, PAGE, UNMAP },
		{ NULL, 0, 0, END + PAGE, UNMAP },
		{ NULL, 0, PAGE, END, UNMAP },
		{ NULL, 0, PAGE, UINT64_MAX / PAGE * PAGE, UNMAP },
		{ NULL, 0, PAGE, PAGE, UNMAP | 8 },
	};
	struct softgpu_bind two[2] = { { bo, 0, 0, PAGE, 0 } };
	long live = failing_malloc_live;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		assert_int_equal(softgpu_page_table_prepare(table, &refused[i], 1), -EINVAL);
		two[1] = refused[i];
		assert_int_equal(softgpu_page_table_prepare(table, two, 2), -EINVAL);
	}
	assert_int_equal(softgpu_page_table_prepare(table, two, 0), -EINVAL);
	assert_int_equal(softgpu_page_table_prepare(table, NULL, 1), -EINVAL);
	assert_int_equal(failing_malloc_live, live);

	bind(bo, 3 * PAGE, END - PAGE, PAGE, 0);
	assert_memory(END - 1, bo->backing->memory + 4 * PAGE - 1);
	bind(bo, 0, 0, 4 * PAGE, SOFTGPU_BIND_READ_ONLY);
	assert_memory(0, bo->backing->memory);
	unmap(0, END);
	assert_int_equal(bo->backing->refcount, 1);
	destroy_buffer(bo);
}

/* Faults */

static void faults_name_the_buffer(void **state)
{
	struct softgpu_bo *low = create_buffer(8 * PAGE, "low");
	struct softgpu_bo *high = create_buffer(PAGE, "a name that is too long for what there is "
						      "room for, and so is cut where that ends");
	const uint64_t far = 200 * GIB;
	char cut[64];

	(void)state;
	memcpy(cut,
	       "a name that is too long for what there is "
	       "room for, and so is cut where that ends",
	       sizeof(cut) - 1);
	cut[sizeof(cut) - 1] = '\0';
	assert_fault(0, false, SOFTGPU_FAULT_NOT_MAPPED, "", 0);
	assert_fault(END - 1, true, SOFTGPU_FAULT_NOT_MAPPED, "", 0);
	assert_fault(UINT64_MAX, true, SOFTGPU_FAULT_NOT_MAPPED, "", 0);

	bind(low, 2 * PAGE, 16 * PAGE, 3 * PAGE, SOFTGPU_BIND_READ_ONLY);
	bind(high, 0, far, PAGE, 0);
	assert_fault(16 * PAGE - 1, false, SOFTGPU_FAULT_NOT_MAPPED, "", 0);
	assert_fault(17 * PAGE + 5, true, SOFTGPU_FAULT_READ_ONLY, "low", 3 * PAGE + 5);
	assert_fault(19 * PAGE, true, SOFTGPU_FAULT_NOT_MAPPED, "low", 5 * PAGE);
	/* An overrun by a little, and by a lot: across nodes of all levels. */
	assert_fault(19 * PAGE + 17, false, SOFTGPU_FAULT_NOT_MAPPED, "low", 5 * PAGE + 17);
	assert_fault(far - 1, false, SOFTGPU_FAULT_NOT_MAPPED, "low", far - 1 - 14 * PAGE);
	assert_fault(far + PAGE, false, SOFTGPU_FAULT_NOT_MAPPED, cut, PAGE);
	assert_fault(END, false, SOFTGPU_FAULT_NOT_MAPPED, cut, END - far);
	assert_fault(UINT64_MAX, true, SOFTGPU_FAULT_NOT_MAPPED, cut, UINT64_MAX - far);

	/* What is not mapped any more is named no more. */
	unmap(far, PAGE);
	assert_fault(far, false, SOFTGPU_FAULT_NOT_MAPPED, "low", far - 14 * PAGE);

	/* What has been returned is, and comes before what may not be written to. */
	softgpu_backing_return(low->backing, tile_locks, false);
	assert_fault(17 * PAGE + 5, true, SOFTGPU_FAULT_RETURNED, "low", 3 * PAGE + 5);
	assert_fault(17 * PAGE + 5, false, SOFTGPU_FAULT_RETURNED, "low", 3 * PAGE + 5);
	assert_fault(19 * PAGE, false, SOFTGPU_FAULT_NOT_MAPPED, "low", 5 * PAGE);
	destroy_buffer(low);
	assert_fault(17 * PAGE + 5, false, SOFTGPU_FAULT_RETURNED, "low", 3 * PAGE + 5);
	destroy_buffer(high);
}

static void tells_how_long_ago_it_was_returned(void **state)
{
	struct softgpu_bo *bo = create_buffer(PAGE, "gone");
	int64_t before = clock_now();
	struct fault fault;
	uint64_t together;

	(void)state;
	bind(bo, 0, 0, PAGE, 0);
	softgpu_backing_return(bo->backing, tile_locks, true);
	sleep_ns(2 * MS);
	assert_null(find(5, 1, true, &together, &fault));
	assert_int_equal(fault.public.kind, SOFTGPU_FAULT_RETURNED);
	assert_true(fault.public.since_ns >= 2 * MS);
	assert_true(fault.public.since_ns <= clock_now() - before);
	destroy_buffer(bo);
}

/* Costs, which are counted in nodes */

static void large_binds_need_few_nodes(void **state)
{
	struct softgpu_bo *bo = create_buffer(64 * GIB, "large");
	const uint64_t odd = 5 * GIB + 7 * PAGE;
	long live = failing_malloc_live;
	struct fault fault;
	uint64_t together;
	int i;

	(void)state;
	unmap(0, END);
	assert_int_equal(failing_malloc_live, live);
	unmap(PAGE, END - 2 * PAGE);
	assert_true(failing_malloc_live - live <= 6);
	live = failing_malloc_live;
	bind(bo, PAGE, odd, 63 * GIB, 0);
	assert_true(failing_malloc_live - live <= 6);
	assert_memory(odd + 62 * GIB + 3, bo->backing->memory + PAGE + 62 * GIB + 3);
	assert_ptr_equal(find(odd, 63 * GIB, true, &together, &fault), bo->backing->memory + PAGE);
	assert_true(together >= SOFTGPU_LOOK_BYTES);
	/* References are counted by entry: few of them, too. */
	assert_true(bo->backing->refcount < 3000);

	/* A hole in it. */
	unmap(odd + GIB, PAGE);
	assert_fault(odd + GIB, false, SOFTGPU_FAULT_NOT_MAPPED, "large", GIB + PAGE);
	assert_memory(odd + GIB - 1, bo->backing->memory + PAGE + GIB - 1);
	assert_memory(odd + GIB + PAGE, bo->backing->memory + PAGE + GIB + PAGE);

	/* All of the same again, and again. */
	live = failing_malloc_live;
	for (i = 0; i < 1000; i++)
		bind(bo, PAGE, odd, 63 * GIB, 0);
	assert_int_equal(failing_malloc_live, live);
	assert_memory(odd + GIB, bo->backing->memory + PAGE + GIB);
	unmap(0, END);
	assert_int_equal(bo->backing->refcount, 1);
	assert_fault(odd, false, SOFTGPU_FAULT_NOT_MAPPED, "", 0);
	destroy_buffer(bo);
}

static void every_allocation_can_fail(void **state)
{
	struct softgpu_bo *bo = create_buffer(4 * GIB, "large");
	const struct softgpu_bind binds[] = {
		{ bo, 0, PAGE, PAGE, 0 },
		{ bo, 0, 3 * GIB + PAGE, 2 * GIB, 0 },
		{ NULL, 0, 511 * GIB + PAGE, 2 * GIB, UNMAP },
	};
	long live;
	int i, ret;

	(void)state;
	softgpu_page_table_destroy(table);
	for (i = 1; i <= 2; i++) {
		failing_malloc_in = i;
		assert_null(softgpu_page_table_create(&tile_locks[0]));
	}
	assert_int_equal(failing_malloc_in, -1);
	table = softgpu_page_table_create(&tile_locks[0]);
	assert_non_null(table);
	live = failing_malloc_live;
	failing_malloc_in = 1;
	assert_int_equal(softgpu_page_table_prepare(table, binds, ARRAY_SIZE(binds)), -ENOMEM);
	assert_int_equal(failing_malloc_live, live);
	/* One node at a time: what there is by then stays. */
	for (i = 1, ret = -ENOMEM; ret == -ENOMEM; i++) {
		failing_malloc_in = 2;
		ret = softgpu_page_table_prepare(table, binds, ARRAY_SIZE(binds));
		assert_int_equal(failing_malloc_live, live + i);
		assert_fault(PAGE, false, SOFTGPU_FAULT_NOT_MAPPED, "", 0);
	}
	assert_int_equal(ret, 0);
	assert_true(i > 10);
	failing_malloc_in = -1;
	apply(binds, ARRAY_SIZE(binds));
	assert_memory(PAGE, bo->backing->memory);
	assert_memory(4 * GIB, bo->backing->memory + GIB - PAGE);
	destroy_buffer(bo);
}

/* The model: for each page of some, which one it is of which buffer. */

#define MODEL_PAGES (3 * GIB / PAGE)

struct model_page {
	int8_t buffer; /* -1: none */
	bool writable;
	uint32_t page;
};

struct pending {
	struct softgpu_bind binds[3];
	int buffers[3];
	unsigned int num;
};

#define NUM_BUFFERS 5

static struct {
	uint64_t first;
	struct model_page *pages;
	struct softgpu_bo *buffers[NUM_BUFFERS];
	struct pending queue[4];
	unsigned int num_queued;
	uint64_t random;
} model;

static uint64_t random_below(uint64_t end)
{
	model.random ^= model.random << 13;
	model.random ^= model.random >> 7;
	model.random ^= model.random << 17;
	return model.random % end;
}

/* Of all sizes, and often whole nodes, or nearly. */
static uint64_t random_pages(uint64_t most)
{
	uint64_t pages = UINT64_C(1) << random_below(20);

	switch (random_below(4)) {
	case 0:
		break;
	case 1:
		pages = pages / 512 * 512 + random_below(3);
		break;
	default:
		pages = 1 + random_below(pages);
	}
	if (!pages)
		pages = 1;
	return pages < most ? pages : most;
}

/* Near where something begins or ends, often. */
static uint64_t random_place(uint64_t end)
{
	uint64_t place = random_below(end);

	if (random_below(2))
		place = place / 512 * 512;
	if (random_below(4) == 0)
		place = place / (512 * 512) * 512 * 512;
	return place;
}

static void random_bind(struct softgpu_bind *bind, int *buffer)
{
	uint64_t place = random_place(MODEL_PAGES);
	uint64_t pages = random_pages(MODEL_PAGES - place);

	*buffer = (int)random_below(NUM_BUFFERS + 2);
	*bind = (struct softgpu_bind){ .address = model.first + place * PAGE };
	if (*buffer >= NUM_BUFFERS) {
		*buffer = -1;
		bind->flags = UNMAP;
	} else {
		uint64_t size = model.buffers[*buffer]->backing->bytes / PAGE;
		uint64_t offset = random_below(size);

		/* What is bound in parts often lies together after all. */
		if (size >= MODEL_PAGES && random_below(4))
			offset = place;
		if (pages > size - offset)
			pages = size - offset;
		bind->bo = model.buffers[*buffer];
		bind->offset = offset * PAGE;
		bind->flags = random_below(3) ? 0 : SOFTGPU_BIND_READ_ONLY;
	}
	bind->bytes = pages * PAGE;
}

/* Prepared now, done when others that were prepared before have been. */
static void prepare_some(void)
{
	struct pending *pending = &model.queue[model.num_queued++];
	unsigned int i;

	pending->num = 1 + (unsigned int)random_below(3);
	for (i = 0; i < pending->num; i++)
		random_bind(&pending->binds[i], &pending->buffers[i]);
	assert_int_equal(softgpu_page_table_prepare(table, pending->binds, pending->num), 0);
}

/* One of them: also in another order than that in which they were prepared. */
static void apply_one(void)
{
	unsigned int which = (unsigned int)random_below(model.num_queued), i;
	struct pending pending = model.queue[which];

	model.queue[which] = model.queue[--model.num_queued];
	apply(pending.binds, pending.num);
	for (i = 0; i < pending.num; i++) {
		const struct softgpu_bind *bind = &pending.binds[i];
		struct model_page *page = &model.pages[(bind->address - model.first) / PAGE];
		uint64_t k;

		for (k = 0; k < bind->bytes / PAGE; k++, page++) {
			page->buffer = (int8_t)pending.buffers[i];
			page->page = (uint32_t)(bind->offset / PAGE + k);
			page->writable = !(bind->flags & SOFTGPU_BIND_READ_ONLY);
		}
	}
}

static uint64_t nearest_below(uint64_t page)
{
	while (page-- > 0) {
		if (model.pages[page].buffer >= 0)
			return page;
	}
	return NO_PAGE;
}

static void assert_as_in_model(uint64_t at, uint64_t bytes, bool write)
{
	const uint64_t address = model.first + at;
	const struct model_page *page = &model.pages[at / PAGE], *next;
	uint64_t together, expected = PAGE - at % PAGE;
	struct fault fault;
	struct backing *backing;
	char *memory;

	if (page->buffer < 0) {
		uint64_t below = nearest_below(at / PAGE);

		page = &model.pages[below];
		if (below == NO_PAGE)
			assert_fault(address, write, SOFTGPU_FAULT_NOT_MAPPED, "", 0);
		else
			assert_fault(address, write, SOFTGPU_FAULT_NOT_MAPPED,
				     model.buffers[page->buffer]->backing->name,
				     at - below * PAGE + page->page * (uint64_t)PAGE);
		return;
	}
	backing = model.buffers[page->buffer]->backing;
	if (!backing->memory || (write && !page->writable)) {
		assert_fault(address, write,
			     backing->memory ? SOFTGPU_FAULT_READ_ONLY : SOFTGPU_FAULT_RETURNED,
			     backing->name, at % PAGE + page->page * (uint64_t)PAGE);
		return;
	}
	for (next = page + 1; expected < bytes && next < model.pages + MODEL_PAGES; next++) {
		if (next->buffer != page->buffer || next->page != page->page + (next - page) ||
		    (write && !next->writable))
			break;
		expected += PAGE;
	}
	if (expected > bytes)
		expected = bytes;
	memory = find(address, bytes, write, &together, &fault);
	assert_ptr_equal(memory, backing->memory + page->page * (uint64_t)PAGE + at % PAGE);
	assert_true(together == expected ||
		    (together < expected && together >= SOFTGPU_LOOK_BYTES));
}

static void look_at_some(void)
{
	const struct pending *pending = &model.queue[random_below(ARRAY_SIZE(model.queue))];
	int i;

	for (i = 0; i < 8; i++) {
		uint64_t page = random_place(MODEL_PAGES);

		/* Around the ends of what is, or was, going to be bound. */
		if (i < 4 && pending->num)
			page = (pending->binds[0].address - model.first +
				(i / 2) * pending->binds[0].bytes) /
				       PAGE -
			       i % 2;
		if (page >= MODEL_PAGES)
			page = MODEL_PAGES - 1;
		assert_as_in_model(page * PAGE + random_below(PAGE),
				   1 + random_below(UINT64_C(1) << random_below(24)),
				   random_below(2));
	}
}

static void is_as_the_model(uint64_t first, int rounds)
{
	static const uint64_t sizes[NUM_BUFFERS] = { 1, 7, 600, 512 * 512 + 1, 4 * GIB / PAGE };
	int i;

	model.first = first;
	model.num_queued = 0;
	memset(model.queue, 0, sizeof(model.queue));
	model.pages = malloc(MODEL_PAGES * sizeof(*model.pages));
	assert_non_null(model.pages);
	memset(model.pages, 0xff, MODEL_PAGES * sizeof(*model.pages));
	for (i = 0; i < NUM_BUFFERS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "buffer %d", i);
		model.buffers[i] = create_buffer(sizes[i] * PAGE, name);
	}
	for (i = 0; i < rounds; i++) {
		if (model.num_queued < ARRAY_SIZE(model.queue) && random_below(5) < 3)
			prepare_some();
		else if (model.num_queued)
			apply_one();
		look_at_some();
		/* One of them goes before the others, and is still mapped. */
		if (i == rounds * 3 / 4)
			softgpu_backing_return(model.buffers[2]->backing, tile_locks, false);
	}
	while (model.num_queued)
		apply_one();
	for (i = 0; i < 1000; i++)
		look_at_some();
	free(model.pages);
	unmap(0, END);
	for (i = 0; i < NUM_BUFFERS; i++) {
		assert_int_equal(model.buffers[i]->backing->refcount, 1);
		destroy_buffer(model.buffers[i]);
	}
}

static void is_as_the_model_says(void **state)
{
	const int rounds = UNDER_SANITIZER ? 400 : 2500;

	(void)state;
	model.random = 0x9e3779b97f4a7c15;
	/* Across the end of a slot of the top, and at both ends. */
	is_as_the_model(512 * GIB - 3 * GIB / 2, rounds);
	is_as_the_model(END - 3 * GIB, rounds);
	is_as_the_model(128 * MIB + 511 * PAGE, rounds);
}

/* At the same time */

#define WINDOWS	      4
#define WINDOW_PAGES  4096
#define WINDOW_BYTES  (WINDOW_PAGES * (uint64_t)PAGE)
#define ROUNDS	      (UNDER_SANITIZER ? 300 : 3000)
#define WINDOW(index) ((uint64_t)(index)*600 * GIB + 2 * MIB - 17 * PAGE)

static struct {
	struct softgpu_bo *bo;
	uint64_t ran;
	int stop;
	int found;
} concurrent;

/* Page p of each window is page p of the buffer, if anything. */
static void *bind_in_window(void *arg)
{
	const uint64_t window = WINDOW((intptr_t)arg);
	uint64_t random = 0x853c49e6748fea9b + (uintptr_t)arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct backing *backing = concurrent.bo->backing;
		uint64_t first, pages;
		struct softgpu_bind bind = { 0 };

		random = random * 6364136223846793005 + 1442695040888963407;
		first = (random >> 33) % WINDOW_PAGES;
		pages = 1 + (random >> 20) % (WINDOW_PAGES - first);
		bind.address = window + first * PAGE;
		bind.bytes = pages * PAGE;
		bind.offset = first * PAGE;
		bind.bo = concurrent.bo;
		if (i % 3 == 0)
			bind.flags = UNMAP;
		assert_int_equal(softgpu_page_table_prepare(table, &bind, 1), 0);
		softgpu_page_table_apply(table, &bind, &backing, 1);
	}
	return NULL;
}

static void *look_in_windows(void *arg)
{
	uint64_t random = 0xda3e39cb94b95bdb + (uintptr_t)arg;

	while (!atomic_load_acquire(&concurrent.stop)) {
		struct fault fault;
		uint64_t together, page;
		char *memory;

		random = random * 6364136223846793005 + 1442695040888963407;
		page = (random >> 33) % WINDOW_PAGES;
		softgpu_page_table_begin(table);
		memory = softgpu_page_table_find(table, WINDOW(random % WINDOWS) + page * PAGE,
						 64 * PAGE, false, &together, &fault);
		if (memory) {
			in_thread(memory == concurrent.bo->backing->memory + page * PAGE);
			in_thread(*(uint64_t *)(void *)memory == page);
			__atomic_fetch_add(&concurrent.found, 1, __ATOMIC_RELAXED);
		} else {
			in_thread(fault.public.kind == SOFTGPU_FAULT_NOT_MAPPED);
		}
		softgpu_page_table_end(table);
	}
	return NULL;
}

static void is_prepared_while_others_look_and_bind(void **state)
{
	pthread_t binding[WINDOWS], looking[2];
	uint64_t page;
	intptr_t i;

	(void)state;
	memset(&concurrent, 0, sizeof(concurrent));
	concurrent.bo = create_buffer(WINDOW_BYTES, "window");
	for (page = 0; page < WINDOW_PAGES; page++)
		*(uint64_t *)(void *)(concurrent.bo->backing->memory + page * PAGE) = page;
	for (i = 0; i < 2; i++)
		looking[i] = start(look_in_windows, (void *)i);
	for (i = 0; i < WINDOWS; i++)
		binding[i] = start(bind_in_window, (void *)i);
	for (i = 0; i < WINDOWS; i++)
		join(binding[i]);
	set_flag(&concurrent.stop);
	for (i = 0; i < 2; i++)
		join(looking[i]);
	assert_true(concurrent.found > 0);
	unmap(0, END);
	assert_int_equal(concurrent.bo->backing->refcount, 1);
	destroy_buffer(concurrent.bo);
}

/* Memory goes while it is used: not before it is let go of. */

static void *use_returned(void *arg)
{
	(void)arg;
	while (!atomic_load_acquire(&concurrent.stop)) {
		struct fault fault;
		uint64_t together, i;
		char *memory;

		softgpu_page_table_begin(table);
		memory = softgpu_page_table_find(table, WINDOW(0), 16 * PAGE, true, &together,
						 &fault);
		for (i = 0; memory && i < 16; i++) {
			memory[i * PAGE] = 1;
			concurrent.found = 1;
		}
		softgpu_page_table_end(table);
	}
	return NULL;
}

static void memory_goes_when_nobody_uses_it(void **state)
{
	pthread_t thread;
	int i;

	(void)state;
	memset(&concurrent, 0, sizeof(concurrent));
	thread = start(use_returned, NULL);
	for (i = 0; i < ROUNDS; i++) {
		struct softgpu_bo *bo = create_buffer(16 * PAGE, "used");

		bind(bo, 0, WINDOW(0), 16 * PAGE, 0);
		sched_yield();
		softgpu_backing_return(bo->backing, tile_locks, i % 2);
		destroy_buffer(bo);
	}
	set_flag(&concurrent.stop);
	join(thread);
	assert_int_equal(concurrent.found, 1);
}

#define memory_test(func) cmocka_unit_test_setup_teardown(func, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		memory_test(makes_no_sense_is_refused),
		memory_test(faults_name_the_buffer),
		memory_test(tells_how_long_ago_it_was_returned),
		memory_test(large_binds_need_few_nodes),
		memory_test(every_allocation_can_fail),
		memory_test(is_as_the_model_says),
		memory_test(is_prepared_while_others_look_and_bind),
		memory_test(memory_goes_when_nobody_uses_it),
	};

	return RUN(tests);
}
