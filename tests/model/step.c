/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "counters.h"
#include "explore.h"
#include "step.h"
#include "trace.h"

/* Sequentially consistent fences, and the RCU of the scenario. */
static struct vclock fences;
static struct vclock grace_hb;
static struct vclock sections_hb, sections_seen; /* of all that have ended */

struct deferred {
	struct deferred *next;
	void *arg;
	void (*func)(void *arg);
	struct vclock hb, seen, dep;
	unsigned int readers; /* threads that have to leave their sections, once it has begun */
};

static struct deferred *deferred_first, **deferred_last;
static struct deferred *grace; /* the one under way */
static struct deferred synchronize[THREADS];

void step_reset(void)
{
	memset(&fences, 0, sizeof(fences));
	memset(&grace_hb, 0, sizeof(grace_hb));
	memset(&sections_hb, 0, sizeof(sections_hb));
	memset(&sections_seen, 0, sizeof(sections_seen));
	memset(synchronize, 0, sizeof(synchronize));
	deferred_first = NULL;
	deferred_last = &deferred_first;
	grace = NULL;
}

static bool acquires(int order)
{
	return order == __ATOMIC_ACQUIRE || order == __ATOMIC_ACQ_REL ||
	       order == __ATOMIC_SEQ_CST || order == __ATOMIC_CONSUME;
}

static bool releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static void refresh(struct location *location)
{
	struct store *newest = &location->stores[location->num_stores - 1];

	if (newest->plain)
		newest->value = memory_value(location->address, location->size);
}

static uint64_t truncate_to(uint64_t value, uint32_t size)
{
	return size == 8 ? value : value & ((UINT64_C(1) << 8 * size) - 1);
}

/* The oldest store that a thread may still see: it knows of none after it. */
static uint32_t oldest_visible(const struct thread *thread, const struct location *location)
{
	uint32_t i = location->num_stores - 1;
	unsigned int t;

	for (;; i--) {
		const struct store *store = &location->stores[i];

		if (!i)
			return 0;
		for (t = 0; t < THREADS; t++) {
			if (store->seen_by[t] && store->seen_by[t] <= thread->seen.of[t])
				return i;
		}
	}
}

/*
 * Whether an older one of these stores has the same value, and nothing more to tell. Who sees that
 * one can do all that who sees this one can: it leaves the choice of later loads greater. (That is
 * not for a compare-and-swap that fails. A store before which it would have succeeded has to be
 * told from others: else it might sleep through the moment.)
 */
static bool covered(const struct location *location, uint64_t older, uint32_t i)
{
	const struct store *store = &location->stores[i], *other;

	for (; older; older &= older - 1) {
		other = &location->stores[__builtin_ctzll(older)];
		if (other->value == store->value &&
		    (!other->released ||
		     (store->released && !vclock_exceeds(&other->hb, &store->hb) &&
		      !vclock_exceeds(&other->seen, &store->seen))))
			return true;
	}
	return false;
}

static uint64_t visible(const struct thread *thread)
{
	struct location *location = thread->op.location;
	uint32_t i = oldest_visible(thread, location);
	uint64_t outcomes = 0;

	refresh(location);
	for (; i < location->num_stores; i++) {
		if (thread->op.kind == OP_CAS ? location->stores[i].value != thread->op.expected
					      : !covered(location, outcomes, i))
			outcomes |= UINT64_C(1) << i;
	}
	return outcomes;
}

static bool nothing_deferred(void)
{
	return !deferred_first && !grace;
}

static bool all_finished(void)
{
	unsigned int t;

	for (t = THREAD_FIRST; t < THREAD_GRACE; t++) {
		if (threads[t].exists && !threads[t].finished)
			return false;
	}
	return true;
}

static uint64_t newest_value(struct location *location)
{
	refresh(location);
	return location->stores[location->num_stores - 1].value;
}

/* Something that it has loaded in this turn is no longer what it was. */
static bool has_changed(const struct thread *thread)
{
	unsigned int i;

	for (i = 0; i < thread->num_loaded; i++) {
		if (newest_value(thread->loaded[i]) != thread->loaded[i]->seen_value[thread->index])
			return true;
	}
	return false;
}

static bool can_time_out(const struct thread *thread)
{
	return thread->op.deadline != INT64_MAX;
}

static bool can_be_interrupted(const struct thread *thread)
{
	return explored()->interrupts && thread->op.success && !thread->interrupted;
}

