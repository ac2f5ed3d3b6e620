/* SPDX-License-Identifier: MIT */
/* linux/kthread.h - threads that can be told to stop */
#ifndef LINUX_COMPAT_KTHREAD_H
#define LINUX_COMPAT_KTHREAD_H

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/timer.h>
#include <linux/wait.h>

/*
 * A thread that sleeps until the first wake_up_process(). If it is told to stop before that its
 * function is not called, and kthread_stop() returns -EINTR.
 */
struct task_struct *kthread_create(int (*function)(void *data), void *data, const char *name, ...)
	LINUX_SYMBOL(kthread_create) __attribute__((__format__(printf, 3, 4)));

/* Wakes it, and returns once it has begun: its function is called in any case. */
void linux_kthread_begin(struct task_struct *task);

#define kthread_run(function, data, name, ...) \
	({ \
		struct task_struct *linux_task = \
			kthread_create((function), (data), (name), ##__VA_ARGS__); \
		if (!IS_ERR(linux_task)) \
			linux_kthread_begin(linux_task); \
		linux_task; \
	})

bool kthread_should_stop(void) LINUX_SYMBOL(kthread_should_stop);
/* Tells it to stop, wakes it, and waits until it has; returns what its function returned. */
int kthread_stop(struct task_struct *task) LINUX_SYMBOL(kthread_stop);

/* And drops a reference to it that the caller has taken. */
static inline int kthread_stop_put(struct task_struct *task)
{
	const int ret = kthread_stop(task);

	put_task_struct(task);
	return ret;
}

#endif
