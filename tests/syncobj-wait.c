/* SPDX-License-Identifier: MIT */
/* Waiting for points of sync objects, of one process and shared: one, any, all; eventfds. */
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "asleep.h"
#include "fds.h"

#include "failing-malloc.h"

#include "base/hooks.h"

#define ALL	   DMA_FENCE_SYNCOBJ_WAIT_ALL
#define FOR_SUBMIT DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT
#define AVAILABLE  DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE
#define FOREVER	   DMA_FENCE_WAIT_FOREVER

#define MANY 1000

/* Most cases are for both kinds. */
static unsigned int kind;
static int many;
static struct dma_fence_syncobj *objects[MANY];
static struct dma_fence_syncobj_point points[MANY];
static long live_before;

static long live_blocks(void)
{
	return __atomic_load_n(&failing_malloc_live, __ATOMIC_SEQ_CST);
}

static int setup_objects(void **state, unsigned int flags, int count)
{
	int i;

	fd_setup(state);
	failing_malloc_in = -1;
	dma_fence_rcu_barrier();
	live_before = live_blocks();
	kind = flags;
	many = count;
	for (i = 0; i < many; i++) {
		objects[i] = dma_fence_syncobj_create(kind);
		assert_non_null(objects[i]);
		points[i] = (struct dma_fence_syncobj_point){ objects[i], 1 };
	}
	return 0;
}

static int setup(void **state)
{
	return setup_objects(state, 0, MANY);
}

/* Each has fds of its own. */
static int setup_shared(void **state)
{
	return setup_objects(state, DMA_FENCE_SYNCOBJ_CREATE_SHARED, 100);
}

static int teardown(void **state)
{
	int64_t end = clock_now() + PATIENCE * SECOND;
	int i;

	for (i = 0; i < many; i++)
		dma_fence_syncobj_put(objects[i]);
	/* The library's thread may take a moment to let go of what was waited for. */
	do {
		dma_fence_rcu_barrier();
	} while (live_blocks() != live_before && clock_now() < end);
	assert_int_equal(live_blocks(), live_before);
	return fd_teardown(state);
}

#define local_test(func)  cmocka_unit_test_setup_teardown(func, setup, teardown)
#define shared_test(func) cmocka_unit_test_setup_teardown(func, setup_shared, teardown)
#define both_tests(func)  local_test(func), shared_test(func)

static struct dma_fence *add(int object, uint64_t point)
{
	struct dma_fence *fence = create_fence();

	assert_int_equal(dma_fence_syncobj_add_point(objects[object], point, fence), 0);
	return fence;
}

