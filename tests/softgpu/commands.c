/* SPDX-License-Identifier: MIT */
/* Command buffers: how they are made, and that such as make no sense are refused. */
#include "world.h"

#define END SOFTGPU_ADDRESS_END

static const struct softgpu_surface r8 = {
	.address = { 1 }, .pitch = { 10 }, .width = 10, .height = 7, .format = SOFTGPU_R8
};
static const struct softgpu_surface rgba8 = {
	.address = { 1 }, .pitch = { 40 }, .width = 10, .height = 7, .format = SOFTGPU_RGBA8
};
static const struct softgpu_surface yuv420 = { .address = { 1, 2, 3 },
					       .pitch = { 11, 6, 6 },
					       .width = 11,
					       .height = 7,
					       .format = SOFTGPU_YUV420 };
static const int16_t coefficients[25] = { 1, -32768, 32767 };

/* One of each, of which a command is made by changing something. */
static void add_all(struct softgpu_batch *batch)
{
	softgpu_cmd_copy(batch, 1, 2, 3);
	softgpu_cmd_fill(batch, 1, 2, 3);
	softgpu_cmd_convolve(batch, &rgba8, &rgba8, 0, 3, coefficients, 16, INT32_MIN,
			     SOFTGPU_BORDER_MIRROR);
	softgpu_cmd_scale(batch, &r8, &r8, 1, 8, SOFTGPU_BILINEAR);
	softgpu_cmd_blend(batch, &rgba8, &rgba8, 255);
	softgpu_cmd_convert(batch, &yuv420, &yuv420);
	softgpu_cmd_crc32(batch, 4, 1, 3);
	softgpu_cmd_store(batch, 8, 1);
	softgpu_cmd_wait(batch, 8, SOFTGPU_AT_LEAST, 1);
	softgpu_cmd_hang(batch);
	softgpu_cmd_encode(batch, 1, 100, 16, &rgba8, SOFTGPU_ENCODE_PNG, 9);
	assert_int_equal(batch->error, 0);
}

static int check(const void *commands, size_t size)
{
	return softgpu_check_commands(SOFTGPU_NUM_CLASSES, commands, size);
}

/* In memory of its own size, so that sanitizers see what is read beyond. */
static int check_exactly(enum softgpu_class engine_class, const void *commands, size_t size)
{
	char *copy = malloc(size ? size : 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy, commands, size);
	ret = softgpu_check_commands(engine_class, copy, size);
	free(copy);
	return ret;
}

static const struct softgpu_command *command_at(const struct softgpu_batch *batch, size_t offset)
{
	return (const void *)((const char *)batch->data + offset);
}

