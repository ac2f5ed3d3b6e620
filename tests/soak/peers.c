/* SPDX-License-Identifier: MIT */
/*
 * Other processes: each shares two timelines with its worker, one for each direction, and sends
 * sync files. They end in order, or are killed at any moment.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "soak.h"

#define ACTOR "peers"
#define FILES 12

/* Where a peer finds what it was given. */
#define SOCKET 3
#define THEIRS 4
#define OURS   5

/* Within which all that a dead process was to signal has failed: it takes 100 ms. */
#define MOURNING (20 * PATIENCE * SECOND)

extern char **environ;

/* A fence of a peer, and how it ends unless the peer dies. */
struct sent {
	struct dma_fence *fence;
	int status;
};

struct peer {
	pid_t pid;
	int socket;
	/* Points that it adds, and points that its worker adds. */
	struct dma_fence_syncobj *theirs, *ours;
	uint64_t ours_last, theirs_done;
	struct sent sent[FILES];
	unsigned int count;
};

/* The worker's side. */

static bool spawn(struct worker *worker, struct peer *peer, int socket, int theirs, int ours)
{
	char seed[32], name[] = "soak", role[] = "--peer";
	char *arguments[] = { name, role, seed, NULL };
	posix_spawn_file_actions_t actions;
	int ret;

	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)random_next(&worker->random));
	posix_spawn_file_actions_init(&actions);
	/* First out of the way of each other. */
	posix_spawn_file_actions_adddup2(&actions, socket, 1003);
	posix_spawn_file_actions_adddup2(&actions, theirs, 1004);
	posix_spawn_file_actions_adddup2(&actions, ours, 1005);
	posix_spawn_file_actions_adddup2(&actions, 1003, SOCKET);
	posix_spawn_file_actions_adddup2(&actions, 1004, THEIRS);
	posix_spawn_file_actions_adddup2(&actions, 1005, OURS);
	posix_spawn_file_actions_addclose(&actions, 1003);
	posix_spawn_file_actions_addclose(&actions, 1004);
	posix_spawn_file_actions_addclose(&actions, 1005);
	AT(worker, "starting a peer");
	ret = posix_spawn(&peer->pid, "/proc/self/exe", &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (ret)
		peer->pid = 0;
	CHECK(!ret || ret == EAGAIN || ret == ENOMEM, "posix_spawn: %d", ret);
	return !ret;
}

static bool start_peer(struct worker *worker, struct peer *peer)
{
	int sockets[2], theirs, ours;
	bool started;

	/* All of it or nothing. */
	scarcity_forbid();
	CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets));
	peer->theirs = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
	peer->ours = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
	CHECK(peer->theirs && peer->ours, "creating shared objects: %d", errno);
	theirs = dma_fence_syncobj_export(peer->theirs);
	ours = dma_fence_syncobj_export(peer->ours);
	CHECK(theirs >= 0 && ours >= 0, "exporting shared objects: %d, %d", theirs, ours);
	peer->ours_last = peer->theirs_done = 0;
	peer->socket = sockets[0];
	started = spawn(worker, peer, sockets[1], theirs, ours);
	close(sockets[1]);
	close(theirs);
	close(ours);
	scarcity_allow();
	if (!started) {
		close(peer->socket);
		dma_fence_syncobj_put(peer->theirs);
		dma_fence_syncobj_put(peer->ours);
	}
	return started;
}

static void check_sent(struct sent *sent, bool killed)
{
	int status = dma_fence_get_status(sent->fence);

	CHECK(status == 0 || status == sent->status || (killed && status == -EOWNERDEAD),
	      "a fence of a peer has status %d, and not %d", status, sent->status);
	if (status)
		fence_check_done(sent->fence);
}

static void drop_sent(struct peer *peer, unsigned int i)
{
	check_sent(&peer->sent[i], false);
	dma_fence_put(peer->sent[i].fence);
	peer->sent[i] = peer->sent[--peer->count];
}

