/* SPDX-License-Identifier: MIT */
/*
 * The owners of a shared timeline: the mappings that have put something in, which the others look
 * after. See dma_fence_shared_timeline_check_owners(), too.
 */
#ifndef DMAFENCE_FD_SHARED_OWNERS_H
#define DMAFENCE_FD_SHARED_OWNERS_H

#include "fd/shared-ring.h"

/*
 * As enter_patiently() (fd/shared-section.h), as an owner. Also returns -EUSERS: there are
 * SHARED_OWNERS who are alive.
 */
int dma_fence_shared_enter_as_owner(struct shared_timeline *timeline, struct view *view);

/* This mapping is about to go, and an owner no longer. */
void dma_fence_shared_disown(struct shared_timeline *timeline);

#endif
