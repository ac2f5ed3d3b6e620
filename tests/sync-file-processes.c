/* SPDX-License-Identifier: MIT */
/*
 * Sync files between processes: how a fence ended arrives, and when a process dies, wherever it
 * was, nobody waits for it any more, and nobody takes its death for success.
 */
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fds.h"
#include "peer.h"

#define CONSUMERS 8

/* How soon everybody must know. */
#define AT_ONCE (PATIENCE * SECOND)

/* Calls of the library into the kernel, one of which the process does not survive. */

static int calls_to_live;

static void count_down(void)
{
	if (calls_to_live && !--calls_to_live)
		raise(SIGKILL);
}

int __real_pipe2(int fds[2], int flags);
int __real_futimens(int fd, const struct timespec times[2]);
ssize_t __real_write(int fd, const void *bytes, size_t count);
int __real_close(int fd);
int __wrap_pipe2(int fds[2], int flags);
int __wrap_futimens(int fd, const struct timespec times[2]);
ssize_t __wrap_write(int fd, const void *bytes, size_t count);
int __wrap_close(int fd);

int __wrap_pipe2(int fds[2], int flags)
{
	count_down();
	return __real_pipe2(fds, flags);
}

int __wrap_futimens(int fd, const struct timespec times[2])
{
	count_down();
	return __real_futimens(fd, times);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t count)
{
	count_down();
	return __real_write(fd, bytes, count);
}

int __wrap_close(int fd)
{
	count_down();
	return __real_close(fd);
}

static void die_at_call(struct message *message)
{
	calls_to_live = (int)message->values[0];
}

/* Forks while other threads are in the library; the children stay, and do nothing. */

enum { EXPORTERS = 2, EXPORTS = 90, CHILDREN = 6 };

struct exporter {
	pthread_t thread;
	int fds[EXPORTS];
};

static int go_on;

static void *export_meanwhile(void *arg)
{
	struct exporter *exporter = arg;
	int i;

	await_flag(&go_on);
	for (i = 0; i < EXPORTS; i++) {
		exporter->fds[i] = dma_fence_sync_file_export(create_fence());
		assert_true(exporter->fds[i] >= 0);
	}
	return NULL;
}

static pid_t test;

static pid_t fork_one(void (*func)(void))
{
	pid_t pid;

	test = getppid();
	pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		alarm(CASE_SECONDS);
		close(3); /* the channel: it is not this one's death that is to be seen */
		func();
		_exit(0);
	}
	return pid;
}

/* Until it is killed; or by itself, if the test has failed meanwhile. */
static void stay(void)
{
	while (!kill(test, 0))
		sleep_ns(10 * MS);
}

static void fork_while_exporting(struct message *message)
{
	static struct exporter exporters[EXPORTERS];
	int i, k;

	for (i = 0; i < EXPORTERS; i++)
		exporters[i].thread = start(export_meanwhile, &exporters[i]);
	set_flag(&go_on);
	for (i = 0; i < CHILDREN; i++)
		message->values[i] = fork_one(stay);
	for (i = 0; i < EXPORTERS; i++) {
		join(exporters[i].thread);
		for (k = 0; k < EXPORTS; k++)
			message->fds[message->num_fds++] = exporters[i].fds[k];
	}
}

static struct dma_fence *shared_import;
static int polling_ends;

static void *poll_meanwhile(void *arg)
{
	(void)arg;
	while (!atomic_load_acquire(&polling_ends))
		assert_int_equal(dma_fence_get_status(shared_import), 0);
	return NULL;
}

static void use_import(void)
{
	if (dma_fence_get_status(shared_import) ||
	    dma_fence_wait_timeout(shared_import, false, 1000))
		_exit(1);
}

