/* SPDX-License-Identifier: MIT */
/*
 * A driver that does not exist, in the kernel's words: a ring that does jobs in order, with an
 * interrupt that says up to which it has come. In the shape of 6.12 and in that of 7.x.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/timer.h>
#include <linux/wait.h>

/* Warnings that a case provokes; more or fewer fail it. */
static int warned;

static void expect_warnings(int count)
{
	assert_int_equal(linux_warn_count - warned, count);
	warned = linux_warn_count;
}

/* The driver: one spinlock for the ring and all its fences */

struct ring {
	spinlock_t lock;
	struct list_head pending;
	u64 context, next, done;
	bool interrupts_on;
	bool done_when_enabled;
	int enabled, released;
};

struct job {
	struct dma_fence fence;
	struct list_head link;
	struct ring *ring;
	ktime_t deadline;
	char payload[24];
	struct rcu_head rcu;
};

#define JOB_IS_URGENT (DMA_FENCE_FLAG_USER_BITS + 0)
#define JOB_HAS_COPY  (DMA_FENCE_FLAG_USER_BITS + 5)

static struct job *to_job(struct dma_fence *fence)
{
	return container_of(fence, struct job, fence);
}

static const char *ring_driver_name(struct dma_fence *fence)
{
	return fence ? "ring" : NULL;
}

static const char *ring_timeline_name(struct dma_fence *fence)
{
	return to_job(fence)->ring->interrupts_on ? "loud" : "quiet";
}

static bool ring_enable_signaling(struct dma_fence *fence)
{
	struct ring *ring = to_job(fence)->ring;

	ring->enabled++;
	if (!spin_is_locked(&ring->lock) || !irqs_disabled())
		return true; /* the case finds that it was not counted as it should be */
	ring->interrupts_on = true;
	if (ring->done_when_enabled) {
		ring->done = fence->seqno;
		dma_fence_signal_locked(fence);
		return false;
	}
	return true;
}

static bool ring_signaled(struct dma_fence *fence)
{
	return READ_ONCE(to_job(fence)->ring->done) >= fence->seqno;
}

static void ring_release(struct dma_fence *fence)
{
	struct job *job = to_job(fence);

	job->ring->released++;
	kfree_rcu(job, rcu);
}

static void ring_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	to_job(fence)->deadline = deadline;
}

static void ring_value_str(struct dma_fence *fence, char *str, int size)
{
	snprintf(str, (size_t)size, "%llu", fence->seqno);
}

static const struct dma_fence_ops ring_ops = {
	.use_64bit_seqno = true,
	.get_driver_name = ring_driver_name,
	.get_timeline_name = ring_timeline_name,
	.enable_signaling = ring_enable_signaling,
	.signaled = ring_signaled,
	.release = ring_release,
	.set_deadline = ring_set_deadline,
	.fence_value_str = ring_value_str,
	.timeline_value_str = ring_value_str,
};

static struct ring *ring_create(void)
{
	struct ring *ring = kzalloc(sizeof(*ring), GFP_KERNEL);

	spin_lock_init(&ring->lock);
	INIT_LIST_HEAD(&ring->pending);
	ring->context = dma_fence_context_alloc(1);
	return ring;
}

static struct job *ring_submit(struct ring *ring)
{
	struct job *job = kzalloc(sizeof(*job), GFP_KERNEL);
	unsigned long flags;

	job->ring = ring;
	spin_lock_irqsave(&ring->lock, flags);
	dma_fence_init(&job->fence, &ring_ops, &ring->lock, ring->context, ++ring->next);
	list_add_tail(&job->link, &ring->pending);
	spin_unlock_irqrestore(&ring->lock, flags);
	dma_fence_get(&job->fence);
	return job;
}

/* The interrupt: signals all under one lock, which their callbacks may want. */
static void ring_interrupt(struct ring *ring, u64 done)
{
	struct job *job, *next;
	LIST_HEAD(signaled);

	WRITE_ONCE(ring->done, done);
	spin_lock_irq(&ring->lock);
	list_for_each_entry_safe (job, next, &ring->pending, link) {
		if (job->fence.seqno > done)
			break;
		dma_fence_signal_locked(&job->fence);
		list_move_tail(&job->link, &signaled);
	}
	spin_unlock_irq(&ring->lock);
	list_for_each_entry_safe (job, next, &signaled, link) {
		list_del(&job->link);
		dma_fence_put(&job->fence);
	}
}

static void ring_destroy(struct ring *ring)
{
	ring_interrupt(ring, ring->next);
	rcu_barrier();
	assert_int_equal(ring->released, ring->next);
	kfree(ring);
	expect_warnings(0);
}

/* Another driver, of 7.x: a lock of the fence's own, and nothing else */

struct simple {
	struct dma_fence fence;
	int asked;
};

static const char *simple_name(struct dma_fence *fence)
{
	return fence->lock == &fence->inline_lock ? "simple" : "wrong";
}

static const struct dma_fence_ops simple_ops = {
	.get_driver_name = simple_name,
	.get_timeline_name = simple_name,
};

static struct dma_fence *simple_create(void)
{
	struct simple *simple = kzalloc_obj(*simple);

	dma_fence_init64(&simple->fence, &simple_ops, NULL, dma_fence_context_alloc(1), 1);
	return &simple->fence;
}

/* Callbacks */

struct taker {
	struct dma_fence_cb cb;
	struct ring *ring;
	int ran, order;
};

static int callbacks_ran;

static void take_lock(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct taker *taker = container_of(cb, struct taker, cb);
	unsigned long flags;

	(void)fence;
	spin_lock_irqsave(&taker->ring->lock, flags);
	taker->ran++;
	taker->order = ++callbacks_ran;
	spin_unlock_irqrestore(&taker->ring->lock, flags);
}

static void callbacks_come_after_the_unlock(void **state)
{
	struct ring *ring = ring_create();
	struct job *jobs[3];
	struct taker takers[3] = { 0 };
	int i;

	(void)state;
	callbacks_ran = 0;
	for (i = 0; i < 3; i++) {
		jobs[i] = ring_submit(ring);
		takers[i].ring = ring;
		assert_int_equal(dma_fence_add_callback(&jobs[i]->fence, &takers[i].cb, take_lock),
				 0);
	}
	assert_int_equal(ring->enabled, 3);

	/* By hand, to look in between. */
	spin_lock_irq(&ring->lock);
	assert_int_equal(dma_fence_signal_locked(&jobs[0]->fence), 0);
	assert_true(dma_fence_is_signaled_locked(&jobs[0]->fence));
	assert_int_equal(takers[0].ran, 0);
	spin_unlock_irq(&ring->lock);
	assert_int_equal(takers[0].ran, 1);

	/* By the interrupt, several at once, in order. */
	ring_interrupt(ring, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(takers[i].ran, 1);
		assert_int_equal(takers[i].order, i + 1);
		dma_fence_put(&jobs[i]->fence);
	}
	ring_destroy(ring);
}

