/* SPDX-License-Identifier: MIT */
/* Reservation objects, sync objects, and what is a file descriptor. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "operations.h"

/* Reservation objects. Not in callbacks, which must not lock them. */

static struct reservation *resv_of(const struct instruction *instruction)
{
	return world.depth ? NULL : &world.resvs[instruction->b % RESVS];
}

static enum dma_resv_usage usage_of(unsigned int c)
{
	return (enum dma_resv_usage)(c % 4);
}

/* Those that are drained may go at any time. */
static void forget_ended(struct reservation *resv)
{
	unsigned int i;

	for (i = 0; i < resv->num_entries; i++) {
		if (model_done(resv->entries[i].node))
			resv->entries[i].certain = false;
	}
}

static bool is_later(const struct node *a, const struct node *b)
{
	return a->context == b->context && (int64_t)(a->seqno - b->seqno) > 0;
}

static void add_to_resv(const struct instruction *instruction)
{
	struct reservation *resv = resv_of(instruction);
	struct node *node = world_pick(instruction->actor, instruction->a);
	const enum dma_resv_usage usage = usage_of(instruction->c);
	bool certain = true;
	unsigned int i;

	if (!resv || !node || !is_leaf(node) || resv->num_entries == ENTRIES)
		return;
	/* Fences of a reservation object are freed after a grace period: so are all here. */
	forget_ended(resv);
	for (i = 0; i < resv->num_entries; i++) {
		struct entry *entry = &resv->entries[i];

		if (entry->node->context != node->context)
			continue;
		if (usage <= entry->usage && (node == entry->node || is_later(node, entry->node))) {
			entry->certain = false;
		} else if (entry->usage <= usage && !dma_fence_test_signaled_flag(fence_of(node)) &&
			   (entry->node == node || is_later(entry->node, node)) &&
			   !model_done(entry->node)) {
			if (entry->certain)
				goto out;
			certain = false;
		} else if (entry->usage <= usage && !model_done(entry->node) &&
			   (entry->node == node || is_later(entry->node, node))) {
			certain = false;
		}
	}
	resv->entries[resv->num_entries++] = (struct entry){ node, usage, certain };
out:
	node->published = true;
	fuzz_check(!dma_resv_lock(&resv->resv, NULL));
	fuzz_check(!dma_resv_reserve_fences(&resv->resv, 1 + instruction->c / 64));
	fuzz_check(!dma_resv_add_fence(&resv->resv, fence_of(node), usage));
	dma_resv_unlock(&resv->resv);
}

static void replace_in_resv(const struct instruction *instruction)
{
	struct reservation *resv = resv_of(instruction);
	struct node *node = world_pick(instruction->actor, instruction->a);
	const enum dma_resv_usage usage = usage_of(instruction->c);
	uint64_t context = world.contexts[instruction->c / 4 % CONTEXTS];
	unsigned int i, num;

	if (!resv || !node || !is_leaf(node) || 2 * resv->num_entries > ENTRIES)
		return;
	if (instruction->c & 128)
		context = node->context;
	forget_ended(resv);
	num = resv->num_entries;
	for (i = 0; i < num; i++) {
		struct entry *entry = &resv->entries[i];

		if (entry->node->context != context || is_later(entry->node, node) ||
		    model_done(entry->node))
			continue;
		*entry = (struct entry){ node, usage, entry->certain };
	}
	node->published = true;
	fuzz_check(!dma_resv_lock(&resv->resv, NULL));
	dma_resv_replace_fences(&resv->resv, context, fence_of(node), usage);
	dma_resv_unlock(&resv->resv);
}

static void copy_resv(const struct instruction *instruction)
{
	struct reservation *dst = resv_of(instruction), *src;
	struct dma_resv *objs[2];
	struct dma_ww_acquire_ctx ctx;
	unsigned int i;

	if (!dst)
		return;
	src = &world.resvs[(instruction->b + 1) % RESVS];
	objs[0] = &dst->resv;
	objs[1] = instruction->a & 1 ? &dst->resv : &src->resv;
	dma_ww_acquire_init(&ctx);
	fuzz_check(dma_resv_lock_many(objs, 2, &ctx, 0) == (instruction->a & 1 ? -EALREADY : 0));
	if (!(instruction->a & 1)) {
		fuzz_check(dma_resv_is_locked(&src->resv) && !dma_resv_trylock(&dst->resv));
		fuzz_check(dma_resv_locking_ctx(&dst->resv) == &ctx);
		forget_ended(src);
		memcpy(dst->entries, src->entries, sizeof(dst->entries));
		dst->num_entries = src->num_entries;
		/* What is complete is left out, though nobody has signaled it. */
		for (i = 0; i < dst->num_entries; i++)
			dst->entries[i].certain &= !model_complete(dst->entries[i].node);
		fuzz_check(!dma_resv_copy_fences(&dst->resv, &src->resv));
		dma_resv_unlock_many(objs, 2, &ctx);
	}
	dma_ww_acquire_fini(&ctx);
}

