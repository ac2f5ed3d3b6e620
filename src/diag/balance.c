/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "diag/balance.h"
#include "diag/caller.h"
#include "diag/experience.h"
#include "diag/mutants.h"
#include "diag/stack.h"
#include "diag/symbols.h"

/* That two belong together counts more than anything that they have in common. */
#define MATCHED 100000

/* What others do, who end well, is in order: that counts more than likeness. */
#define KNOWN 500

/* What is known of a stack, each looked up once. */
struct place {
	uint32_t stack;
	unsigned int count;
	const void *frames[STACK_FRAMES];
	char caller_file[64];
	char site_function[192];
	char site_file[64];
};

struct work {
	const struct history *history;
	struct balance *balance;
	const struct entry *signal; /* NULL */
	uint32_t num_places;
	struct place places[ACCOUNT_MOST];
	/* by entry */
	const struct place *place_of[ACCOUNT_MOST];
	uint64_t container_of[ACCOUNT_MOST];	   /* that the reference was given to */
	bool known[ACCOUNT_MOST];		   /* that, or fences that ended well have */
	bool usual[ACCOUNT_MOST];		   /* its caller has done so again and again */
	int32_t worth[BALANCE_MOST][BALANCE_MOST]; /* taken, dropped; 0: they do not match */
	/* of solve() */
	int32_t row_price[BALANCE_MOST + 1], column_price[BALANCE_MOST + 1];
	int32_t row_of[BALANCE_MOST + 1], way[BALANCE_MOST + 1], slack[BALANCE_MOST + 1];
	bool used[BALANCE_MOST + 1];
};

/* "function (file.c:12)" */
static void split(const char *text, char *function, size_t function_size, char *file,
		  size_t file_size)
{
	const char *paren = strstr(text, " ("), *colon;

	snprintf(function, function_size, "%.*s", paren ? (int)(paren - text) : (int)strlen(text),
		 text);
	colon = paren ? strrchr(paren, ':') : NULL;
	snprintf(file, file_size, "%.*s", colon ? (int)(colon - paren - 2) : 0,
		 paren ? paren + 2 : "");
}

/* Of the innermost function there. */
static void take_file(const struct symbol *symbol, void *arg)
{
	struct place *place = arg;

	if (symbol->file && !*place->caller_file)
		snprintf(place->caller_file, sizeof(place->caller_file), "%s", symbol->file);
}

static void look_up(struct place *place, const struct entry *entry)
{
	char text[512];

	place->stack = entry->stack;
	place->count = dma_fence_stack_frames(entry->stack, place->frames);
	if (entry->caller)
		dma_fence_symbolise(place->frames[entry->caller_frame], take_file, place);
	dma_fence_stack_site(entry->stack, text, sizeof(text));
	split(text, place->site_function, sizeof(place->site_function), place->site_file,
	      sizeof(place->site_file));
}

static const struct place *place_of(struct work *work, const struct entry *entry)
{
	uint32_t i;

	for (i = 0; i < work->num_places; i++) {
		if (work->places[i].stack == entry->stack)
			return &work->places[i];
	}
	look_up(&work->places[i], entry);
	work->num_places++;
	return &work->places[i];
}

/* How many callers they have in common, from the outermost on. */
static int same_callers(const struct place *a, const struct place *b)
{
	unsigned int same = 0;

	/* Of a stack that is cut off it is not known how far out it goes. */
	if (a->count == STACK_FRAMES || b->count == STACK_FRAMES)
		return 0;
	while (same < a->count && same < b->count &&
	       a->frames[a->count - same - 1] == b->frames[b->count - same - 1])
		same++;
	return (int)same;
}

/* Names of functions that belong together often begin alike: device_open(), device_close(). */
static int same_beginning(const char *a, const char *b)
{
	int same = 0;

	while (same < 15 && a[same] && a[same] == b[same])
		same++;
	return same;
}

static bool same_text(const char *a, const char *b)
{
	return *a && !strcmp(a, b);
}

/* Who has signaled it is its producer. */
static int32_t likeness_to_signal(const struct work *work, uint32_t put)
{
	const struct place *signal, *place = work->place_of[put];
	int32_t likeness = 0;

	if (!work->signal)
		return 0;
	signal = work->place_of[work->signal - work->history->entries];
	if (same_text(signal->site_function, place->site_function))
		likeness += 150;
	else if (same_text(signal->site_file, place->site_file))
		likeness += 60;
	if (work->signal->thread == work->history->entries[put].thread)
		likeness += 30;
	return likeness;
}

static int32_t likeness_to_container(const struct work *work, uint32_t get, uint32_t put)
{
	const uint64_t given = work->container_of[get], by = work->history->entries[put].value;

	if (by && given == by)
		return 400;
	return given || by ? -100 : 0;
}

