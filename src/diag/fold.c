/* SPDX-License-Identifier: MIT */
#include "diag/fold.h"

#include "diag/mutants.h"

/* What happened last stays in any case: a fault is most often close to it. */
#define NEWEST 16

/* One pass over the entries of an account. */
struct fold {
	struct account_head *head;
	struct entry *entries;
	uint32_t count;
	uint32_t old;  /* entries before this one may go */
	uint32_t gone; /* how many do */
	bool goes[ACCOUNT_MOST];
};

/* How much a get and a put have to have in common to be folded, strictest first. */
enum likeness {
	SAME_FUNCTION_AND_THREAD,
	SAME_FUNCTION,
	SAME_THREAD,
	ANY,
};

static bool is_alike(const struct entry *get, const struct entry *put, enum likeness likeness)
{
	const bool function = get->caller && get->caller == put->caller;
	const bool thread = get->thread == put->thread;

	switch (likeness) {
	case SAME_FUNCTION_AND_THREAD:
		return function && thread;
	case SAME_FUNCTION:
		return function;
	case SAME_THREAD:
		return thread;
	default:
		return true;
	}
}

static bool enough(const struct fold *fold)
{
	return fold->gone >= fold->count / 3;
}

static void leave_out(struct fold *fold, uint32_t i)
{
	fold->goes[i] = true;
	fold->gone++;
}

/* How many puts come from there: of two that could be the one, the usual one is. */
static uint32_t times(const struct fold *fold, uint32_t stack)
{
	uint32_t i, times = 0;

	for (i = 0; i < fold->count; i++)
		times += fold->entries[i].kind == ENTRY_PUT && fold->entries[i].stack == stack;
	return times;
}

/* The put that goes with a get: before the next such get, and the usual one. -1 if none does. */
static int put_of(const struct fold *fold, uint32_t get, enum likeness likeness)
{
	const struct entry *entries = fold->entries;
	uint32_t i, most = 0;
	int found = -1;

	for (i = get + 1; i < fold->old; i++) {
		if (fold->goes[i])
			continue;
		if (entries[i].kind == ENTRY_GET && found >= 0 &&
		    is_alike(&entries[get], &entries[i], likeness))
			break;
		if (entries[i].kind != ENTRY_PUT || (entries[i].value && likeness != ANY) ||
		    !is_alike(&entries[get], &entries[i], likeness))
			continue;
		if (times(fold, entries[i].stack) > most) {
			most = times(fold, entries[i].stack);
			found = (int)i;
		}
	}
	return found;
}

/* One of the references that a get stands for, and a put. */
static void leave_out_pair(struct fold *fold, uint32_t get, uint32_t put)
{
	leave_out(fold, put);
	fold->head->pairs++;
	if (fold->entries[get].value)
		fold->entries[get].value--;
	else
		leave_out(fold, get);
}

/* The innermost first: from the latest get on backwards. */
static void fold_pairs(struct fold *fold, enum likeness likeness)
{
	uint32_t i;
	int put;

	for (i = fold->old; i-- > 0;) {
		if (fold->entries[i].kind != ENTRY_GET)
			continue;
		while (!fold->goes[i] && (put = put_of(fold, i, likeness)) >= 0)
			leave_out_pair(fold, i, (uint32_t)put);
	}
}

/* The latest one before 'end' that a thread has taken; -1. */
static int get_before(const struct fold *fold, uint32_t end, int32_t thread)
{
	while (end-- > 0) {
		if (!fold->goes[end] && fold->entries[end].kind == ENTRY_GET &&
		    fold->entries[end].thread == thread)
			return (int)end;
	}
	return -1;
}

/* References that were given to a container, which has dropped them. */
static void fold_given(struct fold *fold)
{
	const struct entry *entries = fold->entries;
	uint32_t put, i;
	int get;

	for (put = 0; put < fold->old; put++) {
		if (entries[put].kind != ENTRY_PUT || !entries[put].value || fold->goes[put])
			continue;
		for (i = 0; i < put; i++) {
			if (!fold->goes[i] && entries[i].kind == ENTRY_CONTAIN &&
			    entries[i].flags & ENTRY_GIVEN &&
			    entries[i].value == entries[put].value)
				break;
		}
		get = i < put ? get_before(fold, i, entries[i].thread) : -1;
		if (get < 0)
			continue;
		leave_out(fold, i);
		fold->head->events++;
		leave_out_pair(fold, (uint32_t)get, put);
	}
}

static void fold_events(struct fold *fold)
{
	uint32_t i;

	for (i = 0; i < fold->old; i++) {
		/* With the reference that it is about. */
		if (fold->goes[i] && !MUTANT(GONE_COUNTED_AGAIN))
			continue;
		switch (fold->entries[i].kind) {
		case ENTRY_ENABLE:
		case ENTRY_SET_DEADLINE:
		case ENTRY_ADD_CALLBACK:
		case ENTRY_REMOVE_CALLBACK:
		case ENTRY_CALLBACK:
		case ENTRY_WAIT_BEGIN:
		case ENTRY_WAIT_END:
		case ENTRY_EXPORT:
			leave_out(fold, i);
			fold->head->events++;
			break;
		case ENTRY_CONTAIN:
			if (fold->entries[i].flags & ENTRY_GIVEN) {
				leave_out(fold, i);
				fold->head->events++;
			}
			break;
		default:
			break;
		}
	}
}

