/* SPDX-License-Identifier: MIT */
/* Fences by themselves: making, signaling, asking, callbacks, waits that do not wait. */
#include <string.h>

#include "operations.h"

/* A time that has passed; often the same. */
static int64_t some_time(unsigned int c)
{
	return 1000 + c % 32;
}

static int some_error(unsigned int b)
{
	static const int errors[] = { -EIO, -ECANCELED, -ETIMEDOUT, -4095 };

	return errors[b % 4];
}

static void make_leaf(const struct instruction *instruction)
{
	const unsigned int timeline = instruction->c % CONTEXTS;
	const struct dma_fence_ops *ops;
	struct leaf *leaf = world_leaf(instruction->b, &ops);
	struct node *node = leaf->node;

	node->context = world.contexts[timeline];
	world.seqnos[timeline] += 1 + instruction->c / CONTEXTS % 4;
	node->seqno = world.seqnos[timeline];
	dma_fence_init(&leaf->base, ops, node->context, node->seqno);
	world_keep(instruction->actor, instruction->a, dma_fence_get(&leaf->base) ? node : NULL);
}

/*
 * Who signals has a reference until that returns: the producer's, which it drops then, or if that is
 * not there, or in use by another who signals, one of its own.
 */
static void take_reference(struct node *node)
{
	if (!node->producer || node->emitted)
		dma_fence_get(fence_of(node));
	else
		node->producer = false;
}

/* Whoever has it may be its producer. */
static struct node *pick_leaf(const struct instruction *instruction)
{
	struct node *node = world_pick_unheld(instruction->actor, instruction->a);

	return node && node->kind == LEAF ? node : NULL;
}

static void signal_leaf(const struct instruction *instruction)
{
	struct node *node = pick_leaf(instruction);
	bool was;

	if (!node)
		return;
	was = dma_fence_test_signaled_flag(fence_of(node));
	take_reference(node);
	switch (instruction->b % 3) {
	case 0:
		world_signals(node, -1);
		dma_fence_signal(fence_of(node));
		break;
	case 1:
		world_signals(node, -1);
		fuzz_check(dma_fence_check_and_signal(fence_of(node)) == was);
		break;
	case 2:
		world_signals(node, some_time(instruction->c));
		dma_fence_signal_timestamp(fence_of(node), some_time(instruction->c));
		break;
	}
	dma_fence_put(fence_of(node));
}

static void complete_leaf(const struct instruction *instruction)
{
	struct node *node = pick_leaf(instruction);

	if (node && node->asks && node->state == PENDING)
		node->state = COMPLETE;
}

static void set_error(const struct instruction *instruction)
{
	static const int none[] = { 0, 1, -4096, INT32_MIN };
	struct node *node = pick_leaf(instruction);
	int expected = 0;

	if (!node)
		return;
	if (instruction->b % 8 == 7) {
		fuzz_check(dma_fence_set_error(fence_of(node), none[instruction->c % 4]) ==
			   -EINVAL);
		return;
	}
	if (dma_fence_test_signaled_flag(fence_of(node)))
		expected = -EALREADY;
	else
		node->error = some_error(instruction->b);
	fuzz_check(dma_fence_set_error(fence_of(node), some_error(instruction->b)) == expected);
}

static void get(const struct instruction *instruction)
{
	struct node *node = world_pick(instruction->b % ACTORS, instruction->c);

	if (!node)
		return;
	fuzz_check(dma_fence_get(fence_of(node)) == fence_of(node));
	world_keep(instruction->actor, instruction->a, node);
}

static void put(const struct instruction *instruction)
{
	world_keep(instruction->actor, instruction->a, NULL);
}