/* Whether one is there that has failed: under the lock all are seen. */
static bool has_failed_one(struct reservation *resv, enum dma_resv_usage usage)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	bool failed = false;

	fuzz_check(!dma_resv_lock(&resv->resv, NULL));
	dma_resv_for_each_fence (&cursor, &resv->resv, usage, fence)
		failed |= dma_fence_test_signaled_flag(fence) && dma_fence_get_status(fence) < 0;
	dma_resv_unlock(&resv->resv);
	return failed;
}

/* Each that is certain has to be there; and what is there to be known, with such a usage. */
static void check_resv(struct reservation *resv, enum dma_resv_usage usage,
		       struct dma_fence **fences, unsigned int num)
{
	unsigned int i, k;

	for (i = 0; i < resv->num_entries; i++) {
		const struct entry *entry = &resv->entries[i];

		for (k = 0; k < num && fences[k] != entry->node->real; k++)
			;
		fuzz_check(!entry->certain || entry->usage > usage || k < num ||
			   model_complete(entry->node));
	}
	for (k = 0; k < num; k++) {
		for (i = 0; i < resv->num_entries; i++) {
			if (resv->entries[i].node->real == fences[k] &&
			    resv->entries[i].usage <= usage)
				break;
		}
		fuzz_check(i < resv->num_entries);
	}
}

static void look_at_resv(const struct instruction *instruction)
{
	struct reservation *resv = resv_of(instruction);
	const enum dma_resv_usage usage = usage_of(instruction->c);
	struct dma_fence *seen[2 * ENTRIES], *fence, **fences;
	struct dma_resv_iter cursor;
	unsigned int num = 0, i;

	if (!resv)
		return;
	if (instruction->a & 1) {
		fuzz_check(!dma_resv_lock(&resv->resv, NULL));
		dma_resv_for_each_fence (&cursor, &resv->resv, usage, fence) {
			fuzz_check(num < 2 * ENTRIES && dma_resv_iter_usage(&cursor) <= usage);
			seen[num++] = fence;
		}
		dma_resv_unlock(&resv->resv);
		check_resv(resv, usage, seen, num);
		return;
	}
	fuzz_check(!dma_resv_get_fences(&resv->resv, usage, &num, &fences));
	for (i = 0; i < num; i++)
		fuzz_check(!dma_fence_is_signaled(fences[i]));
	check_resv(resv, usage, fences, num);
	while (num)
		dma_fence_put(fences[--num]);
	free(fences);
}

static void get_singleton(const struct instruction *instruction)
{
	struct reservation *resv = resv_of(instruction);
	const enum dma_resv_usage usage = usage_of(instruction->c);
	struct node *heads[ENTRIES], *node;
	struct dma_fence *fence;
	unsigned int num = 0, i;
	bool pending = false, failed;

	if (!resv)
		return;
	failed = has_failed_one(resv, usage);
	fuzz_check(!dma_resv_get_singleton(&resv->resv, usage, &fence));
	for (i = 0; i < resv->num_entries; i++) {
		const struct entry *entry = &resv->entries[i];

		if (entry->usage <= usage) {
			heads[num++] = entry->node;
			pending |= entry->certain && !model_complete(entry->node);
		}
	}
	if (!fence) {
		fuzz_check(!pending && !failed);
		return;
	}
	node = world_node_of(fence);
	for (i = 0; i < num && heads[i] != node; i++)
		;
	if (dma_fence_is_array(fence) && to_dma_fence_array(fence)->num_fences > MOST_PARTS) {
		dma_fence_put(fence);
		return;
	}
	if (dma_fence_is_array(fence)) {
		struct dma_fence_array *array = to_dma_fence_array(fence);

		node = world_container(ARRAY, fence);
		for (i = 0; i < array->num_fences; i++) {
			struct node *part = world_node_of(array->fences[i]);
			unsigned int k;

			for (k = 0; k < num && heads[k] != part; k++)
				;
			fuzz_check(part && k < num);
			node->parts[node->num_parts++] = part;
		}
		/* What had failed, and is there yet. */
		node->dropped = (struct outcome){
			.timestamp = array->dropped.timestamp,
			.failed_timestamp = array->dropped.failed_timestamp,
			.error = array->dropped.error,
		};
	} else if (i == num) {
		node = world_signaled(fence);
	}
	fuzz_check(!pending || !model_complete(node));
	fuzz_check(!failed || node->dropped.error || (model_done(node) && node->end.error));
	/* Each that is waited for is covered. */
	for (i = 0; i < resv->num_entries; i++) {
		const struct entry *entry = &resv->entries[i];
		unsigned int k;
		bool covered = entry->node == node;

		if (!entry->certain || entry->usage > usage || model_complete(entry->node))
			continue;
		for (k = 0; node->kind == ARRAY && k < node->num_parts; k++)
			covered |= node->parts[k] == entry->node ||
				   is_later(node->parts[k], entry->node);
		covered |= is_later(node, entry->node);
		fuzz_check(covered);
	}
	if (node->kind == ARRAY)
		world_publish(node);
	world_keep(instruction->actor, instruction->a, node);
}

