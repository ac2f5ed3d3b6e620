/* SPDX-License-Identifier: MIT */
/* Shared sync objects in one process: handles, limits, flaws, and who watches. */
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "fd/shared-memory.h"
#include "fds.h"

#include "failing-malloc.h"

#define FOR_SUBMIT DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT
#define ALL	   DMA_FENCE_SYNCOBJ_WAIT_ALL
#define AVAILABLE  DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE
#define FOREVER	   DMA_FENCE_WAIT_FOREVER

/* The same, mapped twice: to each other they are what two processes are. */
static struct dma_fence_syncobj *here, *there;
static long live_before;

static long live_blocks(void)
{
	return __atomic_load_n(&failing_malloc_live, __ATOMIC_SEQ_CST);
}

static int setup(void **state)
{
	int handle;

	fd_setup(state);
	failing_malloc_in = -1;
	dma_fence_rcu_barrier();
	live_before = live_blocks();
	here = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
	assert_non_null(here);
	handle = dma_fence_syncobj_export(here);
	assert_true(handle >= 0);
	there = dma_fence_syncobj_import_take_fd(handle);
	assert_non_null(there);
	assert_false(is_open(handle));
	return 0;
}

static int teardown(void **state)
{
	int64_t end = clock_now() + PATIENCE * SECOND;

	dma_fence_syncobj_put(here);
	dma_fence_syncobj_put(there);
	/* The library's thread may take a moment to let go of what was waited for. */
	do {
		dma_fence_rcu_barrier();
	} while (live_blocks() != live_before && clock_now() < end);
	assert_int_equal(live_blocks(), live_before);
	return fd_teardown(state);
}

#define shared_test(func) cmocka_unit_test_setup_teardown(func, setup, teardown)

static struct dma_fence *add(struct dma_fence_syncobj *syncobj, uint64_t point)
{
	struct dma_fence *fence = create_fence();

	assert_int_equal(dma_fence_syncobj_add_point(syncobj, point, fence), 0);
	return fence;
}

