/* SPDX-License-Identifier: MIT */
/* Doing the commands of a batch. */
#ifndef SOFTGPU_EXECUTE_H
#define SOFTGPU_EXECUTE_H

#include "page-table.h"

/*
 * What a batch that is being done needs. Of the fault, execution fills in all but context, seqno,
 * batch, engine.
 */
struct execution {
	struct page_table *table;
	/*
	 * Called before each command and at least after each row, or 64 KiB, without the tile's
	 * lock: 0, or the error with which to stop. Cheap enough for that.
	 */
	int (*safe_point)(struct execution *execution);
	/*
	 * Called where a command waits (softgpu_wait, softgpu_hang) instead: the same, but may
	 * sleep, for as long as there is nothing to stop for, some 100 us at a time.
	 */
	int (*idle)(struct execution *execution);
	struct fault fault;
};

/*
 * -EINVAL if they make no sense, or are not for engines of that class. For SOFTGPU_NUM_CLASSES all
 * are. The bytes may be any, at any address.
 */
int softgpu_check_commands(enum softgpu_class engine_class, const void *commands, size_t size);

/*
 * Does commands that were found to make sense, and do not change. Returns 0; -EFAULT, with the
 * fault; what a safe point has returned; -ENOSPC, -ENOMEM.
 */
int softgpu_execute(struct execution *execution, const void *commands, size_t size);

#endif
