/* SPDX-License-Identifier: MIT */
#include "whole-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"

static int fail(const char *what, const char *path)
{
	complain("cannot %s %s: %s", what, path, strerror(errno));
	return -1;
}

/* Whether the name still leads to it: who had the lock before may have given it its own. */
static bool is_still(const char *path, int fd)
{
	struct stat named, opened;

	return !stat(path, &named) && !fstat(fd, &opened) && named.st_dev == opened.st_dev &&
	       named.st_ino == opened.st_ino;
}

/* Unless it is being written to: by another program, or by this one because of another option. */
static bool take(const char *part, int fd)
{
	/* A file system may not have locks. */
	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return false;
	if (!is_still(part, fd)) {
		errno = EWOULDBLOCK;
		return false;
	}
	return ftruncate(fd, 0) == 0;
}

static FILE *open_part(const char *part)
{
	int fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	FILE *file = NULL;
	int error;

	if (fd < 0)
		return NULL;
	if (take(part, fd))
		file = fdopen(fd, "w+");
	error = errno == EWOULDBLOCK ? EBUSY : errno;
	if (!file)
		close(fd);
	errno = error;
	return file;
}

int whole_file_open(struct whole_file *whole, const char *path)
{
	struct stat status;

	*whole = (struct whole_file){ .path = path };
	/* A link stays what it is: as root, /dev/stdout would not be there any more. */
	if (!lstat(path, &status) && !S_ISREG(status.st_mode)) {
		whole->file = fopen(path, "we");
	} else if (asprintf(&whole->part, "%s.part", path) < 0) {
		whole->part = NULL;
		errno = ENOMEM;
	} else {
		whole->file = open_part(whole->part);
	}
	if (whole->file)
		return 0;
	fail("create", path);
	free(whole->part);
	*whole = (struct whole_file){ 0 };
	return -1;
}

int whole_file_finish(struct whole_file *whole)
{
	if (fflush(whole->file) || ferror(whole->file))
		return fail("write to", whole->path);
	if (!whole->part)
		return 0;
	if (rename(whole->part, whole->path))
		return fail("create", whole->path);
	free(whole->part);
	whole->part = NULL;
	return 0;
}

void whole_file_close(struct whole_file *whole)
{
	if (whole->file)
		fclose(whole->file);
	if (whole->part)
		unlink(whole->part);
	free(whole->part);
	*whole = (struct whole_file){ 0 };
}
