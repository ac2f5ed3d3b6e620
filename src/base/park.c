/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/mutants.h"
#include "base/park.h"

/*
 * About what it costs to put a thread to sleep and to wake it again (the futex hand-off of bench:
 * 10 us on bare metal, two or three times that in a virtual machine): spinning for longer can no
 * longer win what it spends.
 */
#define SPIN_LONGEST_NS 10000

/* One wait in so many spins to the full, whatever was learnt. */
#define SPIN_TRY_AGAIN 32

static _Thread_local int32_t spin_ns = SPIN_LONGEST_NS;
static _Thread_local uint32_t spin_sleeps;

static bool only_one_cpu(void)
{
	static int cpus;
	int known = atomic_load_relaxed(&cpus);

	if (unlikely(!known)) {
		long online = sysconf(_SC_NPROCESSORS_ONLN);

		known = online == 1 ? 1 : 2;
		atomic_store_relaxed(&cpus, known);
	}
	return known == 1;
}

bool dma_fence_spin_more(struct spin *spin)
{
	int64_t now = clock_now();

	if (!spin->end)
		spin->end = now + (only_one_cpu() ? 0 : spin_ns);
	return now < spin->end;
}

void dma_fence_spin_learn(const struct spin *spin, bool success)
{
	if (success) {
		/* Ended before the clock was asked: nothing was learnt. */
		if (spin->end)
			spin_ns = SPIN_LONGEST_NS;
		return;
	}
	spin_ns = ++spin_sleeps % SPIN_TRY_AGAIN ? spin_ns / 2 : SPIN_LONGEST_NS;
}

int dma_fence_park_wait(const uint32_t *word, uint32_t value, int64_t deadline)
{
	/*
	 * Always with a time: the kernel restarts a futex wait without one behind the back of a
	 * caller whose handler was installed with SA_RESTART.
	 */
	struct timespec until = futex_time(deadline);

	if (!futex_wait(word, FUTEX_PRIVATE_FLAG, value,
			MUTANT(INTERRUPT_RESTARTS) && deadline == CLOCK_NEVER ? NULL : &until))
		return 0;
	return errno == ETIMEDOUT || errno == EINTR ? -errno : 0;
}

bool (*dma_fence_park_attended)(void);

int dma_fence_park_wait_attended(const uint32_t *word, uint32_t value, int64_t deadline)
{
	if (dma_fence_park_attended && !dma_fence_park_attended())
		return clock_now() < deadline ? 0 : -ETIMEDOUT;
	return dma_fence_park_wait(word, value, deadline);
}

void dma_fence_park_wake(const uint32_t *word)
{
	futex_wake(word, FUTEX_PRIVATE_FLAG, INT_MAX);
}

bool dma_fence_park_event_spin(struct park_event *event)
{
	struct spin spin = { 0 };
	uint32_t state;

	while ((state = atomic_load_acquire(&event->state)) != PARK_EVENT_POSTED) {
		if (!spin_once(&spin))
			break;
	}
	dma_fence_spin_learn(&spin, state == PARK_EVENT_POSTED);
	return state == PARK_EVENT_POSTED;
}

int dma_fence_park_event_sleep(struct park_event *event, bool interruptible, int64_t deadline)
{
	uint32_t state = atomic_load_acquire(&event->state);
	int ret;

	for (ret = 0; state != PARK_EVENT_POSTED; state = atomic_load_acquire(&event->state)) {
		if (ret == -ETIMEDOUT || (ret == -EINTR && interruptible))
			return ret;
		if (state == PARK_EVENT_NOT_YET &&
		    !atomic_cas_relaxed(&event->state, &state, PARK_EVENT_SLEEPING))
			continue;
		ret = dma_fence_park_wait_attended(&event->state, PARK_EVENT_SLEEPING, deadline);
	}
	return 0;
}

int dma_fence_park_event_wait(struct park_event *event, bool interruptible, int64_t deadline)
{
	if (dma_fence_park_event_spin(event))
		return 0;
	return dma_fence_park_event_sleep(event, interruptible, deadline);
}
