/* SPDX-License-Identifier: MIT */
/* The hang watch: what somebody waits for too long is reported, once, and nothing else is. */
#include "fds.h"
#include "program.h"

#define LIMIT (20 * MS)

/* No fence hangs for as long in these tests. */
#define LONG (100 * SECOND)

/* The reports, each with the fence and the time. */
#define MOST 4096

static struct told {
	uint64_t context; /* 0: nothing is there yet */
	uint64_t seqno;
	int64_t at;
	char text[300];
	char details[4000];
} told[MOST];

static uint32_t tellings;

static void note(const struct dma_fence_report *report, void *arg)
{
	uint32_t i = __atomic_fetch_add(&tellings, 1, __ATOMIC_ACQ_REL);

	(void)arg;
	assert_int_equal(report->reason, DMA_FENCE_REPORT_HANG);
	assert_true(i < MOST);
	/* A point that a thread has waited for longer than it took to put a fence there. */
	if (!report->fence)
		return;
	snprintf(told[i].text, sizeof(told[i].text), "%s", report->text);
	snprintf(told[i].details, sizeof(told[i].details), "%s", report->details);
	told[i].at = clock_now();
	told[i].seqno = report->fence->seqno;
	/* Last: who finds it finds the rest. */
	atomic_store_release(&told[i].context, report->fence->context);
}

/* Not by the address, at which there may have been another one. */
static bool is_of(const struct told *report, const struct dma_fence *fence)
{
	return atomic_load_acquire(&report->context) == fence->context &&
	       report->seqno == fence->seqno;
}

static const struct told *find_told(const struct dma_fence *fence)
{
	uint32_t i;

	for (i = 0; i < MOST; i++) {
		if (is_of(&told[i], fence))
			return &told[i];
	}
	return NULL;
}

static int times_told(const struct dma_fence *fence)
{
	int times = 0;
	uint32_t i;

	for (i = 0; i < MOST; i++)
		times += is_of(&told[i], fence);
	return times;
}

static const struct told *await_told(const struct dma_fence *fence)
{
	const struct told *found;
	int64_t end = 0;
	uint32_t before = 0;

	/* Each takes some milliseconds, of which others may want some. */
	while (!(found = find_told(fence))) {
		if (!end || atomic_load_acquire(&tellings) != before)
			end = clock_now() + PATIENCE * 10 * SECOND;
		else if (clock_now() > end)
			break;
		before = atomic_load_acquire(&tellings);
		sleep_ns(MS);
	}
	assert_non_null(found);
	return found;
}

/* A fence with a callback, by which somebody waits for it. */
struct awaited {
	struct dma_fence *fence;
	struct counter counter;
};

static void await(struct awaited *awaited, struct dma_fence *fence)
{
	awaited->fence = fence;
	awaited->counter.ran = 0;
	assert_int_equal(dma_fence_add_callback(fence, &awaited->counter.cb, count_call), 0);
}

static void finish(struct dma_fence *fence)
{
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

/*
 * What has begun before this would have been reported when it returns: limits are over in the order
 * in which waits have begun, or at the same time for who looks.
 */
static void limit_passes(void)
{
	struct awaited last;
	int i;

	/* Twice: which of two is told of first that are over at the same time is not said. */
	for (i = 0; i < 2; i++) {
		await(&last, create_fence());
		await_told(last.fence);
		dma_fence_signal(last.fence);
		dma_fence_put(last.fence);
	}
}

static int setup(void **state)
{
	int ret = fd_setup(state);

	memset(told, 0, sizeof(told));
	tellings = 0;
	dma_fence_set_report_handler(note, NULL);
	assert_int_equal(dma_fence_hang_watch(LIMIT), 0);
	return ret;
}

/* The thread has gone then, which it does by itself, when it has told what it was about to tell. */
static int teardown(void **state)
{
	assert_int_equal(dma_fence_hang_watch(0), 0);
	return fd_teardown(state);
}

#define hang_test(func) cmocka_unit_test_setup_teardown(func, setup, teardown)

static void *wait_for_it(void *arg)
{
	assert_int_equal(dma_fence_wait(arg, false), 0);
	return NULL;
}

static void thread_that_waits(void **state)
{
	struct dma_fence *fence = create_fence();
	const int64_t begin = clock_now();
	pthread_t thread = start(wait_for_it, fence);
	const struct told *report = await_told(fence);
	const char *awaited = strstr(report->text, "has been awaited for ");
	double seconds;
	char name[64];

	(void)state;
	assert_true(report->at >= begin + LIMIT);
	snprintf(name, sizeof(name), "fence %ju:%ju of ", (uintmax_t)fence->context,
		 (uintmax_t)fence->seqno);
	assert_non_null(strstr(report->text, name));
	assert_non_null(awaited);
	assert_int_equal(sscanf(awaited, "has been awaited for %lf s", &seconds), 1);
	/* It is told in tenths. */
	assert_true(seconds >= 0 && seconds <= (double)(report->at - begin) / SECOND + 0.05);
	snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)fence->context, (uintmax_t)fence->seqno);
	assert_non_null(strstr(report->details, name));
	assert_int_equal(report->details[strlen(report->details) - 1], '\n');
	limit_passes();
	assert_int_equal(dma_fence_wait_timeout(fence, false, MS), 0);
	limit_passes();
	assert_int_equal(times_told(fence), 1);
	assert_false(dma_fence_taint() & 1u << DMA_FENCE_REPORT_HANG);
	dma_fence_signal(fence);
	join(thread);
	dma_fence_put(fence);
}