static void wait_for_resv(const struct instruction *instruction)
{
	struct reservation *resv = resv_of(instruction);
	const enum dma_resv_usage usage = usage_of(instruction->c);
	bool certain = false, maybe = false;
	int64_t left;
	unsigned int i;

	if (!resv)
		return;
	for (i = 0; i < resv->num_entries; i++) {
		struct entry *entry = &resv->entries[i];

		if (entry->usage > usage)
			continue;
		certain |= entry->certain && !model_complete(entry->node);
		maybe |= !model_complete(entry->node);
		if (instruction->a % 3 == 1) {
			if (entry->certain)
				world_enable(entry->node);
			else
				world_publish(entry->node);
		}
	}
	switch (instruction->a % 3) {
	case 0:
		fuzz_check(!certain || !dma_resv_test_signaled(&resv->resv, usage));
		fuzz_check(maybe || dma_resv_test_signaled(&resv->resv, usage));
		break;
	case 1:
		left = dma_resv_wait_timeout(&resv->resv, usage, false, 0);
		fuzz_check(left == 0 || left == 1);
		world_look();
		for (i = 0; i < resv->num_entries; i++) {
			const struct entry *entry = &resv->entries[i];

			if (entry->usage <= usage && entry->certain)
				fuzz_check(!left || model_done(entry->node));
			if (entry->usage <= usage)
				maybe |= !model_done(entry->node);
		}
		fuzz_check(left || maybe);
		break;
	case 2:
		dma_resv_set_deadline(&resv->resv, usage, instruction->c);
		for (i = 0; i < resv->num_entries; i++) {
			const struct entry *entry = &resv->entries[i];

			if (entry->usage <= usage && entry->certain && !entry->node->released &&
			    entry->node->kind == LEAF && entry->node->state == PENDING)
				fuzz_check(entry->node->deadline == instruction->c);
		}
		break;
	}
}

void resvs_end(void)
{
	unsigned int i;

	for (i = 0; i < RESVS; i++) {
		world.resvs[i].num_entries = 0;
		dma_resv_fini(&world.resvs[i].resv);
	}
}

/* Sync objects */

static struct syncobj *syncobj_of(unsigned int b)
{
	return &world.syncobjs[b % SYNCOBJS];
}

static uint64_t last_point(const struct syncobj *syncobj)
{
	return syncobj->num_points ? syncobj->points[syncobj->num_points - 1].point : 0;
}

/* What stands for a point, or why nothing does. */
static int find_in(const struct syncobj *syncobj, uint64_t point, struct node **node)
{
	unsigned int i;

	if (syncobj->use == (point ? BINARY : TIMELINE))
		return -EINVAL;
	if (syncobj->use == UNUSED || last_point(syncobj) < point)
		return -ENOENT;
	*node = syncobj->fence;
	for (i = 0; point && i < syncobj->num_points; i++) {
		*node = syncobj->points[i].link;
		if (syncobj->points[i].point >= point)
			break;
	}
	return 0;
}

/* Who has waited for it gets it. */
static void tell_events(struct syncobj *syncobj)
{
	unsigned int i;

	for (i = 0; i < EVENTS; i++) {
		struct event *event = &world.events[i];

		if (event->fd < 0 || event->syncobj != syncobj ||
		    find_in(syncobj, event->point, &event->node))
			continue;
		event->syncobj = NULL;
		if (!event->available_is_enough)
			world_enable(event->node);
	}
}

