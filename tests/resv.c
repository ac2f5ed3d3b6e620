/* SPDX-License-Identifier: MIT */
/*
 * What dmafence/resv.h promises of the fences of a reservation object, one by one; and what a
 * reader finds when a list or a fence changes at the very moment at which he looks at it.
 *
 * Such moments are had on one thread: the back end of a fence is asked, and a reference to a fence
 * is taken, in the middle of a reader's way, and the test changes the list right there.
 */
#include <limits.h>
#include <signal.h>

#include "support.h"

#include "base/debug.h"
#include "base/refcount.h"
#include "failing-malloc.h"
#include "fence/state.h"

#define KERNEL	 DMA_RESV_USAGE_KERNEL
#define WRITE	 DMA_RESV_USAGE_WRITE
#define READ	 DMA_RESV_USAGE_READ
#define BOOKKEEP DMA_RESV_USAGE_BOOKKEEP
#define USAGES	 4

/* A usage that is none. */
#define NO_USAGE ((enum dma_resv_usage)4)

/* The places of the smallest list. */
#define FEWEST 4

#define JOBS 64

struct job {
	struct dma_fence fence;
	bool complete;
	int64_t deadline;
	bool enabled;
};

static struct job jobs[JOBS];
static struct dma_resv obj, other;
static long live_before;

/* Called once, on this thread: when a back end is asked, and before a reader gets a fence. */
static _Thread_local void (*when_asked)(void);
static _Thread_local void (*before_get)(struct dma_fence *fence);

/* Called in its place, if there is one. */
static int64_t (*instead_of_wait)(struct dma_fence *fence, bool intr, int64_t timeout);

/* Read-side sections that have begun, and those that this thread is in. */
static int sections;
static _Thread_local int depth;

/* Called in the release of a fence. */
static void (*when_released)(struct dma_fence *fence);

void __real_free(void *block);

void __real_dma_fence_rcu_read_lock(void);
void __wrap_dma_fence_rcu_read_lock(void);
void __real_dma_fence_rcu_read_unlock(void);
void __wrap_dma_fence_rcu_read_unlock(void);
struct dma_fence *__real_dma_fence_get_rcu(struct dma_fence *fence);
struct dma_fence *__wrap_dma_fence_get_rcu(struct dma_fence *fence);
int64_t __real_dma_fence_wait_timeout(struct dma_fence *fence, bool intr, int64_t timeout);
int64_t __wrap_dma_fence_wait_timeout(struct dma_fence *fence, bool intr, int64_t timeout);

void __wrap_dma_fence_rcu_read_lock(void)
{
	atomic_fetch_add_relaxed(&sections, 1);
	depth++;
	__real_dma_fence_rcu_read_lock();
}

void __wrap_dma_fence_rcu_read_unlock(void)
{
	__real_dma_fence_rcu_read_unlock();
	depth--;
}

static void about_to_get(struct dma_fence *fence)
{
	void (*func)(struct dma_fence * fence) = before_get;

	before_get = NULL;
	if (func)
		func(fence);
}

struct dma_fence *__wrap_dma_fence_get_rcu(struct dma_fence *fence)
{
	assert_true(depth > 0);
	about_to_get(fence);
	return __real_dma_fence_get_rcu(fence);
}

int64_t __wrap_dma_fence_wait_timeout(struct dma_fence *fence, bool intr, int64_t timeout)
{
	if (instead_of_wait)
		return instead_of_wait(fence, intr, timeout);
	return __real_dma_fence_wait_timeout(fence, intr, timeout);
}

static const char *job_name(struct dma_fence *fence)
{
	(void)fence;
	return "job";
}

static bool job_signaled(struct dma_fence *fence)
{
	void (*func)(void) = when_asked;

	when_asked = NULL;
	if (func)
		func();
	return container_of(fence, struct job, fence)->complete;
}

static bool job_enable(struct dma_fence *fence)
{
	container_of(fence, struct job, fence)->enabled = true;
	return true;
}

static void job_deadline(struct dma_fence *fence, int64_t deadline)
{
	container_of(fence, struct job, fence)->deadline = deadline;
}

static void job_release(struct dma_fence *fence)
{
	count_release(fence);
	if (when_released)
		when_released(fence);
}

static const struct dma_fence_ops job_ops = {
	.get_driver_name = job_name,
	.get_timeline_name = job_name,
	.enable_signaling = job_enable,
	.signaled = job_signaled,
	.set_deadline = job_deadline,
	.release = job_release,
};

static struct dma_fence *fence(int i)
{
	return &jobs[i].fence;
}

/* Makes a job's fence anew, before anybody has seen it. */
static struct dma_fence *remake(int i, uint64_t context, uint64_t seqno)
{
	memset(&jobs[i], 0, sizeof(jobs[i]));
	dma_fence_init(&jobs[i].fence, &job_ops, context, seqno);
	return &jobs[i].fence;
}

static uint32_t references(int i)
{
	return atomic_load_relaxed(&jobs[i].fence.refcount);
}

static long live_blocks(void)
{
	return __atomic_load_n(&failing_malloc_live, __ATOMIC_SEQ_CST);
}

/*
 * Each case begins with an object that is locked, by this thread, without fences, and with jobs
 * that are pending, each in a context of its own.
 */
static int setup(void **state)
{
	const uint64_t context = dma_fence_context_alloc(JOBS);
	int i;

	catch_setup(state);
	failing_malloc_in = -1;
	failing_malloc_fill = NULL;
	when_asked = NULL;
	before_get = NULL;
	when_released = NULL;
	instead_of_wait = NULL;
	dma_fence_rcu_barrier();
	live_before = live_blocks();
	for (i = 0; i < JOBS; i++)
		remake(i, context + (uint64_t)i, 10);
	dma_resv_init(&obj);
	dma_resv_init(&other);
	dma_resv_lock(&obj, NULL);
	return 0;
}

/* What the case has made is gone, and of the jobs only the producer's reference is left. */
static void end_case(void)
{
	int i, released = *release_count();

	dma_resv_unlock(&obj);
	dma_resv_fini(&obj);
	dma_resv_fini(&other);
	assert_int_equal(*release_count(), released);
	for (i = 0; i < JOBS; i++) {
		if (!references(i))
			continue;
		assert_int_equal(references(i), 1);
		dma_fence_signal(fence(i));
		dma_fence_put(fence(i));
	}
	assert_int_equal(*release_count(), JOBS);
	assert_int_equal(caught()->count, 0);
	assert_int_equal(depth, 0);
	dma_fence_rcu_barrier();
	failing_malloc_unwatch();
	assert_int_equal(live_blocks(), live_before);
	catch_end();
}

/* An object as new, in the middle of a case. */
static void begin_anew(void)
{
	dma_resv_unlock(&obj);
	dma_resv_fini(&obj);
	dma_resv_init(&obj);
	dma_resv_lock(&obj, NULL);
}

static void add(struct dma_resv *to, struct dma_fence *new, enum dma_resv_usage usage)
{
	assert_int_equal(dma_resv_reserve_fences(to, 1), 0);
	assert_int_equal(dma_resv_add_fence(to, new, usage), 0);
}

static void end_badly(int i, int error, int64_t timestamp)
{
	assert_int_equal(dma_fence_set_error(fence(i), error), 0);
	dma_fence_signal_timestamp(fence(i), timestamp);
}

/* What is there, in the order of the places, seen with the lock. */
struct content {
	unsigned int num;
	struct dma_fence *fences[2 * JOBS];
	enum dma_resv_usage usages[2 * JOBS];
};

static const struct content *content(struct dma_resv *of)
{
	static struct content there;
	struct dma_resv_iter cursor;
	struct dma_fence *found;

	there.num = 0;
	dma_resv_for_each_fence (&cursor, of, BOOKKEEP, found) {
		assert_true(there.num < ARRAY_SIZE(there.fences));
		there.fences[there.num] = found;
		there.usages[there.num++] = dma_resv_iter_usage(&cursor);
	}
	return &there;
}

static bool is_there(struct dma_resv *of, struct dma_fence *wanted, enum dma_resv_usage usage)
{
	const struct content *there = content(of);
	unsigned int i;

	for (i = 0; i < there->num; i++) {
		if (there->fences[i] == wanted && there->usages[i] == usage)
			return true;
	}
	return false;
}

static void assert_content(struct dma_resv *of, unsigned int num)
{
	assert_int_equal(content(of)->num, num);
}

/* The lines of dma_resv_describe(); to be freed. */
static char *description(struct dma_resv *of)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	dma_resv_describe(of, out);
	fclose(out);
	return text;
}

static void forget_description(char *text)
{
	__real_free(text); /* not from the malloc() that calls from here go to */
}

/* Usage */

/* Whether who asks for the one of the column gets the fence of the row. */
static const bool waits_for[USAGES][USAGES] = {
	[KERNEL] = { [KERNEL] = true, [WRITE] = true, [READ] = true, [BOOKKEEP] = true },
	[WRITE] = { [WRITE] = true, [READ] = true, [BOOKKEEP] = true },
	[READ] = { [READ] = true, [BOOKKEEP] = true },
	[BOOKKEEP] = { [BOOKKEEP] = true },
};

