/* SPDX-License-Identifier: MIT */
/*
 * Who watches imported fences: a thread that comes with the first that is waited for and goes with
 * the last, or the program's own loop.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/epoll.h>

#include "fds.h"
#include "peer.h"

/* How soon the thread is gone, and everybody knows. */
#define AT_ONCE (PATIENCE * SECOND)

static int usual_threads;

static int setup(void **state)
{
	fd_setup(state);
	usual_threads = count_threads();
	return 0;
}

#define watcher_test(func) cmocka_unit_test_setup_teardown(func, setup, fd_teardown)

static bool threads_become(int count)
{
	int64_t end = clock_now() + AT_ONCE;

	while (count_threads() != count && clock_now() < end)
		sleep_ns(MS / 10);
	return count_threads() == count;
}

static struct dma_fence *import_from(struct process *peer, int place)
{
	struct dma_fence *fence = dma_fence_sync_file_import_take_fd(peer_exports(peer, place));

	assert_non_null(fence);
	return fence;
}

/* A callback that says on which thread. */
struct witness {
	struct dma_fence_cb cb;
	pthread_t thread;
	int ran, result;
};

static void note_thread(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct witness *witness = container_of(cb, struct witness, cb);

	(void)fence;
	witness->thread = pthread_self();
	set_flag(&witness->ran);
}

/* The library's thread */

static void comes_and_goes(void **state)
{
	struct dma_fence *first, *second;
	struct process peer;
	int round;

	(void)state;
	process_start(&peer, &peer_role);
	for (round = 0; round < 20; round++) {
		struct witness witness = { 0 };

		/* Nobody waits. */
		first = import_from(&peer, 0);
		second = import_from(&peer, 1);
		assert_int_equal(dma_fence_get_status(first), 0);
		assert_int_equal(count_threads(), usual_threads);

		assert_int_equal(dma_fence_add_callback(first, &witness.cb, note_thread), 0);
		assert_int_equal(count_threads(), usual_threads + 1);
		assert_int_equal(dma_fence_wait_timeout(second, false, MS), 0);
		assert_int_equal(count_threads(), usual_threads + 1);
		peer_signals(&peer, 0, 0, -1);
		/* Who waits looks for himself first, and would run the callback. */
		assert_true(flag_within(&witness.ran, AT_ONCE));
		assert_false(pthread_equal(witness.thread, pthread_self()));
		dma_fence_put(first);
		if (round % 2)
			peer_signals(&peer, 1, 0, -1);
		dma_fence_put(second);
		assert_true(threads_become(usual_threads));
		if (round % 2 == 0)
			peer_signals(&peer, 1, 0, -1);
		process_do(&peer, "put", 0);
		process_do(&peer, "put", 1);
	}
	process_end(&peer);
}

/* How many threads block all signals that can be blocked. */
static int threads_that_block(void)
{
	static const int never[] = { SIGKILL, SIGSTOP, 32, 33 }; /* and two of the C library's */
	DIR *folder = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		char path[300], line[200];
		uint64_t mask = 0;
		FILE *status;
		size_t i;

		snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
		status = fopen(path, "re");
		if (!status)
			continue;
		while (fgets(line, sizeof(line), status))
			if (!strncmp(line, "SigBlk:", 7))
				mask = strtoull(line + 7, NULL, 16);
		fclose(status);
		for (i = 0; i < ARRAY_SIZE(never); i++)
			mask |= UINT64_C(1) << (never[i] - 1);
		count += mask == UINT64_MAX;
	}
	closedir(folder);
	return count;
}

/* It takes nothing that is sent to the program. */
static void thread_blocks_signals(void **state)
{
	int before = threads_that_block();
	struct dma_fence *fence;
	struct process peer;

	(void)state;
	process_start(&peer, &peer_role);
	fence = import_from(&peer, 0);
	dma_fence_enable_signaling(fence);
	assert_int_equal(count_threads(), usual_threads + 1);
	assert_int_equal(threads_that_block(), before + 1);
	peer_signals(&peer, 0, 0, -1);
	assert_int_equal(dma_fence_wait(fence, false), 0);
	dma_fence_put(fence);
	process_end(&peer);
}

enum { WAITERS = 8, FENCES = 40 };

struct waiter {
	pthread_t thread;
	struct dma_fence **fences;
	int count;
};

static void *wait_for_all(void *arg)
{
	struct waiter *waiter = arg;
	int i;

	for (i = 0; i < waiter->count; i++) {
		assert_true(dma_fence_wait_timeout(waiter->fences[i], false,
						   20 * PATIENCE * SECOND) > 0);
		assert_int_equal(dma_fence_get_status(waiter->fences[i]), 1);
	}
	return NULL;
}

