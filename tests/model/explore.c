/* SPDX-License-Identifier: MIT */
/*
 * The search.
 *
 * A run is a sequence of steps, each of them a thread and an outcome. The search is depth first:
 * after a run it goes back to the last step at which something else is left to be tried, and runs
 * the scenario again from its beginning, the same way up to there.
 *
 * Without a bound it is a dynamic partial-order reduction with source sets and sleep sets (Abdulla,
 * Aronsson, Jonsson, Sagonas: Optimal dynamic partial order reduction, POPL 2014). Steps that do not
 * depend on each other can change places, and what differs in that alone is the same; of such runs
 * one is enough. When in a run a step turns out to be in a race with an earlier one (they depend
 * on each other, and not through others in between), the other order has to be run, too: a thread
 * that leads there is added to those to be tried at the place of the earlier one ('backtrack'). A
 * step that has been tried there sleeps in what is tried after it, until a step comes on which it
 * depends: before that it would lead to the same as before.
 *
 * Loads. The outcomes of a load are the stores that it can see, and all are tried. A load that sees
 * an old store can as well be put before the newer ones, so that it does not depend on these; what
 * it depends on is the store it sees. So after a load that came before a store, only the outcome
 * that sees that store is left to be tried the other way round: outcomes sleep, not threads.
 *
 * With a bound all threads and outcomes are tried at each step, for as long as the deviations do
 * not exceed it.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "environment.h"
#include "explore.h"
#include "files.h"
#include "memory.h"
#include "step.h"
#include "trace.h"

#define MAX_STEPS 3000

struct node {
	/* before the step */
	uint64_t outcomes[THREADS];
	uint64_t deviating[THREADS];
	uint64_t sleep[THREADS];
	uint64_t possible[THREADS]; /* may be tried */
	uint64_t done[THREADS];	    /* have been tried here */
	uint32_t backtrack;
	uint32_t spent; /* deviations on the way here */
	/* the step */
	uint64_t todo; /* outcomes of this thread that are left */
	struct thread *thread;
	uint32_t outcome;
	enum relation relation;
	int32_t level; /* of a count */
	bool stores;
	struct location *location;
	struct vclock dep;
};

static struct node nodes[MAX_STEPS];
static uint32_t num_nodes; /* that the run to come repeats */
static uint32_t depth;	   /* of the run so far */

static const struct scenario *scenario;
static bool reduced;
static unsigned int bound;

static bool alone;    /* the main thread, with nobody else */
static bool starting; /* a thread, up to its first step */
static struct thread *starter;
static bool given_up, anew;
static struct result *outcome_of_run;

FILE *trace;

const struct scenario *explored(void)
{
	return scenario;
}

bool explore_alone(void)
{
	return alone;
}

static void end_run(void) __attribute__((noreturn));

static void end_run(void)
{
	threads_leave();
}

void explore_anew(void)
{
	anew = true;
	end_run();
}

void failed(enum verdict verdict, const char *format, ...)
{
	va_list args;

	outcome_of_run->verdict = verdict;
	va_start(args, format);
	vsnprintf(outcome_of_run->what, sizeof(outcome_of_run->what), format, args);
	va_end(args);
	end_run();
}

/* Choosing a step */

static unsigned int highest(uint64_t outcomes)
{
	return 63 - (unsigned int)__builtin_clzll(outcomes);
}

/* Whether another thread goes on than the one before, which could. */
static bool preempts(const struct node *node, unsigned int t)
{
	const struct thread *before = node == nodes ? NULL : node[-1].thread;

	return before && before->index != t && node->outcomes[before->index];
}

static uint32_t deviations(const struct node *node, unsigned int t, unsigned int outcome)
{
	return preempts(node, t) + (node->deviating[t] >> outcome & 1);
}

/* Outcomes of a thread that may be tried at a node. */
static uint64_t to_try(const struct node *node, unsigned int t)
{
	const uint64_t outcomes = node->outcomes[t];

	if (reduced)
		return outcomes & ~node->sleep[t];
	if (node->spent + preempts(node, t) > bound)
		return 0;
	if (node->spent + preempts(node, t) == bound)
		return outcomes & ~node->deviating[t];
	return outcomes;
}

static void choose(struct node *node, unsigned int t)
{
	node->thread = &threads[t];
	node->todo = node->possible[t] & ~node->done[t];
	node->outcome = highest(node->todo);
}

