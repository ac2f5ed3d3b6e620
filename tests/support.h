/* SPDX-License-Identifier: MIT */
/* What the tests share: fences that say when they are released, callbacks that count, reports. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <errno.h>
#include <pthread.h>
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
	struct timespec t = { .tv_sec = ns / SECOND, .tv_nsec = ns % SECOND };

	nanosleep(&t, NULL);
}

static inline pthread_t start(void *(*func)(void *), void *arg)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, func, arg), 0);
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

/* Whether the main thread of a waiting thread test has parked: it spins for 10 us at most. */
static inline void let_it_sleep(void)
{
	sleep_ns(5 * MS);
}

/* What a wait of 'timeout' that began after 'begin' may have returned by now, if it succeeded. */
static inline void assert_time_left(int64_t left, int64_t timeout, int64_t begin)
{
	assert_true(left > 0);
	assert_true(left < timeout);
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
	int of[8];
	char last[512];
};

static inline struct caught *caught(void)
{
	static struct caught reports;

	return &reports;
}

static inline void catch_report(const struct report *report)
{
	struct caught *reports = caught();

	reports->count++;
	reports->of[report->reason]++;
	snprintf(reports->last, sizeof(reports->last), "%s", report->text);
}

static inline void catch_reports(void)
{
	static const struct hooks hooks = { .report = catch_report };

	memset(caught(), 0, sizeof(struct caught));
	hooks_install(&hooks);
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
	hooks_install(NULL);
	return 0;
}

#define RUN(tests) cmocka_run_group_tests(tests, NULL, NULL)

#endif
