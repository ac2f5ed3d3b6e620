/* SPDX-License-Identifier: MIT */
/* Commands that store for others, and that wait. */
#include "world.h"

static void stores(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct world world;
	int i, j;

	(void)state;
	world_init(&world, 70, SCATTERED);
	for (i = 0; i < 500; i++) {
		uint64_t to = FIRST + below(world.bytes / 8) * 8;
		uint64_t value = (uint64_t)some_number() << 32 | some_number();

		softgpu_cmd_store(&batch, to, value);
		assert_int_equal(do_batch(&world, &batch), 0);
		for (j = 0; j < 8; j++)
			*at(&world, to + j) = value >> j * 8;
	}
	assert_world(&world);
	world_fini(&world);
}

static void *word_of(struct world *world)
{
	return world->table.pages[1] + 16;
}

static void counts_up(struct world *world)
{
	uint64_t value;

	memcpy(&value, word_of(world), 8);
	value++;
	memcpy(word_of(world), &value, 8);
}

static int wait_from(struct world *world, uint64_t begin, enum softgpu_compare compare,
		     uint64_t value)
{
	struct softgpu_batch batch = { 0 };

	memcpy(word_of(world), &begin, 8);
	softgpu_cmd_wait(&batch, FIRST + PAGE + 16, compare, value);
	return do_batch(world, &batch);
}

static void waits(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 2, SCATTERED);
	world.when_idle = counts_up;
	assert_int_equal(wait_from(&world, 7, SOFTGPU_EQUAL, 7), 0);
	assert_int_equal(world.idles, 0);
	assert_int_equal(wait_from(&world, 7, SOFTGPU_EQUAL, 10), 0);
	assert_int_equal(world.idles, 3);
	assert_int_equal(wait_from(&world, 7, SOFTGPU_NOT_EQUAL, 6), 0);
	assert_int_equal(world.idles, 0);
	assert_int_equal(wait_from(&world, 7, SOFTGPU_NOT_EQUAL, 7), 0);
	assert_int_equal(world.idles, 1);
	assert_int_equal(wait_from(&world, 7, SOFTGPU_AT_LEAST, 6), 0);
	assert_int_equal(world.idles, 0);
	assert_int_equal(wait_from(&world, 7, SOFTGPU_AT_LEAST, 7), 0);
	assert_int_equal(world.idles, 0);
	assert_int_equal(wait_from(&world, 7, SOFTGPU_AT_LEAST, 9), 0);
	assert_int_equal(world.idles, 2);
	/* Unsigned, and of all 64 bits. */
	assert_int_equal(wait_from(&world, UINT64_MAX, SOFTGPU_AT_LEAST, 1), 0);
	assert_int_equal(world.idles, 0);
	assert_int_equal(wait_from(&world, UINT64_C(1) << 32, SOFTGPU_NOT_EQUAL, 0), 0);
	assert_int_equal(world.idles, 0);
	assert_int_equal(wait_from(&world, UINT32_MAX, SOFTGPU_AT_LEAST, UINT64_C(1) << 32), 0);
	assert_int_equal(world.idles, 1);
	world_fini(&world);
}

/* What stops a command that would never end by itself. */
static void waiting_and_hanging_end(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct world world;

	(void)state;
	world_init(&world, 2, SCATTERED);
	world.stop_at = 100;
	assert_int_equal(wait_from(&world, 0, SOFTGPU_EQUAL, 1), -ETIME);
	assert_int_equal(world.safe_points + world.idles, 100);
	softgpu_cmd_hang(&batch);
	assert_int_equal(do_batch(&world, &batch), -ETIME);
	assert_int_equal(world.safe_points + world.idles, 100);
	assert_true(world.idles >= 98);
	world_fini(&world);
}

/* One thread's stores are seen by another's waits, and what was written before them. */

#define ROUNDS 2000

static int yields(struct execution *execution)
{
	(void)execution;
	sched_yield();
	return 0;
}

/* Both have the same memory, and a table each: this one has no lock. */
static void *plays(void *arg)
{
	struct world *world = arg;
	struct softgpu_batch batch = { 0 };
	uint64_t i;

	for (i = 1; i <= ROUNDS; i++) {
		softgpu_cmd_wait(&batch, FIRST, SOFTGPU_EQUAL, i);
		softgpu_cmd_copy(&batch, FIRST + 128, FIRST + 64, 8);
		softgpu_cmd_store(&batch, FIRST + 8, i);
	}
	in_thread(softgpu_execute(&world->execution, batch.data, batch.size) == 0);
	softgpu_batch_fini(&batch);
	return NULL;
}

static void stores_order(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct page_table other_table;
	struct world world, other;
	pthread_t thread;
	uint64_t i;

	(void)state;
	world_init(&world, 2, TOGETHER);
	memset(world.table.pages[0], 0, PAGE);
	world.execution.idle = yields;
	other = world;
	other_table = world.table;
	other.execution.table = &other_table;
	other.execution.safe_point = yields;
	thread = start(plays, &other);
	for (i = 1; i <= ROUNDS; i++) {
		softgpu_cmd_fill(&batch, FIRST + 64, 8, i);
		softgpu_cmd_store(&batch, FIRST, i);
		softgpu_cmd_wait(&batch, FIRST + 8, SOFTGPU_EQUAL, i);
		softgpu_cmd_copy(&batch, FIRST + PAGE + 8 * (i % 256), FIRST + 128, 4);
		assert_int_equal(do_batch(&world, &batch), 0);
		assert_memory_equal(world.table.pages[1] + 8 * (i % 256), &i, 4);
	}
	join(thread);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stores),
		cmocka_unit_test(waits),
		cmocka_unit_test(waiting_and_hanging_end),
		cmocka_unit_test(stores_order),
	};

	return RUN(tests);
}