/* A fence that nobody could be waiting for is released in silence, pending or not. */
static void abandon(const struct instruction *instruction)
{
	struct node *node = pick_leaf(instruction);
	unsigned int i, k, held = 0;

	if (!node || node->published || !node->producer || node->emitted || node->state == SIGNALED)
		return;
	for (i = 0; i < ACTORS; i++) {
		for (k = 0; k < HANDLES; k++)
			held += world.handles[i][k] == node;
	}
	node->producer = false;
	dma_fence_put(fence_of(node));
	for (i = 0; i < ACTORS; i++) {
		for (k = 0; k < HANDLES; k++) {
			if (world.handles[i][k] != node)
				continue;
			fuzz_check(!node->released);
			world_keep(i, k, NULL);
			held--;
		}
	}
	fuzz_check(!held && node->released);
}

/* Callbacks */

static void forget_callback(struct callback *callback)
{
	free(callback->storage);
	*callback = (struct callback){ .state = FREE };
}

static void add_callback(const struct instruction *instruction)
{
	struct node *node = world_pick(instruction->actor, instruction->a);
	struct callback *callback = &world.callbacks[instruction->b % CALLBACKS];
	int ret;

	if (!node || callback->state == ADDING || callback->state == ADDED ||
	    callback->state == RUNNING)
		return;
	free(callback->storage);
	*callback = (struct callback){
		.storage = malloc(sizeof(*callback->storage)),
		.node = node,
		.actor = instruction->actor,
		.action = world.at + 1 + instruction->c % 8,
		.order = ++world.callbacks_added,
		.state = ADDING,
		.frees = instruction->c & 8,
	};
	fuzz_check(callback->storage);
	memset(callback->storage, 0xa5, sizeof(*callback->storage));
	if (!dma_fence_test_signaled_flag(fence_of(node)))
		world_enable(node);
	ret = dma_fence_add_callback(fence_of(node), callback->storage, world_callback);
	fuzz_check(callback->state == ADDING);
	callback->state = ret ? REFUSED : ADDED;
	if (ret)
		fuzz_check(ret == -ENOENT && dma_fence_test_signaled_flag(fence_of(node)));
	else
		fuzz_check(!dma_fence_test_signaled_flag(fence_of(node)));
}

static void remove_callback(const struct instruction *instruction)
{
	struct callback *callback = &world.callbacks[instruction->b % CALLBACKS];
	struct dma_fence_cb *storage = callback->storage;
	struct node *node = callback->node;
	bool removed, was_added = callback->state == ADDED;

	/* Who removes has a reference; it need not be the same actor's. */
	if (!storage || callback->state == FREE || callback->state == ADDING ||
	    world_pick(instruction->actor, instruction->a) != node)
		return;
	removed = dma_fence_remove_callback(fence_of(node), storage);
	fuzz_check(removed == was_added);
	if (callback->state != RUNNING)
		forget_callback(callback);
}

static void enable(const struct instruction *instruction)
{
	struct node *node = world_pick(instruction->actor, instruction->a);

	if (!node)
		return;
	world_enable(node);
	dma_fence_enable_signaling(fence_of(node));
	world_look();
	fuzz_check(dma_fence_test_signaled_flag(fence_of(node)) || !model_complete(node));
}

/* Asking */

static void poll_fence(const struct instruction *instruction)
{
	struct node *node = world_pick(instruction->actor, instruction->a);
	bool complete, signaled;

	if (!node)
		return;
	complete = model_complete(node);
	signaled = dma_fence_poll(fence_of(node));
	fuzz_check(signaled || !complete);
	fuzz_check(signaled == dma_fence_test_signaled_flag(fence_of(node)) || !signaled);
	world_look();
	fuzz_check(!signaled || node->state == SIGNALED);
}

static void ask_status(const struct instruction *instruction)
{
	struct node *node = world_pick(instruction->actor, instruction->a);
	int64_t timestamp;
	int status;

	if (!node)
		return;
	if (instruction->b & 1) {
		timestamp = dma_fence_timestamp(fence_of(node));
		fuzz_check(timestamp >= 0 || timestamp == -EAGAIN);
		world_look();
		fuzz_check(timestamp < 0 || node->end.timestamp == timestamp);
		fuzz_check(timestamp >= 0 || world.depth || !model_complete(node));
		return;
	}
	status = dma_fence_get_status(fence_of(node));
	world_look();
	if (status)
		fuzz_check(node->state == SIGNALED &&
			   status == (node->end.error ? node->end.error : 1));
	else
		fuzz_check(world.depth || !model_complete(node));
}