static void wait_by_many(struct process *peer, struct dma_fence **fences, int count)
{
	struct message signal_all = { "signal-many", { 0, count, 5 }, 0, { 0 } };
	struct waiter waiters[WAITERS];
	int i;

	for (i = 0; i < WAITERS; i++) {
		waiters[i].fences = fences;
		waiters[i].count = count;
		waiters[i].thread = start(wait_for_all, &waiters[i]);
	}
	let_it_sleep();
	process_send(peer, &signal_all);
	process_answer(peer);
	for (i = 0; i < WAITERS; i++)
		join(waiters[i].thread);
}

static void import_many(struct process *peer, struct dma_fence **fences, int count)
{
	struct message create = { "export-many", { 0, 0 }, 0, { 0 } };
	int i, k;

	for (i = 0; i < count; i += k) {
		const struct message *answer;

		create.values[0] = i;
		create.values[1] = count - i < MESSAGE_FDS ? count - i : MESSAGE_FDS;
		process_send(peer, &create);
		answer = process_answer(peer);
		assert_int_equal(answer->num_fds, create.values[1]);
		for (k = 0; k < answer->num_fds; k++) {
			fences[i + k] = dma_fence_sync_file_import_take_fd(answer->fds[k]);
			assert_non_null(fences[i + k]);
		}
	}
}

static void put_many(struct dma_fence **fences, int count)
{
	while (count--)
		dma_fence_put(fences[count]);
}

static void many_threads_wait_for_one(void **state)
{
	struct dma_fence *fences[FENCES];
	struct process peer;

	(void)state;
	process_start(&peer, &peer_role);
	import_many(&peer, fences, 1);
	wait_by_many(&peer, fences, 1);
	put_many(fences, 1);
	process_end(&peer);
}

static void many_threads_wait_for_many(void **state)
{
	struct dma_fence *fences[FENCES];
	struct process peer;

	(void)state;
	process_start(&peer, &peer_role);
	import_many(&peer, fences, FENCES);
	wait_by_many(&peer, fences, FENCES);
	put_many(fences, FENCES);
	process_end(&peer);
}

/*
 * A thread that has nothing to watch any more does not stay for a while, as it might: not at all.
 */

static int impatient;

int __real_epoll_wait(int epoll, struct epoll_event *events, int room, int timeout);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int room, int timeout);

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int room, int timeout)
{
	if (atomic_load_relaxed(&impatient) && timeout > 0)
		timeout = 0;
	return __real_epoll_wait(epoll, events, room, timeout);
}

/*
 * Four threads, each with a peer of its own, wait and drop, so that the watcher's thread has to go
 * and to come again all the time: it is never missing when it is needed.
 */

enum { RACERS = 4 };

struct racer {
	pthread_t thread;
	struct process peer;
	int rounds;
};

static void *race(void *arg)
{
	struct racer *racer = arg;
	int i;

	for (i = 0; i < racer->rounds; i++) {
		struct dma_fence *fence = import_from(&racer->peer, 0);
		struct counter counter = { 0 };

		switch (i % 4) {
		case 0: /* wait and be woken */
			assert_int_equal(dma_fence_add_callback(fence, &counter.cb, count_call), 0);
			process_tell(&racer->peer, "signal", 0);
			assert_true(dma_fence_wait_timeout(fence, false, 10 * PATIENCE * SECOND) >
				    0);
			assert_int_equal(calls(&counter), 1);
			break;
		case 1: /* do not wait long enough */
			assert_int_equal(dma_fence_wait_timeout(fence, false, 1000), 0);
			break;
		case 2: /* change one's mind */
			assert_int_equal(dma_fence_add_callback(fence, &counter.cb, count_call), 0);
			if (!dma_fence_remove_callback(fence, &counter.cb))
				assert_true(dma_fence_is_signaled(fence));
			break;
		case 3: /* drop it at the very time it signals */
			dma_fence_enable_signaling(fence);
			process_tell(&racer->peer, "signal", 0);
			break;
		}
		dma_fence_put(fence);
		if (i % 4 == 0 || i % 4 == 3)
			process_answer(&racer->peer);
		else
			peer_signals(&racer->peer, 0, 0, -1);
		process_do(&racer->peer, "put", 0);
	}
	return NULL;
}