static void every_kind_of_lock_holds_callbacks_back(void **state)
{
	struct ring *ring = ring_create(), *other = ring_create();
	struct taker taker = { .ring = ring };
	unsigned long flags, inner;
	struct job *job;
	int kind;

	(void)state;
	for (kind = 0; kind < 8; kind++) {
		job = ring_submit(ring);
		taker.ran = 0;
		assert_int_equal(dma_fence_add_callback(&job->fence, &taker.cb, take_lock), 0);
		switch (kind) {
		case 0:
			spin_lock(&other->lock);
			dma_fence_signal(&job->fence);
			assert_int_equal(taker.ran, 0);
			spin_unlock(&other->lock);
			break;
		case 1:
			spin_lock_bh(&other->lock);
			dma_fence_signal(&job->fence);
			assert_int_equal(taker.ran, 0);
			spin_unlock_bh(&other->lock);
			break;
		case 2:
			assert_true(spin_trylock(&other->lock));
			assert_false(spin_trylock(&other->lock));
			dma_fence_signal(&job->fence);
			assert_int_equal(taker.ran, 0);
			spin_unlock(&other->lock);
			break;
		case 3:
			local_irq_save(flags);
			dma_fence_signal(&job->fence);
			assert_int_equal(taker.ran, 0);
			local_irq_restore(flags);
			break;
		case 4: /* the lock goes first, interrupts last */
			spin_lock_irqsave(&other->lock, flags);
			dma_fence_signal(&job->fence);
			spin_unlock(&other->lock);
			assert_int_equal(taker.ran, 0);
			local_irq_restore(flags);
			break;
		case 5: /* and the other way round */
			spin_lock_irqsave(&other->lock, flags);
			dma_fence_signal(&job->fence);
			local_irq_restore(flags);
			assert_int_equal(taker.ran, 0);
			spin_unlock(&other->lock);
			break;
		case 6: /* one inside another */
			local_irq_save(flags);
			spin_lock_irqsave(&other->lock, inner);
			dma_fence_signal(&job->fence);
			spin_unlock_irqrestore(&other->lock, inner);
			assert_true(irqs_disabled());
			assert_int_equal(taker.ran, 0);
			local_irq_restore(flags);
			break;
		case 7:
			preempt_disable();
			dma_fence_signal(&job->fence);
			assert_int_equal(taker.ran, 0);
			preempt_enable();
			break;
		}
		assert_int_equal(taker.ran, 1);
		assert_false(in_atomic());
		assert_false(irqs_disabled());
		dma_fence_put(&job->fence);
	}
	ring_destroy(other);
	ring_destroy(ring);
}

static void enable_signaling_may_signal_under_the_lock(void **state)
{
	struct ring *ring = ring_create();
	struct job *early, *job;
	struct taker taker = { .ring = ring };

	(void)state;
	early = ring_submit(ring);
	job = ring_submit(ring);
	assert_false(test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &early->fence.flags));
	dma_fence_enable_sw_signaling(&early->fence);
	assert_true(test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &early->fence.flags));
	assert_true(ring->interrupts_on);
	assert_int_equal(ring->enabled, 1);
	assert_false(dma_fence_is_signaled(&early->fence));
	dma_fence_enable_signaling(&early->fence);
	assert_int_equal(ring->enabled, 1);

	ring->done_when_enabled = true;
	assert_int_equal(dma_fence_add_callback(&job->fence, &taker.cb, take_lock), -ENOENT);
	assert_int_equal(taker.ran, 0);
	assert_true(list_empty(&taker.cb.node));
	assert_true(test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &job->fence.flags));
	assert_false(dma_fence_remove_callback(&job->fence, &taker.cb));
	dma_fence_put(&early->fence);
	dma_fence_put(&job->fence);
	ring_destroy(ring);
}

static void a_query_signals_what_the_driver_says_is_done(void **state)
{
	struct ring *ring = ring_create();
	struct taker taker = { .ring = ring };
	struct job *job = ring_submit(ring);

	(void)state;
	assert_int_equal(dma_fence_add_callback(&job->fence, &taker.cb, take_lock), 0);
	assert_int_equal(dma_fence_get_status(&job->fence), 0);
	ring->done = 1;
	spin_lock_irq(&ring->lock);
	assert_true(dma_fence_is_signaled_locked(&job->fence));
	assert_int_equal(dma_fence_get_status_locked(&job->fence), 1);
	assert_int_equal(taker.ran, 0);
	spin_unlock_irq(&ring->lock);
	assert_int_equal(taker.ran, 1);
	dma_fence_put(&job->fence);

	job = ring_submit(ring);
	assert_int_equal(dma_fence_add_callback(&job->fence, &taker.cb, take_lock), 0);
	ring->done = 2;
	assert_true(dma_fence_is_signaled(&job->fence));
	assert_int_equal(taker.ran, 2);
	dma_fence_put(&job->fence);
	ring_destroy(ring);
}

/* What a driver does under its lock no dma_fence_signal() comes between. */
static int signal_thread(void *data)
{
	dma_fence_signal(data);
	return 0;
}

static void nobody_signals_under_the_lock_of_another(void **state)
{
	struct ring *ring = ring_create();
	struct job *job = ring_submit(ring);
	struct task_struct *task;

	(void)state;
	spin_lock_irq(&ring->lock);
	task = kthread_run(signal_thread, &job->fence, "signals");
	assert_false(IS_ERR(task));
	mdelay(10);
	assert_false(dma_fence_test_signaled_flag(&job->fence));
	spin_unlock_irq(&ring->lock);
	assert_int_equal(kthread_stop(task), 0);
	assert_true(dma_fence_test_signaled_flag(&job->fence));
	dma_fence_put(&job->fence);
	ring_destroy(ring);
}

struct slow {
	struct dma_fence_cb cb;
	struct completion entered;
	int ran;
};