static void signal_and_put(struct dma_fence *fence)
{
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static int64_t ask(uint32_t count, unsigned int flags, uint32_t *idx)
{
	return dma_fence_syncobj_wait(points, count, flags, false, 0, idx);
}

static int64_t wait_for(uint32_t count, unsigned int flags, int64_t timeout, uint32_t *idx)
{
	return dma_fence_syncobj_wait(points, count, flags, false, timeout, idx);
}

/* A thread that waits, and where it is. */

struct waiting {
	pthread_t thread;
	struct asleep asleep;
	uint32_t first, count;
	unsigned int flags;
	bool intr;
	int64_t timeout, result;
	uint32_t idx;
	int done;
};

static void *wait_on(void *arg)
{
	struct waiting *waiting = arg;

	asleep_begin(&waiting->asleep);
	waiting->result =
		dma_fence_syncobj_wait(points + waiting->first, waiting->count, waiting->flags,
				       waiting->intr, waiting->timeout, &waiting->idx);
	set_flag(&waiting->done);
	return NULL;
}

static void begin_at(struct waiting *waiting, uint32_t first, uint32_t count, unsigned int flags,
		     int64_t timeout)
{
	bool intr = waiting->intr;

	*waiting = (struct waiting){ .first = first,
				     .count = count,
				     .flags = flags,
				     .intr = intr,
				     .timeout = timeout,
				     .idx = 12345 };
	waiting->thread = start(wait_on, waiting);
	await_asleep(&waiting->asleep);
}

static void begin(struct waiting *waiting, uint32_t count, unsigned int flags)
{
	begin_at(waiting, 0, count, flags, FOREVER);
}

static bool still_waits(struct waiting *waiting)
{
	sleep_ns(MS);
	await_asleep(&waiting->asleep);
	return !atomic_load_acquire(&waiting->done);
}

static int64_t end(struct waiting *waiting)
{
	join(waiting->thread);
	return waiting->result;
}

/* One */

static void arguments(void **state)
{
	struct dma_fence_syncobj_point none = { NULL, 1 };

	(void)state;
	assert_int_equal(dma_fence_syncobj_wait(NULL, 1, 0, false, 0, NULL), -EINVAL);
	assert_int_equal(dma_fence_syncobj_wait(points, 0, 0, false, 0, NULL), -EINVAL);
	assert_int_equal(dma_fence_syncobj_wait(points, 1, 8, false, 0, NULL), -EINVAL);
	assert_int_equal(dma_fence_syncobj_wait(points, 1, 0, false, -1, NULL), -EINVAL);
	assert_int_equal(dma_fence_syncobj_wait(&none, 1, 0, false, 0, NULL), -EINVAL);
	/* Point 1 of a binary object, and the fence of a timeline. */
	dma_fence_syncobj_signal(objects[0]);
	assert_int_equal(ask(1, 0, NULL), -EINVAL);
	assert_int_equal(ask(1, FOR_SUBMIT, NULL), -EINVAL);
	assert_int_equal(wait_for(1, FOR_SUBMIT, SECOND, NULL), -EINVAL);
	assert_int_equal(wait_for(2, FOR_SUBMIT, SECOND, NULL), -EINVAL);
	dma_fence_syncobj_signal_point(objects[1], 1);
	points[1].point = 0;
	assert_int_equal(dma_fence_syncobj_wait(&points[1], 1, FOR_SUBMIT, false, SECOND, NULL),
			 -EINVAL);
}

static void passed(void **state)
{
	uint32_t idx = 12345;

	(void)state;
	dma_fence_syncobj_signal_point(objects[0], 5);
	assert_int_equal(ask(1, 0, &idx), 1);
	assert_int_equal(idx, 0);
	assert_true(wait_for(1, 0, 77, NULL) > 0);
	assert_int_equal(wait_for(1, 0, 77, NULL), 77);
	assert_int_equal(wait_for(1, ALL | AVAILABLE, FOREVER, NULL), FOREVER);
	idx = 12345;
	assert_int_equal(wait_for(1, ALL, FOREVER, &idx), FOREVER);
	assert_int_equal(idx, 12345);
}

/* With one point, with several, of which one has passed or all, and binary as well. */
static void no_system_call_if_it_can_end_at_once(void **state)
{
	struct dma_fence *fence = add(3, 1);
	uint32_t idx;
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		dma_fence_syncobj_signal_point(objects[i], 1);
	dma_fence_syncobj_signal(objects[4]);
	points[4].point = 0;
	for (i = 0; i < 2; i++) {
		atomic_store_relaxed(&system_calls, 0);
		failing_malloc_in = 1;
		assert_int_equal(ask(1, 0, NULL), 1);
		assert_true(wait_for(1, 0, SECOND, NULL) > 0);
		assert_true(wait_for(3, ALL, SECOND, NULL) > 0);
		assert_true(wait_for(4, 0, SECOND, &idx) > 0);
		assert_int_equal(idx, 0);
		assert_int_equal(dma_fence_syncobj_wait(&points[3], 2, 0, false, 0, &idx), 1);
		assert_int_equal(idx, 1);
		assert_int_equal(dma_fence_syncobj_wait(&points[4], 1, 0, false, 0, &idx), 1);
		/* What is asked is answered at once, too. */
		assert_int_equal(ask(4, ALL, &idx), 0);
		assert_int_equal(idx, 3);
		assert_int_equal(dma_fence_syncobj_wait(&points[3], 1, 0, false, 0, NULL), 0);
		assert_int_equal(dma_fence_syncobj_wait(&points[5], 1, FOR_SUBMIT, false, 0, NULL),
				 0);
		assert_int_equal(failing_malloc_in, 1);
		assert_int_equal(atomic_load_relaxed(&system_calls), 0);
	}
	failing_malloc_in = -1;
	signal_and_put(fence);
}

static void nobody_has_promised_it(void **state)
{
	uint32_t idx = 12345;

	(void)state;
	assert_int_equal(ask(1, 0, &idx), -ENOENT);
	assert_int_equal(wait_for(1, 0, FOREVER, &idx), -ENOENT);
	assert_int_equal(idx, 12345);
	assert_int_equal(wait_for(1, ALL, FOREVER, &idx), -ENOENT);
	assert_int_equal(idx, 0);
	assert_int_equal(ask(1, FOR_SUBMIT, NULL), 0);
	assert_int_equal(wait_for(1, FOR_SUBMIT, 3 * MS, NULL), 0);
	assert_int_equal(wait_for(1, AVAILABLE, 3 * MS, NULL), 0);

	/* Of several: one that has signaled is enough for one, and not for all. */
	idx = 12345;
	assert_int_equal(wait_for(3, 0, FOREVER, &idx), -ENOENT);
	assert_int_equal(idx, 12345);
	dma_fence_syncobj_signal_point(objects[2], 1);
	assert_int_equal(wait_for(3, 0, FOREVER, &idx), FOREVER);
	assert_int_equal(idx, 2);
	dma_fence_syncobj_signal_point(objects[0], 1);
	assert_int_equal(wait_for(3, ALL, FOREVER, &idx), -ENOENT);
	assert_int_equal(idx, 1);
	assert_int_equal(wait_for(3, ALL | FOR_SUBMIT, 3 * MS, &idx), 0);
	assert_int_equal(idx, 1);
}

static void times_out(void **state)
{
	struct dma_fence *fences[2] = { add(0, 1), add(1, 1) };
	int64_t before;
	uint32_t idx;
	int flags;

	(void)state;
	for (flags = 0; flags < 2; flags++) {
		for (idx = 1; idx <= 2; idx++) {
			before = clock_now();
			assert_int_equal(wait_for(idx, (unsigned int)flags, 10 * MS, NULL), 0);
			assert_true(clock_now() - before >= 10 * MS);
		}
	}
	signal_and_put(fences[0]);
	idx = 12345;
	assert_int_equal(wait_for(2, ALL, 10 * MS, &idx), 0);
	assert_int_equal(idx, 1);
	assert_int_equal(ask(2, ALL, &idx), 0);
	signal_and_put(fences[1]);
}

static void one_is_woken(void **state)
{
	struct waiting waiting = { 0 };
	struct dma_fence *fence = add(0, 4);
	int64_t before = clock_now();

	(void)state;
	begin_at(&waiting, 0, 1, 0, 100 * SECOND);
	signal_and_put(fence);
	assert_time_left(end(&waiting), 100 * SECOND, before);
	assert_int_equal(waiting.idx, 0);
}

/* What has failed has ended. */
static void failure_is_success(void **state)
{
	struct dma_fence_promise *promise = dma_fence_syncobj_promise(objects[0], 1);
	struct waiting waiting = { 0 };

	(void)state;
	begin(&waiting, 1, 0);
	dma_fence_promise_drop(promise);
	assert_int_equal(end(&waiting), FOREVER);
	assert_int_equal(dma_fence_syncobj_status(objects[0], 1), -ECANCELED);
	assert_int_equal(wait_for(1, 0, FOREVER, NULL), FOREVER);
	assert_int_equal(wait_for(1, ALL, FOREVER, NULL), FOREVER);
}

static int enabled;

static bool enable(struct dma_fence *fence)
{
	(void)fence;
	enabled++;
	return true;
}

/* So that a producer who has to be told is, also by who only asks. */
static void enables(void **state)
{
	static const struct dma_fence_ops ops = { .enable_signaling = enable };
	int how;

	(void)state;
	for (how = 0; how < 6; how++) {
		struct dma_fence *fence = malloc(sizeof(*fence));
		uint32_t count = how < 3 ? 1 : 2;
		unsigned int flags = how == 2 || how == 5 ? AVAILABLE : how == 4 ? ALL : 0;

		enabled = 0;
		dma_fence_init(fence, &ops, dma_fence_context_alloc(1), 1);
		assert_int_equal(dma_fence_syncobj_reset(objects[0]), 0);
		assert_int_equal(dma_fence_syncobj_add_point(objects[0], 1, fence), 0);
		dma_fence_syncobj_reset(objects[1]);
		assert_int_equal(dma_fence_syncobj_add_point(objects[1], 1, fence), 0);
		ask(count, flags, NULL);
		assert_int_equal(enabled, flags & AVAILABLE ? 0 : 1);
		signal_and_put(fence);
	}
}

/* Before anybody has promised */

static void waits_for_submit(void **state)
{
	static const unsigned int flags[] = { FOR_SUBMIT, FOR_SUBMIT | ALL };
	struct waiting waiting = { 0 };
	struct dma_fence *fence;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		uint32_t count;

		for (count = 1; count <= 2; count++) {
			dma_fence_syncobj_reset(objects[0]);
			dma_fence_syncobj_reset(objects[1]);
			if (flags[i] & ALL)
				dma_fence_syncobj_signal_point(objects[1], 1);
			points[0].point = 5;
			begin(&waiting, count, flags[i]);
			fence = add(0, 3);
			assert_true(still_waits(&waiting));
			signal_and_put(fence);
			assert_true(still_waits(&waiting));
			fence = add(0, 8);
			assert_true(still_waits(&waiting));
			signal_and_put(fence);
			assert_int_equal(end(&waiting), FOREVER);
			assert_int_equal(waiting.idx, flags[i] & ALL ? 12345 : 0);
		}
	}
}

