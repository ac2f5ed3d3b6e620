/* SPDX-License-Identifier: MIT */
/*
 * dmafence/link.h - by what the library's own lists go through the structures of its users
 *
 * The fields are the library's: these are here because structures that users embed have room for
 * them, and for dma_fence_rcu_defer() (dmafence/rcu.h).
 */
#ifndef DMAFENCE_LINK_H
#define DMAFENCE_LINK_H

/* An entry of a thread's run queue. */
struct dma_fence_run_link {
	struct dma_fence_run_link *next;
};

/* A call that is deferred until a grace period has ended. */
struct dma_fence_rcu_link {
	struct dma_fence_rcu_link *next;
	void (*func)(struct dma_fence_rcu_link *link);
};

#endif