static void start_and_stop(void **state)
{
	struct racer racers[RACERS];
	int i;

	(void)state;
	atomic_store_relaxed(&impatient, 1);
	for (i = 0; i < RACERS; i++) {
		process_start(&racers[i].peer, &peer_role);
		racers[i].rounds = UNDER_SANITIZER ? 400 : 2000;
	}
	for (i = 0; i < RACERS; i++)
		racers[i].thread = start(race, &racers[i]);
	for (i = 0; i < RACERS; i++) {
		join(racers[i].thread);
		process_end(&racers[i].peer);
	}
	assert_true(threads_become(usual_threads));
	atomic_store_relaxed(&impatient, 0);
}

/*
 * One thread alone, whom nobody helps: what it watches is seen, also if it begins at the very time
 * at which the watcher's thread decides to end.
 */
static void start_as_it_stops(void **state)
{
	int rounds = UNDER_SANITIZER ? 300 : 1500, i, k;
	struct process peer;
	int pending;

	(void)state;
	atomic_store_relaxed(&impatient, 1);
	process_start(&peer, &peer_role);
	pending = peer_exports(&peer, 1);
	for (i = 0; i < rounds; i++) {
		struct dma_fence *fence = import_from(&peer, 0);
		struct witness witness = { 0 };

		for (k = 0; k < i % 8; k++) {
			struct dma_fence *other = dma_fence_sync_file_import_dup_fd(pending);

			assert_non_null(other);
			dma_fence_enable_signaling(other);
			dma_fence_put(other);
			if (k % 2)
				sched_yield();
		}
		assert_int_equal(dma_fence_add_callback(fence, &witness.cb, note_thread), 0);
		process_tell(&peer, "signal", 0);
		assert_true(flag_within(&witness.ran, 2 * AT_ONCE));
		process_answer(&peer);
		dma_fence_put(fence);
		process_do(&peer, "put", 0);
	}
	peer_signals(&peer, 1, 0, -1);
	close(pending);
	process_end(&peer);
	assert_true(threads_become(usual_threads));
	atomic_store_relaxed(&impatient, 0);
}

/* Callbacks may call all that does not wait. */

struct busy {
	struct dma_fence_cb cb;
	struct dma_fence *mine;
	int foreign_fd, done;
};

static void do_everything(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct busy *busy = container_of(cb, struct busy, cb);
	struct dma_fence *imported = dma_fence_sync_file_import_dup_fd(busy->foreign_fd);
	struct counter counter;
	int fd, both;

	in_thread(imported);
	in_thread(!dma_fence_add_callback(imported, &counter.cb, count_call));
	in_thread(dma_fence_remove_callback(imported, &counter.cb));
	fd = dma_fence_sync_file_export(busy->mine);
	in_thread(fd >= 0);
	both = dma_fence_sync_file_merge(fd, busy->foreign_fd);
	in_thread(both >= 0);
	in_thread(dma_fence_wait_timeout(fence, false, SECOND) == -EDEADLK);
	in_thread(dma_fence_watcher_get_fd() == -EDEADLK);
	dma_fence_watcher_dispatch();
	dma_fence_put(imported);
	dma_fence_signal(busy->mine);
	close(fd);
	close(both);
	dma_fence_put(fence); /* the test's, and the last but the library's own */
	set_flag(&busy->done);
}

static void callbacks_use_the_library(void **state)
{
	struct process peer;
	int by_program;

	(void)state;
	process_start(&peer, &peer_role);
	for (by_program = 0; by_program < 2; by_program++) {
		struct busy busy = { .mine = create_fence() };
		struct dma_fence *fence = import_from(&peer, 0);
		int fd = -1;

		busy.foreign_fd = peer_exports(&peer, 1);
		if (by_program) {
			fd = dma_fence_watcher_get_fd();
			assert_true(fd >= 0);
		}
		assert_int_equal(dma_fence_add_callback(fence, &busy.cb, do_everything), 0);
		peer_signals(&peer, 0, 0, -1);
		if (by_program) {
			assert_int_equal(events_within(fd, AT_ONCE), POLLIN);
			assert_true(dma_fence_watcher_dispatch() >= 1);
		}
		assert_true(flag_within(&busy.done, 5 * PATIENCE * SECOND));
		if (by_program)
			dma_fence_watcher_put_fd();
		peer_signals(&peer, 1, 0, -1);
		close(busy.foreign_fd);
		dma_fence_put(busy.mine);
		export_another();
		process_do(&peer, "put", 0);
		process_do(&peer, "put", 1);
	}
	process_end(&peer);
}

/* The program's loop */

