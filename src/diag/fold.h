/* SPDX-License-Identifier: MIT */
/*
 * Folding: an account that is full forgets what explains least.
 *
 * First go references that were taken and dropped again by the same function on the same thread, so
 * that one that was not survives millions of those; then events that are not references; then the
 * rest of what fits together. What the fence was made by stays in any case, and so does the signal.
 */
#ifndef DMAFENCE_DIAG_FOLD_H
#define DMAFENCE_DIAG_FOLD_H

#include <stdint.h>

#include "diag/account.h"

/* Makes at least a third of the entries go, and says so in the head. Returns how many are left. */
uint32_t dma_fence_fold(struct account_head *head, struct entry *entries, uint32_t count);

#endif
