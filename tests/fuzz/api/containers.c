/* SPDX-License-Identifier: MIT */
/* Arrays, chains, merges, promises, and contexts of producers. */
#include <string.h>

#include "operations.h"

static void make_array(const struct instruction *instruction)
{
	const uint64_t context = world.contexts[instruction->c % CONTEXTS];
	struct dma_fence **fences;
	struct node *parts[HANDLES], *node;
	struct dma_fence_array *array;
	unsigned int num, i, fit = 0;

	num = world_pick_many(instruction->actor, instruction->b, parts);
	fences = malloc((num + 1) * sizeof(*fences));
	fuzz_check(fences);
	for (i = 0; i < num; i++) {
		fences[i] = dma_fence_get(fence_of(parts[i]));
		fit += is_leaf(parts[i]);
	}
	errno = 0;
	array = dma_fence_array_create((int)num, fences, context, 1);
	if (!num || fit < num) {
		fuzz_check(!array && errno == EINVAL);
		for (i = 0; i < num; i++)
			dma_fence_put(fences[i]);
		free(fences);
		return;
	}
	fuzz_check(array);
	node = world_container(ARRAY, &array->base);
	fuzz_check(node->context == context && node->seqno == 1);
	for (i = 0; i < num; i++) {
		fuzz_check(array->fences[i] == fence_of(parts[i]));
		parts[i]->published = true;
		node->parts[i] = parts[i];
	}
	node->num_parts = num;
	world_keep(instruction->actor, instruction->a, node);
}

static void make_link(const struct instruction *instruction)
{
	struct node *work = world_pick(instruction->actor, instruction->b);
	struct node *prev = world_pick(instruction->actor, instruction->c);
	const uint64_t point = 1 + instruction->c / 8 % 16;
	struct dma_fence_chain *chain;
	struct node *node;
	uint64_t expected = point;

	if (!work || work->kind == LINK)
		return;
	if (instruction->c & 128)
		prev = NULL;
	chain = dma_fence_chain_alloc();
	fuzz_check(chain);
	if (instruction->b & 128) {
		dma_fence_chain_free(chain);
		return;
	}
	if (prev && prev->kind == LINK && prev->seqno > point)
		expected = prev->seqno;
	if (prev)
		dma_fence_get(fence_of(prev));
	dma_fence_get(fence_of(work));
	dma_fence_chain_init(chain, prev ? fence_of(prev) : NULL, fence_of(work), point);
	node = world_container(LINK, &chain->base);
	fuzz_check(node->seqno == expected);
	fuzz_check((prev && node->context == prev->context) ==
		   (prev && prev->kind == LINK && point > prev->seqno));
	node->parts[0] = work;
	node->parts[1] = prev;
	node->num_parts = 2;
	work->published = true;
	if (prev && is_leaf(prev))
		prev->published = true;
	world_keep(instruction->actor, instruction->a, node);
}

/* Links from the newest on, of which some may have been taken out. */
static void walk(const struct instruction *instruction)
{
	struct node *node = world_pick(instruction->actor, instruction->a);
	const struct node *expected = node;
	struct dma_fence *link;
	bool first = true;

	if (!node)
		return;
	dma_fence_chain_for_each (link, fence_of(node)) {
		const struct node *found = expected;

		/* Those of a sync object have no handle to be known by. */
		while (found && found->real != link && (found->real || found->seqno != link->seqno))
			found = found->kind == LINK ? found->parts[1] : NULL;
		fuzz_check(found);
		world_look(); /* what was polled on the way has signaled */
		fuzz_check(world_stands_for(found, expected) || world.depth);
		fuzz_check(!first || found == node);
		first = false;
		expected = found->kind == LINK ? found->parts[1] : NULL;
	}
	world_look();
	fuzz_check(!expected || world_stands_for(NULL, expected) || world.depth);
}

static const struct node *link_of_point(const struct node *head, uint64_t point)
{
	const struct node *link = head;

	while (link->parts[1] && link->parts[1]->kind == LINK &&
	       link->parts[1]->context == head->context && link->parts[1]->seqno >= point)
		link = link->parts[1];
	return link;
}

