/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "world.h"

struct world world;

/* Nodes */

bool world_has_room(unsigned int nodes)
{
	return world.num_nodes + nodes <= NODES;
}

struct node *world_node(enum kind kind, uint64_t context, uint64_t seqno)
{
	struct node *node = &world.nodes[world.num_nodes++];

	fuzz_check(world.num_nodes <= NODES);
	memset(node, 0, sizeof(*node));
	node->kind = kind;
	node->context = context;
	node->seqno = seqno;
	node->deadline = INT64_MIN;
	return node;
}

/* Memory that is used again belongs to the newest. */
static void forget_real(const struct dma_fence *fence)
{
	unsigned int i;

	for (i = 0; i < world.num_nodes; i++) {
		if (world.nodes[i].real == fence)
			world.nodes[i].real = NULL;
	}
}

struct node *world_container(enum kind kind, struct dma_fence *fence)
{
	struct node *node;

	forget_real(fence);
	node = world_node(kind, fence->context, fence->seqno);
	node->real = fence;
	return node;
}

struct node *world_node_of(const struct dma_fence *fence)
{
	unsigned int i;

	for (i = 0; i < world.num_nodes; i++) {
		if (world.nodes[i].real == fence)
			return &world.nodes[i];
	}
	return NULL;
}

struct node *world_signaled(struct dma_fence *fence)
{
	struct node *node = world_node_of(fence);
	int status;

	fuzz_check(dma_fence_test_signaled_flag(fence));
	/* The stub, say; or one that cannot be told from another that was there. */
	if (node && node->kind == LEAF && node->state == SIGNALED &&
	    (!node->end.error ? 1 : node->end.error) == dma_fence_get_status(fence) &&
	    node->end.timestamp == dma_fence_timestamp(fence))
		return node;
	fuzz_check(!dma_fence_is_container(fence));
	forget_real(fence);
	node = world_node(LEAF, fence->context, fence->seqno);
	node->real = fence;
	node->state = SIGNALED;
	node->published = true;
	status = dma_fence_get_status(fence);
	fuzz_check(status == 1 || status < 0);
	node->end.error = status < 0 ? status : 0;
	node->end.timestamp = dma_fence_timestamp(fence);
	fuzz_check(node->end.timestamp >= 0);
	node->released = true; /* whoever has it knows it by its handle */
	return node;
}

/* Which may be gone, and which not */

/* Of a chain that a newer link follows: those are taken out whose own work is done. */
static struct node *certainly_left(struct node *link)
{
	while (link && link->kind == LINK && model_complete(link->parts[0]))
		link = link->parts[1];
	return link && !model_complete(link) ? link : NULL;
}

static void mark_alive(struct node *node, unsigned int mark)
{
	unsigned int i;

	if (!node || node->reached == mark)
		return;
	node->reached = mark;
	switch (node->kind) {
	case LEAF:
		break;
	case PROMISED:
		if (node->num_parts && !model_done(node->parts[0]))
			mark_alive(node->parts[0], mark);
		break;
	case ARRAY:
		for (i = 0; i < node->num_parts; i++)
			mark_alive(node->parts[i], mark);
		break;
	case LINK:
		mark_alive(node->parts[0], mark);
		mark_alive(certainly_left(node->parts[1]), mark);
		break;
	}
}

static bool certainly_alive(const struct node *node)
{
	const unsigned int mark = model_new_mark();
	unsigned int i, k;

	for (i = 0; i < world.num_nodes; i++) {
		if (world.nodes[i].producer)
			mark_alive(&world.nodes[i], mark);
	}
	for (i = 0; i < ACTORS; i++) {
		for (k = 0; k < HANDLES; k++)
			mark_alive(world.handles[i][k], mark);
	}
	for (i = 0; i < world.num_pins; i++)
		mark_alive(world.pins[i], mark);
	for (i = 0; i < PROMISES; i++)
		mark_alive(world.promises[i].node, mark);
	for (i = 0; i < RESVS; i++) {
		for (k = 0; k < world.resvs[i].num_entries; k++) {
			struct entry *entry = &world.resvs[i].entries[k];

			if (entry->certain && !model_complete(entry->node))
				mark_alive(entry->node, mark);
		}
	}
	for (i = 0; i < SYNCOBJS; i++) {
		struct syncobj *syncobj = &world.syncobjs[i];
		struct node *last =
			syncobj->num_points ? syncobj->points[syncobj->num_points - 1].link : NULL;

		if (!syncobj->changing)
			mark_alive(syncobj->fence, mark);
		mark_alive(syncobj->changing ? certainly_left(last) : last, mark);
	}
	for (i = 0; i < FILES; i++) {
		/* Of a point it may be an older link that was exported. */
		if (world.files[i].fd >= 0)
			mark_alive(certainly_left(world.files[i].node), mark);
	}
	return node->reached == mark;
}