static void waits_until_available(void **state)
{
	static const unsigned int flags[] = { AVAILABLE, AVAILABLE | FOR_SUBMIT, AVAILABLE | ALL };
	struct waiting waiting = { 0 };
	struct dma_fence_promise *promise;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		dma_fence_syncobj_reset(objects[0]);
		begin(&waiting, 1, flags[i]);
		promise = dma_fence_syncobj_promise(objects[0], 1);
		assert_int_equal(end(&waiting), FOREVER);
		assert_int_equal(wait_for(1, flags[i], 0, NULL), 1);
		assert_int_equal(wait_for(1, FOR_SUBMIT, 0, NULL), 0);
		dma_fence_promise_drop(promise);
	}

	/* Binary */
	points[1].point = 0;
	begin_at(&waiting, 1, 1, AVAILABLE, FOREVER);
	promise = dma_fence_syncobj_promise(objects[1], 0);
	assert_int_equal(end(&waiting), FOREVER);
	dma_fence_promise_drop(promise);
}

/* It is the fence that was there first: nothing that is done with the object changes that. */
static void waits_for_what_was_there(void **state)
{
	struct waiting timeline = { 0 }, binary = { 0 };
	struct dma_fence *point, *fence = create_fence();

	(void)state;
	points[1].point = 0;
	begin(&timeline, 1, FOR_SUBMIT);
	begin_at(&binary, 1, 1, FOR_SUBMIT, FOREVER);
	dma_fence_syncobj_reset(objects[0]);
	dma_fence_syncobj_reset(objects[1]);
	assert_true(still_waits(&timeline));
	assert_true(still_waits(&binary));
	point = add(0, 1);
	dma_fence_syncobj_replace_fence(objects[1], fence);
	dma_fence_syncobj_reset(objects[0]);
	dma_fence_syncobj_signal(objects[0]);
	dma_fence_syncobj_signal(objects[1]);
	assert_true(still_waits(&timeline));
	assert_true(still_waits(&binary));
	signal_and_put(point);
	signal_and_put(fence);
	assert_int_equal(end(&timeline), FOREVER);
	assert_int_equal(end(&binary), FOREVER);
}

