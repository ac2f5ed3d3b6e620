/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "fd/inode.h"
#include "fd/mutants.h"

static enum inode_kind kind_of(unsigned int mode)
{
	if (S_ISFIFO(mode))
		return INODE_PIPE;
	/* No file system has files without a type: the kernel refuses those that say so. */
	return mode & S_IFMT ? INODE_OTHER : INODE_ANONYMOUS;
}

static struct timespec time_of(const struct statx_timestamp *stamp)
{
	return (struct timespec){ .tv_sec = stamp->tv_sec, .tv_nsec = (long)stamp->tv_nsec };
}

int dma_fence_inode_look(int fd, struct inode *inode)
{
	struct statx found;

	/* Below 0 is, to this call, the folder that one is in. */
	if (fd < 0)
		return -EBADF;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &found))
		return -errno;
	*inode = (struct inode){
		.kind = kind_of(found.stx_mode),
		.number = found.stx_ino,
		.device = (uint64_t)found.stx_dev_major << 32 | found.stx_dev_minor,
		.accessed = time_of(&found.stx_atime),
		.modified = time_of(&found.stx_mtime),
	};
	return 0;
}

int dma_fence_inode_anonymous(int fd)
{
	struct inode inode;
	int ret;

	if (MUTANT(ANY_FILE_IS_ASKED))
		return 1;
	ret = dma_fence_inode_look(fd, &inode);
	return ret ? ret : inode.kind == INODE_ANONYMOUS;
}
