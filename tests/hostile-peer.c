/* SPDX-License-Identifier: MIT */
/*
 * What somebody can do to those with whom he shares a sync object, or whose sync file he has. Each
 * case is an attack that docs/security.md names, and the limit that it says.
 *
 * The peer is another mapping in this process, where what it does can be told by the step; or a
 * process of its own that is stopped.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "fd/eventfd.h"
#include "fd/handle.h"
#include "fd/shared-memory.h"
#include "fds.h"
#include "processes.h"

#define FOR_SUBMIT DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT
#define ALL	   DMA_FENCE_SYNCOBJ_WAIT_ALL

/* What has a limit of 100 ms, on a machine that others use as well. */
#define SOON (PATIENCE * SECOND)

/* The peer that is a process */

static struct shared_timeline *kept;

static void keep(struct message *message)
{
	message->values[0] = dma_fence_shared_timeline_import(message->fds[0], &kept);
	if (!message->values[0])
		message->values[0] =
			dma_fence_shared_lock(&kept->memory->lock, &kept->peer, SECOND);
	close(message->fds[0]);
	message->num_fds = 0;
}

static void let_go(struct message *message)
{
	(void)message;
	dma_fence_shared_unlock(&kept->memory->lock, &kept->peer);
	dma_fence_shared_timeline_put(kept);
}

static const struct role_step steps[] = {
	{ "keep", keep },
	{ "let-go", let_go },
	{ NULL, NULL },
};

static const struct role role = { "hostile", steps, NULL, NULL };

/* The object, and the peer's */

static struct dma_fence_syncobj *object;
static struct shared_timeline *peer;

static int handle_of_object(void)
{
	int handle = dma_fence_syncobj_export(object);

	assert_true(handle >= 0);
	return handle;
}

static int setup(void **state)
{
	int handle;

	fd_setup(state);
	object = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
	assert_non_null(object);
	handle = handle_of_object();
	assert_int_equal(dma_fence_shared_timeline_import(handle, &peer), 0);
	close(handle);
	return 0;
}

static int teardown(void **state)
{
	dma_fence_shared_timeline_put(peer);
	dma_fence_syncobj_put(object);
	return fd_teardown(state);
}

#define peer_test(func) cmocka_unit_test_setup_teardown(func, setup, teardown)
#define many_test(func) cmocka_unit_test_setup_teardown(func, setup_many, teardown_many)

static void keep_lock(void)
{
	assert_int_equal(dma_fence_shared_lock(&peer->memory->lock, &peer->peer, SECOND), 0);
}

static void give_lock_back(void)
{
	dma_fence_shared_unlock(&peer->memory->lock, &peer->peer);
}

static struct dma_fence *add(uint64_t point)
{
	struct dma_fence *fence = create_fence();

	assert_int_equal(dma_fence_syncobj_add_point(object, point, fence), 0);
	return fence;
}

