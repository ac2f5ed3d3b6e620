/* SPDX-License-Identifier: MIT */
/* The array: one callback that rolls through the members. Why that suffices is in its header. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <dmafence/array.h>
#include <dmafence/rcu.h>

#include "base/hooks.h"
#include "base/report.h"
#include "fence/array.h"
#include "fence/container.h"
#include "fence/look.h"
#include "fence/outcome.h"

static struct dma_fence_array *array_of(struct dma_fence *fence)
{
	return (struct dma_fence_array *)(void *)fence;
}

static const char *array_driver_name(struct dma_fence *fence)
{
	(void)fence;
	return "dma_fence_array";
}

static const char *array_timeline_name(struct dma_fence *fence)
{
	(void)fence;
	return "unbound";
}

/* The position */

/*
 * Release and acquire: who reads a position reads what those saw who found the members behind it
 * signaled, and so what the producers of these wrote.
 */
static void set_position(struct dma_fence_array *array, unsigned int position)
{
	if (MUTANT(RACY_POSITION))
		atomic_store_relaxed(&array->position, position);
	else
		atomic_store_release(&array->position, position);
}

static unsigned int position_of(const struct dma_fence_array *array)
{
	if (MUTANT(RACY_POSITION))
		return atomic_load_relaxed(&array->position);
	return atomic_load_acquire(&array->position);
}

/* Completion */

static void add_members(struct dma_fence_outcome *outcome, const struct dma_fence_array *array,
			unsigned int from, unsigned int to)
{
	unsigned int i;

	for (i = from; i < to; i++)
		outcome_add_fence(outcome, array->fences[i], false);
}

/*
 * All members have signaled; 'known' is the outcome of those from 'from' to before 'to'. Several
 * may come here: the one who polls, and the callback.
 */
static void complete(struct dma_fence_array *array, unsigned int from, unsigned int to,
		     const struct dma_fence_outcome *known)
{
	struct dma_fence_outcome outcome = array->dropped;

	add_members(&outcome, array, 0, from);
	outcome_add(&outcome, known, false);
	add_members(&outcome, array, to, array->num_fences);
	if (MUTANT(LOST_ERROR_INIT) && array->base.error != 2)
		outcome.error = 0;
	if (MUTANT(SENTINEL_LEAK) && !outcome.error)
		outcome.error = 2;
	dma_fence_signal_state(&array->base, state_of_timestamp(outcome.timestamp), outcome.error);
}

static void rolled(struct dma_fence *fence, struct dma_fence_cb *cb);

/*
 * Puts the callback on the first or last member that is pending, and completes the array if there
 * is none. Only the callback's owner comes here: the thread that enables the array, then each that
 * signals the member on which the callback sits. Once the callback is added the next one may be at
 * work already.
 */
static void roll(struct dma_fence_array *array, bool at_first)
{
	const unsigned int from = array->first, to = atomic_load_relaxed(&array->position);
	struct dma_fence_outcome passed = { 0 };
	unsigned int first = from, end = to;
	struct dma_fence *member;

	array->at_first = at_first;
	while (first < end) {
		member = array->fences[at_first ? first : end - 1];
		if (!dma_fence_test_signaled_flag(member)) {
			array->first = first;
			set_position(array, end);
			if (!dma_fence_add_container_callback(member, &array->cb, rolled, true) ||
			    MUTANT(LOST_WAKEUP))
				return;
		}
		outcome_add_fence(&passed, member, !at_first);
		if (at_first)
			first++;
		else
			end--;
	}
	complete(array, from, to, &passed);
	if (!MUTANT(ARMED_WITHOUT_REFERENCE))
		dma_fence_put(&array->base);
}

/* Only for the mutant that rolls on elsewhere. */
static void hop(struct dma_fence_rcu_link *link)
{
	rolled(NULL, (struct dma_fence_cb *)link);
}

