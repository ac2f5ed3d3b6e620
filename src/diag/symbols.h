/* SPDX-License-Identifier: MIT */
/*
 * What addresses are called: function, file and line, the inlined functions included.
 *
 * Debug information is read by libdw of elfutils, which is loaded when the first address is asked
 * for, so that a program without a report does without it. Where it is missing, or there is no
 * debug information, there are the names of functions, or at least the module and the place in it.
 *
 * All this takes milliseconds, opens files for reading, and takes the dynamic loader's lock: it is
 * for reports, and not to be called under a lock of the library. A lock of its own lets one thread
 * in at a time.
 */
#ifndef DMAFENCE_DIAG_SYMBOLS_H
#define DMAFENCE_DIAG_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct symbol {
	const char *function; /* NULL if nobody knows */
	const char *file;     /* without folders; NULL if nobody knows, and then 'line' is 0 */
	int line;
	const char *declared_file; /* the same of the line in which the function begins */
	int declared_line;
	const char
		*module; /* the program or library, without folders; NULL outside of all of them */
	/*
	 * How far the address is from where the function begins. Without a function it is the
	 * address as the module has it, for addr2line; outside of all modules it is the address.
	 */
	uintptr_t offset;
	bool inlined; /* into the next one */
	bool own;     /* of this library */
	bool hidden;  /* of what is below main() or the function of a thread, or of a sanitizer */
};

/*
 * Around several look-ups what has been read for one can be kept for the next, as are the files: it
 * is what takes the time, 100 ms for a large program. They may be nested.
 */
void dma_fence_symbols_begin(void);
void dma_fence_symbols_end(void);

/*
 * Calls found() for each function that an address is in, at least once, the inlined ones first. It
 * is a return address: what is looked for is the call before it. The strings are valid during the
 * call, and found() does not come back here.
 */
void dma_fence_symbolise(const void *return_address,
			 void (*found)(const struct symbol *symbol, void *arg), void *arg);

/* The same of the address of a function. What is inlined where it begins comes first here, too. */
void dma_fence_symbolise_function(const void *function,
				  void (*found)(const struct symbol *symbol, void *arg), void *arg);

/* "function (file.c:12)" of the address of a function: the line in which it begins. */
void dma_fence_symbol_of_function(const void *function, char *text, size_t size);

/* "function (file.c:12)" of the call that returns there, in the innermost function that it is in. */
void dma_fence_symbol_of_caller(const void *return_address, char *text, size_t size);

/* A frame a line, without the library's own innermost: indent, "#0 function (file.c:12)". */
void dma_fence_stack_print(FILE *out, uint32_t stack, const char *indent);

/* The innermost frame that is not the library's: "function (file.c:12)", or "somewhere". */
void dma_fence_stack_site(uint32_t stack, char *text, size_t size);

#endif
