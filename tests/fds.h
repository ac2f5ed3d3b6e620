/* SPDX-License-Identifier: MIT */
/* What the tests of fds have in common. */
#ifndef TESTS_FDS_H
#define TESTS_FDS_H

#include <fcntl.h>
#include <poll.h>

#include "left-behind.h"

/* All that poll() tells of an fd, asked for all that there is. */
static inline int events_of(int fd)
{
	struct pollfd ready = { fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };

	assert_true(poll(&ready, 1, 0) >= 0);
	return ready.revents;
}

/* The same, if nothing has happened within the time. */
static inline int events_within(int fd, int64_t timeout)
{
	struct pollfd ready = { fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };

	assert_true(poll(&ready, 1, (int)(timeout / MS)) >= 0);
	return ready.revents;
}

/* A fence of malloc(), freed by the last put. */
static inline struct dma_fence *create_fence(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	assert_non_null(fence);
	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	return fence;
}

static inline uint32_t references(const struct dma_fence *fence)
{
	return atomic_load_relaxed(&fence->refcount);
}

/* What was exported and has been closed everywhere goes, at the latest, with the next export. */
static inline void export_another(void)
{
	struct dma_fence *stub = dma_fence_get_stub();
	int fd = dma_fence_sync_file_export(stub);

	assert_true(fd >= 0);
	close(fd);
	dma_fence_put(stub);
}

static inline bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

#endif
