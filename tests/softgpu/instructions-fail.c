/* SPDX-License-Identifier: MIT */
/*
 * How commands for pictures end early: memory that is not there, safe points that say so, and no
 * memory of their own.
 */
#include "pictures.h"

#include "../failing-malloc.h"

/* Each has its pages, so that it is known what lies where. */
#define DESTINATION (FIRST + 100)
#define SOURCE	    (FIRST + 32 * PAGE + 200)
#define SIZE_AT	    (FIRST + 64 * PAGE)
#define PAGES	    65
#define WIDTH	    61
#define HEIGHT	    90

static struct softgpu_surface surface_at(uint64_t address, uint32_t format)
{
	struct softgpu_surface surface = { .width = WIDTH, .height = HEIGHT, .format = format };
	int i;

	for (i = 0; i < num_planes(format); i++) {
		surface.address[i] = address;
		surface.pitch[i] = plane_width(format, i, WIDTH) * channels(format) + 5;
		address += (uint64_t)surface.pitch[i] * plane_height(format, i, HEIGHT);
	}
	return surface;
}

static const struct kind {
	enum softgpu_opcode opcode;
	uint32_t to, from;
	uint32_t option;
	/* It reads what it writes to. */
	bool both;
} kinds[] = {
	{ SOFTGPU_OP_CONVOLVE, SOFTGPU_RGBA8, SOFTGPU_RGBA8, SOFTGPU_BORDER_ZERO, false },
	{ SOFTGPU_OP_CONVOLVE, SOFTGPU_R8, SOFTGPU_R8, SOFTGPU_BORDER_CLAMP, false },
	{ SOFTGPU_OP_CONVOLVE, SOFTGPU_R8, SOFTGPU_R8, SOFTGPU_BORDER_MIRROR, false },
	{ SOFTGPU_OP_SCALE, SOFTGPU_RGBA8, SOFTGPU_RGBA8, SOFTGPU_NEAREST, false },
	{ SOFTGPU_OP_SCALE, SOFTGPU_R8, SOFTGPU_R8, SOFTGPU_BILINEAR, false },
	{ SOFTGPU_OP_BLEND, SOFTGPU_RGBA8, SOFTGPU_RGBA8, 0, true },
	{ SOFTGPU_OP_CONVERT, SOFTGPU_YUV420, SOFTGPU_RGBA8, 0, false },
	{ SOFTGPU_OP_CONVERT, SOFTGPU_R8, SOFTGPU_YUV420, 0, false },
	{ SOFTGPU_OP_CONVERT, SOFTGPU_RGBA8, SOFTGPU_YUV422, 0, false },
	{ SOFTGPU_OP_CONVERT, SOFTGPU_YUV422, SOFTGPU_YUV444, 0, false },
	{ SOFTGPU_OP_CONVERT, SOFTGPU_YUV444, SOFTGPU_R8, 0, false },
	{ SOFTGPU_OP_CONVERT, SOFTGPU_YUV420, SOFTGPU_YUV420, 0, false },
	{ SOFTGPU_OP_ENCODE, 0, SOFTGPU_RGBA8, SOFTGPU_ENCODE_PNG, false },
	{ SOFTGPU_OP_ENCODE, 0, SOFTGPU_R8, SOFTGPU_ENCODE_PNG, false },
	{ SOFTGPU_OP_ENCODE, 0, SOFTGPU_YUV420, SOFTGPU_ENCODE_Y4M, false },
};

static int do_kind(struct world *world, const struct kind *kind)
{
	static const int16_t coefficients[25] = { 1, 2, 3, 4, 5 };
	struct softgpu_surface to = surface_at(DESTINATION, kind->to);
	struct softgpu_surface from = surface_at(SOURCE, kind->from);
	struct softgpu_batch batch = { 0 };
	int countdown = failing_malloc_in;

	failing_malloc_in = -1;
	switch (kind->opcode) {
	case SOFTGPU_OP_CONVOLVE:
		softgpu_cmd_convolve(&batch, &to, &from, 0, 5, coefficients, 1, 0, kind->option);
		break;
	case SOFTGPU_OP_SCALE:
		softgpu_cmd_scale(&batch, &to, &from, 0, HEIGHT, kind->option);
		break;
	case SOFTGPU_OP_BLEND:
		softgpu_cmd_blend(&batch, &to, &from, 77);
		break;
	case SOFTGPU_OP_CONVERT:
		softgpu_cmd_convert(&batch, &to, &from);
		break;
	default:
		softgpu_cmd_encode(&batch, DESTINATION, 31 * PAGE, SIZE_AT, &from, kind->option, 0);
	}
	failing_malloc_in = countdown;
	return do_batch(world, &batch);
}

/* Those pages that it reads, and those that it writes to, from which follows where it faults. */
static bool within(uint64_t address, uint64_t begin, uint64_t bytes)
{
	return address + PAGE > begin && address < begin + bytes;
}

static uint64_t surface_bytes(uint32_t format)
{
	struct softgpu_surface surface = surface_at(0, format);
	int last = num_planes(format) - 1;

	return surface.address[last] +
	       (uint64_t)surface.pitch[last] * (plane_height(format, last, HEIGHT) - 1) +
	       plane_width(format, last, WIDTH) * channels(format);
}

