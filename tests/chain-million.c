/* SPDX-License-Identifier: MIT */
/*
 * Long chains: a million points are signaled, waited for, walked and released on a stack that
 * would not hold a thousandth of them, in time that is linear in their number, and a point among
 * thousands is found by looking at a few. No clock is asked: what the library does to fences is
 * counted, and so are the links that it touches.
 */
#include "support.h"

#include <limits.h>
#include <signal.h>
#include <sys/mman.h>

/* A sanitizer takes ten times as long. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define POINTS 30000
#else
#define POINTS 1000000
#endif

#define STACK (256 * 1024)

/* Others hold one link in so many. */
#define HELD_STRIDE 997

/* What may happen to fences per point, from its making to its release: about twice what does. */
#define EVENTS_PER_POINT 60

struct point {
	struct dma_fence fence;
	struct dma_fence_cb cb; /* on the link */
	int ran;
	int done; /* set before the fence is signaled */
};

enum order {
	FORWARDS,
	BACKWARDS,
	AT_RANDOM,
};

enum waiting {
	NOBODY,
	FOR_THE_TAIL,
	FOR_EVERY_POINT,
};

static struct {
	unsigned int num;
	struct point *points;
	const struct dma_fence_ops *ops; /* of the points */
	struct dma_fence *tail;
	struct dma_fence **held; /* of every HELD_STRIDE-th point, from the first */
	unsigned int num_held;
	unsigned int failed; /* of those that fail the earliest */
	unsigned int reached;
	int walk_on;
} chain;

/* What happens to fences. */

static _Thread_local uint64_t events;
static int links_alive;

static void count_event(struct dma_fence *fence)
{
	(void)fence;
	events++;
}

static void count_added(struct dma_fence *fence, struct dma_fence_cb *cb, dma_fence_func_t func,
			int result)
{
	(void)func;
	(void)fence;
	(void)cb;
	(void)result;
	events++;
}

static void count_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	events++;
}

static void count_init(struct dma_fence *fence)
{
	if (dma_fence_is_chain(fence))
		__atomic_fetch_add(&links_alive, 1, __ATOMIC_SEQ_CST);
}

static void count_end(struct dma_fence *fence)
{
	if (dma_fence_is_chain(fence))
		__atomic_fetch_sub(&links_alive, 1, __ATOMIC_SEQ_CST);
}

static const struct hooks counting = {
	.init = count_init,
	.get = count_event,
	.get_rcu = count_event,
	.put = count_event,
	.release = count_end,
	.enable = count_event,
	.signal = count_event,
	.add_callback = count_added,
	.callback = count_callback,
};

static int setup(void **state)
{
	catch_setup(state);
	dma_fence_hooks_add(&counting);
	events = 0;
	chain.ops = plain_ops();
	return 0;
}

/* The stack */

static void *(*deep)(const void *arg);

static void *on_it(void *arg)
{
	other_thread = true;
	return deep(arg);
}

static void on_a_small_stack(void *(*func)(const void *arg), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	size_t size = STACK;

	/* Thread-local data, a sanitizer's above all, is taken out of it. */
	if (size < (size_t)PTHREAD_STACK_MIN)
		size = (size_t)PTHREAD_STACK_MIN;
	deep = func;
	pthread_attr_init(&attr);
	assert_int_equal(pthread_attr_setstacksize(&attr, size), 0);
	assert_int_equal(pthread_create(&thread, &attr, on_it, arg), 0);
	pthread_attr_destroy(&attr);
	join(thread);
}

/* The chain */

static uint64_t random_state;

static uint32_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32);
}

/* All points before this one are done. */
static unsigned int reached(void)
{
	unsigned int i = atomic_load_relaxed(&chain.reached);

	while (i < chain.num && atomic_load_acquire(&chain.points[i].done))
		i++;
	atomic_store_relaxed(&chain.reached, i);
	return i;
}

static int expected_status(unsigned int i)
{
	return i < chain.failed ? 1 : -EIO;
}

