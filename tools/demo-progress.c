/* SPDX-License-Identifier: MIT */
#include "demo-progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)

int64_t demo_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

void demo_progress_begin(struct demo_progress *progress, bool quiet, uint64_t total)
{
	*progress = (struct demo_progress){
		.quiet = quiet,
		.terminal = isatty(STDERR_FILENO),
		.total = total,
		.begun_ns = demo_now_ns(),
	};
	progress->next_ns = progress->begun_ns + SECOND_NS;
	if (progress->terminal)
		progress->next_ns = 0;
}

void demo_progress_tell(struct demo_progress *progress, const char *what, uint64_t frames)
{
	int64_t now = demo_now_ns();
	double seconds = (double)(now - progress->begun_ns) / SECOND_NS;
	char total[32] = "";

	if (progress->quiet || now < progress->next_ns)
		return;
	progress->next_ns = now + (progress->terminal ? SECOND_NS / 10 : SECOND_NS);
	if (progress->total)
		snprintf(total, sizeof(total), " of %llu", (unsigned long long)progress->total);
	fprintf(stderr, "%s%s: %llu%s frames, %.1f per second%s", progress->terminal ? "\r" : "",
		what, (unsigned long long)frames, total, seconds > 0 ? (double)frames / seconds : 0,
		progress->terminal ? "\033[K" : "\n");
	progress->shown = true;
}

void demo_progress_clear(struct demo_progress *progress)
{
	if (progress->terminal && progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
