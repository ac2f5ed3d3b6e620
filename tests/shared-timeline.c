/* SPDX-License-Identifier: MIT */
/*
 * The shared memory of a timeline: each function, and each error that it returns, all but those of
 * processes that die (shared-kill.c).
 *
 * Linked with --wrap=malloc and --wrap=syscall.
 */
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "failing-malloc.h"
#include "shared.h"
#include "single-step.h"

#include "base/futex.h"
#include "fd/handle.h"

#define append_error(timeline, point) \
	dma_fence_shared_timeline_append(timeline, point, &(uint64_t){ 0 })

/* The point is pending, and will end with this entry. */
#define assert_pending(timeline, point, of) \
	do { \
		uint64_t serial_ = 0; \
		struct shared_outcome unused_; \
		assert_int_equal( \
			dma_fence_shared_timeline_point(timeline, point, &serial_, &unused_), 0); \
		assert_int_equal(serial_, of); \
		assert_int_equal(dma_fence_shared_timeline_outcome(timeline, of, &unused_), 0); \
		assert_int_equal(dma_fence_shared_timeline_wait(timeline, point, 0, false, 0), \
				 -ETIMEDOUT); \
	} while (0)

#define assert_outcome(asked, error_, timestamp_) \
	do { \
		struct shared_outcome outcome = { 77, 77 }; \
		assert_int_equal(asked, 1); \
		assert_int_equal(outcome.error, error_); \
		assert_int_equal(outcome.timestamp, timestamp_); \
	} while (0)

#define assert_ended(timeline, point, error, timestamp) \
	do { \
		assert_outcome(dma_fence_shared_timeline_point(timeline, point, &(uint64_t){ 0 }, \
							       &outcome), \
			       error, timestamp); \
		assert_int_equal(dma_fence_shared_timeline_wait(timeline, point, 0, false, 0), 0); \
	} while (0)

#define assert_serial_ended(timeline, serial, error, timestamp) \
	do { \
		assert_outcome(dma_fence_shared_timeline_outcome(timeline, serial, &outcome), \
			       error, timestamp); \
		assert_int_equal( \
			dma_fence_shared_timeline_wait_serial(timeline, serial, false, 0), 0); \
	} while (0)

static int state_of(struct shared_timeline *timeline, uint64_t point)
{
	struct shared_outcome outcome;
	uint64_t serial;

	return dma_fence_shared_timeline_point(timeline, point, &serial, &outcome);
}

static int serial_state(struct shared_timeline *timeline, uint64_t serial)
{
	struct shared_outcome outcome;

	return dma_fence_shared_timeline_outcome(timeline, serial, &outcome);
}

#define complete dma_fence_shared_timeline_complete

static void new_one_is_empty(void **state)
{
	struct shared_timeline *timeline = create();

	(void)state;
	assert_int_equal(dma_fence_shared_timeline_signaled(timeline), 0);
	assert_int_equal(dma_fence_shared_timeline_submitted(timeline), 0);
	assert_int_equal(dma_fence_shared_timeline_broken(timeline), 0);
	assert_false(dma_fence_shared_timeline_passed(timeline, 0));
	assert_false(dma_fence_shared_timeline_passed(timeline, 1));
	assert_int_equal(state_of(timeline, 0), -ENOENT);
	assert_int_equal(state_of(timeline, 1), -ENOENT);
	assert_int_equal(serial_state(timeline, 0), -EINVAL);
	assert_int_equal(serial_state(timeline, 1), -EINVAL);
	assert_int_equal(dma_fence_shared_timeline_wait(timeline, 1, 0, false, CLOCK_NEVER),
			 -ENOENT);
	assert_int_equal(dma_fence_shared_timeline_wait_serial(timeline, 0, false, CLOCK_NEVER),
			 -EINVAL);
	assert_int_equal(dma_fence_shared_timeline_wait_serial(timeline, 1, false, CLOCK_NEVER),
			 -EINVAL);
	assert_int_equal(wait_until(timeline, 1, SHARED_WAIT_FOR_SUBMIT, 0), -ETIMEDOUT);
	assert_int_equal(wait_until(timeline, 1, SHARED_WAIT_AVAILABLE, 10 * MS), -ETIMEDOUT);
	assert_int_equal(dma_fence_shared_timeline_check_owners(timeline), 0);
	dma_fence_shared_timeline_put(timeline);
}

static void points_end_in_order(void **state)
{
	struct shared_timeline *timeline = create();
	uint64_t one, three, nine;

	(void)state;
	one = append(timeline, 1);
	three = append(timeline, 3);
	nine = append(timeline, 9);
	assert_int_equal(dma_fence_shared_timeline_submitted(timeline), 9);
	assert_int_equal(complete(timeline, three, 0, 300), 0);
	assert_pending(timeline, 1, one);
	assert_pending(timeline, 2, three);
	assert_pending(timeline, 3, three);
	assert_pending(timeline, 4, nine);
	assert_int_equal(state_of(timeline, 10), -ENOENT);
	assert_int_equal(wait_until(timeline, 9, SHARED_WAIT_AVAILABLE, 0), 0);
	assert_int_equal(wait_until(timeline, 10, SHARED_WAIT_AVAILABLE, 0), -ETIMEDOUT);
	assert_int_equal(dma_fence_shared_timeline_signaled(timeline), 0);

	assert_int_equal(complete(timeline, one, 0, 100), 0);
	assert_int_equal(dma_fence_shared_timeline_signaled(timeline), 3);
	assert_true(dma_fence_shared_timeline_passed(timeline, 3));
	assert_false(dma_fence_shared_timeline_passed(timeline, 4));
	assert_ended(timeline, 1, 0, 100);
	assert_ended(timeline, 2, 0, 300);
	assert_ended(timeline, 3, 0, 300);
	assert_pending(timeline, 4, nine);

	/* One that was completed earlier does not take the time back. */
	assert_int_equal(complete(timeline, nine, 0, 200), 0);
	assert_ended(timeline, 9, 0, 300);
	assert_serial_ended(timeline, nine, 0, 300);
	assert_int_equal(dma_fence_shared_timeline_signaled(timeline), 9);
	assert_int_equal(dma_fence_shared_timeline_submitted(timeline), 9);
	dma_fence_shared_timeline_put(timeline);
}

static void failure_is_that_of_all_after(void **state)
{
	struct shared_timeline *timeline = create();
	uint64_t serials[10];
	int i;

	(void)state;
	for (i = 1; i <= 4; i++)
		serials[i] = append(timeline, (uint64_t)i * 10);
	complete(timeline, serials[3], -EIO, 30);
	complete(timeline, serials[1], 0, 10);
	complete(timeline, serials[2], -ENODEV, 20);
	complete(timeline, serials[4], 0, 40);
	assert_ended(timeline, 10, 0, 10);
	assert_ended(timeline, 11, -ENODEV, 20);
	assert_ended(timeline, 20, -ENODEV, 20);
	assert_ended(timeline, 30, -ENODEV, 30);
	assert_ended(timeline, 40, -ENODEV, 40);
	serials[5] = append(timeline, 50);
	assert_pending(timeline, 50, serials[5]);
	complete(timeline, serials[5], 0, 50);
	assert_ended(timeline, 50, -ENODEV, 50);

	assert_int_equal(dma_fence_shared_timeline_reset(timeline), 0);
	complete(timeline, append(timeline, 50), 0, 60);
	assert_ended(timeline, 50, 0, 60);
	dma_fence_shared_timeline_put(timeline);
}