static void signal_and_put(struct dma_fence *fence)
{
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

/* Handles */

static void handles(void **state)
{
	struct dma_fence_syncobj *local = dma_fence_syncobj_create(0), *again;
	int handle = dma_fence_syncobj_export(there), other, pair[2];

	(void)state;
	assert_int_equal(dma_fence_syncobj_export(local), -EINVAL);
	assert_int_equal(dma_fence_syncobj_export(NULL), -EINVAL);
	dma_fence_syncobj_put(local);

	/*
	 * As often as one likes; and it is closed by the one who is said to take it, if it
	 * succeeds.
	 */
	again = dma_fence_syncobj_import_dup_fd(handle);
	assert_non_null(again);
	assert_true(is_open(handle));
	assert_int_equal(fcntl(handle, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	dma_fence_syncobj_put(again);
	again = dma_fence_syncobj_import_take_fd(handle);
	assert_non_null(again);
	assert_false(is_open(handle));
	dma_fence_syncobj_signal_point(again, 3);
	assert_int_equal(dma_fence_syncobj_status(here, 3), 1);
	dma_fence_syncobj_put(again);

	errno = 0;
	assert_null(dma_fence_syncobj_import_dup_fd(handle));
	assert_int_equal(errno, EBADF);
	errno = 0;
	assert_null(dma_fence_syncobj_import_take_fd(-1));
	assert_int_equal(errno, EBADF);
	other = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	errno = 0;
	assert_null(dma_fence_syncobj_import_take_fd(other));
	assert_int_equal(errno, EINVAL);
	assert_true(is_open(other));
	assert_null(dma_fence_syncobj_import_dup_fd(pair[0]));
	assert_int_equal(errno, EINVAL);
	close(other);
	close(pair[0]);
	close(pair[1]);
}

static void made_again_and_again(void **state)
{
	int i, handle;

	(void)state;
	for (i = 0; i < (UNDER_SANITIZER ? 1000 : 10000); i++) {
		handle = dma_fence_syncobj_export(here);
		assert_true(handle >= 0);
		dma_fence_syncobj_put(dma_fence_syncobj_import_take_fd(handle));
	}
}

/* One object to another, and nothing of it stays behind when it goes. */
static void what_is_found_outlives_the_object(void **state)
{
	struct dma_fence *fence = add(here, 1), *found = dma_fence_syncobj_find_fence(there, 1);
	struct counter counter = { 0 };

	(void)state;
	assert_non_null(found);
	dma_fence_syncobj_put(there);
	there = NULL;
	assert_int_equal(dma_fence_get_status(found), 0);
	assert_int_equal(dma_fence_add_callback(found, &counter.cb, count_call), 0);
	/* Nobody refers to it any more but for who is to be called. */
	dma_fence_put(found);
	assert_int_equal(calls(&counter), 0);
	signal_and_put(fence);
	while (!calls(&counter))
		sched_yield();

	/* Nor is one missed that nobody waits for, whether it was enabled or not. */
	fence = add(here, 2);
	found = dma_fence_syncobj_find_fence(here, 2);
	dma_fence_put(found);
	found = dma_fence_syncobj_find_fence(here, 2);
	assert_int_equal(dma_fence_wait_timeout(found, false, MS), 0);
	dma_fence_put(found);
	signal_and_put(fence);
}

static void names_and_times(void **state)
{
	struct dma_fence *fence = add(here, 1), *found = dma_fence_syncobj_find_fence(there, 1);

	(void)state;
	dma_fence_rcu_read_lock();
	assert_string_equal(dma_fence_driver_name(found), "dma_fence_syncobj");
	assert_string_equal(dma_fence_timeline_name(found), "shared");
	dma_fence_rcu_read_unlock();
	assert_false(dma_fence_is_signaled(found));
	dma_fence_set_error(fence, -EIO);
	dma_fence_signal_timestamp(fence, 4321);
	dma_fence_put(fence);
	assert_true(dma_fence_is_signaled(found));
	assert_false(dma_fence_test_signaled_flag(found));
	assert_int_equal(dma_fence_get_status(found), -EIO);
	assert_int_equal(dma_fence_timestamp(found), 4321);
	dma_fence_put(found);
	found = dma_fence_syncobj_find_fence(there, 1);
	assert_int_equal(dma_fence_get_status(found), -EIO);
	assert_int_equal(dma_fence_timestamp(found), 4321);
	dma_fence_put(found);
}

/* Each of many is told of its own point. */
static void many_wait(void **state)
{
	enum { POINTS = 1000 };
	static struct dma_fence *fences[POINTS], *found[POINTS];
	static struct counter counters[POINTS];
	int eventfds[2] = { eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC) }, i;
	uint64_t count, before;

	(void)state;
	memset(counters, 0, sizeof(counters));
	for (i = 0; i < POINTS; i += 10)
		assert_int_equal(dma_fence_syncobj_eventfd_dup_fd(there, (uint64_t)i + 1,
								  eventfds[i / 10 % 2],
								  i / 10 % 2 ? AVAILABLE : 0),
				 0);
	for (i = 0; i < POINTS; i++) {
		fences[i] = add(here, (uint64_t)i + 1);
		found[i] = dma_fence_syncobj_find_fence(there, (uint64_t)i + 1);
		assert_int_equal(dma_fence_add_callback(found[i], &counters[i].cb, count_call), 0);
	}
	for (i = POINTS; --i;)
		signal_and_put(fences[i]);
	assert_int_equal(dma_fence_syncobj_query(there, 0, &before), 0);
	assert_int_equal(before, 0);
	signal_and_put(fences[0]);
	for (i = 0; i < POINTS; i++) {
		assert_int_equal(dma_fence_wait(found[i], false), 0);
		assert_int_equal(calls(&counters[i]), 1);
		dma_fence_put(found[i]);
	}
	for (i = 0; i < 2; i++) {
		for (before = 0; before < POINTS / 20; before += count)
			assert_int_equal(read(eventfds[i], &count, sizeof(count)), sizeof(count));
		assert_int_equal(before, POINTS / 20);
		close(eventfds[i]);
	}
}

/* By the doorbell, each time: not when somebody looks after dead owners, which is each 100 ms. */
static void told_at_once(void **state)
{
	enum { ROUNDS = 20 };
	int i, late = 0;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		struct dma_fence *fence = add(here, (uint64_t)i + 1);
		struct dma_fence *found = dma_fence_syncobj_find_fence(there, (uint64_t)i + 1);
		struct counter counter = { 0 };
		int64_t began;

		assert_int_equal(dma_fence_add_callback(found, &counter.cb, count_call), 0);
		began = clock_now();
		signal_and_put(fence);
		while (!calls(&counter) && clock_now() < began + PATIENCE * SECOND)
			sched_yield();
		assert_int_equal(calls(&counter), 1);
		late += clock_now() - began > 50 * MS;
		dma_fence_put(found);
	}
	assert_true(late < ROUNDS / 2);
}

static void await_threads(int threads)
{
	int64_t end = clock_now() + 10 * SECOND;

	while (count_threads() > threads && clock_now() < end)
		sleep_ns(MS);
	assert_int_equal(count_threads(), threads);
}

/* Who watches */

static void program_watches(void **state)
{
	struct dma_fence *fence = add(here, 1), *found;
	int loop, threads = count_threads(), fd = eventfd(0, EFD_CLOEXEC);
	struct counter counter = { 0 };

	(void)state;
	loop = dma_fence_watcher_get_fd();
	assert_true(loop >= 0);
	found = dma_fence_syncobj_find_fence(there, 1);
	assert_int_equal(dma_fence_add_callback(found, &counter.cb, count_call), 0);
	assert_int_equal(dma_fence_syncobj_eventfd_dup_fd(there, 2, fd, 0), 0);
	assert_int_equal(count_threads(), threads);
	signal_and_put(fence);
	assert_int_equal(dma_fence_syncobj_signal_point(here, 2), 0);
	while (!calls(&counter) || events_of(fd) == POLLOUT) {
		assert_true(events_within(loop, 10 * SECOND) & POLLIN);
		assert_true(dma_fence_watcher_dispatch() >= 0);
	}
	assert_int_equal(count_threads(), threads);
	dma_fence_put(found);
	close(fd);
	dma_fence_watcher_put_fd();
}

/* Once nothing is waited for the thread goes, though the object, and a fence of it, stay. */
static void thread_goes(void **state)
{
	struct dma_fence *fence = add(here, 1), *found = dma_fence_syncobj_find_fence(there, 1);
	int threads = count_threads(), i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_int_equal(dma_fence_wait_timeout(found, false, MS), 0);
		assert_int_equal(count_threads(), threads + 1);
		dma_fence_put(found);
		await_threads(threads);
		found = dma_fence_syncobj_find_fence(there, 1);
	}
	signal_and_put(fence);
	assert_int_equal(dma_fence_wait_timeout(found, false, 0), 1);
	dma_fence_put(found);
}

