/* SPDX-License-Identifier: MIT */
/*
 * dmafence/rcu.h - read-side sections
 *
 * A fence that is reached through a pointer somebody else may clear (a slot in a table, say) could
 * be freed between the load of the pointer and dma_fence_get(). Inside a read-side section it
 * cannot: fences freed by dma_fence_free(), which is what happens without a release op, stay in
 * memory until every section that might see them has ended.
 *
 *	dma_fence_rcu_read_lock();
 *	fence = dma_fence_get_rcu_safe(&slot);
 *	dma_fence_rcu_read_unlock();
 *
 * The ops of a fence are protected the same way: the library calls them inside a read-side section
 * and only while the fence is not signaled. A driver that unloads signals its fences, calls
 * dma_fence_rcu_synchronize(), and may then unmap its code (bar a release op, which is called for
 * as long as there are references, and then the structure of ops stays, too).
 *
 * Threads need not be registered anywhere. Sections nest. Other users of RCU in the same process,
 * with whatever library, are not affected, with one limit: the library registers fork handlers
 * for liburcu-bp, and a program that itself uses liburcu-bp must not register its own as well. A
 * fork() waits for the sections that a free under way waits for: it must not be called inside one,
 * nor, therefore, from an op.
 */
#ifndef DMAFENCE_RCU_H
#define DMAFENCE_RCU_H

#include <dmafence/link.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/**
 * dma_fence_rcu_read_lock - begins a read-side section
 *
 * Any thread, callbacks and ops included; never blocks. A section may take long, but while it
 * lasts nothing that was freed after it began leaves memory.
 */
void dma_fence_rcu_read_lock(void);

/** dma_fence_rcu_read_unlock - ends the section that dma_fence_rcu_read_lock() began */
void dma_fence_rcu_read_unlock(void);

/**
 * dma_fence_rcu_synchronize - waits for a grace period
 *
 * Returns when every read-side section that existed at the call has ended. Takes milliseconds.
 * Must not be called inside a section, nor from a callback or an op: that waits for itself.
 */
void dma_fence_rcu_synchronize(void);

/**
 * dma_fence_rcu_defer - calls a function after a grace period
 * @link: storage, in the object that is to be freed; the library's until @func is called, and
 *	@func's from then on. Its fields are the library's.
 * @func: called once, on a thread of the library's, after every read-side section that exists now
 *	has ended. It may free, and defer again; it must not wait.
 *
 * For a release op whose fence is found under RCU, and which has more to free than
 * dma_fence_free() does. Any thread, sections, callbacks and ops included. Waits for nothing but a
 * fork() that is under way. What is deferred while a grace period is under way shares the next one,
 * so that the cost of a grace period is spread over all that it frees.
 */
void dma_fence_rcu_defer(struct dma_fence_rcu_link *link,
			 void (*func)(struct dma_fence_rcu_link *link));

/**
 * dma_fence_rcu_barrier - waits until everything that was freed before is gone
 *
 * Returns when the memory of all that the calling thread passed to dma_fence_free() before, by a
 * last dma_fence_put() for instance, has been returned to malloc(), and the functions that it
 * passed to dma_fence_rcu_defer() have returned. For tests that look for leaks, and for who unloads
 * the code of such functions. The same restrictions as for dma_fence_rcu_synchronize().
 */
void dma_fence_rcu_barrier(void);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