static void program_watches(void **state)
{
	struct witness witness = { 0 };
	struct dma_fence *fence;
	struct process peer;
	int fd, again;

	(void)state;
	assert_int_equal(dma_fence_watcher_dispatch(), -EINVAL);
	process_start(&peer, &peer_role);
	fd = dma_fence_watcher_get_fd();
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(events_of(fd), 0);
	assert_int_equal(dma_fence_watcher_dispatch(), 0);
	fence = import_from(&peer, 0);
	assert_int_equal(dma_fence_add_callback(fence, &witness.cb, note_thread), 0);
	assert_int_equal(events_within(fd, 10 * MS), 0);
	assert_int_equal(count_threads(), usual_threads);

	peer_signals(&peer, 0, -EIO, 20);
	assert_int_equal(events_within(fd, AT_ONCE), POLLIN);
	/* It is for the program to do. */
	sleep_ns(10 * MS);
	assert_false(atomic_load_acquire(&witness.ran));
	assert_false(dma_fence_test_signaled_flag(fence));
	assert_int_equal(count_threads(), usual_threads);
	assert_int_equal(dma_fence_watcher_dispatch(), 1);
	assert_true(witness.ran);
	assert_true(pthread_equal(witness.thread, pthread_self()));
	assert_int_equal(dma_fence_get_status(fence), -EIO);
	assert_int_equal(dma_fence_timestamp(fence), 20);
	assert_int_equal(events_of(fd), 0);
	assert_int_equal(dma_fence_watcher_dispatch(), 0);
	dma_fence_put(fence);

	/* Once more, and the first of two puts does not count. */
	again = dma_fence_watcher_get_fd();
	assert_true(again >= 0);
	dma_fence_watcher_put_fd();
	assert_int_equal(dma_fence_watcher_dispatch(), 0);
	assert_true(is_open(fd));
	dma_fence_watcher_put_fd();
	assert_int_equal(dma_fence_watcher_dispatch(), -EINVAL);
	process_end(&peer);
}

/* From the library to the program and back, with fences that are watched. */
static void takes_over(void **state)
{
	struct witness witnesses[4] = { 0 };
	struct dma_fence *fences[4];
	struct process peer;
	int fd, i;

	(void)state;
	process_start(&peer, &peer_role);
	for (i = 0; i < 4; i++) {
		fences[i] = import_from(&peer, i);
		if (i == 3) /* from the program's time on */
			break;
		assert_int_equal(dma_fence_add_callback(fences[i], &witnesses[i].cb, note_thread),
				 0);
	}
	assert_int_equal(count_threads(), usual_threads + 1);
	fd = dma_fence_watcher_get_fd();
	assert_true(fd >= 0);
	assert_true(threads_become(usual_threads));
	assert_int_equal(dma_fence_add_callback(fences[3], &witnesses[3].cb, note_thread), 0);

	peer_signals(&peer, 0, 0, -1);
	assert_int_equal(events_within(fd, AT_ONCE), POLLIN);
	assert_int_equal(dma_fence_watcher_dispatch(), 1);
	assert_true(witnesses[0].ran && pthread_equal(witnesses[0].thread, pthread_self()));

	/* Ready, and not yet seen to, when the library takes over again. */
	peer_signals(&peer, 1, 0, -1);
	assert_int_equal(events_within(fd, AT_ONCE), POLLIN);
	dma_fence_watcher_put_fd();
	assert_true(flag_within(&witnesses[1].ran, AT_ONCE));
	assert_false(pthread_equal(witnesses[1].thread, pthread_self()));
	assert_int_equal(count_threads(), usual_threads + 1);
	for (i = 2; i < 4; i++) {
		peer_signals(&peer, i, 0, -1);
		assert_true(flag_within(&witnesses[i].ran, AT_ONCE));
		assert_false(pthread_equal(witnesses[i].thread, pthread_self()));
	}
	put_many(fences, 4);
	assert_true(threads_become(usual_threads));
	process_end(&peer);
}

/* In the program's epoll, beside its own fds, level or edge. */
static void in_an_epoll(void **state)
{
	static const uint32_t kinds[] = { EPOLLIN, EPOLLIN | EPOLLET };
	struct process peer;
	size_t k;

	(void)state;
	process_start(&peer, &peer_role);
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct epoll_event event = { .events = kinds[k] };
		int epoll = epoll_create1(EPOLL_CLOEXEC), fd = dma_fence_watcher_get_fd(), i;

		assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
		for (i = 0; i < 10; i++) {
			struct dma_fence *fence = import_from(&peer, 0);

			dma_fence_enable_signaling(fence);
			peer_signals(&peer, 0, 0, -1);
			assert_int_equal(epoll_wait(epoll, &event, 1, (int)(AT_ONCE / MS)), 1);
			while (dma_fence_watcher_dispatch())
				;
			assert_true(dma_fence_test_signaled_flag(fence));
			dma_fence_put(fence);
			process_do(&peer, "put", 0);
		}
		dma_fence_watcher_put_fd();
		close(epoll);
	}
	process_end(&peer);
}