static void be_slow(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct slow *slow = container_of(cb, struct slow, cb);

	(void)fence;
	complete(&slow->entered);
	mdelay(20);
	WRITE_ONCE(slow->ran, 1);
}

/* Who has seen the flag and removes his callback finds that it has run, as in the kernel. */
static void after_the_flag_a_removal_finds_callbacks_run(void **state)
{
	struct ring *ring = ring_create();
	struct taker taker = { .ring = ring };
	struct dma_fence *fence = simple_create();
	struct task_struct *task;
	struct slow slow = { .ran = 0 };

	(void)state;
	init_completion(&slow.entered);
	INIT_LIST_HEAD(&taker.cb.node);
	assert_true(list_empty(&taker.cb.node));
	assert_int_equal(dma_fence_add_callback(fence, &slow.cb, be_slow), 0);
	assert_int_equal(dma_fence_add_callback(fence, &taker.cb, take_lock), 0);
	assert_false(list_empty(&taker.cb.node));
	task = kthread_run(signal_thread, fence, "signals");
	wait_for_completion(&slow.entered);
	assert_true(dma_fence_test_signaled_flag(fence));
	assert_false(dma_fence_remove_callback(fence, &taker.cb));
	assert_int_equal(taker.ran, 1);
	assert_int_equal(READ_ONCE(slow.ran), 1);
	assert_true(list_empty(&taker.cb.node));
	kthread_stop(task);
	dma_fence_put(fence);

	/* And before the flag, that it has not. */
	fence = simple_create();
	assert_int_equal(dma_fence_add_callback(fence, &taker.cb, take_lock), 0);
	assert_true(dma_fence_remove_callback(fence, &taker.cb));
	assert_true(list_empty(&taker.cb.node));
	dma_fence_signal(fence);
	assert_int_equal(taker.ran, 1);
	dma_fence_put(fence);
	ring_destroy(ring);
}

/* Fields and bits */

static void both_shapes_of_a_signal(void **state)
{
	struct dma_fence *fence = simple_create();
	unsigned long flags;

	(void)state;
	assert_true(dma_fence_was_initialized(fence));
	assert_true(dma_fence_spinlock(fence) == fence->lock);
	dma_fence_lock_irqsave(fence, flags);
	dma_fence_assert_held(fence);
	assert_false(dma_fence_check_and_signal_locked(fence));
	assert_true(dma_fence_check_and_signal_locked(fence));
	dma_fence_unlock_irqrestore(fence, flags);
	assert_true(dma_fence_check_and_signal(fence));
	assert_int_equal(dma_fence_signal(fence), -EINVAL);
	dma_fence_put(fence);

	fence = simple_create();
	assert_int_equal(dma_fence_signal_timestamp(fence, ms_to_ktime(7)), 0);
	assert_int_equal(dma_fence_signal_timestamp(fence, ms_to_ktime(9)), -EINVAL);
	assert_int_equal(dma_fence_signal_timestamp_locked(fence, ms_to_ktime(9)), -EINVAL);
	assert_int_equal(dma_fence_timestamp(fence), 7 * NSEC_PER_MSEC);
	dma_fence_put(fence);

	fence = kzalloc_obj(*fence);
	assert_false(dma_fence_was_initialized(fence));
	assert_false(dma_fence_was_initialized(NULL));
	kfree(fence);
	expect_warnings(0);
}

static void bits_and_fields(void **state)
{
	struct ring *ring = ring_create();
	struct job *job = ring_submit(ring);
	struct dma_fence *fence = &job->fence;

	(void)state;
	assert_int_equal(kref_read(&fence->refcount), 2);
	dma_fence_get(fence);
	assert_int_equal(kref_read(&fence->refcount), 3);
	dma_fence_put(fence);
	assert_true(fence->ops == &ring_ops);
	assert_true(fence->lock == &ring->lock);
	assert_int_equal(fence->context, ring->context);
	assert_int_equal(fence->seqno, 1);

	assert_false(test_bit(JOB_IS_URGENT, &fence->flags));
	assert_false(test_and_set_bit(JOB_IS_URGENT, &fence->flags));
	assert_true(test_and_set_bit(JOB_IS_URGENT, &fence->flags));
	assert_false(test_bit(JOB_HAS_COPY, &fence->flags));
	set_bit(JOB_HAS_COPY, &fence->flags);
	clear_bit(JOB_IS_URGENT, &fence->flags);
	assert_false(test_bit(JOB_IS_URGENT, &fence->flags));
	assert_true(test_bit(JOB_HAS_COPY, &fence->flags));
	assert_true(test_bit(DMA_FENCE_FLAG_SEQNO64_BIT, &fence->flags));
	assert_false(test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags));
	assert_false(test_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags));

	dma_fence_set_error(fence, -EIO);
	assert_int_equal(fence->error, -EIO);
	dma_fence_set_error(fence, 5);
	expect_warnings(1);
	dma_fence_set_deadline(fence, ms_to_ktime(3));
	assert_int_equal(job->deadline, 3 * NSEC_PER_MSEC);
	dma_fence_signal(fence);
	assert_true(test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags));
	assert_true(test_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags));
	assert_true(test_bit(JOB_HAS_COPY, &fence->flags));
	assert_int_equal(dma_fence_get_status(fence), -EIO);
	assert_int_equal(fence->error, -EIO);
	dma_fence_set_error(fence, -EINVAL);
	expect_warnings(1);
	assert_int_equal(kref_read(&fence->refcount), 2);
	dma_fence_put(fence);
	ring_destroy(ring);
}

static void names_and_text(void **state)
{
	struct dma_fence *fence = simple_create();
	char text[256] = "";
	struct seq_file seq = { fmemopen(text, sizeof(text), "w") };

	(void)state;
	assert_non_null(seq.file);
	rcu_read_lock();
	assert_string_equal(dma_fence_driver_name(fence), "simple");
	dma_fence_describe(fence, &seq);
	dma_fence_signal(fence);
	assert_string_equal(dma_fence_timeline_name(fence), "signaled-timeline");
	rcu_read_unlock();
	seq_printf(&seq, "%s", "end");
	fclose(seq.file);
	assert_true(strstr(text, "simple simple ") == text);
	assert_non_null(strstr(text, "pending\nend"));
	dma_fence_put(fence);
}