/* Of those who can tell, it is known whether they are there; of others that somebody has them. */
static bool can_be_seen(const struct node *node)
{
	unsigned int i, k;

	if (!node->real)
		return false;
	if (node->kind == PROMISED)
		return true;
	if (node->kind == LEAF && !node->released)
		return true;
	for (i = 0; i < ACTORS; i++) {
		for (k = 0; k < HANDLES; k++) {
			if (world.handles[i][k] == node)
				return true;
		}
	}
	for (i = 0; i < world.num_pins; i++) {
		if (world.pins[i] == node)
			return true;
	}
	return false;
}

bool world_flag(const struct node *node)
{
	return can_be_seen(node) && dma_fence_test_signaled_flag(fence_of(node));
}

/* Signaled by the clock: read from the library, and as it should be. */
static void learn_timestamp(struct node *node)
{
	const int64_t timestamp = dma_fence_timestamp(fence_of(node));

	if (node->end.timestamp < 0) {
		fuzz_check(timestamp >= world.began && timestamp <= world_clock());
		node->end.timestamp = timestamp;
	}
	fuzz_check(timestamp == node->end.timestamp);
}

/* The back end of leaves */

static struct node *called_for(struct dma_fence *fence)
{
	struct node *node = ((struct leaf *)(void *)fence)->node;

	fuzz_check(!node->released);
	fuzz_check(node->real == fence);
	return node;
}

static const char *leaf_driver_name(struct dma_fence *fence)
{
	fuzz_check(!dma_fence_test_signaled_flag(fence));
	called_for(fence);
	return "fuzz";
}

static const char *leaf_timeline_name(struct dma_fence *fence)
{
	fuzz_check(!dma_fence_test_signaled_flag(fence));
	called_for(fence);
	return "leaf";
}

static bool leaf_enable(struct dma_fence *fence)
{
	struct node *node = called_for(fence);

	fuzz_check(!dma_fence_test_signaled_flag(fence));
	fuzz_check(node->published);
	fuzz_check(!node->told++);
	if (node->state != PENDING)
		return true;
	if (node->signals_when_told) {
		world_signals(node, -1);
		dma_fence_signal(fence);
		return true;
	}
	if (!node->done_when_told)
		return true;
	node->state = COMPLETE;
	node->must_signal = true;
	return false;
}

static bool leaf_signaled(struct dma_fence *fence)
{
	struct node *node = called_for(fence);

	fuzz_check(!dma_fence_test_signaled_flag(fence));
	return node->state != PENDING;
}

static void leaf_set_deadline(struct dma_fence *fence, int64_t deadline)
{
	struct node *node = called_for(fence);

	fuzz_check(!dma_fence_test_signaled_flag(fence));
	node->deadline = deadline;
}

static void leaf_release(struct dma_fence *fence)
{
	struct node *node = called_for(fence);

	fuzz_check(!certainly_alive(node));
	if (node->state == COMPLETE && dma_fence_test_signaled_flag(fence))
		world_signals(node, -1);
	/* It goes before anybody has looked. */
	if (node->state == SIGNALED)
		learn_timestamp(node);
	fuzz_check(node->state == SIGNALED || !node->published);
	fuzz_check(dma_fence_test_signaled_flag(fence) == (node->state == SIGNALED));
	node->released = true;
	node->real = NULL;
	dma_fence_free(fence);
}