static void what_makes_no_sense(void **state)
{
	struct shared_timeline *timeline = create(), *other = another(timeline);
	uint64_t serial;

	(void)state;
	serial = append(timeline, 5);
	assert_int_equal(append_error(timeline, 5), -ERANGE);
	assert_int_equal(append_error(other, 4), -ERANGE);
	assert_int_equal(append_error(other, 0), -EINVAL);
	assert_int_equal(state_of(timeline, 0), -EINVAL);
	assert_int_equal(dma_fence_shared_timeline_wait(timeline, 0, 0, false, 0), -EINVAL);

	/* Each call of _complete() drops a reference. */
	dma_fence_shared_timeline_get(timeline);
	dma_fence_shared_timeline_get(timeline);
	dma_fence_shared_timeline_get(timeline);
	dma_fence_shared_timeline_get(other);
	assert_int_equal(complete(other, serial, 0, 1), -EINVAL);
	assert_int_equal(complete(timeline, 0, 0, 1), -EINVAL);
	assert_int_equal(complete(timeline, serial + 1, 0, 1), -EINVAL);
	assert_pending(timeline, 5, serial);
	assert_int_equal(complete(timeline, serial, 5, 1), -EINVAL);
	assert_ended(timeline, 5, -EINVAL, 1);
	assert_int_equal(complete(timeline, serial, 0, 1), -EALREADY);
	assert_ended(timeline, 5, -EINVAL, 1);

	dma_fence_shared_timeline_reset(other);
	serial = append(timeline, 0);
	assert_int_equal(append_error(timeline, 6), -EINVAL);
	assert_int_equal(state_of(timeline, 6), -EINVAL);
	assert_int_equal(dma_fence_shared_timeline_submitted(timeline), 0);
	complete(timeline, serial, 0, 1);
	assert_int_equal(dma_fence_shared_timeline_signaled(timeline), 0);
	dma_fence_shared_timeline_put(timeline);
	dma_fence_shared_timeline_put(other);
}

static void binary_entries_take_each_others_place(void **state)
{
	struct shared_timeline *timeline = create();
	uint64_t first, second, third;

	(void)state;
	first = append(timeline, 0);
	assert_pending(timeline, 0, first);
	second = append(timeline, 0);
	assert_pending(timeline, 0, second);
	complete(timeline, second, -EIO, 20);
	assert_ended(timeline, 0, -EIO, 20);
	assert_int_equal(serial_state(timeline, first), 0);
	third = append(timeline, 0);
	complete(timeline, third, 0, 15);
	assert_ended(timeline, 0, 0, 15);
	complete(timeline, first, -ENODEV, 30);
	assert_serial_ended(timeline, first, -ENODEV, 30);
	assert_serial_ended(timeline, second, -EIO, 20);
	assert_ended(timeline, 0, 0, 15);
	dma_fence_shared_timeline_reset(timeline);
	assert_int_equal(state_of(timeline, 0), -ENOENT);
	dma_fence_shared_timeline_put(timeline);
}

/* What was pending when it was reset goes on as if it had not been, and is in nobody's way. */
static void reset_begins_anew(void **state)
{
	struct shared_timeline *timeline = create();
	uint64_t old[4], one;
	int i;

	(void)state;
	for (i = 1; i < 4; i++)
		old[i] = append(timeline, (uint64_t)i + 10);
	complete(timeline, old[1], -EIO, 1);
	assert_int_equal(dma_fence_shared_timeline_reset(timeline), 0);
	assert_int_equal(dma_fence_shared_timeline_signaled(timeline), 0);
	assert_int_equal(dma_fence_shared_timeline_submitted(timeline), 0);
	assert_int_equal(state_of(timeline, 11), -ENOENT);

	one = append(timeline, 1);
	complete(timeline, one, 0, 5);
	assert_ended(timeline, 1, 0, 5);
	complete(timeline, old[3], 0, 3);
	assert_int_equal(serial_state(timeline, old[3]), 0);
	complete(timeline, old[2], -ENODEV, 2);
	assert_serial_ended(timeline, old[1], -EIO, 1);
	assert_serial_ended(timeline, old[2], -EIO, 2);
	assert_serial_ended(timeline, old[3], -EIO, 3);
	assert_int_equal(dma_fence_shared_timeline_signaled(timeline), 1);
	assert_ended(timeline, 1, 0, 5);
	assert_int_equal(dma_fence_shared_timeline_reset(timeline), 0);
	assert_int_equal(dma_fence_shared_timeline_reset(timeline), 0);
	assert_int_equal(state_of(timeline, 1), -ENOENT);
	dma_fence_shared_timeline_put(timeline);
}

static void so_many_can_be_pending(void **state)
{
	static uint64_t serials[SHARED_ENTRIES];
	struct shared_timeline *timeline = create();
	int i;

	(void)state;
	for (i = 0; i < SHARED_ENTRIES; i++)
		serials[i] = append(timeline, (uint64_t)i + 1);
	assert_int_equal(append_error(timeline, SHARED_ENTRIES + 1), -EAGAIN);
	complete(timeline, serials[1], 0, 1);
	assert_int_equal(append_error(timeline, SHARED_ENTRIES + 1), -EAGAIN);
	complete(timeline, serials[0], 0, 1);
	serials[0] = append(timeline, SHARED_ENTRIES + 1);
	serials[1] = append(timeline, SHARED_ENTRIES + 2);
	assert_int_equal(append_error(timeline, SHARED_ENTRIES + 3), -EAGAIN);
	/* Backwards, so that the last one ends all. */
	complete(timeline, serials[1], 0, 5);
	complete(timeline, serials[0], 0, 4);
	for (i = SHARED_ENTRIES - 1; i >= 2; i--)
		complete(timeline, serials[i], 0, i == 2 ? 3 : 2);
	assert_ended(timeline, 3, 0, 3);
	assert_ended(timeline, SHARED_ENTRIES, 0, 3);
	assert_ended(timeline, SHARED_ENTRIES + 2, 0, 5);
	dma_fence_shared_timeline_put(timeline);
}

static void long_ago(void **state)
{
	struct shared_timeline *timeline = create();
	uint64_t first, second, i;

	(void)state;
	first = append(timeline, 10);
	complete(timeline, first, 0, 1);
	second = append(timeline, 20);
	complete(timeline, second, -EIO, 2);
	for (i = 0; i < SHARED_RING - 2; i++)
		complete(timeline, append(timeline, 100 + i), 0, 3 + (int64_t)i);
	assert_serial_ended(timeline, first, 0, 1);
	for (; i < SHARED_RING + 2; i++)
		complete(timeline, append(timeline, 100 + i), 0, 3 + (int64_t)i);

	assert_int_equal(serial_state(timeline, first), -ESTALE);
	assert_int_equal(dma_fence_shared_timeline_wait_serial(timeline, first, false, 0), 0);
	dma_fence_shared_timeline_get(timeline);
	assert_int_equal(complete(timeline, first, 0, 1), -ESTALE);
	/* How a point ended stays known, only not when. */
	assert_ended(timeline, 10, 0, 6);
	assert_ended(timeline, 11, -EIO, 6);
	assert_ended(timeline, 20, -EIO, 6);
	assert_ended(timeline, 99 + SHARED_RING, -EIO, 2 + SHARED_RING);

	/* Nor is it lost with somebody who is killed in the place of one so old. */
	i = timeline->memory->next;
	timeline->memory->ring[i % SHARED_RING].word = ENTRY_WORD(i, ENTRY_WRITTEN);
	assert_ended(timeline, 10, 0, 6);
	assert_ended(timeline, 11, -EIO, 6);
	assert_int_equal(serial_state(timeline, i - SHARED_RING), -ESTALE);
	complete(timeline, append(timeline, UINT64_MAX), 0, 1);
	assert_ended(timeline, 10, 0, 7);
	assert_ended(timeline, UINT64_MAX, -EIO, 4 + SHARED_RING);
	dma_fence_shared_timeline_put(timeline);
}

