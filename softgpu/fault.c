/* SPDX-License-Identifier: MIT */
/* Telling of faults: a line about each. */
#include "fault.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const opcode_names[] = {
	[SOFTGPU_OP_COPY] = "copy",	    [SOFTGPU_OP_FILL] = "fill",
	[SOFTGPU_OP_CONVOLVE] = "convolve", [SOFTGPU_OP_SCALE] = "scale",
	[SOFTGPU_OP_BLEND] = "blend",	    [SOFTGPU_OP_CONVERT] = "convert",
	[SOFTGPU_OP_CRC32] = "crc32",	    [SOFTGPU_OP_STORE] = "store",
	[SOFTGPU_OP_WAIT] = "wait",	    [SOFTGPU_OP_HANG] = "hang",
	[SOFTGPU_OP_ENCODE] = "encode",
};

static const char *name_of(enum softgpu_opcode opcode)
{
	if ((unsigned int)opcode >= sizeof(opcode_names) / sizeof(opcode_names[0]) ||
	    !opcode_names[opcode])
		return "unknown";
	return opcode_names[opcode];
}

static void describe_reason(const struct softgpu_fault *fault, char *text, size_t size)
{
	const bool has_buffer = fault->buffer && *fault->buffer;

	switch (fault->kind) {
	case SOFTGPU_FAULT_READ_ONLY:
		snprintf(text, size, "is mapped read-only: byte %" PRIu64 " of buffer \"%s\"",
			 fault->offset, fault->buffer);
		break;
	case SOFTGPU_FAULT_RETURNED:
		if (fault->since_ns)
			snprintf(text, size,
				 "was byte %" PRIu64 " of buffer \"%s\", whose memory was returned "
				 "%" PRId64 " us before",
				 fault->offset, fault->buffer, fault->since_ns / 1000);
		else
			snprintf(text, size,
				 "was byte %" PRIu64 " of buffer \"%s\", whose memory was returned",
				 fault->offset, fault->buffer);
		break;
	default:
		if (has_buffer)
			snprintf(text, size,
				 "is not mapped: %" PRIu64
				 " bytes after the beginning of buffer \"%s\"",
				 fault->offset, fault->buffer);
		else
			snprintf(text, size, "is not mapped, nor is anything below it");
	}
}

int softgpu_fault_describe(const struct softgpu_fault *fault, char *text, size_t size)
{
	char reason[192];

	describe_reason(fault, reason, sizeof(reason));
	return snprintf(text, size,
			"softgpu: %s: job %" PRIu64
			" of context \"%s\", batch %u, command %u (%s), was going to %s address "
			"0x%" PRIx64 ", which %s",
			fault->engine, fault->seqno, fault->context, fault->batch, fault->command,
			name_of(fault->opcode), fault->write ? "write to" : "read", fault->address,
			reason);
}

void softgpu_print_fault(void *arg, const struct softgpu_fault *fault)
{
	char text[512];

	(void)arg;
	softgpu_fault_describe(fault, text, sizeof(text));
	fprintf(stderr, "%s\n", text);
}
