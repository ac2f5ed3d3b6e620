/* SPDX-License-Identifier: MIT */
/*
 * What somebody can do to who takes an fd from him. Each case is an attack that docs/security.md
 * names, and the limit that it says.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
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

static void serve(const struct served_as *as)
{
	assert_null(served_file_open(&served, as));
}

static void end_served(void)
{
	if (served.server)
		served_file_close(&served);
	served = (struct served_file){ 0 };
}

/* Why nothing can be served here, or NULL. */
static const char *nothing_can_be_served(void)
{
	const struct served_as as = { .mode = S_IFREG | 0644, .number = 1 };
	const char *why = served_file_open(&served, &as);

	if (!why)
		end_served();
	served = (struct served_file){ 0 };
	return why;
}

static int served_teardown(void **state)
{
	end_served();
	return fd_teardown(state);
}

#define served_test(func) cmocka_unit_test_setup_teardown(func, fd_setup, served_teardown)

static int open_again(int fd, int flags)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, flags | O_CLOEXEC);
	assert_true(again >= 0);
	return again;
}

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

/* Who has the read end can open the pipe for writing, if he runs as the same user. */
static void a_pipe_filled_by_others_does_not_block(void **state)
{
	static const char nonsense[65536];
	struct dma_fence *fence = create_fence(), *imported;
	int fd = dma_fence_sync_file_export(fence), other = open_again(fd, O_WRONLY | O_NONBLOCK);
	int64_t begin;

	(void)state;
	while (write(other, nonsense, sizeof(nonsense)) > 0)
		;
	assert_int_equal(fcntl(other, F_SETFL, 0), 0);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	begin = clock_now();
	dma_fence_set_error(fence, -EIO);
	dma_fence_signal(fence);
	assert_true(clock_now() - begin < AT_ONCE);
	imported = dma_fence_sync_file_import_dup_fd(fd);
	assert_non_null(imported);
	assert_true(dma_fence_wait_timeout(imported, false, AT_ONCE) > 0);
	assert_int_equal(dma_fence_get_status(imported), -EIO);
	dma_fence_put(imported);
	dma_fence_put(fence);
	close(other);
	close(fd);
}

/* Handles */

/* What the headers of older kernels do not have. */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

/*
 * A handle with other things in it than there should be, of a socket that says all that the kernel
 * can be told to say with a message. (It may not know all of that.)
 */
static int handle_of(uint64_t magic, uint32_t version, const int *fds, size_t count)
{
	struct {
		uint64_t magic;
		uint32_t version, fds;
	} message = { magic, version, (uint32_t)count };
	struct iovec iov = { &message, sizeof(message) };
	union {
		char room[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = count ? control.room : NULL,
		.msg_controllen = count ? CMSG_SPACE(count * sizeof(int)) : 0,
	};
	static const int options[] = { SO_PASSCRED, SO_PASSSEC, SO_PASSPIDFD };
	int pair[2], on = 1;
	size_t i;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	for (i = 0; i < 2 * ARRAY_SIZE(options); i++)
		setsockopt(pair[i % 2], SOL_SOCKET, options[i / 2], &on, sizeof(on));
	if (count) {
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, count * sizeof(int));
	}
	assert_int_equal(sendmsg(pair[1], &header, 0), sizeof(message));
	close(pair[1]);
	return pair[0];
}

static void import_handle_fails(int handle, int error)
{
	int64_t begin = clock_now();

	assert_null(dma_fence_syncobj_import_take_fd(handle));
	assert_int_equal(errno, error);
	assert_true(clock_now() - begin < AT_ONCE);
	assert_true(is_open(handle));
}

/* Each time that it is opened, what comes with it goes again. */
static void a_handle_with_options_leaves_nothing_behind(void **state)
{
	int fds[HANDLE_FDS] = { dma_fence_shared_memory_create(), eventfd(0, EFD_CLOEXEC) };
	int handle = handle_of(SHARED_MAGIC, SHARED_VERSION, fds, HANDLE_FDS), before, i;
	struct dma_fence_syncobj *imported;

	(void)state;
	close(fds[0]);
	close(fds[1]);
	before = count_fds();
	for (i = 0; i < 10; i++) {
		imported = dma_fence_syncobj_import_dup_fd(handle);
		assert_non_null(imported);
		dma_fence_syncobj_put(imported);
		assert_int_equal(count_fds(), before);
	}
	close(handle);
}

