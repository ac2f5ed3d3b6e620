/* SPDX-License-Identifier: MIT */
/* Encoding: PNG files are decoded again, frames of Y4M compared with what they have to be. */
#include "pictures.h"

#include <png.h>

/* What was encoded lies here, and its size before it, beyond all pictures. */
#define PAGES	 120
#define ROOM	 (UINT64_C(60) * PAGE)
#define SIZE_AT	 (FIRST + 59 * PAGE + 8)
#define OUTPUT	 (FIRST + 60 * PAGE + 3)
#define MAX_ROOM (ROOM - 100)

static uint64_t read_memory(struct world *world, void *to, uint64_t address, uint64_t bytes)
{
	uint64_t i;

	for (i = 0; i < bytes; i++) {
		uint64_t byte = address - FIRST + i;

		((char *)to)[i] = world->table.pages[byte / PAGE][byte % PAGE];
	}
	return bytes;
}

static int encode(struct world *world, const struct softgpu_surface *source, uint64_t room,
		  enum softgpu_encoding encoding, uint32_t level)
{
	struct softgpu_batch batch = { 0 };

	softgpu_cmd_encode(&batch, OUTPUT, room, SIZE_AT, source, encoding, level);
	return do_batch(world, &batch);
}

/* What has become of it, after which the image has that, too: all else is to be as it was. */
static unsigned char *encoded(struct world *world, uint64_t *bytes)
{
	unsigned char *result;

	read_memory(world, bytes, SIZE_AT, sizeof(*bytes));
	assert_true(*bytes > 0);
	assert_true(*bytes <= MAX_ROOM);
	memcpy(at(world, SIZE_AT), bytes, sizeof(*bytes));
	result = malloc(*bytes);
	assert_non_null(result);
	read_memory(world, result, OUTPUT, *bytes);
	memcpy(at(world, OUTPUT), result, *bytes);
	assert_world(world);
	return result;
}

static void png(struct world *world, uint32_t format, uint32_t width, uint32_t height,
		uint32_t level)
{
	uint32_t samples = format == SOFTGPU_R8 ? 1 : 3;
	png_image image = { .version = PNG_IMAGE_VERSION };
	struct softgpu_surface source;
	unsigned char *file, *pixels;
	uint64_t bytes, next = FIRST;
	uint32_t x, y, i;

	source = picture(&next, format, width, height);
	assert_int_equal(encode(world, &source, MAX_ROOM, SOFTGPU_ENCODE_PNG, level), 0);
	assert_true(world->safe_points >= (int)height);
	file = encoded(world, &bytes);
	assert_int_not_equal(png_image_begin_read_from_memory(&image, file, bytes), 0);
	assert_int_equal(image.width, width);
	assert_int_equal(image.height, height);
	assert_int_equal(image.format, samples == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB);
	pixels = malloc(PNG_IMAGE_SIZE(image));
	assert_non_null(pixels);
	assert_int_not_equal(png_image_finish_read(&image, NULL, pixels, 0, NULL), 0);
	for (y = 0; y < height; y++) {
		for (x = 0; x < width; x++) {
			for (i = 0; i < samples; i++)
				assert_int_equal(pixels[(y * width + x) * samples + i],
						 *sample(world, &source, 0, x, y, i));
		}
	}
	free(pixels);
	free(file);
}

/* Something that can be compressed, with a bit of noise. */
static void draw(struct world *world)
{
	size_t i;

	for (i = 0; i < 59 * PAGE; i++)
		world->image[i] = i / 90 + (below(9) ? 0 : some_number());
	for (i = 0; i < world->table.num_pages; i++)
		memcpy(world->table.pages[i], world->image + i * PAGE, PAGE);
}

static void png_files(void **state)
{
	uint32_t width, height;
	struct world world;
	size_t a;

	(void)state;
	for (a = 0; a < ARRAY_SIZE(arrangements); a++) {
		world_init(&world, PAGES, arrangements[a]);
		for (width = 1; width <= 40; width++) {
			draw(&world);
			for (height = 1; height <= 40; height += width < 4 ? 1 : 1 + below(9))
				png(&world, below(2) ? SOFTGPU_R8 : SOFTGPU_RGBA8, width, height,
				    below(10));
		}
		for (height = 0; height < 10; height++) {
			draw(&world);
			png(&world, SOFTGPU_RGBA8, 250, 180, height);
			png(&world, SOFTGPU_R8, 16384, 7, height);
			png(&world, SOFTGPU_R8, 2, 4000, height);
		}
		png(&world, SOFTGPU_RGBA8, 16384, 3, 0);
		world_fini(&world);
	}
}