/* Limits */

static void so_many_can_be_pending(void **state)
{
	static struct dma_fence *fences[4096];
	struct dma_fence *one_more = create_fence();
	int i;

	(void)state;
	for (i = 0; i < 4096; i++)
		fences[i] = add(i % 2 ? here : there, (uint64_t)i + 1);
	assert_int_equal(dma_fence_syncobj_add_point(here, 5000, one_more), -EAGAIN);
	errno = 0;
	assert_null(dma_fence_syncobj_promise(there, 5000));
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(dma_fence_syncobj_signal_point(there, 5000), -EAGAIN);
	assert_int_equal(references(one_more), 1);
	signal_and_put(fences[0]);
	assert_int_equal(dma_fence_syncobj_add_point(here, 5000, one_more), 0);
	for (i = 1; i < 4096; i++)
		signal_and_put(fences[i]);
	signal_and_put(one_more);
	assert_int_equal(dma_fence_syncobj_status(there, 5000), 1);
}

static void limit_fds(int limit)
{
	struct rlimit fds;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &fds), 0);
	fds.rlim_cur = (rlim_t)limit;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &fds), 0);
}

/* The next that is opened. The table has no gaps: a test that leaves one behind has failed. */
static int next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static int create_one(void)
{
	struct dma_fence_syncobj *syncobj = dma_fence_syncobj_create(
		DMA_FENCE_SYNCOBJ_CREATE_SHARED | DMA_FENCE_SYNCOBJ_CREATE_SIGNALED);

	if (!syncobj)
		return -errno;
	dma_fence_syncobj_put(syncobj);
	return 0;
}

