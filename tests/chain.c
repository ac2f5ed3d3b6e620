/* SPDX-License-Identifier: MIT */
/* What dmafence/chain.h promises, on chains of a few links. */
#include <stdio.h>

#include "support.h"

#define MOST 8

/* The work of a point, whose back end can tell that it is complete. */
struct work {
	struct dma_fence fence;
	bool complete;
	int enabled;
	int deadlines;
	int64_t deadline;
};

static struct work works[MOST];
static struct dma_fence *links[MOST]; /* a reference each */

static struct work *work_of(struct dma_fence *fence)
{
	return container_of(fence, struct work, fence);
}

static bool work_enable(struct dma_fence *fence)
{
	work_of(fence)->enabled++;
	return true;
}

static bool work_complete(struct dma_fence *fence)
{
	return work_of(fence)->complete;
}

static void work_deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	work_of(fence)->deadlines++;
	work_of(fence)->deadline = deadline_ns;
}

static const struct dma_fence_ops work_ops = {
	.enable_signaling = work_enable,
	.signaled = work_complete,
	.set_deadline = work_deadline,
	.release = count_release,
};

static void work_init(struct work *work)
{
	memset(work, 0, sizeof(*work));
	dma_fence_init(&work->fence, &work_ops, dma_fence_context_alloc(1), 1);
}

/* Takes 'prev'; of 'work' the link gets a reference of its own. */
static struct dma_fence *append(struct dma_fence *prev, struct dma_fence *work, uint64_t seqno)
{
	struct dma_fence_chain *chain = dma_fence_chain_alloc();

	assert_non_null(chain);
	dma_fence_chain_init(chain, prev, dma_fence_get(work), seqno);
	return &chain->base;
}

/* A chain of works[], with a reference to each link in links[]. Of points first, 2 first, ... */
static void make_chain(unsigned int num, uint64_t first)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		work_init(&works[i]);
		links[i] = append(i ? dma_fence_get(links[i - 1]) : NULL, &works[i].fence,
				  (i + 1) * first);
	}
}

static void finish(unsigned int i)
{
	dma_fence_signal(&works[i].fence);
}

static void finish_at(unsigned int i, int64_t timestamp)
{
	dma_fence_signal_timestamp(&works[i].fence, timestamp);
}

static void fail_work(unsigned int i, int error)
{
	assert_int_equal(dma_fence_set_error(&works[i].fence, error), 0);
	finish(i);
}

/* Does away with make_chain()'s, in whatever state; nothing of it is left, and nothing was said. */
static void drop_chain(unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++)
		finish(i);
	for (i = 0; i < num; i++) {
		dma_fence_put(links[i]);
		dma_fence_put(&works[i].fence);
	}
	dma_fence_rcu_barrier();
	assert_int_equal(*release_count(), num);
	assert_int_equal(caught()->count, 0);
}

static bool flagged(unsigned int i)
{
	return dma_fence_test_signaled_flag(links[i]);
}

static int status(unsigned int i)
{
	return dma_fence_get_status(links[i]);
}

/* Making one */

static void begins_a_timeline_of_its_own(void **state)
{
	(void)state;
	make_chain(1, 7);
	assert_true(dma_fence_is_chain(links[0]));
	assert_true(dma_fence_is_container(links[0]));
	assert_false(dma_fence_is_array(links[0]));
	assert_true(&to_dma_fence_chain(links[0])->base == links[0]);
	assert_true(dma_fence_chain_contained(links[0]) == &works[0].fence);
	assert_int_equal(links[0]->seqno, 7);
	assert_true(links[0]->context && links[0]->context != works[0].fence.context);
	assert_int_equal(status(0), 0);
	assert_int_equal(dma_fence_timestamp(links[0]), -EAGAIN);
	finish(0);
	assert_int_equal(status(0), 1);
	drop_chain(1);
}

static void is_no_chain(void **state)
{
	struct dma_fence *stub = dma_fence_get_stub();

	(void)state;
	assert_false(dma_fence_is_chain(stub));
	assert_true(!to_dma_fence_chain(stub));
	assert_true(!to_dma_fence_chain(NULL));
	assert_true(dma_fence_chain_contained(stub) == stub);
	dma_fence_put(stub);
}

static void is_freed_without_having_been_made(void **state)
{
	(void)state;
	dma_fence_chain_free(dma_fence_chain_alloc());
	dma_fence_chain_free(NULL);
}

static void a_greater_point_is_of_the_same_timeline(void **state)
{
	(void)state;
	make_chain(3, 10);
	assert_int_equal(links[1]->context, links[0]->context);
	assert_int_equal(links[2]->context, links[0]->context);
	assert_int_equal(links[1]->seqno, 20);
	assert_int_equal(links[2]->seqno, 30);
	drop_chain(3);
}

/* Follows what was before all the same. */
static void not_a_greater_point_begins_a_timeline(void **state)
{
	static const uint64_t points[] = { 20, 19, 1 };
	struct dma_fence *link, *next;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(points); i++) {
		catch_setup(state);
		make_chain(2, 10);
		work_init(&works[2]);
		link = append(dma_fence_get(links[1]), &works[2].fence, points[i]);
		assert_true(link->context != links[0]->context);
		assert_int_equal(link->seqno, 20);
		next = append(dma_fence_get(link), &works[2].fence, 21);
		assert_int_equal(next->context, link->context);
		assert_int_equal(next->seqno, 21);
		finish(2);
		assert_false(dma_fence_is_signaled(next));
		finish(0);
		assert_false(dma_fence_is_signaled(next));
		finish(1);
		assert_true(dma_fence_is_signaled(next));
		dma_fence_put(next);
		links[2] = link;
		drop_chain(3);
	}
}

static void the_greatest_point_can_be_reached(void **state)
{
	struct dma_fence *found;

	(void)state;
	make_chain(3, UINT64_MAX / 3);
	assert_int_equal(links[2]->seqno, UINT64_MAX);
	assert_int_equal(links[2]->context, links[0]->context);
	found = dma_fence_get(links[2]);
	assert_int_equal(dma_fence_chain_find_seqno(&found, UINT64_MAX - 1), 0);
	assert_true(found == links[2]);
	assert_int_equal(dma_fence_chain_find_seqno(&found, UINT64_MAX / 2), 0);
	assert_true(found == links[1]);
	dma_fence_put(found);
	drop_chain(3);
}