struct loop {
	int over, dispatched;
};

static void *dispatch_until_over(void *arg)
{
	struct loop *loop = arg;
	int fd = dma_fence_watcher_get_fd();

	assert_true(fd >= 0);
	while (!atomic_load_acquire(&loop->over)) {
		if (events_within(fd, MS) & POLLIN)
			__atomic_fetch_add(&loop->dispatched, dma_fence_watcher_dispatch(),
					   __ATOMIC_SEQ_CST);
	}
	dma_fence_watcher_put_fd();
	return NULL;
}

/* One thread of the program dispatches, or three, and many wait. */
static void waits_while_the_program_dispatches(void **state)
{
	struct dma_fence *fences[FENCES];
	struct process peer;
	int loops, i;

	(void)state;
	process_start(&peer, &peer_role);
	for (loops = 1; loops <= 3; loops += 2) {
		struct loop loop = { 0 };
		pthread_t threads[3];
		int fd = dma_fence_watcher_get_fd();

		assert_true(fd >= 0);
		for (i = 0; i < loops; i++)
			threads[i] = start(dispatch_until_over, &loop);
		import_many(&peer, fences, FENCES);
		for (i = 0; i < FENCES; i++)
			dma_fence_enable_signaling(fences[i]);
		wait_by_many(&peer, fences, FENCES);
		set_flag(&loop.over);
		for (i = 0; i < loops; i++)
			join(threads[i]);
		/* None twice. What was polled first by who waited need not be among them. */
		assert_in_range(loop.dispatched, 0, FENCES);
		dma_fence_watcher_put_fd();
		put_many(fences, FENCES);
		for (i = 0; i < FENCES; i++)
			process_do(&peer, "put", i);
	}
	process_end(&peer);
}

/* The program takes over and gives back all the time, and who waits does not notice. */
static void *take_and_give_back(void *arg)
{
	struct loop *loop = arg;
	int i;

	while (!atomic_load_acquire(&loop->over)) {
		int fd = dma_fence_watcher_get_fd();

		assert_true(fd >= 0);
		for (i = 0; i < 3; i++)
			assert_true(dma_fence_watcher_dispatch() >= 0);
		dma_fence_watcher_put_fd();
		sched_yield();
	}
	return NULL;
}

static void back_and_forth(void **state)
{
	struct racer racers[2];
	struct loop loop = { 0 };
	pthread_t thread;
	int i;

	(void)state;
	atomic_store_relaxed(&impatient, 1);
	for (i = 0; i < 2; i++) {
		process_start(&racers[i].peer, &peer_role);
		racers[i].rounds = UNDER_SANITIZER ? 200 : 1000;
	}
	thread = start(take_and_give_back, &loop);
	for (i = 0; i < 2; i++)
		racers[i].thread = start(race, &racers[i]);
	for (i = 0; i < 2; i++)
		join(racers[i].thread);
	set_flag(&loop.over);
	join(thread);
	for (i = 0; i < 2; i++)
		process_end(&racers[i].peer);
	assert_true(threads_become(usual_threads));
	atomic_store_relaxed(&impatient, 0);
}

/*
 * A loop of the program that goes on dispatching does not take from the thread what tells it to end
 * for another who takes over.
 */
static void *dispatch_all_the_time(void *arg)
{
	struct loop *loop = arg;

	while (!atomic_load_acquire(&loop->over))
		dma_fence_watcher_dispatch();
	return NULL;
}

static void taken_over_while_others_dispatch(void **state)
{
	struct loop loop = { 0 };
	struct dma_fence *fence;
	struct process peer;
	pthread_t threads[2];
	int i;

	(void)state;
	process_start(&peer, &peer_role);
	fence = import_from(&peer, 0);
	dma_fence_enable_signaling(fence);
	for (i = 0; i < 2; i++)
		threads[i] = start(dispatch_all_the_time, &loop);
	for (i = 0; i < 5000; i++) {
		assert_true(dma_fence_watcher_get_fd() >= 0);
		dma_fence_watcher_put_fd();
	}
	set_flag(&loop.over);
	for (i = 0; i < 2; i++)
		join(threads[i]);
	dma_fence_put(fence);
	peer_signals(&peer, 0, 0, -1);
	process_end(&peer);
	assert_true(threads_become(usual_threads));
}

