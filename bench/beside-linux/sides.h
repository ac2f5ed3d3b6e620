/* SPDX-License-Identifier: MIT */
/*
 * What bench-linux and its two sides know of each other.
 *
 * The sides are modules: one has the library in it, the other the fence code of Linux. Both are
 * made of the same operations (fences.c and so on), which are compiled once for each. Neither sees
 * the other: each exports its table, and nothing else.
 */
#ifndef BESIDE_LINUX_SIDES_H
#define BESIDE_LINUX_SIDES_H

#include <stdbool.h>
#include <stdint.h>

/** Times that an operation gives, at most. */
#define SIDE_PHASES 5

enum side_operation {
	/* fences.c */
	SIDE_LIFE,
	SIDE_HEAP_AT_ONCE,
	SIDE_HEAP_DEFERRED,
	SIDE_GET_PUT,
	SIDE_IS_SIGNALED,
	SIDE_ADD_REMOVE,
	SIDE_ENABLE,
	SIDE_WAIT_SIGNALED,
	SIDE_WAIT_ANY,
	SIDE_GET_STUB,
	SIDE_PRIVATE_STUB,
	SIDE_CONTEXT_ALLOC,
	SIDE_READ_SECTION,
	/* arrays.c */
	SIDE_ARRAY,
	SIDE_ARRAY_BYTES,
	/* chains.c */
	SIDE_CHAIN,
	SIDE_CHAIN_WALK,
	SIDE_CHAIN_FIND,
	/* merges.c */
	SIDE_MERGE,
	SIDE_UNWRAP_ARRAY,
	SIDE_UNWRAP_CHAIN,
	/* reservations.c */
	SIDE_LOCK,
	SIDE_LOCK_CTX,
	SIDE_LOCK_MANY,
	SIDE_JOB,
	SIDE_GET_FENCES,
	SIDE_TEST_SIGNALED,
	SIDE_FOR_EACH,
	SIDE_FOR_EACH_UNLOCKED,
	SIDE_READ_BESIDE_WRITER,
	/* wake-ups.c */
	SIDE_WAKE_SLEEPING,
	SIDE_WAKE_SPINNING,
	SIDE_OPERATIONS,
};

/** struct side_case - an operation in particular; what does not apply to it is not looked at */
struct side_case {
	enum side_operation operation;

	/** @count: of callbacks, members, points or fences */
	unsigned int count;

	/** @clock: whether signals read the clock, or are given a time */
	bool clock;

	/** @signaled: whether what is asked or waited for has been signaled */
	bool signaled;

	/** @all: whether every point of a chain is waited for, or only the last */
	bool all;

	/** @same: whether what is merged has the same contexts */
	bool same;

	/** @order: in which members are signaled, by index; NULL for that of the indices */
	const uint32_t *order;
};

/**
 * side_func - performs an operation, ops times, on the calling thread
 * @ns: gets the time that each phase took, of all together
 */
typedef void side_func(uint64_t ops, const struct side_case *of, double *ns);

/** struct side_host - what the sides have from bench-linux */
struct side_host {
	/** @memory: for fences that are used again and again, the same for both */
	void *memory;
	void (*pin_second)(void);
	void (*fail)(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
};

/** struct side - what a module exports, by the name 'bench_side' */
struct side {
	/** @start: before all else, while the thread may use all CPUs */
	void (*start)(const struct side_host *host);

	/** @begin, @end: around the operations of a thread */
	void (*begin)(void);
	void (*end)(void);

	/** @irq_work_by_thread: only of Linux */
	void (*irq_work_by_thread)(bool by_thread);

	side_func *operations[SIDE_OPERATIONS];
};

/** SIDE_MEMBERS - how many fences have room in the memory, a cache line each */
#define SIDE_MEMBERS 65536

#endif
