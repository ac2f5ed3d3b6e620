/* SPDX-License-Identifier: MIT */
/*
 * The flight recorder: what happens to fences, in a ring for each thread.
 *
 * Only its thread writes to a ring, and never waits. Who copies events out of it meanwhile finds
 * out afterwards which ones have been overwritten as he read: 'head' counts the events that were
 * written, and is stored before the first word of the next one. All words are stored with release
 * order and loaded with acquire order: whoever has read a word of a later event also sees a 'head'
 * that says so.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dmafence/fence.h>
#include <dmafence/trace.h>

#include "base/clock.h"
#include "base/fork.h"
#include "base/hooks.h"
#include "base/lock.h"
#include "diag/mutants.h"
#include "diag/thread.h"
#include "diag/trace.h"
#include "fence/outcome.h"

#define DEFAULT_BYTES (1u << 20)
#define FEWEST_BYTES  4096

/* Of threads that have ended: what they have recorded is kept, of so many. */
#define MOST_ENDED 32

struct slot {
	uint64_t time;
	uint64_t fence;
	uint64_t context;
	uint64_t seqno;
	uint64_t value;
	uint64_t rest; /* result, kind, session */
};

struct ring {
	struct ring *next;
	size_t bytes; /* as they were wanted when it was made */
	int32_t thread;
	char name[TRACE_THREAD_NAME]; /* once it has ended */
	uint64_t ended;		      /* the how many-th that has; 0 */

	uint64_t from; /* the first that has not been forgotten */
	uint64_t head;
	size_t place; /* of the next; the thread's */
	size_t size;
	struct slot slots[];
};

/* Of the list of rings, and of all in them but the slots. */
static struct lock lock;
static struct ring *rings;
static uint64_t ended, num_ended;
static int64_t complete_since; /* bar what was overwritten */
static bool running, have_key;
static pthread_key_t key;

static size_t wanted_bytes;
static uint32_t session;
static _Thread_local struct ring *own;

/* Rings; with the lock held */

static void take_out(struct ring *gone)
{
	struct ring **link;

	for (link = &rings; *link != gone; link = &(*link)->next)
		;
	*link = gone->next;
	num_ended -= !!gone->ended;
	free(gone);
}

static void make_room(void)
{
	struct ring *ring, *oldest = NULL;

	if (num_ended <= MOST_ENDED)
		return;
	for (ring = rings; ring; ring = ring->next) {
		if (ring->ended && (!oldest || ring->ended < oldest->ended))
			oldest = ring;
	}
	take_out(oldest);
	complete_since = clock_now();
}

static void thread_ends(void *arg)
{
	struct ring *ring = arg;
	char name[TRACE_THREAD_NAME];

	own = NULL;
	dma_fence_thread_name(gettid(), name, sizeof(name));
	lock_acquire(&lock);
	memcpy(ring->name, name, sizeof(name));
	ring->ended = ++ended;
	num_ended++;
	make_room();
	lock_release(&lock);
}

/* The first event of a thread, or its first since other rings are wanted. NULL without memory. */
static __attribute__((noinline, cold)) struct ring *new_ring(void)
{
	const size_t bytes = atomic_load_relaxed(&wanted_bytes);
	struct ring *ring = NULL, *old = own;

	if (bytes <= SIZE_MAX - sizeof(*ring))
		ring = calloc(1, sizeof(*ring) + bytes);
	if (!ring)
		return old;
	ring->bytes = bytes;
	ring->size = bytes / sizeof(struct slot);
	ring->thread = dma_fence_thread_number();
	if (pthread_setspecific(key, ring)) {
		free(ring);
		return old;
	}
	lock_acquire(&lock);
	if (old) {
		take_out(old);
		complete_since = clock_now();
	}
	ring->next = rings;
	rings = ring;
	lock_release(&lock);
	own = ring;
	return ring;
}

/* Recording */

static inline void record(enum trace_kind kind, uint64_t fence, uint64_t context, uint64_t seqno,
			  uint64_t value, int result)
{
	const int64_t now = clock_now(); /* before memory is made */
	struct ring *ring = own;
	struct slot *slot;

	if (unlikely(!ring || ring->bytes != atomic_load_relaxed(&wanted_bytes))) {
		ring = new_ring();
		if (!ring)
			return;
	}
	slot = &ring->slots[ring->place];
	atomic_store_release(&slot->time, (uint64_t)now);
	atomic_store_release(&slot->fence, fence);
	atomic_store_release(&slot->context, context);
	atomic_store_release(&slot->seqno, seqno);
	atomic_store_release(&slot->value, value);
	atomic_store_release(&slot->rest, (uint64_t)(uint32_t)result << 32 | (uint64_t)kind << 16 |
						  (uint16_t)atomic_load_relaxed(&session));
	if (++ring->place == ring->size)
		ring->place = 0;
	atomic_store_release(&ring->head, ring->head + 1);
}

