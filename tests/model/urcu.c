/* SPDX-License-Identifier: MIT */
/* liburcu's functions that src/base/rcu.c calls, for scenarios whose subject that is. */
#include <stddef.h>
#include <urcu/urcu-bp.h>

#include "explore.h"
#include "memory.h"
#include "step.h"

#define caller() __builtin_return_address(0)

void urcu_bp_read_lock(void)
{
	step_read_lock(caller());
}

void urcu_bp_read_unlock(void)
{
	step_read_unlock(caller());
}

void urcu_bp_synchronize_rcu(void)
{
	step_synchronize(caller());
}

static void call(void *arg)
{
	struct rcu_head *head = arg;

	head->func(head);
}

void urcu_bp_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	memory_access(&head->func, sizeof(head->func), PLAIN_STORE, caller());
	head->func = func;
	step_defer(head, call, caller());
}

struct call_rcu_data *urcu_bp_get_default_call_rcu_data(void)
{
	return NULL;
}

/* No scenario forks. */
void urcu_bp_before_fork(void)
{
}

void urcu_bp_after_fork_parent(void)
{
}

void urcu_bp_after_fork_child(void)
{
}

void urcu_bp_call_rcu_before_fork(void)
{
}

void urcu_bp_call_rcu_after_fork_parent(void)
{
}

void urcu_bp_call_rcu_after_fork_child(void)
{
}
