/* SPDX-License-Identifier: MIT */
/*
 * Programs in bytes: four for each instruction, of which the first says whose it is and what, and
 * the others whatever that makes of them. Every sequence of bytes is one.
 */
#ifndef FUZZ_API_PROGRAM_H
#define FUZZ_API_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#define ACTORS 3

/* As many as can be said. */
#define OPERATIONS 64

/* More would only take longer. */
#define LONGEST_PROGRAM 96

struct instruction {
	unsigned int actor;
	unsigned int operation;
	uint8_t a, b, c;
};

static inline size_t program_length(size_t size)
{
	return size / 4 < LONGEST_PROGRAM ? size / 4 : LONGEST_PROGRAM;
}

static inline struct instruction program_at(const uint8_t *data, size_t i)
{
	const uint8_t *bytes = data + 4 * i;

	return (struct instruction){
		.actor = bytes[0] / OPERATIONS % ACTORS,
		.operation = bytes[0] % OPERATIONS,
		.a = bytes[1],
		.b = bytes[2],
		.c = bytes[3],
	};
}

#endif
