/* SPDX-License-Identifier: MIT */
/*
 * dmafence/array.h - one fence for several
 *
 * A job that runs on several engines at once is done when all of them are. An array is the fence
 * for that: it signals when the last of its members has.
 *
 * One callback
 * ============
 * The classical array puts a callback on each member and counts down. That is memory for each
 * member, and work in the completion path of each. This one has a single callback, which rolls
 * through the members: it sits on a member that is pending; when that signals, it moves on, past
 * all that have signaled meanwhile, to another that is pending. When there is none, the array is
 * done. Each member is passed once, so that the whole costs O(members) in every order of
 * completion, and the size of an array does not depend on how many it has.
 *
 * It begins with the last member, and goes to the other end of those that are left each time. So
 * if members signal in the order of their index it is called once in all, if they signal in the
 * opposite order twice, if at random a few times; and only if they signal from both ends at once,
 * the last, the first, the last but one and so on, once for each.
 *
 * It moves on right where it is called, on the thread that signals the member, because a callback
 * is called with no lock held: it may add itself to the next member, and may signal the array,
 * whose own callbacks then run when the member's have (see "Callbacks" in dmafence/fence.h). So
 * nothing is deferred to another thread: when the dma_fence_signal() of each member has returned,
 * the array is signaled, if anybody waits for it. (Who waits for a member does not wait for that,
 * too.)
 *
 * Position and query
 * ==================
 * All members from the array's position on have been seen to be signaled. That is all it says. It
 * is written after they were seen, and before the callback is added to another one, so that it may
 * be behind what has happened, and never ahead. A query (dma_fence_is_signaled()) begins at the
 * position and asks each member before it, the one on which the callback sits included. It does
 * not count callbacks. So it cannot disagree with the position, however the callback moves
 * meanwhile: a position that is behind makes it ask more members than it had to, and every answer
 * is a member's own.
 *
 * How it ended
 * ============
 * The timestamp of an array is the latest of its members'. Its error is that of the member that
 * failed, and if several did, of the one that signaled first (by timestamp; of those with the same
 * timestamp, of the one with the lowest index). Both are computed once, when all members have
 * signaled, and come with the flag.
 *
 * Who holds what
 * ==============
 * The array owns a vector of pointers and a reference to each member. From the moment that
 * somebody waits for it until it has signaled it also holds a reference to itself, so that whoever
 * waits may drop his at any time. An array that nobody has waited for goes with its last reference
 * whether it has signaled or not: its members have producers of their own.
 *
 * An array is signaled by its members alone: dma_fence_signal() and dma_fence_set_error() of an
 * array are not for its users.
 */
#ifndef DMAFENCE_ARRAY_H
#define DMAFENCE_ARRAY_H

#include <stdbool.h>
#include <stdint.h>

#include <dmafence/fence.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** struct dma_fence_outcome - how several fences ended; the library's */
struct dma_fence_outcome {
	int64_t timestamp;
	int64_t failed_timestamp;
	int32_t error;
};

/**
 * struct dma_fence_array - a fence for several
 *
 * @base, @fences and @num_fences are for everybody to read, and do not change.
 */
struct dma_fence_array {
	/** @base: the fence */
	struct dma_fence base;
	/** @fences: the members */
	struct dma_fence **fences;
	/** @num_fences: how many there are */
	unsigned int num_fences;
	/* private: members from here on have signaled */
	unsigned int position;
	struct dma_fence_cb cb;
	/* private: of fences that were left out because they had signaled */
	struct dma_fence_outcome dropped;
	/* private: members before this one have signaled; only for the callback's owner */
	unsigned int first;
	bool at_first;
};

/**
 * dma_fence_array_alloc - memory for an array
 *
 * For who wants nothing to fail later: see dma_fence_array_init(). Returns NULL with errno ENOMEM.
 * An array that is not initialised after all is freed by dma_fence_array_free().
 */
struct dma_fence_array *dma_fence_array_alloc(void);

/** dma_fence_array_free - frees an array that was not initialised; NULL does nothing */
void dma_fence_array_free(struct dma_fence_array *array);

/**
 * dma_fence_array_init - makes an array; cannot fail
 * @array: by dma_fence_array_alloc()
 * @num_fences: how many members; at least 1
 * @fences: allocated by malloc(); becomes the array's, and so do the references in it. No member is
 *	NULL, or an array or a chain (dmafence/unwrap.h takes those apart). The same fence may be
 *	there more than once, with a reference for each.
 * @context: of the array's fence, by dma_fence_context_alloc()
 * @seqno: its place there
 *
 * The caller gets the first reference to @array->base, and drops it by dma_fence_put().
 *
 * A driver allocates the array and the vector before its point of no return, and calls this after
 * it, when the fences of the job are there. Members that are none are reported: NULL is left out, a
 * container is treated like any other fence (each takes some more of the stack if there is another
 * inside it), and an array of nothing signals with -EINVAL.
 */
void dma_fence_array_init(struct dma_fence_array *array, int num_fences, struct dma_fence **fences,
			  uint64_t context, uint64_t seqno);

/**
 * dma_fence_array_create - dma_fence_array_alloc() and dma_fence_array_init()
 *
 * Returns NULL with errno ENOMEM, or EINVAL if @num_fences is less than 1, or @fences or a member
 * is NULL, or a member is an array or a chain. Then @fences and the references in it are still the
 * caller's.
 */
struct dma_fence_array *dma_fence_array_create(int num_fences, struct dma_fence **fences,
					       uint64_t context, uint64_t seqno);

/** to_dma_fence_array - the array whose fence it is; NULL if it is no array's, or NULL */
static inline struct dma_fence_array *to_dma_fence_array(struct dma_fence *fence)
{
	if (!fence || !dma_fence_is_array(fence))
		return NULL;
	return (struct dma_fence_array *)(void *)fence;
}

/**
 * dma_fence_match_context - whether all that has to signal is of one context
 *
 * Returns true if @fence is of that context; of an array, if all its members are, whatever context
 * the array itself was given.
 */
bool dma_fence_match_context(struct dma_fence *fence, uint64_t context);

/**
 * dma_fence_array_first - the first member of an array, or the fence itself if it is no array
 * @head: a fence; or NULL, of which the first is NULL
 *
 * Takes no reference: the member is valid for as long as @head is.
 */
struct dma_fence *dma_fence_array_first(struct dma_fence *head);

/** dma_fence_array_next - the member with that index, counted from 0, or NULL if there is none */
struct dma_fence *dma_fence_array_next(struct dma_fence *head, unsigned int index);

/**
 * dma_fence_array_for_each - goes through the members of an array
 * @fence: each in turn, without a reference of its own
 * @index: an unsigned int, the member's index
 * @head: a fence; if it is no array, it is all there is. Or NULL.
 */
#define dma_fence_array_for_each(fence, index, head) \
	for ((index) = 0, (fence) = dma_fence_array_first(head); (fence); \
	     (fence) = dma_fence_array_next((head), ++(index)))

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
