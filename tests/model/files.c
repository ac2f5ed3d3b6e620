/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "explore.h"
#include "files.h"
#include "memory.h"
#include "trace.h"

int __wrap_eventfd(unsigned int count, int flags);
int __wrap_eventfd_read(int fd, eventfd_t *count);
int __wrap_eventfd_write(int fd, eventfd_t count);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_close(int fd);

#define caller() __builtin_return_address(0)

/* Numbers that the program that runs all this does not have. */
#define FIRST_FD 1000
#define FILES	 24
#define ITEMS	 8

enum kind {
	CLOSED,
	EVENTFD,
	EPOLL,
};

/* What an instance knows of a file. By edge: 'changed' since it was told of. */
struct item {
	int fd; /* 0: none */
	uint32_t events;
	uint64_t data;
	bool changed;
};

struct file {
	enum kind kind;
	void *opened_by;
	uint64_t count;
	struct item items[ITEMS];
};

static struct file files[FILES];
static unsigned int num_files;

void files_reset(void)
{
	memset(files, 0, num_files * sizeof(files[0]));
	num_files = 0;
}

size_t files_open(void **pc)
{
	size_t count = 0;
	unsigned int i;

	for (i = num_files; i--;) {
		if (files[i].kind == CLOSED)
			continue;
		*pc = files[i].opened_by;
		count++;
	}
	return count;
}

/* What the calling thread does from here to its next step happens at once. */
static void step(void *pc)
{
	current->op = (struct op){
		.kind = OP_FILE,
		.location = memory_pseudo_location(PSEUDO_FILES),
		.pc = pc,
	};
	take_step();
}

static struct file *file_of(int fd, void *pc)
{
	const unsigned int number = (unsigned int)(fd - FIRST_FD);

	if (number >= num_files)
		failed(VERDICT_BAD_FREE, "fd %d, which is none, used by thread %s at %s", fd,
		       trace_thread(current->index), trace_code(pc));
	if (files[number].kind == CLOSED)
		failed(VERDICT_USE_AFTER_FREE, "an fd used after it was closed, by thread %s at %s",
		       trace_thread(current->index), trace_code(pc));
	return &files[number];
}

static struct file *file_of_kind(int fd, enum kind kind, void *pc)
{
	struct file *file = file_of(fd, pc);

	if (file->kind != kind)
		failed(VERDICT_BAD_FREE, "fd %d is of another kind, used by thread %s at %s", fd,
		       trace_thread(current->index), trace_code(pc));
	return file;
}

static int open_file(enum kind kind, void *pc)
{
	if (num_files == FILES)
		failed(VERDICT_LEAK, "more than %d files", FILES);
	files[num_files].kind = kind;
	files[num_files].opened_by = pc;
	return FIRST_FD + (int)num_files++;
}

static bool item_ready(const struct item *item)
{
	return item->fd && files[item->fd - FIRST_FD].count &&
	       (!(item->events & EPOLLET) || item->changed);
}

static bool readable(const struct file *file)
{
	unsigned int i;

	if (file->kind == EVENTFD)
		return file->count;
	for (i = 0; i < ITEMS; i++) {
		if (item_ready(&file->items[i]))
			return true;
	}
	return false;
}

/* Who sleeps until a file is readable that now is. */
static void wake_sleepers(void)
{
	unsigned int i, t;

	for (i = 0; i < num_files; i++) {
		for (t = 0; t < THREADS; t++) {
			struct thread *thread = &threads[t];

			if (!thread->exists || thread->finished || thread->op.kind != OP_SLEEP ||
			    thread->woken || thread->op.address != &files[i] ||
			    !readable(&files[i]))
				continue;
			thread->woken = true;
			thread->woken_dep = current->dep;
		}
	}
}

/* Until it is woken, or the time is over. False: it is. */
static bool sleep_on(struct file *file, int timeout_ms, void *pc)
{
	current->op = (struct op){
		.kind = OP_SLEEP,
		.address = file,
		.location = memory_pseudo_location(PSEUDO_FILES),
		.deadline = timeout_ms < 0 ? INT64_MAX : 0,
		.pc = pc,
	};
	current->woken = false;
	take_step();
	return !current->op.result;
}

/* Eventfds, which do not block */

