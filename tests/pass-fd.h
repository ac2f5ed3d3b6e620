/* SPDX-License-Identifier: MIT */
/* One fd through a socket. No lock and no memory is taken: a bare child of a fork can do it. */
#ifndef TESTS_PASS_FD_H
#define TESTS_PASS_FD_H

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* A byte, with which the fd goes. */
struct fd_packet {
	char byte;
	struct iovec data;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct msghdr message;
};

static inline struct msghdr *fd_packet_init(struct fd_packet *packet)
{
	memset(packet, 0, sizeof(*packet));
	packet->data = (struct iovec){ &packet->byte, 1 };
	packet->message = (struct msghdr){
		.msg_iov = &packet->data,
		.msg_iovlen = 1,
		.msg_control = packet->control,
		.msg_controllen = sizeof(packet->control),
	};
	return &packet->message;
}

/* Whether it was sent; it stays the caller's. */
static inline bool send_fd(int socket, int fd)
{
	struct fd_packet packet;
	struct msghdr *message = fd_packet_init(&packet);
	struct cmsghdr *rights = CMSG_FIRSTHDR(message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	return sendmsg(socket, message, MSG_NOSIGNAL) == 1;
}

/* The fd, which is the caller's then, or -1. */
static inline int receive_fd(int socket)
{
	struct fd_packet packet;
	struct msghdr *message = fd_packet_init(&packet);
	int fd;

	if (recvmsg(socket, message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(message)), sizeof(fd));
	return fd;
}

#endif