/* A flood of ready fds: a loop that dispatches gets back to its other fds, and all are seen. */

enum { FLOOD = 1200, AT_A_TIME = 100 };

static void dispatch_takes_some_at_a_time(void **state)
{
	static struct dma_fence *fences[FLOOD];
	struct message signal_all = { "signal-many", { 0, FLOOD, 11 }, 0, { 0 } };
	struct process peer;
	int fd, i, total, took;

	(void)state;
	process_start(&peer, &peer_role);
	fd = dma_fence_watcher_get_fd();
	import_many(&peer, fences, FLOOD);
	for (i = 0; i < FLOOD; i++)
		dma_fence_enable_signaling(fences[i]);
	process_send(&peer, &signal_all);
	process_answer(&peer);
	for (total = 0; total < FLOOD; total += took) {
		assert_int_equal(events_within(fd, AT_ONCE), POLLIN);
		took = dma_fence_watcher_dispatch();
		assert_in_range(took, 1, AT_A_TIME);
	}
	assert_int_equal(events_of(fd), 0);
	for (i = 0; i < FLOOD; i++)
		assert_true(dma_fence_test_signaled_flag(fences[i]));
	put_many(fences, FLOOD);
	dma_fence_watcher_put_fd();
	process_end(&peer);
}

/* Behind a flood that never ends one is seen after those that were ready before it. */
static void flood_starves_nobody(void **state)
{
	static struct dma_fence *fences[FLOOD];
	struct message signal_some = { "signal-many", { 0, FLOOD / 2, 11 }, 0, { 0 } };
	struct dma_fence *late;
	struct process peer;
	int i, total = 0, flood = FLOOD / 2;

	(void)state;
	process_start(&peer, &peer_role);
	assert_true(dma_fence_watcher_get_fd() >= 0);
	import_many(&peer, fences, FLOOD);
	late = import_from(&peer, FLOOD);
	for (i = 0; i < FLOOD; i++)
		dma_fence_enable_signaling(fences[i]);
	dma_fence_enable_signaling(late);
	process_send(&peer, &signal_some);
	process_answer(&peer);
	peer_signals(&peer, FLOOD, 0, -1);
	while (!dma_fence_test_signaled_flag(late)) {
		int took = dma_fence_watcher_dispatch();

		assert_in_range(took, 1, AT_A_TIME);
		total += took;
		/* As many again are ready. */
		if (flood + took > FLOOD)
			break;
		signal_some.values[0] = flood;
		signal_some.values[1] = took;
		process_send(&peer, &signal_some);
		process_answer(&peer);
		flood += took;
	}
	assert_true(dma_fence_test_signaled_flag(late));
	assert_true(total <= FLOOD / 2 + AT_A_TIME);
	while (dma_fence_watcher_dispatch())
		;
	dma_fence_watcher_put_fd();
	put_many(fences, FLOOD);
	dma_fence_put(late);
	/* The rest is for the peer to signal, that it can end. */
	for (; flood < FLOOD; flood++)
		peer_signals(&peer, flood, 0, -1);
	process_end(&peer);
}

/* Where the kernel has no room for another fd, or thread: it is not forgotten. */

static int refusals;

int __real_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*func)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*func)(void *), void *arg);

static int thread_refusals;

int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	if (what == EPOLL_CTL_ADD && __atomic_load_n(&refusals, __ATOMIC_SEQ_CST) > 0) {
		__atomic_fetch_sub(&refusals, 1, __ATOMIC_SEQ_CST);
		errno = ENOSPC;
		return -1;
	}
	return __real_epoll_ctl(epoll, what, fd, event);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*func)(void *), void *arg)
{
	/* Those of the test are started before. */
	if (atomic_load_relaxed(&thread_refusals) > 0) {
		__atomic_fetch_sub(&thread_refusals, 1, __ATOMIC_SEQ_CST);
		return EAGAIN;
	}
	return __real_pthread_create(thread, attributes, func, arg);
}

