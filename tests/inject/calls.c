/* SPDX-License-Identifier: MIT */
/*
 * What the library calls instead of what is in calls.h. What it would have called is called from
 * here, so that a test that has the linker's --wrap for it has it still.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <poll.h>
#include <unistd.h>

#include "inject.h"

/* In the library, that calls. */
#define PLACE __builtin_return_address(0)

#define DEFINE(type, name, parameters, arguments, failure) \
	type inject_##name parameters; \
	type inject_##name parameters \
	{ \
		return inject_fails(INJECT_##name, PLACE) ? (failure) : name arguments; \
	}

/* Memory is the library's that asks for it. */
#define DEFINE_MEMORY(type, name, parameters, arguments, failure) \
	type inject_##name parameters; \
	type inject_##name parameters \
	{ \
		type result; \
\
		if (inject_fails(INJECT_##name, PLACE)) \
			return failure; \
		inject_memory_of(PLACE); \
		result = name arguments; \
		inject_memory_of(NULL); \
		return result; \
	}

DEFINE_MEMORY(void *, malloc, (size_t size), (size), NULL)
DEFINE_MEMORY(void *, calloc, (size_t n, size_t size), (n, size), NULL)
DEFINE_MEMORY(void *, realloc, (void *block, size_t size), (block, size), NULL)
DEFINE_MEMORY(char *, strdup, (const char *text), (text), NULL)
DEFINE_MEMORY(char *, strndup, (const char *text, size_t n), (text, n), NULL)
DEFINE_MEMORY(char *, realpath, (const char *path, char *resolved), (path, resolved), NULL)
DEFINE_MEMORY(int, vasprintf, (char **text, const char *format, va_list arguments),
	      (text, format, arguments), -1)
DEFINE_MEMORY(FILE *, open_memstream, (char **text, size_t *size), (text, size), NULL)
DEFINE_MEMORY(FILE *, fopen64, (const char *path, const char *mode), (path, mode), NULL)
DEFINE_MEMORY(FILE *, fmemopen, (void *data, size_t size, const char *mode), (data, size, mode),
	      NULL)
DEFINE_MEMORY(DIR *, opendir, (const char *path), (path), NULL)

DEFINE(int, access, (const char *path, int mode), (path, mode), -1)
DEFINE(void *, dlopen, (const char *name, int flags), (name, flags), NULL)
DEFINE(int, epoll_create1, (int flags), (flags), -1)
DEFINE(int, epoll_wait, (int fd, struct epoll_event *events, int count, int timeout),
       (fd, events, count, timeout), -1)
DEFINE(int, eventfd, (unsigned int value, int flags), (value, flags), -1)
DEFINE(int, fstat64, (int fd, struct stat64 *stat), (fd, stat), -1)
DEFINE(int, ftruncate64, (int fd, off64_t size), (fd, size), -1)
DEFINE(int, futimens, (int fd, const struct timespec *times), (fd, times), -1)
DEFINE(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *length),
       (fd, level, name, value, length), -1)
DEFINE(int, memfd_create, (const char *name, unsigned int flags), (name, flags), -1)
DEFINE(void *, mmap64,
       (void *address, size_t size, int protection, int flags, int fd, off64_t offset),
       (address, size, protection, flags, fd, offset), MAP_FAILED)
DEFINE(int, pipe2, (int *fds, int flags), (fds, flags), -1)
DEFINE(ssize_t, preadv64v2,
       (int fd, const struct iovec *parts, int count, off64_t offset, int flags),
       (fd, parts, count, offset, flags), -1)
DEFINE(int, pthread_attr_init, (pthread_attr_t * attributes), (attributes), errno)
DEFINE(int, pthread_create,
       (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *data),
       (thread, attributes, run, data), errno)
DEFINE(int, pthread_key_create, (pthread_key_t * key, void (*destroy)(void *)), (key, destroy),
       errno)
DEFINE(ssize_t, readlink, (const char *path, char *target, size_t size), (path, target, size), -1)
DEFINE(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), -1)
DEFINE(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags),
       -1)
DEFINE(int, sigtimedwait, (const sigset_t *set, siginfo_t *info, const struct timespec *timeout),
       (set, info, timeout), -1)
