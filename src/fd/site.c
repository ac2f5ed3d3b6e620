/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "base/atomic.h"
#include "fd/site.h"

/* A power of two, and less than 2^20, for which a pipe has room. */
#define SITES 4096

/* Filled, never emptied; the number is the place in it, from 1. */
static const void *sites[SITES];

uint32_t dma_fence_site_number(const void *address)
{
	uint32_t start = (uint32_t)(((uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15)) >> 40), i;

	for (i = 0; i < SITES; i++) {
		const void **site = &sites[(start + i) % SITES];
		const void *there = atomic_load_relaxed(site);

		if (there == address ||
		    (!there && (atomic_cas_relaxed(site, &there, address) || there == address)))
			return (start + i) % SITES + 1;
	}
	return 0;
}

const void *dma_fence_site_address(uint32_t number)
{
	return number && number <= SITES ? atomic_load_relaxed(&sites[number - 1]) : NULL;
}