static void so_many_can_own(void **state)
{
	struct shared_timeline *timeline = create(), *others[SHARED_OWNERS + 1];
	int i, handle = dma_fence_shared_timeline_export(timeline);

	(void)state;
	for (i = 0; i < SHARED_OWNERS; i++) {
		others[i] = import(handle);
		if (i < SHARED_OWNERS - 1)
			complete(others[i], append(others[i], (uint64_t)i + 1), 0, 1);
	}
	assert_int_equal(append_error(others[i - 1], 1000), -EUSERS);
	assert_int_equal(dma_fence_shared_timeline_export(others[i - 1]), -EUSERS);
	/* It can still be waited for. */
	assert_ended(others[i - 1], SHARED_OWNERS - 1, 0, 1);
	append(others[0], 1000);
	assert_int_equal(wait_until(others[i - 1], 1000, 0, MS), -ETIMEDOUT);

	/* One that died makes room, and so does one that lets go. */
	close(others[0]->peer.fd);
	others[0]->peer.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	complete(others[i - 1], append(others[i - 1], 1001), 0, 1);
	assert_int_equal(state_of(timeline, 1000), 1);
	others[i] = import(handle);
	assert_int_equal(append_error(others[i], 1002), -EUSERS);
	dma_fence_shared_timeline_put(others[1]);
	complete(others[i], append(others[i], 1002), 0, 1);

	dma_fence_shared_timeline_put(others[0]);
	dma_fence_shared_timeline_put(others[0]); /* the entry's */
	for (i = 2; i <= SHARED_OWNERS; i++)
		dma_fence_shared_timeline_put(others[i]);
	dma_fence_shared_timeline_put(timeline);
	close(handle);
}

static int import_error(int fd)
{
	struct shared_timeline *timeline;

	return dma_fence_shared_timeline_import(fd, &timeline);
}

/* Takes over the fds. */
static int import_of(int memory, int doorbell, uint32_t version)
{
	const int fds[] = { memory, doorbell };
	int ret, handle = dma_fence_handle_create(SHARED_MAGIC, version, fds);

	assert_true(handle >= 0);
	ret = import_error(handle);
	close(handle);
	close(memory);
	close(doorbell);
	return ret;
}

