/* SPDX-License-Identifier: MIT */
/* What is the matter: a sentence for each node, and one for all of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "diag/explain.h"
#include "diag/thread.h"

static struct dma_fence_explanation_node *node_of(const struct explain_walk *walk, uint32_t node)
{
	return &walk->explanation->nodes[node];
}

const char *dma_fence_explain_duration(int64_t ns, char text[EXPLAIN_DURATION])
{
	if (ns < 0)
		ns = 0;
	if (ns < 1000000)
		snprintf(text, EXPLAIN_DURATION, "%d us", (int)(ns / 1000));
	else if (ns < 1000000000)
		snprintf(text, EXPLAIN_DURATION, "%d ms", (int)(ns / 1000000));
	else if (ns < INT64_C(120) * 1000000000)
		snprintf(text, EXPLAIN_DURATION, "%d.%d s", (int)(ns / 1000000000),
			 (int)(ns / 100000000 % 10));
	else
		snprintf(text, EXPLAIN_DURATION, "%" PRId64 " min", ns / 1000000000 / 60);
	return text;
}

/* How long ago. */
static const char *since(const struct explain_walk *walk, int64_t time, char text[EXPLAIN_DURATION])
{
	return dma_fence_explain_duration(walk->explanation->now - time, text);
}

/* The first edge that begins at the node, of a relation; NULL. */
static const struct dma_fence_explanation_edge *
edge_from(const struct explain_walk *walk, uint32_t node,
	  enum dma_fence_explanation_relation relation)
{
	uint32_t i;

	for (i = 0; i < walk->explanation->num_edges; i++) {
		const struct dma_fence_explanation_edge *edge = &walk->explanation->edges[i];

		if (edge->from == node && edge->relation == relation)
			return edge;
	}
	return NULL;
}

/* "a, b and 3 more", or "nobody" */

struct waiters {
	uint32_t threads, callbacks, containers;
	const char *thread, *callback, *container; /* the first of each */
};

static void find_waiters(const struct explain_walk *walk, uint32_t node, struct waiters *waiters)
{
	uint32_t i;

	memset(waiters, 0, sizeof(*waiters));
	for (i = 0; i < walk->explanation->num_edges; i++) {
		const struct dma_fence_explanation_edge *edge = &walk->explanation->edges[i];
		const struct dma_fence_explanation_node *from = node_of(walk, edge->from);

		if (edge->to != node)
			continue;
		if (from->kind == DMA_FENCE_EXPLANATION_THREAD) {
			if (!waiters->threads++)
				waiters->thread = from->label;
		} else if (from->kind == DMA_FENCE_EXPLANATION_CALLBACK) {
			if (!waiters->callback)
				waiters->callback = from->label;
		} else if (from->enabled) {
			if (!waiters->containers++)
				waiters->container = from->label;
		}
	}
	if (waiters->threads < walk->extras[node].sleepers)
		waiters->threads = walk->extras[node].sleepers;
	waiters->containers += walk->extras[node].containers_left_out;
	waiters->callbacks = node_of(walk, node)->callbacks;
}

static void tell_some(FILE *out, bool *first, uint32_t count, const char *one, const char *what)
{
	if (!count)
		return;
	fputs(*first ? "; " : " and ", out);
	*first = false;
	if (count == 1 && one)
		fputs(one, out);
	else
		fprintf(out, "%" PRIu32 " %s%s", count, what, count == 1 ? "" : "s");
}

static void tell_waiters(const struct explain_walk *walk, uint32_t node, FILE *out)
{
	struct waiters waiters;
	bool first = true;
	uint32_t all;

	find_waiters(walk, node, &waiters);
	tell_some(out, &first, waiters.threads, waiters.thread, "thread");
	tell_some(out, &first, waiters.callbacks, waiters.callback, "callback");
	tell_some(out, &first, waiters.containers, waiters.container, "container");
	all = waiters.threads + waiters.callbacks + waiters.containers;
	/* Of a point, others may: by an eventfd, or in other processes. */
	if (!all && node_of(walk, node)->kind == DMA_FENCE_EXPLANATION_POINT)
		fputs("; no thread of this process waits for it", out);
	else
		fputs(!all	 ? "; nobody waits for it"
		      : all == 1 ? " waits for it"
				 : " wait for it",
		      out);
}