static inline void record_fence(enum trace_kind kind, struct dma_fence *fence, uint64_t value,
				int result)
{
	record(kind, (uintptr_t)fence, fence->context, fence->seqno, value, result);
}

static void on_init(struct dma_fence *fence)
{
	record_fence(TRACE_INIT, fence, 0, 0);
}

static void on_release(struct dma_fence *fence)
{
	record_fence(TRACE_RELEASE, fence, 0, 0);
}

static void on_enable(struct dma_fence *fence)
{
	dma_fence_trace_learn_names(fence);
	record_fence(TRACE_ENABLE, fence, 0, 0);
}

static void on_signal(struct dma_fence *fence)
{
	record_fence(TRACE_SIGNAL, fence, (uint64_t)fence_timestamp(fence), fence_error(fence));
}

static void on_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb, dma_fence_func_t func,
			    int result)
{
	(void)cb;
	(void)func;
	(void)result;
	dma_fence_trace_learn_names(fence);
}

static void on_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	record_fence(TRACE_CALLBACK_BEGIN, fence, (uintptr_t)cb->func, 0);
}

static void on_callback_end(void)
{
	record(TRACE_CALLBACK_END, 0, 0, 0, 0, 0);
}

static void on_wait_begin(struct dma_fence *fence)
{
	dma_fence_trace_learn_names(fence);
	record_fence(TRACE_WAIT_BEGIN, fence, 0, 0);
}

static void on_wait_end(struct dma_fence *fence, int result)
{
	record_fence(TRACE_WAIT_END, fence, 0, result);
}

static void on_wait_any_begin(struct dma_fence **fences, uint32_t count)
{
	(void)fences;
	record(TRACE_WAIT_ANY_BEGIN, 0, 0, 0, count, 0);
}

/* Of several that have signaled the first will have been it. */
static void on_wait_any_end(struct dma_fence **fences, uint32_t count, int result)
{
	const struct dma_fence *first = NULL;
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (dma_fence_test_signaled_flag(fences[i]) &&
		    (!first || fence_timestamp(fences[i]) < fence_timestamp(first)))
			first = fences[i];
	}
	record(TRACE_WAIT_ANY_END, (uintptr_t)first, first ? first->context : 0,
	       first ? first->seqno : 0, count, result);
}

static void on_wait_points_begin(const struct dma_fence_syncobj_point *points, uint32_t count)
{
	(void)points;
	record(TRACE_WAIT_POINTS_BEGIN, 0, 0, 0, count, 0);
}

static void on_wait_points_end(const struct dma_fence_syncobj_point *points, int result)
{
	(void)points;
	record(TRACE_WAIT_POINTS_END, 0, 0, 0, 0, result);
}

static const struct hooks hooks = {
	.init = on_init,
	.release = on_release,
	.enable = on_enable,
	.signal = on_signal,
	.add_callback = on_add_callback,
	.callback = on_callback,
	.callback_end = on_callback_end,
	.wait_begin = on_wait_begin,
	.wait_end = on_wait_end,
	.wait_any_begin = on_wait_any_begin,
	.wait_any_end = on_wait_any_end,
	.wait_points_begin = on_wait_points_begin,
	.wait_points_end = on_wait_points_end,
};

int dma_fence_trace_start(size_t bytes_per_thread)
{
	int ret = 0;

	lock_acquire(&lock);
	if (!have_key && pthread_key_create(&key, thread_ends))
		ret = -EAGAIN;
	else
		have_key = true;
	if (!ret && bytes_per_thread)
		atomic_store_relaxed(&wanted_bytes, bytes_per_thread < FEWEST_BYTES
							    ? FEWEST_BYTES
							    : bytes_per_thread);
	else if (!ret && !wanted_bytes)
		atomic_store_relaxed(&wanted_bytes, DEFAULT_BYTES);
	if (!ret) {
		dma_fence_hooks_add(&hooks);
		if (!running)
			complete_since = clock_now();
		running = true;
	}
	lock_release(&lock);
	return ret;
}

void dma_fence_trace_stop(void)
{
	lock_acquire(&lock);
	dma_fence_hooks_remove(&hooks);
	running = false;
	lock_release(&lock);
	atomic_fetch_add_relaxed(&session, 1);
}

