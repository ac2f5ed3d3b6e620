// SPDX-License-Identifier: MIT
/*
 * Fds that another process may have sent, in a row of steps that the input chooses: what they are and
 * what is in them, and the calls that they are given to. Whatever it is, each call ends at once, says
 * what is wrong with an errno that its header names, leaves the fd to whom it belongs, and when all
 * has been put away nothing is left of it: no fd, no mapping, no memory, no callback that has not run.
 *
 * There is one thread, which is the watcher, too. Time passes only when somebody would sleep, and the
 * timer ticks when the input says so; so a peer who stays in a lock for seconds takes no time, and
 * everything comes out the same each time.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <dmafence/dmafence.h>

#include "fd/handle.h"
#include "fd/shared-memory.h"
#include "fuzz.h"

#define MOST_STEPS 48
#define FDS	   8
#define FENCES	   6
#define OWN	   3
#define OBJECTS	   4
#define NONE	   (-1)

/* A place for an fd. */
struct place {
	int fd;
	/* Whose sync file it is, as it was exported: NONE if not known. */
	int own;
};

struct found {
	struct dma_fence *fence; /* NULL: free */
	struct dma_fence_cb cb;
	bool added;
	unsigned int called;
};

static struct {
	struct place fds[FDS];
	struct found fences[FENCES];
	struct dma_fence *own[OWN];
	struct dma_fence_syncobj *objects[OBJECTS];
	int64_t time;
	int timer;
	bool ticking;
	int mappings;
	int count_before;
} world;

/* Time */

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *time,
			   struct itimerspec *old);
long __wrap_syscall(long number, ...);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	if (clock != CLOCK_MONOTONIC)
		return __real_clock_gettime(clock, time);
	/* A little each time, for who looks until it is later. */
	world.time += 1000;
	time->tv_sec = world.time / 1000000000;
	time->tv_nsec = world.time % 1000000000;
	return 0;
}

/* What is read from it, and how it can be polled, is the same. */
int __wrap_timerfd_create(int clock, int flags)
{
	(void)clock;
	world.timer = eventfd(0, flags);
	return world.timer;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *time, struct itimerspec *old)
{
	(void)flags;
	(void)old;
	fuzz_check(fd == world.timer);
	world.ticking = time->it_value.tv_nsec;
	return 0;
}

/* Of a futex. Nobody is there who could wake it. */
long __wrap_syscall(long number, ...)
{
	const struct timespec *until;
	const uint32_t *word;
	uint32_t value;
	va_list args;
	int operation;

	va_start(args, number);
	word = va_arg(args, const uint32_t *);
	operation = va_arg(args, int);
	value = va_arg(args, uint32_t);
	until = va_arg(args, const struct timespec *);
	va_end(args);

	fuzz_check(number == SYS_futex);
	if ((operation & FUTEX_CMD_MASK) != FUTEX_WAIT_BITSET)
		return 0;
	if (__atomic_load_n(word, __ATOMIC_RELAXED) != value) {
		errno = EAGAIN;
		return -1;
	}
	fuzz_check(until);
	if (world.time < until->tv_sec * INT64_C(1000000000) + until->tv_nsec)
		world.time = until->tv_sec * INT64_C(1000000000) + until->tv_nsec;
	errno = ETIMEDOUT;
	return -1;
}

/* What is mapped, LeakSanitizer does not look at. */

int __real_dma_fence_shared_memory_map(int fd, struct shared_memory **memory);
int __wrap_dma_fence_shared_memory_map(int fd, struct shared_memory **memory);
void __real_dma_fence_shared_memory_unmap(struct shared_memory *memory);
void __wrap_dma_fence_shared_memory_unmap(struct shared_memory *memory);

int __wrap_dma_fence_shared_memory_map(int fd, struct shared_memory **memory)
{
	int ret = __real_dma_fence_shared_memory_map(fd, memory);

	world.mappings += !ret;
	return ret;
}

void __wrap_dma_fence_shared_memory_unmap(struct shared_memory *memory)
{
	world.mappings--;
	__real_dma_fence_shared_memory_unmap(memory);
}

