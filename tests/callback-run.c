/* SPDX-License-Identifier: MIT */
/* Callbacks: run once, in order, on the thread that signals, with no lock held. */
#include "support.h"

static struct {
	int order[64], n;
	pthread_t thread;
} log_of;

struct numbered {
	struct dma_fence_cb cb;
	int number;
};

static void note(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	log_of.order[log_of.n++] = container_of(cb, struct numbered, cb)->number;
	log_of.thread = pthread_self();
}

static struct dma_fence over; /* has signaled */

static int setup(void **state)
{
	(void)state;
	memset(&log_of, 0, sizeof(log_of));
	fence_init(&over);
	dma_fence_signal(&over);
	return 0;
}

static void in_the_order_added(void **state)
{
	struct numbered cbs[64];
	struct dma_fence fence;
	int n, i;

	(void)state;
	for (n = 0; n <= 64; n = n * 2 + 1) {
		setup(NULL);
		fence_init(&fence);
		for (i = 0; i < n; i++) {
			cbs[i].number = i;
			assert_int_equal(dma_fence_add_callback(&fence, &cbs[i].cb, note), 0);
		}
		dma_fence_signal(&fence);
		assert_int_equal(log_of.n, n);
		for (i = 0; i < n; i++)
			assert_int_equal(log_of.order[i], i);
		dma_fence_signal(&fence);
		assert_int_equal(log_of.n, n);
		dma_fence_put(&fence);
	}
}

static void order_survives_removals(void **state)
{
	struct numbered cbs[16];
	struct dma_fence fence;
	unsigned int removed;
	int i, n;

	(void)state;
	/* Every subset of 8 early ones is removed, in two orders, before 8 more are added. */
	for (removed = 0; removed < 512; removed++) {
		setup(NULL);
		fence_init(&fence);
		for (i = 0; i < 8; i++) {
			cbs[i].number = i;
			assert_int_equal(dma_fence_add_callback(&fence, &cbs[i].cb, note), 0);
		}
		for (i = 0; i < 8; i++) {
			int k = removed & 256 ? 7 - i : i;

			if (removed & 1u << k)
				assert_true(dma_fence_remove_callback(&fence, &cbs[k].cb));
		}
		for (i = 8; i < 16; i++) {
			cbs[i].number = i;
			assert_int_equal(dma_fence_add_callback(&fence, &cbs[i].cb, note), 0);
		}
		dma_fence_signal(&fence);
		for (i = 0, n = 0; i < 16; i++) {
			if (i >= 8 || !(removed & 1u << i))
				assert_int_equal(log_of.order[n++], i);
		}
		assert_int_equal(log_of.n, n);
		dma_fence_put(&fence);
	}
}

static void *signal_it(void *arg)
{
	dma_fence_signal(arg);
	return NULL;
}

static void on_the_signaling_thread(void **state)
{
	struct numbered cb = { .number = 1 };
	struct dma_fence fence;
	pthread_t thread;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &cb.cb, note), 0);
	thread = start(signal_it, &fence);
	join(thread);
	assert_int_equal(log_of.n, 1);
	assert_true(pthread_equal(log_of.thread, thread));
	dma_fence_put(&fence);
}

static void signaled_fence_refuses(void **state)
{
	struct numbered cb = { .number = 1 };
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	dma_fence_signal(&fence);
	memset(&cb.cb, 0xaa, sizeof(cb.cb));
	assert_int_equal(dma_fence_add_callback(&fence, &cb.cb, note), -ENOENT);
	assert_int_equal(log_of.n, 0);
	assert_false(dma_fence_remove_callback(&fence, &cb.cb));
	dma_fence_put(&fence);
}

static void bad_arguments_are_refused(void **state)
{
	char storage[sizeof(struct dma_fence_cb) + 8] __attribute__((aligned(8)));
	struct dma_fence_cb cb;
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(NULL, &cb, note), -EINVAL);
	assert_int_equal(dma_fence_add_callback(&fence, NULL, note), -EINVAL);
	assert_int_equal(dma_fence_add_callback(&fence, &cb, NULL), -EINVAL);
	assert_int_equal(dma_fence_add_callback(&fence, (void *)(storage + 4), note), -EINVAL);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
}

/* What a callback may do. */

static struct dma_fence first, second;
static struct numbered inner;
static struct counter extra;

