/* SPDX-License-Identifier: MIT */
/* Sync files, as one process sees them: export, import, merge, info, deadlines, and wrong fds. */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fds.h"
#include "pass-fd.h"
#include "peer.h"

#define NO_TIMESTAMP (-1)

static void signal_with(struct dma_fence *fence, int error, int64_t timestamp)
{
	if (error)
		assert_int_equal(dma_fence_set_error(fence, error), 0);
	if (timestamp == NO_TIMESTAMP)
		dma_fence_signal(fence);
	else
		dma_fence_signal_timestamp(fence, timestamp);
}

static struct dma_fence_sync_file_info info_of(int fd)
{
	struct dma_fence_sync_file_info info = { 0 };

	assert_int_equal(dma_fence_sync_file_get_info(fd, &info), 0);
	return info;
}

static int export_of(struct dma_fence *fence)
{
	int fd = dma_fence_sync_file_export(fence);

	assert_true(fd >= 0);
	return fd;
}

static struct dma_fence *import_of(int fd)
{
	struct dma_fence *fence = dma_fence_sync_file_import_dup_fd(fd);

	assert_non_null(fence);
	return fence;
}

static void assert_ended(int fd, int status, int64_t timestamp)
{
	struct dma_fence_sync_file_info info = info_of(fd);
	struct dma_fence *fence = import_of(fd);

	assert_int_equal(info.status, status);
	assert_int_equal(info.timestamp_ns, timestamp);
	assert_int_equal(info.num_fences, 0);
	assert_int_equal(dma_fence_get_status(fence), status);
	assert_int_equal(dma_fence_timestamp(fence), timestamp);
	assert_int_equal(dma_fence_wait(fence, false), 0);
	dma_fence_put(fence);
}

/* Readable, not writable, no error; POLLHUP is there or will be. */
static void assert_readable(int fd)
{
	assert_int_equal(events_of(fd) & ~(POLLHUP | POLLRDHUP), POLLIN);
}

/* Export */

static void pending_is_nothing(void **state)
{
	struct dma_fence *fence = create_fence();
	int fd = export_of(fence);

	(void)state;
	assert_int_equal(events_of(fd), 0);
	assert_int_equal(info_of(fd).status, 0);
	assert_int_equal(info_of(fd).timestamp_ns, 0);
	assert_int_equal(events_within(fd, 20 * MS), 0);
	dma_fence_signal(fence);
	assert_readable(fd);
	close(fd);
	dma_fence_put(fence);
}

/* Both ends of the pipe are among the fds of the process. */
static bool same_file(int fd1, int fd2)
{
	struct stat first, second;

	return !fstat(fd1, &first) && !fstat(fd2, &second) && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

static void is_closed_on_exec(void **state)
{
	struct dma_fence *fence = create_fence();
	int fds[3], ends = 0, i;

	(void)state;
	fds[0] = export_of(fence);
	for (i = 0; i < 1000; i++) {
		if (!same_file(i, fds[0]))
			continue;
		assert_int_equal(fcntl(i, F_GETFD), FD_CLOEXEC);
		ends++;
	}
	assert_int_equal(ends, 2);
	dma_fence_signal(fence);
	fds[1] = export_of(fence);
	fds[2] = dma_fence_sync_file_merge(fds[0], fds[1]);
	for (i = 0; i < 3; i++) {
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		close(fds[i]);
	}
	dma_fence_put(fence);
}

static void carries_error_and_timestamp(void **state)
{
	static const int errors[] = { 0, -1, -EIO, -ETIMEDOUT, -EOWNERDEAD, -4095 };
	static const int64_t timestamps[] = {
		0,
		1,
		999999999,
		123456789012345,
		DMA_FENCE_TIMESTAMP_MAX - 1,
		DMA_FENCE_TIMESTAMP_MAX,
	};
	size_t e, t;
	int before;

	(void)state;
	for (e = 0; e < ARRAY_SIZE(errors); e++) {
		for (t = 0; t < ARRAY_SIZE(timestamps); t++) {
			for (before = 0; before < 2; before++) {
				struct dma_fence *fence = create_fence();
				int status = errors[e] ? errors[e] : 1, fd = -1;

				if (before)
					fd = export_of(fence);
				signal_with(fence, errors[e], timestamps[t]);
				if (!before)
					fd = export_of(fence);
				dma_fence_put(fence);
				assert_readable(fd);
				assert_ended(fd, status, timestamps[t]);
				close(fd);
			}
		}
	}
}

static void time_of_signal_is_now(void **state)
{
	struct dma_fence *fence = create_fence();
	int64_t begin = clock_now(), timestamp;
	int fd = export_of(fence);

	(void)state;
	dma_fence_signal(fence);
	timestamp = info_of(fd).timestamp_ns;
	assert_true(timestamp >= begin && timestamp <= clock_now());
	assert_int_equal(timestamp, dma_fence_timestamp(fence));
	close(fd);
	dma_fence_put(fence);
}

static bool enabled;

static bool note_enabled(struct dma_fence *fence)
{
	(void)fence;
	enabled = true;
	return false; /* it is done already */
}

static bool is_done;

static bool peek(struct dma_fence *fence)
{
	(void)fence;
	return is_done;
}

static void export_enables_signaling(void **state)
{
	static const struct dma_fence_ops ops = { .enable_signaling = note_enabled,
						  .release = count_release };
	static struct dma_fence fence;
	int fd;

	(void)state;
	dma_fence_init(&fence, &ops, dma_fence_context_alloc(1), 1);
	enabled = false;
	fd = export_of(&fence);
	assert_true(enabled);
	assert_readable(fd);
	assert_int_equal(info_of(fd).status, 1);
	close(fd);
	dma_fence_put(&fence);
	assert_int_equal(*release_count(), 1);
}

/* What the back end knows, and nobody has looked at, is asked for. */
static void info_and_import_poll(void **state)
{
	static const struct dma_fence_ops ops = { .signaled = peek, .release = count_release };
	static struct dma_fence fences[2];
	struct dma_fence *again;
	int fds[2], i;

	(void)state;
	is_done = false;
	for (i = 0; i < 2; i++) {
		dma_fence_init(&fences[i], &ops, dma_fence_context_alloc(1), 1);
		fds[i] = export_of(&fences[i]);
		assert_int_equal(events_of(fds[i]), 0);
	}
	is_done = true;
	assert_int_equal(info_of(fds[0]).status, 1);
	assert_readable(fds[0]);
	again = import_of(fds[1]);
	assert_int_equal(dma_fence_get_status(again), 1);
	assert_readable(fds[1]);
	dma_fence_put(again);
	for (i = 0; i < 2; i++) {
		close(fds[i]);
		dma_fence_put(&fences[i]);
	}
	assert_int_equal(*release_count(), 2);
}

static void exports_are_independent(void **state)
{
	struct dma_fence *fence = create_fence();
	int fds[5], i;

	(void)state;
	for (i = 0; i < 5; i++)
		fds[i] = export_of(fence);
	close(fds[0]);
	close(fds[3]);
	signal_with(fence, -EIO, 42);
	dma_fence_put(fence);
	for (i = 0; i < 5; i++) {
		if (i == 0 || i == 3)
			continue;
		assert_readable(fds[i]);
		assert_ended(fds[i], -EIO, 42);
		close(fds[i]);
	}
}

static void null_is_refused(void **state)
{
	struct dma_fence *fence = create_fence();
	int fd = export_of(fence);

	(void)state;
	assert_int_equal(dma_fence_sync_file_export(NULL), -EINVAL);
	assert_int_equal(dma_fence_sync_file_get_info(fd, NULL), -EINVAL);
	dma_fence_signal(fence);
	close(fd);
	dma_fence_put(fence);
}

/* References */

static void export_holds_the_fence_until_the_signal(void **state)
{
	static struct dma_fence fence;
	int fd;

	(void)state;
	fence_init(&fence);
	fd = export_of(&fence);
	assert_true(references(&fence) > 1);
	dma_fence_signal(&fence);
	assert_int_equal(references(&fence), 1);
	dma_fence_put(&fence);
	assert_int_equal(*release_count(), 1);
	assert_readable(fd);
	close(fd);
}

static void export_of_a_signaled_fence_holds_nothing(void **state)
{
	static struct dma_fence fence;
	int before = count_fds(), fd;

	(void)state;
	fence_init(&fence);
	dma_fence_signal(&fence);
	fd = export_of(&fence);
	assert_int_equal(references(&fence), 1);
	assert_int_equal(count_fds(), before + 1);
	dma_fence_put(&fence);
	assert_int_equal(*release_count(), 1);
	assert_readable(fd);
	close(fd);
}

/* Nobody can have it any more: what it cost goes at the latest when another is exported. */
static void closed_everywhere_is_let_go_of(void **state)
{
	static struct dma_fence fences[10];
	int before = count_fds(), i;

	(void)state;
	for (i = 0; i < 10; i++) {
		int fd, copy;

		fence_init(&fences[i]);
		fd = export_of(&fences[i]);
		copy = dup(fd);
		close(fd);
		export_another();
		assert_true(references(&fences[i]) > 1);
		assert_int_equal(count_fds(), before + 2);
		close(copy);
		export_another();
		assert_int_equal(references(&fences[i]), 1);
		assert_int_equal(count_fds(), before);
	}
	/* Many at once. */
	for (i = 0; i < 10; i++)
		close(export_of(&fences[i]));
	export_another();
	assert_int_equal(count_fds(), before);
	for (i = 0; i < 10; i++) {
		assert_int_equal(references(&fences[i]), 1);
		dma_fence_signal(&fences[i]);
		dma_fence_put(&fences[i]);
	}
	assert_int_equal(*release_count(), 10);
}

/* An fd in a message that nobody has received yet is one that somebody may have. */
static void copy_in_a_socket_counts(void **state);

static void last_reference_of_a_pending_one_is_reported(void **state)
{
	static struct dma_fence fence;
	int fd;

	(void)state;
	fence_init(&fence);
	fd = export_of(&fence);
	dma_fence_put(&fence);
	assert_int_equal(caught()->count, 0);
	close(fd);
	export_another();
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_QUARANTINE], 1);
	assert_int_equal(caught()->count, 1);
	catch_reports();
	assert_int_equal(*release_count(), 0);
}