static void are_made(void **state)
{
	struct softgpu_batch batch = { 0 }, again = { 0 };
	const struct softgpu_convolve *convolve;
	const struct softgpu_encode *encode;
	const struct softgpu_scale *scale;
	const struct softgpu_wait *wait;
	uint32_t opcode = 0;
	size_t offset;

	(void)state;
	assert_int_equal(check(NULL, 0), 0);
	add_all(&batch);
	assert_int_equal(check(batch.data, batch.size), 0);
	for (offset = 0; offset < batch.size; offset += command_at(&batch, offset)->size) {
		assert_int_equal(command_at(&batch, offset)->opcode, ++opcode);
		assert_int_equal(softgpu_batch_add(&again, command_at(&batch, offset)), 0);
	}
	assert_int_equal(opcode, SOFTGPU_OP_ENCODE);
	assert_int_equal(again.size, batch.size);
	assert_memory_equal(again.data, batch.data, batch.size);
	softgpu_batch_fini(&again);
	assert_null(again.data);
	assert_int_equal(again.size, 0);
	softgpu_batch_fini(&batch);

	softgpu_cmd_convolve(&batch, &r8, &rgba8, 1, 5, coefficients, 2, -3, SOFTGPU_BORDER_CLAMP);
	convolve = batch.data;
	assert_memory_equal(&convolve->destination, &r8, sizeof(r8));
	assert_memory_equal(&convolve->source, &rgba8, sizeof(r8));
	assert_int_equal(convolve->first_row, 1);
	assert_int_equal(convolve->extent, 5);
	assert_int_equal(convolve->shift, 2);
	assert_int_equal(convolve->bias, -3);
	assert_int_equal(convolve->border, SOFTGPU_BORDER_CLAMP);
	assert_memory_equal(convolve->coefficients, coefficients, sizeof(coefficients));
	softgpu_batch_fini(&batch);
	softgpu_cmd_scale(&batch, &r8, &rgba8, 1, 2, SOFTGPU_BILINEAR);
	scale = batch.data;
	assert_memory_equal(&scale->destination, &r8, sizeof(r8));
	assert_memory_equal(&scale->source, &rgba8, sizeof(r8));
	assert_int_equal(scale->first_row, 1);
	assert_int_equal(scale->full_height, 2);
	assert_int_equal(scale->filter, SOFTGPU_BILINEAR);
	softgpu_batch_fini(&batch);
	softgpu_cmd_wait(&batch, 1, SOFTGPU_NOT_EQUAL, 2);
	wait = batch.data;
	assert_int_equal(wait->source, 1);
	assert_int_equal(wait->value, 2);
	assert_int_equal(wait->compare, SOFTGPU_NOT_EQUAL);
	softgpu_batch_fini(&batch);
	softgpu_cmd_encode(&batch, 1, 2, 3, &r8, SOFTGPU_ENCODE_Y4M, 4);
	encode = batch.data;
	assert_int_equal(encode->destination, 1);
	assert_int_equal(encode->bytes, 2);
	assert_int_equal(encode->encoded_bytes, 3);
	assert_memory_equal(&encode->source, &r8, sizeof(r8));
	assert_int_equal(encode->encoding, SOFTGPU_ENCODE_Y4M);
	assert_int_equal(encode->level, 4);
	softgpu_batch_fini(&batch);
}

/* Adding to what a caller has made. */
static void are_added_to(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct softgpu_hang hang = { { SOFTGPU_OP_HANG, sizeof(hang) } };
	int i;

	(void)state;
	batch.data = malloc(sizeof(hang));
	assert_non_null(batch.data);
	memcpy(batch.data, &hang, sizeof(hang));
	batch.size = sizeof(hang);
	for (i = 0; i < 1000; i++)
		assert_int_equal(softgpu_cmd_hang(&batch), 0);
	assert_int_equal(batch.size, 1001 * sizeof(hang));
	assert_int_equal(check(batch.data, batch.size), 0);
	softgpu_batch_fini(&batch);
}

/* Cut off anywhere but between two commands. */
static void cut_off(void **state)
{
	struct softgpu_batch batch = { 0 };
	size_t size, end = 0;

	(void)state;
	add_all(&batch);
	for (size = 0; size <= batch.size; size++) {
		assert_int_equal(check_exactly(SOFTGPU_NUM_CLASSES, batch.data, size),
				 size == end ? 0 : -EINVAL);
		if (size == end && size < batch.size)
			end += command_at(&batch, end)->size;
	}
	softgpu_batch_fini(&batch);
}

static void at_any_address(void **state)
{
	struct softgpu_batch batch = { 0 };
	char *copy;
	int i;

	(void)state;
	add_all(&batch);
	copy = malloc(batch.size + 8);
	assert_non_null(copy);
	for (i = 0; i < 8; i++) {
		memcpy(copy + i, batch.data, batch.size);
		assert_int_equal(check(copy + i, batch.size), 0);
	}
	free(copy);
	softgpu_batch_fini(&batch);
}

static void heads(void **state)
{
	struct softgpu_batch batch = { 0 };
	size_t offset, next;
	int change;

	(void)state;
	add_all(&batch);
	for (offset = 0; offset < batch.size; offset = next) {
		struct softgpu_command *head = (void *)((char *)batch.data + offset);
		struct softgpu_command good = *head;

		next = offset + head->size;
		for (change = -9; change <= 9; change++) {
			head->size = good.size + change;
			assert_int_equal(check_exactly(SOFTGPU_NUM_CLASSES, batch.data, batch.size),
					 change ? -EINVAL : 0);
		}
		head->size = 0;
		assert_int_equal(check(batch.data, batch.size), -EINVAL);
		head->size = UINT32_MAX;
		assert_int_equal(check(batch.data, batch.size), -EINVAL);
		*head = good;
		head->opcode = 0;
		assert_int_equal(check(batch.data, batch.size), -EINVAL);
		head->size = 0;
		assert_int_equal(check(batch.data, batch.size), -EINVAL);
		head->size = good.size;
		head->opcode = SOFTGPU_OP_ENCODE + 1;
		assert_int_equal(check(batch.data, batch.size), -EINVAL);
		head->opcode = UINT32_MAX;
		assert_int_equal(check(batch.data, batch.size), -EINVAL);
		*head = good;
	}
	softgpu_batch_fini(&batch);
}

