/* SPDX-License-Identifier: MIT */
/* The producer's context: pending fences in a ring, signaled in order. */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <dmafence/context.h>
#include <dmafence/rcu.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/report.h"
#include "fence/look.h"
#include "fence/state.h"

/* Fences that are signaled under the lock at once. Their references are dropped after it. */
#define BATCH MODEL_OR(2, 64)

#define RING_FIRST MODEL_OR(2, 16)

/*
 * @ops is what the producer gave. The fences begin with @fence_ops, which differ in the names, by
 * which the context is found; it puts @ops in their place before it lets go of a fence, so that a
 * fence that outlives its context does not point into it.
 */
struct dma_fence_context {
	struct lock lock;
	int error; /* of dma_fence_context_fail() */
	uint64_t id;
	uint64_t first_seqno;
	uint64_t next_seqno;
	uint64_t signaled_seqno;
	struct dma_fence **ring;
	uint32_t size; /* a power of two */
	uint32_t head; /* of the oldest; taken modulo size */
	uint32_t count;
	const struct dma_fence_ops *ops;
	struct dma_fence_ops fence_ops;
	struct dma_fence_rcu_link rcu;
	const char *timeline_name;
	char driver_name[]; /* and behind it the other */
};

static const struct dma_fence_ops no_ops;

static const char *driver_name(struct dma_fence *fence);

/* NULL if the context has let go of the fence since it was asked for the name. */
static const struct dma_fence_context *context_of(struct dma_fence *fence)
{
	const struct dma_fence_ops *ops = atomic_load_acquire(&fence->ops);

	if (ops->get_driver_name != driver_name)
		return NULL;
	return (const struct dma_fence_context *)(const void *)((const char *)ops -
								offsetof(struct dma_fence_context,
									 fence_ops));
}

static const char *driver_name(struct dma_fence *fence)
{
	const struct dma_fence_context *context = context_of(fence);

	return context ? context->driver_name : "detached-driver";
}

static const char *timeline_name(struct dma_fence *fence)
{
	const struct dma_fence_context *context = context_of(fence);

	return context ? context->timeline_name : "signaled-timeline";
}

struct dma_fence_context *dma_fence_context_create(const char *driver, const char *timeline,
						   const struct dma_fence_ops *ops,
						   uint64_t first_seqno)
{
	struct dma_fence_context *context;
	size_t driver_size, timeline_size;

	if (!driver || !timeline) {
		errno = EINVAL;
		return NULL;
	}
	driver_size = strlen(driver) + 1;
	timeline_size = strlen(timeline) + 1;
	context = calloc(1, sizeof(*context) + driver_size + timeline_size);
	if (!context) {
		errno = ENOMEM;
		return NULL;
	}
	context->id = dma_fence_context_alloc(1);
	context->first_seqno = first_seqno;
	context->next_seqno = first_seqno;
	context->signaled_seqno = first_seqno - 1;
	context->ops = ops ? ops : &no_ops;
	context->fence_ops = *context->ops;
	context->fence_ops.get_driver_name = driver_name;
	context->fence_ops.get_timeline_name = timeline_name;
	memcpy(context->driver_name, driver, driver_size);
	context->timeline_name =
		memcpy(context->driver_name + driver_size, timeline, timeline_size);
	return context;
}

uint64_t dma_fence_context_id(const struct dma_fence_context *context)
{
	return context->id;
}

uint64_t dma_fence_context_last_emitted(const struct dma_fence_context *context)
{
	return atomic_load_relaxed(&context->next_seqno) - 1;
}

uint64_t dma_fence_context_last_signaled(const struct dma_fence_context *context)
{
	return atomic_load_acquire(&context->signaled_seqno);
}

/* The ring, under the lock */

static struct dma_fence **slot(const struct dma_fence_context *context, uint32_t i)
{
	return &context->ring[(context->head + i) & (context->size - 1)];
}

static struct dma_fence *pop(struct dma_fence_context *context)
{
	struct dma_fence *fence = *slot(context, 0);

	context->head++;
	context->count--;
	return fence;
}

