/* SPDX-License-Identifier: MIT */
/*
 * Sync files where there is no more of something: of fds, at every step, or of memory, at every
 * allocation. And where there is much: a million exports and imports, 100,000 fds watched.
 */
#include <malloc.h>
#include <sys/resource.h>

#include "fds.h"
#include "peer.h"

#include "failing-malloc.h"

/* Fewer fds */

static rlim_t usual_limit;

/* So many more fds can be opened. */
static void leave_free(int count)
{
	struct rlimit limit;
	int fd = 0;

	getrlimit(RLIMIT_NOFILE, &limit);
	usual_limit = limit.rlim_cur;
	while (is_open(fd) || count--)
		fd++;
	limit.rlim_cur = (rlim_t)fd;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void leave_free_as_usual(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = usual_limit;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* What the operations work on. */
static struct {
	struct process peer;
	struct dma_fence own, signaled, other, *imported;
	int own_fd, signaled_fd, other_fd, foreign_fd, second_foreign_fd;
	/* What an operation has made, to be undone. */
	struct dma_fence *fence;
	int fd;
} world;

static int by_errno(struct dma_fence *fence)
{
	world.fence = fence;
	return fence ? 0 : -errno;
}

static int by_fd(int fd)
{
	world.fd = fd < 0 ? -1 : fd;
	return fd < 0 ? fd : 0;
}

static int export_pending(void)
{
	return by_fd(dma_fence_sync_file_export(&world.own));
}

static int export_signaled(void)
{
	return by_fd(dma_fence_sync_file_export(&world.signaled));
}

static int export_imported(void)
{
	return by_fd(dma_fence_sync_file_export(world.imported));
}

static int import_own(void)
{
	return by_errno(dma_fence_sync_file_import_dup_fd(world.own_fd));
}

static int import_signaled(void)
{
	return by_errno(dma_fence_sync_file_import_dup_fd(world.signaled_fd));
}

static int import_foreign(void)
{
	return by_errno(dma_fence_sync_file_import_dup_fd(world.foreign_fd));
}

static int merge_own(void)
{
	return by_fd(dma_fence_sync_file_merge(world.own_fd, world.other_fd));
}

static int merge_own_and_signaled(void)
{
	return by_fd(dma_fence_sync_file_merge(world.own_fd, world.signaled_fd));
}

static int merge_signaled(void)
{
	return by_fd(dma_fence_sync_file_merge(world.signaled_fd, world.signaled_fd));
}

static int merge_own_and_foreign(void)
{
	return by_fd(dma_fence_sync_file_merge(world.own_fd, world.foreign_fd));
}

static int merge_foreign(void)
{
	return by_fd(dma_fence_sync_file_merge(world.second_foreign_fd, world.foreign_fd));
}

static int info_of_own(void)
{
	struct dma_fence_sync_fence_info each[2];
	struct dma_fence_sync_file_info info = { .num_fences = 2, .fences = each };

	return dma_fence_sync_file_get_info(world.own_fd, &info);
}

static int info_of_foreign(void)
{
	struct dma_fence_sync_fence_info each[2];
	struct dma_fence_sync_file_info info = { .num_fences = 2, .fences = each };

	return dma_fence_sync_file_get_info(world.foreign_fd, &info);
}

static int deadline_of_own(void)
{
	return dma_fence_sync_file_set_deadline(world.own_fd, 1);
}

static int take_census(void)
{
	int result = dma_fence_fd_census(NULL, 0);

	return result < 0 ? result : 0;
}

static const struct operation {
	const char *name;
	int (*func)(void);
	int fds_at_least; /* that it opens, for a moment or for longer */
	/* It makes an array, which is kept until its members have signaled, by others or not. */
	bool keeps_its_members;
} operations[] = {
	{ "export of a pending fence", export_pending, 2, false },
	{ "export of a signaled fence", export_signaled, 1, false },
	{ "export of an imported fence", export_imported, 1, false },
	{ "import of an own one", import_own, 0, false },
	{ "import of a signaled one", import_signaled, 0, false },
	{ "import of another's", import_foreign, 1, false },
	{ "merge of two own ones", merge_own, 1, true },
	{ "merge with a signaled one", merge_own_and_signaled, 1, true },
	{ "merge of signaled ones", merge_signaled, 1, false },
	{ "merge with another's", merge_own_and_foreign, 1, true },
	{ "merge of two of another's", merge_foreign, 1, true },
	{ "info of an own one", info_of_own, 0, false },
	{ "info of another's", info_of_foreign, 0, false },
	{ "deadline of an own one", deadline_of_own, 0, false },
	{ "census", take_census, 1, false },
};

static void begin_world(void)
{
	process_start(&world.peer, &peer_role);
	fence_init(&world.own);
	fence_init(&world.other);
	fence_init(&world.signaled);
	dma_fence_signal(&world.signaled);
	world.own_fd = dma_fence_sync_file_export(&world.own);
	world.other_fd = dma_fence_sync_file_export(&world.other);
	world.signaled_fd = dma_fence_sync_file_export(&world.signaled);
	world.foreign_fd = peer_exports(&world.peer, 0);
	world.second_foreign_fd = peer_exports(&world.peer, 1);
	world.imported = dma_fence_sync_file_import_dup_fd(world.foreign_fd);
	assert_non_null(world.imported);
	/* The watcher has what it needs, and keeps it. */
	dma_fence_enable_signaling(world.imported);
}

static void end_world(void)
{
	int64_t end;

	dma_fence_signal(&world.own);
	dma_fence_signal(&world.other);
	dma_fence_put(&world.own);
	dma_fence_put(&world.other);
	dma_fence_put(&world.signaled);
	dma_fence_put(world.imported);
	peer_signals(&world.peer, 0, 0, -1);
	peer_signals(&world.peer, 1, 0, -1);
	close(world.own_fd);
	close(world.other_fd);
	close(world.signaled_fd);
	close(world.foreign_fd);
	close(world.second_foreign_fd);
	process_end(&world.peer);
	/* What nobody has any more and had not signaled: merges that were closed. */
	export_another();
	dma_fence_rcu_barrier();
	/* The library's thread may be about to let go of one that it has seen to. */
	for (end = clock_now() + PATIENCE * SECOND; *release_count() < 3 && clock_now() < end;) {
		sched_yield();
		dma_fence_rcu_barrier();
	}
	assert_int_equal(*release_count(), 3);
}

static void undo(void)
{
	if (world.fence)
		dma_fence_put(world.fence);
	if (world.fd >= 0)
		close(world.fd);
	world.fence = NULL;
	world.fd = -1;
	export_another();
	dma_fence_rcu_barrier();
}

/* What was there before is all there, and nothing else. */
struct holdings {
	int fds;
	uint32_t own, other, signaled, imported;
};

static struct holdings holdings(void)
{
	return (struct holdings){ count_fds(), references(&world.own), references(&world.other),
				  references(&world.signaled), references(world.imported) };
}

static void assert_same(const struct holdings *before)
{
	struct holdings now = holdings();

	assert_int_equal(now.fds, before->fds);
	assert_int_equal(now.own, before->own);
	assert_int_equal(now.other, before->other);
	assert_int_equal(now.signaled, before->signaled);
	assert_int_equal(now.imported, before->imported);
}

/* With no fd left, then one, ... until there are enough. Returns how many it took. */
static int with_few_fds(const struct operation *operation)
{
	struct holdings before;
	int free_fds, result;

	world.fence = NULL;
	world.fd = -1;
	undo();
	before = holdings();
	for (free_fds = 0;; free_fds++) {
		assert_true(free_fds < 20);
		leave_free(free_fds);
		result = operation->func();
		leave_free_as_usual();
		if (!result)
			break;
		if (result != -EMFILE)
			printf("# %s, %d fds: %d\n", operation->name, free_fds, result);
		assert_int_equal(result, -EMFILE);
		assert_same(&before);
	}
	undo();
	if (!operation->keeps_its_members)
		assert_same(&before);
	return free_fds;
}

static void without_fds(void **state)
{
	size_t i;
	int pass;

	(void)state;
	for (pass = 0; pass < 2; pass++) {
		begin_world();
		for (i = 0; i < ARRAY_SIZE(operations); i++) {
			int took = with_few_fds(&operations[i]);

			if (took < operations[i].fds_at_least)
				printf("# %s took %d fds\n", operations[i].name, took);
			assert_true(took >= operations[i].fds_at_least);
		}
		*release_count() = 0;
		end_world();
	}
}

static void take_without_fds(void **state)
{
	int fds[3], i;

	(void)state;
	begin_world();
	fds[0] = world.own_fd;
	fds[1] = world.signaled_fd;
	fds[2] = world.foreign_fd;
	for (i = 0; i < 3; i++) {
		int free_fds = 0, result, to_take = dup(fds[i]);
		struct holdings before = holdings();

		world.fd = -1;
		do {
			leave_free(free_fds++);
			result = by_errno(dma_fence_sync_file_import_take_fd(to_take));
			leave_free_as_usual();
			if (result) {
				assert_int_equal(result, -EMFILE);
				assert_true(is_open(to_take));
				assert_same(&before);
			}
		} while (result && free_fds < 20);
		assert_int_equal(result, 0);
		undo();
		assert_false(is_open(to_take));
		before.fds--;
		assert_same(&before);
	}
	end_world();
}

/* There is none beyond those of stdio, among which the library's are not to be. */
static void with_a_limit_of_three(void **state)
{
	struct dma_fence *fence;
	struct rlimit limit, three;

	(void)state;
	begin_world();
	fence = dma_fence_sync_file_import_dup_fd(world.foreign_fd);
	assert_non_null(fence);
	getrlimit(RLIMIT_NOFILE, &limit);
	three = limit;
	three.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &three), 0);
	assert_int_equal(by_errno(dma_fence_sync_file_import_dup_fd(world.foreign_fd)), -EMFILE);
	assert_int_equal(dma_fence_sync_file_export(fence), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	dma_fence_put(fence);
	end_world();
}

static int become_the_watcher(void)
{
	int fd = dma_fence_watcher_get_fd();

	if (fd < 0)
		return fd;
	dma_fence_watcher_put_fd();
	return 0;
}

static void watcher_without_fds(void **state)
{
	int before = count_fds(), free_fds = 0, result;

	(void)state;
	do {
		leave_free(free_fds++);
		result = become_the_watcher();
		leave_free_as_usual();
		assert_true(!result || result == -EMFILE);
		assert_int_equal(count_fds(), before);
	} while (result && free_fds < 20);
	assert_int_equal(result, 0);
	assert_true(free_fds > 1);
}

/* Once imported it can be waited for, though there is not one fd left. */
static void waits_without_fds(void **state)
{
	int place, free_fds;

	(void)state;
	begin_world();
	for (place = 2, free_fds = 0; free_fds < 8; place++, free_fds++) {
		int fd = peer_exports(&world.peer, place);
		struct dma_fence *fence;

		leave_free(free_fds);
		fence = dma_fence_sync_file_import_dup_fd(fd);
		leave_free_as_usual();
		if (fence) {
			leave_free(0);
			dma_fence_enable_signaling(fence);
			peer_signals(&world.peer, place, -EIO, 1000);
			assert_true(dma_fence_wait_timeout(fence, false, 5 * SECOND) > 0);
			leave_free_as_usual();
			assert_int_equal(dma_fence_get_status(fence), -EIO);
			dma_fence_put(fence);
		} else {
			assert_true(free_fds < 7);
			peer_signals(&world.peer, place, 0, -1);
		}
		close(fd);
	}
	end_world();
}

/* Less memory */

static void without_memory(void **state)
{
	long live[2] = { 0 };
	int pass;
	size_t i;

	(void)state;
	for (pass = 0; pass < 2; pass++) {
		begin_world();
		for (i = 0; i < ARRAY_SIZE(operations); i++) {
			struct holdings before;
			int nth, failed = 1;

			world.fence = NULL;
			world.fd = -1;
			undo();
			before = holdings();
			for (nth = 1; failed; nth++) {
				int result;

				assert_true(nth < 50);
				failing_malloc_in = nth;
				result = operations[i].func();
				failed = failing_malloc_in < 0;
				failing_malloc_in = -1;
				if (result && (result != -ENOMEM || !failed))
					printf("# %s, allocation %d: %d\n", operations[i].name, nth,
					       result);
				assert_true(!result || (result == -ENOMEM && failed));
				undo();
				if (result || !operations[i].keeps_its_members)
					assert_same(&before);
				before = holdings();
			}
		}
		*release_count() = 0;
		end_world();
		live[pass] = __atomic_load_n(&failing_malloc_live, __ATOMIC_SEQ_CST);
	}
	/* What stays for the next time is there once. */
	assert_int_equal(live[1], live[0]);
}

/* Many */

static long cycles(void)
{
	const char *text = getenv("CYCLES");

	return text ? atol(text) : UNDER_SANITIZER ? 20000 : 1000000;
}

struct use {
	int fds;
	long blocks;
	size_t bytes;
};

static struct use use(void)
{
	dma_fence_rcu_barrier();
	return (struct use){ count_fds(), __atomic_load_n(&failing_malloc_live, __ATOMIC_SEQ_CST),
			     mallinfo2().uordblks };
}

/* Some that are kept for the next time, and no more after however many. */
static void assert_bounded(const struct use *before)
{
	struct use now = use();

	if (now.fds > before->fds + 4 || now.blocks > before->blocks + 10 ||
	    now.bytes > before->bytes + 100000)
		printf("# fds %d, blocks %ld, bytes %zu; before: %d, %ld, %zu\n", now.fds,
		       now.blocks, now.bytes, before->fds, before->blocks, before->bytes);
	assert_true(now.fds <= before->fds + 4);
	assert_true(now.blocks <= before->blocks + 10);
	assert_true(now.bytes <= before->bytes + 100000);
}

static void say_how_long(const char *what, long count, int64_t begin)
{
	printf("# %ld %s in %.1f s\n", count, what, (double)(clock_now() - begin) / 1e9);
}

static void many_cycles(void **state)
{
	long count = cycles(), i;
	int64_t begin = clock_now();
	struct use before = { 0 };

	(void)state;
	for (i = 0; i < count; i++) {
		struct dma_fence *fence = create_fence(), *again;
		int fd = dma_fence_sync_file_export(fence);

		assert_true(fd >= 0);
		again = dma_fence_sync_file_import_dup_fd(fd);
		assert_ptr_equal(again, fence);
		dma_fence_put(again);
		dma_fence_signal(fence);
		dma_fence_put(fence);
		again = dma_fence_sync_file_import_take_fd(fd);
		assert_int_equal(dma_fence_get_status(again), 1);
		dma_fence_put(again);
		if (i == 1000)
			before = use();
		if (i > 1000 && i % 100000 == 0)
			assert_bounded(&before);
	}
	assert_bounded(&before);
	say_how_long("fences exported, imported, signaled", count, begin);
}

/* Of one that stays pending: all fds are closed, and what they cost must go. */
static void many_cycles_of_one(void **state)
{
	static struct dma_fence fence;
	long count = cycles() / 4, i;
	int64_t begin = clock_now();
	struct use before = { 0 };

	(void)state;
	fence_init(&fence);
	for (i = 0; i < count; i++) {
		int fd = dma_fence_sync_file_export(&fence);
		struct dma_fence *again;

		assert_true(fd >= 0);
		again = dma_fence_sync_file_import_take_fd(fd);
		assert_ptr_equal(again, &fence);
		dma_fence_put(again);
		assert_true(references(&fence) < 100);
		if (i == 1000)
			before = use();
		if (i > 1000 && i % 100000 == 0)
			assert_bounded(&before);
	}
	assert_bounded(&before);
	export_another();
	assert_int_equal(references(&fence), 1);
	dma_fence_signal(&fence);
	dma_fence_put(&fence);
	say_how_long("exports of one fence", count, begin);
}

/* Of another process's, which is watched each time, and dropped. */
static void many_imports(void **state)
{
	long count = cycles() / 4, i;
	int64_t begin = clock_now();
	struct use before = { 0 };
	struct process peer;
	int fd;

	(void)state;
	process_start(&peer, &peer_role);
	fd = peer_exports(&peer, 0);
	for (i = 0; i < count; i++) {
		struct dma_fence *fence = dma_fence_sync_file_import_dup_fd(fd);

		assert_non_null(fence);
		if (i % 4 == 0)
			assert_int_equal(dma_fence_wait_timeout(fence, false, 0), 0);
		dma_fence_put(fence);
		if (i == 1000)
			before = use();
		if (i > 1000 && i % 100000 == 0)
			assert_bounded(&before);
	}
	assert_bounded(&before);
	peer_signals(&peer, 0, 0, -1);
	close(fd);
	process_end(&peer);
	say_how_long("imports", count, begin);
}

/* Many at once */

#define WATCHED (UNDER_SANITIZER ? 10000 : 100000)

/* Raises the limit; returns how many fds may be watched, at most WATCHED. */
static int allow_many_fds(void)
{
	const rlim_t others = 1000;
	struct rlimit limit, wanted;

	getrlimit(RLIMIT_NOFILE, &limit);
	usual_limit = limit.rlim_cur;
	wanted.rlim_cur = WATCHED + others;
	wanted.rlim_max = limit.rlim_max > wanted.rlim_cur ? limit.rlim_max : wanted.rlim_cur;
	if (!setrlimit(RLIMIT_NOFILE, &wanted))
		return WATCHED;
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	printf("# SKIP in part: this user may open %d fds\n", (int)limit.rlim_max);
	return (int)((limit.rlim_max - others) / MESSAGE_FDS * MESSAGE_FDS);
}

static void many_watched(void **state)
{
	struct watched {
		struct dma_fence *fence;
		struct counter counter;
	} * watched;
	struct message create = { .step = "export-many" }, signal_all = { .step = "signal-many" };
	int64_t begin, end;
	struct process peer;
	int many = allow_many_fds(), i, k, total;

	(void)state;
	watched = calloc((size_t)many, sizeof(*watched));
	assert_non_null(watched);
	process_start(&peer, &peer_role);
	begin = clock_now();
	for (i = 0; i < many; i += MESSAGE_FDS) {
		const struct message *answer;

		create.values[0] = i;
		create.values[1] = MESSAGE_FDS;
		process_send(&peer, &create);
		answer = process_answer(&peer);
		assert_int_equal(answer->num_fds, MESSAGE_FDS);
		for (k = 0; k < MESSAGE_FDS; k++) {
			struct watched *one = &watched[i + k];

			one->fence = dma_fence_sync_file_import_take_fd(answer->fds[k]);
			assert_non_null(one->fence);
			assert_int_equal(
				dma_fence_add_callback(one->fence, &one->counter.cb, count_call),
				0);
		}
	}
	say_how_long("imported and watched", many, begin);
	for (i = 0; i < many; i++)
		assert_int_equal(calls(&watched[i].counter), 0);
	begin = clock_now();
	signal_all.values[1] = many;
	signal_all.values[2] = 4711;
	process_send(&peer, &signal_all);
	for (end = begin + 20 * PATIENCE * SECOND, i = 0, total = 0; clock_now() < end;) {
		while (i < many && calls(&watched[i].counter))
			i++;
		if (i == many)
			break;
		sleep_ns(MS);
	}
	say_how_long("signaled and seen", i, begin);
	process_answer(&peer);
	for (i = 0; i < many; i++) {
		total += calls(&watched[i].counter);
		assert_int_equal(dma_fence_get_status(watched[i].fence), 1);
		dma_fence_put(watched[i].fence);
	}
	assert_int_equal(total, many);
	process_end(&peer);
	leave_free_as_usual();
	dma_fence_rcu_barrier();
	free(watched);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		fd_test(without_fds),		fd_test(take_without_fds),
		fd_test(with_a_limit_of_three), fd_test(watcher_without_fds),
		fd_test(waits_without_fds),	fd_test(without_memory),
		fd_test(many_cycles),		fd_test(many_cycles_of_one),
		fd_test(many_imports),		fd_test(many_watched),
	};

	processes_main(argc, argv, &peer_role);
	return RUN(tests);
}
