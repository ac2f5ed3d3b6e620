/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/debug.h"
#include "base/fork.h"
#include "base/lock.h"
#include "base/report.h"

/* What the default handler writes in a second at most. */
#define MOST_PER_SECOND 10

/* The first line. */
#define MOST_TEXT 1024

/* Kinds of faults at places that it remembers; a power of two. What is beyond is written again. */
#define SEEN 1024

struct handler {
	dma_fence_report_handler_t func;
	void *arg;
};

const struct report_source *dma_fence_report_source;

static uint32_t taint;
static bool aborts;

/* Held for a moment, and not while a handler is called. */
static struct lock lock;
static struct handler handler;
static uint64_t seen[SEEN];
static int64_t second; /* when it began */
static unsigned int written;
static uint64_t left_out;

/* With the lock held. True once for each kind at each place. */
static bool is_new(enum dma_fence_report_reason reason, uint64_t site)
{
	const uint64_t key = (site << 8 | (uint64_t)reason) + 1;
	const uint32_t start = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
	uint32_t i;

	if (!site)
		return true;
	for (i = 0; i < SEEN; i++) {
		uint64_t *slot = &seen[(start + i) % SEEN];

		if (*slot == key)
			return false;
		if (!*slot) {
			*slot = key;
			return true;
		}
	}
	return true;
}

/* With the lock held. */
static bool is_too_many(void)
{
	int64_t now = clock_now();

	if (!second || now - second >= 1000000000) {
		second = now;
		written = 0;
	}
	return written == MOST_PER_SECOND;
}

/* Whether the default handler writes it, and how many it has left out before. 'once': it is new. */
static bool is_to_be_written(enum dma_fence_report_reason reason, bool once, uint64_t *before)
{
	const struct report_source *source = dma_fence_report_source;
	const uint64_t site = source && !once ? source->site() : 0;
	bool write;

	lock_acquire(&lock);
	/* What is too many is not remembered: it is new when it comes again. */
	write = !is_too_many() && is_new(reason, site);
	if (write) {
		written++;
		*before = left_out;
		left_out = 0;
	} else {
		left_out++;
	}
	lock_release(&lock);
	return write;
}

/* In one piece, so that lines of several threads do not get mixed up. */
static void write_report(const char *text, const char *details, uint64_t before)
{
	flockfile(stderr);
	if (before)
		fprintf(stderr, "dmafence: %" PRIu64 " reports like those before were left out\n",
			before);
	fprintf(stderr, "dmafence: %s\n%s", text, details);
	funlockfile(stderr);
}

static char *details_of(enum dma_fence_report_reason reason, struct dma_fence *fence)
{
	const struct report_source *source = dma_fence_report_source;

	return source ? source->details(reason, fence) : NULL;
}

/* 'details' are freed; without, they are asked for if anybody wants them. */
static void report(enum dma_fence_report_reason reason, struct dma_fence *fence, bool once,
		   char *details, const char *text)
{
	struct handler own;
	uint64_t before = 0;

	if (reason != DMA_FENCE_REPORT_HANG)
		atomic_fetch_or_relaxed(&taint, UINT32_C(1) << reason);
	if (dma_fence_report_source)
		dma_fence_report_source->fault(reason, fence);

	lock_acquire(&lock);
	own = handler;
	lock_release(&lock);
	if (own.func) {
		struct dma_fence_report told = { .reason = reason, .fence = fence, .text = text };

		details = details ? details : details_of(reason, fence);
		told.details = details ? details : "";
		own.func(&told, own.arg);
	} else if (is_to_be_written(reason, once, &before)) {
		details = details ? details : details_of(reason, fence);
		write_report(text, details ? details : "", before);
	}
	free(details);
	if (aborts && reason != DMA_FENCE_REPORT_HANG)
		abort();
}

void dma_fence_report(enum dma_fence_report_reason reason, struct dma_fence *fence,
		      const char *format, ...)
{
	char text[MOST_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	report(reason, fence, false, NULL, text);
}

void dma_fence_report_with_details(enum dma_fence_report_reason reason, struct dma_fence *fence,
				   char *details, const char *format, ...)
{
	char text[MOST_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	report(reason, fence, true, details, text);
}

void dma_fence_set_report_handler(dma_fence_report_handler_t func, void *arg)
{
	lock_acquire(&lock);
	handler = (struct handler){ .func = func, .arg = arg };
	lock_release(&lock);
}

uint32_t dma_fence_taint(void)
{
	return atomic_load_relaxed(&taint);
}

static void fork_prepare(void)
{
	lock_acquire(&lock);
}

static void fork_done(void)
{
	lock_release(&lock);
}

/*
 * Of the static library only what something refers to is linked to a program: whoever has fences has
 * reports, and by this, diagnosis.
 */
__attribute__((constructor)) static void from_environment(void)
{
	const char *on_fault = getenv("DMA_FENCE_ON_FAULT");

	static struct fork_handlers handlers = {
		.order = FORK_REPORTS,
		.prepare = fork_prepare,
		.parent = fork_done,
		.child = fork_done,
	};

	dma_fence_at_fork(&handlers);
	dma_fence_debug_start();
	aborts = on_fault && !strcmp(on_fault, "abort");
	if (on_fault && *on_fault && !aborts && strcmp(on_fault, "report"))
		fprintf(stderr,
			"dmafence: DMA_FENCE_ON_FAULT: '%s' is neither 'report' nor 'abort'\n",
			on_fault);
}