static void later(void **state)
{
	struct dma_fence *a = simple_create(), b, c;
	static const struct dma_fence_ops short_ops = {
		.get_driver_name = simple_name,
		.get_timeline_name = simple_name,
	};

	(void)state;
	/* Numbers of 32 bits wrap around there, of 64 bits they do not. */
	dma_fence_init(&b, &short_ops, NULL, a->context, 0xffffffff);
	dma_fence_init(&c, &short_ops, NULL, a->context, 2);
	assert_true(dma_fence_is_later(&c, &b));
	assert_false(dma_fence_is_later(&b, &c));
	assert_true(dma_fence_is_later_or_same(&b, &b));
	assert_true(dma_fence_later(&b, &c) == &c);
	assert_true(__dma_fence_is_later(2ull, 0xffffffffull, &short_ops));
	assert_false(__dma_fence_is_later(2ull, 0xffffffffull, &ring_ops));
	assert_true(__dma_fence_is_later(&b, 2ull, 0xffffffffull));
	assert_false(__dma_fence_is_later(a, 2ull, 0xffffffffull));
	expect_warnings(0);
	dma_fence_init(&b, &short_ops, NULL, a->context + 1, 1);
	assert_false(dma_fence_is_later(a, &b));
	assert_null(dma_fence_later(a, &b));
	expect_warnings(2);
	dma_fence_put(a);
}

/* Containers, and what the library makes itself: looked at as a driver looks at any fence */

static bool is_ours(struct dma_fence *fence)
{
	return fence->ops == &ring_ops || fence->ops == &simple_ops;
}

static void arrays_in_both_shapes(void **state)
{
	struct dma_fence *a = simple_create(), *b = simple_create(), *each;
	struct dma_fence **fences = kmalloc_array(2, sizeof(*fences), GFP_KERNEL);
	struct dma_fence_array *array;
	const u64 context = dma_fence_context_alloc(1);
	unsigned int i;

	(void)state;
	fences[0] = dma_fence_get(a);
	fences[1] = dma_fence_get(b);
	array = dma_fence_array_create(2, fences, context, 1, false);
	assert_non_null(array);
	assert_int_equal(array->num_fences, 2);
	assert_true(array->fences == fences);
	assert_true(to_dma_fence_array(&array->base) == array);
	assert_null(to_dma_fence_array(a));
	assert_true(dma_fence_is_array(&array->base) && dma_fence_is_container(&array->base));
	assert_false(dma_fence_is_chain(&array->base));
	assert_false(is_ours(&array->base));
	dma_fence_array_for_each (each, i, &array->base)
		assert_true(each == (i ? b : a));
	assert_int_equal(i, 2);
	assert_false(dma_fence_match_context(&array->base, a->context));
	dma_fence_signal(a);
	assert_false(dma_fence_is_signaled(&array->base));
	dma_fence_set_error(b, -EIO);
	dma_fence_signal(b);
	assert_true(dma_fence_is_signaled(&array->base));
	assert_int_equal(dma_fence_get_status(&array->base), -EIO);
	dma_fence_put(&array->base);

	fences = kmalloc_array(1, sizeof(*fences), GFP_KERNEL);
	fences[0] = dma_fence_get(a);
	array = dma_fence_array_create(1, fences, context, 2);
	assert_non_null(array);
	assert_int_equal(dma_fence_wait(&array->base, true), 0);
	dma_fence_put(&array->base);

	fences = kmalloc_array(1, sizeof(*fences), GFP_KERNEL);
	fences[0] = dma_fence_get(a);
	array = dma_fence_array_alloc(1);
	dma_fence_array_init(array, 1, fences, context, 3, false);
	dma_fence_put(&array->base);

	fences = kmalloc_array(1, sizeof(*fences), GFP_KERNEL);
	fences[0] = dma_fence_get(a);
	array = dma_fence_array_alloc();
	dma_fence_array_init(array, 1, fences, context, 4);
	dma_fence_put(&array->base);

	kfree(dma_fence_array_alloc(7));
	dma_fence_put(a);
	dma_fence_put(b);
	expect_warnings(0);
}

static void signal_on_any_is_refused(void **state)
{
	struct dma_fence *fence = simple_create();
	struct dma_fence **fences = kmalloc_array(1, sizeof(*fences), GFP_KERNEL);
	struct dma_fence_array *array;
	volatile bool any = true;

	(void)state;
	fences[0] = dma_fence_get(fence);
	assert_null(dma_fence_array_create(1, fences, dma_fence_context_alloc(1), 1, any));
	expect_warnings(1);
	array = dma_fence_array_alloc(1);
	dma_fence_array_init(array, 1, fences, dma_fence_context_alloc(1), 1, any);
	expect_warnings(1);
	assert_int_equal(dma_fence_get_status(&array->base), -EINVAL);
	dma_fence_signal(fence);
	dma_fence_put(&array->base);
	any = false;
	fences = kmalloc_array(1, sizeof(*fences), GFP_KERNEL);
	fences[0] = fence;
	array = dma_fence_array_create(1, fences, dma_fence_context_alloc(1), 1, any);
	assert_int_equal(dma_fence_get_status(&array->base), 1);
	dma_fence_put(&array->base);
	expect_warnings(0);
}

static void chains(void **state)
{
	struct dma_fence *work[3], *newest = NULL, *found, *each;
	struct dma_fence_chain *links[3];
	int i;

	(void)state;
	dma_fence_chain_free(dma_fence_chain_alloc());
	for (i = 0; i < 3; i++) {
		work[i] = simple_create();
		links[i] = dma_fence_chain_alloc();
		dma_fence_chain_init(links[i], newest, dma_fence_get(work[i]), (u64)i * 10 + 10);
		newest = &links[i]->base;
	}
	assert_false(is_ours(newest));
	assert_true(to_dma_fence_chain(newest)->fence == work[2]);
	assert_int_equal(to_dma_fence_chain(newest)->prev_seqno, 20);
	assert_true(dma_fence_chain_contained(newest) == work[2]);
	assert_true(dma_fence_chain_contained(work[0]) == work[0]);
	i = 3;
	dma_fence_chain_for_each (each, newest)
		assert_true(each == &links[--i]->base);
	assert_int_equal(i, 0);

	found = dma_fence_get(newest);
	assert_int_equal(dma_fence_chain_find_seqno(&found, 15), 0);
	assert_true(found == &links[1]->base);
	dma_fence_put(found);
	/* A point whose own work is done is waited for by what is before it. */
	dma_fence_signal(work[1]);
	found = dma_fence_get(newest);
	assert_int_equal(dma_fence_chain_find_seqno(&found, 15), 0);
	assert_true(found == &links[0]->base);
	dma_fence_put(found);
	found = newest;
	assert_int_equal(dma_fence_chain_find_seqno(&found, 31), -EINVAL);
	assert_int_equal(dma_fence_chain_find_seqno(&found, 0), 0);
	assert_true(found == newest);
	dma_fence_signal(work[0]);
	found = dma_fence_get(newest);
	assert_int_equal(dma_fence_chain_find_seqno(&found, 20), 0);
	assert_true(!found || dma_fence_is_signaled(found));
	dma_fence_put(found);
	dma_fence_signal(work[2]);
	assert_true(dma_fence_is_signaled(newest));
	dma_fence_put(newest);
	for (i = 0; i < 3; i++)
		dma_fence_put(work[i]);
	expect_warnings(0);
}

