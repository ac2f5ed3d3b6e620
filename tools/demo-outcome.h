/* SPDX-License-Identifier: MIT */
/*
 * What became of each frame. In a file without a name: there may be more frames than memory has
 * room for.
 */
#ifndef TOOLS_DEMO_OUTCOME_H
#define TOOLS_DEMO_OUTCOME_H

#include <stdint.h>
#include <stdio.h>

/**
 * struct demo_outcome - of a frame
 * @encoded_bytes: as the engine has said
 * @written_bytes: what went out; other than @encoded_bytes only if that cannot be
 * @picture_crc: of the picture before it was encoded
 * @error: 0, or a negative errno: it was lost
 */
struct demo_outcome {
	uint64_t encoded_bytes;
	uint64_t written_bytes;
	uint32_t picture_crc;
	int32_t error;
};

/* All return 0; or -1, and have said what is wrong. Frames are written and read in order. */
int demo_outcomes_open(FILE **outcomes);
int demo_outcomes_write(FILE *outcomes, const struct demo_outcome *outcome);
int demo_outcomes_rewind(FILE *outcomes);
int demo_outcomes_read(FILE *outcomes, struct demo_outcome *outcome);

#endif