int __wrap_eventfd(unsigned int count, int flags)
{
	int fd;

	if (!(flags & EFD_NONBLOCK))
		abort();
	step(caller());
	fd = open_file(EVENTFD, caller());
	files[fd - FIRST_FD].count = count;
	return fd;
}

int __wrap_eventfd_read(int fd, eventfd_t *count)
{
	struct file *file;

	step(caller());
	file = file_of_kind(fd, EVENTFD, caller());
	if (!file->count) {
		errno = EAGAIN;
		return -1;
	}
	memory_access(count, sizeof(*count), PLAIN_STORE, caller());
	*count = file->count;
	file->count = 0;
	return 0;
}

int __wrap_eventfd_write(int fd, eventfd_t count)
{
	unsigned int i, j;

	step(caller());
	file_of_kind(fd, EVENTFD, caller())->count += count;
	for (i = 0; i < num_files; i++) {
		for (j = 0; files[i].kind == EPOLL && j < ITEMS; j++) {
			if (files[i].items[j].fd == fd)
				files[i].items[j].changed = true;
		}
	}
	wake_sleepers();
	return 0;
}

/* epoll */

int __wrap_epoll_create1(int flags)
{
	(void)flags;
	step(caller());
	return open_file(EPOLL, caller());
}

static struct item *item_of(struct file *file, int fd)
{
	unsigned int i;

	for (i = 0; i < ITEMS; i++) {
		if (file->items[i].fd == fd)
			return &file->items[i];
	}
	return NULL;
}

int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	struct file *file;
	struct item *item;

	step(caller());
	file = file_of_kind(epoll, EPOLL, caller());
	file_of(fd, caller());
	item = item_of(file, fd);
	if (what == EPOLL_CTL_DEL) {
		if (!item)
			failed(VERDICT_BAD_FREE,
			       "an fd taken out that is not in, by thread %s at %s",
			       trace_thread(current->index), trace_code(caller()));
		item->fd = 0;
		return 0;
	}
	if (what != EPOLL_CTL_ADD || item || !(item = item_of(file, 0)))
		abort();
	memory_access(event, sizeof(*event), PLAIN_LOAD, caller());
	if (event->events & ~(uint32_t)(EPOLLIN | EPOLLET))
		abort();
	*item = (struct item){ fd, event->events, event->data.u64, true };
	wake_sleepers();
	return 0;
}

static int take_events(struct file *file, struct epoll_event *events, int max)
{
	unsigned int i;
	int count = 0;

	for (i = 0; i < ITEMS && count < max; i++) {
		struct item *item = &file->items[i];

		if (!item_ready(item))
			continue;
		item->changed = false;
		memory_access(&events[count], sizeof(events[count]), PLAIN_STORE, caller());
		events[count++] = (struct epoll_event){ .events = EPOLLIN, .data.u64 = item->data };
	}
	return count;
}

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms)
{
	struct file *file;
	int count;

	do {
		step(caller());
		file = file_of_kind(epoll, EPOLL, caller());
		count = take_events(file, events, max);
	} while (!count && timeout_ms && sleep_on(file, timeout_ms, caller()));
	return count;
}

/* Of one file: whether it is readable. */
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	struct file *file;

	if (count != 1 || fds->events != POLLIN)
		abort();
	do {
		step(caller());
		file = file_of(fds->fd, caller());
		if (readable(file))
			return 1;
	} while (timeout_ms && sleep_on(file, timeout_ms, caller()));
	return 0;
}

/* What an instance knows of the file goes with it: nobody else has it open. */
int __wrap_close(int fd)
{
	struct item *item;
	struct file *file;
	unsigned int i;

	step(caller());
	file = file_of(fd, caller());
	for (i = 0; i < THREADS; i++) {
		if (threads[i].exists && !threads[i].finished && threads[i].op.kind == OP_SLEEP &&
		    threads[i].op.address == file)
			failed(VERDICT_USE_AFTER_FREE,
			       "an fd closed while thread %s sleeps on it, by thread %s at %s",
			       trace_thread(i), trace_thread(current->index), trace_code(caller()));
	}
	for (i = 0; i < num_files; i++) {
		item = files[i].kind == EPOLL ? item_of(&files[i], fd) : NULL;
		if (item)
			item->fd = 0;
	}
	file->kind = CLOSED;
	return 0;
}
