/* SPDX-License-Identifier: MIT */
/* What is said of a fault. */
#include "world.h"

#include "fault.h"

static struct softgpu_fault fault = {
	.address = 0x1234,
	.buffer = "pixels",
	.offset = 17,
	.context = "first",
	.seqno = 5,
	.batch = 1,
	.command = 2,
	.opcode = SOFTGPU_OP_BLEND,
	.engine = "compute 0",
};

static void assert_says(const char *end)
{
	char expected[512], text[512];

	snprintf(expected, sizeof(expected),
		 "softgpu: compute 0: job 5 of context \"first\", batch 1, command 2 (%s), "
		 "was going to %s address 0x1234, which %s",
		 fault.opcode == SOFTGPU_OP_BLEND ? "blend" : "unknown",
		 fault.write ? "write to" : "read", end);
	assert_int_equal(softgpu_fault_describe(&fault, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
}

static void every_kind_has_a_line(void **state)
{
	(void)state;
	fault.kind = SOFTGPU_FAULT_NOT_MAPPED;
	assert_says("is not mapped: 17 bytes after the beginning of buffer \"pixels\"");
	fault.buffer = NULL;
	assert_says("is not mapped, nor is anything below it");
	fault.buffer = "";
	assert_says("is not mapped, nor is anything below it");
	fault.buffer = "pixels";
	fault.write = true;
	fault.kind = SOFTGPU_FAULT_READ_ONLY;
	assert_says("is mapped read-only: byte 17 of buffer \"pixels\"");
	fault.kind = SOFTGPU_FAULT_RETURNED;
	assert_says("was byte 17 of buffer \"pixels\", whose memory was returned");
	fault.since_ns = 4999;
	assert_says("was byte 17 of buffer \"pixels\", whose memory was returned 4 us before");
}

static void of_commands_that_there_are_not(void **state)
{
	const enum softgpu_opcode opcode = fault.opcode;

	(void)state;
	fault.kind = SOFTGPU_FAULT_NOT_MAPPED;
	fault.opcode = (enum softgpu_opcode)0;
	assert_says("is not mapped: 17 bytes after the beginning of buffer \"pixels\"");
	fault.opcode = (enum softgpu_opcode)1000;
	assert_says("is not mapped: 17 bytes after the beginning of buffer \"pixels\"");
	fault.opcode = opcode;
}

/* That is what happens without a handler. */
static void a_line_goes_to_stderr(void **state)
{
	char expected[512], line[512];
	int saved = dup(2), fds[2];
	ssize_t length;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(dup2(fds[1], 2), 2);
	softgpu_print_fault(NULL, &fault);
	assert_int_equal(dup2(saved, 2), 2);
	length = read(fds[0], line, sizeof(line) - 1);
	assert_true(length > 0);
	line[length] = '\0';
	softgpu_fault_describe(&fault, expected, sizeof(expected) - 1);
	strcat(expected, "\n");
	assert_string_equal(line, expected);
	close(fds[0]);
	close(fds[1]);
	close(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_a_line),
		cmocka_unit_test(of_commands_that_there_are_not),
		cmocka_unit_test(a_line_goes_to_stderr),
	};

	return RUN(tests);
}