/* A step that sleeps is woken by one on which it depends. */
static uint64_t still_asleep(uint64_t sleep, unsigned int t, const struct node *step)
{
	const struct thread *thread = &threads[t];
	enum relation relation;

	if (!sleep || thread->op.location != step->location)
		return sleep;
	relation = step_relation(thread, OUTCOME_DONE);
	switch (step->relation) {
	case CHANGE:
		return relation == CHANGE ? sleep & ((UINT64_C(1) << MAX_STORES) - 1) : sleep;
	case COUNT:
		return relation == COUNT && counters_depend(thread->op.address, t,
							    counters_level(thread),
							    step->thread->index, step->level)
			       ? 0
			       : sleep;
	case SHARED:
		return relation == EXCLUSIVE ? 0 : sleep;
	case EXCLUSIVE:
		return relation == SHARED || relation == EXCLUSIVE ? 0 : sleep;
	default:
		return sleep;
	}
}

static void stuck(void) __attribute__((noreturn));

static void stuck(void)
{
	char where[400] = "";
	bool spins = false;
	size_t used = 0;
	unsigned int t;

	for (t = 0; t < THREAD_GRACE; t++) {
		const struct thread *thread = &threads[t];

		if (!thread->exists || thread->finished || thread->op.kind == OP_JOIN)
			continue;
		spins |= thread->op.kind == OP_RELAX;
		used += (size_t)snprintf(where + used, sizeof(where) - used, "%s%s at %s",
					 used ? ", " : "", trace_thread(t),
					 trace_code(thread->op.pc));
		if (used >= sizeof(where))
			break;
	}
	failed(spins ? VERDICT_LIVELOCK : VERDICT_DEADLOCK, "%s: %s",
	       spins ? "loops for ever on what nobody changes" : "all sleep, and nobody wakes them",
	       where);
}

static struct node *new_node(void)
{
	struct node *node = &nodes[depth];
	const struct node *before = depth ? node - 1 : NULL;
	unsigned int t, first = THREADS;
	bool possible = false, quiet = true;

	node->spent =
		before ? before->spent + deviations(before, before->thread->index, before->outcome)
		       : 0;
	for (t = 0; t < THREADS; t++) {
		node->outcomes[t] =
			alone && &threads[t] != current ? 0 : step_outcomes(&threads[t]);
		possible |= node->outcomes[t] != 0;
	}
	if (!possible)
		stuck();
	for (t = 0; t < THREADS; t++) {
		node->deviating[t] = step_deviating(&threads[t], node->outcomes[t]);
		quiet &= !(node->outcomes[t] & ~node->deviating[t]);
	}
	/* A time that runs out when nobody could go on otherwise is no deviation. */
	for (t = 0; t < THREADS; t++) {
		if (quiet)
			node->deviating[t] = 0;
		node->done[t] = 0;
		node->sleep[t] = 0;
		if (before && reduced && t != before->thread->index)
			node->sleep[t] =
				still_asleep(before->sleep[t] | before->done[t], t, before);
		node->possible[t] = to_try(node, t);
		/* The same thread goes on, if it can. */
		if (node->possible[t] &&
		    (first == THREADS || (before && before->thread->index == t)))
			first = t;
	}
	if (first == THREADS) {
		given_up = true;
		end_run();
	}
	node->backtrack = reduced ? 1u << first : (1u << THREADS) - 1;
	choose(node, first);
	return node;
}

/* What is left of a schedule that is run again; behind its end it goes on as it comes. */
static const char *forced;
static unsigned long forced_repeat;

static void does_not_fit(void) __attribute__((noreturn));

static void does_not_fit(void)
{
	failed(VERDICT_SCHEDULE, "the schedule does not fit the scenario, from '%.20s' on", forced);
}

/* A letter for a thread, then how many steps, or '=' and the outcome of one. */
static struct node *forced_node(void)
{
	struct node *node = new_node();
	unsigned long outcome;
	unsigned int t;
	char *end;

	if (!*forced || *forced == '!')
		return node;
	for (t = 0; t < THREADS && trace_letter(t) != *forced; t++)
		;
	if (t == THREADS || !node->outcomes[t])
		does_not_fit();
	choose(node, t);
	if (forced[1] == '=') {
		outcome = strtoul(forced + 2, &end, 10);
		if (outcome > 63 || !(node->outcomes[t] >> outcome & 1))
			does_not_fit();
		node->outcome = (uint32_t)outcome;
		forced = end;
		return node;
	}
	if (!forced_repeat)
		forced_repeat = strtoul(forced + 1, &end, 10);
	if (forced_repeat > 1) {
		forced_repeat--;
	} else {
		strtoul(forced + 1, &end, 10);
		forced = end;
		forced_repeat = 0;
	}
	return node;
}

/* Races between steps */

