/* SPDX-License-Identifier: MIT */
/* Leaves of containers, and merging. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <dmafence/array.h>
#include <dmafence/chain.h>
#include <dmafence/unwrap.h>

#include "fence/array.h"
#include "fence/outcome.h"

/* Leaves */

/* The first leaf from the link on where the cursor is. */
static struct dma_fence *first_leaf(struct dma_fence_unwrap *cursor)
{
	struct dma_fence *leaf = NULL;

	while (cursor->chain && !leaf) {
		cursor->array = dma_fence_chain_contained(cursor->chain);
		cursor->index = 0;
		leaf = dma_fence_array_first(cursor->array);
		if (!leaf)
			cursor->chain = dma_fence_chain_walk(cursor->chain);
	}
	return leaf;
}

struct dma_fence *dma_fence_unwrap_first(struct dma_fence *head, struct dma_fence_unwrap *cursor)
{
	cursor->chain = dma_fence_get(head);
	cursor->array = NULL;
	cursor->index = 0;
	return first_leaf(cursor);
}

struct dma_fence *dma_fence_unwrap_next(struct dma_fence_unwrap *cursor)
{
	struct dma_fence *leaf;

	if (!cursor->chain)
		return NULL;
	leaf = dma_fence_array_next(cursor->array, ++cursor->index);
	if (leaf)
		return leaf;
	cursor->chain = dma_fence_chain_walk(cursor->chain);
	return first_leaf(cursor);
}

void dma_fence_unwrap_end(struct dma_fence_unwrap *cursor)
{
	dma_fence_put(cursor->chain);
	cursor->chain = NULL;
}

/* One per context */

/* With its context, which is looked at more often than the fence. */
struct entry {
	uint64_t context;
	struct dma_fence *fence;
};

#define ENTRIES_ON_STACK 64

/* Up to here putting each in its place is faster than sorting by digits. */
#define FEW 24

static void sort_few(struct entry *entries, size_t num)
{
	size_t i, k;

	for (i = 1; i < num; i++) {
		const struct entry entry = entries[i];

		for (k = i; k && entries[k - 1].context > entry.context; k--)
			entries[k] = entries[k - 1];
		entries[k] = entry;
	}
}

/*
 * Sorts by one byte of the context after the other, from the lowest on, of those in which contexts
 * differ. They are numbered one after the other, so that these are few: one or two passes instead
 * of a comparison for each halving. Returns where the result is.
 */
static struct entry *sort_many(struct entry *entries, struct entry *spare, size_t num)
{
	uint64_t differ = 0;
	unsigned int shift;
	size_t i;

	for (i = 1; i < num; i++)
		differ |= entries[i].context ^ entries[0].context;
	for (shift = 0; shift < 64 && differ >> shift; shift += 8) {
		size_t place[256] = { 0 }, sum = 0, count;
		struct entry *sorted = spare;

		if (!(differ >> shift & 0xff))
			continue;
		for (i = 0; i < num; i++)
			place[entries[i].context >> shift & 0xff]++;
		for (i = 0; i < 256; i++) {
			count = place[i];
			place[i] = sum;
			sum += count;
		}
		for (i = 0; i < num; i++)
			sorted[place[entries[i].context >> shift & 0xff]++] = entries[i];
		spare = entries;
		entries = sorted;
	}
	return entries;
}

static int by_context(const void *a, const void *b)
{
	const struct dma_fence *const *f1 = a, *const *f2 = b;

	return ((*f1)->context > (*f2)->context) - ((*f1)->context < (*f2)->context);
}

static void sort_by_context(struct dma_fence **fences, size_t num)
{
	struct entry on_stack[ENTRIES_ON_STACK], *entries = on_stack, *sorted;
	size_t i;

	if (num > ENTRIES_ON_STACK / 2)
		entries = calloc(num, 2 * sizeof(*entries));
	if (!entries) {
		qsort(fences, num, sizeof(*fences), by_context);
		return;
	}
	for (i = 0; i < num; i++) {
		entries[i].context = fences[i]->context;
		entries[i].fence = fences[i];
	}
	sorted = entries;
	if (num <= FEW)
		sort_few(entries, num);
	else
		sorted = sort_many(entries, entries + num, num);
	for (i = 0; i < num; i++)
		fences[i] = sorted[i].fence;
	if (entries != on_stack)
		free(entries);
}

size_t dma_fence_dedup_array(struct dma_fence **fences, size_t num_fences)
{
	size_t i, num = 0, kept = 0;

	for (i = 0; i < num_fences; i++) {
		if (fences[i])
			fences[num++] = fences[i];
	}
	sort_by_context(fences, num);
	for (i = 0; i < num; i++) {
		struct dma_fence *fence = fences[i], *latest = kept ? fences[kept - 1] : NULL;

		if (!latest || latest->context != fence->context) {
			fences[kept++] = fence;
		} else if (dma_fence_is_later(fence, latest) != MUTANT(DEDUP_KEEPS_EARLIEST)) {
			fences[kept - 1] = fence;
			dma_fence_put(latest);
		} else {
			dma_fence_put(fence);
		}
	}
	return kept;
}

