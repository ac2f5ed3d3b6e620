/* SPDX-License-Identifier: MIT */
#include "demo-plan.h"

#include <stdio.h>

/* The small picture is a quarter as wide and high; the bar a 32nd as high. */
#define SMALL_PART   4
#define BAR_PART     32
#define BAR_STEPS    64
#define SMALL_SPEED  5
#define SMALL_OPAQUE 224

static const int16_t blur[25] = {
	1, 4,  6,  4,  1, /* */
	4, 16, 24, 16, 4, /* */
	6, 24, 36, 24, 6, /* */
	4, 16, 24, 16, 4, /* */
	1, 4,  6,  4,  1, /* */
};

static const int16_t sharpen[9] = {
	-1, -1, -1, /* */
	-1, 16, -1, /* */
	-1, -1, -1, /* */
};

static const struct stage {
	const char *name;
	enum softgpu_class engine_class;
	enum demo_role reads;
	enum demo_role writes;
	bool updates;
} stages[DEMO_NUM_STAGES] = {
	[DEMO_UPLOAD] = { "upload", SOFTGPU_CLASS_COPY, DEMO_STAGING, DEMO_INPUT, false },
	[DEMO_IMPORT] = { "import", SOFTGPU_CLASS_COMPUTE, DEMO_INPUT, DEMO_A, false },
	[DEMO_SHRINK] = { "shrink", SOFTGPU_CLASS_COMPUTE, DEMO_A, DEMO_SMALL, false },
	[DEMO_COMPOSE] = { "compose", SOFTGPU_CLASS_COMPUTE, DEMO_SMALL, DEMO_A, true },
	[DEMO_BLUR] = { "blur", SOFTGPU_CLASS_COMPUTE, DEMO_A, DEMO_B, false },
	[DEMO_SHARPEN] = { "sharpen", SOFTGPU_CLASS_COMPUTE, DEMO_B, DEMO_A, false },
	[DEMO_EXPORT] = { "export", SOFTGPU_CLASS_COMPUTE, DEMO_A, DEMO_FINAL, false },
	[DEMO_ENCODE] = { "encode", SOFTGPU_CLASS_ENCODE, DEMO_FINAL, DEMO_CODED, false },
};

/* What of a picture one engine makes. */
struct band {
	uint32_t first;
	uint32_t rows;
};

/* What the stages are made from. */
struct making {
	const struct demo_plan *plan;
	uint64_t frame;
	const uint64_t *addresses;
};

static uint64_t encoded_room(const struct demo_plan *plan, uint64_t bytes)
{
	/* PNG stores what it cannot compress with a little around it. */
	if (plan->encoding == SOFTGPU_ENCODE_PNG)
		return bytes + plan->out.height + bytes / 64 + 4096;
	return bytes + sizeof("FRAME");
}

static void choose_out(struct demo_plan *plan, const struct demo_options *options)
{
	struct picture_shape *out = &plan->out;

	*out = plan->shape;
	plan->encoding = options->video ? SOFTGPU_ENCODE_Y4M : SOFTGPU_ENCODE_PNG;
	plan->level = options->level;
	if (options->video && out->format == SOFTGPU_RGBA8) {
		out->format = SOFTGPU_YUV420;
		snprintf(out->chroma, sizeof(out->chroma), "420jpeg");
		snprintf(out->tags, sizeof(out->tags), " F25:1 Ip A1:1");
	} else if (!options->video && out->format != SOFTGPU_R8) {
		out->format = SOFTGPU_RGBA8;
	}
}

void demo_plan_make(struct demo_plan *plan, const struct picture_shape *shape,
		    const struct demo_options *options)
{
	uint64_t full = picture_bytes(SOFTGPU_RGBA8, shape->width, shape->height);

	*plan = (struct demo_plan){ .shape = *shape };
	choose_out(plan, options);
	plan->small_width = (shape->width + SMALL_PART - 1) / SMALL_PART;
	plan->small_height = (shape->height + SMALL_PART - 1) / SMALL_PART;
	plan->bytes[DEMO_STAGING] = picture_bytes(shape->format, shape->width, shape->height);
	plan->bytes[DEMO_INPUT] = plan->bytes[DEMO_STAGING];
	plan->bytes[DEMO_FINAL] = picture_bytes(plan->out.format, shape->width, shape->height);
	plan->bytes[DEMO_CODED] = DEMO_CODED_OFFSET + encoded_room(plan, plan->bytes[DEMO_FINAL]);
	plan->bytes[DEMO_A] = full;
	plan->bytes[DEMO_B] = full;
	plan->bytes[DEMO_SMALL] =
		picture_bytes(SOFTGPU_RGBA8, plan->small_width, plan->small_height);
}