static bool before_step(const struct node *earlier, const struct vclock *dep)
{
	const unsigned int t = earlier->thread->index;

	return earlier->dep.of[t] <= dep->of[t];
}

/*
 * Steps 'earlier' and 'later' are in a race. Of the steps after the earlier one that do not depend
 * on it, and the later one, those that no other of them comes before are the ones of which one has
 * to be tried in the earlier one's place.
 */
static void reverse(uint32_t earlier, uint32_t later, const struct vclock *dep_of_later)
{
	int16_t first[THREADS] = { 0 };
	uint32_t i, initials = 0;
	unsigned int t;

	for (i = earlier + 1; i <= later; i++) {
		const struct node *node = &nodes[i];
		const struct vclock *dep = i == later ? dep_of_later : &node->dep;
		bool initial = true;

		if (i != later && before_step(&nodes[earlier], dep))
			continue;
		if (first[node->thread->index])
			continue;
		for (t = 0; t < THREADS; t++) {
			if (first[t] && dep->of[t] >= first[t])
				initial = false;
		}
		first[node->thread->index] = dep->of[node->thread->index];
		if (initial)
			initials |= 1u << node->thread->index;
	}
	if (nodes[earlier].backtrack & initials)
		return;
	t = nodes[later].thread->index;
	nodes[earlier].backtrack |= initials & 1u << t ? 1u << t : initials & -initials;
}

/* As many as there can be: with each step before. */
#define MAX_RACES MAX_STEPS

/*
 * A compare-and-swap fails that would have succeeded before a store: there it could not have seen
 * an old value.
 */
static unsigned int find_races_of_failure(const struct node *node, uint32_t *races)
{
	const struct location *location = node->location;
	unsigned int count = 0;
	uint32_t i;

	for (i = 0; i + 1 < location->num_stores; i++) {
		const int next = location->stores[i + 1].step;

		if (location->stores[i].value == node->thread->op.expected && next >= 0 &&
		    !before_step(&nodes[next], &node->thread->dep))
			races[count++] = (uint32_t)next;
	}
	return count;
}

/* Whether a step that counts depends on an earlier one. */
static bool counts_after(const struct node *node, const struct node *earlier)
{
	return earlier->relation == COUNT && earlier->thread != node->thread &&
	       counters_depend(node->location->address, node->thread->index, node->level,
			       earlier->thread->index, earlier->level);
}

static unsigned int find_races_of_count(const struct node *node, uint32_t *races)
{
	const struct location *location = node->location;
	unsigned int count = 0;
	uint32_t i;

	for (i = 0; i < location->num_looked; i++) {
		const struct node *earlier = &nodes[location->looked[i]];

		if (counts_after(node, earlier) && !before_step(earlier, &node->thread->dep))
			races[count++] = (uint32_t)location->looked[i];
	}
	return count;
}

/* Steps with which the one to be taken is in a race. */
static unsigned int find_races(const struct node *node, uint32_t *races)
{
	const struct location *location = node->location;
	const struct vclock *dep = &node->thread->dep;
	unsigned int count = 0;
	uint32_t i;

	if (node->relation == LOOK && node->thread->op.kind == OP_CAS)
		return find_races_of_failure(node, races);
	if (node->relation == COUNT)
		return find_races_of_count(node, races);
	if (node->relation == LOCAL || node->relation == LOOK)
		return 0;
	if (location->changed >= 0 && !before_step(&nodes[location->changed], dep))
		races[count++] = (uint32_t)location->changed;
	if (node->relation == SHARED || (node->relation == CHANGE && !node->stores))
		return count;
	for (i = 0; i < location->num_looked; i++) {
		const struct node *looked = &nodes[location->looked[i]];

		if (looked->thread != node->thread && !before_step(looked, dep) &&
		    !before_step(looked, &location->changed_dep))
			races[count++] = (uint32_t)location->looked[i];
	}
	return count;
}

static void add_looked(struct location *location, int step)
{
	if (location->num_looked == location->room_looked) {
		int *looked = run_alloc(2 * (location->room_looked + 4) * sizeof(*looked));

		memcpy(looked, location->looked, location->num_looked * sizeof(*looked));
		location->looked = looked;
		location->room_looked = 2 * (location->room_looked + 4);
	}
	location->looked[location->num_looked++] = step;
}

