/* SPDX-License-Identifier: MIT */
/*
 * softgpu/command.h - what the engines can do
 *
 * A command buffer is a row of commands, which an engine does one after the other. Each begins with
 * struct softgpu_command, which says what it is and how long. They are made with the functions at
 * the end of this file, into a struct softgpu_batch:
 *
 *	struct softgpu_batch batch = { 0 };
 *
 *	softgpu_cmd_copy(&batch, to, from, size);
 *	softgpu_cmd_crc32(&batch, result, to, size);
 *	submission.batches = &batch;
 *	ret = softgpu_context_submit(context, &submission);
 *	softgpu_batch_fini(&batch);
 *
 * Addresses are those of the address space (struct softgpu_vm) of the context. All that a command
 * reads and writes must be mapped there; if it is not the job fails with -EFAULT, and what it had
 * written by then stays written. Sizes and formats are looked at when the batch is submitted, which
 * is refused with -EINVAL if they make no sense: if something is not as said at a command, if
 * memory would lie beyond SOFTGPU_ADDRESS_END, or if the engine cannot do it. Members called zero
 * are 0. Nothing needs to be aligned unless it is said, and to copy or fill 0 bytes does nothing.
 *
 * Who can do what
 * ===============
 *	class			commands
 *	SOFTGPU_CLASS_COPY	COPY, FILL, CRC32, STORE, WAIT, HANG
 *	SOFTGPU_CLASS_COMPUTE	those, and CONVOLVE, SCALE, BLEND, CONVERT
 *	SOFTGPU_CLASS_ENCODE	those of copy, and CONVERT, ENCODE
 *
 * Pictures
 * ========
 * struct softgpu_surface says where a picture is. Where source and destination of a command overlap
 * the result is not specified, unless the command says so. Arithmetic is exact, and the same on
 * every engine: a picture that was split among engines is the picture that one would have made.
 *
 * Safe points
 * ===========
 * An engine looks before each command, after each row (or two that share a row of colour), and
 * after each 64 KiB of plain memory whether it is to stop: at the job's time limit, or because it
 * was cancelled.
 */
#ifndef SOFTGPU_COMMAND_H
#define SOFTGPU_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** The largest width and height of a picture. */
#define SOFTGPU_MAX_EXTENT 16384
/** The most bytes of commands in a batch. */
#define SOFTGPU_MAX_BATCH_BYTES (UINT32_C(16) << 20)

/** enum softgpu_format - how a picture lies in memory */
enum softgpu_format {
	/** @SOFTGPU_R8: one plane of bytes */
	SOFTGPU_R8,
	/** @SOFTGPU_RGBA8: four bytes a pixel: red, green, blue, alpha (not premultiplied) */
	SOFTGPU_RGBA8,
	/** @SOFTGPU_YUV420: planes of Y, Cb, Cr, those of colour of half the width and height */
	SOFTGPU_YUV420,
	/** @SOFTGPU_YUV422: those of colour of half the width */
	SOFTGPU_YUV422,
	/** @SOFTGPU_YUV444: all of the same size */
	SOFTGPU_YUV444,
};

/**
 * struct softgpu_surface - a picture, or a part of one
 * @address: where each plane begins; as many are used as the format has, the others not looked at
 * @pitch: bytes from one row of the plane to the next; at least what a row has. What is between two
 *	rows is left alone, and need not be mapped.
 * @width: in pixels, 1 to SOFTGPU_MAX_EXTENT
 * @height: the same
 * @format: of enum softgpu_format
 *
 * Planes of colour of half the size have (size + 1) / 2.
 */
struct softgpu_surface {
	uint64_t address[3];
	uint32_t pitch[3];
	uint32_t width;
	uint32_t height;
	uint32_t format;
};

/** enum softgpu_opcode - what a command is */
enum softgpu_opcode {
	SOFTGPU_OP_COPY = 1,
	SOFTGPU_OP_FILL,
	SOFTGPU_OP_CONVOLVE,
	SOFTGPU_OP_SCALE,
	SOFTGPU_OP_BLEND,
	SOFTGPU_OP_CONVERT,
	SOFTGPU_OP_CRC32,
	SOFTGPU_OP_STORE,
	SOFTGPU_OP_WAIT,
	SOFTGPU_OP_HANG,
	SOFTGPU_OP_ENCODE,
};

