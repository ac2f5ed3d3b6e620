/* SPDX-License-Identifier: MIT */
/* Waiting: one thread sleeps on the state word of one fence, or on an event for any of several. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hooks.h"
#include "base/park.h"
#include "base/probe.h"
#include "fence/listed.h"
#include "fence/look.h"
#include "fence/state.h"
#include "fence/wait.h"

/* Fences that one thread can wait for any of without an allocation. */
#define ANY_ON_STACK 16

struct waits dma_fence_waits = {
	.drained = SIGNALED | DRAINED,
	.longest = INT64_MAX,
};

void dma_fence_waits_tell(void)
{
	atomic_store_relaxed(&dma_fence_waits.drained, 0);
	atomic_store_relaxed(&dma_fence_waits.longest, 0);
}

__attribute__((cold)) int dma_fence_wait_look(const char *function, int64_t timeout_ns)
{
	if (timeout_ns < 0)
		return -EINVAL;
	hook(wait, function);
	return 0;
}

static bool drained(const struct dma_fence *fence)
{
	return state_drained(atomic_load_acquire(&fence->state));
}

static int spin_then_sleep(struct dma_fence *fence, bool intr, int64_t deadline)
{
	struct sleeper sleeper = { .fences = &fence, .count = 1, .deadline = deadline };
	struct spin spin = { 0 };
	uint64_t state;
	int ret = 0;

	while (!state_drained(state = atomic_load_acquire(&fence->state))) {
		if (!spin_once(&spin))
			break;
	}
	dma_fence_spin_learn(&spin, state_drained(state));
	if (state_drained(state))
		return 0;
	if (dma_fence_delivered_here(fence))
		return -EDEADLK;

	sleep_begin(&sleeper);
	while (!state_drained(state)) {
		if (ret == -ETIMEDOUT || (ret == -EINTR && intr))
			break;
		if (!(state & WAITERS) &&
		    !atomic_cas_acquire(&fence->state, &state, state | WAITERS))
			continue;
		ret = dma_fence_park_wait_attended(park_low_half(&fence->state),
						   (uint32_t)(state | WAITERS), deadline);
		state = atomic_load_acquire(&fence->state);
	}
	sleep_end(&sleeper);
	return state_drained(state) ? 0 : ret;
}

/* Returns 0, -ETIMEDOUT, -EINTR or -EDEADLK. */
static int wait_drained(struct dma_fence *fence, bool intr, int64_t deadline)
{
	int ret;

	probe(wait_begin, fence);
	hook(wait_begin, fence);
	ret = spin_then_sleep(fence, intr, deadline);
	hook(wait_end, fence, ret);
	probe(wait_end, fence, ret);
	return ret;
}

/* Not inlined: who finds the fence drained needs no room on the stack. */
static __attribute__((noinline)) int64_t wait_pending(struct dma_fence *fence, bool intr,
						      int64_t timeout_ns)
{
	int64_t deadline;
	int ret;

	/* Before anything that the caller's time is spent on. */
	deadline = timeout_ns ? clock_deadline(timeout_ns) : 0;
	dma_fence_enable_signaling(fence);
	if (timeout_ns)
		ret = wait_drained(fence, intr, deadline);
	else
		ret = drained(fence) ? 0 : -ETIMEDOUT;
	return clock_time_left(ret, timeout_ns, deadline);
}

static __attribute__((noinline, cold)) int64_t
wait_told(const char *function, struct dma_fence *fence, bool intr, int64_t timeout_ns)
{
	int ret = dma_fence_wait_look(function, timeout_ns);

	if (ret)
		return ret;
	return drained(fence) ? timeout_ns : wait_pending(fence, intr, timeout_ns);
}

int64_t dma_fence_wait_timeout(struct dma_fence *fence, bool intr, int64_t timeout_ns)
{
	if (unlikely(!is_plain_timeout(timeout_ns)))
		return wait_told(__func__, fence, intr, timeout_ns);
	if (drained(fence))
		return timeout_ns ? timeout_ns : 1;
	return wait_pending(fence, intr, timeout_ns);
}

int dma_fence_wait(struct dma_fence *fence, bool intr)
{
	int64_t ret;

	if (likely(need_not_wait(atomic_load_acquire(&fence->state))))
		return 0;
	if (unlikely(!is_plain_timeout(DMA_FENCE_WAIT_FOREVER)))
		ret = wait_told(__func__, fence, intr, DMA_FENCE_WAIT_FOREVER);
	else
		ret = wait_pending(fence, intr, DMA_FENCE_WAIT_FOREVER);
	return ret < 0 ? (int)ret : 0;
}

int dma_fence_flush(struct dma_fence *fence)
{
	const uint64_t state = atomic_load_acquire(&fence->state);

	if (likely(need_not_wait(state)))
		return 0;
	if (!(state & SIGNALED))
		return -EAGAIN;
	begin_wait(__func__, DMA_FENCE_WAIT_FOREVER);
	return wait_drained(fence, false, CLOCK_NEVER);
}

