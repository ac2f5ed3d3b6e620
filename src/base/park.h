/* SPDX-License-Identifier: MIT */
/*
 * Parking: how a thread waits for a word in memory to change.
 *
 * A waiter first spins, because a hand-over between two running threads takes a tenth of a
 * microsecond and a sleep takes many, and then sleeps in the kernel (futex) until it is woken, its
 * deadline comes or a signal handler has run. Nobody polls a sleeping thread's word for it.
 *
 * How long to spin is learnt per thread: a wait that spinning ended makes the next one spin as
 * long as the longest allowed; one that had to sleep after all halves it. So a thread whose waits
 * are always long soon pays next to nothing for spinning, and tries a full spin now and then to
 * see whether that has changed.
 */
#ifndef DMAFENCE_BASE_PARK_H
#define DMAFENCE_BASE_PARK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

/* Spinning */

struct spin {
	int64_t end;	/* when to stop, 0 while not yet computed */
	uint32_t turns; /* looks taken so far */
};

/* Looks that are taken before the clock is read for the first time. */
#define SPIN_FREE_TURNS MODEL_OR(1, 16)

bool dma_fence_spin_more(struct spin *spin);
void dma_fence_spin_learn(const struct spin *spin, bool success);

/**
 * spin_once - waits a moment between two looks at a word
 * @spin: zeroed by the caller before the first look
 *
 * Returns false when it is time to sleep.
 */
static inline bool spin_once(struct spin *spin)
{
	if (++spin->turns % SPIN_FREE_TURNS == 0)
		return dma_fence_spin_more(spin);
	cpu_relax();
	return true;
}

/* Looks at what is held for a few instructions: past this its holder has been preempted. */
#define SPIN_BRIEF_TURNS MODEL_OR(1, 100)

/* As spin_once(), for that; 'turns' begins with 0. */
static inline bool spin_briefly(uint32_t *turns)
{
	if (++*turns >= SPIN_BRIEF_TURNS)
		return false;
	cpu_relax();
	return true;
}

/* Sleeping */

/**
 * dma_fence_park_wait - sleeps while a word has a value
 * @word: the word; only threads of this process wake its waiters
 * @value: returns at once unless the word still has this value
 * @deadline: time of CLOCK_MONOTONIC in ns, CLOCK_NEVER for none
 *
 * Returns 0 when woken, when the value differed, or for no reason at all: the caller looks again.
 * -ETIMEDOUT when the deadline came, -EINTR when a signal handler ran, however that handler was
 * installed (SA_RESTART or not).
 */
int dma_fence_park_wait(const uint32_t *word, uint32_t value, int64_t deadline);

/*
 * Asked before a thread sleeps until others have done something, where they may be such as have to
 * be there first (fd/watcher.h). False: the thread has done some of it itself, and looks again.
 */
extern bool (*dma_fence_park_attended)(void);

/* dma_fence_park_wait() that asks that. */
int dma_fence_park_wait_attended(const uint32_t *word, uint32_t value, int64_t deadline);

/**
 * dma_fence_park_wake - wakes every thread that sleeps on a word
 * @word: the word. It may have ceased to exist: the address alone is used.
 *
 * A system call, about 150 ns with nobody there: callers keep track of whether somebody sleeps.
 */
void dma_fence_park_wake(const uint32_t *word);

/* The half of a 64-bit word that holds its low bits, for a futex is 32 bits wide. */
static inline const uint32_t *park_low_half(const uint64_t *word)
{
	const uint32_t *half = (const uint32_t *)(const void *)word;

	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? half + 1 : half;
}

/*
 * An event that one thread waits for and any number of others post: it happens once.
 */
struct park_event {
	uint32_t state;
};

enum park_event_state {
	PARK_EVENT_NOT_YET,
	PARK_EVENT_SLEEPING,
	PARK_EVENT_POSTED,
};

/*
 * Posts the event. What the poster did before is seen by the waiter. Once posted, the event may
 * cease to exist: of its memory only the address is used after that.
 */
static inline void park_event_post(struct park_event *event)
{
	if (atomic_exchange_acq_rel(&event->state, PARK_EVENT_POSTED) == PARK_EVENT_SLEEPING)
		dma_fence_park_wake(&event->state);
}

/*
 * Its owner wants to wait for it again, and looks, after this, for what it was posted for before.
 */
static inline void park_event_again(struct park_event *event)
{
	atomic_exchange_acquire(&event->state, PARK_EVENT_NOT_YET);
}

/**
 * dma_fence_park_event_wait - waits until an event is posted
 * @event: zeroed by its owner beforehand, who alone may wait for it
 * @interruptible: whether a signal handler ends the wait
 * @deadline: as for dma_fence_park_wait()
 *
 * Returns 0 when the event has been posted, else -ETIMEDOUT or -EINTR.
 */
int dma_fence_park_event_wait(struct park_event *event, bool interruptible, int64_t deadline);

/* Its two parts: whether it has been posted, after some looks; and sleeping until it is. */
bool dma_fence_park_event_spin(struct park_event *event);
int dma_fence_park_event_sleep(struct park_event *event, bool interruptible, int64_t deadline);

#endif
