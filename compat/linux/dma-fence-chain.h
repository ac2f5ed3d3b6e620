/* SPDX-License-Identifier: MIT */
/* linux/dma-fence-chain.h - a timeline of points: the library's chains */
#ifndef LINUX_COMPAT_DMA_FENCE_CHAIN_H
#define LINUX_COMPAT_DMA_FENCE_CHAIN_H

#include <linux/dma-fence.h>

/* @base, @fence and @prev_seqno are for everybody to read. */
struct linux_dma_fence_chain {
	union {
		struct linux_dma_fence base;
		struct {
			char linux_base[LINUX_BASE_SIZE];
			struct linux_dma_fence *fence;
			void *linux_prev;
			u64 prev_seqno;
		};
		/* And pointers behind it: only dma_fence_chain_alloc() makes one. */
		char linux_chain[LINUX_CHAIN_SIZE];
	};
};

_Static_assert(offsetof(struct linux_dma_fence_chain, fence) == LINUX_CHAIN_FENCE &&
		       offsetof(struct linux_dma_fence_chain, prev_seqno) == LINUX_CHAIN_PREV_SEQNO,
	       "as in the library's");

struct linux_dma_fence_chain *linux_dma_fence_chain_alloc(void);
void linux_dma_fence_chain_free(struct linux_dma_fence_chain *chain);
void linux_dma_fence_chain_init(struct linux_dma_fence_chain *chain, struct linux_dma_fence *prev,
				struct linux_dma_fence *fence, uint64_t seqno);
struct linux_dma_fence *linux_dma_fence_chain_walk(struct linux_dma_fence *fence);
int linux_dma_fence_chain_find_seqno(struct linux_dma_fence **pfence, uint64_t seqno);

static inline struct linux_dma_fence_chain *linux_to_dma_fence_chain(struct linux_dma_fence *fence)
{
	if (!fence || !linux_dma_fence_is_chain(fence))
		return NULL;
	return container_of(fence, struct linux_dma_fence_chain, base);
}

static inline struct linux_dma_fence *linux_dma_fence_chain_contained(struct linux_dma_fence *fence)
{
	struct linux_dma_fence_chain *chain = linux_to_dma_fence_chain(fence);

	return chain ? chain->fence : fence;
}

#ifndef LINUX_COMPAT_RUN_TIME

#define dma_fence_chain		   linux_dma_fence_chain
#define dma_fence_chain_alloc	   linux_dma_fence_chain_alloc
#define dma_fence_chain_free	   linux_dma_fence_chain_free
#define dma_fence_chain_init	   linux_dma_fence_chain_init
#define dma_fence_chain_walk	   linux_dma_fence_chain_walk
#define dma_fence_chain_find_seqno linux_dma_fence_chain_find_seqno
#define to_dma_fence_chain	   linux_to_dma_fence_chain
#define dma_fence_chain_contained  linux_dma_fence_chain_contained

#undef dma_fence_chain_for_each
#define dma_fence_chain_for_each(iter, head) \
	for ((iter) = linux_dma_fence_get(head); (iter); (iter) = linux_dma_fence_chain_walk(iter))

#endif

#endif
