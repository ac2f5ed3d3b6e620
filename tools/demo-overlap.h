/* SPDX-License-Identifier: MIT */
/*
 * How many frames the engines had under way at the same time, at most: from when they began with
 * the first stage of a frame until they ended the last. Told by the device's records.
 */
#ifndef TOOLS_DEMO_OVERLAP_H
#define TOOLS_DEMO_OVERLAP_H

#include <pthread.h>

#include <softgpu/softgpu.h>

struct demo_span {
	uint64_t frame;
	int64_t begun_ns;
	int64_t ended_ns;
};

struct demo_overlap {
	pthread_mutex_t lock;
	/* Of the latest frames; that of a frame is at its number modulo how many there are. */
	struct demo_span *spans;
	unsigned int pool;
	/* All before it have been looked at. */
	uint64_t next;
	uint64_t newest;
	unsigned int greatest;
};

/* pool: how many frames are submitted at most that have not ended. Returns 0 or -ENOMEM. */
int demo_overlap_init(struct demo_overlap *overlap, unsigned int pool);
void demo_overlap_fini(struct demo_overlap *overlap);

/* A label that a record is understood by: "frame 12 blur". */
void demo_overlap_label(char *label, size_t size, uint64_t frame, const char *stage);

/* Any thread. */
void demo_overlap_record(struct demo_overlap *overlap, const struct softgpu_job_record *record);

/* When all frames have ended. */
unsigned int demo_overlap_greatest(struct demo_overlap *overlap);

#endif
