/* SPDX-License-Identifier: MIT */
/*
 * The pipe that a sync file is: an fd on which one process says once, to all who have it, that a
 * fence has signaled, and how.
 *
 * The read end is the sync file. It becomes readable when a byte is written, and reports POLLHUP
 * when the last write end is closed, which the kernel sees to if the process dies.
 *
 * What is to be known about the fence is not in the pipe's buffer, from which one reader would take
 * it away from the others, but in the two timestamps of its inode, which the exporter sets, and
 * nobody else who does not run as the same user. One of them holds the status, the other one says
 * who exported:
 *
 *	status, seconds	      a mark; pending: 32 bits of the context, 29 of the seqno; signaled:
 *			      the timestamp
 *	status, nanoseconds   another mark, whether signaled, the error
 *	origin, seconds	      a mark; the exporter's pid, and the number of the export there
 *	origin, nanoseconds   another mark, and the number of the site that exported
 *
 * The byte is written when the status has been set: who sees that it is readable sees that. But
 * writing changes the modification time, and reading the access time, if it was opened so (ours is
 * not, but that can be changed, and it can be opened again). So first the access time is the
 * status; and when the byte has been written, the modification time, to which no reader can do
 * anything.
 *
 * Somebody may look at any moment, and the kernel changes one field after the other, of which the
 * seconds and the nanoseconds are two. So the one timestamp is the status before the other ceases
 * to be it; the mark in the seconds says no less than the nanoseconds whether it has signaled, and
 * it has if both say so; and no clock comes near to those marks, as it does to those that are in
 * the nanoseconds alone, one time in 2000.
 */
#ifndef DMAFENCE_FD_PIPE_H
#define DMAFENCE_FD_PIPE_H

#include <stdbool.h>
#include <stdint.h>

/* Who exported. */
struct pipe_origin {
	uint32_t pid;	 /* below 2^30 */
	uint32_t export; /* its number there, below 2^31 */
	uint32_t site;	 /* below 2^20, see fd/site.h */
};

struct pipe_status {
	bool signaled;
	int error;		   /* of one that has signaled */
	int64_t timestamp;	   /* likewise */
	uint32_t context;	   /* of one that has not: the low bits */
	uint32_t seqno;		   /* likewise */
	struct pipe_origin origin; /* all 0 if a reader has overwritten it */
	uint64_t inode;
	uint64_t device; /* a FIFO of a file system can have the number of any pipe */
};

/* Whether two are of one pipe. */
bool dma_fence_pipe_same(const struct pipe_status *status, const struct pipe_status *other);

/*
 * Makes a pipe for a fence that is pending. Stores the read end, which is the sync file, and the
 * write end; returns 0 or -errno.
 */
int dma_fence_pipe_create(const struct pipe_origin *origin, uint64_t context, uint64_t seqno,
			  int *read_fd, int *write_fd);

/*
 * Says that the fence has signaled. What is left to be done is to close the write end, also where it
 * could not be said: returns 0 or -errno.
 */
int dma_fence_pipe_signal(int write_fd, const struct pipe_origin *origin, int error,
			  int64_t timestamp);

/*
 * What is said on it; -ENODATA if that is nothing, -EINVAL if it is no pipe at all, -EBADF. Takes
 * the fd of either end.
 */
int dma_fence_pipe_status(int fd, struct pipe_status *status);

#endif