/* Fences that have signaled */

static void tell_signaled(const struct explain_walk *walk, uint32_t node, FILE *out)
{
	const struct dma_fence_explanation_node *told = node_of(walk, node);
	const uint32_t callbacks = told->callbacks + walk->extras[node].running;
	char ago[EXPLAIN_DURATION];

	fputs("signaled", out);
	if (told->error)
		fprintf(out, " with error %d", told->error);
	/* A stub has no time. */
	if (told->timestamp)
		fprintf(out, " %s ago", since(walk, told->timestamp, ago));
	if (told->state == DMA_FENCE_EXPLANATION_DRAINED)
		return;
	if (callbacks == 1)
		fputs(", but 1 callback has not returned", out);
	else if (callbacks)
		fprintf(out, ", but %" PRIu32 " callbacks have not returned", callbacks);
	else
		fputs(", but not all callbacks have returned", out);
	if (told->thread)
		fprintf(out, ": thread %d is running %s", (int)told->thread,
			callbacks == 1 ? "it" : "them");
}

/* Fences that somebody is to signal */

static void tell_progress(const struct explain_walk *walk, uint32_t node, FILE *out)
{
	const struct dma_fence_explanation_node *told = node_of(walk, node);
	char ago[EXPLAIN_DURATION];

	if (!told->progress_known)
		return;
	if (!told->any_signaled) {
		fputs(": it has signaled nothing yet", out);
		return;
	}
	fprintf(out, ": its last was %" PRIu64 ":%" PRIu64, told->context, told->last_signaled);
	if (told->last_signaled_at)
		fprintf(out, ", %s ago", since(walk, told->last_signaled_at, ago));
}

static void tell_times(const struct explain_walk *walk, uint32_t node, FILE *out)
{
	const struct dma_fence_explanation_node *told = node_of(walk, node);
	const int64_t late = walk->explanation->now - told->deadline;
	char text[EXPLAIN_DURATION];

	if (told->deadline != INT64_MAX && late > 0)
		fprintf(out, "; its deadline was missed by %s",
			dma_fence_explain_duration(late, text));
	if (told->created_at)
		fprintf(out, "; it is %s old", since(walk, told->created_at, text));
	else if (!walk->explanation->records)
		fputs(" (DMA_FENCE_DEBUG=records would tell its age)", out);
}

static void tell_engine(const struct dma_fence_explanation_node *told, FILE *out)
{
	if (told->driver)
		fprintf(out, "engine '%s %s' has not signaled %" PRIu64 ":%" PRIu64, told->driver,
			told->timeline, told->context, told->seqno);
	else
		fprintf(out, "nobody has signaled %" PRIu64 ":%" PRIu64, told->context,
			told->seqno);
}

static void tell_pending(const struct explain_walk *walk, uint32_t node, FILE *out)
{
	const struct dma_fence_explanation_node *told = node_of(walk, node);
	char ago[EXPLAIN_DURATION];

	tell_engine(told, out);
	tell_progress(walk, node, out);
	if (told->enabled_at)
		fprintf(out, "; signaling was enabled %s ago", since(walk, told->enabled_at, ago));
	else if (told->enabled)
		fputs("; signaling is enabled", out);
	tell_waiters(walk, node, out);
	tell_times(walk, node, out);
}

