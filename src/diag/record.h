/* SPDX-License-Identifier: MIT */
/*
 * Records: what is known of each fence that is alive, beyond what is in the fence.
 *
 * Kept while somebody wants them: who switches diagnosis on that needs them says so, and says when
 * it does not need them any more. Of a fence that is older than that there is a record from the
 * first event on that it has afterwards, which does not know when it was created.
 */
#ifndef DMAFENCE_DIAG_RECORD_H
#define DMAFENCE_DIAG_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "diag/by-fence.h"

struct record {
	struct by_fence base;
	uint64_t context;
	uint64_t seqno;
	int64_t created;	 /* CLOCK_MONOTONIC; 0 if that was before there were records */
	uint32_t created_by;	 /* diag/stack.h */
	int32_t created_thread;	 /* as the kernel has it */
	int64_t enabled;	 /* when somebody waited for the first time; 0 */
	int64_t deadline;	 /* the soonest that was set; INT64_MAX */
	int64_t signaled;	 /* when, by the clock that the fence was given; 0 */
	int32_t signaled_thread; /* 0 while it is pending */
	int32_t callbacks;	 /* that have not run yet, of those added since there are records */
};

/* Whether there are records. Each who asked for them says, in the end, that it does not any more. */
void dma_fence_records_want(void);
void dma_fence_records_unwant(void);
bool dma_fence_records_kept(void);

/*
 * Calls with the record of a fence, under a lock: func() calls nothing of the library. Returns false
 * if there is none. With 'make' one is made.
 */
bool dma_fence_record_visit(struct dma_fence *fence, bool make,
			    void (*func)(struct record *record, void *arg), void *arg);

/* Each in turn, in no order, under a lock; fences may come and go meanwhile. func() returns false to
 * end it. */
void dma_fence_records_for_each(bool (*func)(struct record *record, void *arg), void *arg);

/* How many there could not be for want of memory. */
uint64_t dma_fence_records_missing(void);

/* What is known of a context: of all that have signaled a fence since there are records. */
struct context_record {
	uint64_t context;
	uint64_t last_signaled;	   /* seqno */
	int64_t last_signaled_at;  /* CLOCK_MONOTONIC */
	int32_t last_signaled_by;  /* the thread */
	uint64_t signaled;	   /* how many */
	uint64_t last_initialised; /* the greatest seqno */
};

/* Returns false if nothing is known of it. */
bool dma_fence_context_record(uint64_t context, struct context_record *record);

#endif
