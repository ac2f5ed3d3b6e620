/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "pass-fd.h"

union control {
	struct cmsghdr header; /* for its alignment */
	char space[CMSG_SPACE(sizeof(int))];
};

int send_fd(int socket, const void *message, size_t size, int fd)
{
	struct iovec data = { .iov_base = (void *)(size_t)message, .iov_len = size };
	union control control = { .space = { 0 } };
	struct msghdr msg = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int receive_fd(int socket, void *message, size_t size, int *fd)
{
	struct iovec data = { .iov_base = message, .iov_len = size };
	union control control = { .space = { 0 } };
	struct msghdr msg = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	ssize_t n;

	do
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n ? -errno : 0;
	header = CMSG_FIRSTHDR(&msg);
	if ((size_t)n != size || !header || header->cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	memcpy(fd, CMSG_DATA(header), sizeof(*fd));
	return 1;
}
