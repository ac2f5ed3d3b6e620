/* SPDX-License-Identifier: MIT */
/* The census of fds: how many there are, and which line of the program has made them. */
#include <sys/resource.h>

#include "fds.h"
#include "peer.h"

/* Sites, whose names are to be found in what is printed: not inlined, all different, exported. */
#define SITE __attribute__((noinline, visibility("default")))

int exports_for_a_frame(struct dma_fence *fence);
int exports_and_forgets(struct dma_fence *fence);
int merges_two(int fd1, int fd2);
struct dma_fence *imports_one(int fd);

static volatile int not_a_tail_call;

SITE int exports_for_a_frame(struct dma_fence *fence)
{
	int fd = dma_fence_sync_file_export(fence);

	not_a_tail_call = 1;
	return fd;
}

SITE int exports_and_forgets(struct dma_fence *fence)
{
	int fd = dma_fence_sync_file_export(fence);

	not_a_tail_call = 2;
	return fd;
}

SITE int merges_two(int fd1, int fd2)
{
	int fd = dma_fence_sync_file_merge(fd1, fd2);

	not_a_tail_call = 3;
	return fd;
}

SITE struct dma_fence *imports_one(int fd)
{
	struct dma_fence *fence = dma_fence_sync_file_import_dup_fd(fd);

	not_a_tail_call = 4;
	return fence;
}

#define ROOM 50

static struct dma_fence_fd_count counts[ROOM];
static int sites;

static void take_census(void)
{
	sites = dma_fence_fd_census(counts, ROOM);
	assert_in_range(sites, 0, ROOM);
}

/* Whether the call is in that function, and not in the next one. */
static bool is_in(const void *site, uintptr_t function)
{
	const uintptr_t functions[] = {
		(uintptr_t)exports_for_a_frame,
		(uintptr_t)exports_and_forgets,
		(uintptr_t)merges_two,
		(uintptr_t)imports_one,
	};
	uintptr_t nearest = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(functions); i++)
		if (functions[i] < (uintptr_t)site && functions[i] > nearest)
			nearest = functions[i];
	return nearest == function;
}

static const struct dma_fence_fd_count *count_at(uintptr_t function)
{
	static const struct dma_fence_fd_count none;
	int i;

	take_census();
	for (i = 0; i < sites; i++)
		if (counts[i].site && is_in(counts[i].site, function))
			return &counts[i];
	return &none;
}

#define assert_counts(function, exported_, signaled_, internal_) \
	do { \
		const struct dma_fence_fd_count *count_ = count_at((uintptr_t)(function)); \
		assert_int_equal(count_->exported, exported_); \
		assert_int_equal(count_->signaled, signaled_); \
		assert_int_equal(count_->internal, internal_); \
	} while (0)

static void nothing_to_begin_with(void **state)
{
	(void)state;
	take_census();
	assert_int_equal(sites, 0);
	assert_int_equal(dma_fence_fd_census(NULL, 0), 0);
}

static void counts_what_is_open(void **state)
{
	struct dma_fence *fence = create_fence();
	int fds[6], i;

	(void)state;
	for (i = 0; i < 3; i++)
		fds[i] = exports_for_a_frame(fence);
	assert_counts(exports_for_a_frame, 3, 0, 3);
	fds[3] = dup(fds[0]);
	fds[4] = exports_and_forgets(fence);
	assert_counts(exports_for_a_frame, 4, 0, 3);
	assert_counts(exports_and_forgets, 1, 0, 1);
	assert_int_equal(sites, 2);
	assert_int_equal(dma_fence_fd_census(NULL, 0), 2);
	dma_fence_signal(fence);
	assert_counts(exports_for_a_frame, 4, 4, 0);
	assert_counts(exports_and_forgets, 1, 1, 0);
	fds[5] = exports_and_forgets(fence);
	assert_counts(exports_and_forgets, 2, 2, 0);
	for (i = 0; i < 4; i++)
		close(fds[i]);
	assert_counts(exports_for_a_frame, 0, 0, 0);
	assert_counts(exports_and_forgets, 2, 2, 0);
	assert_int_equal(sites, 1);
	close(fds[4]);
	close(fds[5]);
	dma_fence_put(fence);
	take_census();
	assert_int_equal(sites, 0);
}

