/* SPDX-License-Identifier: MIT */
/* Deadlocks over fences are reported when they are possible: what is on which side of a lock. */
#include <sys/wait.h>

#include "support.h"

#include "failing-malloc.h"

#include <dmafence/annotate.h>

#include "diag/lock-graph.h"

/* What is to be named in reports: not inlined, exported, and not left by a jump. */
#define SITE __attribute__((noinline, visibility("default")))

static _Thread_local volatile int not_a_tail_call;

#if defined(__SANITIZE_THREAD__)
/* It does what it can in the child of a fork(). */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}
#endif

/* Reports */

static struct {
	int count;
	char text[1024];
	char details[16384];
} seen;

static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;

static void see(const struct dma_fence_report *report, void *arg)
{
	(void)arg;
	assert_int_equal(report->reason, DMA_FENCE_REPORT_SIGNALLING);
	pthread_mutex_lock(&seen_lock);
	seen.count++;
	snprintf(seen.text, sizeof(seen.text), "%s", report->text);
	snprintf(seen.details, sizeof(seen.details), "%s", report->details);
	pthread_mutex_unlock(&seen_lock);
}

static int setup_off(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	dma_fence_set_report_handler(see, NULL);
	return 0;
}

/* Once it is on it stays so; but the cases before may not have been run. */
static int setup(void **state)
{
	dma_fence_debug("signalling");
	return setup_off(state);
}

static int teardown(void **state)
{
	(void)state;
	dma_fence_set_report_handler(NULL, NULL);
	return 0;
}

/* Since the last time. */
static int reports(void)
{
	int count = seen.count;

	seen.count = 0;
	return count;
}

/* Each after the one before. */
static bool says(const char *text, const char *const *words)
{
	for (; *words; words++) {
		const char *at = strstr(text, *words);

		if (!at) {
			print_error("'%s' is not in\n%s\n", *words, text);
			return false;
		}
		text = at + strlen(*words);
	}
	return true;
}

#define assert_says(text, ...) assert_true(says(text, (const char *const[]){ __VA_ARGS__, NULL }))

/* Both sides */

static struct dma_fence done;

static char some_lock[1000];

static void lock(const char *name)
{
	dma_fence_annotate_lock(name, name);
}

static void unlock(const char *name)
{
	dma_fence_annotate_unlock(name);
}

void waits(const char *name);
void waits_elsewhere(const char *name);
void signals(const char *name);
void nests(const char *outer, const char *inner);
void waits_in_section(void);

/* There is nothing to wait for, here and in most of what follows. */
SITE void waits(const char *name)
{
	lock(name);
	dma_fence_wait(&done, false);
	unlock(name);
}

SITE void waits_elsewhere(const char *name)
{
	lock(name);
	dma_fence_wait_timeout(&done, false, 1);
	unlock(name);
}

SITE void signals(const char *name)
{
	bool cookie = dma_fence_begin_signalling();

	lock(name);
	unlock(name);
	dma_fence_end_signalling(cookie);
	not_a_tail_call = 1;
}

SITE void nests(const char *outer, const char *inner)
{
	lock(outer);
	lock(inner);
	unlock(inner);
	unlock(outer);
	not_a_tail_call = 1;
}

SITE void waits_in_section(void)
{
	bool cookie = dma_fence_begin_signalling();

	dma_fence_wait(&done, false);
	dma_fence_end_signalling(cookie);
	not_a_tail_call = 1;
}

/* Off */

static void says_nothing_when_off(void **state)
{
	(void)state;
	assert_true(dma_fence_begin_signalling());
	dma_fence_end_signalling(true);
	dma_fence_end_signalling(false);
	waits("off");
	signals("off");
	waits("off");
	waits_in_section();
	dma_fence_might_wait();
	assert_int_equal(reports(), 0);
	assert_false(dma_fence_taint());
}

/* From here on it is on. */

static void what_was_begun_before_is_ended(void **state)
{
	bool cookie = dma_fence_begin_signalling();

	(void)state;
	lock("before");
	assert_int_equal(dma_fence_debug("signalling"), 0);
	assert_int_equal(dma_fence_debug("signalling"), 0);
	unlock("before");
	dma_fence_end_signalling(cookie);
	dma_fence_wait(&done, false);
	assert_int_equal(reports(), 0);
}

