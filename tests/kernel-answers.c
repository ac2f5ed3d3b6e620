/* SPDX-License-Identifier: MIT */
/*
 * What is made of the kernel's answers about its sync files. Where there are no such files, an eventfd
 * is taken for one, and what the kernel would say of it is said here; kernel-sync-file.c asks a real
 * one.
 */
#include <fcntl.h>
#include <linux/sync_file.h>
#include <sys/eventfd.h>

#include "fds.h"

#include "failing-malloc.h"

#include "fd/kernel-sync-file.h"

#ifndef SYNC_IOC_SET_DEADLINE
struct sync_set_deadline {
	__u64 deadline_ns;
	__u64 pad;
};
#define SYNC_IOC_SET_DEADLINE _IOW(SYNC_IOC_MAGIC, 5, struct sync_set_deadline)
#endif

/* More than fit on the stack. */
#define MOST 12

static struct {
	int fd;
	int status;
	uint32_t num_fences;
	struct sync_fence_info fences[MOST];
	int fails_in; /* calls from now on; 0: never */
	int error;
	uint64_t deadline;
} kernel;

/* The library's thread asks, too. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int __real_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg);

static int answer_info(struct sync_file_info *info)
{
	if (info->num_fences && info->num_fences < kernel.num_fences) {
		errno = EINVAL;
		return -1;
	}
	if (info->num_fences)
		memcpy((void *)(uintptr_t)info->sync_fence_info, kernel.fences,
		       kernel.num_fences * sizeof(*kernel.fences));
	info->status = kernel.status;
	info->num_fences = kernel.num_fences;
	return 0;
}

static int answer(unsigned long request, void *arg)
{
	struct sync_merge_data *merge = arg;

	if (kernel.fails_in && !--kernel.fails_in) {
		errno = kernel.error;
		return -1;
	}
	switch (request) {
	case SYNC_IOC_FILE_INFO:
		return answer_info(arg);
	case SYNC_IOC_MERGE:
		merge->fence = dup(merge->fd2);
		return 0;
	case SYNC_IOC_SET_DEADLINE:
		kernel.deadline = ((struct sync_set_deadline *)arg)->deadline_ns;
		return 0;
	default:
		errno = ENOTTY;
		return -1;
	}
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	if (_IOC_TYPE(request) != SYNC_IOC_MAGIC)
		return __real_ioctl(fd, request, arg);
	pthread_mutex_lock(&lock);
	ret = answer(request, arg);
	pthread_mutex_unlock(&lock);
	return ret;
}

static void fails(int in, int error)
{
	pthread_mutex_lock(&lock);
	kernel.fails_in = in;
	kernel.error = error;
	pthread_mutex_unlock(&lock);
}

static void add(int status, uint64_t timestamp)
{
	struct sync_fence_info *fence = &kernel.fences[kernel.num_fences];

	assert_true(kernel.num_fences < MOST);
	*fence = (struct sync_fence_info){ .status = status, .timestamp_ns = timestamp };
	snprintf(fence->driver_name, sizeof(fence->driver_name), "driver%u", kernel.num_fences);
	snprintf(fence->obj_name, sizeof(fence->obj_name), "timeline%u", kernel.num_fences);
	kernel.num_fences++;
}

static int setup(void **state)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.fd = -1;
	if (fd_setup(state))
		return -1;
	kernel.fd = eventfd(0, EFD_CLOEXEC);
	return 0;
}

static int teardown(void **state)
{
	close(kernel.fd);
	kernel.fd = -1;
	return fd_teardown(state);
}

static void what_is_told_of_each(void **state)
{
	struct dma_fence_sync_fence_info fences[2];
	struct dma_fence_sync_file_info info = { .num_fences = 2, .fences = fences };

	(void)state;
	add(0, 5); /* a time that means nothing yet */
	add(1, 7);
	add(-EIO, 6);
	memset(kernel.fences[1].driver_name, 'd', sizeof(kernel.fences[1].driver_name));
	memset(kernel.fences[1].obj_name, 'n', sizeof(kernel.fences[1].obj_name));
	assert_int_equal(dma_fence_kernel_sync_file_info(kernel.fd, &info), 0);
	assert_int_equal(info.num_fences, 3);
	assert_int_equal(info.status, 0);
	assert_int_equal(info.timestamp_ns, 0);
	assert_string_equal(fences[0].driver_name, "driver0");
	assert_string_equal(fences[0].timeline_name, "timeline0");
	assert_int_equal(fences[0].status, 0);
	assert_int_equal(fences[0].timestamp_ns, 0);
	/* Names that fill all the room they have. */
	assert_int_equal(strspn(fences[1].driver_name, "d"), sizeof(fences[1].driver_name) - 1);
	assert_int_equal(strspn(fences[1].timeline_name, "n"), sizeof(kernel.fences[1].obj_name));
	assert_int_equal(fences[1].status, 1);
	assert_int_equal(fences[1].timestamp_ns, 7);
}

