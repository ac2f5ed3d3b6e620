/* SPDX-License-Identifier: MIT */
/* The fence in the kernel's shape: the driver's ops, its lock, and times in jiffies. */
#include <pthread.h>

#include "dma-fence.h"

/* Ops: the library's call the driver's */

static const char *driver_name(struct dma_fence *base)
{
	return to_linux(base)->ops->get_driver_name(to_linux(base));
}

static const char *timeline_name(struct dma_fence *base)
{
	return to_linux(base)->ops->get_timeline_name(to_linux(base));
}

/*
 * With the lock held, and only while the fence is not signaled: the driver may rely on both. That
 * nothing had to be enabled the fence remembers, too, as DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT.
 */
static bool enable_signaling(struct dma_fence *base)
{
	struct linux_dma_fence *fence = to_linux(base);
	unsigned long flags;

	if (!fence->ops->enable_signaling)
		return true;
	spin_lock_irqsave(fence->lock, flags);
	if (!dma_fence_test_signaled_flag(base) && !fence->ops->enable_signaling(fence))
		linux_dma_fence_signal_locked(fence);
	spin_unlock_irqrestore(fence->lock, flags);
	return true;
}

static bool signaled(struct dma_fence *base)
{
	return to_linux(base)->ops->signaled(to_linux(base));
}

static void release(struct dma_fence *base)
{
	to_linux(base)->ops->release(to_linux(base));
}

static void set_deadline(struct dma_fence *base, int64_t deadline_ns)
{
	to_linux(base)->ops->set_deadline(to_linux(base), deadline_ns);
}

enum {
	HAS_SIGNALED = 1 << 0,
	HAS_RELEASE = 1 << 1,
	HAS_SET_DEADLINE = 1 << 2,
	TABLES = 1 << 3,
};

#define TABLE(has) \
	[has] = { \
		.get_driver_name = driver_name, \
		.get_timeline_name = timeline_name, \
		.enable_signaling = enable_signaling, \
		.signaled = (has)&HAS_SIGNALED ? signaled : NULL, \
		.release = (has)&HAS_RELEASE ? release : NULL, \
		.set_deadline = (has)&HAS_SET_DEADLINE ? set_deadline : NULL, \
	}

/* By what the driver has, for the library looks whether an op is there. */
static const struct dma_fence_ops tables[TABLES] = {
	TABLE(0), TABLE(1), TABLE(2), TABLE(3), TABLE(4), TABLE(5), TABLE(6), TABLE(7),
};

bool linux_dma_fence_has_driver(struct linux_dma_fence *fence)
{
	const uintptr_t ops = (uintptr_t)__atomic_load_n(&fence->base.ops, __ATOMIC_RELAXED);

	return ops >= (uintptr_t)tables && ops < (uintptr_t)(tables + TABLES);
}

/* Life */

static void init(struct linux_dma_fence *fence, const struct linux_dma_fence_ops *ops,
		 spinlock_t *lock, u64 context, u64 seqno, unsigned long flags)
{
	unsigned int has = 0;

	/* The only two that a driver has to have. */
	BUG_ON(!ops->get_driver_name);
	BUG_ON(!ops->get_timeline_name);
	if (ops->signaled)
		has |= HAS_SIGNALED;
	if (ops->release)
		has |= HAS_RELEASE;
	if (ops->set_deadline)
		has |= HAS_SET_DEADLINE;
	spin_lock_init(&fence->inline_lock);
	if (!lock)
		flags |= BIT_MASK(DMA_FENCE_FLAG_INLINE_LOCK_BIT);
	if (ops->use_64bit_seqno)
		flags |= BIT_MASK(DMA_FENCE_FLAG_SEQNO64_BIT);
	fence->ops = ops;
	fence->lock = lock ? lock : &fence->inline_lock;
	fence->linux_flags = flags;
	dma_fence_init(&fence->base, &tables[has], context, seqno);
	/* As the kernel's: dropped unsignaled it is released, unless a callback is left on it. */
	fence->base.published = DMA_FENCE_NEVER_PUBLISHED;
}

void linux_dma_fence_init(struct linux_dma_fence *fence, const struct linux_dma_fence_ops *ops,
			  spinlock_t *lock, u64 context, u64 seqno)
{
	init(fence, ops, lock, context, seqno, 0);
}

