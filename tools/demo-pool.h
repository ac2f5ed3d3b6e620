/* SPDX-License-Identifier: MIT */
/*
 * The buffers of the demo, mapped in one address space up front. A frame that is under way has a
 * slot for itself: what the CPU writes to and reads from. What is only between stages is in a set;
 * there are fewer of those, and frames use them one after the other: nobody waits for that but the
 * engines, for the fences in the buffers.
 */
#ifndef TOOLS_DEMO_POOL_H
#define TOOLS_DEMO_POOL_H

#include "demo-plan.h"

struct demo_buffer {
	struct softgpu_bo *bo;
	uint64_t address;
};

struct demo_pool {
	struct softgpu_device *device;
	struct softgpu_vm *vm;
	const struct demo_plan *plan;
	unsigned int num_slots;
	unsigned int num_sets;
	/* Those of slots first, DEMO_FIRST_OF_SET for each; then those of sets. */
	struct demo_buffer *buffers;
};

/* How much memory that takes. */
uint64_t demo_pool_bytes(const struct demo_plan *plan, unsigned int num_slots,
			 unsigned int num_sets);

/* Waits until all is mapped. Returns 0 or -errno; then it is as if nothing had happened. */
int demo_pool_init(struct demo_pool *pool, struct softgpu_device *device,
		   const struct demo_plan *plan, unsigned int num_slots, unsigned int num_sets);
void demo_pool_fini(struct demo_pool *pool);

/* The buffer that a frame has in this role. */
struct demo_buffer *demo_pool_buffer(const struct demo_pool *pool, uint64_t frame,
				     enum demo_role role);

/* As CPU memory. */
void *demo_pool_map(const struct demo_pool *pool, uint64_t frame, enum demo_role role);

/* The addresses of the buffers of a frame, DEMO_NUM_ROLES. */
void demo_pool_addresses(const struct demo_pool *pool, uint64_t frame, uint64_t *addresses);

#endif
