/* SPDX-License-Identifier: MIT */
/*
 * Two processes: one renders frames into memory that both have, the other uses them.
 *
 * The producer sends a sync file for each frame before it has begun to render it, so that the
 * consumer knows all about the frame early, and can wait for it together with whatever else it has
 * to do. It looks at the frame when the sync file says that it is complete.
 *
 * usage: producer-consumer [FRAME]	in which the producer is killed, half way
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <dmafence/dmafence.h>

#include "pass-fd.h"

#define FRAMES 6
#define PIXELS 65536

typedef uint32_t frame_t[PIXELS];

static void die(const char *what, int error)
{
	fprintf(stderr, "producer-consumer: %s: %s\n", what, strerror(error));
	exit(1);
}

static frame_t *map_frames(int memory)
{
	void *frames =
		mmap(NULL, FRAMES * sizeof(frame_t), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);

	if (frames == MAP_FAILED)
		die("mmap", errno);
	return frames;
}

static uint32_t pixel(int frame, int i)
{
	return (uint32_t)(frame + 1) * 2654435761U + (uint32_t)i;
}

static void produce(int socket, int dies_in)
{
	int memory = memfd_create("frames", MFD_CLOEXEC), number = -1, fd, i, ret;
	uint64_t context = dma_fence_context_alloc(1);
	frame_t *frames;

	if (memory < 0 || ftruncate(memory, FRAMES * sizeof(frame_t)))
		die("memory", errno);
	frames = map_frames(memory);
	ret = send_fd(socket, &number, sizeof(number), memory);
	if (ret)
		die("send", -ret);
	close(memory);
	for (number = 0; number < FRAMES; number++) {
		struct dma_fence *fence = malloc(sizeof(*fence));

		if (!fence)
			die("fence", ENOMEM);
		dma_fence_init(fence, NULL, context, (uint64_t)number + 1);
		fd = dma_fence_sync_file_export(fence);
		ret = fd < 0 ? fd : send_fd(socket, &number, sizeof(number), fd);
		if (ret)
			die("send", -ret);
		close(fd);
		for (i = 0; i < PIXELS; i++) {
			frames[number][i] = pixel(number, i);
			if (number == dies_in && i == PIXELS / 2)
				kill(getpid(), SIGKILL);
		}
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
}

/* Returns 1, or the error with which the frame ended. */
static int wait_for(int fd)
{
	struct dma_fence_sync_file_info info = { .num_fences = 0 };
	struct pollfd waits = { .fd = fd, .events = POLLIN };
	int ret;

	while (poll(&waits, 1, -1) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	ret = dma_fence_sync_file_get_info(fd, &info);
	return ret ? ret : info.status;
}

static int consume(int socket)
{
	int number, fd, i, ret, used = 0;
	frame_t *frames;

	ret = receive_fd(socket, &number, sizeof(number), &fd);
	if (ret <= 0)
		die("receive", ret ? -ret : EPIPE);
	frames = map_frames(fd);
	close(fd);
	while ((ret = receive_fd(socket, &number, sizeof(number), &fd)) > 0) {
		ret = wait_for(fd);
		close(fd);
		if (ret < 0) {
			printf("frame %d is not used: %s\n", number, strerror(-ret));
			continue;
		}
		for (i = 0; i < PIXELS && frames[number][i] == pixel(number, i); i++)
			;
		printf("frame %d: %s\n", number, i == PIXELS ? "complete" : "NOT COMPLETE");
		used += i == PIXELS;
	}
	munmap(frames, FRAMES * sizeof(frame_t));
	return used;
}

int main(int argc, char **argv)
{
	int sockets[2], used, dies_in = -1;
	pid_t pid;

	if (argc > 2 || (argc == 2 && (sscanf(argv[1], "%d", &dies_in) != 1 || dies_in < 0))) {
		fprintf(stderr, "usage: producer-consumer [FRAME]\n");
		return 2;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		die("socketpair", errno);
	pid = fork(); /* before there is any fence */
	if (pid < 0)
		die("fork", errno);
	close(sockets[!!pid]);
	if (!pid) {
		produce(sockets[1], dies_in);
		return 0;
	}
	used = consume(sockets[0]);
	close(sockets[0]);
	printf("%d of %d frames used\n", used, FRAMES);
	return waitpid(pid, NULL, 0) == pid ? 0 : 1;
}