bool demo_plan_has(const struct demo_plan *plan, enum demo_stage stage)
{
	return stage != DEMO_EXPORT || plan->out.format != SOFTGPU_RGBA8;
}

const char *demo_stage_name(enum demo_stage stage)
{
	return stages[stage].name;
}

enum softgpu_class demo_stage_class(enum demo_stage stage)
{
	return stages[stage].engine_class;
}

/* Where planes of colour have half the rows, a band begins with one of those. */
static struct band band_of(uint32_t height, unsigned int band, unsigned int bands)
{
	uint32_t rows = ((height + bands - 1) / bands + 1) & ~UINT32_C(1);
	uint64_t first = (uint64_t)rows * band;

	if (first >= height)
		return (struct band){ .first = height };
	if (rows > height - first)
		rows = height - (uint32_t)first;
	return (struct band){ .first = (uint32_t)first, .rows = rows };
}

static struct softgpu_surface surface_of(const struct making *making, enum demo_role role)
{
	const struct demo_plan *plan = making->plan;
	uint32_t width = plan->shape.width;
	uint32_t height = plan->shape.height;
	enum softgpu_format format = SOFTGPU_RGBA8;

	if (role == DEMO_SMALL) {
		width = plan->small_width;
		height = plan->small_height;
	} else if (role == DEMO_INPUT) {
		format = plan->shape.format;
	} else if (role == DEMO_FINAL) {
		format = plan->out.format;
	}
	return picture_surface(format, width, height, making->addresses[role]);
}

/* What is transparent shows a grey that changes from frame to frame. */
static void add_import(struct softgpu_batch *batch, const struct making *making, struct band band)
{
	struct softgpu_surface from = surface_of(making, DEMO_INPUT);
	struct softgpu_surface to = surface_of(making, DEMO_A);
	uint32_t grey = 96 + (uint32_t)(making->frame % BAR_STEPS);

	from = picture_rows(&from, band.first, band.rows);
	to = picture_rows(&to, band.first, band.rows);
	if (from.format != SOFTGPU_RGBA8) {
		softgpu_cmd_convert(batch, &to, &from);
		return;
	}
	softgpu_cmd_fill(batch, to.address[0], (uint64_t)to.pitch[0] * to.height,
			 0xff000000 | grey << 16 | grey << 8 | grey);
	softgpu_cmd_blend(batch, &to, &from, 255);
}

static void add_shrink(struct softgpu_batch *batch, const struct making *making, struct band band)
{
	struct softgpu_surface from = surface_of(making, DEMO_A);
	struct softgpu_surface small = surface_of(making, DEMO_SMALL);
	struct softgpu_surface to = picture_rows(&small, band.first, band.rows);

	softgpu_cmd_scale(batch, &to, &from, band.first, small.height, SOFTGPU_BILINEAR);
}

/* There and back again between 0 and room. */
static uint32_t bounce(uint64_t way, uint32_t room)
{
	uint64_t place = room ? way % (2 * (uint64_t)room) : 0;

	return (uint32_t)(place > room ? 2 * (uint64_t)room - place : place);
}

/* The rows of the small picture that lie in the band. */
static void add_small(struct softgpu_batch *batch, const struct making *making, struct band band)
{
	struct softgpu_surface from = surface_of(making, DEMO_SMALL);
	struct softgpu_surface to = surface_of(making, DEMO_A);
	uint64_t way = making->frame * SMALL_SPEED;
	uint32_t left = bounce(way, to.width - from.width);
	uint32_t top = bounce(way, to.height - from.height);
	uint32_t first = band.first > top ? band.first : top;
	uint32_t end = band.first + band.rows;

	if (end > top + from.height)
		end = top + from.height;
	if (first >= end)
		return;
	to = picture_rows(&to, first, end - first);
	from = picture_rows(&from, first - top, end - first);
	to.address[0] += left * UINT64_C(4);
	to.width = from.width;
	softgpu_cmd_blend(batch, &to, &from, SMALL_OPAQUE);
}

