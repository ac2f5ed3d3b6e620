/* SPDX-License-Identifier: MIT */
/* What makes it hard for the others: no fds for a while, and signal handlers that run at any time. */
#include <signal.h>
#include <sys/resource.h>

#include "soak.h"

#define ACTOR "scarcity"

/* Odd while fds are scarce. */
static int64_t epoch;
static pthread_mutex_t scarce = PTHREAD_MUTEX_INITIALIZER;

int64_t scarcity_begin(void)
{
	return atomic_load_acquire(&epoch);
}

void soak_may_fail(int error, int64_t begun, const char *file, int line)
{
	if (error != -EMFILE)
		soak_failed(file, line, "an error that may be", "error %d", error);
	if (!(begun % 2) && begun == atomic_load_acquire(&epoch))
		soak_failed(file, line, "an error that may be", "EMFILE, and there are fds");
	TALLY("calls without an fd");
}

void scarcity_forbid(void)
{
	pthread_mutex_lock(&scarce);
}

void scarcity_allow(void)
{
	pthread_mutex_unlock(&scarce);
}

static void be_scarce(struct worker *worker)
{
	struct rlimit before, limit;

	AT(worker, "waiting to make fds scarce");
	pthread_mutex_lock(&scarce);
	CHECK(!getrlimit(RLIMIT_NOFILE, &before));
	limit = before;
	/* The lowest fd that is free is beyond, or nearly. */
	limit.rlim_cur = 3 + below(worker, 64);
	atomic_store_release(&epoch, epoch + 1);
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
	AT(worker, "making fds scarce");
	soak_sleep((int64_t)below(worker, 3000) * US);
	CHECK(!setrlimit(RLIMIT_NOFILE, &before));
	atomic_store_release(&epoch, epoch + 1);
	pthread_mutex_unlock(&scarce);
	TALLY("times that fds were scarce");
	soak_sleep((int64_t)below(worker, 30) * MS);
}

const struct actor actor_scarcity = {
	.name = ACTOR,
	.threads = 1,
	.turn = be_scarce,
};

#undef ACTOR
#define ACTOR "interrupts"

static void interrupted(int signum)
{
	(void)signum;
}

static void begin(struct worker *main)
{
	struct sigaction action = { .sa_handler = interrupted };

	(void)main;
	sigaction(SIGUSR1, &action, NULL);
}

static void interrupt(struct worker *worker)
{
	AT(worker, "interrupting");
	soak_interrupt_one(worker);
	TALLY("signals sent");
	soak_sleep((int64_t)below(worker, 5000) * US);
}

const struct actor actor_interrupts = {
	.name = ACTOR,
	.threads = 1,
	.begin = begin,
	.turn = interrupt,
};