/* A point that failed is not lost where its link is passed over. */
static void a_point_that_failed_is_found(void **state)
{
	struct dma_fence *work[3], *newest = NULL, *found;
	struct dma_fence_chain *link;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		work[i] = simple_create();
		link = dma_fence_chain_alloc();
		dma_fence_chain_init(link, newest, dma_fence_get(work[i]), (u64)i + 1);
		newest = &link->base;
	}
	dma_fence_signal(work[0]);
	dma_fence_set_error(work[1], -EIO);
	dma_fence_signal(work[1]);
	found = dma_fence_get(newest);
	assert_int_equal(dma_fence_chain_find_seqno(&found, 2), 0);
	assert_non_null(found);
	assert_int_equal(dma_fence_get_status(found), -EIO);
	dma_fence_put(found);
	dma_fence_signal(work[2]);
	dma_fence_put(newest);
	for (i = 0; i < 3; i++)
		dma_fence_put(work[i]);
}

static void stubs_and_merges_are_as_large_as_any(void **state)
{
	struct dma_fence *stub = dma_fence_get_stub(), *a = simple_create(), *b = simple_create();
	struct dma_fence *merged, *each, *list[3];
	struct dma_fence_unwrap cursor;
	unsigned int seen = 0;

	(void)state;
	assert_false(is_ours(stub));
	assert_true(dma_fence_is_signaled(stub));
	assert_true(dma_fence_get_stub() == stub);
	assert_int_equal(dma_fence_timestamp(stub), 0);
	dma_fence_put(stub);
	dma_fence_put(stub);
	dma_fence_put(stub); /* the one too many */
	expect_warnings(1);
	stub = dma_fence_get_stub();
	assert_false(is_ours(stub));

	merged = dma_fence_allocate_private_stub(ms_to_ktime(5));
	assert_false(is_ours(merged));
	assert_int_equal(dma_fence_timestamp(merged), 5 * NSEC_PER_MSEC);
	dma_fence_put(merged);

	merged = dma_fence_unwrap_merge(a, b, stub);
	assert_true(dma_fence_is_array(merged));
	assert_false(is_ours(merged));
	dma_fence_unwrap_for_each (each, &cursor, merged)
		seen |= each == a ? 1 : each == b ? 2 : 4;
	assert_int_equal(seen, 3);
	dma_fence_set_error(a, -EIO);
	dma_fence_signal_timestamp(a, ms_to_ktime(5));
	dma_fence_signal_timestamp(b, ms_to_ktime(6));
	assert_int_equal(dma_fence_get_status(merged), -EIO);
	dma_fence_put(merged);

	/* Nothing is pending: one that is signaled, with what became of them. */
	merged = dma_fence_unwrap_merge(a, b);
	assert_false(is_ours(merged));
	assert_int_equal(dma_fence_get_status(merged), -EIO);
	assert_int_equal(dma_fence_timestamp(merged), 6 * NSEC_PER_MSEC);
	dma_fence_put(merged);
	list[0] = stub;
	merged = __dma_fence_unwrap_merge(1, list, &cursor);
	assert_false(is_ours(merged));
	assert_int_equal(dma_fence_get_status(merged), 1);
	dma_fence_put(merged);

	list[0] = dma_fence_get(a);
	list[1] = dma_fence_get(b);
	list[2] = dma_fence_get(a);
	assert_int_equal(dma_fence_dedup_array(list, 3), 2);
	dma_fence_put(list[0]);
	dma_fence_put(list[1]);
	assert_int_equal(kref_read(&a->refcount), 1);
	dma_fence_put(a);
	dma_fence_put(b);
	dma_fence_put(stub);
	expect_warnings(0);
}

/* Waiting */

static void timeouts_are_in_jiffies(void **state)
{
	struct dma_fence *a = simple_create(), *b = simple_create(), *both[] = { a, b };
	uint32_t idx = 9;
	ktime_t begin;
	long left;

	(void)state;
	assert_int_equal(msecs_to_jiffies(10), HZ / 100);
	assert_int_equal(jiffies_to_msecs(HZ), 1000);
	assert_int_equal(dma_fence_wait_timeout(a, false, 0), 0);
	begin = ktime_get();
	assert_int_equal(dma_fence_wait_timeout(a, true, (long)msecs_to_jiffies(10)), 0);
	assert_true(ktime_get() - begin >= 10 * NSEC_PER_MSEC);
	assert_int_equal(dma_fence_wait_any_timeout(both, 2, false, 1, &idx), 0);
	assert_int_equal(idx, 9);
	assert_int_equal(dma_fence_wait_timeout(a, false, -1), -EINVAL);
	expect_warnings(1);
	dma_fence_signal(b);
	assert_true(dma_fence_wait_any_timeout(both, 2, false, HZ, &idx) > 0);
	assert_int_equal(idx, 1);
	left = dma_fence_wait_timeout(b, false, HZ);
	assert_true(left > 0 && left <= (long)HZ);
	assert_int_equal(dma_fence_wait_timeout(b, false, MAX_SCHEDULE_TIMEOUT),
			 MAX_SCHEDULE_TIMEOUT);
	assert_int_equal(dma_fence_wait(b, false), 0);
	assert_int_equal(dma_fence_default_wait(b, false, 0), 1);

	/* A signal ends it. */
	send_sig(9, current, 0);
	assert_true(signal_pending(current));
	assert_int_equal(dma_fence_wait(a, true), -ERESTARTSYS);
	assert_int_equal(dma_fence_wait_timeout(a, false, 1), 0);
	assert_int_equal(dma_fence_wait(b, true), 0);
	assert_int_equal(schedule_timeout_interruptible(HZ) > 0, 1);
	flush_signals(current);
	assert_false(signal_pending(current));
	dma_fence_signal(a);
	dma_fence_put(a);
	dma_fence_put(b);
}