DEFINE(int, socketpair, (int domain, int type, int protocol, int *fds),
       (domain, type, protocol, fds), -1)
DEFINE(int, statx, (int fd, const char *path, int flags, unsigned int wanted, struct statx *found),
       (fd, path, flags, wanted, found), -1)
DEFINE(int, timerfd_create, (int clock, int flags), (clock, flags), -1)

/* What it gives back is gone when it says that it failed. */
#define DEFINE_RETURNING(type, name, parameters, arguments) \
	type inject_##name parameters; \
	type inject_##name parameters \
	{ \
		const bool fails = inject_fails(INJECT_##name, PLACE); \
		const int error = errno; \
		const type result = name arguments; \
\
		if (!fails) \
			return result; \
		errno = error; \
		return -1; \
	}

DEFINE_RETURNING(int, close, (int fd), (fd))
DEFINE_RETURNING(int, fclose, (FILE * file), (file))
DEFINE_RETURNING(int, munmap, (void *address, size_t size), (address, size))

int inject_epoll_ctl(int fd, int operation, int other, struct epoll_event *event);
int inject_fcntl64(int fd, int command, ...);
int inject_ioctl(int fd, unsigned long request, void *argument);
int inject_open64(const char *path, int flags, ...);
int inject_poll(struct pollfd *fds, nfds_t count, int timeout);
ssize_t inject_read(int fd, void *data, size_t size);
ssize_t inject_write(int fd, const void *data, size_t size);
long inject_syscall(long number, ...);

int inject_epoll_ctl(int fd, int operation, int other, struct epoll_event *event)
{
	if (operation != EPOLL_CTL_DEL && inject_fails(INJECT_epoll_ctl, PLACE))
		return -1;
	return epoll_ctl(fd, operation, other, event);
}

/* Flags are there to be read and written: only what takes something from the kernel is refused. */
int inject_fcntl64(int fd, int command, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, command);
	argument = va_arg(arguments, void *);
	va_end(arguments);

	if ((command == F_DUPFD_CLOEXEC && inject_fails(INJECT_fcntl64, PLACE)) ||
	    (command == F_OFD_SETLK && inject_fails(INJECT_fcntl_lock, PLACE)) ||
	    (command == F_ADD_SEALS && inject_fails(INJECT_fcntl_seal, PLACE)))
		return -1;
	return fcntl(fd, command, argument);
}

int inject_ioctl(int fd, unsigned long request, void *argument)
{
	return inject_fails(INJECT_ioctl, PLACE) ? -1 : ioctl(fd, request, argument);
}

int inject_open64(const char *path, int flags, ...)
{
	mode_t mode;
	va_list arguments;

	va_start(arguments, flags);
	mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	if (inject_fails(INJECT_open64, PLACE))
		return -1;
	return open(path, flags, mode);
}

/* Who finds something says so, also if a signal has come. */
int inject_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	const int found = poll(fds, count, timeout);

	return found == 0 && inject_fails(INJECT_poll, PLACE) ? -1 : found;
}

ssize_t inject_read(int fd, void *data, size_t size)
{
	/* Not by fcntl(), which tests may have a --wrap for. */
	const long flags = syscall(SYS_fcntl, fd, F_GETFL);

	return !(flags & O_NONBLOCK) && inject_fails(INJECT_read, PLACE) ? -1
									 : read(fd, data, size);
}

ssize_t inject_write(int fd, const void *data, size_t size)
{
	struct stat file;

	return !fstat(fd, &file) && S_ISFIFO(file.st_mode) && inject_fails(INJECT_write, PLACE)
		       ? -1
		       : write(fd, data, size);
}

/* Only sleeping can fail, and then with what also a signal handler does. */
long inject_syscall(long number, ...)
{
	va_list arguments;
	long argument[6];
	size_t i;
	int command;

	va_start(arguments, number);
	for (i = 0; i < 6; i++)
		argument[i] = va_arg(arguments, long);
	va_end(arguments);

	command = (int)argument[1] & FUTEX_CMD_MASK;
	if (number == SYS_futex && (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET) &&
	    inject_fails(INJECT_syscall, PLACE))
		return -1;
	return syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4],
		       argument[5]);
}
