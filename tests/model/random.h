/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MODEL_RANDOM_H
#define TESTS_MODEL_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

#define RANDOM_THREADS 3
#define RANDOM_STEPS   4

enum random_kind {
	RANDOM_LOAD,
	RANDOM_STORE,
	RANDOM_ADD,
	RANDOM_EXCHANGE,
	RANDOM_CAS,
	RANDOM_FENCE,
	RANDOM_SLEEP,
	RANDOM_WAKE,
	RANDOM_GET,
	RANDOM_PUT,
	RANDOM_SECTION,
	RANDOM_SECTION_END,
	RANDOM_SYNCHRONIZE,
	RANDOM_PLAIN_LOAD,
	RANDOM_PLAIN_STORE,
	RANDOM_SLEEP_FOR_EVER,
	RANDOM_NOTHING,
	RANDOM_KINDS,
};

struct instruction {
	enum random_kind kind;
	unsigned int variable;
	bool strong;
	uint32_t value, expected;
};

extern const struct scenario random_program;

const struct instruction *random_instruction(unsigned int thread, unsigned int step);

/* How a run of it has ended. */
void random_outcome(uint64_t hash);

/*
 * Explores so many random programs with and without the reduction. Returns how many there were in
 * which the outcomes were not the same.
 */
unsigned int random_check(unsigned int programs, uint64_t seed);

#endif
