/* SPDX-License-Identifier: MIT */
/*
 * Sync objects that processes share: what one puts in the others find, and when a process dies,
 * wherever it was, nobody waits for it any more, and nobody takes its death for success.
 */
#include <signal.h>
#include <sys/eventfd.h>

#include "fds.h"
#include "processes.h"

#define FOR_SUBMIT DMA_FENCE_SYNCOBJ_WAIT_FOR_SUBMIT
#define ALL	   DMA_FENCE_SYNCOBJ_WAIT_ALL
#define AVAILABLE  DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE

/* The role of a process that shares objects, as it is told. It has places for what it makes. */

#define PLACES 16

static struct dma_fence_syncobj *objects[PLACES];
static struct dma_fence_promise *promises[PLACES];
static struct dma_fence *fences[PLACES];

static void create_object(struct message *message)
{
	struct dma_fence_syncobj **object = &objects[message->values[0]];

	*object = dma_fence_syncobj_create(DMA_FENCE_SYNCOBJ_CREATE_SHARED);
	message->values[0] = *object ? 0 : -errno;
}

static void export_object(struct message *message)
{
	int fd = dma_fence_syncobj_export(objects[message->values[0]]);

	message->values[0] = fd;
	if (fd >= 0)
		message->fds[message->num_fds++] = fd;
}

static void import_object(struct message *message)
{
	struct dma_fence_syncobj **object = &objects[message->values[0]];

	*object = dma_fence_syncobj_import_take_fd(message->fds[0]);
	message->values[0] = *object ? 0 : -errno;
	message->num_fds = 0;
}

static void put_object(struct message *message)
{
	dma_fence_syncobj_put(objects[message->values[0]]);
	objects[message->values[0]] = NULL;
}

/* Of the object at value 0, a point, by value 1: with a fence, or a promise, at value 2. */

static void add_point(struct message *message)
{
	struct dma_fence_syncobj *object = objects[message->values[0]];
	struct dma_fence *fence = create_fence();
	uint64_t point = (uint64_t)message->values[1];

	fences[message->values[2]] = fence;
	message->values[0] = point ? dma_fence_syncobj_add_point(object, point, fence)
				   : dma_fence_syncobj_replace_fence(object, fence);
}

static void promise_point(struct message *message)
{
	struct dma_fence_promise **promise = &promises[message->values[2]];

	*promise = dma_fence_syncobj_promise(objects[message->values[0]],
					     (uint64_t)message->values[1]);
	message->values[0] = *promise ? 0 : -errno;
}

static void signal_point(struct message *message)
{
	message->values[0] = dma_fence_syncobj_signal_point(objects[message->values[0]],
							    (uint64_t)message->values[1]);
}

static void reset_object(struct message *message)
{
	message->values[0] = dma_fence_syncobj_reset(objects[message->values[0]]);
}

static void keep_promise(struct message *message)
{
	message->values[0] = dma_fence_promise_keep(promises[message->values[0]], NULL);
}

static void break_promise(struct message *message)
{
	dma_fence_promise_drop(promises[message->values[0]]);
}

/* Value 1: the error or 0; value 2: the time. */
static void signal_fence(struct message *message)
{
	struct dma_fence *fence = fences[message->values[0]];

	if (message->values[1])
		dma_fence_set_error(fence, (int)message->values[1]);
	if (message->values[2])
		dma_fence_signal_timestamp(fence, message->values[2]);
	else
		dma_fence_signal(fence);
	dma_fence_put(fence);
	fences[message->values[0]] = NULL;
}

static void ask_status(struct message *message)
{
	struct dma_fence_syncobj *object = objects[message->values[0]];
	uint64_t point = (uint64_t)message->values[1], signaled, submitted;
	struct dma_fence *fence = dma_fence_syncobj_find_fence(object, point);

	message->values[0] = dma_fence_syncobj_status(object, point);
	message->values[1] = fence ? dma_fence_timestamp(fence) : -errno;
	dma_fence_put(fence);
	dma_fence_syncobj_query(object, 0, &signaled);
	dma_fence_syncobj_query(object, DMA_FENCE_SYNCOBJ_QUERY_LAST_SUBMITTED, &submitted);
	message->values[2] = (int64_t)signaled;
	message->values[3] = (int64_t)submitted;
}

