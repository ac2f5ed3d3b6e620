/* SPDX-License-Identifier: MIT */
/* The inside of the chain. */
#ifndef DMAFENCE_FENCE_CHAIN_H
#define DMAFENCE_FENCE_CHAIN_H

#include <dmafence/chain.h>

/*
 * The oldest link with a point of at least 'seqno' that has not been taken out, with a reference.
 * Its 'prev_seqno' says what has been. 'head' is a link that reaches so far.
 */
struct dma_fence *dma_fence_chain_find_from(struct dma_fence *head, uint64_t seqno);

/* Whether it is the callback by which a link waits for its own work and what is before it. */
bool dma_fence_is_chain_callback(dma_fence_func_t func);

#endif
