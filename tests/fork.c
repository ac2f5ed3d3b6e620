/* SPDX-License-Identifier: MIT */
/* A child of fork() has the library whole, whatever the parent's threads were doing. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "support.h"

#include "base/lock.h"
#include "fence/state.h"

static int over;

static struct dma_fence *create(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	dma_fence_init(fence, NULL, 1, 1);
	return fence;
}

static void *keep_busy(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; !atomic_load_acquire(&over); i++) {
		dma_fence_rcu_read_lock();
		dma_fence_put(create());
		dma_fence_rcu_read_unlock();
		if (i % 1000 == 0)
			dma_fence_rcu_barrier();
	}
	return NULL;
}

static void child_goes_on(void **state)
{
	pthread_t thread = start(keep_busy, NULL);
	int i;

	(void)state;
	for (i = 0; i < 50; i++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			struct dma_fence *fence;

			alarm(20);
			fence = create();
			dma_fence_signal(fence);
			dma_fence_put(fence);
			dma_fence_rcu_synchronize();
			dma_fence_rcu_barrier();
			_exit(dma_fence_get_status(dma_fence_get_stub()) == 1 ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	set_flag(&over);
	join(thread);
	dma_fence_rcu_barrier();
}

static struct dma_fence_syncobj *syncobj;

static void end_child(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void *replace_all_the_time(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; !atomic_load_acquire(&over); i++) {
		dma_fence_syncobj_signal(syncobj);
		/* A fork waits for what is being freed: not more and more of that. */
		if (i % 1000 == 0)
			dma_fence_rcu_barrier();
	}
	return NULL;
}

/* A sync object into which a thread of the parent was about to put something. */
static void child_uses_the_sync_object(void **state)
{
	pthread_t thread;
	int i;

	(void)state;
	atomic_store_relaxed(&over, 0);
	syncobj = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SIGNALED);
	assert_non_null(syncobj);
	thread = start(replace_all_the_time, NULL);
	for (i = 0; i < 200; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			alarm(5);
			_exit(dma_fence_syncobj_status(syncobj, 0) == 1 ? 0 : 1);
		}
		end_child(pid);
	}
	set_flag(&over);
	join(thread);
	dma_fence_syncobj_put(syncobj);
}

static pid_t waiting;

static void *wait_for_point(void *arg)
{
	struct dma_fence_syncobj_point point = { syncobj, 1 };

	(void)arg;
	atomic_store_release(&waiting, (pid_t)syscall(SYS_gettid));
	dma_fence_syncobj_wait(&point, 1, DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT, false,
			       DMA_FENCE_WAIT_FOREVER, NULL);
	return NULL;
}

static void await_asleep(void)
{
	char path[64], how = 0;
	FILE *stat;

	while (!atomic_load_acquire(&waiting))
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)waiting);
	while (how != 'S') {
		sched_yield();
		stat = fopen(path, "r");
		assert_non_null(stat);
		assert_int_equal(fscanf(stat, "%*d (%*[^)]) %c", &how), 1);
		fclose(stat);
	}
}

#define STACK_SIZE (1 << 20)

/* Starts a thread that goes to sleep, on a stack that a child can unmap. */
static char *sleep_on_own_stack(pthread_t *thread, void *(*func)(void *))
{
	pthread_attr_t attributes;
	char *stack =
		mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(stack, MAP_FAILED);
	assert_int_equal(pthread_attr_init(&attributes), 0);
	assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK_SIZE), 0);
	atomic_store_relaxed(&waiting, 0);
	assert_int_equal(pthread_create(thread, &attributes, func, NULL), 0);
	await_asleep();
	pthread_attr_destroy(&attributes);
	return stack;
}

