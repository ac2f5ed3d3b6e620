/* SPDX-License-Identifier: MIT */
/* Who waits for a node: callbacks, what is made of it, and threads. */
#include "diag/explain.h"
#include "diag/running.h"
#include "diag/sleepers.h"
#include "fd/promise.h"
#include "fence/look.h"

struct found_callback {
	const struct dma_fence_cb *cb;
	dma_fence_func_t func;
	struct dma_fence *owner; /* with an unseen reference */
	enum dma_fence_explanation_relation relation;
};

struct found_callbacks {
	struct found_callback of[EXPLAIN_SHOWN];
	uint32_t shown;
	uint32_t left_out, containers_left_out;
	uint32_t plain; /* those that are not of the library's own, of which there is an owner */
};

static struct dma_fence *owner_of(const struct dma_fence_cb *cb,
				  enum dma_fence_explanation_relation *relation)
{
	struct dma_fence *owner = dma_fence_array_of_callback(cb);

	*relation = DMA_FENCE_EXPLANATION_MADE_OF;
	if (!owner)
		owner = dma_fence_chain_of_callback(cb);
	if (owner)
		return owner;
	*relation = DMA_FENCE_EXPLANATION_KEPT_WITH;
	return dma_fence_promise_of_callback(cb);
}

static bool note_callback(const struct dma_fence_cb *cb, void *arg)
{
	enum dma_fence_explanation_relation relation;
	struct found_callbacks *found = arg;
	struct dma_fence *owner = owner_of(cb, &relation);

	if (!owner && dma_fence_is_callback_of_wait(cb))
		return true; /* the thread says so itself */
	found->plain += !owner;
	if (found->shown < EXPLAIN_SHOWN) {
		found->of[found->shown++] = (struct found_callback){
			.cb = cb,
			.func = cb->func,
			.owner = dma_fence_get_unseen(owner),
			.relation = relation,
		};
	} else {
		found->left_out++;
		found->containers_left_out += !!owner;
	}
	return true;
}

static void callbacks_up(struct explain_walk *walk, uint32_t node,
			 const struct found_callbacks *found)
{
	uint32_t i, from;

	for (i = 0; i < found->shown; i++) {
		const struct found_callback *each = &found->of[i];

		if (each->owner) {
			from = dma_fence_explain_fence(walk, each->owner);
			walk->extras[node].containers_left_out += from == EXPLAIN_NONE;
			dma_fence_explain_edge(walk, from, node, each->relation);
			dma_fence_explain_want(walk, from, false, true);
		} else {
			from = dma_fence_explain_callback(walk, each->cb, each->func);
			if (from != EXPLAIN_NONE)
				walk->explanation->nodes[from].upwards = true;
			dma_fence_explain_edge(walk, from, node, DMA_FENCE_EXPLANATION_CALLED);
		}
		walk->explanation->nodes[node].callbacks_left_out += from == EXPLAIN_NONE;
	}
}

/* Of a signaled fence: which callback has begun, and has not returned. */
static void running_up(struct explain_walk *walk, uint32_t node)
{
	struct running running;
	uint32_t from;

	if (!dma_fence_running_of(walk->extras[node].fence, &running))
		return;
	walk->extras[node].running = true;
	walk->explanation->nodes[node].thread = running.thread;
	from = dma_fence_explain_callback(walk, running.cb, running.func);
	if (from == EXPLAIN_NONE)
		return;
	walk->explanation->nodes[from].thread = running.thread;
	walk->explanation->nodes[from].upwards = true;
	walk->extras[from].since = running.since;
	dma_fence_explain_edge(walk, from, node, DMA_FENCE_EXPLANATION_CALLED);
}

void dma_fence_explain_up(struct explain_walk *walk, uint32_t node)
{
	struct found_callbacks found = { .shown = 0 };
	struct dma_fence *fence = walk->extras[node].fence;
	struct dma_fence_explanation_node *told;

	walk->extras[node].has_up = true;
	told = &walk->explanation->nodes[node];
	if (!fence || told->state == DMA_FENCE_EXPLANATION_DRAINED)
		return;
	/* Somebody keeps the lock of one that is signaled: he runs the only callback there is. */
	if (!dma_fence_visit_callbacks(fence, note_callback, &found))
		walk->extras[node].running = true;
	told->callbacks = found.plain;
	told->callbacks_left_out = found.left_out;
	walk->extras[node].containers_left_out = found.containers_left_out;
	if (found.left_out)
		walk->explanation->truncated = true;
	callbacks_up(walk, node, &found);
	if (!explain_is_pending(&walk->explanation->nodes[node]))
		running_up(walk, node);
}

/* Threads */

/* Who sleeps for what there is a node of. */
struct found_sleeper {
	uint32_t node;
	int32_t thread;
	int64_t since;
	int64_t until;
	uint32_t stack;
	bool any;
};

struct found_sleepers {
	struct explain_walk *walk;
	struct found_sleeper *of;
	uint32_t count, room;
};

/* All are counted, and some of each node told of. The same fence may be there more than once. */
static void note_sleeper(struct found_sleepers *found, const struct sleeper *sleeper, uint32_t node)
{
	struct explain_extra *extra;

	if (node == EXPLAIN_NONE || found->walk->extras[node].last_sleeper == sleeper)
		return;
	extra = &found->walk->extras[node];
	extra->last_sleeper = sleeper;
	if (++extra->sleepers > EXPLAIN_SHOWN || found->count == found->room) {
		found->walk->explanation->truncated = true;
		return;
	}
	found->of[found->count++] = (struct found_sleeper){
		.node = node,
		.thread = sleeper->thread,
		.since = sleeper->since,
		.until = sleeper->deadline,
		.stack = sleeper->stack,
		.any = sleeper->count + sleeper->num_points > 1,
	};
}

static bool look_at_sleeper(const struct sleeper *sleeper, void *arg)
{
	struct found_sleepers *found = arg;
	const struct explain_walk *walk = found->walk;
	uint32_t i;

	for (i = 0; i < sleeper->count; i++)
		note_sleeper(found, sleeper,
			     dma_fence_explain_find(walk, DMA_FENCE_EXPLANATION_FENCE,
						    sleeper->fences[i], 0));
	for (i = 0; i < sleeper->num_points; i++)
		note_sleeper(found, sleeper,
			     dma_fence_explain_find(walk, DMA_FENCE_EXPLANATION_POINT,
						    sleeper->points[i].syncobj,
						    sleeper->points[i].point));
	return true;
}

void dma_fence_explain_sleepers(struct explain_walk *walk)
{
	struct found_sleeper of[8 * EXPLAIN_SHOWN];
	struct found_sleepers found = { .walk = walk, .of = of, .room = 8 * EXPLAIN_SHOWN };
	struct dma_fence_explanation_edge *edge;
	uint32_t i, before, from;

	dma_fence_sleepers_for_each(look_at_sleeper, &found);
	for (i = 0; i < found.count; i++) {
		before = walk->explanation->num_nodes;
		from = dma_fence_explain_thread(walk, of[i].thread);
		if (from == EXPLAIN_NONE)
			continue;
		if (from == before)
			walk->explanation->nodes[from].upwards = true;
		edge = dma_fence_explain_edge(walk, from, of[i].node,
					      of[i].any ? DMA_FENCE_EXPLANATION_SLEEPS_FOR_ANY
							: DMA_FENCE_EXPLANATION_SLEEPS);
		if (edge) {
			edge->since = of[i].since;
			edge->until = of[i].until;
		}
		dma_fence_explain_sleeps_where(walk, from, of[i].stack);
	}
}