/* Answers how many children have not got stuck. */
static void fork_while_polling(struct message *message)
{
	pthread_t threads[2];
	int i, status, well = 0;

	shared_import = dma_fence_sync_file_import_take_fd(message->fds[0]);
	assert_non_null(shared_import);
	for (i = 0; i < 2; i++)
		threads[i] = start(poll_meanwhile, NULL);
	for (i = 0; i < message->values[0]; i++) {
		pid_t pid = fork_one(use_import);
		int64_t end = clock_now() + 2 * PATIENCE * SECOND;

		while (!waitpid(pid, &status, WNOHANG) && clock_now() < end)
			sleep_ns(MS / 10);
		if (clock_now() >= end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		well += WIFEXITED(status) && !WEXITSTATUS(status);
	}
	set_flag(&polling_ends);
	for (i = 0; i < 2; i++)
		join(threads[i]);
	dma_fence_put(shared_import);
	message->values[0] = well;
	message->num_fds = 0;
}

static const struct role_step steps[] = {
	{ "die-at-call", die_at_call },
	{ "fork-while-exporting", fork_while_exporting },
	{ "fork-while-polling", fork_while_polling },
	{ NULL, NULL },
};

static const struct role role = { "partner", steps, NULL, &peer_role };

/* Consumers */

static const char *const ways[CONSUMERS] = {
	"poll", "select", "epoll", "poll", "wait", "wait", "epoll", "wait",
};

static struct process consumers[CONSUMERS];

static void start_consumers(void)
{
	int i;

	for (i = 0; i < CONSUMERS; i++)
		process_start(&consumers[i], &role);
}

static void end_consumers(void)
{
	int i;

	for (i = 0; i < CONSUMERS; i++)
		process_end(&consumers[i]);
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

static void tell_to_wait(struct process *process, const char *way, int fd)
{
	struct message message = { "wait", { 0, 10 * PATIENCE * SECOND }, 0, { 0 } };

	assert_int_equal(process_do_fd(process, "import", 0, fd), 0);
	if (!strcmp(way, "wait"))
		process_send(process, &message);
	else
		process_tell_fd(process, way, 0, fd);
}

static void consumers_wait(int fd)
{
	int i;

	for (i = 0; i < CONSUMERS; i++)
		tell_to_wait(&consumers[i], ways[i], fd);
	for (i = 0; i < CONSUMERS; i++)
		await_asleep(consumers[i].pid);
}

/* What one of them has seen: its status, after it has been woken, in time. */
static int outcome(struct process *process, const char *way, int64_t ended)
{
	bool waits = !strcmp(way, "wait");
	const struct message *answer = process_answer(process);
	int64_t woken = answer->values[waits ? 3 : 2];
	int status;

	assert_true(answer->values[0] > 0);
	if (!waits)
		assert_int_not_equal(answer->values[1] & (POLLIN | POLLHUP), 0);
	if (woken > ended + AT_ONCE)
		printf("# woken by %s %lld ns late\n", way, (long long)(woken - ended));
	assert_true(woken <= ended + AT_ONCE);
	status = (int)process_do(process, "status", 0);
	process_do(process, "put", 0);
	return status;
}

/* All of them have seen the same. */
static int common_outcome(int64_t ended)
{
	int status = 0, i;

	for (i = 0; i < CONSUMERS; i++) {
		int its = outcome(&consumers[i], ways[i], ended);

		if (i)
			assert_int_equal(its, status);
		status = its;
	}
	return status;
}

static void do_values(struct process *process, const char *step, int64_t first, int64_t second,
		      int64_t third)
{
	struct message message = { .values = { first, second, third } };

	snprintf(message.step, sizeof(message.step), "%s", step);
	process_send(process, &message);
}

/* How a fence ends arrives */

static void error_and_timestamp_arrive(void **state)
{
	static const int errors[] = { 0, -1, -EIO, -EOWNERDEAD, -4095 };
	static const int64_t timestamps[] = { 0, 1, 123456789012345, DMA_FENCE_TIMESTAMP_MAX };
	struct process exporter, importer;
	size_t e, t;

	(void)state;
	process_start(&exporter, &role);
	process_start(&importer, &role);
	for (e = 0; e < ARRAY_SIZE(errors); e++) {
		for (t = 0; t < ARRAY_SIZE(timestamps); t++) {
			const struct message *answer;
			int fd = peer_exports(&exporter, 0);

			assert_int_equal(process_do_fd(&importer, "import", 0, fd), 0);
			assert_int_equal(process_do(&importer, "status", 0), 0);
			do_values(&importer, "wait", 0, 10 * SECOND, 0);
			await_asleep(importer.pid);
			peer_signals(&exporter, 0, errors[e], timestamps[t]);
			answer = process_answer(&importer);
			assert_true(answer->values[0] > 0);
			assert_int_equal(answer->values[1], errors[e] ? errors[e] : 1);
			assert_int_equal(answer->values[2], timestamps[t]);
			process_do(&importer, "put", 0);
			process_do(&exporter, "put", 0);

			/* And to who comes when the exporter has forgotten it. */
			assert_int_equal(process_do_fd(&importer, "import", 0, fd), 0);
			process_tell(&importer, "status", 0);
			answer = process_answer(&importer);
			assert_int_equal(answer->values[0], errors[e] ? errors[e] : 1);
			assert_int_equal(answer->values[1], timestamps[t]);
			process_do(&importer, "put", 0);
			close(fd);
		}
	}
	process_end(&exporter);
	process_end(&importer);
}

static void all_consumers_see_it(void **state)
{
	struct process exporter;
	int error, fd;

	(void)state;
	start_consumers();
	process_start(&exporter, &role);
	for (error = 0; error >= -EIO; error -= EIO) {
		fd = peer_exports(&exporter, 0);
		consumers_wait(fd);
		peer_signals(&exporter, 0, error, -1);
		assert_int_equal(common_outcome(clock_now()), error ? error : 1);
		process_do(&exporter, "put", 0);
		close(fd);
	}
	process_end(&exporter);
	end_consumers();
}

/* Death */

enum step {
	CREATED,
	EXPORTED,
	PASSED,
	WAITED_FOR,
	ERROR_SET,
	IN_A_CALLBACK_BEFORE,
	IN_A_CALLBACK_AFTER,
	SIGNALED,
	SIGNALED_WITH_ERROR,
	PUT,
	FOREVER_AFTER,
	STEPS,
};

/* Up to the step; then it is killed, if it has not killed itself. */
static void killed_at_every_step(void **state)
{
	enum step last;

	(void)state;
	start_consumers();
	for (last = CREATED; last < STEPS; last++) {
		bool waiting = last >= WAITED_FOR && last != FOREVER_AFTER, dead = false;
		struct process exporter;
		int fd = -1, expected = -EOWNERDEAD;
		int64_t ended;

		process_start(&exporter, &role);
		process_do(&exporter, "create", 0);
		if (last == IN_A_CALLBACK_BEFORE)
			assert_int_equal(process_do(&exporter, "kill-in-callback", 0), 0);
		if (last == EXPORTED)
			process_tell(&exporter, "export", 0); /* and nobody takes the fd */
		if (last >= PASSED)
			fd = process_get_fd(&exporter, "export", 0);
		if (last == IN_A_CALLBACK_AFTER)
			assert_int_equal(process_do(&exporter, "kill-in-callback", 0), 0);
		if (waiting)
			consumers_wait(fd);
		if (last == ERROR_SET) {
			do_values(&exporter, "error", 0, -EIO, 0);
			assert_int_equal(process_answer(&exporter)->values[0], 0);
		}
		if (last >= IN_A_CALLBACK_BEFORE) {
			do_values(&exporter, "signal", 0, last == SIGNALED_WITH_ERROR ? -EIO : 0,
				  -1);
			dead = !process_answer_or_death(&exporter);
			assert_int_equal(dead, last == IN_A_CALLBACK_BEFORE ||
						       last == IN_A_CALLBACK_AFTER);
		}
		if (last >= IN_A_CALLBACK_AFTER)
			expected = last == SIGNALED_WITH_ERROR ? -EIO : 1;
		if (last >= PUT)
			process_do(&exporter, "put", 0);
		process_kill(&exporter);
		ended = clock_now();
		if (fd < 0)
			continue;
		if (!waiting) {
			consumers_wait(fd);
			ended = clock_now();
		}
		assert_int_equal(common_outcome(ended), expected);
		close(fd);
	}
	end_consumers();
}

/* Killed by itself before the first, second, ... call into the kernel of export and signal. */
static void killed_at_every_call(void **state)
{
	int call, outcomes[3] = { 0 };
	bool survived = false;

	(void)state;
	start_consumers();
	for (call = 1; !survived; call++) {
		struct process exporter;
		const struct message *answer;
		int fd = -1, status;
		int64_t ended;

		assert_true(call < 30);
		process_start(&exporter, &role);
		process_do(&exporter, "create", 0);
		process_do(&exporter, "die-at-call", call);
		process_tell(&exporter, "export", 0);
		answer = process_answer_or_death(&exporter);
		if (answer) {
			assert_int_equal(answer->num_fds, 1);
			fd = answer->fds[0];
			consumers_wait(fd);
			do_values(&exporter, "signal", 0, 0, -1);
			/* It may have died since its answer. */
			survived = process_answer_or_death(&exporter);
		}
		if (survived)
			process_do(&exporter, "die-at-call", 0);
		ended = clock_now();
		if (answer) {
			status = common_outcome(ended);
			assert_true(status == 1 || (status == -EOWNERDEAD && !survived));
			outcomes[status == 1]++;
			close(fd);
		} else {
			outcomes[2]++;
		}
		if (survived)
			process_end(&exporter);
		else
			process_kill(&exporter);
	}
	/* It was killed before anything was there, before it was signaled, and after. */
	assert_true(outcomes[2] >= 2);
	assert_true(outcomes[0] >= 1);
	assert_true(outcomes[1] >= 2);
	end_consumers();
}

static void killed_while_signaling_many(void **state)
{
	enum { MANY = 150 };
	struct message create = { "export-many", { 0, MANY }, 0, { 0 } };
	struct process exporter;
	struct message exported;
	int successes = 0, i;

	(void)state;
	process_start(&exporter, &role);
	process_send(&exporter, &create);
	exported = *process_answer(&exporter);
	assert_int_equal(exported.num_fds, MANY);
	process_do(&exporter, "die-at-call", 2 * MANY);
	do_values(&exporter, "signal-many", 0, MANY, 3);
	assert_null(process_answer_or_death(&exporter));
	process_kill(&exporter);
	for (i = 0; i < MANY; i++) {
		struct dma_fence *fence = dma_fence_sync_file_import_take_fd(exported.fds[i]);
		int status;

		assert_non_null(fence);
		assert_int_equal(dma_fence_wait(fence, false), 0);
		status = dma_fence_get_status(fence);
		assert_true(status == 1 || status == -EOWNERDEAD);
		successes += status == 1;
		dma_fence_put(fence);
	}
	assert_in_range(successes, 1, MANY - 1);
}

static void exits_without_signaling(void **state)
{
	struct process exporter;
	int fd;

	(void)state;
	start_consumers();
	process_start(&exporter, &role);
	fd = peer_exports(&exporter, 0);
	consumers_wait(fd);
	process_tell(&exporter, "exit", 0);
	process_gone(&exporter);
	assert_int_equal(common_outcome(clock_now()), -EOWNERDEAD);
	close(fd);
	end_consumers();
}

/* Death says when: not before it was asked, nor after it was found. */
static void death_has_a_time_and_no_success(void **state)
{
	struct dma_fence_sync_file_info info = { 0 };
	struct dma_fence *fence, *late;
	struct counter counter = { 0 };
	struct process exporter;
	int64_t before;
	int fd, i;

	(void)state;
	process_start(&exporter, &role);
	fd = peer_exports(&exporter, 0);
	fence = dma_fence_sync_file_import_dup_fd(fd);
	assert_int_equal(dma_fence_add_callback(fence, &counter.cb, count_call), 0);
	before = clock_now();
	process_kill(&exporter);
	assert_true(dma_fence_wait_timeout(fence, false, AT_ONCE) > 0);
	assert_int_equal(calls(&counter), 1);
	assert_int_equal(dma_fence_get_status(fence), -EOWNERDEAD);
	assert_true(dma_fence_timestamp(fence) >= before);
	assert_true(dma_fence_timestamp(fence) <= clock_now());
	assert_int_equal(events_of(fd) & (POLLIN | POLLHUP), POLLHUP);
	/* However often, and by whatever call. */
	for (i = 0; i < 3; i++) {
		int both;

		assert_int_equal(dma_fence_sync_file_get_info(fd, &info), 0);
		assert_int_equal(info.status, -EOWNERDEAD);
		assert_int_equal(info.num_fences, 0);
		late = dma_fence_sync_file_import_dup_fd(fd);
		assert_non_null(late);
		assert_int_equal(dma_fence_get_status(late), -EOWNERDEAD);
		dma_fence_put(late);
		both = dma_fence_sync_file_merge(fd, fd);
		assert_true(both >= 0);
		assert_int_equal(dma_fence_sync_file_get_info(both, &info), 0);
		assert_int_equal(info.status, -EOWNERDEAD);
		close(both);
	}
	dma_fence_put(fence);
	close(fd);
}

/* A consumer is nobody to the exporter, nor to the others. */
static void consumers_die(void **state)
{
	struct process exporter;
	int fd, i;

	(void)state;
	start_consumers();
	process_start(&exporter, &role);
	fd = peer_exports(&exporter, 0);
	consumers_wait(fd);
	close(fd);
	for (i = 0; i < CONSUMERS; i++) {
		if (i == 4)
			continue;
		process_kill(&consumers[i]);
	}
	peer_signals(&exporter, 0, 0, -1);
	assert_int_equal(outcome(&consumers[4], ways[4], clock_now()), 1);
	process_do(&exporter, "put", 0);

	/* The last one, too: it signals to nobody, and lives on. */
	fd = peer_exports(&exporter, 1);
	assert_int_equal(process_do_fd(&consumers[4], "import", 1, fd), 0);
	close(fd);
	process_kill(&consumers[4]);
	peer_signals(&exporter, 1, 0, -1);
	process_end(&exporter);
}

/* Three: the first exports, the second passes on, the third waits. */

struct three {
	struct process first, second, third;
	int fd; /* that the third waits for */
};

enum { FIRSTS, OWN, BOTH };

static void begin_three(struct three *three, bool merged)
{
	int fd;

	process_start(&three->first, &role);
	process_start(&three->second, &role);
	process_start(&three->third, &role);
	fd = peer_exports(&three->first, FIRSTS);
	assert_int_equal(process_do_fd(&three->second, "import", FIRSTS, fd), 0);
	close(fd);
	if (merged) {
		process_do(&three->second, "create", OWN);
		do_values(&three->second, "join", FIRSTS, OWN, BOTH);
		process_answer(&three->second);
	}
	three->fd = process_get_fd(&three->second, "export", merged ? BOTH : FIRSTS);
	tell_to_wait(&three->third, "wait", three->fd);
	await_asleep(three->third.pid);
	assert_int_equal(events_of(three->fd), 0);
}

static void end_three(struct three *three, int status, int64_t ended)
{
	assert_int_equal(outcome(&three->third, "wait", ended), status);
	process_end(&three->third);
	close(three->fd);
}

static void passed_on(void **state)
{
	struct three three;

	(void)state;
	begin_three(&three, false);
	peer_signals(&three.first, FIRSTS, -EIO, 500);
	end_three(&three, -EIO, clock_now());
	process_end(&three.first);
	process_end(&three.second);
}

/* What was only passed on does not depend on who did. */
static void who_passed_on_dies(void **state)
{
	struct three three;

	(void)state;
	begin_three(&three, false);
	process_kill(&three.second);
	assert_int_equal(events_within(three.fd, 20 * MS), 0);
	peer_signals(&three.first, FIRSTS, 0, 500);
	end_three(&three, 1, clock_now());
	process_end(&three.first);
}

static void who_exported_first_dies(void **state)
{
	struct three three;

	(void)state;
	begin_three(&three, false);
	process_kill(&three.first);
	end_three(&three, -EOWNERDEAD, clock_now());
	process_end(&three.second);
}

static void merged_and_passed_on(void **state)
{
	struct three three;

	(void)state;
	begin_three(&three, true);
	peer_signals(&three.first, FIRSTS, -EIO, 500);
	assert_int_equal(events_within(three.fd, 20 * MS), 0);
	peer_signals(&three.second, OWN, 0, 501);
	end_three(&three, -EIO, clock_now());
	process_end(&three.first);
	process_end(&three.second);
}

static void who_merged_dies(void **state)
{
	struct three three;

	(void)state;
	begin_three(&three, true);
	process_kill(&three.second);
	end_three(&three, -EOWNERDEAD, clock_now());
	peer_signals(&three.first, FIRSTS, 0, 500);
	process_end(&three.first);
}

/* The merged one waits for the one that lives, and has failed then. */
static void half_of_a_merge_dies(void **state)
{
	struct three three;

	(void)state;
	begin_three(&three, true);
	process_kill(&three.first);
	assert_int_equal(events_within(three.fd, 20 * MS), 0);
	peer_signals(&three.second, OWN, 0, -1);
	end_three(&three, -EOWNERDEAD, clock_now());
	process_end(&three.second);
}

static void all_of_a_merge_die(void **state)
{
	struct three three;

	(void)state;
	begin_three(&three, true);
	process_kill(&three.first);
	process_kill(&three.second);
	end_three(&three, -EOWNERDEAD, clock_now());
}

/* fork() without exec */

static void child_does_not_keep_the_parent_alive(void **state)
{
	struct process parent, child;
	int fd;

	(void)state;
	start_consumers();
	process_start(&parent, &role);
	fd = peer_exports(&parent, 0);
	process_fork(&parent, &child);
	consumers_wait(fd);
	process_kill(&parent);
	assert_int_equal(common_outcome(clock_now()), -EOWNERDEAD);
	close(fd);
	/* The child was there all the time. */
	process_do(&child, "create", 5);
	process_do(&child, "put", 5);
	process_end(&child);
	end_consumers();
}

/* The sync file is the parent's: the child has a copy of the fence, and nothing to say. */
static void child_does_not_signal_for_the_parent(void **state)
{
	struct process parent, child;
	struct dma_fence *fence;
	int fd, i;

	(void)state;
	for (i = 0; i < 2; i++) {
		process_start(&parent, &role);
		fd = peer_exports(&parent, 0);
		process_fork(&parent, &child);
		fence = dma_fence_sync_file_import_take_fd(fd);
		assert_non_null(fence);
		peer_signals(&child, 0, -EIO, 600);
		assert_int_equal(process_do(&child, "status", 0), -EIO);
		assert_int_equal(dma_fence_wait_timeout(fence, false, 20 * MS), 0);
		if (i)
			process_do(&child, "put", 0);
		peer_signals(&parent, 0, 0, 601);
		assert_true(dma_fence_wait_timeout(fence, false, AT_ONCE) > 0);
		assert_int_equal(dma_fence_get_status(fence), 1);
		assert_int_equal(dma_fence_timestamp(fence), 601);
		dma_fence_put(fence);
		process_end(&parent);
		process_end(&child);
	}
}

/* Export, import, merge, wait: the child has the library whole. */
static void child_uses_the_library(void **state)
{
	struct process parent, child, other;
	int watched, fd;

	(void)state;
	process_start(&other, &role);
	/* With a thread of the library in the parent, or without one. */
	for (watched = 0; watched < 2; watched++) {
		process_start(&parent, &role);
		fd = peer_exports(&other, 0);
		assert_int_equal(process_do_fd(&parent, "import", 3, fd), 0);
		close(fd);
		if (watched) {
			do_values(&parent, "wait", 3, MS, 0);
			assert_int_equal(process_answer(&parent)->values[0], 0);
		}
		process_fork(&parent, &child);

		/* What the child exports is the child's. */
		fd = peer_exports(&child, 1);
		assert_int_equal(events_of(fd), 0);
		tell_to_wait(&parent, "wait", fd);
		close(fd);
		await_asleep(parent.pid);
		peer_signals(&child, 1, -EIO, 700);
		assert_int_equal(outcome(&parent, "wait", clock_now()), -EIO);

		fd = peer_exports(&other, 1);
		assert_int_equal(process_do_fd(&child, "import", 2, fd), 0);
		close(fd);
		do_values(&child, "wait", 2, 10 * SECOND, 0);
		await_asleep(child.pid);
		peer_signals(&other, 1, -EPERM, 701);
		assert_int_equal(process_answer(&child)->values[1], -EPERM);
		process_do(&child, "put", 2);
		process_do(&other, "put", 1);
		peer_signals(&other, 0, 0, -1);
		process_do(&other, "put", 0);
		process_end(&parent);
		process_end(&child);
	}
	process_end(&other);
}

/* Imported before: it signals in both, whichever of them waited before, and waits now. */
static void imported_before_the_fork(void **state)
{
	struct process parent, child, other;
	int watched, fd;

	(void)state;
	process_start(&other, &role);
	for (watched = 0; watched < 2; watched++) {
		process_start(&parent, &role);
		fd = peer_exports(&other, 0);
		assert_int_equal(process_do_fd(&parent, "import", 0, fd), 0);
		close(fd);
		if (watched) {
			do_values(&parent, "wait", 0, MS, 0);
			assert_int_equal(process_answer(&parent)->values[0], 0);
		}
		process_fork(&parent, &child);
		do_values(&child, "wait", 0, 10 * PATIENCE * SECOND, 0);
		do_values(&parent, "wait", 0, 10 * PATIENCE * SECOND, 0);
		await_asleep(child.pid);
		await_asleep(parent.pid);
		peer_signals(&other, 0, -EIO, 702);
		assert_int_equal(process_answer(&child)->values[1], -EIO);
		assert_int_equal(process_answer(&parent)->values[1], -EIO);
		process_do(&other, "put", 0);
		process_end(&parent);
		process_end(&child);
	}
	process_end(&other);
}

/* What the child drops, or its death, does not stop the parent from watching. */
static void child_goes_the_parent_watches_on(void **state)
{
	struct process parent, child, other;
	struct pollfd gone;
	int how, fd;

	(void)state;
	process_start(&other, &role);
	for (how = 0; how < 3; how++) {
		process_start(&parent, &role);
		fd = peer_exports(&other, 0);
		assert_int_equal(process_do_fd(&parent, "import", 0, fd), 0);
		close(fd);
		do_values(&parent, "wait", 0, MS, 0);
		assert_int_equal(process_answer(&parent)->values[0], 0);
		process_fork(&parent, &child);
		if (how >= 1) {
			do_values(&child, "wait", 0, MS, 0);
			assert_int_equal(process_answer(&child)->values[0], 0);
		}
		if (how >= 2)
			process_do(&child, "put", 0);
		gone = (struct pollfd){ .fd = child.channel }; /* POLLHUP */
		shutdown(child.channel, SHUT_WR);
		/* Gone, though it is not yet ours to wait for. */
		assert_int_equal(poll(&gone, 1, (int)(5 * PATIENCE * SECOND / MS)), 1);
		do_values(&parent, "wait", 0, 10 * PATIENCE * SECOND, 0);
		await_asleep(parent.pid);
		peer_signals(&other, 0, -EIO, 703);
		assert_int_equal(process_answer(&parent)->values[1], -EIO);
		process_do(&other, "put", 0);
		process_end(&parent);
		process_end(&child);
	}
	process_end(&other);
}

/* The parent's own sync file, found by the child, is another process's. */
static void child_imports_what_its_parent_exported(void **state)
{
	struct process parent, child;
	int fd;

	(void)state;
	process_start(&parent, &role);
	fd = peer_exports(&parent, 0);
	process_fork(&parent, &child);
	assert_int_equal(process_do_fd(&child, "import", 1, fd), 0);
	close(fd);
	do_values(&child, "wait", 1, 10 * PATIENCE * SECOND, 0);
	await_asleep(child.pid);
	peer_signals(&parent, 0, -EIO, 704);
	assert_int_equal(process_answer(&child)->values[1], -EIO);
	process_end(&parent);
	process_end(&child);
}

/* Whatever the threads of the parent were doing, the children keep nothing of it open. */
static void forked_while_exporting(void **state)
{
	int round, i;

	(void)state;
	for (round = 0; round < 10; round++) {
		struct process parent;
		struct message answer;
		int64_t end;

		process_start(&parent, &role);
		process_tell(&parent, "fork-while-exporting", 0);
		answer = *process_answer(&parent);
		assert_int_equal(answer.num_fds, EXPORTERS * EXPORTS);
		process_kill(&parent);
		end = clock_now() + AT_ONCE;
		for (i = 0; i < answer.num_fds; i++) {
			struct pollfd hung_up = { .fd = answer.fds[i] };
			int64_t left = end - clock_now();

			assert_int_equal(poll(&hung_up, 1, left > 0 ? (int)(left / MS) : 0), 1);
			assert_int_equal(hung_up.revents, POLLHUP);
			close(answer.fds[i]);
		}
		for (i = 0; i < CHILDREN; i++) {
			assert_int_equal(kill((pid_t)answer.values[i], SIGKILL), 0);
			assert_int_equal(waitpid((pid_t)answer.values[i], NULL, 0),
					 answer.values[i]);
		}
	}
}

/* And find nothing locked for ever. */
static void forked_while_polling(void **state)
{
	enum { FORKS = 50 };
	struct process parent, other;
	int fd;

	(void)state;
	process_start(&parent, &role);
	process_start(&other, &role);
	fd = peer_exports(&other, 0);
	assert_int_equal(process_do_fd(&parent, "fork-while-polling", FORKS, fd), FORKS);
	close(fd);
	peer_signals(&other, 0, 0, -1);
	process_end(&parent);
	process_end(&other);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		fd_test(error_and_timestamp_arrive),
		fd_test(all_consumers_see_it),
		fd_test(killed_at_every_step),
		fd_test(killed_at_every_call),
		fd_test(killed_while_signaling_many),
		fd_test(exits_without_signaling),
		fd_test(death_has_a_time_and_no_success),
		fd_test(consumers_die),
		fd_test(passed_on),
		fd_test(who_passed_on_dies),
		fd_test(who_exported_first_dies),
		fd_test(merged_and_passed_on),
		fd_test(who_merged_dies),
		fd_test(half_of_a_merge_dies),
		fd_test(all_of_a_merge_die),
		fd_test(child_does_not_keep_the_parent_alive),
		fd_test(child_does_not_signal_for_the_parent),
		fd_test(child_uses_the_library),
		fd_test(imported_before_the_fork),
		fd_test(child_goes_the_parent_watches_on),
		fd_test(child_imports_what_its_parent_exported),
		fd_test(forked_while_exporting),
		fd_test(forked_while_polling),
	};

	processes_main(argc, argv, &role);
	return RUN(tests);
}
