/* SPDX-License-Identifier: MIT */
/*
 * Circles. An edge is looked at once, when it is added, together with those that were there before:
 * so of several threads that add the edges of a circle, the one that adds the last reports it.
 *
 * Of the ways through the new edge to each wait the shortest is taken; and passed over if there is an
 * edge from one of its classes to one further on, because then the shorter way past the new edge was
 * there already, and was reported, and nothing else is wrong with the longer one.
 */
#include <stdio.h>
#include <string.h>

#include "base/fork.h"
#include "base/lock.h"
#include "diag/lock-graph.h"
#include "diag/mutants.h"
#include "diag/stack.h"
#include "diag/symbols.h"

/* Powers of two, bar the first and the last. */
#define CLASSES 2048
#define EDGES	8192
#define BUCKETS 1024
#define SITES	4096
#define NO_EDGE 0 /* edges are counted from 1 */

/* Of each so many for waits in a section: they are found however many locks there are. */
#define FOR_WAITS 512

/* The first characters of a name of the user's. */
#define NAME_COUNTS 63

struct node {
	struct lock_class class;
	lock_class_t next; /* with the same hash */
	uint16_t first;	   /* edge from it; the newest */
};

struct link {
	struct lock_edge edge;
	uint16_t next; /* from the same class */
	uint16_t same_hash;
};

static struct lock lock;

/* With the lock held, bar the class of a node, once it is known. */
static struct node nodes[CLASSES] = {
	[SIGNALLING_CLASS] = { .class = { .kind = CLASS_SIGNALLING } },
};
static uint32_t num_nodes = SIGNALLING_CLASS + 1;
static lock_class_t class_buckets[BUCKETS];
static struct link links[EDGES];
static uint32_t num_links = NO_EDGE + 1;
static uint16_t edge_buckets[EDGES];
static uint64_t missing;

/* By stack, what it was found to be: finding it takes long. Later ones take the place of others. */
static struct site {
	uint32_t stack;
	lock_class_t class;
} sites[SITES];

/* Classes */

const struct lock_class *dma_fence_lock_class(lock_class_t class)
{
	return &nodes[class].class;
}