/* Ways to look at it */

static void dup_is_the_same(void **state)
{
	struct dma_fence *fence = create_fence();
	int fd = export_of(fence), copy = dup(fd), again;

	(void)state;
	assert_int_equal(events_of(copy), 0);
	close(fd);
	again = fcntl(copy, F_DUPFD_CLOEXEC, 0);
	signal_with(fence, -EIO, 77);
	dma_fence_put(fence);
	assert_readable(copy);
	close(copy);
	assert_readable(again);
	assert_ended(again, -EIO, 77);
	close(again);
}

static void copy_in_a_socket_counts(void **state)
{
	struct dma_fence *fence = create_fence();
	int fd = export_of(fence), sockets[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	assert_true(send_fd(sockets[0], fd));
	close(fd);
	export_another();
	assert_true(references(fence) > 1);
	fd = receive_fd(sockets[1]);
	assert_true(fd >= 0);
	assert_int_equal(events_of(fd), 0);
	assert_true(send_fd(sockets[0], fd));
	close(fd);
	signal_with(fence, -EIO, 78);
	dma_fence_put(fence);
	fd = receive_fd(sockets[1]);
	assert_readable(fd);
	assert_ended(fd, -EIO, 78);
	close(fd);
	close(sockets[0]);
	close(sockets[1]);
}

static void by_select(void **state)
{
	struct dma_fence *fence = create_fence();
	int fd = export_of(fence), pass;

	(void)state;
	for (pass = 0; pass < 3; pass++) {
		struct timeval none = { 0 };
		fd_set in, out, exceptional;

		FD_ZERO(&in);
		FD_ZERO(&out);
		FD_ZERO(&exceptional);
		FD_SET(fd, &in);
		FD_SET(fd, &out);
		FD_SET(fd, &exceptional);
		assert_int_equal(select(fd + 1, &in, &out, &exceptional, &none), pass > 0);
		assert_int_equal(!!FD_ISSET(fd, &in), pass > 0);
		assert_false(FD_ISSET(fd, &out));
		assert_false(FD_ISSET(fd, &exceptional));
		dma_fence_signal(fence);
	}
	close(fd);
	dma_fence_put(fence);
}

#define ALL_EVENTS (EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP)

static void by_epoll_level(void **state)
{
	struct dma_fence *fence = create_fence();
	int fd = export_of(fence), epoll = epoll_create1(EPOLL_CLOEXEC), i;
	struct epoll_event event = { .events = ALL_EVENTS };

	(void)state;
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(epoll_wait(epoll, &event, 1, 10), 0);
	dma_fence_signal(fence);
	for (i = 0; i < 100; i++) {
		assert_int_equal(epoll_wait(epoll, &event, 1, 0), 1);
		assert_int_equal(event.events & ~(EPOLLHUP | EPOLLRDHUP), EPOLLIN);
	}
	close(fd);
	close(epoll);
	dma_fence_put(fence);
}

/* Told once: at the signal, and maybe once more when nobody can write any more. */
static void by_epoll_edge(void **state)
{
	struct dma_fence *fence = create_fence();
	int fd = export_of(fence), epoll = epoll_create1(EPOLL_CLOEXEC), late, told = 0;
	struct epoll_event event = { .events = ALL_EVENTS | EPOLLET };

	(void)state;
	late = epoll_create1(EPOLL_CLOEXEC);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(epoll_wait(epoll, &event, 1, 10), 0);
	dma_fence_signal(fence);
	while (epoll_wait(epoll, &event, 1, told ? 20 : 0)) {
		assert_int_equal(event.events & ~(EPOLLHUP | EPOLLRDHUP), EPOLLIN);
		told++;
	}
	assert_in_range(told, 1, 2);

	/* Who comes later is told at once. */
	event.events = ALL_EVENTS | EPOLLET;
	assert_int_equal(epoll_ctl(late, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(epoll_wait(late, &event, 1, 0), 1);
	assert_int_equal(event.events & ~(EPOLLHUP | EPOLLRDHUP), EPOLLIN);
	close(fd);
	close(epoll);
	close(late);
	dma_fence_put(fence);
}

static void readable_for_ever(void **state)
{
	struct dma_fence *fence = create_fence(), *other = create_fence();
	int fd = export_of(fence), i;

	(void)state;
	signal_with(fence, 0, 5);
	dma_fence_put(fence);
	for (i = 0; i < 1000; i++) {
		/* Also when there have been others. */
		int another = export_of(other);

		assert_readable(fd);
		close(another);
	}
	assert_ended(fd, 1, 5);
	dma_fence_signal(other);
	dma_fence_put(other);
	close(fd);
}

static void cannot_be_written(void **state)
{
	struct dma_fence *fence = create_fence();
	int fd = export_of(fence);

	(void)state;
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(events_of(fd), 0);
	dma_fence_signal(fence);
	close(fd);
	dma_fence_put(fence);
}

/*
 * Kernels before 6.15 note when a pipe was written to, and read, in the timestamps, where the
 * status is. This does as they do, on any kernel.
 */

static bool as_older_kernels;

ssize_t __real_write(int fd, const void *bytes, size_t count);
ssize_t __wrap_write(int fd, const void *bytes, size_t count);

ssize_t __wrap_write(int fd, const void *bytes, size_t count)
{
	const struct timespec now[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_NOW } };
	ssize_t written = __real_write(fd, bytes, count);

	if (as_older_kernels && written > 0)
		assert_int_equal(futimens(fd, now), 0);
	return written;
}

static void read_all(int fd)
{
	const struct timespec now[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_OMIT } };
	char bytes[100];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		if (as_older_kernels && !(fcntl(fd, F_GETFL) & O_NOATIME))
			assert_int_equal(futimens(fd, now), 0);
}

/* Who reads takes POLLIN, but not how the fence ended, and not from those who come later. */
static void status_cannot_be_read_away(void **state)
{
	static const int flags[] = { -1, O_NONBLOCK, O_NONBLOCK | O_NOATIME, 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_SIZE(flags); i++) {
		struct dma_fence *fence = create_fence();
		int fd = export_of(fence), copy = dup(fd), flag = flags[i / 2];
		char byte;

		as_older_kernels = i % 2;
		/* While it is pending there is nothing, and nobody is kept waiting for it. */
		assert_int_equal(read(fd, &byte, 1), -1);
		assert_int_equal(errno, EAGAIN);
		assert_int_equal(info_of(fd).status, 0);
		/* Some set the flags of what they are given as they like them. */
		if (flag >= 0)
			assert_int_equal(fcntl(fd, F_SETFL, flag), 0);
		signal_with(fence, -EIO, 79);
		dma_fence_put(fence);
		read_all(fd);
		assert_int_equal(events_of(copy) & POLLHUP, POLLHUP);
		assert_ended(copy, -EIO, 79);
		assert_ended(fd, -EIO, 79);
		close(fd);
		close(copy);
	}
	as_older_kernels = false;
}

/* Opened once more by its name in /proc it has none of the flags that it was given. */
static void status_cannot_be_read_away_by_its_name(void **state)
{
	int older;

	(void)state;
	for (older = 0; older < 2; older++) {
		struct dma_fence *fence = create_fence();
		int fd = export_of(fence), other;
		char name[64];

		as_older_kernels = older;
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		other = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		assert_true(other >= 0);
		signal_with(fence, -EIO, 79);
		dma_fence_put(fence);
		assert_readable(other);
		read_all(other);
		assert_ended(other, -EIO, 79);
		assert_ended(fd, -EIO, 79);
		close(other);
		close(fd);
	}
	as_older_kernels = false;
}

/* A signal whose readers have all gone does not end the program, nor does it lose one. */
static void signal_without_readers(void **state)
{
	struct dma_fence *fence = create_fence();
	sigset_t pending;

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	close(export_of(fence));
	close(export_of(fence));
	dma_fence_signal(fence);
	assert_int_equal(sigpending(&pending), 0);
	assert_false(sigismember(&pending, SIGPIPE));
	dma_fence_put(fence);
}

/* What the program itself does with SIGPIPE stays as it was. */
static void sigpipe_of_the_program_stays(void **state)
{
	struct dma_fence *fence = create_fence();
	int fd = export_of(fence), ends[2];
	sigset_t pipe_signal, mask, pending;
	int taken;

	(void)state;
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	sigprocmask(SIG_BLOCK, &pipe_signal, NULL);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	assert_int_equal(write(ends[1], "x", 1), -1);
	close(ends[1]);
	close(fd);
	dma_fence_signal(fence);
	sigpending(&pending);
	assert_true(sigismember(&pending, SIGPIPE));
	assert_int_equal(sigwait(&pipe_signal, &taken), 0);
	sigprocmask(SIG_UNBLOCK, &pipe_signal, &mask);
	assert_true(sigismember(&mask, SIGPIPE));
	sigprocmask(SIG_BLOCK, NULL, &mask);
	assert_false(sigismember(&mask, SIGPIPE));
	dma_fence_put(fence);
}

/* Import */

static void import_of_own_is_the_same_fence(void **state)
{
	static struct dma_fence fence;
	struct dma_fence *again;
	int fd, copy, before;

	(void)state;
	fence_init(&fence);
	fd = export_of(&fence);
	copy = dup(fd);
	before = count_fds();
	again = import_of(copy);
	assert_ptr_equal(again, &fence);
	/* It needs no fd. */
	assert_int_equal(count_fds(), before);
	dma_fence_put(again);
	again = dma_fence_sync_file_import_take_fd(copy);
	assert_ptr_equal(again, &fence);
	assert_false(is_open(copy));
	dma_fence_put(again);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
	assert_int_equal(*release_count(), 1);
	close(fd);
}

static void import_of_a_signaled_one(void **state)
{
	struct dma_fence *fence = create_fence(), *again, *third;
	struct counter counter = { 0 };
	int fd = export_of(fence), before;

	(void)state;
	signal_with(fence, -EIO, 80);
	dma_fence_put(fence);
	before = count_fds();
	again = import_of(fd);
	assert_true(dma_fence_is_signaled(again));
	assert_int_equal(dma_fence_get_status(again), -EIO);
	assert_int_equal(dma_fence_timestamp(again), 80);
	assert_int_equal(dma_fence_add_callback(again, &counter.cb, count_call), -ENOENT);
	assert_int_equal(dma_fence_wait_timeout(again, false, 0), 1);
	/* There is nothing to watch. */
	assert_int_equal(count_fds(), before);
	third = dma_fence_sync_file_import_take_fd(fd);
	assert_non_null(third);
	assert_false(is_open(fd));
	assert_int_equal(dma_fence_get_status(third), -EIO);
	dma_fence_put(third);
	dma_fence_put(again);
}

static void import_of_anothers(void **state)
{
	struct dma_fence *fence, *taken;
	struct counter counters[3] = { 0 };
	struct process peer;
	int fd, again, i;

	(void)state;
	process_start(&peer, &peer_role);
	fd = peer_exports(&peer, 0);
	fence = import_of(fd);
	assert_true(is_open(fd));
	assert_false(dma_fence_is_signaled(fence));
	assert_int_equal(dma_fence_get_status(fence), 0);
	assert_int_equal(dma_fence_timestamp(fence), -EAGAIN);
	again = dup(fd);
	taken = dma_fence_sync_file_import_take_fd(again);
	assert_non_null(taken);
	/* If it still is, then because the library has a use for it. */
	assert_false(taken == fence && is_open(again));
	for (i = 0; i < 3; i++)
		assert_int_equal(dma_fence_add_callback(fence, &counters[i].cb, count_call), 0);
	assert_true(dma_fence_remove_callback(fence, &counters[1].cb));
	assert_int_equal(calls(&counters[0]), 0);
	peer_signals(&peer, 0, -EIO, 81);
	assert_int_equal(dma_fence_wait(fence, false), 0);
	assert_int_equal(calls(&counters[0]), 1);
	assert_int_equal(calls(&counters[1]), 0);
	assert_int_equal(calls(&counters[2]), 1);
	assert_int_equal(dma_fence_get_status(fence), -EIO);
	assert_int_equal(dma_fence_timestamp(fence), 81);
	/* Nobody has waited for this one, and nobody has watched it: it is polled. */
	assert_int_equal(dma_fence_get_status(taken), -EIO);
	assert_int_equal(dma_fence_timestamp(taken), 81);
	dma_fence_put(taken);
	dma_fence_put(fence);
	close(fd);
	process_end(&peer);
}

/* A query sees that it has signaled, and that is all. */
static void query_of_an_import(void **state)
{
	struct dma_fence *fence;
	struct process peer;
	int fd;

	(void)state;
	process_start(&peer, &peer_role);
	fd = peer_exports(&peer, 0);
	fence = import_of(fd);
	close(fd);
	assert_false(dma_fence_is_signaled(fence));
	peer_signals(&peer, 0, 0, 82);
	assert_true(dma_fence_is_signaled(fence));
	assert_false(dma_fence_test_signaled_flag(fence));
	assert_true(dma_fence_poll(fence));
	assert_int_equal(dma_fence_timestamp(fence), 82);
	dma_fence_put(fence);
	process_end(&peer);
}

static void failed_take_leaves_the_fd(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	errno = 0;
	assert_null(dma_fence_sync_file_import_take_fd(ends[0]));
	assert_int_equal(errno, EINVAL);
	assert_true(is_open(ends[0]));
	close(ends[0]);
	close(ends[1]);
}

/* Wanted, and then not any more: it is somebody else's to signal, so there is nothing to report. */
static void import_that_is_dropped(void **state)
{
	struct counter counter = { 0 };
	struct dma_fence *fence;
	struct process peer;
	int fd, how;

	(void)state;
	process_start(&peer, &peer_role);
	fd = peer_exports(&peer, 0);
	for (how = 0; how < 5; how++) {
		fence = import_of(fd);
		if (how == 1)
			assert_int_equal(dma_fence_wait_timeout(fence, false, MS), 0);
		if (how == 2) {
			assert_int_equal(dma_fence_add_callback(fence, &counter.cb, count_call), 0);
			assert_true(dma_fence_remove_callback(fence, &counter.cb));
		}
		if (how == 3)
			dma_fence_enable_signaling(fence);
		if (how == 4)
			assert_int_equal(dma_fence_wait_any_timeout(&fence, 1, false, MS, NULL), 0);
		dma_fence_put(fence);
	}
	assert_int_equal(caught()->count, 0);
	peer_signals(&peer, 0, 0, 83);
	close(fd);
	process_end(&peer);
	assert_int_equal(calls(&counter), 0);
}

/* Dropped with a callback on it: that still comes, as for every fence. */
static void import_that_is_dropped_is_called_back_from(void **state)
{
	struct counter counter = { 0 };
	struct dma_fence *fence;
	struct process peer;
	int64_t end;
	int fd;

	(void)state;
	process_start(&peer, &peer_role);
	fd = peer_exports(&peer, 0);
	fence = dma_fence_sync_file_import_take_fd(fd);
	assert_int_equal(dma_fence_add_callback(fence, &counter.cb, count_call), 0);
	dma_fence_put(fence);
	peer_signals(&peer, 0, 0, 84);
	for (end = clock_now() + 5 * SECOND; !calls(&counter) && clock_now() < end;)
		sleep_ns(MS);
	assert_int_equal(calls(&counter), 1);
	process_end(&peer);
}

/* It goes back as what it came from: whoever gets it depends on its producer, not on us. */
static void export_of_an_import(void **state)
{
	struct dma_fence *fence;
	struct process peer;
	int fd, again;

	(void)state;
	process_start(&peer, &peer_role);
	fd = peer_exports(&peer, 0);
	fence = import_of(fd);
	again = export_of(fence);
	assert_true(same_file(fd, again));
	assert_int_equal(fcntl(again, F_GETFD), FD_CLOEXEC);
	dma_fence_put(fence);
	close(fd);
	assert_int_equal(events_of(again), 0);
	peer_signals(&peer, 0, -EIO, 85);
	assert_readable(again);
	assert_ended(again, -EIO, 85);
	close(again);
	process_end(&peer);
}

/* An array of an import and a fence of one's own is one's own. */
static void export_of_a_container(void **state)
{
	struct dma_fence *own = create_fence(), *foreign, *both;
	struct process peer;
	int fd, of_both;

	(void)state;
	process_start(&peer, &peer_role);
	fd = peer_exports(&peer, 0);
	foreign = dma_fence_sync_file_import_take_fd(fd);
	assert_non_null(foreign);
	both = dma_fence_unwrap_merge(own, foreign);
	of_both = export_of(both);
	dma_fence_put(both);
	dma_fence_put(foreign);
	signal_with(own, 0, 90);
	dma_fence_put(own);
	assert_int_equal(events_of(of_both), 0);
	peer_signals(&peer, 0, -EIO, 86);
	assert_int_equal(events_within(of_both, 5 * SECOND) & POLLIN, POLLIN);
	assert_ended(of_both, -EIO, 90);
	close(of_both);
	process_end(&peer);
}

/* Merge */

/* In every order, before and after, with every mixture of errors. */
static void merge_waits_for_both(void **state)
{
	int order, failed, merged_after;

	(void)state;
	for (order = 0; order < 2; order++) {
		for (failed = 0; failed < 4; failed++) {
			for (merged_after = 0; merged_after < 3; merged_after++) {
				struct dma_fence *fences[2] = { create_fence(), create_fence() };
				int fds[2], both = -1, i, status = 1;

				for (i = 0; i < 2; i++)
					fds[i] = export_of(fences[i]);
				for (i = 0; i <= 2; i++) {
					int which = i ^ order;

					if (i == merged_after) {
						both = dma_fence_sync_file_merge(fds[0], fds[1]);
						assert_true(both >= 0);
					}
					if (i == 2)
						break;
					if (both >= 0)
						assert_int_equal(events_of(both), 0);
					signal_with(fences[which],
						    failed & (1 << which) ? -EIO - which : 0,
						    100 + i);
				}
				/* Of two that failed the one that signaled first. */
				if (failed == 3)
					status = -EIO - order;
				else if (failed)
					status = failed == 1 ? -EIO : -EIO - 1;
				assert_readable(both);
				assert_ended(both, status, 101);
				for (i = 0; i < 2; i++) {
					assert_true(is_open(fds[i]));
					close(fds[i]);
					dma_fence_put(fences[i]);
				}
				close(both);
			}
		}
	}
}

static void merge_of_the_same_fd(void **state)
{
	struct dma_fence *fence = create_fence();
	int fd = export_of(fence), both = dma_fence_sync_file_merge(fd, fd), copy = dup(fd), third;

	(void)state;
	assert_true(both >= 0);
	assert_int_not_equal(both, fd);
	third = dma_fence_sync_file_merge(copy, both);
	assert_true(third >= 0);
	assert_int_equal(events_of(both), 0);
	close(fd);
	signal_with(fence, -EIO, 87);
	dma_fence_put(fence);
	assert_readable(both);
	assert_ended(both, -EIO, 87);
	assert_ended(third, -EIO, 87);
	close(both);
	close(copy);
	close(third);
}

/* The later fence of a timeline is the one that counts, and names it in the info. */
static void merge_on_one_timeline(void **state)
{
	uint64_t context = dma_fence_context_alloc(1);
	struct dma_fence_sync_fence_info fences[4];
	struct dma_fence_sync_file_info info = { .num_fences = 4, .fences = fences };
	struct dma_fence *earlier = malloc(sizeof(*earlier)), *later = malloc(sizeof(*later));
	int fds[2], both;

	(void)state;
	dma_fence_init(earlier, NULL, context, 1);
	dma_fence_init(later, NULL, context, 2);
	fds[0] = export_of(later);
	fds[1] = export_of(earlier);
	both = dma_fence_sync_file_merge(fds[0], fds[1]);
	assert_true(both >= 0);
	assert_int_equal(dma_fence_sync_file_get_info(both, &info), 0);
	assert_int_equal(info.num_fences, 1);
	signal_with(earlier, 0, 88);
	assert_int_equal(events_of(both), 0);
	signal_with(later, 0, 89);
	assert_readable(both);
	assert_ended(both, 1, 89);
	close(fds[0]);
	close(fds[1]);
	close(both);
	dma_fence_put(earlier);
	dma_fence_put(later);
}

static void merge_of_anothers(void **state)
{
	struct dma_fence *own = create_fence();
	struct process peer;
	int fds[3], both, three;

	(void)state;
	process_start(&peer, &peer_role);
	fds[0] = peer_exports(&peer, 0);
	fds[1] = peer_exports(&peer, 1);
	fds[2] = export_of(own);
	both = dma_fence_sync_file_merge(fds[0], fds[1]);
	assert_true(both >= 0);
	three = dma_fence_sync_file_merge(both, fds[2]);
	assert_true(three >= 0);
	close(fds[0]);
	close(fds[1]);
	close(fds[2]);
	peer_signals(&peer, 1, -EIO, 201);
	assert_int_equal(events_within(both, 10 * MS), 0);
	peer_signals(&peer, 0, -EPERM, 202);
	assert_int_equal(events_within(both, 5 * SECOND) & POLLIN, POLLIN);
	assert_ended(both, -EIO, 202);
	assert_int_equal(events_within(three, 10 * MS), 0);
	signal_with(own, 0, 203);
	dma_fence_put(own);
	assert_int_equal(events_within(three, 5 * SECOND) & POLLIN, POLLIN);
	assert_ended(three, -EIO, 203);
	close(both);
	close(three);
	process_end(&peer);
}

/* Info */

static const char *driver_name(struct dma_fence *fence)
{
	(void)fence;
	return "a driver whose name is longer than there is room for it in the info of a fence";
}

static const char *timeline_name(struct dma_fence *fence)
{
	return fence->seqno == 1 ? "one" : "two";
}

static void info_of_a_pending_one(void **state)
{
	static const struct dma_fence_ops ops = { .get_driver_name = driver_name,
						  .get_timeline_name = timeline_name,
						  .release = count_release };
	static struct dma_fence fences[3];
	struct dma_fence_sync_fence_info each[5];
	struct dma_fence_sync_file_info info = { 0 };
	int fds[2], all[2], room, i;

	(void)state;
	for (i = 0; i < 3; i++)
		dma_fence_init(&fences[i], &ops, dma_fence_context_alloc(1), (uint64_t)i % 2 + 1);
	fds[0] = export_of(&fences[0]);
	fds[1] = export_of(&fences[1]);
	all[0] = dma_fence_sync_file_merge(fds[0], fds[1]);
	close(fds[0]);
	fds[0] = export_of(&fences[2]);
	all[1] = dma_fence_sync_file_merge(all[0], fds[0]);
	assert_true(all[1] >= 0);

	/* One tells how many there are, whatever the room; what does not fit is left alone. */
	for (room = 0; room <= 5; room++) {
		memset(each, 0x5a, sizeof(each));
		info = (struct dma_fence_sync_file_info){ .status = 77,
							  .num_fences = (uint32_t)room,
							  .timestamp_ns = 77,
							  .fences = room ? each : NULL };
		assert_int_equal(dma_fence_sync_file_get_info(all[1], &info), 0);
		assert_int_equal(info.num_fences, 3);
		assert_int_equal(info.status, 0);
		assert_int_equal(info.timestamp_ns, 0);
		for (i = 0; i < room && i < 3; i++) {
			assert_int_equal(strlen(each[i].driver_name),
					 sizeof(each[i].driver_name) - 1);
			assert_memory_equal(each[i].driver_name, "a driver whose name", 19);
			assert_true(!strcmp(each[i].timeline_name, "one") ||
				    !strcmp(each[i].timeline_name, "two"));
			assert_int_equal(each[i].status, 0);
			assert_int_equal(each[i].timestamp_ns, 0);
		}
		for (; i < 5; i++)
			assert_int_equal(each[i].status, 0x5a5a5a5a);
	}

	/* One that has signaled is not waited for, or is told as what it is. */
	signal_with(&fences[1], -EIO, 300);
	info = (struct dma_fence_sync_file_info){ .num_fences = 5, .fences = each };
	assert_int_equal(dma_fence_sync_file_get_info(all[1], &info), 0);
	assert_int_equal(info.status, 0);
	assert_in_range(info.num_fences, 2, 3);
	for (i = 0; i < (int)info.num_fences; i++) {
		assert_true(each[i].status == 0 || each[i].status == -EIO);
		assert_int_equal(each[i].timestamp_ns, each[i].status ? 300 : 0);
	}
	signal_with(&fences[0], 0, 301);
	signal_with(&fences[2], 0, 302);
	info = (struct dma_fence_sync_file_info){ .num_fences = 5, .fences = each };
	assert_int_equal(dma_fence_sync_file_get_info(all[1], &info), 0);
	assert_int_equal(info.num_fences, 0);
	assert_int_equal(info.status, -EIO);
	assert_int_equal(info.timestamp_ns, 302);
	for (i = 0; i < 2; i++) {
		close(fds[i]);
		close(all[i]);
	}
	for (i = 0; i < 3; i++)
		dma_fence_put(&fences[i]);
	assert_int_equal(*release_count(), 3);
}

static void info_of_anothers(void **state)
{
	struct dma_fence_sync_fence_info each[2];
	struct dma_fence_sync_file_info info = { .num_fences = 2, .fences = each };
	struct message create = { "create-at", { 0, 4711, 815 }, 0, { 0 } };
	struct process peer;
	char name[64];
	int fd;

	(void)state;
	process_start(&peer, &peer_role);
	process_send(&peer, &create);
	process_answer(&peer);
	fd = process_get_fd(&peer, "export", 0);
	assert_int_equal(dma_fence_sync_file_get_info(fd, &info), 0);
	assert_int_equal(info.num_fences, 1);
	assert_int_equal(info.status, 0);
	assert_int_equal(each[0].status, 0);
	assert_int_equal(each[0].timestamp_ns, 0);
	snprintf(name, sizeof(name), "process %d ", peer.pid);
	assert_memory_equal(each[0].timeline_name, name, strlen(name));
	peer_signals(&peer, 0, -EIO, 310);
	info.num_fences = 2;
	assert_int_equal(dma_fence_sync_file_get_info(fd, &info), 0);
	assert_int_equal(info.num_fences, 0);
	assert_int_equal(info.status, -EIO);
	assert_int_equal(info.timestamp_ns, 310);
	close(fd);
	process_end(&peer);
}

/* The names of an imported fence are those in its info. */
static void names_of_an_import(void **state)
{
	struct dma_fence *fence;
	struct process peer;
	char name[64], text[300] = "";
	FILE *out;

	(void)state;
	process_start(&peer, &peer_role);
	fence = dma_fence_sync_file_import_take_fd(peer_exports(&peer, 0));
	assert_non_null(fence);
	snprintf(name, sizeof(name), "process %d ", peer.pid);
	dma_fence_rcu_read_lock();
	assert_memory_equal(dma_fence_timeline_name(fence), name, strlen(name));
	assert_non_null(dma_fence_driver_name(fence));
	dma_fence_rcu_read_unlock();
	out = fmemopen(text, sizeof(text), "w");
	dma_fence_describe(fence, out);
	fclose(out);
	assert_non_null(strstr(text, name));
	peer_signals(&peer, 0, 0, 0);
	assert_int_equal(dma_fence_get_status(fence), 1);
	dma_fence_put(fence);
	process_end(&peer);
}

/* Deadlines */

static int64_t wished_for;

static void note_deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	(void)fence;
	wished_for = deadline_ns;
}