/* The fence of job 0 is there as 'usage'. Through everything that can be asked. */
static void ask_everything(enum dma_resv_usage usage, enum dma_resv_usage asked, bool expected)
{
	struct dma_fence **list = (struct dma_fence **)&list, *single = fence(1), *found;
	unsigned int num = 99, seen = 0;
	struct dma_resv_iter cursor;

	assert_int_equal(dma_resv_get_fences(&obj, asked, &num, &list), 0);
	assert_int_equal(num, expected);
	if (expected) {
		assert_ptr_equal(list[0], fence(0));
		assert_int_equal(references(0), 3);
		dma_fence_put(list[0]);
	} else {
		assert_null(list);
	}
	free(list);

	assert_int_equal(dma_resv_get_singleton(&obj, asked, &single), 0);
	assert_ptr_equal(single, expected ? fence(0) : NULL);
	dma_fence_put(single);

	assert_int_equal(dma_resv_test_signaled(&obj, asked), !expected);
	assert_int_equal(dma_resv_wait_timeout(&obj, asked, false, 0), !expected);

	jobs[0].deadline = 0;
	dma_resv_set_deadline(&obj, asked, 12345);
	assert_int_equal(jobs[0].deadline, expected ? 12345 : 0);

	dma_resv_iter_begin(&cursor, &obj, asked);
	dma_resv_for_each_fence_unlocked (&cursor, found) {
		assert_ptr_equal(found, fence(0));
		assert_int_equal(dma_resv_iter_usage(&cursor), usage);
		assert_true(dma_resv_iter_is_restarted(&cursor));
		assert_int_equal(references(0), 3);
		seen++;
	}
	dma_resv_iter_end(&cursor);
	assert_int_equal(seen, expected);
	dma_resv_for_each_fence (&cursor, &obj, asked, found) {
		assert_ptr_equal(found, fence(0));
		assert_int_equal(dma_resv_iter_usage(&cursor), usage);
		assert_true(dma_resv_iter_is_restarted(&cursor));
		assert_int_equal(references(0), 2);
		seen++;
	}
	assert_int_equal(seen, 2 * expected);
	assert_int_equal(references(0), 2);
}

static void each_class_contains_those_above_it(void **state)
{
	static const char *const lines[USAGES] = { "kernel job job ", "write job job ",
						   "read job job ", "bookkeep job job " };
	enum dma_resv_usage usage, asked;
	char *text;

	(void)state;
	for (usage = KERNEL; usage <= BOOKKEEP; usage++) {
		add(&obj, fence(0), usage);
		for (asked = KERNEL; asked <= BOOKKEEP; asked++)
			ask_everything(usage, asked, waits_for[usage][asked]);
		text = description(&obj);
		assert_int_equal(strncmp(text, lines[usage], strlen(lines[usage])), 0);
		assert_non_null(strstr(text, ":10 pending\n"));
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
		forget_description(text);
		begin_anew();
	}
	end_case();
}

static void who_reads_waits_for_writers_and_who_writes_for_both(void **state)
{
	(void)state;
	assert_int_equal(dma_resv_usage_rw(false), WRITE);
	assert_int_equal(dma_resv_usage_rw(true), READ);
	end_case();
}

static void a_usage_that_is_none_is_an_error(void **state)
{
	struct dma_fence **list = (struct dma_fence **)&list, *single = fence(1);
	unsigned int num = 99;

	(void)state;
	add(&obj, fence(0), KERNEL);
	assert_int_equal(dma_resv_reserve_fences(&obj, 1), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(1), NO_USAGE), -EINVAL);
	assert_int_equal(dma_resv_add_fence(&obj, fence(1), (enum dma_resv_usage) - 1), -EINVAL);
	assert_int_equal(dma_resv_add_fence(&obj, NULL, WRITE), -EINVAL);
	assert_content(&obj, 1);
	assert_int_equal(references(1), 1);
	assert_int_equal(dma_resv_get_fences(&obj, NO_USAGE, &num, &list), -EINVAL);
	assert_int_equal(num, 99);
	assert_ptr_equal(list, &list);
	assert_int_equal(dma_resv_get_singleton(&obj, NO_USAGE, &single), -EINVAL);
	assert_ptr_equal(single, fence(1));
	assert_int_equal(dma_resv_wait_timeout(&obj, NO_USAGE, false, 0), -EINVAL);
	end_case();
}

static void an_object_that_never_had_a_fence(void **state)
{
	struct dma_fence **list = (struct dma_fence **)&list, *single = fence(0), *found;
	struct dma_resv_iter cursor;
	enum dma_resv_usage usage;
	unsigned int num = 99;
	char *text;
	int before;

	(void)state;
	for (usage = KERNEL; usage <= BOOKKEEP; usage++) {
		/* Takes no lock: it is held. Begins no section, which the last line shows one. */
		before = atomic_load_relaxed(&sections);
		assert_true(dma_resv_test_signaled(&obj, usage));
		assert_int_equal(atomic_load_relaxed(&sections), before);
		assert_int_equal(dma_resv_get_fences(&obj, usage, &num, &list), 0);
		assert_int_equal(num, 0);
		assert_null(list);
		assert_int_equal(dma_resv_get_singleton(&obj, usage, &single), 0);
		assert_null(single);
		assert_int_equal(dma_resv_wait_timeout(&obj, usage, true, 0), 1);
		assert_int_equal(dma_resv_wait_timeout(&obj, usage, true, 7), 7);
		assert_true(dma_resv_wait_timeout(&obj, usage, true, DMA_FENCE_WAIT_FOREVER) ==
			    DMA_FENCE_WAIT_FOREVER);
		dma_resv_set_deadline(&obj, usage, 1);
		dma_resv_iter_begin(&cursor, &obj, usage);
		dma_resv_for_each_fence_unlocked (&cursor, found)
			assert_null(found);
		dma_resv_iter_end(&cursor);
		dma_resv_for_each_fence (&cursor, &obj, usage, found)
			assert_null(found);
	}
	text = description(&obj);
	assert_int_equal(strlen(text), 0);
	forget_description(text);
	dma_resv_replace_fences(&obj, fence(0)->context, fence(1), WRITE);
	assert_content(&obj, 0);
	assert_int_equal(dma_resv_is_locked(&obj), true);

	add(&obj, fence(0), WRITE);
	before = atomic_load_relaxed(&sections);
	assert_false(dma_resv_test_signaled(&obj, WRITE));
	assert_true(atomic_load_relaxed(&sections) > before);
	end_case();
}

/* Adding */

/* Two fences of a context, the second added after the first; whichever of them is later. */
static void add_two(enum dma_resv_usage first, enum dma_resv_usage second, uint64_t seqno_first,
		    uint64_t seqno_second)
{
	const bool later = (int64_t)(seqno_second - seqno_first) > 0;
	const struct content *there;
	int taken, nothing;

	remake(0, fence(2)->context, seqno_first);
	remake(1, fence(2)->context, seqno_second);
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(3), WRITE), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(0), first), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(4), WRITE), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(1), second), 0);

	/* Usages are wider the lower they are. */
	taken = later && second <= first;
	nothing = !later && first <= second;
	there = content(&obj);
	assert_int_equal(there->num, taken || nothing ? 3 : 4);
	assert_int_equal(is_there(&obj, fence(0), first), !taken);
	assert_int_equal(is_there(&obj, fence(1), second), !nothing);
	assert_true(is_there(&obj, fence(3), WRITE) && is_there(&obj, fence(4), WRITE));
	assert_int_equal(references(0), taken ? 1 : 2);
	assert_int_equal(references(1), nothing ? 1 : 2);
	if (taken)
		assert_ptr_equal(there->fences[1], fence(1));
	begin_anew();
	dma_fence_signal(fence(0));
	dma_fence_put(fence(0));
	dma_fence_signal(fence(1));
	dma_fence_put(fence(1));
	*release_count() -= 2;
}

static void one_fence_of_a_context_is_enough(void **state)
{
	enum dma_resv_usage first, second;

	(void)state;
	for (first = KERNEL; first <= BOOKKEEP; first++) {
		for (second = KERNEL; second <= BOOKKEEP; second++) {
			add_two(first, second, 10, 11);
			add_two(first, second, 11, 10);
			add_two(first, second, UINT64_MAX, 0);
			add_two(first, second, 3, UINT64_MAX - 3);
		}
	}
	remake(0, fence(2)->context, 1);
	remake(1, fence(2)->context, 2);
	end_case();
}

static void the_very_same_fence_is_there_once(void **state)
{
	enum dma_resv_usage first, second;

	(void)state;
	for (first = KERNEL; first <= BOOKKEEP; first++) {
		for (second = KERNEL; second <= BOOKKEEP; second++) {
			assert_int_equal(dma_resv_reserve_fences(&obj, 2), 0);
			assert_int_equal(dma_resv_add_fence(&obj, fence(0), first), 0);
			assert_int_equal(dma_resv_add_fence(&obj, fence(0), second), 0);
			assert_content(&obj, 1);
			assert_true(is_there(&obj, fence(0), first < second ? first : second));
			assert_int_equal(references(0), 2);
			begin_anew();
		}
	}
	end_case();
}

/* Where there is no room for them, either. */
/* It comes behind one whose place could be had. */
static void one_that_stands_for_it_may_be_anywhere(void **state)
{
	uint64_t context;

	(void)state;
	context = fence(0)->context;
	remake(0, context, 1);
	remake(1, context, 5);
	remake(2, context, 3);
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(0), BOOKKEEP), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(3), READ), 0);
	dma_resv_replace_fences(&obj, fence(3)->context, fence(1), WRITE);
	assert_int_equal(dma_resv_add_fence(&obj, fence(2), READ), 0);
	assert_content(&obj, 2);
	assert_true(is_there(&obj, fence(0), BOOKKEEP) && is_there(&obj, fence(1), WRITE));
	end_case();
}

/* A producer that signals out of order breaks a rule, and nobody need suffer for it. */
static void what_is_drained_stands_for_nobody(void **state)
{
	uint64_t context;

	(void)state;
	context = fence(0)->context;
	remake(1, context, 11);
	remake(2, context, 10);
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(1), WRITE), 0);
	dma_fence_signal(fence(1));
	assert_int_equal(dma_resv_add_fence(&obj, fence(2), READ), 0);
	assert_true(is_there(&obj, fence(2), READ));
	assert_false(dma_resv_test_signaled(&obj, READ));
	end_case();
}

