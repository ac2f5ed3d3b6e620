/* SPDX-License-Identifier: MIT */
/* What tests of shared memory have in common: processes, and what they leave behind. */
#ifndef TESTS_SHARED_H
#define TESTS_SHARED_H

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "support.h"

#include "fd/shared-memory.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SLOWED_BY_SANITIZER 10
#else
#define SLOWED_BY_SANITIZER 1
#endif

/* ThreadSanitizer has one of its own, with the first that is started. */
#ifdef __SANITIZE_THREAD__
#define THREADS 2
#else
#define THREADS 1
#endif

/* With "." and "..". */
static inline int entries_of(const char *folder)
{
	DIR *stream = opendir(folder);
	int count = 0;

	assert_non_null(stream);
	while (readdir(stream))
		count++;
	closedir(stream);
	return count;
}

static inline int mapped_timelines(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	int count = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "memfd:dmafence-timeline") != NULL;
	fclose(maps);
	return count;
}

/* No case leaves an fd, a thread or a mapping behind. */
static struct {
	int fds, mappings, threads;
} there_was;

static inline int shared_setup(void **state)
{
	(void)state;
	there_was.fds = entries_of("/proc/self/fd");
	there_was.mappings = mapped_timelines();
	there_was.threads = entries_of("/proc/self/task");
	if (there_was.threads < THREADS + 2)
		there_was.threads = THREADS + 2;
	return 0;
}

static inline int shared_teardown(void **state)
{
	int64_t end = clock_now() + SECOND;

	(void)state;
	/* A thread that was joined may still be on its last instructions in the kernel. */
	while (entries_of("/proc/self/task") > there_was.threads && clock_now() < end)
		sched_yield();
	assert_true(entries_of("/proc/self/task") <= there_was.threads);
	assert_int_equal(entries_of("/proc/self/fd"), there_was.fds);
	assert_int_equal(mapped_timelines(), there_was.mappings);
	return 0;
}

#define shared_test(function) \
	cmocka_unit_test_setup_teardown(function, shared_setup, shared_teardown)

static inline struct shared_timeline *create(void)
{
	struct shared_timeline *timeline = NULL;

	assert_int_equal(dma_fence_shared_timeline_create(&timeline), 0);
	return timeline;
}

static inline struct shared_timeline *import(int handle)
{
	struct shared_timeline *timeline = NULL;

	assert_int_equal(dma_fence_shared_timeline_import(handle, &timeline), 0);
	return timeline;
}

/* Another mapping of the same memory. */
static inline struct shared_timeline *another(struct shared_timeline *timeline)
{
	int handle = dma_fence_shared_timeline_export(timeline);

	assert_true(handle >= 0);
	timeline = import(handle);
	close(handle);
	return timeline;
}

static inline uint64_t append(struct shared_timeline *timeline, uint64_t point)
{
	uint64_t serial = 0;

	assert_int_equal(dma_fence_shared_timeline_append(timeline, point, &serial), 0);
	assert_true(serial);
	return serial;
}

/* What is returned to who waits but does not wait for long, or for a point that is not there. */
static inline int wait_until(struct shared_timeline *timeline, uint64_t point, unsigned int flags,
			     int64_t timeout)
{
	return dma_fence_shared_timeline_wait(timeline, point, flags, false,
					      clock_deadline(timeout));
}

/* The owners are looked after now, even if that has just been done. */
static inline int check_owners_now(struct shared_timeline *timeline)
{
	atomic_store_relaxed(&timeline->checked, 0);
	return dma_fence_shared_timeline_check_owners(timeline);
}

/* The program itself with arguments; returns its pid. */
static inline pid_t run_again(const char *const arguments[])
{
	pid_t pid = fork();

	if (!pid) {
		execv("/proc/self/exe", (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	assert_true(pid > 0);
	return pid;
}

/* Whatever it does, it has to end within some seconds; returns how, as waitpid() says it. */
static inline int ended_within(pid_t pid, int64_t timeout)
{
	int64_t end = clock_now() + timeout;
	int status;

	for (;;) {
		pid_t ended = waitpid(pid, &status, WNOHANG);

		assert_true(ended >= 0);
		if (ended == pid)
			return status;
		if (clock_now() >= end)
			break;
		sleep_ns(MS / 5);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	fail_msg("process hangs");
	return -1;
}

#endif