/* Places */

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static struct place *take_place(struct fuzz_input *input)
{
	return &world.fds[fuzz_take_byte(input) % FDS];
}

/* What was there is closed. */
static void set_place(struct place *place, int fd, int own)
{
	if (place->fd >= 0)
		close(place->fd);
	*place = (struct place){ .fd = fd, .own = own };
}

static int open_fd_of(int fd, int flags)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC | O_NONBLOCK);
}

/* Whoever may have changed it: all that may be the same file are not known any more. */
static void forget_own(void)
{
	int i;

	for (i = 0; i < FDS; i++)
		world.fds[i].own = NONE;
}

/* Kinds of fds */

/* Times of a pipe: the marks that src/fd/pipe.c looks for, each right more often than not. */
static struct timespec take_stamp(struct fuzz_input *input)
{
	static const uint32_t marks[] = { UINT32_C(0x5fe) << 18, UINT32_C(0x5fe) << 18 | 1u << 17,
					  UINT32_C(0x1a5) << 20, 0 };
	const uint8_t how = fuzz_take_byte(input);
	const uint64_t bits = fuzz_take(input, 8);
	struct timespec stamp;

	stamp.tv_sec = (time_t)((uint64_t)(how & 3) << 61 | (bits >> 3));
	stamp.tv_nsec = (long)((marks[how >> 2 & 3] | (fuzz_take(input, 3) & 0xfffff)) %
			       UINT32_C(1000000000));
	return stamp;
}

static void make_pipe(struct fuzz_input *input)
{
	const uint8_t how = fuzz_take_byte(input);
	const struct timespec times[2] = { take_stamp(input), take_stamp(input) };
	struct place *read_end = take_place(input), *write_end = take_place(input);
	int ends[2];

	fuzz_check(!pipe2(ends, O_CLOEXEC | (how & 1 ? O_NONBLOCK : 0)));
	if (how & 2)
		fuzz_check(write(ends[1], "byte", 1 + (how >> 6)) > 0);
	futimens(ends[0], times);
	set_place(read_end, ends[0], NONE);
	if (how & 4 && write_end != read_end)
		set_place(write_end, ends[1], NONE);
	else
		close(ends[1]);
}

static void make_file(struct fuzz_input *input)
{
	static const char *const paths[] = { "/dev/null", "/dev/zero", "/", "/proc/self/maps",
					     "/dev/full" };
	static const int flags[] = { O_RDONLY, O_PATH, O_RDONLY | O_NONBLOCK };
	const uint8_t how = fuzz_take_byte(input);
	struct place *place = take_place(input);

	switch (how % 8) {
	case 0:
		set_place(place, eventfd(how >> 4, EFD_NONBLOCK | EFD_CLOEXEC), NONE);
		break;
	case 1:
		set_place(place, eventfd(how >> 4, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC),
			  NONE);
		break;
	case 2:
		set_place(place, epoll_create1(EPOLL_CLOEXEC), NONE);
		break;
	default:
		set_place(place, open(paths[how % 5], flags[how / 8 % 3] | O_CLOEXEC), NONE);
		break;
	}
}

static void make_memory(struct fuzz_input *input)
{
	static const off_t sizes[] = { sizeof(struct shared_memory), 0, 64,
				       sizeof(struct shared_memory) + 1 };
	const uint8_t how = fuzz_take_byte(input);
	struct place *place = take_place(input);
	int fd = memfd_create("memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const uint64_t words[] = { SHARED_MAGIC,
				   SHARED_VERSION | (uint64_t)sizeof(struct shared_memory) << 32 };
	static const int seals[] = { F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, 0,
				     F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | F_SEAL_WRITE,
				     F_SEAL_SHRINK };

	fuzz_check(fd >= 0 && !ftruncate(fd, sizes[how % 4]));
	if (sizes[how % 4])
		fuzz_check(pwrite(fd, words, sizeof(words), 0) == sizeof(words));
	fcntl(fd, F_ADD_SEALS, seals[how / 4 % 4]);
	set_place(place, fd, NONE);
}