static void callback_that_waits(void **state)
{
	const int64_t begin = clock_now();
	struct awaited awaited;

	(void)state;
	await(&awaited, create_fence());
	assert_true(await_told(awaited.fence)->at >= begin + LIMIT);
	limit_passes();
	assert_int_equal(times_told(awaited.fence), 1);
	finish(awaited.fence);
	assert_int_equal(calls(&awaited.counter), 1);
}

static void *wait_for_any(void *arg)
{
	assert_true(dma_fence_wait_any_timeout(arg, 2, false, LONG, NULL) > 0);
	return NULL;
}

static void who_waits_for_any(void **state)
{
	struct dma_fence *fences[2] = { create_fence(), create_fence() };
	pthread_t thread = start(wait_for_any, fences);

	(void)state;
	await_told(fences[0]);
	await_told(fences[1]);
	finish(fences[0]);
	join(thread);
	finish(fences[1]);
}

static void who_has_an_fd(void **state)
{
	struct dma_fence *fence = create_fence();
	int fd = dma_fence_sync_file_export(fence);

	(void)state;
	assert_true(fd >= 0);
	await_told(fence);
	finish(fence);
	close(fd);
}

static void *wait_for_point(void *arg)
{
	const struct dma_fence_syncobj_point point = { .syncobj = arg, .point = 7 };

	assert_true(dma_fence_syncobj_wait(&point, 1, DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT, false,
					   LONG, NULL) > 0);
	return NULL;
}

/*
 * The point is what is waited for; the fence, which stands for its work, only the point waits
 * for.
 */
static void who_waits_for_a_point(void **state)
{
	struct dma_fence_syncobj *syncobj = dma_fence_syncobj_create(0);
	struct dma_fence *fence = create_fence(), *point;
	pthread_t thread = start(wait_for_point, syncobj);

	(void)state;
	assert_int_equal(dma_fence_syncobj_add_point(syncobj, 7, fence), 0);
	point = dma_fence_syncobj_find_fence(syncobj, 7);
	assert_non_null(point);
	await_told(point);
	limit_passes();
	assert_int_equal(times_told(point), 1);
	if (point != fence)
		assert_int_equal(times_told(fence), 0);
	dma_fence_put(point);
	finish(fence);
	join(thread);
	dma_fence_syncobj_put(syncobj);
}

static void in_time_is_not_told(void **state)
{
	struct awaited signaled, removed;
	struct dma_fence *nobodys = create_fence();

	(void)state;
	/* Longer than all of this takes, but for what comes after it is made shorter. */
	assert_int_equal(dma_fence_hang_watch(PATIENCE * SECOND), 0);
	await(&signaled, create_fence());
	await(&removed, create_fence());
	dma_fence_enable_signaling(nobodys);
	assert_int_equal(dma_fence_wait_timeout(removed.fence, false, MS), 0);
	dma_fence_signal(signaled.fence);
	assert_true(dma_fence_remove_callback(removed.fence, &removed.counter.cb));
	assert_int_equal(dma_fence_wait_timeout(nobodys, false, 0), 0);
	assert_int_equal(dma_fence_hang_watch(LIMIT), 0);
	limit_passes();
	assert_int_equal(times_told(signaled.fence), 0);
	assert_int_equal(times_told(removed.fence), 0);
	assert_int_equal(times_told(nobodys), 0);
	dma_fence_put(signaled.fence);
	finish(removed.fence);
	finish(nobodys);
}

