/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "diag/balance.h"
#include "diag/experience.h"
#include "diag/symbols.h"
#include "diag/thread.h"
#include "diag/verdict.h"

static const char *name_of(const struct entry *entry)
{
	static const char *const names[] = {
		[ENTRY_INIT] = "dma_fence_init()",
		[ENTRY_GET] = "dma_fence_get()",
		[ENTRY_PUT] = "dma_fence_put()",
		[ENTRY_RELEASE] = "released",
		[ENTRY_ENABLE] = "signaling enabled",
		[ENTRY_SIGNAL] = "signaled",
		[ENTRY_SET_DEADLINE] = "deadline set",
		[ENTRY_ADD_CALLBACK] = "callback added",
		[ENTRY_REMOVE_CALLBACK] = "callback removed",
		[ENTRY_CALLBACK] = "callback called",
		[ENTRY_WAIT_BEGIN] = "wait begins",
		[ENTRY_WAIT_END] = "wait ends",
		[ENTRY_CONTAIN] = "put into a container",
		[ENTRY_EXPORT] = "exported",
	};

	return names[entry->kind];
}

/* "dma_fence_put() in function (file.c:12), thread 123 'name'" */
static void print_place(FILE *out, const struct entry *entry)
{
	char site[512], thread[80];

	dma_fence_stack_site(entry->stack, site, sizeof(site));
	dma_fence_thread_describe(entry->thread, thread, sizeof(thread));
	fprintf(out, "%s in %s, thread %s", name_of(entry), site, thread);
	if (entry->kind == ENTRY_PUT && entry->value)
		fprintf(out, ", by the release of the container %#" PRIx64, entry->value);
}

static void print_suspect(FILE *out, const struct history *history, const struct entry *entry)
{
	const uint32_t lives = dma_fence_experience_lives(history);

	fputs("    ", out);
	print_place(out, entry);
	if (entry->kind == ENTRY_GET && entry->value)
		fprintf(out, ", and %" PRIu64 " more like it", entry->value);
	fputc('\n', out);
	dma_fence_stack_print(out, entry->stack, "      ");
	if (!dma_fence_experience_knows(history, entry))
		fprintf(out,
			"      of %" PRIu32 " fences that were made at the same place and ended "
			"well none came by here\n",
			lives);
}

/* One side of a balance, and what is to be said of it. */
struct side {
	const struct history *history;
	const struct balance_reference *references;
	uint32_t count;
	bool pending; /* the producer's reference is to be there */
	bool printed[BALANCE_MOST];
};

static const struct entry *entry_of(const struct side *side, uint32_t i)
{
	const int32_t entry = side->references[i].entry;

	return entry == BALANCE_UNKNOWN ? NULL : &side->history->entries[entry];
}

static bool is_left(const struct side *side, uint32_t i)
{
	return side->references[i].match == BALANCE_NONE &&
	       !(side->references[i].producers && side->pending);
}

/* Of the same stack one is enough. */
static bool is_told(const struct side *side, uint32_t i)
{
	uint32_t k;

	for (k = 0; k < side->count; k++) {
		if (side->printed[k] && entry_of(side, k) && entry_of(side, i) &&
		    entry_of(side, k)->stack == entry_of(side, i)->stack &&
		    entry_of(side, k)->thread == entry_of(side, i)->thread)
			return true;
	}
	return false;
}

/* Those that may be it, with a loss above one and up to another. Returns how many there are. */
static uint32_t others(struct side *side, FILE *out, int32_t above, int32_t most)
{
	uint32_t i, count = 0;

	for (i = 0; i < side->count; i++) {
		const struct balance_reference *reference = &side->references[i];
		const struct entry *entry = entry_of(side, i);

		if (reference->match == BALANCE_NONE || reference->loss <= above ||
		    reference->loss > most || (reference->producers && side->pending) || !entry ||
		    is_told(side, i))
			continue;
		count++;
		if (out) {
			print_suspect(out, side->history, entry);
			side->printed[i] = true;
		}
	}
	return count;
}

static uint32_t count_left(const struct side *side)
{
	uint32_t i, left = 0;

	for (i = 0; i < side->count; i++)
		left += is_left(side, i);
	return left;
}

static void print_left(struct side *side, FILE *out)
{
	bool unknown = false;
	uint32_t i;

	for (i = 0; i < side->count; i++) {
		const struct entry *entry = entry_of(side, i);

		if (!is_left(side, i) || is_told(side, i))
			continue;
		if (entry)
			print_suspect(out, side->history, entry);
		else if (!unknown)
			fputs("    one that there was before the ledger began\n", out);
		unknown = unknown || !entry;
		side->printed[i] = entry;
	}
}

