/* SPDX-License-Identifier: MIT */
/*
 * dmafence/promise.h - to deliver a fence later
 *
 * Who waits for a fence that does not exist yet waits for somebody's word. A promise is that word:
 * its holder undertakes to deliver a fence. Others get a fence at once, which stands for the one
 * that is to come, and signals when that does, as it does.
 *
 * A promise is kept once, or broken once. Whoever drops it without having kept it breaks it: what
 * stands for it fails, with -ECANCELED, and nobody waits for ever. If the process dies the sync
 * files and the points of sync objects that depend on it fail with -EOWNERDEAD.
 *
 * A promise has one holder, and no reference count: each is used by one thread at a time.
 */
#ifndef DMAFENCE_PROMISE_H
#define DMAFENCE_PROMISE_H

#include <dmafence/fence.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** struct dma_fence_promise - somebody's word; see dma_fence_syncobj_promise() for points */
struct dma_fence_promise;

/**
 * dma_fence_promise_create - promises a fence
 *
 * Returns the promise, or NULL with errno ENOMEM.
 */
struct dma_fence_promise *dma_fence_promise_create(void);

/**
 * dma_fence_promise_fence - the fence that stands for what was promised
 *
 * Returns it with a reference of its own, which may outlive the promise. It cannot be signaled but
 * through the promise.
 */
struct dma_fence *dma_fence_promise_fence(struct dma_fence_promise *promise);

/**
 * dma_fence_promise_keep - delivers
 * @promise: gone after this, if it returns 0
 * @fence: what was promised; no reference is taken over. NULL: nothing is left to wait for.
 *
 * From now on what stands for the promise signals when @fence does, with its error and timestamp.
 *
 * Enables signaling of @fence.
 *
 * Returns 0; or, and then it is still to be kept, -EINVAL if @promise is NULL, -EDEADLK if @fence
 * is what stands for the promise, or an array or a chain with that in it: it would wait for itself.
 * (Two promises that are kept with what stands for the other are not found out.) Does not allocate.
 */
int dma_fence_promise_keep(struct dma_fence_promise *promise, struct dma_fence *fence);

/**
 * dma_fence_promise_drop - breaks it: what stands for it fails with -ECANCELED
 * @promise: gone after this; NULL does nothing
 */
void dma_fence_promise_drop(struct dma_fence_promise *promise);

/**
 * dma_fence_promise_fail - dma_fence_promise_drop() with a reason
 * @promise: gone after this, if it returns 0
 * @error: a negative errno
 *
 * Returns 0, or -EINVAL if @promise is NULL or @error is not an errno.
 */
int dma_fence_promise_fail(struct dma_fence_promise *promise, int error);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
