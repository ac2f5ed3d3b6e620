/* SPDX-License-Identifier: MIT */
/*
 * Convolution. The rows of the source that are within reach are kept, with a border on both sides,
 * so that the loop over a row needs to know nothing about edges.
 */
#include "operations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "kernel.h"
#include "picture.h"

#define MAX_EXTENT 5
#define MAX_REACH  (MAX_EXTENT / 2)

/*
 * The numbers of a convolution. With coefficients such as people use, sums lie within 65536 of one
 * another, and 16 bits are enough, which is twice as fast: a multiple of 1 << shift, added to
 * all makes them positive, and is taken away with the bias.
 */
struct weights {
	int16_t coefficients[MAX_EXTENT * MAX_EXTENT];
	bool narrow;
	int32_t begin; /* of a sum */
	int32_t bias;
	uint32_t shift;
};

/* rows[i]: where what is multiplied with the first coefficient of row i begins */
KERNEL_BODY void convolve_row(uint8_t *restrict to, const int16_t *const *rows, size_t bytes,
			      const struct weights *weights, size_t channels, size_t extent)
{
	const struct weights w = *weights;
	size_t i, r, c;

	for (i = 0; i < bytes; i++) {
		int32_t sum = w.begin;

#pragma GCC unroll 5
		for (r = 0; r < extent; r++) {
#pragma GCC unroll 5
			for (c = 0; c < extent; c++)
				sum += w.coefficients[r * extent + c] * rows[r][i + c * channels];
		}
		to[i] = limited((sum >> w.shift) + w.bias);
	}
}

/* As above, if weights->narrow. Sums on the way may be negative: all is taken modulo 65536. */
KERNEL_BODY void convolve_row_narrow(uint8_t *restrict to, const int16_t *const *rows, size_t bytes,
				     const struct weights *weights, size_t channels, size_t extent)
{
	const struct weights w = *weights;
	size_t i, r, c;

	for (i = 0; i < bytes; i++) {
		uint16_t sum = (uint16_t)w.begin;

#pragma GCC unroll 5
		for (r = 0; r < extent; r++) {
#pragma GCC unroll 5
			for (c = 0; c < extent; c++) {
				uint32_t coefficient = (uint16_t)w.coefficients[r * extent + c];

				sum = (uint16_t)(sum +
						 (uint16_t)(coefficient *
							    (uint16_t)rows[r][i + c * channels]));
			}
		}
		to[i] = limited((sum >> w.shift) + w.bias);
	}
}

/* Of a number of channels and an extent. */
#define CONVOLVE(name, channels, extent) \
	KERNEL static void name(uint8_t *restrict to, const int16_t *const *rows, size_t bytes, \
				const struct weights *weights) \
	{ \
		if (weights->narrow) \
			convolve_row_narrow(to, rows, bytes, weights, channels, extent); \
		else \
			convolve_row(to, rows, bytes, weights, channels, extent); \
	}

CONVOLVE(convolve_3x3_r8, 1, 3)
CONVOLVE(convolve_3x3_rgba8, 4, 3)
CONVOLVE(convolve_5x5_r8, 1, 5)
CONVOLVE(convolve_5x5_rgba8, 4, 5)

KERNEL static void widen(int16_t *restrict to, const uint8_t *restrict from, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		to[i] = from[i];
}

KERNEL static void copy_alpha(uint8_t *restrict to, const int16_t *restrict from, size_t bytes)
{
	size_t i;

	for (i = 3; i < bytes; i += 4)
		to[i] = (uint8_t)from[i];
}

/* Of the source, those rows that are within reach: row i is rows[i % MAX_EXTENT]. */
struct window {
	struct plane source;
	uint32_t reach;
	uint32_t border;
	size_t channels;
	uint32_t width;
	/* The next row that is to be read. */
	uint32_t next;
	int16_t *rows[MAX_EXTENT];
	int16_t *zero;
	uint8_t *read;
	uint8_t *result;
	void *scratch;
};

/* The pixel that stands for one, of 'end' that there are; negative: 0 does. */
static int32_t inside(int32_t index, int32_t end, uint32_t border)
{
	if (index >= 0 && index < end)
		return index;
	if (border == SOFTGPU_BORDER_ZERO)
		return -1;
	if (border == SOFTGPU_BORDER_MIRROR)
		index = index < 0 ? -index : 2 * (end - 1) - index;
	return index < 0 ? 0 : index < end ? index : end - 1;
}

static int16_t *pixel(const struct window *window, int16_t *row, int32_t x)
{
	return row + ((int32_t)MAX_REACH + x) * (int32_t)window->channels;
}

static void add_pixel(const struct window *window, int16_t *row, int32_t x)
{
	int32_t from = inside(x, (int32_t)window->width, window->border);

	memcpy(pixel(window, row, x), from < 0 ? window->zero : pixel(window, row, from),
	       window->channels * sizeof(*row));
}