static void signal_and_put(struct dma_fence *fence)
{
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static int64_t wait_for(uint64_t point, unsigned int flags, int64_t timeout)
{
	const struct dma_fence_syncobj_point waited_for = { object, point };

	return dma_fence_syncobj_wait(&waited_for, 1, flags, false, timeout, NULL);
}

/* A lock that is kept */

/* Returns how long they took. */
static int64_t ask_in_vain(void)
{
	int64_t begin = clock_now();
	uint64_t point;

	assert_int_equal(dma_fence_syncobj_status(object, 2), -ETIMEDOUT);
	assert_null(dma_fence_syncobj_find_fence(object, 2));
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(dma_fence_syncobj_export_sync_file(object, 2), -ETIMEDOUT);
	assert_int_equal(dma_fence_syncobj_query(object, 0, &point), 0);
	assert_int_equal(point, 1);
	assert_int_equal(dma_fence_syncobj_status(object, 1), 1);
	return clock_now() - begin;
}

/* The shortest of several: a machine with much to do makes any of them longer, but hardly all. */
static int64_t ask_again(void)
{
	int64_t shortest = INT64_MAX, took;
	int i;

	for (i = 0; i < 5; i++) {
		took = ask_in_vain();
		shortest = took < shortest ? took : shortest;
	}
	return shortest;
}

static void a_stopped_peer_holds_up_no_question(void **state)
{
	struct dma_fence *fence = NULL, *found;
	struct process process;
	int handle, status;
	char *text = NULL;
	size_t size;
	FILE *out;

	(void)state;
	signal_and_put(add(1));
	fence = add(2);
	found = dma_fence_syncobj_find_fence(object, 2);
	dma_fence_enable_signaling(found);
	process_start(&process, &role);
	handle = handle_of_object();
	assert_int_equal(process_do_fd(&process, "keep", 0, handle), 0);
	close(handle);
	assert_int_equal(kill(process.pid, SIGSTOP), 0);
	assert_int_equal(waitpid(process.pid, &status, WUNTRACED), process.pid);

	assert_true(ask_in_vain() < SOON);
	/* Once it is known nobody waits: three questions of 100 ms would take 300. */
	assert_true(ask_again() < 100 * MS);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	dma_fence_explain(found, out);
	fclose(out);
	free(text);

	assert_int_equal(kill(process.pid, SIGCONT), 0);
	process_do(&process, "let-go", 0);
	assert_int_equal(dma_fence_syncobj_status(object, 2), 0);
	process_end(&process);
	signal_and_put(fence);
	assert_true(dma_fence_wait_timeout(found, false, SOON) > 0);
	dma_fence_put(found);
}

/* Not for ever: and not before, for a machine with much to do. */
static void questions_in_vain_end_after_3_seconds(void **state)
{
	int64_t begin = clock_now(), before;
	int ret;

	(void)state;
	keep_lock();
	do {
		before = clock_now();
		ret = dma_fence_syncobj_status(object, 1);
		sleep_ns(10 * MS);
	} while (ret == -ETIMEDOUT && before - begin < 10 * SOON);
	assert_int_equal(ret, -EPROTO);
	assert_true(clock_now() - begin >= 3 * SECOND);
	assert_true(before - begin < 3 * SECOND + SOON);
	/* For all who share it, and for good. */
	give_lock_back();
	assert_int_equal(dma_fence_syncobj_status(object, 1), -EPROTO);
	assert_int_equal(dma_fence_shared_timeline_broken(peer), -EPROTO);
}

static void waits_end_by_their_own_timeout(void **state)
{
	struct dma_fence_syncobj *other = dma_fence_syncobj_create(0);
	const struct dma_fence_syncobj_point points[] = { { object, 1 },
							  { object, 2 },
							  { other, 1 } };
	struct dma_fence *fence = add(1);
	unsigned int flags;
	int64_t begin;

	(void)state;
	keep_lock();
	for (flags = 0; flags <= (ALL | FOR_SUBMIT); flags++) {
		begin = clock_now();
		assert_int_equal(wait_for(2, flags & FOR_SUBMIT, 50 * MS), 0);
		assert_int_equal(wait_for(2, flags & FOR_SUBMIT, 0), 0);
		assert_int_equal(wait_for(1, flags & FOR_SUBMIT, 50 * MS), 0);
		assert_int_equal(dma_fence_syncobj_wait(points, flags & FOR_SUBMIT ? 3 : 2, flags,
							false, 50 * MS, NULL),
				 0);
		assert_true(clock_now() - begin >= 150 * MS);
		assert_true(clock_now() - begin < SOON);
	}
	give_lock_back();
	signal_and_put(fence);
	assert_true(wait_for(1, 0, SOON) > 0);
	dma_fence_syncobj_put(other);
}

/* Many objects of one peer */

#define MANY 48

static struct dma_fence_syncobj_point many[MANY];
static struct shared_timeline *peers[MANY];

static int setup_many(void **state)
{
	int i, handle;

	fd_setup(state);
	for (i = 0; i < MANY; i++) {
		many[i].syncobj = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
		many[i].point = 1;
		assert_non_null(many[i].syncobj);
		handle = dma_fence_syncobj_export(many[i].syncobj);
		assert_true(handle >= 0);
		assert_int_equal(dma_fence_shared_timeline_import(handle, &peers[i]), 0);
		close(handle);
	}
	return 0;
}

static int teardown_many(void **state)
{
	int i;

	for (i = 0; i < MANY; i++) {
		dma_fence_shared_timeline_put(peers[i]);
		dma_fence_syncobj_put(many[i].syncobj);
	}
	return fd_teardown(state);
}

static void keep_all_locks(void)
{
	int i;

	for (i = 0; i < MANY; i++)
		assert_int_equal(
			dma_fence_shared_lock(&peers[i]->memory->lock, &peers[i]->peer, SECOND), 0);
}

/* And that they could not be had is not known of any object any more. */
static void give_all_locks_back(void)
{
	int i;

	for (i = 0; i < MANY; i++) {
		dma_fence_shared_unlock(&peers[i]->memory->lock, &peers[i]->peer);
		assert_int_equal(dma_fence_syncobj_status(many[i].syncobj, 1), -ENOENT);
	}
}

/* Returns by how much the wait took longer than it was to. */
static int64_t late_for_many(unsigned int flags, int64_t timeout)
{
	int64_t begin = clock_now();

	assert_int_equal(dma_fence_syncobj_wait(many, MANY, flags, false, timeout, NULL), 0);
	return clock_now() - begin - timeout;
}

/* Nobody knows yet that the locks are kept; but that is found out with one of them for all. */
static void a_wait_for_many_ends_by_its_own_timeout(void **state)
{
	unsigned int flags;

	(void)state;
	for (flags = 0; flags <= (ALL | FOR_SUBMIT); flags++) {
		keep_all_locks();
		assert_true(late_for_many(flags, 50 * MS) < SOON);
		give_all_locks_back();
		keep_all_locks();
		assert_true(late_for_many(flags, 0) < SOON);
		give_all_locks_back();
	}
}

/* So that the library's thread looks at each, while who waits wants to go. */
static void *keep_all_locks_and_ring(void *arg)
{
	int i;

	(void)arg;
	sleep_ns(30 * MS);
	keep_all_locks();
	for (i = 0; i < MANY; i++)
		dma_fence_doorbell_ring(peers[i]->doorbell);
	return NULL;
}

/* It is not always that both are at the same object; but then they are at the others, too. */
static void who_goes_is_not_held_up_by_who_looks(void **state)
{
	int64_t late = 0;
	pthread_t thread;
	int i;

	(void)state;
	for (i = 0; i < 16; i++) {
		pthread_create(&thread, NULL, keep_all_locks_and_ring, NULL);
		late += late_for_many(i % 2 ? FOR_SUBMIT : ALL | FOR_SUBMIT, (35 + i / 4) * MS);
		pthread_join(thread, NULL);
		give_all_locks_back();
	}
	assert_true(late < SOON);
}

/* Who waits at that time gets what he waits for as soon as it can be known. */
static void *give_lock_back_later(void *arg)
{
	struct dma_fence *fence = arg;

	sleep_ns(300 * MS);
	give_lock_back();
	signal_and_put(fence);
	return NULL;
}

static void a_wait_outlasts_a_kept_lock(void **state)
{
	struct dma_fence *fence = add(1);
	pthread_t thread;

	(void)state;
	keep_lock();
	pthread_create(&thread, NULL, give_lock_back_later, fence);
	assert_true(wait_for(1, 0, 10 * SOON) > 0);
	pthread_join(thread, NULL);
}

static void *signal_later(void *arg)
{
	sleep_ns(200 * MS);
	signal_and_put(arg);
	return NULL;
}

/* Whoever keeps the lock of one object keeps nobody from what others have for him. */
static void a_kept_lock_hides_no_other_object(void **state)
{
	struct dma_fence_syncobj *other = dma_fence_syncobj_create(0);
	const struct dma_fence_syncobj_point points[] = { { object, 1 }, { other, 1 } };
	struct dma_fence *fence = add(1), *others;
	unsigned int flags;
	uint32_t idx;
	pthread_t thread;

	(void)state;
	assert_non_null(other);
	keep_lock();
	for (flags = 0; flags <= FOR_SUBMIT; flags += FOR_SUBMIT) {
		others = create_fence();
		assert_int_equal(dma_fence_syncobj_replace_fence(other, NULL), 0);
		assert_int_equal(dma_fence_syncobj_add_point(other, 1, others), 0);
		pthread_create(&thread, NULL, signal_later, others);
		assert_true(dma_fence_syncobj_wait(points, 2, flags, false, 2 * SOON, &idx) > SOON);
		assert_int_equal(idx, 1);
		pthread_join(thread, NULL);
	}
	give_lock_back();
	signal_and_put(fence);
	dma_fence_syncobj_put(other);
}

/* A program that dispatches for itself is not held up by an object that others have locked. */
static void a_dispatch_is_not_held_up(void **state)
{
	struct dma_fence *fence = add(1), *found = dma_fence_syncobj_find_fence(object, 1);
	int64_t begin, longest = 0, shortest = INT64_MAX, half, end;
	int bell;

	(void)state;
	assert_true(dma_fence_watcher_get_fd() >= 0);
	dma_fence_enable_signaling(found);
	bell = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(dma_fence_syncobj_eventfd_dup_fd(object, 2, bell, 0), 0);
	keep_lock();
	half = clock_now() + SECOND / 4;
	end = half + SECOND / 4;
	while (clock_now() < end) {
		dma_fence_doorbell_ring(peer->doorbell);
		begin = clock_now();
		assert_true(dma_fence_watcher_dispatch() >= 0);
		begin = clock_now() - begin;
		longest = begin > longest ? begin : longest;
		if (clock_now() > half)
			shortest = begin < shortest ? begin : shortest;
		sleep_ns(MS);
	}
	assert_true(longest < SOON);
	/* After 100 ms it does not wait for the lock at all: not for 10 ms each time. */
	assert_true(shortest < 5 * MS);
	give_lock_back();
	signal_and_put(fence);
	assert_true(dma_fence_poll(found));
	dma_fence_put(found);
	close(bell);
	dma_fence_watcher_put_fd();
}

static void *keep_and_give_back(void *arg)
{
	uint32_t *stop = arg;

	while (!atomic_load_relaxed(stop)) {
		if (dma_fence_shared_lock(&peer->memory->lock, &peer->peer, SECOND) < 0)
			continue;
		sleep_ns(900 * MS);
		give_lock_back();
		/* Just long enough for one. */
		sleep_ns(MS);
	}
	return NULL;
}

/* 3 seconds in all, however they are given. */
static void a_lock_given_back_just_in_time_breaks_it(void **state)
{
	uint32_t stop = 0;
	pthread_t thread;
	uint64_t point = 0;
	int64_t begin;
	int ret;

	(void)state;
	pthread_create(&thread, NULL, keep_and_give_back, &stop);
	begin = clock_now();
	while (!(ret = dma_fence_syncobj_signal_point(object, ++point)) &&
	       clock_now() - begin < 8 * SECOND)
		sleep_ns(2 * MS);
	assert_int_equal(ret, -EPROTO);
	assert_true(clock_now() - begin < 6 * PATIENCE * SECOND);
	atomic_store_relaxed(&stop, 1);
	pthread_join(thread, NULL);
}

static void who_has_only_looked_goes_at_once(void **state)
{
	int handle = handle_of_object();
	struct dma_fence_syncobj *looks = dma_fence_syncobj_import_take_fd(handle);
	int64_t begin;

	(void)state;
	assert_non_null(looks);
	assert_int_equal(dma_fence_syncobj_status(looks, 1), -ENOENT);
	keep_lock();
	begin = clock_now();
	dma_fence_syncobj_put(looks);
	assert_true(clock_now() - begin < SOON);
	give_lock_back();
}

/* The doorbell */

struct called {
	struct dma_fence_cb cb;
	uint32_t times;
};

static void call(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	atomic_fetch_add_release(&((struct called *)(void *)cb)->times, 1);
}

static bool called_within(struct called *called, int64_t timeout)
{
	int64_t end = clock_now() + timeout;

	while (!atomic_load_acquire(&called->times) && clock_now() < end)
		sleep_ns(MS);
	return atomic_load_acquire(&called->times);
}

/* Empty, and it blocks; or full, as the peer has left it. */
static void a_doorbell_that_blocks_holds_up_nobody(void **state)
{
	int fds[HANDLE_FDS], handle, full;
	struct dma_fence_syncobj *one, *two;
	struct called called = { 0 };
	struct dma_fence *fence, *found;
	int64_t begin;

	(void)state;
	for (full = 0; full < 2; full++) {
		fds[0] = dma_fence_shared_memory_create();
		fds[1] = eventfd(0, EFD_CLOEXEC);
		if (full)
			assert_int_equal(eventfd_write(fds[1], UINT64_MAX - 1), 0);
		handle = dma_fence_handle_create(SHARED_MAGIC, SHARED_VERSION, fds);
		close(fds[0]);
		close(fds[1]);
		one = dma_fence_syncobj_import_dup_fd(handle);
		two = dma_fence_syncobj_import_take_fd(handle);
		assert_non_null(one);
		assert_non_null(two);
		begin = clock_now();
		fence = create_fence();
		assert_int_equal(dma_fence_syncobj_add_point(one, 1, fence), 0);
		found = dma_fence_syncobj_find_fence(two, 1);
		called.times = 0;
		assert_int_equal(dma_fence_add_callback(found, &called.cb, call), 0);
		signal_and_put(fence);
		/* Nothing rings, but who waits looks now and then. */
		assert_true(called_within(&called, SOON));
		assert_true(clock_now() - begin < 2 * SOON);
		dma_fence_put(found);
		dma_fence_syncobj_put(one);
		dma_fence_syncobj_put(two);
	}
}

static void *ring_and_ring(void *arg)
{
	uint32_t *stop = arg;

	while (!atomic_load_relaxed(stop))
		dma_fence_doorbell_ring(peer->doorbell);
	return NULL;
}

/* It keeps the library's thread busy; others are served none the less. */
static void a_flood_of_rings_starves_nobody(void **state)
{
	struct dma_fence_syncobj *other = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
	struct dma_fence *flooded = add(1), *found = dma_fence_syncobj_find_fence(object, 1);
	uint32_t stop = 0;
	pthread_t thread;
	uint64_t point;

	(void)state;
	dma_fence_enable_signaling(found);
	pthread_create(&thread, NULL, ring_and_ring, &stop);
	for (point = 1; point <= 20; point++) {
		struct dma_fence *fence = create_fence(), *waited_for;
		struct called called = { 0 };

		assert_int_equal(dma_fence_syncobj_add_point(other, point, fence), 0);
		waited_for = dma_fence_syncobj_find_fence(other, point);
		assert_int_equal(dma_fence_add_callback(waited_for, &called.cb, call), 0);
		signal_and_put(fence);
		assert_true(called_within(&called, SOON));
		dma_fence_put(waited_for);
	}
	signal_and_put(flooded);
	assert_true(dma_fence_wait_timeout(found, false, SOON) > 0);
	atomic_store_relaxed(&stop, 1);
	pthread_join(thread, NULL);
	dma_fence_put(found);
	dma_fence_syncobj_put(other);
}

/* Points */

/* 0 where somebody else allocates, who does not say. */
static size_t allocated(void)
{
#if UNDER_SANITIZER
	return 0;
#else
	return mallinfo2().uordblks;
#endif
}

/* As many as the object holds: then nobody can add one, but all else goes on, and nothing grows. */
static void a_flood_of_points_is_refused(void **state)
{
	static uint64_t serials[SHARED_ENTRIES];
	struct dma_fence *fence = create_fence();
	size_t bytes = allocated();
	int fds = count_fds(), i;
	uint64_t more, last;

	(void)state;
	for (i = 0; i < SHARED_ENTRIES; i++) {
		assert_int_equal(
			dma_fence_shared_timeline_append(peer, (uint64_t)i + 1, &serials[i]), 0);
		assert_int_equal(dma_fence_syncobj_status(object, (uint64_t)i + 1), 0);
	}
	assert_int_equal(dma_fence_shared_timeline_append(peer, SHARED_ENTRIES + 1, &more),
			 -EAGAIN);
	assert_int_equal(dma_fence_syncobj_add_point(object, SHARED_ENTRIES + 1, fence), -EAGAIN);
	assert_int_equal(wait_for(SHARED_ENTRIES, 0, 10 * MS), 0);
	assert_int_equal(
		dma_fence_syncobj_query(object, DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED, &last), 0);
	assert_int_equal(last, SHARED_ENTRIES);
	assert_int_equal(count_fds(), fds);
	/* Less than a byte for each, and the buffers of who counted fds. */
	assert_true(allocated() < bytes + SHARED_ENTRIES);
	for (i = 0; i < SHARED_ENTRIES; i++)
		dma_fence_shared_timeline_complete(peer, serials[i], 0, 1);
	assert_int_equal(dma_fence_syncobj_add_point(object, SHARED_ENTRIES + 1, fence), 0);
	signal_and_put(fence);
}

/* And as many as can put something in. */
static void a_flood_of_owners_is_refused(void **state)
{
	struct shared_timeline *owners[SHARED_OWNERS];
	int handle = handle_of_object(), i, last = 0;
	uint64_t serial;

	(void)state;
	for (i = 0; i < SHARED_OWNERS; i++) {
		assert_int_equal(dma_fence_shared_timeline_import(handle, &owners[i]), 0);
		last = dma_fence_shared_timeline_append(owners[i], (uint64_t)i + 1, &serial);
		if (!last)
			dma_fence_shared_timeline_complete(owners[i], serial, 0, 1);
	}
	/* The exporter is one. */
	assert_int_equal(last, -EUSERS);
	assert_true(wait_for(SHARED_OWNERS - 1, 0, SOON) > 0);
	assert_int_equal(dma_fence_syncobj_signal_point(object, SHARED_OWNERS), 0);
	for (i = 0; i < SHARED_OWNERS; i++)
		dma_fence_shared_timeline_put(owners[i]);
	close(handle);
}

/* Nonsense */

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static uint64_t hostile_value(uint64_t *seed)
{
	static const uint64_t values[] = { 0,		1,
					   2,		SHARED_ENTRIES,
					   SHARED_RING, UINT32_MAX,
					   INT64_MAX,	(uint64_t)INT64_MIN,
					   UINT64_MAX,	UINT64_MAX / ENTRY_STATES };

	if (next_random(seed) % 4 == 0)
		return next_random(seed);
	return values[next_random(seed) % ARRAY_SIZE(values)] + next_random(seed) % 3 - 1;
}

/* Some words of the object, or of its first entries; not the lock, which has its own cases. */
static void write_nonsense(struct shared_memory *memory, uint64_t *seed)
{
	const size_t first = offsetof(struct shared_memory, signaled) / sizeof(uint64_t);
	const size_t end = offsetof(struct shared_memory, ring[8]) / sizeof(uint64_t);
	const size_t lock = offsetof(struct shared_memory, lock) / sizeof(uint64_t);
	uint64_t *words = (uint64_t *)(void *)memory;
	int i;

	for (i = 0; i < 4; i++) {
		size_t word = first + next_random(seed) % (end - first);

		if (word != lock)
			__atomic_store_n(&words[word], hostile_value(seed), __ATOMIC_RELAXED);
	}
}

/* Whatever is in the memory, each call returns, and what it returns is what it can return. */
static void nonsense_does_no_harm(void **state)
{
	enum { ROUNDS = 200 };
	uint64_t seed = 88172645463325252, first;
	int round;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		struct dma_fence_syncobj *syncobj =
			dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
		struct dma_fence_syncobj_point point = { syncobj, 2 };
		struct dma_fence *fence = create_fence(), *found;
		struct shared_memory *memory;
		struct shared_timeline *hostile;
		uint64_t last;
		int64_t waited;
		int handle, status;

		first = seed;
		watchdog_at("round %d, seed %llu", round, (unsigned long long)first);
		assert_int_equal(dma_fence_syncobj_signal_point(syncobj, 1), 0);
		assert_int_equal(dma_fence_syncobj_add_point(syncobj, 2, fence), 0);
		found = dma_fence_syncobj_find_fence(syncobj, 2);
		dma_fence_enable_signaling(found);
		handle = dma_fence_syncobj_export(syncobj);
		assert_int_equal(dma_fence_shared_timeline_import(handle, &hostile), 0);
		close(handle);
		memory = hostile->memory;

		write_nonsense(memory, &seed);
		status = dma_fence_syncobj_status(syncobj, 2);
		assert_true(status <= 1 && status >= -4095);
		waited = dma_fence_syncobj_wait(&point, 1, FOR_SUBMIT, false, MS, NULL);
		assert_true(waited <= MS && waited >= -4095);
		write_nonsense(memory, &seed);
		dma_fence_syncobj_query(syncobj, 0, &last);
		dma_fence_poll(found);
		status = dma_fence_get_status(found);
		assert_true(status <= 1 && status >= -4095);
		assert_true(dma_fence_timestamp(found) <= clock_now());
		status = dma_fence_syncobj_signal_point(syncobj, 3);
		assert_true(status <= 0 && status >= -4095);
		write_nonsense(memory, &seed);
		dma_fence_signal(fence);
		dma_fence_syncobj_reset(syncobj);
		dma_fence_put(fence);
		dma_fence_put(found);
		dma_fence_shared_timeline_put(hostile);
		dma_fence_syncobj_put(syncobj);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		peer_test(a_stopped_peer_holds_up_no_question),
		peer_test(questions_in_vain_end_after_3_seconds),
		peer_test(waits_end_by_their_own_timeout),
		many_test(a_wait_for_many_ends_by_its_own_timeout),
		many_test(who_goes_is_not_held_up_by_who_looks),
		peer_test(a_wait_outlasts_a_kept_lock),
		peer_test(a_kept_lock_hides_no_other_object),
		peer_test(a_dispatch_is_not_held_up),
		peer_test(a_lock_given_back_just_in_time_breaks_it),
		peer_test(who_has_only_looked_goes_at_once),
		peer_test(a_doorbell_that_blocks_holds_up_nobody),
		peer_test(a_flood_of_rings_starves_nobody),
		peer_test(a_flood_of_points_is_refused),
		peer_test(a_flood_of_owners_is_refused),
		peer_test(nonsense_does_no_harm),
	};

	processes_main(argc, argv, &role);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
