/* SPDX-License-Identifier: MIT */
/*
 * Where the pictures of a sequence come from: a PNG, again and again; a Y4M video; or a test card
 * that is drawn. What a file is, its first bytes say, not its name. A sequence can be read again
 * from the beginning. A video is read picture by picture, so that it may be of any length.
 */
#ifndef TOOLS_PICTURE_SOURCE_H
#define TOOLS_PICTURE_SOURCE_H

#include <stdbool.h>
#include <stdio.h>

#include "picture.h"

struct picture_source;

/* What the kinds differ in. Each says itself what is wrong, with complain(). */
struct picture_source_ops {
	/* Stores picture_bytes() of the next picture. Returns 1, 0 at the end, or -1. */
	int (*read)(struct picture_source *source, void *picture);
	/* Returns 0 or -1. */
	int (*rewind)(struct picture_source *source);
};

struct picture_source {
	const struct picture_source_ops *ops;
	struct picture_shape shape;
	/* Whether it has an end of its own. */
	bool endless;
	/* For messages. */
	const char *name;
	uint64_t next;
	/* Those of a kind: of Y4M, and of PNG */
	FILE *file;
	long first_frame;
	/*
	 * Its planes of colour have a quarter of the width: they are read into such of the whole.
	 */
	bool quarters;
	/* There is a plane of alpha at the end, which is left out. */
	bool alpha;
	unsigned char *pixels;
};

/* Each returns 0; or -1, and has said what is wrong. What was opened is closed by the last. */
int picture_source_open(struct picture_source *source, const char *path);
void picture_source_open_card(struct picture_source *source, uint32_t width, uint32_t height);
void picture_source_close(struct picture_source *source);

/* For picture_source_open(): the file is at its beginning, and becomes the source's. */
int picture_source_open_png(struct picture_source *source);
int picture_source_open_y4m(struct picture_source *source);

#endif
