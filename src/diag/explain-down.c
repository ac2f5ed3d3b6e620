/* SPDX-License-Identifier: MIT */
/* What a node waits for. */
#include <errno.h>
#include <string.h>

#include <dmafence/array.h>

#include "diag/explain.h"
#include "diag/hints.h"
#include "diag/mutants.h"
#include "diag/record.h"
#include "diag/sleepers.h"
#include "fd/promise.h"
#include "fd/syncobj.h"
#include "fence/look.h"

static struct dma_fence_explanation_node *node_of(struct explain_walk *walk, uint32_t node)
{
	return &walk->explanation->nodes[node];
}

/* Takes over an unseen reference. Returns the node, or EXPLAIN_NONE if there is no room for it. */
static uint32_t add(struct explain_walk *walk, uint32_t from, struct dma_fence *fence,
		    enum dma_fence_explanation_relation relation)
{
	const uint32_t to = dma_fence_explain_fence(walk, fence);

	if (!dma_fence_explain_edge(walk, from, to, relation))
		return EXPLAIN_NONE;
	dma_fence_explain_want(walk, to, true, true);
	return to;
}

/* Of what something is made of: counts it, and adds it if it is one of the first that are pending. */
static void add_member(struct explain_walk *walk, uint32_t from, struct dma_fence *fence)
{
	struct dma_fence_explanation_node *told = node_of(walk, from);
	bool shown;

	if (!fence || dma_fence_test_signaled_flag(fence)) {
		told->members_signaled++;
		if (!MUTANT(EXPLAINING_KEEPS_REFERENCES))
			dma_fence_put_unseen(fence);
		return;
	}
	shown = told->members_pending++ < EXPLAIN_SHOWN;
	if (!shown)
		dma_fence_put_unseen(fence);
	if (shown && add(walk, from, fence, DMA_FENCE_EXPLANATION_MADE_OF) != EXPLAIN_NONE)
		return;
	node_of(walk, from)->members_left_out++;
	walk->explanation->truncated = true;
}

static void array_down(struct explain_walk *walk, uint32_t node, struct dma_fence *fence)
{
	struct dma_fence *member;
	unsigned int i;

	dma_fence_array_for_each (member, i, fence)
		add_member(walk, node, dma_fence_get_unseen(member));
}

/*
 * A chain. The links whose own work is pending are looked for from the newest to the oldest, and
 * the oldest of them kept. These become nodes in their order, each with its own work, and are not
 * looked at again.
 */
struct links {
	struct dma_fence *oldest[EXPLAIN_SHOWN]; /* a ring, with unseen references */
	uint64_t pending;
	uint64_t signaled;
};

static void note_link(struct links *links, struct dma_fence *link)
{
	struct dma_fence **place = &links->oldest[links->pending++ % EXPLAIN_SHOWN];

	if (MUTANT(NEWEST_LINKS_EXPLAINED) && *place) {
		dma_fence_put_unseen(link);
		return;
	}
	dma_fence_put_unseen(*place);
	*place = link;
}

static void find_links(struct dma_fence *head, struct links *links)
{
	struct dma_fence *link = dma_fence_get_unseen(head), *next;
	struct dma_fence_chain *chain;

	while (link) {
		chain = to_dma_fence_chain(link);
		next = NULL;
		/* One that has signaled stands for all before it. */
		if (!dma_fence_test_signaled_flag(link) && chain)
			next = dma_fence_chain_before_unseen(chain);
		if (dma_fence_test_signaled_flag(dma_fence_chain_contained(link)) ||
		    dma_fence_test_signaled_flag(link)) {
			links->signaled++;
			dma_fence_put_unseen(link);
		} else {
			note_link(links, link);
		}
		link = next;
	}
}

static void work_down(struct explain_walk *walk, uint32_t node, struct dma_fence *link)
{
	struct dma_fence *work = dma_fence_chain_contained(link);

	if (!dma_fence_test_signaled_flag(work))
		add(walk, node, dma_fence_get_unseen(work), DMA_FENCE_EXPLANATION_MADE_OF);
}

