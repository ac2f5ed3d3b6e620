/* SPDX-License-Identifier: MIT */
/*
 * dmafence/census.h - which fences are there?
 *
 * A program that runs for days gets slower, or bigger: somewhere fences are made that nobody drops,
 * or promised that nobody signals, or called back from by who has long gone. All of these are
 * alive. The census counts them, by the line of the program that has made them and with the age of
 * the oldest: the line that leaks a fence in each frame is the first.
 *
 * Fences
 * ======
 * Fences are counted while there are records of them: from dma_fence_census_start() on, or from the
 * start of the program with DMA_FENCE_DEBUG=records in the environment. Of a fence that is older
 * than that the census knows from the first time on that somebody waits for it or signals it; where
 * it was made it does not know, nor of callbacks that were added before.
 *
 * A record takes less than 200 bytes, and a tenth or two of a microsecond when the fence is made.
 *
 * The place in the program is the innermost function that is not the library's. Where that is a
 * function through which all of a program's fences come (a pool, a wrapper), it is that.
 *
 * Quarantine
 * ==========
 * The fences in quarantine (dmafence/report.h) are known without records, always: which, since
 * when, who dropped the last reference, and whether it was signaled after all.
 *
 * Leaks
 * =====
 * With DMA_FENCE_DEBUG=leaks in the environment the library says, when the program ends by exit()
 * or by returning from main(), what is left: the census of the fences that are alive, those in
 * quarantine, and the census of fds (dmafence/sync-file.h). It does so on stderr, after the
 * program's functions for atexit() and its destructors, and after it has waited, for a second at
 * most, for what was deferred until the end of a grace period. Where nothing is left it says
 * nothing. With the ledger on as well ("leaks,ledger") it says of twenty fences who took the
 * references that nobody has dropped.
 *
 * With DMA_FENCE_LEAKS_EXIT=STATUS as well, from 1 to 255, a process that has left something ends
 * with that status, whatever its own was: for tests. What stdio holds is written before;
 * destructors of libraries that would come after are not called.
 *
 * A process that ends by _exit(), abort() or a signal says nothing, and so does the child of a
 * fork() that executes another program. The child that ends by exit() has copies of its parent's
 * fences, and says so of what it has not put.
 */
#ifndef DMAFENCE_CENSUS_H
#define DMAFENCE_CENSUS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** struct dma_fence_count - the fences that one place in the program has made, and are alive */
struct dma_fence_count {
	/** @site: where the function returned to; NULL if it is not known */
	const void *site;
	/** @fences: how many, those in quarantine included */
	uint64_t fences;
	/** @pending: of these, those that have not signaled */
	uint64_t pending;
	/** @signaled: of these, those that have */
	uint64_t signaled;
	/** @callbacks: on these, that have not run; also the library's own, as those of arrays */
	uint64_t callbacks;
	/** @quarantined: of these, those in quarantine, whether they have signaled or not */
	uint64_t quarantined;
	/** @oldest_ns: the age of the oldest, in nanoseconds; 0 if it is not known */
	int64_t oldest_ns;
};

/**
 * dma_fence_census_start - has records kept of all fences from now on
 *
 * Each call of it is undone by one of dma_fence_census_stop().
 */
void dma_fence_census_start(void);

/**
 * dma_fence_census_stop - undoes one dma_fence_census_start()
 *
 * When nothing else wants records, they are forgotten.
 */
void dma_fence_census_stop(void);

/**
 * dma_fence_census - counts the fences that are alive
 * @counts: where to; may be NULL if @room is 0
 * @room: how many entries it has
 *
 * The most come first. While other threads make and drop fences each is counted as it was at some
 * time during the call. Without records it counts those in quarantine alone. Takes some
 * milliseconds, for it looks up the names of places.
 *
 * Any thread may call it, not from inside of a callback that has to be fast. Returns how many
 * places there are, maybe more than @room; -EINVAL if @counts is NULL and @room is not 0; -ENOMEM.
 */
int dma_fence_census(struct dma_fence_count *counts, size_t room);

/**
 * dma_fence_census_print - the census as text
 * @out: where to; a line per place, with function, file and line where these are known
 *
 * Says so if there are no records. Returns 0 or -ENOMEM.
 */
int dma_fence_census_print(FILE *out);

/** dma_fence_quarantined_count - how many fences have gone into quarantine so far */
uint64_t dma_fence_quarantined_count(void);

/**
 * dma_fence_quarantined_print - says of each fence in quarantine how it came there
 * @out: where to; for each a line and the stack that dropped the last reference, oldest first
 */
void dma_fence_quarantined_print(FILE *out);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