static void what_takes_a_place_needs_none(void **state)
{
	uint64_t context;
	int i;

	(void)state;
	context = fence(0)->context;
	remake(8, context, 11);
	remake(9, context, 9);
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	for (i = 0; i < FEWEST; i++)
		assert_int_equal(dma_resv_add_fence(&obj, fence(i), READ), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(8), WRITE), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(9), BOOKKEEP), 0);
	assert_content(&obj, FEWEST);
	assert_true(is_there(&obj, fence(8), WRITE));
	end_case();
}

static void without_room_nothing_is_added(void **state)
{
	int i;

	(void)state;
	assert_int_equal(dma_resv_add_fence(&obj, fence(9), WRITE), -ENOSPC);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_RESERVATION], 1);
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	for (i = 0; i < FEWEST; i++)
		assert_int_equal(dma_resv_add_fence(&obj, fence(i), READ), 0);
	assert_int_equal(caught()->count, 1);
	assert_int_equal(dma_resv_add_fence(&obj, fence(9), KERNEL), -ENOSPC);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_RESERVATION], 2);
	assert_int_equal(caught()->count, 2);
	assert_non_null(strstr(caught()->last, "dma_resv_reserve_fences()"));
	caught()->count = 0;
	assert_content(&obj, FEWEST);

	/* Nobody has it, and nobody waits for it. */
	assert_int_equal(references(9), 1);
	dma_fence_put(fence(9));
	end_case();
}

static void drained_ones_give_way(void **state)
{
	int i;

	(void)state;
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	for (i = 0; i < FEWEST; i++)
		assert_int_equal(dma_resv_add_fence(&obj, fence(i), READ), 0);
	dma_fence_signal(fence(2));
	dma_fence_put(fence(2));
	assert_int_equal(*release_count(), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(8), BOOKKEEP), 0);
	assert_int_equal(*release_count(), 1);
	assert_content(&obj, FEWEST);
	assert_ptr_equal(content(&obj)->fences[2], fence(8));
	assert_int_equal(content(&obj)->usages[2], BOOKKEEP);
	assert_int_equal(dma_resv_add_fence(&obj, fence(9), READ), -ENOSPC);
	caught()->count = 0;
	end_case();
}

/* Who is pending keeps his place, whether there are others or not. */
static void pending_ones_stay(void **state)
{
	int i, k;

	(void)state;
	assert_int_equal(dma_resv_reserve_fences(&obj, 9), 0);
	for (i = 0; i < 9; i++) {
		assert_int_equal(dma_resv_add_fence(&obj, fence(i), i % USAGES), 0);
		assert_content(&obj, (unsigned int)i + 1);
		for (k = 0; k <= i; k++)
			assert_true(is_there(&obj, fence(k), k % USAGES));
	}
	end_case();
}

/* Signaled is not drained: somebody may have to wait for its callbacks yet. */

struct adding {
	struct dma_fence_cb cb;
	int result;
	bool signaled;
	int64_t wait;
	unsigned int kept;
};

static void add_in_callback(struct dma_fence *signaled, struct dma_fence_cb *cb)
{
	struct adding *adding = container_of(cb, struct adding, cb);

	(void)signaled;
	adding->result = dma_resv_add_fence(&obj, fence(9), WRITE);
	adding->signaled = dma_resv_test_signaled(&obj, KERNEL);
	adding->wait = dma_resv_wait_timeout(&obj, KERNEL, false, DMA_FENCE_WAIT_FOREVER);
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	adding->kept = content(&obj)->num;
}

static void signaled_ones_stay_until_they_are_drained(void **state)
{
	struct adding adding = { 0 };
	int i;

	(void)state;
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	for (i = 0; i < FEWEST; i++)
		assert_int_equal(dma_resv_add_fence(&obj, fence(i), i ? READ : KERNEL), 0);
	assert_int_equal(dma_fence_add_callback(fence(0), &adding.cb, add_in_callback), 0);
	dma_fence_signal(fence(0));
	assert_int_equal(adding.result, -ENOSPC);
	caught()->count = 0;
	assert_true(adding.signaled);
	assert_int_equal(adding.wait, -EDEADLK);
	assert_int_equal(adding.kept, FEWEST);
	end_case();
}

static void a_container_is_reported_and_kept(void **state)
{
	struct dma_fence_array *array = array_of_fences(fence(0), 1);
	struct dma_fence **list, *single;
	unsigned int num;

	(void)state;
	add(&obj, &array->base, READ);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_RESERVATION], 1);
	assert_int_equal(caught()->count, 1);
	caught()->count = 0;
	assert_int_equal(dma_resv_get_fences(&obj, READ, &num, &list), 0);
	assert_int_equal(num, 1);
	assert_ptr_equal(list[0], &array->base);
	dma_fence_put(list[0]);
	free(list);
	/* A singleton is of what it is made of. */
	assert_int_equal(dma_resv_get_singleton(&obj, READ, &single), 0);
	assert_ptr_equal(single, fence(0));
	dma_fence_put(single);
	dma_fence_put(&array->base);
	end_case();
}

/* The fence of a job that is in a reservation object does not go unsignaled. */
static void fences_are_published(void **state)
{
	int i;

	(void)state;
	assert_int_equal(dma_resv_reserve_fences(&obj, 2), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(0), WRITE), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(1), WRITE), 0);
	dma_resv_replace_fences(&obj, fence(1)->context, fence(2), WRITE);
	begin_anew();
	for (i = 0; i < 3; i += 2) {
		assert_int_equal(caught()->of[DMA_FENCE_REPORT_QUARANTINE], i / 2);
		dma_fence_put(fence(i));
		assert_int_equal(caught()->of[DMA_FENCE_REPORT_QUARANTINE], i / 2 + 1);
		dma_fence_signal(fence(i));
		caught()->count = 0;
		remake(i, dma_fence_context_alloc(1), 1);
	}
	end_case();
}

/* Reserving */

/*
 * Room for 'num' after what is pending and drained by the bits of 'mask', of 5: each of these may
 * have been replaced by another one in between.
 */
static void reserve_and_fill(unsigned int mask, int num, int replaced)
{
	uint64_t context = dma_fence_context_alloc(32);
	int i, pending = 0;

	for (i = 0; i < 32; i++)
		remake(i, context + (uint64_t)i, 1);
	for (i = 0; i < 5; i++) {
		add(&obj, fence(i), BOOKKEEP);
		if (mask & 1u << i)
			pending++;
	}
	for (i = 0; i < 5; i++) {
		if (!(mask & 1u << i))
			dma_fence_signal(fence(i));
	}
	assert_int_equal(dma_resv_reserve_fences(&obj, (unsigned int)num), 0);

	/* By one that is pending, and by one that is drained. */
	if (replaced == 1 || replaced == 2) {
		dma_resv_replace_fences(&obj, context, fence(30), WRITE);
		dma_resv_replace_fences(&obj, context + 2, fence(30), WRITE);
	}
	if (replaced == 2)
		dma_fence_signal(fence(30));

	failing_malloc_in = 1;
	for (i = 0; i < num; i++)
		assert_int_equal(dma_resv_add_fence(&obj, fence(8 + i), i % USAGES), 0);
	assert_int_equal(failing_malloc_in, 1);
	failing_malloc_in = -1;
	for (i = 0; i < num; i++)
		assert_true(is_there(&obj, fence(8 + i), i % USAGES));
	assert_true(content(&obj)->num >= (unsigned int)(num + (replaced == 2 ? 0 : pending)));

	begin_anew();
	for (i = 0; i < 32; i++) {
		assert_int_equal(references(i), 1);
		dma_fence_signal(fence(i));
	}
}

static void room_really_is_there(void **state)
{
	unsigned int mask;
	int num, replaced;

	(void)state;
	for (mask = 0; mask < 32; mask++) {
		for (num = 1; num <= 17; num += num < 9 ? 1 : 4) {
			for (replaced = 0; replaced < 3; replaced++)
				reserve_and_fill(mask, num, replaced);
		}
	}
	end_case();
}

static void room_is_not_in_addition_to_what_there_was(void **state)
{
	int i;

	(void)state;
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	failing_malloc_in = 1;
	for (i = 1; i <= FEWEST; i++)
		assert_int_equal(dma_resv_reserve_fences(&obj, (unsigned int)i), 0);
	assert_int_equal(failing_malloc_in, 1);
	failing_malloc_in = -1;

	/* Nor does less take away from it. */
	for (i = 0; i < FEWEST; i++)
		assert_int_equal(dma_resv_add_fence(&obj, fence(i), READ), 0);
	end_case();
}

static void where_drained_ones_make_room_nothing_is_allocated(void **state)
{
	int i;

	(void)state;
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	for (i = 0; i < FEWEST; i++)
		assert_int_equal(dma_resv_add_fence(&obj, fence(i), READ), 0);
	dma_fence_signal(fence(0));
	dma_fence_signal(fence(3));
	failing_malloc_in = 1;
	assert_int_equal(dma_resv_reserve_fences(&obj, 2), 0);
	assert_int_equal(failing_malloc_in, 1);
	assert_int_equal(dma_resv_reserve_fences(&obj, 3), -ENOMEM);
	failing_malloc_in = -1;
	assert_content(&obj, FEWEST);
	end_case();
}

/* Who is drained is left behind, and his error with him; who is pending comes along. */
static void a_new_list_is_without_those_that_are_drained(void **state)
{
	const struct content *there;
	int i;

	(void)state;
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	for (i = 0; i < FEWEST; i++)
		assert_int_equal(dma_resv_add_fence(&obj, fence(i), i), 0);
	end_badly(1, -EIO, 1);
	dma_fence_put(fence(1));
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	assert_int_equal(*release_count(), 1);
	there = content(&obj);
	assert_int_equal(there->num, 3);
	for (i = 0; i < 3; i++) {
		assert_ptr_equal(there->fences[i], fence(i ? i + 1 : 0));
		assert_int_equal(there->usages[i], i ? i + 1 : 0);
		assert_int_equal(references(i ? i + 1 : 0), 2);
	}
	end_case();
}

