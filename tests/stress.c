/* SPDX-License-Identifier: MIT */
/*
 * Everything at once: four threads, for some seconds, on a small set of shared fences that are
 * looked up, waited for, called back from, signaled and replaced all the time. What must hold is
 * counted: callbacks added are callbacks run or removed, and no fence is lost.
 */
#include "support.h"

#define SLOTS	8
#define THREADS 4

static struct {
	struct dma_fence *slots[SLOTS];
	int64_t end;
	uint64_t fences, released, added, ran, removed, refused, waits, signals, errors;
} shared;

struct heavy {
	struct dma_fence fence;
	uint64_t canary;
};

static void bump(uint64_t *count)
{
	__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

static void heavy_release(struct dma_fence *fence)
{
	struct heavy *heavy = container_of(fence, struct heavy, fence);

	assert_int_equal(heavy->canary, 0xc0ffee);
	heavy->canary = 0;
	bump(&shared.released);
	dma_fence_free(fence);
}

static bool heavy_enable(struct dma_fence *fence)
{
	return fence->seqno % 7 != 0; /* some are done before anybody asks */
}

static bool heavy_signaled(struct dma_fence *fence)
{
	return fence->seqno % 11 == 0;
}

static const struct dma_fence_ops heavy_ops = {
	.enable_signaling = heavy_enable,
	.signaled = heavy_signaled,
	.release = heavy_release,
};

static struct dma_fence *heavy_create(void)
{
	struct heavy *heavy = malloc(sizeof(*heavy));
	uint64_t seqno = __atomic_add_fetch(&shared.fences, 1, __ATOMIC_RELAXED);

	heavy->canary = 0xc0ffee;
	dma_fence_init(&heavy->fence, &heavy_ops, 1, seqno);
	return &heavy->fence;
}

/* A callback that sometimes signals the fence in another slot. */
struct call {
	struct dma_fence_cb cb;
	struct dma_fence *next;
	int state; /* 0 waiting, 1 ran */
	bool frees;
};

static void call_func(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct call *call = container_of(cb, struct call, cb);

	assert_true(dma_fence_test_signaled_flag(fence));
	bump(&shared.ran);
	if (call->next) {
		dma_fence_signal(call->next);
		dma_fence_put(call->next);
		call->next = NULL;
	}
	if (call->frees)
		free(call);
	else
		atomic_store_relaxed(&call->state, 1);
}

static struct dma_fence *look_up(unsigned int i)
{
	struct dma_fence *fence;

	dma_fence_rcu_read_lock();
	fence = dma_fence_get_rcu_safe(&shared.slots[i % SLOTS]);
	dma_fence_rcu_read_unlock();
	return fence;
}

static void replace(unsigned int i)
{
	struct dma_fence *old = atomic_exchange_acq_rel(&shared.slots[i % SLOTS], heavy_create());

	/* The slot's owner is the producer: what is taken out gets signaled. */
	if (old) {
		if (i % 3 == 0 && !dma_fence_set_error(old, -EIO))
			bump(&shared.errors);
		dma_fence_signal(old);
		dma_fence_put(old);
		bump(&shared.signals);
	}
}

static void one_turn(unsigned int *seed)
{
	unsigned int r = (unsigned int)rand_r(seed);
	struct dma_fence *fence = look_up(r), *list[3];
	struct call *call;
	uint32_t idx, n;

	r >>= 4;
	if (!fence)
		return;
	switch (r % 10) {
	case 0:
		replace(r / 10);
		break;
	case 1:
		dma_fence_signal(fence);
		bump(&shared.signals);
		break;
	case 2:
	case 3: /* a callback that is left there */
		call = calloc(1, sizeof(*call));
		call->frees = true;
		if (r % 4 == 0)
			call->next = look_up(r / 40);
		n = call->next ? 1 : 0;
		if (!dma_fence_add_callback(fence, &call->cb, call_func)) {
			bump(&shared.added);
		} else {
			if (n)
				dma_fence_put(call->next);
			free(call);
			bump(&shared.refused);
		}
		break;
	case 4:
	case 5: /* one that is taken back */
		call = calloc(1, sizeof(*call));
		if (!dma_fence_add_callback(fence, &call->cb, call_func)) {
			bump(&shared.added);
			for (n = r / 10 % 64; n; n--)
				cpu_relax();
			if (dma_fence_remove_callback(fence, &call->cb))
				bump(&shared.removed);
			else
				assert_int_equal(atomic_load_relaxed(&call->state), 1);
		} else {
			bump(&shared.refused);
		}
		free(call);
		break;
	case 6:
		if (dma_fence_wait_timeout(fence, false, r % 20000) > 0)
			assert_int_equal(dma_fence_flush(fence), 0);
		bump(&shared.waits);
		break;
	case 7:
		list[0] = fence;
		n = 1;
		if ((list[n] = look_up(r / 10)))
			n++;
		if ((list[n] = look_up(r / 100)))
			n++;
		if (dma_fence_wait_any_timeout(list, n, false, r % 20000, &idx) > 0)
			assert_true(dma_fence_test_signaled_flag(list[idx]));
		while (n-- > 1)
			dma_fence_put(list[n]);
		bump(&shared.waits);
		break;
	case 8:
		if (dma_fence_poll(fence))
			assert_true(dma_fence_timestamp(fence) > 0);
		break;
	default:
		if (dma_fence_is_signaled(fence) && dma_fence_test_signaled_flag(fence))
			assert_int_not_equal(dma_fence_get_status(fence), 0);
		break;
	}
	dma_fence_put(fence);
}

static void *work(void *arg)
{
	unsigned int seed = (unsigned int)(intptr_t)arg;

	while (clock_now() < shared.end)
		one_turn(&seed);
	return NULL;
}

static void everything_at_once(void **state)
{
	const char *seconds = getenv("STRESS_SECONDS");
	pthread_t threads[THREADS];
	unsigned int i;

	(void)state;
	catch_reports();
	shared.end = clock_now() + (seconds ? atoi(seconds) : 4) * SECOND;
	for (i = 0; i < SLOTS; i++)
		shared.slots[i] = heavy_create();
	for (i = 0; i < THREADS; i++)
		threads[i] = start(work, (void *)(intptr_t)(i + 1));
	for (i = 0; i < THREADS; i++)
		join(threads[i]);
	for (i = 0; i < SLOTS; i++) {
		dma_fence_signal(shared.slots[i]);
		dma_fence_put(shared.slots[i]);
	}
	dma_fence_rcu_barrier();

	print_message("# %llu fences, %llu callbacks (%llu ran, %llu removed, %llu refused), "
		      "%llu waits, %llu signals, %llu errors\n",
		      (unsigned long long)shared.fences, (unsigned long long)shared.added,
		      (unsigned long long)shared.ran, (unsigned long long)shared.removed,
		      (unsigned long long)shared.refused, (unsigned long long)shared.waits,
		      (unsigned long long)shared.signals, (unsigned long long)shared.errors);
	assert_int_equal(caught()->count, 0);
	assert_int_equal(shared.released, shared.fences);
	assert_int_equal(shared.ran + shared.removed, shared.added);
	assert_true(shared.fences > 100 && shared.ran > 100 && shared.removed > 100);
	assert_true(shared.waits > 100 && shared.errors > 10);
	catch_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_at_once),
	};

	return RUN(tests);
}