static int memory_of(size_t size, unsigned int seals, uint64_t magic, uint32_t version,
		     uint32_t says_size)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct {
		uint64_t magic;
		uint32_t version, size;
	} header = { magic, version, says_size };

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static int bell(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void other_fds_are_no_handles(void **state)
{
	const size_t size = sizeof(struct shared_memory);
	const unsigned int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	struct shared_timeline *timeline = create();
	int pair[2], fds[HANDLE_FDS], pipe_fds[2];
	uint64_t text[2] = { 1, 2 };

	(void)state;
	assert_int_equal(import_error(-1), -EBADF);
	assert_int_equal(import_error(1000), -EBADF);
	fds[0] = open("/", O_PATH | O_CLOEXEC);
	assert_int_equal(import_error(fds[0]), -EINVAL);
	close(fds[0]);
	fds[0] = bell();
	assert_int_equal(import_error(fds[0]), -EINVAL);
	close(fds[0]);
	fds[0] = memory_of(size, seals, SHARED_MAGIC, SHARED_VERSION, (uint32_t)size);
	assert_int_equal(import_error(fds[0]), -EINVAL);
	close(fds[0]);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(import_error(pipe_fds[0]), -EINVAL);
	close(pipe_fds[0]);
	close(pipe_fds[1]);

	/* Sockets: of another kind, empty, with another message, which is left there. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(send(pair[0], text, sizeof(text), 0), sizeof(text));
	assert_int_equal(import_error(pair[1]), -EINVAL);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(import_error(pair[1]), -EINVAL);
	assert_int_equal(send(pair[0], text, sizeof(text), 0), sizeof(text));
	assert_int_equal(import_error(pair[1]), -EINVAL);
	assert_int_equal(recv(pair[1], text, sizeof(text), MSG_DONTWAIT), sizeof(text));
	text[0] = SHARED_MAGIC;
	text[1] = (uint64_t)HANDLE_FDS << 32 | SHARED_VERSION;
	assert_int_equal(send(pair[0], text, sizeof(text), 0), sizeof(text));
	assert_int_equal(import_error(pair[1]), -EPROTO);
	assert_int_equal(recv(pair[1], text, sizeof(text), MSG_DONTWAIT), sizeof(text));
	assert_int_equal(send(pair[0], text, sizeof(text) - 1, 0), sizeof(text) - 1);
	assert_int_equal(import_error(pair[1]), -EPROTO);
	close(pair[0]);
	close(pair[1]);

	/* Handles, but of something else. */
	fds[0] = bell();
	fds[1] = bell();
	pair[0] = dma_fence_handle_create(SHARED_MAGIC + 1, SHARED_VERSION, fds);
	assert_int_equal(import_error(pair[0]), -EINVAL);
	close(pair[0]);
	assert_int_equal(import_of(fds[0], fds[1], SHARED_VERSION), -EPROTO);
	assert_int_equal(
		import_of(memory_of(size, seals, SHARED_MAGIC, SHARED_VERSION, (uint32_t)size),
			  bell(), SHARED_VERSION + 1),
		-EPROTO);
	assert_int_equal(
		import_of(memory_of(size, seals, SHARED_MAGIC, SHARED_VERSION + 1, (uint32_t)size),
			  bell(), SHARED_VERSION),
		-EPROTO);
	assert_int_equal(
		import_of(memory_of(size, seals, SHARED_MAGIC + 1, SHARED_VERSION, (uint32_t)size),
			  bell(), SHARED_VERSION),
		-EPROTO);
	assert_int_equal(import_of(memory_of(size, seals, SHARED_MAGIC, SHARED_VERSION, 1), bell(),
				   SHARED_VERSION),
			 -EPROTO);
	assert_int_equal(import_of(memory_of(size - 4096, seals, SHARED_MAGIC, SHARED_VERSION,
					     (uint32_t)size),
				   bell(), SHARED_VERSION),
			 -EPROTO);
	assert_int_equal(import_of(memory_of(size, 0, SHARED_MAGIC, SHARED_VERSION, (uint32_t)size),
				   bell(), SHARED_VERSION),
			 -EPROTO);
	assert_int_equal(import_of(memory_of(size, F_SEAL_GROW | F_SEAL_SEAL, SHARED_MAGIC,
					     SHARED_VERSION, (uint32_t)size),
				   bell(), SHARED_VERSION),
			 -EPROTO);
	assert_int_equal(import_of(memory_of(size, seals | F_SEAL_WRITE, SHARED_MAGIC,
					     SHARED_VERSION, (uint32_t)size),
				   bell(), SHARED_VERSION),
			 -EPROTO);
	assert_int_equal(
		import_of(memory_of(size, seals, SHARED_MAGIC, SHARED_VERSION, (uint32_t)size),
			  open("/dev/null", O_RDWR), SHARED_VERSION),
		-EPROTO);
	dma_fence_shared_timeline_put(timeline);
}

static void memory_cannot_shrink(void **state)
{
	struct shared_timeline *timeline = create();
	int fds[HANDLE_FDS], handle = dma_fence_shared_timeline_export(timeline);

	(void)state;
	assert_int_equal(dma_fence_handle_open(handle, SHARED_MAGIC, SHARED_VERSION, fds), 0);
	assert_int_equal(ftruncate(fds[0], 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fds[0], 1 << 30), -1);
	assert_int_equal(fcntl(fds[0], F_ADD_SEALS, F_SEAL_WRITE), -1);
	close(fds[0]);
	close(fds[1]);
	close(handle);
	dma_fence_shared_timeline_put(timeline);
}

/* A handle can be imported as often as one likes, and outlives who made it. */
static void handles_stay_as_they_are(void **state)
{
	struct shared_timeline *timeline = create();
	int i, handle = dma_fence_shared_timeline_export(timeline);

	(void)state;
	assert_true(fcntl(handle, F_GETFD) & FD_CLOEXEC);
	complete(timeline, append(timeline, 7), -EIO, 70);
	dma_fence_shared_timeline_put(timeline);
	for (i = 0; i < 100; i++) {
		timeline = import(handle);
		assert_ended(timeline, 7, -EIO, 70);
		dma_fence_shared_timeline_put(timeline);
	}
	close(handle);
}

static void pending_entries_keep_the_mapping(void **state)
{
	struct shared_timeline *timeline = create(), *other = another(timeline);
	uint64_t serial = append(timeline, 1);

	(void)state;
	dma_fence_shared_timeline_put(timeline);
	assert_int_equal(check_owners_now(other), 0);
	assert_pending(other, 1, serial);
	assert_int_equal(complete(timeline, serial, 0, 10), 0);
	assert_ended(other, 1, 0, 10);
	assert_int_equal(mapped_timelines(), there_was.mappings + 1);
	dma_fence_shared_timeline_put(other);
}

/* Waits */

struct waiter {
	struct shared_timeline *timeline;
	uint64_t point, serial;
	unsigned int flags;
	bool intr;
	int64_t timeout;
	int result, done;
	pid_t tid;
	pthread_t thread;
};

static void *wait_in_thread(void *arg)
{
	struct waiter *waiter = arg;
	int64_t deadline = clock_deadline(waiter->timeout);

	atomic_store_release(&waiter->tid, (pid_t)syscall(SYS_gettid));
	if (waiter->serial)
		waiter->result = dma_fence_shared_timeline_wait_serial(
			waiter->timeline, waiter->serial, waiter->intr, deadline);
	else
		waiter->result = dma_fence_shared_timeline_wait(
			waiter->timeline, waiter->point, waiter->flags, waiter->intr, deadline);
	set_flag(&waiter->done);
	return NULL;
}

/* Returns once it sleeps on the memory. */
static void begin(struct waiter *waiter)
{
	waiter->thread = start(wait_in_thread, waiter);
	while (!(atomic_load_relaxed(&waiter->timeline->memory->changes) & CHANGES_SLEEPERS) &&
	       !atomic_load_acquire(&waiter->done))
		sched_yield();
	let_it_sleep();
}

static int end(struct waiter *waiter)
{
	join(waiter->thread);
	return waiter->result;
}

static void sleepers_wake(void **state)
{
	struct shared_timeline *timeline = create();
	struct waiter point = { .timeline = timeline, .point = 5, .timeout = 10 * SECOND };
	struct waiter serial = { .timeline = timeline, .timeout = CLOCK_NEVER };
	struct waiter later = { .timeline = timeline,
				.point = 6,
				.flags = SHARED_WAIT_FOR_SUBMIT,
				.timeout = 10 * SECOND };
	struct waiter there = { .timeline = timeline,
				.point = 6,
				.flags = SHARED_WAIT_AVAILABLE,
				.timeout = 10 * SECOND };

	(void)state;
	serial.serial = append(timeline, 5);
	begin(&point);
	begin(&serial);
	begin(&later);
	begin(&there);
	complete(timeline, serial.serial, -EIO, 1);
	assert_int_equal(end(&point), 0);
	assert_int_equal(end(&serial), 0);
	let_it_sleep();
	assert_false(atomic_load_acquire(&later.done));
	assert_false(atomic_load_acquire(&there.done));

	serial.serial = append(timeline, 6);
	assert_int_equal(end(&there), 0);
	let_it_sleep();
	assert_false(atomic_load_acquire(&later.done));
	complete(timeline, serial.serial, 0, 1);
	assert_int_equal(end(&later), 0);
	dma_fence_shared_timeline_put(timeline);
}

/*
 * Somebody falls asleep between any two instructions of a change: either the change has come before
 * that, and is seen, or the sleeper is woken.
 */

static int wakes;

/* A word that is another one each time that somebody is about to sleep. */
static uint32_t *changes_before_sleep;

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if (number == FUTEX_CALL && (b & FUTEX_CMD_MASK) == FUTEX_WAKE)
		atomic_fetch_add_relaxed(&wakes, 1);
	if (number == FUTEX_CALL && (b & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
	    atomic_load_acquire(&changes_before_sleep))
		atomic_fetch_add_relaxed(changes_before_sleep, 4);
	return __real_syscall(number, a, b, c, d, e, f);
}

static void change_wakes(struct shared_timeline *timeline, void (*change)(struct shared_timeline *))
{
	wakes = 0;
	atomic_fetch_or_relaxed(&timeline->memory->changes, CHANGES_SLEEPERS);
	change(timeline);
	assert_int_equal(wakes, 1);
	change(timeline);
	assert_int_equal(wakes, 1);
}

static void append_next(struct shared_timeline *timeline)
{
	append(timeline, dma_fence_shared_timeline_submitted(timeline) + 1);
	dma_fence_shared_timeline_put(timeline);
}

#ifdef SINGLE_STEP
static struct {
	struct shared_timeline *timeline;
	int now, at;
} sleeper;

static void fall_asleep(const uint8_t *instruction)
{
	(void)instruction;
	if (++sleeper.now == sleeper.at)
		atomic_fetch_or_relaxed(&sleeper.timeline->memory->changes, CHANGES_SLEEPERS);
}

static void sleepers_between_instructions(struct shared_timeline *timeline)
{
	uint64_t serial;

	sleeper.timeline = timeline;
	do {
		uint32_t before = atomic_load_relaxed(&timeline->memory->changes);

		wakes = 0;
		/* There are many more with a sanitizer. */
		sleeper.at += SLOWED_BY_SANITIZER > 1 ? 101 : 1;
		sleeper.now = 0;
		step_begin(fall_asleep);
		dma_fence_shared_timeline_append(timeline, 0, &serial);
		step_end();
		if (sleeper.now < sleeper.at) /* all were there */
			break;
		if (atomic_load_relaxed(&timeline->memory->changes) & CHANGES_SLEEPERS)
			atomic_fetch_and_relaxed(&timeline->memory->changes, ~CHANGES_SLEEPERS);
		else
			assert_int_equal(wakes, 1);
		assert_true(atomic_load_relaxed(&timeline->memory->changes) != before);
		complete(timeline, serial, 0, 1);
	} while (true);
	complete(timeline, serial, 0, 1);
	assert_true(sleeper.at > 50);
}
#endif

static void nobody_oversleeps(void **state)
{
	struct shared_timeline *timeline = create();

	(void)state;
	change_wakes(timeline, append_next);
#ifdef SINGLE_STEP
	dma_fence_shared_timeline_reset(timeline);
	sleepers_between_instructions(timeline);
#endif
	dma_fence_shared_timeline_put(timeline);
}

static void waits_time_out(void **state)
{
	struct shared_timeline *timeline = create();
	uint64_t serial = append(timeline, 5);
	int64_t begun = clock_now();

	(void)state;
	assert_int_equal(wait_until(timeline, 5, 0, 150 * MS), -ETIMEDOUT);
	assert_int_equal(wait_until(timeline, 6, SHARED_WAIT_FOR_SUBMIT, 20 * MS), -ETIMEDOUT);
	assert_int_equal(dma_fence_shared_timeline_wait_serial(timeline, serial, false,
							       clock_deadline(10 * MS)),
			 -ETIMEDOUT);
	assert_true(clock_now() - begun >= 180 * MS);
	assert_true(clock_now() - begun < 3 * SECOND);
	complete(timeline, serial, 0, 1);
	dma_fence_shared_timeline_put(timeline);
}

/* Not even if there is something new each time that it is about to sleep. */
static void waits_time_out_whatever_happens(void **state)
{
	struct shared_timeline *timeline = create();
	struct waiter waiter = { .timeline = timeline,
				 .point = 1,
				 .flags = SHARED_WAIT_FOR_SUBMIT,
				 .timeout = 50 * MS };

	(void)state;
	atomic_store_release(&changes_before_sleep, &timeline->memory->changes);
	waiter.thread = start(wait_in_thread, &waiter);
	assert_true(flag_within(&waiter.done, 10 * SECOND));
	atomic_store_release(&changes_before_sleep, NULL);
	assert_int_equal(end(&waiter), -ETIMEDOUT);
	dma_fence_shared_timeline_put(timeline);
}

static void handled(int signum)
{
	(void)signum;
}

static void handlers_end_waits_that_may_be_interrupted(void **state)
{
	const struct sigaction action = { .sa_handler = handled, .sa_flags = SA_RESTART };
	struct shared_timeline *timeline = create();
	struct waiter may = { .timeline = timeline, .intr = true, .timeout = CLOCK_NEVER };
	struct waiter may_not = { .timeline = timeline, .timeout = CLOCK_NEVER };

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	may.point = may_not.point = 1;
	may.flags = may_not.flags = SHARED_WAIT_FOR_SUBMIT;
	begin(&may);
	begin(&may_not);
	/* It is not asleep all the time: what comes while it looks interrupts nothing. */
	while (!atomic_load_acquire(&may.done)) {
		pthread_kill(may.thread, SIGUSR1);
		pthread_kill(may_not.thread, SIGUSR1);
		sleep_ns(MS);
	}
	assert_int_equal(end(&may), -EINTR);
	let_it_sleep();
	assert_false(atomic_load_acquire(&may_not.done));
	complete(timeline, append(timeline, 1), 0, 1);
	assert_int_equal(end(&may_not), 0);
	dma_fence_shared_timeline_put(timeline);
}

/* Who waits for what was there goes on to; who waits for what was not, waits for what comes. */
static void waits_and_reset(void **state)
{
	struct shared_timeline *timeline = create();
	struct waiter pending = { .timeline = timeline, .point = 5, .timeout = 10 * SECOND };
	struct waiter unpromised = { .timeline = timeline,
				     .point = 9,
				     .flags = SHARED_WAIT_FOR_SUBMIT,
				     .timeout = 10 * SECOND };
	uint64_t old = append(timeline, 5);

	(void)state;
	begin(&pending);
	begin(&unpromised);
	dma_fence_shared_timeline_reset(timeline);
	complete(timeline, append(timeline, 8), 0, 1);
	let_it_sleep();
	assert_false(atomic_load_acquire(&pending.done));
	assert_false(atomic_load_acquire(&unpromised.done));
	complete(timeline, old, 0, 1);
	assert_int_equal(end(&pending), 0);
	complete(timeline, append(timeline, 10), 0, 1);
	assert_int_equal(end(&unpromised), 0);
	dma_fence_shared_timeline_put(timeline);
}

/* The doorbell */

static int edges(int epoll, int64_t timeout)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, (int)(timeout / MS));
}

