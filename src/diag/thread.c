/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fork.h"
#include "diag/thread.h"

static _Thread_local int32_t number;

int32_t dma_fence_thread_number(void)
{
	if (!number)
		number = gettid();
	return number;
}

void dma_fence_thread_name(int32_t thread, char *text, size_t size)
{
	ssize_t length = 0;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", (int)thread);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		length = read(fd, text, size - 1);
		close(fd);
	}
	text[length > 0 ? length : 0] = '\0';
	/* Its end; a name may have one in its middle. */
	if (length > 0 && text[length - 1] == '\n')
		text[length - 1] = '\0';
}

void dma_fence_thread_describe(int32_t thread, char *text, size_t size)
{
	char name[32];

	dma_fence_thread_name(thread, name, sizeof(name));
	if (*name)
		snprintf(text, size, "%d '%s'", (int)thread, name);
	else
		snprintf(text, size, "%d", (int)thread);
}

/* Its only thread has another number. */
static void fork_child(void)
{
	number = 0;
}

__attribute__((constructor)) static void fork_handlers(void)
{
	static struct fork_handlers handlers = {
		.order = FORK_THREADS,
		.child = fork_child,
	};

	dma_fence_at_fork(&handlers);
}
