/* SPDX-License-Identifier: MIT */
/* Which callbacks are running, on which threads: while there are records. */
#ifndef DMAFENCE_DIAG_RUNNING_H
#define DMAFENCE_DIAG_RUNNING_H

#include <stdbool.h>
#include <stdint.h>

#include <dmafence/fence.h>

#include "base/hooks.h"

/* A callback that has begun. On its thread's storage, and under the lock. */
struct running {
	struct running *next, *prev;
	const struct dma_fence *fence;
	const struct dma_fence_cb *cb; /* its address: it may be gone */
	dma_fence_func_t func;
	int64_t since;
	int32_t thread;
	bool listed;
};

/* The one of a fence; false if none is known. There is one at a time. */
bool dma_fence_running_of(const struct dma_fence *fence, struct running *running);

/* For diag/record.c: from now on, and not any more. */
void dma_fence_running_start(void);
void dma_fence_running_stop(void);
void dma_fence_running_fork_prepare(void);
void dma_fence_running_fork_parent(void);
void dma_fence_running_fork_child(void);

#endif