static void point_reached(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct point *point = container_of(cb, struct point, cb);
	unsigned int i = (unsigned int)(point - chain.points);

	assert_int_equal(fence->seqno, i + 1);
	assert_true(reached() > i);
	assert_int_equal(dma_fence_get_status(fence), expected_status(i));
	assert_int_equal(point->ran++, 0);
}

static void wait_for(struct dma_fence *link)
{
	struct point *point = &chain.points[link->seqno - 1];

	assert_int_equal(dma_fence_add_callback(link, &point->cb, point_reached), 0);
}

/* Keeps a reference to the tail, and to the links that are held. */
static void append(enum waiting waiting, unsigned int i)
{
	struct dma_fence_chain *link = dma_fence_chain_alloc();

	dma_fence_init(&chain.points[i].fence, chain.ops, dma_fence_context_alloc(1), 1);
	dma_fence_chain_init(link, chain.tail, dma_fence_get(&chain.points[i].fence), i + 1);
	chain.tail = &link->base;
	if (i % HELD_STRIDE == 0)
		chain.held[chain.num_held++] = dma_fence_get(chain.tail);
	if (waiting == FOR_EVERY_POINT)
		wait_for(chain.tail);
}

static void begin(unsigned int num)
{
	chain.num = num;
	chain.points = calloc(num, sizeof(*chain.points));
	chain.tail = NULL;
	chain.held = calloc(num / HELD_STRIDE + 1, sizeof(*chain.held));
	chain.num_held = 0;
	chain.failed = num / 3;
	chain.reached = 0;
	random_state = 88172645463325252;
}

static void build(enum waiting waiting, unsigned int num)
{
	unsigned int i;

	begin(num);
	for (i = 0; i < num; i++)
		append(waiting, i);
	if (waiting == FOR_THE_TAIL)
		wait_for(chain.tail);
}

static uint32_t *make_order(enum order order)
{
	uint32_t *list = malloc(chain.num * sizeof(*list)), swapped;
	unsigned int i, other;

	for (i = 0; i < chain.num; i++)
		list[i] = order == BACKWARDS ? chain.num - 1 - i : i;
	for (i = chain.num - 1; order == AT_RANDOM && i; i--) {
		other = random_number() % (i + 1);
		swapped = list[i];
		list[i] = list[other];
		list[other] = swapped;
	}
	return list;
}

static void finish_point(unsigned int i, int64_t timestamp)
{
	struct point *point = &chain.points[i];

	if (i == chain.failed)
		assert_int_equal(dma_fence_set_error(&point->fence, -EIO), 0);
	else if (i > chain.failed && i % 10 == 0)
		assert_int_equal(dma_fence_set_error(&point->fence, -ENODATA), 0);
	atomic_store_release(&point->done, 1);
	dma_fence_signal_timestamp(&point->fence, timestamp);
}

/* No link that is looked at is ahead of the points. */
static void spot_check(void)
{
	unsigned int i;

	for (i = 0; i < chain.num_held; i += 1 + chain.num_held / 16) {
		bool signaled = dma_fence_test_signaled_flag(chain.held[i]);

		assert_true(!signaled || reached() > i * HELD_STRIDE);
	}
	assert_true(!dma_fence_test_signaled_flag(chain.tail) || reached() == chain.num);
}

static unsigned int walk(struct dma_fence *head)
{
	uint64_t seqno = UINT64_MAX;
	struct dma_fence *link;
	unsigned int n = 0;

	dma_fence_chain_for_each (link, head) {
		assert_true(link->seqno < seqno);
		assert_int_equal(link->context, chain.tail->context);
		seqno = link->seqno;
		n++;
	}
	return n;
}

static void finish_all_points(enum order order, bool walks)
{
	uint32_t *list = make_order(order);
	unsigned int i;

	for (i = 0; i < chain.num; i++) {
		finish_point(list[i], i + 1);
		if (i % (chain.num / 8) == 0) {
			spot_check();
			if (walks)
				walk(chain.tail);
		}
	}
	free(list);
}

