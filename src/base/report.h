/* SPDX-License-Identifier: MIT */
/* Reports: what the library says when a contract with it was broken. See dmafence/report.h. */
#ifndef DMAFENCE_BASE_REPORT_H
#define DMAFENCE_BASE_REPORT_H

#include <stdint.h>

#include <dmafence/report.h>

/* With no lock held that a function takes which a handler may call. */
void dma_fence_report(enum dma_fence_report_reason reason, struct dma_fence *fence,
		      const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * The same by who sees to it that nothing is reported twice, and knows how it came to that: 'details'
 * are as in struct dma_fence_report, or NULL, and are freed.
 */
void dma_fence_report_with_details(enum dma_fence_report_reason reason, struct dma_fence *fence,
				   char *details, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* What diagnosis knows of a fault. */
struct report_source {
	/* There was one, whether anybody is told or not. */
	void (*fault)(enum dma_fence_report_reason reason, struct dma_fence *fence);

	/* By which way the program has come here; 0 where that is not known. */
	uint64_t (*site)(void);

	/* For struct dma_fence_report, to be freed; NULL for nothing. */
	char *(*details)(enum dma_fence_report_reason reason, struct dma_fence *fence);
};

/* NULL, or set before there is a second thread. */
extern const struct report_source *dma_fence_report_source;

#endif
