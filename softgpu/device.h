/* SPDX-License-Identifier: MIT */
/* The device, for those who make up its driver. */
#ifndef SOFTGPU_DEVICE_H
#define SOFTGPU_DEVICE_H

#include <pthread.h>

#include <softgpu/softgpu.h>

struct engine;
struct reaper;

#define SOFTGPU_MAX_RING_SIZE 65536

struct softgpu_device {
	uint32_t refcount;
	struct softgpu_device_params params;
	/* Written once, by softgpu_device_destroy(). */
	bool gone;
	bool check_uaf; /* SOFTGPU_CHECK=uaf */
	unsigned int num_engines;
	struct engine *engines;
	pthread_rwlock_t tile_locks[SOFTGPU_NUM_TILES];
	struct reaper *reaper;

	void (*fault_handler)(void *arg, const struct softgpu_fault *fault);
	void *fault_arg;
	void (*recorder)(void *arg, const struct softgpu_job_record *record);
	void *recorder_arg;

	/* Changed atomically; max_busy by whoever makes it more. */
	struct softgpu_device_stats stats;
	unsigned int busy;
};

struct softgpu_device *softgpu_device_get(struct softgpu_device *device);
void softgpu_device_put(struct softgpu_device *device);

/* Whether softgpu_device_destroy() has been called. */
bool softgpu_device_is_gone(const struct softgpu_device *device);

#endif
