/* SPDX-License-Identifier: MIT */
/* The census of fds: goes through all that the process has open. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dmafence/sync-file.h>

#include "fd/kernel-sync-file.h"
#include "fd/pipe.h"
#include "fd/site.h"
#include "fd/sync-file.h"
#include "fd/watcher.h"

/* Fds that imported fences keep, sorted. */
struct kept {
	struct kept_fd {
		int fd;
		uint32_t site;
	} * fds;
	size_t count, room;
	bool failed;
};

struct census {
	struct dma_fence_fd_count *counts;
	size_t count, room;
};

static void keep(const struct watch *watch, void *arg)
{
	struct kept *kept = arg;
	struct kept_fd *fds;
	size_t room;

	if (kept->count == kept->room) {
		room = kept->room ? kept->room * 2 : 64;
		fds = realloc(kept->fds, room * sizeof(*fds));
		if (!fds) {
			kept->failed = true;
			return;
		}
		kept->fds = fds;
		kept->room = room;
	}
	kept->fds[kept->count++] = (struct kept_fd){ .fd = watch->fd, .site = watch->site };
}

static int by_fd(const void *a, const void *b)
{
	const struct kept_fd *first = a, *second = b;

	return (first->fd > second->fd) - (first->fd < second->fd);
}

static struct dma_fence_fd_count *count_of(struct census *census, const void *site)
{
	struct dma_fence_fd_count *counts;
	size_t i, room;

	for (i = 0; i < census->count; i++) {
		if (census->counts[i].site == site)
			return &census->counts[i];
	}
	if (census->count == census->room) {
		room = census->room ? census->room * 2 : 16;
		counts = realloc(census->counts, room * sizeof(*counts));
		if (!counts)
			return NULL;
		census->counts = counts;
		census->room = room;
	}
	census->counts[census->count] = (struct dma_fence_fd_count){ .site = site };
	return &census->counts[census->count++];
}

/* An fd that is ours, or a sync file of somebody else. */
static int count_fd(struct census *census, const struct kept *kept, int fd)
{
	const struct kept_fd key = { .fd = fd };
	const struct kept_fd *internal =
		kept->count ? bsearch(&key, kept->fds, kept->count, sizeof(key), by_fd) : NULL;
	struct dma_fence_sync_file_info info = { .num_fences = 0 };
	struct pipe_status status = { .signaled = false };
	struct dma_fence_fd_count *count;
	uint32_t site = 0;
	bool writer = false;

	if (internal) {
		site = internal->site;
	} else if (!dma_fence_pipe_status(fd, &status)) {
		writer = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
		if (status.origin.pid == (uint32_t)getpid())
			site = status.origin.site;
	} else if (!dma_fence_kernel_sync_file_info(fd, &info)) {
		status.signaled = info.status;
	} else {
		return 0;
	}
	count = count_of(census, dma_fence_site_address(site));
	if (!count)
		return -ENOMEM;
	if (internal || writer) {
		count->internal++;
	} else {
		count->exported++;
		count->signaled += status.signaled;
	}
	return 0;
}

static int most_first(const void *a, const void *b)
{
	const struct dma_fence_fd_count *first = a, *second = b;
	uint64_t of_first = first->exported + first->internal;
	uint64_t of_second = second->exported + second->internal;

	if (of_first != of_second)
		return of_first < of_second ? 1 : -1;
	return (first->site > second->site) - (first->site < second->site);
}

static int count_all(struct census *census, const struct kept *kept)
{
	/* Not of the process: that shows none when the thread of main() has ended. */
	DIR *directory = opendir("/proc/thread-self/fd");
	struct dirent *entry;
	int ret = 0;

	if (!directory)
		return -errno;
	while (!ret && (entry = readdir(directory))) {
		char *end;
		long fd = strtol(entry->d_name, &end, 10);

		if (!*end && end != entry->d_name && fd != dirfd(directory))
			ret = count_fd(census, kept, (int)fd);
	}
	closedir(directory);
	return ret;
}

static int take_census(struct census *census)
{
	struct kept kept = { .fds = NULL };
	int ret;

	dma_fence_sync_file_let_go();
	dma_fence_watcher_for_each(keep, &kept);
	if (kept.count)
		qsort(kept.fds, kept.count, sizeof(*kept.fds), by_fd);
	ret = kept.failed ? -ENOMEM : count_all(census, &kept);
	free(kept.fds);
	if (!ret && census->count)
		qsort(census->counts, census->count, sizeof(*census->counts), most_first);
	return ret;
}

int dma_fence_fd_census(struct dma_fence_fd_count *counts, size_t room)
{
	struct census census = { .counts = NULL };
	int ret;

	if (room && !counts)
		return -EINVAL;
	ret = take_census(&census);
	if (!ret) {
		ret = (int)census.count;
		if (census.count && room)
			memcpy(counts, census.counts,
			       (census.count < room ? census.count : room) * sizeof(*counts));
	}
	free(census.counts);
	return ret;
}