static void find_point(const struct instruction *instruction)
{
	struct node *head = world_pick(instruction->actor, instruction->a), *node;
	const uint64_t point = instruction->b % 18;
	const struct node *expected;
	struct dma_fence *fence;
	int ret;

	if (!head)
		return;
	fence = dma_fence_get(fence_of(head));
	ret = dma_fence_chain_find_seqno(&fence, point);
	if (!point || head->kind != LINK || head->seqno < point) {
		fuzz_check(ret == (point ? -EINVAL : 0) && fence == fence_of(head));
		dma_fence_put(fence);
		return;
	}
	fuzz_check(!ret);
	expected = link_of_point(head, point);
	if (!fence) {
		fuzz_check(world_stands_for(NULL, expected));
		return;
	}
	for (node = (struct node *)(uintptr_t)expected; node && node->real != fence;)
		node = node->kind == LINK ? node->parts[1] : NULL;
	if (!node) {
		/* One of a sync object, that nobody has a handle for. */
		dma_fence_put(fence);
		return;
	}
	fuzz_check(world_stands_for(node, expected));
	world_keep(instruction->actor, instruction->c, node);
}

static void merge(const struct instruction *instruction)
{
	struct dma_fence *fences[HANDLES], *merged;
	struct node *nodes[HANDLES];
	unsigned int num, i;

	num = world_pick_many(instruction->actor, instruction->b, nodes);
	for (i = 0; i < num; i++)
		fences[i] = fence_of(nodes[i]);
	for (i = 0; i < num; i++)
		world_publish(nodes[i]);
	merged = dma_fence_unwrap_merge_many(num, fences);
	if (world.depth && merged) {
		/* What callbacks that are still to run will change is not looked at. */
		dma_fence_put(merged);
		return;
	}
	world_keep(instruction->actor, instruction->a, world_merged(nodes, num, merged));
}

/* Where a fence is among leaves; of one that the library has made the model has no fence. */
static unsigned int find_leaf(const struct leaf_of *leaves, unsigned int at, unsigned int num,
			      const struct dma_fence *fence)
{
	unsigned int i, unseen = num;

	for (i = at; i < num; i++) {
		if (leaves[i].node->real == fence)
			return i;
		if (unseen == num && !leaves[i].node->real && leaves[i].node->state == SIGNALED)
			unseen = i;
	}
	return dma_fence_test_signaled_flag(fence) ? unseen : num;
}

static void unwrap(const struct instruction *instruction)
{
	static struct leaf_of leaves[2 * NODES];
	struct node *node = world_pick(instruction->actor, instruction->a);
	struct outcome dropped = { 0 };
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	unsigned int num, found, at = 0, steps = 0;

	if (!node)
		return;
	num = model_leaves(node, leaves, 2 * NODES, &dropped);
	dma_fence_unwrap_for_each (fence, &cursor, fence_of(node)) {
		/* What is left out has ended. */
		found = find_leaf(leaves, at, num, fence);
		for (; at < found; at++)
			fuzz_check(model_complete(leaves[at].node) || world.depth);
		if (world.depth)
			at = 0;
		else
			fuzz_check(at++ < num);
		if (++steps > instruction->b) {
			dma_fence_unwrap_end(&cursor);
			return;
		}
	}
	world_look();
	for (; at < num && !world.depth; at++)
		fuzz_check(node->kind == LINK && model_complete(leaves[at].node));
}

static void dedup(const struct instruction *instruction)
{
	struct dma_fence *fences[2 * HANDLES];
	struct node *nodes[HANDLES];
	unsigned int num, i, k;
	size_t kept;

	num = world_pick_many(instruction->actor, instruction->b, nodes);
	for (i = 0; i < num; i++) {
		fences[2 * i] = dma_fence_get(fence_of(nodes[i]));
		fences[2 * i + 1] = instruction->a >> i & 1 ? dma_fence_get(fences[2 * i]) : NULL;
	}
	kept = dma_fence_dedup_array(fences, 2 * num);
	for (i = 0; i < kept; i++) {
		fuzz_check(!i || fences[i]->context > fences[i - 1]->context);
		for (k = 0; k < num; k++)
			fuzz_check(!dma_fence_is_later(fence_of(nodes[k]), fences[i]));
	}
	for (k = 0; k < num; k++) {
		for (i = 0; i < kept && fences[i]->context != nodes[k]->context; i++)
			;
		fuzz_check(i < kept);
	}
	for (i = 0; i < kept; i++)
		dma_fence_put(fences[i]);
}

