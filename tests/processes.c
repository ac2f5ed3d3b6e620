/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "support.h"

#include "left-behind.h"
#include "processes.h"
#include "watchdog.h"

/* Where a process that plays a role finds its end of the channel. */
#define CHANNEL 3

#define ANSWER_WITHIN (10 * PATIENCE * SECOND)

/* A step of the harness itself; see process_fork(). */
#define FORK_STEP "fork"

#if defined(__SANITIZE_THREAD__)
/* It does what it can in the child of a fork(), and does not stay a second longer at each exit. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
	return "die_after_fork=0:atexit_sleep_ms=0";
}
#endif

/* The channel */

/* Whether there is anybody to read it. */
static bool send_message(int channel, const struct message *message)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(MESSAGE_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec data = { (void *)(uintptr_t)message, offsetof(struct message, fds) };
	struct msghdr packet = { .msg_iov = &data, .msg_iovlen = 1 };
	size_t length = (size_t)message->num_fds * sizeof(int);

	if (length) {
		packet.msg_control = control.space;
		packet.msg_controllen = CMSG_SPACE(length);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(length);
		memcpy(CMSG_DATA(&control.header), message->fds, length);
	}
	if (sendmsg(channel, &packet, MSG_NOSIGNAL) == (ssize_t)data.iov_len)
		return true;
	assert_true(errno == EPIPE || errno == ECONNRESET);
	return false;
}

/* Whether there was one: the other end may be closed. */
static bool receive_message(int channel, struct message *message)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(MESSAGE_FDS * sizeof(int))];
	} control;
	struct iovec data = { message, offsetof(struct message, fds) };
	struct msghdr packet = { .msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control.space,
				 .msg_controllen = sizeof(control.space) };
	ssize_t length;

	do
		length = recvmsg(channel, &packet, MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (!length || (length < 0 && errno == ECONNRESET))
		return false;
	assert_int_equal(length, data.iov_len);
	assert_int_equal(packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC), 0);
	if (message->num_fds)
		memcpy(message->fds, CMSG_DATA(CMSG_FIRSTHDR(&packet)),
		       (size_t)message->num_fds * sizeof(int));
	return true;
}

/* The process that plays */

static void serve(const struct role *role, int channel);

static void fork_here(const struct role *role, int channel, struct message *message)
{
	int child_channel = message->fds[0];
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		close(channel);
		watchdog_begin(CASE_SECONDS);
		/* It has all that its parent had, and leaves it to exit to clean up. */
		serve(role, child_channel);
		_exit(0);
	}
	close(child_channel);
	message->num_fds = 0;
	message->values[0] = pid;
}

static void play_step(const struct role *role, struct message *message)
{
	const struct role_step *step;

	for (; role; role = role->more) {
		for (step = role->steps; step->name; step++) {
			if (!strcmp(step->name, message->step)) {
				step->func(message);
				return;
			}
		}
	}
	assert_true(!"a step that the role does not have");
}

static void serve(const struct role *role, int channel)
{
	struct message message;
	int i;

	while (receive_message(channel, &message)) {
		watchdog_at("step '%s' of the %s", message.step, role->name);
		if (!strcmp(message.step, FORK_STEP))
			fork_here(role, channel, &message);
		else
			play_step(role, &message);
		send_message(channel, &message);
		for (i = 0; i < message.num_fds; i++)
			close(message.fds[i]);
	}
}

void processes_main(int argc, char **argv, const struct role *role)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (argc < 2)
		return;
	if (strcmp(argv[1], role->name) != 0) {
		cmocka_set_test_filter(argv[1]);
		return;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	other_thread = true; /* an assertion that fails ends the process */
	catch_reports();
	watchdog_begin(CASE_SECONDS);
	left_behind_begin();
	serve(role, CHANNEL);
	watchdog_at("the end of the %s", role->name);
	for (; role; role = role->more)
		if (role->end)
			role->end();
	assert_int_equal(left_behind(), 0);
	if (caught()->count)
		printf("# reported: %s\n", caught()->last);
	assert_int_equal(caught()->count, 0);
	exit(0);
}

