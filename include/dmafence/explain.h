/* SPDX-License-Identifier: MIT */
/*
 * dmafence/explain.h - why has this not signaled?
 *
 * A frame does not come, and a thread sleeps in dma_fence_wait(). The fence that it waits for is an
 * array, in a chain, in a sync object; of the hundred fences that it is made of in the end ninety-
 * nine have signaled. Which has not, and who was to signal it? That thread: what does it do? To ask
 * this takes one call, in the program, in a report handler (dmafence/report.h) or in a debugger:
 *
 *	(gdb) call dma_fence_explain(fence, stderr)
 *
 * It follows everything that the fence waits for down to the fences that engines signal, and says
 * of each of these what is known, and in one sentence, its verdict, what it thinks is the matter.
 * The verdict on the whole comes first.
 *
 * What is followed
 * ================
 * - what an array, a chain, a sync object, a reservation object or a context is made of;
 * - a promise (dmafence/promise.h) that is kept, to the fence that it is kept with;
 * - a fence of which somebody has said that it is not to signal before another has
 *   (dma_fence_annotate_dependency()), to that one;
 * - a fence, to the thread that signals those of its context, and from a thread that sleeps to the
 *   fence or point that it sleeps for. Which thread that is the program can say
 *   (dma_fence_annotate_signaler()). If it has not, it is taken to be the one that has last signaled
 *   a fence of that context: a guess, and called so.
 *
 * The other way round, of each fence on the way, who waits for it: threads, callbacks by the name
 * of their function, and containers, and who waits for these.
 *
 * If that leads back to where it has been nobody will ever signal: a cycle, which is printed as a
 * path. A thread that waits for any of several fences is not taken for a part of one.
 *
 * What is known
 * =============
 * Always: names and numbers, how many references there are, whether signaling was enabled, who
 * sleeps, callbacks, and of a context by dma_fence_context_create() how far it is.
 *
 * With DMA_FENCE_DEBUG=records, or anything else switched on that needs records (dmafence/report.h):
 * how old a fence is and who made it, since when signaling has been enabled, its deadline, what was
 * last signaled on its context, when and by which thread, and which callbacks are running; from the
 * time on at which that was switched on. With the ledger, who holds references.
 *
 * Size
 * ====
 * What has signaled is counted. Of what is pending 32 fences of each container are looked at, of a
 * chain the oldest, and the others counted. So to explain an array of 65,536 takes as many lines
 * as one of 32. It takes some milliseconds, or some hundred where debug information has to be
 * read, or a chain of a million links to be gone along.
 *
 * Threads
 * =======
 * May be called by any thread at any time; in a callback, in a hook of a debugger, while others
 * signal and release what is being looked at: what is told was true at some time during the call,
 * and of each fence by itself. Nothing is signaled, and no lock is waited for but such as are held
 * for a moment. It calls ops->get_driver_name, get_timeline_name and signaled of what is pending. It
 * takes references: where others drop theirs meanwhile, fences may be released in here.
 */
#ifndef DMAFENCE_EXPLAIN_H
#define DMAFENCE_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <dmafence/context.h>
#include <dmafence/fence.h>
#include <dmafence/resv.h>
#include <dmafence/syncobj.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* As text */

/**
 * dma_fence_explain - says why a fence has not signaled
 * @fence: of whatever kind, signaled or not
 * @out: where to; lines
 *
 * Returns 0, or -ENOMEM; then what dma_fence_describe() says has been written.
 */
int dma_fence_explain(struct dma_fence *fence, FILE *out);

/**
 * dma_fence_syncobj_explain - says why a point has not signaled, or that nobody has promised it
 * @point: 0 for the fence of a binary object
 *
 * Returns 0, -EINVAL if @syncobj is NULL, or -ENOMEM; then nothing has been written.
 */
int dma_fence_syncobj_explain(struct dma_fence_syncobj *syncobj, uint64_t point, FILE *out);

/** dma_resv_explain - says what an object waits for, whatever the usage; 0, -EINVAL or -ENOMEM */
int dma_resv_explain(struct dma_resv *obj, FILE *out);