static void right_use_says_nothing(void **state)
{
	bool cookie;

	(void)state;
	/* The same lock on both sides, but not while waiting. */
	lock("right");
	unlock("right");
	dma_fence_wait(&done, false);
	signals("right");
	/* One on each side. */
	waits("right of waiter");
	signals("right of signaler");
	/* The signaler's inside the waiter's. */
	lock("right of waiter");
	unlock("right of waiter");
	/* The waiter's is taken when the section has ended. */
	cookie = dma_fence_begin_signalling();
	dma_fence_end_signalling(cookie);
	waits("right of waiter");
	nests("right of signaler", "right of nobody");
	/* Asking is not waiting. */
	cookie = dma_fence_begin_signalling();
	assert_int_equal(dma_fence_wait_timeout(&done, false, 0), 1);
	assert_true(dma_fence_poll(&done));
	dma_fence_end_signalling(cookie);
	assert_int_equal(reports(), 0);
	assert_false(dma_fence_taint());
}

/* Locks */

static void assert_lock_report(const char *quoted)
{
	assert_int_equal(reports(), 1);
	assert_says(seen.text, "lock ", quoted,
		    " is held while dma_fence_wait() is called at waits (annotate.c:",
		    " and is taken in a signalling section at lock (annotate.c:",
		    ": who is to signal may wait for who waits for it");
	assert_says(seen.details, "the signalling section began at:\n",
		    "#0 signals (annotate.c:", "in it lock ", quoted, " was taken at:\n",
		    "#0 lock (annotate.c:", "#1 signals (annotate.c:", "lock ", quoted,
		    " was taken at:\n",
		    "#0 lock (annotate.c:", "#1 waits (annotate.c:", "while it was held ",
		    "dma_fence_wait() was called at:\n", "#0 waits (annotate.c:");
}

static void waiter_comes_first(void **state)
{
	(void)state;
	waits("waiter first");
	assert_int_equal(reports(), 0);
	signals("waiter first");
	assert_lock_report("'waiter first'");
	assert_int_equal(dma_fence_taint(), 1u << DMA_FENCE_REPORT_SIGNALLING);
	waits("waiter first");
	signals("waiter first");
	assert_int_equal(reports(), 0);
}

static void signaler_comes_first(void **state)
{
	(void)state;
	signals("signaler first");
	assert_int_equal(reports(), 0);
	waits("signaler first");
	assert_lock_report("'signaler first'");
	waits("signaler first");
	signals("signaler first");
	assert_int_equal(reports(), 0);
}

static void *waits_in_thread(void *name)
{
	waits(name);
	return NULL;
}

static void *signals_in_thread(void *name)
{
	signals(name);
	return NULL;
}

static void each_on_a_thread_of_its_own(void **state)
{
	char name[] = "two threads";

	(void)state;
	join(start(waits_in_thread, name));
	join(start(signals_in_thread, name));
	assert_lock_report("'two threads'");
}

static void places_of_waits_are_told_apart(void **state)
{
	(void)state;
	signals("two places");
	waits("two places");
	assert_lock_report("'two places'");
	waits_elsewhere("two places");
	assert_int_equal(reports(), 1);
	assert_says(seen.text, "'two places'",
		    "dma_fence_wait_timeout() is called at waits_elsewhere (annotate.c:");
	waits("two places");
	waits_elsewhere("two places");
	assert_int_equal(reports(), 0);

	/* One edge may complete several. */
	waits("two places at once");
	waits_elsewhere("two places at once");
	assert_int_equal(reports(), 0);
	signals("two places at once");
	assert_int_equal(reports(), 2);
}

static void names_are_classes(void **state)
{
	static const char name[] = "one of many";
	char copy[sizeof(name)], expected[32];
	bool cookie;

	(void)state;
	memcpy(copy, name, sizeof(name));
	dma_fence_annotate_lock(&some_lock[0], name);
	dma_fence_annotate_lock(&some_lock[1], copy);
	dma_fence_wait(&done, false);
	dma_fence_annotate_unlock(&some_lock[1]);
	dma_fence_annotate_unlock(&some_lock[0]);
	cookie = dma_fence_begin_signalling();
	dma_fence_annotate_lock(&some_lock[2], copy);
	dma_fence_annotate_unlock(&some_lock[2]);
	assert_int_equal(reports(), 1);
	dma_fence_end_signalling(cookie);

	/* Without a name each is by itself. */
	dma_fence_annotate_lock(&some_lock[3], NULL);
	dma_fence_wait(&done, false);
	dma_fence_annotate_unlock(&some_lock[3]);
	cookie = dma_fence_begin_signalling();
	dma_fence_annotate_lock(&some_lock[4], NULL);
	dma_fence_annotate_unlock(&some_lock[4]);
	assert_int_equal(reports(), 0);
	dma_fence_annotate_lock(&some_lock[3], NULL);
	dma_fence_annotate_unlock(&some_lock[3]);
	dma_fence_end_signalling(cookie);
	assert_int_equal(reports(), 1);
	snprintf(expected, sizeof(expected), "lock %p is held", (void *)&some_lock[3]);
	assert_says(seen.text, expected);
}

