/* SPDX-License-Identifier: MIT */
/* The life of a fence, and what can be asked of it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <dmafence/rcu.h>

#include "base/hooks.h"
#include "base/probe.h"
#include "base/refcount.h"
#include "base/report.h"
#include "base/run-queue.h"
#include "fence/container.h"
#include "fence/look.h"

/* For fences that were given no ops. */
static const struct dma_fence_ops no_ops;

static uint64_t next_context = 1;

uint64_t dma_fence_context_alloc(unsigned int num)
{
	if (!num) {
		errno = EINVAL;
		return 0;
	}
	return atomic_fetch_add_relaxed(&next_context, num);
}

static probed_inline void init(struct dma_fence *fence, const struct dma_fence_ops *ops,
			       uint16_t flags, uint64_t context, uint64_t seqno)
{
	if (ops->enable_signaling)
		flags |= DMA_FENCE_FLAG_HAS_ENABLE_SIGNALING;
	if (ops->signaled)
		flags |= DMA_FENCE_FLAG_HAS_SIGNALED;
	if (ops->set_deadline)
		flags |= DMA_FENCE_FLAG_HAS_SET_DEADLINE;
	if (ops->release)
		flags |= DMA_FENCE_FLAG_HAS_RELEASE;

	fence->state = 0;
	fence->ops = ops;
	fence->context = context;
	fence->seqno = seqno;
	fence->flags = flags;
	fence->published = DMA_FENCE_NOT_PUBLISHED;
	fence->unused = 0;
	fence->error = 0;
	fence->step = 0;
	/* Last: where memory stays fences, dma_fence_get_rcu() may find it while it becomes another. */
	atomic_store_release(&fence->refcount, 1);
	probe(init, fence, context, seqno);
	hook(init, fence);
}

void dma_fence_init(struct dma_fence *fence, const struct dma_fence_ops *ops, uint64_t context,
		    uint64_t seqno)
{
	init(fence, ops ? ops : &no_ops, 0, context, seqno);
}

void dma_fence_init_container(struct dma_fence *fence, const struct container_ops *ops,
			      uint16_t kind, uint64_t context, uint64_t seqno)
{
	init(fence, &ops->ops, kind | DMA_FENCE_FLAG_HAS_ENABLE_SIGNALING, context, seqno);
}

/* Its ops never go away, and neither does the code they lead to. */
static const struct container_ops *container_ops(const struct dma_fence *fence)
{
	return (const struct container_ops *)(const void *)atomic_load_relaxed(&fence->ops);
}

/* References */

static void refcount_fault(struct dma_fence *fence, enum refcount_result fault)
{
	static const char *const what[] = {
		[REFCOUNT_UNDERFLOW] = "a dma_fence_put() too many: there was no reference left",
		[REFCOUNT_OVERFLOW] = "a dma_fence_get() too many: references are leaked in a loop",
		[REFCOUNT_DEAD] = "a dma_fence_get() after the last dma_fence_put()",
	};

	dma_fence_report(DMA_FENCE_REPORT_REFCOUNT, fence,
			 "fence %" PRIu64 ":%" PRIu64 ": %s; its memory is kept for ever",
			 fence->context, fence->seqno, what[fault]);
}

struct dma_fence *dma_fence_get(struct dma_fence *fence)
{
	enum refcount_result result;

	if (!fence)
		return NULL;
	hook(get, fence);
	result = refcount_get(&fence->refcount);
	if (unlikely(result != REFCOUNT_OK))
		refcount_fault(fence, result);
	return fence;
}

struct dma_fence *dma_fence_get_rcu(struct dma_fence *fence)
{
	enum refcount_result result = refcount_get_not_zero(&fence->refcount);

	if (result == REFCOUNT_ZERO)
		return NULL;
	hook(get_rcu, fence);
	if (unlikely(result != REFCOUNT_OK))
		refcount_fault(fence, result);
	return fence;
}

struct dma_fence *dma_fence_get_rcu_safe(struct dma_fence **fencep)
{
	struct dma_fence *fence;