/* Its number is not a point of any timeline. */
static void follows_a_plain_fence(void **state)
{
	struct dma_fence *link;

	(void)state;
	work_init(&works[0]);
	work_init(&works[1]);
	link = append(dma_fence_get(&works[0].fence), &works[1].fence, 5);
	assert_true(link->context != works[0].fence.context);
	assert_int_equal(link->seqno, 5);
	finish(1);
	assert_int_equal(dma_fence_get_status(link), 0);
	finish_at(0, INT64_C(1) << 58);
	assert_int_equal(dma_fence_get_status(link), 1);
	assert_int_equal(dma_fence_timestamp(link), INT64_C(1) << 58);
	links[0] = link;
	links[1] = NULL;
	drop_chain(2);
}

static struct dma_fence *array_of_works(unsigned int num)
{
	struct dma_fence **fences = malloc(num * sizeof(struct dma_fence *));
	unsigned int i;

	for (i = 0; i < num; i++) {
		work_init(&works[i]);
		fences[i] = dma_fence_get(&works[i].fence);
	}
	return &dma_fence_array_create((int)num, fences, dma_fence_context_alloc(1), 1)->base;
}

static void follows_an_array(void **state)
{
	(void)state;
	links[0] = array_of_works(2);
	work_init(&works[2]);
	links[1] = append(dma_fence_get(links[0]), &works[2].fence, 5);
	links[2] = NULL;
	finish(2);
	assert_int_equal(status(1), 0);
	finish(1);
	assert_int_equal(status(1), 0);
	fail_work(0, -EIO);
	assert_int_equal(status(1), -EIO);
	drop_chain(3);
}

static void has_an_array_for_its_work(void **state)
{
	struct counter counter = { .ran = 0 };
	unsigned int i;

	(void)state;
	links[0] = array_of_works(3);
	links[1] = append(NULL, links[0], 5);
	links[2] = append(dma_fence_get(links[1]), links[0], 6);
	assert_true(dma_fence_chain_contained(links[1]) == links[0]);
	assert_int_equal(dma_fence_add_callback(links[2], &counter.cb, count_call), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(works[i].enabled, 1);
	finish(2);
	fail_work(1, -EIO);
	assert_int_equal(calls(&counter), 0);
	assert_int_equal(status(1), 0);
	finish(0);
	assert_int_equal(calls(&counter), 1);
	assert_int_equal(status(1), -EIO);
	assert_int_equal(status(2), -EIO);
	drop_chain(3);
}

static void null_for_its_work_is_reported(void **state)
{
	struct dma_fence *link;

	(void)state;
	link = append(NULL, NULL, 1);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_MEMBERS], 1);
	assert_non_null(strstr(caught()->last, "NULL"));
	assert_int_equal(dma_fence_get_status(link), 1);
	dma_fence_put(link);
	assert_int_equal(caught()->count, 1);
}

static void a_link_for_its_work_is_reported(void **state)
{
	struct dma_fence *link;

	(void)state;
	make_chain(2, 1);
	link = append(NULL, links[1], 1);
	assert_int_equal(caught()->count, 1);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_MEMBERS], 1);
	assert_non_null(strstr(caught()->last, "a chain"));
	catch_reports();
	finish(1);
	assert_int_equal(dma_fence_get_status(link), 0);
	finish(0);
	assert_int_equal(dma_fence_get_status(link), 1);
	dma_fence_put(link);
	drop_chain(2);
}

/* Finding */

/* Which of links[] stands for the point, from links[head]; -1: NULL, or a negative errno. */
static int find_from(unsigned int head, uint64_t seqno)
{
	struct dma_fence *found = dma_fence_get(links[head]);
	int ret = dma_fence_chain_find_seqno(&found, seqno), i;

	if (ret) {
		assert_true(found == links[head]);
		dma_fence_put(found);
		return ret;
	}
	if (!found)
		return -1;
	for (i = 0; links[i] != found; i++)
		assert_true(i < MOST - 1);
	dma_fence_put(found);
	return i;
}

static void finds_links_by_their_points(void **state)
{
	unsigned int head, i;

	(void)state;
	make_chain(MOST, 1);
	for (head = 0; head < MOST; head++) {
		for (i = 0; i <= head; i++)
			assert_int_equal(find_from(head, i + 1), i);
		for (; i < MOST; i++)
			assert_int_equal(find_from(head, i + 1), -EINVAL);
	}
	drop_chain(MOST);
}

static void finds_the_next_link_for_what_is_between_points(void **state)
{
	uint64_t point;

	(void)state;
	make_chain(4, 10);
	for (point = 1; point <= 40; point++)
		assert_int_equal(find_from(3, point), (point - 1) / 10);
	assert_int_equal(find_from(3, 41), -EINVAL);
	assert_int_equal(find_from(3, UINT64_MAX), -EINVAL);
	drop_chain(4);
}

static void point_0_is_where_one_is(void **state)
{
	struct dma_fence *fence = NULL;

	(void)state;
	make_chain(2, 1);
	finish(0);
	finish(1);
	assert_int_equal(find_from(1, 0), 1);
	assert_int_equal(dma_fence_chain_find_seqno(&fence, 0), 0);
	assert_true(!fence);
	fence = &works[0].fence;
	assert_int_equal(dma_fence_chain_find_seqno(&fence, 0), 0);
	assert_true(fence == &works[0].fence);
	drop_chain(2);
}

static void finds_nothing_in_what_is_no_chain(void **state)
{
	struct dma_fence *fence = NULL, *array;

	(void)state;
	assert_int_equal(dma_fence_chain_find_seqno(&fence, 1), -EINVAL);
	assert_true(!fence);
	array = fence = array_of_works(1);
	assert_int_equal(dma_fence_chain_find_seqno(&fence, 1), -EINVAL);
	assert_true(fence == array);
	dma_fence_put(fence);
	fence = &works[0].fence;
	assert_int_equal(dma_fence_chain_find_seqno(&fence, 1), -EINVAL);
	assert_true(fence == &works[0].fence);
	finish(0);
	dma_fence_put(fence);
}

