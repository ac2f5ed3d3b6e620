/* SPDX-License-Identifier: MIT */
/*
 * A display of the kernel's, which waits for a fence before it shows a picture, and hands out one
 * that signals when it does.
 */
#ifndef TESTS_KERNEL_DISPLAY_H
#define TESTS_KERNEL_DISPLAY_H

#include <xf86drmMode.h>

#include "kernel-fences.h"

struct display {
	int fd;
	uint32_t connector;
	uint32_t crtc;
	uint32_t plane;
	drmModeModeInfo mode;
};

static inline uint32_t property_of(int fd, uint32_t object, uint32_t type, const char *name,
				   uint64_t *value)
{
	drmModeObjectPropertiesPtr properties = drmModeObjectGetProperties(fd, object, type);
	uint32_t i, id = 0;

	for (i = 0; properties && i < properties->count_props && !id; i++) {
		drmModePropertyPtr property = drmModeGetProperty(fd, properties->props[i]);

		if (property && !strcmp(property->name, name)) {
			id = property->prop_id;
			if (value)
				*value = properties->prop_values[i];
		}
		drmModeFreeProperty(property);
	}
	drmModeFreeObjectProperties(properties);
	return id;
}

/* The primary plane, on which the first CRTC shows its picture. */
static inline bool find_plane(struct display *display)
{
	drmModePlaneResPtr planes = drmModeGetPlaneResources(display->fd);
	uint32_t i;

	for (i = 0; planes && i < planes->count_planes && !display->plane; i++) {
		drmModePlanePtr plane = drmModeGetPlane(display->fd, planes->planes[i]);
		uint64_t type = 0;

		property_of(display->fd, planes->planes[i], DRM_MODE_OBJECT_PLANE, "type", &type);
		if (plane && plane->possible_crtcs & 1 && type == DRM_PLANE_TYPE_PRIMARY)
			display->plane = plane->plane_id;
		drmModeFreePlane(plane);
	}
	drmModeFreePlaneResources(planes);
	return display->plane;
}

/* The first connector, and its first mode. */
static inline bool find_mode(struct display *display)
{
	drmModeResPtr resources = drmModeGetResources(display->fd);
	drmModeConnectorPtr connector = NULL;
	bool found = false;

	if (resources && resources->count_crtcs && resources->count_connectors) {
		display->crtc = resources->crtcs[0];
		display->connector = resources->connectors[0];
		connector = drmModeGetConnector(display->fd, display->connector);
	}
	if (connector && connector->count_modes) {
		display->mode = connector->modes[0];
		found = true;
	}
	drmModeFreeConnector(connector);
	drmModeFreeResources(resources);
	return found;
}

static inline bool is_virtio_gpu(int fd)
{
	drmVersionPtr version = drmGetVersion(fd);
	bool yes = version && !strcmp(version->name, "virtio_gpu");

	drmFreeVersion(version);
	return yes && !drmSetMaster(fd);
}

static inline int open_display(void)
{
	return open_node("card", is_virtio_gpu);
}

/* Takes the fd over if it succeeds. */
static inline bool display_init(struct display *display, int fd)
{
	*display = (struct display){ .fd = fd };
	return !drmSetClientCap(fd, DRM_CLIENT_CAP_ATOMIC, 1) && find_mode(display) &&
	       find_plane(display);
}

static inline bool add_property(drmModeAtomicReqPtr request, const struct display *display,
				uint32_t object, uint32_t type, const char *name, uint64_t value)
{
	uint32_t id = property_of(display->fd, object, type, name, NULL);

	return id && drmModeAtomicAddProperty(request, object, id, value) >= 0;
}

static inline uint32_t picture(const struct display *display)
{
	struct drm_mode_create_dumb buffer = {
		.width = display->mode.hdisplay,
		.height = display->mode.vdisplay,
		.bpp = 32,
	};
	uint32_t id = 0;

	if (!drmIoctl(display->fd, DRM_IOCTL_MODE_CREATE_DUMB, &buffer)) {
		drmModeAddFB(display->fd, buffer.width, buffer.height, 24, 32, buffer.pitch,
			     buffer.handle, &id);
		drmCloseBufferHandle(display->fd, buffer.handle);
	}
	return id;
}

/*
 * Shows a picture when the fence of @in_fence signals. Returns a sync file of the fence that
 * signals when that is to be seen, or -errno.
 */
static inline int display_show(const struct display *display, int in_fence)
{
	const uint32_t width = display->mode.hdisplay, height = display->mode.vdisplay;
	const struct {
		uint32_t object;
		uint32_t type;
		const char *name;
		uint64_t value;
	} properties[] = {
		{ display->connector, DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID", display->crtc },
		{ display->crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE", 1 },
		{ display->plane, DRM_MODE_OBJECT_PLANE, "FB_ID", picture(display) },
		{ display->plane, DRM_MODE_OBJECT_PLANE, "CRTC_ID", display->crtc },
		{ display->plane, DRM_MODE_OBJECT_PLANE, "SRC_W", (uint64_t)width << 16 },
		{ display->plane, DRM_MODE_OBJECT_PLANE, "SRC_H", (uint64_t)height << 16 },
		{ display->plane, DRM_MODE_OBJECT_PLANE, "CRTC_W", width },
		{ display->plane, DRM_MODE_OBJECT_PLANE, "CRTC_H", height },
		{ display->plane, DRM_MODE_OBJECT_PLANE, "IN_FENCE_FD", (uint64_t)in_fence },
	};
	drmModeAtomicReqPtr request = drmModeAtomicAlloc();
	uint32_t mode = 0;
	int out_fence = -1;
	bool good = request != NULL;
	size_t i;
	int err;

	good = good && !drmModeCreatePropertyBlob(display->fd, &display->mode,
						  sizeof(display->mode), &mode);
	good = good &&
	       add_property(request, display, display->crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID", mode);
	good = good && add_property(request, display, display->crtc, DRM_MODE_OBJECT_CRTC,
				    "OUT_FENCE_PTR", (uintptr_t)&out_fence);
	for (i = 0; i < sizeof(properties) / sizeof(properties[0]); i++)
		good = good &&
		       add_property(request, display, properties[i].object, properties[i].type,
				    properties[i].name, properties[i].value);
	err = good ? drmModeAtomicCommit(display->fd, request,
					 DRM_MODE_ATOMIC_ALLOW_MODESET | DRM_MODE_ATOMIC_NONBLOCK,
					 NULL)
		   : -EINVAL;
	drmModeAtomicFree(request);
	return err ? err : out_fence;
}

#endif
