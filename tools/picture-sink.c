/* SPDX-License-Identifier: MIT */
#include "picture-sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"

static int fail(const struct picture_sink *sink, const char *what)
{
	complain("cannot %s %s: %s", what, sink->path ? sink->path : "a temporary file",
		 strerror(errno));
	return -1;
}

bool picture_sink_is_video(const char *path)
{
	size_t length = strlen(path);

	return length >= 4 && !strcmp(path + length - 4, ".y4m");
}

static int open_folder(struct picture_sink *sink)
{
	if (mkdir(sink->path, 0777) && errno != EEXIST)
		return fail(sink, "create");
	sink->folder = open(sink->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sink->folder >= 0)
		return 0;
	if (errno != ENOTDIR)
		return fail(sink, "open");
	complain("%s is there and no folder; the name of a video ends in .y4m", sink->path);
	return -1;
}

static int write_header(struct picture_sink *sink, const struct picture_shape *shape)
{
	fprintf(sink->video.file, "YUV4MPEG2 W%u H%u C%s%s\n", shape->width, shape->height,
		shape->chroma, shape->tags);
	if (fflush(sink->video.file))
		return fail(sink, "write to");
	return 0;
}

static int open_video(struct picture_sink *sink, const struct picture_shape *shape)
{
	if (whole_file_open(&sink->video, sink->path) || write_header(sink, shape))
		return -1;
	if (!sink->video.part)
		return 0;
	sink->kept = sink->video.file;
	sink->first_frame = ftell(sink->kept);
	return 0;
}

int picture_sink_open(struct picture_sink *sink, const char *path,
		      const struct picture_shape *shape)
{
	int ret = 0;

	*sink = (struct picture_sink){ .path = path, .folder = -1 };
	if (path && picture_sink_is_video(path))
		ret = open_video(sink, shape);
	else if (path)
		ret = open_folder(sink);
	if (!ret && !sink->kept && sink->folder < 0) {
		sink->kept = tmpfile();
		if (!sink->kept)
			ret = fail(&(struct picture_sink){ 0 }, "create");
	}
	if (ret)
		picture_sink_close(sink);
	return ret;
}

static void frame_name(char *name, size_t size, uint64_t frame, const char *end)
{
	snprintf(name, size, "frame-%06llu.png%s", (unsigned long long)frame, end);
}

static int write_all(int fd, const char *data, size_t bytes)
{
	while (bytes) {
		ssize_t done = write(fd, data, bytes);

		if (done < 0 && errno != EINTR)
			return -1;
		if (done > 0) {
			data += done;
			bytes -= (size_t)done;
		}
	}
	return 0;
}

/* Under another name, until it is complete. */
static int write_frame(struct picture_sink *sink, uint64_t frame, const void *data, size_t bytes)
{
	char part[48], name[48];
	int error = 0;
	int fd;

	frame_name(part, sizeof(part), frame, ".part");
	frame_name(name, sizeof(name), frame, "");
	fd = openat(sink->folder, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return fail(sink, "create a file in");
	if (write_all(fd, data, bytes))
		error = errno;
	if (close(fd) && !error)
		error = errno;
	if (!error && renameat(sink->folder, part, sink->folder, name))
		error = errno;
	if (!error)
		return 0;
	unlinkat(sink->folder, part, 0);
	errno = error;
	return fail(sink, "write to");
}

int picture_sink_write(struct picture_sink *sink, uint64_t frame, const void *data, size_t bytes)
{
	FILE *video = sink->video.file;

	if (sink->folder >= 0)
		return write_frame(sink, frame, data, bytes);
	if (video && (fwrite(data, 1, bytes, video) != bytes || fflush(video)))
		return fail(sink, "write to");
	if (sink->kept != video && fwrite(data, 1, bytes, sink->kept) != bytes)
		return fail(&(struct picture_sink){ 0 }, "write to");
	return 0;
}

int picture_sink_skip(struct picture_sink *sink, uint64_t frame)
{
	char name[48];

	if (sink->folder < 0)
		return 0;
	frame_name(name, sizeof(name), frame, "");
	if (unlinkat(sink->folder, name, 0) && errno != ENOENT)
		return fail(sink, "remove a file in");
	return 0;
}

int picture_sink_finish(struct picture_sink *sink)
{
	return sink->video.file ? whole_file_finish(&sink->video) : 0;
}

int picture_sink_rewind(struct picture_sink *sink)
{
	if (sink->kept && fseek(sink->kept, sink->first_frame, SEEK_SET))
		return fail(sink, "read");
	return 0;
}

static int read_frame(struct picture_sink *sink, uint64_t frame, void *data, size_t bytes)
{
	char name[48];
	FILE *file;
	bool good;
	int fd;

	frame_name(name, sizeof(name), frame, "");
	fd = openat(sink->folder, name, O_RDONLY | O_CLOEXEC);
	file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file) {
		fail(sink, "read a file in");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	good = fread(data, 1, bytes, file) == bytes && getc(file) == EOF;
	fclose(file);
	if (good)
		return 0;
	complain("%s/%s is not as it was written", sink->path, name);
	return -1;
}

int picture_sink_read(struct picture_sink *sink, uint64_t frame, void *data, size_t bytes)
{
	if (sink->folder >= 0)
		return read_frame(sink, frame, data, bytes);
	if (fread(data, 1, bytes, sink->kept) == bytes)
		return 0;
	if (ferror(sink->kept))
		return fail(sink, "read");
	complain("%s is not as it was written", sink->path ? sink->path : "a temporary file");
	return -1;
}

void picture_sink_close(struct picture_sink *sink)
{
	if (sink->kept && sink->kept != sink->video.file)
		fclose(sink->kept);
	whole_file_close(&sink->video);
	if (sink->folder >= 0)
		close(sink->folder);
	*sink = (struct picture_sink){ .folder = -1 };
}
