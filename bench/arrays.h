/* SPDX-License-Identifier: MIT */
/*
 * Arrays, beside the classical one (reference-array.h), which takes turns with ours round by round.
 *
 * A round makes arrays, adds a callback to each, signals all members, by which the callbacks are
 * called, and puts the arrays. Making the members and the vector of pointers to them is not timed,
 * nor is dropping the bench's own references to the members. Small arrays come in numbers, so that
 * a round always has at least 1024 members. An operation is a member.
 */
#ifndef DMAFENCE_BENCH_ARRAYS_H
#define DMAFENCE_BENCH_ARRAYS_H

#include <stdbool.h>
#include <stdint.h>

#define MOST_ARRAY_MEMBERS 65536

/* The order in which members are signaled. Reverse is the worst one for ours. */
enum member_order {
	ORDER_INDEX,
	ORDER_REVERSE,
	ORDER_RANDOM,
	MEMBER_ORDERS,
};

struct array_case {
	unsigned int members;
	enum member_order order;
	bool clock; /* whether a signal reads it */
};

/** bench_arrays - classical; ours */
#define BENCH_ARRAY_ROWS 2
void bench_arrays(uint64_t ops, double *results, const void *array_case);

/** bench_array_phases - the same, split: of create, enable, signal and release each both */
#define BENCH_ARRAY_PHASES     4
#define BENCH_ARRAY_PHASE_ROWS (BENCH_ARRAY_ROWS * BENCH_ARRAY_PHASES)
void bench_array_phases(uint64_t ops, double *results, const void *array_case);

/**
 * bench_array_bytes - how much of malloc()'s memory an array takes, created and enabled: classical;
 * ours
 *
 * Without the vector of pointers, which is the caller's.
 */
void bench_array_bytes(uint64_t ops, double *results, const void *array_case);

#endif
