/* SPDX-License-Identifier: MIT */
/*
 * Fences that stand for entries of a shared timeline (fd/shared-timeline.h), and who waits in this
 * process for entries to be appended.
 *
 * Such a fence can be asked at any time. When somebody waits for it the watcher has the doorbell of
 * the timeline watched, and now and then its owners looked after; and the same for a waiter.
 */
#ifndef DMAFENCE_FD_SHARED_FENCES_H
#define DMAFENCE_FD_SHARED_FENCES_H

#include "fd/shared-timeline.h"
#include "fd/syncobj-waiter.h"

/* Of one timeline; counted by references, of which each fence has one. */
struct shared_fences;

/* Takes over the timeline, if it does not return NULL: there is no memory. */
struct shared_fences *dma_fence_shared_fences_create(struct shared_timeline *timeline);
struct shared_fences *dma_fence_shared_fences_get(struct shared_fences *fences);
void dma_fence_shared_fences_put(struct shared_fences *fences);

struct shared_timeline *dma_fence_shared_fences_timeline(const struct shared_fences *fences);

/*
 * The fence of a point, as in struct syncobj_ops (fd/syncobj.h): 0, -ENOENT, in which case the
 * waiter is on the list, -EINVAL, -EPROTO, -ENOMEM, -EMFILE, -ENFILE.
 */
int dma_fence_shared_fences_find(struct shared_fences *fences, uint64_t point, int64_t *patience,
				 struct syncobj_waiter *waiter, struct dma_fence **fence);
void dma_fence_shared_fences_forget(struct shared_fences *fences, struct syncobj_waiter *waiter);

/* Whether the fence is one of these. */
bool dma_fence_is_shared(const struct dma_fence *fence);

/* What is waited for does not matter any more: that of waiters, not that of fences. */
void dma_fence_shared_fences_drop_waiters(struct shared_fences *fences);

/* This process has changed the timeline: who waits here need not wait for the doorbell. */
void dma_fence_shared_fences_changed(struct shared_fences *fences);

/* Around a fork(), for fd/sync-file.c. */
void dma_fence_shared_fences_fork_prepare(void);
void dma_fence_shared_fences_fork_parent(void);
void dma_fence_shared_fences_fork_child(void);

#endif
