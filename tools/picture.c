/* SPDX-License-Identifier: MIT */
#include "picture.h"

static unsigned int num_planes(enum softgpu_format format)
{
	return format == SOFTGPU_R8 || format == SOFTGPU_RGBA8 ? 1 : 3;
}

static uint32_t plane_pitch(enum softgpu_format format, unsigned int plane, uint32_t width)
{
	if (format == SOFTGPU_RGBA8)
		return width * 4;
	if (plane && (format == SOFTGPU_YUV420 || format == SOFTGPU_YUV422))
		return (width + 1) / 2;
	return width;
}

static uint32_t plane_rows(enum softgpu_format format, unsigned int plane, uint32_t height)
{
	return plane && format == SOFTGPU_YUV420 ? (height + 1) / 2 : height;
}

uint64_t picture_bytes(enum softgpu_format format, uint32_t width, uint32_t height)
{
	uint64_t bytes = 0;
	unsigned int plane;

	for (plane = 0; plane < num_planes(format); plane++)
		bytes += (uint64_t)plane_pitch(format, plane, width) *
			 plane_rows(format, plane, height);
	return bytes;
}

struct softgpu_surface picture_surface(enum softgpu_format format, uint32_t width, uint32_t height,
				       uint64_t address)
{
	struct softgpu_surface surface = { .width = width, .height = height, .format = format };
	unsigned int plane;

	for (plane = 0; plane < num_planes(format); plane++) {
		surface.address[plane] = address;
		surface.pitch[plane] = plane_pitch(format, plane, width);
		address += (uint64_t)surface.pitch[plane] * plane_rows(format, plane, height);
	}
	return surface;
}

struct softgpu_surface picture_rows(const struct softgpu_surface *surface, uint32_t first,
				    uint32_t rows)
{
	struct softgpu_surface part = *surface;
	unsigned int plane;

	for (plane = 0; plane < num_planes(part.format); plane++)
		part.address[plane] +=
			(uint64_t)part.pitch[plane] * plane_rows(part.format, plane, first);
	part.height = rows;
	return part;
}
