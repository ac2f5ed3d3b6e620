/* SPDX-License-Identifier: MIT */
/* What the flight recorder has recorded (dmafence/trace.h), for whoever writes it down. */
#ifndef DMAFENCE_DIAG_TRACE_H
#define DMAFENCE_DIAG_TRACE_H

#include <stddef.h>
#include <stdint.h>

enum trace_kind {
	TRACE_INIT,
	TRACE_ENABLE,
	TRACE_SIGNAL,	      /* value: the timestamp; result: the error */
	TRACE_CALLBACK_BEGIN, /* value: the function */
	TRACE_CALLBACK_END,
	TRACE_WAIT_BEGIN,
	TRACE_WAIT_END,	      /* result */
	TRACE_WAIT_ANY_BEGIN, /* value: of how many */
	TRACE_WAIT_ANY_END,   /* result; the fence that has signaled, or NULL */
	TRACE_WAIT_POINTS_BEGIN,
	TRACE_WAIT_POINTS_END,
	TRACE_RELEASE,
};

struct trace_event {
	int64_t time;	/* CLOCK_MONOTONIC */
	uint64_t fence; /* its address, which another has later */
	uint64_t context;
	uint64_t seqno;
	uint64_t value;
	int32_t result;
	uint16_t kind;
	uint16_t session; /* changes with each time that it was stopped */
	uint32_t thread;  /* in the table of the copy */
	uint32_t place;	  /* among those of the thread */
};

#define TRACE_THREAD_NAME 48

struct trace_thread {
	int32_t number;
	char name[TRACE_THREAD_NAME];
	uint64_t overwritten; /* events that had to make room */
};

struct trace_copy {
	struct trace_event *events; /* by time */
	size_t num_events;
	struct trace_thread *threads;
	uint32_t num_threads;
	int64_t now;
	int64_t complete_since; /* before this events may be missing */
};

/* To be freed by dma_fence_trace_copy_free(). Returns 0 or -ENOMEM. */
int dma_fence_trace_copy(struct trace_copy *copy);
void dma_fence_trace_copy_free(struct trace_copy *copy);

/* Starts if DMA_FENCE_TRACE says so; for whoever is linked, where there is a static library. */
void dma_fence_trace_from_environment(void);

/* Names of contexts. */

#define TRACE_NAME 40

struct trace_names {
	char driver[TRACE_NAME];
	char timeline[TRACE_NAME];
};

struct dma_fence;

/*
 * From a hook that is called where ops may be: asks for the names of the fence's context, unless
 * they are known, or the fence has signaled.
 */
void dma_fence_trace_learn_names(struct dma_fence *fence);

/* Returns false if they are not known. */
bool dma_fence_trace_names(uint64_t context, struct trace_names *names);

#endif