/**
 * dma_fence_context_explain - says what is pending on a context, and why
 * @context: not being destroyed
 *
 * Returns 0, -EINVAL or -ENOMEM.
 */
int dma_fence_context_explain(struct dma_fence_context *context, FILE *out);

/* As a structure */

/** enum dma_fence_explanation_kind - what a node stands for */
enum dma_fence_explanation_kind {
	/** @DMA_FENCE_EXPLANATION_FENCE: a fence that somebody in this process signals */
	DMA_FENCE_EXPLANATION_FENCE,
	/** @DMA_FENCE_EXPLANATION_ARRAY: an array, or a merge */
	DMA_FENCE_EXPLANATION_ARRAY,
	/** @DMA_FENCE_EXPLANATION_LINK: a link of a chain; @seqno is its point */
	DMA_FENCE_EXPLANATION_LINK,
	/** @DMA_FENCE_EXPLANATION_PROMISE: a fence that somebody has promised */
	DMA_FENCE_EXPLANATION_PROMISE,
	/** @DMA_FENCE_EXPLANATION_SYNC_FILE: of another process, or of the kernel */
	DMA_FENCE_EXPLANATION_SYNC_FILE,
	/** @DMA_FENCE_EXPLANATION_SHARED: a fence of a sync object that processes share */
	DMA_FENCE_EXPLANATION_SHARED,
	/** @DMA_FENCE_EXPLANATION_POINT: a point of a sync object; @seqno is its number, or 0 */
	DMA_FENCE_EXPLANATION_POINT,
	/** @DMA_FENCE_EXPLANATION_RESV: a reservation object */
	DMA_FENCE_EXPLANATION_RESV,
	/** @DMA_FENCE_EXPLANATION_CONTEXT: a producer's context */
	DMA_FENCE_EXPLANATION_CONTEXT,
	/** @DMA_FENCE_EXPLANATION_THREAD: a thread of this process */
	DMA_FENCE_EXPLANATION_THREAD,
	/** @DMA_FENCE_EXPLANATION_CALLBACK: a callback that waits; @object is its storage */
	DMA_FENCE_EXPLANATION_CALLBACK,
};

/** enum dma_fence_explanation_state - how far it is */
enum dma_fence_explanation_state {
	DMA_FENCE_EXPLANATION_PENDING,
	/** @DMA_FENCE_EXPLANATION_COMPLETE: the work is done, and nobody has looked */
	DMA_FENCE_EXPLANATION_COMPLETE,
	/** @DMA_FENCE_EXPLANATION_SIGNALED: but callbacks have not returned */
	DMA_FENCE_EXPLANATION_SIGNALED,
	DMA_FENCE_EXPLANATION_DRAINED,
	/** @DMA_FENCE_EXPLANATION_QUARANTINED: its last reference was dropped before it signaled */
	DMA_FENCE_EXPLANATION_QUARANTINED,
	/** @DMA_FENCE_EXPLANATION_UNPROMISED: of a point: nobody has promised it */
	DMA_FENCE_EXPLANATION_UNPROMISED,
	/** @DMA_FENCE_EXPLANATION_UNKNOWN: it could not be asked; see @error */
	DMA_FENCE_EXPLANATION_UNKNOWN,
	/** @DMA_FENCE_EXPLANATION_NO_STATE: of a thread or a callback, which has none */
	DMA_FENCE_EXPLANATION_NO_STATE,
};

/**
 * struct dma_fence_explanation_node - something on the way
 *
 * Names and texts are what the program gave, whatever bytes these are. Times are of
 * CLOCK_MONOTONIC, in nanoseconds; 0 where they are not known.
 */
