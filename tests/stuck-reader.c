/* SPDX-License-Identifier: MIT */
/*
 * Who reads a sync file, into memory that somebody else has to bring in (here by userfaultfd, as well
 * by a file that is served), sleeps with the pipe's lock in the kernel for as long as that takes.
 * Nobody can write to the pipe then, or close its write end. So the thread that signals this fence
 * sleeps, too; but nobody else may.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "fds.h"

#define AT_ONCE (PATIENCE * SECOND)

static struct {
	int fd, faults;
	char *page;
	size_t size;
	pthread_t thread;
	uint32_t stuck;
} reader;

static void *read_it(void *arg)
{
	(void)arg;
	if (read(reader.fd, reader.page, 1) != 1)
		printf("# nothing was read\n");
	return NULL;
}

static void get_stuck(void)
{
	struct pollfd fault = { reader.faults, POLLIN, 0 };

	pthread_create(&reader.thread, NULL, read_it, NULL);
	if (poll(&fault, 1, PATIENCE * 10000) == 1)
		atomic_store_release(&reader.stuck, 1);
}

int __real_futimens(int fd, const struct timespec times[2]);
int __wrap_futimens(int fd, const struct timespec times[2]);

/* When the byte has been written the status is stored once more, and then the pipe is closed. */
int __wrap_futimens(int fd, const struct timespec times[2])
{
	int ret = __real_futimens(fd, times);

	if (reader.page && times[0].tv_nsec == UTIME_OMIT && !atomic_load_relaxed(&reader.stuck))
		get_stuck();
	return ret;
}

static void get_ready(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	reader.size = (size_t)sysconf(_SC_PAGESIZE);
	reader.faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	assert_true(reader.faults >= 0);
	reader.page =
		mmap(NULL, reader.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(reader.page != MAP_FAILED);
	range.range.start = (uint64_t)(uintptr_t)reader.page;
	range.range.len = reader.size;
	assert_int_equal(ioctl(reader.faults, UFFDIO_API, &api), 0);
	assert_int_equal(ioctl(reader.faults, UFFDIO_REGISTER, &range), 0);
}

static void bring_it_in(void)
{
	struct uffdio_zeropage zero = {
		.range = { (uint64_t)(uintptr_t)reader.page, reader.size },
	};

	assert_int_equal(ioctl(reader.faults, UFFDIO_ZEROPAGE, &zero), 0);
	pthread_join(reader.thread, NULL);
	munmap(reader.page, reader.size);
	close(reader.faults);
	reader.page = NULL;
}

static void *signal_it(void *fence)
{
	dma_fence_signal(fence);
	return NULL;
}

static void a_stuck_reader_holds_up_no_other(void **state)
{
	struct dma_fence *fence, *other, *imported;
	struct dma_fence_sync_file_info info = { .num_fences = 0 };
	int64_t begin, end;
	pthread_t thread;
	int fd, i;

	(void)state;
	get_ready();
	fence = create_fence();
	reader.fd = dma_fence_sync_file_export(fence);
	assert_true(reader.fd >= 0);
	pthread_create(&thread, NULL, signal_it, fence);
	end = clock_now() + 10 * AT_ONCE;
	while (!atomic_load_acquire(&reader.stuck) && clock_now() < end)
		sleep_ns(MS);
	assert_true(atomic_load_acquire(&reader.stuck));
	/* The signaler goes on to where it sleeps. */
	sleep_ns(50 * MS);

	watchdog_at("a reader is stuck, and another fence is exported");
	begin = clock_now();
	for (i = 0; i < 20; i++) {
		other = create_fence();
		fd = dma_fence_sync_file_export(other);
		assert_true(fd >= 0);
		dma_fence_signal(other);
		assert_int_equal(dma_fence_sync_file_get_info(fd, &info), 0);
		assert_int_equal(info.status, 1);
		close(fd);
		dma_fence_put(other);
	}
	/* And this one has signaled, for all who have it. */
	assert_true(dma_fence_is_signaled(fence));
	imported = dma_fence_sync_file_import_dup_fd(reader.fd);
	assert_non_null(imported);
	assert_int_equal(dma_fence_get_status(imported), 1);
	assert_true(clock_now() - begin < AT_ONCE);

	bring_it_in();
	pthread_join(thread, NULL);
	close(reader.fd);
	dma_fence_put(imported);
	dma_fence_put(fence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fd_test(a_stuck_reader_holds_up_no_other),
	};
	const int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (faults < 0) {
		printf("1..0 # SKIP no userfaultfd for this user: %s\n", strerror(errno));
		return 0;
	}
	close(faults);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