static void rolled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_fence_array *array =
		(struct dma_fence_array *)((char *)cb - offsetof(struct dma_fence_array, cb));

	if (MUTANT(HOP_LATENCY) && fence) {
		dma_fence_rcu_defer((struct dma_fence_rcu_link *)cb, hop);
		return;
	}
	if (MUTANT(LOST_ERROR_FIRED))
		atomic_store_relaxed(&fence->error, 0);
	roll(array, !array->at_first);
}

/* What the fence asks of its back end */

/*
 * All members are told that somebody waits, also those that the callback has not come to: what they
 * have to do for it they do at the same time.
 */
static void array_enable(struct dma_fence *fence)
{
	struct dma_fence_array *array = array_of(fence);
	uint64_t state = 0;
	unsigned int i;

	if (atomic_load_relaxed(&fence->flags) & DMA_FENCE_FLAG_MEMBERS_HAVE_ENABLE &&
	    !MUTANT(ENABLES_ONE_MEMBER)) {
		for (i = 0; i < array->num_fences; i++)
			fence_enable(array->fences[i]);
	}
	/* For the callback, until the array has signaled. */
	if (!MUTANT(ARMED_WITHOUT_REFERENCE))
		dma_fence_get(fence);
	if (MUTANT(DOUBLE_LOCK))
		state = dma_fence_lock_state(fence, true);
	roll(array, false);
	if (MUTANT(DOUBLE_LOCK))
		dma_fence_unlock_pending(fence, state_callbacks(state));
}

static bool array_signaled(struct dma_fence *fence)
{
	struct dma_fence_array *array = array_of(fence);
	unsigned int i = position_of(array);

	if (MUTANT(EARLY_SIGNALED) && array->cb.func)
		i--;
	while (i--) {
		if (!dma_fence_is_signaled(array->fences[i]))
			return false;
	}
	return true;
}

static bool array_poll(struct dma_fence *fence)
{
	const struct dma_fence_outcome nothing = { 0 };
	struct dma_fence_array *array = array_of(fence);
	unsigned int i = position_of(array);

	while (i--) {
		if (!dma_fence_poll(array->fences[i]))
			return false;
	}
	if (MUTANT(POLL_LOSES_OUTCOME))
		dma_fence_signal(fence);
	complete(array, 0, 0, &nothing);
	return true;
}

static void array_set_deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	struct dma_fence_array *array = array_of(fence);
	unsigned int i = position_of(array);

	while (i--)
		dma_fence_set_deadline(array->fences[i], deadline_ns);
}

static void array_release(struct dma_fence *fence)
{
	struct dma_fence_array *array = array_of(fence);
	unsigned int i;

	for (i = 0; i < array->num_fences; i++)
		dma_fence_put(array->fences[i]);
	free(array->fences);
	dma_fence_free(fence);
}

static const struct container_ops array_ops = {
	.ops = {
		.get_driver_name = array_driver_name,
		.get_timeline_name = array_timeline_name,
		.signaled = array_signaled,
		.release = array_release,
		.set_deadline = array_set_deadline,
	},
	.enable = array_enable,
	.poll = array_poll,
};

/* Making one */

/* The first member that is none, or num_fences. */
static unsigned int first_unfit(unsigned int num_fences, struct dma_fence **fences)
{
	unsigned int i;

	for (i = 0; i < num_fences; i++) {
		if (!fences[i] || dma_fence_is_container(fences[i]))
			break;
	}
	return i;
}

static void report_unfit(struct dma_fence_array *array, unsigned int index, bool container)
{
	dma_fence_report(DMA_FENCE_REPORT_MEMBERS, &array->base,
			 "array %" PRIu64 ":%" PRIu64 " was given %s as member %u: %s",
			 array->base.context, array->base.seqno, container ? "a container" : "NULL",
			 index,
			 container ? "dma_fence_unwrap_merge() takes it apart" : "it is left out");
}

static void report_none(struct dma_fence_array *array)
{
	dma_fence_report(DMA_FENCE_REPORT_MEMBERS, &array->base,
			 "array %" PRIu64 ":%" PRIu64 " was given no members: it signals with "
			 "-EINVAL",
			 array->base.context, array->base.seqno);
}

