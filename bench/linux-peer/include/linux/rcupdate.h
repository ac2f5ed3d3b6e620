/* SPDX-License-Identifier: MIT */
/*
 * RCU. A read-side section costs what it costs in a kernel that does not preempt: nothing. That is
 * what the QSBR flavour of liburcu is for, in which threads say when they are in none
 * (peer_quiescent() in runtime/peer.h); liburcu itself is needed by runtime/rcu.c alone.
 */
#ifndef PEER_LINUX_RCUPDATE_H
#define PEER_LINUX_RCUPDATE_H

#include <linux/kernel.h>

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

static __always_inline void rcu_read_lock(void)
{
	barrier();
}

static __always_inline void rcu_read_unlock(void)
{
	barrier();
}

#define rcu_access_pointer(p)		READ_ONCE(p)
#define rcu_dereference(p)		__atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define rcu_dereference_check(p, c)	rcu_dereference(p)
#define rcu_dereference_protected(p, c) READ_ONCE(p)
#define rcu_pointer_handoff(p)		(p)
#define rcu_assign_pointer(p, v)	__atomic_store_n(&(p), (v), __ATOMIC_RELEASE)
#define RCU_INIT_POINTER(p, v)		WRITE_ONCE(p, v)
#define RCU_INITIALIZER(v)		(v)
#define unrcu_pointer(p)		(p)
#define rcu_replace_pointer(p, v, c) \
	({ \
		__typeof__(p) peer_was = rcu_dereference_protected(p, c); \
		rcu_assign_pointer(p, v); \
		peer_was; \
	})

/* Frees a block from kmalloc() after a grace period; as in the kernel, many share one. */
void peer_kfree_rcu(void *block);
#define kfree_rcu(p, member) peer_kfree_rcu(p)

#endif
