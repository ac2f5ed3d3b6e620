/* SPDX-License-Identifier: MIT */
/*
 * dmafence/unwrap.h - what containers are made of, and merging
 *
 * A fence that somebody hands over may be a single one, an array, a chain, or a chain whose links
 * hold arrays. What is underneath are its leaves: fences that a producer signals. The functions
 * here take a fence apart into its leaves, and make a new one of the leaves of several.
 *
 * A merge keeps only what is worth waiting for. Of the leaves of one context only the latest
 * stays, for it signals after the others. Leaves that have signaled are dropped, but how they
 * ended is not: if one has failed the merge has failed, and its timestamp is the latest of all.
 * (If one leaf is left and none has failed that leaf is the merge, with a timestamp of its own.)
 */
#ifndef DMAFENCE_UNWRAP_H
#define DMAFENCE_UNWRAP_H

#include <stddef.h>

#include <dmafence/fence.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** struct dma_fence_unwrap - where one is in going through leaves; the library's */
struct dma_fence_unwrap {
	struct dma_fence *chain;
	struct dma_fence *array;
	unsigned int index;
};

/** dma_fence_unwrap_first - begins with a fence's leaves; see dma_fence_unwrap_for_each() */
struct dma_fence *dma_fence_unwrap_first(struct dma_fence *head, struct dma_fence_unwrap *cursor);

/** dma_fence_unwrap_next - the next leaf, or NULL; see dma_fence_unwrap_for_each() */
struct dma_fence *dma_fence_unwrap_next(struct dma_fence_unwrap *cursor);

/** dma_fence_unwrap_end - for who leaves dma_fence_unwrap_for_each() early */
void dma_fence_unwrap_end(struct dma_fence_unwrap *cursor);

/**
 * dma_fence_unwrap_for_each - goes through the leaves of a fence
 * @fence: each in turn, signaled or not; without a reference, valid until the next step
 * @cursor: a pointer to a struct dma_fence_unwrap, which needs no initialisation
 * @head: what to take apart; NULL has no leaves
 *
 * Goes from the newest link of a chain to its oldest, and takes out links whose work is done, as
 * dma_fence_chain_walk() does. The cursor holds a reference: who leaves the loop early calls
 * dma_fence_unwrap_end().
 */
#define dma_fence_unwrap_for_each(fence, cursor, head) \
	for ((fence) = dma_fence_unwrap_first((head), (cursor)); (fence); \
	     (fence) = dma_fence_unwrap_next(cursor))

/**
 * dma_fence_dedup_array - keeps the latest fence of each context
 * @fences: NULLs among them are left out
 * @num_fences: how many
 *
 * Sorts by context, drops the references of those that are not kept, and returns how many are. They
 * come first, in @fences. Does not look whether they have signaled. Cannot fail; where there is no
 * memory to sort with it takes longer.
 */
size_t dma_fence_dedup_array(struct dma_fence **fences, size_t num_fences);

/**
 * dma_fence_unwrap_merge_many - makes one fence of the leaves of several
 * @num_fences: how many
 * @fences: whose leaves; NULL has none. No reference is taken.
 *
 * Polls all leaves. Returns a reference
 * - to an array of the leaves that are pending, one per context, or
 * - if that would be a single one, and none that was dropped has failed, to that leaf itself, or
 * - if none is pending, to a fence that is signaled, at the latest timestamp of all.
 *
 * The error is that of the leaf that failed, and if several have, of the one that signaled first.
 * Of the points of a chain that have failed, only the earliest may still be there to be counted.
 *
 * Returns NULL with errno ENOMEM, or EINVAL if @fences is NULL and @num_fences is not 0.
 */
struct dma_fence *dma_fence_unwrap_merge_many(size_t num_fences, struct dma_fence **fences);

#ifdef __cplusplus
}

/** dma_fence_unwrap_merge - dma_fence_unwrap_merge_many() of its arguments */
template <typename... Fences> struct dma_fence *dma_fence_unwrap_merge(Fences... fences)
{
	struct dma_fence *list[] = { fences..., nullptr };

	return dma_fence_unwrap_merge_many(sizeof...(fences), list);
}
#else
/** dma_fence_unwrap_merge - dma_fence_unwrap_merge_many() of its arguments */
#define dma_fence_unwrap_merge(...) \
	dma_fence_unwrap_merge_many(sizeof((struct dma_fence *[]){ __VA_ARGS__ }) / \
					    sizeof(struct dma_fence *), \
				    (struct dma_fence *[]){ __VA_ARGS__ })
#endif
#pragma GCC visibility pop

#endif