/* A message such as that of a handle: what it says it is, and what is in it. */
static void make_socket(struct fuzz_input *input)
{
	static const int types[] = { SOCK_SEQPACKET, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	const uint8_t how = fuzz_take_byte(input);
	const unsigned int num_fds = fuzz_take_byte(input) % 4;
	uint64_t message[3] = { SHARED_MAGIC, SHARED_VERSION | UINT64_C(2) << 32, 0 };
	struct iovec iov = { .iov_base = message, .iov_len = 16 };
	union {
		char room[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct place *place = take_place(input);
	unsigned int i;
	int pair[2];

	if (how & 4)
		message[0] ^= fuzz_take_byte(input);
	if (how & 8)
		message[1] ^= fuzz_take(input, 5);
	if (how & 16)
		iov.iov_len = fuzz_take_byte(input) % (sizeof(message) + 1);
	if (num_fds) {
		header.msg_control = control.room;
		header.msg_controllen = CMSG_SPACE(num_fds * sizeof(int));
		CMSG_FIRSTHDR(&header)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&header)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&header)->cmsg_len = CMSG_LEN(num_fds * sizeof(int));
		for (i = 0; i < num_fds; i++) {
			int fd = take_place(input)->fd;

			memcpy(CMSG_DATA(CMSG_FIRSTHDR(&header)) + i * sizeof(int), &fd,
			       sizeof(fd));
		}
	}
	fuzz_check(!socketpair(AF_UNIX, types[how % 4] | SOCK_CLOEXEC, 0, pair));
	if (!(how & 32))
		sendmsg(pair[1], &header, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (how & 64)
		set_place(take_place(input), pair[1], NONE);
	else
		close(pair[1]);
	set_place(place, pair[0], NONE);
}

static void make_duplicate(struct fuzz_input *input)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR, O_PATH };
	const uint8_t how = fuzz_take_byte(input);
	const struct place *from = take_place(input);
	struct place *to = take_place(input);
	int fd, own = from->own;

	if (how & 1) {
		fd = fcntl(from->fd, F_DUPFD_CLOEXEC, 0);
	} else {
		fd = open_fd_of(from->fd, flags[how / 2 % 4]);
		/* Only what can be read from and polled is a sync file. */
		if (how / 2 % 4)
			own = NONE;
	}
	if (to != from)
		set_place(to, fd < 0 ? NONE : fd, own);
	else if (fd >= 0)
		close(fd);
}

static void close_place(struct fuzz_input *input)
{
	set_place(take_place(input), NONE, NONE);
}

static bool tampers;

/* No write of the library's to a pipe that nobody reads reaches the program. */
static void broken_pipe(int signum)
{
	(void)signum;
	fuzz_check(tampers);
}

/* What somebody else may do to the file behind an fd. */
static void tamper(struct fuzz_input *input)
{
	const uint8_t how = fuzz_take_byte(input);
	const struct place *place = take_place(input);
	struct timespec times[2];
	char bytes[8];
	int fd;

	forget_own();
	switch (how % 4) {
	case 0:
		times[0] = take_stamp(input);
		times[1] = take_stamp(input);
		if (how & 16)
			times[0].tv_nsec = UTIME_OMIT;
		if (how & 32)
			times[1].tv_nsec = UTIME_OMIT;
		futimens(place->fd, times);
		break;
	case 1:
		fd = open_fd_of(place->fd, O_RDONLY);
		if (fd >= 0) {
			struct stat status;

			if (!fstat(fd, &status) && S_ISFIFO(status.st_mode) &&
			    read(fd, bytes, sizeof(bytes)) < 0)
				errno = 0;
			close(fd);
		}
		break;
	case 2:
		fd = open_fd_of(place->fd, O_WRONLY);
		if (fd >= 0) {
			struct stat status;

			tampers = true;
			if (!fstat(fd, &status) && S_ISFIFO(status.st_mode) &&
			    write(fd, bytes, 1) < 0)
				errno = 0;
			tampers = false;
			close(fd);
		}
		break;
	default:
		fallocate(place->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  (off_t)(fuzz_take(input, 3) % sizeof(struct shared_memory)),
			  (off_t)fuzz_take(input, 2));
		break;
	}
}