uint64_t step_outcomes(struct thread *thread)
{
	const uint64_t done = UINT64_C(1) << OUTCOME_DONE;
	struct op *op = &thread->op;
	uint64_t outcomes;

	if (!thread->exists || thread->finished)
		return 0;
	switch (op->kind) {
	case OP_LOAD:
		return visible(thread);
	case OP_CAS:
		outcomes = visible(thread);
		if (newest_value(op->location) == op->expected)
			outcomes |= done;
		return outcomes;
	case OP_SLEEP:
		if (thread->woken)
			return done;
		outcomes = 0;
		if (can_time_out(thread))
			outcomes |= UINT64_C(1) << OUTCOME_TIMED_OUT;
		if (can_be_interrupted(thread))
			outcomes |= UINT64_C(1) << OUTCOME_INTERRUPTED;
		return outcomes;
	case OP_RELAX:
		return has_changed(thread) ? done : 0;
	case OP_CHOOSE:
		return (UINT64_C(1) << op->operand) - 1;
	case OP_JOIN:
		return all_finished() && nothing_deferred() ? done : 0;
	case OP_DRAIN:
		return nothing_deferred() ? done : 0;
	case OP_GRACE_BEGIN:
		return deferred_first ? done : 0;
	case OP_GRACE_END:
		return grace->readers ? 0 : done;
	case OP_SYNCHRONIZED:
		return synchronize[thread->index].readers ? 0 : done;
	default:
		return done;
	}
}

enum relation step_relation(const struct thread *thread, unsigned int outcome)
{
	switch (thread->op.kind) {
	case OP_LOAD:
		return LOOK;
	case OP_CAS:
		return outcome == OUTCOME_DONE ? CHANGE : LOOK;
	case OP_ADD:
	case OP_SUB:
		return counters_has(thread) ? COUNT : CHANGE;
	case OP_STORE:
	case OP_EXCHANGE:
	case OP_AND:
	case OP_OR:
	case OP_XOR:
	case OP_PARK:
	case OP_WAKE:
	case OP_FENCE:
		return CHANGE;
	case OP_SLEEP:
		return can_time_out(thread) || can_be_interrupted(thread) ? CHANGE : LOCAL;
	case OP_READ_LOCK:
	case OP_READ_UNLOCK:
		return SHARED;
	case OP_GRACE_BEGIN:
	case OP_SYNCHRONIZE:
		return EXCLUSIVE;
	case OP_DEFER:
	case OP_DRAIN:
	case OP_FILE:
		return CHANGE;
	default:
		return LOCAL;
	}
}

bool step_stores(const struct thread *thread)
{
	switch (thread->op.kind) {
	case OP_PARK:
	case OP_SLEEP:
	case OP_WAKE:
	case OP_FENCE:
	case OP_DEFER:
	case OP_DRAIN:
	case OP_FILE:
		return false;
	default:
		return true;
	}
}

uint64_t step_deviating(const struct thread *thread, uint64_t outcomes)
{
	switch (thread->op.kind) {
	case OP_LOAD:
	case OP_CAS:
		return outcomes ? outcomes ^ UINT64_C(1) << (63 - __builtin_clzll(outcomes)) : 0;
	case OP_SLEEP:
		return outcomes & ~(UINT64_C(1) << OUTCOME_DONE);
	default:
		return 0;
	}
}

/* What a thread gets to know by seeing a store. */
static void learn(struct thread *thread, struct store *store, int order)
{
	if (!store->seen_by[thread->index])
		store->seen_by[thread->index] = thread->hb.of[thread->index];
	if (!store->released)
		return;
	if (acquires(order)) {
		vclock_join(&thread->hb, &store->hb);
		vclock_join(&thread->seen, &store->seen);
	}
	vclock_join(&thread->acquire_hb, &store->hb);
	vclock_join(&thread->acquire_seen, &store->seen);
}

static void remember_value(struct thread *thread, struct location *location, uint64_t value)
{
	const unsigned int t = thread->index;

	location->seen_value[t] = value;
	if (location->seen_in[t] == thread->turns + 1)
		return;
	if (thread->num_loaded == sizeof(thread->loaded) / sizeof(thread->loaded[0]))
		failed(VERDICT_LIVELOCK, "thread %s loads from more than %u places",
		       trace_thread(t), thread->num_loaded);
	location->seen_in[t] = thread->turns + 1;
	thread->loaded[thread->num_loaded++] = location;
}