static void deadline_reaches_the_producer(void **state)
{
	static const struct dma_fence_ops ops = { .set_deadline = note_deadline,
						  .release = count_release };
	static struct dma_fence fence;
	struct dma_fence *indifferent = create_fence();
	int fd, other, both;

	(void)state;
	dma_fence_init(&fence, &ops, dma_fence_context_alloc(1), 1);
	fd = export_of(&fence);
	other = export_of(indifferent);
	both = dma_fence_sync_file_merge(fd, other);
	assert_int_equal(dma_fence_sync_file_set_deadline(fd, 1234), 0);
	assert_int_equal(wished_for, 1234);
	assert_int_equal(dma_fence_sync_file_set_deadline(both, 1233), 0);
	assert_int_equal(wished_for, 1233);
	assert_int_equal(dma_fence_sync_file_set_deadline(other, 1232), 0);
	assert_int_equal(wished_for, 1233);
	dma_fence_signal(&fence);
	dma_fence_signal(indifferent);
	assert_int_equal(dma_fence_sync_file_set_deadline(fd, 1231), 0);
	assert_int_equal(wished_for, 1233);
	assert_int_equal(dma_fence_sync_file_set_deadline(both, 1231), 0);
	close(fd);
	close(other);
	close(both);
	dma_fence_put(&fence);
	dma_fence_put(indifferent);
}

