/* SPDX-License-Identifier: MIT */
/*
 * What reservation objects cost: their locks beside bare atomic operations, what a job does with
 * the fences of a buffer, and readers beside a writer.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <dmafence/rcu.h>
#include <dmafence/resv.h>

#include "base/atomic.h"
#include "floors.h"
#include "harness.h"
#include "members.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Locks */

#define LOCKED_TOGETHER 16

static struct dma_resv objects[LOCKED_TOGETHER];

static int64_t lock_unlock(uint64_t ops)
{
	struct dma_resv *obj = &objects[0];
	int64_t begin = bench_now();
	uint64_t i;

	for (i = 0; i < ops; i++) {
		dma_resv_lock(obj, NULL);
		dma_resv_unlock(obj);
	}
	return bench_now() - begin;
}

static int64_t lock_unlock_ctx(uint64_t ops)
{
	struct dma_resv *obj = &objects[0];
	struct dma_ww_acquire_ctx ctx;
	int64_t begin = bench_now();
	uint64_t i;

	for (i = 0; i < ops; i++) {
		dma_ww_acquire_init(&ctx);
		dma_resv_lock(obj, &ctx);
		dma_resv_unlock(obj);
		dma_ww_acquire_fini(&ctx);
	}
	return bench_now() - begin;
}

static int64_t lock_many(uint64_t ops)
{
	struct dma_resv *objs[LOCKED_TOGETHER];
	struct dma_ww_acquire_ctx ctx;
	int64_t begin;
	uint64_t i;

	for (i = 0; i < LOCKED_TOGETHER; i++)
		objs[i] = &objects[i];
	begin = bench_now();
	for (i = 0; i < ops; i++) {
		dma_ww_acquire_init(&ctx);
		if (dma_resv_lock_many(objs, LOCKED_TOGETHER, &ctx, 0))
			bench_fail("cannot lock");
		dma_resv_unlock_many(objs, LOCKED_TOGETHER, &ctx);
		dma_ww_acquire_fini(&ctx);
	}
	return bench_now() - begin;
}

static int64_t test_empty(uint64_t ops)
{
	int64_t begin = bench_now();
	uint64_t i, signaled = 0;

	for (i = 0; i < ops; i++) {
		if (dma_resv_test_signaled(&objects[0], DMA_RESV_USAGE_BOOKKEEP))
			bench_hide(signaled);
	}
	return bench_now() - begin;
}

/*
 * What a job does. Some objects at a time, each with so many fences: locked, room made, the fences
 * added, unlocked; a singleton taken; the fences signaled; waited for, and the singleton, too;
 * ended.
 */

#define MOST_OBJECTS	      64
#define FENCES_PER_SAMPLE     1024
#define FENCES_PER_REPETITION 65536

enum {
	JOB_ADD,
	JOB_SINGLETON,
	JOB_SIGNAL,
	JOB_WAIT,
	JOB_END,
	JOB_ROWS,
};

static struct dma_resv used[MOST_OBJECTS];
static struct dma_fence *singletons[MOST_OBJECTS];

static __attribute__((noinline)) void add(unsigned int objs, unsigned int fences)
{
	unsigned int i, k;

	for (i = 0; i < objs; i++) {
		if (dma_resv_lock(&used[i], NULL) || dma_resv_reserve_fences(&used[i], fences))
			bench_fail("cannot reserve");
		for (k = 0; k < fences; k++)
			dma_resv_add_fence(&used[i], bench_member(i * fences + k),
					   DMA_RESV_USAGE_WRITE);
		dma_resv_unlock(&used[i]);
	}
}

static __attribute__((noinline)) void get_singletons(unsigned int objs)
{
	unsigned int i;

	for (i = 0; i < objs; i++) {
		if (dma_resv_get_singleton(&used[i], DMA_RESV_USAGE_READ, &singletons[i]))
			bench_fail("out of memory");
	}
}

static __attribute__((noinline)) void signal_all(unsigned int fences)
{
	unsigned int i;

	for (i = 0; i < fences; i++)
		dma_fence_signal_timestamp(bench_member(i), SOME_TIME);
}

static __attribute__((noinline)) void wait_all(unsigned int objs)
{
	unsigned int i;

	for (i = 0; i < objs; i++) {
		if (dma_resv_wait_timeout(&used[i], DMA_RESV_USAGE_READ, false,
					  DMA_FENCE_WAIT_FOREVER) <= 0 ||
		    dma_fence_wait(singletons[i], false))
			bench_fail("a wait has failed");
	}
}

static __attribute__((noinline)) void end(unsigned int objs)
{
	unsigned int i;

	for (i = 0; i < objs; i++) {
		dma_fence_put(singletons[i]);
		dma_resv_fini(&used[i]);
	}
}