/* A link signals last of all up to it. */
static void check_links(void)
{
	int64_t latest = 0, timestamp;
	unsigned int i;

	for (i = 0; i < chain.num; i++) {
		timestamp = dma_fence_timestamp(&chain.points[i].fence);
		if (timestamp > latest)
			latest = timestamp;
		if (i % HELD_STRIDE)
			continue;
		assert_true(dma_fence_is_signaled(chain.held[i / HELD_STRIDE]));
		assert_int_equal(dma_fence_timestamp(chain.held[i / HELD_STRIDE]), latest);
		assert_int_equal(dma_fence_get_status(chain.held[i / HELD_STRIDE]),
				 expected_status(i));
	}
	assert_true(dma_fence_is_signaled(chain.tail));
	assert_int_equal(dma_fence_timestamp(chain.tail), chain.num);
	assert_int_equal(dma_fence_get_status(chain.tail), -EIO);
}

static void check_callbacks(enum waiting waiting)
{
	unsigned int i;

	for (i = 0; i < chain.num; i++) {
		bool expected = waiting == FOR_EVERY_POINT ||
				(waiting == FOR_THE_TAIL && i == chain.num - 1);

		assert_int_equal(chain.points[i].ran, expected);
	}
}

static void drop_points(void)
{
	unsigned int i;

	for (i = 0; i < chain.num; i++)
		dma_fence_put(&chain.points[i].fence);
}

static void drop_held(void)
{
	unsigned int i;

	for (i = 0; i < chain.num_held; i++)
		dma_fence_put(chain.held[i]);
}

static void all_gone(void)
{
	dma_fence_rcu_barrier();
	assert_int_equal(links_alive, 0);
	assert_int_equal(*release_count(), chain.num);
	*release_count() = 0;
	assert_int_equal(caught()->count, 0);
	free(chain.points);
	free(chain.held);
}

/* Signaled, in every order, with nobody waiting, somebody and everybody. */

struct plan {
	enum order order;
	enum waiting waiting;
	unsigned int num;
	bool walks;
};

static void *carry_out(const void *arg)
{
	const struct plan *plan = arg;

	events = 0;
	build(plan->waiting, plan->num);
	finish_all_points(plan->order, plan->walks);
	if (plan->waiting != NOBODY)
		assert_true(dma_fence_test_signaled_flag(chain.tail));
	check_links();
	check_callbacks(plan->waiting);
	/* The first of those that failed stays, all others are taken out. */
	assert_int_equal(walk(chain.tail), 2);
	dma_fence_put(chain.tail);
	drop_held();
	drop_points();
	assert_true(events < (uint64_t)plan->num * EVENTS_PER_POINT);
	all_gone();
	return NULL;
}

static void carry_out_at(enum order order, enum waiting waiting, bool walks)
{
	struct plan plan = { order, waiting, POINTS, walks };

	on_a_small_stack(carry_out, &plan);
}

static void forwards_waited_for_at_the_tail(void **state)
{
	(void)state;
	carry_out_at(FORWARDS, FOR_THE_TAIL, false);
}

static void backwards_waited_for_at_the_tail(void **state)
{
	(void)state;
	carry_out_at(BACKWARDS, FOR_THE_TAIL, false);
}

static void at_random_waited_for_at_the_tail(void **state)
{
	(void)state;
	carry_out_at(AT_RANDOM, FOR_THE_TAIL, false);
}

static void forwards_waited_for_at_every_point(void **state)
{
	(void)state;
	carry_out_at(FORWARDS, FOR_EVERY_POINT, false);
}

static void backwards_waited_for_at_every_point(void **state)
{
	(void)state;
	carry_out_at(BACKWARDS, FOR_EVERY_POINT, false);
}

static void at_random_waited_for_at_every_point(void **state)
{
	(void)state;
	carry_out_at(AT_RANDOM, FOR_EVERY_POINT, false);
}

static void at_random_walked_meanwhile(void **state)
{
	(void)state;
	carry_out_at(AT_RANDOM, NOBODY, true);
}

/* Nothing that happens is per point and point. */
static void ten_times_the_points_ten_times_the_work(void **state)
{
	static const enum order orders[] = { FORWARDS, BACKWARDS, AT_RANDOM };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		struct plan plan = { orders[i], FOR_EVERY_POINT, POINTS / 100, false };

		setup(state);
		on_a_small_stack(carry_out, &plan);
		plan.num *= 10;
		on_a_small_stack(carry_out, &plan);
	}
}

