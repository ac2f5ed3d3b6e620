/* SPDX-License-Identifier: MIT */
/* Buffers: memory, and the fences of those who use it. */
#include "bo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "device.h"
#include "mutants.h"
#include "reaper.h"

static struct backing *create_backing(struct softgpu_device *device, uint64_t bytes,
				      const char *name)
{
	struct backing *backing = softgpu_backing_create(bytes, name);

	if (backing || errno == EINVAL)
		return backing;
	/* What there is none left of may be the reaper's, who is late. */
	softgpu_reaper_catch_up(device->reaper);
	return softgpu_backing_create(bytes, name);
}

struct softgpu_bo *softgpu_bo_create(struct softgpu_device *device, uint64_t bytes,
				     const char *name)
{
	struct softgpu_bo *bo;

	if (softgpu_device_is_gone(device)) {
		errno = ENODEV;
		return NULL;
	}
	bo = calloc(1, sizeof(*bo));
	if (!bo)
		return NULL;
	bo->backing = create_backing(device, bytes, name);
	if (!bo->backing) {
		int error = errno;

		free(bo);
		errno = error;
		return NULL;
	}
	bo->refcount = 1;
	bo->device = softgpu_device_get(device);
	dma_resv_init(&bo->resv);
	__atomic_fetch_add(&device->stats.live_bytes, bo->backing->bytes, __ATOMIC_RELAXED);
	return bo;
}

struct softgpu_bo *softgpu_bo_get(struct softgpu_bo *bo)
{
	__atomic_fetch_add(&bo->refcount, 1, __ATOMIC_RELAXED);
	return bo;
}

void softgpu_bo_put(struct softgpu_bo *bo)
{
	if (bo && !__atomic_sub_fetch(&bo->refcount, 1, __ATOMIC_ACQ_REL))
		softgpu_reaper_give(bo->device->reaper, bo);
}

void softgpu_bo_free(struct softgpu_bo *bo)
{
	struct softgpu_device *device = bo->device;

	__atomic_fetch_sub(&device->stats.live_bytes, bo->backing->bytes, __ATOMIC_RELAXED);
	softgpu_backing_put(bo->backing);
	dma_resv_fini(&bo->resv);
	dma_fence_put(bo->last_write);
	free(bo);
	softgpu_device_put(device);
}

struct backing *softgpu_bo_backing(struct softgpu_bo *bo)
{
	return bo->backing;
}

void *softgpu_bo_map(struct softgpu_bo *bo)
{
	return bo->backing->memory;
}

uint64_t softgpu_bo_size(const struct softgpu_bo *bo)
{
	return bo->backing->bytes;
}

struct dma_resv *softgpu_bo_resv(struct softgpu_bo *bo)
{
	return &bo->resv;
}

int softgpu_bo_dup_fd(struct softgpu_bo *bo)
{
	int fd = fcntl(bo->backing->fd, F_DUPFD_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* The error of what was last going to write to it, if that has ended by now. */
static int write_error(struct softgpu_bo *bo)
{
	struct dma_fence *fence;
	int status;

	/* Without a context this waits for as long as it takes, and does not fail. */
	dma_resv_lock(&bo->resv, NULL);
	fence = dma_fence_get(bo->last_write);
	dma_resv_unlock(&bo->resv);
	if (!fence)
		return 0;
	status = dma_fence_get_status(fence);
	dma_fence_put(fence);
	return status < 0 && !MUTANT(WAIT_LOSES_ERROR) ? status : 0;
}

int64_t softgpu_bo_wait(struct softgpu_bo *bo, bool write, int64_t timeout_ns)
{
	int64_t left =
		dma_resv_wait_timeout(&bo->resv, dma_resv_usage_rw(write), false, timeout_ns);
	int error = left > 0 && !write ? write_error(bo) : 0;

	return error ? error : left;
}
