/* SPDX-License-Identifier: MIT */
/*
 * What is taken, or waited for, while something else is held: a graph, for as long as the process
 * lives, of all that its threads were seen to do.
 *
 * Its nodes are classes: of locks that are alike, of waits at one place in the program, and one for
 * all signalling sections. An edge says that somebody who had the first took the second. And who
 * waits for a fence waits for who is in a signalling section: so a way from there to a wait is a
 * circle. An edge that completes one is reported, with those on the way.
 *
 * There is room for so many of each, which is counted out, and none is needed to look.
 */
#ifndef DMAFENCE_DIAG_LOCK_GRAPH_H
#define DMAFENCE_DIAG_LOCK_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

enum class_kind {
	CLASS_SIGNALLING,
	CLASS_LOCK,
	CLASS_WAIT,
};

#define CLASS_NAME 192

/* Does not change once it is there. */
struct lock_class {
	enum class_kind kind;
	const void *lock;      /* of one that is like no other */
	const char *function;  /* by which was waited */
	char name[CLASS_NAME]; /* of a lock; or the place */
};

/* Of classes, in lock_class(). */
typedef uint16_t lock_class_t;

#define NO_CLASS	 0
#define SIGNALLING_CLASS 1

const struct lock_class *dma_fence_lock_class(lock_class_t class);

/* All these find the class, or make it: NO_CLASS if there is no room. */
lock_class_t dma_fence_class_of_name(const char *name);
lock_class_t dma_fence_class_of_lock(const void *lock);
lock_class_t dma_fence_class_of_ww_locks(void);
/* Of waits at the innermost place of a stack that is not the library's. Not under a lock of it. */
lock_class_t dma_fence_class_of_wait(const char *function, uint32_t stack);

struct lock_edge {
	lock_class_t from, to;
	uint32_t from_stack; /* diag/stack.h: where the first was taken, or the section began */
	uint32_t to_stack;
	const void *callback; /* the section's, if it is one */
};

/* The longest way that is reported. */
#define WAY_MOST 16

/* From a signalling section to a wait. */
struct lock_way {
	unsigned int count;
	struct lock_edge edges[WAY_MOST];
};

/* What was seen. With no lock of the library held: it may report. */
void dma_fence_lock_graph_add(const struct lock_edge *edge);

/* A lock is held that a thread has no room for. */
void dma_fence_lock_graph_miss(void);

/* How many classes, edges and locks there was no room for. */
uint64_t dma_fence_lock_graph_missing(void);

/* lock-report.c */
void dma_fence_lock_way_report(const struct lock_way *way);

#endif