/* The step has become one that others at the same place depend on. */
static void add_to_location(const struct node *node)
{
	struct location *location = node->location;
	struct vclock *dep = &node->thread->dep;
	uint32_t i;

	switch (node->relation) {
	case LOOK:
		add_looked(location, (int)(node - nodes));
		break;
	case COUNT:
		for (i = 0; i < location->num_looked; i++) {
			if (counts_after(node, &nodes[location->looked[i]]))
				vclock_join(dep, &nodes[location->looked[i]].dep);
		}
		add_looked(location, (int)(node - nodes));
		break;
	case SHARED:
		add_looked(location, (int)(node - nodes));
		vclock_join(dep, &location->changed_dep);
		vclock_join(&location->looked_dep, dep);
		break;
	case EXCLUSIVE:
		vclock_join(dep, &location->looked_dep);
		/* fall through */
	case CHANGE:
		vclock_join(dep, &location->changed_dep);
		location->changed_dep = *dep;
		location->changed = (int)(node - nodes);
		break;
	default:
		break;
	}
}

/* One step */

/* Returns whether its thread goes on. */
static bool take(struct node *node)
{
	struct thread *thread = node->thread;
	const bool is_new = depth + 1 >= num_nodes;
	uint32_t races[MAX_RACES];
	unsigned int count = 0, i;
	struct vclock own_dep; /* without what it sees */
	bool through;

	node->relation = step_relation(thread, node->outcome);
	if (thread->index == THREAD_GRACE && thread->op.kind != OP_GRACE_BEGIN &&
	    thread->op.kind != OP_GRACE_END)
		outcome_of_run->grace = true;
	node->level = node->relation == COUNT ? counters_level(thread) : 0;
	node->stores = step_stores(thread);
	node->location = node->relation == LOCAL ? NULL : thread->op.location;
	if (reduced && is_new)
		count = find_races(node, races);
	thread->dep.of[thread->index]++;
	own_dep = thread->dep;
	add_to_location(node);
	if (trace)
		trace_step(depth + 1, thread, node->outcome);
	depth++;
	through = step_take(thread, node->outcome);
	if (node->relation == CHANGE && node->stores)
		node->location->stores[node->location->num_stores - 1].step = (int)depth - 1;
	node->dep = thread->dep;
	if (node->relation == EXCLUSIVE)
		node->location->changed_dep = node->dep;
	for (i = 0; i < count; i++)
		reverse(races[i], depth - 1, node->relation == LOOK ? &own_dep : &node->dep);
	return through;
}

/* Alone there is nothing to choose, but for model_choose(). */
static bool take_alone(void)
{
	struct thread *thread = current;
	uint64_t outcomes = step_outcomes(thread);

	if (!outcomes) {
		thread = &threads[thread == &threads[THREAD_MAIN] ? THREAD_GRACE : THREAD_MAIN];
		outcomes = step_outcomes(thread);
	}
	if (!outcomes)
		stuck();
	if (step_take(thread, highest(outcomes)))
		thread_switch(thread);
	else
		return take_alone();
	return true;
}

static void schedule(void)
{
	struct node *node;

	do {
		if (depth == MAX_STEPS)
			failed(VERDICT_LIVELOCK, "more than %d steps", MAX_STEPS);
		if (forced)
			node = forced_node();
		else if (depth < num_nodes)
			node = &nodes[depth];
		else
			node = new_node();
	} while (!take(node));
	thread_switch(node->thread);
}

void take_step(void)
{
	if (starting)
		thread_switch(starter);
	else if (alone && current->op.kind != OP_CHOOSE)
		take_alone();
	else
		schedule();
}

void thread_finished(void)
{
	if (current == &threads[THREAD_MAIN])
		end_run();
	if (starting)
		thread_switch(starter);
	else if (alone)
		take_alone();
	else
		schedule();
	abort();
}

/* One run */

static void check_leaks(void)
{
	const void *address;
	void *pc;
	size_t count = files_open(&pc);

	if (count)
		failed(VERDICT_LEAK, "not closed: an fd, opened at %s, and %zu more",
		       trace_code(pc), count - 1);
	count = memory_leaks(&address, &pc);
	if (count && !scenario->leaks)
		failed(VERDICT_LEAK, "not freed: %s, allocated at %s, and %zu more",
		       trace_address(address), trace_code(pc), count - 1);
}

static void main_step(enum op_kind kind)
{
	current->op = (struct op){ .kind = kind, .pc = __builtin_return_address(0) };
	take_step();
}

/* What a thread does before its first step nobody can see. */
static void start_thread(struct thread *thread, void (*func)(void))
{
	step_begin_thread(thread, func);
	starter = current;
	starting = true;
	thread_switch(thread);
	starting = false;
}

static void run_routine(void)
{
	current->routine(current->argument);
}

