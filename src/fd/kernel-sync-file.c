/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/sync_file.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fd/inode.h"
#include "fd/kernel-sync-file.h"
#include "fd/mutants.h"

/* Since Linux 6.4. */
#ifndef SYNC_IOC_SET_DEADLINE
struct sync_set_deadline {
	__u64 deadline_ns;
	__u64 pad;
};
#define SYNC_IOC_SET_DEADLINE _IOW(SYNC_IOC_MAGIC, 5, struct sync_set_deadline)
#endif

/* Most have one; the others are merged ones. */
#define FENCES_ON_STACK 8

static void tell(struct dma_fence_sync_fence_info *to, const struct sync_fence_info *from)
{
	size_t driver = strnlen(from->driver_name, sizeof(from->driver_name));
	size_t timeline = strnlen(from->obj_name, sizeof(from->obj_name));

	_Static_assert(sizeof(to->driver_name) >= sizeof(from->driver_name), "names fit");
	_Static_assert(sizeof(to->timeline_name) > sizeof(from->obj_name), "names fit");
	memset(to, 0, sizeof(*to));
	memcpy(to->driver_name, from->driver_name,
	       driver < sizeof(to->driver_name) ? driver : sizeof(to->driver_name) - 1);
	memcpy(to->timeline_name, from->obj_name, timeline);
	to->status = from->status;
	to->timestamp_ns = from->status ? (int64_t)from->timestamp_ns : 0;
}

/* Files that are not sync files have errors of all kinds for the request. */
static int what_it_is_not(int fd, int error)
{
	if (error == ENOMEM)
		return -ENOMEM;
	return error == EBADF && fcntl(fd, F_GETFD) < 0 ? -EBADF : -EINVAL;
}

/* To another file it would be another call, and whoever serves that need not return. */
static int may_be_asked(int fd)
{
	const int ret = dma_fence_inode_anonymous(fd);

	return ret > 0 ? 0 : what_it_is_not(fd, -ret);
}

/*
 * Asked without a list, the kernel says whether the sync file has signaled, but it may have lost
 * the error (of a merge that nobody has looked at, of a point on a timeline). With a list it says
 * so as soon as one of several has failed, though others are pending. So both are asked; the list
 * has to be long enough, so the first answer says how long. The second may be shorter: points that
 * have passed are left out.
 *
 * Sets @info, and *@part_error to the error of the fence that has failed first, or 0.
 */
static int ask(int fd, struct dma_fence_sync_file_info *info, int *part_error)
{
	struct sync_fence_info on_stack[FENCES_ON_STACK], *fences = on_stack;
	struct sync_file_info asked = { .num_fences = 0 };
	const struct sync_fence_info *first = NULL;
	int64_t timestamp = 0;
	uint32_t i, room = FENCES_ON_STACK;
	int status;

	status = may_be_asked(fd);
	if (status)
		return status;
	if (ioctl(fd, SYNC_IOC_FILE_INFO, &asked))
		return what_it_is_not(fd, errno);
	status = asked.status;
	if (asked.num_fences > room) {
		room = asked.num_fences;
		fences = calloc(room, sizeof(*fences));
	}
	if (!fences)
		return -ENOMEM;
	asked.sync_fence_info = (__u64)(uintptr_t)fences;
	if (ioctl(fd, SYNC_IOC_FILE_INFO, &asked)) {
		status = -errno;
		if (fences != on_stack)
			free(fences);
		return status;
	}
	for (i = 0; i < asked.num_fences && i < room; i++) {
		if (i < info->num_fences)
			tell(&info->fences[i], &fences[i]);
		if (fences[i].status < 0 &&
		    (!first || fences[i].timestamp_ns < first->timestamp_ns))
			first = &fences[i];
		if ((int64_t)fences[i].timestamp_ns > timestamp)
			timestamp = (int64_t)fences[i].timestamp_ns;
	}
	*part_error = first && !MUTANT(KERNEL_ERROR_FORGOTTEN) ? first->status : 0;
	info->status = status > 0 && *part_error ? *part_error : status;
	if (MUTANT(KERNEL_FAILS_EARLY) && *part_error)
		info->status = *part_error;
	info->num_fences = asked.num_fences;
	info->timestamp_ns = status && !MUTANT(KERNEL_TIMESTAMP_LOST) ? timestamp : 0;
	if (fences != on_stack)
		free(fences);
	return 0;
}

int dma_fence_kernel_sync_file_info(int fd, struct dma_fence_sync_file_info *info)
{
	int part_error;

	return ask(fd, info, &part_error);
}

/* Whether a part of it has failed, or cannot be asked. */
static bool failed(int fd)
{
	struct dma_fence_sync_file_info info = { .num_fences = 0 };
	int part_error;

	return ask(fd, &info, &part_error) || part_error;
}

int dma_fence_kernel_sync_file_merge(int fd1, int fd2)
{
	struct sync_merge_data data = { .name = "dmafence", .fd2 = fd2 };
	int ret = may_be_asked(fd1);

	if (!ret)
		ret = may_be_asked(fd2);
	if (ret)
		return ret;
	if (ioctl(fd1, SYNC_IOC_MERGE, &data))
		return -errno;
	/*
	 * It leaves out what has signaled, and with that its error. What fails from now on is in.
	 */
	if (!MUTANT(KERNEL_MERGE_DROPS_FAILED) && (failed(fd1) || failed(fd2))) {
		close(data.fence);
		return -EOPNOTSUPP;
	}
	return data.fence;
}

int dma_fence_kernel_sync_file_set_deadline(int fd, int64_t deadline_ns)
{
	struct sync_set_deadline deadline = { .deadline_ns = (__u64)deadline_ns };

	if (!ioctl(fd, SYNC_IOC_SET_DEADLINE, &deadline))
		return 0;
	return errno == ENOTTY ? -EOPNOTSUPP : -errno;
}
