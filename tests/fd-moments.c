/* SPDX-License-Identifier: MIT */
/*
 * What may happen in the middle of an export, a signal, a release or a dispatch: at a certain call
 * something is done there that another thread could have done.
 */
#include <sys/epoll.h>
#include <sys/stat.h>

#include "fd/pipe.h"
#include "fd/watcher.h"
#include "fds.h"

/* How soon the thread is gone. */
#define AT_ONCE (PATIENCE * SECOND)

/* Done once, at the next call of the function that says so. */
static void (*at_add_callback)(void);
static void (*at_futimens)(void);
static void (*at_unregister)(void);
static void (*at_epoll_wait)(int timeout); /* also on the library's thread */
static bool at_hold_fails;

static void at(void (**what)(void))
{
	void (*now)(void) = *what;

	*what = NULL;
	if (now)
		now();
}

int __real_dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
				  dma_fence_func_t func);
int __wrap_dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
				  dma_fence_func_t func);
struct dma_fence *__real_dma_fence_get_rcu(struct dma_fence *fence);
struct dma_fence *__wrap_dma_fence_get_rcu(struct dma_fence *fence);
void __real_dma_fence_watcher_unregister(struct watch *watch);
void __wrap_dma_fence_watcher_unregister(struct watch *watch);
int __real_futimens(int fd, const struct timespec times[2]);
int __wrap_futimens(int fd, const struct timespec times[2]);
int __real_epoll_wait(int epoll, struct epoll_event *events, int room, int timeout);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int room, int timeout);

int __wrap_dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
				  dma_fence_func_t func)
{
	at(&at_add_callback);
	return __real_dma_fence_add_callback(fence, cb, func);
}

struct dma_fence *__wrap_dma_fence_get_rcu(struct dma_fence *fence)
{
	if (at_hold_fails) {
		at_hold_fails = false;
		return NULL;
	}
	return __real_dma_fence_get_rcu(fence);
}

void __wrap_dma_fence_watcher_unregister(struct watch *watch)
{
	at(&at_unregister);
	__real_dma_fence_watcher_unregister(watch);
}

int __wrap_futimens(int fd, const struct timespec times[2])
{
	at(&at_futimens);
	return __real_futimens(fd, times);
}

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int room, int timeout)
{
	void (*what)(int) = atomic_load_acquire(&at_epoll_wait);
	int ret;

	if (what && timeout)
		what(timeout);
	ret = __real_epoll_wait(epoll, events, room, timeout);
	if (what && !timeout)
		what(timeout);
	return ret;
}

static struct dma_fence *own;
static int own_fd;

static int setup(void **state)
{
	fd_setup(state);
	own = create_fence();
	own_fd = -1;
	return 0;
}

static int teardown(void **state)
{
	if (own_fd >= 0)
		close(own_fd);
	dma_fence_put(own);
	return fd_teardown(state);
}

#define moments_test(func) cmocka_unit_test_setup_teardown(func, setup, teardown)

/* Export */