static void numbers_for_which_there_is_no_room_at_all(void **state)
{
	static const unsigned int absurd[] = { UINT_MAX, UINT_MAX - 1, UINT_MAX / 2 + 2 };
	struct dma_resv_list *list;
	size_t i;

	(void)state;
	assert_int_equal(dma_resv_reserve_fences(&obj, 0), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(absurd); i++)
		assert_int_equal(dma_resv_reserve_fences(&obj, absurd[i]), -ENOMEM);
	assert_null(obj.fences);
	add(&obj, fence(0), WRITE);
	list = obj.fences;
	assert_int_equal(dma_resv_reserve_fences(&obj, 0), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(absurd); i++)
		assert_int_equal(dma_resv_reserve_fences(&obj, absurd[i]), -ENOMEM);
	assert_ptr_equal(obj.fences, list);
	assert_content(&obj, 1);
	assert_true(is_there(&obj, fence(0), WRITE));
	end_case();
}

static void reserving_without_memory_changes_nothing(void **state)
{
	struct dma_resv_list *list;
	int i;

	(void)state;
	failing_malloc_in = 1;
	assert_int_equal(dma_resv_reserve_fences(&obj, 1), -ENOMEM);
	assert_null(obj.fences);
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	for (i = 0; i < FEWEST; i++)
		assert_int_equal(dma_resv_add_fence(&obj, fence(i), READ), 0);
	dma_fence_signal(fence(1));
	list = obj.fences;
	failing_malloc_in = 1;
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), -ENOMEM);
	assert_int_equal(failing_malloc_in, -1);
	assert_ptr_equal(obj.fences, list);
	assert_content(&obj, FEWEST);
	for (i = 0; i < FEWEST; i++) {
		assert_true(is_there(&obj, fence(i), READ));
		assert_int_equal(references(i), 2);
	}
	end_case();
}

/* Replacing */

static void another_fence_stands_for_those_of_a_context(void **state)
{
	const struct content *there;
	uint64_t context;
	int i;

	(void)state;
	context = fence(0)->context;
	/* Of that context: three usages of an earlier one, one that is drained, one later. */
	remake(0, context, 3);
	remake(1, context, 2);
	remake(2, context, 1);
	remake(3, context, 0);
	remake(5, context, 99);
	assert_int_equal(dma_resv_reserve_fences(&obj, 8), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(0), BOOKKEEP), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(1), READ), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(2), WRITE), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(3), KERNEL), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(4), READ), 0);
	dma_fence_signal(fence(3));
	assert_content(&obj, 5);

	dma_resv_replace_fences(&obj, context, fence(6), KERNEL);
	there = content(&obj);
	assert_int_equal(there->num, 5);
	for (i = 0; i < 5; i++) {
		assert_ptr_equal(there->fences[i], fence(i < 3 ? 6 : i));
		assert_int_equal(there->usages[i], i == 4 ? READ : KERNEL);
	}
	assert_int_equal(references(6), 4);
	for (i = 0; i < 3; i++)
		assert_int_equal(references(i), 1);
	assert_int_equal(references(3), 2);
	assert_int_equal(references(4), 2);
	end_case();
}

static void later_ones_are_not_replaced(void **state)
{
	uint64_t context;

	(void)state;
	context = fence(0)->context;
	remake(1, context, 11);
	remake(2, context, 12);
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(0), WRITE), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(2), READ), 0);
	assert_content(&obj, 2);
	dma_resv_replace_fences(&obj, context, fence(1), BOOKKEEP);
	assert_content(&obj, 2);
	assert_true(is_there(&obj, fence(1), BOOKKEEP));
	assert_true(is_there(&obj, fence(2), READ));

	/* By itself, with another usage. */
	dma_resv_replace_fences(&obj, context, fence(2), KERNEL);
	assert_content(&obj, 2);
	assert_true(is_there(&obj, fence(2), KERNEL));
	assert_false(is_there(&obj, fence(2), READ) || is_there(&obj, fence(1), BOOKKEEP));
	assert_int_equal(references(1), 1);
	assert_int_equal(references(2), 3);
	end_case();
}

/* What is over needs nobody to stand for it, and its place may have been promised. */
static void drained_ones_are_not_replaced(void **state)
{
	int i;

	(void)state;
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	for (i = 0; i < FEWEST; i++)
		assert_int_equal(dma_resv_add_fence(&obj, fence(i), READ), 0);
	dma_fence_signal(fence(1));
	assert_int_equal(dma_resv_reserve_fences(&obj, 1), 0);
	dma_resv_replace_fences(&obj, fence(1)->context, fence(8), READ);
	assert_false(is_there(&obj, fence(8), READ));
	assert_int_equal(dma_resv_add_fence(&obj, fence(9), READ), 0);
	assert_content(&obj, FEWEST);
	end_case();
}

static void replacing_by_what_is_none_is_reported(void **state)
{
	struct dma_fence_array *array = array_of_fences(fence(7), 1);

	(void)state;
	assert_int_equal(dma_resv_reserve_fences(&obj, 2), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(0), READ), 0);
	assert_int_equal(dma_resv_add_fence(&obj, fence(1), READ), 0);
	dma_resv_replace_fences(&obj, fence(0)->context, NULL, READ);
	dma_resv_replace_fences(&obj, fence(0)->context, fence(8), NO_USAGE);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_RESERVATION], 2);
	assert_content(&obj, 2);
	assert_int_equal(references(8), 1);

	dma_resv_replace_fences(&obj, fence(0)->context, &array->base, READ);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_RESERVATION], 3);
	assert_true(is_there(&obj, &array->base, READ));
	assert_int_equal(caught()->count, 3);
	caught()->count = 0;
	dma_fence_put(&array->base);
	end_case();
}

/* In a full list, without memory, and by one that is signaled. */
static void replacing_needs_no_room(void **state)
{
	struct dma_fence *stub = dma_fence_get_stub();
	int i;

	(void)state;
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	for (i = 0; i < FEWEST; i++)
		assert_int_equal(dma_resv_add_fence(&obj, fence(i), READ), 0);
	failing_malloc_in = 1;
	dma_resv_replace_fences(&obj, fence(1)->context, fence(8), WRITE);
	dma_resv_replace_fences(&obj, fence(3)->context, stub, READ);
	dma_resv_replace_fences(&obj, fence(9)->context, fence(9), WRITE); /* none is there */
	assert_int_equal(failing_malloc_in, 1);
	failing_malloc_in = -1;
	assert_content(&obj, FEWEST);
	assert_true(is_there(&obj, fence(8), WRITE));
	assert_true(is_there(&obj, stub, READ));
	assert_int_equal(references(9), 1);
	dma_fence_put(stub);
	end_case();
}

/* Copying */

static void fill(struct dma_resv *to, int first, int num)
{
	int i;

	assert_int_equal(dma_resv_reserve_fences(to, (unsigned int)num), 0);
	for (i = first; i < first + num; i++)
		assert_int_equal(dma_resv_add_fence(to, fence(i), i % USAGES), 0);
}

static void assert_filled(struct dma_resv *with, int first, int num)
{
	int i;

	assert_content(with, (unsigned int)num);
	for (i = first; i < first + num; i++)
		assert_true(is_there(with, fence(i), i % USAGES));
}

static void a_copy_takes_the_place_of_what_was_there(void **state)
{
	static const int sizes[] = { 0, 1, 3, 4, 5, 8, 9, 20 };
	size_t from, to;
	int i;

	(void)state;
	for (from = 0; from < ARRAY_SIZE(sizes); from++) {
		for (to = 0; to < ARRAY_SIZE(sizes); to++) {
			if (sizes[to])
				fill(&obj, 30, sizes[to]);
			if (sizes[from])
				fill(&other, 0, sizes[from]);
			assert_int_equal(dma_resv_copy_fences(&obj, &other), 0);
			assert_filled(&obj, 0, sizes[from]);
			assert_filled(&other, 0, sizes[from]);
			for (i = 0; i < sizes[from]; i++)
				assert_int_equal(references(i), 3);
			for (i = 0; i < sizes[to]; i++)
				assert_int_equal(references(30 + i), 1);
			begin_anew();
			dma_resv_fini(&other);
			dma_resv_init(&other);
		}
	}
	end_case();
}

/* Nor does it lock the other one: somebody else has. */
static void a_copy_is_without_those_that_are_signaled(void **state)
{
	(void)state;
	fill(&other, 0, 6);
	dma_fence_signal(fence(0));
	dma_fence_signal(fence(4));
	jobs[5].complete = true;
	dma_resv_lock(&other, NULL);
	assert_int_equal(dma_resv_copy_fences(&obj, &other), 0);
	dma_resv_unlock(&other);
	assert_filled(&obj, 1, 3);
	assert_int_equal(content(&other)->num, 6);
	assert_false(dma_fence_test_signaled_flag(fence(5)));
	end_case();
}

static void a_copy_of_itself(void **state)
{
	int i;

	(void)state;
	fill(&obj, 0, 7);
	dma_fence_signal(fence(0));
	assert_int_equal(dma_resv_copy_fences(&obj, &obj), 0);
	assert_filled(&obj, 1, 6);
	for (i = 1; i < 7; i++)
		assert_int_equal(references(i), 2);
	end_case();
}