static void look_into(const struct instruction *instruction)
{
	struct node *node = world_pick(instruction->actor, instruction->a);
	const uint64_t context = world.contexts[instruction->b % CONTEXTS];
	struct dma_fence *member;
	unsigned int i, num = 0;
	bool matches;

	if (!node)
		return;
	fuzz_check(dma_fence_is_array(fence_of(node)) == (node->kind == ARRAY));
	fuzz_check(dma_fence_is_chain(fence_of(node)) == (node->kind == LINK));
	fuzz_check(dma_fence_is_container(fence_of(node)) == !is_leaf(node));
	matches = node->context == context;
	if (node->kind == ARRAY) {
		matches = true;
		for (i = 0; i < node->num_parts; i++)
			matches &= node->parts[i]->context == context;
	}
	fuzz_check(dma_fence_match_context(fence_of(node), context) == matches);
	dma_fence_array_for_each (member, i, fence_of(node)) {
		const struct node *part = node->kind == ARRAY ? node->parts[i] : node;

		fuzz_check(i < node->num_parts || node->kind != ARRAY);
		fuzz_check(member == part->real);
		num++;
	}
	fuzz_check(num == (node->kind == ARRAY ? node->num_parts : 1));
	if (node->kind == LINK)
		fuzz_check(dma_fence_chain_contained(fence_of(node)) == node->parts[0]->real ||
			   !node->parts[0]->real);
}

/* Promises */

void promises_end(void)
{
	unsigned int i;

	for (i = 0; i < PROMISES; i++) {
		struct promise *promise = &world.promises[i];

		if (!promise->promise)
			continue;
		promise->node->error = -ECANCELED;
		world_signals(promise->node, -1);
		promise->node = NULL;
		dma_fence_promise_drop(promise->promise);
		promise->promise = NULL;
	}
}

static void make_promise(const struct instruction *instruction)
{
	struct promise *promise = &world.promises[instruction->b % PROMISES];
	struct dma_fence *fence;

	if (promise->promise)
		return;
	promise->promise = dma_fence_promise_create();
	fuzz_check(promise->promise);
	fence = dma_fence_promise_fence(promise->promise);
	promise->node = world_container(PROMISED, fence);
	/* One reference stays with the node. */
	dma_fence_get(fence);
	world_keep(instruction->actor, instruction->a, promise->node);
}

static void end_promise(struct promise *promise, int error)
{
	struct dma_fence_promise *ended = promise->promise;
	struct node *node = promise->node;

	node->error = error;
	node->kept = true;
	world_signals(node, -1);
	*promise = (struct promise){ 0 };
	if (error == -ECANCELED)
		dma_fence_promise_drop(ended);
	else if (error)
		fuzz_check(!dma_fence_promise_fail(ended, error));
	else
		fuzz_check(!dma_fence_promise_keep(ended, NULL));
}

static bool directly_made_of(struct node *node, const struct node *what)
{
	static struct leaf_of leaves[2 * NODES];
	struct outcome dropped = { 0 };
	unsigned int num = model_leaves(node, leaves, 2 * NODES, &dropped), i;

	for (i = 0; i < num; i++) {
		if (leaves[i].node == what)
			return true;
	}
	return false;
}

static void keep_promise(const struct instruction *instruction)
{
	struct promise *promise = &world.promises[instruction->b % PROMISES], kept;
	struct node *with = world_pick(instruction->actor, instruction->a);

	if (!promise->promise)
		return;
	if (instruction->b & 64) {
		static const int errors[] = { 0, -ECANCELED, -EIO };

		fuzz_check(dma_fence_promise_fail(promise->promise, 0) == -EINVAL);
		end_promise(promise, errors[instruction->c % 3]);
		return;
	}
	if (!with)
		return;
	if (model_leads_to(with, promise->node)) {
		if (directly_made_of(with, promise->node))
			fuzz_check(dma_fence_promise_keep(promise->promise, fence_of(with)) ==
				   -EDEADLK);
		return; /* what cannot be found out is not done */
	}
	kept = *promise;
	*promise = (struct promise){ 0 };
	kept.node->kept = true;
	kept.node->parts[0] = with;
	kept.node->num_parts = 1;
	world_enable(with);
	fuzz_check(!dma_fence_promise_keep(kept.promise, fence_of(with)));
}

/* Contexts of producers */

void objects_begin(void)
{
	unsigned int i;

	for (i = 0; i < PRODUCERS; i++) {
		struct producer *producer = &world.producers[i];

		producer->first = producer->next = i ? 1 : UINT64_MAX;
		producer->ops = i ? 0 : ASKS | COUNTS;
		producer->context = dma_fence_context_create(
			"fuzz", "producer", world_ops(producer->ops), producer->first);
		fuzz_check(producer->context);
	}
	for (i = 0; i < RESVS; i++)
		dma_resv_init(&world.resvs[i].resv);
	for (i = 0; i < SYNCOBJS; i++) {
		world.syncobjs[i].syncobj = dma_fence_syncobj_create(0);
		fuzz_check(world.syncobjs[i].syncobj);
	}
	for (i = 0; i < FILES; i++)
		world.files[i].fd = -1;
	for (i = 0; i < EVENTS; i++)
		world.events[i].fd = -1;
}

