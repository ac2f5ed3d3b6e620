/* SPDX-License-Identifier: MIT */
/* The ground by itself: lock, park, run queue, RCU, clock, hooks. */
#include <dmafence/rcu.h>

#include "support.h"

#include "base/debug.h"
#include "base/lock.h"
#include "base/park.h"
#include "base/run-queue.h"
#include "fence/wait.h"

/* Lock */

#define THREADS 4
#define TURNS	100000

static struct lock lock;
static long counter;

static void *add(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < TURNS; i++) {
		lock_acquire(&lock);
		counter++; /* plain: it is the lock that makes this right */
		if (i % 1000 == 0)
			sched_yield(); /* so that contenders have to sleep */
		lock_release(&lock);
	}
	return NULL;
}

static void lock_excludes(void **state)
{
	pthread_t threads[THREADS];
	int i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		threads[i] = start(add, NULL);
	for (i = 0; i < THREADS; i++)
		join(threads[i]);
	assert_int_equal(counter, THREADS * TURNS);
	assert_int_equal(lock.state, LOCK_FREE);
}

/* Park */

static void park_returns_if_the_value_differs(void **state)
{
	uint32_t word = 5;

	(void)state;
	assert_int_equal(dma_fence_park_wait(&word, 4, CLOCK_NEVER), 0);
}

static void park_times_out(void **state)
{
	uint32_t word = 5;
	int64_t deadline = clock_now() + 10 * MS;

	(void)state;
	assert_int_equal(dma_fence_park_wait(&word, 5, deadline), -ETIMEDOUT);
	assert_true(clock_now() >= deadline);
	assert_int_equal(dma_fence_park_wait(&word, 5, 0), -ETIMEDOUT);
	assert_int_equal(dma_fence_park_wait(&word, 5, clock_now() - SECOND), -ETIMEDOUT);
}

static struct park_event event;
static int posted_before;

static void *post_soon(void *arg)
{
	if (arg)
		sleep_ns(20 * MS);
	posted_before = 7;
	park_event_post(&event);
	return NULL;
}

static void event_is_posted_once_for_all(void **state)
{
	int slow;

	(void)state;
	for (slow = 0; slow < 2; slow++) {
		pthread_t thread;

		memset(&event, 0, sizeof(event));
		posted_before = 0;
		thread = start(post_soon, slow ? &event : NULL);
		assert_int_equal(dma_fence_park_event_wait(&event, false, CLOCK_NEVER), 0);
		assert_int_equal(posted_before, 7);
		assert_int_equal(dma_fence_park_event_wait(&event, false, 0), 0);
		join(thread);
		park_event_post(&event);
		assert_int_equal(dma_fence_park_event_wait(&event, false, 0), 0);
	}
	memset(&event, 0, sizeof(event));
	assert_int_equal(dma_fence_park_event_wait(&event, false, clock_now() + MS), -ETIMEDOUT);
}

/* A thread whose waits are long spins less and less, and not for ever less. */
static void *spin_in_vain(void *arg)
{
	int64_t first = 0, least = INT64_MAX, again = 0;
	int i;

	(void)arg;
	for (i = 0; i < 100; i++) {
		struct spin spin = { 0 };
		int64_t spent = clock_now();

		while (spin_once(&spin))
			;
		spent = clock_now() - spent;
		dma_fence_spin_learn(&spin, false);
		if (i == 0)
			first = spent;
		if (i > 0 && spent < least)
			least = spent;
		if (i > 10 && spent > again)
			again = spent;
	}
	assert_true(first >= 10000);
	assert_true(least < 5000);
	assert_true(again >= 10000);
	return NULL;
}

static void *spin_not_at_all(void *arg)
{
	int64_t least = INT64_MAX;
	int i;

	(void)arg;
	for (i = 0; i < 20; i++) {
		struct spin spin = { 0 };
		int64_t spent = clock_now();

		while (spin_once(&spin))
			;
		spent = clock_now() - spent;
		least = spent < least ? spent : least;
	}
	assert_true(least < 5000);
	return NULL;
}

static void spinning_is_learnt(void **state)
{
	(void)state;
	/* In a thread that has learnt nothing yet. With one CPU there is nobody to spin for. */
	join(start(sysconf(_SC_NPROCESSORS_ONLN) > 1 ? spin_in_vain : spin_not_at_all, NULL));
}

/* Run queue */

