/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks, and "interrupts off".
 *
 * A lock is one word: an exchange takes it, a store releases it, as on x86 in the kernel. Who finds
 * it taken spins, and after a while yields, because here a holder can be preempted.
 *
 * Interrupts are a flag of each thread, saved and restored as the processor's is. It stops nothing;
 * it says when inline irq_work runs: when the outermost irqrestore of the thread switches them on.
 */
#ifndef PEER_LINUX_SPINLOCK_H
#define PEER_LINUX_SPINLOCK_H

#include <linux/compiler.h>

struct irq_work;
struct task_struct;

/* What the kernel has per CPU or per task. */
struct peer_thread {
	unsigned long irqs_off;
	struct irq_work *irq_pending;
	struct task_struct *task;
};
extern __thread struct peer_thread peer_thread;

void peer_irq_work_run(void);

typedef struct spinlock {
	int held;
} spinlock_t;

#define DEFINE_SPINLOCK(name) spinlock_t name = { 0 }

void peer_spin_contended(spinlock_t *lock);

static __always_inline void spin_lock_init(spinlock_t *lock)
{
	lock->held = 0;
}

static __always_inline void spin_lock(spinlock_t *lock)
{
	if (unlikely(__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE)))
		peer_spin_contended(lock);
}

static __always_inline void spin_unlock(spinlock_t *lock)
{
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

static __always_inline unsigned long peer_irq_save(void)
{
	unsigned long were_off = peer_thread.irqs_off;

	peer_thread.irqs_off = 1;
	return were_off;
}

static __always_inline void peer_irq_restore(unsigned long were_off)
{
	peer_thread.irqs_off = were_off;
	if (!were_off && unlikely(peer_thread.irq_pending))
		peer_irq_work_run();
}

#define spin_lock_irqsave(lock, flags) \
	do { \
		(flags) = peer_irq_save(); \
		spin_lock(lock); \
	} while (0)
#define spin_unlock_irqrestore(lock, flags) \
	do { \
		spin_unlock(lock); \
		peer_irq_restore(flags); \
	} while (0)
#define spin_lock_irq(lock) \
	do { \
		peer_thread.irqs_off = 1; \
		spin_lock(lock); \
	} while (0)
#define spin_unlock_irq(lock) \
	do { \
		spin_unlock(lock); \
		peer_irq_restore(0); \
	} while (0)

#endif
