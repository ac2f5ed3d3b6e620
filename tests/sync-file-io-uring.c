/* SPDX-License-Identifier: MIT */
/* io_uring sees that a sync file is readable when it is, and not before. */
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "fds.h"

/* A ring of io_uring with room for a few requests, by the system calls themselves. */
struct ring {
	int fd;
	struct io_uring_params params;
	char *submissions, *completions;
	struct io_uring_sqe *entries;
	size_t submissions_size, completions_size, entries_size;
};

static void *map_ring(const struct ring *ring, size_t size, off_t offset)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd,
			    offset);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static bool open_ring(struct ring *ring)
{
	memset(ring, 0, sizeof(*ring));
	ring->fd = (int)syscall(SYS_io_uring_setup, 4, &ring->params);
	if (ring->fd < 0)
		return false;
	ring->submissions_size =
		ring->params.sq_off.array + ring->params.sq_entries * sizeof(uint32_t);
	ring->completions_size =
		ring->params.cq_off.cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe);
	ring->entries_size = ring->params.sq_entries * sizeof(struct io_uring_sqe);
	ring->submissions = map_ring(ring, ring->submissions_size, IORING_OFF_SQ_RING);
	ring->completions = map_ring(ring, ring->completions_size, IORING_OFF_CQ_RING);
	ring->entries = map_ring(ring, ring->entries_size, IORING_OFF_SQES);
	return true;
}

static void close_ring(struct ring *ring)
{
	munmap(ring->submissions, ring->submissions_size);
	munmap(ring->completions, ring->completions_size);
	munmap(ring->entries, ring->entries_size);
	close(ring->fd);
}

static void submit_poll(struct ring *ring, int fd, uint32_t events)
{
	uint32_t *tail = (uint32_t *)(void *)(ring->submissions + ring->params.sq_off.tail);
	uint32_t *array = (uint32_t *)(void *)(ring->submissions + ring->params.sq_off.array);
	uint32_t slot = *tail % ring->params.sq_entries;

	ring->entries[slot] = (struct io_uring_sqe){ .opcode = IORING_OP_POLL_ADD,
						     .fd = fd,
						     .poll32_events = events };
	array[slot] = slot;
	atomic_store_release(tail, *tail + 1);
	assert_int_equal(syscall(SYS_io_uring_enter, ring->fd, 1, 0, 0, NULL, 0), 1);
}

/* Whether there is a completion; then with what result. */
static bool completed(struct ring *ring, int32_t *result)
{
	uint32_t *head = (uint32_t *)(void *)(ring->completions + ring->params.cq_off.head);
	uint32_t *tail = (uint32_t *)(void *)(ring->completions + ring->params.cq_off.tail);
	struct io_uring_cqe *entries =
		(struct io_uring_cqe *)(void *)(ring->completions + ring->params.cq_off.cqes);

	/* The kernel may want to be entered to do what is to be done on this thread. */
	assert_int_equal(
		syscall(SYS_io_uring_enter, ring->fd, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0), 0);
	if (*head == atomic_load_acquire(tail))
		return false;
	*result = entries[*head % ring->params.cq_entries].res;
	atomic_store_release(head, *head + 1);
	return true;
}

static void by_io_uring(void **state)
{
	struct dma_fence *fence = create_fence();
	int fd = dma_fence_sync_file_export(fence), i;
	int32_t result = 0;
	struct ring ring;

	(void)state;
	assert_true(fd >= 0);
	assert_true(open_ring(&ring));
	submit_poll(&ring, fd, POLLIN | POLLOUT | POLLPRI);
	sleep_ns(10 * MS);
	assert_false(completed(&ring, &result));
	dma_fence_signal(fence);
	dma_fence_put(fence);
	for (i = 0; i < 3; i++) {
		int64_t end = clock_now() + 5 * SECOND;

		while (!completed(&ring, &result) && clock_now() < end)
			sched_yield();
		assert_int_equal(result & ~(POLLHUP | POLLRDHUP), POLLIN);
		result = 0;
		/* Who comes later is told as well. */
		submit_poll(&ring, fd, POLLIN | POLLOUT | POLLPRI);
	}
	close_ring(&ring);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fd_test(by_io_uring),
	};
	struct ring ring;

	if (!open_ring(&ring)) {
		printf("1..0 # SKIP io_uring is not to be had here: %s\n", strerror(errno));
		return 0;
	}
	close_ring(&ring);
	return RUN(tests);
}