static int export_one(void)
{
	int handle = dma_fence_syncobj_export(here);

	if (handle < 0)
		return handle;
	close(handle);
	return 0;
}

static int handle_to_import;

static int import_one(void)
{
	struct dma_fence_syncobj *syncobj = dma_fence_syncobj_import_dup_fd(handle_to_import);

	if (!syncobj)
		return -errno;
	dma_fence_syncobj_put(syncobj);
	return 0;
}

static int find_one(void)
{
	struct dma_fence *found = dma_fence_syncobj_find_fence(there, 1);

	if (!found)
		return -errno;
	dma_fence_put(found);
	return 0;
}

static int wait_for_several(void)
{
	const struct dma_fence_syncobj_point points[] = { { there, 1 }, { there, 2 } };
	int64_t ret = dma_fence_syncobj_wait(points, 2, FOR_SUBMIT, false, MS, NULL);

	return (int)ret;
}

/* That works with no more fds and no more memory than there are. */
static int wait_for_one(void)
{
	const struct dma_fence_syncobj_point points[] = { { there, 1 }, { there, 9 } };

	assert_int_equal(dma_fence_syncobj_wait(&points[0], 1, 0, false, MS, NULL), 0);
	return (int)dma_fence_syncobj_wait(&points[1], 1, FOR_SUBMIT, false, MS, NULL);
}

