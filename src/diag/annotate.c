/* SPDX-License-Identifier: MIT */
/*
 * What a thread holds, and the sections it is in. Only it looks at that, so that nothing is locked.
 *
 * A lock that is given back by another thread than the one that took it is still on the list of the
 * latter. So each time that a lock is given back by who does not have it, that is counted, and the
 * count is kept by the lock's address, in a small table; whoever has taken such a lock when the count
 * was less does not have it any more. Where two addresses have one place in the table a lock may
 * seem to be given back that is not, and what is seen with it is not counted: never the other way.
 */
#include <pthread.h>
#include <stdlib.h>

#include <dmafence/annotate.h>
#include <dmafence/fence.h>

#include "base/debug.h"
#include "base/hooks.h"
#include "diag/annotate.h"
#include "diag/lock-graph.h"
#include "diag/mutants.h"
#include "diag/stack.h"
#include "fence/wait.h"

/* At once, on a thread: a job that locks many buffers holds as many. */
#define HELD_MOST     64
#define SECTIONS_MOST 8

#define HANDED 256

enum kind {
	OF_USER,
	WOUND_WAIT,
};

struct held {
	const void *lock;
	const char *name;
	enum kind kind;
	lock_class_t class; /* NO_CLASS until it is needed */
	uint32_t stack;
	uint64_t since; /* of 'handed' */
};

struct section {
	const void *callback; /* NULL: one that the thread has begun itself */
	uint32_t stack;	      /* where; not of a callback, whose stack is below what it does */
};

struct thread {
	struct held held[HELD_MOST];
	uint32_t num_held;
	uint32_t unknown_held; /* more than there is room for */
	struct section sections[SECTIONS_MOST];
	uint32_t num_sections;
	uint32_t unknown_sections;
	bool busy; /* with a report, whose handler may take locks */
};

/* Not in the thread-local memory itself, of which a library has little. */
static _Thread_local struct thread *this_thread;
static pthread_key_t key;

static uint64_t handed_count;
static uint64_t handed[HANDED];

static void forget_thread(void *arg)
{
	free(arg);
	this_thread = NULL;
}

/* NULL if there is no memory: then nothing is known of it. */
static struct thread *find_thread(void)
{
	struct thread *thread = this_thread;

	if (thread)
		return thread;
	thread = calloc(1, sizeof(*thread));
	if (thread && pthread_setspecific(key, thread)) {
		free(thread);
		thread = NULL;
	}
	this_thread = thread;
	return thread;
}

/* Handing over */

static uint64_t *handed_of(const void *lock)
{
	return &handed[((uintptr_t)lock * UINT64_C(0x9e3779b97f4a7c15)) >> 56];
}

static void hand_over(const void *lock)
{
	uint64_t *place = handed_of(lock), now = atomic_fetch_add_relaxed(&handed_count, 1) + 1;
	uint64_t before = atomic_load_relaxed(place);

	while (before < now && !atomic_cas_relaxed(place, &before, now))
		;
}

static bool is_handed_over(const struct held *held)
{
	return !MUTANT(HANDED_STAYS_HELD) &&
	       atomic_load_relaxed(handed_of(held->lock)) > held->since;
}

static void take_out(struct thread *thread, uint32_t i)
{
	for (thread->num_held--; i < thread->num_held; i++)
		thread->held[i] = thread->held[i + 1];
}

static void take_out_handed_over(struct thread *thread)
{
	uint32_t i = thread->num_held;

	while (i--) {
		if (is_handed_over(&thread->held[i]))
			take_out(thread, i);
	}
}

/* Edges */

static lock_class_t class_of(struct held *held)
{
	if (held->class)
		return held->class;
	if (held->kind == WOUND_WAIT)
		held->class = dma_fence_class_of_ww_locks();
	else if (held->name)
		held->class = dma_fence_class_of_name(held->name);
	else
		held->class = dma_fence_class_of_lock(held->lock);
	return held->class;
}

static void add(lock_class_t from, uint32_t from_stack, const void *callback, lock_class_t to,
		uint32_t to_stack)
{
	const struct lock_edge edge = {
		.from = from,
		.to = to,
		.from_stack = from_stack,
		.to_stack = to_stack,
		.callback = callback,
	};

	if (from && to && from != to)
		dma_fence_lock_graph_add(&edge);
}

/* The section comes first: what is wrong without any lock is not the lock's fault. */
static void add_all(struct thread *thread, lock_class_t to, uint32_t to_stack, bool to_lock)
{
	uint32_t i = 0;

	thread->busy = true;
	if (thread->num_sections && !(MUTANT(SECTION_FORGETS_LOCKS) && to_lock)) {
		const struct section *section = &thread->sections[thread->num_sections - 1];

		add(SIGNALLING_CLASS, section->stack, section->callback, to, to_stack);
	}
	if (MUTANT(LAST_LOCK_ALONE) && thread->num_held)
		i = thread->num_held - 1;
	for (; i < thread->num_held; i++)
		add(class_of(&thread->held[i]), thread->held[i].stack, NULL, to, to_stack);
	thread->busy = false;
}

/* Locks */

