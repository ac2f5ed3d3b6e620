/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stddef.h>

#include "base/fork.h"
#include "base/lock.h"

static struct lock lock;
static struct fork_handlers *first, *last;

/* Behind those of the same order, and of lower ones. */
void dma_fence_at_fork(struct fork_handlers *handlers)
{
	struct fork_handlers *after;

	lock_acquire(&lock);
	for (after = last; after && after->order > handlers->order; after = after->prev)
		;
	handlers->prev = after;
	handlers->next = after ? after->next : first;
	*(after ? &after->next : &first) = handlers;
	*(handlers->next ? &handlers->next->prev : &last) = handlers;
	lock_release(&lock);
}

static void prepare(void)
{
	const struct fork_handlers *handlers;

	lock_acquire(&lock);
	for (handlers = first; handlers; handlers = handlers->next)
		if (handlers->prepare)
			handlers->prepare();
}

static void in_parent(void)
{
	const struct fork_handlers *handlers;

	for (handlers = last; handlers; handlers = handlers->prev)
		if (handlers->parent)
			handlers->parent();
	lock_release(&lock);
}

static void in_child(void)
{
	const struct fork_handlers *handlers;

	for (handlers = last; handlers; handlers = handlers->prev)
		if (handlers->child)
			handlers->child();
	lock_release(&lock);
}

__attribute__((constructor)) static void get_ready(void)
{
	pthread_atfork(prepare, in_parent, in_child);
}
