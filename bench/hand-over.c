/* SPDX-License-Identifier: MIT */
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dmafence/fence.h>

#include "base/atomic.h"
#include "embedded-fence.h"
#include "hand-over.h"
#include "harness.h"
#include "sleepers.h"

long bench_futex_wake(uint32_t *futex)
{
	return syscall(SYS_futex, futex, FUTEX_WAKE_PRIVATE, 1);
}

static long futex_wait(uint32_t *futex, uint32_t value)
{
	return syscall(SYS_futex, futex, FUTEX_WAIT_PRIVATE, value, NULL);
}

/*
 * A sleeping waiter. What is measured is the time from just before the signal, on the one thread,
 * to the return of the wait, on the other. Bare, the signal is a store and a futex wake of one
 * thread, the wait a futex wait without a timeout. The fence's time includes all that
 * dma_fence_signal() does, clock read and all, and all that dma_fence_wait() does once it runs
 * again. What a wait does before it sleeps is over by then.
 *
 * The second thread goes for its sleep only when told to, and waits for that spinning, so that
 * when it is asleep it is asleep in the wait. That it is, /proc says.
 */
enum sleeper_kind {
	SLEEPER_BARE,
	SLEEPER_FENCE,
	SLEEPER_KINDS = BENCH_SLEEPING_ROWS,
};

struct sleeper {
	uint64_t samples;
	/* Each is the number of the sample in which that has been reached. */
	uint64_t told __attribute__((aligned(CACHE_LINE)));
	uint64_t waiting __attribute__((aligned(CACHE_LINE)));
	uint64_t woken;
	int64_t woken_at;
	pid_t thread;
	uint32_t futex __attribute__((aligned(CACHE_LINE)));
	struct aligned_fence fence;
};

static enum sleeper_kind sleeper_kind(uint64_t sample)
{
	return sample % SLEEPER_KINDS;
}

static void *sleeper_run(void *argument)
{
	struct sleeper *sleeper = argument;
	uint64_t sample;

	bench_pin_second();
	sleeper->thread = (pid_t)syscall(SYS_gettid);
	for (sample = 1; sample <= sleeper->samples; sample++) {
		bench_spin_until(&sleeper->told, sample);
		atomic_store_release(&sleeper->waiting, sample);
		if (sleeper_kind(sample) == SLEEPER_BARE) {
			while (!atomic_load_acquire(&sleeper->futex))
				futex_wait(&sleeper->futex, 0);
		} else {
			dma_fence_wait(&sleeper->fence.fence, false);
		}
		sleeper->woken_at = bench_now();
		atomic_store_release(&sleeper->woken, sample);
	}
	return NULL;
}

static double sleeper_sample(struct sleeper *sleeper, uint64_t sample, int *state)
{
	int64_t begin;

	sleeper->futex = 0;
	dma_fence_init(&sleeper->fence.fence, &embedded_ops, 1, sample);
	atomic_store_release(&sleeper->told, sample);
	bench_spin_until(&sleeper->waiting, sample);
	if (*state < 0)
		*state = bench_open_state(getpid(), sleeper->thread);
	bench_see_asleep(*state);

	begin = bench_now();
	if (sleeper_kind(sample) == SLEEPER_BARE) {
		atomic_store_release(&sleeper->futex, 1);
		bench_futex_wake(&sleeper->futex);
	} else {
		dma_fence_signal(&sleeper->fence.fence);
	}
	bench_spin_until(&sleeper->woken, sample);
	return (double)(sleeper->woken_at - begin);
}

void bench_wake_sleeping(uint64_t ops, double *results, const void *parameters)
{
	static struct sleeper sleeper;
	double *samples[SLEEPER_KINDS];
	pthread_t thread;
	uint64_t sample;
	int kind, state = -1;

	(void)parameters;
	memset(&sleeper, 0, sizeof(sleeper));
	sleeper.samples = ops * SLEEPER_KINDS;
	for (kind = 0; kind < SLEEPER_KINDS; kind++)
		samples[kind] = bench_new_samples(ops);
	thread = bench_start_thread(sleeper_run, &sleeper);
	for (sample = 1; sample <= sleeper.samples; sample++)
		samples[sleeper_kind(sample)][(sample - 1) / SLEEPER_KINDS] =
			sleeper_sample(&sleeper, sample, &state);
	pthread_join(thread, NULL);
	close(state);
	for (kind = 0; kind < SLEEPER_KINDS; kind++) {
		results[kind] = bench_median(samples[kind], ops);
		free(samples[kind]);
	}
}

/*
 * A spinning waiter. Two threads hand over to each other in turn, for a number of rounds; half a
 * round is one hand-over, from just before the signal to the return of the wait.
 *
 * Every hand-over has a cache line of its own, because a fence signals once. The thread that will
 * signal a fence has initialised it before, and outside of what is timed. The fences lie in arrays
 * that fit the first-level cache.
 *
 * The bare variant does the same with a bare flag in place of each fence: an array of lines, each
 * written beforehand by the thread that will set it, each first looked at by the other thread when
 * it begins to wait for it (which shares the line), then set (which takes it back), then seen. So
 * the same lines go to and fro in the same order, the waiter's loop has the same pause instruction,
 * and what differs is the fence. A bare hand-over that uses one line again and again saves the
 * waiter's first look, but is no floor for something that signals once; it is measured too, to show
 * what that comes to.
 *
 * The clock is read once before and once after all rounds of a sample, and where
 * dma_fence_signal() does it.
 */
enum spinner_kind {
	SPINNER_SAME_LINE,
	SPINNER_BARE,
	SPINNER_FENCE,
	SPINNER_FENCE_NO_CLOCK,
	SPINNER_KINDS = BENCH_SPINNING_ROWS,
};

