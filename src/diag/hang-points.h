/* SPDX-License-Identifier: MIT */
/*
 * Waits for points of sync objects, as the hang watch needs them: for as long as nobody has promised a
 * point it has no fence that could be watched.
 */
#ifndef DMAFENCE_DIAG_HANG_POINTS_H
#define DMAFENCE_DIAG_HANG_POINTS_H

#include <stdbool.h>
#include <stdint.h>

#include <dmafence/syncobj.h>

/* Of one wait no more points are looked at. */
#define HANG_POINTS_MOST 16

/* Those of a wait that has taken too long, each with a reference. */
struct hang_points {
	uint32_t count;
	struct dma_fence_syncobj_point points[HANG_POINTS_MOST];
	int64_t since;
};

/* From now on, until they are forgotten, waits are noted. */
void dma_fence_hang_points_allow(void);

/*
 * The calling thread begins a wait. Its points are there until it ends. Returns false if it is not
 * noted: nobody may be told of its end.
 */
bool dma_fence_hang_points_begin(const struct dma_fence_syncobj_point *points, uint32_t count);

/* Whether there was one that had not been taken. */
bool dma_fence_hang_points_end(void);

/*
 * The oldest that has begun before a time. Returns false if there is none; then *since is when the
 * oldest has begun that has not been taken, or is left as it is.
 */
bool dma_fence_hang_points_take(int64_t before, struct hang_points *taken, int64_t *since);

/* All of them, and no more are noted. Returns how many had not been taken. */
uint32_t dma_fence_hang_points_forget(void);

/* Around a fork(). The child has none; returns how many that had not been taken it would have had. */
void dma_fence_hang_points_lock(void);
uint32_t dma_fence_hang_points_unlock(bool in_child);

#endif