void linux_dma_fence_init64(struct linux_dma_fence *fence, const struct linux_dma_fence_ops *ops,
			    spinlock_t *lock, u64 context, u64 seqno)
{
	init(fence, ops, lock, context, seqno, BIT_MASK(DMA_FENCE_FLAG_SEQNO64_BIT));
}

/* Of memory that was zeroed, or is a fence. */
bool linux_dma_fence_was_initialized(struct linux_dma_fence *fence)
{
	return fence && fence->base.ops;
}

struct linux_dma_fence *linux_dma_fence_get(struct linux_dma_fence *fence)
{
	return to_linux(dma_fence_get(to_library(fence)));
}

struct linux_dma_fence *linux_dma_fence_get_rcu(struct linux_dma_fence *fence)
{
	return to_linux(dma_fence_get_rcu(&fence->base));
}

struct linux_dma_fence *linux_dma_fence_get_rcu_safe(struct linux_dma_fence **fencep)
{
	return to_linux(dma_fence_get_rcu_safe(to_library_array(fencep)));
}

void linux_dma_fence_put(struct linux_dma_fence *fence)
{
	dma_fence_put(to_library(fence));
}

void linux_dma_fence_free(struct linux_dma_fence *fence)
{
	dma_fence_free(&fence->base);
}

void linux_dma_fence_describe(struct linux_dma_fence *fence, struct seq_file *seq)
{
	dma_fence_describe(&fence->base, seq->file);
	seq_putc(seq, '\n');
}

const char *linux_dma_fence_driver_name(struct linux_dma_fence *fence)
{
	return dma_fence_driver_name(&fence->base);
}

const char *linux_dma_fence_timeline_name(struct linux_dma_fence *fence)
{
	return dma_fence_timeline_name(&fence->base);
}

spinlock_t *linux_dma_fence_spinlock(struct linux_dma_fence *fence)
{
	static DEFINE_SPINLOCK(of_all_others);

	return linux_dma_fence_has_driver(fence) ? fence->lock : &of_all_others;
}

/* Signal */

/* The lock is held. The library's function does not say whether it was signaled before. */
static int signal_timestamp(struct linux_dma_fence *fence, ktime_t timestamp)
{
	if (dma_fence_test_signaled_flag(&fence->base))
		return -EINVAL;
	dma_fence_signal_timestamp(&fence->base, timestamp);
	return 0;
}

int linux_dma_fence_signal_locked(struct linux_dma_fence *fence)
{
	return dma_fence_check_and_signal(&fence->base) ? -EINVAL : 0;
}

int linux_dma_fence_signal_timestamp_locked(struct linux_dma_fence *fence, ktime_t timestamp)
{
	return signal_timestamp(fence, timestamp);
}

int linux_dma_fence_signal(struct linux_dma_fence *fence)
{
	unsigned long flags;
	spinlock_t *lock;
	int ret;

	if (WARN_ON(!fence))
		return -EINVAL;
	lock = linux_dma_fence_spinlock(fence);
	spin_lock_irqsave(lock, flags);
	ret = linux_dma_fence_signal_locked(fence);
	spin_unlock_irqrestore(lock, flags);
	return ret;
}

int linux_dma_fence_signal_timestamp(struct linux_dma_fence *fence, ktime_t timestamp)
{
	unsigned long flags;
	spinlock_t *lock;
	int ret;

	if (WARN_ON(!fence))
		return -EINVAL;
	lock = linux_dma_fence_spinlock(fence);
	spin_lock_irqsave(lock, flags);
	ret = signal_timestamp(fence, timestamp);
	spin_unlock_irqrestore(lock, flags);
	return ret;
}

bool linux_dma_fence_check_and_signal(struct linux_dma_fence *fence)
{
	return linux_dma_fence_signal(fence) != 0;
}

bool linux_dma_fence_check_and_signal_locked(struct linux_dma_fence *fence)
{
	return linux_dma_fence_signal_locked(fence) != 0;
}

void linux_dma_fence_set_error(struct linux_dma_fence *fence, int error)
{
	const int ret = dma_fence_set_error(&fence->base, error);

	WARN(ret == -EINVAL, "dma_fence_set_error(): %d is no errno\n", error);
	WARN(ret == -EALREADY, "dma_fence_set_error() after the signal\n");
}

/* Ask */

/* Inside a section, as the library asks, and only a fence that is not signaled. */
static bool ask_driver(struct linux_dma_fence *fence)
{
	bool is;

	rcu_read_lock();
	is = dma_fence_test_signaled_flag(&fence->base) ||
	     (fence->ops->signaled && fence->ops->signaled(fence));
	rcu_read_unlock();
	return is;
}

