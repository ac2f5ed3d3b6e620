/* SPDX-License-Identifier: MIT */
/*
 * Chains: links are appended, taken out, found, waited for and released while their works end.
 *
 * What each scenario begins with is a chain of a few points. The work of a point is freed by its
 * last put, at once, and leaves behind how often; the producer of a work writes a plain variable
 * before he signals, which whoever is told that the point is reached reads. Earlier points end at
 * later times, so that a timestamp that got lost is missed.
 *
 * Links are allocated here, not by dma_fence_chain_alloc(), which throws dice for their height.
 */
#include <dmafence/chain.h>
#include <dmafence/rcu.h>

#include "base/clock.h"
#include "base/park.h"
#include "support.h"

#define POINTS 4

/* Between two points there are numbers that are none. */
#define SEQNO(point) ((uint64_t)(point)*10)

struct work {
	struct dma_fence fence;
	unsigned int point;
};

/* All by the number of the point, from 1 on. */
static struct work *works[POINTS + 1];
static int errors[POINTS + 1];	       /* with which it will end */
static int produced[POINTS + 1];       /* by the producer, before he signals */
static int released[POINTS + 1];       /* how often the work was */
static int64_t deadlines[POINTS + 1];  /* that the work was told of */
static const char *frames[POINTS + 1]; /* where the stack was at the release of the work */
static bool driver_gone;

static struct dma_fence *head;
static struct dma_fence *results[2];
static struct counted_cb counted;

/* Works */

static struct work *work_of(struct dma_fence *fence)
{
	return container_of(fence, struct work, fence);
}

static void work_release(struct dma_fence *fence)
{
	struct work *work = work_of(fence);

	released[work->point]++;
	frames[work->point] = __builtin_frame_address(0);
	free(work);
}

static void work_deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	model_assert(!driver_gone);
	deadlines[work_of(fence)->point] = deadline_ns;
}

static const struct dma_fence_ops work_ops = {
	.release = work_release,
	.set_deadline = work_deadline,
};

static const struct dma_fence_ops *ops_of_works = &work_ops;

static int64_t time_of(unsigned int point)
{
	return 1000 - 100 * (int64_t)point;
}

/* What a producer does, and then he forgets the work. */
static void finish(unsigned int point)
{
	struct dma_fence *fence = &works[point]->fence;

	produced[point] = 1;
	if (errors[point])
		model_assert(!dma_fence_set_error(fence, errors[point]));
	dma_fence_signal_timestamp(fence, time_of(point));
	dma_fence_put(fence);
}

static void finish_1(void)
{
	finish(1);
}

static void finish_2(void)
{
	finish(2);
}

static void finish_3(void)
{
	finish(3);
}

/* Links */

/* As dma_fence_chain_alloc(), but of a height that is chosen. */
static struct dma_fence_chain *alloc_link(uint32_t height)
{
	struct dma_fence_chain *chain =
		malloc(sizeof(*chain) + height * sizeof(struct dma_fence_chain *));

	model_assert(chain);
	chain->height = height;
	return chain;
}

static void name_point(unsigned int point, struct dma_fence_chain *chain)
{
	static const char *const work_names[] = { "", "work 1", "work 2", "work 3", "work 4" };
	static const char *const link_names[] = { "", "link 1", "link 2", "link 3", "link 4" };
	static const char *const prev_names[] = { "", "link 1.prev", "link 2.prev", "link 3.prev",
						  "link 4.prev" };

	model_name(works[point], sizeof(*works[point]), work_names[point]);
	model_name(&chain->base, sizeof(chain->base), link_names[point]);
	model_name(&chain->prev, sizeof(chain->prev), prev_names[point]);
}

static void new_work(unsigned int point)
{
	works[point] = malloc(sizeof(*works[point]));
	model_assert(works[point]);
	works[point]->point = point;
	dma_fence_init(&works[point]->fence, ops_of_works, dma_fence_context_alloc(1), 1);
}

/* A link of that point. 'prev' becomes the link's. */
static struct dma_fence *append(struct dma_fence *prev, unsigned int point, uint32_t height)
{
	struct dma_fence_chain *chain = alloc_link(height);

	name_point(point, chain);
	dma_fence_chain_init(chain, prev, dma_fence_get(&works[point]->fence), SEQNO(point));
	return &chain->base;
}

/* A chain whose links know others further back as 'heights' says, from point 1 on. */
static void make_chain(const char *heights)
{
	unsigned int point;

	for (point = 1; point <= POINTS && heights[point - 1]; point++) {
		new_work(point);
		head = append(head, point, (uint32_t)(heights[point - 1] - '0'));
	}
}

/* A reference to the link of a point, found before anything has happened. */
static struct dma_fence *get_link(unsigned int point)
{
	struct dma_fence *link = dma_fence_get(head);

	model_assert(!dma_fence_chain_find_seqno(&link, SEQNO(point)));
	model_assert(link && link->seqno == SEQNO(point));
	return link;
}

/* What is promised */

static void assert_reached(unsigned int point)
{
	unsigned int i;

	for (i = 1; i <= point; i++)
		model_assert(produced[i]);
}

static int error_up_to(unsigned int point)
{
	unsigned int i;

	for (i = 1; i < point && !errors[i]; i++)
		;
	return point ? errors[i] : 0;
}

/* Of a link that has signaled: all is as the works up to it say. */
static void assert_outcome(struct dma_fence *link, unsigned int point)
{
	const int error = error_up_to(point);

	assert_reached(point);
	model_assert(dma_fence_is_signaled(link));
	model_assert(dma_fence_get_status(link) == (error ? error : 1));
	model_assert(dma_fence_timestamp(link) == time_of(1));
}

static void poll_link(struct dma_fence *link, unsigned int point)
{
	if (dma_fence_poll(link))
		assert_outcome(link, point);
}

/* What is left of the chain up to a point, if the work of those that are not left is done. */
static void assert_left(struct dma_fence *left, unsigned int point)
{
	unsigned int at = 0, i;

	if (left) {
		model_assert(left->seqno % 10 == 0);
		at = (unsigned int)(left->seqno / 10);
	}
	model_assert(at <= point);
	model_assert(left == NULL || dma_fence_is_chain(left));
	for (i = at + 1; i <= point; i++)
		model_assert(produced[i]);
	/* One that failed is only left out for one before it, which is not left out. */
	if (!left)
		model_assert(!error_up_to(point));
}