/* Signaled by one thread and walked by another. */

static void *walk_all_the_time(void *arg)
{
	(void)arg;
	while (atomic_load_acquire(&chain.walk_on))
		walk(chain.tail);
	return NULL;
}

static void *finish_under_a_walker(const void *arg)
{
	const struct plan *plan = arg;
	pthread_t walker;

	build(plan->waiting, plan->num);
	chain.walk_on = 1;
	walker = start(walk_all_the_time, NULL);
	finish_all_points(plan->order, plan->walks);
	atomic_store_release(&chain.walk_on, 0);
	join(walker);
	check_links();
	check_callbacks(plan->waiting);
	dma_fence_put(chain.tail);
	drop_held();
	drop_points();
	all_gone();
	return NULL;
}

static void walked_by_another_thread(void **state)
{
	static const enum order orders[] = { FORWARDS, BACKWARDS, AT_RANDOM };
	static const enum waiting waiting[] = { NOBODY, FOR_THE_TAIL, FOR_EVERY_POINT };
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		for (j = 0; j < ARRAY_SIZE(waiting); j++) {
			struct plan plan = { orders[i], waiting[j], POINTS / 20, false };

			on_a_small_stack(finish_under_a_walker, &plan);
		}
	}
}

/* Nobody has waited, and all points are done, when somebody asks. */

enum question {
	BE_CALLED,
	WAIT,
	POLL,
	ENABLE,
};

static void *ask_at_the_end(const void *arg)
{
	enum question question = *(const enum question *)arg;
	unsigned int num = question == BE_CALLED ? POINTS : POINTS / 10;
	struct point *last;

	events = 0;
	build(NOBODY, num);
	finish_all_points(FORWARDS, false);
	assert_false(dma_fence_test_signaled_flag(chain.tail));
	last = &chain.points[num - 1];
	switch (question) {
	case BE_CALLED:
		assert_int_equal(dma_fence_add_callback(chain.tail, &last->cb, point_reached),
				 -ENOENT);
		break;
	case WAIT:
		assert_int_equal(dma_fence_wait(chain.tail, false), 0);
		break;
	case POLL:
		assert_true(dma_fence_poll(chain.tail));
		break;
	case ENABLE:
		dma_fence_enable_signaling(chain.tail);
		break;
	}
	assert_true(dma_fence_test_signaled_flag(chain.tail));
	check_links();
	check_callbacks(NOBODY);
	drop_points();
	drop_held();
	dma_fence_put(chain.tail);
	assert_true(events < (uint64_t)num * EVENTS_PER_POINT);
	all_gone();
	return NULL;
}

static void asked_when_all_is_done(void **state)
{
	static enum question questions[] = { BE_CALLED, WAIT, POLL, ENABLE };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(questions); i++)
		on_a_small_stack(ask_at_the_end, &questions[i]);
}

/* Only their back ends know that the points are done: one who asks finds them all. */

static bool point_complete(struct dma_fence *fence)
{
	return atomic_load_acquire(&container_of(fence, struct point, fence)->done);
}

static const struct dma_fence_ops polled_ops = {
	.signaled = point_complete,
	.release = count_release,
};

static void *poll_at_the_end(const void *arg)
{
	const struct plan *plan = arg;
	unsigned int i;

	chain.ops = &polled_ops;
	events = 0;
	build(plan->waiting, plan->num);
	chain.failed = plan->num;
	assert_false(dma_fence_poll(chain.tail));
	for (i = 0; i < plan->num; i++)
		atomic_store_release(&chain.points[i].done, 1);
	assert_true(dma_fence_is_signaled(chain.tail));
	assert_false(dma_fence_test_signaled_flag(chain.tail));
	assert_true(dma_fence_poll(chain.tail));
	for (i = 0; i < plan->num; i++)
		assert_true(dma_fence_test_signaled_flag(&chain.points[i].fence));
	check_callbacks(plan->waiting);
	dma_fence_put(chain.tail);
	drop_held();
	drop_points();
	assert_true(events < (uint64_t)plan->num * EVENTS_PER_POINT);
	all_gone();
	return NULL;
}