static void who_only_tries_is_not_held_up(void **state)
{
	bool cookie;

	(void)state;
	waits("tried");
	cookie = dma_fence_begin_signalling();
	dma_fence_annotate_trylock(some_lock, "tried");
	dma_fence_annotate_unlock(some_lock);
	dma_fence_end_signalling(cookie);
	assert_int_equal(reports(), 0);

	/* But who waits for what was tried is. */
	dma_fence_annotate_trylock(some_lock, "tried, then held");
	dma_fence_wait(&done, false);
	dma_fence_annotate_unlock(some_lock);
	signals("tried, then held");
	assert_int_equal(reports(), 1);
	assert_says(seen.text, "lock 'tried, then held' is held while");

	/* And who has tried one waits for another. */
	cookie = dma_fence_begin_signalling();
	dma_fence_annotate_lock(&some_lock[0], "before tried");
	dma_fence_annotate_unlock(&some_lock[0]);
	dma_fence_end_signalling(cookie);
	dma_fence_annotate_trylock(&some_lock[0], "before tried");
	dma_fence_annotate_lock(&some_lock[1], "after tried");
	dma_fence_annotate_unlock(&some_lock[1]);
	dma_fence_annotate_unlock(&some_lock[0]);
	assert_int_equal(reports(), 0);
	waits("after tried");
	assert_int_equal(reports(), 1);
	assert_says(seen.text, "'before tried'",
		    "'after tried' is taken by who holds 'before tried'");
}

static void who_has_it_does_not_wait_for_it(void **state)
{
	bool cookie;

	(void)state;
	lock("recursive");
	cookie = dma_fence_begin_signalling();
	lock("recursive");
	unlock("recursive");
	dma_fence_end_signalling(cookie);
	unlock("recursive");
	waits("recursive");
	assert_int_equal(reports(), 0);
	signals("recursive");
	assert_int_equal(reports(), 1);
}

/* Chains */

enum { CHAIN_STEPS = 4 };

static void take_step(char names[3][32], int step)
{
	switch (step) {
	case 0:
		signals(names[0]);
		break;
	case 1:
		nests(names[0], names[1]);
		break;
	case 2:
		nests(names[1], names[2]);
		break;
	default:
		waits(names[2]);
	}
}

/* All orders in which the rest of the steps may be taken. */
static int permute(int *order, int fixed, int *round)
{
	char names[3][32];
	int i, k;

	for (i = fixed; i < CHAIN_STEPS && fixed < CHAIN_STEPS - 1; i++) {
		k = order[fixed];
		order[fixed] = order[i];
		order[i] = k;
		permute(order, fixed + 1, round);
		order[i] = order[fixed];
		order[fixed] = k;
	}
	if (fixed < CHAIN_STEPS - 1)
		return *round;

	for (i = 0; i < 3; i++)
		snprintf(names[i], sizeof(names[i]), "chain %d.%d", *round, i);
	for (i = 0; i < CHAIN_STEPS; i++) {
		assert_int_equal(reports(), 0);
		take_step(names, order[i]);
	}
	assert_int_equal(reports(), 1);
	assert_says(seen.text, names[0], "' is taken in a signalling section at", names[1],
		    "' is taken by who holds '", names[0], names[2], "' is taken by who holds '",
		    names[1], "dma_fence_wait() is called at waits (annotate.c:", "by who holds '",
		    names[2]);
	assert_says(seen.details,
		    "the signalling section began at:", "signals (annotate.c:", "in it lock '",
		    names[0], "' was taken at:", "signals (annotate.c:", "nests (annotate.c:",
		    "nests (annotate.c:", "waits (annotate.c:", "dma_fence_wait() was called at:\n",
		    "waits (annotate.c:");
	return ++*round;
}

static void chain_over_three_locks_in_any_order(void **state)
{
	int order[CHAIN_STEPS] = { 0, 1, 2, 3 }, round = 0;

	(void)state;
	assert_int_equal(permute(order, 0, &round), 24);
}

