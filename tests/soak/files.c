/* SPDX-License-Identifier: MIT */
/* Sync files of what is in the pool: exported, polled, merged, asked, imported again. */
#include <poll.h>

#include "soak.h"

#define ACTOR "files"
#define FILES 12

/* A sync file, and the fence of which it was made. */
struct file {
	int fd;
	struct dma_fence *fence;
};

struct files {
	struct file files[FILES];
	unsigned int count;
};

static void forget(struct files *files, unsigned int i)
{
	close(files->files[i].fd);
	dma_fence_put(files->files[i].fence);
	files->files[i] = files->files[--files->count];
}

static void keep(struct worker *worker, struct files *files, int fd, struct dma_fence *fence)
{
	if (files->count == FILES)
		forget(files, below(worker, FILES));
	files->files[files->count++] = (struct file){ fd, fence };
}

static bool is_readable(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	while (poll(&ready, 1, 0) < 0)
		CHECK(errno == EINTR, "poll: %d", errno);
	return ready.revents & POLLIN;
}

static void export_one(struct worker *worker, struct files *files)
{
	struct dma_fence *fence = pool_get(worker);
	int64_t begun = scarcity_begin();
	int fd;

	if (!fence)
		return;
	AT(worker, "exporting");
	fd = dma_fence_sync_file_export(fence);
	if (fd < 0) {
		MAY_FAIL(fd, begun);
		dma_fence_put(fence);
		TALLY("exports without an fd");
		return;
	}
	keep(worker, files, fd, fence);
	TALLY("exports");
}

static void check_info(struct worker *worker, struct file *file)
{
	struct dma_fence_sync_fence_info fences[4];
	struct dma_fence_sync_file_info info = {
		.num_fences = ARRAY_SIZE(fences),
		.fences = fences,
	};
	int64_t begun = scarcity_begin(), left;
	int ret;

	AT(worker, "asking a sync file");
	ret = dma_fence_sync_file_get_info(file->fd, &info);
	if (ret) {
		MAY_FAIL(ret, begun);
		return;
	}
	if (!info.status)
		return;
	/* Of another process the status is there a moment before the fd is readable. */
	AT(worker, "waiting for a fence whose fd has a status");
	left = dma_fence_wait_timeout(file->fence, false, 10 * PATIENCE * SECOND);
	CHECK(left > 0, "the fd has a status, and a wait for its fence returns %lld",
	      (long long)left);
	CHECK(info.status == dma_fence_get_status(file->fence),
	      "status %d of the fd, %d of the fence", info.status,
	      dma_fence_get_status(file->fence));
	/* The time of a death is that at which it was noticed. */
	CHECK(info.status == -EOWNERDEAD || info.timestamp_ns == dma_fence_timestamp(file->fence),
	      "time %lld of the fd, %lld of the fence, status %d", (long long)info.timestamp_ns,
	      (long long)dma_fence_timestamp(file->fence), info.status);
	TALLY("infos of what is done");
}

static void look_at(struct worker *worker, struct files *files)
{
	struct file *file;
	unsigned int i;

	if (!files->count)
		return;
	i = below(worker, files->count);
	file = &files->files[i];
	if (is_readable(file->fd)) {
		CHECK(dma_fence_is_signaled(file->fence), "readable, and its fence is pending");
		fence_check_done(file->fence);
		check_info(worker, file);
		TALLY("fds found readable");
		forget(files, i);
	} else {
		check_info(worker, file);
	}
}

static void import(struct worker *worker, struct files *files)
{
	int64_t begun = scarcity_begin();
	struct dma_fence *fence;
	struct file *file;
	unsigned int i;

	if (!files->count)
		return;
	i = below(worker, files->count);
	file = &files->files[i];
	AT(worker, "importing");
	if (one_in(worker, 2)) {
		fence = dma_fence_sync_file_import_dup_fd(file->fd);
	} else {
		fence = dma_fence_sync_file_import_take_fd(file->fd);
		if (fence) {
			dma_fence_put(file->fence);
			*file = files->files[--files->count];
		}
	}
	if (!fence) {
		MAY_FAIL(-errno, begun);
		TALLY("imports without an fd");
		return;
	}
	fence_look(worker, fence);
	pool_add(worker, fence);
	TALLY("imports");
}

/* As of an info, those of another process may be seen to have signaled a moment before. */
static void check_both(struct worker *worker, struct dma_fence *one, struct dma_fence *two)
{
	struct dma_fence *fences[2] = { one, two };

	AT(worker, "waiting for what a merged sync file says");
	CHECK(dma_fence_wait_all_timeout(fences, 2, false, 10 * PATIENCE * SECOND, NULL) > 0,
	      "a merged sync file is readable too early");
}

static void merge(struct worker *worker, struct files *files)
{
	struct dma_fence *fences[2], *merged;
	int64_t begun = scarcity_begin();
	struct file *one, *two;
	int fd;

	if (files->count < 2)
		return;
	one = &files->files[below(worker, files->count)];
	two = &files->files[below(worker, files->count)];
	AT(worker, "merging");
	fd = dma_fence_sync_file_merge(one->fd, two->fd);
	if (fd < 0) {
		MAY_FAIL(fd, begun);
		return;
	}
	if (is_readable(fd))
		check_both(worker, one->fence, two->fence);
	close(fd);
	fences[0] = one->fence;
	fences[1] = two->fence;
	merged = dma_fence_unwrap_merge_many(2, fences);
	CHECK(merged);
	pool_add(worker, merged);
	TALLY("merges");
}

static void enter(struct worker *worker)
{
	worker->state = calloc(1, sizeof(struct files));
	CHECK(worker->state);
}

static void turn(struct worker *worker)
{
	struct files *files = worker->state;

	switch (below(worker, 7)) {
	case 0:
	case 1:
		export_one(worker, files);
		break;
	case 2:
		import(worker, files);
		break;
	case 3:
		merge(worker, files);
		break;
	case 4:
		if (files->count)
			dma_fence_sync_file_set_deadline(
				files->files[below(worker, files->count)].fd, clock_now());
		break;
	default:
		look_at(worker, files);
	}
}

static void leave(struct worker *worker)
{
	struct files *files = worker->state;

	while (files->count)
		forget(files, 0);
	free(files);
}

const struct actor actor_files = {
	.name = ACTOR,
	.threads = 2,
	.enter = enter,
	.turn = turn,
	.leave = leave,
};

/* The program is the watcher for a while. */
#undef ACTOR
#define ACTOR "watchers"

static void watch(struct worker *worker)
{
	int64_t begun = scarcity_begin(), end;
	struct pollfd ready;
	int ret;

	AT(worker, "becoming the watcher");
	ready = (struct pollfd){ .fd = dma_fence_watcher_get_fd(), .events = POLLIN };
	if (ready.fd < 0) {
		MAY_FAIL(ready.fd, begun);
		return;
	}
	end = clock_now() + (int64_t)below(worker, 50) * MS;
	AT(worker, "watching");
	while (clock_now() < end && !soak_over()) {
		if (poll(&ready, 1, 2) <= 0)
			continue;
		CHECK(!(ready.revents & POLLNVAL), "the watcher's fd is closed");
		ret = dma_fence_watcher_dispatch();
		CHECK(ret >= 0, "dispatch: %d", ret);
		TALLY_ADD("fds seen to", ret);
	}
	AT(worker, "watching no more");
	dma_fence_watcher_put_fd();
	TALLY("times the program watched");
	soak_sleep((int64_t)below(worker, 50) * MS);
}

const struct actor actor_watchers = {
	.name = ACTOR,
	.threads = 1,
	.turn = watch,
};
