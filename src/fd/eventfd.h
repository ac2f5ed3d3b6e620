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

#endif