/* Of so many locks that the text does not say all; and of more than are looked at. */
static void chain_of(int length, bool signaler_first, int expected)
{
	char names[WAY_MOST + 5][32] = { "" };
	int i;

	for (i = 0; i < length; i++)
		snprintf(names[i], sizeof(names[i]), "%d of %d, %d", i, length, signaler_first);
	if (signaler_first)
		signals(names[0]);
	for (i = 1; i < length; i++)
		nests(names[i - 1], names[i]);
	waits(names[length - 1]);
	if (!signaler_first)
		signals(names[0]);
	assert_int_equal(reports(), expected);
	if (!expected)
		return;
	assert_says(seen.text, "lock '", names[0], "' is taken in a signalling section");
	assert_says(seen.details, names[0], "' was taken at:", names[7], names[length - 1],
		    "dma_fence_wait() was called at:");
}

static void long_chains(void **state)
{
	int length;

	(void)state;
	for (length = WAY_MOST - 2; length < WAY_MOST + 5; length++) {
		chain_of(length, true, length < WAY_MOST);
		chain_of(length, false, length < WAY_MOST);
	}
}

static void the_shorter_way_is_enough(void **state)
{
	(void)state;
	lock("all: outer");
	lock("all: middle");
	lock("all: inner");
	dma_fence_wait(&done, false);
	unlock("all: inner");
	unlock("all: middle");
	unlock("all: outer");
	signals("all: outer");
	assert_int_equal(reports(), 1);
	assert_says(seen.text, "lock 'all: outer' is held while");
	signals("all: inner");
	assert_int_equal(reports(), 1);
	assert_says(seen.text, "lock 'all: inner' is held while");
	signals("all: middle");
	assert_int_equal(reports(), 1);
}

/* Sections */

static void sections_nest(void **state)
{
	bool outer, middle, inner;

	(void)state;
	outer = dma_fence_begin_signalling();
	middle = dma_fence_begin_signalling();
	inner = dma_fence_begin_signalling();
	assert_false(outer);
	assert_true(middle);
	assert_true(inner);
	dma_fence_end_signalling(inner);
	dma_fence_end_signalling(middle);
	lock("nested sections");
	unlock("nested sections");
	dma_fence_end_signalling(outer);
	lock("after sections");
	unlock("after sections");
	dma_fence_might_wait();
	assert_int_equal(reports(), 0);

	waits("after sections");
	assert_int_equal(reports(), 0);
	waits("nested sections");
	assert_int_equal(reports(), 1);

	/* One too many does no harm. */
	dma_fence_end_signalling(false);
	outer = dma_fence_begin_signalling();
	assert_false(outer);
	dma_fence_end_signalling(outer);
}

static void *waits_alone(void *arg)
{
	(void)arg;
	dma_fence_wait(&done, false);
	return NULL;
}

static void section_is_of_its_thread(void **state)
{
	bool cookie = dma_fence_begin_signalling();

	(void)state;
	join(start(waits_alone, NULL));
	dma_fence_end_signalling(cookie);
	assert_int_equal(reports(), 0);
}

static void assert_wait_in_section(const char *function)
{
	assert_int_equal(reports(), 1);
	assert_says(seen.text, function, "() is called at waits_by_each (annotate.c:",
		    " in a signalling section: who is to signal may wait for a signal");
	assert_says(seen.details, "the signalling section began at:\n",
		    "#0 waits_by_each (annotate.c:", "and in it ", function, "() was called at:\n",
		    "#0 waits_by_each (annotate.c:");
}

void waits_by_each(int64_t timeout);

