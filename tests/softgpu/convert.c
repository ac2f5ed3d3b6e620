/* SPDX-License-Identifier: MIT */
/* Conversion between all formats, against a plain reference. */
#include "pictures.h"

struct colour {
	int64_t r, g, b;
};

static int64_t y_of(struct colour colour)
{
	return divided(66 * colour.r + 129 * colour.g + 25 * colour.b + 128, 256) + 16;
}

static int64_t cb_of(struct colour colour)
{
	return divided(-38 * colour.r - 74 * colour.g + 112 * colour.b + 128, 256) + 128;
}

static int64_t cr_of(struct colour colour)
{
	return divided(112 * colour.r - 94 * colour.g - 18 * colour.b + 128, 256) + 128;
}

static struct colour colour_of(int64_t y, int64_t cb, int64_t cr)
{
	int64_t c = 298 * (y - 16), d = cb - 128, e = cr - 128;

	return (struct colour){
		.r = limited_to(divided(c + 409 * e + 128, 256), 0, 255),
		.g = limited_to(divided(c - 100 * d - 208 * e + 128, 256), 0, 255),
		.b = limited_to(divided(c + 516 * d + 128, 256), 0, 255),
	};
}

static struct colour pixel(struct world *world, const struct softgpu_surface *source, uint32_t x,
			   uint32_t y)
{
	uint32_t colour_x = x, colour_y = y;

	switch (source->format) {
	case SOFTGPU_RGBA8:
		return (struct colour){
			.r = *sample(world, source, 0, x, y, 0),
			.g = *sample(world, source, 0, x, y, 1),
			.b = *sample(world, source, 0, x, y, 2),
		};
	case SOFTGPU_R8:
		return colour_of(*sample(world, source, 0, x, y, 0), 128, 128);
	case SOFTGPU_YUV420:
		colour_y = y / 2;
		/* fallthrough */
	case SOFTGPU_YUV422:
		colour_x = x / 2;
		break;
	}
	return colour_of(*sample(world, source, 0, x, y, 0),
			 *sample(world, source, 1, colour_x, colour_y, 0),
			 *sample(world, source, 2, colour_x, colour_y, 0));
}

/* Of those of a group that there are. */
static struct colour mean(struct world *world, const struct softgpu_surface *source, uint32_t x,
			  uint32_t y, uint32_t across, uint32_t down)
{
	struct colour sum = { 0, 0, 0 };
	uint32_t i, j;
	int64_t n = 0;

	for (j = y; j < y + down && j < source->height; j++) {
		for (i = x; i < x + across && i < source->width; i++) {
			struct colour one = pixel(world, source, i, j);

			sum.r += one.r;
			sum.g += one.g;
			sum.b += one.b;
			n++;
		}
	}
	/* Rounded half up. */
	return (struct colour){ (2 * sum.r + n) / (2 * n), (2 * sum.g + n) / (2 * n),
				(2 * sum.b + n) / (2 * n) };
}

static void to_rgba8(struct world *world, const struct softgpu_surface *destination,
		     const struct softgpu_surface *source)
{
	uint32_t x, y;

	for (y = 0; y < source->height; y++) {
		for (x = 0; x < source->width; x++) {
			struct colour colour = pixel(world, source, x, y);

			*sample(world, destination, 0, x, y, 0) = colour.r;
			*sample(world, destination, 0, x, y, 1) = colour.g;
			*sample(world, destination, 0, x, y, 2) = colour.b;
			*sample(world, destination, 0, x, y, 3) = 255;
		}
	}
}

static void to_luma(struct world *world, const struct softgpu_surface *destination,
		    const struct softgpu_surface *source)
{
	uint32_t x, y;

	for (y = 0; y < source->height; y++) {
		for (x = 0; x < source->width; x++)
			*sample(world, destination, 0, x, y, 0) = y_of(pixel(world, source, x, y));
	}
}

static void to_yuv(struct world *world, const struct softgpu_surface *destination,
		   const struct softgpu_surface *source)
{
	uint32_t across = destination->format == SOFTGPU_YUV444 ? 1 : 2;
	uint32_t down = destination->format == SOFTGPU_YUV420 ? 2 : 1;
	uint32_t x, y;

	to_luma(world, destination, source);
	for (y = 0; y < source->height; y += down) {
		for (x = 0; x < source->width; x += across) {
			struct colour colour = mean(world, source, x, y, across, down);

			*sample(world, destination, 1, x / across, y / down, 0) = cb_of(colour);
			*sample(world, destination, 2, x / across, y / down, 0) = cr_of(colour);
		}
	}
}

static void same(struct world *world, const struct softgpu_surface *destination,
		 const struct softgpu_surface *source)
{
	uint32_t x, y, bytes;
	int i;

	for (i = 0; i < num_planes(source->format); i++) {
		bytes = plane_width(source->format, i, source->width) * channels(source->format);
		for (y = 0; y < plane_height(source->format, i, source->height); y++) {
			for (x = 0; x < bytes; x++)
				*sample(world, destination, i, 0, y, x) =
					*sample(world, source, i, 0, y, x);
		}
	}
}

static void reference(struct world *world, const struct softgpu_surface *destination,
		      const struct softgpu_surface *source)
{
	if (destination->format == source->format)
		same(world, destination, source);
	else if (destination->format == SOFTGPU_RGBA8)
		to_rgba8(world, destination, source);
	else if (destination->format == SOFTGPU_R8)
		to_luma(world, destination, source);
	else
		to_yuv(world, destination, source);
}

