/* SPDX-License-Identifier: MIT */
/*
 * The threads of a scenario: coroutines on one thread of the system, each with its stack, its copy
 * of the program's thread-local variables, and the step that it is about to take.
 */
#ifndef TESTS_MODEL_THREAD_H
#define TESTS_MODEL_THREAD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vclock.h"

enum op_kind {
	OP_LOAD,
	OP_STORE,
	OP_EXCHANGE,
	OP_ADD,
	OP_SUB,
	OP_AND,
	OP_OR,
	OP_XOR,
	OP_CAS,
	OP_FENCE,
	OP_PARK,  /* compares the word, and goes to sleep or not */
	OP_SLEEP, /* and this is how it wakes up */
	OP_WAKE,
	OP_RELAX, /* a turn of a loop that only another thread can end */
	OP_CHOOSE,
	OP_JOIN,  /* of all threads, by the main one */
	OP_DRAIN, /* until nothing waits for a grace period any more */
	OP_READ_LOCK,
	OP_READ_UNLOCK,
	OP_DEFER,	/* a call until a grace period has ended */
	OP_GRACE_BEGIN, /* a grace period begins, for the first of what was deferred */
	OP_GRACE_END,
	OP_SYNCHRONIZE, /* a grace period begins, that somebody waits for */
	OP_SYNCHRONIZED,
	OP_FILE, /* a call that has to do with an fd */
};

struct location;

/* The next step of a thread, and when it has been taken, how that went. */
struct op {
	enum op_kind kind;
	uint8_t size;
	uint8_t order;
	uint8_t fail_order;
	void *address;
	struct location *location;
	uint64_t operand;
	uint64_t expected;
	int64_t deadline;
	void *pc;

	uint64_t result;
	bool success;
};

#define MAX_FRAMES 64

struct thread {
	unsigned int index;
	void (*func)(void);
	bool exists;
	bool started;
	bool finished;
	struct op op;

	/* what happens before its next step, in the sense of C11 */
	struct vclock hb;
	/* what it cannot see anything older of: that, and by fences that are sequentially consistent */
	struct vclock seen;
	/* of relaxed loads, until an acquire fence; and as it was at the last release fence */
	struct vclock acquire_hb, acquire_seen;
	struct vclock release_hb, release_seen;
	/* steps on which its next one depends, for the search */
	struct vclock dep;

	/* of one that the library has begun */
	void *(*routine)(void *argument);
	void *argument;

	bool woken;
	struct vclock woken_dep;
	bool interrupted;     /* the one time that it may be */
	unsigned int nesting; /* of read-side sections */
	/* where it has loaded from since its last OP_RELAX; how many of these there were */
	struct location *loaded[256];
	unsigned int num_loaded;
	uint32_t turns;

	void *frames[MAX_FRAMES]; /* where its functions were called from */
	char *lowest[MAX_FRAMES]; /* and the ends of their frames */
	unsigned int depth;
	char *stack;
	char *sp; /* while another one runs */
	sigjmp_buf top, here;
};

extern struct thread threads[THREADS];
extern struct thread *current;

/* There is a gap between them. */
#define STACKS	       ((char *)0x20000000000)
#define STACK_SIZE     (64 * 1024)
#define STACK_DISTANCE ((size_t)2 * STACK_SIZE)

/* Maps the stacks, and keeps the first values of thread-local variables. */
void threads_init(void);

/* All as before a run; the main one is current. */
void threads_reset(void);

/* Goes on with a thread, from its last step or from its beginning. */
void thread_switch(struct thread *thread);

/* Runs 'func' on the stack of the main thread, until it or thread_leave() ends the run. */
void threads_run(void (*func)(void));
void threads_leave(void) __attribute__((noreturn));

/* The part of memory in which the program's thread-local variables are. */
bool thread_local_address(const char *address);

#endif