static void describe(const struct instruction *instruction)
{
	struct node *node = world_pick(instruction->actor, instruction->a);
	char text[256] = "";
	FILE *out;

	if (!node)
		return;
	out = fmemopen(text, sizeof(text), "w");
	fuzz_check(out);
	dma_fence_describe(fence_of(node), out);
	fclose(out);
	fuzz_check(!strstr(text, "pending") == dma_fence_test_signaled_flag(fence_of(node)));
	fuzz_check(!strchr(text, '\n'));
}

static void compare(const struct instruction *instruction)
{
	struct node *n1 = world_pick(instruction->actor, instruction->a);
	struct node *n2 = world_pick(instruction->actor, instruction->b);
	struct dma_fence *later, *expected;
	bool is_later;

	if (!n1 || !n2)
		return;
	is_later = n1->context == n2->context && (int64_t)(n1->seqno - n2->seqno) > 0;
	fuzz_check(dma_fence_is_later(fence_of(n1), fence_of(n2)) == is_later);
	fuzz_check(dma_fence_is_later_or_same(fence_of(n1), fence_of(n2)) ==
		   (is_later || n1 == n2));
	errno = 0;
	later = dma_fence_later(fence_of(n1), fence_of(n2));
	if (n1->context != n2->context) {
		fuzz_check(!later && errno == EINVAL);
		return;
	}
	expected = fence_of(is_later ? n1 : n2);
	if (model_complete(is_later ? n1 : n2))
		expected = NULL;
	fuzz_check(later == expected);
}

static void set_deadline(const struct instruction *instruction)
{
	static struct leaf_of leaves[2 * NODES];
	const int64_t deadline = world.callbacks_added * 1000 + instruction->c;
	struct node *node = world_pick(instruction->actor, instruction->a);
	struct outcome dropped = { 0 };
	unsigned int num, i;

	if (!node)
		return;
	for (i = 0; i < world.num_nodes; i++)
		world.nodes[i].deadline = INT64_MIN;
	dma_fence_set_deadline(fence_of(node), deadline);
	if (node->state == SIGNALED)
		return;
	/* It gets to all that is to be waited for. */
	num = model_leaves(node, leaves, 2 * NODES, &dropped);
	for (i = 0; i < num; i++) {
		if (leaves[i].node->kind == LEAF && leaves[i].node->state == PENDING)
			fuzz_check(leaves[i].node->deadline == deadline);
	}
	for (i = 0; i < world.num_nodes; i++) {
		unsigned int k = 0;

		while (k < num && leaves[k].node != &world.nodes[i])
			k++;
		fuzz_check(k < num || world.nodes[i].deadline == INT64_MIN);
	}
}

/* Waiting */

static void wait_one(const struct instruction *instruction)
{
	struct node *node = world_pick(instruction->actor, instruction->a);
	const bool signaled = node && dma_fence_test_signaled_flag(fence_of(node));
	int64_t left;

	if (!node)
		return;
	fuzz_check(dma_fence_wait_timeout(fence_of(node), false, -1) == -EINVAL);
	if (instruction->b % 4 == 0 && signaled && !world.depth) {
		fuzz_check(!dma_fence_wait(fence_of(node), false));
		left = dma_fence_wait_timeout(fence_of(node), true, 1 + instruction->c);
		fuzz_check(left >= 1 && left <= 1 + instruction->c);
		return;
	}
	world_enable(node);
	left = dma_fence_wait_timeout(fence_of(node), instruction->b & 1, 0);
	fuzz_check(left == 0 || left == 1);
	world_look();
	fuzz_check(!left || node->state == SIGNALED);
	if (!world.depth)
		fuzz_check(left == (node->state == SIGNALED));
	else
		fuzz_check(dma_fence_test_signaled_flag(fence_of(node)) || !model_complete(node));
}

