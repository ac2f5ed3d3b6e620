/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dmafence/syncobj.h>

#include "base/atomic.h"
#include "embedded-fence.h"
#include "floors.h"
#include "harness.h"
#include "processes.h"
#include "sleepers.h"
#include "timelines.h"

const bool bench_local = false, bench_shared = true;

static struct dma_fence_syncobj *new_syncobj(bool shared)
{
	struct dma_fence_syncobj *syncobj =
		dma_fence_syncobj_create(shared ? DMA_FENCE_SYNCOBJ_CREATE_SHARED : 0);

	if (!syncobj)
		bench_fail("no sync object: %s", strerror(errno));
	return syncobj;
}

/* A point that has passed. */

static double wait_for_passed(const struct dma_fence_syncobj_point *point, uint64_t ops)
{
	int64_t begin = bench_now();
	uint64_t i;

	for (i = 0; i < ops; i++) {
		if (dma_fence_syncobj_wait(point, 1, 0, false, DMA_FENCE_WAIT_FOREVER, NULL) < 1)
			bench_fail("a wait has failed");
	}
	return (double)(bench_now() - begin) / (double)ops;
}

static double ask_for_passed(const struct dma_fence_syncobj_point *point, uint64_t ops)
{
	int64_t begin = bench_now();
	uint64_t i;

	for (i = 0; i < ops; i++) {
		if (dma_fence_syncobj_status(point->syncobj, point->point) != 1)
			bench_fail("a point has not passed");
	}
	return (double)(bench_now() - begin) / (double)ops;
}

void bench_passed(uint64_t ops, double *results, const void *parameters)
{
	struct dma_fence_syncobj_point point = { new_syncobj(*(const bool *)parameters), 1 };

	if (dma_fence_syncobj_signal_point(point.syncobj, 2))
		bench_fail("cannot add a point");
	results[0] = (double)bench_load(ops) / (double)ops;
	results[1] = wait_for_passed(&point, ops);
	results[2] = ask_for_passed(&point, ops);
	dma_fence_syncobj_put(point.syncobj);
}

/* Points that are added, and signaled. So many at a time. */

#define AT_A_TIME 256

static struct aligned_fence fences[AT_A_TIME];

static void add_points(struct dma_fence_syncobj *syncobj, uint64_t first, uint64_t step,
		       unsigned int count)
{
	unsigned int i;
	int ret;

	for (i = 0; i < count; i++) {
		ret = dma_fence_syncobj_add_point(syncobj, first + i * step, &fences[i].fence);
		if (ret)
			bench_fail("cannot add a point: %s", strerror(-ret));
	}
}

static void init_fences(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		dma_fence_init(&fences[i].fence, &embedded_ops, 1, i + 1);
}

void bench_points(uint64_t ops, double *results, const void *parameters)
{
	struct dma_fence_syncobj *syncobj = new_syncobj(*(const bool *)parameters);
	const uint64_t count = (ops + AT_A_TIME - 1) / AT_A_TIME;
	double *samples[BENCH_POINTS_ROWS];
	int64_t begin, added, end;
	unsigned int i;
	uint64_t s;

	for (i = 0; i < BENCH_POINTS_ROWS; i++)
		samples[i] = bench_new_samples(count);
	for (s = 0; s < count; s++) {
		init_fences(AT_A_TIME);
		begin = bench_now();
		add_points(syncobj, 1, 1, AT_A_TIME);
		added = bench_now();
		for (i = 0; i < AT_A_TIME; i++)
			dma_fence_signal(&fences[i].fence);
		end = bench_now();
		samples[0][s] = (double)(added - begin) / AT_A_TIME;
		samples[1][s] = (double)(end - added) / AT_A_TIME;
		/* What it holds of them is used again. */
		dma_fence_syncobj_reset(syncobj);
		for (i = 0; i < AT_A_TIME; i++)
			dma_fence_put(&fences[i].fence);
	}
	for (i = 0; i < BENCH_POINTS_ROWS; i++) {
		results[i] = bench_median(samples[i], count);
		free(samples[i]);
	}
	dma_fence_syncobj_put(syncobj);
}

