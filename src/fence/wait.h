/* SPDX-License-Identifier: MIT */
/*
 * Waits that are told, to the hook of that name, even where there is nothing to wait for.
 *
 * That has to cost nothing where nobody wants to know it, and a wait for a fence that is drained is
 * a handful of instructions. So the two things that it looks at anyway, the bits of the state word
 * and the timeout, are compared with what is here instead of with constants; and what is here is
 * such that nothing compares well when waits are to be told.
 */
#ifndef DMAFENCE_FENCE_WAIT_H
#define DMAFENCE_FENCE_WAIT_H

#include "base/atomic.h"
#include "fence/state.h"

struct waits {
	uint64_t drained; /* the bits of a word that says so; or none */
	uint64_t longest; /* timeout that needs no look at */
};

extern struct waits dma_fence_waits;

/* From now on. */
void dma_fence_waits_tell(void);

/* Returns -EINVAL if that is no timeout, else tells of the wait, and returns 0. */
int dma_fence_wait_look(const char *function, int64_t timeout_ns);

/* Whether a timeout is one, and there is nothing to tell. */
static inline bool is_plain_timeout(int64_t timeout_ns)
{
	return (uint64_t)timeout_ns <= atomic_load_folded(&dma_fence_waits.longest);
}

/* At the beginning of a function that waits: what dma_fence_wait_look() returns. */
static inline int begin_wait(const char *function, int64_t timeout_ns)
{
	return likely(is_plain_timeout(timeout_ns)) ? 0 : dma_fence_wait_look(function, timeout_ns);
}

/* Whether there is nothing to wait for, and nothing to tell. */
static inline bool need_not_wait(uint64_t state)
{
	return (state & atomic_load_folded(&dma_fence_waits.drained)) == (SIGNALED | DRAINED);
}

#endif
