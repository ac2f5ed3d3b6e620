/* SPDX-License-Identifier: MIT */
/*
 * RCU, by liburcu's "bulletproof" flavour, whose readers need not register: the threads of a host
 * program know nothing of it.
 *
 * liburcu is LGPL and its inline functions stay out of our objects: only rcu.c includes its
 * header, and calls its functions out of line.
 */
#ifndef DMAFENCE_BASE_RCU_H
#define DMAFENCE_BASE_RCU_H

#include <dmafence/link.h>

/**
 * dma_fence_rcu_defer - calls a function after a grace period
 * @link: storage, in the object that is to be freed; rcu.c's until the function is called
 * @func: called on a thread of liburcu's, after every read-side section that exists now has ended
 *
 * Waits for nothing but a fork() that is under way. What is deferred while a grace period is under
 * way shares the next one, so that the cost of a grace period is spread over all that it frees.
 * Starts a thread when first used.
 */
void dma_fence_rcu_defer(struct dma_fence_rcu_link *link,
			 void (*func)(struct dma_fence_rcu_link *link));

#endif
