/* SPDX-License-Identifier: MIT */
/* Sync objects: what is the same for those of one process and those of several. */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/refcount.h"
#include "base/report.h"
#include "fd/shared-timeline.h"
#include "fd/site.h"
#include "fd/sync-file.h"
#include "fd/syncobj.h"

#define CREATE_FLAGS (DMA_FENCE_SYNCOBJ_CREATE_SIGNALED | DMA_FENCE_SYNCOBJ_CREATE_SHARED)

/* Life */

struct dma_fence_syncobj *dma_fence_syncobj_create(unsigned int flags)
{
	struct dma_fence_syncobj *syncobj;
	int ret;

	if (flags & ~(unsigned int)CREATE_FLAGS) {
		errno = EINVAL;
		return NULL;
	}
	syncobj = flags & DMA_FENCE_SYNCOBJ_CREATE_SHARED ? dma_fence_syncobj_create_shared()
							  : dma_fence_syncobj_create_local();
	if (!syncobj || !(flags & DMA_FENCE_SYNCOBJ_CREATE_SIGNALED))
		return syncobj;
	ret = syncobj->ops->signal(syncobj, 0);
	if (!ret)
		return syncobj;
	dma_fence_syncobj_put(syncobj);
	errno = -ret;
	return NULL;
}

struct dma_fence_syncobj *dma_fence_syncobj_get(struct dma_fence_syncobj *syncobj)
{
	if (syncobj && unlikely(refcount_get(&syncobj->refcount) != REFCOUNT_OK))
		dma_fence_report(DMA_FENCE_REPORT_REFCOUNT, NULL,
				 "a sync object: a dma_fence_syncobj_get() too many: references "
				 "are leaked in a loop; it is kept for ever");
	return syncobj;
}

void dma_fence_syncobj_put(struct dma_fence_syncobj *syncobj)
{
	if (syncobj && refcount_put(&syncobj->refcount) == REFCOUNT_LAST)
		syncobj->ops->release(syncobj);
}

/* Putting in */

int dma_fence_syncobj_replace_fence(struct dma_fence_syncobj *syncobj, struct dma_fence *fence)
{
	if (!syncobj)
		return -EINVAL;
	return fence ? syncobj->ops->add(syncobj, 0, fence) : syncobj->ops->reset(syncobj);
}

int dma_fence_syncobj_signal(struct dma_fence_syncobj *syncobj)
{
	return syncobj ? syncobj->ops->signal(syncobj, 0) : -EINVAL;
}

int dma_fence_syncobj_reset(struct dma_fence_syncobj *syncobj)
{
	return syncobj ? syncobj->ops->reset(syncobj) : -EINVAL;
}

int dma_fence_syncobj_add_point(struct dma_fence_syncobj *syncobj, uint64_t point,
				struct dma_fence *fence)
{
	if (!syncobj || !point || !fence)
		return -EINVAL;
	return syncobj->ops->add(syncobj, point, fence);
}

int dma_fence_syncobj_signal_point(struct dma_fence_syncobj *syncobj, uint64_t point)
{
	if (!syncobj || !point)
		return -EINVAL;
	return syncobj->ops->signal(syncobj, point);
}

struct dma_fence_promise *dma_fence_syncobj_promise(struct dma_fence_syncobj *syncobj,
						    uint64_t point)
{
	struct dma_fence_promise *promise = NULL;
	struct dma_fence *fence;
	int ret = -EINVAL;

	if (syncobj) {
		promise = dma_fence_promise_create();
		ret = -ENOMEM;
	}
	if (promise) {
		fence = dma_fence_promise_fence(promise);
		ret = syncobj->ops->add(syncobj, point, fence);
		dma_fence_put(fence);
	}
	if (!ret)
		return promise;
	dma_fence_promise_drop(promise);
	errno = -ret;
	return NULL;
}

/* Asking */

