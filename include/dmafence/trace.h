/* SPDX-License-Identifier: MIT */
/*
 * dmafence/trace.h - what happened, for a viewer of traces
 *
 * While it is on, the flight recorder keeps the latest of what happens to fences: that one was
 * made, enabled, signaled or released, that a callback ran, that a thread waited. When something
 * went wrong, or took too long, dma_fence_trace_write() writes it down in the format of Chrome's
 * trace viewer, for ui.perfetto.dev or chrome://tracing:
 *
 *	dma_fence_trace_start(0);
 *	...
 *	dma_fence_trace_write(file);
 *
 * Or, without a change to the program, DMA_FENCE_TRACE=trace.json in its environment: it is
 * recorded from the beginning, and written when the program ends by exit() or from main(). "%p" in
 * that name is the number of the process. If the file cannot be written that is said in one line on
 * stderr.
 * The file is emptied at the beginning, and stays so if the process ends by _exit() or a signal.
 *
 * What is to be seen
 * ==================
 * - A track for each thread, with its waits and callbacks as slices, and marks where it has made,
 *   enabled, signaled and released fences.
 * - A track for each context, named "driver timeline (number)", with a slice for each of its
 *   fences: from when it was made, or the one before it had signaled, until it signaled. That is
 *   the time for which the engine worked on it, if it does one thing after the other. Those that
 *   are pending reach to the end.
 * - Arrows, from where a fence was signaled to the end of each wait that ended with that.
 *
 * Times are those of CLOCK_MONOTONIC. The time at which a fence was signaled is that of the call;
 * its timestamp, which may be the hardware's, is with it. Where a thread that was waiting was
 * faster than the recorder on the thread that signaled, the signal is put before the wake-up.
 *
 * What it costs
 * =============
 * Each thread records into memory of its own, without a lock, and reads the clock once for each
 * event: less than 50 ns. When that memory is full the oldest events make room. What threads have
 * recorded that have ended is kept, of the last 32. Unless it was started nothing is recorded, and
 * it costs nothing.
 *
 * The names of a context are asked for while one of its fences is pending, when somebody waits for
 * it, adds a callback to it or enables it: the ops that return names may be called then, with the
 * locks that such a caller holds, as ops->enable_signaling may. Of contexts of which nobody does
 * that only the number is known; and of more than some hundred contexts some may lose their names
 * again.
 *
 * The child of a fork() records on, and begins with nothing; it does not write the file of
 * DMA_FENCE_TRACE, which is its parent's.
 */
#ifndef DMAFENCE_TRACE_H
#define DMAFENCE_TRACE_H

#include <stddef.h>
#include <stdio.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/**
 * dma_fence_trace_start - records from now on
 * @bytes_per_thread: how much memory each thread has for it, at least a page; 0: 1 MiB, or what it
 *	was before. 48 bytes hold an event.
 *
 * What was recorded before is kept; but a thread whose memory is of another size gets new memory
 * with its next event, and what it has recorded is gone. May be called while it is on. Any thread.
 *
 * Returns 0, or -EAGAIN if the process has no thread-specific data left.
 */
int dma_fence_trace_start(size_t bytes_per_thread);

/**
 * dma_fence_trace_stop - records no more
 *
 * What was recorded is kept. Any thread; others may be recording an event while this returns.
 */
void dma_fence_trace_stop(void);

/** dma_fence_trace_clear - forgets what was recorded; memory of threads that have ended is freed */
void dma_fence_trace_clear(void);

/**
 * dma_fence_trace_write - writes what was recorded, as JSON
 * @out: where to; flushed, not closed
 *
 * May be called while events are recorded, by any thread; it takes long, some seconds for a million
 * events. Allocates about four times what was recorded. Returns 0; -ENOMEM, with nothing written;
 * or another negative errno if writing failed.
 */
int dma_fence_trace_write(FILE *out);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