static void errors_and_times_of_all(void **state)
{
	struct dma_fence_sync_file_info info = { .num_fences = 0 };
	int i;

	(void)state;
	kernel.status = 1;
	for (i = 0; i < MOST - 3; i++)
		add(1, 10);
	add(-EIO, 30);
	add(-ENODEV, 20);
	add(-EPERM, 25);
	assert_int_equal(dma_fence_kernel_sync_file_info(kernel.fd, &info), 0);
	assert_int_equal(info.num_fences, MOST);
	assert_int_equal(info.status, -ENODEV);
	assert_int_equal(info.timestamp_ns, 30);
	/* What it says itself stands. */
	kernel.status = -ETIME;
	info.num_fences = 0;
	assert_int_equal(dma_fence_kernel_sync_file_info(kernel.fd, &info), 0);
	assert_int_equal(info.status, -ETIME);

	info.num_fences = 0;
	failing_malloc_in = 1;
	assert_int_equal(dma_fence_kernel_sync_file_info(kernel.fd, &info), -ENOMEM);
	failing_malloc_in = -1;
	/* What was allocated for the answer is given back. */
	fails(2, EFAULT);
	assert_int_equal(dma_fence_kernel_sync_file_info(kernel.fd, &info), -EFAULT);
}

static void what_is_none(void **state)
{
	struct dma_fence_sync_file_info info = { .num_fences = 0 };
	int fds[2];

	(void)state;
	add(1, 1);
	fails(1, ENOTTY);
	assert_int_equal(dma_fence_kernel_sync_file_info(kernel.fd, &info), -EINVAL);
	fails(1, EBADF); /* what was opened with O_PATH */
	assert_int_equal(dma_fence_kernel_sync_file_info(kernel.fd, &info), -EINVAL);
	/* Of what the kernel had no memory to answer for nothing is known. */
	fails(1, ENOMEM);
	assert_int_equal(dma_fence_kernel_sync_file_info(kernel.fd, &info), -ENOMEM);
	fails(2, EFAULT);
	assert_int_equal(dma_fence_kernel_sync_file_info(kernel.fd, &info), -EFAULT);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(dma_fence_kernel_sync_file_info(fds[0], &info), -EINVAL);
	assert_int_equal(dma_fence_kernel_sync_file_merge(fds[0], kernel.fd), -EINVAL);
	assert_int_equal(dma_fence_kernel_sync_file_merge(kernel.fd, fds[0]), -EINVAL);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(dma_fence_kernel_sync_file_info(fds[0], &info), -EBADF);
}

/* Of what has failed and signaled a merge by the kernel would know nothing. */
static void merges_that_would_lose_an_error(void **state)
{
	int fd;

	(void)state;
	add(0, 0);
	fd = dma_fence_kernel_sync_file_merge(kernel.fd, kernel.fd);
	assert_true(fd >= 0);
	close(fd);
	add(-EIO, 1);
	assert_int_equal(dma_fence_kernel_sync_file_merge(kernel.fd, kernel.fd), -EOPNOTSUPP);
	fails(1, ENOMEM);
	assert_int_equal(dma_fence_kernel_sync_file_merge(kernel.fd, kernel.fd), -ENOMEM);
	/* Of what cannot be asked nothing is known. */
	fails(2, ENOMEM);
	assert_int_equal(dma_fence_kernel_sync_file_merge(kernel.fd, kernel.fd), -EOPNOTSUPP);
}