static bool poll_driver(struct linux_dma_fence *fence, int (*signal)(struct linux_dma_fence *fence))
{
	if (dma_fence_test_signaled_flag(&fence->base))
		return true;
	if (!linux_dma_fence_has_driver(fence))
		return dma_fence_poll(&fence->base);
	if (!ask_driver(fence))
		return false;
	signal(fence);
	return true;
}

bool linux_dma_fence_is_signaled(struct linux_dma_fence *fence)
{
	return poll_driver(fence, linux_dma_fence_signal);
}

bool linux_dma_fence_is_signaled_locked(struct linux_dma_fence *fence)
{
	return poll_driver(fence, linux_dma_fence_signal_locked);
}

int linux_dma_fence_get_status(struct linux_dma_fence *fence)
{
	return linux_dma_fence_is_signaled(fence) ? dma_fence_get_status(&fence->base) : 0;
}

int linux_dma_fence_get_status_locked(struct linux_dma_fence *fence)
{
	return linux_dma_fence_is_signaled_locked(fence) ? dma_fence_get_status(&fence->base) : 0;
}

ktime_t linux_dma_fence_timestamp(struct linux_dma_fence *fence)
{
	if (WARN(!dma_fence_test_signaled_flag(&fence->base),
		 "dma_fence_timestamp() of a fence that is not signaled\n"))
		return ktime_get();
	return dma_fence_timestamp(&fence->base);
}

/* Callbacks */

static void called(struct dma_fence *fence, struct dma_fence_cb *base)
{
	struct linux_dma_fence_cb *cb = (struct linux_dma_fence_cb *)(void *)base;

	/* irq_work that it queues runs after it, whoever signals. */
	linux_work_begin();
	cb->func(to_linux(fence), cb);
	linux_work_end();
}

int linux_dma_fence_add_callback(struct linux_dma_fence *fence, struct linux_dma_fence_cb *cb,
				 linux_dma_fence_func_t func)
{
	int ret;

	if (WARN_ON(!fence || !func))
		return -EINVAL;
	cb->func = func;
	ret = dma_fence_add_callback(&fence->base, &cb->base, called);
	if (ret) {
		cb->func = NULL;
		INIT_LIST_HEAD(&cb->node);
	}
	return ret;
}

/*
 * Where kernel code sees the flag and removes its callback it finds that this has run. Here that
 * may be still to come. It is waited for where that is safe: not under a lock, for the signaling
 * thread may want that before it delivers, and not inside a callback.
 */
bool linux_dma_fence_remove_callback(struct linux_dma_fence *fence, struct linux_dma_fence_cb *cb)
{
	bool alone = dma_fence_begin_delivery(), removed;

	dma_fence_end_delivery(alone);
	if (alone && dma_fence_test_signaled_flag(&fence->base))
		dma_fence_flush(&fence->base);
	removed = dma_fence_remove_callback(&fence->base, &cb->base);
	if (removed)
		INIT_LIST_HEAD(&cb->node);
	return removed;
}

void linux_dma_fence_enable_signaling(struct linux_dma_fence *fence)
{
	dma_fence_enable_signaling(&fence->base);
}

/* Wait */

long linux_dma_fence_default_wait(struct linux_dma_fence *fence, bool intr, long timeout)
{
	if (linux_interrupted(intr) && !dma_fence_test_signaled_flag(&fence->base))
		return -ERESTARTSYS;
	return linux_wait_result(dma_fence_wait_timeout(&fence->base, intr, timeout));
}

/* The driver's own wait may have returned as soon as it saw the flag. */
static long wait_by_driver(struct linux_dma_fence *fence, bool intr, long timeout)
{
	long ret;

	dma_fence_enable_signaling(&fence->base);
	ret = fence->ops->wait(fence, intr, timeout);
	if (dma_fence_test_signaled_flag(&fence->base))
		dma_fence_flush(&fence->base);
	return ret;
}

long linux_dma_fence_wait_timeout(struct linux_dma_fence *fence, bool intr, long timeout)
{
	if (WARN(timeout < 0, "dma_fence_wait_timeout(): a timeout of %ld\n", timeout))
		return -EINVAL;
	if (linux_dma_fence_has_driver(fence) && fence->ops->wait)
		return wait_by_driver(fence, intr, timeout);
	return linux_dma_fence_default_wait(fence, intr, timeout);
}