static void y4m(struct world *world, uint32_t format, uint32_t width, uint32_t height)
{
	uint64_t bytes, next = FIRST;
	struct softgpu_surface source = picture(&next, format, width, height);
	unsigned char *frame, *byte;
	uint32_t x, y;
	int i;

	assert_int_equal(encode(world, &source, MAX_ROOM, SOFTGPU_ENCODE_Y4M, 0), 0);
	assert_true(world->safe_points >= (int)height);
	frame = encoded(world, &bytes);
	assert_memory_equal(frame, "FRAME\n", 6);
	byte = frame + 6;
	for (i = 0; i < num_planes(format); i++) {
		for (y = 0; y < plane_height(format, i, height); y++) {
			for (x = 0; x < plane_width(format, i, width); x++)
				assert_int_equal(*byte++, *sample(world, &source, i, x, y, 0));
		}
	}
	assert_int_equal(bytes, byte - frame);
	free(frame);
}

static void y4m_frames(void **state)
{
	static const uint32_t formats[] = { SOFTGPU_R8, SOFTGPU_YUV420, SOFTGPU_YUV422,
					    SOFTGPU_YUV444 };
	uint32_t width, height;
	struct world world;
	size_t a, f;

	(void)state;
	for (a = 0; a < ARRAY_SIZE(arrangements); a++) {
		world_init(&world, PAGES, arrangements[a]);
		for (f = 0; f < ARRAY_SIZE(formats); f++) {
			for (width = 1; width <= 40; width++) {
				for (height = 1; height <= 40; height += 1 + below(4))
					y4m(&world, formats[f], width, height);
			}
			y4m(&world, formats[f], 16384, 3);
			y4m(&world, formats[f], 1, 1000);
			y4m(&world, formats[f], 301, 203);
		}
		world_fini(&world);
	}
}

/* With a byte less than it takes, or any less: then it says so, and nothing beyond is written. */
static void no_room(void **state)
{
	struct softgpu_surface source;
	uint64_t need, room, next = FIRST;
	struct world world;
	uint32_t encoding;

	(void)state;
	world_init(&world, PAGES, SCATTERED);
	draw(&world);
	source = picture(&next, SOFTGPU_R8, 100, 31);
	for (encoding = SOFTGPU_ENCODE_PNG; encoding <= SOFTGPU_ENCODE_Y4M; encoding++) {
		assert_int_equal(encode(&world, &source, MAX_ROOM, encoding, 1), 0);
		free(encoded(&world, &need));
		for (room = 0; room < need; room += room < 70 ? 1 : 13) {
			memset(at(&world, OUTPUT), 0xaa, need);
			memcpy(world.image + (SIZE_AT - FIRST), "unsaid", 6);
			world_arrange(&world, SCATTERED);
			for (next = 0; next < PAGES; next++)
				memcpy(world.table.pages[next], world.image + next * PAGE, PAGE);
			assert_int_equal(encode(&world, &source, room, encoding, 1), -ENOSPC);
			read_memory(&world, at(&world, OUTPUT), OUTPUT, room);
			assert_world(&world);
		}
		assert_int_equal(encode(&world, &source, need, encoding, 1), 0);
		free(encoded(&world, &room));
		assert_int_equal(room, need);
	}
	world_fini(&world);
}

/* The same picture becomes the same file, wherever it lies. */
static void same_every_time(void **state)
{
	unsigned char *file[2];
	struct world world;
	uint64_t bytes[2];
	size_t a;

	(void)state;
	for (a = 0; a < 2; a++) {
		struct softgpu_surface source = {
			.address = { FIRST + a * 5 },
			.pitch = { 401 + a },
			.width = 100,
			.height = 100,
			.format = SOFTGPU_RGBA8,
		};
		uint32_t x, y, i;

		world_init(&world, PAGES, arrangements[a]);
		for (y = 0; y < 100; y++) {
			for (x = 0; x < 100; x++) {
				for (i = 0; i < 4; i++)
					*sample(&world, &source, 0, x, y, i) = x * i + y * y;
			}
		}
		for (i = 0; i < PAGES; i++)
			memcpy(world.table.pages[i], world.image + i * PAGE, PAGE);
		assert_int_equal(encode(&world, &source, MAX_ROOM, SOFTGPU_ENCODE_PNG, 6), 0);
		file[a] = encoded(&world, &bytes[a]);
		world_fini(&world);
	}
	assert_int_equal(bytes[0], bytes[1]);
	assert_memory_equal(file[0], file[1], bytes[0]);
	free(file[0]);
	free(file[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(png_files),
		cmocka_unit_test(y4m_frames),
		cmocka_unit_test(no_room),
		cmocka_unit_test(same_every_time),
	};

	return RUN(tests);
}
