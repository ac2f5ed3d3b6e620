/* SPDX-License-Identifier: MIT */
/*
 * linux/dma-resv.h - the fences of a buffer
 *
 * struct dma_resv is the library's, and so are the functions that know neither fences nor times:
 * its lock, dma_resv_init(), dma_resv_fini(), dma_resv_reserve_fences(), dma_resv_copy_fences(),
 * dma_resv_test_signaled(), dma_resv_usage_rw().
 */
#ifndef LINUX_COMPAT_DMA_RESV_H
#define LINUX_COMPAT_DMA_RESV_H

#include <linux/dma-fence.h>
#include <linux/ww_mutex.h>

extern struct ww_class linux_reservation_ww_class;

/*
 * @fence is the current one. To give @fences another value makes dma_resv_iter_next_unlocked()
 * begin anew.
 */
struct linux_dma_resv_iter {
	struct dma_resv_iter base;
	struct linux_dma_fence *fence;
	struct dma_resv_list *fences;
};

void linux_dma_resv_add_fence(struct dma_resv *obj, struct linux_dma_fence *fence,
			      enum dma_resv_usage usage);
void linux_dma_resv_replace_fences(struct dma_resv *obj, uint64_t context,
				   struct linux_dma_fence *fence, enum dma_resv_usage usage);
int linux_dma_resv_get_fences(struct dma_resv *obj, enum dma_resv_usage usage,
			      unsigned int *num_fences, struct linux_dma_fence ***fences);
int linux_dma_resv_get_singleton(struct dma_resv *obj, enum dma_resv_usage usage,
				 struct linux_dma_fence **fence);
long linux_dma_resv_wait_timeout(struct dma_resv *obj, enum dma_resv_usage usage, bool intr,
				 unsigned long timeout);
void linux_dma_resv_set_deadline(struct dma_resv *obj, enum dma_resv_usage usage, ktime_t deadline);
void linux_dma_resv_describe(struct dma_resv *obj, struct seq_file *seq);

void linux_dma_resv_iter_begin(struct linux_dma_resv_iter *cursor, struct dma_resv *obj,
			       enum dma_resv_usage usage);
void linux_dma_resv_iter_end(struct linux_dma_resv_iter *cursor);
struct linux_dma_fence *linux_dma_resv_iter_first_unlocked(struct linux_dma_resv_iter *cursor);
struct linux_dma_fence *linux_dma_resv_iter_next_unlocked(struct linux_dma_resv_iter *cursor);
struct linux_dma_fence *linux_dma_resv_iter_first(struct linux_dma_resv_iter *cursor);
struct linux_dma_fence *linux_dma_resv_iter_next(struct linux_dma_resv_iter *cursor);
enum dma_resv_usage linux_dma_resv_iter_usage(struct linux_dma_resv_iter *cursor);
bool linux_dma_resv_iter_is_restarted(struct linux_dma_resv_iter *cursor);

#ifndef LINUX_COMPAT_RUN_TIME

#define reservation_ww_class linux_reservation_ww_class

#define dma_resv_iter		     linux_dma_resv_iter
#define dma_resv_add_fence	     linux_dma_resv_add_fence
#define dma_resv_replace_fences	     linux_dma_resv_replace_fences
#define dma_resv_get_fences	     linux_dma_resv_get_fences
#define dma_resv_get_singleton	     linux_dma_resv_get_singleton
#define dma_resv_wait_timeout	     linux_dma_resv_wait_timeout
#define dma_resv_set_deadline	     linux_dma_resv_set_deadline
#define dma_resv_describe	     linux_dma_resv_describe
#define dma_resv_iter_begin	     linux_dma_resv_iter_begin
#define dma_resv_iter_end	     linux_dma_resv_iter_end
#define dma_resv_iter_first_unlocked linux_dma_resv_iter_first_unlocked
#define dma_resv_iter_next_unlocked  linux_dma_resv_iter_next_unlocked
#define dma_resv_iter_first	     linux_dma_resv_iter_first
#define dma_resv_iter_next	     linux_dma_resv_iter_next
#define dma_resv_iter_usage	     linux_dma_resv_iter_usage
#define dma_resv_iter_is_restarted   linux_dma_resv_iter_is_restarted

#undef dma_resv_for_each_fence_unlocked
#define dma_resv_for_each_fence_unlocked(cursor, fence) \
	for ((fence) = linux_dma_resv_iter_first_unlocked(cursor); (fence); \
	     (fence) = linux_dma_resv_iter_next_unlocked(cursor))

#undef dma_resv_for_each_fence
#define dma_resv_for_each_fence(cursor, obj, usage, fence) \
	for (linux_dma_resv_iter_begin(cursor, obj, usage), \
	     (fence) = linux_dma_resv_iter_first(cursor); \
	     (fence); (fence) = linux_dma_resv_iter_next(cursor))

/* That somebody holds it, not who. */
#define dma_resv_held(obj)	       dma_resv_is_locked(obj)
#define dma_resv_assert_held(obj)      WARN_ON(!dma_resv_is_locked(obj))
#define dma_resv_reset_max_fences(obj) ((void)(obj))

#endif

#endif