/* 'what' is "a dma_fence_put() too many" */
static void print_suspects(struct side *side, FILE *out, const char *what)
{
	const uint32_t left = count_left(side);
	uint32_t i;

	/* So that what is as likely is not counted where it is the same. */
	for (i = 0; i < side->count; i++)
		side->printed[i] = is_left(side, i) && entry_of(side, i);
	if (others(side, NULL, -BALANCE_NEVER, BALANCE_AS_LIKELY))
		fprintf(out, "  %s: one of these, which are as likely as each other:\n", what);
	else if (left > 1)
		fprintf(out, "  %s, %" PRIu32 " of them, most likely:\n", what, left);
	else
		fprintf(out, "  %s, most likely:\n", what);
	memset(side->printed, 0, sizeof(side->printed));
	print_left(side, out);
	others(side, out, -BALANCE_NEVER, BALANCE_AS_LIKELY);
	if (others(side, NULL, BALANCE_AS_LIKELY, BALANCE_LIKELY)) {
		fputs("  less likely, but not by much:\n", out);
		others(side, out, BALANCE_AS_LIKELY, BALANCE_LIKELY);
	}
}

/* What makes all this less certain. */
static void print_gaps(FILE *out, const struct account_head *head)
{
	if (!head->known_from_init)
		fprintf(out,
			"  the ledger began later than the fence: who had taken the %" PRIu32
			" references that there were is not known\n",
			head->before);
	if (head->lost)
		fprintf(out,
			"  %" PRIu32
			" references are not known any more, so that this may be wrong\n",
			head->lost);
	if (head->pairs)
		fprintf(out, "  %" PRIu64 " balanced pairs are not shown\n", head->pairs);
	if (head->events)
		fprintf(out, "  %" PRIu32 " other events are not shown\n", head->events);
}

/* Whether one is to be said of two as of one. */
static bool same_words(const struct history *history, int32_t a, int32_t b)
{
	const struct entry *one, *other;

	if (a < 0 || b < 0)
		return a == b;
	one = &history->entries[a];
	other = &history->entries[b];
	return one->kind == other->kind && one->stack == other->stack &&
	       one->thread == other->thread &&
	       (one->kind == ENTRY_GET || one->value == other->value);
}

static int32_t put_of(const struct balance *balance, const struct balance_reference *taken)
{
	return taken->match == BALANCE_NONE ? BALANCE_NONE : balance->dropped[taken->match].entry;
}

static void print_taken(FILE *out, const struct history *history, const struct balance *balance,
			const struct balance_reference *taken)
{
	if (taken->entry == BALANCE_UNKNOWN)
		fputs("from before the ledger began", out);
	else
		print_place(out, &history->entries[taken->entry]);
	if (taken->match != BALANCE_NONE) {
		fputs(": dropped by ", out);
		print_place(out, &history->entries[put_of(balance, taken)]);
		fputc('\n', out);
	} else if (taken->producers && !history->head.signaled) {
		fputs(": its producer's, until it is signaled\n", out);
	} else {
		fputs(": not dropped\n", out);
	}
}

static void begin_line(FILE *out, uint32_t times)
{
	fputs("    ", out);
	if (times > 1)
		fprintf(out, "%" PRIu32 " times: ", times);
}

static void print_all_taken(FILE *out, const struct history *history, const struct balance *balance)
{
	uint32_t i, times;

	for (i = 0; i < balance->num_taken; i += times) {
		const struct balance_reference *taken = &balance->taken[i];

		for (times = 1; i + times < balance->num_taken; times++) {
			const struct balance_reference *next = &taken[times];

			if (taken->producers || next->producers ||
			    !same_words(history, taken->entry, next->entry) ||
			    !same_words(history, put_of(balance, taken), put_of(balance, next)))
				break;
		}
		begin_line(out, times);
		print_taken(out, history, balance, taken);
	}
	if (balance->more_taken)
		fprintf(out, "    and %" PRIu64 " more that were taken\n", balance->more_taken);
}

static void print_references(FILE *out, const struct history *history,
			     const struct balance *balance)
{
	uint32_t i;

	fputs("  its references, as they fit together best:\n", out);
	print_all_taken(out, history, balance);
	for (i = 0; i < balance->num_dropped; i++) {
		if (balance->dropped[i].match != BALANCE_NONE)
			continue;
		begin_line(out, 1);
		print_place(out, &history->entries[balance->dropped[i].entry]);
		fputs(": not matched\n", out);
	}
}

/* A producer that forgets to signal looks like a put too many: of its own reference. */
static bool may_be_forgotten(const struct side *side)
{
	const struct entry *made = &side->history->entries[0];
	uint32_t i;

	for (i = 0; i < side->count; i++) {
		const struct entry *entry = entry_of(side, i);

		if (is_left(side, i) && entry && made->kind == ENTRY_INIT &&
		    (entry->caller == made->caller || entry->thread == made->thread))
			return true;
	}
	return false;
}

static void print_pending(FILE *out, const struct side *side)
{
	if (!count_left(side)) {
		fputs("  each reference that was taken was dropped once: its producer has dropped "
		      "its own, and has not signaled it\n",
		      out);
	} else if (may_be_forgotten(side)) {
		fputs("  (or that was the producer's own reference, and it has forgotten to signal "
		      "the fence)\n",
		      out);
	}
}

