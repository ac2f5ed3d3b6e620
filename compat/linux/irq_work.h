/* SPDX-License-Identifier: MIT */
/*
 * linux/irq_work.h - work for when the thread holds no lock
 *
 * Runs on the thread that queued it: at once if that holds no spinlock and has interrupts on, else
 * when that is so (linux/irqflags.h), in the order in which it was queued. Work that is queued by
 * a callback of a fence that had to wait, or by other work, runs after that one has returned. Once
 * its function has been called the work is not touched again.
 */
#ifndef LINUX_COMPAT_IRQ_WORK_H
#define LINUX_COMPAT_IRQ_WORK_H

#include <linux/compiler.h>

struct irq_work {
	struct irq_work *next;
	void (*func)(struct irq_work *work);
	int pending;
};

#define IRQ_WORK_INIT(function) \
	{ \
		.func = (function) \
	}

static inline void init_irq_work(struct irq_work *work, void (*func)(struct irq_work *work))
{
	work->next = NULL;
	work->func = func;
	work->pending = 0;
}

/* Returns false if it is queued already. */
bool irq_work_queue(struct irq_work *work) LINUX_SYMBOL(irq_work_queue);

static inline bool irq_work_is_pending(const struct irq_work *work)
{
	return __atomic_load_n(&work->pending, __ATOMIC_ACQUIRE);
}

#endif
