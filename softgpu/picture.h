/* SPDX-License-Identifier: MIT */
/* Where the bytes of a picture are. */
#ifndef SOFTGPU_PICTURE_H
#define SOFTGPU_PICTURE_H

#include <softgpu/command.h>

#define MAX_PLANES 3

struct plane {
	uint64_t address;
	uint32_t pitch;
	uint32_t row_bytes;
	uint32_t rows;
};

/* Stores the planes of a picture, and returns how many there are: 0 if there is no such format. */
unsigned int softgpu_planes(const struct softgpu_surface *surface, struct plane *planes);

static inline uint64_t plane_row(const struct plane *plane, uint32_t row)
{
	return plane->address + (uint64_t)row * plane->pitch;
}

#endif
