/* SPDX-License-Identifier: MIT */
/*
 * The watcher: an epoll instance, and who dispatches it.
 *
 * What is registered has a slot; an event carries the number of the slot and that of the watching,
 * of which each has another. So an event that comes too late leads to nothing, and no pointer is
 * ever taken from the kernel. An fd is taken out of the instance under the lock, before its
 * owner can close it: else its number could be another's by then.
 *
 * Nothing here fails once somebody waits. Where there is no memory or no fd for the instance, or
 * the kernel has no room for one more, a watch is "unadded": whoever dispatches looks at it himself
 * and tries again, every RETRY_NS. Where no thread can be started, or none has survived a fork(),
 * whoever is about to sleep in a wait tries to start one, and else dispatches instead of sleeping.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <dmafence/watcher.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/park.h"
#include "base/run-queue.h"
#include "fd/mutants.h"
#include "fd/watcher.h"

/* Taken at once: enough to spread the cost of a system call, little enough to be fair. */
#define BATCH 64

#define RETRY_NS (10 * INT64_C(1000000))

/*
 * For how long the thread stays when there is nothing to watch: who waits for a fence in each frame
 * does not pay for a thread in each.
 */
#define LINGER_MS 50

#define POKE UINT64_MAX

struct slot {
	struct watch *watch; /* NULL: free, and next_free is valid */
	uint32_t watching;
	uint32_t next_free;
	bool watched;
	bool added; /* to the instance; of one that is being watched */
};

#define NO_SLOT UINT32_MAX

static struct {
	struct lock lock;
	struct slot *slots;
	uint32_t room;
	uint32_t first_free;
	uint32_t registered;
	uint32_t watched;
	uint32_t watchings; /* so far */
	uint32_t unadded;
	uint32_t retry_next; /* the slot to look at first, for those that are unadded */
	int epoll;
	int poke;	      /* makes who sleeps in the instance look up */
	uint32_t drivers;     /* calls of dma_fence_watcher_get_fd() */
	uint32_t dispatching; /* who uses the fds without the lock */
	uint32_t running;     /* the thread; what its end wakes */
	uint32_t nobody;      /* something is to be watched, and nobody does */
} watcher = {
	.first_free = NO_SLOT,
	.epoll = -1,
	.poke = -1,
};

/* All of the following with the lock held, but where it says otherwise. */

static uint64_t handle_of(const struct watch *watch)
{
	return (uint64_t)watcher.slots[watch->slot].watching << 32 | watch->slot;
}

static void poke(void)
{
	if (watcher.poke >= 0)
		eventfd_write(watcher.poke, 1);
}

static int open_fds(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = POKE };
	int ret;

	if (watcher.epoll >= 0)
		return 0;
	watcher.poke = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (watcher.poke < 0)
		return -errno;
	watcher.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (watcher.epoll < 0 || epoll_ctl(watcher.epoll, EPOLL_CTL_ADD, watcher.poke, &event)) {
		ret = -errno;
		if (watcher.epoll >= 0)
			close(watcher.epoll);
		close(watcher.poke);
		watcher.epoll = -1;
		watcher.poke = -1;
		return ret;
	}
	return 0;
}

/* What has been added to the instance would be lost with it. */
static void close_unused_fds(void)
{
	if (watcher.epoll < 0 || watcher.running || watcher.drivers || watcher.dispatching ||
	    (watcher.watched > watcher.unadded && !MUTANT(INSTANCE_CLOSED)))
		return;
	close(watcher.epoll);
	close(watcher.poke);
	watcher.epoll = -1;
	watcher.poke = -1;
}

static bool add(struct watch *watch)
{
	struct epoll_event event = {
		.events = (watch->for_writing ? EPOLLOUT : EPOLLIN) |
			  (watch->lasting ? (uint32_t)EPOLLET : 0),
		.data.u64 = handle_of(watch),
	};

	return !open_fds() && !epoll_ctl(watcher.epoll, EPOLL_CTL_ADD, watch->fd, &event);
}