static int read_row(struct execution *execution, struct window *window)
{
	int16_t *row = window->rows[window->next % MAX_EXTENT];
	int32_t i, reach = (int32_t)window->reach;
	int ret;

	ret = softgpu_read(execution, window->read, plane_row(&window->source, window->next),
			   window->source.row_bytes);
	if (ret)
		return ret;
	widen(pixel(window, row, 0), window->read, window->source.row_bytes);
	for (i = 1; i <= reach; i++) {
		add_pixel(window, row, -i);
		add_pixel(window, row, (int32_t)window->width - 1 + i);
	}
	window->next++;
	return 0;
}

static int window_init(struct window *window, const struct softgpu_convolve *convolve)
{
	size_t samples, i;

	*window = (struct window){
		.reach = convolve->extent / 2,
		.border = convolve->border,
		.width = convolve->source.width,
	};
	softgpu_planes(&convolve->source, &window->source);
	window->channels = window->source.row_bytes / window->width;
	if (convolve->first_row > window->reach)
		window->next = convolve->first_row - window->reach;
	samples = window->source.row_bytes + 2 * MAX_REACH * window->channels;
	window->scratch = calloc(1, (MAX_EXTENT + 1) * samples * sizeof(int16_t) +
					    2 * (size_t)window->source.row_bytes);
	if (!window->scratch)
		return -ENOMEM;
	window->zero = window->scratch;
	for (i = 0; i < MAX_EXTENT; i++)
		window->rows[i] = window->zero + (i + 1) * samples;
	window->read = (uint8_t *)(window->zero + (MAX_EXTENT + 1) * samples);
	window->result = window->read + window->source.row_bytes;
	return 0;
}

static void weights_init(struct weights *weights, const struct softgpu_convolve *convolve)
{
	/* No sum is as large as that: a larger bias changes nothing. */
	const int32_t limit = 1 << 28;
	int32_t bias = convolve->bias, rounding, least, most, offset;
	size_t i;

	if (bias > limit)
		bias = limit;
	if (bias < -limit)
		bias = -limit;
	rounding = convolve->shift ? 1 << (convolve->shift - 1) : 0;
	*weights = (struct weights){
		.begin = rounding,
		.bias = bias,
		.shift = convolve->shift,
	};
	memcpy(weights->coefficients, convolve->coefficients, sizeof(weights->coefficients));
	least = 0;
	most = rounding;
	for (i = 0; i < MAX_EXTENT * MAX_EXTENT; i++) {
		int32_t extreme = weights->coefficients[i] * 255;

		least += extreme < 0 ? extreme : 0;
		most += extreme > 0 ? extreme : 0;
	}
	offset = (-least + (1 << convolve->shift) - 1) >> convolve->shift;
	if (most + (offset << convolve->shift) > UINT16_MAX)
		return;
	weights->narrow = true;
	weights->begin += offset << convolve->shift;
	weights->bias -= offset;
}

/* The row of the result that has row 'y' of the source in its middle. */
static void make_row(struct window *window, uint32_t y, const struct weights *weights)
{
	uint32_t i, extent = 2 * window->reach + 1;
	const int16_t *rows[MAX_EXTENT];

	for (i = 0; i < extent; i++) {
		int32_t row = inside((int32_t)(y + i) - (int32_t)window->reach,
				     (int32_t)window->source.rows, window->border);

		rows[i] = pixel(window, row < 0 ? window->zero : window->rows[row % MAX_EXTENT],
				-(int32_t)window->reach);
	}
	if (window->channels == 1)
		(extent == 3 ? convolve_3x3_r8 : convolve_5x5_r8)(
			window->result, rows, window->source.row_bytes, weights);
	else
		(extent == 3 ? convolve_3x3_rgba8 : convolve_5x5_rgba8)(
			window->result, rows, window->source.row_bytes, weights);
	if (window->channels == 4)
		copy_alpha(window->result, pixel(window, window->rows[y % MAX_EXTENT], 0),
			   window->source.row_bytes);
}

int softgpu_do_convolve(struct execution *execution, const struct softgpu_convolve *convolve)
{
	struct plane destination;
	struct weights weights;
	struct window window;
	uint32_t y;
	int ret;

	ret = window_init(&window, convolve);
	if (ret)
		return ret;
	weights_init(&weights, convolve);
	softgpu_planes(&convolve->destination, &destination);
	for (y = 0; y < destination.rows && !ret; y++) {
		uint32_t middle = convolve->first_row + y;

		while (!ret && window.next < window.source.rows &&
		       window.next <= middle + window.reach)
			ret = read_row(execution, &window);
		if (ret)
			break;
		make_row(&window, middle, &weights);
		ret = softgpu_write(execution, plane_row(&destination, y), window.result,
				    destination.row_bytes);
		if (!ret)
			ret = execution->safe_point(execution);
	}
	free(window.scratch);
	return ret;
}