static void no_room_to_watch(void **state)
{
	struct process peer;
	int count;

	(void)state;
	process_start(&peer, &peer_role);
	for (count = 1; count < 8; count++) {
		struct dma_fence *fence = import_from(&peer, 0), *other = import_from(&peer, 1);
		struct witness witness = { 0 };

		/* With another that is being watched already, or without. */
		if (count % 2)
			dma_fence_enable_signaling(other);
		__atomic_store_n(&refusals, count, __ATOMIC_SEQ_CST);
		assert_int_equal(dma_fence_add_callback(fence, &witness.cb, note_thread), 0);
		peer_signals(&peer, 0, -EIO, 30);
		/* Who waits would look for himself. */
		assert_true(flag_within(&witness.ran, AT_ONCE));
		assert_int_equal(dma_fence_get_status(fence), -EIO);
		__atomic_store_n(&refusals, 0, __ATOMIC_SEQ_CST);
		dma_fence_put(fence);
		dma_fence_put(other);
		peer_signals(&peer, 1, 0, -1);
		process_do(&peer, "put", 0);
		process_do(&peer, "put", 1);
	}
	process_end(&peer);
}

/*
 * Likewise, with more than are taken at once that are ready again and again: doorbells that rang.
 */
static void no_room_for_many(void **state)
{
	enum { OBJECTS = 80 };
	struct dma_fence_syncobj *objects[OBJECTS];
	struct dma_fence *works[OBJECTS], *points[OBJECTS], *fence;
	struct witness witness = { 0 };
	struct process peer;
	int i;

	(void)state;
	process_start(&peer, &peer_role);
	__atomic_store_n(&refusals, INT32_MAX, __ATOMIC_SEQ_CST);
	for (i = 0; i < OBJECTS; i++) {
		objects[i] = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
		works[i] = malloc(sizeof(*works[i]));
		assert_non_null(objects[i]);
		assert_non_null(works[i]);
		dma_fence_init(works[i], NULL, 1, 1);
		assert_int_equal(dma_fence_syncobj_add_point(objects[i], 1, works[i]), 0);
		points[i] = dma_fence_syncobj_find_fence(objects[i], 1);
		assert_non_null(points[i]);
		dma_fence_enable_signaling(points[i]);
		assert_int_equal(dma_fence_syncobj_signal_point(objects[i], 2), 0);
	}
	fence = import_from(&peer, 0);
	assert_int_equal(dma_fence_add_callback(fence, &witness.cb, note_thread), 0);
	peer_signals(&peer, 0, -EIO, 31);
	assert_true(flag_within(&witness.ran, 5 * AT_ONCE));
	assert_int_equal(dma_fence_get_status(fence), -EIO);
	__atomic_store_n(&refusals, 0, __ATOMIC_SEQ_CST);
	dma_fence_put(fence);
	for (i = 0; i < OBJECTS; i++) {
		dma_fence_signal(works[i]);
		dma_fence_put(works[i]);
		dma_fence_put(points[i]);
		dma_fence_syncobj_put(objects[i]);
	}
	process_do(&peer, "put", 0);
	process_end(&peer);
	assert_true(threads_become(usual_threads));
}

struct later {
	struct process *peer;
	int place;
};

static void *signal_later(void *arg)
{
	struct later *later = arg;

	sleep_ns(50 * MS);
	peer_signals(later->peer, later->place, -EIO, 40);
	return NULL;
}

/*
 * Once, sometimes, or never. Then who imports is told, or who waits sees to it: nobody waits in
 * vain, whether it signals before the wait or long after.
 */
static void no_thread_to_be_had(void **state)
{
	static const int refused[] = { 1, 2, 3, 5, 1000000 };
	struct process peer;
	size_t i;
	int late;

	(void)state;
	process_start(&peer, &peer_role);
	for (i = 0; i < 2 * ARRAY_SIZE(refused); i++) {
		struct later later = { &peer, 0 };
		struct dma_fence *fences[2] = { import_from(&peer, 0), import_from(&peer, 1) };
		pthread_t thread;

		/* None is there still, from before. */
		assert_true(threads_become(usual_threads));
		late = i % 2;
		if (late)
			thread = start(signal_later, &later);
		atomic_store_relaxed(&thread_refusals, refused[i / 2]);
		dma_fence_enable_signaling(fences[1]);
		dma_fence_enable_signaling(fences[0]);
		if (!late)
			peer_signals(&peer, 0, -EIO, 40);
		assert_true(dma_fence_wait_timeout(fences[0], false, 5 * PATIENCE * SECOND) > 0);
		assert_int_equal(dma_fence_get_status(fences[0]), -EIO);
		assert_int_equal(dma_fence_wait_timeout(fences[1], false, 20 * MS), 0);
		atomic_store_relaxed(&thread_refusals, 0);
		if (late)
			join(thread);
		/* And when there are threads again, all is as usual. */
		peer_signals(&peer, 1, -EIO, 41);
		assert_true(dma_fence_wait_timeout(fences[1], false, 5 * PATIENCE * SECOND) > 0);
		put_many(fences, 2);
		process_do(&peer, "put", 0);
		process_do(&peer, "put", 1);
	}
	process_end(&peer);
}

