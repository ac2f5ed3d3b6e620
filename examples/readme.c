#include <dmafence/dmafence.h>
#include <pthread.h>
#include <stdlib.h>

static char buffer[6];

static void *engine(void *fence)
{
	snprintf(buffer, sizeof(buffer), "hello"); /* the work */
	dma_fence_signal(fence);		   /* is done */
	return NULL;
}

int main(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));
	pthread_t thread;

	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	if (pthread_create(&thread, NULL, engine, fence))
		return 1;
	dma_fence_wait(fence, false);
	puts(buffer); /* nobody writes to it any more */
	pthread_join(thread, NULL);
	dma_fence_put(fence); /* the last reference: frees it */
	return 0;
}