static void tell_what_it_does(const struct explain_walk *walk, uint32_t thread, FILE *out)
{
	const struct dma_fence_explanation_edge *edge =
		edge_from(walk, thread, DMA_FENCE_EXPLANATION_SLEEPS);

	if (edge)
		fprintf(out, "waits for %s", node_of(walk, edge->to)->label);
	else if (edge_from(walk, thread, DMA_FENCE_EXPLANATION_SLEEPS_FOR_ANY))
		fputs("waits for one of several fences", out);
	else if (node_of(walk, thread)->gone)
		fputs("has ended", out);
	else if (node_of(walk, thread)->thread == dma_fence_thread_number())
		fputs("is the one that asks", out);
	else
		fputs("does not wait for any fence", out);
}

/* The one who is to signal it waits, or is gone. */
static bool tell_signaler(const struct explain_walk *walk, uint32_t node, FILE *out,
			  enum explain_rank *rank)
{
	const struct dma_fence_explanation_node *told = node_of(walk, node);
	const struct dma_fence_explanation_edge *edge =
		edge_from(walk, node, DMA_FENCE_EXPLANATION_SIGNALED_BY);
	const bool said = edge;
	bool sleeps;

	if (!edge)
		edge = edge_from(walk, node, DMA_FENCE_EXPLANATION_GUESSED);
	if (!edge)
		return false;
	sleeps = edge_from(walk, edge->to, DMA_FENCE_EXPLANATION_SLEEPS) ||
		 edge_from(walk, edge->to, DMA_FENCE_EXPLANATION_SLEEPS_FOR_ANY);
	/* That somebody who has signaled once is gone, or has other things to do, says nothing. */
	if (!sleeps && !(said && node_of(walk, edge->to)->gone))
		return false;
	*rank = sleeps ? EXPLAIN_WAITS_ITSELF : EXPLAIN_GONE;
	fprintf(out, "%s, which %s %" PRIu64 ":%" PRIu64 "%s, ", node_of(walk, edge->to)->label,
		said ? "signals" : "would be the one to signal", told->context, told->seqno,
		said ? "" : " if the past is a guide (it has signaled the last of its context)");
	tell_what_it_does(walk, edge->to, out);
	return true;
}

static enum explain_rank leaf_verdict(const struct explain_walk *walk, uint32_t node, FILE *out)
{
	const struct dma_fence_explanation_node *told = node_of(walk, node);
	const struct dma_fence_explanation_edge *edge;
	enum explain_rank rank;

	if (told->lost) {
		fprintf(out,
			"the producer of %" PRIu64 ":%" PRIu64 " has passed it over: %" PRIu64
			" has signaled on its context, %" PRIu64 " has not: lost",
			told->context, told->seqno, told->last_signaled, told->seqno);
		return EXPLAIN_LOST;
	}
	edge = edge_from(walk, node, DMA_FENCE_EXPLANATION_DEPENDS);
	if (edge) {
		fprintf(out, "%s is not to signal before %s has", told->label,
			node_of(walk, edge->to)->label);
		return EXPLAIN_WAITS_ITSELF;
	}
	if (tell_signaler(walk, node, out, &rank))
		return rank;
	if (told->signals_when_asked && !told->enabled) {
		fprintf(out,
			"signaling of %" PRIu64 ":%" PRIu64 " has not been enabled: nobody waits, "
			"and this driver signals only when asked",
			told->context, told->seqno);
		return EXPLAIN_NOT_ENABLED;
	}
	tell_pending(walk, node, out);
	return EXPLAIN_PENDING;
}

static enum explain_rank promise_verdict(const struct explain_walk *walk, uint32_t node, FILE *out)
{
	const struct dma_fence_explanation_node *told = node_of(walk, node);
	const struct dma_fence_explanation_edge *edge =
		edge_from(walk, node, DMA_FENCE_EXPLANATION_KEPT_WITH);
	enum explain_rank rank;