/* Which is to be asked when somebody is about to write that it has signaled. */
static int asked_while_signaled = -1;
static struct dma_fence *imported_while_signaled;

#if UINTPTR_MAX == UINT32_MAX
/* So the C library calls it where times have 64 bits, and addresses 32. */
int __real_futimens(int fd, const struct timespec times[2]) __asm__("__real___futimens64");
int __wrap_futimens(int fd, const struct timespec times[2]) __asm__("__wrap___futimens64");
#else
int __real_futimens(int fd, const struct timespec times[2]);
int __wrap_futimens(int fd, const struct timespec times[2]);
#endif

int __wrap_futimens(int fd, const struct timespec times[2])
{
	const int asked = asked_while_signaled;

	asked_while_signaled = -1;
	if (asked >= 0) {
		assert_int_equal(dma_fence_sync_file_set_deadline(asked, 1), 0);
		imported_while_signaled = dma_fence_sync_file_import_dup_fd(asked);
	}
	return __real_futimens(fd, times);
}

/* The fence is signaled, and the fd does not say so yet. */
static void deadline_while_it_is_signaled(void **state)
{
	struct dma_fence *fence = create_fence();
	int fd = export_of(fence);

	(void)state;
	asked_while_signaled = fd;
	dma_fence_signal(fence);
	assert_int_equal(asked_while_signaled, -1);
	assert_ptr_equal(imported_while_signaled, fence);
	dma_fence_put(imported_while_signaled);
	close(fd);
	dma_fence_put(fence);
}

