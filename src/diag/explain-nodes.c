/* SPDX-License-Identifier: MIT */
/* What is known of a fence, a thread, a callback: the nodes of an explanation. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dmafence/rcu.h>

#include "diag/explain.h"
#include "diag/hints.h"
#include "diag/ledger.h"
#include "diag/mutants.h"
#include "diag/record.h"
#include "diag/running.h"
#include "diag/stack.h"
#include "diag/symbols.h"
#include "diag/thread.h"
#include "fd/imported.h"
#include "fd/promise.h"
#include "fd/shared-fences.h"
#include "fence/look.h"
#include "fence/outcome.h"

/* What a fence is called whose driver does not say. */
#define UNNAMED "unnamed"

static struct dma_fence_explanation_node *node_of(struct explain_walk *walk, uint32_t node)
{
	return &walk->explanation->nodes[node];
}

/* Fences */

static enum dma_fence_explanation_kind kind_of(const struct dma_fence *fence)
{
	if (dma_fence_is_array(fence))
		return DMA_FENCE_EXPLANATION_ARRAY;
	if (dma_fence_is_chain(fence))
		return DMA_FENCE_EXPLANATION_LINK;
	if (dma_fence_is_imported(fence))
		return DMA_FENCE_EXPLANATION_SYNC_FILE;
	if (dma_fence_is_shared(fence))
		return DMA_FENCE_EXPLANATION_SHARED;
	if (dma_fence_is_promise(fence))
		return DMA_FENCE_EXPLANATION_PROMISE;
	return DMA_FENCE_EXPLANATION_FENCE;
}

static void copy_record(struct record *record, void *arg)
{
	*(struct record *)arg = *record;
}

static void tell_record(struct explain_walk *walk, uint32_t node, struct dma_fence *fence)
{
	struct dma_fence_explanation_node *told = node_of(walk, node);
	struct record record;
	char where[300];

	if (!dma_fence_record_visit(fence, false, copy_record, &record))
		return;
	told->created_at = record.created;
	told->created_by = record.created_thread;
	told->enabled_at = record.enabled;
	told->deadline = record.deadline;
	told->thread = record.signaled ? record.signaled_thread : 0;
	if (!record.created_by)
		return;
	dma_fence_stack_site(record.created_by, where, sizeof(where));
	told->created_where = dma_fence_explain_strdup(walk, where);
}

static void tell_progress(struct explain_walk *walk, uint32_t node, struct dma_fence *fence)
{
	struct dma_fence_explanation_node *told = node_of(walk, node);
	struct context_record record;
	struct context_progress progress;

	if (dma_fence_records_kept() && dma_fence_context_record(fence->context, &record)) {
		told->progress_known = true;
		told->any_signaled = record.signaled;
		told->last_signaled = record.last_signaled;
		told->last_signaled_at = record.last_signaled_at;
		told->last_emitted = record.last_initialised;
	}
	if (dma_fence_context_progress_of(fence, &progress)) {
		told->last_emitted = progress.last_emitted;
		/* What was signaled past its context only the records know. */
		if (!told->any_signaled ||
		    (progress.any_signaled &&
		     (int64_t)(progress.last_signaled - told->last_signaled) > 0)) {
			told->any_signaled = progress.any_signaled;
			told->last_signaled = progress.last_signaled;
		}
		told->progress_known = true;
	}
}

/* Only of a fence that is not made of others: those are asked themselves. */
static bool is_complete(struct dma_fence *fence)
{
	if (MUTANT(EXPLAINING_SIGNALS) && dma_fence_poll(fence))
		return true;
	return !dma_fence_is_container(fence) && dma_fence_is_signaled(fence);
}

