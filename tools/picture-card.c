/* SPDX-License-Identifier: MIT */
/* The test card: bars of colour that scroll, a ramp of grey, and slanted lines that move. */

#include <string.h>

#include "picture-source.h"

#define BARS	  8
#define LINES	  32
#define BAR_SPEED 3

static const uint32_t bars[BARS] = {
	0xffffffff, 0xff00d0d0, 0xffd0d000, 0xff00d000,
	0xffd000d0, 0xff0000d0, 0xffd00000, 0xff101010,
};

/* Pixels with red in the lowest byte: this is read and written on machines of either order. */
static void put(unsigned char *pixel, uint32_t value)
{
	pixel[0] = (unsigned char)value;
	pixel[1] = (unsigned char)(value >> 8);
	pixel[2] = (unsigned char)(value >> 16);
	pixel[3] = (unsigned char)(value >> 24);
}

static void draw_bars(const struct picture_source *source, unsigned char *row)
{
	uint32_t width = source->shape.width;
	uint32_t x;

	for (x = 0; x < width; x++)
		put(row + x * UINT64_C(4),
		    bars[(x + source->next * BAR_SPEED) * BARS / width % BARS]);
}

static void draw_ramp(const struct picture_source *source, unsigned char *row)
{
	uint32_t width = source->shape.width;
	uint32_t x;

	for (x = 0; x < width; x++) {
		uint32_t grey = (uint32_t)(255 * (uint64_t)x / width);

		put(row + x * UINT64_C(4), 0xff000000 | grey << 16 | grey << 8 | grey);
	}
}

static void draw_lines(const struct picture_source *source, unsigned char *row, uint32_t y)
{
	uint64_t x;

	for (x = (source->next + LINES - y % LINES) % LINES; x < source->shape.width; x += LINES)
		put(row + x * 4, 0xff404040);
}

/*
 * The lines come last: the first row of the bars, and of the ramp, is what the others are made of.
 */
static int read_card(struct picture_source *source, void *picture)
{
	const struct picture_shape *shape = &source->shape;
	size_t pitch = shape->width * (size_t)4;
	uint32_t ramp = (uint32_t)((uint64_t)shape->height * 3 / 4);
	unsigned char *rows = picture;
	uint32_t y;

	for (y = 0; y < shape->height; y++) {
		if (y == ramp)
			draw_ramp(source, rows + y * pitch);
		else if (!y)
			draw_bars(source, rows);
		else
			memcpy(rows + y * pitch, rows + (y - 1) * pitch, pitch);
	}
	for (y = 0; y < shape->height; y++)
		draw_lines(source, rows + y * pitch, y);
	source->next++;
	return 1;
}

static int rewind_card(struct picture_source *source)
{
	source->next = 0;
	return 0;
}

static const struct picture_source_ops card_ops = {
	.read = read_card,
	.rewind = rewind_card,
};

void picture_source_open_card(struct picture_source *source, uint32_t width, uint32_t height)
{
	*source = (struct picture_source){
		.ops = &card_ops,
		.name = "the test card",
		.endless = true,
		.shape = { .width = width, .height = height, .format = SOFTGPU_RGBA8 },
	};
}
