/* SPDX-License-Identifier: MIT */
/* Operations on reservation objects. */
#include <pthread.h>

#include "side.h"

#define LOCKED_TOGETHER 16
#define MOST_OBJECTS	64
#define QUEUES		8

static struct dma_resv objects[MOST_OBJECTS];

static void init_objects(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		dma_resv_init(&objects[i]);
}

/* Locks */

void side_lock(uint64_t ops, const struct side_case *of, double *ns)
{
	uint64_t i;

	(void)of;
	init_objects(1);
	*ns = -side_now();
	for (i = 0; i < ops; i++) {
		dma_resv_lock(&objects[0], NULL);
		dma_resv_unlock(&objects[0]);
	}
	*ns += side_now();
	dma_resv_fini(&objects[0]);
}

void side_lock_ctx(uint64_t ops, const struct side_case *of, double *ns)
{
	side_acquire_ctx ctx;
	uint64_t i;

	(void)of;
	init_objects(1);
	*ns = -side_now();
	for (i = 0; i < ops; i++) {
		side_acquire_init(&ctx);
		if (dma_resv_lock(&objects[0], &ctx))
			side_host->fail("cannot lock");
		dma_resv_unlock(&objects[0]);
		side_acquire_fini(&ctx);
	}
	*ns += side_now();
	dma_resv_fini(&objects[0]);
}

void side_lock_16(uint64_t ops, const struct side_case *of, double *ns)
{
	struct dma_resv *objs[LOCKED_TOGETHER];
	side_acquire_ctx ctx;
	uint64_t i;

	(void)of;
	init_objects(LOCKED_TOGETHER);
	for (i = 0; i < LOCKED_TOGETHER; i++)
		objs[i] = &objects[i];
	*ns = -side_now();
	for (i = 0; i < ops; i++) {
		side_acquire_init(&ctx);
		if (side_lock_many(objs, LOCKED_TOGETHER, &ctx))
			side_host->fail("cannot lock");
		side_unlock_many(objs, LOCKED_TOGETHER, &ctx);
		side_acquire_fini(&ctx);
	}
	*ns += side_now();
	for (i = 0; i < LOCKED_TOGETHER; i++)
		dma_resv_fini(&objects[i]);
}

/* Fences */

static void add_fences(struct dma_resv *obj, unsigned int first, unsigned int count)
{
	unsigned int i;

	if (dma_resv_lock(obj, NULL) || dma_resv_reserve_fences(obj, count))
		side_host->fail("cannot reserve");
	for (i = 0; i < count; i++)
		dma_resv_add_fence(obj, side_member(first + i), DMA_RESV_USAGE_WRITE);
	dma_resv_unlock(obj);
}

/*
 * What a job does with so many fences of one object. Phases: lock, make room, add them, unlock;
 * take a singleton; signal; wait for the object and for the singleton; put it, and end the object.
 */
void side_job(uint64_t ops, const struct side_case *of, double *ns)
{
	const unsigned int objs = (unsigned int)ops, fences = of->count;
	struct dma_fence *singletons[MOST_OBJECTS];
	double times[6];
	unsigned int i;

	if (objs > MOST_OBJECTS)
		side_host->fail("too many objects in one sample");
	side_init_members(objs * fences);
	init_objects(objs);
	times[0] = side_now();
	for (i = 0; i < objs; i++)
		add_fences(&objects[i], i * fences, fences);
	times[1] = side_now();
	for (i = 0; i < objs; i++) {
		if (dma_resv_get_singleton(&objects[i], DMA_RESV_USAGE_READ, &singletons[i]))
			side_host->fail("out of memory");
	}
	times[2] = side_now();
	for (i = 0; i < objs * fences; i++)
		dma_fence_signal_timestamp(side_member(i), SIDE_SOME_TIME);
	times[3] = side_now();
	for (i = 0; i < objs; i++) {
		if (dma_resv_wait_timeout(&objects[i], DMA_RESV_USAGE_READ, false, SIDE_FOREVER) <=
			    0 ||
		    dma_fence_wait(singletons[i], false))
			side_host->fail("a wait has failed");
	}
	times[4] = side_now();
	for (i = 0; i < objs; i++) {
		dma_fence_put(singletons[i]);
		dma_resv_fini(&objects[i]);
	}
	times[5] = side_now();
	for (i = 0; i < 5; i++)
		ns[i] = times[i + 1] - times[i];
	side_put_members(objs * fences);
	side_deferred(objs * (sizeof(struct dma_fence_array) + fences * 6 * sizeof(void *)));
}

/* An object with so many fences, signaled or pending, to be asked. */
static struct dma_resv *new_object(const struct side_case *of)
{
	unsigned int i;

	side_init_members(of->count);
	dma_resv_init(&objects[0]);
	add_fences(&objects[0], 0, of->count);
	for (i = 0; of->signaled && i < of->count; i++)
		dma_fence_signal_timestamp(side_member(i), SIDE_SOME_TIME);
	return &objects[0];
}

static void end_object(struct dma_resv *obj, const struct side_case *of)
{
	unsigned int i;

	for (i = 0; i < of->count; i++)
		dma_fence_signal_timestamp(side_member(i), SIDE_SOME_TIME);
	dma_resv_fini(obj);
	side_put_members(of->count);
	side_deferred(of->count * 2 * sizeof(void *));
}

void side_test_signaled(uint64_t ops, const struct side_case *of, double *ns)
{
	struct dma_resv *obj = new_object(of);
	uint64_t i, signaled = 0;

	*ns = -side_now();
	for (i = 0; i < ops; i++)
		signaled += dma_resv_test_signaled(obj, DMA_RESV_USAGE_BOOKKEEP);
	*ns += side_now();
	if (signaled != (of->signaled ? ops : 0))
		side_host->fail("an object was not what it had to be");
	end_object(obj, of);
}