static void deadline_of_anothers(void **state)
{
	struct process peer;
	int fd;

	(void)state;
	process_start(&peer, &peer_role);
	fd = peer_exports(&peer, 0);
	assert_int_equal(dma_fence_sync_file_set_deadline(fd, 1234), -EOPNOTSUPP);
	peer_signals(&peer, 0, 0, 0);
	assert_int_equal(dma_fence_sync_file_set_deadline(fd, 1234), 0);
	close(fd);
	process_end(&peer);
}

/* Wrong fds */

static void assert_refused(int fd, int error)
{
	struct dma_fence *fence = create_fence();
	struct dma_fence_sync_fence_info each;
	struct dma_fence_sync_file_info info = { .num_fences = 1, .fences = &each };
	int right = export_of(fence), before = count_fds(),
	    events = is_open(fd) ? events_of(fd) : 0;

	errno = 0;
	assert_null(dma_fence_sync_file_import_dup_fd(fd));
	assert_int_equal(errno, error);
	errno = 0;
	assert_null(dma_fence_sync_file_import_take_fd(fd));
	assert_int_equal(errno, error);
	assert_int_equal(dma_fence_sync_file_merge(fd, fd), -error);
	assert_int_equal(dma_fence_sync_file_merge(fd, right), -error);
	assert_int_equal(dma_fence_sync_file_merge(right, fd), -error);
	assert_int_equal(dma_fence_sync_file_get_info(fd, &info), -error);
	assert_int_equal(dma_fence_sync_file_set_deadline(fd, 1), -error);
	assert_int_equal(count_fds(), before);
	/* And it was not read from, or written to. */
	if (is_open(fd))
		assert_int_equal(events_of(fd), events);
	assert_int_equal(events_of(right), 0);
	dma_fence_signal(fence);
	dma_fence_put(fence);
	close(right);
}

