// SPDX-License-Identifier: MIT
/*
 * Wait/die. An older context waits for a younger one; a younger one that holds others and meets an
 * older holder gets -EDEADLK, at once or when the older one becomes the holder.
 *
 * A holder's context is looked at by waiters under wait_lock, after they have set the bit that
 * sends the holder's unlock there, too: so it is still there while they look.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/ww_mutex.h>

struct waiter {
	struct list_head node;
	struct task_struct *task;
	struct ww_acquire_ctx *ctx;
};

static bool try_lock(struct ww_mutex *mutex)
{
	int state = READ_ONCE(mutex->base.state);

	while (!(state & PEER_MUTEX_HELD)) {
		if (__atomic_compare_exchange_n(&mutex->base.state, &state, state | PEER_MUTEX_HELD,
						false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

/* Whether who waits in this context has to back off from that holder. */
static bool dies(const struct ww_acquire_ctx *ctx, const struct ww_acquire_ctx *holder)
{
	return ctx && ctx->acquired && holder && ctx->stamp > holder->stamp;
}

/* Under wait_lock. */
static void wake_who_dies(struct ww_mutex *mutex, const struct ww_acquire_ctx *holder)
{
	struct waiter *waiter;

	list_for_each_entry(waiter, &mutex->base.waiters, node)
	{
		if (dies(waiter->ctx, holder))
			wake_up_process(waiter->task);
	}
}

static noinline void tell_waiters(struct ww_mutex *mutex, const struct ww_acquire_ctx *ctx)
{
	spin_lock(&mutex->base.wait_lock);
	wake_who_dies(mutex, ctx);
	spin_unlock(&mutex->base.wait_lock);
}

static void add_waiter(struct ww_mutex *mutex, struct waiter *waiter)
{
	struct waiter *other;

	if (waiter->ctx) {
		list_for_each_entry(other, &mutex->base.waiters, node)
		{
			if (!other->ctx || other->ctx->stamp > waiter->ctx->stamp) {
				list_add_tail(&waiter->node, &other->node);
				return;
			}
		}
	}
	list_add_tail(&waiter->node, &mutex->base.waiters);
}

static noinline int lock_contended(struct ww_mutex *mutex, struct ww_acquire_ctx *ctx)
{
	struct waiter waiter = { .task = current, .ctx = ctx };
	struct ww_acquire_ctx *holder;
	int ret = 0;

	spin_lock(&mutex->base.wait_lock);
	add_waiter(mutex, &waiter);
	__atomic_fetch_or(&mutex->base.state, PEER_MUTEX_WAITERS, __ATOMIC_SEQ_CST);
	while (!try_lock(mutex)) {
		holder = READ_ONCE(mutex->ctx);
		if (ctx && holder == ctx)
			ret = -EALREADY;
		else if (dies(ctx, holder))
			ret = -EDEADLK;
		if (ret)
			break;
		set_current_state(TASK_UNINTERRUPTIBLE);
		spin_unlock(&mutex->base.wait_lock);
		schedule();
		spin_lock(&mutex->base.wait_lock);
	}
	list_del(&waiter.node);
	if (list_empty(&mutex->base.waiters))
		__atomic_fetch_and(&mutex->base.state, ~PEER_MUTEX_WAITERS, __ATOMIC_SEQ_CST);
	if (!ret && ctx) {
		ctx->acquired++;
		WRITE_ONCE(mutex->ctx, ctx);
		wake_who_dies(mutex, ctx);
	}
	spin_unlock(&mutex->base.wait_lock);
	return ret;
}

static inline void set_holder(struct ww_mutex *mutex, struct ww_acquire_ctx *ctx)
{
	ctx->acquired++;
	smp_store_mb(mutex->ctx, ctx);
	if (unlikely(READ_ONCE(mutex->base.state) & PEER_MUTEX_WAITERS))
		tell_waiters(mutex, ctx);
}

int ww_mutex_lock(struct ww_mutex *mutex, struct ww_acquire_ctx *ctx)
{
	int unlocked = 0;

	if (unlikely(!__atomic_compare_exchange_n(&mutex->base.state, &unlocked, PEER_MUTEX_HELD,
						  false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
		return lock_contended(mutex, ctx);
	if (ctx)
		set_holder(mutex, ctx);
	return 0;
}

int ww_mutex_trylock(struct ww_mutex *mutex, struct ww_acquire_ctx *ctx)
{
	if (!try_lock(mutex))
		return 0;
	if (ctx)
		set_holder(mutex, ctx);
	return 1;
}

static noinline void unlock_contended(struct ww_mutex *mutex)
{
	spin_lock(&mutex->base.wait_lock);
	__atomic_fetch_and(&mutex->base.state, ~PEER_MUTEX_HELD, __ATOMIC_SEQ_CST);
	if (!list_empty(&mutex->base.waiters))
		wake_up_process(list_first_entry(&mutex->base.waiters, struct waiter, node)->task);
	spin_unlock(&mutex->base.wait_lock);
}

void ww_mutex_unlock(struct ww_mutex *mutex)
{
	int held = PEER_MUTEX_HELD;

	if (mutex->ctx) {
		mutex->ctx->acquired--;
		WRITE_ONCE(mutex->ctx, NULL);
	}
	if (unlikely(!__atomic_compare_exchange_n(&mutex->base.state, &held, 0, false,
						  __ATOMIC_RELEASE, __ATOMIC_RELAXED)))
		unlock_contended(mutex);
}