static void walk_over(unsigned int head)
{
	struct dma_fence *link;

	dma_fence_chain_for_each (link, links[head])
		;
}

static void finds_what_is_left_of_the_way_to_a_point(void **state)
{
	(void)state;
	make_chain(6, 10);
	finish(2);
	finish(3);
	assert_int_equal(find_from(5, 40), 3); /* still there */
	walk_over(5);
	assert_int_equal(find_from(5, 50), 4);
	assert_int_equal(find_from(5, 40), 1);
	assert_int_equal(find_from(5, 21), 1);
	assert_int_equal(find_from(5, 20), 1);
	assert_int_equal(find_from(5, 5), 0);
	drop_chain(6);
}

static void finds_null_for_what_is_done(void **state)
{
	uint64_t point;

	(void)state;
	make_chain(4, 10);
	finish(0);
	finish(1);
	walk_over(3);
	for (point = 1; point <= 20; point++)
		assert_int_equal(find_from(3, point), -1);
	assert_int_equal(find_from(3, 21), 2);
	finish(2);
	finish(3);
	assert_int_equal(status(3), 1);
	for (point = 1; point <= 30; point++)
		assert_int_equal(find_from(3, point), -1);
	assert_int_equal(find_from(3, 31), 3);
	assert_int_equal(find_from(3, 40), 3);
	assert_int_equal(find_from(3, 41), -EINVAL);
	drop_chain(4);
}

static void finding_signals_nothing(void **state)
{
	unsigned int i;

	(void)state;
	make_chain(4, 1);
	for (i = 0; i < 4; i++)
		works[i].complete = true;
	for (i = 0; i < 4; i++)
		assert_int_equal(find_from(3, i + 1), i);
	for (i = 0; i < 4; i++) {
		assert_false(flagged(i));
		assert_false(dma_fence_test_signaled_flag(&works[i].fence));
		assert_int_equal(works[i].enabled, 0);
	}
	drop_chain(4);
}

static void finds_that_a_point_has_failed(void **state)
{
	(void)state;
	make_chain(6, 1);
	finish(0);
	finish(1);
	fail_work(2, -EIO);
	finish(3);
	fail_work(4, -ENODATA);
	walk_over(5);
	assert_int_equal(find_from(5, 1), -1);
	assert_int_equal(find_from(5, 2), -1);
	assert_int_equal(find_from(5, 3), 2);
	assert_int_equal(find_from(5, 4), 2);
	assert_int_equal(find_from(5, 5), 2);
	assert_int_equal(find_from(5, 6), 5);
	assert_int_equal(status(2), -EIO);
	assert_int_equal(status(5), 0);
	finish(5);
	assert_int_equal(status(5), -EIO);
	assert_int_equal(find_from(5, 5), 2);
	assert_int_equal(find_from(5, 2), -1);
	drop_chain(6);
}

/* links[0..1] are points 1 and 2, links[2..4] points 2, 3 and 4 of the timeline that follows. */
static void make_two_timelines(void)
{
	static const uint64_t points[] = { 2, 3, 4 };
	unsigned int i;

	make_chain(2, 1);
	for (i = 2; i < 5; i++) {
		work_init(&works[i]);
		links[i] = append(dma_fence_get(links[i - 1]), &works[i].fence, points[i - 2]);
	}
	assert_true(links[2]->context != links[1]->context);
	assert_int_equal(links[4]->context, links[2]->context);
}

static void finds_no_points_of_the_timeline_before(void **state)
{
	(void)state;
	make_two_timelines();
	assert_int_equal(find_from(4, 4), 4);
	assert_int_equal(find_from(4, 3), 3);
	assert_int_equal(find_from(4, 2), 2);
	assert_int_equal(find_from(4, 1), 2);
	assert_int_equal(find_from(2, 1), 2);
	drop_chain(5);
}

static void finds_what_is_left_before_a_timeline(void **state)
{
	(void)state;
	make_two_timelines();
	finish(2);
	finish(3);
	walk_over(4);
	/* Point 3 is reached when what the timeline follows is done. */
	assert_int_equal(find_from(4, 3), 1);
	assert_int_equal(find_from(4, 2), 1);
	assert_int_equal(find_from(4, 1), 1);
	finish(1);
	walk_over(4);
	assert_int_equal(find_from(4, 1), 0);
	finish(0);
	walk_over(4);
	assert_int_equal(find_from(4, 1), -1);
	assert_int_equal(find_from(4, 4), 4);
	drop_chain(5);
}

/* links[0] is a plain fence, and what follows it points 2, 3, ... */
static void make_chain_after_a_plain_fence(unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		work_init(&works[i]);
		links[i] = i ? append(dma_fence_get(links[i - 1]), &works[i].fence, i + 1)
			     : dma_fence_get(&works[i].fence);
	}
}

static void finds_a_plain_fence_at_the_beginning(void **state)
{
	(void)state;
	make_chain_after_a_plain_fence(4);
	assert_int_equal(find_from(3, 1), 1);
	finish(1);
	finish(2);
	walk_over(3);
	assert_int_equal(find_from(3, 3), 0);
	assert_int_equal(find_from(3, 2), 0);
	assert_int_equal(find_from(3, 1), 0);
	fail_work(0, -EIO);
	walk_over(3);
	assert_int_equal(find_from(3, 1), 0);
	drop_chain(4);
}

/* Walking */

/* What one meets from links[head], as the digits of a decimal number. */
static int met_from(unsigned int head)
{
	struct dma_fence *link;
	int met = 0, i;

	dma_fence_chain_for_each (link, links[head]) {
		for (i = 0; links[i] != link; i++)
			assert_true(i < MOST - 1);
		met = 10 * met + i + 1;
	}
	return met;
}

static void walks_from_the_newest_to_the_oldest(void **state)
{
	(void)state;
	make_chain(5, 1);
	assert_int_equal(met_from(4), 54321);
	assert_int_equal(met_from(2), 321);
	drop_chain(5);
}

