/* SPDX-License-Identifier: MIT */
/*
 * Wound/wait mutexes of the wait/die class, which is the one that reservation objects use.
 *
 * What nobody contends for is as in the kernel: a compare-and-swap to lock, one to unlock; with a
 * context a full barrier after the lock, between telling who it is and looking for waiters.
 */
#ifndef PEER_LINUX_WW_MUTEX_H
#define PEER_LINUX_WW_MUTEX_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/spinlock.h>

enum peer_mutex_bits {
	PEER_MUTEX_HELD = 1 << 0,
	PEER_MUTEX_WAITERS = 1 << 1,
};

struct mutex {
	int state;
	spinlock_t wait_lock;
	struct list_head waiters; /* the oldest first, those without a context last */
};

struct ww_class {
	atomic64_t stamp;
};
#define DEFINE_WD_CLASS(name) struct ww_class name = { ATOMIC64_INIT(0) }

struct ww_acquire_ctx {
	u64 stamp; /* the smaller, the older */
	unsigned int acquired;
};

struct ww_mutex {
	struct mutex base;
	struct ww_acquire_ctx *ctx;
};

static inline void ww_mutex_init(struct ww_mutex *mutex, struct ww_class *class)
{
	(void)class;
	mutex->base.state = 0;
	spin_lock_init(&mutex->base.wait_lock);
	INIT_LIST_HEAD(&mutex->base.waiters);
	mutex->ctx = NULL;
}

static inline void ww_mutex_destroy(struct ww_mutex *mutex)
{
	(void)mutex;
}

static inline void ww_acquire_init(struct ww_acquire_ctx *ctx, struct ww_class *class)
{
	ctx->stamp = atomic64_inc_return(&class->stamp);
	ctx->acquired = 0;
}

static inline void ww_acquire_done(struct ww_acquire_ctx *ctx)
{
	(void)ctx;
}

static inline void ww_acquire_fini(struct ww_acquire_ctx *ctx)
{
	(void)ctx;
}

int ww_mutex_lock(struct ww_mutex *mutex, struct ww_acquire_ctx *ctx);
int ww_mutex_trylock(struct ww_mutex *mutex, struct ww_acquire_ctx *ctx);
void ww_mutex_unlock(struct ww_mutex *mutex);

/* No signal interrupts anything here. */
static inline int ww_mutex_lock_interruptible(struct ww_mutex *mutex, struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock(mutex, ctx);
}

/* After -EDEADLK the context holds nothing, so that these cannot get it again. */
static inline void ww_mutex_lock_slow(struct ww_mutex *mutex, struct ww_acquire_ctx *ctx)
{
	(void)ww_mutex_lock(mutex, ctx);
}

static inline int ww_mutex_lock_slow_interruptible(struct ww_mutex *mutex,
						   struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock(mutex, ctx);
}

static inline bool ww_mutex_is_locked(struct ww_mutex *mutex)
{
	return READ_ONCE(mutex->base.state) & PEER_MUTEX_HELD;
}

#endif