/* Makes 'room' for that many more. Returns with the lock held, which it may have dropped. */
static int make_room(struct dma_fence_context *context, uint32_t room)
{
	while (context->size - context->count < room) {
		struct dma_fence **ring, **old;
		uint64_t want = (uint64_t)context->count + room;
		uint32_t size = context->size ? context->size : RING_FIRST;
		uint32_t i;

		if (want > UINT32_C(1) << 31)
			return -EOVERFLOW;
		while (size < want)
			size *= 2;

		lock_release(&context->lock);
		ring = malloc(size * sizeof(*ring));
		lock_acquire(&context->lock);
		if (!ring)
			return -ENOMEM;
		if (context->size >= size) {
			/* Somebody else was faster. */
			lock_release(&context->lock);
			free(ring);
			lock_acquire(&context->lock);
			continue;
		}
		for (i = 0; i < context->count; i++)
			ring[i] = *slot(context, i);
		old = context->ring;
		context->ring = ring;
		context->size = size;
		context->head = 0;
		lock_release(&context->lock);
		free(old);
		lock_acquire(&context->lock);
	}
	return 0;
}

int dma_fence_context_reserve(struct dma_fence_context *context, unsigned int num)
{
	int ret;

	lock_acquire(&context->lock);
	ret = make_room(context, num);
	lock_release(&context->lock);
	return ret;
}

int dma_fence_context_emit(struct dma_fence_context *context, struct dma_fence *fence)
{
	int ret;

	lock_acquire(&context->lock);
	ret = make_room(context, 1);
	if (context->error)
		ret = context->error;
	if (!ret) {
		dma_fence_init(fence, &context->fence_ops, context->id, context->next_seqno);
		dma_fence_get(fence);
		atomic_store_relaxed(&context->next_seqno, context->next_seqno + 1);
		*slot(context, context->count++) = fence;
	}
	lock_release(&context->lock);
	return ret;
}

/* Signaling */

/*
 * Signals, in order, the pending fences up to 'seqno'. Flags are set under the lock, so that two
 * threads cannot do it out of order; what others then run, callbacks and releases, comes after it.
 */
static int64_t signal_until(struct dma_fence_context *context, uint64_t seqno, int64_t timestamp,
			    int error, const char *report)
{
	const uint64_t signaled = state_of_timestamp(timestamp);
	struct dma_fence *batch[BATCH];
	bool signaled_here[BATCH];
	int64_t total = 0;
	uint32_t n, i;

	do {
		bool begun = dma_fence_begin_delivery();

		for (n = 0; n < BATCH && context->count; n++) {
			struct dma_fence *fence = *slot(context, 0);

			if ((int64_t)(fence->seqno - seqno) > 0)
				break;
			batch[n] = pop(context);
			if (MUTANT(FORGETS_TOO_EARLY))
				atomic_store_release(&fence->ops, context->ops);
			if (MUTANT(OUT_OF_ORDER)) {
				lock_release(&context->lock);
				sched_yield();
			}
			/* Once it has failed all fail, whoever comes in between two batches. */
			signaled_here[n] = dma_fence_signal_state(
				fence, signaled,
				context->error && !MUTANT(FAILS_IN_PART) ? context->error : error);
			if (MUTANT(OUT_OF_ORDER))
				lock_acquire(&context->lock);
			total += signaled_here[n];
			/* Only now: while it is pending it has the names of its context. */
			atomic_store_release(&fence->ops, context->ops);
			atomic_store_release(&context->signaled_seqno, fence->seqno);
		}
		lock_release(&context->lock);

		for (i = 0; report && i < n; i++) {
			if (signaled_here[i])
				dma_fence_report(DMA_FENCE_REPORT_CONTEXT_DESTROY, batch[i],
						 "fence %" PRIu64 ":%" PRIu64 " of %s %s was "
						 "pending when %s: signaled with -ECANCELED",
						 batch[i]->context, batch[i]->seqno,
						 context->driver_name, context->timeline_name,
						 report);
		}
		dma_fence_end_delivery(begun);
		for (i = 0; i < n; i++)
			dma_fence_put(batch[i]);

		lock_acquire(&context->lock);
	} while (n == BATCH);
	return total;
}

