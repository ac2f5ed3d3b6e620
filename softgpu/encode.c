/* SPDX-License-Identifier: MIT */
/* Pictures as what other programs read: PNG files, and frames of Y4M. */
#include "operations.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "access.h"
#include "mutants.h"
#include "picture.h"

/* Where what is encoded goes. */
struct output {
	struct execution *execution;
	uint64_t address;
	uint64_t room;
	uint64_t written;
};

static int put(struct output *output, const void *bytes, uint64_t num_bytes)
{
	int ret;

	if (num_bytes > output->room - output->written + MUTANT(ENCODE_WRITES_TOO_MUCH))
		return -ENOSPC;
	ret = softgpu_write(output->execution, output->address + output->written, bytes, num_bytes);
	if (!ret)
		output->written += num_bytes;
	return ret;
}

/* What is jumped over does not live in variables of the function that is jumped to. */
struct png {
	struct output *output;
	struct plane plane;
	png_structp writer;
	png_infop info;
	uint8_t *row;
	uint32_t y;
	int error;
};

/* libpng knows of no other way out than a jump, to where softgpu_do_encode() waits for it. */
static void fail(png_structp writer, png_const_charp message)
{
	struct png *png = png_get_error_ptr(writer);

	(void)message;
	/* Its own only failure is that it gets no memory. */
	if (!png->error)
		png->error = -ENOMEM;
	png_longjmp(writer, 1);
}

static void say_nothing(png_structp writer, png_const_charp message)
{
	(void)writer;
	(void)message;
}

static void *allocate(png_structp writer, png_alloc_size_t bytes)
{
	(void)writer;
	return malloc(bytes);
}

static void release(png_structp writer, void *block)
{
	(void)writer;
	free(block);
}

/* In pieces for which the lock is held. */
static void put_png(png_structp writer, png_bytep bytes, size_t num_bytes)
{
	struct png *png = png_get_io_ptr(writer);

	while (num_bytes && !png->error) {
		size_t some = num_bytes < ACCESS_BYTES ? num_bytes : ACCESS_BYTES;

		png->error = put(png->output, bytes, some);
		bytes += some;
		num_bytes -= some;
	}
	if (png->error)
		png_error(writer, "");
}

static void nothing_to_flush(png_structp writer)
{
	(void)writer;
}

static void write_header(struct png *png, const struct softgpu_encode *encode)
{
	bool grey = encode->source.format == SOFTGPU_R8;

	png_set_write_fn(png->writer, png, put_png, nothing_to_flush);
	png_set_compression_level(png->writer, (int)encode->level);
	png_set_filter(png->writer, PNG_FILTER_TYPE_BASE, PNG_FAST_FILTERS);
	png_set_IHDR(png->writer, png->info, encode->source.width, encode->source.height, 8,
		     grey ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
		     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png->writer, png->info);
	if (!grey)
		png_set_filler(png->writer, 0, PNG_FILLER_AFTER);
}

static void write_rows(struct png *png)
{
	struct execution *execution = png->output->execution;

	for (png->y = 0; png->y < png->plane.rows && !png->error; png->y++) {
		png->error = softgpu_read(execution, png->row, plane_row(&png->plane, png->y),
					  png->plane.row_bytes);
		if (png->error)
			return;
		png_write_row(png->writer, png->row);
		png->error = execution->safe_point(execution);
	}
}

static int encode_png(struct output *output, const struct softgpu_encode *encode)
{
	struct png png = { .output = output };

	softgpu_planes(&encode->source, &png.plane);
	png.row = malloc(png.plane.row_bytes);
	if (!png.row)
		return -ENOMEM;
	png.writer = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &png, fail, say_nothing, NULL,
					       allocate, release);
	if (png.writer)
		png.info = png_create_info_struct(png.writer);
	if (!png.info) {
		png.error = -ENOMEM;
	} else if (!setjmp(png_jmpbuf(png.writer))) {
		write_header(&png, encode);
		write_rows(&png);
		if (!png.error)
			png_write_end(png.writer, NULL);
	}
	png_destroy_write_struct(&png.writer, &png.info);
	free(png.row);
	return png.error;
}

static int encode_y4m(struct output *output, const struct softgpu_encode *encode)
{
	static const char begin[] = "FRAME\n";
	struct execution *execution = output->execution;
	struct plane planes[MAX_PLANES];
	unsigned int i, num_planes = softgpu_planes(&encode->source, planes);
	uint8_t *row = malloc(planes[0].row_bytes);
	uint32_t y;
	int ret;

	if (!row)
		return -ENOMEM;
	ret = put(output, begin, sizeof(begin) - 1);
	for (i = 0; i < num_planes; i++) {
		for (y = 0; y < planes[i].rows && !ret; y++) {
			ret = softgpu_read(execution, row, plane_row(&planes[i], y),
					   planes[i].row_bytes);
			if (!ret)
				ret = put(output, row, planes[i].row_bytes);
			if (!ret)
				ret = execution->safe_point(execution);
		}
	}
	free(row);
	return ret;
}

int softgpu_do_encode(struct execution *execution, const struct softgpu_encode *encode)
{
	struct output output = {
		.execution = execution,
		.address = encode->destination,
		.room = encode->bytes,
	};
	int ret;

	ret = (encode->encoding == SOFTGPU_ENCODE_PNG ? encode_png : encode_y4m)(&output, encode);
	return ret ? ret : softgpu_write_release(execution, encode->encoded_bytes, output.written);
}
