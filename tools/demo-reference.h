/* SPDX-License-Identifier: MIT */
/*
 * The proof: does the same with each frame once more, one command after the other on one thread, in
 * one piece, in a device of its own; and compares every byte of what was written.
 */
#ifndef TOOLS_DEMO_REFERENCE_H
#define TOOLS_DEMO_REFERENCE_H

#include <stdio.h>

#include "demo-plan.h"
#include "demo-progress.h"
#include "picture-sink.h"
#include "picture-source.h"

struct demo_reference {
	const struct demo_plan *plan;
	struct picture_source *source;
	struct picture_sink *sink;
	FILE *outcomes;
	struct demo_progress *progress;
	uint64_t frames;

	uint64_t identical;
	uint64_t wrong;
	uint64_t lost;
	/* Without the comparison, and without writing anything. */
	int64_t elapsed_ns;
};

/* With what is above the blank line set. Returns 0; or -1, and has said what is wrong. */
int demo_reference_run(struct demo_reference *reference);

#endif