/* Walks one step, from a link that the caller keeps. */
static struct dma_fence *walk(struct dma_fence *link)
{
	struct dma_fence *left = dma_fence_chain_walk(dma_fence_get(link));

	assert_left(left, (unsigned int)(link->seqno / 10) - 1);
	return left;
}

static void walk_head(void)
{
	dma_fence_put(walk(head));
}

/* Finds a number, from the head; the scenario keeps its reference to that. */
static struct dma_fence *find(uint64_t seqno)
{
	struct dma_fence *link = dma_fence_get(head);

	model_assert(!dma_fence_chain_find_seqno(&link, seqno));
	assert_left(link, (unsigned int)((seqno + 9) / 10));
	return link;
}

/* Finishes what is not finished, up to a point. */
static void finish_up_to(unsigned int point)
{
	unsigned int i;

	for (i = 1; i <= point; i++) {
		if (!produced[i])
			finish(i);
	}
}

/* All works up to a point were released, each once. */
static void assert_released(unsigned int point)
{
	unsigned int i;

	for (i = 1; i <= point; i++)
		model_assert(released[i] == 1);
}

/* Does away with the chain up to a point, the head's. */
static void drop_head(unsigned int point)
{
	finish_up_to(point);
	assert_outcome(head, point);
	dma_fence_put(head);
	assert_released(point);
}

static void drop_head_2(void)
{
	drop_head(2);
}

/* Somebody waits for the head, and so it signals without being polled. */
static void drop_waited_for(unsigned int point)
{
	finish_up_to(point);
	model_assert(dma_fence_test_signaled_flag(head));
	drop_head(point);
}

static void drop_waited_for_1(void)
{
	drop_waited_for(1);
}

static void drop_waited_for_2(void)
{
	drop_waited_for(2);
}

static void drop_waited_for_3(void)
{
	drop_waited_for(3);
}

/* A callback on the head */

/* This thread runs a callback that signals: others have to wait until it has returned. */
static _Thread_local bool in_callback;

static void head_reached(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	model_assert(container_of(cb, struct counted_cb, cb) == &counted);
	counted.runs++;
	model_assert(!in_callback);
	model_assert(dma_fence_test_signaled_flag(fence));
	assert_reached((unsigned int)(fence->seqno / 10));
}

static void call_back(void)
{
	int ret = dma_fence_add_callback(head, &counted.cb, head_reached);

	if (ret) {
		model_assert(ret == -ENOENT);
		assert_reached((unsigned int)(head->seqno / 10));
		counted.runs++; /* as if */
	}
}

static void drop_called_back(unsigned int point)
{
	finish_up_to(point);
	model_assert(counted.runs == 1);
	drop_waited_for(point);
}

static void drop_called_back_1(void)
{
	drop_called_back(1);
}

static void drop_called_back_2(void)
{
	drop_called_back(2);
}

static void drop_called_back_3(void)
{
	drop_called_back(3);
}

/* Appending, while what is before ends, and is taken out */

static void append_begin(void)
{
	make_chain("0");
	new_work(2);
	dma_fence_get(&works[2]->fence);
	finish(2);
}

static void append_2_poll(void)
{
	head = append(head, 2, 0);
	dma_fence_put(&works[2]->fence);
	poll_link(head, 2);
}

static void append_walk_begin(void)
{
	make_chain("00");
	finish(1);
	finish(2);
	new_work(3);
	results[0] = dma_fence_get(head);
}

static void append_3(void)
{
	head = append(head, 3, 0);
}

static void append_3_walk(void)
{
	append_3();
	walk_head();
}

static void walk_from_2(void)
{
	struct dma_fence *left = dma_fence_chain_walk(results[0]);

	model_assert(!left);
}

static void drop_head_3(void)
{
	drop_head(3);
}

static void append_walk_end(void)
{
	model_assert(released[1] == 1 && released[2] == 1);
	drop_head(3);
}

/* Onto a list whose other link is just being taken out. */
static void append_skip_begin(void)
{
	make_chain("10");
	finish(1);
	new_work(3);
	results[0] = dma_fence_get(head);
}

static void append_3_skip(void)
{
	head = append(head, 3, 1);
}

static void walk_kept(void)
{
	dma_fence_put(walk(results[0]));
	dma_fence_put(results[0]);
}

static void append_skip_end(void)
{
	/* Whatever list it got on, nothing of what is done is left when it has been walked over. */
	walk_head();
	model_assert(released[1] == 1);
	drop_head(3);
}

/* Walking */

static void make_1(void)
{
	make_chain("0");
}

static void make_2(void)
{
	make_chain("00");
}

static void make_2_walk_end(void)
{
	walk_head();
	model_assert(released[1] == 1);
	drop_head(2);
}

static void make_2_done_1(void)
{
	make_chain("00");
	finish(1);
}

static void two_walkers_end(void)
{
	model_assert(released[1] == 1);
	drop_head(2);
}

static void make_3_done_2(void)
{
	make_chain("000");
	finish(1);
	finish(2);
}

static void two_walkers_3_end(void)
{
	model_assert(released[1] == 1 && released[2] == 1);
	drop_head(3);
}

static void walk_3_begin(void)
{
	make_chain("000");
	finish(2);
}

/* All are on the list: what is done is taken out of it, and what is pending comes in its place. */
static void walk_3_skips_begin(void)
{
	make_chain("111");
	finish(2);
}

static void walk_3_end(void)
{
	walk_head();
	model_assert(released[1] == 1 && released[2] == 1);
	drop_head(3);
}

static void walk_3_skips_end(void)
{
	model_assert(released[2] == 1);
	finish(1);
	walk_3_end();
}

/* The walker's reference is the last one, or not. */
static void walk_release_begin(void)
{
	make_chain("00");
	finish(1);
	results[0] = dma_fence_get(head);
}

static void put_head(void)
{
	dma_fence_put(head);
}

