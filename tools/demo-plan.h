/* SPDX-License-Identifier: MIT */
/*
 * What is done with a frame, stage by stage. The same commands are for the engines, split in bands,
 * and for the serial reference, in one piece.
 *
 *	upload	 staging -> input	copy engine
 *	import	 input -> a		to RGBA8, over a background
 *	shrink	 a -> small		a quarter of the size
 *	compose	 small -> a		laid over at a place that moves, and a bar that grows
 *	blur	 a -> b			5x5
 *	sharpen	 b -> a or final	3x3
 *	export	 a -> final		to what is encoded, unless that is RGBA8
 *	encode	 final -> coded		encode engine; and the CRC-32 of the final picture
 *
 * All between upload and encode is split in bands, one for each engine that computes.
 */
#ifndef TOOLS_DEMO_PLAN_H
#define TOOLS_DEMO_PLAN_H

#include <stdbool.h>

#include "demo-options.h"
#include "picture.h"

enum demo_stage {
	DEMO_UPLOAD,
	DEMO_IMPORT,
	DEMO_SHRINK,
	DEMO_COMPOSE,
	DEMO_BLUR,
	DEMO_SHARPEN,
	DEMO_EXPORT,
	DEMO_ENCODE,
	DEMO_NUM_STAGES,
};

/* The buffers of a frame, by what is in them. */
enum demo_role {
	/* Of a slot, which a frame has for itself: */
	DEMO_STAGING,
	DEMO_FINAL,
	DEMO_CODED,
	/* Of a set, which frames have one after the other: */
	DEMO_INPUT,
	DEMO_A,
	DEMO_B,
	DEMO_SMALL,
	DEMO_NUM_ROLES,
};

#define DEMO_FIRST_OF_SET DEMO_INPUT

/* A coded buffer begins with this, then on the next page the encoded picture. */
struct demo_result {
	uint64_t encoded_bytes;
	uint32_t picture_crc;
};

#define DEMO_CODED_OFFSET SOFTGPU_PAGE_SIZE

struct demo_plan {
	/* Of the source. */
	struct picture_shape shape;
	/* Of what is encoded, for a header. */
	struct picture_shape out;
	uint32_t small_width;
	uint32_t small_height;
	enum softgpu_encoding encoding;
	uint32_t level;
	/* How large the buffer of each role is. */
	uint64_t bytes[DEMO_NUM_ROLES];
};

/* Commands for the engines of a class; and what they use. */
struct demo_job {
	struct softgpu_batch batches[SOFTGPU_MAX_ENGINES];
	unsigned int num_batches;
	/* The roles of the buffers; all that is written is overwritten, unless it is updated. */
	enum demo_role reads;
	enum demo_role writes;
	bool updates;
};

void demo_plan_make(struct demo_plan *plan, const struct picture_shape *shape,
		    const struct demo_options *options);

/* Whether there is such a stage: not where input or output need no conversion. */
bool demo_plan_has(const struct demo_plan *plan, enum demo_stage stage);

const char *demo_stage_name(enum demo_stage stage);
enum softgpu_class demo_stage_class(enum demo_stage stage);

/*
 * Makes the commands. addresses: of the buffer of each role. bands: at least 1; a batch for each,
 * some may be empty. Allocations that fail are found when it is submitted (struct softgpu_batch).
 */
void demo_job_make(struct demo_job *job, const struct demo_plan *plan, enum demo_stage stage,
		   uint64_t frame, const uint64_t *addresses, unsigned int bands);
void demo_job_fini(struct demo_job *job);

#endif