/* Who waits for what can no longer come is told. */
static void object_comes_to_be_of_the_other_kind(void **state)
{
	static const unsigned int flags[] = { FOR_SUBMIT, FOR_SUBMIT | ALL };
	struct waiting waiting = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		dma_fence_syncobj_reset(objects[0]);
		dma_fence_syncobj_reset(objects[1]);
		points[0].point = 1;
		points[1].point = 0;
		begin(&waiting, 1, flags[i]);
		dma_fence_syncobj_signal(objects[0]);
		assert_int_equal(end(&waiting), -EINVAL);

		begin_at(&waiting, 1, 1, flags[i], FOREVER);
		dma_fence_syncobj_signal_point(objects[1], 1);
		assert_int_equal(end(&waiting), -EINVAL);

		/* One of several. */
		points[2].point = 0;
		dma_fence_syncobj_reset(objects[2]);
		begin_at(&waiting, 2, 2, flags[i], FOREVER);
		dma_fence_syncobj_signal_point(objects[2], 1);
		assert_int_equal(end(&waiting), -EINVAL);
		assert_int_equal(waiting.idx, flags[i] & ALL ? 0 : 12345);
	}
}

static void handler(int signum)
{
	(void)signum;
}

static void handlers_interrupt(void **state)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct dma_fence *fence = add(1, 1);
	unsigned int flags;
	uint32_t first;

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	for (first = 0; first < 2; first++) {
		for (flags = 0; flags < 2; flags++) {
			uint32_t count;

			for (count = 1; count <= 2; count++) {
				struct waiting waiting = { .intr = true };

				begin_at(&waiting, first, count, flags | FOR_SUBMIT, FOREVER);
				pthread_kill(waiting.thread, SIGUSR1);
				assert_int_equal(end(&waiting), -EINTR);
				assert_int_equal(waiting.idx, flags & ALL ? 0 : 12345);

				waiting.intr = false;
				begin_at(&waiting, first, count, flags | FOR_SUBMIT, 30 * MS);
				pthread_kill(waiting.thread, SIGUSR1);
				assert_int_equal(end(&waiting), 0);
			}
		}
	}
	signal_and_put(fence);
}