/* It has signaled, and nobody hangs for it: who waits waits for one of its callbacks. */

struct slow {
	struct dma_fence_cb cb;
	int runs;
	int may_return;
};

static void take_long(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct slow *slow = container_of(cb, struct slow, cb);

	(void)fence;
	set_flag(&slow->runs);
	await_flag(&slow->may_return);
}

static void *signal_only(void *arg)
{
	dma_fence_signal(arg);
	return NULL;
}

static void callbacks_that_take_long_are_not_told(void **state)
{
	struct dma_fence *fence = create_fence();
	struct slow slow = { .runs = 0 };
	pthread_t signaler, waiter;

	(void)state;
	/* What comes in time has time. */
	assert_int_equal(dma_fence_hang_watch(PATIENCE * SECOND), 0);
	assert_int_equal(dma_fence_add_callback(fence, &slow.cb, take_long), 0);
	signaler = start(signal_only, fence);
	await_flag(&slow.runs);
	assert_int_equal(dma_fence_hang_watch(LIMIT), 0);
	waiter = start(wait_for_it, fence);
	let_it_sleep();
	limit_passes();
	assert_int_equal(times_told(fence), 0);
	set_flag(&slow.may_return);
	join(signaler);
	join(waiter);
	dma_fence_put(fence);
}

/* Each of these waits is short, and together they are not. */
static void short_waits_add_up(void **state)
{
	const int64_t end = clock_now() + PATIENCE * 20 * SECOND;
	struct dma_fence *fence = create_fence();

	(void)state;
	assert_int_equal(dma_fence_hang_watch(5 * LIMIT), 0);
	while (!find_told(fence) && clock_now() < end)
		assert_int_equal(dma_fence_wait_timeout(fence, false, LIMIT / 10), 0);
	assert_int_equal(times_told(fence), 1);
	finish(fence);
}

/* The limit is over between two of them. */
static void limit_between_two_waits(void **state)
{
	const int64_t limit = PATIENCE * SECOND;
	struct dma_fence *fence = NULL;
	int64_t begin, again = 0;

	(void)state;
	assert_int_equal(dma_fence_hang_watch(limit), 0);
	/* If this thread gets to run too late it was not the same wait. */
	do {
		if (fence)
			finish(fence);
		fence = create_fence();
		begin = clock_now();
		assert_int_equal(dma_fence_wait_timeout(fence, false, limit * 9 / 10), 0);
		sleep_ns(begin + limit * 21 / 20 - clock_now());
		again = clock_now();
	} while (again - (begin + limit * 9 / 10) > limit / 4);
	assert_int_equal(dma_fence_wait_timeout(fence, false, limit / 2), 0);
	assert_int_equal(times_told(fence), 1);
	finish(fence);
}

/* And these do not: between them there is more than a quarter of the limit. */
static void waits_far_apart_do_not(void **state)
{
	struct dma_fence *fence = create_fence();

	(void)state;
	assert_int_equal(dma_fence_hang_watch(PATIENCE * SECOND), 0);
	assert_int_equal(dma_fence_wait_timeout(fence, false, MS), 0);
	sleep_ns(PATIENCE * 600 * MS);
	/* The limit is over in the middle of this, counted from where the other one began. */
	assert_int_equal(dma_fence_wait_timeout(fence, false, PATIENCE * 600 * MS), 0);
	assert_int_equal(times_told(fence), 0);
	finish(fence);
}

/* Somebody begins to wait while the thread is in the middle of telling of another. */

static int tells, may_tell;

static void note_slowly(const struct dma_fence_report *report, void *arg)
{
	note(report, arg);
	set_flag(&tells);
	await_flag(&may_tell);
}

static void what_comes_while_it_tells(void **state)
{
	int round;

	(void)state;
	/* In every other round it comes to where the thread has been already. */
	for (round = 0; round < 16; round++) {
		struct awaited first, second;

		atomic_store_relaxed(&tells, 0);
		atomic_store_relaxed(&may_tell, 0);
		dma_fence_set_report_handler(note_slowly, NULL);
		await(&first, create_fence());
		await_flag(&tells);
		dma_fence_set_report_handler(note, NULL);
		await(&second, create_fence());
		set_flag(&may_tell);
		await_told(second.fence);
		finish(first.fence);
		finish(second.fence);
	}
}