static int waits_by_driver;

static long strange_wait(struct dma_fence *fence, bool intr, long timeout)
{
	(void)intr;
	waits_by_driver++;
	return test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags) ? timeout : -ETIME;
}

static void a_wait_of_the_drivers_own(void **state)
{
	static const struct dma_fence_ops ops = {
		.get_driver_name = simple_name,
		.get_timeline_name = simple_name,
		.wait = strange_wait,
	};
	struct dma_fence *fence = kzalloc_obj(*fence);
	struct slow slow = { .ran = 0 };
	struct task_struct *task;

	(void)state;
	init_completion(&slow.entered);
	dma_fence_init(fence, &ops, NULL, dma_fence_context_alloc(1), 1);
	assert_int_equal(dma_fence_wait_timeout(fence, false, 5), -ETIME);
	assert_int_equal(dma_fence_add_callback(fence, &slow.cb, be_slow), 0);
	task = kthread_run(signal_thread, fence, "signals");
	wait_for_completion(&slow.entered);
	/* That one returns when it sees the flag; callbacks have returned all the same. */
	assert_int_equal(dma_fence_wait_timeout(fence, false, 5), 5);
	assert_int_equal(READ_ONCE(slow.ran), 1);
	assert_int_equal(waits_by_driver, 2);
	kthread_stop(task);
	dma_fence_put(fence);
}

/* irq_work */

static char trace[32];

static void traced(char what)
{
	const size_t length = strlen(trace);

	assert_true(length < sizeof(trace) - 1);
	trace[length] = what;
}

static struct irq_work second_work;

static void first_work_runs(struct irq_work *work)
{
	assert_false(irq_work_is_pending(work));
	assert_false(in_atomic());
	traced('1');
	/* What is queued by work comes after it. */
	irq_work_queue(&second_work);
	traced('-');
}

static void second_work_runs(struct irq_work *work)
{
	(void)work;
	traced('2');
}

static struct irq_work first_work = IRQ_WORK_INIT(first_work_runs);

static void callback_queues(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	traced('c');
	irq_work_queue(&first_work);
	traced('.');
}

static void work_runs_when_no_lock_is_held(void **state)
{
	struct dma_fence *fence = simple_create(), *other = simple_create();
	struct dma_fence_cb cb, other_cb;
	DEFINE_SPINLOCK(lock);
	unsigned long flags;

	(void)state;
	init_irq_work(&second_work, second_work_runs);

	/* At once. */
	memset(trace, 0, sizeof(trace));
	assert_true(irq_work_queue(&second_work));
	assert_string_equal(trace, "2");

	/* Under a lock, once however often it is queued, in order. */
	memset(trace, 0, sizeof(trace));
	spin_lock_irqsave(&lock, flags);
	assert_true(irq_work_queue(&second_work));
	assert_false(irq_work_queue(&second_work));
	assert_true(irq_work_queue(&first_work));
	assert_true(irq_work_is_pending(&first_work));
	assert_string_equal(trace, "");
	spin_unlock_irqrestore(&lock, flags);
	assert_string_equal(trace, "21-2");

	/* After callbacks, those that other callbacks bring about included. */
	memset(trace, 0, sizeof(trace));
	assert_int_equal(dma_fence_add_callback(fence, &cb, callback_queues), 0);
	assert_int_equal(dma_fence_add_callback(other, &other_cb, callback_queues), 0);
	spin_lock(&lock);
	irq_work_queue(&second_work);
	dma_fence_signal(fence);
	dma_fence_signal(other);
	assert_string_equal(trace, "");
	spin_unlock(&lock);
	assert_string_equal(trace, "c.c.21-2");
	dma_fence_put(fence);
	dma_fence_put(other);
}

/* The world around */