/**
 * struct softgpu_command - with which each command begins
 * @opcode: of enum softgpu_opcode
 * @size: of the whole command in bytes, this included: that of its structure
 */
struct softgpu_command {
	uint32_t opcode;
	uint32_t size;
};

/**
 * struct softgpu_copy - copies bytes
 *
 * As if all were read before any is written, where the addresses overlap. So it is where they do
 * not, but lead to the same memory, because a buffer is mapped twice: if all that is read lies in
 * one such mapping, and all that is written in one.
 */
struct softgpu_copy {
	struct softgpu_command command;
	uint64_t destination;
	uint64_t source;
	uint64_t bytes;
};

/** struct softgpu_fill - fills memory with a value of 32 bits, lowest byte first */
struct softgpu_fill {
	struct softgpu_command command;
	uint64_t destination;
	uint64_t bytes; /* need not be a multiple of 4 */
	uint32_t value;
	uint32_t zero;
};

/** enum softgpu_border - what a convolution takes for pixels outside of the picture */
enum softgpu_border {
	/** @SOFTGPU_BORDER_ZERO: 0 */
	SOFTGPU_BORDER_ZERO,
	/** @SOFTGPU_BORDER_CLAMP: the nearest that there is */
	SOFTGPU_BORDER_CLAMP,
	/** @SOFTGPU_BORDER_MIRROR: those inside, without the one at the edge: cb|abcd|cb */
	SOFTGPU_BORDER_MIRROR,
};

/**
 * struct softgpu_convolve - a convolution with 3x3 or 5x5 coefficients
 * @destination: R8 or RGBA8. Each channel is convolved by itself, but for alpha, which is copied.
 * @source: the whole picture, of the same format and width
 * @first_row: of the source, which becomes the first of the destination. So a band of the picture
 *	can be made with what is above and below it in reach. The source has as many rows from there
 *	on as the destination, or more.
 * @extent: 3 or 5
 * @border: of enum softgpu_border
 * @shift: 0 to 16
 * @bias: added at the end, any
 * @coefficients: row by row, the first extent * extent; -32768 to 32767. The others are 0.
 *
 * A value is (sum + rounding) >> shift, plus bias, limited to 0 to 255, where rounding is
 * 1 << (shift - 1), or 0 if shift is 0. The shift of a negative sum rounds down. The sum has the
 * first coefficient times the pixel above and to the left, and so on: nothing is turned round.
 * Where a picture is so small that the mirrored pixel lies beyond its other edge, it is the one at
 * that edge.
 */
struct softgpu_convolve {
	struct softgpu_command command;
	struct softgpu_surface destination;
	struct softgpu_surface source;
	uint32_t first_row;
	uint32_t extent;
	uint32_t border;
	uint32_t shift;
	int32_t bias;
	int16_t coefficients[25];
	uint16_t zero;
};

/** enum softgpu_filter - how a picture is scaled */
enum softgpu_filter {
	/** @SOFTGPU_NEAREST: the pixel in which the centre of the new one lies */
	SOFTGPU_NEAREST,
	/** @SOFTGPU_BILINEAR: between the four centres around it, in 256ths */
	SOFTGPU_BILINEAR,
};

/**
 * struct softgpu_scale - makes a picture of another size
 * @destination: R8 or RGBA8; rows @first_row and on of a picture of @full_height rows
 * @source: the whole picture, of the same format
 * @first_row: see @destination
 * @full_height: at least @first_row + the height of @destination; at most SOFTGPU_MAX_EXTENT
 * @filter: of enum softgpu_filter
 *
 * The centre of pixel x of the destination lies at ((2 * x + 1) * source width) /
 * (2 * destination width) of the source; so for rows, with @full_height, and @first_row added.
 *
 * SOFTGPU_NEAREST: that rounded down is the pixel.
 *
 * SOFTGPU_BILINEAR: p is that in 256ths, rounded down, less a half (128), limited to 0 to
 * (source width - 1) * 256. Then p / 256 is the left pixel of two and f = p % 256 the share of the
 * right one, 256 - f that of the left one; so for rows. A value is the sum of the four samples,
 * each times its share across and its share down, plus 32768, divided by 65536, rounded down.
 */
