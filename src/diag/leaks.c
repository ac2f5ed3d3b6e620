/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <dmafence/census.h>
#include <dmafence/rcu.h>
#include <dmafence/sync-file.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/park.h"
#include "diag/leaks.h"
#include "diag/ledger.h"
#include "diag/mutants.h"
#include "diag/record.h"

/* For how long the end of the program waits for grace periods. */
#define PATIENCE_NS INT64_C(1000000000)

/* Of so many fences is told who took references. */
#define DETAILED 20

static struct lock lock;
static bool started;
static int exit_status; /* 0: the program's own */

static int status_from_environment(void)
{
	const char *text = getenv("DMA_FENCE_LEAKS_EXIT");
	char *end;
	long status;

	if (!text || !*text)
		return 0;
	status = strtol(text, &end, 10);
	if (*end || status < 1 || status > 255) {
		fprintf(stderr,
			"dmafence: DMA_FENCE_LEAKS_EXIT: '%s' is not a number from 1 to 255\n",
			text);
		return 0;
	}
	return (int)status;
}

void dma_fence_leaks_start(void)
{
	lock_acquire(&lock);
	if (!started) {
		started = true;
		exit_status = status_from_environment();
		dma_fence_records_want();
	}
	lock_release(&lock);
}

/* What is deferred until the end of a grace period. */
struct deferred {
	struct dma_fence_rcu_link link;
	uint32_t done;
};

static void has_come(struct dma_fence_rcu_link *link)
{
	struct deferred *deferred = (struct deferred *)(void *)link;

	atomic_store_release(&deferred->done, 1);
	dma_fence_park_wake(&deferred->done);
}

/*
 * What drops references when a grace period has ended drops them before ours comes; and once more,
 * for what is deferred then. Not dma_fence_rcu_barrier(): a thread that sleeps in a read-side
 * section must not keep the program from ending.
 */
static void await_deferred(void)
{
	static struct deferred rounds[2]; /* it may come when nobody waits any more */
	const int64_t deadline = clock_now() + PATIENCE_NS;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		dma_fence_rcu_defer(&rounds[i].link, has_come);
		while (!atomic_load_acquire(&rounds[i].done)) {
			if (dma_fence_park_wait(&rounds[i].done, 0, deadline) == -ETIMEDOUT)
				return;
		}
	}
}

struct left {
	struct dma_fence *fence;
	uint64_t context;
	uint64_t seqno;
};

struct some_left {
	struct left left[DETAILED];
	unsigned int count;
};

static bool note(struct record *record, void *arg)
{
	struct some_left *some = arg;

	some->left[some->count++] = (struct left){
		.fence = record->base.fence,
		.context = record->context,
		.seqno = record->seqno,
	};
	return some->count < DETAILED;
}

/* Who took the references that nobody has dropped. */
static void print_unmatched(FILE *out)
{
	struct some_left some = { .count = 0 };
	unsigned int i;
	char *text;

	if (!dma_fence_ledger_is_on())
		return;
	dma_fence_records_for_each(note, &some);
	for (i = 0; i < some.count; i++) {
		text = dma_fence_ledger_leak(some.left[i].fence);
		if (text)
			fprintf(out, "fence %" PRIu64 ":%" PRIu64 ":\n%s", some.left[i].context,
				some.left[i].seqno, text);
		free(text);
	}
}

/* Returns whether something is left. */
static bool tell(FILE *out)
{
	/* First: that lets go of what was exported, and then closed everywhere. */
	const bool fds = dma_fence_fd_census(NULL, 0) > 0;
	const bool fences = dma_fence_census(NULL, 0) || dma_fence_quarantined_count();

	if (!fences && !fds)
		return false;
	fprintf(out, "dmafence: left when process %d ended:\n", (int)getpid());
	if (fences) {
		dma_fence_census_print(out);
		print_unmatched(out);
		dma_fence_quarantined_print(out);
	}
	if (fds) {
		fprintf(out, "fds of sync files:\n");
		dma_fence_fd_census_print(out);
	}
	return true;
}

/* After all that is the program's: of the library's destructors the last. */
__attribute__((destructor(101))) static void program_ends(void)
{
	if (!started)
		return;
	if (!MUTANT(LEAKS_TOO_SOON))
		await_deferred();
	/*
	 * Once more, in the middle of it: it goes on with what is left to do, which is to write what
	 * stdio holds. fflush(NULL) would wait for a thread that is reading from a stream.
	 */
	if (tell(stderr) && exit_status)
		exit(exit_status);
}
