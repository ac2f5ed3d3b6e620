/* SPDX-License-Identifier: MIT */
/* Address spaces, for those who make up the driver. */
#ifndef SOFTGPU_VM_H
#define SOFTGPU_VM_H

#include "page-table.h"
#include "queue.h"

#define SOFTGPU_MAX_BINDS 65536

struct softgpu_vm {
	uint32_t refcount;
	struct softgpu_device *device;
	struct page_table *tables[SOFTGPU_NUM_TILES];
	/* Of which the binds are done, on each tile's bind engine. */
	struct queue binds;
	/* What stands for the last that was submitted, or NULL; under the lock. */
	pthread_mutex_t lock;
	struct dma_fence *last_bind;
};

/* With a reference; NULL if there is nothing to wait for. */
struct dma_fence *softgpu_vm_last_bind(struct softgpu_vm *vm);
void softgpu_vm_set_last_bind(struct softgpu_vm *vm, struct dma_fence *fence);

#endif