static uint64_t read_fences(struct dma_resv *obj)
{
	struct dma_fence **fences;
	unsigned int count, i;

	if (dma_resv_get_fences(obj, DMA_RESV_USAGE_READ, &count, &fences))
		side_host->fail("out of memory");
	for (i = 0; i < count; i++)
		dma_fence_put(fences[i]);
	free(fences);
	return count;
}

void side_get_fences(uint64_t ops, const struct side_case *of, double *ns)
{
	struct dma_resv *obj = new_object(of);
	uint64_t i, seen = 0;

	*ns = -side_now();
	for (i = 0; i < ops; i++)
		seen += read_fences(obj);
	*ns += side_now();
	if (seen != ops * of->count)
		side_host->fail("not all fences were seen");
	end_object(obj, of);
}

void side_for_each(uint64_t ops, const struct side_case *of, double *ns)
{
	struct dma_resv *obj = new_object(of);
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	uint64_t i, seen = 0;

	dma_resv_lock(obj, NULL);
	*ns = -side_now();
	for (i = 0; i < ops; i++) {
		dma_resv_for_each_fence (&cursor, obj, DMA_RESV_USAGE_READ, fence)
			seen++;
	}
	*ns += side_now();
	dma_resv_unlock(obj);
	if (seen != ops * of->count)
		side_host->fail("not all fences were seen");
	end_object(obj, of);
}

void side_for_each_unlocked(uint64_t ops, const struct side_case *of, double *ns)
{
	struct dma_resv *obj = new_object(of);
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	uint64_t i, seen = 0;

	*ns = -side_now();
	for (i = 0; i < ops; i++) {
		dma_resv_iter_begin(&cursor, obj, DMA_RESV_USAGE_READ);
		dma_resv_for_each_fence_unlocked (&cursor, fence)
			seen++;
		dma_resv_iter_end(&cursor);
	}
	*ns += side_now();
	if (seen != ops * of->count)
		side_host->fail("not all fences were seen");
	end_object(obj, of);
}

/*
 * A reader beside a writer. The reader takes all fences of an object with eight queues, and drops
 * them. The writer, on another CPU, is eight queues in turn: it makes a fence, locks the object,
 * adds the fence in the place of the one before, unlocks it, and signals the one before. Phases:
 * the reader's passes; the same time, for each pass that the writer made meanwhile.
 */
struct writer {
	struct dma_resv obj;
	struct dma_fence *latest[QUEUES];
	uint64_t seqno;
	uint64_t passes __attribute__((aligned(64)));
	int stop;
};

static void write_once(struct writer *writer)
{
	const unsigned int queue = (unsigned int)(++writer->seqno % QUEUES);
	struct dma_fence *fence = malloc(sizeof(*fence)), *before = writer->latest[queue];

	if (!fence)
		side_host->fail("out of memory");
	side_init(fence, &side_deferred_ops, &side_second_timeline, SIDE_CONTEXTS + queue,
		  writer->seqno);
	dma_resv_lock(&writer->obj, NULL);
	if (dma_resv_reserve_fences(&writer->obj, 1))
		side_host->fail("cannot reserve");
	dma_resv_add_fence(&writer->obj, fence, DMA_RESV_USAGE_WRITE);
	dma_resv_unlock(&writer->obj);
	writer->latest[queue] = fence;
	if (before) {
		dma_fence_signal(before);
		dma_fence_put(before);
	}
	side_quiescent();
}

static void *write_on(void *argument)
{
	struct writer *writer = argument;

	side_host->pin_second();
	side_thread_begin();
	while (!__atomic_load_n(&writer->stop, __ATOMIC_RELAXED)) {
		write_once(writer);
		__atomic_store_n(&writer->passes, writer->passes + 1, __ATOMIC_RELAXED);
	}
	side_settle();
	side_thread_end();
	return NULL;
}

void side_read_beside_writer(uint64_t ops, const struct side_case *of, double *ns)
{
	static struct writer writer;
	uint64_t i, seen = 0, passes;
	pthread_t thread;

	(void)of;
	writer = (struct writer){ 0 };
	dma_resv_init(&writer.obj);
	for (i = 0; i < QUEUES; i++)
		write_once(&writer);
	if (pthread_create(&thread, NULL, write_on, &writer))
		side_host->fail("cannot start a thread");
	while (!__atomic_load_n(&writer.passes, __ATOMIC_RELAXED))
		;
	passes = __atomic_load_n(&writer.passes, __ATOMIC_RELAXED);
	ns[0] = -side_now();
	for (i = 0; i < ops; i++) {
		seen += read_fences(&writer.obj);
		side_quiescent();
	}
	ns[0] += side_now();
	passes = __atomic_load_n(&writer.passes, __ATOMIC_RELAXED) - passes;
	ns[1] = ns[0] / (double)(passes ? passes : 1) * (double)ops;
	__atomic_store_n(&writer.stop, 1, __ATOMIC_RELAXED);
	/* The writer waits until what it has put is freed, and that may wait for this thread. */
	while (pthread_tryjoin_np(thread, NULL))
		side_quiescent();
	/* Some are signaled by the time they are looked at. */
	if (seen > ops * QUEUES || seen < ops * (QUEUES - 1))
		side_host->fail("the reader has seen %llu of %llu fences", (unsigned long long)seen,
				(unsigned long long)ops * QUEUES);
	for (i = 0; i < QUEUES; i++) {
		dma_fence_signal(writer.latest[i]);
		dma_fence_put(writer.latest[i]);
	}
	dma_resv_fini(&writer.obj);
	side_settle();
}
