/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own sync files and sync objects, imported, merged, asked and handed back: where the
 * kernel that runs has some (make check-qemu is where it has all, DMAFENCE_KERNEL_FENCES=all).
 */
#include <linux/kcmp.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "fds.h"

#ifdef HAVE_LIBDRM
#include "kernel-display.h"
#include "kernel-fences.h"

static int node(int fd)
{
	assert_true(fd >= 0);
	return fd;
}

static int64_t kernel_timestamp(int fd)
{
	struct sync_fence_info fences[16];
	struct sync_file_info info;
	int64_t latest = 0;
	uint32_t i;

	assert_int_equal(kernel_info(fd, &info, fences, ARRAY_SIZE(fences)), 0);
	for (i = 0; i < info.num_fences; i++) {
		if ((int64_t)fences[i].timestamp_ns > latest)
			latest = (int64_t)fences[i].timestamp_ns;
	}
	return latest;
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };
	int count = poll(&poll_fd, 1, timeout_ms);

	assert_int_equal(count, poll_fd.revents ? 1 : 0);
	assert_false(poll_fd.revents & ~(POLLIN | POLLHUP));
	return poll_fd.revents & POLLIN;
}

static struct dma_fence *import(int fd)
{
	struct dma_fence *fence = dma_fence_sync_file_import_dup_fd(fd);

	assert_non_null(fence);
	return fence;
}

static void own_signal(struct dma_fence *fence, int error)
{
	if (error)
		dma_fence_set_error(fence, error);
	dma_fence_signal(fence);
}

static void assert_info_pending(int fd, uint32_t num_fences)
{
	struct dma_fence_sync_file_info info = { 0 };

	assert_int_equal(dma_fence_sync_file_get_info(fd, &info), 0);
	assert_int_equal(info.status, 0);
	assert_int_equal(info.num_fences, num_fences);
	assert_int_equal(info.timestamp_ns, 0);
}

/*
 * The fd has ended so, and so says the library of it, and of the fence that was imported from it.
 * Polled last: after that the kernel remembers more.
 */
static void assert_outcome(int fd, struct dma_fence *fence, int status, int64_t timestamp)
{
	struct dma_fence_sync_file_info info = { 0 };

	assert_int_equal(dma_fence_sync_file_get_info(fd, &info), 0);
	assert_int_equal(info.status, status);
	assert_int_equal(info.num_fences, 0);
	assert_int_equal(info.timestamp_ns, timestamp);
	if (fence) {
		assert_int_equal(dma_fence_get_status(fence), status);
		assert_int_equal(dma_fence_timestamp(fence), timestamp);
	}
	assert_true(readable(fd, 0));
}

static void assert_kernel_outcome(int fd, struct dma_fence *fence, int status)
{
	int64_t timestamp = kernel_timestamp(fd);

	assert_true(timestamp > 0);
	assert_true(timestamp <= clock_now());
	assert_outcome(fd, fence, status, timestamp);
}

struct later {
	int fd; /* of vgem, or a timeline */
	uint32_t number;
};

static void *signal_vgem_later(void *arg)
{
	struct later *later = arg;

	let_it_sleep();
	assert_int_equal(vgem_signal(later->fd, later->number), 0);
	return NULL;
}

static void *close_later(void *arg)
{
	struct later *later = arg;

	let_it_sleep();
	close(later->fd);
	return NULL;
}

static void pending_then_waited_for(void **state)
{
	struct later later = { .fd = node(open_vgem()) };
	int fd = vgem_fence(later.fd, &later.number);
	struct dma_fence *fence;
	pthread_t thread;

	(void)state;
	assert_true(fd >= 0);
	fence = import(fd);
	assert_false(dma_fence_is_signaled(fence));
	assert_int_equal(dma_fence_get_status(fence), 0);
	assert_int_equal(dma_fence_timestamp(fence), -EAGAIN);
	assert_int_equal(dma_fence_wait_timeout(fence, false, MS), 0);
	assert_info_pending(fd, 1);

	thread = start(signal_vgem_later, &later);
	assert_true(dma_fence_wait_timeout(fence, false, 8 * SECOND) > 0);
	assert_true(dma_fence_test_signaled_flag(fence));
	join(thread);
	assert_kernel_outcome(fd, fence, 1);
	dma_fence_put(fence);
	close(fd);
	close(later.fd);
}

/* Nobody watches: whoever asks polls the fd. */
static void pending_then_asked(void **state)
{
	int vgem = node(open_vgem());
	uint32_t number;
	int fd = vgem_fence(vgem, &number);
	struct dma_fence *fence;

	(void)state;
	assert_true(fd >= 0);
	fence = import(fd);
	assert_false(dma_fence_poll(fence));
	assert_int_equal(vgem_signal(vgem, number), 0);
	assert_true(dma_fence_poll(fence));
	assert_kernel_outcome(fd, fence, 1);
	dma_fence_put(fence);
	close(fd);
	close(vgem);
}