static void copying_without_memory_changes_nothing(void **state)
{
	struct dma_resv_list *list;
	int fails, ret = -ENOMEM, i;

	(void)state;
	fill(&obj, 30, 3);
	fill(&other, 0, 20);
	list = obj.fences;
	for (fails = 1; ret; fails++) {
		failing_malloc_in = fails;
		ret = dma_resv_copy_fences(&obj, &other);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(failing_malloc_in, -1);
		assert_ptr_equal(obj.fences, list);
		assert_filled(&obj, 30, 3);
		for (i = 0; i < 20; i++)
			assert_int_equal(references(i), 2);
	}
	failing_malloc_in = -1;
	assert_true(fails > 2);
	assert_filled(&obj, 0, 20);
	end_case();
}

/* A list that is replaced while it is copied: what was copied of the old one is thrown away. */
static void other_list_is_replaced(void)
{
	dma_resv_replace_fences(&other, fence(1)->context, fence(20), WRITE);
	dma_fence_signal(fence(0));
	dma_fence_put(fence(0));
	assert_int_equal(dma_resv_reserve_fences(&other, 30), 0);
}

static void other_is_emptied(void)
{
	struct dma_resv none;

	dma_resv_init(&none);
	assert_int_equal(dma_resv_copy_fences(&other, &none), 0);
	dma_resv_fini(&none);
}

static void a_copy_of_what_is_replaced_meanwhile(void **state)
{
	(void)state;
	fill(&other, 0, 3);
	dma_fence_enable_signaling(fence(0));
	when_asked = other_list_is_replaced;
	assert_int_equal(dma_resv_copy_fences(&obj, &other), 0);
	assert_content(&obj, 2);
	assert_true(is_there(&obj, fence(20), WRITE) && is_there(&obj, fence(2), READ));
	assert_int_equal(*release_count(), 1);

	when_asked = other_is_emptied;
	assert_int_equal(dma_resv_copy_fences(&obj, &other), 0);
	assert_content(&obj, 0);
	end_case();
}

/* Asking for one fence */

static struct dma_fence *singleton(enum dma_resv_usage usage)
{
	struct dma_fence *single = fence(JOBS - 1);

	assert_int_equal(dma_resv_get_singleton(&obj, usage, &single), 0);
	return single;
}

static void several_are_an_array(void **state)
{
	struct dma_fence *single;
	struct dma_fence_array *array;
	unsigned int i;

	(void)state;
	fill(&obj, 0, 9);
	assert_int_equal(dma_resv_add_fence(&obj, fence(9), BOOKKEEP), 0);
	single = singleton(READ);
	array = to_dma_fence_array(single);
	assert_non_null(array);
	/* All but jobs 3, 7 and 9, which are BOOKKEEP. */
	assert_int_equal(array->num_fences, 7);
	for (i = 0; i < 7; i++)
		assert_ptr_equal(array->fences[i], fence((int)(i < 3 ? i : i < 6 ? i + 1 : 8)));
	for (i = 0; i < 9; i++) {
		assert_int_equal(dma_fence_poll(single), i > 8);
		dma_fence_signal(fence((int)i));
	}
	assert_int_equal(dma_fence_get_status(single), 1);
	dma_fence_put(single);
	end_case();
}

static void nothing_is_left_to_wait_for(void **state)
{
	int i;

	(void)state;
	fill(&obj, 0, 5);
	for (i = 0; i < 5; i++)
		dma_fence_signal(fence(i));
	assert_null(singleton(BOOKKEEP));
	assert_true(dma_resv_test_signaled(&obj, BOOKKEEP));
	end_case();
}

static void the_error_of_one_that_has_failed(void **state)
{
	struct dma_fence *single;
	int pending;

	(void)state;
	/* With two others that are pending, with one, and with none. */
	for (pending = 2; pending >= 0; pending--) {
		remake(0, dma_fence_context_alloc(1), 1);
		remake(1, dma_fence_context_alloc(1), 1);
		remake(2, dma_fence_context_alloc(1), 1);
		fill(&obj, 0, 3);
		end_badly(1, -EIO, 77);
		if (pending < 2)
			dma_fence_signal_timestamp(fence(0), 50);
		if (pending < 1)
			dma_fence_signal_timestamp(fence(2), 60);
		single = singleton(BOOKKEEP);
		assert_non_null(single);
		if (pending) {
			assert_int_equal(dma_fence_get_status(single), 0);
			dma_fence_signal_timestamp(fence(0), 50);
			dma_fence_signal_timestamp(fence(2), 90);
		}
		assert_int_equal(dma_fence_get_status(single), -EIO);
		dma_fence_put(single);

		/* Of a usage that has not failed nothing is said. */
		assert_null(singleton(KERNEL));
		begin_anew();
	}
	end_case();
}

static void a_singleton_without_memory_is_none(void **state)
{
	static const struct {
		int num, failed, signaled;
	} cases[] = {
		{ .num = 5 },
		{ .num = 5, .failed = 1 },
		{ .num = 40, .failed = 1 },
		{ .num = 3, .failed = 1, .signaled = 1 },
		{ .num = 1, .failed = 1 },
	};
	struct dma_fence *single;
	size_t c;
	int fails, ret, i;

	(void)state;
	for (c = 0; c < ARRAY_SIZE(cases); c++) {
		for (i = 0; i < cases[c].num; i++)
			remake(i, dma_fence_context_alloc(1), 1);
		fill(&obj, 0, cases[c].num);
		if (cases[c].failed)
			end_badly(0, -EIO, 5);
		for (i = 0; cases[c].signaled && i < cases[c].num; i++)
			dma_fence_signal(fence(i));
		for (fails = 1, ret = -ENOMEM; ret; fails++) {
			const long live = live_blocks();

			single = fence(50);
			failing_malloc_in = fails;
			ret = dma_resv_get_singleton(&obj, BOOKKEEP, &single);
			if (!ret)
				break;
			assert_int_equal(ret, -ENOMEM);
			assert_ptr_equal(single, fence(50));
			assert_int_equal(live_blocks(), live);
			for (i = 0; i < cases[c].num; i++)
				assert_int_equal(references(i), 2);
		}
		failing_malloc_in = -1;
		assert_true(fails > 1);
		for (i = 0; i < cases[c].num; i++)
			dma_fence_signal(fence(i));
		assert_int_equal(dma_fence_get_status(single), cases[c].failed ? -EIO : 1);
		dma_fence_put(single);
		begin_anew();
	}
	end_case();
}

static void one_fence_takes_no_memory(void **state)
{
	struct dma_fence *single;

	(void)state;
	fill(&obj, 0, 1);
	failing_malloc_in = 1;
	single = singleton(BOOKKEEP);
	assert_ptr_equal(single, fence(0));
	assert_int_equal(references(0), 3);
	assert_int_equal(failing_malloc_in, 1);
	failing_malloc_in = -1;
	dma_fence_put(single);
	end_case();
}

/* Asking for all */

static void a_vector_without_memory_is_none(void **state)
{
	struct dma_fence **list = (struct dma_fence **)&list;
	unsigned int num = 99, i;

	(void)state;
	fill(&obj, 0, 9);
	failing_malloc_in = 1;
	assert_int_equal(dma_resv_get_fences(&obj, BOOKKEEP, &num, &list), -ENOMEM);
	assert_int_equal(num, 99);
	assert_ptr_equal(list, &list);
	for (i = 0; i < 9; i++)
		assert_int_equal(references((int)i), 2);

	/* And at once large enough for all. */
	failing_malloc_in = 2;
	assert_int_equal(dma_resv_get_fences(&obj, BOOKKEEP, &num, &list), 0);
	assert_int_equal(failing_malloc_in, 1);
	failing_malloc_in = -1;
	assert_int_equal(num, 9);
	for (i = 0; i < num; i++) {
		assert_ptr_equal(list[i], fence((int)i));
		dma_fence_put(list[i]);
	}
	free(list);
	end_case();
}

/* Complete is as good as signaled to who asks, and nobody who asks signals. */
static void what_is_complete_is_not_waited_for(void **state)
{
	struct dma_resv_iter cursor;
	struct dma_fence **list, *found;
	unsigned int num;
	char *text;

	(void)state;
	fill(&obj, 0, FEWEST);
	dma_fence_signal(fence(2));
	jobs[0].complete = true;
	jobs[1].complete = true;
	jobs[3].complete = true;
	assert_true(dma_resv_test_signaled(&obj, BOOKKEEP));
	assert_int_equal(dma_resv_get_fences(&obj, BOOKKEEP, &num, &list), 0);
	assert_int_equal(num, 0);
	text = description(&obj);
	assert_int_equal(strlen(text), 0);
	forget_description(text);
	dma_resv_iter_begin(&cursor, &obj, BOOKKEEP);
	assert_null(dma_resv_iter_first_unlocked(&cursor));
	dma_resv_iter_end(&cursor);
	assert_false(dma_fence_test_signaled_flag(fence(0)));

	/* With the lock all are there. */
	num = 0;
	dma_resv_for_each_fence (&cursor, &obj, BOOKKEEP, found) {
		assert_ptr_equal(found, fence((int)num));
		assert_int_equal(dma_resv_iter_is_restarted(&cursor), !num);
		num++;
	}
	assert_int_equal(num, FEWEST);
	assert_ptr_equal(dma_resv_iter_first(&cursor), fence(0));
	assert_ptr_equal(dma_resv_iter_next(&cursor), fence(1));

	/* Their places are not free: nobody has delivered. */
	failing_malloc_in = 1;
	assert_int_equal(dma_resv_reserve_fences(&obj, 2), -ENOMEM);
	assert_int_equal(dma_resv_wait_timeout(&obj, BOOKKEEP, false, 0), 1);
	assert_true(dma_fence_test_signaled_flag(fence(0)) && jobs[0].enabled);
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	end_case();
}

/* Waiting */

static void negative_time_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(dma_resv_wait_timeout(&obj, BOOKKEEP, false, -1), -EINVAL);
	fill(&obj, 0, 1);
	assert_int_equal(dma_resv_wait_timeout(&obj, BOOKKEEP, false, -1), -EINVAL);
	assert_int_equal(dma_resv_wait_timeout(&obj, BOOKKEEP, false, INT64_MIN), -EINVAL);
	end_case();
}

