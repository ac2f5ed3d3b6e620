/* SPDX-License-Identifier: MIT */
/* What the tests share: fences that say when they are released, callbacks that count, reports. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <dmafence/dmafence.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/hooks.h"
#include "base/report.h"

#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))

static inline void sleep_ns(int64_t ns)
{
	struct timespec t = { .tv_sec = ns / SECOND, .tv_nsec = (long)(ns % SECOND) };

	nanosleep(&t, NULL);
}

/*
 * cmocka's assertions jump out of the test function, which only the thread that runs it can do. In
 * threads made by start() they say what failed and end the program.
 */
static _Thread_local bool other_thread;

static inline void check_in_thread(bool holds, const char *what, const char *file, int line)
{
	if (holds)
		return;
	printf("not ok # in a thread: %s\n# %s:%d: error: Failure!\n", what, file, line);
	fflush(stdout);
	_exit(1);
}

#define in_thread(holds) check_in_thread(holds, #holds, __FILE__, __LINE__)

#undef assert_true
#define assert_true(c) \
	(other_thread ? in_thread(!!(c)) \
		      : _assert_true(cast_to_largest_integral_type(c), #c, __FILE__, __LINE__))
#undef assert_false
#define assert_false(c) assert_true(!(c))
#undef assert_non_null
#define assert_non_null(c) assert_true((c) != NULL)
#undef assert_int_equal
#define assert_int_equal(a, b) \
	(other_thread \
		 ? in_thread(cast_to_largest_integral_type(a) == cast_to_largest_integral_type(b)) \
		 : _assert_int_equal(cast_to_largest_integral_type(a), \
				     cast_to_largest_integral_type(b), __FILE__, __LINE__))

struct start {
	void *(*func)(void *arg);
	void *arg;
};

static inline void *started(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	other_thread = true;
	return start.func(start.arg);
}

static inline pthread_t start(void *(*func)(void *), void *arg)
{
	struct start *start = malloc(sizeof(*start));
	pthread_t thread;

	start->func = func;
	start->arg = arg;
	assert_int_equal(pthread_create(&thread, NULL, started, start), 0);
	return thread;
}

static inline void join(pthread_t thread)
{
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* A flag that one thread sets and another spins on; for lining threads up. */
static inline void set_flag(int *flag)
{
	atomic_store_release(flag, 1);
}

static inline void await_flag(int *flag)
{
	while (!atomic_load_acquire(flag))
		sched_yield();
}

static inline bool flag_within(int *flag, int64_t timeout)
{
	int64_t end = clock_now() + timeout;

	while (!atomic_load_acquire(flag) && clock_now() < end)
		sched_yield();
	return atomic_load_acquire(flag);
}

/* Time for another thread to fall asleep in a wait; it spins for 10 us at most. */
static inline void let_it_sleep(void)
{
	sleep_ns(5 * MS);
}

/* What a wait of 'timeout' that began after 'begin' may have returned by now, if it succeeded. */
static inline void assert_time_left(int64_t left, int64_t timeout, int64_t begin)
{
	assert_true(left < timeout);
	assert_true(left > timeout / 2); /* woken, not timed out and then lucky */
	assert_true(left >= timeout - (clock_now() - begin));
}

/* Fences whose release only counts: their storage is the test's. */
static inline int *release_count(void)
{
	static int count;

	return &count;
}

static inline void count_release(struct dma_fence *fence)
{
	(void)fence;
	__atomic_fetch_add(release_count(), 1, __ATOMIC_SEQ_CST);
}

static inline const struct dma_fence_ops *plain_ops(void)
{
	static const struct dma_fence_ops ops = { .release = count_release };

	return &ops;
}

static inline void fence_init(struct dma_fence *fence)
{
	dma_fence_init(fence, plain_ops(), dma_fence_context_alloc(1), 1);
}

/* An array of fences that the caller has as well. */
static inline struct dma_fence_array *array_of_fences(struct dma_fence *fences, int num_fences)
{
	struct dma_fence **vector = malloc((size_t)num_fences * sizeof(*vector));
	struct dma_fence_array *array;
	int i;

	assert_non_null(vector);
	for (i = 0; i < num_fences; i++)
		vector[i] = dma_fence_get(&fences[i]);
	array = dma_fence_array_create(num_fences, vector, dma_fence_context_alloc(1), 1);
	assert_non_null(array);
	return array;
}

/* A callback that counts. */
struct counter {
	struct dma_fence_cb cb;
	int ran;
};

static inline void count_call(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	__atomic_fetch_add(&container_of(cb, struct counter, cb)->ran, 1, __ATOMIC_SEQ_CST);
}

static inline int calls(struct counter *counter)
{
	return __atomic_load_n(&counter->ran, __ATOMIC_SEQ_CST);
}

/* Reports that were made since catch_reports(). */
struct caught {
	int count;
	int of[16];
	char last[512];
};

static inline struct caught *caught(void)
{
	static struct caught reports;

	return &reports;
}

static inline void catch_report(const struct dma_fence_report *report, void *arg)
{
	struct caught *reports = caught();

	(void)arg;
	reports->count++;
	reports->of[report->reason]++;
	snprintf(reports->last, sizeof(reports->last), "%s", report->text);
}

static inline void catch_reports(void)
{
	memset(caught(), 0, sizeof(struct caught));
	dma_fence_set_report_handler(catch_report, NULL);
}

static inline void catch_end(void)
{
	dma_fence_set_report_handler(NULL, NULL);
}

/* For tests whose every case begins without reports and releases. */
static inline int catch_setup(void **state)
{
	(void)state;
	catch_reports();
	*release_count() = 0;
	return 0;
}

static inline int catch_teardown(void **state)
{
	(void)state;
	catch_end();
	return 0;
}

#define RUN(tests) cmocka_run_group_tests(tests, NULL, NULL)

#endif
