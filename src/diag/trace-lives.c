/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diag/mutants.h"
#include "diag/trace-lives.h"

/* The life that the fence at an address has at the time. */
struct current {
	uint64_t fence;
	uint32_t life; /* + 1 */
};

struct table {
	struct current *entries;
	size_t size; /* a power of two, more than there are addresses */
};

static struct current *current_of(const struct table *table, uint64_t fence)
{
	size_t i = (size_t)((fence >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20);

	for (;; i++) {
		struct current *entry = &table->entries[i & (table->size - 1)];

		if (!entry->life || entry->fence == fence)
			return entry;
	}
}

static struct trace_life *life_of(struct trace_lives *lives, const struct table *table,
				  const struct trace_copy *copy, uint32_t which)
{
	const struct trace_event *event = &copy->events[which];
	struct current *current = current_of(table, event->fence);
	struct trace_life *life = current->life ? &lives->lives[current->life - 1] : NULL;

	if (!life || event->kind == TRACE_INIT ||
	    (event->kind == TRACE_SIGNAL && life->signal != TRACE_NONE) ||
	    life->context != event->context || life->seqno != event->seqno) {
		/* If nothing says how that one has ended, nothing will. */
		if (life && life->end == TRACE_PENDING)
			life->end = TRACE_END_NOT_KNOWN;
		life = &lives->lives[lives->num_lives++];
		*life = (struct trace_life){
			.fence = event->fence,
			.context = event->context,
			.seqno = event->seqno,
			.end = TRACE_PENDING,
			.since = event->time,
			.init = TRACE_NONE,
			.signal = TRACE_NONE,
			.last_wake = TRACE_NONE,
		};
		current->fence = event->fence;
		current->life = lives->num_lives;
	}
	lives->life[which] = current->life - 1;
	return life;
}

static void add_to_life(struct trace_lives *lives, struct trace_life *life,
			const struct trace_event *event, uint32_t which)
{
	switch (event->kind) {
	case TRACE_INIT:
		life->init = which;
		break;
	case TRACE_SIGNAL:
		life->signal = which;
		life->end = TRACE_SIGNALED;
		life->ended = event->time;
		break;
	case TRACE_RELEASE:
		if (life->end == TRACE_PENDING) {
			life->end = TRACE_DROPPED;
			life->ended = event->time;
		}
		break;
	case TRACE_WAIT_END:
	case TRACE_WAIT_ANY_END:
		if (!event->result) {
			lives->wake_before[which] = life->last_wake;
			life->last_wake = which;
		}
		break;
	default:
		break;
	}
}

/*
 * A fence is signaled by one step, and recorded after that, by when those who waited may have gone
 * on. But what came before on the thread that signaled came before the step.
 */
static void put_signal_before_wakes(const struct trace_lives *lives, const struct trace_copy *copy,
				    struct trace_life *life)
{
	const struct trace_event *signal = &copy->events[life->signal];
	uint32_t wake, i;

