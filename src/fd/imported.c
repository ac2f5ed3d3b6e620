/* SPDX-License-Identifier: MIT */
/*
 * The imported fence has its fd until it signals. Then the fd is closed, which leaves its number to
 * be another's: whatever uses it does so under a lock. There are a few of these for all fences, so
 * that a fork() can take them.
 *
 * Nobody signals the fence who is in this process, so it is not held until then: if its last
 * reference goes, it goes, and is not watched any more. Unless a callback waits: then the fence is
 * adopted, and the one reference that it has from then on goes with the signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "fd/imported.h"
#include "fd/kernel-sync-file.h"
#include "fd/mutants.h"
#include "fd/pipe.h"
#include "fd/watcher.h"
#include "fence/container.h"
#include "fence/look.h"

struct imported {
	struct dma_fence base;
	enum sync_file_kind kind;
	uint32_t adopted;
	struct watch watch; /* its fd is -1 from the signal on; registered until then */
	char driver[32];
	char timeline[64];
};

#define LOCKS 16

static struct lock fd_locks[LOCKS];

static struct imported *imported_of(struct dma_fence *fence)
{
	return (struct imported *)(void *)fence;
}

static struct imported *watched(struct watch *watch)
{
	return (struct imported *)(void *)((char *)watch - offsetof(struct imported, watch));
}

static struct lock *lock_of(const struct imported *imported)
{
	return &fd_locks[(uintptr_t)imported / sizeof(*imported) % LOCKS];
}

static short events_of(int fd)
{
	struct pollfd events = { .fd = fd, .events = POLLIN };

	return poll(&events, 1, 0) > 0 ? events.revents : 0;
}

/* How it ended, of a sync file that is ready; or that it has not ended after all. */
static bool ask_pipe(int fd, short events, int *error, int64_t *timestamp)
{
	struct pipe_status status;
	int ret = dma_fence_pipe_status(fd, &status);

	if (!ret && status.signaled) {
		*error = status.error;
		*timestamp = status.timestamp;
		return true;
	}
	/* Somebody has read the byte while the exporter was about to write the status again. */
	if (ret == -ENODATA && !(events & POLLHUP) && !events_of(fd))
		return false;
	/* Its exporter has gone; or somebody who is not its exporter has written. */
	*error = !ret && events & POLLHUP ? -EOWNERDEAD : -EPROTO;
	if (MUTANT(DEATH_IS_SUCCESS))
		*error = 0;
	*timestamp = clock_now();
	return true;
}

static bool ask_kernel(int fd, int *error, int64_t *timestamp)
{
	struct dma_fence_sync_file_info info = { .num_fences = 0 };
	int ret = dma_fence_kernel_sync_file_info(fd, &info);

	/* It has ended: what could not be asked is how. */
	*error = ret ? ret : info.status < 0 ? info.status : 0;
	*timestamp = info.timestamp_ns ? info.timestamp_ns : clock_now();
	return true;
}

/* Whether the sync file has signaled; then also how. */
static bool ended(struct imported *imported, int *error, int64_t *timestamp)
{
	bool over = false;
	short events;
	int fd;

	lock_acquire(lock_of(imported));
	fd = imported->watch.fd;
	events = fd >= 0 ? events_of(fd) : 0;
	if (events & POLLNVAL) {
		/* The program has closed what was not its own. */
		*error = -EBADF;
		*timestamp = clock_now();
		over = true;
	} else if (events) {
		over = imported->kind == SYNC_FILE_KERNEL ? ask_kernel(fd, error, timestamp)
							  : ask_pipe(fd, events, error, timestamp);
	}
	lock_release(lock_of(imported));
	return over;
}

static void close_fd(struct imported *imported)
{
	lock_acquire(lock_of(imported));
	if (imported->watch.fd >= 0) {
		dma_fence_watcher_unregister(&imported->watch);
		close(imported->watch.fd);
		imported->watch.fd = -1;
	}
	lock_release(lock_of(imported));
}

static void put_adopted(struct imported *imported)
{
	if (atomic_load_relaxed(&imported->adopted) &&
	    atomic_exchange_acq_rel(&imported->adopted, 0))
		dma_fence_put(&imported->base);
}

static bool imported_poll(struct dma_fence *fence)
{
	struct imported *imported = imported_of(fence);
	int64_t timestamp;
	int error;

	if (!ended(imported, &error, &timestamp))
		return dma_fence_test_signaled_flag(fence);
	if (dma_fence_signal_state(fence, state_of_timestamp(timestamp), error)) {
		close_fd(imported);
		put_adopted(imported);
	}
	return true;
}

static bool imported_signaled(struct dma_fence *fence)
{
	int64_t timestamp;
	int error;

	return ended(imported_of(fence), &error, &timestamp) || dma_fence_test_signaled_flag(fence);
}

static void watch(struct imported *imported)
{
	lock_acquire(lock_of(imported));
	if (imported->watch.fd >= 0)
		dma_fence_watcher_watch(&imported->watch);
	lock_release(lock_of(imported));
}

