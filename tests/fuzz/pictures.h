/* SPDX-License-Identifier: MIT */
/*
 * A file of pictures, read as the demo does: from a file, and through a pipe, which must make no
 * difference. What is said about it comes here instead of to stderr.
 */
#ifndef TESTS_FUZZ_PICTURES_H
#define TESTS_FUZZ_PICTURES_H

#include <stdarg.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "commands.h"
#include "fuzz.h"
#include "interrupt.h"
#include "picture-source.h"

/* Larger pictures are not read: they would take most of the time. */
#define MOST_PICTURE_BYTES (1u << 20)
#define MOST_PICTURES	   8

static char complaint[512];
static unsigned int complaints;

int complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(complaint, sizeof(complaint), format, args);
	va_end(args);
	complaints++;
	return 1;
}

bool interrupted(void)
{
	return false;
}

/* What has been seen of a file. */
struct seen {
	bool opened;
	bool whole; /* ended well */
	struct picture_shape shape;
	unsigned int pictures;
	unsigned long sum;
	char complaint[sizeof(complaint)];
};

/* A failure is told once, and a success not at all. */
static inline void check_told(bool failed)
{
	fuzz_check(complaints == failed);
	fuzz_check(!failed || complaint[0]);
	complaints = 0;
}

static inline void read_pictures(struct picture_source *source, struct seen *seen)
{
	const struct picture_shape *shape = &source->shape;
	const size_t bytes = picture_bytes(shape->format, shape->width, shape->height);
	void *picture = malloc(bytes); /* of just that size */
	int ret = 1;

	seen->pictures = 0;
	seen->sum = 0;
	while (seen->pictures < MOST_PICTURES && (ret = source->ops->read(source, picture)) > 0) {
		/* All of it has been written, which MemorySanitizer and valgrind would see. */
		seen->sum = crc32(seen->sum, picture, (uInt)bytes);
		seen->pictures++;
		fuzz_check(source->next == seen->pictures);
	}
	check_told(ret < 0);
	seen->whole = !ret;
	memcpy(seen->complaint, complaint, sizeof(complaint));
	free(picture);
}

static inline void read_file(const char *path, struct seen *seen)
{
	struct picture_source source;
	struct seen again = { 0 };
	int ret = picture_source_open(&source, path);

	check_told(ret);
	memcpy(seen->complaint, complaint, sizeof(complaint));
	if (ret)
		return;
	/* For messages, which are to be the same for the file and the pipe. */
	source.name = "it";
	seen->opened = true;
	seen->shape = source.shape;
	fuzz_check(source.shape.width >= 1 && source.shape.width <= SOFTGPU_MAX_EXTENT);
	fuzz_check(source.shape.height >= 1 && source.shape.height <= SOFTGPU_MAX_EXTENT);
	fuzz_check(memchr(source.shape.tags, '\0', sizeof(source.shape.tags)));
	fuzz_check(memchr(source.shape.chroma, '\0', sizeof(source.shape.chroma)));
	if (picture_bytes(source.shape.format, source.shape.width, source.shape.height) <=
	    MOST_PICTURE_BYTES) {
		read_pictures(&source, seen);
		fuzz_check(!source.ops->rewind(&source) && !complaints);
		read_pictures(&source, &again);
		fuzz_check(again.pictures == seen->pictures && again.sum == seen->sum &&
			   again.whole == seen->whole);
	}
	picture_source_close(&source);
}

static inline void path_of(char *path, size_t size, int fd)
{
	snprintf(path, size, "/proc/self/fd/%d", fd);
}

/* Returns what has been seen, the same in both ways. */
static inline struct seen look_at_pictures(const uint8_t *data, size_t size)
{
	struct seen seen = { 0 }, piped = { 0 };
	int fd = memfd_create("pictures", MFD_CLOEXEC), ends[2];
	char path[32];

	fuzz_check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	path_of(path, sizeof(path), fd);
	read_file(path, &seen);
	close(fd);

	/* What a pipe holds at once. */
	if (size <= 65536) {
		fuzz_check(!pipe(ends) && write(ends[1], data, size) == (ssize_t)size);
		close(ends[1]);
		path_of(path, sizeof(path), ends[0]);
		read_file(path, &piped);
		close(ends[0]);
		fuzz_check(piped.opened == seen.opened && piped.pictures == seen.pictures &&
			   piped.sum == seen.sum && piped.whole == seen.whole);
		fuzz_check(!memcmp(&piped.shape, &seen.shape, sizeof(seen.shape)));
		fuzz_check(!seen.opened || !strcmp(piped.complaint, seen.complaint));
	}
	return seen;
}

#endif
