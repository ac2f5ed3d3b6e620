/* SPDX-License-Identifier: MIT */
/* A table is used as it is while it is the only one; several are called through one that has all. */
#include <stddef.h>

#include "base/fork.h"
#include "base/hooks.h"
#include "base/lock.h"

/* More than there are kinds of diagnosis, and than tests add. */
#define MOST 12

const struct hooks *dma_fence_hooks;

void (*dma_fence_sleep_begin)(struct sleeper *sleeper);
void (*dma_fence_sleep_end)(struct sleeper *sleeper);

static struct lock lock;

/*
 * Each stays in its place, so that none is called twice, or passed over, while another one comes or
 * goes: who counts references would be wrong for good.
 */
static const struct hooks *tables[MOST];

#define EACH(event, ...) \
	do { \
		const struct hooks *table; \
		unsigned int i; \
		for (i = 0; i < MOST; i++) { \
			table = atomic_load_acquire(&tables[i]); \
			if (table && table->event) \
				table->event(__VA_ARGS__); \
		} \
	} while (0)

static void each_init(struct dma_fence *fence)
{
	EACH(init, fence);
}

static void each_get(struct dma_fence *fence)
{
	EACH(get, fence);
}

static void each_get_rcu(struct dma_fence *fence)
{
	EACH(get_rcu, fence);
}

static void each_put(struct dma_fence *fence)
{
	EACH(put, fence);
}

static void each_release(struct dma_fence *fence)
{
	EACH(release, fence);
}

static void each_enable(struct dma_fence *fence)
{
	EACH(enable, fence);
}

static void each_signal(struct dma_fence *fence)
{
	EACH(signal, fence);
}

static void each_set_deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	EACH(set_deadline, fence, deadline_ns);
}

static void each_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
			      void (*func)(struct dma_fence *, struct dma_fence_cb *), int result)
{
	EACH(add_callback, fence, cb, func, result);
}

static void each_remove_callback(struct dma_fence *fence, struct dma_fence_cb *cb, bool result)
{
	EACH(remove_callback, fence, cb, result);
}

static void each_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	EACH(callback, fence, cb);
}

static void each_callback_end(void)
{
	EACH(callback_end);
}

static void each_wait(const char *function)
{
	EACH(wait, function);
}

static void each_wait_begin(struct dma_fence *fence)
{
	EACH(wait_begin, fence);
}

static void each_wait_end(struct dma_fence *fence, int result)
{
	EACH(wait_end, fence, result);
}

static void each_wait_any_begin(struct dma_fence **fences, uint32_t count)
{
	EACH(wait_any_begin, fences, count);
}

static void each_wait_any_end(struct dma_fence **fences, uint32_t count, int result)
{
	EACH(wait_any_end, fences, count, result);
}

static void each_wait_points_begin(const struct dma_fence_syncobj_point *points, uint32_t count)
{
	EACH(wait_points_begin, points, count);
}

static void each_wait_points_end(const struct dma_fence_syncobj_point *points, int result)
{
	EACH(wait_points_end, points, result);
}

static void each_contain(struct dma_fence *container)
{
	EACH(contain, container);
}

static void each_export(struct dma_fence *fence, int fd)
{
	EACH(export, fence, fd);
}

static void each_lock(struct dma_ww_mutex *mutex, bool waits)
{
	EACH(lock, mutex, waits);
}

static void each_unlock(struct dma_ww_mutex *mutex)
{
	EACH(unlock, mutex);
}

static const struct hooks each = {
	.init = each_init,
	.get = each_get,
	.get_rcu = each_get_rcu,
	.put = each_put,
	.release = each_release,
	.enable = each_enable,
	.signal = each_signal,
	.set_deadline = each_set_deadline,
	.add_callback = each_add_callback,
	.remove_callback = each_remove_callback,
	.callback = each_callback,
	.callback_end = each_callback_end,
	.wait = each_wait,
	.wait_begin = each_wait_begin,
	.wait_end = each_wait_end,
	.wait_any_begin = each_wait_any_begin,
	.wait_any_end = each_wait_any_end,
	.wait_points_begin = each_wait_points_begin,
	.wait_points_end = each_wait_points_end,
	.contain = each_contain,
	.export = each_export,
	.lock = each_lock,
	.unlock = each_unlock,
};

/* With the lock held. */
static void use_tables(void)
{
	const struct hooks *use = NULL;
	unsigned int i;

	for (i = 0; i < MOST; i++) {
		if (tables[i])
			use = use ? &each : tables[i];
	}
	atomic_store_release(&dma_fence_hooks, use);
}

/* With the lock held. Behind the others; where the end is taken, in what is free before it. */
static const struct hooks **place_for(const struct hooks *hooks)
{
	const struct hooks **place = NULL;
	unsigned int i;

	for (i = MOST; i-- > 0;) {
		if (tables[i] == hooks)
			return NULL;
	}
	for (i = MOST; i-- > 0 && !(place && tables[i]);) {
		if (!tables[i])
			place = &tables[i];
	}
	return place;
}

void dma_fence_hooks_add(const struct hooks *hooks)
{
	const struct hooks **place;

	lock_acquire(&lock);
	place = place_for(hooks);
	if (place)
		atomic_store_release(place, hooks);
	use_tables();
	lock_release(&lock);
}

void dma_fence_hooks_remove(const struct hooks *hooks)
{
	unsigned int i;

	lock_acquire(&lock);
	for (i = 0; i < MOST; i++) {
		if (tables[i] == hooks)
			atomic_store_release(&tables[i], NULL);
	}
	use_tables();
	lock_release(&lock);
}

static void fork_child(void)
{
	lock = (struct lock){ 0 };
	use_tables();
}

/* Whoever has the lock is not in the child, and each step leaves the tables in order. */
__attribute__((constructor)) static void fork_handlers(void)
{
	static struct fork_handlers handlers = {
		.order = FORK_HOOKS,
		.child = fork_child,
	};

	dma_fence_at_fork(&handlers);
}
