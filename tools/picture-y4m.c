/* SPDX-License-Identifier: MIT */
/*
 * Reads a Y4M video: a line that says what it is, then for each picture a line "FRAME", which may
 * have parameters, and the planes. Of 8 bits; kinds of chroma that softgpu does not know are made
 * into one that it does.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "commands.h"
#include "mutants.h"
#include "picture-source.h"

/* A line that is longer is none that a program has written. */
#define MOST_LINE_BYTES 1024

static const struct chroma {
	const char *tag;
	enum softgpu_format format;
	bool quarters;
	bool alpha;
} chromas[] = {
	{ "420jpeg", SOFTGPU_YUV420, false, false },  { "420mpeg2", SOFTGPU_YUV420, false, false },
	{ "420paldv", SOFTGPU_YUV420, false, false }, { "420", SOFTGPU_YUV420, false, false },
	{ "411", SOFTGPU_YUV444, true, false },	      { "422", SOFTGPU_YUV422, false, false },
	{ "444", SOFTGPU_YUV444, false, false },      { "444alpha", SOFTGPU_YUV444, false, true },
	{ "mono", SOFTGPU_R8, false, false },
};

static int fail(const struct picture_source *source, const char *what)
{
	complain("%s: %s", source->name, what);
	return -1;
}

/* Without its newline. Returns its length, -1 at the end of the file, or -2 if it is too long. */
static int read_line(FILE *file, char *line)
{
	int length = 0;
	int byte;

	while ((byte = getc(file)) != '\n') {
		if (byte == EOF)
			return length ? -2 : -1;
		if (!byte || length == MOST_LINE_BYTES)
			return -2;
		line[length++] = (char)byte;
	}
	line[length] = '\0';
	return length;
}

/* The first of each four is read to the end of the row, from where it is spread. */
static bool read_quarters(struct picture_source *source, unsigned char *plane)
{
	uint32_t width = source->shape.width;
	uint32_t quarter = (width + 3) / 4;
	uint32_t y, x;

	for (y = 0; y < source->shape.height; y++, plane += width) {
		unsigned char *packed = plane + (width - quarter);

		if (fread(packed, 1, quarter, source->file) != quarter)
			return false;
		for (x = 0; x < width; x++)
			plane[x] = packed[x / 4];
	}
	return true;
}

static bool pass_over(FILE *file, size_t bytes)
{
	char buffer[4096];

	while (bytes) {
		size_t some = bytes < sizeof(buffer) ? bytes : sizeof(buffer);

		if (fread(buffer, 1, some, file) != some)
			return false;
		bytes -= some;
	}
	return true;
}

static bool read_planes(struct picture_source *source, unsigned char *picture)
{
	const struct picture_shape *shape = &source->shape;
	size_t bytes = picture_bytes(shape->format, shape->width, shape->height);
	size_t plane = (size_t)shape->width * shape->height;

	if (source->quarters)
		return fread(picture, 1, plane, source->file) == plane &&
		       read_quarters(source, picture + plane) &&
		       read_quarters(source, picture + 2 * plane);
	return fread(picture, 1, bytes, source->file) == bytes &&
	       (!source->alpha || pass_over(source->file, plane));
}

static int read_y4m(struct picture_source *source, void *picture)
{
	char line[MOST_LINE_BYTES + 1];
	int length = read_line(source->file, line);

	if (ferror(source->file))
		return fail(source, strerror(errno));
	if (length == -1)
		return 0;
	if (length < 0 || strncmp(line, "FRAME", 5) || (line[5] && line[5] != ' ')) {
		complain("%s: no frame where frame %llu should begin", source->name,
			 (unsigned long long)source->next);
		return -1;
	}
	if (!read_planes(source, picture)) {
		if (ferror(source->file))
			return fail(source, strerror(errno));
		complain("%s: ends in the middle of frame %llu", source->name,
			 (unsigned long long)source->next);
		return -1;
	}
	source->next++;
	return 1;
}

static int rewind_y4m(struct picture_source *source)
{
	source->next = 0;
	if (fseek(source->file, MUTANT(Y4M_FROM_ITS_HEADER) ? 0 : source->first_frame, SEEK_SET))
		return fail(source, strerror(errno));
	return 0;
}

static const struct picture_source_ops y4m_ops = {
	.read = read_y4m,
	.rewind = rewind_y4m,
};

/* Only digits, so that there is no sign; and 0 for what is no extent that there can be. */
static uint32_t parse_extent(const char *text)
{
	uint32_t extent = 0;

	for (; isdigit((unsigned char)*text) && extent <= SOFTGPU_MAX_EXTENT; text++)
		extent = extent * 10 + (uint32_t)(*text - '0');
	return *text || extent > SOFTGPU_MAX_EXTENT ? 0 : extent;
}

static int parse_chroma(struct picture_source *source, const char *tag)
{
	size_t i;

	for (i = 0; i < sizeof(chromas) / sizeof(chromas[0]); i++) {
		if (!strcmp(tag, chromas[i].tag)) {
			source->shape.format = chromas[i].format;
			source->quarters = chromas[i].quarters;
			source->alpha = chromas[i].alpha;
			if (source->quarters || source->alpha)
				tag = "444";
			snprintf(source->shape.chroma, sizeof(source->shape.chroma), "%s", tag);
			return 0;
		}
	}
	complain("%s: chroma '%.32s' is not known here; there are 420, 411, 422, 444 and mono, of "
		 "8 bits",
		 source->name, tag);
	return -1;
}

static int parse_tag(struct picture_source *source, const char *tag)
{
	struct picture_shape *shape = &source->shape;
	size_t used = strlen(shape->tags);
	uint32_t *extent = *tag == 'W' ? &shape->width : &shape->height;

	switch (*tag) {
	case 'W':
	case 'H':
		*extent = parse_extent(tag + 1);
		if (*extent)
			return 0;
		complain("%s: '%.32s' is no %s from 1 to %d", source->name, tag,
			 *tag == 'W' ? "width" : "height", SOFTGPU_MAX_EXTENT);
		return -1;
	case 'C':
		return parse_chroma(source, tag + 1);
	default:
		if (used + strlen(tag) + 2 > sizeof(shape->tags))
			return fail(source, "its header says too much");
		snprintf(shape->tags + used, sizeof(shape->tags) - used, " %s", tag);
		return 0;
	}
}

static int parse_header(struct picture_source *source, char *line)
{
	char *rest = NULL;
	char *tag = strtok_r(line, " ", &rest);

	if (!tag || strcmp(tag, "YUV4MPEG2"))
		return fail(source, "no good Y4M header");
	while ((tag = strtok_r(NULL, " ", &rest))) {
		if (parse_tag(source, tag))
			return -1;
	}
	if ((!source->shape.width || !source->shape.height) && !MUTANT(Y4M_SIZE_NOT_LOOKED_AT))
		return fail(source, "its header does not say how large the pictures are");
	return 0;
}

int picture_source_open_y4m(struct picture_source *source)
{
	char line[MOST_LINE_BYTES + 1];

	source->ops = &y4m_ops;
	/* What the format has if nothing is said. */
	source->shape = (struct picture_shape){ .format = SOFTGPU_YUV420, .chroma = "420jpeg" };
	if (read_line(source->file, line) < 0)
		return fail(source, "its header does not end");
	if (parse_header(source, line))
		return -1;
	source->first_frame = ftell(source->file);
	return 0;
}
