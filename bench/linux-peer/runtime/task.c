// SPDX-License-Identifier: MIT
/* Spinning, sleeping and waking. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <linux/kernel.h>
#include <linux/sched.h>

#include "futex.h"
#include "peer.h"

#define SPINS_BEFORE_YIELD 1024

__thread struct peer_thread peer_thread;
int peer_spins;

void peer_spin_contended(spinlock_t *lock)
{
	int spins = 0;

	do {
		while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED)) {
			if (++spins < SPINS_BEFORE_YIELD) {
				cpu_relax();
			} else {
				sched_yield();
				spins = 0;
			}
		}
	} while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE));
}

void peer_refcount_bad(const char *what)
{
	peer_bug(__FILE__, __LINE__, what);
}

/*
 * A task is not freed with its thread: who wakes it may still be looking at it. There are as many
 * as the benchmark starts threads.
 */
struct task_struct *peer_task_make(void)
{
	struct task_struct *task = calloc(1, sizeof(*task));

	BUG_ON(!task);
	peer_thread.task = task;
	return task;
}

int wake_up_state(struct task_struct *task, unsigned int mask)
{
	int state;

	/* What the sleeper waits for has been written: that comes before the look at its state. */
	smp_mb();
	state = READ_ONCE(task->state);
	do {
		if (!(state & mask))
			return 0;
	} while (!__atomic_compare_exchange_n(&task->state, &state, TASK_RUNNING, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	if (__atomic_load_n(&task->asleep, __ATOMIC_SEQ_CST))
		futex_wake(&task->state);
	return 1;
}

/* Sleeps until somebody wakes the thread, or the deadline. */
static void sleep_until(const struct timespec *deadline)
{
	struct task_struct *task = current;
	int state, spins;

	for (spins = peer_spins; spins >= 0; spins--) {
		if (__atomic_load_n(&task->state, __ATOMIC_ACQUIRE) == TASK_RUNNING)
			return;
		cpu_relax();
	}
	peer_rcu_offline();
	__atomic_store_n(&task->asleep, 1, __ATOMIC_SEQ_CST);
	while ((state = __atomic_load_n(&task->state, __ATOMIC_SEQ_CST)) != TASK_RUNNING) {
		if (futex_wait(&task->state, state, deadline) && errno == ETIMEDOUT)
			break;
	}
	WRITE_ONCE(task->asleep, 0);
	__set_current_state(TASK_RUNNING);
	peer_rcu_online();
}

void schedule(void)
{
	sleep_until(NULL);
}

long schedule_timeout(long timeout)
{
	struct timespec deadline;
	unsigned long end;
	long left;

	if (timeout == MAX_SCHEDULE_TIMEOUT) {
		schedule();
		return timeout;
	}
	end = jiffies + timeout;
	deadline.tv_sec = end / HZ;
	deadline.tv_nsec = (end % HZ) * PEER_NS_PER_JIFFY;
	sleep_until(&deadline);
	left = end - jiffies;
	return left < 0 ? 0 : left;
}