/* How one can wait. The first needs no watcher. */
enum way {
	BY_OBJECT,
	BY_ALL,
	BY_ANY,
	BY_EVENTFD,
	BY_FENCE,
	BY_SYNC_FILE,
	WAYS,
};

/* Those that wait also for what nobody has promised, and are told if nobody will. */
#define WAYS_FOR_SUBMIT BY_EVENTFD

static int64_t wait_for_fd(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int events = poll(&ready, 1, (int)(10 * PATIENCE * SECOND / MS));

	close(fd);
	return events;
}

static int64_t wait_by(enum way way, struct dma_fence_syncobj *object, uint64_t point,
		       unsigned int flags)
{
	const struct dma_fence_syncobj_point points[] = { { object, point }, { object, point } };
	const int64_t timeout = 10 * PATIENCE * SECOND;
	struct dma_fence *fence;
	int64_t result;
	int fd;

	switch (way) {
	case BY_OBJECT:
		return dma_fence_syncobj_wait(points, 1, flags, false, timeout, NULL);
	case BY_ALL:
		return dma_fence_syncobj_wait(points, 2, flags | ALL, false, timeout, NULL);
	case BY_ANY:
		return dma_fence_syncobj_wait(points, 2, flags, false, timeout, NULL);
	case BY_EVENTFD:
		fd = eventfd(0, EFD_CLOEXEC);
		result = dma_fence_syncobj_eventfd_dup_fd(object, point, fd, flags & AVAILABLE);
		assert_int_equal(result, 0);
		return wait_for_fd(fd);
	case BY_FENCE:
		fence = dma_fence_syncobj_find_fence(object, point);
		assert_non_null(fence);
		result = dma_fence_wait_timeout(fence, false, timeout);
		dma_fence_put(fence);
		return result;
	default:
		fd = dma_fence_syncobj_export_sync_file(object, point);
		assert_true(fd >= 0);
		return wait_for_fd(fd);
	}
}

/* Of the object at value 0 for the point of value 1; value 2: enum way; value 3: flags. */
static void wait_for_point(struct message *message)
{
	struct dma_fence_syncobj *object = objects[message->values[0]];
	uint64_t point = (uint64_t)message->values[1];

	message->values[0] = wait_by((enum way)message->values[2], object, point,
				     (unsigned int)message->values[3]);
	message->values[2] = clock_now();
	message->values[1] = dma_fence_syncobj_status(object, point);
}

/* The same on a thread of its own, which nobody asks how it went. */

static struct message aside;
static pthread_t thread;
static pid_t tid;

static void *wait_aside(void *arg)
{
	(void)arg;
	atomic_store_release(&tid, gettid());
	wait_for_point(&aside);
	return NULL;
}

static void begin_aside(struct message *message)
{
	aside = *message;
	thread = start(wait_aside, NULL);
	while (!(message->values[0] = atomic_load_acquire(&tid)))
		sched_yield();
}

static void end_aside(struct message *message)
{
	message->values[0] = pthread_join(thread, NULL);
}

static void end_role(void)
{
	int i;

	for (i = 0; i < PLACES; i++) {
		dma_fence_syncobj_put(objects[i]);
		/* The child of a fork() has those of its parent. */
		if (fences[i])
			dma_fence_signal(fences[i]);
		dma_fence_put(fences[i]);
	}
	export_another();
	dma_fence_rcu_barrier();
}

static const struct role_step steps[] = {
	{ "create", create_object },
	{ "export", export_object },
	{ "import", import_object },
	{ "put", put_object },
	{ "add", add_point },
	{ "promise", promise_point },
	{ "signal-point", signal_point },
	{ "reset", reset_object },
	{ "keep", keep_promise },
	{ "break", break_promise },
	{ "signal", signal_fence },
	{ "status", ask_status },
	{ "wait", wait_for_point },
	{ "wait-aside", begin_aside },
	{ "waited-aside", end_aside },
	{ NULL, NULL },
};

static const struct role role = { "sharer", steps, end_role, NULL };

/* The test */

#define CONSUMERS 8

/* Within 100 ms, and what a machine takes on which others work, too. */
#define AT_ONCE (PATIENCE * SECOND)

static struct process producer, consumers[CONSUMERS];

