/* SPDX-License-Identifier: MIT */
/* The device: its engines come and go with it. */
#include "device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "engine.h"
#include "fault.h"
#include "page-table.h"
#include "reaper.h"

#define SECOND INT64_C(1000000000)

static const struct softgpu_device_params defaults = {
	.num_engines = {
		[SOFTGPU_CLASS_COPY] = 2,
		[SOFTGPU_CLASS_COMPUTE] = 4,
		[SOFTGPU_CLASS_ENCODE] = 2,
		[SOFTGPU_CLASS_BIND] = SOFTGPU_NUM_TILES,
	},
	.ring_size = 64,
	.time_limit_ns = 2 * SECOND,
	.max_hangs = 3,
};

/* Where nothing is said the default is meant. */
static int set_params(struct softgpu_device *device, const struct softgpu_device_params *params)
{
	unsigned int i;

	device->params = defaults;
	if (!params)
		return 0;
	for (i = 0; i < SOFTGPU_CLASS_BIND; i++) {
		if (params->num_engines[i] > SOFTGPU_MAX_ENGINES)
			return -EINVAL;
		if (params->num_engines[i])
			device->params.num_engines[i] = params->num_engines[i];
	}
	if (params->ring_size > SOFTGPU_MAX_RING_SIZE || params->time_limit_ns < 0)
		return -EINVAL;
	if (params->ring_size)
		device->params.ring_size = params->ring_size;
	if (params->time_limit_ns)
		device->params.time_limit_ns = params->time_limit_ns;
	if (params->max_hangs)
		device->params.max_hangs = params->max_hangs;
	return 0;
}

static int create_engines(struct softgpu_device *device)
{
	unsigned int i, k, num = 0;

	for (i = 0; i < SOFTGPU_NUM_CLASSES; i++)
		num += device->params.num_engines[i];
	device->engines = calloc(num, sizeof(*device->engines));
	if (!device->engines)
		return -ENOMEM;
	for (i = 0; i < SOFTGPU_NUM_CLASSES; i++) {
		for (k = 0; k < device->params.num_engines[i]; k++) {
			struct engine *engine = &device->engines[device->num_engines];

			engine->index = device->num_engines++;
			engine->engine_class = i;
			softgpu_engine_init(engine, device, k);
		}
	}
	return 0;
}

static void stop_engines(struct softgpu_device *device, unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++)
		softgpu_engine_stop(&device->engines[i]);
	for (i = 0; i < num; i++)
		softgpu_engine_join(&device->engines[i]);
}

static int start_engines(struct softgpu_device *device)
{
	unsigned int i;
	int ret;

	for (i = 0; i < device->num_engines; i++) {
		ret = softgpu_engine_start(&device->engines[i]);
		if (ret) {
			stop_engines(device, i);
			return ret;
		}
	}
	return 0;
}

static void free_device(struct softgpu_device *device)
{
	unsigned int i;

	for (i = 0; i < device->num_engines; i++)
		softgpu_engine_fini(&device->engines[i]);
	free(device->engines);
	for (i = 0; i < SOFTGPU_NUM_TILES; i++)
		pthread_rwlock_destroy(&device->tile_locks[i]);
	softgpu_reaper_free(device->reaper);
	free(device);
}

struct softgpu_device *softgpu_device_create(const struct softgpu_device_params *params)
{
	struct softgpu_device *device = calloc(1, sizeof(*device));
	unsigned int i;
	int ret;

	if (!device)
		return NULL;
	ret = set_params(device, params);
	if (ret) {
		free(device);
		errno = -ret;
		return NULL;
	}
	device->refcount = 1;
	device->fault_handler = softgpu_print_fault;
	device->check_uaf = softgpu_check_uaf();
	for (i = 0; i < SOFTGPU_NUM_TILES; i++)
		softgpu_tile_lock_init(&device->tile_locks[i]);
	ret = create_engines(device);
	if (!ret) {
		device->reaper = softgpu_reaper_create(device);
		ret = device->reaper ? start_engines(device) : -errno;
		if (ret && device->reaper)
			softgpu_reaper_destroy(device->reaper);
	}
	if (ret) {
		free_device(device);
		errno = -ret;
		return NULL;
	}
	return device;
}

struct softgpu_device *softgpu_device_get(struct softgpu_device *device)
{
	__atomic_fetch_add(&device->refcount, 1, __ATOMIC_RELAXED);
	return device;
}

void softgpu_device_put(struct softgpu_device *device)
{
	if (!__atomic_sub_fetch(&device->refcount, 1, __ATOMIC_ACQ_REL))
		free_device(device);
}

bool softgpu_device_is_gone(const struct softgpu_device *device)
{
	return __atomic_load_n(&device->gone, __ATOMIC_ACQUIRE);
}

void softgpu_device_destroy(struct softgpu_device *device)
{
	if (!device)
		return;
	__atomic_store_n(&device->gone, true, __ATOMIC_RELEASE);
	stop_engines(device, device->num_engines);
	softgpu_reaper_destroy(device->reaper);
	softgpu_device_put(device);
}

void softgpu_device_set_fault_handler(struct softgpu_device *device,
				      void (*handler)(void *arg, const struct softgpu_fault *fault),
				      void *arg)
{
	device->fault_handler = handler ? handler : softgpu_print_fault;
	device->fault_arg = arg;
}

void softgpu_device_set_recorder(struct softgpu_device *device,
				 void (*recorder)(void *arg,
						  const struct softgpu_job_record *record),
				 void *arg)
{
	device->recorder = recorder;
	device->recorder_arg = arg;
}

unsigned int softgpu_device_num_engines(const struct softgpu_device *device)
{
	return device->num_engines;
}

int softgpu_device_engine_info(struct softgpu_device *device, unsigned int engine,
			       struct softgpu_engine_info *info)
{
	if (engine >= device->num_engines)
		return -EINVAL;
	softgpu_engine_ask(&device->engines[engine], info);
	return 0;
}

void softgpu_device_get_stats(struct softgpu_device *device, struct softgpu_device_stats *stats)
{
	struct softgpu_device_stats *now = &device->stats;

	*stats = (struct softgpu_device_stats){
		.submissions = __atomic_load_n(&now->submissions, __ATOMIC_RELAXED),
		.fences = __atomic_load_n(&now->fences, __ATOMIC_RELAXED),
		.arrays = __atomic_load_n(&now->arrays, __ATOMIC_RELAXED),
		.merges = __atomic_load_n(&now->merges, __ATOMIC_RELAXED),
		.faults = __atomic_load_n(&now->faults, __ATOMIC_RELAXED),
		.hangs = __atomic_load_n(&now->hangs, __ATOMIC_RELAXED),
		.bans = __atomic_load_n(&now->bans, __ATOMIC_RELAXED),
		.max_busy = __atomic_load_n(&now->max_busy, __ATOMIC_RELAXED),
		.live_bytes = __atomic_load_n(&now->live_bytes, __ATOMIC_RELAXED),
	};
}