/* Nothing of what is watched is forgotten where for long nobody but who waits can watch. */
static void who_waits_watches(void **state)
{
	struct dma_fence *first, *second;
	struct counter counter = { 0 };
	struct process peer;
	int round;

	(void)state;
	process_start(&peer, &peer_role);
	first = import_from(&peer, 0);
	second = import_from(&peer, 1);
	thread_refusals = INT32_MAX;
	assert_int_equal(dma_fence_add_callback(first, &counter.cb, count_call), 0);
	assert_int_equal(dma_fence_wait_timeout(second, false, 50 * MS), 0);
	peer_signals(&peer, 0, 0, -1);
	for (round = 0; round < 100 && !calls(&counter); round++)
		assert_int_equal(dma_fence_wait_timeout(second, false, 20 * MS), 0);
	assert_int_equal(calls(&counter), 1);
	thread_refusals = 0;
	dma_fence_put(first);
	dma_fence_put(second);
	peer_signals(&peer, 1, 0, -1);
	process_end(&peer);
}

/* Likewise who waits for a point of a shared object that is an imported fence of this process. */
static void who_waits_for_a_shared_point_watches(void **state)
{
	struct dma_fence_syncobj *syncobj =
		dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
	struct dma_fence_syncobj_point point = { syncobj, 1 };
	struct later later;
	struct process peer;
	struct dma_fence *fence;
	pthread_t thread;

	(void)state;
	assert_non_null(syncobj);
	process_start(&peer, &peer_role);
	fence = import_from(&peer, 0);
	assert_true(threads_become(usual_threads));
	later = (struct later){ &peer, 0 };
	thread = start(signal_later, &later);
	atomic_store_relaxed(&thread_refusals, INT32_MAX);
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, 1, fence), 0);
	assert_true(dma_fence_syncobj_wait(&point, 1, 0, false, 5 * PATIENCE * SECOND, NULL) > 0);
	assert_int_equal(dma_fence_syncobj_status(syncobj, 1), -EIO);
	atomic_store_relaxed(&thread_refusals, 0);
	join(thread);
	dma_fence_put(fence);
	dma_fence_syncobj_put(syncobj);
	process_end(&peer);
}

/* A program that takes over is told what there was no room for before. */
static void takes_over_what_had_no_room(void **state)
{
	struct dma_fence *fences[2];
	struct process peer;
	int fd, i;

	(void)state;
	process_start(&peer, &peer_role);
	for (i = 0; i < 2; i++) {
		fences[i] = import_from(&peer, i);
		/* The first one fits. */
		__atomic_store_n(&refusals, i ? INT32_MAX : 0, __ATOMIC_SEQ_CST);
		dma_fence_enable_signaling(fences[i]);
	}
	fd = dma_fence_watcher_get_fd();
	assert_true(fd >= 0);
	__atomic_store_n(&refusals, 0, __ATOMIC_SEQ_CST);
	peer_signals(&peer, 1, 0, -1);
	while (!dma_fence_test_signaled_flag(fences[1])) {
		assert_int_equal(events_within(fd, AT_ONCE), POLLIN);
		dma_fence_watcher_dispatch();
	}
	assert_int_equal(dma_fence_watcher_dispatch(), 0);
	assert_int_equal(events_of(fd), 0);
	dma_fence_watcher_put_fd();
	put_many(fences, 2);
	peer_signals(&peer, 0, 0, -1);
	process_end(&peer);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		watcher_test(comes_and_goes),
		watcher_test(thread_blocks_signals),
		watcher_test(many_threads_wait_for_one),
		watcher_test(many_threads_wait_for_many),
		watcher_test(start_and_stop),
		watcher_test(start_as_it_stops),
		watcher_test(callbacks_use_the_library),
		watcher_test(program_watches),
		watcher_test(takes_over),
		watcher_test(in_an_epoll),
		watcher_test(waits_while_the_program_dispatches),
		watcher_test(back_and_forth),
		watcher_test(taken_over_while_others_dispatch),
		watcher_test(dispatch_takes_some_at_a_time),
		watcher_test(flood_starves_nobody),
		watcher_test(no_room_to_watch),
		watcher_test(no_room_for_many),
		watcher_test(no_thread_to_be_had),
		watcher_test(who_waits_watches),
		watcher_test(who_waits_for_a_shared_point_watches),
		watcher_test(takes_over_what_had_no_room),
	};

	processes_main(argc, argv, &peer_role);
	return RUN(tests);
}