/* The application has an epoll instance, with the watcher's fd in it and the kernel's as well. */
static void pending_in_own_loop(void **state)
{
	int vgem = node(open_vgem());
	struct counter counter = { .ran = 0 };
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct epoll_event events[4];
	int loop = epoll_create1(EPOLL_CLOEXEC);
	struct dma_fence *fence;
	int fd, watcher, left = 2;
	uint32_t number;

	(void)state;
	fd = vgem_fence(vgem, &number);
	watcher = dma_fence_watcher_get_fd();
	assert_true(fd >= 0);
	assert_true(watcher >= 0);
	fence = import(fd);
	assert_int_equal(dma_fence_add_callback(fence, &counter.cb, count_call), 0);
	event.data.fd = fd;
	assert_int_equal(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event), 0);
	event.data.fd = watcher;
	event.events = EPOLLIN;
	assert_int_equal(epoll_ctl(loop, EPOLL_CTL_ADD, watcher, &event), 0);
	assert_int_equal(dma_fence_watcher_dispatch(), 0);
	assert_int_equal(epoll_wait(loop, events, 4, 0), 0);

	assert_int_equal(vgem_signal(vgem, number), 0);
	while (left) {
		int count = epoll_wait(loop, events, 4, 8000);
		int i;

		assert_true(count > 0);
		for (i = 0; i < count; i++) {
			left--;
			assert_int_equal(events[i].events, EPOLLIN);
			if (events[i].data.fd == fd)
				continue;
			assert_int_equal(events[i].data.fd, watcher);
			assert_int_equal(calls(&counter), 0);
			assert_int_equal(dma_fence_watcher_dispatch(), 1);
			assert_int_equal(calls(&counter), 1);
		}
	}
	assert_int_equal(epoll_wait(loop, events, 4, 0), 0);
	assert_int_equal(dma_fence_watcher_dispatch(), 0);
	assert_kernel_outcome(fd, fence, 1);
	dma_fence_put(fence);
	dma_fence_watcher_put_fd();
	close(loop);
	close(fd);
	close(vgem);
}

/* What a driver does whose program dies: the kernel does not call that an error. */
static void driver_closed(void **state)
{
	int vgem = node(open_vgem());
	uint32_t number;
	int fd = vgem_fence(vgem, &number);
	struct dma_fence *fence;

	(void)state;
	assert_true(fd >= 0);
	fence = import(fd);
	close(vgem);
	assert_true(dma_fence_wait_timeout(fence, false, 5 * SECOND) > 0);
	assert_kernel_outcome(fd, fence, 1);
	dma_fence_put(fence);
	close(fd);
}

static int signaled_sync_file(int drm)
{
	uint32_t handle;
	int fd = -1;

	assert_int_equal(drmSyncobjCreate(drm, DRM_SYNCOBJ_CREATE_SIGNALED, &handle), 0);
	assert_int_equal(drmSyncobjExportSyncFile(drm, handle, &fd), 0);
	assert_int_equal(drmSyncobjDestroy(drm, handle), 0);
	return fd;
}

static void signaled_before(void **state)
{
	int drm = node(open_syncobj());
	int fd = signaled_sync_file(drm);
	struct dma_fence *fence;

	(void)state;
	let_it_sleep();
	fence = import(fd);
	assert_true(dma_fence_is_signaled(fence));
	assert_kernel_outcome(fd, fence, 1);
	dma_fence_put(fence);
	close(fd);
	close(drm);
}

static void names_are_the_kernels(void **state)
{
	struct dma_fence_sync_fence_info fences[3];
	struct dma_fence_sync_file_info info = { .fences = fences, .num_fences = 3 };
	int vgem = node(open_vgem());
	int timeline = node(open_sw_sync());
	uint32_t number;
	int fd1 = vgem_fence(vgem, &number), fd2 = sw_sync_fence(timeline, 1), merged;

	(void)state;
	assert_int_equal(dma_fence_sync_file_get_info(fd1, &info), 0);
	assert_int_equal(info.status, 0);
	assert_int_equal(info.num_fences, 1);
	assert_string_equal(fences[0].driver_name, "vgem");
	assert_string_equal(fences[0].timeline_name, "unbound");
	assert_int_equal(fences[0].status, 0);
	assert_int_equal(fences[0].timestamp_ns, 0);

	/* One of two has signaled. */
	merged = dma_fence_sync_file_merge(fd1, fd2);
	assert_true(merged >= 0);
	assert_int_equal(sw_sync_advance(timeline, 1), 0);
	info.num_fences = 3;
	assert_int_equal(dma_fence_sync_file_get_info(merged, &info), 0);
	assert_int_equal(info.status, 0);
	assert_int_equal(info.timestamp_ns, 0);
	assert_int_equal(info.num_fences, 2);
	number = !strcmp(fences[0].driver_name, "vgem");
	assert_string_equal(fences[!number].driver_name, "vgem");
	assert_int_equal(fences[!number].status, 0);
	assert_string_equal(fences[number].driver_name, "sw_sync");
	assert_int_equal(fences[number].status, 1);
	assert_int_equal(fences[number].timestamp_ns, kernel_timestamp(fd2));

	/* As many as there is room for, and how many there are. */
	memset(fences, 0x55, sizeof(fences));
	info.num_fences = 1;
	assert_int_equal(dma_fence_sync_file_get_info(merged, &info), 0);
	assert_int_equal(info.num_fences, 2);
	assert_int_equal(fences[1].status, 0x55555555);
	close(merged);
	close(fd1);
	close(fd2);
	close(timeline);
	close(vgem);
}

