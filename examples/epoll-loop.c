/* SPDX-License-Identifier: MIT */
/*
 * Fences of another process, whose callbacks run in the program's own epoll loop.
 *
 * A child process is the engine: for each of its jobs it sends a sync file through a socket. The
 * loop makes a fence of each and adds a callback. Somebody has to see when such a fence signals,
 * and that would be a thread of the library. Here the loop does it: it watches the fd of
 * dma_fence_watcher_get_fd() as well, and calls dma_fence_watcher_dispatch(), in which the
 * callbacks run. There is no other thread, so that what they use needs no lock.
 *
 * The engine fails in one job, and exits without having done the last one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <dmafence/dmafence.h>

#include "pass-fd.h"

#define JOBS 5

static void die(const char *what, int error)
{
	fprintf(stderr, "epoll-loop: %s: %s\n", what, strerror(error));
	exit(1);
}

/* The child. Begins when nobody will write to its socket any more. */
static void engine(int socket)
{
	uint64_t context = dma_fence_context_alloc(1);
	struct dma_fence *fences[JOBS];
	int i, fd, ret;

	for (i = 0; i < JOBS; i++) {
		fences[i] = malloc(sizeof(*fences[i]));
		if (!fences[i])
			die("engine", ENOMEM);
		dma_fence_init(fences[i], NULL, context, i + 1);
		fd = dma_fence_sync_file_export(fences[i]);
		ret = fd < 0 ? fd : send_fd(socket, &i, sizeof(i), fd);
		if (ret)
			die("engine", -ret);
		close(fd);
	}
	while (read(socket, &i, sizeof(i)) > 0)
		;
	dma_fence_set_error(fences[2], -EIO);
	for (i = 0; i < JOBS - 1; i++)
		dma_fence_signal(fences[i]);
	exit(0); /* with one pending: who waits for it will be told */
}

struct job {
	struct dma_fence_cb cb;
	int number;
};

static struct job jobs[JOBS];
static int received, done;

static void job_done(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct job *job = (struct job *)cb;
	int status = dma_fence_get_status(fence);

	printf("job %d: %s\n", job->number, status < 0 ? strerror(-status) : "done");
	done++;
}

static void receive_job(int socket)
{
	struct job *job = &jobs[received++];
	struct dma_fence *fence;
	int fd, ret = receive_fd(socket, &job->number, sizeof(job->number), &fd);

	if (ret <= 0)
		die("receive", ret ? -ret : EPIPE);
	fence = dma_fence_sync_file_import_take_fd(fd);
	if (!fence)
		die("import", errno);
	if (dma_fence_add_callback(fence, &job->cb, job_done))
		job_done(fence, &job->cb); /* it has signaled already */
	dma_fence_put(fence);		   /* the watcher has one while there is a callback */
	if (received == JOBS)
		shutdown(socket, SHUT_WR);
}

static void watch(int loop, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event))
		die("watch", fd < 0 ? -fd : errno);
}

int main(void)
{
	int sockets[2], loop = epoll_create1(EPOLL_CLOEXEC), watcher, seen = 0;
	struct epoll_event event;
	pid_t pid;

	if (loop < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		die("start", errno);
	pid = fork(); /* before there is any fence */
	if (pid < 0)
		die("fork", errno);
	close(sockets[!!pid]);
	if (!pid)
		engine(sockets[1]);

	watcher = dma_fence_watcher_get_fd();
	watch(loop, watcher);
	watch(loop, sockets[0]);
	while (done < JOBS) {
		if (epoll_wait(loop, &event, 1, -1) < 1) {
			if (errno != EINTR)
				die("epoll_wait", errno);
		} else if (event.data.fd == watcher) {
			seen += dma_fence_watcher_dispatch();
		} else {
			receive_job(sockets[0]);
			if (received == JOBS)
				epoll_ctl(loop, EPOLL_CTL_DEL, sockets[0], NULL);
		}
	}
	printf("%d fences were seen to by the loop\n", seen);

	dma_fence_watcher_put_fd();
	close(sockets[0]);
	close(loop);
	return waitpid(pid, NULL, 0) == pid ? 0 : 1;
}