static void walk_release_end(void)
{
	model_assert(released[1] == 1 && !released[2]);
	finish(2);
	assert_released(2);
}

/* Of the other link that is walked over somebody else holds one: his way gets shorter, too. */
static void others_begin(void)
{
	make_chain("0000");
	finish(1);
	finish(2);
	finish(3);
	results[0] = get_link(3);
}

static void others_end(void)
{
	/* He has not looked, and all the same does not keep what is before. */
	model_assert(released[2] == 1 && !released[3]);
	assert_outcome(results[0], 3);
	dma_fence_put(results[0]);
	model_assert(released[1] == 1 && released[3] == 1);
	drop_head(4);
}

/* With nobody else there, so that it is known who holds what. */
static void walk_others_end(void)
{
	walk_head();
	others_end();
}

static void walk_from_3(void)
{
	dma_fence_put(walk(results[0]));
}

static void others_failed_begin(void)
{
	errors[1] = -EIO;
	errors[2] = -ENOSPC;
	errors[3] = -EPERM;
	others_begin();
}

static void others_failed_end(void)
{
	model_assert(released[2] == 1 && !released[3]);
	assert_outcome(results[0], 3);
	dma_fence_put(results[0]);
	model_assert(!released[1] && released[3] == 1);
	drop_head(4);
}

static void walk_others_failed_end(void)
{
	walk_head();
	others_failed_end();
}

/* Polling */

static void make_2_done(void)
{
	make_chain("00");
	finish(1);
	finish(2);
}

static void make_2_skip_done(void)
{
	make_chain("11");
	finish(1);
	finish(2);
}

/* Link 1 has signaled. */
static void make_2_polled_1(void)
{
	struct dma_fence *link;

	make_2_done();
	link = get_link(1);
	model_assert(dma_fence_poll(link));
	dma_fence_put(link);
}

static void must_poll_head(void)
{
	model_assert(dma_fence_poll(head));
	assert_reached(2);
}

static void two_pollers_end(void)
{
	/* A link that has signaled lets go of the one before. */
	model_assert(released[1] == 1);
	drop_head(2);
}

static void make_2_done_2(void)
{
	make_chain("00");
	finish(2);
}

static void poll_head_1(void)
{
	poll_link(head, 1);
}

static void poll_head_2(void)
{
	poll_link(head, 2);
}

static void poll_head_3(void)
{
	poll_link(head, 3);
}

static void enabled_1(void)
{
	make_1();
	call_back();
}

static void enabled_done_2(void)
{
	make_chain("00");
	finish(2);
	call_back();
}

/*
 * Three pollers. The second has found link 1 pending, and puts it on the head's list in the place
 * of link 2, after the first has looked there, who finds all done: so the head he completes still
 * has link 1 on its list. The third comes to complete it as well. Link 1 has to be let go once.
 *
 * That takes too many interruptions to be come upon. So it is arranged, but for one of them: the
 * second and the third spend time in the back ends of works 1 and 3, as if these were slow to
 * answer, and who comes too early for that goes. What is done about it orders nothing of what the
 * library does.
 */
enum stage {
	THIRD_ASKS,
	SECOND_ASKS,
	FIRST_POLLS,
	FIRST_IS_DONE,
	NUM_STAGES,
};

static uint32_t stages[NUM_STAGES];
static _Thread_local unsigned int slow; /* the work whose back end takes time, for this thread */
static unsigned int asked;		/* how often that of work 1 was, by the second */

static bool has_come(enum stage stage)
{
	return atomic_load_relaxed(&stages[stage]);
}

static void say(enum stage stage)
{
	atomic_store_relaxed(&stages[stage], 1);
	dma_fence_park_wake(&stages[stage]);
}

static void wait_until(enum stage stage)
{
	while (!has_come(stage))
		dma_fence_park_wait(&stages[stage], 0, CLOCK_NEVER);
}

static bool slow_signaled(struct dma_fence *fence)
{
	const unsigned int point = work_of(fence)->point;

	/* At first it is about what is before the head, and then about what is on its list. */
	if (point == 1 && slow == 1 && ++asked == 2) {
		say(SECOND_ASKS);
		wait_until(FIRST_POLLS);
	}
	if (point == 3 && slow == 3) {
		say(THIRD_ASKS);
		wait_until(FIRST_IS_DONE);
	}
	return point == 3;
}

static const struct dma_fence_ops slow_ops = {
	.release = work_release,
	.signaled = slow_signaled,
};

static void late_skip_begin(void)
{
	ops_of_works = &slow_ops;
	make_chain("111");
	finish(2);
	/* Of work 3 the back end alone knows. */
	produced[3] = 1;
	dma_fence_put(&works[3]->fence);
}

static void poll_3(void)
{
	if (dma_fence_poll(head))
		assert_reached(3);
}

static void poll_first(void)
{
	if (has_come(SECOND_ASKS)) {
		finish(1);
		say(FIRST_POLLS);
		model_assert(dma_fence_poll(head));
		assert_reached(3);
	} else {
		say(FIRST_POLLS);
	}
	say(FIRST_IS_DONE);
}

static void poll_second(void)
{
	slow = 1;
	if (has_come(THIRD_ASKS))
		poll_3();
}

static void poll_third(void)
{
	slow = 3;
	poll_3();
}

static void late_skip_end(void)
{
	if (!produced[1])
		finish(1);
	model_assert(dma_fence_get_status(head) == 1);
	dma_fence_put(head);
	assert_released(3);
}

/* Asking, which changes nothing */

static void ask_head_2(void)
{
	if (dma_fence_is_signaled(head))
		assert_reached(2);
}

static void ask_head_3(void)
{
	if (dma_fence_is_signaled(head))
		assert_reached(3);
}

static void ask_head_4(void)
{
	if (dma_fence_is_signaled(head))
		assert_reached(4);
}

static void make_3_done_2_and_3(void)
{
	make_chain("000");
	finish(2);
	finish(3);
}

static void finish_1_walk(void)
{
	finish(1);
	walk_head();
}

/* What is taken out is a link that has signaled. */
static void link_1_begin(void)
{
	make_chain("00");
	finish(2);
	results[0] = get_link(1);
}

