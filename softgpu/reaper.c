/* SPDX-License-Identifier: MIT */
/* Giving memory back. */
#include "reaper.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bo.h"
#include "device.h"
#include "thread.h"
#include "mutants.h"

struct reaper {
	struct softgpu_device *device;
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t work, progress;
	/* Whose time has come. */
	struct softgpu_bo *first, **end;
	/* How many there have been, and of these have gone back. */
	uint64_t given, returned;
	bool ended;
};

bool softgpu_check_uaf(void)
{
	const char *word = getenv("SOFTGPU_CHECK");

	while (word) {
		size_t length = strcspn(word, ",");

		if (length == 3 && !strncmp(word, "uaf", 3))
			return true;
		word = word[length] ? word + length + 1 : NULL;
	}
	return false;
}

static void give_back(struct reaper *reaper, struct softgpu_bo *bo)
{
	softgpu_backing_return(bo->backing, reaper->device->tile_locks, reaper->device->check_uaf);
	softgpu_bo_free(bo);
}

static void *run(void *arg)
{
	struct reaper *reaper = arg;

	pthread_mutex_lock(&reaper->lock);
	while ((reaper->first && !MUTANT(REAPER_ENDS_EARLY)) || !reaper->ended) {
		struct softgpu_bo *bo = reaper->first;

		if (!bo) {
			pthread_cond_wait(&reaper->work, &reaper->lock);
			continue;
		}
		reaper->first = bo->next;
		if (!reaper->first)
			reaper->end = &reaper->first;
		pthread_mutex_unlock(&reaper->lock);
		give_back(reaper, bo);
		pthread_mutex_lock(&reaper->lock);
		reaper->returned++;
		pthread_cond_broadcast(&reaper->progress);
	}
	pthread_mutex_unlock(&reaper->lock);
	return NULL;
}

struct reaper *softgpu_reaper_create(struct softgpu_device *device)
{
	struct reaper *reaper = calloc(1, sizeof(*reaper));
	int ret;

	if (!reaper)
		return NULL;
	reaper->device = device;
	reaper->end = &reaper->first;
	pthread_mutex_init(&reaper->lock, NULL);
	pthread_cond_init(&reaper->work, NULL);
	pthread_cond_init(&reaper->progress, NULL);
	ret = softgpu_thread_start(&reaper->thread, "softgpu reaper", run, reaper);
	if (ret) {
		softgpu_reaper_free(reaper);
		errno = -ret;
		return NULL;
	}
	return reaper;
}

void softgpu_reaper_destroy(struct reaper *reaper)
{
	pthread_mutex_lock(&reaper->lock);
	reaper->ended = true;
	pthread_cond_signal(&reaper->work);
	pthread_mutex_unlock(&reaper->lock);
	pthread_join(reaper->thread, NULL);
}

void softgpu_reaper_free(struct reaper *reaper)
{
	if (!reaper)
		return;
	pthread_mutex_destroy(&reaper->lock);
	pthread_cond_destroy(&reaper->work);
	pthread_cond_destroy(&reaper->progress);
	free(reaper);
}

/* All fences have signaled. */
static void time_has_come(struct reaper *reaper, struct softgpu_bo *bo)
{
	bool ended;

	bo->next = NULL;
	pthread_mutex_lock(&reaper->lock);
	ended = reaper->ended;
	if (!ended) {
		*reaper->end = bo;
		reaper->end = &bo->next;
		reaper->given++;
		pthread_cond_signal(&reaper->work);
	}
	pthread_mutex_unlock(&reaper->lock);
	/* The reaper is there for as long as the device is, which the buffer holds. */
	if (ended)
		give_back(reaper, bo);
}

/* Some fence that has not signaled, with a reference. */
static struct dma_fence *pending_fence(struct softgpu_bo *bo)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, &bo->resv, DMA_RESV_USAGE_BOOKKEEP);
	fence = MUTANT(RETURNED_TOO_EARLY) ? NULL
					   : dma_fence_get(dma_resv_iter_first_unlocked(&cursor));
	dma_resv_iter_end(&cursor);
	return fence;
}

static void fence_signaled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct softgpu_bo *bo =
		(struct softgpu_bo *)(void *)((char *)cb - offsetof(struct softgpu_bo, cb));

	(void)fence;
	if (MUTANT(ONE_FENCE_AWAITED))
		time_has_come(bo->device->reaper, bo);
	else
		softgpu_reaper_give(bo->device->reaper, bo);
}

void softgpu_reaper_give(struct reaper *reaper, struct softgpu_bo *bo)
{
	struct dma_fence *fence;

	while ((fence = pending_fence(bo)) != NULL) {
		int ret = dma_fence_add_callback(fence, &bo->cb, fence_signaled);

		dma_fence_put(fence);
		/* By now the callback may have run, and the buffer be gone. */
		if (!ret)
			return;
	}
	time_has_come(reaper, bo);
}

void softgpu_reaper_catch_up(struct reaper *reaper)
{
	uint64_t given;

	pthread_mutex_lock(&reaper->lock);
	given = reaper->given;
	while (reaper->returned < given)
		pthread_cond_wait(&reaper->progress, &reaper->lock);
	pthread_mutex_unlock(&reaper->lock);
}
