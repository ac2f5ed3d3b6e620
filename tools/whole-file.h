/* SPDX-License-Identifier: MIT */
/*
 * A file that has its name only once it is complete: it is written under another one beside it. So
 * what was cut short is not taken for good. Devices, pipes and what links lead to are written to as
 * they are.
 */
#ifndef TOOLS_WHOLE_FILE_H
#define TOOLS_WHOLE_FILE_H

#include <stdio.h>

struct whole_file {
	FILE *file;
	const char *path;
	/* The other name, until it is complete; NULL for what is written to as it is. */
	char *part;
};

/* For writing, and for reading it back where that can be. Returns 0; or -1, and has complained. */
int whole_file_open(struct whole_file *whole, const char *path);

/* It is complete, and still open. Returns 0; or -1, and has complained. */
int whole_file_finish(struct whole_file *whole);

/* Closes it, and removes it unless it is complete. All zero: does nothing. */
void whole_file_close(struct whole_file *whole);

#endif
