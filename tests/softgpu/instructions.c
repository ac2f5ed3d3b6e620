/* SPDX-License-Identifier: MIT */
/* Commands for plain memory: what they do, their faults and safe points. */
#include "world.h"

#include <zlib.h>

#define PAGES 70

static const enum arrangement arrangements[] = { TOGETHER, SCATTERED };

static void copies(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct world world;
	size_t a;
	int i;

	(void)state;
	for (a = 0; a < ARRAY_SIZE(arrangements); a++) {
		world_init(&world, PAGES, arrangements[a]);
		for (i = 0; i < 2000; i++) {
			/* Mostly small ones, some of all that there is; they often overlap. */
			uint64_t bytes = below(i % 2 ? world.bytes : 1 + below(3 * PAGE));
			uint64_t to = FIRST + below(world.bytes - bytes);
			uint64_t from = FIRST + below(world.bytes - bytes);

			if (i % 4 == 0 && from + 9 < FIRST + world.bytes - bytes)
				to = from + below(9);
			softgpu_cmd_copy(&batch, to, from, bytes);
			assert_int_equal(do_batch(&world, &batch), 0);
			if (bytes)
				memmove(at(&world, to), at(&world, from), bytes);
			assert_true(world.safe_points > (int)(bytes / (64 * 1024)));
			if (i % 50 == 0)
				assert_world(&world);
		}
		assert_world(&world);
		world_fini(&world);
	}
}

/* As if all were read first: also if the same memory is at two addresses. */
static void copies_what_is_mapped_twice(void **state)
{
	struct softgpu_batch batch = { 0 };
	const uint64_t half = PAGES / 2 * PAGE;
	struct world world;
	size_t p;
	int i;

	(void)state;
	world_init(&world, PAGES, TOGETHER);
	for (p = 0; p < PAGES / 2; p++)
		world.table.pages[PAGES / 2 + p] = world.table.pages[p];
	memcpy(world.image + half, world.image, half);
	for (i = 0; i < 1000; i++) {
		uint64_t bytes = 1 + below(half);
		uint64_t to = FIRST + below(half - bytes + 1),
			 from = FIRST + below(half - bytes + 1);

		softgpu_cmd_copy(&batch, to + (i & 1 ? half : 0), from + (i & 1 ? 0 : half), bytes);
		assert_int_equal(do_batch(&world, &batch), 0);
		memmove(at(&world, to), at(&world, from), bytes);
		memcpy(world.image + half, world.image, half);
		if (i % 50 == 0)
			assert_world(&world);
	}
	assert_world(&world);
	world_fini(&world);
}

static void fills(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct world world;
	uint64_t b;
	size_t a;
	int i;

	(void)state;
	for (a = 0; a < ARRAY_SIZE(arrangements); a++) {
		world_init(&world, PAGES, arrangements[a]);
		for (i = 0; i < 500; i++) {
			uint64_t bytes = below(i % 10 ? 3 * PAGE : world.bytes);
			uint64_t to = FIRST + below(world.bytes - bytes);
			uint32_t value = some_number();

			softgpu_cmd_fill(&batch, to, bytes, value);
			assert_int_equal(do_batch(&world, &batch), 0);
			for (b = 0; b < bytes; b++)
				*at(&world, to + b) = value >> b % 4 * 8;
			assert_true(world.safe_points > (int)(bytes / (64 * 1024)));
			assert_world(&world);
		}
		world_fini(&world);
	}
}

static void sums(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct world world;
	size_t a;
	int i;

	(void)state;
	for (a = 0; a < ARRAY_SIZE(arrangements); a++) {
		world_init(&world, PAGES, arrangements[a]);
		for (i = 0; i < 500; i++) {
			uint64_t bytes = below(i % 10 ? 3 * PAGE : world.bytes);
			uint64_t from = FIRST + below(world.bytes - bytes);
			uint64_t to = FIRST + below(world.bytes / 4) * 4;
			uint32_t sum = crc32(0, at(&world, from), bytes);
			int j;

			softgpu_cmd_crc32(&batch, to, from, bytes);
			assert_int_equal(do_batch(&world, &batch), 0);
			for (j = 0; j < 4; j++)
				*at(&world, to + j) = sum >> j * 8;
			assert_true(world.safe_points > (int)(bytes / (64 * 1024)));
			assert_world(&world);
		}
		/* The sum that everybody knows. */
		memcpy(at(&world, FIRST), "123456789", 9);
		memcpy(world.table.pages[0], "123456789", 9);
		softgpu_cmd_crc32(&batch, FIRST + 12, FIRST, 9);
		assert_int_equal(do_batch(&world, &batch), 0);
		memcpy(at(&world, FIRST + 12), "\x26\x39\xf4\xcb", 4);
		assert_world(&world);
		world_fini(&world);
	}
}