static void run_queue_is_in_order(void **state)
{
	struct dma_fence_run_link links[5];
	struct run_queue *queue = run_queue_of_thread();
	int i;

	(void)state;
	assert_false(run_queue_active(queue));
	run_queue_begin(queue);
	assert_true(run_queue_active(queue));
	assert_null(run_queue_pop(queue));
	for (i = 0; i < 3; i++)
		run_queue_push(queue, &links[i]);
	assert_ptr_equal(run_queue_pop(queue), &links[0]);
	for (; i < 5; i++)
		run_queue_push(queue, &links[i]);
	for (i = 1; i < 5; i++)
		assert_ptr_equal(run_queue_pop(queue), &links[i]);
	assert_null(run_queue_pop(queue));
	run_queue_push(queue, &links[0]);
	assert_ptr_equal(run_queue_pop(queue), &links[0]);
	assert_null(run_queue_pop(queue));
	run_queue_end(queue);
	assert_false(run_queue_active(queue));
}

static void *has_its_own(void *arg)
{
	assert_ptr_not_equal(run_queue_of_thread(), arg);
	assert_false(run_queue_active(run_queue_of_thread()));
	return NULL;
}

static void run_queue_is_per_thread(void **state)
{
	(void)state;
	run_queue_begin(run_queue_of_thread());
	join(start(has_its_own, run_queue_of_thread()));
	run_queue_end(run_queue_of_thread());
}

/* RCU */

struct deferred {
	struct dma_fence_rcu_link link;
	int number;
};

static int deferred_ran, deferred_next;

static void deferred_run(struct dma_fence_rcu_link *link)
{
	struct deferred *deferred = container_of(link, struct deferred, link);

	if (deferred->number >= 0)
		assert_int_equal(deferred->number, deferred_next++);
	__atomic_fetch_add(&deferred_ran, 1, __ATOMIC_SEQ_CST);
	free(deferred);
}

static void defer(int number)
{
	struct deferred *deferred = malloc(sizeof(*deferred));

	deferred->number = number;
	dma_fence_rcu_defer(&deferred->link, deferred_run);
}

static void deferred_runs_in_order_before_the_barrier(void **state)
{
	int i, n = 0;

	(void)state;
	deferred_ran = deferred_next = 0;
	for (i = 0; i < 3000; i++) {
		defer(n++);
		if (i % 1000 == 999) {
			dma_fence_rcu_barrier();
			assert_int_equal(deferred_ran, n);
		}
	}
}

static void deferred_waits_for_readers(void **state)
{
	int early;

	(void)state;
	deferred_ran = 0;
	dma_fence_rcu_read_lock();
	dma_fence_rcu_read_lock();
	defer(-1);
	dma_fence_rcu_read_unlock();
	sleep_ns(30 * MS);
	early = __atomic_load_n(&deferred_ran, __ATOMIC_SEQ_CST);
	dma_fence_rcu_read_unlock();
	assert_int_equal(early, 0);
	dma_fence_rcu_barrier();
	assert_int_equal(deferred_ran, 1);
}

static void *defer_many(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 20000; i++) {
		dma_fence_rcu_read_lock();
		defer(-1);
		dma_fence_rcu_read_unlock();
		if (i % 5000 == 0)
			dma_fence_rcu_barrier();
	}
	return NULL;
}

static void deferred_by_many_threads(void **state)
{
	pthread_t threads[3];
	int i;

	(void)state;
	deferred_ran = 0;
	for (i = 0; i < 3; i++)
		threads[i] = start(defer_many, NULL);
	for (i = 0; i < 3; i++)
		join(threads[i]);
	dma_fence_rcu_barrier();
	assert_int_equal(deferred_ran, 60000);
}

static int reader_in, reader_out;

static void *read_for_a_while(void *arg)
{
	(void)arg;
	dma_fence_rcu_read_lock();
	set_flag(&reader_in);
	sleep_ns(30 * MS);
	set_flag(&reader_out);
	dma_fence_rcu_read_unlock();
	return NULL;
}

static void synchronize_waits_for_readers(void **state)
{
	pthread_t thread = start(read_for_a_while, NULL);

	(void)state;
	await_flag(&reader_in);
	dma_fence_rcu_synchronize();
	assert_true(atomic_load_relaxed(&reader_out));
	join(thread);
}

/* Clock */

static void deadlines_do_not_overflow(void **state)
{
	int64_t now = clock_now(), soon = clock_deadline(SECOND);

	(void)state;
	assert_true(now > 0);
	assert_true(soon >= now + SECOND && soon < now + 20 * SECOND);
	assert_int_equal(clock_deadline(CLOCK_NEVER), CLOCK_NEVER);
	assert_int_equal(clock_deadline(CLOCK_NEVER - 1), CLOCK_NEVER);
	assert_true(clock_deadline(0) >= now);
}

