/* SPDX-License-Identifier: MIT */
/*
 * linux/sched.h - threads, as far as they sleep and are woken
 *
 * Every thread of the program has a task_struct from the moment that it asks for 'current'. A
 * sleep with a timeout is a timer, as it is in the kernel, and timers run in the order in which
 * they expire: a timer that is to wake the sleeper before the timeout does so, however late both
 * are.
 */
#ifndef LINUX_COMPAT_SCHED_H
#define LINUX_COMPAT_SCHED_H

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>

#define TASK_RUNNING	     0x0
#define TASK_INTERRUPTIBLE   0x1
#define TASK_UNINTERRUPTIBLE 0x2
#define TASK_KILLABLE	     TASK_UNINTERRUPTIBLE
#define TASK_NORMAL	     (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)

#define MAX_SCHEDULE_TIMEOUT LONG_MAX

#define TASK_COMM_LEN 16

struct task_struct {
	char comm[TASK_COMM_LEN];
	/* private: */
	unsigned int state;
	int signaled; /* a signal was sent, by send_sig() */
	refcount_t usage;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	struct linux_kthread *kthread;
};

struct task_struct *linux_task_attach(void);
void linux_task_free(struct task_struct *task);
/* One that is nobody's yet: NULL if there is no memory. */
struct task_struct *linux_task_alloc(void);
void linux_task_become(struct task_struct *task);

static inline struct task_struct *linux_current(void)
{
	return linux_thread.task ? linux_thread.task : linux_task_attach();
}

#define current linux_current()

static inline struct task_struct *get_task_struct(struct task_struct *task)
{
	refcount_inc(&task->usage);
	return task;
}

static inline void put_task_struct(struct task_struct *task)
{
	if (refcount_dec_and_test(&task->usage))
		linux_task_free(task);
}

#define __set_current_state(value) WRITE_ONCE(current->state, (unsigned int)(value))
#define set_current_state(value)   smp_store_mb(current->state, (unsigned int)(value))

/* Wakes a task that sleeps in one of the states in @mask; whether it has. */
int wake_up_state(struct task_struct *task, unsigned int mask) LINUX_SYMBOL(wake_up_state);

static inline int wake_up_process(struct task_struct *task)
{
	return wake_up_state(task, TASK_NORMAL);
}

/* Sleeps until woken if the state is not TASK_RUNNING, which it is afterwards. */
void schedule(void) LINUX_SYMBOL(schedule);
/* The same; returns what is left of the time, 0 if nothing. */
long schedule_timeout(long timeout) LINUX_SYMBOL(schedule_timeout);

static inline long schedule_timeout_interruptible(long timeout)
{
	__set_current_state(TASK_INTERRUPTIBLE);
	return schedule_timeout(timeout);
}

static inline long schedule_timeout_uninterruptible(long timeout)
{
	__set_current_state(TASK_UNINTERRUPTIBLE);
	return schedule_timeout(timeout);
}

/* Signals: a mark on the task that ends its interruptible sleeps, until flush_signals(). */
int send_sig(int sig, struct task_struct *task, int priv) LINUX_SYMBOL(send_sig);

static inline void flush_signals(struct task_struct *task)
{
	__atomic_store_n(&task->signaled, 0, __ATOMIC_SEQ_CST);
}

static inline int signal_pending(struct task_struct *task)
{
	return __atomic_load_n(&task->signaled, __ATOMIC_SEQ_CST);
}

static inline int signal_pending_state(unsigned int state, struct task_struct *task)
{
	return state & TASK_INTERRUPTIBLE && signal_pending(task);
}

#define num_online_cpus() ((unsigned int)sysconf(_SC_NPROCESSORS_ONLN))

/* Whatever task that is. */
#define yield_to(task, preempt) ((void)(task), (void)(preempt), sched_yield())
#define yield()			((void)sched_yield())

#endif
