/* SPDX-License-Identifier: MIT */
/*
 * The census: goes through the records, and through the quarantine, where there may be fences of
 * which there is no record.
 *
 * What is counted under the locks of the records is counted by stack. To find out which places
 * stacks come from takes long, and is done afterwards.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <dmafence/census.h>

#include "base/clock.h"
#include "diag/quarantined.h"
#include "diag/record.h"
#include "diag/stack.h"
#include "diag/symbols.h"

struct tally {
	struct dma_fence_count count; /* without the site */
	int64_t created;	      /* the oldest; 0 if it is not known */
	uint32_t stack;
	bool used;
};

/* By the number of the stack: open addressing, never more than half full. */
struct tallies {
	struct tally *table;
	uint32_t size; /* a power of two */
	uint32_t used;
	bool failed;
};

struct place {
	struct tally tally;
	char text[300];
};

struct census {
	struct place *places;
	size_t count;
};

static struct tally *slot_of(struct tally *table, uint32_t size, uint32_t stack)
{
	uint32_t i = (stack * UINT32_C(0x9e3779b9)) & (size - 1);

	while (table[i].used && table[i].stack != stack)
		i = (i + 1) & (size - 1);
	return &table[i];
}

static bool grow(struct tallies *tallies)
{
	const uint32_t size = tallies->size ? tallies->size * 2 : 64;
	struct tally *table = calloc(size, sizeof(*table));
	uint32_t i;

	if (!table)
		return false;
	for (i = 0; i < tallies->size; i++) {
		if (tallies->table[i].used)
			*slot_of(table, size, tallies->table[i].stack) = tallies->table[i];
	}
	free(tallies->table);
	tallies->table = table;
	tallies->size = size;
	return true;
}

/* NULL if there is no memory for one more. */
static struct tally *tally_of(struct tallies *tallies, uint32_t stack)
{
	struct tally *tally;

	if (tallies->used * 2 >= tallies->size && !grow(tallies)) {
		tallies->failed = true;
		return NULL;
	}
	tally = slot_of(tallies->table, tallies->size, stack);
	if (!tally->used) {
		*tally = (struct tally){ .stack = stack, .used = true };
		tallies->used++;
	}
	return tally;
}

static void note_age(struct tally *tally, int64_t created)
{
	if (created && (!tally->created || created < tally->created))
		tally->created = created;
}

static bool count_record(struct record *record, void *arg)
{
	struct tally *tally = tally_of(arg, record->created_by);

	if (!tally)
		return false;
	tally->count.fences++;
	if (record->signaled_thread)
		tally->count.signaled++;
	else
		tally->count.pending++;
	if (record->callbacks > 0)
		tally->count.callbacks += (uint64_t)record->callbacks;
	note_age(tally, record->created);
	return true;
}

struct sought {
	const struct quarantined *entry;
	uint32_t stack;
	bool found;
};

/* The storage of the program's own may be another fence's by now. */
static void compare(struct record *record, void *arg)
{
	struct sought *sought = arg;

	sought->found =
		record->context == sought->entry->context && record->seqno == sought->entry->seqno;
	if (sought->found)
		sought->stack = record->created_by;
}

/* What has a record has been counted as alive already. */
static void count_quarantined(struct tallies *tallies, const struct quarantined *entry)
{
	struct sought sought = { .entry = entry, .stack = entry->created_by };
	struct tally *tally;

	dma_fence_record_visit(entry->fence, false, compare, &sought);
	tally = tally_of(tallies, sought.stack);
	if (!tally)
		return;
	tally->count.quarantined++;
	if (sought.found)
		return;
	tally->count.fences++;
	if (entry->signaled)
		tally->count.signaled++;
	else
		tally->count.pending++;
	note_age(tally, entry->created ? entry->created : entry->since);
}

static void count_all(struct tallies *tallies)
{
	const struct quarantined *entry = NULL;
	struct quarantined copy;

	dma_fence_records_for_each(count_record, tallies);
	while (!tallies->failed && (entry = dma_fence_quarantined_next(entry, &copy)))
		count_quarantined(tallies, &copy);
}

/* Places */

static void is_of_others(const struct symbol *symbol, void *arg)
{
	bool *others = arg;

	*others = *others || (!symbol->own && !symbol->hidden);
}

static const void *address_of(uint32_t stack)
{
	const void *frames[STACK_FRAMES];
	unsigned int i, count = dma_fence_stack_frames(stack, frames);

	/* The first one is where the stack was taken. */
	for (i = 1; i < count; i++) {
		bool others = false;

		dma_fence_symbolise(frames[i], is_of_others, &others);
		if (others)
			return frames[i];
	}
	return NULL;
}

