/* SPDX-License-Identifier: MIT */
/*
 * A soak: everything at once, for as long as one likes.
 *
 * An actor is a part of the library in use: threads, each of which does something at random, turn
 * after turn. What one makes others use: fences go into a pool, from which every actor takes.
 *
 * A run is a number of rounds. In each all actors work for a while; then their threads end, what
 * they had is dropped, and nothing may be left: no fence, fd, thread or memory, and no report may
 * have been made. Meanwhile each actor checks what the headers promise of what it does.
 *
 * So that nobody waits in a circle: a fence depends only on fences that were there before it, and
 * each fence that depends on none is kept by its worker until the worker has signaled it. So a
 * worker that has such fences never waits without a limit for what is in the pool. Others may.
 */
#ifndef TESTS_SOAK_SOAK_H
#define TESTS_SOAK_SOAK_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <dmafence/dmafence.h>

#include "base/atomic.h"
#include "base/clock.h"

#define US     INT64_C(1000)
#define MS     (1000 * US)
#define SECOND (1000 * MS)

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
/* How much longer whatever it is may take. */
#define PATIENCE 4
#else
#define SANITIZED false
#define PATIENCE  1
#endif

#define MOST_OWN 32

struct worker;

struct actor {
	const char *name;
	unsigned int threads;
	/* Before and after each round, on the main thread, and each may be NULL. */
	void (*begin)(struct worker *main);
	void (*end)(struct worker *main);
	/* In each thread: once before its turns, again and again, and once after them. */
	void (*enter)(struct worker *worker);
	void (*turn)(struct worker *worker);
	void (*leave)(struct worker *worker);
	/* fork() in a process with threads: sanitizers cannot do it. */
	bool forks;
};

/* What a worker can be told apart by, and is doing. */
struct worker {
	const struct actor *actor;
	unsigned int number;
	pthread_t thread;
	pid_t tid;
	uint64_t random;
	/* Of what turn, since when, and where in it: for who looks for what hangs. */
	uint64_t turns;
	int64_t since;
	const char *at;
	/* Its fences that are pending. */
	struct dma_fence *own[MOST_OWN];
	unsigned int num_own;
	uint64_t context, seqno;
	/* The actor's. */
	void *state;
};

/* The actors, each in a file that says what it does. */
extern const struct actor actor_fences, actor_waiters, actor_contexts, actor_containers,
	actor_locks, actor_files, actor_watchers, actor_syncobjs, actor_peers, actor_forks,
	actor_readers, actor_scarcity, actor_interrupts;
#ifdef HAVE_SOFTGPU
extern const struct actor actor_softgpu;
#endif

/* Whether the round is over; for loops within a turn. */
bool soak_over(void);

/* How often something was done. Those that never were are told of at the end, too. */
struct tally {
	const char *actor;
	const char *what;
	uint64_t count;
} __attribute__((aligned(32)));

#define TALLY_ADD(name, number) \
	do { \
		static struct tally tally_ \
			__attribute__((section("soak_tallies"), used)) = { ACTOR, (name), 0 }; \
		atomic_fetch_add_relaxed(&tally_.count, (uint64_t)(number)); \
	} while (0)
#define TALLY(name) TALLY_ADD(name, 1)

/* What does not hold ends the run, and says what and where. */
__attribute__((noreturn, format(printf, 4, 5))) void
soak_failed(const char *file, int line, const char *what, const char *format, ...);

/* A signal handler that says where. */
__attribute__((noreturn)) void soak_crashed(int signum);

#define CHECK(holds, ...) \
	do { \
		if (!(holds)) \
			soak_failed(__FILE__, __LINE__, #holds, " " __VA_ARGS__); \
	} while (0)

/* Where a worker is: a string that stays. */
#define AT(worker, where) atomic_store_relaxed(&(worker)->at, (where))

static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline unsigned int below(struct worker *worker, unsigned int end)
{
	return (unsigned int)((random_next(&worker->random) >> 32) % end);
}

static inline bool one_in(struct worker *worker, unsigned int times)
{
	return below(worker, times) == 0;
}

void soak_sleep(int64_t ns);

/* Has a signal handler run on one of the workers. */
void soak_interrupt_one(struct worker *worker);

/* Seldom more than the time. The library promises no bound, and a machine with other work has none. */
static inline int64_t some_time(struct worker *worker)
{
	return one_in(worker, 4) ? 0 : (int64_t)below(worker, 2000) * US;
}

/* Fences that depend on nothing. */

/* A new one, which the worker signals within some turns of its own; with a reference. */
struct dma_fence *fence_create(struct worker *worker);

/* Signals one of the worker's, or all of them. */
void fence_signal_one(struct worker *worker);
void fence_signal_all(struct worker *worker);

/* Whether it is such a fence, how it ends, and 0 or its error: known before it does. */
bool fence_is_plain(struct dma_fence *fence);
int fence_will_be(struct dma_fence *fence);

/* It has ended, and everything that is known of it says so. */
void fence_check_done(struct dma_fence *fence);

/* Asked from whatever state it is in; and, if it is done, the above. Returns whether it is. */
bool fence_look(struct worker *worker, struct dma_fence *fence);

/* For what was not signaled yet: how many of the plain fences are there. */
uint64_t fences_alive(void);

/* The pool. */

/* Takes the reference over. */
void pool_add(struct worker *worker, struct dma_fence *fence);

/* With a reference, or NULL. A leaf is no container. */
struct dma_fence *pool_get(struct worker *worker);
struct dma_fence *pool_get_leaf(struct worker *worker);

void pool_empty(void);

/* Fds. */

/* Whether there is no room for fds at times, by the actor for that. */
int64_t scarcity_begin(void);

/*
 * Whether an error may be one of fds that could not be had since _begin(); for all others this is a
 * failure. Says where.
 */
#define MAY_FAIL(error, begun) soak_may_fail((error), (begun), __FILE__, __LINE__)
void soak_may_fail(int error, int64_t begun, const char *file, int line);

/* While these are held there is no scarcity: for what cannot do with it. */
void scarcity_forbid(void);
void scarcity_allow(void);

/* Peers, which are this very program. */
int peer_main(int argc, char **argv);

#endif