static int cannot_add(const struct syncobj *syncobj, uint64_t point)
{
	if (syncobj->use == (point ? BINARY : TIMELINE))
		return -EINVAL;
	return point && point <= last_point(syncobj) ? -ERANGE : 0;
}

/* Tells the model that a fence is in an object, before or after it is. */
static struct node *put_in(struct syncobj *syncobj, uint64_t point, struct node *fence)
{
	struct node *link, *prev = NULL;

	world_publish(fence);
	if (!point) {
		syncobj->use = BINARY;
		syncobj->fence = fence;
		tell_events(syncobj);
		return fence;
	}
	if (syncobj->num_points)
		prev = syncobj->points[syncobj->num_points - 1].link;
	link = world_node(LINK, prev ? prev->context : 0, point);
	link->parts[0] = fence;
	link->parts[1] = prev;
	link->num_parts = 2;
	syncobj->use = TIMELINE;
	syncobj->points[syncobj->num_points++] = (struct point){ point, link };
	tell_events(syncobj);
	return link;
}

/* One that the library has made and signaled, and that is seen when it is found. */
static struct node *unseen_signaled(void)
{
	struct node *node = world_node(LEAF, 0, 0);

	node->state = SIGNALED;
	node->end.timestamp_unknown = true;
	node->published = true;
	node->released = true;
	return node;
}

static bool is_stub(const struct dma_fence *fence)
{
	struct dma_fence *stub = dma_fence_get_stub();

	dma_fence_put(stub);
	return fence == stub;
}

/*
 * Of a chain the point gets what it is made of: a merge, which is looked at where it is. Of a point
 * that was transferred, and has signaled without error, it may be the stub.
 */
static struct node *work_of_chain(struct syncobj *syncobj, uint64_t point, struct node *chain,
				  bool transferred)
{
	struct dma_fence *fence = dma_fence_syncobj_find_fence(syncobj->syncobj, point), *work;
	struct node *node = NULL;

	fuzz_check(fence);
	/* The model does not know yet that it is there, but eventfds do. */
	world.depth++;
	if (dma_fence_is_chain(fence) && fence->seqno == point) {
		work = dma_fence_chain_contained(fence);
		world_look();
		if (transferred && world_stands_for(NULL, chain) && is_stub(work))
			node = world_signaled(work);
		else
			node = world_merged(&chain, 1, work);
	} else {
		/* It has been taken out: it was signaled, and well. */
		fuzz_check(model_complete(chain));
		node = unseen_signaled();
	}
	world.depth--;
	dma_fence_put(fence);
	return node;
}

static void add_to_syncobj(const struct instruction *instruction)
{
	struct syncobj *syncobj = syncobj_of(instruction->b);
	struct node *node = world_pick(instruction->actor, instruction->a);
	const uint64_t point = instruction->b & 64 ? 0 : last_point(syncobj) + instruction->c % 4;
	const bool chain = node && node->kind == LINK;
	struct dma_fence_syncobj *object = syncobj->syncobj;
	int ret, expected;

	if (!node || syncobj->num_points == POINTS || (chain && point && world.depth))
		return;
	expected = cannot_add(syncobj, point);
	if (!point && !(instruction->b & 64)) {
		fuzz_check(dma_fence_syncobj_add_point(object, 0, fence_of(node)) == -EINVAL);
		return;
	}
	if (!expected && !(chain && point))
		put_in(syncobj, point, node);
	else
		world_publish(node);
	syncobj->changing = !expected && chain && point;
	ret = point ? dma_fence_syncobj_add_point(object, point, fence_of(node))
		    : dma_fence_syncobj_replace_fence(object, fence_of(node));
	syncobj->changing = false;
	fuzz_check(ret == expected);
	if (!ret && chain && point)
		put_in(syncobj, point, work_of_chain(syncobj, point, node, false));
}

static void signal_syncobj(const struct instruction *instruction)
{
	struct syncobj *syncobj = syncobj_of(instruction->b);
	const uint64_t point = instruction->b & 64 ? 0 : last_point(syncobj) + 1;
	int expected = cannot_add(syncobj, point), ret;

	if (syncobj->num_points == POINTS)
		return;
	if (!expected)
		put_in(syncobj, point, unseen_signaled());
	ret = point ? dma_fence_syncobj_signal_point(syncobj->syncobj, point)
		    : dma_fence_syncobj_signal(syncobj->syncobj);
	fuzz_check(ret == expected);
}

