/* SPDX-License-Identifier: MIT */
/*
 * Hooks: how diagnosis sees what the core does, without the core knowing of it.
 *
 * Without a table each event costs one load and one predictable branch. Of the tables that were
 * added, the members that are not NULL are called on the thread on which the event happens. Locks
 * of the library may be held: a hook looks at what it is told of, and calls nothing that changes it
 * or waits.
 */
#ifndef DMAFENCE_BASE_HOOKS_H
#define DMAFENCE_BASE_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

struct dma_fence;
struct dma_fence_cb;
struct dma_fence_syncobj_point;
struct dma_ww_mutex;

struct hooks {
	void (*init)(struct dma_fence *fence);
	void (*get)(struct dma_fence *fence);
	void (*put)(struct dma_fence *fence); /* before the reference goes */
	/* dma_fence_get_rcu() has taken one: only then is it known that there is one to take */
	void (*get_rcu)(struct dma_fence *fence);
	void (*release)(struct dma_fence *fence); /* the last one has gone */
	void (*enable)(struct dma_fence *fence);
	void (*signal)(struct dma_fence *fence); /* just signaled, callbacks not yet run */
	void (*set_deadline)(struct dma_fence *fence, int64_t deadline_ns);
	/* the callback may have run, and be gone: its address alone is told, and what was called */
	void (*add_callback)(struct dma_fence *fence, struct dma_fence_cb *cb,
			     void (*func)(struct dma_fence *, struct dma_fence_cb *), int result);
	void (*remove_callback)(struct dma_fence *fence, struct dma_fence_cb *cb, bool result);
	void (*callback)(struct dma_fence *fence, struct dma_fence_cb *cb); /* before it runs */
	void (*callback_end)(void); /* the last that began on this thread has returned */
	/*
	 * a function that waits was called, with a timeout, whether there is anything to wait for or
	 * not: only once dma_fence_waits_tell() was called (fence/wait.h). One that calls others is
	 * told first.
	 */
	void (*wait)(const char *function);
	/* a wait for one fence, also as a part of one for several */
	void (*wait_begin)(struct dma_fence *fence);
	void (*wait_end)(struct dma_fence *fence, int result);
	/* until one of several is signaled; its callbacks are waited for by themselves */
	void (*wait_any_begin)(struct dma_fence **fences, uint32_t count);
	void (*wait_any_end)(struct dma_fence **fences, uint32_t count, int result);
	/* a wait for points of sync objects; where a point has a fence, that is told as well */
	void (*wait_points_begin)(const struct dma_fence_syncobj_point *points, uint32_t count);
	void (*wait_points_end)(const struct dma_fence_syncobj_point *points, int result);
	/* an array or a link was made: what it is made of is in its place */
	void (*contain)(struct dma_fence *container);
	void (*export)(struct dma_fence *fence, int fd); /* as a sync file */
	/* a wound/wait lock: before it is taken; 'waits' unless it is only tried */
	void (*lock)(struct dma_ww_mutex *mutex, bool waits);
	/* before it is given back, and after it was not taken */
	void (*unlock)(struct dma_ww_mutex *mutex);
};

extern const struct hooks *dma_fence_hooks;

/*
 * Adds a table, behind those that are there or in the place of one that was removed; one that is
 * there already stays where it is. Tables are static: one that was removed may still be in use by
 * other threads.
 */
void dma_fence_hooks_add(const struct hooks *hooks);
void dma_fence_hooks_remove(const struct hooks *hooks);

#define hook(event, ...) \
	do { \
		const struct hooks *hooks_ = atomic_load_acquire(&dma_fence_hooks); \
		if (unlikely(hooks_) && hooks_->event) \
			hooks_->event(__VA_ARGS__); \
	} while (0)

struct dma_fence_syncobj_point;

/*
 * A thread that is going to sleep until one of several fences, or one alone, has signaled; or one
 * of several points of sync objects. That costs so much that it is always told, also without a
 * table. On the sleeper's stack.
 */
struct sleeper {
	struct sleeper *next, *prev; /* whose list it is on */
	struct dma_fence *const *fences;
	uint32_t count;
	uint32_t num_points;
	const struct dma_fence_syncobj_point *points;
	int64_t deadline; /* when it gives up; CLOCK_NEVER */
	/* of who keeps the list: */
	int64_t since;	/* CLOCK_MONOTONIC */
	int32_t thread; /* its number, as the kernel has it */
	uint32_t stack; /* diag/stack.h */
};

/* NULL, or set before there is a second thread. */
extern void (*dma_fence_sleep_begin)(struct sleeper *sleeper);
extern void (*dma_fence_sleep_end)(struct sleeper *sleeper);

static inline void sleep_begin(struct sleeper *sleeper)
{
	if (dma_fence_sleep_begin)
		dma_fence_sleep_begin(sleeper);
}

static inline void sleep_end(struct sleeper *sleeper)
{
	if (dma_fence_sleep_end)
		dma_fence_sleep_end(sleeper);
}

#endif
