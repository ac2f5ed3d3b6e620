/* SPDX-License-Identifier: MIT */
/*
 * What events belong together: those of one fence, whose address others have had before, and will
 * have; and begin and end of what a thread did.
 */
#ifndef DMAFENCE_DIAG_TRACE_LIVES_H
#define DMAFENCE_DIAG_TRACE_LIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "diag/trace.h"

#define TRACE_NONE UINT32_MAX

enum trace_end {
	TRACE_PENDING,
	TRACE_SIGNALED,
	TRACE_DROPPED,	     /* released without a signal */
	TRACE_END_NOT_KNOWN, /* the event that would tell it may have made room */
};

/* A fence. Numbers of events are places in the copy; TRACE_NONE: there is none. */
struct trace_life {
	uint64_t fence;
	uint64_t context;
	uint64_t seqno;
	enum trace_end end;
	int64_t since; /* its first event */
	int64_t ended; /* not before its signal was recorded, but before those were woken it woke */
	uint32_t init;
	uint32_t signal;
	uint32_t last_wake; /* end of a wait for it; the one before it is in 'wake_before' */
};

struct trace_lives {
	struct trace_life *lives;
	uint32_t num_lives;
	/* of each event: */
	uint32_t *life;	       /* TRACE_NONE if it is of none */
	uint32_t *wake_before; /* of the same fence */
	uint32_t *partner;     /* of a begin its end, of an end its begin; or TRACE_NONE */
	/* events, thread by thread, each's in order; those of thread i from first[i] on */
	uint32_t *by_thread;
	uint32_t *first;
	uint32_t not_known; /* fences whose end is */
};

/* To be freed by dma_fence_trace_lives_free(). Returns 0 or -ENOMEM. */
int dma_fence_trace_lives(const struct trace_copy *copy, struct trace_lives *lives);
void dma_fence_trace_lives_free(struct trace_lives *lives);

static inline bool trace_begins(uint16_t kind)
{
	return kind == TRACE_CALLBACK_BEGIN || kind == TRACE_WAIT_BEGIN ||
	       kind == TRACE_WAIT_ANY_BEGIN || kind == TRACE_WAIT_POINTS_BEGIN;
}

static inline bool trace_ends(uint16_t kind)
{
	return kind == TRACE_CALLBACK_END || kind == TRACE_WAIT_END || kind == TRACE_WAIT_ANY_END ||
	       kind == TRACE_WAIT_POINTS_END;
}

#endif
