/* SPDX-License-Identifier: MIT */
/* Scaling against a plain reference. */
#include "pictures.h"

static unsigned char nearest(struct world *world, const struct softgpu_scale *scale, int64_t x,
			     int64_t y, uint32_t channel)
{
	const struct softgpu_surface *source = &scale->source;
	int64_t new_width = scale->destination.width;

	return *sample(world, source, 0, (2 * x + 1) * source->width / (2 * new_width),
		       (2 * y + 1) * source->height / (2 * (int64_t)scale->full_height), channel);
}

static int64_t from_first_centre(int64_t i, int64_t new_extent, int64_t extent)
{
	return limited_to(divided((2 * i + 1) * extent * 256, 2 * new_extent) - 128, 0,
			  (extent - 1) * 256);
}

static unsigned char bilinear(struct world *world, const struct softgpu_scale *scale, int64_t x,
			      int64_t y, uint32_t channel)
{
	const struct softgpu_surface *source = &scale->source;
	int64_t left = from_first_centre(x, scale->destination.width, source->width);
	int64_t top = from_first_centre(y, scale->full_height, source->height);
	int64_t sum = 0, dx, dy;

	for (dy = 0; dy < 2; dy++) {
		for (dx = 0; dx < 2; dx++) {
			int64_t across = dx ? left % 256 : 256 - left % 256;
			int64_t down = dy ? top % 256 : 256 - top % 256;

			if (across && down)
				sum += across * down *
				       *sample(world, source, 0, left / 256 + dx, top / 256 + dy,
					       channel);
		}
	}
	return divided(sum + 32768, 65536);
}

static void reference(struct world *world, const struct softgpu_scale *scale)
{
	const struct softgpu_surface *destination = &scale->destination;
	uint32_t x, y, channel;

	for (y = 0; y < destination->height; y++) {
		for (x = 0; x < destination->width; x++) {
			for (channel = 0; channel < channels(destination->format); channel++)
				*sample(world, destination, 0, x, y, channel) =
					(scale->filter == SOFTGPU_NEAREST ? nearest : bilinear)(
						world, scale, x, scale->first_row + y, channel);
		}
	}
}

static void scale(struct world *world, uint32_t format, uint32_t width, uint32_t height,
		  uint32_t new_width, uint32_t new_height, uint32_t filter)
{
	struct softgpu_batch batch = { 0 };
	uint64_t next = FIRST;
	uint32_t first = below(new_height), rows = 1 + below(new_height - first);
	struct softgpu_surface source, destination;
	struct softgpu_scale command;

	if (below(2)) {
		first = 0;
		rows = new_height;
	}
	destination = picture(&next, format, new_width, rows);
	source = picture(&next, format, width, height);
	softgpu_cmd_scale(&batch, &destination, &source, first, new_height, filter);
	memcpy(&command, batch.data, sizeof(command));
	reference(world, &command);
	assert_int_equal(do_batch(world, &batch), 0);
	assert_true(world->safe_points >= (int)rows);
	assert_world(world);
}

/* All widths and heights into all others; of the other direction any. */
static void small_pictures(void **state)
{
	struct world worlds[ARRAY_SIZE(arrangements)];
	uint32_t from, to, filter, cases = 0;
	size_t a;

	(void)state;
	for (a = 0; a < ARRAY_SIZE(arrangements); a++)
		world_init(&worlds[a], 8, arrangements[a]);
	for (from = 1; from <= 40; from++) {
		for (to = 1; to <= 40; to++) {
			for (filter = 0; filter < 2; filter++) {
				struct world *world = &worlds[below(2)];
				uint32_t format = below(2) ? SOFTGPU_R8 : SOFTGPU_RGBA8;

				if (cases++ % 8 == 0)
					world_fill(world);
				scale(world, format, from, 1 + below(20), to, 1 + below(20),
				      filter);
				scale(world, format, 1 + below(20), from, 1 + below(20), to,
				      filter);
			}
		}
	}
	for (a = 0; a < ARRAY_SIZE(arrangements); a++)
		world_fini(&worlds[a]);
}

static void big_pictures(void **state)
{
	struct world world;
	uint32_t filter;
	size_t a;

	(void)state;
	for (a = 0; a < ARRAY_SIZE(arrangements); a++) {
		world_init(&world, 400, arrangements[a]);
		for (filter = 0; filter < 2; filter++) {
			world_fill(&world);
			scale(&world, SOFTGPU_RGBA8, 300, 200, 401, 133, filter);
			scale(&world, SOFTGPU_RGBA8, 97, 61, 503, 200, filter);
			scale(&world, SOFTGPU_R8, 16384, 2, 16383, 7, filter);
			scale(&world, SOFTGPU_R8, 3, 16384, 7, 16383, filter);
			scale(&world, SOFTGPU_R8, 16384, 16, 1, 1, filter);
			world_fill(&world);
			scale(&world, SOFTGPU_R8, 1, 1, 16384, 16, filter);
			scale(&world, SOFTGPU_RGBA8, 16384, 2, 16384, 2, filter);
		}
		world_fini(&world);
	}
}

/* A picture of the same size is the same. */
static void same_size_is_a_copy(void **state)
{
	struct world world;
	uint32_t filter, x, y;

	(void)state;
	world_init(&world, 8, TOGETHER);
	for (filter = 0; filter < 2; filter++) {
		struct softgpu_batch batch = { 0 };
		uint64_t next = FIRST;
		struct softgpu_surface source = picture(&next, SOFTGPU_R8, 37, 29);
		struct softgpu_surface destination = picture(&next, SOFTGPU_R8, 37, 29);

		softgpu_cmd_scale(&batch, &destination, &source, 0, 29, filter);
		for (y = 0; y < 29; y++) {
			for (x = 0; x < 37; x++)
				*sample(&world, &destination, 0, x, y, 0) =
					*sample(&world, &source, 0, x, y, 0);
		}
		assert_int_equal(do_batch(&world, &batch), 0);
		assert_world(&world);
	}
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_pictures),
		cmocka_unit_test(big_pictures),
		cmocka_unit_test(same_size_is_a_copy),
	};

	return RUN(tests);
}