static void finish_1_poll_walk(void)
{
	finish(1);
	model_assert(dma_fence_poll(results[0]));
	walk_head();
}

static void link_1_end(void)
{
	model_assert(!dma_fence_test_signaled_flag(head));
	assert_outcome(results[0], 1);
	dma_fence_put(results[0]);
	drop_head(2);
}

static void asked_end(void)
{
	/* Links are taken out, but nobody has polled the head. */
	finish_up_to(3);
	model_assert(!dma_fence_test_signaled_flag(head));
	model_assert(dma_fence_is_signaled(head));
	drop_head(3);
}

/* Waiting, and callbacks */

static unsigned int order;

static void any_order_2_begin(void)
{
	make_chain("00");
	order = model_choose(2);
}

static void any_order_2(void)
{
	finish(order ? 1 : 2);
	finish(order ? 2 : 1);
}

/* All but one are done, whichever that is. */
static void last_of_3_begin(void)
{
	unsigned int i;

	make_chain("000");
	order = 1 + model_choose(3);
	for (i = 1; i <= 3; i++) {
		if (i != order)
			finish(i);
	}
}

static void finish_last(void)
{
	finish(order);
}

static void any_order_3_begin(void)
{
	make_chain("000");
	order = model_choose(6);
}

static void any_order_3_called_back_begin(void)
{
	any_order_3_begin();
	call_back();
}

static void any_order_3(void)
{
	const unsigned int first = order % 3, second = (first + 1 + order / 3) % 3;

	finish(1 + first);
	finish(1 + second);
	finish(1 + (3 - first - second));
}

static void wait_head_1(void)
{
	model_assert(!dma_fence_wait(head, false));
	assert_reached(1);
}

static void wait_head_2(void)
{
	model_assert(!dma_fence_wait(head, false));
	assert_reached(2);
}

static void wait_head_3(void)
{
	model_assert(!dma_fence_wait(head, false));
	assert_reached(3);
}

static void called_back_2_begin(void)
{
	make_chain("00");
	call_back();
}

static void called_back_3_begin(void)
{
	make_chain("000");
	call_back();
}

/* With the highest on two lists: what is done leaves them while the callback goes back. */
static void called_back_skips_begin(void)
{
	make_chain("112");
	call_back();
}

static void enable_head(void)
{
	dma_fence_enable_signaling(head);
}

static void assert_released_1(void)
{
	assert_released(1);
}

static void assert_released_2(void)
{
	assert_released(2);
}

/* Nobody has a reference but the callback. */
static void own_reference_begin(void)
{
	called_back_2_begin();
	dma_fence_put(head);
}

static void own_reference_end(void)
{
	model_assert(counted.runs == 1);
	assert_released(2);
}

/* From the callback on a work, which is the only one who knows of the head. */
static void put_in_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	dma_fence_put(head);
}

static void put_in_callback_begin(void)
{
	model_assert(!dma_fence_add_callback(&works[1]->fence, &counted.cb, put_in_callback));
	results[0] = dma_fence_get(head);
}

static void put_in_callback_1_begin(void)
{
	make_chain("0");
	put_in_callback_begin();
}

static void put_in_callback_2_begin(void)
{
	make_chain("00");
	finish(2);
	put_in_callback_begin();
	results[1] = dma_fence_get(head);
}

static void ask_put(void)
{
	dma_fence_is_signaled(results[1]);
	dma_fence_put(results[1]);
}

static void enable_put(void)
{
	dma_fence_enable_signaling(results[0]);
	dma_fence_put(results[0]);
}

/* A fence of which the callback is a producer: what he signals is called back when it returns. */
static struct dma_fence *trigger;

static void finish_in_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	in_callback = true;
	finish_up_to((unsigned int)(head->seqno / 10));
	in_callback = false;
}

static void trigger_begin(const char *links)
{
	static struct dma_fence_cb cb;

	make_chain(links);
	trigger = new_fence(dma_fence_context_alloc(1), 1);
	model_assert(!dma_fence_add_callback(trigger, &cb, finish_in_callback));
}

static void trigger_2_begin(void)
{
	trigger_begin("00");
}

static void trigger_1_called_back_begin(void)
{
	trigger_begin("0");
	call_back();
}

static void trigger_2_called_back_begin(void)
{
	trigger_begin("00");
	call_back();
}

static void pull_trigger(void)
{
	dma_fence_signal_timestamp(trigger, 0);
	dma_fence_put(trigger);
}

/* Two who wait, for two links of a chain */

static void enable_two_begin(void)
{
	make_chain("00");
	results[0] = get_link(1);
	finish(2);
}

static void enable_1(void)
{
	dma_fence_enable_signaling(results[0]);
}

static void enable_two_end(void)
{
	model_assert(!dma_fence_test_signaled_flag(head));
	model_assert(!dma_fence_test_signaled_flag(results[0]));
	finish(1);
	model_assert(dma_fence_test_signaled_flag(results[0]));
	assert_outcome(results[0], 1);
	dma_fence_put(results[0]);
	drop_waited_for(2);
}

/* A branch: points 2 and 3 are both after point 1. */

static void branch_begin(void)
{
	unsigned int i;

	make_chain("0");
	for (i = 2; i <= 3; i++) {
		new_work(i);
		results[i - 2] = append(dma_fence_get(head), i, 0);
	}
	dma_fence_put(head);
	finish(2);
	finish(3);
}

static void branch_enable_0(void)
{
	dma_fence_enable_signaling(results[0]);
}

static void branch_enable_1(void)
{
	dma_fence_enable_signaling(results[1]);
}

static void branch_enabled_begin(void)
{
	branch_begin();
	branch_enable_0();
}

/* The second that waits has enabled the link between, which both wait for. */
static void branch_second_begin(void)
{
	branch_enabled_begin();
	head = dma_fence_get(((struct dma_fence_chain *)(void *)results[0])->prev);
	branch_enable_1();
}

static void poll_0(void)
{
	if (dma_fence_poll(results[0]))
		assert_reached(1);
}

static void ask_0(void)
{
	if (dma_fence_is_signaled(results[0]))
		assert_reached(1);
}

