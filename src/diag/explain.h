/* SPDX-License-Identifier: MIT */
/*
 * The inside of dmafence/explain.h: an explanation that is being made.
 *
 * It is a graph. Nodes are put into it once each, and have what they stand for held until all is
 * done. Each is looked at from two sides: what it waits for, and who waits for it. How many of each
 * there may be is limited: what there is no room for is counted.
 */
#ifndef DMAFENCE_DIAG_EXPLAIN_H
#define DMAFENCE_DIAG_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <dmafence/explain.h>

/* Of one node, what it waits for, and who waits for it. */
#define EXPLAIN_SHOWN 32

/* The whole. */
#define EXPLAIN_NODES 1024
#define EXPLAIN_EDGES 8192

#define EXPLAIN_NONE UINT32_MAX

/* How much a node is to blame: of several causes the one with the greatest is told first. */
enum explain_rank {
	EXPLAIN_WAITS_ITSELF, /* or has signaled: no cause */
	EXPLAIN_PENDING,
	EXPLAIN_NOT_ENABLED,
	EXPLAIN_BROKEN_OFF, /* done, or promised, but nobody goes on */
	EXPLAIN_GONE,
	EXPLAIN_LOST,
	EXPLAIN_QUARANTINED,
};

/* What is known of a node beside what is told. With references that hooks do not see. */
struct explain_extra {
	struct dma_fence *fence;
	struct dma_fence_syncobj *syncobj;
	struct dma_resv *resv;
	struct dma_fence_context *context;
	bool wants_down, has_down; /* what it waits for */
	bool wants_up, has_up;	   /* who waits for it */
	bool running;		   /* one of its callbacks is */
	bool said;	   /* of a thread: the program says that it signals, it is no guess */
	int64_t since;	   /* of a thread or a callback */
	uint32_t sleepers; /* how many threads sleep for it */
	const void *last_sleeper;     /* the one that was counted last */
	uint32_t containers_left_out; /* that wait for it, and are no nodes */
	enum explain_rank rank;
};

struct explain_walk {
	struct dma_fence_explanation *explanation;
	struct explain_extra *extras;
	uint32_t room_nodes, room_edges;
	uint32_t *places; /* a hash table of nodes */
	uint32_t *queue;
	uint32_t queue_room, queue_begin, queue_end;
	int64_t patience; /* with who keeps the locks of shared objects, all of them together */
	bool failed;	  /* there is no memory */
};

/* The graph: explain-graph.c */

bool dma_fence_explain_begin(struct explain_walk *walk);

/* Lets go of everything. Returns the explanation, or NULL with errno ENOMEM. */
struct dma_fence_explanation *dma_fence_explain_end(struct explain_walk *walk);

/*
 * The node of an object, which is made if there is none; 'number' is the point of a sync object,
 * or the number of a thread. *@is_new says whether it has been. EXPLAIN_NONE if there is no room.
 */
uint32_t dma_fence_explain_node(struct explain_walk *walk, enum dma_fence_explanation_kind kind,
				const void *object, uint64_t number, bool *is_new);
uint32_t dma_fence_explain_find(const struct explain_walk *walk,
				enum dma_fence_explanation_kind kind, const void *object,
				uint64_t number);

/* Has it looked at, from one side or both. */
void dma_fence_explain_want(struct explain_walk *walk, uint32_t node, bool down, bool up);

/* The next that is to be looked at, or EXPLAIN_NONE. */
uint32_t dma_fence_explain_next(struct explain_walk *walk);

/* NULL if there is no room. Unless it is there already. Valid until the next. */
struct dma_fence_explanation_edge *
dma_fence_explain_edge(struct explain_walk *walk, uint32_t from, uint32_t to,
		       enum dma_fence_explanation_relation relation);

/* A string by malloc(), as strdup() and asprintf(); NULL, and the walk has failed. */
char *dma_fence_explain_strdup(struct explain_walk *walk, const char *text);
char *dma_fence_explain_printf(struct explain_walk *walk, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Nodes that are there and what is known of them: explain-nodes.c. Take over unseen references. */

uint32_t dma_fence_explain_fence(struct explain_walk *walk, struct dma_fence *fence);
uint32_t dma_fence_explain_point(struct explain_walk *walk, struct dma_fence_syncobj *syncobj,
				 uint64_t point);
uint32_t dma_fence_explain_resv(struct explain_walk *walk, struct dma_resv *obj);
uint32_t dma_fence_explain_context(struct explain_walk *walk, struct dma_fence_context *context);
uint32_t dma_fence_explain_thread(struct explain_walk *walk, int32_t thread);

/* Of a thread: where it sleeps, by its stack. */
void dma_fence_explain_sleeps_where(struct explain_walk *walk, uint32_t node, uint32_t stack);
uint32_t dma_fence_explain_callback(struct explain_walk *walk, const struct dma_fence_cb *cb,
				    dma_fence_func_t func);

static inline bool explain_is_pending(const struct dma_fence_explanation_node *node)
{
	return node->state != DMA_FENCE_EXPLANATION_SIGNALED &&
	       node->state != DMA_FENCE_EXPLANATION_DRAINED;
}

/* The three parts: explain-down.c, explain-up.c, explain-cycle.c */

void dma_fence_explain_down(struct explain_walk *walk, uint32_t node);
void dma_fence_explain_up(struct explain_walk *walk, uint32_t node);

/* Of all nodes at once: which threads sleep for them. */
void dma_fence_explain_sleepers(struct explain_walk *walk);

void dma_fence_explain_cycle(struct explain_walk *walk);

/* And what is the matter: explain-verdict.c */
void dma_fence_explain_verdicts(struct explain_walk *walk);

/* "3.2 s" */
#define EXPLAIN_DURATION 32
const char *dma_fence_explain_duration(int64_t ns, char text[EXPLAIN_DURATION]);

/* The formats: explain-text.c, explain-json.c, explain-dot.c */

/* 0, or -ENOMEM, and then nothing is written. */
int dma_fence_explain_text(const struct dma_fence_explanation *explanation, FILE *out);
void dma_fence_explain_json(const struct dma_fence_explanation *explanation, FILE *out);
void dma_fence_explain_dot(const struct dma_fence_explanation *explanation, FILE *out);

#endif