/* Writes into the memory that a handle leads to, as one who has the handle may. */
static void corrupt(struct fuzz_input *input)
{
	static const struct {
		size_t offset, size;
	} words[] = {
		{ offsetof(struct shared_memory, magic), 8 },
		{ offsetof(struct shared_memory, version), 4 },
		{ offsetof(struct shared_memory, size), 4 },
		{ offsetof(struct shared_memory, signaled), 8 },
		{ offsetof(struct shared_memory, changes), 4 },
		{ offsetof(struct shared_memory, broken), 4 },
		{ offsetof(struct shared_memory, submitted), 8 },
		{ offsetof(struct shared_memory, lives), 8 },
		{ offsetof(struct shared_memory, life), 8 },
		{ offsetof(struct shared_memory, next), 8 },
		{ offsetof(struct shared_memory, failed_from), 8 },
		{ offsetof(struct shared_memory, failed_error), 4 },
		{ offsetof(struct shared_memory, died), 4 },
		{ offsetof(struct shared_memory, lock), 4 },
		{ offsetof(struct shared_memory, last_id), 4 },
		{ offsetof(struct shared_memory, tail), 8 },
		{ offsetof(struct shared_memory, owners), 4 },
		{ offsetof(struct shared_memory, owners) + 4, 4 },
	};
	static const size_t of_entry[][2] = {
		{ offsetof(struct entry, word), 8 },  { offsetof(struct entry, point), 8 },
		{ offsetof(struct entry, life), 8 },  { offsetof(struct entry, timestamp), 8 },
		{ offsetof(struct entry, error), 4 }, { offsetof(struct entry, owner), 4 },
	};
	const struct place *place = take_place(input);
	const uint8_t which = fuzz_take_byte(input), how = fuzz_take_byte(input);
	size_t offset, size;
	uint64_t old = 0, value;
	int fds[HANDLE_FDS];

	if (dma_fence_handle_open(place->fd, SHARED_MAGIC, SHARED_VERSION, fds))
		return;
	if (which < 128) {
		offset = words[which % (sizeof(words) / sizeof(words[0]))].offset;
		size = words[which % (sizeof(words) / sizeof(words[0]))].size;
	} else {
		offset = offsetof(struct shared_memory, ring) + (how >> 4) * sizeof(struct entry) +
			 of_entry[which % 6][0];
		size = of_entry[which % 6][1];
	}
	/* Near to what is there, or far off. */
	if (pread(fds[0], &old, size, (off_t)offset) == (ssize_t)size) {
		if (how & 1)
			value = old + (uint64_t)(int64_t)(int8_t)fuzz_take_byte(input);
		else if (how & 2)
			value = old ^ UINT64_C(1) << fuzz_take_byte(input) % 64;
		else
			value = fuzz_take(input, how & 4 ? 8 : 1);
		if (pwrite(fds[0], &value, size, (off_t)offset) < 0)
			errno = 0; /* sealed against that */
	}
	close(fds[0]);
	close(fds[1]);
}

/* Calls, and what they may say */

#define ERRORS(...) ((const int[]){ __VA_ARGS__, 0 })

static void check_error(int error, const int *allowed)
{
	if (error >= 0)
		return;
	while (*allowed && *allowed != error)
		allowed++;
	if (!*allowed)
		fprintf(stderr, "error %d: %s\n", -error, strerror(-error));
	fuzz_check(*allowed);
}

/* That it is not open is said of what is not open, and of nothing else. */
static void check_badf(int error, int fd1, int fd2)
{
	if (error == -EBADF)
		fuzz_check(!is_open(fd1) || !is_open(fd2));
	else if (!is_open(fd1) && !is_open(fd2))
		fuzz_check(error == -EBADF);
}

static int take_own(struct fuzz_input *input)
{
	return fuzz_take_byte(input) % OWN;
}

static void signal_own(struct fuzz_input *input)
{
	struct dma_fence *fence = world.own[take_own(input)];
	const uint16_t error = (uint16_t)fuzz_take(input, 2);

	if (error % 4096)
		dma_fence_set_error(fence, -(error % 4096));
	dma_fence_signal(fence);
}

