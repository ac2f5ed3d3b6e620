/* SPDX-License-Identifier: MIT */
/*
 * The fd leak, one per frame.
 *
 * Each frame a client exports the fence of its last buffer, and passes the fd on; who gets it takes a
 * duplicate. Nobody closes the first one. A thousand frames later open() fails, somewhere else.
 *
 * run with: DMA_FENCE_DEBUG=leaks
 * says: 20 exported \(20 of them signaled\)
 * names: present
 */
#include <stdlib.h>
#include <unistd.h>

#include <dmafence/dmafence.h>

static void compositor_attach(int fd)
{
	struct dma_fence *fence = dma_fence_sync_file_import_dup_fd(fd);

	dma_fence_wait(fence, false);
	dma_fence_put(fence);
}

static void present(struct dma_fence *fence)
{
	int fd = dma_fence_sync_file_export(fence); /* the fault */

	dma_fence_signal(fence);
	compositor_attach(fd);
#ifdef CORRECT
	close(fd);
#endif
}

int main(void)
{
	int frame;

	for (frame = 0; frame < 20; frame++) {
		struct dma_fence *fence = malloc(sizeof(*fence));

		if (!fence)
			return 1;
		dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
		present(fence);
		dma_fence_put(fence);
	}
	return 0;
}
