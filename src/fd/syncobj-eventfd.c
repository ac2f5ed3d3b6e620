/* SPDX-License-Identifier: MIT */
/*
 * Eventfds that are written to when a point of a sync object has signaled.
 *
 * Each is a waiter on the list of the object until somebody has promised the point, and then a
 * callback on its fence.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "fd/eventfd.h"
#include "fd/shared-timeline.h"
#include "fd/syncobj.h"

struct eventfd {
	struct syncobj_waiter waiter;
	struct dma_fence_cb cb;
	int fd;
	bool available_is_enough;
};

static void forget(struct eventfd *eventfd)
{
	close(eventfd->fd);
	free(eventfd);
}

static void notify(struct eventfd *eventfd)
{
	dma_fence_eventfd_add_one(eventfd->fd);
	forget(eventfd);
}

static void signaled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	notify((struct eventfd *)(void *)((char *)cb - offsetof(struct eventfd, cb)));
}

/* Takes the reference to the fence. */
static void promised(struct eventfd *eventfd, struct dma_fence *fence)
{
	if (eventfd->available_is_enough || dma_fence_add_callback(fence, &eventfd->cb, signaled))
		notify(eventfd);
	dma_fence_put(fence);
}

static void served(struct syncobj_waiter *waiter)
{
	struct eventfd *eventfd = (struct eventfd *)(void *)waiter;

	if (waiter->fence)
		promised(eventfd, waiter->fence);
	else if (waiter->error == -ECANCELED)
		forget(eventfd); /* the object goes */
	else
		notify(eventfd);
}

int dma_fence_syncobj_eventfd_dup_fd(struct dma_fence_syncobj *syncobj, uint64_t point, int fd,
				     unsigned int flags)
{
	int64_t patience = ASK_PATIENCE_NS;
	struct dma_fence *fence;
	struct eventfd *eventfd;
	int ret;

	if (!syncobj || flags & ~(unsigned int)DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE)
		return -EINVAL;
	ret = dma_fence_eventfd_check(fd);
	if (ret)
		return ret;
	eventfd = calloc(1, sizeof(*eventfd));
	if (!eventfd)
		return -ENOMEM;
	eventfd->waiter.served = served;
	eventfd->available_is_enough = flags & DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE;
	eventfd->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (eventfd->fd < 0) {
		ret = -errno;
		free(eventfd);
		return ret;
	}

	ret = syncobj->ops->find(syncobj, point, &patience, &eventfd->waiter, &fence);
	if (ret == -ENOENT)
		return 0; /* it is on the list, or has been served already */
	if (ret) {
		forget(eventfd);
		return ret;
	}
	promised(eventfd, fence);
	return 0;
}