static void renew_own(int number)
{
	if (world.own[number]) {
		dma_fence_signal(world.own[number]);
		dma_fence_put(world.own[number]);
	}
	world.own[number] = malloc(sizeof(struct dma_fence));
	fuzz_check(world.own[number]);
	dma_fence_init(world.own[number], NULL, 1, 1);
}

static void renew(struct fuzz_input *input)
{
	const int number = take_own(input);

	forget_own();
	renew_own(number);
}

static void export_own(struct fuzz_input *input)
{
	const int number = take_own(input);
	int fd = dma_fence_sync_file_export(world.own[number]);

	fuzz_check(is_open(fd));
	set_place(take_place(input), fd, number);
}

static void called(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct found *found = (struct found *)(void *)((char *)cb - offsetof(struct found, cb));

	fuzz_check(found->fence == fence && dma_fence_is_signaled(fence));
	found->called++;
}

static void put_away(struct found *found)
{
	if (found->added && dma_fence_remove_callback(found->fence, &found->cb))
		fuzz_check(!found->called);
	else
		fuzz_check(found->called == found->added);
	dma_fence_put(found->fence);
	*found = (struct found){ 0 };
}

static void keep(struct fuzz_input *input, struct dma_fence *fence)
{
	struct found *found = &world.fences[fuzz_take_byte(input) % FENCES];

	if (found->fence)
		put_away(found);
	found->fence = fence;
}

/* How a sync file ended, according to whoever is asked. */
static void check_outcome(struct dma_fence *fence)
{
	int status = dma_fence_get_status(fence);

	fuzz_check(status <= 1 && status >= -4095);
	if (status)
		fuzz_check(dma_fence_timestamp(fence) >= 0);
}

static void import(struct fuzz_input *input)
{
	struct place *place = take_place(input);
	const bool take = fuzz_take_byte(input) & 1;
	struct dma_fence *fence;

	errno = 0;
	fence = take ? dma_fence_sync_file_import_take_fd(place->fd)
		     : dma_fence_sync_file_import_dup_fd(place->fd);
	if (!fence) {
		check_error(-errno, ERRORS(-EINVAL, -EBADF));
		check_badf(-errno, place->fd, place->fd);
		fuzz_check(errno && place->own == NONE);
		return;
	}
	if (place->own != NONE) {
		struct dma_fence *own = world.own[place->own];

		/* If it has not signaled, that very one; else what says the same. */
		fuzz_check(fence == own || dma_fence_is_signaled(own));
		fuzz_check(dma_fence_get_status(fence) == dma_fence_get_status(own));
	}
	check_outcome(fence);
	if (take)
		*place = (struct place){ .fd = NONE, .own = NONE };
	else
		fuzz_check(is_open(place->fd));
	keep(input, fence);
}

static void merge(struct fuzz_input *input)
{
	const struct place *place1 = take_place(input), *place2 = take_place(input);
	int fd = dma_fence_sync_file_merge(place1->fd, place2->fd);

	check_error(fd, ERRORS(-EINVAL, -EBADF));
	check_badf(fd < 0 ? fd : 0, place1->fd, place2->fd);
	if (fd >= 0)
		set_place(take_place(input), fd, NONE);
	else
		fuzz_check(place1->own == NONE || place2->own == NONE);
}

static void ask(struct fuzz_input *input)
{
	const struct place *place = take_place(input);
	struct dma_fence_sync_fence_info fences[3];
	struct dma_fence_sync_file_info info = {
		.num_fences = fuzz_take_byte(input) % 4,
		.fences = fences,
	};
	const uint32_t room = info.num_fences;
	int ret = dma_fence_sync_file_get_info(place->fd, &info);
	uint32_t i;

	check_error(ret, ERRORS(-EINVAL, -EBADF));
	check_badf(ret, place->fd, place->fd);
	if (ret) {
		fuzz_check(place->own == NONE);
		return;
	}
	fuzz_check(info.status >= -4095 && info.status <= 1 && info.timestamp_ns >= 0);
	fuzz_check(info.status ? !info.num_fences : info.num_fences > 0);
	for (i = 0; i < info.num_fences && i < room; i++) {
		fuzz_check(memchr(fences[i].driver_name, '\0', sizeof(fences[i].driver_name)));
		fuzz_check(memchr(fences[i].timeline_name, '\0', sizeof(fences[i].timeline_name)));
	}
	if (place->own != NONE)
		fuzz_check(info.status == dma_fence_get_status(world.own[place->own]));
}

