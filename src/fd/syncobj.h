/* SPDX-License-Identifier: MIT */
/*
 * The inside of sync objects: what their two kinds have in common, that of one process
 * (syncobj-local.c) and that of several (syncobj-shared.c).
 */
#ifndef DMAFENCE_FD_SYNCOBJ_H
#define DMAFENCE_FD_SYNCOBJ_H

#include <dmafence/syncobj.h>

#include "fd/syncobj-waiter.h"

/**
 * struct syncobj_ops - what a kind of sync objects can do
 *
 * Point 0 stands for the fence of a binary object everywhere. All return 0 or a negative errno. It
 * is for them to find out what an object is used as: -EINVAL.
 */
struct syncobj_ops {
	/* The last reference is gone. */
	void (*release)(struct dma_fence_syncobj *syncobj);

	int (*add)(struct dma_fence_syncobj *syncobj, uint64_t point, struct dma_fence *fence);

	/* Adds a point that is done. */
	int (*signal)(struct dma_fence_syncobj *syncobj, uint64_t point);

	int (*reset)(struct dma_fence_syncobj *syncobj);

	int (*query)(struct dma_fence_syncobj *syncobj, unsigned int flags, uint64_t *point);

	/* Whether it is known that the point has signaled: a few loads. */
	bool (*passed)(struct dma_fence_syncobj *syncobj, uint64_t point);

	/*
	 * 0: pending, 1, or its error. @patience is for how long it may wait for the process that
	 * keeps the lock of a shared object, in ns; what it has waited is taken off.
	 */
	int (*status)(struct dma_fence_syncobj *syncobj, uint64_t point, int64_t *patience,
		      int *status);

	/*
	 * The fence of a point, with a reference. -ENOENT if nobody has promised it yet: then
	 * @waiter, if it is not NULL, is on the list of the object. @patience as for @status.
	 */
	int (*find)(struct dma_fence_syncobj *syncobj, uint64_t point, int64_t *patience,
		    struct syncobj_waiter *waiter, struct dma_fence **fence);

	/* From now on nobody touches a waiter that @find has put on the list. */
	void (*forget)(struct dma_fence_syncobj *syncobj, struct syncobj_waiter *waiter);

	/*
	 * Waits for one point, with the flags of dma_fence_syncobj_wait(); also -ETIMEDOUT, -EINTR.
	 * NULL: by finding its fence.
	 */
	int (*wait)(struct dma_fence_syncobj *syncobj, uint64_t point, unsigned int flags,
		    bool intr, int64_t deadline);
};

struct dma_fence_syncobj {
	const struct syncobj_ops *ops;
	uint32_t refcount;
};

/*
 * The fence of a point, with a reference. With a flag for that it is waited for, until the deadline
 * (CLOCK_NEVER; or 0, to ask) if nobody has promised it yet: -ETIMEDOUT, -EINTR.
 */
int dma_fence_syncobj_get_promised(const struct dma_fence_syncobj_point *point, unsigned int flags,
				   bool intr, int64_t deadline, struct dma_fence **fence);

/* An object of this process alone, with one reference; or NULL with errno. */
struct dma_fence_syncobj *dma_fence_syncobj_create_local(void);

/* Objects of several processes; the handle is an fd, and stays the caller's. */
struct dma_fence_syncobj *dma_fence_syncobj_create_shared(void);
struct dma_fence_syncobj *dma_fence_syncobj_import_shared(int handle);

/* Returns the handle, the caller's, or -EINVAL if the object is not one of these, or -errno. */
int dma_fence_syncobj_export_shared(struct dma_fence_syncobj *syncobj);

#endif
