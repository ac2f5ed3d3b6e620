/* SPDX-License-Identifier: MIT */
/*
 * Parking on words in memory that processes share: as base/park.h, but any of them may wake.
 */
#ifndef DMAFENCE_FD_SHARED_PARK_H
#define DMAFENCE_FD_SHARED_PARK_H

#include <stdint.h>

/**
 * dma_fence_shared_park_wait - as dma_fence_park_wait()
 *
 * Who was to wake may have died before it did, or never have meant to: with a deadline.
 */
int dma_fence_shared_park_wait(const uint32_t *word, uint32_t value, int64_t deadline);

/** dma_fence_shared_park_wake - wakes up to @count threads that sleep on a word */
void dma_fence_shared_park_wake(const uint32_t *word, int count);

#endif