#define ROUNDS 64

struct spinner_line {
	uint64_t value;
} __attribute__((aligned(CACHE_LINE)));

/* What one of the threads signals; the first element is for the round that is not timed. */
struct spinner_side {
	struct spinner_line same;
	struct spinner_line lines[1 + ROUNDS];
	struct aligned_fence fences[1 + ROUNDS];
};

struct spinner {
	uint64_t samples;
	uint64_t told __attribute__((aligned(CACHE_LINE)));
	uint64_t ready __attribute__((aligned(CACHE_LINE)));
	struct spinner_side first, second;
};

static enum spinner_kind spinner_kind(uint64_t sample)
{
	return sample % SPINNER_KINDS;
}

static void spinner_prepare(struct spinner_side *side)
{
	int i;

	side->same.value = 0;
	for (i = 0; i <= ROUNDS; i++) {
		side->lines[i].value = 0;
		dma_fence_init(&side->fences[i].fence, &embedded_ops, 1, (uint64_t)i);
	}
}

static inline __attribute__((always_inline)) void spinner_signal(struct spinner_side *side,
								 int round, enum spinner_kind kind)
{
	switch (kind) {
	case SPINNER_SAME_LINE:
		atomic_store_release(&side->same.value, 1 + (uint64_t)round);
		break;
	case SPINNER_BARE:
		atomic_store_release(&side->lines[round].value, 1);
		break;
	case SPINNER_FENCE:
		dma_fence_signal(&side->fences[round].fence);
		break;
	default:
		dma_fence_signal_timestamp(&side->fences[round].fence, SOME_TIME);
		break;
	}
}

static inline __attribute__((always_inline)) void spinner_wait(struct spinner_side *side, int round,
							       enum spinner_kind kind)
{
	switch (kind) {
	case SPINNER_SAME_LINE:
		bench_spin_until(&side->same.value, 1 + (uint64_t)round);
		break;
	case SPINNER_BARE:
		bench_spin_until(&side->lines[round].value, 1);
		break;
	default:
		dma_fence_wait(&side->fences[round].fence, false);
		break;
	}
}

/* Inlined for every kind, so that none of them pays for telling them apart. */
static inline __attribute__((always_inline)) void spinner_first(struct spinner *spinner, int from,
								int to, enum spinner_kind kind)
{
	int round;

	for (round = from; round < to; round++) {
		spinner_signal(&spinner->first, round, kind);
		spinner_wait(&spinner->second, round, kind);
	}
}

static inline __attribute__((always_inline)) void spinner_second(struct spinner *spinner,
								 enum spinner_kind kind)
{
	int round;

	for (round = 0; round <= ROUNDS; round++) {
		spinner_wait(&spinner->first, round, kind);
		spinner_signal(&spinner->second, round, kind);
	}
}

static void *spinner_run(void *argument)
{
	struct spinner *spinner = argument;
	uint64_t sample;

	bench_pin_second();
	for (sample = 1; sample <= spinner->samples; sample++) {
		bench_spin_until(&spinner->told, sample);
		spinner_prepare(&spinner->second);
		atomic_store_release(&spinner->ready, sample);
		switch (spinner_kind(sample)) {
		case SPINNER_SAME_LINE:
			spinner_second(spinner, SPINNER_SAME_LINE);
			break;
		case SPINNER_BARE:
			spinner_second(spinner, SPINNER_BARE);
			break;
		case SPINNER_FENCE:
			spinner_second(spinner, SPINNER_FENCE);
			break;
		default:
			spinner_second(spinner, SPINNER_FENCE_NO_CLOCK);
			break;
		}
	}
	return NULL;
}

static inline __attribute__((always_inline)) double spinner_time(struct spinner *spinner,
								 enum spinner_kind kind)
{
	int64_t begin;

	/* One round for both to arrive. */
	spinner_first(spinner, 0, 1, kind);
	begin = bench_now();
	spinner_first(spinner, 1, 1 + ROUNDS, kind);
	return (double)(bench_now() - begin) / (2 * ROUNDS);
}

static double spinner_sample(struct spinner *spinner, uint64_t sample)
{
	spinner_prepare(&spinner->first);
	atomic_store_release(&spinner->told, sample);
	bench_spin_until(&spinner->ready, sample);
	switch (spinner_kind(sample)) {
	case SPINNER_SAME_LINE:
		return spinner_time(spinner, SPINNER_SAME_LINE);
	case SPINNER_BARE:
		return spinner_time(spinner, SPINNER_BARE);
	case SPINNER_FENCE:
		return spinner_time(spinner, SPINNER_FENCE);
	default:
		return spinner_time(spinner, SPINNER_FENCE_NO_CLOCK);
	}
}

void bench_wake_spinning(uint64_t ops, double *results, const void *parameters)
{
	static struct spinner spinner;
	/* Operations are hand-overs, of which a sample times two a round. */
	uint64_t each = ops / (2 * ROUNDS) + 1, sample;
	double *samples[SPINNER_KINDS];
	pthread_t thread;
	int kind;

	(void)parameters;
	memset(&spinner, 0, sizeof(spinner));
	spinner.samples = each * SPINNER_KINDS;
	for (kind = 0; kind < SPINNER_KINDS; kind++)
		samples[kind] = bench_new_samples(each);
	thread = bench_start_thread(spinner_run, &spinner);
	for (sample = 1; sample <= spinner.samples; sample++)
		samples[spinner_kind(sample)][(sample - 1) / SPINNER_KINDS] =
			spinner_sample(&spinner, sample);
	pthread_join(thread, NULL);
	for (kind = 0; kind < SPINNER_KINDS; kind++) {
		results[kind] = bench_median(samples[kind], each);
		free(samples[kind]);
	}
}