/* Who can do what: the table at the head of softgpu/command.h. */
static void classes(void **state)
{
	static const char *const who[] = {
		[SOFTGPU_OP_COPY] = "yyy",     [SOFTGPU_OP_FILL] = "yyy",
		[SOFTGPU_OP_CONVOLVE] = "nyn", [SOFTGPU_OP_SCALE] = "nyn",
		[SOFTGPU_OP_BLEND] = "nyn",    [SOFTGPU_OP_CONVERT] = "nyy",
		[SOFTGPU_OP_CRC32] = "yyy",    [SOFTGPU_OP_STORE] = "yyy",
		[SOFTGPU_OP_WAIT] = "yyy",     [SOFTGPU_OP_HANG] = "yyy",
		[SOFTGPU_OP_ENCODE] = "nny",
	};
	struct softgpu_batch batch = { 0 };
	size_t offset;
	int c;

	(void)state;
	add_all(&batch);
	for (offset = 0; offset < batch.size; offset += command_at(&batch, offset)->size) {
		const struct softgpu_command *command = command_at(&batch, offset);

		for (c = 0; c < 3; c++)
			assert_int_equal(softgpu_check_commands(c, command, command->size),
					 who[command->opcode][c] == 'y' ? 0 : -EINVAL);
		assert_int_equal(softgpu_check_commands(SOFTGPU_CLASS_BIND, command, command->size),
				 -EINVAL);
	}
	softgpu_batch_fini(&batch);
}

/* After each change: whether it is refused. Then it is as before. */
#define TRY(command, field, value, result) \
	do { \
		__typeof__(*(command)) good = *(command); \
		(command)->field = (value); \
		assert_int_equal(check_exactly(SOFTGPU_NUM_CLASSES, command, sizeof(good)), \
				 result); \
		*(command) = good; \
	} while (0)
#define GOOD(command, field, value) TRY(command, field, value, 0)
#define BAD(command, field, value)  TRY(command, field, value, -EINVAL)

static void plain_memory(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct softgpu_crc32 *crc32;
	struct softgpu_store *store;
	struct softgpu_copy *copy;
	struct softgpu_fill *fill;
	struct softgpu_wait *wait;

	(void)state;
	softgpu_cmd_copy(&batch, 10, 20, 30);
	copy = batch.data;
	GOOD(copy, bytes, 0);
	GOOD(copy, bytes, END - 20);
	BAD(copy, bytes, END - 20 + 1);
	BAD(copy, bytes, END);
	BAD(copy, bytes, END + 1);
	BAD(copy, bytes, UINT64_MAX);
	BAD(copy, bytes, UINT64_MAX - 9);
	GOOD(copy, source, END - 30);
	BAD(copy, source, END - 29);
	BAD(copy, source, END);
	BAD(copy, source, UINT64_MAX);
	GOOD(copy, destination, END - 30);
	BAD(copy, destination, END - 29);
	BAD(copy, destination, UINT64_MAX - 29);
	softgpu_batch_fini(&batch);

	softgpu_cmd_fill(&batch, 10, 30, 1);
	fill = batch.data;
	GOOD(fill, bytes, END - 10);
	BAD(fill, bytes, END - 9);
	GOOD(fill, destination, END - 30);
	BAD(fill, destination, END - 29);
	BAD(fill, destination, UINT64_MAX);
	BAD(fill, zero, 1);
	softgpu_batch_fini(&batch);

	softgpu_cmd_crc32(&batch, 8, 10, 30);
	crc32 = batch.data;
	GOOD(crc32, bytes, END - 10);
	BAD(crc32, bytes, END - 9);
	GOOD(crc32, destination, END - 4);
	GOOD(crc32, destination, 4);
	BAD(crc32, destination, END);
	BAD(crc32, destination, 5);
	BAD(crc32, destination, 6);
	BAD(crc32, destination, 7);
	BAD(crc32, destination, UINT64_MAX - 3);
	BAD(crc32, source, END - 29);
	softgpu_batch_fini(&batch);

	softgpu_cmd_store(&batch, 8, UINT64_MAX);
	store = batch.data;
	GOOD(store, destination, END - 8);
	BAD(store, destination, END);
	BAD(store, destination, 9);
	BAD(store, destination, 12);
	BAD(store, destination, UINT64_MAX - 7);
	softgpu_batch_fini(&batch);

	softgpu_cmd_wait(&batch, 8, SOFTGPU_EQUAL, UINT64_MAX);
	wait = batch.data;
	GOOD(wait, source, END - 8);
	BAD(wait, source, END);
	BAD(wait, source, 4);
	BAD(wait, source, 1);
	GOOD(wait, compare, SOFTGPU_AT_LEAST);
	BAD(wait, compare, SOFTGPU_AT_LEAST + 1);
	BAD(wait, compare, UINT32_MAX);
	BAD(wait, zero, 1);
	softgpu_batch_fini(&batch);
}