static void failed_before(void **state)
{
	int timeline = node(open_sw_sync());
	int fd = sw_sync_fence(timeline, 1);
	struct dma_fence *fence;

	(void)state;
	close(timeline);
	fence = import(fd);
	assert_kernel_outcome(fd, fence, -ENOENT);
	dma_fence_put(fence);
	close(fd);
}

static void failed_while_waited_for(void **state)
{
	struct later later = { .fd = node(open_sw_sync()) };
	int fd = sw_sync_fence(later.fd, 1);
	struct dma_fence *fence = import(fd);
	pthread_t thread = start(close_later, &later);

	(void)state;
	assert_int_equal(dma_fence_wait(fence, false), 0);
	join(thread);
	assert_kernel_outcome(fd, fence, -ENOENT);
	dma_fence_put(fence);
	close(fd);
}

static void failed_then_asked(void **state)
{
	int timeline = node(open_sw_sync());
	int fd = sw_sync_fence(timeline, 1);
	struct dma_fence *fence = import(fd);

	(void)state;
	assert_int_equal(dma_fence_get_status(fence), 0);
	close(timeline);
	assert_kernel_outcome(fd, fence, -ENOENT);
	dma_fence_put(fence);
	close(fd);
}

static void merged_of_the_kernel(void **state)
{
	int vgem = node(open_vgem());
	int timeline = node(open_sw_sync());
	struct dma_fence *fence;
	uint32_t number;
	int fd1 = vgem_fence(vgem, &number), fd2 = sw_sync_fence(timeline, 1), merged;

	(void)state;
	merged = dma_fence_sync_file_merge(fd1, fd2);
	assert_true(is_kernel_sync_file(merged));
	assert_true(fcntl(merged, F_GETFD) & FD_CLOEXEC);
	assert_info_pending(merged, 2);
	fence = import(merged);
	assert_int_equal(sw_sync_advance(timeline, 1), 0);
	assert_int_equal(dma_fence_wait_timeout(fence, false, MS), 0);
	assert_info_pending(merged, 2);
	assert_int_equal(vgem_signal(vgem, number), 0);
	assert_int_equal(dma_fence_wait(fence, false), 0);
	assert_kernel_outcome(merged, fence, 1);
	assert_int_equal(dma_fence_timestamp(fence), kernel_timestamp(fd1));
	dma_fence_put(fence);
	close(merged);
	close(fd1);
	close(fd2);
	close(timeline);
	close(vgem);
}

/*
 * One of two fails and the other is pending: the kernel says of the whole that it has failed if it
 * is asked for both, but it is not over. And it forgets the error if nobody has polled it before,
 * which is what asking the fence does.
 */
static void merged_then_one_fails(bool watched, bool failed_ends_last)
{
	int failing = node(open_sw_sync());
	int timeline = node(open_sw_sync());
	int fd1 = sw_sync_fence(failing, 1), fd2 = sw_sync_fence(timeline, 1);
	int merged = dma_fence_sync_file_merge(fd1, fd2);
	struct dma_fence *fence = import(merged);

	if (watched)
		dma_fence_enable_signaling(fence);
	if (failed_ends_last)
		assert_int_equal(sw_sync_advance(timeline, 1), 0);
	else
		close(failing);
	if (watched)
		assert_int_equal(dma_fence_get_status(fence), 0);
	assert_info_pending(merged, 2);
	if (failed_ends_last)
		close(failing);
	else
		assert_int_equal(sw_sync_advance(timeline, 1), 0);
	if (watched)
		assert_int_equal(dma_fence_wait(fence, false), 0);
	assert_kernel_outcome(merged, fence, -ENOENT);
	dma_fence_put(fence);
	close(merged);
	close(fd1);
	close(fd2);
	close(timeline);
}

static void merged_first_fails(void **state)
{
	(void)state;
	merged_then_one_fails(true, false);
}

static void merged_last_fails(void **state)
{
	(void)state;
	merged_then_one_fails(true, true);
}

static void merged_first_fails_unwatched(void **state)
{
	(void)state;
	merged_then_one_fails(false, false);
}

static void merged_last_fails_unwatched(void **state)
{
	(void)state;
	merged_then_one_fails(false, true);
}