/* What was the stack of a thread that waits is, in the child, memory that belongs to others. */
static void child_leaves_stacks_alone(void **state)
{
	char *stack = aligned_alloc(4096, STACK_SIZE), *before = malloc(STACK_SIZE);
	pthread_attr_t attributes;
	pthread_t thread;
	pid_t pid;

	(void)state;
	assert_non_null(stack);
	assert_non_null(before);
	syncobj = dma_fence_syncobj_create(0);
	assert_non_null(syncobj);
	assert_int_equal(pthread_attr_init(&attributes), 0);
	assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK_SIZE), 0);
	assert_int_equal(pthread_create(&thread, &attributes, wait_for_point, NULL), 0);
	await_asleep();
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		alarm(20);
		memcpy(before, stack, STACK_SIZE);
		if (dma_fence_syncobj_signal_point(syncobj, 1))
			_exit(1);
		_exit(memcmp(before, stack, STACK_SIZE) ? 2 : 0);
	}
	end_child(pid);
	assert_int_equal(dma_fence_syncobj_signal_point(syncobj, 1), 0);
	join(thread);
	dma_fence_syncobj_put(syncobj);
	pthread_attr_destroy(&attributes);
	free(before);
	free(stack);
}

/* Of which a thread of the parent waits for any, in one of several ways. */
static struct dma_fence *waited[20];
static struct dma_fence_syncobj *two[2];

static void *wait_for_any_of(uint32_t count)
{
	atomic_store_release(&waiting, (pid_t)syscall(SYS_gettid));
	dma_fence_wait_any_timeout(waited, count, false, DMA_FENCE_WAIT_FOREVER, NULL);
	return NULL;
}

static void *wait_for_one(void *arg)
{
	(void)arg;
	atomic_store_release(&waiting, (pid_t)syscall(SYS_gettid));
	dma_fence_wait(waited[0], false);
	return NULL;
}

static void *wait_for_few(void *arg)
{
	(void)arg;
	return wait_for_any_of(2);
}

static void *wait_for_many(void *arg)
{
	(void)arg;
	return wait_for_any_of(20);
}

static void *wait_for_points(void *arg)
{
	struct dma_fence_syncobj_point points[2] = { { two[0], 1 }, { two[1], 1 } };

	(void)arg;
	atomic_store_release(&waiting, (pid_t)syscall(SYS_gettid));
	dma_fence_syncobj_wait(points, 2, 0, false, DMA_FENCE_WAIT_FOREVER, NULL);
	return NULL;
}

static int called;

static void note_call(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	called++;
}

static void explain(struct dma_fence *fence)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out || dma_fence_explain(fence, out))
		_exit(3);
	fclose(out);
	free(text);
}

/* All that a child may do with a fence: 'before' and 'behind' are the parent's, on its list. */
static void use_in_child(struct dma_fence *fence, struct dma_fence_cb *before,
			 struct dma_fence_cb *behind)
{
	struct dma_fence_cb own, another;

	if (dma_fence_is_signaled(fence) || dma_fence_poll(fence))
		_exit(4);
	explain(fence);
	if (dma_fence_wait_timeout(fence, false, MS))
		_exit(5);
	if (dma_fence_add_callback(fence, &own, note_call) ||
	    dma_fence_add_callback(fence, &another, note_call) ||
	    !dma_fence_remove_callback(fence, &own) || !dma_fence_remove_callback(fence, before))
		_exit(6);
	dma_fence_signal(fence);
	if (called != 2 || behind->func != note_call || dma_fence_wait(fence, false))
		_exit(7);
}

/* The same while a thread of the parent calls 'before', and nobody will call the others. */
static void use_delivered_in_child(struct dma_fence *fence, struct dma_fence_cb *behind)
{
	if (!dma_fence_is_signaled(fence) || dma_fence_get_status(fence) != 1)
		_exit(4);
	explain(fence);
	if (dma_fence_wait_timeout(fence, false, MS))
		_exit(5);
	if (!dma_fence_remove_callback(fence, behind) || called)
		_exit(6);
}

static int calling, may_return;

static void call_for_long(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	set_flag(&calling);
	await_flag(&may_return);
	called++;
}

static void *signal_it(void *arg)
{
	dma_fence_signal(arg);
	return NULL;
}

enum {
	LOCKED_BY_THREAD = 1, /* as by one that was taking its callback out */
	DELIVERED_BY_THREAD,
};

/*
 * Three threads wait, between two callbacks that are no thread's, and in the child their stacks are
 * gone.
 */
