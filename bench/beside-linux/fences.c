/* SPDX-License-Identifier: MIT */
/* Operations on single fences. */
#include "side.h"

#define MOST_CALLBACKS 8
#define WAITED_FOR     8

/* Which of those that are waited for is signaled. */
#define FIRST_SIGNALED 5

/* Life */

SIDE_INLINE double live(uint64_t ops, unsigned int callbacks, bool clock)
{
	struct dma_fence *fence = side_member(0);
	struct dma_fence_cb *cbs = side_callbacks();
	double begin = side_now();
	unsigned int j;
	uint64_t i;

	for (i = 0; i < ops; i++) {
		side_forget();
		side_init(fence, &side_kept_ops, &side_timeline, 1, i);
		for (j = 0; j < callbacks; j++)
			dma_fence_add_callback(fence, &cbs[j], side_count_call);
		side_signal(fence, clock);
		dma_fence_put(fence);
	}
	begin = side_now() - begin;
	side_check_called(ops * callbacks);
	return begin;
}

/* Each a loop of its own, that pays for no case but its own. */
void side_life(uint64_t ops, const struct side_case *of, double *ns)
{
	switch (of->count) {
	case 0:
		*ns = of->clock ? live(ops, 0, true) : live(ops, 0, false);
		break;
	case 1:
		*ns = of->clock ? live(ops, 1, true) : live(ops, 1, false);
		break;
	default:
		*ns = of->clock ? live(ops, MOST_CALLBACKS, true)
				: live(ops, MOST_CALLBACKS, false);
		break;
	}
}

SIDE_INLINE double live_on_heap(uint64_t ops, const struct dma_fence_ops *fence_ops, bool clock)
{
	double begin = side_now();
	struct dma_fence *fence;
	uint64_t i;

	for (i = 0; i < ops; i++) {
		fence = malloc(sizeof(*fence));
		if (!fence)
			side_host->fail("out of memory");
		side_init(fence, fence_ops, &side_timeline, 1, i);
		side_signal(fence, clock);
		dma_fence_put(fence);
	}
	return side_now() - begin;
}

void side_heap_at_once(uint64_t ops, const struct side_case *of, double *ns)
{
	*ns = of->clock ? live_on_heap(ops, &side_at_once_ops, true)
			: live_on_heap(ops, &side_at_once_ops, false);
}

/* What it costs the thread that puts; the memory comes back between samples. */
void side_heap_deferred(uint64_t ops, const struct side_case *of, double *ns)
{
	*ns = of->clock ? live_on_heap(ops, &side_deferred_ops, true)
			: live_on_heap(ops, &side_deferred_ops, false);
	side_deferred(ops * sizeof(struct dma_fence));
}

/* References and queries */

static struct dma_fence *new_member(bool signaled)
{
	side_init_members(1);
	if (signaled)
		dma_fence_signal_timestamp(side_member(0), SIDE_SOME_TIME);
	return side_member(0);
}

static void signal_and_put(struct dma_fence *fence)
{
	dma_fence_signal_timestamp(fence, SIDE_SOME_TIME);
	dma_fence_put(fence);
}

void side_get_put(uint64_t ops, const struct side_case *of, double *ns)
{
	struct dma_fence *fence = new_member(false);
	double begin = side_now();
	uint64_t i;

	(void)of;
	for (i = 0; i < ops; i++)
		dma_fence_put(dma_fence_get(fence));
	*ns = side_now() - begin;
	signal_and_put(fence);
}

void side_is_signaled(uint64_t ops, const struct side_case *of, double *ns)
{
	struct dma_fence *fence = new_member(of->signaled);
	uint64_t i, signaled = 0;
	double begin = side_now();

	for (i = 0; i < ops; i++) {
		side_forget();
		signaled += dma_fence_is_signaled(fence);
	}
	*ns = side_now() - begin;
	if (signaled != (of->signaled ? ops : 0))
		side_host->fail("a fence was not what it had to be");
	signal_and_put(fence);
}

void side_add_remove(uint64_t ops, const struct side_case *of, double *ns)
{
	struct dma_fence *fence = new_member(false);
	struct dma_fence_cb *cb = side_callbacks();
	uint64_t i, removed = 0;
	double begin = side_now();

	(void)of;
	for (i = 0; i < ops; i++) {
		dma_fence_add_callback(fence, cb, side_count_call);
		removed += dma_fence_remove_callback(fence, cb);
	}
	*ns = side_now() - begin;
	if (removed != ops)
		side_host->fail("a callback was not removed");
	signal_and_put(fence);
}

/* The first time, each on a fence of its own. */
void side_enable_new(uint64_t ops, const struct side_case *of, double *ns)
{
	uint64_t i;

	(void)of;
	side_init_members((unsigned int)ops);
	*ns = -side_now();
	for (i = 0; i < ops; i++)
		side_enable(side_member(i));
	*ns += side_now();
	for (i = 0; i < ops; i++)
		signal_and_put(side_member(i));
}

/* Waits */

void side_wait_signaled(uint64_t ops, const struct side_case *of, double *ns)
{
	struct dma_fence *fence = new_member(true);
	uint64_t i, failed = 0;
	double begin = side_now();

	(void)of;
	for (i = 0; i < ops; i++)
		failed += dma_fence_wait(fence, false) != 0;
	*ns = side_now() - begin;
	if (failed)
		side_host->fail("a wait has failed");
	dma_fence_put(fence);
}

void side_wait_any(uint64_t ops, const struct side_case *of, double *ns)
{
	struct dma_fence *fences[WAITED_FOR];
	uint32_t i, index = 0;
	uint64_t n, found = 0;

	(void)of;
	side_init_members(WAITED_FOR);
	for (i = 0; i < WAITED_FOR; i++)
		fences[i] = side_member(i);
	dma_fence_signal_timestamp(fences[FIRST_SIGNALED], SIDE_SOME_TIME);
	*ns = -side_now();
	for (n = 0; n < ops; n++) {
		dma_fence_wait_any_timeout(fences, WAITED_FOR, false, SIDE_FOREVER, &index);
		found += index == FIRST_SIGNALED;
	}
	*ns += side_now();
	if (found != ops)
		side_host->fail("a wait for any of several fences did not find the signaled one");
	for (i = 0; i < WAITED_FOR; i++)
		signal_and_put(fences[i]);
}

/* Stubs, contexts, read-side sections */

void side_get_stub(uint64_t ops, const struct side_case *of, double *ns)
{
	uint64_t i;

	(void)of;
	*ns = -side_now();
	for (i = 0; i < ops; i++)
		dma_fence_put(dma_fence_get_stub());
	*ns += side_now();
}

void side_private_stub(uint64_t ops, const struct side_case *of, double *ns)
{
	uint64_t i;

	(void)of;
	*ns = -side_now();
	for (i = 0; i < ops; i++)
		dma_fence_put(dma_fence_allocate_private_stub(SIDE_SOME_TIME));
	*ns += side_now();
	side_deferred(ops * sizeof(struct dma_fence));
}

void side_context_alloc(uint64_t ops, const struct side_case *of, double *ns)
{
	uint64_t i;

	(void)of;
	*ns = -side_now();
	for (i = 0; i < ops; i++)
		side_keep(dma_fence_context_alloc(1));
	*ns += side_now();
}

void side_read_section(uint64_t ops, const struct side_case *of, double *ns)
{
	uint64_t i;

	(void)of;
	*ns = -side_now();
	for (i = 0; i < ops; i++) {
		side_read_lock();
		side_forget();
		side_read_unlock();
	}
	*ns += side_now();
}
