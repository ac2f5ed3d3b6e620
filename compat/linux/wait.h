/* SPDX-License-Identifier: MIT */
/* linux/wait.h - wait queues */
#ifndef LINUX_COMPAT_WAIT_H
#define LINUX_COMPAT_WAIT_H

#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

struct wait_queue_entry;
typedef int (*wait_queue_func_t)(struct wait_queue_entry *entry, unsigned int mode, int flags,
				 void *key);

/* @func is called with the queue's lock held. What it returns is whether it has woken somebody. */
typedef struct wait_queue_entry {
	unsigned int flags;
	void *private;
	wait_queue_func_t func;
	struct list_head entry;
} wait_queue_entry_t;

#define WQ_FLAG_EXCLUSIVE 0x01

typedef struct wait_queue_head {
	spinlock_t lock;
	struct list_head head;
} wait_queue_head_t;

#define DECLARE_WAIT_QUEUE_HEAD(name) \
	struct wait_queue_head name = { { 0 }, LIST_HEAD_INIT((name).head) }
#define DECLARE_WAIT_QUEUE_HEAD_ONSTACK(name) DECLARE_WAIT_QUEUE_HEAD(name)
#define DEFINE_WAIT_FUNC(name, function) \
	struct wait_queue_entry name = { 0, current, (function), LIST_HEAD_INIT((name).entry) }
#define DEFINE_WAIT(name) DEFINE_WAIT_FUNC(name, autoremove_wake_function)
#define DECLARE_WAITQUEUE(name, task) \
	struct wait_queue_entry name = { 0, (task), default_wake_function, \
					 LIST_HEAD_INIT((name).entry) }

static inline void init_waitqueue_head(struct wait_queue_head *queue)
{
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->head);
}

static inline void init_waitqueue_func_entry(struct wait_queue_entry *entry, wait_queue_func_t func)
{
	entry->flags = 0;
	entry->private = NULL;
	entry->func = func;
}

/* The caller sees what was written before a wake-up that found it here. */
static inline int waitqueue_active(struct wait_queue_head *queue)
{
	smp_mb();
	return !list_empty(&queue->head);
}

int default_wake_function(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key)
	LINUX_SYMBOL(default_wake_function);
int autoremove_wake_function(struct wait_queue_entry *entry, unsigned int mode, int flags,
			     void *key) LINUX_SYMBOL(autoremove_wake_function);
void add_wait_queue(struct wait_queue_head *queue, struct wait_queue_entry *entry)
	LINUX_SYMBOL(add_wait_queue);
void remove_wait_queue(struct wait_queue_head *queue, struct wait_queue_entry *entry)
	LINUX_SYMBOL(remove_wait_queue);
/* Adds the entry if it is not there, and sets the state of the current task. */
void prepare_to_wait(struct wait_queue_head *queue, struct wait_queue_entry *entry, int state)
	LINUX_SYMBOL(prepare_to_wait);
void prepare_to_wait_exclusive(struct wait_queue_head *queue, struct wait_queue_entry *entry,
			       int state) LINUX_SYMBOL(prepare_to_wait_exclusive);
void finish_wait(struct wait_queue_head *queue, struct wait_queue_entry *entry)
	LINUX_SYMBOL(finish_wait);

/* Wakes all that are not exclusive, and @exclusive of those that are; 0 for all of them. */
void linux_wake_up(struct wait_queue_head *queue, unsigned int mode, int exclusive, void *key);

#define wake_up(queue)			 linux_wake_up((queue), TASK_NORMAL, 1, NULL)
#define wake_up_nr(queue, nr)		 linux_wake_up((queue), TASK_NORMAL, (nr), NULL)
#define wake_up_all(queue)		 linux_wake_up((queue), TASK_NORMAL, 0, NULL)
#define wake_up_interruptible(queue)	 linux_wake_up((queue), TASK_INTERRUPTIBLE, 1, NULL)
#define wake_up_interruptible_all(queue) linux_wake_up((queue), TASK_INTERRUPTIBLE, 0, NULL)

/*
 * Waits until @condition is true. Returns what is left of @timeout, at least 1, or 0 if the time
 * is over and the condition still false; -ERESTARTSYS.
 */
#define linux_wait_event(queue, condition, wait_state, timeout) \
	({ \
		struct wait_queue_head *linux_queue = (queue); \
		long linux_left = (timeout); \
		DEFINE_WAIT(linux_wait); \
		for (;;) { \
			prepare_to_wait(linux_queue, &linux_wait, (wait_state)); \
			if (condition) { \
				linux_left = linux_left > 0 ? linux_left : 1; \
				break; \
			} \
			if (!linux_left) \
				break; \
			if (signal_pending_state((wait_state), current)) { \
				linux_left = -ERESTARTSYS; \
				break; \
			} \
			linux_left = schedule_timeout(linux_left); \
		} \
		finish_wait(linux_queue, &linux_wait); \
		linux_left; \
	})

#define wait_event(queue, condition) \
	((void)linux_wait_event(&(queue), condition, TASK_UNINTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT))
#define wait_event_timeout(queue, condition, timeout) \
	linux_wait_event(&(queue), condition, TASK_UNINTERRUPTIBLE, (long)(timeout))
#define wait_event_interruptible(queue, condition) \
	((int)min(0L, linux_wait_event(&(queue), condition, TASK_INTERRUPTIBLE, \
				       MAX_SCHEDULE_TIMEOUT)))
#define wait_event_interruptible_timeout(queue, condition, timeout) \
	linux_wait_event(&(queue), condition, TASK_INTERRUPTIBLE, (long)(timeout))
#define wait_event_killable(queue, condition) (wait_event(queue, condition), 0)

/* The queue that all variables share. */
struct wait_queue_head *linux_var_queue(void);

#define wake_up_var(var) ((void)(var), wake_up_all(linux_var_queue()))
#define wait_var_event(var, condition) \
	((void)(var), (void)linux_wait_event(linux_var_queue(), condition, TASK_UNINTERRUPTIBLE, \
					     MAX_SCHEDULE_TIMEOUT))
#define wait_var_event_timeout(var, condition, timeout) \
	((void)(var), \
	 linux_wait_event(linux_var_queue(), condition, TASK_UNINTERRUPTIBLE, (long)(timeout)))

#endif
