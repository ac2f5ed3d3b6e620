/* SPDX-License-Identifier: MIT */
/* Tasks: one for each thread, made on first use. The state is also the word that it sleeps on. */
#ifndef PEER_LINUX_SCHED_H
#define PEER_LINUX_SCHED_H

#include <limits.h>
#include <linux/jiffies.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>

#define TASK_RUNNING	     0
#define TASK_INTERRUPTIBLE   1
#define TASK_UNINTERRUPTIBLE 2
#define TASK_NORMAL	     (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)
#define MAX_SCHEDULE_TIMEOUT LONG_MAX

struct task_struct {
	int state;
	int asleep; /* or about to be */
};

struct task_struct *peer_task_make(void);

static __always_inline struct task_struct *peer_task(void)
{
	struct task_struct *task = peer_thread.task;

	return likely(task) ? task : peer_task_make();
}

#define current peer_task()

#define __set_current_state(s) WRITE_ONCE(current->state, (s))
#define set_current_state(s)   smp_store_mb(current->state, (s))

int wake_up_state(struct task_struct *task, unsigned int mask);

static inline int wake_up_process(struct task_struct *task)
{
	return wake_up_state(task, TASK_NORMAL);
}

void schedule(void);
long schedule_timeout(long timeout);

/* Nobody sends any. */
static inline bool signal_pending(struct task_struct *task)
{
	(void)task;
	return false;
}

static inline bool signal_pending_state(unsigned int state, struct task_struct *task)
{
	(void)state;
	return signal_pending(task);
}

#endif
