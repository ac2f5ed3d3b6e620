/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/clock.h"
#include "base/fork.h"
#include "base/hooks.h"
#include "base/lock.h"
#include "diag/hints.h"
#include "diag/mutants.h"
#include "diag/record.h"
#include "diag/running.h"
#include "diag/stack.h"
#include "diag/thread.h"
#include "fence/state.h"

struct part {
	struct lock lock;
	struct by_fence_table table;
} __attribute__((aligned(64)));

static struct part parts[BY_FENCE_PARTS];
static uint64_t missing;

/* Contexts that are known, a table of the last so many: older ones give way. */
#define CONTEXTS 4096

static struct lock contexts_lock;
static struct context_record contexts[CONTEXTS];

static struct lock wanted_lock;
static uint32_t wanted;
/* Changes before all of them are forgotten: who sees it set with a part's lock may add one there. */
static bool kept;

static struct part *part_of(const struct dma_fence *fence)
{
	return &parts[dma_fence_by_fence_part(fence)];
}

/* The rest with the lock of the part held. */

static struct record *find(const struct part *part, const struct dma_fence *fence)
{
	return (struct record *)dma_fence_by_fence_find(&part->table, fence);
}

static struct record *insert(struct part *part, struct dma_fence *fence)
{
	struct record *record = NULL;

	/* A hook that began before records were switched off: nobody would take it out again. */
	if (!atomic_load_relaxed(&kept) && !MUTANT(LATE_HOOK_RECORDS))
		return NULL;
	if (dma_fence_by_fence_make_room(&part->table))
		record = malloc(sizeof(*record));
	if (!record) {
		atomic_fetch_add_relaxed(&missing, 1);
		return NULL;
	}
	*record = (struct record){
		.base = { .fence = fence },
		.context = fence->context,
		.seqno = fence->seqno,
		.deadline = INT64_MAX,
	};
	dma_fence_by_fence_insert(&part->table, &record->base);
	return record;
}

static void take_out(struct part *part, struct record *gone)
{
	dma_fence_by_fence_take_out(&part->table, &gone->base);
	free(gone);
}

static struct record *find_or_insert(struct part *part, struct dma_fence *fence)
{
	struct record *record = find(part, fence);

	return record ? record : insert(part, fence);
}

/* Contexts */

/* With the lock held. */
static struct context_record *context_slot(uint64_t context)
{
	struct context_record *slot = &contexts[(context * UINT64_C(0x9e3779b97f4a7c15)) >> 52];

	if (slot->context != context)
		*slot = (struct context_record){ .context = context };
	return slot;
}

static void context_initialised(uint64_t context, uint64_t seqno)
{
	struct context_record *slot;

	lock_acquire(&contexts_lock);
	slot = context_slot(context);
	if (!slot->last_initialised || (int64_t)(seqno - slot->last_initialised) > 0)
		slot->last_initialised = seqno;
	lock_release(&contexts_lock);
}

static void context_signaled(uint64_t context, uint64_t seqno)
{
	const int32_t thread = dma_fence_thread_number();
	const int64_t now = clock_now();
	struct context_record *slot;

	lock_acquire(&contexts_lock);
	slot = context_slot(context);
	if (!slot->signaled || (int64_t)(seqno - slot->last_signaled) > 0)
		slot->last_signaled = seqno;
	slot->last_signaled_at = now;
	slot->last_signaled_by = thread;
	slot->signaled++;
	lock_release(&contexts_lock);
}

bool dma_fence_context_record(uint64_t context, struct context_record *record)
{
	const struct context_record *slot =
		&contexts[(context * UINT64_C(0x9e3779b97f4a7c15)) >> 52];
	bool known;

	lock_acquire(&contexts_lock);
	known = slot->context == context;
	*record = *slot;
	lock_release(&contexts_lock);
	return known;
}

/* Hooks */

static void on_init(struct dma_fence *fence)
{
	const int64_t now = clock_now();
	const uint32_t stack = dma_fence_stack_here();
	struct part *part = part_of(fence);
	struct record *record;

	lock_acquire(&part->lock);
	/* One that is there is of a fence whose storage was used again without a release. */
	record = find(part, fence);
	if (record)
		take_out(part, record);
	record = insert(part, fence);
	if (record) {
		record->created = now;
		record->created_by = stack;
		record->created_thread = dma_fence_thread_number();
	}
	lock_release(&part->lock);
	context_initialised(fence->context, fence->seqno);
}

static void on_release(struct dma_fence *fence)
{
	struct part *part = part_of(fence);
	struct record *record;

	lock_acquire(&part->lock);
	record = find(part, fence);
	if (record)
		take_out(part, record);
	lock_release(&part->lock);
}

static void on_enable(struct dma_fence *fence)
{
	struct part *part = part_of(fence);
	struct record *record;

	lock_acquire(&part->lock);
	record = find_or_insert(part, fence);
	if (record && !record->enabled)
		record->enabled = clock_now();
	lock_release(&part->lock);
}

static void on_set_deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	struct part *part = part_of(fence);
	struct record *record;

	/* The fence that everybody shares is one of these. */
	if (dma_fence_test_signaled_flag(fence))
		return;
	lock_acquire(&part->lock);
	record = find_or_insert(part, fence);
	if (record && deadline_ns < record->deadline)
		record->deadline = deadline_ns;
	lock_release(&part->lock);
}

