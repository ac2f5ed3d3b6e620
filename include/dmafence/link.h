/* SPDX-License-Identifier: MIT */
/*
 * dmafence/link.h - by what the library's own lists go through the structures of its users
 *
 * Private: here only because structures that users embed have room for them.
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
