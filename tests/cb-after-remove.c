/* SPDX-License-Identifier: MIT */
/*
 * Defect "cb-after-remove": a removed callback runs, or storage is freed under a running one.
 */
#include "support.h"

static struct dma_fence fence;

static void removed_does_not_run(void **state)
{
	struct counter counter = { .ran = 0 };

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), 0);
	assert_true(dma_fence_remove_callback(&fence, &counter.cb));
	assert_false(dma_fence_remove_callback(&fence, &counter.cb));
	dma_fence_signal(&fence);
	assert_int_equal(calls(&counter), 0);
	assert_false(dma_fence_remove_callback(&fence, &counter.cb));
	dma_fence_put(&fence);
}

static void run_cannot_be_removed(void **state)
{
	struct counter counter = { .ran = 0 };

	(void)state;
	fence_init(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), 0);
	dma_fence_signal(&fence);
	assert_int_equal(calls(&counter), 1);
	assert_false(dma_fence_remove_callback(&fence, &counter.cb));
	dma_fence_put(&fence);
}

static void removed_can_be_added_again(void **state)
{
	struct counter counter = { .ran = 0 };
	int i;

	(void)state;
	fence_init(&fence);
	for (i = 0; i < 5; i++) {
		assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), 0);
		assert_true(dma_fence_remove_callback(&fence, &counter.cb));
	}
	assert_int_equal(dma_fence_add_callback(&fence, &counter.cb, count_call), 0);
	dma_fence_signal(&fence);
	assert_int_equal(calls(&counter), 1);
	dma_fence_put(&fence);
}

/* Many are removed at random from among many: none is lost, none stays. */
static void many_are_removed(void **state)
{
	enum { MANY = 5000 };
	struct counter *counters = calloc(MANY, sizeof(*counters));
	char *there = calloc(MANY, 1);
	unsigned int seed = 1, i, k;

	(void)state;
	fence_init(&fence);
	for (i = 0; i < 20 * MANY; i++) {
		k = (unsigned int)rand_r(&seed) % MANY;
		if (there[k])
			assert_true(dma_fence_remove_callback(&fence, &counters[k].cb));
		else
			assert_int_equal(
				dma_fence_add_callback(&fence, &counters[k].cb, count_call), 0);
		there[k] = !there[k];
	}
	dma_fence_signal(&fence);
	for (i = 0; i < MANY; i++)
		assert_int_equal(calls(&counters[i]), there[i]);
	dma_fence_put(&fence);
	free(counters);
	free(there);
}

/*
 * Removal while the callback runs on another thread: it waits until that has returned, whether the
 * callback is the only one, the first, one in the middle or the last.
 */

struct slow {
	struct dma_fence_cb cb;
	int entered, leave, left;
};

static void slowly(struct dma_fence *f, struct dma_fence_cb *cb)
{
	struct slow *slow = container_of(cb, struct slow, cb);

	(void)f;
	set_flag(&slow->entered);
	await_flag(&slow->leave);
	sleep_ns(2 * MS);
	set_flag(&slow->left);
}

static void *signal_it(void *arg)
{
	dma_fence_signal(arg);
	return NULL;
}

struct removal {
	struct dma_fence_cb *cb;
	int done;
	bool result;
};

static void *remove_it(void *arg)
{
	struct removal *removal = arg;

	removal->result = dma_fence_remove_callback(&fence, removal->cb);
	set_flag(&removal->done);
	return NULL;
}

static void waits_for_the_running_one(void **state)
{
	int before, behind, i;

	(void)state;
	for (before = 0; before <= 2; before++) {
		for (behind = 0; behind <= 2; behind++) {
			struct counter others[4] = { 0 };
			struct slow slow = { .entered = 0 };
			struct removal removal = { .cb = &slow.cb };
			pthread_t signaler, remover;

			fence_init(&fence);
			for (i = 0; i < before; i++)
				dma_fence_add_callback(&fence, &others[i].cb, count_call);
			dma_fence_add_callback(&fence, &slow.cb, slowly);
			for (i = before; i < before + behind; i++)
				dma_fence_add_callback(&fence, &others[i].cb, count_call);

			signaler = start(signal_it, &fence);
			await_flag(&slow.entered);
			remover = start(remove_it, &removal);
			let_it_sleep();
			assert_false(atomic_load_acquire(&removal.done));
			set_flag(&slow.leave);
			join(remover);
			assert_true(slow.left);
			assert_false(removal.result);
			join(signaler);
			for (i = 0; i < before + behind; i++)
				assert_int_equal(calls(&others[i]), 1);
			dma_fence_put(&fence);
		}
	}
}