/* Several */

static void any_of_several(void **state)
{
	const uint32_t counts[] = { 2, 16, 17, (uint32_t)many };
	struct waiting waiting = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		const uint32_t count = counts[i];
		struct dma_fence **fences = calloc(count, sizeof(*fences));
		uint32_t k;

		/* One in three is promised later. */
		for (k = 0; k < count; k++) {
			dma_fence_syncobj_reset(objects[k]);
			if (k % 3)
				fences[k] = add((int)k, 1);
		}
		begin(&waiting, count, FOR_SUBMIT);
		for (k = 0; k < count; k += 3)
			fences[k] = add((int)k, 2);
		assert_true(still_waits(&waiting));
		k = count / 2;
		dma_fence_signal(fences[k]);
		assert_int_equal(end(&waiting), FOREVER);
		assert_int_equal(waiting.idx, k);
		/* And nothing is left on any of the others. */
		for (k = 0; k < count; k++) {
			assert_int_equal(references(fences[k]), kind ? 1 : 2);
			signal_and_put(fences[k]);
		}
		free(fences);
	}
}

static void all_of_several(void **state)
{
	const uint32_t counts[] = { 2, 16, 17, (uint32_t)many };
	struct waiting waiting = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		const uint32_t count = counts[i];
		struct dma_fence **fences = calloc(count, sizeof(*fences));
		uint32_t k;

		for (k = 0; k < count; k++) {
			dma_fence_syncobj_reset(objects[k]);
			if (k % 3)
				fences[k] = add((int)k, 1);
		}
		begin(&waiting, count, FOR_SUBMIT | ALL);
		/* From the last one on: so it waits for the first to the end. */
		for (k = count; k--;) {
			assert_false(atomic_load_acquire(&waiting.done));
			if (!fences[k])
				fences[k] = add((int)k, 2);
			assert_false(atomic_load_acquire(&waiting.done));
			signal_and_put(fences[k]);
		}
		assert_int_equal(end(&waiting), FOREVER);
		assert_int_equal(waiting.idx, 12345);
		free(fences);
	}
}

static void available_of_several(void **state)
{
	struct waiting any = { 0 }, all = { 0 };
	struct dma_fence *fences[3];

	(void)state;
	begin(&any, 3, AVAILABLE);
	begin(&all, 3, AVAILABLE | ALL);
	fences[2] = add(2, 1);
	assert_int_equal(end(&any), FOREVER);
	assert_int_equal(any.idx, 2);
	fences[0] = add(0, 1);
	assert_true(still_waits(&all));
	fences[1] = add(1, 1);
	assert_int_equal(end(&all), FOREVER);
	assert_int_equal(ask(3, ALL | AVAILABLE, NULL), 1);
	assert_int_equal(ask(3, 0, NULL), 0);
	signal_and_put(fences[0]);
	signal_and_put(fences[1]);
	signal_and_put(fences[2]);
}

static void the_same_point_twice(void **state)
{
	struct waiting any = { 0 }, all = { 0 };

	(void)state;
	points[1] = points[0];
	points[2] = points[0];
	points[2].point = 2;
	begin(&any, 3, FOR_SUBMIT);
	begin(&all, 3, FOR_SUBMIT | ALL);
	dma_fence_syncobj_signal_point(objects[0], 1);
	assert_int_equal(end(&any), FOREVER);
	assert_int_equal(any.idx, 0);
	assert_true(still_waits(&all));
	dma_fence_syncobj_signal_point(objects[0], 2);
	assert_int_equal(end(&all), FOREVER);
}