static void use_without_stacks(void *(*wait)(void *arg), unsigned int how)
{
	struct dma_fence_cb before[20], behind[20];
	pthread_t threads[3], signaler = 0;
	char *stacks[3];
	pid_t pid;
	int i;

	called = 0;
	for (i = 0; i < 20; i++) {
		bool for_long = !i && how == DELIVERED_BY_THREAD;

		waited[i] = create();
		assert_int_equal(dma_fence_add_callback(waited[i], &before[i],
							for_long ? call_for_long : note_call),
				 0);
	}
	for (i = 0; i < 2; i++) {
		two[i] = dma_fence_syncobj_create(0);
		assert_non_null(two[i]);
		assert_int_equal(dma_fence_syncobj_add_point(two[i], 1, waited[i]), 0);
	}
	for (i = 0; i < 3; i++)
		stacks[i] = sleep_on_own_stack(&threads[i], wait);
	for (i = 0; i < 20; i++)
		assert_int_equal(dma_fence_add_callback(waited[i], &behind[i], note_call), 0);
	if (how == LOCKED_BY_THREAD)
		atomic_fetch_or_acq_rel(&waited[0]->state, LOCKED);
	if (how == DELIVERED_BY_THREAD) {
		signaler = start(signal_it, waited[0]);
		await_flag(&calling);
	}
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		alarm(10);
		for (i = 0; i < 3; i++)
			munmap(stacks[i], STACK_SIZE);
		if (how == DELIVERED_BY_THREAD)
			use_delivered_in_child(waited[0], &behind[0]);
		else
			use_in_child(waited[0], &before[0], &behind[0]);
		dma_fence_syncobj_put(two[0]);
		dma_fence_syncobj_put(two[1]);
		_exit(dma_fence_is_signaled(waited[1]) ? 8 : 0);
	}
	if (how == LOCKED_BY_THREAD)
		atomic_fetch_and_release(&waited[0]->state, ~LOCKED);
	end_child(pid);
	if (how == DELIVERED_BY_THREAD) {
		set_flag(&may_return);
		join(signaler);
	}
	dma_fence_signal(waited[0]);
	for (i = 0; i < 3; i++) {
		join(threads[i]);
		munmap(stacks[i], STACK_SIZE);
	}
	for (i = 0; i < 20; i++) {
		dma_fence_signal(waited[i]);
		dma_fence_put(waited[i]);
	}
	dma_fence_syncobj_put(two[0]);
	dma_fence_syncobj_put(two[1]);
	assert_int_equal(called, 40);
	dma_fence_rcu_barrier();
}

static void child_without_who_waits_for_one(void **state)
{
	(void)state;
	use_without_stacks(wait_for_one, 0);
}

static void child_without_who_waits_for_any(void **state)
{
	(void)state;
	use_without_stacks(wait_for_few, 0);
}

static void child_without_who_waits_for_any_of_many(void **state)
{
	(void)state;
	use_without_stacks(wait_for_many, 0);
}

static void child_without_who_waits_for_points(void **state)
{
	(void)state;
	use_without_stacks(wait_for_points, 0);
}

static void child_without_who_stops_waiting(void **state)
{
	(void)state;
	use_without_stacks(wait_for_few, LOCKED_BY_THREAD);
}

static void child_without_who_delivers(void **state)
{
	(void)state;
	use_without_stacks(wait_for_few, DELIVERED_BY_THREAD);
}

/* What a reader does while somebody forks: it wants what the child is to have unlocked. */
static void *read_and_use(void *arg)
{
	int *reading = arg, fd;

	dma_fence_rcu_read_lock();
	set_flag(reading);
	sleep_ns(300 * MS); /* by then the fork waits */
	dma_fence_syncobj_signal(syncobj);
	fd = dma_fence_sync_file_export(dma_fence_get_stub());
	assert_true(fd >= 0);
	close(fd);
	dma_fence_rcu_read_unlock();
	return NULL;
}

/* A grace period is under way, which waits for a reader, and the fork for that. */
static void fork_waits_for_readers(void **state)
{
	int reading = 0;
	pthread_t thread;
	pid_t pid;

	(void)state;
	syncobj = dma_fence_syncobj_create(0);
	assert_non_null(syncobj);
	thread = start(read_and_use, &reading);
	await_flag(&reading);
	dma_fence_put(create());
	sleep_ns(100 * MS); /* by then the grace period has begun */
	alarm(10);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		alarm(10);
		dma_fence_rcu_barrier();
		_exit(dma_fence_syncobj_status(syncobj, 0) == 1 ? 0 : 1);
	}
	alarm(0);
	end_child(pid);
	join(thread);
	dma_fence_syncobj_put(syncobj);
	dma_fence_rcu_barrier();
}