	if (edge) {
		fprintf(out, "%s is kept with %s", told->label, node_of(walk, edge->to)->label);
		return EXPLAIN_WAITS_ITSELF;
	}
	if (tell_signaler(walk, node, out, &rank))
		return rank;
	fprintf(out, "somebody has given %s, and neither kept nor broken it", told->label);
	if (told->created_by)
		fprintf(out, ": thread %d", (int)told->created_by);
	if (told->created_where)
		fprintf(out, " in %s", told->created_where);
	tell_waiters(walk, node, out);
	tell_times(walk, node, out);
	return EXPLAIN_BROKEN_OFF;
}

static enum explain_rank outside_verdict(const struct explain_walk *walk, uint32_t node, FILE *out)
{
	const struct dma_fence_explanation_node *told = node_of(walk, node);

	if (told->kind == DMA_FENCE_EXPLANATION_SYNC_FILE)
		fprintf(out, "%s has not signaled, and nobody in this process signals it",
			told->label);
	else
		fprintf(out,
			"%s has not signaled: whichever process has put it there has to, and if "
			"that dies it will fail",
			told->label);
	tell_waiters(walk, node, out);
	tell_times(walk, node, out);
	return EXPLAIN_PENDING;
}

/* What is made of others */

static enum explain_rank container_verdict(const struct explain_walk *walk, uint32_t node,
					   FILE *out)
{
	const struct dma_fence_explanation_node *told = node_of(walk, node);
	const bool link = told->kind == DMA_FENCE_EXPLANATION_LINK;
	const char *what = link ? "points" : "fences";

	if (!told->members_pending) {
		fprintf(out, "all that %s is made of has signaled: %s", told->label,
			told->enabled ? "it is about to"
				      : "it will when somebody waits for it, or polls it");
		return EXPLAIN_BROKEN_OFF;
	}
	fprintf(out, "%s waits for %" PRIu64, told->label, told->members_pending);
	if (told->members_signaled && !link)
		fprintf(out, " of its %" PRIu64, told->members_pending + told->members_signaled);
	fprintf(out, " %s",
		told->members_pending == 1 && (link || !told->members_signaled)
			? (link ? "point" : "fence")
			: what);
	return EXPLAIN_WAITS_ITSELF;
}

static enum explain_rank fence_verdict(const struct explain_walk *walk, uint32_t node, FILE *out)
{
	const struct dma_fence_explanation_node *told = node_of(walk, node);

	switch (told->state) {
	case DMA_FENCE_EXPLANATION_SIGNALED:
		tell_signaled(walk, node, out);
		return EXPLAIN_BROKEN_OFF;
	case DMA_FENCE_EXPLANATION_DRAINED:
		tell_signaled(walk, node, out);
		return EXPLAIN_WAITS_ITSELF;
	case DMA_FENCE_EXPLANATION_QUARANTINED:
		fprintf(out,
			"%s is in quarantine: its last reference was dropped before it was "
			"signaled, and unless its producer still knows of it nobody will signal it",
			told->label);
		return EXPLAIN_QUARANTINED;
	case DMA_FENCE_EXPLANATION_COMPLETE:
		fprintf(out, "the back end of %s says that it is done, but nobody has polled it%s",
			told->label,
			told->enabled && told->signals_when_asked
				? ", and its driver, which was asked to signal it, has not"
				: "");
		return EXPLAIN_BROKEN_OFF;
	default:
		break;
	}
	switch (told->kind) {
	case DMA_FENCE_EXPLANATION_ARRAY:
	case DMA_FENCE_EXPLANATION_LINK:
		return container_verdict(walk, node, out);
	case DMA_FENCE_EXPLANATION_PROMISE:
		return promise_verdict(walk, node, out);
	case DMA_FENCE_EXPLANATION_SYNC_FILE:
	case DMA_FENCE_EXPLANATION_SHARED:
		return outside_verdict(walk, node, out);
	default:
		return leaf_verdict(walk, node, out);
	}
}

/* Objects */

static enum explain_rank point_verdict(const struct explain_walk *walk, uint32_t node, FILE *out)
{
	const struct dma_fence_explanation_node *told = node_of(walk, node);

