/* SPDX-License-Identifier: MIT */
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "thread.h"
#include "explore.h"

struct thread threads[THREADS];
struct thread *current = &threads[THREAD_MAIN];

/* Of the program; the C library's are its own business. */
#define TLS_MAX 1024
static char *tls;
static size_t tls_size;
static char tls_first[TLS_MAX];
static char tls_of[THREADS][TLS_MAX];

static sigjmp_buf driver;
static ucontext_t driver_context;

static int find_tls(struct dl_phdr_info *info, size_t size, void *arg)
{
	int i;

	(void)size;
	(void)arg;
	for (i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_TLS) {
			tls = info->dlpi_tls_data;
			tls_size = info->dlpi_phdr[i].p_memsz;
		}
	}
	return 1; /* the first one is the program */
}

/* The bottom of a coroutine: each run of its thread begins here. */
static void coroutine(void)
{
	struct thread *thread = current;

	sigsetjmp(thread->top, 0);
	thread = current;
	if (!thread->started)
		setcontext(&driver_context); /* made, and not to run yet */
	thread->func();
	thread->finished = true;
	thread_finished();
}

void threads_init(void)
{
	unsigned int i;

	dl_iterate_phdr(find_tls, NULL);
	if (tls_size > TLS_MAX)
		abort();
	memcpy(tls_first, tls, tls_size);

	for (i = 0; i < THREADS; i++) {
		static ucontext_t context;

		threads[i].index = i;
		threads[i].stack =
			mmap(STACKS + i * STACK_DISTANCE, STACK_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (threads[i].stack == MAP_FAILED)
			abort();
		getcontext(&context);
		context.uc_stack.ss_sp = threads[i].stack;
		context.uc_stack.ss_size = STACK_SIZE;
		context.uc_link = NULL;
		makecontext(&context, coroutine, 0);
		current = &threads[i];
		swapcontext(&driver_context, &context);
	}
}

void threads_reset(void)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		struct thread *thread = &threads[i];

		memset(&thread->exists, 0,
		       offsetof(struct thread, stack) - offsetof(struct thread, exists));
		thread->func = NULL;
		thread->hb.of[i] = 1;
		thread->seen.of[i] = 1;
		memcpy(tls_of[i], tls_first, tls_size);
	}
	current = &threads[THREAD_MAIN];
	memcpy(tls, tls_first, tls_size);
}

void thread_switch(struct thread *thread)
{
	struct thread *from = current;

	if (thread != from) {
		memcpy(tls_of[from->index], tls, tls_size);
		memcpy(tls, tls_of[thread->index], tls_size);
		from->sp = __builtin_frame_address(0);
		current = thread;
		if (sigsetjmp(from->here, 0))
			return;
	} else if (thread->started) {
		return;
	}
	if (!thread->started) {
		thread->started = true;
		siglongjmp(thread->top, 1);
	}
	siglongjmp(thread->here, 1);
}

void threads_run(void (*func)(void))
{
	threads[THREAD_MAIN].func = func;
	threads[THREAD_MAIN].started = true;
	if (!sigsetjmp(driver, 0))
		siglongjmp(threads[THREAD_MAIN].top, 1);
	memcpy(tls, tls_first, tls_size);
}

void threads_leave(void)
{
	siglongjmp(driver, 1);
}

bool thread_local_address(const char *address)
{
	return address >= tls && address < tls + tls_size;
}