static void chain_down(struct explain_walk *walk, uint32_t head, struct dma_fence *fence)
{
	struct links links = { .pending = 0 };
	uint32_t older = EXPLAIN_NONE, node;
	uint64_t i, shown;

	find_links(fence, &links);
	shown = links.pending < EXPLAIN_SHOWN ? links.pending : EXPLAIN_SHOWN;
	for (i = 0; i < shown; i++) {
		struct dma_fence *link = links.oldest[(links.pending - 1 - i) % EXPLAIN_SHOWN];
		const bool is_head = link == fence, is_link = dma_fence_is_chain(link);

		node = dma_fence_explain_fence(walk, link);
		if (node == EXPLAIN_NONE)
			break;
		if (older != EXPLAIN_NONE)
			dma_fence_explain_edge(walk, node, older, DMA_FENCE_EXPLANATION_MADE_OF);
		/* Before a chain there may be any other fence. */
		if (is_link && !walk->extras[node].has_down) {
			walk->extras[node].has_down = true;
			node_of(walk, node)->members_pending = i + 1;
		}
		dma_fence_explain_want(walk, node, true, true);
		if (is_link)
			work_down(walk, node, walk->extras[node].fence);
		if (!is_head)
			older = node;
	}
	/* There was no room for one, which has been let go of: nor is there for the rest. */
	for (i += !MUTANT(LINK_DROPPED_TWICE); i < shown; i++)
		dma_fence_put_unseen(links.oldest[(links.pending - 1 - i) % EXPLAIN_SHOWN]);
	if (older != EXPLAIN_NONE)
		dma_fence_explain_edge(walk, head, older, DMA_FENCE_EXPLANATION_MADE_OF);
	node_of(walk, head)->members_signaled = links.signaled;
	node_of(walk, head)->members_pending = links.pending;
	if (links.pending > EXPLAIN_SHOWN) {
		node_of(walk, head)->members_left_out = links.pending - EXPLAIN_SHOWN;
		walk->explanation->truncated = true;
	}
}

/* A fence that somebody signals: what that may have to wait for. */
static void leaf_down(struct explain_walk *walk, uint32_t node, struct dma_fence *fence)
{
	struct dma_fence *on[EXPLAIN_SHOWN + 1];
	struct context_record record;
	uint32_t i, count, thread_node;
	int32_t thread;
	bool said;

	count = dma_fence_hinted_dependencies(fence, on, EXPLAIN_SHOWN + 1);
	if (count > EXPLAIN_SHOWN) {
		dma_fence_put_unseen(on[--count]);
		walk->explanation->truncated = true;
	}
	for (i = 0; i < count; i++) {
		if (dma_fence_test_signaled_flag(on[i]))
			dma_fence_put_unseen(on[i]);
		else
			add(walk, node, on[i], DMA_FENCE_EXPLANATION_DEPENDS);
	}
	thread = dma_fence_hinted_signaler(fence->context);
	said = thread;
	if (!thread && dma_fence_records_kept() &&
	    dma_fence_context_record(fence->context, &record))
		thread = record.last_signaled_by;
	if (!thread)
		return;
	thread_node = dma_fence_explain_thread(walk, thread);
	if (!dma_fence_explain_edge(walk, node, thread_node,
				    said ? DMA_FENCE_EXPLANATION_SIGNALED_BY
					 : DMA_FENCE_EXPLANATION_GUESSED))
		return;
	dma_fence_explain_want(walk, thread_node, true, false);
}

static void fence_down(struct explain_walk *walk, uint32_t node)
{
	struct dma_fence *fence = walk->extras[node].fence;

	if (!explain_is_pending(node_of(walk, node)))
		return;
	switch (node_of(walk, node)->kind) {
	case DMA_FENCE_EXPLANATION_ARRAY:
		array_down(walk, node, fence);
		break;
	case DMA_FENCE_EXPLANATION_LINK:
		chain_down(walk, node, fence);
		break;
	case DMA_FENCE_EXPLANATION_PROMISE:
		fence = dma_fence_promise_kept_with_unseen(fence);
		if (fence)
			add(walk, node, fence, DMA_FENCE_EXPLANATION_KEPT_WITH);
		else
			leaf_down(walk, node, walk->extras[node].fence);
		break;
	case DMA_FENCE_EXPLANATION_FENCE:
		leaf_down(walk, node, fence);
		break;
	default:
		break; /* nobody in this process signals it */
	}
}

