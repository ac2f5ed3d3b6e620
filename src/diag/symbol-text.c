/* SPDX-License-Identifier: MIT */
/* Functions and stacks in words. */
#include <dlfcn.h>
#include <string.h>

#include "base/atomic.h"
#include "diag/stack.h"
#include "diag/symbols.h"

enum { TEXT_SIZE = 512 };

static void write_symbol(const struct symbol *symbol, char *text, size_t size)
{
	if (symbol->function && symbol->file)
		snprintf(text, size, "%s (%s:%d)", symbol->function, symbol->file, symbol->line);
	else if (symbol->function && symbol->module)
		snprintf(text, size, "%s+0x%zx (%s)", symbol->function, (size_t)symbol->offset,
			 symbol->module);
	else if (symbol->module)
		snprintf(text, size, "%s+0x%zx", symbol->module, (size_t)symbol->offset);
	else
		snprintf(text, size, "0x%zx", (size_t)symbol->offset);
}

struct text {
	char *text;
	size_t size;
};

static void write_function(const struct symbol *symbol, void *arg)
{
	struct text *text = arg;
	struct symbol begin = *symbol;

	/* The last one is the function that has the address; others are inlined into it. */
	begin.file = symbol->declared_file;
	begin.line = symbol->declared_line;
	if (!begin.file && symbol->function && !symbol->offset)
		snprintf(text->text, text->size, "%s (%s)", symbol->function, symbol->module);
	else
		write_symbol(&begin, text->text, text->size);
}

void dma_fence_symbol_of_function(const void *function, char *text, size_t size)
{
	struct text here = { text, size };

	dma_fence_symbolise_function(function, write_function, &here);
}

static void write_first(const struct symbol *symbol, void *arg)
{
	struct text *text = arg;

	if (!text->text[0])
		write_symbol(symbol, text->text, text->size);
}

void dma_fence_symbol_of_caller(const void *return_address, char *text, size_t size)
{
	struct text here = { text, size };

	text[0] = '\0';
	dma_fence_symbolise(return_address, write_first, &here);
}

/*
 * Frames in the order in which they come. The library's own are left out as long as nothing else
 * has come: where it is called from a callback, it is a part of what the callback was called from.
 */
struct reader {
	void (*user)(struct reader *reader, const char *text, bool inlined);
	unsigned int frame; /* that is looked at */
	bool outside;	    /* of the library's innermost frames */
	bool over;
	unsigned int shown;
	char last_own[TEXT_SIZE];
	char held_back[TEXT_SIZE];
	FILE *out;
	const char *indent;
	struct text text;
};

static void read_user(struct reader *reader, const char *text, bool inlined)
{
	reader->outside = true;
	reader->user(reader, text, inlined);
	reader->shown++;
}

static void read_symbol(const struct symbol *symbol, void *arg)
{
	struct reader *reader = arg;
	char text[TEXT_SIZE];

	if (reader->over || symbol->hidden)
		return;
	write_symbol(symbol, text, sizeof(text));
	if (!reader->outside && symbol->own) {
		memcpy(reader->last_own, text, sizeof(text));
		reader->held_back[0] = '\0';
		return;
	}
	/*
	 * Without debug information the library's static functions are like any others. A stack
	 * is taken inside of it: what was called by it, and has taken the stack, is its own, too.
	 */
	if (!reader->outside && !reader->frame && !symbol->file) {
		memcpy(reader->held_back, text, sizeof(text));
		return;
	}
	if (reader->held_back[0]) {
		read_user(reader, reader->held_back, false);
		reader->held_back[0] = '\0';
	}
	if (reader->over)
		return;
	read_user(reader, text, symbol->inlined);
	/* What is below main() is the same for all. */
	if (symbol->function && !strcmp(symbol->function, "main"))
		reader->over = true;
}

static bool in_libc(const void *address)
{
	const char *name;
	Dl_info info;

	if (!dladdr(address, &info) || !info.dli_fname)
		return false;
	name = strrchr(info.dli_fname, '/');
	name = name ? name + 1 : info.dli_fname;
	return !strncmp(name, "libc.so", 7) || !strncmp(name, "libpthread.so", 13);
}

/*
 * What calls main() and the functions of threads is the same for all: how many frames are left
 * without it. That goes by the module, for few systems have names for it.
 */
static unsigned int without_start(const void *const *frames, unsigned int count)
{
	/* The program's first instructions, if the stack is here as a whole. */
	if (count > 2 && count < STACK_FRAMES && !in_libc(frames[count - 1]) &&
	    in_libc(frames[count - 2]))
		count--;
	while (count > 1 && in_libc(frames[count - 1]))
		count--;
	return count;
}

static void read_stack(struct reader *reader, uint32_t stack)
{
	const void *frames[STACK_FRAMES];
	unsigned int count = dma_fence_stack_frames(stack, frames);

	count = without_start(frames, count);
	dma_fence_symbols_begin();
	for (reader->frame = 0; reader->frame < count && !reader->over; reader->frame++)
		dma_fence_symbolise(frames[reader->frame], read_symbol, reader);
	dma_fence_symbols_end();
	if (reader->shown)
		return;
	/* A thread of the library's: where it came from is better than nothing. */
	if (reader->held_back[0])
		read_user(reader, reader->held_back, false);
	else if (reader->last_own[0])
		read_user(reader, reader->last_own, false);
}

static void print_frame(struct reader *reader, const char *text, bool inlined)
{
	fprintf(reader->out, "%s#%u %s%s\n", reader->indent, reader->shown, text,
		inlined ? " inlined" : "");
}

void dma_fence_stack_print(FILE *out, uint32_t stack, const char *indent)
{
	struct reader reader = { .user = print_frame, .out = out, .indent = indent };

	read_stack(&reader, stack);
	if (!reader.shown)
		fprintf(out, "%ssomewhere\n", indent);
}

static void keep_first(struct reader *reader, const char *text, bool inlined)
{
	(void)inlined;
	snprintf(reader->text.text, reader->text.size, "%s", text);
	reader->over = true;
}

/*
 * Sites that have been looked up, by the number of the stack: what asks for many of them finds the
 * same few again and again. A place is filled once, and not emptied.
 */
enum { SITES = 1024, SITE_SIZE = 192 };

static struct site {
	uint32_t stack; /* 0: free; BEING_FILLED */
	char text[SITE_SIZE];
} sites[SITES];

#define BEING_FILLED UINT32_MAX

void dma_fence_stack_site(uint32_t stack, char *text, size_t size)
{
	struct site *site = &sites[stack % SITES];
	struct reader reader = { .user = keep_first, .text = { text, size } };
	uint32_t free = 0;

	if (stack && atomic_load_acquire(&site->stack) == stack) {
		snprintf(text, size, "%s", site->text);
		return;
	}
	snprintf(text, size, "somewhere");
	read_stack(&reader, stack);
	if (stack && strlen(text) < SITE_SIZE &&
	    atomic_cas_relaxed(&site->stack, &free, BEING_FILLED)) {
		snprintf(site->text, SITE_SIZE, "%s", text);
		atomic_store_release(&site->stack, stack);
	}
}
