/* SPDX-License-Identifier: MIT */
/*
 * What somebody can do to who takes an fd from him. Each case is an attack that docs/security.md
 * names, and the limit that it says.
 */
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fd/handle.h"
#include "fd/pipe.h"
#include "fd/shared-memory.h"
#include "fds.h"

#include "served-file.h"

/* What is refused is refused without anybody having been waited for. */
#define AT_ONCE (PATIENCE * SECOND)

static struct served_file served;

/* Ends the case where there can be none: before it has made anything. */
static void serve(const struct served_as *as)
{
	const char *why = served_file_open(&served, as);

	if (!why)
		return;
	served = (struct served_file){ 0 };
	printf("# skipped: %s\n", why);
	skip();
}

static void end_served(void)
{
	if (served.server)
		served_file_close(&served);
	served = (struct served_file){ 0 };
}

static int served_teardown(void **state)
{
	end_served();
	return fd_teardown(state);
}

#define served_test(func) cmocka_unit_test_setup_teardown(func, fd_setup, served_teardown)

/* Files that somebody serves */

static void import_fails(int fd)
{
	struct dma_fence *fence = dma_fence_sync_file_import_dup_fd(fd);

	assert_null(fence);
	assert_int_equal(errno, EINVAL);
}

static void a_served_file_is_not_asked(void **state)
{
	const struct served_as as = { .mode = S_IFREG | 0644, .number = 12345 };
	struct dma_fence_sync_file_info info = { .num_fences = 0 };
	struct dma_fence_syncobj *syncobj;
	struct dma_fence_fd_count counts[4];
	struct dma_fence *stub;
	int own;

	(void)state;
	serve(&as);
	syncobj = dma_fence_syncobj_create(0);
	stub = dma_fence_get_stub();
	own = dma_fence_sync_file_export(stub);
	import_fails(served.fd);
	assert_int_equal(dma_fence_sync_file_get_info(served.fd, &info), -EINVAL);
	assert_int_equal(dma_fence_sync_file_merge(served.fd, served.fd), -EINVAL);
	assert_int_equal(dma_fence_sync_file_merge(served.fd, own), -EINVAL);
	assert_int_equal(dma_fence_sync_file_merge(own, served.fd), -EINVAL);
	assert_int_equal(dma_fence_sync_file_set_deadline(served.fd, 1), -EINVAL);
	assert_int_equal(dma_fence_syncobj_import_sync_file_dup_fd(syncobj, 1, served.fd), -EINVAL);
	assert_int_equal(dma_fence_syncobj_eventfd_dup_fd(syncobj, 1, served.fd, 0), -EINVAL);
	assert_null(dma_fence_syncobj_import_dup_fd(served.fd));
	assert_int_equal(errno, EINVAL);
	/* It looks at each fd that the process has. */
	assert_true(dma_fence_fd_census(counts, ARRAY_SIZE(counts)) >= 0);
	assert_int_equal(atomic_load_relaxed(served.asked), 0);

	close(own);
	dma_fence_put(stub);
	dma_fence_syncobj_put(syncobj);
}

/* A handle leads to fds that nobody has seen yet. */
static void a_served_file_in_a_handle_is_not_asked(void **state)
{
	const struct served_as as = { .mode = S_IFREG | 0644, .number = 12345 };
	int fds[HANDLE_FDS], doorbell, handle, i;

	(void)state;
	serve(&as);
	doorbell = eventfd(0, EFD_CLOEXEC);
	for (i = 0; i < 2; i++) {
		fds[i] = served.fd;
		fds[1 - i] = doorbell;
		handle = dma_fence_handle_create(SHARED_MAGIC, SHARED_VERSION, fds);
		assert_true(handle >= 0);
		assert_null(dma_fence_syncobj_import_dup_fd(handle));
		assert_int_equal(errno, EPROTO);
		close(handle);
	}
	assert_int_equal(atomic_load_relaxed(served.asked), 0);
	close(doorbell);
}

/* The same number, and what says that it is ours, on another device. */
static void a_fifo_of_another_device_is_not_ours(void **state)
{
	struct served_as as = { .mode = S_IFREG | 0644, .number = 12345 };
	struct dma_fence *fence, *imported;
	struct stat stat;
	int fd;

	(void)state;
	serve(&as);
	end_served();
	fence = create_fence();
	fd = dma_fence_sync_file_export(fence);
	assert_int_equal(fstat(fd, &stat), 0);
	as.mode = S_IFIFO | 0644;
	as.number = stat.st_ino;
	as.accessed = stat.st_atim;
	as.modified = stat.st_mtim;
	serve(&as);
	imported = dma_fence_sync_file_import_dup_fd(served.fd);
	assert_non_null(imported);
	assert_ptr_not_equal(imported, fence);
	dma_fence_put(imported);
	imported = dma_fence_sync_file_import_dup_fd(fd);
	assert_ptr_equal(imported, fence);
	dma_fence_put(imported);

	dma_fence_signal(fence);
	dma_fence_put(fence);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		served_test(a_served_file_is_not_asked),
		served_test(a_served_file_in_a_handle_is_not_asked),
		served_test(a_fifo_of_another_device_is_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
