/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "support.h"

#include "peer.h"
#include "watchdog.h"

#define WAITS_AT_MOST (10 * PATIENCE * SECOND)

static struct dma_fence *places[PEER_PLACES];

static struct dma_fence **place_of(struct message *message, int value)
{
	assert_true(message->values[value] >= 0 && message->values[value] < PEER_PLACES);
	return &places[message->values[value]];
}

static struct dma_fence *create_fence(uint64_t context, uint64_t seqno)
{
	struct dma_fence *fence = malloc(sizeof(*fence));

	assert_non_null(fence);
	dma_fence_init(fence, NULL, context, seqno);
	return fence;
}

static void create(struct message *message)
{
	*place_of(message, 0) = create_fence(dma_fence_context_alloc(1), 1);
}

static void create_at(struct message *message)
{
	*place_of(message, 0) =
		create_fence((uint64_t)message->values[1], (uint64_t)message->values[2]);
}

static void answer_fd(struct message *message, int fd)
{
	message->values[0] = fd;
	if (fd >= 0)
		message->fds[message->num_fds++] = fd;
}

static void export_one(struct message *message)
{
	answer_fd(message, dma_fence_sync_file_export(*place_of(message, 0)));
}

static void export_many(struct message *message)
{
	int64_t first = message->values[0];
	int i;

	assert_true(message->values[1] <= MESSAGE_FDS);
	for (i = 0; i < message->values[1]; i++) {
		places[first + i] = create_fence(dma_fence_context_alloc(1), 1);
		answer_fd(message, dma_fence_sync_file_export(places[first + i]));
		assert_true(message->values[0] >= 0);
	}
}

static void import(struct message *message)
{
	struct dma_fence *fence = dma_fence_sync_file_import_dup_fd(message->fds[0]);

	int result = fence ? 0 : -errno;

	*place_of(message, 0) = fence;
	message->values[0] = result;
	close(message->fds[0]);
	message->num_fds = 0;
}

static void merge(struct message *message)
{
	int fd = dma_fence_sync_file_merge(message->fds[0], message->fds[1]);

	close(message->fds[0]);
	close(message->fds[1]);
	message->num_fds = 0;
	answer_fd(message, fd);
}

static void join_fences(struct message *message)
{
	struct dma_fence *both =
		dma_fence_unwrap_merge(*place_of(message, 0), *place_of(message, 1));

	assert_non_null(both);
	*place_of(message, 2) = both;
}

static void error(struct message *message)
{
	message->values[0] = dma_fence_set_error(*place_of(message, 0), (int)message->values[1]);
}

static void signal_one(struct message *message)
{
	struct dma_fence *fence = *place_of(message, 0);

	if (message->values[1])
		dma_fence_set_error(fence, (int)message->values[1]);
	if (message->values[2] < 0)
		dma_fence_signal(fence);
	else
		dma_fence_signal_timestamp(fence, message->values[2]);
}

/* Each once, in an order that looks like none: steps of a prime that does not divide how many. */
static void signal_many(struct message *message)
{
	int64_t first = message->values[0], many = message->values[1], i;

	for (i = 0; i < many; i++)
		dma_fence_signal(places[first + (i * 7919 + message->values[2]) % many]);
}

static void die(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	(void)fence;
	(void)cb;
	raise(SIGKILL);
}

static void kill_in_callback(struct message *message)
{
	static struct dma_fence_cb cb;

	message->values[0] = dma_fence_add_callback(*place_of(message, 0), &cb, die);
}

static void answer_status(struct message *message, int first, struct dma_fence *fence)
{
	message->values[first] = dma_fence_get_status(fence);
	message->values[first + 1] = dma_fence_timestamp(fence);
}

static void wait_for(struct message *message)
{
	struct dma_fence *fence = *place_of(message, 0);

	message->values[0] = dma_fence_wait_timeout(fence, false, message->values[1]);
	message->values[3] = clock_now();
	answer_status(message, 1, fence);
}

static void status(struct message *message)
{
	answer_status(message, 0, *place_of(message, 0));
}

static void answer_wait(struct message *message, int result, int64_t events)
{
	message->values[0] = result;
	message->values[1] = events;
	message->values[2] = clock_now();
	close(message->fds[0]);
	message->num_fds = 0;
}

static void wait_by_poll(struct message *message)
{
	struct pollfd ready = { message->fds[0], POLLIN, 0 };
	int result = poll(&ready, 1, (int)(WAITS_AT_MOST / MS));

	answer_wait(message, result, ready.revents);
}

static void wait_by_select(struct message *message)
{
	struct timeval timeout = { .tv_sec = WAITS_AT_MOST / SECOND };
	fd_set fds;
	int result;

	FD_ZERO(&fds);
	FD_SET(message->fds[0], &fds);
	result = select(message->fds[0] + 1, &fds, NULL, NULL, &timeout);
	answer_wait(message, result, result == 1 ? POLLIN : 0);
}

static void wait_by_epoll(struct message *message)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC), result;

	assert_true(epoll >= 0);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, message->fds[0], &event), 0);
	result = epoll_wait(epoll, &event, 1, (int)(WAITS_AT_MOST / MS));
	close(epoll);
	answer_wait(message, result, event.events);
}

static void info(struct message *message)
{
	struct dma_fence_sync_file_info about = { 0 };

	message->values[0] = dma_fence_sync_file_get_info(message->fds[0], &about);
	message->values[1] = about.status;
	message->values[2] = about.timestamp_ns;
	message->values[3] = about.num_fences;
	close(message->fds[0]);
	message->num_fds = 0;
}

static void put(struct message *message)
{
	dma_fence_put(*place_of(message, 0));
	*place_of(message, 0) = NULL;
}

static void leave(struct message *message)
{
	(void)message;
	/* By exit(), with all that it runs, and with what this holds left as it is. */
	exit(0);
}

/* What is still there was signaled, or is not this process's to signal. */
static void put_all(void)
{
	struct dma_fence *stub = dma_fence_get_stub();
	int i;

	for (i = 0; i < PEER_PLACES; i++) {
		dma_fence_put(places[i]);
		places[i] = NULL;
	}
	/* What had been exported for others, and is closed there, goes now. */
	close(dma_fence_sync_file_export(stub));
	dma_fence_put(stub);
	dma_fence_rcu_barrier();
}

static const struct role_step steps[] = {
	{ "create", create },
	{ "create-at", create_at },
	{ "export", export_one },
	{ "export-many", export_many },
	{ "import", import },
	{ "merge", merge },
	{ "join", join_fences },
	{ "error", error },
	{ "signal", signal_one },
	{ "signal-many", signal_many },
	{ "kill-in-callback", kill_in_callback },
	{ "wait", wait_for },
	{ "status", status },
	{ "poll", wait_by_poll },
	{ "select", wait_by_select },
	{ "epoll", wait_by_epoll },
	{ "info", info },
	{ "put", put },
	{ "exit", leave },
	{ NULL, NULL },
};

const struct role peer_role = { "peer", steps, put_all, NULL };

int peer_exports(struct process *peer, int place)
{
	process_do(peer, "create", place);
	return process_get_fd(peer, "export", place);
}

void peer_signals(struct process *peer, int place, int error_, int64_t timestamp)
{
	struct message message = { "signal", { place, error_, timestamp }, 0, { 0 } };

	process_send(peer, &message);
	process_answer(peer);
}