void dma_fence_trace_clear(void)
{
	struct ring *ring, *next;

	lock_acquire(&lock);
	for (ring = rings; ring; ring = next) {
		next = ring->next;
		if (ring->ended)
			take_out(ring);
		else
			ring->from = atomic_load_acquire(&ring->head);
	}
	complete_since = clock_now();
	lock_release(&lock);
}

/* Copying */

/* How many of the latest there are, up to 'head'. */
static size_t num_events(const struct ring *ring, uint64_t head)
{
	return head - ring->from < ring->size ? (size_t)(head - ring->from) : ring->size;
}

/* Returns false if it has been overwritten, or may have been. */
static bool copy_event(const struct ring *ring, uint64_t which, struct trace_event *event)
{
	const struct slot *slot = &ring->slots[which % ring->size];
	uint64_t rest;

	event->time = (int64_t)atomic_load_acquire(&slot->time);
	event->fence = atomic_load_acquire(&slot->fence);
	event->context = atomic_load_acquire(&slot->context);
	event->seqno = atomic_load_acquire(&slot->seqno);
	event->value = atomic_load_acquire(&slot->value);
	rest = atomic_load_acquire(&slot->rest);
	event->result = (int32_t)(rest >> 32);
	event->kind = (uint16_t)(rest >> 16);
	event->session = (uint16_t)rest;
	/* The next one may be being written, in the place of the oldest. */
	return MUTANT(TORN_EVENTS) || which + ring->size > atomic_load_acquire(&ring->head);
}

static void copy_ring(const struct ring *ring, uint64_t head, struct trace_copy *copy)
{
	struct trace_thread *thread = &copy->threads[copy->num_threads];
	const size_t count = num_events(ring, head), before = copy->num_events;
	uint64_t which;
	int64_t since;

	thread->number = ring->thread;
	if (ring->ended)
		memcpy(thread->name, ring->name, sizeof(thread->name));
	else
		dma_fence_thread_name(ring->thread, thread->name, sizeof(thread->name));
	thread->overwritten = head - ring->from - count;
	for (which = head - count; which < head; which++) {
		struct trace_event *event = &copy->events[copy->num_events];

		if (!copy_event(ring, which, event)) {
			thread->overwritten++;
			continue;
		}
		event->thread = copy->num_threads;
		event->place = (uint32_t)(which - (head - count));
		copy->num_events++;
	}
	if (thread->overwritten) {
		/* Of those that may all have been overwritten meanwhile nothing is known. */
		since = copy->num_events > before ? copy->events[before].time : clock_now();
		if (since > copy->complete_since)
			copy->complete_since = since;
	}
	copy->num_threads++;
}

static int by_time(const void *one, const void *other)
{
	const struct trace_event *a = one, *b = other;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	if (a->thread != b->thread)
		return a->thread < b->thread ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

int dma_fence_trace_copy(struct trace_copy *copy)
{
	size_t events = 0, threads = 0;
	struct ring *ring;

	memset(copy, 0, sizeof(*copy));
	lock_acquire(&lock);
	for (ring = rings; ring; ring = ring->next) {
		events += ring->size;
		threads++;
	}
	copy->complete_since = complete_since;
	copy->events = malloc((events + 1) * sizeof(*copy->events));
	copy->threads = calloc(threads + 1, sizeof(*copy->threads));
	if (copy->events && copy->threads) {
		for (ring = rings; ring; ring = ring->next)
			copy_ring(ring, atomic_load_acquire(&ring->head), copy);
	}
	lock_release(&lock);
	if (!copy->events || !copy->threads) {
		dma_fence_trace_copy_free(copy);
		return -ENOMEM;
	}
	copy->now = clock_now();
	qsort(copy->events, copy->num_events, sizeof(*copy->events), by_time);
	return 0;
}

void dma_fence_trace_copy_free(struct trace_copy *copy)
{
	free(copy->events);
	free(copy->threads);
}

/* fork() */

static void fork_prepare(void)
{
	lock_acquire(&lock);
}

static void fork_parent(void)
{
	lock_release(&lock);
}

/* It has one thread, which begins anew. */
static void fork_child(void)
{
	struct ring *ring, *next;

	for (ring = rings; ring; ring = next) {
		next = ring->next;
		if (ring != own)
			take_out(ring);
	}
	if (own) {
		own->thread = gettid();
		own->from = own->head;
	}
	complete_since = clock_now();
	lock_release(&lock);
}

__attribute__((constructor)) static void start(void)
{
	static struct fork_handlers handlers = {
		.order = FORK_TRACE,
		.prepare = fork_prepare,
		.parent = fork_parent,
		.child = fork_child,
	};

	dma_fence_at_fork(&handlers);
	dma_fence_trace_from_environment();
}