static void branch_end(void)
{
	unsigned int i;

	if (!produced[1])
		finish(1);
	for (i = 0; i < 2; i++) {
		model_assert(dma_fence_test_signaled_flag(results[i]));
		assert_outcome(results[i], 2 + i);
		dma_fence_put(results[i]);
	}
	assert_released(3);
}

static void branch_second_end(void)
{
	model_assert(dma_fence_test_signaled_flag(head));
	dma_fence_put(head);
	branch_end();
}

/* Errors */

/* References to all links, each of which says how its own point ended. */
static struct dma_fence *all[POINTS + 1];

static void keep_all(unsigned int num)
{
	unsigned int i;

	for (i = 1; i <= num; i++)
		all[i] = get_link(i);
}

static void drop_all(unsigned int num)
{
	unsigned int i;

	finish_up_to(num);
	/* From the newest on, so that the older ones are asked after links were taken out. */
	for (i = num; i; i--)
		assert_outcome(all[i], i);
	for (i = num; i; i--)
		dma_fence_put(all[i]);
	dma_fence_put(head);
	assert_released(num);
}

static void drop_all_3(void)
{
	drop_all(3);
}

static void both_fail_begin(void)
{
	errors[1] = -EIO;
	errors[2] = -ENOSPC;
	make_chain("00");
	keep_all(2);
	call_back();
}

static void both_fail_end(void)
{
	model_assert(counted.runs == 1);
	model_assert(dma_fence_test_signaled_flag(head));
	drop_all(2);
}

static void fail_walk_begin(void)
{
	errors[1] = -EIO;
	errors[2] = -ENOSPC;
	make_chain("000");
	finish(2);
}

static void fail_poll_begin(void)
{
	errors[1] = -EIO;
	errors[2] = -ENOSPC;
	make_chain("00");
	finish(2);
}

static void fail_walk_end(void)
{
	struct dma_fence *left = walk(head);

	/* What failed is left, and of two the earlier one. */
	model_assert(left && left->seqno == SEQNO(1));
	dma_fence_put(left);
	model_assert(released[2] == 1);
	drop_head(3);
}

static void later_fails_begin(void)
{
	errors[2] = -ENOSPC;
	make_chain("000");
	finish(2);
	keep_all(3);
}

static void earlier_fails_begin(void)
{
	errors[1] = -EIO;
	make_chain("000");
	finish(2);
	keep_all(3);
}

static void both_failed_begin(void)
{
	errors[1] = -EIO;
	errors[2] = -ENOSPC;
	make_chain("000");
	finish(1);
	finish(2);
}

static void three_fail_begin(void)
{
	errors[1] = -EIO;
	errors[2] = -ENOSPC;
	errors[3] = -EPERM;
	make_chain("000");
	call_back();
}

/* Finding */

static struct dma_fence *found;

static void find_1(void)
{
	found = find(SEQNO(1));
}

static void find_2(void)
{
	found = find(SEQNO(2));
}

/* A number between two points. */
static void find_between(void)
{
	found = find(SEQNO(2) - 5);
}

static void drop_found(unsigned int point)
{
	unsigned int i;

	for (i = 1; i < point; i++) {
		if (!produced[i])
			finish(i);
	}
	if (found)
		assert_outcome(found, (unsigned int)(found->seqno / 10));
	dma_fence_put(found);
	drop_head(point);
}

static void drop_found_3(void)
{
	drop_found(3);
}

/* What is found stands for a point that is pending. */
static void find_pending_end(void)
{
	model_assert(found && !dma_fence_is_signaled(found));
	drop_found(3);
}

static void find_failed_begin(void)
{
	errors[1] = -EIO;
	make_chain("000");
	finish(1);
	finish(2);
}

static void find_failed_end(void)
{
	model_assert(found && dma_fence_get_status(found) == -EIO);
	drop_found(3);
}

static void find_done_end(void)
{
	if (found)
		model_assert(dma_fence_get_status(found) == 1);
	drop_found(3);
}

static void find_skip_begin(void)
{
	make_chain("101");
	finish(1);
	finish(2);
}

static void walk_skip_end(void)
{
	/* The list does not keep it either. */
	if (!found)
		model_assert(released[1] == 1 && released[2] == 1);
	find_done_end();
}

/* The head of the finder is put, too: it is the last reference, or the walker's is. */
static void find_release_begin(void)
{
	make_chain("000");
	finish(1);
	finish(2);
	results[0] = get_link(2);
}

static void find_from_2(void)
{
	found = results[0];
	model_assert(!dma_fence_chain_find_seqno(&found, SEQNO(1)));
	assert_left(found, 1);
}

static void find_append_begin(void)
{
	make_2_done_1();
	new_work(3);
	results[0] = dma_fence_get(head);
	results[1] = dma_fence_get(head);
}

/* Not from the head, which another thread changes. */
static void find_1_kept(void)
{
	found = results[1];
	model_assert(!dma_fence_chain_find_seqno(&found, SEQNO(1)));
	assert_left(found, 1);
}

static void find_release_end(void)
{
	dma_fence_put(found);
	finish(3);
	assert_released(3);
}

static void release_head_walked(void)
{
	walk_head();
	dma_fence_put(head);
}

/* A timeline that begins with a fence of somebody else's */

/*
 * That looks like a link to who forgets to ask: as if all from point 1 on were before it. It is
 * taken for one then that is found, and has nothing before it.
 */
static struct dma_fence *foreign;
static int foreign_produced;

static void make_foreign(void)
{
	struct dma_fence_chain *shape = alloc_link(0);

	shape->prev = NULL;
	shape->prev_seqno = SEQNO(POINTS + 1);
	foreign = &shape->base;
	dma_fence_init(foreign, &plain_ops, dma_fence_context_alloc(1), SEQNO(POINTS + 2));
	head = dma_fence_get(foreign);
}

static void foreign_begin(void)
{
	make_foreign();
	make_chain("00");
	finish(1);
}

static void find_1_foreign(void)
{
	found = dma_fence_get(head);
	model_assert(!dma_fence_chain_find_seqno(&found, SEQNO(1)));
}