static void reset_syncobj(const struct instruction *instruction)
{
	struct syncobj *syncobj = syncobj_of(instruction->b);
	struct dma_fence_syncobj *object = syncobj->syncobj;
	unsigned int i;

	/* Now and then by another one. */
	if (instruction->a % 4 == 3 && !world.depth) {
		for (i = 0; i < EVENTS; i++) {
			if (world.events[i].syncobj == syncobj)
				world.events[i].syncobj = NULL;
		}
		*syncobj = (struct syncobj){ .syncobj = dma_fence_syncobj_create(
						     DMA_FENCE_SYNCOBJ_CREATE_SIGNALED) };
		put_in(syncobj, 0, unseen_signaled());
		dma_fence_syncobj_put(object);
		return;
	}
	*syncobj = (struct syncobj){ .syncobj = object };
	if (instruction->a & 1)
		fuzz_check(!dma_fence_syncobj_reset(object));
	else
		fuzz_check(!dma_fence_syncobj_replace_fence(object, NULL));
}

static void promise_point(const struct instruction *instruction)
{
	struct promise *promise = &world.promises[instruction->a % PROMISES];
	struct syncobj *syncobj = syncobj_of(instruction->b);
	const uint64_t point =
		instruction->b & 64 ? 0 : last_point(syncobj) + 1 + instruction->c % 3;
	int expected = cannot_add(syncobj, point);

	if (promise->promise || syncobj->num_points == POINTS)
		return;
	errno = 0;
	syncobj->changing = !expected;
	promise->promise = dma_fence_syncobj_promise(syncobj->syncobj, point);
	syncobj->changing = false;
	fuzz_check(!promise->promise == !!expected && (!expected || errno == -expected));
	if (!promise->promise)
		return;
	promise->node = world_container(PROMISED, dma_fence_promise_fence(promise->promise));
	put_in(syncobj, point, promise->node);
}

static uint64_t some_point(const struct instruction *instruction, const struct syncobj *syncobj)
{
	return instruction->b & 64 ? 0 : 1 + instruction->c % (last_point(syncobj) + 3);
}

static void ask_syncobj(const struct instruction *instruction)
{
	struct syncobj *syncobj = syncobj_of(instruction->b);
	uint64_t point = some_point(instruction, syncobj), signaled = 0;
	struct node *node = NULL;
	struct outcome outcome;
	const unsigned int run = world.callbacks_run;
	unsigned int i;
	int expected, status;

	if (instruction->a & 1) {
		fuzz_check(!dma_fence_syncobj_query(
			syncobj->syncobj, DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED, &point));
		fuzz_check(point == last_point(syncobj));
		fuzz_check(!dma_fence_syncobj_query(syncobj->syncobj, 0, &point));
		/* Which may have changed it. */
		if (world.depth || world.callbacks_run != run)
			return;
		world_look();
		for (i = 0; i < syncobj->num_points; i++) {
			if (model_complete(syncobj->points[i].link))
				signaled = syncobj->points[i].point;
		}
		fuzz_check(point == signaled);
		return;
	}
	expected = find_in(syncobj, point, &node);
	status = dma_fence_syncobj_status(syncobj->syncobj, point);
	if (expected) {
		fuzz_check(status == expected);
		return;
	}
	world_look();
	if (!status) {
		fuzz_check(world.depth || !model_complete(node));
		return;
	}
	fuzz_check(model_done(node));
	outcome = model_outcome(node);
	fuzz_check(outcome.error_unknown || status == (outcome.error ? outcome.error : 1));
}

/* The node of a fence that was found for a point; the reference goes to the caller. */
static struct node *node_found(struct node *expected, struct dma_fence *fence)
{
	struct node *node = expected, *link;

	if (expected->real == fence)
		return expected;
	if (dma_fence_is_chain(fence) && expected->kind == LINK) {
		while (node && node->seqno != fence->seqno)
			node = node->kind == LINK ? node->parts[1] : NULL;
		fuzz_check(node && node->kind == LINK);
		fuzz_check(world.depth || world_stands_for(node, expected));
		node->real = fence;
		for (link = expected; link && link->kind == LINK && !link->context;
		     link = link->parts[1])
			link->context = fence->context;
		return node;
	}
	if (expected->kind == LINK)
		fuzz_check(world.depth || world_stands_for(NULL, expected));
	else
		fuzz_check(!expected->real && expected->state == SIGNALED);
	return world_signaled(fence);
}

