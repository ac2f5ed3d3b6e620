/* SPDX-License-Identifier: MIT */
/*
 * The ticker: what somebody who waits through the watcher has to look after now and then, because
 * no fd tells of it.
 *
 * It is a timer, whose fd the watcher watches while there is anything to look after.
 */
#ifndef DMAFENCE_FD_TICKER_H
#define DMAFENCE_FD_TICKER_H

#include <stdbool.h>
#include <stdint.h>

/* How often that is. */
#define TICKER_NS 100000000

struct tick;

struct tick_ops {
	/*
	 * Takes a reference for @look; false if there are none left, and the object is about to be
	 * released. Called with the ticker's lock held.
	 */
	bool (*hold)(struct tick *tick);

	/* Called without a lock, on a thread that dispatches. Drops the reference. */
	void (*look)(struct tick *tick);
};

/* The fields are the ticker's, but for ops. The release of what it is embedded in stops it. */
struct tick {
	const struct tick_ops *ops;
	struct tick *next;
	struct tick *prev;
	uint32_t seen;
};

/* Makes sure that starting cannot fail. Returns 0, -ENOMEM, -EMFILE, -ENFILE. */
int dma_fence_ticker_register(void);
void dma_fence_ticker_unregister(void);

void dma_fence_ticker_start(struct tick *tick);

/* From now on @hold is not called; @look may still be running, or about to. */
void dma_fence_ticker_stop(struct tick *tick);

/* Around a fork(), for fd/sync-file.c. */
void dma_fence_ticker_fork_prepare(void);
void dma_fence_ticker_fork_parent(void);
void dma_fence_ticker_fork_child(void);

#endif