static void a_walk_takes_out_what_is_done(void **state)
{
	(void)state;
	make_chain(6, 1);
	finish(1);
	finish(2);
	finish(4);
	finish(5);
	/* Where one begins is not looked at. */
	assert_int_equal(met_from(5), 641);
	assert_int_equal(met_from(2), 31);
	finish(0);
	finish(3);
	assert_int_equal(met_from(5), 6);
	drop_chain(6);
}

static void what_is_taken_out_is_released(void **state)
{
	unsigned int i;

	(void)state;
	make_chain(6, 1);
	for (i = 0; i < 5; i++) {
		dma_fence_put(links[i]);
		links[i] = NULL;
		if (i != 2)
			finish(i);
		if (i != 2)
			dma_fence_put(&works[i].fence);
	}
	assert_int_equal(*release_count(), 0);
	walk_over(5);
	assert_int_equal(*release_count(), 4);
	finish(2);
	dma_fence_put(&works[2].fence);
	walk_over(5);
	assert_int_equal(*release_count(), 5);
	finish(5);
	dma_fence_put(&works[5].fence);
	dma_fence_put(links[5]);
	assert_int_equal(*release_count(), 6);
	assert_int_equal(caught()->count, 0);
}

/* One that has signaled has let go of what was before. */
static void a_signal_releases_what_was_before(void **state)
{
	struct counter counter = { .ran = 0 };
	unsigned int i;

	(void)state;
	make_chain(6, 1);
	for (i = 0; i < 5; i++)
		dma_fence_put(links[i]);
	assert_int_equal(dma_fence_add_callback(links[5], &counter.cb, count_call), 0);
	for (i = 0; i < 6; i++) {
		finish(i);
		dma_fence_put(&works[i].fence);
	}
	assert_int_equal(calls(&counter), 1);
	assert_int_equal(*release_count(), 5);
	dma_fence_put(links[5]);
	assert_int_equal(*release_count(), 6);
}

static void a_walk_polls(void **state)
{
	(void)state;
	make_chain(4, 1);
	works[1].complete = works[2].complete = true;
	assert_int_equal(met_from(3), 41);
	assert_true(dma_fence_test_signaled_flag(&works[1].fence));
	assert_true(dma_fence_test_signaled_flag(&works[2].fence));
	drop_chain(4);
}

static void a_link_that_failed_stays(void **state)
{
	(void)state;
	make_chain(5, 1);
	finish(1);
	fail_work(2, -EIO);
	finish(3);
	assert_int_equal(met_from(4), 531);
	finish(0);
	assert_int_equal(met_from(4), 53);
	finish(4);
	assert_int_equal(met_from(4), 53);
	assert_int_equal(status(4), -EIO);
	assert_int_equal(met_from(4), 53);
	drop_chain(5);
}

static void until_one_before_it_has_failed(void **state)
{
	(void)state;
	make_chain(6, 1);
	fail_work(2, -EIO);
	fail_work(4, -ENODATA);
	assert_int_equal(met_from(5), 654321);
	finish(3);
	assert_int_equal(met_from(5), 6321);
	finish(1);
	assert_int_equal(met_from(5), 631);
	fail_work(0, -EPIPE);
	assert_int_equal(met_from(5), 61);
	/* Who has a link that was taken out is told the same. */
	assert_int_equal(status(4), -EPIPE);
	assert_int_equal(status(2), -EPIPE);
	assert_int_equal(status(1), -EPIPE);
	assert_int_equal(status(5), 0);
	drop_chain(6);
}

static void a_walk_ends_at_a_plain_fence(void **state)
{
	(void)state;
	make_chain_after_a_plain_fence(3);
	assert_int_equal(met_from(2), 321);
	assert_int_equal(met_from(0), 1);
	finish(1);
	assert_int_equal(met_from(2), 31);
	finish(0);
	assert_int_equal(met_from(2), 3);
	drop_chain(3);
}

static void a_plain_fence_that_failed_stays(void **state)
{
	(void)state;
	make_chain_after_a_plain_fence(4);
	fail_work(0, -EIO);
	finish(1);
	fail_work(2, -ENODATA);
	assert_int_equal(met_from(3), 41);
	assert_int_equal(met_from(0), 1);
	drop_chain(4);
}

static void a_walk_goes_from_timeline_to_timeline(void **state)
{
	(void)state;
	make_two_timelines();
	assert_int_equal(met_from(4), 54321);
	finish(2);
	finish(1);
	assert_int_equal(met_from(4), 541);
	finish(3);
	assert_int_equal(met_from(4), 51);
	drop_chain(5);
}

static void a_walk_takes_the_reference(void **state)
{
	struct dma_fence *link;

	(void)state;
	assert_true(!dma_fence_chain_walk(NULL));
	make_chain(2, 1);
	link = dma_fence_chain_walk(dma_fence_get(links[1]));
	assert_true(link == links[0]);
	link = dma_fence_chain_walk(link);
	assert_true(!link);
	link = dma_fence_chain_walk(dma_fence_get(&works[0].fence));
	assert_true(!link);
	drop_chain(2);
}

static void a_walk_can_be_left_early(void **state)
{
	struct dma_fence *link;

	(void)state;
	make_chain(5, 1);
	dma_fence_chain_for_each (link, links[4]) {
		if (link->seqno == 3)
			break;
	}
	assert_true(link == links[2]);
	dma_fence_put(link);
	dma_fence_chain_for_each (link, NULL)
		assert_true(false);
	drop_chain(5);
}

/* How it ended. In each of these ways a link may get signaled. */

static void by_a_callback(unsigned int head)
{
	static struct counter counters[MOST];

	counters[head].ran = 0;
	assert_int_equal(dma_fence_add_callback(links[head], &counters[head].cb, count_call), 0);
}

static void by_enabling(unsigned int head)
{
	dma_fence_enable_signaling(links[head]);
}

static void by_a_wait(unsigned int head)
{
	assert_int_equal(dma_fence_wait_timeout(links[head], false, 0), 0);
}