SITE void waits_by_each(int64_t timeout)
{
	struct dma_fence_syncobj *syncobj =
		dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SIGNALED);
	struct dma_fence_syncobj_point points[] = { { syncobj, 0 }, { syncobj, 0 } };
	struct dma_fence *fences[] = { &done, &done };
	struct dma_resv resv;
	bool cookie, counts = timeout;

	assert_non_null(syncobj);
	dma_resv_init(&resv);
	cookie = dma_fence_begin_signalling();

	assert_true(dma_fence_wait_timeout(&done, false, timeout) > 0);
	if (counts)
		assert_wait_in_section("dma_fence_wait_timeout");
	assert_true(dma_fence_wait_any_timeout(fences, 2, false, timeout, NULL) > 0);
	if (counts)
		assert_wait_in_section("dma_fence_wait_any_timeout");
	assert_true(dma_fence_wait_all_timeout(fences, 2, false, timeout, NULL) > 0);
	if (counts)
		assert_wait_in_section("dma_fence_wait_all_timeout");
	assert_true(dma_resv_wait_timeout(&resv, DMA_RESV_USAGE_READ, false, timeout) > 0);
	if (counts)
		assert_wait_in_section("dma_resv_wait_timeout");
	assert_true(dma_fence_syncobj_wait(points, 1, 0, false, timeout, NULL) > 0);
	if (counts)
		assert_wait_in_section("dma_fence_syncobj_wait");
	assert_true(dma_fence_syncobj_wait(points, 2, 0, false, timeout, NULL) > 0);
	if (counts) {
		assert_wait_in_section("dma_fence_syncobj_wait");
		assert_int_equal(dma_fence_wait(&done, false), 0);
		assert_wait_in_section("dma_fence_wait");
		assert_int_equal(dma_fence_flush(&done), 0);
		assert_wait_in_section("dma_fence_flush");
		dma_fence_might_wait();
		assert_wait_in_section("dma_fence_might_wait");
	}
	assert_int_equal(dma_fence_wait_timeout(&done, false, -1), -EINVAL);
	assert_int_equal(dma_fence_wait_any_timeout(fences, 2, false, -1, NULL), -EINVAL);
	assert_int_equal(dma_fence_wait_all_timeout(fences, 2, false, -1, NULL), -EINVAL);
	assert_int_equal(dma_resv_wait_timeout(&resv, DMA_RESV_USAGE_READ, false, -1), -EINVAL);
	assert_int_equal(dma_fence_syncobj_wait(points, 1, 0, false, -1, NULL), -EINVAL);

	dma_fence_end_signalling(cookie);
	dma_resv_fini(&resv);
	dma_fence_syncobj_put(syncobj);
	assert_int_equal(reports(), 0);
}

static void each_function_that_waits_is_seen(void **state)
{
	(void)state;
	waits_by_each(0);
	waits_by_each(SECOND);
	waits_by_each(0);
}

static void *signal_later(void *fence)
{
	let_it_sleep();
	dma_fence_signal(fence);
	return NULL;
}

/* What is seen does not depend on there being something to wait for; and what is waited for comes. */
static void waits_that_wait_are_seen(void **state)
{
	struct dma_fence fence;
	pthread_t thread;

	(void)state;
	signals("long wait");
	fence_init(&fence);
	thread = start(signal_later, &fence);
	lock("long wait");
	assert_int_equal(dma_fence_wait(&fence, false), 0);
	unlock("long wait");
	join(thread);
	assert_int_equal(reports(), 1);
	dma_fence_put(&fence);
}

/* Callbacks */

struct caller {
	struct dma_fence_cb cb;
	const char *name;
};

void waits_in_callback(struct dma_fence *fence, struct dma_fence_cb *cb);
void locks_in_callback(struct dma_fence *fence, struct dma_fence_cb *cb);

SITE void waits_in_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	dma_fence_might_wait();
	not_a_tail_call = 1;
}

SITE void locks_in_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct caller *caller = container_of(cb, struct caller, cb);

	(void)fence;
	lock(caller->name);
	unlock(caller->name);
	/* One inside the other. */
	assert_true(dma_fence_begin_signalling());
}

static void call_back(struct dma_fence *fence, dma_fence_func_t func, const char *name)
{
	struct caller caller = { .name = name };

	assert_int_equal(dma_fence_add_callback(fence, &caller.cb, func), 0);
	dma_fence_signal(fence);
}

