/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "base/fork-mutants.h"
#include "base/fork.h"
#include "base/lock.h"
#include "fence/listed.h"

/* Threads that wait are not to wait for each other. */
#define PART_BITS 4
#define PARTS	  (1 << PART_BITS)

static struct part {
	struct lock lock;
	struct listed_wait *first;
} __attribute__((aligned(64))) parts[PARTS];

/* Of a thread it is mostly the same: stacks lie far from each other. */
static struct part *part_of(const struct listed_wait *wait)
{
	const uint64_t page = (uintptr_t)wait >> 12;

	return &parts[page * UINT64_C(0x9e3779b97f4a7c15) >> (64 - PART_BITS)];
}

void dma_fence_listed_begin(struct listed_wait *wait)
{
	struct part *part = part_of(wait);

	if (MODEL_OR(true, false)) /* without forks */
		return;
	wait->prev = NULL;
	lock_acquire(&part->lock);
	wait->next = part->first;
	if (part->first)
		part->first->prev = wait;
	part->first = wait;
	lock_release(&part->lock);
}

void dma_fence_listed_end(struct listed_wait *wait)
{
	struct part *part = part_of(wait);

	if (MODEL_OR(true, false))
		return;
	lock_acquire(&part->lock);
	if (wait->next)
		wait->next->prev = wait->prev;
	*(wait->prev ? &wait->prev->next : &part->first) = wait->next;
	lock_release(&part->lock);
}

/* fork() */

static void fork_prepare(void)
{
	int i;

	for (i = 0; i < PARTS; i++)
		lock_acquire(&parts[i].lock);
}

static void fork_parent(void)
{
	int i;

	for (i = 0; i < PARTS; i++)
		lock_release(&parts[i].lock);
}

static void fork_child(void)
{
	const struct listed_wait *wait;
	int i;

	for (i = 0; i < PARTS; i++) {
		for (wait = parts[i].first; wait && !MUTANT(CHILD_KEEPS_WAITS); wait = wait->next)
			wait->forget(wait);
		parts[i].first = NULL;
	}
	fork_parent();
}

__attribute__((constructor)) static void fork_handlers(void)
{
	static struct fork_handlers handlers = {
		.order = FORK_WAITS,
		.prepare = fork_prepare,
		.parent = fork_parent,
		.child = fork_child,
	};

	dma_fence_at_fork(&handlers);
}