#define LEAF_OPS(signaled_op, enable_op) \
	{ \
		.get_driver_name = leaf_driver_name, .get_timeline_name = leaf_timeline_name, \
		.enable_signaling = (enable_op), .signaled = (signaled_op), \
		.release = leaf_release, .set_deadline = leaf_set_deadline, \
	}

static const struct dma_fence_ops leaf_ops[] = {
	LEAF_OPS(NULL, NULL),
	LEAF_OPS(leaf_signaled, NULL),
	LEAF_OPS(NULL, leaf_enable),
	LEAF_OPS(leaf_signaled, leaf_enable),
};

const struct dma_fence_ops *world_ops(unsigned int ops)
{
	return &leaf_ops[ops & (ASKS | COUNTS)];
}

struct leaf *world_leaf(unsigned int ops, const struct dma_fence_ops **table)
{
	struct leaf *leaf = malloc(sizeof(*leaf));

	fuzz_check(leaf);
	leaf->node = world_node(LEAF, 0, 0);
	forget_real(&leaf->base);
	leaf->node->real = &leaf->base;
	leaf->node->asks = ops & ASKS;
	leaf->node->counts = ops & COUNTS;
	leaf->node->done_when_told = ops & COUNTS && ops & DONE_WHEN_TOLD;
	leaf->node->signals_when_told = ops & COUNTS && ops & SIGNALS_WHEN_TOLD;
	leaf->node->producer = true;
	*table = world_ops(ops);
	return leaf;
}

/* Who has what */

void world_keep(unsigned int actor, unsigned int handle, struct node *node)
{
	struct node **place = &world.handles[actor][handle % HANDLES], *old = *place;

	*place = node;
	if (old)
		dma_fence_put(fence_of(old));
}

struct node *world_pick_unheld(unsigned int actor, unsigned int handle)
{
	unsigned int i;

	for (i = 0; i < HANDLES; i++) {
		struct node *node = world.handles[actor][(handle + i) % HANDLES];

		if (node)
			return node;
	}
	return NULL;
}

static struct node *pin(struct node *node)
{
	if (!node)
		return NULL;
	fuzz_check(world.num_pins < PINS);
	dma_fence_get(fence_of(node));
	world.pins[world.num_pins++] = node;
	return node;
}

void world_unpin(unsigned int left)
{
	while (world.num_pins > left) {
		struct node *node = world.pins[--world.num_pins];

		dma_fence_put(fence_of(node));
	}
}

struct node *world_pick(unsigned int actor, unsigned int handle)
{
	return pin(world_pick_unheld(actor, handle));
}

unsigned int world_pick_many(unsigned int actor, unsigned int which, struct node **nodes)
{
	unsigned int i, num = 0;

	for (i = 0; i < HANDLES; i++) {
		if (which >> i & 1 && world.handles[actor][i])
			nodes[num++] = pin(world.handles[actor][i]);
	}
	return num;
}

void world_publish(struct node *node)
{
	unsigned int i;

	node->published = true;
	for (i = 0; i < node->num_parts; i++) {
		if (node->parts[i] && !node->parts[i]->published)
			world_publish(node->parts[i]);
	}
}

void world_enable(struct node *node)
{
	world_publish(node);
	node->enabled = true;
}

void world_signals(struct node *node, int64_t timestamp)
{
	if (node->state == SIGNALED)
		return;
	node->state = SIGNALED;
	node->end.error = node->error;
	node->end.timestamp = timestamp;
}

/* Looking */

static void look_at_end(struct node *node)
{
	const int error = node->end.error;

	fuzz_check(dma_fence_is_signaled(fence_of(node)));
	fuzz_check(dma_fence_get_status(fence_of(node)) == (error ? error : 1));
	learn_timestamp(node);
}

static void look_at_leaf(struct node *node)
{
	struct dma_fence *fence = fence_of(node);

	if (!dma_fence_test_signaled_flag(fence)) {
		fuzz_check(node->state != SIGNALED);
		fuzz_check(!node->must_signal || world.depth);
		fuzz_check(dma_fence_is_signaled(fence) == model_complete(node));
		return;
	}
	/* Nobody has signaled it, but it was asked and said so. */
	fuzz_check(node->state != PENDING);
	if (node->state == COMPLETE)
		world_signals(node, -1);
	look_at_end(node);
}

