/* SPDX-License-Identifier: MIT */
/*
 * What the headers promise of fences, as a plain sequential model: it knows nothing of the library,
 * has no lists to keep short and nothing to be fast with.
 *
 * A node stands for a fence. What producers signal has a state of its own; what is made of others
 * is done when these are, and how it ended follows from how they did. Nothing is ever taken out.
 */
#ifndef FUZZ_API_MODEL_H
#define FUZZ_API_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOST_PARTS 24

enum kind {
	LEAF,	  /* a producer's */
	PROMISED, /* signals when what it is kept with does, as that does */
	ARRAY,
	LINK, /* parts[0] is its own work, parts[1] what is before it, or NULL */
};

enum state {
	PENDING,
	COMPLETE, /* the back end would say so if it were asked */
	SIGNALED,
};

/* How fences ended. */
struct outcome {
	int64_t timestamp;
	int64_t failed_timestamp;
	int error;
	bool timestamp_unknown;
	bool error_unknown;
};

struct node {
	enum kind kind;
	enum state state;
	uint64_t context, seqno;
	struct node *parts[MOST_PARTS];
	unsigned int num_parts;
	struct outcome dropped; /* of an array: what a merge has left out */
	struct outcome end;	/* once it has signaled */
	int error;		/* set before it signals */
	bool enabled;		/* somebody waits: it signals when its parts have */
	bool kept;		/* of PROMISED: parts[0] is what with, or nothing */

	/* The fence beside it, see world.h. */
	void *real;
	bool released;
	bool producer;	/* has a reference */
	bool emitted;	/* the producer is a context of the library's */
	bool published; /* somebody may be waiting */
	bool asks;	/* has a back end that can be asked */
	bool counts;	/* has one that is told when somebody waits */
	bool done_when_told;
	bool signals_when_told;
	bool must_signal;
	unsigned int told;
	int64_t deadline;
	unsigned int reached; /* for marking */
};

static inline bool is_leaf(const struct node *node)
{
	return node->kind == LEAF || node->kind == PROMISED;
}

/* Whether dma_fence_is_signaled() is to say so. */
bool model_complete(const struct node *node);

/* Whether all that producers have to signal for it is signaled. */
bool model_done(const struct node *node);

/* How it ended; all that is below it is done. */
struct outcome model_outcome(const struct node *node);

/* Whether the work of a link before it has failed; if not certainly, then it may have. */
bool model_failed_before(const struct node *link, bool certainly);

/* Adds the outcome of a part. Of two that failed at the same time the first one counts. */
void outcome_fold(struct outcome *outcome, const struct outcome *part);

/* A leaf of something, as a merge sees it. */
struct leaf_of {
	struct node *node;
	/* It failed, and an earlier point of the same chain did, too: it may be gone. */
	bool optional;
};

/*
 * The leaves of a node, from the newest link of a chain to its oldest; and to 'dropped' how those
 * ended that merges have left out of the arrays there. Returns how many.
 */
unsigned int model_leaves(struct node *head, struct leaf_of *leaves, unsigned int room,
			  struct outcome *dropped);

/* Whether what is below 'node' leads to 'other', promises that are kept included. */
bool model_leads_to(struct node *node, const struct node *other);

/* For 'reached': each node once. */
unsigned int model_new_mark(void);

#endif
