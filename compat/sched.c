/* SPDX-License-Identifier: MIT */
/* Tasks: sleeping and waking. A task sleeps on a condition of its own. */
#include <stdlib.h>

#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/timer.h>

static pthread_key_t task_key;

static void detach(void *task)
{
	linux_thread.task = NULL;
	put_task_struct(task);
}

static void __attribute__((__constructor__)) make_key(void)
{
	BUG_ON(pthread_key_create(&task_key, detach));
}

struct task_struct *linux_task_alloc(void)
{
	struct task_struct *task = calloc(1, sizeof(*task));

	if (!task)
		return NULL;
	refcount_set(&task->usage, 1);
	pthread_mutex_init(&task->lock, NULL);
	pthread_cond_init(&task->woken, NULL);
	return task;
}

void linux_task_free(struct task_struct *task)
{
	pthread_cond_destroy(&task->woken);
	pthread_mutex_destroy(&task->lock);
	free(task);
}

/* The calling thread becomes that task; the reference is its own from now on. */
void linux_task_become(struct task_struct *task)
{
	linux_thread.task = task;
	pthread_setspecific(task_key, task);
}

struct task_struct *linux_task_attach(void)
{
	struct task_struct *task = linux_task_alloc();

	BUG_ON(!task);
	pthread_getname_np(pthread_self(), task->comm, sizeof(task->comm));
	linux_task_become(task);
	return task;
}

/*
 * What the caller wrote before, for instance the condition that the sleeper waits for, comes before
 * the look at its state; the sleeper sets its state before it looks at the condition.
 */
int wake_up_state(struct task_struct *task, unsigned int mask)
{
	unsigned int state;
	int woken = 0;

	smp_mb();
	if (!(READ_ONCE(task->state) & mask))
		return 0;
	pthread_mutex_lock(&task->lock);
	state = READ_ONCE(task->state);
	while (state & mask && !woken)
		woken = __atomic_compare_exchange_n(&task->state, &state, TASK_RUNNING, false,
						    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	if (woken)
		pthread_cond_signal(&task->woken);
	pthread_mutex_unlock(&task->lock);
	return woken;
}

void schedule(void)
{
	struct task_struct *task = current;
	unsigned int state;

	pthread_mutex_lock(&task->lock);
	while ((state = smp_load_acquire(&task->state)) != TASK_RUNNING) {
		if (signal_pending_state(state, task)) {
			__set_current_state(TASK_RUNNING);
			break;
		}
		pthread_cond_wait(&task->woken, &task->lock);
	}
	pthread_mutex_unlock(&task->lock);
}

struct timeout {
	struct timer_list timer;
	struct task_struct *task;
};

static void timed_out(struct timer_list *timer)
{
	wake_up_process(from_timer((struct timeout *)NULL, timer, timer)->task);
}

long schedule_timeout(long timeout)
{
	struct timeout sleep = { .task = current };
	unsigned long end;
	long left;

	if (timeout == MAX_SCHEDULE_TIMEOUT) {
		schedule();
		return timeout;
	}
	if (WARN(timeout < 0, "schedule_timeout(%ld)\n", timeout)) {
		__set_current_state(TASK_RUNNING);
		return 0;
	}
	end = jiffies + (unsigned long)timeout;
	timer_setup_on_stack(&sleep.timer, timed_out, 0);
	mod_timer(&sleep.timer, end);
	schedule();
	timer_delete_sync(&sleep.timer);
	left = (long)(end - jiffies);
	return left > 0 ? left : 0;
}

int send_sig(int sig, struct task_struct *task, int priv)
{
	(void)sig;
	(void)priv;
	__atomic_store_n(&task->signaled, 1, __ATOMIC_SEQ_CST);
	wake_up_state(task, TASK_INTERRUPTIBLE);
	return 0;
}

void linux_sleep(s64 nsecs)
{
	struct timespec left = { nsecs / NSEC_PER_SEC, nsecs % NSEC_PER_SEC };

	while (nanosleep(&left, &left))
		;
}