/* References that are taken in a loop, and not dropped, become one with a number. */
static void fold_repeats(struct fold *fold)
{
	struct entry *entries = fold->entries;
	uint32_t i, k;

	for (i = 0; i < fold->old; i++) {
		if (fold->goes[i] || entries[i].kind != ENTRY_GET)
			continue;
		for (k = i + 1; k < fold->old; k++) {
			if (fold->goes[k] || entries[k].kind != ENTRY_GET ||
			    entries[k].stack != entries[i].stack ||
			    entries[k].thread != entries[i].thread)
				continue;
			entries[i].value += 1 + entries[k].value;
			leave_out(fold, k);
		}
	}
}

/* How many references were taken there. */
static uint64_t taken_at(const struct fold *fold, uint32_t stack)
{
	uint64_t taken = 0;
	uint32_t i;

	for (i = 0; i < fold->count; i++) {
		if (!fold->goes[i] && fold->entries[i].kind == ENTRY_GET &&
		    fold->entries[i].stack == stack)
			taken += 1 + fold->entries[i].value;
	}
	return taken;
}

/*
 * References that are handed over: what is taken most often goes with what is dropped most often.
 * What happens once stays.
 */
static void fold_usual(struct fold *fold)
{
	uint64_t most_taken, taken;
	uint32_t most_dropped, i, get, put;

	while (!enough(fold)) {
		most_taken = most_dropped = 1;
		get = put = 0;
		for (i = 0; i < fold->old; i++) {
			if (fold->goes[i] || fold->entries[i].kind != ENTRY_GET)
				continue;
			taken = taken_at(fold, fold->entries[i].stack);
			if (taken > most_taken) {
				most_taken = taken;
				get = i;
			}
		}
		for (i = get + 1; most_taken > 1 && i < fold->old; i++) {
			if (fold->goes[i] || fold->entries[i].kind != ENTRY_PUT)
				continue;
			if (times(fold, fold->entries[i].stack) > most_dropped) {
				most_dropped = times(fold, fold->entries[i].stack);
				put = i;
			}
		}
		if (most_dropped < 2)
			return;
		leave_out_pair(fold, get, put);
	}
}

/* Of puts from one place the first stays for longest. */
static void give_up_repeated_puts(struct fold *fold)
{
	const struct entry *entries = fold->entries;
	uint32_t i, k;

	for (i = 0; i < fold->old; i++) {
		if (fold->goes[i] || entries[i].kind != ENTRY_PUT)
			continue;
		for (k = i + 1; k < fold->old && !enough(fold); k++) {
			if (fold->goes[k] || entries[k].kind != ENTRY_PUT ||
			    entries[k].stack != entries[i].stack)
				continue;
			leave_out(fold, k);
			fold->head->lost++;
		}
	}
}

/* Nothing fits: what is oldest is given up. */
static void give_up(struct fold *fold)
{
	uint32_t i;

	for (i = 0; i < fold->old && !enough(fold); i++) {
		if (fold->goes[i])
			continue;
		switch (fold->entries[i].kind) {
		case ENTRY_GET:
			fold->head->lost += 1 + (uint32_t)fold->entries[i].value;
			leave_out(fold, i);
			break;
		case ENTRY_PUT:
			fold->head->lost++;
			leave_out(fold, i);
			break;
		case ENTRY_CONTAIN:
			fold->head->events++;
			leave_out(fold, i);
			break;
		default:
			break;
		}
	}
}

static uint32_t close_gaps(const struct fold *fold)
{
	uint32_t i, left = 0;

	for (i = 0; i < fold->count; i++) {
		if (!fold->goes[i])
			fold->entries[left++] = fold->entries[i];
	}
	return left;
}

uint32_t dma_fence_fold(struct account_head *head, struct entry *entries, uint32_t count)
{
	struct fold fold = {
		.head = head,
		.entries = entries,
		.count = count,
		.old = count > NEWEST ? count - NEWEST : 0,
	};

	fold_pairs(&fold, SAME_FUNCTION_AND_THREAD);
	fold_given(&fold);
	if (!enough(&fold))
		fold_events(&fold);
	if (!enough(&fold))
		fold_repeats(&fold);
	if (!enough(&fold))
		fold_pairs(&fold, SAME_FUNCTION);
	if (!enough(&fold))
		fold_usual(&fold);
	if (!enough(&fold))
		fold_pairs(&fold, SAME_THREAD);
	if (!enough(&fold))
		fold_pairs(&fold, ANY);
	if (!enough(&fold))
		give_up_repeated_puts(&fold);
	if (!enough(&fold))
		give_up(&fold);
	return close_gaps(&fold);
}
