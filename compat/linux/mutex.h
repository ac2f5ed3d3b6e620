/* SPDX-License-Identifier: MIT */
/*
 * linux/mutex.h - pthread's; callbacks of fences run under it as they do in the kernel
 *
 * Known to dmafence/annotate.h, as lockdep knows it: those that are initialised at one place are
 * alike. One that is only zeroed is like no other.
 */
#ifndef LINUX_COMPAT_MUTEX_H
#define LINUX_COMPAT_MUTEX_H

#include <pthread.h>

#include <dmafence/annotate.h>

#include <linux/kernel.h>

struct mutex {
	pthread_mutex_t lock;
	const char *name; /* and where it is initialised */
};

#define LINUX_MUTEX_LINE(line)	     #line
#define LINUX_MUTEX_NAME(name, line) name " of " __FILE_NAME__ ":" LINUX_MUTEX_LINE(line)

#define DEFINE_MUTEX(name) \
	struct mutex name = { PTHREAD_MUTEX_INITIALIZER, LINUX_MUTEX_NAME(#name, __LINE__) }

static inline void linux_mutex_init(struct mutex *mutex, const char *name)
{
	pthread_mutex_init(&mutex->lock, NULL);
	mutex->name = name;
}

#define mutex_init(mutex) linux_mutex_init(mutex, LINUX_MUTEX_NAME(#mutex, __LINE__))

static inline void mutex_destroy(struct mutex *mutex)
{
	pthread_mutex_destroy(&mutex->lock);
}

static inline void mutex_lock(struct mutex *mutex)
{
	dma_fence_annotate_lock(mutex, mutex->name);
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
	if (pthread_mutex_trylock(&mutex->lock))
		return 0;
	dma_fence_annotate_trylock(mutex, mutex->name);
	return 1;
}

static inline void mutex_unlock(struct mutex *mutex)
{
	dma_fence_annotate_unlock(mutex);
	pthread_mutex_unlock(&mutex->lock);
}

#endif
