/* SPDX-License-Identifier: MIT */
/* A line on stderr that says how far it is: on a terminal always the same, else one a second. */
#ifndef TOOLS_DEMO_PROGRESS_H
#define TOOLS_DEMO_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct demo_progress {
	bool quiet;
	bool terminal;
	/* 0: not known */
	uint64_t total;
	int64_t begun_ns;
	int64_t next_ns;
	bool shown;
};

int64_t demo_now_ns(void);

void demo_progress_begin(struct demo_progress *progress, bool quiet, uint64_t total);
void demo_progress_tell(struct demo_progress *progress, const char *what, uint64_t frames);
/* Makes room for other lines. */
void demo_progress_clear(struct demo_progress *progress);

#endif