static bool all_there(struct dma_fence **fences, uint32_t count)
{
	uint32_t i;

	if (!fences || !count)
		return false;
	for (i = 0; i < count; i++) {
		if (!fences[i])
			return false;
	}
	return true;
}

/* The first that is drained, else the first that is signaled, else count. */
static uint32_t first_signaled(struct dma_fence **fences, uint32_t count)
{
	uint32_t i, first = count;

	for (i = 0; i < count; i++) {
		if (drained(fences[i]))
			return i;
		if (first == count && dma_fence_test_signaled_flag(fences[i]))
			first = i;
	}
	return first;
}

struct any_cb {
	struct dma_fence_cb cb;
	struct park_event *event;
};

static void any_signaled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	park_event_post(((struct any_cb *)cb)->event);
}

bool dma_fence_is_callback_of_wait(const struct dma_fence_cb *cb)
{
	return cb->func == any_signaled;
}

struct any_wait {
	struct listed_wait listed;
	struct dma_fence **fences;
	uint32_t count;
};

static void forget_any(const struct listed_wait *listed)
{
	const struct any_wait *wait = (const struct any_wait *)listed;
	uint32_t i;

	for (i = 0; i < wait->count; i++)
		dma_fence_forget_callbacks(wait->fences[i], any_signaled);
}

/* Waits until one is signaled, or does not wait at all if one is. 'cbs' has room for all. */
static int wait_any_signaled(struct dma_fence **fences, uint32_t count, struct any_cb *cbs,
			     bool intr, int64_t deadline)
{
	struct sleeper sleeper = { .fences = fences, .count = count, .deadline = deadline };
	struct any_wait wait = { { .forget = forget_any }, fences, count };
	struct park_event event = { 0 };
	uint32_t i, added;
	int ret = 0;

	probe(wait_any_begin, fences, count);
	hook(wait_any_begin, fences, count);
	dma_fence_listed_begin(&wait.listed);
	for (added = 0; added < count; added++) {
		cbs[added].event = &event;
		if (dma_fence_add_callback(fences[added], &cbs[added].cb, any_signaled))
			break;
	}
	if (added == count && !dma_fence_park_event_spin(&event)) {
		sleep_begin(&sleeper);
		ret = dma_fence_park_event_sleep(&event, intr, deadline);
		sleep_end(&sleeper);
	}
	for (i = 0; i < added && !(MUTANT(WAIT_ANY_BOUNDS) && ret); i++)
		dma_fence_remove_callback(fences[i], &cbs[i].cb);
	dma_fence_listed_end(&wait.listed);
	hook(wait_any_end, fences, count, ret);
	probe(wait_any_end, fences, ret);
	return ret;
}

int64_t dma_fence_wait_any_timeout(struct dma_fence **fences, uint32_t count, bool intr,
				   int64_t timeout_ns, uint32_t *idx)
{
	struct any_cb on_stack[ANY_ON_STACK], *cbs = on_stack;
	int64_t deadline;
	uint32_t i, first;
	int ret = 0;

	if (!all_there(fences, count) || begin_wait(__func__, timeout_ns))
		return -EINVAL;

	deadline = timeout_ns ? clock_deadline(timeout_ns) : 0;
	first = first_signaled(fences, count);
	if (first == count) {
		for (i = 0; i < count; i++)
			dma_fence_enable_signaling(fences[i]);
		first = first_signaled(fences, count);
	}
	if (first == count && timeout_ns) {
		if (count > ANY_ON_STACK)
			cbs = calloc(count, sizeof(*cbs));
		if (!cbs)
			return -ENOMEM;
		ret = wait_any_signaled(fences, count, cbs, intr, deadline);
		if (cbs != on_stack)
			free(cbs);
		first = first_signaled(fences, count);
	}

	/* One that was signaled at the last moment counts, and so does another that was faster. */
	if (first == count) {
		ret = ret ? ret : -ETIMEDOUT;
	} else if (drained(fences[first])) {
		ret = 0;
	} else {
		if (!timeout_ns)
			ret = -ETIMEDOUT;
		if (!ret)
			ret = wait_drained(fences[first], intr, deadline);
		first = first_signaled(fences, count);
		if (drained(fences[first]))
			ret = 0;
	}
	if (!ret && idx)
		*idx = first;
	return clock_time_left(ret, timeout_ns, deadline);
}

int64_t dma_fence_wait_all_timeout(struct dma_fence **fences, uint32_t count, bool intr,
				   int64_t timeout_ns, uint32_t *idx)
{
	int64_t deadline;
	uint32_t i;
	int ret = 0;

	if (!all_there(fences, count) || begin_wait(__func__, timeout_ns))
		return -EINVAL;

	deadline = timeout_ns ? clock_deadline(timeout_ns) : 0;
	for (i = 0; i < count; i++)
		dma_fence_enable_signaling(fences[i]);
	for (i = 0; i < count && !ret; i++) {
		if (drained(fences[i]))
			continue;
		ret = timeout_ns ? wait_drained(fences[i], intr, deadline) : -ETIMEDOUT;
		if (ret && idx)
			*idx = i;
	}
	return clock_time_left(ret, timeout_ns, deadline);
}