/* A hundred frames, in each of which one place closes what it exports, and another does not. */
static void leak_is_the_first(void **state)
{
	enum { FRAMES = 100, IN_FLIGHT = 3 };
	int right[FRAMES], leaked[FRAMES], i;
	char *text = NULL;
	size_t size, line = 0;
	FILE *out;

	(void)state;
	for (i = 0; i < FRAMES; i++) {
		struct dma_fence *fence = create_fence();

		right[i] = exports_for_a_frame(fence);
		leaked[i] = exports_and_forgets(fence);
		if (i >= IN_FLIGHT)
			close(right[i - IN_FLIGHT]);
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
	take_census();
	assert_int_equal(sites, 2);
	assert_true(is_in(counts[0].site, (uintptr_t)exports_and_forgets));
	assert_int_equal(counts[0].exported, FRAMES);
	assert_int_equal(counts[0].signaled, FRAMES);
	assert_true(is_in(counts[1].site, (uintptr_t)exports_for_a_frame));
	assert_int_equal(counts[1].exported, IN_FLIGHT);

	/* For less room it is told how many there would be. */
	memset(counts, 0, sizeof(counts));
	assert_int_equal(dma_fence_fd_census(counts, 1), 2);
	assert_int_equal(counts[0].exported, FRAMES);
	assert_int_equal(counts[1].exported, 0);

	out = open_memstream(&text, &size);
	assert_int_equal(dma_fence_fd_census_print(out), 0);
	fclose(out);
	assert_non_null(strstr(text, "exports_and_forgets"));
	assert_non_null(strstr(text, "exports_for_a_frame"));
	assert_true(strstr(text, "exports_and_forgets") < strstr(text, "exports_for_a_frame"));
	/* The number stands in its line. */
	line = (size_t)(strstr(text, "exports_and_forgets") - text);
	while (line && text[line - 1] != '\n')
		line--;
	assert_non_null(strstr(text + line, "100"));
	assert_true(strcspn(text + line, "\n") >
		    (size_t)(strstr(text + line, "100") - text - line));
	free(text);
	for (i = 0; i < FRAMES; i++) {
		close(leaked[i]);
		if (i >= FRAMES - IN_FLIGHT)
			close(right[i]);
	}
}

/* What a merge makes is made where the merge is. */
static void merges_and_imports_have_sites(void **state)
{
	struct dma_fence *fences[2] = { create_fence(), create_fence() }, *imported;
	struct process peer;
	int fds[3], both, i, others = 0;

	(void)state;
	process_start(&peer, &peer_role);
	for (i = 0; i < 2; i++)
		fds[i] = exports_for_a_frame(fences[i]);
	both = merges_two(fds[0], fds[1]);
	assert_counts(merges_two, 1, 0, 1);
	assert_counts(exports_for_a_frame, 2, 0, 2);

	/* Another process's fd has no site here, what is kept for it has. */
	fds[2] = peer_exports(&peer, 0);
	imported = imports_one(fds[2]);
	assert_counts(imports_one, 0, 0, 1);
	for (i = 0; i < sites; i++) {
		if (counts[i].site)
			continue;
		others++;
		assert_int_equal(counts[i].exported, 1);
		assert_int_equal(counts[i].signaled, 0);
	}
	assert_int_equal(others, 1);
	peer_signals(&peer, 0, 0, -1);
	assert_int_equal(dma_fence_get_status(imported), 1);
	assert_counts(imports_one, 0, 0, 0);
	for (i = 0; i < sites; i++)
		if (!counts[i].site)
			assert_int_equal(counts[i].signaled, 1);
	dma_fence_put(imported);
	for (i = 0; i < 2; i++) {
		dma_fence_signal(fences[i]);
		dma_fence_put(fences[i]);
	}
	assert_counts(merges_two, 1, 1, 0);
	for (i = 0; i < 3; i++)
		close(fds[i]);
	close(both);
	process_end(&peer);
}

/* Nobody has it any more: that is to be seen at once, and is not a leak. */
static void closed_everywhere_is_gone(void **state)
{
	struct dma_fence *fence = create_fence();
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		close(exports_for_a_frame(fence));
	take_census();
	assert_int_equal(sites, 0);
	assert_int_equal(references(fence), 1);
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static void says_that_it_cannot_look(void **state)
{
	struct rlimit limit, none;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(dma_fence_fd_census(counts, ROOM), -EMFILE);
	assert_int_equal(dma_fence_fd_census_print(stdout), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		fd_test(nothing_to_begin_with),	    fd_test(counts_what_is_open),
		fd_test(leak_is_the_first),	    fd_test(merges_and_imports_have_sites),
		fd_test(closed_everywhere_is_gone), fd_test(says_that_it_cannot_look),
	};

	processes_main(argc, argv, &peer_role);
	return RUN(tests);
}
