/* SPDX-License-Identifier: MIT */
/*
 * Experience: where references of fences that ended well were taken and dropped. A fence has ended well
 * that was signaled, and was then released by its last reference. Most do; and the error path that
 * puts once too often is one that they did not take.
 */
#ifndef DMAFENCE_DIAG_EXPERIENCE_H
#define DMAFENCE_DIAG_EXPERIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "diag/account.h"

/* One that was made so has ended well, and this is an entry of it: for each, the first included. */
void dma_fence_experience_learn(const struct entry *made, const struct entry *entry);

/* It had not, as has turned out. */
void dma_fence_experience_unlearn(const struct history *history);

/* How many that were made at the same place have ended well, other than this one. */
uint32_t dma_fence_experience_lives(const struct history *history);

/* Whether those have done this at the same place, too; also if there are none. */
bool dma_fence_experience_knows(const struct history *history, const struct entry *entry);

#endif