static void init(struct dma_fence_array *array, unsigned int num_fences, struct dma_fence **fences,
		 uint64_t context, uint64_t seqno)
{
	uint16_t flags = DMA_FENCE_FLAG_ARRAY;
	unsigned int i;

	array->fences = fences;
	array->num_fences = num_fences;
	array->position = num_fences;
	array->first = 0;
	array->cb.func = NULL;
	for (i = 0; i < num_fences; i++) {
		container_publish(fences[i]);
		if (atomic_load_relaxed(&fences[i]->flags) & DMA_FENCE_FLAG_HAS_ENABLE_SIGNALING)
			flags |= DMA_FENCE_FLAG_MEMBERS_HAVE_ENABLE;
	}
	if (MUTANT(LOST_ERROR_INIT))
		array->base.error = 2; /* and then init stores 0 */
	dma_fence_init_container(&array->base, &array_ops, flags, context, seqno);
	hook(contain, &array->base);
}

struct dma_fence_array *dma_fence_array_alloc(void)
{
	struct dma_fence_array *array = malloc(sizeof(*array));

	if (!array)
		errno = ENOMEM;
	return array;
}

void dma_fence_array_free(struct dma_fence_array *array)
{
	free(array);
}

void dma_fence_array_init(struct dma_fence_array *array, int num_fences, struct dma_fence **fences,
			  uint64_t context, uint64_t seqno)
{
	unsigned int num = fences && num_fences > 0 ? (unsigned int)num_fences : 0;
	unsigned int unfit = first_unfit(num, fences), left = num, i;
	bool container = unfit < num && fences[unfit];

	if (unfit < num) {
		for (i = left = 0; i < num; i++) {
			if (fences[i])
				fences[left++] = fences[i];
		}
	}
	array->dropped = (struct dma_fence_outcome){ .error = left ? 0 : -EINVAL };
	init(array, left, fences, context, seqno);
	if (unfit < num)
		report_unfit(array, unfit, container);
	else if (!num)
		report_none(array);
}

struct dma_fence_array *dma_fence_array_create_dropped(unsigned int num_fences,
						       struct dma_fence **fences, uint64_t context,
						       uint64_t seqno,
						       const struct dma_fence_outcome *dropped)
{
	struct dma_fence_array *array = dma_fence_array_alloc();

	if (array) {
		array->dropped = *dropped;
		init(array, num_fences, fences, context, seqno);
	}
	return array;
}

struct dma_fence_array *dma_fence_array_create(int num_fences, struct dma_fence **fences,
					       uint64_t context, uint64_t seqno)
{
	const struct dma_fence_outcome nothing = { 0 };

	if (num_fences < 1 || !fences ||
	    first_unfit((unsigned int)num_fences, fences) != (unsigned int)num_fences) {
		errno = EINVAL;
		return NULL;
	}
	return dma_fence_array_create_dropped((unsigned int)num_fences, fences, context, seqno,
					      &nothing);
}

/* Looking into one */

bool dma_fence_is_array_callback(dma_fence_func_t func)
{
	return func == rolled;
}

struct dma_fence *dma_fence_array_of_callback(const struct dma_fence_cb *cb)
{
	if (cb->func != rolled)
		return NULL;
	return (struct dma_fence *)(uintptr_t)((const char *)cb -
					       offsetof(struct dma_fence_array, cb));
}

struct dma_fence *dma_fence_array_next(struct dma_fence *head, unsigned int index)
{
	struct dma_fence_array *array = to_dma_fence_array(head);

	if (!array)
		return index ? NULL : head;
	return index < array->num_fences ? array->fences[index] : NULL;
}

struct dma_fence *dma_fence_array_first(struct dma_fence *head)
{
	return dma_fence_array_next(head, 0);
}

bool dma_fence_match_context(struct dma_fence *fence, uint64_t context)
{
	struct dma_fence *member;
	unsigned int i;

	dma_fence_array_for_each (member, i, fence) {
		if (member->context != context)
			return false;
	}
	return true;
}
