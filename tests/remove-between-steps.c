/* SPDX-License-Identifier: MIT */
/*
 * A remover that is on its way to sleep until its callback has returned is held up. Meanwhile that
 * callback returns, the next one runs, and somebody else contends for the fence, so that its word
 * is again what the first remover saw. It must not sleep until the next callback has returned, too.
 *
 * Linked with --wrap=syscall, by which the futex call of one thread is held up.
 */
#include "support.h"

#include "base/futex.h"
#include "base/park.h"

static _Thread_local bool hold_up;
static int held_up, go_on;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if (number == FUTEX_CALL && (b & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && hold_up) {
		hold_up = false;
		set_flag(&held_up);
		await_flag(&go_on);
	}
	return __real_syscall(number, a, b, c, d, e, f);
}

struct slow {
	struct dma_fence_cb cb;
	int entered, leave;
};

static struct dma_fence fence;
static struct slow first, second;
static int removed_first, removed_second;

static void slowly(struct dma_fence *f, struct dma_fence_cb *cb)
{
	struct slow *slow = container_of(cb, struct slow, cb);

	(void)f;
	set_flag(&slow->entered);
	await_flag(&slow->leave);
}

static void *signal_it(void *arg)
{
	(void)arg;
	dma_fence_signal(&fence);
	return NULL;
}

static void *remove_first(void *arg)
{
	(void)arg;
	hold_up = true;
	assert_false(dma_fence_remove_callback(&fence, &first.cb));
	set_flag(&removed_first);
	return NULL;
}

static void *remove_second(void *arg)
{
	(void)arg;
	assert_false(dma_fence_remove_callback(&fence, &second.cb));
	set_flag(&removed_second);
	return NULL;
}

static void remover_is_held_up(void **state)
{
	pthread_t signaler, removers[2];

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &first.cb, slowly), 0);
	assert_int_equal(dma_fence_add_callback(&fence, &second.cb, slowly), 0);
	signaler = start(signal_it, NULL);
	await_flag(&first.entered);
	removers[0] = start(remove_first, NULL);
	await_flag(&held_up);

	set_flag(&first.leave);
	await_flag(&second.entered);
	removers[1] = start(remove_second, NULL);
	let_it_sleep();
	set_flag(&go_on);
	assert_true(flag_within(&removed_first, 10 * SECOND));
	assert_false(atomic_load_acquire(&removed_second));

	set_flag(&second.leave);
	join(signaler);
	join(removers[0]);
	join(removers[1]);
	dma_fence_put(&fence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remover_is_held_up),
	};

	return RUN(tests);
}