static void doorbell_rings_for_who_armed_it(void **state)
{
	struct shared_timeline *timeline = create(), *other = another(timeline);
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	uint64_t serial, second;

	(void)state;
	assert_int_equal(
		epoll_ctl(epoll, EPOLL_CTL_ADD, dma_fence_shared_timeline_doorbell(other), &event),
		0);
	assert_int_equal(edges(epoll, 0), 0);
	serial = append(timeline, 1);
	assert_int_equal(edges(epoll, 0), 0);
	dma_fence_shared_timeline_arm(other);
	assert_int_equal(edges(epoll, 0), 0);
	second = append(timeline, 2);
	assert_int_equal(edges(epoll, 0), 1);
	assert_int_equal(edges(epoll, 0), 0);
	/* Once. */
	append_error(timeline, 2);
	complete(timeline, second, 0, 1);
	complete(timeline, serial, 0, 1);
	assert_int_equal(edges(epoll, 0), 0);
	/* And as often as it is armed, though nobody reads from it. */
	dma_fence_shared_timeline_arm(other);
	serial = append(timeline, 3);
	assert_int_equal(edges(epoll, 0), 1);
	dma_fence_shared_timeline_arm(other);
	complete(timeline, serial, 0, 1);
	assert_int_equal(edges(epoll, 0), 1);
	dma_fence_shared_timeline_arm(timeline);
	dma_fence_shared_timeline_reset(timeline);
	assert_int_equal(edges(epoll, 0), 1);

	close(epoll);
	dma_fence_shared_timeline_put(timeline);
	dma_fence_shared_timeline_put(other);
}

/* What there is not enough of */