static void wrong_fds(void **state)
{
	char name[] = "/tmp/sync-file-test-XXXXXX", fifo[64];
	int ends[2], sockets[2], fd, copy, i;

	(void)state;
	assert_refused(-1, EBADF);
	assert_refused(INT32_MIN, EBADF);
	assert_refused(INT32_MAX, EBADF);
	/* A number that nothing else gets meanwhile. */
	fd = fcntl(0, F_DUPFD_CLOEXEC, 900);
	assert_true(fd >= 900);
	close(fd);
	assert_refused(fd, EBADF);

	fd = mkostemp(name, O_CLOEXEC);
	assert_true(fd >= 0);
	assert_refused(fd, EINVAL);
	close(fd);
	unlink(name);

	/* Pipes of others: empty, full, without a writer, without a reader. */
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	for (i = 0; i < 2; i++) {
		assert_refused(ends[0], EINVAL);
		assert_refused(ends[1], EINVAL);
		assert_int_equal(write(ends[1], "x", 1), 1);
	}
	copy = dup(ends[0]);
	close(ends[1]);
	assert_refused(copy, EINVAL);
	close(copy);
	close(ends[0]);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	assert_refused(ends[1], EINVAL);
	close(ends[1]);

	snprintf(fifo, sizeof(fifo), "%s.fifo", name);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_refused(fd, EINVAL);
	close(fd);
	unlink(fifo);

	fd = eventfd(1, EFD_CLOEXEC);
	assert_refused(fd, EINVAL);
	close(fd);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	assert_refused(sockets[0], EINVAL);
	close(sockets[1]);
	assert_refused(sockets[0], EINVAL);
	close(sockets[0]);
	fd = epoll_create1(EPOLL_CLOEXEC);
	assert_refused(fd, EINVAL);
	close(fd);
	fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_refused(fd, EINVAL);
	close(fd);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_refused(fd, EINVAL);
	close(fd);
	/* Open, though every other call of the kernel says that it is not. */
	fd = open("/dev/null", O_PATH | O_CLOEXEC);
	assert_refused(fd, EINVAL);
	close(fd);
}

