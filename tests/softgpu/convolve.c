/* SPDX-License-Identifier: MIT */
/* Convolutions against a plain one. */
#include "pictures.h"

/* The sample that is taken for one; -1: 0 is. */
static int64_t taken(int64_t i, int64_t end, uint32_t border)
{
	if (i >= 0 && i < end)
		return i;
	if (border == SOFTGPU_BORDER_ZERO)
		return -1;
	if (border == SOFTGPU_BORDER_MIRROR) {
		/* As far inside of the edge as it is outside. */
		if (i < 0)
			i = 0 - i;
		else
			i = end - 1 - (i - (end - 1));
	}
	return limited_to(i, 0, end - 1);
}

static unsigned char expected(struct world *world, const struct softgpu_convolve *convolve,
			      int64_t x, int64_t y, uint32_t channel)
{
	const struct softgpu_surface *source = &convolve->source;
	int64_t sum = 0, reach = convolve->extent / 2, dx, dy;
	const int16_t *coefficient = convolve->coefficients;

	for (dy = -reach; dy <= reach; dy++) {
		for (dx = -reach; dx <= reach; dx++, coefficient++) {
			int64_t from_x = taken(x + dx, source->width, convolve->border);
			int64_t from_y = taken(y + dy, source->height, convolve->border);

			if (from_x >= 0 && from_y >= 0)
				sum += *coefficient *
				       *sample(world, source, 0, from_x, from_y, channel);
		}
	}
	if (convolve->shift)
		sum += INT64_C(1) << (convolve->shift - 1);
	return limited_to(divided(sum, INT64_C(1) << convolve->shift) + convolve->bias, 0, 255);
}

/* In the image. Destination and source do not overlap. */
static void reference(struct world *world, const struct softgpu_convolve *convolve)
{
	const struct softgpu_surface *destination = &convolve->destination;
	uint32_t x, y, channel;

	for (y = 0; y < destination->height; y++) {
		for (x = 0; x < destination->width; x++) {
			for (channel = 0; channel < channels(destination->format); channel++)
				*sample(world, destination, 0, x, y, channel) =
					channel == 3 ? *sample(world, &convolve->source, 0, x,
							       convolve->first_row + y, 3)
						     : expected(world, convolve, x,
								convolve->first_row + y, channel);
		}
	}
}

static int16_t some_coefficient(int kind)
{
	switch (kind) {
	case 0: /* all there are, and the extremes often */
		return below(3) ? (int16_t)some_number() : below(2) ? INT16_MAX : INT16_MIN;
	case 1: /* such as people use */
		return (int16_t)below(12) - 3;
	default:
		return (int16_t)below(2);
	}
}

static int32_t some_bias(void)
{
	switch (below(6)) {
	case 0:
		return INT32_MAX;
	case 1:
		return INT32_MIN;
	case 2:
		return (int32_t)some_number();
	default:
		return (int32_t)below(300) - 150;
	}
}

static void convolve(struct world *world, uint32_t format, uint32_t width, uint32_t height,
		     uint32_t extent, uint32_t border)
{
	struct softgpu_batch batch = { 0 };
	struct softgpu_convolve command;
	uint64_t next = FIRST;
	uint32_t first = below(height), rows = 1 + below(height - first), i;
	struct softgpu_surface source, destination;
	int kind = below(3);

	if (below(2)) {
		first = 0;
		rows = height;
	}
	destination = picture(&next, format, width, rows);
	source = picture(&next, format, width, height);
	for (i = 0; i < 25; i++)
		command.coefficients[i] = some_coefficient(kind);
	softgpu_cmd_convolve(&batch, &destination, &source, first, extent, command.coefficients,
			     kind ? below(9) : below(17), some_bias(), border);
	memcpy(&command, batch.data, sizeof(command));
	reference(world, &command);
	assert_int_equal(do_batch(world, &batch), 0);
	assert_true(world->safe_points >= (int)rows);
	assert_world(world);
}

/* All sizes up to a few times the reach, with each border. */
static void small_pictures(void **state)
{
	uint32_t width, height, extent, border, cases = 0;
	struct world worlds[ARRAY_SIZE(arrangements)];
	size_t a;

	(void)state;
	for (a = 0; a < ARRAY_SIZE(arrangements); a++)
		world_init(&worlds[a], 8, arrangements[a]);
	for (width = 1; width <= 40; width++) {
		for (height = 1; height <= 40; height++) {
			if (width > 12 && height > 12 && (width + height) % 7)
				continue;
			for (extent = 3; extent <= 5; extent += 2) {
				for (border = 0; border < 3; border++) {
					struct world *world = &worlds[below(2)];

					if (cases++ % 8 == 0)
						world_fill(world);
					convolve(world, below(2) ? SOFTGPU_R8 : SOFTGPU_RGBA8,
						 width, height, extent, border);
				}
			}
		}
	}
	for (a = 0; a < ARRAY_SIZE(arrangements); a++)
		world_fini(&worlds[a]);
}

/*
 * Sums that just need 16 bits, or just more: the picture has what makes the sum in its middle the
 * largest there can be, or the least.
 */