static void no_fds_left(void **state)
{
	struct shared_timeline *timeline = create(), *other;
	int fd, spare, handle = dma_fence_shared_timeline_export(timeline);
	int fillers[64], filled = 0;
	struct rlimit before, few;

	(void)state;
	/* From here on fds are given out one after the other. */
	while ((fd = dup(handle)) < handle)
		fillers[filled++] = fd;
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	for (spare = 0; spare < 5; spare++) {
		int exported, created, imported, left;

		few.rlim_cur = (rlim_t)(fd + spare);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		created = dma_fence_shared_timeline_create(&other);
		if (!created)
			dma_fence_shared_timeline_put(other);
		imported = dma_fence_shared_timeline_import(handle, &other);
		if (!imported)
			dma_fence_shared_timeline_put(other);
		exported = dma_fence_shared_timeline_export(timeline);
		if (exported >= 0)
			close(exported);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);

		left = entries_of("/proc/self/fd");
		assert_int_equal(left, there_was.fds + 3 + filled);
		assert_int_equal(mapped_timelines(), there_was.mappings + 1);
		assert_int_equal(created, spare < 3 ? -EMFILE : 0);
		assert_int_equal(imported, spare < 3 ? -EMFILE : 0);
		if (spare < 3)
			assert_int_equal(exported, -EMFILE);
		else
			assert_true(exported >= 0);
	}
	while (filled)
		close(fillers[--filled]);
	close(handle);
	dma_fence_shared_timeline_put(timeline);
}

static void no_memory_left(void **state)
{
	struct shared_timeline *timeline = create(), *other;
	int handle = dma_fence_shared_timeline_export(timeline);

	(void)state;
	failing_malloc_in = 1;
	assert_int_equal(dma_fence_shared_timeline_create(&other), -ENOMEM);
	failing_malloc_in = 1;
	assert_int_equal(dma_fence_shared_timeline_import(handle, &other), -ENOMEM);
	close(handle);
	dma_fence_shared_timeline_put(timeline);
}

/* Fork */

#define in_child(holds) \
	do { \
		if (!(holds)) { \
			printf("# %s:%d: in the child: %s\n", __FILE__, __LINE__, #holds); \
			fflush(stdout); \
			_exit(1); \
		} \
	} while (0)

static void child_of_fork_is_a_process_of_its_own(void **state)
{
	struct shared_timeline *timeline = create(), *other = another(timeline);
	uint64_t one = append(timeline, 1), serial;
	int go[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		char byte;

		alarm(20);
		close(go[1]);
		/* The parent's entries are the parent's. */
		in_child(complete(timeline, one, 0, 1) == -EINVAL);
		in_child(check_owners_now(timeline) == 0);
		in_child(wait_until(timeline, 1, 0, 0) == -ETIMEDOUT);
		in_child(dma_fence_shared_timeline_append(timeline, 2, &serial) == 0);
		in_child(complete(timeline, serial, 0, 20) == 0);
		in_child(dma_fence_shared_timeline_append(timeline, 3, &serial) == 0);
		in_child(wait_until(timeline, 2, 0, 10 * SECOND) == 0);
		in_child(read(go[0], &byte, 1) == 0);
		_exit(0);
	}
	close(go[0]);
	assert_int_equal(wait_until(other, 3, SHARED_WAIT_AVAILABLE, 10 * SECOND), 0);
	assert_int_equal(check_owners_now(other), 0);
	assert_int_equal(check_owners_now(timeline), 0);
	complete(timeline, one, 0, 10);
	assert_ended(other, 2, 0, 20);
	assert_int_equal(check_owners_now(other), 0);
	assert_int_equal(wait_until(other, 3, 0, 0), -ETIMEDOUT);

	/* The child has no fd that would keep this one alive. */
	close(timeline->peer.fd);
	timeline->peer.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_false(dma_fence_shared_peer_alive(&other->peer, timeline->peer.id));
	close(go[1]);
	assert_int_equal(ended_within(pid, 10 * SECOND), 0);

	/* It did not let go. */
	assert_int_equal(wait_until(other, 3, 0, SECOND), 0);
	assert_int_equal(state_of(other, 3), 1);
	dma_fence_shared_timeline_put(timeline);
	dma_fence_shared_timeline_put(other);
}

static void child_that_has_no_fd_left_says_so(void **state)
{
	struct shared_timeline *timeline = create();
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		struct rlimit none = { 0 };
		pid_t grandchild;
		int status;

		alarm(20);
		in_child(!setrlimit(RLIMIT_NOFILE, &none));
		grandchild = fork();
		if (!grandchild) {
			in_child(append_error(timeline, 1) == -EMFILE);
			in_child(wait_until(timeline, 1, SHARED_WAIT_FOR_SUBMIT, 0) == -EMFILE);
			dma_fence_shared_timeline_put(timeline);
			_exit(0);
		}
		in_child(waitpid(grandchild, &status, 0) == grandchild);
		in_child(!status);
		in_child(append_error(timeline, 1) == 0);
		_exit(0);
	}
	assert_int_equal(ended_within(pid, 20 * SECOND), 0);
	dma_fence_shared_timeline_put(timeline);
}

/* Owners */

static void nobody_left_who_could(void **state)
{
	struct shared_timeline *timeline = create(), *other = another(timeline);
	struct waiter waiter = { .timeline = other,
				 .point = 5,
				 .flags = SHARED_WAIT_FOR_SUBMIT,
				 .timeout = 10 * SECOND };
	int64_t before;

	(void)state;
	/* Who lets go has not died. */
	dma_fence_shared_timeline_put(timeline);
	assert_int_equal(wait_until(other, 5, SHARED_WAIT_FOR_SUBMIT, 20 * MS), -ETIMEDOUT);

	timeline = another(other);
	dma_fence_shared_timeline_put(other);
	other = another(timeline);
	complete(timeline, append(timeline, 1), 0, 1);
	waiter.timeline = other;
	begin(&waiter);
	before = clock_now();
	close(timeline->peer.fd);
	timeline->peer.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(end(&waiter), -EOWNERDEAD);
	assert_true(clock_now() - before < SECOND / 2);
	assert_int_equal(check_owners_now(other), -EOWNERDEAD);
	assert_int_equal(wait_until(other, 2, SHARED_WAIT_AVAILABLE, SECOND), -EOWNERDEAD);
	assert_int_equal(state_of(other, 2), -ENOENT);
	assert_ended(other, 1, 0, 1);

	/* A new one could. */
	complete(other, append(other, 2), 0, 2);
	assert_ended(other, 2, 0, 2);
	assert_int_equal(wait_until(other, 3, SHARED_WAIT_FOR_SUBMIT, 20 * MS), -ETIMEDOUT);

	/* And if that one lets go, the death of the other is forgotten. */
	dma_fence_shared_timeline_put(timeline);
	timeline = another(other);
	dma_fence_shared_timeline_put(other);
	assert_int_equal(wait_until(timeline, 3, SHARED_WAIT_FOR_SUBMIT, 20 * MS), -ETIMEDOUT);
	dma_fence_shared_timeline_put(timeline);
}

/* Flaws */

