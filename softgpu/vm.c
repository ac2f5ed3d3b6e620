/* SPDX-License-Identifier: MIT */
/* Address spaces. */
#include "vm.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "device.h"
#include "execute.h"

static void put_vm(void *vm)
{
	softgpu_vm_put(vm);
}

/* The bind engines are the last, one for each tile. */
static int init_binds(struct softgpu_vm *vm)
{
	struct softgpu_device *device = vm->device;
	struct engine *engines[SOFTGPU_NUM_TILES];
	unsigned int tile;

	for (tile = 0; tile < SOFTGPU_NUM_TILES; tile++)
		engines[tile] = &device->engines[device->num_engines - SOFTGPU_NUM_TILES + tile];
	vm->binds.owner = vm;
	vm->binds.put_owner = put_vm;
	return softgpu_queue_init(&vm->binds, device, "binds", SOFTGPU_NUM_TILES, engines,
				  RANK_NORMAL);
}

static void free_vm(struct softgpu_vm *vm)
{
	int tile;

	dma_fence_put(vm->last_bind);
	pthread_mutex_destroy(&vm->lock);
	for (tile = 0; tile < SOFTGPU_NUM_TILES; tile++)
		softgpu_page_table_destroy(vm->tables[tile]);
	free(vm);
}

struct softgpu_vm *softgpu_vm_create(struct softgpu_device *device)
{
	struct softgpu_vm *vm;
	int tile, ret;

	if (softgpu_device_is_gone(device)) {
		errno = ENODEV;
		return NULL;
	}
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return NULL;
	pthread_mutex_init(&vm->lock, NULL);
	for (tile = 0; tile < SOFTGPU_NUM_TILES; tile++) {
		vm->tables[tile] = softgpu_page_table_create(&device->tile_locks[tile]);
		if (!vm->tables[tile]) {
			free_vm(vm);
			errno = ENOMEM;
			return NULL;
		}
	}
	vm->refcount = 1;
	vm->device = device;
	ret = init_binds(vm);
	if (ret) {
		free_vm(vm);
		errno = -ret;
		return NULL;
	}
	softgpu_device_get(device);
	return vm;
}

struct softgpu_vm *softgpu_vm_get(struct softgpu_vm *vm)
{
	__atomic_fetch_add(&vm->refcount, 1, __ATOMIC_RELAXED);
	return vm;
}

void softgpu_vm_put(struct softgpu_vm *vm)
{
	struct softgpu_device *device;

	if (!vm || __atomic_sub_fetch(&vm->refcount, 1, __ATOMIC_ACQ_REL))
		return;
	device = vm->device;
	softgpu_queue_fini(&vm->binds);
	free_vm(vm);
	softgpu_device_put(device);
}

struct dma_fence *softgpu_vm_last_bind(struct softgpu_vm *vm)
{
	struct dma_fence *fence;

	pthread_mutex_lock(&vm->lock);
	if (vm->last_bind && dma_fence_is_signaled(vm->last_bind)) {
		dma_fence_put(vm->last_bind);
		vm->last_bind = NULL;
	}
	fence = vm->last_bind ? dma_fence_get(vm->last_bind) : NULL;
	pthread_mutex_unlock(&vm->lock);
	return fence;
}

void softgpu_vm_set_last_bind(struct softgpu_vm *vm, struct dma_fence *fence)
{
	struct dma_fence *old;

	pthread_mutex_lock(&vm->lock);
	old = vm->last_bind;
	vm->last_bind = dma_fence_get(fence);
	pthread_mutex_unlock(&vm->lock);
	dma_fence_put(old);
}

/* Nobody stops it. */
static int go_on(struct execution *execution)
{
	(void)execution;
	return 0;
}

static int sleep_and_go_on(struct execution *execution)
{
	(void)execution;
	nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
	return 0;
}

int softgpu_vm_execute(struct softgpu_vm *vm, unsigned int tile, const struct softgpu_batch *batch,
		       struct softgpu_fault *fault)
{
	static _Thread_local struct execution execution;
	int ret;

	if (tile >= SOFTGPU_NUM_TILES)
		return -EINVAL;
	if (batch->error)
		return batch->error;
	ret = softgpu_check_commands(SOFTGPU_NUM_CLASSES, batch->data, batch->size);
	if (ret)
		return ret;
	execution = (struct execution){
		.table = vm->tables[tile],
		.safe_point = go_on,
		.idle = sleep_and_go_on,
		.fault.public = { .context = "", .engine = "" },
	};
	ret = softgpu_execute(&execution, batch->data, batch->size);
	if (ret == -EFAULT && fault)
		*fault = execution.fault.public;
	return ret;
}