/* An fd that only names what it leads to can be neither polled nor watched. */
static void name_of_one_is_no_success(void **state)
{
	struct dma_fence *fence;
	struct process peer;
	char name[64];
	int fd, path;

	(void)state;
	process_start(&peer, &peer_role);
	fd = peer_exports(&peer, 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	path = open(name, O_PATH | O_CLOEXEC);
	assert_true(path >= 0);
	errno = 0;
	fence = dma_fence_sync_file_import_dup_fd(path);
	if (fence) {
		dma_fence_enable_signaling(fence);
		assert_true(dma_fence_get_status(fence) <= 0);
		peer_signals(&peer, 0, 0, -1);
		assert_true(dma_fence_wait_timeout(fence, false, 5 * SECOND) > 0);
		dma_fence_put(fence);
	} else {
		assert_int_equal(errno, EINVAL);
		peer_signals(&peer, 0, 0, -1);
	}
	close(path);
	close(fd);
	process_end(&peer);
}

/* Moments */

/* What fstat() tells of the timestamps in which the status is. */
static void stamps_of(int fd, struct timespec stamps[2])
{
	struct stat stat;

	assert_int_equal(fstat(fd, &stat), 0);
	stamps[0] = stat.st_atim;
	stamps[1] = stat.st_mtim;
}

/* The byte has been written, which has set the modification time, and the status not yet again. */
static void time_of_the_write_is_no_status(void **state)
{
	static const uint32_t changed[] = { 0, 1, UINT32_C(1) << 17, UINT32_C(1) << 17 | 5 };
	struct timespec ended[2], between[2];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(changed); i++) {
		struct dma_fence *fence = create_fence();
		int fd = export_of(fence);

		signal_with(fence, -EIO, 91);
		dma_fence_put(fence);
		stamps_of(fd, ended);
		between[0] = ended[1];
		between[1].tv_sec = 1800000000;
		between[1].tv_nsec = ended[1].tv_nsec ^ changed[i];
		assert_int_equal(futimens(fd, between), 0);
		assert_ended(fd, -EIO, 91);
		close(fd);
	}
}

/* The kernel sets seconds and nanoseconds one after the other, and whoever looks sees that. */
static void half_a_status_is_pending(void **state)
{
	struct timespec pending[2], ended[2], half[2];
	struct dma_fence *fence;
	int fd, first;

	(void)state;
	for (first = 0; first < 2; first++) {
		fence = create_fence();
		fd = export_of(fence);
		stamps_of(fd, pending);
		signal_with(fence, -EIO, 92);
		dma_fence_put(fence);
		stamps_of(fd, ended);
		half[0].tv_sec = first ? ended[1].tv_sec : pending[0].tv_sec;
		half[0].tv_nsec = first ? pending[0].tv_nsec : ended[1].tv_nsec;
		half[1] = pending[1];
		assert_int_equal(futimens(fd, half), 0);
		/* Pending, and nobody is there to write the other half. */
		assert_int_equal(info_of(fd).status, -EOWNERDEAD);
		assert_int_equal(futimens(fd, (struct timespec[]){ ended[1], pending[1] }), 0);
		assert_ended(fd, -EIO, 92);
		close(fd);
	}
}

struct looker {
	int fd, go, over;
};

static void *look_all_the_time(void *arg)
{
	struct looker *looker = arg;

	while (!atomic_load_acquire(&looker->over)) {
		struct dma_fence_sync_file_info info = { 0 };
		int fd = atomic_load_acquire(&looker->fd);

		if (fd < 0) {
			sched_yield();
			continue;
		}
		while (!info.status) {
			assert_int_equal(dma_fence_sync_file_get_info(fd, &info), 0);
			info.num_fences = 0; /* there is no room for any */
		}
		assert_int_equal(info.status, -EIO);
		assert_int_equal(info.timestamp_ns, 93);
		atomic_store_release(&looker->fd, -1);
	}
	return NULL;
}