/* Hooks: a table sees every event, once each. */

static struct {
	int init, get, put, release, enable, signal, add, remove, callback, callback_end, deadline,
		begin, end;
	int last_add, last_end;
	bool last_remove;
} seen;

static void on_init(struct dma_fence *fence)
{
	(void)fence;
	seen.init++;
}
static void on_get(struct dma_fence *fence)
{
	(void)fence;
	seen.get++;
}
static void on_put(struct dma_fence *fence)
{
	(void)fence;
	seen.put++;
}
static void on_release(struct dma_fence *fence)
{
	(void)fence;
	seen.release++;
}
static void on_enable(struct dma_fence *fence)
{
	(void)fence;
	seen.enable++;
}
static void on_signal(struct dma_fence *fence)
{
	assert_true(dma_fence_test_signaled_flag(fence));
	seen.signal++;
}
static void on_add(struct dma_fence *fence, struct dma_fence_cb *cb, dma_fence_func_t func,
		   int result)
{
	(void)func;
	(void)fence;
	(void)cb;
	seen.add++;
	seen.last_add = result;
}
static void on_remove(struct dma_fence *fence, struct dma_fence_cb *cb, bool result)
{
	(void)fence;
	(void)cb;
	seen.remove++;
	seen.last_remove = result;
}
static void on_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	assert_int_equal(container_of(cb, struct counter, cb)->ran, 0);
	seen.callback++;
}
static void on_callback_end(void)
{
	seen.callback_end++;
}
static void on_set_deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	(void)fence;
	assert_int_equal(deadline_ns, 5);
	seen.deadline++;
}
static void on_begin(struct dma_fence *fence)
{
	(void)fence;
	seen.begin++;
}
static void on_end(struct dma_fence *fence, int result)
{
	(void)fence;
	seen.end++;
	seen.last_end = result;
}

static bool enable_op(struct dma_fence *fence)
{
	(void)fence;
	return true;
}

static void hooks_see_everything(void **state)
{
	static const struct hooks all = {
		.init = on_init,
		.get = on_get,
		.put = on_put,
		.release = on_release,
		.enable = on_enable,
		.signal = on_signal,
		.add_callback = on_add,
		.remove_callback = on_remove,
		.callback = on_callback,
		.callback_end = on_callback_end,
		.set_deadline = on_set_deadline,
		.wait_begin = on_begin,
		.wait_end = on_end,
	};
	static const struct hooks none;
	static const struct dma_fence_ops ops = {
		.enable_signaling = enable_op,
		.release = count_release,
	};
	struct counter a = { .ran = 0 }, b = { .ran = 0 };
	struct dma_fence fence;

	(void)state;
	dma_fence_hooks_add(&all);
	dma_fence_init(&fence, &ops, 1, 1);
	dma_fence_get(&fence);
	dma_fence_put(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &a.cb, count_call), 0);
	assert_int_equal(dma_fence_add_callback(&fence, &b.cb, count_call), 0);
	assert_true(dma_fence_remove_callback(&fence, &b.cb));
	assert_true(seen.last_remove);
	dma_fence_set_deadline(&fence, 5);
	assert_int_equal(dma_fence_wait_timeout(&fence, false, MS), 0);
	assert_int_equal(seen.last_end, -ETIMEDOUT);
	dma_fence_signal(&fence);
	assert_int_equal(dma_fence_add_callback(&fence, &b.cb, count_call), -ENOENT);
	assert_int_equal(seen.last_add, -ENOENT);
	assert_false(dma_fence_remove_callback(&fence, &b.cb));
	assert_false(seen.last_remove);
	dma_fence_put(&fence);
	dma_fence_put(&fence);
	assert_int_equal(seen.init, 1);
	assert_int_equal(seen.get, 1);
	assert_int_equal(seen.put, 3);
	assert_int_equal(seen.release, 1);
	assert_int_equal(seen.enable, 1);
	assert_int_equal(seen.signal, 1);
	assert_int_equal(seen.add, 3);
	assert_int_equal(seen.remove, 2);
	assert_int_equal(seen.callback, 1);
	assert_int_equal(seen.begin, 1);
	assert_int_equal(seen.end, 1);
	assert_int_equal(seen.callback_end, 1);
	assert_int_equal(seen.deadline, 1);

	/* A table that wants to see nothing, and none at all. */
	dma_fence_hooks_remove(&all);
	dma_fence_hooks_add(&none);
	dma_fence_init(&fence, &ops, 1, 1);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
	dma_fence_hooks_remove(&none);
	dma_fence_init(&fence, &ops, 1, 1);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
	assert_int_equal(seen.init, 1);
}

