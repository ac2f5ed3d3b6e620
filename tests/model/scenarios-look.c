/* SPDX-License-Identifier: MIT */
/*
 * Looking on (fence/look.h): at callbacks, at what is before a link, at a context, while others go
 * on. What is seen is there, and nothing is changed by being seen.
 *
 * Fences are freed by their last put, at once, and callbacks when they have run.
 */
#include <dmafence/chain.h>

#include "base/atomic.h"
#include "fence/look.h"
#include "fence/state.h"
#include "support.h"

#define CALLBACKS 2
#define LINKS	  2
#define EMITTED	  2

static struct dma_fence *fence;
static struct dma_fence_cb *callbacks[CALLBACKS];
static int runs;
static int seen;

/* Callbacks */

static void run_and_free(struct dma_fence *f, struct dma_fence_cb *cb)
{
	(void)f;
	runs++;
	free(cb);
}

static void add(unsigned int i)
{
	callbacks[i] = malloc(sizeof(*callbacks[i]));
	model_assert(callbacks[i]);
	model_assert(dma_fence_add_callback(fence, callbacks[i], run_and_free) == 0);
}

static void begin_one(void)
{
	fence = new_fence(1, 1);
	name_fence(fence, "fence");
	add(0);
}

static void begin_two(void)
{
	begin_one();
	add(1);
}

static bool see(const struct dma_fence_cb *cb, void *arg)
{
	(void)arg;
	/* One that has run, or was removed, is freed: this would be seen. */
	model_assert(cb->func == run_and_free);
	seen++;
	return true;
}

static void look(void)
{
	dma_fence_visit_callbacks(fence, see, NULL);
	model_assert(seen <= CALLBACKS);
}

static void signal_fence(void)
{
	dma_fence_signal(fence);
}

static void remove_first(void)
{
	model_assert(dma_fence_remove_callback(fence, callbacks[0]));
	free(callbacks[0]);
	runs++; /* as if */
}

static void add_second(void)
{
	add(1);
}

static void wait_fence(void)
{
	model_assert(dma_fence_wait(fence, false) == 0);
	model_assert(runs == CALLBACKS);
}

static void end_of(int expected)
{
	if (!dma_fence_test_signaled_flag(fence)) {
		model_assert(!(fence->state & LOCKED));
		dma_fence_signal(fence);
	}
	model_assert(runs == expected);
	model_assert(state_drained(fence->state));
	model_assert(fence->refcount == 1);
	dma_fence_put(fence);
}

static void end_one(void)
{
	end_of(1);
}

static void end_two(void)
{
	end_of(2);
}

/* From inside the only callback: the lock is this thread's, and is not waited for. */
static void look_from_inside(struct dma_fence *f, struct dma_fence_cb *cb)
{
	model_assert(!dma_fence_visit_callbacks(f, see, NULL));
	model_assert(!seen);
	run_and_free(f, cb);
}

static void begin_inside(void)
{
	fence = new_fence(1, 1);
	callbacks[0] = malloc(sizeof(*callbacks[0]));
	model_assert(callbacks[0]);
	model_assert(dma_fence_add_callback(fence, callbacks[0], look_from_inside) == 0);
}

/* An array: its callback, and so its array, are found where they wait. */

static struct dma_fence *array, *member;

static void begin_array(void)
{
	struct dma_fence **members = malloc(sizeof(struct dma_fence *));
	struct dma_fence_array *made;

	member = new_fence(1, 1);
	members[0] = dma_fence_get(member);
	made = dma_fence_array_create(1, members, 2, 1);
	model_assert(made);
	array = &made->base;
	dma_fence_enable_signaling(array);
	/* What keeps it from now on is its callback. */
	dma_fence_put(array);
}

static struct dma_fence *found;

static bool find_array(const struct dma_fence_cb *cb, void *arg)
{
	(void)arg;
	found = dma_fence_array_of_callback(cb);
	model_assert(found == array);
	model_assert(dma_fence_get_unseen(found) == found);
	return true;
}

static void look_for_array(void)
{
	dma_fence_visit_callbacks(member, find_array, NULL);
	if (!found)
		return;
	model_assert(dma_fence_is_array(found));
	dma_fence_put_unseen(found);
}

static void signal_member(void)
{
	dma_fence_signal(member);
}

static void end_array(void)
{
	dma_fence_put(member);
}

/* Chains */

static struct dma_fence *works[LINKS], *head;

static void begin_chain(void)
{
	unsigned int i;

	for (i = 0; i < LINKS; i++) {
		struct dma_fence_chain *chain = malloc(sizeof(*chain));

		model_assert(chain);
		chain->height = 0;
		works[i] = new_fence(i + 1, 1);
		dma_fence_chain_init(chain, head, dma_fence_get(works[i]), i + 1);
		head = &chain->base;
	}
}