static void see(struct thread *thread, unsigned int store, int order)
{
	struct location *location = thread->op.location;
	struct store *seen = &location->stores[store];

	learn(thread, seen, order);
	vclock_join(&thread->dep, &seen->dep);
	remember_value(thread, location, seen->value);
	thread->op.result = seen->value;
}

/* Stores 'value'; 'before' is the store that a read-modify-write has seen, else NULL. */
static void store_value(struct thread *thread, uint64_t value, bool modifies)
{
	struct location *location = thread->op.location;
	const uint32_t before = location->num_stores - 1;
	struct thread *other = current;
	struct store *store;

	current = thread;
	value = truncate_to(value, location->size);
	store = memory_store(location, value);
	current = other;
	memcpy(location->address, &value, location->size);
	remember_value(thread, location, value);
	if (releases(thread->op.order)) {
		store->released = true;
		store->hb = thread->hb;
		store->seen = thread->seen;
	} else if (thread->release_hb.of[thread->index]) {
		store->released = true;
		store->hb = thread->release_hb;
		store->seen = thread->release_seen;
	}
	if (modifies && location->stores[before].released) {
		store->released = true;
		vclock_join(&store->hb, &location->stores[before].hb);
		vclock_join(&store->seen, &location->stores[before].seen);
	}
}

static void modify(struct thread *thread)
{
	struct op *op = &thread->op;
	uint64_t old, value = op->operand;

	refresh(op->location);
	see(thread, op->location->num_stores - 1, op->order);
	old = op->result;
	switch (op->kind) {
	case OP_ADD:
		value = old + value;
		break;
	case OP_SUB:
		value = old - value;
		break;
	case OP_AND:
		value = old & value;
		break;
	case OP_OR:
		value = old | value;
		break;
	case OP_XOR:
		value = old ^ value;
		break;
	default:
		break;
	}
	store_value(thread, value, true);
}

/* Only who takes a count to 0 is told what others did before. */
static void count(struct thread *thread)
{
	struct op *op = &thread->op;
	struct store *newest = &op->location->stores[op->location->num_stores - 1];
	uint32_t value;

	op->result = memory_value(op->address, op->size);
	value = (uint32_t)(op->kind == OP_ADD ? op->result + 1 : op->result - 1);
	memcpy(op->address, &value, sizeof(value));
	newest->plain = true;
	if (releases(op->order)) {
		newest->released = true;
		vclock_join(&newest->hb, &thread->hb);
		vclock_join(&newest->seen, &thread->seen);
	}
	if (!value)
		learn(thread, newest, op->order);
}

static void fence(struct thread *thread, int order)
{
	if (acquires(order)) {
		vclock_join(&thread->hb, &thread->acquire_hb);
		vclock_join(&thread->seen, &thread->acquire_seen);
	}
	if (order == __ATOMIC_SEQ_CST) {
		vclock_join(&thread->seen, &fences);
		vclock_join(&fences, &thread->seen);
	}
	if (releases(order)) {
		thread->release_hb = thread->hb;
		thread->release_seen = thread->seen;
	}
}

/* Others have changed what it loops for: from now on it sees that. */
static void relax(struct thread *thread)
{
	unsigned int i;

	for (i = 0; i < thread->num_loaded; i++) {
		struct location *location = thread->loaded[i];
		struct store *newest = &location->stores[location->num_stores - 1];

		if (newest_value(location) == location->seen_value[thread->index])
			continue;
		if (!newest->seen_by[thread->index])
			newest->seen_by[thread->index] = thread->hb.of[thread->index];
		vclock_join(&thread->dep, &newest->dep);
	}
	thread->num_loaded = 0;
	thread->turns++;
}

static bool park(struct thread *thread)
{
	struct op *op = &thread->op;
	struct location *location = op->location;

	refresh(location);
	see(thread, location->num_stores - 1, __ATOMIC_RELAXED);
	if (memory_value(op->address, 4) != (uint32_t)op->expected) {
		op->result = EAGAIN;
		return true;
	}
	op->kind = OP_SLEEP;
	thread->woken = false;
	return false;
}