static void callback_is_in_a_section(void **state)
{
	struct dma_fence fence[5];
	struct dma_fence_array *array;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(fence); i++)
		fence_init(&fence[i]);
	waits("callback");
	call_back(&fence[0], waits_in_callback, NULL);
	assert_int_equal(reports(), 1);
	assert_says(seen.text, "dma_fence_might_wait() is called at waits_in_callback (annotate.c:",
		    "in callback waits_in_callback (annotate.c:");
	assert_says(seen.details, "in callback waits_in_callback (annotate.c:",
		    "dma_fence_might_wait() was called at:\n",
		    "#0 waits_in_callback (annotate.c:", "callback_is_in_a_section (annotate.c:");

	call_back(&fence[1], locks_in_callback, "callback");
	assert_int_equal(reports(), 1);
	assert_says(seen.text, "lock 'callback' is held while dma_fence_wait() is called at waits",
		    "is taken in callback locks_in_callback (annotate.c:", " at lock (annotate.c:");

	/* Of a container, too. */
	array = array_of_fences(&fence[2], 1);
	dma_fence_enable_signaling(&array->base);
	waits("callback of an array");
	call_back(&array->base, locks_in_callback, "callback of an array");
	dma_fence_signal(&fence[2]);
	assert_int_equal(reports(), 1);
	dma_fence_put(&array->base);

	/* When they have returned there is no section any more. */
	dma_fence_might_wait();
	assert_false(dma_fence_begin_signalling());
	call_back(&fence[3], locks_in_callback, "callback");
	assert_true(dma_fence_begin_signalling());
	dma_fence_end_signalling(false);
	dma_fence_might_wait();
	assert_int_equal(reports(), 0);
	for (i = 0; i < ARRAY_SIZE(fence); i++) {
		dma_fence_signal(&fence[i]);
		dma_fence_put(&fence[i]);
	}
}

/* Reservation objects: their locks are one class, so that the order of these matters. */

static struct dma_resv resv, other_resv;

void waits_for_buffer(void);

SITE void waits_for_buffer(void)
{
	assert_int_equal(dma_resv_lock(&resv, NULL), 0);
	dma_fence_wait(&done, false);
	dma_resv_unlock(&resv);
}

static void buffer_that_is_tried_is_not_waited_for(void **state)
{
	bool cookie;

	(void)state;
	waits_for_buffer();
	cookie = dma_fence_begin_signalling();
	assert_true(dma_resv_trylock(&resv));
	assert_false(dma_resv_trylock(&resv));
	dma_resv_unlock(&resv);
	dma_fence_end_signalling(cookie);
	assert_int_equal(reports(), 0);
}

static void buffer_is_locked_on_both_sides(void **state)
{
	bool cookie;

	(void)state;
	waits_for_buffer();
	cookie = dma_fence_begin_signalling();
	assert_int_equal(dma_resv_lock(&other_resv, NULL), 0);
	dma_resv_unlock(&other_resv);
	dma_fence_end_signalling(cookie);
	assert_int_equal(reports(), 1);
	assert_says(seen.text, "lock of a reservation object is held while dma_fence_wait() is",
		    "waits_for_buffer (annotate.c:", "is taken in a signalling section at",
		    "buffer_is_locked_on_both_sides (annotate.c:");
}

/* From here on who seems to hold one and waits is reported. */
static void buffer_that_was_not_got_is_not_held(void **state)
{
	struct dma_ww_acquire_ctx ctx;

	(void)state;
	dma_ww_acquire_init(&ctx);
	assert_int_equal(dma_resv_lock(&resv, &ctx), 0);
	assert_int_equal(dma_resv_lock(&resv, &ctx), -EALREADY);
	assert_false(dma_resv_trylock(&resv));
	dma_resv_unlock(&resv);
	dma_ww_acquire_fini(&ctx);
	dma_fence_wait(&done, false);
	assert_int_equal(reports(), 0);
}

static void user_lock_around_buffer(void **state)
{
	bool cookie = dma_fence_begin_signalling();

	(void)state;
	lock("around buffer");
	unlock("around buffer");
	dma_fence_end_signalling(cookie);
	lock("around buffer");
	waits_for_buffer();
	unlock("around buffer");
	/* It is held around the wait as well, which is the shorter way. */
	assert_int_equal(reports(), 1);
	assert_says(seen.text, "lock 'around buffer' is held while dma_fence_wait() is called at "
			       "waits_for_buffer (annotate.c:");
}

/* What threads do not do right, or the annotations do not say */

static void *gives_back(void *name)
{
	unlock(name);
	return NULL;
}

static void lock_may_be_handed_over(void **state)
{
	char name[] = "handed over";

	(void)state;
	signals(name);
	lock(name);
	join(start(gives_back, name));
	dma_fence_wait(&done, false);
	assert_int_equal(reports(), 0);
	/* Who takes it again has it. */
	waits(name);
	assert_int_equal(reports(), 1);
}

