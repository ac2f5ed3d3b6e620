/* SPDX-License-Identifier: MIT */
/*
 * linux/irqflags.h - "interrupts off", and when what must not run under a lock runs instead
 *
 * Nothing interrupts a thread. "Interrupts off" is a flag of the thread, saved and restored as the
 * CPU's would be. While it is set, or the thread holds a spinlock of whatever kind, callbacks of
 * fences that it signals wait, and so does irq_work that it queues: both run when the thread has
 * given back the last lock and switched interrupts on, callbacks first. So a callback may take any
 * of these locks.
 */
#ifndef LINUX_COMPAT_IRQFLAGS_H
#define LINUX_COMPAT_IRQFLAGS_H

#include <linux/compiler.h>

struct irq_work;
struct task_struct;

/* What belongs to a thread. */
struct linux_thread {
	unsigned int locks; /* held, and 1 for interrupts being off */
	bool irqs_off;
	bool begun;	 /* what dma_fence_begin_delivery() has returned */
	bool delivering; /* callbacks of fences that waited, or irq_work, runs */
	struct irq_work *first_work, **last_work;
	struct task_struct *task;
};

extern __thread struct linux_thread linux_thread;

/* The first lock has been taken, the last given back. */
void linux_atomic_begin(void);
void linux_atomic_end(void);
/* Around a callback. */
void linux_work_begin(void);
void linux_work_end(void);

static inline void linux_lock_taken(void)
{
	if (!linux_thread.locks++)
		linux_atomic_begin();
}

static inline void linux_lock_given_back(void)
{
	if (!--linux_thread.locks)
		linux_atomic_end();
}

static inline unsigned long linux_irq_save(void)
{
	const unsigned long was_off = linux_thread.irqs_off;

	if (!was_off) {
		linux_thread.irqs_off = true;
		linux_lock_taken();
	}
	return was_off;
}

static inline void linux_irq_restore(unsigned long was_off)
{
	if (!was_off && linux_thread.irqs_off) {
		linux_thread.irqs_off = false;
		linux_lock_given_back();
	}
}

#define local_irq_save(flags)	 ((flags) = linux_irq_save())
#define local_irq_restore(flags) linux_irq_restore(flags)
#define local_irq_disable()	 ((void)linux_irq_save())
#define local_irq_enable()	 linux_irq_restore(0)
#define irqs_disabled()		 (linux_thread.irqs_off)
#define in_atomic()		 (linux_thread.locks != 0)

/* As a lock that nobody else wants. */
#define preempt_disable()  linux_lock_taken()
#define preempt_enable()   linux_lock_given_back()
#define local_bh_disable() linux_lock_taken()
#define local_bh_enable()  linux_lock_given_back()

#endif
