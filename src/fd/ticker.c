/* SPDX-License-Identifier: MIT */
/* The ticks are a ring, of which the first is the one that was not looked at for longest. */
#include <errno.h>
#include <stddef.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/lock.h"
#include "fd/mutants.h"
#include "fd/ticker.h"
#include "fd/watcher.h"

static void timer_ready(struct watch *watch);
static bool timer_hold(struct watch *watch);

static const struct watch_ops timer_ops = {
	.ready = timer_ready,
	.hold = timer_hold,
};

static struct {
	struct lock lock;
	uint32_t registered;
	uint32_t rounds;
	struct tick *first;
	struct watch watch;
} ticker = {
	.watch = { .ops = &timer_ops, .fd = -1, .lasting = true },
};

/* With the lock held */

static void insert_last(struct tick *tick)
{
	if (!ticker.first) {
		ticker.first = tick;
		tick->next = tick;
		tick->prev = tick;
		return;
	}
	tick->next = ticker.first;
	tick->prev = ticker.first->prev;
	tick->prev->next = tick;
	tick->next->prev = tick;
}

static void take_out(struct tick *tick)
{
	if (tick->next == tick) {
		ticker.first = NULL;
		return;
	}
	tick->prev->next = tick->next;
	tick->next->prev = tick->prev;
	if (ticker.first == tick)
		ticker.first = tick->next;
}

static void set_timer(long nanoseconds)
{
	const struct itimerspec time = {
		.it_value.tv_nsec = nanoseconds,
		.it_interval.tv_nsec = nanoseconds,
	};

	timerfd_settime(ticker.watch.fd, 0, &time, NULL);
}

/* Without it: the timer has expired. Several threads may come here. */
static void timer_ready(struct watch *watch)
{
	struct tick *tick;
	uint64_t expired;
	uint32_t round;

	lock_acquire(&ticker.lock);
	if (watch->fd < 0 || read(watch->fd, &expired, sizeof(expired)) < 0) {
		lock_release(&ticker.lock);
		return;
	}
	round = ++ticker.rounds;
	while ((tick = ticker.first) && (int32_t)(tick->seen - round) < 0) {
		tick->seen = round;
		ticker.first = tick->next;
		if (MUTANT(NOTHING_TICKS) || !tick->ops->hold(tick))
			continue;
		lock_release(&ticker.lock);
		tick->ops->look(tick);
		lock_acquire(&ticker.lock);
	}
	lock_release(&ticker.lock);
}

/* It is not an object that could go. */
static bool timer_hold(struct watch *watch)
{
	(void)watch;
	return true;
}

int dma_fence_ticker_register(void)
{
	int ret = 0;

	lock_acquire(&ticker.lock);
	if (!ticker.registered) {
		ticker.watch.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		ret = ticker.watch.fd < 0 ? -errno : dma_fence_watcher_register(&ticker.watch);
		if (ret && ticker.watch.fd >= 0) {
			close(ticker.watch.fd);
			ticker.watch.fd = -1;
		}
	}
	ticker.registered += !ret;
	lock_release(&ticker.lock);
	return ret;
}

void dma_fence_ticker_unregister(void)
{
	lock_acquire(&ticker.lock);
	if (!--ticker.registered) {
		dma_fence_watcher_unregister(&ticker.watch);
		close(ticker.watch.fd);
		ticker.watch.fd = -1;
	}
	lock_release(&ticker.lock);
}

void dma_fence_ticker_start(struct tick *tick)
{
	lock_acquire(&ticker.lock);
	tick->seen = ticker.rounds;
	if (!ticker.first) {
		set_timer(TICKER_NS);
		dma_fence_watcher_watch(&ticker.watch);
	}
	insert_last(tick);
	lock_release(&ticker.lock);
}

void dma_fence_ticker_stop(struct tick *tick)
{
	lock_acquire(&ticker.lock);
	take_out(tick);
	if (!ticker.first) {
		set_timer(0);
		dma_fence_watcher_unwatch(&ticker.watch);
	}
	lock_release(&ticker.lock);
}

/* fork() */

void dma_fence_ticker_fork_prepare(void)
{
	lock_acquire(&ticker.lock);
}

void dma_fence_ticker_fork_parent(void)
{
	lock_release(&ticker.lock);
}

/* The timer is the parent's: what the child would read from it would be taken from there. */
void dma_fence_ticker_fork_child(void)
{
	if (ticker.registered) {
		close(ticker.watch.fd);
		ticker.watch.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		if (ticker.first)
			set_timer(TICKER_NS);
	}
	lock_release(&ticker.lock);
}