static void wake(struct thread *waker)
{
	unsigned int t;

	for (t = 0; t < THREADS; t++) {
		struct thread *thread = &threads[t];

		if (!thread->exists || thread->finished || thread->op.kind != OP_SLEEP ||
		    thread->woken || thread->op.address != waker->op.address)
			continue;
		thread->woken = true;
		thread->woken_dep = waker->dep;
	}
}

static void join_thread(struct thread *thread, const struct thread *other)
{
	vclock_join(&thread->hb, &other->hb);
	vclock_join(&thread->seen, &other->seen);
}

static void join_threads(struct thread *thread)
{
	unsigned int t;

	for (t = THREAD_FIRST; t < THREADS; t++)
		join_thread(thread, &threads[t]);
}

/* Grace periods */

static unsigned int readers(void)
{
	unsigned int t, mask = 0;

	for (t = 0; t < THREADS; t++) {
		if (threads[t].nesting)
			mask |= 1u << t;
	}
	return mask;
}

static void grace_begins(struct thread *thread, struct deferred *deferred)
{
	vclock_join(&deferred->hb, &thread->hb);
	vclock_join(&deferred->seen, &thread->seen);
	vclock_join(&deferred->hb, &sections_hb);
	vclock_join(&deferred->seen, &sections_seen);
	deferred->readers = readers();
	/* Sections that begin from now on are not waited for: they see what was before. */
	vclock_join(&grace_hb, &deferred->hb);
}

static void leave_section(struct thread *thread, struct deferred *deferred)
{
	if (!deferred || !(deferred->readers & 1u << thread->index))
		return;
	deferred->readers &= ~(1u << thread->index);
	vclock_join(&deferred->hb, &thread->hb);
	vclock_join(&deferred->seen, &thread->seen);
	vclock_join(&deferred->dep, &thread->dep);
}

static void grace_ends(struct thread *thread, const struct deferred *deferred)
{
	vclock_join(&thread->hb, &deferred->hb);
	vclock_join(&thread->seen, &deferred->seen);
	vclock_join(&thread->dep, &deferred->dep);
}

static void section_step(enum op_kind kind, void *pc)
{
	current->op = (struct op){
		.kind = kind,
		.location = memory_pseudo_location(PSEUDO_RCU),
		.pc = pc,
	};
	take_step();
}

void step_read_lock(void *pc)
{
	if (current->nesting)
		current->nesting++;
	else
		section_step(OP_READ_LOCK, pc);
}

void step_read_unlock(void *pc)
{
	if (current->nesting > 1)
		current->nesting--;
	else
		section_step(OP_READ_UNLOCK, pc);
}

void step_synchronize(void *pc)
{
	section_step(OP_SYNCHRONIZE, pc);
	current->op = (struct op){ .kind = OP_SYNCHRONIZED, .pc = pc };
	take_step();
}

void step_drain(void *pc)
{
	current->op = (struct op){
		.kind = OP_DRAIN,
		.location = memory_pseudo_location(PSEUDO_QUEUE),
		.pc = pc,
	};
	take_step();
}

void step_defer(void *arg, void (*func)(void *arg), void *pc)
{
	struct deferred *deferred = run_alloc(sizeof(*deferred));

	memset(deferred, 0, sizeof(*deferred));
	deferred->arg = arg;
	deferred->func = func;
	current->op = (struct op){
		.kind = OP_DEFER,
		.location = memory_pseudo_location(PSEUDO_QUEUE),
		.operand = (uintptr_t)deferred,
		.pc = pc,
	};
	take_step();
}

static struct op grace_begin(void)
{
	return (struct op){
		.kind = OP_GRACE_BEGIN,
		.location = memory_pseudo_location(PSEUDO_RCU),
	};
}

/* It runs for the first time when it has taken its first step: a grace period has begun. */
static void grace_thread(void)
{
	for (;;) {
		current->op = (struct op){ .kind = OP_GRACE_END };
		take_step();
		grace->func(grace->arg);
		grace = NULL;
		current->op = grace_begin();
		take_step();
	}
}

void step_begin_grace(void)
{
	step_begin_thread(&threads[THREAD_GRACE], grace_thread);
	threads[THREAD_GRACE].op = grace_begin();
}