static void polled_when_all_is_complete(void **state)
{
	struct plan plan = { .waiting = NOBODY, .num = POINTS };

	(void)state;
	on_a_small_stack(poll_at_the_end, &plan);
	plan.waiting = FOR_THE_TAIL;
	on_a_small_stack(poll_at_the_end, &plan);
}

static void polled_when_all_is_complete_and_waited_for(void **state)
{
	struct plan plan = { .waiting = FOR_EVERY_POINT, .num = POINTS / 100 };

	(void)state;
	on_a_small_stack(poll_at_the_end, &plan);
}

/*
 * All from 'first' on is done, and then somebody waits for each point, or for those alone, the
 * newest first. Then the others are done, the newest first.
 */
static void wait_newest_first(unsigned int first, bool for_those_alone)
{
	const unsigned int waited_from = for_those_alone ? first : 0;
	struct dma_fence **links = calloc(POINTS / 100, sizeof(*links));
	unsigned int i;

	events = 0;
	begin(POINTS / 100);
	for (i = 0; i < chain.num; i++) {
		append(NOBODY, i);
		links[i] = dma_fence_get(chain.tail);
	}
	chain.failed = chain.num;
	for (i = first; i < chain.num; i++)
		finish_point(i, i + 1);
	for (i = chain.num; i-- > waited_from;) {
		int ret = dma_fence_add_callback(links[i], &chain.points[i].cb, point_reached);

		assert_int_equal(ret, first ? 0 : -ENOENT);
	}
	for (i = first; i--;)
		finish_point(i, i + 1);
	for (i = chain.num; i--;) {
		assert_true(dma_fence_poll(links[i]));
		assert_true(dma_fence_test_signaled_flag(links[i]));
		assert_int_equal(dma_fence_timestamp(links[i]), i + 1);
		dma_fence_put(links[i]);
	}
	dma_fence_put(chain.tail);
	drop_held();
	drop_points();
	free(links);
	assert_true(events < (uint64_t)chain.num * EVENTS_PER_POINT);
	all_gone();
}

/*
 * The newer half is waited for, point by point, and done first; then the older half, for which
 * nobody waits, the newest first. All who wait then wait for the same, but need not each be told
 * of each.
 */
static void newer_half_is_waited_for(void **state)
{
	unsigned int i;

	(void)state;
	begin(POINTS / 100);
	chain.failed = chain.num;
	for (i = 0; i < chain.num; i++)
		append(i < chain.num / 2 ? NOBODY : FOR_EVERY_POINT, i);
	for (i = chain.num / 2; i < chain.num; i++)
		finish_point(i, i + 1);
	for (i = chain.num / 2; i--;)
		finish_point(i, i + 1);
	assert_true(dma_fence_test_signaled_flag(chain.tail));
	for (i = 0; i < chain.num; i++)
		assert_int_equal(chain.points[i].ran, i >= chain.num / 2);
	dma_fence_put(chain.tail);
	drop_held();
	drop_points();
	assert_true(events < (uint64_t)chain.num * EVENTS_PER_POINT);
	all_gone();
}

static void waited_for_newest_first_when_all_is_done(void **state)
{
	(void)state;
	wait_newest_first(0, false);
}

static void waited_for_newest_first_when_all_but_one_is_done(void **state)
{
	(void)state;
	wait_newest_first(1, false);
}

static void waited_for_newest_first_when_the_newer_half_is_done(void **state)
{
	(void)state;
	wait_newest_first(POINTS / 200, true);
}