static char order[20];

static void first_get(struct dma_fence *fence)
{
	(void)fence;
	strcat(order, "1");
}
static void second_get(struct dma_fence *fence)
{
	(void)fence;
	strcat(order, "2");
}
static void second_put(struct dma_fence *fence)
{
	(void)fence;
	strcat(order, "p");
}

static void several_tables_are_called_in_turn(void **state)
{
	static const struct hooks first = { .get = first_get };
	static const struct hooks second = { .get = second_get, .put = second_put };
	static const struct hooks more[30];
	struct dma_fence fence;
	size_t i;

	(void)state;
	fence_init(&fence);
	dma_fence_hooks_add(&first);
	dma_fence_hooks_add(&second);
	dma_fence_hooks_add(&first); /* is there already */
	dma_fence_put(dma_fence_get(&fence));
	assert_string_equal(order, "12p");

	dma_fence_hooks_remove(&first);
	dma_fence_hooks_remove(&first);
	dma_fence_put(dma_fence_get(&fence));
	assert_string_equal(order, "12p2p");
	dma_fence_hooks_add(&first);
	dma_fence_put(dma_fence_get(&fence));
	assert_string_equal(order, "12p2p21p");

	/* There is no room for all of these, and nothing happens to those that are there. */
	for (i = 0; i < ARRAY_SIZE(more); i++)
		dma_fence_hooks_add(&more[i]);
	dma_fence_put(dma_fence_get(&fence));
	assert_string_equal(order, "12p2p21p21p");
	for (i = 0; i < ARRAY_SIZE(more); i++)
		dma_fence_hooks_remove(&more[i]);
	dma_fence_hooks_remove(&second);
	dma_fence_hooks_remove(&first);
	assert_null(dma_fence_hooks);
	dma_fence_put(&fence);
	assert_string_equal(order, "12p2p21p21p");
}

static const struct hooks goes;

static void go(struct dma_fence *fence)
{
	(void)fence;
	dma_fence_hooks_remove(&goes);
}

static const struct hooks goes = { .get = go };

/* Or who counts references would be wrong because somebody else has stopped. */
static void a_table_that_goes_hides_none(void **state)
{
	static const struct hooks second = { .get = second_get };
	static const struct hooks first = { .get = first_get };
	struct dma_fence fence;

	(void)state;
	fence_init(&fence);
	*order = '\0';
	dma_fence_hooks_add(&goes);
	dma_fence_hooks_add(&second);
	dma_fence_hooks_add(&first);
	dma_fence_put(dma_fence_get(&fence));
	assert_string_equal(order, "21");
	dma_fence_hooks_remove(&second);
	dma_fence_hooks_remove(&first);
	assert_null(dma_fence_hooks);
	dma_fence_put(&fence);
}

/* What happens, a letter for each. */
static char events[64];

static void on_event(char letter)
{
	const size_t length = strlen(events);

	assert_true(length + 1 < sizeof(events));
	events[length] = letter;
	events[length + 1] = '\0';
}

static void on_get_rcu(struct dma_fence *fence)
{
	(void)fence;
	on_event('r');
}
static void on_wait(const char *function)
{
	assert_non_null(strstr(function, "wait"));
	on_event('w');
}
static void on_any_begin(struct dma_fence **fences, uint32_t count)
{
	(void)fences;
	assert_int_equal(count, 2);
	on_event('a');
}
static void on_any_end(struct dma_fence **fences, uint32_t count, int result)
{
	(void)fences;
	assert_int_equal(count, 2);
	assert_int_equal(result, -ETIMEDOUT);
	on_event('A');
}
static void on_points_begin(const struct dma_fence_syncobj_point *points, uint32_t count)
{
	(void)points;
	assert_int_equal(count, 1);
	on_event('p');
}
static void on_points_end(const struct dma_fence_syncobj_point *points, int result)
{
	(void)points;
	assert_int_equal(result, -ETIMEDOUT);
	on_event('P');
}
static void on_contain(struct dma_fence *container)
{
	assert_true(dma_fence_is_array(container));
	on_event('c');
}
static void on_export(struct dma_fence *fence, int fd)
{
	(void)fence;
	assert_true(fd >= 0);
	on_event('x');
}
static void on_lock(struct dma_ww_mutex *mutex, bool waits)
{
	(void)mutex;
	on_event(waits ? 'l' : 't');
}
static void on_unlock(struct dma_ww_mutex *mutex)
{
	(void)mutex;
	on_event('u');
}