/* Both have when the second is looked at; when the first was, neither had. */
static struct dma_fence *both[2];

static void signal_both(struct dma_fence *fence, struct dma_fence_cb *cb,
			void (*func)(struct dma_fence *, struct dma_fence_cb *), int result)
{
	(void)cb;
	(void)func;
	if (fence != both[0] || result)
		return;
	dma_fence_signal(both[0]);
	dma_fence_signal(both[1]);
}

static void the_first_of_those_that_have(void **state)
{
	static const struct hooks hooks = { .add_callback = signal_both };
	uint32_t idx = 12345, i;

	(void)state;
	for (i = 0; i < 2; i++) {
		points[i].point = 0;
		both[i] = create_fence();
		assert_int_equal(dma_fence_syncobj_replace_fence(objects[i], both[i]), 0);
	}
	dma_fence_hooks_add(&hooks);
	assert_int_equal(wait_for(2, 0, FOREVER, &idx), FOREVER);
	dma_fence_hooks_remove(&hooks);
	assert_int_equal(idx, 0);
	for (i = 0; i < 2; i++)
		dma_fence_put(both[i]);
}

static void several_need_memory(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		failing_malloc_in = 1;
		assert_int_equal(wait_for(16, FOR_SUBMIT | (i ? ALL : 0), MS, NULL), 0);
		assert_int_equal(failing_malloc_in, 1);
		assert_int_equal(wait_for(17, FOR_SUBMIT | (i ? ALL : 0), MS, NULL), -ENOMEM);
		assert_int_equal(failing_malloc_in, -1);
		assert_int_equal(wait_for(17, FOR_SUBMIT | (i ? ALL : 0), MS, NULL), 0);
	}
}

/* In a callback: what has signaled has, even if its callbacks run on this very thread. */
static int64_t result_in_callback;

static void wait_in_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	result_in_callback = wait_for(1, 0, FOREVER, NULL);
}

static void waits_in_a_callback(void **state)
{
	struct dma_fence *fence = create_fence();
	struct dma_fence_cb cb;

	(void)state;
	dma_fence_syncobj_replace_fence(objects[0], fence);
	points[0].point = 0;
	assert_int_equal(dma_fence_add_callback(fence, &cb, wait_in_callback), 0);
	signal_and_put(fence);
	assert_int_equal(result_in_callback, FOREVER);
}

/* A thousand that wait for as many points of one timeline, in no order. */
static void thousand_waiters(void **state)
{
	static struct waiting waiting[MANY];
	const int waiters = UNDER_SANITIZER ? 100 : MANY;
	struct dma_fence *fences[MANY / 10];
	int i;

	(void)state;
	for (i = 0; i < waiters; i++) {
		points[i].syncobj = objects[0];
		points[i].point = (uint64_t)(i * 7919 % waiters) + 1;
	}
	for (i = 0; i < waiters; i++) {
		waiting[i] = (struct waiting){
			.first = (uint32_t)i, .count = 1, .flags = FOR_SUBMIT, .timeout = FOREVER
		};
		waiting[i].thread = start(wait_on, &waiting[i]);
	}
	for (i = 0; i < waiters; i++)
		await_asleep(&waiting[i].asleep);
	for (i = 0; i < waiters / 10; i++)
		fences[i] = add(0, 10 * (uint64_t)(i + 1));
	for (i = waiters / 10; i--;)
		signal_and_put(fences[i]);
	for (i = 0; i < waiters; i++)
		assert_int_equal(end(&waiting[i]), FOREVER);
}

/* Transfers that wait */

struct transfer {
	pthread_t thread;
	struct asleep asleep;
	int done, result;
};

static void *transfer(void *arg)
{
	struct transfer *transfer = arg;

	asleep_begin(&transfer->asleep);
	transfer->result = dma_fence_syncobj_transfer(objects[1], 9, objects[0], 2, FOR_SUBMIT);
	set_flag(&transfer->done);
	return NULL;
}

static void begin_transfer(struct transfer *begun)
{
	memset(begun, 0, sizeof(*begun));
	begun->thread = start(transfer, begun);
	await_asleep(&begun->asleep);
}