static int32_t likeness(const struct work *work, uint32_t get, uint32_t put)
{
	const struct entry *taken = &work->history->entries[get];
	const struct entry *dropped = &work->history->entries[put];
	const struct place *a = work->place_of[get], *b = work->place_of[put];
	int32_t likeness = 0, between = (int32_t)(put - get) - 1;

	if (taken->caller && taken->caller == dropped->caller)
		likeness += 200;
	else if (same_text(a->caller_file, b->caller_file))
		likeness += 80;
	if (same_text(a->site_function, b->site_function))
		likeness += 40;
	else if (same_text(a->site_file, b->site_file))
		likeness += 20;
	likeness += 3 * same_beginning(a->site_function, b->site_function);
	if (taken->thread == dropped->thread)
		likeness += 30;
	if (work->usual[get] && work->usual[put])
		likeness += 20;
	likeness += 2 * same_callers(a, b);
	likeness += likeness_to_container(work, get, put);
	likeness += between < 9 ? 9 - between : 0;
	return likeness;
}

static int32_t worth(const struct work *work, const struct balance_reference *taken,
		     const struct balance_reference *dropped)
{
	const struct entry *put = &work->history->entries[dropped->entry];
	const bool signaled = put->flags & ENTRY_SIGNALED;
	int32_t worth = MATCHED;

	if (taken->producers && !signaled && !MUTANT(PRODUCER_DROPS_PENDING))
		return 0;
	if (taken->entry > dropped->entry)
		return 0;
	if (work->known[dropped->entry])
		worth += KNOWN;
	if (taken->entry != BALANCE_UNKNOWN && work->known[taken->entry])
		worth += KNOWN;
	if (taken->producers)
		worth += likeness_to_signal(work, (uint32_t)dropped->entry);
	if (taken->entry != BALANCE_UNKNOWN)
		worth += likeness(work, (uint32_t)taken->entry, (uint32_t)dropped->entry);
	return worth;
}

/*
 * The assignment of greatest worth, by the Hungarian method: rows are added one by one, each by the
 * cheapest way of moving those that are there. Prices keep what is left of each cost at 0 or more.
 */
static void solve(struct work *work)
{
	struct balance *balance = work->balance;
	const int32_t n =
		(int32_t)(balance->num_taken > balance->num_dropped ? balance->num_taken
								    : balance->num_dropped);
	int32_t row, column, next, least, i;

	for (row = 1; row <= n; row++) {
		work->row_of[0] = row;
		column = 0;
		for (i = 0; i <= n; i++) {
			work->slack[i] = INT32_MAX;
			work->used[i] = false;
		}
		do {
			const int32_t r = work->row_of[column];

			work->used[column] = true;
			least = INT32_MAX;
			next = 0;
			for (i = 1; i <= n; i++) {
				int32_t cost;

				if (work->used[i])
					continue;
				cost = -work->worth[r - 1][i - 1] - work->row_price[r] -
				       work->column_price[i];
				if (cost < work->slack[i]) {
					work->slack[i] = cost;
					work->way[i] = column;
				}
				if (work->slack[i] < least) {
					least = work->slack[i];
					next = i;
				}
			}
			for (i = 0; i <= n; i++) {
				if (work->used[i]) {
					work->row_price[work->row_of[i]] += least;
					work->column_price[i] -= least;
				} else {
					work->slack[i] -= least;
				}
			}
			column = next;
		} while (work->row_of[column]);
		for (; column; column = next) {
			next = work->way[column];
			work->row_of[column] = work->row_of[next];
		}
	}

	for (i = 1; i <= n; i++) {
		row = work->row_of[i];
		if (!work->worth[row - 1][i - 1])
			continue;
		balance->taken[row - 1].match = i - 1;
		balance->dropped[i - 1].match = row - 1;
	}
}

static int32_t worth_of(const struct work *work, bool dropped, int32_t one, int32_t other)
{
	return dropped ? work->worth[other][one] : work->worth[one][other];
}

/*
 * One that is left over could take the match of another of its side, which would be left over
 * instead, or take that of a third, and so on. What the least loss is on the way to each.
 */
static void find_losses(const struct work *work, struct balance_reference *side, uint32_t count,
			bool dropped)
{
	bool changed = true;
	uint32_t rounds, from, to;

	for (to = 0; to < count; to++)
		side[to].loss = side[to].match == BALANCE_NONE ? 0 : BALANCE_NEVER;
	for (rounds = 0; changed && rounds < count; rounds++) {
		changed = false;
		for (from = 0; from < count; from++) {
			for (to = 0; to < count && side[from].loss != BALANCE_NEVER; to++) {
				const int32_t match = side[to].match;
				int32_t had, gets, loss;

				if (match == BALANCE_NONE)
					continue;
				gets = worth_of(work, dropped, (int32_t)from, match);
				had = worth_of(work, dropped, (int32_t)to, match);
				loss = side[from].loss + had - gets;
				if (gets && loss < side[to].loss) {
					side[to].loss = loss;
					changed = true;
				}
			}
		}
	}
}

static void add_taken(struct balance *balance, int32_t entry, bool producers, uint64_t times)
{
	for (; times && balance->num_taken < BALANCE_MOST; times--) {
		balance->taken[balance->num_taken++] = (struct balance_reference){
			.entry = entry,
			.match = BALANCE_NONE,
			.producers = producers,
		};
		producers = false;
	}
	balance->more_taken += times;
}

