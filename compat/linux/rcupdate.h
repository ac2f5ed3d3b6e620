/* SPDX-License-Identifier: MIT */
/* linux/rcupdate.h - read-side sections, by dmafence/rcu.h */
#ifndef LINUX_COMPAT_RCUPDATE_H
#define LINUX_COMPAT_RCUPDATE_H

#include <dmafence/dmafence.h>

#include <linux/kernel.h>
#include <linux/slab.h>

/* The library's: a pointer to the next, and the function. */
#define rcu_head      dma_fence_rcu_link
#define callback_head dma_fence_rcu_link

typedef void (*rcu_callback_t)(struct rcu_head *head);

#define rcu_read_lock()		    dma_fence_rcu_read_lock()
#define rcu_read_unlock()	    dma_fence_rcu_read_unlock()
#define synchronize_rcu()	    dma_fence_rcu_synchronize()
#define synchronize_rcu_expedited() dma_fence_rcu_synchronize()

#define call_rcu(head, func) dma_fence_rcu_defer((head), (func))

/* Returns when all that was passed to call_rcu() and kfree_rcu() before has been done. */
void rcu_barrier(void) LINUX_SYMBOL(rcu_barrier);

/* Frees the block that begins @offset bytes before @head. */
void linux_kfree_rcu(struct rcu_head *head, size_t offset);

#define kfree_rcu(ptr, member) \
	({ \
		__typeof__(ptr) linux_ptr = (ptr); \
		if (linux_ptr) \
			linux_kfree_rcu(&linux_ptr->member, \
					offsetof(__typeof__(*linux_ptr), member)); \
	})
#define kvfree_rcu(ptr, member) kfree_rcu(ptr, member)
#define kfree_rcu_mightsleep(ptr) \
	({ \
		synchronize_rcu(); \
		kfree(ptr); \
	})

#define rcu_access_pointer(p)		READ_ONCE(p)
#define rcu_dereference(p)		__atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define rcu_dereference_check(p, c)	rcu_dereference(p)
#define rcu_dereference_raw(p)		rcu_dereference(p)
#define rcu_dereference_protected(p, c) READ_ONCE(p)
#define rcu_pointer_handoff(p)		(p)
#define unrcu_pointer(p)		(p)
#define rcu_assign_pointer(p, v)	__atomic_store_n(&(p), (v), __ATOMIC_RELEASE)
#define RCU_INIT_POINTER(p, v)		WRITE_ONCE(p, v)
#define RCU_INITIALIZER(v)		(v)
#define rcu_replace_pointer(p, v, c)	__atomic_exchange_n(&(p), (v), __ATOMIC_ACQ_REL)

/* Whether somebody reads is not known. */
#define rcu_read_lock_held() 1

#endif
