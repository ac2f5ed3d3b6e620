/* SPDX-License-Identifier: MIT */
/*
 * dmafence/hang.h - what hangs is explained, unasked
 *
 * A thread sleeps in dma_fence_wait(), and the fence does not signal. Nobody crashes, nobody says
 * anything, until somebody looks. The hang watch looks: a fence that somebody has been waiting for
 * for longer than a limit is reported, once, with DMA_FENCE_REPORT_HANG (dmafence/report.h), and in
 * the details is explained why it has not signaled.
 *
 * Who waits
 * =========
 * A thread in a wait, for one fence or for one of several, or through a sync object; a callback; a
 * sync file that was exported; an eventfd for a point that somebody has promised. A fence that nobody waits for may take as long as it
 * likes, also if signaling was enabled.
 *
 * An array that waits for its members, a chain that waits for what comes before, and a promise that
 * waits for the fence with which it was kept, do so for others: what these wait for is reported,
 * and not each of a thousand members as well.
 *
 * Who asks again and again, each time with a time limit, waits as well: of waits between which
 * there are less than a quarter of the limit each goes on where the last one ended.
 *
 * Who waits for a point of a sync object that nobody has promised waits, too, though there is no
 * fence; of a wait for several, the first such point is reported.
 *
 * A fence that has signaled does not hang, though its callbacks may still run.
 *
 * What it costs
 * =============
 * Records of all fences (dmafence/census.h), and as much again for each wait and each callback, and
 * about a hundred bytes for each fence that is being waited for. Where there is no memory for that
 * the fence is not watched. While somebody waits there is a thread, which sleeps until the limit of
 * the oldest wait is over. If nobody waits then it ends. It blocks all signals.
 *
 * The report is made on that thread: the handler runs there, and may be the one that drops the last
 * reference, if all others were dropped meanwhile.
 *
 * In the child of a fork() the callbacks of its fences are watched from the first wait or callback
 * on that it adds itself.
 */
#ifndef DMAFENCE_HANG_H
#define DMAFENCE_HANG_H

#include <stdint.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/**
 * dma_fence_hang_watch - switches the hang watch on or off
 * @limit_ns: for how long somebody may wait; 0 switches it off
 *
 * As DMA_FENCE_HANG_MS in the environment does, in milliseconds. When it is on, another limit takes
 * its place, also for those who wait already. Waits that had begun before it was switched on are
 * not watched. What was reported before it was switched off is reported again after it is switched
 * on.
 *
 * Returns 0, or -EINVAL if @limit_ns is negative.
 */
int dma_fence_hang_watch(int64_t limit_ns);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
