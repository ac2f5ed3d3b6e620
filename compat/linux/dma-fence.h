/* SPDX-License-Identifier: MIT */
/*
 * linux/dma-fence.h - the fence in the kernel's shape
 *
 * Kernel code's struct dma_fence begins with the library's, and goes on with what that has no room
 * for: the driver's ops and lock, and flags. Everything here has a name with linux_ before it, to
 * which macros at the end lead: so that the library's headers, included first, can be what they
 * are, and code of both kinds works on the same fences in one program. A pointer to one is a
 * pointer to the other, and &fence->base is the library's.
 *
 * Both shapes of the kernel's interface are here at once, that of 6.12 and that of 7.x: functions
 * that return something or nothing return something, and a lock may be NULL, for one of the fence's
 * own. What has lost an argument takes both numbers of them (linux/dma-fence-array.h).
 *
 * How it works
 * ============
 * A fence's ops are one of a few tables of the run time's, whose functions call the driver's: its
 * enable_signaling with the fence's lock held, as the kernel does. dma_fence_signal() takes that
 * lock, too: while a driver holds it the fence does not become signaled by others who call that.
 *
 * A callback never runs under a spinlock: it waits until the thread has given back the last
 * (linux/irqflags.h). What else is different is in docs/porting.md.
 *
 * Fences that the library has made itself
 * =======================================
 * An array and a chain are larger than a fence of kernel code's, so that it may look at ops of
 * theirs, which are none that it knows. They have no lock, and no bits of their users. A fence of
 * a program that is not kernel code may be smaller: dma_fence_array_create() of it alone makes one
 * that may be handed to kernel code.
 */
#ifndef LINUX_COMPAT_DMA_FENCE_H
#define LINUX_COMPAT_DMA_FENCE_H

/* All that there is, before the names mean something else. */
#include <dmafence/dmafence.h>

#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>

struct seq_file;
struct linux_dma_fence;
struct linux_dma_fence_cb;

/*
 * Bit numbers for test_bit() and its like of &fence->flags. That word is the library's own; bits
 * beyond its end are in its other flags, and in the word behind the library's fence.
 */
enum linux_dma_fence_flag_bits {
	DMA_FENCE_FLAG_SIGNALED_BIT = 0,
	DMA_FENCE_FLAG_TIMESTAMP_BIT = 0, /* comes with the other */
	DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT = 8 * offsetof(struct dma_fence, flags) + 4,
	DMA_FENCE_FLAG_SEQNO64_BIT = 8 * (sizeof(struct dma_fence) + 16),
	DMA_FENCE_FLAG_INLINE_LOCK_BIT,
	DMA_FENCE_FLAG_USER_BITS,
};

struct linux_dma_fence_ops {
	const char *(*get_driver_name)(struct linux_dma_fence *fence);
	const char *(*get_timeline_name)(struct linux_dma_fence *fence);
	/* Called with the fence's lock held. */
	bool (*enable_signaling)(struct linux_dma_fence *fence);
	bool (*signaled)(struct linux_dma_fence *fence);
	/* Called by dma_fence_wait_timeout() and dma_fence_wait(), by no other wait. */
	long (*wait)(struct linux_dma_fence *fence, bool intr, long timeout);
	void (*release)(struct linux_dma_fence *fence);
	void (*set_deadline)(struct linux_dma_fence *fence, ktime_t deadline);
	/* Of 6.12: how dma_fence_is_later() compares, and two that are not called. */
	bool use_64bit_seqno;
	void (*fence_value_str)(struct linux_dma_fence *fence, char *str, int size);
	void (*timeline_value_str)(struct linux_dma_fence *fence, char *str, int size);
};

struct linux_dma_fence {
	union {
		/* The library's. */
		struct dma_fence base;
		/* And what kernel code may look at of it. */
		struct {
			unsigned long flags;
			const struct dma_fence_ops *linux_base_ops;
			/* Once the last reference is gone. */
			struct rcu_head rcu;
			u64 context;
			u64 seqno;
			u32 linux_base_flags;
			struct kref refcount;
			int error;
		};
	};
	const struct linux_dma_fence_ops *ops;
	spinlock_t *lock;
	/* private: the bits from DMA_FENCE_FLAG_SEQNO64_BIT on */
	unsigned long linux_flags;
	spinlock_t inline_lock;
};