/* The test */

void process_start(struct process *process, const struct role *role)
{
	char path[] = "/proc/self/exe", name[32];
	char *const arguments[] = { path, name, NULL };
	posix_spawn_file_actions_t actions;
	int channel[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
	snprintf(name, sizeof(name), "%s", role->name);
	fflush(stdout);
	process->role = role->name;
	process->channel = channel[0];
	process->step[0] = '\0';
	/* Not by fork(): what the library does in a child that goes on is not for these. */
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, channel[1], CHANNEL);
	assert_int_equal(
		posix_spawn(&process->pid, arguments[0], &actions, NULL, arguments, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(channel[1]);
}

void process_send(struct process *process, const struct message *message)
{
	snprintf(process->step, sizeof(process->step), "%s", message->step);
	watchdog_at("telling the %s to do '%s'", process->role, process->step);
	/* If it has died: so its answer will say. */
	send_message(process->channel, message);
}

void process_tell(struct process *process, const char *step, int64_t value)
{
	struct message message = { .values = { value } };

	snprintf(message.step, sizeof(message.step), "%s", step);
	process_send(process, &message);
}

void process_tell_fd(struct process *process, const char *step, int64_t value, int fd)
{
	struct message message = { .values = { value }, .num_fds = 1, .fds = { fd } };

	snprintf(message.step, sizeof(message.step), "%s", step);
	process_send(process, &message);
}

const struct message *process_answer_or_death(struct process *process)
{
	static _Thread_local struct message message;
	struct pollfd ready = { process->channel, POLLIN, 0 };

	watchdog_at("waiting for the %s to have done '%s'", process->role, process->step);
	if (poll(&ready, 1, (int)(ANSWER_WITHIN / MS)) != 1) {
		printf("# the %s did not answer '%s' in time\n", process->role, process->step);
		assert_true(!"an answer in time");
	}
	return receive_message(process->channel, &message) ? &message : NULL;
}

const struct message *process_answer(struct process *process)
{
	const struct message *message = process_answer_or_death(process);

	if (!message)
		printf("# the %s died over '%s'\n", process->role, process->step);
	assert_non_null(message);
	return message;
}

int64_t process_do(struct process *process, const char *step, int64_t value)
{
	process_tell(process, step, value);
	return process_answer(process)->values[0];
}

int64_t process_do_fd(struct process *process, const char *step, int64_t value, int fd)
{
	process_tell_fd(process, step, value, fd);
	return process_answer(process)->values[0];
}

int process_get_fd(struct process *process, const char *step, int64_t value)
{
	const struct message *message;

	process_tell(process, step, value);
	message = process_answer(process);
	assert_int_equal(message->num_fds, 1);
	return message->fds[0];
}

int process_gone(struct process *process)
{
	int64_t end = clock_now() + ANSWER_WITHIN;
	pid_t pid;
	int status;

	watchdog_at("waiting for the end of the %s", process->role);
	while (!(pid = waitpid(process->pid, &status, WNOHANG)) && clock_now() < end)
		sleep_ns(MS / 10);
	if (!pid)
		printf("# the %s did not end in time\n", process->role);
	assert_int_equal(pid, process->pid);
	close(process->channel);
	return status;
}

void process_end(struct process *process)
{
	int status;

	shutdown(process->channel, SHUT_WR);
	status = process_gone(process);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		printf("# the %s ended with status 0x%x\n", process->role, status);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void process_kill(struct process *process)
{
	int status;

	assert_int_equal(kill(process->pid, SIGKILL), 0);
	status = process_gone(process);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

void process_fork(struct process *parent, struct process *child)
{
	int channel[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
	child->pid = (pid_t)process_do_fd(parent, FORK_STEP, 0, channel[1]);
	close(channel[1]);
	child->channel = channel[0];
	child->role = parent->role;
	child->step[0] = '\0';
}
