/* SPDX-License-Identifier: MIT */
/* linux/mutex.h - pthread's; callbacks of fences run under it as they do in the kernel */
#ifndef LINUX_COMPAT_MUTEX_H
#define LINUX_COMPAT_MUTEX_H

#include <pthread.h>

#include <linux/kernel.h>

struct mutex {
	pthread_mutex_t lock;
};

#define DEFINE_MUTEX(name) struct mutex name = { PTHREAD_MUTEX_INITIALIZER }

static inline void mutex_init(struct mutex *mutex)
{
	pthread_mutex_init(&mutex->lock, NULL);
}

static inline void mutex_destroy(struct mutex *mutex)
{
	pthread_mutex_destroy(&mutex->lock);
}

static inline void mutex_lock(struct mutex *mutex)
{
	pthread_mutex_lock(&mutex->lock);
}

/* Is not interrupted. */
static inline int __must_check mutex_lock_interruptible(struct mutex *mutex)
{
	mutex_lock(mutex);
	return 0;
}

static inline int mutex_trylock(struct mutex *mutex)
{
	return !pthread_mutex_trylock(&mutex->lock);
}

static inline void mutex_unlock(struct mutex *mutex)
{
	pthread_mutex_unlock(&mutex->lock);
}

#endif