struct softgpu_scale {
	struct softgpu_command command;
	struct softgpu_surface destination;
	struct softgpu_surface source;
	uint32_t first_row;
	uint32_t full_height;
	uint32_t filter;
	uint32_t zero;
};

/**
 * struct softgpu_blend - lays a picture over another
 * @destination: RGBA8, read and written
 * @source: RGBA8, of the same size
 * @opacity: of the source as a whole, 0 to 255
 *
 * With a = (source alpha * opacity + 127) / 255: each colour becomes
 * (source * a + destination * (255 - a) + 127) / 255, and alpha
 * a + (destination alpha * (255 - a) + 127) / 255. Divisions round down.
 */
struct softgpu_blend {
	struct softgpu_command command;
	struct softgpu_surface destination;
	struct softgpu_surface source;
	uint32_t opacity;
	uint32_t zero;
};

/**
 * struct softgpu_convert - from one format into another, of the same size
 * @destination: of any format
 * @source: of any other, or the same, which is copied as it is
 *
 * Colours are those of ITU-R BT.601 with limited range (16 to 235, 16 to 240), in integers:
 *
 *	Y  = ((66 * R + 129 * G + 25 * B + 128) >> 8) + 16
 *	Cb = ((-38 * R - 74 * G + 112 * B + 128) >> 8) + 128
 *	Cr = ((112 * R - 94 * G - 18 * B + 128) >> 8) + 128
 *
 *	C = 298 * (Y - 16), D = Cb - 128, E = Cr - 128
 *	R = (C + 409 * E + 128) >> 8
 *	G = (C - 100 * D - 208 * E + 128) >> 8
 *	B = (C + 516 * D + 128) >> 8, each limited to 0 to 255
 *
 * Shifts of negative numbers round down. Where planes of colour are smaller, R, G and B of which Cb
 * and Cr are made are the means of the two or four pixels (at an odd edge of those that there are),
 * rounded half up; and the other way round each pixel has the colour of its group. R8 is Y as it is
 * (to RGBA8: as the above, with Cb = Cr = 128; from RGBA8: the Y of the above). Alpha is lost, and
 * comes to be 255. Between formats of YUV: by way of RGBA8, and so are R8 and those.
 *
 * So a picture with SOFTGPU_YUV420 on either side can be split at even rows.
 */
struct softgpu_convert {
	struct softgpu_command command;
	struct softgpu_surface destination;
	struct softgpu_surface source;
};

/** struct softgpu_crc32 - stores the CRC-32 of memory, that of zlib: 4 bytes, lowest first */
struct softgpu_crc32 {
	struct softgpu_command command;
	uint64_t destination; /* a multiple of 4 */
	uint64_t source;
	uint64_t bytes;
};

/** struct softgpu_store - stores 8 bytes, lowest first, after all that came before in this job */
struct softgpu_store {
	struct softgpu_command command;
	uint64_t destination; /* a multiple of 8 */
	uint64_t value;
};

/** enum softgpu_compare - what a wait waits for */
enum softgpu_compare {
	SOFTGPU_EQUAL,
	SOFTGPU_NOT_EQUAL,
	/** @SOFTGPU_AT_LEAST: unsigned */
	SOFTGPU_AT_LEAST,
};

/**
 * struct softgpu_wait - waits until 8 bytes of memory compare with a value as told
 *
 * Sees what was written before a softgpu_store on whatever engine, and before an atomic store with
 * release ordering by the CPU. Occupies the engine; the job's time limit ends it.
 *
 * Each batch of a job begins when its own engine comes to it. So if batches wait for one another,
 * and another wide context's jobs on the same engines do so, too, each can come to have some of the
 * engines that the other needs; and then it is the time limit that ends that.
 */
struct softgpu_wait {
	struct softgpu_command command;
	uint64_t source; /* a multiple of 8 */
	uint64_t value;
	uint32_t compare;
	uint32_t zero;
};

