/* SPDX-License-Identifier: MIT */
/*
 * Promises.
 *
 * A promise is the fence that stands for what was promised, and the holder's reference to it. When
 * it is kept that reference becomes the callback's, which sits on the fence that was delivered: so
 * nothing has to be allocated then, and nothing can fail.
 */
#include <errno.h>
#include <stdlib.h>

#include <dmafence/unwrap.h>

#include "base/clock.h"
#include "fd/mutants.h"
#include "fd/promise.h"
#include "fence/look.h"
#include "fence/outcome.h"
#include "fence/state.h"

struct dma_fence_promise {
	/* At the start of the block, for dma_fence_free(). */
	struct dma_fence fence;
	struct dma_fence_cb cb;
	struct dma_fence *kept_with; /* there for as long as the fence is pending */
};

static const char *promise_driver_name(struct dma_fence *fence)
{
	(void)fence;
	return "dma_fence_promise";
}

static const char *promise_timeline_name(struct dma_fence *fence)
{
	(void)fence;
	return "unbound";
}

static const struct dma_fence_ops promise_ops = {
	.get_driver_name = promise_driver_name,
	.get_timeline_name = promise_timeline_name,
};

struct dma_fence_promise *dma_fence_promise_create(void)
{
	struct dma_fence_promise *promise = malloc(sizeof(*promise));

	if (!promise) {
		errno = ENOMEM;
		return NULL;
	}
	promise->kept_with = NULL;
	dma_fence_init(&promise->fence, &promise_ops, dma_fence_context_alloc(1), 1);
	return promise;
}

struct dma_fence *dma_fence_promise_fence(struct dma_fence_promise *promise)
{
	return dma_fence_get(&promise->fence);
}

static void end(struct dma_fence_promise *promise, int64_t timestamp, int error)
{
	dma_fence_signal_state(&promise->fence, state_of_timestamp(timestamp), error);
	dma_fence_put(&promise->fence);
}

static void delivered(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_fence_promise *promise =
		(struct dma_fence_promise *)((char *)cb - offsetof(struct dma_fence_promise, cb));

	end(promise, fence_timestamp(fence), MUTANT(PROMISE_LOSES_ERROR) ? 0 : fence_error(fence));
}

bool dma_fence_is_promise_callback(dma_fence_func_t func)
{
	return func == delivered;
}

static bool made_of(struct dma_fence *fence, const struct dma_fence *what)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *leaf;

	if (!dma_fence_is_container(fence))
		return fence == what;
	dma_fence_unwrap_for_each (leaf, &cursor, fence) {
		if (leaf == what) {
			dma_fence_unwrap_end(&cursor);
			return true;
		}
	}
	return false;
}

int dma_fence_promise_keep(struct dma_fence_promise *promise, struct dma_fence *fence)
{
	if (!promise)
		return -EINVAL;
	if (!fence) {
		end(promise, clock_now(), 0);
		return 0;
	}
	if (made_of(fence, &promise->fence) && !MUTANT(PROMISE_WAITS_FOR_ITSELF))
		return -EDEADLK;
	atomic_store_relaxed(&promise->kept_with, fence);
	if (dma_fence_add_callback(fence, &promise->cb, delivered))
		delivered(fence, &promise->cb); /* it has signaled */
	return 0;
}

void dma_fence_promise_drop(struct dma_fence_promise *promise)
{
	if (promise)
		end(promise, clock_now(), -ECANCELED);
}

int dma_fence_promise_fail(struct dma_fence_promise *promise, int error)
{
	if (!promise || error >= 0 || error < -4095)
		return -EINVAL;
	end(promise, clock_now(), error);
	return 0;
}

/* Looking on */

bool dma_fence_is_promise(const struct dma_fence *fence)
{
	return atomic_load_relaxed(&fence->ops) == &promise_ops;
}

struct dma_fence *dma_fence_promise_of_callback(const struct dma_fence_cb *cb)
{
	if (cb->func != delivered)
		return NULL;
	return &((struct dma_fence_promise *)((uintptr_t)cb -
					      offsetof(struct dma_fence_promise, cb)))
			->fence;
}

/*
 * What was delivered is there until its callback has returned, and that cannot before the promise's
 * fence is signaled, which has to wait for the lock.
 */
struct dma_fence *dma_fence_promise_kept_with_unseen(struct dma_fence *fence)
{
	struct dma_fence_promise *promise = (struct dma_fence_promise *)(void *)fence;
	uint64_t state = dma_fence_lock_state(fence, true);
	struct dma_fence *kept_with;

	if (state & SIGNALED)
		return NULL;
	kept_with = dma_fence_get_unseen(atomic_load_relaxed(&promise->kept_with));
	dma_fence_unlock_pending(fence, state_callbacks(state));
	return kept_with;
}
