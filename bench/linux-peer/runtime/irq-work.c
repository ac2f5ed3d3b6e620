// SPDX-License-Identifier: MIT
/* irq_work, run by the thread that queues it or by one of its own. */
#include <pthread.h>
#include <sched.h>

#include <linux/atomic.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/spinlock.h>

#include "futex.h"
#include "peer.h"

/* Some milliseconds. */
#define SPINS_BEFORE_SLEEP 200000

static bool threaded;
static struct irq_work *queue; /* the worker's, newest first */
static int worker_asleep, worker_busy;

static void run_list(struct irq_work *work)
{
	struct irq_work *next;

	for (; work; work = next) {
		next = work->next;
		/* From here on it may be queued again. Before its function reads anything. */
		__atomic_store_n(&work->pending, 0, __ATOMIC_SEQ_CST);
		work->func(work);
	}
}

void peer_irq_work_run(void)
{
	struct irq_work *list;

	peer_thread.irqs_off = 1;
	while ((list = peer_thread.irq_pending)) {
		peer_thread.irq_pending = NULL;
		run_list(list);
	}
	peer_thread.irqs_off = 0;
}

static void spin_or_sleep(void)
{
	long spins = READ_ONCE(threaded) ? SPINS_BEFORE_SLEEP : 0;

	peer_rcu_offline();
	while (spins--) {
		if (READ_ONCE(queue)) {
			peer_rcu_online();
			return;
		}
		cpu_relax();
	}
	__atomic_store_n(&worker_asleep, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&queue, __ATOMIC_SEQ_CST))
		__atomic_store_n(&worker_asleep, 0, __ATOMIC_SEQ_CST);
	else
		futex_wait(&worker_asleep, 1, NULL);
	peer_rcu_online();
}

static void *worker(void *unused)
{
	struct irq_work *list;

	peer_thread_begin();
	peer_thread.irqs_off = 1;
	for (;;) {
		__atomic_store_n(&worker_busy, 1, __ATOMIC_SEQ_CST);
		list = xchg(&queue, NULL);
		run_list(list);
		if (!list) {
			__atomic_store_n(&worker_busy, 0, __ATOMIC_SEQ_CST);
			spin_or_sleep();
		}
	}
	return unused;
}

static void queue_for_worker(struct irq_work *work)
{
	struct irq_work *first = READ_ONCE(queue);

	do {
		work->next = first;
	} while (!__atomic_compare_exchange_n(&queue, &first, work, true, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	if (!first && __atomic_load_n(&worker_asleep, __ATOMIC_SEQ_CST) && xchg(&worker_asleep, 0))
		futex_wake(&worker_asleep);
}

bool irq_work_queue(struct irq_work *work)
{
	if (xchg(&work->pending, 1))
		return false;
	if (READ_ONCE(threaded)) {
		queue_for_worker(work);
		return true;
	}
	work->next = peer_thread.irq_pending;
	peer_thread.irq_pending = work;
	if (!peer_thread.irqs_off)
		peer_irq_work_run();
	return true;
}

void peer_irq_work_flush(void)
{
	while (__atomic_load_n(&queue, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&worker_busy, __ATOMIC_SEQ_CST))
		sched_yield();
}

void peer_irq_work_by_thread(bool by_thread)
{
	peer_irq_work_flush();
	__atomic_store_n(&threaded, by_thread, __ATOMIC_SEQ_CST);
}

void peer_start_helpers(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, worker, NULL) || pthread_detach(thread))
		BUG();
	/* The first to be freed starts the thread that frees. */
	peer_settle();
}
