/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <stdlib.h>

#include "reference-array.h"

struct reference_array;

struct member_callback {
	struct dma_fence_cb cb;
	struct reference_array *array;
};

struct reference_array {
	struct dma_fence base;
	struct dma_fence **fences;
	unsigned int num_fences;
	atomic_uint pending; /* callbacks that have not been called */
	atomic_int error;    /* the first one */
	struct member_callback callbacks[];
};

static struct reference_array *array_of(struct dma_fence *fence)
{
	return (struct reference_array *)(void *)fence;
}

/*
 * The member has signaled. Its error is read from where it is, although the field is the library's:
 * dma_fence_get_status() is a function call, which the kernel's array does without, too.
 */
static inline void note_error(struct reference_array *array, const struct dma_fence *member)
{
	int none = 0;

	if (__builtin_expect(member->error, 0) &&
	    atomic_compare_exchange_strong(&array->error, &none, member->error))
		dma_fence_set_error(&array->base, member->error);
}

static void member_signaled(struct dma_fence *member, struct dma_fence_cb *cb)
{
	struct reference_array *array = ((struct member_callback *)(void *)cb)->array;

	note_error(array, member);
	if (atomic_fetch_sub_explicit(&array->pending, 1, memory_order_acq_rel) == 1) {
		dma_fence_signal_timestamp(&array->base, dma_fence_timestamp(member));
		dma_fence_put(&array->base);
	}
}

static bool reference_enable_signaling(struct dma_fence *fence)
{
	struct reference_array *array = array_of(fence);
	unsigned int i, signaled = 0;

	dma_fence_get(fence); /* for all callbacks, until the last one */
	for (i = 0; i < array->num_fences; i++) {
		struct member_callback *callback = &array->callbacks[i];

		callback->array = array;
		if (dma_fence_add_callback(array->fences[i], &callback->cb, member_signaled)) {
			note_error(array, array->fences[i]);
			signaled++;
		}
	}
	if (!signaled ||
	    atomic_fetch_sub_explicit(&array->pending, signaled, memory_order_acq_rel) != signaled)
		return true;
	dma_fence_put(fence);
	return false;
}

static bool reference_signaled(struct dma_fence *fence)
{
	return !atomic_load_explicit(&array_of(fence)->pending, memory_order_acquire);
}

static void reference_release(struct dma_fence *fence)
{
	struct reference_array *array = array_of(fence);
	unsigned int i;

	for (i = 0; i < array->num_fences; i++)
		dma_fence_put(array->fences[i]);
	free(array->fences);
	dma_fence_free(fence);
}

static const struct dma_fence_ops reference_ops = {
	.enable_signaling = reference_enable_signaling,
	.signaled = reference_signaled,
	.release = reference_release,
};

struct dma_fence *reference_array_create(unsigned int num_fences, struct dma_fence **fences,
					 uint64_t context, uint64_t seqno)
{
	struct reference_array *array =
		malloc(sizeof(*array) + num_fences * sizeof(array->callbacks[0]));

	if (!array)
		return NULL;
	array->fences = fences;
	array->num_fences = num_fences;
	atomic_init(&array->pending, num_fences);
	atomic_init(&array->error, 0);
	dma_fence_init(&array->base, &reference_ops, context, seqno);
	return &array->base;
}
