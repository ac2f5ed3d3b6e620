/* SPDX-License-Identifier: MIT */
/* To measure with another process: a child of fork(), and memory that both have. */
#ifndef DMAFENCE_BENCH_PROCESSES_H
#define DMAFENCE_BENCH_PROCESSES_H

#include <stddef.h>
#include <sys/types.h>

/** bench_new_shared - zeroed memory that a child will share, to be unmapped with munmap() */
void *bench_new_shared(size_t size);

/** bench_start_process - a child that calls the function, and exits; it goes with its parent */
pid_t bench_start_process(void *(*func)(void *argument), void *argument);

/** bench_end_process - waits until it has exited, and fails if it has failed */
void bench_end_process(pid_t child);

#endif