static void wait_for_some(const struct instruction *instruction)
{
	const bool all = instruction->a & 1;
	struct dma_fence *fences[2 * HANDLES];
	struct node *nodes[2 * HANDLES];
	unsigned int num, i;
	uint32_t idx = 999;
	bool any_signaled = false;
	int64_t left;

	num = world_pick_many(instruction->actor, instruction->b, nodes);
	/* Also one of them twice. */
	if (num && instruction->a & 2)
		nodes[num] = nodes[0], num++;
	for (i = 0; i < num; i++) {
		fences[i] = fence_of(nodes[i]);
		any_signaled |= dma_fence_test_signaled_flag(fences[i]);
	}
	if (!num) {
		left = all ? dma_fence_wait_all_timeout(fences, 0, false, 0, &idx)
			   : dma_fence_wait_any_timeout(fences, 0, false, 0, &idx);
		fuzz_check(left == -EINVAL && idx == 999);
		return;
	}
	/* What one that is signaled saves the others from is not said. */
	for (i = 0; i < num; i++) {
		if (all || !any_signaled)
			world_enable(nodes[i]);
		else
			world_publish(nodes[i]);
	}
	left = all ? dma_fence_wait_all_timeout(fences, num, false, 0, &idx)
		   : dma_fence_wait_any_timeout(fences, num, false, 0, &idx);
	fuzz_check(left == 0 || left == 1);
	world_look();
	if (world.depth) {
		fuzz_check(idx == 999 || idx < num);
		return;
	}
	for (i = 0; i < num && (nodes[i]->state == SIGNALED) == all; i++)
		;
	fuzz_check(left == ((i == num) == all));
	fuzz_check(idx == (i < num ? i : 999));
	for (; i < num && !left; i++)
		fuzz_check(all || !model_complete(nodes[i]));
}

static void flush(const struct instruction *instruction)
{
	struct node *node = world_pick(instruction->actor, instruction->a);
	int expected, ret;

	if (!node)
		return;
	expected = dma_fence_test_signaled_flag(fence_of(node)) ? 0 : -EAGAIN;
	ret = dma_fence_flush(fence_of(node));
	/* A callback that runs, or is to run, on this thread. */
	if (!expected && world.depth)
		fuzz_check(!ret || ret == -EDEADLK);
	else
		fuzz_check(ret == expected);
}

/* The next instructions signal, and callbacks wait until they are through. */
static void deliver(const struct instruction *instruction)
{
	struct instruction next;
	unsigned int i, num = 1 + instruction->a % 3;
	bool begun;

	if (world.depth)
		return;
	begun = dma_fence_begin_delivery();
	fuzz_check(begun);
	fuzz_check(!dma_fence_begin_delivery());
	world.delivering = true;
	world.depth++;
	for (i = 0; i < num && world.at + 1 < world.length; i++) {
		next = program_at(world.data, ++world.at);
		run_instruction(&next);
		world_look();
	}
	world.depth--;
	world.delivering = false;
	dma_fence_end_delivery(false);
	dma_fence_end_delivery(begun);
}

static void stub(const struct instruction *instruction)
{
	struct dma_fence *fence;
	struct node *node;

	if (instruction->b & 1)
		fence = dma_fence_allocate_private_stub(some_time(instruction->c));
	else
		fence = dma_fence_get_stub();
	fuzz_check(fence);
	node = world_signaled(fence);
	fuzz_check(!node->end.error);
	fuzz_check(node->end.timestamp == (instruction->b & 1 ? some_time(instruction->c) : 0));
	world_keep(instruction->actor, instruction->a, node);
}

static const operation_t list[] = {
	make_leaf, make_leaf,	  signal_leaf, signal_leaf,  complete_leaf, set_error,
	get,	   put,		  abandon,     add_callback, add_callback,  remove_callback,
	enable,	   poll_fence,	  ask_status,  describe,     compare,	    set_deadline,
	wait_one,  wait_for_some, flush,       deliver,	     stub,
};

const struct operations fence_operations = { list, sizeof(list) / sizeof(list[0]) };
