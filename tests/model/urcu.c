/* SPDX-License-Identifier: MIT */
/* liburcu's functions that src/base/rcu.c calls, for scenarios whose subject that is. */
#include <stddef.h>
#include <urcu/urcu-bp.h>

#include "explore.h"
#include "memory.h"
#include "step.h"

#define caller() __builtin_return_address(0)

static void section_step(enum op_kind kind, void *pc)
{
	current->op = (struct op){
		.kind = kind,
		.location = memory_pseudo_location(PSEUDO_RCU),
		.pc = pc,
	};
	take_step();
}

void urcu_bp_read_lock(void)
{
	if (current->nesting)
		current->nesting++;
	else
		section_step(OP_READ_LOCK, caller());
}

void urcu_bp_read_unlock(void)
{
	if (current->nesting > 1)
		current->nesting--;
	else
		section_step(OP_READ_UNLOCK, caller());
}

void urcu_bp_synchronize_rcu(void)
{
	section_step(OP_SYNCHRONIZE, caller());
	current->op = (struct op){ .kind = OP_SYNCHRONIZED, .pc = caller() };
	take_step();
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
