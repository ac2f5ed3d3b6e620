/* SPDX-License-Identifier: MIT */
/*
 * Gives memory back when its time has come: on a thread of its own, because it waits for engines to
 * let go of it, which a callback of a fence must not. When the device is gone there are no engines,
 * and no such thread: then whoever finds that the time has come does it.
 */
#ifndef SOFTGPU_REAPER_H
#define SOFTGPU_REAPER_H

#include <stdbool.h>

struct softgpu_bo;
struct softgpu_device;
struct reaper;

/* Whether "uaf" is one of the words, separated by commas, in SOFTGPU_CHECK. */
bool softgpu_check_uaf(void);

/* NULL with errno. */
struct reaper *softgpu_reaper_create(struct softgpu_device *device);

/*
 * When all work of engines has ended. Gives back what can be, and ends the thread. The caller has a
 * reference to the device that it keeps until this has returned, so that the last is never given
 * back on that thread.
 */
void softgpu_reaper_destroy(struct reaper *reaper);

/* With the device: there are no buffers any more. NULL does nothing. */
void softgpu_reaper_free(struct reaper *reaper);

/*
 * The last reference has gone. Waits for the fences of the buffer one by one, with a callback, and
 * frees it then. Any thread, callbacks included; cannot fail, and does not wait for fences.
 */
void softgpu_reaper_give(struct reaper *reaper, struct softgpu_bo *bo);

/* Waits until all has gone back whose time had come before. Not from callbacks. */
void softgpu_reaper_catch_up(struct reaper *reaper);

#endif
