/* SPDX-License-Identifier: MIT */
/*
 * From one format into another, by way of rows of RGBA8: two at a time where planes of colour have
 * half the height, else one.
 */
#include "operations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "kernel.h"
#include "picture.h"

KERNEL static void make_luma(uint8_t *restrict luma, const uint8_t *restrict pixels,
			     size_t num_pixels)
{
	size_t i;

	for (i = 0; i < num_pixels; i++) {
		uint16_t r = pixels[4 * i], g = pixels[4 * i + 1], b = pixels[4 * i + 2];

		luma[i] = (uint8_t)(((uint16_t)(66 * r + 129 * g + 25 * b + 128) >> 8) + 16);
	}
}

/* With 32768 added, which is 128 when it has been shifted, nothing is negative. */
KERNEL static void make_colour(uint8_t *restrict blue, uint8_t *restrict red,
			       const uint8_t *restrict pixels, size_t num_pixels)
{
	size_t i;

	for (i = 0; i < num_pixels; i++) {
		uint16_t r = pixels[4 * i], g = pixels[4 * i + 1], b = pixels[4 * i + 2];

		blue[i] = (uint8_t)((uint16_t)(32768 + 128 + 112 * b - 38 * r - 74 * g) >> 8);
		red[i] = (uint8_t)((uint16_t)(32768 + 128 + 112 * r - 94 * g - 18 * b) >> 8);
	}
}

/* Of two by two pixels each; of a row alone, both rows are that one, which comes to the same. */
KERNEL static void make_means(uint8_t *restrict to, const uint8_t *first, const uint8_t *second,
			      size_t num_means)
{
	size_t i, c;

	for (i = 0; i < num_means; i++) {
#pragma GCC unroll 4
		for (c = 0; c < 4; c++) {
			uint16_t sum = (uint16_t)(first[8 * i + c] + first[8 * i + 4 + c] +
						  second[8 * i + c] + second[8 * i + 4 + c]);

			to[4 * i + c] = (uint8_t)((sum + 2) >> 2);
		}
	}
}

KERNEL static void make_pixels(uint8_t *restrict pixels, const uint8_t *restrict luma,
			       const uint8_t *restrict blue, const uint8_t *restrict red,
			       size_t num_pixels)
{
	size_t i;

	for (i = 0; i < num_pixels; i++) {
		int32_t c = 298 * (luma[i] - 16) + 128, d = blue[i] - 128, e = red[i] - 128;

		pixels[4 * i] = limited((c + 409 * e) >> 8);
		pixels[4 * i + 1] = limited((c - 100 * d - 208 * e) >> 8);
		pixels[4 * i + 2] = limited((c + 516 * d) >> 8);
		pixels[4 * i + 3] = 255;
	}
}

KERNEL static void make_grey(uint8_t *restrict pixels, const uint8_t *restrict luma,
			     size_t num_pixels)
{
	size_t i;

	for (i = 0; i < num_pixels; i++) {
		uint8_t grey = limited((298 * (luma[i] - 16) + 128) >> 8);

		pixels[4 * i] = grey;
		pixels[4 * i + 1] = grey;
		pixels[4 * i + 2] = grey;
		pixels[4 * i + 3] = 255;
	}
}

/* Each pixel of two gets the colour. */
KERNEL static void spread(uint8_t *restrict to, const uint8_t *restrict from, size_t num_pairs)
{
	size_t i;

	for (i = 0; i < num_pairs; i++) {
		to[2 * i] = from[i];
		to[2 * i + 1] = from[i];
	}
}

struct side {
	struct plane planes[MAX_PLANES];
	unsigned int num_planes;
	uint32_t format;
	/* Whether two pixels, or two rows, share a colour. */
	bool pairs;
	bool row_pairs;
};

struct converter {
	struct execution *execution;
	struct side to, from;
	uint32_t width;
	uint8_t *rgba[2]; /* and a pixel more */
	uint8_t *means;
	uint8_t *luma;
	uint8_t *colour[2];
	uint8_t *half;
	void *scratch;
};

static void side_init(struct side *side, const struct softgpu_surface *surface)
{
	side->num_planes = softgpu_planes(surface, side->planes);
	side->format = surface->format;
	side->row_pairs = surface->format == SOFTGPU_YUV420;
	side->pairs = side->row_pairs || surface->format == SOFTGPU_YUV422;
}

static int converter_init(struct converter *converter, struct execution *execution,
			  const struct softgpu_convert *convert)
{
	/* Rows of pairs have an even number of pixels. */
	size_t row = (size_t)convert->source.width + 1;

	*converter = (struct converter){
		.execution = execution,
		.width = convert->source.width,
	};
	side_init(&converter->to, &convert->destination);
	side_init(&converter->from, &convert->source);
	converter->scratch = malloc((3 * 4 + 4) * row);
	if (!converter->scratch)
		return -ENOMEM;
	converter->rgba[0] = converter->scratch;
	converter->rgba[1] = converter->rgba[0] + 4 * row;
	converter->means = converter->rgba[1] + 4 * row;
	converter->luma = converter->means + 4 * row;
	converter->colour[0] = converter->luma + row;
	converter->colour[1] = converter->colour[0] + row;
	converter->half = converter->colour[1] + row;
	return 0;
}

