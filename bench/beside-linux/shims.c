/* SPDX-License-Identifier: MIT */
/*
 * What the shims cost on which the code of Linux runs here, beside the bare operation that is in
 * them. Compiled for that side alone.
 */
#include <linux/irq_work.h>

#include "shims.h"
#include "side.h"

static int word;
static spinlock_t lock;

#define TIMED(name, body) \
	static void name(uint64_t ops, const struct side_case *of, double *ns) \
	{ \
		uint64_t i; \
\
		(void)of; \
		*ns = -side_now(); \
		for (i = 0; i < ops; i++) { \
			side_forget(); \
			body; \
		} \
		*ns += side_now(); \
	}

static void do_nothing(struct irq_work *work)
{
	(void)work;
}

static struct irq_work work = { .func = do_nothing };

static struct ww_mutex mutex = {
	.base = { .waiters = LIST_HEAD_INIT(mutex.base.waiters) },
};

static void interrupts_off_and_on(void)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	spin_unlock_irqrestore(&lock, flags);
}

static void kmalloc_kfree(void)
{
	void *block = kmalloc(sizeof(struct dma_fence), GFP_KERNEL);

	side_keep(block);
	kfree(block);
}

static void malloc_free(void)
{
	void *block = malloc(sizeof(struct dma_fence));

	side_keep(block);
	free(block);
}

static void defer_free(void)
{
	struct dma_fence *fence = kmalloc(sizeof(*fence), GFP_KERNEL);

	side_keep(fence);
	kfree_rcu(fence, rcu);
}

static void lock_unlock_ctx(void)
{
	struct ww_acquire_ctx ctx;

	ww_acquire_init(&ctx, &reservation_ww_class);
	ww_mutex_lock(&mutex, &ctx);
	ww_mutex_unlock(&mutex);
	ww_acquire_fini(&ctx);
}

static int64_t clock_read(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

TIMED(loop, side_keep(i))
TIMED(bare_load, side_keep(__atomic_load_n(&word, __ATOMIC_RELAXED)))
TIMED(bare_atomic, __atomic_fetch_add(&word, 1, __ATOMIC_RELAXED))
TIMED(bare_clock, side_keep(clock_read()))
TIMED(bare_malloc, malloc_free())
TIMED(shim_atomic, atomic_inc((atomic_t *)&word))
TIMED(shim_barrier, smp_mb())
TIMED(shim_spin_lock, spin_lock(&lock); spin_unlock(&lock))
TIMED(shim_irqsave, interrupts_off_and_on())
TIMED(shim_rcu, rcu_read_lock(); side_forget(); rcu_read_unlock())
TIMED(shim_quiescent, peer_quiescent())
TIMED(shim_kmalloc, kmalloc_kfree())
TIMED(shim_kfree_rcu, defer_free())
TIMED(shim_ktime, side_keep(ktime_get()))
TIMED(shim_irq_work, irq_work_queue(&work))
TIMED(shim_ww_mutex, ww_mutex_lock(&mutex, NULL); ww_mutex_unlock(&mutex))
TIMED(shim_ww_mutex_ctx, lock_unlock_ctx())

static void shim_kfree_rcu_and_settle(uint64_t ops, const struct side_case *of, double *ns)
{
	shim_kfree_rcu(ops, of, ns);
	side_deferred(ops * sizeof(struct dma_fence));
}

extern const struct side_shim bench_shims[];
__attribute__((visibility("default"))) const struct side_shim bench_shims[] = {
	{ "bare-loop", loop, NULL, 0 },
	{ "bare-load", bare_load, NULL, 0 },
	{ "bare-atomic", bare_atomic, NULL, 0 },
	{ "bare-clock", bare_clock, NULL, 0 },
	{ "bare-malloc-free", bare_malloc, NULL, 0 },
	{ "rcu_read_lock-unlock", shim_rcu, "bare-loop", 1 },
	{ "quiescent", shim_quiescent, "bare-load", 1 },
	{ "atomic_inc", shim_atomic, "bare-atomic", 1 },
	{ "smp_mb", shim_barrier, "bare-atomic", 1 },
	{ "spin_lock-unlock", shim_spin_lock, "bare-atomic", 1 },
	{ "spin_lock_irqsave-unlock", shim_irqsave, "bare-atomic", 1 },
	{ "ktime_get", shim_ktime, "bare-clock", 1 },
	{ "kmalloc-kfree", shim_kmalloc, "bare-malloc-free", 1 },
	{ "kmalloc-kfree_rcu", shim_kfree_rcu_and_settle, "bare-malloc-free", 1 },
	{ "irq_work_queue", shim_irq_work, "bare-atomic", 2 },
	{ "ww_mutex_lock-unlock", shim_ww_mutex, "bare-atomic", 2 },
	{ "ww_mutex_lock-unlock-ctx", shim_ww_mutex_ctx, "bare-atomic", 4 },
	{ 0 },
};
