/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#include "pass-fd.h"
#include "served-file.h"

/* Where it is mounted, which only the server's own name space sees. */
#define WHERE "/tmp"
#define NAME  "served"

#define REQUEST_ROOM (64 * 1024 + 4096)

static void answer(int device, const struct fuse_in_header *request, int error, const void *with,
		   size_t size)
{
	char room[sizeof(struct fuse_out_header) + 512];
	const struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + size),
		.error = error,
		.unique = request->unique,
	};

	memcpy(room, &header, sizeof(header));
	if (size)
		memcpy(room + sizeof(header), with, size);
	if (write(device, room, sizeof(header) + size) < 0)
		_exit(1);
}

static struct fuse_attr attributes(const struct served_as *as, uint64_t node)
{
	const bool root = node == FUSE_ROOT_ID;

	return (struct fuse_attr){
		.ino = root ? FUSE_ROOT_ID : as->number,
		.mode = root ? S_IFDIR | 0755 : as->mode,
		.nlink = 1,
		.uid = (uint32_t)getuid(),
		.gid = (uint32_t)getgid(),
		.atime = (uint64_t)as->accessed.tv_sec,
		.atimensec = (uint32_t)as->accessed.tv_nsec,
		.mtime = (uint64_t)as->modified.tv_sec,
		.mtimensec = (uint32_t)as->modified.tv_nsec,
	};
}

static void answer_init(int device, const struct fuse_in_header *request)
{
	const struct fuse_init_in *offer = (const void *)(request + 1);
	const struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION < offer->minor ? FUSE_KERNEL_MINOR_VERSION
								  : offer->minor,
		.max_write = 4096,
		/* What it is not asked it could not refuse to answer. */
		.flags = offer->flags & (FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS),
	};

	answer(device, request, 0, &init, sizeof(init));
}

static void answer_lookup(int device, const struct fuse_in_header *request,
			  const struct served_as *as)
{
	const struct fuse_entry_out entry = {
		.nodeid = 2,
		.attr = attributes(as, 2),
	};

	if (strcmp((const char *)(request + 1), NAME) != 0)
		answer(device, request, -ENOENT, NULL, 0);
	else
		answer(device, request, 0, &entry, sizeof(entry));
}

static void tell(uint32_t opcode)
{
	char line[64];
	int length = snprintf(line, sizeof(line), "# asked for %u, and not answered\n", opcode);

	if (write(STDOUT_FILENO, line, (size_t)length) < 0)
		_exit(1);
}

static void serve(int device, const struct served_as *as, const uint32_t *opened, uint32_t *asked)
{
	static _Alignas(struct fuse_in_header) char room[REQUEST_ROOM];
	const struct fuse_in_header *request = (const void *)room;

	for (;;) {
		struct fuse_attr_out attr = { 0 };
		struct fuse_open_out open_out = { 0 };

		if (read(device, room, sizeof(room)) < (ssize_t)sizeof(*request)) {
			if (errno == EINTR || errno == ENOENT || errno == EAGAIN)
				continue;
			_exit(0);
		}
		if (request->opcode == FUSE_FORGET || request->opcode == FUSE_BATCH_FORGET ||
		    request->opcode == FUSE_INTERRUPT || request->opcode == FUSE_RELEASE)
			continue;
		if (atomic_load_acquire(opened)) {
			tell(request->opcode);
			atomic_fetch_add_relaxed(asked, 1);
			continue;
		}
		switch (request->opcode) {
		case FUSE_INIT:
			answer_init(device, request);
			break;
		case FUSE_LOOKUP:
			answer_lookup(device, request, as);
			break;
		case FUSE_GETATTR:
			attr.attr = attributes(as, request->nodeid);
			answer(device, request, 0, &attr, sizeof(attr));
			break;
		case FUSE_OPEN:
			/* To close it would be to ask, too. */
			open_out.open_flags = FOPEN_NOFLUSH;
			answer(device, request, 0, &open_out, sizeof(open_out));
			break;
		default:
			answer(device, request, -ENOSYS, NULL, 0);
		}
	}
}

/*
 * Without what others have do at a fork(): liburcu starts a thread in the child, which ThreadSanitizer
 * does not allow. So who comes out of it takes no lock and no memory.
 */
static pid_t bare_fork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/* In the server. Only those who may mount can do this; in a name space of its own everybody is. */
static int mount_it(void)
{
	char options[128];
	int device;

	if (geteuid() != 0 && unshare(CLONE_NEWUSER))
		return -1;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return -1;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u", device,
		 (unsigned int)getuid(), (unsigned int)getgid());
	return mount(NAME, WHERE, "fuse", MS_NOSUID | MS_NODEV, options) ? -1 : device;
}

static void be_server(int channel, const struct served_as *as, const uint32_t *opened,
		      uint32_t *asked)
{
	int device = mount_it(), fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (device < 0)
		_exit(1);
	if (!bare_fork()) {
		close(device);
		/* What is in the way of the type that it has, too: nobody writes to a FIFO. */
		fd = open(WHERE "/" NAME, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		/* To the test, which cannot see where the file is. */
		if (fd >= 0)
			send_fd(channel, fd);
		/* Where lines are counted, _exit() looks for files, maybe there. */
		syscall(SYS_exit_group, 0);
	}
	close(channel);
	serve(device, as, opened, asked);
}

const char *served_file_open(struct served_file *file, const struct served_as *as)
{
	uint32_t *shared;
	int pair[2];
	struct timeval patience = { .tv_sec = 10 };

	if (access("/dev/fuse", R_OK | W_OK))
		return "/dev/fuse cannot be opened";
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return "there is no memory";
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	file->asked = &shared[1];
	file->server = bare_fork();
	if (!file->server) {
		close(pair[0]);
		be_server(pair[1], as, &shared[0], &shared[1]);
	}
	close(pair[1]);
	file->fd = receive_fd(pair[0]);
	close(pair[0]);
	if (file->fd < 0) {
		served_file_close(file);
		return "nothing of FUSE can be mounted";
	}
	atomic_store_release(&shared[0], 1);
	return NULL;
}

void served_file_close(struct served_file *file)
{
	kill(file->server, SIGKILL);
	waitpid(file->server, NULL, 0);
	if (file->fd >= 0)
		close(file->fd);
	munmap(file->asked - 1, 4096);
}