/* However long it is: it stops where it is told to, at every point. */
static void memory_commands_stop_at_safe_points(void **state)
{
	static const int num_kinds = 4;
	struct softgpu_batch batch = { 0 };
	struct world world;
	int kind, point;

	(void)state;
	world_init(&world, PAGES, TOGETHER);
	for (kind = 0; kind < num_kinds; kind++) {
		for (point = 0;; point++) {
			int ret;

			world.stop_at = point;
			if (kind == 0)
				softgpu_cmd_fill(&batch, FIRST, 64 * PAGE, 1);
			else if (kind == 1)
				softgpu_cmd_copy(&batch, FIRST, FIRST + 1, 64 * PAGE);
			else if (kind == 2)
				softgpu_cmd_copy(&batch, FIRST + 1, FIRST, 64 * PAGE);
			else
				softgpu_cmd_crc32(&batch, FIRST, FIRST, 64 * PAGE);
			ret = do_batch(&world, &batch);
			if (point == 0) {
				assert_int_equal(ret, 0);
				assert_true(world.safe_points >= 64 * PAGE / (64 * 1024));
				continue;
			}
			if (ret == 0)
				break;
			assert_int_equal(ret, -ETIME);
			assert_int_equal(world.safe_points, point);
		}
		assert_true(point > 64 * PAGE / (64 * 1024));
	}
	/* Many that do little. */
	world.stop_at = 3;
	for (kind = 0; kind < 5; kind++)
		softgpu_cmd_store(&batch, FIRST, 1);
	assert_int_equal(do_batch(&world, &batch), -ETIME);
	world_fini(&world);
}

static void unmap(struct world *world, size_t page)
{
	world->table.pages[page] = NULL;
}

/* Each of what a command uses is not there in turn, or may not be written to. */
static void memory_commands_fault(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct world world;
	size_t page;

	(void)state;
	for (page = 0; page < 12; page++) {
		world_init(&world, 12, TOGETHER);
		unmap(&world, page);

		/* The first that does no harm, so that commands are counted. */
		softgpu_cmd_fill(&batch, FIRST, 0, 0);
		softgpu_cmd_fill(&batch, FIRST + 100, 4 * PAGE - 100, 1);
		if (page < 4) {
			assert_int_equal(do_batch(&world, &batch), -EFAULT);
			assert_fault(&world, 1, SOFTGPU_OP_FILL, FIRST + (page ? page * PAGE : 100),
				     true);
			assert_int_equal(world.execution.fault.public.kind,
					 SOFTGPU_FAULT_NOT_MAPPED);
		} else {
			assert_int_equal(do_batch(&world, &batch), 0);
		}

		softgpu_cmd_copy(&batch, FIRST + 4 * PAGE, FIRST, 4 * PAGE);
		if (page < 8) {
			assert_int_equal(do_batch(&world, &batch), -EFAULT);
			assert_fault(&world, 0, SOFTGPU_OP_COPY, FIRST + page * PAGE, page >= 4);
		} else {
			assert_int_equal(do_batch(&world, &batch), 0);
		}

		softgpu_cmd_crc32(&batch, FIRST + 8 * PAGE, FIRST + 4 * PAGE, 4 * PAGE);
		if (page >= 4 && page <= 8) {
			assert_int_equal(do_batch(&world, &batch), -EFAULT);
			assert_fault(&world, 0, SOFTGPU_OP_CRC32, FIRST + page * PAGE, page == 8);
		} else {
			assert_int_equal(do_batch(&world, &batch), 0);
		}

		softgpu_cmd_store(&batch, FIRST + 9 * PAGE + 8, 1);
		softgpu_cmd_wait(&batch, FIRST + 10 * PAGE + 8, SOFTGPU_AT_LEAST, 0);
		if (page == 9 || page == 10) {
			assert_int_equal(do_batch(&world, &batch), -EFAULT);
			assert_fault(&world, page == 10,
				     page == 9 ? SOFTGPU_OP_STORE : SOFTGPU_OP_WAIT,
				     FIRST + page * PAGE + 8, page == 9);
		} else {
			assert_int_equal(do_batch(&world, &batch), 0);
		}
		world_fini(&world);
	}
}

/* A copy that begins at the end names a page that is not there, for what it came to it first. */
static void backward_copies_fault(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct world world;
	size_t page;

	(void)state;
	for (page = 0; page < 5; page++) {
		world_init(&world, 5, TOGETHER);
		unmap(&world, page);
		softgpu_cmd_copy(&batch, FIRST + PAGE, FIRST, 4 * PAGE);
		assert_int_equal(do_batch(&world, &batch), -EFAULT);
		if (page > 0 && page < 4) /* used for both */
			assert_int_equal(world.execution.fault.public.address, FIRST + page * PAGE);
		else
			assert_fault(&world, 0, SOFTGPU_OP_COPY, FIRST + page * PAGE, page == 4);
		world_fini(&world);
	}
}

static void read_only_pages_are_not_written(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct world world;

	(void)state;
	world_init(&world, 4, TOGETHER);
	world.table.read_only[1] = true;
	softgpu_cmd_copy(&batch, FIRST + 2 * PAGE, FIRST, 2 * PAGE);
	assert_int_equal(do_batch(&world, &batch), 0);
	memcpy(at(&world, FIRST + 2 * PAGE), at(&world, FIRST), 2 * PAGE);
	assert_world(&world);
	softgpu_cmd_copy(&batch, FIRST, FIRST + 2 * PAGE, 2 * PAGE);
	assert_int_equal(do_batch(&world, &batch), -EFAULT);
	assert_fault(&world, 0, SOFTGPU_OP_COPY, FIRST + PAGE, true);
	assert_int_equal(world.execution.fault.public.kind, SOFTGPU_FAULT_READ_ONLY);
	assert_world(&world);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies),
		cmocka_unit_test(copies_what_is_mapped_twice),
		cmocka_unit_test(fills),
		cmocka_unit_test(sums),
		cmocka_unit_test(memory_commands_stop_at_safe_points),
		cmocka_unit_test(memory_commands_fault),
		cmocka_unit_test(backward_copies_fault),
		cmocka_unit_test(read_only_pages_are_not_written),
	};

	return RUN(tests);
}
