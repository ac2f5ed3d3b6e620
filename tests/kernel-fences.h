/* SPDX-License-Identifier: MIT */
/* The kernel's own fences, as sync files, from those of its drivers that need no hardware. */
#ifndef TESTS_KERNEL_FENCES_H
#define TESTS_KERNEL_FENCES_H

#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <xf86drm.h>

/* The first node of /dev/dri/ of that kind that 'fits', or -1. */
static inline int open_node(const char *kind, bool (*fits)(int fd))
{
	int minor;

	for (minor = 0; minor < 256; minor++) {
		char path[64];
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/%s%d", kind, minor);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (fits(fd))
			return fd;
		close(fd);
	}
	return -1;
}

/*
 * Sync objects: any driver of graphics. A fence that is signaled is all that can be had from them
 * by themselves.
 */
static inline bool has_syncobj(int fd)
{
	uint64_t value;

	return !drmGetCap(fd, DRM_CAP_SYNCOBJ_TIMELINE, &value) && value;
}

static inline int open_syncobj(void)
{
	return open_node("renderD", has_syncobj);
}

/*
 * vgem, a driver of buffers without hardware: puts a fence on a buffer, which signals when told to,
 * or after ten seconds.
 */
struct vgem_fence_attach {
	uint32_t handle;
	uint32_t flags;
	uint32_t out_fence;
	uint32_t pad;
};

struct vgem_fence_signal {
	uint32_t fence;
	uint32_t flags;
};

#define VGEM_FENCE_WRITE  1
#define VGEM_FENCE_ATTACH DRM_IOWR(DRM_COMMAND_BASE + 1, struct vgem_fence_attach)
#define VGEM_FENCE_SIGNAL DRM_IOW(DRM_COMMAND_BASE + 2, struct vgem_fence_signal)

static inline bool is_vgem(int fd)
{
	drmVersionPtr version = drmGetVersion(fd);
	bool yes = version && !strcmp(version->name, "vgem");

	drmFreeVersion(version);
	return yes;
}

static inline int open_vgem(void)
{
	return open_node("card", is_vgem);
}

/* Returns a sync file that is pending, and stores what vgem_signal() is to be given; or -errno. */
static inline int vgem_fence(int vgem, uint32_t *number)
{
	struct drm_mode_create_dumb buffer = { .width = 32, .height = 32, .bpp = 32 };
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_RW, .fd = -1 };
	struct vgem_fence_attach attach = { .flags = VGEM_FENCE_WRITE };
	int dma_buf;
	int err = 0;

	*number = 0;
	if (drmIoctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &buffer))
		return -errno;
	attach.handle = buffer.handle;
	if (drmIoctl(vgem, VGEM_FENCE_ATTACH, &attach) ||
	    drmPrimeHandleToFD(vgem, buffer.handle, DRM_CLOEXEC, &dma_buf)) {
		err = -errno;
	} else {
		if (ioctl(dma_buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export))
			err = -errno;
		close(dma_buf);
	}
	drmCloseBufferHandle(vgem, buffer.handle);
	*number = attach.out_fence;
	return err ? err : export.fd;
}

static inline int vgem_signal(int vgem, uint32_t number)
{
	struct vgem_fence_signal signal = { .fence = number };

	return drmIoctl(vgem, VGEM_FENCE_SIGNAL, &signal) ? -errno : 0;
}

/*
 * sw_sync, which the kernel has for its own tests: a timeline whose fences signal when it is
 * advanced. When it is closed those that are pending fail, with -ENOENT; no other driver that needs
 * no hardware has fences that fail.
 */
struct sw_sync_fence {
	uint32_t value;
	char name[32];
	int32_t fd;
};

#define SW_SYNC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_fence)
#define SW_SYNC_ADVANCE	     _IOW('W', 1, uint32_t)

struct sw_sync_deadline {
	uint64_t deadline_ns;
	uint32_t pad;
	int32_t fd;
};

#define SW_SYNC_GET_DEADLINE _IOWR('W', 2, struct sw_sync_deadline)

static inline int open_sw_sync(void)
{
	return open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);
}

/* Returns a sync file of the fence that signals when the timeline is at 'value', or -errno. */
static inline int sw_sync_fence(int timeline, uint32_t value)
{
	struct sw_sync_fence fence = { .value = value, .name = "test" };

	return ioctl(timeline, SW_SYNC_CREATE_FENCE, &fence) ? -errno : fence.fd;
}

static inline int sw_sync_advance(int timeline, uint32_t by)
{
	return ioctl(timeline, SW_SYNC_ADVANCE, &by) ? -errno : 0;
}

/* The earliest deadline that was set for it, or -errno: -ENOENT if none was. */
static inline int64_t sw_sync_get_deadline(int timeline, int fd)
{
	struct sw_sync_deadline deadline = { .fd = fd };

	return ioctl(timeline, SW_SYNC_GET_DEADLINE, &deadline) ? -errno
								: (int64_t)deadline.deadline_ns;
}

/* What the kernel says of a sync file, with at most 'room' fences of it; 0 or -errno. */
static inline int kernel_info(int fd, struct sync_file_info *info, struct sync_fence_info *fences,
			      uint32_t room)
{
	memset(info, 0, sizeof(*info));
	info->num_fences = room;
	info->sync_fence_info = (uintptr_t)fences;
	return ioctl(fd, SYNC_IOC_FILE_INFO, info) ? -errno : 0;
}

static inline bool is_kernel_sync_file(int fd)
{
	struct sync_file_info info;

	return !kernel_info(fd, &info, NULL, 0);
}

#endif