static void receive(struct worker *worker, struct peer *peer)
{
	char control[CMSG_SPACE(sizeof(int))];
	int64_t begun = scarcity_begin();
	int status, fd;
	struct iovec data = { &status, sizeof(status) };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct dma_fence *fence;

	if (recvmsg(peer->socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof(status) ||
	    !CMSG_FIRSTHDR(&message))
		return;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	AT(worker, "importing what a peer has sent");
	fence = dma_fence_sync_file_import_take_fd(fd);
	if (!fence) {
		MAY_FAIL(-errno, begun);
		close(fd);
		return;
	}
	if (peer->count == FILES)
		drop_sent(peer, below(worker, FILES));
	peer->sent[peer->count++] = (struct sent){ dma_fence_get(fence), status };
	pool_add(worker, fence);
	TALLY("sync files received");
}

static uint64_t last_of(struct dma_fence_syncobj *syncobj, unsigned int flags)
{
	uint64_t point;

	CHECK(!dma_fence_syncobj_query(syncobj, flags, &point));
	return point;
}

static void look_at_theirs(struct worker *worker, struct peer *peer)
{
	uint64_t done = last_of(peer->theirs, 0);
	struct dma_fence_syncobj_point wanted = { peer->theirs, done + 1 + below(worker, 3) };
	struct dma_fence *fence;
	int64_t begun = scarcity_begin(), ret;

	CHECK(done >= peer->theirs_done, "a timeline went back from %llu to %llu",
	      (unsigned long long)peer->theirs_done, (unsigned long long)done);
	peer->theirs_done = done;
	if (done)
		CHECK(dma_fence_syncobj_status(peer->theirs,
					       1 + below(worker, (unsigned int)done)) == 1,
		      "a point that has passed has another status");
	AT(worker, "waiting for a peer");
	ret = dma_fence_syncobj_wait(&wanted, 1, DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT,
				     one_in(worker, 2), some_time(worker), NULL);
	if (ret > 0) {
		CHECK(dma_fence_syncobj_status(peer->theirs, wanted.point) == 1);
		CHECK(last_of(peer->theirs, 0) >= wanted.point);
		TALLY("points of peers waited for");
	} else if (ret < 0 && ret != -EINTR) {
		MAY_FAIL((int)ret, begun);
	}
	if (!done || one_in(worker, 2))
		return;
	fence = dma_fence_syncobj_find_fence(peer->theirs, done + below(worker, 2));
	if (!fence) {
		if (errno != ENOENT)
			MAY_FAIL(-errno, begun);
		return;
	}
	pool_add(worker, fence);
	TALLY("fences of peers' points");
}

static void add_ours(struct worker *worker, struct peer *peer)
{
	struct dma_fence *fence = fence_create(worker);
	int64_t begun = scarcity_begin();
	int ret;

	/* A point that fails makes all that follow fail. */
	if (fence_will_be(fence))
		ret = dma_fence_syncobj_signal_point(peer->ours, peer->ours_last + 1);
	else
		ret = dma_fence_syncobj_add_point(peer->ours, peer->ours_last + 1, fence);
	dma_fence_put(fence);
	if (ret) {
		MAY_FAIL(ret, begun);
		return;
	}
	peer->ours_last++;
	TALLY("points added for peers");
}

/* Nothing that it was to signal is pending for ever; what it had signaled stays so. */
static void mourn(struct worker *worker, struct peer *peer)
{
	const uint64_t last = last_of(peer->theirs, DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED);
	struct dma_fence_syncobj_point point = { peer->theirs, last };
	unsigned int i;
	int64_t ret;
	int status;

	for (i = 0; i < peer->count; i++) {
		AT(worker, "waiting for what a dead peer has sent");
		ret = dma_fence_wait_timeout(peer->sent[i].fence, false, MOURNING);
		CHECK(ret > 0, "a sync file of a dead process is pending: %lld", (long long)ret);
		check_sent(&peer->sent[i], true);
	}
	if (!last)
		return;
	AT(worker, "waiting for a point of a dead peer");
	ret = dma_fence_syncobj_wait(&point, 1, 0, false, MOURNING, NULL);
	CHECK(ret > 0, "a point of a dead process is pending: %lld", (long long)ret);
	status = dma_fence_syncobj_status(peer->theirs, last);
	CHECK(status == 1 || status == -EOWNERDEAD, "status %d", status);
	if (status == 1)
		TALLY("dead peers whose last point had signaled");
	else
		TALLY("dead peers whose points failed");
}

static void end_peer(struct worker *worker, struct peer *peer, bool kills)
{
	unsigned int i;
	int status;

	AT(worker, kills ? "killing a peer" : "waiting for a peer to end");
	if (kills) {
		kill(peer->pid, SIGKILL);
	} else {
		/* It ends when nobody listens any more. */
		shutdown(peer->socket, SHUT_RDWR);
	}
	while (waitpid(peer->pid, &status, 0) < 0)
		CHECK(errno == EINTR, "waitpid: %d", errno);
	CHECK((WIFEXITED(status) && !WEXITSTATUS(status)) ||
		      (kills && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL),
	      "a peer ended with %#x", (unsigned int)status);
	scarcity_forbid();
	mourn(worker, peer);
	scarcity_allow();
	if (!kills && last_of(peer->theirs, DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED))
		CHECK(last_of(peer->theirs, 0) ==
			      last_of(peer->theirs, DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED),
		      "a peer ended in order, and not all of its points have signaled");
	for (i = 0; i < peer->count; i++) {
		if (!kills)
			check_sent(&peer->sent[i], false);
		dma_fence_put(peer->sent[i].fence);
	}
	peer->count = 0;
	close(peer->socket);
	dma_fence_syncobj_put(peer->theirs);
	dma_fence_syncobj_put(peer->ours);
	peer->pid = 0;
	if (kills)
		TALLY("peers killed");
	else
		TALLY("peers that ended in order");
}

static void enter(struct worker *worker)
{
	worker->state = calloc(1, sizeof(struct peer));
	CHECK(worker->state);
}

static void turn(struct worker *worker)
{
	struct peer *peer = worker->state;
	unsigned int i;

	if (!peer->pid) {
		start_peer(worker, peer);
		return;
	}
	switch (below(worker, 8)) {
	case 0:
	case 1:
		receive(worker, peer);
		break;
	case 2:
		add_ours(worker, peer);
		break;
	case 3:
		fence_signal_one(worker);
		break;
	case 4:
		if (one_in(worker, 25))
			end_peer(worker, peer, !one_in(worker, 4));
		break;
	case 5:
		for (i = 0; i < peer->count; i++)
			check_sent(&peer->sent[i], false);
		break;
	default:
		look_at_theirs(worker, peer);
	}
}

static void leave(struct worker *worker)
{
	struct peer *peer = worker->state;

	fence_signal_all(worker);
	if (peer->pid)
		end_peer(worker, peer, one_in(worker, 2));
	free(peer);
}

const struct actor actor_peers = {
	.name = ACTOR,
	.threads = 2,
	.enter = enter,
	.turn = turn,
	.leave = leave,
};

/* The peer's side: one thread, which never waits for long. */

static void send_file(struct worker *self, struct dma_fence *fence)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	int status = fence_will_be(fence) ? fence_will_be(fence) : 1;
	int fd = dma_fence_sync_file_export(fence);
	struct iovec data = { &status, sizeof(status) };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	(void)self;
	CHECK(fd >= 0, "a peer's export: %d", fd);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	/* If there is no room the worker does without. */
	if (sendmsg(SOCKET, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		CHECK(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET || errno == EINTR,
		      "a peer's sendmsg: %d", errno);
	close(fd);
}

static void peer_turn(struct worker *self, struct dma_fence_syncobj *theirs,
		      struct dma_fence_syncobj *ours, uint64_t *last)
{
	struct dma_fence *fence;
	struct dma_fence_syncobj_point wanted = { ours, 0 };
	int64_t ret;

	switch (below(self, 5)) {
	case 0:
		fence = fence_create(self);
		send_file(self, fence);
		dma_fence_put(fence);
		break;
	case 1:
		fence = fence_create(self);
		if (fence_will_be(fence))
			ret = dma_fence_syncobj_signal_point(theirs, *last + 1);
		else
			ret = dma_fence_syncobj_add_point(theirs, *last + 1, fence);
		dma_fence_put(fence);
		CHECK(!ret, "a peer adds a point: %lld", (long long)ret);
		++*last;
		break;
	case 2:
		wanted.point = last_of(ours, 0) + 1;
		ret = dma_fence_syncobj_wait(&wanted, 1, DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT, false,
					     some_time(self), NULL);
		CHECK(ret >= 0, "a peer waits: %lld", (long long)ret);
		if (ret > 0)
			CHECK(dma_fence_syncobj_status(ours, wanted.point) == 1);
		break;
	case 3:
		fence_signal_one(self);
		break;
	default:
		soak_sleep((int64_t)below(self, 200) * US);
	}
}

/* Whether the worker has hung up. */
static bool is_over(void)
{
	char byte;

	return recv(SOCKET, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

int peer_main(int argc, char **argv)
{
	struct worker self = { .random = argc > 2 ? strtoull(argv[2], NULL, 10) | 1 : 1 };
	struct dma_fence_syncobj *theirs, *ours;
	uint64_t last = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	fcntl(SOCKET, F_SETFD, FD_CLOEXEC);
	theirs = dma_fence_syncobj_import_take_fd(THEIRS);
	ours = dma_fence_syncobj_import_take_fd(OURS);
	CHECK(theirs && ours, "a peer imports: %d", errno);
	while (!is_over())
		peer_turn(&self, theirs, ours, &last);
	fence_signal_all(&self);
	dma_fence_syncobj_put(theirs);
	dma_fence_syncobj_put(ours);
	return 0;
}