static void walk_foreign(void)
{
	struct dma_fence *left = dma_fence_chain_walk(dma_fence_get(head));

	model_assert(left == foreign);
	dma_fence_put(left);
}

/* The link, or what is left before it. */
static void find_foreign_end(void)
{
	model_assert(found == foreign || (found && found->seqno == SEQNO(1)));
	dma_fence_put(found);
	dma_fence_signal_timestamp(foreign, 0);
	dma_fence_put(foreign);
	drop_head(2);
}

static void finish_foreign(void)
{
	foreign_produced = 1;
	dma_fence_signal_timestamp(foreign, time_of(0));
	dma_fence_put(foreign);
}

static void walk_until_foreign(void)
{
	struct dma_fence *left = dma_fence_chain_walk(dma_fence_get(head));

	if (!left)
		model_assert(foreign_produced);
	dma_fence_put(left);
}

static void foreign_called_back_begin(void)
{
	make_foreign();
	make_chain("0");
	call_back();
}

static void foreign_end(unsigned int point)
{
	finish_up_to(point);
	model_assert(dma_fence_get_status(head) == 1);
	model_assert(dma_fence_timestamp(head) == time_of(0));
	model_assert(foreign_produced);
	dma_fence_put(head);
	assert_released(point);
}

static void foreign_called_back_end(void)
{
	model_assert(counted.runs == 1 && dma_fence_test_signaled_flag(head));
	foreign_end(1);
}

static void foreign_end_2(void)
{
	foreign_end(2);
}

/* Deadlines */

#define DEADLINE INT64_C(5000000)

static void deadline_begin(void)
{
	make_chain("000");
	finish(2);
}

static void set_deadline(void)
{
	dma_fence_set_deadline(head, DEADLINE);
}

static void deadline_walk_end(void)
{
	/* Whatever is taken out meanwhile, it reaches those that are pending. */
	model_assert(deadlines[1] == DEADLINE && deadlines[3] == DEADLINE && !deadlines[2]);
	drop_head(3);
}

static void deadline_signal_end(void)
{
	model_assert(deadlines[1] == DEADLINE);
	drop_head(2);
}

static void finish_1_driver_goes(void)
{
	finish(1);
	dma_fence_rcu_synchronize();
	driver_gone = true;
}

static void deadline_unload_begin(void)
{
	make_chain("00");
	finish(2);
}

/* Releasing */

static void release_begin(void)
{
	make_chain("0000");
	results[0] = dma_fence_get(head);
	finish_up_to(4);
}

static void put_other(void)
{
	dma_fence_put(results[0]);
}

static void release_end(void)
{
	unsigned int i;

	assert_released(4);
	/* Not inside each other: the stack has not become deeper. */
	for (i = 1; i < 3; i++)
		model_assert(frames[i] == frames[3]);
}

static void release_older_begin(void)
{
	make_chain("01");
	results[0] = get_link(1);
	finish_up_to(2);
}

/* Pending ones go in silence, as long as nobody has waited for them. */
static void release_pending_begin(void)
{
	make_chain("00");
	results[0] = get_link(1);
}

static void release_pending_end(void)
{
	model_assert(!released[1] && !released[2]);
	finish_up_to(2);
	assert_released(2);
}

/* How high links are by themselves */

#define LINKS 16

static uint32_t heights[2][LINKS];

static void throw_dice(unsigned int thread)
{
	struct dma_fence_chain *chain;
	unsigned int i;

	for (i = 0; i < LINKS; i++) {
		chain = dma_fence_chain_alloc();
		model_assert(chain);
		heights[thread][i] = chain->height;
		dma_fence_chain_free(chain);
	}
}

static void throw_dice_0(void)
{
	throw_dice(0);
}

static void throw_dice_1(void)
{
	throw_dice(1);
}

static void dice_end(void)
{
	unsigned int i, high = 0, differ = 0;

	for (i = 0; i < LINKS; i++) {
		high += heights[0][i] || heights[1][i];
		differ += heights[0][i] != heights[1][i];
	}
	model_assert(high > 0 && high < LINKS);
	model_assert(differ);
}