/* Objects */

static void point_down(struct explain_walk *walk, uint32_t node)
{
	struct dma_fence_syncobj *syncobj = walk->extras[node].syncobj;
	const uint64_t point = node_of(walk, node)->seqno;
	struct dma_fence_explanation_node *told;
	struct dma_fence *fence;
	uint64_t last = 0;
	uint32_t found;
	int ret = syncobj->ops->find(syncobj, point, &walk->patience, NULL, &fence);

	syncobj->ops->query(syncobj, DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED, &last);
	told = node_of(walk, node);
	told->last_emitted = last;
	if (ret) {
		walk->failed = walk->failed || ret == -ENOMEM;
		told->error = ret;
		told->state = ret == -ENOENT ? DMA_FENCE_EXPLANATION_UNPROMISED
					     : DMA_FENCE_EXPLANATION_UNKNOWN;
		return;
	}
	found = add(walk, node, dma_fence_get_unseen(fence), DMA_FENCE_EXPLANATION_MADE_OF);
	dma_fence_put(fence);
	if (found == EXPLAIN_NONE)
		return;
	told = node_of(walk, node);
	told->state = node_of(walk, found)->state;
	told->error = node_of(walk, found)->error;
	told->timestamp = node_of(walk, found)->timestamp;
}

/* What was collected is thrown away when others make room, and the loop begins anew. */
struct in_resv {
	struct dma_fence *fences[EXPLAIN_SHOWN];
	enum dma_resv_usage usages[EXPLAIN_SHOWN];
	uint64_t count;
};

static uint32_t shown_of(const struct in_resv *in)
{
	return in->count < EXPLAIN_SHOWN ? (uint32_t)in->count : EXPLAIN_SHOWN;
}

static void throw_away(struct in_resv *in)
{
	uint32_t i;

	for (i = 0; i < shown_of(in); i++)
		dma_fence_put_unseen(in->fences[i]);
	in->count = 0;
}

static void resv_down(struct explain_walk *walk, uint32_t node)
{
	struct in_resv in = { .count = 0 };
	struct dma_fence_explanation_edge *edge;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	uint32_t i, to;

	dma_resv_iter_begin(&cursor, walk->extras[node].resv, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked (&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor))
			throw_away(&in);
		if (in.count < EXPLAIN_SHOWN) {
			in.fences[in.count] = dma_fence_get_unseen(fence);
			in.usages[in.count] = dma_resv_iter_usage(&cursor);
		}
		in.count++;
	}
	if (dma_resv_iter_is_restarted(&cursor))
		throw_away(&in);
	dma_resv_iter_end(&cursor);

	node_of(walk, node)->members_pending = in.count;
	node_of(walk, node)->members_left_out = in.count - shown_of(&in);
	if (in.count > EXPLAIN_SHOWN)
		walk->explanation->truncated = true;
	for (i = 0; i < shown_of(&in); i++) {
		to = dma_fence_explain_fence(walk, in.fences[i]);
		edge = dma_fence_explain_edge(walk, node, to, DMA_FENCE_EXPLANATION_MADE_OF);
		if (!edge)
			continue;
		edge->usage = in.usages[i];
		dma_fence_explain_want(walk, to, true, true);
	}
	node_of(walk, node)->state =
		in.count ? DMA_FENCE_EXPLANATION_PENDING : DMA_FENCE_EXPLANATION_DRAINED;
}

