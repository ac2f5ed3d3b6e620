/* SPDX-License-Identifier: MIT */
/*
 * fork(): what is locked before it, in which order, and what the child forgets.
 *
 * A child has only the thread that forked. What the others had locked would stay so for ever: who
 * forks takes all locks that the child may want, and both sides release them. In one place, for it
 * is the order that counts:
 *
 * - First it waits for what waits for readers: grace periods that are under way end before any lock
 *   is taken, and none begins after that. For a reader may want one of the locks.
 * - Then the locks, as they are taken elsewhere, one inside the other.
 * - Last what readers take for a moment: a thread may become one with any of the locks held.
 */
#ifndef DMAFENCE_BASE_FORK_H
#define DMAFENCE_BASE_FORK_H

/* From the outermost lock to the innermost. */
enum fork_order {
	FORK_GRACE_PERIODS,
	FORK_SYMBOLS,
	FORK_SYNCOBJS,
	FORK_SYNC_FILES,
	FORK_TIMELINES,
	FORK_HANGS,
	FORK_TRACE,
	FORK_TRACE_NAMES,
	FORK_THREADS,
	FORK_RECORDS,
	FORK_QUARANTINED,
	FORK_LOCK_GRAPH,
	FORK_LEDGER,
	FORK_SLEEPERS,
	FORK_REPORTS,
	FORK_HOOKS,
	FORK_WAITS,
	FORK_READERS,
};

/* Each may be NULL. @prepare is called in order, the others in the opposite one. */
struct fork_handlers {
	enum fork_order order;
	void (*prepare)(void);
	void (*parent)(void);
	void (*child)(void);
	/* For base/fork.c. */
	struct fork_handlers *next, *prev;
};

/*
 * For good, and in a constructor: who forks keeps others out of this while he waits for readers, of
 * whom nobody may be on his way here.
 */
void dma_fence_at_fork(struct fork_handlers *handlers);

#endif
