/* SPDX-License-Identifier: MIT */
/*
 * How a run is told to people: its threads, code and memory by their names. What returns a string
 * returns one of several buffers, good for a line.
 */
#ifndef TESTS_MODEL_TRACE_H
#define TESTS_MODEL_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "memory.h"
#include "thread.h"

char trace_letter(unsigned int thread);
const char *trace_thread(unsigned int thread);
const char *trace_code(void *pc);
const char *trace_address(const void *address);

void trace_reset(void);

/* While 'trace' is there: */
void trace_step(unsigned int step, struct thread *thread, unsigned int outcome);
void trace_access(const void *address, size_t size, enum access access, void *pc);
/* ", at ...": where that was. */
const char *trace_other_access(const char *address, unsigned int thread, enum access access);

#endif