	while ((fence = atomic_load_acquire(fencep))) {
		if (!dma_fence_get_rcu(fence)) {
			cpu_relax(); /* its owner is about to empty the slot, or has */
			continue;
		}
		/*
		 * A fence whose release reuses the memory at once could have become another one
		 * before we got our reference. If it is still in the slot it is the one we want.
		 */
		if (MUTANT(SLOT_NOT_LOOKED_AT_AGAIN) || fence == atomic_load_acquire(fencep))
			break;
		dma_fence_put(fence);
	}
	return fence;
}

/* Acquire: who has taken the last callback out has published the fence before. */
static bool published(const struct dma_fence *fence)
{
	return state_callbacks(atomic_load_acquire(&fence->state)) ||
	       atomic_load_relaxed(&fence->published) == DMA_FENCE_PUBLISHED;
}

/*
 * The last reference of a fence that somebody may be waiting for is gone, and nobody signaled it.
 * To signal it would say that the memory may be reused, and nobody knows that; to free it would
 * pull it away from under who waits, and from under its producer, who may signal it yet.
 */
static __attribute__((noinline, cold)) void quarantine(struct dma_fence *fence)
{
	uint64_t state;

	atomic_store_relaxed(&fence->refcount, REFCOUNT_SATURATED);
	state = dma_fence_lock_state(fence, true);
	if (!(state & SIGNALED)) {
		/*
		 * Together, or not at all. With the flag alone its producer would be refused the
		 * error that it sets, and then signal without any.
		 */
		fence_set_flags(fence, DMA_FENCE_FLAG_QUARANTINED);
		atomic_store_relaxed(&fence->error, -EDEADLK);
		/* So that the word is not 0, and its signal does not take the short way. */
		if (!MUTANT(LATE_SIGNAL_SILENT))
			atomic_fetch_or_relaxed(&fence->state, WAITERS);
		dma_fence_unlock_pending(fence, state_callbacks(state));
	}
	dma_fence_report(DMA_FENCE_REPORT_QUARANTINE, fence,
			 "fence %" PRIu64 ":%" PRIu64 " lost its last reference %s; its memory is "
			 "kept for ever",
			 fence->context, fence->seqno,
			 state & SIGNALED
				 ? "while it was being signaled: a dma_fence_put() too many"
				 : "before it was signaled: a dma_fence_put() too many, or a "
				   "producer that forgot it; it is not signaled, its error is "
				   "-EDEADLK");
}

/* Told just before: the references that are dropped next are the container's. */
static void release_now(struct dma_fence *fence)
{
	hook(release, fence);
	container_ops(fence)->ops.release(fence);
}

/*
 * A container drops references as it goes, maybe to another container: that waits on a queue until
 * the first one has gone. So a chain is released link by link, not inside each other.
 */
static __attribute__((noinline)) void release_container(struct dma_fence *fence)
{
	struct run_queue *queue = release_queue_of_thread();
	struct dma_fence_run_link *entry;

	if (run_queue_active(queue) && !MUTANT(RELEASE_RECURSES)) {
		run_queue_push(queue, &fence->delivery.now.queued);
		return;
	}
	run_queue_begin(queue);
	release_now(fence);
	while ((entry = run_queue_pop(queue)))
		release_now(fence_of_queued(entry));
	run_queue_end(queue);
}

static void __attribute__((noinline)) release(struct dma_fence *fence)
{
	const struct dma_fence_ops *ops;

	if (unlikely(!dma_fence_test_signaled_flag(fence)) && published(fence)) {
		if (fence_is_outside(fence)) {
			/* A callback waits, and its producer will not drop it. */
			container_ops(fence)->adopt(fence);
			return;
		}
		if (MUTANT(RELEASE_SIGNALS)) {
			dma_fence_set_error(fence, -EDEADLK);
			dma_fence_signal(fence);
		}
		quarantine(fence);
		return;
	}
	probe(destroy, fence);
	if (fence_is_inner(fence)) {
		release_container(fence);
		return;
	}
	hook(release, fence);
	if (atomic_load_relaxed(&fence->flags) & DMA_FENCE_FLAG_HAS_RELEASE) {
		ops = atomic_load_relaxed(&fence->ops);
		ops->release(fence);
	} else {
		dma_fence_free(fence); /* the ops may be gone */
	}
}

