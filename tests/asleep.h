/* SPDX-License-Identifier: MIT */
/*
 * Whether a thread sleeps in a futex of the library's: asked of the kernel, and for that futex. A
 * thread can be found asleep for other reasons, in the allocator or in a sanitizer, before it has
 * come to where a test wants it. For programs that are linked with --wrap=syscall.
 */
#ifndef TESTS_ASLEEP_H
#define TESTS_ASLEEP_H

#include "support.h"

#include "base/futex.h"

struct asleep {
	pid_t tid;
	unsigned long futex; /* the last one that it went to sleep on, 0 before the first */
};

/* System calls of the library's, by any thread. */
static int system_calls;
static __thread struct asleep *asleep_of_thread;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	atomic_fetch_add_relaxed(&system_calls, 1);
	if (number == FUTEX_CALL && asleep_of_thread)
		atomic_store_release(&asleep_of_thread->futex, (unsigned long)a);
	return __real_syscall(number, a, b, c, d, e, f);
}

/* By the thread itself, first of all. */
static inline void asleep_begin(struct asleep *asleep)
{
	asleep->tid = (pid_t)__real_syscall(SYS_gettid);
	asleep_of_thread = asleep;
}

static inline FILE *open_syscall(const struct asleep *asleep)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", asleep->tid);
	file = fopen(path, "r");
	assert_true(file || errno == ENOENT);
	return file;
}

static inline bool is_asleep(const struct asleep *asleep)
{
	const unsigned long futex = atomic_load_acquire(&asleep->futex);
	unsigned long number, address;
	bool read = false;
	char line[256];
	FILE *file;

	if (!futex)
		return false;
	file = open_syscall(asleep);
	if (file) {
		read = fgets(line, sizeof(line), file);
		fclose(file);
	}
	return read && sscanf(line, "%lu %lx", &number, &address) == 2 && number == FUTEX_CALL &&
	       address == futex;
}

/* A thread that waited for a time only has ended, maybe, before anybody could look. */
static inline bool has_ended(const struct asleep *asleep)
{
	FILE *file;

	if (!atomic_load_acquire(&asleep->futex))
		return false;
	file = open_syscall(asleep);
	if (file)
		fclose(file);
	return !file;
}

static inline void await_asleep(const struct asleep *asleep)
{
	while (!is_asleep(asleep) && !has_ended(asleep))
		sched_yield();
}

#endif