static void a_handle_of_other_fds_is_refused(void **state)
{
	int memory = dma_fence_shared_memory_create(), doorbell = eventfd(0, EFD_CLOEXEC);
	int fds[8] = { memory, doorbell, memory, doorbell, memory, doorbell, memory, doorbell };
	int handle, pair[2];
	size_t count;

	(void)state;
	for (count = 0; count <= ARRAY_SIZE(fds); count++) {
		if (count == HANDLE_FDS)
			continue;
		handle = handle_of(SHARED_MAGIC, SHARED_VERSION, fds, count);
		import_handle_fails(handle, EPROTO);
		close(handle);
	}
	handle = handle_of(SHARED_MAGIC, SHARED_VERSION + 1, fds, HANDLE_FDS);
	import_handle_fails(handle, EPROTO);
	close(handle);
	handle = handle_of(SHARED_MAGIC + 1, SHARED_VERSION, fds, HANDLE_FDS);
	import_handle_fails(handle, EINVAL);
	close(handle);
	/* The wrong way round, and what is no eventfd: a pipe that nobody reads. */
	fds[0] = doorbell;
	fds[1] = memory;
	handle = handle_of(SHARED_MAGIC, SHARED_VERSION, fds, HANDLE_FDS);
	import_handle_fails(handle, EPROTO);
	close(handle);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	fds[0] = memory;
	fds[1] = pair[1];
	handle = handle_of(SHARED_MAGIC, SHARED_VERSION, fds, HANDLE_FDS);
	import_handle_fails(handle, EPROTO);
	close(handle);
	close(pair[0]);
	close(pair[1]);
	close(memory);
	close(doorbell);
}

/* A socket that nobody ever writes to, of which others hold the other end. */
static void an_empty_socket_is_not_waited_for(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	import_handle_fails(pair[0], EINVAL);
	close(pair[0]);
	close(pair[1]);
}

/* Memory */

static void import_memory_fails(int memory)
{
	int fds[HANDLE_FDS] = { memory, eventfd(0, EFD_CLOEXEC) };
	int handle = dma_fence_handle_create(SHARED_MAGIC, SHARED_VERSION, fds);

	assert_true(handle >= 0);
	import_handle_fails(handle, EPROTO);
	close(handle);
	close(fds[1]);
}

static void memory_that_could_shrink_is_refused(void **state)
{
	static const struct {
		int seals;
		off_t more; /* than there should be */
	} flaws[] = {
		{ 0, 0 },
		{ F_SEAL_GROW | F_SEAL_SEAL, 0 },
		{ F_SEAL_SHRINK | F_SEAL_SEAL, 0 },
		{ F_SEAL_SHRINK | F_SEAL_GROW, 0 },
		{ F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, -1 },
		{ F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, 1 },
		{ F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | F_SEAL_WRITE, 0 },
		{ F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | F_SEAL_FUTURE_WRITE, 0 },
	};
	static struct shared_memory good;
	int sound = dma_fence_shared_memory_create(), memory;
	size_t i;

	(void)state;
	assert_int_equal(pread(sound, &good, sizeof(good), 0), sizeof(good));
	close(sound);
	for (i = 0; i < ARRAY_SIZE(flaws); i++) {
		memory = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		assert_int_equal(write(memory, &good, sizeof(good)), sizeof(good));
		assert_int_equal(ftruncate(memory, (off_t)sizeof(good) + flaws[i].more), 0);
		assert_int_equal(fcntl(memory, F_ADD_SEALS, flaws[i].seals), 0);
		import_memory_fails(memory);
		close(memory);
	}
	/* Opened so that it can only be read. */
	sound = dma_fence_shared_memory_create();
	memory = open_again(sound, O_RDONLY);
	import_memory_fails(memory);
	close(memory);
	close(sound);
}

/* Each word of the header that says what it is. */
static void memory_of_another_kind_is_refused(void **state)
{
	struct shared_memory *memory;
	int fd, i;

	(void)state;
	for (i = 0; i < 3; i++) {
		fd = dma_fence_shared_memory_create();
		assert_int_equal(dma_fence_shared_memory_map(fd, &memory), 0);
		memory->magic += i == 0;
		memory->version += i == 1;
		memory->size += i == 2;
		dma_fence_shared_memory_unmap(memory);
		import_memory_fails(fd);
		close(fd);
	}
}

/* Who opens a file on which somebody has a lease waits, up to 45 seconds, until he lets go of it. */
static void a_lease_is_not_awaited(void **state)
{
	int first = dma_fence_shared_memory_create(), memory = dma_fence_shared_reopen(first);
	void (*before)(int) = signal(SIGIO, SIG_IGN);

	(void)state;
	close(first);
	assert_int_equal(fcntl(memory, F_SETLEASE, F_WRLCK), 0);
	import_memory_fails(memory);
	close(memory);
	signal(SIGIO, before);
}

int main(void)
{
	const size_t served_tests = 3;
	const struct CMUnitTest tests[] = {
		served_test(a_served_file_is_not_asked),
		served_test(a_served_file_in_a_handle_is_not_asked),
		served_test(a_fifo_of_another_device_is_not_ours),
		fd_test(a_pipe_filled_by_others_does_not_block),
		fd_test(a_handle_with_options_leaves_nothing_behind),
		fd_test(a_handle_of_other_fds_is_refused),
		fd_test(an_empty_socket_is_not_waited_for),
		fd_test(memory_that_could_shrink_is_refused),
		fd_test(memory_of_another_kind_is_refused),
		fd_test(a_lease_is_not_awaited),
	};

	const char *why = nothing_can_be_served();

	if (!why)
		return cmocka_run_group_tests(tests, NULL, NULL);
	printf("# SKIP in part: %s\n", why);
	return _cmocka_run_group_tests("tests", tests + served_tests,
				       ARRAY_SIZE(tests) - served_tests, NULL, NULL);
}
