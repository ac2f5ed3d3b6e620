/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include <dmafence/census.h>

#include "base/clock.h"
#include "base/fork.h"
#include "base/lock.h"
#include "diag/escape.h"
#include "diag/mutants.h"
#include "diag/quarantined.h"
#include "diag/record.h"
#include "diag/stack.h"
#include "diag/symbols.h"
#include "diag/thread.h"

/* A power of two. */
#define BUCKETS 1024

static struct lock lock;
static struct quarantined *first, **end = &first;
static struct quarantined *buckets[BUCKETS];
static uint64_t count;
static uint64_t missing;

static struct quarantined **bucket_of(const struct dma_fence *fence)
{
	const uint64_t hash = ((uintptr_t)fence >> 4) * UINT64_C(0x9e3779b97f4a7c15);

	return &buckets[hash >> 54];
}

/* The rest with the lock held, but where it says otherwise. */

/* Its storage may be the program's, in which there was another one before: the newest. */
static struct quarantined *find(const struct dma_fence *fence)
{
	struct quarantined *entry = *bucket_of(fence);

	while (entry && (entry->fence != fence || entry->context != fence->context ||
			 entry->seqno != fence->seqno))
		entry = entry->next_of_bucket;
	return entry;
}

static void insert(struct quarantined *entry)
{
	struct quarantined **bucket = bucket_of(entry->fence);

	entry->next_of_bucket = *bucket;
	*bucket = entry;
	*end = entry;
	end = &entry->next;
}

/* Without the lock. */
static void copy_creation(struct record *record, void *arg)
{
	struct quarantined *entry = arg;

	entry->created = record->created;
	entry->created_by = record->created_by;
}

/* Without the lock. */
static void describe(struct quarantined *entry, struct dma_fence *fence)
{
	*entry = (struct quarantined){
		.fence = fence,
		.context = fence->context,
		.seqno = fence->seqno,
	};
	dma_fence_escape_names(entry->names, sizeof(entry->names), fence);
	dma_fence_record_visit(fence, false, copy_creation, entry);
}

/* Completes the entry of a fence by what is set in 'known', or makes that its entry. */
static void enter(struct dma_fence *fence, const struct quarantined *known)
{
	struct quarantined *fresh = malloc(sizeof(*fresh)), *entry;

	if (fresh)
		describe(fresh, fence);
	lock_acquire(&lock);
	entry = find(fence);
	if (entry && entry->since && known->since)
		entry = NULL;
	if (!entry && fresh) {
		entry = fresh;
		fresh = NULL;
		insert(entry);
	}
	if (!entry) {
		missing += known->since != 0;
	} else if (known->since) {
		count++;
		entry->since = known->since;
		entry->thread = known->thread;
		entry->dropped_by = known->dropped_by;
	}
	if (entry && !entry->signaled)
		entry->signaled = known->signaled;
	lock_release(&lock);
	free(fresh);
}

/* That it was signaled may be told before that it was dropped. */
void dma_fence_quarantined_fault(enum dma_fence_report_reason reason, struct dma_fence *fence)
{
	struct quarantined known = { 0 };
	const int64_t now = clock_now();

	if (reason == DMA_FENCE_REPORT_QUARANTINE) {
		known.since = now;
		known.thread = dma_fence_thread_number();
		known.dropped_by = dma_fence_stack_here();
		if (dma_fence_test_signaled_flag(fence))
			known.signaled = now;
	} else if (reason == DMA_FENCE_REPORT_LATE_SIGNAL && !MUTANT(LATE_SIGNAL_FORGOTTEN)) {
		known.signaled = now;
	} else {
		return;
	}
	enter(fence, &known);
}

const struct quarantined *dma_fence_quarantined_next(const struct quarantined *previous,
						     struct quarantined *copy)
{
	const struct quarantined *entry;

	lock_acquire(&lock);
	entry = previous ? previous->next : first;
	while (entry && !entry->since)
		entry = entry->next;
	if (entry)
		*copy = *entry;
	lock_release(&lock);
	return entry;
}

uint64_t dma_fence_quarantined_missing(void)
{
	uint64_t number;

	lock_acquire(&lock);
	number = missing;
	lock_release(&lock);
	return number;
}

/* For the program; without the lock. */

uint64_t dma_fence_quarantined_count(void)
{
	uint64_t number;

	lock_acquire(&lock);
	number = count + missing;
	lock_release(&lock);
	return number;
}

static double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

static void print(const struct quarantined *entry, int64_t now, FILE *out)
{
	char thread[64];

	dma_fence_thread_describe(entry->thread, thread, sizeof(thread));
	fprintf(out,
		"fence %" PRIu64 ":%" PRIu64 " of %s: %.1f s in quarantine, dropped by thread %s",
		entry->context, entry->seqno, entry->names, seconds(now - entry->since), thread);
	if (entry->signaled)
		fprintf(out, ", signaled %.3f s later", seconds(entry->signaled - entry->since));
	fputs(":\n", out);
	dma_fence_stack_print(out, entry->dropped_by, "  ");
}

static void print_all(FILE *out)
{
	const struct quarantined *entry = NULL;
	const int64_t now = clock_now();
	struct quarantined copy;

	dma_fence_symbols_begin();
	while ((entry = dma_fence_quarantined_next(entry, &copy)))
		print(&copy, now, out);
	dma_fence_symbols_end();
}

/* Not while symbols are looked up: who has that file locked may be waiting to look up his own. */
void dma_fence_quarantined_print(FILE *out)
{
	const uint64_t number = dma_fence_quarantined_missing();
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	if (memory) {
		print_all(memory);
		fclose(memory);
	}
	fputs(text ? text : "no memory for saying what is in quarantine\n", out);
	free(text);
	if (number)
		fprintf(out, "%" PRIu64 " more in quarantine, of which nothing is known\n", number);
}

static void fork_prepare(void)
{
	lock_acquire(&lock);
}

static void fork_done(void)
{
	lock_release(&lock);
}

__attribute__((constructor)) static void fork_handlers(void)
{
	static struct fork_handlers handlers = {
		.order = FORK_QUARANTINED,
		.prepare = fork_prepare,
		.parent = fork_done,
		.child = fork_done,
	};

	dma_fence_at_fork(&handlers);
}
