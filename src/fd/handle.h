/* SPDX-License-Identifier: MIT */
/*
 * Handles: several fds as one, which can be passed on and opened as often as one likes.
 *
 * A handle is one end of a socket pair whose other end is closed. In it lies one message, with the
 * fds. Who opens the handle looks at the message and leaves it there (MSG_PEEK), which gives new
 * fds each time. So a handle needs no name in a file system and no process that serves it, and what
 * it leads to goes when the last fd of it has gone.
 */
#ifndef DMAFENCE_FD_HANDLE_H
#define DMAFENCE_FD_HANDLE_H

#include <stdint.h>

#define HANDLE_FDS 2

/**
 * dma_fence_handle_create - makes a handle
 * @magic: what kind of thing it leads to
 * @version: the version of that
 * @fds: stay the caller's
 *
 * Returns an fd, or -EMFILE, -ENFILE, -ENOMEM.
 */
int dma_fence_handle_create(uint64_t magic, uint32_t version, const int fds[HANDLE_FDS]);

/**
 * dma_fence_handle_open - new fds for what a handle leads to
 * @handle: stays the caller's, whatever it is, and as it was
 * @fds: where to; with O_CLOEXEC
 *
 * Returns 0; -EINVAL if @handle is no handle of that kind; -EPROTO if it is, but of another version
 * or with other things in it; -EBADF, -EMFILE, -ENOMEM.
 */
int dma_fence_handle_open(int handle, uint64_t magic, uint32_t version, int fds[HANDLE_FDS]);

#endif