static void bench_jobs(uint64_t ops, double *results, const void *parameters)
{
	const unsigned int fences = *(const unsigned int *)parameters;
	unsigned int objs = FENCES_PER_SAMPLE / fences, i;
	double *samples[JOB_ROWS];
	int64_t times[JOB_ROWS + 1];
	uint64_t s, count;

	if (objs > MOST_OBJECTS)
		objs = MOST_OBJECTS;
	if (objs > ops)
		objs = (unsigned int)ops;
	count = ops / objs;
	for (i = 0; i < JOB_ROWS; i++)
		samples[i] = bench_new_samples(count);
	for (s = 0; s < count; s++) {
		bench_init_members((size_t)objs * fences);
		for (i = 0; i < objs; i++)
			dma_resv_init(&used[i]);
		times[JOB_ADD] = bench_now();
		add(objs, fences);
		times[JOB_SINGLETON] = bench_now();
		get_singletons(objs);
		times[JOB_SIGNAL] = bench_now();
		signal_all(objs * fences);
		times[JOB_WAIT] = bench_now();
		wait_all(objs);
		times[JOB_END] = bench_now();
		end(objs);
		times[JOB_ROWS] = bench_now();
		bench_put_members((size_t)objs * fences);
		bench_deferred((size_t)objs * sizeof(struct dma_fence) * 4);
		for (i = 0; i < JOB_ROWS; i++)
			samples[i][s] = (double)(times[i + 1] - times[i]) / objs;
	}
	for (i = 0; i < JOB_ROWS; i++) {
		results[i] = bench_median(samples[i], count);
		free(samples[i]);
	}
}

/*
 * Readers beside a writer. The reader takes all fences of an object with eight queues, and drops
 * them. The writer, on another CPU, is eight queues in turn: it makes a fence, locks the object,
 * adds the fence in the place of the one before, unlocks it, and signals the one before.
 */

#define QUEUES 8

struct writer {
	struct dma_resv obj;
	struct dma_fence *latest[QUEUES];
	uint64_t seqno;
	uint64_t jobs;
	uint32_t stop;
};

static void write_once(struct writer *writer, uint64_t contexts)
{
	const unsigned int queue = (unsigned int)(++writer->seqno % QUEUES);
	struct dma_fence *fence = malloc(sizeof(*fence)), *before = writer->latest[queue];

	if (!fence)
		bench_fail("out of memory");
	dma_fence_init(fence, NULL, contexts + queue, writer->seqno);
	dma_resv_lock(&writer->obj, NULL);
	if (dma_resv_reserve_fences(&writer->obj, 1) ||
	    dma_resv_add_fence(&writer->obj, fence, DMA_RESV_USAGE_WRITE))
		bench_fail("cannot add");
	dma_resv_unlock(&writer->obj);
	writer->latest[queue] = fence;
	if (before) {
		dma_fence_signal(before);
		dma_fence_put(before);
	}
	/* Otherwise there would soon be more that is to be freed than finds room in the caches. */
	if (writer->seqno % 4096 == 0)
		dma_fence_rcu_barrier();
}

static uint64_t contexts_of_queues(void)
{
	static uint64_t contexts;

	if (!contexts)
		contexts = dma_fence_context_alloc(QUEUES);
	return contexts;
}

static void *write_on(void *argument)
{
	struct writer *writer = argument;
	const uint64_t contexts = contexts_of_queues();

	bench_pin_second();
	while (!atomic_load_relaxed(&writer->stop)) {
		write_once(writer, contexts);
		atomic_store_relaxed(&writer->jobs, writer->jobs + 1);
	}
	return NULL;
}

static int64_t read_all(struct writer *writer, uint64_t ops)
{
	struct dma_fence **fences;
	unsigned int num, k;
	uint64_t i, seen = 0;
	int64_t begin = bench_now(), end;

	for (i = 0; i < ops; i++) {
		if (dma_resv_get_fences(&writer->obj, DMA_RESV_USAGE_READ, &num, &fences))
			bench_fail("out of memory");
		for (k = 0; k < num; k++)
			dma_fence_put(fences[k]);
		seen += num;
		free(fences);
	}
	end = bench_now();
	/* Some are signaled by the time they are looked at. */
	if (seen > ops * QUEUES || seen < ops * (QUEUES - 1))
		bench_fail("the reader has seen %llu of %llu fences", (unsigned long long)seen,
			   (unsigned long long)ops * QUEUES);
	return end - begin;
}

enum {
	READ_ALONE,
	READ_BESIDE_WRITER,
	WRITE_BESIDE_READER,
	READ_ROWS,
};