static void extreme_sums(void **state)
{
	struct world world;
	int i, j;

	(void)state;
	world_init(&world, 2, TOGETHER);
	for (i = 0; i < 20000; i++) {
		uint64_t next = FIRST;
		struct softgpu_surface destination = picture(&next, SOFTGPU_R8, 5, 5);
		struct softgpu_surface source = picture(&next, SOFTGPU_R8, 5, 5);
		/* 65535 is 257 * 255; and what is added to make all positive. */
		int left = 250 + (int)below(12);
		uint32_t shift = below(10);
		struct softgpu_batch batch = { 0 };
		struct softgpu_convolve *command;
		int16_t coefficients[25] = { 0 };
		int64_t sum = 0;

		while (left > 0) {
			int some = 1 + (int)below((uint32_t)left), at_random = (int)below(25);

			coefficients[at_random] +=
				coefficients[at_random] < 0 ||
						(!coefficients[at_random] && below(2))
					? -some
					: some;
			left -= some;
		}
		for (j = 0; j < 25; j++) {
			bool most = (coefficients[j] > 0) == i % 2;
			unsigned char *pixel =
				sample(&world, &source, 0, (uint32_t)j % 5, (uint32_t)j / 5, 0);

			*pixel = most ? 255 : 0;
			sum += *pixel * coefficients[j];
		}
		memcpy(world.memory, world.image, world.bytes);
		softgpu_cmd_convolve(&batch, &destination, &source, 0, 5, coefficients, shift,
				     (int32_t)(100 - divided(sum, 1 << shift)), below(3));
		command = batch.data;
		reference(&world, command);
		assert_true(*sample(&world, &destination, 0, 2, 2, 0) - 100u < 2);
		assert_int_equal(do_batch(&world, &batch), 0);
		assert_world(&world);
	}
	world_fini(&world);
}

static void big_pictures(void **state)
{
	struct world world;
	size_t a;
	int i;

	(void)state;
	for (a = 0; a < ARRAY_SIZE(arrangements); a++) {
		world_init(&world, 400, arrangements[a]);
		for (i = 0; i < 6; i++) {
			convolve(&world, SOFTGPU_RGBA8, 301 - i, 200, 3 + 2 * (i % 2), i % 3);
			convolve(&world, SOFTGPU_R8, 16384, 5, 5 - 2 * (i % 2), i % 3);
			convolve(&world, SOFTGPU_R8, 5, 16384, 5 - 2 * (i % 2), i % 3);
			world_fill(&world);
		}
		/* The longest rows. */
		convolve(&world, SOFTGPU_RGBA8, 16384, 3, 5, SOFTGPU_BORDER_MIRROR);
		world_fini(&world);
	}
}

/* What engines make of its bands is the picture that one would have made. */
static void bands_are_the_whole(void **state)
{
	static const int16_t sharpen[] = { 0, -1, 0, -1, 5, -1, 0, -1, 0 };
	struct softgpu_batch batch = { 0 };
	uint32_t border, height, num_bands, i;
	struct world world;

	(void)state;
	world_init(&world, 40, SCATTERED);
	for (border = 0; border < 3; border++) {
		for (height = 1; height <= 30; height++) {
			uint64_t next = FIRST;
			struct softgpu_surface source = picture(&next, SOFTGPU_RGBA8, 33, height);
			struct softgpu_surface whole = picture(&next, SOFTGPU_RGBA8, 33, height);
			struct softgpu_surface split = picture(&next, SOFTGPU_RGBA8, 33, height);

			whole.pitch[0] = split.pitch[0];
			split.address[0] = whole.address[0] + 16 * PAGE;
			num_bands = 1 + below(height);
			softgpu_cmd_convolve(&batch, &whole, &source, 0, 3, sharpen, 0, 0, border);
			for (i = 0; i < num_bands; i++) {
				uint32_t first = height * i / num_bands;
				uint32_t end = height * (i + 1) / num_bands;
				struct softgpu_surface part = band(&split, first, end - first);

				softgpu_cmd_convolve(&batch, &part, &source, first, 3, sharpen, 0,
						     0, border);
			}
			assert_int_equal(do_batch(&world, &batch), 0);
			for (i = 0; i < height; i++) {
				uint64_t row = i * (uint64_t)whole.pitch[0];
				char one[33 * 4], other[33 * 4];

				softgpu_cmd_copy(&batch, FIRST, whole.address[0] + row, 33 * 4);
				assert_int_equal(do_batch(&world, &batch), 0);
				memcpy(one, world.table.pages[0], sizeof(one));
				softgpu_cmd_copy(&batch, FIRST, split.address[0] + row, 33 * 4);
				assert_int_equal(do_batch(&world, &batch), 0);
				memcpy(other, world.table.pages[0], sizeof(other));
				assert_memory_equal(one, other, sizeof(one));
			}
			world_fill(&world);
		}
	}
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_pictures),
		cmocka_unit_test(extreme_sums),
		cmocka_unit_test(big_pictures),
		cmocka_unit_test(bands_are_the_whole),
	};

	return RUN(tests);
}