static bool holds(const struct thread *thread, const void *lock)
{
	uint32_t i;

	for (i = 0; i < thread->num_held; i++) {
		if (thread->held[i].lock == lock)
			return true;
	}
	return false;
}

static __attribute__((noinline, cold)) void lock(const void *address, const char *name,
						 enum kind kind, bool waits)
{
	struct thread *thread = find_thread();
	struct held held = { .lock = address, .name = name, .kind = kind };

	if (!thread || thread->busy)
		return;
	take_out_handed_over(thread);
	held.stack = dma_fence_stack_here();
	held.since = atomic_load_relaxed(&handed_count);
	/* What it has already it does not wait for. */
	if ((waits || MUTANT(TRIED_IS_WAITED_FOR)) && !holds(thread, address) &&
	    (thread->num_held || thread->num_sections))
		add_all(thread, class_of(&held), held.stack, true);
	if (thread->num_held < HELD_MOST) {
		thread->held[thread->num_held++] = held;
	} else {
		thread->unknown_held++;
		dma_fence_lock_graph_miss();
	}
}

static __attribute__((noinline, cold)) void unlock(const void *address)
{
	struct thread *thread = find_thread();
	uint32_t i;

	if (!thread || thread->busy)
		return;
	for (i = thread->num_held; i--;) {
		if (thread->held[i].lock == address) {
			take_out(thread, i);
			return;
		}
	}
	if (thread->unknown_held)
		thread->unknown_held--;
	else
		hand_over(address);
}

void dma_fence_annotate_lock(const void *address, const char *name)
{
	if (debug(DEBUG_SIGNALLING))
		lock(address, name, OF_USER, true);
}

void dma_fence_annotate_trylock(const void *address, const char *name)
{
	if (debug(DEBUG_SIGNALLING))
		lock(address, name, OF_USER, false);
}

void dma_fence_annotate_unlock(const void *address)
{
	if (debug(DEBUG_SIGNALLING))
		unlock(address);
}

static void on_lock(struct dma_ww_mutex *mutex, bool waits)
{
	lock(mutex, NULL, WOUND_WAIT, waits);
}

static void on_unlock(struct dma_ww_mutex *mutex)
{
	unlock(mutex);
}

/* Waits */

static __attribute__((noinline, cold)) void might_wait(const char *function)
{
	struct thread *thread = this_thread;
	uint32_t stack;

	if (!thread || thread->busy)
		return;
	take_out_handed_over(thread);
	if (!thread->num_held && !thread->num_sections)
		return;
	stack = dma_fence_stack_here();
	add_all(thread, dma_fence_class_of_wait(function, stack), stack, false);
}

void dma_fence_might_wait(void)
{
	if (debug(DEBUG_SIGNALLING))
		might_wait(__func__);
}

/* Sections */

static void push_section(struct thread *thread, const struct section *section)
{
	if (thread->num_sections < SECTIONS_MOST)
		thread->sections[thread->num_sections++] = *section;
	else
		thread->unknown_sections++;
}

static void pop_section(struct thread *thread)
{
	if (thread->unknown_sections)
		thread->unknown_sections--;
	else
		thread->num_sections--;
}

/* As the kernel's: the cookie of what need not be ended is true. */
static __attribute__((noinline, cold)) bool begin_signalling(void)
{
	struct thread *thread = find_thread();
	struct section section = { 0 };

	if (!thread || thread->busy || thread->num_sections)
		return true;
	section.stack = dma_fence_stack_here();
	push_section(thread, &section);
	return false;
}

static __attribute__((noinline, cold)) void end_signalling(void)
{
	struct thread *thread = find_thread();

	if (thread && !thread->busy && thread->num_sections &&
	    !thread->sections[thread->num_sections - 1].callback)
		pop_section(thread);
}

bool dma_fence_begin_signalling(void)
{
	return debug(DEBUG_SIGNALLING) ? begin_signalling() : true;
}

void dma_fence_end_signalling(bool cookie)
{
	if (!cookie && debug(DEBUG_SIGNALLING))
		end_signalling();
}

static void on_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct thread *thread = find_thread();
	struct section section = { .callback = (const void *)(uintptr_t)cb->func };

	(void)fence;
	if (thread && !MUTANT(CALLBACK_IN_NO_SECTION))
		push_section(thread, &section);
}

static void on_callback_end(void)
{
	struct thread *thread = find_thread();

	/* The one that has switched this on began before. */
	if (thread && thread->num_sections && thread->sections[thread->num_sections - 1].callback)
		pop_section(thread);
}

/* Starting */

static const struct hooks hooks = {
	.wait = might_wait,
	.callback = on_callback,
	.callback_end = on_callback_end,
	.lock = on_lock,
	.unlock = on_unlock,
};

static void start(void)
{
	if (pthread_key_create(&key, forget_thread))
		return;
	dma_fence_stack_init();
	dma_fence_hooks_add(&hooks);
	dma_fence_waits_tell();
	dma_fence_debug_set(DEBUG_SIGNALLING);
	dma_fence_debug_set(DEBUG_LOCKS);
}

void dma_fence_annotate_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, start);
}
