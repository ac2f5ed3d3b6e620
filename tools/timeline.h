/* SPDX-License-Identifier: MIT */
/* What the engines of a device have done and when, and a page that shows it. */
#ifndef TOOLS_TIMELINE_H
#define TOOLS_TIMELINE_H

#include <stdio.h>

#include <softgpu/softgpu.h>

/* How many jobs are kept: with more a page is too large to be opened. */
#define TIMELINE_MAX_JOBS 262144

struct timeline;

/* A line of the table that is shown beside the picture. */
struct timeline_row {
	const char *name;
	char value[64];
};

struct timeline *timeline_create(void); /* NULL: no memory */

/* When nobody records any more. NULL does nothing. */
void timeline_destroy(struct timeline *timeline);

/*
 * For softgpu_device_set_recorder(), with the timeline as the argument. Any thread. What there is
 * no memory or no room for is left out, and counted.
 */
void timeline_record(void *arg, const struct softgpu_job_record *record);

/*
 * Writes one page of HTML that needs nothing else. Returns 0 or -errno. Others may record
 * meanwhile: what they do is not in it.
 */
int timeline_write_page(struct timeline *timeline, struct softgpu_device *device, FILE *out,
			const char *title, const struct timeline_row *rows, unsigned int num_rows);

#endif