static void transfer_waits_for_submit(void **state)
{
	const struct dma_fence_syncobj_point passed_on = { objects[1], 9 };
	struct sigaction action = { .sa_handler = handler };
	struct transfer transfer;
	struct dma_fence *fence;

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	begin_transfer(&transfer);
	pthread_kill(transfer.thread, SIGUSR1);
	join(transfer.thread);
	assert_int_equal(transfer.result, -EINTR);

	begin_transfer(&transfer);
	fence = add(0, 1);
	sleep_ns(MS);
	assert_false(atomic_load_acquire(&transfer.done));
	signal_and_put(fence);
	fence = add(0, 2);
	join(transfer.thread);
	assert_int_equal(transfer.result, 0);
	assert_int_equal(dma_fence_syncobj_status(objects[1], 9), 0);
	signal_and_put(fence);
	/* Of a shared object it may be the watcher's thread that passes that on. */
	assert_int_equal(dma_fence_syncobj_wait(&passed_on, 1, 0, false, FOREVER, NULL), FOREVER);
	assert_int_equal(dma_fence_syncobj_status(objects[1], 9), 1);
}

/* Eventfds */

static int dup_fd(uint64_t point, int fd, unsigned int flags)
{
	return dma_fence_syncobj_eventfd_dup_fd(objects[0], point, fd, flags);
}

static uint64_t count_of(int fd)
{
	uint64_t count = 0;

	if (events_of(fd) & POLLIN)
		assert_int_equal(read(fd, &count, sizeof(count)), sizeof(count));
	return count;
}

/* Of a shared object it may be the watcher's thread that writes. */
static void assert_counted(int fd, uint64_t count)
{
	int64_t end = clock_now() + PATIENCE * SECOND;
	uint64_t counted = count_of(fd);

	while (counted < count && clock_now() < end) {
		sched_yield();
		counted += count_of(fd);
	}
	assert_int_equal(counted, count);
}

static void eventfd_arguments(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC), other = open("/dev/null", O_RDWR | O_CLOEXEC);
	int pair[2], path;
	char name[32];

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(dma_fence_syncobj_eventfd_dup_fd(NULL, 1, fd, 0), -EINVAL);
	assert_int_equal(dup_fd(1, fd, FOR_SUBMIT), -EINVAL);
	assert_int_equal(dup_fd(1, fd, ALL), -EINVAL);
	assert_int_equal(dup_fd(1, -1, 0), -EBADF);
	assert_int_equal(dup_fd(1, 1000000, 0), -EBADF);
	assert_int_equal(dup_fd(1, other, 0), -EINVAL);
	/* One that can only be named. */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	path = open(name, O_PATH | O_CLOEXEC);
	assert_true(path >= 0);
	assert_int_equal(dup_fd(1, path, 0), -EINVAL);
	close(path);
	assert_int_equal(dup_fd(1, pair[0], 0), -EINVAL);
	assert_int_equal(dup_fd(1, pair[1], 0), -EINVAL);
	dma_fence_syncobj_signal(objects[0]);
	assert_int_equal(dup_fd(1, fd, 0), -EINVAL);
	assert_int_equal(dup_fd(1, fd, AVAILABLE), -EINVAL);
	dma_fence_syncobj_reset(objects[0]);
	dma_fence_syncobj_signal_point(objects[0], 1);
	assert_int_equal(dup_fd(0, fd, 0), -EINVAL);
	assert_int_equal(count_of(fd), 0);
	close(fd);
	close(other);
	close(pair[0]);
	close(pair[1]);
}

static void eventfd_is_written_to_once(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC), available = eventfd(0, EFD_CLOEXEC);
	struct dma_fence *fence;

	(void)state;
	/* Before the promise, after it, and after the signal. */
	assert_int_equal(dup_fd(5, fd, 0), 0);
	assert_int_equal(dup_fd(5, available, AVAILABLE), 0);
	fence = add(0, 4);
	signal_and_put(fence);
	assert_int_equal(count_of(fd) + count_of(available), 0);
	fence = add(0, 7);
	assert_counted(available, 1);
	assert_int_equal(count_of(fd), 0);
	assert_int_equal(dup_fd(6, fd, 0), 0);
	assert_int_equal(dup_fd(7, available, AVAILABLE), 0);
	assert_counted(available, 1);
	signal_and_put(fence);
	assert_counted(fd, 2);
	assert_int_equal(dup_fd(7, fd, 0), 0);
	assert_int_equal(dup_fd(1, fd, AVAILABLE), 0);
	assert_counted(fd, 2);
	assert_int_equal(count_of(available), 0);

	/* The caller's is not needed. */
	fence = add(0, 8);
	assert_int_equal(dup_fd(8, fd, 0), 0);
	close(fd);
	signal_and_put(fence);
	close(available);
}