/* The only fd of a pipe that is its read end. */
static void close_read_end(void)
{
	struct stat stat;
	int fd;

	for (fd = 3; fd < 100; fd++) {
		if (fstat(fd, &stat) || !S_ISFIFO(stat.st_mode) ||
		    (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
			continue;
		close(fd);
	}
}

/* Somebody closes what he thinks is his; and another export looks for what nobody reads. */
static void close_and_export_another(void)
{
	close_read_end();
	export_another();
}

static void is_not_ended_while_it_is_made(void **state)
{
	(void)state;
	at_add_callback = close_and_export_another;
	assert_true(dma_fence_sync_file_export(own) >= 0);
	assert_int_equal(references(own), 2);
	export_another();
	assert_int_equal(references(own), 1);
	dma_fence_signal(own);
}

static void close_and_signal(void)
{
	close_and_export_another();
	dma_fence_signal(own);
}

static void signals_while_it_is_made(void **state)
{
	(void)state;
	at_add_callback = close_and_signal;
	assert_true(dma_fence_sync_file_export(own) >= 0);
	assert_int_equal(references(own), 1);
}

static struct dma_fence *found;

static void import_own(void)
{
	found = dma_fence_sync_file_import_dup_fd(own_fd);
}

/* While the export says on the fd that it has. */
static void is_found_while_it_signals(void **state)
{
	(void)state;
	own_fd = dma_fence_sync_file_export(own);
	found = NULL;
	at_futimens = import_own;
	dma_fence_signal(own);
	assert_ptr_equal(found, own);
	dma_fence_put(found);
}

/* The watcher */

static const struct pipe_origin somebody = { .pid = 1 };

/* A sync file of another process, and its write end. */
static struct dma_fence *import_of_anothers(int *write_fd)
{
	struct dma_fence *fence;
	int fd;

	assert_int_equal(dma_fence_pipe_create(&somebody, 1, 1, &fd, write_fd), 0);
	fence = dma_fence_sync_file_import_take_fd(fd);
	assert_non_null(fence);
	return fence;
}

static void signal_anothers(int write_fd)
{
	dma_fence_pipe_signal(write_fd, &somebody, 0, 1);
	close(write_fd);
}

static int anothers_fd, loop_fd;

static void dispatch_meanwhile(void)
{
	signal_anothers(anothers_fd);
	assert_int_equal(events_of(loop_fd), POLLIN);
	assert_int_equal(dma_fence_watcher_dispatch(), 0);
	assert_int_equal(events_of(loop_fd), 0);
}

/* What is ready, and is just being released, keeps nobody busy until it has been. */
static void released_is_found_once(void **state)
{
	struct dma_fence *fence = import_of_anothers(&anothers_fd);

	(void)state;
	loop_fd = dma_fence_watcher_get_fd();
	dma_fence_enable_signaling(fence);
	at_unregister = dispatch_meanwhile;
	dma_fence_put(fence);
	assert_int_equal(events_of(loop_fd), 0);
	dma_fence_watcher_put_fd();
	dma_fence_signal(own);
}

/* Found when it had no reference, and then it gets one after all, for its callback. */
static void adopted_is_watched(void **state)
{
	struct dma_fence *fence = import_of_anothers(&anothers_fd);
	struct counter counter = { 0 };

	(void)state;
	loop_fd = dma_fence_watcher_get_fd();
	assert_int_equal(dma_fence_add_callback(fence, &counter.cb, count_call), 0);
	signal_anothers(anothers_fd);
	at_hold_fails = true;
	assert_int_equal(dma_fence_watcher_dispatch(), 0);
	assert_int_equal(calls(&counter), 0);
	dma_fence_put(fence);
	assert_int_equal(events_of(loop_fd), POLLIN);
	assert_int_equal(dma_fence_watcher_dispatch(), 1);
	assert_int_equal(calls(&counter), 1);
	dma_fence_watcher_put_fd();
	dma_fence_signal(own);
}

static int thread_is_there, last_is_taken;

/* The thread begins to watch when the program has already got what there is, and falls asleep. */
static void hand_over(int timeout)
{
	if (timeout) {
		set_flag(&thread_is_there);
		assert_true(flag_within(&last_is_taken, AT_ONCE));
		return;
	}
	dma_fence_watcher_put_fd();
	assert_true(flag_within(&thread_is_there, AT_ONCE));
}

static void thread_goes_without_the_last(void **state)
{
	struct dma_fence *fence = import_of_anothers(&anothers_fd);
	int64_t end;
	int usual;

	(void)state;
	usual = count_threads();
	thread_is_there = 0;
	last_is_taken = 0;
	assert_true(dma_fence_watcher_get_fd() >= 0);
	dma_fence_enable_signaling(fence);
	signal_anothers(anothers_fd);
	atomic_store_release(&at_epoll_wait, hand_over);
	assert_int_equal(dma_fence_watcher_dispatch(), 1);
	set_flag(&last_is_taken);
	for (end = clock_now() + AT_ONCE; count_threads() != usual && clock_now() < end;)
		sleep_ns(MS);
	atomic_store_release(&at_epoll_wait, NULL);
	assert_int_equal(count_threads(), usual);
	assert_int_equal(dma_fence_get_status(fence), 1);
	dma_fence_put(fence);
	dma_fence_signal(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		moments_test(is_not_ended_while_it_is_made),
		moments_test(signals_while_it_is_made),
		moments_test(is_found_while_it_signals),
		moments_test(released_is_found_once),
		moments_test(adopted_is_watched),
		moments_test(thread_goes_without_the_last),
	};

	return RUN(tests);
}
