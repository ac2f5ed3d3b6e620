/* SPDX-License-Identifier: MIT */
/* Who is blamed by what a report says. */
#ifndef TESTS_BLAME_H
#define TESTS_BLAME_H

#include "support.h"

/* Functions whose names are to be found in reports: not inlined, all different, exported. */
#define SITE __attribute__((noinline, visibility("default")))

/* So that a call at the end of a function is one that comes back. */
static inline void not_a_tail_call(void)
{
	__asm__ __volatile__("" ::: "memory");
}

/* The line of what stands before it on the same line. Threads run it at the same time. */
#define LINE_OF(name) atomic_store_relaxed(&(name), __LINE__)

/* Those in "a dma_fence_put() too many" and so on: their lines begin with four blanks and a name. */
struct blamed {
	int count; /* of those that are the most likely */
	char first[512];
	char second[512];
};

/* 'what' is how the section begins. */
static inline struct blamed blamed_by(const char *details, const char *what)
{
	const char *line = details ? strstr(details, what) : NULL, *end;
	struct blamed blamed = { 0 };

	for (line = line ? strchr(line, '\n') : NULL; line && line[1]; line = end) {
		line++;
		end = strchr(line, '\n');
		if (strncmp(line, "    ", 4))
			break;
		if (line[4] == ' ')
			continue; /* of a stack */
		snprintf(blamed.count ? blamed.second : blamed.first, sizeof(blamed.first), "%.*s",
			 end ? (int)(end - line) : (int)strlen(line), line);
		blamed.count++;
	}
	return blamed;
}

#define PUT_TOO_MANY "a dma_fence_put() too many"
#define NOT_DROPPED  "a reference that was not dropped"

/* "in function (file.c:12)" */
static inline bool names(const char *text, const char *function, const char *file, int line)
{
	char place[200];

	snprintf(place, sizeof(place), " in %s (%s:%d)", function, file, line);
	return strstr(text, place);
}

/* The details of the last report, and how many there were. */
struct reported {
	int count;
	enum dma_fence_report_reason reason;
	char details[16384];
};

static inline struct reported *reported(void)
{
	static struct reported last;

	return &last;
}

static inline void keep_report(const struct dma_fence_report *report, void *arg)
{
	struct reported *last = reported();

	(void)arg;
	last->count++;
	last->reason = report->reason;
	snprintf(last->details, sizeof(last->details), "%s", report->details);
}

#endif