static void bench_readers(uint64_t ops, double *results, const void *parameters)
{
	struct writer writer = { 0 };
	pthread_t thread;
	uint64_t jobs;
	int64_t time;
	int i, error;

	(void)parameters;
	dma_resv_init(&writer.obj);
	for (i = 0; i < QUEUES; i++)
		write_once(&writer, contexts_of_queues());
	results[READ_ALONE] = (double)read_all(&writer, ops) / (double)ops;

	error = pthread_create(&thread, NULL, write_on, &writer);
	if (error)
		bench_fail("cannot start a thread: %s", strerror(error));
	while (!atomic_load_relaxed(&writer.jobs))
		cpu_relax();
	jobs = atomic_load_relaxed(&writer.jobs);
	time = read_all(&writer, ops);
	jobs = atomic_load_relaxed(&writer.jobs) - jobs;
	atomic_store_relaxed(&writer.stop, 1);
	pthread_join(thread, NULL);
	results[READ_BESIDE_WRITER] = (double)time / (double)ops;
	results[WRITE_BESIDE_READER] = (double)time / (double)(jobs ? jobs : 1);

	for (i = 0; i < QUEUES; i++) {
		dma_fence_signal(writer.latest[i]);
		dma_fence_put(writer.latest[i]);
	}
	dma_resv_fini(&writer.obj);
	dma_fence_rcu_barrier();
}

/* The table */

static const unsigned int sizes[] = { 1, 8, 64 };

#define JOB(fences, size) \
	{ .group = "job", \
	  .name = "add-" #fences, \
	  .unit = "object", \
	  .ops = FENCES_PER_REPETITION / (fences), \
	  .run_together = bench_jobs, \
	  .together = JOB_ROWS, \
	  .parameters = &sizes[size] }, \
		{ .group = "job", \
		  .name = "singleton-" #fences, \
		  .unit = "object", \
		  .ops = FENCES_PER_REPETITION / (fences) }, \
		{ .group = "job", \
		  .name = "signal-" #fences, \
		  .unit = "object", \
		  .ops = FENCES_PER_REPETITION / (fences) }, \
		{ .group = "job", \
		  .name = "wait-" #fences, \
		  .unit = "object", \
		  .ops = FENCES_PER_REPETITION / (fences) }, \
	{ \
		.group = "job", .name = "end-" #fences, .unit = "object", \
		.ops = FENCES_PER_REPETITION / (fences) \
	}

static const struct bench_variant variants[] = {
	{ .group = "floor", .name = "load", .unit = "call", .ops = 8000000, .run = bench_load },
	{ .group = "floor", .name = "atomic", .unit = "call", .ops = 8000000, .run = bench_atomic },

	{ .group = "lock",
	  .name = "lock-unlock",
	  .unit = "pair",
	  .ops = 4000000,
	  .run = lock_unlock,
	  .floor = { { { "atomic", 2 } }, 0 } },
	{ .group = "lock",
	  .name = "lock-unlock-ctx",
	  .unit = "pair",
	  .ops = 4000000,
	  .run = lock_unlock_ctx,
	  .floor = { { { "atomic", 3 } }, 0 } },
	{ .group = "lock",
	  .name = "lock-many-16",
	  .unit = "call",
	  .ops = 200000,
	  .run = lock_many,
	  .floor = { { { "atomic", 2 * LOCKED_TOGETHER + 1 } }, 0 } },
	{ .group = "query",
	  .name = "test-empty",
	  .unit = "call",
	  .ops = 8000000,
	  .run = test_empty,
	  .floor = { { { "load", 1 } }, 1 } },

	JOB(1, 0),
	JOB(8, 1),
	JOB(64, 2),

	{ .group = "readers",
	  .name = "read-8",
	  .unit = "pass",
	  .ops = 50000,
	  .run_together = bench_readers,
	  .together = READ_ROWS,
	  .two_cpus = true },
	{ .group = "readers",
	  .name = "read-8-beside-writer",
	  .unit = "pass",
	  .ops = 50000,
	  .two_cpus = true,
	  .floor = { { { "read-8", 1 } }, 0 } },
	{ .group = "readers",
	  .name = "write-beside-reader",
	  .unit = "job",
	  .ops = 50000,
	  .two_cpus = true },
};

int main(int argc, char **argv)
{
	/*
	 * The thread that returns memory is started by the first fence that is freed, and inherits
	 * the CPUs that may be used: that must not be the one CPU of the measuring thread.
	 */
	dma_fence_put(dma_fence_allocate_private_stub(SOME_TIME));
	dma_fence_rcu_barrier();
	return bench_main(argc, argv, variants, LENGTH(variants));
}
