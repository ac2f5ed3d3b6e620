/* SPDX-License-Identifier: MIT */
/*
 * What an fd is, when nothing is known about it.
 *
 * Whoever serves a file system (FUSE, a network's) answers most of what one can do with its files,
 * or does not answer: fstat(), fstatfs(), ioctl(), poll() and even reading a length are his, and
 * the caller sleeps until he pleases. So this comes first, and asks the kernel alone: what it has
 * in its cache (AT_STATX_DONT_SYNC), which for pipes and anonymous inodes is all that there is.
 */
#ifndef DMAFENCE_FD_INODE_H
#define DMAFENCE_FD_INODE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum inode_kind {
	INODE_OTHER, /* somebody may have to be asked about it */
	INODE_PIPE,
	INODE_ANONYMOUS, /* of no file system: an eventfd, the kernel's sync file, and such */
};

struct inode {
	enum inode_kind kind;
	uint64_t number; /* among those of its device */
	uint64_t device;
	struct timespec accessed, modified;
};

/* Returns 0, or -EBADF, or what else the kernel says. */
int dma_fence_inode_look(int fd, struct inode *inode);

/* 1 if the kernel alone answers for what is done with the fd, 0 if not, or as above. */
int dma_fence_inode_anonymous(int fd);

#endif
