/* SPDX-License-Identifier: MIT */
/* Laying a picture over another. */
#include "operations.h"

#include <errno.h>
#include <stdlib.h>

#include "access.h"
#include "kernel.h"
#include "picture.h"

/* Of a number below 65535: x / 255. */
static inline uint16_t by_255(uint16_t x)
{
	return (uint16_t)(x + 1 + (x >> 8)) >> 8;
}

/* Each byte of a pixel gets what its alpha, and the opacity, make of the source's share. */
KERNEL static void shares(uint8_t *restrict to, const uint8_t *restrict pixels, size_t num_pixels,
			  uint16_t opacity)
{
	size_t i;

	for (i = 0; i < num_pixels; i++) {
		uint8_t share = (uint8_t)by_255((uint16_t)(pixels[4 * i + 3] * opacity + 127));

		to[4 * i] = share;
		to[4 * i + 1] = share;
		to[4 * i + 2] = share;
		to[4 * i + 3] = share;
	}
}

/* What is blended into alpha is opaque: a + destination alpha * (255 - a) / 255, rounded. */
KERNEL static void make_opaque(uint8_t *pixels, size_t num_pixels)
{
	size_t i;

	for (i = 0; i < num_pixels; i++)
		pixels[4 * i + 3] = 255;
}

KERNEL static void blend_bytes(uint8_t *restrict to, const uint8_t *restrict from,
			       const uint8_t *restrict share, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++) {
		uint16_t a = share[i];

		to[i] = (uint8_t)by_255((uint16_t)(from[i] * a + to[i] * (255 - a) + 127));
	}
}

int softgpu_do_blend(struct execution *execution, const struct softgpu_blend *blend)
{
	struct plane destination, source;
	uint8_t *below, *above, *share;
	size_t bytes;
	uint32_t y;
	int ret = 0;

	softgpu_planes(&blend->destination, &destination);
	softgpu_planes(&blend->source, &source);
	bytes = source.row_bytes;
	below = malloc(3 * bytes);
	if (!below)
		return -ENOMEM;
	above = below + bytes;
	share = above + bytes;
	for (y = 0; y < source.rows && !ret; y++) {
		ret = softgpu_read(execution, above, plane_row(&source, y), bytes);
		if (!ret)
			ret = softgpu_read(execution, below, plane_row(&destination, y), bytes);
		if (ret)
			break;
		shares(share, above, bytes / 4, (uint16_t)blend->opacity);
		make_opaque(above, bytes / 4);
		blend_bytes(below, above, share, bytes);
		ret = softgpu_write(execution, plane_row(&destination, y), below, bytes);
		if (!ret)
			ret = execution->safe_point(execution);
	}
	free(below);
	return ret;
}
