/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fd/inode.h"
#include "fd/mutants.h"
#include "fd/pipe.h"

/* Nanoseconds go up to 10^9, of which 29 bits are always there. */
#define STATUS_MARK	 (UINT32_C(0x5fe) << 18)
#define STATUS_MARK_BITS (UINT32_C(0x7ff) << 18)
#define SIGNALED_BIT	 (UINT32_C(1) << 17)
#define ERROR_BITS	 UINT32_C(0xfff)
#define ORIGIN_MARK	 (UINT32_C(0x1a5) << 20)
#define ORIGIN_MARK_BITS (UINT32_C(0x1ff) << 20)
#define SITE_BITS	 UINT32_C(0xfffff)

/* Seconds are 63 bits, of which the two upper ones are the mark. */
enum kind { KIND_NONE, KIND_PENDING, KIND_SIGNALED, KIND_ORIGIN };

#define KIND_SHIFT    61
#define SECONDS_BITS  ((UINT64_C(1) << KIND_SHIFT) - 1)
#define CONTEXT_SHIFT 29
#define SEQNO_BITS    UINT32_C(0x1fffffff)
#define PID_SHIFT     31
#define EXPORT_BITS   UINT32_C(0x7fffffff)

/* Of a file: the access time and the modification time, as in futimens(). */
enum { ACCESS, MODIFICATION };

static time_t seconds(enum kind kind, uint64_t bits)
{
	return (time_t)((uint64_t)kind << KIND_SHIFT | (bits & SECONDS_BITS));
}

static enum kind kind_of(const struct timespec *stamp)
{
	return stamp->tv_sec < 0 ? KIND_NONE : (enum kind)((uint64_t)stamp->tv_sec >> KIND_SHIFT);
}

static struct timespec stamp_of_pending(uint64_t context, uint64_t seqno)
{
	const uint64_t bits = (context & UINT32_MAX) << CONTEXT_SHIFT | (seqno & SEQNO_BITS);

	return (struct timespec){
		.tv_sec = seconds(KIND_PENDING, bits),
		.tv_nsec = (long)STATUS_MARK,
	};
}

static struct timespec stamp_of_outcome(int error, int64_t timestamp)
{
	const uint32_t bits = MUTANT(FD_LOSES_ERROR) ? 0 : (uint32_t)-error;

	return (struct timespec){
		.tv_sec = seconds(KIND_SIGNALED,
				  MUTANT(FD_LOSES_TIMESTAMP) ? 0 : (uint64_t)timestamp),
		.tv_nsec = (long)(STATUS_MARK | SIGNALED_BIT | bits),
	};
}

static struct timespec stamp_of_origin(const struct pipe_origin *origin)
{
	const uint64_t bits = (uint64_t)origin->pid << PID_SHIFT | (origin->export & EXPORT_BITS);

	return (struct timespec){
		.tv_sec = seconds(KIND_ORIGIN, bits),
		.tv_nsec = (long)(ORIGIN_MARK | (origin->site & SITE_BITS)),
	};
}

static bool is_status(const struct timespec *stamp)
{
	const enum kind kind = kind_of(stamp);

	return ((uint32_t)stamp->tv_nsec & STATUS_MARK_BITS) == STATUS_MARK &&
	       (kind == KIND_PENDING || kind == KIND_SIGNALED);
}

static bool is_origin(const struct timespec *stamp)
{
	return ((uint32_t)stamp->tv_nsec & ORIGIN_MARK_BITS) == ORIGIN_MARK &&
	       kind_of(stamp) == KIND_ORIGIN;
}

int dma_fence_pipe_create(const struct pipe_origin *origin, uint64_t context, uint64_t seqno,
			  int *read_fd, int *write_fd)
{
	const struct timespec times[2] = {
		[ACCESS] = stamp_of_pending(context, seqno),
		[MODIFICATION] = stamp_of_origin(origin),
	};
	int fds[2], ret;

	/* Nobody but us is to write to it, but if somebody does we do not wait for room. */
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK | O_NOATIME) || futimens(fds[1], times)) {
		ret = -errno;
		close(fds[0]);
		close(fds[1]);
		return ret;
	}
	*read_fd = fds[0];
	*write_fd = fds[1];
	return 0;
}

/*
 * All who could read may be gone, and then writing raises SIGPIPE in the thread that writes, which
 * must not reach the program.
 */