static void lock_that_is_kept_breaks_it(void **state)
{
	struct shared_timeline *timeline = create(), *other = another(timeline);
	struct waiter waiter = { .timeline = timeline, .timeout = 60 * SECOND };
	int64_t before = clock_now();

	(void)state;
	waiter.point = 1;
	waiter.serial = append(other, 1);
	begin(&waiter);
	atomic_store_relaxed(&timeline->memory->lock, other->peer.id);
	assert_int_equal(wait_until(timeline, 2, SHARED_WAIT_FOR_SUBMIT, 0), -ETIMEDOUT);
	assert_int_equal(end(&waiter), -EPROTO);
	assert_true(clock_now() - before > 2 * SECOND);
	assert_true(clock_now() - before < 10 * SECOND);

	assert_int_equal(dma_fence_shared_timeline_broken(timeline), -EPROTO);
	assert_int_equal(dma_fence_shared_timeline_broken(other), -EPROTO);
	assert_int_equal(append_error(timeline, 5), -EPROTO);
	assert_int_equal(complete(other, waiter.serial, 0, 1), -EPROTO);
	assert_int_equal(dma_fence_shared_timeline_reset(timeline), -EPROTO);
	assert_int_equal(dma_fence_shared_timeline_export(timeline), -EPROTO);
	assert_int_equal(dma_fence_shared_timeline_check_owners(timeline), -EPROTO);
	assert_int_equal(state_of(timeline, 1), -EPROTO);
	assert_int_equal(serial_state(timeline, waiter.serial), -EPROTO);
	dma_fence_shared_timeline_put(timeline);
	dma_fence_shared_timeline_put(other);
}

/* Those who only wait find out, too, one by one. */
static void waits_do_not_outlast_a_kept_lock(void **state)
{
	struct shared_timeline *timeline = create(), *other = another(timeline);
	struct waiter waiter = { .timeline = timeline, .timeout = 60 * SECOND };
	int64_t before = clock_now();

	(void)state;
	waiter.serial = append(other, 1);
	begin(&waiter);
	atomic_store_relaxed(&timeline->memory->lock, other->peer.id);
	assert_int_equal(end(&waiter), -EPROTO);
	assert_true(clock_now() - before < 10 * SECOND);
	dma_fence_shared_timeline_put(other);
	dma_fence_shared_timeline_put(other); /* the entry's */
	dma_fence_shared_timeline_put(timeline);
}

enum nonsense {
	NEXT_NONE,
	NEXT_FAR,
	NEXT_BACK,
	TAIL_AHEAD,
	LIFE_AHEAD,
	LAST_GONE,
	NONSENSES,
};

static void nonsense_is_noticed(void **state)
{
	enum nonsense nonsense;

	(void)state;
	for (nonsense = 0; nonsense < NONSENSES; nonsense++) {
		struct shared_timeline *timeline = create();
		struct shared_memory *memory = timeline->memory;
		uint64_t serial;

		complete(timeline, append(timeline, 1), 0, 1);
		serial = append(timeline, 2);
		if (nonsense == NEXT_NONE)
			memory->next = 0;
		else if (nonsense == NEXT_FAR)
			memory->next = UINT64_MAX;
		else if (nonsense == NEXT_BACK)
			memory->next = 1;
		else if (nonsense == TAIL_AHEAD)
			memory->tail = 4;
		else if (nonsense == LIFE_AHEAD)
			memory->life = 4;
		else
			memory->ring[serial].word = 0;
		assert_int_equal(append_error(timeline, 3), -EPROTO);
		assert_int_equal(wait_until(timeline, 2, 0, SECOND), -EPROTO);
		assert_int_equal(complete(timeline, serial, 0, 1), -EPROTO);
		dma_fence_shared_timeline_put(timeline);
	}
}

static void says_that_it_was_completed(struct shared_timeline *timeline, uint64_t serial)
{
	atomic_store_relaxed(&timeline->memory->ring[serial].word,
			     ENTRY_WORD(serial, ENTRY_COMPLETED));
}

/* What was completed ends, or all is broken. */
static void no_entry_waits_for_nothing(void **state)
{
	struct shared_timeline *timeline = create(), *other = another(timeline);
	uint64_t serial;

	(void)state;
	serial = append(timeline, 1);
	says_that_it_was_completed(timeline, serial);
	assert_int_equal(complete(timeline, serial, 0, 1), -EALREADY);
	assert_int_equal(wait_until(timeline, 1, 0, SECOND), 0);

	/* Its owner dies. */
	serial = append(other, 2);
	says_that_it_was_completed(timeline, serial);
	close(other->peer.fd);
	other->peer.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(check_owners_now(timeline), 0);
	assert_int_equal(wait_until(timeline, 2, 0, SECOND), 0);
	assert_int_equal(complete(other, serial, 0, 1), -EALREADY);

	/* The one before it has not ended, though it was said so. */
	timeline->memory->ring[serial].word = ENTRY_WORD(serial, ENTRY_PENDING);
	assert_int_equal(complete(timeline, append(timeline, 3), 0, 1), -EPROTO);
	assert_int_equal(wait_until(timeline, 3, 0, SECOND), -EPROTO);
	dma_fence_shared_timeline_put(other);
	dma_fence_shared_timeline_put(timeline);

	/* There is none before it. */
	timeline = create();
	serial = append(timeline, 1);
	timeline->memory->ring[serial].life = 0;
	assert_int_equal(complete(timeline, serial, 0, 1), -EPROTO);
	assert_int_equal(wait_until(timeline, 1, 0, SECOND), -EPROTO);
	dma_fence_shared_timeline_put(timeline);
}

static void outcomes_are_outcomes(void **state)
{
	struct shared_timeline *timeline = create();
	int64_t before = clock_now();
	struct shared_outcome found;
	uint64_t one, two;

	(void)state;
	one = append(timeline, 1);
	complete(timeline, one, 0, -5);
	assert_serial_ended(timeline, one, 0, 0);
	two = append(timeline, 2);
	complete(timeline, two, -EIO, INT64_MAX);
	assert_int_equal(dma_fence_shared_timeline_outcome(timeline, two, &found), 1);
	assert_true(found.timestamp >= before && found.timestamp <= clock_now());
	timeline->memory->ring[two].error = 1;
	timeline->memory->failed_error = -5000;
	assert_int_equal(dma_fence_shared_timeline_outcome(timeline, two, &found), 1);
	assert_int_equal(found.error, -EPROTO);
	assert_int_equal(dma_fence_shared_timeline_point(timeline, 2, &one, &found), 1);
	assert_int_equal(found.error, -EPROTO);
	dma_fence_shared_timeline_put(timeline);
}

/* System calls */