static void on_signal(struct dma_fence *fence)
{
	struct part *part = part_of(fence);
	struct record *record;

	lock_acquire(&part->lock);
	record = find_or_insert(part, fence);
	if (record) {
		record->signaled = state_timestamp(atomic_load_relaxed(&fence->state));
		record->signaled_thread = dma_fence_thread_number();
	}
	lock_release(&part->lock);
	context_signaled(fence->context, fence->seqno);
}

/* The fence may be gone where its callback has run. */
static void count_callback(struct dma_fence *fence, int32_t change)
{
	struct part *part = part_of(fence);
	struct record *record;

	lock_acquire(&part->lock);
	record = find(part, fence);
	if (record)
		record->callbacks += change;
	lock_release(&part->lock);
}

static void on_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
			    void (*func)(struct dma_fence *, struct dma_fence_cb *), int result)
{
	(void)cb;
	(void)func;
	if (!result)
		count_callback(fence, 1);
}

static void on_remove_callback(struct dma_fence *fence, struct dma_fence_cb *cb, bool result)
{
	(void)cb;
	if (result && !MUTANT(CENSUS_LOSES_CALLBACKS))
		count_callback(fence, -1);
}

static void on_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)cb;
	count_callback(fence, -1);
}

static const struct hooks hooks = {
	.init = on_init,
	.release = on_release,
	.enable = on_enable,
	.set_deadline = on_set_deadline,
	.signal = on_signal,
	.add_callback = on_add_callback,
	.remove_callback = on_remove_callback,
	.callback = on_callback,
};

static void forget_all(void)
{
	uint32_t i, k;

	for (i = 0; i < BY_FENCE_PARTS; i++) {
		lock_acquire(&parts[i].lock);
		for (k = 0; k < parts[i].table.size; k++) {
			while (parts[i].table.buckets[k])
				take_out(&parts[i], (struct record *)parts[i].table.buckets[k]);
		}
		dma_fence_by_fence_free(&parts[i].table);
		lock_release(&parts[i].lock);
	}
}

void dma_fence_records_want(void)
{
	lock_acquire(&wanted_lock);
	if (!wanted++) {
		atomic_store_relaxed(&kept, true);
		dma_fence_hooks_add(&hooks);
		dma_fence_running_start();
		dma_fence_hints_start();
	}
	lock_release(&wanted_lock);
}

void dma_fence_records_unwant(void)
{
	lock_acquire(&wanted_lock);
	if (!--wanted) {
		atomic_store_relaxed(&kept, false);
		dma_fence_hints_stop();
		dma_fence_running_stop();
		dma_fence_hooks_remove(&hooks);
		forget_all();
	}
	lock_release(&wanted_lock);
}

bool dma_fence_records_kept(void)
{
	return atomic_load_relaxed(&kept);
}

bool dma_fence_record_visit(struct dma_fence *fence, bool make,
			    void (*func)(struct record *record, void *arg), void *arg)
{
	struct part *part = part_of(fence);
	struct record *record;

	lock_acquire(&part->lock);
	record = make ? find_or_insert(part, fence) : find(part, fence);
	if (record)
		func(record, arg);
	lock_release(&part->lock);
	return record;
}

void dma_fence_records_for_each(bool (*func)(struct record *record, void *arg), void *arg)
{
	struct by_fence *entry;
	bool more = true;
	uint32_t i, k;

	for (i = 0; more && i < BY_FENCE_PARTS; i++) {
		lock_acquire(&parts[i].lock);
		for (k = 0; more && k < parts[i].table.size; k++) {
			for (entry = parts[i].table.buckets[k]; more && entry; entry = entry->next)
				more = func((struct record *)entry, arg);
		}
		lock_release(&parts[i].lock);
	}
}

uint64_t dma_fence_records_missing(void)
{
	return atomic_load_relaxed(&missing);
}

/* A fork() in the middle of a hook of another thread would leave its lock held in the child. */
static void fork_prepare(void)
{
	uint32_t i;

	lock_acquire(&wanted_lock);
	for (i = 0; i < BY_FENCE_PARTS; i++)
		lock_acquire(&parts[i].lock);
	lock_acquire(&contexts_lock);
	dma_fence_hints_fork_prepare();
	dma_fence_running_fork_prepare();
}

static void release_locks(void)
{
	uint32_t i;

	dma_fence_hints_fork_done();
	lock_release(&contexts_lock);
	for (i = 0; i < BY_FENCE_PARTS; i++)
		lock_release(&parts[i].lock);
	lock_release(&wanted_lock);
}

static void fork_parent(void)
{
	dma_fence_running_fork_parent();
	release_locks();
}

static void fork_child(void)
{
	dma_fence_running_fork_child();
	release_locks();
}

__attribute__((constructor)) static void fork_handlers(void)
{
	static struct fork_handlers handlers = {
		.order = FORK_RECORDS,
		.prepare = fork_prepare,
		.parent = fork_parent,
		.child = fork_child,
	};

	dma_fence_at_fork(&handlers);
}
