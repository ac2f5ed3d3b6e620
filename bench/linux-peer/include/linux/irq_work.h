/* SPDX-License-Identifier: MIT */
/*
 * irq_work: runs a function as soon as interrupts are on. Here that is on the thread that queues
 * it, when its emulated interrupts are on (spinlock.h): the kernel's order, without the cost of an
 * interrupt. Or, if peer_irq_work_by_thread() says so, on another thread.
 *
 * Nothing touches the work after its function has been called: it may be freed by then, or, in a
 * struct dma_fence_chain, be the other member of its union.
 */
#ifndef PEER_LINUX_IRQ_WORK_H
#define PEER_LINUX_IRQ_WORK_H

#include <linux/compiler.h>

struct irq_work {
	struct irq_work *next;
	int pending;
	void (*func)(struct irq_work *work);
	void *unused; /* the kernel's has 32 bytes as well */
};

static inline void init_irq_work(struct irq_work *work, void (*func)(struct irq_work *work))
{
	work->next = NULL;
	work->pending = 0;
	work->func = func;
}

bool irq_work_queue(struct irq_work *work);

#endif
