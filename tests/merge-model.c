/* SPDX-License-Identifier: MIT */
/*
 * Thousands of random containers, and merges of them, checked against a plain model.
 *
 * The model knows leaves: when each has ended, and how. A container is a list of groups of leaves:
 * one group for a fence or an array, and for a chain one for each of its links, the newest first.
 * How a container has to look now follows from the leaves alone.
 *
 * A merge goes by leaves, a chain by points. Where the two meet, not all that a leaf has to say can
 * still be found. Of a link that was taken out of a chain the timestamp is kept, but not the error:
 * if it failed, then because a point before it has failed as well, and that is the error of the
 * chain from there on. So what is promised of a merge is this: it has failed if any leaf has; and
 * its error is that of the leaf that failed first, of all those in links that cannot have been
 * taken out, see hidden(), and maybe of some in the others. And where all leaves of a merge have
 * ended, its result is a leaf itself, with a timestamp of its own, for the merges it goes into.
 *
 * MERGE_SEED=<number> plays other rounds, MERGE_ROUNDS=<number> more or fewer; a round that fails
 * says with which seed it comes first.
 */
#include "support.h"

#include <inttypes.h>

#define MAX_LEAVES   320
#define MAX_THINGS   512
#define MAX_CONTEXTS 10

enum leaf_state {
	PENDING,
	COMPLETE, /* its back end says so, and nobody has asked yet */
	SIGNALED,
};

struct leaf {
	struct dma_fence *fence;
	enum leaf_state state;
	int error;
	int64_t timestamp;
	bool ours;  /* it has a producer; otherwise it came out of a merge */
	bool asked; /* its back end can be asked */
	bool held;  /* by the producer */
	int released;
};

/* Where a leaf's fence is; freed on its release, so that who still looks at it is seen. */
struct storage {
	struct dma_fence fence;
	struct leaf *leaf;
};

enum part {
	MEMBER,
	DROPPED, /* it had signaled when a merge came by; how it ended counts */
	UNSURE,	 /* as DROPPED, but its error may have been lost before that */
};

struct entry {
	struct leaf *leaf;
	enum part part;
};

struct group {
	int users;
	int num;
	struct entry entries[];
};

/* A fence of any kind. This stays when the fence has gone, for those that it is part of. */
struct thing {
	struct dma_fence *fence;
	bool held;
	struct group *own;
	struct thing *prev;
	bool is_link;
	uint64_t timeline, point; /* of a link */
	bool has_newer;		  /* on the same timeline */
	bool enabled;
	bool armed;
	struct dma_fence_cb cb;
	int ran;
};

enum turn {
	MAKE_LEAF,
	MAKE_SINGLE,
	MAKE_ARRAY,
	MAKE_LINK,
	MERGE,
	DEDUP,
	SIGNAL,
	FINISH, /* the work is done, but nobody is told */
	CHECK,
	LEAVES,
	WALK,
	FIND,
	FIND_ALL,
	CALL_BACK,
	CALL_OFF,
	ENABLE,
	DROP,
	TURNS,
};

/* What a round is made of. */
struct plan {
	int rounds;
	int turns;
	int leaves, things; /* at most */
	int links;	    /* of a chain, at most */
	int new_chain;	    /* one link in so many has none before */
	int weights[TURNS];
};

static struct {
	const struct plan *plan;
	uint64_t seed;
	uint64_t random;
	bool failed;
	uint64_t contexts[MAX_CONTEXTS];
	uint64_t seqnos[MAX_CONTEXTS];
	struct leaf leaves[MAX_LEAVES];
	int num_leaves;
	struct thing things[MAX_THINGS];
	int num_things;
	uint64_t merges, identities, arrays, ended, hidden, links, found, walks, callbacks;
} world;

/* Chance */

