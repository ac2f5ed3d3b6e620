/* SPDX-License-Identifier: MIT */
#include "demo-pool.h"

#include <errno.h>
#include <stdlib.h>

/* Between buffers nothing is mapped: who runs over the end of one faults. */
#define FIRST_ADDRESS (UINT64_C(1) << 32)
#define GAP	      (UINT64_C(16) * SOFTGPU_PAGE_SIZE)
#define NUM_OF_SET    (DEMO_NUM_ROLES - DEMO_FIRST_OF_SET)

static const char *const role_names[DEMO_NUM_ROLES] = {
	[DEMO_STAGING] = "staging", [DEMO_FINAL] = "final", [DEMO_CODED] = "coded",
	[DEMO_INPUT] = "input",	    [DEMO_A] = "a",	    [DEMO_B] = "b",
	[DEMO_SMALL] = "small",
};

static unsigned int num_buffers(const struct demo_pool *pool)
{
	return pool->num_slots * DEMO_FIRST_OF_SET + pool->num_sets * NUM_OF_SET;
}

static enum demo_role role_of(const struct demo_pool *pool, unsigned int index)
{
	unsigned int of_slots = pool->num_slots * DEMO_FIRST_OF_SET;

	if (index < of_slots)
		return index % DEMO_FIRST_OF_SET;
	return DEMO_FIRST_OF_SET + (index - of_slots) % NUM_OF_SET;
}

struct demo_buffer *demo_pool_buffer(const struct demo_pool *pool, uint64_t frame,
				     enum demo_role role)
{
	uint64_t index;

	if (role < DEMO_FIRST_OF_SET)
		index = frame % pool->num_slots * DEMO_FIRST_OF_SET + role;
	else
		index = pool->num_slots * DEMO_FIRST_OF_SET + frame % pool->num_sets * NUM_OF_SET +
			(role - DEMO_FIRST_OF_SET);
	return &pool->buffers[index];
}

void *demo_pool_map(const struct demo_pool *pool, uint64_t frame, enum demo_role role)
{
	return softgpu_bo_map(demo_pool_buffer(pool, frame, role)->bo);
}

void demo_pool_addresses(const struct demo_pool *pool, uint64_t frame, uint64_t *addresses)
{
	enum demo_role role;

	for (role = 0; role < DEMO_NUM_ROLES; role++)
		addresses[role] = demo_pool_buffer(pool, frame, role)->address;
}

static uint64_t whole_pages(uint64_t bytes)
{
	return (bytes + SOFTGPU_PAGE_SIZE - 1) & ~(uint64_t)(SOFTGPU_PAGE_SIZE - 1);
}

uint64_t demo_pool_bytes(const struct demo_plan *plan, unsigned int num_slots,
			 unsigned int num_sets)
{
	uint64_t bytes = 0;
	enum demo_role role;

	for (role = 0; role < DEMO_NUM_ROLES; role++)
		bytes += whole_pages(plan->bytes[role]) *
			 (role < DEMO_FIRST_OF_SET ? num_slots : num_sets);
	return bytes;
}

static int create_buffers(struct demo_pool *pool)
{
	uint64_t address = FIRST_ADDRESS;
	unsigned int i;

	for (i = 0; i < num_buffers(pool); i++) {
		enum demo_role role = role_of(pool, i);
		struct demo_buffer *buffer = &pool->buffers[i];

		buffer->bo =
			softgpu_bo_create(pool->device, pool->plan->bytes[role], role_names[role]);
		if (!buffer->bo)
			return -errno;
		buffer->address = address;
		address += softgpu_bo_size(buffer->bo) + GAP;
	}
	return 0;
}

/* In one go, and waits for it: the only time that it does for a bind. */
static int map_buffers(struct demo_pool *pool)
{
	struct dma_fence *mapped = NULL;
	struct softgpu_out_fence out = { .type = SOFTGPU_FENCE, .fence = &mapped };
	struct softgpu_sync sync = { .out = &out, .num_out = 1 };
	struct softgpu_bind *binds = calloc(num_buffers(pool), sizeof(*binds));
	unsigned int i;
	int ret;

	if (!binds)
		return -ENOMEM;
	for (i = 0; i < num_buffers(pool); i++) {
		binds[i].bo = pool->buffers[i].bo;
		binds[i].address = pool->buffers[i].address;
		binds[i].bytes = softgpu_bo_size(binds[i].bo);
		if (role_of(pool, i) == DEMO_STAGING)
			binds[i].flags = SOFTGPU_BIND_READ_ONLY;
	}
	ret = softgpu_vm_bind(pool->vm, binds, num_buffers(pool), &sync);
	free(binds);
	if (ret)
		return ret;
	dma_fence_wait(mapped, false);
	ret = dma_fence_get_status(mapped);
	dma_fence_put(mapped);
	return ret < 0 ? ret : 0;
}

int demo_pool_init(struct demo_pool *pool, struct softgpu_device *device,
		   const struct demo_plan *plan, unsigned int num_slots, unsigned int num_sets)
{
	int ret = -ENOMEM;

	*pool = (struct demo_pool){
		.device = device,
		.plan = plan,
		.num_slots = num_slots,
		.num_sets = num_sets,
	};
	pool->vm = softgpu_vm_create(device);
	if (!pool->vm)
		ret = -errno;
	pool->buffers = calloc(num_buffers(pool), sizeof(*pool->buffers));
	if (pool->vm && pool->buffers)
		ret = create_buffers(pool);
	if (!ret)
		ret = map_buffers(pool);
	if (ret)
		demo_pool_fini(pool);
	return ret;
}

void demo_pool_fini(struct demo_pool *pool)
{
	unsigned int i;

	for (i = 0; pool->buffers && i < num_buffers(pool); i++)
		softgpu_bo_put(pool->buffers[i].bo);
	free(pool->buffers);
	softgpu_vm_put(pool->vm);
	*pool = (struct demo_pool){ 0 };
}
