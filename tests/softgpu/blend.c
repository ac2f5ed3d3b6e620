/* SPDX-License-Identifier: MIT */
/* Blending against a plain reference. */
#include "pictures.h"

static void reference(struct world *world, const struct softgpu_surface *destination,
		      const struct softgpu_surface *source, uint32_t opacity)
{
	uint32_t x, y, channel;

	for (y = 0; y < source->height; y++) {
		for (x = 0; x < source->width; x++) {
			uint32_t a = (*sample(world, source, 0, x, y, 3) * opacity + 127) / 255;

			for (channel = 0; channel < 3; channel++) {
				unsigned char *to = sample(world, destination, 0, x, y, channel);

				*to = (*sample(world, source, 0, x, y, channel) * a +
				       *to * (255 - a) + 127) /
				      255;
			}
			*sample(world, destination, 0, x, y, 3) =
				a +
				(*sample(world, destination, 0, x, y, 3) * (255 - a) + 127) / 255;
		}
	}
}

static void blend(struct world *world, uint32_t width, uint32_t height, uint32_t opacity)
{
	struct softgpu_batch batch = { 0 };
	uint64_t next = FIRST;
	struct softgpu_surface destination = picture(&next, SOFTGPU_RGBA8, width, height);
	struct softgpu_surface source = picture(&next, SOFTGPU_RGBA8, width, height);

	softgpu_cmd_blend(&batch, &destination, &source, opacity);
	reference(world, &destination, &source, opacity);
	assert_int_equal(do_batch(world, &batch), 0);
	assert_true(world->safe_points >= (int)height);
	assert_world(world);
}

static void pictures(void **state)
{
	uint32_t width, height;
	struct world world;
	size_t a;

	(void)state;
	for (a = 0; a < ARRAY_SIZE(arrangements); a++) {
		world_init(&world, 8, arrangements[a]);
		for (width = 1; width <= 40; width++) {
			world_fill(&world);
			for (height = 1; height <= 40; height++)
				blend(&world, width, height, below(4) ? below(256) : 255);
		}
		world_fini(&world);
		world_init(&world, 400, arrangements[a]);
		blend(&world, 16384, 3, 200);
		blend(&world, 2, 16384, 255);
		blend(&world, 401, 302, 99);
		world_fini(&world);
	}
}

/* Of two colours all, with many shares, and any opacity that comes to it. */
static void all_values(void **state)
{
	struct softgpu_surface destination, source;
	struct softgpu_batch batch = { 0 };
	uint64_t next = FIRST;
	struct world world;
	uint32_t a, x, y;

	(void)state;
	world_init(&world, 140, TOGETHER);
	destination = picture(&next, SOFTGPU_RGBA8, 256, 256);
	source = picture(&next, SOFTGPU_RGBA8, 256, 256);
	for (a = 0; a < 256; a += a < 3 || a > 251 ? 1 : 7) {
		uint32_t opacity = a % 2 ? 255 : below(256);

		for (y = 0; y < 256; y++) {
			for (x = 0; x < 256; x++) {
				memset(sample(&world, &source, 0, x, y, 0), (int)x, 3);
				*sample(&world, &source, 0, x, y, 3) = a;
				memset(sample(&world, &destination, 0, x, y, 0), (int)y, 4);
			}
		}
		memcpy(world.memory, world.image, world.bytes);
		softgpu_cmd_blend(&batch, &destination, &source, opacity);
		reference(&world, &destination, &source, opacity);
		assert_int_equal(do_batch(&world, &batch), 0);
		assert_world(&world);
	}
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pictures),
		cmocka_unit_test(all_values),
	};

	return RUN(tests);
}
