/* SPDX-License-Identifier: MIT */
/*
 * Sends the frames through the engines, several at once.
 *
 * The jobs of a frame are submitted in one go, and nobody waits between them: each says which
 * buffers it reads and writes, and the fences in those do the rest. The last one's fence comes out
 * as a sync file. The CPU waits for those of all frames that are under way in one poll(), and
 * writes frames in order as they come.
 */
#ifndef TOOLS_DEMO_PIPELINE_H
#define TOOLS_DEMO_PIPELINE_H

#include <stdio.h>

#include "demo-pool.h"
#include "demo-progress.h"
#include "picture-sink.h"
#include "picture-source.h"

/* What a frame that is under way has besides its buffers. */
struct demo_flight {
	struct softgpu_context *contexts[SOFTGPU_NUM_CLASSES];
	/* The sync file; -1: none */
	int fd;
	bool ended;
	int error;
};

struct demo_pipeline {
	const struct demo_options *options;
	const struct demo_plan *plan;
	struct demo_pool *pool;
	struct picture_source *source;
	struct picture_sink *sink;
	FILE *outcomes;
	struct demo_progress *progress;
	/* As many as the pool has slots. */
	struct demo_flight *flights;
	/* How many frames there are to be; more than there can be: as many as there are */
	uint64_t frames;

	uint64_t submitted;
	uint64_t written;
	uint64_t lost;
	int64_t elapsed_ns;
};

/* With what is above the blank line set. Returns 0; or -1, and has said what is wrong. */
int demo_pipeline_run(struct demo_pipeline *pipeline);

#endif
