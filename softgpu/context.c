/* SPDX-License-Identifier: MIT */
/* Contexts: how they come and go; softgpu_context_submit() is in submit.c. */
#include "context.h"

#include <errno.h>
#include <stdlib.h>

#include "vm.h"

static int rank_of(enum softgpu_priority priority, enum rank *rank)
{
	switch (priority) {
	case SOFTGPU_PRIORITY_NORMAL:
		*rank = RANK_NORMAL;
		return 0;
	case SOFTGPU_PRIORITY_LOW:
		*rank = RANK_LOW;
		return 0;
	case SOFTGPU_PRIORITY_HIGH:
		*rank = RANK_HIGH;
		return 0;
	default:
		return -EINVAL;
	}
}

static struct engine *first_of_class(struct softgpu_device *device, enum softgpu_class engine_class)
{
	struct engine *engine = device->engines;

	while (engine->engine_class != engine_class)
		engine++;
	return engine;
}

static bool is_among(struct engine *const *engines, unsigned int num, const struct engine *engine)
{
	while (num--) {
		if (engines[num] == engine)
			return true;
	}
	return false;
}

/* That fewest contexts use, at about this moment. */
static struct engine *least_used(struct engine *first, unsigned int num_engines,
				 struct engine *const *taken, unsigned int num_taken)
{
	struct engine *best = NULL;
	unsigned int i, rings, fewest = 0;

	for (i = 0; i < num_engines; i++) {
		if (is_among(taken, num_taken, &first[i]))
			continue;
		rings = __atomic_load_n(&first[i].num_rings, __ATOMIC_RELAXED);
		if (!best || rings < fewest) {
			best = &first[i];
			fewest = rings;
		}
	}
	return best;
}

static int choose_engines(struct softgpu_device *device,
			  const struct softgpu_context_params *params, unsigned int width,
			  struct engine **engines)
{
	struct engine *first = first_of_class(device, params->engine_class);
	unsigned int i, num = device->params.num_engines[params->engine_class];

	if (width > num)
		return -EINVAL;
	for (i = 0; i < width; i++) {
		if (!params->engines) {
			engines[i] = least_used(first, num, engines, i);
			continue;
		}
		if (params->engines[i] >= num || is_among(engines, i, &first[params->engines[i]]))
			return -EINVAL;
		engines[i] = &first[params->engines[i]];
	}
	return 0;
}

static void put_context(void *context)
{
	softgpu_context_put(context);
}

static int init_context(struct softgpu_context *context, struct softgpu_device *device,
			const struct softgpu_context_params *params)
{
	struct engine *engines[SOFTGPU_MAX_ENGINES];
	const unsigned int width = params->width ? params->width : 1;
	enum rank rank;
	int ret;

	if ((unsigned int)params->engine_class >= SOFTGPU_CLASS_BIND)
		return -EINVAL;
	if (softgpu_device_is_gone(device))
		return -ENODEV;
	ret = rank_of(params->priority, &rank);
	if (!ret)
		ret = choose_engines(device, params, width, engines);
	if (!ret)
		ret = softgpu_queue_init(&context->queue, device, params->name, width, engines,
					 rank);
	if (ret)
		return ret;
	context->refcount = 1;
	context->engine_class = params->engine_class;
	context->queue.owner = context;
	context->queue.put_owner = put_context;
	return 0;
}

struct softgpu_context *softgpu_context_create(struct softgpu_vm *vm,
					       const struct softgpu_context_params *params)
{
	struct softgpu_context *context = calloc(1, sizeof(*context));
	int ret;

	if (!context)
		return NULL;
	ret = vm && params ? init_context(context, vm->device, params) : -EINVAL;
	if (ret) {
		free(context);
		errno = -ret;
		return NULL;
	}
	context->vm = softgpu_vm_get(vm);
	return context;
}

struct softgpu_context *softgpu_context_get(struct softgpu_context *context)
{
	__atomic_fetch_add(&context->refcount, 1, __ATOMIC_RELAXED);
	return context;
}

void softgpu_context_put(struct softgpu_context *context)
{
	if (!context || __atomic_sub_fetch(&context->refcount, 1, __ATOMIC_ACQ_REL))
		return;
	softgpu_queue_fini(&context->queue);
	softgpu_vm_put(context->vm);
	free(context);
}

void softgpu_context_cancel(struct softgpu_context *context)
{
	softgpu_queue_cancel(&context->queue);
}

int softgpu_context_status(struct softgpu_context *context)
{
	return softgpu_queue_status(&context->queue);
}
