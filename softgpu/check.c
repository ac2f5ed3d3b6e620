/* SPDX-License-Identifier: MIT */
/* Whether commands make sense, whoever has made them. */
#include "execute.h"

#include <errno.h>
#include <string.h>

#include "mutants.h"
#include "operations.h"
#include "picture.h"

static bool range_ok(uint64_t address, uint64_t bytes)
{
	return (bytes <= SOFTGPU_ADDRESS_END || MUTANT(SIZES_NOT_LOOKED_AT)) &&
	       address <= SOFTGPU_ADDRESS_END - bytes;
}

static bool surface_ok(const struct softgpu_surface *surface)
{
	struct plane planes[MAX_PLANES];
	unsigned int i, num_planes;

	if (surface->width - 1 >= SOFTGPU_MAX_EXTENT || surface->height - 1 >= SOFTGPU_MAX_EXTENT)
		return false;
	num_planes = softgpu_planes(surface, planes);
	for (i = 0; i < num_planes; i++) {
		const struct plane *plane = &planes[i];
		uint64_t last_row = (uint64_t)(plane->rows - 1) * plane->pitch;

		if (plane->pitch < plane->row_bytes ||
		    !range_ok(plane->address, last_row + plane->row_bytes))
			return false;
	}
	return num_planes;
}

/* Of a destination and a source that commands of one plane take. */
static bool pair_ok(const struct softgpu_surface *destination, const struct softgpu_surface *source)
{
	return surface_ok(destination) && surface_ok(source) &&
	       destination->format == source->format &&
	       (source->format == SOFTGPU_R8 || source->format == SOFTGPU_RGBA8);
}

static bool same_size(const struct softgpu_surface *destination,
		      const struct softgpu_surface *source)
{
	return destination->width == source->width && destination->height == source->height;
}

/* Whether as many rows as the picture has, from 'first' on, are among 'all'. */
static bool rows_ok(const struct softgpu_surface *surface, uint32_t first, uint32_t all)
{
	return surface->height <= all && first <= all - surface->height;
}

static bool convolve_ok(const struct softgpu_convolve *convolve)
{
	uint32_t i;

	if (!pair_ok(&convolve->destination, &convolve->source) ||
	    convolve->destination.width != convolve->source.width ||
	    !rows_ok(&convolve->destination, convolve->first_row, convolve->source.height) ||
	    (convolve->extent != 3 && convolve->extent != 5) ||
	    convolve->border > SOFTGPU_BORDER_MIRROR || convolve->shift > 16 || convolve->zero)
		return false;
	for (i = convolve->extent * convolve->extent; i < 25; i++) {
		if (convolve->coefficients[i])
			return false;
	}
	return true;
}

static bool scale_ok(const struct softgpu_scale *scale)
{
	return pair_ok(&scale->destination, &scale->source) &&
	       scale->full_height <= SOFTGPU_MAX_EXTENT &&
	       rows_ok(&scale->destination, scale->first_row, scale->full_height) &&
	       scale->filter <= SOFTGPU_BILINEAR && !scale->zero;
}

static bool blend_ok(const struct softgpu_blend *blend)
{
	return pair_ok(&blend->destination, &blend->source) &&
	       blend->source.format == SOFTGPU_RGBA8 &&
	       same_size(&blend->destination, &blend->source) && blend->opacity <= 255 &&
	       !blend->zero;
}

static bool encode_ok(const struct softgpu_encode *encode)
{
	uint32_t format = encode->source.format;

	if (!range_ok(encode->destination, encode->bytes) || encode->encoded_bytes % 8 ||
	    !range_ok(encode->encoded_bytes, 8) || !surface_ok(&encode->source) ||
	    encode->level > 9)
		return false;
	switch (encode->encoding) {
	case SOFTGPU_ENCODE_PNG:
		return format == SOFTGPU_R8 || format == SOFTGPU_RGBA8;
	case SOFTGPU_ENCODE_Y4M:
		return format != SOFTGPU_RGBA8;
	default:
		return false;
	}
}

