/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dmafence/sync-file.h>

#include "embedded-fence.h"
#include "fd-hand-over.h"
#include "harness.h"
#include "processes.h"
#include "sleepers.h"

/* So many fds are open at a time, of each end. */
#define AT_A_TIME 64
#define WATCHED	  1000

/* Fences that are exported. */
static struct aligned_fence fences[AT_A_TIME], watched_fences[WATCHED];

static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		bench_fail("no eventfd: %s", strerror(errno));
	return fd;
}

static int export_new(struct dma_fence *fence, uint64_t seqno)
{
	int fd;

	dma_fence_init(fence, &embedded_ops, 1, seqno);
	fd = dma_fence_sync_file_export(fence);
	if (fd < 0)
		bench_fail("cannot export: %s", strerror(-fd));
	return fd;
}

static void write_one(int eventfd)
{
	if (eventfd_write(eventfd, 1))
		bench_fail("cannot write to an eventfd: %s", strerror(errno));
}

static void read_back(int eventfd)
{
	eventfd_t value;

	if (eventfd_read(eventfd, &value))
		bench_fail("cannot read from an eventfd: %s", strerror(errno));
}

enum way {
	EVENTFD_POLL,
	SYNC_FILE_POLL,
	SYNC_FILE_IMPORTED,
	WAYS,
};

struct sleeper {
	unsigned int ways;
	uint64_t samples;
	int eventfd;
	int fds[AT_A_TIME]; /* sync files, of the fences of the same number */
	int epoll;	    /* -1: it polls the one fd */
	/* Each is the number of the sample, from 1, in which that has been reached. */
	uint64_t told __attribute__((aligned(CACHE_LINE)));
	uint64_t waiting __attribute__((aligned(CACHE_LINE)));
	uint64_t woken;
	int64_t woken_at;
	pid_t process, thread;
};

static enum way way_of(const struct sleeper *sleeper, uint64_t sample)
{
	return (enum way)((sample - 1) % sleeper->ways);
}

static uint64_t round_of(const struct sleeper *sleeper, uint64_t sample)
{
	return (sample - 1) / sleeper->ways;
}

/* Which of the sync files; not for the eventfd. */
static unsigned int number_of(const struct sleeper *sleeper, uint64_t sample)
{
	return (unsigned int)round_of(sleeper, sample) * (sleeper->ways - 1) +
	       way_of(sleeper, sample) - 1;
}

static int fd_of(const struct sleeper *sleeper, uint64_t sample)
{
	return way_of(sleeper, sample) == EVENTFD_POLL ? sleeper->eventfd
						       : sleeper->fds[number_of(sleeper, sample)];
}

static void sleep_in_poll(struct sleeper *sleeper, uint64_t sample)
{
	struct pollfd fd = { .fd = fd_of(sleeper, sample), .events = POLLIN };

	atomic_store_release(&sleeper->waiting, sample);
	if (poll(&fd, 1, -1) != 1)
		bench_fail("poll() has failed");
	sleeper->woken_at = bench_now();
}