static void by_a_poll(unsigned int head)
{
	assert_false(dma_fence_poll(links[head]));
}

static void (*const ways[])(unsigned int head) = {
	by_a_callback,
	by_enabling,
	by_a_wait,
	by_a_poll,
};

static void its_own_error(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		catch_setup(state);
		make_chain(3, 1);
		ways[i](2);
		fail_work(2, -EIO);
		assert_int_equal(status(2), 0);
		finish(0);
		finish(1);
		assert_int_equal(status(2), -EIO);
		assert_int_equal(status(1), 1);
		assert_int_equal(status(0), 1);
		drop_chain(3);
	}
}

static void the_error_of_a_point_before(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		catch_setup(state);
		make_chain(4, 1);
		ways[i](3);
		finish(3);
		finish(2);
		fail_work(1, -EIO);
		finish(0);
		assert_int_equal(status(3), -EIO);
		assert_int_equal(status(2), -EIO);
		assert_int_equal(status(1), -EIO);
		assert_int_equal(status(0), 1);
		drop_chain(4);
	}
}

/* Also if it failed later. */
static void of_two_errors_that_of_the_earlier_point(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		catch_setup(state);
		make_chain(4, 1);
		ways[i](3);
		fail_work(3, -ENODATA);
		fail_work(2, -EPIPE);
		walk_over(3);
		finish(0);
		walk_over(3);
		fail_work(1, -EIO);
		assert_int_equal(status(3), -EIO);
		assert_int_equal(status(2), -EIO);
		assert_int_equal(status(1), -EIO);
		assert_int_equal(status(0), 1);
		drop_chain(4);
	}
}

static void an_error_does_not_change_with_what_comes_later(void **state)
{
	(void)state;
	make_chain(2, 1);
	fail_work(1, -EIO);
	finish(0);
	assert_int_equal(status(1), -EIO);
	work_init(&works[2]);
	links[2] = append(dma_fence_get(links[1]), &works[2].fence, 3);
	fail_work(2, -ENODATA);
	assert_int_equal(status(2), -EIO);
	assert_int_equal(status(1), -EIO);
	assert_int_equal(status(0), 1);
	drop_chain(3);
}

static void the_error_of_a_plain_fence_before(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		catch_setup(state);
		make_chain_after_a_plain_fence(3);
		ways[i](2);
		fail_work(2, -ENODATA);
		finish(1);
		fail_work(0, -EIO);
		assert_int_equal(status(2), -EIO);
		assert_int_equal(status(1), -EIO);
		drop_chain(3);
	}
}

static void the_error_of_a_timeline_before(void **state)
{
	(void)state;
	make_two_timelines();
	by_a_callback(4);
	finish(4);
	fail_work(3, -ENODATA);
	finish(2);
	walk_over(4);
	finish(1);
	fail_work(0, -EIO);
	assert_true(flagged(4));
	assert_int_equal(status(4), -EIO);
	assert_int_equal(status(2), -EIO);
	drop_chain(5);
}

static void the_latest_timestamp(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		catch_setup(state);
		make_chain(5, 1);
		ways[i](4);
		finish_at(4, 100);
		finish_at(2, 500);
		finish_at(1, 200);
		finish_at(3, 600);
		finish_at(0, 300);
		assert_int_equal(dma_fence_timestamp(links[4]), 600);
		assert_int_equal(dma_fence_timestamp(links[3]), 600);
		assert_int_equal(dma_fence_timestamp(links[2]), 500);
		assert_int_equal(dma_fence_timestamp(links[1]), 300);
		assert_int_equal(dma_fence_timestamp(links[0]), 300);
		drop_chain(5);
	}
}

static void the_timestamp_of_what_was_taken_out(void **state)
{
	unsigned int failed;

	/* With 4 all succeed; else what is taken out is taken out behind one that stays. */
	for (failed = 0; failed <= 4; failed++) {
		catch_setup(state);
		make_chain(5, 1);
		if (failed < 4)
			assert_int_equal(dma_fence_set_error(&works[failed].fence, -EIO), 0);
		finish_at(2, 500);
		walk_over(4);
		finish_at(1, 600);
		walk_over(4);
		finish_at(3, 550);
		walk_over(4);
		finish_at(0, 100);
		walk_over(4);
		finish_at(4, 400);
		assert_int_equal(dma_fence_timestamp(links[4]), 600);
		assert_int_equal(dma_fence_timestamp(links[3]), 600);
		assert_int_equal(dma_fence_timestamp(links[2]), 600);
		assert_int_equal(dma_fence_timestamp(links[1]), 600);
		assert_int_equal(dma_fence_timestamp(links[0]), 100);
		assert_int_equal(status(4), failed < 4 ? -EIO : 1);
		drop_chain(5);
	}
}

static void the_timestamp_of_a_plain_fence_taken_out(void **state)
{
	(void)state;
	make_chain_after_a_plain_fence(3);
	finish_at(0, 900);
	finish_at(1, 100);
	walk_over(2);
	finish_at(2, 500);
	assert_int_equal(dma_fence_timestamp(links[2]), 900);
	drop_chain(3);
}

/*
 * Four points in every order, each of them waited for or not, each failed or not, and looked at in
 * between in every way.
 */

enum look {
	NOT_AT_ALL,
	WALKING,
	POLLING,
	POLLING_BACKWARDS,
	LOOKS,
};

#define FEW	 4
#define ALL_FEW	 (1u << FEW)
#define ONE(bit) (1u << (bit))

static struct counter waiters[FEW];

static void look_at_them(enum look look, unsigned int step)
{
	unsigned int i;

	if (look == WALKING)
		walk_over((step * 7 + 3) % FEW); /* from 3, 2, 1, 0 */
	for (i = 0; look == POLLING && i < FEW; i++)
		dma_fence_poll(links[i]);
	for (i = FEW; look == POLLING_BACKWARDS && i--;)
		dma_fence_poll(links[i]);
}

