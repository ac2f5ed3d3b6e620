/* SPDX-License-Identifier: MIT */
/*
 * Copies a file through a few buffers that two sides share.
 *
 * The reader is a thread that stands for an engine: it fills buffers from the file, one after the
 * other. The writer, the main thread, empties them into the copy. Neither touches a buffer before
 * the other one's fence says that it is done with it:
 *
 *	filled	signaled by the reader: the buffer holds the chunk
 *	emptied	signaled by the writer: the buffer may be overwritten
 *
 * An error of the reader comes to the writer with the fence, and no buffer is used twice.
 *
 * usage: copy FROM TO
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <dmafence/dmafence.h>

#define CHUNK	65536
#define BUFFERS 4

struct chunk {
	struct dma_fence *filled;
	struct dma_fence *emptied;
	size_t size;
};

static struct {
	int from, to;
	size_t chunks;
	struct chunk *chunk;
	unsigned char buffer[BUFFERS][CHUNK];
	struct dma_fence_context *reader, *writer;
} copy;

/* A fence of a producer, for what it will have done; freed by the last put. */
static struct dma_fence *promise(struct dma_fence_context *context)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	if (!fence || dma_fence_context_emit(context, fence)) {
		fprintf(stderr, "copy: out of memory\n");
		exit(1);
	}
	return fence;
}

static int read_chunk(struct chunk *chunk, unsigned char *buffer, off_t offset)
{
	size_t done = 0;

	while (done < chunk->size) {
		ssize_t n =
			pread(copy.from, buffer + done, chunk->size - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO; /* it has become shorter under us */
		done += (size_t)n;
	}
	return 0;
}

static void *reader(void *arg)
{
	size_t i;
	int ret;

	(void)arg;
	for (i = 0; i < copy.chunks; i++) {
		struct chunk *chunk = &copy.chunk[i];
		unsigned char *buffer = copy.buffer[i % BUFFERS];

		/* The buffer is ours again when what was in it before has been written. */
		if (i >= BUFFERS)
			dma_fence_wait(copy.chunk[i - BUFFERS].emptied, false);
		memset(buffer, 0xee, CHUNK); /* so that using it too early would show */
		ret = read_chunk(chunk, buffer, (off_t)i * CHUNK);
		if (ret) {
			dma_fence_context_fail(copy.reader, ret);
			break;
		}
		dma_fence_context_signal_until(copy.reader, chunk->filled->seqno);
	}
	return NULL;
}

static int write_chunk(const struct chunk *chunk, const unsigned char *buffer)
{
	size_t done = 0;

	while (done < chunk->size) {
		ssize_t n = write(copy.to, buffer + done, chunk->size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

/* Returns 0 or the first error, the reader's or its own. */
static int writer(void)
{
	int ret = 0, status;
	size_t i;

	for (i = 0; i < copy.chunks; i++) {
		struct chunk *chunk = &copy.chunk[i];

		dma_fence_wait(chunk->filled, false);
		status = dma_fence_get_status(chunk->filled);
		if (!ret && status < 0)
			ret = status;
		if (!ret)
			ret = write_chunk(chunk, copy.buffer[i % BUFFERS]);
		dma_fence_context_signal_until(copy.writer, chunk->emptied->seqno);
	}
	return ret;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct stat stat;
	pthread_t thread;
	double begin;
	size_t i;
	int ret;

	if (argc != 3) {
		fprintf(stderr, "usage: copy FROM TO\n");
		return 2;
	}
	copy.from = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (copy.from < 0 || fstat(copy.from, &stat)) {
		fprintf(stderr, "copy: cannot open %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	if (!S_ISREG(stat.st_mode)) {
		fprintf(stderr, "copy: %s is not a regular file\n", argv[1]);
		return 1;
	}
	copy.to = open(argv[2], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (copy.to < 0) {
		fprintf(stderr, "copy: cannot create %s: %s\n", argv[2], strerror(errno));
		return 1;
	}

	begin = seconds();
	copy.chunks = ((size_t)stat.st_size + CHUNK - 1) / CHUNK;
	copy.chunk = calloc(copy.chunks ? copy.chunks : 1, sizeof(*copy.chunk));
	copy.reader = dma_fence_context_create("copy", "reader", NULL, 1);
	copy.writer = dma_fence_context_create("copy", "writer", NULL, 1);
	if (!copy.chunk || !copy.reader || !copy.writer) {
		fprintf(stderr, "copy: out of memory\n");
		return 1;
	}
	for (i = 0; i < copy.chunks; i++) {
		size_t left = (size_t)stat.st_size - i * CHUNK;

		copy.chunk[i].size = left < CHUNK ? left : CHUNK;
		copy.chunk[i].filled = promise(copy.reader);
		copy.chunk[i].emptied = promise(copy.writer);
	}

	ret = pthread_create(&thread, NULL, reader, NULL);
	if (ret) {
		fprintf(stderr, "copy: cannot start a thread: %s\n", strerror(ret));
		return 1;
	}
	ret = writer();
	pthread_join(thread, NULL);

	for (i = 0; i < copy.chunks; i++) {
		dma_fence_put(copy.chunk[i].filled);
		dma_fence_put(copy.chunk[i].emptied);
	}
	dma_fence_context_destroy(copy.reader);
	dma_fence_context_destroy(copy.writer);
	free(copy.chunk);
	close(copy.from);
	if (close(copy.to) && !ret)
		ret = -errno;
	if (ret) {
		fprintf(stderr, "copy: %s: %s\n", argv[1], strerror(-ret));
		return 1;
	}
	printf("Copied %lld bytes in %zu chunks through %d buffers of %d bytes, with %zu fences, "
	       "in %.3f s.\n",
	       (long long)stat.st_size, copy.chunks, BUFFERS, CHUNK, 2 * copy.chunks,
	       seconds() - begin);
	return 0;
}