static void set_deadline(struct fuzz_input *input)
{
	const struct place *place = take_place(input);
	int ret = dma_fence_sync_file_set_deadline(place->fd, (int64_t)fuzz_take(input, 8));

	check_error(ret, ERRORS(-EINVAL, -EBADF, -EOPNOTSUPP));
	check_badf(ret, place->fd, place->fd);
}

static void census(struct fuzz_input *input)
{
	struct dma_fence_fd_count counts[2];

	fuzz_check(dma_fence_fd_census(counts, fuzz_take_byte(input) % 3) >= 0);
}

/* With what was found */

static struct found *take_found(struct fuzz_input *input)
{
	return &world.fences[fuzz_take_byte(input) % FENCES];
}

static void use_fence(struct fuzz_input *input)
{
	struct found *found = take_found(input);
	const uint8_t how = fuzz_take_byte(input);
	int64_t left;
	int fd;

	if (!found->fence)
		return;
	switch (how % 5) {
	case 0:
		left = dma_fence_wait_timeout(found->fence, how & 16, how & 32 ? 1000000 : 0);
		fuzz_check(left >= 0);
		fuzz_check(!left || dma_fence_is_signaled(found->fence));
		break;
	case 1:
		if (!found->added)
			found->added = !dma_fence_add_callback(found->fence, &found->cb, called);
		break;
	case 2:
		fd = dma_fence_sync_file_export(found->fence);
		fuzz_check(is_open(fd));
		set_place(take_place(input), fd, NONE);
		break;
	case 3:
		put_away(found);
		break;
	default:
		check_outcome(found->fence);
		break;
	}
}

/* Without putting it away first: the last reference of one for which somebody waits. */
static void drop_fence(struct fuzz_input *input)
{
	struct found *found = take_found(input);

	if (found->fence && !found->added)
		put_away(found);
}

/* Sync objects */

static struct dma_fence_syncobj **take_object(struct fuzz_input *input)
{
	return &world.objects[fuzz_take_byte(input) % OBJECTS];
}

static void set_object(struct fuzz_input *input, struct dma_fence_syncobj *syncobj)
{
	struct dma_fence_syncobj **object = take_object(input);

	dma_fence_syncobj_put(*object);
	*object = syncobj;
}

static void create_object(struct fuzz_input *input)
{
	const uint8_t how = fuzz_take_byte(input);
	struct dma_fence_syncobj *syncobj = dma_fence_syncobj_create(
		(how & 1) | (how & 2 ? 0 : DMA_FENCE_SYNCOBJ_CREATE_SHARED));

	fuzz_check(syncobj);
	set_object(input, syncobj);
}

static void import_object(struct fuzz_input *input)
{
	struct place *place = take_place(input);
	const bool take = fuzz_take_byte(input) & 1;
	struct dma_fence_syncobj *syncobj;

	errno = 0;
	syncobj = take ? dma_fence_syncobj_import_take_fd(place->fd)
		       : dma_fence_syncobj_import_dup_fd(place->fd);
	if (!syncobj) {
		check_error(-errno, ERRORS(-EINVAL, -EPROTO, -EBADF));
		check_badf(-errno, place->fd, place->fd);
		fuzz_check(errno);
		return;
	}
	fuzz_check(is_open(place->fd) != take);
	if (take)
		*place = (struct place){ .fd = NONE, .own = NONE };
	set_object(input, syncobj);
}

static void export_object(struct fuzz_input *input)
{
	struct dma_fence_syncobj *syncobj = *take_object(input);
	int fd = dma_fence_syncobj_export(syncobj);

	check_error(fd, ERRORS(-EINVAL, -EUSERS, -EPROTO));
	if (fd >= 0)
		set_place(take_place(input), fd, NONE);
}

static const int put_in_errors[] = { -ERANGE, -EINVAL, -EAGAIN, -EUSERS, -EPROTO, 0 };

