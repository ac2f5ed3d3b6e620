/* SPDX-License-Identifier: MIT */
/*
 * Making a picture of another size. A row of the source is made wide or narrow once, and kept for
 * as long as rows of the destination lie between it and the next.
 */
#include "operations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "kernel.h"
#include "picture.h"

/* Between which two pixels of the source, and how far from the first: in 256ths. */
struct place {
	uint32_t index;
	uint32_t fraction;
};

static struct place nearest(uint32_t i, uint32_t new_extent, uint32_t extent)
{
	return (struct place){
		.index = (uint32_t)((2 * (uint64_t)i + 1) * extent / (2 * (uint64_t)new_extent)),
	};
}

static struct place between(uint32_t i, uint32_t new_extent, uint32_t extent)
{
	uint64_t centre = (2 * (uint64_t)i + 1) * extent * 256 / (2 * (uint64_t)new_extent);
	uint64_t last = (uint64_t)(extent - 1) * 256;
	uint64_t from_first = centre < 128 ? 0 : centre - 128;

	if (from_first > last)
		from_first = last;
	return (struct place){
		.index = (uint32_t)(from_first / 256),
		.fraction = (uint32_t)(from_first % 256),
	};
}

static struct place place_of(const struct softgpu_scale *scale, uint32_t i, uint32_t new_extent,
			     uint32_t extent)
{
	return (scale->filter == SOFTGPU_NEAREST ? nearest : between)(i, new_extent, extent);
}

/* Samples with 8 more bits. The source has a pixel more than is looked at, of whatever value. */
static void widen_r8(uint16_t *restrict to, const uint8_t *restrict from,
		     const struct place *restrict places, size_t num_pixels)
{
	size_t i;

	for (i = 0; i < num_pixels; i++) {
		const uint8_t *first = from + places[i].index;
		uint32_t fraction = places[i].fraction;

		to[i] = (uint16_t)(first[0] * (256 - fraction) + first[1] * fraction);
	}
}

/* The four bytes, with 8 bits of 0 between each and the next. */
static inline uint64_t apart(const uint8_t *pixel)
{
	uint32_t bytes;
	uint64_t wide;

	memcpy(&bytes, pixel, 4);
	wide = (bytes | (uint64_t)bytes << 16) & UINT64_C(0x0000ffff0000ffff);
	return (wide | wide << 8) & UINT64_C(0x00ff00ff00ff00ff);
}

/* All four at once: none becomes more than 65280. */
static void widen_rgba8(uint16_t *restrict to, const uint8_t *restrict from,
			const struct place *restrict places, size_t num_pixels)
{
	size_t i;

	for (i = 0; i < num_pixels; i++) {
		const uint8_t *first = from + 4 * (size_t)places[i].index;
		uint64_t fraction = places[i].fraction;
		uint64_t sum = apart(first) * (256 - fraction) + apart(first + 4) * fraction;

		memcpy(to + 4 * i, &sum, 8);
	}
}

KERNEL static void mix_rows(uint8_t *restrict to, const uint16_t *restrict first,
			    const uint16_t *restrict second, size_t bytes, int32_t fraction)
{
	size_t i;

	for (i = 0; i < bytes; i++) {
		int32_t sum = first[i] * 256 + (second[i] - first[i]) * fraction;

		to[i] = (uint8_t)((sum + 32768) >> 16);
	}
}

static void pick_r8(uint8_t *restrict to, const uint8_t *restrict from,
		    const struct place *restrict places, size_t num_pixels)
{
	size_t i;

	for (i = 0; i < num_pixels; i++)
		to[i] = from[places[i].index];
}

static void pick_rgba8(uint8_t *restrict to, const uint8_t *restrict from,
		       const struct place *restrict places, size_t num_pixels)
{
	size_t i;

	for (i = 0; i < num_pixels; i++)
		memcpy(to + 4 * i, from + 4 * (size_t)places[i].index, 4);
}

struct scaler {
	struct execution *execution;
	struct plane source;
	struct plane destination;
	size_t channels;
	struct place *places; /* of the pixels of a row */
	/* Rows of the source in the new width, and which they are: -1, none yet. */
	uint16_t *wide[2];
	int64_t wide_row[2];
	uint8_t *read;
	uint8_t *result;
};

