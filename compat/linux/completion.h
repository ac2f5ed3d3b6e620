/* SPDX-License-Identifier: MIT */
/*
 * linux/completion.h - waiting for something to be done
 *
 * Whoever was waiting may free it at once.
 */
#ifndef LINUX_COMPAT_COMPLETION_H
#define LINUX_COMPAT_COMPLETION_H

#include <linux/wait.h>

struct completion {
	unsigned int done;
	struct wait_queue_head wait;
};

#define DECLARE_COMPLETION(name) \
	struct completion name = { 0, { { 0 }, LIST_HEAD_INIT((name).wait.head) } }
#define DECLARE_COMPLETION_ONSTACK(name) DECLARE_COMPLETION(name)

static inline void init_completion(struct completion *x)
{
	x->done = 0;
	init_waitqueue_head(&x->wait);
}

static inline void reinit_completion(struct completion *x)
{
	x->done = 0;
}

void complete(struct completion *x) LINUX_SYMBOL(complete);
void complete_all(struct completion *x) LINUX_SYMBOL(complete_all);
bool try_wait_for_completion(struct completion *x) LINUX_SYMBOL(try_wait_for_completion);
bool completion_done(struct completion *x) LINUX_SYMBOL(completion_done);

/* What is left of the time, at least 1, or 0; -ERESTARTSYS. */
long linux_wait_for_completion(struct completion *x, unsigned int state, long timeout);

#define wait_for_completion(x) \
	((void)linux_wait_for_completion((x), TASK_UNINTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT))
#define wait_for_completion_timeout(x, timeout) \
	((unsigned long)linux_wait_for_completion((x), TASK_UNINTERRUPTIBLE, (long)(timeout)))
#define wait_for_completion_interruptible(x) \
	((int)min(0L, linux_wait_for_completion((x), TASK_INTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT)))
#define wait_for_completion_interruptible_timeout(x, timeout) \
	linux_wait_for_completion((x), TASK_INTERRUPTIBLE, (long)(timeout))

#endif