static uint64_t next_random(void)
{
	uint64_t z = world.random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static int below(int n)
{
	return (int)(next_random() % (uint64_t)n);
}

static bool one_in(int n)
{
	return below(n) == 0;
}

/* Leaves */

static bool leaf_signaled(struct dma_fence *fence)
{
	return container_of(fence, struct storage, fence)->leaf->state != PENDING;
}

static void leaf_release(struct dma_fence *fence)
{
	struct storage *storage = container_of(fence, struct storage, fence);

	storage->leaf->released++;
	free(storage);
}

static const struct dma_fence_ops told_ops = { .release = leaf_release };
static const struct dma_fence_ops asked_ops = {
	.signaled = leaf_signaled,
	.release = leaf_release,
};

static struct leaf *add_leaf(struct dma_fence *fence, bool ours)
{
	struct leaf *leaf;

	assert_true(world.num_leaves < MAX_LEAVES);
	leaf = &world.leaves[world.num_leaves++];
	*leaf = (struct leaf){ .fence = fence, .ours = ours, .held = true };
	return leaf;
}

static struct leaf *make_leaf(void)
{
	struct storage *storage = malloc(sizeof(*storage));
	int i = below(MAX_CONTEXTS);

	storage->leaf = add_leaf(&storage->fence, true);
	storage->leaf->asked = one_in(4);
	world.seqnos[i] += 1 + (uint64_t)below(3);
	dma_fence_init(&storage->fence, storage->leaf->asked ? &asked_ops : &told_ops,
		       world.contexts[i], world.seqnos[i]);
	return storage->leaf;
}

/* Whether somebody has asked meanwhile. */
static enum leaf_state state_of(struct leaf *leaf)
{
	if (leaf->state == COMPLETE && dma_fence_test_signaled_flag(leaf->fence)) {
		leaf->timestamp = dma_fence_timestamp(leaf->fence);
		leaf->state = SIGNALED;
	}
	return leaf->state;
}

/* Each has an error of its own, so that it tells where it comes from. */
static void end_leaf(struct leaf *leaf, bool asked)
{
	bool failed = one_in(3);

	if (failed) {
		leaf->error = -(int)(leaf - world.leaves) - 1;
		assert_int_equal(dma_fence_set_error(leaf->fence, leaf->error), 0);
	}
	if (asked) {
		leaf->state = COMPLETE;
		return;
	}
	leaf->timestamp = one_in(2) ? below(12) : (int64_t)(next_random() >> 8);
	leaf->state = SIGNALED;
	dma_fence_signal_timestamp(leaf->fence, leaf->timestamp);
	if (one_in(2)) {
		leaf->held = false;
		dma_fence_put(leaf->fence);
	}
}

static struct leaf *leaf_of(const struct dma_fence *fence)
{
	int i;

	for (i = 0; i < world.num_leaves; i++) {
		if (world.leaves[i].fence == fence && !world.leaves[i].released)
			return &world.leaves[i];
	}
	return NULL;
}

static struct leaf *some_leaf(bool pending)
{
	int tries;

	for (tries = 0; tries < 20 && world.num_leaves; tries++) {
		struct leaf *leaf = &world.leaves[below(world.num_leaves)];

		if (pending ? leaf->state == PENDING : leaf->held)
			return leaf;
	}
	return NULL;
}

static int count_signaled(void)
{
	int i, n = 0;

	for (i = 0; i < world.num_leaves; i++)
		n += state_of(&world.leaves[i]) == SIGNALED;
	return n;
}

/* Groups */

static struct group *make_group(const struct entry *entries, int num)
{
	struct group *group = malloc(sizeof(*group) + (size_t)num * sizeof(*entries));

	group->users = 1;
	group->num = num;
	memcpy(group->entries, entries, (size_t)num * sizeof(*entries));
	return group;
}

static void drop_group(struct group *group)
{
	if (!--group->users)
		free(group);
}

/* How it stands with one. */
struct outcome {
	bool done;	 /* no leaf is pending */
	bool signaled;	 /* no leaf is pending or complete */
	bool failed;	 /* some have failed, and this is sure to be known */
	int64_t latest;	 /* of the timestamps */
	int64_t at_most; /* the timestamp of the error */
};

static struct outcome outcome_of(const struct entry *entries, int num)
{
	struct outcome outcome = { .done = true, .signaled = true, .at_most = INT64_MAX };
	int i;

	for (i = 0; i < num; i++) {
		struct leaf *leaf = entries[i].leaf;
		enum leaf_state state = state_of(leaf);

		outcome.done &= state != PENDING;
		outcome.signaled &= state == SIGNALED;
		if (state == SIGNALED && leaf->timestamp > outcome.latest)
			outcome.latest = leaf->timestamp;
		if (state == PENDING || !leaf->error || entries[i].part == UNSURE)
			continue;
		outcome.failed = true;
		if (leaf->timestamp < outcome.at_most)
			outcome.at_most = leaf->timestamp;
	}
	return outcome;
}

static struct outcome group_outcome(const struct group *group)
{
	return outcome_of(group->entries, group->num);
}

/* Which of those that failed at the very same time it is, is not promised. */
static bool may_be_the_error(const struct entry *entries, int num, int error)
{
	struct outcome outcome = outcome_of(entries, num);
	int i;

	if (!outcome.failed)
		return !error;
	for (i = 0; i < num; i++) {
		if (error && entries[i].leaf->error == error &&
		    entries[i].leaf->timestamp <= outcome.at_most)
			return true;
	}
	return false;
}

static bool failed(const struct group *group)
{
	struct outcome outcome = group_outcome(group);

	return outcome.done && outcome.failed;
}

/* Things */

static struct thing *add_thing(struct dma_fence *fence, struct group *own)
{
	struct thing *thing;

	assert_true(world.num_things < MAX_THINGS);
	thing = &world.things[world.num_things++];
	*thing = (struct thing){ .fence = fence, .held = true, .own = own };
	return thing;
}

static struct thing *add_single(struct leaf *leaf, struct dma_fence *reference)
{
	const struct entry entry = { .leaf = leaf };

	return add_thing(reference, make_group(&entry, 1));
}

static struct thing *some_thing(bool link)
{
	int tries;

	for (tries = 0; tries < 20 && world.num_things; tries++) {
		struct thing *thing = &world.things[below(world.num_things)];

		if (thing->held && (!link || thing->is_link))
			return thing;
	}
	return NULL;
}

/* Of all groups together: by points. */
static struct outcome expected(const struct thing *thing, const struct group **first_failed)
{
	struct outcome all = { .done = true, .signaled = true };

	*first_failed = NULL;
	for (; thing; thing = thing->prev) {
		struct outcome outcome = group_outcome(thing->own);

		all.done &= outcome.done;
		all.signaled &= outcome.signaled;
		if (outcome.latest > all.latest)
			all.latest = outcome.latest;
		if (outcome.done && outcome.failed)
			*first_failed = thing->own;
	}
	return all;
}

static void assert_ended_well(const struct thing *thing, struct dma_fence *fence)
{
	const struct group *first_failed;
	struct outcome outcome = expected(thing, &first_failed);
	int status = dma_fence_get_status(fence);

	assert_true(outcome.signaled);
	assert_int_equal(dma_fence_timestamp(fence), outcome.latest);
	if (first_failed)
		assert_true(status < 0 &&
			    may_be_the_error(first_failed->entries, first_failed->num, status));
	else
		assert_int_equal(status, 1);
}

/* Asks, which changes nothing, then polls. */
static void check_thing(struct thing *thing)
{
	struct dma_fence *fence = dma_fence_get(thing->fence);
	const struct group *first_failed;
	bool done = expected(thing, &first_failed).done;
	bool flag = dma_fence_test_signaled_flag(fence);
	int signaled = count_signaled();

	assert_int_equal(dma_fence_is_signaled(fence), done);
	assert_int_equal(dma_fence_test_signaled_flag(fence), flag);
	assert_int_equal(count_signaled(), signaled);
	assert_true(!flag || expected(thing, &first_failed).signaled);

	assert_int_equal(dma_fence_poll(fence), done);
	if (done) {
		assert_true(dma_fence_test_signaled_flag(fence));
		assert_ended_well(thing, fence);
	} else {
		assert_int_equal(dma_fence_get_status(fence), 0);
		assert_int_equal(dma_fence_timestamp(fence), -EAGAIN);
	}
	dma_fence_put(fence);
}

static void take_turn(enum turn turn);

/*
 * Who is called back is called when the last leaf signals, with all there is to know. He may do
 * what he likes then, also with containers that are just being looked at, or put together.
 */
static void called(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	static const enum turn turns[] = {
		MERGE, DEDUP, CHECK, LEAVES, WALK, FIND, CALL_OFF, DROP
	};
	struct thing *thing = container_of(cb, struct thing, cb);

	thing->ran++;
	assert_ptr_equal(fence, thing->fence);
	assert_true(dma_fence_test_signaled_flag(fence));
	assert_ended_well(thing, fence);
	if (one_in(2))
		take_turn(turns[below((int)ARRAY_SIZE(turns))]);
}

/* Of what somebody waits for: neither later than the last leaf, nor, see called(), earlier. */
static void check_callbacks(void)
{
	const struct group *first_failed;
	bool signaled;
	int i;

	for (i = 0; i < world.num_things; i++) {
		struct thing *thing = &world.things[i];

		if (!thing->armed && !thing->enabled)
			continue;
		signaled = expected(thing, &first_failed).signaled;
		if (thing->armed)
			assert_int_equal(thing->ran, signaled);
		if (thing->held)
			assert_int_equal(dma_fence_test_signaled_flag(thing->fence), signaled);
	}
	assert_int_equal(caught()->count, 0);
}

static void call_back(struct thing *thing)
{
	const struct group *first_failed;
	bool signaled = expected(thing, &first_failed).signaled;
	int ret;

	if (thing->armed)
		return;
	ret = dma_fence_add_callback(thing->fence, &thing->cb, called);
	if (ret) {
		assert_int_equal(ret, -ENOENT);
		assert_true(dma_fence_test_signaled_flag(thing->fence));
		assert_ended_well(thing, thing->fence);
	} else {
		assert_false(signaled);
		thing->armed = true;
		world.callbacks++;
	}
}

/* The container goes on to do what it has been asked for. */
static void call_off(struct thing *thing)
{
	if (!thing->armed)
		return;
	assert_int_equal(dma_fence_remove_callback(thing->fence, &thing->cb), !thing->ran);
	thing->armed = false;
	thing->enabled = true;
	thing->ran = 0;
}

static void enable(struct thing *thing)
{
	const struct group *first_failed;
	bool done = expected(thing, &first_failed).done;

	if (one_in(2))
		dma_fence_enable_signaling(thing->fence);
	else
		assert_int_equal(dma_fence_wait_timeout(thing->fence, false, 0), done);
	assert_int_equal(dma_fence_test_signaled_flag(thing->fence), done);
	thing->enabled = true;
}

/* Making things */

static void make_single(void)
{
	struct leaf *leaf = some_leaf(false);

	if (leaf)
		add_single(leaf, dma_fence_get(leaf->fence));
}

static void make_array(void)
{
	struct entry entries[6];
	struct dma_fence **vector;
	struct dma_fence_array *array;
	int num = 1 + below((int)ARRAY_SIZE(entries)), i;

	for (i = 0; i < num; i++) {
		struct leaf *leaf = some_leaf(false);

		if (!leaf)
			return;
		entries[i] = (struct entry){ .leaf = leaf };
	}
	vector = malloc((size_t)num * sizeof(struct dma_fence *));
	for (i = 0; i < num; i++)
		vector[i] = dma_fence_get(entries[i].leaf->fence);
	array = dma_fence_array_create(num, vector, dma_fence_context_alloc(1), 1);
	assert_non_null(array);
	add_thing(&array->base, make_group(entries, num));
}

static int length(const struct thing *thing)
{
	int n = 0;

	for (; thing; thing = thing->prev)
		n++;
	return n;
}

static struct thing *some_newest_link(void)
{
	int start = below(world.num_things), i;

	for (i = 0; i < world.num_things; i++) {
		struct thing *thing = &world.things[(start + i) % world.num_things];

		if (thing->held && thing->is_link && !thing->has_newer)
			return thing;
	}
	return NULL;
}

/* What a link holds: something that is there, but no link; or often a leaf of its own. */
static struct thing *some_work(const struct plan *plan)
{
	struct thing *work = some_thing(false);
	struct leaf *leaf;

	if (work && !work->is_link && one_in(2))
		return work;
	leaf = world.num_leaves < plan->leaves ? make_leaf() : some_leaf(false);
	return leaf ? add_single(leaf, dma_fence_get(leaf->fence)) : NULL;
}

/* Follows the newest link of some chain; or, rarely, anything else, or nothing. */
static void make_link(const struct plan *plan)
{
	struct thing *work = some_work(plan), *prev = NULL, *link;
	uint64_t point = 1 + (uint64_t)below(4);
	struct dma_fence_chain *chain;
	bool goes_on = false;

	if (!work)
		return;
	if (!one_in(plan->new_chain))
		prev = some_newest_link();
	if (!prev && one_in(2))
		prev = some_thing(false);
	if (prev && length(prev) >= plan->links)
		return;
	if (prev && prev->is_link) {
		/* A new timeline after a point that has been passed, or a link not the newest. */
		goes_on = !prev->has_newer && !one_in(32);
		point = goes_on ? prev->point + point : prev->point - (uint64_t)below(2);
		prev->has_newer |= goes_on;
	}

	chain = dma_fence_chain_alloc();
	assert_non_null(chain);
	dma_fence_chain_init(chain, prev ? dma_fence_get(prev->fence) : NULL,
			     dma_fence_get(work->fence), point);
	link = add_thing(&chain->base, work->own);
	link->own->users++;
	link->prev = prev;
	link->is_link = true;
	link->timeline = chain->base.context;
	link->point = chain->base.seqno;
	world.links++;

	if (prev)
		assert_int_equal(goes_on, link->timeline == prev->fence->context);
	assert_int_equal(link->point, prev && prev->is_link && !goes_on ? prev->point : point);
	assert_ptr_equal(dma_fence_chain_contained(&chain->base), work->fence);
	/* Who has the newest link has them all. */
	if (prev && one_in(2)) {
		prev->held = false;
		dma_fence_put(prev->fence);
	}
}

/* Merging */

/*
 * Whether a link may have been taken out although it failed: all of its leaves are done, and
 * between it and one before that failed as well there is none that is pending. Where a chain begins
 * to be looked at, and at its oldest link, that cannot be.
 */
static bool hidden(const struct thing *link)
{
	const struct thing *older;

	if (!failed(link->own))
		return false;
	for (older = link->prev; older; older = older->prev) {
		struct outcome outcome = group_outcome(older->own);

		if (!outcome.done)
			return false;
		if (outcome.failed)
			return true;
	}
	return false;
}

struct merge {
	struct entry dropped[MAX_LEAVES];
	int num_dropped;
	struct leaf *kept[MAX_LEAVES];
	int num_kept;
};

static void merge_dropped(struct merge *merge, struct leaf *leaf, enum part part)
{
	int i;

	for (i = 0; i < merge->num_dropped; i++) {
		if (merge->dropped[i].leaf != leaf)
			continue;
		if (part == DROPPED)
			merge->dropped[i].part = DROPPED;
		return;
	}
	merge->dropped[merge->num_dropped++] = (struct entry){ .leaf = leaf, .part = part };
}

static void merge_pending(struct merge *merge, struct leaf *leaf)
{
	int i;

	for (i = 0; i < merge->num_kept; i++) {
		struct leaf *other = merge->kept[i];

		if (other->fence->context != leaf->fence->context)
			continue;
		/* Numbers wrap around. */
		if (leaf->fence->seqno - other->fence->seqno < UINT64_C(1) << 63)
			merge->kept[i] = leaf;
		return;
	}
	merge->kept[merge->num_kept++] = leaf;
}

static void merge_thing(struct merge *merge, const struct thing *head)
{
	const struct thing *thing;
	int i;

	for (thing = head; thing; thing = thing->prev) {
		bool unsure = thing != head && hidden(thing);

		world.hidden += unsure;
		for (i = 0; i < thing->own->num; i++) {
			const struct entry *entry = &thing->own->entries[i];

			if (state_of(entry->leaf) == PENDING)
				merge_pending(merge, entry->leaf);
			else
				merge_dropped(merge, entry->leaf,
					      unsure || entry->part == UNSURE ? UNSURE : DROPPED);
		}
	}
}

/* The pending leaves of a thing, each as often as it is there, and none that is not its own. */
static void check_leaves(const struct thing *head)
{
	int times[MAX_LEAVES] = { 0 }, i;
	bool own[MAX_LEAVES] = { false };
	struct dma_fence *fence, *held = dma_fence_get(head->fence);
	struct dma_fence_unwrap cursor;
	const struct thing *thing;
	struct leaf *leaf;

	for (thing = head; thing; thing = thing->prev) {
		for (i = 0; i < thing->own->num; i++) {
			const struct entry *entry = &thing->own->entries[i];

			if (entry->part != MEMBER)
				continue;
			own[entry->leaf - world.leaves] = true;
			if (state_of(entry->leaf) == PENDING)
				times[entry->leaf - world.leaves]++;
		}
	}
	dma_fence_unwrap_for_each (fence, &cursor, held) {
		leaf = leaf_of(fence);
		assert_non_null(leaf);
		assert_true(own[leaf - world.leaves]);
		if (state_of(leaf) == PENDING)
			times[leaf - world.leaves]--;
	}
	for (i = 0; i < world.num_leaves; i++)
		assert_int_equal(times[i], 0);
	dma_fence_unwrap_for_each (fence, &cursor, held) {
		if (one_in(4)) {
			dma_fence_unwrap_end(&cursor);
			break;
		}
	}
	dma_fence_put(held);
}

static void check_merge(struct merge *merge, struct dma_fence *result)
{
	struct outcome dropped = outcome_of(merge->dropped, merge->num_dropped);
	struct entry entries[MAX_LEAVES];
	int num = merge->num_dropped, i;
	struct leaf *leaf;

	/* All have been asked. */
	assert_true(dropped.signaled);
	if (!merge->num_kept) {
		assert_true(dma_fence_test_signaled_flag(result));
		assert_false(dma_fence_is_container(result));
		/* From now on a leaf with a timestamp of its own. (There is one stub.) */
		leaf = leaf_of(result);
		if (!leaf)
			leaf = add_leaf(dma_fence_get(result), false);
		leaf->state = SIGNALED;
		leaf->error = dma_fence_get_status(result) < 0 ? dma_fence_get_status(result) : 0;
		leaf->timestamp = dma_fence_timestamp(result);
		assert_true(may_be_the_error(merge->dropped, merge->num_dropped, leaf->error));
		assert_int_equal(leaf->timestamp, dropped.latest);
		add_single(leaf, result);
		world.ended++;
	} else if (merge->num_kept == 1 && !dropped.failed) {
		assert_ptr_equal(result, merge->kept[0]->fence);
		add_single(merge->kept[0], result);
		world.identities++;
	} else {
		assert_true(dma_fence_is_array(result));
		assert_false(dma_fence_is_signaled(result));
		memcpy(entries, merge->dropped, (size_t)num * sizeof(*entries));
		for (i = 0; i < merge->num_kept; i++)
			entries[num++] = (struct entry){ .leaf = merge->kept[i] };
		check_leaves(add_thing(result, make_group(entries, num)));
		world.arrays++;
	}
	world.merges++;
}

static void do_merge(void)
{
	struct dma_fence *list[6] = { NULL }, *result;
	struct merge merge;
	int num = below((int)ARRAY_SIZE(list) + 1), i;

	merge.num_dropped = merge.num_kept = 0;
	for (i = 0; i < num; i++) {
		struct thing *thing = one_in(8) ? NULL : some_thing(false);

		if (!thing)
			continue;
		list[i] = dma_fence_get(thing->fence);
		merge_thing(&merge, thing);
	}
	if (num == 2 && one_in(2))
		result = dma_fence_unwrap_merge(list[0], list[1]);
	else
		result = dma_fence_unwrap_merge_many((size_t)num, num ? list : NULL);
	assert_non_null(result);
	check_merge(&merge, result);
	for (i = 0; i < num; i++)
		dma_fence_put(list[i]);
}

/* Chains */

static struct thing *thing_from(struct thing *thing, const struct dma_fence *fence)
{
	while (thing && thing->fence != fence)
		thing = thing->prev;
	return thing;
}

/* All from one thing on, up to another or to the end, are not there any more, and rightly so. */
static void assert_taken_out(const struct thing *from, const struct thing *to)
{
	const struct group *first_failed;
	bool some_failed = false;

	for (; from != to; from = from->prev) {
		assert_true(group_outcome(from->own).done);
		some_failed |= failed(from->own);
	}
	if (some_failed) {
		assert_non_null(to);
		expected(to, &first_failed);
		assert_non_null(first_failed);
	}
}

/* Goes back through a chain, some way or all the way, and has garbage collected. */
static void walk(struct thing *head)
{
	int steps = one_in(2) ? MAX_THINGS : below(8);
	struct thing *here = NULL, *next;
	struct dma_fence *iter;

	dma_fence_chain_for_each (iter, head->fence) {
		next = thing_from(here ? here->prev : head, iter);
		assert_non_null(next);
		if (here) {
			assert_taken_out(here->prev, next);
			assert_true(!group_outcome(next->own).done || failed(next->own));
		}
		here = next;
		if (!steps--) {
			dma_fence_put(iter);
			break;
		}
	}
	if (!iter)
		assert_taken_out(here->prev, NULL);
	world.walks++;
}

/* What is found for one number. */
static void find(struct thing *head, uint64_t seqno)
{
	struct dma_fence *fence = dma_fence_get(head->fence);
	struct thing *first = head, *found;
	int signaled = count_signaled();
	const struct group *failed_of_first, *failed_of_found;

	if (!head->is_link || seqno > head->fence->seqno) {
		assert_int_equal(dma_fence_chain_find_seqno(&fence, seqno), seqno ? -EINVAL : 0);
		assert_ptr_equal(fence, head->fence);
		dma_fence_put(fence);
		return;
	}
	assert_int_equal(dma_fence_chain_find_seqno(&fence, seqno), 0);
	assert_int_equal(count_signaled(), signaled);
	if (!seqno) {
		assert_ptr_equal(fence, head->fence);
		dma_fence_put(fence);
		return;
	}
	/* The oldest link of this timeline that reaches so far. (Of links that are gone, too.) */
	while (first->prev && first->prev->is_link && first->prev->timeline == head->timeline &&
	       first->prev->point >= seqno)
		first = first->prev;
	found = fence ? thing_from(first, fence) : NULL;
	assert_true(!fence || found);
	assert_taken_out(first, found);
	/* No failure has been passed over, so that they have failed with the same error. */
	expected(first, &failed_of_first);
	if (found) {
		expected(found, &failed_of_found);
		assert_ptr_equal(failed_of_found, failed_of_first);
		check_thing(
			&(struct thing){ .fence = fence, .own = found->own, .prev = found->prev });
	} else {
		assert_null(failed_of_first);
	}
	if (found && !found->held && one_in(4))
		found->held = true;
	else
		dma_fence_put(fence);
	world.found++;
}

static void find_all(struct thing *head)
{
	uint64_t seqno, last = head->fence->seqno;

	/* In an order in which none is helped by what was polled for the one before. */
	uint64_t step = one_in(2) ? 1 : last;

	for (seqno = 0; seqno <= last + 1; seqno++)
		find(head, step == 1 ? seqno : last + 1 - seqno);
}

/* One per context */

static void dedup(void)
{
	struct merge merge;
	struct dma_fence *list[20] = { NULL };
	size_t num = (size_t)below((int)ARRAY_SIZE(list) + 1), kept, i;
	int j;

	merge.num_kept = 0;
	for (i = 0; i < num; i++) {
		struct leaf *leaf = one_in(8) ? NULL : some_leaf(false);

		if (!leaf)
			continue;
		list[i] = dma_fence_get(leaf->fence);
		merge_pending(&merge, leaf); /* whether it is does not matter here */
	}
	kept = dma_fence_dedup_array(list, num);
	assert_int_equal(kept, merge.num_kept);
	for (i = 0; i < kept; i++) {
		assert_true(!i || list[i - 1]->context < list[i]->context);
		for (j = 0; j < merge.num_kept && merge.kept[j]->fence != list[i]; j++)
			;
		assert_true(j < merge.num_kept);
	}
	for (i = 0; i < kept; i++)
		dma_fence_put(list[i]);
}

/* Rounds */

static void drop(struct thing *thing)
{
	if (!thing->has_newer && thing->is_link && !one_in(8))
		return; /* there would be no chains left */
	thing->held = false;
	dma_fence_put(thing->fence);
}

static void take_turn(enum turn turn)
{
	const struct plan *plan = world.plan;
	struct thing *thing = some_thing(turn == WALK || turn == FIND || turn == FIND_ALL);
	struct leaf *leaf = some_leaf(turn == SIGNAL || turn == FINISH);
	struct dma_fence *held;

	if ((turn >= CHECK && !thing) || (turn >= SIGNAL && turn < CHECK && !leaf))
		return;
	/* There have to be some left for who is called back. */
	if (turn < SIGNAL &&
	    (world.num_things + 4 > plan->things || world.num_leaves + 4 > MAX_LEAVES))
		return;
	held = thing ? dma_fence_get(thing->fence) : NULL;
	switch (turn) {
	case MAKE_LEAF:
		if (world.num_leaves < plan->leaves)
			make_leaf();
		break;
	case MAKE_SINGLE:
		make_single();
		break;
	case MAKE_ARRAY:
		make_array();
		break;
	case MAKE_LINK:
		make_link(plan);
		break;
	case MERGE:
		do_merge();
		break;
	case DEDUP:
		dedup();
		break;
	case SIGNAL:
		end_leaf(leaf, false);
		break;
	case FINISH:
		if (leaf->asked)
			end_leaf(leaf, true);
		break;
	case CHECK:
		check_thing(thing);
		break;
	case LEAVES:
		check_leaves(thing);
		break;
	case WALK:
		walk(thing);
		break;
	case FIND:
		find(thing, next_random() % (thing->point + 2));
		break;
	case FIND_ALL:
		find_all(thing);
		break;
	case CALL_BACK:
		call_back(thing);
		break;
	case CALL_OFF:
		call_off(thing);
		break;
	case ENABLE:
		enable(thing);
		break;
	case DROP:
		drop(thing);
		break;
	case TURNS:
		break;
	}
	dma_fence_put(held);
}

static enum turn some_turn(const struct plan *plan)
{
	int sum = 0, turn, at;

	for (turn = 0; turn < TURNS; turn++)
		sum += plan->weights[turn];
	at = below(sum);
	for (turn = 0; at >= plan->weights[turn]; turn++)
		at -= plan->weights[turn];
	return (enum turn)turn;
}

static void begin_round(void)
{
	int i;

	world.num_leaves = world.num_things = 0;
	world.contexts[0] = dma_fence_context_alloc(MAX_CONTEXTS);
	for (i = 0; i < MAX_CONTEXTS; i++) {
		world.contexts[i] = world.contexts[0] + (uint64_t)i;
		/* Some numbers are about to wrap around. */
		world.seqnos[i] = one_in(3) ? UINT64_MAX - (uint64_t)below(10) : 0;
	}
}

/* All that is left is signaled, in some order, and looked at meanwhile. */
static void finish_round(const struct plan *plan)
{
	int order[MAX_LEAVES], num = world.num_leaves, i, j;

	for (i = 0; i < num; i++) {
		j = below(i + 1);
		order[i] = order[j];
		order[j] = i;
	}
	for (i = 0; i < num; i++) {
		struct leaf *leaf = &world.leaves[order[i]];

		if (leaf->state != PENDING)
			continue;
		end_leaf(leaf, leaf->asked && one_in(4));
		if (one_in(plan->turns / 64))
			check_callbacks();
		if (one_in(4))
			take_turn(CHECK + (enum turn)below(TURNS - CHECK));
	}
	for (i = 0; i < num; i++) {
		if (state_of(&world.leaves[i]) == COMPLETE)
			dma_fence_signal(world.leaves[i].fence);
	}
	check_callbacks();
	for (i = 0; i < world.num_things; i++) {
		if (world.things[i].held)
			check_thing(&world.things[i]);
	}
	check_callbacks();
}

static void end_round(void)
{
	int i;

	for (i = 0; i < world.num_things; i++) {
		struct thing *thing = &world.things[i];

		if (thing->held)
			dma_fence_put(thing->fence);
		drop_group(thing->own);
	}
	for (i = 0; i < world.num_leaves; i++) {
		struct leaf *leaf = &world.leaves[i];

		if (leaf->ours) {
			if (leaf->held)
				dma_fence_put(leaf->fence);
			assert_int_equal(leaf->released, 1);
			continue;
		}
		/* The stub has a reference that is nobody's. */
		assert_int_equal(leaf->fence->refcount, 1 + !leaf->fence->context);
		dma_fence_put(leaf->fence);
	}
	assert_int_equal(caught()->count, 0);
}

static void play(const struct plan *plan)
{
	const char *seed = getenv("MERGE_SEED"), *rounds = getenv("MERGE_ROUNDS");
	int i, n, left = rounds ? atoi(rounds) : plan->rounds;

	memset(&world, 0, sizeof(world));
	world.plan = plan;
	world.seed = seed ? strtoull(seed, NULL, 0) : 1;
	print_message("# MERGE_SEED=%" PRIu64 "\n", world.seed);
	world.failed = true;
	for (i = 0; i < left; i++, world.seed++) {
		world.random = world.seed;
		begin_round();
		for (n = 0; n < plan->turns; n++) {
			take_turn(some_turn(plan));
			if (one_in(plan->turns / 64))
				check_callbacks();
		}
		finish_round(plan);
		end_round();
	}
	world.failed = false;
	dma_fence_rcu_barrier();
	print_message("# %d rounds, %" PRIu64 " links, %" PRIu64 " merges: %" PRIu64
		      " arrays, %" PRIu64 " leaves, %" PRIu64 " ended; %" PRIu64
		      " failures hidden, %" PRIu64 " walks, %" PRIu64 " found, %" PRIu64
		      " callbacks\n",
		      left, world.links, world.merges, world.arrays, world.identities, world.ended,
		      world.hidden, world.walks, world.found, world.callbacks);
}

static int say_where(void **state)
{
	if (world.failed)
		print_message("# failed with MERGE_SEED=%" PRIu64 " MERGE_ROUNDS=1\n", world.seed);
	return catch_teardown(state);
}

static void merges(void **state)
{
	static const struct plan plan = {
		.rounds = 4000,
		.turns = 128,
		.leaves = 40,
		.things = 90,
		.links = 30,
		.new_chain = 6,
		.weights = {
			[MAKE_LEAF] = 10, [MAKE_SINGLE] = 4, [MAKE_ARRAY] = 6, [MAKE_LINK] = 16,
			[MERGE] = 14, [DEDUP] = 2, [SIGNAL] = 10, [FINISH] = 4, [CHECK] = 6,
			[LEAVES] = 5, [WALK] = 5, [FIND] = 4, [FIND_ALL] = 1, [CALL_BACK] = 8,
			[CALL_OFF] = 2, [ENABLE] = 4, [DROP] = 6,
		},
	};

	(void)state;
	play(&plan);
}

/* Long ones, in which points are found by more than one step. */
static void chains(void **state)
{
	static const struct plan plan = {
		.rounds = 50,
		.turns = 900,
		.leaves = 240,
		.things = 500,
		.links = 220,
		.new_chain = 200,
		.weights = {
			[MAKE_LEAF] = 2, [MAKE_ARRAY] = 2, [MAKE_LINK] = 30, [MERGE] = 1,
			[SIGNAL] = 24, [FINISH] = 4, [CHECK] = 4, [LEAVES] = 1, [WALK] = 3,
			[FIND] = 8, [FIND_ALL] = 1, [CALL_BACK] = 3,
			[CALL_OFF] = 1, [ENABLE] = 1, [DROP] = 10,
		},
	};

	(void)state;
	play(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(merges, catch_setup, say_where),
		cmocka_unit_test_setup_teardown(chains, catch_setup, say_where),
	};

	return RUN(tests);
}