static void looked_at_while_it_signals(void **state)
{
	struct looker looker = { .fd = -1 };
	pthread_t thread = start(look_all_the_time, &looker);
	/* In an emulated machine it takes long. */
	const int64_t end = clock_now() + 10 * SECOND;
	int rounds = UNDER_SANITIZER ? 5000 : 100000;

	(void)state;
	while (rounds-- && clock_now() < end) {
		struct dma_fence *fence = create_fence();
		int fd = export_of(fence);

		dma_fence_set_error(fence, -EIO);
		atomic_store_release(&looker.fd, fd);
		dma_fence_signal_timestamp(fence, 93);
		dma_fence_put(fence);
		while (atomic_load_acquire(&looker.fd) >= 0)
			sched_yield();
		close(fd);
	}
	set_flag(&looker.over);
	join(thread);
}

/* Peers that run as the same user, and write where they should not */

static int open_to_write(int fd)
{
	char name[64];
	int writer;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	writer = open(name, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	assert_true(writer >= 0);
	return writer;
}

/* That there is no room to write is nothing to wait for. */
static void full_is_readable(void **state)
{
	static const char bytes[4096];
	struct dma_fence *fence = create_fence();
	int fd = export_of(fence), writer = open_to_write(fd);

	(void)state;
	while (write(writer, bytes, sizeof(bytes)) > 0)
		;
	close(writer);
	signal_with(fence, -EIO, 94);
	dma_fence_put(fence);
	assert_readable(fd);
	assert_ended(fd, -EIO, 94);
	close(fd);
}

/* Readable, and nothing is said: that is an error, and not something to wait for. */
static void overwritten_fails(void **state)
{
	const struct timespec nothing[2] = { { 1, 1 }, { 1, 1 } };
	struct counter counter = { 0 };
	struct dma_fence *fence;
	struct process peer;
	int fd, writer;

	(void)state;
	process_start(&peer, &peer_role);
	fd = peer_exports(&peer, 0);
	writer = open_to_write(fd);
	fence = import_of(fd);
	assert_int_equal(dma_fence_add_callback(fence, &counter.cb, count_call), 0);
	assert_int_equal(futimens(writer, nothing), 0);
	assert_int_equal(write(writer, "x", 1), 1);
	assert_int_equal(futimens(writer, nothing), 0);
	assert_true(dma_fence_wait_timeout(fence, false, 5 * SECOND) > 0);
	assert_int_equal(dma_fence_get_status(fence), -EPROTO);
	assert_int_equal(calls(&counter), 1);
	dma_fence_put(fence);
	close(writer);
	close(fd);
	peer_signals(&peer, 0, 0, -1);
	process_end(&peer);
}

/* A program that closes what is not its own: who waits is told, whether it is watched already. */
static void import_whose_fd_is_closed(void **state)
{
	struct counter counter;
	struct dma_fence *fence;
	struct process peer;
	int fd, watched, other;

	(void)state;
	process_start(&peer, &peer_role);
	for (watched = 0; watched < 2; watched++) {
		for (other = 0; other < 2; other++) {
			counter = (struct counter){ 0 };
			fd = peer_exports(&peer, 0);
			fence = dma_fence_sync_file_import_take_fd(fd);
			assert_non_null(fence);
			if (watched)
				assert_int_equal(
					dma_fence_add_callback(fence, &counter.cb, count_call), 0);
			close(fd);
			/* Always readable. */
			if (other)
				assert_int_equal(open("/dev/null", O_RDONLY | O_CLOEXEC), fd);
			if (!watched)
				dma_fence_add_callback(fence, &counter.cb, count_call);
			assert_true(dma_fence_wait_timeout(fence, false, SECOND) > 0);
			assert_int_equal(dma_fence_get_status(fence), other ? -EPROTO : -EBADF);
			dma_fence_put(fence);
			peer_signals(&peer, 0, 0, -1);
			process_do(&peer, "put", 0);
		}
	}
	process_end(&peer);
}

static void taken_is_closed_on_exec(void **state)
{
	struct dma_fence *fence;
	struct process peer;
	int fd;

	(void)state;
	process_start(&peer, &peer_role);
	fd = peer_exports(&peer, 0);
	assert_int_equal(fcntl(fd, F_SETFD, 0), 0);
	fence = dma_fence_sync_file_import_take_fd(fd);
	assert_non_null(fence);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	dma_fence_put(fence);
	peer_signals(&peer, 0, 0, -1);
	process_end(&peer);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		fd_test(pending_is_nothing),
		fd_test(is_closed_on_exec),
		fd_test(carries_error_and_timestamp),
		fd_test(time_of_signal_is_now),
		fd_test(export_enables_signaling),
		fd_test(info_and_import_poll),
		fd_test(exports_are_independent),
		fd_test(null_is_refused),
		fd_test(export_holds_the_fence_until_the_signal),
		fd_test(export_of_a_signaled_fence_holds_nothing),
		fd_test(closed_everywhere_is_let_go_of),
		fd_test(copy_in_a_socket_counts),
		fd_test(last_reference_of_a_pending_one_is_reported),
		fd_test(dup_is_the_same),
		fd_test(by_select),
		fd_test(by_epoll_level),
		fd_test(by_epoll_edge),
		fd_test(readable_for_ever),
		fd_test(cannot_be_written),
		fd_test(status_cannot_be_read_away),
		fd_test(status_cannot_be_read_away_by_its_name),
		fd_test(signal_without_readers),
		fd_test(sigpipe_of_the_program_stays),
		fd_test(import_of_own_is_the_same_fence),
		fd_test(import_of_a_signaled_one),
		fd_test(import_of_anothers),
		fd_test(query_of_an_import),
		fd_test(failed_take_leaves_the_fd),
		fd_test(import_that_is_dropped),
		fd_test(import_that_is_dropped_is_called_back_from),
		fd_test(export_of_an_import),
		fd_test(export_of_a_container),
		fd_test(merge_waits_for_both),
		fd_test(merge_of_the_same_fd),
		fd_test(merge_on_one_timeline),
		fd_test(merge_of_anothers),
		fd_test(info_of_a_pending_one),
		fd_test(info_of_anothers),
		fd_test(names_of_an_import),
		fd_test(deadline_reaches_the_producer),
		fd_test(deadline_while_it_is_signaled),
		fd_test(deadline_of_anothers),
		fd_test(wrong_fds),
		fd_test(name_of_one_is_no_success),
		fd_test(time_of_the_write_is_no_status),
		fd_test(half_a_status_is_pending),
		fd_test(looked_at_while_it_signals),
		fd_test(full_is_readable),
		fd_test(overwritten_fails),
		fd_test(import_whose_fd_is_closed),
		fd_test(taken_is_closed_on_exec),
	};

	processes_main(argc, argv, &peer_role);
	return RUN(tests);
}