static void deadlines(void **state)
{
	(void)state;
	assert_int_equal(dma_fence_kernel_sync_file_set_deadline(kernel.fd, 17), 0);
	assert_int_equal(kernel.deadline, 17);
	fails(1, ENOTTY);
	assert_int_equal(dma_fence_kernel_sync_file_set_deadline(kernel.fd, 18), -EOPNOTSUPP);
	fails(1, EBADF);
	assert_int_equal(dma_fence_kernel_sync_file_set_deadline(kernel.fd, 18), -EBADF);
}

static struct dma_fence *import(void)
{
	struct dma_fence *fence = dma_fence_sync_file_import_dup_fd(kernel.fd);

	assert_non_null(fence);
	return fence;
}

static void what_has_signaled_is_imported(void **state)
{
	struct dma_fence *fence;

	(void)state;
	add(1, 1000);
	kernel.status = 1;
	fence = import();
	assert_int_equal(dma_fence_get_status(fence), 1);
	assert_int_equal(dma_fence_timestamp(fence), 1000);
	dma_fence_put(fence);
	add(-EIO, 2000);
	kernel.status = -EIO;
	fence = import();
	assert_int_equal(dma_fence_get_status(fence), -EIO);
	assert_int_equal(dma_fence_timestamp(fence), 2000);
	dma_fence_put(fence);
}

/* It is readable when it has signaled, and is asked then. */
static void pending_ones_are_watched(void **state)
{
	static const int statuses[] = { 1, -EIO };
	struct dma_fence *fence;
	uint64_t word = 1;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(statuses); i++) {
		kernel.status = 0;
		kernel.num_fences = 0;
		add(0, 0);
		fence = import();
		assert_string_equal(dma_fence_driver_name(fence), "driver0");
		assert_string_equal(dma_fence_timeline_name(fence), "timeline0");
		assert_int_equal(dma_fence_get_status(fence), 0);
		dma_fence_set_deadline(fence, 100 + (int64_t)i);
		assert_int_equal(kernel.deadline, 100 + i);
		assert_int_equal(dma_fence_wait_timeout(fence, false, MS), 0);
		pthread_mutex_lock(&lock);
		kernel.status = kernel.fences[0].status = statuses[i];
		kernel.fences[0].timestamp_ns = 5000;
		pthread_mutex_unlock(&lock);
		assert_int_equal(write(kernel.fd, &word, sizeof(word)), sizeof(word));
		assert_true(dma_fence_wait_timeout(fence, false, PATIENCE * SECOND) > 0);
		assert_int_equal(dma_fence_get_status(fence), statuses[i]);
		assert_int_equal(dma_fence_timestamp(fence), 5000);
		dma_fence_put(fence);
		assert_int_equal(read(kernel.fd, &word, sizeof(word)), sizeof(word));
	}
}

/* That it has ended is known, and how is not. */
static void what_cannot_be_asked_has_failed(void **state)
{
	struct dma_fence *fence;
	uint64_t word = 1;

	(void)state;
	add(0, 0);
	add(0, 0);
	fence = import();
	assert_string_equal(dma_fence_timeline_name(fence), "merged");
	fails(1, EIO);
	assert_int_equal(write(kernel.fd, &word, sizeof(word)), sizeof(word));
	assert_true(dma_fence_wait_timeout(fence, false, PATIENCE * SECOND) > 0);
	assert_int_equal(dma_fence_get_status(fence), -EINVAL);
	assert_true(dma_fence_timestamp(fence) > 0);
	dma_fence_put(fence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(what_is_told_of_each),
		TEST(errors_and_times_of_all),
		TEST(what_is_none),
		TEST(merges_that_would_lose_an_error),
		TEST(deadlines),
		TEST(what_has_signaled_is_imported),
		TEST(pending_ones_are_watched),
		TEST(what_cannot_be_asked_has_failed),
	};

	return RUN(tests);
}
