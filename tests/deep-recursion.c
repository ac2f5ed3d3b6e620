/* SPDX-License-Identifier: MIT */
/*
 * Defect "deep-recursion": signaling a long chain recurses. Here 100,000 fences each signal the
 * next from a callback, on a thread whose stack would not hold a thousandth of that.
 */
#include "support.h"

#include <limits.h>

#define FENCES 100000
#define STACK  (128 * 1024)

struct domino {
	struct dma_fence fence;
	struct dma_fence_cb cb;
};

static struct domino *row;
static int fallen;
static int64_t deepest;
static const char *bottom;

static void push_the_next(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct domino *domino = container_of(fence, struct domino, fence);
	const char *here = __builtin_frame_address(0);

	(void)cb;
	if (bottom - here > deepest)
		deepest = bottom - here;
	/* In the order of the row. */
	assert_int_equal(domino - row, fallen);
	fallen++;
	if (fallen < FENCES)
		dma_fence_signal(&domino[1].fence);
}

static void *push_the_first(void *arg)
{
	(void)arg;
	bottom = __builtin_frame_address(0);
	dma_fence_signal(&row[0].fence);
	return NULL;
}

static void on_a_small_stack(void *(*func)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;
	size_t size = STACK;

	/* Thread-local data, a sanitizer's above all, is taken out of it. */
	if (size < (size_t)PTHREAD_STACK_MIN)
		size = (size_t)PTHREAD_STACK_MIN;
	pthread_attr_init(&attr);
	assert_int_equal(pthread_attr_setstacksize(&attr, size), 0);
	assert_int_equal(pthread_create(&thread, &attr, func, NULL), 0);
	pthread_attr_destroy(&attr);
	join(thread);
}

static void each_signals_the_next(void **state)
{
	int i;

	(void)state;
	*release_count() = 0;
	row = calloc(FENCES, sizeof(*row));
	for (i = 0; i < FENCES; i++) {
		fence_init(&row[i].fence);
		assert_int_equal(dma_fence_add_callback(&row[i].fence, &row[i].cb, push_the_next),
				 0);
	}
	on_a_small_stack(push_the_first);
	assert_int_equal(fallen, FENCES);
	assert_true(deepest < 8192);
	for (i = 0; i < FENCES; i++) {
		assert_int_equal(dma_fence_flush(&row[i].fence), 0);
		dma_fence_put(&row[i].fence);
	}
	assert_int_equal(*release_count(), FENCES);
	free(row);
}

/* One that signals them all: as wide as the other is long. */

static void push_all(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	int i;

	(void)fence;
	(void)cb;
	for (i = 1; i < FENCES; i++)
		dma_fence_signal(&row[i].fence);
	assert_int_equal(fallen, 0);
}

static void fall(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)cb;
	assert_int_equal(container_of(fence, struct domino, fence) - row, ++fallen);
}

static void one_signals_all(void **state)
{
	int i;

	(void)state;
	fallen = 0;
	row = calloc(FENCES, sizeof(*row));
	for (i = 0; i < FENCES; i++) {
		fence_init(&row[i].fence);
		assert_int_equal(
			dma_fence_add_callback(&row[i].fence, &row[i].cb, i ? fall : push_all), 0);
	}
	on_a_small_stack(push_the_first);
	assert_int_equal(fallen, FENCES - 1);
	for (i = 0; i < FENCES; i++)
		dma_fence_put(&row[i].fence);
	free(row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_signals_the_next),
		cmocka_unit_test(one_signals_all),
	};

	return RUN(tests);
}
