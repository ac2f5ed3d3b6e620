/* SPDX-License-Identifier: MIT */
/*
 * Call stacks: each different one is stored once, for as long as the process lives, and known by a
 * small number that is as good as it for telling stacks apart. There is no lock: hooks take stacks.
 *
 * There is room for STACK_MOST of them, in memory that is taken as it is needed, at most 9 MiB. A
 * program has no more places that it comes from than that, unless it recurses through many
 * functions in every order; stacks that find no room are counted.
 */
#ifndef DMAFENCE_DIAG_STACK_H
#define DMAFENCE_DIAG_STACK_H

#include <stdint.h>

/* The innermost ones. What is further out is left away. */
#define STACK_FRAMES 16
#define STACK_MOST   65536

/* What may take long, or memory, the first time: to be called before hooks take stacks. */
void dma_fence_stack_init(void);

/* The number of the caller's stack; 0 if there is no room for it. */
uint32_t dma_fence_stack_here(void);

/*
 * Its return addresses, innermost first: the first one is in the function that has called
 * dma_fence_stack_here(). Returns how many there are; 0 for a number that is none.
 */
unsigned int dma_fence_stack_frames(uint32_t stack, const void *frames[STACK_FRAMES]);

/* How many there are, and how often one was not stored. */
uint32_t dma_fence_stack_count(void);
uint64_t dma_fence_stack_lost(void);

#endif
