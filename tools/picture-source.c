/* SPDX-License-Identifier: MIT */
#include "picture-source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "interrupt.h"

#define SIGNATURE_BYTES 9

static const unsigned char png_signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
static const unsigned char y4m_signature[9] = "YUV4MPEG2";

static int fail(const struct picture_source *source, const char *what)
{
	complain("%s: %s", source->name, what);
	return -1;
}

/*
 * What comes through a pipe can be read only once: it is put into a file without a name first. Only
 * when its beginning is that of a picture: a pipe may have no end.
 */
static int keep_pipe(struct picture_source *source, const unsigned char *beginning, size_t bytes)
{
	char buffer[65536];
	FILE *kept = tmpfile();
	bool good = kept && fwrite(beginning, 1, bytes, kept) == bytes;
	int error;

	/* One read after a signal would wait again: for a pipe without an end, in vain. */
	while (good && !interrupted() && (bytes = fread(buffer, 1, sizeof(buffer), source->file)))
		good = fwrite(buffer, 1, bytes, kept) == bytes;
	good = good && !ferror(source->file) && !fflush(kept);
	error = errno;
	if (kept) {
		fclose(source->file);
		source->file = kept;
		rewind(kept);
	}
	if (interrupted()) {
		complain("interrupted");
		return -1;
	}
	return good ? 0 : fail(source, strerror(error));
}

static int open_by_content(struct picture_source *source, bool is_pipe)
{
	unsigned char beginning[SIGNATURE_BYTES];
	size_t bytes = fread(beginning, 1, sizeof(beginning), source->file);
	bool png = bytes >= sizeof(png_signature) &&
		   !memcmp(beginning, png_signature, sizeof(png_signature));
	bool y4m = bytes >= sizeof(y4m_signature) &&
		   !memcmp(beginning, y4m_signature, sizeof(y4m_signature));

	if (ferror(source->file))
		return fail(source, strerror(errno));
	if (!bytes)
		return fail(source, "is empty");
	if (!png && !y4m)
		return fail(source, "neither a PNG nor a Y4M video");
	if (is_pipe) {
		if (keep_pipe(source, beginning, bytes))
			return -1;
	} else {
		rewind(source->file);
	}
	return png ? picture_source_open_png(source) : picture_source_open_y4m(source);
}

static int open_file(struct picture_source *source, const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail(source, strerror(errno));
	source->file = fdopen(fd, "r");
	if (!source->file) {
		close(fd);
		return fail(source, strerror(errno));
	}
	if (fstat(fd, &status))
		return fail(source, strerror(errno));
	if (S_ISDIR(status.st_mode))
		return fail(source, "is a folder");
	if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
		return fail(source, "neither a file nor a pipe");
	return open_by_content(source, S_ISFIFO(status.st_mode));
}

int picture_source_open(struct picture_source *source, const char *path)
{
	bool is_stdin = !strcmp(path, "-");
	int ret;

	*source = (struct picture_source){ .name = is_stdin ? "the standard input" : path };
	ret = open_file(source, is_stdin ? "/dev/stdin" : path);
	if (ret)
		picture_source_close(source);
	return ret;
}

void picture_source_close(struct picture_source *source)
{
	if (source->file)
		fclose(source->file);
	free(source->pixels);
	*source = (struct picture_source){ 0 };
}