static void times_out(void **state)
{
	static const int64_t timeouts[] = { 1, 1000, MS, 20 * MS };
	size_t i;

	(void)state;
	fill(&obj, 0, 6);
	dma_fence_signal(fence(0));
	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		const int64_t before = clock_now();

		assert_int_equal(dma_resv_wait_timeout(&obj, BOOKKEEP, i % 2, timeouts[i]), 0);
		assert_true(clock_now() - before >= timeouts[i]);
	}
	for (i = 1; i < 6; i++)
		jobs[i].enabled = false;
	fill(&obj, 6, 2);
	assert_int_equal(dma_resv_wait_timeout(&obj, BOOKKEEP, false, 0), 0);
	/* Those that were there before have been told, once. */
	for (i = 1; i < 8; i++)
		assert_int_equal(jobs[i].enabled, i >= 6);
	for (i = 1; i < 8; i++)
		dma_fence_signal(fence((int)i));
	assert_int_equal(dma_resv_wait_timeout(&obj, BOOKKEEP, false, 0), 1);
	assert_int_equal(dma_resv_wait_timeout(&obj, BOOKKEEP, false, 1), 1);
	assert_int_equal(dma_resv_wait_timeout(&obj, BOOKKEEP, false, SECOND), SECOND);
	end_case();
}

struct waiting {
	pthread_t thread;
	enum dma_resv_usage usage;
	int64_t timeout;
	bool intr;
	int64_t result;
	int done;
};

static void *wait_for_object(void *arg)
{
	struct waiting *waiting = arg;

	waiting->result =
		dma_resv_wait_timeout(&obj, waiting->usage, waiting->intr, waiting->timeout);
	set_flag(&waiting->done);
	return NULL;
}

static void begin(struct waiting *waiting, enum dma_resv_usage usage, bool intr, int64_t timeout)
{
	*waiting = (struct waiting){ .usage = usage, .intr = intr, .timeout = timeout };
	waiting->thread = start(wait_for_object, waiting);
}

/* It says that it sleeps, or is about to. */
static void await_waiter(int i)
{
	while (!(atomic_load_relaxed(&jobs[i].fence.state) & WAITERS))
		sched_yield();
}

static void waits_for_one_after_the_other(void **state)
{
	static const int64_t timeouts[] = { DMA_FENCE_WAIT_FOREVER, 100 * SECOND };
	struct waiting waiting;
	size_t k;
	int i;

	(void)state;
	for (k = 0; k < ARRAY_SIZE(timeouts); k++) {
		for (i = 0; i < 7; i++)
			remake(i, dma_fence_context_alloc(1), 1);
		fill(&obj, 0, 6);
		begin(&waiting, READ, k, timeouts[k]);
		for (i = 0; i < 6; i++) {
			if (i % USAGES == BOOKKEEP)
				continue;
			await_waiter(i);
			assert_false(atomic_load_acquire(&waiting.done));
			/* A list that comes instead does not end it. */
			if (i == 1) {
				assert_int_equal(dma_resv_reserve_fences(&obj, 20), 0);
				assert_int_equal(dma_resv_add_fence(&obj, fence(6), READ), 0);
				assert_int_equal(dma_resv_copy_fences(&obj, &obj), 0);
			}
			dma_fence_signal(fence(i));
		}
		await_waiter(6);
		assert_false(atomic_load_acquire(&waiting.done));
		dma_fence_signal(fence(6));
		join(waiting.thread);
		if (k)
			assert_true(waiting.result > 0 && waiting.result < timeouts[k]);
		else
			assert_true(waiting.result == timeouts[k]);
		assert_false(dma_fence_test_signaled_flag(fence(3)));
		begin_anew();
	}
	end_case();
}

/* The time is that of all together: what the first leaves over is what the second gets. */

static struct {
	struct dma_fence *fence;
	int64_t timeout;
	bool intr;
} waits[3];
static unsigned int num_waits;

static int64_t note_wait(struct dma_fence *waited_for, bool intr, int64_t timeout)
{
	assert_true(num_waits < ARRAY_SIZE(waits));
	waits[num_waits].fence = waited_for;
	waits[num_waits].intr = intr;
	waits[num_waits++].timeout = timeout;
	return num_waits < ARRAY_SIZE(waits) ? timeout - SECOND : 0;
}

static void the_second_does_not_begin_anew(void **state)
{
	int intr, i;

	(void)state;
	fill(&obj, 0, 6);
	for (intr = 0; intr < 2; intr++) {
		num_waits = 0;
		instead_of_wait = note_wait;
		assert_int_equal(dma_resv_wait_timeout(&obj, READ, intr, 10 * SECOND), 0);
		instead_of_wait = NULL;
		assert_int_equal(num_waits, 3);
		for (i = 0; i < 3; i++) {
			assert_ptr_equal(waits[i].fence, fence(i));
			assert_int_equal(waits[i].intr, intr);
			assert_true(waits[i].timeout <= (10 - i) * SECOND);
			assert_true(i || waits[i].timeout > 9 * SECOND);
		}
	}

	/* And 0 is not some time. */
	num_waits = ARRAY_SIZE(waits) - 1;
	instead_of_wait = note_wait;
	assert_int_equal(dma_resv_wait_timeout(&obj, READ, false, 0), 0);
	instead_of_wait = NULL;
	assert_int_equal(num_waits, ARRAY_SIZE(waits));
	assert_int_equal(waits[ARRAY_SIZE(waits) - 1].timeout, 0);
	end_case();
}

static void handler(int signum)
{
	(void)signum;
}

static void a_handler_interrupts(void **state)
{
	struct sigaction action = { .sa_handler = handler };
	struct waiting waiting;

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	fill(&obj, 0, 2);
	begin(&waiting, BOOKKEEP, true, DMA_FENCE_WAIT_FOREVER);
	await_waiter(0);
	/* One that runs before the thread sleeps does not end it. */
	while (!atomic_load_acquire(&waiting.done)) {
		pthread_kill(waiting.thread, SIGUSR1);
		sched_yield();
	}
	join(waiting.thread);
	assert_int_equal(waiting.result, -EINTR);
	assert_int_equal(references(0), 2);
	end_case();
}

struct slow {
	struct dma_fence_cb cb;
	int entered, leave;
	int *memory;
};

static void slow_callback(struct dma_fence *signaled, struct dma_fence_cb *cb)
{
	struct slow *slow = container_of(cb, struct slow, cb);

	(void)signaled;
	set_flag(&slow->entered);
	await_flag(&slow->leave);
	*slow->memory = 1;
}

static void *signal_now(void *arg)
{
	dma_fence_signal(arg);
	return NULL;
}

/* Not only signaled: what the callbacks used can be freed. */
static void success_means_drained(void **state)
{
	struct slow slow = { .memory = calloc(1, sizeof(int)) };
	struct waiting waiting;
	pthread_t signaler;

	(void)state;
	fill(&obj, 0, 1);
	assert_int_equal(dma_fence_add_callback(fence(0), &slow.cb, slow_callback), 0);
	signaler = start(signal_now, fence(0));
	await_flag(&slow.entered);
	assert_true(dma_resv_test_signaled(&obj, BOOKKEEP));
	assert_null(singleton(BOOKKEEP));
	assert_int_equal(dma_resv_wait_timeout(&obj, BOOKKEEP, false, 0), 0);
	begin(&waiting, KERNEL, false, DMA_FENCE_WAIT_FOREVER);
	await_waiter(0);
	assert_false(atomic_load_acquire(&waiting.done));
	set_flag(&slow.leave);
	join(waiting.thread);
	assert_int_equal(*slow.memory, 1);
	free(slow.memory);
	join(signaler);
	assert_int_equal(dma_resv_wait_timeout(&obj, BOOKKEEP, false, 0), 1);
	end_case();
}

/* Going through them without the lock */

static void a_new_list_begins_anew(void **state)
{
	struct dma_fence *seen[16], *found;
	bool restarted[16];
	struct dma_resv_iter cursor;
	unsigned int num = 0;
	int i;

	(void)state;
	fill(&obj, 0, FEWEST);
	dma_resv_iter_begin(&cursor, &obj, BOOKKEEP);
	dma_resv_for_each_fence_unlocked (&cursor, found) {
		seen[num] = found;
		restarted[num++] = dma_resv_iter_is_restarted(&cursor);
		assert_true(num < ARRAY_SIZE(seen));
		if (num != 3)
			continue;
		/* Of the old list only this one is still held, by the cursor. */
		for (i = 0; i < FEWEST - 1; i++)
			dma_fence_signal(fence(i));
		dma_fence_put(fence(2));
		assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
		assert_int_equal(dma_resv_add_fence(&obj, fence(8), READ), 0);
		dma_fence_rcu_barrier();
		assert_int_equal(*release_count(), 0);
		assert_int_equal(references(2), 1);
	}
	dma_resv_iter_end(&cursor);
	assert_int_equal(*release_count(), 1);
	assert_int_equal(num, 5);
	for (i = 0; i < 3; i++)
		assert_ptr_equal(seen[i], fence(i));
	assert_ptr_equal(seen[3], fence(3));
	assert_ptr_equal(seen[4], fence(8));
	for (i = 0; i < 5; i++)
		assert_int_equal(restarted[i], i == 0 || i == 3);
	end_case();
}

/* What is added in the same list while one goes through it is seen, or not; the others all are. */
static void the_body_may_add(void **state)
{
	struct dma_resv_iter cursor;
	struct dma_fence *found;
	unsigned int seen = 0;
	int next = FEWEST;

	(void)state;
	fill(&obj, 0, FEWEST);
	dma_resv_iter_begin(&cursor, &obj, BOOKKEEP);
	dma_resv_for_each_fence_unlocked (&cursor, found) {
		if (dma_resv_iter_is_restarted(&cursor))
			seen = 0;
		seen |= 1u << (container_of(found, struct job, fence) - jobs);
		if (next < 20)
			fill(&obj, next++, 1);
	}
	dma_resv_iter_end(&cursor);
	assert_int_equal(next, 20);
	assert_int_equal(seen, (1u << 20) - 1);
	end_case();
}

