// SPDX-License-Identifier: MIT
/*
 * Gives a target of the fuzzer each file of a folder, or the one that is named: a regression test
 * that needs no fuzzer. What has crashed or hung once, and is in the folder, must not again.
 *
 * usage: fuzz-TARGET FOLDER|FILE
 *
 * It happens in a child, so that the file can be named whatever the child dies of.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../watchdog.h"
#include "fuzz.h"

#define SECONDS_PER_FILE (20 * PATIENCE)

/* Shared with the child. */
struct progress {
	unsigned int files;
	bool done;
	char name[256];
};

static struct progress *progress;

static void replay(const char *folder, const char *name)
{
	char path[4096];
	struct stat status;
	uint8_t *data;
	FILE *file;

	snprintf(path, sizeof(path), "%s%s%s", folder, *folder ? "/" : "", name);
	snprintf(progress->name, sizeof(progress->name), "%s", name);
	file = fopen(path, "rb");
	if (!file || fstat(fileno(file), &status)) {
		fprintf(stderr, "cannot open %s: %s\n", path, strerror(errno));
		exit(1);
	}
	/* Of just that size, so that reading beyond it is seen. */
	data = malloc((size_t)status.st_size);
	if (fread(data, 1, (size_t)status.st_size, file) != (size_t)status.st_size) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(1);
	}
	fclose(file);
	alarm(SECONDS_PER_FILE);
	LLVMFuzzerTestOneInput(data, (size_t)status.st_size);
	alarm(0);
	free(data);
	progress->files++;
}

static int is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void replay_all(const char *path)
{
	struct dirent **entries;
	struct stat status;
	int i, num;

	if (!stat(path, &status) && !S_ISDIR(status.st_mode)) {
		replay("", path);
		return;
	}
	num = scandir(path, &entries, is_file, alphasort);
	for (i = 0; i < num; i++) {
		replay(path, entries[i]->d_name);
		free(entries[i]);
	}
	if (num >= 0)
		free(entries);
}

static int tell(const char *path, int status)
{
	char how[64];

	if (WIFEXITED(status) && !WEXITSTATUS(status) && progress->done && progress->files) {
		printf("ok 1 - %u files\n", progress->files);
		return 0;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(how, sizeof(how), "takes more than %d s", SECONDS_PER_FILE);
	else if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "ends with signal %d", WTERMSIG(status));
	else if (!progress->files && progress->done)
		snprintf(how, sizeof(how), "no file");
	else
		snprintf(how, sizeof(how), "ends with status %d", WEXITSTATUS(status));
	/* What is seen only at the end, such as a leak, is of any of them. */
	printf("not ok 1 - %s: %s, after %u files\n", progress->done ? path : progress->name, how,
	       progress->files);
	return 1;
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER|FILE\n", argv[0]);
		return 2;
	}
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (progress == MAP_FAILED)
		return 1;
	printf("1..1\n");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		replay_all(argv[1]);
		progress->done = true;
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return tell(argv[1], status);
}