	switch (told->state) {
	case DMA_FENCE_EXPLANATION_UNPROMISED:
		if (!told->seqno)
			fputs("nobody has put a fence into this sync object", out);
		else if (told->last_emitted)
			fprintf(out,
				"nobody has promised point %" PRIu64
				" of this timeline: the last one that was is %" PRIu64,
				told->seqno, told->last_emitted);
		else
			fprintf(out,
				"nobody has promised point %" PRIu64
				" of this timeline: nor any other",
				told->seqno);
		tell_waiters(walk, node, out);
		return EXPLAIN_BROKEN_OFF;
	case DMA_FENCE_EXPLANATION_UNKNOWN:
		if (told->error == -EINVAL)
			fprintf(out, "this sync object is %s",
				told->seqno ? "binary: it has no points"
					    : "a timeline: there is no point 0");
		else
			fprintf(out, "the sync object cannot be asked: error %d", told->error);
		return EXPLAIN_BROKEN_OFF;
	case DMA_FENCE_EXPLANATION_SIGNALED:
	case DMA_FENCE_EXPLANATION_DRAINED:
		tell_signaled(walk, node, out);
		return EXPLAIN_WAITS_ITSELF;
	default:
		fprintf(out, "%s is there, and pending", told->label);
		return EXPLAIN_WAITS_ITSELF;
	}
}

static enum explain_rank resv_verdict(const struct explain_walk *walk, uint32_t node, FILE *out)
{
	const struct dma_fence_explanation_node *told = node_of(walk, node);

	if (told->members_pending)
		fprintf(out, "%s has %" PRIu64 " pending %s", told->label, told->members_pending,
			told->members_pending == 1 ? "fence" : "fences");
	else
		fprintf(out, "there is nothing to wait for in %s", told->label);
	return EXPLAIN_WAITS_ITSELF;
}

static enum explain_rank context_verdict(const struct explain_walk *walk, uint32_t node, FILE *out)
{
	const struct dma_fence_explanation_node *told = node_of(walk, node);

	if (told->state == DMA_FENCE_EXPLANATION_UNKNOWN)
		fprintf(out, "%s is busy in another thread", told->label);
	else if (told->members_pending)
		fprintf(out, "%s has %" PRIu64 " pending %s", told->label, told->members_pending,
			told->members_pending == 1 ? "fence" : "fences");
	else
		fprintf(out, "nothing is pending on %s", told->label);
	if (told->any_signaled)
		fprintf(out, ": it has emitted up to %" PRIu64 ", and signaled up to %" PRIu64,
			told->last_emitted, told->last_signaled);
	else
		fprintf(out, ": it has emitted up to %" PRIu64 ", and signaled nothing yet",
			told->last_emitted);
	if (told->error)
		fprintf(out, "; it has failed with error %d", told->error);
	return EXPLAIN_WAITS_ITSELF;
}

static enum explain_rank thread_verdict(const struct explain_walk *walk, uint32_t node, FILE *out)
{
	fprintf(out, "%s ", node_of(walk, node)->label);
	tell_what_it_does(walk, node, out);
	return EXPLAIN_WAITS_ITSELF;
}

static enum explain_rank write_verdict(const struct explain_walk *walk, uint32_t node, FILE *out)
{
	switch (node_of(walk, node)->kind) {
	case DMA_FENCE_EXPLANATION_POINT:
		return point_verdict(walk, node, out);
	case DMA_FENCE_EXPLANATION_RESV:
		return resv_verdict(walk, node, out);
	case DMA_FENCE_EXPLANATION_CONTEXT:
		return context_verdict(walk, node, out);
	case DMA_FENCE_EXPLANATION_THREAD:
		return thread_verdict(walk, node, out);
	default:
		return fence_verdict(walk, node, out);
	}
}

/* What is written into a string by malloc(); NULL, and the walk has failed. */
static FILE *begin(struct explain_walk *walk, char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);

	*text = NULL;
	walk->failed = walk->failed || !out;
	return out;
}