static void more_locks_than_there_is_room_for(void **state)
{
	size_t i;

	(void)state;
	signals("far too many");
	for (i = 0; i < ARRAY_SIZE(some_lock); i++)
		dma_fence_annotate_lock(&some_lock[i], "too many");
	for (i = 0; i < ARRAY_SIZE(some_lock); i++)
		dma_fence_annotate_unlock(&some_lock[i]);
	signals("too many");
	dma_fence_wait(&done, false);
	assert_int_equal(reports(), 0);

	/* Given back from the other end, and twice. */
	for (i = 0; i < ARRAY_SIZE(some_lock); i++)
		dma_fence_annotate_lock(&some_lock[i], "too many");
	for (i = ARRAY_SIZE(some_lock); i--;)
		dma_fence_annotate_unlock(&some_lock[i]);
	for (i = ARRAY_SIZE(some_lock); i--;)
		dma_fence_annotate_unlock(&some_lock[i]);
	dma_fence_wait(&done, false);
	assert_int_equal(reports(), 0);

	/* What was taken before that is held all the time. */
	lock("far too many");
	for (i = 0; i < ARRAY_SIZE(some_lock); i++)
		dma_fence_annotate_lock(&some_lock[i], "too many");
	for (i = ARRAY_SIZE(some_lock); i--;)
		dma_fence_annotate_unlock(&some_lock[i]);
	dma_fence_wait(&done, false);
	unlock("far too many");
	assert_int_equal(reports(), 1);
}

static void take_lock_of_handler(const struct dma_fence_report *report, void *arg)
{
	see(report, arg);
	lock("handler");
	dma_fence_might_wait();
	assert_true(dma_fence_begin_signalling());
	unlock("handler");
}

static void handler_is_not_looked_at(void **state)
{
	bool cookie;

	(void)state;
	dma_fence_set_report_handler(take_lock_of_handler, NULL);
	waits("calls handler");
	cookie = dma_fence_begin_signalling();
	lock("calls handler");
	unlock("calls handler");
	dma_fence_end_signalling(cookie);
	assert_int_equal(reports(), 1);
	dma_fence_set_report_handler(see, NULL);
	waits("handler");
	signals("handler");
	assert_int_equal(reports(), 1);
}

static void *without_memory(void *arg)
{
	bool cookie;

	(void)arg;
	failing_malloc_in = 1;
	cookie = dma_fence_begin_signalling();
	assert_int_equal(failing_malloc_in, -1);
	assert_true(cookie);
	dma_fence_wait(&done, false);
	dma_fence_end_signalling(cookie);
	failing_malloc_in = 1;
	lock("no memory");
	assert_int_equal(failing_malloc_in, -1);
	dma_fence_wait(&done, false);
	unlock("no memory");
	return NULL;
}

static void memory_runs_out(void **state)
{
	char name[32];
	int i;

	(void)state;
	signals("no memory");
	join(start(without_memory, NULL));
	assert_int_equal(reports(), 0);
	/* In the middle of a report. */
	for (i = 1; i < 30; i++) {
		snprintf(name, sizeof(name), "no memory %d", i);
		waits(name);
		failing_malloc_in = i;
		signals(name);
		failing_malloc_in = -1;
		assert_int_equal(reports(), 1);
		assert_says(seen.text, name);
	}
}

static void *thread_ends(void *arg)
{
	(void)arg;
	lock("of a thread that ends");
	return NULL;
}

static void thread_leaves_nothing_behind(void **state)
{
	long live;

	(void)state;
	join(start(thread_ends, NULL));
	live = failing_malloc_live;
	join(start(thread_ends, NULL));
	assert_int_equal(failing_malloc_live, live);
}

static void child_goes_on(void **state)
{
	pid_t child;
	int status;

	(void)state;
	waits("child");
	lock("parent");
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		dma_fence_wait(&done, false);
		unlock("parent");
		signals("child");
		signals("parent");
		_exit(reports() == 2 ? 0 : 1);
	}
	unlock("parent");
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(reports(), 0);
}

/* Several at once: whoever adds the last part of a circle reports it, and nobody else. */

enum { RACERS = 4, RACED = 16 };

static int go;

static void *race(void *arg)
{
	const int which = (int)(intptr_t)arg;
	char name[RACED][32];
	int i;

	await_flag(&go);
	for (i = 0; i < RACED; i++) {
		snprintf(name[i], sizeof(name[i]), "race %d", i);
		if (which % 2)
			signals(name[i]);
		else
			waits(name[i]);
	}
	for (i = 0; i < RACED; i++)
		waits(name[i]);
	return NULL;
}

