/* SPDX-License-Identifier: MIT */
/* Eventfds that others have given us. */
#ifndef DMAFENCE_FD_EVENTFD_H
#define DMAFENCE_FD_EVENTFD_H

/* Returns 0 if it is one, -EINVAL if it is something else, -EBADF. */
int dma_fence_eventfd_check(int fd);

/*
 * Adds 1 to its count. Not if there is no room for that: it is readable then, as it should be, and
 * to write to it would wait, for it may be one that blocks.
 */
void dma_fence_eventfd_add_one(int fd);

/*
 * A doorbell is an eventfd that several processes share, and ring. It counts down (EFD_SEMAPHORE),
 * from so far up that it never ends: to ring is to read, for each read wakes who waits until it can
 * be written to. A read can be told not to block (RWF_NOWAIT), whatever the flags of the open file,
 * which are everybody's, and whatever others do with the count. A write cannot.
 *
 * It is to be watched edge-triggered for EPOLLOUT. Each ring is an edge, for all.
 */

/* Returns an fd or -errno. */
int dma_fence_doorbell_create(void);

/*
 * Nothing happens if the count has come to its end, which it does if somebody has made the doorbell
 * who means no good.
 */
void dma_fence_doorbell_ring(int fd);

#endif