static void tell(struct process *process, const char *step, int64_t first, int64_t second,
		 int64_t third, int64_t fourth)
{
	struct message message = { .values = { first, second, third, fourth } };

	snprintf(message.step, sizeof(message.step), "%s", step);
	process_send(process, &message);
}

static int64_t do_values(struct process *process, const char *step, int64_t first, int64_t second,
			 int64_t third)
{
	tell(process, step, first, second, third, 0);
	return process_answer(process)->values[0];
}

/* Starts both, of whom the producer makes the object, and puts it at place 0 of both. */
static void start_all(int num_consumers)
{
	int i, fd;

	process_start(&producer, &role);
	assert_int_equal(process_do(&producer, "create", 0), 0);
	fd = process_get_fd(&producer, "export", 0);
	for (i = 0; i < num_consumers; i++) {
		process_start(&consumers[i], &role);
		assert_int_equal(process_do_fd(&consumers[i], "import", 0, fd), 0);
	}
	close(fd);
}

static void end_consumers(int num_consumers)
{
	int i;

	for (i = 0; i < num_consumers; i++)
		process_end(&consumers[i]);
}

static void end_all(int num_consumers)
{
	process_end(&producer);
	end_consumers(num_consumers);
}

/* Whether a process sleeps; asked, not assumed. */
static void await_asleep(pid_t pid)
{
	char path[64], stat[256];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (;;) {
		FILE *file = fopen(path, "re");

		assert_non_null(file);
		assert_non_null(fgets(stat, sizeof(stat), file));
		fclose(file);
		if (strrchr(stat, ')')[2] == 'S')
			return;
		sched_yield();
	}
}

static void begin_wait(struct process *process, uint64_t point, enum way way, unsigned int flags)
{
	tell(process, "wait", 0, (int64_t)point, way, flags);
	sleep_ns(MS); /* past having read that */
	await_asleep(process->pid);
}

/* The answer to that: what the wait has returned, and the status of the point. */
static int64_t end_wait(struct process *process, int64_t ended, int *status)
{
	const struct message *answer = process_answer(process);

	if (answer->values[2] > ended + AT_ONCE)
		printf("# %lld ns late\n", (long long)(answer->values[2] - ended));
	assert_true(answer->values[2] <= ended + AT_ONCE);
	*status = (int)answer->values[1];
	return answer->values[0];
}

static void assert_status(struct process *process, uint64_t point, int status)
{
	assert_int_equal(do_values(process, "status", 0, (int64_t)point, 0), status);
}

static void points_arrive(void **state)
{
	const struct message *answer;

	(void)state;
	start_all(1);
	assert_status(&consumers[0], 1, -ENOENT);
	assert_int_equal(do_values(&producer, "add", 0, 5, 0), 0);
	assert_status(&consumers[0], 5, 0);
	assert_status(&consumers[0], 6, -ENOENT);
	assert_int_equal(do_values(&consumers[0], "add", 0, 5, 0), -ERANGE);
	do_values(&consumers[0], "signal", 0, 0, 0);
	assert_int_equal(do_values(&consumers[0], "add", 0, 6, 1), 0);
	assert_status(&producer, 6, 0);
	do_values(&consumers[0], "signal", 1, 0, 7000);
	assert_status(&producer, 6, 0);
	do_values(&producer, "signal", 0, -EIO, 5000);

	tell(&consumers[0], "status", 0, 4, 0, 0);
	answer = process_answer(&consumers[0]);
	assert_int_equal(answer->values[0], -EIO);
	assert_int_equal(answer->values[1], 5000);
	assert_int_equal(answer->values[2], 6);
	assert_int_equal(answer->values[3], 6);
	tell(&producer, "status", 0, 6, 0, 0);
	answer = process_answer(&producer);
	assert_int_equal(answer->values[0], -EIO);
	assert_int_equal(answer->values[1], 7000);

	assert_int_equal(process_do(&consumers[0], "reset", 0), 0);
	assert_status(&producer, 1, -ENOENT);
	assert_int_equal(do_values(&producer, "add", 0, 0, 0), 0);
	assert_status(&consumers[0], 0, 0);
	assert_status(&consumers[0], 1, -EINVAL);
	do_values(&producer, "signal", 0, 0, 0);
	assert_status(&consumers[0], 0, 1);
	end_all(1);
}