static inline void put(struct dma_fence *fence)
{
	enum refcount_result result = refcount_put(&fence->refcount);

	if (result == REFCOUNT_LAST)
		release(fence);
	else if (unlikely(result != REFCOUNT_OK))
		refcount_fault(fence, result);
}

void dma_fence_put(struct dma_fence *fence)
{
	if (!fence)
		return;
	hook(put, fence);
	put(fence);
}

void dma_fence_put_unseen(struct dma_fence *fence)
{
	if (fence)
		put(fence);
}

static void free_after_grace_period(struct dma_fence_rcu_link *link)
{
	struct dma_fence *fence =
		(struct dma_fence *)((char *)link - offsetof(struct dma_fence, rcu));

	/* Saturated: a get or a put came after the last one, and was reported. */
	if (!refcount_saturated(&fence->refcount))
		free(fence);
}

void dma_fence_free(struct dma_fence *fence)
{
	dma_fence_rcu_defer(&fence->rcu, free_after_grace_period);
}

/* Asking the back end */

/*
 * The ops of a fence that is signaled may be gone. They are called inside a read-side section that
 * began while the fence was not: NULL says that it is too late for that. Ends with ops_end().
 */
static const struct dma_fence_ops *ops_begin(const struct dma_fence *fence)
{
	const struct dma_fence_ops *ops;

	dma_fence_rcu_read_lock();
	ops = atomic_load_acquire(&fence->ops);
	return !MUTANT(OPS_AFTER_SIGNAL) && dma_fence_test_signaled_flag(fence) ? NULL : ops;
}

static void ops_end(void)
{
	dma_fence_rcu_read_unlock();
}

bool dma_fence_ask_backend(struct dma_fence *fence)
{
	const struct dma_fence_ops *ops;
	bool signaled;

	if (fence_is_inner(fence))
		return container_ops(fence)->ops.signaled(fence);
	ops = ops_begin(fence);
	signaled = !ops || ops->signaled(fence);
	ops_end();
	if (MUTANT(QUERY_SIGNALS) && signaled)
		dma_fence_signal(fence);
	return signaled;
}

bool dma_fence_poll(struct dma_fence *fence)
{
	if (dma_fence_test_signaled_flag(fence))
		return true;
	if (fence_is_inner(fence))
		return container_ops(fence)->poll(fence);
	if (!dma_fence_is_signaled(fence))
		return false;
	dma_fence_signal(fence);
	return true;
}

void dma_fence_enable_backend(struct dma_fence *fence)
{
	const struct dma_fence_ops *ops;
	bool pending;

	if (dma_fence_test_signaled_flag(fence))
		return;
	fence_publish(fence);
	if (!fence_set_flags(fence, DMA_FENCE_FLAG_ENABLED) && !MUTANT(ENABLED_TWICE))
		return;
	probe(enable, fence);
	hook(enable, fence);
	if (fence_is_inner(fence)) {
		container_ops(fence)->enable(fence);
		return;
	}
	ops = ops_begin(fence);
	pending = !ops || ops->enable_signaling(fence);
	ops_end();
	if (!pending)
		dma_fence_signal(fence);
}

void dma_fence_enable_signaling(struct dma_fence *fence)
{
	if (dma_fence_test_signaled_flag(fence))
		return;
	fence_publish(fence);
	fence_enable(fence);
	dma_fence_poll(fence);
}

void dma_fence_set_deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	const struct dma_fence_ops *ops;

	hook(set_deadline, fence, deadline_ns);
	if (!(atomic_load_relaxed(&fence->flags) & DMA_FENCE_FLAG_HAS_SET_DEADLINE) ||
	    dma_fence_test_signaled_flag(fence))
		return;
	if (fence_is_inner(fence)) {
		container_ops(fence)->ops.set_deadline(fence, deadline_ns);
		return;
	}
	ops = ops_begin(fence);
	if (ops)
		ops->set_deadline(fence, deadline_ns);
	ops_end();
}

/* How it ended */