static void sleep_in_epoll(struct sleeper *sleeper, uint64_t sample)
{
	const int fd = fd_of(sleeper, sample);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(sleeper->epoll, EPOLL_CTL_ADD, fd, &event))
		bench_fail("cannot watch: %s", strerror(errno));
	atomic_store_release(&sleeper->waiting, sample);
	if (epoll_wait(sleeper->epoll, &event, 1, -1) != 1 || event.data.fd != fd)
		bench_fail("epoll_wait() has failed");
	sleeper->woken_at = bench_now();
	epoll_ctl(sleeper->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void sleep_in_wait(struct sleeper *sleeper, uint64_t sample)
{
	struct dma_fence *fence = dma_fence_sync_file_import_dup_fd(fd_of(sleeper, sample));

	if (!fence)
		bench_fail("cannot import: %s", strerror(errno));
	atomic_store_release(&sleeper->waiting, sample);
	if (dma_fence_wait(fence, false))
		bench_fail("a wait has failed");
	sleeper->woken_at = bench_now();
	dma_fence_put(fence);
}

static void *sleep_in_turns(void *argument)
{
	struct sleeper *sleeper = argument;
	uint64_t sample;

	bench_pin_second();
	sleeper->process = getpid();
	sleeper->thread = (pid_t)syscall(SYS_gettid);
	for (sample = 1; sample <= sleeper->samples; sample++) {
		bench_spin_until(&sleeper->told, sample);
		if (way_of(sleeper, sample) == SYNC_FILE_IMPORTED)
			sleep_in_wait(sleeper, sample);
		else if (sleeper->epoll >= 0)
			sleep_in_epoll(sleeper, sample);
		else
			sleep_in_poll(sleeper, sample);
		if (way_of(sleeper, sample) == EVENTFD_POLL)
			read_back(sleeper->eventfd);
		atomic_store_release(&sleeper->woken, sample);
	}
	return NULL;
}

static double wake(struct sleeper *sleeper, uint64_t sample, int *state)
{
	int64_t begin;

	atomic_store_release(&sleeper->told, sample);
	bench_spin_until(&sleeper->waiting, sample);
	if (*state < 0)
		*state = bench_open_state(sleeper->process, sleeper->thread);
	bench_see_asleep(*state);

	begin = bench_now();
	if (way_of(sleeper, sample) == EVENTFD_POLL)
		write_one(sleeper->eventfd);
	else
		dma_fence_signal(&fences[number_of(sleeper, sample)].fence);
	bench_spin_until(&sleeper->woken, sample);
	return (double)(sleeper->woken_at - begin);
}

/* Some rounds, for which the fds are there before: a process is born with them. */
static void wake_some(struct sleeper *sleeper, bool process, uint64_t rounds, double **samples)
{
	const unsigned int exports = (unsigned int)rounds * (sleeper->ways - 1);
	pthread_t thread = 0;
	pid_t child = 0;
	uint64_t sample;
	unsigned int i;
	int state = -1;

	for (i = 0; i < exports; i++)
		sleeper->fds[i] = export_new(&fences[i].fence, i + 1);
	sleeper->samples = rounds * sleeper->ways;
	sleeper->told = sleeper->waiting = sleeper->woken = 0;
	if (process)
		child = bench_start_process(sleep_in_turns, sleeper);
	else
		thread = bench_start_thread(sleep_in_turns, sleeper);
	for (sample = 1; sample <= sleeper->samples; sample++)
		samples[way_of(sleeper, sample)][round_of(sleeper, sample)] =
			wake(sleeper, sample, &state);
	if (process)
		bench_end_process(child);
	else
		pthread_join(thread, NULL);
	close(state);
	for (i = 0; i < exports; i++) {
		close(sleeper->fds[i]);
		dma_fence_put(&fences[i].fence);
	}
}

static void wake_ways(unsigned int ways, int epoll, bool process, uint64_t ops, double *results)
{
	const uint64_t most = AT_A_TIME / (ways - 1);
	struct sleeper *sleeper = bench_new_shared(sizeof(*sleeper));
	double *samples[WAYS], *at[WAYS];
	uint64_t done, rounds;
	unsigned int i;

	sleeper->ways = ways;
	sleeper->epoll = epoll;
	sleeper->eventfd = new_eventfd();
	for (i = 0; i < ways; i++)
		samples[i] = bench_new_samples(ops);
	for (done = 0; done < ops; done += rounds) {
		rounds = ops - done < most ? ops - done : most;
		for (i = 0; i < ways; i++)
			at[i] = samples[i] + done;
		wake_some(sleeper, process, rounds, at);
	}
	for (i = 0; i < ways; i++) {
		results[i] = bench_median(samples[i], ops);
		free(samples[i]);
	}
	close(sleeper->eventfd);
	munmap(sleeper, sizeof(*sleeper));
}

void bench_wake_thread(uint64_t ops, double *results, const void *parameters)
{
	(void)parameters;
	wake_ways(BENCH_WAKE_THREAD_ROWS, -1, false, ops, results);
}

void bench_wake_process(uint64_t ops, double *results, const void *parameters)
{
	(void)parameters;
	wake_ways(BENCH_WAKE_PROCESS_ROWS, -1, true, ops, results);
}

/* An instance that watches as many fds in vain. */
static int new_epoll(const int *fds)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), i;
	struct epoll_event event = { .events = EPOLLIN };

	for (i = 0; i < WATCHED; i++) {
		event.data.fd = fds[i];
		if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event))
			bench_fail("cannot watch: %s", strerror(errno));
	}
	return epoll;
}