/*
 * A crowd. Its samples are of a bare futex and of a point in turns. Who has been woken sleeps on
 * another bare futex until the next sample, and so leaves the CPU to those who have not yet, in the
 * same way in both.
 */

enum {
	CROWD_FUTEX,
	CROWD_POINT,
	CROWD_ROWS = BENCH_CROWD_ROWS,
};

struct crowd {
	struct bench_crowd of;
	uint64_t samples;
	struct dma_fence_syncobj *syncobj; /* of those who wait */
	int handle;
	pid_t process;
	pid_t threads[BENCH_MOST_WAITERS];
	uint64_t started __attribute__((aligned(CACHE_LINE)));
	uint64_t waiting; /* how often one has gone to wait */
	uint64_t arrived; /* how often one has woken */
	uint64_t over;	  /* the last sample for which all have */
	int64_t over_at;
	/*
	 * Both hold the number of a sample: the last one that is over, the last one that has begun.
	 */
	uint32_t futex __attribute__((aligned(CACHE_LINE)));
	uint32_t begun __attribute__((aligned(CACHE_LINE)));
};

static unsigned int row_of(uint64_t sample)
{
	return sample % 2 ? CROWD_FUTEX : CROWD_POINT;
}

static void sleep_on_futex(struct crowd *crowd, uint32_t *futex, uint64_t sample)
{
	const int wait = crowd->of.shared ? FUTEX_WAIT : FUTEX_WAIT_PRIVATE;
	uint32_t value;

	while ((value = atomic_load_acquire(futex)) < sample)
		syscall(SYS_futex, futex, wait, value, NULL);
}

static void wake_futex(struct crowd *crowd, uint32_t *futex, uint64_t sample)
{
	const int wake = crowd->of.shared ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE;

	atomic_store_release(futex, (uint32_t)sample);
	syscall(SYS_futex, futex, wake, INT_MAX);
}

static void sleep_on_point(struct crowd *crowd, uint64_t sample)
{
	const struct dma_fence_syncobj_point point = { crowd->syncobj, sample };

	if (dma_fence_syncobj_wait(&point, 1, 0, false, DMA_FENCE_WAIT_FOREVER, NULL) < 1)
		bench_fail("a wait has failed");
}

static void *wait_with_others(void *argument)
{
	struct crowd *crowd = argument;
	uint64_t sample;

	bench_pin_second();
	crowd->threads[atomic_fetch_add_relaxed(&crowd->started, 1)] = (pid_t)syscall(SYS_gettid);
	for (sample = 1; sample <= crowd->samples; sample++) {
		sleep_on_futex(crowd, &crowd->begun, sample);
		atomic_fetch_add_relaxed(&crowd->waiting, 1);
		if (row_of(sample) == CROWD_FUTEX)
			sleep_on_futex(crowd, &crowd->futex, sample);
		else
			sleep_on_point(crowd, sample);
		if (atomic_fetch_add_relaxed(&crowd->arrived, 1) + 1 == sample * crowd->of.count) {
			crowd->over_at = bench_now();
			atomic_store_release(&crowd->over, sample);
		}
	}
	/* To end takes time, too. */
	sleep_on_futex(crowd, &crowd->begun, sample);
	return NULL;
}

static void start_waiters(struct crowd *crowd, pthread_t *threads)
{
	unsigned int i;

	crowd->process = getpid();
	for (i = 0; i < crowd->of.count; i++)
		threads[i] = bench_start_thread(wait_with_others, crowd);
}

static void join_waiters(struct crowd *crowd, pthread_t *threads)
{
	unsigned int i;

	for (i = 0; i < crowd->of.count; i++)
		pthread_join(threads[i], NULL);
}