static int count_up(void *data)
{
	int *count = data;

	while (!kthread_should_stop()) {
		++*count;
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 7;
}

static void threads(void **state)
{
	struct task_struct *task;
	int count = 0;

	(void)state;
	task = kthread_run(count_up, &count, "count %d", 1);
	assert_false(IS_ERR(task));
	assert_string_equal(task->comm, "count 1");
	get_task_struct(task);
	assert_int_equal(kthread_stop_put(task), 7);
	assert_true(count >= 1);

	/* One that is stopped before it began. */
	count = 0;
	task = kthread_create(count_up, &count, "never");
	assert_int_equal(kthread_stop(task), -EINTR);
	assert_int_equal(count, 0);
	expect_warnings(0);
}

struct alarm {
	struct timer_list timer;
	int rang;
	struct wait_queue_head queue;
	struct completion done;
};

static void ring_alarm(struct timer_list *timer)
{
	struct alarm *alarm = from_timer(alarm, timer, timer);

	WRITE_ONCE(alarm->rang, alarm->rang + 1);
	wake_up(&alarm->queue);
	complete(&alarm->done);
}

/* So that a sleeper who is woken too early looks before it has rung. */
static void ring_late(struct timer_list *timer)
{
	mdelay(5);
	ring_alarm(timer);
}

static void timers_queues_and_completions(void **state)
{
	struct alarm alarm = { .rang = 0 };
	ktime_t begin;

	(void)state;
	init_waitqueue_head(&alarm.queue);
	init_completion(&alarm.done);
	timer_setup_on_stack(&alarm.timer, ring_alarm, 0);
	assert_false(timer_pending(&alarm.timer));
	assert_int_equal(mod_timer(&alarm.timer, jiffies + 3600 * HZ), 0);
	assert_true(timer_pending(&alarm.timer));
	assert_int_equal(del_timer_sync(&alarm.timer), 1);
	assert_int_equal(timer_delete(&alarm.timer), 0);

	begin = ktime_get();
	mod_timer(&alarm.timer, jiffies + msecs_to_jiffies(5));
	assert_true(wait_event_timeout(alarm.queue, READ_ONCE(alarm.rang) == 1, 60 * HZ) > 0);
	assert_true(ktime_get() - begin >= 5 * NSEC_PER_MSEC);
	assert_true(wait_for_completion_timeout(&alarm.done, 60 * HZ) > 0);
	assert_int_equal(wait_for_completion_timeout(&alarm.done, HZ / 1000), 0);
	assert_int_equal(wait_event_timeout(alarm.queue, false, HZ / 1000), 0);
	assert_int_equal(wait_event_interruptible(alarm.queue, true), 0);
	del_timer_sync(&alarm.timer);

	/* A timer comes before the end of a sleep that is later, however late both are. */
	timer_setup(&alarm.timer, ring_late, 0);
	mod_timer(&alarm.timer, jiffies + HZ / 500);
	schedule_timeout_uninterruptible(HZ / 500);
	assert_int_equal(READ_ONCE(alarm.rang), 2);
	assert_true(completion_done(&alarm.done));
	complete_all(&alarm.done);
	wait_for_completion(&alarm.done);
	assert_true(try_wait_for_completion(&alarm.done));
	del_timer_sync(&alarm.timer);
	destroy_timer_on_stack(&alarm.timer);
	expect_warnings(0);
}

static int waiters_woken;

static int sleep_on_var(void *data)
{
	wait_var_event(data, READ_ONCE(*(int *)data));
	__atomic_fetch_add(&waiters_woken, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static void variables(void **state)
{
	struct task_struct *tasks[2];
	int variable = 0, i;

	(void)state;
	waiters_woken = 0;
	for (i = 0; i < 2; i++)
		tasks[i] = kthread_run(sleep_on_var, &variable, "sleeps");
	assert_int_equal(wait_var_event_timeout(&variable, READ_ONCE(variable), HZ / 100), 0);
	assert_int_equal(READ_ONCE(waiters_woken), 0);
	smp_store_mb(variable, 1);
	wake_up_var(&variable);
	for (i = 0; i < 2; i++)
		kthread_stop(tasks[i]);
	assert_int_equal(waiters_woken, 2);
}

static void caches(void **state)
{
	struct kmem_cache *cache = KMEM_CACHE(job, SLAB_TYPESAFE_BY_RCU | SLAB_HWCACHE_ALIGN);
	struct job *job = kmem_cache_alloc(cache, GFP_KERNEL), *again, *more;

	(void)state;
	assert_int_equal((uintptr_t)job % 64, 0);
	job->deadline = 5;
	kmem_cache_free(cache, job);
	assert_int_equal(job->deadline, 5); /* it is still one of its type */
	again = kmem_cache_zalloc(cache, GFP_KERNEL);
	assert_true(again == job);
	assert_int_equal(again->deadline, 0);
	more = kmem_cache_alloc(cache, GFP_KERNEL);
	assert_true(more != again);
	kmem_cache_free(cache, more);
	expect_warnings(0);
	kmem_cache_destroy(cache);
	expect_warnings(1); /* one is in use */
	cache = KMEM_CACHE(job, 0);
	kmem_cache_free(cache, kmem_cache_alloc(cache, GFP_ATOMIC));
	kmem_cache_destroy(cache);
	expect_warnings(0);
}

/* Reservation objects */

static void buffers(void **state)
{
	struct dma_fence *a = simple_create(), *b = simple_create(), *each, **list, *one;
	struct dma_resv_iter cursor;
	struct ww_acquire_ctx ctx;
	struct dma_resv resv;
	unsigned int num, seen = 0;

	(void)state;
	dma_resv_init(&resv);
	ww_acquire_init(&ctx, &reservation_ww_class);
	assert_int_equal(dma_resv_lock_interruptible(&resv, &ctx), 0);
	assert_int_equal(dma_resv_lock(&resv, &ctx), -EALREADY);
	assert_true(dma_resv_locking_ctx(&resv) == &ctx);
	dma_resv_assert_held(&resv);
	assert_int_equal(dma_resv_reserve_fences(&resv, 2), 0);
	dma_resv_add_fence(&resv, a, DMA_RESV_USAGE_WRITE);
	dma_resv_add_fence(&resv, b, DMA_RESV_USAGE_READ);
	dma_resv_for_each_fence (&cursor, &resv, DMA_RESV_USAGE_READ, each) {
		seen |= each == a ? 1 : 2;
		assert_int_equal(dma_resv_iter_usage(&cursor),
				 each == a ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ);
	}
	assert_int_equal(seen, 3);
	dma_resv_unlock(&resv);
	ww_acquire_fini(&ctx);
	expect_warnings(0);
	dma_resv_assert_held(&resv);
	expect_warnings(1);

	assert_int_equal(dma_resv_get_fences(&resv, dma_resv_usage_rw(false), &num, &list), 0);
	assert_int_equal(num, 1);
	assert_true(list[0] == a);
	dma_fence_put(list[0]);
	kfree(list);
	assert_int_equal(dma_resv_get_singleton(&resv, dma_resv_usage_rw(true), &one), 0);
	assert_true(dma_fence_is_array(one));
	assert_false(is_ours(one));
	dma_fence_put(one);
	assert_int_equal(dma_resv_wait_timeout(&resv, DMA_RESV_USAGE_READ, true, HZ / 1000), 0);
	dma_fence_signal(a);
	assert_true(dma_resv_test_signaled(&resv, DMA_RESV_USAGE_WRITE));
	assert_false(dma_resv_test_signaled(&resv, DMA_RESV_USAGE_READ));
	dma_resv_iter_begin(&cursor, &resv, DMA_RESV_USAGE_READ);
	dma_resv_for_each_fence_unlocked (&cursor, each)
		assert_true(each == b && dma_resv_iter_is_restarted(&cursor));
	dma_resv_iter_end(&cursor);
	dma_fence_signal(b);
	assert_true(dma_resv_wait_timeout(&resv, DMA_RESV_USAGE_READ, true, MAX_SCHEDULE_TIMEOUT) >
		    0);
	dma_resv_fini(&resv);

	/* Without room nobody would wait for it. */
	dma_resv_init(&resv);
	assert_true(dma_resv_trylock(&resv));
	dma_resv_add_fence(&resv, a, DMA_RESV_USAGE_WRITE);
	expect_warnings(1);
	dma_resv_unlock(&resv);
	dma_resv_fini(&resv);
	dma_fence_put(a);
	dma_fence_put(b);
}

/* A driver that holds no reference of its own: what is there is dropped with the object. */
static void what_is_pending_may_go_with_its_buffer(void **state)
{
	struct ring ring = { 0 };
	struct dma_fence *fences[2];
	struct dma_resv resv;
	unsigned int i;

	(void)state;
	spin_lock_init(&ring.lock);
	INIT_LIST_HEAD(&ring.pending);
	ring.context = dma_fence_context_alloc(1);
	dma_resv_init(&resv);
	assert_int_equal(dma_resv_lock(&resv, NULL), 0);
	for (i = 0; i < 2; i++) {
		struct job *job = ring_submit(&ring);

		list_del(&job->link);
		dma_fence_put(&job->fence);
		fences[i] = &job->fence;
		assert_int_equal(dma_resv_reserve_fences(&resv, 1), 0);
		dma_resv_add_fence(&resv, fences[i], DMA_RESV_USAGE_READ);
		dma_fence_put(fences[i]);
		/* The second takes the place of the first. */
		assert_int_equal(ring.released, i);
	}
	dma_resv_unlock(&resv);
	dma_resv_fini(&resv);
	assert_int_equal(ring.released, 2);
	rcu_barrier();
}

struct working_cb {
	struct dma_fence_cb cb;
	struct irq_work work;
	bool in_callback, ran, ran_inside;
};

static void callback_work_runs(struct irq_work *work)
{
	struct working_cb *working = container_of(work, struct working_cb, work);

	working->ran = true;
	working->ran_inside = working->in_callback;
}

static void queue_in_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct working_cb *working = container_of(cb, struct working_cb, cb);

	(void)fence;
	working->in_callback = true;
	irq_work_queue(&working->work);
	working->in_callback = false;
}

/* Whoever signals: here the library does, which finds that the job is done. */
static void work_of_a_callback_runs_after_it(void **state)
{
	struct ring *ring = ring_create();
	struct job *job = ring_submit(ring);
	struct working_cb working = { .in_callback = false };
	struct dma_fence *merged = dma_fence_unwrap_merge(&job->fence);

	(void)state;
	init_irq_work(&working.work, callback_work_runs);
	assert_int_equal(dma_fence_add_callback(&job->fence, &working.cb, queue_in_callback), 0);
	ring->done = ring->next;
	assert_true(dma_fence_poll(&merged->base));
	assert_true(working.ran && !working.ran_inside);

	/* What was refused is as if it had never been offered. */
	assert_int_equal(dma_fence_add_callback(&job->fence, &working.cb, queue_in_callback),
			 -ENOENT);
	assert_null(working.cb.func);
	dma_fence_put(merged);
	dma_fence_put(&job->fence);
	ring_destroy(ring);
}

/* Annotations */

static char reported[512];

static void keep_report(const struct dma_fence_report *report, void *count)
{
	snprintf(reported, sizeof(reported), "%s", report->text);
	++*(int *)count;
}

static DEFINE_MUTEX(of_driver);

/* What lockdep would say, for mutexes. They may be on either side, and tried in a section. */
static void a_mutex_on_both_sides(void **state)
{
	struct dma_fence *stub = dma_fence_get_stub();
	struct mutex mutex[3];
	int reports = 0, i;
	bool cookie;

	(void)state;
	assert_int_equal(dma_fence_debug("signalling"), 0);
	dma_fence_set_report_handler(keep_report, &reports);
	for (i = 0; i < 2; i++)
		mutex_init(&mutex[i]);
	mutex_init(&mutex[2]);

	mutex_lock(&mutex[0]);
	assert_int_equal(dma_fence_wait(stub, false), 0);
	mutex_unlock(&mutex[0]);
	mutex_lock(&of_driver);
	__dma_fence_might_wait();
	mutex_unlock(&of_driver);

	cookie = dma_fence_begin_signalling();
	mutex_lock(&mutex[2]);
	mutex_unlock(&mutex[2]);
	assert_true(mutex_trylock(&mutex[1]));
	assert_false(mutex_trylock(&mutex[1]));
	mutex_unlock(&mutex[1]);
	assert_int_equal(reports, 0);
	mutex_lock(&mutex[1]);
	mutex_unlock(&mutex[1]);
	assert_int_equal(reports, 1);
	assert_non_null(strstr(reported, "lock '&mutex[i] of driver.c:"));
	mutex_lock(&of_driver);
	mutex_unlock(&of_driver);
	assert_int_equal(reports, 2);
	assert_non_null(strstr(reported, "lock 'of_driver of driver.c:"));
	dma_fence_end_signalling(cookie);

	/* Another place is another one. */
	mutex_lock(&of_driver);
	assert_int_equal(dma_fence_wait(stub, false), 0);
	assert_int_equal(reports, 3);
	assert_non_null(strstr(reported, " is called at a_mutex_on_both_sides (driver.c:"));
	assert_int_equal(dma_fence_wait(stub, false), 0);
	assert_int_equal(reports, 4);
	mutex_unlock(&of_driver);

	dma_fence_set_report_handler(NULL, NULL);
	for (i = 0; i < 3; i++)
		mutex_destroy(&mutex[i]);
	dma_fence_put(stub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(callbacks_come_after_the_unlock),
		cmocka_unit_test(every_kind_of_lock_holds_callbacks_back),
		cmocka_unit_test(enable_signaling_may_signal_under_the_lock),
		cmocka_unit_test(a_query_signals_what_the_driver_says_is_done),
		cmocka_unit_test(nobody_signals_under_the_lock_of_another),
		cmocka_unit_test(after_the_flag_a_removal_finds_callbacks_run),
		cmocka_unit_test(both_shapes_of_a_signal),
		cmocka_unit_test(bits_and_fields),
		cmocka_unit_test(names_and_text),
		cmocka_unit_test(later),
		cmocka_unit_test(arrays_in_both_shapes),
		cmocka_unit_test(signal_on_any_is_refused),
		cmocka_unit_test(chains),
		cmocka_unit_test(a_point_that_failed_is_found),
		cmocka_unit_test(stubs_and_merges_are_as_large_as_any),
		cmocka_unit_test(timeouts_are_in_jiffies),
		cmocka_unit_test(a_wait_of_the_drivers_own),
		cmocka_unit_test(work_runs_when_no_lock_is_held),
		cmocka_unit_test(threads),
		cmocka_unit_test(timers_queues_and_completions),
		cmocka_unit_test(variables),
		cmocka_unit_test(caches),
		cmocka_unit_test(buffers),
		cmocka_unit_test(what_is_pending_may_go_with_its_buffer),
		cmocka_unit_test(work_of_a_callback_runs_after_it),
		cmocka_unit_test(a_mutex_on_both_sides),
	};

	/* What is provoked need not be read. */
	linux_log_level = 3;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