static void end(struct explain_walk *walk, FILE *out, char **text)
{
	const bool failed = ferror(out);

	if (!fclose(out) && !failed)
		return;
	free(*text);
	*text = NULL;
	walk->failed = true;
}

static void verdict_on(struct explain_walk *walk, uint32_t node)
{
	enum explain_rank rank;
	size_t size;
	char *text;
	FILE *out;

	if (node_of(walk, node)->upwards)
		return;
	out = begin(walk, &text, &size);
	if (!out)
		return;
	rank = write_verdict(walk, node, out);
	end(walk, out, &text);
	walk->extras[node].rank = rank;
	node_of(walk, node)->verdict = text;
}

/* The whole */

static const char *verb_of(enum dma_fence_explanation_relation relation, bool first)
{
	switch (relation) {
	case DMA_FENCE_EXPLANATION_SIGNALED_BY:
		return first ? " is signaled by " : ", which is signaled by ";
	case DMA_FENCE_EXPLANATION_GUESSED:
		return first ? " has, as far as the past is a guide, to be signaled by "
			     : ", which has, as far as the past is a guide, to be signaled by ";
	case DMA_FENCE_EXPLANATION_DEPENDS:
		return first ? " is not to signal before " : ", which is not to signal before ";
	case DMA_FENCE_EXPLANATION_KEPT_WITH:
		return first ? " is kept with " : ", which is kept with ";
	default:
		return first ? " waits for " : ", which waits for ";
	}
}

static const struct dma_fence_explanation_edge *
edge_of(const struct dma_fence_explanation *explanation, uint32_t from, uint32_t to)
{
	uint32_t i = 0;

	while (explanation->edges[i].from != from || explanation->edges[i].to != to)
		i++;
	return &explanation->edges[i];
}

static void tell_cycle(const struct explain_walk *walk, FILE *out)
{
	const struct dma_fence_explanation *explanation = walk->explanation;
	const uint32_t *cycle = explanation->cycle, length = explanation->cycle_length;
	const struct dma_fence_explanation_edge *edge;
	int64_t until = INT64_MAX;
	uint32_t i, next;

	fprintf(out, "a cycle: %s", node_of(walk, cycle[0])->label);
	for (i = 0; i < length; i++) {
		next = cycle[(i + 1) % length];
		edge = edge_of(explanation, cycle[i], next);
		fprintf(out, "%s%s", verb_of(edge->relation, !i), node_of(walk, next)->label);
		if (edge->until && edge->until < until)
			until = edge->until;
	}
	if (until == INT64_MAX)
		fputs(": none of them will ever go on", out);
	else
		fputs(": none of them will go on before one gives up", out);
}

/* The one that is most to blame; of several the first that was found. */
static uint32_t cause_of_all(const struct explain_walk *walk)
{
	uint32_t i, cause = 0;

	for (i = 1; i < walk->explanation->num_nodes; i++) {
		if (walk->extras[i].rank > walk->extras[cause].rank && !node_of(walk, i)->upwards)
			cause = i;
	}
	return cause;
}

void dma_fence_explain_verdicts(struct explain_walk *walk)
{
	struct dma_fence_explanation *explanation = walk->explanation;
	uint32_t i, cause;
	size_t size;
	FILE *out;

	for (i = 0; i < explanation->num_nodes && !walk->failed; i++)
		verdict_on(walk, i);
	if (walk->failed)
		return;
	out = begin(walk, &explanation->verdict, &size);
	if (!out)
		return;
	cause = cause_of_all(walk);
	if (explanation->cycle_length) {
		tell_cycle(walk, out);
	} else {
		fputs(node_of(walk, 0)->verdict, out);
		if (cause)
			fprintf(out, ": %s", node_of(walk, cause)->verdict);
	}
	end(walk, out, &explanation->verdict);
}