static void convert(struct world *world, uint32_t to, uint32_t from, uint32_t width,
		    uint32_t height)
{
	struct softgpu_batch batch = { 0 };
	uint64_t next = FIRST;
	struct softgpu_surface destination = picture(&next, to, width, height);
	struct softgpu_surface source = picture(&next, from, width, height);

	softgpu_cmd_convert(&batch, &destination, &source);
	reference(world, &destination, &source);
	assert_int_equal(do_batch(world, &batch), 0);
	assert_true(world->safe_points >= (int)(height + 1) / 2);
	assert_world(world);
}

static void small_pictures(void **state)
{
	struct world worlds[ARRAY_SIZE(arrangements)];
	uint32_t from, to, width, height;
	size_t a;

	(void)state;
	for (a = 0; a < ARRAY_SIZE(arrangements); a++)
		world_init(&worlds[a], 8, arrangements[a]);
	for (to = 0; to < NUM_FORMATS; to++) {
		for (from = 0; from < NUM_FORMATS; from++) {
			for (width = 1; width <= 40; width++) {
				struct world *world = &worlds[below(2)];

				world_fill(world);
				for (height = 1; height <= 40; height++) {
					if (width > 6 && height > 6 && (width + height) % 5)
						continue;
					convert(world, to, from, width, height);
				}
			}
		}
	}
	for (a = 0; a < ARRAY_SIZE(arrangements); a++)
		world_fini(&worlds[a]);
}

static void big_pictures(void **state)
{
	uint32_t from, to;
	struct world world;
	size_t a;

	(void)state;
	for (a = 0; a < ARRAY_SIZE(arrangements); a++) {
		world_init(&world, 760, arrangements[a]);
		for (to = 0; to < NUM_FORMATS; to++) {
			for (from = 0; from < NUM_FORMATS; from++) {
				world_fill(&world);
				convert(&world, to, from, 16383, 3);
				convert(&world, to, from, 3, 16383);
				convert(&world, to, from, 211, 128);
			}
		}
		world_fini(&world);
	}
}

/* All colours there are, both ways, a plane of them at a time. */
static void all_values(void **state)
{
	struct softgpu_surface rgba, yuv, to_yuv_surface, to_rgba_surface;
	struct softgpu_batch batch = { 0 };
	uint64_t next = FIRST;
	struct world world;
	uint32_t i, x, y;

	(void)state;
	world_init(&world, 240, TOGETHER);
	rgba = picture(&next, SOFTGPU_RGBA8, 256, 256);
	yuv = picture(&next, SOFTGPU_YUV444, 256, 256);
	to_yuv_surface = picture(&next, SOFTGPU_YUV444, 256, 256);
	to_rgba_surface = picture(&next, SOFTGPU_RGBA8, 256, 256);
	for (i = 0; i < 256; i += i < 3 || i > 250 ? 1 : 8) {
		for (y = 0; y < 256; y++) {
			for (x = 0; x < 256; x++) {
				*sample(&world, &rgba, 0, x, y, 0) = x;
				*sample(&world, &rgba, 0, x, y, 1) = y;
				*sample(&world, &rgba, 0, x, y, 2) = i;
				*sample(&world, &yuv, 0, x, y, 0) = i;
				*sample(&world, &yuv, 1, x, y, 0) = x;
				*sample(&world, &yuv, 2, x, y, 0) = y;
			}
		}
		memcpy(world.memory, world.image, world.bytes);
		softgpu_cmd_convert(&batch, &to_yuv_surface, &rgba);
		softgpu_cmd_convert(&batch, &to_rgba_surface, &yuv);
		reference(&world, &to_yuv_surface, &rgba);
		reference(&world, &to_rgba_surface, &yuv);
		assert_int_equal(do_batch(&world, &batch), 0);
		assert_world(&world);
	}
	world_fini(&world);
}

/* Bands of an even number of rows are the whole. */
static void bands_are_the_whole(void **state)
{
	uint32_t from, to, first, rows;
	struct world world;

	(void)state;
	world_init(&world, 24, SCATTERED);
	for (to = 0; to < NUM_FORMATS; to++) {
		for (from = 0; from < NUM_FORMATS; from++) {
			struct softgpu_batch batch = { 0 };
			uint64_t next = FIRST;
			struct softgpu_surface destination = picture(&next, to, 41, 37);
			struct softgpu_surface source = picture(&next, from, 41, 37);

			world_fill(&world);
			reference(&world, &destination, &source);
			for (first = 0; first < 37; first += rows) {
				struct softgpu_surface to_band, from_band;

				rows = 2 + 2 * below(5);
				if (rows > 37 - first)
					rows = 37 - first;
				to_band = band(&destination, first, rows);
				from_band = band(&source, first, rows);
				softgpu_cmd_convert(&batch, &to_band, &from_band);
			}
			assert_int_equal(do_batch(&world, &batch), 0);
			assert_world(&world);
		}
	}
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_pictures),
		cmocka_unit_test(big_pictures),
		cmocka_unit_test(all_values),
		cmocka_unit_test(bands_are_the_whole),
	};

	return RUN(tests);
}
