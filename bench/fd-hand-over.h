/* SPDX-License-Identifier: MIT */
/*
 * Hand-overs through fds to a thread that sleeps, in this process or another, each of the two bound
 * to its CPU. The measuring thread is the first one.
 *
 * Variants take turns sample by sample, and of each the median counts. What is measured is the time
 * from just before the signal, or the write, on the one side to the return of the system call, or
 * of the wait, on the other. What it takes to export and import is not in it.
 *
 * Of the arguments 'parameters' is not used.
 */
#ifndef DMAFENCE_BENCH_FD_HAND_OVER_H
#define DMAFENCE_BENCH_FD_HAND_OVER_H

#include <stdint.h>

/** bench_wake_thread - poll() on: an eventfd; a sync file */
#define BENCH_WAKE_THREAD_ROWS 2
void bench_wake_thread(uint64_t ops, double *results, const void *parameters);

/** bench_wake_process - poll() on: an eventfd; a sync file. A wait for a fence imported from one */
#define BENCH_WAKE_PROCESS_ROWS 3
void bench_wake_process(uint64_t ops, double *results, const void *parameters);

/** bench_wake_epoll - epoll_wait() on 1,000 that are pending and: an eventfd; a sync file */
#define BENCH_WAKE_EPOLL_ROWS 2
void bench_wake_epoll(uint64_t ops, double *results, const void *parameters);

/**
 * bench_watch - the fences of 1,000 sync files of another process
 *
 * Import, with a callback; signal them, in the other process; from the first of these to the return
 * of the last callback. Each per fence.
 */
#define BENCH_WATCH_ROWS 3
void bench_watch(uint64_t ops, double *results, const void *parameters);

#endif
