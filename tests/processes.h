/* SPDX-License-Identifier: MIT */
/*
 * Tests with several real processes. Each is this very program, executed once more to play a role:
 * it does what the test tells it to, step by step, and answers each. Fds travel both ways.
 *
 * Nothing waits for ever: who does not answer, or does not end, in time fails the test, which says
 * what it was waiting for. A process that ends by itself looks first at whether it has left
 * anything behind. All of them die with the test.
 */
#ifndef TESTS_PROCESSES_H
#define TESTS_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define MESSAGE_FDS    200
#define MESSAGE_VALUES 8

struct message {
	char step[32];
	int64_t values[MESSAGE_VALUES];
	int num_fds;
	int fds[MESSAGE_FDS];
};

/*
 * What a step does with its message is the answer. The fds in it are the step's; those that are in
 * it afterwards are sent, and closed.
 */
struct role_step {
	const char *name;
	void (*func)(struct message *message);
};

struct role {
	const char *name;
	const struct role_step *steps; /* up to one without a name */
	void (*end)(void);	       /* before it ends by itself; may be NULL */
	const struct role *more;       /* whose steps it has as well; may be NULL */
};

/*
 * The first thing in main(). Does not return in a process that plays a role. An argument that is
 * none is the pattern of the only cases to run.
 */
void processes_main(int argc, char **argv, const struct role *role);

struct process {
	pid_t pid;
	int channel;
	const char *role;
	char step[32]; /* that it was told last */
};

void process_start(struct process *process, const struct role *role);

/* Tells it a step, and does not wait. The fds stay the caller's. */
void process_send(struct process *process, const struct message *message);
void process_tell(struct process *process, const char *step, int64_t value);
void process_tell_fd(struct process *process, const char *step, int64_t value, int fd);

/* Its answer to what it was told last; until the next message. */
const struct message *process_answer(struct process *process);

/* As _answer(), but it may die over it: then NULL. */
const struct message *process_answer_or_death(struct process *process);

/* Both. Return the first value of the answer. */
int64_t process_do(struct process *process, const char *step, int64_t value);
int64_t process_do_fd(struct process *process, const char *step, int64_t value, int fd);

/* As process_do(), with an answer that has exactly one fd, which is the caller's. */
int process_get_fd(struct process *process, const char *step, int64_t value);

/* Ends by itself, having left nothing behind. */
void process_end(struct process *process);

/* SIGKILL, and waits until it is gone. */
void process_kill(struct process *process);

/* Waits until a process that has been told to end by itself somehow is gone; its wait status. */
int process_gone(struct process *process);

/*
 * fork() without exec in the middle of a role: @child is a process that plays on with what its
 * parent had. Orphans come to the test, who waits for them.
 */
void process_fork(struct process *parent, struct process *child);

#endif