/* What a producer signals next, up to a number. Those that it finds signaled it forgets. */
static int64_t take_pending(struct producer *producer, uint64_t seqno, int error, int64_t timestamp)
{
	unsigned int i, done = 0;
	int64_t signaled = 0;

	for (i = 0; i < producer->num_pending; i++) {
		struct node *node = producer->pending[i];

		if ((int64_t)(node->seqno - seqno) > 0)
			break;
		done++;
		node->producer = false;
		if (node->state == SIGNALED)
			continue;
		if (error)
			node->error = error;
		world_signals(node, timestamp);
		signaled++;
	}
	producer->num_pending -= done;
	memmove(producer->pending, producer->pending + done,
		producer->num_pending * sizeof(producer->pending[0]));
	return signaled;
}

static void emit(const struct instruction *instruction)
{
	struct producer *producer = &world.producers[instruction->b % PRODUCERS];
	const struct dma_fence_ops *ops;
	struct leaf *leaf;
	struct node *node;
	int ret;

	/* As many as are signaled at once. */
	if (producer->num_pending >= 60)
		return;
	leaf = world_leaf(producer->ops | (instruction->c & (DONE_WHEN_TOLD | SIGNALS_WHEN_TOLD)),
			  &ops);
	node = leaf->node;
	ret = dma_fence_context_emit(producer->context, &leaf->base);
	fuzz_check(ret == producer->error);
	if (ret) {
		free(leaf);
		world.num_nodes--;
		return;
	}
	node->context = leaf->base.context;
	node->seqno = leaf->base.seqno;
	fuzz_check(node->seqno == producer->next++);
	fuzz_check(node->context == dma_fence_context_id(producer->context));
	fuzz_check(dma_fence_context_last_emitted(producer->context) == node->seqno);
	node->emitted = true;
	producer->pending[producer->num_pending++] = node;
	world_keep(instruction->actor, instruction->a, node);
}

static void signal_until(const struct instruction *instruction)
{
	struct producer *producer = &world.producers[instruction->b % PRODUCERS];
	const uint64_t seqno = producer->first - 2 + instruction->a % 32;
	const uint64_t emitted = producer->next - producer->first;
	const bool by_clock = instruction->b & 2;
	int64_t expected = -EINVAL, ret, timestamp = 1000 + instruction->c % 32;

	if (producer->ending)
		return;
	if (seqno - (producer->first - 1) <= emitted)
		expected =
			take_pending(producer, seqno, producer->error, by_clock ? -1 : timestamp);
	if (by_clock)
		ret = dma_fence_context_signal_until(producer->context, seqno);
	else
		ret = dma_fence_context_signal_until_timestamp(producer->context, seqno, timestamp);
	fuzz_check(ret == expected);
}

static void fail(const struct instruction *instruction)
{
	struct producer *producer = &world.producers[instruction->b % PRODUCERS];
	const int error = instruction->c & 1 ? -ENODEV : -EIO;
	int64_t expected = 0;

	if (producer->ending)
		return;
	fuzz_check(dma_fence_context_fail(producer->context, 5) == -EINVAL);
	if (!producer->error) {
		producer->error = error;
		expected = take_pending(producer, producer->next - 1, error, -1);
	}
	fuzz_check(dma_fence_context_fail(producer->context, error) == expected);
}

static void destroy(struct producer *producer)
{
	if (!producer->error)
		producer->error = -ECANCELED;
	producer->ending = true;
	world.reports_expected +=
		(unsigned int)take_pending(producer, producer->next - 1, producer->error, -1);
	/* Reports come before callbacks, which look. */
	dma_fence_context_destroy(producer->context);
}

static void begin_again(const struct instruction *instruction)
{
	struct producer *producer = &world.producers[instruction->b % PRODUCERS];

	if (world.depth)
		return;
	destroy(producer);
	memset(producer, 0, sizeof(*producer));
	producer->ops = instruction->a & COUNTS;
	producer->first = producer->next = 1;
	producer->context = dma_fence_context_create("fuzz", "again", world_ops(producer->ops), 1);
	fuzz_check(producer->context);
}

void producers_end(void)
{
	unsigned int i;

	for (i = 0; i < PRODUCERS; i++)
		destroy(&world.producers[i]);
}

static const operation_t list[] = {
	make_array, make_array, make_link,    make_link, make_link,   walk,	    find_point,
	merge,	    merge,	unwrap,	      dedup,	 look_into,   make_promise, keep_promise,
	emit,	    emit,	signal_until, fail,	 begin_again,
};

const struct operations container_operations = { list, sizeof(list) / sizeof(list[0]) };
