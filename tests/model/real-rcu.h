/* SPDX-License-Identifier: MIT */
/*
 * Other names for what src/base/rcu.c has, for itself and the scenarios that are about it: all
 * others have rcu.c of this folder.
 */
#ifndef TESTS_MODEL_REAL_RCU_H
#define TESTS_MODEL_REAL_RCU_H

#define dma_fence_rcu_read_lock	  real_rcu_read_lock
#define dma_fence_rcu_read_unlock real_rcu_read_unlock
#define dma_fence_rcu_synchronize real_rcu_synchronize
#define dma_fence_rcu_barrier	  real_rcu_barrier
#define dma_fence_rcu_defer	  real_rcu_defer

#endif
