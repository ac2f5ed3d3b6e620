/* SPDX-License-Identifier: MIT */
/*
 * The timeline point that nobody submitted.
 *
 * A compositor waits for the point that its client has named. The client counts its frames from 1,
 * and names the frame after the last.
 *
 * run with: DMA_FENCE_HANG_MS=200
 * says: nobody has promised point 4
 * names: compose
 */
#include <stdlib.h>

#include <dmafence/dmafence.h>

static struct dma_fence_syncobj *timeline;

static void render(uint64_t frame)
{
	dma_fence_syncobj_signal_point(timeline, frame);
}

static int64_t compose(uint64_t frame)
{
	const struct dma_fence_syncobj_point point = { timeline, frame };
	const unsigned int flags = DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT;

	return dma_fence_syncobj_wait(&point, 1, flags, false, 1000000000, NULL); /* the fault */
}

int main(void)
{
	uint64_t frame;

	timeline = dma_fence_syncobj_create(0);
	if (!timeline)
		return 1;
	for (frame = 1; frame <= 3; frame++)
		render(frame);
#ifdef CORRECT
	frame--;
#endif
	compose(frame);
	dma_fence_syncobj_put(timeline);
	return 0;
}
