/* SPDX-License-Identifier: MIT */
/* Vector clocks: how far each thread had come. */
#ifndef TESTS_MODEL_VCLOCK_H
#define TESTS_MODEL_VCLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

/* The scenario's, and two more: what runs before and after them, and grace periods. */
enum {
	THREAD_MAIN,
	THREAD_FIRST,
	THREAD_GRACE = THREAD_FIRST + MODEL_THREADS,
	THREADS,
};

struct vclock {
	int16_t of[8] __attribute__((aligned(16)));
};

/* All eight at once. */
typedef int16_t vclock_vector __attribute__((vector_size(16), may_alias));
typedef uint64_t vclock_halves __attribute__((vector_size(16)));

_Static_assert(THREADS <= 8, "one number for each thread");

static inline void vclock_join(struct vclock *clock, const struct vclock *other)
{
	vclock_vector *a = (vclock_vector *)clock;
	const vclock_vector *b = (const vclock_vector *)other;
	const vclock_vector later = *b > *a;

	*a = (*b & later) | (*a & ~later);
}

/* Whether some thread had come further than in 'other'. */
static inline bool vclock_exceeds(const struct vclock *clock, const struct vclock *other)
{
	const vclock_vector later = *(const vclock_vector *)clock > *(const vclock_vector *)other;
	const vclock_halves halves = (vclock_halves)later;

	return halves[0] | halves[1];
}

#endif
