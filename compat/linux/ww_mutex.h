/* SPDX-License-Identifier: MIT */
/* linux/ww_mutex.h - the names of dmafence/ww-lock.h: one class, wound/wait */
#ifndef LINUX_COMPAT_WW_MUTEX_H
#define LINUX_COMPAT_WW_MUTEX_H

#include <dmafence/dmafence.h>

#include <linux/mutex.h>

/* All mutexes are of one class, whatever is said. */
struct ww_class {
	int unused;
};

#define DEFINE_WW_CLASS(name) struct ww_class name = { 0 }
#define DEFINE_WD_CLASS(name) struct ww_class name = { 0 }

#define ww_mutex       dma_ww_mutex
#define ww_acquire_ctx dma_ww_acquire_ctx

#define ww_acquire_init(ctx, class)		((void)(class), dma_ww_acquire_init(ctx))
#define ww_acquire_done(ctx)			dma_ww_acquire_done(ctx)
#define ww_acquire_fini(ctx)			dma_ww_acquire_fini(ctx)
#define ww_mutex_init(mutex, class)		((void)(class), dma_ww_mutex_init(mutex))
#define ww_mutex_destroy(mutex)			dma_ww_mutex_destroy(mutex)
#define ww_mutex_lock(mutex, ctx)		dma_ww_mutex_lock(mutex, ctx)
#define ww_mutex_lock_interruptible(mutex, ctx) dma_ww_mutex_lock_interruptible(mutex, ctx)
#define ww_mutex_lock_slow(mutex, ctx)		dma_ww_mutex_lock_slow(mutex, ctx)
#define ww_mutex_lock_slow_interruptible(mutex, ctx) \
	dma_ww_mutex_lock_slow_interruptible(mutex, ctx)
#define ww_mutex_trylock(mutex, ctx) dma_ww_mutex_trylock(mutex, ctx)
#define ww_mutex_unlock(mutex)	     dma_ww_mutex_unlock(mutex)
#define ww_mutex_is_locked(mutex)    dma_ww_mutex_is_locked(mutex)

#endif