/* Looks for races, and for freed memory. What wakes uses the address alone. */
static void check_access(struct thread *thread, enum relation relation)
{
	const struct op *op = &thread->op;
	struct thread *other = current;

	if (op->kind == OP_WAKE || op->kind == OP_FENCE || op->kind == OP_SLEEP || !op->location ||
	    !op->location->address)
		return;
	if (!explore_alone())
		counters_access(thread);
	current = thread;
	memory_access(op->address, op->kind == OP_PARK ? 4 : op->size,
		      relation == LOOK || op->kind == OP_PARK ? ATOMIC_LOAD : ATOMIC_STORE, op->pc);
	current = other;
}

bool step_take(struct thread *thread, unsigned int outcome)
{
	const enum relation relation = step_relation(thread, outcome);
	struct op *op = &thread->op;
	bool through = true;
	struct deferred *deferred;
	unsigned int t;

	check_access(thread, relation);
	switch (op->kind) {
	case OP_LOAD:
		see(thread, outcome, op->order);
		break;
	case OP_STORE:
		store_value(thread, op->operand, false);
		break;
	case OP_ADD:
	case OP_SUB:
		if (relation == COUNT)
			count(thread);
		else
			modify(thread);
		break;
	case OP_EXCHANGE:
	case OP_AND:
	case OP_OR:
	case OP_XOR:
		modify(thread);
		break;
	case OP_CAS:
		op->success = outcome == OUTCOME_DONE;
		if (op->success)
			modify(thread);
		else
			see(thread, outcome, op->fail_order);
		break;
	case OP_FENCE:
		fence(thread, op->order);
		break;
	case OP_PARK:
		through = park(thread);
		break;
	case OP_SLEEP:
		op->result = 0;
		if (outcome == OUTCOME_DONE) {
			vclock_join(&thread->dep, &thread->woken_dep);
		} else if (outcome == OUTCOME_TIMED_OUT) {
			op->result = ETIMEDOUT;
		} else if (outcome == OUTCOME_INTERRUPTED) {
			op->result = EINTR;
			thread->interrupted = true;
		}
		break;
	case OP_WAKE:
		wake(thread);
		break;
	case OP_RELAX:
		relax(thread);
		break;
	case OP_CHOOSE:
		op->result = outcome;
		break;
	case OP_JOIN:
		join_threads(thread);
		break;
	case OP_DRAIN:
		join_thread(thread, &threads[THREAD_GRACE]);
		vclock_join(&thread->dep, &threads[THREAD_GRACE].dep);
		break;
	case OP_READ_LOCK:
		thread->nesting = 1;
		vclock_join(&thread->hb, &grace_hb);
		vclock_join(&thread->seen, &grace_hb);
		break;
	case OP_READ_UNLOCK:
		thread->nesting = 0;
		vclock_join(&sections_hb, &thread->hb);
		vclock_join(&sections_seen, &thread->seen);
		leave_section(thread, grace);
		for (t = 0; t < THREADS; t++)
			leave_section(thread, &synchronize[t]);
		break;
	case OP_DEFER:
		deferred = (struct deferred *)(uintptr_t)op->operand;
		deferred->hb = thread->hb;
		deferred->seen = thread->seen;
		deferred->dep = thread->dep;
		*deferred_last = deferred;
		deferred_last = &deferred->next;
		break;
	case OP_GRACE_BEGIN:
		grace = deferred_first;
		deferred_first = grace->next;
		if (!deferred_first)
			deferred_last = &deferred_first;
		vclock_join(&thread->dep, &grace->dep);
		grace_begins(thread, grace);
		break;
	case OP_GRACE_END:
		grace_ends(thread, grace);
		break;
	case OP_SYNCHRONIZE:
		grace_begins(thread, &synchronize[thread->index]);
		break;
	case OP_SYNCHRONIZED:
		grace_ends(thread, &synchronize[thread->index]);
		break;
	default:
		break;
	}
	if (thread->hb.of[thread->index] == INT16_MAX)
		failed(VERDICT_LIVELOCK, "thread %s takes more than %d steps",
		       trace_thread(thread->index), INT16_MAX);
	thread->hb.of[thread->index]++;
	thread->seen.of[thread->index]++;
	return through;
}

void step_begin_thread(struct thread *thread, void (*func)(void))
{
	thread->func = func;
	thread->exists = true;
	vclock_join(&thread->hb, &current->hb);
	vclock_join(&thread->seen, &current->seen);
	vclock_join(&thread->dep, &current->dep);
	/* What the beginner does from here on is not before it. */
	current->hb.of[current->index]++;
	current->seen.of[current->index]++;
}
