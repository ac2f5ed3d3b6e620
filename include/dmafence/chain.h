/* SPDX-License-Identifier: MIT */
/*
 * dmafence/chain.h - a timeline of points
 *
 * A timeline counts upwards, and point n is reached when all work up to n is done. A chain is a
 * timeline made of fences. Each link is a fence itself: it holds the fence of its own work and the
 * link before it, and signals when both have. The newest link stands for the whole timeline, any
 * older one for it up to that point:
 *
 *	[ link 3 ] -> [ link 2 ] -> [ link 1 ]
 *	    |		   |		|
 *	 fence c	fence b	     fence a
 *
 *	point 2 is reached when link 2 signals: when a and b have signaled.
 *
 * Points are 64 bit, and each is greater than the one before. There may be gaps:
 * dma_fence_chain_find_seqno() finds the link that stands for a number between two points.
 *
 * Long chains
 * ===========
 * A million links are signaled, walked and released without recursion, and in whatever order the
 * work is done the time it takes is in proportion to their number. (Where several chains share
 * their older links, for each of them.) As in an array (dmafence/array.h) a link has one callback,
 * which sits on the fence of its own work first, and then on what is pending before it. Only
 * dma_fence_is_signaled() of a link looks at all that is done before it each time, until somebody
 * polls or walks from it, because it changes nothing.
 *
 * To find a point takes O(log n) steps: beside the link before it one link in four knows another
 * one further back, one in sixteen two, and so on, which makes the chain a skip list.
 *
 * To wait for a link enables the work of points that are pending one after the other, from the
 * newest on: the one on which its callback sits.
 *
 * Garbage
 * =======
 * A link that has signaled lets go of the one before. If nobody waits for a chain that does not
 * happen by itself, so dma_fence_chain_walk() collects garbage as it goes: it takes links out whose
 * own work is done, older links that are still pending stay. Who adds a point to a timeline on
 * which nobody may be waiting walks over it from time to time.
 *
 * How it ended
 * ============
 * The error of a link is that of the earliest point up to it whose work has failed, so that it does
 * not change with what comes later; its timestamp is the latest of all work up to it. Neither gets
 * lost when links are taken out: a link that failed stays for as long as nothing before it has
 * failed, so that every point from there on is found to have failed, and no point before.
 *
 * A chain is signaled by its fences alone: dma_fence_signal() and dma_fence_set_error() of a link
 * are not for its users.
 */
#ifndef DMAFENCE_CHAIN_H
#define DMAFENCE_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <dmafence/fence.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct dma_fence_chain - a link
 *
 * @base and @fence are for everybody to read, and do not change.
 */
struct dma_fence_chain {
	/** @base: the fence of the timeline up to here; its seqno is the point */
	struct dma_fence base;
	/** @fence: of the work of this point */
	struct dma_fence *fence;
	/* private: what is before; changes as links are taken out */
	struct dma_fence *prev;
	/* private: the point before, whether its link is still there or not; 0 if there was none */
	uint64_t prev_seqno;
	/* private: the latest of the links that were taken out behind this one */
	int64_t timestamp;
	struct dma_fence_cb cb;
	/* private: how many links further back it knows; pointers to them follow in memory */
	uint32_t height;
	/* private: another link's callback sits, or sat, on its work */
	uint32_t visited;
};

/**
 * dma_fence_chain_alloc - memory for a link
 *
 * Returns NULL with errno ENOMEM. One that is not initialised after all is freed by
 * dma_fence_chain_free().
 */
struct dma_fence_chain *dma_fence_chain_alloc(void);

/** dma_fence_chain_free - frees a link that was not initialised; NULL does nothing */
void dma_fence_chain_free(struct dma_fence_chain *chain);

/**
 * dma_fence_chain_init - makes a link; cannot fail
 * @chain: by dma_fence_chain_alloc()
 * @prev: the newest link so far; or another fence, with which the timeline begins; or NULL. The
 *	reference becomes the chain's.
 * @fence: of the work of this point; a fence or an array, not a link. The reference becomes the
 *	chain's.
 * @seqno: the point
 *
 * The caller gets the first reference to @chain->base, and drops it by dma_fence_put().
 *
 * The link is of the same context as @prev if that is a link and @seqno is greater than its point.
 * Otherwise a timeline of its own begins, which follows @prev, and whose first point is @seqno; or
 * that of @prev, if that is a link and its point is greater.
 *
 * If @fence is NULL or a link that is reported; NULL is taken for a fence that is signaled.
 */
void dma_fence_chain_init(struct dma_fence_chain *chain, struct dma_fence *prev,
			  struct dma_fence *fence, uint64_t seqno);

/** to_dma_fence_chain - the link whose fence it is; NULL if it is no link's, or NULL */
static inline struct dma_fence_chain *to_dma_fence_chain(struct dma_fence *fence)
{
	if (!fence || !dma_fence_is_chain(fence))
		return NULL;
	return (struct dma_fence_chain *)(void *)fence;
}

/**
 * dma_fence_chain_contained - the fence of a link's own work, or the fence itself if it is no link
 *
 * Takes no reference: it is valid for as long as @fence is.
 */
static inline struct dma_fence *dma_fence_chain_contained(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(fence);

	return chain ? chain->fence : fence;
}

/**
 * dma_fence_chain_walk - the link before
 * @fence: a link, or any other fence, before which there is nothing. The reference is taken.
 *
 * Takes out links whose own work is done (polling it, see dma_fence_poll()), until it finds one
 * that is pending, or has failed. Returns that with a reference, or NULL if there is none.
 */
struct dma_fence *dma_fence_chain_walk(struct dma_fence *fence);

/**
 * dma_fence_chain_for_each - goes through a chain from its newest link to its oldest
 * @iter: each in turn, with a reference, which the next step drops. Who leaves the loop early has
 *	to drop it himself.
 * @head: where to begin; not changed
 *
 * Leaves out what dma_fence_chain_walk() takes out.
 */
#define dma_fence_chain_for_each(iter, head) \
	for ((iter) = dma_fence_get(head); (iter); (iter) = dma_fence_chain_walk(iter))

/**
 * dma_fence_chain_find_seqno - finds the link that stands for a point
 * @pfence: the newest link; on success, with its reference exchanged, the link that signals when
 *	the point is reached, or NULL if it has been
 * @seqno: the point; 0 leaves @pfence as it is
 *
 * That is the first link with a point of at least @seqno; or, if it has been taken out, what is
 * left of those before it. NULL says that all work up to the point has been done, and well.
 *
 * Returns 0, or -EINVAL if @pfence is not a link or the chain does not reach to @seqno yet; then
 * @pfence is left as it is.
 *
 * Takes O(log n) steps, and signals nothing.
 */
int dma_fence_chain_find_seqno(struct dma_fence **pfence, uint64_t seqno);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
