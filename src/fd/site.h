/* SPDX-License-Identifier: MIT */
/*
 * Sites: places in the program, by number, so that they can be stored in a few bits. A place is the
 * address to which a function of the library returns.
 */
#ifndef DMAFENCE_FD_SITE_H
#define DMAFENCE_FD_SITE_H

#include <stdint.h>

#define SITE_OF_CALLER dma_fence_site_number(__builtin_return_address(0))

/* 0 when there are too many of them. */
uint32_t dma_fence_site_number(const void *address);

/* NULL for 0, and for numbers that are nobody's. */
const void *dma_fence_site_address(uint32_t number);

#endif
