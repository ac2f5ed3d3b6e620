/* SPDX-License-Identifier: MIT */
/* In-fences and out-fences: see sync.h. */
#include "sync.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct promised {
	struct dma_fence_promise *promise;
	int fd;
};

static bool in_makes_sense(const struct softgpu_in_fence *in)
{
	if (in->flags & ~(unsigned int)SOFTGPU_IN_FENCE_ORDER)
		return false;
	switch (in->type) {
	case SOFTGPU_FENCE:
		return in->fence;
	case SOFTGPU_SYNC_FILE:
		return true;
	case SOFTGPU_POINT:
		return in->syncobj;
	default:
		return false;
	}
}

static bool out_makes_sense(const struct softgpu_out_fence *out)
{
	switch (out->type) {
	case SOFTGPU_FENCE:
		return out->fence;
	case SOFTGPU_SYNC_FILE:
		return out->fd;
	case SOFTGPU_POINT:
		return out->syncobj;
	default:
		return false;
	}
}

int softgpu_sync_check(const struct softgpu_sync *sync)
{
	unsigned int i;

	if (!sync)
		return 0;
	if ((sync->num_in && !sync->in) || (sync->num_out && !sync->out))
		return -EINVAL;
	for (i = 0; i < sync->num_in; i++) {
		if (!in_makes_sense(&sync->in[i]))
			return -EINVAL;
	}
	for (i = 0; i < sync->num_out; i++) {
		if (!out_makes_sense(&sync->out[i]))
			return -EINVAL;
	}
	return 0;
}

static struct dma_fence *get_in_fence(const struct softgpu_in_fence *in)
{
	if (in->type == SOFTGPU_FENCE)
		return dma_fence_get(in->fence);
	if (in->type == SOFTGPU_SYNC_FILE)
		return dma_fence_sync_file_import_dup_fd(in->fd);
	return dma_fence_syncobj_find_fence(in->syncobj, in->point);
}

int softgpu_sync_depend(const struct softgpu_sync *sync, struct work *work)
{
	unsigned int i;
	int ret;

	for (i = 0; sync && i < sync->num_in; i++) {
		struct dma_fence *fence = get_in_fence(&sync->in[i]);

		if (!fence)
			return -errno;
		ret = softgpu_work_depend(work, fence,
					  !(sync->in[i].flags & SOFTGPU_IN_FENCE_ORDER));
		if (ret)
			return ret;
	}
	return 0;
}

static int promise_sync_file(struct promised *promised)
{
	struct dma_fence *fence;

	promised->promise = dma_fence_promise_create();
	if (!promised->promise)
		return -errno;
	fence = dma_fence_promise_fence(promised->promise);
	promised->fd = dma_fence_sync_file_export(fence);
	dma_fence_put(fence);
	return promised->fd < 0 ? promised->fd : 0;
}

static int promise(const struct softgpu_out_fence *out, struct promised *promised)
{
	if (out->type == SOFTGPU_SYNC_FILE)
		return promise_sync_file(promised);
	if (out->type == SOFTGPU_POINT) {
		promised->promise = dma_fence_syncobj_promise(out->syncobj, out->point);
		return promised->promise ? 0 : -errno;
	}
	return 0;
}

int softgpu_sync_promise(const struct softgpu_sync *sync, struct promised **promised)
{
	unsigned int i;
	int ret;

	*promised = NULL;
	if (!sync || !sync->num_out)
		return 0;
	*promised = calloc(sync->num_out, sizeof(**promised));
	if (!*promised)
		return -ENOMEM;
	for (i = 0; i < sync->num_out; i++)
		(*promised)[i].fd = -1;
	for (i = 0; i < sync->num_out; i++) {
		ret = promise(&sync->out[i], &(*promised)[i]);
		if (ret) {
			softgpu_sync_break(sync, *promised);
			return ret;
		}
	}
	return 0;
}

void softgpu_sync_keep(const struct softgpu_sync *sync, struct promised *promised,
		       struct dma_fence *fence)
{
	unsigned int i;

	for (i = 0; sync && i < sync->num_out; i++) {
		const struct softgpu_out_fence *out = &sync->out[i];

		if (out->type == SOFTGPU_FENCE)
			*out->fence = dma_fence_get(fence);
		else
			dma_fence_promise_keep(promised[i].promise, fence);
		if (out->type == SOFTGPU_SYNC_FILE)
			*out->fd = promised[i].fd;
	}
	free(promised);
}

void softgpu_sync_break(const struct softgpu_sync *sync, struct promised *promised)
{
	unsigned int i;

	for (i = 0; promised && i < sync->num_out; i++) {
		if (promised[i].fd >= 0)
			close(promised[i].fd);
		dma_fence_promise_drop(promised[i].promise);
	}
	free(promised);
}