#define LINUX_SAME_PLACE(kernel, library) \
	_Static_assert(offsetof(struct linux_dma_fence, kernel) == \
				       offsetof(struct dma_fence, library) && \
			       sizeof(((struct linux_dma_fence *)0)->kernel) == \
				       sizeof(((struct dma_fence *)0)->library), \
		       #kernel " is the library's " #library)
LINUX_SAME_PLACE(flags, state);
LINUX_SAME_PLACE(linux_base_ops, ops);
LINUX_SAME_PLACE(rcu, rcu);
LINUX_SAME_PLACE(context, context);
LINUX_SAME_PLACE(seqno, seqno);
LINUX_SAME_PLACE(refcount, refcount);
LINUX_SAME_PLACE(error, error);
#undef LINUX_SAME_PLACE
_Static_assert(DMA_FENCE_STATE_SIGNALED == 1 << DMA_FENCE_FLAG_SIGNALED_BIT &&
		       __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "the bit of the state word");
_Static_assert(DMA_FENCE_FLAG_ENABLED == 1 << 4, "DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT");
_Static_assert(offsetof(struct linux_dma_fence, linux_flags) * 8 == DMA_FENCE_FLAG_SEQNO64_BIT,
	       "the bits behind the library's fence");
/* So that kernel code may look at the ops of what the library allocates. */
_Static_assert(sizeof(struct dma_fence_array) >= sizeof(struct linux_dma_fence), "an array");
_Static_assert(sizeof(struct dma_fence_chain) >= sizeof(struct linux_dma_fence), "a chain");

/* Of the library's, which further headers cannot name any more. */
enum {
	LINUX_BASE_SIZE = sizeof(struct dma_fence),
	LINUX_ARRAY_SIZE = sizeof(struct dma_fence_array),
	LINUX_ARRAY_FENCES = offsetof(struct dma_fence_array, fences),
	LINUX_ARRAY_NUM_FENCES = offsetof(struct dma_fence_array, num_fences),
	LINUX_CHAIN_SIZE = sizeof(struct dma_fence_chain),
	LINUX_CHAIN_FENCE = offsetof(struct dma_fence_chain, fence),
	LINUX_CHAIN_PREV_SEQNO = offsetof(struct dma_fence_chain, prev_seqno),
};

typedef void (*linux_dma_fence_func_t)(struct linux_dma_fence *fence,
				       struct linux_dma_fence_cb *cb);

/* @node is empty, if it was made so, until the callback is added, and again when it has run. */
struct linux_dma_fence_cb {
	union {
		struct dma_fence_cb base;
		struct list_head node;
	};
	linux_dma_fence_func_t func;
};

/* Life */

void linux_dma_fence_init(struct linux_dma_fence *fence, const struct linux_dma_fence_ops *ops,
			  spinlock_t *lock, u64 context, u64 seqno);
void linux_dma_fence_init64(struct linux_dma_fence *fence, const struct linux_dma_fence_ops *ops,
			    spinlock_t *lock, u64 context, u64 seqno);
bool linux_dma_fence_was_initialized(struct linux_dma_fence *fence);
struct linux_dma_fence *linux_dma_fence_get(struct linux_dma_fence *fence);
struct linux_dma_fence *linux_dma_fence_get_rcu(struct linux_dma_fence *fence);
struct linux_dma_fence *linux_dma_fence_get_rcu_safe(struct linux_dma_fence **fencep);
void linux_dma_fence_put(struct linux_dma_fence *fence);
void linux_dma_fence_free(struct linux_dma_fence *fence);
void linux_dma_fence_describe(struct linux_dma_fence *fence, struct seq_file *seq);
const char *linux_dma_fence_driver_name(struct linux_dma_fence *fence);
const char *linux_dma_fence_timeline_name(struct linux_dma_fence *fence);

/* Its lock. What has none shares one, which is of no use but to be taken and given back. */
spinlock_t *linux_dma_fence_spinlock(struct linux_dma_fence *fence);

/* Signal: 0, or -EINVAL if it was signaled before */

int linux_dma_fence_signal(struct linux_dma_fence *fence);
int linux_dma_fence_signal_locked(struct linux_dma_fence *fence);
int linux_dma_fence_signal_timestamp(struct linux_dma_fence *fence, ktime_t timestamp);
int linux_dma_fence_signal_timestamp_locked(struct linux_dma_fence *fence, ktime_t timestamp);
bool linux_dma_fence_check_and_signal(struct linux_dma_fence *fence);
bool linux_dma_fence_check_and_signal_locked(struct linux_dma_fence *fence);
void linux_dma_fence_set_error(struct linux_dma_fence *fence, int error);

/* Ask: these signal the fence if its driver says that it is complete */

bool linux_dma_fence_is_signaled(struct linux_dma_fence *fence);
bool linux_dma_fence_is_signaled_locked(struct linux_dma_fence *fence);
int linux_dma_fence_get_status(struct linux_dma_fence *fence);
int linux_dma_fence_get_status_locked(struct linux_dma_fence *fence);
ktime_t linux_dma_fence_timestamp(struct linux_dma_fence *fence);

static inline bool linux_dma_fence_test_signaled_flag(struct linux_dma_fence *fence)
{
	return test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

/* Callbacks */

int linux_dma_fence_add_callback(struct linux_dma_fence *fence, struct linux_dma_fence_cb *cb,
				 linux_dma_fence_func_t func);
bool linux_dma_fence_remove_callback(struct linux_dma_fence *fence, struct linux_dma_fence_cb *cb);
void linux_dma_fence_enable_signaling(struct linux_dma_fence *fence);

/* Wait: what is left of the time in jiffies, 0, -ERESTARTSYS or -EINVAL */

long linux_dma_fence_wait_timeout(struct linux_dma_fence *fence, bool intr, long timeout);
long linux_dma_fence_default_wait(struct linux_dma_fence *fence, bool intr, long timeout);
long linux_dma_fence_wait(struct linux_dma_fence *fence, bool intr);
long linux_dma_fence_wait_any_timeout(struct linux_dma_fence **fences, uint32_t count, bool intr,
				      long timeout, uint32_t *idx);
void linux_dma_fence_set_deadline(struct linux_dma_fence *fence, ktime_t deadline);

/* Compare */

bool linux_dma_fence_numbers_later(u64 f1, u64 f2, const struct linux_dma_fence_ops *ops);
bool linux_dma_fence_numbers_later_of(struct linux_dma_fence *fence, u64 f1, u64 f2);
bool linux_dma_fence_is_later(struct linux_dma_fence *f1, struct linux_dma_fence *f2);
bool linux_dma_fence_is_later_or_same(struct linux_dma_fence *f1, struct linux_dma_fence *f2);
struct linux_dma_fence *linux_dma_fence_later(struct linux_dma_fence *f1,
					      struct linux_dma_fence *f2);

/* Fences that are signaled from the start */

struct linux_dma_fence *linux_dma_fence_get_stub(void);
struct linux_dma_fence *linux_dma_fence_allocate_private_stub(ktime_t timestamp);

/* Containers */

bool linux_dma_fence_is_array(struct linux_dma_fence *fence);
bool linux_dma_fence_is_chain(struct linux_dma_fence *fence);
bool linux_dma_fence_is_container(struct linux_dma_fence *fence);

#ifndef LINUX_COMPAT_RUN_TIME

#define dma_fence	 linux_dma_fence
#define dma_fence_ops	 linux_dma_fence_ops
#define dma_fence_cb	 linux_dma_fence_cb
#define dma_fence_func_t linux_dma_fence_func_t

#define dma_fence_init			  linux_dma_fence_init
#define dma_fence_init64		  linux_dma_fence_init64
#define dma_fence_was_initialized	  linux_dma_fence_was_initialized
#define dma_fence_get			  linux_dma_fence_get
#define dma_fence_get_rcu		  linux_dma_fence_get_rcu
#define dma_fence_get_rcu_safe		  linux_dma_fence_get_rcu_safe
#define dma_fence_put			  linux_dma_fence_put
#define dma_fence_free			  linux_dma_fence_free
#define dma_fence_describe		  linux_dma_fence_describe
#define dma_fence_driver_name		  linux_dma_fence_driver_name
#define dma_fence_timeline_name		  linux_dma_fence_timeline_name
#define dma_fence_spinlock		  linux_dma_fence_spinlock
#define dma_fence_signal		  linux_dma_fence_signal
#define dma_fence_signal_locked		  linux_dma_fence_signal_locked
#define dma_fence_signal_timestamp	  linux_dma_fence_signal_timestamp
#define dma_fence_signal_timestamp_locked linux_dma_fence_signal_timestamp_locked
#define dma_fence_check_and_signal	  linux_dma_fence_check_and_signal
#define dma_fence_check_and_signal_locked linux_dma_fence_check_and_signal_locked
#define dma_fence_set_error		  linux_dma_fence_set_error
#define dma_fence_is_signaled		  linux_dma_fence_is_signaled
#define dma_fence_is_signaled_locked	  linux_dma_fence_is_signaled_locked
#define dma_fence_test_signaled_flag	  linux_dma_fence_test_signaled_flag
#define dma_fence_get_status		  linux_dma_fence_get_status
#define dma_fence_get_status_locked	  linux_dma_fence_get_status_locked
#define dma_fence_timestamp		  linux_dma_fence_timestamp
#define dma_fence_add_callback		  linux_dma_fence_add_callback
#define dma_fence_remove_callback	  linux_dma_fence_remove_callback
#define dma_fence_enable_signaling	  linux_dma_fence_enable_signaling
#define dma_fence_enable_sw_signaling	  linux_dma_fence_enable_signaling
#define dma_fence_wait_timeout		  linux_dma_fence_wait_timeout
#define dma_fence_default_wait		  linux_dma_fence_default_wait
#define dma_fence_wait			  linux_dma_fence_wait
#define dma_fence_wait_any_timeout	  linux_dma_fence_wait_any_timeout
#define dma_fence_set_deadline		  linux_dma_fence_set_deadline
#define dma_fence_is_later		  linux_dma_fence_is_later
#define dma_fence_is_later_or_same	  linux_dma_fence_is_later_or_same
#define dma_fence_later			  linux_dma_fence_later
#define dma_fence_get_stub		  linux_dma_fence_get_stub
#define dma_fence_allocate_private_stub	  linux_dma_fence_allocate_private_stub
#define dma_fence_is_array		  linux_dma_fence_is_array
#define dma_fence_is_chain		  linux_dma_fence_is_chain
#define dma_fence_is_container		  linux_dma_fence_is_container

/* (number, number, ops) of 6.12, or (fence, number, number) of 7.x */
#define __dma_fence_is_later(a, b, c) \
	_Generic((a), struct linux_dma_fence * \
		 : linux_dma_fence_numbers_later_of, default \
		 : linux_dma_fence_numbers_later)(a, b, c)

#define dma_fence_lock_irqsave(fence, flags) spin_lock_irqsave(dma_fence_spinlock(fence), flags)
#define dma_fence_unlock_irqrestore(fence, flags) \
	spin_unlock_irqrestore(dma_fence_spinlock(fence), flags)
#define dma_fence_assert_held(fence) lockdep_assert_held(dma_fence_spinlock(fence))

/*
 * Annotations are for dmafence/annotate.h instead of lockdep, and dma_fence_begin_signalling() and
 * dma_fence_end_signalling() are the library's.
 */
#define __dma_fence_might_wait() dma_fence_might_wait()

#endif

#endif