static uint32_t hash_of(const struct lock_class *class)
{
	uint64_t hash = (uint64_t) class->kind + (uintptr_t) class->lock;
	const char *at;

	for (at = class->name; *at; at++)
		hash = (hash ^ (unsigned char)*at) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)((hash * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % BUCKETS;
}

static lock_class_t find_or_make(const struct lock_class *wanted)
{
	lock_class_t *bucket = &class_buckets[hash_of(wanted)], class;
	const struct lock_class *there;

	for (class = *bucket; class; class = nodes[class].next) {
		there = &nodes[class].class;
		if (there->kind == wanted->kind && there->lock == wanted->lock &&
		    !strcmp(there->name, wanted->name))
			return class;
	}
	if (num_nodes >= CLASSES - (wanted->kind == CLASS_WAIT ? 0 : FOR_WAITS)) {
		missing++;
		return NO_CLASS;
	}
	class = (lock_class_t)num_nodes++;
	nodes[class] = (struct node){ .class = *wanted, .next = *bucket };
	*bucket = class;
	return class;
}

static lock_class_t class_of(const struct lock_class *wanted)
{
	lock_class_t class;

	lock_acquire(&lock);
	class = find_or_make(wanted);
	lock_release(&lock);
	return class;
}

lock_class_t dma_fence_class_of_name(const char *name)
{
	struct lock_class wanted = { .kind = CLASS_LOCK };

	snprintf(wanted.name, sizeof(wanted.name), "'%.*s'", NAME_COUNTS, name);
	return class_of(&wanted);
}

lock_class_t dma_fence_class_of_lock(const void *lock_alone)
{
	struct lock_class wanted = { .kind = CLASS_LOCK, .lock = lock_alone };

	snprintf(wanted.name, sizeof(wanted.name), "%p", lock_alone);
	return class_of(&wanted);
}

lock_class_t dma_fence_class_of_ww_locks(void)
{
	static const struct lock_class wanted = {
		.kind = CLASS_LOCK,
		.name = "of a reservation object",
	};

	return class_of(&wanted);
}

static lock_class_t class_of_known_site(uint32_t stack)
{
	const struct site *site = &sites[stack % SITES];
	lock_class_t class = NO_CLASS;

	lock_acquire(&lock);
	if (stack && site->stack == stack)
		class = site->class;
	lock_release(&lock);
	return class;
}

lock_class_t dma_fence_class_of_wait(const char *function, uint32_t stack)
{
	struct lock_class wanted = { .kind = CLASS_WAIT, .function = function };
	lock_class_t class = class_of_known_site(stack);

	if (class)
		return class;
	dma_fence_stack_site(stack, wanted.name, sizeof(wanted.name));
	if (MUTANT(ONE_WAIT_CLASS))
		strcpy(wanted.name, "one");
	lock_acquire(&lock);
	class = find_or_make(&wanted);
	sites[stack % SITES] = (struct site){ .stack = stack, .class = class };
	lock_release(&lock);
	return class;
}

/* Edges, with the lock held */

static uint16_t *edge_bucket(lock_class_t from, lock_class_t to)
{
	const uint64_t hash = ((uint64_t)from << 16 | to) * UINT64_C(0x9e3779b97f4a7c15);

	return &edge_buckets[(hash >> 32) % EDGES];
}

static uint16_t find_edge(lock_class_t from, lock_class_t to)
{
	uint16_t edge = *edge_bucket(from, to);

	while (edge && (links[edge].edge.from != from || links[edge].edge.to != to))
		edge = links[edge].same_hash;
	return edge;
}

static bool is_wait_in_section(const struct lock_edge *edge)
{
	return edge->from == SIGNALLING_CLASS && nodes[edge->to].class.kind == CLASS_WAIT;
}

/* Returns NO_EDGE if it is there, or there is no room. */
static uint16_t insert(const struct lock_edge *new)
{
	uint16_t *bucket = edge_bucket(new->from, new->to), edge;

	if (find_edge(new->from, new->to))
		return NO_EDGE;
	if (num_links >= EDGES - (is_wait_in_section(new) ? 0 : FOR_WAITS)) {
		missing++;
		return NO_EDGE;
	}
	edge = (uint16_t)num_links++;
	links[edge] = (struct link){
		.edge = *new,
		.next = nodes[new->from].first,
		.same_hash = *bucket,
	};
	nodes[new->from].first = edge;
	*bucket = edge;
	return edge;
}

/* Ways, with the lock held, over edges up to 'newest' */

/* By which edge each class was reached, or NO_EDGE: the shortest way to it. */
struct reached {
	uint16_t by[CLASSES];
};

static void reach(lock_class_t from, uint16_t newest, struct reached *reached)
{
	static lock_class_t queue[CLASSES];
	uint32_t head, tail = 0;
	uint16_t edge;

	memset(reached, 0, sizeof(*reached));
	queue[tail++] = from;
	for (head = 0; head < tail; head++) {
		for (edge = nodes[queue[head]].first; edge; edge = links[edge].next) {
			lock_class_t to = links[edge].edge.to;

			if (edge > newest || to == from || reached->by[to])
				continue;
			reached->by[to] = edge;
			queue[tail++] = to;
		}
	}
}

/* Goes back from 'to' to 'from'; at the end of 'way'. Returns false if that is too far. */
static bool append(struct lock_way *way, const struct reached *reached, lock_class_t from,
		   lock_class_t to)
{
	const unsigned int begin = way->count;
	unsigned int i, end;

	for (; to != from; to = links[reached->by[to]].edge.from) {
		if (way->count == WAY_MOST)
			return false;
		way->edges[way->count++] = links[reached->by[to]].edge;
	}
	for (i = begin, end = way->count; i + 1 < end; i++) {
		const struct lock_edge last = way->edges[--end];

		way->edges[end] = way->edges[i];
		way->edges[i] = last;
	}
	return true;
}

/* Whether there is an edge from a class of the way to one that is not the next. */
static bool has_short_cut(const struct lock_way *way, uint16_t newest)
{
	unsigned int i, k;

	for (i = 0; i < way->count; i++) {
		for (k = i + 1; k < way->count; k++) {
			const uint16_t edge = find_edge(way->edges[i].from, way->edges[k].to);

			if (edge && edge <= newest)
				return true;
		}
	}
	return false;
}

/* The next way through an edge, to a wait behind 'last': which one it goes to, or NO_CLASS. */
static lock_class_t next_way(uint16_t edge, lock_class_t last, struct lock_way *way)
{
	static struct reached before, behind;
	const struct lock_edge *through = &links[edge].edge;
	uint32_t wait;

	reach(SIGNALLING_CLASS, edge, &before);
	if (through->from != SIGNALLING_CLASS && !before.by[through->from])
		return NO_CLASS;
	reach(through->to, edge, &behind);
	for (wait = last + 1u; wait < num_nodes; wait++) {
		if (nodes[wait].class.kind != CLASS_WAIT ||
		    (wait != through->to && !behind.by[wait]))
			continue;
		way->count = 0;
		if (append(way, &before, SIGNALLING_CLASS, through->from) &&
		    way->count < WAY_MOST) {
			way->edges[way->count++] = *through;
			if (append(way, &behind, through->to, (lock_class_t)wait) &&
			    !has_short_cut(way, edge))
				return (lock_class_t)wait;
		}
	}
	return NO_CLASS;
}

void dma_fence_lock_graph_add(const struct lock_edge *new)
{
	lock_class_t wait = NO_CLASS;
	struct lock_way way;
	uint16_t edge;

	lock_acquire(&lock);
	edge = insert(new);
	if (edge)
		wait = next_way(edge, NO_CLASS, &way);
	lock_release(&lock);
	while (wait) {
		dma_fence_lock_way_report(&way);
		lock_acquire(&lock);
		wait = next_way(edge, wait, &way);
		lock_release(&lock);
	}
}

void dma_fence_lock_graph_miss(void)
{
	lock_acquire(&lock);
	missing++;
	lock_release(&lock);
}

uint64_t dma_fence_lock_graph_missing(void)
{
	uint64_t count;

	lock_acquire(&lock);
	count = missing;
	lock_release(&lock);
	return count;
}

/* A fork() in the middle of it would leave the lock held in the child. */
static void fork_prepare(void)
{
	lock_acquire(&lock);
}

static void fork_done(void)
{
	lock_release(&lock);
}

__attribute__((constructor)) static void fork_handlers(void)
{
	static struct fork_handlers handlers = {
		.order = FORK_LOCK_GRAPH,
		.prepare = fork_prepare,
		.parent = fork_done,
		.child = fork_done,
	};

	dma_fence_at_fork(&handlers);
}