int dma_fence_syncobj_query(struct dma_fence_syncobj *syncobj, unsigned int flags, uint64_t *point)
{
	if (!syncobj || !point || flags & ~(unsigned int)DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED)
		return -EINVAL;
	return syncobj->ops->query(syncobj, flags, point);
}

int dma_fence_syncobj_status(struct dma_fence_syncobj *syncobj, uint64_t point)
{
	int64_t patience = ASK_PATIENCE_NS;
	int ret, status;

	if (!syncobj)
		return -EINVAL;
	ret = syncobj->ops->status(syncobj, point, &patience, &status);
	return ret ? ret : status;
}

struct dma_fence *dma_fence_syncobj_find_fence(struct dma_fence_syncobj *syncobj, uint64_t point)
{
	int64_t patience = ASK_PATIENCE_NS;
	struct dma_fence *fence;
	int ret = syncobj ? syncobj->ops->find(syncobj, point, &patience, NULL, &fence) : -EINVAL;

	if (!ret)
		return fence;
	errno = -ret;
	return NULL;
}

/* To and from other objects */

static int put_in(struct dma_fence_syncobj *syncobj, uint64_t point, struct dma_fence *fence)
{
	int ret = syncobj->ops->add(syncobj, point, fence);

	dma_fence_put(fence);
	return ret;
}

int dma_fence_syncobj_transfer(struct dma_fence_syncobj *dst, uint64_t dst_point,
			       struct dma_fence_syncobj *src, uint64_t src_point,
			       unsigned int flags)
{
	struct dma_fence_syncobj_point point = { .syncobj = src, .point = src_point };
	struct dma_fence *fence;
	int ret;

	if (!dst || !src || flags & ~(unsigned int)DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT)
		return -EINVAL;
	ret = dma_fence_syncobj_get_promised(&point, flags, true, CLOCK_NEVER, &fence);
	return ret ? ret : put_in(dst, dst_point, fence);
}

int dma_fence_syncobj_export_sync_file(struct dma_fence_syncobj *syncobj, uint64_t point)
{
	const uint32_t site = SITE_OF_CALLER;
	struct dma_fence *fence = dma_fence_syncobj_find_fence(syncobj, point);
	int ret;

	if (!fence)
		return -errno;
	ret = dma_fence_sync_file_export_from(fence, site);
	dma_fence_put(fence);
	return ret;
}

static int import_sync_file(struct dma_fence_syncobj *syncobj, uint64_t point, int fd,
			    uint32_t site)
{
	struct dma_fence *fence;

	if (!syncobj)
		return -EINVAL;
	fence = dma_fence_sync_file_import_from(fd, site);
	return fence ? put_in(syncobj, point, fence) : -errno;
}

int dma_fence_syncobj_import_sync_file_dup_fd(struct dma_fence_syncobj *syncobj, uint64_t point,
					      int fd)
{
	return import_sync_file(syncobj, point, fd, SITE_OF_CALLER);
}

int dma_fence_syncobj_import_sync_file_take_fd(struct dma_fence_syncobj *syncobj, uint64_t point,
					       int fd)
{
	int ret = import_sync_file(syncobj, point, fd, SITE_OF_CALLER);

	/* Only now: the point may have been refused. */
	if (!ret)
		close(fd);
	return ret;
}

/* Processes */

int dma_fence_syncobj_export(struct dma_fence_syncobj *syncobj)
{
	return syncobj ? dma_fence_syncobj_export_shared(syncobj) : -EINVAL;
}

struct dma_fence_syncobj *dma_fence_syncobj_import_dup_fd(int fd)
{
	return dma_fence_syncobj_import_shared(fd);
}

struct dma_fence_syncobj *dma_fence_syncobj_import_take_fd(int fd)
{
	struct dma_fence_syncobj *syncobj = dma_fence_syncobj_import_shared(fd);

	if (syncobj)
		close(fd);
	return syncobj;
}
