/* SPDX-License-Identifier: MIT */
/* The jobs of a timeline, for who writes them. */
#ifndef TOOLS_TIMELINE_JOBS_H
#define TOOLS_TIMELINE_JOBS_H

#include <pthread.h>

#include "timeline.h"

/* More engines than a device can have. */
#define TIMELINE_MAX_ENGINES (SOFTGPU_NUM_CLASSES * SOFTGPU_MAX_ENGINES)

/* Longer names and labels are cut off. */
#define TIMELINE_MAX_TEXT 200

#define TEXT_BUCKETS   8192
#define JOBS_PER_BLOCK 4096

/* A name or label, which many jobs have. */
struct text {
	struct text *next_in_bucket;
	struct text *next; /* in the order of their numbers */
	unsigned int number;
	char text[];
};

struct job {
	const struct text *context_name;
	const struct text *label;
	uint64_t context;
	uint64_t seqno;
	int64_t submitted_ns;
	int64_t ready_ns;
	int64_t begun_ns;
	int64_t ended_ns;
	unsigned int engine;
	unsigned int batch;
	int error;
};

struct timeline {
	pthread_mutex_t mutex; /* of all that is not said to be constant */
	/* What has been written to a block or a text is constant. */
	struct job *blocks[TIMELINE_MAX_JOBS / JOBS_PER_BLOCK];
	unsigned int num_jobs;
	uint64_t left_out;
	struct text *buckets[TEXT_BUCKETS];
	struct text *first_text;
	struct text *last_text;
	unsigned int num_texts;
};

#endif
