/* SPDX-License-Identifier: MIT */
/*
 * The run queue: what a thread still has to run before it returns to its caller.
 *
 * Work that comes up while other work of the same thread is being run is not run inside it but
 * put behind it. So the depth of the stack does not grow with the length of a graph in which one
 * thing sets off the next, no lock that a caller further up holds is in the way, and nothing
 * waits for another thread. The kernel has irq_work for this.
 *
 *	if (run_queue_active(queue)) {
 *		run_queue_push(queue, entry);		// whoever is further up runs it
 *	} else {
 *		run_queue_begin(queue);
 *		... run what came up ...
 *		while ((entry = run_queue_pop(queue)))
 *			... run it ...
 *		run_queue_end(queue);
 *	}
 *
 * A queue belongs to one thread; no other thread sees it.
 */
#ifndef DMAFENCE_BASE_RUN_QUEUE_H
#define DMAFENCE_BASE_RUN_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include <dmafence/link.h>

struct run_queue {
	struct dma_fence_run_link *head;
	struct dma_fence_run_link **tail; /* NULL while not active */
	const void *current;		  /* the object that is being run; its runner's business */
	bool current_locked;		  /* and whether its runner has kept it locked */
};

extern _Thread_local struct run_queue dma_fence_run_queue;
extern _Thread_local struct run_queue dma_fence_release_queue;

/* Of fences whose callbacks are to run. */
static inline struct run_queue *run_queue_of_thread(void)
{
	return &dma_fence_run_queue;
}

/* Of fences whose last reference is gone. */
static inline struct run_queue *release_queue_of_thread(void)
{
	return &dma_fence_release_queue;
}

static inline bool run_queue_active(const struct run_queue *queue)
{
	return queue->tail;
}

static inline void run_queue_begin(struct run_queue *queue)
{
	queue->head = NULL;
	queue->tail = &queue->head;
}

static inline void run_queue_end(struct run_queue *queue)
{
	queue->tail = NULL;
}

static inline void run_queue_push(struct run_queue *queue, struct dma_fence_run_link *entry)
{
	entry->next = NULL;
	*queue->tail = entry;
	queue->tail = &entry->next;
}

/* In the order in which they were pushed; NULL when there is none. */
static inline struct dma_fence_run_link *run_queue_pop(struct run_queue *queue)
{
	struct dma_fence_run_link *entry = queue->head;

	if (entry) {
		queue->head = entry->next;
		if (!queue->head)
			queue->tail = &queue->head;
	}
	return entry;
}

#endif