static void eventfd_of_a_binary_object(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC), other = eventfd(0, EFD_CLOEXEC);
	struct dma_fence *fence = create_fence();

	(void)state;
	assert_int_equal(dup_fd(0, fd, 0), 0);
	/* Before it is known what the object will be used as: what is meant comes later. */
	assert_int_equal(dup_fd(3, other, 0), 0);
	dma_fence_syncobj_replace_fence(objects[0], fence);
	dma_fence_syncobj_signal(objects[0]);
	assert_int_equal(count_of(fd), 0);
	signal_and_put(fence);
	assert_counted(fd, 1);
	assert_int_equal(count_of(other), 0);
	dma_fence_syncobj_reset(objects[0]);
	dma_fence_syncobj_signal_point(objects[0], 3);
	assert_counted(other, 1);
	close(fd);
	close(other);
}

static void eventfd_of_what_never_comes(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC), i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(dup_fd((uint64_t)i, fd, 0), 0);
		assert_int_equal(dup_fd((uint64_t)i, fd, AVAILABLE), 0);
	}
	dma_fence_syncobj_put(objects[0]);
	assert_int_equal(count_of(fd), 0);
	close(fd);
	objects[0] = dma_fence_syncobj_create(kind);
}

/* Nobody's signal waits until there is room in the count of an eventfd. */
static void full_eventfd_is_left_alone(void **state)
{
	const uint64_t most = UINT64_MAX - 1;
	int fd = eventfd(0, EFD_CLOEXEC);

	(void)state;
	assert_int_equal(write(fd, &most, sizeof(most)), sizeof(most));
	assert_int_equal(dup_fd(1, fd, 0), 0);
	dma_fence_syncobj_signal_point(objects[0], 1);
	assert_true(count_of(fd) == most);
	close(fd);
}

static void limit_fds(int limit)
{
	struct rlimit fds;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &fds), 0);
	fds.rlim_cur = (rlim_t)limit;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &fds), 0);
}

/* The table has no gaps below: a test that leaves one behind has failed. */
static void eventfds_need_memory_and_fds(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	struct dma_fence *fence;

	(void)state;
	failing_malloc_in = 1;
	assert_int_equal(dup_fd(1, fd, 0), -ENOMEM);
	assert_int_equal(failing_malloc_in, -1);
	limit_fds(fd + 1);
	assert_int_equal(dup_fd(1, fd, 0), -EMFILE);
	limit_fds(fd + 2);
	assert_int_equal(dup_fd(1, fd, 0), 0);
	assert_int_equal(dup_fd(1, fd, 0), -EMFILE);
	fence = add(0, 1);
	signal_and_put(fence);
	assert_counted(fd, 1);
	limit_fds(1000);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		both_tests(arguments),
		both_tests(passed),
		both_tests(no_system_call_if_it_can_end_at_once),
		both_tests(nobody_has_promised_it),
		both_tests(times_out),
		both_tests(one_is_woken),
		both_tests(failure_is_success),
		local_test(enables),
		both_tests(waits_for_submit),
		both_tests(waits_until_available),
		local_test(waits_for_what_was_there),
		both_tests(object_comes_to_be_of_the_other_kind),
		both_tests(handlers_interrupt),
		both_tests(any_of_several),
		both_tests(all_of_several),
		both_tests(available_of_several),
		both_tests(the_same_point_twice),
		local_test(the_first_of_those_that_have),
		local_test(several_need_memory),
		both_tests(waits_in_a_callback),
		both_tests(thousand_waiters),
		both_tests(transfer_waits_for_submit),
		both_tests(eventfd_arguments),
		both_tests(eventfd_is_written_to_once),
		both_tests(eventfd_of_a_binary_object),
		both_tests(eventfd_of_what_never_comes),
		both_tests(full_eventfd_is_left_alone),
		local_test(eventfds_need_memory_and_fds),
	};

	return RUN(tests);
}
