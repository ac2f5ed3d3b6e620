/* SPDX-License-Identifier: MIT */
/* Tracepoints that are switched off, and cost nothing. */
#ifndef PEER_TRACE_DMA_FENCE_H
#define PEER_TRACE_DMA_FENCE_H

struct dma_fence;

#define EXPORT_TRACEPOINT_SYMBOL(name)

#define PEER_NO_TRACE(name) \
	static inline void trace_##name(struct dma_fence *fence) \
	{ \
		(void)fence; \
	}
PEER_NO_TRACE(dma_fence_emit)
PEER_NO_TRACE(dma_fence_init)
PEER_NO_TRACE(dma_fence_destroy)
PEER_NO_TRACE(dma_fence_enable_signal)
PEER_NO_TRACE(dma_fence_signaled)
PEER_NO_TRACE(dma_fence_wait_start)
PEER_NO_TRACE(dma_fence_wait_end)
#undef PEER_NO_TRACE

#endif