/* Goes back to the beginning. What is seen is held, so that it is there, whoever takes it out. */
static void look_back(void)
{
	struct dma_fence *link = dma_fence_get_unseen(head), *before;
	uint64_t point = LINKS + 1;

	while (link) {
		model_assert(dma_fence_is_chain(link));
		model_assert(link->seqno < point);
		point = link->seqno;
		before = dma_fence_chain_before_unseen(to_dma_fence_chain(link));
		dma_fence_put_unseen(link);
		link = before;
	}
}

static void finish(unsigned int i)
{
	dma_fence_signal(works[i]);
	dma_fence_put(works[i]);
	works[i] = NULL;
}

static void finish_first_and_walk(void)
{
	finish(0);
	dma_fence_put(dma_fence_chain_walk(dma_fence_get(head)));
}

static void finish_all(void)
{
	unsigned int i;

	for (i = 0; i < LINKS; i++)
		finish(i);
	dma_fence_poll(head);
}

static void end_chain(void)
{
	unsigned int i;

	for (i = 0; i < LINKS; i++) {
		if (works[i])
			finish(i);
	}
	model_assert(dma_fence_poll(head));
	dma_fence_put(head);
}

/* Contexts */

static struct dma_fence_context *context;
static struct dma_fence *emitted[EMITTED];

static void begin_context(void)
{
	unsigned int i;

	context = dma_fence_context_create("gpu", "ring", &plain_ops, 1);
	model_assert(context);
	for (i = 0; i < EMITTED; i++) {
		emitted[i] = malloc(sizeof(*emitted[i]));
		model_assert(emitted[i]);
		model_assert(dma_fence_context_emit(context, emitted[i]) == 0);
	}
}

static void ask_progress(void)
{
	struct context_progress progress;

	if (!dma_fence_context_progress_of(emitted[1], &progress))
		return;
	model_assert(progress.last_emitted == 2);
	model_assert(progress.last_signaled <= 2);
	model_assert(progress.any_signaled == (progress.last_signaled > 0));
	if (progress.known)
		model_assert(progress.pending == 2 - progress.last_signaled);
}

static void look_at_context(void)
{
	struct context_progress progress;
	struct dma_fence *fences[EMITTED];
	uint32_t count = dma_fence_context_look(context, &progress, fences, EMITTED), i;

	model_assert(progress.last_emitted == 2);
	if (progress.known)
		model_assert(count == progress.pending);
	else
		model_assert(!count);
	for (i = 0; i < count; i++) {
		model_assert(fences[i] == emitted[2 - count + i]);
		dma_fence_put_unseen(fences[i]);
	}
}

static void signal_context(void)
{
	model_assert(dma_fence_context_signal_until(context, 2) == 2);
}

static void destroy_context(void)
{
	signal_context();
	dma_fence_context_destroy(context);
	context = NULL;
}

static void end_context(void)
{
	unsigned int i;

	for (i = 0; i < EMITTED; i++) {
		model_assert(dma_fence_test_signaled_flag(emitted[i]));
		dma_fence_put(emitted[i]);
	}
	dma_fence_context_destroy(context);
}

const struct scenario look_scenarios[] = {
	{
		.name = "look-signal",
		.begin = begin_two,
		.threads = { look, signal_fence },
		.end = end_two,
	},
	{
		.name = "look-signal-one",
		.begin = begin_one,
		.threads = { look, signal_fence },
		.end = end_one,
	},
	{
		.name = "look-signal-wait",
		.begin = begin_two,
		.threads = { look, signal_fence, wait_fence },
		.end = end_two,
		.bound = 2,
	},
	{
		.name = "look-remove",
		.begin = begin_two,
		.threads = { look, remove_first },
		.end = end_two,
	},
	{
		.name = "look-add",
		.begin = begin_one,
		.threads = { look, add_second },
		.end = end_two,
	},
	{
		.name = "look-inside",
		.begin = begin_inside,
		.threads = { signal_fence },
		.end = end_one,
	},
	{
		.name = "look-array",
		.begin = begin_array,
		.threads = { look_for_array, signal_member },
		.end = end_array,
	},
	{
		.name = "look-chain-walk",
		.begin = begin_chain,
		.threads = { look_back, finish_first_and_walk },
		.end = end_chain,
	},
	{
		.name = "look-chain-finish",
		.begin = begin_chain,
		.threads = { look_back, finish_all },
		.end = end_chain,
	},
	{
		.name = "look-progress",
		.begin = begin_context,
		.threads = { ask_progress, signal_context },
		.end = end_context,
	},
	{
		.name = "look-progress-destroy",
		.begin = begin_context,
		.threads = { ask_progress, destroy_context },
		.end = end_context,
		.short_bound = 3,
	},
	{
		.name = "look-context",
		.begin = begin_context,
		.threads = { look_at_context, signal_context },
		.end = end_context,
	},
	{ .name = NULL },
};
