/* SPDX-License-Identifier: MIT */
/* To wake a thread that sleeps, of this process or another: when it does, and how it is told. */
#ifndef DMAFENCE_BENCH_SLEEPERS_H
#define DMAFENCE_BENCH_SLEEPERS_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/atomic.h"

/** bench_start_thread - the thread is to bind itself to its CPU */
pthread_t bench_start_thread(void *(*func)(void *argument), void *argument);

/** bench_spin_until - waits for a counter that another thread sets */
static inline void bench_spin_until(const uint64_t *counter, uint64_t value)
{
	while (atomic_load_acquire(counter) != value)
		cpu_relax();
}

/** bench_open_state - an fd that tells the state of a thread */
int bench_open_state(pid_t process, pid_t thread);

/**
 * bench_see_asleep - waits until the thread sleeps, and a while longer
 * @state: by bench_open_state()
 *
 * Not in just any sleep: only to be used when the next one it gets into is the one that is meant.
 */
void bench_see_asleep(int state);

#endif
