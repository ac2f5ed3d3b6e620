/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explore.h"
#include "step.h"
#include "trace.h"

#define TEXTS	  16
#define TEXT_SIZE 400

static char *text(void)
{
	static char texts[TEXTS][TEXT_SIZE];
	static unsigned int next;

	return texts[next++ % TEXTS];
}

char trace_letter(unsigned int thread)
{
	return "mabcdg"[thread];
}

const char *trace_thread(unsigned int thread)
{
	char *name = text();

	snprintf(name, TEXT_SIZE, "%c", trace_letter(thread));
	return name;
}

/* Code */

struct code {
	void *pc;
	char text[TEXT_SIZE];
};

static const char *self(void)
{
	static char path[4096];

	if (!path[0] && readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return "";
	return path;
}

/* The function and its line, and those that it has been put into. */
static void find_code(struct code *code)
{
	char command[5000], line[1000], *at, *name;
	size_t used = 0;
	FILE *output;

	snprintf(command, sizeof(command), "addr2line -e '%s' -f -i -p -s %p 2>/dev/null", self(),
		 (void *)((char *)code->pc - 1));
	snprintf(code->text, TEXT_SIZE, "%p", code->pc);
	output = popen(command, "r");
	while (output && fgets(line, sizeof(line), output) && used < TEXT_SIZE) {
		line[strcspn(line, "\n")] = '\0';
		name = strncmp(line, " (inlined by) ", 14) ? line : line + 14;
		at = strstr(name, " at ");
		if (!at)
			continue;
		*at = '\0';
		if (strstr(at + 4, " (discriminator"))
			*strstr(at + 4, " (discriminator") = '\0';
		used += (size_t)snprintf(code->text + used, TEXT_SIZE - used, "%s%s (%s)",
					 used ? " in " : "", name, at + 4);
	}
	if (output)
		pclose(output);
}

const char *trace_code(void *pc)
{
	static struct code codes[512];
	unsigned int i;

	for (i = 0; i < 511 && codes[i].pc && codes[i].pc != pc; i++)
		;
	if (codes[i].pc != pc) {
		codes[i].pc = pc;
		find_code(&codes[i]);
	}
	return codes[i].text;
}

/* Memory */

#define NAMES 256

static struct name {
	const char *address;
	size_t size;
	const char *name;
} names[NAMES];
static unsigned int num_names;

void model_name(const void *object, size_t size, const char *name)
{
	unsigned int i;

	if (num_names == NAMES)
		return;
	/* The smallest comes first: a field before the structure. */
	for (i = num_names++; i && names[i - 1].size > size; i--)
		names[i] = names[i - 1];
	names[i].address = object;
	names[i].size = size;
	names[i].name = name;
}

static bool variable_name(const char *address, char *name)
{
	char command[5000], line[1000], symbol[900];
	unsigned long begin, size;
	bool found = false;
	FILE *output;

	snprintf(command, sizeof(command), "nm -S --defined-only '%s' 2>/dev/null", self());
	output = popen(command, "r");
	while (output && !found && fgets(line, sizeof(line), output)) {
		if (sscanf(line, "%lx %lx %*c %899s", &begin, &size, symbol) != 3 ||
		    (uintptr_t)address - begin >= size)
			continue;
		found = true;
		if ((uintptr_t)address == begin)
			snprintf(name, TEXT_SIZE, "%.300s", symbol);
		else
			snprintf(name, TEXT_SIZE, "%.300s+%zu", symbol, (uintptr_t)address - begin);
	}
	if (output)
		pclose(output);
	return found;
}

const char *trace_address(const void *memory)
{
	const char *address = memory;
	char *name = text();
	unsigned int i;

	for (i = 0; i < num_names; i++) {
		if (address < names[i].address || address >= names[i].address + names[i].size)
			continue;
		if (address == names[i].address)
			snprintf(name, TEXT_SIZE, "%.300s", names[i].name);
		else
			snprintf(name, TEXT_SIZE, "%.300s+%td", names[i].name,
				 address - names[i].address);
		return name;
	}
	if (!memory_describe(address, name, TEXT_SIZE) && !variable_name(address, name))
		snprintf(name, TEXT_SIZE, "%p", memory);
	return name;
}

/* Steps */

/* Accesses of the run, to tell with which one another is in a race. */
struct access_record {
	const char *address;
	size_t size;
	void *pc;
	uint8_t thread;
	uint8_t access;
};

#define RECORDS 65536
static struct access_record records[RECORDS];
static unsigned int num_records;

void trace_reset(void)
{
	num_names = 0;
	num_records = 0;
}

void trace_access(const void *address, size_t size, enum access access, void *pc)
{
	if (num_records == RECORDS)
		return;
	records[num_records++] = (struct access_record){
		.address = address,
		.size = size,
		.pc = pc,
		.thread = (uint8_t)current->index,
		.access = (uint8_t)access,
	};
}

const char *trace_other_access(const char *address, unsigned int thread, enum access access)
{
	char *where = text();
	unsigned int i;

	where[0] = '\0';
	for (i = num_records; i--;) {
		const struct access_record *record = &records[i];

		if (record->thread != thread || record->access != (uint8_t)access ||
		    address < record->address || address >= record->address + record->size)
			continue;
		snprintf(where, TEXT_SIZE, " at %.380s", trace_code(record->pc));
		break;
	}
	return where;
}

static const char *order_name(int order)
{
	static const char *const orders[] = {
		[__ATOMIC_RELAXED] = "relaxed", [__ATOMIC_CONSUME] = "consume",
		[__ATOMIC_ACQUIRE] = "acquire", [__ATOMIC_RELEASE] = "release",
		[__ATOMIC_ACQ_REL] = "acq_rel", [__ATOMIC_SEQ_CST] = "seq_cst",
	};

	return orders[order];
}

static const char *const kinds[] = {
	[OP_LOAD] = "load",
	[OP_STORE] = "store",
	[OP_EXCHANGE] = "exchange",
	[OP_ADD] = "fetch_add",
	[OP_SUB] = "fetch_sub",
	[OP_AND] = "fetch_and",
	[OP_OR] = "fetch_or",
	[OP_XOR] = "fetch_xor",
	[OP_CAS] = "cas",
	[OP_FENCE] = "fence",
	[OP_PARK] = "goes to sleep on",
	[OP_SLEEP] = "wakes up on",
	[OP_WAKE] = "wakes who sleeps on",
	[OP_RELAX] = "has seen others go on",
	[OP_CHOOSE] = "chooses",
	[OP_JOIN] = "all threads have ended",
	[OP_DRAIN] = "nothing waits for a grace period",
	[OP_READ_LOCK] = "read-side section begins",
	[OP_READ_UNLOCK] = "read-side section ends",
	[OP_DEFER] = "defers a call",
	[OP_GRACE_BEGIN] = "grace period begins",
	[OP_GRACE_END] = "grace period ends",
	[OP_SYNCHRONIZE] = "grace period begins",
	[OP_SYNCHRONIZED] = "grace period ends",
	[OP_FILE] = "file",
};

void trace_step(unsigned int step, struct thread *thread, unsigned int outcome)
{
	const struct op *op = &thread->op;
	const struct location *location = op->location;

	fprintf(trace, "%4u  %c  %s", step, trace_letter(thread->index), kinds[op->kind]);
	switch (op->kind) {
	case OP_LOAD:
		fprintf(trace, " %s, %s: %#" PRIx64, trace_address(op->address),
			order_name(op->order), location->stores[outcome].value);
		if (outcome + 1 < location->num_stores)
			fprintf(trace, " (old: now it is %#" PRIx64 ")",
				memory_value(op->address, op->size));
		break;
	case OP_STORE:
		fprintf(trace, " %s, %s: %#" PRIx64, trace_address(op->address),
			order_name(op->order), op->operand);
		break;
	case OP_CAS:
		fprintf(trace, " %s, %s: %#" PRIx64 " to %#" PRIx64, trace_address(op->address),
			order_name(op->order), op->expected, op->operand);
		if (outcome != OUTCOME_DONE)
			fprintf(trace, " fails: it is %#" PRIx64, location->stores[outcome].value);
		if (outcome != OUTCOME_DONE && outcome + 1 < location->num_stores)
			fprintf(trace, " (old: now it is %#" PRIx64 ")",
				memory_value(op->address, op->size));
		break;
	case OP_EXCHANGE:
	case OP_ADD:
	case OP_SUB:
	case OP_AND:
	case OP_OR:
	case OP_XOR:
		fprintf(trace, " %s, %s: %#" PRIx64 ", it was %#" PRIx64,
			trace_address(op->address), order_name(op->order), op->operand,
			memory_value(op->address, op->size));
		break;
	case OP_FENCE:
		fprintf(trace, " %s", order_name(op->order));
		break;
	case OP_PARK:
		fprintf(trace, " %s while it is %#" PRIx64 ": it is %#" PRIx64,
			trace_address(op->address), op->expected, memory_value(op->address, 4));
		break;
	case OP_SLEEP:
		fprintf(trace, " %s: %s", trace_address(op->address),
			outcome == OUTCOME_TIMED_OUT	 ? "the time is over"
			: outcome == OUTCOME_INTERRUPTED ? "a signal handler has run"
							 : "woken");
		break;
	case OP_WAKE:
		fprintf(trace, " %s", trace_address(op->address));
		break;
	case OP_CHOOSE:
		fprintf(trace, " %u", outcome);
		break;
	default:
		break;
	}
	if (op->pc)
		fprintf(trace, "\n            in %s", trace_code(op->pc));
	fputc('\n', trace);
}