long linux_dma_fence_wait(struct linux_dma_fence *fence, bool intr)
{
	const long ret = linux_dma_fence_wait_timeout(fence, intr, MAX_SCHEDULE_TIMEOUT);

	return ret < 0 ? ret : 0;
}

long linux_dma_fence_wait_any_timeout(struct linux_dma_fence **fences, uint32_t count, bool intr,
				      long timeout, uint32_t *idx)
{
	const bool interrupted = linux_interrupted(intr);
	long ret = linux_wait_result(dma_fence_wait_any_timeout(
		to_library_array(fences), count, intr, interrupted ? 0 : timeout, idx));

	if (!interrupted || ret < 0)
		return ret;
	/* One that is signaled already comes before the signal. */
	return ret ? max(timeout, 1L) : -ERESTARTSYS;
}

void linux_dma_fence_set_deadline(struct linux_dma_fence *fence, ktime_t deadline)
{
	dma_fence_set_deadline(&fence->base, deadline);
}

/* Compare */

static bool numbers_later(u64 f1, u64 f2, bool seqno64)
{
	return seqno64 ? (s64)(f1 - f2) > 0 : (s32)((u32)f1 - (u32)f2) > 0;
}

static bool has_seqno64(struct linux_dma_fence *fence)
{
	return !linux_dma_fence_has_driver(fence) ||
	       test_bit(DMA_FENCE_FLAG_SEQNO64_BIT, &fence->flags);
}

bool linux_dma_fence_numbers_later(u64 f1, u64 f2, const struct linux_dma_fence_ops *ops)
{
	return numbers_later(f1, f2, ops->use_64bit_seqno);
}

bool linux_dma_fence_numbers_later_of(struct linux_dma_fence *fence, u64 f1, u64 f2)
{
	return numbers_later(f1, f2, has_seqno64(fence));
}

bool linux_dma_fence_is_later(struct linux_dma_fence *f1, struct linux_dma_fence *f2)
{
	if (WARN_ON(f1->context != f2->context))
		return false;
	return linux_dma_fence_numbers_later_of(f1, f1->seqno, f2->seqno);
}

bool linux_dma_fence_is_later_or_same(struct linux_dma_fence *f1, struct linux_dma_fence *f2)
{
	return f1 == f2 || linux_dma_fence_is_later(f1, f2);
}

struct linux_dma_fence *linux_dma_fence_later(struct linux_dma_fence *f1,
					      struct linux_dma_fence *f2)
{
	struct linux_dma_fence *later;

	if (WARN_ON(f1->context != f2->context))
		return NULL;
	later = linux_dma_fence_is_later(f1, f2) ? f1 : f2;
	return linux_dma_fence_is_signaled(later) ? NULL : later;
}

/* Stubs: the library's are too small for kernel code */

static const char *stub_name(struct linux_dma_fence *fence)
{
	(void)fence;
	return "stub";
}

static void stub_release(struct linux_dma_fence *fence)
{
	WARN(1, "a dma_fence_put() of the stub too many\n");
	/* The reference that is nobody's. */
	kref_init(&fence->refcount);
}

static const struct linux_dma_fence_ops shared_stub_ops = {
	.get_driver_name = stub_name,
	.get_timeline_name = stub_name,
	.release = stub_release,
};

static const struct linux_dma_fence_ops private_stub_ops = {
	.get_driver_name = stub_name,
	.get_timeline_name = stub_name,
};

static struct linux_dma_fence stub;

static void make_stub(void)
{
	linux_dma_fence_init64(&stub, &shared_stub_ops, NULL, 0, 0);
	dma_fence_signal_timestamp(&stub.base, 0);
}

struct linux_dma_fence *linux_dma_fence_get_stub(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_stub);
	return linux_dma_fence_get(&stub);
}

struct linux_dma_fence *linux_dma_fence_signaled(ktime_t timestamp, int error)
{
	struct linux_dma_fence *fence = kmalloc(sizeof(*fence), GFP_KERNEL);

	if (!fence)
		return NULL;
	linux_dma_fence_init64(fence, &private_stub_ops, NULL, dma_fence_context_alloc(1), 1);
	if (error)
		dma_fence_set_error(&fence->base, error);
	dma_fence_signal_timestamp(&fence->base, timestamp);
	return fence;
}

struct linux_dma_fence *linux_dma_fence_allocate_private_stub(ktime_t timestamp)
{
	return linux_dma_fence_signaled(timestamp, 0);
}
