/* SPDX-License-Identifier: MIT */
/* How pictures lie in memory here: row after row and plane after plane, with nothing between. */
#ifndef TOOLS_PICTURE_H
#define TOOLS_PICTURE_H

#include <stddef.h>

#include <softgpu/softgpu.h>

/* What a video says about itself besides its size: fits into a header of Y4M. */
#define PICTURE_TAGS 512

/**
 * struct picture_shape - what all pictures of a sequence have in common
 * @tags: for a header of Y4M: rate, interlacing, aspect and what else the source had, each with a
 *	space before it
 * @chroma: the C tag of Y4M, without the C; "" if @format is not one of Y4M
 */
struct picture_shape {
	uint32_t width;
	uint32_t height;
	enum softgpu_format format;
	char tags[PICTURE_TAGS];
	char chroma[16];
};

uint64_t picture_bytes(enum softgpu_format format, uint32_t width, uint32_t height);

/* The picture at an address. */
struct softgpu_surface picture_surface(enum softgpu_format format, uint32_t width, uint32_t height,
				       uint64_t address);

/* Rows of a picture. Where planes of colour have half the rows, first is to be even. */
struct softgpu_surface picture_rows(const struct softgpu_surface *surface, uint32_t first,
				    uint32_t rows);

#endif