static int write_byte(int fd)
{
	const struct timespec at_once = { 0 };
	sigset_t sigpipe, before, pending;
	bool taken_out = true;
	int ret = 0;

	sigemptyset(&sigpipe);
	sigaddset(&sigpipe, SIGPIPE);
	pthread_sigmask(MUTANT(SIGPIPE_REACHES_PROGRAM) ? SIG_UNBLOCK : SIG_BLOCK, &sigpipe,
			&before);
	/* One that is pending already is the program's. There can be none that is not blocked. */
	if (sigismember(&before, SIGPIPE) && !sigpending(&pending))
		taken_out = !sigismember(&pending, SIGPIPE);
	if (write(fd, "", 1) < 0)
		ret = -errno;
	if (ret == -EPIPE && taken_out) {
		while (sigtimedwait(&sigpipe, NULL, &at_once) < 0 && errno == EINTR)
			;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	/* Nobody is left to be told, or who writes to it has told them. */
	return ret == -EPIPE || ret == -EAGAIN ? 0 : ret;
}

int dma_fence_pipe_signal(int write_fd, const struct pipe_origin *origin, int error,
			  int64_t timestamp)
{
	const struct timespec outcome = stamp_of_outcome(error, timestamp);
	const struct timespec kept = { .tv_nsec = UTIME_OMIT };
	const struct timespec steps[][2] = {
		{ [ACCESS] = outcome, [MODIFICATION] = kept },
		{ [ACCESS] = kept, [MODIFICATION] = outcome },
		{ [ACCESS] = stamp_of_origin(origin), [MODIFICATION] = kept },
	};
	int ret, told;

	ret = futimens(write_fd, steps[0]) ? -errno : 0;
	told = write_byte(write_fd);
	if (MUTANT(READ_TAKES_STATUS))
		return 0;
	/* The one that has it stays, if the other one cannot have it. */
	if (futimens(write_fd, steps[1]))
		ret = -errno;
	else
		futimens(write_fd, steps[2]);
	return told ? told : ret;
}

/*
 * The timestamp that is the status: the one that is not being written, if one is. NULL if neither
 * is one; sets @again if both were seen before one and after the other was written.
 */
static const struct timespec *find_status(const struct inode *inode, bool *again)
{
	*again = is_origin(&inode->accessed) || is_origin(&inode->modified);
	if (is_status(&inode->accessed))
		return &inode->accessed;
	return is_status(&inode->modified) ? &inode->modified : NULL;
}

/* How often it is looked, where once is enough but for a moment. */
#define LOOKS 100

int dma_fence_pipe_status(int fd, struct pipe_status *status)
{
	const struct timespec *stamp = NULL;
	struct inode inode;
	bool again = true;
	int looks, ret;

	for (looks = 0; looks < LOOKS && again && !stamp; looks++) {
		ret = dma_fence_inode_look(fd, &inode);
		if (ret)
			return ret;
		if (inode.kind != INODE_PIPE)
			return -EINVAL;
		stamp = find_status(&inode, &again);
	}
	if (!stamp)
		return -ENODATA;

	memset(status, 0, sizeof(*status));
	status->inode = inode.number;
	status->device = inode.device;
	if (kind_of(stamp) == KIND_SIGNALED && (uint32_t)stamp->tv_nsec & SIGNALED_BIT) {
		status->signaled = true;
		status->error = -(int)((uint32_t)stamp->tv_nsec & ERROR_BITS);
		status->timestamp = (int64_t)((uint64_t)stamp->tv_sec & SECONDS_BITS);
	} else {
		status->context = (uint32_t)((uint64_t)stamp->tv_sec >> CONTEXT_SHIFT);
		status->seqno = (uint32_t)stamp->tv_sec & SEQNO_BITS;
	}
	stamp = stamp == &inode.modified ? &inode.accessed : &inode.modified;
	if (is_origin(stamp)) {
		status->origin.pid =
			(uint32_t)(((uint64_t)stamp->tv_sec & SECONDS_BITS) >> PID_SHIFT);
		status->origin.export = (uint32_t)stamp->tv_sec & EXPORT_BITS;
		status->origin.site = (uint32_t)stamp->tv_nsec & SITE_BITS;
	}
	return 0;
}

bool dma_fence_pipe_same(const struct pipe_status *status, const struct pipe_status *other)
{
	return status->inode == other->inode &&
	       (status->device == other->device || MUTANT(ANY_DEVICE));
}