/* Woken by what another process does, whatever they wait by, before it is promised and after. */
static void all_ways_lead_to_the_point(void **state)
{
	int64_t now;
	int i, early, status;

	(void)state;
	for (early = 0; early < 2; early++) {
		start_all(WAYS);
		if (!early)
			assert_int_equal(do_values(&producer, "add", 0, 3, 0), 0);
		for (i = 0; i < (early ? BY_FENCE : WAYS); i++)
			begin_wait(&consumers[i], 3, (enum way)i, FOR_SUBMIT);
		if (early)
			assert_int_equal(do_values(&producer, "add", 0, 3, 0), 0);
		do_values(&producer, "signal", 0, -EIO, 0);
		now = clock_now();
		for (i = 0; i < (early ? BY_FENCE : WAYS); i++) {
			assert_true(end_wait(&consumers[i], now, &status) > 0);
			assert_int_equal(status, -EIO);
		}
		end_all(WAYS);
	}
}

static void promised_by_another(void **state)
{
	int64_t now;
	int i, status;

	(void)state;
	start_all(WAYS_FOR_SUBMIT + 1);
	for (i = 0; i <= WAYS_FOR_SUBMIT; i++)
		begin_wait(&consumers[i], 1, (enum way)i, AVAILABLE);
	assert_int_equal(do_values(&producer, "promise", 0, 1, 0), 0);
	now = clock_now();
	for (i = 0; i <= WAYS_FOR_SUBMIT; i++) {
		assert_true(end_wait(&consumers[i], now, &status) > 0);
		assert_int_equal(status, 0);
		begin_wait(&consumers[i], 1, (enum way)i, 0);
	}
	process_do(&producer, "break", 0);
	now = clock_now();
	for (i = 0; i <= WAYS_FOR_SUBMIT; i++) {
		assert_true(end_wait(&consumers[i], now, &status) > 0);
		assert_int_equal(status, -ECANCELED);
	}
	end_all(WAYS_FOR_SUBMIT + 1);
}

/* Death */

/* What the producer does before it is killed; the consumers wait for point 2. */
static void produce(int steps_to_live)
{
	if (steps_to_live-- > 0)
		assert_int_equal(do_values(&producer, "promise", 0, 1, 0), 0);
	if (steps_to_live-- > 0)
		assert_int_equal(do_values(&producer, "add", 0, 2, 0), 0);
	if (steps_to_live-- > 0)
		assert_int_equal(process_do(&producer, "keep", 0), 0);
	if (steps_to_live-- > 0)
		do_values(&producer, "signal", 0, 0, 0);
}

static void killed_at_every_step(void **state)
{
	int steps_to_live, i, status;
	int64_t now, result;

	(void)state;
	for (steps_to_live = 0; steps_to_live <= 4; steps_to_live++) {
		start_all(CONSUMERS);
		for (i = 0; i < CONSUMERS; i++)
			begin_wait(&consumers[i], 2, (enum way)(i % WAYS_FOR_SUBMIT), FOR_SUBMIT);
		produce(steps_to_live);
		process_kill(&producer);
		now = clock_now();
		for (i = 0; i < CONSUMERS; i++) {
			result = end_wait(&consumers[i], now, &status);
			if (steps_to_live < 2) {
				/* Nobody has promised it, and nobody will. */
				assert_int_equal(result, -EOWNERDEAD);
				assert_int_equal(status, -ENOENT);
			} else {
				assert_true(result > 0);
				assert_int_equal(status, steps_to_live < 4 ? -EOWNERDEAD : 1);
			}
		}
		end_consumers(CONSUMERS);
	}
}

/* Also for who has found the fence, or has it as a sync file, or an eventfd. */
static void what_was_found_fails(void **state)
{
	int64_t now;
	int i, status;

	(void)state;
	start_all(WAYS);
	assert_int_equal(do_values(&producer, "add", 0, 1, 0), 0);
	for (i = 0; i < WAYS; i++)
		begin_wait(&consumers[i], 1, (enum way)i, 0);
	process_kill(&producer);
	now = clock_now();
	for (i = 0; i < WAYS; i++) {
		assert_true(end_wait(&consumers[i], now, &status) > 0);
		assert_int_equal(status, -EOWNERDEAD);
	}
	end_consumers(WAYS);
}

