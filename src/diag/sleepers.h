/* SPDX-License-Identifier: MIT */
/*
 * Sleepers: which thread sleeps until which fences have signaled. Always known: who goes to sleep has
 * time to say so.
 */
#ifndef DMAFENCE_DIAG_SLEEPERS_H
#define DMAFENCE_DIAG_SLEEPERS_H

#include <stdbool.h>

#include "base/hooks.h"

/* From now on who goes to sleep says so. */
void dma_fence_sleepers_start(void);

/* Each in turn, under a lock; func() calls nothing of the library, and returns false to end it. */
void dma_fence_sleepers_for_each(bool (*func)(const struct sleeper *sleeper, void *arg), void *arg);

/* Sleepers keep their stacks, too, from now on, or not any more; counted. */
void dma_fence_sleepers_want_stacks(void);
void dma_fence_sleepers_unwant_stacks(void);

#endif
