/* SPDX-License-Identifier: MIT */
/* What the peer has beside the kernel's functions, for the benchmark and for its own sources. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>

/*
 * Threads are readers of RCU from begin to end, but for when they sleep. In between each says from
 * time to time that it is in no read-side section; otherwise nothing is freed.
 */
void peer_thread_begin(void);
void peer_thread_end(void);
void peer_quiescent(void);

/* While a thread that has begun sleeps, or does something else for long. */
void peer_rcu_offline(void);
void peer_rcu_online(void);

/* Waits until no irq_work is queued or running, and what this thread has kfree_rcu()ed is freed. */
void peer_settle(void);

/* The part of that which is irq_work. */
void peer_irq_work_flush(void);

/*
 * From here on irq_work is run by a thread of its own, or again by the one that queues it. While
 * nothing is queued. The thread spins for some milliseconds before it sleeps, which stands for an
 * interrupt that comes quickly.
 */
void peer_irq_work_by_thread(bool by_thread);

/* Makes the threads that the peer needs: they inherit the CPUs that the caller may use. */
void peer_start_helpers(void);

/* How often a thread looks again before it sleeps in schedule(); 0 unless told. */
extern int peer_spins;

#endif