static void find_in_syncobj(const struct instruction *instruction)
{
	struct syncobj *syncobj = syncobj_of(instruction->b);
	uint64_t point = some_point(instruction, syncobj);
	struct node *expected = NULL;
	struct dma_fence *fence;
	int ret = find_in(syncobj, point, &expected);

	errno = 0;
	fence = dma_fence_syncobj_find_fence(syncobj->syncobj, point);
	fuzz_check(!fence == !!ret && (!ret || errno == -ret));
	if (fence)
		world_keep(instruction->actor, instruction->a, node_found(expected, fence));
}

/* Whether a point is what a wait is for: 1, or 0, or an error. */
static int satisfied(const struct dma_fence_syncobj_point *point, const struct syncobj *syncobj,
		     unsigned int flags)
{
	struct node *node = NULL;
	int ret = find_in(syncobj, point->point, &node);

	if (ret == -ENOENT &&
	    flags & (DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT | DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE))
		return 0;
	if (ret)
		return ret;
	return flags & DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE || model_complete(node);
}

static void wait_for_points(const struct instruction *instruction)
{
	struct dma_fence_syncobj_point points[SYNCOBJS];
	const struct syncobj *syncobjs[SYNCOBJS];
	const unsigned int flags = instruction->a & 7, num = 1 + (instruction->a >> 3) % SYNCOBJS;
	const bool all = flags & DMA_FENCE_SYNCOBJ_WAIT_ALL;
	const unsigned int run = world.callbacks_run;
	unsigned int i, first_good = num, first_error = num, first_not = num;
	int64_t expected, left;
	uint32_t idx = 999;
	int error = 0;

	if (world.depth)
		return;
	for (i = 0; i < num; i++) {
		syncobjs[i] = syncobj_of(instruction->b + i);
		points[i].syncobj = syncobjs[i]->syncobj;
		points[i].point =
			instruction->b >> (5 + i) & 1
				? 0
				: 1 + (instruction->c >> 2 * i & 3) % (last_point(syncobjs[i]) + 2);
	}
	left = dma_fence_syncobj_wait(points, num, flags, false, instruction->a & 128 ? 1000 : 0,
				      &idx);
	if (left > 0)
		left = 1;
	if (world.callbacks_run != run)
		return;
	world_look();
	for (i = num; i--;) {
		int ret = satisfied(&points[i], syncobjs[i], flags);

		if (ret > 0)
			first_good = i;
		else
			first_not = i;
		if (ret < 0) {
			first_error = i;
			error = ret;
		}
	}
	if (all)
		expected = error ? error : first_not == num;
	else
		expected = first_good < num ? 1 : error;
	fuzz_check(left == expected);
	if (all && !left)
		fuzz_check(idx == first_not);
	else if (all && left < 0)
		fuzz_check(idx == first_error);
	else
		fuzz_check(idx == (left == 1 && !all ? first_good : 999));
}

static void transfer(const struct instruction *instruction)
{
	struct syncobj *dst = syncobj_of(instruction->b), *src = syncobj_of(instruction->b / 4);
	const uint64_t src_point = some_point(instruction, src);
	const uint64_t dst_point = instruction->b & 128 ? 0 : last_point(dst) + 1;
	struct dma_fence *fence = NULL;
	struct node *node = NULL;
	int expected;

	if (world.depth || dst->num_points == POINTS)
		return;
	expected = find_in(src, src_point, &node);
	if (!expected) {
		/* What is left of it: an older link, maybe, which says when it ended. */
		fence = dma_fence_syncobj_find_fence(src->syncobj, src_point);
		fuzz_check(fence);
		node = node_found(node, fence);
		expected = cannot_add(dst, dst_point);
	}
	dst->changing = !expected;
	fuzz_check(dma_fence_syncobj_transfer(dst->syncobj, dst_point, src->syncobj, src_point,
					      0) == expected);
	dst->changing = false;
	if (!expected) {
		if (dst_point && node->kind == LINK)
			node = work_of_chain(dst, dst_point, node, true);
		put_in(dst, dst_point, node);
	}
	dma_fence_put(fence);
}

void syncobjs_end(void)
{
	unsigned int i;

	for (i = 0; i < SYNCOBJS; i++) {
		struct dma_fence_syncobj *syncobj = world.syncobjs[i].syncobj;

		world.syncobjs[i] = (struct syncobj){ 0 };
		dma_fence_syncobj_put(syncobj);
	}
}