static void learn_end(struct node *node, struct outcome outcome)
{
	struct dma_fence *fence = fence_of(node);
	const int status = dma_fence_get_status(fence), error = status < 0 ? status : 0;

	fuzz_check(status);
	fuzz_check(outcome.error_unknown || error == outcome.error);
	fuzz_check(outcome.timestamp_unknown || dma_fence_timestamp(fence) == outcome.timestamp);
	node->state = SIGNALED;
	node->end.error = error;
	node->end.timestamp = dma_fence_timestamp(fence);
}

/* Whether there is something new to be known. */
static bool look_at_promised(struct node *node, bool last)
{
	const bool signaled = dma_fence_test_signaled_flag(fence_of(node));
	struct node *with = node->num_parts ? node->parts[0] : NULL;

	if (node->state == SIGNALED) {
		look_at_end(node);
		return false;
	}
	if (!signaled) {
		fuzz_check(!with || world.depth || !last || !model_done(with));
		return false;
	}
	fuzz_check(with);
	fuzz_check(!last || model_done(with));
	if (!model_done(with))
		return false;
	learn_end(node, model_outcome(with));
	return true;
}

static void look_at_container(struct node *node)
{
	struct dma_fence *fence = fence_of(node);

	if (!dma_fence_test_signaled_flag(fence)) {
		fuzz_check(node->state != SIGNALED);
		fuzz_check(!node->enabled || world.depth || !model_done(node));
		fuzz_check(dma_fence_is_signaled(fence) == model_complete(node));
		return;
	}
	fuzz_check(model_done(node));
	if (node->state != SIGNALED)
		learn_end(node, model_outcome(node));
	else
		look_at_end(node);
}

static void look_at_callbacks(void)
{
	unsigned int i;

	for (i = 0; i < CALLBACKS; i++) {
		struct callback *callback = &world.callbacks[i];

		if (callback->state == ADDED)
			fuzz_check(!model_done(callback->node));
	}
}

/* Members are told all at once that somebody waits. */
static void look_whether_told(const struct node *node)
{
	unsigned int i;

	if (node->kind == LEAF)
		fuzz_check(!node->counts || node->told || node->state != PENDING);
	for (i = 0; node->kind == ARRAY && i < node->num_parts; i++)
		look_whether_told(node->parts[i]);
}

void world_look(void)
{
	bool changed = true;
	unsigned int i;

	for (i = 0; i < world.num_nodes; i++) {
		if (world.nodes[i].kind == LEAF && can_be_seen(&world.nodes[i]))
			look_at_leaf(&world.nodes[i]);
		if (world.nodes[i].kind == PROMISED && world.nodes[i].state == SIGNALED)
			look_at_end(&world.nodes[i]);
	}
	while (changed) {
		changed = false;
		for (i = 0; i < world.num_nodes; i++) {
			if (world.nodes[i].kind == PROMISED)
				changed |= look_at_promised(&world.nodes[i], false);
		}
	}
	for (i = 0; i < world.num_nodes; i++) {
		if (world.nodes[i].kind == PROMISED)
			look_at_promised(&world.nodes[i], true);
		else if (world.nodes[i].kind != LEAF && can_be_seen(&world.nodes[i]))
			look_at_container(&world.nodes[i]);
		if (world.nodes[i].enabled && !world.depth && !model_done(&world.nodes[i]))
			look_whether_told(&world.nodes[i]);
	}
	fuzz_check(world.reports == world.reports_expected);
	if (world.depth)
		return;
	look_at_callbacks();
	files_look();
	events_look();
}

/* Callbacks */