/* The rows of the bar, at the bottom, that lie in the band. */
static void add_bar(struct softgpu_batch *batch, const struct making *making, struct band band)
{
	struct softgpu_surface to = surface_of(making, DEMO_A);
	uint32_t step = (uint32_t)(making->frame % BAR_STEPS) + 1;
	uint32_t rows = (to.height + BAR_PART - 1) / BAR_PART;
	uint64_t width = ((uint64_t)to.width * step + BAR_STEPS - 1) / BAR_STEPS;
	uint32_t first = to.height - rows;
	uint32_t row;

	for (row = band.first > first ? band.first : first; row < band.first + band.rows; row++)
		softgpu_cmd_fill(batch, to.address[0] + (uint64_t)row * to.pitch[0], width * 4,
				 0xff2080ff ^ step << 16);
}

static void add_convolve(struct softgpu_batch *batch, const struct making *making,
			 const struct demo_job *job, struct band band)
{
	struct softgpu_surface from = surface_of(making, job->reads);
	struct softgpu_surface to = surface_of(making, job->writes);

	to = picture_rows(&to, band.first, band.rows);
	if (job->reads == DEMO_A)
		softgpu_cmd_convolve(batch, &to, &from, band.first, 5, blur, 8, 0,
				     SOFTGPU_BORDER_MIRROR);
	else
		softgpu_cmd_convolve(batch, &to, &from, band.first, 3, sharpen, 3, 0,
				     SOFTGPU_BORDER_CLAMP);
}

static void add_export(struct softgpu_batch *batch, const struct making *making, struct band band)
{
	struct softgpu_surface from = surface_of(making, DEMO_A);
	struct softgpu_surface to = surface_of(making, DEMO_FINAL);

	from = picture_rows(&from, band.first, band.rows);
	to = picture_rows(&to, band.first, band.rows);
	softgpu_cmd_convert(batch, &to, &from);
}

static void add_encode(struct softgpu_batch *batch, const struct making *making)
{
	const struct demo_plan *plan = making->plan;
	struct softgpu_surface from = surface_of(making, DEMO_FINAL);
	uint64_t coded = making->addresses[DEMO_CODED];

	softgpu_cmd_encode(batch, coded + DEMO_CODED_OFFSET,
			   plan->bytes[DEMO_CODED] - DEMO_CODED_OFFSET,
			   coded + offsetof(struct demo_result, encoded_bytes), &from,
			   plan->encoding, plan->level);
	softgpu_cmd_crc32(batch, coded + offsetof(struct demo_result, picture_crc),
			  making->addresses[DEMO_FINAL], plan->bytes[DEMO_FINAL]);
}

static void add_band(struct demo_job *job, const struct making *making, enum demo_stage stage,
		     unsigned int index, struct band band)
{
	struct softgpu_batch *batch = &job->batches[index];

	switch (stage) {
	case DEMO_IMPORT:
		add_import(batch, making, band);
		break;
	case DEMO_SHRINK:
		add_shrink(batch, making, band);
		break;
	case DEMO_COMPOSE:
		add_small(batch, making, band);
		add_bar(batch, making, band);
		break;
	case DEMO_BLUR:
	case DEMO_SHARPEN:
		add_convolve(batch, making, job, band);
		break;
	default:
		add_export(batch, making, band);
	}
}

void demo_job_make(struct demo_job *job, const struct demo_plan *plan, enum demo_stage stage,
		   uint64_t frame, const uint64_t *addresses, unsigned int bands)
{
	struct making making = { .plan = plan, .frame = frame, .addresses = addresses };
	uint32_t height = stage == DEMO_SHRINK ? plan->small_height : plan->shape.height;
	unsigned int i;

	*job = (struct demo_job){
		.num_batches = 1,
		.reads = stages[stage].reads,
		.writes = stages[stage].writes,
		.updates = stages[stage].updates,
	};
	if (stage == DEMO_SHARPEN && !demo_plan_has(plan, DEMO_EXPORT))
		job->writes = DEMO_FINAL;
	if (stage == DEMO_UPLOAD) {
		softgpu_cmd_copy(&job->batches[0], addresses[DEMO_INPUT], addresses[DEMO_STAGING],
				 plan->bytes[DEMO_INPUT]);
		return;
	}
	if (stage == DEMO_ENCODE) {
		add_encode(&job->batches[0], &making);
		return;
	}
	job->num_batches = bands;
	for (i = 0; i < bands; i++) {
		struct band band = band_of(height, i, bands);

		if (band.rows)
			add_band(job, &making, stage, i, band);
	}
}

void demo_job_fini(struct demo_job *job)
{
	unsigned int i;

	for (i = 0; i < job->num_batches; i++)
		softgpu_batch_fini(&job->batches[i]);
}
