/* SPDX-License-Identifier: MIT */
/*
 * The fences of a program, each beside its node in the model, and who holds what.
 *
 * An operation tells the model first what it is certain to do, then does it, and then everything
 * that can be seen is compared: world_look(). Callbacks are told and compared when they are called,
 * in the middle of it. What the library may do or leave (signal what is complete, because it was
 * polled on the way) is taken over from it, if it may.
 */
#ifndef FUZZ_API_WORLD_H
#define FUZZ_API_WORLD_H

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include <dmafence/dmafence.h>

#include "model.h"
#include "program.h"
#include "../fuzz.h"

#define NODES	  192
#define HANDLES	  8
#define CALLBACKS 12
#define CONTEXTS  4
#define PRODUCERS 2
#define PROMISES  4
#define RESVS	  2
#define ENTRIES	  128
#define SYNCOBJS  3
#define POINTS	  64
#define FILES	  4
#define EVENTS	  4
#define PINS	  256

/* A fence of a program's own, as its producer has it. */
struct leaf {
	struct dma_fence base;
	struct node *node;
};

struct callback {
	struct dma_fence_cb *storage;
	struct node *node;
	unsigned int actor;
	size_t action;	    /* which instruction it runs */
	unsigned int order; /* when it was added */
	enum { FREE, ADDING, REFUSED, ADDED, RUNNING, RAN } state;
	bool frees; /* its storage, when it runs */
};

struct promise {
	struct dma_fence_promise *promise;
	struct node *node;
};

struct producer {
	struct dma_fence_context *context;
	struct node *pending[NODES];
	unsigned int num_pending;
	uint64_t first, next;
	int error;
	unsigned int ops;
	bool ending; /* it goes away */
};

/* In a reservation object. What is not certain to be there may be there. */
struct entry {
	struct node *node;
	enum dma_resv_usage usage;
	bool certain;
};

struct reservation {
	struct dma_resv resv;
	struct entry entries[ENTRIES];
	unsigned int num_entries;
};

struct point {
	uint64_t point;
	struct node *link;
};

struct syncobj {
	struct dma_fence_syncobj *syncobj;
	enum { UNUSED, BINARY, TIMELINE } use;
	struct node *fence; /* of a binary one */
	struct point points[POINTS];
	unsigned int num_points;
	bool changing; /* the model is told afterwards: what it has may be let go of */
};

struct file {
	int fd;
	struct node *node;
};

/* An eventfd that a point of a sync object is to be written to. */
struct event {
	int fd;
	struct syncobj *syncobj; /* NULL: it has been promised, or the object has gone */
	uint64_t point;
	bool available_is_enough;
	struct node *node; /* what has been promised */
};

struct world {
	const uint8_t *data;
	size_t length, at;
	unsigned int depth; /* of callbacks */
	bool delivering;    /* between begin and end: no callback of ours runs */
	int64_t began;	    /* the operation, by the clock */
	unsigned int reports_expected, reports;
	struct node nodes[NODES];
	unsigned int num_nodes;
	struct node *handles[ACTORS][HANDLES];
	struct callback callbacks[CALLBACKS];
	unsigned int callbacks_added, callbacks_run;
	/* References of the instructions under way, whatever callbacks do with the handles. */
	struct node *pins[PINS];
	unsigned int num_pins;
	uint64_t contexts[CONTEXTS];
	uint64_t seqnos[CONTEXTS];
	struct promise promises[PROMISES];
	struct producer producers[PRODUCERS];
	struct reservation resvs[RESVS];
	struct syncobj syncobjs[SYNCOBJS];
	struct file files[FILES];
	struct event events[EVENTS];
};

extern struct world world;

static inline int64_t world_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void world_begin(const uint8_t *data, size_t size);
void world_end(void);

/* Compares all that can be seen. Outside of callbacks, nothing may be left to be done. */
void world_look(void);

/* Nodes. NULL: the world is full. */
struct node *world_node(enum kind kind, uint64_t context, uint64_t seqno);
struct node *world_container(enum kind kind, struct dma_fence *fence);
bool world_has_room(unsigned int nodes);
struct node *world_node_of(const struct dma_fence *fence);

static inline struct dma_fence *fence_of(const struct node *node)
{
	return node->real;
}

/* A fence with ops of ours, not initialised. 'ops' is of enum leaf_ops. */
enum leaf_ops {
	ASKS = 1,
	COUNTS = 2,
	DONE_WHEN_TOLD = 4,
	SIGNALS_WHEN_TOLD = 8,
};
const struct dma_fence_ops *world_ops(unsigned int ops);
struct leaf *world_leaf(unsigned int ops, const struct dma_fence_ops **table);

/* One that the library has made, and that is signaled. */
struct node *world_signaled(struct dma_fence *fence);

/* Whether the fence of the node is signaled, as far as can be said. */
bool world_flag(const struct node *node);

/*
 * The handles of an actor, each with a reference. What was picked for an instruction is held until
 * that has ended: world_unpin().
 */
void world_keep(unsigned int actor, unsigned int handle, struct node *node);
struct node *world_pick_unheld(unsigned int actor, unsigned int handle);
struct node *world_pick(unsigned int actor, unsigned int handle);
unsigned int world_pick_many(unsigned int actor, unsigned int which, struct node **nodes);

void world_unpin(unsigned int left);

/* Somebody is about to wait. */
void world_enable(struct node *node);
void world_publish(struct node *node);

/* The producer signals: tells the model. */
void world_signals(struct node *node, int64_t timestamp);

/* What a merge of 'heads' has returned, with a reference that goes to the caller. */
struct node *world_merged(struct node **heads, unsigned int num, struct dma_fence *fence);

/* Whether 'link' can be what is left of 'expected', which may have been taken out; or NULL. */
bool world_stands_for(const struct node *link, const struct node *expected);

/* Runs an instruction. */
void run_instruction(const struct instruction *instruction);

void world_callback(struct dma_fence *fence, struct dma_fence_cb *cb);

/* What else is compared. */
void files_look(void);
void events_look(void);
void resvs_end(void);
void syncobjs_end(void);
void files_end(void);
void objects_begin(void);
void promises_end(void);
void producers_end(void);

#endif