/* A device is lost: all points fail, or every third, and then each is asked, the newest first. */
static void asked_newest_first_when_many_have_failed(void **state)
{
	struct dma_fence **links = calloc(POINTS / 100, sizeof(*links));
	unsigned int every, i;

	(void)state;
	assert_non_null(links);
	for (every = 1; every <= 3; every += 2) {
		events = 0;
		begin(POINTS / 100);
		for (i = 0; i < chain.num; i++) {
			append(NOBODY, i);
			links[i] = dma_fence_get(chain.tail);
		}
		for (i = 0; i < chain.num; i++) {
			if (i % every == 0)
				dma_fence_set_error(&chain.points[i].fence, -ENODEV);
			dma_fence_signal_timestamp(&chain.points[i].fence, i + 1);
		}
		for (i = chain.num; i--;) {
			assert_int_equal(dma_fence_get_status(links[i]), -ENODEV);
			assert_int_equal(dma_fence_timestamp(links[i]), i + 1);
			dma_fence_put(links[i]);
		}
		dma_fence_put(chain.tail);
		drop_held();
		drop_points();
		assert_true(events < (uint64_t)chain.num * EVENTS_PER_POINT);
		all_gone();
	}
	free(links);
}

/* The oldest and the newest are pending, and all between have failed: three links say it all. */
static void what_failed_is_collected(void **state)
{
	const unsigned int num = POINTS / 100;
	unsigned int i;

	(void)state;
	begin(num);
	for (i = 0; i < num; i++)
		append(NOBODY, i);
	drop_held();
	for (i = 1; i < num - 1; i++) {
		dma_fence_set_error(&chain.points[i].fence, -ENODEV);
		dma_fence_signal(&chain.points[i].fence);
	}
	assert_int_equal(walk(chain.tail), 3);
	assert_int_equal(links_alive, 3);
	dma_fence_signal(&chain.points[0].fence);
	dma_fence_signal(&chain.points[num - 1].fence);
	assert_int_equal(dma_fence_get_status(chain.tail), -ENODEV);
	dma_fence_put(chain.tail);
	drop_points();
	all_gone();
}

/* Who appends but once in a thread's life gets lists as well. */
#define THREADS 64

static void *first_height(void *arg)
{
	struct dma_fence_chain *link = dma_fence_chain_alloc();

	assert_non_null(link);
	*(uint32_t *)arg = link->height;
	dma_fence_chain_free(link);
	return NULL;
}

static void threads_are_not_alike(void **state)
{
	unsigned int i, high = 0;
	uint32_t height;

	(void)state;
	for (i = 0; i < THREADS; i++) {
		join(start(first_height, &height));
		high += height > 0;
	}
	assert_true(high > THREADS / 16 && high < THREADS);
}

/* Released, from the tail, or link by link, by those who hold them. */

enum release_after {
	PENDING,
	DONE,
	ALL_FAILED,
};

static void *release_unwaited(const void *arg)
{
	enum release_after after = *(const enum release_after *)arg;
	unsigned int i;

	build(NOBODY, POINTS);
	for (i = 0; after == ALL_FAILED && i < POINTS; i++)
		assert_int_equal(dma_fence_set_error(&chain.points[i].fence, -EPIPE), 0);
	for (i = 0; after != PENDING && i < POINTS; i++)
		dma_fence_signal(&chain.points[i].fence);
	if (after == ALL_FAILED)
		assert_int_equal(walk(chain.tail), 2);
	dma_fence_put(chain.tail);
	/* From the middle first, so that what follows is released on its own. */
	for (i = chain.num_held / 2; i < chain.num_held; i++)
		dma_fence_put(chain.held[i]);
	for (i = 0; i < chain.num_held / 2; i++)
		dma_fence_put(chain.held[i]);
	assert_int_equal(links_alive, 0);
	assert_int_equal(*release_count(), 0);
	for (i = 0; after == PENDING && i < POINTS; i++)
		dma_fence_signal(&chain.points[i].fence);
	drop_points();
	all_gone();
	return NULL;
}

/* Nobody holds a link beside the tail: all of it goes with one put. */
static void *release_at_once(const void *arg)
{
	unsigned int i;

	(void)arg;
	build(NOBODY, POINTS);
	drop_held();
	assert_int_equal(links_alive, POINTS);
	dma_fence_put(chain.tail);
	assert_int_equal(links_alive, 0);
	for (i = 0; i < POINTS; i++)
		dma_fence_signal(&chain.points[i].fence);
	drop_points();
	all_gone();
	return NULL;
}

