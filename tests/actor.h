/* SPDX-License-Identifier: MIT */
/*
 * Threads that do one thing after another, each when it is told to: so that what several of them do
 * to each other reads as a list. Whether one sleeps is seen, and not hoped for: it has called the
 * futex, and the kernel says that it sleeps.
 *
 * For tests that consist of one file and are linked with --wrap=syscall, by which the futex calls
 * come here.
 */
#ifndef TESTS_ACTOR_H
#define TESTS_ACTOR_H

#include <semaphore.h>
#include <signal.h>

#include "support.h"

#include "base/futex.h"

/* What happens at once does so within this; what never happens is given up after it. */
#define AT_ONCE (5 * SECOND)

struct actor {
	struct dma_ww_acquire_ctx ctx;
	pthread_t thread;
	pid_t tid;
	sem_t told;
	int (*act)(struct actor *actor, void *arg);
	void *arg;
	int result, done;
	/* The word that it sleeps on, or is about to. */
	const void *sleeps_on;
	/* A signal handler runs when it is just about to sleep. */
	int signaled_before_sleep;
	/* When it is about to wake who sleeps on this word, it is held up. */
	const void *held_up_at;
	int held_up, go_on;
};

static _Thread_local struct actor *self;

/* Signal handlers that have run. */
static int handled;

static inline void count_handled(int signum)
{
	(void)signum;
	__atomic_fetch_add(&handled, 1, __ATOMIC_SEQ_CST);
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	const int what = number == FUTEX_CALL ? (int)(b & FUTEX_CMD_MASK) : -1;
	const bool sleeps = self && what == FUTEX_WAIT_BITSET;
	long ret;

	if (sleeps) {
		if (self->signaled_before_sleep)
			pthread_kill(pthread_self(), SIGUSR1);
		self->signaled_before_sleep = 0;
		atomic_store_release(&self->sleeps_on, (const void *)a);
	}
	if (self && what == FUTEX_WAKE && self->held_up_at == (const void *)a) {
		self->held_up_at = NULL;
		set_flag(&self->held_up);
		await_flag(&self->go_on);
	}
	ret = __real_syscall(number, a, b, c, d, e, f);
	if (sleeps)
		atomic_store_release(&self->sleeps_on, NULL);
	return ret;
}

static inline void *actor_run(void *arg)
{
	self = arg;
	self->tid = (pid_t)__real_syscall(SYS_gettid);
	for (;;) {
		while (sem_wait(&self->told))
			;
		if (!self->act)
			return NULL;
		self->result = self->act(self, self->arg);
		set_flag(&self->done);
	}
}

static inline struct actor *actor_create(void)
{
	struct actor *actor = calloc(1, sizeof(*actor));

	assert_non_null(actor);
	assert_int_equal(sem_init(&actor->told, 0, 0), 0);
	actor->done = 1;
	actor->thread = start(actor_run, actor);
	return actor;
}

/* Returns false, and leaves it as it is, if it is still busy: then something went wrong before. */
static inline bool actor_end(struct actor *actor)
{
	if (!atomic_load_acquire(&actor->done))
		return false;
	actor->act = NULL;
	sem_post(&actor->told);
	join(actor->thread);
	sem_destroy(&actor->told);
	free(actor);
	return true;
}

static inline void tell(struct actor *actor, int (*act)(struct actor *actor, void *arg), void *arg)
{
	assert_true(atomic_load_acquire(&actor->done));
	actor->act = act;
	actor->arg = arg;
	actor->done = 0;
	sem_post(&actor->told);
}

/* What came of it. */
static inline int outcome(struct actor *actor)
{
	assert_true(flag_within(&actor->done, AT_ONCE));
	return actor->result;
}

static inline int tell_and_await(struct actor *actor, int (*act)(struct actor *actor, void *arg),
				 void *arg)
{
	tell(actor, act, arg);
	return outcome(actor);
}

static inline bool kernel_says_it_sleeps(pid_t tid)
{
	char path[64], stat[256];
	const char *after_name;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(stat, sizeof(stat), file));
	fclose(file);
	after_name = strrchr(stat, ')');
	return after_name[2] == 'S';
}

static inline void assert_sleeps(struct actor *actor)
{
	const int64_t end = clock_now() + AT_ONCE;

	while (!atomic_load_acquire(&actor->sleeps_on) || !kernel_says_it_sleeps(actor->tid)) {
		assert_false(atomic_load_acquire(&actor->done));
		assert_true(clock_now() < end);
		sched_yield();
	}
}

/* Tells it to do something at which it has to fall asleep. */
static inline void tell_to_sleep(struct actor *actor, int (*act)(struct actor *actor, void *arg),
				 void *arg)
{
	tell(actor, act, arg);
	assert_sleeps(actor);
}

static inline void handle_signals(int flags)
{
	const struct sigaction action = { .sa_handler = count_handled, .sa_flags = flags };

	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
}

/* A signal handler runs in it while it sleeps. */
static inline void interrupt(struct actor *actor)
{
	const int before = __atomic_load_n(&handled, __ATOMIC_SEQ_CST);
	const int64_t end = clock_now() + AT_ONCE;

	assert_sleeps(actor);
	assert_int_equal(pthread_kill(actor->thread, SIGUSR1), 0);
	while (__atomic_load_n(&handled, __ATOMIC_SEQ_CST) == before) {
		assert_true(clock_now() < end);
		sched_yield();
	}
}

/* What all of them do: an acquire context of their own. */

static inline int begin(struct actor *actor, void *arg)
{
	(void)arg;
	dma_ww_acquire_init(&actor->ctx);
	return 0;
}

static inline int finish(struct actor *actor, void *arg)
{
	(void)arg;
	dma_ww_acquire_fini(&actor->ctx);
	return 0;
}

#endif
