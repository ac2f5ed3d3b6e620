/* SPDX-License-Identifier: MIT */
/* Waiting for a spinlock. */
#include <sched.h>

#include <linux/spinlock.h>

/* Then the holder may have been preempted, and be waiting for our CPU. */
#define SPINS_BEFORE_YIELD 256

/* Always: the program may be checked, and this not. */
int linux_fence;

void linux_spin(spinlock_t *lock)
{
	unsigned int spins = 0;

	do {
		while (__atomic_load_n(&lock->locked, __ATOMIC_RELAXED)) {
			if (++spins % SPINS_BEFORE_YIELD)
				cpu_relax();
			else
				sched_yield();
		}
	} while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE));
}