/** struct softgpu_hang - never ends: for tests of what happens then */
struct softgpu_hang {
	struct softgpu_command command;
};

/** enum softgpu_encoding - what a picture is encoded as */
enum softgpu_encoding {
	/** @SOFTGPU_ENCODE_PNG: a PNG file of an RGBA8 (stored as RGB) or R8 picture */
	SOFTGPU_ENCODE_PNG,
	/** @SOFTGPU_ENCODE_Y4M: a frame of Y4M, with its "FRAME" line, of an R8 or YUV picture */
	SOFTGPU_ENCODE_Y4M,
};

/**
 * struct softgpu_encode - encodes a picture
 * @destination: where to
 * @bytes: how much room there is. If it is not enough the job fails with -ENOSPC.
 * @encoded_bytes: address, a multiple of 8, at which to store how many it has become, 8 bytes, at
 *	the end and as softgpu_store does; not if it fails
 * @source: the picture
 * @encoding: of enum softgpu_encoding
 * @level: of PNG's compression, 0 to 9; makes no difference to Y4M
 *
 * The same picture becomes the same bytes, by the same libpng and zlib.
 */
struct softgpu_encode {
	struct softgpu_command command;
	uint64_t destination;
	uint64_t bytes;
	uint64_t encoded_bytes;
	struct softgpu_surface source;
	uint32_t encoding;
	uint32_t level;
};

/**
 * struct softgpu_batch - a command buffer that grows
 * @data: of malloc()
 * @size: in bytes, at most SOFTGPU_MAX_BATCH_BYTES
 * @capacity: of @data
 * @error: the first that happened while it was made, -ENOMEM; submitting it returns that
 *
 * All zero it is empty. Or filled by the caller: only @data and @size are read by submission, and
 * @error.
 */
struct softgpu_batch {
	void *data;
	size_t size;
	size_t capacity;
	int error;
};

/** softgpu_batch_fini - frees what it holds, and makes it empty */
void softgpu_batch_fini(struct softgpu_batch *batch);

/**
 * softgpu_batch_add - adds a command
 * @command: of @command->size bytes, copied as it is: submission looks at it
 *
 * Returns 0, or batch->error.
 */
int softgpu_batch_add(struct softgpu_batch *batch, const struct softgpu_command *command);

/* Each adds one command, and returns as softgpu_batch_add(). */
int softgpu_cmd_copy(struct softgpu_batch *batch, uint64_t destination, uint64_t source,
		     uint64_t bytes);
int softgpu_cmd_fill(struct softgpu_batch *batch, uint64_t destination, uint64_t bytes,
		     uint32_t value);
int softgpu_cmd_convolve(struct softgpu_batch *batch, const struct softgpu_surface *destination,
			 const struct softgpu_surface *source, uint32_t first_row, uint32_t extent,
			 const int16_t *coefficients, uint32_t shift, int32_t bias,
			 enum softgpu_border border);
int softgpu_cmd_scale(struct softgpu_batch *batch, const struct softgpu_surface *destination,
		      const struct softgpu_surface *source, uint32_t first_row,
		      uint32_t full_height, enum softgpu_filter filter);
int softgpu_cmd_blend(struct softgpu_batch *batch, const struct softgpu_surface *destination,
		      const struct softgpu_surface *source, uint32_t opacity);
int softgpu_cmd_convert(struct softgpu_batch *batch, const struct softgpu_surface *destination,
			const struct softgpu_surface *source);
int softgpu_cmd_crc32(struct softgpu_batch *batch, uint64_t destination, uint64_t source,
		      uint64_t bytes);
int softgpu_cmd_store(struct softgpu_batch *batch, uint64_t destination, uint64_t value);
int softgpu_cmd_wait(struct softgpu_batch *batch, uint64_t source, enum softgpu_compare compare,
		     uint64_t value);
int softgpu_cmd_hang(struct softgpu_batch *batch);
int softgpu_cmd_encode(struct softgpu_batch *batch, uint64_t destination, uint64_t bytes,
		       uint64_t encoded_bytes, const struct softgpu_surface *source,
		       enum softgpu_encoding encoding, uint32_t level);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