static void the_array_and_not_its_members(void **state)
{
	struct dma_fence *members[3], **vector = malloc(sizeof(members));
	struct dma_fence_array *array;
	struct awaited awaited, second;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		members[i] = create_fence();
		vector[i] = dma_fence_get(members[i]);
	}
	array = dma_fence_array_create(3, vector, dma_fence_context_alloc(1), 1);
	await(&awaited, &array->base);
	await(&second, members[1]);
	await_told(&array->base);
	await_told(members[1]); /* somebody waits for it as well */
	limit_passes();
	assert_int_equal(times_told(&array->base), 1);
	assert_int_equal(times_told(members[0]), 0);
	assert_int_equal(times_told(members[1]), 1);
	assert_int_equal(times_told(members[2]), 0);
	for (i = 0; i < 3; i++)
		finish(members[i]);
	assert_int_equal(calls(&awaited.counter), 1);
	dma_fence_put(&array->base);
}

static void the_link_and_not_what_is_before(void **state)
{
	struct dma_fence *works[3], *head = NULL, *links[3];
	struct awaited awaited;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct dma_fence_chain *chain = dma_fence_chain_alloc();

		works[i] = create_fence();
		dma_fence_chain_init(chain, dma_fence_get(head), dma_fence_get(works[i]),
				     (uint64_t)i + 1);
		dma_fence_put(head);
		head = links[i] = &chain->base;
	}
	await(&awaited, head);
	await_told(head);
	dma_fence_signal(works[2]);
	limit_passes();
	for (i = 0; i < 3; i++)
		assert_int_equal(times_told(works[i]), 0);
	assert_int_equal(times_told(links[0]), 0);
	assert_int_equal(times_told(links[1]), 0);
	assert_int_equal(times_told(head), 1);
	for (i = 0; i < 3; i++)
		finish(works[i]);
	assert_int_equal(calls(&awaited.counter), 1);
	dma_fence_put(head);
}

static void the_promise_and_not_what_it_is_kept_with(void **state)
{
	struct dma_fence_promise *promise = dma_fence_promise_create();
	struct dma_fence *promised = dma_fence_promise_fence(promise), *work = create_fence();
	struct awaited awaited;

	(void)state;
	await(&awaited, promised);
	assert_int_equal(dma_fence_promise_keep(promise, work), 0);
	await_told(promised);
	limit_passes();
	assert_int_equal(times_told(promised), 1);
	assert_int_equal(times_told(work), 0);
	finish(work);
	assert_int_equal(calls(&awaited.counter), 1);
	dma_fence_put(promised);
}

static void assert_threads(int count)
{
	const int64_t end = clock_now() + PATIENCE * 10 * SECOND;

	while (count_threads() != count && clock_now() < end)
		sleep_ns(MS);
	assert_int_equal(count_threads(), count);
}

/* It goes by the time at which it would have had something to tell, and not much later. */
static void thread_is_there_while_somebody_waits(void **state)
{
	struct dma_fence *nobodys = create_fence();
	struct awaited awaited;
	int before = count_threads(), i;

	(void)state;
	assert_int_equal(dma_fence_hang_watch(PATIENCE * 300 * MS), 0);
	dma_fence_enable_signaling(nobodys);
	assert_int_equal(count_threads(), before);
	for (i = 0; i < 2; i++) {
		await(&awaited, create_fence());
		assert_int_equal(count_threads(), before + 1);
		finish(awaited.fence);
		assert_threads(before);
	}
	/* Who gave up does not wait. */
	await(&awaited, create_fence());
	assert_int_equal(count_threads(), before + 1);
	assert_true(dma_fence_remove_callback(awaited.fence, &awaited.counter.cb));
	assert_threads(before);
	assert_int_equal(dma_fence_wait_timeout(awaited.fence, false, MS), 0);
	assert_threads(before);
	assert_int_equal(tellings, 0);
	/* And of what was told there is nothing left to be told. */
	assert_int_equal(dma_fence_hang_watch(LIMIT), 0);
	assert_int_equal(dma_fence_add_callback(awaited.fence, &awaited.counter.cb, count_call), 0);
	await_told(awaited.fence);
	assert_threads(before);
	finish(awaited.fence);
	finish(nobodys);
}

static void off_ends_it_at_once(void **state)
{
	int before = count_threads();
	struct awaited awaited;

	(void)state;
	assert_int_equal(dma_fence_hang_watch(-1), -EINVAL);
	assert_int_equal(dma_fence_hang_watch(LONG), 0);
	await(&awaited, create_fence());
	assert_threads(before + 1);
	assert_int_equal(dma_fence_hang_watch(0), 0);
	assert_threads(before);
	assert_int_equal(dma_fence_hang_watch(LIMIT), 0);
	limit_passes();
	assert_int_equal(times_told(awaited.fence), 0); /* that wait began before */
	finish(awaited.fence);
}

