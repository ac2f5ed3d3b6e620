/* SPDX-License-Identifier: MIT */
/*
 * The driver that tears down with work in flight.
 *
 * The last file is closed, and the driver with it, while the device still has two jobs. Who waits for
 * them would wait for ever.
 *
 * run with:
 * says: was pending when its context was destroyed: signaled with -ECANCELED
 * names: driver_close
 */
#include <errno.h>
#include <stdlib.h>

#include <dmafence/dmafence.h>

static struct dma_fence_context *engine;

static struct dma_fence *driver_submit(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	if (!fence || dma_fence_context_emit(engine, fence))
		abort();
	return fence;
}

static void driver_close(void)
{
#ifdef CORRECT
	/* The device is stopped, and all that it had is done, or has failed. */
	dma_fence_context_fail(engine, -EIO);
#endif
	dma_fence_context_destroy(engine); /* the fault */
}

int main(void)
{
	struct dma_fence *jobs[3];
	int i;

	engine = dma_fence_context_create("blitter", "engine 0", NULL, 1);
	for (i = 0; i < 3; i++)
		jobs[i] = driver_submit();
	dma_fence_context_signal_until(engine, 1);
	driver_close();
	for (i = 0; i < 3; i++) {
		dma_fence_wait(jobs[i], false);
		dma_fence_put(jobs[i]);
	}
	return 0;
}
