/* SPDX-License-Identifier: MIT */
/*
 * The fences that are in quarantine. Always known: whoever drops the last reference of a fence that
 * is pending has made a fault, and those are few. They stay for ever, and so do their entries.
 */
#ifndef DMAFENCE_DIAG_QUARANTINED_H
#define DMAFENCE_DIAG_QUARANTINED_H

#include <stdbool.h>
#include <stdint.h>

#include <dmafence/report.h>

struct quarantined {
	struct quarantined *next;	    /* in the order in which they came */
	struct quarantined *next_of_bucket; /* with the same hash */
	struct dma_fence *fence; /* not to be looked into: it may be the program's storage */
	uint64_t context;
	uint64_t seqno;
	char names[64];	     /* "driver timeline", cut off */
	int64_t since;	     /* CLOCK_MONOTONIC; 0 while only its signal is known */
	int32_t thread;	     /* that dropped it, as the kernel has it */
	uint32_t dropped_by; /* the last reference: diag/stack.h */
	uint32_t created_by; /* 0 without records */
	int64_t created;     /* 0 without records */
	int64_t signaled;    /* when it was signaled after all; 0 */
};

/* Told of each fault; what has nothing to do with the quarantine is left alone. */
void dma_fence_quarantined_fault(enum dma_fence_report_reason reason, struct dma_fence *fence);

/*
 * Copies the entry after 'previous', the first for NULL. Returns where it is, or NULL if there are
 * no more.
 */
const struct quarantined *dma_fence_quarantined_next(const struct quarantined *previous,
						     struct quarantined *copy);

/* How many there are of which nothing is known, because there was no memory for an entry. */
uint64_t dma_fence_quarantined_missing(void);

#endif