/* Merging */

#define LEAVES_ON_STACK 32

/* Pending leaves, with a reference each, and how those ended that are not. */
struct leaves {
	struct dma_fence **fences;
	size_t num_fences;
	size_t room;
	struct dma_fence_outcome dropped;
	struct dma_fence *on_stack[LEAVES_ON_STACK];
};

static int make_room(struct leaves *leaves)
{
	const size_t room = 2 * leaves->room;
	struct dma_fence **fences;

	if (room > UINT_MAX)
		return -ENOMEM; /* more than an array can have */
	fences = malloc(room * sizeof(*fences));
	if (!fences)
		return -ENOMEM;
	memcpy(fences, leaves->fences, leaves->num_fences * sizeof(*fences));
	if (leaves->fences != leaves->on_stack)
		free(leaves->fences);
	leaves->fences = fences;
	leaves->room = room;
	return 0;
}

static int add_leaf(struct leaves *leaves, struct dma_fence *leaf)
{
	if (dma_fence_poll(leaf)) {
		if (!MUTANT(MERGE_DROPS_ERROR))
			outcome_add_fence(&leaves->dropped, leaf, false);
		return 0;
	}
	if (leaves->num_fences == leaves->room && make_room(leaves))
		return -ENOMEM;
	leaves->fences[leaves->num_fences++] = dma_fence_get(leaf);
	return 0;
}

/* Of a link, or of what is no link. */
static int add_leaves_of_link(struct leaves *leaves, struct dma_fence *link)
{
	struct dma_fence *contained = dma_fence_chain_contained(link), *leaf;
	const struct dma_fence_array *array = to_dma_fence_array(contained);
	unsigned int i;

	if (array && !MUTANT(MERGE_DROPS_DROPPED))
		outcome_add(&leaves->dropped, &array->dropped, false);
	dma_fence_array_for_each (leaf, i, contained) {
		if (add_leaf(leaves, leaf))
			return -ENOMEM;
	}
	return 0;
}

static int add_leaves(struct leaves *leaves, struct dma_fence *head)
{
	struct dma_fence *link = dma_fence_get(head), *prev;
	struct dma_fence_outcome taken_out = { 0 };
	int ret = 0;

	while (link) {
		ret = add_leaves_of_link(leaves, link);
		if (ret || !dma_fence_is_chain(link))
			break;
		prev = dma_fence_chain_walk(dma_fence_get(link));
		/* Now it is there, of all that is not on the way any more. */
		taken_out.timestamp = atomic_load_relaxed(&to_dma_fence_chain(link)->timestamp);
		outcome_add(&leaves->dropped, &taken_out, false);
		dma_fence_put(link);
		link = prev;
	}
	dma_fence_put(link);
	return ret;
}

static struct dma_fence *signaled_fence(const struct dma_fence_outcome *outcome)
{
	struct dma_fence *fence;

	if (!outcome->error && !outcome->timestamp)
		return dma_fence_get_stub();
	fence = malloc(sizeof(*fence));
	if (!fence)
		return NULL;
	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	dma_fence_signal_state(fence, state_of_timestamp(outcome->timestamp), outcome->error);
	return fence;
}

static struct dma_fence *array_of_leaves(struct leaves *leaves)
{
	struct dma_fence_array *array;

	if (leaves->fences == leaves->on_stack && make_room(leaves))
		return NULL;
	array = dma_fence_array_create_dropped((unsigned int)leaves->num_fences, leaves->fences,
					       dma_fence_context_alloc(1), 1, &leaves->dropped);
	return array ? &array->base : NULL;
}

static void drop(struct leaves *leaves)
{
	size_t i;

	for (i = 0; i < leaves->num_fences; i++)
		dma_fence_put(leaves->fences[i]);
	if (leaves->fences != leaves->on_stack)
		free(leaves->fences);
}

struct dma_fence *dma_fence_unwrap_merge_many(size_t num_fences, struct dma_fence **fences)
{
	struct leaves leaves;
	struct dma_fence *merged = NULL;
	size_t i;

	if (!fences && num_fences) {
		errno = EINVAL;
		return NULL;
	}
	leaves.fences = leaves.on_stack;
	leaves.num_fences = 0;
	leaves.room = LEAVES_ON_STACK;
	leaves.dropped = (struct dma_fence_outcome){ 0 };
	for (i = 0; i < num_fences; i++) {
		if (add_leaves(&leaves, fences[i]))
			goto no_memory;
	}

	leaves.num_fences = dma_fence_dedup_array(leaves.fences, leaves.num_fences);
	if (!leaves.num_fences) {
		merged = signaled_fence(&leaves.dropped);
	} else if (leaves.num_fences == 1 && !leaves.dropped.error) {
		merged = dma_fence_get(leaves.fences[0]);
	} else {
		merged = array_of_leaves(&leaves);
		if (merged)
			return merged; /* the leaves are its members now */
	}
	if (!merged)
		goto no_memory;
	drop(&leaves);
	return merged;

no_memory:
	drop(&leaves);
	errno = ENOMEM;
	return NULL;
}