static uint64_t take_point(struct fuzz_input *input)
{
	const uint8_t point = fuzz_take_byte(input);

	return point < 250 ? point % 8 : fuzz_take(input, 8);
}

static void put_into_object(struct fuzz_input *input)
{
	struct dma_fence_syncobj *syncobj = *take_object(input);
	const uint8_t how = fuzz_take_byte(input);
	const uint64_t point = take_point(input);
	struct dma_fence_promise *promise;
	int ret = 0;

	switch (how % 5) {
	case 0:
		ret = dma_fence_syncobj_signal_point(syncobj, point);
		break;
	case 1:
		ret = dma_fence_syncobj_add_point(syncobj, point, world.own[take_own(input)]);
		break;
	case 2:
		ret = dma_fence_syncobj_replace_fence(
			syncobj, how & 16 ? take_found(input)->fence : world.own[take_own(input)]);
		break;
	case 3:
		ret = dma_fence_syncobj_reset(syncobj);
		break;
	default:
		promise = dma_fence_syncobj_promise(syncobj, point);
		if (!promise)
			ret = -errno;
		else if (how & 16)
			fuzz_check(!dma_fence_promise_keep(promise, world.own[take_own(input)]));
		else
			dma_fence_promise_drop(promise);
		break;
	}
	check_error(ret, put_in_errors);
}

static void ask_object(struct fuzz_input *input)
{
	struct dma_fence_syncobj *syncobj = *take_object(input);
	const uint8_t how = fuzz_take_byte(input);
	const uint64_t point = take_point(input);
	struct dma_fence_syncobj_point waited_for = { syncobj, point };
	struct dma_fence *fence;
	uint64_t reached;
	uint32_t idx;
	int64_t ret;

	if (!syncobj)
		return;
	switch (how % 5) {
	case 0:
		check_error(dma_fence_syncobj_query(syncobj, how >> 7, &reached), ERRORS(-EPROTO));
		break;
	case 1:
		ret = dma_fence_syncobj_status(syncobj, point);
		fuzz_check(ret <= 1 && ret >= -4095);
		break;
	case 2:
		errno = 0;
		fence = dma_fence_syncobj_find_fence(syncobj, point);
		if (fence)
			keep(input, fence);
		else
			check_error(-errno, ERRORS(-ENOENT, -EINVAL, -EPROTO, -ETIMEDOUT));
		break;
	case 3:
		ret = dma_fence_syncobj_wait(&waited_for, 1, how >> 5, false,
					     how & 16 ? 100000000 : 0, &idx);
		fuzz_check(ret >= -4095);
		check_error(ret < 0 ? (int)ret : 0, ERRORS(-EINVAL, -ENOENT, -EOWNERDEAD, -EPROTO));
		break;
	default:
		ret = dma_fence_syncobj_export_sync_file(syncobj, point);
		check_error((int)ret, ERRORS(-ENOENT, -EINVAL, -EPROTO, -ETIMEDOUT));
		if (ret >= 0)
			set_place(take_place(input), (int)ret, NONE);
		break;
	}
}

static void import_into_object(struct fuzz_input *input)
{
	struct dma_fence_syncobj *syncobj = *take_object(input);
	struct place *place = take_place(input);
	const bool take = fuzz_take_byte(input) & 1;
	const uint64_t point = take_point(input);
	int ret = take ? dma_fence_syncobj_import_sync_file_take_fd(syncobj, point, place->fd)
		       : dma_fence_syncobj_import_sync_file_dup_fd(syncobj, point, place->fd);

	if (ret == -EBADF)
		fuzz_check(!is_open(place->fd));
	else
		check_error(ret, put_in_errors);
	if (!ret && take) {
		fuzz_check(!is_open(place->fd));
		*place = (struct place){ .fd = NONE, .own = NONE };
	} else if (!ret) {
		fuzz_check(is_open(place->fd));
	}
}