/* In the place of a thread that the scenario does not have. */
bool explore_begin_thread(void *(*routine)(void *argument), void *argument)
{
	unsigned int t, begun = 0;

	for (t = THREAD_FIRST; t < THREAD_GRACE; t++) {
		if (scenario->threads[t - THREAD_FIRST])
			continue;
		begun++;
		if (threads[t].exists)
			continue;
		threads[t].routine = routine;
		threads[t].argument = argument;
		start_thread(&threads[t], run_routine);
		if (outcome_of_run->begun < begun)
			outcome_of_run->begun = begun;
		return true;
	}
	return false;
}

static void run_scenario(void)
{
	unsigned int i;

	step_begin_grace();
	if (scenario->begin)
		scenario->begin();

	alone = false;
	for (i = 0; i < MODEL_THREADS; i++) {
		if (scenario->threads[i])
			start_thread(&threads[THREAD_FIRST + i], scenario->threads[i]);
	}
	main_step(OP_JOIN);
	alone = true;
	if (scenario->end)
		scenario->end();
	step_drain(NULL);
	check_leaks();
}

static void run(void)
{
	memory_reset();
	threads_reset();
	step_reset();
	environment_reset();
	files_reset();
	trace_reset();
	depth = 0;
	alone = true;
	given_up = anew = starting = false;
	forced_repeat = 0;
	counters_reset();
	threads[THREAD_MAIN].exists = true;
	threads_run(run_scenario);
	memory_reset(); /* variables as they were */
}

/* Goes back to the last step at which something is left. Returns false if there is none. */
static bool go_back(void)
{
	unsigned int t;

	for (num_nodes = depth; num_nodes; num_nodes--) {
		struct node *node = &nodes[num_nodes - 1];
		const unsigned int tried = node->thread->index;

		node->done[tried] |= UINT64_C(1) << node->outcome;
		node->todo &= ~node->done[tried];
		if (node->todo) {
			node->outcome = highest(node->todo);
			return true;
		}
		for (t = 0; t < THREADS; t++) {
			if (node->backtrack & 1u << t && node->possible[t] & ~node->done[t]) {
				choose(node, t);
				return true;
			}
		}
	}
	return false;
}

/* A letter for a thread, how many steps, and which outcome if that is not the first one. */
static void write_schedule(char *text, size_t size)
{
	uint32_t i, steps;
	size_t used = 0;

	for (i = 0; i < depth && used < size; i += steps) {
		const struct node *node = &nodes[i];
		const unsigned int first = highest(node->outcomes[node->thread->index]);

		steps = 1;
		if (node->outcome != first) {
			used += (size_t)snprintf(text + used, size - used, "%c=%u",
						 trace_letter(node->thread->index), node->outcome);
			continue;
		}
		while (i + steps < depth && node[steps].thread == node->thread &&
		       node[steps].outcome == highest(node[steps].outcomes[node->thread->index]))
			steps++;
		used += (size_t)snprintf(text + used, size - used, "%c%u",
					 trace_letter(node->thread->index), steps);
	}
	if (used < size)
		counters_write(text + used, size - used);
}

void explore(const struct scenario *s, unsigned int limit, uint64_t most, struct result *result)
{
	memset(result, 0, sizeof(*result));
	scenario = s;
	bound = limit;
	reduced = !limit;
	outcome_of_run = result;
	num_nodes = 0;
	counters_forget();
	do {
		run();
		if (anew) {
			num_nodes = 0;
			result->runs = result->redundant = 0;
			continue;
		}
		if (given_up)
			result->redundant++;
		else
			result->runs++;
		if (depth > result->steps)
			result->steps = depth;
		if (result->verdict != VERDICT_GOOD) {
			write_schedule(result->schedule, sizeof(result->schedule));
			return;
		}
		if (!go_back()) {
			result->complete = true;
			return;
		}
	} while (!most || result->runs + result->redundant < most);
}

void replay(const struct scenario *s, const char *schedule, FILE *out, struct result *result)
{
	memset(result, 0, sizeof(*result));
	scenario = s;
	reduced = false;
	bound = EXPLORE_ALL;
	outcome_of_run = result;
	num_nodes = 0;
	counters_forget();
	counters_read(strchr(schedule, '!'));
	/* Once in silence, for as long as it has still to learn which words are counts. */
	do {
		forced = schedule;
		run();
	} while (anew);
	memset(result, 0, sizeof(*result));
	forced = schedule;
	trace = out;
	run();
	if (result->verdict == VERDICT_GOOD && *forced && *forced != '!') {
		result->verdict = VERDICT_SCHEDULE;
		snprintf(result->what, sizeof(result->what),
			 "the schedule goes on behind the end of the scenario, with '%.20s'",
			 forced);
	}
	forced = NULL;
	trace = NULL;
	result->runs = 1;
	result->steps = depth;
}