static void do_everything(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	/* On its own fence. */
	assert_ptr_equal(fence, &first);
	assert_true(dma_fence_is_signaled(fence));
	assert_true(dma_fence_poll(fence));
	assert_int_equal(dma_fence_get_status(fence), 1);
	assert_true(dma_fence_check_and_signal(fence));
	assert_int_equal(dma_fence_set_error(fence, -EIO), -EALREADY);
	assert_int_equal(dma_fence_add_callback(fence, &extra.cb, count_call), -ENOENT);
	assert_false(dma_fence_remove_callback(fence, cb));
	dma_fence_enable_signaling(fence);
	dma_fence_set_deadline(fence, 1);
	dma_fence_put(dma_fence_get(fence));
	assert_int_equal(dma_fence_wait_timeout(fence, false, 0), 0);

	/* Where there is nothing to wait for, a wait is none. */
	assert_int_equal(dma_fence_wait(&over, false), 0);
	assert_int_equal(dma_fence_flush(&over), 0);

	/* On another. */
	assert_int_equal(dma_fence_add_callback(&second, &inner.cb, note), 0);
	assert_true(dma_fence_remove_callback(&second, &inner.cb));
	assert_int_equal(dma_fence_add_callback(&second, &inner.cb, note), 0);
	assert_int_equal(dma_fence_set_error(&second, -ETIME), 0);
	dma_fence_signal(&second);
	assert_int_equal(dma_fence_get_status(&second), -ETIME); /* at once, for all to see */
	assert_int_equal(log_of.n, 0);				 /* but its callbacks wait */
	assert_int_equal(dma_fence_flush(&second), -EDEADLK);
	assert_int_equal(dma_fence_wait(&second, false), -EDEADLK);
}

static void may_do_everything_but_wait(void **state)
{
	struct dma_fence_cb cb;

	(void)state;
	inner.number = 5;
	extra.ran = 0;
	fence_init(&first);
	fence_init(&second);
	assert_int_equal(dma_fence_add_callback(&first, &cb, do_everything), 0);
	dma_fence_signal(&first);
	assert_int_equal(log_of.n, 1);
	assert_int_equal(log_of.order[0], 5);
	assert_int_equal(calls(&extra), 0);
	assert_int_equal(dma_fence_flush(&second), 0);
	dma_fence_put(&first);
	dma_fence_put(&second);
}

/* The same among several callbacks, where the lock is given up in between. */
static void one_of_several_may_too(void **state)
{
	struct numbered before = { .number = 1 }, after = { .number = 9 };
	struct dma_fence_cb cb;

	(void)state;
	fence_init(&first);
	fence_init(&second);
	assert_int_equal(dma_fence_add_callback(&first, &before.cb, note), 0);
	assert_int_equal(dma_fence_add_callback(&first, &cb, do_everything), 0);
	assert_int_equal(dma_fence_add_callback(&first, &after.cb, note), 0);
	inner.number = 5;
	log_of.n = 0;
	/* do_everything() wants an empty log. */
	assert_true(dma_fence_remove_callback(&first, &before.cb));
	dma_fence_signal(&first);
	assert_int_equal(log_of.n, 2);
	assert_int_equal(log_of.order[0], 9); /* those of the first fence first */
	assert_int_equal(log_of.order[1], 5);
	dma_fence_put(&first);
	dma_fence_put(&second);
}

static struct numbered victims[4];
static int remove_mask;

static void remove_others(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	int i;

	note(fence, cb);
	for (i = 0; i < 4; i++) {
		if (remove_mask & 1 << i)
			assert_int_equal(dma_fence_remove_callback(fence, &victims[i].cb), i >= 2);
	}
}

static void removes_others_of_its_own_fence(void **state)
{
	struct numbered remover = { .number = 2 };
	struct dma_fence fence;
	int i;

	(void)state;
	/* Order: victims 0 and 1, the remover, victims 2 and 3. */
	for (remove_mask = 0; remove_mask < 16; remove_mask++) {
		setup(NULL);
		fence_init(&fence);
		for (i = 0; i < 4; i++) {
			if (i == 2)
				assert_int_equal(
					dma_fence_add_callback(&fence, &remover.cb, remove_others),
					0);
			victims[i].number = i < 2 ? i : i + 1;
			assert_int_equal(dma_fence_add_callback(&fence, &victims[i].cb, note), 0);
		}
		dma_fence_signal(&fence);
		assert_int_equal(log_of.n, 5 - !!(remove_mask & 4) - !!(remove_mask & 8));
		assert_int_equal(log_of.order[0], 0);
		assert_int_equal(log_of.order[1], 1);
		assert_int_equal(log_of.order[2], 2);
		assert_int_equal(dma_fence_flush(&fence), 0);
		dma_fence_put(&fence);
	}
}

static void signal_then_remove(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	dma_fence_signal(&second);
	/* Its callbacks are queued, behind us, on this thread: they can still be taken back. */
	assert_true(dma_fence_remove_callback(&second, &victims[0].cb));
	assert_false(dma_fence_remove_callback(&second, &victims[0].cb));
	assert_true(dma_fence_remove_callback(&second, &victims[2].cb));
}

