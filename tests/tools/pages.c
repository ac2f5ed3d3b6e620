/* SPDX-License-Identifier: MIT */
/*
 * Writes a page with as many jobs as it is told, made up: frames that are uploaded, filtered on
 * four engines, and encoded. Some fail. One has a label that tries to become a part of the page.
 * usage: pages JOBS FILE
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "timeline.h"

#define US INT64_C(1000)

static int64_t engine_is_free[10];
static unsigned int made, wanted;

/* Each engine does what it is given one after the other. Returns when it ended. */
static int64_t job(struct timeline *timeline, unsigned int engine, const char *context,
		   const char *label, uint64_t frame, unsigned int batch, int64_t submitted,
		   int64_t ready, int64_t takes)
{
	int64_t begun = ready > engine_is_free[engine] ? ready : engine_is_free[engine];
	struct softgpu_job_record record = {
		.engine = engine,
		.context_name = context,
		.label = label,
		.context = 10 + engine,
		.seqno = frame + 1,
		.batch = batch,
		.submitted_ns = submitted,
		.ready_ns = ready,
		.begun_ns = begun + 5 * US,
		.ended_ns = begun + 5 * US + takes,
	};

	if (made++ >= wanted)
		return record.ended_ns;
	/* A hang, and what was passed on: never begun, so it ends when it is ready. */
	if (frame % 23 == 11 && engine == 3) {
		record.error = -ETIME;
		record.ended_ns += takes;
	} else if (frame % 23 == 11 && engine >= 6 && engine < 8) {
		record.error = -ETIME;
		record.begun_ns = 0;
		record.ended_ns = ready;
	}
	timeline_record(timeline, &record);
	if (record.begun_ns)
		engine_is_free[engine] = record.ended_ns;
	return record.ended_ns;
}

/* From 0 to 99, always the same ones. */
static int64_t vary(void)
{
	static uint32_t state = 12345;

	state = state * 1664525 + 1013904223;
	return state >> 16 & 63;
}

static void frame(struct timeline *timeline, uint64_t number)
{
	int64_t now = INT64_C(1234567890123) + (int64_t)number * 900 * US, uploaded, filtered = 0;
	char label[64];
	unsigned int i;

	snprintf(label, sizeof(label), "bind %llu", (unsigned long long)number);
	for (i = 8; i < 10; i++)
		job(timeline, i, "vm", label, number, i - 8, now, now, 12 * US + vary() * US / 4);
	snprintf(label, sizeof(label), "frame %llu upload", (unsigned long long)number);
	uploaded = job(timeline, (unsigned int)(number % 2), "upload",
		       number == 2 ? "</script ><img src=x onerror=alert(1)>\"'&\x01\xff" : label,
		       number, 0, now, now + 30 * US, 200 * US + vary() * 3 * US);
	snprintf(label, sizeof(label), "frame %llu filter", (unsigned long long)number);
	for (i = 0; i < 4; i++) {
		int64_t ended = job(timeline, 2 + i, "filter", label, number, i, now + 20 * US,
				    uploaded + 3 * US, 500 * US + vary() * 8 * US);

		filtered = ended > filtered ? ended : filtered;
	}
	snprintf(label, sizeof(label), "frame %llu encode", (unsigned long long)number);
	job(timeline, 6 + (unsigned int)(number % 2), "encode", label, number, 0, now + 40 * US,
	    filtered + 4 * US, 1300 * US + vary() * 10 * US);
}

int main(int argc, char **argv)
{
	static const struct timeline_row rows[] = {
		{ "Frames", "120 of 120 identical" },
		{ "Frames per second", "114.2" },
		{ "Against the serial reference", "1.87 x" },
		{ "Fences", "1,920" },
		{ "Arrays", "240" },
		{ "Merges", "480" },
		{ "Greatest overlap", "6 engines" },
		{ "Injected <faults> & \"hangs\"", "0" },
	};
	struct timeline *timeline = timeline_create();
	uint64_t number;
	FILE *out;
	int ret;

	if (argc != 3 || !timeline)
		return 2;
	wanted = (unsigned int)strtoul(argv[1], NULL, 10);
	for (number = 0; made < wanted; number++)
		frame(timeline, number);
	out = fopen(argv[2], "we");
	if (!out)
		return 1;
	ret = timeline_write_page(timeline, NULL, out, "dmafence demo: test <card> & \"more\"",
				  rows, sizeof(rows) / sizeof(rows[0]));
	if (fclose(out) || ret)
		return 1;
	timeline_destroy(timeline);
	return 0;
}