/* After what is known of its context: who has been passed over is pending still. */
static void tell_state(struct explain_walk *walk, uint32_t node, struct dma_fence *fence)
{
	struct dma_fence_explanation_node *told = node_of(walk, node);
	const uint16_t flags = atomic_load_relaxed(&fence->flags);
	const bool complete = is_complete(fence);
	const uint64_t state = atomic_load_acquire(&fence->state);
	const uint32_t references = atomic_load_relaxed(&fence->refcount);

	if (state & SIGNALED) {
		told->state = state_drained(state) ? DMA_FENCE_EXPLANATION_DRAINED
						   : DMA_FENCE_EXPLANATION_SIGNALED;
		told->timestamp = state_timestamp(state);
		told->error = fence_error(fence);
	} else if (flags & DMA_FENCE_FLAG_QUARANTINED) {
		told->state = DMA_FENCE_EXPLANATION_QUARANTINED;
		told->error = fence_error(fence);
	} else {
		told->state =
			complete ? DMA_FENCE_EXPLANATION_COMPLETE : DMA_FENCE_EXPLANATION_PENDING;
		told->lost = told->any_signaled && !MUTANT(LOST_NOT_NOTICED) &&
			     (int64_t)(told->last_signaled - told->seqno) > 0;
	}
	told->enabled = flags & DMA_FENCE_FLAG_ENABLED;
	told->signals_when_asked = flags & DMA_FENCE_FLAG_HAS_ENABLE_SIGNALING;
	told->references = refcount_saturated(&fence->refcount) ? UINT32_MAX
			   : references				? references - 1
								: 0;
}

static void tell_names(struct explain_walk *walk, uint32_t node, struct dma_fence *fence)
{
	struct dma_fence_explanation_node *told = node_of(walk, node);
	char *driver = NULL, *timeline = NULL;

	if (dma_fence_test_signaled_flag(fence))
		return;
	dma_fence_rcu_read_lock();
	driver = dma_fence_explain_strdup(walk, dma_fence_driver_name(fence));
	timeline = dma_fence_explain_strdup(walk, dma_fence_timeline_name(fence));
	dma_fence_rcu_read_unlock();
	if (driver && timeline && !strcmp(driver, UNNAMED) && !strcmp(timeline, UNNAMED)) {
		free(driver);
		free(timeline);
		return;
	}
	told->driver = driver;
	told->timeline = timeline;
}

static const char *or_nothing(const char *name)
{
	return name ? name : "";
}

static char *label_of(struct explain_walk *walk, const struct dma_fence_explanation_node *told)
{
	const char *driver = or_nothing(told->driver), *timeline = or_nothing(told->timeline);

	switch (told->kind) {
	case DMA_FENCE_EXPLANATION_ARRAY:
		return dma_fence_explain_printf(walk, "array %" PRIu64 ":%" PRIu64, told->context,
						told->seqno);
	case DMA_FENCE_EXPLANATION_LINK:
		return dma_fence_explain_printf(walk, "point %" PRIu64 " of chain %" PRIu64,
						told->seqno, told->context);
	case DMA_FENCE_EXPLANATION_PROMISE:
		return dma_fence_explain_printf(walk, "promise %" PRIu64 ":%" PRIu64, told->context,
						told->seqno);
	case DMA_FENCE_EXPLANATION_SHARED:
		return dma_fence_explain_printf(
			walk, "fence %" PRIu64 ":%" PRIu64 " of a shared sync object",
			told->context, told->seqno);
	case DMA_FENCE_EXPLANATION_SYNC_FILE:
		if (told->driver)
			return dma_fence_explain_printf(walk, "sync file '%s %s'", driver,
							timeline);
		return dma_fence_explain_printf(walk, "sync file %" PRIu64 ":%" PRIu64,
						told->context, told->seqno);
	default:
		if (told->driver)
			return dma_fence_explain_printf(
				walk, "fence %" PRIu64 ":%" PRIu64 " '%s %s'", told->context,
				told->seqno, driver, timeline);
		return dma_fence_explain_printf(walk, "fence %" PRIu64 ":%" PRIu64, told->context,
						told->seqno);
	}
}

uint32_t dma_fence_explain_fence(struct explain_walk *walk, struct dma_fence *fence)
{
	struct dma_fence_explanation_node *told;
	uint32_t node;
	bool is_new;

	if (!fence)
		return EXPLAIN_NONE;
	node = dma_fence_explain_node(walk, kind_of(fence), fence, 0, &is_new);
	if (!is_new) {
		dma_fence_put_unseen(fence);
		return node;
	}
	walk->extras[node].fence = fence;
	told = node_of(walk, node);
	told->upwards = true; /* until somebody wants to know what it waits for */
	told->context = fence->context;
	told->seqno = fence->seqno;
	tell_record(walk, node, fence);
	tell_progress(walk, node, fence);
	tell_state(walk, node, fence);
	tell_names(walk, node, fence);
	told->label = label_of(walk, told);
	told->holders = dma_fence_ledger_holders(fence);
	return node;
}

