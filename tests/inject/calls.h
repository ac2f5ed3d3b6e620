/* SPDX-License-Identifier: MIT */
/*
 * What a library calls that can fail, and the error with which it is made to: one that the manual
 * has for it. Functions of pthreads return theirs, all others leave it in errno.
 *
 * Not here are calls whose failure the kernel excludes: a futex that is woken, the clock, a timer
 * that is set, an event poll from which an fd is taken out. Only who sleeps is interrupted, and only
 * a pipe needs memory for what is written to it. What gives something back (close, fclose, munmap)
 * has done so when it fails, as in the kernel.
 */
#ifndef TESTS_INJECT_CALLS_H
#define TESTS_INJECT_CALLS_H

#include <errno.h>

#define INJECT_CALLS(CALL) \
	CALL(access, EACCES) \
	CALL(calloc, ENOMEM) \
	CALL(close, EIO) \
	CALL(dlopen, ENOMEM) \
	CALL(epoll_create1, EMFILE) \
	CALL(epoll_ctl, ENOMEM) \
	CALL(epoll_wait, EINTR) \
	CALL(eventfd, EMFILE) \
	CALL(fclose, ENOMEM) \
	CALL(fcntl64, EMFILE) \
	CALL(fcntl_lock, ENOLCK) \
	CALL(fcntl_seal, EPERM) \
	CALL(fmemopen, ENOMEM) \
	CALL(fopen64, EMFILE) \
	CALL(fstat64, ENOMEM) \
	CALL(ftruncate64, ENOMEM) \
	CALL(futimens, EPERM) \
	CALL(getsockopt, ENOBUFS) \
	CALL(ioctl, ENOMEM) \
	CALL(malloc, ENOMEM) \
	CALL(memfd_create, EMFILE) \
	CALL(mmap64, ENOMEM) \
	CALL(munmap, ENOMEM) \
	CALL(open64, EMFILE) \
	CALL(open_memstream, ENOMEM) \
	CALL(opendir, EMFILE) \
	CALL(pipe2, EMFILE) \
	CALL(poll, EINTR) \
	CALL(preadv64v2, EINTR) \
	CALL(pthread_attr_init, ENOMEM) \
	CALL(pthread_create, EAGAIN) \
	CALL(pthread_key_create, EAGAIN) \
	CALL(read, EINTR) \
	CALL(readlink, ENOMEM) \
	CALL(realloc, ENOMEM) \
	CALL(realpath, ENOMEM) \
	CALL(recvmsg, ENOMEM) \
	CALL(sendmsg, ENOBUFS) \
	CALL(sigtimedwait, EINTR) \
	CALL(socketpair, EMFILE) \
	CALL(statx, ENOMEM) \
	CALL(strdup, ENOMEM) \
	CALL(strndup, ENOMEM) \
	CALL(syscall, EINTR) \
	CALL(timerfd_create, EMFILE) \
	CALL(vasprintf, ENOMEM) \
	CALL(write, ENOMEM)

#endif
