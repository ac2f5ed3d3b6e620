/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "explore.h"
#include "memory.h"

#define COUNTERS 256

static struct counter {
	const void *address;
	bool none; /* it was taken for one, and was not */
	/* in all runs: what it begins with, and how far down each thread takes it */
	bool known;
	int32_t first;
	int32_t lowest[THREADS];
	/* in this run */
	bool counted;
	int32_t sum[THREADS];
} counters[COUNTERS];
static unsigned int num_counters;

void counters_forget(void)
{
	num_counters = 0;
}

void counters_reset(void)
{
	unsigned int i;

	for (i = 0; i < num_counters; i++) {
		counters[i].counted = false;
		memset(counters[i].sum, 0, sizeof(counters[i].sum));
	}
}

/* Each is the address, behind an exclamation mark. */
void counters_write(char *text, size_t size)
{
	size_t used = 0;
	unsigned int i;

	*text = '\0';
	for (i = 0; i < num_counters && used < size; i++) {
		if (counters[i].none)
			used += (size_t)snprintf(text + used, size - used, "!%" PRIxPTR,
						 (uintptr_t)counters[i].address);
	}
}

void counters_read(const char *text)
{
	for (; text && num_counters < COUNTERS; text = strchr(text + 1, '!')) {
		counters[num_counters++] = (struct counter){
			.address = (const void *)(uintptr_t)strtoull(text + 1, NULL, 16),
			.none = true,
		};
	}
}

static struct counter *find(const void *address)
{
	unsigned int i;

	for (i = 0; i < num_counters; i++) {
		if (counters[i].address == address)
			return &counters[i];
	}
	return NULL;
}

static bool counts(const struct op *op)
{
	return (op->kind == OP_ADD || op->kind == OP_SUB) && op->operand == 1 && op->size == 4;
}

bool counters_has(const struct thread *thread)
{
	const struct counter *counter = explore_alone() ? NULL : find(thread->op.address);

	return counter && !counter->none && counter->known && counts(&thread->op);
}

int32_t counters_level(const struct thread *thread)
{
	return find(thread->op.address)->sum[thread->index] - (thread->op.kind == OP_SUB);
}

bool counters_depend(const void *address, unsigned int thread, int32_t level, unsigned int other,
		     int32_t other_level)
{
	const struct counter *counter = find(address);
	int64_t value = (int64_t)counter->first + level + other_level;
	unsigned int t;

	for (t = 0; t < THREADS; t++) {
		if (t != thread && t != other)
			value += counter->lowest[t];
	}
	return value <= 0;
}

static void count(struct counter *counter, const struct thread *thread)
{
	const struct op *op = &thread->op;
	const unsigned int t = thread->index;
	const int32_t value = (int32_t)memory_value(op->address, op->size);
	bool learnt = false;

	if (!counter->counted) {
		counter->counted = true;
		if (!counter->known || value < counter->first) {
			counter->known = learnt = true;
			counter->first = value;
		}
	}
	counter->sum[t] += op->kind == OP_ADD ? 1 : -1;
	if (counter->sum[t] < counter->lowest[t]) {
		counter->lowest[t] = counter->sum[t];
		learnt = true;
	}
	/* Far from the other end of what a count can be. */
	if (value < 0 || value > INT32_MAX / 2) {
		counter->none = true;
		learnt = true;
	}
	if (learnt)
		explore_anew();
}

void counters_begin(const void *address)
{
	struct counter *counter = find(address);

	if (!counter)
		return;
	counter->counted = false;
	memset(counter->sum, 0, sizeof(counter->sum));
}

void counters_access(const struct thread *thread)
{
	const struct op *op = &thread->op;
	struct counter *counter = find(op->address);

	if (!counter) {
		if (op->kind != OP_SUB || !counts(op) || num_counters == COUNTERS)
			return;
		counter = &counters[num_counters++];
		memset(counter, 0, sizeof(*counter));
		counter->address = op->address;
		explore_anew();
	}
	if (counter->none)
		return;
	if (counts(op)) {
		count(counter, thread);
	} else if (thread->index != THREAD_GRACE) {
		counter->none = true;
		explore_anew();
	}
}
