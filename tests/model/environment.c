/* SPDX-License-Identifier: MIT */
/*
 * malloc, futexes, threads, the clock and reports: the linker brings the library's calls here
 * (--wrap).
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/debug.h"
#include "base/park.h"
#include "base/report.h"
#include "environment.h"
#include "explore.h"
#include "memory.h"
#include "step.h"
#include "trace.h"

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*routine)(void *argument), void *argument);
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_pthread_setname_np(pthread_t thread, const char *name);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __real_clock_gettime(clockid_t clock, struct timespec *time);
long __wrap_sysconf(int name);
long __wrap_syscall(long number, ...);
int __wrap_sched_yield(void);

#define caller() __builtin_return_address(0)

void *__wrap_malloc(size_t size)
{
	return memory_alloc(size, caller());
}

void *__wrap_calloc(size_t count, size_t size)
{
	void *memory = memory_alloc(count * size, caller());

	memset(memory, 0, count * size);
	memory_access(memory, count * size, PLAIN_STORE, caller());
	return memory;
}

void __wrap_free(void *memory)
{
	if (memory)
		memory_free(memory, caller());
}

/* It is always elsewhere afterwards. */
void *__wrap_realloc(void *memory, size_t size)
{
	void *other = memory_alloc(size, caller());

	if (!memory)
		return other;
	memory_move(other, memory, caller());
	memory_free(memory, caller());
	return other;
}

/* Threads, of which nobody asks who they are. */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*routine)(void *argument), void *argument)
{
	(void)attributes;
	memset(thread, 0, sizeof(*thread));
	if (explored()->no_threads)
		return EAGAIN;
	if (!explore_begin_thread(routine, argument))
		failed(VERDICT_LIVELOCK, "the library begins too many threads");
	return 0;
}

int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)how;
	(void)set;
	(void)old;
	return 0;
}

int __wrap_pthread_setname_np(pthread_t thread, const char *name)
{
	(void)thread;
	(void)name;
	return 0;
}

/* Time stands still. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	time->tv_sec = 1;
	time->tv_nsec = 0;
	return 0;
}

void environment_clock(struct timespec *now)
{
	__real_clock_gettime(CLOCK_MONOTONIC, now);
}

/* One processor: who waits does not spin. */
long __wrap_sysconf(int name)
{
	(void)name;
	return 1;
}

int __wrap_sched_yield(void)
{
	return 0;
}

static long futex_wait(uint32_t *word, uint32_t value, const struct timespec *until, void *pc)
{
	/* Without a time the kernel goes on sleeping after a signal handler. */
	const bool interruptible = until;
	const bool limited = until && until->tv_sec < INT64_MAX / 1000000000;

	current->op = (struct op){
		.kind = OP_PARK,
		.address = word,
		.location = memory_location(word, sizeof(*word)),
		.expected = value,
		.deadline = limited ? 0 : INT64_MAX,
		.success = interruptible,
		.pc = pc,
	};
	take_step();
	if (!current->op.result)
		return 0;
	errno = (int)current->op.result;
	return -1;
}

static long futex_wake(uint32_t *word, void *pc)
{
	current->op = (struct op){
		.kind = OP_WAKE,
		.address = word,
		.location = memory_location(word, sizeof(*word)),
		.pc = pc,
	};
	take_step();
	return 0;
}

long __wrap_syscall(long number, ...)
{
	const struct timespec *until;
	uint32_t *word, value;
	va_list args;
	int what;

	if (number != SYS_futex)
		abort();
	va_start(args, number);
	word = va_arg(args, uint32_t *);
	what = va_arg(args, int);
	value = va_arg(args, uint32_t);
	until = va_arg(args, const struct timespec *);
	va_end(args);
	if (what == FUTEX_WAIT_BITSET_PRIVATE)
		return futex_wait(word, value, until, caller());
	if (what == FUTEX_WAKE_PRIVATE)
		return futex_wake(word, caller());
	abort();
}

/* No environment variable, and no constructor, which would run before there are threads. */
uint32_t dma_fence_debug_flags;

/* Reports */

static unsigned int reports[32];

/* Who has been put there by a constructor. */
static bool (*attended)(void);

void environment_init(void)
{
	attended = dma_fence_park_attended;
}

void environment_reset(void)
{
	dma_fence_park_attended = explored()->attended ? attended : NULL;
	memset(reports, 0, sizeof(reports));
}

unsigned int model_reports(unsigned int reason)
{
	return reports[reason];
}

void dma_fence_report(enum dma_fence_report_reason reason, struct dma_fence *fence,
		      const char *format, ...)
{
	char text[300];
	va_list args;

	(void)fence;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	reports[reason]++;
	if (trace)
		fprintf(trace, "        reported: %s\n", text);
	if (!(explored()->reports & 1u << reason))
		failed(VERDICT_REPORT, "a report: %s", text);
}

uint32_t dma_fence_taint(void)
{
	uint32_t i, taint = 0;

	for (i = 0; i < 32; i++)
		taint |= (uint32_t)(reports[i] != 0) << i;
	return taint;
}

/* For scenarios */

void model_failed(const char *what, const char *file, int line)
{
	const char *slash = strrchr(file, '/');

	failed(VERDICT_ASSERTION, "not so: %s (%s:%d)", what, slash ? slash + 1 : file, line);
}

unsigned int model_choose(unsigned int count)
{
	current->op = (struct op){ .kind = OP_CHOOSE, .operand = count, .pc = caller() };
	take_step();
	return (unsigned int)current->op.result;
}
