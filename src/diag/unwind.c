/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unwind.h>

#include "base/atomic.h"
#include "diag/mutants.h"
#include "diag/unwind-rule.h"
#include "diag/unwind.h"

/* One frame: where in its function it is, and the registers that it is known by. */
struct frame {
	uintptr_t address;
	uintptr_t sp;
	uintptr_t rbp;
};

/*
 * The rules that are known, by the return address. A place is filled once, and not emptied: there
 * are not more return addresses than the program has calls.
 */
enum { PLACES = 8192, PROBES = 8 };

static struct place {
	uintptr_t address;
	uint64_t rule; /* 0: not yet */
} places[PLACES];

#define FIRST_PLACE(address) (uint32_t)(((address)*UINT64_C(0x9e3779b97f4a7c15)) >> 40)

/* In one word, so that it is there or not. */
#define RULE_KNOWN     (UINT64_C(1) << 0)
#define RULE_OUTERMOST (UINT64_C(1) << 1)
#define RULE_FROM_RBP  (UINT64_C(1) << 2)
#define SIZE_SHIFT     16
#define SAVED_SHIFT    40
#define FIELD	       0xffffff

/*
 * The part of this thread's stack that is known to be one: what is in between may be read whatever
 * the rules say. They could be of a library that has been unloaded.
 */
static _Thread_local uintptr_t lowest, highest;

static uint64_t pack(const struct unwind_rule *rule)
{
	return RULE_KNOWN | (rule->outermost ? RULE_OUTERMOST : 0) |
	       (rule->from_rbp ? RULE_FROM_RBP : 0) | ((uint64_t)rule->size << SIZE_SHIFT) |
	       ((uint64_t)rule->rbp_saved << SAVED_SHIFT);
}

static void remember(uintptr_t address, uint64_t rule)
{
	uint32_t first = FIRST_PLACE(address), i;

	for (i = 0; i < PROBES; i++) {
		struct place *place = &places[(first + i) % PLACES];
		uintptr_t there = atomic_load_relaxed(&place->address);

		if (there == address ||
		    (!there &&
		     (atomic_cas_relaxed(&place->address, &there, address) || there == address))) {
			atomic_store_relaxed(&place->rule, rule);
			return;
		}
	}
}

/*
 * All frames by rules that are known; returns 0 if one is not. It reads other functions' frames,
 * which is what sanitizers are there to find.
 *
 * No race is hidden by their not looking: 'places' are words that every access is atomic to, here and
 * in remember(); 'lowest' and 'highest' are the thread's own; and so is the stack between them, of
 * which it reads the words where callers have saved what only this thread needs. If a rule is wrong,
 * the word may be a variable of a caller's that another thread writes: then a number is wrong, which
 * is checked before anything is read where it says. It writes to 'frames' alone, which belongs to
 * the caller; walk_by_tables(), at which sanitizers do look, writes to the same for the same callers.
 */
__attribute__((no_sanitize("address", "thread", "undefined"))) static unsigned int
walk_by_rules(struct frame at, const void **frames, unsigned int room)
{
	unsigned int count = 0;

	if (at.sp < lowest || at.sp > highest)
		return 0;
	for (;;) {
		uint32_t first = FIRST_PLACE(at.address), i;
		uint64_t rule = 0, saved;
		uintptr_t end;

		frames[count++] = (const void *)at.address;
		if (count == room)
			return count;
		for (i = 0; i < PROBES; i++) {
			struct place *place = &places[(first + i) % PLACES];

			if (atomic_load_relaxed(&place->address) == at.address) {
				rule = atomic_load_relaxed(&place->rule);
				break;
			}
		}
		if (!rule)
			return 0;
		if (rule & RULE_OUTERMOST)
			return count;
		end = (rule & RULE_FROM_RBP ? at.rbp : at.sp) +
		      (uintptr_t)((rule >> SIZE_SHIFT) & FIELD) * sizeof(uintptr_t);
		saved = rule >> SAVED_SHIFT;
		if (end <= at.sp || end > highest || end % sizeof(uintptr_t) ||
		    saved * sizeof(uintptr_t) > end - at.sp)
			return 0;
		if (saved)
			at.rbp = *((const uintptr_t *)end - saved);
		at.address = *((const uintptr_t *)end - 1);
		at.sp = end;
	}
}