/* Also for who waits for points. */
static void off_forgets_points(void **state)
{
	struct dma_fence_syncobj *syncobj = dma_fence_syncobj_create(0);
	int before = count_threads();
	pthread_t thread;

	(void)state;
	assert_int_equal(dma_fence_hang_watch(LONG), 0);
	thread = start(wait_for_point, syncobj);
	assert_threads(before + 2);
	assert_int_equal(dma_fence_hang_watch(0), 0);
	assert_threads(before + 1);
	assert_int_equal(dma_fence_hang_watch(LIMIT), 0);
	limit_passes();
	assert_int_equal(tellings, 2); /* those of limit_passes() */
	assert_int_equal(dma_fence_syncobj_signal_point(syncobj, 7), 0);
	join(thread);
	dma_fence_syncobj_put(syncobj);
}

/* A shorter limit holds for those who wait already. */
static void limit_changes(void **state)
{
	struct awaited awaited;

	(void)state;
	assert_int_equal(dma_fence_hang_watch(LONG), 0);
	await(&awaited, create_fence());
	let_it_sleep();
	assert_int_equal(dma_fence_hang_watch(LIMIT), 0);
	await_told(awaited.fence);
	finish(awaited.fence);
}

static void many_fences(void **state)
{
	enum { MANY = MOST / 2 };
	struct awaited *awaited = calloc(MANY, sizeof(*awaited));
	int i;

	(void)state;
	for (i = 0; i < MANY; i++)
		await(&awaited[i], create_fence());
	for (i = 0; i < MANY; i++)
		await_told(awaited[i].fence);
	limit_passes();
	for (i = 0; i < MANY; i++) {
		assert_int_equal(times_told(awaited[i].fence), 1);
		finish(awaited[i].fence);
		assert_int_equal(calls(&awaited[i].counter), 1);
	}
	free(awaited);
}

/* Threads make, wait for, signal and drop fences, while the limit is over all the time. */

static void *signal_it(void *arg)
{
	finish(arg);
	return NULL;
}

static void *come_and_go(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 200; i++) {
		struct dma_fence *fence = create_fence();
		struct awaited awaited;
		pthread_t thread;

		await(&awaited, fence);
		thread = start(signal_it, dma_fence_get(fence));
		dma_fence_wait(fence, false);
		dma_fence_put(fence);
		join(thread);
		assert_int_equal(calls(&awaited.counter), 1);
	}
	return NULL;
}

static void ignore(const struct dma_fence_report *report, void *arg)
{
	(void)arg;
	assert_int_equal(report->reason, DMA_FENCE_REPORT_HANG);
}

static void fences_that_come_and_go(void **state)
{
	pthread_t threads[3];
	size_t i;

	(void)state;
	dma_fence_set_report_handler(ignore, NULL);
	assert_int_equal(dma_fence_hang_watch(1), 0);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		threads[i] = start(come_and_go, NULL);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		join(threads[i]);
}

static void *wait_for_a_while(void *arg)
{
	assert_int_equal(dma_fence_wait_timeout(arg, false, 100 * MS), 0);
	return NULL;
}

/* Who has been waiting since before the watch was on, and gives up, is not the one who came later. */
static void who_waits_from_before_counts_not(void **state)
{
	struct dma_fence *fence = create_fence();
	pthread_t before, after;

	(void)state;
	assert_int_equal(dma_fence_hang_watch(0), 0);
	before = start(wait_for_a_while, fence);
	while (!(atomic_load_acquire(&fence->state) & DMA_FENCE_STATE_WAITERS))
		sched_yield();
	assert_int_equal(dma_fence_hang_watch(300 * MS), 0);
	after = start(wait_for_it, fence);
	join(before);
	await_told(fence);
	dma_fence_signal(fence);
	join(after);
	dma_fence_put(fence);
}