static void who_leaves_early_says_so(void **state)
{
	struct dma_resv_iter cursor;
	struct dma_fence *found;
	int i;

	(void)state;
	fill(&obj, 0, FEWEST);
	dma_resv_iter_begin(&cursor, &obj, BOOKKEEP);
	dma_resv_for_each_fence_unlocked (&cursor, found) {
		if (found == fence(2))
			break;
	}
	assert_ptr_equal(found, fence(2));
	assert_int_equal(references(2), 3);

	/* From the start with the same one. */
	dma_resv_for_each_fence_unlocked (&cursor, found) {
		if (found == fence(1))
			break;
		assert_true(dma_resv_iter_is_restarted(&cursor));
	}
	assert_int_equal(references(2), 2);
	assert_int_equal(references(1), 3);
	dma_resv_iter_end(&cursor);
	for (i = 0; i < FEWEST; i++)
		assert_int_equal(references(i), 2);
	end_case();
}

/* The body may wait, for a grace period, too: it is outside of read-side sections. */
static void a_list_where_the_old_one_was_is_another(void **state)
{
	struct dma_resv_list *list;
	struct dma_resv_iter cursor;
	struct dma_fence *found;
	unsigned int num = 0;

	(void)state;
	fill(&obj, 0, FEWEST);
	assert_int_equal(dma_resv_reserve_fences(&other, FEWEST), 0);
	assert_int_equal(dma_resv_add_fence(&other, fence(8), READ), 0);
	assert_int_equal(dma_resv_add_fence(&other, fence(9), READ), 0);
	list = obj.fences;
	dma_resv_iter_begin(&cursor, &obj, BOOKKEEP);
	found = dma_resv_iter_first_unlocked(&cursor);
	assert_ptr_equal(found, fence(0));

	atomic_store_release(&failing_malloc_watched, (void *)list);
	assert_int_equal(dma_resv_reserve_fences(&obj, 1), 0);
	assert_ptr_not_equal(obj.fences, list);
	dma_fence_rcu_barrier();
	assert_int_equal(atomic_load_acquire(&failing_malloc_returned), 1);
	assert_int_equal(dma_resv_copy_fences(&obj, &other), 0);
	assert_ptr_equal(obj.fences, list);

	while ((found = dma_resv_iter_next_unlocked(&cursor))) {
		assert_ptr_equal(found, fence(8 + (int)num));
		assert_int_equal(dma_resv_iter_is_restarted(&cursor), !num);
		num++;
	}
	dma_resv_iter_end(&cursor);
	assert_int_equal(num, 2);
	end_case();
}

/* In the middle of a reader's way */

static void *watched;
static int returned_too_early;

static void list_is_replaced(void)
{
	watched = obj.fences;
	atomic_store_release(&failing_malloc_watched, watched);
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	returned_too_early = atomic_load_acquire(&failing_malloc_returned);
}

/* Who is in it may go on. */
static void a_list_stays_for_its_readers(void **state)
{
	struct dma_fence **list;
	unsigned int num, i;

	(void)state;
	fill(&obj, 0, FEWEST);
	when_asked = list_is_replaced;
	assert_int_equal(dma_resv_get_fences(&obj, BOOKKEEP, &num, &list), 0);
	assert_ptr_not_equal(obj.fences, watched);
	assert_int_equal(returned_too_early, 0);
	assert_int_equal(num, FEWEST);
	for (i = 0; i < num; i++) {
		assert_ptr_equal(list[i], fence((int)i));
		dma_fence_put(list[i]);
	}
	free(list);
	dma_fence_rcu_barrier();
	assert_int_equal(atomic_load_acquire(&failing_malloc_returned), 1);
	end_case();
}

/* What he has collected of the old list goes, and that may be the last reference. */
static void first_goes(void)
{
	dma_fence_signal(fence(0));
	dma_fence_put(fence(0));
	list_is_replaced();
	assert_int_equal(references(0), 1);
}

static void first_is_passed(void)
{
	when_asked = first_goes;
}

static void a_reader_begins_anew_without_what_he_had(void **state)
{
	struct dma_fence **list;
	unsigned int num, i;

	(void)state;
	fill(&obj, 0, FEWEST);
	when_asked = first_is_passed;
	assert_int_equal(dma_resv_get_fences(&obj, BOOKKEEP, &num, &list), 0);
	assert_int_equal(*release_count(), 1);
	assert_int_equal(num, FEWEST - 1);
	for (i = 0; i < num; i++) {
		assert_ptr_equal(list[i], fence((int)i + 1));
		dma_fence_put(list[i]);
	}
	free(list);
	end_case();
}

static void object_is_emptied(void)
{
	assert_int_equal(dma_resv_copy_fences(&obj, &other), 0);
}

static void first_is_passed_then_emptied(void)
{
	when_asked = object_is_emptied;
}

/* In the new list there is nothing, and of the old one nothing is left, either. */
static void a_reader_ends_with_nothing(void **state)
{
	struct dma_fence **list;
	unsigned int num;
	int i;

	(void)state;
	fill(&obj, 0, FEWEST);
	when_asked = first_is_passed_then_emptied;
	assert_int_equal(dma_resv_get_fences(&obj, BOOKKEEP, &num, &list), 0);
	assert_int_equal(num, 0);
	assert_null(list);
	for (i = 0; i < FEWEST; i++)
		assert_int_equal(references(i), 1);
	end_case();
}

/* A fence that goes between the look at its place and the reference to it. */

static void fence_is_replaced(struct dma_fence *found)
{
	assert_ptr_equal(found, fence(0));
	dma_resv_replace_fences(&obj, found->context, fence(8), WRITE);
	dma_fence_signal(found);
	dma_fence_put(found);
	assert_int_equal(*release_count(), 1);
}

static void fence_is_left_behind(struct dma_fence *found)
{
	assert_ptr_equal(found, fence(0));
	dma_fence_signal(found);
	dma_fence_put(found);
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	assert_int_equal(*release_count(), 1);
}

static void object_is_emptied_before(struct dma_fence *found)
{
	dma_fence_signal(found);
	object_is_emptied();
	dma_fence_put(found);
}

/* A reader that does not take care calls dma_fence_get(), with this hook in it. */
static const struct hooks careless_get = { .get = about_to_get };

static void a_fence_that_has_gone_is_not_taken(void **state)
{
	static void (*const changes[])(struct dma_fence * fence) = {
		fence_is_replaced,
		fence_is_left_behind,
		object_is_emptied_before,
	};
	struct dma_fence **list;
	unsigned int num, i;
	size_t c;

	(void)state;
	for (c = 0; c < ARRAY_SIZE(changes); c++) {
		*release_count() = 0;
		remake(0, dma_fence_context_alloc(1), 1);
		fill(&obj, 0, FEWEST);
		before_get = changes[c];
		dma_fence_hooks_add(&careless_get);
		assert_int_equal(dma_resv_get_fences(&obj, BOOKKEEP, &num, &list), 0);
		assert_int_equal(*release_count(), 1);
		assert_int_equal(caught()->count, 0);
		assert_int_equal(num, c == 0 ? FEWEST : c == 1 ? FEWEST - 1 : 0);
		for (i = 0; i < num; i++) {
			assert_ptr_not_equal(list[i], fence(0));
			dma_fence_put(list[i]);
		}
		free(list);
		begin_anew();
	}
	dma_fence_hooks_remove(&careless_get);
	end_case();
}

/* A list that grows, and gets shorter, while it is collected: there is room for all in time. */

static void object_is_made_small(struct dma_fence *found)
{
	assert_ptr_equal(found, fence(FEWEST));
	dma_fence_signal(fence(0));
	assert_int_equal(dma_resv_copy_fences(&obj, &obj), 0);
	assert_content(&obj, FEWEST);
}

static void await_the_last(struct dma_fence *found)
{
	before_get = found == fence(FEWEST - 1) ? object_is_made_small : await_the_last;
}

static void one_is_added(void)
{
	fill(&obj, FEWEST, 1);
	before_get = await_the_last;
}

static void five_are_added(void)
{
	fill(&obj, FEWEST, 5);
}

static void first_is_passed_then_one_is_added(void)
{
	when_asked = one_is_added;
}

static void first_is_passed_then_five_are_added(void)
{
	when_asked = five_are_added;
}

static void what_is_collected_has_room(void **state)
{
	struct dma_fence **list;
	unsigned int num, i;

	(void)state;
	assert_int_equal(dma_resv_reserve_fences(&obj, 16), 0);
	fill(&obj, 0, FEWEST);
	when_asked = first_is_passed_then_five_are_added;
	assert_int_equal(dma_resv_get_fences(&obj, BOOKKEEP, &num, &list), 0);
	assert_int_equal(num, FEWEST + 5);
	for (i = 0; i < num; i++) {
		assert_ptr_equal(list[i], fence((int)i));
		dma_fence_put(list[i]);
	}
	free(list);

	begin_anew();
	assert_int_equal(dma_resv_reserve_fences(&obj, 16), 0);
	fill(&obj, 0, FEWEST);
	when_asked = first_is_passed_then_one_is_added;
	assert_int_equal(dma_resv_get_fences(&obj, BOOKKEEP, &num, &list), 0);
	assert_null(before_get);
	assert_int_equal(num, FEWEST);
	for (i = 0; i < num; i++) {
		assert_ptr_equal(list[i], fence((int)i + 1));
		dma_fence_put(list[i]);
	}
	free(list);
	end_case();
}