static void released_without_having_been_waited_for(void **state)
{
	static enum release_after afters[] = { PENDING, DONE, ALL_FAILED };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(afters); i++)
		on_a_small_stack(release_unwaited, &afters[i]);
	on_a_small_stack(release_at_once, NULL);
}

/* What is not on the way any more is not in memory either. */

static void *collect(const void *arg)
{
	unsigned int i, pending = 0;

	(void)arg;
	build(NOBODY, POINTS);
	drop_held();
	chain.failed = POINTS;
	for (i = 0; i < POINTS - 1; i++) {
		if (random_number() % 100)
			dma_fence_signal(&chain.points[i].fence);
		else
			pending++;
	}
	assert_int_equal(walk(chain.tail), pending + 1);
	assert_int_equal(links_alive, pending + 1);
	dma_fence_put(chain.tail);
	for (i = 0; i < POINTS; i++)
		dma_fence_signal(&chain.points[i].fence);
	drop_points();
	all_gone();
	return NULL;
}

static void walking_collects_all_that_is_done(void **state)
{
	(void)state;
	on_a_small_stack(collect, NULL);
}

/*
 * Finding: each link has a page of its own, which nobody may touch, and whose first touch is
 * counted and lets the others through.
 */

#define PAGES	      4096
#define FINDS	      1000
#define TOUCHED_PAGES 144 /* 12 log2(PAGES) */

static size_t page_size;
static void *pages[PAGES];
static void *touched[PAGES];
static unsigned int num_touched;
static volatile bool watching;

static void set_access(void *page, int access)
{
	assert_int_equal(mprotect(page, page_size, access), 0);
}

/* mprotect() is a system call and no more than that. */
static void touch(int signo, siginfo_t *info, void *context)
{
	void *page = (char *)info->si_addr - (uintptr_t)info->si_addr % page_size;

	(void)signo;
	(void)context;
	if (!watching || num_touched == PAGES || mprotect(page, page_size, PROT_READ | PROT_WRITE))
		signal(SIGSEGV, SIG_DFL);
	else
		touched[num_touched++] = page;
}

/* All links but the tail, from which one begins. */
static void watch(bool on)
{
	struct sigaction action = { .sa_sigaction = touch, .sa_flags = SA_SIGINFO };
	static struct sigaction saved;
	unsigned int i;

	if (on)
		assert_int_equal(sigaction(SIGSEGV, &action, &saved), 0);
	for (i = 0; i < PAGES; i++) {
		if (pages[i] && pages[i] != chain.tail)
			set_access(pages[i], on ? PROT_NONE : PROT_READ | PROT_WRITE);
	}
	if (!on)
		assert_int_equal(sigaction(SIGSEGV, &saved, NULL), 0);
	watching = on;
}

/* As dma_fence_chain_alloc(), with as many pointers behind it. */
static struct dma_fence_chain *alloc_on_page(void)
{
	struct dma_fence_chain *link = dma_fence_chain_alloc();
	void *page = NULL;
	uint32_t height;

	assert_non_null(link);
	height = link->height;
	dma_fence_chain_free(link);
	assert_int_equal(posix_memalign(&page, page_size, page_size), 0);
	link = page;
	link->height = height;
	return link;
}

/* As build(), with pages for links; free() takes them back. */
static void build_on_pages(void)
{
	unsigned int i;

	page_size = (size_t)sysconf(_SC_PAGESIZE);
	chain.num = PAGES;
	chain.points = calloc(PAGES, sizeof(*chain.points));
	chain.held = NULL;
	chain.tail = NULL;
	random_state = 88172645463325252;
	for (i = 0; i < PAGES; i++) {
		pages[i] = alloc_on_page();
		fence_init(&chain.points[i].fence);
		dma_fence_chain_init(pages[i], chain.tail, dma_fence_get(&chain.points[i].fence),
				     i + 1);
		chain.tail = &((struct dma_fence_chain *)pages[i])->base;
	}
}