/* Of a command that takes pictures of any size and format alike: what a surface must be like. */
static void surfaces(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct softgpu_encode *encode;

	(void)state;
	softgpu_cmd_encode(&batch, 1, 100, 16, &yuv420, SOFTGPU_ENCODE_Y4M, 0);
	encode = batch.data;
	BAD(encode, source.width, 0);
	BAD(encode, source.height, 0);
	BAD(encode, source.width, 13); /* than has room between two rows */
	GOOD(encode, source.width, 10);
	BAD(encode, source.width, UINT32_MAX);
	BAD(encode, source.height, UINT32_MAX);
	GOOD(encode, source.height, SOFTGPU_MAX_EXTENT);
	BAD(encode, source.height, SOFTGPU_MAX_EXTENT + 1);
	BAD(encode, source.format, SOFTGPU_RGBA8);
	BAD(encode, source.format, SOFTGPU_YUV444 + 1);
	BAD(encode, source.format, UINT32_MAX);
	BAD(encode, source.format, SOFTGPU_YUV444); /* whose rows of colour are longer */
	GOOD(encode, source.format, SOFTGPU_R8);
	GOOD(encode, source.format, SOFTGPU_YUV422);
	BAD(encode, source.pitch[0], 10);
	BAD(encode, source.pitch[1], 5);
	BAD(encode, source.pitch[2], 5);
	GOOD(encode, source.pitch[0], UINT32_MAX);
	GOOD(encode, source.address[0], END - 6 * 11 - 11);
	BAD(encode, source.address[0], END - 6 * 11 - 10);
	BAD(encode, source.address[0], END);
	BAD(encode, source.address[0], UINT64_MAX);
	BAD(encode, source.address[0], UINT64_MAX - 50);
	GOOD(encode, source.address[1], END - 3 * 6 - 6);
	BAD(encode, source.address[1], END - 3 * 6 - 5);
	GOOD(encode, source.address[2], END - 3 * 6 - 6);
	BAD(encode, source.address[2], END - 3 * 6 - 5);
	BAD(encode, source.address[2], UINT64_MAX);
	/* The last row needs no more than it has, and planes that are not used anything. */
	encode->source.format = SOFTGPU_R8;
	encode->source.pitch[0] = UINT32_MAX;
	GOOD(encode, source.address[0], END - 6 * (uint64_t)UINT32_MAX - 11);
	BAD(encode, source.address[0], END - 6 * (uint64_t)UINT32_MAX - 10);
	GOOD(encode, source.address[1], UINT64_MAX);
	GOOD(encode, source.pitch[2], 0);

	encode->encoding = SOFTGPU_ENCODE_PNG;
	GOOD(encode, level, 9);
	BAD(encode, level, 10);
	BAD(encode, level, UINT32_MAX);
	BAD(encode, source.format, SOFTGPU_YUV422);
	BAD(encode, encoding, SOFTGPU_ENCODE_Y4M + 1);
	BAD(encode, encoding, UINT32_MAX);
	GOOD(encode, bytes, END - 1);
	BAD(encode, bytes, END);
	BAD(encode, bytes, UINT64_MAX);
	BAD(encode, destination, END - 99);
	GOOD(encode, encoded_bytes, END - 8);
	BAD(encode, encoded_bytes, END);
	BAD(encode, encoded_bytes, 20);
	softgpu_batch_fini(&batch);
}