/*
 * The producer's reference is the one that the fence was made with; but if who made it has taken one
 * more at once, that one: so dma_fence_context_emit() does, and who makes fences for others. If it was
 * the first one after all that makes no difference, for both were taken at the same place.
 */
static uint32_t producers_entry(const struct work *work)
{
	const struct history *history = work->history;
	const struct entry *made = &history->entries[0], *taken = &history->entries[1];

	if (history->count < 2 || made->kind != ENTRY_INIT || taken->kind != ENTRY_GET ||
	    !made->caller || made->caller != taken->caller || made->thread != taken->thread)
		return 0;
	/* Functions that were inlined into the same one are told apart by their names. */
	return same_text(work->place_of[0]->site_function, work->place_of[1]->site_function);
}

static void list_references(struct work *work)
{
	const struct history *history = work->history;
	uint32_t producers = producers_entry(work), i;
	struct balance *balance = work->balance;

	/* One that was given away at once was none of the producer's. Which one is, is not known. */
	if (history->count && work->container_of[producers])
		producers = history->count;

	add_taken(balance, BALANCE_UNKNOWN, history->head.pending_before, history->head.before);
	for (i = 0; i < history->count; i++) {
		const struct entry *entry = &history->entries[i];

		if (entry_takes(entry))
			add_taken(balance, (int32_t)i,
				  history->head.known_from_init && i == producers,
				  entry->kind == ENTRY_GET ? 1 + entry->value : 1);
		else if (entry->kind == ENTRY_PUT)
			balance->dropped[balance->num_dropped++] = (struct balance_reference){
				.entry = (int32_t)i,
				.match = BALANCE_NONE,
			};
	}
}

/* What a container was given is what its maker had taken last. */
static void find_given(struct work *work)
{
	const struct entry *entries = work->history->entries;
	uint32_t i, k;

	for (i = 0; i < work->history->count; i++) {
		if (entries[i].kind != ENTRY_CONTAIN)
			continue;
		for (k = i; k-- > 0;) {
			if (entry_takes(&entries[k]) && entries[k].thread == entries[i].thread &&
			    !work->container_of[k]) {
				work->container_of[k] = entries[i].value;
				break;
			}
		}
	}
}

static void look_around(struct work *work)
{
	const struct history *history = work->history;
	uint32_t i;

	for (i = 0; i < history->count; i++) {
		const struct entry *entry = &history->entries[i];

		if (entry->kind == ENTRY_SIGNAL)
			work->signal = entry;
		if (entry_takes(entry) || entry->kind == ENTRY_PUT || entry->kind == ENTRY_SIGNAL)
			work->place_of[i] = place_of(work, entry);
		work->known[i] = work->usual[i] || (!MUTANT(NOTHING_LEARNT) &&
						    dma_fence_experience_knows(history, entry));
	}
}

/* What one function does again and again another one undoes again and again. */
static void find_usual(struct work *work)
{
	const struct entry *entries = work->history->entries;
	uint32_t i, k;

	for (i = 0; i < work->history->count; i++) {
		uint64_t times = 0;

		for (k = 0; k < work->history->count; k++) {
			if (entries[k].kind == entries[i].kind &&
			    entries[k].caller == entries[i].caller)
				times += 1 + (entries[k].kind == ENTRY_GET ? entries[k].value : 0);
		}
		work->usual[i] = times >= 4;
	}
}

/* What would have been said without all this. */
static void blame_last(struct balance *balance)
{
	uint32_t i;

	for (i = 0; i < balance->num_dropped; i++)
		balance->dropped[i].match = i + 1 < balance->num_dropped ? 0 : BALANCE_NONE;
}

static void weigh(struct work *work)
{
	struct balance *balance = work->balance;
	uint32_t i, k;

	for (i = 0; i < balance->num_taken; i++) {
		for (k = 0; k < balance->num_dropped; k++)
			work->worth[i][k] = worth(work, &balance->taken[i], &balance->dropped[k]);
	}
	solve(work);
	if (MUTANT(RELEASE_HIDES))
		blame_last(balance);
	find_losses(work, balance->taken, balance->num_taken, false);
	find_losses(work, balance->dropped, balance->num_dropped, true);
	for (i = 0; i < balance->num_taken; i++)
		balance->taken_left += balance->taken[i].match == BALANCE_NONE;
	for (i = 0; i < balance->num_dropped; i++)
		balance->dropped_left += balance->dropped[i].match == BALANCE_NONE;
}

struct balance *dma_fence_balance(const struct history *history)
{
	struct balance *balance = calloc(1, sizeof(*balance));
	struct work *work = calloc(1, sizeof(*work));

	if (!balance || !work) {
		free(balance);
		free(work);
		return NULL;
	}
	work->history = history;
	work->balance = balance;
	find_given(work);
	find_usual(work);
	look_around(work);
	list_references(work);
	weigh(work);
	free(work);
	return balance;
}