/* From now on any one ends the process, bar the one that ends it. */
static void forbid_system_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog program = { ARRAY_SIZE(filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(99);
}

enum call {
	CALL_WAIT,
	CALL_WAIT_FAILED,
	CALL_WAIT_BINARY,
	CALL_WAIT_SERIAL,
	CALL_POINT,
	CALL_OUTCOME,
	CALL_QUERY,
	CALL_ASK_UNPROMISED_BROKEN,
	CALL_APPEND_AND_COMPLETE,
	CALLS_WITHOUT_SYSTEM_CALL,
	CALL_WAIT_PENDING = CALLS_WITHOUT_SYSTEM_CALL,
	CALLS,
};

static bool make_call(enum call call, struct shared_timeline *timeline,
		      struct shared_timeline *binary)
{
	switch (call) {
	case CALL_WAIT:
		return !dma_fence_shared_timeline_wait(timeline, 1, 0, true, CLOCK_NEVER);
	case CALL_WAIT_FAILED:
		return !dma_fence_shared_timeline_wait(timeline, 2, 0, true, CLOCK_NEVER);
	case CALL_WAIT_BINARY:
		return !dma_fence_shared_timeline_wait(binary, 0, 0, true, CLOCK_NEVER);
	case CALL_WAIT_SERIAL:
		return !dma_fence_shared_timeline_wait_serial(timeline, 1, true, CLOCK_NEVER);
	case CALL_POINT:
		return state_of(timeline, 2) == 1 && state_of(binary, 0) == 1;
	case CALL_OUTCOME:
		return serial_state(timeline, 1) == 1 && serial_state(timeline, 3) == 0;
	case CALL_QUERY:
		return dma_fence_shared_timeline_signaled(timeline) == 2 &&
		       dma_fence_shared_timeline_submitted(timeline) == 3;
	case CALL_ASK_UNPROMISED_BROKEN:
		return state_of(timeline, 4) == -ENOENT &&
		       !dma_fence_shared_timeline_broken(timeline);
	case CALL_APPEND_AND_COMPLETE:
		return !complete(binary, append(binary, 0), 0, 1);
	default:
		return wait_until(timeline, 3, 0, MS) == -ETIMEDOUT;
	}
}

static void __attribute__((unused)) what_has_ended_takes_no_system_call(void **state)
{
	struct shared_timeline *timeline = create(), *binary = create();
	uint64_t serial;
	enum call call;

	(void)state;
	complete(timeline, append(timeline, 1), 0, 1);
	complete(timeline, append(timeline, 2), -EIO, 1);
	serial = append(timeline, 3);
	complete(binary, append(binary, 0), 0, 1);
	for (call = 0; call < CALLS; call++) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			/* An owner from now on: that is once. */
			complete(binary, append(binary, 0), 0, 1);
			forbid_system_calls();
			syscall(SYS_exit_group, make_call(call, timeline, binary) ? 0 : 1);
		}
		status = ended_within(pid, 10 * SECOND);
		if (call < CALLS_WITHOUT_SYSTEM_CALL) {
			assert_int_equal(status, 0);
		} else {
			assert_true(WIFSIGNALED(status));
			assert_int_equal(WTERMSIG(status), SIGSYS);
		}
	}
	complete(timeline, serial, 0, 1);
	dma_fence_shared_timeline_put(timeline);
	dma_fence_shared_timeline_put(binary);
}

/* Threads */

#define PRODUCERS 2
#define CONSUMERS 3
#define STRESS	  (20000 / SLOWED_BY_SANITIZER)

static struct {
	struct shared_timeline *timeline;
	uint8_t done[STRESS + PRODUCERS + 1];
} stress;

struct appended {
	uint64_t serials[8], points[8];
	unsigned int count;
};

static void complete_all(struct appended *appended)
{
	while (appended->count) {
		unsigned int i = --appended->count;

		atomic_store_release(&stress.done[appended->points[i]], 1);
		assert_int_equal(complete(stress.timeline, appended->serials[i], 0, 1), 0);
	}
}

static void *produce(void *arg)
{
	struct appended appended = { .count = 0 };
	uint64_t point;

	(void)arg;
	while ((point = dma_fence_shared_timeline_submitted(stress.timeline) + 1) <= STRESS) {
		int ret = dma_fence_shared_timeline_append(stress.timeline, point,
							   &appended.serials[appended.count]);

		if (!ret)
			appended.points[appended.count++] = point;
		else
			/* The other was faster; or waits for the processor, and all for it. */
			assert_true(ret == -ERANGE || ret == -EAGAIN);
		if (appended.count == ARRAY_SIZE(appended.points) || ret == -EAGAIN)
			complete_all(&appended);
	}
	complete_all(&appended);
	return NULL;
}

static void *consume(void *arg)
{
	uint64_t point, step = (uint64_t)(uintptr_t)arg;

	for (point = 1; point <= STRESS; point += step) {
		struct shared_outcome outcome;
		uint64_t serial;

		assert_int_equal(
			wait_until(stress.timeline, point, SHARED_WAIT_FOR_SUBMIT, 60 * SECOND), 0);
		assert_true(atomic_load_acquire(&stress.done[point]));
		assert_int_equal(
			dma_fence_shared_timeline_point(stress.timeline, point, &serial, &outcome),
			1);
		assert_int_equal(outcome.error, 0);
	}
	return NULL;
}

static void many_threads(void **state)
{
	pthread_t producers[PRODUCERS], consumers[CONSUMERS];
	int i;

	(void)state;
	stress.timeline = create();
	for (i = 0; i < CONSUMERS; i++)
		consumers[i] = start(consume, (void *)(uintptr_t)(i * i + 1));
	for (i = 0; i < PRODUCERS; i++)
		producers[i] = start(produce, NULL);
	for (i = 0; i < PRODUCERS; i++)
		join(producers[i]);
	for (i = 0; i < CONSUMERS; i++)
		join(consumers[i]);
	assert_int_equal(dma_fence_shared_timeline_signaled(stress.timeline), STRESS);
	dma_fence_shared_timeline_put(stress.timeline);
}

/* From one thread to the other and back. */

#define ROUNDS (5000 / SLOWED_BY_SANITIZER)

static struct shared_timeline *there, *back;

static void *answer(void *arg)
{
	uint64_t i;

	(void)arg;
	for (i = 1; i <= ROUNDS; i++) {
		assert_int_equal(wait_until(there, i, SHARED_WAIT_FOR_SUBMIT, 60 * SECOND), 0);
		complete(back, append(back, i), 0, 1);
	}
	return NULL;
}

static void ping_pong(void **state)
{
	pthread_t thread;
	uint64_t i;

	(void)state;
	there = create();
	back = create();
	thread = start(answer, NULL);
	for (i = 1; i <= ROUNDS; i++) {
		complete(there, append(there, i), 0, 1);
		assert_int_equal(wait_until(back, i, SHARED_WAIT_FOR_SUBMIT, 60 * SECOND), 0);
	}
	join(thread);
	dma_fence_shared_timeline_put(there);
	dma_fence_shared_timeline_put(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shared_test(new_one_is_empty),
		shared_test(points_end_in_order),
		shared_test(failure_is_that_of_all_after),
		shared_test(what_makes_no_sense),
		shared_test(binary_entries_take_each_others_place),
		shared_test(reset_begins_anew),
		shared_test(so_many_can_be_pending),
		shared_test(long_ago),
		shared_test(so_many_can_own),
		shared_test(other_fds_are_no_handles),
		shared_test(memory_cannot_shrink),
		shared_test(handles_stay_as_they_are),
		shared_test(pending_entries_keep_the_mapping),
		shared_test(sleepers_wake),
		shared_test(nobody_oversleeps),
		shared_test(waits_time_out),
		shared_test(waits_time_out_whatever_happens),
		shared_test(handlers_end_waits_that_may_be_interrupted),
		shared_test(waits_and_reset),
		shared_test(doorbell_rings_for_who_armed_it),
		shared_test(no_fds_left),
		shared_test(no_memory_left),
		shared_test(child_of_fork_is_a_process_of_its_own),
		shared_test(child_that_has_no_fd_left_says_so),
		shared_test(nobody_left_who_could),
		shared_test(lock_that_is_kept_breaks_it),
		shared_test(waits_do_not_outlast_a_kept_lock),
		shared_test(nonsense_is_noticed),
		shared_test(no_entry_waits_for_nothing),
		shared_test(outcomes_are_outcomes),
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__) /* they make some */
		shared_test(what_has_ended_takes_no_system_call),
#endif
		shared_test(many_threads),
		shared_test(ping_pong),
	};

	return RUN(tests);
}
