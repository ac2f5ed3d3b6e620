/* SPDX-License-Identifier: MIT */
/*
 * linux/spinlock.h - spinlocks
 *
 * They spin for a moment, then yield, for the holder may have been preempted. While a thread holds
 * one no callback of a fence runs on it: see linux/irqflags.h. What that means for who takes a
 * fence's lock in order to wait for its callbacks is in docs/porting.md.
 */
#ifndef LINUX_COMPAT_SPINLOCK_H
#define LINUX_COMPAT_SPINLOCK_H

#include <linux/irqflags.h>
#include <linux/kernel.h>

typedef struct spinlock {
	int locked;
} spinlock_t;

typedef struct spinlock raw_spinlock_t;

#define __SPIN_LOCK_UNLOCKED(name) \
	{ \
		0 \
	}
#define DEFINE_SPINLOCK(name)	  spinlock_t name = { 0 }
#define DEFINE_RAW_SPINLOCK(name) raw_spinlock_t name = { 0 }

/* The lock alone: under it nothing of others may be called. */
void linux_spin(spinlock_t *lock);

static inline void linux_spin_lock(spinlock_t *lock)
{
	if (unlikely(__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE)))
		linux_spin(lock);
}

static inline void linux_spin_unlock(spinlock_t *lock)
{
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

static inline void spin_lock_init(spinlock_t *lock)
{
	lock->locked = 0;
}

static inline bool spin_is_locked(const spinlock_t *lock)
{
	return __atomic_load_n(&lock->locked, __ATOMIC_RELAXED);
}

/* Before the lock is taken, so that callbacks wait from the first moment on. */
static inline void spin_lock(spinlock_t *lock)
{
	linux_lock_taken();
	linux_spin_lock(lock);
}

static inline void spin_unlock(spinlock_t *lock)
{
	linux_spin_unlock(lock);
	linux_lock_given_back();
}

static inline bool spin_trylock(spinlock_t *lock)
{
	linux_lock_taken();
	if (!__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE))
		return true;
	linux_lock_given_back();
	return false;
}

static inline unsigned long linux_spin_lock_irqsave(spinlock_t *lock)
{
	const unsigned long flags = linux_irq_save();

	spin_lock(lock);
	return flags;
}

static inline void spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags)
{
	spin_unlock(lock);
	linux_irq_restore(flags);
}

#define spin_lock_irqsave(lock, flags) ((flags) = linux_spin_lock_irqsave(lock))
#define spin_trylock_irqsave(lock, flags) \
	({ \
		const bool linux_got = ((flags) = linux_irq_save(), spin_trylock(lock)); \
		if (!linux_got) \
			linux_irq_restore(flags); \
		linux_got; \
	})

static inline void spin_lock_irq(spinlock_t *lock)
{
	local_irq_disable();
	spin_lock(lock);
}

static inline void spin_unlock_irq(spinlock_t *lock)
{
	spin_unlock(lock);
	local_irq_enable();
}

#define spin_lock_bh(lock)			     spin_lock(lock)
#define spin_unlock_bh(lock)			     spin_unlock(lock)
#define spin_lock_nested(lock, class)		     spin_lock(lock)
#define spin_lock_irqsave_nested(lock, flags, class) spin_lock_irqsave(lock, flags)

#define raw_spin_lock_init(lock)		spin_lock_init(lock)
#define raw_spin_lock(lock)			spin_lock(lock)
#define raw_spin_unlock(lock)			spin_unlock(lock)
#define raw_spin_trylock(lock)			spin_trylock(lock)
#define raw_spin_lock_irq(lock)			spin_lock_irq(lock)
#define raw_spin_unlock_irq(lock)		spin_unlock_irq(lock)
#define raw_spin_lock_irqsave(lock, flags)	spin_lock_irqsave(lock, flags)
#define raw_spin_unlock_irqrestore(lock, flags) spin_unlock_irqrestore(lock, flags)

#define assert_spin_locked(lock) WARN_ON(!spin_is_locked(lock))

/* Who holds a lock is not known, only that somebody does. */
#define lockdep_assert_held(lock)	((void)(lock))
#define lockdep_is_held(lock)		((void)(lock), 1)
#define lockdep_assert_none_held_once() ((void)0)
#define might_lock(lock)		((void)(lock))

#endif
