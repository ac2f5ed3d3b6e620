/* SPDX-License-Identifier: MIT */
/*
 * The watcher, as the rest of src/fd sees it: see dmafence/watcher.h.
 *
 * What can be watched is registered first, which is where memory and fds are needed, and may fail.
 * Watching, later, when somebody waits, cannot: where the kernel has no room for another fd it is
 * tried again, every few milliseconds.
 *
 * A watch is embedded in an object that is counted by references. The watcher has none: the release
 * of the object unregisters the watch.
 */
#ifndef DMAFENCE_FD_WATCHER_H
#define DMAFENCE_FD_WATCHER_H

#include <stdbool.h>
#include <stdint.h>

struct watch;

struct watch_ops {
	/*
	 * Takes a reference for @ready; false if there are none left, and the object is about to be
	 * released: unless the watch lasts it is not being watched any more. Called with the
	 * watcher's lock held.
	 */
	bool (*hold)(struct watch *watch);

	/*
	 * The fd is ready. Called without a lock, on the thread that dispatches. Drops the
	 * reference. Unless the watch lasts, it is not being watched any more.
	 */
	void (*ready)(struct watch *watch);
};

/* The fields are the watcher's, but for those that the owner sets before it is registered. */
struct watch {
	const struct watch_ops *ops; /* the owner's */
	int fd;			     /* the owner's */
	uint32_t site;		     /* the owner's: who is to blame for the fd, see fd/site.h */
	bool lasting;		     /* the owner's: each event counts, not just the first */
	bool for_writing;	     /* the owner's: it is ready when it can be written to */
	uint32_t slot;
};

/* Registers what is to be watched later; 0 or -ENOMEM. */
int dma_fence_watcher_register(struct watch *watch);

/* If it was being watched it is not any more. From then on @hold is not called. */
void dma_fence_watcher_unregister(struct watch *watch);

/*
 * From now on @ready is called, if it is not already: when the fd is readable (or writable) or has
 * hung up.
 */
void dma_fence_watcher_watch(struct watch *watch);

/* It is not being watched any more. @ready may still be running, or about to. */
void dma_fence_watcher_unwatch(struct watch *watch);

/* Calls @func for each that is registered, with the lock held. */
void dma_fence_watcher_for_each(void (*func)(const struct watch *watch, void *arg), void *arg);

/* Around a fork(), for fd/sync-file.c. */
void dma_fence_watcher_fork_prepare(void);
void dma_fence_watcher_fork_parent(void);
void dma_fence_watcher_fork_child(void);

#endif
