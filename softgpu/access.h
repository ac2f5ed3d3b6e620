/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing memory as an engine does: through its tile's page table, whose lock is held
 * for as long as a pointer into the memory is used. So that nobody waits long for it, that is for
 * at most ACCESS_BYTES.
 */
#ifndef SOFTGPU_ACCESS_H
#define SOFTGPU_ACCESS_H

#include "execute.h"

/* As much as the longest row of a picture. */
#define ACCESS_BYTES (64 * 1024)

/* Of at most ACCESS_BYTES, wherever they lie. 0, or -EFAULT with the fault. */
int softgpu_read(struct execution *execution, void *to, uint64_t address, uint64_t bytes);
int softgpu_write(struct execution *execution, uint64_t address, const void *from, uint64_t bytes);

/* Writes 8 bytes at once, lowest first, after all that was written before. */
int softgpu_write_release(struct execution *execution, uint64_t address, uint64_t value);

/* Reads 8 bytes at once, lowest first, before all that is read later. */
int softgpu_read_acquire(struct execution *execution, uint64_t address, uint64_t *value);

#endif
