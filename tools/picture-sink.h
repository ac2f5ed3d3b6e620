/* SPDX-License-Identifier: MIT */
/*
 * Where encoded pictures go: a Y4M video, a folder of PNGs, or nowhere. In any case they can be
 * read again, in order, to be compared: what was written is what is looked at. Where that cannot be
 * read back, or there is nothing, a file without a name keeps them.
 */
#ifndef TOOLS_PICTURE_SINK_H
#define TOOLS_PICTURE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "picture.h"
#include "whole-file.h"

struct picture_sink {
	const char *path;
	/* A folder; -1 if it is none. */
	int folder;
	/* A video: file is NULL if there is none. */
	struct whole_file video;
	/* What is read again: of the video, or a file without a name. NULL with a folder. */
	FILE *kept;
	long first_frame;
};

/* What the name of an output asks for. */
bool picture_sink_is_video(const char *path);

/* All return 0; or -1, and have said what is wrong. shape: only of videos. NULL: nowhere. */
int picture_sink_open(struct picture_sink *sink, const char *path,
		      const struct picture_shape *shape);
int picture_sink_write(struct picture_sink *sink, uint64_t frame, const void *data, size_t bytes);
/* There is no such frame: what may be left of it from before is removed. */
int picture_sink_skip(struct picture_sink *sink, uint64_t frame);
/* All were written. */
int picture_sink_finish(struct picture_sink *sink);
/* From the first one on, in order, with the sizes that they had. */
int picture_sink_rewind(struct picture_sink *sink);
int picture_sink_read(struct picture_sink *sink, uint64_t frame, void *data, size_t bytes);
void picture_sink_close(struct picture_sink *sink);

#endif