/* The links after a point is done; 'done', 'waited' and 'failing' are sets. */
static void check_few(unsigned int done, unsigned int waited, unsigned int failing,
		      const int64_t *timestamps, bool plain)
{
	int64_t latest = 0;
	int error = 1;
	unsigned int i;

	for (i = 0; i < FEW; i++) {
		bool reached = (done & (ONE(i + 1) - 1)) == ONE(i + 1) - 1;

		if (timestamps[i] > latest)
			latest = timestamps[i];
		if (error > 0 && failing & ONE(i))
			error = -(int)(i + 1);
		if (i == 0 && plain)
			continue;
		assert_int_equal(dma_fence_is_signaled(links[i]), reached);
		if (!reached)
			assert_false(flagged(i));
		else if (waited & ONE(i))
			assert_true(flagged(i));
		assert_int_equal(calls(&waiters[i]), reached && waited & ONE(i));
		if (reached && (flagged(i) || done == ALL_FEW - 1)) {
			assert_int_equal(status(i), error);
			assert_int_equal(dma_fence_timestamp(links[i]), latest);
		}
	}
}

static void one_way(const unsigned int *order, unsigned int waited, unsigned int failing,
		    enum look look, bool plain)
{
	int64_t timestamps[FEW];
	unsigned int i, done = 0;

	if (plain)
		make_chain_after_a_plain_fence(FEW);
	else
		make_chain(FEW, 1);
	for (i = 0; i < FEW; i++) {
		waiters[i].ran = 0;
		if (waited & ONE(i))
			assert_int_equal(
				dma_fence_add_callback(links[i], &waiters[i].cb, count_call), 0);
		if (failing & ONE(i))
			assert_int_equal(dma_fence_set_error(&works[i].fence, -(int)(i + 1)), 0);
	}
	for (i = 0; i < FEW; i++) {
		timestamps[order[i]] = 1 + (i + 2) % FEW; /* not in the order of the signals */
		done |= ONE(order[i]);
		look_at_them(look, i);
		finish_at(order[i], timestamps[order[i]]);
		check_few(done, waited, failing, timestamps, plain);
	}
	for (i = 0; i < FEW; i++) {
		dma_fence_put(links[i]);
		dma_fence_put(&works[i].fence);
	}
	assert_int_equal(*release_count(), FEW);
	assert_int_equal(caught()->count, 0);
	*release_count() = 0;
}

static bool is_order(const unsigned int *order)
{
	unsigned int set = 0, i;

	for (i = 0; i < FEW; i++)
		set |= ONE(order[i]);
	return set == ALL_FEW - 1;
}

static void every_way(bool plain)
{
	unsigned int order[FEW], n, i, waited, failing, look;

	for (n = 0; n < ALL_FEW * ALL_FEW; n++) {
		for (i = 0; i < FEW; i++)
			order[i] = n >> 2 * i & 3;
		if (!is_order(order))
			continue;
		for (waited = 0; waited < ALL_FEW; waited++) {
			for (failing = 0; failing < ALL_FEW; failing++) {
				for (look = 0; look < LOOKS; look++)
					one_way(order, waited, failing, look, plain);
			}
		}
	}
	dma_fence_rcu_barrier();
}

static void four_points_in_every_way(void **state)
{
	(void)state;
	every_way(false);
}

static void three_points_after_a_plain_fence_in_every_way(void **state)
{
	(void)state;
	every_way(true);
}

/* Asking */

static void make_complete_chain(unsigned int num)
{
	unsigned int i;

	make_chain(num, 1);
	for (i = 0; i < num; i++)
		works[i].complete = true;
}

static void asking_changes_nothing(void **state)
{
	unsigned int i;

	(void)state;
	make_complete_chain(4);
	assert_true(dma_fence_is_signaled(links[3]));
	works[1].complete = false;
	assert_false(dma_fence_is_signaled(links[3]));
	assert_false(dma_fence_is_signaled(links[1]));
	assert_true(dma_fence_is_signaled(links[0]));
	for (i = 0; i < 4; i++) {
		assert_false(flagged(i));
		assert_false(dma_fence_test_signaled_flag(&works[i].fence));
		assert_int_equal(works[i].enabled, 0);
	}
	assert_int_equal(met_from(0), 1);
	drop_chain(4);
}

static void polling_signals_what_is_complete(void **state)
{
	unsigned int i;

	(void)state;
	make_complete_chain(4);
	works[0].complete = false;
	assert_false(dma_fence_poll(links[3]));
	assert_int_equal(status(3), 0);
	assert_int_equal(dma_fence_timestamp(links[3]), -EAGAIN);
	works[0].complete = true;
	assert_true(dma_fence_poll(links[3]));
	assert_true(flagged(3));
	for (i = 0; i < 4; i++)
		assert_true(dma_fence_test_signaled_flag(&works[i].fence));
	drop_chain(4);
}

static void the_status_of_what_is_complete(void **state)
{
	int64_t before = clock_now();

	(void)state;
	make_complete_chain(4);
	assert_int_equal(dma_fence_set_error(&works[1].fence, -EIO), 0);
	assert_int_equal(status(3), -EIO);
	assert_int_equal(status(0), 1);
	assert_true(dma_fence_timestamp(links[3]) >= before);
	assert_true(dma_fence_timestamp(links[3]) <= clock_now());
	drop_chain(4);
}

static void the_timestamp_of_what_is_complete(void **state)
{
	int64_t before = clock_now();

	(void)state;
	make_complete_chain(4);
	assert_true(dma_fence_timestamp(links[3]) >= before);
	assert_int_equal(dma_fence_timestamp(links[3]), dma_fence_timestamp(&works[0].fence));
	drop_chain(4);
}

static void a_callback_finds_what_is_complete(void **state)
{
	struct counter counter = { .ran = 0 };

	(void)state;
	make_complete_chain(4);
	/* Asks nobody: the back ends say when. */
	assert_int_equal(dma_fence_add_callback(links[3], &counter.cb, count_call), 0);
	assert_int_equal(calls(&counter), 0);
	assert_true(dma_fence_poll(links[3]));
	assert_int_equal(calls(&counter), 1);
	drop_chain(4);
}