static void add(struct tally *to, const struct tally *from)
{
	to->count.fences += from->count.fences;
	to->count.pending += from->count.pending;
	to->count.signaled += from->count.signaled;
	to->count.callbacks += from->count.callbacks;
	to->count.quarantined += from->count.quarantined;
	note_age(to, from->created);
}

/* Stacks of the same line of the program become one. 'places' has room for all. */
static void add_place(struct census *census, const struct tally *tally)
{
	struct place *place = &census->places[census->count];
	size_t i;

	*place = (struct place){ .tally = *tally };
	dma_fence_stack_site(tally->stack, place->text, sizeof(place->text));
	for (i = 0; i < census->count; i++) {
		if (!strcmp(census->places[i].text, place->text)) {
			add(&census->places[i].tally, tally);
			return;
		}
	}
	place->tally.count.site = address_of(tally->stack);
	census->count++;
}

static int most_first(const void *a, const void *b)
{
	const struct dma_fence_count *first = &((const struct place *)a)->tally.count;
	const struct dma_fence_count *second = &((const struct place *)b)->tally.count;

	if (first->fences != second->fences)
		return first->fences < second->fences ? 1 : -1;
	return ((uintptr_t)first->site > (uintptr_t)second->site) -
	       ((uintptr_t)first->site < (uintptr_t)second->site);
}

static int take_census(struct census *census)
{
	struct tallies tallies = { .table = NULL };
	const int64_t now = clock_now();
	struct place *place;
	uint32_t i;

	count_all(&tallies);
	if (!tallies.failed && tallies.used) {
		census->places = malloc(tallies.used * sizeof(*census->places));
		tallies.failed = !census->places;
	}
	dma_fence_symbols_begin();
	for (i = 0; census->places && i < tallies.size; i++) {
		if (tallies.table[i].used)
			add_place(census, &tallies.table[i]);
	}
	dma_fence_symbols_end();
	free(tallies.table);
	if (tallies.failed)
		return -ENOMEM;
	for (i = 0; i < census->count; i++) {
		place = &census->places[i];
		if (place->tally.created && place->tally.created < now)
			place->tally.count.oldest_ns = now - place->tally.created;
	}
	if (census->count)
		qsort(census->places, census->count, sizeof(*census->places), most_first);
	return 0;
}

int dma_fence_census(struct dma_fence_count *counts, size_t room)
{
	struct census census = { .places = NULL };
	size_t i;
	int ret;

	if (room && !counts)
		return -EINVAL;
	ret = take_census(&census);
	if (ret)
		return ret;
	for (i = 0; i < census.count && i < room; i++)
		counts[i] = census.places[i].tally.count;
	free(census.places);
	return (int)census.count;
}

static void print_number(uint64_t number, const char *what, FILE *out)
{
	fprintf(out, "%" PRIu64 " %s%s", number, what, number == 1 ? "" : "s");
}

static void print_place(const struct place *place, FILE *out)
{
	const struct dma_fence_count *count = &place->tally.count;

	print_number(count->fences, "fence", out);
	fprintf(out, ", %" PRIu64 " pending, ", count->pending);
	print_number(count->callbacks, "callback", out);
	if (count->quarantined)
		fprintf(out, ", %" PRIu64 " in quarantine", count->quarantined);
	if (count->oldest_ns)
		fprintf(out, ", oldest %.1f s", (double)count->oldest_ns / 1e9);
	fprintf(out, ": %s\n", place->text);
}

static void print_gaps(FILE *out)
{
	const uint64_t quarantined = dma_fence_quarantined_missing();
	const uint64_t missing = dma_fence_records_missing();

	if (!dma_fence_records_kept())
		fputs("there are no records (DMA_FENCE_DEBUG=records): only fences in quarantine "
		      "are counted\n",
		      out);
	if (missing) {
		print_number(missing, "record", out);
		fputs(" could not be made for want of memory\n", out);
	}
	if (quarantined)
		fprintf(out, "%" PRIu64 " more in quarantine, of which nothing is known\n",
			quarantined);
}

int dma_fence_census_print(FILE *out)
{
	struct census census = { .places = NULL };
	int ret = take_census(&census);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < census.count; i++)
		print_place(&census.places[i], out);
	print_gaps(out);
	free(census.places);
	return 0;
}

void dma_fence_census_start(void)
{
	dma_fence_records_want();
}

void dma_fence_census_stop(void)
{
	dma_fence_records_unwant();
}
