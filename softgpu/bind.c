/* SPDX-License-Identifier: MIT */
/* softgpu_vm_bind(): work for the bind engines of both tiles. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bo.h"
#include "sync.h"
#include "vm.h"

/* Copies of what the caller said, and what keeps what it is about. */
struct binds {
	struct softgpu_vm *vm;
	unsigned int num;
	struct backing **backings;
	struct softgpu_bind bind[];
};

static void free_binds(void *data)
{
	struct binds *binds = data;
	unsigned int i;

	for (i = 0; i < binds->num; i++) {
		if (binds->backings[i])
			softgpu_backing_put(binds->backings[i]);
	}
	free(binds->backings);
	free(binds);
}

static struct binds *copy_binds(struct softgpu_vm *vm, const struct softgpu_bind *given,
				unsigned int num)
{
	struct binds *binds = calloc(1, sizeof(*binds) + num * sizeof(*given));
	unsigned int i;

	if (!binds)
		return NULL;
	binds->backings = calloc(num, sizeof(struct backing *));
	if (!binds->backings) {
		free(binds);
		return NULL;
	}
	binds->vm = vm;
	binds->num = num;
	for (i = 0; i < num; i++) {
		binds->bind[i] = given[i];
		if (!(given[i].flags & SOFTGPU_BIND_UNMAP))
			binds->backings[i] = softgpu_backing_get(softgpu_bo_backing(given[i].bo));
	}
	return binds;
}

static int run(struct job *job)
{
	const struct binds *binds = job->work->data;

	softgpu_page_table_apply(binds->vm->tables[job->index], binds->bind, binds->backings,
				 binds->num);
	return 0;
}

/* After the copies were made, so that what is prepared is what will be done. */
static int prepare_tables(struct softgpu_vm *vm, const struct binds *binds)
{
	unsigned int tile;
	int ret = 0;

	for (tile = 0; !ret && tile < SOFTGPU_NUM_TILES; tile++)
		ret = softgpu_page_table_prepare(vm->tables[tile], binds->bind, binds->num);
	return ret;
}

/* With the submit lock. */
static int submit_locked(struct softgpu_vm *vm, const struct softgpu_sync *sync, struct work *work)
{
	struct promised *promised;
	int ret = softgpu_work_prepare(work);

	if (!ret)
		ret = softgpu_sync_promise(sync, &promised);
	if (ret)
		return ret;

	/* The point of no return. */
	softgpu_work_emit(work);
	softgpu_vm_set_last_bind(vm, work->fence);
	softgpu_sync_keep(sync, promised, work->fence);
	softgpu_vm_get(vm);
	softgpu_work_start(work);
	return 0;
}

static int submit(struct softgpu_vm *vm, const struct softgpu_sync *sync, struct work *work)
{
	int ret = prepare_tables(vm, work->data);

	if (!ret)
		ret = softgpu_sync_depend(sync, work);
	if (!ret)
		ret = softgpu_queue_lock(&vm->binds, false);
	if (ret)
		return ret;
	ret = submit_locked(vm, sync, work);
	softgpu_queue_unlock(&vm->binds);
	return ret;
}

/* What is looked at before a copy is made; the rest is by softgpu_page_table_prepare(). */
static int check(const struct softgpu_vm *vm, const struct softgpu_bind *binds, unsigned int num,
		 const struct softgpu_sync *sync)
{
	unsigned int i;

	if (!vm || !binds || !num || num > SOFTGPU_MAX_BINDS)
		return -EINVAL;
	for (i = 0; i < num; i++) {
		if (binds[i].flags & SOFTGPU_BIND_UNMAP)
			continue;
		if (!binds[i].bo || binds[i].bo->device != vm->device)
			return -EINVAL;
	}
	return softgpu_sync_check(sync);
}

int softgpu_vm_bind(struct softgpu_vm *vm, const struct softgpu_bind *binds, unsigned int num_binds,
		    const struct softgpu_sync *sync)
{
	int ret = check(vm, binds, num_binds, sync);
	struct work *work;

	if (!ret)
		ret = softgpu_queue_status(&vm->binds);
	if (ret)
		return ret;
	work = softgpu_work_create(&vm->binds);
	if (!work)
		return -ENOMEM;
	work->run = run;
	work->data = copy_binds(vm, binds, num_binds);
	work->free_data = work->data ? free_binds : NULL;
	ret = work->data ? submit(vm, sync, work) : -ENOMEM;
	if (ret)
		softgpu_work_destroy(work);
	return ret;
}