static void notify_eventfd(struct fuzz_input *input)
{
	struct dma_fence_syncobj *syncobj = *take_object(input);
	const struct place *place = take_place(input);
	int ret = dma_fence_syncobj_eventfd_dup_fd(syncobj, take_point(input), place->fd,
						   fuzz_take_byte(input) & 4);

	check_error(ret, ERRORS(-EINVAL, -EBADF, -EPROTO));
	if (ret == -EBADF)
		fuzz_check(!is_open(place->fd));
}

static void transfer(struct fuzz_input *input)
{
	struct dma_fence_syncobj *to = *take_object(input), *from = *take_object(input);
	const uint64_t to_point = take_point(input), from_point = take_point(input);
	int ret = dma_fence_syncobj_transfer(to, to_point, from, from_point, 0);

	if (ret != -ENOENT && ret != -ETIMEDOUT)
		check_error(ret, put_in_errors);
}

static void drop_object(struct fuzz_input *input)
{
	set_object(input, NULL);
}

/* The loop */

static void dispatch(struct fuzz_input *input)
{
	const uint64_t one = 1;

	if (fuzz_take_byte(input) & 1) {
		world.time += 80000000;
		if (world.ticking)
			fuzz_check(write(world.timer, &one, sizeof(one)) == sizeof(one));
	}
	fuzz_check(dma_fence_watcher_dispatch() >= 0);
}

static void (*const steps[])(struct fuzz_input *input) = {
	make_pipe,	make_file,
	make_memory,	make_socket,
	make_duplicate, close_place,
	tamper,		corrupt,
	signal_own,	renew,
	export_own,	import,
	merge,		ask,
	set_deadline,	census,
	use_fence,	drop_fence,
	create_object,	import_object,
	export_object,	put_into_object,
	ask_object,	import_into_object,
	notify_eventfd, transfer,
	drop_object,	dispatch,
};

static void reported(const struct dma_fence_report *report, void *data)
{
	(void)data;
	fprintf(stderr, "reported: %s\n%s", report->text, report->details);
	abort();
}

static int count_fds(void)
{
	struct pollfd fds[64];
	int i, count = 0;

	for (i = 0; i < 64; i++)
		fds[i] = (struct pollfd){ .fd = i };
	poll(fds, 64, 0);
	for (i = 0; i < 64; i++)
		count += !(fds[i].revents & POLLNVAL);
	return count;
}

static void begin(void)
{
	static bool begun;
	int i;

	if (!begun) {
		dma_fence_set_report_handler(reported, NULL);
		signal(SIGPIPE, broken_pipe);
		fuzz_check(dma_fence_watcher_get_fd() >= 0);
		begun = true;
	}
	world.time = 1000000000;
	fuzz_check(!world.ticking);
	for (i = 0; i < FDS; i++)
		world.fds[i] = (struct place){ .fd = NONE, .own = NONE };
	world.count_before = count_fds();
	for (i = 0; i < OWN; i++)
		renew_own(i);
}

static void end(void)
{
	static unsigned int ended;
	int i, rounds;

	for (i = 0; i < OWN; i++) {
		dma_fence_signal(world.own[i]);
		dma_fence_put(world.own[i]);
		world.own[i] = NULL;
	}
	for (i = 0; i < FDS; i++)
		set_place(&world.fds[i], NONE, NONE);
	for (i = 0; i < FENCES; i++) {
		if (world.fences[i].fence)
			put_away(&world.fences[i]);
	}
	for (i = 0; i < OBJECTS; i++) {
		dma_fence_syncobj_put(world.objects[i]);
		world.objects[i] = NULL;
	}
	/* What nobody writes to any more has ended, and goes when that is seen. */
	for (rounds = 0; rounds < 100 && dma_fence_watcher_dispatch(); rounds++)
		;
	fuzz_check(rounds < 100);
	/* Takes a hundred times as long as all else, but memory would grow without. */
	if (++ended % 256 == 0)
		dma_fence_rcu_barrier();
	fuzz_check(!world.mappings);
	fuzz_check(count_fds() == world.count_before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .data = data, .left = size };
	int i;

	begin();
	for (i = 0; i < MOST_STEPS && input.left; i++)
		steps[fuzz_take_byte(&input) % (sizeof(steps) / sizeof(steps[0]))](&input);
	end();
	return 0;
}
