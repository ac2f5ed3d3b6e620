/* SPDX-License-Identifier: MIT */
/*
 * Reports: what the library says when a contract with it was broken.
 *
 * A fault taints the process: whoever looks at a later failure sees that something was wrong
 * before. Without a hook a report is one line on stderr.
 */
#ifndef DMAFENCE_BASE_REPORT_H
#define DMAFENCE_BASE_REPORT_H

#include <stdint.h>

struct dma_fence;

enum report_reason {
	REPORT_REFCOUNT,	/* a count left its range; the object is never freed */
	REPORT_QUARANTINE,	/* last reference of a published fence that nobody signaled */
	REPORT_LATE_SIGNAL,	/* a fence in quarantine was signaled after all */
	REPORT_CONTEXT_DESTROY, /* a producer went away with fences pending */
	REPORT_MEMBERS,		/* a container was made of what it cannot be made of */
	REPORT_LOCKING,		/* a wound/wait lock was not used as it has to be */
	REPORT_RESERVATION,	/* a fence was added to a reservation object that cannot be there */
};

struct report {
	enum report_reason reason;
	const struct dma_fence *fence;
	const char *text; /* one line, no newline at its end; valid during the call */
};

void dma_fence_report(enum report_reason reason, const struct dma_fence *fence, const char *format,
		      ...) __attribute__((format(printf, 3, 4)));

/* One bit per report_reason seen since the process began. */
uint32_t dma_fence_report_taint(void);

#endif
