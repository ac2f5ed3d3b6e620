/* SPDX-License-Identifier: MIT */
/*
 * A file of a file system that somebody serves, who means no good: a process of its own, which
 * speaks FUSE. It says of the file what it was told to say, and once the file is open it answers
 * nothing more. Whoever asks it anything then sleeps until the server is gone.
 */
#ifndef TESTS_SERVED_FILE_H
#define TESTS_SERVED_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* What the server says that it is. */
struct served_as {
	uint32_t mode;	 /* with the type */
	uint64_t number; /* of the inode; not 1 */
	struct timespec accessed, modified;
};

struct served_file {
	int fd; /* opened for reading */
	pid_t server;
	uint32_t *asked; /* how often somebody has asked it something since the file was opened */
};

/* Returns NULL, or why there can be none here. */
const char *served_file_open(struct served_file *file, const struct served_as *as);

/* Ends the server, by which all that was asked is over, and then closes the file. */
void served_file_close(struct served_file *file);

#endif
