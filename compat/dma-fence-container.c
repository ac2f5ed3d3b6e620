/* SPDX-License-Identifier: MIT */
/* Arrays, chains and merging in the kernel's shape: the library's own. */
#include "dma-fence.h"

static struct dma_fence_array *library_array(struct linux_dma_fence_array *array)
{
	return (struct dma_fence_array *)(void *)array;
}

static struct dma_fence_chain *library_chain(struct linux_dma_fence_chain *chain)
{
	return (struct dma_fence_chain *)(void *)chain;
}

bool linux_dma_fence_is_array(struct linux_dma_fence *fence)
{
	return dma_fence_is_array(&fence->base);
}

bool linux_dma_fence_is_chain(struct linux_dma_fence *fence)
{
	return dma_fence_is_chain(&fence->base);
}

bool linux_dma_fence_is_container(struct linux_dma_fence *fence)
{
	return dma_fence_is_container(&fence->base);
}

/* Arrays */

struct linux_dma_fence_array *linux_dma_fence_array_alloc(int unused, ...)
{
	(void)unused;
	return (struct linux_dma_fence_array *)(void *)dma_fence_array_alloc();
}

static void report_any(const char *function)
{
	WARN(1,
	     "%s(): signal_on_any must be false: an array signals when all members have; for any "
	     "of them, add a callback to each\n",
	     function);
}

void linux_dma_fence_array_init(struct linux_dma_fence_array *array, int num_fences,
				struct linux_dma_fence **fences, u64 context, u64 seqno,
				bool signal_on_any)
{
	dma_fence_array_init(library_array(array), num_fences, to_library_array(fences), context,
			     seqno);
	if (!signal_on_any)
		return;
	/* Nobody can have seen it yet: to signal it is not in the way of its members. */
	report_any("dma_fence_array_init");
	dma_fence_set_error(&array->base.base, -EINVAL);
	dma_fence_signal(&array->base.base);
}

struct linux_dma_fence_array *linux_dma_fence_array_create(int num_fences,
							   struct linux_dma_fence **fences,
							   u64 context, u64 seqno,
							   bool signal_on_any)
{
	struct dma_fence_array *array;

	if (signal_on_any) {
		report_any("dma_fence_array_create");
		return NULL;
	}
	array = dma_fence_array_create(num_fences, to_library_array(fences), context, seqno);
	WARN(!array && errno == EINVAL,
	     "dma_fence_array_create(): no members, or a member that is NULL or a container\n");
	return (struct linux_dma_fence_array *)(void *)array;
}

bool linux_dma_fence_match_context(struct linux_dma_fence *fence, u64 context)
{
	return dma_fence_match_context(&fence->base, context);
}

struct linux_dma_fence *linux_dma_fence_array_first(struct linux_dma_fence *head)
{
	return to_linux(dma_fence_array_first(to_library(head)));
}

struct linux_dma_fence *linux_dma_fence_array_next(struct linux_dma_fence *head, unsigned int index)
{
	return to_linux(dma_fence_array_next(to_library(head), index));
}

/* Chains */

struct linux_dma_fence_chain *linux_dma_fence_chain_alloc(void)
{
	return (struct linux_dma_fence_chain *)(void *)dma_fence_chain_alloc();
}

void linux_dma_fence_chain_free(struct linux_dma_fence_chain *chain)
{
	dma_fence_chain_free(library_chain(chain));
}

void linux_dma_fence_chain_init(struct linux_dma_fence_chain *chain, struct linux_dma_fence *prev,
				struct linux_dma_fence *fence, uint64_t seqno)
{
	dma_fence_chain_init(library_chain(chain), to_library(prev), to_library(fence), seqno);
}

struct linux_dma_fence *linux_dma_fence_chain_walk(struct linux_dma_fence *fence)
{
	return to_linux(dma_fence_chain_walk(to_library(fence)));
}

/*
 * The library finds the link and takes out nothing. Kernel code expects to have walked there from
 * the newest: past links whose own work is done, bar the newest itself. One that failed stays.
 */
int linux_dma_fence_chain_find_seqno(struct linux_dma_fence **pfence, uint64_t seqno)
{
	struct linux_dma_fence *newest = *pfence;
	struct dma_fence_chain *found;
	int ret;

	if (!seqno)
		return 0;
	ret = dma_fence_chain_find_seqno(to_library_array(pfence), seqno);
	found = to_dma_fence_chain(to_library(*pfence));
	if (!ret && found && *pfence != newest && dma_fence_get_status(found->fence) > 0)
		*pfence = to_linux(dma_fence_chain_walk(&found->base));
	return ret;
}

/* Leaves and merging */

struct linux_dma_fence *linux_dma_fence_unwrap_first(struct linux_dma_fence *head,
						     struct dma_fence_unwrap *cursor)
{
	return to_linux(dma_fence_unwrap_first(to_library(head), cursor));
}

struct linux_dma_fence *linux_dma_fence_unwrap_next(struct dma_fence_unwrap *cursor)
{
	return to_linux(dma_fence_unwrap_next(cursor));
}

/* If none is pending the library returns a fence of its own, too small for kernel code. */
struct linux_dma_fence *linux_dma_fence_unwrap_merge(size_t num_fences,
						     struct linux_dma_fence **fences)
{
	struct dma_fence *merged =
		dma_fence_unwrap_merge_many(num_fences, to_library_array(fences));
	struct linux_dma_fence *same;
	int status;

	if (!merged || dma_fence_is_container(merged) ||
	    linux_dma_fence_has_driver(to_linux(merged)) || !dma_fence_test_signaled_flag(merged))
		return to_linux(merged);
	status = dma_fence_get_status(merged);
	same = linux_dma_fence_signaled(dma_fence_timestamp(merged), status < 0 ? status : 0);
	dma_fence_put(merged);
	return same;
}

size_t linux_dma_fence_dedup_array(struct linux_dma_fence **fences, size_t num_fences)
{
	return dma_fence_dedup_array(to_library_array(fences), num_fences);
}
