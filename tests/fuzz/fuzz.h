/* SPDX-License-Identifier: MIT */
/*
 * What the targets of the fuzzer share.
 *
 * A target is one file with an LLVMFuzzerTestOneInput() in it, which does with the bytes whatever it
 * is about, looks whether that came out as promised, and leaves nothing behind. It is linked with
 * libFuzzer by scripts/fuzz.sh, and with replay.c for 'make check'.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input is; says what did not, and ends the program. */
#define fuzz_check(holds) \
	do { \
		if (!(holds)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds); \
			abort(); \
		} \
	} while (0)

/* The input, taken from the front. When it is used up all that is taken is 0. */
struct fuzz_input {
	const uint8_t *data;
	size_t left;
};

static inline uint64_t fuzz_take(struct fuzz_input *input, size_t bytes)
{
	uint64_t value = 0;
	size_t some = bytes < input->left ? bytes : input->left;

	memcpy(&value, input->data, some);
	input->data += some;
	input->left -= some;
	return value;
}

static inline uint8_t fuzz_take_byte(struct fuzz_input *input)
{
	return (uint8_t)fuzz_take(input, 1);
}

#endif
