/* SPDX-License-Identifier: MIT */
/*
 * Two processes take turns with the same memory, and send no message while they do.
 *
 * One renders frames, the other uses them. There is room for two frames, so each place is used
 * again and again. Two timelines that both processes have say who may touch it: on the one, point n
 * means that frame n is complete, on the other, that it has been used. To wait for a point that has
 * passed is no system call.
 *
 * usage: shared-frames [FRAME]	in which the producer is killed, half way
 */
#include <errno.h>
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

#define FRAMES 8
#define PLACES 2
#define PIXELS 65536

struct shared {
	uint32_t (*places)[PIXELS];
	struct dma_fence_syncobj *complete, *used;
};

static void die(const char *what, int error)
{
	fprintf(stderr, "shared-frames: %s: %s\n", what, strerror(error));
	exit(1);
}

static void map_places(struct shared *shared, int memory)
{
	shared->places = mmap(NULL, PLACES * sizeof(*shared->places), PROT_READ | PROT_WRITE,
			      MAP_SHARED, memory, 0);
	if (shared->places == MAP_FAILED)
		die("mmap", errno);
}

static void send_one(int socket, int number, int fd)
{
	int ret = fd < 0 ? fd : send_fd(socket, &number, sizeof(number), fd);

	if (ret)
		die("send", -ret);
	close(fd);
}

static int receive_one(int socket)
{
	int number, fd, ret = receive_fd(socket, &number, sizeof(number), &fd);

	if (ret <= 0)
		die("receive", ret ? -ret : EPIPE);
	return fd;
}

/* The producer's side makes what they share. */
static void share(struct shared *shared, int socket)
{
	int memory = memfd_create("frames", MFD_CLOEXEC);

	shared->complete = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
	shared->used = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
	if (memory < 0 || ftruncate(memory, PLACES * sizeof(*shared->places)) ||
	    !shared->complete || !shared->used)
		die("create", errno);
	map_places(shared, memory);
	send_one(socket, 0, memory);
	send_one(socket, 1, dma_fence_syncobj_export(shared->complete));
	send_one(socket, 2, dma_fence_syncobj_export(shared->used));
}

static void join(struct shared *shared, int socket)
{
	int memory = receive_one(socket);

	map_places(shared, memory);
	close(memory);
	shared->complete = dma_fence_syncobj_import_take_fd(receive_one(socket));
	shared->used = dma_fence_syncobj_import_take_fd(receive_one(socket));
	if (!shared->complete || !shared->used)
		die("import", errno);
}

/* Returns 1 when the work has been done, or -errno: it failed, or nobody will ever do it. */
static int wait_for(struct dma_fence_syncobj *syncobj, uint64_t number)
{
	struct dma_fence_syncobj_point point = { syncobj, number };
	int64_t ret = dma_fence_syncobj_wait(&point, 1, DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT, false,
					     DMA_FENCE_WAIT_FOREVER, NULL);

	return ret < 0 ? (int)ret : dma_fence_syncobj_status(syncobj, number);
}

static uint32_t pixel(uint64_t number, uint32_t i)
{
	return (uint32_t)number * 2654435761U + i;
}

static void produce(const struct shared *shared, uint64_t dies_in)
{
	uint64_t context = dma_fence_context_alloc(1), number;
	uint32_t i;
	int ret;

	for (number = 1; number <= FRAMES; number++) {
		uint32_t *pixels = shared->places[number % PLACES];
		struct dma_fence *fence = malloc(sizeof(*fence));

		if (!fence)
			die("fence", ENOMEM);
		dma_fence_init(fence, NULL, context, number);
		/* Others can wait for the frame from here on. */
		ret = dma_fence_syncobj_add_point(shared->complete, number, fence);
		if (!ret && number > PLACES)
			ret = wait_for(shared->used, number - PLACES);
		if (ret < 0)
			die("produce", -ret);
		for (i = 0; i < PIXELS; i++) {
			pixels[i] = pixel(number, i);
			if (number == dies_in && i == PIXELS / 2)
				kill(getpid(), SIGKILL);
		}
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
}

static void consume(const struct shared *shared)
{
	uint64_t number;
	uint32_t i;
	int ret;

	for (number = 1; number <= FRAMES; number++) {
		const uint32_t *pixels = shared->places[number % PLACES];

		ret = wait_for(shared->complete, number);
		if (ret < 0) {
			printf("frame %d is not used: %s\n", (int)number, strerror(-ret));
			return;
		}
		for (i = 0; i < PIXELS && pixels[i] == pixel(number, i); i++)
			;
		printf("frame %d: %s\n", (int)number, i == PIXELS ? "complete" : "NOT COMPLETE");
		ret = dma_fence_syncobj_signal_point(shared->used, number);
		if (ret)
			die("consume", -ret);
	}
}

int main(int argc, char **argv)
{
	struct shared shared;
	int sockets[2], dies_in = 0;
	pid_t pid;

	if (argc > 2 || (argc == 2 && (sscanf(argv[1], "%d", &dies_in) != 1 || dies_in < 1))) {
		fprintf(stderr, "usage: shared-frames [FRAME]\n");
		return 2;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		die("socketpair", errno);
	pid = fork(); /* before there is anything to share */
	if (pid < 0)
		die("fork", errno);
	close(sockets[!!pid]);
	if (pid) {
		join(&shared, sockets[0]);
		consume(&shared);
	} else {
		share(&shared, sockets[1]);
		produce(&shared, (uint64_t)dies_in);
	}
	dma_fence_syncobj_put(shared.complete);
	dma_fence_syncobj_put(shared.used);
	munmap(shared.places, PLACES * sizeof(*shared.places));
	close(sockets[!pid]);
	return !pid || waitpid(pid, NULL, 0) == pid ? 0 : 1;
}