/*
 * And for no other: those before the running one have returned, those behind it can be taken back,
 * and one that was removed or refused has nothing to wait for.
 */
static void waits_for_no_other(void **state)
{
	struct counter before = { .ran = 0 }, behind[2] = { 0 }, gone = { .ran = 0 };
	struct slow slow = { .entered = 0 };
	struct counter refused;
	pthread_t signaler;

	(void)state;
	fence_init(&fence);
	dma_fence_add_callback(&fence, &gone.cb, count_call);
	dma_fence_add_callback(&fence, &before.cb, count_call);
	dma_fence_add_callback(&fence, &slow.cb, slowly);
	dma_fence_add_callback(&fence, &behind[0].cb, count_call);
	dma_fence_add_callback(&fence, &behind[1].cb, count_call);
	assert_true(dma_fence_remove_callback(&fence, &gone.cb));

	signaler = start(signal_it, &fence);
	await_flag(&slow.entered);
	/* All of these while the callback is running, which it does until we let it go. */
	assert_int_equal(dma_fence_add_callback(&fence, &refused.cb, count_call), -ENOENT);
	assert_false(dma_fence_remove_callback(&fence, &refused.cb));
	assert_false(dma_fence_remove_callback(&fence, &gone.cb));
	assert_false(dma_fence_remove_callback(&fence, &before.cb));
	assert_int_equal(calls(&before), 1);
	assert_true(dma_fence_remove_callback(&fence, &behind[0].cb));
	assert_true(dma_fence_remove_callback(&fence, &behind[1].cb));
	set_flag(&slow.leave);
	join(signaler);
	assert_int_equal(calls(&behind[0]), 0);
	assert_int_equal(calls(&behind[1]), 0);
	assert_int_equal(dma_fence_flush(&fence), 0);
	dma_fence_put(&fence);
}

/* The same when the running one is the last of several: those before it are not to be waited for. */
static void waits_for_no_other_at_the_end(void **state)
{
	struct counter before = { .ran = 0 };
	struct slow slow = { .entered = 0 };
	pthread_t signaler;

	(void)state;
	fence_init(&fence);
	dma_fence_add_callback(&fence, &before.cb, count_call);
	dma_fence_add_callback(&fence, &slow.cb, slowly);
	signaler = start(signal_it, &fence);
	await_flag(&slow.entered);
	assert_false(dma_fence_remove_callback(&fence, &before.cb));
	set_flag(&slow.leave);
	join(signaler);
	dma_fence_put(&fence);
}

/* A callback that is queued behind a slow one of ANOTHER fence can be taken back by anybody. */

static struct dma_fence outer;

static void signal_then_be_slow(struct dma_fence *f, struct dma_fence_cb *cb)
{
	dma_fence_signal(&fence);
	slowly(f, cb);
}

static void queued_is_taken_back_from_another_thread(void **state)
{
	struct counter one = { .ran = 0 }, two = { .ran = 0 };
	struct slow slow = { .entered = 0 };
	pthread_t signaler;

	(void)state;
	fence_init(&fence);
	fence_init(&outer);
	dma_fence_add_callback(&fence, &one.cb, count_call);
	dma_fence_add_callback(&fence, &two.cb, count_call);
	dma_fence_add_callback(&outer, &slow.cb, signal_then_be_slow);
	signaler = start(signal_it, &outer);
	await_flag(&slow.entered);
	assert_true(dma_fence_test_signaled_flag(&fence));
	assert_true(dma_fence_remove_callback(&fence, &two.cb));
	set_flag(&slow.leave);
	join(signaler);
	assert_int_equal(calls(&one), 1);
	assert_int_equal(calls(&two), 0);
	dma_fence_put(&outer);
	dma_fence_put(&fence);
}

