/* SPDX-License-Identifier: MIT */
/* The inside of promises, for who looks on: see fence/look.h. */
#ifndef DMAFENCE_FD_PROMISE_H
#define DMAFENCE_FD_PROMISE_H

#include <dmafence/promise.h>

/* Whether it is the callback by which a promise waits for the fence that it was kept with. */
bool dma_fence_is_promise_callback(dma_fence_func_t func);

bool dma_fence_is_promise(const struct dma_fence *fence);

/* The promise's fence whose callback it is, or NULL. */
struct dma_fence *dma_fence_promise_of_callback(const struct dma_fence_cb *cb);

/* With what a promise is kept, with an unseen reference; NULL if nothing has been delivered yet. */
struct dma_fence *dma_fence_promise_kept_with_unseen(struct dma_fence *fence);

#endif
