/* SPDX-License-Identifier: MIT */
/*
 * Pictures somewhere in a test's address space: at any address, with rows of any distance. What the
 * formats are is written here once more, from the comments in softgpu/command.h.
 */
#ifndef TESTS_SOFTGPU_PICTURES_H
#define TESTS_SOFTGPU_PICTURES_H

#include "world.h"

static const enum arrangement arrangements[] = { TOGETHER, SCATTERED };

#define NUM_FORMATS 5

static inline int num_planes(uint32_t format)
{
	return format == SOFTGPU_R8 || format == SOFTGPU_RGBA8 ? 1 : 3;
}

static inline uint32_t plane_width(uint32_t format, int plane, uint32_t width)
{
	if (plane && (format == SOFTGPU_YUV420 || format == SOFTGPU_YUV422))
		return (width + 1) / 2;
	return width;
}

static inline uint32_t plane_height(uint32_t format, int plane, uint32_t height)
{
	return plane && format == SOFTGPU_YUV420 ? (height + 1) / 2 : height;
}

static inline uint32_t channels(uint32_t format)
{
	return format == SOFTGPU_RGBA8 ? 4 : 1;
}

/* A picture that begins somewhere after *next, which is set to its end. */
static inline struct softgpu_surface picture(uint64_t *next, uint32_t format, uint32_t width,
					     uint32_t height)
{
	struct softgpu_surface surface = { .width = width, .height = height, .format = format };
	int i;

	for (i = 0; i < num_planes(format); i++) {
		uint32_t bytes = plane_width(format, i, width) * channels(format);

		surface.address[i] = *next + below(9);
		surface.pitch[i] = bytes + (below(2) ? below(40) : 0);
		*next = surface.address[i] + bytes +
			(uint64_t)(plane_height(format, i, height) - 1) * surface.pitch[i];
	}
	return surface;
}

/* Where the image has a sample. */
static inline unsigned char *sample(struct world *world, const struct softgpu_surface *surface,
				    int plane, uint32_t x, uint32_t y, uint32_t channel)
{
	return at(world, surface->address[plane] + (uint64_t)y * surface->pitch[plane] +
				 x * channels(surface->format) + channel);
}

/* Rows 'first' and on of a picture, as one of its own. */
static inline struct softgpu_surface band(const struct softgpu_surface *surface, uint32_t first,
					  uint32_t height)
{
	struct softgpu_surface result = *surface;
	int i;

	for (i = 0; i < num_planes(surface->format); i++)
		result.address[i] +=
			(uint64_t)plane_height(surface->format, i, first) * surface->pitch[i];
	result.height = height;
	return result;
}

/* Rounded down. */
static inline int64_t divided(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

static inline int64_t limited_to(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

#endif
