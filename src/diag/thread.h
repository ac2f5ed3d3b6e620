/* SPDX-License-Identifier: MIT */
/* Threads, by the number that the kernel and debuggers give them. */
#ifndef DMAFENCE_DIAG_THREAD_H
#define DMAFENCE_DIAG_THREAD_H

#include <stddef.h>
#include <stdint.h>

/* Of the calling thread; no system call but the first time, also in the child of a fork(). */
int32_t dma_fence_thread_number(void);

/* What it is called; "" if that is not known, or it has gone. */
void dma_fence_thread_name(int32_t thread, char *text, size_t size);

/* "123 'name'", or "123" if it has gone. */
void dma_fence_thread_describe(int32_t thread, char *text, size_t size);

#endif