/* Another one goes on: what the dead has not left behind is still to come. */
static void others_go_on(void **state)
{
	int64_t now;
	int i, status;

	(void)state;
	start_all(WAYS_FOR_SUBMIT + 1);
	assert_int_equal(do_values(&consumers[WAYS_FOR_SUBMIT], "promise", 0, 5, 0), 0);
	for (i = 0; i < WAYS_FOR_SUBMIT; i++)
		begin_wait(&consumers[i], 9, (enum way)i, FOR_SUBMIT);
	process_kill(&producer);
	sleep_ns(300 * MS); /* longer than its death goes unnoticed */
	for (i = 0; i < WAYS_FOR_SUBMIT; i++)
		await_asleep(consumers[i].pid);
	process_do(&consumers[WAYS_FOR_SUBMIT], "keep", 0);
	assert_int_equal(do_values(&consumers[WAYS_FOR_SUBMIT], "signal-point", 0, 9, 0), 0);
	now = clock_now();
	for (i = 0; i < WAYS_FOR_SUBMIT; i++) {
		assert_true(end_wait(&consumers[i], now, &status) > 0);
		assert_int_equal(status, 1);
	}
	end_consumers(WAYS_FOR_SUBMIT + 1);
}

/* Who lets go of it and ends has not died. But who waits then waits for who comes. */
static void who_let_go_has_not_died(void **state)
{
	struct message message = { "wait", { 0, 2, BY_OBJECT, FOR_SUBMIT }, 0, { 0 } };
	int64_t now;
	int status, fd;

	(void)state;
	start_all(2);
	begin_wait(&consumers[0], 2, BY_OBJECT, FOR_SUBMIT);
	process_do(&producer, "put", 0);
	process_end(&producer);
	sleep_ns(300 * MS);
	await_asleep(consumers[0].pid);

	/* A new owner, who dies. */
	fd = process_get_fd(&consumers[1], "export", 0);
	close(fd);
	process_kill(&consumers[1]);
	now = clock_now();
	assert_int_equal(end_wait(&consumers[0], now, &status), -EOWNERDEAD);
	process_send(&consumers[0], &message);
	assert_int_equal(end_wait(&consumers[0], clock_now(), &status), -EOWNERDEAD);
	process_end(&consumers[0]);
}

static void consumers_die(void **state)
{
	int64_t now;
	int i, status;

	(void)state;
	start_all(CONSUMERS);
	assert_int_equal(do_values(&producer, "add", 0, 1, 0), 0);
	for (i = 0; i < CONSUMERS; i++)
		begin_wait(&consumers[i], 1, (enum way)(i % WAYS), 0);
	for (i = 0; i < CONSUMERS - 1; i++)
		process_kill(&consumers[i]);
	do_values(&producer, "signal", 0, 0, 0);
	now = clock_now();
	assert_true(end_wait(&consumers[i], now, &status) > 0);
	assert_int_equal(status, 1);
	process_end(&consumers[i]);
	process_end(&producer);
}

/* fork() */

static void child_shares_with_its_parent(void **state)
{
	struct process child;
	int64_t now;
	int status;
	int way;

	(void)state;
	for (way = 0; way < WAYS_FOR_SUBMIT; way++) {
		start_all(1);
		assert_int_equal(do_values(&producer, "add", 0, 1, 0), 0);
		process_fork(&producer, &child);

		/* What the child signals is its own copy. */
		do_values(&child, "signal", 0, 0, 0);
		assert_status(&consumers[0], 1, 0);
		begin_wait(&child, 1, (enum way)way, FOR_SUBMIT);
		do_values(&producer, "signal", 0, 0, 0);
		now = clock_now();
		assert_true(end_wait(&child, now, &status) > 0);
		assert_int_equal(status, 1);

		/* What the parent has left behind fails with it, and the child's is the child's. */
		assert_int_equal(do_values(&producer, "add", 0, 2, 0), 0);
		assert_int_equal(do_values(&child, "add", 0, 3, 0), 0);
		begin_wait(&child, 2, (enum way)way, 0);
		begin_wait(&consumers[0], 3, (enum way)way, 0);
		process_kill(&producer);
		now = clock_now();
		assert_true(end_wait(&child, now, &status) > 0);
		assert_int_equal(status, -EOWNERDEAD);
		do_values(&child, "signal", 0, 0, 0);
		now = clock_now();
		assert_true(end_wait(&consumers[0], now, &status) > 0);
		assert_int_equal(status, -EOWNERDEAD); /* that of a point before */
		process_kill(&child);
		process_end(&consumers[0]);
	}
}