#define EVENT_HOOKS \
	{ \
		.get_rcu = on_get_rcu, .wait = on_wait, .wait_any_begin = on_any_begin, \
		.wait_any_end = on_any_end, .wait_points_begin = on_points_begin, \
		.wait_points_end = on_points_end, .contain = on_contain, .export = on_export, \
		.lock = on_lock, .unlock = on_unlock \
	}

static void let_all_happen(void)
{
	struct dma_fence_syncobj *syncobj = dma_fence_syncobj_create(0);
	struct dma_fence_syncobj_point point = { .syncobj = syncobj, .point = 1 };
	struct dma_fence fences[2], *both[2] = { &fences[0], &fences[1] };
	struct dma_ww_mutex mutex;
	struct dma_fence *array;
	int i, fd;

	*events = '\0';
	fence_init(&fences[0]);
	fence_init(&fences[1]);
	dma_fence_put(dma_fence_get_rcu(both[0]));
	assert_int_equal(dma_fence_wait_any_timeout(both, 2, false, 1, NULL), 0);
	assert_int_equal(dma_fence_syncobj_wait(&point, 1, DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT, false,
						1, NULL),
			 0);
	array = &array_of_fences(fences, 2)->base;
	fd = dma_fence_sync_file_export(both[0]);
	assert_true(fd >= 0);
	dma_ww_mutex_init(&mutex);
	assert_int_equal(dma_ww_mutex_lock(&mutex, NULL), 0);
	dma_ww_mutex_unlock(&mutex);
	assert_true(dma_ww_mutex_trylock(&mutex, NULL));
	dma_ww_mutex_unlock(&mutex);
	dma_ww_mutex_destroy(&mutex);
	for (i = 0; i < 2; i++) {
		dma_fence_signal(both[i]);
		dma_fence_put(both[i]);
	}
	dma_fence_put(array);
	close(fd);
	dma_fence_syncobj_put(syncobj);
}

/* By one table, and by each of two as by one alone. */
static void each_table_is_told_of_everything(void **state)
{
	static const struct hooks one = EVENT_HOOKS, other = EVENT_HOOKS, none;

	(void)state;
	dma_fence_waits_tell();
	dma_fence_debug_set(DEBUG_LOCKS);
	dma_fence_hooks_add(&one);
	let_all_happen();
	assert_string_equal(events, "rwaAwpPcxlutu");
	dma_fence_hooks_add(&none);
	dma_fence_hooks_add(&other);
	let_all_happen();
	assert_string_equal(events, "rrwwaaAAwwppPPccxxlluuttuu");
	dma_fence_hooks_remove(&one);
	dma_fence_hooks_remove(&other);
	let_all_happen();
	assert_string_equal(events, "");
	dma_fence_hooks_remove(&none);
	dma_fence_debug_clear(DEBUG_LOCKS);
}

/* Without a handler a report is a line on stderr. */
static void report_goes_to_stderr(void **state)
{
	char line[200] = "";
	int saved = dup(2), fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], 2);
	dma_fence_report(DMA_FENCE_REPORT_REFCOUNT, NULL, "a report %d", 17);
	dup2(saved, 2);
	close(saved);
	close(fds[1]);
	assert_true(read(fds[0], line, sizeof(line) - 1) > 0);
	close(fds[0]);
	assert_int_equal(strncmp(line, "dmafence: a report 17\n", 22), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lock_excludes),
		cmocka_unit_test(park_returns_if_the_value_differs),
		cmocka_unit_test(park_times_out),
		cmocka_unit_test(event_is_posted_once_for_all),
		cmocka_unit_test(spinning_is_learnt),
		cmocka_unit_test(run_queue_is_in_order),
		cmocka_unit_test(run_queue_is_per_thread),
		cmocka_unit_test(deferred_runs_in_order_before_the_barrier),
		cmocka_unit_test(deferred_waits_for_readers),
		cmocka_unit_test(deferred_by_many_threads),
		cmocka_unit_test(synchronize_waits_for_readers),
		cmocka_unit_test(deadlines_do_not_overflow),
		cmocka_unit_test(hooks_see_everything),
		cmocka_unit_test(several_tables_are_called_in_turn),
		cmocka_unit_test(a_table_that_goes_hides_none),
		cmocka_unit_test(each_table_is_told_of_everything),
		cmocka_unit_test(report_goes_to_stderr),
	};

	return RUN(tests);
}