static void imported_enable(struct dma_fence *fence)
{
	if (!imported_poll(fence))
		watch(imported_of(fence));
}

static bool imported_hold(struct watch *held)
{
	return dma_fence_get_rcu(&watched(held)->base);
}

static void imported_ready(struct watch *ready)
{
	struct imported *imported = watched(ready);

	if (!imported_poll(&imported->base))
		watch(imported);
	dma_fence_put(&imported->base);
}

static void imported_adopt(struct dma_fence *fence)
{
	atomic_store_relaxed(&imported_of(fence)->adopted, 1);
	/*
	 * From now on it can be found, and go. Who has found it before, without a reference, does not
	 * watch it any more.
	 */
	atomic_store_release(&fence->refcount, 2);
	if (!MUTANT(ADOPTED_UNWATCHED))
		watch(imported_of(fence));
	dma_fence_put_unseen(fence);
}

static const struct watch_ops watch_ops = {
	.hold = imported_hold,
	.ready = imported_ready,
};

static const char *imported_driver_name(struct dma_fence *fence)
{
	return imported_of(fence)->driver;
}

static const char *imported_timeline_name(struct dma_fence *fence)
{
	return imported_of(fence)->timeline;
}

static void imported_release(struct dma_fence *fence)
{
	close_fd(imported_of(fence));
	dma_fence_free(fence);
}

static void imported_set_deadline(struct dma_fence *fence, int64_t deadline_ns)
{
	struct imported *imported = imported_of(fence);

	lock_acquire(lock_of(imported));
	if (imported->watch.fd >= 0)
		dma_fence_kernel_sync_file_set_deadline(imported->watch.fd, deadline_ns);
	lock_release(lock_of(imported));
}

static const struct container_ops imported_ops[] = {
	[SYNC_FILE_PIPE] = {
		.ops = {
			.get_driver_name = imported_driver_name,
			.get_timeline_name = imported_timeline_name,
			.signaled = imported_signaled,
			.release = imported_release,
		},
		.enable = imported_enable,
		.poll = imported_poll,
		.adopt = imported_adopt,
	},
	[SYNC_FILE_KERNEL] = {
		.ops = {
			.get_driver_name = imported_driver_name,
			.get_timeline_name = imported_timeline_name,
			.signaled = imported_signaled,
			.release = imported_release,
			.set_deadline = imported_set_deadline,
		},
		.enable = imported_enable,
		.poll = imported_poll,
		.adopt = imported_adopt,
	},
};

static void copy_name(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

struct dma_fence *dma_fence_imported_create(int fd, enum sync_file_kind kind, const char *driver,
					    const char *timeline, uint32_t site)
{
	struct imported *imported = malloc(sizeof(*imported));
	int ret;

	if (!imported) {
		errno = ENOMEM;
		return NULL;
	}
	imported->kind = kind;
	imported->adopted = 0;
	imported->watch = (struct watch){ .ops = &watch_ops, .fd = fd, .site = site };
	copy_name(imported->driver, sizeof(imported->driver), driver);
	copy_name(imported->timeline, sizeof(imported->timeline), timeline);
	dma_fence_init_container(&imported->base, &imported_ops[kind], DMA_FENCE_FLAG_OUTSIDE,
				 dma_fence_context_alloc(1), 1);
	/* Its producer is outside: who drops it while it is pending wrongs nobody. */
	imported->base.published = DMA_FENCE_NEVER_PUBLISHED;
	ret = dma_fence_watcher_register(&imported->watch);
	if (ret) {
		imported->watch.fd = -1;
		dma_fence_put(&imported->base);
		errno = -ret;
		return NULL;
	}
	return &imported->base;
}

bool dma_fence_is_imported(const struct dma_fence *fence)
{
	const struct dma_fence_ops *ops = atomic_load_relaxed(&fence->ops);

	return fence_is_outside(fence) && (ops == &imported_ops[SYNC_FILE_PIPE].ops ||
					   ops == &imported_ops[SYNC_FILE_KERNEL].ops);
}

/* Not one of the first three, which a program may have closed, and goes on to use. */
int dma_fence_dup_fd(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy >= 0)
		return copy;
	/* With a limit of three there is no such fd, which is not the caller's mistake. */
	return errno == EINVAL ? -EMFILE : -errno;
}

int dma_fence_imported_dup_fd(struct dma_fence *fence)
{
	struct imported *imported = imported_of(fence);
	int fd = -ENOENT;

	if (!dma_fence_is_imported(fence))
		return -ENOENT;
	lock_acquire(lock_of(imported));
	if (imported->watch.fd >= 0) {
		fd = dma_fence_dup_fd(imported->watch.fd);
	}
	lock_release(lock_of(imported));
	return fd;
}

/* fork() */

void dma_fence_imported_fork_prepare(void)
{
	int i;

	for (i = 0; i < LOCKS; i++)
		lock_acquire(&fd_locks[i]);
}

void dma_fence_imported_fork_done(void)
{
	int i;

	for (i = 0; i < LOCKS; i++)
		lock_release(&fd_locks[i]);
}