void world_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct callback *callback = NULL;
	struct instruction action;
	unsigned int i;

	for (i = 0; i < CALLBACKS; i++) {
		if (world.callbacks[i].storage == cb)
			callback = &world.callbacks[i];
	}
	fuzz_check(callback && callback->state == ADDED);
	fuzz_check(!world.delivering);
	fuzz_check(dma_fence_test_signaled_flag(fence));
	fuzz_check(callback->node->real == fence || !callback->node->real);
	callback->state = RUNNING;
	world.callbacks_run++;
	for (i = 0; i < CALLBACKS; i++) {
		const struct callback *other = &world.callbacks[i];

		if (other->state == ADDED && other->node == callback->node)
			fuzz_check(other->order > callback->order);
	}

	world.depth++;
	world_look();
	fuzz_check(model_done(callback->node));
	if (callback->action < world.length && world.depth < 8) {
		action = program_at(world.data, callback->action);
		action.actor = callback->actor;
		run_instruction(&action);
	}
	world.depth--;
	if (callback->frees) {
		free(callback->storage);
		*callback = (struct callback){ .state = FREE };
	} else {
		callback->state = RAN;
	}
}

/* Merging */

static bool among(const struct node *node, struct node *const *nodes, unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		if (nodes[i] == node)
			return true;
	}
	return false;
}

/* Whether one that is kept comes later, on the same timeline. */
static bool superseded(const struct node *node, struct node *const *kept, unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		if (kept[i]->context == node->context &&
		    (int64_t)(kept[i]->seqno - node->seqno) > 0)
			return true;
	}
	return false;
}

/*
 * What a merge has left out: 'certain' has certainly ended before it looked, with 'possible' all
 * that may have. How it says that these ended has to be one of the ways in which they can have.
 */
static void check_dropped(const struct outcome *said, const struct leaf_of *leaves,
			  unsigned int num, struct node *const *kept, unsigned int num_kept,
			  const struct outcome *inner)
{
	struct outcome certain = *inner, possible = *inner;
	bool found = !said->error;
	unsigned int i;

	for (i = 0; i < num; i++) {
		struct node *leaf = leaves[i].node;
		struct outcome end;

		if (among(leaf, kept, num_kept))
			continue;
		if (!model_done(leaf)) {
			fuzz_check(superseded(leaf, kept, num_kept));
			continue;
		}
		end = model_outcome(leaf);
		found |= end.error == said->error;
		outcome_fold(&possible, &end);
		if (superseded(leaf, kept, num_kept))
			continue;
		if (leaves[i].optional) {
			end.error = 0;
			end.error_unknown = false;
		}
		outcome_fold(&certain, &end);
	}
	if (possible.error_unknown || possible.timestamp_unknown)
		return;
	fuzz_check(found || said->error == inner->error);
	fuzz_check(said->timestamp >= certain.timestamp);
	fuzz_check(said->timestamp <= possible.timestamp);
	fuzz_check(!certain.error ||
		   (said->error && said->failed_timestamp <= certain.failed_timestamp));
	fuzz_check(!said->error || said->failed_timestamp >= possible.failed_timestamp);
}

static unsigned int all_leaves(struct node **heads, unsigned int num_heads, struct leaf_of *leaves,
			       unsigned int room, struct outcome *inner)
{
	unsigned int i, num = 0;

	for (i = 0; i < num_heads; i++) {
		if (heads[i])
			num += model_leaves(heads[i], leaves + num, room - num, inner);
	}
	return num;
}

static bool is_among_leaves(const struct node *node, const struct leaf_of *leaves, unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		if (leaves[i].node == node)
			return true;
	}
	return false;
}

static struct node *merged_to_array(struct dma_fence *fence, const struct leaf_of *leaves,
				    unsigned int num, const struct outcome *inner)
{
	const struct dma_fence_array *array = to_dma_fence_array(fence);
	struct node *node = world_container(ARRAY, fence);
	struct dma_fence *member;
	unsigned int i;

	fuzz_check(array->num_fences <= MOST_PARTS);
	dma_fence_array_for_each (member, i, fence) {
		struct node *part = world_node_of(member);

		fuzz_check(part && is_among_leaves(part, leaves, num));
		fuzz_check(!superseded(part, node->parts, node->num_parts));
		node->parts[node->num_parts++] = part;
	}
	fuzz_check(node->num_parts == array->num_fences);
	node->dropped = (struct outcome){
		.timestamp = array->dropped.timestamp,
		.failed_timestamp = array->dropped.failed_timestamp,
		.error = array->dropped.error,
	};
	check_dropped(&node->dropped, leaves, num, node->parts, node->num_parts, inner);
	return node;
}

