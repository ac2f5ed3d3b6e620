/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd/handle.h"
#include "fd/mutants.h"

struct message {
	uint64_t magic;
	uint32_t version;
	uint32_t fds;
};

union control {
	char room[CMSG_SPACE(HANDLE_FDS * sizeof(int))];
	struct cmsghdr align;
};

/*
 * Whoever has the handle can set options of the socket, by which the kernel says more than was sent:
 * who has sent it, how he is labelled, and a pidfd of his. That shall not take the room of the fds.
 */
#define ROOM_FOR_MORE 512

union received {
	char room[CMSG_SPACE(HANDLE_FDS * sizeof(int)) + ROOM_FOR_MORE];
	struct cmsghdr align;
};

/* Since Linux 6.5. */
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

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

/*
 * Closes what is not wanted. Returns how many fds there were; the first of them are in @fds.
 */
static size_t take_fds(struct msghdr *header, int fds[HANDLE_FDS])
{
	struct cmsghdr *more;
	size_t taken = 0;

	for (more = CMSG_FIRSTHDR(header); more; more = CMSG_NXTHDR(header, more)) {
		size_t i, count = (more->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		bool wanted = more->cmsg_type == SCM_RIGHTS;

		if (more->cmsg_level != SOL_SOCKET || (!wanted && more->cmsg_type != SCM_PIDFD))
			continue;
		for (i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(more) + i * sizeof(int), sizeof(fd));
			if (wanted && taken < HANDLE_FDS)
				fds[taken] = fd;
			else if (fd >= 0 && !MUTANT(PIDFD_LEFT_OPEN))
				close(fd);
			taken += wanted;
		}
	}
	return taken;
}

static void close_fds(const int fds[HANDLE_FDS], size_t count)
{
	while (count)
		close(fds[--count]);
}

/* Whether as many fds can be opened as are in a handle. */
static bool have_room(int handle)
{
	int fds[HANDLE_FDS];
	size_t count = 0;

	while (count < HANDLE_FDS) {
		fds[count] = fcntl(handle, F_DUPFD_CLOEXEC, 0);
		if (fds[count] < 0)
			break;
		count++;
	}
	close_fds(fds, count);
	return count == HANDLE_FDS;
}

/* What was opened with O_PATH cannot be asked, either. */
static bool is_no_socket(int handle, int error)
{
	return error == ENOTSOCK || (error == EBADF && fcntl(handle, F_GETFD) >= 0);
}

/* Only such a socket is read from, though nothing is taken out: of others nothing is known. */
static int check_socket(int handle)
{
	int domain, type;
	socklen_t length = sizeof(int);

	if (getsockopt(handle, SOL_SOCKET, SO_DOMAIN, &domain, &length))
		return is_no_socket(handle, errno) ? -EINVAL : -errno;
	length = sizeof(int);
	if (getsockopt(handle, SOL_SOCKET, SO_TYPE, &type, &length))
		return -errno;
	return domain == AF_UNIX && type == SOCK_SEQPACKET ? 0 : -EINVAL;
}

int dma_fence_handle_open(int handle, uint64_t magic, uint32_t version, int fds[HANDLE_FDS])
{
	struct message message = { 0 };
	struct iovec iov = { .iov_base = &message, .iov_len = sizeof(message) };
	union received control;
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	size_t taken;
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
	else if (taken == HANDLE_FDS && !(header.msg_flags & MSG_CTRUNC))
		return 0;
	else
		ret = -EPROTO;
	close_fds(fds, taken < HANDLE_FDS ? taken : HANDLE_FDS);
	/* What is missing may be so because the table of fds is full. */
	if (ret == -EPROTO && header.msg_flags & MSG_CTRUNC && taken < HANDLE_FDS &&
	    !have_room(handle))
		ret = -EMFILE;
	return ret;
}