static void convolutions(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct softgpu_convolve *convolve;

	(void)state;
	softgpu_cmd_convolve(&batch, &r8, &r8, 0, 5, coefficients, 16, INT32_MAX,
			     SOFTGPU_BORDER_MIRROR);
	convolve = batch.data;
	BAD(convolve, destination.format, SOFTGPU_RGBA8);
	BAD(convolve, source.format, SOFTGPU_RGBA8);
	BAD(convolve, destination.width, 9);
	BAD(convolve, source.width, 9);
	GOOD(convolve, destination.height, 6);
	GOOD(convolve, destination.height, 1);
	BAD(convolve, destination.height, 8);
	BAD(convolve, source.height, 6);
	GOOD(convolve, source.height, 8);
	BAD(convolve, destination.address[0], END);
	BAD(convolve, source.address[0], END);
	BAD(convolve, first_row, 1);
	BAD(convolve, first_row, UINT32_MAX);
	BAD(convolve, extent, 0);
	BAD(convolve, extent, 1);
	BAD(convolve, extent, 4);
	BAD(convolve, extent, 7);
	BAD(convolve, extent, UINT32_MAX);
	BAD(convolve, border, SOFTGPU_BORDER_MIRROR + 1);
	BAD(convolve, border, UINT32_MAX);
	GOOD(convolve, shift, 0);
	BAD(convolve, shift, 17);
	BAD(convolve, shift, UINT32_MAX);
	GOOD(convolve, bias, INT32_MIN);
	GOOD(convolve, coefficients[24], 1);
	BAD(convolve, zero, 1);
	convolve->destination.height = 3;
	GOOD(convolve, first_row, 4);
	BAD(convolve, first_row, 5);
	BAD(convolve, first_row, UINT32_MAX - 2);
	/* Of an extent of 3 there are no others. */
	convolve->extent = 3;
	GOOD(convolve, coefficients[8], 1);
	BAD(convolve, coefficients[9], 1);
	BAD(convolve, coefficients[24], 1);
	/* Planes of colour are not convolved. */
	convolve->source.format = convolve->destination.format = SOFTGPU_YUV444;
	convolve->source.pitch[1] = convolve->source.pitch[2] = 10;
	convolve->destination.pitch[1] = convolve->destination.pitch[2] = 10;
	BAD(convolve, zero, 0);
	softgpu_batch_fini(&batch);
}