/* How many links are touched in finding a point, besides the tail. */
static unsigned int touched_in_finding(uint64_t seqno)
{
	struct dma_fence *found = dma_fence_get(chain.tail);
	unsigned int n;

	num_touched = 0;
	assert_int_equal(dma_fence_chain_find_seqno(&found, seqno), 0);
	n = num_touched;
	if (found)
		assert_true(found->seqno <= seqno);
	if (!dma_fence_is_signaled(&chain.points[seqno - 1].fence))
		assert_int_equal(found->seqno, seqno);
	dma_fence_put(found);
	while (num_touched)
		set_access(touched[--num_touched], PROT_NONE);
	return n;
}

static unsigned int most_touched_in_finding(void)
{
	unsigned int i, n, most = 0;

	watch(true);
	for (i = 0; i < FINDS && most < TOUCHED_PAGES; i++) {
		n = touched_in_finding(1 + random_number() % PAGES);
		if (n > most)
			most = n;
	}
	watch(false);
	return most;
}

static void drop_pages(void)
{
	unsigned int i;

	dma_fence_put(chain.tail);
	for (i = 0; i < PAGES; i++)
		dma_fence_signal(&chain.points[i].fence);
	drop_points();
	all_gone();
}

/* Takes out the points that are done, and forgets the pages of those that are gone. */
static void take_out(bool (*done)(unsigned int i))
{
	struct dma_fence *link;
	unsigned int i, left = 1;

	for (i = 0; i < PAGES - 1; i++) {
		if (done(i + 1))
			dma_fence_signal(&chain.points[i].fence);
		else
			left++;
	}
	assert_int_equal(walk(chain.tail), left);
	dma_fence_rcu_barrier();
	assert_int_equal(links_alive, left);
	memset(pages, 0, sizeof(pages));
	i = 0;
	dma_fence_chain_for_each (link, chain.tail)
		pages[i++] = link;
}

static void a_point_is_found_in_few_steps(void **state)
{
	(void)state;
	build_on_pages();
	assert_true(most_touched_in_finding() < TOUCHED_PAGES);
	drop_pages();
}

static bool every_second(unsigned int i)
{
	return i % 2 == 0;
}

static bool every_third(unsigned int i)
{
	return i % 3 == 0;
}

/* Three engines out of four are slow. */
static bool every_fourth(unsigned int i)
{
	return i % 4 == 0;
}

static bool all_but_every_fourth(unsigned int i)
{
	return i % 4;
}

static bool nine_of_ten(unsigned int i)
{
	(void)i;
	return random_number() % 10;
}

static bool one_of_two(unsigned int i)
{
	(void)i;
	return random_number() % 2;
}

static bool long_runs(unsigned int i)
{
	return i / 100 % 2;
}

static void and_so_when_others_have_been_taken_out(void **state)
{
	static bool (*const ways[])(unsigned int) = {
		every_second, every_third, all_but_every_fourth, nine_of_ten,
		one_of_two,   long_runs,   every_fourth,
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		build_on_pages();
		take_out(ways[i]);
		assert_true(most_touched_in_finding() < TOUCHED_PAGES);
		drop_pages();
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, catch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(released_without_having_been_waited_for),
		TEST(a_point_is_found_in_few_steps),
		TEST(and_so_when_others_have_been_taken_out),
		TEST(ten_times_the_points_ten_times_the_work),
		TEST(newer_half_is_waited_for),
		TEST(waited_for_newest_first_when_all_is_done),
		TEST(waited_for_newest_first_when_all_but_one_is_done),
		TEST(waited_for_newest_first_when_the_newer_half_is_done),
		TEST(asked_newest_first_when_many_have_failed),
		TEST(what_failed_is_collected),
		TEST(threads_are_not_alike),
		TEST(forwards_waited_for_at_the_tail),
		TEST(backwards_waited_for_at_the_tail),
		TEST(at_random_waited_for_at_the_tail),
		TEST(forwards_waited_for_at_every_point),
		TEST(backwards_waited_for_at_every_point),
		TEST(at_random_waited_for_at_every_point),
		TEST(at_random_walked_meanwhile),
		TEST(walked_by_another_thread),
		TEST(asked_when_all_is_done),
		TEST(polled_when_all_is_complete),
		TEST(polled_when_all_is_complete_and_waited_for),
		TEST(walking_collects_all_that_is_done),
	};

	return RUN(tests);
}