/* Of a process that waits through the watcher, in both. */
static void forked_while_waiting(void **state)
{
	struct process child;
	int64_t now;
	int status;

	(void)state;
	start_all(1);
	assert_int_equal(do_values(&producer, "add", 0, 1, 0), 0);
	/* So that there is something to watch when it forks: nothing waits any more, but did. */
	begin_wait(&consumers[0], 1, BY_ALL, 0);
	do_values(&producer, "signal", 0, 0, 0);
	assert_true(end_wait(&consumers[0], clock_now(), &status) > 0);
	assert_int_equal(do_values(&producer, "add", 0, 2, 0), 0);
	process_fork(&consumers[0], &child);
	begin_wait(&child, 2, BY_ANY, 0);
	begin_wait(&consumers[0], 2, BY_ANY, 0);
	process_kill(&producer);
	now = clock_now();
	assert_true(end_wait(&child, now, &status) > 0);
	assert_int_equal(status, -EOWNERDEAD);
	assert_true(end_wait(&consumers[0], now, &status) > 0);
	assert_int_equal(status, -EOWNERDEAD);
	process_end(&consumers[0]);
	process_kill(&child);
}

/* Who waits by an eventfd for what nobody has promised is told that nobody will. */
static void nobody_will_by_eventfd(void **state)
{
	const unsigned int flags[] = { 0, DMA_FENCE_SYNCOBJ_WAIT_AVAILABLE };
	struct dma_fence_syncobj *here;
	struct pollfd told[2];
	int i, fd;

	(void)state;
	process_start(&producer, &role);
	assert_int_equal(process_do(&producer, "create", 0), 0);
	fd = process_get_fd(&producer, "export", 0);
	here = dma_fence_syncobj_import_take_fd(fd);
	assert_non_null(here);
	for (i = 0; i < 2; i++) {
		told[i] = (struct pollfd){ .fd = eventfd(0, EFD_CLOEXEC), .events = POLLIN };
		assert_int_equal(dma_fence_syncobj_eventfd_dup_fd(here, 5, told[i].fd, flags[i]),
				 0);
	}
	assert_int_equal(poll(told, 2, 200), 0);
	process_kill(&producer);
	for (i = 0; i < 2; i++) {
		assert_int_equal(poll(&told[i], 1, PATIENCE * 1000), 1);
		close(told[i].fd);
	}
	assert_int_equal(dma_fence_syncobj_status(here, 5), -ENOENT);
	dma_fence_syncobj_put(here);
}

/* The threads of its parent that wait for what nobody has promised, the child does not have. */
static void forked_with_threads_that_wait(void **state)
{
	struct process child;
	int way;

	(void)state;
	for (way = BY_ALL; way <= BY_ANY; way++) {
		start_all(1);
		tell(&consumers[0], "wait-aside", 0, 1, way, FOR_SUBMIT);
		await_asleep((pid_t)process_answer(&consumers[0])->values[0]);
		process_fork(&consumers[0], &child);
		process_do(&child, "put", 0);
		assert_int_equal(do_values(&producer, "signal-point", 0, 1, 0), 0);
		assert_int_equal(process_do(&consumers[0], "waited-aside", 0), 0);
		end_all(1);
		process_kill(&child);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		fd_test(points_arrive),
		fd_test(all_ways_lead_to_the_point),
		fd_test(promised_by_another),
		fd_test(killed_at_every_step),
		fd_test(what_was_found_fails),
		fd_test(others_go_on),
		fd_test(who_let_go_has_not_died),
		fd_test(consumers_die),
		fd_test(child_shares_with_its_parent),
		fd_test(forked_while_waiting),
		fd_test(forked_with_threads_that_wait),
		fd_test(nobody_will_by_eventfd),
	};

	processes_main(argc, argv, &role);
	return RUN(tests);
}