	if (MUTANT(WAKES_BEFORE_SIGNAL))
		return;
	for (wake = life->last_wake; wake != TRACE_NONE; wake = lives->wake_before[wake]) {
		if (copy->events[wake].time < life->ended)
			life->ended = copy->events[wake].time;
	}
	if (life->ended == signal->time)
		return;
	for (i = life->signal; i > 0 && copy->events[i - 1].time > life->ended; i--) {
		if (copy->events[i - 1].thread == signal->thread) {
			life->ended = copy->events[i - 1].time;
			break;
		}
	}
}

/* Though there is no event that says so. */
static bool may_have_signaled(const struct trace_copy *copy, const struct trace_life *life)
{
	if (life->last_wake != TRACE_NONE || life->since < copy->complete_since)
		return true;
	/* It is older than its first event. */
	return life->end == TRACE_DROPPED && life->init == TRACE_NONE;
}

static void find_ends(struct trace_lives *lives, const struct trace_copy *copy)
{
	uint32_t i;

	for (i = 0; i < lives->num_lives; i++) {
		struct trace_life *life = &lives->lives[i];

		if (life->end == TRACE_SIGNALED)
			put_signal_before_wakes(lives, copy, life);
		else if (may_have_signaled(copy, life) && !MUTANT(LOST_END_IS_PENDING))
			life->end = TRACE_END_NOT_KNOWN;
		lives->not_known += life->end == TRACE_END_NOT_KNOWN;
	}
}

/* Threads */

static void sort_by_thread(struct trace_lives *lives, const struct trace_copy *copy)
{
	uint32_t i, thread;

	for (i = 0; i < copy->num_events; i++)
		lives->first[copy->events[i].thread + 1]++;
	for (thread = 0; thread < copy->num_threads; thread++)
		lives->first[thread + 1] += lives->first[thread];
	/* Each of these moves to the end of its thread, and back, to where the next was. */
	for (i = 0; i < copy->num_events; i++)
		lives->by_thread[lives->first[copy->events[i].thread]++] = i;
	for (thread = copy->num_threads; thread > 0; thread--)
		lives->first[thread] = lives->first[thread - 1];
	lives->first[0] = 0;
}

static bool belong_together(const struct trace_event *begin, const struct trace_event *end)
{
	return end->kind == begin->kind + 1 &&
	       (end->kind != TRACE_WAIT_END || end->fence == begin->fence);
}

/* 'stack' has room for all. */
static void find_partners(struct trace_lives *lives, const struct trace_copy *copy, uint32_t *stack)
{
	uint32_t thread, i, depth, found;

	for (thread = 0; thread < copy->num_threads; thread++) {
		depth = 0;
		for (i = lives->first[thread]; i < lives->first[thread + 1]; i++) {
			const uint32_t which = lives->by_thread[i];
			const struct trace_event *event = &copy->events[which];

			if (depth && copy->events[stack[depth - 1]].session != event->session)
				depth = 0;
			if (trace_begins(event->kind))
				stack[depth++] = which;
			if (!trace_ends(event->kind))
				continue;
			for (found = depth; found > 0; found--) {
				if (belong_together(&copy->events[stack[found - 1]], event))
					break;
			}
			/* One that began before all of these ends after them. */
			depth = found ? found - 1 : 0;
			if (!found)
				continue;
			lives->partner[which] = stack[depth];
			lives->partner[stack[depth]] = which;
		}
	}
}

int dma_fence_trace_lives(const struct trace_copy *copy, struct trace_lives *lives)
{
	const size_t n = copy->num_events + 1;
	struct table table = { .size = 16 };
	uint32_t *stack = malloc(n * sizeof(*stack));
	uint32_t i;

	while (table.size < 2 * n)
		table.size *= 2;
	table.entries = calloc(table.size, sizeof(*table.entries));
	memset(lives, 0, sizeof(*lives));
	lives->lives = malloc(n * sizeof(*lives->lives));
	lives->life = malloc(n * sizeof(*lives->life));
	lives->wake_before = malloc(n * sizeof(*lives->wake_before));
	lives->partner = malloc(n * sizeof(*lives->partner));
	lives->by_thread = malloc(n * sizeof(*lives->by_thread));
	lives->first = calloc(copy->num_threads + 1, sizeof(*lives->first));
	if (!stack || !table.entries || !lives->lives || !lives->life || !lives->wake_before ||
	    !lives->partner || !lives->by_thread || !lives->first) {
		free(stack);
		free(table.entries);
		dma_fence_trace_lives_free(lives);
		return -ENOMEM;
	}

	for (i = 0; i < copy->num_events; i++) {
		lives->life[i] = TRACE_NONE;
		lives->partner[i] = TRACE_NONE;
		if (copy->events[i].fence)
			add_to_life(lives, life_of(lives, &table, copy, i), &copy->events[i], i);
	}
	find_ends(lives, copy);
	sort_by_thread(lives, copy);
	find_partners(lives, copy, stack);
	free(stack);
	free(table.entries);
	return 0;
}

void dma_fence_trace_lives_free(struct trace_lives *lives)
{
	free(lives->lives);
	free(lives->life);
	free(lives->wake_before);
	free(lives->partner);
	free(lives->by_thread);
	free(lives->first);
}