/* Others */

uint32_t dma_fence_explain_point(struct explain_walk *walk, struct dma_fence_syncobj *syncobj,
				 uint64_t point)
{
	struct dma_fence_explanation_node *told;
	uint32_t node;
	bool is_new;

	node = dma_fence_explain_node(walk, DMA_FENCE_EXPLANATION_POINT, syncobj, point, &is_new);
	if (!is_new) {
		dma_fence_syncobj_put(syncobj);
		return node;
	}
	walk->extras[node].syncobj = syncobj;
	told = node_of(walk, node);
	told->label = point ? dma_fence_explain_printf(walk, "point %" PRIu64 " of sync object %p",
						       point, (void *)syncobj)
			    : dma_fence_explain_printf(walk, "sync object %p", (void *)syncobj);
	return node;
}

uint32_t dma_fence_explain_resv(struct explain_walk *walk, struct dma_resv *obj)
{
	bool is_new;
	uint32_t node = dma_fence_explain_node(walk, DMA_FENCE_EXPLANATION_RESV, obj, 0, &is_new);

	if (!is_new)
		return node;
	walk->extras[node].resv = obj;
	node_of(walk, node)->label =
		dma_fence_explain_printf(walk, "reservation object %p", (void *)obj);
	return node;
}

uint32_t dma_fence_explain_context(struct explain_walk *walk, struct dma_fence_context *context)
{
	struct dma_fence_explanation_node *told;
	bool is_new;
	uint32_t node =
		dma_fence_explain_node(walk, DMA_FENCE_EXPLANATION_CONTEXT, context, 0, &is_new);

	if (!is_new)
		return node;
	walk->extras[node].context = context;
	told = node_of(walk, node);
	told->context = dma_fence_context_id(context);
	told->driver = dma_fence_explain_strdup(walk, dma_fence_context_driver_name(context));
	told->timeline = dma_fence_explain_strdup(walk, dma_fence_context_timeline_name(context));
	told->label =
		dma_fence_explain_printf(walk, "context %" PRIu64 " '%s %s'", told->context,
					 or_nothing(told->driver), or_nothing(told->timeline));
	return node;
}

uint32_t dma_fence_explain_thread(struct explain_walk *walk, int32_t thread)
{
	struct dma_fence_explanation_node *told;
	char text[64], path[64];
	uint32_t node;
	bool is_new;

	node = dma_fence_explain_node(walk, DMA_FENCE_EXPLANATION_THREAD, NULL, (uint64_t)thread,
				      &is_new);
	if (!is_new)
		return node;
	told = node_of(walk, node);
	told->state = DMA_FENCE_EXPLANATION_NO_STATE;
	snprintf(path, sizeof(path), "/proc/self/task/%d", (int)thread);
	told->gone = access(path, F_OK) && errno == ENOENT && !access("/proc/self/task", F_OK);
	dma_fence_thread_describe(thread, text, sizeof(text));
	told->label = dma_fence_explain_printf(walk, "thread %s", text);
	return node;
}

void dma_fence_explain_sleeps_where(struct explain_walk *walk, uint32_t node, uint32_t stack)
{
	struct dma_fence_explanation_node *told = node_of(walk, node);
	char where[300];

	if (!stack || told->sleeps_where)
		return;
	dma_fence_stack_site(stack, where, sizeof(where));
	told->sleeps_where = dma_fence_explain_strdup(walk, where);
}

uint32_t dma_fence_explain_callback(struct explain_walk *walk, const struct dma_fence_cb *cb,
				    dma_fence_func_t func)
{
	struct dma_fence_explanation_node *told;
	char symbol[300];
	uint32_t node;
	bool is_new;

	node = dma_fence_explain_node(walk, DMA_FENCE_EXPLANATION_CALLBACK, cb, 0, &is_new);
	if (!is_new)
		return node;
	told = node_of(walk, node);
	told->state = DMA_FENCE_EXPLANATION_NO_STATE;
	dma_fence_symbol_of_function((const void *)(uintptr_t)func, symbol, sizeof(symbol));
	told->label = dma_fence_explain_printf(walk, "callback %s", symbol);
	return node;
}
