/* SPDX-License-Identifier: MIT */
/*
 * What a fence costs, beside what it is made of.
 *
 * The floors are the parts that nobody can do without: an atomic read-modify-write, a clock read,
 * a hand-over of a cache line, a sleep and a wake-up. They are measured in the same repetition as
 * what is compared with them. docs/performance.md explains the results.
 */
#include <stdlib.h>
#include <time.h>

#include <dmafence/context.h>
#include <dmafence/fence.h>
#include <dmafence/rcu.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "embedded-fence.h"
#include "floors.h"
#include "hand-over.h"
#include "harness.h"

/* More floors, as those in floors.h. */

/* As the library does it, with the arithmetic that makes one number of two. */
static int64_t clock_read(uint64_t ops)
{
	int64_t begin = bench_now();
	uint64_t i;

	for (i = 0; i < ops; i++)
		bench_keep(clock_now());
	return bench_now() - begin;
}

static int64_t malloc_free(uint64_t ops)
{
	int64_t begin = bench_now();
	uint64_t i;

	for (i = 0; i < ops; i++) {
		void *memory = malloc(sizeof(struct dma_fence));

		bench_hide(memory);
		free(memory);
	}
	return bench_now() - begin;
}

static int64_t futex_wake_nobody(uint64_t ops)
{
	static uint32_t word;
	int64_t begin = bench_now();
	uint64_t i;

	for (i = 0; i < ops; i++)
		bench_keep(bench_futex_wake(&word));
	return bench_now() - begin;
}

/*
 * Lifecycle
 *
 * A fence is initialised, signaled, and its only reference put. The fence lies in the caller's
 * memory, in the cache, and its release does nothing: that is all that a producer pays who keeps
 * the memory. Not included is what depends on the producer: what the fence is embedded in, and
 * cache misses when it comes back from elsewhere.
 */

static struct aligned_fence fences[64];