/* First the place, then the reference: nobody finds a fence there that is being released. */

static void is_not_there_any_more(struct dma_fence *released)
{
	const struct content *there = content(&obj);
	unsigned int i;

	for (i = 0; i < there->num; i++)
		assert_ptr_not_equal(there->fences[i], released);
}

static void a_fence_goes_when_it_is_no_more_there(void **state)
{
	int i;

	(void)state;
	when_released = is_not_there_any_more;
	fill(&obj, 0, FEWEST);
	for (i = 0; i < FEWEST; i++) {
		dma_fence_signal(fence(i));
		dma_fence_put(fence(i));
	}
	fill(&obj, 5, 1);
	assert_int_equal(*release_count(), 1);
	fill(&obj, 6, FEWEST);
	assert_int_equal(*release_count(), FEWEST);
	assert_int_equal(dma_fence_set_error(fence(6), -EIO), 0);
	dma_fence_signal(fence(6));
	dma_fence_put(fence(6));
	assert_int_equal(dma_resv_copy_fences(&obj, &other), 0);
	assert_int_equal(*release_count(), FEWEST + 1);
	when_released = NULL;
	end_case();
}

/* A place that is being filled. */

static unsigned int seen_meanwhile;
static struct dma_fence *first_meanwhile;

static void look(struct dma_fence *added)
{
	struct dma_fence **list;

	if (added != fence(1))
		return;
	assert_int_equal(dma_resv_get_fences(&obj, BOOKKEEP, &seen_meanwhile, &list), 0);
	for (unsigned int i = 0; i < seen_meanwhile; i++)
		dma_fence_put(list[i]);
	first_meanwhile = list[0];
	free(list);
}

static void a_place_is_not_looked_at_before_a_fence_is_in_it(void **state)
{
	static const struct hooks hooks = { .get = about_to_get };

	(void)state;
	failing_malloc_fill = fence(5); /* is in the places that are not used */
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	failing_malloc_fill = NULL;
	assert_int_equal(dma_resv_add_fence(&obj, fence(0), READ), 0);
	before_get = look;
	dma_fence_hooks_add(&hooks);
	assert_int_equal(dma_resv_add_fence(&obj, fence(1), READ), 0);
	dma_fence_hooks_remove(&hooks);
	assert_null(before_get);
	assert_int_equal(seen_meanwhile, 1);
	assert_ptr_equal(first_meanwhile, fence(0));
	assert_content(&obj, 2);
	end_case();
}

/* The rest */

static void what_is_there_goes_with_the_object(void **state)
{
	int i;

	(void)state;
	fill(&obj, 0, 9);
	dma_fence_signal(fence(4));
	dma_fence_put(fence(4));
	assert_int_equal(*release_count(), 0);
	begin_anew();
	assert_int_equal(*release_count(), 1);
	for (i = 0; i < 9; i++)
		assert_int_equal(references(i), i != 4);
	end_case();
}

static void an_object_does_not_end_locked(void **state)
{
	struct dma_resv ended;

	(void)state;
	dma_resv_init(&ended);
	assert_true(dma_resv_trylock(&ended));
	dma_resv_fini(&ended);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_LOCKING], 1);
	assert_int_equal(caught()->count, 1);
	caught()->count = 0;
	end_case();
}

static void changes_without_the_lock_are_reported(void **state)
{
	struct dma_resv_iter cursor;

	(void)state;
	dma_resv_unlock(&obj);
	dma_fence_debug_set(DEBUG_LOCKING);
	assert_int_equal(dma_resv_reserve_fences(&obj, FEWEST), 0);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_LOCKING], 1);
	assert_int_equal(dma_resv_add_fence(&obj, fence(0), READ), 0);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_LOCKING], 2);
	dma_resv_replace_fences(&obj, fence(0)->context, fence(1), READ);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_LOCKING], 3);
	assert_int_equal(dma_resv_copy_fences(&obj, &other), 0);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_LOCKING], 4);
	dma_resv_iter_begin(&cursor, &obj, READ);
	assert_null(dma_resv_iter_first(&cursor));
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_LOCKING], 5);

	/* Who asks needs none, and with the lock all is well. */
	assert_true(dma_resv_test_signaled(&obj, READ));
	dma_resv_lock(&obj, NULL);
	fill(&obj, 2, 2);
	dma_resv_replace_fences(&obj, fence(2)->context, fence(1), READ);
	assert_content(&obj, 2);
	assert_int_equal(caught()->count, 5);
	caught()->count = 0;
	dma_fence_debug_clear(DEBUG_LOCKING);
	end_case();
}

#define VERY_MANY 10000

static void very_many_fences(void **state)
{
	struct dma_fence *many = calloc(VERY_MANY, sizeof(*many)), **list, *single;
	const uint64_t context = dma_fence_context_alloc(VERY_MANY);
	unsigned int num, i;

	(void)state;
	assert_non_null(many);
	assert_int_equal(dma_resv_reserve_fences(&obj, VERY_MANY), 0);
	for (i = 0; i < VERY_MANY; i++) {
		dma_fence_init(&many[i], plain_ops(), context + i, 1);
		assert_int_equal(dma_resv_add_fence(&obj, &many[i], i % USAGES), 0);
	}
	assert_int_equal(dma_resv_copy_fences(&other, &obj), 0);
	assert_int_equal(dma_resv_get_fences(&other, BOOKKEEP, &num, &list), 0);
	assert_int_equal(num, VERY_MANY);
	for (i = 0; i < num; i++) {
		assert_ptr_equal(list[i], &many[i]);
		dma_fence_put(list[i]);
	}
	free(list);
	assert_int_equal(dma_resv_get_singleton(&other, KERNEL, &single), 0);
	assert_int_equal(to_dma_fence_array(single)->num_fences, VERY_MANY / USAGES);
	for (i = 0; i < VERY_MANY; i++)
		dma_fence_signal(&many[i]);
	assert_true(dma_fence_poll(single));
	dma_fence_put(single);
	assert_true(dma_resv_test_signaled(&obj, BOOKKEEP));
	assert_int_equal(dma_resv_wait_timeout(&other, BOOKKEEP, false, 0), 1);

	/* All of them give way. */
	assert_int_equal(dma_resv_reserve_fences(&obj, 2 * VERY_MANY), 0);
	assert_content(&obj, 0);
	assert_int_equal(dma_resv_copy_fences(&other, &obj), 0);
	for (i = 0; i < VERY_MANY; i++)
		dma_fence_put(&many[i]);
	assert_int_equal(*release_count(), VERY_MANY);
	*release_count() = 0;
	free(many);
	end_case();
}

static int teardown(void **state)
{
	dma_fence_debug_clear(DEBUG_LOCKING);
	return catch_teardown(state);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_class_contains_those_above_it),
		CASE(who_reads_waits_for_writers_and_who_writes_for_both),
		CASE(a_usage_that_is_none_is_an_error),
		CASE(an_object_that_never_had_a_fence),
		CASE(one_fence_of_a_context_is_enough),
		CASE(the_very_same_fence_is_there_once),
		CASE(one_that_stands_for_it_may_be_anywhere),
		CASE(what_is_drained_stands_for_nobody),
		CASE(what_takes_a_place_needs_none),
		CASE(without_room_nothing_is_added),
		CASE(drained_ones_give_way),
		CASE(pending_ones_stay),
		CASE(signaled_ones_stay_until_they_are_drained),
		CASE(a_container_is_reported_and_kept),
		CASE(fences_are_published),
		CASE(room_really_is_there),
		CASE(room_is_not_in_addition_to_what_there_was),
		CASE(where_drained_ones_make_room_nothing_is_allocated),
		CASE(a_new_list_is_without_those_that_are_drained),
		CASE(numbers_for_which_there_is_no_room_at_all),
		CASE(reserving_without_memory_changes_nothing),
		CASE(another_fence_stands_for_those_of_a_context),
		CASE(later_ones_are_not_replaced),
		CASE(drained_ones_are_not_replaced),
		CASE(replacing_by_what_is_none_is_reported),
		CASE(replacing_needs_no_room),
		CASE(a_copy_takes_the_place_of_what_was_there),
		CASE(a_copy_is_without_those_that_are_signaled),
		CASE(a_copy_of_itself),
		CASE(copying_without_memory_changes_nothing),
		CASE(a_copy_of_what_is_replaced_meanwhile),
		CASE(several_are_an_array),
		CASE(nothing_is_left_to_wait_for),
		CASE(the_error_of_one_that_has_failed),
		CASE(a_singleton_without_memory_is_none),
		CASE(one_fence_takes_no_memory),
		CASE(a_vector_without_memory_is_none),
		CASE(what_is_complete_is_not_waited_for),
		CASE(negative_time_is_an_error),
		CASE(times_out),
		CASE(waits_for_one_after_the_other),
		CASE(the_second_does_not_begin_anew),
		CASE(a_handler_interrupts),
		CASE(success_means_drained),
		CASE(a_new_list_begins_anew),
		CASE(the_body_may_add),
		CASE(who_leaves_early_says_so),
		CASE(a_list_where_the_old_one_was_is_another),
		CASE(a_list_stays_for_its_readers),
		CASE(a_reader_begins_anew_without_what_he_had),
		CASE(a_reader_ends_with_nothing),
		CASE(a_fence_that_has_gone_is_not_taken),
		CASE(what_is_collected_has_room),
		CASE(a_fence_goes_when_it_is_no_more_there),
		CASE(a_place_is_not_looked_at_before_a_fence_is_in_it),
		CASE(what_is_there_goes_with_the_object),
		CASE(an_object_does_not_end_locked),
		CASE(changes_without_the_lock_are_reported),
		CASE(very_many_fences),
	};

	dma_fence_report_source = NULL; /* what it looks up for details is not counted */
	return RUN(tests);
}
