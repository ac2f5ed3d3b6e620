/* SPDX-License-Identifier: MIT */
/* What a way from a signalling section to a wait is in words. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/report.h"
#include "diag/lock-graph.h"
#include "diag/stack.h"
#include "diag/symbols.h"

#define TEXT_SIZE 1024

struct text {
	char text[TEXT_SIZE];
	size_t length;
};

static __attribute__((format(printf, 2, 3))) void say(struct text *text, const char *format, ...)
{
	const size_t room = sizeof(text->text) - text->length;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text->text + text->length, room, format, args);
	va_end(args);
	if (length > 0)
		text->length += (size_t)length < room ? (size_t)length : room - 1;
}

static const char *name_of(lock_class_t class)
{
	return dma_fence_lock_class(class)->name;
}

struct site {
	char text[CLASS_NAME];
};

static struct site site_of(uint32_t stack)
{
	struct site site;

	dma_fence_stack_site(stack, site.text, sizeof(site.text));
	return site;
}

static struct site section_of(const struct lock_edge *first)
{
	struct site site;
	int length;

	if (!first->callback) {
		snprintf(site.text, sizeof(site.text), "a signalling section");
		return site;
	}
	length = snprintf(site.text, sizeof(site.text), "callback ");
	dma_fence_symbol_of_function(first->callback, site.text + length,
				     sizeof(site.text) - (size_t)length);
	return site;
}

static void say_wait(struct text *text, const struct lock_edge *last)
{
	const struct lock_class *wait = dma_fence_lock_class(last->to);

	say(text, "%s() is called at %s", wait->function, site_of(last->to_stack).text);
}

static void say_way(struct text *text, const struct lock_way *way)
{
	const struct lock_edge *first = &way->edges[0], *last = &way->edges[way->count - 1];
	unsigned int i;

	if (way->count == 1) {
		say_wait(text, last);
		say(text, " in %s: who is to signal may wait for a signal", section_of(first).text);
		return;
	}
	if (way->count == 2) {
		say(text, "lock %s is held while ", name_of(first->to));
		say_wait(text, last);
		say(text, " and is taken in %s at %s", section_of(first).text,
		    site_of(first->to_stack).text);
	} else {
		say(text, "lock %s is taken in %s at %s, ", name_of(first->to),
		    section_of(first).text, site_of(first->to_stack).text);
		for (i = 1; i < way->count - 1; i++)
			say(text, "lock %s is taken by who holds %s at %s, ",
			    name_of(way->edges[i].to), name_of(way->edges[i].from),
			    site_of(way->edges[i].to_stack).text);
		say(text, "and ");
		say_wait(text, last);
		say(text, " by who holds %s", name_of(last->from));
	}
	say(text, ": who is to signal may wait for who waits for it");
}

static void print_stack(FILE *out, uint32_t stack)
{
	dma_fence_stack_print(out, stack, "    ");
}

static void print_edge(FILE *out, const struct lock_edge *edge)
{
	const struct lock_class *to = dma_fence_lock_class(edge->to);

	if (edge->callback) {
		fprintf(out, "  in %s ", section_of(edge).text);
	} else if (edge->from == SIGNALLING_CLASS) {
		fprintf(out, "  the signalling section began at:\n");
		print_stack(out, edge->from_stack);
		fprintf(out, "  and in it ");
	} else {
		fprintf(out, "  lock %s was taken at:\n", name_of(edge->from));
		print_stack(out, edge->from_stack);
		fprintf(out, "  and while it was held ");
	}
	if (to->kind == CLASS_WAIT)
		fprintf(out, "%s() was called at:\n", to->function);
	else
		fprintf(out, "lock %s was taken at:\n", to->name);
	print_stack(out, edge->to_stack);
}

static char *details_of(const struct lock_way *way)
{
	const uint64_t missing = dma_fence_lock_graph_missing();
	char *details = NULL;
	size_t size;
	FILE *out = open_memstream(&details, &size);
	unsigned int i;

	if (!out)
		return NULL;
	for (i = 0; i < way->count; i++)
		print_edge(out, &way->edges[i]);
	if (missing)
		fprintf(out,
			"  what there was no room for was passed over %" PRIu64
			" times: there may be more\n",
			missing);
	if (fclose(out)) {
		free(details);
		return NULL;
	}
	return details;
}

void dma_fence_lock_way_report(const struct lock_way *way)
{
	struct text text = { .length = 0 };
	char *details;

	dma_fence_symbols_begin();
	say_way(&text, way);
	details = details_of(way);
	dma_fence_symbols_end();
	dma_fence_report_with_details(DMA_FENCE_REPORT_SIGNALLING, NULL, details, "%s", text.text);
}