/* Sync files */

static void close_file(struct file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	*file = (struct file){ .fd = -1 };
}

static void export_file(const struct instruction *instruction)
{
	struct file *file = &world.files[instruction->b % FILES];
	struct node *node = world_pick(instruction->actor, instruction->a);
	int fd;

	if (!node)
		return;
	close_file(file);
	world_enable(node);
	fd = dma_fence_sync_file_export(fence_of(node));
	fuzz_check(fd >= 0);
	/* Callbacks may have put another one there. */
	close_file(file);
	*file = (struct file){ fd, node };
}

static void export_point(const struct instruction *instruction)
{
	struct file *file = &world.files[instruction->a % FILES];
	struct syncobj *syncobj = syncobj_of(instruction->b);
	uint64_t point = some_point(instruction, syncobj);
	struct node *node = NULL;
	int fd, ret = find_in(syncobj, point, &node);

	if (world.depth)
		return;
	/* What is found, and exported, may be an older link, if the others are done. */
	fd = dma_fence_syncobj_export_sync_file(syncobj->syncobj, point);
	fuzz_check(ret ? fd == ret : fd >= 0);
	if (ret)
		return;
	close_file(file);
	world_publish(node);
	*file = (struct file){ fd, node };
}

/* Imported, it is the very fence if that is pending, and else one that ended the same way. */
static struct node *import_from(const struct file *file, struct dma_fence *fence)
{
	struct outcome outcome;
	struct node *node;

	fuzz_check(fence);
	if (fence == file->node->real ||
	    (!file->node->real && file->node->kind == LINK && dma_fence_is_chain(fence)))
		return node_found(file->node, fence);
	if (!dma_fence_test_signaled_flag(fence)) {
		fuzz_check(file->node->kind == LINK && dma_fence_is_chain(fence));
		return node_found(file->node, fence);
	}
	world_look();
	node = world_signaled(fence);
	fuzz_check(model_done(file->node));
	outcome = model_outcome(file->node);
	fuzz_check(outcome.error_unknown || outcome.error == node->end.error);
	fuzz_check(outcome.timestamp_unknown || outcome.timestamp == node->end.timestamp ||
		   file->node->kind == LINK);
	return node;
}

static void import_file(const struct instruction *instruction)
{
	struct file *file = &world.files[instruction->b % FILES];
	struct dma_fence *fence;
	struct node *node;
	int fd;

	if (file->fd < 0)
		return;
	if (instruction->c & 1) {
		fence = dma_fence_sync_file_import_dup_fd(file->fd);
	} else {
		fd = dup(file->fd);
		fence = dma_fence_sync_file_import_take_fd(fd);
		fuzz_check(fcntl(fd, F_GETFD) == -1);
	}
	node = import_from(file, fence);
	world_keep(instruction->actor, instruction->a, node);
}

/* Of one that has signaled only how it ended. NULL: that depends on when it is asked. */
static struct node *what_is_imported(struct node *node)
{
	struct node *imported;

	if (is_leaf(node) || !model_complete(node))
		return node;
	if (!model_done(node))
		return NULL;
	imported = unseen_signaled();
	imported->end = model_outcome(node);
	return imported;
}

static void merge_files(const struct instruction *instruction)
{
	struct file *a = &world.files[instruction->a % FILES];
	struct file *b = &world.files[instruction->b % FILES];
	struct file *to = &world.files[instruction->c % FILES];
	struct node *heads[2], *node;
	struct dma_fence *fence;
	int fd;

	if (world.depth || a->fd < 0 || b->fd < 0 || a->node->kind == LINK || b->node->kind == LINK)
		return;
	heads[0] = what_is_imported(a->node);
	heads[1] = what_is_imported(b->node);
	if (!heads[0] || !heads[1])
		return;
	world_enable(a->node);
	world_enable(b->node);
	fd = dma_fence_sync_file_merge(a->fd, b->fd);
	fuzz_check(fd >= 0);
	world_look();
	fence = dma_fence_sync_file_import_dup_fd(fd);
	fuzz_check(fence);
	node = world_merged(heads, 2, fence);
	if (!model_complete(node))
		world_enable(node);
	world_keep(instruction->actor, instruction->c, node);
	close_file(to);
	*to = (struct file){ fd, node };
}

