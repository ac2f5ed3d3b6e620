/* SPDX-License-Identifier: MIT */
/* Command buffers. */
#include <softgpu/command.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void softgpu_batch_fini(struct softgpu_batch *batch)
{
	free(batch->data);
	*batch = (struct softgpu_batch){ 0 };
}

static int make_room(struct softgpu_batch *batch, size_t bytes)
{
	size_t capacity = batch->capacity ? batch->capacity : 256;
	void *data;

	while (capacity - batch->size < bytes || capacity < batch->size) {
		if (capacity > SIZE_MAX / 2)
			return -ENOMEM;
		capacity *= 2;
	}
	if (capacity == batch->capacity)
		return 0;
	data = realloc(batch->data, capacity);
	if (!data)
		return -ENOMEM;
	batch->data = data;
	batch->capacity = capacity;
	return 0;
}

int softgpu_batch_add(struct softgpu_batch *batch, const struct softgpu_command *command)
{
	if (!batch->error)
		batch->error = make_room(batch, command->size);
	if (batch->error)
		return batch->error;
	memcpy((char *)batch->data + batch->size, command, command->size);
	batch->size += command->size;
	return 0;
}

/* The head of a command of that type. */
#define COMMAND(op, type) \
	{ \
		.opcode = SOFTGPU_OP_##op, .size = sizeof(struct type) \
	}

int softgpu_cmd_copy(struct softgpu_batch *batch, uint64_t destination, uint64_t source,
		     uint64_t bytes)
{
	const struct softgpu_copy copy = {
		.command = COMMAND(COPY, softgpu_copy),
		.destination = destination,
		.source = source,
		.bytes = bytes,
	};

	return softgpu_batch_add(batch, &copy.command);
}

int softgpu_cmd_fill(struct softgpu_batch *batch, uint64_t destination, uint64_t bytes,
		     uint32_t value)
{
	const struct softgpu_fill fill = {
		.command = COMMAND(FILL, softgpu_fill),
		.destination = destination,
		.bytes = bytes,
		.value = value,
	};

	return softgpu_batch_add(batch, &fill.command);
}

int softgpu_cmd_convolve(struct softgpu_batch *batch, const struct softgpu_surface *destination,
			 const struct softgpu_surface *source, uint32_t first_row, uint32_t extent,
			 const int16_t *coefficients, uint32_t shift, int32_t bias,
			 enum softgpu_border border)
{
	struct softgpu_convolve convolve = {
		.command = COMMAND(CONVOLVE, softgpu_convolve),
		.destination = *destination,
		.source = *source,
		.first_row = first_row,
		.extent = extent,
		.border = border,
		.shift = shift,
		.bias = bias,
	};

	/* Of any other extent there are none; it is refused when it is submitted. */
	if (extent == 3 || extent == 5)
		memcpy(convolve.coefficients, coefficients,
		       extent * extent * sizeof(*coefficients));
	return softgpu_batch_add(batch, &convolve.command);
}

int softgpu_cmd_scale(struct softgpu_batch *batch, const struct softgpu_surface *destination,
		      const struct softgpu_surface *source, uint32_t first_row,
		      uint32_t full_height, enum softgpu_filter filter)
{
	const struct softgpu_scale scale = {
		.command = COMMAND(SCALE, softgpu_scale),
		.destination = *destination,
		.source = *source,
		.first_row = first_row,
		.full_height = full_height,
		.filter = filter,
	};

	return softgpu_batch_add(batch, &scale.command);
}

int softgpu_cmd_blend(struct softgpu_batch *batch, const struct softgpu_surface *destination,
		      const struct softgpu_surface *source, uint32_t opacity)
{
	const struct softgpu_blend blend = {
		.command = COMMAND(BLEND, softgpu_blend),
		.destination = *destination,
		.source = *source,
		.opacity = opacity,
	};

	return softgpu_batch_add(batch, &blend.command);
}

int softgpu_cmd_convert(struct softgpu_batch *batch, const struct softgpu_surface *destination,
			const struct softgpu_surface *source)
{
	const struct softgpu_convert convert = {
		.command = COMMAND(CONVERT, softgpu_convert),
		.destination = *destination,
		.source = *source,
	};

	return softgpu_batch_add(batch, &convert.command);
}

int softgpu_cmd_crc32(struct softgpu_batch *batch, uint64_t destination, uint64_t source,
		      uint64_t bytes)
{
	const struct softgpu_crc32 crc32 = {
		.command = COMMAND(CRC32, softgpu_crc32),
		.destination = destination,
		.source = source,
		.bytes = bytes,
	};

	return softgpu_batch_add(batch, &crc32.command);
}

int softgpu_cmd_store(struct softgpu_batch *batch, uint64_t destination, uint64_t value)
{
	const struct softgpu_store store = {
		.command = COMMAND(STORE, softgpu_store),
		.destination = destination,
		.value = value,
	};

	return softgpu_batch_add(batch, &store.command);
}

int softgpu_cmd_wait(struct softgpu_batch *batch, uint64_t source, enum softgpu_compare compare,
		     uint64_t value)
{
	const struct softgpu_wait wait = {
		.command = COMMAND(WAIT, softgpu_wait),
		.source = source,
		.value = value,
		.compare = compare,
	};

	return softgpu_batch_add(batch, &wait.command);
}

int softgpu_cmd_hang(struct softgpu_batch *batch)
{
	const struct softgpu_hang hang = { .command = COMMAND(HANG, softgpu_hang) };

	return softgpu_batch_add(batch, &hang.command);
}

int softgpu_cmd_encode(struct softgpu_batch *batch, uint64_t destination, uint64_t bytes,
		       uint64_t encoded_bytes, const struct softgpu_surface *source,
		       enum softgpu_encoding encoding, uint32_t level)
{
	const struct softgpu_encode encode = {
		.command = COMMAND(ENCODE, softgpu_encode),
		.destination = destination,
		.bytes = bytes,
		.encoded_bytes = encoded_bytes,
		.source = *source,
		.encoding = encoding,
		.level = level,
	};

	return softgpu_batch_add(batch, &encode.command);
}