static bool fields_ok(const union command *command)
{
	switch (command->head.opcode) {
	case SOFTGPU_OP_COPY:
		return range_ok(command->copy.destination, command->copy.bytes) &&
		       range_ok(command->copy.source, command->copy.bytes);
	case SOFTGPU_OP_FILL:
		return range_ok(command->fill.destination, command->fill.bytes) &&
		       !command->fill.zero;
	case SOFTGPU_OP_CONVOLVE:
		return convolve_ok(&command->convolve);
	case SOFTGPU_OP_SCALE:
		return scale_ok(&command->scale);
	case SOFTGPU_OP_BLEND:
		return blend_ok(&command->blend);
	case SOFTGPU_OP_CONVERT:
		return surface_ok(&command->convert.destination) &&
		       surface_ok(&command->convert.source) &&
		       same_size(&command->convert.destination, &command->convert.source);
	case SOFTGPU_OP_CRC32:
		return command->crc32.destination % 4 == 0 &&
		       range_ok(command->crc32.destination, 4) &&
		       range_ok(command->crc32.source, command->crc32.bytes);
	case SOFTGPU_OP_STORE:
		return command->store.destination % 8 == 0 &&
		       range_ok(command->store.destination, 8);
	case SOFTGPU_OP_WAIT:
		return command->wait.source % 8 == 0 && range_ok(command->wait.source, 8) &&
		       command->wait.compare <= SOFTGPU_AT_LEAST && !command->wait.zero;
	case SOFTGPU_OP_ENCODE:
		return encode_ok(&command->encode);
	default: /* SOFTGPU_OP_HANG */
		return true;
	}
}

#define BIT(engine_class) (1u << SOFTGPU_CLASS_##engine_class)
#define EACH		  (BIT(COPY) | BIT(COMPUTE) | BIT(ENCODE))

/* How long each is, and who can do it. */
static const struct {
	uint32_t size;
	unsigned int classes;
} kinds[] = {
	[SOFTGPU_OP_COPY] = { sizeof(struct softgpu_copy), EACH },
	[SOFTGPU_OP_FILL] = { sizeof(struct softgpu_fill), EACH },
	[SOFTGPU_OP_CONVOLVE] = { sizeof(struct softgpu_convolve), BIT(COMPUTE) },
	[SOFTGPU_OP_SCALE] = { sizeof(struct softgpu_scale), BIT(COMPUTE) },
	[SOFTGPU_OP_BLEND] = { sizeof(struct softgpu_blend), BIT(COMPUTE) },
	[SOFTGPU_OP_CONVERT] = { sizeof(struct softgpu_convert), BIT(COMPUTE) | BIT(ENCODE) },
	[SOFTGPU_OP_CRC32] = { sizeof(struct softgpu_crc32), EACH },
	[SOFTGPU_OP_STORE] = { sizeof(struct softgpu_store), EACH },
	[SOFTGPU_OP_WAIT] = { sizeof(struct softgpu_wait), EACH },
	[SOFTGPU_OP_HANG] = { sizeof(struct softgpu_hang), EACH },
	[SOFTGPU_OP_ENCODE] = { sizeof(struct softgpu_encode), BIT(ENCODE) },
};

static bool head_ok(enum softgpu_class engine_class, const struct softgpu_command *head)
{
	return head->opcode < sizeof(kinds) / sizeof(kinds[0]) && kinds[head->opcode].size &&
	       kinds[head->opcode].size == head->size &&
	       (engine_class == SOFTGPU_NUM_CLASSES ||
		kinds[head->opcode].classes & (1u << engine_class));
}

int softgpu_check_commands(enum softgpu_class engine_class, const void *commands, size_t size)
{
	const char *next = commands;

	if (size && !commands)
		return -EINVAL;
	while (size) {
		union command command;

		if (size < sizeof(command.head))
			return -EINVAL;
		memcpy(&command.head, next, sizeof(command.head));
		if (!head_ok(engine_class, &command.head) || size < command.head.size)
			return -EINVAL;
		memcpy(&command, next, command.head.size);
		if (!fields_ok(&command))
			return -EINVAL;
		next += command.head.size;
		size -= command.head.size;
	}
	return 0;
}