int dma_fence_set_error(struct dma_fence *fence, int error)
{
	uint64_t state;

	if (error >= 0 || error < -4095)
		return -EINVAL;

	/* Under the lock, so that the error either comes with the flag or not at all. */
	state = dma_fence_lock_state(fence, true);
	if (MUTANT(ERROR_AFTER_SIGNAL) && state & SIGNALED)
		atomic_store_relaxed(&fence->error, error);
	if (state & SIGNALED)
		return -EALREADY;
	if (atomic_load_relaxed(&fence->flags) & DMA_FENCE_FLAG_QUARANTINED) {
		dma_fence_unlock_pending(fence, state_callbacks(state));
		return -EALREADY;
	}
	atomic_store_relaxed(&fence->error, error);
	dma_fence_unlock_pending(fence, state_callbacks(state));
	return 0;
}

int dma_fence_get_status(struct dma_fence *fence)
{
	int error;

	if (!dma_fence_poll(fence))
		return 0;
	error = atomic_load_relaxed(&fence->error);
	return error ? error : 1;
}

int64_t dma_fence_timestamp(struct dma_fence *fence)
{
	if (!dma_fence_poll(fence))
		return -EAGAIN;
	return state_timestamp(atomic_load_relaxed(&fence->state));
}

/* Comparing and describing */

struct dma_fence *dma_fence_later(struct dma_fence *f1, struct dma_fence *f2)
{
	struct dma_fence *later = dma_fence_is_later(f1, f2) ? f1 : f2;

	if (f1->context != f2->context) {
		errno = EINVAL;
		return NULL;
	}
	return dma_fence_is_signaled(later) ? NULL : later;
}

static const char *name_of(struct dma_fence *fence, bool driver)
{
	const struct dma_fence_ops *ops = ops_begin(fence);
	const char *name = driver ? "detached-driver" : "signaled-timeline";

	if (ops) {
		name = "unnamed";
		if (driver && ops->get_driver_name)
			name = ops->get_driver_name(fence);
		else if (!driver && ops->get_timeline_name)
			name = ops->get_timeline_name(fence);
	}
	ops_end();
	return name;
}

const char *dma_fence_driver_name(struct dma_fence *fence)
{
	return name_of(fence, true);
}

const char *dma_fence_timeline_name(struct dma_fence *fence)
{
	return name_of(fence, false);
}

void dma_fence_describe(struct dma_fence *fence, FILE *out)
{
	char status[64] = "pending";
	uint64_t state;
	int error;

	state = atomic_load_acquire(&fence->state);
	error = atomic_load_relaxed(&fence->error);
	if (state & SIGNALED) {
		int n = snprintf(status, sizeof(status), "signaled at %" PRId64 " ns",
				 state_timestamp(state));

		if (error)
			snprintf(status + n, sizeof(status) - (size_t)n, ", error %d", error);
	}

	dma_fence_rcu_read_lock();
	fprintf(out, "%s %s %" PRIu64 ":%" PRIu64 " %s", dma_fence_driver_name(fence),
		dma_fence_timeline_name(fence), fence->context, fence->seqno, status);
	dma_fence_rcu_read_unlock();
}

/* Stubs */

static void stub_release(struct dma_fence *fence)
{
	/* Even the reference that is nobody's has been put: a put too many. */
	atomic_store_relaxed(&fence->refcount, REFCOUNT_SATURATED);
	refcount_fault(fence, REFCOUNT_UNDERFLOW);
}

static const struct dma_fence_ops stub_ops = {
	.release = stub_release,
};

static struct dma_fence stub = {
	.state = SIGNALED | DRAINED,
	.ops = &stub_ops,
	.flags = DMA_FENCE_FLAG_HAS_RELEASE,
	.refcount = 1,
};

struct dma_fence *dma_fence_get_stub(void)
{
	return dma_fence_get(&stub);
}

struct dma_fence *dma_fence_allocate_private_stub(int64_t timestamp_ns)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	if (!fence) {
		errno = ENOMEM;
		return NULL;
	}
	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	dma_fence_signal_timestamp(fence, timestamp_ns);
	return fence;
}