static int scaler_init(struct scaler *scaler, struct execution *execution,
		       const struct softgpu_scale *scale)
{
	uint32_t i, width = scale->destination.width;
	size_t bytes;

	*scaler = (struct scaler){ .execution = execution, .wide_row = { -1, -1 } };
	softgpu_planes(&scale->source, &scaler->source);
	softgpu_planes(&scale->destination, &scaler->destination);
	scaler->channels = scaler->source.row_bytes / scale->source.width;
	bytes = scaler->destination.row_bytes;
	scaler->places = malloc(width * sizeof(*scaler->places) + 2 * bytes * sizeof(uint16_t) +
				scaler->source.row_bytes + scaler->channels + bytes);
	if (!scaler->places)
		return -ENOMEM;
	scaler->wide[0] = (uint16_t *)(scaler->places + width);
	scaler->wide[1] = scaler->wide[0] + bytes;
	scaler->result = (uint8_t *)(scaler->wide[1] + bytes);
	scaler->read = scaler->result + bytes;
	memset(scaler->read + scaler->source.row_bytes, 0, scaler->channels);
	for (i = 0; i < width; i++)
		scaler->places[i] = place_of(scale, i, width, scale->source.width);
	return 0;
}

static int read_row(struct scaler *scaler, uint32_t row)
{
	return softgpu_read(scaler->execution, scaler->read, plane_row(&scaler->source, row),
			    scaler->source.row_bytes);
}

/* As two rows in a row are asked for, they do not get into each other's way. */
static int wide_row(struct scaler *scaler, uint32_t row, const uint16_t **samples)
{
	size_t num_pixels = scaler->destination.row_bytes / scaler->channels;
	uint16_t *wide = scaler->wide[row % 2];
	int ret;

	*samples = wide;
	if (scaler->wide_row[row % 2] == row)
		return 0;
	ret = read_row(scaler, row);
	if (ret)
		return ret;
	if (scaler->channels == 1)
		widen_r8(wide, scaler->read, scaler->places, num_pixels);
	else
		widen_rgba8(wide, scaler->read, scaler->places, num_pixels);
	scaler->wide_row[row % 2] = row;
	return 0;
}

static int make_bilinear(struct scaler *scaler, struct place place)
{
	const uint16_t *first, *second;
	int ret;

	ret = wide_row(scaler, place.index, &first);
	if (ret)
		return ret;
	second = first;
	if (place.fraction)
		ret = wide_row(scaler, place.index + 1, &second);
	if (ret)
		return ret;
	mix_rows(scaler->result, first, second, scaler->destination.row_bytes,
		 (int32_t)place.fraction);
	return 0;
}

static int make_nearest(struct scaler *scaler, struct place place)
{
	size_t num_pixels = scaler->destination.row_bytes / scaler->channels;
	int ret;

	if (scaler->wide_row[0] == place.index)
		return 0; /* the result is still the same */
	ret = read_row(scaler, place.index);
	if (ret)
		return ret;
	(scaler->channels == 1 ? pick_r8 : pick_rgba8)(scaler->result, scaler->read, scaler->places,
						       num_pixels);
	scaler->wide_row[0] = place.index;
	return 0;
}

int softgpu_do_scale(struct execution *execution, const struct softgpu_scale *scale)
{
	struct scaler scaler;
	uint32_t y;
	int ret;

	ret = scaler_init(&scaler, execution, scale);
	if (ret)
		return ret;
	for (y = 0; y < scaler.destination.rows && !ret; y++) {
		struct place place = place_of(scale, scale->first_row + y, scale->full_height,
					      scaler.source.rows);

		ret = (scale->filter == SOFTGPU_NEAREST ? make_nearest : make_bilinear)(&scaler,
											place);
		if (!ret)
			ret = softgpu_write(execution, plane_row(&scaler.destination, y),
					    scaler.result, scaler.destination.row_bytes);
		if (!ret)
			ret = execution->safe_point(execution);
	}
	free(scaler.places);
	return ret;
}
