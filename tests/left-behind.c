/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>

#include "left-behind.h"

struct things {
	char **names;
	size_t count;
};

static struct things before;
static int threads_before;

static void add(struct things *things, const char *name)
{
	things->names = realloc(things->names, (things->count + 1) * sizeof(char *));
	assert_non_null(things->names);
	things->names[things->count] = strdup(name);
	assert_non_null(things->names[things->count++]);
}

static void forget(struct things *things)
{
	while (things->count)
		free(things->names[--things->count]);
	free(things->names);
	things->names = NULL;
}

static bool has(const struct things *things, const char *name)
{
	size_t i;

	for (i = 0; i < things->count; i++)
		if (!strcmp(things->names[i], name))
			return true;
	return false;
}

static void add_fds(struct things *things)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		char target[256], name[600];
		ssize_t length;

		if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(folder))
			continue;
		length = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = '\0';
		snprintf(name, sizeof(name), "fd %s, %s", entry->d_name, target);
		add(things, name);
	}
	closedir(folder);
}

static void add_shared_memory(struct things *things)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[600];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		line[strcspn(line, "\n")] = '\0';
		if (strstr(line, "/memfd:") || strstr(line, "/dev/shm/"))
			add(things, line);
	}
	fclose(maps);
}

static struct things look(void)
{
	struct things things = { 0 };

	add_fds(&things);
	add_shared_memory(&things);
	return things;
}

static int count_in(const char *path, bool minus_itself)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	int count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)))
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count - minus_itself;
}

int count_fds(void)
{
	return count_in("/proc/self/fd", true);
}

int count_threads(void)
{
	return count_in("/proc/self/task", false);
}

/* The first fence that is freed has a thread started that is there to stay. */
static void have_rcu_threads(void)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	assert_non_null(fence);
	dma_fence_init(fence, NULL, dma_fence_context_alloc(1), 1);
	dma_fence_put(fence);
	dma_fence_rcu_barrier();
}

void left_behind_begin(void)
{
	have_rcu_threads();
	forget(&before);
	before = look();
	threads_before = count_threads();
}

static int difference(const struct things *after, bool tell)
{
	int threads = count_threads(), count = 0;
	size_t i;

	for (i = 0; i < after->count; i++) {
		if (has(&before, after->names[i]))
			continue;
		count++;
		if (tell)
			printf("# left behind: %s\n", after->names[i]);
	}
	for (i = 0; i < before.count; i++) {
		if (has(after, before.names[i]))
			continue;
		count++;
		if (tell)
			printf("# has gone: %s\n", before.names[i]);
	}
	if (threads != threads_before) {
		count++;
		if (tell)
			printf("# threads: %d, before: %d\n", threads, threads_before);
	}
	return count;
}

int left_behind(void)
{
	int64_t end = clock_now() + PATIENCE * SECOND;
	struct things after;
	int count;

	watchdog_at("looking at what is left behind");
	for (;;) {
		bool over = clock_now() > end;

		after = look();
		count = difference(&after, over);
		forget(&after);
		if (!count || over)
			break;
		sleep_ns(MS);
	}
	forget(&before);
	return count;
}