int64_t dma_fence_context_signal_until_timestamp(struct dma_fence_context *context, uint64_t seqno,
						 int64_t timestamp_ns)
{
	int64_t ret = -EINVAL;

	lock_acquire(&context->lock);
	/* From first_seqno - 1, "none yet", to the last one that was emitted; it may have wrapped. */
	if (seqno - (context->first_seqno - 1) <= context->next_seqno - context->first_seqno ||
	    MUTANT(UNEMITTED_SIGNALS))
		ret = signal_until(context, seqno, timestamp_ns, KEEP_ERROR, NULL);
	lock_release(&context->lock);
	return ret;
}

int64_t dma_fence_context_signal_until(struct dma_fence_context *context, uint64_t seqno)
{
	return dma_fence_context_signal_until_timestamp(context, seqno, clock_now());
}

int64_t dma_fence_context_fail(struct dma_fence_context *context, int error)
{
	int64_t ret = 0;

	if (error >= 0 || error < -4095)
		return -EINVAL;

	lock_acquire(&context->lock);
	if (!context->error) {
		context->error = error;
		ret = signal_until(context, context->next_seqno - 1, clock_now(), error, NULL);
	}
	lock_release(&context->lock);
	return ret;
}

static void context_free(struct dma_fence_rcu_link *link)
{
	struct dma_fence_context *context =
		(struct dma_fence_context *)((char *)link -
					     offsetof(struct dma_fence_context, rcu));

	free(context->ring);
	free(context);
}

void dma_fence_context_destroy(struct dma_fence_context *context)
{
	if (!context)
		return;

	lock_acquire(&context->lock);
	if (!context->error)
		context->error = -ECANCELED; /* for a callback that is about to emit the next one */
	if (!MUTANT(TEARDOWN_FORGETS))
		signal_until(context, context->next_seqno - 1, clock_now(), -ECANCELED,
			     "its context was destroyed");
	lock_release(&context->lock);
	/* Somebody may be reading its names, in a read-side section. */
	if (MUTANT(NAMES_FREED_TOO_SOON))
		context_free(&context->rcu);
	else
		dma_fence_rcu_defer(&context->rcu, context_free);
}

/* Looking on */

#define LOOK_TURNS MODEL_OR(1, 1000)

/* Who has it may be the one who has us asked, by a report: so it is not waited for for ever. */
static bool lock_to_look(struct dma_fence_context *context)
{
	int turns;

	for (turns = 0; turns < LOOK_TURNS; turns++) {
		if (lock_try(&context->lock))
			return true;
		sched_yield();
	}
	return false;
}

static void tell_progress(struct dma_fence_context *context, bool locked,
			  struct context_progress *progress)
{
	progress->last_signaled = atomic_load_relaxed(&context->signaled_seqno);
	progress->last_emitted = atomic_load_relaxed(&context->next_seqno) - 1;
	progress->any_signaled = progress->last_signaled != context->first_seqno - 1;
	progress->known = locked;
	progress->pending = locked ? context->count : 0;
	progress->error = locked ? context->error : 0;
}

bool dma_fence_context_progress_of(struct dma_fence *fence, struct context_progress *progress)
{
	struct dma_fence_context *context = NULL;
	bool locked;

	dma_fence_rcu_read_lock();
	/* Of one that is signaled the ops may be gone. */
	if (!dma_fence_test_signaled_flag(fence))
		context = (struct dma_fence_context *)(uintptr_t)context_of(fence);
	if (context) {
		locked = lock_to_look(context);
		tell_progress(context, locked, progress);
		if (locked)
			lock_release(&context->lock);
	}
	dma_fence_rcu_read_unlock();
	return context;
}

uint32_t dma_fence_context_look(struct dma_fence_context *context,
				struct context_progress *progress, struct dma_fence **fences,
				uint32_t room)
{
	const bool locked = lock_to_look(context);
	uint32_t i = 0;

	tell_progress(context, locked, progress);
	if (!locked)
		return 0;
	for (; i < context->count && i < room; i++)
		fences[i] = dma_fence_get_unseen(*slot(context, i));
	lock_release(&context->lock);
	return i;
}

const char *dma_fence_context_driver_name(const struct dma_fence_context *context)
{
	return context->driver_name;
}

const char *dma_fence_context_timeline_name(const struct dma_fence_context *context)
{
	return context->timeline_name;
}