const struct scenario chain_scenarios[] = {
	/* Appending */
	{
		.name = "chain-append-signal",
		.begin = append_begin,
		.threads = { append_2_poll, finish_1 },
		.end = drop_head_2,
	},
	{
		.name = "chain-append-walk",
		.begin = append_walk_begin,
		.threads = { append_3_walk, walk_from_2 },
		.end = append_walk_end,
		.short_bound = 2,
	},
	{
		.name = "chain-append-skip",
		.begin = append_skip_begin,
		.threads = { append_3_skip, walk_kept },
		.end = append_skip_end,
	},
	/* Walking */
	{
		.name = "chain-walk-signal",
		.begin = make_2,
		.threads = { walk_head, finish_1 },
		.end = make_2_walk_end,
	},
	{
		.name = "chain-walk-signal-3",
		.begin = walk_3_begin,
		.threads = { walk_head, finish_1 },
		.end = walk_3_end,
	},
	{
		.name = "chain-two-walkers",
		.begin = make_2_done_1,
		.threads = { walk_head, walk_head },
		.end = two_walkers_end,
		.short_bound = 2,
	},
	{
		.name = "chain-two-walkers-3",
		.begin = make_3_done_2,
		.threads = { walk_head, walk_head, ask_head_3 },
		.end = two_walkers_3_end,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-two-walkers-signal",
		.begin = walk_3_begin,
		.threads = { walk_head, walk_head, finish_1 },
		.end = walk_3_end,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-walk-skip",
		.begin = find_skip_begin,
		.threads = { walk_head, walk_head, ask_head_3 },
		.end = walk_skip_end,
		.bound = 1,
	},
	{
		.name = "chain-walk-skips",
		.begin = walk_3_skips_begin,
		.threads = { walk_head, walk_head, ask_head_4 },
		.end = walk_3_skips_end,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-walk-release",
		.begin = walk_release_begin,
		.threads = { walk_from_2, put_head },
		.end = walk_release_end,
	},
	{
		.name = "chain-walk-held",
		.begin = others_begin,
		.threads = { walk_head, walk_from_3, ask_head_4 },
		.end = others_end,
		.bound = 1,
	},
	{
		.name = "chain-walk-held-alone",
		.begin = others_begin,
		.end = walk_others_end,
	},
	{
		.name = "chain-walk-held-failed",
		.begin = others_failed_begin,
		.threads = { walk_head, walk_from_3, ask_head_4 },
		.end = others_failed_end,
		.bound = 1,
	},
	{
		.name = "chain-walk-held-failed-alone",
		.begin = others_failed_begin,
		.end = walk_others_failed_end,
	},
	/* Polling and asking */
	{
		.name = "chain-two-pollers",
		.begin = make_2_polled_1,
		.threads = { must_poll_head, must_poll_head },
		.end = two_pollers_end,
	},
	{
		.name = "chain-poll-ask",
		.begin = make_2_done,
		.threads = { must_poll_head, ask_head_2 },
		.end = two_pollers_end,
	},
	{
		.name = "chain-two-pollers-ask",
		.begin = make_2_done,
		.threads = { must_poll_head, must_poll_head, ask_head_2 },
		.end = two_pollers_end,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-two-pollers-skip",
		.begin = make_2_skip_done,
		.threads = { must_poll_head, must_poll_head, ask_head_2 },
		.end = two_pollers_end,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-poll-late-skip",
		.begin = late_skip_begin,
		.threads = { poll_first, poll_second, poll_third },
		.end = late_skip_end,
		.bound = 1,
	},
	{
		.name = "chain-poll-signal",
		.begin = make_2_done_2,
		.threads = { poll_head_2, finish_1 },
		.end = drop_head_2,
	},
	{
		.name = "chain-poll-callback",
		.begin = enabled_1,
		.threads = { poll_head_1, finish_1 },
		.end = drop_called_back_1,
	},
	{
		.name = "chain-poll-callback-ask",
		.begin = enabled_done_2,
		.threads = { poll_head_2, finish_1, ask_head_2 },
		.end = drop_called_back_2,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-poll-walk",
		.begin = make_2_done,
		.threads = { must_poll_head, walk_head },
		.end = two_pollers_end,
		.short_bound = 2,
	},
	{
		.name = "chain-poll-walk-signal",
		.begin = make_3_done_2_and_3,
		.threads = { poll_head_3, walk_head, finish_1 },
		.end = drop_head_3,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-ask-signal",
		.begin = make_2_done_2,
		.threads = { ask_head_2, finish_1 },
		.end = drop_head_2,
	},
	{
		.name = "chain-ask-walk",
		.begin = make_3_done_2_and_3,
		.threads = { ask_head_3, walk_head },
		.end = asked_end,
		.short_bound = 2,
	},
	{
		.name = "chain-ask-walk-signal",
		.begin = make_3_done_2_and_3,
		.threads = { ask_head_3, walk_head, finish_1 },
		.end = asked_end,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-ask-poll-walk",
		.begin = link_1_begin,
		.threads = { ask_head_2, finish_1_poll_walk },
		.end = link_1_end,
	},
	/* Waiting */
	{
		.name = "chain-callback-2",
		.begin = called_back_2_begin,
		.threads = { finish_1, finish_2 },
		.end = drop_called_back_2,
	},
	{
		.name = "chain-callback-3",
		.begin = called_back_3_begin,
		.threads = { finish_1, finish_2, finish_3 },
		.end = drop_called_back_3,
	},
	{
		.name = "chain-callback-skips",
		.begin = called_back_skips_begin,
		.threads = { finish_1, finish_2, finish_3 },
		.end = drop_called_back_3,
	},
	{
		.name = "chain-callback-any-order",
		.begin = any_order_2_begin,
		.threads = { call_back, any_order_2 },
		.end = drop_called_back_2,
	},
	{
		.name = "chain-callback-last-of-3",
		.begin = last_of_3_begin,
		.threads = { call_back, finish_last },
		.end = drop_called_back_3,
	},
	{
		.name = "chain-callback-any-order-3",
		.begin = any_order_3_begin,
		.threads = { call_back, any_order_3, ask_head_3 },
		.end = drop_called_back_3,
		.bound = 1,
	},
	{
		.name = "chain-order-3",
		.begin = any_order_3_called_back_begin,
		.threads = { any_order_3 },
		.end = drop_called_back_3,
	},
	{
		.name = "chain-wait-signal",
		.begin = make_1,
		.threads = { wait_head_1, finish_1 },
		.end = drop_waited_for_1,
	},
	{
		.name = "chain-wait-any-order",
		.begin = any_order_2_begin,
		.threads = { wait_head_2, any_order_2, ask_head_2 },
		.end = drop_waited_for_2,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-wait-any-order-3",
		.begin = any_order_3_begin,
		.threads = { wait_head_3, any_order_3, ask_head_3 },
		.end = drop_waited_for_3,
		.bound = 1,
	},
	{
		.name = "chain-wait-two-producers",
		.begin = make_2,
		.threads = { wait_head_2, finish_1, finish_2 },
		.end = drop_waited_for_2,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-enable-signal",
		.begin = make_2_done_2,
		.threads = { enable_head, finish_1, ask_head_2 },
		.end = drop_waited_for_2,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-enable-twice",
		.begin = make_2_done_2,
		.threads = { enable_head, enable_head },
		.end = drop_waited_for_2,
		.short_bound = 2,
	},
	{
		.name = "chain-enable-walk",
		.begin = walk_3_begin,
		.threads = { enable_head, walk_head },
		.end = drop_waited_for_3,
	},
	{
		.name = "chain-callback-walk",
		.begin = called_back_2_begin,
		.threads = { finish_1, walk_head },
		.end = drop_called_back_2,
	},
	{
		.name = "chain-callback-keeps",
		.begin = own_reference_begin,
		.threads = { finish_1, finish_2 },
		.end = own_reference_end,
	},
	{
		.name = "chain-put-in-callback",
		.begin = put_in_callback_1_begin,
		.threads = { enable_put, finish_1 },
		.end = assert_released_1,
	},
	{
		.name = "chain-put-in-callback-ask",
		.begin = put_in_callback_2_begin,
		.threads = { enable_put, finish_1, ask_put },
		.end = assert_released_2,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-enable-two-links",
		.begin = enable_two_begin,
		.threads = { enable_head, enable_1 },
		.end = enable_two_end,
	},
	{
		.name = "chain-signal-in-callback",
		.begin = trigger_1_called_back_begin,
		.threads = { pull_trigger, poll_head_1 },
		.end = drop_called_back_1,
	},
	{
		.name = "chain-signal-in-callback-ask",
		.begin = trigger_2_called_back_begin,
		.threads = { pull_trigger, poll_head_2, ask_head_2 },
		.end = drop_called_back_2,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-signal-in-callback-add",
		.begin = trigger_2_begin,
		.threads = { pull_trigger, call_back },
		.end = drop_called_back_2,
	},
	/* Branches */
	{
		.name = "chain-branch-enable",
		.begin = branch_begin,
		.threads = { branch_enable_0, branch_enable_1 },
		.end = branch_end,
	},
	{
		.name = "chain-branch-enable-signal",
		.begin = branch_enabled_begin,
		.threads = { branch_enable_1, finish_1, ask_0 },
		.end = branch_end,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-branch-all",
		.begin = branch_begin,
		.threads = { branch_enable_0, branch_enable_1, finish_1 },
		.end = branch_end,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-branch-second",
		.begin = branch_second_begin,
		.threads = { poll_0, finish_1, ask_0 },
		.end = branch_second_end,
		.bound = 2,
		.short_bound = 1,
	},
	/* Errors */
	{
		.name = "chain-both-fail",
		.begin = both_fail_begin,
		.threads = { finish_1, finish_2 },
		.end = both_fail_end,
	},
	{
		.name = "chain-three-fail",
		.begin = three_fail_begin,
		.threads = { finish_1, finish_2, finish_3 },
		.end = drop_called_back_3,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-fail-walk",
		.begin = fail_walk_begin,
		.threads = { walk_head, finish_1 },
		.end = fail_walk_end,
	},
	{
		.name = "chain-failed-two-walkers",
		.begin = both_failed_begin,
		.threads = { walk_head, walk_head, ask_head_3 },
		.end = fail_walk_end,
		.bound = 1,
	},
	{
		.name = "chain-fail-two-walkers",
		.begin = fail_walk_begin,
		.threads = { walk_head, walk_head, finish_1 },
		.end = fail_walk_end,
		.bound = 2,
		.short_bound = 1,
	},
	{
		.name = "chain-fail-poll",
		.begin = fail_poll_begin,
		.threads = { poll_head_2, finish_1 },
		.end = drop_head_2,
	},
	{
		.name = "chain-later-fails",
		.begin = later_fails_begin,
		.threads = { walk_head, finish_1 },
		.end = drop_all_3,
	},
	{
		.name = "chain-earlier-fails",
		.begin = earlier_fails_begin,
		.threads = { walk_head, finish_1 },
		.end = drop_all_3,
	},
	/* Finding */
	{
		.name = "chain-find-collect",
		.begin = walk_3_begin,
		.threads = { find_2, walk_head },
		.end = find_pending_end,
	},
	{
		.name = "chain-find-between",
		.begin = walk_3_begin,
		.threads = { find_between, walk_head },
		.end = find_pending_end,
	},
	{
		.name = "chain-find-signal-collect",
		.begin = walk_3_begin,
		.threads = { find_1, finish_1_walk },
		.end = find_done_end,
	},
	{
		.name = "chain-find-done",
		.begin = make_3_done_2,
		.threads = { find_1, walk_head },
		.end = find_done_end,
	},
	{
		.name = "chain-find-failed",
		.begin = find_failed_begin,
		.threads = { find_2, walk_head },
		.end = find_failed_end,
		.short_bound = 2,
	},
	{
		.name = "chain-find-skip",
		.begin = find_skip_begin,
		.threads = { find_1, walk_head },
		.end = walk_skip_end,
	},
	{
		.name = "chain-find-release",
		.begin = find_release_begin,
		.threads = { find_from_2, release_head_walked },
		.end = find_release_end,
	},
	{
		.name = "chain-find-three",
		.begin = walk_3_begin,
		.threads = { find_1, walk_head, finish_1 },
		.end = drop_found_3,
	},
	{
		.name = "chain-find-append-walk",
		.begin = find_append_begin,
		.threads = { find_1_kept, append_3, walk_from_2 },
		.end = drop_found_3,
	},
	/* A fence of somebody else's */
	{
		.name = "chain-find-foreign",
		.begin = foreign_begin,
		.threads = { find_1_foreign, walk_foreign },
		.end = find_foreign_end,
	},
	{
		.name = "chain-walk-foreign",
		.begin = foreign_begin,
		.threads = { walk_until_foreign, finish_foreign },
		.end = foreign_end_2,
	},
	{
		.name = "chain-callback-foreign",
		.begin = foreign_called_back_begin,
		.threads = { finish_1, finish_foreign },
		.end = foreign_called_back_end,
	},
	/* Deadlines */
	{
		.name = "chain-deadline-walk",
		.begin = deadline_begin,
		.threads = { set_deadline, walk_head },
		.end = deadline_walk_end,
		.short_bound = 2,
	},
	{
		.name = "chain-deadline-signal",
		.begin = make_2,
		.threads = { set_deadline, finish_2 },
		.end = deadline_signal_end,
	},
	{
		.name = "chain-deadline-unload",
		.begin = deadline_unload_begin,
		.threads = { set_deadline, finish_1_driver_goes },
		.end = drop_head_2,
	},
	/* Releasing */
	{
		.name = "chain-release",
		.begin = release_begin,
		.threads = { put_head, put_other },
		.end = release_end,
	},
	{
		.name = "chain-release-older",
		.begin = release_older_begin,
		.threads = { put_head, put_other },
		.end = assert_released_2,
	},
	{
		.name = "chain-release-pending",
		.begin = release_pending_begin,
		.threads = { put_head, put_other },
		.end = release_pending_end,
	},
	/* Heights */
	{
		.name = "chain-heights",
		.threads = { throw_dice_0, throw_dice_1 },
		.end = dice_end,
	},
	{ .name = NULL },
};