static void fault_on(struct world *world, const struct kind *kind, size_t page, uint64_t written,
		     int *faults)
{
	const struct softgpu_fault *fault = &world->execution.fault.public;
	uint64_t begin = FIRST + page * PAGE;
	bool reads = within(begin, SOURCE, surface_bytes(kind->from));
	bool writes = within(begin, DESTINATION, written) ||
		      (kind->opcode == SOFTGPU_OP_ENCODE && begin == SIZE_AT);
	int ret = do_kind(world, kind);

	if (!reads && !writes) {
		assert_int_equal(ret, 0);
		return;
	}
	assert_int_equal(ret, -EFAULT);
	(*faults)++;
	assert_fault(world, 0, kind->opcode, fault->address, writes && !kind->both);
	assert_true(fault->address >= begin);
	assert_true(fault->address < begin + PAGE);
}

/* Each page is unmapped in turn. */
static void pages_are_not_there(void **state)
{
	struct world world;
	size_t k, page, a;

	(void)state;
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		uint64_t written = surface_bytes(kinds[k].to);
		int faults = 0;

		for (a = 0; a < ARRAY_SIZE(arrangements); a++) {
			world_init(&world, PAGES, arrangements[a]);
			assert_int_equal(do_kind(&world, &kinds[k]), 0);
			if (kinds[k].opcode == SOFTGPU_OP_ENCODE)
				memcpy(&written, world.table.pages[64], 8);
			for (page = 0; page < PAGES; page++) {
				char *memory = world.table.pages[page];

				world.table.pages[page] = NULL;
				fault_on(&world, &kinds[k], page, written, &faults);
				world.table.pages[page] = memory;
			}
			world_fini(&world);
		}
		assert_true(faults >= 6);
	}
}

/* The first byte that is not there is named, in the midst of a row. */
static void first_byte_is_named(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct softgpu_surface to, from;
	struct world world;

	(void)state;
	world_init(&world, PAGES, TOGETHER);
	to = surface_at(FIRST, SOFTGPU_RGBA8);
	from = surface_at(SOURCE, SOFTGPU_RGBA8);
	world.table.pages[3] = NULL;
	softgpu_cmd_fill(&batch, SOURCE, 10, 0);
	softgpu_cmd_convert(&batch, &to, &from);
	assert_int_equal(do_batch(&world, &batch), -EFAULT);
	assert_fault(&world, 1, SOFTGPU_OP_CONVERT, FIRST + 3 * PAGE, true);
	world_fini(&world);
}

static void written_where_it_may_not(void **state)
{
	struct world world;
	uint64_t address;
	size_t k, page;

	(void)state;
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		world_init(&world, PAGES, TOGETHER);
		/* What it reads may be so. */
		for (page = 32; page < 64; page++)
			world.table.read_only[page] = true;
		assert_int_equal(do_kind(&world, &kinds[k]), 0);
		world.table.read_only[1] = true;
		assert_int_equal(do_kind(&world, &kinds[k]), -EFAULT);
		address = world.execution.fault.public.address;
		assert_fault(&world, 0, kinds[k].opcode, address, true);
		assert_int_equal(address / PAGE, FIRST / PAGE + 1);
		assert_int_equal(world.execution.fault.public.kind, SOFTGPU_FAULT_READ_ONLY);
		world_fini(&world);
	}
}

/* Whichever it is at which it is told to. */
static void stop_at_safe_points(void **state)
{
	struct world world;
	int point, all;
	size_t k;

	(void)state;
	world_init(&world, PAGES, TOGETHER);
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		long live = failing_malloc_live;

		world.stop_at = 0;
		assert_int_equal(do_kind(&world, &kinds[k]), 0);
		all = world.safe_points;
		assert_true(all >= HEIGHT / 2);
		for (point = 1; point <= all; point++) {
			world.stop_at = point;
			assert_int_equal(do_kind(&world, &kinds[k]), -ETIME);
			assert_int_equal(world.safe_points, point);
		}
		assert_int_equal(failing_malloc_live, live);
	}
	world_fini(&world);
}

static void no_memory(void **state)
{
	struct world world;
	int allocation;
	size_t k;

	(void)state;
	world_init(&world, PAGES, SCATTERED);
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		long live = failing_malloc_live;

		for (allocation = 1;; allocation++) {
			int ret;

			failing_malloc_in = allocation;
			ret = do_kind(&world, &kinds[k]);
			if (failing_malloc_in > 0) {
				assert_int_equal(ret, 0);
				break;
			}
			assert_int_equal(ret, -ENOMEM);
			assert_int_equal(failing_malloc_live, live);
		}
		failing_malloc_in = -1;
		assert_true(allocation > 1);
		assert_int_equal(failing_malloc_live, live);
	}
	world_fini(&world);
}

static void no_memory_for_a_batch(void **state)
{
	struct softgpu_batch batch = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		failing_malloc_in = 1;
		assert_int_equal(softgpu_cmd_store(&batch, 8, 1), -ENOMEM);
		failing_malloc_in = -1;
		/* It stays so, and what is there stays, too. */
		assert_int_equal(softgpu_cmd_store(&batch, 8, 1), -ENOMEM);
		assert_int_equal(batch.error, -ENOMEM);
		assert_int_equal(batch.size, 0);
		softgpu_batch_fini(&batch);
		assert_int_equal(batch.error, 0);
	}
	while (batch.size < 10000) {
		size_t size = batch.size;

		failing_malloc_in = 1;
		if (softgpu_cmd_store(&batch, 8, 1)) {
			assert_int_equal(batch.size, size);
			batch.error = 0;
			failing_malloc_in = -1;
			assert_int_equal(softgpu_cmd_store(&batch, 8, 1), 0);
		}
	}
	failing_malloc_in = -1;
	softgpu_batch_fini(&batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_not_there),
		cmocka_unit_test(first_byte_is_named),
		cmocka_unit_test(written_where_it_may_not),
		cmocka_unit_test(stop_at_safe_points),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(no_memory_for_a_batch),
	};

	return RUN(tests);
}