static int64_t lifecycle(uint64_t ops)
{
	struct dma_fence *fence = &fences[0].fence;
	int64_t begin = bench_now();
	uint64_t i;

	for (i = 0; i < ops; i++) {
		bench_forget();
		dma_fence_init(fence, &embedded_ops, 1, i);
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
	return bench_now() - begin;
}

static int64_t lifecycle_no_clock(uint64_t ops)
{
	struct dma_fence *fence = &fences[0].fence;
	int64_t begin = bench_now();
	uint64_t i;

	for (i = 0; i < ops; i++) {
		bench_forget();
		dma_fence_init(fence, &embedded_ops, 1, i);
		dma_fence_signal_timestamp(fence, SOME_TIME);
		dma_fence_put(fence);
	}
	return bench_now() - begin;
}

/* A callback that leaves a trace, which the loops below look for: it cannot have been left out. */
static uint64_t called;

static void count_call(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	called++;
}

static void check_called(uint64_t expected)
{
	if (called != expected)
		bench_fail("%llu of %llu callbacks were called", (unsigned long long)called,
			   (unsigned long long)expected);
	called = 0;
}

static int64_t lifecycle_callback(uint64_t ops)
{
	struct dma_fence *fence = &fences[0].fence;
	struct dma_fence_cb cb;
	int64_t begin = bench_now(), end;
	uint64_t i;

	for (i = 0; i < ops; i++) {
		bench_forget();
		dma_fence_init(fence, &embedded_ops, 1, i);
		dma_fence_add_callback(fence, &cb, count_call);
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
	end = bench_now();
	check_called(ops);
	return end - begin;
}

static int64_t lifecycle_callback_no_clock(uint64_t ops)
{
	struct dma_fence *fence = &fences[0].fence;
	struct dma_fence_cb cb;
	int64_t begin = bench_now(), end;
	uint64_t i;

	for (i = 0; i < ops; i++) {
		bench_forget();
		dma_fence_init(fence, &embedded_ops, 1, i);
		dma_fence_add_callback(fence, &cb, count_call);
		dma_fence_signal_timestamp(fence, SOME_TIME);
		dma_fence_put(fence);
	}
	end = bench_now();
	check_called(ops);
	return end - begin;
}

/* An operation is one of the callbacks, with its eighth of everything else. */
static int64_t lifecycle_8_callbacks_no_clock(uint64_t ops)
{
	struct dma_fence *fence = &fences[0].fence;
	struct dma_fence_cb cbs[8];
	int64_t begin = bench_now(), end;
	uint64_t i, j;

	for (i = 0; i < ops; i += j) {
		bench_forget();
		dma_fence_init(fence, &embedded_ops, 1, i);
		for (j = 0; j < 8 && i + j < ops; j++)
			dma_fence_add_callback(fence, &cbs[j], count_call);
		dma_fence_signal_timestamp(fence, SOME_TIME);
		dma_fence_put(fence);
	}
	end = bench_now();
	check_called(ops);
	return end - begin;
}

static int64_t processor_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void produce_on_heap(uint64_t ops)
{
	uint64_t i;

	for (i = 0; i < ops; i++) {
		struct dma_fence *fence = malloc(sizeof(*fence));

		if (!fence)
			bench_fail("out of memory");
		dma_fence_init(fence, NULL, 1, i);
		dma_fence_signal_timestamp(fence, SOME_TIME);
		dma_fence_put(fence);
	}
}

/*
 * The producer's part of it alone: the memory goes back to malloc() later, on another thread, and
 * meanwhile malloc() hands out new memory.
 */
static int64_t lifecycle_heap_no_clock(uint64_t ops)
{
	int64_t begin = bench_now(), end;

	produce_on_heap(ops);
	end = bench_now();
	dma_fence_rcu_barrier();
	return end - begin;
}

/*
 * All of it: the processor time of all threads until the memory of all the fences is malloc()'s
 * again. By the clock it would be how long a grace period takes, which is some 20 ms for however
 * many fences.
 */
static int64_t lifecycle_heap_all_threads(uint64_t ops)
{
	int64_t begin = processor_time();

	produce_on_heap(ops);
	dma_fence_rcu_barrier();
	return processor_time() - begin;
}

/* References and queries, on a fence that nobody else looks at. */

static struct dma_fence *new_fence(bool signaled)
{
	struct dma_fence *fence = &fences[0].fence;

	dma_fence_init(fence, &embedded_ops, 1, 1);
	if (signaled)
		dma_fence_signal_timestamp(fence, SOME_TIME);
	return fence;
}

static int64_t get_put(uint64_t ops)
{
	struct dma_fence *fence = new_fence(false);
	int64_t begin = bench_now();
	uint64_t i;

	for (i = 0; i < ops; i++)
		dma_fence_put(dma_fence_get(fence));
	return bench_now() - begin;
}

static int64_t is_signaled(struct dma_fence *fence, uint64_t ops)
{
	int64_t begin = bench_now();
	uint64_t i, signaled = 0;

	for (i = 0; i < ops; i++) {
		bench_forget();
		if (dma_fence_is_signaled(fence))
			bench_hide(signaled);
	}
	return bench_now() - begin;
}

static int64_t is_signaled_pending(uint64_t ops)
{
	return is_signaled(new_fence(false), ops);
}

static int64_t is_signaled_signaled(uint64_t ops)
{
	return is_signaled(new_fence(true), ops);
}

static int64_t add_remove(uint64_t ops)
{
	struct dma_fence *fence = new_fence(false);
	struct dma_fence_cb cb;
	uint64_t i, removed = 0;
	int64_t begin = bench_now(), end;

	for (i = 0; i < ops; i++) {
		dma_fence_add_callback(fence, &cb, count_call);
		removed += dma_fence_remove_callback(fence, &cb);
	}
	end = bench_now();
	if (removed != ops)
		bench_fail("a callback was not removed");
	/* Somebody could have waited for it, so that it must not just be dropped. */
	dma_fence_signal(fence);
	return end - begin;
}

/*
 * The producer's context: emit 'batch' fences, signal them all by the number of the last, put the
 * producer's references. The clock is read once a batch.
 */
static int64_t context(uint64_t ops, unsigned int batch)
{
	struct dma_fence_context *context =
		dma_fence_context_create("bench", "context", &embedded_ops, 1);
	uint64_t done, signaled = 0;
	int64_t begin, end;
	unsigned int i, n;

	if (!context || dma_fence_context_reserve(context, batch))
		bench_fail("out of memory");
	begin = bench_now();
	for (done = 0; done < ops; done += n) {
		n = ops - done < batch ? (unsigned int)(ops - done) : batch;
		for (i = 0; i < n; i++)
			dma_fence_context_emit(context, &fences[i].fence);
		signaled += (uint64_t)dma_fence_context_signal_until(context, done + n);
		for (i = 0; i < n; i++)
			dma_fence_put(&fences[i].fence);
	}
	end = bench_now();
	dma_fence_context_destroy(context);
	if (signaled != ops)
		bench_fail("a fence was not signaled");
	return end - begin;
}

static int64_t context_1(uint64_t ops)
{
	return context(ops, 1);
}

static int64_t context_64(uint64_t ops)
{
	return context(ops, 64);
}

/* The table */

#define FLOOR(name, times) { { { name, times } }, 0 }
#define FLOOR_2(name, times, other, others) { { { name, times }, { other, others } }, 0 }

/*
 * How many atomic operations a path cannot do without stands in docs/performance.md; the floors say
 * what that many cost one after the other with nothing in between.
 */
static const struct bench_variant variants[] = {
	{ .group = "floor", .name = "load", .unit = "call", .ops = 8000000, .run = bench_load },
	{ .group = "floor", .name = "atomic", .unit = "call", .ops = 8000000,
	  .run = bench_atomic },
	{ .group = "floor", .name = "clock", .unit = "call", .ops = 2000000, .run = clock_read },
	{ .group = "floor", .name = "malloc-free", .unit = "pair", .ops = 4000000,
	  .run = malloc_free },
	{ .group = "floor", .name = "futex-wake-nobody", .unit = "call", .ops = 400000,
	  .run = futex_wake_nobody },

	{ .group = "lifecycle", .name = "lifecycle", .unit = "fence", .ops = 2000000,
	  .run = lifecycle,
	  .floor = { { { "clock", 1 }, { "atomic", 3 } }, 5 }, .limit = 1 },
	{ .group = "lifecycle", .name = "lifecycle-no-clock", .unit = "fence", .ops = 4000000,
	  .run = lifecycle_no_clock, .floor = { { { "atomic", 3 } }, 5 } },
	{ .group = "lifecycle", .name = "callback", .unit = "fence", .ops = 2000000,
	  .run = lifecycle_callback, .floor = FLOOR_2("clock", 1, "atomic", 4) },
	{ .group = "lifecycle", .name = "callback-no-clock", .unit = "fence", .ops = 2000000,
	  .run = lifecycle_callback_no_clock, .floor = FLOOR("atomic", 4) },
	{ .group = "lifecycle", .name = "8-callbacks-no-clock", .unit = "callback", .ops = 4000000,
	  .run = lifecycle_8_callbacks_no_clock, .floor = FLOOR("atomic", 27.0 / 8) },
	{ .group = "lifecycle", .name = "heap-no-clock", .unit = "fence", .ops = 200000,
	  .run = lifecycle_heap_no_clock, .floor = FLOOR_2("malloc-free", 1, "atomic", 3) },
	{ .group = "lifecycle", .name = "heap-all-threads", .unit = "fence", .ops = 200000,
	  .run = lifecycle_heap_all_threads, .floor = FLOOR_2("malloc-free", 1, "atomic", 3) },

	{ .group = "reference", .name = "get-put", .unit = "pair", .ops = 4000000, .run = get_put,
	  .floor = FLOOR("atomic", 2) },

	{ .group = "query", .name = "is-signaled-pending", .unit = "call", .ops = 8000000,
	  .run = is_signaled_pending, .floor = FLOOR("load", 1) },
	/* A load and a branch: a cycle or two. A call or an atomic operation would stand out. */
	{ .group = "query", .name = "is-signaled", .unit = "call", .ops = 8000000,
	  .run = is_signaled_signaled, .floor = { { { "load", 1 } }, 1 }, .limit = 1 },

	{ .group = "callback", .name = "add-remove", .unit = "pair", .ops = 2000000,
	  .run = add_remove, .floor = FLOOR("atomic", 3) },

	{ .group = "context", .name = "context-1", .unit = "fence", .ops = 500000,
	  .run = context_1, .floor = FLOOR_2("clock", 1, "atomic", 10) },
	{ .group = "context", .name = "context-64", .unit = "fence", .ops = 1000000,
	  .run = context_64, .floor = FLOOR_2("clock", 1.0 / 64, "atomic", 6 + 6.0 / 64) },

	{ .group = "sleeping", .name = "futex-hand-off", .unit = "wake-up", .ops = 1000,
	  .run_together = bench_wake_sleeping, .together = BENCH_SLEEPING_ROWS, .two_cpus = true },
	{ .group = "sleeping", .name = "wake-sleeping", .unit = "wake-up", .ops = 1000,
	  .two_cpus = true, .floor = FLOOR("futex-hand-off", 1), .limit = 1.1 },

	{ .group = "spinning", .name = "line-hand-off-again", .unit = "hand-over", .ops = 256000,
	  .run_together = bench_wake_spinning, .together = BENCH_SPINNING_ROWS, .two_cpus = true },
	{ .group = "spinning", .name = "line-hand-off", .unit = "hand-over", .ops = 256000,
	  .two_cpus = true },
	{ .group = "spinning", .name = "wake-spinning", .unit = "hand-over", .ops = 256000,
	  .two_cpus = true, .floor = FLOOR("line-hand-off", 1), .limit = 1.5 },
	{ .group = "spinning", .name = "wake-spinning-no-clock", .unit = "hand-over",
	  .ops = 256000, .two_cpus = true, .floor = FLOOR("line-hand-off", 1) },
};

int main(int argc, char **argv)
{
	/*
	 * The thread that returns memory is started by the first fence that is freed, and inherits
	 * the CPUs that may be used: that must not be the one CPU of the measuring thread.
	 */
	dma_fence_put(dma_fence_allocate_private_stub(SOME_TIME));
	dma_fence_rcu_barrier();
	return bench_main(argc, argv, variants, sizeof(variants) / sizeof(variants[0]));
}
