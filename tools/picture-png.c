/* SPDX-License-Identifier: MIT */
/*
 * Reads a PNG of whatever kind into RGBA8. It is decoded once, and is each picture of the sequence.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "commands.h"
#include "mutants.h"
#include "picture-source.h"

/* Of what a picture needs, and nobody looks at what it has besides. */
#define MOST_CHUNK_BYTES 8000000

static int read_png(struct picture_source *source, void *picture)
{
	if (MUTANT(PNG_ENDS) && source->next)
		return 0;
	memcpy(picture, source->pixels,
	       picture_bytes(SOFTGPU_RGBA8, source->shape.width, source->shape.height));
	source->next++;
	return 1;
}

static int rewind_png(struct picture_source *source)
{
	source->next = 0;
	return 0;
}

static const struct picture_source_ops png_ops = {
	.read = read_png,
	.rewind = rewind_png,
};

static void png_failed(png_structp png, png_const_charp message)
{
	const struct picture_source *source = png_get_error_ptr(png);

	if (feof(source->file))
		complain("%s: the PNG ends too early", source->name);
	else if (!MUTANT(PNG_FAILURE_NOT_TOLD))
		complain("%s: no good PNG: %s", source->name, message);
	png_longjmp(png, 1);
}

static void png_warned(png_structp png, png_const_charp message)
{
	(void)png;
	(void)message;
}

/* Returns how many times the rows are to be gone through. */
static int read_header(struct picture_source *source, png_structp png, png_infop info)
{
	int passes;

	png_init_io(png, source->file);
	png_set_user_limits(png, SOFTGPU_MAX_EXTENT, SOFTGPU_MAX_EXTENT);
	png_set_chunk_malloc_max(png, MOST_CHUNK_BYTES);
	/* Text, profiles and the like are passed over, and not unpacked: there may be any number. */
	png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
	png_read_info(png, info);
	source->shape.width = png_get_image_width(png, info);
	source->shape.height = png_get_image_height(png, info);

	png_set_expand(png);
	png_set_scale_16(png);
	png_set_gray_to_rgb(png);
	png_set_add_alpha(png, 0xff, PNG_FILLER_AFTER);
	passes = png_set_interlace_handling(png);
	png_read_update_info(png, info);
	return passes;
}

static void read_rows(struct picture_source *source, png_structp png, int passes)
{
	size_t pitch = source->shape.width * (size_t)4;
	uint32_t row;

	source->pixels = malloc(pitch * source->shape.height);
	if (!source->pixels)
		png_error(png, strerror(ENOMEM));
	while (passes--) {
		for (row = 0; row < source->shape.height; row++)
			png_read_row(png, source->pixels + row * pitch, NULL);
	}
}

static int decode(struct picture_source *source, png_structp png, png_infop info)
{
	if (setjmp(png_jmpbuf(png)))
		return -1;
	read_rows(source, png, read_header(source, png, info));
	png_read_end(png, NULL);
	return 0;
}

int picture_source_open_png(struct picture_source *source)
{
	png_structp png =
		png_create_read_struct(PNG_LIBPNG_VER_STRING, source, png_failed, png_warned);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	int ret = -1;

	source->ops = &png_ops;
	source->endless = true;
	source->shape = (struct picture_shape){ .format = SOFTGPU_RGBA8 };
	if (info)
		ret = decode(source, png, info);
	else
		complain("%s: %s", source->name, strerror(ENOMEM));
	png_destroy_read_struct(&png, &info, NULL);
	return ret;
}