/* A deferred call, while somebody forks, that has a report of the library's to make, the first one. */
static struct dma_fence_rcu_link last_call;
static int dropping;

static void drop_too_often(struct dma_fence_rcu_link *link)
{
	struct dma_fence *fence = create();

	(void)link;
	set_flag(&dropping);
	sleep_ns(300 * MS); /* by then the fork waits */
	dma_fence_enable_signaling(fence);
	dma_fence_put(fence);
}

static void fork_waits_for_reports(void **state)
{
	pid_t pid;

	(void)state;
	catch_reports();
	dma_fence_rcu_defer(&last_call, drop_too_often);
	await_flag(&dropping);
	alarm(10);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(0);
	alarm(0);
	end_child(pid);
	dma_fence_rcu_barrier();
	assert_int_equal(caught()->of[DMA_FENCE_REPORT_QUARANTINE], 1);
	catch_end();
}

/* A mutex that the thread that forks has, and others wait for. */
static struct dma_ww_mutex mutex;

static void *wait_for_mutex(void *arg)
{
	struct dma_ww_acquire_ctx ctx;

	(void)arg;
	dma_ww_acquire_init(&ctx);
	atomic_store_release(&waiting, (pid_t)syscall(SYS_gettid));
	assert_int_equal(dma_ww_mutex_lock(&mutex, &ctx), 0);
	dma_ww_mutex_unlock(&mutex);
	dma_ww_acquire_fini(&ctx);
	return NULL;
}

static void unlock_without_stacks(bool locked)
{
	pthread_t threads[2];
	char *stacks[2];
	pid_t pid;
	int i;

	dma_ww_mutex_init(&mutex);
	assert_int_equal(dma_ww_mutex_lock(&mutex, NULL), 0);
	for (i = 0; i < 2; i++)
		stacks[i] = sleep_on_own_stack(&threads[i], wait_for_mutex);
	/* As by one that was about to wait, or to stop waiting. */
	if (locked)
		lock_acquire((struct lock *)(void *)&mutex.lock);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		alarm(10);
		for (i = 0; i < 2; i++)
			munmap(stacks[i], STACK_SIZE);
		dma_ww_mutex_unlock(&mutex);
		if (dma_ww_mutex_is_locked(&mutex) || dma_ww_mutex_lock(&mutex, NULL))
			_exit(1);
		dma_ww_mutex_unlock(&mutex);
		_exit(0);
	}
	if (locked)
		lock_release((struct lock *)(void *)&mutex.lock);
	end_child(pid);
	dma_ww_mutex_unlock(&mutex);
	for (i = 0; i < 2; i++) {
		join(threads[i]);
		munmap(stacks[i], STACK_SIZE);
	}
	assert_false(dma_ww_mutex_is_locked(&mutex));
}

static void child_without_who_waits_for_a_mutex(void **state)
{
	(void)state;
	unlock_without_stacks(false);
}

static void child_without_who_stops_waiting_for_a_mutex(void **state)
{
	(void)state;
	unlock_without_stacks(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_goes_on),
		cmocka_unit_test(child_uses_the_sync_object),
		cmocka_unit_test(child_leaves_stacks_alone),
		cmocka_unit_test(fork_waits_for_readers),
		cmocka_unit_test(fork_waits_for_reports),
		cmocka_unit_test(child_without_who_waits_for_one),
		cmocka_unit_test(child_without_who_waits_for_any),
		cmocka_unit_test(child_without_who_waits_for_any_of_many),
		cmocka_unit_test(child_without_who_waits_for_points),
		cmocka_unit_test(child_without_who_stops_waiting),
		cmocka_unit_test(child_without_who_delivers),
		cmocka_unit_test(child_without_who_waits_for_a_mutex),
		cmocka_unit_test(child_without_who_stops_waiting_for_a_mutex),
	};

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
	puts("1..0 # SKIP a sanitizer does not work in the child of a process with threads");
	return 0;
#endif
	return RUN(tests);
}
