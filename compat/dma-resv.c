/* SPDX-License-Identifier: MIT */
/* Reservation objects in the kernel's shape: what knows fences and times. */
#include "dma-fence.h"

struct ww_class linux_reservation_ww_class;

void linux_dma_resv_add_fence(struct dma_resv *obj, struct linux_dma_fence *fence,
			      enum dma_resv_usage usage)
{
	const int ret = dma_resv_add_fence(obj, to_library(fence), usage);

	WARN(ret == -ENOSPC,
	     "dma_resv_add_fence() without dma_resv_reserve_fences(): nobody will wait for it\n");
	WARN(ret == -EINVAL, "dma_resv_add_fence(): no fence, or no usage\n");
}

void linux_dma_resv_replace_fences(struct dma_resv *obj, uint64_t context,
				   struct linux_dma_fence *fence, enum dma_resv_usage usage)
{
	dma_resv_replace_fences(obj, context, &fence->base, usage);
}

int linux_dma_resv_get_fences(struct dma_resv *obj, enum dma_resv_usage usage,
			      unsigned int *num_fences, struct linux_dma_fence ***fences)
{
	struct dma_fence **list = NULL;
	const int ret = dma_resv_get_fences(obj, usage, num_fences, &list);

	if (ret)
		*num_fences = 0;
	*fences = (struct linux_dma_fence **)(void *)list;
	return ret;
}

int linux_dma_resv_get_singleton(struct dma_resv *obj, enum dma_resv_usage usage,
				 struct linux_dma_fence **fence)
{
	struct dma_fence *found = NULL;
	const int ret = dma_resv_get_singleton(obj, usage, &found);

	*fence = to_linux(found);
	return ret;
}

long linux_dma_resv_wait_timeout(struct dma_resv *obj, enum dma_resv_usage usage, bool intr,
				 unsigned long timeout)
{
	if (linux_interrupted(intr) && !dma_resv_test_signaled(obj, usage))
		return -ERESTARTSYS;
	return linux_wait_result(dma_resv_wait_timeout(
		obj, usage, intr, timeout > LONG_MAX ? LONG_MAX : (int64_t)timeout));
}

void linux_dma_resv_set_deadline(struct dma_resv *obj, enum dma_resv_usage usage, ktime_t deadline)
{
	dma_resv_set_deadline(obj, usage, deadline);
}

void linux_dma_resv_describe(struct dma_resv *obj, struct seq_file *seq)
{
	dma_resv_describe(obj, seq->file);
}

/* Going through the fences */

/* Anything but NULL, and no list's. */
static struct dma_resv_list *mark_of(struct linux_dma_resv_iter *cursor)
{
	return (struct dma_resv_list *)(void *)&cursor->base;
}

static struct linux_dma_fence *at(struct linux_dma_resv_iter *cursor, struct dma_fence *fence)
{
	cursor->fences = mark_of(cursor);
	cursor->fence = to_linux(fence);
	return cursor->fence;
}

void linux_dma_resv_iter_begin(struct linux_dma_resv_iter *cursor, struct dma_resv *obj,
			       enum dma_resv_usage usage)
{
	dma_resv_iter_begin(&cursor->base, obj, usage);
	at(cursor, NULL);
}

void linux_dma_resv_iter_end(struct linux_dma_resv_iter *cursor)
{
	dma_resv_iter_end(&cursor->base);
}

struct linux_dma_fence *linux_dma_resv_iter_first_unlocked(struct linux_dma_resv_iter *cursor)
{
	return at(cursor, dma_resv_iter_first_unlocked(&cursor->base));
}

struct linux_dma_fence *linux_dma_resv_iter_next_unlocked(struct linux_dma_resv_iter *cursor)
{
	if (cursor->fences != mark_of(cursor))
		return linux_dma_resv_iter_first_unlocked(cursor);
	return at(cursor, dma_resv_iter_next_unlocked(&cursor->base));
}

struct linux_dma_fence *linux_dma_resv_iter_first(struct linux_dma_resv_iter *cursor)
{
	return at(cursor, dma_resv_iter_first(&cursor->base));
}

struct linux_dma_fence *linux_dma_resv_iter_next(struct linux_dma_resv_iter *cursor)
{
	return at(cursor, dma_resv_iter_next(&cursor->base));
}

enum dma_resv_usage linux_dma_resv_iter_usage(struct linux_dma_resv_iter *cursor)
{
	return dma_resv_iter_usage(&cursor->base);
}

bool linux_dma_resv_iter_is_restarted(struct linux_dma_resv_iter *cursor)
{
	return dma_resv_iter_is_restarted(&cursor->base);
}
