/* SPDX-License-Identifier: MIT */
/* What the scheduler has not: forks, and what crosses an fd or is shared with other processes. */
#include <stdlib.h>

#include "base/fork.h"
#include "fd/site.h"
#include "fd/sync-file.h"
#include "fd/syncobj.h"

int dma_fence_sync_file_export_from(struct dma_fence *fence, uint32_t site)
{
	(void)fence;
	(void)site;
	abort();
}

struct dma_fence *dma_fence_sync_file_import_from(int fd, uint32_t site)
{
	(void)fd;
	(void)site;
	abort();
}

struct dma_fence_syncobj *dma_fence_syncobj_create_shared(void)
{
	abort();
}

struct dma_fence_syncobj *dma_fence_syncobj_import_shared(int handle)
{
	(void)handle;
	abort();
}

int dma_fence_syncobj_export_shared(struct dma_fence_syncobj *syncobj)
{
	(void)syncobj;
	abort();
}

/* No scenario forks. Constructors call it, before there are threads that could take a lock. */
void dma_fence_at_fork(struct fork_handlers *handlers)
{
	(void)handlers;
}

/* Nobody asks who is to blame for an fd. */
uint32_t dma_fence_site_number(const void *address)
{
	(void)address;
	return 0;
}
