/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd/handle.h"

struct message {
	uint64_t magic;
	uint32_t version;
	uint32_t fds;
};

union control {
	char room[CMSG_SPACE(HANDLE_FDS * sizeof(int))];
	struct cmsghdr align;
};

int dma_fence_handle_create(uint64_t magic, uint32_t version, const int fds[HANDLE_FDS])
{
	struct message message = { .magic = magic, .version = version, .fds = HANDLE_FDS };
	struct iovec iov = { .iov_base = &message, .iov_len = sizeof(message) };
	union control control = { 0 };
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	int pair[2], ret = 0;

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(HANDLE_FDS * sizeof(int));
	memcpy(CMSG_DATA(rights), fds, HANDLE_FDS * sizeof(int));

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	if (sendmsg(pair[1], &header, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof(message))
		ret = -errno;
	close(pair[1]);
	if (!ret)
		return pair[0];
	close(pair[0]);
	/* As many fds are in sockets as the user may have open. */
	return ret == -ETOOMANYREFS ? -EMFILE : ret;
}

/* Closes what is not wanted. Returns how many of @fds were received. */
static unsigned int take_fds(struct msghdr *header, int fds[HANDLE_FDS])
{
	struct cmsghdr *rights;
	unsigned int taken = 0;

	for (rights = CMSG_FIRSTHDR(header); rights; rights = CMSG_NXTHDR(header, rights)) {
		size_t i, count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(rights) + i * sizeof(int), sizeof(fd));
			if (taken < HANDLE_FDS)
				fds[taken++] = fd;
			else
				close(fd);
		}
	}
	return taken;
}

/* Only such a socket is read from, though nothing is taken out: of others nothing is known. */
static int check_socket(int handle)
{
	int domain, type;
	socklen_t length = sizeof(int);

	if (getsockopt(handle, SOL_SOCKET, SO_DOMAIN, &domain, &length))
		return errno == EBADF ? -EBADF : -EINVAL;
	length = sizeof(int);
	if (getsockopt(handle, SOL_SOCKET, SO_TYPE, &type, &length))
		return -EINVAL;
	return domain == AF_UNIX && type == SOCK_SEQPACKET ? 0 : -EINVAL;
}

int dma_fence_handle_open(int handle, uint64_t magic, uint32_t version, int fds[HANDLE_FDS])
{
	struct message message = { 0 };
	struct iovec iov = { .iov_base = &message, .iov_len = sizeof(message) };
	union control control;
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	unsigned int taken;
	ssize_t size;
	int ret = check_socket(handle);

	if (ret)
		return ret;
	size = recvmsg(handle, &header, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (size < 0)
		return errno == ENOMEM || errno == ENOBUFS ? -ENOMEM : -EINVAL;
	taken = take_fds(&header, fds);

	if (size < (ssize_t)sizeof(message.magic) || message.magic != magic)
		ret = -EINVAL;
	else if (size != sizeof(message) || header.msg_flags & MSG_TRUNC ||
		 message.version != version || message.fds != HANDLE_FDS)
		ret = -EPROTO;
	else if (taken < HANDLE_FDS)
		/* There is room for them here, so that it was the table of fds that had none. */
		ret = header.msg_flags & MSG_CTRUNC ? -EMFILE : -EPROTO;
	else if (header.msg_flags & MSG_CTRUNC)
		ret = -EPROTO;
	else
		return 0;
	while (taken)
		close(fds[--taken]);
	return ret;
}