static void context_down(struct explain_walk *walk, uint32_t node)
{
	struct dma_fence_explanation_node *told;
	struct dma_fence *fences[EXPLAIN_SHOWN];
	struct context_progress progress;
	uint32_t i, count;

	count = dma_fence_context_look(walk->extras[node].context, &progress, fences,
				       EXPLAIN_SHOWN);
	told = node_of(walk, node);
	told->progress_known = true;
	told->any_signaled = progress.any_signaled;
	told->last_signaled = progress.last_signaled;
	told->last_emitted = progress.last_emitted;
	told->error = progress.error;
	for (i = 0; i < count; i++)
		add_member(walk, node, fences[i]);
	told = node_of(walk, node);
	if (progress.pending > count) {
		told->members_pending += progress.pending - count;
		told->members_left_out += progress.pending - count;
		walk->explanation->truncated = true;
	}
	told->state = !progress.known	      ? DMA_FENCE_EXPLANATION_UNKNOWN
		      : told->members_pending ? DMA_FENCE_EXPLANATION_PENDING
					      : DMA_FENCE_EXPLANATION_DRAINED;
}

/* Threads */

struct sleeps {
	int32_t thread;
	struct dma_fence *fences[EXPLAIN_SHOWN]; /* with unseen references, as the next */
	struct dma_fence_syncobj_point points[EXPLAIN_SHOWN];
	uint32_t num_fences, num_points;
	bool any;
	int64_t since;
	int64_t until;
	uint32_t stack;
};

/* Who sleeps holds what he sleeps for. */
static bool note_sleep(const struct sleeper *sleeper, void *arg)
{
	struct sleeps *sleeps = arg;
	uint32_t i;

	if (sleeper->thread != sleeps->thread)
		return true;
	for (i = 0; i < sleeper->count && i < EXPLAIN_SHOWN; i++)
		sleeps->fences[i] = dma_fence_get_unseen(sleeper->fences[i]);
	sleeps->num_fences = i;
	for (i = 0; i < sleeper->num_points && i < EXPLAIN_SHOWN; i++) {
		sleeps->points[i] = sleeper->points[i];
		dma_fence_syncobj_get(sleeps->points[i].syncobj);
	}
	sleeps->num_points = i;
	sleeps->any = sleeper->count + sleeper->num_points > 1;
	sleeps->since = sleeper->since;
	sleeps->until = sleeper->deadline;
	sleeps->stack = sleeper->stack;
	return false;
}

static void thread_down(struct explain_walk *walk, uint32_t node)
{
	struct sleeps sleeps = { .thread = node_of(walk, node)->thread };
	enum dma_fence_explanation_relation relation;
	struct dma_fence_explanation_edge *edge;
	uint32_t i, to;

	dma_fence_sleepers_for_each(note_sleep, &sleeps);
	dma_fence_explain_sleeps_where(walk, node, sleeps.stack);
	relation = sleeps.any ? DMA_FENCE_EXPLANATION_SLEEPS_FOR_ANY : DMA_FENCE_EXPLANATION_SLEEPS;
	for (i = 0; i < sleeps.num_fences + sleeps.num_points; i++) {
		if (i < sleeps.num_fences)
			to = dma_fence_explain_fence(walk, sleeps.fences[i]);
		else
			to = dma_fence_explain_point(walk,
						     sleeps.points[i - sleeps.num_fences].syncobj,
						     sleeps.points[i - sleeps.num_fences].point);
		edge = dma_fence_explain_edge(walk, node, to, relation);
		if (!edge)
			continue;
		edge->since = sleeps.since;
		edge->until = sleeps.until;
		dma_fence_explain_want(walk, to, true, true);
	}
}

void dma_fence_explain_down(struct explain_walk *walk, uint32_t node)
{
	walk->extras[node].has_down = true;
	switch (node_of(walk, node)->kind) {
	case DMA_FENCE_EXPLANATION_POINT:
		point_down(walk, node);
		break;
	case DMA_FENCE_EXPLANATION_RESV:
		resv_down(walk, node);
		break;
	case DMA_FENCE_EXPLANATION_CONTEXT:
		context_down(walk, node);
		break;
	case DMA_FENCE_EXPLANATION_THREAD:
		thread_down(walk, node);
		break;
	case DMA_FENCE_EXPLANATION_CALLBACK:
		break;
	default:
		fence_down(walk, node);
		break;
	}
}