/* A get of a fence that had been released. */
static void print_revived(FILE *out, const struct history *history)
{
	bool released = false;
	uint32_t i;

	for (i = 0; i < history->count; i++) {
		if (history->entries[i].kind == ENTRY_RELEASE)
			released = true;
		if (!released || history->entries[i].kind != ENTRY_GET)
			continue;
		fputs("  taken after the last reference was dropped:\n", out);
		print_suspect(out, history, &history->entries[i]);
		return;
	}
}

enum question { PUTS, GETS, FAULT };

static void print_verdict(FILE *out, const struct history *history, enum question question)
{
	const bool pending = !history->head.signaled;
	struct balance *balance = dma_fence_balance(history);
	struct side *puts = calloc(1, sizeof(*puts)), *gets = calloc(1, sizeof(*gets));

	if (balance && puts && gets) {
		*puts = (struct side){
			history, balance->dropped, balance->num_dropped, pending, { false }
		};
		*gets = (struct side){
			history, balance->taken, balance->num_taken, pending, { false }
		};
		if (question != GETS && count_left(puts))
			print_suspects(puts, out, "a dma_fence_put() too many");
		else if (question != PUTS && count_left(gets))
			print_suspects(gets, out, "a reference that was not dropped");
		if (question == FAULT && pending)
			print_pending(out, puts);
		print_revived(out, history);
		print_references(out, history, balance);
		print_gaps(out, &history->head);
	}
	free(gets);
	free(puts);
	free(balance);
}

void dma_fence_verdict_on_puts(FILE *out, const struct history *history)
{
	print_verdict(out, history, PUTS);
}

void dma_fence_verdict_on_gets(FILE *out, const struct history *history)
{
	print_verdict(out, history, GETS);
}

void dma_fence_verdict_on_fault(FILE *out, const struct history *history)
{
	print_verdict(out, history, FAULT);
}

void dma_fence_verdict_on_holders(FILE *out, const struct history *history)
{
	struct balance *balance = dma_fence_balance(history);
	uint32_t i;

	for (i = 0; balance && i < balance->num_taken; i++) {
		const struct balance_reference *taken = &balance->taken[i];

		if (taken->match != BALANCE_NONE)
			continue;
		fputs("held since ", out);
		if (taken->entry == BALANCE_UNKNOWN)
			fputs("before the ledger began", out);
		else
			print_place(out, &history->entries[taken->entry]);
		fputs(taken->producers ? ": its producer's\n" : "\n", out);
	}
	free(balance);
}

static void print_value(FILE *out, const struct entry *entry)
{
	char text[512];

	switch (entry->kind) {
	case ENTRY_GET:
		if (entry->value)
			fprintf(out, ", and %" PRIu64 " more like it", entry->value);
		break;
	case ENTRY_PUT:
		if (entry->value)
			fprintf(out, ", by the release of the container %#" PRIx64, entry->value);
		break;
	case ENTRY_CONTAIN:
		fprintf(out, " %#" PRIx64, entry->value);
		break;
	case ENTRY_ADD_CALLBACK:
	case ENTRY_CALLBACK:
		dma_fence_symbol_of_function((const void *)(uintptr_t)entry->value, text,
					     sizeof(text));
		fprintf(out, ": %s%s", text,
			entry->flags & ENTRY_REFUSED ? ", refused: it was signaled" : "");
		break;
	case ENTRY_REMOVE_CALLBACK:
		fprintf(out, ": at %#" PRIx64 "%s", entry->value,
			entry->flags & ENTRY_REFUSED ? ", which had run, or was not there" : "");
		break;
	case ENTRY_SIGNAL:
		if (entry->value)
			fprintf(out, ", error %" PRId64, (int64_t)entry->value);
		break;
	case ENTRY_SET_DEADLINE:
	case ENTRY_WAIT_END:
		fprintf(out, ": %" PRId64, (int64_t)entry->value);
		break;
	case ENTRY_EXPORT:
		fprintf(out, " as fd %" PRIu64, entry->value);
		break;
	default:
		break;
	}
}

void dma_fence_history_print(FILE *out, const struct history *history)
{
	const struct account_head *head = &history->head;
	int64_t first = history->count ? history->entries[0].time : 0;
	char thread[80];
	uint32_t i;

	fprintf(out, "fence %" PRIu64 ":%" PRIu64 ", %s; %" PRIu32 " entries\n", head->context,
		head->seqno,
		head->released	 ? "released"
		: head->signaled ? "signaled"
				 : "pending",
		history->count);
	for (i = 0; i < history->count; i++) {
		const struct entry *entry = &history->entries[i];
		const int64_t since = entry->time - first;

		dma_fence_thread_describe(entry->thread, thread, sizeof(thread));
		fprintf(out, "  +%" PRId64 ".%09" PRId64 " s, thread %s: %s", since / 1000000000,
			since % 1000000000, thread, name_of(entry));
		print_value(out, entry);
		fputc('\n', out);
		dma_fence_stack_print(out, entry->stack, "    ");
	}
}