struct dma_fence_explanation_node {
	enum dma_fence_explanation_kind kind;
	enum dma_fence_explanation_state state;
	/** @label: what it is called: "fence 17:42 'gpu0 copy'" */
	char *label;
	/** @verdict: in one sentence; NULL for what only waits */
	char *verdict;
	/** @object: its address, which may be another's by now; NULL of a thread */
	const void *object;
	/** @context: of a fence or a context */
	uint64_t context;
	/** @seqno: of a fence; or the point */
	uint64_t seqno;
	/** @driver: its name, as is @timeline; NULL for what has none */
	char *driver;
	char *timeline;
	/** @error: of what has signaled, or failed */
	int error;
	/** @timestamp: when it signaled */
	int64_t timestamp;
	/** @references: to a fence, without those of the explanation; UINT32_MAX: kept for ever */
	uint32_t references;
	/** @enabled: whether signaling has been */
	bool enabled;
	/** @signals_when_asked: it has ops->enable_signaling */
	bool signals_when_asked;
	/** @lost: a later one of its context has signaled */
	bool lost;
	/** @upwards: it is here because it waits for another, not because another waits for it */
	bool upwards;
	/** @enabled_at: by the records, as is all of the following that is about time */
	int64_t enabled_at;
	int64_t created_at;
	/** @created_by: the thread, or 0; and @created_where, the place in the program, or NULL */
	int32_t created_by;
	char *created_where;
	/** @deadline: the soonest that was set; INT64_MAX for none that is known */
	int64_t deadline;
	/** @progress_known: whether the next three are valid */
	bool progress_known;
	/** @any_signaled: on its context; otherwise @last_signaled says nothing */
	bool any_signaled;
	/** @last_signaled: on its context, a sequence number */
	uint64_t last_signaled;
	/** @last_emitted: the greatest sequence number of a fence of that context */
	uint64_t last_emitted;
	int64_t last_signaled_at;
	/** @members_signaled: of what it is made of, how many have signaled */
	uint64_t members_signaled;
	/** @members_pending: how many have not */
	uint64_t members_pending;
	/** @members_left_out: how many of these are not in the explanation */
	uint64_t members_left_out;
	/** @callbacks: how many wait for it, and have not begun to run */
	uint32_t callbacks;
	/** @callbacks_left_out: how many of these, and of containers, are not in it */
	uint32_t callbacks_left_out;
	/** @thread: its number; of a signaled fence, that which runs its callbacks, or 0 */
	int32_t thread;
	/** @gone: of a thread: it has ended */
	bool gone;
	/** @sleeps_where: of a thread: the place in the program; NULL if it is not known */
	char *sleeps_where;
	/** @holders: who holds references, by the ledger: lines; or NULL */
	char *holders;
};

/** enum dma_fence_explanation_relation - why one waits for another */
enum dma_fence_explanation_relation {
	/** @DMA_FENCE_EXPLANATION_MADE_OF: it is made of it, or comes after it */
	DMA_FENCE_EXPLANATION_MADE_OF,
	/** @DMA_FENCE_EXPLANATION_SIGNALED_BY: a thread is to signal it */
	DMA_FENCE_EXPLANATION_SIGNALED_BY,
	/** @DMA_FENCE_EXPLANATION_GUESSED: a thread has so far signaled what is on its context */
	DMA_FENCE_EXPLANATION_GUESSED,
	/** @DMA_FENCE_EXPLANATION_SLEEPS: a thread sleeps until it signals */
	DMA_FENCE_EXPLANATION_SLEEPS,
	/** @DMA_FENCE_EXPLANATION_SLEEPS_FOR_ANY: until one of several does */
	DMA_FENCE_EXPLANATION_SLEEPS_FOR_ANY,
	/** @DMA_FENCE_EXPLANATION_CALLED: a callback is called when it signals */
	DMA_FENCE_EXPLANATION_CALLED,
	/** @DMA_FENCE_EXPLANATION_DEPENDS: the program says so */
	DMA_FENCE_EXPLANATION_DEPENDS,
	/** @DMA_FENCE_EXPLANATION_KEPT_WITH: a promise */
	DMA_FENCE_EXPLANATION_KEPT_WITH,
};

/** struct dma_fence_explanation_edge - node @from waits for node @to */
struct dma_fence_explanation_edge {
	uint32_t from;
	uint32_t to;
	enum dma_fence_explanation_relation relation;
	/** @since: of a thread that sleeps */
	int64_t since;
	/** @until: when it gives up; INT64_MAX: never; 0 where there is no thread */
	int64_t until;
	/** @usage: of a fence in a reservation object */
	enum dma_resv_usage usage;
};

