/* SPDX-License-Identifier: MIT */
/*
 * dmafence/watcher.h - who watches the fds of imported fences
 *
 * A fence that was imported from an fd (dmafence/sync-file.h), or from a sync object of another
 * process (dmafence/syncobj.h), signals when something happens outside of this process. Somebody
 * has to be there to see it: the watcher. It watches only what somebody waits for: a fence on which
 * signaling has been enabled.
 *
 * If nothing is said it is a thread of the library. There is one for the process, it is started
 * when there is something to watch, and ends when there is nothing more. Callbacks of imported
 * fences run on it. It blocks all signals.
 *
 * A program with an event loop can be the watcher itself: it takes the fd, polls it with its own,
 * and calls dma_fence_watcher_dispatch() when that is readable. Then callbacks of imported fences
 * run in there, on a thread of the program, and no thread of the library exists.
 *
 *	loop_add(loop, dma_fence_watcher_get_fd(), READABLE, on_readable);
 *	...
 *	static void on_readable(...)
 *	{
 *		dma_fence_watcher_dispatch();
 *	}
 *
 * A thread that waits for an imported fence must then not be the one that dispatches.
 *
 * In the child of a fork() the library watches, whatever the program did before: the fd is closed.
 */
#ifndef DMAFENCE_WATCHER_H
#define DMAFENCE_WATCHER_H

#include <dmafence/fence.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/**
 * dma_fence_watcher_get_fd - from now on the program is the watcher
 *
 * If a thread of the library watches it ends before this returns; not to be called from a callback.
 *
 * Returns an fd that is readable when dma_fence_watcher_dispatch() has something to do: the
 * library's, for poll(), epoll or the like and nothing else, valid until as many calls of
 * dma_fence_watcher_put_fd() have been made as there were of this. Or -EMFILE, -ENFILE, -ENOMEM,
 * -EDEADLK in a callback.
 */
int dma_fence_watcher_get_fd(void);

/**
 * dma_fence_watcher_put_fd - the program does not want to be the watcher any more
 *
 * With the last of these a thread of the library takes over, if there is something to watch.
 */
void dma_fence_watcher_put_fd(void);

/**
 * dma_fence_watcher_dispatch - signals the imported fences whose fds are ready
 *
 * Does not wait. Takes at most some dozens at a time, so that a loop stays fair: if there are more
 * the fd is still readable. May be called by several threads at once.
 *
 * Returns how many fds it has seen to, or -EINVAL if the program is not the watcher.
 */
int dma_fence_watcher_dispatch(void);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