struct node *world_merged(struct node **heads, unsigned int num_heads, struct dma_fence *fence)
{
	static struct leaf_of leaves[NODES * 2];
	struct outcome inner = { 0 };
	struct outcome said = { 0 };
	struct node *node;
	unsigned int num;

	fuzz_check(fence);
	world_look();
	num = all_leaves(heads, num_heads, leaves, NODES * 2, &inner);
	if (dma_fence_is_array(fence))
		return merged_to_array(fence, leaves, num, &inner);

	node = world_node_of(fence);
	if (node && is_among_leaves(node, leaves, num)) {
		/* If it is signaled, it was while others were asked. */
		check_dropped(&said, leaves, num, &node, 1,
			      &(struct outcome){ .timestamp_unknown = true });
		return node;
	}
	node = world_signaled(fence);
	said = node->end;
	said.failed_timestamp = said.timestamp;
	if (said.error) {
		unsigned int i;

		/* When that was, is not said. */
		said.failed_timestamp =
			inner.error == said.error ? inner.failed_timestamp : INT64_MAX;
		for (i = 0; i < num; i++) {
			struct outcome end = model_outcome(leaves[i].node);

			if (model_done(leaves[i].node) && end.error == said.error &&
			    end.failed_timestamp < said.failed_timestamp)
				said.failed_timestamp = end.failed_timestamp;
		}
	}
	check_dropped(&said, leaves, num, NULL, 0, &inner);
	return node;
}

bool world_stands_for(const struct node *link, const struct node *expected)
{
	const struct node *at = expected;

	while (at != link) {
		const struct node *work = at->kind == LINK ? at->parts[0] : at;

		/* It has been taken out. */
		if (!model_done(work))
			return false;
		/* One that failed stays, unless one before it has. */
		if (!model_outcome(work).error_unknown && model_outcome(work).error &&
		    !model_failed_before(at, false))
			return false;
		if (at->kind != LINK || !at->parts[1])
			return !link;
		at = at->parts[1];
	}
	return true;
}

/* From begin to end */

static void count_report(const struct dma_fence_report *report, void *arg)
{
	(void)arg;
	fuzz_check(report->reason == DMA_FENCE_REPORT_CONTEXT_DESTROY);
	world.reports++;
}

void world_begin(const uint8_t *data, size_t size)
{
	unsigned int i;

	memset(&world, 0, sizeof(world));
	dma_fence_set_report_handler(count_report, NULL);
	world.data = data;
	world.length = program_length(size);
	for (i = 0; i < CONTEXTS; i++) {
		world.contexts[i] = dma_fence_context_alloc(1);
		world.seqnos[i] = i ? 1 : UINT64_MAX - 2; /* one that wraps around */
	}
	objects_begin();
}

static void signal_what_is_left(void)
{
	unsigned int i;

	for (i = 0; i < world.num_nodes; i++) {
		struct node *node = &world.nodes[i];

		if (node->kind != LEAF || !node->producer)
			continue;
		world_signals(node, -1);
		dma_fence_signal(fence_of(node));
		node->producer = false;
		dma_fence_put(fence_of(node));
	}
}

static void callbacks_end(void)
{
	unsigned int i;

	for (i = 0; i < CALLBACKS; i++) {
		fuzz_check(world.callbacks[i].state != ADDED);
		free(world.callbacks[i].storage);
	}
}

void world_end(void)
{
	unsigned int i, k;

	world.length = 0; /* callbacks do nothing more */
	promises_end();
	producers_end();
	signal_what_is_left();
	world_look();
	callbacks_end();
	files_end();
	resvs_end();
	syncobjs_end();
	for (i = 0; i < ACTORS; i++) {
		for (k = 0; k < HANDLES; k++)
			world_keep(i, k, NULL);
	}
	for (i = 0; i < world.num_nodes; i++) {
		struct node *node = &world.nodes[i];

		if (node->kind == PROMISED)
			dma_fence_put(fence_of(node));
	}
	for (i = 0; i < world.num_nodes; i++)
		fuzz_check(world.nodes[i].kind != LEAF || world.nodes[i].released);
	fuzz_check(world.reports == world.reports_expected);
}
