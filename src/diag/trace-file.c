/* SPDX-License-Identifier: MIT */
/* DMA_FENCE_TRACE: the file that a trace is written to when the program ends. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dmafence/trace.h>

#include "diag/trace.h"

static char path[PATH_MAX]; /* "" for none */
static pid_t owner;

static void cannot(const char *name, int error)
{
	fprintf(stderr, "dmafence: DMA_FENCE_TRACE: cannot write '%s': %s\n", name,
		strerror(error));
}

/* Returns false if it is too long. */
static bool insert_number(const char *pattern, char *name, size_t size)
{
	const char *place = strstr(pattern, "%p");
	int length = place ? snprintf(name, size, "%.*s%d%s", (int)(place - pattern), pattern,
				      (int)getpid(), place + 2)
			   : snprintf(name, size, "%s", pattern);

	return length >= 0 && (size_t)length < size;
}

/* The file is made at once: who cannot write it is to be told before, and the program may go away
 * from its folder. */
void dma_fence_trace_from_environment(void)
{
	/* Not of who has more rights than who says where to write. */
	const char *pattern = secure_getenv("DMA_FENCE_TRACE");
	char name[PATH_MAX];
	FILE *file;
	int ret;

	if (!pattern || !*pattern)
		return;
	if (!insert_number(pattern, name, sizeof(name))) {
		cannot(pattern, ENAMETOOLONG);
		return;
	}
	file = fopen(name, "we");
	if (!file || !realpath(name, path)) {
		cannot(name, errno);
		if (file)
			fclose(file);
		return;
	}
	fclose(file);
	ret = dma_fence_trace_start(0);
	if (ret)
		cannot(name, -ret);
	owner = getpid();
}

__attribute__((destructor)) static void end(void)
{
	FILE *file;
	int ret;

	if (!*path || getpid() != owner)
		return;
	file = fopen(path, "we");
	if (!file) {
		cannot(path, errno);
		return;
	}
	ret = dma_fence_trace_write(file);
	if (fclose(file) && !ret)
		ret = -errno;
	if (ret)
		cannot(path, -ret);
}