/* ThreadSanitizer lets no child of a fork() start a thread. */
#ifndef __SANITIZE_THREAD__
/* The child has the fences and their callbacks, and a thread of its own when it waits itself. */
static void child_watches_itself(void **state)
{
	struct dma_fence_syncobj *syncobj = dma_fence_syncobj_create(0);
	int threads_before = count_threads(), status;
	struct dma_fence *slept_for;
	struct awaited before, in_child;
	pthread_t thread, for_point;
	pid_t pid;

	(void)state;
	slept_for = create_fence();
	/* Longer than the child takes. */
	assert_int_equal(dma_fence_hang_watch(LONG), 0);
	for_point = start(wait_for_point, syncobj);
	assert_threads(threads_before + 2);
	thread = start(wait_for_it, slept_for);
	while (!(atomic_load_acquire(&slept_for->state) & DMA_FENCE_STATE_WAITERS))
		sched_yield();
	await(&before, create_fence());
	fflush(NULL);
	pid = fork();
	if (!pid) {
		other_thread = true; /* it ends where a check fails */
		assert_int_equal(count_threads() <= 2, 1);
		dma_fence_hang_watch(LIMIT);
		await(&in_child, create_fence());
		await_told(in_child.fence);
		await_told(before.fence);
		assert_int_equal(times_told(slept_for), 0);
		assert_int_equal(tellings, 2); /* and nothing of the point */
		finish(before.fence);
		finish(in_child.fence);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(dma_fence_syncobj_signal_point(syncobj, 7), 0);
	join(for_point);
	dma_fence_syncobj_put(syncobj);
	assert_int_equal(dma_fence_hang_watch(LIMIT), 0);
	await_told(before.fence);
	finish(before.fence);
	dma_fence_signal(slept_for);
	join(thread);
	dma_fence_put(slept_for);
}
#endif

/* No thread can be started: the next who waits tries again. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*func)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*func)(void *), void *arg);

static bool no_threads;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*func)(void *), void *arg)
{
	return atomic_load_relaxed(&no_threads)
		       ? EAGAIN
		       : __real_pthread_create(thread, attributes, func, arg);
}

static void thread_that_cannot_start(void **state)
{
	int before = count_threads();
	struct awaited first, second;

	(void)state;
	atomic_store_relaxed(&no_threads, true);
	await(&first, create_fence());
	assert_int_equal(count_threads(), before);
	atomic_store_relaxed(&no_threads, false);
	await(&second, create_fence());
	await_told(first.fence);
	await_told(second.fence);
	finish(first.fence);
	finish(second.fence);
}

/* By the environment, with what is written by default: this program once more. */

static void *wait_until_it_ends(void *arg)
{
	dma_fence_wait(arg, false);
	return NULL;
}

static int hang(void)
{
	struct dma_fence *fences[2] = { create_fence(), create_fence() };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		start(wait_until_it_ends, fences[i]);
	pause();
	return 0;
}

static void switched_on_by_the_environment(void **state)
{
	const struct variable limit = { "DMA_FENCE_HANG_MS", "20" };
	static char text[20000];
	size_t length = 0;
	int output, lines = 0;
	pid_t pid;

	(void)state;
	pid = program_start("hang", &limit, 1, &output);
	/* Each of the two, though they are found at the same place of the program. */
	while (lines < 2) {
		const char *at = text;
		ssize_t n;

		assert_true(events_within(output, PATIENCE * 10 * SECOND) & POLLIN);
		n = read(output, text + length, sizeof(text) - 1 - length);
		assert_true(n > 0);
		length += (size_t)n;
		text[length] = '\0';
		for (lines = 0; (at = strstr(at, "has been awaited for")); lines++)
			at++;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(output);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		hang_test(thread_that_waits),
		hang_test(callback_that_waits),
		hang_test(who_waits_for_any),
		hang_test(who_has_an_fd),
		hang_test(who_waits_for_a_point),
		hang_test(in_time_is_not_told),
		hang_test(callbacks_that_take_long_are_not_told),
		hang_test(short_waits_add_up),
		hang_test(limit_between_two_waits),
		hang_test(waits_far_apart_do_not),
		hang_test(what_comes_while_it_tells),
		hang_test(the_array_and_not_its_members),
		hang_test(the_link_and_not_what_is_before),
		hang_test(the_promise_and_not_what_it_is_kept_with),
		hang_test(thread_is_there_while_somebody_waits),
		hang_test(off_ends_it_at_once),
		hang_test(off_forgets_points),
		hang_test(limit_changes),
		hang_test(many_fences),
		hang_test(fences_that_come_and_go),
		hang_test(who_waits_from_before_counts_not),
#ifndef __SANITIZE_THREAD__
		hang_test(child_watches_itself),
#endif
		hang_test(thread_that_cannot_start),
		hang_test(switched_on_by_the_environment),
	};

	if (argc > 1 && !strcmp(argv[1], "hang"))
		return hang();
	return RUN(tests);
}
