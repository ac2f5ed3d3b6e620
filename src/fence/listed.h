/* SPDX-License-Identifier: MIT */
/*
 * Waits by what lies on a thread's stack, and others have on a list, for fork(): callbacks of fences,
 * and who waits for a mutex.
 *
 * The child has the lists, and not the threads: their stacks are there until somebody needs memory,
 * or starts a thread, and then they are something else. So before the child does anything all that
 * is of such waits is taken out of the lists, for which every wait is known for as long as it has
 * any.
 */
#ifndef DMAFENCE_FENCE_LISTED_H
#define DMAFENCE_FENCE_LISTED_H

#include <dmafence/fence.h>

struct listed_wait {
	struct listed_wait *next, *prev;
	/*
	 * In the child, while nobody else is there and all stacks still are. Of fences it calls
	 * dma_fence_forget_callbacks() with all that may have one of its callbacks.
	 */
	void (*forget)(const struct listed_wait *wait);
};

/* Before the first is on a list, and after the last has been taken out, with the references. */
void dma_fence_listed_begin(struct listed_wait *wait);
void dma_fence_listed_end(struct listed_wait *wait);

/*
 * Takes out all callbacks with that function, and opens the lock of a pending fence, whose holder was
 * perhaps taking one out itself.
 */
void dma_fence_forget_callbacks(struct dma_fence *fence, dma_fence_func_t func);

#endif