static void waiting_enables_the_works_once(void **state)
{
	unsigned int i, total = 0;

	(void)state;
	make_chain(4, 1);
	assert_int_equal(dma_fence_wait_timeout(links[3], false, 0), 0);
	by_a_callback(3);
	by_a_callback(2);
	for (i = 0; i < 4; i++) {
		assert_true(works[i].enabled <= 1);
		total += (unsigned int)works[i].enabled;
	}
	assert_true(total > 0);
	drop_chain(4);
}

static void *wait_for_it(void *arg)
{
	assert_int_equal(dma_fence_wait(arg, false), 0);
	assert_int_equal(dma_fence_flush(arg), 0);
	return NULL;
}

static void is_waited_for(void **state)
{
	pthread_t threads[2];
	unsigned int i;

	(void)state;
	make_chain(4, 1);
	threads[0] = start(wait_for_it, links[3]);
	threads[1] = start(wait_for_it, links[1]);
	for (i = 4; i--;)
		finish(i);
	join(threads[0]);
	join(threads[1]);
	assert_int_equal(dma_fence_wait_timeout(links[2], false, 0), 1);
	drop_chain(4);
}

static void deadlines_reach_what_is_pending(void **state)
{
	unsigned int i;

	(void)state;
	make_chain(5, 1);
	finish(1);
	dma_fence_set_deadline(links[3], 12345);
	for (i = 0; i < 5; i++) {
		assert_int_equal(works[i].deadlines, i != 1 && i <= 3);
		assert_int_equal(works[i].deadline, i != 1 && i <= 3 ? 12345 : 0);
	}
	for (i = 0; i < 4; i++)
		finish(i);
	assert_int_equal(status(3), 1);
	dma_fence_set_deadline(links[4], 99);
	for (i = 0; i < 4; i++)
		assert_true(works[i].deadlines <= 1);
	assert_int_equal(works[4].deadlines, 1);
	finish(4);
	dma_fence_set_deadline(links[4], 98);
	assert_int_equal(works[4].deadlines, 1);
	drop_chain(5);
}

static void deadlines_reach_arrays_and_what_is_before(void **state)
{
	(void)state;
	links[0] = array_of_works(3);
	work_init(&works[3]);
	links[1] = append(dma_fence_get(&works[3].fence), links[0], 1);
	links[2] = links[3] = NULL;
	finish(2);
	dma_fence_set_deadline(links[1], 7);
	assert_int_equal(works[0].deadline, 7);
	assert_int_equal(works[1].deadline, 7);
	assert_int_equal(works[2].deadlines, 0);
	assert_int_equal(works[3].deadline, 7);
	drop_chain(4);
}

static void names(struct dma_fence *fence, const char *driver, const char *timeline)
{
	dma_fence_rcu_read_lock();
	assert_true(!strcmp(dma_fence_driver_name(fence), driver));
	assert_true(!strcmp(dma_fence_timeline_name(fence), timeline));
	dma_fence_rcu_read_unlock();
}

static void has_names(void **state)
{
	(void)state;
	make_chain(1, 1);
	names(links[0], "dma_fence_chain", "unbound");
	finish(0);
	assert_int_equal(status(0), 1);
	names(links[0], "detached-driver", "signaled-timeline");
	drop_chain(1);
}

static void described(struct dma_fence *fence, const char *status_text)
{
	char expected[200], *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	dma_fence_describe(fence, out);
	fclose(out);
	snprintf(expected, sizeof(expected), "dma_fence_chain unbound %llu:%llu %s",
		 (unsigned long long)fence->context, (unsigned long long)fence->seqno, status_text);
	if (strcmp(status_text, "pending"))
		assert_non_null(strstr(text, status_text));
	else
		assert_true(!strcmp(text, expected));
	free(text);
}

static void is_described_without_being_polled(void **state)
{
	(void)state;
	make_chain(2, 21);
	works[0].complete = works[1].complete = true;
	assert_int_equal(dma_fence_set_error(&works[0].fence, -EIO), 0);
	described(links[1], "pending");
	assert_false(flagged(1));
	dma_fence_signal_timestamp(&works[0].fence, 4711);
	dma_fence_signal_timestamp(&works[1].fence, 4710);
	assert_int_equal(status(1), -EIO);
	described(links[1], "4711");
	described(links[1], "-5");
	drop_chain(2);
}

/* Who holds what */

static void one_that_nobody_waited_for_goes_in_silence(void **state)
{
	unsigned int i;

	(void)state;
	make_chain(3, 1);
	for (i = 0; i < 3; i++) {
		finish(i);
		dma_fence_put(&works[i].fence);
	}
	for (i = 0; i < 2; i++)
		dma_fence_put(links[i]);
	assert_int_equal(*release_count(), 0);
	dma_fence_put(links[2]);
	assert_int_equal(*release_count(), 3);
	assert_int_equal(caught()->count, 0);
}

static void also_if_it_is_pending(void **state)
{
	unsigned int i;

	(void)state;
	make_chain(3, 1);
	for (i = 0; i < 3; i++)
		dma_fence_put(links[i]);
	assert_int_equal(caught()->count, 0);
	for (i = 0; i < 3; i++) {
		finish(i);
		dma_fence_put(&works[i].fence);
	}
	assert_int_equal(*release_count(), 3);
	assert_int_equal(caught()->count, 0);
}

static void one_that_is_waited_for_stays_until_it_signals(void **state)
{
	struct counter counters[2] = { { .ran = 0 }, { .ran = 0 } };
	unsigned int i;

	(void)state;
	make_chain(3, 1);
	assert_int_equal(dma_fence_add_callback(links[2], &counters[1].cb, count_call), 0);
	assert_int_equal(dma_fence_add_callback(links[1], &counters[0].cb, count_call), 0);
	for (i = 0; i < 3; i++)
		dma_fence_put(links[i]);
	finish(2);
	finish(0);
	assert_int_equal(calls(&counters[0]), 0);
	assert_int_equal(calls(&counters[1]), 0);
	finish(1);
	assert_int_equal(calls(&counters[0]), 1);
	assert_int_equal(calls(&counters[1]), 1);
	assert_int_equal(*release_count(), 0);
	for (i = 0; i < 3; i++)
		dma_fence_put(&works[i].fence);
	assert_int_equal(*release_count(), 3);
	assert_int_equal(caught()->count, 0);
}