/* The kernel leaves fences out that have signaled, whatever the error. */
static void merged_after_one_has_failed(void **state)
{
	int failing = node(open_sw_sync());
	int timeline = node(open_sw_sync());
	int fd1 = sw_sync_fence(failing, 1), fd2 = sw_sync_fence(timeline, 1);
	int merged, reversed, both;

	(void)state;
	close(failing);
	merged = dma_fence_sync_file_merge(fd1, fd2);
	reversed = dma_fence_sync_file_merge(fd2, fd1);
	both = dma_fence_sync_file_merge(fd1, fd1);
	assert_outcome(both, NULL, -ENOENT, kernel_timestamp(fd1));
	assert_false(readable(merged, 0));
	assert_false(readable(reversed, 0));
	assert_int_equal(sw_sync_advance(timeline, 1), 0);
	assert_true(readable(merged, 5000));
	assert_true(readable(reversed, 5000));
	assert_outcome(merged, NULL, -ENOENT, kernel_timestamp(fd2));
	assert_outcome(reversed, NULL, -ENOENT, kernel_timestamp(fd2));
	close(both);
	close(merged);
	close(reversed);
	close(fd1);
	close(fd2);
	close(timeline);
}

/* Of what is merged, a part has failed, and the whole is pending. */
static void merged_after_a_part_has_failed(void **state)
{
	int failing = node(open_sw_sync());
	int timeline = node(open_sw_sync());
	int fd1 = sw_sync_fence(failing, 1), fd2 = sw_sync_fence(timeline, 1);
	int fd3 = sw_sync_fence(timeline, 2);
	int part = dma_fence_sync_file_merge(fd1, fd2), merged;

	(void)state;
	close(failing);
	assert_info_pending(part, 2);
	merged = dma_fence_sync_file_merge(fd3, part);
	assert_int_equal(sw_sync_advance(timeline, 1), 0);
	assert_true(readable(part, 5000));
	assert_false(readable(merged, 0));
	assert_int_equal(sw_sync_advance(timeline, 1), 0);
	assert_true(readable(merged, 5000));
	assert_kernel_outcome(part, NULL, -ENOENT);
	assert_outcome(merged, NULL, -ENOENT, kernel_timestamp(fd3));
	close(merged);
	close(part);
	close(fd1);
	close(fd2);
	close(fd3);
	close(timeline);
}

static void merged_with_one_of_ours(void **state)
{
	int timeline = node(open_sw_sync());
	struct dma_fence *own = create_fence();
	int fd1 = dma_fence_sync_file_export(own);
	int fd2 = sw_sync_fence(timeline, 1);
	int merged = dma_fence_sync_file_merge(fd1, fd2);
	int reversed = dma_fence_sync_file_merge(fd2, fd1);

	(void)state;
	assert_true(merged >= 0);
	assert_true(reversed >= 0);
	assert_info_pending(merged, 2);
	own_signal(own, 0);
	assert_false(readable(merged, 0));
	assert_int_equal(sw_sync_advance(timeline, 1), 0);
	assert_true(readable(merged, 5000));
	assert_true(readable(reversed, 5000));
	assert_outcome(merged, NULL, 1, kernel_timestamp(fd2));
	assert_outcome(reversed, NULL, 1, kernel_timestamp(fd2));
	dma_fence_put(own);
	close(merged);
	close(reversed);
	close(fd1);
	close(fd2);
	close(timeline);
}

static void merged_with_one_of_ours_fails(void **state)
{
	static const int errors[] = { 0, -EIO };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		int timeline = node(open_sw_sync());
		struct dma_fence *own = create_fence();
		int fd1 = dma_fence_sync_file_export(own);
		int fd2 = sw_sync_fence(timeline, 1);
		int merged = dma_fence_sync_file_merge(fd1, fd2);

		close(timeline);
		assert_false(readable(merged, 0));
		own_signal(own, errors[i]);
		assert_true(readable(merged, 5000));
		/* The kernel's failed first. */
		assert_outcome(merged, NULL, -ENOENT, dma_fence_timestamp(own));
		dma_fence_put(own);
		close(merged);
		close(fd1);
		close(fd2);
	}
}

static void deadline_reaches_the_driver(void **state)
{
	int timeline = node(open_sw_sync());
	int fd = sw_sync_fence(timeline, 1);
	struct dma_fence *fence = import(fd);

	(void)state;
	assert_int_equal(sw_sync_get_deadline(timeline, fd), -ENOENT);
	assert_int_equal(dma_fence_sync_file_set_deadline(fd, 123456789), 0);
	assert_int_equal(sw_sync_get_deadline(timeline, fd), 123456789);
	dma_fence_set_deadline(fence, 12345678);
	assert_int_equal(sw_sync_get_deadline(timeline, fd), 12345678);
	assert_int_equal(sw_sync_advance(timeline, 1), 0);
	assert_int_equal(dma_fence_sync_file_set_deadline(fd, 987654321), 0);
	dma_fence_put(fence);
	close(fd);
	close(timeline);
}

static bool same_file(int fd1, int fd2)
{
	return !syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, fd1, fd2);
}

