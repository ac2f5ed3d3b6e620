/* SPDX-License-Identifier: MIT */
/*
 * Once a fence has signaled, whoever wanted to add a callback, set an error or signal is refused at
 * once. They do not wait for the callbacks, which may want a lock that the caller holds: not even
 * if they had to wait for the fence's own lock just before.
 */
#include "asleep.h"

#include "base/park.h"
#include "fence/state.h"

static struct dma_fence fence;
static struct counter refused;
static int entered, leave;

static struct caller {
	pthread_t thread;
	struct asleep asleep;
	int done;
} callers[4];

static void slowly(struct dma_fence *f, struct dma_fence_cb *cb)
{
	(void)f;
	(void)cb;
	set_flag(&entered);
	await_flag(&leave);
}

static void *add(void *arg)
{
	struct caller *caller = arg;

	asleep_begin(&caller->asleep);
	assert_int_equal(dma_fence_add_callback(&fence, &refused.cb, count_call), -ENOENT);
	set_flag(&caller->done);
	return NULL;
}

static void *set_error(void *arg)
{
	struct caller *caller = arg;

	asleep_begin(&caller->asleep);
	assert_int_equal(dma_fence_set_error(&fence, -EIO), -EALREADY);
	set_flag(&caller->done);
	return NULL;
}

static void *signal_again(void *arg)
{
	struct caller *caller = arg;

	asleep_begin(&caller->asleep);
	assert_true(dma_fence_check_and_signal(&fence));
	set_flag(&caller->done);
	return NULL;
}

static void *fail_again(void *arg)
{
	struct caller *caller = arg;

	asleep_begin(&caller->asleep);
	assert_false(dma_fence_signal_state(&fence, state_of_timestamp(1), -EIO));
	set_flag(&caller->done);
	return NULL;
}

static void *signal_it(void *arg)
{
	(void)arg;
	dma_fence_signal(&fence);
	return NULL;
}

static void refused_while_a_callback_runs(void **state)
{
	void *(*const who[4])(void *) = { add, set_error, signal_again, fail_again };
	pthread_t signaler;
	struct dma_fence_cb cb;
	int i;

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &cb, slowly), 0);

	/* As if a remover were preempted under the lock: they come to wait for it. */
	dma_fence_lock_state(&fence, true);
	for (i = 0; i < 4; i++)
		callers[i].thread = start(who[i], &callers[i]);
	for (i = 0; i < 4; i++)
		await_asleep(&callers[i].asleep);

	/* The lock is free, but before they look the fence signals, and its callback takes long. */
	__atomic_fetch_and(&fence.state, ~LOCKED, __ATOMIC_RELEASE);
	signaler = start(signal_it, NULL);
	await_flag(&entered);
	dma_fence_park_wake(park_low_half(&fence.state));
	for (i = 0; i < 4; i++)
		assert_true(flag_within(&callers[i].done, 10 * SECOND));
	set_flag(&leave);
	join(signaler);
	for (i = 0; i < 4; i++)
		join(callers[i].thread);
	assert_int_equal(dma_fence_get_status(&fence), 1);
	dma_fence_put(&fence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_while_a_callback_runs),
	};

	return RUN(tests);
}