static void threads_race(void **state)
{
	pthread_t threads[RACERS];
	intptr_t i;

	(void)state;
	go = 0;
	for (i = 0; i < RACERS; i++)
		threads[i] = start(race, (void *)i);
	set_flag(&go);
	for (i = 0; i < RACERS; i++)
		join(threads[i]);
	assert_int_equal(reports(), RACED);
}

static void *waits_elsewhere_in_thread(void *name)
{
	waits_elsewhere(name);
	return NULL;
}

static void add_a_wait_meanwhile(const struct dma_fence_report *report, void *name)
{
	see(report, NULL);
	dma_fence_set_report_handler(see, NULL);
	join(start(waits_elsewhere_in_thread, name));
}

static void what_comes_during_a_report_is_reported_once(void **state)
{
	char name[] = "meanwhile";

	(void)state;
	waits(name);
	dma_fence_set_report_handler(add_a_wait_meanwhile, name);
	signals(name);
	assert_int_equal(reports(), 2);
}

/* The last one: afterwards there is no room. */
static void room_runs_out(void **state)
{
	static char many[5000], outer[8];
	const char *known[] = { "known 1", "known 2" };
	bool cookie;
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(known); i++)
		nests(known[i], "in known");
	signals(known[0]);
	for (k = 0; k < sizeof(outer); k++)
		dma_fence_annotate_lock(&outer[k], NULL);
	for (k = sizeof(outer); k--;)
		dma_fence_annotate_unlock(&outer[k]);

	for (k = 0; k < sizeof(outer); k++) {
		dma_fence_annotate_lock(&outer[k], NULL);
		for (i = 0; i < sizeof(many); i++) {
			dma_fence_annotate_lock(&many[i], NULL);
			dma_fence_annotate_unlock(&many[i]);
		}
		if (!k) {
			/* There is room for what is between those that are known. */
			waits("in known");
			assert_int_equal(reports(), 1);
			assert_says(seen.details, "there was no room for");
			signals("one more");
			waits("one more");
			assert_int_equal(reports(), 0);
		}
	}
	for (k = sizeof(outer); k--;)
		dma_fence_annotate_unlock(&outer[k]);
	cookie = dma_fence_begin_signalling();
	lock("one more");
	dma_fence_might_wait();
	unlock("one more");
	dma_fence_end_signalling(cookie);
	/* For what is wrong without any lock there is room of its own. */
	assert_int_equal(reports(), 1);
	assert_says(seen.text, "dma_fence_might_wait() is called at", " in a signalling section");
	/* This would be one. */
	signals(known[1]);
	assert_int_equal(reports(), 0);
}

static int init(void **state)
{
	(void)state;
	fence_init(&done);
	dma_fence_signal(&done);
	dma_resv_init(&resv);
	dma_resv_init(&other_resv);
	return 0;
}

static int fini(void **state)
{
	(void)state;
	dma_resv_fini(&resv);
	dma_resv_fini(&other_resv);
	dma_fence_put(&done);
	return 0;
}

#define CASE_OFF(name) cmocka_unit_test_setup_teardown(name, setup_off, teardown)
#define CASE(name)     cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE_OFF(says_nothing_when_off),
		CASE_OFF(what_was_begun_before_is_ended),
		CASE(right_use_says_nothing),
		CASE(waiter_comes_first),
		CASE(signaler_comes_first),
		CASE(each_on_a_thread_of_its_own),
		CASE(places_of_waits_are_told_apart),
		CASE(names_are_classes),
		CASE(who_only_tries_is_not_held_up),
		CASE(who_has_it_does_not_wait_for_it),
		CASE(chain_over_three_locks_in_any_order),
		CASE(long_chains),
		CASE(the_shorter_way_is_enough),
		CASE(sections_nest),
		CASE(section_is_of_its_thread),
		CASE(each_function_that_waits_is_seen),
		CASE(waits_that_wait_are_seen),
		CASE(callback_is_in_a_section),
		CASE(buffer_that_is_tried_is_not_waited_for),
		CASE(buffer_is_locked_on_both_sides),
		CASE(buffer_that_was_not_got_is_not_held),
		CASE(user_lock_around_buffer),
		CASE(lock_may_be_handed_over),
		CASE(more_locks_than_there_is_room_for),
		CASE(handler_is_not_looked_at),
		CASE(memory_runs_out),
		CASE(thread_leaves_nothing_behind),
		CASE(child_goes_on),
		CASE(threads_race),
		CASE(what_comes_during_a_report_is_reported_once),
		CASE(room_runs_out),
	};

	return cmocka_run_group_tests(tests, init, fini);
}