static void other_pictures(void **state)
{
	struct softgpu_batch batch = { 0 };
	struct softgpu_convert *convert;
	struct softgpu_scale *scale;
	struct softgpu_blend *blend;

	(void)state;
	softgpu_cmd_scale(&batch, &r8, &r8, 0, 7, SOFTGPU_BILINEAR);
	scale = batch.data;
	GOOD(scale, destination.width, 9);
	GOOD(scale, source.width, 1);
	GOOD(scale, source.height, 1);
	BAD(scale, source.format, SOFTGPU_RGBA8);
	BAD(scale, destination.format, SOFTGPU_RGBA8);
	BAD(scale, destination.address[0], END);
	BAD(scale, source.address[0], END);
	BAD(scale, first_row, 1);
	BAD(scale, first_row, UINT32_MAX);
	BAD(scale, full_height, 6);
	BAD(scale, full_height, 0);
	GOOD(scale, full_height, SOFTGPU_MAX_EXTENT);
	BAD(scale, full_height, SOFTGPU_MAX_EXTENT + 1);
	BAD(scale, full_height, UINT32_MAX);
	BAD(scale, filter, SOFTGPU_BILINEAR + 1);
	BAD(scale, zero, 1);
	scale->full_height = 10;
	GOOD(scale, first_row, 3);
	BAD(scale, first_row, 4);
	BAD(scale, first_row, UINT32_MAX - 6);
	scale->source = scale->destination = yuv420;
	BAD(scale, zero, 0);
	softgpu_batch_fini(&batch);

	softgpu_cmd_blend(&batch, &rgba8, &rgba8, 0);
	blend = batch.data;
	GOOD(blend, opacity, 255);
	BAD(blend, opacity, 256);
	BAD(blend, opacity, UINT32_MAX);
	BAD(blend, zero, 1);
	BAD(blend, source.width, 9);
	BAD(blend, source.height, 6);
	BAD(blend, destination.width, 9);
	BAD(blend, destination.height, 6);
	BAD(blend, source.format, SOFTGPU_R8);
	BAD(blend, destination.format, SOFTGPU_R8);
	BAD(blend, source.pitch[0], 39);
	BAD(blend, destination.pitch[0], 39);
	blend->source = blend->destination = r8;
	BAD(blend, zero, 0);
	softgpu_batch_fini(&batch);

	softgpu_cmd_convert(&batch, &yuv420, &yuv420);
	convert = batch.data;
	GOOD(convert, source.format, SOFTGPU_R8);
	GOOD(convert, source.format, SOFTGPU_YUV422);
	GOOD(convert, destination.format, SOFTGPU_YUV422);
	BAD(convert, destination.format, SOFTGPU_YUV444);
	BAD(convert, destination.format, SOFTGPU_YUV444 + 1);
	BAD(convert, source.width, 10);
	BAD(convert, source.height, 6);
	BAD(convert, destination.width, 10);
	BAD(convert, destination.height, 6);
	BAD(convert, destination.address[2], END);
	BAD(convert, source.address[1], END);
	softgpu_batch_fini(&batch);
}

/*
 * Whatever the bytes are: they are refused, or can be done in an address space where little is
 * mapped. Most are commands with a few bytes changed.
 */
static void random_bytes(void **state)
{
	struct softgpu_batch batch = { 0 };
	int i, accepted = 0, refused = 0;
	struct world world;

	(void)state;
	world_init(&world, 4, SCATTERED);
	world.stop_at = 50;
	add_all(&batch);
	for (i = 0; i < 200000; i++) {
		unsigned char bytes[256];
		size_t size = sizeof(bytes), offset = 0, j;
		uint32_t skip;

		for (skip = below(11); skip; skip--)
			offset += command_at(&batch, offset)->size;
		if (i % 8) {
			size = command_at(&batch, offset)->size;
			memcpy(bytes, command_at(&batch, offset), size);
			for (j = below(4); j; j--)
				bytes[below(size)] = below(2) ? some_number() : below(4);
			/* Sometimes where something is mapped. */
			for (j = 8; j + 8 <= size && below(2); j += 8) {
				const uint64_t address = FIRST + below(4 * PAGE) / 8 * 8;

				if (below(4) == 0)
					memcpy(bytes + j, &address, 8);
			}
			size -= below(20) == 0;
		} else {
			for (j = 0; j < size; j++)
				bytes[j] = below(3) ? 0 : some_number();
			bytes[0] = below(13);
			bytes[1] = bytes[2] = bytes[3] = 0;
			size = below(sizeof(bytes));
		}
		if (check_exactly(SOFTGPU_NUM_CLASSES, bytes, size)) {
			refused++;
			continue;
		}
		accepted++;
		world.safe_points = world.idles = 0;
		softgpu_execute(&world.execution, bytes, size);
	}
	assert_true(accepted > 10000);
	assert_true(refused > 10000);
	softgpu_batch_fini(&batch);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(are_made),	cmocka_unit_test(are_added_to),
		cmocka_unit_test(cut_off),	cmocka_unit_test(at_any_address),
		cmocka_unit_test(heads),	cmocka_unit_test(classes),
		cmocka_unit_test(plain_memory), cmocka_unit_test(surfaces),
		cmocka_unit_test(convolutions), cmocka_unit_test(other_pictures),
		cmocka_unit_test(random_bytes),
	};

	return RUN(tests);
}
