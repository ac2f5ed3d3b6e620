/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <dmafence/explain.h>

#include "base/hooks.h"
#include "base/lock.h"
#include "diag/hints.h"
#include "diag/mutants.h"
#include "diag/thread.h"
#include "fence/look.h"

#define BUCKETS 1024

struct signaler {
	struct signaler *next;
	uint64_t context;
	int32_t thread;
};

/* In a list by either fence. Both are there, for it goes before they do. */
struct dependency {
	struct dependency *next_of_fence, *next_of_on;
	struct dma_fence *fence, *on;
};

static struct lock lock;
static int started; /* changed under the lock */
static struct signaler *signalers[BUCKETS];
static struct dependency *of_fence[BUCKETS], *of_on[BUCKETS];
static uint64_t dependencies; /* how many; read without the lock */

static uint32_t hash(uint64_t number)
{
	return (uint32_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 54);
}

static uint32_t hash_of(const struct dma_fence *fence)
{
	return hash((uintptr_t)fence >> 4);
}

/* Signalers, with the lock held */

static struct signaler **find(uint64_t context)
{
	struct signaler **link = &signalers[hash(context)];

	while (*link && (*link)->context != context)
		link = &(*link)->next;
	return link;
}

void dma_fence_annotate_signaler(uint64_t context)
{
	const int32_t thread = dma_fence_thread_number();
	struct signaler **link;

	lock_acquire(&lock);
	link = find(context);
	if (started && !*link) {
		*link = calloc(1, sizeof(**link));
		if (*link)
			(*link)->context = context;
	}
	if (*link)
		(*link)->thread = thread;
	lock_release(&lock);
}

void dma_fence_annotate_no_signaler(uint64_t context)
{
	struct signaler **link, *gone;

	lock_acquire(&lock);
	link = find(context);
	gone = *link;
	if (gone)
		*link = gone->next;
	lock_release(&lock);
	free(gone);
}

int32_t dma_fence_hinted_signaler(uint64_t context)
{
	const struct signaler *signaler;
	int32_t thread;

	lock_acquire(&lock);
	signaler = *find(context);
	thread = signaler ? signaler->thread : 0;
	lock_release(&lock);
	return thread;
}

/* Dependencies, with the lock held */

static void take_out(struct dependency *gone)
{
	struct dependency **link;

	for (link = &of_fence[hash_of(gone->fence)]; *link != gone; link = &(*link)->next_of_fence)
		;
	*link = gone->next_of_fence;
	for (link = &of_on[hash_of(gone->on)]; *link != gone; link = &(*link)->next_of_on)
		;
	*link = gone->next_of_on;
	atomic_store_relaxed(&dependencies, dependencies - 1);
	free(gone);
}

static void put_in(struct dma_fence *fence, struct dma_fence *on)
{
	struct dependency *dependency = malloc(sizeof(*dependency));

	if (!dependency)
		return;
	*dependency = (struct dependency){
		.fence = fence,
		.on = on,
		.next_of_fence = of_fence[hash_of(fence)],
		.next_of_on = of_on[hash_of(on)],
	};
	of_fence[hash_of(fence)] = dependency;
	of_on[hash_of(on)] = dependency;
	atomic_store_relaxed(&dependencies, dependencies + 1);
}

static bool is_known(const struct dma_fence *fence, const struct dma_fence *on)
{
	const struct dependency *dependency = of_fence[hash_of(fence)];

	while (dependency && (dependency->fence != fence || dependency->on != on))
		dependency = dependency->next_of_fence;
	return dependency;
}

/* Who signals one of them meanwhile has set the flag before he comes here to have it forgotten. */
void dma_fence_annotate_dependency(struct dma_fence *fence, struct dma_fence *on)
{
	if (!fence || !on || !atomic_load_relaxed(&started))
		return;
	lock_acquire(&lock);
	if (started && !dma_fence_test_signaled_flag(fence) && !dma_fence_test_signaled_flag(on) &&
	    !is_known(fence, on))
		put_in(fence, on);
	lock_release(&lock);
}

uint32_t dma_fence_hinted_dependencies(const struct dma_fence *fence, struct dma_fence **on,
				       uint32_t room)
{
	const struct dependency *dependency;
	uint32_t count = 0;

	lock_acquire(&lock);
	for (dependency = of_fence[hash_of(fence)]; dependency && count < room;
	     dependency = dependency->next_of_fence) {
		if (dependency->fence != fence)
			continue;
		on[count] = dma_fence_get_unseen(dependency->on);
		count += !!on[count];
	}
	lock_release(&lock);
	return count;
}

static void forget(struct dma_fence *fence)
{
	struct dependency *dependency, *next;

	if (!atomic_load_relaxed(&dependencies))
		return;
	lock_acquire(&lock);
	for (dependency = of_fence[hash_of(fence)]; dependency; dependency = next) {
		next = dependency->next_of_fence;
		if (dependency->fence == fence)
			take_out(dependency);
	}
	for (dependency = of_on[hash_of(fence)]; dependency; dependency = next) {
		next = dependency->next_of_on;
		if (dependency->on == fence && !MUTANT(DEPENDENCY_KEPT))
			take_out(dependency);
	}
	lock_release(&lock);
}

static const struct hooks hooks = {
	.init = forget, /* in storage that was used before, without a release */
	.signal = forget,
	.release = forget,
};

/* Switching it on and off */

void dma_fence_hints_start(void)
{
	lock_acquire(&lock);
	atomic_store_relaxed(&started, 1);
	lock_release(&lock);
	dma_fence_hooks_add(&hooks);
}

void dma_fence_hints_stop(void)
{
	struct signaler *signaler;
	uint32_t i;

	dma_fence_hooks_remove(&hooks);
	lock_acquire(&lock);
	atomic_store_relaxed(&started, 0);
	for (i = 0; i < BUCKETS; i++) {
		while ((signaler = signalers[i])) {
			signalers[i] = signaler->next;
			free(signaler);
		}
		while (of_fence[i])
			take_out(of_fence[i]);
	}
	lock_release(&lock);
}

/* fork() */

void dma_fence_hints_fork_prepare(void)
{
	lock_acquire(&lock);
}

void dma_fence_hints_fork_done(void)
{
	lock_release(&lock);
}