static void *be_crowd(void *argument)
{
	static pthread_t threads[BENCH_MOST_WAITERS];
	struct crowd *crowd = argument;

	crowd->syncobj = dma_fence_syncobj_import_dup_fd(crowd->handle);
	if (!crowd->syncobj)
		bench_fail("cannot import: %s", strerror(errno));
	start_waiters(crowd, threads);
	join_waiters(crowd, threads);
	dma_fence_syncobj_put(crowd->syncobj);
	return NULL;
}

static void open_states(struct crowd *crowd, int *states)
{
	unsigned int i;

	bench_spin_until(&crowd->started, crowd->of.count);
	for (i = 0; i < crowd->of.count; i++) {
		/* It is there a moment after the count. */
		while (!atomic_load_relaxed(&crowd->threads[i]))
			cpu_relax();
		states[i] = bench_open_state(crowd->process, crowd->threads[i]);
	}
}

static double wake_crowd(struct crowd *crowd, uint64_t sample)
{
	int64_t begin = bench_now();

	if (row_of(sample) == CROWD_FUTEX)
		wake_futex(crowd, &crowd->futex, sample);
	else
		dma_fence_signal(&fences[sample / 2 - 1].fence);
	bench_spin_until(&crowd->over, sample);
	return (double)(crowd->over_at - begin) / crowd->of.count;
}

/* With a crowd that is there, for so many samples of each kind. */
static void wake_often(struct crowd *crowd, unsigned int count, double **samples)
{
	static int states[BENCH_MOST_WAITERS];
	unsigned int i;
	uint64_t sample;

	open_states(crowd, states);
	for (sample = 1; sample <= 2 * (uint64_t)count; sample++) {
		wake_futex(crowd, &crowd->begun, sample);
		bench_spin_until(&crowd->waiting, sample * crowd->of.count);
		/* One after the other: those of a shared object look up now and then. */
		for (i = 0; i < crowd->of.count; i++)
			bench_see_asleep(states[i]);
		samples[row_of(sample)][(sample - 1) / 2] = wake_crowd(crowd, sample);
	}
	wake_futex(crowd, &crowd->begun, sample);
	for (i = 0; i < crowd->of.count; i++)
		close(states[i]);
}

void bench_wake_crowd(uint64_t ops, double *results, const void *parameters)
{
	static pthread_t threads[BENCH_MOST_WAITERS];
	const unsigned int count = ops < AT_A_TIME ? (unsigned int)ops : AT_A_TIME;
	struct crowd *crowd = bench_new_shared(sizeof(*crowd));
	struct dma_fence_syncobj *syncobj;
	double *samples[CROWD_ROWS];
	pid_t child = 0;
	unsigned int i;

	crowd->of = *(const struct bench_crowd *)parameters;
	crowd->samples = 2 * (uint64_t)count;
	for (i = 0; i < CROWD_ROWS; i++)
		samples[i] = bench_new_samples(count);
	syncobj = new_syncobj(crowd->of.shared);
	init_fences(count);
	add_points(syncobj, 2, 2, count);
	if (crowd->of.shared) {
		crowd->handle = dma_fence_syncobj_export(syncobj);
		child = bench_start_process(be_crowd, crowd);
	} else {
		crowd->syncobj = syncobj;
		start_waiters(crowd, threads);
	}
	wake_often(crowd, count, samples);
	if (crowd->of.shared) {
		bench_end_process(child);
		close(crowd->handle);
	} else {
		join_waiters(crowd, threads);
	}
	dma_fence_syncobj_put(syncobj);
	for (i = 0; i < count; i++)
		dma_fence_put(&fences[i].fence);
	for (i = 0; i < CROWD_ROWS; i++) {
		results[i] = bench_median(samples[i], count);
		free(samples[i]);
	}
	munmap(crowd, sizeof(*crowd));
}
