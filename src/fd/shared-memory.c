/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd/shared-memory.h"

/* Memory that can shrink is memory whose users get SIGBUS. */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Not in the headers of all C libraries yet; older kernels do not know it. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

static int write_header(int fd)
{
	struct shared_memory *memory =
		mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	memory->magic = SHARED_MAGIC;
	memory->version = SHARED_VERSION;
	memory->size = sizeof(*memory);
	memory->life = 1;
	memory->next = 1;
	memory->tail = 1;
	dma_fence_shared_memory_unmap(memory);
	return 0;
}

int dma_fence_shared_memory_create(void)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int ret, fd = memfd_create("dmafence-timeline", flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("dmafence-timeline", flags);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(struct shared_memory)))
		ret = -errno;
	else if (fcntl(fd, F_ADD_SEALS, SEALS))
		ret = -errno;
	else
		ret = write_header(fd);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

int dma_fence_shared_memory_map(int fd, struct shared_memory **memory)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat stat;

	if (seals < 0 || (seals & SEALS) != SEALS)
		return -EPROTO;
	if (fstat(fd, &stat))
		return -errno;
	if (stat.st_size != sizeof(**memory))
		return -EPROTO;
	*memory = mmap(NULL, sizeof(**memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*memory == MAP_FAILED)
		return errno == ENOMEM ? -ENOMEM : -EPROTO;
	if ((*memory)->magic == SHARED_MAGIC && (*memory)->version == SHARED_VERSION &&
	    (*memory)->size == sizeof(**memory))
		return 0;
	dma_fence_shared_memory_unmap(*memory);
	return -EPROTO;
}

void dma_fence_shared_memory_unmap(struct shared_memory *memory)
{
	munmap(memory, sizeof(*memory));
}