/* And so does one whose waiter has given up. */
static void a_waiter_that_gave_up_leaves_nothing(void **state)
{
	struct counter counter = { .ran = 0 };
	unsigned int i;

	(void)state;
	make_chain(3, 1);
	assert_int_equal(dma_fence_add_callback(links[2], &counter.cb, count_call), 0);
	assert_true(dma_fence_remove_callback(links[2], &counter.cb));
	assert_int_equal(dma_fence_wait_timeout(links[1], false, 0), 0);
	for (i = 0; i < 3; i++)
		dma_fence_put(links[i]);
	assert_int_equal(caught()->count, 0);
	for (i = 3; i--;) {
		finish(i);
		dma_fence_put(&works[i].fence);
	}
	assert_int_equal(calls(&counter), 0);
	assert_int_equal(*release_count(), 3);
	assert_int_equal(caught()->count, 0);
}

static void a_callback_may_drop_the_chain(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	unsigned int i;

	count_call(fence, cb);
	for (i = 0; i < 3; i++)
		dma_fence_put(links[i]);
}

static void is_dropped_in_its_callback(void **state)
{
	struct counter counter = { .ran = 0 };
	unsigned int i;

	(void)state;
	make_chain(3, 1);
	assert_int_equal(
		dma_fence_add_callback(links[2], &counter.cb, a_callback_may_drop_the_chain), 0);
	for (i = 0; i < 3; i++) {
		finish(i);
		dma_fence_put(&works[i].fence);
	}
	assert_int_equal(calls(&counter), 1);
	assert_int_equal(*release_count(), 3);
	assert_int_equal(caught()->count, 0);
}

/* The works have been seen by others: their producers must not forget them. */
static void works_are_published(void **state)
{
	unsigned int i;

	(void)state;
	make_chain_after_a_plain_fence(2);
	dma_fence_put(links[0]);
	dma_fence_put(links[1]);
	assert_int_equal(*release_count(), 0);
	assert_int_equal(caught()->count, 0);
	for (i = 0; i < 2; i++) {
		dma_fence_put(&works[i].fence);
		assert_int_equal(caught()->of[DMA_FENCE_REPORT_QUARANTINE], i + 1);
		assert_int_equal(caught()->count, i + 1);
	}
	assert_int_equal(*release_count(), 0);
}

/* Of one that goes with the chain, because the producer has gone before, too. */
static void works_that_go_with_the_chain_are_reported(void **state)
{
	(void)state;
	make_chain(1, 1);
	dma_fence_put(&works[0].fence);
	assert_int_equal(caught()->count, 0);
	dma_fence_put(links[0]);
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_QUARANTINE], 1);
	assert_int_equal(caught()->count, 1);
	assert_int_equal(*release_count(), 0);
	assert_false(dma_fence_is_signaled(&works[0].fence));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, catch_setup, catch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(begins_a_timeline_of_its_own),
		TEST(is_no_chain),
		TEST(is_freed_without_having_been_made),
		TEST(a_greater_point_is_of_the_same_timeline),
		TEST(not_a_greater_point_begins_a_timeline),
		TEST(the_greatest_point_can_be_reached),
		TEST(follows_a_plain_fence),
		TEST(follows_an_array),
		TEST(has_an_array_for_its_work),
		TEST(null_for_its_work_is_reported),
		TEST(a_link_for_its_work_is_reported),
		TEST(finds_links_by_their_points),
		TEST(finds_the_next_link_for_what_is_between_points),
		TEST(point_0_is_where_one_is),
		TEST(finds_nothing_in_what_is_no_chain),
		TEST(finds_what_is_left_of_the_way_to_a_point),
		TEST(finds_null_for_what_is_done),
		TEST(finding_signals_nothing),
		TEST(finds_that_a_point_has_failed),
		TEST(finds_no_points_of_the_timeline_before),
		TEST(finds_what_is_left_before_a_timeline),
		TEST(finds_a_plain_fence_at_the_beginning),
		TEST(walks_from_the_newest_to_the_oldest),
		TEST(a_walk_takes_out_what_is_done),
		TEST(what_is_taken_out_is_released),
		TEST(a_signal_releases_what_was_before),
		TEST(a_walk_polls),
		TEST(a_link_that_failed_stays),
		TEST(until_one_before_it_has_failed),
		TEST(a_walk_ends_at_a_plain_fence),
		TEST(a_plain_fence_that_failed_stays),
		TEST(a_walk_goes_from_timeline_to_timeline),
		TEST(a_walk_takes_the_reference),
		TEST(a_walk_can_be_left_early),
		TEST(its_own_error),
		TEST(the_error_of_a_point_before),
		TEST(of_two_errors_that_of_the_earlier_point),
		TEST(an_error_does_not_change_with_what_comes_later),
		TEST(the_error_of_a_plain_fence_before),
		TEST(the_error_of_a_timeline_before),
		TEST(the_latest_timestamp),
		TEST(the_timestamp_of_what_was_taken_out),
		TEST(the_timestamp_of_a_plain_fence_taken_out),
		TEST(four_points_in_every_way),
		TEST(three_points_after_a_plain_fence_in_every_way),
		TEST(asking_changes_nothing),
		TEST(polling_signals_what_is_complete),
		TEST(the_status_of_what_is_complete),
		TEST(the_timestamp_of_what_is_complete),
		TEST(a_callback_finds_what_is_complete),
		TEST(waiting_enables_the_works_once),
		TEST(is_waited_for),
		TEST(deadlines_reach_what_is_pending),
		TEST(deadlines_reach_arrays_and_what_is_before),
		TEST(has_names),
		TEST(is_described_without_being_polled),
		TEST(one_that_nobody_waited_for_goes_in_silence),
		TEST(also_if_it_is_pending),
		TEST(one_that_is_waited_for_stays_until_it_signals),
		TEST(a_waiter_that_gave_up_leaves_nothing),
		TEST(is_dropped_in_its_callback),
		TEST(works_are_published),
		TEST(works_that_go_with_the_chain_are_reported),
	};

	return RUN(tests);
}
