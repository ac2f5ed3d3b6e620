/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fd/eventfd.h"
#include "fd/mutants.h"

int dma_fence_eventfd_check(int fd)
{
	static const char eventfd[] = "anon_inode:[eventfd]";
	char path[40], name[sizeof(eventfd)];
	int flags = fcntl(fd, F_GETFL);
	ssize_t length;

	if (flags < 0)
		return -EBADF;
	/* Called so, too, but cannot be written to. */
	if (flags & O_PATH)
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
	length = readlink(path, name, sizeof(name));
	if (length < 0 && errno == ENOMEM)
		return -ENOMEM;
	if (length != sizeof(eventfd) - 1 || memcmp(name, eventfd, sizeof(eventfd) - 1) != 0)
		return -EINVAL;
	return 0;
}

void dma_fence_eventfd_add_one(int fd)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	const uint64_t one = 1;

	while (poll(&room, 1, 0) > 0 && room.revents & POLLOUT) {
		if (write(fd, &one, sizeof(one)) >= 0 || errno != EINTR)
			break;
	}
}

int dma_fence_doorbell_create(void)
{
	const uint64_t count = UINT64_MAX - 1;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE), ret;

	if (fd < 0)
		return -errno;
	if (write(fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

void dma_fence_doorbell_ring(int fd)
{
	uint64_t taken;
	struct iovec iov = { &taken, sizeof(taken) };

	while (preadv2(fd, &iov, 1, -1, MUTANT(RING_MAY_BLOCK) ? 0 : RWF_NOWAIT) < 0 &&
	       errno == EINTR)
		;
}
