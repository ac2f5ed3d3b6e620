/* SPDX-License-Identifier: MIT */
/*
 * The watcher: its thread, which begins when there is something to watch and ends when there is
 * nothing, against those who begin to watch and who stop; and the loop of a program that takes its
 * place. As the rest of src/fd uses it, with eventfds that the scenario writes to.
 *
 * When all threads have ended, the library's own included, nothing is left: no thread, no fd.
 */
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <dmafence/watcher.h>

#include "base/clock.h"
#include "base/park.h"
#include "base/refcount.h"
#include "fd/watcher.h"
#include "support.h"

struct client {
	struct watch watch;
	uint32_t refcount;
	struct park_event event; /* ready() was called */
	int written;
	int runs;
};

static struct client *clients[2];
static int fds[2];
static int result;

static void put(struct client *client)
{
	if (refcount_put(&client->refcount) != REFCOUNT_LAST)
		return;
	dma_fence_watcher_unregister(&client->watch);
	free(client);
}

static struct client *client_of(struct watch *watch)
{
	return container_of(watch, struct client, watch);
}

static bool hold(struct watch *watch)
{
	return refcount_get_not_zero(&client_of(watch)->refcount) == REFCOUNT_OK;
}

static void ready(struct watch *watch)
{
	struct client *client = client_of(watch);

	client->runs++;
	park_event_post(&client->event);
	put(client);
}

static const struct watch_ops ops = {
	.ready = ready,
	.hold = hold,
};

static void make(unsigned int i)
{
	struct client *client = malloc(sizeof(*client));

	model_assert(client);
	fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*client = (struct client){ .watch = { .ops = &ops, .fd = fds[i] }, .refcount = 1 };
	model_assert(dma_fence_watcher_register(&client->watch) == 0);
	clients[i] = client;
}

static void make_ready(unsigned int i)
{
	model_assert(!eventfd_write(fds[i], 1));
}

static void begin(void)
{
	struct spin spin = { 0 };

	/* Has the number of processors counted, which would be steps of whoever spins first. */
	model_assert(!dma_fence_spin_more(&spin));
	make(0);
}

static void begin_ready(void)
{
	begin();
	make_ready(0);
}

static void begin_two(void)
{
	begin();
	make(1);
}

static void begin_two_ready(void)
{
	begin_two();
	make_ready(0);
	make_ready(1);
}

static void end(void)
{
	close(fds[0]);
	if (fds[1])
		close(fds[1]);
}

static void watch(unsigned int i)
{
	dma_fence_watcher_watch(&clients[i]->watch);
}

static void unwatch(unsigned int i)
{
	dma_fence_watcher_unwatch(&clients[i]->watch);
}

static void wait(unsigned int i)
{
	model_assert(dma_fence_park_event_wait(&clients[i]->event, false, CLOCK_NEVER) == 0);
	model_assert(clients[i]->runs == 1);
}

/* Nobody is forgotten. */
static void watch_and_wait(unsigned int i)
{
	watch(i);
	wait(i);
	put(clients[i]);
}

static void watch_first_and_wait(void)
{
	watch_and_wait(0);
}

static void watch_second_and_wait(void)
{
	watch_and_wait(1);
}

static void first_is_ready(void)
{
	make_ready(0);
}

/* The thread that was begun may be about to end when it is needed again. */
static void watch_again_and_wait(void)
{
	watch(0);
	unwatch(0);
	make_ready(0);
	watch_and_wait(0);
}

static void watch_and_stop(unsigned int i)
{
	watch(i);
	unwatch(i);
	put(clients[i]);
}

static void watch_first_and_stop(void)
{
	watch_and_stop(0);
}

static void watch_second_and_stop(void)
{
	watch_and_stop(1);
}

/* It goes while it is being watched. */
static void watch_first_and_go(void)
{
	watch(0);
	put(clients[0]);
}

/* The loop of a program */

static void take_over(void)
{
	result = dma_fence_watcher_get_fd();
	model_assert(result >= 0);
}

static void give_back(void)
{
	dma_fence_watcher_put_fd();
}

static void take_over_and_give_back(void)
{
	take_over();
	give_back();
}

static void loop_for(unsigned int i)
{
	struct pollfd fd = { .fd = result, .events = POLLIN };

	while (!clients[i]->runs) {
		model_assert(poll(&fd, 1, -1) == 1);
		model_assert(dma_fence_watcher_dispatch() >= 0);
	}
}

/* It is the loop's thread that calls ready(): from then on there is no other. */
static void loop_until_first_is_ready(void)
{
	take_over();
	watch(0);
	loop_for(0);
	put(clients[0]);
	give_back();
}

/* The thread sleeps, without an end, and has gone when the loop begins. */
static void loop_instead_of_thread(void)
{
	watch(0);
	take_over();
	make_ready(0);
	loop_for(0);
	put(clients[0]);
	give_back();
}

const struct scenario watcher_scenarios[] = {
	{
		.name = "ready",
		.begin = begin,
		.threads = { watch_first_and_wait, first_is_ready },
		.end = end,
		.attended = true,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "ready-before",
		.begin = begin_ready,
		.threads = { watch_first_and_wait },
		.end = end,
		.attended = true,
		.short_bound = 3,
	},
	{
		.name = "ready-two",
		.begin = begin_two_ready,
		.threads = { watch_first_and_wait, watch_second_and_wait },
		.end = end,
		.attended = true,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "again",
		.begin = begin,
		.threads = { watch_again_and_wait },
		.end = end,
		.attended = true,
		.bound = 4,
		.short_bound = 3,
	},
	{
		.name = "stop",
		.begin = begin,
		.threads = { watch_first_and_stop },
		.end = end,
		.attended = true,
		.bound = 4,
		.short_bound = 3,
	},
	{
		.name = "stop-ready",
		.begin = begin,
		.threads = { watch_first_and_stop, first_is_ready },
		.end = end,
		.attended = true,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "stop-stop",
		.begin = begin_two,
		.threads = { watch_first_and_stop, watch_second_and_stop },
		.end = end,
		.attended = true,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "stop-watch",
		.begin = begin_two_ready,
		.threads = { watch_first_and_stop, watch_second_and_wait },
		.end = end,
		.attended = true,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "go",
		.begin = begin,
		.threads = { watch_first_and_go },
		.end = end,
		.attended = true,
		.bound = 4,
		.short_bound = 3,
	},
	{
		.name = "go-ready",
		.begin = begin,
		.threads = { watch_first_and_go, first_is_ready },
		.end = end,
		.attended = true,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "loop",
		.begin = begin,
		.threads = { loop_until_first_is_ready, first_is_ready },
		.end = end,
		.attended = true,
	},
	{
		.name = "loop-instead",
		.begin = begin,
		.threads = { loop_instead_of_thread },
		.end = end,
		.attended = true,
		.bound = 4,
		.short_bound = 3,
	},
	{
		.name = "loop-goes-watch",
		.begin = begin_ready,
		.threads = { take_over_and_give_back, watch_first_and_wait },
		.end = end,
		.attended = true,
		.bound = 3,
		.short_bound = 2,
	},
	{
		.name = "loop-takes-over-watch",
		.begin = begin_two_ready,
		.threads = { loop_until_first_is_ready, watch_second_and_wait },
		.end = end,
		.attended = true,
		.bound = 3,
		.short_bound = 2,
	},
	{ 0 },
};