static void export_watched(int *fds)
{
	int i;

	for (i = 0; i < WATCHED; i++)
		fds[i] = export_new(&watched_fences[i].fence, (uint64_t)i + 1);
}

static void signal_watched(void)
{
	int i;

	for (i = 0; i < WATCHED; i++)
		dma_fence_signal(&watched_fences[i].fence);
}

static void close_watched(const int *fds)
{
	int i;

	for (i = 0; i < WATCHED; i++) {
		dma_fence_put(&watched_fences[i].fence);
		close(fds[i]);
	}
}

void bench_wake_epoll(uint64_t ops, double *results, const void *parameters)
{
	int fds[WATCHED], epoll;

	(void)parameters;
	export_watched(fds);
	epoll = new_epoll(fds);
	wake_ways(BENCH_WAKE_EPOLL_ROWS, epoll, false, ops, results);
	close(epoll);
	signal_watched();
	close_watched(fds);
}

/* The watcher of another process. */

enum {
	WATCH_IMPORT,
	WATCH_SIGNAL,
	WATCH_ALL,
	WATCH_ROWS = BENCH_WATCH_ROWS,
};

struct watching {
	int fds[WATCHED];
	int64_t import_ns;
	uint64_t watching;
	uint64_t called;
	int64_t called_at; /* when the last was */
};

/* The child's; its memory goes with it. */
static struct watching *watching;

static void called(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	if (watching->called + 1 == WATCHED)
		watching->called_at = bench_now();
	atomic_store_release(&watching->called, watching->called + 1);
}

static void *watch_all(void *argument)
{
	static struct dma_fence_cb callbacks[WATCHED];
	struct dma_fence *fence;
	int64_t begin;
	int i;

	watching = argument;
	bench_pin_second();
	begin = bench_now();
	for (i = 0; i < WATCHED; i++) {
		fence = dma_fence_sync_file_import_dup_fd(watching->fds[i]);
		if (!fence || dma_fence_add_callback(fence, &callbacks[i], called))
			bench_fail("cannot import: %s", strerror(errno));
		dma_fence_put(fence);
	}
	watching->import_ns = bench_now() - begin;
	atomic_store_release(&watching->watching, 1);
	while (atomic_load_acquire(&watching->called) < WATCHED)
		usleep(1000); /* the CPU is the watcher's */
	return NULL;
}

static void watch_once(struct watching *shared, double *times)
{
	int64_t begin, signaled;
	pid_t child;

	memset(shared, 0, sizeof(*shared));
	export_watched(shared->fds);
	child = bench_start_process(watch_all, shared);
	bench_spin_until(&shared->watching, 1);

	begin = bench_now();
	signal_watched();
	signaled = bench_now();
	bench_end_process(child);
	close_watched(shared->fds);
	times[WATCH_IMPORT] = (double)shared->import_ns / WATCHED;
	times[WATCH_SIGNAL] = (double)(signaled - begin) / WATCHED;
	times[WATCH_ALL] = (double)(shared->called_at - begin) / WATCHED;
}

void bench_watch(uint64_t ops, double *results, const void *parameters)
{
	const uint64_t count = (ops + WATCHED - 1) / WATCHED;
	struct watching *shared = bench_new_shared(sizeof(*shared));
	double *samples[WATCH_ROWS], times[WATCH_ROWS];
	uint64_t s;
	int i;

	(void)parameters;
	for (i = 0; i < WATCH_ROWS; i++)
		samples[i] = bench_new_samples(count);
	for (s = 0; s < count; s++) {
		watch_once(shared, times);
		for (i = 0; i < WATCH_ROWS; i++)
			samples[i][s] = times[i];
	}
	for (i = 0; i < WATCH_ROWS; i++) {
		results[i] = bench_median(samples[i], count);
		free(samples[i]);
	}
	munmap(shared, sizeof(*shared));
}