/** struct dma_fence_explanation - all that was found */
struct dma_fence_explanation {
	/** @now: when it was made */
	int64_t now;
	/** @verdict: on the whole, in one sentence */
	char *verdict;
	/** @nodes: the first is what was asked for */
	struct dma_fence_explanation_node *nodes;
	uint32_t num_nodes;
	struct dma_fence_explanation_edge *edges;
	uint32_t num_edges;
	/** @cycle: nodes, each of which waits for the next, and the last for the first */
	uint32_t *cycle;
	/** @cycle_length: 0 if there is none */
	uint32_t cycle_length;
	/** @cycle_guessed: a thread in it is a guess */
	bool cycle_guessed;
	/** @truncated: something was left out */
	bool truncated;
	/** @records: whether there are any */
	bool records;
};

/**
 * dma_fence_explanation_of_fence - dma_fence_explain() as a structure
 *
 * Holds no references. To be freed by dma_fence_explanation_free(). NULL with errno ENOMEM, EINVAL.
 */
struct dma_fence_explanation *dma_fence_explanation_of_fence(struct dma_fence *fence);

/** dma_fence_explanation_of_point - the same of a point of a sync object; 0 if it is binary */
struct dma_fence_explanation *dma_fence_explanation_of_point(struct dma_fence_syncobj *syncobj,
							     uint64_t point);

/** dma_fence_explanation_of_resv - the same of a reservation object */
struct dma_fence_explanation *dma_fence_explanation_of_resv(struct dma_resv *obj);

/** dma_fence_explanation_of_context - the same of a context */
struct dma_fence_explanation *dma_fence_explanation_of_context(struct dma_fence_context *context);

/** dma_fence_explanation_free - NULL does nothing */
void dma_fence_explanation_free(struct dma_fence_explanation *explanation);

/** enum dma_fence_explanation_format - how it is to be written */
enum dma_fence_explanation_format {
	/** @DMA_FENCE_EXPLANATION_TEXT: for people, in lines */
	DMA_FENCE_EXPLANATION_TEXT,
	/** @DMA_FENCE_EXPLANATION_JSON: one object, with the members that the structure has */
	DMA_FENCE_EXPLANATION_JSON,
	/** @DMA_FENCE_EXPLANATION_DOT: a graph, for a picture by Graphviz: dot -Tsvg */
	DMA_FENCE_EXPLANATION_DOT,
};

/**
 * dma_fence_explanation_print - writes it
 * @out: where to. Names are escaped, so that whatever bytes they have, text stays in its lines, and
 *	JSON and DOT valid.
 *
 * Returns 0, -EINVAL if a pointer is NULL or there is no such @format, or -ENOMEM for text, of which
 * nothing is written then.
 */
int dma_fence_explanation_print(const struct dma_fence_explanation *explanation,
				enum dma_fence_explanation_format format, FILE *out);

/* What the program knows */

/**
 * dma_fence_annotate_signaler - the calling thread is the one that signals the fences of a context
 * @context: by dma_fence_context_alloc(), or dma_fence_context_id()
 *
 * In the place of any other that has said so before. Kept only while there are records, until
 * they are switched off: otherwise it does nothing. When the thread ends it remains the one that
 * was to signal, and that is what is explained.
 */
void dma_fence_annotate_signaler(uint64_t context);

/** dma_fence_annotate_no_signaler - no thread in particular signals the fences of a context */
void dma_fence_annotate_no_signaler(uint64_t context);

/**
 * dma_fence_annotate_dependency - a fence will not signal before another has
 * @fence: of a job, say
 * @on: that the job waits for, in its queue or in the hardware. Needs to be valid during the call.
 *
 * No reference is taken: it is forgotten when one of the two signals, or is released. Kept only
 * while there are records.
 */
void dma_fence_annotate_dependency(struct dma_fence *fence, struct dma_fence *on);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