struct walk {
	uintptr_t from; /* the return address that is the first one */
	const void **frames;
	unsigned int count, room;
	struct frame last;
	bool known;	/* there is a rule for each so far */
	bool whole;	/* goes on to the end of the stack, or to where it is known already */
	bool met;	/* that is where it has come to */
	uintptr_t high; /* up to here it is one stack */
};

/*
 * Whether the rule leads from one frame to the next, as libgcc has found it. Two words of this
 * thread's own stack are read, of frames that libgcc has just been through, and nothing is written:
 * there is no race to be hidden.
 */
__attribute__((no_sanitize("address", "thread", "undefined"))) static bool
leads_to(const struct unwind_rule *rule, const struct frame *from, const struct frame *to)
{
	uintptr_t end = (rule->from_rbp ? from->rbp : from->sp) + rule->size * sizeof(uintptr_t);
	uintptr_t rbp = from->rbp;

	if (rule->outermost || end != to->sp || end <= from->sp || end % sizeof(uintptr_t) ||
	    rule->rbp_saved * sizeof(uintptr_t) > end - from->sp)
		return false;
	if (rule->rbp_saved)
		rbp = *((const uintptr_t *)end - rule->rbp_saved);
	return rbp == to->rbp && *((const uintptr_t *)end - 1) == to->address;
}

/* NULL for the end of the stack. */
static void learn(struct walk *walk, const struct frame *next)
{
	struct unwind_rule rule;

	if (!walk->known)
		return;
	walk->known = dma_fence_unwind_rule(walk->last.address, &rule) &&
		      (next ? leads_to(&rule, &walk->last, next) : rule.outermost);
	if (!walk->known)
		return;
	if (MUTANT(STACK_CAPTURED_SLOWLY))
		return;
	remember(walk->last.address, pack(&rule));
	if (next)
		walk->high = next->sp;
}

static struct frame frame_of(struct _Unwind_Context *context)
{
	struct frame frame = { .address = _Unwind_GetIP(context) };

	if (UNWIND_RULES) {
		frame.sp = _Unwind_GetCFA(context);
		frame.rbp = _Unwind_GetGR(context, 6);
	}
	return frame;
}

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;
	struct frame frame = frame_of(context);

	if (!frame.address)
		return _URC_END_OF_STACK;
	if (!walk->count && frame.address != walk->from)
		return _URC_NO_REASON; /* not yet out of here */
	if (walk->count)
		learn(walk, &frame);
	else
		walk->high = frame.sp;
	walk->last = frame;
	if (walk->count < walk->room) {
		walk->frames[walk->count++] = (const void *)frame.address;
		return _URC_NO_REASON;
	}
	if (!walk->whole || !walk->known)
		return _URC_END_OF_STACK;
	/* Or each step of a deep recursion would go through all the steps before. */
	walk->met = frame.sp >= lowest && frame.sp <= highest;
	return walk->met ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/* Asks libgcc, and learns. */
static unsigned int walk_by_tables(struct frame at, const void **frames, unsigned int room)
{
	struct walk walk = {
		.from = at.address,
		.frames = frames,
		.room = room,
		.known = true,
		.whole = at.sp < lowest || at.sp > highest,
	};

	_Unwind_Backtrace(step, &walk);
	if (!walk.count)
		frames[walk.count++] = (const void *)at.address;
	else if (!walk.met && (walk.count < room || walk.whole))
		learn(&walk, NULL);
	if (walk.met) {
		lowest = at.sp;
	} else if (walk.whole) {
		lowest = walk.high == highest && lowest < at.sp ? lowest : at.sp;
		highest = walk.high;
	}
	return walk.count;
}

unsigned int dma_fence_unwind(const void *frame, const void *return_address, const void **frames,
			      unsigned int room)
{
	struct frame at = { .address = (uintptr_t)return_address };
	unsigned int count = 0;

	if (UNWIND_RULES) {
		/* The caller keeps rbp as the first thing it does, below the return address. */
		at.sp = (uintptr_t)frame + 2 * sizeof(uintptr_t);
		at.rbp = *(const uintptr_t *)frame;
		count = walk_by_rules(at, frames, room);
	}
	return count ? count : walk_by_tables(at, frames, room);
}