/* Ends the watching; events that are under way lead to nothing. */
static void take_out(struct watch *watch)
{
	struct slot *slot = &watcher.slots[watch->slot];

	if (slot->added)
		epoll_ctl(watcher.epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	else
		watcher.unadded--;
	slot->watched = false;
	slot->added = false;
	watcher.watched--;
}

static void *watch_on(void *arg);

static void start_thread(void)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;

	if (pthread_attr_init(&attributes))
		return;
	sigfillset(&all);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (!pthread_create(&thread, &attributes, watch_on, NULL))
		atomic_store_relaxed(&watcher.running, 1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
}

static void see_that_somebody_watches(void)
{
	if (watcher.watched && !watcher.running && !watcher.drivers)
		start_thread();
	atomic_store_relaxed(&watcher.nobody,
			     watcher.watched && !watcher.running && !watcher.drivers);
}

/* What was found to be ready, to be called without the lock. */
struct ready {
	struct watch *watches[BATCH];
	uint32_t count;
};

/* One that is about to be released, too, is not watched any more: it would be found until it is. */
static void found(struct ready *ready, struct watch *watch)
{
	bool held = watch->ops->hold(watch);

	if (!watch->lasting && (held || !MUTANT(RELEASED_FOUND_AGAIN)))
		take_out(watch);
	if (held)
		ready->watches[ready->count++] = watch;
}

/*
 * The thread sleeps without an end, and what it is told is for it alone: were another to take that
 * away it could go back to sleep. To the loop of a program it stays readable while there is more to
 * do, or the thread has not seen yet that it is to end.
 */
static bool may_take_poke(bool is_thread)
{
	if (watcher.drivers)
		return !watcher.unadded && (!watcher.running || MUTANT(POKE_STOLEN));
	return is_thread || !watcher.running || MUTANT(POKE_STOLEN);
}

static void found_events(struct ready *ready, const struct epoll_event *events, int count,
			 bool is_thread)
{
	eventfd_t seen;
	uint32_t number;
	int i;

	for (i = 0; i < count; i++) {
		number = (uint32_t)events[i].data.u64;
		if (events[i].data.u64 == POKE) {
			if (may_take_poke(is_thread))
				eventfd_read(watcher.poke, &seen);
		} else if (number < watcher.room && watcher.slots[number].watch &&
			   watcher.slots[number].watched &&
			   handle_of(watcher.slots[number].watch) == events[i].data.u64) {
			found(ready, watcher.slots[number].watch);
		}
	}
}

/* Goes on where it stopped: some are always ready, and there may be more of them than are taken. */
static void retry_unadded(struct ready *ready)
{
	uint32_t i;

	for (i = 0; i < watcher.room && watcher.unadded && ready->count < BATCH; i++) {
		struct slot *slot = &watcher.slots[watcher.retry_next % watcher.room];
		struct pollfd fd;

		watcher.retry_next = (watcher.retry_next + 1) % watcher.room;
		if (!slot->watch || !slot->watched || slot->added)
			continue;
		slot->added = add(slot->watch);
		if (slot->added) {
			watcher.unadded--;
			continue;
		}
		fd = (struct pollfd){ .fd = slot->watch->fd,
				      .events = slot->watch->for_writing ? POLLOUT : POLLIN };
		if (poll(&fd, 1, 0) > 0)
			found(ready, slot->watch);
	}
}

/* Without the lock. Returns how many fds were seen to. */
static int dispatch(int timeout_ms, bool is_thread)
{
	struct epoll_event events[BATCH];
	struct ready ready = { .count = 0 };
	uint32_t i, watched;
	int epoll, count = 0;

	lock_acquire(&watcher.lock);
	epoll = watcher.epoll;
	watcher.dispatching++;
	lock_release(&watcher.lock);

	if (epoll >= 0)
		count = epoll_wait(epoll, events, BATCH, timeout_ms);
	else if (timeout_ms)
		poll(NULL, 0, (int)(RETRY_NS / 1000000));

	lock_acquire(&watcher.lock);
	watched = watcher.watched;
	found_events(&ready, events, count, is_thread);
	if (watcher.unadded && !MUTANT(UNADDED_FORGOTTEN))
		retry_unadded(&ready);
	/* The thread may have gone to sleep without an end, for what was seen to here. */
	if (!is_thread && watcher.running && watched && !watcher.watched &&
	    !MUTANT(LAST_WITHOUT_POKE))
		poke();
	watcher.dispatching--;
	close_unused_fds();
	lock_release(&watcher.lock);

	for (i = 0; i < ready.count; i++)
		ready.watches[i]->ops->ready(ready.watches[i]);
	return (int)ready.count;
}

static int sleep_at_most(bool lingering)
{
	if (watcher.unadded)
		return (int)(RETRY_NS / 1000000);
	return lingering ? LINGER_MS : -1;
}

/* The thread. */
static void *watch_on(void *arg)
{
	bool lingering = false, lingered;
	eventfd_t poked;
	int timeout;

	(void)arg;
	pthread_setname_np(pthread_self(), "dmafence");
	for (;;) {
		lock_acquire(&watcher.lock);
		lingered = lingering;
		lingering = !watcher.watched;
		if (watcher.drivers || (lingered && lingering))
			break;
		timeout = sleep_at_most(lingering);
		lock_release(&watcher.lock);
		if (dispatch(timeout, true))
			lingering = false;
	}
	if (MUTANT(WATCHER_ENDS_WHILE_NEEDED)) {
		lock_release(&watcher.lock);
		poll(NULL, 0, 1);
		lock_acquire(&watcher.lock);
	}
	/* What told it to end is not for the program's loop to see. */
	if (watcher.poke >= 0 && !watcher.unadded)
		eventfd_read(watcher.poke, &poked);
	atomic_store_release(&watcher.running, 0);
	if (!MUTANT(WATCHER_ENDS_WHILE_NEEDED))
		see_that_somebody_watches();
	close_unused_fds();
	lock_release(&watcher.lock);
	dma_fence_park_wake(&watcher.running);
	return NULL;
}

static int make_room(void)
{
	uint32_t room = watcher.room ? watcher.room * 2 : 16, i;
	struct slot *slots;

	if (watcher.first_free != NO_SLOT)
		return 0;
	slots = realloc(watcher.slots, room * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (i = watcher.room; i < room; i++)
		slots[i] = (struct slot){ .next_free = i + 1 < room ? i + 1 : NO_SLOT };
	watcher.first_free = watcher.room;
	watcher.slots = slots;
	watcher.room = room;
	return 0;
}

/* For the rest of src/fd; the lock is not held from here on. */

int dma_fence_watcher_register(struct watch *watch)
{
	int ret;

	lock_acquire(&watcher.lock);
	ret = make_room();
	if (!ret) {
		watch->slot = watcher.first_free;
		watcher.first_free = watcher.slots[watch->slot].next_free;
		watcher.slots[watch->slot].watch = watch;
		watcher.registered++;
	}
	lock_release(&watcher.lock);
	return ret;
}

static void unwatch(struct watch *watch)
{
	if (!watcher.slots[watch->slot].watched)
		return;
	take_out(watch);
	if (watcher.watched)
		return;
	poke();
	see_that_somebody_watches();
	close_unused_fds();
}

void dma_fence_watcher_unregister(struct watch *watch)
{
	lock_acquire(&watcher.lock);
	unwatch(watch);
	watcher.slots[watch->slot].watch = NULL;
	watcher.slots[watch->slot].next_free = watcher.first_free;
	watcher.first_free = watch->slot;
	if (!--watcher.registered) {
		free(watcher.slots);
		watcher.slots = NULL;
		watcher.room = 0;
		watcher.first_free = NO_SLOT;
	}
	lock_release(&watcher.lock);
}

void dma_fence_watcher_watch(struct watch *watch)
{
	struct slot *slot;

	lock_acquire(&watcher.lock);
	slot = &watcher.slots[watch->slot];
	if (slot->watched) {
		lock_release(&watcher.lock);
		return;
	}
	slot->watched = true;
	slot->watching = ++watcher.watchings;
	slot->added = add(watch);
	watcher.watched++;
	if (!slot->added && !watcher.unadded++)
		poke();
	see_that_somebody_watches();
	lock_release(&watcher.lock);
}

void dma_fence_watcher_unwatch(struct watch *watch)
{
	lock_acquire(&watcher.lock);
	unwatch(watch);
	lock_release(&watcher.lock);
}

void dma_fence_watcher_for_each(void (*func)(const struct watch *watch, void *arg), void *arg)
{
	uint32_t i;

	lock_acquire(&watcher.lock);
	for (i = 0; i < watcher.room; i++) {
		if (watcher.slots[i].watch)
			func(watcher.slots[i].watch, arg);
	}
	lock_release(&watcher.lock);
}

static bool somebody_watches(void)
{
	bool nobody;

	if (likely(!atomic_load_relaxed(&watcher.nobody)))
		return true;
	lock_acquire(&watcher.lock);
	see_that_somebody_watches();
	nobody = watcher.nobody;
	lock_release(&watcher.lock);
	if (nobody)
		dispatch((int)(RETRY_NS / 1000000), false);
	return !nobody;
}

/* For the program */

int dma_fence_watcher_get_fd(void)
{
	int fd;

	if (run_queue_active(run_queue_of_thread()))
		return -EDEADLK;
	lock_acquire(&watcher.lock);
	fd = open_fds();
	if (!fd) {
		watcher.drivers++;
		fd = watcher.epoll;
		if (watcher.running || watcher.unadded)
			poke();
		see_that_somebody_watches();
	}
	lock_release(&watcher.lock);
	while (fd >= 0 && atomic_load_acquire(&watcher.running))
		dma_fence_park_wait(&watcher.running, 1, CLOCK_NEVER);
	return fd;
}

void dma_fence_watcher_put_fd(void)
{
	lock_acquire(&watcher.lock);
	if (watcher.drivers && !--watcher.drivers)
		see_that_somebody_watches();
	close_unused_fds();
	lock_release(&watcher.lock);
}

int dma_fence_watcher_dispatch(void)
{
	bool driver;

	lock_acquire(&watcher.lock);
	driver = watcher.drivers;
	lock_release(&watcher.lock);
	return driver ? dispatch(0, false) : -EINVAL;
}

/* fork() */

void dma_fence_watcher_fork_prepare(void)
{
	lock_acquire(&watcher.lock);
}

void dma_fence_watcher_fork_parent(void)
{
	lock_release(&watcher.lock);
}

/* The instance is the parent's: what the child would change in it would be changed there. */
void dma_fence_watcher_fork_child(void)
{
	uint32_t i;

	for (i = 0; i < watcher.room; i++) {
		if (watcher.slots[i].watch && watcher.slots[i].watched && watcher.slots[i].added) {
			watcher.slots[i].added = false;
			watcher.unadded++;
		}
	}
	watcher.running = 0;
	watcher.drivers = 0;
	watcher.dispatching = 0;
	close_unused_fds();
	watcher.nobody = watcher.watched != 0;
	lock_release(&watcher.lock);
}

__attribute__((constructor)) static void get_ready(void)
{
	dma_fence_park_attended = somebody_watches;
}