static int eventfd_one(void)
{
	int fd = eventfd(0, EFD_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = dma_fence_syncobj_eventfd_dup_fd(there, 2, fd, 0);
	close(fd);
	return ret;
}

static int add_one(void)
{
	static uint64_t point = 1000000;
	struct dma_fence *stub = dma_fence_get_stub();
	int ret = dma_fence_syncobj_add_point(here, ++point, stub);

	dma_fence_put(stub);
	return ret;
}

struct operation {
	int (*func)(void);
	bool needs_fds;
	bool needs_memory;
};

static const struct operation operations[] = {
	{ create_one, true, true },  { export_one, true, false },
	{ import_one, true, true },  { wait_for_one, false, false },
	{ find_one, true, true },    { wait_for_several, true, true },
	{ eventfd_one, true, true },
};

/*
 * Tries with one more each time, until there are enough. Each time with an object of which nothing
 * has been found yet; and nothing is left of that. Returns how many have failed.
 */
static int try_with_more(int (*func)(void), bool of_fds)
{
	int threads = count_threads(), fds, more, ret;

	for (more = 0, ret = -1; ret; more++) {
		dma_fence_syncobj_put(there);
		there = NULL;
		await_threads(threads);
		fds = count_fds();
		there = dma_fence_syncobj_import_dup_fd(handle_to_import);
		if (of_fds)
			limit_fds(next_fd() + more);
		else
			failing_malloc_in = more + 1;
		ret = func();
		failing_malloc_in = -1;
		limit_fds(1000);
		assert_true(!ret || ret == (of_fds ? -EMFILE : -ENOMEM));
		dma_fence_syncobj_put(there);
		there = NULL;
		await_threads(threads);
		assert_int_equal(count_fds(), fds);
		there = dma_fence_syncobj_import_dup_fd(handle_to_import);
	}
	return more - 1;
}

static void no_fds_left(void **state)
{
	struct dma_fence *fence = add(here, 1);
	size_t i;

	(void)state;
	handle_to_import = dma_fence_syncobj_export(here);
	for (i = 0; i < ARRAY_SIZE(operations); i++)
		assert_int_equal(try_with_more(operations[i].func, true) > 0,
				 operations[i].needs_fds);
	close(handle_to_import);
	signal_and_put(fence);
}

static void no_memory_left(void **state)
{
	struct dma_fence *fence = add(here, 1);
	size_t i;

	(void)state;
	handle_to_import = dma_fence_syncobj_export(here);
	for (i = 0; i < ARRAY_SIZE(operations); i++)
		assert_int_equal(try_with_more(operations[i].func, false) > 0,
				 operations[i].needs_memory);
	failing_malloc_in = 1;
	assert_int_equal(add_one(), -ENOMEM);
	assert_int_equal(add_one(), 0);
	failing_malloc_in = -1;
	close(handle_to_import);
	signal_and_put(fence);
}

/* Flaws */

/* What a peer could do to all. */
static void break_memory(void)
{
	struct shared_timeline *timeline;
	int handle = dma_fence_syncobj_export(here);

	assert_int_equal(dma_fence_shared_timeline_import(handle, &timeline), 0);
	close(handle);
	atomic_store_relaxed(&timeline->memory->tail, UINT64_MAX);
	dma_fence_shared_timeline_put(timeline);
}

static void *wait_until_broken(void *arg)
{
	const struct dma_fence_syncobj_point points[] = { { there, 1 }, { there, 2 } };
	int64_t way = (intptr_t)arg;

	if (way == 0)
		assert_int_equal(
			dma_fence_syncobj_wait(points, 1, FOR_SUBMIT, false, FOREVER, NULL),
			-EPROTO);
	else
		assert_int_equal(dma_fence_syncobj_wait(points, 2,
							FOR_SUBMIT | (way == 1 ? ALL : 0), false,
							FOREVER, NULL),
				 -EPROTO);
	return NULL;
}

static void broken_is_an_error(void **state)
{
	struct dma_fence *stub = dma_fence_get_stub();
	struct dma_fence_syncobj_point point;
	pthread_t threads[3];
	uint64_t at;
	intptr_t i;
	int fd = eventfd(0, EFD_CLOEXEC);

	(void)state;
	point = (struct dma_fence_syncobj_point){ here, 1 };
	for (i = 0; i < 3; i++)
		threads[i] = start(wait_until_broken, (void *)i);
	let_it_sleep();
	break_memory();
	for (i = 0; i < 3; i++)
		join(threads[i]);
	assert_int_equal(dma_fence_syncobj_add_point(here, 1, stub), -EPROTO);
	assert_int_equal(dma_fence_syncobj_signal_point(here, 1), -EPROTO);
	assert_int_equal(dma_fence_syncobj_replace_fence(here, stub), -EPROTO);
	assert_int_equal(dma_fence_syncobj_signal(here), -EPROTO);
	assert_int_equal(dma_fence_syncobj_reset(here), -EPROTO);
	assert_int_equal(dma_fence_syncobj_query(here, 0, &at), -EPROTO);
	assert_int_equal(dma_fence_syncobj_status(here, 1), -EPROTO);
	assert_int_equal(dma_fence_syncobj_export(here), -EPROTO);
	assert_int_equal(dma_fence_syncobj_export_sync_file(here, 1), -EPROTO);
	assert_int_equal(dma_fence_syncobj_wait(&point, 1, 0, false, FOREVER, NULL), -EPROTO);
	assert_int_equal(dma_fence_syncobj_eventfd_dup_fd(here, 1, fd, 0), -EPROTO);
	errno = 0;
	assert_null(dma_fence_syncobj_promise(here, 1));
	assert_int_equal(errno, EPROTO);
	errno = 0;
	assert_null(dma_fence_syncobj_find_fence(here, 1));
	assert_int_equal(errno, EPROTO);
	dma_fence_put(stub);
	close(fd);
}

static void what_was_found_breaks(void **state)
{
	struct dma_fence *fence = add(here, 1), *found[2];
	struct counter counter = { 0 };

	(void)state;
	found[0] = dma_fence_syncobj_find_fence(there, 1);
	found[1] = dma_fence_syncobj_find_fence(there, 1);
	assert_int_equal(dma_fence_add_callback(found[0], &counter.cb, count_call), 0);
	break_memory();
	assert_int_equal(dma_fence_wait(found[0], false), 0);
	assert_int_equal(dma_fence_get_status(found[0]), -EPROTO);
	assert_int_equal(calls(&counter), 1);
	assert_int_equal(dma_fence_get_status(found[1]), -EPROTO);
	dma_fence_put(found[0]);
	dma_fence_put(found[1]);
	signal_and_put(fence);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
		shared_test(handles),
		shared_test(made_again_and_again),
		shared_test(what_is_found_outlives_the_object),
		shared_test(names_and_times),
		shared_test(many_wait),
		shared_test(told_at_once),
		shared_test(program_watches),
		shared_test(thread_goes),
		shared_test(so_many_can_be_pending),
		shared_test(no_fds_left),
		shared_test(no_memory_left),
		shared_test(broken_is_an_error),
		shared_test(what_was_found_breaks),
	};

	return RUN(tests);
}