static int read_plane(struct converter *converter, unsigned int plane, uint32_t row, uint8_t *to)
{
	const struct plane *from = &converter->from.planes[plane];

	return softgpu_read(converter->execution, to, plane_row(from, row), from->row_bytes);
}

static int write_plane(struct converter *converter, unsigned int plane, uint32_t row,
		       const uint8_t *from)
{
	const struct plane *to = &converter->to.planes[plane];

	return softgpu_write(converter->execution, plane_row(to, row), from, to->row_bytes);
}

static int read_colour(struct converter *converter, unsigned int plane, uint32_t row)
{
	uint8_t *colour = converter->colour[plane - 1];
	int ret;

	if (converter->from.row_pairs)
		row /= 2;
	if (!converter->from.pairs)
		return read_plane(converter, plane, row, colour);
	ret = read_plane(converter, plane, row, converter->half);
	if (!ret)
		spread(colour, converter->half, (converter->width + 1) / 2);
	return ret;
}

static int read_rgba(struct converter *converter, uint32_t row, uint8_t *to)
{
	int ret;

	if (converter->from.format == SOFTGPU_RGBA8)
		return read_plane(converter, 0, row, to);
	ret = read_plane(converter, 0, row, converter->luma);
	if (ret)
		return ret;
	if (converter->from.format == SOFTGPU_R8) {
		make_grey(to, converter->luma, converter->width);
		return 0;
	}
	ret = read_colour(converter, 1, row);
	if (!ret)
		ret = read_colour(converter, 2, row);
	if (!ret)
		make_pixels(to, converter->luma, converter->colour[0], converter->colour[1],
			    converter->width);
	return ret;
}

static int write_luma(struct converter *converter, uint32_t row, const uint8_t *rgba)
{
	make_luma(converter->luma, rgba, converter->width);
	return write_plane(converter, 0, row, converter->luma);
}

/* Of one row, or two that share it. The pixel at an odd edge has itself for a neighbour. */
static int write_colour(struct converter *converter, uint32_t row, uint8_t *first, uint8_t *second)
{
	size_t num_pixels = converter->width, bytes = 4 * num_pixels;
	const uint8_t *from = first;
	int ret;

	if (converter->to.pairs) {
		num_pixels = (num_pixels + 1) / 2;
		memcpy(first + bytes, first + bytes - 4, 4);
		memcpy(second + bytes, second + bytes - 4, 4);
		make_means(converter->means, first, second, num_pixels);
		from = converter->means;
	}
	make_colour(converter->colour[0], converter->colour[1], from, num_pixels);
	ret = write_plane(converter, 1, row, converter->colour[0]);
	if (!ret)
		ret = write_plane(converter, 2, row, converter->colour[1]);
	return ret;
}

static int write_rgba(struct converter *converter, uint32_t row, uint8_t *from)
{
	int ret;

	if (converter->to.format == SOFTGPU_RGBA8)
		return write_plane(converter, 0, row, from);
	ret = write_luma(converter, row, from);
	if (!ret && converter->to.num_planes == MAX_PLANES && !converter->to.row_pairs)
		ret = write_colour(converter, row, from, from);
	return ret;
}

static int convert_rows(struct converter *converter, uint32_t row, uint32_t num_rows)
{
	uint32_t i;
	int ret = 0;

	for (i = 0; i < num_rows && !ret; i++)
		ret = read_rgba(converter, row + i, converter->rgba[i]);
	for (i = 0; i < num_rows && !ret; i++)
		ret = write_rgba(converter, row + i, converter->rgba[i]);
	if (!ret && converter->to.row_pairs)
		ret = write_colour(converter, row / 2, converter->rgba[0],
				   converter->rgba[num_rows - 1]);
	return ret;
}

/* Of the same format: as it is. */
static int copy_planes(struct converter *converter)
{
	struct execution *execution = converter->execution;
	unsigned int i;
	uint32_t y;
	int ret = 0;

	for (i = 0; i < converter->from.num_planes; i++) {
		for (y = 0; y < converter->from.planes[i].rows && !ret; y++) {
			ret = read_plane(converter, i, y, converter->rgba[0]);
			if (!ret)
				ret = write_plane(converter, i, y, converter->rgba[0]);
			if (!ret)
				ret = execution->safe_point(execution);
		}
	}
	return ret;
}

static int convert_planes(struct converter *converter)
{
	uint32_t y, rows = converter->from.planes[0].rows;
	uint32_t step = converter->from.row_pairs || converter->to.row_pairs ? 2 : 1;
	struct execution *execution = converter->execution;
	int ret = 0;

	for (y = 0; y < rows && !ret; y += step) {
		ret = convert_rows(converter, y, y + step > rows ? 1 : step);
		if (!ret)
			ret = execution->safe_point(execution);
	}
	return ret;
}

int softgpu_do_convert(struct execution *execution, const struct softgpu_convert *convert)
{
	struct converter converter;
	int ret;

	ret = converter_init(&converter, execution, convert);
	if (ret)
		return ret;
	ret = (convert->source.format == convert->destination.format ? copy_planes
								     : convert_planes)(&converter);
	free(converter.scratch);
	return ret;
}