/*
 * The race itself: removed from one thread, signaled from another, the storage reused at once.
 * Exactly one of "it ran" and "it was removed" is true, and after removal nothing runs.
 */

#define SIGNALERS 2
#define REMOVERS  2
#define CALLBACKS 3

static struct {
	pthread_barrier_t line;
	struct counter *counters[REMOVERS][CALLBACKS];
	int ran, removed, late;
} race;

struct racing {
	struct counter counter;
	int freed;
};

static void count_racing(struct dma_fence *f, struct dma_fence_cb *cb)
{
	struct racing *racing = container_of(cb, struct racing, counter.cb);

	(void)f;
	if (atomic_load_relaxed(&racing->freed))
		__atomic_fetch_add(&race.late, 1, __ATOMIC_SEQ_CST);
	count_call(f, cb);
	sched_yield();
	/* The remover frees it: not before this. */
	if (atomic_load_relaxed(&racing->freed))
		__atomic_fetch_add(&race.late, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&race.ran, 1, __ATOMIC_SEQ_CST);
}

#define RACE_ROUNDS 4000

static void *race_signal(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < RACE_ROUNDS; i++) {
		pthread_barrier_wait(&race.line);
		pthread_barrier_wait(&race.line);
		dma_fence_signal(&fence);
		pthread_barrier_wait(&race.line);
	}
	return NULL;
}

static void *race_remove(void *arg)
{
	bool leader = !arg;
	unsigned int seed = leader;
	int i, k;

	for (i = 0; i < RACE_ROUNDS; i++) {
		struct racing *racing[CALLBACKS];

		if (leader)
			fence_init(&fence);
		pthread_barrier_wait(&race.line);
		for (k = 0; k < CALLBACKS; k++) {
			racing[k] = calloc(1, sizeof(*racing[k]));
			assert_int_equal(dma_fence_add_callback(&fence, &racing[k]->counter.cb,
								count_racing),
					 0);
		}
		pthread_barrier_wait(&race.line);
		for (k = rand_r(&seed) % 40; k; k--)
			cpu_relax();
		for (k = 0; k < CALLBACKS; k++) {
			struct racing *this = racing[(k + i) % CALLBACKS];

			if (dma_fence_remove_callback(&fence, &this->counter.cb)) {
				assert_int_equal(calls(&this->counter), 0);
				__atomic_fetch_add(&race.removed, 1, __ATOMIC_SEQ_CST);
			} else {
				assert_int_equal(calls(&this->counter), 1);
			}
			atomic_store_relaxed(&this->freed, 1);
			free(this);
		}
		pthread_barrier_wait(&race.line);
		if (leader) {
			assert_int_equal(dma_fence_flush(&fence), 0);
			dma_fence_put(&fence);
		}
	}
	return NULL;
}

static void removal_races_with_the_signal(void **state)
{
	pthread_t threads[SIGNALERS + REMOVERS];
	intptr_t i;

	(void)state;
	pthread_barrier_init(&race.line, NULL, SIGNALERS + REMOVERS);
	for (i = 0; i < SIGNALERS; i++)
		threads[i] = start(race_signal, NULL);
	for (i = 0; i < REMOVERS; i++)
		threads[SIGNALERS + i] = start(race_remove, (void *)i);
	for (i = 0; i < SIGNALERS + REMOVERS; i++)
		join(threads[i]);
	pthread_barrier_destroy(&race.line);
	assert_int_equal(race.late, 0);
	assert_int_equal(race.ran + race.removed, RACE_ROUNDS * REMOVERS * CALLBACKS);
	print_message("# %d ran, %d removed\n", race.ran, race.removed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removed_does_not_run),
		cmocka_unit_test(run_cannot_be_removed),
		cmocka_unit_test(removed_can_be_added_again),
		cmocka_unit_test(many_are_removed),
		cmocka_unit_test(waits_for_the_running_one),
		cmocka_unit_test(waits_for_no_other),
		cmocka_unit_test(waits_for_no_other_at_the_end),
		cmocka_unit_test(queued_is_taken_back_from_another_thread),
		cmocka_unit_test(removal_races_with_the_signal),
	};

	return RUN(tests);
}