static void queued_callback_can_be_removed(void **state)
{
	struct dma_fence_cb cb;
	int n, i;

	(void)state;
	for (n = 3; n <= 4; n++) {
		setup(NULL);
		fence_init(&first);
		fence_init(&second);
		for (i = 0; i < n; i++) {
			victims[i].number = i;
			assert_int_equal(dma_fence_add_callback(&second, &victims[i].cb, note), 0);
		}
		assert_int_equal(dma_fence_add_callback(&first, &cb, signal_then_remove), 0);
		dma_fence_signal(&first);
		assert_int_equal(log_of.n, n - 2);
		assert_int_equal(log_of.order[0], 1);
		assert_int_equal(dma_fence_flush(&second), 0);
		dma_fence_put(&first);
		dma_fence_put(&second);
	}
}

static void signal_then_remove_all(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	dma_fence_signal(&second);
	assert_true(dma_fence_remove_callback(&second, &victims[0].cb));
	dma_fence_put(&second); /* the run queue holds one of its own */
}

static void release_drained(struct dma_fence *fence)
{
	assert_int_equal(dma_fence_flush(fence), 0);
	count_release(fence);
}

static void queued_fence_may_lose_all_it_was_queued_for(void **state)
{
	static const struct dma_fence_ops ops = { .release = release_drained };
	struct dma_fence_cb cb;

	(void)state;
	*release_count() = 0;
	fence_init(&first);
	dma_fence_init(&second, &ops, 1, 1);
	assert_int_equal(dma_fence_add_callback(&second, &victims[0].cb, note), 0);
	assert_int_equal(dma_fence_add_callback(&first, &cb, signal_then_remove_all), 0);
	dma_fence_signal(&first);
	assert_int_equal(log_of.n, 0);
	assert_int_equal(*release_count(), 1);
	dma_fence_put(&first);
}

/* Storage is the callback's own: it may be freed, or go to another fence. */

static void free_myself(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct counter *counter = container_of(cb, struct counter, cb);

	count_call(fence, cb);
	__atomic_fetch_add(&extra.ran, counter->ran, __ATOMIC_SEQ_CST);
	memset(counter, 0xdd, sizeof(*counter));
	free(counter);
}

static void may_free_its_own_storage(void **state)
{
	struct dma_fence fence;
	int n, i;

	(void)state;
	for (n = 1; n <= 3; n++) {
		extra.ran = 0;
		fence_init(&fence);
		for (i = 0; i < n; i++) {
			struct counter *counter = calloc(1, sizeof(*counter));

			assert_int_equal(dma_fence_add_callback(&fence, &counter->cb, free_myself),
					 0);
		}
		dma_fence_signal(&fence);
		assert_int_equal(calls(&extra), n);
		dma_fence_put(&fence);
	}
}

static void move_on(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	if (fence == &first)
		assert_int_equal(dma_fence_add_callback(&second, cb, move_on), 0);
	note(fence, cb);
}

static void may_move_on_to_another_fence(void **state)
{
	struct numbered a = { .number = 1 }, b = { .number = 2 };

	(void)state;
	fence_init(&first);
	fence_init(&second);
	assert_int_equal(dma_fence_add_callback(&first, &a.cb, move_on), 0);
	assert_int_equal(dma_fence_add_callback(&first, &b.cb, move_on), 0);
	dma_fence_signal(&first);
	assert_int_equal(log_of.n, 2);
	/* It ran on the first and waits on the second now. */
	assert_true(dma_fence_remove_callback(&second, &a.cb));
	dma_fence_signal(&second);
	assert_int_equal(log_of.n, 3);
	assert_int_equal(log_of.order[2], 2);
	dma_fence_put(&first);
	dma_fence_put(&second);
}

static void drop_the_last(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	note(fence, cb);
	dma_fence_put(&second);
}

static void may_drop_the_last_reference_of_another(void **state)
{
	struct numbered cb = { .number = 1 };

	(void)state;
	*release_count() = 0;
	fence_init(&first);
	fence_init(&second);
	dma_fence_signal(&second);
	assert_int_equal(dma_fence_add_callback(&first, &cb.cb, drop_the_last), 0);
	dma_fence_signal(&first);
	assert_int_equal(*release_count(), 1);
	dma_fence_put(&first);
	assert_int_equal(*release_count(), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(in_the_order_added, setup),
		cmocka_unit_test_setup(order_survives_removals, setup),
		cmocka_unit_test_setup(on_the_signaling_thread, setup),
		cmocka_unit_test_setup(signaled_fence_refuses, setup),
		cmocka_unit_test_setup(bad_arguments_are_refused, setup),
		cmocka_unit_test_setup(may_do_everything_but_wait, setup),
		cmocka_unit_test_setup(one_of_several_may_too, setup),
		cmocka_unit_test_setup(removes_others_of_its_own_fence, setup),
		cmocka_unit_test_setup(queued_callback_can_be_removed, setup),
		cmocka_unit_test_setup(queued_fence_may_lose_all_it_was_queued_for, setup),
		cmocka_unit_test_setup(may_free_its_own_storage, setup),
		cmocka_unit_test_setup(may_move_on_to_another_fence, setup),
		cmocka_unit_test_setup(may_drop_the_last_reference_of_another, setup),
	};

	return RUN(tests);
}
