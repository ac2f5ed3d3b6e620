/* SPDX-License-Identifier: MIT */
/*
 * The memory that a scenario and the library use: the heap, the stacks of the threads, and the
 * program's variables; who last touched each byte of it, and what was stored in it.
 */
#ifndef TESTS_MODEL_MEMORY_H
#define TESTS_MODEL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vclock.h"

/* A store, as loads may see it for as long as nothing keeps them from seeing old values. */
struct store {
	uint64_t value;
	bool plain; /* its value is what is in memory, and known only later */
	bool released;
	/* what a load with acquire order gets to know */
	struct vclock hb, seen;
	/* the step that made it, or -1, and those on which it depends */
	int step;
	struct vclock dep;
	/* when each thread first knew of it, 0 if not yet */
	int16_t seen_by[THREADS];
};

#define MAX_STORES 56

/* What is accessed atomically at one address. Memory has the newest of its stores. */
struct location {
	struct location *next; /* in the same eight bytes */
	char *address;
	uint32_t size;
	uint32_t num_stores, room_stores;
	struct store *stores; /* from the oldest to the newest */
	/* what each thread has seen last, and in which of its turns: see OP_RELAX */
	uint64_t seen_value[THREADS];
	uint32_t seen_in[THREADS];
	/* for the search: the last step that changed it, and those that looked since the first */
	struct vclock changed_dep;
	struct vclock looked_dep;
	int changed;
	int *looked;
	uint32_t num_looked, room_looked;
};

enum access {
	PLAIN_LOAD,
	PLAIN_STORE,
	ATOMIC_LOAD,
	ATOMIC_STORE,
	ACCESSES,
};

void memory_init(void);

/* All as it was before the run. */
void memory_reset(void);

/* An access by the current thread: ends the run if it is to freed memory, or a race. */
void memory_access(const void *address, size_t size, enum access access, void *pc);

/* The location, which is made if it is accessed atomically for the first time. */
struct location *memory_location(void *address, uint32_t size);

/* That of what is no memory: read-side sections, fences. */
struct location *memory_pseudo_location(unsigned int which);
enum { PSEUDO_RCU, PSEUDO_QUEUE, PSEUDO_FENCE, PSEUDO_FILES, PSEUDO_LOCATIONS };

/* The value of 'size' bytes in memory. */
uint64_t memory_value(const void *address, uint32_t size);

/* Another store, after all others. */
struct store *memory_store(struct location *location, uint64_t value);

/* The current thread leaves a function, whose frame that was. */
void memory_leave(char *begin, char *end, void *pc);

void *memory_alloc(size_t size, void *pc);
void memory_free(void *address, void *pc);

/* What fits of one block into another. */
void memory_move(void *to, const void *from, void *pc);

/* What heap memory is; false if it is none. */
bool memory_describe(const char *address, char *text, size_t size);

/* Blocks that were not freed; the first one in *address, and who allocated it. */
size_t memory_leaks(const void **address, void **pc);

/* What is allocated for the length of a run. */
void *run_alloc(size_t size);

#endif