/* Into a sync object of the kernel: what it can only do with sync files of its own. */
static void exported_is_the_kernels_again(void **state)
{
	int drm = node(open_syncobj());
	int timeline = node(open_sw_sync());
	int fd = sw_sync_fence(timeline, 1);
	struct dma_fence *fence = import(fd), *own = create_fence();
	int exported = dma_fence_sync_file_export(fence);
	int own_fd = dma_fence_sync_file_export(own);
	uint32_t handle, first;

	(void)state;
	assert_true(exported >= 0);
	assert_true(exported != fd);
	assert_true(same_file(fd, exported));
	assert_true(fcntl(exported, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(drmSyncobjCreate(drm, 0, &handle), 0);
	assert_int_equal(drmSyncobjImportSyncFile(drm, handle, exported), 0);
	assert_int_equal(drmSyncobjWait(drm, &handle, 1, 0, 0, &first), -ETIME);
	assert_int_equal(sw_sync_advance(timeline, 1), 0);
	assert_int_equal(drmSyncobjWait(drm, &handle, 1, 0, 0, &first), 0);

	/* Ours it does not take. */
	assert_true(own_fd >= 0);
	assert_true(drmSyncobjImportSyncFile(drm, handle, own_fd) < 0);
	own_signal(own, 0);
	assert_int_equal(drmSyncobjDestroy(drm, handle), 0);
	dma_fence_put(own);
	dma_fence_put(fence);
	close(own_fd);
	close(exported);
	close(fd);
	close(timeline);
	close(drm);
}

static void taken_fd_is_closed(void **state)
{
	int timeline = node(open_sw_sync());
	int drm = node(open_syncobj());
	int pending = sw_sync_fence(timeline, 1), signaled = signaled_sync_file(drm);
	struct dma_fence *fence1 = dma_fence_sync_file_import_take_fd(pending);
	struct dma_fence *fence2 = dma_fence_sync_file_import_take_fd(signaled);

	(void)state;
	assert_non_null(fence1);
	assert_non_null(fence2);
	assert_int_equal(dma_fence_get_status(fence2), 1);
	assert_int_equal(dma_fence_get_status(fence1), 0);
	assert_int_equal(sw_sync_advance(timeline, 1), 0);
	assert_int_equal(dma_fence_get_status(fence1), 1);
	dma_fence_put(fence1);
	dma_fence_put(fence2);
	close(timeline);
	close(drm);
}

/*
 * Through a driver: a fence of the kernel is imported, and exported for a display to wait for,
 * whose own fence is imported.
 */
static void through_a_display(void **state)
{
	struct dma_fence_sync_fence_info info_of_fence;
	struct dma_fence_sync_file_info info = { .fences = &info_of_fence, .num_fences = 1 };
	int timeline = node(open_sw_sync());
	struct dma_fence *picture, *shown;
	struct display display;
	int fd, in_fence, out_fence;

	(void)state;
	assert_true(display_init(&display, node(open_display())));
	fd = sw_sync_fence(timeline, 1);
	picture = import(fd);
	in_fence = dma_fence_sync_file_export(picture);
	out_fence = display_show(&display, in_fence);
	assert_true(out_fence >= 0);
	assert_int_equal(dma_fence_sync_file_get_info(out_fence, &info), 0);
	assert_int_equal(info.num_fences, 1);
	assert_string_equal(info_of_fence.driver_name, "virtio_gpu");
	shown = import(out_fence);
	assert_int_equal(dma_fence_wait_timeout(shown, false, 20 * MS), 0);
	assert_int_equal(sw_sync_advance(timeline, 1), 0);
	assert_int_equal(dma_fence_wait(shown, false), 0);
	assert_kernel_outcome(out_fence, shown, 1);
	assert_int_equal(dma_fence_get_status(picture), 1);
	assert_true(dma_fence_timestamp(picture) <= dma_fence_timestamp(shown));
	dma_fence_put(picture);
	dma_fence_put(shown);
	close(fd);
	close(in_fence);
	close(out_fence);
	close(display.fd);
	close(timeline);
}

/* Other fds of the kernel's graphics. */
static void no_sync_files(void **state)
{
	int drm = node(open_syncobj());
	struct dma_fence_sync_file_info info = { 0 };
	uint32_t handle;
	int fds[2] = { drm, -1 };
	size_t i;

	(void)state;
	assert_int_equal(drmSyncobjCreate(drm, 0, &handle), 0);
	assert_int_equal(drmSyncobjHandleToFD(drm, handle, &fds[1]), 0);
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		errno = 0;
		assert_null(dma_fence_sync_file_import_dup_fd(fds[i]));
		assert_int_equal(errno, EINVAL);
		assert_null(dma_fence_sync_file_import_take_fd(fds[i]));
		assert_true(fcntl(fds[i], F_GETFD) >= 0);
		assert_int_equal(dma_fence_sync_file_get_info(fds[i], &info), -EINVAL);
		assert_int_equal(dma_fence_sync_file_set_deadline(fds[i], 1), -EINVAL);
		assert_int_equal(dma_fence_sync_file_merge(fds[i], fds[i]), -EINVAL);
		assert_null(dma_fence_syncobj_import_dup_fd(fds[i]));
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(drmSyncobjDestroy(drm, handle), 0);
	close(fds[1]);
	close(drm);
}

/* The sync file of a point of a timeline of the kernel. */
static int point_sync_file(int drm, uint32_t timeline, uint64_t point)
{
	uint32_t binary;
	int fd = -1;

	assert_int_equal(drmSyncobjCreate(drm, 0, &binary), 0);
	assert_int_equal(drmSyncobjTransfer(drm, binary, 0, timeline, point, 0), 0);
	assert_int_equal(drmSyncobjExportSyncFile(drm, binary, &fd), 0);
	assert_int_equal(drmSyncobjDestroy(drm, binary), 0);
	return fd;
}

static void set_point(int drm, uint32_t timeline, uint64_t point, int fd)
{
	uint32_t binary;

	assert_int_equal(drmSyncobjCreate(drm, 0, &binary), 0);
	assert_int_equal(drmSyncobjImportSyncFile(drm, binary, fd), 0);
	assert_int_equal(drmSyncobjTransfer(drm, timeline, point, binary, 0, 0), 0);
	assert_int_equal(drmSyncobjDestroy(drm, binary), 0);
}

static void points_of_a_kernel_timeline(void **state)
{
	int drm = node(open_syncobj());
	int source1 = node(open_sw_sync()), source2 = node(open_sw_sync());
	int fd1 = sw_sync_fence(source1, 1), fd2 = sw_sync_fence(source2, 1);
	struct dma_fence *fence1, *fence2;
	uint32_t handle;
	int point1, point2;

	(void)state;
	assert_int_equal(drmSyncobjCreate(drm, 0, &handle), 0);
	set_point(drm, handle, 10, fd1);
	set_point(drm, handle, 20, fd2);
	point1 = point_sync_file(drm, handle, 5);
	point2 = point_sync_file(drm, handle, 20);
	fence1 = import(point1);
	fence2 = import(point2);
	assert_info_pending(point2, 2);

	/* The later one is done first: its point waits for the earlier one. */
	dma_fence_enable_signaling(fence2);
	assert_int_equal(sw_sync_advance(source2, 1), 0);
	assert_int_equal(dma_fence_get_status(fence2), 0);
	assert_int_equal(sw_sync_advance(source1, 1), 0);
	assert_int_equal(dma_fence_wait(fence2, false), 0);
	assert_int_equal(dma_fence_wait(fence1, false), 0);
	assert_kernel_outcome(point1, fence1, 1);
	assert_kernel_outcome(point2, fence2, 1);
	assert_int_equal(drmSyncobjDestroy(drm, handle), 0);
	dma_fence_put(fence1);
	dma_fence_put(fence2);
	close(point1);
	close(point2);
	close(fd1);
	close(fd2);
	close(source1);
	close(source2);
	close(drm);
}

/* The kernel's chain does not have the error of what it contains, but tells of that. */
static void point_of_a_kernel_timeline_fails(void **state)
{
	int drm = node(open_syncobj());
	int source = node(open_sw_sync());
	int fd = sw_sync_fence(source, 1), watched, asked;
	struct dma_fence *fence1, *fence2;
	uint32_t handle;

	(void)state;
	assert_int_equal(drmSyncobjCreate(drm, 0, &handle), 0);
	set_point(drm, handle, 1, fd);
	watched = point_sync_file(drm, handle, 1);
	asked = point_sync_file(drm, handle, 1);
	fence1 = import(watched);
	fence2 = import(asked);
	dma_fence_enable_signaling(fence1);
	close(source);
	assert_int_equal(dma_fence_wait(fence1, false), 0);
	assert_kernel_outcome(watched, fence1, -ENOENT);
	assert_kernel_outcome(asked, fence2, -ENOENT);
	assert_int_equal(drmSyncobjDestroy(drm, handle), 0);
	dma_fence_put(fence1);
	dma_fence_put(fence2);
	close(watched);
	close(asked);
	close(fd);
	close(drm);
}

/* What came from the kernel goes through a sync object of ours, and back to the kernel. */
static void through_a_binary_object(void **state)
{
	int drm = node(open_syncobj());
	int timeline = node(open_sw_sync());
	int fd = sw_sync_fence(timeline, 1), exported;
	struct dma_fence_syncobj *syncobj = dma_fence_syncobj_create(0);
	struct dma_fence_syncobj_point point = { .syncobj = syncobj };
	uint32_t handle, first;

	(void)state;
	assert_int_equal(dma_fence_syncobj_import_sync_file_dup_fd(syncobj, 0, fd), 0);
	assert_int_equal(dma_fence_syncobj_status(syncobj, 0), 0);
	assert_int_equal(dma_fence_syncobj_wait(&point, 1, 0, false, MS, NULL), 0);
	exported = dma_fence_syncobj_export_sync_file(syncobj, 0);
	assert_true(same_file(fd, exported));
	assert_int_equal(drmSyncobjCreate(drm, 0, &handle), 0);
	assert_int_equal(drmSyncobjImportSyncFile(drm, handle, exported), 0);
	assert_int_equal(drmSyncobjWait(drm, &handle, 1, 0, 0, &first), -ETIME);

	assert_int_equal(sw_sync_advance(timeline, 1), 0);
	assert_true(dma_fence_syncobj_wait(&point, 1, 0, false, 5 * SECOND, NULL) > 0);
	assert_int_equal(dma_fence_syncobj_status(syncobj, 0), 1);
	assert_int_equal(drmSyncobjWait(drm, &handle, 1, 0, 0, &first), 0);
	assert_int_equal(drmSyncobjDestroy(drm, handle), 0);
	dma_fence_syncobj_put(syncobj);
	close(exported);
	close(fd);
	close(timeline);
	close(drm);
}

/* A timeline of the kernel, point by point, becomes one of ours. The second point fails. */
static void from_timeline_to_timeline(void **state)
{
	int drm = node(open_syncobj());
	int source1 = node(open_sw_sync()), source2 = node(open_sw_sync());
	int fd1 = sw_sync_fence(source1, 1), fd2 = sw_sync_fence(source2, 1), fd;
	struct dma_fence_syncobj *syncobj = dma_fence_syncobj_create(0);
	struct dma_fence_syncobj_point points[2] = { { syncobj, 10 }, { syncobj, 20 } };
	uint32_t handle;
	uint64_t passed;

	(void)state;
	assert_int_equal(drmSyncobjCreate(drm, 0, &handle), 0);
	set_point(drm, handle, 10, fd1);
	set_point(drm, handle, 20, fd2);
	fd = point_sync_file(drm, handle, 10);
	assert_int_equal(dma_fence_syncobj_import_sync_file_take_fd(syncobj, 10, fd), 0);
	fd = point_sync_file(drm, handle, 20);
	assert_int_equal(dma_fence_syncobj_import_sync_file_take_fd(syncobj, 20, fd), 0);
	/* Refused, and still the caller's. */
	assert_int_equal(dma_fence_syncobj_import_sync_file_take_fd(syncobj, 20, fd1), -ERANGE);
	assert_true(fcntl(fd1, F_GETFD) >= 0);

	assert_int_equal(sw_sync_advance(source1, 1), 0);
	assert_true(dma_fence_syncobj_wait(points, 2, 0, false, 5 * SECOND, NULL) > 0);
	assert_int_equal(dma_fence_syncobj_query(syncobj, 0, &passed), 0);
	assert_int_equal(passed, 10);
	assert_int_equal(dma_fence_syncobj_status(syncobj, 10), 1);
	assert_int_equal(dma_fence_syncobj_status(syncobj, 20), 0);
	close(source2);
	assert_true(dma_fence_syncobj_wait(points, 2, DMA_FENCE_SYNCOBJ_WAIT_ALL, false, 5 * SECOND,
					   NULL) > 0);
	assert_int_equal(dma_fence_syncobj_status(syncobj, 10), 1);
	assert_int_equal(dma_fence_syncobj_status(syncobj, 20), -ENOENT);
	assert_int_equal(drmSyncobjDestroy(drm, handle), 0);
	dma_fence_syncobj_put(syncobj);
	close(fd1);
	close(fd2);
	close(source1);
	close(drm);
}

/* A shared object, which this process has twice: of the kernel's fence the outcome crosses over. */
static void through_a_shared_object(void **state)
{
	int timeline = node(open_sw_sync());
	struct dma_fence_syncobj *ours, *theirs;
	struct dma_fence_syncobj_point points[2];
	int handle;

	(void)state;
	ours = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
	assert_non_null(ours);
	handle = dma_fence_syncobj_export(ours);
	theirs = dma_fence_syncobj_import_take_fd(handle);
	assert_non_null(theirs);
	points[0] = (struct dma_fence_syncobj_point){ theirs, 1 };
	points[1] = (struct dma_fence_syncobj_point){ theirs, 2 };
	assert_int_equal(
		dma_fence_syncobj_import_sync_file_take_fd(ours, 1, sw_sync_fence(timeline, 1)), 0);
	assert_int_equal(
		dma_fence_syncobj_import_sync_file_take_fd(ours, 2, sw_sync_fence(timeline, 2)), 0);
	assert_int_equal(dma_fence_syncobj_status(theirs, 1), 0);
	assert_int_equal(sw_sync_advance(timeline, 1), 0);
	assert_true(dma_fence_syncobj_wait(points, 1, 0, false, 5 * SECOND, NULL) > 0);
	assert_int_equal(dma_fence_syncobj_status(theirs, 1), 1);
	assert_int_equal(dma_fence_syncobj_status(theirs, 2), 0);
	close(timeline);
	assert_true(dma_fence_syncobj_wait(&points[1], 1, 0, false, 5 * SECOND, NULL) > 0);
	assert_int_equal(dma_fence_syncobj_status(theirs, 2), -ENOENT);
	dma_fence_syncobj_put(theirs);
	dma_fence_syncobj_put(ours);
}

/* More than one batch of the watcher's. */
static void many(void **state)
{
	enum { COUNT = 200 };
	static struct counter counters[COUNT];
	struct dma_fence *fences[COUNT];
	int timeline = node(open_sw_sync());
	uint32_t i;

	(void)state;
	for (i = 0; i < COUNT; i++) {
		fences[i] = dma_fence_sync_file_import_take_fd(sw_sync_fence(timeline, i + 1));
		assert_non_null(fences[i]);
		counters[i].ran = 0;
		assert_int_equal(dma_fence_add_callback(fences[i], &counters[i].cb, count_call), 0);
	}
	assert_int_equal(sw_sync_advance(timeline, COUNT / 2), 0);
	for (i = 0; i < COUNT / 2; i++)
		assert_int_equal(dma_fence_wait(fences[i], false), 0);
	for (i = 0; i < COUNT; i++)
		assert_int_equal(calls(&counters[i]), i < COUNT / 2);
	close(timeline);
	for (i = 0; i < COUNT; i++) {
		assert_int_equal(dma_fence_wait(fences[i], false), 0);
		assert_int_equal(calls(&counters[i]), 1);
		assert_int_equal(dma_fence_get_status(fences[i]), i < COUNT / 2 ? 1 : -ENOENT);
		dma_fence_put(fences[i]);
	}
}

/* Dropped while it is being watched, and nobody left to care. */
static void dropped_while_pending(void **state)
{
	int timeline = node(open_sw_sync());
	struct counter counter = { .ran = 0 };
	struct dma_fence *fence;

	(void)state;
	fence = dma_fence_sync_file_import_take_fd(sw_sync_fence(timeline, 1));
	assert_non_null(fence);
	assert_int_equal(dma_fence_add_callback(fence, &counter.cb, count_call), 0);
	assert_true(dma_fence_remove_callback(fence, &counter.cb));
	dma_fence_put(fence);
	close(timeline);
}

/* What a test needs of the kernel. */
enum {
	SYNCOBJ = 1 << 0,
	VGEM = 1 << 1,
	SW_SYNC = 1 << 2,
	DISPLAY = 1 << 3, /* not to be taken from who looks at it: only with all */
};

static const struct {
	struct CMUnitTest test;
	unsigned int needs;
} tests[] = {
	{ fd_test(pending_then_waited_for), VGEM },
	{ fd_test(pending_then_asked), VGEM },
	{ fd_test(pending_in_own_loop), VGEM },
	{ fd_test(driver_closed), VGEM },
	{ fd_test(signaled_before), SYNCOBJ },
	{ fd_test(names_are_the_kernels), VGEM | SW_SYNC },
	{ fd_test(failed_before), SW_SYNC },
	{ fd_test(failed_while_waited_for), SW_SYNC },
	{ fd_test(failed_then_asked), SW_SYNC },
	{ fd_test(merged_of_the_kernel), VGEM | SW_SYNC },
	{ fd_test(merged_first_fails), SW_SYNC },
	{ fd_test(merged_last_fails), SW_SYNC },
	{ fd_test(merged_first_fails_unwatched), SW_SYNC },
	{ fd_test(merged_last_fails_unwatched), SW_SYNC },
	{ fd_test(merged_after_one_has_failed), SW_SYNC },
	{ fd_test(merged_after_a_part_has_failed), SW_SYNC },
	{ fd_test(merged_with_one_of_ours), SW_SYNC },
	{ fd_test(merged_with_one_of_ours_fails), SW_SYNC },
	{ fd_test(deadline_reaches_the_driver), SW_SYNC },
	{ fd_test(exported_is_the_kernels_again), SYNCOBJ | SW_SYNC },
	{ fd_test(taken_fd_is_closed), SYNCOBJ | SW_SYNC },
	{ fd_test(through_a_display), DISPLAY | SW_SYNC },
	{ fd_test(no_sync_files), SYNCOBJ },
	{ fd_test(points_of_a_kernel_timeline), SYNCOBJ | SW_SYNC },
	{ fd_test(point_of_a_kernel_timeline_fails), SYNCOBJ | SW_SYNC },
	{ fd_test(through_a_binary_object), SYNCOBJ | SW_SYNC },
	{ fd_test(from_timeline_to_timeline), SYNCOBJ | SW_SYNC },
	{ fd_test(through_a_shared_object), SW_SYNC },
	{ fd_test(many), SW_SYNC },
	{ fd_test(dropped_while_pending), SW_SYNC },
};

static unsigned int available(int fd, unsigned int what)
{
	if (fd < 0)
		return 0;
	close(fd);
	return what;
}

int main(void)
{
	const char *which = getenv("DMAFENCE_KERNEL_FENCES");
	const bool all = which && !strcmp(which, "all");
	struct CMUnitTest to_run[ARRAY_SIZE(tests)];
	unsigned int here = available(open_syncobj(), SYNCOBJ);
	size_t i, count = 0;

	/* Who runs a mutant does not wait for more than its first failure. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	here |= available(open_vgem(), VGEM) | available(open_sw_sync(), SW_SYNC);
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (all || !(tests[i].needs & ~here))
			to_run[count++] = tests[i].test;
	}
	if (!count) {
		puts("1..0 # SKIP no driver with sync objects or sync files can be opened");
		return 0;
	}
	if (count < ARRAY_SIZE(tests))
		printf("# %zu tests more where vgem and sw_sync are\n", ARRAY_SIZE(tests) - count);
	return _cmocka_run_group_tests("tests", to_run, count, NULL, NULL);
}
#else
int main(void)
{
	puts("1..0 # SKIP built without libdrm");
	return 0;
}
#endif