static void ask_file(const struct instruction *instruction)
{
	const struct file asked = world.files[instruction->b % FILES], *file = &asked;
	struct dma_fence_sync_fence_info fences[2];
	struct dma_fence_sync_file_info info = { .num_fences = 2, .fences = fences };
	struct outcome outcome;

	if (file->fd < 0)
		return;
	if (instruction->a & 1) {
		/* A hint; also when it has signaled, or just does. */
		fuzz_check(!dma_fence_sync_file_set_deadline(file->fd, instruction->c));
		return;
	}
	fuzz_check(!dma_fence_sync_file_get_info(file->fd, &info));
	if (world.depth)
		return;
	world_look();
	if (!info.status) {
		fuzz_check(!model_complete(file->node) && !info.timestamp_ns);
		if (file->node->kind != LINK)
			fuzz_check(info.num_fences ==
				   (is_leaf(file->node) ? 1 : file->node->num_parts));
		return;
	}
	fuzz_check(model_done(file->node) && !info.num_fences);
	outcome = model_outcome(file->node);
	fuzz_check(outcome.error_unknown || info.status == (outcome.error ? outcome.error : 1));
	fuzz_check(outcome.timestamp_unknown || info.timestamp_ns == outcome.timestamp ||
		   file->node->kind == LINK);
}

static void close_one(const struct instruction *instruction)
{
	close_file(&world.files[instruction->b % FILES]);
}

static short events_of(int fd)
{
	struct pollfd events = { .fd = fd, .events = POLLIN };

	fuzz_check(poll(&events, 1, 0) >= 0);
	return events.revents;
}

/* Readable if it has signaled, and nothing before. */
void files_look(void)
{
	unsigned int i;

	for (i = 0; i < FILES; i++) {
		const struct file *file = &world.files[i];
		short events;

		if (file->fd < 0)
			continue;
		events = events_of(file->fd);
		if (events)
			fuzz_check(events & POLLIN && model_done(file->node));
		else
			fuzz_check(!model_done(file->node));
	}
}

void files_end(void)
{
	unsigned int i;

	for (i = 0; i < FILES; i++)
		close_file(&world.files[i]);
	for (i = 0; i < EVENTS; i++) {
		if (world.events[i].fd >= 0)
			close(world.events[i].fd);
		world.events[i].fd = -1;
	}
}

/* Eventfds */

static void add_event(const struct instruction *instruction)
{
	struct event *event = &world.events[instruction->a % EVENTS];
	struct syncobj *syncobj = syncobj_of(instruction->b);
	const uint64_t point = some_point(instruction, syncobj);
	const unsigned int flags = instruction->a & 8 ? DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE : 0;
	struct node *node = NULL;
	int expected, ret;

	if (world.depth || event->fd >= 0)
		return;
	expected = find_in(syncobj, point, &node);
	*event = (struct event){
		.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		.syncobj = expected ? syncobj : NULL,
		.point = point,
		.available_is_enough = flags,
		.node = node,
	};
	fuzz_check(event->fd >= 0);
	/* A link whose own work is done may have been taken out, and is not asked then. */
	if (node && !flags && (node->kind != LINK || !model_complete(node->parts[0])))
		world_enable(node);
	ret = dma_fence_syncobj_eventfd_dup_fd(syncobj->syncobj, point, event->fd, flags);
	fuzz_check(ret == (expected == -EINVAL ? -EINVAL : 0));
	if (ret) {
		close(event->fd);
		*event = (struct event){ .fd = -1 };
	}
}

void events_look(void)
{
	unsigned int i;

	for (i = 0; i < EVENTS; i++) {
		struct event *event = &world.events[i];
		uint64_t count = 0;
		bool expected =
			event->node && (event->available_is_enough || model_done(event->node));

		if (event->fd < 0)
			continue;
		if (read(event->fd, &count, sizeof(count)) < 0)
			count = 0;
		fuzz_check(count == expected);
		if (!count)
			continue;
		close(event->fd);
		*event = (struct event){ .fd = -1 };
	}
}

static const operation_t list[] = {
	add_to_resv,   add_to_resv,   replace_in_resv, copy_resv,	look_at_resv,
	get_singleton, wait_for_resv, add_to_syncobj,  add_event,	signal_syncobj,
	reset_syncobj, promise_point, ask_syncobj,     find_in_syncobj, wait_for_points,
	transfer,      export_file,   export_point,    import_file,	merge_files,
	ask_file,      close_one,
};

const struct operations object_operations = { list, sizeof(list) / sizeof(list[0]) };
